package bundle

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"kyma-function-security/harness/internal/policy"
)

const (
	tableBegin = "<!-- The table is generated from policies by `make generate`. -->\n"
	tableEnd   = "<!-- End of the generated table. -->\n"
)

// facts are the facts of the page in its own order, shortened; the key is the slug.
var facts = []struct{ slug, text string }{
	{"jwt-scope", "a JWT carries no scope, so one token opens every Function"},
	{"runtime-image", "a custom runtime image is your responsibility"},
	{"no-scans", "nothing scans Functions or images; data can leak"},
	{"no-authorization", "no authorization policies: a Function reaches everything in its namespace"},
	{"pod-security", "Functions need the Pod Security level `baseline`"},
	{"registry", "the internal registry needs elevated rights"},
	{"namespace-access", "whoever reaches the namespace reaches source, registry and Secrets"},
}

// Readme puts the table of facts, policies and rules between its two marks in the README.
func Readme(readme []byte, lib *policy.Library) ([]byte, error) {
	before, rest, ok := bytes.Cut(readme, []byte(tableBegin))
	_, after, closed := bytes.Cut(rest, []byte(tableEnd))
	if !ok || !closed {
		return nil, fmt.Errorf("README.md lacks the marks of its generated table, %q and %q", tableBegin, tableEnd)
	}
	return slices.Concat(before, []byte(tableBegin), factsTable(lib), []byte(tableEnd), after), nil
}

func factsTable(lib *policy.Library) []byte {
	var out bytes.Buffer
	out.WriteString("\n| the page says | policy | judges | rules |\n|---|---|---|---|\n")
	for i, fact := range facts {
		text := fmt.Sprintf("%d. %s", i+1, fact.text)
		for _, p := range lib.Policies {
			if p.Fact != fact.slug {
				continue
			}
			var kinds []string
			for _, m := range p.Match {
				kinds = append(kinds, m.Kinds...)
			}
			fmt.Fprintf(&out, "| %s | `%s`: %s | %s | %s |\n", text, p.Name, p.Title, strings.Join(kinds, ", "), span(p.Rules))
			text = ""
		}
	}
	out.WriteString("\n")
	return out.Bytes()
}

// span shows ids that follow each other as one range.
func span(rules []*policy.Rule) string {
	var parts []string
	for i := 0; i < len(rules); {
		first := i
		for i++; i < len(rules) && number(rules[i]) == number(rules[i-1])+1; i++ {
		}
		if i-first > 2 {
			parts = append(parts, rules[first].ID+" … "+rules[i-1].ID)
			continue
		}
		for _, r := range rules[first:i] {
			parts = append(parts, r.ID)
		}
	}
	return strings.Join(parts, ", ")
}

func number(r *policy.Rule) (n int) {
	fmt.Sscanf(r.ID, "KFS-%d", &n)
	return n
}
