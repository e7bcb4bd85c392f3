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
	// depth is the length of the arrays of a set that is looked up by nothing but array literals, else 0. Such a set stands in
	// the memo as objects in one another around sets, so that _set[[a, b, c]] with an unbound c, which becomes _set[a][b][c],
	// needs no search, and {c | _set[[a, b, c]]} is what stands at _set[a][b]. Gatekeeper, which runs the rule, evaluates its
	// body with a and b bound.
	depth int
}

func (m memoised) ofLibrary() bool { return strings.HasPrefix(m.pkg, "data.lib.") }

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
			m := memoised{pkg: pkg, rule: ruleName(rule)}
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
		nests := nestedIn(clone, found)
		for _, rule := range clone.Rules {
			if _, kept := found[ruleName(rule)]; !kept {
				if err := substitute(rule, found, nests, used); err != nil {
					return nil, nil, fmt.Errorf("%s: %w", rule.Location, err)
				}
			}
		}
		rewritten[path] = clone
		for _, name := range slices.Sorted(maps.Keys(used)) { // what only memoised rules use is evaluated with them
			m := found[name]
			m.depth = nests[name]
			memos = append(memos, m)
		}
	}
	// A library's rules are evaluated first, without the memo.
	rewritings := analyse(rewritten)
	for _, m := range memos {
		if m.ofLibrary() && rewritings.of(m).input {
			return nil, nil, fmt.Errorf("%s.%s: it depends on what is memoised of another library", m.pkg, m.rule)
		}
	}
	return rewritten, memos, nil
}

// nestedIn gives the length of the arrays of each set that is to be nested.
func nestedIn(module *ast.Module, found map[string]memoised) map[string]int {
	nests := map[string]int{}
	drop := func(name string) { nests[name] = -1 }
	for _, rule := range module.Rules {
		name := ruleName(rule)
		if _, ok := found[name]; !ok {
			continue
		}
		length := -1
		if key := rule.Head.Key; rule.Head.RuleKind() == ast.MultiValue && len(rule.Head.Ref()) == 1 && key != nil {
			if array, ok := key.Value.(*ast.Array); ok {
				length = array.Len()
			}
		}
		if before, ok := nests[name]; ok && before != length {
			length = -1
		}
		nests[name] = length
	}
	for _, rule := range module.Rules {
		if _, kept := found[ruleName(rule)]; kept {
			continue
		}
		ast.WalkTerms(rule, func(term *ast.Term) bool {
			switch value := term.Value.(type) {
			case ast.Var:
				drop(string(value))
			case ast.Ref:
				name, ok := value[0].Value.(ast.Var)
				if !ok || nests[string(name)] < 2 {
					return false
				}
				if array, ok := value[1].Value.(*ast.Array); !ok || array.Len() != nests[string(name)] {
					drop(string(name))
				}
				for _, part := range value[1:] {
					ast.WalkVars(part, func(v ast.Var) bool {
						drop(string(v))
						return false
					})
				}
				return true
			}
			return false
		})
	}
	maps.DeleteFunc(nests, func(_ string, length int) bool { return length < 2 })
	return nests
}

func ruleName(rule *ast.Rule) string {
	return string(rule.Head.Ref()[0].Value.(ast.Var))
}

// substitute makes references to memoised rules of the same module references into the memo, and notes them as used.
func substitute(rule *ast.Rule, found map[string]memoised, nests map[string]int, used map[string]bool) error {
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
		case *ast.SetComprehension:
			if name, keys, ok := leaf(rule, value); ok && nests[name] > 0 {
				used[name] = true
				return ast.ObjectGet.Call(ast.NewTerm(found[name].ref()), ast.ArrayTerm(keys...), ast.SetTerm()).Value, nil
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
					path := value[1:]
					if nests[m.rule] > 0 {
						var keys []*ast.Term
						path[0].Value.(*ast.Array).Foreach(func(key *ast.Term) { keys = append(keys, key) })
						path = append(keys, path[1:]...)
					}
					return m.ref().Concat(path), nil
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

// leaf gives _set, a and b of {c | _set[[a, b, c]]}, where c stands nowhere else in the rule, and a and b have names.
func leaf(rule *ast.Rule, comprehension *ast.SetComprehension) (name string, keys []*ast.Term, ok bool) {
	if len(comprehension.Body) != 1 || comprehension.Body[0].Negated || len(comprehension.Body[0].With) > 0 {
		return "", nil, false
	}
	term, ok := comprehension.Body[0].Terms.(*ast.Term)
	if !ok {
		return "", nil, false
	}
	ref, ok := term.Value.(ast.Ref)
	if !ok || len(ref) != 2 {
		return "", nil, false
	}
	head, isVar := ref[0].Value.(ast.Var)
	array, isArray := ref[1].Value.(*ast.Array)
	if !isVar || !isArray || array.Len() < 2 {
		return "", nil, false
	}
	last := array.Elem(array.Len() - 1)
	if _, ok := last.Value.(ast.Var); !ok || !last.Equal(comprehension.Term) {
		return "", nil, false
	}
	times := 0
	ast.WalkVars(rule, func(v ast.Var) bool {
		if v.Equal(last.Value) {
			times++
		}
		return false
	})
	if times != 2 {
		return "", nil, false
	}
	for i := range array.Len() - 1 {
		key := array.Elem(i)
		if v, ok := key.Value.(ast.Var); ok && v.IsWildcard() || key.Equal(last) {
			return "", nil, false
		}
		keys = append(keys, key)
	}
	return string(head), keys, true
}

// memosOf are the program's memoised rules of these policies and of the libraries.
func (p *Program) memosOf(policies []*policy.Policy) []memoised {
	var memos []memoised
	for _, m := range p.memos {
		if m.ofLibrary() || slices.ContainsFunc(policies, func(q *policy.Policy) bool { return m.pkg == "data.kyma."+q.Name }) {
			memos = append(memos, m)
		}
	}
	return memos
}

// evaluate gives the memo: {package: {rule: value}}. The libraries' comes first, because the rules of policies call functions
// that read it.
func (e *Engine) evaluate(ctx context.Context, memos []memoised, store storage.Store) (*ast.Term, error) {
	memo := ast.NewObject()
	for _, ofLibraries := range []bool{true, false} {
		var phase []memoised
		for _, m := range memos {
			if m.ofLibrary() == ofLibraries {
				phase = append(phase, m)
			}
		}
		values := make([]*ast.Term, len(phase))
		input := ast.NewTerm(ast.NewObject([2]*ast.Term{ast.InternedTerm(memoKey), ast.NewTerm(memo)}))
		group, ctx := errgroup.WithContext(ctx)
		if e.options.Tracer != nil {
			group.SetLimit(1)
		}
		for i, m := range phase {
			group.Go(func() (err error) {
				if values[i], err = e.value(ctx, m, store, input); err != nil {
					return fmt.Errorf("evaluate %s.%s: %w", m.pkg, m.rule, err)
				}
				return nil
			})
		}
		if err := group.Wait(); err != nil {
			return nil, err
		}
		byPackage := map[string]ast.Object{}
		for i, m := range phase {
			if values[i] == nil {
				continue
			}
			if byPackage[m.pkg] == nil {
				byPackage[m.pkg] = ast.NewObject()
			}
			byPackage[m.pkg].Insert(ast.StringTerm(m.rule), values[i])
		}
		next := ast.NewObject() // input's is in use and has its hash
		memo.Foreach(func(pkg, rules *ast.Term) { next.Insert(pkg, rules) })
		for pkg, rules := range byPackage {
			next.Insert(ast.StringTerm(pkg), ast.NewTerm(rules))
		}
		memo = next
	}
	return ast.NewTerm(memo), nil
}

// value asks topdown rather than package rego, whose results are JSON, without sets. It is nil where the rule is undefined.
func (e *Engine) value(ctx context.Context, m memoised, store storage.Store, input *ast.Term) (*ast.Term, error) {
	body, err := ast.ParseBody("value = " + m.pkg + "." + m.rule)
	if err != nil {
		return nil, err
	}
	queryCompiler := e.compiler.QueryCompiler()
	compiled, err := queryCompiler.Compile(body)
	if err != nil {
		return nil, err
	}
	txn, err := store.NewTransaction(ctx)
	if err != nil {
		return nil, err
	}
	defer store.Abort(ctx, txn)
	query := topdown.NewQuery(compiled).WithCompiler(e.compiler).WithStore(store).WithTransaction(txn).WithInput(input).
		WithTime(e.options.Now).WithStrictBuiltinErrors(e.options.Strict)
	if e.options.Tracer != nil {
		query = query.WithQueryTracer(e.options.Tracer)
	}
	results, err := query.Run(ctx)
	if err != nil || len(results) == 0 {
		return nil, err
	}
	for name, term := range results[0] {
		if rewritten, ok := queryCompiler.RewrittenVars()[name]; ok && rewritten == "value" || name == "value" {
			if m.depth > 0 {
				return nest(term.Value.(ast.Set).Slice(), 0, m.depth), nil
			}
			return term, nil
		}
	}
	return nil, nil
}

// nest makes of arrays, all of this length, objects by their elements from that depth on, and a set of the last ones.
func nest(arrays []*ast.Term, depth, length int) *ast.Term {
	if depth == length-1 {
		last := ast.NewSet()
		for _, array := range arrays {
			last.Add(array.Value.(*ast.Array).Elem(depth))
		}
		return ast.NewTerm(last)
	}
	var keys []*ast.Term
	byKey := ast.NewObject() // to the index in groups
	var groups [][]*ast.Term
	for _, array := range arrays {
		key := array.Value.(*ast.Array).Elem(depth)
		i := len(groups)
		if known := byKey.Get(key); known != nil {
			i, _ = known.Value.(ast.Number).Int()
		} else {
			byKey.Insert(key, ast.IntNumberTerm(i))
			keys, groups = append(keys, key), append(groups, nil)
		}
		groups[i] = append(groups[i], array)
	}
	nested := ast.NewObject()
	for i, key := range keys {
		nested.Insert(key, nest(groups[i], depth+1, length))
	}
	return ast.NewTerm(nested)
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
			m := memoised{pkg: pkg, rule: ruleName(rule)}
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
			refer(memoised{pkg: m.pkg, rule: string(value)})
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
					refer(memoised{pkg: a.imports[m.pkg][string(head)], rule: string(name)})
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
