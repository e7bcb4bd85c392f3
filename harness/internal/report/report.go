// Package report is the model of what kfs found, and its renderers.
//
// The JSON form of Report is a stable interface (schemaVersion). Nothing here judges: who fills a Report decides.
package report

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// SchemaVersion is the version of the JSON form.
const SchemaVersion = 1

// Report is the result of one run.
type Report struct {
	SchemaVersion int         `json:"schemaVersion"`
	Profile       string      `json:"profile"`
	Flavor        string      `json:"flavor"`
	Findings      []Finding   `json:"findings"`
	Undecided     []Undecided `json:"undecided"`
	Errors        []Error     `json:"errors"`
	Summary       Summary     `json:"summary"`
}

// Finding is one violation of one rule by one object.
type Finding struct {
	Rule     string   `json:"rule"`
	Policy   string   `json:"policy"`
	Fact     string   `json:"fact"`
	Severity string   `json:"severity"`
	Action   string   `json:"action"`
	Message  string   `json:"message"`
	Path     string   `json:"path"`
	Object   Object   `json:"object"`
	Location Location `json:"location"`

	// What only people read; not part of the JSON form.
	Title       string `json:"-"`
	Remediation string `json:"-"`
	// RawPath is Path before rendering.
	RawPath []any `json:"-"`
}

// Object identifies a Kubernetes object.
type Object struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace"`
	Name       string `json:"name"`
}

// Location is a place in a file. Line and Column count from 1; 0 is unknown.
type Location struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// Undecided is a rule that could not be decided for an object, and what would decide it ("Namespace team-a").
type Undecided struct {
	Rule   string   `json:"rule"`
	Object Object   `json:"object"`
	Needs  []string `json:"needs"`
}

// Error is something that could not be read or run. Line is 0 if unknown, File empty if no file is to blame.
type Error struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Message string `json:"message"`
}

// Summary counts. Objects are all that were read, Reviewed those that at least one rule judged; Deny and Warn count findings.
type Summary struct {
	Objects   int `json:"objects"`
	Reviewed  int `json:"reviewed"`
	Deny      int `json:"deny"`
	Warn      int `json:"warn"`
	Undecided int `json:"undecided"`
}

// Actions of a finding. Others (dryrun) are shown and counted by their own name.
const (
	Deny = "deny"
	Warn = "warn"
)

// String is how people are told of an object: Function demo/orders, Namespace demo.
func (o Object) String() string {
	switch {
	case o == Object{}:
		return "(no object)"
	case o.Name == "":
		o.Name = "(no name)"
	}
	if o.Namespace == "" {
		return o.Kind + " " + o.Name
	}
	return o.Kind + " " + o.Namespace + "/" + o.Name
}

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)

// Path renders a path of keys and indices: spec.rules[0].jwt, metadata.annotations["a.b/c"].
func Path(raw []any) string {
	var b strings.Builder
	for _, step := range raw {
		key, ok := step.(string)
		switch {
		case !ok:
			fmt.Fprintf(&b, "[%v]", step)
		case !identifier.MatchString(key):
			fmt.Fprintf(&b, "[%q]", key)
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(key)
		}
	}
	return b.String()
}

// Sort puts everything in the order in which it is shown: findings by place, then rule, message and object; undecided by object and rule;
// errors by place. Reports of equal content become equal.
func Sort(r *Report) {
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(a.Location.File, b.Location.File),
			cmp.Compare(a.Location.Line, b.Location.Line),
			cmp.Compare(a.Location.Column, b.Location.Column),
			cmp.Compare(a.Rule, b.Rule),
			cmp.Compare(a.Message, b.Message),
			compareObjects(a.Object, b.Object),
			cmp.Compare(a.Path, b.Path),
			cmp.Compare(a.Action, b.Action),
		)
	})
	for i := range r.Undecided {
		slices.Sort(r.Undecided[i].Needs)
	}
	slices.SortStableFunc(r.Undecided, func(a, b Undecided) int {
		return cmp.Or(compareObjects(a.Object, b.Object), cmp.Compare(a.Rule, b.Rule), slices.Compare(a.Needs, b.Needs))
	})
	slices.SortStableFunc(r.Errors, func(a, b Error) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Message, b.Message))
	})
}

func compareObjects(a, b Object) int {
	return cmp.Or(
		cmp.Compare(a.Namespace, b.Namespace),
		cmp.Compare(a.Kind, b.Kind),
		cmp.Compare(a.Name, b.Name),
		cmp.Compare(a.APIVersion, b.APIVersion),
	)
}
