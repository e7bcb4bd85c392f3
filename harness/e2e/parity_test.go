// Package e2e drives the real programs: every fixture goes through Gatekeeper's client, gator, opa and conftest, and each must
// find exactly what kfs finds.
package e2e

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/yaml"

	bundleconfig "kyma-function-security/bundle"
	"kyma-function-security/harness/e2e/programs"
	"kyma-function-security/harness/e2e/tally"
	"kyma-function-security/harness/internal/bundle"
	"kyma-function-security/harness/internal/check"
	"kyma-function-security/harness/internal/constraint"
	"kyma-function-security/harness/internal/engine"
	"kyma-function-security/harness/internal/fixture"
	"kyma-function-security/harness/internal/gatekeeper"
	"kyma-function-security/harness/internal/manifest"
	"kyma-function-security/harness/internal/policy"
	"kyma-function-security/harness/internal/report"
	"kyma-function-security/harness/internal/schema"
	"kyma-function-security/policies"
)

const root = "../.."

// suite is every fixture with what kfs finds in it, and what the other consumers need to judge it.
type suite struct {
	runner    *fixture.Runner
	generated map[string][]byte // bundle.Generate's files
	examples  []*example
}

// example is a fixture, or a whole application, on its way through the consumers.
type example struct {
	fixture.Fixture
	setup    *setup
	files    []string           // absolute paths
	objects  []*manifest.Object // its documents
	values   []map[string]any   // the same as the API server would hold them
	around   []*manifest.Object // its context; none around an application
	context  []map[string]any   // the same, less what it replaces
	want     []finding          // by kfs
	separate []finding          // by kfs, of each document alone; a rule that is undecided is a finding
}

// setup is one set of constraints, which many examples share.
type setup struct {
	name        string
	profile     string
	flavor      string
	constraints []*constraint.Constraint
	files       map[string][]byte   // Gatekeeper's YAML
	kinds       map[string][]string // the constraints' kinds in each of the files
}

// finding is what consumers must agree on. Path and TextLine give kfs's file, line and column.
type finding struct {
	Object, Rule, Action, Message, Path string
	TextLine                            int
}

func (f finding) String() string {
	return fmt.Sprintf("%s: %s at %s+%d: %s", f.Object, f.Action, f.Path, f.TextLine, f.Message)
}

func TestParity(t *testing.T) {
	s := load(t)
	t.Run("kfs", s.kfs)
	t.Run("gatekeeper", s.gatekeeper)
	for _, name := range []string{"gator", "gator-3.19"} {
		t.Run(name, func(t *testing.T) { s.gator(t, name) })
	}
	t.Run("gator verify", s.gatorVerify)
	t.Run("gator sees what is broken", s.gatorSees)
	t.Run("opa", func(t *testing.T) { s.opa(t, "opa", "") })
	for _, r := range programs.Releases() {
		t.Run(r.OPA, func(t *testing.T) { s.opa(t, r.OPA, " (Gatekeeper "+r.Gatekeeper+")") })
	}
	t.Run("conftest", s.conftest)
	t.Run("conftest from OCI", s.oci)
}

// sources are what the kfs program carries.
func sources(t *testing.T) (*policy.Library, *schema.Set, constraint.Config) {
	t.Helper()
	library, err := policy.Load(policies.FS)
	must(t, err)
	config, err := constraint.ReadConfig(bundleconfig.Config)
	must(t, err)
	return library, schema.Load(), config
}

func load(t *testing.T) *suite {
	t.Helper()
	ctx := t.Context()
	library, schemas, config := sources(t)
	runner, err := fixture.NewRunner(ctx, os.DirFS(filepath.Join(root, "fixtures")), library, schemas, config)
	must(t, err)
	fixtures, err := fixture.Load(runner.FS)
	must(t, err)
	if len(fixtures) == 0 {
		t.Fatal("there are no fixtures")
	}
	s := &suite{runner: runner}
	s.generated, err = bundle.Generate(library, config, schemas)
	must(t, err)

	apps, err := fixture.Applications(runner.FS)
	must(t, err)
	if len(apps) == 0 {
		t.Fatal("there are no applications")
	}
	fixtures = append(fixtures, apps...)

	setups := map[string]*setup{}
	for _, f := range fixtures {
		name := f.Profile + "-" + f.Flavor
		if f.Constraints != "" {
			name += "-" + strings.NewReplacer("/", "-", ".", "-").Replace(path.Join(f.Folder, f.Constraints))
		}
		if setups[name] == nil {
			setups[name], err = s.setup(ctx, name, f)
			must(t, err)
		}
		s.examples = append(s.examples, &example{Fixture: f, setup: setups[name]})
	}
	var group errgroup.Group
	group.SetLimit(runtime.NumCPU())
	for _, e := range s.examples {
		group.Go(func() error { return s.prepare(ctx, e) })
	}
	must(t, group.Wait())
	t.Logf("%d fixtures, %d of them applications, under %d sets of constraints",
		len(s.examples), len(apps), len(setups))
	return s
}

// setup collects a fixture's constraints; those it brings itself replace the bundle's of the same policy.
func (s *suite) setup(ctx context.Context, name string, f fixture.Fixture) (*setup, error) {
	constraints, err := s.runner.ConstraintsOf(ctx, f)
	if err != nil {
		return nil, err
	}
	c := &setup{
		name: name, profile: f.Profile, flavor: f.Flavor, constraints: constraints,
		files: map[string][]byte{}, kinds: map[string][]string{},
	}
	if f.Constraints != "" {
		file := path.Join(f.Folder, f.Constraints)
		text, err := os.ReadFile(filepath.Join(root, "fixtures", file))
		if err != nil {
			return nil, err
		}
		input, err := s.runner.Read(ctx, file)
		if err != nil {
			return nil, err
		}
		for _, o := range input.Objects {
			c.kinds["own.yaml"] = append(c.kinds["own.yaml"], o.Kind())
		}
		c.files["own.yaml"] = text
	}
	folder := "bundle/gatekeeper/constraints/" + f.Profile + "-" + f.Flavor + "/"
	for file, text := range s.generated {
		base, ok := strings.CutPrefix(file, folder)
		if !ok || base == "kustomization.yaml" {
			continue
		}
		var head struct{ Kind string }
		if err := yaml.Unmarshal(text, &head); err != nil {
			return nil, err
		}
		if !slices.Contains(c.kinds["own.yaml"], head.Kind) {
			c.files[base], c.kinds[base] = text, []string{head.Kind}
		}
	}
	if len(c.files) == 0 {
		return nil, fmt.Errorf("%s: no constraints are generated in %s", f.Path, folder)
	}
	return c, nil
}

// prepare has kfs judge the example, whole and in parts.
func (s *suite) prepare(ctx context.Context, e *example) error {
	paths := []string{e.Path}
	if e.Folder == "" {
		var err error
		if paths, err = fs.Glob(s.runner.FS, e.Path+"/*.yaml"); err != nil {
			return err
		}
	} else {
		e.around = s.runner.Context
	}
	for _, name := range paths {
		file, err := filepath.Abs(filepath.Join(root, "fixtures", name))
		if err != nil {
			return err
		}
		e.files = append(e.files, file)
	}
	input, err := s.runner.Read(ctx, paths...)
	if err != nil {
		return err
	}
	if len(input.Errors)+len(input.Skipped) > 0 || len(input.Objects) == 0 {
		return fmt.Errorf("%s: %d objects, errors %v, skipped %v", e.Path, len(input.Objects), input.Errors, input.Skipped)
	}
	e.objects = input.Objects
	replaced := map[report.Object]bool{}
	for _, o := range e.objects {
		value := s.placed(o)
		e.values = append(e.values, value)
		replaced[object(value)] = true
	}
	for _, o := range e.around {
		if !replaced[object(o.Value)] {
			e.context = append(e.context, o.Value)
		}
	}

	whole, err := s.check(ctx, e, e.objects, e.around, e.Now)
	if err != nil {
		return err
	}
	if len(whole.Undecided) > 0 {
		return fmt.Errorf("%s: undecided %v", e.Path, whole.Undecided)
	}
	e.want = s.findings(e, whole)

	for _, o := range e.objects {
		alone, err := s.check(ctx, e, []*manifest.Object{o}, nil, e.Now)
		if err != nil {
			return err
		}
		found := s.findings(e, alone)
		for _, u := range alone.Undecided {
			found = append(found, finding{Object: shown(u.Object), Rule: u.Rule, Action: "undecided"})
		}
		e.separate = append(e.separate, found...)
	}
	e.separate = unique(e.separate)
	return nil
}

// check is `kfs check` of objects under an example's constraints.
func (s *suite) check(ctx context.Context, e *example, objects, around []*manifest.Object, now time.Time) (report.Report, error) {
	r, err := check.Run(ctx, s.runner.Library, s.runner.Schemas, &manifest.Input{Objects: objects}, check.Options{
		Profile: e.Profile, Flavor: e.Flavor, Constraints: e.setup.constraints, Context: around,
		Program: s.runner.Program, Engine: engine.Options{Now: now},
	})
	if err == nil && len(r.Errors) > 0 {
		err = errors.New(r.Errors[0].Message)
	}
	if err != nil {
		return r, fmt.Errorf("check %s: %w", e.Path, err)
	}
	return r, nil
}

// now has kfs judge the example at the real time, for programs whose clock can't be set, before and after judge runs: in
// between it may have become midnight.
func (s *suite) now(ctx context.Context, t *testing.T, l *lane, e *example, judge func() []finding) {
	t.Helper()
	run := func() []finding {
		whole, err := s.check(ctx, e, e.objects, e.around, time.Now())
		if err != nil {
			t.Error(err)
		}
		return s.findings(e, whole)
	}
	want := run()
	got := judge()
	if !slices.Equal(want, got) {
		want = run()
	}
	l.compare(t, e, want, got)
}

// findings leaves out KFS-0xx, which only kfs has: they are about files.
func (s *suite) findings(e *example, r report.Report) []finding {
	var found []finding
	for _, f := range r.Findings {
		if f.Policy != "manifest" {
			found = append(found, finding{
				Object: shown(f.Object), Rule: f.Rule, Action: f.Action, Message: f.Message, Path: text(f.RawPath), TextLine: e.textLine(f),
			})
		}
	}
	return unique(found)
}

// textLine is the line inside the text that a finding is in, from 1; 0 if it is in none. A report has only the file's.
func (e *example) textLine(f report.Finding) int {
	for _, o := range e.objects {
		if o.Position(f.RawPath, 0) == (manifest.Position{File: f.Location.File, Line: f.Location.Line, Column: f.Location.Column}) {
			return 0
		}
	}
	for _, o := range e.objects {
		for line := range 10_000 {
			at := o.Position(f.RawPath, line+1)
			if at.Line == f.Location.Line && at.Column == f.Location.Column {
				return line + 1
			}
			if at.Line > f.Location.Line {
				break
			}
		}
	}
	return -1
}

// placed is an object's value in its namespace: of a namespaced kind that names none, default.
func (s *suite) placed(o *manifest.Object) map[string]any {
	group := ""
	if before, _, ok := strings.Cut(o.APIVersion(), "/"); ok {
		group = before
	}
	kind, known := s.runner.Schemas.Kind(group, o.Kind())
	metadata, isMap := o.Value["metadata"].(map[string]any)
	if !known || !isMap || kind.Namespaced == (o.Namespace() != "") {
		return o.Value
	}
	value, metadata := maps.Clone(o.Value), maps.Clone(metadata)
	value["metadata"] = metadata
	if delete(metadata, "namespace"); kind.Namespaced {
		metadata["namespace"] = "default"
	}
	return value
}

func object(value map[string]any) (o report.Object) {
	metadata, _ := value["metadata"].(map[string]any)
	o.APIVersion, _ = value["apiVersion"].(string)
	o.Kind, _ = value["kind"].(string)
	o.Namespace, _ = metadata["namespace"].(string)
	o.Name, _ = metadata["name"].(string)
	return o
}

func text(path []any) string {
	data, err := json.Marshal(path)
	if err != nil {
		panic(err) // it comes from JSON
	}
	return string(data)
}

func shown(o report.Object) string {
	return fmt.Sprintf("%s %s %s/%s", o.APIVersion, o.Kind, o.Namespace, o.Name)
}

func unique(found []finding) []finding {
	slices.SortFunc(found, func(a, b finding) int {
		return cmp.Or(cmp.Compare(a.String(), b.String()), cmp.Compare(a.Rule, b.Rule))
	})
	return slices.Compact(found)
}

// about keeps the findings on the example's own objects: programs that take one heap of files judge its context too.
func (e *example) about(found []finding) []finding {
	own := map[string]bool{}
	for _, value := range e.values {
		own[shown(object(value))] = true
	}
	return unique(slices.DeleteFunc(found, func(f finding) bool { return !own[f.Object] }))
}

// lane is one consumer on its way through the examples. It may be used by several goroutines.
type lane struct {
	consumer, version                string
	objects, findings, disagreements atomic.Int64
}

// compare holds what the consumer found in an example against what kfs did.
func (l *lane) compare(t *testing.T, e *example, want, got []finding) {
	t.Helper()
	l.objects.Add(int64(len(e.values)))
	l.findings.Add(int64(len(got)))
	if diff := gocmp.Diff(lines(want), lines(got)); diff != "" {
		t.Errorf("%s: -kfs +other:\n%s", e.Path, diff)
	}
	for _, sides := range [][2][]finding{{want, got}, {got, want}} {
		for _, f := range sides[0] {
			if !slices.Contains(sides[1], f) {
				l.disagreements.Add(1)
			}
		}
	}
}

// done says what the lane did.
func (l *lane) done(t *testing.T) {
	t.Helper()
	tally.Add(t, tally.Row{
		Consumer: l.consumer, Version: l.version, Objects: int(l.objects.Load()), Findings: int(l.findings.Load()),
		Disagreements: int(l.disagreements.Load()),
	})
}

func lines(found []finding) []string {
	texts := make([]string, 0, len(found))
	for _, f := range found {
		texts = append(texts, f.String()+" "+f.Rule)
	}
	return texts
}

// details is the part of a result that lib.kfs.finding makes.
type details struct {
	Rule string `json:"rule"`
	Path []any  `json:"path"`
	Line int    `json:"line"`
}

// kfs holds what kfs finds against what the fixtures promise. Of applications testdata has the whole output.
func (s *suite) kfs(t *testing.T) {
	row := tally.Row{Consumer: "kfs check", Version: "v" + s.runner.Config.Version}
	for _, e := range s.examples {
		if e.Folder == "" {
			continue
		}
		whole, err := s.runner.Run(t.Context(), e.Fixture, engine.Options{})
		must(t, err)
		differences := fixture.Differences(e.Fixture, whole)
		for _, d := range differences {
			t.Errorf("%s: %s", e.Path, d)
		}
		row.Objects += len(e.objects)
		row.Findings += len(whole.Findings)
		row.Disagreements += len(differences)
	}
	tally.Add(t, row)
}

// gatekeeperVersion is that of the Gatekeeper which this test links.
func gatekeeperVersion(t *testing.T) string {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Version}}", "github.com/open-policy-agent/gatekeeper/v3").Output()
	must(t, err)
	return strings.TrimSpace(string(output))
}

func (s *suite) gatekeeper(t *testing.T) {
	l := &lane{consumer: "Gatekeeper client", version: gatekeeperVersion(t)}
	var templates [][]byte
	for _, file := range slices.Sorted(maps.Keys(s.generated)) {
		if path.Dir(file) == "constrainttemplates" && path.Base(file) != "kustomization.yaml" {
			templates = append(templates, s.generated[file])
		}
	}
	g, err := gatekeeper.New(t.Context(), templates...)
	must(t, err)
	if g.Templates() != len(s.runner.Library.Policies) {
		t.Fatalf("%d templates for %d policies", g.Templates(), len(s.runner.Library.Policies))
	}

	bySetup := slices.Clone(s.examples)
	slices.SortStableFunc(bySetup, func(a, b *example) int { return cmp.Compare(a.setup.name, b.setup.name) })
	var current *setup
	for _, e := range bySetup {
		if e.setup != current {
			must(t, g.SetConstraints(t.Context(), slices.Collect(maps.Values(e.setup.files))...))
			current = e.setup
		}
		judged := gatekeeper.Case{Inventory: slices.Concat(e.context, e.values), Now: e.Now}
		for _, value := range e.values {
			judged.Reviews = append(judged.Reviews, gatekeeper.Review{Object: value})
		}
		results, err := g.Judge(t.Context(), judged)
		if err != nil {
			t.Errorf("%s: %v", e.Path, err)
			continue
		}
		var got []finding
		for _, r := range results {
			got = append(got, finding{
				Object: shown(report.Object(r.Object)), Rule: r.Rule, Action: r.Action, Message: r.Message,
				Path: text(r.Path), TextLine: r.Line,
			})
		}
		l.compare(t, e, e.want, unique(got))
	}
	l.done(t)
}

// write puts files into a new folder and returns it.
func write(t *testing.T, files map[string][]byte) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range files {
		file := filepath.Join(folder, filepath.FromSlash(name))
		must(t, os.MkdirAll(filepath.Dir(file), 0o755))
		must(t, os.WriteFile(file, text, 0o644))
	}
	return folder
}

// stream writes objects as a stream of documents; JSON is YAML.
func stream(values []map[string]any) []byte {
	var out strings.Builder
	for _, value := range values {
		text, err := json.Marshal(value)
		if err != nil {
			panic(err) // what was read from JSON can be written
		}
		fmt.Fprintf(&out, "---\n%s\n", text)
	}
	return []byte(out.String())
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
