package policy

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"kyma-function-security/policies"
)

const about = `# METADATA
# title: T
# description: D
# custom:
#   kind: KymaFunctionX
#   fact: runtime-image
#   match:
#     - apiGroups: [serverless.kyma-project.io]
#       kinds: [Function]
`

const rule = `
# METADATA
# title: R
# scope: rule
# custom:
#   id: KFS-201
#   severity: high
#   profiles: {baseline: deny}
#   remediation: Do it.
violation contains 1 if input.review.object.kind == "Function"
`

func TestLoadRefuses(t *testing.T) {
	whole := about + "package kyma.x\n" + rule
	for _, tc := range []struct{ name, source, want string }{
		{"nothing", whole, ""},
		{"another package", strings.Replace(whole, "kyma.x", "kyma.y", 1), "x.rego:10: the package must be kyma.x"},
		{"no metadata", "package kyma.x\n" + rule, "x.rego:1: the package has no METADATA"},
		{"no description", strings.Replace(whole, "# description: D\n", "", 1), "lacks description"},
		{"no match", strings.Replace(whole, "[serverless.kyma-project.io]\n#       kinds: [Function]\n", "[]\n", 1), "Function"},
		{"misspelt field", strings.Replace(whole, "#   fact:", "#   facts: x\n#   fact:", 1), "facts"},
		{"rule without metadata", about + "package kyma.x\n\nviolation contains 1 if input.x\n", "no METADATA of scope rule"},
		{"id of another fact", strings.Replace(whole, "KFS-201", "KFS-301", 1), "KFS-301 is no id of fact runtime-image"},
		{"no id", strings.Replace(whole, "KFS-201", "KFS-2O1", 1), `custom.id "KFS-2O1"`},
		{"no remediation", strings.Replace(whole, "Do it.", `""`, 1), "no custom.remediation"},
		{"severity", strings.Replace(whole, "severity: high", "severity: severe", 1), "severe"},
		{"profile", strings.Replace(whole, "{baseline: deny}", "{lax: deny}", 1), `unknown profile "lax"`},
		{"action", strings.Replace(whole, "{baseline: deny}", "{baseline: denny}", 1), `"denny"`},
		{"flavor", strings.Replace(whole, "#   severity", "#   flavors: [vanilla]\n#   severity", 1), `"vanilla"`},
		{"kind that isn't matched", strings.Replace(whole, `== "Function"`, `== "APIRule"`, 1), "judges APIRule"},
		{"kinds not said", strings.Replace(strings.Replace(whole, "[Function]", "[Function, APIRule]", 1),
			`input.review.object.kind == "Function"`, "input.review.object.spec", 1), "must begin with its kinds"},
		{"id twice", whole + rule, "KFS-201 is also a rule"},
		{"no rule", about + "package kyma.x\n", "no violation rule"},
		{"parameter without default", strings.Replace(whole, "#   match:", "#   parameters: {p: {type: string, description: x}}\n#   match:", 1),
			"parameter p: lacks default"},
		{"syntax", "package {", "x.rego:1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Load(fstest.MapFS{"kyma/x/x.rego": {Data: []byte(tc.source)}})
			switch {
			case tc.want == "" && err != nil:
				t.Errorf("unexpected: %v", err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func TestMissingLibraryIsAnError(t *testing.T) {
	source := about + "package kyma.x\n\nimport data.lib.kfs.nowhere\n" + strings.Replace(rule, `if input.review.object.kind == "Function"`, "if nowhere.y", 1)
	lib, err := Load(fstest.MapFS{"kyma/x/x.rego": {Data: []byte(source)}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lib.Modules(lib.Policies); err == nil || !strings.Contains(err.Error(), "no such library") {
		t.Errorf("got %v", err)
	}
}

func TestKindsAreReadFromTheFirstExpression(t *testing.T) {
	source := strings.Replace(about, "[Function]", "[Function, APIRule, Service]", 1) + "package kyma.x\n" +
		strings.Replace(rule, `== "Function"`, `in {"Service", "Function"}`, 1)
	lib, err := Load(fstest.MapFS{"kyma/x/x.rego": {Data: []byte(source)}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Function", "Service"}, lib.Policies[0].Rules[0].Kinds); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := Load(policies.FS); err != nil {
			b.Fatal(err)
		}
	}
}
