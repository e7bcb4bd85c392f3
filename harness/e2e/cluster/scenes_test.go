package cluster_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	gocmp "github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"kyma-function-security/harness/e2e/cluster"
	"kyma-function-security/harness/internal/check"
	"kyma-function-security/harness/internal/constraint"
	"kyma-function-security/harness/internal/engine"
	"kyma-function-security/harness/internal/fixture"
	"kyma-function-security/harness/internal/manifest"
	"kyma-function-security/harness/internal/policy"
	"kyma-function-security/harness/internal/report"
)

// scenes is the visit's second part: the rules that compare objects. What they look at is stored, one fixture at a time, in
// namespaces of the visit's own, as far as it is inert there; what is judged is only sent as a dry run. The Constraints only warn, or
// a bad object couldn't be stored for others to be compared with.
type scenes struct {
	*visit
	all   []*scene
	kept  []apischema.GroupVersionKind // what Gatekeeper keeps, of what the rules read
	lacks map[string]string            // why it doesn't keep a kind
	acted map[string]string            // who acts on objects of a kind
	pool  map[string][]string          // namespaces, by what distinguishes them
	likes map[string]*unstructured.Unstructured
	world []*manifest.Object // what Gatekeeper keeps of others

	why    map[string]map[string]bool // why something wasn't shown
	stored int
}

// scene is a fixture, moved into namespaces of the visit.
type scene struct {
	fixture    string
	namespaces []string
	context    []*unstructured.Unstructured // of all fixtures
	documents  []sceneDocument
	around     []*manifest.Object // what is there of it, and Gatekeeper knows
}

type sceneDocument struct {
	object *unstructured.Unstructured
	stands []string
}

// quota is the ResourceQuota by which the API server itself lets nobody, no controller either, start or expose anything in a namespace
// of the scenes.
const quota = "kfs-e2e-nothing-runs"

var none = []string{
	"pods", "persistentvolumeclaims", "services.loadbalancers", "services.nodeports",
	"count/deployments.apps", "count/replicasets.apps", "count/statefulsets.apps", "count/daemonsets.apps",
	"count/jobs.batch", "count/cronjobs.batch", "count/ingresses.networking.k8s.io",
	"count/virtualservices.networking.istio.io", "count/gateways.networking.istio.io", "count/serviceentries.networking.istio.io",
	"count/rules.oathkeeper.ory.sh", "count/httproutes.gateway.networking.k8s.io",
}

// compare judges the rules that compare objects.
func (v *visit) compare(ctx context.Context) {
	s := &scenes{
		visit: v, lacks: map[string]string{}, acted: map[string]string{}, pool: map[string][]string{},
		likes: map[string]*unstructured.Unstructured{}, why: map[string]map[string]bool{},
	}
	must(v.t, s.controllers(ctx))
	must(v.t, s.sync(ctx))
	must(v.t, s.plan(ctx))
	if len(s.all) > 0 {
		must(v.t, s.guard(ctx))
		must(v.t, s.tell(ctx))
		must(v.t, s.constrain(ctx))
	}
	s.judge(ctx)
}

// comparing are the rules that the scenes are for.
func (s *scenes) comparing() (all []*policy.Rule) {
	for _, p := range s.runner.Library.Policies {
		for _, r := range p.Rules {
			if !decidable(r) && r.Action(profile, flavor) != "" {
				all = append(all, r)
			}
		}
	}
	return all
}

// lacking says why a rule can't be judged: a kind that it reads isn't kept.
func (s *scenes) lacking(r *policy.Rule) string {
	for _, kind := range slices.Concat(r.Inventory, r.Evidence) {
		if why := s.lacks[kind]; why != "" {
			return why
		}
	}
	return ""
}

// controllers finds out who acts on objects that would be stored. Nobody may: an APIRule becomes a route, a Function a Deployment.
func (s *scenes) controllers(ctx context.Context) error {
	signs := map[string]*regexp.Regexp{
		"APIRule":             regexp.MustCompile(`api-?gateway|api-?rule`),
		"Function":            regexp.MustCompile(`serverless|function`),
		"VulnerabilityReport": regexp.MustCompile(`trivy|starboard`),
	}
	var workloads []*unstructured.Unstructured
	for _, kind := range []string{"Deployment", "StatefulSet", "DaemonSet"} {
		all, err := s.client.List(ctx, apischema.FromAPIVersionAndKind("apps/v1", kind))
		if err != nil {
			return err
		}
		workloads = append(workloads, all...)
	}
	for kind, sign := range signs {
		for _, o := range workloads {
			images, _, _ := unstructured.NestedSlice(o.Object, "spec", "template", "spec", "containers")
			if sign.MatchString(o.GetName()) || sign.MatchString(fmt.Sprint(images)) {
				s.acted[kind] = fmt.Sprintf("%s %s/%s", o.GetKind(), o.GetNamespace(), o.GetName())
			}
		}
		known, ok := s.runner.Schemas.ByName(kind)
		if !ok || s.acted[kind] != "" {
			continue
		}
		gvk, ok := s.served(known.Synced().APIVersion(), kind)
		if !ok {
			continue
		}
		all, err := s.client.List(ctx, gvk)
		if err != nil {
			return err
		}
		for _, o := range all {
			// A status is a controller's; reports are made by one.
			if status, _, _ := unstructured.NestedMap(o.Object, "status"); len(status) > 0 || kind == "VulnerabilityReport" {
				s.acted[kind] = fmt.Sprintf("who made or reconciled %s/%s", o.GetNamespace(), o.GetName())
			}
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(s.acted)) {
		s.t.Logf("no %s is stored, since it would be acted on: %s", kind, s.acted[kind])
	}
	return nil
}

func (s *scenes) served(apiVersion, kind string) (apischema.GroupVersionKind, bool) {
	gvk := apischema.FromAPIVersionAndKind(apiVersion, kind)
	_, err := s.client.Namespaced(gvk)
	return gvk, err == nil
}

// sync finds out which kinds Gatekeeper keeps. Others it makes Gatekeeper keep, if that disturbs nobody.
//
// What Gatekeeper keeps all policies see; and when a kind is no longer to be kept, at the end of the visit, Gatekeeper forgets
// everything and reads the rest again. So unless the user says otherwise nobody may have anything that compares objects.
func (s *scenes) sync(ctx context.Context) error {
	synced, err := s.syncedKinds(ctx)
	if err != nil {
		return err
	}
	readers, err := s.readers(ctx)
	if err != nil {
		return err
	}
	var disturbed string
	switch {
	case *syncing:
	case len(readers) > 0:
		disturbed = fmt.Sprintf("ConstraintTemplate %s may see it", readers[0])
	case len(synced) > 0:
		disturbed = "keeps others that somebody may need"
	}
	kinds := map[string]bool{}
	for _, r := range s.comparing() {
		for _, kind := range slices.Concat(r.Inventory, r.Evidence) {
			kinds[kind] = true
		}
	}
	var lacking []apischema.GroupVersionKind
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		known, ok := s.runner.Schemas.ByName(kind)
		if !ok {
			return fmt.Errorf("nothing is known of kind %s", kind)
		}
		var served []apischema.GroupVersionKind
		kept := false
		for _, version := range known.GroupVersions() {
			gvk, ok := s.served(version.APIVersion(), kind)
			if !ok {
				continue
			}
			served = append(served, gvk)
			if synced[gvk] {
				s.kept, kept = append(s.kept, gvk), true
			}
		}
		switch {
		case kept || len(served) == 0: // of what the cluster doesn't serve there is nothing
		case disturbed != "":
			s.lacks[kind] = fmt.Sprintf("Gatekeeper doesn't keep %s, and %s", kind, disturbed)
		default:
			lacking = append(lacking, served[0])
		}
	}
	if len(s.lacks) > 0 {
		s.t.Logf("SYNC=yes has Gatekeeper keep more kinds while the visit lasts, for all rules that compare objects: %q", slices.Sorted(maps.Keys(s.lacks)))
	}
	if len(lacking) == 0 {
		return nil
	}
	s.t.Logf("SyncSet %s has Gatekeeper keep %v until the visit ends. All policies see these. Then Gatekeeper forgets everything and reads anew "+
		"what it keeps for others, %d kinds: for milliseconds policies that compare objects see less", s.name, lacking, len(synced))
	var list []any
	for _, k := range lacking {
		list = append(list, map[string]any{"group": k.Group, "version": k.Version, "kind": k.Kind})
	}
	s.kept = append(s.kept, lacking...)
	return s.make(ctx, object(s.t, map[string]any{
		"apiVersion": syncSetKind.GroupVersion().String(), "kind": syncSetKind.Kind,
		"metadata": map[string]any{"name": s.name},
		"spec":     map[string]any{"gvks": list},
	}))
}

// readers are others' templates that compare objects and have Constraints.
func (s *scenes) readers(ctx context.Context) ([]string, error) {
	templates, err := s.client.List(ctx, templateKind)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, o := range templates {
		targets, _, _ := unstructured.NestedSlice(o.Object, "spec", "targets")
		used := slices.ContainsFunc(s.users(ctx, o), func(name string) bool { return !strings.HasPrefix(name, s.name+"-") })
		if used && strings.Contains(fmt.Sprint(targets), "inventory") {
			all = append(all, o.GetName())
		}
	}
	return all, nil
}

var syncSetKind = apischema.FromAPIVersionAndKind("syncset.gatekeeper.sh/v1alpha1", "SyncSet")

// syncedKinds are those of all SyncSets and of Gatekeeper's Config.
func (s *scenes) syncedKinds(ctx context.Context) (map[apischema.GroupVersionKind]bool, error) {
	synced := map[apischema.GroupVersionKind]bool{}
	for kind, path := range map[apischema.GroupVersionKind][]string{
		syncSetKind: {"spec", "gvks"},
		apischema.FromAPIVersionAndKind("config.gatekeeper.sh/v1alpha1", "Config"): {"spec", "sync", "syncOnly"},
	} {
		all, err := s.client.List(ctx, kind)
		if meta.IsNoMatchError(err) {
			continue
		} else if err != nil {
			return nil, err
		}
		for _, o := range all {
			kinds, _, err := unstructured.NestedSlice(o.Object, path...)
			if err != nil {
				return nil, fmt.Errorf("read %s %s: %w", o.GetKind(), o.GetName(), err)
			}
			for _, k := range kinds {
				fields, _ := k.(map[string]any)
				text := func(key string) string { value, _ := fields[key].(string); return value }
				synced[apischema.GroupVersionKind{Group: text("group"), Version: text("version"), Kind: text("kind")}] = true
			}
		}
	}
	return synced, nil
}

// plan moves fixtures into namespaces of the visit, which it makes.
func (s *scenes) plan(ctx context.Context) error {
	all, err := fixture.Load(s.runner.FS)
	if err != nil {
		return err
	}
	for _, f := range all {
		if f.Flavor != flavor || f.Constraints != "" {
			continue
		}
		input, err := s.runner.Read(ctx, f.Path)
		if err != nil {
			return err
		}
		stands := func(kind string) []string { return s.stands(f, kind) }
		if !slices.ContainsFunc(input.Objects, func(o *manifest.Object) bool { return len(stands(o.Kind())) > 0 }) {
			continue
		}
		if err := s.move(ctx, f.Path, input.Objects, stands); err != nil {
			return err
		}
	}
	return nil
}

// stands is what an object of a fixture may show of the rules that compare objects.
func (s *scenes) stands(f fixture.Fixture, kind string) (all []string) {
	for _, r := range s.comparing() {
		switch {
		case !slices.Contains(r.Kinds, kind) || s.lacking(r) != "":
		case f.Allow() && r.Policy.Name == f.Folder:
			all = append(all, "good "+f.Folder+" "+kind)
		case slices.ContainsFunc(f.Wants, func(w fixture.Want) bool { return w.Rule == r.ID }):
			all = append(all, r.ID+" "+kind)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// move makes a scene of a fixture's objects and the context's.
func (s *scenes) move(ctx context.Context, name string, objects []*manifest.Object, stands func(kind string) []string) error {
	likes := map[string]*manifest.Object{}
	for _, o := range slices.Concat(s.runner.Context, objects) {
		if o.Kind() == "Namespace" {
			likes[o.Name()] = o
		}
	}
	sc := &scene{fixture: name}
	moved := map[string]string{}
	place := func(namespace string) error {
		if _, done := moved[namespace]; done || s.reserved(namespace) {
			return nil
		}
		like := likes[namespace]
		if like == nil {
			like = likes[s.runner.Context[0].Name()]
		}
		own, err := s.namespaceFor(ctx, like, sc.namespaces)
		if own != "" {
			sc.namespaces = append(sc.namespaces, own)
		}
		moved[namespace] = own
		return err
	}
	for _, o := range slices.Concat(objects, s.runner.Context) {
		namespace := o.Namespace()
		if o.Kind() == "Namespace" {
			namespace = o.Name()
		}
		if namespace != "" {
			if err := place(namespace); err != nil {
				return err
			}
		}
	}
	move := func(o *manifest.Object) (*unstructured.Unstructured, string) {
		value := object(s.t, o.Value)
		if labels, _, err := unstructured.NestedMap(value.Object, "metadata", "labels"); err != nil || len(labels) != len(value.GetLabels()) {
			return nil, "labels that the API server doesn't take"
		}
		switch {
		case o.Namespace() != "" || o.Kind() == "Namespace":
			namespace := o.Namespace()
			if namespace == "" {
				namespace = o.Name()
			}
			if s.reserved(namespace) {
				return nil, "objects of namespace " + namespace
			}
			if moved[namespace] == "" {
				return nil, "a namespace that the cluster refuses"
			}
		}
		changed, _ := s.renamed(value.Object, moved).(map[string]any)
		value.Object = changed
		if o.Kind() != "Namespace" {
			value.SetName(o.Name())
		}
		if o.Namespace() == "" && o.Kind() != "Namespace" {
			value.SetName(s.name + "-" + o.Name()) // the Constraints go by it
		}
		return value, ""
	}
	for _, o := range s.runner.Context {
		replaced := slices.ContainsFunc(objects, func(other *manifest.Object) bool { return identity(other.Value) == identity(o.Value) })
		if value, _ := move(o); value != nil && !replaced && o.Kind() != "Namespace" {
			sc.context = append(sc.context, value)
		}
	}
	for _, o := range objects {
		if binding, _ := move(o); binding != nil {
			if role := s.role(binding, objects); role != nil {
				sc.context = append(sc.context, role)
			}
		}
	}
	show := false
	for _, o := range objects {
		value, why := move(o)
		if value == nil {
			for _, what := range stands(o.Kind()) {
				s.because(what, why)
			}
			continue
		}
		if _, ok := s.served(value.GetAPIVersion(), value.GetKind()); !ok {
			for _, what := range stands(o.Kind()) {
				s.because(what, "the cluster doesn't serve "+value.GetAPIVersion()+" "+value.GetKind())
			}
			continue
		}
		if s.role(value, objects) != nil {
			must(s.t, unstructured.SetNestedField(value.Object, "Role", "roleRef", "kind"))
		}
		sc.documents = append(sc.documents, sceneDocument{value, stands(o.Kind())})
		show = show || len(stands(o.Kind())) > 0
	}
	if show && len(sc.namespaces) > 0 {
		s.all = append(s.all, sc)
	}
	return nil
}

// role is a ClusterRole of a fixture, to which a RoleBinding refers, as a Role beside that: it gives the same rights there, and can be
// stored. It is nil if the binding refers to none.
func (s *scenes) role(binding *unstructured.Unstructured, objects []*manifest.Object) *unstructured.Unstructured {
	text := func(path ...string) string {
		value, _, _ := unstructured.NestedString(binding.Object, path...)
		return value
	}
	if binding.GetKind() != "RoleBinding" || text("roleRef", "kind") != "ClusterRole" {
		return nil
	}
	for _, o := range objects {
		if o.Kind() != "ClusterRole" || o.Name() != text("roleRef", "name") {
			continue
		}
		value := object(s.t, o.Value)
		rules, found, err := unstructured.NestedSlice(value.Object, "rules")
		if err != nil || !found || len(value.GetLabels()) > 0 {
			return nil
		}
		return object(s.t, map[string]any{
			"apiVersion": o.APIVersion(), "kind": "Role", "rules": rules,
			"metadata": map[string]any{"name": o.Name(), "namespace": binding.GetNamespace()},
		})
	}
	return nil
}

// reserved says whether a namespace is the platform's. Nothing is done in it, nor is anything of it moved elsewhere: policies know it
// by its name.
func (s *scenes) reserved(namespace string) bool {
	return slices.Contains(s.runner.Config.SystemNamespaces, namespace) || strings.HasPrefix(namespace, "kube-") ||
		slices.Contains([]string{"istio-system", "kyma-system", gatekeeperNamespace, metav1.NamespaceDefault}, namespace)
}

var word = regexp.MustCompile(`[A-Za-z0-9-]+`)

// renamed is a value in which namespaces have other names, wherever they are named. So have issuers and hosts: policies compare those of
// all namespaces, and nobody's may be found to be the same.
func (s *scenes) renamed(value any, names map[string]string) any {
	switch value := value.(type) {
	case map[string]any:
		changed := map[string]any{}
		for key, member := range value {
			changed[key] = s.renamed(member, names)
		}
		return changed
	case []any:
		changed := make([]any, len(value))
		for i, member := range value {
			changed[i] = s.renamed(member, names)
		}
		return changed
	case string:
		value = strings.ReplaceAll(value, "example.com", s.name+".example")
		return word.ReplaceAllStringFunc(value, func(w string) string {
			if name := names[w]; name != "" {
				return name
			}
			return w
		})
	default:
		return value
	}
}

// namespaceFor is a namespace of the visit like another, but not one of those that are taken; empty if the cluster refuses it.
func (s *scenes) namespaceFor(ctx context.Context, like *manifest.Object, taken []string) (string, error) {
	o := object(s.t, like.Value)
	labels := o.GetLabels()
	delete(labels, "kubernetes.io/metadata.name")
	key := fmt.Sprint(labels, o.GetAnnotations())
	for _, name := range s.pool[key] {
		if name == "" || !slices.Contains(taken, name) {
			return name, nil
		}
	}
	namespace := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Namespace"}}
	namespace.SetName(fmt.Sprintf("%s-scene-%d", s.name, len(s.likes)))
	namespace.SetLabels(labels)
	namespace.SetAnnotations(o.GetAnnotations())
	if err := s.make(ctx, namespace); err != nil {
		if !apierrors.IsForbidden(err) && !apierrors.IsInvalid(err) {
			return "", err
		}
		s.forget(namespace)
		s.pool[key] = append(s.pool[key], "")
		return "", nil
	}
	s.likes[namespace.GetName()] = namespace
	s.pool[key] = append(s.pool[key], namespace.GetName())
	return namespace.GetName(), nil
}

// own are the scenes' namespaces.
func (s *scenes) own() []any {
	var all []any
	for _, name := range slices.Sorted(maps.Keys(s.likes)) {
		all = append(all, name)
	}
	return all
}

// guard has the API server refuse, in the scenes' namespaces, all that would run or be exposed, and sees that it does.
func (s *scenes) guard(ctx context.Context) error {
	hard := map[string]any{}
	for _, what := range none {
		hard[what] = "0"
	}
	for name := range s.likes {
		o := object(s.t, map[string]any{
			"apiVersion": "v1", "kind": "ResourceQuota",
			"metadata": map[string]any{"name": quota, "namespace": name},
			"spec":     map[string]any{"hard": hard},
		})
		if err := s.make(ctx, o); err != nil {
			return err
		}
		resource, err := s.client.Resource(o.GroupVersionKind(), name)
		if err != nil {
			return err
		}
		// It holds once somebody has counted what there is: nothing.
		patch, err := json.Marshal(map[string]any{"status": map[string]any{"hard": hard, "used": hard}})
		if err != nil {
			return err
		}
		if _, err := resource.Patch(ctx, quota, types.MergePatchType, patch, metav1.PatchOptions{}, "status"); err != nil {
			return err
		}
		workload := object(s.t, map[string]any{
			"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": quota, "namespace": name},
			"spec": map[string]any{
				"selector": map[string]any{"matchLabels": map[string]any{"app": quota}},
				"template": map[string]any{
					"metadata": map[string]any{"labels": map[string]any{"app": quota}},
					"spec":     map[string]any{"containers": []any{map[string]any{"name": "none", "image": "none"}}},
				},
			},
		})
		err = cluster.Poll(ctx, synced, func(ctx context.Context) error {
			v, err := s.client.Create(ctx, workload.DeepCopy(), true)
			if err == nil && !byQuota(v.Refused) {
				err = fmt.Errorf("the API server doesn't keep Deployments out of %s: %s", name, v)
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("%w; nothing is stored there", err)
		}
	}
	return nil
}

func byQuota(err error) bool {
	return err != nil && strings.Contains(err.Error(), "exceeded quota: "+quota)
}

// tell has Gatekeeper tell, by an answer to dry runs about ConfigMaps of one name in the visit's namespaces, what it knows of these.
func (s *scenes) tell(ctx context.Context) error {
	var template, teller map[string]any
	kind := "KfsE2e" + strings.TrimPrefix(s.name, mark+"-")
	own, err := json.Marshal(s.own())
	if err != nil {
		return err
	}
	template = map[string]any{
		"apiVersion": templateKind.GroupVersion().String(), "kind": templateKind.Kind,
		"metadata": map[string]any{"name": strings.ToLower(kind)},
		"spec": map[string]any{
			"crd": map[string]any{"spec": map[string]any{"names": map[string]any{"kind": kind}}},
			"targets": []any{map[string]any{
				"target": "admission.k8s.gatekeeper.sh",
				"code": []any{map[string]any{"engine": "Rego", "source": map[string]any{"version": "v1", "rego": fmt.Sprintf(`package knowledge

violation contains {"msg": sprintf("knowledge %%s", [json.marshal(objects)])}

own := %s

objects contains known("", data.inventory.cluster.v1.Namespace[name]) if some name in own

objects contains known(name, data.inventory.namespace[name][_][_][_]) if some name in own

known(namespace, o) := {
  "namespace": namespace,
  "visit": object.get(o.metadata, ["labels", %q], ""),
  "version": sprintf("%%s %%s", [o.metadata.uid, o.metadata.resourceVersion]),
}
`, own, mark)}}},
			}},
		},
	}
	teller = map[string]any{
		"apiVersion": "constraints.gatekeeper.sh/v1beta1", "kind": kind, "metadata": map[string]any{"name": s.name + "-knowledge"},
		"spec": map[string]any{"match": map[string]any{
			"kinds":      []any{map[string]any{"apiGroups": []any{""}, "kinds": []any{"ConfigMap"}}},
			"namespaces": s.own(), "name": knowledge, "scope": "Namespaced",
		}},
	}
	if err := s.make(ctx, object(s.t, template)); err != nil {
		return err
	}
	if err := s.client.EstablishedOne(ctx, strings.ToLower(kind)+".constraints.gatekeeper.sh"); err != nil {
		return err
	}
	return s.makeConstraint(ctx, object(s.t, teller))
}

// constrain stores the Constraints for the scenes: one for what is in the namespaces, one for these themselves, and one for what is in
// no namespace but has the visit's name.
func (s *scenes) constrain(ctx context.Context) error {
	selected := func(r *policy.Rule) bool { return !decidable(r) && s.lacking(r) == "" }
	namespaced := func(c *constraint.Constraint, want bool, only func(kind string) bool) []any {
		return slices.DeleteFunc(s.kinds(c, want), func(k any) bool {
			fields, _ := k.(map[string]any)
			kinds, _ := fields["kinds"].([]any)
			return !only(fmt.Sprint(kinds[0]))
		})
	}
	every := func(string) bool { return true }
	is := func(kind string) bool { return kind == "Namespace" }
	isNot := func(kind string) bool { return kind != "Namespace" }
	s.constraints = nil // the others are for other namespaces
	return s.visit.constrain(ctx, selected, []reach{
		{"-scene", "warn", map[string]any{"namespaces": s.own(), "scope": "Namespaced"},
			func(c *constraint.Constraint) []any { return namespaced(c, true, every) }},
		{"-scene-itself", "warn", map[string]any{"namespaces": s.own(), "scope": "Cluster"},
			func(c *constraint.Constraint) []any { return namespaced(c, false, is) }},
		{"-scene-outside", "warn", map[string]any{"name": s.name + "-*", "scope": "Cluster"},
			func(c *constraint.Constraint) []any { return namespaced(c, false, isNot) }},
	})
}

// inert says why an object can't be stored: somebody would act on it, or it would do something by itself. It is empty if nothing does.
func (s *scenes) inert(o *unstructured.Unstructured) string {
	kind := o.GetKind()
	text := func(path ...string) string { value, _, _ := unstructured.NestedString(o.Object, path...); return value }
	has := func(path ...string) bool {
		value, found, err := unstructured.NestedFieldNoCopy(o.Object, path...)
		return err != nil || found && value != nil
	}
	switch {
	case s.acted[kind] != "":
		return "no " + kind + " can be stored, since it would be acted on"
	case !slices.Contains(s.kept, o.GroupVersionKind()):
		return "a " + kind + " isn't stored in another version than the one that Gatekeeper keeps" // it may lose something
	case len(o.GetAnnotations())+len(o.GetFinalizers())+len(o.GetOwnerReferences()) > 0 || o.GetName() == "":
		return "a " + kind + " with annotations, finalizers, owners or no name isn't stored"
	}
	switch kind {
	case "APIRule", "AuthorizationPolicy", "Function", "NetworkPolicy", "PeerAuthentication", "Role", "ServiceAccount", "VulnerabilityReport":
		return ""
	case "Service":
		ip := text("spec", "clusterIP")
		if slices.Contains([]string{"", "ClusterIP"}, text("spec", "type")) && slices.Contains([]string{"", "None"}, ip) &&
			!has("spec", "externalIPs") && !has("spec", "loadBalancerIP") && !has("spec", "clusterIPs") {
			return ""
		}
		return "a Service isn't stored that is known outside the cluster"
	default:
		return "no " + kind + " is stored"
	}
}

// tries is how many documents may try to show something.
const tries = 12

// judge plays the scenes one after the other, until all that they can show is shown.
func (s *scenes) judge(ctx context.Context) {
	t := s.t
	must(t, s.others(ctx))
	judged, findings, shown, rules, tried := 0, 0, map[string]bool{}, map[string]bool{}, map[string]int{}
	for _, sc := range s.all {
		promising := false
		for _, d := range sc.documents {
			for _, what := range d.stands {
				if !shown[what] && tried[what] < tries {
					promising = true
				}
			}
		}
		if !promising {
			continue
		}
		for _, d := range sc.documents {
			for _, what := range d.stands {
				tried[what]++
			}
		}
		before := len(s.made)
		there, err := s.set(ctx, sc)
		if err != nil {
			s.stopped(ctx)
			t.Errorf("%s: %v", sc.fixture, err)
		}
		for i, d := range sc.documents {
			if err != nil || len(d.stands) == 0 {
				continue
			}
			messages, refused, wrong := s.verdict(ctx, sc, d, there[i])
			s.stopped(ctx)
			switch {
			case wrong != nil:
				t.Errorf("%s, %s %s: %v", sc.fixture, d.object.GetKind(), d.object.GetName(), wrong)
				continue
			case refused != nil:
				for _, what := range d.stands {
					s.because(what, fmt.Sprintf("%s: %v", sc.fixture, refused))
				}
				continue
			}
			judged++
			findings += len(messages)
			for _, m := range messages {
				rules[ruleOf(m)] = true
				shown[ruleOf(m)+" "+d.object.GetKind()] = true
			}
			for _, what := range d.stands {
				if len(messages) == 0 && strings.HasPrefix(what, "good ") {
					shown[what] = true
				}
			}
		}
		must(t, s.strike(ctx, before))
	}
	for _, sc := range s.all {
		for _, d := range sc.documents {
			for _, what := range d.stands {
				if !shown[what] {
					s.because(what, "")
				}
			}
		}
	}
	all := s.comparing()
	t.Logf("rules that compare objects: %d of %d judged, each as kfs says, on %d objects with %d others stored around them, %d findings: %q",
		len(rules), len(all), judged, s.stored, findings, slices.Sorted(maps.Keys(rules)))
	for _, r := range all {
		if rules[r.ID] {
			continue
		}
		why := s.lacking(r)
		if why == "" {
			all := map[string]bool{}
			for _, kind := range r.Kinds {
				maps.Copy(all, s.why[r.ID+" "+kind])
			}
			why = reasons(all)
		}
		if why == "" {
			why = "no fixture can show it here"
		}
		s.skip("rules that compare objects", r.ID+": "+why)
	}
	for _, what := range slices.Sorted(maps.Keys(s.why)) {
		if rule, _, _ := strings.Cut(what, " "); !shown[what] && (rule == "good" || rules[rule]) {
			s.skip("what no fixture shows here, of rules that compare objects", what+": "+reasons(s.why[what]))
		}
	}
	if len(rules) == 0 && len(s.all) > 0 {
		t.Error("no rule that compares objects spoke")
	}
}

// reasons are the plainest of many: what a fixture has against it comes after what all have.
func reasons(of map[string]bool) string {
	all := slices.SortedFunc(maps.Keys(of), func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) })
	if n := len(all); n > 2 {
		all = append(all[:2], fmt.Sprintf("and %d more", n-2))
	}
	return strings.Join(all, "; ")
}

// stopped ends the visit if it was interrupted.
func (s *scenes) stopped(ctx context.Context) {
	if ctx.Err() != nil {
		s.t.Fatalf("stopped: %v", context.Cause(ctx))
	}
}

func (s *scenes) because(what, why string) {
	if s.why[what] == nil {
		s.why[what] = map[string]bool{}
	}
	if why != "" {
		s.why[what][why] = true
	}
}

// set stores what is inert of a scene. It returns which documents are there.
func (s *scenes) set(ctx context.Context, sc *scene) (map[int]bool, error) {
	there := map[int]bool{}
	reads := map[string]bool{}
	for _, k := range s.kept {
		reads[k.Kind] = true
	}
	objects := slices.Clone(sc.context)
	for _, d := range sc.documents {
		objects = append(objects, d.object)
	}
	missing := map[string]bool{}
	var denied []int
	put := func(i int) (bool, error) {
		o := objects[i]
		if o.GetKind() == "Namespace" {
			there[i-len(sc.context)] = true
			return true, nil
		}
		if !reads[o.GetKind()] {
			return true, nil
		}
		if why := s.inert(o); why != "" {
			missing[why] = true
			return true, nil
		}
		o = o.DeepCopy()
		if o.GetKind() == "Service" { // so it takes no address, and is no proxy's concern
			must(s.t, unstructured.SetNestedField(o.Object, "None", "spec", "clusterIP"))
		}
		err := s.put(ctx, o)
		var status apierrors.APIStatus
		switch {
		case errors.As(err, &status) && (apierrors.IsForbidden(err) || apierrors.IsInvalid(err) || apierrors.IsBadRequest(err)):
			missing[fmt.Sprintf("%s %s is refused: %.200s", o.GetKind(), o.GetName(), status.Status().Message)] = true
			return false, nil
		case err != nil:
			return false, err
		}
		there[i-len(sc.context)] = true
		return true, nil
	}
	for i := range objects {
		done, err := put(i)
		if err != nil {
			return nil, err
		}
		if !done {
			denied = append(denied, i)
		}
	}
	// Somebody's policies may want to know of others first.
	if len(denied) > 0 {
		if _, err := s.settle(ctx, sc); err != nil {
			return nil, err
		}
		before := missing
		missing = map[string]bool{}
		for why := range before {
			if !strings.Contains(why, " is refused: ") {
				missing[why] = true
			}
		}
		for _, i := range denied {
			if _, err := put(i); err != nil {
				return nil, err
			}
		}
	}
	for why := range missing {
		for _, d := range sc.documents {
			for _, what := range d.stands {
				s.because(what, why)
			}
		}
	}
	var err error
	sc.around, err = s.settle(ctx, sc)
	return there, err
}

// put stores an object in a namespace of the visit. What a controller has made there already, as the default ServiceAccount, it changes.
func (s *scenes) put(ctx context.Context, o *unstructured.Unstructured) error {
	if s.likes[o.GetNamespace()] == nil {
		return fmt.Errorf("%s %s would be stored in namespace %q, which isn't the visit's", o.GetKind(), o.GetName(), o.GetNamespace())
	}
	if strings.Contains(fmt.Sprint(o.Object), "example.com") {
		return fmt.Errorf("%s %s would be stored with a host or an issuer that others may have", o.GetKind(), o.GetName())
	}
	err := s.make(ctx, o)
	if apierrors.IsAlreadyExists(err) {
		var resource dynamic.ResourceInterface
		if resource, err = s.client.Resource(o.GroupVersionKind(), o.GetNamespace()); err != nil {
			return err
		}
		var refused error // for good
		err = cluster.Poll(ctx, synced, func(ctx context.Context) error {
			now, err := resource.Get(ctx, o.GetName(), metav1.GetOptions{})
			if err != nil {
				return err
			}
			o.SetResourceVersion(now.GetResourceVersion())
			_, refused = resource.Update(ctx, o, metav1.UpdateOptions{FieldManager: s.name})
			if apierrors.IsConflict(refused) || apierrors.IsNotFound(refused) {
				return refused
			}
			return nil
		})
		if err == nil {
			err = refused
		}
	}
	if err == nil {
		s.stored++
	} else if apierrors.IsForbidden(err) || apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) {
		s.forget(o)
	}
	return err
}

// strike removes what a scene has stored.
func (s *scenes) strike(ctx context.Context, before int) error {
	for _, o := range slices.Backward(s.made[before:]) {
		if err := s.remove(ctx, o); err != nil {
			return err
		}
	}
	s.made = s.made[:before]
	return nil
}

// known is an object that Gatekeeper knows.
type known struct {
	Namespace string `json:"namespace"`
	Visit     string `json:"visit"` // its label
	Version   string `json:"version"`
}

// settle waits until Gatekeeper knows what is in the scene's namespaces, and nothing of other scenes. It returns what that is.
func (s *scenes) settle(ctx context.Context, sc *scene) ([]*manifest.Object, error) {
	about := &unstructured.Unstructured{}
	about.SetGroupVersionKind(apischema.FromAPIVersionAndKind("v1", "ConfigMap"))
	about.SetNamespace(sc.namespaces[0])
	about.SetName(knowledge)
	var all []*manifest.Object
	err := cluster.Poll(ctx, synced, func(ctx context.Context) error {
		var values []map[string]any
		want := []string{}
		for _, kind := range s.kept {
			list, err := s.listOwn(ctx, kind, sc)
			if err != nil {
				return err
			}
			for _, o := range list {
				want = append(want, string(o.GetUID())+" "+o.GetResourceVersion())
				o.SetManagedFields(nil)
				values = append(values, o.Object)
			}
		}
		v, err := s.client.Create(ctx, about.DeepCopy(), true)
		if err != nil && len(v.By) == 0 {
			return err
		}
		text := ""
		for _, m := range s.visit.own(v.By) {
			if found, ok := strings.CutPrefix(m, "knowledge "); ok {
				text = found
			}
		}
		var objects []known
		if err := json.Unmarshal([]byte(text), &objects); err != nil {
			return fmt.Errorf("Gatekeeper doesn't tell what it knows: %s", v)
		}
		got := []string{}
		for _, o := range objects {
			// In other scenes' namespaces there is what controllers put into each.
			if o.Namespace == "" || slices.Contains(sc.namespaces, o.Namespace) || o.Visit != "" {
				got = append(got, o.Version)
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := gocmp.Diff(want, got); diff != "" {
			return fmt.Errorf("-there +known to Gatekeeper, in %q:\n%s", sc.namespaces, diff)
		}
		all = manifests(s.t, values)
		return nil
	})
	return all, err
}

// listOwn lists the objects of a kind in the scene's namespaces; of Namespaces, those of all scenes.
func (s *scenes) listOwn(ctx context.Context, kind apischema.GroupVersionKind, sc *scene) ([]*unstructured.Unstructured, error) {
	scoped, err := s.client.Namespaced(kind)
	if err != nil || !scoped && kind.Kind != "Namespace" {
		return nil, err
	}
	var all []*unstructured.Unstructured
	places, options := sc.namespaces, metav1.ListOptions{}
	if !scoped {
		places, options.LabelSelector = []string{""}, mark+"="+s.name
	}
	for _, namespace := range places {
		resource, err := s.client.Resource(kind, namespace)
		if err != nil {
			return nil, err
		}
		list, err := resource.List(ctx, options)
		if err != nil {
			return nil, err
		}
		for i := range list.Items {
			if o := &list.Items[i]; scoped || s.likes[o.GetName()] != nil {
				all = append(all, o)
			}
		}
	}
	return all, nil
}

// others reads what Gatekeeper keeps besides the scenes' objects, which kfs must know too.
func (s *scenes) others(ctx context.Context) error {
	var values []map[string]any
	for _, kind := range s.kept {
		list, err := s.client.List(ctx, kind)
		if err != nil {
			return err
		}
		for _, o := range list {
			if s.likes[o.GetNamespace()] == nil && (o.GetKind() != "Namespace" || s.likes[o.GetName()] == nil) {
				o.SetManagedFields(nil)
				values = append(values, o.Object)
			}
		}
	}
	s.world = manifests(s.t, values)
	return nil
}

// verdict has the cluster judge a document: what is there as an update that changes nothing, anything else as it is created. It must be
// kfs's verdict on the same with what is in the cluster.
func (s *scenes) verdict(ctx context.Context, sc *scene, d sceneDocument, there bool) (messages []string, refused, wrong error) {
	again := false
	wrong = cluster.Poll(ctx, synced, func(ctx context.Context) error {
		if again { // somebody may have changed something
			var err error
			if sc.around, err = s.settle(ctx, sc); err != nil {
				return err
			}
			if err := s.others(ctx); err != nil {
				return err
			}
		}
		again = true
		judged := d.object
		if there {
			resource, err := s.client.Resource(judged.GroupVersionKind(), judged.GetNamespace())
			if err != nil {
				return err
			}
			if judged, err = resource.Get(ctx, judged.GetName(), metav1.GetOptions{}); err != nil {
				return err
			}
			judged.SetManagedFields(nil)
		}
		want, err := s.kfs(ctx, judged, slices.Concat(s.world, sc.around), there)
		if err != nil {
			return err
		}
		ask := func() (cluster.Verdict, error) { return s.client.Create(ctx, judged.DeepCopy(), true) }
		if there {
			ask = func() (cluster.Verdict, error) { return s.client.Touch(ctx, judged) }
		}
		got, err := ask()
		if err != nil && len(got.By) == 0 {
			return err
		}
		// The quota's is the last word, after Gatekeeper's.
		if refused = got.Refused; refused != nil && !byQuota(refused) {
			return nil
		}
		refused = nil
		messages = s.visit.own(got.By)
		if diff := gocmp.Diff(want, messages); diff != "" {
			return fmt.Errorf("-kfs +cluster:\n%s", diff)
		}
		return nil
	})
	return messages, refused, wrong
}

// kfs are the messages of kfs's findings, with the visit's Constraints and what is in the cluster.
func (s *scenes) kfs(ctx context.Context, o *unstructured.Unstructured, around []*manifest.Object, update bool) ([]string, error) {
	r, err := check.Run(ctx, s.runner.Library, s.runner.Schemas, &manifest.Input{Objects: manifests(s.t, []map[string]any{o.Object})},
		check.Options{
			Profile: profile, Flavor: flavor, Constraints: s.constraints, Context: around,
			Program: s.runner.Program, Engine: engine.Options{Complete: true},
		})
	if err != nil {
		return nil, err
	}
	if len(r.Errors) > 0 {
		return nil, errors.New(r.Errors[0].Message)
	}
	messages := []string{}
	for _, f := range r.Findings {
		if f.Policy != "manifest" && (f.Action == report.Deny || f.Action == report.Warn) &&
			(update || !slices.Contains(afterwards, ruleOf(f.Message))) {
			messages = append(messages, f.Message)
		}
	}
	slices.Sort(messages)
	return slices.Compact(messages), nil
}
