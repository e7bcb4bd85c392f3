package cluster_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"

	"kyma-function-security/harness/e2e/cluster"
	"kyma-function-security/harness/internal/check"
	"kyma-function-security/harness/internal/constraint"
	"kyma-function-security/harness/internal/engine"
	"kyma-function-security/harness/internal/fixture"
	"kyma-function-security/harness/internal/manifest"
	"kyma-function-security/harness/internal/policy"
	"kyma-function-security/harness/internal/report"
)

// mark is the label of everything that TestExisting puts into a cluster. Its value is the visit's name.
const mark = "kfs-e2e"

// TestExisting holds somebody's cluster against kfs: the one that KUBECONFIG names, if the flag -existing-cluster says so.
//
// It must be safe where people work. What is judged is only sent as a dry run. What is stored, and removed at the end, is namespaces of
// its own, Constraints that are for these and for nothing else, and those templates of the bundle that aren't there. That is all for
// rules that look at one object; for those that compare objects see scenes.
func TestExisting(t *testing.T) {
	if !*existing {
		t.Skip("only with -existing-cluster")
	}
	ctx, stop := signal.NotifyContext(context.WithoutCancel(t.Context()), os.Interrupt, syscall.SIGTERM)
	t.Cleanup(stop) // the last cleanup: who is impatient doesn't interrupt the others
	if deadline, ok := t.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-leaving-time.Minute))
		defer cancel()
	}
	client, err := cluster.Connect(filepath.SplitList(os.Getenv("KUBECONFIG"))...)
	must(t, err)
	v := &visit{suite: load(t), t: t, client: client, name: mark + "-" + random(5), namespaces: map[string]*manifest.Object{}}
	t.Logf("this visit is called %s", v.name)
	// In this order: what fails leaves nothing behind.
	must(t, v.gatekeeper(ctx))
	must(t, v.alone(ctx))
	missing, err := v.templates(ctx)
	must(t, err)
	t.Cleanup(func() { v.leave() })
	must(t, v.settle(ctx, missing))
	v.judge(ctx)
	v.compare(ctx)
	for _, reason := range slices.Sorted(maps.Keys(v.skipped)) {
		t.Logf("not judged: %s:\n%s", reason, strings.Join(v.skipped[reason], "\n"))
	}
}

// leaving is how long the removal of everything may take.
const leaving = 3 * time.Minute

// visit is what TestExisting does in a cluster.
type visit struct {
	*suite
	t      *testing.T
	client *cluster.Client
	name   string

	made        []*unstructured.Unstructured // in the order in which they were stored
	namespaces  map[string]*manifest.Object  // its own, by what distinguishes them
	documents   []document
	constraints []*constraint.Constraint
	skipped     map[string][]string // by reason
}

// document is an object of a fixture, in a namespace of the visit.
type document struct {
	fixture   string
	object    *unstructured.Unstructured
	namespace *manifest.Object
	stands    []string // what it stands for
}

func random(n int) string {
	text := make([]byte, n)
	for i := range text {
		text[i] = "bcdfghjklmnpqrstvwxz2456789"[rand.IntN(27)]
	}
	return string(text)
}

// gatekeeper is an error if Gatekeeper isn't there.
func (v *visit) gatekeeper(ctx context.Context) error {
	if _, err := v.client.Resource(templateKind, ""); meta.IsNoMatchError(err) {
		return fmt.Errorf("the cluster doesn't serve %s: install Gatekeeper 3.19 or later", templateKind.GroupVersion())
	} else if err != nil {
		return err
	}
	resource, err := v.client.Resource(apischema.FromAPIVersionAndKind("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"), "")
	if err != nil {
		return err
	}
	list, err := resource.List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, o := range list.Items {
		webhooks, _, _ := unstructured.NestedSlice(o.Object, "webhooks")
		for _, w := range webhooks {
			if webhook, _ := w.(map[string]any); webhook["name"] == "validation.gatekeeper.sh" {
				return nil
			}
		}
	}
	return errors.New("no ValidatingWebhookConfiguration has a webhook validation.gatekeeper.sh: Gatekeeper judges no requests")
}

var templateKind = apischema.FromAPIVersionAndKind("templates.gatekeeper.sh/v1", "ConstraintTemplate")

// templates returns those of the bundle that aren't in the cluster. Others that are there must be the same.
func (v *visit) templates(ctx context.Context) (missing []*unstructured.Unstructured, err error) {
	all, err := cluster.ReadFolder(filepath.Join(root, "constrainttemplates"))
	if err != nil {
		return nil, err
	}
	resource, err := v.client.Resource(templateKind, "")
	if err != nil {
		return nil, err
	}
	const version = "metadata.gatekeeper.sh/version"
	for _, o := range all {
		there, err := resource.Get(ctx, o.GetName(), metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			missing = append(missing, o)
		case err != nil:
			return nil, err
		case there.GetAnnotations()[version] != o.GetAnnotations()[version]:
			return nil, fmt.Errorf("the cluster has ConstraintTemplate %s of version %q, this bundle's is %q: it stays as it is, and nothing is judged",
				o.GetName(), there.GetAnnotations()[version], o.GetAnnotations()[version])
		case source(there) != source(o):
			return nil, fmt.Errorf("the cluster has another ConstraintTemplate %s than this bundle, though its version is the same: it stays as it is, and nothing is judged",
				o.GetName())
		case there.GetDeletionTimestamp() != nil:
			return nil, fmt.Errorf("ConstraintTemplate %s is being deleted: try again when it is gone", o.GetName())
		}
	}
	return missing, nil
}

// source is a template's Rego.
func source(o *unstructured.Unstructured) string {
	targets, _, _ := unstructured.NestedSlice(o.Object, "spec", "targets")
	var text []string
	for _, t := range targets {
		target, _ := t.(map[string]any)
		all, _ := target["code"].([]any)
		for _, c := range all {
			code, _ := c.(map[string]any)
			text = append(text, fmt.Sprint(code["source"]))
		}
	}
	return strings.Join(text, "\n")
}

// settle stores what the visit needs.
func (v *visit) settle(ctx context.Context, missing []*unstructured.Unstructured) error {
	for _, o := range missing {
		if err := v.make(ctx, o); err != nil {
			return err
		}
	}
	for _, o := range missing {
		name := o.GetName() + ".constraints.gatekeeper.sh"
		if err := v.client.EstablishedOne(ctx, name); err != nil {
			return err
		}
	}
	if err := v.choose(ctx); err != nil {
		return err
	}
	var namespaces []any
	for _, n := range v.namespaces {
		if n != nil {
			namespaces = append(namespaces, n.Name())
		}
	}
	if len(namespaces) == 0 {
		return errors.New("no fixture can be judged in this cluster")
	}
	// Without scope an object in no namespace would match, whatever the namespaces.
	return v.constrain(ctx, decidable, []reach{{
		match: map[string]any{"namespaces": namespaces, "scope": "Namespaced"},
		kinds: func(c *constraint.Constraint) []any { return v.kinds(c, true) },
	}})
}

// make stores an object. It is removed at the end, even if the answer got lost.
func (v *visit) make(ctx context.Context, o *unstructured.Unstructured) error {
	resource, err := v.client.Resource(o.GroupVersionKind(), o.GetNamespace())
	if err != nil {
		return err
	}
	labels := o.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	labels[mark] = v.name
	o.SetLabels(labels)
	if !slices.Contains(v.made, o) { // it may be tried again
		v.made = append(v.made, o)
	}
	_, err = resource.Create(ctx, o, metav1.CreateOptions{FieldManager: v.name})
	if err != nil {
		return fmt.Errorf("create %s %s: %w", o.GetKind(), o.GetName(), err)
	}
	return nil
}

// forget leaves an object that the API server has refused where it is: nowhere, or somebody else's.
func (v *visit) forget(o *unstructured.Unstructured) {
	v.made = slices.DeleteFunc(v.made, func(made *unstructured.Unstructured) bool { return made == o })
}

func (v *visit) skip(reason, what string) {
	if v.skipped == nil {
		v.skipped = map[string][]string{}
	}
	if !slices.Contains(v.skipped[reason], what) {
		v.skipped[reason] = append(v.skipped[reason], what)
	}
}

// choose takes from the fixtures what can be judged, and moves it into namespaces of the visit: one for each sort of Namespace that
// fixtures have.
func (v *visit) choose(ctx context.Context) error {
	all, err := fixture.Load(v.runner.FS)
	if err != nil {
		return err
	}
	for _, f := range all {
		// Of another profile are its promises, not what kfs says of it.
		if f.Flavor != flavor || f.Constraints != "" {
			continue
		}
		input, err := v.runner.Read(ctx, f.Path)
		if err != nil {
			return err
		}
		likes := map[string]*manifest.Object{}
		for _, o := range slices.Concat(v.runner.Context, input.Objects) {
			if o.Kind() == "Namespace" {
				likes[o.Name()] = o
			}
		}
		for _, o := range input.Objects {
			value := object(v.t, o.Value)
			stands := v.stands(f, o.Kind())
			like, known := likes[o.Namespace()]
			if labels, _, err := unstructured.NestedMap(value.Object, "metadata", "labels"); err != nil || len(labels) != len(value.GetLabels()) {
				continue // the API server makes other labels of them
			}
			if len(stands) == 0 || !known {
				continue
			}
			kind := value.GroupVersionKind()
			scoped, err := v.client.Namespaced(kind)
			if meta.IsNoMatchError(err) {
				v.skip("kinds that the cluster doesn't serve", kind.GroupVersion().String()+" "+kind.Kind)
				continue
			} else if err != nil {
				return err
			}
			if !scoped {
				continue
			}
			namespace, err := v.namespace(ctx, like)
			if err != nil {
				return err
			}
			if namespace != nil {
				value.SetNamespace(namespace.Name())
				v.documents = append(v.documents, document{f.Path, value, namespace, stands})
			}
		}
	}
	return nil
}

// stands is what an object of a fixture may show: the rules that deny it, or that those of a policy let it pass.
func (v *visit) stands(f fixture.Fixture, kind string) []string {
	if f.Allow() {
		return []string{"good " + f.Folder + " " + kind}
	}
	var all []string
	for _, w := range f.Wants {
		if rule, ok := v.runner.Library.Rule(w.Rule); ok && decidable(rule) && slices.Contains(rule.Kinds, kind) {
			all = append(all, w.Rule+" "+kind)
		}
	}
	return all
}

// decidable says whether a rule needs but the object and its Namespace, which comes with the request.
func decidable(r *policy.Rule) bool {
	return len(r.Evidence) == 0 && !slices.ContainsFunc(r.Inventory, func(kind string) bool { return kind != "Namespace" })
}

// namespace is the visit's own that is like another one; nil if somebody's policy doesn't want it.
func (v *visit) namespace(ctx context.Context, like *manifest.Object) (*manifest.Object, error) {
	o := object(v.t, like.Value)
	key := fmt.Sprint(o.GetLabels(), o.GetAnnotations())
	if own, ok := v.namespaces[key]; ok {
		return own, nil
	}
	namespace := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Namespace"}}
	namespace.SetName(fmt.Sprintf("%s-%d", v.name, len(v.namespaces)))
	namespace.SetLabels(o.GetLabels())
	namespace.SetAnnotations(o.GetAnnotations())
	if err := v.make(ctx, namespace); err != nil {
		if !apierrors.IsForbidden(err) && !apierrors.IsInvalid(err) {
			return nil, err
		}
		v.skip("objects of namespaces that the cluster refuses", err.Error())
		v.namespaces[key] = nil
		return nil, nil
	}
	resource, err := v.client.Resource(namespace.GroupVersionKind(), "")
	if err != nil {
		return nil, err
	}
	now, err := resource.Get(ctx, namespace.GetName(), metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	v.namespaces[key] = manifests(v.t, []map[string]any{now.Object})[0]
	return v.namespaces[key], nil
}

// reach is what Constraints are for.
type reach struct {
	suffix string // of their names
	action string // empty is kfs's own
	match  map[string]any
	kinds  func(*constraint.Constraint) []any
}

// constrain stores Constraints: kfs's, with the selected rules, for each reach.
func (v *visit) constrain(ctx context.Context, selected func(*policy.Rule) bool, reaches []reach) error {
	var stored []*unstructured.Unstructured
	var values []map[string]any
	for _, c := range v.suite.constraints {
		var rules []any
		for _, id := range c.Rules {
			if rule, _ := v.runner.Library.Rule(id); selected(rule) {
				rules = append(rules, id)
			}
		}
		for _, r := range reaches {
			kinds := r.kinds(c)
			if len(rules) == 0 || len(kinds) == 0 {
				continue
			}
			parameters := c.AllParameters()
			parameters["rules"] = rules
			match := maps.Clone(r.match)
			match["kinds"] = kinds
			o := object(v.t, map[string]any{
				"apiVersion": "constraints.gatekeeper.sh/v1beta1",
				"kind":       c.Policy.Kind,
				"metadata":   map[string]any{"name": v.name + strings.TrimPrefix(c.Name, "kfs") + r.suffix},
				"spec":       map[string]any{"enforcementAction": cmp.Or(r.action, c.Action), "match": match, "parameters": parameters},
			})
			if err := v.makeConstraint(ctx, o); err != nil {
				return err
			}
			stored = append(stored, o)
			values = append(values, o.Object)
		}
	}
	constraints, problems := constraint.Read(v.runner.Library, &manifest.Input{Objects: manifests(v.t, values)})
	if len(problems.Errors) > 0 || len(problems.Foreign) > 0 {
		return fmt.Errorf("kfs can't read the Constraints: %v", problems)
	}
	v.constraints = append(v.constraints, constraints...)
	for _, o := range stored {
		if err := cluster.Poll(ctx, 2*synced, func(ctx context.Context) error { return enforced(ctx, v.client, o) }); err != nil {
			return err
		}
	}
	return nil
}

// makeConstraint stores a Constraint. Of a new CRD the API server's discovery and Gatekeeper's webhook learn a moment later.
func (v *visit) makeConstraint(ctx context.Context, o *unstructured.Unstructured) error {
	tried := false
	return cluster.Poll(ctx, synced, func(ctx context.Context) error {
		err := v.make(ctx, o)
		if tried && apierrors.IsAlreadyExists(err) {
			return nil // the name is the visit's own: only the answer was lost
		}
		tried = true
		return err
	})
}

// kinds are those of a Constraint that are in namespaces, or aren't.
func (v *visit) kinds(c *constraint.Constraint, namespaced bool) []any {
	var all []any
	for _, m := range c.Policy.Match {
		for _, group := range m.APIGroups {
			for _, kind := range m.Kinds {
				if known, ok := v.runner.Schemas.Kind(group, kind); ok && known.Namespaced == namespaced {
					all = append(all, map[string]any{"apiGroups": []any{group}, "kinds": []any{kind}})
				}
			}
		}
	}
	return all
}

// judge has the cluster and kfs judge documents, until all that they can show is shown: one that is denied for each rule and kind, and
// one that passes for each policy and kind.
func (v *visit) judge(ctx context.Context) {
	t := v.t
	judged, findings, shown, rules, refusals := 0, 0, map[string]bool{}, map[string]bool{}, map[string]error{}
	for _, d := range v.documents {
		if !slices.ContainsFunc(d.stands, func(what string) bool { return !shown[what] }) {
			continue
		}
		var messages []string
		var refused error
		err := cluster.Poll(ctx, synced, func(ctx context.Context) error {
			want, err := v.kfs(ctx, d)
			if err != nil {
				return err
			}
			got, err := v.client.Create(ctx, d.object.DeepCopy(), true)
			if err != nil && len(got.By) == 0 {
				return err
			}
			if refused = got.Refused; refused != nil {
				return nil
			}
			messages = v.own(got.By)
			if diff := gocmp.Diff(want, messages); diff != "" {
				return fmt.Errorf("-kfs +cluster:\n%s", diff)
			}
			return nil
		})
		if ctx.Err() != nil {
			t.Fatalf("stopped: %v", context.Cause(ctx))
		}
		if err != nil {
			t.Errorf("%s, %s: %v", d.fixture, d.object.GetName(), err)
			continue
		}
		if refused != nil {
			for _, what := range d.stands {
				refusals[what] = fmt.Errorf("%s: %w", d.fixture, refused)
			}
			continue
		}
		judged++
		findings += len(messages)
		for _, m := range messages {
			rule, _, _ := strings.Cut(m, ":")
			rules[rule] = true
			shown[rule+" "+d.object.GetKind()] = true
		}
		for _, what := range d.stands {
			if len(messages) == 0 && strings.HasPrefix(what, "good ") {
				shown[what] = true
			}
		}
	}
	for _, d := range v.documents {
		for _, what := range d.stands {
			if !shown[what] {
				v.skip("what no fixture shows here", fmt.Sprintf("%s (%v)", what, refusals[what]))
			}
		}
	}
	t.Logf("%d objects judged, %d findings, %d rules spoke: %q", judged, findings, len(rules), slices.Sorted(maps.Keys(rules)))
	if judged == 0 || findings == 0 {
		t.Error("nothing was judged")
	}
}

// own are the messages of the visit's Constraints.
func (v *visit) own(by []string) []string {
	own := []string{}
	for _, line := range by {
		if message, found := strings.CutPrefix(line, "["+v.name+"-"); found {
			_, message, _ = strings.Cut(message, "] ")
			own = append(own, message)
		}
	}
	slices.Sort(own)
	return slices.Compact(own)
}

// kfs are the messages of kfs's findings, with the same Constraints.
func (v *visit) kfs(ctx context.Context, d document) ([]string, error) {
	objects := manifests(v.t, []map[string]any{d.object.Object})
	r, err := check.Run(ctx, v.runner.Library, v.runner.Schemas, &manifest.Input{Objects: objects}, check.Options{
		Profile: profile, Flavor: flavor, Constraints: v.constraints, Context: []*manifest.Object{d.namespace},
		Program: v.runner.Program, Engine: engine.Options{Complete: true},
	})
	if err != nil {
		return nil, err
	}
	if len(r.Errors) > 0 {
		return nil, errors.New(r.Errors[0].Message)
	}
	messages := []string{}
	for _, f := range r.Findings {
		if f.Policy != "manifest" && (f.Action == report.Deny || f.Action == report.Warn) {
			messages = append(messages, f.Message)
		}
	}
	slices.Sort(messages)
	return slices.Compact(messages), nil
}

// leave removes what the visit has stored, the latest first. Namespaces end all at the same time, since each takes seconds.
func (v *visit) leave() {
	t := v.t
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), leaving)
	defer cancel()
	failed := func(o *unstructured.Unstructured, err error) {
		t.Errorf("%v; remove it with kubectl delete %s %s", err, strings.ToLower(o.GetKind()), o.GetName())
	}
	var ending []*unstructured.Unstructured
	for _, o := range slices.Backward(v.made) {
		if o.GetKind() == templateKind.Kind {
			if users := v.users(ctx, o); len(users) > 0 {
				t.Errorf("ConstraintTemplate %s stays, since it is in use by now: %q", o.GetName(), users)
				continue
			}
		}
		if o.GetKind() == "Namespace" {
			there, err := v.delete(ctx, o)
			if err != nil {
				failed(o, err)
			} else if there != nil {
				ending = append(ending, there)
			}
		} else if err := v.remove(ctx, o); err != nil {
			failed(o, err)
		}
	}
	for _, o := range ending {
		if err := v.ended(ctx, o); err != nil {
			failed(o, err)
		}
	}
	// Gatekeeper, still at work on a template, may have made its CRD once more.
	for _, o := range v.made {
		if o.GetKind() == templateKind.Kind {
			if err := v.uncrd(ctx, o); err != nil {
				failed(o, err)
			}
		}
	}
	t.Logf("%d objects are gone again", len(v.made))
}

// users are the Constraints of a template.
func (v *visit) users(ctx context.Context, template *unstructured.Unstructured) []string {
	kind, _, _ := unstructured.NestedString(template.Object, "spec", "crd", "spec", "names", "kind")
	resource, err := v.client.Resource(apischema.FromAPIVersionAndKind("constraints.gatekeeper.sh/v1beta1", kind), "")
	if err != nil {
		return nil
	}
	list, err := resource.List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil
	}
	var names []string
	for _, o := range list.Items {
		names = append(names, o.GetName())
	}
	return names
}

// remove deletes an object of the visit's and waits until it is gone; with a template goes its CRD.
func (v *visit) remove(ctx context.Context, o *unstructured.Unstructured) error {
	there, err := v.delete(ctx, o)
	if err != nil || there == nil {
		return err
	}
	if err := v.ended(ctx, there); err != nil || o.GetKind() != templateKind.Kind {
		return err
	}
	return v.uncrd(ctx, o)
}

// uncrd removes a template's CRD, if the template is gone.
func (v *visit) uncrd(ctx context.Context, template *unstructured.Unstructured) error {
	resource, err := v.client.Resource(templateKind, "")
	if err != nil {
		return err
	}
	if _, err := resource.Get(ctx, template.GetName(), metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		return err
	}
	crd := &unstructured.Unstructured{}
	crd.SetAPIVersion("apiextensions.k8s.io/v1")
	crd.SetKind("CustomResourceDefinition")
	crd.SetName(template.GetName() + ".constraints.gatekeeper.sh")
	return v.client.Gone(ctx, crd, leaving)
}

// delete deletes an object of the visit's, if it is there and still the visit's, and returns it.
func (v *visit) delete(ctx context.Context, o *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	resource, err := v.client.Resource(o.GroupVersionKind(), o.GetNamespace())
	if meta.IsNoMatchError(err) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	there, err := resource.Get(ctx, o.GetName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) || err == nil && there.GetLabels()[mark] != v.name {
		return nil, nil // it was never stored, or is somebody else's by now
	}
	if err != nil {
		return nil, err
	}
	uid := there.GetUID()
	err = resource.Delete(ctx, o.GetName(), metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}})
	if err != nil && !apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("delete %s %s: %w", o.GetKind(), o.GetName(), err)
	}
	return there, nil
}

// ended waits until a deleted object is gone. A controller may make another of its name.
func (v *visit) ended(ctx context.Context, o *unstructured.Unstructured) error {
	resource, err := v.client.Resource(o.GroupVersionKind(), o.GetNamespace())
	if err != nil {
		return err
	}
	return cluster.Poll(ctx, leaving, func(ctx context.Context) error {
		now, err := resource.Get(ctx, o.GetName(), metav1.GetOptions{})
		if apierrors.IsNotFound(err) || err == nil && now.GetUID() != o.GetUID() {
			return nil
		}
		return errors.Join(fmt.Errorf("%s %s is still there", o.GetKind(), o.GetName()), err)
	})
}

// alone is an error if another visit is there, or has left something.
func (v *visit) alone(ctx context.Context) error {
	found := map[string][]string{}
	look := func(kind apischema.GroupVersionKind) error {
		resource, err := v.client.Resource(kind, "")
		if meta.IsNoMatchError(err) {
			return nil
		} else if err != nil {
			return err
		}
		list, err := resource.List(ctx, metav1.ListOptions{LabelSelector: mark})
		if err != nil {
			return err
		}
		for _, o := range list.Items {
			found[o.GetLabels()[mark]] = append(found[o.GetLabels()[mark]], o.GetKind()+" "+o.GetName())
		}
		return nil
	}
	kinds := []apischema.GroupVersionKind{apischema.FromAPIVersionAndKind("v1", "Namespace"), templateKind, syncSetKind}
	for _, p := range v.runner.Library.Policies {
		kinds = append(kinds, apischema.FromAPIVersionAndKind("constraints.gatekeeper.sh/v1beta1", p.Kind))
	}
	for _, kind := range kinds {
		if err := look(kind); err != nil {
			return err
		}
	}
	for name, all := range found {
		return fmt.Errorf("visit %s is still going on, or was killed and has left %q; if it was: kubectl delete constraints,constrainttemplates,namespaces,syncsets -l %s=%s",
			name, all, mark, name)
	}
	return nil
}
