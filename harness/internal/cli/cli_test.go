package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const functionYAML = `apiVersion: serverless.kyma-project.io/v1alpha2
kind: Function
metadata: {name: orders, namespace: team-a}
spec: {runtime: nodejs10, source: {inline: {source: x}}}
`

func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestClosedPipe(t *testing.T) {
	file := write(t, "function.yaml", functionYAML)
	for _, format := range []string{"pretty", "json"} {
		reader, writer, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		reader.Close()
		var stderr bytes.Buffer
		if code := Main([]string{"check", "-o", format, file}, nil, writer, &stderr); code != exitBroken {
			t.Errorf("%s: exit %d", format, code)
		}
		if !strings.Contains(stderr.String(), "broken pipe") {
			t.Errorf("%s: stderr %q", format, stderr.String())
		}
		writer.Close()
	}
}

// silent is a terminal at which somebody presses Ctrl-C instead of typing.
type silent struct{}

func (silent) Read([]byte) (int, error) {
	_ = syscall.Kill(syscall.Getpid(), syscall.SIGINT)
	select {}
}

func TestInterruptWhileWaitingForInput(t *testing.T) {
	var stdout, stderr bytes.Buffer
	code := Main([]string{"check", "-"}, silent{}, &stdout, &stderr)
	if code != exitBroken || stderr.String() != "kfs: interrupted\n" || stdout.Len() > 0 {
		t.Errorf("exit %d, stdout %q, stderr %q", code, stdout.String(), stderr.String())
	}
}

func TestNothingHalfWritten(t *testing.T) {
	folder := t.TempDir()
	target := filepath.Join(folder, "report.json")
	if err := os.WriteFile(target, []byte("yesterday's"), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	if code := Main([]string{"check", "-o", "json=" + filepath.Join(folder, "none", "report.json"), write(t, "f.yaml", functionYAML)},
		nil, &stdout, &stderr); code != exitBroken {
		t.Errorf("exit %d", code)
	}
	if code := Main([]string{"bundle", "--profile", "lax", "--output", target}, nil, &stdout, &stderr); code != exitBroken {
		t.Errorf("exit %d", code)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(target); err != nil || string(text) != "yesterday's" || len(entries) != 1 {
		t.Errorf("left %v, report %q, %v", entries, text, err)
	}
}

func TestColor(t *testing.T) {
	file := write(t, "function.yaml", functionYAML)
	for _, tc := range []struct {
		args []string
		env  string
		want bool
	}{
		{nil, "", false}, // no terminal
		{[]string{"--color", "always"}, "", true},
		{[]string{"--color", "always"}, "1", true},
		{[]string{"--color", "never"}, "", false},
	} {
		t.Setenv("NO_COLOR", tc.env)
		var stdout, stderr bytes.Buffer
		Main(append([]string{"check", file}, tc.args...), nil, &stdout, &stderr)
		if got := strings.Contains(stdout.String(), "\x1b["); got != tc.want {
			t.Errorf("%v NO_COLOR=%q: colour %v", tc.args, tc.env, got)
		}
	}
}

// BenchmarkCheckOne is a whole cold run on one manifest, but for starting the process.
func BenchmarkCheckOne(b *testing.B) {
	file := filepath.Join(b.TempDir(), "function.yaml")
	if err := os.WriteFile(file, []byte(functionYAML), 0o600); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		var stdout, stderr bytes.Buffer
		if code := Main([]string{"check", file}, nil, &stdout, &stderr); code != exitFindings {
			b.Fatal(stderr.String())
		}
	}
}
