// Package lint finds in the Rego what compiles and is yet wrong: what Gatekeeper refuses, what would pass silently, and what
// breaks the house's form. What the annotations lack is found by package policy, which can't read them otherwise.
package lint

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/format"
)

// Issue is one thing that is wrong.
type Issue struct {
	File string
	Line int
	Text string
}

func (i Issue) String() string { return fmt.Sprintf("%s:%d: %s", i.File, i.Line, i.Text) }

const widest = 120

// refused are builtins that a policy must not use: they reach outside, differ from run to run, or scan everything.
var refused = []string{"http.send", "net.lookup_ip_addr", "opa.runtime", "rand.intn", "uuid.rfc4122", "walk", "trace"}

// builtinNames are names whose shadowing turns a builtin into a variable without a word.
var builtinNames = []string{"input", "data", "object", "array", "time", "net", "regex", "json", "base64", "strings", "numbers", "units"}

// Run lints every Rego file below fsys, the root of the policies. The error is of reading, not of linting.
func Run(fsys fs.FS) ([]Issue, error) {
	var issues []Issue
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) != ".rego" {
			return err
		}
		source, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		found, err := file(name, source)
		issues = append(issues, found...)
		return err
	})
	return issues, err
}

func file(name string, source []byte) ([]Issue, error) {
	module, err := ast.ParseModuleWithOpts(name, string(source), ast.ParserOptions{RegoVersion: ast.RegoV1})
	if err != nil {
		return nil, fmt.Errorf("parse %s: %w", name, err)
	}
	l := &linter{name: name, names: map[string]string{}}
	l.form(source)
	l.packagePath(module)
	for _, builtin := range builtinNames {
		l.names[builtin] = "a builtin's name"
	}
	for _, imported := range module.Imports {
		target := imported.Path.Value.(ast.Ref).String()
		l.names[string(imported.Name())] = "an import"
		if !l.test() && !strings.HasPrefix(target, "data.lib.") {
			l.say(imported.Location, "import %s: Gatekeeper allows only data.lib", target)
		}
	}
	for _, rule := range module.Rules {
		l.names[string(rule.Head.Ref()[0].Value.(ast.Var))] = "a rule"
	}
	for _, rule := range module.Rules {
		l.rule(rule)
	}
	return l.issues, nil
}

type linter struct {
	name   string
	issues []Issue
	names  map[string]string // what a variable must not be called, and why
}

func (l *linter) say(at *ast.Location, format string, args ...any) {
	l.issues = append(l.issues, Issue{l.name, at.Row, fmt.Sprintf(format, args...)})
}

func (l *linter) test() bool { return strings.HasSuffix(l.name, "_test.rego") }

// templated says whether Gatekeeper runs the file.
func (l *linter) templated() bool { return !l.test() && !strings.HasPrefix(l.name, "kfs/") }

func (l *linter) form(source []byte) {
	formatted, err := format.SourceWithOpts(l.name, source, format.Opts{RegoVersion: ast.RegoV1})
	if err != nil || !bytes.Equal(formatted, source) {
		l.issues = append(l.issues, Issue{l.name, 1, "not in the form of opa fmt"})
	}
	for i, line := range strings.Split(string(source), "\n") {
		// A tab shows as four columns.
		if width := utf8.RuneCountInString(strings.ReplaceAll(line, "\t", "    ")); width > widest {
			l.issues = append(l.issues, Issue{l.name, i + 1, fmt.Sprintf("%d columns, more than %d", width, widest)})
		}
	}
}

func (l *linter) packagePath(module *ast.Module) {
	want := "data." + strings.ReplaceAll(path.Dir(l.name), "/", ".")
	if l.test() {
		want += "_test"
	}
	if got := module.Package.Path.String(); got != want {
		l.say(module.Package.Location, "package %s stands in folder %s", strings.TrimPrefix(got, "data."), path.Dir(l.name))
	}
}

func (l *linter) rule(rule *ast.Rule) {
	if l.test() {
		return
	}
	for _, argument := range rule.Head.Args {
		ast.WalkVars(argument, func(v ast.Var) bool {
			l.shadow(rule.Location, v)
			return false
		})
	}
	ast.WalkExprs(rule, func(expr *ast.Expr) bool {
		l.expression(expr)
		return false
	})
	ast.WalkRefs(rule, func(ref ast.Ref) bool {
		text := ref.String()
		if l.templated() && strings.HasPrefix(text, "data.") && !strings.HasPrefix(text, "data.inventory") &&
			!strings.HasPrefix(text, "data.lib.") {
			l.say(rule.Location, "%s: Gatekeeper allows only data.inventory and data.lib", text)
		}
		if slices.Contains(refused, text) {
			l.say(rule.Location, "%s is not allowed", text)
		}
		return false
	})
	ast.WalkTerms(rule, func(term *ast.Term) bool {
		// Seen with OPA 1.10, Gatekeeper 3.21's: it never ends and takes all memory.
		if call, ok := term.Value.(ast.Call); ok && call[0].String() == "split" && call[2].Equal(ast.InternedTerm("")) {
			l.say(term.Location, "split by nothing never ends with OPA 1.10: use regex.find_n")
		}
		return false
	})
}

func (l *linter) shadow(at *ast.Location, v ast.Var) {
	if why, taken := l.names[string(v)]; taken && !v.IsWildcard() {
		l.say(at, "variable %s shadows %s", v, why)
	}
}

func (l *linter) expression(expr *ast.Expr) {
	if expr.IsAssignment() {
		ast.WalkVars(expr.Operand(0), func(v ast.Var) bool {
			l.shadow(expr.Location, v)
			return false
		})
	}
	if some, ok := expr.Terms.(*ast.SomeDecl); ok {
		for _, symbol := range some.Symbols {
			declared := symbol
			if call, ok := symbol.Value.(ast.Call); ok { // some x, y in z
				for _, operand := range call[1 : len(call)-1] {
					ast.WalkVars(operand, func(v ast.Var) bool {
						l.shadow(expr.Location, v)
						return false
					})
				}
				continue
			}
			if v, ok := declared.Value.(ast.Var); ok {
				l.shadow(expr.Location, v)
			}
		}
	}
	if expr.Negated {
		l.negated(expr)
	}
}

// negated forbids what OPA evaluates before the `not`: an operand that is a call or a reference. Where that is undefined the
// whole rule is, not the negation, so that what is missing would pass.
func (l *linter) negated(expr *ast.Expr) {
	switch terms := expr.Terms.(type) {
	case *ast.Term:
		if ref, ok := terms.Value.(ast.Ref); ok {
			for _, step := range ref[1:] {
				l.operand(expr, step)
			}
		}
		if call, ok := terms.Value.(ast.Call); ok {
			for _, operand := range call[1:] {
				l.operand(expr, operand)
			}
		}
	case []*ast.Term:
		if expr.IsEquality() || expr.OperatorTerm().String() == "equal" {
			return // evaluated as a whole: undefined on either side is false
		}
		for _, operand := range terms[1:] {
			l.operand(expr, operand)
		}
	}
}

func (l *linter) operand(expr *ast.Expr, operand *ast.Term) {
	ast.WalkTerms(operand, func(term *ast.Term) bool {
		switch value := term.Value.(type) {
		case ast.Call:
			l.say(expr.Location, "not … %s: a call inside a negation; name the positive condition and negate the name", value)
			return true
		case ast.Ref:
			l.say(expr.Location, "not … %s: a reference inside a negation; bind it first where it can't be missing, or name the positive condition",
				value)
			return true
		case *ast.ArrayComprehension, *ast.SetComprehension, *ast.ObjectComprehension:
			return true // always defined
		}
		return false
	})
}
