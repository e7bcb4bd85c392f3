package cluster_test

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"kyma-function-security/harness/e2e/programs"
)

// commands are those that the README has in the console blocks of a section, with what continues them.
func commands(t *testing.T, section string) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "README.md"))
	must(t, err)
	_, text, found := strings.Cut(string(data), "\n### "+section+"\n")
	if !found {
		t.Fatalf("README.md has no section %q", section)
	}
	text, _, _ = strings.Cut(text, "\n#")
	var all []string
	for _, block := range strings.Split(text, "```console\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		for _, command := range regexp.MustCompile(`(?m)^ *\$ `).Split(block, -1)[1:] {
			all = append(all, command)
		}
	}
	if len(all) == 0 {
		t.Fatalf("README.md has no commands in section %q", section)
	}
	return all
}

// readme does as the README says, but for what has KIND and NAME to fill in, with the real kubectl, in a folder that has a bundle. replace are pairs of what the README
// says and what is done instead.
func (s *suite) readme(t *testing.T, section, folder string, replace ...string) {
	t.Helper()
	kubectl, err := programs.Build(t.Context(), "kubectl")
	must(t, err)
	config, err := s.Kubeconfig("kfs-kubectl", "system:masters")
	must(t, err)
	for _, command := range commands(t, section) {
		if strings.Contains(command, " KIND NAME ") {
			continue
		}
		command = strings.NewReplacer(append(replace, "baseline-classic", profile+"-"+flavor)...).Replace(command)
		// Some commands try until they succeed.
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		run := exec.CommandContext(ctx, "sh", "-ec", command)
		run.WaitDelay = 10 * time.Second // for what it has started
		run.Dir = folder
		run.Env = []string{"KUBECONFIG=" + config, "HOME=" + t.TempDir(), "PATH=" + filepath.Dir(kubectl) + ":" + os.Getenv("PATH")}
		out, err := run.CombinedOutput()
		cancel()
		if err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
		t.Logf("%s: %d lines", strings.TrimSpace(command), strings.Count(string(out), "\n"))
	}
}

// The README says how many rules a visit needs others' objects for.
func TestReadmeCountsRules(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(root, "README.md"))
	must(t, err)
	s := &scenes{visit: &visit{suite: load(t)}}
	if want := fmt.Sprintf("\n%d rules compare objects.", len(s.comparing())); !strings.Contains(string(data), want) {
		t.Errorf("README.md doesn't say %q", want)
	}
}

// The README's commands are for the kubectl that users have.
func TestKubectl(t *testing.T) {
	program, err := programs.Build(t.Context(), "kubectl")
	must(t, err)
	info, err := buildinfo.ReadFile(program)
	must(t, err)
	i := slices.IndexFunc(info.Deps, func(m *debug.Module) bool { return m.Path == "k8s.io/kubectl" })
	if i < 0 || info.Deps[i].Version != "v0.36.3" {
		t.Errorf("it isn't kubectl v1.36.3: %v", info)
	}
}
