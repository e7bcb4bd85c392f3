package manifest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func source(name, body string) Source {
	return Source{Name: name, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(body)), nil }}
}

func read(t testing.TB, sources ...Source) *Input {
	t.Helper()
	input, err := Read(context.Background(), sources, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return input
}

// outline is an Input in short: kind/name of objects with the place of their first line, and file:line:column of the rest.
func outline(input *Input) []string {
	var lines []string
	for _, o := range input.Objects {
		p := o.Position(nil, 0)
		lines = append(lines, fmt.Sprintf("%s/%s %d:%d", o.Kind(), o.Name(), p.Line, p.Column))
	}
	for _, p := range input.Problems {
		name := ""
		if p.Object != nil {
			name = p.Object.Name()
		}
		lines = append(lines, fmt.Sprintf("%s %s %v %d:%d %s", p.Rule, name, p.Path, p.Position.Line, p.Position.Column, p.Message))
	}
	for _, e := range input.Errors {
		lines = append(lines, fmt.Sprintf("error %d:%d %s", e.Line, e.Column, e.Message))
	}
	for _, s := range input.Skipped {
		lines = append(lines, fmt.Sprintf("skipped %d %s", s.Line, s.Reason))
	}
	return lines
}

const cm = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"

func named(name string) string { return fmt.Sprintf(cm, name) }

func TestReadDocuments(t *testing.T) {
	tests := map[string]struct {
		body   string
		walked bool
		want   []string
	}{
		"empty":                    {body: ""},
		"blank":                    {body: "\n \n\t\n"},
		"comments":                 {body: "# nothing\n---\n# here\n...\n---\n"},
		"null":                     {body: "null\n--- ~\n"},
		"one":                      {body: named("a"), want: []string{"ConfigMap/a 1:1"}},
		"two":                      {body: named("a") + "---\n" + named("b"), want: []string{"ConfigMap/a 1:1", "ConfigMap/b 5:1"}},
		"markers with comments":    {body: "--- # first\n" + named("a") + "---\t# second\n\n" + named("b"), want: []string{"ConfigMap/a 2:1", "ConfigMap/b 7:1"}},
		"content after the marker": {body: "--- {apiVersion: v1, kind: A, metadata: {name: x}}\n--- !!map\nkind: B\napiVersion: v1\n", want: []string{"A/x 1:5", "B/ 3:1"}},
		"document end":             {body: named("a") + "...\n" + named("b") + "...\n# end\n", want: []string{"ConfigMap/a 1:1", "ConfigMap/b 5:1"}},
		"content after the end":    {body: named("a") + "... " + "x\n", want: []string{"error 4:0 did not find expected <document start>"}},
		"directive":                {body: "%YAML 1.1\n---\n" + named("a"), want: []string{"ConfigMap/a 3:1"}},
		"CRLF":                     {body: strings.ReplaceAll(named("a")+"---\n"+named("b"), "\n", "\r\n"), want: []string{"ConfigMap/a 1:1", "ConfigMap/b 5:1"}},
		"BOM":                      {body: "\uFEFF" + named("a"), want: []string{"ConfigMap/a 1:1"}},
		"marker in a block scalar": {body: named("a") + "data:\n  x: |\n    ---\n    y\n", want: []string{"ConfigMap/a 1:1"}},
		"no marker: longer dashes": {body: named("a") + "data:\n  x: |\n    y\n----\n", want: []string{`error 7:0 could not find expected ':'`}},
		"lone carriage returns": {
			body: "# c\rapiVersion: v1\rkind: A\r---\rapiVersion: v1\rkind: B\r",
			want: []string{`error 1:1 a second document without a line "---" before it`},
		},
		"a line separator ends a comment": {body: "# c\u2028apiVersion: v1\nkind: A\nspec: {}\n", want: []string{"A/ 1:5"}},
		"second document without marker": {
			body: "{apiVersion: v1, kind: A}\n{apiVersion: v1, kind: B}\n",
			want: []string{"error 2:0 did not find expected <document start>"},
		},
		"JSON stream": {
			body: "{\"apiVersion\":\"v1\",\"kind\":\"A\"} {\"kind\":\"B\",\n\"apiVersion\":\"v1\"}\n", want: []string{"A/ 1:1", "B/ 1:32"},
		},
		"the others are read beside an error": {
			body: named("a") + "---\nkind: [\n---\n" + named("b"),
			want: []string{"ConfigMap/a 1:1", "ConfigMap/b 7:1", "error 5:0 did not find expected node content"},
		},
		"tab":           {body: named("a") + "data:\n\tx: y\n", want: []string{"error 5:0 found character that cannot start any token; a tab: YAML indents with spaces"}},
		"Helm template": {body: "apiVersion: v1\nkind: A\nmetadata:\n  name: {{ .Release.Name }}\n", want: []string{"error 4:3 a mapping or list as a key; a Helm template? render it first: helm template … | kfs check -"}},
		"list": {
			body: "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: A\n-\n  apiVersion: v1\n  kind: FooList\n  items:\n  - {apiVersion: v1, kind: Foo}\n  - metadata: {name: x}\n",
			want: []string{"A/ 4:3", "Foo/ 10:5", "Foo/x 11:5"},
		},
		"empty list":       {body: "apiVersion: v1\nkind: List\nitems: []\n"},
		"list without any": {body: "apiVersion: v1\nkind: List\n"},
		"list with what is no object": {
			body: "apiVersion: v1\nkind: List\nitems:\n- 1\n- kind: A\n- kind: List\n  apiVersion: v1\n  items: x\n",
			want: []string{"error 4:3 not a Kubernetes object: no mapping", "error 5:3 not a Kubernetes object: no apiVersion", "error 8:3 items of a list are no list"},
		},
		"items where no list is": {
			body: named("a") + "items:\n- x\n- apiVersion: v1\n  kind: B\n", want: []string{"ConfigMap/a 1:1", "B/ 6:3"},
		},
		"a kind that only ends like a list": {body: "apiVersion: x/v1\nkind: AllowList\nspec: {}\n", want: []string{"AllowList/ 1:1"}},
		"no object":                         {body: "# values\nreplicas: 1\n", want: []string{"error 2:1 not a Kubernetes object: no kind"}},
		"no object in a walk":               {body: "# values\nreplicas: 1\n", walked: true, want: []string{"skipped 2 not a Kubernetes object: no kind"}},
		"no mapping":                        {body: "- a\n", want: []string{"error 1:1 not a Kubernetes object: no mapping"}},
		"no mapping in a walk":              {body: "- a\n", walked: true, want: []string{"skipped 1 not a Kubernetes object: no mapping"}},
		"kind of the wrong type":            {body: "apiVersion: v1\nkind: yes\n", want: []string{"error 1:1 not a Kubernetes object: no kind"}},
		"infinity":                          {body: "apiVersion: v1\nkind: A\nspec:\n- a: .inf\n", want: []string{"error 4:3 .inf is no number that JSON has"}},
		"null key":                          {body: "apiVersion: v1\nkind: A\nspec: {~: 1}\n", want: []string{"error 3:1 a null key"}},
		"alias to itself":                   {body: "apiVersion: v1\nkind: A\nspec: &a [*a]\n", want: []string{"error 1:1 an anchor that contains itself"}},
		"unknown alias":                     {body: "apiVersion: v1\nkind: A\nspec: *a\n", want: []string{"error 1:1 an alias to an anchor that isn't there: quote a text that begins with *"}},
		"NUL":                               {body: "a\n\x00", want: []string{"error 2:0 not a text: it has a NUL byte"}},
		"Latin-1":                           {body: "a\n\n\xE4", want: []string{"error 3:0 not a text in UTF-8"}},
		"UTF-16":                            {body: "\xFF\xFEa\x00", want: []string{"error 1:0 UTF-16 text: save it as UTF-8"}},
		"bomb":                              {body: bomb(), want: []string{"error 1:1 " + tooManyAliases}},
		"small bombs": {
			body: strings.Repeat("--- {apiVersion: v1, kind: A, x: ["+strings.Repeat("z,", 8000)+"&a [x,x,x,x,x,x,x,x,x,x], &b ["+strings.Repeat("*a,", 100)+"], "+strings.Repeat("*b,", 300)+"]}\n", 3),
			want: []string{"A/ 1:5", "A/ 2:5", "error 3:5 " + tooManyAliases},
		},
		"JSON like aliases": {body: `{"apiVersion": "v1", "kind": "A", "x": "\ud83d\ude00 &a *a"}`, want: []string{"A/ 1:1"}},
		"deep":              {body: "apiVersion: v1\nkind: A\nspec: " + strings.Repeat("[", 2000) + strings.Repeat("]", 2000), want: []string{"error 3:14 nested deeper than 1000 levels"}},
		"deep JSON":         {body: `{"apiVersion":"v1","kind":"A","spec":` + strings.Repeat("[", 2000) + strings.Repeat("]", 2000) + "}", want: []string{"error 1:1 nested deeper than 1000 levels"}},
		"very deep":         {body: "apiVersion: v1\nkind: A\nspec: " + strings.Repeat("[", 20000), want: []string{"error 3:0 exceeded max depth of 10000"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s := source("x.yaml", tc.body)
			s.Walked = tc.walked
			if diff := cmp.Diff(tc.want, outline(read(t, s)), cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func bomb() string {
	var b strings.Builder
	b.WriteString("apiVersion: v1\nkind: A\nspec:\n  a0: &a0 [lol,lol,lol,lol,lol,lol,lol,lol,lol,lol]\n")
	for i := range 12 {
		alias := fmt.Sprintf("*a%d", i)
		fmt.Fprintf(&b, "  a%d: &a%d [%s]\n", i+1, i+1, strings.Repeat(alias+",", 9)+alias)
	}
	return b.String()
}

func TestReadLimits(t *testing.T) {
	endless := Source{Name: "big", Open: func() (io.ReadCloser, error) { return io.NopCloser(&zeros{}), nil }}
	failing := Source{Name: "pipe", Open: func() (io.ReadCloser, error) { return nil, errors.New("broken pipe") }}
	input, err := Read(context.Background(), []Source{endless, failing, source("a.yaml", named("a"))}, Options{MaxBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"ConfigMap/a 1:1", "error 0:0 bigger than 1 MiB, the most that is read", "error 0:0 broken pipe"}
	if diff := cmp.Diff(want, outline(input)); diff != "" {
		t.Error(diff)
	}

	many := "apiVersion: v1\nkind: A\nspec: [" + strings.Repeat("a,", maxValues+1) + "]\n"
	want = []string{fmt.Sprintf("error 1:1 more than %d values in one document", maxValues)}
	if diff := cmp.Diff(want, outline(read(t, source("many.yaml", many)))); diff != "" {
		t.Error(diff)
	}

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Read(ctx, []Source{endless}, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("after cancel: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

func TestValues(t *testing.T) {
	body := `apiVersion: v1
kind: A
spec:
  bool: [yes, No, on, "yes", y, true]
  int: [0644, 0o17, 0x1F, 0b11, 1_000, 18446744073709551615, 9007199254740993, -0]
  float: [1.0, 1e3, .5, 18446744073709551616, 089]
  string: [1:20, 2024-01-01, 1e400, '1', !!str 1, tRUE]
  nothing: [~, null, '']
  1.10: key
  on: key
  7: key
  binary: !!binary aGk=
  base: &base {a: 1, b: 2}
  merged: {<<: *base, b: 3}
  late: {b: 3, <<: *base}
`
	var got any
	input := read(t, source("x", body))
	if len(input.Errors) > 0 {
		t.Fatal(input.Errors)
	}
	data, _ := json.Marshal(input.Objects[0].Value["spec"])
	_ = json.Unmarshal(data, &got)
	var want any
	_ = json.Unmarshal([]byte(`{
		"bool": [true, false, true, "yes", true, true],
		"int": [420, 15, 31, 3, 1000, 18446744073709551615, 9007199254740993, 0],
		"float": [1, 1000, 0.5, 18446744073709552000, 89],
		"string": ["1:20", "2024-01-01", "1e400", "1", "1", "tRUE"],
		"nothing": [null, null, ""],
		"1.1": "key", "true": "key", "7": "key", "binary": "hi",
		"base": {"a": 1, "b": 2}, "merged": {"a": 1, "b": 3}, "late": {"a": 1, "b": 2}
	}`), &want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A tag makes a quoted key plain, and so a merge key, however its "<" are written.
func TestMergeKeysThatDontLookIt(t *testing.T) {
	for _, key := range []string{
		`"<<"`, `<<`, `!!merge "\x3c\x3c"`, `! "\x3C<"`, `!<tag:yaml.org,2002:merge> &k "<\u003c"`, `? ! "\U0000003c\U0000003C"` + "\n  ",
		"? ! # a comment\n    \"<\\\n    <\"\n  ",
	} {
		body := "apiVersion: v1\nkind: A\nspec:\n  " + key + ": {a: 1}\n  b: 2\n"
		want := `{"a":1,"b":2}`
		if key == `"<<"` {
			want = `{"<<":{"a":1},"b":2}`
		}
		input := read(t, source("x", body))
		if len(input.Objects) != 1 {
			t.Errorf("%s: %v", body, input.Errors)
			continue
		}
		got, err := json.Marshal(input.Objects[0].Value["spec"])
		if err != nil {
			t.Fatal(err)
		}
		if plain, err := reference([]byte(body)); err != nil || cmp.Diff(plain, any(input.Objects[0].Value)) != "" {
			t.Errorf("%s: the reference says %v, %v", body, plain, err)
		}
		got = bytes.ReplaceAll(got, []byte(`\u003c`), []byte("<"))
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s: %s", body, diff)
		}
	}
}

func TestLine(t *testing.T) {
	input := read(t, source("x", "\uFEFFa\r\n\nb"), source("y", "c\n"))
	for _, tc := range []struct {
		file string
		line int
		want string
		ok   bool
	}{{"x", 1, "a", true}, {"x", 2, "", true}, {"x", 3, "b", true}, {"x", 4, "", false}, {"x", 0, "", false}, {"y", 1, "c", true}, {"y", 2, "", false}, {"z", 1, "", false}} {
		if got, ok := input.Line(tc.file, tc.line); got != tc.want || ok != tc.ok {
			t.Errorf("%s:%d: got %q, %v", tc.file, tc.line, got, ok)
		}
	}
}
