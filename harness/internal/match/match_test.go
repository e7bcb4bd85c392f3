package match_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"kyma-function-security/harness/internal/match"
)

const (
	function = "apiVersion: serverless.kyma-project.io/v1alpha2\nkind: Function\n"
	teamA    = "apiVersion: v1\nkind: Namespace\nmetadata: {name: team-a, labels: {tier: prod}}"
)

func TestMatches(t *testing.T) {
	for name, tc := range map[string]struct {
		match, object, namespace string
		want                     bool
		wantErr                  error
	}{
		"nothing asked": {
			object: function + "metadata: {name: f, namespace: team-a}", want: true,
		},
		"another group's kind of the same name": {
			match:  "kinds: [{apiGroups: [apps], kinds: [Function]}]",
			object: function + "metadata: {name: f, namespace: team-a}",
		},
		"groups and kinds of two entries don't mix": {
			match:  "kinds: [{apiGroups: [apps], kinds: [Function]}, {apiGroups: [serverless.kyma-project.io], kinds: [Pod]}]",
			object: function + "metadata: {name: f, namespace: team-a}",
		},
		"wildcards": {
			match:  `kinds: [{apiGroups: ["*"], kinds: ["*"]}]`,
			object: function + "metadata: {name: f, namespace: team-a}", want: true,
		},
		"an apiVersion that is none has no kind": {
			match: "kinds: [{kinds: [Function]}]", object: "apiVersion: a/b/c\nkind: Function",
		},
		"a Namespace is named by itself": {
			match: "namespaces: [team-*]", object: teamA, want: true,
		},
		"a Namespace is excluded by its own name": {
			match: "excludedNamespaces: [team-a]", object: teamA,
		},
		"a Namespace is cluster-scoped": {
			match: "scope: Namespaced", object: teamA,
		},
		"a Namespace is selected by its own labels": {
			match: "namespaceSelector: {matchLabels: {tier: prod}}", object: teamA, want: true,
		},
		"a glob at the end": {
			match:  `namespaces: ["*-a"]`,
			object: function + "metadata: {name: f, namespace: team-a}", want: true,
		},
		"a name without star is no prefix": {
			match:  `namespaces: [team]`,
			object: function + "metadata: {name: f, namespace: team-a}",
		},
		"names say nothing of an object in no namespace": {
			match: `{namespaces: [team-a], excludedNamespaces: ["*"]}`, object: function + "metadata: {name: f}", want: true,
		},
		"the Namespace's name counts before the one declared": {
			match: "namespaces: [team-a]", object: function + "metadata: {name: f, namespace: team-b}", namespace: teamA, want: true,
		},
		"selector of an unknown Namespace": {
			match:   "namespaceSelector: {matchLabels: {tier: prod}}",
			object:  function + "metadata: {name: f, namespace: team-a}",
			wantErr: match.ErrNamespaceUnknown,
		},
		"an empty selector needs the Namespace too": {
			match:   "namespaceSelector: {}",
			object:  function + "metadata: {name: f, namespace: team-a}",
			wantErr: match.ErrNamespaceUnknown,
		},
		"what fails before the unknown Namespace decides": {
			match:  "{namespaceSelector: {}, scope: Cluster}",
			object: function + "metadata: {name: f, namespace: team-a}",
		},
		"generateName": {
			match: `name: "f-*"`, object: function + "metadata: {generateName: f-, namespace: team-a}", want: true,
		},
		"the end of a generateName is open": {
			match: `name: "*-f"`, object: function + "metadata: {generateName: x-f, namespace: team-a}",
		},
		"a manifest isn't generated": {
			match: "source: Generated", object: teamA,
		},
		"a manifest is original": {
			match: "source: Original", object: teamA, want: true,
		},
		"NotIn holds without the label": {
			match: "labelSelector: {matchExpressions: [{key: tier, operator: NotIn, values: [dev]}]}", object: teamA, want: true,
		},
		"a label that is no string takes all labels away": {
			match:  "labelSelector: {matchLabels: {tier: prod}}",
			object: function + "metadata: {name: f, labels: {tier: prod, count: 3}}",
		},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := match.Parse(object(t, tc.match))
			if err != nil {
				t.Fatal(err)
			}
			got, err := m.Matches(object(t, tc.object), object(t, tc.namespace))
			if got != tc.want || !errors.Is(err, tc.wantErr) {
				t.Errorf("got %v, %v; want %v, %v", got, err, tc.want, tc.wantErr)
			}
		})
	}
}

func TestParse(t *testing.T) {
	got, err := match.Parse(object(t, `
kinds: [{apiGroups: [""], kinds: [Service, Secret]}]
scope: Namespaced
namespaces: [a]
excludedNamespaces: [kube-*]
labelSelector: {matchLabels: {b: "2", a: "1"}}
namespaceSelector: {matchExpressions: [{key: example.com/x, operator: Exists}]}
name: f-*
source: All`))
	if err != nil {
		t.Fatal(err)
	}
	want := &match.Match{
		Kinds:              []match.Kinds{{APIGroups: []string{""}, Kinds: []string{"Service", "Secret"}}},
		Scope:              match.Namespaced,
		Namespaces:         []string{"a"},
		ExcludedNamespaces: []string{"kube-*"},
		LabelSelector: &match.Selector{Requirements: []match.Requirement{
			{Key: "a", Operator: match.In, Values: []string{"1"}},
			{Key: "b", Operator: match.In, Values: []string{"2"}},
		}},
		NamespaceSelector: &match.Selector{Requirements: []match.Requirement{{Key: "example.com/x", Operator: match.Exists}}},
		Name:              "f-*",
		Source:            match.AnySource,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if !got.MatchesKind("v1", "Secret") || got.MatchesKind("apps/v1", "Secret") {
		t.Error("MatchesKind: want core Secret alone")
	}
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"kind: [{kinds: [Pod]}]":                   "match.kind: no such field",
		"kinds: [{apiGroup: [apps]}]":              "match.kinds[0].apiGroup: no such field",
		"kinds: [Pod]":                             `match.kinds[0]: must be an object, is the string "Pod"`,
		"kinds: {kinds: [Pod]}":                    "match.kinds: must be a list, is an object",
		"kinds: [{kinds: [Pod, 3]}]":               "match.kinds[0].kinds[1]: must be a string, is the number 3",
		"kinds: null":                              "match.kinds: must be a list, is null",
		"scope: cluster":                           `match.scope: "cluster" is none of ["*" "Cluster" "Namespaced"]`,
		`scope: ""`:                                `match.scope: "" is none of`,
		"source: original":                         `match.source: "original" is none of`,
		"namespaces: team-a":                       `match.namespaces: must be a list, is the string "team-a"`,
		"namespaces: [a*b]":                        `match.namespaces[0]: "a*b" is no name`,
		"excludedNamespaces: [true]":               "match.excludedNamespaces[0]: must be a string, is true",
		"excludedNamespaces: [[]]":                 "match.excludedNamespaces[0]: must be a string, is a list",
		"name: F":                                  `match.name: "F" is no name`,
		"labelSelector: {app: x}":                  "match.labelSelector.app: no such field",
		"labelSelector: null":                      "match.labelSelector: must be an object, is null",
		"labelSelector: {matchLabels: {a: 1}}":     "match.labelSelector.matchLabels.a: must be a string",
		"labelSelector: {matchLabels: {a/b/c: x}}": `match.labelSelector.matchLabels.a/b/c: "a/b/c" is no label key`,
		"labelSelector: {matchLabels: {A.b/c: x}}": `"A.b/c" is no label key`,
		"labelSelector: {matchLabels: {a: -x}}":    `match.labelSelector.matchLabels.a: "-x" is no label value`,
		"labelSelector: {matchExpressions: [{}]}":  "match.labelSelector.matchExpressions[0].operator: is missing",
		"namespaceSelector: {matchExpressions: [{key: a, operator: In}]}":                    "needs at least one value",
		"namespaceSelector: {matchExpressions: [{key: a, operator: Exists, values: [b]}]}":   "takes no values",
		"namespaceSelector: {matchExpressions: [{key: a, operator: in, values: [b]}]}":       `"in" is none of`,
		"namespaceSelector: {matchExpressions: [{key: a, operator: null}]}":                  "operator: must be a string, is null",
		"namespaceSelector: {matchExpressions: [{operator: Exists}]}":                        `"" is no label key`,
		"namespaceSelector: {matchExpressions: [{key: a, operator: NotIn, values: [b, 1]}]}": "values[1]: must be a string",
	} {
		t.Run(text, func(t *testing.T) {
			m, err := match.Parse(object(t, text))
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %+v, error %v; want error with %q", m, err, want)
			}
		})
	}
	t.Run("every error at once", func(t *testing.T) {
		_, err := match.Parse(object(t, "{kind: x, scope: true, name: Z}"))
		if err == nil || strings.Count(err.Error(), "\n") != 2 {
			t.Errorf("got %v, want three lines", err)
		}
	})
}

func object(t testing.TB, text string) map[string]any {
	t.Helper()
	var read map[string]any
	if err := yaml.Unmarshal([]byte(text), &read); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return read
}
