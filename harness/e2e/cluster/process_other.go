//go:build !linux

package cluster

import (
	"syscall"
	"time"
)

// diesWithParent is only Linux's to give: elsewhere a test that is killed leaves its programs running.
func diesWithParent() *syscall.SysProcAttr { return nil }

// cpu isn't told here.
func cpu(int) (time.Duration, error) { return 0, nil }
