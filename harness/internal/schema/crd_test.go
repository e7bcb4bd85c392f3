package schema

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	apiservervalidation "k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	fielderrors "k8s.io/apimachinery/pkg/util/validation/field"
	"pgregory.net/rapid"
	sigsjson "sigs.k8s.io/json"
)

// customResource is a CRD's version as the API server uses it.
type customResource struct {
	gvk        GVK
	flavor     string
	root       *node
	structural *schema.Structural
	validator  apiservervalidation.SchemaCreateValidator
}

func customResources(t *testing.T) []customResource {
	t.Helper()
	set := Load()
	var all []customResource
	for _, k := range set.Kinds() {
		for _, flavor := range []string{"classic", "buildless"} {
			value := set.CRD(k, flavor)
			if value == nil {
				continue
			}
			text, err := json.Marshal(value)
			if err != nil {
				t.Fatal(err)
			}
			var external apiextensionsv1.CustomResourceDefinition
			if strict, err := sigsjson.UnmarshalStrict(text, &external); err != nil || len(strict) > 0 {
				t.Fatal(k.Kind, err, strict)
			}
			apiextensionsv1.SetDefaults_CustomResourceDefinition(&external)
			apiextensionsv1.SetDefaults_CustomResourceDefinitionSpec(&external.Spec)
			var crd apiextensions.CustomResourceDefinition
			if err := apiextensionsv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(&external, &crd, nil); err != nil {
				t.Fatal(err)
			}
			crd.Status.StoredVersions = []string{external.Spec.Versions[0].Name} // as the registry does
			if errs := validation.ValidateCustomResourceDefinition(context.Background(), &crd); len(errs) > 0 {
				t.Errorf("%s (%s): %v", k.Kind, flavor, errs)
				continue
			}
			for _, v := range external.Spec.Versions {
				var props apiextensions.JSONSchemaProps
				if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(v.Schema.OpenAPIV3Schema, &props, nil); err != nil {
					t.Fatal(err)
				}
				structural, err := schema.NewStructural(&props)
				if err != nil {
					t.Fatal(k.Kind, err)
				}
				validator, _, err := apiservervalidation.NewSchemaValidator(&props)
				if err != nil {
					t.Fatal(k.Kind, err)
				}
				gvk := GVK{k.Group, v.Name, k.Kind}
				version, _ := set.Version(gvk, flavor)
				all = append(all, customResource{gvk, flavor, version.root, structural, validator})
			}
		}
	}
	return all
}

func TestCRD(t *testing.T) {
	if got := len(customResources(t)); got < 60 {
		t.Errorf("%d versions in two flavors", got)
	}
	set := Load()
	for _, kind := range []string{"Pod", "GitRepository"} {
		k, _ := set.ByName(kind)
		if set.CRD(k, "buildless") != nil {
			t.Errorf("a CRD of %s", kind)
		}
	}
}

// TestCheckAsAPIServer compares Check with what the API server does to a custom resource: it prunes and then validates.
func TestCheckAsAPIServer(t *testing.T) {
	resources, set := customResources(t), Load()
	rapid.Check(t, func(t *rapid.T) {
		r := rapid.SampledFrom(resources).Draw(t, "resource")
		value := drawObject(t, r.root, 0)
		delete(value, "status") // Check doesn't judge it
		value["apiVersion"], value["kind"], value["metadata"] = r.gvk.APIVersion(), r.gvk.Kind, map[string]any{"name": "a"}
		var unknown, mistyped []string
		for _, p := range set.Check(value, r.flavor) {
			if p.Rule == "KFS-001" {
				unknown = append(unknown, joined(p.Path))
			} else {
				mistyped = append(mistyped, joined(p.Path))
			}
		}
		slices.Sort(unknown)

		served := runtime.DeepCopyJSON(served(t, value))
		dropped := pruning.PruneWithOptions(served, r.structural, true, schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
		for i, path := range dropped {
			dropped[i] = strings.ReplaceAll(strings.ReplaceAll(path, "[", "."), "]", "")
		}
		dropped = slices.DeleteFunc(dropped, func(path string) bool { // all of an object that should be no object
			return slices.ContainsFunc(mistyped, func(wrong string) bool { return strings.HasPrefix(path, wrong+".") })
		})
		slices.Sort(dropped)
		if !slices.Equal(unknown, dropped) {
			t.Fatalf("unknown fields %q, the API server drops %q\n%v", unknown, dropped, value)
		}
		defaulting.PruneNonNullableNullsWithoutDefaults(served, r.structural)
		var refused []string
		for _, err := range apiservervalidation.ValidateCustomResource(nil, served, r.validator) {
			if err.Type == fielderrors.ErrorTypeTypeInvalid {
				refused = append(refused, err.Error())
			}
		}
		if len(mistyped) > 0 != (len(refused) > 0) {
			t.Fatalf("wrong types at %q, the API server says %q\n%v", mistyped, refused, value)
		}
	})
}

// TestCheckAsDecoder compares Check with the decoder of built-in kinds.
func TestCheckAsDecoder(t *testing.T) {
	set := Load()
	kinds := slices.SortedFunc(maps.Keys(builtins), func(a, b GVK) int {
		return strings.Compare(a.APIVersion()+a.Kind, b.APIVersion()+b.Kind)
	})
	rapid.Check(t, func(t *rapid.T) {
		gvk := rapid.SampledFrom(kinds).Draw(t, "kind")
		version, _ := set.Version(gvk, "")
		value := drawObject(t, version.root, 0)
		delete(value, "status")
		delete(value, "data") // Go reads bytes from a list of numbers too, which nobody writes
		delete(value, "binaryData")
		value["apiVersion"], value["kind"] = gvk.APIVersion(), gvk.Kind
		var unknown, mistyped []string
		for _, p := range set.Check(value, "") {
			if p.Rule == "KFS-001" {
				unknown = append(unknown, joined(p.Path))
			} else {
				mistyped = append(mistyped, joined(p.Path))
			}
		}
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), `"source":`) || strings.Contains(string(text), `"workloadRef":`) {
			return // fields of older releases
		}
		text = bytes.ReplaceAll(text, []byte("4.0"), []byte("4")) // as reading YAML does
		into := reflect.New(reflect.TypeOf(builtins[gvk])).Interface()
		strict, err := sigsjson.UnmarshalStrict(text, into)
		if err != nil && (strings.Contains(err.Error(), "parsing time") || strings.Contains(err.Error(), "quantities must match")) {
			return // a string is what they are in JSON; what it says isn't the schema's business
		}
		if len(mistyped) > 0 != (err != nil) {
			t.Fatalf("wrong types at %q, the decoder says %v\n%s", mistyped, err, text)
		}
		if err == nil && len(unknown) > 0 != (len(strict) > 0) {
			t.Fatalf("unknown fields %q, the decoder says %v\n%s", unknown, strict, text)
		}
	})
}

// served is the value as the API server has decoded it: integers are int64.
func served(t *rapid.T, value map[string]any) map[string]any {
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var decoded map[string]any
	if err := utiljson.Unmarshal(text, &decoded); err != nil {
		t.Fatal(err)
	}
	return decoded
}

// drawObject draws an object that is right but for a few values.
func drawObject(t *rapid.T, n *node, depth int) map[string]any {
	value := map[string]any{}
	names := slices.Sorted(maps.Keys(n.fields))
	for range rapid.IntRange(0, 3).Draw(t, "fields") {
		if len(names) > 0 {
			name := rapid.SampledFrom(names).Draw(t, "field")
			value[name] = draw(t, n.fields[name].node, depth+1)
		}
	}
	if depth == 0 { // most of what there is lies below
		for _, name := range []string{"spec", "report"} {
			if f, ok := n.fields[name]; ok {
				value[name] = draw(t, f.node, depth+1)
			}
		}
	}
	if n.open != nil && rapid.Bool().Draw(t, "open") {
		value["free"] = draw(t, n.open, depth+1)
	}
	if rapid.IntRange(0, 19).Draw(t, "misspell") == 0 {
		value["unheardOf"] = rapid.SampledFrom([]any{true, nil, map[string]any{"deep": 1}}).Draw(t, "stray")
	}
	return value
}

func draw(t *rapid.T, n *node, depth int) any {
	if rapid.IntRange(0, 24).Draw(t, "mistype") == 0 {
		return rapid.SampledFrom([]any{
			nil, true, "text", json.Number("3"), json.Number("2.5"), json.Number("4.0"), []any{"a"}, []any{nil}, map[string]any{"a": "b"},
		}).Draw(t, "wrong")
	}
	switch n.form {
	case text:
		return "text"
	case integer:
		return json.Number("7")
	case number:
		return rapid.SampledFrom([]any{json.Number("7"), json.Number("0.5")}).Draw(t, "number")
	case boolean:
		return true
	case intOrString:
		return rapid.SampledFrom([]any{json.Number("7"), "7"}).Draw(t, "int or string")
	case quantity:
		return rapid.SampledFrom([]any{json.Number("7"), "7", json.Number("0.5")}).Draw(t, "quantity")
	case list:
		values := []any{}
		for range rapid.IntRange(0, 2).Draw(t, "items") {
			values = append(values, draw(t, n.items, depth+1))
		}
		return values
	case object:
		if depth > 9 {
			return map[string]any{}
		}
		return drawObject(t, n, depth)
	}
	return "anything"
}
