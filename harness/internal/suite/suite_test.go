package suite

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"kyma-function-security/harness/internal/constraint"
	"kyma-function-security/harness/internal/policy"
	"kyma-function-security/harness/internal/schema"
)

const policySource = `# METADATA
# title: T
# description: D
# schemas:
#   - input: schema.runtime_image
# custom:
#   kind: KymaFunctionRuntimeImage
#   fact: runtime-image
#   match:
#     - apiGroups: [serverless.kyma-project.io]
#       kinds: [Function]
package kyma.runtime_image

import data.lib.kfs.finding

# METADATA
# title: R
# scope: rule
# custom:
#   id: KFS-201
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   remediation: Do it.
violation contains finding.new(rego.metadata.rule(), ["spec", "runtime"], "old") if {
	input.review.object.spec.runtime == "nodejs10"
}
`

const findingSource = `package lib.kfs.finding

new(rule, path, message) := {
	"msg": sprintf("%s: %s", [rule.custom.id, message]),
	"details": {"rule": rule.custom.id, "path": path},
}
`

const function = `apiVersion: serverless.kyma-project.io/v1alpha2
kind: Function
metadata: {name: a, namespace: demo}
spec:
  source: {inline: {source: x}}
`

// TestEveryPartCanFail breaks one thing at a time and expects the part that is there to find it, and only the parts that
// must follow.
func TestEveryPartCanFail(t *testing.T) {
	const policyFile, denyFile = "kyma/runtime_image/runtime_image.rego", "runtime_image/deny-old.yaml"
	deny := function + "  runtime: nodejs10 # want KFS-201\n"
	for _, tc := range []struct {
		name             string
		policies, change map[string]string
		want             map[string]string // part to what one of its failures says
	}{
		{name: "whole", want: map[string]string{}},
		{name: "form", policies: map[string]string{policyFile: strings.Replace(policySource, "\tinput", "  input", 1)},
			want: map[string]string{"lint": "opa fmt"}},
		{name: "a field that no kind has", policies: map[string]string{policyFile: strings.Replace(policySource, "spec.runtime ==", "spec.runtme ==", 1)},
			want: map[string]string{"types": "runtme", "fixtures": "wanted, not found: KFS-201", "coverage": "runtime_image.rego"}},
		{name: "a builtin that the oldest OPA lacks", policies: map[string]string{policyFile: strings.Replace(policySource,
			`spec.runtime == "nodejs10"`, `spec.runtime == $"nodejs{5 + 5}"`, 1)},
			want: map[string]string{"types": ""}},
		{name: "another line", change: map[string]string{denyFile: function + "  # want KFS-201\n  runtime: nodejs10\n"},
			want: map[string]string{"fixtures": "runtime_image/deny-old.yaml:6: wanted, not found: KFS-201"}},
		{name: "a false alarm", change: map[string]string{"runtime_image/allow-new.yaml": function + "  runtime: nodejs10\n"},
			want: map[string]string{"fixtures": "not wanted: KFS-201"}},
		{name: "no allow fixture", change: map[string]string{"runtime_image/allow-new.yaml": ""},
			want: map[string]string{"fixtures": "KFS-201: no allow- fixture"}},
		{name: "no deny fixture", change: map[string]string{denyFile: ""},
			want: map[string]string{"fixtures": "KFS-201: no deny- fixture", "coverage": "runtime_image.rego:24"}},
		{name: "a failing test", policies: map[string]string{"kyma/runtime_image/runtime_image_test.rego": `package kyma.runtime_image_test

test_a[note] if {
	some note, x in {"good": 1, "bad": 2}
	x == 1
}
`}, want: map[string]string{"rego tests": `test_a["bad"]`}},
		{name: "a builtin that fails", policies: map[string]string{"kyma/runtime_image/runtime_image_test.rego": `package kyma.runtime_image_test

test_a if not b

b if to_number("x") == 1
`}, want: map[string]string{"rego tests": "to_number"}},
		{name: "a skipped test", policies: map[string]string{"kyma/runtime_image/runtime_image_test.rego": "package kyma.runtime_image_test\n\ntodo_test_a := true\n"},
			want: map[string]string{"rego tests": "skipped"}},
		{name: "a line that nothing reaches", policies: map[string]string{"lib/kfs/finding/finding.rego": findingSource + "\nunused(x) := x + 1\n"},
			want: map[string]string{"coverage": "policies/lib/kfs/finding/finding.rego:8: no fixture and no test comes to line 8"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			sources := map[string]string{policyFile: policySource, "lib/kfs/finding/finding.rego": findingSource}
			fixtures := map[string]string{denyFile: deny, "runtime_image/allow-new.yaml": function + "  runtime: nodejs24\n"}
			results := run(t, merged(sources, tc.policies), merged(fixtures, tc.change))
			for _, r := range results {
				want, broken := tc.want[r.Name]
				text := strings.Join(r.Failures, "\n")
				if r.Name == "lint" && !broken {
					text = withoutCatalogue(r.Failures)
				}
				if broken != (text != "") || !strings.Contains(text, want) {
					t.Errorf("%s: got %q, want %q", r.Name, text, want)
				}
			}
		})
	}
}

func merged(base, change map[string]string) fstest.MapFS {
	tree := fstest.MapFS{}
	for _, files := range []map[string]string{base, change} {
		for name, text := range files {
			tree[name] = &fstest.MapFile{Data: []byte(text)}
			if text == "" {
				delete(tree, name)
			}
		}
	}
	return tree
}

// TestNothingSelected demands that a misspelt --run isn't a success.
func TestNothingSelected(t *testing.T) {
	sources := fstest.MapFS{"kyma/runtime_image/runtime_image.rego": {Data: []byte(policySource)}, "lib/kfs/finding/finding.rego": {Data: []byte(findingSource)}}
	fixtures := fstest.MapFS{"runtime_image/allow-new.yaml": {Data: []byte(function + "  runtime: nodejs24\n")}}
	lib, err := policy.Load(sources)
	if err != nil {
		t.Fatal(err)
	}
	config := constraint.Config{}
	config.Support.OPA = "1.3.0"
	for only, want := range map[string]string{"allow-new": "", "allow-nwe": `no fixture and no Rego test has "allow-nwe" in its path`} {
		_, err := Run(context.Background(), Input{
			Policies: sources, Fixtures: fixtures, Library: lib, Schemas: schema.Load(), Config: config, Only: only,
		})
		if text := fmt.Sprint(err); err != nil && text != want || err == nil && want != "" {
			t.Errorf("--run %s: %v", only, err)
		}
	}
}

// withoutCatalogue leaves out what the catalogue says of the rules that this small library hasn't.
func withoutCatalogue(failures []string) string {
	var rest []string
	for _, failure := range failures {
		if !strings.Contains(failure, "catalogue") {
			rest = append(rest, failure)
		}
	}
	return strings.Join(rest, "\n")
}

func run(t *testing.T, sources, fixtures fstest.MapFS) []Result {
	t.Helper()
	lib, err := policy.Load(sources)
	if err != nil {
		t.Fatal(err)
	}
	config := constraint.Config{}
	config.Support.OPA = "1.3.0"
	results, err := Run(context.Background(), Input{
		Policies: sources, Fixtures: fixtures, Library: lib, Schemas: schema.Load(), Config: config,
	})
	if err != nil {
		t.Fatal(err)
	}
	return results
}
