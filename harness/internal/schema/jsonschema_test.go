package schema

import (
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
)

// compileTyped compiles a rule's body against the schema of input.review.
func compileTyped(t testing.TB, kinds []GroupKind, body string) error {
	t.Helper()
	review, err := Load().ReviewSchema(kinds)
	if err != nil {
		t.Fatal(err)
	}
	schemas := ast.NewSchemaSet()
	schemas.Put(ast.MustParseRef("schema.test"), map[string]any{
		"type": "object", "properties": map[string]any{"review": review, "parameters": map[string]any{"type": "object"}},
	})
	module, err := ast.ParseModuleWithOpts("test.rego",
		"# METADATA\n# schemas:\n#   - input: schema.test\npackage test\n\nresult := x if {\n"+body+"\n}\n",
		ast.ParserOptions{ProcessAnnotation: true, RegoVersion: ast.RegoV1})
	if err != nil {
		t.Fatal(err)
	}
	compiler := ast.NewCompiler().WithSchemas(schemas).WithUseTypeCheckAnnotations(true).WithStrict(true)
	compiler.Compile(map[string]*ast.Module{"test.rego": module})
	if compiler.Failed() {
		return compiler.Errors
	}
	return nil
}

func TestJSONSchema(t *testing.T) {
	function := []GroupKind{{"serverless.kyma-project.io", "Function"}}
	rule := []GroupKind{{"gateway.kyma-project.io", "APIRule"}}
	workloads := Load().Match([]string{"", "apps", "batch", "serverless.kyma-project.io"},
		[]string{"Pod", "Deployment", "StatefulSet", "ReplicaSet", "Job", "CronJob", "DaemonSet", "Function"})
	for name, tc := range map[string]struct {
		kinds []GroupKind
		body  string
		want  string // in the error; none means it compiles
	}{
		"a field of v1alpha2":       {function, "x := input.review.object.spec.source.inline.source", ""},
		"a field of v1alpha1":       {function, "x := input.review.object.spec.deps", ""},
		"a field of buildless":      {function, "x := input.review.object.spec.podSecurityContext.sysctls[_].name", ""},
		"a typo":                    {function, "x := input.review.object.spec.runtme", "undefined ref"},
		"a typo in a list":          {function, "x := input.review.object.spec.env[_].valu", "undefined ref"},
		"an open map":               {function, `x := input.review.object.metadata.labels["a/b"]`, ""},
		"its values have no type":   {function, `x := input.review.object.metadata.labels["a/b"] > 1`, ""},
		"an index into a map":       {function, `x := input.review.object.spec.labels.a`, ""},
		"a test of the type":        {function, `x := is_string(input.review.object.spec.runtime)`, ""},
		"a string and a number":     {function, "input.review.object.spec.runtime == 1\n\tx := 1", "match error"},
		"a string and null":         {function, "input.review.object.spec.runtime == null\n\tx := 1", "match error"},
		"int or string":             {function, `x := input.review.object.spec.resourceConfiguration.build.resources.limits.cpu == "1"`, ""},
		"v2":                        {rule, "x := input.review.object.spec.rules[_].jwt.authorizations[_].audiences[_]", ""},
		"v1beta1":                   {rule, "x := input.review.object.spec.rules[_].accessStrategies[_].config.required_scope", ""},
		"no version's":              {rule, "x := input.review.object.spec.rules[_].authorizations", "undefined ref"},
		"the Namespace":             {rule, `x := input.review.namespaceObject.metadata.labels["istio-injection"]`, ""},
		"a typo in the Namespace":   {rule, `x := input.review.namespaceObject.metdata`, "undefined ref"},
		"the user":                  {rule, "x := input.review.userInfo.groups[_]", ""},
		"a status left open":        {rule, "x := input.review.object.status.state", ""},
		"a pod":                     {workloads, "x := input.review.object.spec.containers[_].securityContext.privileged", ""},
		"a pod's template":          {workloads, "x := input.review.object.spec.template.spec.volumes[_].hostPath.path", ""},
		"a job's template":          {workloads, "x := input.review.object.spec.jobTemplate.spec.template.spec.hostPID", ""},
		"a typo in a pod's templat": {workloads, "x := input.review.object.spec.template.spec.hostPid", "undefined ref"},
		"a parameter":               {workloads, "x := input.parameters.anything", ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := compileTyped(t, tc.kinds, "\t"+tc.body)
			switch {
			case tc.want == "" && err != nil:
				t.Error(err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
	if _, err := Load().JSONSchema([]GroupKind{{"", "Nothing"}}); err == nil {
		t.Error("an unknown kind is accepted")
	}
}

// TestJSONSchemaOfAll compiles against every kind at once, as no policy does.
func TestJSONSchemaOfAll(t *testing.T) {
	if err := compileTyped(t, Load().Match(nil, nil), "\tx := input.review.object.kind"); err != nil {
		t.Error(err)
	}
}

func BenchmarkJSONSchema(b *testing.B) {
	kinds := Load().Match([]string{"", "apps", "batch"}, []string{"Pod", "Deployment", "StatefulSet", "ReplicaSet", "Job", "CronJob", "DaemonSet"})
	for b.Loop() {
		if err := compileTyped(b, kinds, "\tx := input.review.object.kind"); err != nil {
			b.Fatal(err)
		}
	}
}
