package cluster_test

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"

	"kyma-function-security/harness/e2e/cluster"
	"kyma-function-security/harness/internal/check"
	"kyma-function-security/harness/internal/engine"
	"kyma-function-security/harness/internal/fixture"
	"kyma-function-security/harness/internal/manifest"
	"kyma-function-security/harness/internal/report"
)

const (
	requests = 500
	workers  = 16
)

// TestMany sends many requests at a time, and says how long a request takes without Gatekeeper's webhook, with it but without our
// policies, and with them. How long is nobody's verdict: it depends on the machine.
func TestMany(t *testing.T) {
	s := empty(t)
	s.context(t)
	s.peers(t) // a binding is judged where Functions are
	all := s.mix(t)
	s.restart(t, time.Hour) // no audit meanwhile
	var timed []latency
	timed = append(timed, s.measure(t, "Gatekeeper without our policies", all, false))
	s.install(t, bundle)
	t.Run("at a time", func(t *testing.T) { s.atATime(t, all) })
	timed = append(timed, s.measure(t, "Gatekeeper with our policies", all, true))
	webhooks, err := s.Setup.Resource(apischema.FromAPIVersionAndKind("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"), "")
	must(t, err)
	must(t, webhooks.Delete(t.Context(), "gatekeeper-validating-webhook-configuration", metav1.DeleteOptions{}))
	must(t, cluster.Poll(t.Context(), synced, func(ctx context.Context) error {
		v, err := s.Admin.Create(ctx, function(t, "bad", "registry.evil.example/node"+digest), true)
		if err != nil || !v.Stored {
			return fmt.Errorf("the webhook is still called: %s, %w", v, err)
		}
		return nil
	}))
	timed = append(timed, s.measure(t, "no Gatekeeper", all, false))
	t.Logf("%d requests on %d CPUs of %s/%s:\n%s", requests, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, table(timed))
}

// wanted is a request and kfs's verdict on it.
type wanted struct {
	object *unstructured.Unstructured
	cluster.Verdict
}

// mix is made of copies of fixtures, bad and good, of all kinds, whose verdict doesn't depend on each other.
func (s *suite) mix(t *testing.T) []wanted {
	t.Helper()
	fixtures, err := fixture.Load(s.runner.FS)
	must(t, err)
	var models []*unstructured.Unstructured
	ofKind := map[string]int{}
	for _, f := range fixtures {
		if f.Profile != profile || f.Flavor != flavor || f.Constraints != "" || !f.Now.Equal(fixture.Clock) {
			continue
		}
		input, err := s.runner.Read(t.Context(), f.Path)
		must(t, err)
		for _, o := range input.Objects {
			// Functions are judged by these: no Function's verdict would be its own.
			if slices.Contains([]string{"AuthorizationPolicy", "NetworkPolicy", "PeerAuthentication", "Service", "ServiceAccount"}, o.Kind()) {
				continue
			}
			// Not more of one kind than make a mix.
			model := object(t, o.Value)
			if o.Kind() == "APIRule" && (o.APIVersion() != "gateway.kyma-project.io/v2" || len(model.GetAnnotations()) > 0) {
				continue // nothing converts here, and what an annotation hides is everybody's
			}
			_, address, _ := unstructured.NestedString(model.Object, "spec", "clusterIP") // which only one may have
			kind, most := o.Kind()+strconv.FormatBool(f.Allow()), 10
			switch {
			case o.Kind() == "APIRule":
				kind, most = kind+f.Folder, 30 // compared with each other, for most of its rules
			case o.Kind() == "Function" && !f.Allow():
				kind += f.Folder // bad for reasons of several policies
			}
			if o.Namespace() == "demo" && ofKind[kind] < most && !address {
				ofKind[kind]++
				models = append(models, model)
			}
		}
	}
	var all []wanted
	for all == nil {
		if len(models) == 0 {
			t.Fatal("no fixture's verdict is its own")
		}
		var objects []*unstructured.Unstructured
		for i := range requests {
			o := models[i%len(models)].DeepCopy()
			o.SetName(fmt.Sprintf("%s-%d", o.GetName(), i))
			if o.GetKind() == "APIRule" {
				distinguish(t, o, i)
			}
			objects = append(objects, o)
		}
		// Alone, among all, among those that are stored, and when the test ends: the verdict must be one and the same. At midnight a
		// runtime may retire.
		now, end := time.Time{}, time.Now().Add(time.Hour)
		together := s.verdicts(t, now, nil, objects...)
		var good []*unstructured.Unstructured
		for i, v := range together {
			if len(v.Deny) == 0 {
				good = append(good, objects[i])
			}
		}
		depends := map[int]bool{}
		for i, o := range objects[:min(len(objects), len(models))] {
			v, err := s.Admin.Create(t.Context(), o.DeepCopy(), true)
			must(t, err)
			same := v.Refused == nil && !slices.ContainsFunc(slices.Concat(together[i].Deny, together[i].Warn), func(m string) bool {
				return slices.Contains(afterwards, ruleOf(m))
			})
			for _, others := range [][]*unstructured.Unstructured{nil, good} {
				same = same && gocmp.Equal(lines(together[i]), lines(s.verdicts(t, now, others, o)[0]))
			}
			same = same && gocmp.Equal(lines(together[i]), lines(s.verdicts(t, end, nil, o)[0]))
			if !same {
				depends[i%len(models)] = true
			}
		}
		var others []*unstructured.Unstructured
		for i, model := range models {
			if !depends[i] {
				others = append(others, model)
			}
		}
		if len(others) == len(models) {
			for i, o := range objects {
				all = append(all, wanted{o, together[i]})
			}
		}
		models = others
	}
	kinds, deniedOf, reasons, denied := map[string]int{}, map[string]int{}, map[string]bool{}, 0
	for _, w := range all {
		kind := w.object.GetKind()
		kinds[kind]++
		if len(w.Deny) > 0 {
			denied++
			deniedOf[kind]++
		}
		for _, m := range w.Deny {
			if kind == "APIRule" {
				reasons[ruleOf(m)] = true
			}
		}
	}
	for _, kind := range []string{"APIRule", "Function"} {
		t.Logf("%d %ss, of which %d are to be denied", kinds[kind], kind, deniedOf[kind])
		if deniedOf[kind] == 0 || deniedOf[kind] == kinds[kind] {
			t.Errorf("no good and bad %ss are among them", kind)
		}
	}
	t.Logf("APIRules are to be denied for %q", slices.Sorted(maps.Keys(reasons)))
	for _, rule := range []string{"KFS-101", "KFS-103", "KFS-111"} { // no audience, a wildcard, noAuth
		if !reasons[rule] {
			t.Errorf("none is to be denied for %s", rule)
		}
	}
	t.Logf("%d requests, of which %d are to be denied, from %d fixtures; kinds: %v", len(all), denied, len(models), kinds)
	if denied < requests/4 || denied > requests*3/4 || len(kinds) < 12 {
		t.Error("that is no mix")
	}
	return all
}

// distinguish gives the i-th request an APIRule of its own hosts, services and audiences, since APIRules are compared by these. One that
// accepts tokens without an audience of its own shares those of its issuer with everybody; so it gets its own issuer, too.
func distinguish(t *testing.T, o *unstructured.Unstructured, i int) {
	t.Helper()
	own, shared := fmt.Sprintf("-%d", i), false
	name := func(service map[string]any) {
		if text, ok := service["name"].(string); ok && text != "" {
			service["name"] = text + own
		}
	}
	list := func(value any) []map[string]any {
		var all []map[string]any
		items, _ := value.([]any)
		for _, item := range items {
			if fields, ok := item.(map[string]any); ok {
				all = append(all, fields)
			}
		}
		return all
	}
	member := func(fields map[string]any, key string) map[string]any {
		value, _ := fields[key].(map[string]any)
		return value
	}
	spec := member(o.Object, "spec")
	hosts, _ := spec["hosts"].([]any)
	for k, host := range hosts {
		if text, ok := host.(string); ok && !strings.Contains(text, "*") {
			first, rest, _ := strings.Cut(text, ".")
			hosts[k] = strings.TrimSuffix(first+own+"."+rest, ".")
		}
	}
	name(member(spec, "service"))
	for _, rule := range list(spec["rules"]) {
		name(member(rule, "service"))
		for _, demands := range []map[string]any{member(rule, "jwt"), member(member(rule, "extAuth"), "restrictions")} {
			authorizations := list(demands["authorizations"])
			shared = shared || demands != nil && len(authorizations) == 0
			for _, authorization := range authorizations {
				audiences, _ := authorization["audiences"].([]any)
				shared = shared || len(audiences) == 0
				for k, audience := range audiences {
					text, _ := audience.(string)
					if strings.TrimSpace(text) == "" || strings.Contains(text, "*") {
						shared = true
					} else {
						audiences[k] = text + own
					}
				}
			}
		}
	}
	for _, rule := range list(spec["rules"]) {
		for _, demands := range []map[string]any{member(rule, "jwt"), member(member(rule, "extAuth"), "restrictions")} {
			for _, authentication := range list(demands["authentications"]) {
				for _, key := range []string{"issuer", "jwksUri"} {
					if text, ok := authentication[key].(string); ok && shared {
						authentication[key] = strings.Replace(text, "id.example.com", "id"+own+".example.com", 1)
					}
				}
			}
		}
	}
}

// verdicts are kfs's on objects that come together, with others around that aren't judged, at an instant; the zero time is now.
func (s *suite) verdicts(
	t *testing.T, at time.Time, others []*unstructured.Unstructured, objects ...*unstructured.Unstructured,
) []cluster.Verdict {
	t.Helper()
	of := func(objects []*unstructured.Unstructured) []*manifest.Object {
		var values []map[string]any
		for _, o := range objects {
			values = append(values, o.Object)
		}
		return manifests(t, values)
	}
	around := of(append(parse(t, usersPeers), others...))
	r, err := check.Run(t.Context(), s.runner.Library, s.runner.Schemas, &manifest.Input{Objects: of(objects)}, check.Options{
		Profile: profile, Flavor: flavor, Constraints: s.constraints, Context: slices.Concat(s.system, s.runner.Context, around),
		Program: s.runner.Program, Engine: engine.Options{Complete: true, Now: at},
	})
	must(t, err)
	if len(r.Errors) > 0 {
		t.Fatal(r.Errors[0].Message)
	}
	all := make([]cluster.Verdict, len(objects))
	for i, o := range objects {
		for _, f := range r.Findings {
			switch {
			case f.Policy == "manifest" || f.Object.Kind != o.GetKind() || f.Object.Name != o.GetName():
			case f.Action == report.Deny:
				all[i].Deny = append(all[i].Deny, f.Message)
			default:
				all[i].Warn = append(all[i].Warn, f.Message)
			}
		}
		slices.Sort(all[i].Deny)
		slices.Sort(all[i].Warn)
		all[i].Deny, all[i].Warn = slices.Compact(all[i].Deny), slices.Compact(all[i].Warn)
	}
	return all
}

// atATime creates all objects, many at a time: each verdict must be kfs's, and what isn't denied must be there.
func (s *suite) atATime(t *testing.T, all []wanted) {
	// Gatekeeper must know of what is there.
	inParallel(workers, len(all), func(i int) {
		err := cluster.Poll(t.Context(), 2*synced, func(ctx context.Context) error { return s.wrong(ctx, all[i], true) })
		if err != nil {
			t.Error(err)
		}
	})
	inParallel(workers, len(all), func(i int) {
		if err := s.wrong(t.Context(), all[i], false); err != nil {
			t.Error(err)
		}
	})
	stored, denied := 0, 0
	for _, w := range all {
		resource, err := s.Admin.Resource(w.object.GroupVersionKind(), w.object.GetNamespace())
		must(t, err)
		_, err = resource.Get(t.Context(), w.object.GetName(), metav1.GetOptions{})
		if bad := len(w.Deny) > 0; bad != apierrors.IsNotFound(err) || !bad && err != nil {
			t.Errorf("%s %s, denied %t: %v", w.object.GetKind(), w.object.GetName(), bad, err)
		}
		if err == nil {
			stored++
			must(t, s.Setup.Remove(t.Context(), w.object))
		} else {
			denied++
		}
	}
	t.Logf("%d requests, %d at a time: %d stored, %d denied, each as kfs says", len(all), workers, stored, denied)
}

// wrong says what is wrong with the cluster's verdict.
func (s *suite) wrong(ctx context.Context, w wanted, dryRun bool) error {
	v, err := s.Admin.Create(ctx, w.object.DeepCopy(), dryRun)
	name := w.object.GetKind() + " " + w.object.GetName()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if diff := gocmp.Diff(lines(w.Verdict), lines(v)); diff != "" || v.Refused != nil || v.Stored == (len(w.Deny) > 0) {
		return fmt.Errorf("%s: -kfs +cluster:\n%s%s", name, diff, v)
	}
	return nil
}

// latency is how long requests took, and the processor.
type latency struct {
	of            string
	alone, atOnce []time.Duration // sorted: one request after the other, and several at a time
	work          time.Duration   // of the processor, for Gatekeeper and the API server
}

// measure times dry runs: they do all that requests do but for the storage. Where they are judged, what is bad is denied.
func (s *suite) measure(t *testing.T, of string, all []wanted, judged bool) latency {
	t.Helper()
	l := latency{of: of, alone: make([]time.Duration, len(all)), atOnce: make([]time.Duration, len(all))}
	work := func() (sum time.Duration) {
		for _, name := range []string{"gatekeeper", "kube-apiserver"} {
			took, err := s.CPU(name)
			must(t, err)
			sum += took
		}
		return sum
	}
	for i, took := range [][]time.Duration{l.alone, l.alone, l.atOnce} { // the first round warms up
		if i == 1 {
			l.work = work()
		}
		n := 1
		if &took[0] == &l.atOnce[0] {
			n = workers
		}
		inParallel(n, len(all), func(i int) {
			o := all[i].object.DeepCopy()
			begin := time.Now()
			v, err := s.Admin.Create(t.Context(), o, true)
			took[i] = time.Since(begin)
			if err != nil || v.Stored == (judged && len(all[i].Deny) > 0) {
				t.Errorf("%s: %s %s: %s, %v", of, o.GetKind(), o.GetName(), v, err)
			}
		})
	}
	l.work = work() - l.work
	slices.Sort(l.alone)
	slices.Sort(l.atOnce)
	return l
}

func table(all []latency) string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "ms\tp50\tp99\tp50 of %d at a time\tp99 of %d at a time\tCPU each\t\n", workers, workers)
	for _, l := range all {
		fmt.Fprintf(w, "%s\t", l.of)
		for _, sorted := range [][]time.Duration{l.alone, l.atOnce} {
			for _, percent := range []int{50, 99} {
				fmt.Fprintf(w, "%.1f\t", float64(sorted[len(sorted)*percent/100].Microseconds())/1000)
			}
		}
		fmt.Fprintf(w, "%.1f\t\n", float64(l.work.Microseconds())/1000/float64(len(l.alone)+len(l.atOnce)))
	}
	w.Flush()
	return text.String()
}

// inParallel calls f for 0 to n-1, several at a time.
func inParallel(workers, n int, f func(i int)) {
	work := make(chan int)
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for i := range work {
				f(i)
			}
		})
	}
	for i := range n {
		work <- i
	}
	close(work)
	group.Wait()
}
