package kyma.namespace_isolation_test

import data.kyma.namespace_isolation

test_messages_of_network_policies[note] if {
	some note, tc in {
		"none": {
			"policies": {},
			"want": {
				`KFS-401: no NetworkPolicy of namespace "demo" denies ingress to its pods by default`,
				`KFS-402: no NetworkPolicy of namespace "demo" denies egress of its pods by default`,
			},
		},
		"runtime pods only": {
			"policies": {"deny": object.union(_closed, {"podSelector": {"matchLabels": {
				"app.kubernetes.io/name": "orders",
			}}})},
			"want": {
				`KFS-401: no NetworkPolicy of namespace "demo" denies ingress to its build pods by default`,
				`KFS-402: no NetworkPolicy of namespace "demo" denies egress of its build pods by default`,
			},
		},
		"one opening": {
			"policies": {"deny": _closed, "callers": {"ingress": [{"from": [{"podSelector": {}}]}]}},
			"want": {concat("", [
				`KFS-403: NetworkPolicy "callers" re-opens ingress: `,
				"in ingress[0].from[0] its podSelector catches every pod of the namespace",
			])},
		},
		"several openings": {
			"policies": {
				"b": object.union(_closed, {"egress": [{}, {"to": [{"namespaceSelector": {}}]}]}),
				"a": object.union(_closed, {"egress": [{"to": [{"podSelector": {"matchLabels": {"a": "b"}}}]}, null]}),
			},
			"want": {`KFS-403: NetworkPolicy "a" re-opens egress: in egress[1] it names no peer; and 2 more`},
		},
	}

	review := {"object": _function("orders"), "namespaceObject": _meshed}
	_messages(review, {"NetworkPolicy": _specs(tc.policies)}) == tc.want
}

# A policy is read closely unless it is plainly about other pods.
test_policies_of_a_function[note] if {
	some note, tc in {
		"all": {"selector": {}, "want": true},
		"null": {"selector": null, "want": true},
		"text": {"selector": "x", "want": true},
		"labels are text": {"selector": {"matchLabels": "x"}, "want": true},
		"labels are null": {"selector": {"matchLabels": null}, "want": true},
		"its name": {"selector": {"matchLabels": {"app.kubernetes.io/name": "orders"}}, "want": true},
		"another name": {"selector": {"matchLabels": {"app.kubernetes.io/name": "mail"}}, "want": false},
		"a label of runtime pods": {"selector": {"matchLabels": {"app": "runtime"}}, "want": true},
		"a label of build pods": {"selector": {"matchLabels": {"app": "build"}}, "want": true},
		"a label of neither": {"selector": {"matchLabels": {"app": "other"}}, "want": false},
		"labels of both, together": {"selector": {"matchLabels": {"tier": "build", "zone": "runtime"}}, "want": false},
		"a value nobody knows": {
			"selector": {"matchLabels": {"serverless.kyma-project.io/uuid": "1"}},
			"want": true,
		},
		"a value nobody knows, of another": {
			"selector": {"matchLabels": {"serverless.kyma-project.io/uuid": "1", "app": "other"}},
			"want": false,
		},
		"another's, and a number": {"selector": {"matchLabels": {"team": "other", "n": 1}}, "want": true},
		"another's, and expressions are text": {
			"selector": {"matchLabels": {"team": "other"}, "matchExpressions": "x"},
			"want": true,
		},
		"another's, and no expressions": {
			"selector": {"matchLabels": {"team": "other"}, "matchExpressions": []},
			"want": false,
		},
		"in its own": {"selector": _in("zone", ["other", "runtime"]), "want": true},
		"in others": {"selector": _in("zone", ["other"]), "want": false},
		"in others, of a label it lacks": {"selector": _in("team", ["other"]), "want": false},
		"in others, of labels that differ": {"selector": _in("app", ["build"]), "want": true},
		"in others, of a value nobody knows": {
			"selector": _in("serverless.kyma-project.io/uuid", ["1"]),
			"want": true,
		},
		"in none": {"selector": _in("team", []), "want": true},
		"in text": {"selector": _in("team", "x"), "want": true},
		"in a number": {"selector": _in("team", [1]), "want": true},
		"in others, and a number": {"selector": _in("team", ["other", 1]), "want": true},
		"the key is a list": {"selector": _in(["zone"], ["other"]), "want": true},
		"not in others": {
			"selector": {"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["other"]}]},
			"want": true,
		},
	}

	fn := object.union(_function("orders"), {
		"metadata": {"labels": {"app": "build", "tier": "build"}},
		"spec": {"labels": {"app": "runtime", "zone": "runtime"}},
	})
	policies := {"deny": _closed, "open": {"podSelector": tc.selector, "ingress": [{}]}}
	messages := _messages({"object": fn, "namespaceObject": _meshed}, {"NetworkPolicy": _specs(policies)})
	messages == {`KFS-403: NetworkPolicy "open" re-opens ingress: in ingress[0] it names no peer` | tc.want}
}

_in(key, values) := {"matchExpressions": [{"key": key, "operator": "In", "values": values}]}

test_policies_without_a_selector[note] if {
	some note, tc in {
		"no spec": {"policy": {}, "want": set()},
		"null spec": {"policy": {"spec": null}, "want": set()},
		"text": {"policy": "x", "want": set()},
		"spec is text": {"policy": {"spec": "x"}, "want": {"KFS-401", "KFS-403"}},
		"spec is false": {"policy": {"spec": false}, "want": {"KFS-401", "KFS-403"}},
		"no selector": {"policy": {"spec": {"ingress": [{}]}}, "want": {"KFS-403"}},
		"rules are text": {"policy": {"spec": {"podSelector": {}, "ingress": "x"}}, "want": {"KFS-403"}},
	}

	others := _specs({"egress": {"podSelector": {}, "policyTypes": ["Egress"]}})
	kinds := {"NetworkPolicy": object.union(others, {"p": tc.policy})}
	review := {"object": _function("orders"), "namespaceObject": _meshed}
	{f.details.rule | some f in _violations(review, kinds)} == tc.want
}

test_messages_on_a_network_policy[note] if {
	some note, tc in {
		"no Function": {"functions": [], "want": set()},
		"one": {"functions": ["orders"], "want": {[
			["spec", "egress", 0, "to", 1],
			`KFS-406: egress of Function "orders" is re-opened: 10.0.0.0/8 reaches into the cluster`,
		]}},
		"three": {"functions": ["orders", "mail", "cart"], "want": {[
			["spec", "egress", 0, "to", 1],
			`KFS-406: egress of Function "cart" and 2 more is re-opened: 10.0.0.0/8 reaches into the cluster`,
		]}},
	}

	policy := _policy("p", object.union(_closed, {"egress": [{"to": [
		{"podSelector": {"matchLabels": {"a": "b"}}},
		{"ipBlock": {"cidr": "10.0.0.0/8"}},
	]}]}))
	_found({"object": policy}, {"Function": {name: _function(name) | some name in tc.functions}}) == tc.want
}

# The reviewed policy counts as it is now, not as the inventory still has it.
test_a_network_policy_replaces_itself if {
	open := _policy("p", object.union(_closed, {"ingress": [{}]}))
	closed := _policy("p", _closed)
	functions := {"orders": _function("orders")}
	count(_found({"object": open}, {"Function": functions, "NetworkPolicy": {"p": closed}})) == 1
	count(_found({"object": closed}, {"Function": functions, "NetworkPolicy": {"p": open}})) == 0
}

test_a_network_policy_completes_another[note] if {
	rest := [{"ipBlock": {"cidr": "10.128.0.0/9"}}]
	others := [{"ipBlock": {"cidr": "10.0.0.0/9"}}]
	some note, tc in {
		"in egress": {"rest": {"egress": [{"to": rest}]}, "half": {"egress": [{"to": others}]}, "want": {"egress"}},
		"in ingress": {
			"rest": {"ingress": [{"from": rest}]},
			"half": {"ingress": [{"from": others}]},
			"want": {"ingress"},
		},
		"after other peers": {
			"rest": {"ingress": [{"from": array.concat([{"podSelector": {"matchLabels": {"a": "b"}}}], rest)}]},
			"half": {"ingress": [{}, {"from": array.concat([null], others)}]},
			"want": {"ingress"},
		},
		"the other direction": {
			"rest": {"ingress": [{"from": rest}]},
			"half": {"egress": [{"to": others}]},
			"want": set(),
		},
		"as it was before": {"rest": {"egress": [{"to": rest}]}, "before": {"egress": [{"to": others}]}, "want": set()},
		"outside": {
			"rest": {"egress": [{"to": rest}]},
			"half": {"egress": [{"to": [{"ipBlock": {"cidr": "198.51.100.0/24"}}]}]},
			"want": set(),
		},
	}

	policies := {"half": object.get(tc, "half", {}), "rest": object.get(tc, "before", {})}
	inventory := {
		"Function": {"orders": _function("orders")},
		"NetworkPolicy": {name: _policy(name, object.union(_closed, rules)) | some name, rules in policies},
	}
	found := _found({"object": _policy("rest", object.union(_closed, tc.rest))}, inventory)
	{message | some [_, message] in found} == {message |
		some direction in tc.want
		text := `KFS-406: %s of Function "orders" is re-opened: 10.128.0.0/9 reaches into the cluster`
		message := sprintf(text, [direction])
	}
}

test_labels_of_the_namespace[note] if {
	some note, tc in {
		"known": {"around": {"metadata": {"name": "demo", "labels": {"team": "a"}}}, "want": 1},
		"another value": {"around": {"metadata": {"name": "demo", "labels": {"team": "b"}}}, "want": 0},
		"unknown": {"around": {}, "want": 0},
		"unreadable": {"around": {"metadata": {"name": "demo", "labels": "team=a"}}, "want": 0},
	}

	policy := _policy("p", {"ingress": [{"from": [{"namespaceSelector": {"matchLabels": {"team": "a"}}}]}]})
	review := {"object": policy, "namespaceObject": tc.around}
	count(_found(review, {"Function": {"orders": _function("orders")}})) == tc.want
}

test_callers[note] if {
	some note, tc in {
		"nothing": {
			"policies": {},
			"want": {_unrestricted},
		},
		"deny all": {"policies": {"a": {}}, "want": set()},
		"null spec": {"policies": {"a": null}, "want": set()},
		"null rules": {"policies": {"a": {"rules": null}}, "want": set()},
		"no rules": {"policies": {"a": {"rules": []}}, "want": set()},
		"null action": {"policies": {"a": {"action": null}}, "want": set()},
		"a caller": {"policies": {"a": {"rules": [{"from": [{"source": {"namespaces": ["shop"]}}]}]}}, "want": set()},
		"a token's audience": {
			"policies": {"a": {"rules": [{"when": [{"key": "request.auth.claims[aud]", "values": ["orders"]}]}]}},
			"want": set(),
		},
		"health": {"policies": {"a": {"rules": [{"to": [{"operation": {"paths": ["/healthz"]}}]}]}}, "want": set()},
		"allow all": {
			"policies": {"a": {"rules": [{}]}},
			"want": {`any pod of the mesh may call the Function: rule 0 of AuthorizationPolicy "a" names no caller`},
		},
		"a null rule": {
			"policies": {"a": {"rules": [null]}},
			"want": {`any pod of the mesh may call the Function: rule 0 of AuthorizationPolicy "a" names no caller`},
		},
		"rules are text": {
			"policies": {"a": {"rules": "x"}},
			"want": {`any pod of the mesh may call the Function: rule 0 of AuthorizationPolicy "a" names no caller`},
		},
		"allow all twice": {
			"policies": {
				"b": {"rules": [{}]},
				"a": {"rules": [{"from": [{"source": {"principals": ["*"]}}]}]},
				"c": {},
			},
			"want": {concat("", [
				"any pod of the mesh may call the Function: rule 0, source 0 of AuthorizationPolicy ",
				`"a" names no caller; and 1 more`,
			])},
		},
		"an action nobody knows is ALLOW": {
			"policies": {"a": {"action": "Allow", "rules": [{}]}},
			"want": {`any pod of the mesh may call the Function: rule 0 of AuthorizationPolicy "a" names no caller`},
		},
		"deny someone, beside allow all": {
			"policies": {
				"a": {"rules": [{}]},
				"b": {"action": "DENY", "rules": [{"from": [{"source": {"notNamespaces": ["shop"]}}]}]},
			},
			"want": set(),
		},
		"deny under a condition": {
			"policies": {"a": {"action": "DENY", "rules": [{
				"when": [{"key": "source.namespace", "notValues": ["shop"]}],
				"to": [{"operation": {"methods": ["POST"]}}],
			}]}},
			"want": set(),
		},
		"deny all by a rule": {"policies": {"a": {"action": "DENY", "rules": [{}]}}, "want": set()},
		"deny operations": {
			"policies": {"a": {"action": "DENY", "rules": [{"from": [], "to": [{"operation": {"paths": ["/x"]}}]}]}},
			"want": {_unrestricted},
		},
		"a DENY rule that can't be read": {
			"policies": {"a": {"action": "DENY", "rules": ["x"]}},
			"want": {_unrestricted},
		},
		"a trusted provider": {
			"policies": {"a": {"action": "CUSTOM", "provider": {"name": "opa"}, "rules": [{}]}},
			"want": set(),
		},
		"a trusted provider, asked about some operations": {
			"policies": {"a": {"action": "CUSTOM", "provider": {"name": "opa"}, "rules": [{"to": [
				{"operation": {"paths": ["/admin"]}},
				{"operation": {"methods": ["POST"], "paths": ["*"]}},
				{"operation": {"notPaths": ["/healthz", "/public"]}},
				{"operation": {"notPaths": "/healthz"}},
				{"operation": null},
				null,
			]}]}},
			"want": {_unrestricted},
		},
		"a trusted provider, asked about all but what is open": {
			"policies": {"a": {"action": "CUSTOM", "provider": {"name": "opa"}, "rules": [{"to": [
				{"operation": {"paths": ["/admin"]}},
				{"operation": {"paths": [], "methods": null, "notPaths": ["/healthz"]}},
			]}]}},
			"want": set(),
		},
		"a trusted provider, asked about all paths": {
			"policies": {"a": {"action": "CUSTOM", "provider": {"name": "opa"}, "rules": [{"to": [
				{"operation": {"paths": ["/*"], "notPaths": null}},
			]}]}},
			"want": set(),
		},
		"a trusted provider, asked about some callers": {
			"policies": {"a": {"action": "CUSTOM", "provider": {"name": "opa"}, "rules": [{
				"from": [{"source": {"notNamespaces": ["istio-system"]}}],
				"to": [{"operation": {"paths": ["/admin"]}}],
			}]}},
			"want": set(),
		},
		"a trusted provider that isn't asked": {
			"policies": {"a": {"action": "CUSTOM", "provider": {"name": "opa"}, "rules": []}},
			"want": {_unrestricted},
		},
		"another provider": {
			"policies": {"a": {"action": "CUSTOM", "provider": {"name": "opa2"}, "rules": [{}]}},
			"want": {_unrestricted},
		},
		"selector is text": {
			"policies": {"a": {"selector": "app=orders"}},
			"want": {_unrestricted},
		},
		"build pods aren't in the mesh": {
			"policies": {"a": {"selector": {"matchLabels": {"serverless.kyma-project.io/resource": "deployment"}}}},
			"want": set(),
		},
	}

	review := {"object": _function("orders"), "namespaceObject": _meshed}
	inventory := {"NetworkPolicy": {"deny": _policy("deny", _closed)}, "AuthorizationPolicy": _specs(tc.policies)}
	_messages(review, inventory) == {sprintf("KFS-404: %s", [text]) | some text in tc.want}
}

# What may not hold guards nothing, and what may hold opens.
test_callers_by_doubtful_policies[note] if {
	open := {"rules": [{}]}
	opened := `any pod of the mesh may call the Function: rule 0 of AuthorizationPolicy "b" names no caller`
	some note, tc in {
		"for another revision": {"policies": {"a": _revised({})}, "want": {_unrestricted}},
		"a rehearsal": {"policies": {"a": _rehearsed("t", {})}, "want": {_unrestricted}},
		"a rehearsal that can't be read": {"policies": {"a": _rehearsed("maybe", {})}, "want": {_unrestricted}},
		"a rehearsal that is none": {"policies": {"a": _rehearsed("F", {})}, "want": set()},
		"of a hash": {
			"policies": {"a": {"spec": {"selector": {"matchLabels": {"pod-template-hash": "1"}}}}},
			"want": {_unrestricted},
		},
		"open for another revision": {"policies": {"a": {}, "b": _revised(open)}, "want": {opened}},
		"open in a rehearsal": {"policies": {"a": {}, "b": _rehearsed("true", open)}, "want": set()},
		"open in a rehearsal that can't be read": {
			"policies": {"a": {}, "b": _rehearsed("maybe", open)},
			"want": {opened},
		},
		"open in a rehearsal that is none": {"policies": {"a": {}, "b": _rehearsed("0", open)}, "want": {opened}},
		"open to a hash": {
			"policies": {
				"a": {},
				"b": {"spec": object.union(open, {"selector": {"matchLabels": {"pod-template-hash": "1"}}})},
			},
			"want": {opened},
		},
	}

	review := {"object": _function("orders"), "namespaceObject": _meshed}
	inventory := {"NetworkPolicy": {"deny": _policy("deny", _closed)}, "AuthorizationPolicy": tc.policies}
	_messages(review, inventory) == {sprintf("KFS-404: %s", [text]) | some text in tc.want}
}

_revised(spec) := {"metadata": {"labels": {"istio.io/rev": "stable"}}, "spec": spec}

_rehearsed(value, spec) := {"metadata": {"annotations": {"istio.io/dry-run": value}}, "spec": spec}

# What Kubernetes' and Istio's controllers write on pods. Values that they make up isolate nothing.
test_labels_of_controllers[note] if {
	hash := {"key": "pod-template-hash", "operator": "Exists"}
	job := {"key": "batch.kubernetes.io/job-name", "operator": "Exists"}
	some note, tc in {
		"all of a Deployment": {"selector": {"matchExpressions": [hash]}, "isolates": false, "opens": true},
		"one hash": {"selector": {"matchLabels": {"pod-template-hash": "1"}}, "isolates": false, "opens": true},
		"no Job's": {
			"selector": {"matchExpressions": [object.union(job, {"operator": "DoesNotExist"})]},
			"isolates": false,
			"opens": true,
		},
		"a Job's": {"selector": {"matchExpressions": [job]}, "isolates": false, "opens": true},
		"one Job's": {"selector": {"matchLabels": {"job-name": "orders-build-1"}}, "isolates": false, "opens": true},
		"no hash but one": {
			"selector": {"matchExpressions": [{"key": "pod-template-hash", "operator": "NotIn", "values": ["1"]}]},
			"isolates": true,
			"opens": true,
		},
		"in the mesh": {
			"selector": {"matchLabels": {"security.istio.io/tlsMode": "istio"}},
			"isolates": false,
			"opens": true,
		},
		"outside the mesh": {
			"selector": {"matchExpressions": [{"key": "security.istio.io/tlsMode", "operator": "DoesNotExist"}]},
			"isolates": false,
			"opens": true,
		},
		"by Istio's name": {
			"selector": {"matchLabels": {"service.istio.io/canonical-name": "orders"}},
			"isolates": false,
			"opens": true,
		},
		"another's by Istio's name": {
			"selector": {"matchLabels": {"service.istio.io/canonical-name": "cart"}},
			"isolates": false,
			"opens": false,
		},
	}

	guard := _policy("guard", object.union(_closed, {"podSelector": tc.selector}))
	open := _policy("open", {"podSelector": tc.selector, "ingress": [{}]})
	review := {"object": _function("orders"), "namespaceObject": _meshed}
	isolated := {f.details.rule | some f in _violations(review, {"NetworkPolicy": {"guard": guard}})}
	isolated == {rule | some rule in ["KFS-401", "KFS-402"]; not tc.isolates}

	policies := {"NetworkPolicy": {"deny": _policy("deny", _closed), "open": open}}
	{f.details.rule | some f in _violations(review, policies)} == {"KFS-403" | tc.opens}
	found := _found({"object": open}, {"Function": {"orders": _function("orders")}})
	{path | some [path, _] in found} == {["spec", "ingress", 0] | tc.opens}
}

test_published[note] if {
	some note, tc in {
		"v2": {"version": "v2", "spec": {}, "want": true},
		"v2alpha1": {"version": "v2alpha1", "spec": {}, "want": true},
		"v1beta1": {"version": "v1beta1", "spec": {}, "want": false},
		"of another service": {"version": "v2", "spec": {"service": {"name": "cart"}}, "want": false},
		"of another namespace": {
			"version": "v2",
			"spec": {"service": {"name": "orders", "namespace": "shop"}},
			"want": false,
		},
		"of a rule's service": {
			"version": "v2",
			"spec": {
				"service": {"name": "cart"},
				"rules": [{"path": "/a", "noAuth": true}, {"path": "/", "noAuth": true, "service": {"name": "orders"}}],
			},
			"want": true,
		},
		"no strategy": {"version": "v2", "spec": {"rules": [{"path": "/"}]}, "want": false},
		"rules are text": {"version": "v2", "spec": {"rules": "x"}, "want": false},
	}

	spec := object.union({"service": {"name": "orders"}, "rules": [{"path": "/", "noAuth": true}]}, tc.spec)
	rule := {
		"apiVersion": sprintf("gateway.kyma-project.io/%s", [tc.version]),
		"metadata": {"name": "r", "namespace": "demo"},
		"spec": spec,
	}
	review := {"object": _function("orders"), "namespaceObject": _meshed}
	inventory := {
		"NetworkPolicy": {"deny": _policy("deny", _closed)},
		"AuthorizationPolicy": {},
		"APIRule": {"r": rule},
	}
	count(_messages(review, inventory)) == 0 == tc.want
}

test_mesh[note] if {
	some note, tc in {
		"a member, strict": {"around": _meshed, "authentications": {"a": {"mtls": {"mode": "STRICT"}}}, "want": set()},
		"not a member": {
			"around": {"metadata": {"name": "demo"}},
			"authentications": {},
			"want": {`namespace "demo" isn't in the mesh: it lacks the label istio-injection: enabled`},
		},
		"misspelt": {
			"around": {"metadata": {"name": "demo", "labels": {"istio-injection": "enable"}}},
			"authentications": {},
			"want": {`namespace "demo" isn't in the mesh: its label istio-injection is "enable"`},
		},
		"unknown": {
			"around": {},
			"authentications": {},
			"want": {`namespace "demo" isn't in the mesh: it isn't known`},
		},
		"no PeerAuthentication": {
			"around": _meshed,
			"authentications": {},
			"want": {"mutual TLS isn't strict but PERMISSIVE, the mesh's default"},
		},
		"permissive": {
			"around": _meshed,
			"authentications": {"a": {"mtls": {"mode": "DISABLE"}}},
			"want": {`mutual TLS isn't strict but DISABLE, by PeerAuthentication "a" of namespace "demo"`},
		},
	}

	review := {"object": _function("orders"), "namespaceObject": tc.around}
	inventory := {
		"NetworkPolicy": {"deny": _policy("deny", _closed)},
		"PeerAuthentication": _specs(tc.authentications),
	}
	_messages(review, inventory) == {sprintf("KFS-405: %s", [text]) | some text in tc.want}
}

test_peer_authentication[note] if {
	some note, tc in {
		"strict": {"spec": {"mtls": {"mode": "STRICT"}}, "want": set()},
		"permissive": {
			"spec": {"mtls": {"mode": "PERMISSIVE"}},
			"want": {[
				["spec", "mtls", "mode"],
				`KFS-407: Function "cart" and 1 more: mutual TLS isn't strict but PERMISSIVE`,
			]},
		},
		"of one": {
			"spec": {
				"selector": {"matchLabels": {"app.kubernetes.io/name": "orders"}},
				"mtls": {"mode": "STRICT"},
				"portLevelMtls": {"8080": {"mode": "DISABLE"}, "9090": {"mode": "PERMISSIVE"}},
			},
			"want": {
				[
					["spec", "portLevelMtls", "8080", "mode"],
					`KFS-407: Function "orders": mutual TLS isn't strict but DISABLE`,
				],
				[
					["spec", "portLevelMtls", "9090", "mode"],
					`KFS-407: Function "orders": mutual TLS isn't strict but PERMISSIVE`,
				],
			},
		},
		"of none": {
			"spec": {"selector": {"matchLabels": {"app": "database"}}, "mtls": {"mode": "DISABLE"}},
			"want": set(),
		},
	}

	review := {"object": _peer_authentication("default", "demo", tc.spec)}
	inventory := {
		"Function": {"orders": _function("orders"), "cart": _function("cart")},
		"PeerAuthentication": {"default": _peer_authentication("default", "demo", {"mtls": {"mode": "STRICT"}})},
	}
	_found(review, inventory) == tc.want
}

# Where there are many Functions, one stands for those that are alike to all PeerAuthentications.
test_peer_authentication_of_many if {
	functions := {name: _function(name) |
		some i in numbers.range(1, 25)
		name := sprintf("a%d", [i])
	}
	review := {"object": _peer_authentication("default", "demo", {"mtls": {"mode": "PERMISSIVE"}})}
	strict := {
		"selector": {"matchLabels": {"serverless.kyma-project.io/function-name": "a1"}},
		"mtls": {"mode": "STRICT"},
	}
	inventory := {
		"Function": functions,
		"PeerAuthentication": {"a1": _peer_authentication("a1", "demo", strict)},
	}
	_found(review, inventory) == {[
		["spec", "mtls", "mode"],
		`KFS-407: Function "a10" and 23 more: mutual TLS isn't strict but PERMISSIVE`,
	]}
}

test_peer_authentication_without_a_name if {
	review := {"object": {
		"kind": "PeerAuthentication",
		"metadata": {"generateName": "a-", "namespace": "demo"},
		"spec": {"mtls": {"mode": "DISABLE"}},
	}}
	count(_found(review, {"Function": {"orders": _function("orders")}})) == 1
}

test_peer_authentication_of_the_root if {
	review := {"object": _peer_authentication("default", "istio-system", {"mtls": {"mode": "PERMISSIVE"}})}
	count(_found(review, {"Function": {"orders": _function("orders")}, "PeerAuthentication": {}})) == 1
	strict := {"default": _peer_authentication("default", "demo", {"mtls": {"mode": "STRICT"}})}
	count(_found(review, {"Function": {"orders": _function("orders")}, "PeerAuthentication": strict})) == 0
}

test_namespace[note] if {
	some note, tc in {
		"member": {"labels": {"istio-injection": "enabled"}, "functions": ["orders"], "want": set()},
		"not a member": {"labels": {}, "functions": ["orders", "cart"], "want": {[
			["metadata", "labels", "istio-injection"],
			`KFS-407: Function "cart" and 1 more: out of the mesh: it lacks the label istio-injection: enabled`,
		]}},
		"disabled": {"labels": {"istio-injection": "disabled"}, "functions": ["orders"], "want": {[
			["metadata", "labels", "istio-injection"],
			`KFS-407: Function "orders": out of the mesh: its label istio-injection is "disabled"`,
		]}},
		"without Functions": {"labels": {}, "functions": [], "want": set()},
	}

	review := {"object": {"kind": "Namespace", "metadata": {"name": "demo", "labels": tc.labels}}}
	_found(review, {"Function": {name: _function(name) | some name in tc.functions}}) == tc.want
}

# In either place from which pods get their labels.
test_namespace_of_pods_that_ask_for_a_sidecar[note] if {
	some note, tc in {
		"in labels": {"spec": {"labels": {"sidecar.istio.io/inject": "true"}}, "want": 0},
		"in the template": {"spec": {"template": {"labels": {"sidecar.istio.io/inject": "true"}}}, "want": 0},
		"in neither": {"spec": {"labels": {"a": "b"}, "template": {"labels": {"a": "b"}}}, "want": 1},
		"against it": {"spec": {"template": {"labels": {"sidecar.istio.io/inject": "false"}}}, "want": 1},
	}

	review := {"object": {"kind": "Namespace", "metadata": {"name": "demo"}}}
	count(_found(review, {"Function": {"orders": object.union(_function("orders"), {"spec": tc.spec})}})) == tc.want
}

test_system_namespaces[note] if {
	some note, tc in {
		"not one": {"parameter": ["kyma-system"], "want": set()},
		"one": {"parameter": ["kyma-system", "demo"], "want": {"KFS-408"}},
		"a prefix": {"parameter": ["dem"], "want": set()},
		"none": {"parameter": [], "want": set()},
		"null": {"parameter": null, "want": {"KFS-408"}},
		"text": {"parameter": "kyma-system", "want": {"KFS-408"}},
	}

	found := namespace_isolation.violation with input as {
		"review": {"object": _function("orders")},
		"parameters": {"rules": ["KFS-408"], "systemNamespaces": tc.parameter},
	}
	{f.details.rule | some f in found} == tc.want
}

# Without parameters everything is judged, and by the strictest of what they may say.
test_parameters_missing if {
	policy := _policy("p", object.union(_closed, {"egress": [{"to": [{"ipBlock": {"cidr": "8.0.0.0/8"}}]}]}))
	found := namespace_isolation.violation with input as {"review": {"object": _function("orders")}}
		with data.inventory as _inventory({
			"NetworkPolicy": {"p": policy},
			"AuthorizationPolicy": _specs({"a": {"rules": [{"to": [{"operation": {"paths": ["/healthz"]}}]}]}}),
		})
	{f.details.rule | some f in found} == {"KFS-403", "KFS-404", "KFS-405", "KFS-408"}
}

test_parameters_of_a_wrong_type[note] if {
	some note, parameters in {
		"null": {"meshMtls": null, "openPaths": null, "rootNamespace": null, "trustedProviders": null, "flavor": null},
		"text": {"meshMtls": "strict", "openPaths": "/healthz", "trustedProviders": "opa", "flavor": "none"},
		"an object": {"meshMtls": {}, "openPaths": {}, "rootNamespace": {}, "trustedProviders": {}, "flavor": {}},
	}

	review := {"object": _function("orders"), "namespaceObject": _meshed}
	found := namespace_isolation.violation with input as {
		"review": review,
		"parameters": object.union({"systemNamespaces": []}, parameters),
	}
		with data.inventory as _inventory({
			"NetworkPolicy": {"p": _policy("p", object.union(_closed, {"podSelector": {"matchLabels": {
				"serverless.kyma-project.io/resource": "deployment",
			}}}))},
			"AuthorizationPolicy": _specs({
				"a": {"rules": [{"to": [{"operation": {"paths": ["/healthz"]}}]}]},
				"b": {"action": "CUSTOM", "provider": {"name": "opa"}, "rules": [{}]},
			}),
			"PeerAuthentication": {},
		})
	{f.details.rule | some f in found} == {"KFS-401", "KFS-402", "KFS-404", "KFS-405"}
}

_unrestricted := concat("", [
	"any pod of the mesh may call the Function: ",
	"no AuthorizationPolicy and no APIRule v2 restricts its callers",
])

_closed := {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}

_strict := {"mtls": {"mode": "STRICT"}}

_meshed := {"metadata": {"name": "demo", "labels": {"istio-injection": "enabled"}}}

_function(name) := {
	"apiVersion": "serverless.kyma-project.io/v1alpha2",
	"kind": "Function",
	"metadata": {"name": name, "namespace": "demo"},
	"spec": {},
}

_policy(name, spec) := {"kind": "NetworkPolicy", "metadata": {"name": name, "namespace": "demo"}, "spec": spec}

_peer_authentication(name, namespace, spec) := {
	"kind": "PeerAuthentication",
	"metadata": {"name": name, "namespace": namespace},
	"spec": spec,
}

_specs(specs) := {name: {"metadata": {"name": name, "namespace": "demo"}, "spec": spec} | some name, spec in specs}

_inventory(kinds) := {"namespace": {"demo": {
	"serverless.kyma-project.io/v1alpha2": {"Function": object.get(kinds, "Function", {})},
	"networking.k8s.io/v1": {"NetworkPolicy": object.get(kinds, "NetworkPolicy", {})},
	"security.istio.io/v1": {
		"AuthorizationPolicy": object.get(kinds, "AuthorizationPolicy", _specs({"deny-all": {}})),
		"PeerAuthentication": object.get(kinds, "PeerAuthentication", _specs({"default": _strict})),
	},
	"gateway.kyma-project.io/v2": {"APIRule": object.get(kinds, "APIRule", {})},
}}}

_parameters := {
	"clusterCIDRs": ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"],
	"meshMtls": "PERMISSIVE",
	"openPaths": ["/healthz"],
	"rootNamespace": "istio-system",
	"systemNamespaces": ["kyma-system"],
	"trustedProviders": ["opa"],
	"flavor": "classic",
}

_violations(review, kinds) := found if {
	found := namespace_isolation.violation with input as {"review": review, "parameters": _parameters}
		with data.inventory as _inventory(kinds)
}

_messages(review, kinds) := {f.msg | some f in _violations(review, kinds)}

_found(review, kinds) := {[f.details.path, f.msg] | some f in _violations(review, kinds)}
