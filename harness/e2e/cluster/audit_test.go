package cluster_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"

	"kyma-function-security/harness/e2e/cluster"
	"kyma-function-security/harness/e2e/tally"
	"kyma-function-security/harness/internal/fixture"
	"kyma-function-security/harness/internal/manifest"
	"kyma-function-security/harness/internal/report"
)

// audits are what Gatekeeper's audit must find in objects that the webhook never saw.
type audits struct {
	*suite
	rounds     int
	all        []candidate // fixtures that a round may have
	candidates []candidate // those that were in none yet
	items      []*item     // of the round that is there
	heard
}

type candidate struct {
	fixture.Fixture
	objects []*manifest.Object
}

// beforeBundle stores a round of objects in a cluster that has no policies yet.
func (s *suite) beforeBundle(t *testing.T) *audits {
	t.Helper()
	a := &audits{suite: s, heard: *newHeard()}
	all, err := fixture.Load(a.runner.FS)
	must(t, err)
	for _, f := range all {
		if f.Allow() || f.Flavor != a.flavor || f.Constraints != "" {
			continue
		}
		input, err := a.runner.Read(t.Context(), f.Path)
		must(t, err)
		if a.inhabitable(t, input.Objects) {
			a.candidates = append(a.candidates, candidate{f, input.Objects})
		}
	}
	a.all = slices.Clone(a.candidates)
	a.round(t, a.app(t, "apps/shop-bad"))
	return a
}

// shows says whether a fixture shows a rule today. The cluster's clock is the real one, so that some no longer show what they promise.
func (a *audits) shows(t *testing.T, c candidate, rule string) bool {
	t.Helper()
	findings, err := a.check(t.Context(), c.objects, slices.Concat(a.runner.Context, a.namespaces(t, c.objects)))
	must(t, err)
	return slices.ContainsFunc(findings, func(f report.Finding) bool { return f.Rule == rule })
}

// inhabitable says whether the API server takes the Namespaces among objects.
func (a *audits) inhabitable(t *testing.T, objects []*manifest.Object) bool {
	t.Helper()
	return !slices.ContainsFunc(objects, func(o *manifest.Object) bool {
		if o.Kind() != "Namespace" {
			return false
		}
		v, err := a.Setup.Create(t.Context(), object(t, o.Value), true)
		must(t, err)
		return v.Refused != nil && !apierrors.IsAlreadyExists(v.Refused)
	})
}

// round stores objects, and with them fixtures that show rules which nothing showed yet, and whose objects no other has under
// the same name: of those that fit the one that shows most comes first. It says whether there is a fixture.
func (a *audits) round(t *testing.T, objects []*manifest.Object) bool {
	t.Helper()
	taken := map[report.Object]bool{}
	for _, o := range objects {
		taken[identity(o.Value)] = true
	}
	wanted := map[string]bool{}
	shows := func(c candidate) int {
		if slices.ContainsFunc(c.objects, func(o *manifest.Object) bool { return taken[identity(o.Value)] }) {
			return 0
		}
		found := map[string]bool{}
		for _, w := range c.Wants {
			if a.rules[w.Rule] == 0 && !wanted[w.Rule] {
				found[w.Rule] = true
			}
		}
		return len(found)
	}
	fixtures := 0
	for len(a.candidates) > 0 {
		i, most := 0, 0
		for j, c := range a.candidates {
			if n := shows(c); n > most {
				i, most = j, n
			}
		}
		if most == 0 {
			break
		}
		for _, o := range a.candidates[i].objects {
			taken[identity(o.Value)] = true
			objects = append(objects, o)
		}
		for _, w := range a.candidates[i].Wants {
			wanted[w.Rule] = true
		}
		a.candidates = slices.Delete(a.candidates, i, i+1)
		fixtures++
	}
	if fixtures == 0 {
		return false
	}
	a.rounds++
	a.put(t, a.inContext(objects))
	return true
}

// inContext adds those objects of the context that the others don't replace.
func (a *audits) inContext(objects []*manifest.Object) []*manifest.Object {
	all := slices.Clone(objects)
	for _, o := range a.runner.Context {
		if !slices.ContainsFunc(objects, func(by *manifest.Object) bool { return identity(by.Value) == identity(o.Value) }) {
			all = append(all, o)
		}
	}
	return all
}

// put stores objects past the webhook, namespaces first. What the API server itself refuses isn't there.
func (a *audits) put(t *testing.T, objects []*manifest.Object) {
	t.Helper()
	objects = append(a.namespaces(t, objects), objects...)
	slices.SortStableFunc(objects, func(a, b *manifest.Object) int { return -cmp.Compare(scope(a), scope(b)) })
	for _, o := range objects {
		v, err := a.Setup.Create(t.Context(), object(t, o.Value), false)
		must(t, err)
		if v.Refused == nil {
			a.items = append(a.items, &item{source: o, object: v.Object})
		}
	}
}

// gone removes the round.
func (a *audits) gone(t *testing.T) {
	t.Helper()
	a.clear(t, a.items)
	a.items = nil
}

// stages has the audit judge the first round in every stage that users take the policies through, and then, as the bundle is,
// as many rounds as it takes until every rule was found.
func (a *audits) stages(t *testing.T) {
	shipped := a.shipped()
	a.agrees(t, "as shipped")
	a.touches(t)
	for _, action := range []string{"dryrun", "warn", "deny"} {
		c := &set{profile: a.profile, flavor: a.flavor}
		for _, o := range shipped.objects {
			o = o.DeepCopy()
			must(t, unstructured.SetNestedField(o.Object, action, "spec", "enforcementAction"))
			c.objects = append(c.objects, o)
		}
		for _, k := range shipped.constraints {
			k := *k
			k.Action = action
			c.constraints = append(c.constraints, &k)
		}
		a.use(t, c)
		a.agrees(t, action)
		a.touches(t)
	}
	a.use(t, shipped)
	for a.gone(t); a.round(t, nil); a.gone(t) {
		a.agrees(t, fmt.Sprintf("round %d", a.rounds))
	}
	// Rounds go by what fixtures promise, each as of its own day. What shows a rule today may have been in none.
	for _, p := range a.runner.Library.Policies {
		for _, r := range p.Rules {
			if r.Action(a.profile, a.flavor) == "" {
				continue
			}
			shown := false
			for _, c := range a.all {
				if a.rules[r.ID] > 0 {
					break
				}
				if a.shows(t, c, r.ID) {
					shown = true
					a.put(t, a.inContext(c.objects))
					a.agrees(t, r.ID+" by "+c.Path)
					a.gone(t)
				}
			}
			if shown && a.rules[r.ID] == 0 {
				t.Errorf("the audit never found %s", r.ID)
			}
		}
	}
	tally.Add(t, tally.Row{
		Consumer: "Gatekeeper audit", Version: a.version(t), Objects: a.requests, Findings: a.findings, Disagreements: a.disagreements,
		Varies: true,
	})
}

// afterOutage stores a round while Gatekeeper is down; once it is back, the audit must be complete.
func (a *audits) afterOutage(t *testing.T) {
	a.StopGatekeeper()
	a.AuditInterval = 2 * time.Second
	a.put(t, a.app(t, "apps/shop-bad"))
	defer a.gone(t)
	must(t, a.StartGatekeeper(t.Context()))
	a.agrees(t, "after an outage")
}

// violation is what an audit says of an object.
type violation struct{ Object, Action, Message string }

// agrees waits until an audit that begins now or later says of everything in the cluster what kfs says of it.
func (a *audits) agrees(t *testing.T, name string) {
	t.Helper()
	begin := time.Now()
	objects, judged := a.export(t)
	var want, got []violation
	err := cluster.Poll(t.Context(), 2*synced, func(ctx context.Context) error {
		findings, err := a.check(ctx, objects, nil)
		if err != nil {
			return err
		}
		want = nil
		for _, f := range findings {
			o := f.Object.Kind + " " + f.Object.Namespace + "/" + f.Object.Name
			want = append(want, violation{o, f.Action, clip(f.Message)})
		}
		if got, err = a.audited(ctx, begin); err != nil {
			return err
		}
		want, got = sorted(want), sorted(got)
		if diff := gocmp.Diff(want, got); diff != "" {
			return errors.New(diff)
		}
		return nil
	})
	if err != nil {
		t.Errorf("%s: -kfs +audit: %v", name, err)
	}
	for _, v := range got {
		a.rules[ruleOf(v.Message)]++
	}
	a.requests += judged
	a.findings += len(want)
	a.disagreements += differences(want, got)
	t.Logf("%s: %d objects, %d violations after %.1f s; %d rules so far",
		name, judged, len(got), time.Since(begin).Seconds(), len(a.rules))
}

// touches updates everything that the audit judged: where the stage is dryrun nobody is told, where it is warn all goes through.
func (a *audits) touches(t *testing.T) {
	t.Helper()
	objects, _ := a.export(t)
	kfs := func() []report.Finding {
		findings, err := a.check(t.Context(), objects, nil)
		must(t, err)
		return findings
	}
	findings := kfs()
	denied, warned := 0, 0
	for _, o := range objects {
		if o.Namespace() == gatekeeperNamespace || !slices.Contains(a.judgedKinds(), o.Kind()) {
			continue
		}
		about := func() []string {
			var about []report.Finding
			for _, f := range findings {
				if f.Object == (report.Object{APIVersion: o.APIVersion(), Kind: o.Kind(), Namespace: o.Namespace(), Name: o.Name()}) {
					about = append(about, f)
				}
			}
			return lines(verdict(about))
		}
		v, err := a.Admin.Touch(t.Context(), object(t, o.Value))
		must(t, err)
		want, got := about(), lines(v)
		if !slices.Equal(want, got) {
			findings = kfs() // it may have become midnight
			want = about()
		}
		if diff := gocmp.Diff(want, got); v.Refused != nil || diff != "" {
			t.Errorf("update %s %s/%s: %v, -kfs +cluster:\n%s", o.Kind(), o.Namespace(), o.Name(), v.Refused, diff)
		}
		denied += len(v.Deny)
		warned += len(v.Warn)
	}
	t.Logf("the same objects, updated: %d reasons to deny, %d warnings", denied, warned)
}

// export is what `kubectl get -A -o yaml` says of the kinds that the policies judge or read, each in the version that discovery
// prefers, which is the one that the audit judges. judged is how many are of kinds that some rule judges.
func (a *audits) export(t *testing.T) (objects []*manifest.Object, judged int) {
	t.Helper()
	kinds := map[string]bool{} // whether it is judged
	for _, c := range a.constraints {
		for _, r := range c.Policy.Rules {
			for _, kind := range r.Inventory {
				kinds[kind] = kinds[kind]
			}
		}
	}
	for _, kind := range a.judgedKinds() {
		kinds[kind] = true
	}
	var values []map[string]any
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		kind, ok := a.runner.Schemas.ByName(name)
		if !ok {
			t.Fatalf("no schema of %s", name)
		}
		version := kind.Synced()
		list, err := a.Admin.List(t.Context(), apischema.GroupVersionKind{Group: version.Group, Version: version.Version, Kind: version.Kind})
		must(t, err)
		for _, o := range list {
			o.SetManagedFields(nil)
			values = append(values, o.Object)
			if kinds[name] {
				judged++
			}
		}
	}
	return manifests(t, values), judged
}

// judgedKinds are the kinds that rules of the constraints judge.
func (s *suite) judgedKinds() []string {
	kinds := map[string]bool{}
	for _, c := range s.constraints {
		for _, r := range c.Policy.Rules {
			if slices.Contains(c.Rules, r.ID) {
				for _, kind := range r.Kinds {
					kinds[kind] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(kinds))
}

// audited are all violations in the constraints' status, of an audit that began after that time.
func (s *suite) audited(ctx context.Context, after time.Time) ([]violation, error) {
	var got []violation
	for _, p := range s.runner.Library.Policies {
		list, err := s.Admin.List(ctx, apischema.FromAPIVersionAndKind("constraints.gatekeeper.sh/v1beta1", p.Kind))
		if err != nil {
			return nil, err
		}
		for _, o := range list {
			began, _, err := unstructured.NestedString(o.Object, "status", "auditTimestamp")
			if err != nil {
				return nil, err
			}
			if at, err := time.Parse(time.RFC3339, began); err != nil || !at.After(after) {
				return nil, fmt.Errorf("%s is of an audit at %q", o.GetName(), began)
			}
			found, _, err := unstructured.NestedSlice(o.Object, "status", "violations")
			if err != nil {
				return nil, err
			}
			total, _, err := unstructured.NestedInt64(o.Object, "status", "totalViolations")
			if err != nil {
				return nil, err
			}
			if int(total) != len(found) {
				return nil, fmt.Errorf("%s has %d violations and lists %d", o.GetName(), total, len(found))
			}
			for _, f := range found {
				fields, _ := f.(map[string]any)
				text := func(key string) string { value, _ := fields[key].(string); return value }
				got = append(got, violation{text("kind") + " " + text("namespace") + "/" + text("name"), text("enforcementAction"), text("message")})
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
