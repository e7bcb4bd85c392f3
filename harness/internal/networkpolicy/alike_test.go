package networkpolicy

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"

	"kyma-function-security/policies"
)

// compared asks of every Function whether the one that stands for it is selected by the same selectors.
const compared = `package compared

import data.lib.kfs.function
import data.lib.kfs.selector

kinds := function.alike({"demo", "shop"}, apart, object.union(selector.mentioned(input.selectors), input.pods))

apart := {space | some space in input.apart}

differing contains [space, name] if {
	some space, name
	resource := data.inventory.namespace[space][_].Function[name]
	some kind in kinds
	name in kind.names
	chosen(kind.function) != chosen(resource)
}

differing contains [kind.space, name] if {
	some kind in kinds
	some space, name
	data.inventory.namespace[space][_].Function[name]
	name in kind.names
	({space} & apart) != ({kind.space} & apart)
}

lost contains name if {
	some name
	data.inventory.namespace[_][_].Function[name]
	count([kind | some kind in kinds; name in kind.names]) != 1
}

chosen(resource) := {[i, pod, way] |
	some i, label_selector in input.selectors
	some pod, labels in {
		"runtime": function.runtime_pod(resource),
		"meshed": function.meshed_pod(resource),
		"build": function.build_pod(resource),
	}
	[pod, object.get(input.pods, "builds", true)] != ["build", false]
	some way in ways(label_selector, labels)
}

# Istio reads no matchExpressions.
ways(label_selector, labels) := {"Kubernetes" | selector.matches(label_selector, labels)} | {"Istio" |
	selector.labels_match(object.get(label_selector, "matchLabels", null), labels)
}
`

// TestAlike has random selectors look at random Functions: they may not tell one from the one that stands for it.
func TestAlike(t *testing.T) {
	t.Parallel()
	modules := map[string]*ast.Module{"compared": ast.MustParseModule(compared)}
	for _, name := range []string{"function", "inventory", "selector"} {
		text, err := fs.ReadFile(policies.FS, "lib/kfs/"+name+"/"+name+".rego")
		if err != nil {
			t.Fatal(err)
		}
		modules[name] = ast.MustParseModule(string(text))
	}
	compiler := ast.NewCompiler()
	if compiler.Compile(modules); compiler.Failed() {
		t.Fatal(compiler.Errors)
	}
	labels := [][]string{
		{"tier"}, {"app.kubernetes.io/name"}, {modeLabel}, {canonicalNameLabel}, {revisionLabel, "version", "app.kubernetes.io/version"},
	}
	for _, label := range []string{"function-name", "managed-by", "resource", "uuid"} {
		labels = append(labels, []string{prefixOfLabels + label})
	}
	const worlds = 1_500
	spared := 0
	for seed := range uint64(worlds) {
		w := crowd{rand.New(rand.NewPCG(seed, 0)), labels[seed%uint64(len(labels))]}
		inventory, functions := w.functions()
		selectors := []any{w.selector(), w.selector()}
		input := object{"selectors": selectors, "apart": w.pick([]any{}, []any{"shop"}), "pods": w.pick(object{}, object{"builds": false})}
		store := inmem.NewFromObjectWithOpts(object{"inventory": object{"namespace": inventory}},
			inmem.OptRoundTripOnWrite(false), inmem.OptReturnASTValuesOnRead(seed%2 == 0))
		results, err := rego.New(
			rego.Compiler(compiler), rego.Store(store), rego.Input(input), rego.StrictBuiltinErrors(true),
			rego.Query("differing = data.compared.differing; lost = data.compared.lost; kinds = count(data.compared.kinds)"),
		).Eval(context.Background())
		if err != nil || len(results) != 1 {
			t.Fatalf("seed %d: %v, %v", seed, results, err)
		}
		found := results[0].Bindings
		if len(found["differing"].([]any))+len(found["lost"].([]any)) > 0 {
			t.Fatalf("seed %d: differing %v, lost %v\nof %v\nto %v", seed, found["differing"], found["lost"], inventory, input)
		}
		kinds := 0
		if _, err := fmt.Sscan(fmt.Sprint(found["kinds"]), &kinds); err != nil {
			t.Fatal(err)
		}
		spared += functions - kinds
	}
	if spared < worlds {
		t.Errorf("of %d worlds' Functions only %d needn't be looked at", worlds, spared)
	}
}

// crowd makes Functions and selectors that have much in common: the labels of a world are few.
type crowd struct {
	*rand.Rand

	others []string // the labels besides app
}

func (c crowd) pick(values ...any) any { return values[c.IntN(len(values))] }

func (c crowd) key() string { return c.pick("app", c.others[c.IntN(len(c.others))]).(string) }

func (c crowd) value() any {
	if c.IntN(16) == 0 {
		return c.pick(nil, false, 1, "", []any{"x"}, object{})
	}
	return c.pick("x", "x", "y", "z", "fn-0", "fn-1", "1", "deployment", "function-controller", "istio", "latest")
}

func (c crowd) labels() any {
	if c.IntN(16) == 0 {
		return c.pick(nil, "x", []any{"x"})
	}
	labels := object{}
	for range 1 + c.IntN(2) {
		labels[c.key()] = c.value()
	}
	return labels
}

func (c crowd) selector() object {
	selector := object{}
	if c.IntN(2) == 0 {
		selector["matchLabels"] = c.labels()
	}
	if c.IntN(2) == 0 {
		requirement := object{"key": c.key(), "operator": c.pick("Exists", "DoesNotExist")}
		if c.IntN(2) == 0 {
			requirement = object{"key": c.key(), "operator": c.pick("In", "NotIn"), "values": []any{c.value(), c.value()}}
		}
		selector["matchExpressions"] = []any{requirement}
	}
	return selector
}

// functions are some of two namespaces and versions; their names are unique in both.
func (c crowd) functions() (inventory object, count int) {
	inventory = object{}
	for count = range 8 {
		name := fmt.Sprintf("fn-%d", count)
		metadata, spec := object{"name": name}, object{}
		if c.IntN(16) == 0 {
			metadata["name"] = c.pick(nil, "", 1, "x", "fn-0")
		}
		if c.IntN(3) > 0 {
			metadata["uid"] = c.pick(fmt.Sprint(count), fmt.Sprint(count), fmt.Sprint(count), "", nil, 1, []any{})
		}
		if c.IntN(3) == 0 {
			metadata["labels"] = c.labels()
		}
		if c.IntN(2) == 0 {
			spec["labels"] = c.labels()
		}
		if c.IntN(3) == 0 {
			spec["template"] = object{"labels": c.labels()}
		}
		function := any(object{"metadata": metadata, "spec": spec})
		if c.IntN(24) == 0 {
			function = c.pick(nil, object{}, object{"metadata": metadata, "spec": "x"})
		}
		within := inventory
		for _, key := range []string{
			c.pick("demo", "shop").(string), "serverless.kyma-project.io/" + c.pick("v1alpha1", "v1alpha2").(string), "Function",
		} {
			if within[key] == nil {
				within[key] = object{}
			}
			within = within[key].(object)
		}
		within[name] = function
	}
	return inventory, count + 1
}
