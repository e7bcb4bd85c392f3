// Package constraint is the configuration of a run: Gatekeeper Constraints, either those that the bundle makes for a profile
// and a flavor or those that a cluster applies.
package constraint

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"kyma-function-security/harness/internal/match"
	"kyma-function-security/harness/internal/policy"
)

// Constraint is one Constraint of a policy of ours.
type Constraint struct {
	Policy     *policy.Policy
	Name       string
	Action     string         // deny, warn or dryrun
	Match      map[string]any // spec.match
	Parameters map[string]any // spec.parameters with the schema's defaults, less rules
	Rules      []string       // the rules it selects, sorted, never empty
	Matcher    *match.Match
}

// Config is bundle.yaml.
type Config struct {
	Version string `yaml:"version"`
	Support struct {
		Gatekeeper string `yaml:"gatekeeper"`
		OPA        string `yaml:"opa"`
	} `yaml:"support"`
	SystemNamespaces []string           `yaml:"systemNamespaces"`
	Profiles         map[string]Profile `yaml:"profiles"`
	Exemptions       []map[string]any   `yaml:"exemptions"`
}

// Profile is what bundle.yaml says of a profile.
type Profile struct {
	Description string                    `yaml:"description"`
	Parameters  map[string]map[string]any `yaml:"parameters"`
}

// ReadConfig reads bundle.yaml; an unknown field is an error.
func ReadConfig(data []byte) (Config, error) {
	var config Config
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(&config); err != nil {
		return config, fmt.Errorf("read bundle.yaml: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(config.Profiles)) {
		if !slices.Contains(policy.Profiles, name) {
			return config, fmt.Errorf("read bundle.yaml: unknown profile %q", name)
		}
	}
	return config, nil
}

// Generate makes the constraints of a profile and a flavor: per policy one for each pair of an action and whether system
// namespaces are exempt, because both belong to a Constraint while actions differ by rule. They are sorted by name.
func Generate(lib *policy.Library, config Config, profile, flavor string) ([]*Constraint, error) {
	var constraints []*Constraint
	for _, p := range lib.Policies {
		type group struct {
			action     string
			everywhere bool
		}
		groups := map[group][]string{}
		for _, r := range p.Rules {
			if action := r.Action(profile, flavor); action != "" {
				g := group{action, r.SystemNamespaces}
				groups[g] = append(groups[g], r.ID)
			}
		}
		for g, rules := range groups {
			c := &Constraint{Policy: p, Name: name(p, g.action, g.everywhere && !p.SystemNamespaces), Action: g.action, Rules: rules}
			c.Match = map[string]any{"kinds": matchKinds(p)}
			if !g.everywhere {
				c.Match["excludedNamespaces"] = values(config.SystemNamespaces)
			}
			c.Parameters = map[string]any{}
			for _, parameter := range p.Parameters {
				c.Parameters[parameter.Name] = parameter.Value(profile, flavor)
			}
			for key, value := range config.Profiles[profile].Parameters[p.Name] {
				if _, known := c.Parameters[key]; !known {
					return nil, fmt.Errorf("bundle.yaml: profile %s: %s has no parameter %q", profile, p.Name, key)
				}
				c.Parameters[key] = value
			}
			var exemptions []any
			for _, exemption := range config.Exemptions {
				if slices.Contains(rules, fmt.Sprint(exemption["rule"])) {
					exemptions = append(exemptions, exemption)
				}
			}
			if len(exemptions) > 0 {
				c.Parameters["exemptions"] = exemptions
			}
			if err := c.finish(); err != nil {
				return nil, err
			}
			constraints = append(constraints, c)
		}
	}
	Sort(constraints)
	return constraints, nil
}

// Sort orders constraints by policy and name.
func Sort(constraints []*Constraint) {
	slices.SortFunc(constraints, func(a, b *Constraint) int {
		return cmp.Or(strings.Compare(a.Policy.Name, b.Policy.Name), strings.Compare(a.Name, b.Name))
	})
}

// finish brings values to their JSON types, so that a constraint is the same wherever it comes from.
func (c *Constraint) finish() error {
	for _, values := range []*map[string]any{&c.Match, &c.Parameters} {
		data, err := json.Marshal(*values)
		if err != nil {
			return fmt.Errorf("constraint %s: %w", c.Name, err)
		}
		clean := map[string]any{}
		if err := json.Unmarshal(data, &clean); err != nil {
			return fmt.Errorf("constraint %s: %w", c.Name, err)
		}
		*values = clean
	}
	matcher, err := match.Parse(c.Match)
	if err != nil {
		return fmt.Errorf("constraint %s: %w", c.Name, err)
	}
	c.Matcher = matcher
	return nil
}

// AllParameters gives spec.parameters, rules included.
func (c *Constraint) AllParameters() map[string]any {
	all := maps.Clone(c.Parameters)
	all["rules"] = values(c.Rules)
	return all
}

func name(p *policy.Policy, action string, everywhere bool) string {
	name := "kfs-" + strings.ReplaceAll(p.Name, "_", "-") + "-" + action
	if everywhere {
		name += "-everywhere"
	}
	return name
}

func matchKinds(p *policy.Policy) []any {
	var kinds []any
	for _, m := range p.Match {
		kinds = append(kinds, map[string]any{"apiGroups": values(m.APIGroups), "kinds": values(m.Kinds)})
	}
	return kinds
}

func values(names []string) []any {
	list := make([]any, len(names))
	for i, name := range names {
		list[i] = name
	}
	return list
}
