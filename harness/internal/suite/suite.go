// Package suite tests the policies themselves: form, types, fixtures, Rego tests and coverage. It is what `kfs test` runs.
package suite

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/tester"

	"kyma-function-security/harness/internal/constraint"
	"kyma-function-security/harness/internal/engine"
	"kyma-function-security/harness/internal/fixture"
	"kyma-function-security/harness/internal/lint"
	"kyma-function-security/harness/internal/policy"
	"kyma-function-security/harness/internal/schema"
)

// Input is what is tested.
type Input struct {
	Policies fs.FS // the root of the policies, tests included
	Fixtures fs.FS
	Library  *policy.Library
	Schemas  *schema.Set
	Config   constraint.Config
	Only     string // part of the paths of the fixtures and tests to run; empty runs all
}

// Result is one part's outcome.
type Result struct {
	Name     string
	Summary  string
	Failures []string
	selected int // fixtures or Rego tests that Only took
}

// Run runs every part. The error is of what keeps it from running at all.
func Run(ctx context.Context, in Input) ([]Result, error) {
	coverage := cover.New()
	var results []Result
	for _, part := range []func(context.Context, Input, *cover.Cover) (Result, error){lintPart, typesPart, fixturesPart, regoPart} {
		result, err := part(ctx, in, coverage)
		if err != nil {
			return nil, err
		}
		results = append(results, result)
	}
	if !slices.ContainsFunc(results, func(r Result) bool { return r.selected > 0 }) {
		return nil, fmt.Errorf("no fixture and no Rego test has %q in its path", in.Only)
	}
	if in.Only == "" {
		result, err := coveragePart(in, coverage)
		if err != nil {
			return nil, err
		}
		results = append(results, result)
	}
	return results, nil
}

func lintPart(_ context.Context, in Input, _ *cover.Cover) (Result, error) {
	issues, err := lint.Run(in.Policies)
	if err != nil {
		return Result{}, err
	}
	rules := 0
	for _, p := range in.Library.Policies {
		rules += len(p.Rules)
	}
	r := Result{Name: "lint", Summary: fmt.Sprintf("%d policies, %d rules", len(in.Library.Policies), rules)}
	for _, issue := range issues {
		r.Failures = append(r.Failures, "policies/"+issue.String())
	}
	if in.Only == "" {
		broken, err := lint.Catalogue(in.Library, schema.ManifestRules())
		if err != nil {
			return r, err
		}
		for _, issue := range broken {
			r.Failures = append(r.Failures, issue.String())
		}
	}
	return r, nil
}

// typesPart compiles each policy against the schemas of the kinds that it matches and of its parameters, with no more
// builtins and features than the oldest supported OPA has.
func typesPart(_ context.Context, in Input, _ *cover.Cover) (Result, error) {
	r := Result{Name: "types", Summary: fmt.Sprintf("against the kinds' schemas, with OPA %s", in.Config.Support.OPA)}
	capabilities, err := ast.LoadCapabilitiesVersion("v" + in.Config.Support.OPA)
	if err != nil {
		return r, fmt.Errorf("capabilities of OPA %s: %w", in.Config.Support.OPA, err)
	}
	for _, p := range in.Library.Policies {
		var kinds []schema.GroupKind
		for _, m := range p.Match {
			kinds = append(kinds, in.Schemas.Match(m.APIGroups, m.Kinds)...)
		}
		object, err := in.Schemas.JSONSchema(kinds)
		if err != nil {
			return r, err
		}
		schemas := ast.NewSchemaSet()
		schemas.Put(ast.MustParseRef("schema."+p.Name), inputSchema(object, constraint.ParametersSchema(p)))
		modules, err := in.Library.Modules([]*policy.Policy{p})
		if err != nil {
			return r, err
		}
		compiler := ast.NewCompiler().WithStrict(true).WithSchemas(schemas).WithUseTypeCheckAnnotations(true).
			WithCapabilities(capabilities)
		if compiler.Compile(modules); compiler.Failed() {
			for _, e := range compiler.Errors {
				r.Failures = append(r.Failures, "policies/"+e.Error())
			}
		}
	}
	return r, nil
}

// inputSchema is the schema of what Gatekeeper gives a template, as far as policies read it.
func inputSchema(object, parameters map[string]any) map[string]any {
	text, open := map[string]any{"type": "string"}, map[string]any{"type": "object"}
	return map[string]any{
		"type": "object",
		"properties": map[string]any{
			"parameters": parameters,
			"review": map[string]any{
				"type": "object",
				"properties": map[string]any{
					"object":          object,
					"oldObject":       map[string]any{},
					"namespaceObject": map[string]any{},
					"kind":            open,
					"name":            text,
					"namespace":       text,
					"operation":       text,
					"subResource":     text,
					"userInfo":        open,
				},
			},
		},
	}
}

func fixturesPart(ctx context.Context, in Input, coverage *cover.Cover) (Result, error) {
	r := Result{Name: "fixtures"}
	all, err := fixture.Load(in.Fixtures)
	if err != nil {
		return r, err
	}
	runner, err := fixture.NewRunner(ctx, in.Fixtures, in.Library, in.Schemas, in.Config)
	if err != nil {
		return r, err
	}
	allowed, denied := 0, 0
	for _, f := range all {
		if !strings.Contains(f.Path, in.Only) {
			continue
		}
		report, err := runner.Run(ctx, f, engine.Options{Strict: true, Tracer: coverage})
		if err != nil {
			r.Failures = append(r.Failures, fmt.Sprintf("%s: %v", f.Path, err))
			continue
		}
		if f.Allow() {
			allowed++
		} else {
			denied++
		}
		r.Failures = append(r.Failures, fixture.Differences(f, report)...)
	}
	r.selected = allowed + denied
	r.Summary = fmt.Sprintf("%d allow, %d deny, by rule and line", allowed, denied)
	if in.Only == "" {
		r.Failures = append(r.Failures, lacking(in.Library, all)...)
	}
	return r, nil
}

// lacking names the rules that no fixture shows denying, and those whose policy has no allow fixture in which they are
// selected.
func lacking(lib *policy.Library, fixtures []fixture.Fixture) []string {
	var failures []string
	for _, p := range lib.Policies {
		for _, rule := range p.Rules {
			denied := slices.ContainsFunc(fixtures, func(f fixture.Fixture) bool {
				return slices.ContainsFunc(f.Wants, func(w fixture.Want) bool { return w.Rule == rule.ID })
			})
			allowed := slices.ContainsFunc(fixtures, func(f fixture.Fixture) bool {
				return f.Allow() && f.Folder == p.Name && (rule.Action(f.Profile, f.Flavor) != "" || f.Constraints != "")
			})
			if !denied {
				failures = append(failures, rule.ID+": no deny- fixture wants it")
			}
			if !allowed {
				failures = append(failures, rule.ID+": no allow- fixture of "+p.Name+" runs it")
			}
		}
	}
	return failures
}

// parse reads all modules below the policies' root, tests included.
func parse(fsys fs.FS) (map[string]*ast.Module, error) {
	modules := map[string]*ast.Module{}
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) != ".rego" {
			return err
		}
		source, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		modules[name], err = ast.ParseModuleWithOpts(name, string(source), ast.ParserOptions{
			ProcessAnnotation: true, RegoVersion: ast.RegoV1,
		})
		return err
	})
	return modules, err
}

// testTimeout is for one Rego test on a busy machine; coverage makes tests many times slower.
const testTimeout = 5 * time.Minute

func regoPart(ctx context.Context, in Input, coverage *cover.Cover) (Result, error) {
	r := Result{Name: "rego tests"}
	modules, err := parse(in.Policies)
	if err != nil {
		return r, err
	}
	store := inmem.New()
	txn, err := store.NewTransaction(ctx, storage.TransactionParams{})
	if err != nil {
		return r, err
	}
	defer store.Abort(ctx, txn)
	runner := tester.NewRunner().SetStore(store).SetModules(modules).SetCompiler(ast.NewCompiler()).
		SetDefaultRegoVersion(ast.RegoV1).RaiseBuiltinErrors(true).SetTimeout(testTimeout).SetCoverageQueryTracer(coverage)
	results, err := runner.RunTests(ctx, txn)
	if err != nil {
		return r, err
	}
	tests, cases := 0, 0
	for result := range results {
		if !strings.Contains(result.Location.File, in.Only) {
			continue
		}
		tests++
		cases += max(1, len(result.SubResults))
		r.Failures = append(r.Failures, failures(result)...)
	}
	r.selected = tests
	r.Summary = fmt.Sprintf("%d tests, %d cases", tests, cases)
	return r, nil
}

func failures(result *tester.Result) []string {
	at := fmt.Sprintf("policies/%s:%d: %s", result.Location.File, result.Location.Row, result.Name)
	switch {
	case result.Error != nil:
		return []string{fmt.Sprintf("%s: %v", at, result.Error)}
	case result.Skip:
		return []string{at + ": skipped; a test runs or goes"}
	case !result.Fail:
		return nil
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(result.SubResults)) {
		if result.SubResults[name].Fail {
			names = append(names, fmt.Sprintf("%s[%q]", at, name))
		}
	}
	if len(names) == 0 {
		names = []string{at}
	}
	return names
}

// lines lists ranges as line 3, 5-7, 9.
func lines(ranges []cover.Range) string {
	covered := map[int]bool{}
	for _, r := range ranges {
		for row := r.Start.Row; row <= r.End.Row; row++ {
			covered[row] = true
		}
	}
	var text []string
	rows := slices.Sorted(maps.Keys(covered))
	for i := 0; i < len(rows); {
		first := rows[i]
		for i++; i < len(rows) && rows[i] == rows[i-1]+1; i++ {
		}
		if last := rows[i-1]; last > first {
			text = append(text, fmt.Sprintf("%d-%d", first, last))
		} else {
			text = append(text, fmt.Sprint(first))
		}
	}
	return "line " + strings.Join(text, ", ")
}

func coveragePart(in Input, coverage *cover.Cover) (Result, error) {
	modules, err := parse(in.Policies)
	if err != nil {
		return Result{}, err
	}
	for name := range modules {
		if strings.HasSuffix(name, "_test.rego") {
			delete(modules, name)
		}
	}
	report := coverage.Report(modules)
	r := Result{Name: "coverage", Summary: fmt.Sprintf("%d of %d lines of Rego", report.CoveredLines, report.CoveredLines+report.NotCoveredLines)}
	for _, name := range slices.Sorted(maps.Keys(report.Files)) {
		if missed := report.Files[name].NotCovered; len(missed) > 0 {
			r.Failures = append(r.Failures, fmt.Sprintf("policies/%s:%d: no fixture and no test comes to %s",
				name, missed[0].Start.Row, lines(missed)))
		}
	}
	for name := range modules {
		if _, seen := report.Files[name]; !seen {
			r.Failures = append(r.Failures, "policies/"+name+": no fixture and no test comes here")
		}
	}
	return r, nil
}
