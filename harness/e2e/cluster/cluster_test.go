package cluster_test

import (
	"context"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
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

func TestCluster(t *testing.T) {
	s := start(t)
	t.Run("fixtures", s.fixtures)
	t.Run("applications", s.applications)
	t.Run("updates", s.updates)
	t.Run("audit", s.audit)
	t.Run("stages", s.stages)
	t.Run("outage", s.outage)
}

// suite is a cluster with the bundle in it, and kfs beside it.
type suite struct {
	*cluster.Cluster
	runner      *fixture.Runner
	constraints []*constraint.Constraint
	templates   []*unstructured.Unstructured // and SyncSets, as they were applied
	installed   []*unstructured.Unstructured // the constraints
	system      []*manifest.Object           // the namespaces and ClusterRoles that every cluster has
}

func start(t *testing.T) *suite {
	t.Helper()
	s := empty(t)
	begin := time.Now()
	s.install(t, bundle)
	if templates := s.kind("ConstraintTemplate"); len(templates) != len(s.runner.Library.Policies) {
		t.Fatalf("%d templates for %d policies; run make generate", len(templates), len(s.runner.Library.Policies))
	}
	if len(s.installed) != len(s.constraints) {
		t.Fatalf("%d constraints were applied, kfs makes %d", len(s.installed), len(s.constraints))
	}
	t.Logf("the bundle is enforced after %.1f s", time.Since(begin).Seconds())
	return s
}

// load is what kfs needs, and no cluster.
func load(t *testing.T) *suite {
	t.Helper()
	library, err := policy.Load(policies.FS)
	must(t, err)
	config, err := constraint.ReadConfig(bundleconfig.Config)
	must(t, err)
	s := &suite{}
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
	s.crds(t)
	t.Logf("Kyma's and Istio's CRDs are there after %.1f s", time.Since(begin).Seconds())
	var values []map[string]any
	for _, kind := range []string{"v1 Namespace", "rbac.authorization.k8s.io/v1 ClusterRole"} {
		apiVersion, name, _ := strings.Cut(kind, " ")
		resource, err := s.Admin.Resource(apischema.FromAPIVersionAndKind(apiVersion, name), "")
		must(t, err)
		list, err := resource.List(ctx, metav1.ListOptions{})
		must(t, err)
		for _, o := range list.Items {
			o.SetManagedFields(nil)
			values = append(values, o.Object)
		}
	}
	s.system = manifests(t, values)
	return s
}

// crds gives the cluster every kind that the policies know.
func (s *suite) crds(t *testing.T) {
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

// fixtures has the cluster judge each document of each fixture as a user creates it, after those before it. kfs judges the same
// with what is in the cluster at that moment.
func (s *suite) fixtures(t *testing.T) {
	all, err := fixture.Load(s.runner.FS)
	must(t, err)
	var elsewhere, refused []string
	seen := map[string]int{}
	requests := 0
	for _, f := range all {
		if f.Profile != profile || f.Flavor != flavor || f.Constraints != "" {
			elsewhere = append(elsewhere, f.Path)
			continue
		}
		t.Run(f.Path, func(t *testing.T) {
			input, err := s.runner.Read(t.Context(), f.Path)
			must(t, err)
			for _, v := range s.play(t, input.Objects) {
				requests++
				if v.Refused != nil {
					refused = append(refused, fmt.Sprintf("%s: %v", f.Path, v.Refused))
				}
				for _, message := range append(v.Deny, v.Warn...) {
					rule, _, _ := strings.Cut(message, ":")
					seen[rule]++
				}
			}
		})
	}
	t.Logf("%d requests; %d rules spoke: %v", requests, len(seen), slices.Sorted(maps.Keys(seen)))
	t.Logf("%d fixtures need other constraints: %q", len(elsewhere), elsewhere)
	t.Logf("the API server itself refused %d objects:\n%s", len(refused), strings.Join(refused, "\n"))
	for _, c := range s.constraints {
		for _, rule := range c.Rules {
			if seen[rule] == 0 {
				t.Logf("no request met %s", rule)
			}
		}
	}
}

// play creates objects in their order, in the fixtures' context, and compares each verdict with kfs's. All are gone afterwards.
func (s *suite) play(t *testing.T, objects []*manifest.Object) []cluster.Verdict {
	t.Helper()
	ctx := t.Context()
	own := map[report.Object]bool{}
	for _, o := range objects {
		own[identity(o.Value)] = true
	}
	var there []*manifest.Object
	defer func() { s.clear(t, there) }()
	for _, o := range append(s.namespaces(t, objects), s.runner.Context...) {
		if own[identity(o.Value)] && o.Kind() != "Namespace" {
			continue
		}
		v, err := s.Setup.Create(ctx, object(t, o.Value), false)
		must(t, errors.Join(err, v.Refused))
		there = append(there, o)
	}
	var verdicts []cluster.Verdict
	// Namespaces first, as kustomize and Helm sort them.
	objects = slices.Clone(objects)
	slices.SortStableFunc(objects, func(a, b *manifest.Object) int { return -strings.Compare(scope(a), scope(b)) })
	for _, o := range objects {
		created := object(t, o.Value)
		var replaced *manifest.Object
		if o.Kind() == "Namespace" {
			// The context's of the same name makes room; what is in it stays.
			if i := slices.IndexFunc(there, func(c *manifest.Object) bool { return identity(c.Value) == identity(o.Value) }); i >= 0 {
				replaced = there[i]
				must(t, s.Setup.Remove(ctx, created))
				there = slices.Delete(there, i, i+1)
			}
		}
		v := s.agree(t, created, o, there)
		verdicts = append(verdicts, v)
		if !v.Stored && v.Refused == nil && o.Kind() == "Namespace" {
			// What comes next needs it: it was there before the policies.
			v, err := s.Setup.Create(ctx, created, false)
			must(t, errors.Join(err, v.Refused))
		} else if !v.Stored && replaced != nil {
			v, err := s.Setup.Create(ctx, object(t, replaced.Value), false)
			must(t, errors.Join(err, v.Refused))
			there = append(there, replaced)
			continue
		} else if !v.Stored {
			continue
		}
		there = append(there, s.stored(t, o))
	}
	return verdicts
}

// stored is the manifest of an object that is in the cluster, with the uid that it has there: Services may select by it.
func (s *suite) stored(t *testing.T, o *manifest.Object) *manifest.Object {
	t.Helper()
	value := object(t, o.Value)
	resource, err := s.Admin.Resource(value.GroupVersionKind(), value.GetNamespace())
	must(t, err)
	now, err := resource.Get(t.Context(), value.GetName(), metav1.GetOptions{})
	must(t, err)
	value.SetUID(now.GetUID())
	return manifests(t, []map[string]any{value.Object})[0]
}

// namespaces are those that objects are in and that neither they nor the context have: without it the API server takes no
// object. They are like the context's.
func (s *suite) namespaces(t *testing.T, objects []*manifest.Object) []*manifest.Object {
	t.Helper()
	known := map[string]bool{"": true}
	var like map[string]any
	for _, o := range slices.Concat(s.system, objects, s.runner.Context) {
		if o.Kind() == "Namespace" {
			known[o.Name()] = true
			like = o.Value // the context's in the end
		}
	}
	var values []map[string]any
	for _, o := range objects {
		if name := o.Namespace(); !known[name] {
			known[name] = true
			namespace := object(t, like)
			namespace.SetName(name)
			values = append(values, namespace.Object)
		}
	}
	return manifests(t, values)
}

// agree asks the cluster until its verdict on a new object is kfs's, and then creates it. Gatekeeper may take a moment to
// know of what was just stored or removed, so that the first answers may differ.
func (s *suite) agree(t *testing.T, o *unstructured.Unstructured, m *manifest.Object, there []*manifest.Object) cluster.Verdict {
	t.Helper()
	var verdict cluster.Verdict
	for _, dryRun := range []bool{true, false} {
		err := cluster.Poll(t.Context(), synced, func(ctx context.Context) error {
			want, err := s.kfs(t.Context(), m, there)
			if err != nil {
				return err
			}
			if verdict, err = s.Admin.Create(ctx, o.DeepCopy(), dryRun); err != nil {
				return err
			}
			if verdict.Refused != nil {
				return nil
			}
			if diff := gocmp.Diff(lines(want), lines(verdict)); diff != "" {
				return fmt.Errorf("-kfs +cluster:\n%s", diff)
			}
			return nil
		})
		if err != nil {
			t.Errorf("%s %s/%s, dry run %t: %v", o.GetKind(), o.GetNamespace(), o.GetName(), dryRun, err)
		}
		if verdict.Refused != nil || err != nil && dryRun {
			break
		}
	}
	return verdict
}

// kfs is the verdict of kfs now, with those objects around.
func (s *suite) kfs(ctx context.Context, o *manifest.Object, there []*manifest.Object) (cluster.Verdict, error) {
	r, err := check.Run(ctx, s.runner.Library, s.runner.Schemas, &manifest.Input{Objects: []*manifest.Object{o}}, check.Options{
		Profile: profile, Flavor: flavor, Constraints: s.constraints, Context: slices.Concat(s.system, there),
		Program: s.runner.Program, Engine: engine.Options{Complete: true},
	})
	if err != nil {
		return cluster.Verdict{}, err
	}
	if len(r.Errors) > 0 {
		return cluster.Verdict{}, errors.New(r.Errors[0].Message)
	}
	var v cluster.Verdict
	for _, f := range r.Findings {
		switch {
		case f.Policy == "manifest": // about files
		case f.Action == report.Deny:
			v.Deny = append(v.Deny, f.Message)
		default:
			v.Warn = append(v.Warn, f.Message)
		}
	}
	slices.Sort(v.Deny)
	slices.Sort(v.Warn)
	v.Deny, v.Warn = slices.Compact(v.Deny), slices.Compact(v.Warn)
	return v, nil
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

// clear removes objects, the latest first and namespaces last: the API server finds nothing in a namespace that is gone.
func (s *suite) clear(t *testing.T, there []*manifest.Object) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	there = slices.Clone(there)
	slices.Reverse(there)
	slices.SortStableFunc(there, func(a, b *manifest.Object) int { return strings.Compare(scope(a), scope(b)) })
	for _, o := range there {
		if err := s.Setup.Remove(ctx, object(t, o.Value)); err != nil {
			t.Errorf("remove %s %s: %v", o.Kind(), o.Name(), err)
		}
	}
}

func scope(o *manifest.Object) string {
	if o.Kind() == "Namespace" {
		return "2 the namespaces"
	}
	return "1 what is in them"
}

func identity(value map[string]any) (o report.Object) {
	metadata, _ := value["metadata"].(map[string]any)
	o.Kind, _ = value["kind"].(string)
	o.Namespace, _ = metadata["namespace"].(string)
	o.Name, _ = metadata["name"].(string)
	return o
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
