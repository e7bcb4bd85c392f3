package e2e

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"kyma-function-security/harness/e2e/programs"
	"kyma-function-security/harness/internal/bundle"
	"kyma-function-security/harness/internal/manifest"
	"kyma-function-security/harness/internal/report"
	"kyma-function-security/policies"
)

// gator gets the templates, the constraints, the context and the fixture as files, in one process for each fixture, because
// everything it is given is one cluster. Its clock can't be set, so kfs judges at the real time too.
func (s *suite) gator(t *testing.T, name string) {
	program := build(t, name)
	folders := s.folders(t, s.gatekeeperFiles)
	l := &lane{consumer: "gator test", version: version(t, program)}
	each(t, s.examples, func(ctx context.Context, e *example) {
		name, _ := s.gatekeeperFiles(e)
		files := write(t, map[string][]byte{"context.yaml": stream(e.context), "placed.yaml": stream(e.values)})
		arguments := []string{"test", "-o", "json", "-f", folders[name], "-f", filepath.Join(files, "context.yaml")}
		if s.isPlaced(e) {
			arguments = append(arguments, "-f", filepath.Join(files, "placed.yaml"))
		} else {
			for _, file := range e.files {
				arguments = append(arguments, "-f", file)
			}
		}
		s.now(ctx, t, l, e, func() []finding {
			var results []struct {
				Msg               string
				EnforcementAction string
				Metadata          struct{ Details details }
				ViolatingObject   map[string]any
			}
			status := execute(ctx, t, program, &results, arguments...)
			var got []finding
			for _, r := range results {
				d := r.Metadata.Details
				got = append(got, finding{shown(object(r.ViolatingObject)), d.Rule, r.EnforcementAction, r.Msg, text(d.Path), d.Line})
			}
			denied := slices.ContainsFunc(got, func(f finding) bool { return f.Action == "deny" })
			if denied != (status == 1) {
				t.Errorf("%s: gator's exit status is %d", e.Path, status)
			}
			return e.about(got)
		})
	})
	l.done(t)
}

// adapted is a result of the adapter, as opa gives it and, with all but msg under metadata, conftest.
type adapted struct {
	Msg       string        `json:"msg"`
	Details   *details      `json:"details"`
	Object    report.Object `json:"object"`
	Undecided []string      `json:"undecided"`
}

// adapterResults are the adapter's two sets.
type adapterResults struct {
	Deny, Warn []adapted
}

// findings takes results of the adapter apart. One that is about no object is an error.
func (r adapterResults) findings() (found []finding, err error) {
	for action, results := range map[string][]adapted{"deny": r.Deny, "warn": r.Warn} {
		for _, a := range results {
			about := fmt.Sprintf(" (%s %s/%s)", a.Object.Kind, a.Object.Namespace, a.Object.Name)
			if a.Object.Namespace == "" {
				about = fmt.Sprintf(" (%s %s)", a.Object.Kind, a.Object.Name)
			}
			message, ok := strings.CutSuffix(a.Msg, about)
			if !ok {
				err = errors.Join(err, fmt.Errorf("%q doesn't end in %q", a.Msg, about))
			}
			switch {
			case len(a.Undecided) > 0:
				for _, rule := range a.Undecided {
					found = append(found, finding{Object: shown(a.Object), Rule: rule, Action: "undecided"})
				}
			case a.Details != nil:
				d := a.Details
				found = append(found, finding{shown(a.Object), d.Rule, action, message, text(d.Path), d.Line})
			default:
				err = errors.Join(err, errors.New(a.Msg))
			}
		}
	}
	return unique(found), err
}

// adapted gives the adapter's findings about an example's own objects.
func (e *example) adapted(t *testing.T, program string, results adapterResults) []finding {
	t.Helper()
	found, err := results.findings()
	if err != nil {
		t.Errorf("%s: %s: %v", e.Path, program, err)
	}
	return e.about(found)
}

// opa evaluates the adapter over the List of each fixture and its context. One process judges all fixtures of a setup: it
// takes most of its time to compile.
func (s *suite) opa(t *testing.T, name, remark string) {
	program := build(t, name)
	l := &lane{consumer: "opa eval", version: version(t, program) + remark}
	bySetup, bundles := map[string][]*example{}, map[string]string{}
	for _, e := range s.examples {
		bySetup[e.setup.name] = append(bySetup[e.setup.name], e)
	}
	for name, examples := range bySetup {
		bundles[name] = write(t, s.bundleFiles(examples[0]))
	}

	const query = `[{"name": name, "deny": deny, "warn": warn} |
		some name, input_ in data.examples
		deny := data.kfs.adapter.deny with input as input_ with time.now_ns as data.instants[name]
		warn := data.kfs.adapter.warn with input as input_ with time.now_ns as data.instants[name]
	]`
	each(t, slices.Sorted(maps.Keys(bySetup)), func(ctx context.Context, name string) {
		lists, instants, byPath := map[string]any{}, map[string]any{}, map[string]*example{}
		for _, e := range bySetup[name] {
			lists[e.Path], instants[e.Path], byPath[e.Path] = e.list(), e.Now.UnixNano(), e
		}
		data, err := json.Marshal(map[string]any{"examples": lists, "instants": instants})
		if err != nil {
			t.Error(err)
			return
		}
		folder := write(t, map[string][]byte{"examples.json": data})
		var output struct {
			Errors json.RawMessage
			Result []struct {
				Expressions []struct {
					Value []struct {
						Name string
						adapterResults
					}
				}
			}
		}
		execute(ctx, t, program, &output, "eval", "--format", "json", "--strict-builtin-errors",
			"-b", filepath.Join(bundles[name], "bundle.tar.gz"), "-d", filepath.Join(folder, "examples.json"), query)
		if len(output.Result) != 1 {
			t.Errorf("%s: opa gave %d results: %s", name, len(output.Result), output.Errors)
			return
		}
		results := output.Result[0].Expressions[0].Value
		if len(results) != len(lists) {
			t.Errorf("%s: opa judged %d of %d fixtures", name, len(results), len(lists))
		}
		for _, r := range results {
			e := byPath[r.Name]
			l.compare(t, e, e.want, e.adapted(t, "opa", r.adapterResults))
		}
	})
	l.done(t)

	t.Run("as documented", func(t *testing.T) {
		for _, e := range s.samples() {
			files := write(t, map[string][]byte{"list.yaml": stream([]map[string]any{e.list()})})
			s.now(t.Context(), t, l, e, func() []finding {
				var results adapterResults
				for name, into := range map[string]*[]adapted{"deny": &results.Deny, "warn": &results.Warn} {
					var output struct {
						Result []struct {
							Expressions []struct{ Value adapted }
						}
					}
					status := execute(t.Context(), t, program, &output, "eval", "--fail-defined", "-b", filepath.Join(bundles[e.setup.name], "bundle.tar.gz"),
						"-i", filepath.Join(files, "list.yaml"), "data.kfs.adapter."+name+"[_]")
					for _, r := range output.Result {
						*into = append(*into, r.Expressions[0].Value)
					}
					if (status != 0) != (len(*into) > 0) {
						t.Errorf("%s: %d results and status %d", e.Path, len(*into), status)
					}
				}
				return e.adapted(t, "opa", results)
			})
		}
	})
}

// outcome is what conftest prints of a file.
type outcome struct {
	Filename           string
	Failures, Warnings []struct {
		Msg      string
		Metadata struct {
			Details   *details
			Object    report.Object
			Undecided []string
		}
	}
}

func (o outcome) results() (r adapterResults) {
	for _, f := range o.Failures {
		r.Deny = append(r.Deny, adapted{f.Msg, f.Metadata.Details, f.Metadata.Object, f.Metadata.Undecided})
	}
	for _, w := range o.Warnings {
		r.Warn = append(r.Warn, adapted{w.Msg, w.Metadata.Details, w.Metadata.Object, w.Metadata.Undecided})
	}
	return r
}

// outcomes are by file.
type outcomes map[string]outcome

// of is what conftest says of a file. It must say something: of what it passes over it says nothing, as of what is allowed.
func (all outcomes) of(t *testing.T, file string) adapterResults {
	t.Helper()
	o, ok := all[file]
	if !ok {
		t.Errorf("conftest says nothing of %s", file)
	}
	return o.results()
}

// conftestJSON runs conftest test in a folder.
func conftestJSON(ctx context.Context, t *testing.T, dir, program string, args ...string) outcomes {
	t.Helper()
	var all []outcome
	status := executeIn(ctx, t, dir, program, &all, append([]string{"test", "--output", "json", "--show-builtin-errors"}, args...)...)
	byFile, denied := outcomes{}, false
	for _, o := range all {
		byFile[o.Filename] = o
		denied = denied || len(o.Failures) > 0
	}
	if denied != (status == 1) {
		t.Errorf("conftest's exit status is %d, and that it denies something %t", status, denied)
	}
	return byFile
}

// conftest judges each fixture three ways: each document alone, the List of all, and the files together.
func (s *suite) conftest(t *testing.T) {
	program := build(t, "conftest")
	folders := s.folders(t, s.conftestFiles)
	maps.Copy(folders, s.folders(t, s.instantFiles))
	groups := map[string][]*example{}
	for _, e := range s.examples {
		name, _ := s.instantFiles(e)
		groups[name] = append(groups[name], e)
	}
	policyFolder := t.TempDir()
	must(t, os.CopyFS(policyFolder, policies.FS))
	untested := write(t, s.runner.Library.Files())
	run := func(ctx context.Context, policyFolder, folder string, args ...string) outcomes {
		return conftestJSON(ctx, t, "", program, append([]string{"-p", policyFolder, "-p", folder}, args...)...)
	}
	names := slices.Sorted(maps.Keys(groups))

	t.Run("single", func(t *testing.T) {
		l := &lane{consumer: "conftest, each document", version: version(t, program)}
		each(t, names, func(ctx context.Context, name string) {
			var files []string
			for _, e := range groups[name] {
				files = append(files, e.files...)
			}
			byFile := run(ctx, untested, folders[name], files...)
			for _, e := range groups[name] {
				var all adapterResults
				for _, file := range e.files {
					of := byFile.of(t, file)
					all.Deny, all.Warn = append(all.Deny, of.Deny...), append(all.Warn, of.Warn...)
				}
				l.compare(t, e, e.separate, e.adapted(t, "conftest", all))
			}
		})
		l.done(t)
	})

	t.Run("list", func(t *testing.T) {
		l := &lane{consumer: "conftest, a List", version: version(t, program)}
		each(t, names, func(ctx context.Context, name string) {
			lists := map[string][]byte{}
			for i, e := range groups[name] {
				lists[fmt.Sprintf("%d.yaml", i)] = stream([]map[string]any{e.list()})
			}
			folder := write(t, lists)
			var files []string
			for i := range groups[name] {
				files = append(files, filepath.Join(folder, fmt.Sprintf("%d.yaml", i)))
			}
			byFile := run(ctx, untested, folders[name], files...)
			for i, e := range groups[name] {
				l.compare(t, e, e.want, e.adapted(t, "conftest", byFile.of(t, files[i])))
			}
		})
		l.done(t)
	})

	t.Run("combine", func(t *testing.T) {
		l := &lane{consumer: "conftest --combine", version: version(t, program)}
		each(t, s.examples, func(ctx context.Context, e *example) {
			folder := write(t, map[string][]byte{"context.yaml": stream(e.context)})
			chosen := untested // with their tests it takes twice the time
			if slices.Contains(s.samples(), e) {
				chosen = policyFolder
			}
			s.now(ctx, t, l, e, func() []finding {
				files := append([]string{"--combine"}, e.files...)
				if len(e.context) > 0 {
					files = append(files, filepath.Join(folder, "context.yaml"))
				}
				byFile := run(ctx, chosen, folders[e.setup.name], files...)
				return e.adapted(t, "conftest", byFile.of(t, "Combined"))
			})
		})
		l.done(t)
	})
}

// list is what kubectl prints for an example and its context.
func (e *example) list() map[string]any {
	items := []any{}
	for _, value := range slices.Concat(e.context, e.values) {
		items = append(items, value)
	}
	return map[string]any{"apiVersion": "v1", "kind": "List", "items": items}
}

// isPlaced says whether an object had to be given its namespace, which gator doesn't do.
func (s *suite) isPlaced(e *example) bool {
	for i, o := range e.objects {
		if object(o.Value) != object(e.values[i]) {
			return true
		}
	}
	return false
}

// samples are one fixture that is allowed and one that is denied.
func (s *suite) samples() (samples []*example) {
	for _, allow := range []bool{true, false} {
		i := slices.IndexFunc(s.examples, func(e *example) bool { return e.Allow() == allow })
		if i >= 0 {
			samples = append(samples, s.examples[i])
		}
	}
	return samples
}

// folders writes the files that some of the examples share once, by their name.
func (s *suite) folders(t *testing.T, files func(*example) (string, map[string][]byte)) map[string]string {
	t.Helper()
	folders := map[string]string{}
	for _, e := range s.examples {
		name, content := files(e)
		if _, written := folders[name]; !written {
			folders[name] = write(t, content)
		}
	}
	return folders
}

// gatekeeperFiles are the constraints that can match one of an example's objects, by their kinds, and their templates: gator
// compiles all it is given, once for each fixture, and that is most of what it does. The samples get everything.
func (s *suite) gatekeeperFiles(e *example) (string, map[string][]byte) {
	chosen := map[string]bool{}
	for _, c := range e.setup.constraints {
		if slices.Contains(s.samples(), e) || slices.ContainsFunc(e.objects, func(o *manifest.Object) bool {
			return c.Matcher.MatchesKind(o.APIVersion(), o.Kind())
		}) {
			chosen[c.Policy.Kind] = true
		}
	}
	files := map[string][]byte{}
	for file, kinds := range e.setup.kinds {
		if slices.ContainsFunc(kinds, func(kind string) bool { return chosen[kind] }) {
			files["constraints/"+file] = e.setup.files[file]
			for _, kind := range kinds {
				chosen[kind] = true
			}
		}
	}
	for _, p := range s.runner.Library.Policies {
		if chosen[p.Kind] {
			files["templates/"+p.Name+".yaml"] = s.generated["constrainttemplates/"+p.Name+".yaml"]
		}
	}
	return fmt.Sprint(e.setup.name, slices.Sorted(maps.Keys(files))), files
}

// bundleFiles is the OPA bundle with a setup's constraints.
func (s *suite) bundleFiles(e *example) map[string][]byte {
	_, adapter := s.conftestFiles(e)
	archive, err := bundle.OPA(s.runner.Library, s.runner.Config, adapter)
	if err != nil {
		panic(err)
	}
	return map[string][]byte{"bundle.tar.gz": archive}
}

// conftestFiles is what conftest gets beside the policies.
func (s *suite) conftestFiles(e *example) (string, map[string][]byte) {
	generated, err := bundle.Conftest(s.runner.Library, s.runner.Schemas, e.setup.constraints, e.setup.profile, e.setup.flavor)
	if err != nil {
		panic(err)
	}
	return e.setup.name, generated
}

// instantFiles is the same at the fixture's time. conftest's clock can't be set, but package main can replace time.now_ns.
func (s *suite) instantFiles(e *example) (string, map[string][]byte) {
	name, generated := s.conftestFiles(e)
	instant := fmt.Sprintf(" with time.now_ns as %d\n", e.Now.UnixNano())
	main := string(generated["main.rego"])
	for _, rule := range []string{"data.kfs.adapter.deny", "data.kfs.adapter.warn"} {
		main = strings.Replace(main, rule+"\n", rule+instant, 1)
	}
	if strings.Count(main, instant) != 2 {
		panic("the generated main.rego isn't what this expects:\n" + main)
	}
	generated["main.rego"] = []byte(main)
	return name + " " + e.Now.Format(time.RFC3339), generated
}

// version is the release that a program was built from.
func version(t *testing.T, program string) string {
	t.Helper()
	info, err := buildinfo.ReadFile(program)
	must(t, err)
	return info.Main.Version
}

func build(t *testing.T, name string) string {
	t.Helper()
	program, err := programs.Build(t.Context(), name)
	must(t, err)
	return program
}

// each calls judge for every item, a few at a time.
func each[T any](t *testing.T, items []T, judge func(context.Context, T)) {
	t.Helper()
	var group errgroup.Group
	group.SetLimit(runtime.NumCPU())
	for _, item := range items {
		group.Go(func() error {
			judge(t.Context(), item)
			return nil
		})
	}
	must(t, group.Wait())
}

// execute runs a program that prints JSON and returns its exit status. Anything on stderr fails the test.
func execute(ctx context.Context, t *testing.T, program string, into any, args ...string) int {
	t.Helper()
	return executeIn(ctx, t, "", program, into, args...)
}

func executeIn(ctx context.Context, t *testing.T, dir, program string, into any, args ...string) int {
	t.Helper()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "NO_COLOR=1")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || stderr.Len() > 0 {
		t.Errorf("%s: %v\n%s", cmd, err, stderr.Bytes())
		return -1
	}
	decoder := json.NewDecoder(&stdout)
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		t.Errorf("%s: %v", cmd, err)
	}
	return cmd.ProcessState.ExitCode()
}
