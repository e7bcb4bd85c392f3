package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	yaml3 "gopkg.in/yaml.v3"
)

// A Position is a place in a source. Line and Column count from 1; Column counts characters, not bytes.
type Position struct {
	File   string
	Line   int
	Column int
}

// A text is the text of a document, or of a list's item, and where it stands in its file. Its node tree is made when first asked for.
type text struct {
	file   string
	body   []byte
	line   int // lines of the file before it
	column int // characters of its first line before it
	json   bool

	once sync.Once
	root *yaml3.Node
}

// tree is the node tree, nil if the text can't be parsed. Lines count from 1 in body.
func (t *text) tree() *yaml3.Node {
	t.once.Do(func() {
		defer func() { _ = recover() }() // no positions then; the values come from another parser
		if t.json {
			t.root = jsonTree(t.body, t.column)
			return
		}
		var node yaml3.Node
		if err := yaml3.Unmarshal(t.body, &node); err != nil || len(node.Content) == 0 {
			return
		}
		if hasOddBreak(t.body) {
			fixLines(t.body, &node)
		}
		t.root = node.Content[0]
	})
	return t.root
}

// fixLines gives nodes the lines that editors count: for YAML a lone carriage return, NEL, LS and PS end lines too.
func fixLines(body []byte, node *yaml3.Node) {
	type start struct{ line, column int } // what an editor calls the first character of YAML's line
	starts := []start{{1, 1}}
	line, column := 1, 1
	for at := 0; at < len(body); {
		r, size := utf8.DecodeRune(body[at:])
		at += size
		column++
		switch r {
		case '\n':
			line, column = line+1, 1
		case '\r':
			if at < len(body) && body[at] == '\n' {
				continue
			}
		case '\u0085', '\u2028', '\u2029':
		default:
			continue
		}
		starts = append(starts, start{line, column})
	}
	seen := map[*yaml3.Node]bool{}
	var fix func(*yaml3.Node)
	fix = func(n *yaml3.Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		if n.Line > 0 && n.Line <= len(starts) {
			s := starts[n.Line-1]
			n.Line, n.Column = s.line, s.column+n.Column-1
		}
		for _, child := range n.Content {
			fix(child)
		}
	}
	fix(node)
}

// at is the position of a line and column of body.
func (t *text) at(line, column int) Position { return Position{t.file, t.line + line, column} }

// first is the place of the text's first character that is no comment or marker.
func (t *text) first() Position {
	for line, rest := 1, t.body; len(rest) > 0; line++ {
		end := len(rest)
		if i := bytes.IndexByte(rest, '\n'); i >= 0 {
			end = i + 1
		}
		text := rest[:end]
		indent := len(text) - len(bytes.TrimLeft(text, " \t"))
		if marker(text, "---") {
			indent = len(text) - len(bytes.TrimLeft(text[3:], " \t"))
		}
		if !blank(text[indent:], indent > 0) {
			return t.at(line, 1+indent)
		}
		rest = rest[end:]
	}
	return t.at(1, 1)
}

// find is Object.Position with a path from the text's root.
func (t *text) find(path []any, line int) Position {
	root := t.tree()
	if root == nil {
		return t.first()
	}
	where, value, depth := root, root, 0
	for _, step := range path {
		key, next := child(value, step)
		if next == nil {
			break
		}
		where, value = key, next
		depth++
	}
	if line > 0 && depth == len(path) && value.Kind == yaml3.ScalarNode && value.Value != "" {
		return t.textLine(value, line)
	}
	where = firstKey(where)
	return t.at(where.Line, where.Column)
}

// firstKey is the first key of a block mapping: the mapping itself begins at its anchor or tag, if it has one.
func firstKey(n *yaml3.Node) *yaml3.Node {
	if n.Kind == yaml3.MappingNode && n.Style&yaml3.FlowStyle == 0 && len(n.Content) > 0 {
		return n.Content[0]
	}
	return n
}

// resolve follows aliases.
func resolve(n *yaml3.Node) *yaml3.Node {
	for hops := 0; n != nil && n.Kind == yaml3.AliasNode && hops < 100; hops++ {
		n = n.Alias
	}
	return n
}

// child finds what a path element leads to: the node to point at (key or item) and the value.
func child(n *yaml3.Node, step any) (where, value *yaml3.Node) {
	key, index := stepOf(step)
	switch n.Kind {
	case yaml3.SequenceNode:
		if index >= 0 && index < len(n.Content) {
			return n.Content[index], resolve(n.Content[index])
		}
	case yaml3.MappingNode:
		return entry(n, key, 0)
	}
	return nil, nil
}

// entry finds a key as goyaml.v2 does: in order, the last one wins, and what a merge brings counts where it stands.
func entry(n *yaml3.Node, key string, depth int) (where, value *yaml3.Node) {
	if depth > 100 {
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if isMerge(k) {
			for _, source := range mergeSources(v) {
				if w, x := entry(source, key, depth+1); x != nil {
					where, value = w, x
				}
			}
			continue
		}
		if name, ok := keyName(k); ok && name == key {
			where, value = k, resolve(v)
		}
	}
	return where, value
}

func isMerge(k *yaml3.Node) bool {
	return k.Kind == yaml3.ScalarNode && k.Value == "<<" && (plain(k) || k.Tag == "!!merge")
}

// mergeSources are the mappings that a merge brings, the one that wins last.
func mergeSources(v *yaml3.Node) []*yaml3.Node {
	v = resolve(v)
	if v == nil {
		return nil
	}
	if v.Kind == yaml3.MappingNode {
		return []*yaml3.Node{v}
	}
	var sources []*yaml3.Node
	for i := len(v.Content) - 1; i >= 0 && v.Kind == yaml3.SequenceNode; i-- {
		if m := resolve(v.Content[i]); m != nil && m.Kind == yaml3.MappingNode {
			sources = append(sources, m)
		}
	}
	return sources
}

// keyName is a key as JSON has it; false for keys that JSON can't have.
func keyName(k *yaml3.Node) (string, bool) {
	k = resolve(k)
	if k == nil || k.Kind != yaml3.ScalarNode {
		return "", false
	}
	if plain(k) {
		return read11(k.Value).key(), true
	}
	return k.Value, true
}

// plain says that a scalar was written without quotes, block or tag.
func plain(n *yaml3.Node) bool { return n.Kind == yaml3.ScalarNode && n.Style == 0 }

func stepOf(step any) (key string, index int) {
	switch s := step.(type) {
	case string:
		key = s
	case json.Number:
		key = s.String()
	case float64:
		key = strconv.FormatFloat(s, 'f', -1, 64)
	default:
		key = fmt.Sprint(s)
	}
	index, err := strconv.Atoi(key)
	if err != nil {
		index = -1
	}
	return key, index
}

// textLine is the place of the n-th line (from 1) of a scalar.
func (t *text) textLine(value *yaml3.Node, n int) Position {
	n = max(1, min(n, 1+strings.Count(strings.TrimSuffix(value.Value, "\n"), "\n")))
	switch {
	case t.json:
		return t.at(value.Line, value.Column)
	case value.Style&(yaml3.LiteralStyle|yaml3.FoldedStyle) != 0:
		return t.blockLine(value, n)
	}
	return t.flowLine(value, n)
}

// blockLine finds a line of a block scalar: in a literal one each is a line of the file; a folded one joins lines, as counted here.
func (t *text) blockLine(value *yaml3.Node, n int) Position {
	lines := strings.Split(string(t.body), "\n")
	begin := value.Line // index of the line after the header
	if value.Style&yaml3.FoldedStyle != 0 {
		indent := blockIndent(lines[min(begin, len(lines)):], value.Value)
		count, blanks, started, more := 1, 0, false, false
		for i := begin; i < len(lines); i++ {
			line := strings.TrimSuffix(lines[i], "\r")
			if strings.Trim(line, " ") == "" && len(line) <= indent {
				blanks++
				continue
			}
			if len(line)-len(strings.TrimLeft(line, " ")) < indent {
				break // the end of the text
			}
			line = line[indent:]
			spaced := line != "" && (line[0] == ' ' || line[0] == '\t')
			switch {
			case !started || blanks > 0 && !more && !spaced:
				count += blanks
			case more || spaced:
				count += 1 + blanks
			}
			started, more, blanks = true, spaced, 0
			if count >= n {
				n = i - begin + 1
				break
			}
		}
	}
	i := begin + n - 1
	if i >= len(lines) {
		return t.at(value.Line, value.Column)
	}
	visible := strings.TrimLeft(lines[i], " \t\r")
	if visible == "" {
		return t.at(i+1, 1)
	}
	return t.at(i+1, 1+len(lines[i])-len(visible))
}

// blockIndent is how far the lines of a block scalar are indented, from its first line with content.
func blockIndent(lines []string, value string) int {
	for _, text := range strings.Split(value, "\n") {
		if strings.Trim(text, " ") == "" {
			continue
		}
		for _, line := range lines {
			if strings.Trim(line, " \r") != "" {
				spaces := func(s string) int { return len(s) - len(strings.TrimLeft(s, " ")) }
				return spaces(line) - spaces(text)
			}
		}
	}
	return 0
}

// flowLine finds a line of a plain or quoted scalar. Where it is written on several lines, a line break is a space and each further one
// a line; "\n" in double quotes is a line as well.
func (t *text) flowLine(value *yaml3.Node, n int) Position {
	rest := t.body
	line, column := 1, 1
	for ; line < value.Line; line++ {
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			return t.at(value.Line, value.Column)
		}
		rest = rest[i+1:]
	}
	escapes := value.Style&yaml3.DoubleQuotedStyle != 0
	count, breaks := 1, 0
	found := func() Position {
		if line == value.Line {
			return t.at(value.Line, value.Column)
		}
		return t.at(line, column)
	}
	for i := 0; i < len(rest); {
		r, size := utf8.DecodeRune(rest[i:])
		i += size
		if column < value.Column && line == value.Line {
			column++
			continue
		}
		switch {
		case r == '\n':
			line, column = line+1, 1
			breaks++
			continue
		case r == ' ' || r == '\t' || r == '\r':
			column++
			continue
		}
		if breaks > 1 {
			count += breaks - 1
		}
		breaks = 0
		escaped := r == '\\' && escapes && i < len(rest)
		if escaped && (rest[i] == '\n' || rest[i] == '\r') { // an escaped line break is nothing
			breaks--
			column++
			continue
		}
		if count >= n {
			return found()
		}
		if escaped {
			if rest[i] == 'n' {
				count++
			}
			i++
			column++
		}
		column++
	}
	return t.at(value.Line, value.Column)
}
