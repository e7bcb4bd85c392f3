package manifest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// Each case marks the wanted place with "➤" before the character.
func TestPosition(t *testing.T) {
	head := "apiVersion: v1\nkind: A\n"
	tests := map[string]struct {
		body string
		path []any
		line int
	}{
		"empty path":           {body: "# c\n---\n\n➤" + head},
		"empty path in flow":   {body: "--- ➤{apiVersion: v1, kind: A}\n"},
		"empty path, anchored": {body: "--- &x\n➤" + head},
		"key":                  {body: head + "spec:\n  ➤a: 1\n", path: []any{"spec", "a"}},
		"after a list marker":  {body: head + "spec:\n- ➤a: 1\n  b: 2\n", path: []any{"spec", 0}},
		"in a list item":       {body: head + "spec:\n- a: 1\n  ➤b: 2\n", path: []any{"spec", 0, "b"}},
		"item on its own line": {body: head + "spec:\n-\n  ➤a: 1\n", path: []any{"spec", 0}},
		"nested lists":         {body: head + "spec:\n- - a\n  - ➤b\n", path: []any{"spec", 0, 1}},
		"flow":                 {body: head + "spec: {a: [1, ➤2]}\n", path: []any{"spec", "a", 1}},
		"quoted key":           {body: head + "spec: {➤\"a\\u0062\": 1}\n", path: []any{"spec", "ab"}},
		"key with dots":        {body: head + "metadata:\n  annotations:\n    ➤a.b/c: x\n", path: []any{"metadata", "annotations", "a.b/c"}},
		"boolean key":          {body: head + "spec:\n  ➤on: 1\n", path: []any{"spec", "true"}},
		"number as a key":      {body: head + "spec:\n  ➤7: 1\n", path: []any{"spec", 7}},
		"index as json.Number": {body: head + "spec: [a, ➤b]\n", path: []any{"spec", json.Number("1")}},
		"index as float64":     {body: head + "spec: [a, ➤b]\n", path: []any{"spec", 1.0}},
		"missing tail":         {body: head + "➤spec:\n  a: 1\n", path: []any{"spec", "b", "c"}},
		"missing item":         {body: head + "➤spec: [1]\n", path: []any{"spec", 1}},
		"missing from a text":  {body: head + "➤spec: x\n", path: []any{"spec", "a"}},
		"missing head":         {body: "➤" + head, path: []any{"spec", "a"}},
		"last duplicate":       {body: head + "spec: 1\n➤spec: 2\n", path: []any{"spec"}},
		"null value":           {body: head + "➤spec:\nz: 1\n", path: []any{"spec"}},
		"null item":            {body: head + "spec:\n-➤ \n- a\n", path: []any{"spec", 0}},
		"wide characters":      {body: head + "spec: {ä€😀: 1, ➤a: 2}\n", path: []any{"spec", "a"}},
		"CRLF":                 {body: strings.ReplaceAll(head+"spec:\n  ➤a: 1\n", "\n", "\r\n"), path: []any{"spec", "a"}},
		"carriage returns":     {body: head + "# a\r# b\r\nspec:\n  ➤a: 1\n", path: []any{"spec", "a"}},
		"line separator":       {body: head + "# a\u2028x:\n  ➤a: 1\n", path: []any{"x", "a"}},
		"through an alias":     {body: head + "x: &x\n  ➤a: 1\nspec: *x\n", path: []any{"spec", "a"}},
		"at an alias":          {body: head + "x: &x {a: 1}\n➤spec: *x\n", path: []any{"spec"}},
		"merged":               {body: head + "x: &x\n  ➤a: 1\nspec:\n  <<: *x\n  b: 1\n", path: []any{"spec", "a"}},
		"merged, overridden":   {body: head + "x: &x {a: 1}\nspec:\n  <<: *x\n  ➤a: 2\n", path: []any{"spec", "a"}},
		"merged, overriding":   {body: head + "x: &x {➤a: 1}\nspec:\n  a: 2\n  <<: *x\n", path: []any{"spec", "a"}},
		"merged from several":  {body: head + "x: &x {➤a: 1}\ny: &y {a: 2}\nspec:\n  <<: [*x, *y]\n", path: []any{"spec", "a"}},
		"JSON":                 {body: "{\n  \"apiVersion\": \"v1\", \"kind\": \"A\",\n  \"spec\": {\"ä\": [1, {➤\"b\\n\": true}]}\n}\n", path: []any{"spec", "ä", 1, "b\n"}},
		"JSON, surrogates":     {body: "{\"apiVersion\": \"v1\", \"kind\": \"A\", \"x\": \"\\ud83d\\ude00\",\n\t➤\"spec\": 1}\n", path: []any{"spec"}},
		"JSON, start":          {body: "\n ➤{\"apiVersion\": \"v1\", \"kind\": \"A\"}"},
		"JSON, missing tail":   {body: "{\"apiVersion\": \"v1\", \"kind\": \"A\", ➤\"spec\": []}", path: []any{"spec", 0}},

		"literal, first line":     {body: head + "spec: | # c\n  ➤a\n  b\n", path: []any{"spec"}, line: 1},
		"literal":                 {body: head + "spec: |\n  a\n\n      ➤b\n  c\n", path: []any{"spec"}, line: 3},
		"literal, leading blanks": {body: head + "spec: |-\n\n\n  ➤b\n", path: []any{"spec"}, line: 3},
		"literal, indented":       {body: head + "spec: |1\n    a\n ➤b\n", path: []any{"spec"}, line: 2},
		"literal, CRLF":           {body: strings.ReplaceAll(head+"spec: |\n  a\n  ➤b\n", "\n", "\r\n"), path: []any{"spec"}, line: 2},
		"literal, too far":        {body: head + "spec: |\n  a\n  ➤b\n\nz: 1\n", path: []any{"spec"}, line: 9},
		"literal, blank line":     {body: head + "spec: |\n  a\n➤\n  c\n", path: []any{"spec"}, line: 2},
		"literal, through alias":  {body: head + "x: &x |\n  a\n  ➤b\nspec: *x\n", path: []any{"spec"}, line: 2},
		"literal in a list":       {body: head + "spec:\n- |\n  a\n  ➤b\n", path: []any{"spec", 0}, line: 2},
		"no text":                 {body: head + "➤spec: {a: 1}\n", path: []any{"spec"}, line: 2},
		"missing text":            {body: head + "➤spec: {a: 1}\n", path: []any{"spec", "b"}, line: 2},
		"folded, first":           {body: head + "spec: >\n  ➤a\n  b\n\n  c\n", path: []any{"spec"}, line: 1},
		"folded":                  {body: head + "spec: >\n  a\n  b\n\n  ➤c\n  d\n", path: []any{"spec"}, line: 2},
		"folded, blanks":          {body: head + "spec: >\n\n  a\n\n\n  ➤c\n", path: []any{"spec"}, line: 4},
		"folded, code":            {body: head + "spec: >\n  a\n    x\n    ➤y\n  b\n", path: []any{"spec"}, line: 3},
		"folded, after code":      {body: head + "spec: >-\n  a\n    x\n  ➤b\n", path: []any{"spec"}, line: 3},
		"one line":                {body: head + "spec: ➤\"a\\nb\"\n", path: []any{"spec"}, line: 1},
		"one line, escaped break": {body: head + "spec: ➤\"a\\nb\"\n", path: []any{"spec"}, line: 2},
		"plain":                   {body: head + "spec:\n  ➤a b\n", path: []any{"spec"}, line: 1},
		"single quotes":           {body: head + "spec: 'a\n  b\n\n  ➤c'\n", path: []any{"spec"}, line: 2},
		"double quotes":           {body: head + "spec: \"a \\\n  b\\n\\\n  ➤c\"\n", path: []any{"spec"}, line: 2},
		"plain on several lines":  {body: head + "spec: a\n  b\n\n\n  ➤c\n", path: []any{"spec"}, line: 3},
		"JSON text":               {body: "{\"apiVersion\": \"v1\", \"kind\": \"A\",\n \"spec\": ➤\"a\\nb\"}\n", path: []any{"spec"}, line: 2},
	}
	for name, tc := range tests {
		for _, before := range []string{"", "# c\n---\n# ä\n---\n", "apiVersion: v1\nkind: B\n---\n"} {
			if strings.Contains(tc.body, "%") || before != "" && strings.Contains(name, "JSON") {
				continue
			}
			marked := before + tc.body
			i := strings.Index(marked, "➤")
			want := Position{"x", 1 + strings.Count(marked[:i], "\n"), 1 + utf8.RuneCountInString(marked[strings.LastIndexByte(marked[:i], '\n')+1:i])}
			input := read(t, source("x", strings.ReplaceAll(marked, "➤", "")))
			if len(input.Errors) > 0 {
				t.Fatal(name, input.Errors)
			}
			if got := input.Objects[len(input.Objects)-1].Position(tc.path, tc.line); got != want {
				t.Errorf("%s: got %v, want %v", name, got, want)
			}
		}
	}
}

// Folded and quoted texts: the line found has what the text has there.
func TestTextLines(t *testing.T) {
	words := []string{"", "", "one", "two", "  code", "three", "\tfour"}
	for seed := range 3000 {
		lines := []string{"w0"}
		for i, n := 1, seed; i < 6; i++ {
			word := words[n%len(words)]
			if strings.TrimSpace(word) != "" {
				word += fmt.Sprint("x", i)
			}
			lines = append(lines, word)
			n /= len(words)
			if i%2 == 1 {
				n += seed / 5
			}
		}
		for _, style := range []string{"|", ">", "'", "\""} {
			text := strings.Join(lines, "\n    ")
			body := "apiVersion: v1\nkind: A\nspec: " + style + "\n    " + text + "\n"
			if len(style) == 1 && strings.ContainsAny(style, `'"`) {
				body = "apiVersion: v1\nkind: A\nspec: " + style + text + style + "\n"
			}
			o := read(t, source("x", body)).Objects[0]
			for n, content := range strings.Split(o.Value["spec"].(string), "\n") {
				if content = strings.TrimSpace(content); content == "" {
					continue
				}
				p := o.Position([]any{"spec"}, n+1)
				file := lineOf([]byte(body), p.Line)
				at := strings.TrimLeft(string([]rune(file)[p.Column-1:]), style)
				if !strings.HasPrefix(at, strings.Fields(content)[0]) {
					t.Fatalf("%s\nline %d is %q, found %v: %q", body, n+1, content, p, at)
				}
			}
		}
	}
}
