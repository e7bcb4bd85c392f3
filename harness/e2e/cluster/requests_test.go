package cluster_test

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"

	"kyma-function-security/harness/e2e/cluster"
	"kyma-function-security/harness/internal/fixture"
	"kyma-function-security/harness/internal/manifest"
)

// applications plays whole applications as fixtures is played, each with the constraints of its flavor. Of the good ones
// everything is stored, if not at the first attempt, because a file comes before another that it needs, then at the second.
func (s *suite) applications(t *testing.T) {
	apps, err := fs.Glob(s.runner.FS, "apps/*")
	must(t, err)
	shipped := s.shipped()
	defer s.use(t, shipped)
	s.tells(t)
	scene := s.surround(t)
	t.Cleanup(func() { s.clear(t, *scene) })
	for _, app := range apps {
		f := fixture.Fixture{Profile: profile, Flavor: flavor}
		if strings.Contains(app, "buildless") {
			f.Flavor = "buildless"
		}
		s.use(t, s.set(t, app, f))
		t.Run(path.Base(app), func(t *testing.T) {
			h := newHeard()
			denied := s.play(t, scene, s.app(t, app), app, true, h)
			// The cluster's clock is the real one: one day every runtime is retired.
			good := strings.HasSuffix(app, "-good")
			if good && denied+len(h.refused) > 0 && h.rules["KFS-205"] == 0 || !good && denied == 0 {
				t.Errorf("%d objects are denied", denied)
			}
			t.Logf("%d requests, %d objects denied; the API server itself refused %q", h.requests, denied, h.refused)
		})
	}
}

func (s *suite) app(t *testing.T, app string) []*manifest.Object {
	t.Helper()
	files, err := fs.Glob(s.runner.FS, app+"/*.yaml")
	must(t, err)
	input, err := s.runner.Read(t.Context(), files...)
	must(t, err)
	return input.Objects
}

const gatekeeperNamespace = "gatekeeper-system"

const digest = "@sha256:ac3947d98c840d95847d6d9dc9a1c95a3d26c30abc733155894b51083b02d2cc"

// function is one that is clean but for its image; without an image, altogether.
func function(t *testing.T, name, image string) *unstructured.Unstructured {
	t.Helper()
	if image != "" {
		image = "runtimeImageOverride: " + image
	}
	var value map[string]any
	must(t, yaml.Unmarshal(fmt.Appendf(nil, `
apiVersion: serverless.kyma-project.io/v1alpha2
kind: Function
metadata: {name: %s, namespace: demo}
spec:
  runtime: nodejs24
  %s
  source: {inline: {source: 'module.exports = { main: () => "ok" }'}}
`, name, image), &value))
	return object(t, value)
}

// context puts the fixtures' context into the cluster until the test ends.
func (s *suite) context(t *testing.T) {
	t.Helper()
	items := s.surround(t)
	t.Cleanup(func() { s.clear(t, *items) })
}

func (s *suite) functions(t *testing.T, client *cluster.Client) dynamic.ResourceInterface {
	t.Helper()
	resource, err := client.Resource(function(t, "any", "").GroupVersionKind(), "demo")
	must(t, err)
	return resource
}

// put stores a Function past the webhook, until the test ends.
func (s *suite) put(t *testing.T, o *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	now, err := s.functions(t, s.Setup).Create(t.Context(), o, metav1.CreateOptions{})
	must(t, err)
	t.Cleanup(func() { must(t, s.Setup.Remove(context.WithoutCancel(t.Context()), o)) })
	return now
}

// updates are what the webhook must let through however bad the object is, and what it must not.
func (s *suite) updates(t *testing.T) {
	s.context(t)
	functions := s.functions(t, s.Admin)
	judge := func(t *testing.T, denied bool, request func(context.Context) error) {
		t.Helper()
		v, err := cluster.Judge(t.Context(), request)
		must(t, err)
		if v.Refused != nil || v.Stored == denied {
			t.Errorf("denied should be %t: %s", denied, v)
		}
		if denied && !slices.ContainsFunc(v.Deny, func(m string) bool { return strings.HasPrefix(m, "KFS-201: ") }) {
			t.Errorf("no KFS-201: %s", v)
		}
	}
	bad := "registry.evil.example/node" + digest
	for _, tc := range []struct {
		name   string
		image  string // of what is there
		denied bool
		change string // to the image
	}{
		{"a good one becomes bad", "", true, bad},
		{"a bad one becomes bad in another way", bad, true, "ghcr.io/x/y" + digest},
		{"a bad one becomes good", bad, false, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := s.put(t, function(t, "orders", tc.image))
			setImage(o, tc.change)
			judge(t, tc.denied, func(ctx context.Context) error {
				_, err := functions.Update(ctx, o, metav1.UpdateOptions{})
				return err
			})
		})
	}
	for name, every := range map[string]bool{"": false, ", and the webhook sees all subresources": true} {
		t.Run("a bad one is scaled and gets a status"+name, func(t *testing.T) {
			if every {
				s.everySubresource(t)
			}
			s.put(t, function(t, "orders", bad))
			for subresource, patch := range map[string]string{
				"scale": `{"spec": {"replicas": 3}}`, "status": `{"status": {"runtime": "nodejs24"}}`,
			} {
				judge(t, false, func(ctx context.Context) error {
					_, err := functions.Patch(ctx, "orders", types.MergePatchType, []byte(patch), metav1.PatchOptions{}, subresource)
					return err
				})
			}
			o, err := functions.Get(t.Context(), "orders", metav1.GetOptions{})
			must(t, err)
			replicas, _, _ := unstructured.NestedInt64(o.Object, "spec", "replicas")
			runtime, _, _ := unstructured.NestedString(o.Object, "status", "runtime")
			if replicas != 3 || runtime != "nodejs24" {
				t.Errorf("%d replicas, status %q", replicas, runtime)
			}
		})
	}
	t.Run("a bad one is deleted", func(t *testing.T) {
		s.put(t, function(t, "orders", bad))
		judge(t, false, func(ctx context.Context) error { return functions.Delete(ctx, "orders", metav1.DeleteOptions{}) })
	})
	t.Run("a bad one that is terminating loses its finalizers", func(t *testing.T) {
		o := function(t, "orders", bad)
		o.SetFinalizers([]string{"example.com/one", "example.com/two"})
		s.put(t, o)
		judge(t, false, func(ctx context.Context) error { return functions.Delete(ctx, "orders", metav1.DeleteOptions{}) })
		o, err := functions.Get(t.Context(), "orders", metav1.GetOptions{})
		must(t, err)
		changed := o.DeepCopy()
		setImage(changed, "ghcr.io/x/y"+digest)
		changed.SetFinalizers(nil)
		judge(t, true, func(ctx context.Context) error {
			_, err := functions.Update(ctx, changed, metav1.UpdateOptions{})
			return err
		})
		for _, left := range [][]string{{"example.com/two"}, nil} {
			o.SetFinalizers(left)
			judge(t, false, func(ctx context.Context) (err error) {
				o, err = functions.Update(ctx, o, metav1.UpdateOptions{})
				return err
			})
		}
		if _, err := functions.Get(t.Context(), "orders", metav1.GetOptions{}); err == nil {
			t.Error("it is still there")
		}
	})
}

// everySubresource has the webhook see the requests for subresources that Gatekeeper leaves out, until the test ends.
func (s *suite) everySubresource(t *testing.T) {
	t.Helper()
	s.tells(t)
	s.put(t, function(t, knowledge, ""))
	seen := func(want bool) func(context.Context) error {
		return func(ctx context.Context) error {
			v, err := cluster.Judge(ctx, func(ctx context.Context) error {
				_, err := s.functions(t, s.Admin).Patch(ctx, knowledge, types.MergePatchType, []byte(`{"spec": {"replicas": 2}}`),
					metav1.PatchOptions{DryRun: []string{metav1.DryRunAll}}, "scale")
				return err
			})
			if err != nil {
				return err
			}
			if _, err := tellsOf(v); (err == nil) != want {
				return fmt.Errorf("the webhook should see functions/scale: %t; %s", want, v)
			}
			return nil
		}
	}
	must(t, s.Admit(t.Context(), "*/*"))
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		must(t, s.Admit(ctx))
		must(t, cluster.Poll(ctx, synced, seen(false)))
	})
	must(t, cluster.Poll(t.Context(), synced, seen(true)))
}

func setImage(o *unstructured.Unstructured, image string) {
	if image == "" {
		unstructured.RemoveNestedField(o.Object, "spec", "runtimeImageOverride")
		return
	}
	_ = unstructured.SetNestedField(o.Object, image, "spec", "runtimeImageOverride") // spec is a map
}

// stages walks a Constraint through what users do with it: watch, warn, deny, exempt.
func (s *suite) stages(t *testing.T) {
	s.context(t)
	i := slices.IndexFunc(s.installed, func(o *unstructured.Unstructured) bool { return o.GetName() == "kfs-runtime-image-deny" })
	original := s.installed[i]
	t.Cleanup(func() { must(t, s.Admin.Apply(context.WithoutCancel(t.Context()), original)) })
	exemption := func(expires string) []any {
		var all []any
		for _, rule := range []string{"KFS-201", "KFS-203"} { // what the image has against it
			all = append(all, map[string]any{
				"rule": rule, "kind": "Function", "namespace": "demo", "name": "orders", "reason": "moves in spring", "expires": expires,
			})
		}
		return all
	}
	bad := function(t, "orders", "registry.evil.example/node"+digest)
	for _, tc := range []struct {
		name, action string
		exemptions   []any
		deny, warn   bool
		remark       string
	}{
		{"dryrun", "dryrun", nil, false, false, ""},
		{"warn", "warn", nil, false, true, ""},
		{"deny", "deny", nil, true, false, ""},
		{"exempt", "deny", exemption("2261-12-31"), false, false, ""},
		{"no longer exempt", "deny", exemption("2026-01-31"), true, false, "2026-01-31"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := original.DeepCopy()
			must(t, unstructured.SetNestedField(o.Object, tc.action, "spec", "enforcementAction"))
			if tc.exemptions != nil {
				must(t, unstructured.SetNestedSlice(o.Object, tc.exemptions, "spec", "parameters", "exemptions"))
			}
			must(t, s.Admin.Apply(t.Context(), o))
			must(t, cluster.Poll(t.Context(), synced, func(ctx context.Context) error {
				v, err := s.Admin.Create(ctx, bad, true)
				if err != nil {
					return err
				}
				about := func(all []string) bool {
					return slices.ContainsFunc(all, func(m string) bool {
						return strings.HasPrefix(m, "KFS-201: ") && strings.Contains(m, tc.remark)
					})
				}
				if v.Refused != nil || v.Stored == tc.deny || about(v.Deny) != tc.deny || about(v.Warn) != tc.warn {
					return fmt.Errorf("want denied %t, warned %t; got %s", tc.deny, tc.warn, v)
				}
				return nil
			}))
		})
	}
}

// outage takes Gatekeeper away: nobody creates, changes or deletes anything, of whatever kind, and on return the first answers are
// right, also those that depend on what is there.
func (s *suite) outage(t *testing.T) {
	ctx := t.Context()
	s.context(t)
	s.peers(t)
	before, err := s.Setup.Snapshot(ctx)
	must(t, err)
	s.StopGatekeeper()
	refused := func(what string, request func(context.Context) error) {
		t.Helper()
		v, err := cluster.Judge(ctx, request)
		if err == nil || v.Stored || !strings.Contains(err.Error(), "failed calling webhook") {
			t.Errorf("%s got in: %s, %v", what, v, err)
		}
	}
	for _, o := range parse(t, usersRequests+outageRequests) {
		o.SetName("outage")
		refused("new "+o.GetKind(), func(ctx context.Context) error {
			resource, err := s.Admin.Resource(o.GroupVersionKind(), o.GetNamespace())
			must(t, err)
			_, err = resource.Create(ctx, o, metav1.CreateOptions{})
			return err
		})
	}
	for _, o := range parse(t, usersPeers+outageChanges) {
		resource, err := s.Admin.Resource(o.GroupVersionKind(), o.GetNamespace())
		must(t, err)
		now, err := resource.Get(ctx, o.GetName(), metav1.GetOptions{})
		must(t, err)
		now.SetLabels(map[string]string{"changed": "yes"})
		refused("changed "+o.GetKind(), func(ctx context.Context) error {
			_, err := resource.Update(ctx, now, metav1.UpdateOptions{})
			return err
		})
		refused("patched "+o.GetKind(), func(ctx context.Context) error {
			_, err := resource.Patch(ctx, o.GetName(), types.MergePatchType, []byte(`{"metadata":{"labels":{"changed":"yes"}}}`), metav1.PatchOptions{})
			return err
		})
		refused("deleted "+o.GetKind(), func(ctx context.Context) error { return resource.Delete(ctx, o.GetName(), metav1.DeleteOptions{}) })
	}
	after, err := s.Setup.Snapshot(ctx)
	must(t, err)
	if diff := gocmp.Diff(before, after); diff != "" {
		t.Errorf("-before the outage +in it:\n%s", diff)
	}
	begin := time.Now()
	must(t, s.StartGatekeeper(ctx))
	t.Logf("Gatekeeper is back after %.1f s", time.Since(begin).Seconds())
	for _, r := range usersRequested(t) {
		if err := s.judged(ctx, r); err != nil {
			t.Error(err)
		}
	}
}

// outageRequests are of kinds that users don't send, outageChanges objects that every cluster has.
const (
	outageRequests = `---
apiVersion: v1
kind: Namespace
metadata: {name: outage}
---
apiVersion: v1
kind: Secret
metadata: {name: outage, namespace: demo}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: outage}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: outage}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: outage, namespace: demo}
spec: {podSelector: {}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: outage, namespace: demo}
spec:
  selector: {matchLabels: {app: outage}}
  template: {metadata: {labels: {app: outage}}, spec: {containers: [{name: one, image: one}]}}
---
apiVersion: v1
kind: Service
metadata: {name: outage, namespace: demo}
spec: {ports: [{port: 80}]}
`
	outageChanges = `---
apiVersion: v1
kind: Namespace
metadata: {name: demo}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: default, namespace: demo}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: view}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny, namespace: demo}
`
)
