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
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"

	"kyma-function-security/policies"
)

// finding is what the tests compare of a finding.
type finding struct {
	Rule    string
	Object  string // the name of the object it is on
	Path    []any  // keys are strings, indices int64
	Message string
}

// judge is the policy, ready to be evaluated, with an inventory of its own: it serves one goroutine.
type judge struct {
	query rego.PreparedEvalQuery
	store storage.Store
}

func newJudge(t *testing.T) judge {
	t.Helper()
	store := inmem.NewFromObjectWithOpts(object{}, inmem.OptRoundTripOnWrite(false), inmem.OptReturnASTValuesOnRead(true))
	options := []func(*rego.Rego){
		rego.Query("data.kyma.namespace_isolation.violation"),
		rego.Store(store),
		rego.Strict(true),
		rego.StrictBuiltinErrors(true),
	}
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
	return judge{prepared, store}
}

// findings judges the Function of a world by the rules about NetworkPolicies, and if asked its policies too.
func (j judge) findings(w world, both bool) ([]finding, error) {
	byName, reviewed := object{}, []object{w.function}
	for _, p := range w.policies {
		byName[p["metadata"].(object)["name"].(string)] = p
		if both {
			reviewed = append(reviewed, p)
		}
	}
	inventory := object{"namespace": object{namespace: object{
		"networking.k8s.io/v1":                object{"NetworkPolicy": byName},
		"serverless.kyma-project.io/v1alpha2": object{"Function": object{"orders": w.function}},
	}}}
	parameters := object{
		"flavor":       w.flavor,
		"clusterCIDRs": w.inside,
		"rules":        []any{"KFS-401", "KFS-402", "KFS-403", "KFS-406"},
	}
	var around any = object{}
	if w.space != nil {
		around = w.space
	}
	return j.judge(inventory, parameters, around, reviewed)
}

// judge evaluates the policy for each of the objects.
func (j judge) judge(inventory, parameters, around any, reviewed []object) ([]finding, error) {
	ctx := context.Background()
	txn, err := j.store.NewTransaction(ctx, storage.WriteParams)
	if err != nil {
		return nil, err
	}
	defer j.store.Abort(ctx, txn)
	value, err := ast.InterfaceToValue(inventory)
	if err != nil {
		return nil, err
	}
	if err := j.store.Write(ctx, txn, storage.AddOp, storage.MustParsePath("/inventory"), value); err != nil {
		return nil, err
	}
	var found []finding
	for _, o := range reviewed {
		input, err := ast.InterfaceToValue(object{
			"parameters": parameters,
			"review":     object{"operation": "CREATE", "object": o, "namespaceObject": around},
		})
		if err != nil {
			return nil, err
		}
		results, err := j.query.Eval(ctx, rego.EvalParsedInput(input), rego.EvalTransaction(txn))
		if err != nil {
			return nil, fmt.Errorf("judge %s: %w", text(o), err)
		}
		metadata, _ := o["metadata"].(object)
		name, _ := metadata["name"].(string)
		for _, violation := range results[0].Expressions[0].Value.([]any) {
			f, err := read(violation.(object))
			if err != nil {
				return nil, err
			}
			f.Object = name
			found = append(found, f)
		}
	}
	return found, nil
}

func read(violation object) (finding, error) {
	details := violation["details"].(object)
	f := finding{Rule: details["rule"].(string), Message: violation["msg"].(string)}
	for _, step := range details["path"].([]any) {
		if number, ok := step.(json.Number); ok {
			index, err := number.Int64()
			if err != nil {
				return f, err
			}
			step = index
		}
		f.Path = append(f.Path, step)
	}
	return f, nil
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
