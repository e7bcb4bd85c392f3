package rbac

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/component-helpers/auth/rbac/validation"

	"kyma-function-security/policies"
)

const (
	pairs = 12_000
	roles = 1_000
)

// request is one request to the API server: of a resource, or of a path.
type request struct {
	Verb     string
	Group    string
	Resource string // with its subresource
	Name     string // empty if the request has none
	Path     string
}

// rego is the request as lib.kfs.rbac takes it.
func (r request) rego() map[string]any {
	if r.Path != "" {
		return map[string]any{"verb": r.Verb, "path": r.Path}
	}
	return map[string]any{"verb": r.Verb, "group": r.Group, "resource": r.Resource, "name": r.Name}
}

// allowed is Kubernetes' verdict. A request without a name is one for the empty name: that is how the authorizer compares it
// with resourceNames.
func allowed(rules []rbacv1.PolicyRule, r request) bool {
	asked := rbacv1.PolicyRule{Verbs: []string{r.Verb}}
	if r.Path != "" {
		asked.NonResourceURLs = []string{r.Path}
		// A path has no name: the authorizer doesn't look at resourceNames there, this comparison does.
		rules = slices.Clone(rules)
		for i := range rules {
			rules[i].ResourceNames = nil
		}
	} else {
		asked.APIGroups, asked.Resources, asked.ResourceNames = []string{r.Group}, []string{r.Resource}, []string{r.Name}
	}
	ok, _ := validation.Covers(rules, []rbacv1.PolicyRule{asked})
	return ok
}

// TestAgreement demands Kubernetes' verdict of lib.kfs.rbac on every generated pair of rules and request.
func TestAgreement(t *testing.T) {
	t.Parallel()
	query := prepare(t, "some rule in input.rules; data.lib.kfs.rbac.allows(rule, input.request)")
	random := rand.New(rand.NewPCG(701, 714))
	verdicts := map[string]int{}
	for range pairs {
		rules, decoded := generate(t, random)
		asked := ask(random, decoded)
		want := allowed(decoded, asked)
		got := len(evaluate(t, query, map[string]any{"rules": rules, "request": asked.rego()})) > 0
		if got != want {
			t.Fatalf("%s asked of %s: Kubernetes says %v, lib.kfs.rbac %v", text(t, asked.rego()), text(t, rules), want, got)
		}
		kind := "resource"
		if asked.Path != "" {
			kind = "path"
		}
		verdicts[fmt.Sprintf("%s %v", kind, want)]++
	}
	t.Logf("%d pairs, no disagreement: %v", pairs, verdicts)
	for _, verdict := range []string{"resource true", "resource false", "path true", "path false"} {
		if verdicts[verdict] < pairs/50 {
			t.Errorf("%s: too rare to prove anything", verdict)
		}
	}
}

// TestRoles demands of the policy access_role a finding exactly where Kubernetes allows one of the requests that the
// catalogue's row is about, to someone who is bound to the role in a namespace with the Function orders.
func TestRoles(t *testing.T) {
	t.Parallel()
	query := prepare(t, "some violation in data.kyma.access_role.violation; id := violation.details.rule")
	random := rand.New(rand.NewPCG(1, 707))
	counts := map[string]int{}
	for range roles {
		rules, decoded := generate(t, random)
		flavor := []string{"classic", "buildless"}[random.IntN(2)]
		want := map[string]bool{}
		for id, rows := range reported {
			want[id] = slices.ContainsFunc(rows, func(r row) bool { return r.granted(decoded, flavor) })
		}
		got := map[string]bool{}
		for id := range reported {
			got[id] = false
		}
		for _, result := range evaluate(t, query, input(rules, flavor)) {
			if id := result.Bindings["id"].(string); id != "KFS-705" {
				got[id] = true
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s, %s (-Kubernetes +policy):\n%s", text(t, rules), flavor, diff)
		}
		for id, found := range got {
			counts[fmt.Sprintf("%s %v", id, found)]++
		}
	}
	t.Logf("%d roles, no disagreement: %v", roles, counts)
	for id := range reported {
		if min(counts[id+" true"], counts[id+" false"]) < roles/20 {
			t.Errorf("%s: one verdict is too rare to prove anything", id)
		}
	}
}

// row is requests that a rule of the policy is about.
type row struct {
	verbs     []string
	group     string
	resources []string
	named     string // any: of any object; function: of one that a Function's name begins; empty: only those without a name
	flavor    string // empty: both
}

func (r row) granted(rules []rbacv1.PolicyRule, flavor string) bool {
	if r.flavor != "" && r.flavor != flavor {
		return false
	}
	for _, verb := range r.verbs {
		for _, resource := range r.resources {
			for _, name := range r.names(verb, resource) {
				if allowed(rules, request{Verb: verb, Group: r.group, Resource: resource, Name: name}) {
					return true
				}
			}
		}
	}
	return false
}

// names are those with which the request is of interest. What is to be created has none yet, nor has a whole collection.
func (r row) names(verb, resource string) []string {
	collective := (verb == "create" || verb == "deletecollection") && !strings.Contains(resource, "/")
	switch {
	case r.named == "" || collective:
		return []string{""}
	case r.named == "any":
		return names
	default:
		return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
			return name != "" && name != "orders" && !strings.HasPrefix(name, "orders-")
		})
	}
}

var (
	reading  = []string{"get", "list", "watch", "patch", "delete", "deletecollection"}
	writing  = []string{"create", "update", "patch"}
	changing = []string{"create", "update", "patch", "delete", "deletecollection"}
	calling  = []string{"get", "create", "update", "patch", "delete"}
	either   = []string{"get", "create"}
	through  = []string{"get", "update", "patch"}
)

const functions = "serverless.kyma-project.io"

// reported is what each rule reports, but KFS-705: what a rule says rather than what it allows makes that one, and
// KFS-706, which judges labels.
var reported = map[string][]row{
	"KFS-701": {
		{reading, functions, []string{"functions"}, "any", ""},
		{through, functions, []string{"functions/status"}, "any", ""},
		{[]string{"get"}, "", []string{"pods/log"}, "function", ""},
		{reading, "", []string{"configmaps"}, "function", "classic"},
		{reading, "", []string{"pods"}, "function", "buildless"},
		{through, "", []string{"pods/status", "pods/resize"}, "function", "buildless"},
		{[]string{"get"}, "", []string{"pods/ephemeralcontainers"}, "function", "buildless"},
		{reading, "apps", []string{"deployments", "replicasets"}, "function", "buildless"},
		{through, "apps", []string{"deployments/status", "replicasets/status"}, "function", "buildless"},
	},
	"KFS-702": {{reading, "", []string{"secrets"}, "", ""}},
	"KFS-703": {
		{writing, functions, []string{"functions", "gitrepositories"}, "any", ""},
		{writing, "", []string{"pods", "replicationcontrollers"}, "any", ""},
		{writing, "apps", []string{"deployments", "replicasets", "statefulsets", "daemonsets"}, "any", ""},
		{writing, "batch", []string{"jobs", "cronjobs"}, "any", ""},
	},
	"KFS-704": {
		{either, "", []string{"pods/exec", "pods/attach", "pods/portforward"}, "function", ""},
		{[]string{"update", "patch"}, "", []string{"pods/ephemeralcontainers"}, "function", ""},
		{calling, "", []string{"pods/proxy", "services/proxy", "nodes/proxy"}, "function", ""},
	},
	"KFS-707": {
		{changing, "", []string{"namespaces"}, "any", ""},
		{changing, "gateway.kyma-project.io", []string{"apirules"}, "any", ""},
		{changing, "eventing.kyma-project.io", []string{"subscriptions"}, "any", ""},
		{changing, "networking.k8s.io", []string{"networkpolicies"}, "any", ""},
		{changing, "security.istio.io", []string{"authorizationpolicies", "peerauthentications"}, "any", ""},
		{changing, "operator.kyma-project.io", []string{"serverlesses", "dockerregistries"}, "any", ""},
	},
}

var (
	names  = []string{"", "orders", "orders-x7k2p", "ordersx", "invoices", "*", "orders*"}
	groups = []string{
		"", "apps", "batch", functions, "gateway.kyma-project.io", "eventing.kyma-project.io", "networking.k8s.io",
		"security.istio.io", "operator.kyma-project.io", "example.com",
	}
	verbs = []string{
		"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "impersonate", "Get",
	}
	// What looks like a wildcard and is none is there too.
	resources = []string{
		"functions", "functions/status", "functions/scale", "functions/*", "*/*", "secrets", "configmaps", "pods",
		"pods/log", "pods/exec", "pods/attach", "pods/portforward", "pods/proxy", "pods/ephemeralcontainers", "pods/status",
		"pods/resize", "pods/*", "services", "services/proxy", "nodes/proxy", "deployments", "deployments/status",
		"deployments/scale", "replicasets", "replicasets/status", "statefulsets", "daemonsets", "jobs", "cronjobs",
		"replicationcontrollers", "gitrepositories", "namespaces", "apirules", "subscriptions", "networkpolicies",
		"authorizationpolicies", "peerauthentications", "serverlesses", "dockerregistries", "Pods", "pod*", "secrets/*", "", "a/b/c",
	}
	patterns = []string{"*/log", "*/exec", "*/status", "*/proxy", "*/scale", "*/b/c", "*log", "*s", "**"}
	paths    = []string{"/healthz", "/healthz/ping", "/metrics", "/", "/api", "/apis/apps", "/health"}
	urls     = []string{"*", "/healthz", "/healthz*", "/healthz/*", "/metrics", "/api*", "/*", "/a**", "metrics", "", "*/ping"}
)

// generate makes the rules of a role: as a manifest has them, and as Kubernetes decodes them.
func generate(t *testing.T, random *rand.Rand) ([]any, []rbacv1.PolicyRule) {
	t.Helper()
	rules := make([]any, random.IntN(4))
	for i := range rules {
		rule := map[string]any{}
		if random.IntN(5) > 0 {
			rule["apiGroups"] = some(random, groups, []string{"*"}, 8)
			rule["resources"] = some(random, resources, append([]string{"*"}, patterns...), 4)
		}
		if random.IntN(3) == 0 {
			row := pick(random)
			rule["apiGroups"] = append(some(random, groups, nil, 0), row.group)
			rule["resources"] = append(some(random, resources, patterns, 4), row.resources[random.IntN(len(row.resources))])
		}
		rule["verbs"] = some(random, verbs, []string{"*"}, 8)
		if random.IntN(3) == 0 {
			rule["resourceNames"] = some(random, names, nil, 0)
		}
		if random.IntN(2) == 0 {
			rule["nonResourceURLs"] = some(random, urls, nil, 0)
		}
		rules[i] = rule
		switch random.IntN(40) {
		case 0:
			rules[i] = nil
		case 1:
			delete(rule, "verbs")
		case 2:
			rule["resourceNames"] = nil
		}
	}
	var decoded []rbacv1.PolicyRule
	if err := json.Unmarshal([]byte(text(t, rules)), &decoded); err != nil {
		t.Fatal(err)
	}
	return rules, decoded
}

// pick takes one of the reported rows.
func pick(random *rand.Rand) row {
	rows := reported[slices.Sorted(maps.Keys(reported))[random.IntN(len(reported))]]
	return rows[random.IntN(len(rows))]
}

// some gives a list of entries; one in `every` of them is special, a few are null.
func some(random *rand.Rand, common, special []string, every int) []any {
	list := make([]any, random.IntN(5))
	for i := range list {
		switch {
		case random.IntN(60) == 0:
			list[i] = nil
		case len(special) > 0 && random.IntN(every) == 0:
			list[i] = special[random.IntN(len(special))]
		default:
			list[i] = common[random.IntN(len(common))]
		}
	}
	return list
}

// ask makes a request: each part of it most often as one of the rules has it, else any.
func ask(random *rand.Rand, rules []rbacv1.PolicyRule) request {
	var near rbacv1.PolicyRule
	if len(rules) > 0 {
		near = rules[random.IntN(len(rules))]
	}
	part := func(written, common []string) string {
		if len(written) > 0 && random.IntN(8) > 0 {
			if entry := written[random.IntN(len(written))]; !strings.Contains(entry, "*") {
				return entry
			}
		}
		return common[random.IntN(len(common))]
	}
	asked := request{Verb: part(near.Verbs, verbs)}
	if random.IntN(3) == 0 {
		asked.Path = part(slices.DeleteFunc(slices.Clone(near.NonResourceURLs), func(url string) bool { return url == "" }), paths)
		return asked
	}
	asked.Group, asked.Resource = part(near.APIGroups, groups), part(near.Resources, resources)
	asked.Name = part(near.ResourceNames, names)
	return asked
}

// input is a review of a Role with those rules, in a namespace with the Function orders.
func input(rules []any, flavor string) map[string]any {
	return map[string]any{
		"parameters": map[string]any{"flavor": flavor},
		"review": map[string]any{"object": map[string]any{
			"apiVersion": "rbac.authorization.k8s.io/v1",
			"kind":       "Role",
			"metadata":   map[string]any{"name": "team", "namespace": "demo"},
			"rules":      rules,
		}},
	}
}

// prepare makes a query ready, with the policy, the libraries and an inventory that holds the Function orders.
func prepare(t *testing.T, query string) rego.PreparedEvalQuery {
	t.Helper()
	function := map[string]any{"kind": "Function", "metadata": map[string]any{"name": "orders", "namespace": "demo"}}
	options := []func(*rego.Rego){
		rego.Query(query),
		rego.Strict(true),
		rego.StrictBuiltinErrors(true),
		rego.Store(inmem.NewFromObject(map[string]any{"inventory": map[string]any{"namespace": map[string]any{
			"demo": map[string]any{functions + "/v1alpha2": map[string]any{"Function": map[string]any{"orders": function}}},
		}}})),
	}
	modules := map[string]string{}
	for _, root := range []string{"kyma/access_role", "lib/kfs"} {
		err := fs.WalkDir(policies.FS, root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".rego") || strings.HasSuffix(path, "_test.rego") {
				return err
			}
			text, err := fs.ReadFile(policies.FS, path)
			modules[path] = string(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(modules)) {
		options = append(options, rego.Module(path, modules[path]))
	}
	prepared, err := rego.New(options...).PrepareForEval(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return prepared
}

func evaluate(t *testing.T, query rego.PreparedEvalQuery, value any) rego.ResultSet {
	t.Helper()
	parsed, err := ast.InterfaceToValue(value)
	if err != nil {
		t.Fatal(err)
	}
	results, err := query.Eval(context.Background(), rego.EvalParsedInput(parsed))
	if err != nil {
		t.Fatalf("%s: %v", text(t, value), err)
	}
	return results
}

func text(t *testing.T, value any) string {
	t.Helper()
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}
