// Package policy reads the Rego sources and what their annotations say: which policies and rules there are, which kinds they
// judge, which parameters they take and which libraries they need. Everything generated and every verdict starts from here.
// It neither evaluates policies (package engine) nor writes files (package bundle).
package policy

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"golang.org/x/sync/errgroup"
)

// Profiles and Flavors are the legal values of both, in the order in which they are shown; the first is the default.
var (
	Profiles = []string{"baseline", "strict"}
	Flavors  = []string{"classic", "buildless"}
)

// Facts names the facts of Kyma's "Function Security" page by the first digit of a rule's id.
var Facts = map[string]string{
	"0": "manifest",
	"1": "jwt-scope",
	"2": "runtime-image",
	"3": "no-scans",
	"4": "no-authorization",
	"5": "pod-security",
	"6": "registry",
	"7": "namespace-access",
}

// Library is all Rego of the bundle.
type Library struct {
	Policies []*Policy // sorted by their first rule's id
	files    map[string]*file
	packages map[string]string // package path, as in data.lib.kfs.finding, to file path
}

// Policy is one file of policies/kyma: one ConstraintTemplate.
type Policy struct {
	Name             string // jwt_binding; also the last element of its package
	Kind             string // KymaFunctionJWTBinding
	Title            string
	Description      string
	Fact             string // jwt-scope
	Match            []MatchKinds
	SystemNamespaces bool // judged in system namespaces too
	Parameters       []Parameter
	Rules            []*Rule // sorted by id
	Path             string  // kyma/jwt_binding/jwt_binding.rego
	Module           *ast.Module
	Source           []byte
}

// MatchKinds is one entry of a Constraint's spec.match.kinds.
type MatchKinds struct {
	APIGroups []string `json:"apiGroups"`
	Kinds     []string `json:"kinds"`
}

// Parameter is one property of a Constraint's spec.parameters.
type Parameter struct {
	Name     string
	Schema   map[string]any // OpenAPI v3, with description and default
	Profiles map[string]any // the value that a profile's constraints set instead of the default
	Flavors  map[string]any
}

// Value is what the constraints of a profile and flavor set.
func (p Parameter) Value(profile, flavor string) any {
	if v, ok := p.Flavors[flavor]; ok {
		return v
	}
	if v, ok := p.Profiles[profile]; ok {
		return v
	}
	return p.Schema["default"]
}

// Rule is one violation rule.
type Rule struct {
	ID               string
	Title            string
	Severity         string            // high, medium, low
	Flavors          []string          // never empty
	Profiles         map[string]string // profile to action, deny or warn; a profile in which the rule is off is absent
	Remediation      string
	Inventory        []string // the kinds it reads besides the object
	Absence          bool     // fires because another object is missing
	Evidence         []string // kinds that something else makes in the object's namespace: without any, kfs can't decide
	SystemNamespaces bool     // judged in system namespaces though its policy isn't
	Kinds            []string // the kinds it judges
	Policy           *Policy
	Line             int // of its annotations in Policy.Path
}

// Fact is the slug of the fact that the rule belongs to.
func (r *Rule) Fact() string { return Facts[r.ID[4:5]] }

// NeedsContext says whether the rule is decided only once the object's Namespace is known.
func (r *Rule) NeedsContext() bool { return r.Absence || slices.Contains(r.Inventory, "Namespace") }

// Action is what a profile does with the rule in a flavor: deny, warn, or empty where it is off.
func (r *Rule) Action(profile, flavor string) string {
	if !slices.Contains(r.Flavors, flavor) {
		return ""
	}
	return r.Profiles[profile]
}

type file struct {
	path   string
	source []byte
	module *ast.Module
}

// Load parses every policy and library of fsys, whose root is the root of the OPA bundle, tests left out. An error names file
// and line.
func Load(fsys fs.FS) (*Library, error) {
	lib := &Library{files: map[string]*file{}, packages: map[string]string{}}
	var files []*file
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) != ".rego" || strings.HasSuffix(name, "_test.rego") {
			return err
		}
		source, err := fs.ReadFile(fsys, name)
		files = append(files, &file{path: name, source: source})
		return err
	})
	if err != nil {
		return nil, err
	}
	var group errgroup.Group // a third of a small run is parsing
	group.SetLimit(runtime.NumCPU())
	for _, f := range files {
		group.Go(func() (err error) {
			f.module, err = ast.ParseModuleWithOpts(f.path, string(f.source), ast.ParserOptions{
				ProcessAnnotation: strings.HasPrefix(f.path, "kyma/"),
				RegoVersion:       ast.RegoV1,
			})
			if err != nil {
				return fmt.Errorf("parse %s: %w", f.path, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for _, f := range files {
		lib.files[f.path] = f
		lib.packages[f.module.Package.Path.String()] = f.path
	}
	for name, f := range lib.files {
		if !strings.HasPrefix(name, "kyma/") {
			continue
		}
		p, err := read(f)
		if err != nil {
			return nil, err
		}
		lib.Policies = append(lib.Policies, p)
	}
	slices.SortFunc(lib.Policies, func(a, b *Policy) int { return strings.Compare(a.Rules[0].ID, b.Rules[0].ID) })
	return lib, lib.unique()
}

// Rule finds a rule by its id.
func (lib *Library) Rule(id string) (*Rule, bool) {
	for _, p := range lib.Policies {
		for _, r := range p.Rules {
			if r.ID == id {
				return r, true
			}
		}
	}
	return nil, false
}

// ByKind finds a policy by the kind of its Constraints.
func (lib *Library) ByKind(kind string) (*Policy, bool) {
	for _, p := range lib.Policies {
		if p.Kind == kind {
			return p, true
		}
	}
	return nil, false
}

// Modules gives the parsed modules of these policies and of all libraries they need, by path.
func (lib *Library) Modules(policies []*Policy) (map[string]*ast.Module, error) {
	modules := map[string]*ast.Module{}
	for _, p := range policies {
		modules[p.Path] = p.Module
		needed, err := lib.closure(p.Path)
		if err != nil {
			return nil, err
		}
		for _, name := range needed {
			modules[name] = lib.files[name].module
		}
	}
	return modules, nil
}

// Files gives all non-test sources by path, the adapter included.
func (lib *Library) Files() map[string][]byte {
	files := make(map[string][]byte, len(lib.files))
	for name, f := range lib.files {
		files[name] = f.source
	}
	return files
}

// Libraries gives the sources of the libraries that a policy needs, sorted by path.
func (lib *Library) Libraries(p *Policy) ([]string, error) {
	needed, err := lib.closure(p.Path)
	if err != nil {
		return nil, err
	}
	sources := make([]string, len(needed))
	for i, name := range needed {
		sources[i] = string(lib.files[name].source)
	}
	return sources, nil
}

// closure follows imports. A library that isn't shipped would be silently undefined in Gatekeeper, so it is an error.
func (lib *Library) closure(start string) ([]string, error) {
	seen := map[string]bool{start: true}
	queue := []string{start}
	for len(queue) > 0 {
		current := lib.files[queue[0]]
		queue = queue[1:]
		for _, imported := range current.module.Imports {
			target := imported.Path.Value.(ast.Ref).String()
			name, ok := lib.packages[target]
			if !ok {
				return nil, fmt.Errorf("%s: import %s: no such library", imported.Location, target)
			}
			if !seen[name] {
				seen[name] = true
				queue = append(queue, name)
			}
		}
	}
	delete(seen, start)
	names := make([]string, 0, len(seen))
	for name := range seen {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

var ruleID = regexp.MustCompile(`^KFS-[1-7][0-9]{2}$`)

func (lib *Library) unique() error {
	owners := map[string]string{}
	for _, p := range lib.Policies {
		for _, r := range p.Rules {
			if other, taken := owners[r.ID]; taken {
				return fmt.Errorf("%s:%d: %s is also a rule of %s", p.Path, r.Line, r.ID, other)
			}
			owners[r.ID] = p.Path
		}
	}
	return nil
}
