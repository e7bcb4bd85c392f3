// Package gatorsuite writes fixtures as suites of `gator verify`: the templates, the constraints, each object with what is
// around it, and what kfs finds as the suites' assertions. It runs neither gator nor any policy itself but through package check.
//
// gator passes quietly where it shouldn't (Gatekeeper 3.23.1). What is done about it:
//
//   - its reader drops empty lines, and lines that begin with #, out of block scalars, and splits at every "\n---": objects are
//     JSON on one line;
//   - it reads the first document of a constraint's file and forgets the others: there is one constraint to a file;
//   - it gives an object that names no namespace none: objects carry theirs, as the API server stores them;
//   - it takes a misspelt assertion for `violations: yes`, a misspelt inventory for none, and passes a tree without suites: suites
//     are written from the types below, Cases says what must have run, and the end-to-end test counts it and breaks each field;
//   - a constraint that selects nothing, or has no action at gator, passes every "no": Rules says what each test must have seen;
//   - namespaceObject is {}: the Namespace is in the inventory, where policies look next;
//   - it has the inventory that it is given: that is only the kinds that the policy's rules declare, as in a cluster which syncs
//     no more, and so a missing declaration fails here;
//   - assertions know neither action, path nor line, and there is no request, only an object: `gator test` and the webhook are
//     held against kfs on those;
//   - its clock can't be set: the suites expect what kfs finds at the instant that they were written for.
package gatorsuite

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"gopkg.in/yaml.v3"

	"kyma-function-security/harness/internal/bundle"
	"kyma-function-security/harness/internal/check"
	"kyma-function-security/harness/internal/constraint"
	"kyma-function-security/harness/internal/engine"
	"kyma-function-security/harness/internal/fixture"
	"kyma-function-security/harness/internal/manifest"
	"kyma-function-security/harness/internal/policy"
	"kyma-function-security/harness/internal/report"
)

// Set is everything that gator needs, and what it must do with it.
type Set struct {
	Files    map[string][]byte   // by path
	Cases    map[string][]string // by the path of their suite, test and case as "test: case", in gator's order
	Rules    []string            // that at least one case violates, sorted
	Fixtures int                 // fixtures, and applications once for each profile
	Objects  int                 // their objects that at least one case judges
	Findings int                 // the violations that the cases expect
}

// The types below are the part of Gatekeeper's Suite (test.gatekeeper.sh/v1alpha1) that is used.

type suite struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Metadata   struct {
		Name string `yaml:"name"`
	} `yaml:"metadata"`
	Tests []*test `yaml:"tests"`
}

type test struct {
	Name       string  `yaml:"name"`
	Template   string  `yaml:"template"`
	Constraint string  `yaml:"constraint"`
	Invalid    bool    `yaml:"invalid,omitempty"`
	Cases      []*kase `yaml:"cases,omitempty"`

	given map[string]*kase // by what gator is given
}

type kase struct {
	Name       string      `yaml:"name"`
	Object     string      `yaml:"object"`
	Inventory  []string    `yaml:"inventory,omitempty"`
	Assertions []assertion `yaml:"assertions"`
}

type assertion struct {
	Violations any    `yaml:"violations"` // a number, or "no"
	Message    string `yaml:"message,omitempty"`
}

type generator struct {
	runner    *fixture.Runner
	generated map[string][]byte // bundle.Generate's files
	now       time.Time
	set       *Set
	suites    map[string]*suite // by policy
	tests     map[string]*test  // by the constraint's file
}

// Generate writes the fixtures of the runner's folder, and the applications under every profile, as suites that hold at the
// given instant. Only those are taken whose path has only in it; empty takes all.
func Generate(ctx context.Context, runner *fixture.Runner, now time.Time, only string) (*Set, error) {
	g := &generator{
		runner: runner, now: now, set: &Set{Files: map[string][]byte{}, Cases: map[string][]string{}},
		suites: map[string]*suite{}, tests: map[string]*test{},
	}
	var err error
	if g.generated, err = bundle.Generate(runner.Library, runner.Config, runner.Schemas); err != nil {
		return nil, err
	}
	fixtures, err := g.fixtures(only)
	if err != nil {
		return nil, err
	}
	judged := make([][]judgement, len(fixtures))
	var group errgroup.Group
	group.SetLimit(runtime.NumCPU())
	for i, f := range fixtures {
		group.Go(func() (err error) {
			if judged[i], err = g.judge(ctx, f); err != nil {
				return fmt.Errorf("%s: %w", f.Path, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for i, f := range fixtures {
		if err := g.write(f, judged[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Path, err)
		}
	}
	if g.set.Objects == 0 {
		return nil, errors.New("no fixture has an object that a constraint selects")
	}
	return g.set, g.finish()
}

func (g *generator) fixtures(only string) ([]fixture.Fixture, error) {
	fixtures, err := fixture.Load(g.runner.FS)
	if err != nil {
		return nil, err
	}
	apps, err := fixture.Applications(g.runner.FS)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(append(fixtures, apps...), func(f fixture.Fixture) bool { return !strings.Contains(f.Path, only) }), nil
}

// judgement is an object under one constraint that is for its kind.
type judgement struct {
	constraint *constraint.Constraint
	file       string // the constraint's
	text       []byte // and what is in it
	own        bool   // the fixture is about this policy, or all
	index      int    // of the object in its fixture
	object     *manifest.Object
	around     []*manifest.Object // what else is there
	findings   []report.Finding
}

// judge asks kfs. It gets one object at a time, as gator does, with all others around it.
func (g *generator) judge(ctx context.Context, f fixture.Fixture) ([]judgement, error) {
	constraints, err := g.runner.ConstraintsOf(ctx, f)
	if err != nil {
		return nil, err
	}
	files, texts, err := g.constraints(ctx, f, constraints)
	if err != nil {
		return nil, err
	}
	paths, around := []string{f.Path}, g.runner.Context
	if f.Folder == "" { // an application brings all that it needs
		around = nil
		if paths, err = fs.Glob(g.runner.FS, f.Path+"/*.yaml"); err != nil {
			return nil, err
		}
	}
	input, err := g.runner.Read(ctx, paths...)
	if err != nil {
		return nil, err
	}
	if len(input.Errors) > 0 {
		return nil, errors.New(input.Errors[0].Message)
	}
	// An object of the fixture replaces the context's of the same name.
	around = slices.DeleteFunc(slices.Clone(around), func(o *manifest.Object) bool {
		return slices.ContainsFunc(input.Objects, func(by *manifest.Object) bool { return g.identity(by) == g.identity(o) })
	})
	var judged []judgement
	for i, o := range input.Objects {
		others := slices.Concat(around, slices.Delete(slices.Clone(input.Objects), i, i+1))
		verdict := func(constraints ...*constraint.Constraint) ([]report.Finding, error) {
			r, err := check.Run(ctx, g.runner.Library, g.runner.Schemas, &manifest.Input{Objects: []*manifest.Object{o}}, check.Options{
				Profile: f.Profile, Flavor: f.Flavor, Constraints: constraints, Context: others,
				Program: g.runner.Program, Engine: engine.Options{Now: g.now},
			})
			switch {
			case err != nil:
			case len(r.Errors) > 0:
				err = errors.New(r.Errors[0].Message)
			case len(r.Undecided) > 0:
				err = fmt.Errorf("%s is undecided for %s", r.Undecided[0].Rule, r.Undecided[0].Object)
			}
			return r.Findings, err
		}
		all, err := verdict(constraints...)
		if err != nil {
			return nil, err
		}
		for _, c := range constraints {
			if !c.Matcher.MatchesKind(o.APIVersion(), o.Kind()) {
				continue
			}
			findings := all
			if shared(c, constraints) {
				if findings, err = verdict(c); err != nil {
					return nil, err
				}
			}
			j := judgement{constraint: c, file: files[c], text: texts[c], index: i, object: o, around: others}
			j.own = f.Folder == "" || f.Folder == c.Policy.Name
			for _, found := range findings {
				if found.Policy == c.Policy.Name && slices.Contains(c.Rules, found.Rule) {
					j.findings = append(j.findings, found)
				}
			}
			judged = append(judged, j)
		}
	}
	return worth(judged), nil
}

// worth leaves out most judgements in which a policy finds nothing in another's fixture. They are three quarters of what gator
// would do, because it compiles the template for each, and `gator test` judges them under all constraints at once. Every
// finding is kept, and of each object that would be left without a case the one that is compiled fastest.
func worth(judged []judgement) []judgement {
	kept := map[int]bool{}
	for _, j := range judged {
		kept[j.index] = kept[j.index] || j.keep()
	}
	cheapest := map[int]int{}
	for i, j := range judged {
		if best, ok := cheapest[j.index]; !ok || len(j.constraint.Policy.Source) < len(judged[best].constraint.Policy.Source) {
			cheapest[j.index] = i
		}
	}
	var worth []judgement
	for i, j := range judged {
		if j.keep() || !kept[j.index] && cheapest[j.index] == i {
			worth = append(worth, j)
		}
	}
	return worth
}

func (j judgement) keep() bool { return j.own || len(j.findings) > 0 }

// shared says whether another constraint of the same policy selects one of c's rules, so that a finding doesn't tell whose it is.
func shared(c *constraint.Constraint, constraints []*constraint.Constraint) bool {
	return slices.ContainsFunc(constraints, func(other *constraint.Constraint) bool {
		return other != c && other.Policy == c.Policy &&
			slices.ContainsFunc(other.Rules, func(id string) bool { return slices.Contains(c.Rules, id) })
	})
}

// constraints gives each constraint's file and what is in it: the bundle's own text, or of those that a fixture brings the
// document.
func (g *generator) constraints(ctx context.Context, f fixture.Fixture, constraints []*constraint.Constraint) (
	files map[*constraint.Constraint]string, texts map[*constraint.Constraint][]byte, err error,
) {
	type key struct{ kind, name string }
	own := map[key]*manifest.Object{}
	if f.Constraints != "" {
		input, err := g.runner.Read(ctx, path.Join(f.Folder, f.Constraints))
		if err != nil {
			return nil, nil, err
		}
		for _, o := range input.Objects {
			own[key{o.Kind(), o.Name()}] = o
		}
	}
	files, texts = map[*constraint.Constraint]string{}, map[*constraint.Constraint][]byte{}
	for _, c := range constraints {
		name := strings.TrimPrefix(c.Name, "kfs-") + ".yaml"
		if o := own[key{c.Policy.Kind, c.Name}]; o != nil {
			files[c] = path.Join("constraints", f.Folder, strings.TrimSuffix(f.Constraints, ".yaml"), c.Policy.Name+"-"+name)
			texts[c] = encode(o.Value)
			continue
		}
		folder := f.Profile + "-" + f.Flavor
		files[c] = path.Join("constraints", folder, name)
		if texts[c] = g.generated[path.Join("bundle/gatekeeper/constraints", folder, name)]; texts[c] == nil {
			return nil, nil, fmt.Errorf("the bundle has no constraint %s in %s", c.Name, folder)
		}
	}
	return files, texts, nil
}

// write adds a fixture's judgements to the suites of their policies.
func (g *generator) write(f fixture.Fixture, judged []judgement) error {
	g.set.Fixtures++
	objects := map[int]bool{}
	for _, j := range judged {
		objects[j.index] = true
		if err := g.add(f, j); err != nil {
			return err
		}
	}
	g.set.Objects += len(objects)
	return nil
}

func (g *generator) add(f fixture.Fixture, j judgement) error {
	p := j.constraint.Policy
	c := &kase{
		Name:   fmt.Sprintf("%s %d: %s", f.Path, j.index+1, g.identity(j.object)),
		Object: g.object(j.object), Assertions: assertions(j.findings),
	}
	kinds := reads(j.constraint)
	for _, o := range append(slices.Clone(j.around), j.object) {
		if kinds[o.Kind()] {
			c.Inventory = append(c.Inventory, g.object(o))
		}
	}

	s := g.suites[p.Name]
	if s == nil {
		s = &suite{APIVersion: "test.gatekeeper.sh/v1alpha1", Kind: "Suite"}
		s.Metadata.Name = strings.ReplaceAll(p.Name, "_", "-")
		g.suites[p.Name] = s
		template := "templates/" + p.Name + ".yaml"
		g.set.Files[template] = g.generated["constrainttemplates/"+p.Name+".yaml"]
		s.Tests = append(s.Tests, g.invalid(p))
	}
	t := g.tests[j.file]
	if t == nil {
		t = &test{
			Name:     strings.TrimSuffix(strings.TrimPrefix(j.file, "constraints/"), ".yaml"),
			Template: "../templates/" + p.Name + ".yaml", Constraint: "../" + j.file,
			given: map[string]*kase{},
		}
		g.tests[j.file] = t
		g.set.Files[j.file] = j.text
		s.Tests = append(s.Tests, t)
	}
	for _, found := range j.findings {
		if !slices.Contains(g.set.Rules, found.Rule) {
			g.set.Rules = append(g.set.Rules, found.Rule)
		}
	}
	g.set.Findings += len(j.findings)
	// Fixtures have objects in common, and gator compiles the template anew for each case.
	given := c.Object + "\n" + strings.Join(slices.Sorted(slices.Values(c.Inventory)), "\n")
	if same := t.given[given]; same != nil {
		if !slices.Equal(same.Assertions, c.Assertions) {
			return fmt.Errorf("%s gives %v, but in %s %v", c.Name, c.Assertions, same.Name, same.Assertions)
		}
		return nil
	}
	t.given[given] = c
	t.Cases = append(t.Cases, c)
	return nil
}

// reads are the kinds of the inventory that a constraint depends on.
func reads(c *constraint.Constraint) map[string]bool {
	kinds := map[string]bool{"Namespace": c.Matcher.NamespaceSelector != nil}
	for _, r := range c.Policy.Rules {
		for _, kind := range r.Inventory {
			kinds[kind] = kinds[kind] || slices.Contains(c.Rules, r.ID)
		}
	}
	return kinds
}

// invalid is a test that the template's schema refuses an empty list of rules, which would select all.
func (g *generator) invalid(p *policy.Policy) *test {
	file := "constraints/invalid/" + p.Name + ".yaml"
	g.set.Files[file] = encode(map[string]any{
		"apiVersion": "constraints.gatekeeper.sh/v1beta1", "kind": p.Kind, "metadata": map[string]any{"name": "invalid"},
		"spec": map[string]any{"parameters": map[string]any{"rules": []any{}}},
	})
	return &test{Name: "no rules", Template: "../templates/" + p.Name + ".yaml", Constraint: "../" + file, Invalid: true}
}

// object writes an object into a file of its own, under a name that tells what it is, and returns its path from a suite.
func (g *generator) object(o *manifest.Object) string {
	value := check.Placed(g.runner.Schemas, o, "default")
	text := encode(value)
	name := strings.ToLower(odd.ReplaceAllString(identify(value).String(), "-"))
	file := fmt.Sprintf("objects/%.60s-%.6x.json", name, sha256.Sum256(text))
	g.set.Files[file] = text
	return "../" + file
}

var odd = regexp.MustCompile(`[^A-Za-z0-9]+`)

func (g *generator) identity(o *manifest.Object) report.Object {
	return identify(check.Placed(g.runner.Schemas, o, "default"))
}

func identify(value map[string]any) report.Object {
	metadata, _ := value["metadata"].(map[string]any)
	text := func(m map[string]any, key string) string {
		s, _ := m[key].(string)
		return s
	}
	return report.Object{
		APIVersion: text(value, "apiVersion"), Kind: text(value, "kind"), Namespace: text(metadata, "namespace"), Name: text(metadata, "name"),
	}
}

// assertions are met by exactly these findings' messages and no other: one counts all, and one each message.
func assertions(findings []report.Finding) []assertion {
	if len(findings) == 0 {
		return []assertion{{Violations: "no"}}
	}
	counts := map[string]int{}
	for _, f := range findings {
		counts[f.Message]++
	}
	all := []assertion{{Violations: len(findings)}}
	for _, message := range slices.Sorted(maps.Keys(counts)) {
		all = append(all, assertion{Violations: counts[message], Message: "^" + regexp.QuoteMeta(message) + "$"})
	}
	return all
}

const head = `# Generated from fixtures by kfs test --gator, for gator verify. It expects what kfs finds at %s:
# gator's clock can't be set, and rules that go by date find something else later. A case asserts each message and how often
# it comes. gator verify can't assert a violation's action, path or line; gator test shows them.
`

// finish writes the suites.
func (g *generator) finish() error {
	slices.Sort(g.set.Rules)
	for _, name := range slices.Sorted(maps.Keys(g.suites)) {
		var out bytes.Buffer
		fmt.Fprintf(&out, head, g.now.UTC().Format(time.RFC3339))
		encoder := yaml.NewEncoder(&out)
		encoder.SetIndent(2)
		if err := encoder.Encode(g.suites[name]); err != nil {
			return fmt.Errorf("write the suite of %s: %w", name, err)
		}
		file := "suites/" + name + ".yaml"
		g.set.Files[file] = out.Bytes()
		for _, t := range g.suites[name].Tests {
			for _, c := range t.Cases {
				g.set.Cases[file] = append(g.set.Cases[file], t.Name+": "+c.Name)
			}
		}
	}
	return nil
}

// encode writes a value as JSON on one line that YAML 1.2 reads alike: YAML refuses some characters that JSON doesn't escape.
func encode(value any) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err) // what was read from JSON can be written
	}
	var escaped strings.Builder
	for _, r := range out.String() {
		if r >= 0x7f && r <= 0x9f || r >= 0xfeff && r < 0x10000 && (r == 0xfeff || r > 0xfffd) {
			fmt.Fprintf(&escaped, `\u%04x`, r)
			continue
		}
		escaped.WriteRune(r)
	}
	return []byte(escaped.String())
}
