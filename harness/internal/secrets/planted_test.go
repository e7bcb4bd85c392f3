package secrets

import (
	"fmt"
	"strings"
	"testing"
)

// found reports on the lines of an object's findings for a rule; others are errors, except alsoFrom other rules.
func (j *judge) must(t *testing.T, what string, o object, want []finding, secrets ...string) {
	t.Helper()
	got, violations := j.raw(t, o)
	for _, w := range want {
		hit := false
		for _, g := range got {
			hit = hit || g == w
		}
		if !hit {
			t.Errorf("%s: not found: %v; found %v", what, w, got)
		}
	}
	for _, g := range got {
		expected := false
		for _, w := range want {
			expected = expected || g == w
		}
		if !expected {
			t.Errorf("%s: not planted: %v\n%s", what, g, violations)
		}
	}
	_, _, output := j.report(t, o)
	for _, secret := range secrets {
		if strings.Contains(strings.ToLower(output), strings.ToLower(secret)) {
			t.Errorf("%s: kfs prints the value:\n%s", what, output)
		}
		if strings.Contains(strings.ToLower(violations), strings.ToLower(secret)) {
			t.Errorf("%s: a violation repeats the value:\n%s", what, violations)
		}
	}
}

// Every kind in every place, found there and nowhere else, and never repeated.
func TestPlantedByShape(t *testing.T) {
	j, r := newJudge(t), NewRandom()
	plants := r.ByShape()
	if len(plants) < 60 {
		t.Errorf("%d kinds, fewer than 60", len(plants))
	}
	for _, p := range plants {
		secrets := append([]string{p.Text}, p.Parts...)
		quoted := strings.ReplaceAll(p.Text, "\n", `\n`)
		javascript := function("nodejs24", func(spec, _ object) {
			inline(spec)["source"] = "const axios = require(\"axios\");\n\nconst one = 1;\nconst value = `" + p.Text + "`;\nmodule.exports = { main: () => value };\n"
		})
		j.must(t, p.Kind+" in JavaScript", javascript, []finding{{"KFS-302", 4}}, secrets...)

		python := function("python312", func(spec, _ object) {
			inline(spec)["source"] = "import os\n\n\n\nVALUE = {\n    \"value\": \"" + quoted + "\",\n}\n\n\ndef main(event, context):\n    return VALUE\n"
		})
		j.must(t, p.Kind+" in Python", python, []finding{{"KFS-302", 6}}, secrets...)

		old := object{
			"apiVersion": "serverless.kyma-project.io/v1alpha1", "kind": "Function",
			"metadata": object{"name": "orders", "namespace": "demo"},
			"spec":     object{"source": "// one\nconst v = '" + quoted + "';\n", "deps": "# two\n\n# " + quoted + "\n", "runtime": "python39"},
		}
		j.must(t, p.Kind+" in v1alpha1", old, []finding{{"KFS-302", 2}, {"KFS-303", 3}}, secrets...)

		env := function("nodejs24", func(spec, _ object) { spec["env"] = []any{object{"name": "SETTING", "value": p.Text}} })
		j.must(t, p.Kind+" in env", env, []finding{{"KFS-301", 0}}, secrets...)

		hidden := function("nodejs24", func(spec, _ object) {
			spec["env"] = []any{object{"name": "SETTING", "value": Encoded(p.Text)}}
		})
		j.must(t, p.Kind+" in env in base64", hidden, []finding{{"KFS-301", 0}}, append(secrets, Encoded(p.Text))...)

		decoded := function("nodejs24", func(spec, _ object) {
			inline(spec)["source"] = "const a = 1;\nconst b = Buffer.from('" + Encoded(p.Text) + "', 'base64');\n"
		})
		j.must(t, p.Kind+" in JavaScript in base64", decoded, []finding{{"KFS-302", 2}}, append(secrets, Encoded(p.Text))...)

		annotation := function("nodejs24", func(spec, metadata object) {
			metadata["annotations"] = object{"shop.dev/note": p.Text}
			spec["labels"] = object{"note": p.Text}
		})
		j.must(t, p.Kind+" in metadata", annotation, []finding{{"KFS-308", 0}, {"KFS-308", 0}}, secrets...)

		clean := function("nodejs24", func(object, object) {})
		j.must(t, p.Kind+" in env, applied", applied(t, clean, env), []finding{{"KFS-308", 0}}, secrets...)
		j.must(t, p.Kind+" in JavaScript, applied", applied(t, clean, javascript), []finding{{"KFS-308", 0}}, secrets...)
		// Reported once, where it still stands.
		j.must(t, p.Kind+" in env and applied", applied(t, env, env), []finding{{"KFS-301", 0}}, secrets...)
		j.must(t, p.Kind+" in JavaScript and applied", applied(t, javascript, javascript), []finding{{"KFS-302", 4}}, secrets...)

		header := apiRule("X-Setting", p.Text)
		j.must(t, p.Kind+" in a header", header, []finding{{"KFS-309", 0}}, secrets...)
		j.must(t, p.Kind+" in a header and applied", applied(t, header, header), []finding{{"KFS-309", 0}}, secrets...)
	}
}

func TestPlantedByName(t *testing.T) {
	j, r := newJudge(t), NewRandom()
	planted := 0
	for runtime, lines := range Assignments {
		for _, line := range lines {
			value := r.Of(18, Alnum)
			text := "one = 1\n\n" + fmt.Sprintf(line, value) + "\ntwo = 2\n"
			o := function(runtime, func(spec, _ object) { inline(spec)["source"] = text })
			j.must(t, line, o, []finding{{"KFS-302", 3}}, value)
			planted++
		}
	}
	for _, name := range Names {
		for _, value := range []string{r.Of(18, Alnum), "change" + "me", "correct horse " + r.Of(8, lower)} {
			env := function("nodejs24", func(spec, _ object) { spec["env"] = []any{object{"name": name, "value": value}} })
			j.must(t, name, env, []finding{{"KFS-301", 0}}, value)
			annotation := function("nodejs24", func(_, metadata object) {
				metadata["annotations"] = object{"shop.dev/" + name: value}
			})
			j.must(t, "annotation "+name, annotation, []finding{{"KFS-308", 0}}, value)
			j.must(t, "header "+name, apiRule(name, value), []finding{{"KFS-309", 0}}, value)
			planted++
		}
	}
	if planted < 60 {
		t.Errorf("%d planted, fewer than 60", planted)
	}
}

// All in one source, each on its line.
func TestPlantedTogether(t *testing.T) {
	j, r := newJudge(t), NewRandom()
	var text strings.Builder
	var want []finding
	var secrets []string
	line := 1
	add := func(s string) {
		text.WriteString(s + "\n")
		line += strings.Count(s, "\n") + 1
	}
	for _, p := range r.ByShape() {
		add("// " + p.Kind)
		want = append(want, finding{"KFS-302", line})
		add("values.push(`" + p.Text + "`);")
		secrets = append(append(secrets, p.Text), p.Parts...)
	}
	for _, code := range Assignments["nodejs24"] {
		value := r.Of(18, Alnum)
		want = append(want, finding{"KFS-302", line})
		add(fmt.Sprintf(code, value))
		secrets = append(secrets, value)
	}
	o := function("nodejs24", func(spec, _ object) { inline(spec)["source"] = text.String() })
	j.must(t, "all", o, want, secrets...)

	// In the file, where kfs points to.
	report, manifest, _ := j.report(t, o)
	lines := strings.Split(string(manifest), "\n")
	seen := map[string]bool{}
	for _, f := range report.Findings {
		at := lines[f.Location.Line-1]
		for _, secret := range secrets {
			if first, _, _ := strings.Cut(secret, "\n"); strings.Contains(at, first) {
				seen[secret] = true
			}
		}
	}
	for _, secret := range secrets {
		if strings.HasPrefix(secret, "MIIE") || strings.Contains(secret, "://") {
			continue // lines of what is found above
		}
		if !seen[secret] {
			t.Errorf("no finding points to %s", secret)
		}
	}
}
