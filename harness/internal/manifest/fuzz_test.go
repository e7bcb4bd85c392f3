package manifest

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// FuzzRead: whatever the bytes, Read ends soon, never panics, gives every object a place in the file, and reads as the reference does.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"", named("a"), named("a") + "---\n" + named("b"), "%YAML 1.1\n--- {apiVersion: v1, kind: List, items: [{kind: A, apiVersion: v1}]}\n...\n",
		"apiVersion: v1\nkind: List\nitems:\n- &a {apiVersion: v1, kind: A, x: yes}\n- <<: *a\n  y: 0644\n  y: 1\n", `{"apiVersion":"v1","kind":"A","a":[1,{"b":"\ud83d"}]} {"a":1}`,
		"apiVersion: v1\nkind: A\nspec:\n  a: |\n    x\n\n    y\n  b: >-\n    x\n     y\n  c: \"a\\nb\n\n    c\"\n", "\uFEFF# c\rapiVersion: v1\u2028kind: A\n", bomb(),
		"apiVersion: v1\nkind: A\n? {a: b}\n: - !!binary x\n", "a: *b\n", "[[[[[[{{{{{", "- - - - - -\n? ? ? ?\n", "apiVersion: v1\nkind: A\nx: {{ .Values.x }}\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		hangs := time.AfterFunc(10*time.Second, func() { panic(fmt.Sprintf("hangs: %q", data)) })
		defer hangs.Stop()
		s := Source{Name: "x", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(string(data))), nil }}
		input, err := Read(context.Background(), []Source{s}, Options{MaxBytes: 1 << 20, Workers: 2})
		if err != nil {
			t.Fatal(err)
		}
		lines := 1 + strings.Count(string(data), "\n")
		within := func(p Position) {
			if p.Line < 1 || p.Line > lines || p.Column < 1 {
				t.Errorf("place %v in %d lines", p, lines)
			}
		}
		for _, o := range input.Objects {
			if o.Kind() == "" || o.APIVersion() == "" {
				t.Errorf("no object: %v", o.Value)
			}
			within(o.Position(nil, 0))
			var visit func(path []any, value any)
			visited := 0
			visit = func(path []any, value any) {
				if visited++; visited > 200 {
					return
				}
				within(o.Position(path, 0))
				switch v := value.(type) {
				case string:
					within(o.Position(path, 1))
					within(o.Position(path, 3))
				case []any:
					for i, item := range v {
						visit(append(path[:len(path):len(path)], i), item)
					}
				case map[string]any:
					for key, item := range v {
						visit(append(path[:len(path):len(path)], key), item)
					}
				}
			}
			visit(nil, o.Value)
		}
		for _, p := range input.Problems {
			within(p.Position)
		}
		for _, e := range input.Errors {
			if e.Line > lines || e.Message == "" {
				t.Errorf("error %+v in %d lines", e, lines)
			}
		}
		stream := open(s, 1<<20)
		for _, c := range stream.chunks {
			if b := strings.TrimSpace(string(c.body)); strings.HasPrefix(b, "{") {
				continue
			}
			if err := compare(c.body); err != nil {
				t.Error(err)
			}
			at := &text{file: "x", body: c.body, line: c.line}
			if d := pieces(context.Background(), at, 2); d != nil && !hasAlias(c.body) {
				whole := &document{text: at}
				whole.value, whole.odd, whole.fault = decode(at)
				var inPieces, atOnce Input
				d.collect(&inPieces, s, 0)
				whole.collect(&atOnce, s, 0)
				if diff := cmp.Diff(outline(&atOnce), outline(&inPieces)); diff != "" {
					t.Errorf("whole and in pieces: %s", diff)
				}
			}
		}
	})
}
