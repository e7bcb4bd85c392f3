package podsecurity

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	psa "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"kyma-function-security/policies"
)

// finding is what the tests compare of a finding.
type finding struct {
	Rule string
	Path []any // below spec; keys are strings, indices int64
}

// String joins the path with dots.
func (f finding) String() string {
	steps := make([]string, 0, len(f.Path))
	for _, step := range f.Path {
		steps = append(steps, fmt.Sprint(step))
	}
	return f.Rule + " " + strings.Join(steps, ".")
}

// judge is the policy, ready to be evaluated.
type judge struct{ query rego.PreparedEvalQuery }

func newJudge(t *testing.T) judge {
	t.Helper()
	options := []func(*rego.Rego){
		rego.Query("data.kyma.security_context.violation"),
		rego.Strict(true),
		rego.StrictBuiltinErrors(true),
	}
	for _, root := range []string{"kyma/security_context", "lib/kfs"} {
		err := fs.WalkDir(policies.FS, root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".rego") || strings.HasSuffix(path, "_test.rego") {
				return err
			}
			text, err := fs.ReadFile(policies.FS, path)
			options = append(options, rego.Module(path, string(text)))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	query, err := rego.New(options...).PrepareForEval(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return judge{query}
}

// findings judges a Function with that spec, any JSON value, in a namespace that enforces level.
func (j judge) findings(spec any, level psa.Level, parameters map[string]any) ([]finding, error) {
	function := map[string]any{
		"apiVersion": "serverless.kyma-project.io/v1alpha2",
		"kind":       "Function",
		"metadata":   map[string]any{"name": "orders", "namespace": "demo"},
		"spec":       spec,
	}
	input, err := ast.InterfaceToValue(map[string]any{
		"parameters": parameters,
		"review": map[string]any{
			"operation": "CREATE",
			"object":    function,
			"namespaceObject": map[string]any{"metadata": map[string]any{
				"name":   "demo",
				"labels": map[string]any{"pod-security.kubernetes.io/enforce": string(level)},
			}},
		},
	})
	if err != nil {
		return nil, err
	}
	results, err := j.query.Eval(context.Background(), rego.EvalParsedInput(input))
	if err != nil {
		return nil, err
	}
	var found []finding
	for _, violation := range results[0].Expressions[0].Value.([]any) {
		details := violation.(map[string]any)["details"].(map[string]any)
		path := details["path"].([]any)
		for i, step := range path {
			if number, ok := step.(json.Number); ok {
				index, err := number.Int64()
				if err != nil {
					return nil, err
				}
				path[i] = index
			}
		}
		if len(path) == 0 || path[0] != "spec" {
			return nil, fmt.Errorf("path %v doesn't begin below the spec", path)
		}
		found = append(found, finding{Rule: details["rule"].(string), Path: path[1:]})
	}
	return found, nil
}

// of leaves the findings of a rule.
func of(found []finding, rule string) []finding {
	return slices.DeleteFunc(slices.Clone(found), func(f finding) bool { return f.Rule != rule })
}

// paths gives the findings' paths, sorted.
func paths(found []finding) []string {
	joined := make([]string, 0, len(found))
	for _, f := range found {
		joined = append(joined, strings.TrimPrefix(f.String(), f.Rule+" "))
	}
	slices.Sort(joined)
	return joined
}

// evaluator is Pod Security Admission's, at version latest.
type evaluator struct{ policy.Evaluator }

func newEvaluator(t *testing.T) evaluator {
	t.Helper()
	e, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return evaluator{e}
}

// allows tells whether a namespace that enforces level takes the pod of a Function with that spec, and why not.
func (e evaluator) allows(s spec, level psa.Level) (bool, string, error) {
	d, err := decode(s)
	if err != nil {
		return false, "", err
	}
	meta, pod := d.pod()
	result := policy.AggregateCheckResults(e.EvaluatePod(psa.LevelVersion{Level: level, Version: psa.LatestVersion()}, meta, pod))
	return result.Allowed, result.ForbiddenDetail(), nil
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func merged(all ...map[string]field) map[string]field {
	union := map[string]field{}
	for _, m := range all {
		maps.Copy(union, m)
	}
	return union
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
