package constraint

import (
	"fmt"
	"slices"
	"strings"

	"kyma-function-security/harness/internal/manifest"
	"kyma-function-security/harness/internal/match"
	"kyma-function-security/harness/internal/policy"
)

// Problems are what Read couldn't use.
type Problems struct {
	Errors  []manifest.Error // broken Constraints of ours: each makes the run worthless
	Foreign []string         // what isn't ours, "K8sRequiredLabels in a.yaml", "values.yaml"; left alone
}

// enforcementPoints are the points whose scoped action kfs takes, the first that is named winning: a check in CI stands for
// what gator, else the webhook, would do.
var enforcementPoints = []string{"gator.gatekeeper.sh", "validation.gatekeeper.sh", "*"}

// Read takes the Constraints of ours from manifests, which may hold anything else that a cluster applies.
func Read(lib *policy.Library, input *manifest.Input) ([]*Constraint, Problems) {
	var constraints []*Constraint
	problems := Problems{Errors: slices.Clone(input.Errors)}
	first := map[[2]string]*manifest.Object{} // by kind and name
	for _, skipped := range input.Skipped {
		problems.Foreign = append(problems.Foreign, skipped.File)
	}
	for _, o := range input.Objects {
		group, _, _ := strings.Cut(o.APIVersion(), "/")
		if group != "constraints.gatekeeper.sh" {
			problems.Foreign = append(problems.Foreign, fmt.Sprintf("%s in %s", o.Kind(), o.File))
			continue
		}
		p, ok := lib.ByKind(o.Kind())
		if !ok {
			if strings.HasPrefix(o.Kind(), "KymaFunction") || strings.HasPrefix(o.Kind(), "KymaServerless") {
				problems.Errors = append(problems.Errors, complaint(o, []any{"kind"}, "no policy has constraints of kind %q", o.Kind()))
				continue
			}
			problems.Foreign = append(problems.Foreign, fmt.Sprintf("%s in %s", o.Kind(), o.File))
			continue
		}
		c, errs := read(p, o)
		errs = append(errs, identity(o, first)...)
		for _, problem := range input.Problems {
			if problem.Object == o && problem.Rule == "KFS-004" {
				at := problem.Position
				errs = append(errs, manifest.Error{File: at.File, Line: at.Line, Column: at.Column,
					Message: fmt.Sprintf("%s %s: %s", o.Kind(), o.Name(), problem.Message)})
			}
		}
		problems.Errors = append(problems.Errors, errs...)
		if len(errs) == 0 {
			constraints = append(constraints, c)
		}
	}
	Sort(constraints)
	return constraints, problems
}

// identity finds what keeps a cluster from holding all the Constraints that are given: a version that it doesn't serve
// (frameworks' pkg/client/crds/validate.go), and two of one name, as in a folder with several profiles.
func identity(o *manifest.Object, first map[[2]string]*manifest.Object) []manifest.Error {
	var errs []manifest.Error
	if _, version, _ := strings.Cut(o.APIVersion(), "/"); version != "v1beta1" && version != "v1alpha1" {
		errs = append(errs, complaint(o, []any{"apiVersion"}, "no cluster serves version %q of Constraints; write v1beta1", version))
	}
	if o.Name() == "" {
		return append(errs, complaint(o, []any{"metadata"}, "no name"))
	}
	key := [2]string{o.Kind(), o.Name()}
	if before, twice := first[key]; twice {
		at := before.Position([]any{"metadata", "name"}, 0)
		return append(errs, complaint(o, []any{"metadata", "name"}, "is in %s:%d too: a cluster keeps one of the two", at.File, at.Line))
	}
	first[key] = o
	return errs
}

func complaint(o *manifest.Object, path []any, format string, args ...any) manifest.Error {
	at := o.Position(path, 0)
	return manifest.Error{File: at.File, Line: at.Line, Column: at.Column,
		Message: fmt.Sprintf("%s %s: %s", o.Kind(), o.Name(), fmt.Sprintf(format, args...))}
}

func read(p *policy.Policy, o *manifest.Object) (*Constraint, []manifest.Error) {
	var errs []manifest.Error
	spec, ok := o.Value["spec"].(map[string]any)
	if _, given := o.Value["spec"]; given && !ok {
		return nil, []manifest.Error{complaint(o, []any{"spec"}, "spec is no map")}
	}
	for key := range spec {
		if !slices.Contains([]string{"enforcementAction", "scopedEnforcementActions", "match", "parameters"}, key) {
			errs = append(errs, complaint(o, []any{"spec", key}, "spec has no field %q", key))
		}
	}
	action, err := action(spec)
	if err != nil {
		errs = append(errs, complaint(o, []any{"spec", "enforcementAction"}, "%s", err))
	}
	c := &Constraint{Policy: p, Name: o.Name(), Action: action}
	if c.Match, ok = spec["match"].(map[string]any); !ok && spec["match"] != nil {
		errs = append(errs, complaint(o, []any{"spec", "match"}, "match is no map"))
	}
	if c.Match == nil {
		c.Match = map[string]any{}
	}
	if _, err := match.Parse(c.Match); err != nil {
		errs = append(errs, complaint(o, []any{"spec", "match"}, "%s", err))
	}
	parameters, ok := spec["parameters"].(map[string]any)
	if !ok && spec["parameters"] != nil {
		errs = append(errs, complaint(o, []any{"spec", "parameters"}, "parameters is no map"))
	}
	shape := ParametersSchema(p)
	flaws, err := validate(shape, parameters)
	if err != nil {
		errs = append(errs, complaint(o, []any{"spec", "parameters"}, "parameters: %s", err))
	}
	for _, flaw := range flaws {
		errs = append(errs, complaint(o, append([]any{"spec", "parameters"}, flaw.path...), "%s", flaw.text))
	}
	if len(errs) > 0 {
		return nil, errs
	}
	c.Parameters, _ = withDefaults(shape, parameters).(map[string]any)
	c.Rules = rules(p, c.Parameters["rules"])
	delete(c.Parameters, "rules")
	if err := c.finish(); err != nil {
		return nil, []manifest.Error{complaint(o, nil, "%s", err)}
	}
	return c, nil
}

// rules lists what parameters.rules selects; absent, all.
func rules(p *policy.Policy, selected any) []string {
	var ids []string
	list, _ := selected.([]any)
	for _, r := range p.Rules {
		if len(list) == 0 || slices.Contains(list, any(r.ID)) {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

func action(spec map[string]any) (string, error) {
	const known = "deny, warn, dryrun or scoped"
	value, given := spec["enforcementAction"]
	if !given || value == nil {
		return "deny", nil // Gatekeeper's default
	}
	text, _ := value.(string)
	switch text {
	case "deny", "warn", "dryrun":
		return text, nil
	case "scoped":
		return scoped(spec["scopedEnforcementActions"])
	}
	return "", fmt.Errorf("enforcementAction %q is not %s", value, known)
}

func scoped(value any) (string, error) {
	list, _ := value.([]any)
	actions := map[string]string{}
	for _, element := range list {
		entry, _ := element.(map[string]any)
		action, _ := entry["action"].(string)
		if !slices.Contains([]string{"deny", "warn", "dryrun"}, action) {
			return "", fmt.Errorf("scopedEnforcementActions: action %q is not deny, warn or dryrun", entry["action"])
		}
		points, _ := entry["enforcementPoints"].([]any)
		for _, point := range points {
			named, _ := point.(map[string]any)
			name, _ := named["name"].(string)
			actions[name] = action
		}
	}
	for _, point := range enforcementPoints {
		if action, ok := actions[point]; ok {
			return action, nil
		}
	}
	return "", fmt.Errorf("scopedEnforcementActions names none of %s", strings.Join(enforcementPoints, ", "))
}
