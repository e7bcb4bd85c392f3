package schema

import (
	"maps"
	"slices"
	"strings"
)

// CRD is an apiextensions.k8s.io/v1 CustomResourceDefinition of a kind as one flavor serves it, for tests that need the kind
// in an API server. It has the real one's fields, enums and required fields, none of its CEL rules, patterns, defaults and
// conversions. Status is a subresource, and scale where both spec and status have replicas. All versions are served; the
// preferred one is stored. For a built-in kind, and for one that the flavor doesn't have, it is nil.
func (s *Set) CRD(k *Kind, flavor string) map[string]any {
	if k.builtin {
		return nil
	}
	var versions []any
	for _, v := range k.Versions {
		if !v.Has(flavor) {
			continue
		}
		version := map[string]any{
			"name": v.Version, "served": true, "storage": len(versions) == 0,
			"schema": map[string]any{"openAPIV3Schema": rootSchema(v.root)},
		}
		if v.Deprecated {
			version["deprecated"] = true
		}
		if status, ok := v.root.fields["status"]; ok {
			subresources := map[string]any{"status": map[string]any{}}
			if spec, ok := v.root.fields["spec"]; ok && has(spec.node, "replicas") && has(status.node, "replicas") {
				scale := map[string]any{"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
				if has(status.node, "podSelector") {
					scale["labelSelectorPath"] = ".status.podSelector"
				}
				subresources["scale"] = scale
			}
			version["subresources"] = subresources
		}
		versions = append(versions, version)
	}
	if len(versions) == 0 {
		return nil
	}
	metadata := map[string]any{"name": k.Plural + "." + k.Group}
	if strings.HasSuffix(k.Group, ".k8s.io") {
		// The API server demands it of groups that are Kubernetes' own.
		metadata["annotations"] = map[string]any{"api-approved.kubernetes.io": "unapproved, for tests"}
	}
	scope := "Cluster"
	if k.Namespaced {
		scope = "Namespaced"
	}
	return map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1",
		"kind":       "CustomResourceDefinition",
		"metadata":   metadata,
		"spec": map[string]any{
			"group": k.Group,
			"names": map[string]any{
				"kind": k.Kind, "listKind": k.Kind + "List", "plural": k.Plural, "singular": strings.ToLower(k.Kind),
			},
			"scope":    scope,
			"versions": versions,
		},
	}
}

func has(n *node, field string) bool {
	_, ok := n.fields[field]
	return ok
}

func rootSchema(root *node) map[string]any {
	schema := openAPI(root)
	fields := schema["properties"].(map[string]any)
	fields["metadata"] = map[string]any{"type": "object"} // the API server knows it itself
	return schema
}

func openAPI(n *node) map[string]any {
	switch n.form {
	case anything:
		return map[string]any{"x-kubernetes-preserve-unknown-fields": true}
	case integer:
		return map[string]any{"type": "integer"}
	case number:
		return map[string]any{"type": "number"}
	case boolean:
		return map[string]any{"type": "boolean"}
	case intOrString, quantity:
		return map[string]any{"x-kubernetes-int-or-string": true}
	case list:
		return map[string]any{"type": "array", "items": openAPI(n.items)}
	case text:
		schema := map[string]any{"type": "string"}
		if len(n.enum) > 0 {
			enum := make([]any, len(n.enum))
			for i, v := range n.enum {
				enum[i] = v
			}
			schema["enum"] = enum
		}
		return schema
	}
	schema := map[string]any{"type": "object"}
	switch {
	case n.open == nil:
	case n.open.form == anything:
		schema["x-kubernetes-preserve-unknown-fields"] = true
	default:
		schema["additionalProperties"] = openAPI(n.open)
	}
	if len(n.fields) > 0 {
		fields := make(map[string]any, len(n.fields))
		var required []any
		for _, name := range slices.Sorted(maps.Keys(n.fields)) {
			fields[name] = openAPI(n.fields[name].node)
			if n.fields[name].required {
				required = append(required, name)
			}
		}
		schema["properties"] = fields
		if len(required) > 0 {
			schema["required"] = required
		}
	}
	return schema
}
