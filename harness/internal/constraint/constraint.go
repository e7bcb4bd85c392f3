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
	Exemptions       []Values           `yaml:"exemptions"`
}

// Profile is what bundle.yaml says of a profile.
type Profile struct {
	Description string            `yaml:"description"`
	Parameters  map[string]Values `yaml:"parameters"`
}

// Values is a mapping of bundle.yaml, read as the API server reads it in a Constraint: a date is a text, and so lasts to its
// day's end.
type Values map[string]any

// UnmarshalYAML takes plain dates for texts, which yaml.v3 takes for midnight.
func (v *Values) UnmarshalYAML(node *yaml.Node) error {
	undated(node)
	return node.Decode((*map[string]any)(v))
}

func undated(node *yaml.Node) {
	if node.ShortTag() == "!!timestamp" {
		node.Tag = "!!str"
	}
	for _, child := range node.Content {
		undated(child)
	}
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
	if err := config.known(lib, profile); err != nil {
		return nil, err
	}
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
				if slices.Contains(rules, exemption["rule"].(string)) {
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

// known demands that all that bundle.yaml says is of a policy or rule that there is: else it would be for nothing.
func (c Config) known(lib *policy.Library, profile string) error {
	for _, name := range slices.Sorted(maps.Keys(c.Profiles[profile].Parameters)) {
		if !slices.ContainsFunc(lib.Policies, func(p *policy.Policy) bool { return p.Name == name }) {
			return fmt.Errorf("bundle.yaml: profile %s: there is no policy %q", profile, name)
		}
	}
	for i, exemption := range c.Exemptions {
		id, _ := exemption["rule"].(string)
		if _, ok := lib.Rule(id); !ok {
			return fmt.Errorf("bundle.yaml: exemptions[%d]: there is no rule %q", i, exemption["rule"])
		}
	}
	return nil
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
