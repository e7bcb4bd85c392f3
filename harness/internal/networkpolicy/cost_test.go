package networkpolicy

import (
	"context"
	"fmt"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// steps counts what an evaluation does: unlike time, it is the same on every machine.
type steps int

func (*steps) Enabled() bool                    { return true }
func (*steps) Config() topdown.TraceConfig      { return topdown.TraceConfig{} }
func (s *steps) TraceEvent(event topdown.Event) { *s++ }

// TestCost demands that a review costs the same whatever stands in other namespaces.
func TestCost(t *testing.T) {
	judge := newJudge(t)
	reviewed := map[string]object{
		"Function":      {"kind": "Function", "metadata": object{"name": "orders", "namespace": namespace}, "spec": object{}},
		"NetworkPolicy": closed(),
		"PeerAuthentication": {"metadata": object{"name": "default", "namespace": namespace}, "spec": object{
			"mtls": object{"mode": "PERMISSIVE"},
		}},
		"Namespace": {"metadata": object{"name": namespace}},
	}
	versions := map[string]string{
		"Function": "serverless.kyma-project.io/v1alpha2", "NetworkPolicy": "networking.k8s.io/v1",
		"PeerAuthentication": "security.istio.io/v1", "AuthorizationPolicy": "security.istio.io/v1",
		"APIRule": "gateway.kyma-project.io/v2",
	}
	inventory := func(others int) object {
		spaces := object{}
		for i := range others + 1 {
			space := namespace
			if i > 0 {
				space = fmt.Sprintf("team-%d", i)
			}
			byVersion := object{}
			for kind, version := range versions {
				kinds, _ := byVersion[version].(object)
				if kinds == nil {
					kinds = object{}
					byVersion[version] = kinds
				}
				kinds[kind] = object{"default": object{"kind": kind, "metadata": object{"name": "default", "namespace": space}, "spec": object{}}}
			}
			spaces[space] = byVersion
		}
		return object{"namespace": spaces}
	}
	cost := func(kind string, others int) steps {
		ctx := context.Background()
		txn, err := judge.store.NewTransaction(ctx, storage.WriteParams)
		if err != nil {
			t.Fatal(err)
		}
		defer judge.store.Abort(ctx, txn)
		data, err := ast.InterfaceToValue(inventory(others))
		if err != nil {
			t.Fatal(err)
		}
		if err := judge.store.Write(ctx, txn, storage.AddOp, storage.MustParsePath("/inventory"), data); err != nil {
			t.Fatal(err)
		}
		reviewed[kind]["kind"] = kind
		input, err := ast.InterfaceToValue(object{"parameters": object{}, "review": object{"object": reviewed[kind]}})
		if err != nil {
			t.Fatal(err)
		}
		var counted steps
		if _, err := judge.query.Eval(ctx, rego.EvalParsedInput(input), rego.EvalTransaction(txn), rego.EvalQueryTracer(&counted)); err != nil {
			t.Fatal(err)
		}
		return counted
	}
	for kind := range reviewed {
		few, many := cost(kind, 2), cost(kind, 2_000)
		t.Logf("%s: %d steps with 10 objects in other namespaces, %d with 10,000", kind, few, many)
		if few != many || few < 100 {
			t.Errorf("%s: %d steps with 10 objects in other namespaces, %d with 10,000", kind, few, many)
		}
	}
}
