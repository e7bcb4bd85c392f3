package secrets

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
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
		spot    Spot
	}
	var jobs []job
	seen := map[string]bool{}
	for _, f := range fixtures {
		input, err := s.runner.Read(t.Context(), f.Path)
		if err != nil {
			t.Fatal(err)
		}
		for i, o := range input.Objects {
			for _, spot := range Spots(o.Value) {
				// One of a rule's deny and one of its allow fixtures, for every field.
				name := fmt.Sprint(f.Folder, f.Allow(), o.Kind(), spot.IsKey)
				for _, step := range spot.Path {
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
	plants := append(r.ByShape(), r.Awkward()...)
	watch := NewWatch(plants...)
	var group errgroup.Group
	group.SetLimit(2)
	var mutex sync.Mutex
	leaks := map[string]int{}
	for _, j := range jobs {
		p, form := plants[r.IntN(len(plants))], Forms[r.IntN(len(Forms))]
		group.Go(func() error {
			output := s.judged(t, j.fixture, j.object, j.spot, func(was string) string { return form(was, p.Text) })
			mutex.Lock()
			defer mutex.Unlock()
			for _, leak := range watch.In(output) {
				if leaks[leak]++; leaks[leak] == 1 {
					t.Errorf("%s: %s (key: %v): %s", j.fixture.Path, report.Path(j.spot.Path), j.spot.IsKey, leak)
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
func (s *spray) judged(t *testing.T, f fixture.Fixture, at int, where Spot, text func(string) string) string {
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
		value := o.Value
		if i == at {
			value = where.Change(value, text)
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
		t.Errorf("%s: %s (key: %v): %s", f.Path, report.Path(where.Path), where.IsKey, e.Message)
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
