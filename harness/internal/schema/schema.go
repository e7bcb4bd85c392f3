// Package schema knows the Kubernetes kinds that the policies judge or read: their API groups, versions and fields, condensed
// into one YAML file per kind. It is the one source of the types that Rego is compiled against, of the manifest rules
// KFS-001, KFS-003 and KFS-005, and of the CRDs that tests install. It knows nothing of policies, files or positions.
//
// # Notation
//
// A file is named after its kind, in lower case:
//
//	kind: APIRule
//	group: gateway.kyma-project.io
//	plural: apirules
//	scope: Namespaced          # or Cluster
//	builtin: true              # served by the API server itself, without a CRD
//	versions:                  # the one that discovery prefers on today's clusters first
//	  - name: v2
//	    group: extensions      # if it isn't the kind's
//	    flavors: [classic]     # of Kyma Serverless; none means both
//	    deprecated: true
//	    fields: {…}            # less apiVersion, kind and metadata, which every kind has
//	types: {…}                 # what fields share, by name
//	aliases: {wrong: right}    # hints for KFS-001
//
// A field's type is
//
//	string integer number boolean    a scalar
//	int-or-string                    what it says
//	quantity                         a string or any number, as built-in kinds read quantities
//	A | B | ""                       a string with these values
//	object                           an object of any fields
//	any                              any value
//	[T]                              a list of T
//	{"*": T}                         an object with any keys and values of T
//	{name!: T, other: U}             an object of these fields; name is required
//	Name                             a type of the same file; pod.Name is one of shared/pod.yaml
//
// A schema is complete: it has every field that any supported release of the kind has, so that a field it lacks is one the
// API server drops.
package schema

import (
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
)

//go:embed *.yaml shared/*.yaml
var embedded embed.FS

// A GVK names one version of a kind. Group is empty for Kubernetes' core group.
type GVK struct {
	Group   string `json:"group" yaml:"group"`
	Version string `json:"version" yaml:"version"`
	Kind    string `json:"kind" yaml:"kind"`
}

// APIVersion is what stands under apiVersion: "v1", "gateway.kyma-project.io/v2".
func (g GVK) APIVersion() string {
	if g.Group == "" {
		return g.Version
	}
	return g.Group + "/" + g.Version
}

// A GroupKind names a kind in all its versions.
type GroupKind struct {
	Group string
	Kind  string
}

func (g GroupKind) String() string {
	if g.Group == "" {
		return g.Kind
	}
	return g.Kind + "." + g.Group
}

// A Kind is a kind of Kubernetes object, in one API group.
type Kind struct {
	Group      string
	Kind       string
	Plural     string
	Namespaced bool
	// Versions begin with the one that discovery prefers. Function's v1alpha2 stands in it once per flavor; Ingress has one
	// of another group.
	Versions []Version

	builtin bool
	aliases map[string]string
}

// A Version is one version of a kind, as one flavor of Kyma Serverless or both serve it.
type Version struct {
	GVK
	Flavors    []string // "classic", "buildless"; none means both
	Deprecated bool

	root *node
}

// Has says whether the version exists in that flavor. Every version exists in the flavor "".
func (v Version) Has(flavor string) bool {
	return flavor == "" || len(v.Flavors) == 0 || slices.Contains(v.Flavors, flavor)
}

// BuiltIn says whether the API server serves the kind itself, without a CRD.
func (k *Kind) BuiltIn() bool { return k.builtin }

// GroupKind names k.
func (k *Kind) GroupKind() GroupKind { return GroupKind{k.Group, k.Kind} }

// GroupVersions are the versions of k in all flavors, each once, the preferred first.
func (k *Kind) GroupVersions() []GVK {
	var all []GVK
	for _, v := range k.Versions {
		if !slices.Contains(all, v.GVK) {
			all = append(all, v.GVK)
		}
	}
	return all
}

// Synced is the version that Gatekeeper syncs: served, and preferred by discovery, on today's clusters. For a kind that
// none of them serves (GitRepository) it is the last there was.
func (k *Kind) Synced() GVK { return k.Versions[0].GVK }

// A Set is a set of kinds. It reads a kind's file when the kind is first asked for, and is safe for concurrent use.
type Set struct {
	kinds  map[string]func() (*Kind, error) // by lower-case name
	shared map[string]func() (*types, error)
	heads  func() ([]GroupKind, error)
	groups func() (map[string]group, error)
}

// Load gives the kinds of this package. A file that can't be read is an error of whoever asks for its kind: a test reads all.
func Load() *Set { return New(embedded) }

// New makes a set of the files *.yaml and shared/*.yaml of fsys.
func New(fsys fs.FS) *Set {
	s := &Set{kinds: map[string]func() (*Kind, error){}, shared: map[string]func() (*types, error){}}
	for _, file := range files(fsys, "*.yaml") {
		s.kinds[strings.TrimSuffix(file, ".yaml")] = sync.OnceValues(func() (*Kind, error) { return s.readKind(fsys, file) })
	}
	for _, file := range files(fsys, "shared/*.yaml") {
		name := strings.TrimSuffix(strings.TrimPrefix(file, "shared/"), ".yaml")
		s.shared[name] = sync.OnceValues(func() (*types, error) { return s.readShared(fsys, file) })
	}
	s.heads = sync.OnceValues(func() ([]GroupKind, error) { return readHeads(fsys, slices.Sorted(maps.Keys(s.kinds))) })
	s.groups = sync.OnceValues(func() (map[string]group, error) { return readGroups(fsys) })
	return s
}

func files(fsys fs.FS, pattern string) []string {
	names, err := fs.Glob(fsys, pattern)
	if err != nil {
		panic(err) // the patterns are constants
	}
	return names
}

// Err reads everything and returns the first error.
func (s *Set) Err() error {
	for _, name := range slices.Sorted(maps.Keys(s.kinds)) {
		if _, err := s.kinds[name](); err != nil {
			return err
		}
	}
	if _, err := s.heads(); err != nil {
		return err
	}
	_, err := s.groups()
	return err
}

// ByName returns the kind of that name. A name is unique among the kinds of a set.
func (s *Set) ByName(kind string) (*Kind, bool) {
	read, ok := s.kinds[strings.ToLower(kind)]
	if !ok {
		return nil, false
	}
	k, err := read()
	if err != nil {
		panic(fmt.Sprintf("schema: %s: %v", kind, err)) // the files are part of the program
	}
	return k, k.Kind == kind
}

// Kind returns the kind that is served in a group: Ingress is found in networking.k8s.io and in extensions.
func (s *Set) Kind(group, kind string) (*Kind, bool) {
	k, ok := s.ByName(kind)
	if !ok || !slices.ContainsFunc(k.Versions, func(v Version) bool { return v.Group == group }) {
		return nil, false
	}
	return k, true
}

// Version returns a version of a kind as a flavor has it.
func (s *Set) Version(g GVK, flavor string) (Version, bool) {
	k, ok := s.Kind(g.Group, g.Kind)
	if !ok {
		return Version{}, false
	}
	i := slices.IndexFunc(k.Versions, func(v Version) bool { return v.GVK == g && v.Has(flavor) })
	if i < 0 {
		return Version{}, false
	}
	return k.Versions[i], true
}

// Kinds returns all kinds, by name.
func (s *Set) Kinds() []*Kind {
	all := make([]*Kind, 0, len(s.kinds))
	for _, g := range s.groupKinds() {
		k, _ := s.ByName(g.Kind)
		all = append(all, k)
	}
	return all
}

// Match returns the kinds of a Gatekeeper match, which is a product of groups and kinds; "*" in either means all.
func (s *Set) Match(groups, kinds []string) []GroupKind {
	var all []GroupKind
	for _, k := range s.Kinds() {
		for _, v := range k.Versions {
			g := GroupKind{v.Group, v.Kind}
			if listed(groups, v.Group) && listed(kinds, v.Kind) && !slices.Contains(all, g) {
				all = append(all, g)
			}
		}
	}
	return all
}

func listed(list []string, name string) bool {
	return len(list) == 0 || slices.Contains(list, "*") || slices.Contains(list, name)
}

// groupKinds are the kinds of the set, by name, known without reading whole files.
func (s *Set) groupKinds() []GroupKind {
	heads, err := s.heads()
	if err != nil {
		panic("schema: " + err.Error())
	}
	return heads
}

// Groups are the API groups in which KFS-005 knows every kind or most of them.
func (s *Set) Groups() []string { return slices.Sorted(maps.Keys(s.knownGroups())) }

func (s *Set) knownGroups() map[string]group {
	groups, err := s.groups()
	if err != nil {
		panic("schema: " + err.Error())
	}
	return groups
}
