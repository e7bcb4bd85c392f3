package gatekeeper

import (
	"context"
	"fmt"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	bundleconfig "kyma-function-security/bundle"
	"kyma-function-security/harness/internal/bundle"
	"kyma-function-security/harness/internal/constraint"
	"kyma-function-security/harness/internal/policy"
	"kyma-function-security/harness/internal/schema"
	"kyma-function-security/policies"
)

// What a rule may read of a kind decides what it may cost.
const (
	key       = "key"       // objects whose names it knows: no more with 10,000 than with 10
	namespace = "namespace" // all of the reviewed object's namespace: in others they cost nothing
	spaces    = "spaces"    // like namespace, and APIRules wherever they are: other namespaces cost, but not what is in them
	cluster   = "cluster"   // all that there are
)

// A review with this many peers that the rules have to look at may take this much processor time, in milliseconds.
const (
	manyPeers  = 1_000
	peersLimit = 15
)

// scene is one object that is reviewed, under all constraints of its policy, among many of a kind that their rules read.
type scene struct {
	policy, name string
	flavor       string // classic if empty
	constraint   string // in place of the bundle's own
	review       string // in YAML, in namespace shop
	around       string // other objects, in YAML
	peer         func(i int, space string) string
	reads        string
	want         string // rule ids that the review violates whatever the number of peers
}

// BenchmarkReferential is what Gatekeeper pays for one review, for every rule and kind that it reads of the inventory, but for
// APIRules among APIRules, which BenchmarkPeers has. It fails if a rule costs more than it may.
func BenchmarkReferential(b *testing.B) {
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
	for _, s := range scenes() {
		b.Run(s.policy+"/"+s.name, func(b *testing.B) {
			g := s.start(b, files)
			for _, place := range s.places() {
				cost := map[int]float64{}
				for _, peers := range []int{10, manyPeers, 10 * manyPeers} {
					b.Run(fmt.Sprintf("%s/%d", place, peers), func(b *testing.B) {
						cost[peers] = s.measure(b, g, place, peers)
					})
				}
				switch few, many, most := cost[10], cost[manyPeers], cost[10*manyPeers]; {
				case few == 0 || many == 0 || most == 0: // not all were asked for
				case s.flat(place) && most > 1.5*few+0.2:
					b.Errorf("%s: %.2f ms with 10,000 and %.2f ms with 10, though the rules needn't look at them", place, most, few)
				case !s.flat(place) && many > peersLimit:
					b.Errorf("%s: %.2f ms with 1,000", place, many)
				}
			}
		})
	}
}

// places are where the peers can be: in the reviewed object's namespace or in others.
func (s scene) places() []string {
	if s.reads == cluster {
		return []string{"elsewhere"}
	}
	return []string{"elsewhere", "beside"}
}

func (s scene) flat(place string) bool {
	return s.reads == key || s.reads == namespace && place == "elsewhere"
}

func (s scene) start(b *testing.B, files map[string][]byte) *Gatekeeper {
	b.Helper()
	flavor := s.flavor
	if flavor == "" {
		flavor = "classic"
	}
	var constraints [][]byte
	for file, text := range files {
		if strings.HasPrefix(file, "bundle/gatekeeper/constraints/strict-"+flavor+"/") &&
			strings.HasPrefix(path.Base(file), strings.ReplaceAll(s.policy, "_", "-")+"-") {
			constraints = append(constraints, text)
		}
	}
	if s.constraint != "" {
		constraints = [][]byte{[]byte(s.constraint)}
	}
	g, err := New(b.Context(), files["constrainttemplates/"+s.policy+".yaml"])
	if err != nil {
		b.Fatal(err)
	}
	if err := g.SetConstraints(b.Context(), constraints...); err != nil {
		b.Fatal(err)
	}
	return g
}

func (s scene) measure(b *testing.B, g *Gatekeeper, place string, peers int) float64 {
	b.Helper()
	// The reports' age is judged.
	ctx := context.WithValue(context.Background(), clockKey{}, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	inventory, err := split([][]byte{[]byte(s.around)})
	if err != nil {
		b.Fatal(err)
	}
	inventory = append(inventory, s.peers(b, place, peers)...)
	reviewed, err := split([][]byte{[]byte(s.review)})
	if err != nil {
		b.Fatal(err)
	}
	namespaces := map[string]*unstructured.Unstructured{}
	for _, o := range append(inventory, reviewed...) { // an audit's object is in the inventory too
		if _, err := g.client.AddData(ctx, o); err != nil {
			b.Fatal(err)
		}
		if o.GetKind() == "Namespace" {
			namespaces[o.GetName()] = o
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &corev1.Namespace{}); err != nil {
				b.Fatal(err)
			}
		}
	}
	defer func() {
		if err := g.forget(ctx, append(inventory, reviewed...)); err != nil {
			b.Fatal(err)
		}
	}()
	var results []Result
	cost := medianCost(b, func() {
		if results, err = g.review(ctx, 0, Review{Object: reviewed[0].Object}, namespaces); err != nil {
			b.Fatal(err)
		}
	})
	var found []string
	for _, result := range results {
		found = append(found, result.Rule)
	}
	slices.Sort(found)
	if got := strings.Join(slices.Compact(found), " "); got != s.want {
		b.Errorf("found %q, want %q", got, s.want)
	}
	return cost
}

// medianCost is the processor time in milliseconds, and reports it. In the median, because some calls pay the garbage
// collection of all.
func medianCost(b *testing.B, review func()) float64 {
	b.Helper()
	debug.FreeOSMemory() // what the world leaves behind is no cost of the review
	var costs []float64
	for b.Loop() {
		before := processorTime(b)
		review()
		costs = append(costs, (processorTime(b)-before).Seconds()*1000)
	}
	slices.Sort(costs)
	cost := costs[len(costs)/2]
	b.ReportMetric(cost, "cpu-ms/op")
	return cost
}

// classes is how many kinds of peers there are: what a peer is like depends on its number modulo that.
const classes = 50

// peers reads one text of each class and fills in the others' numbers, because reading 10,000 takes long. They are numbered
// from 700,000 and so never are one of the scene's own objects.
func (s scene) peers(b *testing.B, place string, count int) []*unstructured.Unstructured {
	b.Helper()
	const first = 700_000
	var texts [classes]string
	for class := range min(count, classes) {
		text, err := yaml.YAMLToJSON([]byte(s.peer(first+class, "SPACE")))
		if err != nil {
			b.Fatal(err)
		}
		texts[class] = string(text)
	}
	var peers []*unstructured.Unstructured
	for i := range count {
		space := "shop"
		if place == "elsewhere" {
			space = fmt.Sprintf("team-%d", i/20) // a namespace has some twenty
		}
		class := i % classes
		text := strings.NewReplacer(fmt.Sprint(first+class), fmt.Sprint(first+i), "SPACE", space).Replace(texts[class])
		o := &unstructured.Unstructured{}
		if err := o.UnmarshalJSON([]byte(text)); err != nil {
			b.Fatal(err)
		}
		peers = append(peers, o)
	}
	return peers
}

func scenes() []scene {
	return []scene{
		{
			policy: "mesh_membership", name: "Function/Service", reads: namespace,
			review: function("orders", "spec: {labels: {app: shop, tier: backend}, runtime: nodejs24, source: {inline: {source: x}}}"),
			around: `{apiVersion: v1, kind: Service, metadata: {name: backend, namespace: shop}, spec: {selector: {tier: backend}}}`,
			peer:   service, want: "KFS-412",
		},
		{
			policy: "image_scan", name: "sensitive Function/Namespace", reads: key,
			review: function("report-7", "", "function-security.policy/data: sensitive"),
			around: report(7, "shop"), peer: namespaces, want: "KFS-322",
		},
		{
			policy: "image_scan", name: "sensitive Function/VulnerabilityReport", reads: namespace,
			review: function("report-7", "", "function-security.policy/data: sensitive"),
			around: report(7, "shop"), peer: report, want: "KFS-322",
		},
		{
			policy: "image_scan", name: "Function with a digest/VulnerabilityReport", reads: namespace,
			review: function("orders", "spec: {runtimeImageOverride: 'registry.example.com/base@sha256:"+digest(7)+"', runtime: nodejs24}"),
			around: report(7, "shop"), peer: report, want: "KFS-322",
		},
		{
			policy: "image_scan", name: "Function with a tag/VulnerabilityReport", reads: namespace,
			review: function("orders", "spec: {runtimeImageOverride: 'registry.example.com/team/fn-7:v7', runtime: nodejs24}"),
			around: report(7, "shop"), peer: report, want: "KFS-322",
		},
		{
			policy: "access_binding", name: "RoleBinding/Function", reads: namespace,
			review: binding("RoleBinding", "Role", "reader"), around: role("Role", "reader", "services") + "---\n" + function("orders", ""),
			peer: functions,
		},
		{
			policy: "access_binding", name: "RoleBinding/Role", reads: key,
			review: binding("RoleBinding", "Role", "reader"), around: role("Role", "reader", "secrets") + "---\n" + function("orders", ""),
			peer: roles, want: "KFS-712",
		},
		{
			policy: "access_binding", name: "RoleBinding/ClusterRole", reads: key,
			review: binding("RoleBinding", "ClusterRole", "reader"), around: role("ClusterRole", "reader", "secrets") + "---\n" + function("orders", ""),
			peer: clusterRoles, want: "KFS-712",
		},
		{
			policy: "access_binding", name: "RoleBinding/aggregated ClusterRole", reads: cluster,
			review: binding("RoleBinding", "ClusterRole", "collected"), around: collected + "---\n" + function("orders", ""),
			peer: clusterRoles, want: "KFS-712",
		},
		{
			policy: "access_binding", name: "ClusterRoleBinding/aggregated ClusterRole", reads: cluster,
			review: binding("ClusterRoleBinding", "ClusterRole", "collected"), around: collected,
			peer: clusterRoles, want: "KFS-712 KFS-713",
		},
		{
			policy: "access_binding", name: "RoleBinding of nested roles/ClusterRole", reads: cluster,
			review: binding("RoleBinding", "ClusterRole", "top"), around: top + "---" + nested + "---\n" + function("orders", ""),
			peer: clusterRoles, want: "KFS-712",
		},
		{
			policy: "access_role", name: "Role/Function", reads: namespace,
			review: role("Role", "reader", "secrets, pods/log"), around: function("orders", ""), peer: functions, want: "KFS-701 KFS-702",
		},
		{
			policy: "access_role", name: "Role of names/Function", reads: namespace,
			review: `{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: one, namespace: shop}, rules: [
{apiGroups: [""], resources: [pods/log], resourceNames: [orders-7d8f-abcde], verbs: [get]}]}`,
			around: function("orders", ""), peer: functions, want: "KFS-701",
		},
		{
			policy: "access_role", name: "ClusterRole/ClusterRole", reads: key,
			review: role("ClusterRole", "reader", "secrets", "rbac.authorization.k8s.io/aggregate-to-view: 'true'"),
			peer:   clusterRoles, want: "KFS-702 KFS-706",
		},
		{
			policy: "access_role", name: "aggregated ClusterRole/ClusterRole", reads: cluster,
			review: strings.Replace(collected, "name: collected", "name: collected, labels: {rbac.authorization.k8s.io/aggregate-to-view: 'true'}", 1),
			peer:   clusterRoles, want: "KFS-701 KFS-706",
		},
		{
			policy: "access_role", name: "ClusterRole of nested roles/ClusterRole", reads: cluster,
			review: strings.Replace(top, "name: top", "name: top, labels: {rbac.authorization.k8s.io/aggregate-to-view: 'true'}", 1),
			around: nested, peer: clusterRoles, want: "KFS-701 KFS-706",
		},
		{
			policy: "service_account", name: "Function/ServiceAccount", reads: key,
			review: function("orders", ""), around: account("default", "shop"), peer: accounts, want: "KFS-421",
		},
		{
			policy: "service_account", name: "Function/Namespace", reads: key,
			review: function("orders", ""), around: account("default", "shop"), peer: namespaces, want: "KFS-421",
		},
		{
			policy: "service_account", name: "ServiceAccount/Function", reads: key,
			review: account("default", "shop"), around: function("orders", ""), peer: functions, want: "KFS-421",
		},
		{
			policy: "service_account", name: "RoleBinding of an account/Function", reads: key,
			review: strings.Replace(binding("RoleBinding", "Role", "reader"), "{kind: Group, name: support}", "{kind: ServiceAccount, name: default}", 1),
			around: function("orders", ""), peer: functions, want: "KFS-422",
		},
		{
			policy: "service_account", name: "ClusterRoleBinding of a group/Function", reads: key,
			review: binding("ClusterRoleBinding", "ClusterRole", "reader"), around: function("orders", ""), peer: functions,
		},
		{
			policy: "service_account", name: "ClusterRoleBinding of all/Function", reads: key,
			review: strings.Replace(binding("ClusterRoleBinding", "ClusterRole", "reader"), "name: support", "name: 'system:authenticated'", 1),
			around: function("orders", ""), peer: functions, want: "KFS-422",
		},
		{
			policy: "sensitive_data", name: "Function/Secret", reads: key,
			constraint: `{apiVersion: constraints.gatekeeper.sh/v1beta1, kind: KymaFunctionSensitiveData, metadata: {name: tokens}, spec: {
match: {kinds: [{apiGroups: [serverless.kyma-project.io], kinds: [Function]}]}, parameters: {rules: [KFS-312]}}}`,
			review: function("orders", "spec: {runtime: nodejs24, secretMounts: [{secretName: secret-7, mountPath: /etc/seven}]}"),
			around: secret(7, "shop", "kubernetes.io/service-account-token"), peer: secrets, want: "KFS-312",
		},
		{
			policy: "namespace_isolation", name: "Function/Namespace", reads: key,
			review: function("orders", ""), around: guards, peer: namespaces,
		},
		{
			policy: "namespace_isolation", name: "Function/NetworkPolicy", reads: namespace,
			review: function("orders", ""), around: guards, peer: networkPolicy,
		},
		{
			policy: "namespace_isolation", name: "Function/AuthorizationPolicy", reads: namespace,
			review: function("orders", ""), around: guards, peer: authorizationPolicy,
		},
		{
			policy: "namespace_isolation", name: "Function/AuthorizationPolicy of the root", reads: cluster,
			review: function("orders", ""), around: guards,
			peer: func(i int, _ string) string { return authorizationPolicy(i, "istio-system") },
		},
		{
			policy: "namespace_isolation", name: "Function/APIRule", reads: namespace,
			review: function("orders", ""), around: unguarded, peer: exposing, want: "KFS-404",
		},
		{
			policy: "namespace_isolation", name: "Function/PeerAuthentication", reads: namespace,
			review: function("orders", ""), around: guards, peer: peerAuthentication,
		},
		{
			policy: "namespace_isolation", name: "NetworkPolicy/Function", reads: namespace,
			review: opening, around: guards + "---\n" + function("orders", ""), peer: functions, want: "KFS-406",
		},
		{
			policy: "namespace_isolation", name: "NetworkPolicy/NetworkPolicy", reads: namespace,
			review: opening, around: guards + "---\n" + function("orders", ""), peer: networkPolicy, want: "KFS-406",
		},
		{
			policy: "namespace_isolation", name: "NetworkPolicy of addresses/NetworkPolicy", reads: namespace,
			review: strings.Replace(opening, "[{}]", "[{from: [{ipBlock: {cidr: 10.0.0.0/9}}, {ipBlock: {cidr: 10.128.0.0/9}}]}]", 1),
			around: guards + "---\n" + function("orders", ""), peer: networkPolicy, want: "KFS-406",
		},
		{
			policy: "namespace_isolation", name: "PeerAuthentication/Function", reads: namespace,
			review: permissive("shop"), around: guards + "---\n" + function("orders", ""), peer: functions, want: "KFS-407",
		},
		{
			policy: "namespace_isolation", name: "PeerAuthentication/PeerAuthentication", reads: namespace,
			review: permissive("shop"), around: guards + "---\n" + function("orders", ""), peer: peerAuthentication, want: "KFS-407",
		},
		{
			policy: "namespace_isolation", name: "PeerAuthentication of the root/Function", reads: cluster,
			constraint: `{apiVersion: constraints.gatekeeper.sh/v1beta1, kind: KymaFunctionNamespaceIsolation, metadata: {name: all}, spec: {
match: {kinds: [{apiGroups: [security.istio.io], kinds: [PeerAuthentication]}]}, parameters: {rules: [KFS-407]}}}`,
			review: permissive("istio-system"), around: function("orders", ""), peer: functions, want: "KFS-407",
		},
		{
			policy: "namespace_isolation", name: "Namespace/Function", reads: namespace,
			review: `{apiVersion: v1, kind: Namespace, metadata: {name: shop}}`, around: function("orders", ""),
			peer: functions, want: "KFS-407",
		},
		{
			policy: "istio_auth", name: "AuthorizationPolicy/Function", reads: namespace,
			review: allowsAll("shop", "{app: shop}"), around: function("orders", "spec: {labels: {app: shop}}"),
			peer: functions, want: "KFS-121",
		},
		{
			policy: "istio_auth", name: "AuthorizationPolicy/labelled Function", reads: namespace,
			review: allowsAll("shop", "{app: shop}"), around: function("orders", "spec: {labels: {app: shop}}"),
			peer: labelled, want: "KFS-121",
		},
		{
			policy: "istio_auth", name: "AuthorizationPolicy of all/labelled Function", reads: namespace,
			review: allowsAll("shop", "{part-of: shop}"), around: function("orders", "spec: {labels: {part-of: shop}}"),
			peer: labelled, want: "KFS-121",
		},
		{
			policy: "istio_auth", name: "AuthorizationPolicy of one/labelled Function", reads: namespace,
			review: allowsAll("shop", `{serverless.kyma-project.io/function-name: fn-700007,
serverless.kyma-project.io/managed-by: function-controller,
serverless.kyma-project.io/resource: deployment,
serverless.kyma-project.io/uuid: 5b0a7f0e-5f6e-4bb4-9d5a-000000700007}`), around: labelled(700_007, "shop"),
			peer: labelled, want: "KFS-121",
		},
		{
			policy: "istio_auth", name: "AuthorizationPolicy of the root/labelled Function", reads: cluster,
			review: allowsAll("istio-system", "{app: shop}"), around: function("orders", "spec: {labels: {app: shop}}"),
			peer: labelled, want: "KFS-121",
		},
		{
			policy: "istio_auth", name: "AuthorizationPolicy of the root/Function", reads: cluster,
			review: allowsAll("istio-system", "{app: shop}"), around: function("orders", "spec: {labels: {app: shop}}"),
			peer: functions, want: "KFS-121",
		},
		{
			policy: "istio_auth", name: "AuthorizationPolicy/APIRule", reads: key,
			review: allowsAll("shop", "{app: shop}", "apirule.gateway.kyma-project.io/name: shop-7", "apirule.gateway.kyma-project.io/namespace: shop"),
			around: function("orders", "spec: {labels: {app: shop}}") + "---\n" + exposing(7, "shop"), peer: exposing, want: "KFS-121",
		},
		{
			policy: "istio_auth", name: "RequestAuthentication/Function", reads: namespace,
			review: tokens("shop"), around: function("orders", "spec: {labels: {app: shop}}"), peer: functions, want: "KFS-122",
		},
		{
			policy: "istio_auth", name: "RequestAuthentication of the whole namespace/Function", reads: namespace,
			review: strings.Replace(tokens("shop"), "selector: {matchLabels: {app: shop}},", "", 1),
			around: function("orders", "spec: {labels: {app: shop}}") + "---\n" + guards, peer: functions, want: "KFS-122",
		},
		{
			policy: "istio_auth", name: "RequestAuthentication/AuthorizationPolicy", reads: namespace,
			review: tokens("shop"), around: function("orders", "spec: {labels: {app: shop}}") + "---\n" + authorizationPolicy(0, "shop"),
			peer: authorizationPolicy,
		},
		{
			policy: "istio_auth", name: "RequestAuthentication of the root/Function", reads: cluster,
			review: strings.Replace(tokens("istio-system"), "selector: {matchLabels: {app: shop}},", "", 1),
			around: function("orders", "spec: {labels: {app: shop}}"), peer: functions, want: "KFS-122",
		},
		{
			policy: "istio_auth", name: "EnvoyFilter/Function", reads: namespace,
			review: `{apiVersion: networking.istio.io/v1alpha3, kind: EnvoyFilter, metadata: {name: patch, namespace: shop}, spec: {
workloadSelector: {labels: {app: shop}}, configPatches: [{applyTo: HTTP_FILTER, match: {context: SIDECAR_INBOUND}, patch: {operation: REMOVE}}]}}`,
			around: function("orders", "spec: {labels: {app: shop}}"), peer: functions, want: "KFS-123",
		},
		{
			policy: "istio_auth", name: "EnvoyFilter of the root/Function", reads: cluster,
			review: `{apiVersion: networking.istio.io/v1alpha3, kind: EnvoyFilter, metadata: {name: patch, namespace: istio-system}, spec: {
configPatches: [{applyTo: HTTP_FILTER, match: {context: SIDECAR_INBOUND}, patch: {operation: REMOVE}}]}}`,
			around: function("orders", "spec: {labels: {app: shop}}"), peer: functions, want: "KFS-123",
		},
		{
			policy: "namespace_isolation", name: "PeerAuthentication of one Function/PeerAuthentication", reads: namespace,
			review: strings.Replace(permissive("shop"), "spec: {", "spec: {selector: {matchLabels: {serverless.kyma-project.io/function-name: orders}}, ", 1),
			around: guards + "---\n" + function("orders", ""), peer: peerAuthentication, want: "KFS-407",
		},
		{
			policy: "jwt_binding", name: "APIRule of a Service/Function", reads: spaces,
			constraint: `{apiVersion: constraints.gatekeeper.sh/v1beta1, kind: KymaFunctionJWTBinding, metadata: {name: functions}, spec: {
match: {kinds: [{apiGroups: [gateway.kyma-project.io], kinds: [APIRule]}]}, parameters: {targets: functions}}}`,
			review: exposure("orders-all", "orders-alias", anyAudience),
			around: function("orders", "spec: {labels: {app: orders, part-of: shop}}") + alias, peer: labelled, want: "KFS-101",
		},
		{
			policy: "jwt_binding", name: "APIRule of a Service/Service", reads: spaces,
			constraint: `{apiVersion: constraints.gatekeeper.sh/v1beta1, kind: KymaFunctionJWTBinding, metadata: {name: functions}, spec: {
match: {kinds: [{apiGroups: [gateway.kyma-project.io], kinds: [APIRule]}]}, parameters: {targets: functions}}}`,
			review: exposure("orders-all", "orders-alias", anyAudience),
			around: function("orders", "spec: {labels: {app: orders, part-of: shop}}") + alias, peer: service, want: "KFS-101",
		},
		{
			policy: "exposure", name: "APIRule/Service", reads: spaces,
			review: exposure("orders-all", "orders", "extAuth: {authorizers: [oauth2-proxy]}"),
			around: function("orders", "") + "---" + exposure("orders", "orders", audience), peer: service, want: "KFS-115",
		},
		{
			policy: "exposure", name: "APIRule of a Service/Function", reads: spaces,
			review: exposure("orders-all", "orders-alias", "extAuth: {authorizers: [oauth2-proxy]}"),
			around: function("orders", "spec: {labels: {app: orders, part-of: shop}}") + "---" + exposure("orders", "orders", audience) + alias, peer: labelled, want: "KFS-115",
		},
		{
			policy: "exposure", name: "Service/Function", reads: namespace,
			review: strings.Replace(strings.TrimPrefix(alias, "\n---"), "spec: {", "spec: {type: LoadBalancer, ", 1),
			around: function("orders", "spec: {labels: {app: orders, part-of: shop}}"), peer: labelled, want: "KFS-116",
		},
		{
			policy: "exposure", name: "VirtualService/Function", reads: namespace,
			review: virtualService("orders-alias"), around: function("orders", "spec: {labels: {app: orders, part-of: shop}}") + alias, peer: labelled, want: "KFS-116",
		},
		{
			policy: "exposure", name: "VirtualService of an address/Service", reads: cluster,
			review: virtualService("10.96.0.1"), around: function("orders", "spec: {labels: {app: orders, part-of: shop}}") + alias, peer: service, want: "KFS-116",
		},
		{
			policy: "exposure", name: "VirtualService of a wildcard/Function", reads: cluster,
			review: virtualService("'*.cluster.local'"), around: function("orders", "spec: {labels: {app: orders, part-of: shop}}"), peer: labelled, want: "KFS-116",
		},
		{
			policy: "pod_security_level", name: "Function/Namespace", reads: key,
			review: function("orders", ""), peer: namespaces, want: "KFS-502 KFS-504",
		},
		{
			policy: "pod_security_level", name: "Namespace/Function", reads: namespace,
			review: `{apiVersion: v1, kind: Namespace, metadata: {name: shop}}`, around: function("orders", ""), peer: functions, want: "KFS-503",
		},
		{
			policy: "pod_security_level", name: "buildless Function/Function", reads: namespace, flavor: "buildless",
			review: function("orders", ""), around: level("shop", "baseline"), peer: functions, want: "KFS-506",
		},
		{
			policy: "security_context", name: "buildless Function/Namespace", reads: key, flavor: "buildless",
			review: function("orders", "spec: {runtime: nodejs24, source: {inline: {source: x}}, containerSecurityContext: {runAsNonRoot: false}}"),
			around: level("shop", "restricted"), peer: namespaces, want: "KFS-512 KFS-514",
		},
		{
			policy: "serverless_registry", name: "Serverless/Namespace", reads: key,
			review: `{apiVersion: operator.kyma-project.io/v1alpha1, kind: Serverless, metadata: {name: default, namespace: shop}, spec: {dockerRegistry: {enableInternal: true}}}`,
			around: level("shop", "restricted"), peer: namespaces, want: "KFS-601 KFS-602",
		},
	}
}

func function(name, spec string, labels ...string) string {
	if spec == "" {
		spec = source
	}
	return fmt.Sprintf(`
apiVersion: serverless.kyma-project.io/v1alpha2
kind: Function
metadata: {name: %s, namespace: shop, labels: {%s}}
%s
`, name, strings.Join(labels, ", "), spec)
}

// source is a Function's spec of ordinary length.
const source = `
spec:
  runtime: nodejs24
  labels: {app.kubernetes.io/part-of: orders}
  env:
    - {name: ORDERS_URL, value: "http://orders-db.shop.svc.cluster.local:8080"}
    - {name: PASSWORD, valueFrom: {secretKeyRef: {name: orders-db, key: password}}}
  source:
    inline:
      dependencies: '{"name": "orders", "version": "1.4.0", "dependencies": {"axios": "1.7.9"}}'
      source: |
        const axios = require("axios");

        module.exports = {
          main: async function (event, context) {
            const id = event.extensions.request.path.split("/").pop();
            const answer = await axios.get(process.env.ORDERS_URL + "/orders/" + id, {
              auth: { username: "orders", password: process.env.PASSWORD },
            });
            if (answer.status === 404) {
              event.extensions.response.status(404);
              return { error: "no such order" };
            }
            return answer.data;
          },
        };
`

func functions(i int, space string) string {
	return fmt.Sprintf(`
apiVersion: serverless.kyma-project.io/v1alpha2
kind: Function
metadata: {name: fn-%d, namespace: %s, uid: 5b0a7f0e-5f6e-4bb4-9d5a-%012d}
%s
`, i, space, i, source)
}

// labelled is a Function with labels of its own, as most are that Helm or a team's template wrote.
func labelled(i int, space string) string {
	text := strings.Replace(functions(i, space), "labels: {", fmt.Sprintf("labels: {app: fn-%d, part-of: shop, ", i), 1)
	return strings.Replace(text, "metadata: {", fmt.Sprintf("metadata: {labels: {app: fn-%d, part-of: shop}, ", i), 1)
}

func service(i int, space string) string {
	selector := fmt.Sprintf("app.kubernetes.io/name: workload-%d", i)
	switch i % 10 {
	case 0, 1, 2:
		selector = fmt.Sprintf("app: workload-%d", i)
	case 3:
		selector = fmt.Sprintf("app: shop, component: workload-%d", i)
	case 4:
		selector = fmt.Sprintf("app.kubernetes.io/name: workload-%[1]d, app.kubernetes.io/instance: release-%[1]d", i)
	case 5, 6: // a Function's own
		selector = fmt.Sprintf(`serverless.kyma-project.io/function-name: fn-%[1]d,
serverless.kyma-project.io/managed-by: function-controller,
serverless.kyma-project.io/resource: deployment,
serverless.kyma-project.io/uuid: 5b0a7f0e-5f6e-4bb4-9d5a-%012[1]d`, i)
	}
	return fmt.Sprintf(`
apiVersion: v1
kind: Service
metadata: {name: service-%d, namespace: %s, labels: {app: shop}}
spec:
  type: ClusterIP
  clusterIP: 10.104.3.7
  clusterIPs: [10.104.3.7]
  internalTrafficPolicy: Cluster
  ipFamilies: [IPv4]
  ipFamilyPolicy: SingleStack
  ports: [{name: http, port: 80, protocol: TCP, targetPort: 8080}]
  selector: {%s}
  sessionAffinity: None
`, i, space, selector)
}

func digest(i int) string { return fmt.Sprintf("%064d", i) }

// report is one of an image that runs as Function report-i, by its digest and its tag; a real one has hundreds of
// vulnerabilities.
func report(i int, space string) string {
	workload := fmt.Sprintf("report-%d-x7k2p-5d8f9c7b6d", i)
	var vulnerabilities strings.Builder
	for v := range 20 {
		fmt.Fprintf(&vulnerabilities, `
    - {vulnerabilityID: CVE-2026-%d, resource: libssl3, installedVersion: 3.5.1-r0, fixedVersion: 3.5.2-r0, severity: HIGH,
       title: "openssl: out-of-bounds read", primaryLink: "https://avd.aquasec.com/nvd/cve-2026-%d", score: 7.5, links: []}`, v, v)
	}
	return fmt.Sprintf(`
apiVersion: aquasecurity.github.io/v1alpha1
kind: VulnerabilityReport
metadata:
  name: replicaset-%[1]s-function
  namespace: %[2]s
  labels:
    trivy-operator.container.name: function
    trivy-operator.resource.kind: ReplicaSet
    trivy-operator.resource.name: %[1]s
    trivy-operator.resource.namespace: %[2]s
report:
  artifact: {repository: team/fn-%[3]d, digest: "sha256:%[4]s", tag: v%[3]d}
  registry: {server: registry.example.com}
  scanner: {name: Trivy, vendor: Aqua Security, version: 0.66.0}
  summary: {criticalCount: 1, highCount: 20, lowCount: 7, mediumCount: 12, unknownCount: 0}
  updateTimestamp: "2026-02-27T06:00:00Z"
  vulnerabilities:%[5]s
`, workload, space, i, digest(i), vulnerabilities.String())
}

func binding(kind, roleKind, name string) string {
	return fmt.Sprintf(`{apiVersion: rbac.authorization.k8s.io/v1, kind: %s, metadata: {name: bound, namespace: %s},
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: %s, name: %s}, subjects: [{kind: Group, name: support}]}`,
		kind, map[string]string{"RoleBinding": "shop"}[kind], roleKind, name)
}

func role(kind, name, resources string, labels ...string) string {
	return fmt.Sprintf(`
apiVersion: rbac.authorization.k8s.io/v1
kind: %s
metadata: {name: %s, namespace: %s, labels: {%s}}
rules:
  - {apiGroups: [""], resources: [%s], verbs: [get, list, watch]}
`, kind, name, map[string]string{"Role": "shop"}[kind], strings.Join(labels, ", "), resources)
}

func roles(i int, space string) string {
	return fmt.Sprintf(`
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: role-%d, namespace: %s}
rules:
  - {apiGroups: [""], resources: [events, services], verbs: [get, list, watch]}
`, i, space)
}

// Every tenth is taken over by another, and every fiftieth takes others over.
func clusterRoles(i int, _ string) string {
	label, aggregation := "", ""
	switch {
	case i%10 == 3:
		label = `shop.example.com/aggregate: "true"`
	case i%50 == 1:
		aggregation = fmt.Sprintf("aggregationRule: {clusterRoleSelectors: [{matchLabels: {shop.example.com/aggregate-%d: 'true'}}]}", i)
	case i%50 == 2:
		label = fmt.Sprintf(`shop.example.com/aggregate-%d: "true"`, i-1)
	}
	return fmt.Sprintf(`
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: role-%[1]d, labels: {app: shop, %[2]s}}
%[3]s
rules:
  - {apiGroups: [""], resources: [events, services, endpoints], verbs: [get, list, watch]}
  - {apiGroups: [group-%[1]d.example.com], resources: [widgets, gadgets], verbs: [create, delete, get, list, patch, update, watch]}
  - {apiGroups: [group-%[1]d.example.com], resources: [widgets/status], verbs: [get]}
`, i, label, aggregation)
}

const collected = `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: collected}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {shop.example.com/aggregate: "true"}}]}
rules: [{apiGroups: [serverless.kyma-project.io], resources: [functions], verbs: [get]}]
`

// top takes over collected by way of another, as Kubernetes' own admin takes over view.
const top = `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: top}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {shop.example.com/aggregate-to-top: "true"}}]}
rules: []
`

var nested = `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: middle, labels: {shop.example.com/aggregate-to-top: "true"}}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {shop.example.com/aggregate-to-middle: "true"}}]}
rules: []
---` + strings.Replace(collected, "name: collected", "name: collected, labels: {shop.example.com/aggregate-to-middle: 'true'}", 1)

func account(name, space string) string {
	return fmt.Sprintf("{apiVersion: v1, kind: ServiceAccount, metadata: {name: %s, namespace: %s}}", name, space)
}

func accounts(i int, space string) string { return account(fmt.Sprintf("account-%d", i), space) }

func secret(i int, space, kind string) string {
	return fmt.Sprintf("{apiVersion: v1, kind: Secret, type: %s, metadata: {name: secret-%d, namespace: %s}, data: {token: c2VjcmV0}}", kind, i, space)
}

func secrets(i int, space string) string { return secret(i, space, "Opaque") }

func namespaces(i int, _ string) string { return level(fmt.Sprintf("namespace-%d", i), "baseline") }

func level(name, enforced string) string {
	return fmt.Sprintf("{apiVersion: v1, kind: Namespace, metadata: {name: %s, labels: {istio-injection: enabled, pod-security.kubernetes.io/enforce: %s}}}", name, enforced)
}

// guards are a namespace as it should be.
var guards = level("shop", "baseline") + `
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: shop}
spec: {mtls: {mode: STRICT}}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: deny-all, namespace: shop}
spec: {}
`

var unguarded = strings.Replace(guards, "kind: AuthorizationPolicy", "kind: Unrelated", 1)

// networkPolicy is one of a workload. Every fifth selects the Function: of these every fifth names a caller of its own, and the
// others are copies of one of six.
func networkPolicy(i int, space string) string {
	selector, peer := fmt.Sprintf("matchLabels: {app: workload-%d}", i), fmt.Sprint(i)
	if i%10 == 1 {
		selector = fmt.Sprintf("matchExpressions: [{key: app, operator: In, values: [workload-%d, other-%d]}]", i, i)
	}
	if i%10 == 0 {
		selector = "matchLabels: {serverless.kyma-project.io/managed-by: function-controller}"
	}
	if i%10 == 0 && i%50 > 10 {
		peer = "shared"
	}
	rules := fmt.Sprintf(`
  policyTypes: [Ingress, Egress]
  ingress:
    - from:
        - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: istio-system}}
          podSelector: {matchLabels: {app: istio-ingressgateway}}
      ports: [{port: 8080, protocol: TCP}]
    - from: [{podSelector: {matchLabels: {app: caller-%[1]s}}}]
  egress:
    - to: [{podSelector: {matchLabels: {app: database-%[1]s}}}]
      ports: [{port: 5432, protocol: TCP}]
    - to: [{ipBlock: {cidr: 198.51.100.0/24}}]
      ports: [{port: 443, protocol: TCP}]
`, peer)
	switch i % classes {
	case 5:
		selector = ""
		rules = `
  policyTypes: [Egress]
  egress: [{ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}, {port: 8053, protocol: UDP}]}]
`
	case 15:
		selector = "matchExpressions: [{key: serverless.kyma-project.io/function-name, operator: Exists}]"
		rules = `
  policyTypes: [Egress]
  egress:
    - to: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16]}}]
      ports: [{port: 443, protocol: TCP}]
`
	case 25:
		selector = "matchLabels: {serverless.kyma-project.io/function-name: orders, app.kubernetes.io/name: orders}"
		rules = `
  ingress:
    - from:
        - namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: In, values: [billing, checkout]}]}
          podSelector: {matchExpressions: [{key: app, operator: In, values: [billing, checkout]}]}
        - podSelector: {matchLabels: {app: basket}, matchExpressions: [{key: canary, operator: DoesNotExist}]}
`
	case 35:
		selector = "matchExpressions: [{key: app, operator: DoesNotExist}, {key: tier, operator: NotIn, values: [data]}]"
		rules = `
  policyTypes: [Ingress]
  ingress: [{from: [{ipBlock: {cidr: 10.0.7.0/24}}, {ipBlock: {cidr: 10.0.8.12/32}}]}]
`
	case 45:
		selector = "matchLabels: {serverless.kyma-project.io/resource: deployment}"
		rules = `
  policyTypes: [Ingress, Egress]
  ingress: []
  egress:
    - to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kyma-system}}}]
      ports: [{port: 4317, protocol: TCP}]
`
	}
	return fmt.Sprintf(`
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: policy-%d, namespace: %s}
spec:
  podSelector: {%s}%s`, i, space, selector, rules)
}

const opening = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: opening, namespace: shop}
spec:
  podSelector: {}
  policyTypes: [Ingress]
  ingress: [{}]
`

func authorizationPolicy(i int, space string) string {
	selector := fmt.Sprintf("app: workload-%d", i)
	if i%50 == 0 {
		selector = "serverless.kyma-project.io/managed-by: function-controller"
	}
	return fmt.Sprintf(`
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: policy-%[1]d, namespace: %[2]s}
spec:
  selector: {matchLabels: {%[3]s}}
  action: ALLOW
  rules:
    - from: [{source: {principals: [cluster.local/ns/shop/sa/caller-%[1]d], namespaces: [shop]}}]
      to: [{operation: {methods: [GET, POST], paths: [/orders/*]}}]
    - from: [{source: {requestPrincipals: ["https://id.example.com/*"]}}]
      when: [{key: "request.auth.claims[aud]", values: [audience-%[1]d]}]
`, i, space, selector)
}

func peerAuthentication(i int, space string) string {
	return fmt.Sprintf(`
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: workload-%[1]d, namespace: %[2]s}
spec: {selector: {matchLabels: {app: workload-%[1]d}}, mtls: {mode: PERMISSIVE}}
`, i, space)
}

func permissive(space string) string {
	return fmt.Sprintf(`
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: permissive, namespace: %s}
spec: {mtls: {mode: PERMISSIVE}}
`, space)
}

// exposure is an APIRule that exposes one of the services by one strategy.
func exposure(name, service, strategy string) string {
	return fmt.Sprintf(`
apiVersion: gateway.kyma-project.io/v2
kind: APIRule
metadata: {name: %[1]s, namespace: shop}
spec:
  gateway: kyma-system/kyma-gateway
  hosts: [%[1]s]
  service: {name: %[2]s, port: 80}
  rules: [{path: /*, methods: [GET, POST], %[3]s}]
`, name, service, strategy)
}

const audience = `jwt: {authentications: [{issuer: "https://id.example.com", jwksUri: "https://id.example.com/keys"}],
    authorizations: [{audiences: [orders]}]}`

const anyAudience = `jwt: {authentications: [{issuer: "https://id.example.com", jwksUri: "https://id.example.com/keys"}]}`

// alias is a Service that leads to the Function orders.
const alias = `
---
apiVersion: v1
kind: Service
metadata: {name: orders-alias, namespace: shop}
spec: {clusterIP: 10.96.0.1, ports: [{port: 80}], selector: {app: orders, part-of: shop}}
`

func virtualService(host string) string {
	return fmt.Sprintf(`
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: orders, namespace: shop}
spec:
  gateways: [kyma-system/kyma-gateway]
  hosts: [orders.example.com]
  http: [{route: [{destination: {host: %s}}]}]
`, host)
}

// exposing is an APIRule of another workload.
func exposing(i int, space string) string {
	return fmt.Sprintf(`
apiVersion: gateway.kyma-project.io/v2
kind: APIRule
metadata: {name: shop-%[1]d, namespace: %[2]s}
spec:
  gateway: kyma-system/kyma-gateway
  hosts: [shop-%[1]d]
  service: {name: shop-%[1]d, port: 80}
  rules:
    - path: /*
      methods: [GET, POST]
      jwt:
        authentications: [{issuer: "https://id.example.com", jwksUri: "https://id.example.com/keys"}]
        authorizations: [{audiences: [audience-%[1]d], requiredScopes: [read]}]
`, i, space)
}

func allowsAll(space, matchLabels string, labels ...string) string {
	return fmt.Sprintf(`{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, metadata: {name: all, namespace: %s, labels: {%s}},
spec: {selector: {matchLabels: %s}, action: ALLOW, rules: [{to: [{operation: {methods: [GET]}}]}]}}`, space, strings.Join(labels, ", "), matchLabels)
}

func tokens(space string) string {
	return fmt.Sprintf(`{apiVersion: security.istio.io/v1, kind: RequestAuthentication, metadata: {name: tokens, namespace: %s},
spec: {selector: {matchLabels: {app: shop}}, jwtRules: [{issuer: "https://id.example.com", jwksUri: "https://id.example.com/keys"}]}}`, space)
}

// TestEveryReadKindHasAScene: what a rule reads of the inventory, a scene has among its peers.
func TestEveryReadKindHasAScene(t *testing.T) {
	t.Parallel()
	library, err := policy.Load(policies.FS)
	if err != nil {
		t.Fatal(err)
	}
	measured := map[string]bool{"jwt_binding APIRule": true, "exposure APIRule": true} // by BenchmarkPeers
	for _, s := range scenes() {
		peers, err := split([][]byte{[]byte(s.peer(1, "shop"))})
		if err != nil {
			t.Fatalf("%s/%s: %v", s.policy, s.name, err)
		}
		measured[s.policy+" "+peers[0].GetKind()] = true
	}
	for _, p := range library.Policies {
		for _, rule := range p.Rules {
			for _, kind := range rule.Inventory {
				if !measured[p.Name+" "+kind] {
					t.Errorf("%s: no scene of %s has %ss", rule.ID, p.Name, kind)
				}
			}
		}
	}
}
