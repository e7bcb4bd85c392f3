// Package check is the run: manifests in, a report out. It gives each object its namespace, builds the inventory from all
// manifests, has the engine judge every object, adds what only a manifest can have wrong, and finds the positions.
package check

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"kyma-function-security/harness/internal/constraint"
	"kyma-function-security/harness/internal/engine"
	"kyma-function-security/harness/internal/manifest"
	"kyma-function-security/harness/internal/mask"
	"kyma-function-security/harness/internal/policy"
	"kyma-function-security/harness/internal/report"
	"kyma-function-security/harness/internal/schema"
)

// Options of a run.
type Options struct {
	Profile     string // of the report, and whose actions KFS-001 to KFS-005 take
	Flavor      string
	Constraints []*constraint.Constraint
	Namespace   string             // of objects that carry none, as kubectl -n; empty means default
	Context     []*manifest.Object // in the inventory, not judged, and replaced by an input object of the same identity
	Program     *engine.Program    // nil: Run compiles the policies that the input's kinds need
	Engine      engine.Options
	Sequential  bool            // one object after the other, for a tracer
	Progress    func(total int) // called as each object is done, from several goroutines
}

// Run judges the input. The error is one that makes the run worthless: policies that don't compile, a cancelled context.
// What is wrong with single objects is in the report's errors.
func Run(ctx context.Context, lib *policy.Library, schemas *schema.Set, input *manifest.Input, options Options) (report.Report, error) {
	r := report.Report{SchemaVersion: report.SchemaVersion, Profile: options.Profile, Flavor: options.Flavor}
	for _, e := range input.Errors {
		r.Errors = append(r.Errors, report.Error{File: e.File, Line: e.Line, Message: e.Message})
	}
	run := &run{options: options, schemas: schemas}
	objects, err := run.objects(input.Objects)
	if err != nil {
		return r, err
	}
	surrounding, err := run.objects(options.Context)
	if err != nil {
		return r, err
	}
	// What comes later under the same identity replaces what was there.
	inventory := make([]*engine.Object, 0, len(surrounding)+len(objects))
	inventory = append(append(inventory, surrounding...), objects...)
	program := options.Program
	if program == nil {
		// Compiling is most of a small run: what matches no object's kind isn't compiled.
		options.Constraints = matching(options.Constraints, objects)
		if program, err = engine.Compile(lib, engine.Policies(options.Constraints), nil); err != nil {
			return r, err
		}
	}
	run.engine, err = program.Engine(ctx, options.Constraints, inventory, options.Engine)
	if err != nil {
		return r, err
	}
	outcomes, err := run.judge(ctx, input.Objects, objects)
	if err != nil {
		return r, err
	}
	for i, o := range outcomes {
		if o.failure != nil {
			position := input.Objects[i].Position(nil, 0)
			r.Errors = append(r.Errors, report.Error{File: position.File, Line: position.Line, Message: o.failure.Error()})
		}
		if o.judged {
			r.Summary.Reviewed++
		}
		r.Findings = append(r.Findings, o.findings...)
		r.Undecided = append(r.Undecided, o.undecided...)
	}
	byManifest := make(map[*manifest.Object]*engine.Object, len(objects))
	for i, o := range objects {
		byManifest[input.Objects[i]] = o
	}
	for _, problem := range input.Problems {
		r.Findings = append(r.Findings, run.problem(problem, byManifest[problem.Object]))
	}
	if err := masked(ctx, lib, &r); err != nil {
		return r, err
	}
	r.Summary.Objects = len(objects)
	for _, f := range r.Findings {
		switch f.Action {
		case report.Deny:
			r.Summary.Deny++
		case report.Warn:
			r.Summary.Warn++
		}
	}
	r.Summary.Undecided = len(r.Undecided)
	report.Sort(&r)
	return r, nil
}

// masked keeps credentials out of what no policy says; policies mask their messages themselves.
func masked(ctx context.Context, lib *policy.Library, r *report.Report) error {
	said := func(f report.Finding) bool { return f.Policy == "manifest" }
	if len(r.Errors) == 0 && !slices.ContainsFunc(r.Findings, said) {
		return nil
	}
	m, err := mask.New(ctx, lib)
	if err != nil {
		return err
	}
	for i := range r.Errors {
		r.Errors[i].Message = m.Text(r.Errors[i].Message)
	}
	for i, f := range r.Findings {
		if said(f) {
			path := m.Path(f.RawPath)
			r.Findings[i].Message, r.Findings[i].RawPath, r.Findings[i].Path = m.Text(f.Message), path, report.Path(path)
		}
	}
	return nil
}

type run struct {
	options Options
	schemas *schema.Set
	engine  *engine.Engine
}

type outcome struct {
	judged    bool
	findings  []report.Finding
	undecided []report.Undecided
	failure   error
}

// objects gives each namespaced object a namespace, as the API server does before admission.
func (r *run) objects(manifests []*manifest.Object) ([]*engine.Object, error) {
	namespace := r.options.Namespace
	if namespace == "" {
		namespace = "default"
	}
	objects := make([]*engine.Object, len(manifests))
	var group errgroup.Group
	group.SetLimit(runtime.NumCPU())
	for chunk := range slices.Chunk(indices(len(manifests)), 64) {
		group.Go(func() error {
			for _, i := range chunk {
				o, err := engine.NewObject(Placed(r.schemas, manifests[i], namespace))
				if err != nil {
					return fmt.Errorf("read %s: %w", manifests[i].File, err)
				}
				objects[i] = o
			}
			return nil
		})
	}
	return objects, group.Wait()
}

// matching leaves out the constraints whose kinds aren't in the input.
func matching(constraints []*constraint.Constraint, objects []*engine.Object) []*constraint.Constraint {
	type kind struct{ apiVersion, kind string }
	kinds := map[kind]bool{}
	for _, o := range objects {
		kinds[kind{o.APIVersion, o.Kind}] = true
	}
	var matched []*constraint.Constraint
	for _, c := range constraints {
		for k := range kinds {
			if c.Matcher.MatchesKind(k.apiVersion, k.kind) {
				matched = append(matched, c)
				break
			}
		}
	}
	return matched
}

func indices(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// Placed is the manifest's value as the API server would store it: in a namespace, the given one if it names none, or in none
// if its kind knows no namespaces.
func Placed(schemas *schema.Set, o *manifest.Object, namespace string) map[string]any {
	if namespaced(schemas, o) {
		return withNamespace(o.Value, namespace)
	}
	return withoutNamespace(o.Value)
}

// namespaced says whether the API server would put the object into a namespace. Of a kind without a schema only its
// manifest tells.
func namespaced(schemas *schema.Set, o *manifest.Object) bool {
	group, _, found := strings.Cut(o.APIVersion(), "/")
	if !found {
		group = ""
	}
	if kind, ok := schemas.Kind(group, o.Kind()); ok {
		return kind.Namespaced
	}
	return o.Namespace() != ""
}

func withNamespace(value map[string]any, namespace string) map[string]any {
	metadata, ok := value["metadata"].(map[string]any)
	if given, isText := metadata["namespace"].(string); isText && given != "" {
		return value
	}
	if _, given := value["metadata"]; given && !ok {
		return value // no map: KFS-003 says so
	}
	metadata = maps.Clone(metadata)
	if metadata == nil {
		metadata = map[string]any{}
	}
	metadata["namespace"] = namespace
	value = maps.Clone(value)
	value["metadata"] = metadata
	return value
}

func withoutNamespace(value map[string]any) map[string]any {
	metadata, ok := value["metadata"].(map[string]any)
	if _, given := metadata["namespace"]; !ok || !given {
		return value
	}
	metadata = maps.Clone(metadata)
	delete(metadata, "namespace")
	value = maps.Clone(value)
	value["metadata"] = metadata
	return value
}

func (r *run) judge(ctx context.Context, manifests []*manifest.Object, objects []*engine.Object) ([]outcome, error) {
	outcomes := make([]outcome, len(objects))
	workers := runtime.NumCPU()
	if r.options.Sequential {
		workers = 1
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for chunk := range slices.Chunk(indices(len(objects)), 16) {
		group.Go(func() error {
			for _, i := range chunk {
				if err := ctx.Err(); err != nil {
					return err
				}
				outcomes[i] = r.one(ctx, manifests[i], objects[i])
				if r.options.Progress != nil {
					r.options.Progress(len(objects))
				}
			}
			return nil
		})
	}
	return outcomes, group.Wait()
}

func (r *run) one(ctx context.Context, m *manifest.Object, o *engine.Object) outcome {
	verdict, err := r.engine.Judge(ctx, o)
	result := outcome{judged: verdict.Judged, failure: err}
	identity := identify(o)
	for _, f := range verdict.Findings {
		result.findings = append(result.findings, report.Finding{
			Rule: f.Rule.ID, Policy: f.Rule.Policy.Name, Fact: f.Rule.Fact(), Severity: f.Rule.Severity, Action: f.Action,
			Message: f.Message, Path: report.Path(f.Path), Object: identity, Location: location(m.Position(f.Path, f.Line)),
			Title: f.Rule.Title, Remediation: f.Rule.Remediation, RawPath: f.Path,
		})
	}
	for _, u := range verdict.Undecided {
		result.undecided = append(result.undecided, report.Undecided{Rule: u.Rule.ID, Object: identity, Needs: u.Needs})
	}
	for _, problem := range r.schemas.Check(m.Value, r.options.Flavor) {
		result.findings = append(result.findings,
			r.manifestFinding(problem.Rule, problem.Message, problem.Path, identity, m.Position(problem.Path, 0)))
	}
	return result
}

func identify(o *engine.Object) report.Object {
	return report.Object{APIVersion: o.APIVersion, Kind: o.Kind, Namespace: o.Namespace, Name: o.Name}
}

// problem makes a finding of what the loader found in the text; o is nil if the text gave no object.
func (r *run) problem(p manifest.Problem, o *engine.Object) report.Finding {
	var identity report.Object
	if o != nil {
		identity = identify(o)
	}
	return r.manifestFinding(p.Rule, p.Message, p.Path, identity, p.Position)
}

func (r *run) manifestFinding(id, message string, path []any, o report.Object, at manifest.Position) report.Finding {
	rule := schema.ManifestRule(id)
	return report.Finding{
		Rule: id, Policy: "manifest", Fact: policy.Facts["0"], Severity: rule.Severity, Action: rule.Actions[r.options.Profile],
		Message: id + ": " + message, Path: report.Path(path), Object: o, Location: location(at),
		Title: rule.Title, Remediation: rule.Remediation, RawPath: path,
	}
}

func location(p manifest.Position) report.Location {
	return report.Location{File: p.File, Line: p.Line, Column: p.Column}
}

// Instant parses --now and `# now:`: RFC 3339, of the years that time.now_ns can tell.
func Instant(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, fmt.Errorf("%q is no RFC 3339 time such as 2026-01-31T00:00:00Z", text)
	}
	if year := t.UTC().Year(); year < 1970 || year > 2261 {
		return t, fmt.Errorf("%q isn't between 1970 and 2261: 64 bits of nanoseconds hold no more", text)
	}
	return t, nil
}
