// Package programs builds the real programs that the end-to-end tests drive, from source and with the Go toolchain alone.
//
// Each has its own module in the folder of its name. A shared one would give them all the newest OPA of the lot, and so
// test a Gatekeeper that nobody runs. The program is the module's only tool.
package programs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// Names are the programs that judge manifests: today's, and those of the oldest Gatekeepers that are supported.
func Names() []string {
	names := []string{"conftest", "gator", "gator-3.19", "opa"}
	for _, r := range Releases() {
		names = append(names, r.OPA)
	}
	return names
}

// Release is a release of Gatekeeper that the policies are for.
type Release struct {
	Gatekeeper string // "3.19"
	OPA        string // the program that is the OPA which the release's first version links
}

// Releases are those whose OPA judges every fixture, the oldest first; that one is the support floor.
func Releases() []Release {
	return []Release{{"3.19", "opa-1.3"}, {"3.21", "opa-1.10"}, {"3.23", "opa-1.17"}}
}

// Cluster are the programs that a cluster needs. Build knows them too; kube-apiserver takes a quarter of an hour. It also knows
// registry, the OCI registry.
func Cluster() []string {
	return []string{"etcd", "gatekeeper", "kube-apiserver"}
}

// Source returns the folder with the source of a module that the named program is built from: Gatekeeper's has the manifests
// that install it.
func Source(ctx context.Context, name, module string) (string, error) {
	root, err := output(ctx, "", "go", "env", "GOMOD")
	if err != nil {
		return "", fmt.Errorf("find %s: %w", module, err)
	}
	folder := filepath.Join(filepath.Dir(root), "harness", "e2e", "programs", name)
	if _, err := output(ctx, folder, "go", "mod", "download", module); err != nil {
		return "", fmt.Errorf("find %s: %w", module, err)
	}
	dir, err := output(ctx, folder, "go", "list", "-m", "-f", "{{.Dir}}", module)
	if err != nil {
		return "", fmt.Errorf("find %s: %w", module, err)
	}
	return dir, nil
}

// Build returns the path of the named program. It is built on first use, which takes minutes and fetches modules, and kept
// in the user's cache folder under a hash of its go.mod, its go.sum, its own source if it has some, and the toolchain. It may be
// called from several processes at once; one builds and the others wait.
func Build(ctx context.Context, name string) (string, error) {
	toolchain, err := output(ctx, "", "go", "env", "GOMOD", "GOVERSION", "GOOS", "GOARCH")
	if err != nil {
		return "", fmt.Errorf("build %s: %w", name, err)
	}
	root, platform, _ := strings.Cut(toolchain, "\n")
	module := filepath.Join(filepath.Dir(root), "harness", "e2e", "programs", name)

	hash := sha256.New()
	fmt.Fprintln(hash, platform)
	own, err := filepath.Glob(filepath.Join(module, "*.go"))
	if err != nil {
		return "", fmt.Errorf("build %s: %w", name, err)
	}
	files := []string{"go.mod", "go.sum"}
	for _, file := range own {
		files = append(files, filepath.Base(file))
	}
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(module, file))
		if err != nil {
			return "", fmt.Errorf("build %s: %w", name, err)
		}
		fmt.Fprintf(hash, "%s %d\n%s", file, len(text), text)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("build %s: %w", name, err)
	}
	folder := filepath.Join(cache, "kyma-function-security", fmt.Sprintf("%s-%.6x", name, hash.Sum(nil)))
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", fmt.Errorf("build %s: %w", name, err)
	}
	// The packages of `go test ./...` run at a time; the second is to wait rather than to build the same.
	unlock, err := lockedfile.MutexAt(filepath.Join(folder, "lock")).Lock()
	if err != nil {
		return "", fmt.Errorf("build %s: %w", name, err)
	}
	defer unlock()
	program := filepath.Join(folder, name)
	if _, err := os.Stat(program); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return program, err
	}
	// Under another name until it is whole: an interrupted build leaves nothing that looks like a program. The lock is ours, so what
	// such a one has left is nobody's.
	left, err := filepath.Glob(filepath.Join(folder, "partial-*"))
	if err != nil {
		return "", fmt.Errorf("build %s: %w", name, err)
	}
	for _, old := range left {
		if err := os.RemoveAll(old); err != nil {
			return "", fmt.Errorf("build %s: %w", name, err)
		}
	}
	partial, err := os.MkdirTemp(folder, "partial-")
	if err != nil {
		return "", fmt.Errorf("build %s: %w", name, err)
	}
	defer os.RemoveAll(partial)
	built := filepath.Join(partial, name)
	if _, err := output(ctx, module, "go", "build", "-buildvcs=false", "-ldflags=-s -w", "-o", built, "tool"); err != nil {
		return "", fmt.Errorf("build %s: %w", name, err)
	}
	if err := os.Rename(built, program); err != nil {
		return "", fmt.Errorf("build %s: %w", name, err)
	}
	return program, nil
}

// output runs a command in a folder and returns what it writes to stdout; what it writes to stderr is in the error.
func output(ctx context.Context, dir, command string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, command, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=readonly", "GOWORK=off")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", cmd, err, stderr.Bytes())
	}
	return strings.TrimSpace(string(stdout)), nil
}
