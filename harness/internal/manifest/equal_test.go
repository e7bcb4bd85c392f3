package manifest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"
	yaml2 "sigs.k8s.io/yaml/goyaml.v2"
)

// The package's promise: a document is what sigs.k8s.io/yaml and encoding/json make of it.

func reference(body []byte) (any, error) {
	var value any
	err := yaml.Unmarshal(body, &value, func(d *json.Decoder) *json.Decoder { d.UseNumber(); return d })
	return value, err
}

// compare reports where decode differs from the reference beyond what its comment promises.
func compare(body []byte) error {
	if len(aliasToken.FindAll(body, 100)) == 100 {
		return nil // may be refused before decode
	}
	got, odd, f := decode(&text{file: "x", body: body})
	want, err := reference(body)
	switch {
	case f != nil && err == nil:
		for _, stricter := range []string{notMapping, tooManyAliases, "nested deeper", "more than", "a second document", "did not find expected"} {
			if strings.HasPrefix(f.message, stricter) {
				return nil
			}
		}
		if _, err := yaml.YAMLToJSONStrict(body); err != nil && strings.Contains(err.Error(), "already set") {
			return nil
		}
		if countDocuments(body) != 1 { // the reference stops after the first
			return nil
		}
		return fmt.Errorf("refused: %s\nreference: %v", f.message, want)
	case f == nil && err != nil:
		return fmt.Errorf("read: %v\nreference refuses: %w", got, err)
	case f != nil:
		return nil
	}
	if m, empty := want.(map[string]any); empty && len(m) == 0 {
		want = nil // {} is as good as nothing
	}
	if m, empty := got.(map[string]any); empty && len(m) == 0 {
		got = nil
	}
	if diff := cmp.Diff(want, got); diff != "" {
		var plain any
		if _ = yaml2.Unmarshal(body, &plain); odd && collide(plain) {
			return nil
		}
		return fmt.Errorf("differs: %s", diff)
	}
	return nil
}

// collide says that keys become equal as strings somewhere: the reference keeps a random one.
func collide(value any) bool {
	switch v := value.(type) {
	case []any:
		return slices.ContainsFunc(v, collide)
	case map[any]any:
		names := map[string]bool{}
		for key, value := range v {
			one := map[string]any{}
			_ = (&converter{}).set(one, key, nil, nil, 0)
			for name := range one {
				if names[name] {
					return true
				}
				names[name] = true
			}
			if collide(value) {
				return true
			}
		}
	}
	return false
}

func countDocuments(body []byte) int {
	decoder := yaml2.NewDecoder(bytes.NewReader(body))
	for n := 0; ; n++ {
		var v any
		if decoder.Decode(&v) != nil {
			return n
		}
	}
}

func TestEqualsFixtures(t *testing.T) {
	files := 0
	for _, root := range []string{"../../../fixtures", "../../../constrainttemplates", "../../../bundle", "../schema"} {
		_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !manifestName(path) {
				return nil
			}
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range split(data) {
				if err := compare(c.body); err != nil {
					t.Errorf("%s:%d: %v", path, c.line+1, err)
				}
			}
			files++
			return nil
		})
	}
	t.Logf("%d files", files)
}

// yamlText generates YAML in all styles, with anchors, merges, odd scalars and odd keys.
func yamlText() *rapid.Generator[string] {
	scalar := rapid.SampledFrom([]string{
		"a", "b c", "yes", "no", "on", "Off", "y", "N", "true", "False", "null", "~", "''", `"x\ny"`, `'it''s'`, "0644", "0o17", "0O17", "0x1F", "0X1f", "-0x1F",
		"0b101", "0b-1", "1_000", "1__0", "_1", "1_", "+1", "-0", "00", "08", "089", "1.0", ".5", "5.", "1e3", "1e400", "1E+2", "-.5e-3", "1:20", "190:20:30",
		"2024-01-01", "2001-12-14t21:59:43.10-05:00", "18446744073709551615", "18446744073709551616", "-9223372036854775809", "9007199254740993",
		".inf", "-.INF", ".nan", "+.inf", "!!str yes", "!!int '7'", "!!float 1", "!!binary aGk=", "!custom x", "1e-7", "123456789.123456789", "0.1", "1e21", "1e20",
		"<<", "=", "é", "\"\\u00e9\"", "a#b", "a:b", "-x", "?x", ".", "..", "0x", "0b", "0o8", "1-1", "NaN", "Infinity",
	})
	key := rapid.OneOf(rapid.SampledFrom([]string{
		"a", "b", "c", "kind", "d.e/f", `"q"`, `"\x3c\x3c"`, `! "\x3c<"`, `!!merge "\u003c\U0000003C"`, `!!merge &k "\x3c<"`, "!!merge <<", "! a",
	}), scalar)
	var value func(depth int, indent string) *rapid.Generator[string]
	value = func(depth int, indent string) *rapid.Generator[string] {
		return rapid.Custom(func(t *rapid.T) string {
			anchor := rapid.SampledFrom([]string{"", "", "", "", "", "&x ", "&y "}).Draw(t, "anchor")
			kind := rapid.IntRange(0, 7).Draw(t, "kind")
			if depth <= 0 && kind > 2 {
				kind = 0
			}
			n := rapid.IntRange(0, 4).Draw(t, "n")
			switch kind {
			case 0, 1:
				return anchor + scalar.Draw(t, "scalar")
			case 2:
				return rapid.SampledFrom([]string{"*x", "*y", "*x ", ""}).Draw(t, "alias")
			case 3:
				header := rapid.SampledFrom([]string{"|", ">", "|-", ">+", "|2"}).Draw(t, "header")
				lines := rapid.SliceOfN(rapid.SampledFrom([]string{"yes", "  0644", "", "a: b", "- c", "# no", "---x"}), 1, 4).Draw(t, "lines")
				return header + "\n" + indent + "  " + strings.Join(lines, "\n"+indent+"  ")
			case 4:
				items := make([]string, n)
				for i := range items {
					items[i] = value(0, indent).Draw(t, "item")
				}
				return anchor + "[" + strings.Join(items, ", ") + "]"
			case 5:
				items := make([]string, n)
				for i := range items {
					items[i] = key.Draw(t, "key") + ": " + value(0, indent).Draw(t, "item")
				}
				return anchor + "{" + strings.Join(items, ", ") + "}"
			case 6:
				b := anchor
				for range n {
					b += "\n" + indent + "  - " + value(depth-1, indent+"  ").Draw(t, "item")
				}
				return b
			}
			b := anchor
			for range n {
				name := key.Draw(t, "key")
				if rapid.IntRange(0, 5).Draw(t, "merge") == 0 {
					name = "<<"
				}
				b += "\n" + indent + "  " + name + ": " + value(depth-1, indent+"  ").Draw(t, "value")
			}
			return b
		})
	}
	return rapid.Custom(func(t *rapid.T) string {
		b := "apiVersion: v1\nkind: List\nfirst: &x {p: 1, q: yes}\nsecond: &y {p: 2, r: 0644}\n"
		for i := range rapid.IntRange(0, 4).Draw(t, "n") {
			b += fmt.Sprintf("f%d: %s\n", i, value(3, "").Draw(t, "value"))
		}
		return b
	})
}

func TestEqualsGenerated(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := yamlText().Draw(t, "body")
		if err := compare([]byte(body)); err != nil {
			t.Fatalf("%s\n%v", body, err)
		}
	})
}

// A list read in pieces is what it is when read whole: values, problems and positions.
func TestPiecesEqualWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		indent := rapid.SampledFrom([]string{"", "  "}).Draw(t, "indent")
		b := "apiVersion: v1\nitems:\n"
		for i := range rapid.IntRange(2, 5).Draw(t, "n") {
			item := yamlText().Draw(t, "item")
			item = strings.Replace(strings.TrimSuffix(item, "\n"), "List", fmt.Sprintf("K%d", i), 1)
			b += indent + "- " + strings.ReplaceAll(item, "\n", "\n"+indent+"  ") + "\n"
		}
		b += "kind: List\nmetadata: {}\n"
		c := text{file: "x", body: []byte(b), line: 10}
		d := pieces(context.Background(), &c, 2)
		if d == nil {
			return
		}
		whole := &document{text: &text{file: "x", body: c.body, line: c.line}}
		if whole.value, whole.odd, whole.fault = decode(whole.text); whole.fault != nil {
			t.Fatalf("%s\nread in pieces, but not whole: %s", b, whole.fault.message)
		}
		var inPieces, atOnce Input
		d.collect(&inPieces, Source{Name: "x"}, 0)
		whole.collect(&atOnce, Source{Name: "x"}, 0)
		if diff := cmp.Diff(outline(&atOnce), outline(&inPieces)); diff != "" {
			t.Fatalf("%s\n%s", b, diff)
		}
		for i := range atOnce.Objects {
			if diff := cmp.Diff(atOnce.Objects[i].Value, inPieces.Objects[i].Value); diff != "" {
				t.Fatalf("%s\n%s", b, diff)
			}
			for _, path := range [][]any{{"kind"}, {"f0"}, {"f0", 1}, {"second", "r"}, {"f1", "a"}} {
				if diff := cmp.Diff(atOnce.Objects[i].Position(path, 2), inPieces.Objects[i].Position(path, 2)); diff != "" {
					t.Fatalf("%s\n%v %s", b, path, diff)
				}
			}
		}
	})
}

// read11 is the parser's own reading, and misread is what differs from a reader of YAML 1.2's core schema.
func TestScalars(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(
			rapid.StringMatching(`[-+]?(0[xXoObB]?)?[0-9a-fA-F_]{0,20}(\.[0-9_]{0,5})?([eE][-+]?[0-9]{1,3})?`),
			rapid.StringMatching(`[yYnNoOtTfF~.][a-zA-Z0-9]{0,4}`),
			rapid.StringMatching(`[-+.0-9]{1,6}`),
			rapid.StringMatching(`[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}`),
		).Draw(t, "s")
		var node any
		body := "a: " + s + "\nb: 1\n"
		if err := yaml2.Unmarshal([]byte(body), &node); err != nil {
			return
		}
		got, err := (&converter{}).convert(node.(map[any]any)["a"], nil, 0)
		if err != nil {
			return // an infinity
		}
		want := reading{}
		switch v := got.(type) {
		case nil:
			want = reading{'n', "null"}
		case bool:
			want = reading{'b', fmt.Sprint(v)}
		case json.Number:
			want = reading{'n', v.String()}
		case string:
			want = reading{'s', v}
			if strings.TrimSpace(s) != v {
				return // more than a scalar
			}
		}
		read := read11(s)
		if read.text != want.text || (read.kind == 's') != (want.kind == 's') {
			t.Fatalf("%q: read %v, the parser says %v", s, read, want)
		}
	})
}

func TestListIsReadInPieces(t *testing.T) {
	docs := generated(40)
	for _, indent := range []string{"", "  "} {
		items := ""
		for _, doc := range docs {
			items += indent + "- " + strings.ReplaceAll(strings.TrimSuffix(doc, "\n"), "\n", "\n  "+indent) + "\n"
		}
		for name, tc := range map[string]struct {
			body string
			want bool
		}{
			"as kubectl prints it": {"apiVersion: v1\nitems:\n" + items + "kind: List\nmetadata:\n  resourceVersion: \"\"\n", true},
			"items last":           {"--- # c\napiVersion: v1\nkind: FunctionList\nitems:\n\n# c\n" + items, true},
			"no list":              {"apiVersion: v1\nkind: A\nitems:\n" + items, false},
			"items twice":          {"apiVersion: v1\nkind: List\nitems:\n" + items + "items: []\n", false},
			"items in a text":      {"x: \"\nitems:\n" + items + "\"\napiVersion: v1\nkind: List\nitems:\n", false},
			"text across items":    {"apiVersion: v1\nkind: List\nitems:\n" + items + indent + "- \"\n" + indent + "- x\"\n", false},
			"alias across items":   {"apiVersion: v1\nkind: List\nitems:\n" + items + indent + "- &x {}\n" + indent + "- *x\n", false},
		} {
			got := pieces(context.Background(), &text{file: "x", body: []byte(tc.body)}, 2)
			if (got != nil) != tc.want {
				t.Errorf("%s: in pieces %v, want %v", name, got != nil, tc.want)
			}
			if got != nil && len(got.items) != len(docs) {
				t.Errorf("%s: %d items", name, len(got.items))
			}
		}
	}
}
