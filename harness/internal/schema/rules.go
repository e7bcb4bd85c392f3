package schema

// A Rule is a manifest rule: what only a file can have wrong. It is kfs's own; no cluster judges it.
type Rule struct {
	ID          string
	Title       string
	Severity    string
	Actions     map[string]string // by profile: "deny", "warn"
	Remediation string
}

// ManifestRules returns the manifest rules by id. This package finds KFS-001, KFS-003 and KFS-005; whoever reads the text of
// a manifest finds the others.
func ManifestRules() []Rule {
	return []Rule{
		{
			ID: "KFS-001", Severity: "medium", Actions: profiles("deny", "deny"),
			Title: "A field that the kind doesn't have",
			Remediation: "Correct or remove the field. The API server drops it without a word, so what it was meant to protect " +
				"isn't protected.",
		},
		{
			ID: "KFS-002", Severity: "low", Actions: profiles("warn", "warn"),
			Title:       "A scalar that the API server reads differently than it looks",
			Remediation: "Quote the value if it is text; write true, false or a decimal number if it isn't.",
		},
		{
			ID: "KFS-003", Severity: "high", Actions: profiles("deny", "deny"),
			Title:       "A value of the wrong type",
			Remediation: "Write a value of the type that the kind has there: the API server refuses the object as it is.",
		},
		{
			ID: "KFS-004", Severity: "high", Actions: profiles("deny", "deny"),
			Title:       "A duplicate key",
			Remediation: "Keep one of the two: of two equal keys most readers silently take the last, and not all the same one.",
		},
		{
			ID: "KFS-005", Severity: "medium", Actions: profiles("warn", "deny"),
			Title: "A kind or version that no cluster serves",
			Remediation: "Correct apiVersion or kind. Nothing serves the object as it is, and no policy judges it: what it would " +
				"mean is unknown.",
		},
	}
}

// ManifestRule returns a manifest rule; the zero Rule if there is none of that id.
func ManifestRule(id string) Rule {
	for _, rule := range ManifestRules() {
		if rule.ID == id {
			return rule
		}
	}
	return Rule{}
}

func profiles(baseline, strict string) map[string]string {
	return map[string]string{"baseline": baseline, "strict": strict}
}
