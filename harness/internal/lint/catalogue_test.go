package lint

import (
	"strings"
	"testing"
	"testing/fstest"

	"kyma-function-security/harness/internal/policy"
	"kyma-function-security/harness/internal/schema"
)

func TestCatalogue(t *testing.T) {
	const source = `# METADATA
# title: T
# description: D
# custom:
#   kind: KymaFunctionRuntimeImage
#   fact: runtime-image
#   match:
#     - apiGroups: [serverless.kyma-project.io]
#       kinds: [Function]
package kyma.runtime_image

# METADATA
# title: R
# scope: rule
# custom:
#   id: KFS-201
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   remediation: Do it.
violation contains 1 if input.review.object.kind == "Function"
`
	for _, tc := range []struct{ name, from, to, want string }{
		{"as promised", "", "", ""},
		{"another action", "baseline: deny", "baseline: warn", "KFS-201 is {runtime_image high warn deny"},
		{"off", "baseline: deny, ", "", "KFS-201 is {runtime_image high - deny"},
		{"another severity", "severity: high", "severity: low", "KFS-201 is {runtime_image low"},
		{"another flavor", "#   severity", "#   flavors: [classic]\n#   severity", "KFS-201 is"},
		{"unknown id", "KFS-201", "KFS-299", "KFS-299 isn't in the catalogue"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			text := strings.Replace(source, tc.from, tc.to, 1)
			lib, err := policy.Load(fstest.MapFS{"kyma/runtime_image/runtime_image.rego": {Data: []byte(text)}})
			if err != nil {
				t.Fatal(err)
			}
			issues, err := Catalogue(lib, schema.ManifestRules())
			if err != nil {
				t.Fatal(err)
			}
			var said []string
			missing := false
			for _, issue := range issues {
				missing = missing || strings.Contains(issue.Text, "KFS-202 is in the catalogue and nowhere else")
				if !strings.HasSuffix(issue.Text, "and nowhere else") {
					said = append(said, issue.Text)
				}
			}
			if got := strings.Join(said, "\n"); tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			if !missing {
				t.Error("a rule that is missing isn't reported")
			}
		})
	}
}
