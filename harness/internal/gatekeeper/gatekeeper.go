// Package gatekeeper judges objects with Gatekeeper's own client, the code that runs in its webhook and audit, on the YAML
// that is installed in clusters. It is the measure that kfs's engine must equal, and serves tests alone: kfs doesn't link it.
package gatekeeper

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/open-policy-agent/frameworks/constraint/pkg/apis"
	"github.com/open-policy-agent/frameworks/constraint/pkg/apis/constraints"
	templatesv1 "github.com/open-policy-agent/frameworks/constraint/pkg/apis/templates/v1"
	"github.com/open-policy-agent/frameworks/constraint/pkg/client"
	"github.com/open-policy-agent/frameworks/constraint/pkg/client/drivers/rego"
	"github.com/open-policy-agent/frameworks/constraint/pkg/client/reviews"
	"github.com/open-policy-agent/frameworks/constraint/pkg/core/templates"
	frameworktypes "github.com/open-policy-agent/frameworks/constraint/pkg/types"
	mutationtypes "github.com/open-policy-agent/gatekeeper/v3/pkg/mutation/types"
	"github.com/open-policy-agent/gatekeeper/v3/pkg/target"
	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
)

// Gatekeeper is a running client with its templates, its constraints and its inventory. It is safe for concurrent use; one
// Case is judged at a time.
type Gatekeeper struct {
	mu          sync.Mutex
	client      *client.Client
	constraints []*unstructured.Unstructured
	compiled    int
}

// Case is a cluster and what is reviewed in it. Objects have encoding/json's types and carry the namespace they are in.
type Case struct {
	// Inventory is everything in the cluster, the reviewed objects of an audit included.
	Inventory []map[string]any
	Reviews   []Review
	// Now is the time that policies see; the zero time is the real one.
	Now time.Time
}

// Review is one object to judge. Without an Operation it is what audit does; with one it is the request that the webhook
// gets.
type Review struct {
	Object      map[string]any // of a DELETE the object that goes
	Operation   string         // CREATE, UPDATE, DELETE or empty
	OldObject   map[string]any // of an UPDATE
	SubResource string
	Username    string
	Groups      []string
}

// Result is one violation. Results are comparable where Path is.
type Result struct {
	Review     int    // index in Case.Reviews
	Object     Object // that it is about
	Kind       string // the Constraint's
	Constraint string // its name
	Action     string // deny, warn or dryrun
	Message    string
	Rule       string
	Severity   string
	Fact       string
	Path       []any // strings and json.Number
	Line       int
}

// Object identifies a Kubernetes object.
type Object struct {
	APIVersion, Kind, Namespace, Name string
}

// The enforcement points that a client must be told of: what `scoped` actions name.
const (
	webhook = "validation.gatekeeper.sh"
	audit   = "audit.gatekeeper.sh"
)

// New starts a client as Gatekeeper does, with what reaches outside forbidden, and gives it every ConstraintTemplate among
// the documents of the given YAML; other documents are an error. The first call must precede other evaluations of Rego in
// the process, because it replaces the built-in clock.
func New(ctx context.Context, yamls ...[]byte) (*Gatekeeper, error) {
	setClock()
	driver, err := rego.New(rego.Externs("inventory"), rego.DisableBuiltins("http.send", "net.lookup_ip_addr", "opa.runtime"))
	if err != nil {
		return nil, fmt.Errorf("start Gatekeeper's driver: %w", err)
	}
	c, err := client.NewClient(client.Targets(&target.K8sValidationTarget{}), client.Driver(driver), client.EnforcementPoints(webhook, audit))
	if err != nil {
		return nil, fmt.Errorf("start Gatekeeper's client: %w", err)
	}
	g := &Gatekeeper{client: c}
	documents, err := split(yamls)
	if err != nil {
		return nil, err
	}
	for _, document := range documents {
		if err := g.addTemplate(ctx, document); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// Templates is the number of templates that compiled.
func (g *Gatekeeper) Templates() int { return g.compiled }

func (g *Gatekeeper) addTemplate(ctx context.Context, document *unstructured.Unstructured) error {
	if document.GetAPIVersion() != "templates.gatekeeper.sh/v1" || document.GetKind() != "ConstraintTemplate" {
		return fmt.Errorf("%s %s: want a ConstraintTemplate of templates.gatekeeper.sh/v1", document.GetAPIVersion(), document.GetKind())
	}
	scheme := runtime.NewScheme()
	if err := apis.AddToScheme(scheme); err != nil {
		return err
	}
	typed := &templatesv1.ConstraintTemplate{}
	// The API server rejects unknown fields only if asked to; here they are a slip of the generator.
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(document.Object, typed, true); err != nil {
		return fmt.Errorf("read ConstraintTemplate %s: %w", document.GetName(), err)
	}
	scheme.Default(typed)
	template := &templates.ConstraintTemplate{}
	if err := scheme.Convert(typed, template, nil); err != nil {
		return fmt.Errorf("convert ConstraintTemplate %s: %w", document.GetName(), err)
	}
	if _, err := g.client.AddTemplate(ctx, template); err != nil {
		return fmt.Errorf("add ConstraintTemplate %s: %w", document.GetName(), err)
	}
	g.compiled++
	return nil
}

// SetConstraints replaces all constraints by those in the documents of the given YAML; other documents are an error.
func (g *Gatekeeper) SetConstraints(ctx context.Context, yamls ...[]byte) error {
	documents, err := split(yamls)
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, old := range g.constraints {
		if _, err := g.client.RemoveConstraint(ctx, old); err != nil {
			return fmt.Errorf("remove constraint %s: %w", old.GetName(), err)
		}
	}
	g.constraints = nil
	seen := map[string]bool{}
	for _, document := range documents {
		name := document.GetKind() + " " + document.GetName()
		if document.GroupVersionKind().Group != constraints.Group {
			return fmt.Errorf("%s: want a Constraint of %s", name, constraints.Group)
		}
		if seen[name] {
			return fmt.Errorf("constraint %s is given twice: the second would replace the first", name)
		}
		seen[name] = true
		action, _, _ := unstructured.NestedString(document.Object, "spec", "enforcementAction")
		if !slices.Contains([]string{"", "deny", "warn", "dryrun", "scoped"}, action) {
			return fmt.Errorf("constraint %s: the webhook refuses enforcementAction %q", name, action)
		}
		// The client fills in defaults.
		if _, err := g.client.AddConstraint(ctx, document); err != nil {
			return fmt.Errorf("add constraint %s: %w", name, err)
		}
		g.constraints = append(g.constraints, document)
	}
	return nil
}

// Judge makes c's inventory the only one and reviews its objects. Results are sorted by review, rule, path, message and
// constraint. A policy that fails, as one that yields two values, is an error.
func (g *Gatekeeper) Judge(ctx context.Context, c Case) (results []Result, err error) {
	if !c.Now.IsZero() {
		ctx = context.WithValue(ctx, clockKey{}, c.Now)
	}
	inventory, err := objects(c.Inventory)
	if err != nil {
		return nil, err
	}
	namespaces := map[string]*unstructured.Unstructured{}
	for _, o := range inventory {
		if o.GetAPIVersion() == "v1" && o.GetKind() == "Namespace" {
			namespaces[o.GetName()] = o
		}
	}

	g.mu.Lock()
	defer g.mu.Unlock()
	defer func() { err = errors.Join(err, g.forget(ctx, inventory)) }()
	for _, o := range inventory {
		if _, err := g.client.AddData(ctx, o); err != nil {
			return nil, fmt.Errorf("add %s %s to the inventory: %w", o.GetKind(), o.GetName(), err)
		}
	}
	for i, review := range c.Reviews {
		found, err := g.review(ctx, i, review, namespaces)
		if err != nil {
			return nil, err
		}
		results = append(results, found...)
	}
	slices.SortFunc(results, compare)
	return results, nil
}

// forget empties the inventory. The client's wipe alone would keep the Namespaces that its matcher remembers.
func (g *Gatekeeper) forget(ctx context.Context, inventory []*unstructured.Unstructured) error {
	for _, o := range inventory {
		if _, err := g.client.RemoveData(ctx, o); err != nil {
			return fmt.Errorf("remove %s %s from the inventory: %w", o.GetKind(), o.GetName(), err)
		}
	}
	if _, err := g.client.RemoveData(ctx, target.WipeData()); err != nil {
		return fmt.Errorf("wipe the inventory: %w", err)
	}
	return nil
}

func (g *Gatekeeper) review(ctx context.Context, index int, review Review, namespaces map[string]*unstructured.Unstructured) ([]Result, error) {
	o, err := object(review.Object)
	if err != nil {
		return nil, err
	}
	identity := Object{o.GetAPIVersion(), o.GetKind(), o.GetNamespace(), o.GetName()}

	var options []reviews.ReviewOpt
	var namespace *corev1.Namespace
	if found, ok := namespaces[o.GetNamespace()]; ok && o.GetNamespace() != "" {
		options = append(options, reviews.Namespace(found.Object))
		namespace = &corev1.Namespace{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(found.Object, namespace); err != nil {
			return nil, fmt.Errorf("read Namespace %s: %w", found.GetName(), err)
		}
	}

	var asked any = target.AugmentedUnstructured{Object: *o, Namespace: namespace, Source: mutationtypes.SourceTypeOriginal}
	point := audit
	if review.Operation != "" {
		request, err := admissionRequest(o, review)
		if err != nil {
			return nil, err
		}
		asked = target.AugmentedReview{
			AdmissionRequest: request, Namespace: namespace, Source: mutationtypes.SourceTypeOriginal, IsAdmission: true,
		}
		point = webhook
	}

	response, err := g.client.Review(ctx, asked, append(options, reviews.EnforcementPoint(point))...)
	if err != nil {
		return nil, fmt.Errorf("review %v: %w", identity, err)
	}
	if response.HandledCount() == 0 && len(response.ByTarget) == 0 {
		return nil, fmt.Errorf("review %v: Gatekeeper doesn't know such objects", identity)
	}
	var results []Result
	for _, violation := range response.Results() {
		result, err := read(violation)
		if err != nil {
			return nil, fmt.Errorf("review %v: %w", identity, err)
		}
		result.Review, result.Object = index, identity
		actions := []string{violation.EnforcementAction}
		if violation.EnforcementAction == "scoped" {
			actions = violation.ScopedEnforcementActions
		}
		for _, action := range actions {
			result.Action = action
			results = append(results, result)
		}
	}
	return results, nil
}

func admissionRequest(o *unstructured.Unstructured, review Review) (*admissionv1.AdmissionRequest, error) {
	text, err := o.MarshalJSON()
	if err != nil {
		return nil, err
	}
	gvk := o.GroupVersionKind()
	request := &admissionv1.AdmissionRequest{
		UID:         "00000000-0000-0000-0000-000000000000",
		Kind:        metav1.GroupVersionKind{Group: gvk.Group, Version: gvk.Version, Kind: gvk.Kind},
		SubResource: review.SubResource,
		Name:        o.GetName(),
		Namespace:   o.GetNamespace(),
		Operation:   admissionv1.Operation(review.Operation),
		UserInfo:    authenticationv1.UserInfo{Username: review.Username, Groups: review.Groups},
		Object:      runtime.RawExtension{Raw: text},
	}
	switch review.Operation {
	case "CREATE":
	case "UPDATE":
		old, err := object(review.OldObject)
		if err != nil {
			return nil, fmt.Errorf("old object: %w", err)
		}
		if request.OldObject.Raw, err = old.MarshalJSON(); err != nil {
			return nil, err
		}
	case "DELETE":
		request.Object, request.OldObject = runtime.RawExtension{}, request.Object
	default:
		return nil, fmt.Errorf("operation %q is none of CREATE, UPDATE, DELETE", review.Operation)
	}
	return request, nil
}

// read takes a violation of ours apart. What a policy doesn't make itself, an evaluation error or Gatekeeper's rejection of
// an object whose Namespace it doesn't know, has no details and is an error.
func read(violation *frameworktypes.Result) (Result, error) {
	result := Result{Kind: violation.Constraint.GetKind(), Constraint: violation.Constraint.GetName(), Message: violation.Msg}
	var details struct {
		Rule, Severity, Fact string
		Path                 []any
		Line                 int
	}
	text, err := json.Marshal(violation.Metadata["details"])
	if err != nil {
		return result, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&details); err != nil || details.Rule == "" {
		return result, fmt.Errorf("constraint %s: %s (details %s)", result.Constraint, violation.Msg, text)
	}
	result.Rule, result.Severity, result.Fact = details.Rule, details.Severity, details.Fact
	result.Path, result.Line = details.Path, details.Line
	return result, nil
}

func compare(a, b Result) int {
	return cmp.Or(
		cmp.Compare(a.Review, b.Review),
		cmp.Compare(a.Rule, b.Rule),
		cmp.Compare(fmt.Sprint(a.Path), fmt.Sprint(b.Path)),
		cmp.Compare(a.Line, b.Line),
		cmp.Compare(a.Message, b.Message),
		cmp.Compare(a.Constraint, b.Constraint),
		cmp.Compare(a.Action, b.Action),
	)
}

func objects(values []map[string]any) ([]*unstructured.Unstructured, error) {
	read := make([]*unstructured.Unstructured, 0, len(values))
	for _, value := range values {
		o, err := object(value)
		if err != nil {
			return nil, err
		}
		read = append(read, o)
	}
	return read, nil
}

// object copies a value through JSON, as every object comes to Gatekeeper: numbers become int64 or float64.
func object(value map[string]any) (*unstructured.Unstructured, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	o := &unstructured.Unstructured{}
	if err := o.UnmarshalJSON(text); err != nil {
		return nil, fmt.Errorf("read object %.80s: %w", text, err)
	}
	return o, nil
}

// split reads the documents of YAML streams; empty ones are skipped.
func split(yamls [][]byte) (documents []*unstructured.Unstructured, err error) {
	for _, text := range yamls {
		decoder := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
		for {
			var value map[string]any
			err := decoder.Decode(&value)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("read YAML %q: %w", firstLine(text), err)
			}
			if len(value) == 0 {
				continue
			}
			o, err := object(value)
			if err != nil {
				return nil, err
			}
			documents = append(documents, o)
		}
	}
	return documents, nil
}

func firstLine(text []byte) string {
	line, _, _ := strings.Cut(string(text), "\n")
	return line
}
