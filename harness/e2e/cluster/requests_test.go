package cluster_test

import (
	"cmp"
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
	"kyma-function-security/harness/internal/manifest"
)

// applications plays whole applications as fixtures is played. Of the good one everything is stored.
func (s *suite) applications(t *testing.T) {
	apps, err := fs.Glob(s.runner.FS, "apps/*")
	must(t, err)
	for _, app := range apps {
		t.Run(path.Base(app), func(t *testing.T) {
			denied := 0
			verdicts := s.play(t, s.app(t, app))
			for _, v := range verdicts {
				denied += len(v.Deny)
				// The bad one has a field misspelt.
				if v.Refused != nil && !strings.Contains(v.Refused.Error(), `unknown field "spec.rules[1].jwt.authorisations"`) {
					t.Errorf("the API server refused it: %v", v.Refused)
				}
			}
			if good := strings.HasSuffix(app, "-good"); good == (denied > 0) {
				t.Errorf("%d reasons to deny", denied)
			}
			t.Logf("%d objects, %d reasons to deny", len(verdicts), denied)
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
	t.Cleanup(func() { s.clear(t, s.runner.Context) })
	for _, o := range s.runner.Context {
		_, err := s.Setup.Create(t.Context(), object(t, o.Value), false)
		must(t, err)
	}
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
		change func(o *unstructured.Unstructured)
		status bool
	}{
		{"a good one becomes bad", "", true, func(o *unstructured.Unstructured) { setImage(o, bad) }, false},
		{"a bad one becomes bad in another way", bad, true, func(o *unstructured.Unstructured) { setImage(o, "ghcr.io/x/y"+digest) }, false},
		{"a bad one becomes good", bad, false, func(o *unstructured.Unstructured) { setImage(o, "") }, false},
		{"a bad one's status", bad, false, func(o *unstructured.Unstructured) {
			_ = unstructured.SetNestedField(o.Object, "nodejs24", "status", "runtime")
		}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := s.put(t, function(t, "orders", tc.image))
			tc.change(o)
			judge(t, tc.denied, func(ctx context.Context) error {
				var err error
				if tc.status {
					_, err = functions.UpdateStatus(ctx, o, metav1.UpdateOptions{})
				} else {
					_, err = functions.Update(ctx, o, metav1.UpdateOptions{})
				}
				return err
			})
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

// violation is what an audit says of an object.
type violation struct{ Object, Action, Message string }

// audit puts an application there past the webhook; the audit must find in it what kfs finds.
func (s *suite) audit(t *testing.T) {
	objects := s.app(t, "apps/shop-bad")
	t.Cleanup(func() { s.clear(t, objects) })
	slices.SortStableFunc(objects, func(a, b *manifest.Object) int { return -strings.Compare(scope(a), scope(b)) })
	for _, o := range objects {
		v, err := s.Setup.Create(t.Context(), object(t, o.Value), false)
		must(t, err)
		if v.Refused != nil {
			t.Fatal(v.Refused)
		}
	}
	begin := time.Now()
	must(t, cluster.Poll(t.Context(), 2*synced, func(ctx context.Context) error {
		var want []violation
		for _, o := range objects {
			v, err := s.kfs(t.Context(), o, objects)
			if err != nil {
				return err
			}
			name := o.Kind() + " " + o.Namespace() + "/" + o.Name()
			for _, m := range v.Deny {
				want = append(want, violation{name, "deny", clip(m)})
			}
			for _, m := range v.Warn {
				want = append(want, violation{name, "warn", clip(m)})
			}
		}
		got, err := s.audited(ctx, objects)
		if err != nil {
			return err
		}
		if diff := gocmp.Diff(sorted(want), sorted(got)); diff != "" {
			return fmt.Errorf("-kfs +audit:\n%s", diff)
		}
		t.Logf("%d violations, %.1f s after the last object was stored", len(got), time.Since(begin).Seconds())
		return nil
	}))
}

// audited are the violations in the constraints' status that are about objects.
func (s *suite) audited(ctx context.Context, objects []*manifest.Object) ([]violation, error) {
	own := map[string]bool{}
	for _, o := range objects {
		own[o.Kind()+" "+o.Namespace()+"/"+o.Name()] = true
	}
	var got []violation
	for _, o := range s.installed {
		resource, err := s.Admin.Resource(o.GroupVersionKind(), "")
		if err != nil {
			return nil, err
		}
		now, err := resource.Get(ctx, o.GetName(), metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		found, _, err := unstructured.NestedSlice(now.Object, "status", "violations")
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			fields, _ := f.(map[string]any)
			text := func(key string) string { value, _ := fields[key].(string); return value }
			v := violation{text("kind") + " " + text("namespace") + "/" + text("name"), text("enforcementAction"), text("message")}
			if own[v.Object] {
				got = append(got, v)
			}
		}
	}
	return got, nil
}

// clip is what a constraint's status has of a message.
func clip(message string) string {
	if len(message) > 256 {
		return message[:256-len("<...truncated>")] + "<...truncated>"
	}
	return message
}

func sorted(all []violation) []violation {
	slices.SortFunc(all, func(a, b violation) int {
		return cmp.Or(cmp.Compare(a.Object, b.Object), cmp.Compare(a.Action, b.Action), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(all)
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
