package e2e

import (
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"kyma-function-security/harness/internal/bundle"
	"kyma-function-security/harness/internal/fixture"
	"kyma-function-security/harness/internal/gatekeeper"
)

// What only a request has: the webhook must not stop objects from going away, nor judge what isn't the object.
func TestRequests(t *testing.T) {
	library, schemas, config := sources(t)
	generated, err := bundle.Generate(library, config, schemas)
	must(t, err)
	var templates, constraints [][]byte
	for _, file := range slices.Sorted(maps.Keys(generated)) {
		switch {
		case path.Base(file) == "kustomization.yaml":
		case path.Dir(file) == "constrainttemplates":
			templates = append(templates, generated[file])
		case strings.HasPrefix(file, "bundle/gatekeeper/constraints/baseline-classic/runtime-image"):
			constraints = append(constraints, generated[file])
		}
	}
	g, err := gatekeeper.New(t.Context(), templates...)
	must(t, err)
	must(t, g.SetConstraints(t.Context(), constraints...))

	function := func(metadata, image string) map[string]any {
		var value map[string]any
		must(t, yaml.Unmarshal([]byte(`
apiVersion: serverless.kyma-project.io/v1alpha2
kind: Function
metadata: {name: orders, namespace: demo`+metadata+`}
spec:
  runtime: nodejs24
  runtimeImageOverride: `+image+`
  source: {inline: {source: "module.exports = {}"}}`), &value))
		return value
	}
	const (
		foreign     = "registry.evil.example/node@sha256:ac3947d98c840d95847d6d9dc9a1c95a3d26c30abc733155894b51083b02d2cc"
		other       = "registry.evil.example/deno@sha256:ac3947d98c840d95847d6d9dc9a1c95a3d26c30abc733155894b51083b02d2cc"
		terminating = `, deletionTimestamp: "2026-02-01T00:00:00Z", finalizers: `
	)
	for name, tc := range map[string]struct {
		review gatekeeper.Review
		denied bool
	}{
		"audit":  {gatekeeper.Review{Object: function("", foreign)}, true},
		"create": {gatekeeper.Review{Object: function("", foreign), Operation: "CREATE"}, true},
		"update": {gatekeeper.Review{Object: function("", foreign), Operation: "UPDATE", OldObject: function("", foreign)}, true},
		"delete": {gatekeeper.Review{Object: function("", foreign), Operation: "DELETE"}, false},
		"status": {gatekeeper.Review{
			Object: function("", foreign), Operation: "UPDATE", OldObject: function("", foreign), SubResource: "status",
		}, false},
		"an audit of what terminates": {gatekeeper.Review{Object: function(terminating+"[a]", foreign)}, true},
		"a finalizer is removed": {gatekeeper.Review{
			Object: function(terminating+"[a]", foreign), Operation: "UPDATE", OldObject: function(terminating+"[a, b]", foreign),
		}, false},
		"the last finalizer is removed": {gatekeeper.Review{
			Object: function(terminating+"[]", foreign), Operation: "UPDATE", OldObject: function(terminating+"[a]", foreign),
		}, false},
		"a finalizer is removed, and the managedFields with it": {gatekeeper.Review{
			Object:    function(terminating+"[], managedFields: [{manager: x}]", foreign),
			Operation: "UPDATE", OldObject: function(terminating+"[a], managedFields: [{manager: y}]", foreign),
		}, false},
		"a finalizer is removed, and the image changed": {gatekeeper.Review{
			Object: function(terminating+"[]", other), Operation: "UPDATE", OldObject: function(terminating+"[a]", foreign),
		}, true},
		"a finalizer is replaced": {gatekeeper.Review{
			Object: function(terminating+"[c]", foreign), Operation: "UPDATE", OldObject: function(terminating+"[a, b]", foreign),
		}, true},
		"a finalizer is removed from what lives": {gatekeeper.Review{
			Object: function(", finalizers: []", foreign), Operation: "UPDATE", OldObject: function(", finalizers: [a]", foreign),
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			results, err := g.Judge(t.Context(), gatekeeper.Case{Reviews: []gatekeeper.Review{tc.review}, Now: fixture.Clock})
			must(t, err)
			if denied := slices.ContainsFunc(results, func(r gatekeeper.Result) bool { return r.Rule == "KFS-201" }); denied != tc.denied {
				t.Errorf("denied: %v, want %v; %d results", denied, tc.denied, len(results))
			}
			if !tc.denied && len(results) > 0 {
				t.Errorf("results: %v", results)
			}
		})
	}
}
