package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/topdown"
	"golang.org/x/sync/errgroup"

	"kyma-function-security/harness/internal/policy"
)

// memoKey is where input carries the memo. It is input rather than data, because a store holds JSON only, while these rules
// give sets and objects with composite keys.
const memoKey = "memo"

// memoised is a rule that depends on the inventory but not on input.
type memoised struct {
	pkg  string // data.kyma.jwt_binding
	rule string
}

func (m memoised) ref() ast.Ref {
	return ast.Ref{
		ast.NewTerm(ast.InputRootDocument.Value), ast.InternedTerm(memoKey), ast.StringTerm(m.pkg), ast.StringTerm(m.rule),
	}
}

// memoise finds the rules that aggregate the inventory without looking at input, and makes every other rule of their module
// read the memo instead: with 1,000 peers each review would else aggregate 1,000 peers. The rules themselves stay, so that
// evaluate can ask for them. Gatekeeper, which runs the modules as they are, pays the aggregation once a review.
func memoise(modules map[string]*ast.Module) (map[string]*ast.Module, []memoised, error) {
	analysis := analyse(modules)
	rewritten := make(map[string]*ast.Module, len(modules))
	var memos []memoised
	for path, module := range modules {
		found := map[string]memoised{}
		pkg := module.Package.Path.String()
		for _, rule := range module.Rules {
			if !strings.HasPrefix(pkg, "data.kyma.") {
				break // what libraries offer is functions
			}
			m := memoised{pkg, ruleName(rule)}
			if uses := analysis.of(m); len(rule.Head.Args) == 0 && uses.inventory && !uses.input && !analysis.hasArguments(m) {
				found[m.rule] = m
			}
		}
		if len(found) == 0 {
			rewritten[path] = module
			continue
		}
		clone := module.Copy()
		used := map[string]bool{}
		for _, rule := range clone.Rules {
			if _, kept := found[ruleName(rule)]; !kept {
				if err := substitute(rule, found, used); err != nil {
					return nil, nil, fmt.Errorf("%s: %w", rule.Location, err)
				}
			}
		}
		rewritten[path] = clone
		for _, name := range slices.Sorted(maps.Keys(used)) { // what only memoised rules use is evaluated with them
			memos = append(memos, found[name])
		}
	}
	return rewritten, memos, nil
}

func ruleName(rule *ast.Rule) string {
	return string(rule.Head.Ref()[0].Value.(ast.Var))
}

// substitute makes references to memoised rules of the same module references into the memo, and notes them as used.
func substitute(rule *ast.Rule, found map[string]memoised, used map[string]bool) error {
	var transformer *ast.GenericTransformer
	transformer = ast.NewGenericTransformer(func(x any) (any, error) {
		switch value := x.(type) {
		case *ast.SomeDecl: // ast.Transform doesn't enter `some … in …`
			for _, symbol := range value.Symbols {
				call, ok := symbol.Value.(ast.Call)
				if !ok {
					continue // a name that is declared
				}
				for _, operand := range call[1:] {
					changed, err := ast.Transform(transformer, operand.Value)
					if err != nil {
						return nil, err
					}
					operand.Value = changed.(ast.Value)
				}
			}
		case ast.Var:
			if m, ok := found[string(value)]; ok {
				used[m.rule] = true
				return m.ref(), nil
			}
		case ast.Ref:
			if head, ok := value[0].Value.(ast.Var); ok {
				if m, ok := found[string(head)]; ok {
					used[m.rule] = true
					return m.ref().Concat(value[1:]), nil
				}
			}
		}
		return x, nil
	})
	for current := rule; current != nil; current = current.Else {
		// A rule's own name is no reference, so only what may hold one is visited.
		body, err := ast.Transform(transformer, current.Body)
		if err != nil {
			return err
		}
		current.Body = body.(ast.Body)
		for _, term := range []*ast.Term{current.Head.Key, current.Head.Value} {
			if term == nil {
				continue
			}
			value, err := ast.Transform(transformer, term.Value)
			if err != nil {
				return err
			}
			term.Value = value.(ast.Value)
		}
	}
	return nil
}

// memosOf are the program's memoised rules of these policies.
func (p *Program) memosOf(policies []*policy.Policy) []memoised {
	var memos []memoised
	for _, m := range p.memos {
		if slices.ContainsFunc(policies, func(q *policy.Policy) bool { return m.pkg == "data.kyma."+q.Name }) {
			memos = append(memos, m)
		}
	}
	return memos
}

// evaluate gives the memo: {package: {rule: value}}.
func (e *Engine) evaluate(ctx context.Context, memos []memoised, store storage.Store) (*ast.Term, error) {
	byPackage := map[string]ast.Object{}
	memo := ast.NewObject()
	values := make([]*ast.Term, len(memos))
	group, ctx := errgroup.WithContext(ctx)
	if e.options.Tracer != nil {
		group.SetLimit(1)
	}
	for i, m := range memos {
		group.Go(func() (err error) {
			if values[i], err = e.value(ctx, m, store); err != nil {
				return fmt.Errorf("evaluate %s.%s: %w", m.pkg, m.rule, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for i, m := range memos {
		value := values[i]
		if value == nil {
			continue
		}
		if byPackage[m.pkg] == nil {
			byPackage[m.pkg] = ast.NewObject()
		}
		byPackage[m.pkg].Insert(ast.StringTerm(m.rule), value)
	}
	for pkg, rules := range byPackage {
		memo.Insert(ast.StringTerm(pkg), ast.NewTerm(rules))
	}
	return ast.NewTerm(memo), nil
}

// value is nil where the rule is undefined.
func (e *Engine) value(ctx context.Context, m memoised, store storage.Store) (*ast.Term, error) {
	rules := e.compiler.GetRulesExact(ast.MustParseRef(m.pkg + "." + m.rule))
	if keyed := len(rules) > 0; keyed {
		for _, rule := range rules {
			keyed = keyed && isKeyedSet(rule)
		}
		if keyed {
			return e.keyedSets(ctx, rules, store)
		}
	}
	body, err := ast.ParseBody("value = " + m.pkg + "." + m.rule)
	if err != nil {
		return nil, err
	}
	queryCompiler := e.compiler.QueryCompiler()
	compiled, err := queryCompiler.Compile(body)
	if err != nil {
		return nil, err
	}
	var result *ast.Term
	return result, e.query(ctx, compiled, store, func(results topdown.QueryResult) {
		for name, term := range results {
			if rewritten, ok := queryCompiler.RewrittenVars()[name]; ok && rewritten == "value" || name == "value" {
				result = term
			}
		}
	})
}

// isKeyedSet is true of a rule such as r[key][key] contains element.
func isKeyedSet(rule *ast.Rule) bool {
	return rule.Head.RuleKind() == ast.MultiValue && len(rule.Ref()) > len(rule.Module.Package.Path)+1 && rule.Else == nil
}

// keyedSets evaluates the bodies of such rules and puts what they find together itself. OPA, each time that a body is
// true, compares its keys with those of all times before.
func (e *Engine) keyedSets(ctx context.Context, rules []*ast.Rule, store storage.Store) (*ast.Term, error) {
	const found = ast.Var("found")
	all := ast.NewObject()
	for _, rule := range rules {
		path := append(slices.Clone(rule.Ref()[len(rule.Module.Package.Path)+1:]), rule.Head.Key)
		body := rule.Body.Copy()
		body.Append(ast.Equality.Expr(ast.NewTerm(found), ast.ArrayTerm(path...)))
		err := e.query(ctx, body, store, func(results topdown.QueryResult) {
			path := results[found].Value.(*ast.Array)
			parent := all
			for i := range path.Len() - 2 {
				child := parent.Get(path.Elem(i))
				if child == nil {
					child = ast.ObjectTerm()
					parent.Insert(path.Elem(i), child)
				}
				parent = child.Value.(ast.Object)
			}
			set := parent.Get(path.Elem(path.Len() - 2))
			if set == nil {
				set = ast.SetTerm()
				parent.Insert(path.Elem(path.Len()-2), set)
			}
			set.Value.(ast.Set).Add(path.Elem(path.Len() - 1))
		})
		if err != nil {
			return nil, err
		}
	}
	return ast.NewTerm(all), nil
}

// query asks topdown rather than package rego, whose results are JSON, without sets.
func (e *Engine) query(ctx context.Context, body ast.Body, store storage.Store, each func(topdown.QueryResult)) error {
	txn, err := store.NewTransaction(ctx)
	if err != nil {
		return err
	}
	defer store.Abort(ctx, txn)
	query := topdown.NewQuery(body).WithCompiler(e.compiler).WithStore(store).WithTransaction(txn).
		WithTime(e.options.Now).WithStrictBuiltinErrors(e.options.Strict)
	if e.options.Tracer != nil {
		query = query.WithQueryTracer(e.options.Tracer)
	}
	return query.Iter(ctx, func(results topdown.QueryResult) error {
		each(results)
		return nil
	})
}

// uses says what a rule reads, itself or through what it refers to.
type uses struct{ input, inventory bool }

// analysis follows references between the rules of parsed modules. A local variable that shadows a rule can only make a rule
// look as if it used more, which costs speed and never a verdict; lint forbids it all the same.
type analysis struct {
	rules   map[memoised][]*ast.Rule
	imports map[string]map[string]string // package to the alias of an import to the package imported
	known   map[memoised]uses
}

func analyse(modules map[string]*ast.Module) *analysis {
	a := &analysis{rules: map[memoised][]*ast.Rule{}, imports: map[string]map[string]string{}, known: map[memoised]uses{}}
	for _, module := range modules {
		pkg := module.Package.Path.String()
		a.imports[pkg] = map[string]string{}
		for _, imported := range module.Imports {
			a.imports[pkg][string(imported.Name())] = imported.Path.Value.(ast.Ref).String()
		}
		for _, rule := range module.Rules {
			m := memoised{pkg, ruleName(rule)}
			a.rules[m] = append(a.rules[m], rule)
		}
	}
	return a
}

func (a *analysis) hasArguments(m memoised) bool {
	for _, rule := range a.rules[m] {
		if len(rule.Head.Args) > 0 {
			return true
		}
	}
	return false
}

func (a *analysis) of(m memoised) uses {
	if known, ok := a.known[m]; ok {
		return known
	}
	a.known[m] = uses{} // Rego has no recursion; this only guards against shadowed names
	var found uses
	refer := func(target memoised) {
		if _, ok := a.rules[target]; ok {
			u := a.of(target)
			found.input = found.input || u.input
			found.inventory = found.inventory || u.inventory
		}
	}
	visit := func(term *ast.Term) bool {
		switch value := term.Value.(type) {
		case ast.Var:
			refer(memoised{m.pkg, string(value)})
			found.input = found.input || value == "input"
		case ast.Ref:
			head, ok := value[0].Value.(ast.Var)
			if !ok {
				return false
			}
			switch {
			case head == "input":
				found.input = true
			case strings.HasPrefix(value.String(), "data.inventory"):
				found.inventory = true
			case a.imports[m.pkg][string(head)] != "" && len(value) > 1:
				if name, ok := value[1].Value.(ast.String); ok {
					refer(memoised{a.imports[m.pkg][string(head)], string(name)})
				}
			}
		}
		return false
	}
	for _, rule := range a.rules[m] {
		ast.WalkTerms(rule, visit)
	}
	a.known[m] = found
	return found
}
