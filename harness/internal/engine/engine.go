// Package engine judges objects: it compiles the policies that a run's constraints name, gives them the run's inventory, and
// evaluates one prepared query a policy and object. It knows nothing of files (package manifest) or reports (package check).
package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/topdown"

	"kyma-function-security/harness/internal/constraint"
	"kyma-function-security/harness/internal/match"
	"kyma-function-security/harness/internal/policy"
)

// Program is compiled policies. It is safe for concurrent use, and worth keeping: compiling is most of a small run.
type Program struct {
	compiler *ast.Compiler
	memos    []memoised
}

// Compile compiles all policies of lib, or those given. prepare may change the compiler first (schemas, capabilities); nil
// doesn't.
func Compile(lib *policy.Library, policies []*policy.Policy, prepare func(*ast.Compiler)) (*Program, error) {
	modules, err := lib.Modules(policies)
	if err != nil {
		return nil, err
	}
	modules, memos, err := memoise(modules)
	if err != nil {
		return nil, err
	}
	compiler := ast.NewCompiler().WithStrict(true)
	if prepare != nil {
		prepare(compiler)
	}
	if compiler.Compile(modules); compiler.Failed() {
		return nil, fmt.Errorf("compile policies: %w", compiler.Errors)
	}
	return &Program{compiler, memos}, nil
}

// Options of a run.
type Options struct {
	Now      time.Time           // what time.now_ns() gives; the zero time is the real clock, read once
	Complete bool                // every Namespace's context is taken as given: nothing is undecided
	Strict   bool                // a builtin that fails is an error instead of undefined; for tests
	Tracer   topdown.QueryTracer // sees every evaluation; for coverage. Evaluation must then be sequential
}

// Object is one Kubernetes object as the policies see it.
type Object struct {
	Value      map[string]any // as the API server would hold it: with its namespace
	APIVersion string
	Kind       string
	Namespace  string // empty for a cluster-scoped object
	Name       string
	term       *ast.Term
}

// NewObject reads the identity of a value of encoding/json's types, numbers as json.Number.
func NewObject(value map[string]any) (*Object, error) {
	parsed, err := ast.InterfaceToValue(value)
	if err != nil {
		return nil, err
	}
	o := &Object{Value: value, term: ast.NewTerm(parsed)}
	o.APIVersion, _ = value["apiVersion"].(string)
	o.Kind, _ = value["kind"].(string)
	metadata, _ := value["metadata"].(map[string]any)
	o.Namespace, _ = metadata["namespace"].(string)
	o.Name, _ = metadata["name"].(string)
	return o, nil
}

// Finding is one violation.
type Finding struct {
	Rule    *policy.Rule
	Action  string // deny, warn or dryrun
	Message string // begins with the rule's id
	Path    []any  // keys (string) and indices (json.Number) into the object
	Line    int    // in the text at Path, from 1; 0 if the finding isn't inside a text
}

// Undecided is a rule that needs what the inventory doesn't have.
type Undecided struct {
	Rule  *policy.Rule
	Needs []string // "Namespace team-a"
}

// Verdict is everything that the constraints say of one object.
type Verdict struct {
	Judged    bool // at least one rule is for its kind and namespace, decided or not
	Findings  []Finding
	Undecided []Undecided
}

// Engine judges objects against one set of constraints and one inventory. It is safe for concurrent use, unless it traces.
type Engine struct {
	options    Options
	groups     []*group
	namespaces map[string]*Object
	kinds      map[string]map[string]bool // by namespace, the kinds that the inventory holds there
	compiler   *ast.Compiler
}

// group is the constraints of a policy that differ only in what they select, exempt and do: one evaluation serves them all.
type group struct {
	policy     *policy.Policy
	members    []*constraint.Constraint
	parameters map[string]any
	query      rego.PreparedEvalQuery
	memo       *ast.Term
	terms      sync.Map // rules joined by commas to the term of the parameters
}

// Policies are the policies of the constraints, each once.
func Policies(constraints []*constraint.Constraint) []*policy.Policy {
	var policies []*policy.Policy
	for _, c := range constraints {
		if !slices.Contains(policies, c.Policy) {
			policies = append(policies, c.Policy)
		}
	}
	return policies
}

// Engine readies the program, which must hold the constraints' policies, for a run: it evaluates once what doesn't depend on
// the object. Of two objects of one identity in the inventory the later one counts.
func (p *Program) Engine(
	ctx context.Context, constraints []*constraint.Constraint, inventory []*Object, options Options,
) (*Engine, error) {
	if options.Now.IsZero() {
		options.Now = time.Now()
	}
	e := &Engine{options: options, namespaces: map[string]*Object{}, kinds: map[string]map[string]bool{}, compiler: p.compiler}
	for _, o := range inventory {
		if e.kinds[o.Namespace] == nil {
			e.kinds[o.Namespace] = map[string]bool{}
		}
		e.kinds[o.Namespace][o.Kind] = true
		if o.Kind == "Namespace" && o.APIVersion == "v1" {
			e.namespaces[o.Name] = o
		}
	}
	reads := map[string]bool{"Namespace": true}
	byKey := map[string]*group{}
	for _, c := range constraints {
		key, err := groupKey(c)
		if err != nil {
			return nil, err
		}
		g, ok := byKey[key]
		if !ok {
			g = &group{policy: c.Policy, parameters: c.Parameters}
			byKey[key] = g
			e.groups = append(e.groups, g)
		}
		g.members = append(g.members, c)
		for _, r := range c.Policy.Rules {
			if slices.Contains(c.Rules, r.ID) {
				for _, kind := range r.Inventory {
					reads[kind] = true
				}
			}
		}
	}
	store := inmem.NewFromObjectWithOpts(map[string]any{"inventory": document(inventory, reads)},
		inmem.OptRoundTripOnWrite(false), inmem.OptReturnASTValuesOnRead(true))
	memo, err := e.evaluate(ctx, p.memosOf(Policies(constraints)), store)
	if err != nil {
		return nil, err
	}
	prepared := map[*policy.Policy]rego.PreparedEvalQuery{}
	for _, g := range e.groups {
		g.memo = memo
		query, ok := prepared[g.policy]
		if !ok {
			query, err = rego.New(
				rego.Compiler(e.compiler),
				rego.Store(store),
				rego.Query("data.kyma."+g.policy.Name+".violation"),
				rego.StrictBuiltinErrors(options.Strict),
			).PrepareForEval(ctx)
			if err != nil {
				return nil, fmt.Errorf("prepare %s: %w", g.policy.Name, err)
			}
			prepared[g.policy] = query
		}
		g.query = query
	}
	return e, nil
}

// groupKey is equal for constraints that may be evaluated together.
func groupKey(c *constraint.Constraint) (string, error) {
	conditions := map[string]any{}
	for key, value := range c.Match {
		if key != "excludedNamespaces" {
			conditions[key] = value
		}
	}
	key, err := json.Marshal([]any{c.Policy.Kind, c.Parameters, conditions})
	return string(key), err
}

// document builds data.inventory of the kinds that the rules read.
func document(inventory []*Object, reads map[string]bool) map[string]any {
	cluster, namespaced := map[string]any{}, map[string]any{}
	for _, o := range inventory {
		if !reads[o.Kind] {
			continue
		}
		scope := cluster
		if o.Namespace != "" {
			scope = child(namespaced, o.Namespace)
		}
		child(child(scope, o.APIVersion), o.Kind)[o.Name] = o.term.Value
	}
	return map[string]any{"cluster": cluster, "namespace": namespaced}
}

func child(parent map[string]any, key string) map[string]any {
	if existing, ok := parent[key].(map[string]any); ok {
		return existing
	}
	created := map[string]any{}
	parent[key] = created
	return created
}

// Judge evaluates every constraint that matches the object.
func (e *Engine) Judge(ctx context.Context, o *Object) (Verdict, error) {
	var verdict Verdict
	for _, g := range e.groups {
		actions, undecided, judged, err := e.choose(g, o)
		if err != nil {
			return verdict, err
		}
		verdict.Judged = verdict.Judged || judged
		verdict.Undecided = append(verdict.Undecided, undecided...)
		// Without a rule left the policy isn't run: an empty list would select all.
		if len(actions) == 0 {
			continue
		}
		findings, err := e.violations(ctx, g, o, actions)
		if err != nil {
			return verdict, fmt.Errorf("evaluate %s: %w", g.policy.Name, err)
		}
		verdict.Findings = append(verdict.Findings, findings...)
	}
	return verdict, nil
}

// choose says what to do with which rule, and which rules can't be decided.
func (e *Engine) choose(g *group, o *Object) (actions map[string]string, undecided []Undecided, judged bool, err error) {
	var namespaceValue map[string]any
	if namespace := e.namespaces[o.Namespace]; namespace != nil {
		namespaceValue = namespace.Value
	}
	for _, c := range g.members {
		matches, err := c.Matcher.Matches(o.Value, namespaceValue)
		unmatchable := errors.Is(err, match.ErrNamespaceUnknown)
		if err != nil && !unmatchable {
			return nil, nil, false, fmt.Errorf("match constraint %s: %w", c.Name, err)
		}
		if !matches && !unmatchable {
			continue
		}
		for _, r := range g.policy.Rules {
			switch {
			case !slices.Contains(c.Rules, r.ID) || !slices.Contains(r.Kinds, o.Kind):
			default:
				judged = true
				needs := e.lacking(r, o)
				if unmatchable && len(needs) == 0 {
					needs = []string{"Namespace " + o.Namespace}
				}
				if len(needs) > 0 {
					undecided = append(undecided, Undecided{r, needs})
					continue
				}
				if actions == nil {
					actions = map[string]string{}
				}
				actions[r.ID] = stronger(actions[r.ID], c.Action)
			}
		}
	}
	return actions, undecided, judged, nil
}

// lacking names what the inventory lacks to decide the rule for the object.
func (e *Engine) lacking(r *policy.Rule, o *Object) []string {
	if o.Namespace == "" || e.options.Complete {
		return nil
	}
	var needs []string
	if r.NeedsContext() && e.namespaces[o.Namespace] == nil {
		needs = append(needs, "Namespace "+o.Namespace)
	}
	for _, kind := range r.Evidence {
		if !e.kinds[o.Namespace][kind] {
			needs = append(needs, fmt.Sprintf("%ss of namespace %s", kind, o.Namespace))
		}
	}
	return needs
}

var strength = map[string]int{"deny": 3, "warn": 2, "dryrun": 1}

func stronger(a, b string) string {
	if strength[a] >= strength[b] {
		return a
	}
	return b
}

func (e *Engine) violations(ctx context.Context, g *group, o *Object, actions map[string]string) ([]Finding, error) {
	input, err := e.input(g, o, actions)
	if err != nil {
		return nil, err
	}
	options := []rego.EvalOption{rego.EvalParsedInput(input), rego.EvalTime(e.options.Now)}
	if e.options.Tracer != nil {
		options = append(options, rego.EvalQueryTracer(e.options.Tracer))
	}
	results, err := g.query.Eval(ctx, options...)
	if err != nil {
		return nil, err
	}
	var findings []Finding
	for _, result := range results {
		violations, ok := result.Expressions[0].Value.([]any)
		if !ok {
			return nil, errors.New("violation is no set")
		}
		for _, violation := range violations {
			f, err := g.finding(violation)
			if err != nil {
				return nil, err
			}
			f.Action = actions[f.Rule.ID]
			if f.Action == "" {
				return nil, fmt.Errorf("%s reports though it isn't selected", f.Rule.ID)
			}
			findings = append(findings, f)
		}
	}
	return findings, nil
}

// input has the shape that Gatekeeper gives its templates, as far as a manifest determines it, and beside it the memo.
func (e *Engine) input(g *group, o *Object, actions map[string]string) (ast.Value, error) {
	rules := make([]string, 0, len(actions))
	for id := range actions {
		rules = append(rules, id)
	}
	slices.Sort(rules)
	parameters, err := g.parametersTerm(rules)
	if err != nil {
		return nil, err
	}
	group, version, found := strings.Cut(o.APIVersion, "/")
	if !found {
		group, version = "", o.APIVersion
	}
	namespace := ast.ObjectTerm()
	if known := e.namespaces[o.Namespace]; known != nil {
		namespace = known.term
	}
	review := ast.ObjectTerm(
		[2]*ast.Term{ast.InternedTerm("kind"), ast.ObjectTerm(
			[2]*ast.Term{ast.InternedTerm("group"), ast.StringTerm(group)},
			[2]*ast.Term{ast.InternedTerm("version"), ast.StringTerm(version)},
			[2]*ast.Term{ast.InternedTerm("kind"), ast.StringTerm(o.Kind)},
		)},
		[2]*ast.Term{ast.InternedTerm("name"), ast.StringTerm(o.Name)},
		[2]*ast.Term{ast.InternedTerm("namespace"), ast.StringTerm(o.Namespace)},
		[2]*ast.Term{ast.InternedTerm("operation"), ast.StringTerm("")},
		[2]*ast.Term{ast.InternedTerm("object"), o.term},
		[2]*ast.Term{ast.InternedTerm("namespaceObject"), namespace},
	)
	return ast.NewObject(
		[2]*ast.Term{ast.InternedTerm("review"), review},
		[2]*ast.Term{ast.InternedTerm("parameters"), parameters},
		[2]*ast.Term{ast.InternedTerm(memoKey), g.memo},
	), nil
}

func (g *group) parametersTerm(rules []string) (*ast.Term, error) {
	key := strings.Join(rules, ",")
	if cached, ok := g.terms.Load(key); ok {
		return cached.(*ast.Term), nil
	}
	all := map[string]any{"rules": rules}
	for name, value := range g.parameters {
		all[name] = value
	}
	value, err := ast.InterfaceToValue(all)
	if err != nil {
		return nil, err
	}
	term := ast.NewTerm(value)
	g.terms.Store(key, term)
	return term, nil
}

// finding reads what lib.kfs.finding builds; any other shape is an error, since it would be lost in Gatekeeper.
func (g *group) finding(violation any) (Finding, error) {
	var f Finding
	element, _ := violation.(map[string]any)
	message, isText := element["msg"].(string)
	details, _ := element["details"].(map[string]any)
	id, _ := details["rule"].(string)
	steps, isPath := details["path"].([]any)
	if !isText || !isPath {
		return f, fmt.Errorf("violation %v has no msg or no path", violation)
	}
	for _, r := range g.policy.Rules {
		if r.ID == id {
			f.Rule = r
		}
	}
	if f.Rule == nil {
		return f, fmt.Errorf("violation %v is of no rule", violation)
	}
	f.Message, f.Path = message, steps
	if line, ok := details["line"].(json.Number); ok {
		n, err := line.Int64()
		if err != nil {
			return f, fmt.Errorf("violation %v: line: %w", violation, err)
		}
		f.Line = int(n)
	}
	return f, nil
}
