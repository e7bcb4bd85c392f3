package schema

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// parse reads YAML as manifests are read: as the API server does, numbers as json.Number.
func parse(t testing.TB, source string) map[string]any {
	t.Helper()
	text, err := yaml.YAMLToJSON([]byte(source))
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	var value map[string]any
	if err := decoder.Decode(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

const goodRule = `
apiVersion: gateway.kyma-project.io/v2
kind: APIRule
metadata: {name: orders, namespace: demo, labels: {a: b}, annotations: null}
spec:
  hosts: [orders]
  gateway: kyma-system/kyma-gateway
  service: {name: orders, port: 80}
  timeout: 30
  rules:
    - path: /{**}
      methods: [GET]
      jwt:
        authentications: [{issuer: https://idp.example, jwksUri: https://idp.example/keys}]
        authorizations: [{audiences: [orders], requiredScopes: null}]
status: {anything: {goes: true}}
`

const goodFunction = `
apiVersion: serverless.kyma-project.io/v1alpha2
kind: Function
metadata: {name: orders, namespace: demo}
spec:
  runtime: nodejs22
  labels: {team: a}
  env: [{name: A, value: b}, {name: C, valueFrom: {secretKeyRef: {name: s, key: k}}}]
  resourceConfiguration: {function: {resources: {limits: {cpu: 1, memory: 1Gi}}}}
  source: {inline: {source: "module.exports = {}"}}
`

func function(spec string) string {
	return "apiVersion: serverless.kyma-project.io/v1alpha2\nkind: Function\nmetadata: {name: a}\nspec: " + spec
}

func apiRule(version, spec string) string {
	return "apiVersion: gateway.kyma-project.io/" + version + "\nkind: APIRule\nmetadata: {name: a}\nspec: " + spec
}

func TestCheck(t *testing.T) {
	for name, tc := range map[string]struct {
		flavor string // classic
		source string
		want   []string // "RULE path: message"
	}{
		"good APIRule":  {source: goodRule},
		"good Function": {source: goodFunction},
		"misspelt": {
			source: apiRule("v2", "{rules: [{jwt: {authorisations: []}}]}"),
			want:   []string{`KFS-001 spec.rules.0.jwt.authorisations: field "authorisations" isn't in APIRule v2: the API server drops it; did you mean "authorizations"?`},
		},
		"what the pages say": {
			source: apiRule("v2", "{rules: [{jwt: {authentications: [{fromParameters: [a]}]}}]}"),
			want:   []string{`KFS-001 spec.rules.0.jwt.authentications.0.fromParameters: field "fromParameters" isn't in APIRule v2: the API server drops it; did you mean "fromParams"?`},
		},
		"what is meant is there": {
			source: apiRule("v2", "{hosts: [a], host: b}"),
			want:   []string{`KFS-001 spec.host: field "host" isn't in APIRule v2: the API server drops it; v1beta1 has it`},
		},
		"another version's": {
			source: apiRule("v2alpha1", "{rules: [{accessStrategies: [{handler: noop}]}]}"),
			want:   []string{`KFS-001 spec.rules.0.accessStrategies: field "accessStrategies" isn't in APIRule v2alpha1: the API server drops it; v1beta1 has it`},
		},
		"the other flavor's": {
			source: function("{podSecurityContext: {runAsUser: 0}}"),
			want:   []string{`KFS-001 spec.podSecurityContext: field "podSecurityContext" isn't in Function v1alpha2 (classic): the API server drops it; buildless has it`},
		},
		"the flavor's own": {flavor: "buildless", source: function("{podSecurityContext: {runAsUser: 0}}")},
		"any flavor's":     {flavor: "", source: function("{runtime: nodejs22}")},
		"swapped case": {
			source: function("{runtimeimageoverride: a}"),
			want:   []string{`KFS-001 spec.runtimeimageoverride: field "runtimeimageoverride" isn't in Function v1alpha2 (classic): the API server drops it; did you mean "runtimeImageOverride"?`},
		},
		"at the root": {
			source: "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringdata: {password: hunter2}",
			want:   []string{`KFS-001 stringdata: field "stringdata" isn't in Secret v1: the API server drops it; did you mean "stringData"?`},
		},
		"in metadata": {
			source: "apiVersion: v1\nkind: Namespace\nmetadata: {name: a, label: {a: b}, annotations: {a: 1}}",
			want: []string{
				`KFS-003 metadata.annotations.a: "a" must be a string, not an integer; put it in quotes`,
				`KFS-001 metadata.label: field "label" isn't in Namespace v1: the API server drops it; did you mean "labels"?`,
			},
		},
		"a key without end": {
			source: function("{" + strings.Repeat("x", 100) + ": 1}"),
			want: []string{"KFS-001 spec." + strings.Repeat("x", 100) +
				`: field "…" isn't in Function v1alpha2 (classic): the API server drops it`},
		},
		"text for a boolean": {
			source: apiRule("v2", `{rules: [{noAuth: "true"}]}`),
			want:   []string{`KFS-003 spec.rules.0.noAuth: "noAuth" must be a boolean, not a string`},
		},
		"text for a list": {
			source: apiRule("v2", `{rules: [{jwt: {authorizations: [{audiences: a}]}}]}`),
			want:   []string{`KFS-003 spec.rules.0.jwt.authorizations.0.audiences: "audiences" must be a list, not a string`},
		},
		"a number for text": {
			source: function(`{env: [{name: PORT, value: 8080}, {name: DEBUG, value: true}]}`),
			want: []string{
				`KFS-003 spec.env.0.value: "value" must be a string, not an integer; put it in quotes`,
				`KFS-003 spec.env.1.value: "value" must be a string, not a boolean; put it in quotes`,
			},
		},
		"a list for an object": {
			source: function(`[a]`),
			want:   []string{`KFS-003 spec: "spec" must be an object, not a list`},
		},
		"numbers": {
			source: "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 80.5, nodePort: 3e4, targetPort: 1.5, protocol: 6}]}",
			want: []string{
				`KFS-003 spec.ports.0.port: "port" must be an integer, not a number`,
				`KFS-003 spec.ports.0.protocol: "protocol" must be a string, not an integer; put it in quotes`,
				`KFS-003 spec.ports.0.targetPort: "targetPort" must be an integer or a string, not a number`,
			},
		},
		"a quantity of a custom kind is no fraction": {
			source: function("{resourceConfiguration: {function: {resources: {limits: {cpu: 0.5}}}}}"),
			want:   []string{`KFS-003 spec.resourceConfiguration.function.resources.limits.cpu: "cpu" must be an integer or a string, not a number`},
		},
		"a quantity of a built-in kind may be": {
			source: "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, resources: {limits: {cpu: 0.5}}}]}",
		},
		"null for a field": {source: apiRule("v2", "{rules: [{jwt: {authorizations: null}, methods: null}], hosts: null}")},
		"null in a list": {
			source: apiRule("v2", "{rules: [null, {jwt: {authorizations: [null, {audiences: [null]}]}}]}"),
			want: []string{
				`KFS-003 spec.rules.0: "rules[0]" must be an object, not null`,
				`KFS-003 spec.rules.1.jwt.authorizations.0: "authorizations[0]" must be an object, not null`,
				`KFS-003 spec.rules.1.jwt.authorizations.1.audiences.0: "audiences[0]" must be a string, not null`,
			},
		},
		"null in a list of a built-in kind": {
			source: "apiVersion: v1\nkind: Pod\nmetadata: {name: a, finalizers: [null]}\nspec: {containers: [null]}",
		},
		"null in a list of a custom kind's metadata": {
			source: "apiVersion: serverless.kyma-project.io/v1alpha2\nkind: Function\nmetadata: {name: a, finalizers: [null]}",
		},
		"an open subtree": {source: apiRule("v1beta1", "{rules: [{accessStrategies: [{handler: jwt, config: {any: [thing, null]}}]}]}")},
		"fields of an older release": {
			source: "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {resourceClaims: [{name: a, source: {resourceClaimName: b}}]}",
		},
		"unknown version": {
			source: apiRule("v3", "{}"),
			want:   []string{`KFS-005 apiVersion: no cluster serves version "v3" of APIRule; known are v2, v2alpha1, v1beta1, v1alpha1`},
		},
		"a version of the other flavor": {
			flavor: "buildless", source: "apiVersion: serverless.kyma-project.io/v1alpha1\nkind: Function\nmetadata: {name: a}",
			want: []string{`KFS-005 apiVersion: no buildless cluster serves version "v1alpha1" of Function; known are v1alpha2`},
		},
		"a kind of the other flavor": {
			flavor: "buildless", source: "apiVersion: serverless.kyma-project.io/v1alpha1\nkind: GitRepository\nmetadata: {name: a}",
			want: []string{`KFS-005 apiVersion: no buildless cluster serves kind "GitRepository"`},
		},
		"unknown kind": {
			source: "apiVersion: gateway.kyma-project.io/v2\nkind: ApiRule",
			want:   []string{`KFS-005 kind: no cluster serves kind "ApiRule" in "gateway.kyma-project.io"; did you mean "APIRule"?`},
		},
		"another group's kind": {
			source: "apiVersion: serverless.kyma-project.io/v1alpha2\nkind: APIRule",
			want:   []string{`KFS-005 kind: no cluster serves kind "APIRule" in "serverless.kyma-project.io"; APIRule is in "gateway.kyma-project.io"`},
		},
		"another core kind": {
			source: "apiVersion: v1\nkind: Deployment",
			want:   []string{`KFS-005 kind: no cluster serves kind "Deployment" in "v1"; Deployment is in "apps"`},
		},
		"a group without a version": {
			source: "apiVersion: apps\nkind: Deployment",
			want:   []string{`KFS-005 apiVersion: no cluster serves Deployment in apiVersion "apps"`},
		},
		"a removed version": {
			source: "apiVersion: apps/v1beta1\nkind: Deployment",
			want:   []string{`KFS-005 apiVersion: no cluster serves version "v1beta1" of Deployment; known are v1`},
		},
		"a version of a kind without a schema": {
			source: "apiVersion: networking.istio.io/v2\nkind: Gateway",
			want:   []string{`KFS-005 apiVersion: no cluster serves version "v2" of Gateway; known are v1, v1beta1, v1alpha3`},
		},
		"a misspelling in an open group": {
			source: "apiVersion: operator.kyma-project.io/v1alpha1\nkind: DockerRegistries",
			want:   []string{`KFS-005 kind: no cluster serves kind "DockerRegistries" in "operator.kyma-project.io"; did you mean "DockerRegistry"?`},
		},
		"no kind": {source: "apiVersion: v1"},
	} {
		t.Run(name, func(t *testing.T) {
			flavor := tc.flavor
			if flavor == "" && name != "any flavor's" {
				flavor = "classic"
			}
			var got []string
			for _, p := range Load().Check(parse(t, tc.source), flavor) {
				got = append(got, p.Rule+" "+joined(p.Path)+": "+p.Message)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func joined(path []any) string {
	var all []string
	for _, step := range path {
		text, _ := json.Marshal(step)
		all = append(all, strings.Trim(string(text), `"`))
	}
	return strings.Join(all, ".")
}

// TestRealKinds holds that real kinds of known groups, which have no schema, are no findings.
func TestRealKinds(t *testing.T) {
	for _, tc := range []string{
		"v1 Node", "v1 Endpoints", "v1 List", "v1 PersistentVolumeClaim", "v1 PodList", "v1 Config", "v1 Template",
		"apps/v1 ControllerRevision", "apps/v1 DeploymentList", "networking.k8s.io/v1 IngressClass",
		"networking.k8s.io/v1beta1 ServiceCIDR", "rbac.authorization.k8s.io/v1 RoleList", "policy/v1 PodDisruptionBudget",
		"networking.istio.io/v1alpha3 Gateway", "networking.istio.io/v1 DestinationRule", "networking.istio.io/v1beta1 ProxyConfig",
		"telemetry.istio.io/v1 Telemetry", "install.istio.io/v1alpha1 IstioOperator", "extensions.istio.io/v1alpha1 SomethingNew",
		"gateway.kyma-project.io/v1alpha1 RateLimit", "gateway.kyma-project.io/v1alpha1 ExternalGateway",
		"operator.kyma-project.io/v1alpha1 APIGateway", "operator.kyma-project.io/v1alpha2 Istio",
		"operator.kyma-project.io/v1beta2 Kyma", "operator.kyma-project.io/v1alpha1 Eventing",
		"operator.kyma-project.io/v1alpha1 BtpOperator", "operator.kyma-project.io/v1alpha1 SomethingNew",
		"operator.kyma-project.io/v1beta1 Telemetry", "telemetry.kyma-project.io/v1alpha1 LogPipeline",
		"gateway.networking.k8s.io/v1 Gateway", "gateway.networking.k8s.io/v1beta1 ReferenceGrant",
		"aquasecurity.github.io/v1alpha1 ConfigAuditReport", "serving.knative.dev/v1 Service", "v2 Chart", "dev.example/v1 Function",
	} {
		apiVersion, kind, _ := strings.Cut(tc, " ")
		if got := Load().Check(map[string]any{"apiVersion": apiVersion, "kind": kind, "free": true}, "classic"); len(got) > 0 {
			t.Errorf("%s: %v", tc, got)
		}
	}
}

func TestRules(t *testing.T) {
	for _, id := range []string{"KFS-001", "KFS-002", "KFS-003", "KFS-004", "KFS-005"} {
		rule := ManifestRule(id)
		if rule.ID != id || rule.Title == "" || rule.Severity == "" || rule.Remediation == "" ||
			rule.Actions["baseline"] == "" || rule.Actions["strict"] == "" {
			t.Errorf("%s is incomplete: %+v", id, rule)
		}
	}
}

func TestNearest(t *testing.T) {
	for _, tc := range []struct {
		name string
		from []string
		want string
	}{
		{"authorisations", []string{"authentications", "authorizations"}, "authorizations"},
		{"jwksUrl", []string{"jwksUri"}, "jwksUri"},
		{"sepc", []string{"spec"}, "spec"},
		{"url", []string{"uri"}, ""},
		{"env", []string{"Env"}, "Env"},
		{"image", []string{"runtime"}, ""},
		{"", []string{"a"}, ""},
	} {
		if got := nearest(tc.name, tc.from); got != tc.want {
			t.Errorf("nearest(%q, %q) = %q, want %q", tc.name, tc.from, got, tc.want)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	set := Load()
	for name, source := range map[string]string{"APIRule": goodRule, "Function": goodFunction} {
		value := parse(b, source)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if got := set.Check(value, "classic"); got != nil {
					b.Fatal(got)
				}
			}
		})
	}
}
