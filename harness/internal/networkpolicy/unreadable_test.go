package networkpolicy

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// closed is a policy that isolates the Function and opens nothing.
func closed() object {
	return object{
		"metadata": object{"name": "closed", "namespace": namespace},
		"spec": object{
			"podSelector": object{"matchLabels": object{prefixOfLabels + "managed-by": "function-controller"}},
			"policyTypes": []any{"Ingress", "Egress"},
			"ingress": []any{object{"from": []any{object{
				"namespaceSelector": object{"matchLabels": object{nameLabel: "istio-system"}},
				"podSelector":       object{"matchExpressions": []any{object{"key": "app", "operator": "In", "values": []any{"a"}}}},
			}}}},
			"egress": []any{
				object{"to": []any{object{"ipBlock": object{"cidr": "0.0.0.0/0", "except": []any{
					"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
				}}}}},
				object{"ports": []any{object{"port": 53, "protocol": "UDP"}}},
			},
		},
	}
}

func closedWorld(policy object) world {
	return world{
		flavor: "classic",
		function: object{
			"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function",
			"metadata": object{"name": "orders", "namespace": namespace}, "spec": object{},
		},
		policies: []object{policy},
		inside:   []any{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"},
	}
}

// TestUnreadable puts a value of a wrong type, or one that Kubernetes refuses, at every place of a policy that closes: then it
// no longer does.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	judge := newJudge(t)
	if found, err := judge.findings(closedWorld(closed()), true); err != nil || len(found) > 0 {
		t.Fatalf("the policy that closes isn't clean: %s, %v", text(found), err)
	}
	judged := 0
	for _, place := range places(closed()["spec"], nil) {
		for _, value := range []any{true, 1, "", "x", []any{}, []any{1}, []any{nil}, []any{"x"}, object{}, object{"x": 1}, nil} {
			policy := closed()
			policy["spec"] = put(policy["spec"], place, value)
			if _, err := decode(policy); err == nil {
				continue // it says something: the agreement is about what
			}
			if value == "" && place[len(place)-1] == "key" {
				continue // nothing has such a label
			}
			found, err := judge.findings(closedWorld(policy), true)
			if err != nil {
				t.Fatalf("%s: %v", text(policy), err)
			}
			if len(found) == 0 {
				t.Errorf("%s at %v: nothing found", text(value), place)
			}
			judged++
		}
	}
	t.Logf("%d policies judged", judged)
	if judged < 200 {
		t.Error("too few")
	}
}

// TestAnyJSON demands that no input makes a builtin fail or a rule conflict.
func TestAnyJSON(t *testing.T) {
	t.Parallel()
	judge := newJudge(t)
	d := dice{rand.New(rand.NewPCG(0, 406))}
	junk := []any{
		nil, true, false, 0, 53, -1, 0.5, 1e300, "", "x", "10.0.0.0/8", "::/0", "fe80::1%eth0/64", "In", "Ingress", "STRICT", "%s\x00é",
		[]any{}, []any{nil}, []any{1, "x"}, []any{[]any{}}, object{}, object{"": nil}, object{"matchLabels": 1}, object{"mode": 1},
	}
	spoil := func(value object) object {
		at := places(value, nil)
		return put(value, at[d.IntN(len(at))], junk[d.IntN(len(junk))]).(object)
	}
	for range 500 {
		w := d.world()
		objects := []object{w.function, {"kind": "Namespace", "metadata": object{"name": namespace, "labels": object{
			"istio-injection": "enabled", "istio.io/rev": "x",
		}}}}
		objects = append(objects, w.policies...)
		for _, space := range []string{namespace, "istio-system"} {
			objects = append(objects, object{
				"kind":     "PeerAuthentication",
				"metadata": object{"name": space, "namespace": space, "labels": object{"istio.io/rev": "default"}},
				"spec": object{
					"mtls": object{"mode": "UNSET"}, "selector": object{"matchLabels": object{"app.kubernetes.io/name": "orders"}},
					"portLevelMtls": object{"8080": object{"mode": "DISABLE"}},
				},
			}, object{
				"kind":     "AuthorizationPolicy",
				"metadata": object{"name": space, "namespace": space, "annotations": object{"istio.io/dry-run": "false"}},
				"spec": object{
					"action": pick(d, "ALLOW", "DENY", "CUSTOM"), "provider": object{"name": "x"},
					"rules": []any{object{
						"from": []any{object{"source": object{"namespaces": []any{"a"}, "ipBlocks": []any{"10.0.0.0/8"}}}},
						"to":   []any{object{"operation": object{"paths": []any{"/x"}}}}, "when": []any{object{"key": "x", "values": []any{"y"}}},
					}},
				},
			})
		}
		objects = append(objects, object{"kind": "APIRule", "apiVersion": "gateway.kyma-project.io/v2",
			"metadata": object{"name": "orders", "namespace": namespace},
			"spec": object{"service": object{"name": "orders", "port": 80}, "rules": []any{object{
				"path": "/*", "methods": []any{"GET"}, "noAuth": true, "service": object{"name": "orders"},
			}}},
		})
		parameters := object{
			"flavor": w.flavor, "clusterCIDRs": w.inside, "meshMtls": "STRICT", "openPaths": []any{"/x"}, "rootNamespace": "istio-system",
			"systemNamespaces": []any{"x"}, "trustedProviders": []any{"x"},
		}
		if d.chance(20) {
			parameters = spoil(parameters)
		}
		kept := map[string]map[string]object{}
		versions := map[string]string{
			"Function": "serverless.kyma-project.io/v1alpha2", "NetworkPolicy": "networking.k8s.io/v1",
			"PeerAuthentication": "security.istio.io/v1", "AuthorizationPolicy": "security.istio.io/v1",
			"APIRule": "gateway.kyma-project.io/v2",
		}
		var reviewed []object
		var around any
		for _, o := range objects {
			kind, _ := o["kind"].(string)
			metadata := o["metadata"].(object)
			space, _ := metadata["namespace"].(string)
			name := metadata["name"].(string)
			for range d.IntN(3) {
				o = spoil(o)
			}
			if kind == "Namespace" {
				around = o
			} else if version := versions[kind]; version != "" {
				if kept[space] == nil {
					kept[space] = map[string]object{}
				}
				if kept[space][version] == nil {
					kept[space][version] = object{}
				}
				byName, _ := kept[space][version][kind].(object)
				if byName == nil {
					byName = object{}
					kept[space][version][kind] = byName
				}
				byName[name] = o
			}
			if kind != "AuthorizationPolicy" && kind != "APIRule" {
				o = maps.Clone(o)
				o["kind"] = kind
				reviewed = append(reviewed, o)
			}
		}
		spaces := object{}
		for space, versions := range kept {
			byVersion := object{}
			for version, kinds := range versions {
				byVersion[version] = kinds
			}
			spaces[space] = byVersion
		}
		if _, err := judge.judge(object{"namespace": spaces}, parameters, around, reviewed); err != nil {
			t.Fatalf("%v\n%s\n%s", err, text(parameters), text(spaces))
		}
	}
}

// places gives the path of every value below.
func places(value any, at []any) [][]any {
	var all [][]any
	switch value := value.(type) {
	case object:
		for key, child := range value {
			path := append(slices.Clone(at), key)
			all = append(append(all, path), places(child, path)...)
		}
	case []any:
		for i, child := range value {
			path := append(slices.Clone(at), i)
			all = append(append(all, path), places(child, path)...)
		}
	}
	slices.SortFunc(all, func(a, b []any) int { return slices.Compare([]string{text(a)}, []string{text(b)}) })
	return all
}

// put gives a copy in which another value stands at the path.
func put(value any, path []any, replacement any) any {
	if len(path) == 0 {
		return replacement
	}
	switch value := value.(type) {
	case object:
		changed := maps.Clone(value)
		key := path[0].(string)
		changed[key] = put(value[key], path[1:], replacement)
		return changed
	case []any:
		changed := slices.Clone(value)
		i := path[0].(int)
		changed[i] = put(value[i], path[1:], replacement)
		return changed
	}
	return value
}
