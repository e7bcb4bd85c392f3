package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"kyma-function-security/harness/internal/fixture"
	"kyma-function-security/harness/internal/gatorsuite"
	"kyma-function-security/harness/internal/suite"
	"kyma-function-security/policies"
)

func testCommand() command {
	return command{
		name:    "test",
		summary: "test the policies: lint, types, fixtures, Rego tests, coverage",
		usage:   "[--run TEXT] [--gator DIR] [FIXTURES]",
		help: `
Tests the policies that are compiled into this program: their form and annotations, their types against the schemas, the
fixtures in FIXTURES (default fixtures/), the Rego tests, and that both together cover every line of Rego.
A fixture's name says what it gives: allow-….yaml nothing, deny-….yaml exactly its "# want KFS-nnn", on those lines.

With --gator it tests nothing but writes the templates, the constraints and the fixtures into a new folder, as suites that hold
today:

  kfs test --gator dist/gator
  gator verify dist/gator/...`,
		flags: func(flags *pflag.FlagSet) func(environment, []string) (int, error) {
			only := flags.String("run", "", "only the fixtures and Rego tests whose path has `TEXT` in it; coverage isn't judged then")
			gator := flags.String("gator", "", "write the fixtures into `DIR`, for gator verify, instead of running them")
			return func(env environment, args []string) (int, error) {
				folder := "fixtures"
				switch len(args) {
				case 0:
				case 1:
					folder = args[0]
				default:
					return exitBroken, usageError{errors.New("test takes one folder")}
				}
				if info, err := os.Stat(folder); err != nil || !info.IsDir() {
					return exitBroken, fmt.Errorf("%s is no folder with fixtures", folder)
				}
				if *gator != "" {
					return writeSuites(env, folder, *only, *gator)
				}
				return test(env, folder, *only)
			}
		},
	}
}

func test(env environment, folder, only string) (int, error) {
	embedded, err := load()
	if err != nil {
		return exitBroken, err
	}
	results, err := suite.Run(env.ctx, suite.Input{
		Policies: fs.FS(policies.FS), Fixtures: os.DirFS(folder), Library: embedded.library,
		Schemas: embedded.schemas, Config: embedded.config, Only: only,
	})
	if err != nil {
		return exitBroken, err
	}
	failed := 0
	for _, r := range results {
		state := "ok  "
		if len(r.Failures) > 0 {
			state = "FAIL"
			failed++
		}
		fmt.Fprintf(env.stdout, "%s  %-10s %s\n", state, r.Name, r.Summary)
		for _, failure := range r.Failures {
			fmt.Fprintf(env.stdout, "      %s\n", strings.ReplaceAll(failure, "\n", "\n      "))
		}
	}
	fmt.Fprintf(env.stdout, "%d passed, %d failed\n", len(results)-failed, failed)
	if failed > 0 {
		return exitFindings, nil
	}
	return exitClean, nil
}

// writeSuites writes into a folder that must be new: gator would run the suites of an earlier time with the others.
func writeSuites(env environment, folder, only, target string) (int, error) {
	if _, err := os.Stat(target); !errors.Is(err, fs.ErrNotExist) {
		return exitBroken, fmt.Errorf("%s is there already; remove it, or name another", target)
	}
	embedded, err := load()
	if err != nil {
		return exitBroken, err
	}
	runner, err := fixture.NewRunner(env.ctx, os.DirFS(folder), embedded.library, embedded.schemas, embedded.config)
	if err != nil {
		return exitBroken, err
	}
	set, err := gatorsuite.Generate(env.ctx, runner, time.Now(), only)
	if err != nil {
		return exitBroken, err
	}
	cases := 0
	for _, names := range set.Cases {
		cases += len(names)
	}
	for _, name := range slices.Sorted(maps.Keys(set.Files)) {
		if err := writeFile(filepath.Join(target, filepath.FromSlash(name)), set.Files[name]); err != nil {
			return exitBroken, err
		}
	}
	fmt.Fprintf(env.stderr, "%d fixtures as %d cases of %d suites; run: gator verify %s/...\n",
		set.Fixtures, cases, len(set.Cases), filepath.ToSlash(target))
	return exitClean, nil
}
