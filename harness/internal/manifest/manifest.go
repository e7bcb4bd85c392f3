// Package manifest reads Kubernetes manifests: values as the API server reads them, positions as the author wrote them.
//
// It knows files, documents, lists and the traps of YAML and JSON (KFS-002, KFS-004), and nothing of policies or schemas. Values come
// from the parser that kubectl and the API server use; positions and the traps from a second parse of only the documents asked for.
package manifest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"
)

// Options are Read's options. The zero value is what kfs uses.
type Options struct {
	// MaxBytes is the largest source that is read; 0 means 64 MiB.
	MaxBytes int64
	// Workers is the number of sources and documents read at a time; 0 means one per CPU.
	Workers int
}

// Input is everything Read found, each list in the order of the sources and of the documents in them.
type Input struct {
	Objects  []*Object
	Problems []Problem
	Errors   []Error
	Skipped  []Skipped

	lines map[string]*lines
}

// Line is the text of a line (from 1) of a source as written, without its end; false if there is none. It is safe for concurrent use.
func (in *Input) Line(file string, line int) (string, bool) {
	l := in.lines[file]
	if l == nil {
		return "", false
	}
	return l.line(line)
}

// lines finds lines of a text by number; their starts are counted when first asked for.
type lines struct {
	data   []byte
	once   sync.Once
	starts []int
}

func (l *lines) line(n int) (string, bool) {
	l.once.Do(func() {
		for at := 0; at < len(l.data); {
			l.starts = append(l.starts, at)
			i := bytes.IndexByte(l.data[at:], '\n')
			if i < 0 {
				break
			}
			at += i + 1
		}
	})
	if n < 1 || n > len(l.starts) {
		return "", false
	}
	text := l.data[l.starts[n-1]:]
	if i := bytes.IndexByte(text, '\n'); i >= 0 {
		text = text[:i]
	}
	return string(bytes.TrimSuffix(text, []byte("\r"))), true
}

// A Problem is a finding about the text of a manifest: KFS-002 or KFS-004.
type Problem struct {
	Rule     string
	Path     []any  // strings and ints, from the object
	Message  string // without the rule
	Position Position
	Object   *Object
}

// An Error is something that could not be read. Line and Column are 0 if unknown.
type Error struct {
	File    string
	Line    int
	Column  int
	Message string
}

// Skipped is a document of a walked directory that is no Kubernetes object (a kustomization, Helm values), or a hidden folder in it, whose
// Line is 0.
type Skipped struct {
	File   string
	Line   int
	Reason string
}

// An Object is one Kubernetes object of a source. It is safe for concurrent use; Value must not be changed.
type Object struct {
	File     string
	Document int // index among the file's documents that have content, from 0
	// Value has the types of encoding/json with numbers as json.Number.
	Value map[string]any

	text   *text
	prefix []any // where Value stands in text
}

// APIVersion is the object's apiVersion, never empty.
func (o *Object) APIVersion() string { return stringAt(o.Value, "apiVersion") }

// Kind is the object's kind, never empty.
func (o *Object) Kind() string { return stringAt(o.Value, "kind") }

// Namespace is metadata.namespace, empty if missing or no string.
func (o *Object) Namespace() string { return o.metadata("namespace") }

// Name is metadata.name, empty if missing or no string.
func (o *Object) Name() string { return o.metadata("name") }

func (o *Object) metadata(key string) string {
	m, _ := o.Value["metadata"].(map[string]any)
	return stringAt(m, key)
}

func stringAt(m map[string]any, key string) string {
	s, _ := m[key].(string)
	return s
}

// Position is the place of the mapping key or list item that path leads to, or of its deepest parent that exists. Path elements are
// strings (keys) and integers (indices; any Go integer, json.Number or integral float64). The empty path is the object's first key.
//
// With line > 0 it is the line-th line of the text at path: inside a block scalar that line of the file, at its first visible character;
// in a text written on one line, the place of the text.
func (o *Object) Position(path []any, line int) Position {
	full := make([]any, 0, len(o.prefix)+len(path))
	return o.text.find(append(append(full, o.prefix...), path...), line)
}

// String is what it is and where.
func (s Skipped) String() string {
	if s.Line == 0 {
		return s.File + ": " + s.Reason
	}
	return fmt.Sprintf("%s:%d: %s", s.File, s.Line, s.Reason)
}

// Read reads all sources. The error is ctx's alone; what is wrong with a source or document is in Input.Errors, and doesn't stop the others.
// The result doesn't depend on the number of workers.
func Read(ctx context.Context, sources []Source, options Options) (*Input, error) {
	if options.MaxBytes <= 0 {
		options.MaxBytes = 64 << 20
	}
	if options.Workers <= 0 {
		options.Workers = runtime.NumCPU()
	}

	streams := make([]stream, len(sources))
	err := parallel(ctx, options.Workers, len(sources), func(i int) {
		if !sources[i].Hidden {
			streams[i] = await(ctx, sources[i], options.MaxBytes)
		}
	})
	if err != nil {
		return nil, err
	}

	var jobs []*job
	for i, s := range streams {
		for _, c := range s.chunks {
			jobs = append(jobs, &job{text: &text{file: sources[i].Name, body: c.body, line: c.line}})
		}
	}
	err = parallel(ctx, options.Workers, len(jobs), func(i int) { jobs[i].first() })
	if err != nil {
		return nil, err
	}
	refuseAliases(jobs)
	err = parallel(ctx, options.Workers, len(jobs), func(i int) { jobs[i].second(ctx, options.Workers) })
	if err != nil {
		return nil, err
	}

	input := &Input{lines: make(map[string]*lines, len(streams))}
	next := 0
	for i, s := range streams {
		if sources[i].Hidden {
			input.Skipped = append(input.Skipped, Skipped{File: sources[i].Name, Reason: "a hidden folder; name it to have it read"})
			continue
		}
		input.lines[sources[i].Name] = &lines{data: s.data}
		if s.err != nil {
			input.Errors = append(input.Errors, *s.err)
		}
		index := 0
		for range s.chunks {
			for _, d := range jobs[next].documents {
				d.collect(input, sources[i], index)
				index++
			}
			next++
		}
	}
	return input, nil
}

// parallel calls do for 0 … n-1 from several goroutines, and stops early if ctx ends.
func parallel(ctx context.Context, workers, n int, do func(int)) error {
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(workers, n) {
		group.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				do(i)
			}
		})
	}
	group.Wait()
	return ctx.Err()
}

// A stream is a source that has been read: cut into documents, or an error.
type stream struct {
	data   []byte
	chunks []chunk
	err    *Error
}

// await opens a source, and leaves it behind if ctx ends first: nothing else ends the wait for a terminal or a pipe that stays silent.
func await(ctx context.Context, source Source, limit int64) stream {
	opened := make(chan stream, 1)
	go func() { opened <- open(source, limit) }()
	select {
	case s := <-opened:
		return s
	case <-ctx.Done():
		return stream{}
	}
}

func open(source Source, limit int64) stream {
	data, err := readAll(source, limit)
	if err != nil {
		return stream{err: &Error{File: source.Name, Message: cause(err).Error()}}
	}
	switch {
	case bytes.HasPrefix(data, []byte("\xFE\xFF")), bytes.HasPrefix(data, []byte("\xFF\xFE")):
		return stream{err: &Error{File: source.Name, Line: 1, Message: "UTF-16 text: save it as UTF-8"}}
	}
	if i := bytes.IndexByte(data, 0); i >= 0 {
		return stream{err: &Error{File: source.Name, Line: lineAt(data, i), Message: "not a text: it has a NUL byte"}}
	}
	if !utf8.Valid(data) {
		i := 0
		for i < len(data) {
			r, size := utf8.DecodeRune(data[i:])
			if r == utf8.RuneError && size == 1 {
				break
			}
			i += size
		}
		return stream{err: &Error{File: source.Name, Line: lineAt(data, i), Message: "not a text in UTF-8"}}
	}
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	return stream{data: data, chunks: split(data)}
}

func lineAt(data []byte, offset int) int { return 1 + bytes.Count(data[:offset], []byte("\n")) }

func readAll(source Source, limit int64) ([]byte, error) {
	r, err := source.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()

	var data bytes.Buffer
	if file, ok := r.(*os.File); ok {
		if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
			if info.Size() > limit {
				return nil, tooBig(limit)
			}
			data.Grow(int(info.Size()) + bytes.MinRead)
		}
	}
	if _, err := data.ReadFrom(io.LimitReader(r, limit+1)); err != nil {
		return nil, err
	}
	if int64(data.Len()) > limit {
		return nil, tooBig(limit)
	}
	return data.Bytes(), nil
}

func tooBig(limit int64) error {
	return fmt.Errorf("bigger than %d MiB, the most that is read", limit>>20)
}

// cause drops the operation and the path from an error: they stand beside it already.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// A document is what one document of a source was read to: a value, nil if it is empty, or a fault.
type document struct {
	text  *text
	value any
	odd   bool // worth a check for duplicate keys and misread keys
	fault *fault
	items []*document // of a list that was read in pieces; value is then the list without its items
}

func (d *document) empty() bool { return d.fault == nil && d.value == nil && d.items == nil }

// minCut is the size from which lists are read in pieces.
const minCut = 16 << 10

// A job is the reading of one chunk: a document, or more if it is a stream of JSON.
type job struct {
	text      *text
	aliases   bool
	added     int // by aliases, see expansion
	fault     *fault
	documents []*document
}

// first reads JSON, and measures the aliases of what isn't JSON.
func (j *job) first() {
	t := j.text
	if body := bytes.TrimLeft(t.body, " \t\r\n"); len(body) > 0 && body[0] == '{' {
		if docs, ok := decodeJSON(t); ok {
			j.documents = docs
			return
		}
	}
	if j.aliases = hasAlias(t.body); !j.aliases {
		return
	}
	var ok bool
	if j.added, ok = expansion(t); !ok {
		j.fault = unparsable(t.body)
	}
}

// second reads YAML.
func (j *job) second(ctx context.Context, workers int) {
	t := j.text
	switch {
	case j.documents != nil:
		return
	case j.fault != nil:
		j.documents = []*document{{text: t, fault: j.fault}}
		return
	case len(t.body) >= minCut && !j.aliases:
		if d := pieces(ctx, t, workers); d != nil {
			j.documents = []*document{d}
			return
		}
	}
	d := &document{text: t}
	if d.value, d.odd, d.fault = decode(t); !d.empty() {
		j.documents = []*document{d}
	}
}

// refuseAliases refuses the documents whose aliases would make more of the input than it is worth. All share one budget, for each of many
// documents may have a small bomb.
func refuseAliases(jobs []*job) {
	budget := maxExpanded
	for _, j := range jobs {
		if j.added > budget {
			j.fault = &fault{message: tooManyAliases}
			continue
		}
		budget -= j.added
	}
}

// pieces reads a long list item by item: in parallel, and so that a position later costs the parse of one item. It returns nil
// where anything is unusual; then the document is read whole.
func pieces(ctx context.Context, t *text, workers int) *document {
	l, ok := cut(chunk{t.body, t.line})
	if !ok || len(l.items) < 2 {
		return nil
	}
	head := &document{text: t}
	for _, body := range [][]byte{l.head[:l.before], l.head} { // the first alone shows that "items:" is a key
		value, odd, fault := decode(&text{file: t.file, body: body, line: t.line})
		m, _ := value.(map[string]any)
		if items, has := m["items"]; odd || fault != nil || !has || items != nil {
			return nil
		}
		head.value = m
	}
	if m := head.value.(map[string]any); !isListKind(m) {
		return nil
	}
	head.items = make([]*document, len(l.items))
	var failed atomic.Bool
	_ = parallel(ctx, workers, len(l.items), func(i int) {
		if failed.Load() {
			return
		}
		d := &document{text: &text{file: t.file, body: l.items[i].body, line: l.items[i].line}}
		var one any
		one, d.odd, d.fault = decode(d.text)
		sequence, ok := one.([]any)
		if d.fault != nil || !ok || len(sequence) != 1 {
			failed.Store(true)
			return
		}
		d.value = sequence[0]
		head.items[i] = d
	})
	if failed.Load() || ctx.Err() != nil {
		return nil
	}
	return head
}

func isListKind(value map[string]any) bool {
	return stringAt(value, "apiVersion") != "" && strings.HasSuffix(stringAt(value, "kind"), "List")
}

// collect adds what is in d to input.
func (d *document) collect(input *Input, source Source, index int) {
	c := collector{input: input, source: source, index: index, text: d.text}
	if d.fault != nil {
		c.fault(d.fault)
		return
	}
	if d.items == nil {
		c.check(d, c.object(d.value, nil, "", ""), nil)
		return
	}
	list := d.value.(map[string]any)
	for _, item := range d.items {
		c := collector{input: input, source: source, index: index, text: item.text}
		prefix := []any{0} // the item was read on its own, as a list of one
		c.check(item, c.object(item.value, prefix, stringAt(list, "apiVersion"), itemKind(list)), prefix)
	}
}

// A collector collects the objects of one text.
type collector struct {
	input  *Input
	source Source
	index  int
	text   *text
}

func (c *collector) fault(f *fault) {
	line, column := f.line, f.column
	if line == 0 {
		p := c.text.first()
		line, column = p.Line-c.text.line, p.Column
	}
	c.not(Position{c.source.Name, c.text.line + line, column}, f.message, f.message == notMapping)
}

// not reports what is no object: an error, or skipped if it may be another program's file.
func (c *collector) not(at Position, reason string, foreign bool) {
	if foreign && c.source.Walked {
		c.input.Skipped = append(c.input.Skipped, Skipped{at.File, at.Line, reason})
		return
	}
	c.input.Errors = append(c.input.Errors, Error{at.File, at.Line, at.Column, reason})
}

func itemKind(list map[string]any) string { return strings.TrimSuffix(stringAt(list, "kind"), "List") }

// A scope is an object or list with the lists items in it, to find the object that a node belongs to.
type scope struct {
	object *Object
	items  []*scope
}

// object adds the object, or the objects of the list, that value is. The last two arguments are the type that a list's items have if they don't
// say their own, as the API server's typed lists.
func (c *collector) object(value any, prefix []any, apiVersion, kind string) *scope {
	m, ok := value.(map[string]any)
	if !ok {
		c.not(c.text.find(prefix, 0), notMapping, len(prefix) == 0)
		return nil
	}
	if stringAt(m, "apiVersion") == "" && stringAt(m, "kind") == "" && apiVersion != "" && kind != "" {
		if m["apiVersion"] == nil && m["kind"] == nil {
			typed := make(map[string]any, len(m)+2)
			for key, value := range m {
				typed[key] = value
			}
			typed["apiVersion"], typed["kind"] = apiVersion, kind
			m = typed
		}
	}
	for _, key := range []string{"kind", "apiVersion"} {
		if stringAt(m, key) == "" {
			c.not(c.text.find(prefix, 0), "not a Kubernetes object: no "+key, len(prefix) == 0)
			return nil
		}
	}

	s := &scope{}
	items, has := m["items"]
	if isListKind(m) && has {
		if list, ok := items.([]any); ok || items == nil {
			c.items(s, list, prefix, m)
			return s
		}
		c.not(c.text.find(append(prefix[:len(prefix):len(prefix)], "items"), 0), "items of a list are no list", false)
		return s
	}
	if stringAt(m, "kind") == "List" {
		return s // empty
	}
	s.object = &Object{File: c.source.Name, Document: c.index, Value: m, text: c.text, prefix: prefix}
	c.input.Objects = append(c.input.Objects, s.object)
	// kubectl applies the items of whatever has items, and nothing else of it.
	if list, ok := items.([]any); ok && has {
		c.items(s, list, prefix, nil)
	}
	return s
}

func (c *collector) items(s *scope, list []any, prefix []any, parent map[string]any) {
	s.items = make([]*scope, len(list))
	apiVersion, kind := "", ""
	if parent != nil {
		apiVersion, kind = stringAt(parent, "apiVersion"), itemKind(parent)
	}
	for i, item := range list {
		at := append(prefix[:len(prefix):len(prefix)], "items", i)
		if m, ok := item.(map[string]any); parent == nil && (!ok || stringAt(m, "kind") == "") {
			continue
		}
		s.items[i] = c.object(item, at, apiVersion, kind)
	}
}
