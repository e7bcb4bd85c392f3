package gatorsuite_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	bundleconfig "kyma-function-security/bundle"
	"kyma-function-security/harness/internal/constraint"
	"kyma-function-security/harness/internal/fixture"
	"kyma-function-security/harness/internal/gatorsuite"
	"kyma-function-security/harness/internal/policy"
	"kyma-function-security/harness/internal/schema"
	"kyma-function-security/policies"
)

func TestX(t *testing.T) {
	library, err := policy.Load(policies.FS)
	if err != nil {
		t.Fatal(err)
	}
	config, err := constraint.ReadConfig(bundleconfig.Config)
	if err != nil {
		t.Fatal(err)
	}
	runner, err := fixture.NewRunner(t.Context(), os.DirFS("../../../fixtures"), library, schema.Load(), config)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	set, err := gatorsuite.Generate(t.Context(), runner, time.Now(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Log(time.Since(start))
	n := 0
	for f, c := range set.Cases {
		t.Log(f, len(c))
		n += len(c)
	}
	t.Log(n, set.Fixtures, set.Objects, set.Findings, len(set.Rules), len(set.Files))
	for f, text := range set.Files {
		p := filepath.Join("/tmp/verify-gator", f)
		os.MkdirAll(filepath.Dir(p), 0o755)
		os.WriteFile(p, text, 0o644)
	}
}
