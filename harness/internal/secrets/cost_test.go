package secrets

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"kyma-function-security/harness/internal/engine"
)

const megabyte = 1 << 20

// bundled is a source of a megabyte as bundlers make them, without a secret: all ordinary sources again and again.
func bundled(t testing.TB) string {
	t.Helper()
	var text strings.Builder
	corpus := clean(t)
	for text.Len() < megabyte {
		for name, o := range corpus {
			if strings.HasSuffix(name, ".js") {
				text.WriteString(inline(o["spec"].(object))["source"].(string))
				for i := range 60 {
					fmt.Fprintf(&text, "function f%d(e,t){var n=e[%d],r=t.value;return n&&r?n.concat(r.map(function(i){return i*%d})):[]}\n", i, i, i)
				}
			}
		}
	}
	return text.String()
}

func (j *judge) engine(t testing.TB) *engine.Engine {
	t.Helper()
	e, err := j.program.Engine(context.Background(), j.constraints, nil, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// megabytes are sources of the size that is the most a Function can hold, ordinary ones and such as are made to be slow, with
// whether there is a secret in them.
func megabytes(t testing.TB) map[string]megabyteSource {
	r := NewRandom()
	repeat := func(format string) string {
		var text strings.Builder
		for i := 0; text.Len() < megabyte; i++ {
			if strings.Contains(format, "%") {
				fmt.Fprintf(&text, format, i)
			} else {
				text.WriteString(format)
			}
		}
		return text.String()
	}
	return map[string]megabyteSource{
		"bundle":              {bundled(t), false},
		"bundle on one line":  {strings.ReplaceAll(bundled(t), "\n", " "), false},
		"image":               {"const i = Buffer.from('" + r.Of(megabyte, base) + "', 'base64');", false},
		"image in code":       {"const i = '" + r.Of(megabyte, base) + "';", false},
		"UUIDs":               {repeat("ids.push('3f2504e0-4f89-41d3-9a0c-%012d');\n"), false},
		"literals":            {repeat("token='x%d'\n"), true},
		"the same literal":    {repeat("token='x1y2' "), true},
		"empty literals":      {repeat("token='' "), false},
		"names":               {repeat("password"), false},
		"open templates":      {repeat("token=`${"), false},
		"URLs":                {repeat("://a:b%d@ "), true},
		"beginnings of URLs":  {repeat("://a:b"), false},
		"beginnings of JWTs":  {repeat("eyJaaaaaaaaaa."), true},
		"beginning of a PEM":  {"-----BEGIN PRIVATE" + " KEY-----" + repeat("\\n"), false},
		"keys":                {repeat("AK" + "IA%016d\n"), true},
		"decoded literals":    {repeat("atob('"), true},
		"annotated types":     {repeat("token: a a a a a a a a a a a a a a a a a a a "), false},
		"pairs":               {repeat(".login('a', 'b%d')\n"), true},
		"escapes":             {repeat(`password=\"`), true},
		"marked beside a key": {"const k = '" + "gh" + "p_" + r.Of(36, Alnum) + "';\n" + repeat("a = b;\n"), true},
	}
}

type megabyteSource struct {
	source string
	found  bool
}

func (m megabyteSource) object(t testing.TB) *engine.Object {
	t.Helper()
	o, err := engine.NewObject(function("nodejs24", func(spec, _ object) { inline(spec)["source"] = m.source }))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestMegabyte(t *testing.T) {
	e := newJudge(t).engine(t)
	for name, tc := range megabytes(t) {
		verdict, err := e.Judge(context.Background(), tc.object(t))
		if err != nil {
			t.Fatal(err)
		}
		if found := len(verdict.Findings) > 0; found != tc.found {
			t.Errorf("%s: found %v, want %v: %v", name, found, tc.found, verdict.Findings)
		}
	}
}

// BenchmarkMegabyte is what the slowest sources cost; Gatekeeper's webhook gives up after three seconds.
func BenchmarkMegabyte(b *testing.B) {
	e := newJudge(b).engine(b)
	for name, tc := range megabytes(b) {
		o := tc.object(b)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(tc.source)))
			for b.Loop() {
				if _, err := e.Judge(context.Background(), o); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkReview(b *testing.B) {
	j := newJudge(b)
	e := j.engine(b)
	for _, name := range []string{"hello.js", "jwt-verify.js", "names.env", "authentication.json"} {
		b.Run(name, func(b *testing.B) {
			o := clean(b)[name]
			judged, err := engine.NewObject(applied(b, o, o))
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := e.Judge(context.Background(), judged); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
