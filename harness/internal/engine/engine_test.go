package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"

	"kyma-function-security/harness/internal/constraint"
	"kyma-function-security/harness/internal/policy"
	"kyma-function-security/policies"
)

// A policy with everything that the memo must get right: a set with composite elements, an object of sets, a rule that
// depends on input through another, a function, and a local name that only looks like a rule's.
const peersPolicy = `# METADATA
# title: Peers
# description: Counts peers.
# custom:
#   kind: KymaFunctionPeers
#   fact: jwt-scope
#   match:
#     - apiGroups: [example.com]
#       kinds: [Thing]
package kyma.peers

import data.lib.kfs.finding
import data.lib.kfs.things

# METADATA
# title: Shared colour
# scope: rule
# custom:
#   id: KFS-101
#   severity: high
#   profiles: {baseline: warn, strict: deny}
#   inventory: [Thing]
#   remediation: Choose another colour.
violation contains finding.new(rego.metadata.rule(), ["spec", "colour"], message) if {
	finding.selected(rego.metadata.rule())
	colour := input.review.object.spec.colour
	others := {name | some name in _by_colour[colour]; name != input.review.object.metadata.name}
	count(others) > 0
	[colour, input.review.object.metadata.name] in _pairs
	message := sprintf("colour %q is shared with %s", [colour, concat(", ", sort(others))])
}

# METADATA
# title: Namespace without a level
# scope: rule
# custom:
#   id: KFS-102
#   severity: high
#   profiles: {strict: warn}
#   inventory: [Namespace]
#   absence: true
#   remediation: Give it one.
violation contains finding.new(rego.metadata.rule(), ["metadata", "namespace"], "no level") if {
	finding.selected(rego.metadata.rule())
	not _levelled(input.review)
}

# METADATA
# title: Grey without a report
# scope: rule
# custom:
#   id: KFS-103
#   severity: high
#   profiles: {strict: deny}
#   inventory: [Report]
#   evidence: [Report]
#   remediation: Wait for one.
violation contains finding.new(rego.metadata.rule(), ["spec"], "grey") if {
	finding.selected(rego.metadata.rule())
	input.review.object.spec.colour == "grey"
}

_levelled(review) if review.namespaceObject.metadata.labels.level

_pairs contains [thing.spec.colour, thing.metadata.name] if some thing in _all

_by_colour[colour] contains name if some [colour, name] in _pairs

_all := {thing | some thing in things.all(_where)}

_where := "ns"
`

const thingsLibrary = `package lib.kfs.things

all(namespace) := {thing | some thing in data.inventory.namespace[namespace]["example.com/v1"].Thing}
`

const findingLibrary = `package lib.kfs.finding

new(rule, path, message) := {"msg": sprintf("%s: %s", [rule.custom.id, message]), "details": {
	"rule": rule.custom.id, "path": path,
}} if selected(rule)

selected(rule) if rule.custom.id in input.parameters.rules
`

func library(t *testing.T) *policy.Library {
	t.Helper()
	lib, err := policy.Load(fstest.MapFS{
		"kyma/peers/peers.rego":        {Data: []byte(peersPolicy)},
		"lib/kfs/things/things.rego":   {Data: []byte(thingsLibrary)},
		"lib/kfs/finding/finding.rego": {Data: []byte(findingLibrary)},
		"kyma/peers/peers_test.rego":   {Data: []byte("package broken {")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return lib
}

func thing(t *testing.T, name, colour string) *Object {
	t.Helper()
	o, err := NewObject(map[string]any{
		"apiVersion": "example.com/v1", "kind": "Thing",
		"metadata": map[string]any{"name": name, "namespace": "ns"},
		"spec":     map[string]any{"colour": colour},
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func constraints(t *testing.T, lib *policy.Library, profile string) []*constraint.Constraint {
	t.Helper()
	constraints, err := constraint.Generate(lib, constraint.Config{}, profile, "classic")
	if err != nil {
		t.Fatal(err)
	}
	return constraints
}

// _all is used by _pairs alone, so it needs no place of its own.
func TestMemoHoldsWhatDoesNotDependOnInput(t *testing.T) {
	lib := library(t)
	program, err := Compile(lib, lib.Policies, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range program.memos {
		got = append(got, m.rule)
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"_by_colour", "_pairs"}, got); diff != "" {
		t.Errorf("memoised rules (-want +got):\n%s", diff)
	}
}

// TestMemoIsUsed: no rule that isn't memoised itself refers to one that is, in whichever way Rego has to refer.
func TestMemoIsUsed(t *testing.T) {
	const source = `package kyma.refers

_all := {thing | some thing in data.inventory.namespace.x.y.z}

_a if {
	some thing in _all
	thing == input.x
}

_b if {
	some _, thing in _all
	thing == input.x
}

_c if every thing in _all { thing != input.x }

_d := [thing | some thing in _all; thing != input.x]

_e := count(_all) + input.x

_f[x] := _all[x] if x := input.x

_g if not _all[input.x]

_h(x) := {"all": _all, "x": x}

_i if input.x in _all

_j := input.x if false else := _all

_k := x if x := input.x with input.y as _all

_l contains _all[_] if input.x
`
	module, err := ast.ParseModule("refers.rego", source)
	if err != nil {
		t.Fatal(err)
	}
	modules, memos, err := memoise(map[string]*ast.Module{"refers.rego": module})
	if err != nil {
		t.Fatal(err)
	}
	if len(memos) != 1 || memos[0].rule != "_all" {
		t.Fatalf("memos: %v", memos)
	}
	for _, rule := range modules["refers.rego"].Rules {
		if ruleName(rule) == "_all" {
			continue
		}
		if text := rule.String(); strings.Contains(text, "_all") && strings.Count(text, "_all") != strings.Count(text, `input.memo["data.kyma.refers"]._all`) {
			t.Errorf("not rewritten: %s", text)
		}
	}
}

// TestMemoOfLibraries: what a library's functions read of the inventory is memoised too, keyed by namespace or not.
func TestMemoOfLibraries(t *testing.T) {
	t.Parallel()
	modules := map[string]*ast.Module{
		"things.rego": ast.MustParseModule(`package lib.kfs.things

near(space, colour) := {name | some name in _named[space][colour]}

_named[space][colour] := {name | data.inventory.namespace[space].things[name].colour == colour} if {
	colour := data.inventory.namespace[space].things[_].colour
}
`),
		"found.rego": ast.MustParseModule(`package kyma.found

import data.lib.kfs.things

found := things.near(input.space, input.colour)
`),
	}
	rewritten, memos, err := memoise(modules)
	if err != nil {
		t.Fatal(err)
	}
	if len(memos) != 1 || memos[0].pkg != "data.lib.kfs.things" || memos[0].rule != "_named" {
		t.Fatalf("memos: %v", memos)
	}
	if got, want := rewritten["things.rego"].Rules[0].String(), `input.memo["data.lib.kfs.things"]._named[space][colour]`; !strings.Contains(got, want) {
		t.Errorf("%s doesn't read %s", got, want)
	}
	if program := (&Program{memos: memos}); len(program.memosOf(nil)) != 1 {
		t.Error("a run doesn't evaluate the library's memo")
	}
}

// TestLibrariesDoNotNestMemos: what is memoised of a library is evaluated before there is a memo, so a function that reads one
// would find nothing.
func TestLibrariesDoNotNestMemos(t *testing.T) {
	t.Parallel()
	_, _, err := memoise(map[string]*ast.Module{
		"a.rego": ast.MustParseModule(`package lib.kfs.a

names(space) := {name | some name in _names[space]}

_names[space] := object.keys(data.inventory.namespace[space].things)
`),
		"b.rego": ast.MustParseModule(`package lib.kfs.b

import data.lib.kfs.a

count_of(space) := _counts[space]

_counts[space] := count(a.names(space)) if data.inventory.namespace[space]
`),
	})
	if err == nil || !strings.Contains(err.Error(), "data.lib.kfs.b._counts") {
		t.Errorf("error %v", err)
	}
}

// TestLibrariesOfferFunctions: a rule of a library that a rule of another module named would be evaluated in every review.
func TestLibrariesOfferFunctions(t *testing.T) {
	t.Parallel()
	lib, err := policy.Load(policies.FS)
	if err != nil {
		t.Fatal(err)
	}
	modules, err := lib.Modules(lib.Policies)
	if err != nil {
		t.Fatal(err)
	}
	analysis := analyse(modules)
	memoisable := func(m memoised) bool {
		uses := analysis.of(m)
		return uses.inventory && !uses.input && !analysis.hasArguments(m)
	}
	for file, module := range modules {
		pkg := module.Package.Path.String()
		for _, rule := range module.Rules {
			if memoisable(memoised{pkg: pkg, rule: ruleName(rule)}) {
				continue // evaluated once, with all that it names
			}
			ast.WalkRefs(rule, func(ref ast.Ref) bool {
				head, ok := ref[0].Value.(ast.Var)
				library := analysis.imports[pkg][string(head)]
				if !ok || library == "" || len(ref) < 2 {
					return false
				}
				if name, ok := ref[1].Value.(ast.String); ok && memoisable(memoised{pkg: library, rule: string(name)}) {
					t.Errorf("%s: %s is no function", file, ref)
				}
				return false
			})
		}
	}
}

// TestNestedMemo: a set that is looked up by array literals alone is nested, and a look-up finds what it finds in the set.
func TestNestedMemo(t *testing.T) {
	t.Parallel()
	const source = `package kyma.nested

_sizes contains [thing.colour, size, name] if {
	some name, thing in data.inventory.things
	some size in thing.sizes
}

_sizes contains ["none", {"of": name}, name] if data.inventory.things[name].sizes == []

_pairs contains [name, thing.colour] if some name, thing in data.inventory.things

_colours contains [name, thing.colour] if some name, thing in data.inventory.things

_singles contains [name] if data.inventory.things[name]

_mixed contains [name] if data.inventory.things[name]

_mixed contains [name, name] if data.inventory.things[name]

found := {
	"names": named(input.colour, 2),
	"nobody": named("green", 2),
	"one": one("red", "b"),
	"nobody of a size": named("red", 9),
	"all": {[a, b, c] | _sizes[[a, b, c]]},
	"none": {b | _sizes[["none", b, _]]},
	"absent": {b | _sizes[["green", b, _]]},
	"member": [true | _sizes[[input.colour, 2, "b"]]],
	"every": {name | _pairs[[name, input.colour]]},
	"pairs": count(_pairs),
	"colours": {name | some [name, colour] in _colours; _colours[[name, input.colour]]},
	"singles": {name | _singles[[name]]},
	"mixed": {name | _mixed[[name, name]]},
	"others": {colour | _sizes[[colour, _, colour]]},
	"all names": {name | _sizes[[_, _, name]]},
}

one(colour, name) := {name | _sizes[[colour, 2, name]]}

named(colour, size) := {name | _sizes[[colour, size, name]]}
`
	module := ast.MustParseModule(source)
	modules, memos, err := memoise(map[string]*ast.Module{"nested.rego": module})
	if err != nil {
		t.Fatal(err)
	}
	depths := map[string]int{}
	for _, m := range memos {
		depths[m.rule] = m.depth
	}
	want := map[string]int{"_sizes": 3, "_pairs": 0, "_colours": 0, "_singles": 0, "_mixed": 0}
	if diff := cmp.Diff(want, depths); diff != "" {
		t.Errorf("depths (-want +got):\n%s", diff)
	}
	store := inmem.NewFromObject(map[string]any{"inventory": map[string]any{"things": map[string]any{
		"a": map[string]any{"colour": "red", "sizes": []any{1, 2}},
		"b": map[string]any{"colour": "red", "sizes": []any{2}},
		"c": map[string]any{"colour": nil, "sizes": []any{}},
	}}})
	evaluate := func(modules map[string]*ast.Module, memos []memoised) any {
		compiler := ast.NewCompiler()
		if compiler.Compile(modules); compiler.Failed() {
			t.Fatal(compiler.Errors)
		}
		e := &Engine{compiler: compiler, options: Options{Now: time.Unix(0, 0), Strict: true}}
		memo, err := e.evaluate(t.Context(), memos, store)
		if err != nil {
			t.Fatal(err)
		}
		input := ast.NewObject(ast.Item(ast.StringTerm("colour"), ast.StringTerm("red")), ast.Item(ast.StringTerm(memoKey), memo))
		results, err := rego.New(rego.Compiler(compiler), rego.Store(store), rego.ParsedInput(input),
			rego.Query("data.kyma.nested.found")).Eval(t.Context())
		if err != nil || len(results) != 1 {
			t.Fatalf("%v, %v", results, err)
		}
		return results[0].Expressions[0].Value
	}
	if diff := cmp.Diff(evaluate(map[string]*ast.Module{"nested.rego": module}, nil), evaluate(modules, memos)); diff != "" {
		t.Errorf("found (-in the sets +in the memo):\n%s", diff)
	}
}

func TestJudge(t *testing.T) {
	lib := library(t)
	program, err := Compile(lib, lib.Policies, nil)
	if err != nil {
		t.Fatal(err)
	}
	things := []*Object{thing(t, "a", "red"), thing(t, "b", "red"), thing(t, "c", "blue"), thing(t, "d", "red")}
	namespace, err := NewObject(map[string]any{
		"apiVersion": "v1", "kind": "Namespace",
		"metadata": map[string]any{"name": "ns", "labels": map[string]any{"level": "high"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	report, err := NewObject(map[string]any{
		"apiVersion": "example.com/v1", "kind": "Report", "metadata": map[string]any{"name": "b", "namespace": "ns"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name      string
		profile   string
		inventory []*Object
		options   Options
		object    *Object
		want      []string
		undecided []string
	}{
		{"peers", "baseline", things, Options{}, things[0], []string{`warn KFS-101: colour "red" is shared with b, d [spec colour]`}, nil},
		{"no peer", "baseline", things, Options{}, things[2], nil, nil},
		{"the profile's action", "strict", append(things, namespace, report), Options{}, things[1],
			[]string{`deny KFS-101: colour "red" is shared with a, d [spec colour]`}, nil},
		{"no Namespace", "strict", nil, Options{}, things[2], nil,
			[]string{"KFS-103 needs Reports of namespace ns", "KFS-102 needs Namespace ns"}},
		{"no Namespace, complete", "strict", nil, Options{Complete: true}, things[2],
			[]string{"warn KFS-102: no level [metadata namespace]"}, nil},
		{"a Namespace is never undecided of itself", "strict", nil, Options{}, namespace, nil, nil},
		{"no evidence", "strict", []*Object{namespace}, Options{}, thing(t, "a", "grey"), nil,
			[]string{"KFS-103 needs Reports of namespace ns"}},
		{"evidence of another object", "strict", []*Object{namespace, report}, Options{}, thing(t, "a", "grey"),
			[]string{"deny KFS-103: grey [spec]"}, nil},
		{"no evidence, complete", "strict", []*Object{namespace}, Options{Complete: true}, thing(t, "a", "grey"),
			[]string{"deny KFS-103: grey [spec]"}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e, err := program.Engine(context.Background(), constraints(t, lib, tc.profile), tc.inventory, tc.options)
			if err != nil {
				t.Fatal(err)
			}
			verdict, err := e.Judge(context.Background(), tc.object)
			if err != nil {
				t.Fatal(err)
			}
			var got, undecided []string
			for _, f := range verdict.Findings {
				got = append(got, fmt.Sprintf("%s %s %v", f.Action, f.Message, f.Path))
			}
			for _, u := range verdict.Undecided {
				undecided = append(undecided, fmt.Sprintf("%s needs %s", u.Rule.ID, u.Needs[0]))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.undecided, undecided); diff != "" {
				t.Errorf("undecided (-want +got):\n%s", diff)
			}
		})
	}
}

func TestViolationOfAnotherShapeIsAnError(t *testing.T) {
	for name, head := range map[string]string{
		"no path":    `{"msg": "x", "details": {"rule": "KFS-101"}}`,
		"no rule":    `{"msg": "x", "details": {"rule": "KFS-999", "path": []}}`,
		"no text":    `{"msg": 1, "details": {"rule": "KFS-101", "path": []}}`,
		"unselected": `{"msg": "x", "details": {"rule": "KFS-102", "path": []}}`,
	} {
		t.Run(name, func(t *testing.T) {
			lib, err := policy.Load(fstest.MapFS{"kyma/bad/bad.rego": {Data: []byte(`# METADATA
# title: Bad
# description: Bad.
# custom: {kind: KymaFunctionBad, fact: jwt-scope, match: [{apiGroups: [example.com], kinds: [Thing]}]}
package kyma.bad

# METADATA
# title: Bad
# scope: rule
# custom: {id: KFS-101, severity: high, profiles: {baseline: deny}, remediation: None.}
violation contains ` + head + ` if input.review.object.kind == "Thing"

# METADATA
# title: Off
# scope: rule
# custom: {id: KFS-102, severity: high, profiles: {strict: deny}, remediation: None.}
violation contains {} if input.review.object.spec.nothing
`)}})
			if err != nil {
				t.Fatal(err)
			}
			program, err := Compile(lib, lib.Policies, nil)
			if err != nil {
				t.Fatal(err)
			}
			e, err := program.Engine(context.Background(), constraints(t, lib, "baseline"), nil, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := e.Judge(context.Background(), thing(t, "a", "red")); err == nil {
				t.Error("no error")
			}
		})
	}
}
