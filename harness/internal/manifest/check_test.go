package manifest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func TestProblems(t *testing.T) {
	head := "apiVersion: v1\nkind: A\nmetadata: {name: a}\n"
	tests := map[string]struct {
		body string
		want []string
	}{
		"none": {body: head + "spec: {a: true, b: 1, c: 0, d: 007, e: 1.5, f: 0x1F, g: 0o17, h: ~, i: 2024-01-01, j: 1:20, k: 089, l: 1e3}\n"},
		"quoted, block, tagged": {
			body: head + "spec:\n  a: 'yes'\n  b: \"0644\"\n  c: |\n    yes\n  d: !!str on\n  e: >-\n    no\n\"on\": 1\n",
		},
		"prose and code": {body: head + "# yes, no\nspec:\n  a: turn it on\n  b: |\n    const y = 1, n = no; // 0644\n  c: a yes\n"},
		"booleans": {body: head + "spec:\n  a: yes\n  b: [Off, y]\n  c: {d: N}\n", want: []string{
			"KFS-002 a [spec a] 5:6 the API server reads yes as true: write that, or quote it",
			"KFS-002 a [spec b 0] 6:7 the API server reads Off as false: write that, or quote it",
			"KFS-002 a [spec b 1] 6:12 the API server reads y as true: write that, or quote it",
			"KFS-002 a [spec c d] 7:10 the API server reads N as false: write that, or quote it",
		}},
		"numbers": {body: head + "spec: [0644, -0644, 1_000, 0b11, 0X1f, 18446744073709551616, 9223372036854775808, 1e400]\n", want: []string{
			"KFS-002 a [spec 0] 4:8 the API server reads 0644 as 420 (octal): write that, or quote it",
			"KFS-002 a [spec 1] 4:14 the API server reads -0644 as -420 (octal): write that, or quote it",
			"KFS-002 a [spec 2] 4:21 the API server reads 1_000 as 1000: write that, or quote it",
			"KFS-002 a [spec 3] 4:28 the API server reads 0b11 as 3: write that, or quote it",
			"KFS-002 a [spec 4] 4:34 the API server reads 0X1f as 31: write that, or quote it",
			"KFS-002 a [spec 5] 4:40 the API server reads 18446744073709551616 as 18446744073709552000: numbers have 64 bits, quote it",
			"KFS-002 a [spec 6] 4:62 the API server reads 9223372036854775808 as 9223372036854776000: numbers have 64 bits, quote it",
			"KFS-002 a [spec 7] 4:83 the API server reads 1e400 as a text",
		}},
		"keys": {body: head + "spec:\n  on: 1\n  1.10: 2\n  0x10: 3\n  true: 4\n  7: 5\n", want: []string{
			`KFS-002 a [spec true] 5:3 the API server reads the key on as "true": quote it`,
			`KFS-002 a [spec 1.1] 6:3 the API server reads the key 1.10 as "1.1": quote it`,
			`KFS-002 a [spec 16] 7:3 the API server reads the key 0x10 as "16": quote it`,
			`KFS-004 a [spec true] 8:3 key "true" again: it replaces the one in line 5`,
		}},
		"anchored": {body: head + "spec: [&x yes, *x]\n", want: []string{
			"KFS-002 a [spec 0] 4:8 the API server reads yes as true: write that, or quote it",
		}},
		"nothing that may be a secret": {body: "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n  pin: 0644\n  on: yes\n", want: []string{
			"KFS-002 s [stringData pin] 5:8 the API server reads this scalar as another number (octal): write that, or quote it",
			`KFS-002 s [stringData true] 6:3 the API server reads the key on as "true": quote it`,
			"KFS-002 s [stringData true] 6:7 the API server reads this scalar as a boolean: write that, or quote it",
		}},
		"duplicates": {body: "# c\n---\n" + head + "spec:\n  a: {b: 1, \"b\": 2}\n  c: 1\n  c: 2\n  c: 3\n", want: []string{
			`KFS-004 a [spec a b] 7:13 key "b" again: it replaces the one in line 7`,
			`KFS-004 a [spec c] 9:3 key "c" again: it replaces the one in line 8`,
			`KFS-004 a [spec c] 10:3 key "c" again: it replaces the one in line 9`,
		}},
		"equal as strings": {body: head + "spec: {1: a, '1': b}\n", want: []string{
			`KFS-004 a [spec 1] 4:14 key "1" again: it replaces the one in line 4`,
		}},
		"duplicates in JSON": {body: "{\"apiVersion\": \"v1\", \"kind\": \"A\", \"metadata\": {\"name\": \"a\"},\n \"spec\": {\"a\": [],\n \"\\u0061\": 0}}", want: []string{
			`KFS-004 a [spec a] 3:2 key "a" again: it replaces the one in line 2`,
		}},
		"merge before": {body: head + "x: &x {a: 1}\nspec: {<<: *x, a: 2}\n"},
		"merge after": {body: head + "x: &x {a: 1}\nspec:\n  a: 2\n  b: 1\n  <<: *x\n", want: []string{
			`KFS-004 a [spec a] 6:3 key "a" is replaced by the one that << merges after it (line 8): write << first`,
		}},
		"in a list": {
			body: "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: A\n  metadata: {name: a}\n  spec: yes\n- apiVersion: v1\n  kind: A\n  kind: B\n  metadata: {name: b}\n",
			want: []string{
				"KFS-002 a [spec] 7:9 the API server reads yes as true: write that, or quote it",
				`KFS-004 b [kind] 10:3 key "kind" again: it replaces the one in line 9`,
			},
		},
		"of a list": {body: "apiVersion: v1\nkind: List\nitems: []\nitems: []\n", want: []string{
			`KFS-004  [items] 4:1 key "items" again: it replaces the one in line 3`,
		}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			input := read(t, source("x", tc.body))
			input.Objects = nil
			if diff := cmp.Diff(tc.want, outline(input), cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The filter that spares most documents a second parse never spares one with problems.
func TestFilterMissesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := strings.Replace(yamlText().Draw(t, "body"), "List", "A", 1)
		d := &document{text: &text{file: "x", body: []byte(body)}}
		if d.value, d.odd, d.fault = decode(d.text); d.fault != nil {
			return
		}
		var filtered, all Input
		d.collect(&filtered, Source{Name: "x"}, 0)
		d.odd = true
		d.collect(&all, Source{Name: "x"}, 0)
		if diff := cmp.Diff(outline(&all), outline(&filtered)); diff != "" {
			t.Fatalf("%s\n%s", body, diff)
		}
	})
}
