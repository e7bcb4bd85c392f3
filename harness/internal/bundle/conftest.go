package bundle

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/format"

	"kyma-function-security/harness/internal/constraint"
	"kyma-function-security/harness/internal/policy"
	"kyma-function-security/harness/internal/schema"
)

// matchFields are the fields of spec.match that the adapter (policies/kfs/adapter) honours.
var matchFields = []string{"kinds", "namespaces", "excludedNamespaces"}

func (g *generator) conftest() error {
	profile, flavor := policy.Profiles[0], policy.Flavors[0]
	constraints, err := constraint.Generate(g.lib, g.config, profile, flavor)
	if err != nil {
		return err
	}
	files, err := Conftest(g.lib, g.schemas, constraints, profile, flavor)
	if err != nil {
		return err
	}
	for name, text := range files {
		g.files["bundle/conftest/"+name] = text
	}
	return nil
}

// Conftest makes the two Rego files that conftest and opa eval need beside the policies, by name: the constraints, and a
// package main that re-exports the adapter. A constraint with a match field that the adapter doesn't honour is an error.
func Conftest(
	lib *policy.Library, schemas *schema.Set, constraints []*constraint.Constraint, profile, flavor string,
) (map[string][]byte, error) {
	all := make([]any, 0, len(constraints))
	for _, c := range constraints {
		for _, field := range slices.Sorted(maps.Keys(c.Match)) {
			if !slices.Contains(matchFields, field) {
				return nil, fmt.Errorf("constraint %s: conftest and opa eval can't honour match.%s; they know %s",
					c.Name, field, strings.Join(matchFields, ", "))
			}
		}
		if c.Action == "dryrun" {
			continue
		}
		all = append(all, map[string]any{
			"policy": c.Policy.Name, "name": c.Name, "action": c.Action, "match": c.Match, "parameters": c.AllParameters(),
		})
	}
	needs, evidence, scopes := map[string]any{}, map[string]any{}, map[string]any{}
	for _, p := range lib.Policies {
		for _, r := range p.Rules {
			if r.NeedsContext() {
				needs[r.ID] = r.Kinds
			}
			if len(r.Evidence) > 0 {
				evidence[r.ID] = map[string]any{"judges": r.Kinds, "kinds": r.Evidence}
			}
		}
	}
	for _, kind := range schemas.Kinds() {
		scope := "Cluster"
		if kind.Namespaced {
			scope = "Namespaced"
		}
		for _, version := range kind.GroupVersions() { // Ingress is of two groups
			scopes[version.Group+"/"+kind.Kind] = scope
		}
	}
	constraintsRego, err := rego("kfs.constraints", []definition{
		{"profile", "The profile and the flavor of the constraints.", profile},
		{"flavor", "", flavor},
		{"all", "What Gatekeeper's Constraints say, less their shell.", all},
		{"needs_namespace", "The rules that can't be decided while the input lacks the object's Namespace, with the kinds they judge.", needs},
		{"needs_evidence", "The rules that can't be decided while the input holds none of these kinds in the object's namespace.", evidence},
		{"scopes", "Of each kind that is known whether its objects are in namespaces.", scopes},
	})
	if err != nil {
		return nil, err
	}
	main := "# Generated from policies/kfs/adapter by `make generate`. Don't edit.\n" + `package main

# conftest reads the rules deny and warn of this package.
deny contains finding if some finding in data.kfs.adapter.deny

warn contains finding if some finding in data.kfs.adapter.warn
`
	return map[string][]byte{"constraints.rego": constraintsRego, "main.rego": []byte(main)}, nil
}

type definition struct {
	name, comment string
	value         any
}

func rego(pkg string, definitions []definition) ([]byte, error) {
	var out bytes.Buffer
	fmt.Fprintf(&out, "# Generated from policies and bundle/bundle.yaml by `make generate`. Don't edit.\npackage %s\n", pkg)
	for _, d := range definitions {
		data, err := json.Marshal(d.value)
		if err != nil {
			return nil, fmt.Errorf("generate %s.%s: %w", pkg, d.name, err)
		}
		out.WriteString("\n")
		if d.comment != "" {
			fmt.Fprintf(&out, "# %s\n", d.comment)
		}
		fmt.Fprintf(&out, "%s := %s\n", d.name, indent(data))
	}
	return format.SourceWithOpts(pkg+".rego", out.Bytes(), format.Opts{RegoVersion: ast.RegoV1})
}

func indent(data []byte) string {
	var out bytes.Buffer
	if json.Indent(&out, data, "", "\t") != nil {
		return string(data)
	}
	return out.String()
}
