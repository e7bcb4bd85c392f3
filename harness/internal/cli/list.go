package cli

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/pflag"

	"kyma-function-security/harness/internal/policy"
	"kyma-function-security/harness/internal/schema"
)

func listCommand() command {
	return command{
		name:    "list",
		summary: "list policies and rules",
		usage:   "",
		help: `
One line a rule: its id, what it does in each profile (- is off), its severity, the flavors it judges, and its title.
kfs explain tells the rest.`,
		flags: func(*pflag.FlagSet) func(environment, []string) (int, error) {
			return func(env environment, args []string) (int, error) {
				if len(args) > 0 {
					return exitBroken, usageError{errors.New("list takes no arguments")}
				}
				embedded, err := load()
				if err != nil {
					return exitBroken, err
				}
				return exitClean, list(env.stdout, embedded)
			}
		},
	}
}

func list(out io.Writer, s sources) error {
	fmt.Fprintf(out, "Every policy runs from Gatekeeper %s (OPA %s) on.\n", s.config.Support.Gatekeeper, s.config.Support.OPA)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, p := range s.library.Policies {
		fmt.Fprintf(table, "\n%s · %s · %s\n", p.Fact, p.Name, p.Kind)
		fmt.Fprintln(table, "  rule\tbaseline\tstrict\tseverity\tflavors\ttitle")
		for _, r := range p.Rules {
			flavors := "both"
			if len(r.Flavors) < len(policy.Flavors) {
				flavors = strings.Join(r.Flavors, ", ")
			}
			fmt.Fprintf(table, "  %s\t%s\t%s\t%s\t%s\t%s\n", r.ID, orDash(r.Profiles["baseline"]), orDash(r.Profiles["strict"]),
				r.Severity, flavors, r.Title)
		}
	}
	fmt.Fprintln(table, "\nmanifest · what only a file can have wrong; kfs check alone")
	fmt.Fprintln(table, "  rule\tbaseline\tstrict\tseverity\tflavors\ttitle")
	for _, r := range schema.ManifestRules() {
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\tboth\t%s\n", r.ID, orDash(r.Actions["baseline"]), orDash(r.Actions["strict"]), r.Severity, r.Title)
	}
	return table.Flush()
}

func orDash(action string) string {
	if action == "" {
		return "-"
	}
	return action
}

func explainCommand() command {
	return command{
		name:    "explain",
		summary: "say what a rule or a policy demands, and how to comply",
		usage:   "RULE | POLICY",
		help: `
  kfs explain KFS-101
  kfs explain jwt_binding`,
		flags: func(*pflag.FlagSet) func(environment, []string) (int, error) {
			return func(env environment, args []string) (int, error) {
				if len(args) != 1 {
					return exitBroken, usageError{errors.New("explain takes one rule id or policy name")}
				}
				embedded, err := load()
				if err != nil {
					return exitBroken, err
				}
				return explain(env.stdout, embedded, args[0])
			}
		},
	}
}

func explain(out io.Writer, s sources, name string) (int, error) {
	for _, m := range schema.ManifestRules() {
		if strings.EqualFold(m.ID, name) {
			fmt.Fprintf(out, "%s  %s\n\nseverity  %s\nbaseline  %s\nstrict    %s\n\nHow to comply:\n%s\n",
				m.ID, m.Title, m.Severity, orDash(m.Actions["baseline"]), orDash(m.Actions["strict"]), m.Remediation)
			return exitClean, nil
		}
	}
	for _, p := range s.library.Policies {
		if strings.EqualFold(p.Name, name) || strings.EqualFold(p.Kind, name) {
			explainPolicy(out, p)
			return exitClean, nil
		}
		for _, r := range p.Rules {
			if strings.EqualFold(r.ID, name) {
				explainRule(out, r)
				return exitClean, nil
			}
		}
	}
	return exitBroken, usageError{fmt.Errorf("there is no rule or policy %q; kfs list names them", name)}
}

func explainRule(out io.Writer, r *policy.Rule) {
	fmt.Fprintf(out, "%s  %s\n\n", r.ID, r.Title)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "policy\t%s (%s)\n", r.Policy.Name, r.Policy.Kind)
	fmt.Fprintf(table, "fact\t%s\n", r.Fact())
	fmt.Fprintf(table, "judges\t%s\n", strings.Join(r.Kinds, ", "))
	fmt.Fprintf(table, "severity\t%s\n", r.Severity)
	for _, profile := range policy.Profiles {
		fmt.Fprintf(table, "%s\t%s\n", profile, orDash(r.Profiles[profile]))
	}
	fmt.Fprintf(table, "flavors\t%s\n", strings.Join(r.Flavors, ", "))
	if len(r.Inventory) > 0 {
		fmt.Fprintf(table, "reads\t%s\n", strings.Join(r.Inventory, ", "))
	}
	if r.NeedsContext() {
		fmt.Fprintln(table, "decided\tonce the object's Namespace is among the manifests")
	}
	table.Flush()
	fmt.Fprintf(out, "\n%s\n\nHow to comply:\n%s\n", r.Policy.Description, r.Remediation)
}

func explainPolicy(out io.Writer, p *policy.Policy) {
	fmt.Fprintf(out, "%s  %s\n\n%s\n\n", p.Name, p.Title, p.Description)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "fact\t%s\nconstraint\t%s\n", p.Fact, p.Kind)
	for _, m := range p.Match {
		groups := slices.Clone(m.APIGroups)
		for i, group := range groups {
			if group == "" {
				groups[i] = "core"
			}
		}
		fmt.Fprintf(table, "judges\t%s of %s\n", strings.Join(m.Kinds, ", "), strings.Join(groups, ", "))
	}
	table.Flush()
	fmt.Fprintln(out, "\nRules:")
	for _, r := range p.Rules {
		fmt.Fprintf(out, "  %s  %s\n", r.ID, r.Title)
	}
	if len(p.Parameters) > 0 {
		fmt.Fprintln(out, "\nParameters:")
	}
	for _, parameter := range p.Parameters {
		fmt.Fprintf(out, "  %s (%v, default %s)\n", parameter.Name, parameter.Schema["type"], compact(parameter.Schema["default"]))
		fmt.Fprintf(out, "      %s\n", strings.ReplaceAll(strings.TrimSpace(fmt.Sprint(parameter.Schema["description"])), "\n", "\n      "))
		for _, profile := range policy.Profiles {
			if value, ok := parameter.Profiles[profile]; ok {
				fmt.Fprintf(out, "      %s sets %s\n", profile, compact(value))
			}
		}
	}
}
