package e2e

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"kyma-function-security/harness/e2e/tally"
	"kyma-function-security/harness/internal/gatorsuite"
)

// gatorVerify has gator run the suites that are generated from the fixtures, as of now because its clock can't be set.
func (s *suite) gatorVerify(t *testing.T) {
	program := build(t, "gator")
	set, err := gatorsuite.Generate(t.Context(), s.runner, time.Now(), "")
	must(t, err)
	if set.Fixtures != len(s.examples) {
		t.Errorf("%d fixtures are in the suites, want %d", set.Fixtures, len(s.examples))
	}
	for _, p := range s.runner.Library.Policies {
		for _, r := range p.Rules {
			if !slices.Contains(set.Rules, r.ID) {
				t.Errorf("%s is found in no suite: what never says yes would pass", r.ID)
			}
		}
	}
	failed := verifyAll(t, program, set)
	if len(failed) > 0 { // it may have become midnight; if not, once is enough
		later, err := gatorsuite.Generate(t.Context(), s.runner, time.Now(), "")
		must(t, err)
		same := func(a, b []byte) bool { return bytes.Equal(belowHead(a), belowHead(b)) }
		if !maps.EqualFunc(set.Files, later.Files, same) {
			set, failed = later, verifyAll(t, program, later)
		}
	}
	cases := 0
	for _, names := range set.Cases {
		cases += len(names)
	}
	for _, failure := range failed {
		t.Error(failure)
	}
	t.Logf("%d cases of %d suites", cases, len(set.Cases))
	tally.Add(t, tally.Row{
		Consumer: "gator verify", Version: version(t, program), Objects: set.Objects, Findings: set.Findings, Disagreements: len(failed),
	})
}

// belowHead is a file without the comments that it begins with: a suite's say when it was written.
func belowHead(text []byte) []byte {
	for bytes.HasPrefix(text, []byte("#")) {
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	return text
}

// verifyAll runs every suite of a set, the longest first, and says what went wrong.
func verifyAll(t *testing.T, program string, set *gatorsuite.Set) []string {
	t.Helper()
	folder := write(t, set.Files)
	var mu sync.Mutex
	var failed []string
	suites := slices.SortedFunc(maps.Keys(set.Cases), func(a, b string) int {
		return cmp.Compare(len(set.Cases[b])*len(set.Files[path.Join("templates", path.Base(b))]),
			len(set.Cases[a])*len(set.Files[path.Join("templates", path.Base(a))]))
	})
	each(t, suites, func(ctx context.Context, name string) {
		v := verify(ctx, program, "-v", filepath.Join(folder, name))
		mu.Lock()
		defer mu.Unlock()
		failed = append(failed, v.failed...)
		if diff := gocmp.Diff(set.Cases[name], v.run); diff != "" {
			failed = append(failed, name+": cases -written +run:\n"+diff)
		}
		if ok := len(v.failed) == 0; ok != (v.err == nil) || v.stderr != "" && ok {
			failed = append(failed, name+": "+v.output+v.stderr)
		}
	})
	return failed
}

// verdict is what a run of gator said.
type verdict struct {
	run            []string // the cases that ran, as gatorsuite.Set.Cases
	failed         []string // tests and cases, each with the reason
	output, stderr string
	err            error // of a bad exit status too
}

// verify runs gator verify.
func verify(ctx context.Context, program string, args ...string) verdict {
	cmd := exec.CommandContext(ctx, program, append([]string{"verify"}, args...)...)
	// It compiles a template for each case and throws it away: collecting that garbage is a quarter of the time.
	cmd.Env = append(os.Environ(), "GOGC=800")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	v := verdict{err: cmd.Run()}
	v.output, v.stderr = stdout.String(), stderr.String()

	test := ""
	lines := strings.Split(v.output, "\n")
	for i, line := range lines {
		mark, name, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch {
		case strings.HasPrefix(line, "=== RUN"):
			test = strings.TrimSpace(strings.TrimPrefix(line, "=== RUN"))
		case strings.HasPrefix(line, "    === RUN"):
			v.run = append(v.run, test+": "+strings.TrimSpace(strings.TrimPrefix(line, "    === RUN")))
		case mark == "--- FAIL":
			reason := ""
			if i+1 < len(lines) {
				reason = strings.TrimSpace(lines[i+1])
			}
			name, _, _ := strings.Cut(name, "\t")
			if name != test || len(v.failed) == 0 || !strings.HasPrefix(v.failed[len(v.failed)-1], test+": ") {
				v.failed = append(v.failed, test+": "+name+": "+reason)
			}
		}
	}
	return v
}

// gatorSees breaks one thing of a suite at a time. gator must fail, or its passing would mean nothing.
func (s *suite) gatorSees(t *testing.T) {
	program := build(t, "gator")
	set, err := gatorsuite.Generate(t.Context(), s.runner, time.Now(), "pod_security_level/")
	must(t, err)
	const file = "suites/pod_security_level.yaml"
	type (
		assertion struct {
			Violations any    `json:"violations"`
			Message    string `json:"message,omitempty"`
		}
		kase struct {
			Name       string      `json:"name"`
			Object     string      `json:"object"`
			Inventory  []string    `json:"inventory,omitempty"`
			Assertions []assertion `json:"assertions"`
		}
		test struct {
			Name       string `json:"name"`
			Template   string `json:"template"`
			Constraint string `json:"constraint"`
			Invalid    bool   `json:"invalid,omitempty"`
			Cases      []kase `json:"cases,omitempty"`
		}
	)
	type suite struct {
		APIVersion string         `json:"apiVersion"`
		Kind       string         `json:"kind"`
		Metadata   map[string]any `json:"metadata"`
		Tests      []test         `json:"tests"`
	}
	read := func() (whole suite) {
		must(t, yaml.UnmarshalStrict(set.Files[file], &whole))
		return whole
	}
	// one is the suite with only the first case that is wanted.
	one := func(wanted func(kase) bool) (suite, *kase) {
		whole := read()
		for _, from := range whole.Tests {
			if i := slices.IndexFunc(from.Cases, wanted); i >= 0 {
				from.Cases = from.Cases[i : i+1]
				whole.Tests = []test{from}
				return whole, &whole.Tests[0].Cases[0]
			}
		}
		t.Fatal("no case is as wanted")
		return whole, nil
	}
	violates := func(c kase) bool { return len(c.Assertions) > 1 }
	// Without the Namespace that such a case is given, a Function has no Pod Security level.
	compliant := func(c kase) bool {
		return len(c.Assertions) == 1 && len(c.Inventory) > 0 && strings.Contains(c.Object, "function")
	}
	for name, breakIt := range map[string]func() suite{
		"": func() suite {
			whole, _ := one(violates)
			return whole
		},
		"another number": func() suite {
			whole, c := one(violates)
			c.Assertions = []assertion{{Violations: c.Assertions[0].Violations.(float64) + 1}}
			return whole
		},
		"another number of a message": func() suite {
			whole, c := one(violates)
			c.Assertions = []assertion{{Violations: c.Assertions[1].Violations.(float64) + 1, Message: c.Assertions[1].Message}}
			return whole
		},
		"another message": func() suite {
			whole, c := one(violates)
			c.Assertions[1].Message = strings.Replace(c.Assertions[1].Message, "^KFS-", "^KFS-9", 1)
			return whole
		},
		"the end of the message": func() suite {
			whole, c := one(violates)
			c.Assertions[1].Message = strings.TrimSuffix(c.Assertions[1].Message, "$") + "x$"
			return whole
		},
		"none": func() suite {
			whole, c := one(violates)
			c.Assertions = []assertion{{Violations: "no"}}
			return whole
		},
		"an object that is fine": func() suite {
			_, fine := one(compliant)
			whole, c := one(violates)
			c.Object, c.Inventory = fine.Object, fine.Inventory
			return whole
		},
		"no inventory": func() suite {
			whole, c := one(compliant)
			c.Inventory = nil
			return whole
		},
		"no assertion": func() suite {
			whole, c := one(violates)
			c.Assertions = nil
			return whole
		},
		"no object": func() suite {
			whole, c := one(violates)
			c.Object += ".gone"
			return whole
		},
		"a valid constraint": func() suite {
			whole := read()
			whole.Tests = whole.Tests[:1]
			whole.Tests[0].Constraint = read().Tests[1].Constraint
			return whole
		},
	} {
		t.Run(cmp.Or(name, "whole"), func(t *testing.T) {
			files := maps.Clone(set.Files)
			text, err := json.Marshal(breakIt())
			must(t, err)
			files[file] = text
			v := verify(t.Context(), program, "-v", filepath.Join(write(t, files), file))
			var exit *exec.ExitError
			if broken := name != ""; broken != (len(v.failed) == 1) || broken != errors.As(v.err, &exit) {
				t.Errorf("%v, failed %v:\n%s%s", v.err, v.failed, v.output, v.stderr)
			}
		})
	}
}
