package secrets

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"gopkg.in/yaml.v3"

	"kyma-function-security/bundle"
	"kyma-function-security/harness/internal/check"
	"kyma-function-security/harness/internal/constraint"
	"kyma-function-security/harness/internal/engine"
	"kyma-function-security/harness/internal/manifest"
	"kyma-function-security/harness/internal/policy"
	"kyma-function-security/harness/internal/report"
	"kyma-function-security/harness/internal/schema"
	"kyma-function-security/policies"
)

// object is a Kubernetes object as a manifest has it.
type object = map[string]any

// judge is the policy sensitive_data under profile strict, ready to be evaluated: as kfs does, and as Gatekeeper would, whose
// violations reach people as they are.
type judge struct {
	library     *policy.Library
	schemas     *schema.Set
	program     *engine.Program
	constraints []*constraint.Constraint
	violations  rego.PreparedEvalQuery
}

func newJudge(t testing.TB) *judge {
	t.Helper()
	j := &judge{schemas: schema.Load()}
	var err error
	if j.library, err = policy.Load(policies.FS); err != nil {
		t.Fatal(err)
	}
	config, err := constraint.ReadConfig(bundle.Config)
	if err != nil {
		t.Fatal(err)
	}
	all, err := constraint.Generate(j.library, config, "strict", "classic")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		if c.Policy.Name == "sensitive_data" {
			j.constraints = append(j.constraints, c)
		}
	}
	if j.program, err = engine.Compile(j.library, engine.Policies(j.constraints), nil); err != nil {
		t.Fatal(err)
	}
	modules, err := j.library.Modules(engine.Policies(j.constraints))
	if err != nil {
		t.Fatal(err)
	}
	options := []func(*rego.Rego){rego.Query("data.kyma.sensitive_data.violation"), rego.StrictBuiltinErrors(true)}
	for _, module := range modules {
		options = append(options, rego.ParsedModule(module))
	}
	if j.violations, err = rego.New(options...).PrepareForEval(context.Background()); err != nil {
		t.Fatal(err)
	}
	return j
}

// finding is what is compared of a finding: its rule, and the line inside the text that it is about, 0 for none.
type finding struct {
	Rule string
	Line int
}

// raw gives an object's findings and the violations as they reach Gatekeeper, conftest and opa eval, which print messages and
// details unchanged.
func (j *judge) raw(t testing.TB, o object) ([]finding, string) {
	t.Helper()
	input, err := ast.InterfaceToValue(map[string]any{
		"parameters": map[string]any{
			"protectedSecrets":    []any{"serverless-registry-config*", "dockerregistry-config*"},
			"secretsInConfigMaps": "denied",
		},
		"review": map[string]any{"operation": "CREATE", "object": o},
	})
	if err != nil {
		t.Fatal(err)
	}
	results, err := j.violations.Eval(context.Background(), rego.EvalParsedInput(input))
	if err != nil {
		t.Fatal(err)
	}
	var found []finding
	for _, violation := range results[0].Expressions[0].Value.([]any) {
		details := violation.(map[string]any)["details"].(map[string]any)
		f := finding{Rule: details["rule"].(string)}
		if line, ok := details["line"].(json.Number); ok {
			number, err := line.Int64()
			if err != nil {
				t.Fatal(err)
			}
			f.Line = int(number)
		}
		found = append(found, f)
	}
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(results[0].Expressions[0].Value); err != nil {
		t.Fatal(err)
	}
	return found, text.String()
}

// report judges an object as a manifest, and gives the manifest and everything that kfs can print about it.
func (j *judge) report(t testing.TB, o object) (r report.Report, text []byte, output string) {
	t.Helper()
	text, err := yaml.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	source := manifest.Source{Name: "manifest.yaml", Open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(text)), nil
	}}
	input, err := manifest.Read(context.Background(), []manifest.Source{source}, manifest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r, err = check.Run(context.Background(), j.library, j.schemas, input, check.Options{
		Profile: "strict", Flavor: "classic", Constraints: j.constraints, Program: j.program,
		Engine: engine.Options{Strict: true, Complete: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	var b bytes.Buffer
	for _, color := range []bool{false, true} {
		options := report.Options{Color: color, SourceLine: func(_ string, line int) (string, bool) {
			if line < 1 || line > len(lines) {
				return "", false
			}
			return lines[line-1], true
		}}
		for _, format := range report.Formats() {
			if err := report.Renderers(options)[format](&b, r); err != nil {
				t.Fatal(err)
			}
		}
	}
	return r, text, b.String()
}

// function is a Function of ours; change makes it special.
func function(runtime string, change func(spec, metadata object)) object {
	metadata := object{"name": "orders", "namespace": "demo"}
	spec := object{
		"runtime": runtime,
		"source":  object{"inline": object{"source": "module.exports = { main: () => \"ok\" };\n"}},
	}
	change(spec, metadata)
	return object{
		"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function", "metadata": metadata, "spec": spec,
	}
}

func inline(spec object) object { return spec["source"].(object)["inline"].(object) }

// apiRule is an APIRule of ours that adds a header to requests.
func apiRule(header, value string) object {
	return object{
		"apiVersion": "gateway.kyma-project.io/v2", "kind": "APIRule",
		"metadata": object{"name": "orders", "namespace": "demo"},
		"spec": object{
			"hosts": []any{"orders"}, "gateway": "kyma-system/kyma-gateway",
			"service": object{"name": "orders", "port": 80},
			"rules": []any{object{
				"path": "/orders", "methods": []any{"GET"}, "noAuth": true,
				"request": object{"headers": object{header: value}},
			}},
		},
	}
}

// applied is an object as kubectl apply leaves it: with an annotation that holds what was applied.
func applied(t testing.TB, o, was object) object {
	t.Helper()
	text, err := json.Marshal(was)
	if err != nil {
		t.Fatal(err)
	}
	metadata := object{}
	for key, value := range o["metadata"].(object) {
		metadata[key] = value
	}
	metadata["annotations"] = object{"kubectl.kubernetes.io/last-applied-configuration": string(text)}
	with := object{}
	for key, value := range o {
		with[key] = value
	}
	with["metadata"] = metadata
	return with
}

func messages(r report.Report) string {
	var lines []string
	for _, f := range r.Findings {
		lines = append(lines, fmt.Sprintf("%d: %s", f.Location.Line, f.Message))
	}
	for _, e := range r.Errors {
		lines = append(lines, e.Message)
	}
	return strings.Join(lines, "\n")
}
