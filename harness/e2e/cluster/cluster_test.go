package cluster_test

import (
	"context"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"

	bundleconfig "kyma-function-security/bundle"
	"kyma-function-security/harness/e2e/cluster"
	"kyma-function-security/harness/e2e/programs"
	"kyma-function-security/harness/internal/check"
	"kyma-function-security/harness/internal/constraint"
	"kyma-function-security/harness/internal/engine"
	"kyma-function-security/harness/internal/fixture"
	"kyma-function-security/harness/internal/manifest"
	"kyma-function-security/harness/internal/policy"
	"kyma-function-security/harness/internal/report"
	"kyma-function-security/harness/internal/schema"
	"kyma-function-security/policies"
)

const (
	root    = "../../.."
	bundle  = root + "/bundle/gatekeeper"
	profile = "strict"
	flavor  = "classic"
	ours    = "app.kubernetes.io/part-of=kyma-function-security"

	// synced is how long Gatekeeper may take to know what was stored, on a crowded machine.
	synced = 30 * time.Second
)

// What the cluster is made of must be the releases that users run, Gatekeeper with the OPA it ships.
func TestPrograms(t *testing.T) {
	const opa = "github.com/open-policy-agent/opa"
	releases := map[string][]string{ // the module, its release, OPA's
		"etcd":           {"go.etcd.io/etcd/server/v3", "v3.6.8", ""},
		"gatekeeper":     {"github.com/open-policy-agent/gatekeeper/v3", "v3.23.1", "v1.17.1"},
		"kube-apiserver": {"k8s.io/kubernetes", "v1.36.3", ""},
	}
	for _, name := range programs.Cluster() {
		start := time.Now()
		program, err := programs.Build(t.Context(), name)
		must(t, err)
		t.Logf("%s after %.1f s", program, time.Since(start).Seconds())
		info, err := buildinfo.ReadFile(program)
		must(t, err)
		got := []string{info.Main.Path, info.Main.Version, ""}
		for _, dependency := range info.Deps {
			if dependency.Path == opa {
				got[2] = dependency.Version
			}
		}
		if diff := gocmp.Diff(releases[name], got); diff != "" {
			t.Errorf("%s: -want +built:\n%s", name, diff)
		}
	}
}

// TestCluster compares what Gatekeeper's webhook and audit say in a real cluster with what kfs says, and sees that requests which
// must go through do.
func TestCluster(t *testing.T) {
	s := empty(t)
	a := s.beforeBundle(t)
	s.ship(t)
	t.Run("audit", a.stages)
	a.gone(t)
	s.restart(t, time.Minute) // no audit meanwhile
	t.Run("fixtures", s.fixtures)
	t.Run("applications", s.applications)
	t.Run("updates", s.updates)
	t.Run("stages", s.stages)
	t.Run("outage", s.outage)
	t.Run("audit after an outage", a.afterOutage)
}

// suite is a cluster with the bundle in it, and kfs beside it.
type suite struct {
	*cluster.Cluster
	runner *fixture.Runner

	profile     string // of what is installed
	flavor      string
	constraints []*constraint.Constraint
	templates   []*unstructured.Unstructured // and SyncSets, as they were applied
	installed   []*unstructured.Unstructured // the constraints

	synced map[apischema.GroupKind]string // the kinds of the SyncSets, and their versions
	base   []*unstructured.Unstructured   // what every cluster has of these kinds
	system []*manifest.Object             // the same, for kfs
}

// ship installs the bundle as it is.
func (s *suite) ship(t *testing.T) {
	t.Helper()
	begin := time.Now()
	s.install(t, bundle)
	if templates := s.kind("ConstraintTemplate"); len(templates) != len(s.runner.Library.Policies) {
		t.Fatalf("%d templates for %d policies; run make generate", len(templates), len(s.runner.Library.Policies))
	}
	if len(s.installed) != len(s.constraints) {
		t.Fatalf("%d constraints were applied, kfs makes %d", len(s.installed), len(s.constraints))
	}
	t.Logf("the bundle is enforced after %.1f s", time.Since(begin).Seconds())
}

// load is what kfs needs, and no cluster.
func load(t *testing.T) *suite {
	t.Helper()
	library, err := policy.Load(policies.FS)
	must(t, err)
	config, err := constraint.ReadConfig(bundleconfig.Config)
	must(t, err)
	s := &suite{profile: profile, flavor: flavor, synced: map[apischema.GroupKind]string{}}
	s.runner, err = fixture.NewRunner(t.Context(), os.DirFS(filepath.Join(root, "fixtures")), library, schema.Load(), config)
	must(t, err)
	s.constraints, err = constraint.Generate(library, config, profile, flavor)
	must(t, err)
	return s
}

// empty is a cluster with the kinds that the policies know, and nothing of the bundle.
func empty(t *testing.T) *suite {
	t.Helper()
	ctx := t.Context()
	s := load(t)
	var err error
	begin := time.Now()
	s.Cluster, err = cluster.Start(ctx)
	must(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("Gatekeeper's log ends with\n%s", s.Log("gatekeeper"))
		}
		s.Stop()
	})
	t.Logf("the cluster runs after %.1f s", time.Since(begin).Seconds())

	begin = time.Now()
	s.crds(t, flavor)
	t.Logf("Kyma's and Istio's CRDs are there after %.1f s", time.Since(begin).Seconds())
	s.sync(t, "sync")
	return s
}

// sync notes what a folder of SyncSets has Gatekeeper know, and which objects of these kinds there are already.
func (s *suite) sync(t *testing.T, folder string) {
	t.Helper()
	sets, err := cluster.ReadFolder(filepath.Join(bundle, folder))
	must(t, err)
	var values []map[string]any
	for _, set := range sets {
		kinds, _, err := unstructured.NestedSlice(set.Object, "spec", "gvks")
		must(t, err)
		if len(kinds) == 0 {
			t.Fatalf("%s has no kinds", set.GetName())
		}
		for _, k := range kinds {
			fields, _ := k.(map[string]any)
			text := func(key string) string { value, _ := fields[key].(string); return value }
			kind := apischema.GroupVersionKind{Group: text("group"), Version: text("version"), Kind: text("kind")}
			s.synced[kind.GroupKind()] = kind.Version
			list, err := s.Admin.List(t.Context(), kind)
			must(t, err)
			for _, o := range list {
				o.SetManagedFields(nil)
				s.base = append(s.base, o)
				values = append(values, o.Object)
			}
		}
	}
	s.system = append(s.system, manifests(t, values)...)
}

// crds gives the cluster every kind that the policies know.
func (s *suite) crds(t *testing.T, flavor string) {
	t.Helper()
	count := 0
	for _, kind := range s.runner.Schemas.Kinds() {
		crd := s.runner.Schemas.CRD(kind, flavor)
		if crd == nil {
			continue
		}
		o := object(t, crd)
		o.SetLabels(map[string]string{"kfs-e2e": "yes"})
		must(t, s.Setup.Apply(t.Context(), o))
		count++
	}
	must(t, s.Setup.Established(t.Context(), "kfs-e2e=yes", count))
	// Established says nothing of a change. Buildless has a field that classic doesn't.
	probe := function(t, "probe", "")
	probe.SetNamespace(metav1.NamespaceDefault)
	must(t, unstructured.SetNestedMap(probe.Object, map[string]any{}, "spec", "podSecurityContext"))
	must(t, cluster.Poll(t.Context(), synced, func(ctx context.Context) error {
		v, err := s.Admin.Create(ctx, probe.DeepCopy(), true)
		if err == nil && (v.Refused != nil) != (flavor == "classic") {
			err = fmt.Errorf("the CRDs aren't those of %s: %s", flavor, v)
		}
		return err
	}))
}

// install is what the README tells users to do with a folder like bundle/gatekeeper, and waits until Gatekeeper says that it
// enforces every constraint.
func (s *suite) install(t *testing.T, folder string) {
	t.Helper()
	ctx := t.Context()
	var err error
	s.templates, err = s.Admin.ApplyFolder(ctx, filepath.Join(folder, "templates"))
	must(t, err)
	must(t, s.Admin.Established(ctx, ours, len(s.kind("ConstraintTemplate"))))
	// Gatekeeper's webhook learns of a new CRD a moment after the API server.
	must(t, cluster.Poll(ctx, synced, func(ctx context.Context) (err error) {
		s.installed, err = s.Admin.ApplyFolder(ctx, filepath.Join(folder, "constraints", profile+"-"+flavor))
		return err
	}))
	for _, o := range s.installed {
		must(t, cluster.Poll(ctx, time.Minute, func(ctx context.Context) error { return s.enforced(ctx, o) }))
	}
}

// restart restarts Gatekeeper with another audit interval.
func (s *suite) restart(t *testing.T, auditInterval time.Duration) {
	t.Helper()
	s.StopGatekeeper()
	s.AuditInterval = auditInterval
	must(t, s.StartGatekeeper(t.Context()))
}

// kind are the templates, or the SyncSets, that were applied.
func (s *suite) kind(name string) []*unstructured.Unstructured {
	return slices.DeleteFunc(slices.Clone(s.templates), func(o *unstructured.Unstructured) bool { return o.GetKind() != name })
}

func (s *suite) enforced(ctx context.Context, o *unstructured.Unstructured) error {
	return enforced(ctx, s.Admin, o)
}

// enforced is an error as long as Gatekeeper doesn't say that it enforces a constraint, or a template, as it is now.
func enforced(ctx context.Context, client *cluster.Client, o *unstructured.Unstructured) error {
	resource, err := client.Resource(o.GroupVersionKind(), "")
	if err != nil {
		return err
	}
	now, err := resource.Get(ctx, o.GetName(), metav1.GetOptions{})
	if err != nil {
		return err
	}
	pods, _, _ := unstructured.NestedSlice(now.Object, "status", "byPod")
	for _, p := range pods {
		pod, _ := p.(map[string]any)
		// Of a template Gatekeeper only says that it has seen it.
		if (pod["enforced"] == true || o.GetKind() == "ConstraintTemplate") && pod["observedGeneration"] == now.GetGeneration() {
			return nil
		}
	}
	return fmt.Errorf("%s isn't enforced: %v", o.GetName(), now.Object["status"])
}

// kfs is the verdict of kfs now, with those objects around.
func (s *suite) kfs(ctx context.Context, o *manifest.Object, around []*manifest.Object) (cluster.Verdict, error) {
	findings, err := s.check(ctx, []*manifest.Object{o}, slices.Concat(s.system, around))
	if err != nil {
		return cluster.Verdict{}, err
	}
	return verdict(findings), nil
}

// verdict is what the webhook says of findings on one object.
func verdict(findings []report.Finding) cluster.Verdict {
	var v cluster.Verdict
	for _, f := range findings {
		switch f.Action {
		case report.Deny:
			v.Deny = append(v.Deny, f.Message)
		case report.Warn:
			v.Warn = append(v.Warn, f.Message)
		}
	}
	slices.Sort(v.Deny)
	slices.Sort(v.Warn)
	v.Deny, v.Warn = slices.Compact(v.Deny), slices.Compact(v.Warn)
	return v
}

// check has kfs judge objects now, under the cluster's constraints, less KFS-0xx, which is about files.
func (s *suite) check(ctx context.Context, objects, around []*manifest.Object) ([]report.Finding, error) {
	r, err := check.Run(ctx, s.runner.Library, s.runner.Schemas, &manifest.Input{Objects: objects}, check.Options{
		Profile: s.profile, Flavor: s.flavor, Constraints: s.constraints, Context: around,
		Program: s.runner.Program, Engine: engine.Options{Complete: true},
	})
	if err != nil {
		return nil, err
	}
	if len(r.Errors) > 0 {
		return nil, errors.New(r.Errors[0].Message)
	}
	return slices.DeleteFunc(r.Findings, func(f report.Finding) bool { return f.Policy == "manifest" }), nil
}

func lines(v cluster.Verdict) []string {
	all := []string{}
	for _, m := range v.Deny {
		all = append(all, "deny "+m)
	}
	for _, m := range v.Warn {
		all = append(all, "warn "+m)
	}
	return all
}

// version is that of the Gatekeeper that runs.
func (s *suite) version(t *testing.T) string {
	t.Helper()
	program, err := programs.Build(t.Context(), "gatekeeper")
	must(t, err)
	info, err := buildinfo.ReadFile(program)
	must(t, err)
	return info.Main.Version
}

// object gives a value the types that clients use.
func object(t *testing.T, value map[string]any) *unstructured.Unstructured {
	t.Helper()
	data, err := json.Marshal(value)
	must(t, err)
	o := &unstructured.Unstructured{}
	must(t, o.UnmarshalJSON(data))
	return o
}

// manifests are what kfs reads of values.
func manifests(t *testing.T, values []map[string]any) []*manifest.Object {
	t.Helper()
	var texts []string
	for _, value := range values {
		data, err := json.Marshal(value)
		must(t, err)
		texts = append(texts, string(data))
	}
	input, err := manifest.Read(t.Context(), []manifest.Source{{Name: "cluster", Open: func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(strings.Join(texts, "\n---\n"))), nil
	}}}, manifest.Options{})
	must(t, err)
	if len(input.Objects) != len(values) {
		t.Fatalf("%d objects, want %d: %v", len(input.Objects), len(values), input.Errors)
	}
	return input.Objects
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
