package cluster

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Snapshot is everything that the user may list in the cluster, whatever its kind: for each object, by kind, namespace and name, a
// digest of what it says. Left out are Events and Leases, which come and go, an object's status, and what the API server keeps
// about it.
func (c *Client) Snapshot(ctx context.Context) (map[string]string, error) {
	lists, err := c.found.ServerPreferredResources()
	if err != nil {
		return nil, fmt.Errorf("take a snapshot: %w", err)
	}
	all := map[string]string{}
	for _, list := range lists {
		group, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			return nil, fmt.Errorf("take a snapshot: %w", err)
		}
		for _, kind := range list.APIResources {
			if !slices.Contains(kind.Verbs, "list") || slices.Contains([]string{"Event", "Lease", "ComponentStatus"}, kind.Kind) {
				continue
			}
			objects, err := c.dynamic.Resource(group.WithResource(kind.Name)).List(ctx, metav1.ListOptions{})
			if err != nil {
				return nil, fmt.Errorf("take a snapshot: list %s: %w", kind.Name, err)
			}
			for _, o := range objects.Items {
				name := fmt.Sprintf("%s %s %s/%s", list.GroupVersion, kind.Kind, o.GetNamespace(), o.GetName())
				if all[name], err = digest(&o); err != nil {
					return nil, fmt.Errorf("take a snapshot: %s: %w", name, err)
				}
			}
		}
	}
	return all, nil
}

func digest(o *unstructured.Unstructured) (string, error) {
	unstructured.RemoveNestedField(o.Object, "status")
	for _, field := range []string{"managedFields", "resourceVersion", "generation"} {
		unstructured.RemoveNestedField(o.Object, "metadata", field)
	}
	data, err := json.Marshal(o.Object) // with keys in order
	return fmt.Sprintf("%.8x", sha256.Sum256(data)), err
}
