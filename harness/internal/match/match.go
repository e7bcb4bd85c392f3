// Package match decides which objects a Gatekeeper Constraint selects: its spec.match, as Gatekeeper 3.19 to 3.23 read it.
// It links neither Gatekeeper nor the Kubernetes libraries, because kfs does not; a test compares it with Gatekeeper's own
// pkg/mutation/match.
//
// Reading is stricter than Gatekeeper's, which takes any word as a scope and then matches everything: a value that can't
// mean anything is an error here.
package match

import (
	"errors"
	"slices"
	"strings"
)

// ErrNamespaceUnknown says that a namespaceSelector can't be decided: the object is namespaced and its Namespace was not
// given. Gatekeeper rejects such an object, whatever the policy says, with the Constraint's enforcementAction.
var ErrNamespaceUnknown = errors.New("namespaceSelector can't be decided: the object's Namespace is unknown")

// Scope is the part of a cluster that a Match is confined to.
type Scope string

// The scopes of a Match. An absent one is AnyScope.
const (
	AnyScope   Scope = "*"
	Cluster    Scope = "Cluster"
	Namespaced Scope = "Namespaced"
)

// Source says whether a Match selects manifests, or objects that Gatekeeper's expansion generates from them.
type Source string

// The sources of a Match. An absent one is AnySource.
const (
	AnySource Source = "All"
	Generated Source = "Generated"
	Original  Source = "Original"
)

// Match is a parsed spec.match. Its zero value selects every object.
type Match struct {
	// Kinds are alternatives. None means every kind.
	Kinds []Kinds
	Scope Scope
	// Namespaces and ExcludedNamespaces are names that may begin or end with `*`.
	Namespaces         []string
	ExcludedNamespaces []string
	LabelSelector      *Selector
	NamespaceSelector  *Selector
	// Name may begin or end with `*`; empty is any name.
	Name   string
	Source Source
}

// Kinds is a product of groups and kinds. An empty list, or `*` in it, means all.
type Kinds struct {
	APIGroups []string
	Kinds     []string
}

// Matches reports whether m selects the object. namespace is the Namespace object that the object lives in, or nil where it
// has none or it is unknown. A Namespace is selected by its own name and labels, and is in scope Cluster. The error is
// ErrNamespaceUnknown.
func (m *Match) Matches(object, namespace map[string]any) (bool, error) {
	group, kind := groupKind(object)
	if !m.matchesKind(group, kind) {
		return false, nil
	}

	isNamespace := group == "" && kind == "Namespace"
	declared := text(object, "metadata", "namespace")
	if !m.matchesScope(isNamespace, declared != "" || namespace != nil) {
		return false, nil
	}

	name, known := declared, declared != ""
	switch {
	case isNamespace:
		name, known = text(object, "metadata", "name"), true
	case namespace != nil:
		name, known = text(namespace, "metadata", "name"), true
	}
	if known {
		if len(m.Namespaces) > 0 && !anyGlob(m.Namespaces, name) {
			return false, nil
		}
		if anyGlob(m.ExcludedNamespaces, name) {
			return false, nil
		}
	}

	if m.LabelSelector != nil && !m.LabelSelector.Matches(labels(object)) {
		return false, nil
	}

	if m.NamespaceSelector != nil {
		switch {
		case isNamespace:
			if !m.NamespaceSelector.Matches(labels(object)) {
				return false, nil
			}
		case namespace != nil:
			if !m.NamespaceSelector.Matches(labels(namespace)) {
				return false, nil
			}
		case declared != "":
			return false, ErrNamespaceUnknown
		}
	}

	return m.matchesName(object) && m.Source != Generated, nil
}

// MatchesKind reports whether m's kinds contain the one that an object with this apiVersion and kind is of.
func (m *Match) MatchesKind(apiVersion, kind string) bool {
	group, kind := splitGroup(apiVersion, kind)
	return m.matchesKind(group, kind)
}

func (m *Match) matchesKind(group, kind string) bool {
	if len(m.Kinds) == 0 {
		return true
	}
	for _, alternative := range m.Kinds {
		if anyWord(alternative.Kinds, kind) && anyWord(alternative.APIGroups, group) {
			return true
		}
	}
	return false
}

func (m *Match) matchesScope(isNamespace, hasNamespace bool) bool {
	switch m.Scope {
	case Cluster:
		return isNamespace || !hasNamespace
	case Namespaced:
		return !isNamespace && hasNamespace
	default:
		return true
	}
}

// A glob matches a generateName too, unless it looks at a name's end: that isn't known yet.
func (m *Match) matchesName(object map[string]any) bool {
	if m.Name == "" || glob(m.Name, text(object, "metadata", "name")) {
		return true
	}
	return strings.HasSuffix(m.Name, "*") && glob(m.Name, text(object, "metadata", "generateName"))
}

func anyWord(list []string, word string) bool {
	return len(list) == 0 || slices.Contains(list, "*") || slices.Contains(list, word)
}

func anyGlob(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return glob(pattern, name) })
}

func glob(pattern, name string) bool {
	tail, open := strings.CutPrefix(pattern, "*")
	head, openEnd := strings.CutSuffix(pattern, "*")
	switch {
	case open && openEnd:
		return strings.Contains(name, strings.TrimSuffix(tail, "*"))
	case open:
		return strings.HasSuffix(name, tail)
	case openEnd:
		return strings.HasPrefix(name, head)
	default:
		return pattern == name
	}
}

func groupKind(object map[string]any) (group, kind string) {
	return splitGroup(text(object, "apiVersion"), text(object, "kind"))
}

// An apiVersion with two slashes is none; Gatekeeper then sees neither group nor kind.
func splitGroup(apiVersion, kind string) (string, string) {
	switch strings.Count(apiVersion, "/") {
	case 0:
		return "", kind
	case 1:
		group, _, _ := strings.Cut(apiVersion, "/")
		return group, kind
	default:
		return "", ""
	}
}

// text is the string at path; empty where there is none.
func text(object map[string]any, path ...string) string {
	var value any = object
	for _, key := range path {
		parent, ok := value.(map[string]any)
		if !ok {
			return ""
		}
		value = parent[key]
	}
	s, _ := value.(string)
	return s
}

// labels reads an object's labels as Gatekeeper does: null is the empty string, and any other value that is no string
// makes the object one without labels.
func labels(object map[string]any) map[string]string {
	metadata, _ := object["metadata"].(map[string]any)
	given, _ := metadata["labels"].(map[string]any)
	read := make(map[string]string, len(given))
	for key, value := range given {
		s, ok := value.(string)
		if !ok && value != nil {
			return nil
		}
		read[key] = s
	}
	return read
}
