package check

import (
	"context"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"kyma-function-security/bundle"
	"kyma-function-security/harness/internal/constraint"
	"kyma-function-security/harness/internal/engine"
	"kyma-function-security/harness/internal/manifest"
	"kyma-function-security/harness/internal/policy"
	"kyma-function-security/harness/internal/report"
	"kyma-function-security/harness/internal/schema"
	"kyma-function-security/policies"
)

type fixture struct {
	lib         *policy.Library
	constraints []*constraint.Constraint
}

func load(t testing.TB, profile string) fixture {
	t.Helper()
	lib, err := policy.Load(policies.FS)
	if err != nil {
		t.Fatal(err)
	}
	config, err := constraint.ReadConfig(bundle.Config)
	if err != nil {
		t.Fatal(err)
	}
	constraints, err := constraint.Generate(lib, config, profile, "classic")
	if err != nil {
		t.Fatal(err)
	}
	return fixture{lib, constraints}
}

func (f fixture) run(t testing.TB, text string, options Options) report.Report {
	t.Helper()
	source := manifest.Source{Name: "in.yaml", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
	input, err := manifest.Read(context.Background(), []manifest.Source{source}, manifest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	options.Profile, options.Flavor, options.Constraints = "strict", "classic", f.constraints
	r, err := Run(context.Background(), f.lib, schema.Load(), input, options)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestNamespaceOfObjectsThatNameNone(t *testing.T) {
	f := load(t, "strict")
	const function = `apiVersion: serverless.kyma-project.io/v1alpha2
kind: Function
metadata: {name: orders%s}
spec: {runtime: nodejs10, source: {inline: {source: x}}}
`
	for _, tc := range []struct{ name, given, option, want string }{
		{"none at all", "", "", "default"},
		{"the option", "", "team-a", "team-a"},
		{"its own", ", namespace: team-b", "team-a", "team-b"},
		{"blank", `, namespace: ""`, "team-a", "team-a"},
		{"null", ", namespace: null", "", "default"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := f.run(t, fmt.Sprintf(function, tc.given), Options{Namespace: tc.option})
			if len(r.Findings) == 0 || r.Findings[0].Object.Namespace != tc.want {
				t.Errorf("got %+v, want namespace %s", r.Findings, tc.want)
			}
		})
	}
	namespace := "apiVersion: v1\nkind: Namespace\nmetadata: {name: team-a, namespace: odd, labels: {a: b}}\n---\n"
	r := f.run(t, namespace+fmt.Sprintf(function, ", namespace: team-a"), Options{})
	for _, finding := range r.Findings {
		if finding.Object.Kind == "Namespace" && finding.Object.Namespace != "" {
			t.Errorf("a Namespace stands in namespace %q", finding.Object.Namespace)
		}
	}
	if len(r.Undecided) > 0 {
		t.Errorf("undecided with its Namespace: %+v", r.Undecided)
	}
}

// manifests generates n objects: namespaces with 25 Functions each, and an APIRule for every one. About 700 bytes each.
func manifests(n int) string {
	var text strings.Builder
	for i := range n / 2 {
		namespace := fmt.Sprintf("team-%d", i/25)
		if i%25 == 0 {
			fmt.Fprintf(&text, `apiVersion: v1
kind: Namespace
metadata:
  name: %s
  labels: {pod-security.kubernetes.io/enforce: baseline, istio-injection: enabled}
---
`, namespace)
		}
		fmt.Fprintf(&text, `apiVersion: serverless.kyma-project.io/v1alpha2
kind: Function
metadata:
  name: fn-%[1]d
  namespace: %[2]s
spec:
  runtime: nodejs24
  env:
    - name: ORDERS_URL
      value: http://orders-db.%[2]s.svc.cluster.local:8080
  source:
    inline:
      source: |
        const axios = require("axios");

        module.exports = {
          main: async function (event, context) {
            const id = event.extensions.request.path.split("/").pop();
            const answer = await axios.get(process.env.ORDERS_URL + "/orders/" + id);
            return answer.data;
          },
        };
---
apiVersion: gateway.kyma-project.io/v2
kind: APIRule
metadata:
  name: fn-%[1]d
  namespace: %[2]s
spec:
  gateway: kyma-system/kyma-gateway
  hosts: [fn-%[1]d]
  service: {name: fn-%[1]d, port: 80}
  rules:
    - path: /orders/{*}
      methods: [GET, POST]
      jwt:
        authentications:
          - issuer: https://shop.accounts.example.com
            jwksUri: https://shop.accounts.example.com/oauth2/certs
        authorizations:
          - audiences: [fn-%[1]d]
    - path: /invoices/{*}
      methods: [GET]
      jwt:
        authentications:
          - issuer: https://shop.accounts.example.com
            jwksUri: https://shop.accounts.example.com/oauth2/certs
        authorizations:
          - audiences: [fn-%[1]d]
---
`, i, namespace)
	}
	return text.String()
}

// BenchmarkRun is a whole run, reading included, but for loading and compiling the policies.
func BenchmarkRun(b *testing.B) {
	f := load(b, "baseline")
	program, err := engine.Compile(f.lib, f.lib.Policies, nil)
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range []int{1, 100, 1000, 10000} {
		text := manifests(max(2, n))
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				f.run(b, text, Options{Program: program})
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*max(2, n)), "µs/object")
		})
	}
}

// apiRules generates n APIRules, each for a service of its own, whose tokens are for an audience of its own or for one that
// all share.
func apiRules(n int, shared bool) string {
	var text strings.Builder
	for i := range n {
		audience := "all"
		if !shared {
			audience = fmt.Sprintf("service-%d", i)
		}
		fmt.Fprintf(&text, `apiVersion: gateway.kyma-project.io/v2
kind: APIRule
metadata:
  name: service-%[1]d
  namespace: team-%[2]d
spec:
  gateway: kyma-system/kyma-gateway
  hosts: [service-%[1]d]
  service: {name: service-%[1]d, port: 80}
  rules:
    - path: /*
      methods: [GET, POST]
      jwt:
        authentications:
          - issuer: https://id.example.com
            jwksUri: https://id.example.com/keys
        authorizations:
          - audiences: [%[3]s]
            requiredScopes: [read]
---
`, i, i%50, audience)
	}
	return text.String()
}

// BenchmarkPeers is a whole run over APIRules that are compared with one another. The last figure must not grow with n.
func BenchmarkPeers(b *testing.B) {
	f := load(b, "strict")
	program, err := engine.Compile(f.lib, f.lib.Policies, nil)
	if err != nil {
		b.Fatal(err)
	}
	for _, audience := range []string{"distinct", "shared"} {
		for _, n := range []int{500, 5000} {
			text := apiRules(n, audience == "shared")
			b.Run(fmt.Sprintf("%s/%d", audience, n), func(b *testing.B) {
				before := processorTime(b)
				for b.Loop() {
					r := f.run(b, text, Options{Program: program})
					sharing := 0
					for _, finding := range r.Findings {
						if finding.Rule == "KFS-105" {
							sharing++
						}
					}
					if want := map[string]int{"distinct": 0, "shared": n}[audience]; sharing != want {
						b.Fatalf("KFS-105 on %d of %d, want %d", sharing, n, want)
					}
				}
				b.ReportMetric((processorTime(b)-before).Seconds()*1000/float64(b.N*n), "cpu-ms/object")
			})
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

func BenchmarkCompile(b *testing.B) {
	f := load(b, "baseline")
	for b.Loop() {
		if _, err := engine.Compile(f.lib, f.lib.Policies, nil); err != nil {
			b.Fatal(err)
		}
	}
}
