package secrets

import (
	"context"
	"testing"

	"kyma-function-security/harness/internal/engine"
)

func BenchmarkReview(b *testing.B) {
	j := newJudge(b)
	e, err := j.program.Engine(context.Background(), j.constraints, nil, engine.Options{})
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range []string{"hello.js", "jwt-verify.js", "names.env", "authentication.json"} {
		b.Run(name, func(b *testing.B) {
			o := clean(b)[name]
			o["metadata"].(object)["labels"] = object{"a": "b", "app.kubernetes.io/part-of": "shop"}
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
