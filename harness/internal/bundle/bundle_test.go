package bundle

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/bundle"
	"gopkg.in/yaml.v3"

	bundleconfig "kyma-function-security/bundle"
	"kyma-function-security/harness/internal/constraint"
	"kyma-function-security/harness/internal/match"
	"kyma-function-security/harness/internal/policy"
	"kyma-function-security/harness/internal/schema"
	"kyma-function-security/policies"
)

func sources(t *testing.T) (*policy.Library, constraint.Config, *schema.Set) {
	t.Helper()
	lib, err := policy.Load(policies.FS)
	if err != nil {
		t.Fatal(err)
	}
	config, err := constraint.ReadConfig(bundleconfig.Config)
	if err != nil {
		t.Fatal(err)
	}
	return lib, config, schema.Load()
}

func generated(t *testing.T) map[string][]byte {
	t.Helper()
	files, err := Generate(sources(t))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestGenerateTwiceGivesTheSameBytes(t *testing.T) {
	if diff := cmp.Diff(generated(t), generated(t)); diff != "" {
		t.Error(diff)
	}
}

// TestTemplateCarriesTheSource demands that YAML's quoting leaves the Rego as it is: findings' lines and readers depend on it.
func TestTemplateCarriesTheSource(t *testing.T) {
	lib, _, _ := sources(t)
	files := generated(t)
	for _, p := range lib.Policies {
		var template constraintTemplate
		if err := yaml.Unmarshal(files["constrainttemplates/"+p.Name+".yaml"], &template); err != nil {
			t.Fatal(err)
		}
		source := template.Spec.Targets[0].Code[0].Source
		if diff := cmp.Diff(string(p.Source), source.Rego); diff != "" {
			t.Errorf("%s:\n%s", p.Name, diff)
		}
		libraries, err := lib.Libraries(p)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(libraries, source.Libs); diff != "" {
			t.Errorf("%s: libraries:\n%s", p.Name, diff)
		}
		if !strings.Contains(string(files["constrainttemplates/"+p.Name+".yaml"]), "rego: |\n") {
			t.Errorf("%s: the Rego isn't a block that people can read", p.Name)
		}
		if template.Metadata.Name != strings.ToLower(p.Kind) {
			t.Errorf("%s: name %s", p.Name, template.Metadata.Name)
		}
	}
}

// TestBundleYAMLIsHeldToWhatThereIs: what an organisation writes there takes effect, or is refused.
func TestBundleYAMLIsHeldToWhatThereIs(t *testing.T) {
	lib, _, schemas := sources(t)
	generate := func(old, replacement string) (map[string][]byte, error) {
		text := strings.Replace(string(bundleconfig.Config), old, replacement, 1)
		if text == string(bundleconfig.Config) {
			t.Fatalf("no %q in bundle.yaml", old)
		}
		config, err := constraint.ReadConfig([]byte(text))
		if err != nil {
			return nil, err
		}
		return Generate(lib, config, schemas)
	}
	const exemption = "{rule: KFS-202, kind: Function, namespace: a, name: b, reason: no digests, expires: 2030-12-31}"
	for _, tc := range []struct{ name, old, replacement, want string }{
		{"a policy that isn't", "parameters: {}", "parameters: {jwt-binding: {targets: all}}", `there is no policy "jwt-binding"`},
		{"a parameter that isn't", "parameters: {}", "parameters: {jwt_binding: {target: all}}", `has no parameter "target"`},
		{"a parameter of a wrong type", "parameters: {}", "parameters: {runtime_image: {warnDays: many}}", "warnDays"},
		{"a rule that isn't", "exemptions: []", "exemptions: [" + strings.Replace(exemption, "KFS-202", "kfs-202", 1) + "]", `no rule "kfs-202"`},
		{"no reason", "exemptions: []", "exemptions: [" + strings.Replace(exemption, " reason: no digests,", "", 1) + "]", "reason"},
		{"a misspelt field", "exemptions: []", "exemptions: [" + strings.Replace(exemption, "kind:", "kinds:", 1) + "]", "kind"},
	} {
		if _, err := generate(tc.old, tc.replacement); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}

	// A plain date lasts to its end, as in a Constraint that someone writes.
	files, err := generate("exemptions: []", "exemptions: ["+exemption+"]")
	if err != nil {
		t.Fatal(err)
	}
	const file = "bundle/gatekeeper/constraints/strict-classic/runtime-image-deny.yaml"
	if !strings.Contains(string(files[file]), `expires: "2030-12-31"`) {
		t.Errorf("%s:\n%s", file, files[file])
	}
	files, err = generate("parameters: {}", "parameters: {runtime_image: {retiredRuntimes: {nodejs24: 2030-12-31}}}")
	if err != nil {
		t.Fatal(err)
	}
	const baseline = "bundle/gatekeeper/constraints/baseline-classic/runtime-image-deny.yaml"
	if !strings.Contains(string(files[baseline]), `nodejs24: "2030-12-31"`) {
		t.Errorf("%s:\n%s", baseline, files[baseline])
	}
}

// TestConstraintsHoldEveryRuleOnce: together the constraints of a profile and flavor select exactly the rules that are on.
func TestConstraintsHoldEveryRuleOnce(t *testing.T) {
	lib, config, _ := sources(t)
	for _, profile := range policy.Profiles {
		for _, flavor := range policy.Flavors {
			constraints, err := constraint.Generate(lib, config, profile, flavor)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, c := range constraints {
				if len(c.Name) > 63 {
					t.Errorf("%s is longer than 63 characters", c.Name)
				}
				for _, id := range c.Rules {
					if got[id] != "" {
						t.Errorf("%s %s: %s is in two constraints", profile, flavor, id)
					}
					got[id] = c.Action
				}
			}
			want := map[string]string{}
			for _, p := range lib.Policies {
				for _, r := range p.Rules {
					if action := r.Action(profile, flavor); action != "" {
						want[r.ID] = action
					}
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s %s:\n%s", profile, flavor, diff)
			}
		}
	}
}

func TestBundleIsReproducibleAndReadable(t *testing.T) {
	lib, config, schemas := sources(t)
	constraints, err := constraint.Generate(lib, config, "strict", "buildless")
	if err != nil {
		t.Fatal(err)
	}
	var outputs [2][]byte
	for i := range outputs {
		adapter, err := Conftest(lib, schemas, constraints, "strict", "buildless")
		if err != nil {
			t.Fatal(err)
		}
		if outputs[i], err = OPA(lib, config, adapter); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(outputs[0], outputs[1]) {
		t.Error("two builds differ")
	}
	read, err := bundle.NewReader(bytes.NewReader(outputs[0])).Read()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"kyma", "lib/kfs", "kfs", "main"}, *read.Manifest.Roots); diff != "" {
		t.Error(diff)
	}
	for _, module := range read.Modules {
		if strings.HasSuffix(module.Path, "_test.rego") {
			t.Errorf("%s is in the bundle", module.Path)
		}
	}
}

func TestConftestRefusesWhatItCannotHonour(t *testing.T) {
	lib, _, schemas := sources(t)
	for _, field := range []string{"labelSelector", "namespaceSelector", "scope", "name", "source"} {
		c := &constraint.Constraint{Policy: lib.Policies[0], Name: "mine", Action: "deny", Match: map[string]any{field: "x"}, Matcher: &match.Match{}}
		_, err := Conftest(lib, schemas, []*constraint.Constraint{c}, "", "")
		if err == nil || !strings.Contains(err.Error(), "constraint mine") || !strings.Contains(err.Error(), "match."+field) {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestReadme(t *testing.T) {
	lib, _, _ := sources(t)
	readme := "before\n" + tableBegin + "old\n" + tableEnd + "after\n"
	got, err := Readme([]byte(readme), lib)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Readme(got, lib)
	if err != nil || !bytes.Equal(got, again) {
		t.Errorf("the second time differs: %v", err)
	}
	text := string(got)
	if !strings.HasPrefix(text, "before\n") || !strings.HasSuffix(text, "after\n") || strings.Contains(text, "old") {
		t.Errorf("got %s", text)
	}
	for _, p := range lib.Policies {
		if strings.Count(text, "`"+p.Name+"`") != 1 {
			t.Errorf("%s isn't in the table once:\n%s", p.Name, text)
		}
	}
	for _, broken := range []string{"", tableBegin, tableEnd} {
		if _, err := Readme([]byte(broken), lib); err == nil {
			t.Errorf("%q: no error", broken)
		}
	}
}
