//go:build unix

package cluster_test

import (
	"errors"
	"syscall"
)

// alive says whether there is a process, whoever's.
func alive(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }
