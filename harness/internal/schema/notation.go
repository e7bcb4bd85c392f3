package schema

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"unicode"

	"gopkg.in/yaml.v3"
)

type form int

const (
	anything form = iota
	text
	integer
	number
	boolean
	intOrString
	quantity
	list
	object
)

// A node is a compiled type. It is never changed once its file is read, and shared by all fields of that type.
type node struct {
	form   form
	enum   []string         // of text
	items  *node            // of list
	fields map[string]field // of object
	open   *node            // of object: the type of the values of all other keys; nil if there are none
}

type field struct {
	*node
	required bool
}

// closed says whether an object has no other fields than those listed.
func (n *node) closed() bool { return n.open == nil }

var scalars = map[string]*node{
	"any":           {form: anything},
	"string":        {form: text},
	"integer":       {form: integer},
	"number":        {form: number},
	"boolean":       {form: boolean},
	"int-or-string": {form: intOrString},
	"quantity":      {form: quantity},
	"object":        {form: object, open: &node{form: anything}},
}

// kindFile is a kind's file as it is written.
type kindFile struct {
	Kind     string
	Group    string
	Plural   string
	Scope    string
	Builtin  bool
	Versions []struct {
		Name       string
		Group      string
		Flavors    []string
		Deprecated bool
		Fields     yaml.Node
	}
	Types   map[string]yaml.Node
	Aliases map[string]string
}

// A group is an entry of shared/groups.yaml.
type group struct {
	Versions []string
	Kinds    []string
	Open     bool
}

func decode(fsys fs.FS, file string, into any) error {
	source, err := fs.ReadFile(fsys, file)
	if err != nil {
		return err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(source))
	decoder.KnownFields(true)
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

func (s *Set) readKind(fsys fs.FS, file string) (*Kind, error) {
	var source kindFile
	if err := decode(fsys, file, &source); err != nil {
		return nil, err
	}
	if strings.ToLower(source.Kind)+".yaml" != file {
		return nil, fmt.Errorf("%s: describes kind %q", file, source.Kind)
	}
	if source.Scope != "Namespaced" && source.Scope != "Cluster" || source.Plural == "" || len(source.Versions) == 0 {
		return nil, fmt.Errorf("%s: scope, plural or versions missing", file)
	}
	kind := &Kind{
		Group: source.Group, Kind: source.Kind, Plural: source.Plural, Namespaced: source.Scope == "Namespaced",
		builtin: source.Builtin, aliases: source.Aliases,
	}
	metadata, err := s.sharedType("meta.ObjectMeta")
	if err != nil {
		return nil, err
	}
	types := s.newTypes(source.Types)
	for _, v := range source.Versions {
		version := Version{
			GVK: GVK{v.Group, v.Name, source.Kind}, Flavors: v.Flavors, Deprecated: v.Deprecated,
		}
		if version.Group == "" {
			version.Group = source.Group
		}
		fields, err := types.compile(&v.Fields)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", file, v.Name, err)
		}
		if fields.form != object {
			return nil, fmt.Errorf("%s: %s: fields is no object", file, v.Name)
		}
		version.root = withCommon(fields, metadata)
		kind.Versions = append(kind.Versions, version)
	}
	return kind, nil
}

// withCommon adds what every kind has.
func withCommon(n, metadata *node) *node {
	root := &node{form: object, open: n.open, fields: map[string]field{
		"apiVersion": {node: scalars["string"], required: true},
		"kind":       {node: scalars["string"], required: true},
		"metadata":   {node: metadata},
	}}
	for name, f := range n.fields {
		root.fields[name] = f
	}
	return root
}

func (s *Set) readShared(fsys fs.FS, file string) (*types, error) {
	var source map[string]yaml.Node
	if err := decode(fsys, file, &source); err != nil {
		return nil, err
	}
	types := s.newTypes(source)
	for name := range source {
		if _, err := types.named(name); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return types, nil
}

// sharedType finds "pod.Container" in shared/pod.yaml.
func (s *Set) sharedType(name string) (*node, error) {
	file, local, _ := strings.Cut(name, ".")
	read, ok := s.shared[file]
	if !ok {
		return nil, fmt.Errorf("type %s: there is no shared/%s.yaml", name, file)
	}
	types, err := read()
	if err != nil {
		return nil, err
	}
	return types.named(local)
}

// types are the named types of one file.
type types struct {
	set      *Set
	sources  map[string]yaml.Node
	compiled map[string]*node
	nodes    map[*yaml.Node]*node // so that *v1 is the type of &v1
	open     map[string]bool      // being compiled: no type may contain itself
}

func (s *Set) newTypes(sources map[string]yaml.Node) *types {
	return &types{set: s, sources: sources, compiled: map[string]*node{}, nodes: map[*yaml.Node]*node{}, open: map[string]bool{}}
}

func (t *types) named(name string) (*node, error) {
	if n, ok := t.compiled[name]; ok {
		return n, nil
	}
	source, ok := t.sources[name]
	if !ok {
		return nil, fmt.Errorf("no type %s", name)
	}
	if t.open[name] {
		return nil, fmt.Errorf("type %s contains itself", name)
	}
	t.open[name] = true
	n, err := t.compile(&source)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	delete(t.open, name)
	t.compiled[name] = n
	return n, nil
}

func (t *types) compile(source *yaml.Node) (*node, error) {
	if source.Kind == yaml.AliasNode {
		return t.compile(source.Alias)
	}
	if source.Kind == yaml.ScalarNode {
		return t.scalar(source.Value)
	}
	// A node is decoded by value: its content is the same, the node is not.
	var key *yaml.Node
	if len(source.Content) > 0 {
		key = source.Content[0]
	}
	if n, ok := t.nodes[key]; ok && key != nil {
		return n, nil
	}
	n, err := t.composite(source)
	if err != nil {
		return nil, err
	}
	if key != nil {
		t.nodes[key] = n
	}
	return n, nil
}

func (t *types) composite(source *yaml.Node) (*node, error) {
	switch source.Kind {
	case yaml.SequenceNode:
		if len(source.Content) != 1 {
			return nil, fmt.Errorf("line %d: a list has one type", source.Line)
		}
		items, err := t.compile(source.Content[0])
		return &node{form: list, items: items}, err
	case yaml.MappingNode:
		n := &node{form: object, fields: make(map[string]field, len(source.Content)/2)}
		for i := 0; i < len(source.Content); i += 2 {
			name := source.Content[i].Value
			value, err := t.compile(source.Content[i+1])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if name == "*" {
				n.open = value
				continue
			}
			name, required := strings.CutSuffix(name, "!")
			n.fields[name] = field{node: value, required: required}
		}
		return n, nil
	}
	return nil, errors.New("an empty type")
}

func (t *types) scalar(value string) (*node, error) {
	if n, ok := scalars[value]; ok {
		return n, nil
	}
	if strings.Contains(value, " | ") {
		enum := strings.Split(value, " | ")
		for i, v := range enum {
			if v == `""` {
				enum[i] = ""
			}
		}
		return &node{form: text, enum: enum}, nil
	}
	if strings.Contains(value, ".") {
		return t.set.sharedType(value)
	}
	if value != "" && unicode.IsUpper(rune(value[0])) {
		return t.named(value)
	}
	return nil, fmt.Errorf("%q is no type", value)
}

// readHeads reads the first lines of kinds' files, `kind: …` and `group: …`.
func readHeads(fsys fs.FS, names []string) ([]GroupKind, error) {
	heads := make([]GroupKind, 0, len(names))
	for _, name := range names {
		source, err := fs.ReadFile(fsys, name+".yaml")
		if err != nil {
			return nil, err
		}
		var head GroupKind
		for line := range strings.Lines(string(source)) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			switch key {
			case "kind":
				head.Kind = value
			case "group":
				head.Group = strings.Trim(value, `"`)
			}
			if line == "\n" {
				break
			}
		}
		if strings.ToLower(head.Kind) != name {
			return nil, fmt.Errorf("%s.yaml: the first lines don't say kind and group", name)
		}
		heads = append(heads, head)
	}
	slices.SortFunc(heads, func(a, b GroupKind) int { return strings.Compare(a.Kind, b.Kind) })
	return heads, nil
}

func readGroups(fsys fs.FS) (map[string]group, error) {
	groups := map[string]group{}
	return groups, decode(fsys, "shared/groups.yaml", &groups)
}
