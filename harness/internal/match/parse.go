package match

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Parse reads a Constraint's spec.match. nil and an empty map select every object. The error lists every field that isn't
// known, every value that can't be read, and the path of each, such as match.kinds[0].apiGroups; a null is such a value.
func Parse(match map[string]any) (*Match, error) {
	r := &reader{}
	m := &Match{}
	r.fields("match", match, map[string]func(path string, value any){
		"kinds":              func(path string, value any) { m.Kinds = r.kinds(path, value) },
		"scope":              func(path string, value any) { m.Scope = word(r, path, value, AnyScope, Cluster, Namespaced) },
		"namespaces":         func(path string, value any) { m.Namespaces = r.globs(path, value) },
		"excludedNamespaces": func(path string, value any) { m.ExcludedNamespaces = r.globs(path, value) },
		"labelSelector":      func(path string, value any) { m.LabelSelector = r.selector(path, value) },
		"namespaceSelector":  func(path string, value any) { m.NamespaceSelector = r.selector(path, value) },
		"name":               func(path string, value any) { m.Name = r.glob(path, value) },
		"source":             func(path string, value any) { m.Source = word(r, path, value, AnySource, Generated, Original) },
	})
	if err := errors.Join(r.errs...); err != nil {
		return nil, err
	}
	return m, nil
}

// reader collects the errors of a match, in the order of its sorted fields.
type reader struct {
	errs []error
}

func (r *reader) failf(path, format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf("%s: %s", path, fmt.Sprintf(format, args...)))
}

func (r *reader) fields(path string, object map[string]any, known map[string]func(path string, value any)) {
	for _, key := range slices.Sorted(maps.Keys(object)) {
		read, ok := known[key]
		if !ok {
			r.failf(path+"."+key, "no such field; known are %s", strings.Join(slices.Sorted(maps.Keys(known)), ", "))
			continue
		}
		read(path+"."+key, object[key])
	}
}

func (r *reader) object(path string, value any) map[string]any {
	object, ok := value.(map[string]any)
	if !ok {
		r.failf(path, "must be an object, is %s", describe(value))
	}
	return object
}

func (r *reader) list(path string, value any, read func(path string, value any)) {
	list, ok := value.([]any)
	if !ok {
		r.failf(path, "must be a list, is %s", describe(value))
	}
	for i, item := range list {
		read(fmt.Sprintf("%s[%d]", path, i), item)
	}
}

func (r *reader) text(path string, value any) (s string, ok bool) {
	if s, ok = value.(string); !ok {
		r.failf(path, "must be a string, is %s", describe(value))
	}
	return s, ok
}

func (r *reader) texts(path string, value any) (texts []string) {
	r.list(path, value, func(path string, value any) {
		s, _ := r.text(path, value)
		texts = append(texts, s)
	})
	return texts
}

// Gatekeeper's constraint CRDs hold names to this pattern.
var globPattern = regexp.MustCompile(`^\*?[-:a-z0-9]*\*?$`)

func (r *reader) glob(path string, value any) string {
	pattern, ok := r.text(path, value)
	if ok && !globPattern.MatchString(pattern) {
		r.failf(path, "%q is no name that may begin or end with *", pattern)
	}
	return pattern
}

func (r *reader) globs(path string, value any) (globs []string) {
	r.list(path, value, func(path string, value any) { globs = append(globs, r.glob(path, value)) })
	return globs
}

func (r *reader) kinds(path string, value any) (kinds []Kinds) {
	r.list(path, value, func(path string, value any) {
		var alternative Kinds
		r.fields(path, r.object(path, value), map[string]func(path string, value any){
			"apiGroups": func(path string, value any) { alternative.APIGroups = r.texts(path, value) },
			"kinds":     func(path string, value any) { alternative.Kinds = r.texts(path, value) },
		})
		kinds = append(kinds, alternative)
	})
	return kinds
}

func (r *reader) selector(path string, value any) *Selector {
	selector := &Selector{}
	r.fields(path, r.object(path, value), map[string]func(path string, value any){
		"matchLabels": func(path string, value any) {
			labels := r.object(path, value)
			for _, key := range slices.Sorted(maps.Keys(labels)) {
				label, _ := r.text(path+"."+key, labels[key])
				requirement := Requirement{Key: key, Operator: In, Values: []string{label}}
				r.labels(path+"."+key, requirement)
				selector.Requirements = append(selector.Requirements, requirement)
			}
		},
		"matchExpressions": func(path string, value any) {
			r.list(path, value, func(path string, value any) {
				selector.Requirements = append(selector.Requirements, r.requirement(path, value))
			})
		},
	})
	return selector
}

func (r *reader) requirement(path string, value any) (requirement Requirement) {
	object := r.object(path, value)
	r.fields(path, object, map[string]func(path string, value any){
		"key": func(path string, value any) { requirement.Key, _ = r.text(path, value) },
		"operator": func(path string, value any) {
			requirement.Operator = word(r, path, value, In, NotIn, Exists, DoesNotExist)
		},
		"values": func(path string, value any) { requirement.Values = r.texts(path, value) },
	})
	switch requirement.Operator {
	case In, NotIn:
		if len(requirement.Values) == 0 {
			r.failf(path+".values", "%s needs at least one value", requirement.Operator)
		}
	case Exists, DoesNotExist:
		if len(requirement.Values) > 0 {
			r.failf(path+".values", "%s takes no values", requirement.Operator)
		}
	default:
		if _, given := object["operator"]; !given {
			r.failf(path+".operator", "is missing")
		}
	}
	r.labels(path, requirement)
	return requirement
}

func (r *reader) labels(path string, requirement Requirement) {
	if !isLabelKey(requirement.Key) {
		r.failf(path, "%q is no label key", requirement.Key)
	}
	for _, value := range requirement.Values {
		if !isLabelValue(value) {
			r.failf(path, "%q is no label value", value)
		}
	}
}

// word reads one of a few words; where it is none of them the error lists them.
func word[T ~string](r *reader, path string, value any, known ...T) T {
	given, ok := r.text(path, value)
	if ok && !slices.Contains(known, T(given)) {
		r.failf(path, "%q is none of %q", given, known)
	}
	return T(given)
}

func describe(value any) string {
	switch value := value.(type) {
	case nil:
		return "null"
	case string:
		return fmt.Sprintf("the string %q", value)
	case bool:
		return fmt.Sprintf("%t", value)
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	default:
		return fmt.Sprintf("the number %v", value)
	}
}
