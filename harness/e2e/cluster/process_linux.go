package cluster

import "syscall"

// diesWithParent has the kernel kill the program when the one that started it ends, however that came.
func diesWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
