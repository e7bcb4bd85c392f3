package lint

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"maps"
	"slices"
	"strings"

	"kyma-function-security/harness/internal/policy"
	"kyma-function-security/harness/internal/schema"
)

// catalogueText is what users were promised: which rule has which id, and what each profile does with it. Rules are renamed,
// moved and retired by changing it deliberately, and by nothing else.
//
//go:embed catalogue.csv
var catalogueText string

// row is a rule's row less its id.
type row struct{ policy, severity, baseline, strict, flavors string }

// Catalogue compares the rules with the catalogue: a rule that isn't in it, one that is missing, and one that says otherwise.
// The error is of a catalogue that can't be read.
func Catalogue(lib *policy.Library, manifest []schema.Rule) ([]Issue, error) {
	promised, err := catalogue()
	if err != nil {
		return nil, err
	}
	kept := map[string]row{}
	places := map[string]Issue{}
	for _, p := range lib.Policies {
		for _, r := range p.Rules {
			kept[r.ID] = row{p.Name, r.Severity, orDash(r.Profiles["baseline"]), orDash(r.Profiles["strict"]), strings.Join(r.Flavors, " ")}
			places[r.ID] = Issue{File: p.Path, Line: r.Line}
		}
	}
	for _, r := range manifest {
		kept[r.ID] = row{"manifest", r.Severity, orDash(r.Actions["baseline"]), orDash(r.Actions["strict"]), strings.Join(policy.Flavors, " ")}
		places[r.ID] = Issue{File: "harness/internal/schema", Line: 1}
	}
	var issues []Issue
	for _, id := range slices.Sorted(maps.Keys(kept)) {
		issue := places[id]
		want, known := promised[id]
		switch {
		case !known:
			issue.Text = id + " isn't in the catalogue"
		case want != kept[id]:
			issue.Text = fmt.Sprintf("%s is %v, but %v in the catalogue", id, kept[id], want)
		default:
			continue
		}
		issues = append(issues, issue)
	}
	for _, id := range slices.Sorted(maps.Keys(promised)) {
		if _, there := kept[id]; !there {
			issues = append(issues, Issue{"kyma/" + promised[id].policy, 0, id + " is in the catalogue and nowhere else"})
		}
	}
	return issues, nil
}

func orDash(action string) string {
	if action == "" {
		return "-"
	}
	return action
}

func catalogue() (map[string]row, error) {
	reader := csv.NewReader(strings.NewReader(catalogueText))
	reader.Comment = '#'
	records, err := reader.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read catalogue.csv: %w", err)
	}
	rows := map[string]row{}
	for _, record := range records[1:] {
		if _, twice := rows[record[0]]; twice {
			return nil, fmt.Errorf("read catalogue.csv: %s twice", record[0])
		}
		rows[record[0]] = row{record[1], record[2], record[3], record[4], record[5]}
	}
	return rows, nil
}
