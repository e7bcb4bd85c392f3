package schema

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A Problem is a disagreement of an object with its kind's schema.
type Problem struct {
	Rule    string // KFS-001, KFS-003 or KFS-005
	Path    []any  // strings and ints, from the object's root
	Message string // without the rule's id; never shows a value
}

// Check compares an object with its kind's schema, in the flavor "classic" or "buildless" of Kyma Serverless; "" takes the
// first that has the version. The values have the types of encoding/json, with numbers as json.Number or float64. It finds
//
//   - KFS-001: fields that the kind doesn't have;
//   - KFS-003: values of the wrong type. null is no value: the API server drops it, so it is right for every field. In a list
//     it is wrong, except in built-in kinds, where it stands for the empty value;
//   - KFS-005: a kind or version that no cluster serves, in the groups of shared/groups.yaml. An object of any other group is
//     fine, and of a kind without a schema no more than its name is checked.
//
// It doesn't look into status, which no author of a manifest decides, and judges neither enums nor missing fields: the API
// server refuses both aloud, and what values mean is the policies' business. Problems come in the order of their paths.
func (s *Set) Check(value map[string]any, flavor string) []Problem {
	apiVersion, _ := value["apiVersion"].(string)
	kind, _ := value["kind"].(string)
	if apiVersion == "" || kind == "" {
		return nil
	}
	group, version, ok := strings.Cut(apiVersion, "/")
	if !ok {
		group, version = "", apiVersion
	}
	k, ok := s.Kind(group, kind)
	if !ok {
		return s.unknownKind(GVK{group, version, kind})
	}
	v, ok := s.Version(GVK{group, version, kind}, flavor)
	if !ok {
		return unserved("apiVersion", "%s", unknownVersion(k, version, flavor))
	}
	c := checker{kind: k, version: v, flavor: flavor}
	for name, field := range value {
		from := len(c.found)
		switch f, ok := v.root.fields[name]; {
		case name == "status" && ok:
			continue
		case name == "metadata":
			c.lenient = true
			c.value(f.node, field)
			c.lenient = k.builtin
		case ok:
			c.lenient = k.builtin
			c.value(f.node, field)
		case v.root.closed():
			c.unknown(v.root, value)
		default:
			continue
		}
		c.step(from, name)
	}
	return c.problems()
}

type checker struct {
	kind    *Kind
	version Version
	flavor  string
	lenient bool // read as Go structs are: null is the empty value, a quantity may be any number
	found   []flaw
}

// A flaw is a problem while its path is still growing, from the value up to the root.
type flaw struct {
	path     []any
	want     *node          // of a value of the wrong type
	got      any            // that value
	parent   *node          // of an unknown field: the object's type
	siblings map[string]any // and the object
}

// step adds a key or an index to the paths of the flaws found since.
func (c *checker) step(from int, key any) {
	for i := from; i < len(c.found); i++ {
		c.found[i].path = append(c.found[i].path, key)
	}
}

func (c *checker) unknown(parent *node, siblings map[string]any) {
	c.found = append(c.found, flaw{parent: parent, siblings: siblings})
}

func (c *checker) value(n *node, value any) {
	if value == nil {
		return
	}
	ok := true
	switch n.form {
	case anything:
	case text:
		_, ok = value.(string)
	case boolean:
		_, ok = value.(bool)
	case integer:
		ok = isInteger(value)
	case number:
		ok = isNumber(value)
	case intOrString:
		_, ok = value.(string)
		ok = ok || isInteger(value)
	case quantity:
		_, ok = value.(string)
		ok = ok || isNumber(value)
	case list:
		var values []any
		if values, ok = value.([]any); ok {
			c.list(n, values)
		}
	case object:
		var values map[string]any
		if values, ok = value.(map[string]any); ok {
			c.object(n, values)
		}
	}
	if !ok {
		c.found = append(c.found, flaw{want: n, got: value})
	}
}

func (c *checker) list(n *node, values []any) {
	for i, value := range values {
		from := len(c.found)
		if value == nil && !c.lenient && n.items.form != anything {
			c.found = append(c.found, flaw{want: n.items, got: nil})
		} else {
			c.value(n.items, value)
		}
		if len(c.found) > from {
			c.step(from, i)
		}
	}
}

func (c *checker) object(n *node, values map[string]any) {
	if n.open != nil && n.open.form == anything && len(n.fields) == 0 {
		return
	}
	for name, value := range values {
		from := len(c.found)
		switch f, ok := n.fields[name]; {
		case ok:
			c.value(f.node, value)
		case n.open != nil:
			c.value(n.open, value)
		default:
			c.unknown(n, values)
		}
		if len(c.found) > from {
			c.step(from, name)
		}
	}
}

func isNumber(value any) bool {
	switch value.(type) {
	case json.Number, float64, int64, int:
		return true
	}
	return false
}

// isInteger is true of 3.0 too, as in the API server.
func isInteger(value any) bool {
	switch value := value.(type) {
	case int64, int:
		return true
	case float64:
		return value == math.Trunc(value)
	case json.Number:
		if _, err := strconv.ParseInt(string(value), 10, 64); err == nil {
			return true
		}
		f, err := value.Float64()
		return err == nil && f == math.Trunc(f)
	}
	return false
}

func (c *checker) problems() []Problem {
	if len(c.found) == 0 {
		return nil
	}
	all := make([]Problem, 0, len(c.found))
	for _, f := range c.found {
		slices.Reverse(f.path)
		if f.want != nil {
			all = append(all, Problem{Rule: "KFS-003", Path: f.path, Message: wrongType(f)})
		} else {
			all = append(all, Problem{Rule: "KFS-001", Path: f.path, Message: c.unknownField(f)})
		}
	}
	slices.SortFunc(all, func(a, b Problem) int { return comparePaths(a.Path, b.Path) })
	return all
}

func comparePaths(a, b []any) int {
	return slices.CompareFunc(a, b, func(x, y any) int {
		if i, ok := x.(int); ok {
			if j, ok := y.(int); ok {
				return cmp.Compare(i, j)
			}
		}
		return strings.Compare(fmt.Sprint(x), fmt.Sprint(y))
	})
}

func wrongType(f flaw) string {
	hint := ""
	if f.want.form == text {
		switch f.got.(type) {
		case bool, json.Number, float64:
			hint = "; put it in quotes"
		}
	}
	return fmt.Sprintf("%q must be %s, not %s%s", place(f.path), f.want.form, describe(f.got), hint)
}

// place is the path from the last key on: `paths[2]`.
func place(path []any) string {
	i := len(path) - 1
	for ; i > 0; i-- {
		if _, ok := path[i].(string); ok {
			break
		}
	}
	var b strings.Builder
	for _, step := range path[i:] {
		switch step := step.(type) {
		case string:
			b.WriteString(clip(step))
		case int:
			fmt.Fprintf(&b, "[%d]", step)
		}
	}
	return b.String()
}

// clip keeps messages short whatever an author has put in the place of a key. What is too long isn't cut: nobody could tell
// that a piece is a credential's.
func clip(key string) string {
	if utf8.RuneCountInString(key) > 60 {
		return "…"
	}
	return key
}

func (f form) String() string {
	return [...]string{
		"any value", "a string", "an integer", "a number", "a boolean", "an integer or a string", "a quantity", "a list", "an object",
	}[f]
}

func describe(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case string:
		return "a string"
	case bool:
		return "a boolean"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	if isInteger(value) {
		return "an integer"
	}
	return "a number"
}

// unknownField says what has become of a field: another version's, another flavor's, or a misspelling.
func (c *checker) unknownField(f flaw) string {
	name, _ := f.path[len(f.path)-1].(string)
	version := c.version.Version
	if len(c.version.Flavors) == 1 {
		version += " (" + c.version.Flavors[0] + ")"
	}
	message := fmt.Sprintf("field %q isn't in %s %s: the API server drops it", clip(name), c.kind.Kind, version)
	if right := c.meant(name, f); right != "" {
		return message + fmt.Sprintf("; did you mean %q?", right)
	}
	if owner := c.owner(f.path); owner != "" {
		return message + "; " + owner + " has it"
	}
	return message
}

// meant is the field that the author may have had in mind, unless it is there already.
func (c *checker) meant(name string, f flaw) string {
	free := func(candidate string) bool {
		_, known := f.parent.fields[candidate]
		_, taken := f.siblings[candidate]
		return known && !taken
	}
	if right := c.kind.aliases[name]; free(right) {
		return right
	}
	candidates := slices.DeleteFunc(slices.Sorted(maps.Keys(f.parent.fields)), func(s string) bool { return !free(s) })
	return nearest(name, candidates)
}

// owner names the version or flavor of the kind that has the field at the same place.
func (c *checker) owner(path []any) string {
	for _, v := range c.kind.Versions {
		if v.Version == c.version.Version && slices.Equal(v.Flavors, c.version.Flavors) || v.Group != c.version.Group {
			continue
		}
		if !v.root.has(path) {
			continue
		}
		if v.Version == c.version.Version {
			return strings.Join(v.Flavors, " and ")
		}
		return v.Version
	}
	return ""
}

func (n *node) has(path []any) bool {
	for _, step := range path {
		switch step := step.(type) {
		case int:
			if n.form != list {
				return false
			}
			n = n.items
		case string:
			f, ok := n.fields[step]
			switch {
			case ok:
				n = f.node
			default:
				return false
			}
		}
	}
	return true
}

func unknownVersion(k *Kind, version, flavor string) string {
	var served []string
	for _, v := range k.Versions {
		if v.Has(flavor) && !slices.Contains(served, v.Version) {
			served = append(served, v.Version)
		}
	}
	if len(served) == 0 {
		return fmt.Sprintf("no %s cluster serves kind %q", flavor, k.Kind)
	}
	who := "cluster"
	if slices.ContainsFunc(k.Versions, func(v Version) bool { return v.Version == version }) {
		who = flavor + " cluster"
	}
	return fmt.Sprintf("no %s serves version %q of %s; known are %s", who, clip(version), k.Kind, strings.Join(served, ", "))
}

// unknownKind judges a kind without a schema by its name alone.
func (s *Set) unknownKind(g GVK) []Problem {
	known, ok := s.knownGroups()[g.Group]
	if !ok {
		return nil
	}
	if name := strings.TrimSuffix(g.Kind, "List"); name != g.Kind {
		if _, ok := s.Kind(g.Group, name); ok || slices.Contains(known.Kinds, name) {
			return nil
		}
	}
	if slices.Contains(known.Kinds, g.Kind) {
		if len(known.Versions) == 0 || slices.Contains(known.Versions, g.Version) {
			return nil
		}
		return unserved("apiVersion", "no cluster serves version %q of %s; known are %s",
			clip(g.Version), g.Kind, strings.Join(known.Versions, ", "))
	}
	names, home := slices.Clone(known.Kinds), ""
	for _, k := range s.groupKinds() {
		if k.Group == g.Group {
			names = append(names, k.Kind)
		}
		if k.Kind == g.Kind {
			home = k.Group
		}
	}
	if g.Group == "" && g.Version != "v1" {
		// Many a tool has files with an apiVersion without a group that are meant for no cluster.
		if _, group := s.knownGroups()[g.Version]; group || home != "" || slices.Contains(names, g.Kind) {
			return unserved("apiVersion", "no cluster serves %s in apiVersion %q", g.Kind, clip(g.Version))
		}
		return nil
	}
	group := g.Group
	if group == "" {
		group = "v1"
	}
	switch near := nearest(g.Kind, names); {
	case near != "":
		return unserved("kind", "no cluster serves kind %q in %q; did you mean %q?", clip(g.Kind), group, near)
	case home != "" && (!known.Open || g.Group == ""):
		return unserved("kind", "no cluster serves kind %q in %q; %s is in %q", clip(g.Kind), group, g.Kind, home)
	case !known.Open:
		return unserved("kind", "no cluster serves kind %q in %q", clip(g.Kind), group)
	}
	return nil
}

func unserved(path, format string, args ...any) []Problem {
	return []Problem{{Rule: "KFS-005", Path: []any{path}, Message: fmt.Sprintf(format, args...)}}
}
