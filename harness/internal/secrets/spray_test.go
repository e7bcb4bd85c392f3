package secrets

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"kyma-function-security/bundle"
	"kyma-function-security/harness/internal/check"
	"kyma-function-security/harness/internal/constraint"
	"kyma-function-security/harness/internal/engine"
	"kyma-function-security/harness/internal/fixture"
	"kyma-function-security/harness/internal/manifest"
	"kyma-function-security/harness/internal/mask"
	"kyma-function-security/harness/internal/policy"
	"kyma-function-security/harness/internal/report"
	"kyma-function-security/harness/internal/schema"
	"kyma-function-security/policies"
)

// spot is a text in an object, or a key, where a secret can be written by mistake.
type spot struct {
	path  []any
	isKey bool
}

// spots are those of a value but for what says which object it is: every program repeats that.
func spots(v any, at []any) (all []spot) {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			path := append(slices.Clone(at), key)
			switch report.Path(path) {
			case "apiVersion", "kind", "metadata.name", "metadata.namespace":
			default:
				all = append(append(all, spot{path, true}), spots(v[key], path)...)
			}
		}
	case []any:
		for i := range v {
			all = append(all, spots(v[i], append(slices.Clone(at), i))...)
		}
	case string:
		all = append(all, spot{at, false})
	}
	return all
}

// changed is a copy of a value with another text at a spot.
func changed(v any, s spot, text func(string) string) any {
	if len(s.path) == 0 {
		return text(v.(string))
	}
	switch v := v.(type) {
	case map[string]any:
		with, key := maps.Clone(v), s.path[0].(string)
		if len(s.path) == 1 && s.isKey {
			delete(with, key)
			with[text(key)] = v[key]
			return with
		}
		with[key] = changed(v[key], spot{s.path[1:], s.isKey}, text)
		return with
	case []any:
		with, i := slices.Clone(v), s.path[0].(int)
		with[i] = changed(v[i], spot{s.path[1:], s.isKey}, text)
		return with
	}
	return v
}

// awkward are passwords that no URL may have as they are; people write them nevertheless.
func (r Random) awkward() (plants []Plant) {
	for _, sign := range []string{"@", "/", "?", "#", ":", "%", "&", "+", "$", "!", "'", `"`, `\`, "é", "=", ",", ";"} {
		one, other := r.Of(9, Alnum), r.Of(9, Alnum)
		plants = append(plants, Plant{"password with " + sign, "https://orders:" + one + sign + other + "@host.shop.dev/orders", []string{one, other}})
	}
	return plants
}

// forms are how a secret gets into a text.
var forms = []func(was, secret string) string{
	func(_, secret string) string { return secret },
	func(was, secret string) string { return was + "/" + secret },
	func(was, secret string) string { return secret + "/" + was },
	func(was, secret string) string { return was + " " + secret + "\n" + was },
	func(was, secret string) string { return "https://" + secret + "@" + was },
	func(was, secret string) string { return "https://orders:" + secret + "@" + was },
	func(was, secret string) string { return was + "?access_token=" + secret },
	func(was, secret string) string { return "https://" + was + "/?a=b&code=" + secret },
}

// Whatever rule reads whatever field, its message repeats no credential that is written there. The fields are those of the
// fixtures, which deny and nearly deny by every rule; names of objects are left out.
func TestNoMessageRepeats(t *testing.T) {
	s := newSpray(t)
	fixtures, err := fixture.Load(s.runner.FS)
	if err != nil {
		t.Fatal(err)
	}
	type job struct {
		fixture fixture.Fixture
		object  int
		spot    spot
	}
	var jobs []job
	seen := map[string]bool{}
	for _, f := range fixtures {
		input, err := s.runner.Read(t.Context(), f.Path)
		if err != nil {
			t.Fatal(err)
		}
		for i, o := range input.Objects {
			for _, spot := range spots(o.Value, nil) {
				// One of a rule's deny and one of its allow fixtures, for every field.
				name := fmt.Sprint(f.Folder, f.Allow(), o.Kind(), spot.isKey)
				for _, step := range spot.path {
					if key, ok := step.(string); ok {
						name += "/" + key
					}
				}
				if !seen[name] {
					seen[name] = true
					jobs = append(jobs, job{f, i, spot})
				}
			}
		}
	}
	r := NewRandom()
	all := len(jobs)
	if os.Getenv("KFS_SPRAY") != "all" { // that takes minutes
		r.Shuffle(len(jobs), func(i, j int) { jobs[i], jobs[j] = jobs[j], jobs[i] })
		jobs = jobs[:min(len(jobs), 600)]
	}
	plants := append(r.ByShape(), r.awkward()...)
	watch := NewWatch(plants...)
	var group errgroup.Group
	group.SetLimit(2)
	var mutex sync.Mutex
	leaks := map[string]int{}
	for _, j := range jobs {
		p, form := plants[r.IntN(len(plants))], forms[r.IntN(len(forms))]
		group.Go(func() error {
			output := s.judged(t, j.fixture, j.object, j.spot, func(was string) string { return form(was, p.Text) })
			mutex.Lock()
			defer mutex.Unlock()
			for _, leak := range watch.In(output) {
				if leaks[leak]++; leaks[leak] == 1 {
					t.Errorf("%s: %s (key: %v): %s", j.fixture.Path, report.Path(j.spot.path), j.spot.isKey, leak)
				}
			}
			return nil
		})
	}
	_ = group.Wait()
	t.Logf("%d of %d fields", len(jobs), all)
}

// spray judges fixtures with a secret in them.
type spray struct {
	runner *fixture.Runner
	mask   *mask.Mask
}

func newSpray(t *testing.T) *spray {
	t.Helper()
	library, err := policy.Load(policies.FS)
	if err != nil {
		t.Fatal(err)
	}
	config, err := constraint.ReadConfig(bundle.Config)
	if err != nil {
		t.Fatal(err)
	}
	fixtures := os.DirFS(filepath.Join("..", "..", "..", "fixtures"))
	s := &spray{}
	if s.runner, err = fixture.NewRunner(t.Context(), fixtures, library, schema.Load(), config); err != nil {
		t.Fatal(err)
	}
	if s.mask, err = mask.New(t.Context(), library); err != nil {
		t.Fatal(err)
	}
	return s
}

// judged is everything that kfs prints about a fixture with another text in one of its objects.
func (s *spray) judged(t *testing.T, f fixture.Fixture, at int, where spot, text func(string) string) string {
	constraints, err := s.runner.ConstraintsOf(t.Context(), f)
	if err != nil {
		t.Error(err)
		return ""
	}
	read, err := s.runner.Read(t.Context(), f.Path)
	if err != nil {
		t.Error(err)
		return ""
	}
	var stream bytes.Buffer
	for i, o := range read.Objects {
		value := any(o.Value)
		if i == at {
			value = changed(value, where, text)
		}
		encoder := json.NewEncoder(&stream)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(value); err != nil {
			t.Error(err)
		}
	}
	source := manifest.Source{Name: "manifest.yaml", Open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(stream.Bytes())), nil
	}}
	input, err := manifest.Read(context.Background(), []manifest.Source{source}, manifest.Options{})
	if err != nil {
		t.Error(err)
		return ""
	}
	r, err := check.Run(context.Background(), s.runner.Library, s.runner.Schemas, input, check.Options{
		Profile: f.Profile, Flavor: f.Flavor, Constraints: constraints, Context: s.runner.Context, Program: s.runner.Program,
		Engine: engine.Options{Now: f.Now, Strict: true},
	})
	if err != nil {
		t.Error(err)
	}
	for _, e := range r.Errors {
		t.Errorf("%s: %s (key: %v): %s", f.Path, report.Path(where.path), where.isKey, e.Message)
	}
	lines := strings.Split(stream.String(), "\n")
	options := report.Options{SourceLine: func(_ string, line int) (string, bool) {
		return lines[line-1], s.mask.Text(lines[line-1]) == lines[line-1]
	}}
	var output bytes.Buffer
	for _, format := range report.Formats() {
		if err := report.Renderers(options)[format](&output, r); err != nil {
			t.Error(err)
		}
	}
	return output.String()
}
