package apirule

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
)

type object = map[string]any

// world is a cluster. Some of its objects stand in the inventory in two versions, as they do if both are synced.
type world struct {
	apiRules []object
	judged   []object // some of the APIRules
	others   []object // Functions and Services
}

// inventory has the shape of Gatekeeper's.
func (w world) inventory() object {
	namespaces := object{}
	child := func(parent object, key string) object {
		if parent[key] == nil {
			parent[key] = object{}
		}
		return parent[key].(object)
	}
	for _, o := range append(append([]object{}, w.apiRules...), w.others...) {
		metadata := o["metadata"].(object)
		kinds := child(child(namespaces, metadata["namespace"].(string)), o["apiVersion"].(string))
		child(kinds, o["kind"].(string))[metadata["name"].(string)] = o
	}
	return object{"namespace": namespaces}
}

type dice struct{ *rand.Rand }

func pick[T any](d dice, values ...T) T { return values[d.IntN(len(values))] }

// in is true once in n times.
func (d dice) in(n int) bool { return d.IntN(n) == 0 }

// world is of few words, so that they meet. A crowded one has more APIRules than a review looks at.
func (d dice) world() world {
	var w world
	crowded := d.in(4)
	number := 3 + d.IntN(6)
	if crowded {
		number = 16 + d.IntN(24)
	}
	for i := range number {
		rule := d.apiRule(fmt.Sprintf("r%d", d.IntN(number)), crowded)
		w.apiRules = append(w.apiRules, rule)
		if i < 4 {
			w.judged = append(w.judged, rule)
		}
		if d.in(12) {
			again := object{}
			for key, value := range rule {
				again[key] = value
			}
			again["apiVersion"] = d.version()
			w.apiRules = append(w.apiRules, again)
		}
	}
	for _, name := range services {
		namespace := d.namespace()
		if d.in(3) {
			w.others = append(w.others, object{
				"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function",
				"metadata": object{"namespace": namespace, "name": name},
				"spec":     object{"labels": object{"app": name}},
			})
		}
		if d.in(3) {
			w.others = append(w.others, object{
				"apiVersion": "v1", "kind": "Service",
				"metadata": object{"namespace": pick(d, namespace, d.namespace()), "name": pick(d, services...)},
				"spec":     object{"selector": pick[any](d, object{"app": name}, object{}, nil, "x")},
			})
		}
	}
	return w
}

var services = []string{"orders", "payments", "stock"}

func (d dice) namespace() string { return pick(d, "a", "b", "c") }

func (d dice) version() string {
	return "gateway.kyma-project.io/" + pick(d, "v2", "v2", "v2alpha1", "v1beta1", "v1alpha1")
}

func (d dice) apiRule(name string, crowded bool) object {
	version := d.version()
	metadata := object{"namespace": d.namespace(), "name": name}
	spec := object{}
	old := strings.HasSuffix(version, "v1beta1") || strings.HasSuffix(version, "v1alpha1")
	if d.in(3) || old {
		spec["service"] = d.service(crowded)
	}
	switch {
	case old:
		spec["rules"] = d.rules(d.oldRule, crowded)
		if d.in(5) {
			metadata["annotations"] = object{"gateway.kyma-project.io/v2alpha1-rules": d.text(d.rules(d.rule, crowded))}
		}
	case d.in(4):
		hidden := object{"service": d.service(crowded), "rules": d.rules(d.oldRule, crowded)}
		annotations := object{d.odd("gateway.kyma-project.io/v1beta1-spec", 20): d.text(hidden)}
		if d.in(2) {
			spec["rules"] = d.rules(d.rule, crowded)
			annotations["gateway.kyma-project.io/original-version"] = pick(d, "v1beta1", "v1beta1", "v2")
		} else if d.in(2) {
			spec["rules"] = []any{}
		}
		metadata["annotations"] = annotations
	default:
		spec[d.odd("rules", 20)] = d.rules(d.rule, crowded)
	}
	return object{"apiVersion": version, "kind": "APIRule", "metadata": metadata, "spec": spec}
}

// text is JSON, sometimes not, and sometimes with a key that stands there twice.
func (d dice) text(value any) any {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	switch d.IntN(16) {
	case 0:
		return string(text[1:])
	case 1:
		return strings.Replace(string(text), `"path":`, `"path":"/x","path":`, 1)
	case 2:
		return 7
	}
	return string(text)
}

// odd is a key, once in n times with another capital.
func (d dice) odd(key string, n int) string {
	if d.in(n) {
		return strings.ToUpper(key[:1]) + key[1:]
	}
	return key
}

func (d dice) rules(rule func(crowded bool) any, crowded bool) any {
	if d.in(20) {
		return pick[any](d, nil, "x", object{}, []any{})
	}
	rules := []any{rule(crowded)}
	for d.in(3) {
		rules = append(rules, rule(crowded))
	}
	return rules
}

func (d dice) service(crowded bool) any {
	if d.in(20) {
		return pick[any](d, nil, "orders", object{})
	}
	service := object{d.odd("name", 20): pick[any](d, "orders", "payments", "stock"), "port": 80}
	if crowded && d.in(2) {
		service["name"] = fmt.Sprintf("s%d", d.IntN(20))
	}
	if d.in(15) {
		service["name"] = pick[any](d, nil, "", 7)
	}
	if d.in(4) {
		service[d.odd("namespace", 8)] = pick[any](d, "a", "b", "c", "a", "b", "c", "", nil, 7)
	}
	return service
}

func (d dice) outline(crowded bool) object {
	rule := object{"path": pick[any](d, "/*", "/*", "/", "/a", "/{**}", 7), "methods": pick[any](d,
		[]any{"GET"}, []any{"GET", "POST"}, []any{"POST"}, []any{"get"}, nil, []any{}, []any{"FETCH"})}
	if !d.in(4) {
		rule[d.odd("service", 30)] = d.service(crowded)
	}
	return rule
}

// rule is one of v2.
func (d dice) rule(crowded bool) any {
	if d.in(40) {
		return pick[any](d, nil, "x", []any{})
	}
	rule := d.outline(crowded)
	switch d.IntN(8) {
	case 0:
		rule["noAuth"] = pick[any](d, true, false, "true")
	case 1:
		rule["extAuth"] = object{"authorizers": []any{"x"}, d.odd("restrictions", 10): d.strategy(crowded)}
	case 2: // what another version has
		return d.oldRule(crowded)
	case 3:
		rule["jwt"] = d.strategy(crowded)
		rule["extAuth"] = object{"authorizers": []any{"x"}, "restrictions": d.strategy(crowded)}
	default:
		rule[d.odd("jwt", 40)] = d.strategy(crowded)
	}
	return rule
}

// oldRule is one of v1beta1 or v1alpha1.
func (d dice) oldRule(crowded bool) any {
	rule := d.outline(crowded)
	strategies := []any{}
	for range 1 + d.IntN(2) {
		handler := pick(d, "jwt", "jwt", "jwt", "oauth2_introspection", "noop", "unauthorized", "oauth2_client_credentials")
		strategies = append(strategies, object{"handler": handler, d.odd("config", 30): d.config(crowded)})
	}
	rule[d.odd("accessStrategies", 30)] = strategies
	if d.in(10) {
		rule["jwt"] = d.strategy(crowded)
	}
	return rule
}

func (d dice) config(crowded bool) any {
	if d.in(3) {
		return d.strategy(crowded)
	}
	config := object{
		"trusted_issuers": pick[any](d, []any{d.issuer()}, []any{d.issuer(), d.issuer()}, d.issuer(), nil),
		"jwks_urls":       []any{"https://idp.example.com/keys"},
	}
	if !d.in(4) {
		config[d.odd("target_audience", 20)] = d.words(crowded, "x", "y")
	}
	if d.in(2) {
		config["required_scope"] = d.words(false, "r", "w")
	}
	if d.in(3) {
		config["scope_strategy"] = pick[any](d, "exact", "none", "Wildcard", 7, nil)
	}
	return config
}

func (d dice) issuer() any {
	if d.in(8) {
		return pick[any](d, "https://two", "https://two", "", 7, nil)
	}
	return "https://one"
}

func (d dice) strategy(crowded bool) any {
	if d.in(30) {
		return pick[any](d, nil, "x", []any{})
	}
	authentications := []any{object{d.odd("issuer", 30): d.issuer(), "jwksUri": "https://idp.example.com/keys"}}
	if d.in(5) {
		authentications = append(authentications, object{"issuer": d.issuer()})
	}
	authorizations := []any{}
	for range 1 + d.IntN(2) {
		entry := object{}
		if !d.in(4) {
			entry[d.odd("audiences", 20)] = d.words(crowded, "x", "y")
		}
		if d.in(2) {
			entry[d.odd("requiredScopes", 20)] = d.words(false, "r", "w")
		}
		authorizations = append(authorizations, pick[any](d, entry, entry, entry, entry, entry, entry, entry, entry, nil, "x"))
	}
	return object{"authentications": pick[any](d, authentications, authentications, authentications, object{"0": authentications[0]}),
		d.odd("authorizations", 30): authorizations}
}

// words are some of two; in a crowd often the first, or one of many.
func (d dice) words(crowded bool, a, b string) any {
	switch {
	case crowded && d.in(4):
		return []any{fmt.Sprintf("%s%d", a, d.IntN(9))}
	case crowded && d.in(2):
		return []any{a}
	case d.in(4):
		return pick[any](d, []any{}, nil, a, []any{a, 7}, []any{"*"}, []any{a, " "}, object{"0": a})
	}
	return pick[any](d, []any{a}, []any{a}, []any{b}, []any{a, b}, []any{b, a})
}
