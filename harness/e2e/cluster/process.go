package cluster

import (
	"os"
	"os/exec"
	"runtime"
)

// process is a running program.
type process struct {
	cmd  *exec.Cmd
	log  string
	done chan struct{}
	err  error // of the program; to be read after done is closed
}

// startProcess starts a program in a folder with an environment of its own. What it writes goes to the file log.
func startProcess(program, dir, log string, env []string, args ...string) (*process, error) {
	file, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	p := &process{cmd: exec.Command(program, args...), log: log, done: make(chan struct{})}
	p.cmd.Dir = dir
	// No proxy and no credentials of the machine: it talks to loopback only.
	p.cmd.Env = append([]string{"HOME=" + dir, "TMPDIR=" + dir, "PATH=" + os.Getenv("PATH")}, env...)
	p.cmd.Stdout, p.cmd.Stderr = file, file
	p.cmd.SysProcAttr = diesWithParent()
	started := make(chan error)
	go func() {
		// Linux means the thread that started it by its parent.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// stop kills the program, which has nothing to save, and waits for its end.
func (p *process) stop() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.done
}

// tail is the end of what the program wrote.
func (p *process) tail() string {
	const most = 8 << 10
	data, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(data[max(0, len(data)-most):])
}
