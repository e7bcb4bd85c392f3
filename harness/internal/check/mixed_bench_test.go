package check

import (
	"fmt"
	"strings"
	"testing"

	"kyma-function-security/harness/internal/engine"
)

// BenchmarkMixed is a whole run over objects of all kinds that rules look at in each other: in namespaces as teams have them,
// in one namespace, and in one where each Function has everything of its own. It fails if an object costs more among 8,000
// than half as much again as among 1,000.
func BenchmarkMixed(b *testing.B) {
	f := load(b, "strict")
	program, err := engine.Compile(f.lib, f.lib.Policies, nil)
	if err != nil {
		b.Fatal(err)
	}
	for _, world := range []struct {
		name string
		text func(n int) string
	}{
		{"namespaces", func(n int) string { return mixed(n, 10, application) }},
		{"one namespace", func(n int) string { return mixed(n, n, application) }},
		{"everything of its own", func(n int) string { return mixed(n, n, application+"\n---\n"+belongings) }},
	} {
		b.Run(world.name, func(b *testing.B) {
			cost := map[int]float64{}
			for _, n := range []int{1_000, 2_000, 4_000, 8_000} {
				text := world.text(n)
				b.Run(fmt.Sprint(n), func(b *testing.B) {
					before := processorTime(b)
					for b.Loop() {
						if r := f.run(b, text, Options{Program: program}); r.Summary.Objects != n {
							b.Fatalf("%d objects, want %d", r.Summary.Objects, n)
						}
					}
					cost[n] = float64((processorTime(b) - before).Microseconds()) / float64(b.N*n)
					b.ReportMetric(cost[n], "cpu-µs/object")
				})
			}
			if few, many := cost[1_000], cost[8_000]; few > 0 && many > 1.5*few {
				b.Errorf("%.0f µs an object among 8,000, %.0f among 1,000", many, few)
			}
		})
	}
}

// mixed is n objects: namespaces with so many Functions each, and what belongs to them.
func mixed(n, functions int, application string) string {
	var documents []string
	for space := 0; len(documents) < n; space++ {
		documents = append(documents, strings.Split(fmt.Sprintf(surroundings, space), "\n---\n")...)
		for i := 0; i < functions && len(documents) < n; i++ {
			documents = append(documents, strings.Split(fmt.Sprintf(application, space, i), "\n---\n")...)
		}
	}
	return strings.Join(documents[:n], "\n---\n")
}

// surroundings is a namespace's own ten objects.
const surroundings = `apiVersion: v1
kind: Namespace
metadata: {name: team-%[1]d, labels: {istio-injection: enabled, pod-security.kubernetes.io/enforce: baseline}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: default, namespace: team-%[1]d}
automountServiceAccountToken: false
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny, namespace: team-%[1]d}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: team-%[1]d}
spec: {mtls: {mode: STRICT}}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: deny-all, namespace: team-%[1]d}
spec: {}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: on-call, namespace: team-%[1]d}
rules:
  - {apiGroups: [""], resources: [events, services], verbs: [get, list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: on-call, namespace: team-%[1]d}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: on-call}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: on-call-%[1]d}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: viewers, namespace: team-%[1]d}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: viewer-%[1]d}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: viewers-%[1]d}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: viewer-%[1]d}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {example.com/view-%[1]d: "true"}}]}
rules: []
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: events-%[1]d, labels: {example.com/view-%[1]d: "true"}}
rules:
  - {apiGroups: [""], resources: [events], verbs: [get, list, watch]}`

// application is a Function and three more objects.
const application = `apiVersion: serverless.kyma-project.io/v1alpha2
kind: Function
metadata: {name: fn-%[2]d, namespace: team-%[1]d, labels: {function-security.policy/data: internal}}
spec:
  runtime: nodejs24
  labels: {team: team-%[1]d, app: fn-%[2]d}
  env:
    - {name: PASSWORD, valueFrom: {secretKeyRef: {name: fn-%[2]d, key: password}}}
  source:
    inline:
      source: |
        const axios = require("axios");

        module.exports = {
          main: async (event) => (await axios.get("http://orders-db.team-%[1]d.svc.cluster.local:8080")).data,
        };
---
apiVersion: gateway.kyma-project.io/v2
kind: APIRule
metadata: {name: fn-%[2]d, namespace: team-%[1]d}
spec:
  gateway: kyma-system/kyma-gateway
  hosts: [fn-%[2]d-%[1]d]
  service: {name: fn-%[2]d, port: 80}
  rules:
    - path: /orders/{*}
      methods: [GET, POST]
      jwt:
        authentications:
          - issuer: https://id.example.com
            jwksUri: https://id.example.com/keys
        authorizations: [{audiences: [fn-%[2]d-of-team-%[1]d]}]
---
apiVersion: v1
kind: Service
metadata: {name: workload-%[2]d, namespace: team-%[1]d}
spec: {ports: [{port: 80}], selector: {app.kubernetes.io/name: workload-%[2]d}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: fn-%[2]d, namespace: team-%[1]d}
spec:
  podSelector: {matchLabels: {serverless.kyma-project.io/function-name: fn-%[2]d}}
  policyTypes: [Ingress]
  ingress:
    - from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: istio-system}}}]`

// belongings are what else a Function may have of its own.
const belongings = `apiVersion: v1
kind: Service
metadata: {name: alias-%[2]d, namespace: team-%[1]d}
spec: {ports: [{port: 80}], selector: {app: fn-%[2]d}}
---
apiVersion: gateway.kyma-project.io/v2
kind: APIRule
metadata: {name: alias-%[2]d, namespace: team-%[1]d}
spec:
  gateway: kyma-system/kyma-gateway
  hosts: [alias-%[2]d-%[1]d]
  service: {name: alias-%[2]d, port: 80}
  rules:
    - path: /others/{*}
      methods: [GET, POST]
      jwt:
        authentications:
          - issuer: https://id.example.com
            jwksUri: https://id.example.com/keys
        authorizations: [{audiences: [fn-%[2]d-of-team-%[1]d]}]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: fn-%[2]d, namespace: team-%[1]d}
spec:
  selector: {matchLabels: {serverless.kyma-project.io/function-name: fn-%[2]d}}
  action: ALLOW
  rules:
    - from: [{source: {principals: [cluster.local/ns/istio-system/sa/istio-ingressgateway-service-account]}}]
---
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: fn-%[2]d, namespace: team-%[1]d}
spec:
  selector: {matchLabels: {serverless.kyma-project.io/function-name: fn-%[2]d}}
  jwtRules: [{issuer: "https://id.example.com", jwksUri: "https://id.example.com/keys"}]
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: fn-%[2]d, namespace: team-%[1]d}
spec:
  selector: {matchLabels: {serverless.kyma-project.io/function-name: fn-%[2]d}}
  mtls: {mode: STRICT}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: workload-%[2]d, namespace: team-%[1]d}
spec:
  gateways: [kyma-system/kyma-gateway]
  hosts: [workload-%[2]d.example.com]
  http: [{route: [{destination: {host: workload-%[2]d}}]}]
---
apiVersion: aquasecurity.github.io/v1alpha1
kind: VulnerabilityReport
metadata:
  name: replicaset-fn-%[2]d
  namespace: team-%[1]d
  labels:
    trivy-operator.container.name: function
    trivy-operator.resource.kind: ReplicaSet
    trivy-operator.resource.name: fn-%[2]d-x7k2p-5d8f9c7b6d
    trivy-operator.resource.namespace: team-%[1]d
report:
  artifact: {repository: team/fn-%[2]d, tag: v1}
  registry: {server: registry.example.com}
  scanner: {name: Trivy}
  summary: {criticalCount: 0, highCount: 0}
  updateTimestamp: "2026-02-27T06:00:00Z"
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: fn-%[2]d, namespace: team-%[1]d}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [get], resourceNames: [fn-%[2]d]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: fn-%[2]d, namespace: team-%[1]d}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: fn-%[2]d}
subjects: [{kind: ServiceAccount, name: fn-%[2]d, namespace: team-%[1]d}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: fn-%[2]d, namespace: team-%[1]d}
automountServiceAccountToken: false`
