package match_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	gatekeeper "github.com/open-policy-agent/gatekeeper/v3/pkg/mutation/match"
	"github.com/open-policy-agent/gatekeeper/v3/pkg/mutation/types"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"kyma-function-security/harness/internal/match"
)

// Gatekeeper's own code judges the same cases, half of which it selects.
func TestAgreesWithGatekeeper(t *testing.T) {
	const cases = 40_000
	random := rand.New(rand.NewPCG(2, 6))
	verdicts := map[string]int{}
	fields := map[string]int{}

	for i := range cases {
		criteria, object, namespace := randomMatch(random), randomObject(random), randomNamespace(random)

		m, err := match.Parse(criteria)
		if err != nil {
			t.Fatalf("case %d: %v in %s", i, err, show(criteria))
		}
		got, gotErr := m.Matches(object, namespace)
		if gotErr != nil && !errors.Is(gotErr, match.ErrNamespaceUnknown) {
			t.Fatalf("case %d: undocumented error %v", i, gotErr)
		}
		want, wantErr := gatekeepers(t, criteria, object, namespace)

		if got != want || (gotErr != nil) != (wantErr != nil) {
			t.Errorf("case %d: match %s\nobject %s\nnamespace %s\ngot %v, %v; Gatekeeper says %v, %v",
				i, show(criteria), show(object), show(namespace), got, gotErr, want, wantErr)
			return
		}
		verdict := fmt.Sprint(want)
		if wantErr != nil {
			verdict = "rejected"
		}
		verdicts[verdict]++
		for field := range criteria {
			fields[field+" "+verdict]++
		}
	}

	t.Logf("%d cases: %v", cases, verdicts)
	t.Logf("by field: %v", fields)
	if verdicts["true"] < 10_000 || verdicts["false"] < 10_000 || verdicts["rejected"] < 1_000 {
		t.Error("the cases are lopsided")
	}
	for _, field := range []string{
		"kinds", "scope", "namespaces", "excludedNamespaces", "labelSelector", "namespaceSelector", "name", "source",
	} {
		for _, verdict := range []string{" true", " false"} {
			if fields[field+verdict] < 500 {
				t.Errorf("only %d cases of %s%s", fields[field+verdict], field, verdict)
			}
		}
	}
}

func gatekeepers(t *testing.T, criteria, object, namespace map[string]any) (bool, error) {
	t.Helper()
	text, err := json.Marshal(criteria)
	if err != nil {
		t.Fatal(err)
	}
	var m gatekeeper.Match
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	target := &gatekeeper.Matchable{Object: &unstructured.Unstructured{Object: object}, Source: types.SourceTypeOriginal}
	if namespace != nil {
		target.Namespace = &corev1.Namespace{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(namespace, target.Namespace); err != nil {
			t.Fatal(err)
		}
	}
	return gatekeeper.Matches(&m, target)
}

var (
	groups     = []string{"", "apps", "serverless.kyma-project.io"}
	kinds      = []string{"Function", "Namespace", "Service", "Deployment"}
	namespaces = []string{"team-a", "team-b", "kube-system", "a"}
	names      = []string{"f", "orders", "orders-v2", "x-orders"}
	globs      = []string{"*", "**", "", "team-*", "*-a", "*a*", "team-a", "kube-*", "*-system", "orders", "orders*", "*orders", "a"}
	keys       = []string{"tier", "app", "example.com/owner"}
	values     = []string{"prod", "dev", ""}
)

func randomMatch(r *rand.Rand) map[string]any {
	m := map[string]any{}
	maybe := func(field string, odds float64, value func() any) {
		if r.Float64() < odds {
			m[field] = value()
		}
	}
	maybe("kinds", 0.5, func() any {
		return some(r, 0, 3, func() any {
			alternative := map[string]any{}
			if r.IntN(5) > 0 {
				alternative["apiGroups"] = some(r, 0, 3, func() any { return pick(r, append(groups, "*")) })
			}
			if r.IntN(5) > 0 {
				alternative["kinds"] = some(r, 0, 4, func() any { return pick(r, append(kinds, "*")) })
			}
			return alternative
		})
	})
	maybe("scope", 0.2, func() any { return pick(r, []string{"*", "Cluster", "Namespaced"}) })
	maybe("namespaces", 0.25, func() any { return some(r, 0, 4, func() any { return pick(r, globs) }) })
	maybe("excludedNamespaces", 0.2, func() any { return some(r, 0, 2, func() any { return pick(r, globs) }) })
	maybe("labelSelector", 0.25, func() any { return randomSelector(r) })
	maybe("namespaceSelector", 0.3, func() any { return randomSelector(r) })
	maybe("name", 0.2, func() any { return pick(r, globs) })
	maybe("source", 0.15, func() any { return pick(r, []string{"All", "Original", "Original", "Generated"}) })
	return m
}

func randomSelector(r *rand.Rand) map[string]any {
	selector := map[string]any{}
	if r.IntN(2) == 0 {
		selector["matchLabels"] = randomLabels(r, 2)
	}
	if r.IntN(2) == 0 {
		selector["matchExpressions"] = some(r, 0, 2, func() any {
			operator := pick(r, []string{"In", "NotIn", "Exists", "DoesNotExist"})
			expression := map[string]any{"key": pick(r, keys), "operator": operator}
			if operator == "In" || operator == "NotIn" {
				expression["values"] = some(r, 1, 2, func() any { return pick(r, values) })
			}
			return expression
		})
	}
	return selector
}

// A third of the objects are Namespaces or cluster-scoped, and a few have what no API server would store.
func randomObject(r *rand.Rand) map[string]any {
	apiVersion := pick(r, []string{"v1", "v1", "apps/v1", "serverless.kyma-project.io/v1alpha2"})
	metadata := map[string]any{}
	if r.IntN(6) > 0 {
		metadata["name"] = pick(r, append(names, namespaces...))
	} else {
		metadata["generateName"] = pick(r, names) + "-"
	}
	if r.IntN(4) > 0 {
		metadata["namespace"] = pick(r, namespaces)
	}
	if r.IntN(4) > 0 {
		metadata["labels"] = randomLabels(r, 3)
	}
	object := map[string]any{"apiVersion": apiVersion, "kind": pick(r, kinds), "metadata": metadata}
	switch r.IntN(40) {
	case 0:
		object["apiVersion"] = pick(r, []string{"", "/", "a/b/c", "apps/"})
	case 1:
		object["metadata"] = pick(r, []any{nil, "text", []any{}})
	case 2:
		metadata["labels"] = pick(r, []any{nil, "tier", map[string]any{"tier": "prod", "app": nil}, map[string]any{"tier": "prod", "app": true}})
	case 3:
		metadata["namespace"] = pick(r, []any{nil, int64(3)})
	case 4:
		metadata["name"] = pick(r, []any{nil, false})
	case 5:
		delete(object, "apiVersion")
	case 6:
		object["kind"] = pick(r, []any{nil, int64(1)})
	}
	return object
}

func randomNamespace(r *rand.Rand) map[string]any {
	if r.IntN(3) == 0 {
		return nil
	}
	metadata := map[string]any{"name": pick(r, namespaces)}
	if r.IntN(4) > 0 {
		metadata["labels"] = randomLabels(r, 3)
	}
	return map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
}

func randomLabels(r *rand.Rand, most int) map[string]any {
	labels := map[string]any{}
	for range r.IntN(most + 1) {
		labels[pick(r, keys)] = pick(r, values)
	}
	return labels
}

func some(r *rand.Rand, least, most int, item func() any) []any {
	list := []any{}
	for range least + r.IntN(most-least+1) {
		list = append(list, item())
	}
	return list
}

func pick[T any](r *rand.Rand, from []T) T {
	return from[r.IntN(len(from))]
}

func show(value any) string {
	text, _ := json.Marshal(value)
	return string(text)
}
