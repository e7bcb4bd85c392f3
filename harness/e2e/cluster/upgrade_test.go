package cluster_test

import (
	"archive/tar"
	"compress/bzip2"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"kyma-function-security/harness/e2e/cluster"
)

// release is the one before; testdata/README.md says how it was made.
const release = "testdata/bundle-0.1.0.tar.bz2"

// What TestUpgrade adds to the old release, so that there is what a later one no longer has and what it has otherwise: a policy
// that is gone, with its kind of parameters, a Constraint under another name, and a parameter of another type.
const (
	goneTemplate = `apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata:
  name: kymafunctiongone
  labels: {app.kubernetes.io/part-of: kyma-function-security}
spec:
  crd: {spec: {names: {kind: KymaFunctionGone}}}
  targets:
    - target: admission.k8s.gatekeeper.sh
      code:
        - engine: Rego
          source:
            version: v1
            rego: |
              package kyma.gone
              violation contains {"msg": "KFS-000: gone"} if input.review.object.metadata.name == "gone"
`
	goneConstraint = `apiVersion: constraints.gatekeeper.sh/v1beta1
kind: KymaFunctionGone
metadata:
  name: kfs-gone-deny
  labels: {app.kubernetes.io/part-of: kyma-function-security}
spec:
  match: {kinds: [{apiGroups: [""], kinds: [ConfigMap]}]}
`
	goneSyncSet = `apiVersion: syncset.gatekeeper.sh/v1alpha1
kind: SyncSet
metadata:
  name: kfs-gone
  labels: {app.kubernetes.io/part-of: kyma-function-security}
spec:
  gvks: [{group: "", version: v1, kind: Namespace}]
`
)

// unpack unpacks the release into a folder that is like a clone.
func unpack(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	file, err := os.Open(release)
	must(t, err)
	defer file.Close()
	archive := tar.NewReader(bzip2.NewReader(file))
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		must(t, err)
		name := filepath.Join(folder, filepath.FromSlash(header.Name))
		if header.Typeflag == tar.TypeReg {
			must(t, os.MkdirAll(filepath.Dir(name), 0o755))
			data, err := io.ReadAll(archive)
			must(t, err)
			must(t, os.WriteFile(name, data, 0o600))
		}
	}
	return folder
}

// oldRelease unpacks the release and changes it.
func oldRelease(t *testing.T) string {
	t.Helper()
	folder := unpack(t)
	constraints := filepath.Join("bundle/gatekeeper/constraints", profile+"-"+flavor)
	read := func(name string) (value map[string]any) {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(folder, name))
		must(t, err)
		must(t, yaml.Unmarshal(data, &value))
		return value
	}
	write := func(name string, value map[string]any) {
		t.Helper()
		data, err := yaml.Marshal(value)
		must(t, err)
		must(t, os.WriteFile(filepath.Join(folder, name), data, 0o600))
	}
	add := func(dir, name string, value map[string]any) {
		t.Helper()
		write(filepath.Join(dir, name), value)
		list := filepath.Join(dir, "kustomization.yaml")
		kustomization := read(list)
		resources, _, err := unstructured.NestedStringSlice(kustomization, "resources")
		must(t, err)
		must(t, unstructured.SetNestedStringSlice(kustomization, append(resources, name), "resources"))
		write(list, kustomization)
	}
	for dir, text := range map[string]string{
		"constrainttemplates": goneTemplate, constraints: goneConstraint, "bundle/gatekeeper/sync": goneSyncSet,
	} {
		var value map[string]any
		must(t, yaml.Unmarshal([]byte(text), &value))
		add(dir, "gone.yaml", value)
	}
	template := read("constrainttemplates/runtime_image.yaml")
	must(t, unstructured.SetNestedMap(template, map[string]any{"type": "string"},
		"spec", "crd", "spec", "validation", "openAPIV3Schema", "properties", "allowedRepositories"))
	write("constrainttemplates/runtime_image.yaml", template)
	for _, name := range []string{"runtime-image-deny.yaml", "runtime-image-warn.yaml"} {
		o := read(filepath.Join(constraints, name))
		must(t, unstructured.SetNestedField(o, "none", "spec", "parameters", "allowedRepositories"))
		write(filepath.Join(constraints, name), o)
	}
	renamed := read(filepath.Join(constraints, "jwt-binding-deny.yaml"))
	must(t, unstructured.SetNestedField(renamed, "kfs-renamed", "metadata", "name"))
	add(constraints, "renamed.yaml", renamed)
	return folder
}

// TestUpgrade goes from the old release to this one, back, and away, as the README tells users, while requests come in.
func TestUpgrade(t *testing.T) {
	s := empty(t)
	before, err := s.Setup.Snapshot(t.Context())
	must(t, err)
	old, next := oldRelease(t), root
	version := s.runner.Config.Version
	if !strings.Contains(strings.Join(commands(t, "Upgrade"), "\n"), "version!="+version) {
		t.Errorf("the README upgrades to another version than %s", version)
	}
	s.readme(t, "Install", old)
	s.adopt(t, old)
	t.Run("in use", func(t *testing.T) {
		s.context(t)
		s.peers(t)
		own := s.own(t)
		t.Run("upgrade", func(t *testing.T) {
			s.whileUsed(t, func() {
				s.readme(t, "Upgrade", next)
				s.adopt(t, next)
			})
			for _, o := range s.kind("ConstraintTemplate") {
				if got := o.GetAnnotations()["metadata.gatekeeper.sh/version"]; got != version {
					t.Errorf("%s has version %q, want %s", o.GetName(), got, version)
				}
			}
			s.only(t, own)
		})
		t.Run("a Constraint with a parameter of another type", func(t *testing.T) { s.outdated(t, own) })
		t.Run("Constraints of the old release", s.compatible)
		t.Run("downgrade", func(t *testing.T) {
			s.whileUsed(t, func() {
				s.readme(t, "Upgrade", old, "version!="+version, "version="+version)
				s.adopt(t, old)
			})
			s.only(t)
		})
	})
	t.Run("uninstall", func(t *testing.T) { s.uninstall(t, before) })
	// The old release has less than this one.
	t.Run("install and uninstall", func(t *testing.T) {
		s.readme(t, "Install", next)
		s.adopt(t, next)
		s.only(t)
		s.uninstall(t, before)
	})
}

// uninstall is what the README tells users to do. The cluster must be as it was before the bundle.
func (s *suite) uninstall(t *testing.T, before map[string]string) {
	t.Helper()
	s.readme(t, "Uninstall", root)
	s.collect(t)
	must(t, cluster.Poll(t.Context(), 5*time.Minute, func(ctx context.Context) error {
		after, err := s.Setup.Snapshot(ctx)
		if err != nil {
			return err
		}
		if diff := gocmp.Diff(before, after); diff != "" {
			return fmt.Errorf("-before the installation +after the uninstallation:\n%s", diff)
		}
		return nil
	}))
}

// own is a Constraint that an organisation has made itself. The next release has its parameter with another type.
func (s *suite) own(t *testing.T) *unstructured.Unstructured {
	t.Helper()
	i := slices.IndexFunc(s.installed, func(o *unstructured.Unstructured) bool { return o.GetName() == "kfs-runtime-image-deny" })
	o := s.installed[i].DeepCopy()
	o.SetName("own")
	o.SetLabels(nil)
	must(t, s.Admin.Apply(t.Context(), o))
	must(t, cluster.Poll(t.Context(), synced, func(ctx context.Context) error { return s.denies(ctx, t, o) }))
	return o
}

// denies is an error if a constraint doesn't deny a bad image.
func (s *suite) denies(ctx context.Context, t *testing.T, o *unstructured.Unstructured) error {
	t.Helper()
	options := metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}
	_, err := s.functions(t, s.Admin).Create(ctx, function(t, "own", "registry.evil.example/node"+digest), options)
	if err == nil || !strings.Contains(err.Error(), "["+o.GetName()+"] KFS-201: ") {
		return fmt.Errorf("%s doesn't deny: %w", o.GetName(), err)
	}
	return nil
}

// outdated shows what the README says of a Constraint that its template's new schema refuses: it is enforced until Gatekeeper
// restarts, then not, and it can't even be deleted where the webhook sees deletions, until it loses its parameters.
func (s *suite) outdated(t *testing.T, o *unstructured.Unstructured) {
	ctx := t.Context()
	must(t, s.denies(ctx, t, o))
	s.StopGatekeeper()
	must(t, s.StartGatekeeper(ctx))
	if err := s.denies(ctx, t, o); err == nil {
		t.Error("it is enforced after a restart, too: the README says it isn't")
	}
	resource, err := s.Admin.Resource(o.GroupVersionKind(), "")
	must(t, err)
	must(t, cluster.Poll(ctx, synced, func(ctx context.Context) error {
		now, err := resource.Get(ctx, o.GetName(), metav1.GetOptions{})
		if err != nil {
			return err
		}
		pods, _, _ := unstructured.NestedSlice(now.Object, "status", "byPod")
		if !strings.Contains(fmt.Sprint(pods), "schema validation failed") {
			return fmt.Errorf("its status says nothing: %v", pods)
		}
		return nil
	}))
	const says = "schema validation failed"
	if err := s.Admin.Delete(ctx, o); err == nil || !strings.Contains(err.Error(), says) {
		t.Errorf("deleted: %v, want %q", err, says)
	}
	for _, command := range commands(t, "Upgrade") {
		if _, patch, found := strings.Cut(command, "-p='"); found {
			patch, _, _ = strings.Cut(patch, "'")
			_, err := resource.Patch(ctx, o.GetName(), types.JSONPatchType, []byte(patch), metav1.PatchOptions{})
			must(t, err)
		}
	}
	must(t, cluster.Poll(ctx, synced, func(ctx context.Context) error { return s.denies(ctx, t, o) }))
	must(t, s.Admin.Delete(ctx, o))
}

// compatible demands that what organisations have made of the old release's Constraints is valid in this one; see outdated.
func (s *suite) compatible(t *testing.T) {
	folder := unpack(t)
	constraints, err := filepath.Glob(filepath.Join(folder, "bundle/gatekeeper/constraints/*"))
	must(t, err)
	tried := 0
	for _, dir := range constraints {
		objects, err := cluster.ReadFolder(dir)
		must(t, err)
		for _, o := range objects {
			o.SetName("copy-of-" + o.GetName())
			v, err := s.Admin.Create(t.Context(), o, true)
			if err != nil || !v.Stored {
				t.Errorf("%s, %s: no longer valid: %s, %v", filepath.Base(dir), o.GetName(), v, err)
			}
			tried++
		}
	}
	if tried < len(s.installed) {
		t.Errorf("only %d Constraints were tried", tried)
	}
}

// only demands that of Gatekeeper's kinds there is what the bundle has, and others, and nothing else.
func (s *suite) only(t *testing.T, others ...*unstructured.Unstructured) {
	t.Helper()
	if diff := gocmp.Diff(names(slices.Concat(s.templates, s.installed, others)), s.ours(t)); diff != "" {
		t.Errorf("-the bundle +what is there:\n%s", diff)
	}
}

// adopt says that a folder's bundle is what is installed, and waits until Gatekeeper enforces it.
func (s *suite) adopt(t *testing.T, folder string) {
	t.Helper()
	var err error
	s.templates, err = cluster.ReadFolder(filepath.Join(folder, "bundle/gatekeeper/templates"))
	must(t, err)
	s.installed, err = cluster.ReadFolder(filepath.Join(folder, "bundle/gatekeeper/constraints", profile+"-"+flavor))
	must(t, err)
	for _, o := range slices.Concat(s.kind("ConstraintTemplate"), s.installed) {
		must(t, cluster.Poll(t.Context(), time.Minute, func(ctx context.Context) error { return s.enforced(ctx, o) }))
	}
}

// ours are all objects of Gatekeeper's kinds, of which nobody else has any.
func (s *suite) ours(t *testing.T) []string {
	t.Helper()
	all, err := s.Admin.Snapshot(t.Context())
	must(t, err)
	var names []string
	for name := range all {
		group, _, _ := strings.Cut(name, "/")
		if slices.Contains([]string{"templates.gatekeeper.sh", "constraints.gatekeeper.sh", "syncset.gatekeeper.sh"}, group) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// names are objects as a snapshot names them.
func names(objects []*unstructured.Unstructured) []string {
	var all []string
	for _, o := range objects {
		all = append(all, fmt.Sprintf("%s %s %s/%s", o.GetAPIVersion(), o.GetKind(), o.GetNamespace(), o.GetName()))
	}
	slices.Sort(all)
	return all
}

// collect does the work of Kubernetes' garbage collector, which isn't here: with a template goes its constraints' CRD.
func (s *suite) collect(t *testing.T) {
	t.Helper()
	crds, err := s.Setup.Resource(apischema.FromAPIVersionAndKind("apiextensions.k8s.io/v1", "CustomResourceDefinition"), "")
	must(t, err)
	templates, err := s.Setup.Resource(apischema.FromAPIVersionAndKind("templates.gatekeeper.sh/v1", "ConstraintTemplate"), "")
	must(t, err)
	list, err := crds.List(t.Context(), metav1.ListOptions{LabelSelector: "gatekeeper.sh/constraint=yes"})
	must(t, err)
	for _, crd := range list.Items {
		owner := metav1.GetControllerOf(&crd)
		if owner == nil || owner.Kind != "ConstraintTemplate" {
			t.Errorf("CRD %s stays: its owner is %v", crd.GetName(), owner)
			continue
		}
		if _, err := templates.Get(t.Context(), owner.Name, metav1.GetOptions{}); apierrors.IsNotFound(err) {
			must(t, s.Setup.Remove(t.Context(), &crd))
		} else {
			must(t, err)
		}
	}
}

// users send requests, over and over, whose verdict no upgrade may change, not for a moment.
type users struct {
	requests []request
	cancel   context.CancelFunc
	group    sync.WaitGroup

	mutex sync.Mutex
	sent  []int // by request
	wrong []string
}

type request struct {
	name   string
	rule   string // that denies it; empty if it is good
	object *unstructured.Unstructured
}

const usersRequests = `
# A good Function: it is refused if its namespace's NetworkPolicy isn't known.
apiVersion: serverless.kyma-project.io/v1alpha2
kind: Function
metadata: {name: good, namespace: demo}
spec:
  runtime: nodejs24
  source: {inline: {source: 'module.exports = { main: () => "ok" }'}}
---
apiVersion: serverless.kyma-project.io/v1alpha2
kind: Function
metadata: {name: KFS-201, namespace: demo}
spec:
  runtime: nodejs24
  runtimeImageOverride: registry.evil.example/node@sha256:ac3947d98c840d95847d6d9dc9a1c95a3d26c30abc733155894b51083b02d2cc
  source: {inline: {source: 'module.exports = { main: () => "ok" }'}}
---
apiVersion: gateway.kyma-project.io/v2
kind: APIRule
metadata: {name: good, namespace: demo}
spec:
  hosts: [payments]
  gateway: kyma-system/kyma-gateway
  service: {name: payments, port: 80}
  rules:
    - path: /payments
      methods: [GET]
      jwt:
        authentications: [{issuer: https://id.example.com, jwksUri: https://id.example.com/keys}]
        authorizations: [{audiences: [payments]}]
---
# Bad because of the one that is there.
apiVersion: gateway.kyma-project.io/v2
kind: APIRule
metadata: {name: KFS-105, namespace: demo}
spec:
  hosts: [payments]
  gateway: kyma-system/kyma-gateway
  service: {name: payments, port: 80}
  rules:
    - path: /payments
      methods: [GET]
      jwt:
        authentications: [{issuer: https://id.example.com, jwksUri: https://id.example.com/keys}]
        authorizations: [{audiences: [shop]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: KFS-711, namespace: demo}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: on-call}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: system:authenticated}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: good, namespace: demo}
data: {key: value}
`

// usersPeers are there before: what requests of the users are judged by.
const usersPeers = `
apiVersion: gateway.kyma-project.io/v2
kind: APIRule
metadata: {name: orders, namespace: demo}
spec:
  hosts: [orders]
  gateway: kyma-system/kyma-gateway
  service: {name: orders, port: 80}
  rules:
    - path: /orders
      methods: [GET]
      jwt:
        authentications: [{issuer: https://id.example.com, jwksUri: https://id.example.com/keys}]
        authorizations: [{audiences: [shop]}]
---
apiVersion: serverless.kyma-project.io/v1alpha2
kind: Function
metadata: {name: orders, namespace: demo}
spec:
  runtime: nodejs24
  source: {inline: {source: 'module.exports = { main: () => "ok" }'}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: on-call, namespace: demo}
rules: [{apiGroups: [""], resources: [events], verbs: [get]}]
`

func usersRequested(t *testing.T) []request {
	t.Helper()
	var all []request
	for _, o := range parse(t, usersRequests) {
		r := request{name: o.GetKind() + " " + o.GetName(), object: o}
		if o.GetName() != "good" {
			r.rule = o.GetName()
			o.SetName(strings.ToLower(r.rule))
		}
		all = append(all, r)
	}
	return all
}

// peers stores what users' requests are judged by.
func (s *suite) peers(t *testing.T) {
	t.Helper()
	for _, o := range parse(t, usersPeers) {
		v, err := s.Setup.Create(t.Context(), o, false)
		must(t, errors.Join(err, v.Refused))
		t.Cleanup(func() { must(t, s.Setup.Remove(context.WithoutCancel(t.Context()), o)) })
	}
}

// whileUsed does something while users send requests, from before until after, and demands that no verdict was wrong.
func (s *suite) whileUsed(t *testing.T, do func()) {
	t.Helper()
	u := &users{}
	u.requests = usersRequested(t)
	for _, r := range u.requests {
		// Gatekeeper needs a moment to know of what is there.
		must(t, cluster.Poll(t.Context(), synced, func(ctx context.Context) error { return s.judged(ctx, r) }))
	}
	u.sent = make([]int, len(u.requests))
	ctx, cancel := context.WithCancel(t.Context())
	u.cancel = cancel
	t.Cleanup(func() { u.cancel(); u.group.Wait() })
	for range 2 {
		u.group.Go(func() {
			for i := 0; ctx.Err() == nil; i = (i + 1) % len(u.requests) {
				err := s.judged(ctx, u.requests[i])
				if ctx.Err() != nil {
					return
				}
				u.mutex.Lock()
				u.sent[i]++
				if err != nil {
					u.wrong = append(u.wrong, fmt.Sprintf("%s %v", time.Now().Format(time.TimeOnly+".000"), err))
				}
				u.mutex.Unlock()
			}
		})
	}
	u.check(t)
	do()
	u.check(t)
	u.cancel()
}

// judged asks for the verdict on a request; the error is what is wrong with it.
func (s *suite) judged(ctx context.Context, r request) error {
	v, err := s.Admin.Create(ctx, r.object.DeepCopy(), true)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", r.name, err)
	case v.Refused != nil, r.rule == "" && !v.Stored, r.rule != "" && v.Stored:
		return fmt.Errorf("%s: %s", r.name, v)
	case r.rule != "" && !slices.ContainsFunc(v.Deny, func(m string) bool { return strings.HasPrefix(m, r.rule+": ") }):
		return fmt.Errorf("%s isn't among the reasons: %s", r.rule, v)
	}
	return nil
}

// check demands that every request was sent ten times more, and that no verdict so far was wrong.
func (u *users) check(t *testing.T) {
	t.Helper()
	u.mutex.Lock()
	before := slices.Clone(u.sent)
	u.mutex.Unlock()
	must(t, cluster.Poll(t.Context(), time.Minute, func(context.Context) error {
		u.mutex.Lock()
		defer u.mutex.Unlock()
		for i, n := range u.sent {
			if n < before[i]+10 {
				return fmt.Errorf("%s was sent %d times", u.requests[i].name, n-before[i])
			}
		}
		return nil
	}))
	u.mutex.Lock()
	defer u.mutex.Unlock()
	var sent []string
	for i, n := range u.sent {
		sent = append(sent, fmt.Sprintf("%s %d", u.requests[i].name, n))
	}
	t.Logf("sent so far: %s; %d verdicts were wrong", strings.Join(sent, ", "), len(u.wrong))
	if len(u.wrong) > 0 {
		t.Errorf("%d verdicts were wrong:\n%s", len(u.wrong), strings.Join(u.wrong[:min(20, len(u.wrong))], "\n"))
		u.wrong = nil
	}
}

// parse reads manifests.
func parse(t *testing.T, text string) []*unstructured.Unstructured {
	t.Helper()
	var objects []*unstructured.Unstructured
	for _, document := range strings.Split(text, "\n---\n") {
		var value map[string]any
		must(t, yaml.Unmarshal([]byte(document), &value))
		objects = append(objects, object(t, value))
	}
	return objects
}
