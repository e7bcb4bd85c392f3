package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"kyma-function-security/harness/internal/suite"
	"kyma-function-security/policies"
)

func testCommand() command {
	return command{
		name:    "test",
		summary: "test the policies: lint, types, fixtures, Rego tests, coverage",
		usage:   "[--run TEXT] [FIXTURES]",
		help: `
Tests the policies that are compiled into this program: their form and annotations, their types against the schemas, the
fixtures in FIXTURES (default fixtures/), the Rego tests, and that both together cover every line of Rego.
A fixture's name says what it gives: allow-….yaml nothing, deny-….yaml exactly its "# want KFS-nnn", on those lines.`,
		flags: func(flags *pflag.FlagSet) func(environment, []string) (int, error) {
			only := flags.String("run", "", "only the fixtures and Rego tests whose path has `TEXT` in it; coverage isn't judged then")
			return func(env environment, args []string) (int, error) {
				folder := "fixtures"
				switch len(args) {
				case 0:
				case 1:
					folder = args[0]
				default:
					return exitBroken, usageError{errors.New("test takes one folder")}
				}
				return test(env, folder, *only)
			}
		},
	}
}

func test(env environment, folder, only string) (int, error) {
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return exitBroken, fmt.Errorf("%s is no folder with fixtures", folder)
	}
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
