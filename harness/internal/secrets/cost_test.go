package secrets

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

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

// duration is the shortest of some reviews of a Function with that source.
func (j *judge) duration(t testing.TB, source string, times int) (time.Duration, engine.Verdict) {
	t.Helper()
	e := j.engine(t)
	o, err := engine.NewObject(function("nodejs24", func(spec, _ object) { inline(spec)["source"] = source }))
	if err != nil {
		t.Fatal(err)
	}
	shortest, verdict := time.Hour, engine.Verdict{}
	for range times {
		start := time.Now()
		if verdict, err = e.Judge(context.Background(), o); err != nil {
			t.Fatal(err)
		}
		shortest = min(shortest, time.Since(start))
	}
	return shortest, verdict
}

// A megabyte is the most that a Function can hold. The limits leave room for a busy machine: alone, an ordinary source takes
// a few tens of milliseconds, and what is made to be slow stays far below the webhook's three seconds.
func TestCostOfAMegabyte(t *testing.T) {
	j, r := newJudge(t), newRandom()
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
	for name, tc := range map[string]struct {
		source string
		found  bool
		limit  time.Duration
	}{
		"bundle":              {bundled(t), false, time.Second},
		"bundle on one line":  {strings.ReplaceAll(bundled(t), "\n", " "), false, time.Second},
		"image":               {"const i = Buffer.from('" + r.of(megabyte, base) + "', 'base64');", false, time.Second},
		"image in code":       {"const i = '" + r.of(megabyte, base) + "';", false, time.Second},
		"UUIDs":               {repeat("ids.push('3f2504e0-4f89-41d3-9a0c-%012d');\n"), false, time.Second},
		"literals":            {repeat("token='x%d'\n"), true, 3 * time.Second},
		"the same literal":    {repeat("token='x1y2' "), true, 3 * time.Second},
		"empty literals":      {repeat("token='' "), false, 3 * time.Second},
		"names":               {repeat("password"), false, 3 * time.Second},
		"open templates":      {repeat("token=`${"), false, 3 * time.Second},
		"URLs":                {repeat("://a:b%d@ "), true, 3 * time.Second},
		"beginnings of URLs":  {repeat("://a:b"), false, 3 * time.Second},
		"beginnings of JWTs":  {repeat("eyJaaaaaaaaaa."), true, 3 * time.Second},
		"beginning of a PEM":  {"-----BEGIN PRIVATE" + " KEY-----" + repeat("\\n"), false, 3 * time.Second},
		"keys":                {repeat("AK" + "IA%016d\n"), true, 3 * time.Second},
		"decoded literals":    {repeat("atob('"), true, 3 * time.Second},
		"annotated types":     {repeat("token: a a a a a a a a a a a a a a a a a a a "), false, 3 * time.Second},
		"pairs":               {repeat(".login('a', 'b%d')\n"), true, 3 * time.Second},
		"escapes":             {repeat(`password=\"`), true, 3 * time.Second},
		"marked beside a key": {"const k = '" + "gh" + "p_" + r.of(36, alnum) + "';\n" + repeat("a = b;\n"), true, time.Second},
	} {
		times := 1
		if tc.limit < 3*time.Second {
			times = 3
		}
		took, verdict := j.duration(t, tc.source, times)
		t.Logf("%-20s %v", name, took.Round(time.Millisecond))
		if took > tc.limit {
			t.Errorf("%s: %v, more than %v", name, took, tc.limit)
		}
		if found := len(verdict.Findings) > 0; found != tc.found {
			t.Errorf("%s: found %v, want %v: %v", name, found, tc.found, verdict.Findings)
		}
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
