package match

import (
	"regexp"
	"slices"
	"strings"
)

// Selector is a Kubernetes label selector: all of its requirements hold. One without requirements selects everything.
type Selector struct {
	Requirements []Requirement
}

// Requirement is one condition on a label.
type Requirement struct {
	Key      string
	Operator Operator
	Values   []string
}

// Operator relates a label to the values of a Requirement.
type Operator string

// The operators of a label selector. NotIn holds for an absent label.
const (
	In           Operator = "In"
	NotIn        Operator = "NotIn"
	Exists       Operator = "Exists"
	DoesNotExist Operator = "DoesNotExist"
)

// Matches reports whether labels fulfil every requirement.
func (s *Selector) Matches(labels map[string]string) bool {
	for _, requirement := range s.Requirements {
		if !requirement.matches(labels) {
			return false
		}
	}
	return true
}

func (r Requirement) matches(labels map[string]string) bool {
	value, present := labels[r.Key]
	switch r.Operator {
	case In:
		return present && slices.Contains(r.Values, value)
	case NotIn:
		return !present || !slices.Contains(r.Values, value)
	case Exists:
		return present
	default:
		return !present
	}
}

// The API server's syntax of labels: a name of at most 63 characters, in a key behind an optional DNS subdomain.
var (
	labelName    = regexp.MustCompile(`^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$`)
	dnsSubdomain = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
)

func isLabelKey(key string) bool {
	name := key
	if prefix, rest, ok := strings.Cut(key, "/"); ok {
		if len(prefix) > 253 || !dnsSubdomain.MatchString(prefix) {
			return false
		}
		name = rest
	}
	return len(name) <= 63 && labelName.MatchString(name)
}

func isLabelValue(value string) bool {
	return value == "" || len(value) <= 63 && labelName.MatchString(value)
}
