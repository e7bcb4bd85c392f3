package zzmicro

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
)

func cpu() float64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e6
}

func world(n int) map[string]any {
	svc := map[string]any{}
	fns := map[string]any{}
	for i := range n {
		name := fmt.Sprintf("s-%d", i)
		sel := map[string]any{"app.kubernetes.io/name": fmt.Sprintf("w-%d", i)}
		if i%10 < 3 {
			sel = map[string]any{"app": fmt.Sprintf("w-%d", i)}
		} else if i%10 < 5 {
			sel = map[string]any{"serverless.kyma-project.io/function-name": name, "serverless.kyma-project.io/managed-by": "function-controller", "serverless.kyma-project.io/resource": "deployment", "serverless.kyma-project.io/uuid": name}
		}
		svc[name] = map[string]any{"apiVersion": "v1", "kind": "Service", "metadata": map[string]any{"name": name, "namespace": "shop"},
			"spec": map[string]any{"type": "ClusterIP", "clusterIP": "10.0.0.1", "ports": []any{map[string]any{"port": int64(80)}}, "selector": sel}}
		fns[name] = map[string]any{"apiVersion": "v1", "kind": "Function", "metadata": map[string]any{"name": name, "namespace": "shop", "uid": name, "labels": map[string]any{"a": "b"}},
			"spec": map[string]any{"runtime": "nodejs", "labels": map[string]any{"app": "shop", "tier": "x"}, "env": []any{map[string]any{"name": "A", "value": "B"}, map[string]any{"name": "A", "value": "B"}}, "source": map[string]any{"inline": map[string]any{"source": "foo"}}}}
	}
	return map[string]any{"inventory": map[string]any{"namespace": map[string]any{"shop": map[string]any{"v1": map[string]any{"Service": svc, "Function": fns}}}}}
}

func TestMicro(t *testing.T) {
	files, _ := filepath.Glob(os.Getenv("SNIPPETS"))
	sort.Strings(files)
	for _, f := range files {
		text, _ := os.ReadFile(f)
		for _, snippet := range strings.Split(string(text), "\n###") {
			head, body, _ := strings.Cut(snippet, "\n")
			if strings.TrimSpace(body) == "" { continue }
			mod := "package t\n" + body
			var out []string
			for _, n := range []int{10, 1000} {
				store := inmem.NewFromObjectWithOpts(world(n), inmem.OptRoundTripOnWrite(false))
				r := rego.New(rego.Module("t.rego", mod), rego.Store(store), rego.Query("data.t.r"), rego.StrictBuiltinErrors(true))
				q, err := r.PrepareForEval(context.Background())
				if err != nil { t.Fatal(head, err) }
				in, _ := ast.InterfaceToValue(map[string]any{"pod": map[string]any{"app": "w-0", "tier": "x", "app.kubernetes.io/name": "w-7", "serverless.kyma-project.io/function-name": "orders", "serverless.kyma-project.io/managed-by": "function-controller", "serverless.kyma-project.io/resource": "deployment", "serverless.kyma-project.io/uuid": nil}})
				var best float64 = 1e9
				var res rego.ResultSet
				for range 15 {
					c := cpu()
					for range 4 {
					res, err = q.Eval(context.Background(), rego.EvalParsedInput(in))
					if err != nil { t.Fatal(head, err) }
					}
					best = min(best, (cpu()-c)/4)
				}
				s := "undefined"
				if len(res) > 0 { s = fmt.Sprint(res[0].Expressions[0].Value) }
				if len(s) > 60 { s = s[:60] }
				out = append(out, fmt.Sprintf("%d: %.3f ms (%s)", n, best, s))
			}
			fmt.Printf("%-50s %s\n", strings.TrimSpace(head), strings.Join(out, "   "))
		}
	}
}
