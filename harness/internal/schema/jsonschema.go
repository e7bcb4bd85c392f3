package schema

import (
	"fmt"
	"slices"
)

// JSONSchema is the JSON schema of an object of one of the kinds, in any version and flavor, for OPA's type checker. That
// takes an object with properties for closed and one without for open, and knows neither additionalProperties nor enums;
// so the values of an open map have no type. Nothing may be null: a comparison with null doesn't compile. An unknown kind
// is an error.
//
// The parts are shared within the result: treat it as read-only.
func (s *Set) JSONSchema(kinds []GroupKind) (map[string]any, error) {
	schemas := jsonSchemas{}
	var alternatives []any
	var roots []*node
	for _, g := range kinds {
		k, ok := s.Kind(g.Group, g.Kind)
		if !ok {
			return nil, fmt.Errorf("no schema of %s", g)
		}
		for _, v := range k.Versions {
			if v.Group == g.Group && !slices.Contains(roots, v.root) {
				roots = append(roots, v.root)
				alternatives = append(alternatives, schemas.of(v.root))
			}
		}
	}
	switch len(alternatives) {
	case 0:
		return map[string]any{}, nil
	case 1:
		return alternatives[0].(map[string]any), nil
	}
	return map[string]any{"anyOf": alternatives}, nil
}

// ReviewSchema is the JSON schema of input.review for objects of the kinds: what Gatekeeper puts there for its webhook, its
// audit and gator together.
func (s *Set) ReviewSchema(kinds []GroupKind) (map[string]any, error) {
	object, err := s.JSONSchema(kinds)
	if err != nil {
		return nil, err
	}
	namespace, err := s.JSONSchema([]GroupKind{{Kind: "Namespace"}})
	if err != nil {
		return nil, err
	}
	text := map[string]any{"type": "string"}
	open := map[string]any{"type": "object"}
	triple := func(last string) map[string]any {
		return properties(map[string]any{"group": text, "version": text, last: text})
	}
	return properties(map[string]any{
		"dryRun":             map[string]any{"type": "boolean"},
		"kind":               triple("kind"),
		"name":               text,
		"namespace":          text,
		"namespaceObject":    namespace,
		"object":             object,
		"oldObject":          map[string]any{}, // it has had every version of its schema
		"operation":          text,
		"options":            open,
		"requestKind":        triple("kind"),
		"requestResource":    triple("resource"),
		"requestSubResource": text,
		"resource":           triple("resource"),
		"subResource":        text,
		"uid":                text,
		"userInfo": properties(map[string]any{
			"extra": open, "groups": map[string]any{"type": "array", "items": text}, "uid": text, "username": text,
		}),
	}), nil
}

func properties(p map[string]any) map[string]any {
	return map[string]any{"type": "object", "properties": p}
}

// jsonSchemas holds each node's schema, because pods are big and every workload has one.
type jsonSchemas map[*node]map[string]any

func (all jsonSchemas) of(n *node) map[string]any {
	if schema, ok := all[n]; ok {
		return schema
	}
	schema := map[string]any{}
	switch n.form {
	case anything:
	case text:
		schema["type"] = "string"
	case integer:
		schema["type"] = "integer"
	case number:
		schema["type"] = "number"
	case boolean:
		schema["type"] = "boolean"
	case intOrString, quantity:
		schema["anyOf"] = []any{map[string]any{"type": "number"}, map[string]any{"type": "string"}}
	case list:
		schema["type"] = "array"
		schema["items"] = all.of(n.items)
	case object:
		schema["type"] = "object"
		if len(n.fields) > 0 {
			fields := make(map[string]any, len(n.fields))
			for name, f := range n.fields {
				fields[name] = all.of(f.node)
			}
			schema["properties"] = fields
		}
	}
	all[n] = schema
	return schema
}
