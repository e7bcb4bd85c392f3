package bundle

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"kyma-function-security/harness/internal/constraint"
	"kyma-function-security/harness/internal/policy"
	"kyma-function-security/harness/internal/schema"
)

// The structs below give Gatekeeper's kinds in the order in which people read them. Sources: ConstraintTemplate
// templates.gatekeeper.sh/v1, SyncSet syncset.gatekeeper.sh/v1alpha1, Constraint constraints.gatekeeper.sh/v1beta1.

type meta struct {
	Name        string            `yaml:"name"`
	Labels      map[string]string `yaml:"labels,omitempty"`
	Annotations map[string]string `yaml:"annotations,omitempty"`
}

type constraintTemplate struct {
	APIVersion string       `yaml:"apiVersion"`
	Kind       string       `yaml:"kind"`
	Metadata   meta         `yaml:"metadata"`
	Spec       templateSpec `yaml:"spec"`
}

type templateSpec struct {
	CRD     templateCRD      `yaml:"crd"`
	Targets []templateTarget `yaml:"targets"`
}

type templateCRD struct {
	Spec struct {
		Names struct {
			Kind string `yaml:"kind"`
		} `yaml:"names"`
		Validation struct {
			OpenAPIV3Schema map[string]any `yaml:"openAPIV3Schema"`
		} `yaml:"validation"`
	} `yaml:"spec"`
}

type templateTarget struct {
	Target string         `yaml:"target"`
	Code   []templateCode `yaml:"code"`
}

type templateCode struct {
	Engine string         `yaml:"engine"`
	Source templateSource `yaml:"source"`
}

type templateSource struct {
	Version string   `yaml:"version"`
	Rego    string   `yaml:"rego"`
	Libs    []string `yaml:"libs,omitempty"`
}

type constraintObject struct {
	APIVersion string         `yaml:"apiVersion"`
	Kind       string         `yaml:"kind"`
	Metadata   meta           `yaml:"metadata"`
	Spec       constraintSpec `yaml:"spec"`
}

type constraintSpec struct {
	EnforcementAction string         `yaml:"enforcementAction"`
	Match             map[string]any `yaml:"match"`
	Parameters        map[string]any `yaml:"parameters"`
}

type syncSet struct {
	APIVersion string   `yaml:"apiVersion"`
	Kind       string   `yaml:"kind"`
	Metadata   meta     `yaml:"metadata"`
	Spec       syncSpec `yaml:"spec"`
}

type syncSpec struct {
	GVKs []schema.GVK `yaml:"gvks"`
}

// labels make everything of ours selectable: for an uninstall all, and after an upgrade what has another version than the
// bundle. Gatekeeper gives a constraint's CRD its template's labels when it makes it, and doesn't change them later.
func (g *generator) labels() map[string]string {
	return map[string]string{
		"app.kubernetes.io/part-of": "kyma-function-security",
		"app.kubernetes.io/version": g.config.Version,
	}
}

func (g *generator) template(p *policy.Policy) (constraintTemplate, error) {
	t := constraintTemplate{
		APIVersion: "templates.gatekeeper.sh/v1",
		Kind:       "ConstraintTemplate",
		Metadata: meta{
			Name:   strings.ToLower(p.Kind), // Gatekeeper demands it
			Labels: g.labels(),
			Annotations: map[string]string{
				"metadata.gatekeeper.sh/title":   p.Title,
				"metadata.gatekeeper.sh/version": g.config.Version,
				"description":                    p.Description,
			},
		},
	}
	requirements, err := g.syncRequirements(p)
	if err != nil {
		return t, err
	}
	if requirements != "" {
		t.Metadata.Annotations["metadata.gatekeeper.sh/requires-sync-data"] = requirements
	}
	t.Spec.CRD.Spec.Names.Kind = p.Kind
	t.Spec.CRD.Spec.Validation.OpenAPIV3Schema = constraint.ParametersSchema(p)
	libraries, err := g.lib.Libraries(p)
	if err != nil {
		return t, err
	}
	t.Spec.Targets = []templateTarget{{
		Target: "admission.k8s.gatekeeper.sh",
		Code: []templateCode{{
			Engine: "Rego",
			Source: templateSource{Version: "v1", Rego: string(p.Source), Libs: libraries},
		}},
	}}
	return t, nil
}

// syncRequirements is the value of the annotation requires-sync-data: all of a list of alternatives.
func (g *generator) syncRequirements(p *policy.Policy) (string, error) {
	type alternative struct {
		Groups   []string `json:"groups"`
		Versions []string `json:"versions"`
		Kinds    []string `json:"kinds"`
	}
	var all [][]alternative
	for _, kind := range inventoryKinds([]*policy.Policy{p}, installed) {
		known, ok := g.schemas.ByName(kind)
		if !ok {
			return "", fmt.Errorf("%s: custom.inventory names %s, which has no schema", p.Path, kind)
		}
		var alternatives []alternative
		for _, v := range known.GroupVersions() {
			alternatives = append(alternatives, alternative{[]string{v.Group}, []string{v.Version}, []string{kind}})
		}
		all = append(all, alternatives)
	}
	if len(all) == 0 {
		return "", nil
	}
	text, err := json.Marshal(all)
	return string(text), err
}

// inventoryKinds lists the kinds that the rules read of which want is true.
func inventoryKinds(policies []*policy.Policy, want func(*policy.Rule) bool) []string {
	kinds := map[string]bool{}
	for _, p := range policies {
		for _, r := range p.Rules {
			for _, kind := range r.Inventory {
				if want(r) {
					kinds[kind] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(kinds))
}

// installed says whether any profile has the rule on.
func installed(r *policy.Rule) bool { return len(r.Profiles) > 0 }

func (g *generator) constraint(c *constraint.Constraint) constraintObject {
	rules := make([]string, 0, len(c.Rules))
	for _, id := range c.Rules {
		r, _ := g.lib.Rule(id)
		rules = append(rules, fmt.Sprintf("%s %s: %s", id, r.Severity, r.Title))
	}
	return constraintObject{
		APIVersion: "constraints.gatekeeper.sh/v1beta1",
		Kind:       c.Policy.Kind,
		Metadata: meta{
			Name:   c.Name,
			Labels: g.labels(),
			// Gatekeeper's logs and exports carry a constraint's annotations, not its template's.
			Annotations: map[string]string{
				"metadata.gatekeeper.sh/title":   c.Policy.Title,
				"function-security.policy/rules": strings.Join(rules, "\n"),
			},
		},
		Spec: constraintSpec{EnforcementAction: c.Action, Match: c.Match, Parameters: c.AllParameters()},
	}
}

// syncSets makes one SyncSet per API group, because Gatekeeper retries a SyncSet forever while one of its kinds isn't served:
// who hasn't installed a module leaves out its group's.
func (g *generator) syncSets(kinds []string, suffix string) ([]syncSet, error) {
	byName := map[string]*syncSet{}
	for _, kind := range kinds {
		known, ok := g.schemas.ByName(kind)
		if !ok {
			return nil, fmt.Errorf("no schema of %s", kind)
		}
		name := "kfs-" + strings.ReplaceAll(known.Group, ".", "-")
		if known.BuiltIn() {
			name = "kfs-kubernetes"
		}
		name += suffix
		set, ok := byName[name]
		if !ok {
			set = &syncSet{APIVersion: "syncset.gatekeeper.sh/v1alpha1", Kind: "SyncSet", Metadata: meta{Name: name, Labels: g.labels()}}
			byName[name] = set
		}
		set.Spec.GVKs = append(set.Spec.GVKs, known.Synced())
	}
	sets := make([]syncSet, 0, len(byName))
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		sets = append(sets, *byName[name])
	}
	return sets, nil
}
