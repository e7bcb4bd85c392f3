package cluster_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kyma-function-security/harness/e2e/cluster"
	"kyma-function-security/harness/internal/manifest"
	"kyma-function-security/harness/internal/report"
)

// item is an object that the tests put into the cluster.
type item struct {
	source   *manifest.Object           // as it was written
	object   *unstructured.Unstructured // as the API server answered
	reviewed *manifest.Object           // as an update shows it: with the uid that it has in the cluster, by which Services may select
	known    *manifest.Object           // the same as Gatekeeper's inventory has it: in the version that the SyncSets name
}

func (i *item) is(o *manifest.Object) bool { return identity(i.source.Value) == identity(o.Value) }

// around are the items as kfs gets them beside what it judges.
func around(items []*item, but *manifest.Object) []*manifest.Object {
	var all []*manifest.Object
	for _, i := range items {
		if i.source != but && i.reviewed != but {
			all = append(all, i.known)
		}
	}
	return all
}

// store stores an object past the webhook: it was there before the policies.
func (s *suite) store(t *testing.T, o *manifest.Object) *item {
	t.Helper()
	v, err := s.Setup.Create(t.Context(), object(t, o.Value), false)
	must(t, errors.Join(err, v.Refused))
	return s.item(t, o, v.Object)
}

// item is an object that is in the cluster now.
func (s *suite) item(t *testing.T, o *manifest.Object, created *unstructured.Unstructured) *item {
	t.Helper()
	i := &item{source: o, object: created}
	value := object(t, o.Value)
	value.SetName(created.GetName()) // it may have been generated
	value.SetUID(created.GetUID())
	i.reviewed = manifests(t, []map[string]any{value.Object})[0]
	i.known = i.reviewed
	kind := created.GroupVersionKind()
	schema, ok := s.runner.Schemas.Kind(kind.Group, kind.Kind)
	if !ok || schema.BuiltIn() || schema.Synced().Version == kind.Version {
		return i
	}
	// A CRD's objects are stored in one version, and nothing converts here but the API server's own "None", which drops the
	// fields that the other version doesn't have.
	read := func(version string) *manifest.Object {
		resource, err := s.Admin.Resource(kind.GroupKind().WithVersion(version), created.GetNamespace())
		must(t, err)
		now, err := resource.Get(t.Context(), created.GetName(), metav1.GetOptions{})
		must(t, err)
		now.SetManagedFields(nil)
		return manifests(t, []map[string]any{now.Object})[0]
	}
	i.reviewed, i.known = read(kind.Version), read(schema.Synced().Version)
	return i
}

// clear removes items, the latest first and namespaces last: the API server finds nothing in a namespace that is gone.
func (s *suite) clear(t *testing.T, items []*item) {
	t.Helper()
	var objects []*unstructured.Unstructured
	for _, i := range slices.Backward(items) {
		objects = append(objects, i.object)
	}
	s.remove(t, objects)
}

func (s *suite) remove(t *testing.T, objects []*unstructured.Unstructured) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	last := func(o *unstructured.Unstructured) int {
		if o.GetKind() == "Namespace" {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(objects, func(a, b *unstructured.Unstructured) int { return last(a) - last(b) })
	for _, o := range objects {
		if err := s.Setup.Remove(ctx, o); err != nil {
			t.Errorf("remove %s %s: %v", o.GetKind(), o.GetName(), err)
		}
	}
}

// namespaces are those that objects are in and that neither they nor the context have: without it the API server takes no
// object. They are like the context's, but that system namespaces take any pod.
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
			if labels := namespace.GetLabels(); slices.Contains(s.runner.Config.SystemNamespaces, name) {
				labels["pod-security.kubernetes.io/enforce"] = "privileged"
				namespace.SetLabels(labels)
			}
			values = append(values, namespace.Object)
		}
	}
	return manifests(t, values)
}

func identity(value map[string]any) (o report.Object) {
	metadata, _ := value["metadata"].(map[string]any)
	o.Kind, _ = value["kind"].(string)
	o.Namespace, _ = metadata["namespace"].(string)
	o.Name, _ = metadata["name"].(string)
	return o
}

// knowledge has Gatekeeper say, in its answer to a request about an object of this name, which objects it knows, and which
// Namespace it takes the object's to be. It takes a moment to learn of what was stored; whoever asks after that moment can take the
// first answer for its last, and one who asks before it, or until the answer is as wished, can't.
const knowledge = "kfs-e2e-knowledge"

const knowledgeTemplate = `
apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {name: kfse2eknowledge}
spec:
  crd: {spec: {names: {kind: KfsE2EKnowledge}}}
  targets:
    - target: admission.k8s.gatekeeper.sh
      code:
        - engine: Rego
          source:
            version: v1
            rego: |
              package knowledge

              violation contains {"msg": sprintf("knowledge %s", [json.marshal({"namespace": namespace, "objects": objects})])} if {
                input.review.name == "kfs-e2e-knowledge"
              }

              default namespace := ""

              namespace := version(input.review.namespaceObject)

              objects contains version(data.inventory.cluster[_][_][_])

              objects contains version(data.inventory.namespace[_][_][_][_])

              version(o) := sprintf("%s %s", [o.metadata.uid, o.metadata.resourceVersion])
`

const knowledgeConstraint = `
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: KfsE2EKnowledge
metadata: {name: kfs-e2e-knowledge}
spec:
  match:
    kinds:
      - {apiGroups: [""], kinds: [ConfigMap]}
      - {apiGroups: [autoscaling], kinds: [Scale]}
`

// tells installs the template that tells of Gatekeeper's knowledge, until the test ends.
func (s *suite) tells(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	var template, constraint map[string]any
	must(t, yaml.Unmarshal([]byte(knowledgeTemplate), &template))
	must(t, yaml.Unmarshal([]byte(knowledgeConstraint), &constraint))
	must(t, s.Setup.Apply(ctx, object(t, template)))
	// Again and again: what is stored while the API server still serves the CRD of an earlier test goes with that.
	must(t, cluster.Poll(ctx, synced, func(ctx context.Context) error {
		if err := s.Setup.Apply(ctx, object(t, constraint)); err != nil {
			return err
		}
		return s.enforced(ctx, object(t, constraint))
	}))
	t.Cleanup(func() {
		ctx := context.WithoutCancel(ctx)
		must(t, s.Setup.Remove(ctx, object(t, constraint)))
		must(t, s.Setup.Remove(ctx, object(t, template)))
		// Its owner is gone; garbage is nobody's to collect here.
		crd := &unstructured.Unstructured{}
		crd.SetGroupVersionKind(apischema.FromAPIVersionAndKind("apiextensions.k8s.io/v1", "CustomResourceDefinition"))
		crd.SetName("kfse2eknowledge.constraints.gatekeeper.sh")
		must(t, s.Setup.Remove(ctx, crd))
	})
}

// told is what Gatekeeper knows.
type told struct {
	Namespace string   `json:"namespace"` // uid and resourceVersion
	Objects   []string `json:"objects"`   // the same
}

func tellsOf(v cluster.Verdict) (told, error) {
	for _, m := range v.Deny {
		if text, ok := strings.CutPrefix(m, "knowledge "); ok {
			var k told
			err := json.Unmarshal([]byte(text), &k)
			return k, err
		}
	}
	return told{}, fmt.Errorf("Gatekeeper doesn't tell: %s", v)
}

// settle waits until Gatekeeper knows of the system's objects and the items and of nothing else, in that namespace.
func (s *suite) settle(t *testing.T, items []*item, namespace string) error {
	t.Helper()
	if namespace == "" || namespace == gatekeeperNamespace { // whose requests don't reach the webhook
		namespace = metav1.NamespaceDefault
	}
	var want told
	version := func(o *unstructured.Unstructured) string { return string(o.GetUID()) + " " + o.GetResourceVersion() }
	add := func(o *unstructured.Unstructured) {
		if s.synced[o.GroupVersionKind().GroupKind()] == "" {
			return
		}
		want.Objects = append(want.Objects, version(o))
		if o.GetKind() == "Namespace" && o.GetName() == namespace {
			want.Namespace = version(o)
		}
	}
	for _, o := range s.base {
		add(o)
	}
	for _, i := range items {
		add(i.object)
	}
	slices.Sort(want.Objects)
	about := &unstructured.Unstructured{}
	about.SetGroupVersionKind(apischema.FromAPIVersionAndKind("v1", "ConfigMap"))
	about.SetNamespace(namespace)
	about.SetName(knowledge)
	return cluster.Poll(t.Context(), synced, func(ctx context.Context) error {
		v, err := s.Admin.Create(ctx, about.DeepCopy(), true)
		if err != nil {
			return err
		}
		got, err := tellsOf(v)
		if err != nil {
			return err
		}
		slices.Sort(got.Objects)
		if diff := gocmp.Diff(want, got); diff != "" {
			return fmt.Errorf("-there +known to Gatekeeper, in %s:\n%s", namespace, diff)
		}
		return nil
	})
}
