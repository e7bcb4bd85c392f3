package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// packageCustom and ruleCustom are what stands under `custom` in a policy's annotations.
type packageCustom struct {
	Kind             string                    `json:"kind"`
	Fact             string                    `json:"fact"`
	Match            []MatchKinds              `json:"match"`
	SystemNamespaces bool                      `json:"systemNamespaces"`
	Parameters       map[string]map[string]any `json:"parameters"`
}

type ruleCustom struct {
	ID               string            `json:"id"`
	Severity         string            `json:"severity"`
	Flavors          []string          `json:"flavors"`
	Profiles         map[string]string `json:"profiles"`
	Remediation      string            `json:"remediation"`
	Inventory        []string          `json:"inventory"`
	Absence          bool              `json:"absence"`
	Evidence         []string          `json:"evidence"`
	SystemNamespaces bool              `json:"systemNamespaces"`
}

func read(f *file) (*Policy, error) {
	p := &Policy{
		Name:   strings.TrimSuffix(path.Base(f.path), ".rego"),
		Path:   f.path,
		Module: f.module,
		Source: f.source,
	}
	if want := "data.kyma." + p.Name; f.module.Package.Path.String() != want {
		return nil, fmt.Errorf("%s:%d: the package must be %s", f.path, f.module.Package.Location.Row, want[len("data."):])
	}
	about := annotation(f.module.Annotations, "package")
	if about == nil {
		return nil, fmt.Errorf("%s:1: the package has no METADATA", f.path)
	}
	var custom packageCustom
	if err := decode(about.Custom, &custom); err != nil {
		return nil, fmt.Errorf("%s:%d: custom: %w", f.path, about.Location.Row, err)
	}
	p.Title, p.Description = about.Title, strings.TrimSpace(about.Description)
	p.Kind, p.Fact, p.Match, p.SystemNamespaces = custom.Kind, custom.Fact, custom.Match, custom.SystemNamespaces
	for _, required := range []struct{ name, value string }{
		{"title", p.Title}, {"description", p.Description}, {"custom.kind", p.Kind}, {"custom.fact", p.Fact},
	} {
		if strings.TrimSpace(required.value) == "" {
			return nil, fmt.Errorf("%s:%d: METADATA of the package lacks %s", f.path, about.Location.Row, required.name)
		}
	}
	if len(p.Match) == 0 {
		return nil, fmt.Errorf("%s:%d: METADATA of the package lacks custom.match", f.path, about.Location.Row)
	}
	for _, name := range slices.Sorted(maps.Keys(custom.Parameters)) {
		parameter, err := readParameter(name, custom.Parameters[name])
		if err != nil {
			return nil, fmt.Errorf("%s:%d: parameter %s: %w", f.path, about.Location.Row, name, err)
		}
		p.Parameters = append(p.Parameters, parameter)
	}
	for _, rule := range f.module.Rules {
		if rule.Head.Name != "violation" && rule.Head.Ref().String() != "violation" {
			continue
		}
		r, err := readRule(p, rule)
		if err != nil {
			return nil, err
		}
		p.Rules = append(p.Rules, r)
	}
	if len(p.Rules) == 0 {
		return nil, fmt.Errorf("%s:1: no violation rule", f.path)
	}
	slices.SortFunc(p.Rules, func(a, b *Rule) int { return strings.Compare(a.ID, b.ID) })
	return p, nil
}

func readParameter(name string, schema map[string]any) (Parameter, error) {
	p := Parameter{Name: name, Schema: maps.Clone(schema)}
	for key, into := range map[string]*map[string]any{"profiles": &p.Profiles, "flavors": &p.Flavors} {
		values, ok := schema[key].(map[string]any)
		if _, given := schema[key]; given && !ok {
			return p, fmt.Errorf("%s must be a map", key)
		}
		*into = values
		delete(p.Schema, key)
	}
	for _, required := range []string{"type", "description", "default"} {
		if _, ok := p.Schema[required]; !ok {
			return p, fmt.Errorf("lacks %s", required)
		}
	}
	return p, nil
}

func readRule(p *Policy, rule *ast.Rule) (*Rule, error) {
	about := annotation(rule.Annotations, "rule")
	if about == nil {
		return nil, fmt.Errorf("%s:%d: the violation rule has no METADATA of scope rule", p.Path, rule.Location.Row)
	}
	row := about.Location.Row
	var custom ruleCustom
	if err := decode(about.Custom, &custom); err != nil {
		return nil, fmt.Errorf("%s:%d: custom: %w", p.Path, row, err)
	}
	r := &Rule{
		ID: custom.ID, Title: about.Title, Severity: custom.Severity, Flavors: custom.Flavors, Profiles: custom.Profiles,
		Remediation: strings.TrimSpace(custom.Remediation), Inventory: custom.Inventory, Absence: custom.Absence, Evidence: custom.Evidence,
		SystemNamespaces: custom.SystemNamespaces || p.SystemNamespaces, Policy: p, Line: row,
	}
	complain := func(format string, args ...any) error {
		return fmt.Errorf("%s:%d: METADATA of a rule: %s", p.Path, row, fmt.Sprintf(format, args...))
	}
	switch {
	case !ruleID.MatchString(r.ID):
		return nil, complain("custom.id %q is not KFS- and three digits", r.ID)
	case strings.TrimSpace(r.Title) == "":
		return nil, complain("%s has no title", r.ID)
	case r.Remediation == "":
		return nil, complain("%s has no custom.remediation", r.ID)
	case !slices.Contains([]string{"high", "medium", "low"}, r.Severity):
		return nil, complain("%s: custom.severity %q is not high, medium or low", r.ID, r.Severity)
	case Facts[r.ID[4:5]] != p.Fact:
		return nil, complain("%s is no id of fact %s", r.ID, p.Fact)
	}
	for profile, action := range r.Profiles {
		if !slices.Contains(Profiles, profile) {
			return nil, complain("%s: unknown profile %q", r.ID, profile)
		}
		if action != "deny" && action != "warn" {
			return nil, complain("%s: action %q of profile %s is not deny or warn", r.ID, action, profile)
		}
	}
	for _, flavor := range r.Flavors {
		if !slices.Contains(Flavors, flavor) {
			return nil, complain("%s: unknown flavor %q", r.ID, flavor)
		}
	}
	if len(r.Flavors) == 0 {
		r.Flavors = Flavors
	}
	slices.Sort(r.Inventory)
	matched := p.kinds()
	r.Kinds = judged(rule)
	if len(r.Kinds) == 0 {
		if len(matched) > 1 {
			return nil, complain("%s must begin with its kinds (input.review.object.kind == …): the policy matches %s",
				r.ID, strings.Join(matched, ", "))
		}
		r.Kinds = matched
	}
	for _, kind := range r.Kinds {
		if !slices.Contains(matched, kind) {
			return nil, complain("%s judges %s, which custom.match doesn't name", r.ID, kind)
		}
	}
	return r, nil
}

// kinds lists the kinds that the policy matches, sorted.
func (p *Policy) kinds() []string {
	var kinds []string
	for _, m := range p.Match {
		kinds = append(kinds, m.Kinds...)
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

var objectKind = ast.MustParseRef("input.review.object.kind")

// judged reads the kinds from a rule's first expression: input.review.object.kind == "A" or in {"A", "B"}.
func judged(rule *ast.Rule) []string {
	expr := rule.Body[0]
	if !expr.IsCall() || len(expr.Operands()) != 2 || expr.Negated {
		return nil
	}
	left, ok := expr.Operand(0).Value.(ast.Ref)
	if !ok || !left.Equal(objectKind) {
		return nil
	}
	var kinds []string
	switch right := expr.Operand(1).Value.(type) {
	case ast.String:
		kinds = append(kinds, string(right))
	case ast.Set:
		right.Foreach(func(term *ast.Term) {
			if s, ok := term.Value.(ast.String); ok {
				kinds = append(kinds, string(s))
			}
		})
	}
	slices.Sort(kinds)
	return kinds
}

func annotation(annotations []*ast.Annotations, scope string) *ast.Annotations {
	for _, a := range annotations {
		if a.Scope == scope {
			return a
		}
	}
	return nil
}

func decode(custom map[string]any, into any) error {
	data, err := json.Marshal(custom)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}
