package gatekeeper_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"kyma-function-security/harness/internal/gatekeeper"
)

// The probe policy tells what it sees.
const template = `
apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {name: probe}
spec:
  crd:
    spec:
      names: {kind: Probe}
      validation:
        openAPIV3Schema:
          type: object
          properties:
            rules: {type: array, items: {type: string}}
  targets:
  - target: admission.k8s.gatekeeper.sh
    code:
    - engine: Rego
      source:
        version: v1
        libs:
        - |
          package lib.probe

          finding(rule, message) := {"msg": message, "details": {
            "rule": rule, "severity": "high", "fact": "manifest", "path": ["spec", 0], "line": 2,
          }}
        rego: |
          package kyma.probe

          import data.lib.probe

          violation contains probe.finding("SEEN", message) if {
            peers := {name | some name; data.inventory.namespace[_]["v1"].Service[name]}
            labels := object.get(input.review, ["namespaceObject", "metadata", "labels"], "none")
            message := sprintf("%s %q %q by %q old %s, labels %v, peers %v, at %d", [
              input.review.object.metadata.name, input.review.operation, object.get(input.review, "subResource", ""),
              object.get(input.review.userInfo, "username", ""),
              object.get(input.review, ["oldObject", "metadata", "name"], "none"),
              labels, peers, time.now_ns(),
            ])
            input.review.object.kind == "Service"
          }

          violation contains probe.finding("TWO", value) if {
            input.review.object.kind == "Secret"
            value := two
          }

          two := "a" if input.review.object.kind

          two := "b" if input.review.object.kind
`

const (
	denies = `
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: Probe
metadata: {name: denies}
spec: {enforcementAction: deny, match: {kinds: [{apiGroups: [""], kinds: [Service, Secret]}], excludedNamespaces: [kube-system]}}
`
	selects = `
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: Probe
metadata: {name: selects}
spec: {enforcementAction: warn, match: {namespaceSelector: {matchLabels: {tier: prod}}}}
`
	scoped = `
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: Probe
metadata: {name: scoped}
spec:
  enforcementAction: scoped
  scopedEnforcementActions:
  - {action: warn, enforcementPoints: [{name: audit.gatekeeper.sh}]}
  - {action: deny, enforcementPoints: [{name: validation.gatekeeper.sh}]}
`
)

var (
	namespace = object("v1", "Namespace", "", "team-a")
	service   = object("v1", "Service", "team-a", "orders")
	now       = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
)

func TestJudge(t *testing.T) {
	g, err := gatekeeper.New(t.Context(), []byte(template))
	if err != nil {
		t.Fatal(err)
	}
	if g.Templates() != 1 {
		t.Errorf("%d templates, want 1", g.Templates())
	}
	old := object("v1", "Service", "team-a", "older")

	for name, tc := range map[string]struct {
		constraints []string
		judged      gatekeeper.Case
		want        []string
	}{
		"audit": {
			constraints: []string{denies},
			judged:      gatekeeper.Case{Inventory: []map[string]any{namespace, service}, Reviews: []gatekeeper.Review{{Object: service}}},
			want:        []string{`denies deny: orders "" "" by "" old none, labels {"tier": "prod"}, peers {"orders"}, at 1767323045000000000`},
		},
		"the inventory of the case before is gone, its Namespaces too": {
			constraints: []string{denies},
			judged:      gatekeeper.Case{Reviews: []gatekeeper.Review{{Object: service}}},
			want:        []string{`denies deny: orders "" "" by "" old none, labels none, peers set(), at 1767323045000000000`},
		},
		"webhook": {
			constraints: []string{denies},
			judged: gatekeeper.Case{Inventory: []map[string]any{namespace}, Reviews: []gatekeeper.Review{
				{Object: service, Operation: "UPDATE", OldObject: old, Username: "jane"},
				{Object: service, Operation: "DELETE"},
				{Object: service, Operation: "CREATE", SubResource: "status"},
			}},
			want: []string{
				`denies deny: orders "UPDATE" "" by "jane" old older, labels {"tier": "prod"}, peers set(), at 1767323045000000000`,
				`denies deny: orders "DELETE" "" by "" old orders, labels {"tier": "prod"}, peers set(), at 1767323045000000000`,
				`denies deny: orders "CREATE" "status" by "" old none, labels {"tier": "prod"}, peers set(), at 1767323045000000000`,
			},
		},
		"an action for each enforcement point": {
			constraints: []string{scoped},
			judged: gatekeeper.Case{Reviews: []gatekeeper.Review{
				{Object: service}, {Object: service, Operation: "CREATE"},
			}},
			want: []string{
				`scoped warn: orders "" "" by "" old none, labels none, peers set(), at 1767323045000000000`,
				`scoped deny: orders "CREATE" "" by "" old none, labels none, peers set(), at 1767323045000000000`,
			},
		},
		"selected by the Namespace's labels": {
			constraints: []string{selects, denies},
			judged:      gatekeeper.Case{Inventory: []map[string]any{namespace}, Reviews: []gatekeeper.Review{{Object: service}}},
			want: []string{
				`denies deny: orders "" "" by "" old none, labels {"tier": "prod"}, peers set(), at 1767323045000000000`,
				`selects warn: orders "" "" by "" old none, labels {"tier": "prod"}, peers set(), at 1767323045000000000`,
			},
		},
		"excluded": {
			constraints: []string{denies},
			judged:      gatekeeper.Case{Reviews: []gatekeeper.Review{{Object: object("v1", "Service", "kube-system", "dns")}}},
		},
		"no constraint": {
			judged: gatekeeper.Case{Reviews: []gatekeeper.Review{{Object: service}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if err := g.SetConstraints(t.Context(), bytes(tc.constraints)...); err != nil {
				t.Fatal(err)
			}
			tc.judged.Now = now
			// Twice, because the first run must leave nothing behind.
			for range 2 {
				results, err := g.Judge(t.Context(), tc.judged)
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, r := range results {
					got = append(got, fmt.Sprintf("%s %s: %s", r.Constraint, r.Action, r.Message))
					want := gatekeeper.Result{
						Review: r.Review, Constraint: r.Constraint, Action: r.Action, Message: r.Message, Kind: "Probe",
						Object: gatekeeper.Object{APIVersion: "v1", Kind: "Service", Namespace: "team-a", Name: "orders"},
						Rule:   "SEEN", Severity: "high", Fact: "manifest", Path: []any{"spec", json.Number("0")}, Line: 2,
					}
					if diff := cmp.Diff(want, r); diff != "" {
						t.Errorf("-want +got:\n%s", diff)
					}
				}
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			}
		})
	}
}

func TestRealClock(t *testing.T) {
	g, err := gatekeeper.New(t.Context(), []byte(template))
	if err != nil {
		t.Fatal(err)
	}
	if err := g.SetConstraints(t.Context(), []byte(denies)); err != nil {
		t.Fatal(err)
	}
	before := time.Now().UnixNano()
	results, err := g.Judge(t.Context(), gatekeeper.Case{Reviews: []gatekeeper.Review{{Object: service}}})
	if err != nil || len(results) != 1 {
		t.Fatalf("%v, %v", results, err)
	}
	var seen int64
	if _, err := fmt.Sscan(results[0].Message[strings.LastIndex(results[0].Message, " "):], &seen); err != nil {
		t.Fatal(err)
	}
	if seen < before || seen > time.Now().UnixNano() {
		t.Errorf("the policy saw %d", seen)
	}
}

func TestErrors(t *testing.T) {
	ctx := t.Context()
	for name, tc := range map[string]struct{ template, constraints, want string }{
		"Rego that doesn't compile": {
			template: strings.Replace(template, "value := two", "value := three", 1), want: "three",
		},
		"a field that templates don't have": {
			template: strings.Replace(template, "targets:", "banana: 1\n  targets:", 1), want: "banana",
		},
		"no template": {
			template: denies, want: "want a ConstraintTemplate",
		},
		"YAML that isn't": {
			template: "a: [", want: "read YAML",
		},
		"a builtin that reaches outside": {
			template: strings.Replace(template, "value := two", `value := http.send({"method": "GET", "url": "https://kfs.invalid"}).body`, 1),
			want:     "http.send",
		},
		"a misspelled action": {
			constraints: strings.Replace(denies, "deny,", "denny,", 1), want: `refuses enforcementAction "denny"`,
		},
		"a misspelled match": {
			constraints: strings.Replace(denies, "excludedNamespaces", "excludedNamespace", 1), want: "excludedNamespace",
		},
		"a parameter that isn't in the schema": {
			constraints: strings.Replace(denies, "spec: {", "spec: {parameters: {rule: x}, ", 1), want: "rule",
		},
		"a constraint given twice": {
			constraints: denies + "---" + denies, want: "given twice",
		},
		"no constraint": {
			constraints: "apiVersion: v1\nkind: Service\nmetadata: {name: x}", want: "want a Constraint",
		},
		"a kind without a template": {
			constraints: strings.Replace(denies, "kind: Probe", "kind: Other", 1), want: "Other",
		},
	} {
		t.Run(name, func(t *testing.T) {
			text := template
			if tc.template != "" {
				text = tc.template
			}
			g, err := gatekeeper.New(ctx, []byte(text))
			if err == nil && tc.constraints != "" {
				err = g.SetConstraints(ctx, []byte(tc.constraints))
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want an error with %q", err, tc.want)
			}
		})
	}

	g, err := gatekeeper.New(ctx, []byte(template))
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		constraint string
		review     gatekeeper.Review
		inventory  map[string]any
		want       string
	}{
		"a policy that fails":            {denies, gatekeeper.Review{Object: object("v1", "Secret", "team-a", "x")}, nil, "eval_conflict_error"},
		"an unknown Namespace":           {selects, gatekeeper.Review{Object: service}, nil, "missing Namespace"},
		"an object without a kind":       {denies, gatekeeper.Review{Object: map[string]any{"apiVersion": "v1"}}, nil, "Kind"},
		"an inventory without a version": {denies, gatekeeper.Review{Object: service}, map[string]any{"kind": "Service"}, "version"},
		"an unknown operation":           {denies, gatekeeper.Review{Object: service, Operation: "PATCH"}, nil, "PATCH"},
		"an update without an old object": {
			denies, gatekeeper.Review{Object: service, Operation: "UPDATE"}, nil, "old object",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if err := g.SetConstraints(ctx, []byte(tc.constraint)); err != nil {
				t.Fatal(err)
			}
			judged := gatekeeper.Case{Reviews: []gatekeeper.Review{tc.review}}
			if tc.inventory != nil {
				judged.Inventory = []map[string]any{tc.inventory}
			}
			results, err := g.Judge(ctx, judged)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, %v, want an error with %q", results, err, tc.want)
			}
		})
	}
}

func object(apiVersion, kind, namespace, name string) map[string]any {
	text := fmt.Sprintf("{apiVersion: %s, kind: %s, metadata: {name: %s, labels: {tier: prod}, namespace: %q}}", apiVersion, kind, name, namespace)
	var value map[string]any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		panic(err)
	}
	if namespace == "" {
		delete(value["metadata"].(map[string]any), "namespace")
	}
	return value
}

func bytes(texts []string) (all [][]byte) {
	for _, text := range texts {
		all = append(all, []byte(text))
	}
	return all
}
