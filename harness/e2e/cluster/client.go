package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"sigs.k8s.io/yaml"
)

// A Client is a user of the cluster. It is safe for concurrent use.
type Client struct {
	// Validation is what the API server does with fields that a kind doesn't have: Strict, kubectl's, or Ignore.
	Validation string

	config  *rest.Config
	dynamic dynamic.Interface
	found   discovery.DiscoveryInterface
	mapper  *restmapper.DeferredDiscoveryRESTMapper
}

// client makes a client of a new user.
func (c *Cluster) client(user string, groups ...string) (*Client, error) {
	certificate, key, err := c.ca.issue(user, groups)
	if err != nil {
		return nil, err
	}
	return newClient(&rest.Config{
		Host:            c.host,
		TLSClientConfig: rest.TLSClientConfig{CAData: c.ca.pem, CertData: certificate, KeyData: key},
	})
}

func newClient(config *rest.Config) (client *Client, err error) {
	config.QPS = -1
	config.Timeout = 2 * time.Minute
	config.WarningHandlerWithContext = warningsOfContext{}
	client = &Client{Validation: metav1.FieldValidationStrict, config: config}
	if client.dynamic, err = dynamic.NewForConfig(config); err != nil {
		return nil, err
	}
	if client.found, err = discovery.NewDiscoveryClientForConfig(config); err != nil {
		return nil, err
	}
	client.mapper = restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client.found))
	return client, nil
}

// Namespaced says whether objects of a kind are in namespaces.
func (c *Client) Namespaced(kind schema.GroupVersionKind) (bool, error) {
	mapping, err := c.mapping(kind)
	return err == nil && mapping.Scope.Name() == meta.RESTScopeNameNamespace, err
}

func (c *Client) mapping(kind schema.GroupVersionKind) (*meta.RESTMapping, error) {
	mapping, err := c.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if meta.IsNoMatchError(err) {
		c.mapper.Reset()
		mapping, err = c.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	}
	return mapping, err
}

// Resource is where objects of a kind are, in the namespace if the kind has one.
func (c *Client) Resource(kind schema.GroupVersionKind, namespace string) (dynamic.ResourceInterface, error) {
	mapping, err := c.mapping(kind)
	if err != nil {
		return nil, err
	}
	if mapping.Scope.Name() == meta.RESTScopeNameRoot {
		return c.dynamic.Resource(mapping.Resource), nil
	}
	if namespace == "" {
		namespace = metav1.NamespaceDefault
	}
	return c.dynamic.Resource(mapping.Resource).Namespace(namespace), nil
}

func (c *Client) of(o *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	return c.Resource(o.GroupVersionKind(), o.GetNamespace())
}

// List returns the objects of a kind in all namespaces.
func (c *Client) List(ctx context.Context, kind schema.GroupVersionKind) ([]*unstructured.Unstructured, error) {
	if _, err := c.Resource(kind, ""); err != nil { // which may have to discover it
		return nil, fmt.Errorf("list %s: %w", kind.Kind, err)
	}
	mapping, err := c.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", kind.Kind, err)
	}
	list, err := c.dynamic.Resource(mapping.Resource).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", kind.Kind, err)
	}
	objects := make([]*unstructured.Unstructured, len(list.Items))
	for i := range list.Items {
		objects[i] = &list.Items[i]
	}
	return objects, nil
}

// Apply is kubectl apply --server-side.
func (c *Client) Apply(ctx context.Context, o *unstructured.Unstructured) error {
	resource, err := c.of(o)
	if err != nil {
		return fmt.Errorf("apply %s %s: %w", o.GetKind(), o.GetName(), err)
	}
	if _, err := resource.Apply(ctx, o.GetName(), o, metav1.ApplyOptions{FieldManager: "kfs-e2e", Force: true}); err != nil {
		return fmt.Errorf("apply %s %s: %w", o.GetKind(), o.GetName(), err)
	}
	return nil
}

// ApplyFolder is kubectl apply --server-side -k, for kustomizations that only list files and folders.
func (c *Client) ApplyFolder(ctx context.Context, folder string) ([]*unstructured.Unstructured, error) {
	objects, err := ReadFolder(folder)
	if err != nil {
		return nil, err
	}
	for _, o := range objects {
		if err := c.Apply(ctx, o); err != nil {
			return nil, err
		}
	}
	return objects, nil
}

// ReadFolder is kubectl kustomize, for kustomizations that only list files and folders.
func ReadFolder(folder string) ([]*unstructured.Unstructured, error) {
	data, err := os.ReadFile(filepath.Join(folder, "kustomization.yaml"))
	if err != nil {
		return nil, err
	}
	var kustomization struct {
		APIVersion, Kind string
		Resources        []string
	}
	if err := yaml.UnmarshalStrict(data, &kustomization); err != nil {
		return nil, fmt.Errorf("read %s: %w", folder, err)
	}
	var all []*unstructured.Unstructured
	for _, name := range kustomization.Resources {
		name = filepath.Join(folder, name)
		info, err := os.Stat(name)
		if err != nil {
			return nil, err
		}
		read := ReadFile
		if info.IsDir() {
			read = ReadFolder
		}
		objects, err := read(name)
		if err != nil {
			return nil, err
		}
		all = append(all, objects...)
	}
	return all, nil
}

// Established waits for the CRDs with a label, of which there are at least so many.
func (c *Client) Established(ctx context.Context, selector string, atLeast int) error {
	kind := schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}
	resource, err := c.Resource(kind, "")
	if err != nil {
		return err
	}
	return Poll(ctx, ready, func(ctx context.Context) error {
		list, err := resource.List(ctx, metav1.ListOptions{LabelSelector: selector})
		if err != nil {
			return err
		}
		if len(list.Items) < max(atLeast, 1) {
			return fmt.Errorf("%d CRDs of %s, want %d", len(list.Items), selector, atLeast)
		}
		for _, crd := range list.Items {
			if !condition(&crd, "Established") {
				return fmt.Errorf("CRD %s isn't established", crd.GetName())
			}
		}
		return nil
	})
}

// EstablishedOne waits for a CRD that somebody else makes.
func (c *Client) EstablishedOne(ctx context.Context, name string) error {
	kind := schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}
	resource, err := c.Resource(kind, "")
	if err != nil {
		return err
	}
	return Poll(ctx, ready, func(ctx context.Context) error {
		crd, err := resource.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if !condition(crd, "Established") {
			return fmt.Errorf("CRD %s isn't established", name)
		}
		return nil
	})
}

func condition(o *unstructured.Unstructured, name string) bool {
	conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	return slices.ContainsFunc(conditions, func(c any) bool {
		fields, _ := c.(map[string]any)
		return fields["type"] == name && fields["status"] == "True"
	})
}

// Delete is kubectl delete --wait=false.
func (c *Client) Delete(ctx context.Context, o *unstructured.Unstructured) error {
	resource, err := c.of(o)
	if err != nil {
		return fmt.Errorf("delete %s %s: %w", o.GetKind(), o.GetName(), err)
	}
	if err := resource.Delete(ctx, o.GetName(), metav1.DeleteOptions{}); err != nil {
		return fmt.Errorf("delete %s %s: %w", o.GetKind(), o.GetName(), err)
	}
	return nil
}

// Gone is kubectl delete --ignore-not-found --wait.
func (c *Client) Gone(ctx context.Context, o *unstructured.Unstructured, timeout time.Duration) error {
	resource, err := c.of(o)
	if err != nil {
		return err
	}
	if err := resource.Delete(ctx, o.GetName(), metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete %s %s: %w", o.GetKind(), o.GetName(), err)
	}
	return Poll(ctx, timeout, func(ctx context.Context) error {
		_, err := resource.Get(ctx, o.GetName(), metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return errors.Join(fmt.Errorf("%s %s is still there", o.GetKind(), o.GetName()), err)
	})
}

// Remove deletes an object that may not exist and waits until it is gone. Of a Namespace it does what the namespace controller
// would do last; what is in it must have been removed before.
func (c *Client) Remove(ctx context.Context, o *unstructured.Unstructured) error {
	resource, err := c.of(o)
	if err != nil {
		return err
	}
	return Poll(ctx, time.Minute, func(ctx context.Context) error {
		zero := int64(0)
		err := resource.Delete(ctx, o.GetName(), metav1.DeleteOptions{GracePeriodSeconds: &zero})
		if err != nil && !apierrors.IsConflict(err) {
			if apierrors.IsNotFound(err) {
				return nil
			}
			return final{err}
		}
		left, err := resource.Get(ctx, o.GetName(), metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if o.GetKind() == "Namespace" {
			unstructured.RemoveNestedField(left.Object, "spec", "finalizers")
			_, err = resource.Update(ctx, left, metav1.UpdateOptions{}, "finalize")
		} else if len(left.GetFinalizers()) > 0 {
			left.SetFinalizers(nil)
			_, err = resource.Update(ctx, left, metav1.UpdateOptions{})
		}
		if err != nil {
			return err
		}
		return fmt.Errorf("%s %s is still there", o.GetKind(), o.GetName())
	})
}

// A Verdict is what a request met.
type Verdict struct {
	// Deny and Warn are messages of policies, without the constraint's name, sorted.
	Deny, Warn []string
	// Refused is the API server's own no: the schema's, or another admission plugin's.
	Refused error
	// Stored says that the request went through.
	Stored bool
	// By are all messages, of anybody's policies, as Gatekeeper gives them: after the constraint's name in brackets.
	By []string
	// Object is what the API server made of the object that was created.
	Object *unstructured.Unstructured
}

func (v Verdict) String() string {
	return fmt.Sprintf("stored %t, refused %v\ndeny %q\nwarn %q", v.Stored, v.Refused, v.Deny, v.Warn)
}

// Create is kubectl create. The error is one that is no verdict, as that of a
// webhook which doesn't answer.
func (c *Client) Create(ctx context.Context, o *unstructured.Unstructured, dryRun bool) (Verdict, error) {
	resource, err := c.of(o)
	if meta.IsNoMatchError(err) {
		return Verdict{Refused: err}, nil
	}
	if err != nil {
		return Verdict{}, err
	}
	options := metav1.CreateOptions{FieldValidation: c.Validation}
	if dryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	var created *unstructured.Unstructured
	v, err := Judge(ctx, func(ctx context.Context) (err error) {
		created, err = resource.Create(ctx, o, options)
		return err
	})
	if v.Stored {
		v.Object = created
	}
	return v, err
}

// Touch updates an object without a change, as a dry run. The API server asks its webhooks nevertheless.
func (c *Client) Touch(ctx context.Context, o *unstructured.Unstructured) (Verdict, error) {
	resource, err := c.of(o)
	if err != nil {
		return Verdict{}, err
	}
	return Judge(ctx, func(ctx context.Context) error {
		_, err := resource.Patch(ctx, o.GetName(), types.MergePatchType, []byte("{}"), metav1.PatchOptions{DryRun: []string{metav1.DryRunAll}})
		return err
	})
}

// Part deletes an object, as a dry run.
func (c *Client) Part(ctx context.Context, o *unstructured.Unstructured) (Verdict, error) {
	resource, err := c.of(o)
	if err != nil {
		return Verdict{}, err
	}
	return Judge(ctx, func(ctx context.Context) error {
		return resource.Delete(ctx, o.GetName(), metav1.DeleteOptions{DryRun: []string{metav1.DryRunAll}})
	})
}

// Judge reads the verdict on a request.
func Judge(ctx context.Context, request func(context.Context) error) (Verdict, error) {
	collected := &warnings{}
	err := request(context.WithValue(ctx, warningsKey{}, collected))
	v := Verdict{Stored: err == nil}
	v.By = collected.texts
	v.Warn, _ = messages(strings.Join(collected.texts, "\n"))
	if err == nil {
		return v, nil
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return v, err
	}
	text := status.Status().Message
	_, reason, denied := strings.Cut(text, `admission webhook "validation.gatekeeper.sh" denied the request: `)
	switch {
	case denied:
		v.By = append(v.By, strings.Split(reason, "\n")...)
		var ours bool
		if v.Deny, ours = messages(reason); !ours {
			return v, err
		}
	case strings.Contains(text, "failed calling webhook"), status.Status().Code >= 500, apierrors.IsTooManyRequests(err):
		return v, err
	default:
		v.Refused = err
	}
	return v, nil
}

var prefix = regexp.MustCompile(`^\[[a-z0-9.-]+\] `)

// messages are those of a text that has one in each line, after the constraint's name; false if a line is none.
func messages(text string) ([]string, bool) {
	var found []string
	all := true
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		head := prefix.FindString(line)
		if head == "" {
			all = false
			continue
		}
		found = append(found, line[len(head):])
	}
	slices.Sort(found)
	return slices.Compact(found), all
}

type warningsKey struct{}

// warnings are those that one request brought.
type warnings struct {
	mutex sync.Mutex
	texts []string
}

type warningsOfContext struct{}

func (warningsOfContext) HandleWarningHeaderWithContext(ctx context.Context, code int, _, text string) {
	if w, ok := ctx.Value(warningsKey{}).(*warnings); ok && code == 299 {
		w.mutex.Lock()
		defer w.mutex.Unlock()
		w.texts = append(w.texts, text)
	}
}

// ReadFile reads a file of manifests.
func ReadFile(file string) ([]*unstructured.Unstructured, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var objects []*unstructured.Unstructured
	documents := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), 4096)
	for {
		var o unstructured.Unstructured
		if err := documents.Decode(&o.Object); errors.Is(err, io.EOF) {
			return objects, nil
		} else if err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
		if len(o.Object) > 0 {
			objects = append(objects, &o)
		}
	}
}
