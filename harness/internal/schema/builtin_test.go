package schema

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	batchv1beta1 "k8s.io/api/batch/v1beta1"
	corev1 "k8s.io/api/core/v1"
	extensionsv1beta1 "k8s.io/api/extensions/v1beta1"
	networkingv1 "k8s.io/api/networking/v1"
	networkingv1beta1 "k8s.io/api/networking/v1beta1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

var builtins = map[GVK]any{
	{"", "v1", "ConfigMap"}:                                   corev1.ConfigMap{},
	{"", "v1", "Namespace"}:                                   corev1.Namespace{},
	{"", "v1", "Pod"}:                                         corev1.Pod{},
	{"", "v1", "ReplicationController"}:                       corev1.ReplicationController{},
	{"", "v1", "Secret"}:                                      corev1.Secret{},
	{"", "v1", "Service"}:                                     corev1.Service{},
	{"", "v1", "ServiceAccount"}:                              corev1.ServiceAccount{},
	{"apps", "v1", "DaemonSet"}:                               appsv1.DaemonSet{},
	{"apps", "v1", "Deployment"}:                              appsv1.Deployment{},
	{"apps", "v1", "ReplicaSet"}:                              appsv1.ReplicaSet{},
	{"apps", "v1", "StatefulSet"}:                             appsv1.StatefulSet{},
	{"batch", "v1", "CronJob"}:                                batchv1.CronJob{},
	{"batch", "v1", "Job"}:                                    batchv1.Job{},
	{"batch", "v1beta1", "CronJob"}:                           batchv1beta1.CronJob{},
	{"extensions", "v1beta1", "Ingress"}:                      extensionsv1beta1.Ingress{},
	{"networking.k8s.io", "v1", "Ingress"}:                    networkingv1.Ingress{},
	{"networking.k8s.io", "v1", "NetworkPolicy"}:              networkingv1.NetworkPolicy{},
	{"networking.k8s.io", "v1beta1", "Ingress"}:               networkingv1beta1.Ingress{},
	{"rbac.authorization.k8s.io", "v1", "ClusterRole"}:        rbacv1.ClusterRole{},
	{"rbac.authorization.k8s.io", "v1", "ClusterRoleBinding"}: rbacv1.ClusterRoleBinding{},
	{"rbac.authorization.k8s.io", "v1", "Role"}:               rbacv1.Role{},
	{"rbac.authorization.k8s.io", "v1", "RoleBinding"}:        rbacv1.RoleBinding{},
}

// gone are fields of older releases that k8s.io/api no longer has.
var gone = []string{"resourceClaims.source", "spec.workloadRef", ".status"}

// TestBuiltins compares the schemas of built-in kinds with the Go types that the API server decodes into.
func TestBuiltins(t *testing.T) {
	set, seen := Load(), 0
	for _, k := range set.Kinds() {
		if !k.BuiltIn() {
			continue
		}
		for _, v := range k.Versions {
			seen++
			object, ok := builtins[v.GVK]
			if !ok {
				t.Errorf("%v has no Go type in this test", v.GVK)
				continue
			}
			for _, difference := range compare(v.root, reflect.TypeOf(object), "", nil) {
				t.Errorf("%s %s: %s", v.APIVersion(), v.Kind, difference)
			}
		}
	}
	if seen != len(builtins) {
		t.Errorf("%d of %d versions of built-in kinds have a schema", seen, len(builtins))
	}
}

func compare(n *node, t reflect.Type, path string, all []string) []string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	want, elem := goForm(t)
	if strings.HasSuffix(path, ".status") && strings.Count(path, ".") == 1 {
		return all // open on purpose
	}
	if want != n.form {
		return append(all, fmt.Sprintf("%s is %v, in Go %v", path, n.form, t))
	}
	switch {
	case n.form == list:
		return compare(n.items, elem, path, all)
	case n.form != object:
		return all
	case elem != nil && n.open == nil:
		return append(all, fmt.Sprintf("%s is closed, in Go %v", path, t))
	case elem != nil:
		return compare(n.open, elem, path+".*", all)
	case n.open != nil:
		return append(all, fmt.Sprintf("%s is open, in Go %v", path, t))
	}
	fields := map[string]reflect.Type{}
	goFields(t, fields)
	for name, typ := range fields {
		f, ok := n.fields[name]
		if !ok {
			all = append(all, fmt.Sprintf("%s.%s is missing", path, name))
			continue
		}
		all = compare(f.node, typ, path+"."+name, all)
	}
	for name := range n.fields {
		if _, ok := fields[name]; !ok && !slices.ContainsFunc(gone, func(s string) bool { return strings.HasSuffix(path+"."+name, s) }) {
			all = append(all, fmt.Sprintf("%s.%s isn't in Go", path, name))
		}
	}
	return all
}

func goFields(t reflect.Type, fields map[string]reflect.Type) {
	for i := range t.NumField() {
		f := t.Field(i)
		switch name, _, _ := strings.Cut(f.Tag.Get("json"), ","); {
		case name == "" && f.Anonymous:
			goFields(f.Type, fields)
		case name != "" && name != "-":
			fields[name] = f.Type
		}
	}
}

// goForm is the form of a Go type in JSON, with the type of its elements if it is a list or a map.
func goForm(t reflect.Type) (form, reflect.Type) {
	switch t {
	case reflect.TypeFor[metav1.Time](), reflect.TypeFor[metav1.MicroTime](), reflect.TypeFor[metav1.Duration](), reflect.TypeFor[[]byte]():
		return text, nil
	case reflect.TypeFor[resource.Quantity]():
		return quantity, nil
	case reflect.TypeFor[metav1.FieldsV1]():
		return anything, nil
	case reflect.TypeFor[intstr.IntOrString]():
		return intOrString, nil
	}
	switch t.Kind() {
	case reflect.String:
		return text, nil
	case reflect.Bool:
		return boolean, nil
	case reflect.Int32, reflect.Int64:
		return integer, nil
	case reflect.Slice:
		return list, t.Elem()
	case reflect.Map:
		return object, t.Elem()
	case reflect.Struct:
		return object, nil
	}
	panic("no form of " + t.String())
}
