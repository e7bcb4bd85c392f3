package constraint

import (
	"maps"

	"kyma-function-security/harness/internal/policy"
)

// ParametersSchema is the OpenAPI schema of a policy's spec.parameters: its own parameters and the two that all have. The
// outermost default lets the others apply to a Constraint without parameters.
func ParametersSchema(p *policy.Policy) map[string]any {
	var ids []any
	for _, r := range p.Rules {
		ids = append(ids, r.ID)
	}
	text := func(description string) map[string]any {
		return map[string]any{"type": "string", "description": description}
	}
	rule := text("The rule's id.")
	rule["enum"] = ids
	properties := map[string]any{
		"rules": map[string]any{
			"type":        "array",
			"description": "The rules that this constraint judges; absent, all of the policy.",
			"minItems":    1,
			"items":       map[string]any{"type": "string", "enum": ids},
		},
		"exemptions": map[string]any{
			"type":        "array",
			"description": "Objects that a rule doesn't judge, for a reason and until a date.",
			"items": map[string]any{
				"type":     "object",
				"required": []any{"rule", "kind", "name", "reason", "expires"},
				"properties": map[string]any{
					"rule":      rule,
					"kind":      text("The object's kind."),
					"namespace": text("The object's namespace; absent for a cluster-scoped one."),
					"name":      text("The object's name."),
					"reason":    text("Why; not blank."),
					"expires":   text("YYYY-MM-DD, to that day's end in UTC, or an RFC 3339 time; 2261-12-31 at the latest."),
				},
			},
		},
	}
	for _, parameter := range p.Parameters {
		properties[parameter.Name] = maps.Clone(parameter.Schema)
	}
	return map[string]any{"type": "object", "default": map[string]any{}, "properties": properties}
}
