package gatorsuite_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	bundleconfig "kyma-function-security/bundle"
	"kyma-function-security/harness/internal/constraint"
	"kyma-function-security/harness/internal/fixture"
	"kyma-function-security/harness/internal/gatorsuite"
	"kyma-function-security/harness/internal/policy"
	"kyma-function-security/harness/internal/schema"
	"kyma-function-security/policies"
)

const (
	function = `apiVersion: serverless.kyma-project.io/v1alpha2
kind: Function
metadata: {name: orders}
spec:
  runtime: nodejs24
`
	namespace = `apiVersion: v1
kind: Namespace
metadata: {name: default, labels: {pod-security.kubernetes.io/enforce: baseline}}
`
	role = `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
`
	own = `apiVersion: constraints.gatekeeper.sh/v1beta1
kind: KymaFunctionRuntimeImage
metadata: {name: first}
spec: {enforcementAction: warn, parameters: {rules: [KFS-201]}}
---
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: KymaFunctionRuntimeImage
metadata: {name: second}
spec: {parameters: {rules: [KFS-201, KFS-202]}}
`
	source = "  source:\n    inline:\n      dependencies: \"\\x7f\"\n      source: |\n        # a comment\n\n        fine()\n        ---\n"
)

func generate(t *testing.T, only string, files map[string]string) *gatorsuite.Set {
	t.Helper()
	library, err := policy.Load(policies.FS)
	must(t, err)
	config, err := constraint.ReadConfig(bundleconfig.Config)
	must(t, err)
	tree := fstest.MapFS{"context/namespace.yaml": {Data: []byte(namespace)}}
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	runner, err := fixture.NewRunner(t.Context(), tree, library, schema.Load(), config)
	must(t, err)
	set, err := gatorsuite.Generate(t.Context(), runner, time.Date(2026, time.March, 1, 0, 0, 0, 0, time.UTC), only)
	must(t, err)
	return set
}

func TestObjectsSurviveGatorsReader(t *testing.T) {
	set := generate(t, "", map[string]string{"runtime_image/allow-a.yaml": function + source})
	for name, text := range set.Files {
		if !strings.HasPrefix(name, "objects/") {
			continue
		}
		line, rest, _ := strings.Cut(string(text), "\n")
		if rest != "" || !json.Valid([]byte(line)) || strings.Contains(line, "\u007f") {
			t.Errorf("%s isn't JSON on one line: %q", name, text)
		}
		if strings.Contains(name, "function") && !strings.Contains(line, `{"dependencies":"\u007f","source":"# a comment\n\nfine()\n---\n"}`) {
			t.Errorf("%s has lost something: %s", name, line)
		}
		if strings.Contains(name, "function") && !strings.Contains(line, `"namespace":"default"`) {
			t.Errorf("%s is in no namespace: %s", name, line)
		}
	}
}

func TestSuite(t *testing.T) {
	bad := function + "  runtimeImageOverride: evil.example/a:b # want KFS-201\n"
	set := generate(t, "runtime_image/", map[string]string{
		"runtime_image/deny-a.yaml":          "# constraints: own.constraint.yaml\n" + bad,
		"runtime_image/own.constraint.yaml":  own,
		"runtime_image/allow-a.yaml":         "# constraints: own.constraint.yaml\n" + function,
		"runtime_image/allow-the-same.yaml":  "# constraints: own.constraint.yaml\n# Again.\n" + function,
		"pod_security_level/deny-other.yaml": bad,
	})
	_, tests, _ := strings.Cut(string(set.Files["suites/runtime_image.yaml"]), "tests:\n")
	want := `  - name: no rules
    template: ../templates/runtime_image.yaml
    constraint: ../constraints/invalid/runtime_image.yaml
    invalid: true
  - name: runtime_image/own.constraint/runtime_image-first
    template: ../templates/runtime_image.yaml
    constraint: ../constraints/runtime_image/own.constraint/runtime_image-first.yaml
    cases:
      - name: 'runtime_image/allow-a.yaml 1: Function default/orders'
        object: ../objects/function-default-orders-f807ff4cee83.json
        assertions:
          - violations: "no"
      - name: 'runtime_image/deny-a.yaml 1: Function default/orders'
        object: ../objects/function-default-orders-a5e3a028f3b1.json
        assertions:
          - violations: 1
          - violations: 1
            message: '^KFS-201: runtime image "evil\.example/a:b" is outside the allowed repositories$'
  - name: runtime_image/own.constraint/runtime_image-second
    template: ../templates/runtime_image.yaml
    constraint: ../constraints/runtime_image/own.constraint/runtime_image-second.yaml
    cases:
      - name: 'runtime_image/allow-a.yaml 1: Function default/orders'
        object: ../objects/function-default-orders-f807ff4cee83.json
        assertions:
          - violations: "no"
      - name: 'runtime_image/deny-a.yaml 1: Function default/orders'
        object: ../objects/function-default-orders-a5e3a028f3b1.json
        assertions:
          - violations: 2
          - violations: 1
            message: '^KFS-201: runtime image "evil\.example/a:b" is outside the allowed repositories$'
          - violations: 1
            message: '^KFS-202: runtime image "evil\.example/a:b" isn''t pinned by a sha256 digest$'
`
	if diff := gocmp.Diff(want, tests); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if set.Fixtures != 3 || set.Objects != 3 || !slices.Contains(set.Rules, "KFS-202") || slices.Contains(set.Rules, "KFS-203") {
		t.Errorf("%d fixtures with %d objects and the rules %v", set.Fixtures, set.Objects, set.Rules)
	}
	if n := strings.Count(string(set.Files["constraints/runtime_image/own.constraint/runtime_image-first.yaml"]), "\n"); n != 1 {
		t.Errorf("the first constraint's file has %d lines", n)
	}
}

func TestWhatIsLeftOut(t *testing.T) {
	set := generate(t, "", map[string]string{
		"runtime_image/allow-a.yaml": function + "---\n" + role,
		"runtime_image/deny-a.yaml":  strings.Replace(function, "nodejs24", "nodejs10 # want KFS-205", 1),
		"apps/a/function.yaml":       function,
		"apps/a/namespace.yaml":      namespace,
	})
	has := func(suite, text string) bool {
		return slices.ContainsFunc(set.Cases["suites/"+suite+".yaml"], func(name string) bool { return strings.Contains(name, text) })
	}
	for _, tc := range []struct {
		suite, text string
		want        bool
	}{
		{"runtime_image", "strict-classic/runtime-image-deny: runtime_image/allow-a.yaml 1", true},
		{"sensitive_data", "runtime_image/allow-a.yaml 1", false},                                              // it finds nothing
		{"namespace_isolation", "strict-classic/namespace-isolation-deny: runtime_image/allow-a.yaml 1", true}, // no NetworkPolicy
		{"access_role", "runtime_image/allow-a.yaml 2: Role default/reader", true},                             // else nobody would judge it
		{"sensitive_data", "baseline-buildless/sensitive-data-deny: apps/a 1", true},
		{"pod_security_level", "strict-classic/pod-security-level-deny: apps/a 2: Namespace default", true},
	} {
		if has(tc.suite, tc.text) != tc.want {
			t.Errorf("%s has %q: %v; it has\n%s", tc.suite, tc.text, !tc.want, strings.Join(set.Cases["suites/"+tc.suite+".yaml"], "\n"))
		}
	}
	if set.Fixtures != 6 || set.Objects != 3+4*2 {
		t.Errorf("%d fixtures with %d objects", set.Fixtures, set.Objects)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
