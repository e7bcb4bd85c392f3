package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"kyma-function-security/harness/e2e/programs"
)

// A Registry is a running OCI registry, the CNCF's distribution, without a cluster around it.
type Registry struct {
	// Address is its host and port, to which one speaks plain HTTP.
	Address string

	dir     string
	process *process
}

const registryConfig = `version: 0.1
log: {level: info, accesslog: {disabled: true}}
storage: {inmemory: {}}
http: {addr: "127.0.0.1:0"}
`

var listening = regexp.MustCompile(`listening on (127\.0\.0\.1:[0-9]+)`)

// StartRegistry builds and starts an empty registry. The caller must Stop it; it ends with the process that started it, too.
func StartRegistry(ctx context.Context) (_ *Registry, err error) {
	program, err := programs.Build(ctx, "registry")
	if err != nil {
		return nil, err
	}
	r := &Registry{}
	if r.dir, err = os.MkdirTemp("", "kfs-registry-"); err != nil {
		return nil, fmt.Errorf("start registry: %w", err)
	}
	defer func() {
		if err != nil {
			r.Stop()
		}
	}()
	config, log := filepath.Join(r.dir, "config.yml"), filepath.Join(r.dir, "log")
	if err := os.WriteFile(config, []byte(registryConfig), 0o600); err != nil {
		return nil, fmt.Errorf("start registry: %w", err)
	}
	// Unless told not to, it sends traces to a collector that isn't there.
	if r.process, err = startProcess(program, r.dir, log, []string{"OTEL_TRACES_EXPORTER=none"}, "serve", config); err != nil {
		return nil, fmt.Errorf("start registry: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, ready)
	defer cancel()
	for {
		text, err := os.ReadFile(log)
		if err != nil {
			return nil, fmt.Errorf("start registry: %w", err)
		}
		if found := listening.FindSubmatch(text); found != nil {
			r.Address = string(found[1])
			return r, nil
		}
		select {
		case <-r.process.done:
			return nil, fmt.Errorf("registry ended: %w\n%s", errors.Join(r.process.err, ctx.Err()), r.process.tail())
		case <-ctx.Done():
			return nil, fmt.Errorf("registry: %w\n%s", ctx.Err(), r.process.tail())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Stop ends the registry and forgets what was pushed.
func (r *Registry) Stop() {
	if r.process != nil {
		r.process.stop()
	}
	_ = os.RemoveAll(r.dir) // a temporary folder
}
