package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	yaml3 "gopkg.in/yaml.v3"
	yaml2 "sigs.k8s.io/yaml/goyaml.v2"
)

const (
	// maxDepth bounds how deep values nest. Real objects stay below 100; what reads them later recurses.
	maxDepth = 1000
	// maxValues bounds the values of one document: a parser needs some hundred bytes for each.
	maxValues = 3_000_000
	// maxExpanded bounds what aliases may add to all documents: about a million values.
	maxExpanded = 16 << 20
)

// fault is why a document can't be read; line counts from 1 in the document's text, 0 is unknown.
type fault struct {
	line, column int
	message      string
}

func faultf(format string, args ...any) *fault { return &fault{message: fmt.Sprintf(format, args...)} }

// decode reads a YAML document as sigs.k8s.io/yaml and encoding/json with UseNumber would, without the way through JSON; tests prove it.
// Odd says that it has duplicate or odd keys or merges, so that check is worth its time.
//
// It reads more strictly in a few points: text after the document's end is a fault (there it is silently left out), so is too deep or too
// big a value, or one that JSON can't have even if a duplicate key replaces it; and of keys that become equal as strings the last one wins
// (there it is random).
func decode(t *text) (value any, odd bool, f *fault) {
	defer func() {
		if p := recover(); p != nil { // the parsers recover from what they know; nothing may stop the other documents
			value, odd, f = nil, false, faultf("the YAML parser fails: %s", unquoted(fmt.Sprint(p)))
		}
	}()

	if countValues(t.body) > maxValues {
		return nil, false, tooManyValues()
	}
	decoder := yaml2.NewDecoder(bytes.NewReader(t.body))
	var err error
	if odd = mayMerge(t.body); odd {
		// Keys merged into an ordered mapping get lost, so this takes the parser's slower maps.
		err = decoder.Decode(&value)
	} else {
		var root ordered
		err = decoder.Decode(&root)
		value = root.value
	}
	var wrongType *yaml2.TypeError
	switch {
	case errors.Is(err, io.EOF):
		return nil, false, nil
	case errors.As(err, &wrongType): // a scalar that looks like null and isn't never gets to UnmarshalYAML
		return nil, false, &fault{message: notMapping}
	case err != nil:
		return nil, false, yamlFault(t.body, err)
	}
	var rest any
	if err := decoder.Decode(&rest); err == nil {
		return nil, false, faultf("a second document without a line \"---\" before it")
	} else if !errors.Is(err, io.EOF) {
		return nil, false, yamlFault(t.body, err)
	}

	c := converter{odd: odd}
	value, err = c.convert(value, nil, 0)
	if err != nil {
		var at *pathError
		if errors.As(err, &at) {
			p := t.find(at.path, 0)
			return nil, false, (&fault{p.Line - t.line, p.Column, at.message}).hint(t.body)
		}
		return nil, false, faultf("%v", err)
	}
	return value, c.odd, nil
}

// mayMerge says that body may have a merge key. Whatever its tag makes plain (`! "…"`, `!!merge "…"`) is one too, and then "<" may be
// written as an escape or stand on a line of its own.
func mayMerge(body []byte) bool {
	return bytes.Contains(body, []byte("<<")) ||
		bytes.IndexByte(body, '!') >= 0 && bytes.IndexByte(body, '"') >= 0 && escapedLess.Match(body)
}

var escapedLess = regexp.MustCompile(`\\(?:x3[cC]|u003[cC]|U0000003[cC]|[\r\n\x{85}\x{2028}\x{2029}])`)

// ordered is any value with its mappings as MapSlice, which keeps duplicate keys and costs less than a map.
type ordered struct{ value any }

// UnmarshalYAML tells mappings from lists first: goyaml would take a list for a MapSlice, which is a slice.
func (o *ordered) UnmarshalYAML(unmarshal func(any) error) error {
	var wrongType *yaml2.TypeError
	if err := unmarshal(&struct{}{}); err == nil { // costs the keys only
		var mapping yaml2.MapSlice
		err := unmarshal(&mapping)
		o.value = mapping
		return err
	} else if !errors.As(err, &wrongType) {
		return err
	}
	var list []ordered
	if err := unmarshal(&list); err == nil {
		values := make([]any, len(list))
		for i := range list {
			values[i] = list[i].value
		}
		o.value = values
		return nil
	} else if !errors.As(err, &wrongType) {
		return err
	}
	return unmarshal(&o.value)
}

func tooManyValues() *fault { return faultf("more than %d values in one document", maxValues) }

const notMapping = "not a Kubernetes object: no mapping"

// countValues is an upper bound of the items and entries in a document: each but the first has one of these before it.
func countValues(body []byte) int {
	n := 0
	for _, separator := range []string{"\n", ",", "[", "{", "- ", "? "} {
		n += bytes.Count(body, []byte(separator))
	}
	return n
}

// A converter turns goyaml's values into those of encoding/json.
type converter struct{ odd bool }

type pathError struct {
	path    []any
	message string
}

func (e *pathError) Error() string { return e.message }

// path is a linked list, so that the way down costs nothing unless there is an error.
type path struct {
	parent *path
	step   any
}

func (p *path) slice() []any {
	var steps []any
	for ; p != nil; p = p.parent {
		steps = append(steps, p.step)
	}
	slices.Reverse(steps)
	return steps
}

func (c *converter) convert(in any, at *path, depth int) (any, error) {
	if depth > maxDepth {
		return nil, &pathError{at.slice()[:8], fmt.Sprintf("nested deeper than %d levels", maxDepth)}
	}
	switch v := in.(type) {
	case nil, bool:
		return v, nil
	case string:
		return v, nil
	case int:
		return json.Number(strconv.Itoa(v)), nil
	case int64:
		return json.Number(strconv.FormatInt(v, 10)), nil
	case uint64:
		return json.Number(strconv.FormatUint(v, 10)), nil
	case float64:
		number := jsonFloat(v)
		if number[len(number)-1] == 'f' || number[len(number)-1] == 'n' {
			return nil, &pathError{at.slice(), fmt.Sprintf("%s is no number that JSON has", number)}
		}
		return json.Number(number), nil
	case yaml2.MapSlice:
		out := make(map[string]any, len(v))
		for _, item := range v {
			if err := c.set(out, item.Key, item.Value, at, depth); err != nil {
				return nil, err
			}
		}
		if len(out) != len(v) {
			c.odd = true
		}
		return out, nil
	case map[any]any:
		out := make(map[string]any, len(v))
		items := make(yaml2.MapSlice, 0, len(v))
		for key, value := range v {
			items = append(items, yaml2.MapItem{Key: key, Value: value})
		}
		order := func(item yaml2.MapItem) string { return fmt.Sprintf("%T %v", item.Key, item.Key) }
		slices.SortFunc(items, func(a, b yaml2.MapItem) int { return strings.Compare(order(a), order(b)) })
		for _, item := range items {
			if err := c.set(out, item.Key, item.Value, at, depth); err != nil {
				return nil, err
			}
		}
		return out, nil
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			converted, err := c.convert(item, &path{at, i}, depth+1)
			if err != nil {
				return nil, err
			}
			out[i] = converted
		}
		return out, nil
	}
	return nil, &pathError{at.slice(), fmt.Sprintf("a value of type %T", in)}
}

func (c *converter) set(out map[string]any, key, value any, at *path, depth int) error {
	name, ok := key.(string)
	if !ok {
		c.odd = true
		switch k := key.(type) {
		case int:
			name = strconv.Itoa(k)
		case int64:
			name = strconv.FormatInt(k, 10)
		case float64:
			name = floatKey(k)
		case bool:
			name = strconv.FormatBool(k)
		case nil:
			return &pathError{at.slice(), "a null key"}
		case uint64:
			return &pathError{at.slice(), fmt.Sprintf("the key %d is too big a number: quote it", k)}
		default:
			return &pathError{at.slice(), "a mapping or list as a key"}
		}
	}
	converted, err := c.convert(value, &path{at, name}, depth+1)
	out[name] = converted
	return err
}

var (
	yamlLine    = regexp.MustCompile(`^yaml: (?:line ([0-9]+): )?(?s:(.*))$`)
	parserError = regexp.MustCompile(`^(did not find expected (',' or|<|'-'|key|node content)|found (duplicate %|incompatible|undefined tag))`)
)

// yamlFault takes the line from an error of the parser and adds what helps.
func yamlFault(body []byte, err error) *fault {
	f := &fault{message: strings.TrimPrefix(err.Error(), "yaml: ")}
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		f.line, _ = strconv.Atoi(m[1])
		f.message = m[2]
		if f.line > 0 && parserError.MatchString(f.message) {
			f.line++ // goyaml counts these from 0, the scanner's from 1
		}
		f.line = min(f.line, 1+bytes.Count(bytes.TrimSuffix(body, []byte("\n")), []byte("\n"))) // the end of the text counts as a line of its own
	}
	f.message = unquoted(f.message)
	return f.hint(body)
}

// The parser's messages that repeat what the text says, and what is said instead: a password that begins with an asterisk
// is an alias to it. The rest quote no more than the signs that YAML itself is made of.
var repeating = []struct{ begins, said string }{
	{"document contains excessive aliasing", tooManyAliases},
	{"unknown anchor '", "an alias to an anchor that isn't there: quote a text that begins with *"},
	{"anchor '", "an anchor that contains itself"},
	{"cannot decode ", "a value that isn't of the type that its tag says"},
	{"invalid map key: ", "a mapping or list as a key"},
	{"resolveTable item", "a scalar that it can't read"},
}

var quotation = regexp.MustCompile("(?s)'[^']{5,}'|\"[^\"]{5,}\"|`[^`]{5,}`")

func unquoted(message string) string {
	for _, r := range repeating {
		if strings.HasPrefix(message, r.begins) {
			return r.said
		}
	}
	return quotation.ReplaceAllString(message, "…")
}

// hint adds what the reason probably is.
func (f *fault) hint(body []byte) *fault {
	switch {
	case bytes.Contains(body, []byte("{{")):
		f.message += "; a Helm template? render it first: helm template … | kfs check -"
	case f.line > 0 && strings.Contains(leading(lineOf(body, f.line)), "\t"):
		f.message += "; a tab: YAML indents with spaces"
	}
	return f
}

const tooManyAliases = "refused: its aliases expand to far more than its text"

func leading(line string) string { return line[:len(line)-len(strings.TrimLeft(line, " \t"))] }

// lineOf is the n-th line (from 1) of body without its end, "" if there is none.
func lineOf(body []byte, n int) string {
	for ; n > 1; n-- {
		i := bytes.IndexByte(body, '\n')
		if i < 0 {
			return ""
		}
		body = body[i+1:]
	}
	if i := bytes.IndexByte(body, '\n'); i >= 0 {
		body = body[:i]
	}
	return string(bytes.TrimSuffix(body, []byte("\r")))
}

var (
	anchorToken = regexp.MustCompile(`(?:^|[^\w/)&*])&[\w-]`)
	aliasToken  = regexp.MustCompile(`(?:^|[^\w/)&*])\*[\w-]`)
)

// hasAlias says that body may have an alias; code and prose rarely look like one.
func hasAlias(body []byte) bool {
	return bytes.IndexByte(body, '*') >= 0 && bytes.IndexByte(body, '&') >= 0 && aliasToken.Match(body) && anchorToken.Match(body)
}

// expansion is what aliases add to a document: 16 for each value and the bytes of its text, up to a bit more than maxExpanded. It comes
// from the node tree, which is as small as the text; false if that can't be made.
func expansion(t *text) (added int, ok bool) {
	root := t.tree()
	if root == nil {
		return 0, false
	}
	own := 0
	costs := map[*yaml3.Node]int{}
	var cost func(n *yaml3.Node, depth int) int
	cost = func(n *yaml3.Node, depth int) int {
		if known, ok := costs[n]; ok {
			return known // 0 while n is being counted: goyaml refuses such a cycle
		}
		if depth > 20*maxDepth {
			return maxExpanded
		}
		costs[n] = 0
		mine := 16 + len(n.Value)
		own += mine
		for _, child := range n.Content {
			mine += cost(child, depth+1)
		}
		if n.Kind == yaml3.AliasNode && n.Alias != nil {
			mine += cost(n.Alias, depth+1)
		}
		costs[n] = min(mine, 1<<40)
		return costs[n]
	}
	total := cost(root, 0)
	return min(total-own, maxExpanded+1), true
}

// unparsable says why a document has no node tree, from the parser that values come from, without expanding aliases.
func unparsable(body []byte) (f *fault) {
	defer func() {
		if p := recover(); p != nil {
			f = faultf("the YAML parser fails: %s", unquoted(fmt.Sprint(p)))
		}
	}()
	if err := yaml2.Unmarshal(body, &struct{}{}); err != nil {
		var wrongType *yaml2.TypeError
		if errors.As(err, &wrongType) {
			return &fault{message: notMapping}
		}
		return yamlFault(body, err)
	}
	return faultf("refused: its aliases can't be followed")
}
