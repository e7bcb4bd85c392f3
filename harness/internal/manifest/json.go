package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"

	yaml3 "gopkg.in/yaml.v3"
)

// decodeJSON reads a stream of JSON objects as kubectl does; false if it isn't JSON (a flow-style YAML document begins like it).
func decodeJSON(t *text) (docs []*document, ok bool) {
	if countValues(t.body) > maxValues {
		return []*document{{text: t, fault: tooManyValues()}}, true
	}
	decoder := json.NewDecoder(bytes.NewReader(t.body))
	decoder.UseNumber()
	for {
		before := int(decoder.InputOffset())
		var value any
		err := decoder.Decode(&value)
		if errors.Is(err, io.EOF) {
			return docs, true
		}
		if err != nil {
			return nil, false
		}
		start := before + len(t.body[before:]) - len(bytes.TrimLeft(t.body[before:], " \t\r\n"))
		docs = append(docs, t.jsonValue(start, int(decoder.InputOffset())).document(value))
	}
}

// jsonValue is the text of the JSON value that is t.body[start:end].
func (t *text) jsonValue(start, end int) *text {
	newline := bytes.LastIndexByte(t.body[:start], '\n') + 1
	return &text{
		file:   t.file,
		body:   t.body[start:end],
		line:   t.line + bytes.Count(t.body[:newline], []byte("\n")),
		column: utf8.RuneCount(t.body[newline:start]),
		json:   true,
	}
}

func (t *text) document(value any) *document {
	d := &document{text: t}
	w := jsonWalk{body: t.body, line: 1, column: 1}
	w.value(0)
	if w.deep {
		d.fault = faultf("nested deeper than %d levels", maxDepth)
		return d
	}
	d.value, d.odd = value, w.duplicate
	return d
}

// jsonWalk walks over valid JSON. It finds duplicate keys, and builds nodes with positions as yaml.v3 has them if asked to.
type jsonWalk struct {
	body         []byte
	at           int
	line, column int
	build        bool
	duplicate    bool
	deep         bool
}

func (w *jsonWalk) skip() {
	for w.at < len(w.body) {
		switch w.body[w.at] {
		case ' ', '\t', '\r', '\n', ',', ':':
			w.step()
		default:
			return
		}
	}
}

func (w *jsonWalk) step() {
	if w.body[w.at] == '\n' {
		w.line++
		w.column = 1
	} else if w.body[w.at]&0xC0 != 0x80 { // the first byte of a character
		w.column++
	}
	w.at++
}

// value walks over the next value and returns its node, nil if none is built.
func (w *jsonWalk) value(depth int) *yaml3.Node {
	w.skip()
	if w.at >= len(w.body) || depth > maxDepth {
		w.deep = w.deep || depth > maxDepth
		w.at = len(w.body)
		return nil
	}
	var n *yaml3.Node
	if w.build {
		n = &yaml3.Node{Kind: yaml3.ScalarNode, Line: w.line, Column: w.column}
	}
	switch w.body[w.at] {
	case '{':
		w.step()
		if n != nil {
			n.Kind, n.Style = yaml3.MappingNode, yaml3.FlowStyle
		}
		seen := map[string]bool{}
		for w.skip(); w.at < len(w.body) && w.body[w.at] != '}'; w.skip() {
			line, column := w.line, w.column
			key := w.text()
			w.duplicate = w.duplicate || seen[key]
			seen[key] = true
			value := w.value(depth + 1)
			if n != nil && value != nil {
				n.Content = append(n.Content, &yaml3.Node{
					Kind: yaml3.ScalarNode, Style: yaml3.DoubleQuotedStyle, Value: key, Line: line, Column: column,
				}, value)
			}
		}
		w.end()
	case '[':
		w.step()
		if n != nil {
			n.Kind, n.Style = yaml3.SequenceNode, yaml3.FlowStyle
		}
		for w.skip(); w.at < len(w.body) && w.body[w.at] != ']'; w.skip() {
			if value := w.value(depth + 1); n != nil && value != nil {
				n.Content = append(n.Content, value)
			}
		}
		w.end()
	case '"':
		if n == nil {
			w.quoted()
			return nil
		}
		n.Style, n.Value = yaml3.DoubleQuotedStyle, w.text()
	default:
		start := w.at
		for w.at < len(w.body) && word[w.body[w.at]] {
			w.step()
		}
		if w.at == start { // not valid JSON after all
			w.at = len(w.body)
		}
		if n != nil {
			n.Value = string(w.body[start:w.at])
		}
	}
	return n
}

func (w *jsonWalk) end() {
	if w.at < len(w.body) {
		w.step()
	}
}

// quoted walks over a string and returns it with its quotes.
func (w *jsonWalk) quoted() []byte {
	start := w.at
	w.end()
	for w.at < len(w.body) && w.body[w.at] != '"' {
		if w.body[w.at] == '\\' {
			w.step()
		}
		w.end()
	}
	w.end()
	return w.body[start:w.at]
}

func (w *jsonWalk) text() string {
	quoted := w.quoted()
	if len(quoted) < 2 {
		return ""
	}
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1])
	}
	var s string
	_ = json.Unmarshal(quoted, &s) // valid, or ""
	return s
}

// jsonTree is the node tree of valid JSON whose first character stands at line 1 and column offset+1.
func jsonTree(body []byte, offset int) *yaml3.Node {
	w := jsonWalk{body: body, line: 1, column: 1 + offset, build: true}
	return w.value(0)
}
