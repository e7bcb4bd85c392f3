package networkpolicy

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"

	"kyma-function-security/policies"
)

// finding is what the tests compare of a finding.
type finding struct {
	Rule    string
	Object  string // the name of the object it is on
	Path    []any  // keys are strings, indices int64
	Message string
}

// judge is the policy, ready to be evaluated.
type judge struct{ query rego.PreparedEvalQuery }

// query judges every review in one inventory.
const query = `
found = [result |
	parameters := input.parameters
	inventory := input.inventory
	some review in input.reviews
	some violation in data.kyma.namespace_isolation.violation with input as {"review": review, "parameters": parameters}
		with data.inventory as inventory
	result := {"name": review.object.metadata.name, "violation": violation}
]`

func newJudge(t *testing.T) judge {
	t.Helper()
	options := []func(*rego.Rego){rego.Query(query), rego.Strict(true), rego.StrictBuiltinErrors(true)}
	for _, root := range []string{"kyma/namespace_isolation", "lib/kfs"} {
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
	prepared, err := rego.New(options...).PrepareForEval(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return judge{prepared}
}

// findings judges the Function and the policies of a world by the rules about NetworkPolicies.
func (j judge) findings(w world) ([]finding, error) {
	around := any(object{})
	if w.space != nil {
		around = w.space
	}
	reviews := []any{object{"operation": "CREATE", "object": w.function, "namespaceObject": around}}
	byName := object{}
	for _, p := range w.policies {
		byName[p["metadata"].(object)["name"].(string)] = p
		reviews = append(reviews, object{"operation": "CREATE", "object": p, "namespaceObject": around})
	}
	return j.eval(object{
		"reviews": reviews,
		"parameters": object{
			"flavor":       w.flavor,
			"clusterCIDRs": w.inside,
			"rules":        []any{"KFS-401", "KFS-402", "KFS-403", "KFS-406"},
		},
		"inventory": object{"namespace": object{namespace: object{
			"networking.k8s.io/v1":                object{"NetworkPolicy": byName},
			"serverless.kyma-project.io/v1alpha2": object{"Function": object{"orders": w.function}},
		}}},
	})
}

func (j judge) eval(value any) ([]finding, error) {
	input, err := ast.InterfaceToValue(value)
	if err != nil {
		return nil, err
	}
	results, err := j.query.Eval(context.Background(), rego.EvalParsedInput(input))
	if err != nil {
		return nil, err
	}
	var found []finding
	for _, result := range results[0].Bindings["found"].([]any) {
		violation := result.(object)["violation"].(object)
		details := violation["details"].(object)
		f := finding{Rule: details["rule"].(string), Message: violation["msg"].(string)}
		f.Object, _ = result.(object)["name"].(string)
		for _, step := range details["path"].([]any) {
			if number, ok := step.(json.Number); ok {
				index, err := number.Int64()
				if err != nil {
					return nil, err
				}
				step = index
			}
			f.Path = append(f.Path, step)
		}
		found = append(found, f)
	}
	return found, nil
}

func text(value any) string {
	b, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func (w world) String() string {
	return fmt.Sprintf("%s, inside %s\n%s\n%s\n%s", w.flavor, text(w.inside), text(w.space), text(w.function), text(w.policies))
}
