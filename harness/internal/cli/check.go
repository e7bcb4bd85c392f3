package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"kyma-function-security/harness/internal/check"
	"kyma-function-security/harness/internal/constraint"
	"kyma-function-security/harness/internal/engine"
	"kyma-function-security/harness/internal/manifest"
	"kyma-function-security/harness/internal/mask"
	"kyma-function-security/harness/internal/policy"
	"kyma-function-security/harness/internal/report"
)

func checkCommand() command {
	return command{
		name:    "check",
		summary: "judge manifests, as files or piped in",
		usage:   "[flags] PATH… | -",
		help: `
PATH is a file, a directory (all .yaml, .yml and .json below it), or - for standard input. Lists and streams of documents are
taken apart. Rules that compare objects (who else exposes this Function, which NetworkPolicies select it) see all manifests
given, and only those: give an application whole, its Namespace included. While an object's Namespace isn't among them, rules
that depend on it are listed as undecided; --context complete says that what isn't given doesn't exist.

  kfs check my-manifests/
  kustomize build overlays/prod | kfs check --profile strict -
  kubectl get ns,functions,apirules,svc,sa,networkpolicies,… -A -o yaml | kfs check --context complete -
  kfs check --constraints cluster/constraints/ -o pretty -o json=report.json my-manifests/

Findings go to standard output, everything else to standard error.
Exit codes: 0 clean; 1 findings at or above --fail-on; 2 it could not run, or nothing was reviewed.`,
		flags: func(flags *pflag.FlagSet) func(environment, []string) (int, error) {
			var o checkFlags
			flags.StringVar(&o.profile, "profile", policy.Profiles[0], "baseline (what the facts demand of every team) or strict (no gap)")
			flags.StringVar(&o.flavor, "flavor", policy.Flavors[0],
				"of Kyma Serverless: classic (builds images, up to 1.11) or buildless (from 1.9, today's)")
			flags.StringVar(&o.constraints, "constraints", "",
				"`DIR`, file or - with the Gatekeeper Constraints that a cluster applies, instead of a profile's; KFS-001 to 005 keep --profile's actions")
			flags.StringVarP(&o.namespace, "namespace", "n", "default", "of objects that name none, as kubectl -n")
			flags.StringVar(&o.context, "context", "manifests",
				"manifests: what isn't given is unknown; complete: what isn't given doesn't exist")
			flags.BoolVar(&o.requireContext, "require-context", false, "fail if a rule is undecided")
			flags.StringVar(&o.failOn, "fail-on", "deny", "exit 1 on findings that deny, or that warn")
			flags.StringArrayVarP(&o.outputs, "output", "o", []string{"pretty"}, "`FORMAT[=FILE]`, repeatable: pretty or json")
			flags.StringVar(&o.now, "now", "", "the `TIME` (RFC 3339) at which dates are judged; default the clock's")
			flags.StringVar(&o.color, "color", "auto", "auto, always or never; NO_COLOR is honoured")
			return o.run
		},
	}
}

type checkFlags struct {
	profile, flavor, constraints, namespace, context, failOn, now, color string
	requireContext                                                       bool
	outputs                                                              []string
	parsed                                                               []report.Output
	instant                                                              time.Time
}

func (o *checkFlags) parse() error {
	for _, err := range []error{
		oneOf("profile", o.profile, policy.Profiles...),
		oneOf("flavor", o.flavor, policy.Flavors...),
		oneOf("context", o.context, "manifests", "complete"),
		oneOf("fail-on", o.failOn, "deny", "warn"),
		oneOf("color", o.color, "auto", "always", "never"),
	} {
		if err != nil {
			return err
		}
	}
	for _, value := range o.outputs {
		output, err := report.ParseOutput(value)
		if err != nil {
			return usageError{err}
		}
		o.parsed = append(o.parsed, output)
	}
	if o.now != "" {
		var err error
		if o.instant, err = check.Instant(o.now); err != nil {
			return usageError{fmt.Errorf("--now: %w", err)}
		}
	}
	return nil
}

func (o *checkFlags) run(env environment, args []string) (int, error) {
	if err := o.parse(); err != nil {
		return exitBroken, err
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400) // a short run with much garbage: a sixth faster, for some 100 MB more
	}
	if len(args) == 0 {
		return exitBroken, usageError{errors.New("nothing to check: name a file or a directory, or - for standard input")}
	}
	r, lines, err := o.judge(env, args)
	if err != nil {
		if errors.Is(err, context.Canceled) {
			return exitBroken, err
		}
		// The reader of a chosen format gets the error in that format.
		r = report.Report{SchemaVersion: report.SchemaVersion, Profile: o.profile, Flavor: o.flavor}
		var unreadable inputErrors
		var missing *fs.PathError
		switch {
		case errors.As(err, &unreadable):
			for _, e := range unreadable {
				r.Errors = append(r.Errors, report.Error{File: e.File, Line: e.Line, Message: e.Message})
			}
		case errors.As(err, &missing):
			r.Errors = []report.Error{{File: missing.Path, Message: missing.Err.Error()}}
		default:
			r.Errors = []report.Error{{Message: err.Error()}}
		}
	}
	if err := o.write(env, r, lines); err != nil {
		return exitBroken, err
	}
	return o.exitCode(r), nil
}

func (o *checkFlags) exitCode(r report.Report) int {
	switch {
	case len(r.Errors) > 0:
		return exitBroken
	case r.Summary.Deny > 0, o.failOn == "warn" && r.Summary.Warn > 0, o.requireContext && r.Summary.Undecided > 0:
		return exitFindings
	}
	return exitClean
}

func (o *checkFlags) judge(env environment, args []string) (report.Report, lineSource, error) {
	var none report.Report
	embedded, err := load()
	if err != nil {
		return none, nil, err
	}
	constraints, profile, err := o.configuration(env, embedded)
	if err != nil {
		return none, nil, err
	}
	found, err := manifest.Sources(args, env.stdin)
	if err != nil {
		return none, nil, err
	}
	input, err := manifest.Read(env.ctx, found, manifest.Options{})
	if err != nil {
		return none, nil, err
	}
	for _, skipped := range input.Skipped {
		fmt.Fprintf(env.stderr, "skipped %s\n", skipped)
	}
	for _, source := range found {
		if folder, name := filepath.Split(source.Name); source.Walked && slices.Contains(kustomizations, name) {
			fmt.Fprintf(env.stderr, "%s: patches here are judged as if they were whole objects; "+
				"what kustomize makes of them: kustomize build %s | kfs check -\n", source.Name, filepath.Clean(folder))
		}
	}
	progress := newProgress(env.stderr)
	defer progress.end()
	r, err := check.Run(env.ctx, embedded.library, embedded.schemas, input, check.Options{
		Profile: o.profile, Flavor: o.flavor, Constraints: constraints, Namespace: o.namespace,
		Engine:   engine.Options{Now: o.instant, Complete: o.context == "complete"},
		Progress: progress.step,
	})
	if err != nil {
		return none, nil, err
	}
	r.Profile = profile
	if r.Summary.Reviewed == 0 && len(r.Errors) == 0 {
		message := "no manifest in " + strings.Join(args, ", ")
		if message == "no manifest in -" {
			message = "no manifest on standard input"
		}
		if r.Summary.Objects > 0 {
			message = fmt.Sprintf("nothing was reviewed: none of %d objects is of a kind and in a namespace that a policy judges", r.Summary.Objects)
		}
		r.Errors = append(r.Errors, report.Error{Message: message})
	}
	m, err := mask.New(env.ctx, embedded.library)
	if err != nil {
		return none, nil, err
	}
	return r, func(file string, line int) (string, bool) {
		text, ok := input.Line(file, line)
		return text, ok && m.Text(text) == text
	}, nil
}

// kustomizations are the files that kustomize looks for.
var kustomizations = []string{"kustomization.yaml", "kustomization.yml"}

// configuration gives the constraints of the run, and the name of the profile they are.
func (o *checkFlags) configuration(env environment, embedded sources) ([]*constraint.Constraint, string, error) {
	if o.constraints == "" {
		constraints, err := constraint.Generate(embedded.library, embedded.config, o.profile, o.flavor)
		return constraints, o.profile, err
	}
	constraints, foreign, err := readConstraints(env, embedded.library, o.constraints)
	for _, kind := range foreign {
		fmt.Fprintf(env.stderr, "skipped %s: not a Constraint of this bundle\n", kind)
	}
	return constraints, "constraints", err
}

// readConstraints reads Gatekeeper Constraints from a file or folder. What is wrong with them is one error, inputErrors.
func readConstraints(env environment, lib *policy.Library, place string) ([]*constraint.Constraint, []string, error) {
	found, err := manifest.Sources([]string{place}, env.stdin)
	if err != nil {
		return nil, nil, fmt.Errorf("constraints: %w", err)
	}
	input, err := manifest.Read(env.ctx, found, manifest.Options{})
	if err != nil {
		return nil, nil, err
	}
	constraints, problems := constraint.Read(lib, input)
	switch {
	case len(problems.Errors) > 0:
		return nil, problems.Foreign, inputErrors(problems.Errors)
	case len(constraints) == 0:
		return nil, problems.Foreign, fmt.Errorf("constraints: none of this bundle's in %s", place)
	}
	return constraints, problems.Foreign, nil
}

// inputErrors are several places where an input can't be used.
type inputErrors []manifest.Error

func (all inputErrors) Error() string {
	lines := make([]string, len(all))
	for i, e := range all {
		lines[i] = fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Message)
	}
	return strings.Join(lines, "\n")
}

// lineSource gives the text of a line of an input file.
type lineSource = func(file string, line int) (string, bool)

func (o *checkFlags) write(env environment, r report.Report, lines lineSource) error {
	for _, output := range o.parsed {
		options := report.Options{SourceLine: lines, Color: output.File == "" && o.colored(env.stdout)}
		if err := output.Write(env.stdout, r, options); err != nil {
			return err
		}
	}
	return nil
}

func (o *checkFlags) colored(out io.Writer) bool {
	switch {
	case o.color != "auto":
		return o.color == "always"
	case os.Getenv("NO_COLOR") != "", os.Getenv("TERM") == "dumb":
		return false
	}
	return isTerminal(out)
}

func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// progress counts objects on a terminal, once the work has taken a second.
type progress struct {
	out     io.Writer
	shown   bool
	started time.Time
	done    atomic.Int64
	mutex   sync.Mutex
	last    time.Time
}

func newProgress(out io.Writer) *progress {
	return &progress{out: out, shown: isTerminal(out), started: time.Now()}
}

func (p *progress) step(total int) {
	done := p.done.Add(1)
	if !p.shown || time.Since(p.started) < time.Second || !p.mutex.TryLock() {
		return
	}
	defer p.mutex.Unlock()
	if time.Since(p.last) > 100*time.Millisecond {
		p.last = time.Now()
		fmt.Fprintf(p.out, "\rjudged %d of %d objects", done, total)
	}
}

func (p *progress) end() {
	if !p.last.IsZero() {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}
