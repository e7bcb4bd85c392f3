package lint

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestRun(t *testing.T) {
	const head = "package kyma.x\n\nimport data.lib.kfs.finding\n\n"
	for _, tc := range []struct {
		name, file, source string
		want               string // part of the only issue; empty for none
	}{
		{"clean", "kyma/x/x.rego", head + "a if finding.ready\n", ""},
		{"call inside a negation", "kyma/x/x.rego", head + "a if not f(g(1))\n\nf(x) if x == 1\n\ng(x) := x\n", "a call inside a negation"},
		{"reference inside a negation", "kyma/x/x.rego", head + "a if not f(input.review.object)\n\nf(x) if x == 1\n",
			"a reference inside a negation"},
		{"membership of a reference", "kyma/x/x.rego", head + "a if not input.x in {1}\n", "a reference inside a negation"},
		{"key of a negated reference", "kyma/x/x.rego", head + "a if not b[input.x]\n\nb contains 1\n", "a reference inside a negation"},
		{"plain negated reference", "kyma/x/x.rego", head + "a if not input.review.object.x\n", ""},
		{"negated name", "kyma/x/x.rego", head + "a if not b\n\nb if input.x == 1\n", ""},
		{"negated call of a variable", "kyma/x/x.rego", head + "a if {\n\tx := input.x\n\tnot f(x)\n}\n\nf(x) if x == 1\n", ""},
		{"comparison", "kyma/x/x.rego", head + "a if not input.x == 1\n", ""},
		{"foreign data", "kyma/x/x.rego", head + "a if data.kfs.constraints.all\n", "Gatekeeper allows only"},
		{"inventory", "kyma/x/x.rego", head + "a if data.inventory.cluster\n", ""},
		{"foreign import", "kyma/x/x.rego", "package kyma.x\n\nimport data.kyma.y\n\na if y.b\n", "Gatekeeper allows only data.lib"},
		{"refused builtin", "kyma/x/x.rego", head + "a if http.send({}).body\n", "http.send is not allowed"},
		{"walk", "kyma/x/x.rego", head + "a if walk(input, [_, 1])\n", "walk is not allowed"},
		{"split into characters", "kyma/x/x.rego", head + "a if every b in split(input.x, \"\") { b == 1 }\n", "split by nothing"},
		{"split by something", "kyma/x/x.rego", head + "a if every b in split(input.x, \",\") { b == 1 }\n", ""},
		{"shadowed rule", "kyma/x/x.rego", head + "a if {\n\tb := 1\n\tb == 1\n}\n\nb := 2\n", "variable b shadows a rule"},
		{"shadowed import", "kyma/x/x.rego", head + "a if {\n\tsome finding in input.x\n\tfinding == 1\n}\n", "variable finding shadows an import"},
		{"shadowed builtin", "kyma/x/x.rego", head + "f(object) if object == 1\n", "variable object shadows a builtin's name"},
		{"form", "kyma/x/x.rego", head + "a  if input.x\n", "opa fmt"},
		{"width", "kyma/x/x.rego", head + "# " + strings.Repeat("é", 119) + "\na if input.x\n", "121 columns"},
		{"folder", "kyma/y/x.rego", head + "a if input.x\n", "stands in folder"},
		{"tests may do what they like", "kyma/x/x_test.rego", "package kyma.x_test\n\nimport data.kyma.x\n\ntest_a if not x.f(input.y)\n", ""},
		{"the adapter isn't templated", "kfs/adapter/adapter.rego", "package kfs.adapter\n\na if data.kfs.constraints.all\n", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			issues, err := Run(fstest.MapFS{tc.file: {Data: []byte(tc.source)}})
			if err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, issue := range issues {
				all = append(all, issue.String())
			}
			text := strings.Join(all, "\n")
			if tc.want == "" && text != "" || tc.want != "" && (len(all) != 1 || !strings.Contains(text, tc.want)) {
				t.Errorf("got %q, want one with %q", text, tc.want)
			}
		})
	}
}

func TestUnparsable(t *testing.T) {
	if _, err := Run(fstest.MapFS{"kyma/x/x.rego": {Data: []byte("package {")}}); err == nil {
		t.Error("no error")
	}
}
