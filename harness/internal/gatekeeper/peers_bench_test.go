package gatekeeper

import (
	"context"
	"fmt"
	"path"
	"strings"
	"syscall"
	"testing"
	"time"

	bundleconfig "kyma-function-security/bundle"
	"kyma-function-security/harness/internal/bundle"
	"kyma-function-security/harness/internal/constraint"
	"kyma-function-security/harness/internal/policy"
	"kyma-function-security/harness/internal/schema"
	"kyma-function-security/policies"
)

// BenchmarkPeers is what Gatekeeper pays for one review of an APIRule beside many others, under all constraints of one policy.
// It fails if that costs more than it may.
func BenchmarkPeers(b *testing.B) {
	for _, name := range []string{"jwt_binding", "exposure"} {
		g := strictClassic(b, name)
		for _, audience := range []string{"distinct", "shared"} {
			for _, peers := range []int{10, manyPeers, 10 * manyPeers} {
				b.Run(fmt.Sprintf("%s/%s/%d", name, audience, peers), func(b *testing.B) {
					ctx := context.Background()
					var values []map[string]any
					for i := range peers {
						of := "shared"
						if audience == "distinct" {
							of = fmt.Sprintf("audience-%d", i)
						}
						values = append(values, apiRule(i, of))
					}
					inventory, err := objects(values)
					if err != nil {
						b.Fatal(err)
					}
					for _, o := range inventory {
						if _, err := g.client.AddData(ctx, o); err != nil {
							b.Fatal(err)
						}
					}
					defer func() {
						if err := g.forget(ctx, inventory); err != nil {
							b.Fatal(err)
						}
					}()
					found := 0
					cost := medianCost(b, func() {
						results, err := g.review(ctx, 0, Review{Object: values[peers/2], Operation: "CREATE"}, nil)
						if err != nil {
							b.Fatal(err)
						}
						found = len(results)
					})
					if peers == manyPeers && cost > peersLimit {
						b.Errorf("%.2f ms with 1,000", cost)
					}
					if sharing := name == "jwt_binding" && audience == "shared"; (found > 0) != sharing {
						b.Errorf("%d findings", found)
					}
				})
			}
		}
	}
}

// processorTime doesn't depend on what else the machine does.
func processorTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func apiRule(i int, audience string) map[string]any {
	name := fmt.Sprintf("service-%d", i)
	return map[string]any{
		"apiVersion": "gateway.kyma-project.io/v2",
		"kind":       "APIRule",
		"metadata":   map[string]any{"name": name, "namespace": fmt.Sprintf("team-%d", i%50)},
		"spec": map[string]any{
			"gateway": "kyma-system/kyma-gateway",
			"hosts":   []any{name},
			"service": map[string]any{"name": name, "port": 80},
			"rules": []any{map[string]any{
				"path":    "/*",
				"methods": []any{"GET", "POST"},
				"jwt": map[string]any{
					"authentications": []any{map[string]any{
						"issuer": "https://id.example.com", "jwksUri": "https://id.example.com/keys",
					}},
					"authorizations": []any{map[string]any{"audiences": []any{audience}, "requiredScopes": []any{"read"}}},
				},
			}},
		},
	}
}

// strictClassic has one policy's template and its constraints of the profile strict, flavor classic.
func strictClassic(b *testing.B, name string) *Gatekeeper {
	b.Helper()
	library, err := policy.Load(policies.FS)
	if err != nil {
		b.Fatal(err)
	}
	config, err := constraint.ReadConfig(bundleconfig.Config)
	if err != nil {
		b.Fatal(err)
	}
	files, err := bundle.Generate(library, config, schema.Load())
	if err != nil {
		b.Fatal(err)
	}
	var template []byte
	var constraints [][]byte
	for file, text := range files {
		base := path.Base(file)
		switch {
		case file == "constrainttemplates/"+name+".yaml":
			template = text
		case strings.HasPrefix(file, "bundle/gatekeeper/constraints/strict-classic/") &&
			strings.HasPrefix(base, strings.ReplaceAll(name, "_", "-")+"-"):
			constraints = append(constraints, text)
		}
	}
	g, err := New(b.Context(), template)
	if err != nil {
		b.Fatal(err)
	}
	if err := g.SetConstraints(b.Context(), constraints...); err != nil {
		b.Fatal(err)
	}
	return g
}
