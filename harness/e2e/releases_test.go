package e2e

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"kyma-function-security/harness/e2e/programs"
)

// TestReleases runs the policies' own tests with the OPA of every release, as they go further to the edges than fixtures do.
// A few take a second, so a busy machine gets more than opa's five.
func TestReleases(t *testing.T) {
	policies, err := filepath.Abs(filepath.Join(root, "policies"))
	must(t, err)
	for _, r := range programs.Releases() {
		t.Run(r.Gatekeeper, func(t *testing.T) {
			t.Parallel()
			out, err := exec.CommandContext(t.Context(), build(t, r.OPA), "test", "--timeout", "2m", policies).CombinedOutput()
			said := strings.TrimSpace(string(out))
			if err != nil || !strings.HasPrefix(said, "PASS: ") {
				t.Errorf("%s: %v\n%s", r.OPA, err, said)
			}
		})
	}
}
