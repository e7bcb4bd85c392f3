package manifest

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// generated are n Functions and APIRules of about 1 KB as one stream.
func generated(n int) []string {
	docs := make([]string, n)
	for i := range docs {
		if i%2 == 0 {
			docs[i] = fmt.Sprintf(`apiVersion: serverless.kyma-project.io/v1alpha2
kind: Function
metadata:
  name: orders-%d
  namespace: team-%d
  labels:
    app.kubernetes.io/name: orders-%d
    app.kubernetes.io/part-of: shop
spec:
  runtime: nodejs22
  replicas: 1
  resourceConfiguration:
    function:
      resources:
        limits: {cpu: 100m, memory: 128Mi}
        requests: {cpu: 50m, memory: 64Mi}
  env:
    - name: LOG_LEVEL
      value: "info"
    - name: DB_PASSWORD
      valueFrom:
        secretKeyRef: {name: orders-db, key: password}
  source:
    inline:
      dependencies: |
        {"name": "orders", "version": "1.0.0", "dependencies": {"axios": "1.7.2"}}
      source: |
        const axios = require("axios");
        module.exports = {
          main: async function (event, context) {
            const order = event.data; // no more than one
            if (!order || !order.id) return { code: 400 };
            const response = await axios.get("http://stock.team-%d/items/" + order.id);
            return { code: 200, items: response.data };
          },
        };
`, i, i%50, i, i%50)
			continue
		}
		docs[i] = fmt.Sprintf(`apiVersion: gateway.kyma-project.io/v2
kind: APIRule
metadata:
  name: orders-%d
  namespace: team-%d
  labels: {app.kubernetes.io/name: orders, app.kubernetes.io/part-of: shop}
spec:
  gateway: kyma-system/kyma-gateway
  hosts: [orders-%d]
  service:
    name: orders-%d
    namespace: team-%d
    port: 80
  corsPolicy:
    allowOrigins:
      - exact: https://shop.example.com
    allowCredentials: true
    maxAge: 300s
  rules:
    - path: /orders/{*}
      methods: ["GET", "POST"]
      jwt:
        authentications:
          - issuer: https://idp.example.com/
            jwksUri: https://idp.example.com/.well-known/jwks.json
        authorizations:
          - requiredScopes: ["orders.read", "orders.write"]
            audiences: ["orders-%d"]
    - path: /healthz
      methods: ["GET"]
      noAuth: true
      request:
        headers:
          x-forwarded-app: orders
`, i, i%50, i, i-1, i%50, i)
	}
	return docs
}

func BenchmarkRead(b *testing.B) {
	for _, n := range []int{1, 1000, 10000} {
		docs := generated(n)
		stream := strings.Join(docs, "---\n")
		list := "apiVersion: v1\nitems:\n- " + strings.Join(func() (items []string) {
			for _, doc := range docs {
				items = append(items, strings.ReplaceAll(strings.TrimSuffix(doc, "\n"), "\n", "\n  "))
			}
			return items
		}(), "\n- ") + "\nkind: List\n"
		forms := map[string]string{"stream": stream, "list": list}
		for _, form := range []string{"stream", "list"} {
			for _, workers := range []int{1, 2} {
				b.Run(fmt.Sprintf("%s/%d/workers=%d", form, n, workers), func(b *testing.B) {
					b.SetBytes(int64(len(forms[form])))
					b.ReportAllocs()
					for range b.N {
						input, err := Read(context.Background(), []Source{source("x", forms[form])}, Options{Workers: workers})
						if err != nil || len(input.Objects) != n || len(input.Errors) > 0 {
							b.Fatal(len(input.Objects), input.Errors, err)
						}
					}
				})
			}
		}
		b.Run(fmt.Sprintf("sigs/%d", n), func(b *testing.B) {
			b.SetBytes(int64(len(stream)))
			b.ReportAllocs()
			for range b.N {
				for _, doc := range docs {
					var value map[string]any
					if err := yaml.Unmarshal([]byte(doc), &value); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// One position in a document that is parsed for it.
func BenchmarkPosition(b *testing.B) {
	stream := strings.Join(generated(100), "---\n")
	b.ReportAllocs()
	for range b.N {
		b.StopTimer()
		input, err := Read(context.Background(), []Source{{Name: "x", Open: func() (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(stream)), nil
		}}}, Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		for _, o := range input.Objects {
			o.Position([]any{"spec", "rules", 0, "jwt"}, 0)
		}
	}
}
