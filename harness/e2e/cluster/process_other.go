//go:build !linux

package cluster

import "syscall"

// diesWithParent is only Linux's to give: elsewhere a test that is killed leaves its programs running.
func diesWithParent() *syscall.SysProcAttr { return nil }
