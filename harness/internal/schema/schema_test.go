package schema

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestFiles(t *testing.T) {
	if err := Load().Err(); err != nil {
		t.Fatal(err)
	}
}

// TestFacts holds what policies rely on, version by version, as the real CRDs have it.
func TestFacts(t *testing.T) {
	const function, gateway = "serverless.kyma-project.io", "gateway.kyma-project.io"
	set := Load()
	for _, tc := range []struct {
		gvk     GVK
		flavor  string
		has     []string
		hasNot  []string
		require []string
	}{
		{
			gvk: GVK{function, "v1alpha2", "Function"}, flavor: "classic",
			has: []string{
				"spec.source.inline.dependencies", "spec.source.gitRepository.auth.secretName", "spec.runtimeImageOverride",
				"spec.secretMounts.0.mountPath", "spec.env.0.valueFrom.secretKeyRef.key", "spec.template.labels", "spec.labels",
				"spec.resourceConfiguration.build.resources.limits", "spec.scaleConfig.maxReplicas", "status.runtimeImageOverride",
			},
			hasNot:  []string{"spec.podSecurityContext", "spec.containerSecurityContext", "spec.deps", "spec.source.inline.deps"},
			require: []string{"spec.runtime", "spec.source"},
		},
		{
			gvk: GVK{function, "v1alpha2", "Function"}, flavor: "buildless",
			has: []string{
				"spec.podSecurityContext.sysctls.0.name", "spec.podSecurityContext.windowsOptions.hostProcess",
				"spec.containerSecurityContext.capabilities.add", "spec.containerSecurityContext.procMount",
				"spec.containerSecurityContext.seccompProfile.type", "spec.annotations", "status.runtimeImage",
			},
			hasNot: []string{"spec.hostNetwork", "status.runtimeImageOverride"},
		},
		{
			gvk: GVK{function, "v1alpha1", "Function"}, flavor: "classic",
			has:     []string{"spec.deps", "spec.type", "spec.baseDir", "spec.reference", "spec.buildResources.limits", "spec.minReplicas"},
			hasNot:  []string{"spec.source.inline", "spec.secretMounts", "spec.annotations", "spec.template"},
			require: []string{"spec.source"},
		},
		{
			gvk: GVK{gateway, "v2", "APIRule"},
			has: []string{
				"spec.hosts", "spec.externalGateway", "spec.rules.0.jwt.authorizations.0.requiredScopes",
				"spec.rules.0.jwt.authentications.0.fromParams", "spec.rules.0.extAuth.restrictions.authorizations.0.audiences",
				"spec.rules.0.noAuth", "spec.rules.0.request.headers", "spec.rules.0.service.namespace", "spec.corsPolicy.allowOrigins",
			},
			hasNot: []string{"spec.host", "spec.rules.0.accessStrategies", "spec.rules.0.mutators"},
		},
		{gvk: GVK{gateway, "v2alpha1", "APIRule"}, has: []string{"spec.externalGateway", "spec.rules.0.extAuth.authorizers"}},
		{
			gvk: GVK{gateway, "v1beta1", "APIRule"},
			has: []string{
				"spec.host", "spec.corsPolicy.maxAge", "spec.rules.0.accessStrategies.0.config", "spec.rules.0.mutators.0.handler",
				"spec.rules.0.service.namespace", "spec.rules.0.timeout",
			},
			hasNot:  []string{"spec.hosts", "spec.rules.0.jwt"},
			require: []string{"spec.rules.0.accessStrategies"},
		},
		{
			gvk: GVK{gateway, "v1alpha1", "APIRule"}, has: []string{"spec.service.host", "spec.rules.0.accessStrategies.0.handler"},
			hasNot: []string{"spec.host", "spec.rules.0.service"},
		},
		{
			gvk:    GVK{"security.istio.io", "v1", "AuthorizationPolicy"},
			has:    []string{"spec.rules.0.from.0.source.notRequestPrincipals", "spec.rules.0.when.0.notValues", "spec.provider.name", "spec.targetRefs.0.kind"},
			hasNot: []string{"spec.rules.0.from.0.principals"},
		},
		{gvk: GVK{"security.istio.io", "v1beta1", "PeerAuthentication"}, has: []string{"spec.portLevelMtls", "spec.selector.matchLabels"}},
		{gvk: GVK{"security.istio.io", "v1", "RequestAuthentication"}, has: []string{"spec.jwtRules.0.fromCookies", "spec.jwtRules.0.jwks_uri"}},
		{gvk: GVK{"networking.istio.io", "v1alpha3", "VirtualService"}, has: []string{"spec.http.0.route.0.destination.host", "spec.tls.0.match.0.sniHosts"}},
		{gvk: GVK{"networking.istio.io", "v1alpha3", "EnvoyFilter"}, has: []string{"spec.configPatches.0.patch.value"}},
		{gvk: GVK{"oathkeeper.ory.sh", "v1alpha1", "Rule"}, has: []string{"spec.authenticators.0.config", "spec.upstream.url", "spec.match.methods"}},
		{gvk: GVK{"operator.kyma-project.io", "v1alpha1", "Serverless"}, has: []string{"spec.dockerRegistry.enableInternal", "spec.functionBuildExecutorArgs"}},
		{
			gvk: GVK{"operator.kyma-project.io", "v1alpha1", "DockerRegistry"}, has: []string{"spec.storage.s3.encrypt", "spec.externalAccess.gateway"},
			hasNot: []string{"spec.logging.accessLogDisabled"},
		},
		{gvk: GVK{"eventing.kyma-project.io", "v1alpha2", "Subscription"}, has: []string{"spec.typeMatching", "spec.config"}, hasNot: []string{"spec.filter"}},
		{gvk: GVK{function, "v1alpha1", "GitRepository"}, flavor: "classic", has: []string{"spec.auth.secretName"}, require: []string{"spec.url"}},
		{gvk: GVK{"aquasecurity.github.io", "v1alpha1", "VulnerabilityReport"}, has: []string{"report.summary.criticalCount", "report.updateTimestamp", "report.artifact.digest"}},
		{gvk: GVK{"gateway.networking.k8s.io", "v1", "HTTPRoute"}, has: []string{"spec.rules.0.backendRefs.0.namespace", "spec.rules.0.filters.0.requestMirror.backendRef.name"}},
		{gvk: GVK{"extensions", "v1beta1", "Ingress"}, has: []string{"spec.backend.serviceName", "spec.rules.0.http.paths.0.backend.serviceName"}},
		{gvk: GVK{"networking.k8s.io", "v1", "Ingress"}, has: []string{"spec.defaultBackend.service.name"}, hasNot: []string{"spec.backend"}},
	} {
		version, ok := set.Version(tc.gvk, tc.flavor)
		if !ok {
			t.Errorf("there is no %v (%s)", tc.gvk, tc.flavor)
			continue
		}
		for _, path := range tc.has {
			if !version.root.has(steps(path)) {
				t.Errorf("%v (%s) lacks %s", tc.gvk, tc.flavor, path)
			}
		}
		for _, path := range tc.hasNot {
			if version.root.has(steps(path)) {
				t.Errorf("%v (%s) has %s", tc.gvk, tc.flavor, path)
			}
		}
		for _, path := range tc.require {
			if !required(version.root, steps(path)) {
				t.Errorf("%v (%s) doesn't require %s", tc.gvk, tc.flavor, path)
			}
		}
	}
}

func steps(path string) []any {
	var all []any
	for _, step := range strings.Split(path, ".") {
		if step == "0" {
			all = append(all, 0)
		} else {
			all = append(all, step)
		}
	}
	return all
}

func required(n *node, path []any) bool {
	for _, step := range path[:len(path)-1] {
		if name, ok := step.(string); ok {
			n = n.fields[name].node
		} else {
			n = n.items
		}
	}
	return n.fields[path[len(path)-1].(string)].required
}

func TestLookup(t *testing.T) {
	set := Load()
	function, ok := set.ByName("Function")
	if !ok {
		t.Fatal("no Function")
	}
	if got, want := function.Synced(), (GVK{"serverless.kyma-project.io", "v1alpha2", "Function"}); got != want {
		t.Errorf("Function is synced as %v, want %v", got, want)
	}
	var versions []string
	for _, v := range function.GroupVersions() {
		versions = append(versions, v.APIVersion())
	}
	want := []string{"serverless.kyma-project.io/v1alpha2", "serverless.kyma-project.io/v1alpha1"}
	if diff := cmp.Diff(want, versions); diff != "" {
		t.Error(diff)
	}
	if rule, _ := set.ByName("APIRule"); rule.Synced().Version != "v2" {
		t.Error("APIRule isn't synced as v2")
	}
	if _, ok := set.Version(GVK{"serverless.kyma-project.io", "v1alpha1", "Function"}, "buildless"); ok {
		t.Error("buildless has Function v1alpha1")
	}
	for _, tc := range []struct {
		group, kind string
		want        bool
	}{
		{"networking.k8s.io", "Ingress", true},
		{"extensions", "Ingress", true},
		{"", "Ingress", false},
		{"", "Service", true},
		{"", "service", false},
		{"serving.knative.dev", "Service", false},
		{"", "shared/pod", false},
	} {
		if _, ok := set.Kind(tc.group, tc.kind); ok != tc.want {
			t.Errorf("Kind(%q, %q) = %v", tc.group, tc.kind, ok)
		}
	}
	got := set.Match([]string{"extensions", "networking.k8s.io"}, []string{"*"})
	slices.SortFunc(got, func(a, b GroupKind) int { return strings.Compare(a.String(), b.String()) })
	kinds := []GroupKind{{"extensions", "Ingress"}, {"networking.k8s.io", "Ingress"}, {"networking.k8s.io", "NetworkPolicy"}}
	if diff := cmp.Diff(kinds, got); diff != "" {
		t.Error(diff)
	}
}

// TestNotation shows that a flaw of a file is an error rather than a looser schema.
func TestNotation(t *testing.T) {
	const meta = "ObjectMeta: {name: string}\n"
	for name, fields := range map[string]string{
		"unknown scalar":      "{spec: strin}",
		"unknown type":        "{spec: Missing}",
		"unknown shared file": "{spec: other.Type}",
		"list of two":         "{spec: [string, integer]}",
		"a type in itself":    "{spec: Self}",
		"no object":           "[string]",
		"nothing":             "",
	} {
		t.Run(name, func(t *testing.T) {
			set := New(fstest.MapFS{
				"shared/meta.yaml": {Data: []byte(meta)},
				"thing.yaml": {Data: []byte("kind: Thing\ngroup: example.com\nplural: things\nscope: Cluster\n\nversions:\n" +
					"  - name: v1\n    fields: " + fields + "\ntypes:\n  Self: {again: Self}\n")},
			})
			if err := set.Err(); err == nil {
				t.Errorf("fields: %s is accepted", fields)
			}
		})
	}
}

func BenchmarkRead(b *testing.B) {
	for _, kind := range []string{"Function", "APIRule", "Namespace", "Deployment", "VirtualService"} {
		b.Run(kind, func(b *testing.B) {
			for b.Loop() {
				if _, ok := Load().ByName(kind); !ok {
					b.Fatal(kind)
				}
			}
		})
	}
	b.Run("all", func(b *testing.B) {
		for b.Loop() {
			Load().Kinds()
		}
	})
}
