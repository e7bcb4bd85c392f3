package e2e

import (
	"math/rand/v2"
	"testing"

	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"

	"kyma-function-security/harness/internal/match"
	"kyma-function-security/policies"
)

// The adapter has to select objects in Rego as kfs does in Go, and so as Gatekeeper does.
func TestAdapterMatches(t *testing.T) {
	const (
		amount = 3_000
		probe  = `package kyma.probe

violation contains {"msg": "selected", "details": {"rule": "KFS-999"}} if input.review.object`
		// The object is a variable of its own: in a query, unlike in a module, OPA 1.22 takes `with input as c.object` for an
		// empty document.
		query = `[messages |
			some c in data.cases
			object_ := c.object
			constraint := {"policy": "probe", "name": "probe", "action": "deny", "match": c.match, "parameters": {"rules": ["KFS-999"]}}
			denials := data.kfs.adapter.deny with input as object_ with data.kfs.constraints.all as [constraint]
			messages := [denial.msg | some denial in denials]
		]`
	)
	random := rand.New(rand.NewPCG(7, 7))
	cases := make([]any, 0, amount)
	var want []bool
	for range amount {
		criteria, object := randomMatch(random), randomObject(random)
		m, err := match.Parse(criteria)
		must(t, err)
		selected, err := m.Matches(object, nil)
		must(t, err)
		want = append(want, selected)
		cases = append(cases, map[string]any{"match": criteria, "object": object})
	}

	modules := []func(*rego.Rego){rego.Module("probe.rego", probe)}
	for _, file := range []string{"kfs/adapter/adapter.rego", "lib/kfs/shown/shown.rego"} {
		text, err := policies.FS.ReadFile(file)
		must(t, err)
		modules = append(modules, rego.Module(file, string(text)))
	}
	store := inmem.NewFromObject(map[string]any{
		"cases": cases,
		"kfs":   map[string]any{"constraints": map[string]any{"all": []any{}, "scopes": map[string]any{}, "needs_namespace": map[string]any{}}},
	})
	results, err := rego.New(append(modules, rego.Store(store), rego.StrictBuiltinErrors(true), rego.Query(query))...).Eval(t.Context())
	must(t, err)
	got := results[0].Expressions[0].Value.([]any)
	if len(got) != amount {
		t.Fatalf("%d of %d cases were decided", len(got), amount)
	}
	selected := 0
	for i := range want {
		if want[i] {
			selected++
		}
		if denials := got[i].([]any); len(denials) != 0 != want[i] {
			t.Fatalf("case %d: %v\nthe adapter gives %v, kfs selects it: %v", i, cases[i], denials, want[i])
		}
	}
	t.Logf("%d of %d cases selected", selected, amount)
	if selected < amount/4 || selected > amount*3/4 {
		t.Error("the cases are lopsided")
	}
}

// randomMatch has the fields that `kfs bundle` accepts for the adapter.
func randomMatch(r *rand.Rand) map[string]any {
	m := map[string]any{}
	globs := []string{"*", "team-*", "*-a", "*a*", "team-a", "kube-*", "kube-system", "**"}
	if r.IntN(4) > 0 {
		m["kinds"] = some(r, 2, func() any {
			alternative := map[string]any{}
			if r.IntN(6) > 0 {
				alternative["apiGroups"] = some(r, 2, func() any { return pick(r, "", "apps", "serverless.kyma-project.io", "*") })
			}
			if r.IntN(6) > 0 {
				alternative["kinds"] = some(r, 2, func() any { return pick(r, "Function", "Namespace", "Service", "*") })
			}
			return alternative
		})
	}
	if r.IntN(3) == 0 {
		m["namespaces"] = some(r, 2, func() any { return pick(r, globs...) })
	}
	if r.IntN(3) == 0 {
		m["excludedNamespaces"] = some(r, 2, func() any { return pick(r, globs...) })
	}
	return m
}

func randomObject(r *rand.Rand) map[string]any {
	metadata := map[string]any{"name": pick(r, "orders", "team-a", "kube-system")}
	if r.IntN(4) > 0 {
		metadata["namespace"] = pick(r, "team-a", "team-b", "kube-system", "a")
	}
	return map[string]any{
		"apiVersion": pick(r, "v1", "apps/v1", "serverless.kyma-project.io/v1alpha2"),
		"kind":       pick(r, "Function", "Namespace", "Service"),
		"metadata":   metadata,
	}
}

func some(r *rand.Rand, most int, item func() any) []any {
	list := []any{}
	if r.IntN(8) == 0 {
		return list
	}
	for range 1 + r.IntN(most) {
		list = append(list, item())
	}
	return list
}

func pick(r *rand.Rand, from ...string) string { return from[r.IntN(len(from))] }
