package cluster_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kyma-function-security/harness/e2e/cluster"
	"kyma-function-security/harness/e2e/tally"
	"kyma-function-security/harness/internal/constraint"
	"kyma-function-security/harness/internal/fixture"
	"kyma-function-security/harness/internal/manifest"
	"kyma-function-security/harness/internal/policy"
)

// afterwards are the rules that a CREATE doesn't meet, only an UPDATE and the audit: an image has no vulnerability report before
// it has run.
var afterwards = []string{"KFS-321", "KFS-322"}

// set is one set of constraints, under which many fixtures are judged.
type set struct {
	name, profile, flavor string
	constraints           []*constraint.Constraint     // as kfs reads them
	objects               []*unstructured.Unstructured // as they are applied
	fixtures              []fixture.Fixture
}

// sets are the sets that the fixtures need; those of a flavor follow one another.
func (s *suite) sets(t *testing.T) []*set {
	t.Helper()
	all, err := fixture.Load(s.runner.FS)
	must(t, err)
	byName := map[string]*set{}
	for _, f := range all {
		name := f.Flavor + "-" + f.Profile
		if f.Constraints != "" {
			name += "-" + path.Join(f.Folder, f.Constraints)
		}
		if byName[name] == nil {
			byName[name] = s.set(t, name, f)
		}
		byName[name].fixtures = append(byName[name].fixtures, f)
	}
	return slices.SortedFunc(maps.Values(byName), func(a, b *set) int { return -cmp.Compare(a.name, b.name) })
}

// set collects a fixture's constraints; those it brings itself replace the bundle's of the same policy.
func (s *suite) set(t *testing.T, name string, f fixture.Fixture) *set {
	t.Helper()
	c := &set{name: name, profile: f.Profile, flavor: f.Flavor}
	var err error
	c.constraints, err = s.runner.ConstraintsOf(t.Context(), f)
	must(t, err)
	if f.Constraints != "" {
		c.objects, err = cluster.ReadFile(filepath.Join(root, "fixtures", f.Folder, f.Constraints))
		must(t, err)
	}
	own := c.objects
	shipped, err := cluster.ReadFolder(filepath.Join(bundle, "constraints", f.Profile+"-"+f.Flavor))
	must(t, err)
	for _, o := range shipped {
		if !slices.ContainsFunc(own, func(own *unstructured.Unstructured) bool { return own.GetKind() == o.GetKind() }) {
			c.objects = append(c.objects, o)
		}
	}
	if len(c.objects) != len(c.constraints) {
		t.Fatalf("%s: %d constraints are applied, kfs has %d", name, len(c.objects), len(c.constraints))
	}
	return c
}

// shipped is the set that the cluster has now.
func (s *suite) shipped() *set {
	return &set{profile: s.profile, flavor: s.flavor, constraints: s.constraints, objects: s.installed}
}

// use makes the set the cluster's, and kfs's, and waits until Gatekeeper enforces it and nothing else.
func (s *suite) use(t *testing.T, c *set) {
	t.Helper()
	ctx := t.Context()
	if c.flavor != s.flavor {
		s.crds(t, c.flavor)
	}
	name := func(o *unstructured.Unstructured) string { return o.GetKind() + " " + o.GetName() }
	before := map[string]*unstructured.Unstructured{}
	for _, o := range s.installed {
		before[name(o)] = o
	}
	var changed []*unstructured.Unstructured
	for _, o := range c.objects {
		if old := before[name(o)]; old == nil || !gocmp.Equal(old.Object, o.Object) {
			must(t, s.Admin.Apply(ctx, o))
			changed = append(changed, o)
		}
		delete(before, name(o))
	}
	for _, o := range before {
		must(t, s.Admin.Delete(ctx, o))
	}
	for _, o := range changed {
		must(t, cluster.Poll(ctx, synced, func(ctx context.Context) error { return s.enforced(ctx, o) }))
	}
	statuses, err := s.Admin.Resource(apischema.FromAPIVersionAndKind("status.gatekeeper.sh/v1beta1", "ConstraintPodStatus"), gatekeeperNamespace)
	must(t, err)
	must(t, cluster.Poll(ctx, synced, func(ctx context.Context) error {
		list, err := statuses.List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, o := range list.Items {
			labels := o.GetLabels()
			kind, name := labels["internal.gatekeeper.sh/constraint-kind"], labels["internal.gatekeeper.sh/constraint-name"]
			if before[kind+" "+name] != nil {
				return fmt.Errorf("%s %s is still enforced", kind, name)
			}
		}
		return nil
	}))
	s.profile, s.flavor, s.constraints, s.installed = c.profile, c.flavor, c.constraints, c.objects
}

// optional applies the optional SyncSets if constraints need them. What it returns takes them away.
func (s *suite) optional(t *testing.T, c *set, scene *[]*item) (undo func()) {
	t.Helper()
	needed := slices.ContainsFunc(c.constraints, func(c *constraint.Constraint) bool {
		return slices.ContainsFunc(c.Policy.Rules, func(r *policy.Rule) bool {
			return slices.Contains(c.Rules, r.ID) && slices.ContainsFunc(r.Inventory, func(kind string) bool {
				k, ok := s.runner.Schemas.ByName(kind)
				return !ok || s.synced[apischema.GroupKind{Group: k.Group, Kind: k.Kind}] == ""
			})
		})
	})
	if !needed {
		return func() {}
	}
	synced, base, system := maps.Clone(s.synced), s.base, s.system
	s.sync(t, "sync-optional")
	applied, err := s.Admin.ApplyFolder(t.Context(), filepath.Join(bundle, "sync-optional"))
	must(t, err)
	return func() {
		// Seconds after a kind is no longer to be synced Gatekeeper forgets everything and then learns the rest again. That it
		// has done so shows by an object of the kind.
		must(t, s.settle(t, *scene, ""))
		left := s.store(t, manifests(t, []map[string]any{{
			"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "kfs-e2e-left", "namespace": "default"},
		}})[0])
		must(t, s.settle(t, append(slices.Clone(*scene), left), ""))
		for _, o := range applied {
			must(t, s.Admin.Delete(t.Context(), o))
		}
		s.synced, s.base, s.system = synced, base, system
		must(t, s.settle(t, *scene, ""))
		must(t, s.Setup.Remove(t.Context(), left.object))
	}
}

// heard is what requests met.
type heard struct {
	requests, findings, disagreements int
	rules                             map[string]int             // how often each rule spoke
	refused                           []string                   // objects that the API server itself refused, and why
	listed                            []string                   // the same objects as refused.txt has them
	missed                            map[string]map[string]bool // rules that kfs finds in those, and where
	lost                              bool                       // Gatekeeper never learned of something: nothing can be judged any more
}

func (h *heard) settle(t *testing.T, s *suite, items []*item, namespace string) {
	t.Helper()
	if h.lost {
		t.SkipNow()
	}
	if err := s.settle(t, items, namespace); err != nil {
		h.lost = true
		t.Fatal(err)
	}
}

func newHeard() *heard {
	return &heard{rules: map[string]int{}, missed: map[string]map[string]bool{}}
}

// fixtures has the cluster judge each document of each fixture, under its constraints, as a user creates it after those
// before it; then, with all there, as a user updates it. kfs judges the same with what is in the cluster at that moment.
func (s *suite) fixtures(t *testing.T) {
	h := newHeard()
	sets := s.sets(t)
	shipped := s.shipped()
	s.tells(t)
	scene := s.surround(t)
	t.Cleanup(func() { s.clear(t, *scene) })
	count := 0
	for _, c := range sets {
		if h.lost {
			break
		}
		begin := time.Now()
		s.use(t, c)
		switched := time.Since(begin)
		for _, f := range c.fixtures {
			t.Run(f.Path, func(t *testing.T) {
				defer s.optional(t, c, scene)()
				input, err := s.runner.Read(t.Context(), f.Path)
				must(t, err)
				s.play(t, scene, input.Objects, f.Path, false, h)
			})
		}
		count += len(c.fixtures)
		t.Logf("%s: %d fixtures in %.1f s, %.1f s of them to switch", c.name, len(c.fixtures), time.Since(begin).Seconds(), switched.Seconds())
	}
	s.use(t, shipped)
	t.Logf("%d fixtures under %d sets of constraints; %d rules spoke", count, len(sets), len(h.rules))
	t.Logf("the API server itself refused %d objects:\n%s", len(h.refused), strings.Join(h.refused, "\n"))
	listed := slices.Sorted(slices.Values(h.listed))
	if diff := gocmp.Diff(refusals(t), listed); !h.lost && diff != "" {
		t.Errorf("the API server itself refuses others than testdata/refused.txt says: -file +cluster:\n%s\nall of them:\n%s",
			diff, strings.Join(listed, "\n"))
	}
	tally.Add(t, tally.Row{
		Consumer: "Gatekeeper webhook", Version: s.version(t), Objects: h.requests, Findings: h.findings, Disagreements: h.disagreements,
		Varies: true,
	})
	for _, p := range s.runner.Library.Policies {
		for _, r := range p.Rules {
			if h.rules[r.ID] == 0 {
				t.Errorf("no request met %s; kfs finds it in what the API server refused: %q", r.ID, slices.Sorted(maps.Keys(h.missed[r.ID])))
			}
		}
	}
}

// refusals are the objects of fixtures that the API server refuses by its CRDs and its own checks, before Gatekeeper sees them. kfs,
// conftest and opa judge them all the same. They are listed, so that no CRD refuses what should be judged unnoticed.
func refusals(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "refused.txt"))
	must(t, err)
	var lines []string
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// surround puts the fixtures' context into the cluster.
func (s *suite) surround(t *testing.T) *[]*item {
	t.Helper()
	var items []*item
	for _, o := range s.runner.Context {
		items = append(items, s.store(t, o))
	}
	return &items
}

// play creates objects in their order, in the context, and updates them when all are there, and compares each verdict with
// kfs's. What was denied is created again if that is asked for, as who applies a folder again does: the first time some of what
// it needs wasn't there yet. All are gone afterwards, and the context is what it was. It returns how many remained denied.
func (s *suite) play(t *testing.T, scene *[]*item, objects []*manifest.Object, name string, again bool, h *heard) int {
	t.Helper()
	// What the objects replace makes room. The context's Namespace does so when its turn has come; what is in it stays.
	items := slices.Clone(*scene)
	replaced := slices.DeleteFunc(slices.Clone(items), func(i *item) bool { return !slices.ContainsFunc(objects, i.is) })
	for _, i := range replaced {
		if i.source.Kind() != "Namespace" {
			must(t, s.Setup.Remove(t.Context(), i.object))
			items = without(items, i)
		}
	}
	defer func() {
		s.clear(t, slices.DeleteFunc(items, func(i *item) bool { return slices.Contains(*scene, i) }))
		for _, old := range replaced {
			(*scene)[slices.Index(*scene, old)] = s.store(t, old.source)
		}
	}()
	for _, o := range s.namespaces(t, objects) {
		items = append(items, s.store(t, o))
	}

	// Namespaces first, as kustomize and Helm sort them.
	objects = slices.Clone(objects)
	slices.SortStableFunc(objects, func(a, b *manifest.Object) int { return -strings.Compare(scope(a), scope(b)) })
	var denied []*manifest.Object
	for _, o := range objects {
		old := slices.IndexFunc(replaced, func(i *item) bool { return i.is(o) && o.Kind() == "Namespace" })
		if old >= 0 {
			must(t, s.Setup.Remove(t.Context(), replaced[old].object))
			items = without(items, replaced[old])
		}
		h.settle(t, s, items, o.Namespace())
		v := s.agree(t, o, object(t, o.Value), items, false, h)
		switch {
		case apierrors.IsAlreadyExists(v.Refused):
			// The system's own. What it denies it denies first.
		case v.Stored:
			items = append(items, s.item(t, o, v.Object))
		case v.Refused != nil:
			h.refused = append(h.refused, fmt.Sprintf("%s: %v", name, v.Refused))
			h.listed = append(h.listed, fmt.Sprintf("%s: %s %s", name, o.Kind(), o.Name()))
			s.miss(t, o, items, name, h)
			if old >= 0 {
				items = append(items, s.store(t, replaced[old].source))
			} else if o.Kind() == "Namespace" {
				for _, like := range s.namespaces(t, slices.DeleteFunc(slices.Clone(objects), func(other *manifest.Object) bool { return other == o })) {
					items = append(items, s.store(t, like))
				}
			}
		case o.Kind() == "Namespace":
			// What comes next needs it: it was there before the policies.
			items = append(items, s.store(t, o))
		default:
			denied = append(denied, o)
		}
	}

	remained := 0
	for _, o := range denied {
		if again {
			h.settle(t, s, items, o.Namespace())
			if v := s.agree(t, o, object(t, o.Value), items, false, h); v.Stored {
				items = append(items, s.item(t, o, v.Object))
				continue
			}
		}
		v, err := s.Setup.Create(t.Context(), object(t, o.Value), false)
		must(t, err)
		if apierrors.IsAlreadyExists(v.Refused) {
			continue // the system's own
		}
		must(t, v.Refused)
		items = append(items, s.item(t, o, v.Object))
		remained++
	}
	settled := map[string]bool{}
	for _, i := range items {
		if !slices.Contains(objects, i.source) {
			continue
		}
		if namespace := i.source.Namespace(); !settled[namespace] {
			h.settle(t, s, items, namespace)
			settled[namespace] = true
		}
		if v := s.agree(t, i.reviewed, i.object, items, true, h); v.Refused != nil {
			t.Errorf("update %s %s: %v", i.source.Kind(), i.source.Name(), v.Refused)
		}
		// However bad it is, it may go. Whether the API server lets it is another matter: some namespaces stay.
		if v, err := s.Admin.Part(t.Context(), i.object); err != nil || len(v.Deny)+len(v.Warn) > 0 {
			t.Errorf("delete %s %s: %s, %v", i.source.Kind(), i.source.Name(), v, err)
		}
	}
	return remained
}

func without(items []*item, i *item) []*item {
	return slices.DeleteFunc(slices.Clone(items), func(other *item) bool { return other == i })
}

func scope(o *manifest.Object) string {
	if o.Kind() == "Namespace" {
		return "2 the namespaces"
	}
	return "1 what is in them"
}

// agree has the cluster judge an object, o to kfs, as it is created, or updated without a change, with the items around it, of which
// Gatekeeper must know. It compares the first answer with kfs's verdict.
func (s *suite) agree(
	t *testing.T, o *manifest.Object, request *unstructured.Unstructured, items []*item, update bool, h *heard,
) cluster.Verdict {
	t.Helper()
	kfs := func() cluster.Verdict {
		v, err := s.kfs(t.Context(), o, around(items, o))
		must(t, err)
		if o.Namespace() == gatekeeperNamespace {
			return cluster.Verdict{} // Gatekeeper's webhook isn't asked about its own namespace
		}
		if !update {
			later := func(m string) bool { return slices.Contains(afterwards, ruleOf(m)) }
			v.Deny, v.Warn = slices.DeleteFunc(v.Deny, later), slices.DeleteFunc(v.Warn, later)
		}
		return v
	}
	before := kfs()
	var v cluster.Verdict
	var err error
	verb := "create"
	if update {
		verb = "update"
		v, err = s.Admin.Touch(t.Context(), request)
	} else {
		v, err = s.Admin.Create(t.Context(), request, false)
	}
	must(t, err)
	if v.Refused != nil && !apierrors.IsAlreadyExists(v.Refused) {
		return v
	}
	want, got := lines(before), lines(v)
	if !slices.Equal(want, got) {
		want = lines(kfs()) // it may have become midnight
	}
	if !slices.Equal(want, got) {
		t.Errorf("%s %s %s/%s: -kfs +cluster:\n%s", verb, o.Kind(), o.Namespace(), o.Name(), gocmp.Diff(want, got))
	}
	h.requests++
	h.findings += len(want)
	h.disagreements += differences(want, got)
	for _, m := range append(v.Deny, v.Warn...) {
		h.rules[ruleOf(m)]++
	}
	return v
}

// miss keeps what kfs finds in an object that the API server refused.
func (s *suite) miss(t *testing.T, o *manifest.Object, items []*item, name string, h *heard) {
	t.Helper()
	v, err := s.kfs(t.Context(), o, around(items, o))
	must(t, err)
	for _, m := range append(v.Deny, v.Warn...) {
		rule := ruleOf(m)
		if h.missed[rule] == nil {
			h.missed[rule] = map[string]bool{}
		}
		h.missed[rule][name] = true
	}
}

func ruleOf(message string) string {
	rule, _, _ := strings.Cut(message, ":")
	return rule
}

// differences counts the lines that are in one list alone.
func differences[T comparable](a, b []T) int {
	count := 0
	for _, pair := range [][2][]T{{a, b}, {b, a}} {
		for _, line := range pair[0] {
			if !slices.Contains(pair[1], line) {
				count++
			}
		}
	}
	return count
}
