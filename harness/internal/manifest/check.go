package manifest

import (
	"fmt"
	"math/big"
	"regexp"
	"strings"

	yaml3 "gopkg.in/yaml.v3"
)

const (
	ruleMisread   = "KFS-002"
	ruleDuplicate = "KFS-004"
)

// check adds the problems of a document; s is what stands at prefix in its text. It parses the document again only if it looks as if it
// had one.
func (c *collector) check(d *document, s *scope, prefix []any) {
	if s == nil || !d.odd && (d.text.json || !mayMisread(d.text.body)) {
		return
	}
	n := d.text.tree()
	for _, step := range prefix {
		if n != nil {
			_, n = child(n, step)
		}
	}
	if n != nil {
		k := checker{collector: c, seen: map[*yaml3.Node]bool{}}
		k.node(n, s, nil)
	}
}

type checker struct {
	*collector
	seen map[*yaml3.Node]bool
}

func (k *checker) report(rule string, s *scope, path []any, at *yaml3.Node, message string) {
	if s == nil {
		return
	}
	k.input.Problems = append(k.input.Problems, Problem{
		Rule: rule, Path: append([]any{}, path...), Message: message, Position: k.text.at(at.Line, at.Column), Object: s.object,
	})
}

// node checks a node where it stands; path leads to it from the object of s.
func (k *checker) node(n *yaml3.Node, s *scope, path []any) {
	if k.seen[n] {
		return
	}
	k.seen[n] = true
	switch n.Kind {
	case yaml3.SequenceNode:
		for i, item := range n.Content {
			if plain(item) {
				k.value(item, s, append(path, i))
			}
			k.node(item, s, append(path, i))
		}
	case yaml3.MappingNode:
		k.mapping(n, s, path)
	}
}

func (k *checker) mapping(n *yaml3.Node, s *scope, path []any) {
	first := map[string]*yaml3.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if isMerge(key) {
			for _, name := range mergedNames(nil, value, 0) {
				if own := first[name]; own != nil {
					k.report(ruleDuplicate, s, append(path, name), own, fmt.Sprintf(
						"key %q is replaced by the one that << merges after it (line %d): write << first", name, k.text.line+key.Line))
				}
			}
			k.node(value, s, append(path, "<<"))
			continue
		}
		name, ok := keyName(key)
		if !ok {
			continue
		}
		at := append(path, name)
		if plain(key) && name != key.Value {
			k.report(ruleMisread, s, at, key, fmt.Sprintf("the API server reads the key %s as %q: quote it", key.Value, name))
		}
		if before, twice := first[name]; twice {
			k.report(ruleDuplicate, s, at, key, fmt.Sprintf("key %q again: it replaces the one in line %d", name, k.text.line+before.Line))
		}
		first[name] = key
		if plain(value) {
			k.value(value, s, at)
		}
		if items := k.items(s, path, name); items != nil && value.Kind == yaml3.SequenceNode {
			for j, item := range value.Content {
				if j < len(items) && items[j] != nil {
					k.node(item, items[j], nil)
				} else if s.object != nil { // else it is no object: an error already
					k.node(item, s, append(at, j))
				}
			}
			continue
		}
		k.node(value, s, at)
	}
}

// mergedNames appends the keys that a merge of v brings.
func mergedNames(names []string, v *yaml3.Node, depth int) []string {
	if depth > 100 {
		return names
	}
	for _, source := range mergeSources(v) {
		for i := 0; i+1 < len(source.Content); i += 2 {
			if key := source.Content[i]; isMerge(key) {
				names = mergedNames(names, source.Content[i+1], depth+1)
			} else if name, ok := keyName(key); ok {
				names = append(names, name)
			}
		}
	}
	return names
}

// items are the scopes of a list's items if that is what the key name at path holds.
func (k *checker) items(s *scope, path []any, name string) []*scope {
	if s == nil || len(path) > 0 || name != "items" {
		return nil
	}
	return s.items
}

// value checks a plain scalar.
func (k *checker) value(n *yaml3.Node, s *scope, path []any) {
	got, odd := misread(n.Value)
	if !odd || s == nil {
		return
	}
	text := n.Value
	if secret(s.object, path) {
		text = "this scalar"
		got.text = map[byte]string{'b': "a boolean", 'i': "another number", 'f': "another number"}[got.kind]
	}
	message := fmt.Sprintf("the API server reads %s as %s", text, got.text)
	switch got.kind {
	case 's':
		message = fmt.Sprintf("the API server reads %s as a text", text)
	case 'b':
		message += ": write that, or quote it"
	default:
		switch {
		case leadingZero(n.Value):
			message += " (octal): write that, or quote it"
		case beyond(n.Value):
			message += ": numbers have 64 bits, quote it"
		default:
			message += ": write that, or quote it"
		}
	}
	k.report(ruleMisread, s, path, n, message)
}

func leadingZero(s string) bool {
	s = strings.TrimLeft(s, "+-")
	return len(s) > 1 && s[0] == '0' && strings.Trim(s, "01234567") == ""
}

func beyond(s string) bool {
	i, ok := new(big.Int).SetString(s, 10)
	return ok && !i.IsInt64()
}

// secret says that what stands at path may be a secret, which no message repeats.
func secret(o *Object, path []any) bool {
	for _, step := range path {
		if key, ok := step.(string); ok && secretKey.MatchString(key) {
			return true
		}
	}
	return o != nil && o.Kind() == "Secret"
}

// secretKey matches keys below which people put secrets of their own, and names of secrets.
var secretKey = regexp.MustCompile(`^(data|stringData|env|annotations|labels|headers|cookies|config)$` +
	`|(?i:passw|pwd|passphrase|secret|token|credential|key$)`)
