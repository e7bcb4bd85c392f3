// Package cli is the command line: flags, help and exit codes. What commands do lives in the packages that they call.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/pflag"
)

// Exit codes of every command.
const (
	exitClean    = 0
	exitFindings = 1 // findings at or above --fail-on, or a test that failed
	exitBroken   = 2 // it could not run, or nothing was reviewed
)

// environment is what a command has of the outside.
type environment struct {
	ctx    context.Context
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
}

// command is one verb. run gets the flags parsed and the arguments that are left.
type command struct {
	name    string
	summary string
	usage   string // after "kfs NAME"
	help    string // what --help says between usage and flags
	flags   func(*pflag.FlagSet) func(environment, []string) (int, error)
}

func commands() []command {
	return []command{checkCommand(), testCommand(), listCommand(), explainCommand(), generateCommand(), bundleCommand(), versionCommand()}
}

// usageError is a mistake in the command line.
type usageError struct{ error }

// Main runs one command and gives the process's exit code. Findings go to stdout, all else to stderr.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	context.AfterFunc(ctx, stop)   // a second interrupt ends what didn't heed the first
	signal.Ignore(syscall.SIGPIPE) // a closed pipe is an error to report, not a silent death
	env := environment{ctx, stdin, stdout, stderr}
	if len(args) == 0 {
		fmt.Fprint(stderr, overview())
		return exitBroken
	}
	switch args[0] {
	case "help", "--help", "-h":
		if len(args) > 1 {
			args = []string{args[1], "--help"}
			break
		}
		fmt.Fprint(stdout, overview())
		return exitClean
	case "--version":
		args[0] = "version"
	}
	i := slices.IndexFunc(commands(), func(c command) bool { return c.name == args[0] })
	if i < 0 {
		fmt.Fprintf(stderr, "kfs: there is no command %q\n\n%s", args[0], overview())
		return exitBroken
	}
	code, err := commands()[i].execute(env, args[1:])
	switch {
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		fmt.Fprintln(stderr, "kfs: interrupted")
		return exitBroken
	case err != nil:
		fmt.Fprintf(stderr, "kfs: %v\n", err)
		if errors.As(err, &usageError{}) {
			fmt.Fprintf(stderr, "See: kfs %s --help\n", args[0])
		}
		return exitBroken
	}
	return code
}

func (c command) execute(env environment, args []string) (int, error) {
	flags := pflag.NewFlagSet(c.name, pflag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.SortFlags = false
	run := c.flags(flags)
	err := flags.Parse(args)
	if errors.Is(err, pflag.ErrHelp) {
		usage := strings.TrimSpace(c.name + " " + c.usage)
		fmt.Fprintf(env.stdout, "kfs %s: %s\n\nUsage:\n  kfs %s\n", c.name, c.summary, usage)
		if help := strings.Trim(c.help, "\n"); help != "" {
			fmt.Fprintf(env.stdout, "\n%s\n", help)
		}
		if flags.HasFlags() {
			fmt.Fprintf(env.stdout, "\nFlags:\n%s", flags.FlagUsages())
		}
		return exitClean, nil
	}
	if err != nil {
		return exitBroken, usageError{err}
	}
	flags.Visit(func(f *pflag.Flag) {
		if f.Value.String() == "" && err == nil { // a shell's variable that isn't set: what holds without the flag isn't what was meant
			err = usageError{fmt.Errorf("--%s is empty", f.Name)}
		}
	})
	if err != nil {
		return exitBroken, err
	}
	return run(env, flags.Args())
}

func overview() string {
	var text strings.Builder
	text.WriteString(`kfs checks Kyma Functions, and what is around them, against the facts that Kyma's "Function Security" page leaves to you.

Usage:
  kfs COMMAND [flags]

Commands:
`)
	for _, c := range commands() {
		fmt.Fprintf(&text, "  %-9s %s\n", c.name, c.summary)
	}
	text.WriteString(`
Start with:
  kfs check my-manifests/
  kubectl get functions,apirules -A -o yaml | kfs check -

Exit codes: 0 clean, 1 findings or failed tests, 2 it could not run or nothing was reviewed.
`)
	return text.String()
}

// oneOf is a flag's value that must be one of a few words.
func oneOf(name, value string, allowed ...string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return usageError{fmt.Errorf("--%s is %s, not %q", name, strings.Join(allowed, " or "), value)}
}
