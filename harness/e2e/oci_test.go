package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kyma-function-security/harness/e2e/cluster"
)

// oci pushes what `kfs bundle --standalone --conftest` writes to a real registry, each set of constraints under a tag of its
// own, and has conftest fetch it from there to judge the List of each fixture.
func (s *suite) oci(t *testing.T) {
	program := build(t, "conftest")
	// Credentials and helpers of whoever runs this are nothing to a registry on loopback.
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	registry, err := cluster.StartRegistry(t.Context())
	must(t, err)
	t.Cleanup(registry.Stop)
	repository := registry.Address + "/kyma-function-security"

	groups := map[string][]*example{}
	for _, e := range s.examples {
		name, _ := s.instantFiles(e)
		groups[name] = append(groups[name], e)
	}
	names := slices.Sorted(maps.Keys(groups))
	l := &lane{consumer: "conftest from OCI", version: version(t, program)}
	each(t, names, func(ctx context.Context, name string) {
		_, files := s.instantFiles(groups[name][0])
		tag := fmt.Sprintf("%s:%d", repository, slices.Index(names, name))
		if _, err := s.push(ctx, t, program, tag, files); err != nil {
			t.Error(err)
			return
		}
		lists := map[string][]byte{}
		var order []string
		for i, e := range groups[name] {
			order = append(order, fmt.Sprintf("%d.yaml", i))
			lists[order[i]] = stream([]map[string]any{e.list()})
		}
		byFile := conftestJSON(ctx, t, write(t, lists), program, append([]string{"--update", "oci://" + tag}, order...)...)
		for i, e := range groups[name] {
			l.compare(t, e, e.want, e.adapted(t, "conftest", byFile.of(t, order[i])))
		}
	})
	l.done(t)

	t.Run("by digest", func(t *testing.T) { s.digest(t, program, registry, repository) })
}

// digest has a sample judged by what is fetched by its digest, and by nothing once the registry is gone.
func (s *suite) digest(t *testing.T, program string, registry *cluster.Registry, repository string) {
	denied := s.samples()[1]
	_, files := s.instantFiles(denied)
	digest, err := s.push(t.Context(), t, program, repository+":sample", files)
	must(t, err)
	// Whatever is pushed under the tag later, the digest is of the first.
	files["main.rego"] = []byte("package main\n\nwarn contains {\"msg\": \"replaced\"}\n")
	if _, err := s.push(t.Context(), t, program, repository+":sample", files); err != nil {
		t.Fatal(err)
	}

	lists := map[string][]byte{"list.yaml": stream([]map[string]any{denied.list()})}
	fetched := conftestJSON(t.Context(), t, write(t, lists), program, "--update", "oci://"+repository+"@"+digest, "list.yaml")
	if got := denied.adapted(t, "conftest", fetched.of(t, "list.yaml")); !slices.Equal(got, denied.want) {
		t.Errorf("by digest, %s gives %v, want %v", denied.Path, got, denied.want)
	}
	byTag := conftestJSON(t.Context(), t, write(t, lists), program, "--update", "oci://"+repository+":sample", "list.yaml")
	if warnings := byTag["list.yaml"].Warnings; len(warnings) != 1 || warnings[0].Msg != "replaced" {
		t.Errorf("by tag, conftest says %+v", byTag)
	}

	registry.Stop()
	var exit *exec.ExitError
	cmd := exec.CommandContext(t.Context(), program, "test", "--update", "oci://"+repository+":sample", "list.yaml")
	cmd.Dir = write(t, lists)
	if output, err := cmd.CombinedOutput(); !errors.As(err, &exit) || !strings.Contains(string(output), "connection refused") {
		t.Errorf("without a registry: %v\n%s", err, output)
	}
}

var pushed = regexp.MustCompile(`pushed bundle with digest: (sha256:[0-9a-f]{64})`)

// push pushes the policies with the given files of package bundle's Conftest, and returns the artifact's digest.
func (s *suite) push(ctx context.Context, t *testing.T, program, reference string, files map[string][]byte) (string, error) {
	t.Helper()
	policy := map[string][]byte{}
	for _, part := range []map[string][]byte{s.runner.Library.Files(), files} {
		for name, text := range part {
			policy["policy/"+name] = text
		}
	}
	cmd := exec.CommandContext(ctx, program, "push", reference, "-p", "policy")
	cmd.Dir = write(t, policy)
	output, err := cmd.CombinedOutput()
	digest := pushed.FindSubmatch(output)
	if err == nil && digest == nil {
		err = errors.New("it prints no digest")
	}
	if err != nil {
		return "", fmt.Errorf("push %s: %w\n%s", reference, err, output)
	}
	return string(digest[1]), nil
}
