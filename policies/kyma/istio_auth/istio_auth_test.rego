package kyma.istio_auth_test

import data.kyma.istio_auth

_parameters := {
	"openPaths": ["/healthz"],
	"rootNamespace": "istio-system",
	"trustedControllers": ["system:serviceaccount:kyma-system:api-gateway-controller-manager"],
	"platformObjects": [{"kind": "EnvoyFilter", "namespace": "istio-system", "name": "kyma-referer"}],
}

_function(name, namespace) := {
	"apiVersion": "serverless.kyma-project.io/v1alpha2",
	"kind": "Function",
	"metadata": {"name": name, "namespace": namespace, "uid": "4711"},
	"spec": {"runtime": "nodejs24", "labels": {"tier": "backend"}},
}

_functions := {"demo": _kinds("serverless.kyma-project.io/v1alpha2", "Function", {
	"orders": _function("orders", "demo"),
	"cart": _function("cart", "demo"),
})}

_one_function := {"demo": _kinds("serverless.kyma-project.io/v1alpha2", "Function", {
	"orders": _function("orders", "demo"),
})}

_kinds(version, kind, resources) := {version: {kind: resources}}

_orders := {
	"serverless.kyma-project.io/function-name": "orders",
	"serverless.kyma-project.io/managed-by": "function-controller",
	"serverless.kyma-project.io/resource": "deployment",
	"serverless.kyma-project.io/uuid": "4711",
}

_cart := object.union(_orders, {"serverless.kyma-project.io/function-name": "cart"})

_object(kind, spec) := {
	"apiVersion": "security.istio.io/v1",
	"kind": kind,
	"metadata": {"name": "subject", "namespace": "demo"},
	"spec": spec,
}

# The findings as {[rule, path after spec]}.
_found(resource, namespaces) := _found_with(resource, namespaces, _parameters)

_found_with(resource, namespaces, parameters) := {[result.details.rule, result.details.path] |
	some result in istio_auth.violation with input as {"review": {"object": resource}, "parameters": parameters}
		with data.inventory as {"namespace": namespaces}
}

_messages(resource, namespaces) := {result.msg |
	some result in istio_auth.violation with input as {"review": {"object": resource}, "parameters": _parameters}
		with data.inventory as {"namespace": namespaces}
}

_policy(rules) := _object("AuthorizationPolicy", {"selector": {"matchLabels": _orders}, "rules": rules})

_from(source) := _policy([{"from": [{"source": source}]}])

_when(condition) := _policy([{"when": [condition]}])

_whole_rule := {["KFS-121", ["spec", "rules", 0]]}

_first_source := {["KFS-121", ["spec", "rules", 0, "from", 0]]}

test_source_names_a_caller[note] if {
	some note, source in {
		"principal": {"principals": ["cluster.local/ns/shop/sa/web"]},
		"principals of a namespace": {"principals": ["cluster.local/ns/shop/*"]},
		"principal of any trust domain": {"principals": ["*/ns/shop/sa/web"]},
		"namespace": {"namespaces": ["shop"]},
		"service account": {"serviceAccounts": ["web"]},
		"service account of another namespace": {"serviceAccounts": ["shop/web.v2"]},
		"token": {"requestPrincipals": ["https://idp.example.com/orders-client"]},
		"tokens of an issuer": {"requestPrincipals": ["https://idp.example.com/*"]},
		"tokens of an issuer with a port": {"requestPrincipals": ["https://idp.example.com:8443/realms/a/*"]},
		"tokens of an issuer that is no URL": {"requestPrincipals": ["issuer@example.com/*"]},
		"one of two conditions": {"principals": ["*"], "namespaces": ["shop"]},
		"less what is left out": {"namespaces": ["shop"], "notPrincipals": ["cluster.local/ns/shop/sa/batch"]},
	}

	_found(_from(source), _functions) == set()
}

test_source_names_no_caller[note] if {
	some note, source in {
		"null": null,
		"a string": "principals",
		"an array": ["principals"],
		"empty": {},
		"an unknown field": {"principal": ["cluster.local/ns/shop/sa/web"]},
		"no values": {"principals": [], "namespaces": null},
		"no list": {"principals": "cluster.local/ns/shop/sa/web"},
		"no string": {"principals": [7]},
		"null value": {"principals": [null]},
		"blank": {"namespaces": [" "]},
		"empty value": {"principals": [""]},
		"any principal": {"principals": ["*"]},
		"any of the trust domain": {"principals": ["cluster.local/*"]},
		"any namespace of the trust domain": {"principals": ["cluster.local/ns/*"]},
		"a name in any namespace": {"principals": ["*/sa/default"]},
		"one of them any": {"principals": ["cluster.local/ns/shop/sa/web", "*"]},
		"any namespace": {"namespaces": ["*"]},
		"namespaces by prefix": {"namespaces": ["s*"]},
		"a regular expression": {"namespaces": [".+"]},
		"alternatives of one": {"namespaces": ["shop|.*"]},
		"any service account": {"serviceAccounts": ["*"]},
		"service accounts by expression": {"serviceAccounts": [".+/.+"]},
		"any token": {"requestPrincipals": ["*"]},
		"any issuer and subject": {"requestPrincipals": ["*/*"]},
		"any issuer": {"requestPrincipals": ["*/alice"]},
		"any https issuer": {"requestPrincipals": ["https://*"]},
		"issuers by prefix": {"requestPrincipals": ["idp*"]},
		"only principals left out": {"notPrincipals": ["cluster.local/ns/istio-system/sa/x"]},
		"only things left out": {
			"notNamespaces": ["shop"],
			"notIpBlocks": ["10.0.0.0/8"],
			"notRemoteIpBlocks": ["10.0.0.0/8"],
			"notRequestPrincipals": ["*"],
			"notServiceAccounts": ["web"],
		},
	}

	_found(_from(source), _functions) == _first_source
}

test_source_names_a_network[note] if {
	some note, source in {
		"network": {"ipBlocks": ["10.0.0.0/8"]},
		"private networks": {"ipBlocks": ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"]},
		"addresses": {"ipBlocks": ["10.1.2.3", "2001:db8::1"]},
		"sixteen of the widest networks": {"ipBlocks": _every_second(16)},
		"sixteen of the widest in IPv6": {"ipBlocks": [sprintf("2%x0::/16", [i]) | some i in numbers.range(16, 31)]},
		"the widest network of IPv6": {"ipBlocks": ["2a02::/16"]},
		"neighbours": {"ipBlocks": ["10.0.0.0/8", "11.0.0.0/8", "10.1.0.0/16"]},
		"all private networks of IPv6": {"ipBlocks": ["fc00::/7", "fd12:3456::/32"]},
		"client network": {"remoteIpBlocks": ["203.0.113.0/24", "2001:db8::/32"]},
	}

	_found(_from(source), _one_function) == set()
}

test_source_names_no_network[note] if {
	some note, source in {
		"no addresses": {"ipBlocks": [], "remoteIpBlocks": null},
		"all addresses": {"ipBlocks": ["0.0.0.0/0"]},
		"all addresses, otherwise written": {"ipBlocks": ["10.1.2.3/0"]},
		"all IPv6 addresses": {"ipBlocks": ["::/0"]},
		"halves": {"ipBlocks": ["0.0.0.0/1", "128.0.0.0/1"]},
		"one half": {"ipBlocks": ["0.0.0.0/1"]},
		"halves of IPv6": {"remoteIpBlocks": ["::/1", "8000::/1"]},
		"all global IPv6": {"remoteIpBlocks": ["2000::/3"]},
		"wider than any network": {"ipBlocks": ["10.0.0.0/7"]},
		"private and more": {"ipBlocks": ["fc00::/6"]},
		"seventeen of the widest in IPv6": {"ipBlocks": [sprintf("2%x0::/16", [i]) | some i in numbers.range(16, 32)]},
		"every second network": {"ipBlocks": _every_second(17)},
		"a registry's IPv6 network": {"ipBlocks": ["2400::/12"]},
		"a network and all": {"ipBlocks": ["10.0.0.0/8", "0.0.0.0/0"]},
		"all client addresses": {"remoteIpBlocks": ["0.0.0.0/0"]},
		"no address": {"ipBlocks": ["10.0.0"]},
		"no network": {"ipBlocks": ["10.0.0.0/33"]},
		"no text for an address": {"ipBlocks": [10]},
	}

	_found(_from(source), _one_function) == _first_source
}

_every_second(n) := [sprintf("%d.0.0.0/8", [2 * i]) | some i in numbers.range(1, n)]

test_rules_open[note] if {
	some note, tc in {
		"empty rule": {"rules": [{}], "want": _whole_rule},
		"null rule": {"rules": [null], "want": _whole_rule},
		"a rule that is none": {"rules": ["all"], "want": _whole_rule},
		"rules that are none": {"rules": {}, "want": _whole_rule},
		"rules false": {"rules": false, "want": _whole_rule},
		"from null": {"rules": [{"from": null}], "want": _whole_rule},
		"from empty": {"rules": [{"from": []}], "want": _whole_rule},
		"from that is no list": {"rules": [{"from": {"source": {"namespaces": ["shop"]}}}], "want": _whole_rule},
		"source missing": {"rules": [{"from": [{}]}], "want": _first_source},
		"source null": {"rules": [{"from": [null]}], "want": _first_source},
		"sources are alternatives": {
			"rules": [{"from": [{"source": {"namespaces": ["shop"]}}, {"source": {}}]}],
			"want": {["KFS-121", ["spec", "rules", 0, "from", 1]]},
		},
		"rules are alternatives": {
			"rules": [{"from": [{"source": {"namespaces": ["shop"]}}]}, {}],
			"want": {["KFS-121", ["spec", "rules", 1]]},
		},
		"every open source": {
			"rules": [{"from": [{}, {}]}],
			"want": {["KFS-121", ["spec", "rules", 0, "from", 0]], ["KFS-121", ["spec", "rules", 0, "from", 1]]},
		},
		"only an operation": {
			"rules": [{"to": [{"operation": {"methods": ["GET"], "paths": ["/orders"]}}]}],
			"want": _whole_rule,
		},
		"a path besides an open one": {
			"rules": [{"to": [{"operation": {"paths": ["/healthz", "/orders"]}}]}],
			"want": _whole_rule,
		},
		"all below an open path": {"rules": [{"to": [{"operation": {"paths": ["/healthz*"]}}]}], "want": _whole_rule},
		"an operation besides an open path": {
			"rules": [{"to": [{"operation": {"paths": ["/healthz"]}}, {"operation": {"methods": ["GET"]}}]}],
			"want": _whole_rule,
		},
		"all but an open path": {"rules": [{"to": [{"operation": {"notPaths": ["/healthz"]}}]}], "want": _whole_rule},
		"no path": {"rules": [{"to": [{"operation": {"paths": []}}]}], "want": _whole_rule},
		"no operation": {"rules": [{"to": [null]}], "want": _whole_rule},
		"to empty": {"rules": [{"to": []}], "want": _whole_rule},
		"to that is no list": {"rules": [{"to": "/healthz"}], "want": _whole_rule},
	}

	_found(_policy(tc.rules), _functions) == tc.want
}

test_rules_do_not_open[note] if {
	some note, rules in {
		"deny all, absent": null,
		"deny all, empty": [],
		"an open path": [{"to": [{"operation": {"paths": ["/healthz"], "methods": ["GET"]}}]}],
		"open paths only": [{"to": [{"operation": {"paths": ["/healthz", "/healthz"]}}]}],
	}

	_found(_policy(rules), _functions) == set()
}

test_policy_without_rules_denies_all[note] if {
	some note, policy in {
		"no spec": json.remove(_object("AuthorizationPolicy", {}), ["/spec"]),
		"spec null": _object("AuthorizationPolicy", null),
		"spec empty": _object("AuthorizationPolicy", {}),
	}

	_found(policy, _functions) == set()
}

test_unreadable_spec_opens if {
	_found(_object("AuthorizationPolicy", "allow"), _functions) == _whole_rule
}

test_condition_binds[note] if {
	some note, condition in {
		"audience": {"key": "request.auth.claims[aud]", "values": ["orders"]},
		"audiences": {"key": "request.auth.audiences", "values": ["orders", "orders-v2"]},
		"scp": {"key": "request.auth.claims[scp]", "values": ["orders:read"]},
		"scope": {"key": "request.auth.claims[scope]", "values": ["orders:read"]},
		"scopes": {"key": "request.auth.claims[scopes]", "values": ["orders:read"], "notValues": ["admin"]},
		"principal": {"key": "source.principal", "values": ["cluster.local/ns/shop/sa/web"]},
		"namespace": {"key": "source.namespace", "values": ["shop"]},
		"address": {"key": "source.ip", "values": ["10.0.0.0/8"]},
		"client address": {"key": "remote.ip", "values": ["203.0.113.7"]},
		"token": {"key": "request.auth.principal", "values": ["https://idp.example.com/*"]},
		"service account": {"key": "source.serviceAccount", "values": ["shop/web"]},
	}

	_found(_when(condition), _functions) == set()
}

test_condition_does_not_bind[note] if {
	some note, condition in {
		"null": null,
		"a string": "request.auth.audiences",
		"no values": {"key": "request.auth.audiences"},
		"values null": {"key": "request.auth.audiences", "values": null},
		"values empty": {"key": "request.auth.audiences", "values": []},
		"values no list": {"key": "request.auth.audiences", "values": "orders"},
		"only values left out": {"key": "request.auth.audiences", "notValues": ["cart"]},
		"blank": {"key": "request.auth.audiences", "values": [" "]},
		"empty": {"key": "request.auth.audiences", "values": ["orders", ""]},
		"no string": {"key": "request.auth.audiences", "values": [null]},
		"any": {"key": "request.auth.claims[aud]", "values": ["*"]},
		"any by prefix": {"key": "request.auth.claims[scp]", "values": ["orders*"]},
		"any by suffix": {"key": "request.auth.claims[scp]", "values": ["*:read "]},
		"one of them any": {"key": "request.auth.claims[aud]", "values": ["orders", "*"]},
		"another claim": {"key": "request.auth.claims[email]", "values": ["a@example.com"]},
		"another case": {"key": "request.auth.claims[AUD]", "values": ["orders"]},
		"a header": {"key": "request.headers[x-token]", "values": ["secret"]},
		"any principal": {"key": "source.principal", "values": ["*"]},
		"all addresses": {"key": "source.ip", "values": ["0.0.0.0/0"]},
		"a key that is none": {"key": ["source.principal"], "values": ["x"]},
	}

	_found(_when(condition), _functions) == _whole_rule
}

test_conditions_that_are_no_list_do_not_bind if {
	rule := {"when": {"a": {"key": "request.auth.audiences", "values": ["orders"]}}}

	_found(_policy([rule]), _functions) == _whole_rule
}

test_condition_holds_for_every_source if {
	_found(
		_policy([{
			"from": [{"source": {"requestPrincipals": ["*"]}}, {}],
			"when": [
				{"key": "destination.port", "values": ["8080"]},
				{"key": "request.auth.claims[aud]", "values": ["orders"]},
			],
		}]),
		_functions,
	) == set()
}

test_action[note] if {
	some note, tc in {
		"ALLOW": {"action": "ALLOW", "want": _whole_rule},
		"null": {"action": null, "want": _whole_rule},
		"another case": {"action": "deny", "want": _whole_rule},
		"unknown": {"action": "LOG", "want": _whole_rule},
		"empty": {"action": "", "want": _whole_rule},
		"a number": {"action": 1, "want": _whole_rule},
		"DENY": {"action": "DENY", "want": set()},
		"AUDIT": {"action": "AUDIT", "want": set()},
		"CUSTOM": {"action": "CUSTOM", "want": set()},
	}

	_found(_object("AuthorizationPolicy", {"action": tc.action, "rules": [{}]}), _functions) == tc.want
}

_labelled(labels) := {"selector": {"matchLabels": labels}}

_open(fields) := _object("AuthorizationPolicy", object.union({"rules": [{}]}, fields))

test_selected_pods[note] if {
	some note, fields in {
		"no selector": {},
		"selector null": {"selector": null},
		"selector empty": {"selector": {}},
		"selector without labels": {"selector": {"matchLabels": {}}},
		"the four labels": {"selector": {"matchLabels": _orders}},
		"the name": {"selector": {"matchLabels": {"app.kubernetes.io/name": "orders"}}},
		"labels of the spec": {"selector": {"matchLabels": {"tier": "backend"}}},
		"all Functions": _labelled({"serverless.kyma-project.io/managed-by": "function-controller"}),
		"a Function to come": {"selector": {"matchLabels": {"serverless.kyma-project.io/function-name": "later"}}},
		"a Function of the build": {"selector": {"matchLabels": {
			"serverless.kyma-project.io/managed-by": "me",
			"team": "a",
		}}},
		"expressions, which Istio doesn't read": {"selector": {"matchExpressions": [
			{"key": "app", "operator": "Exists"},
		]}},
		"a selector that is none": {"selector": "app=shop"},
		"labels that are none": {"selector": {"matchLabels": "app=shop"}},
		"labels that are no strings": {"selector": {"matchLabels": {"app": 1}}},
		"its Service": {"targetRef": {"kind": "Service", "name": "orders"}},
		"its Service among others": {"targetRefs": [
			{"kind": "Service", "name": "shop"},
			{"kind": "Service", "name": "orders"},
		]},
		"a gateway": {"targetRef": {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "waypoint"}},
		"a class of gateways": {"targetRefs": [{"kind": "GatewayClass", "name": "istio-waypoint"}]},
		"an unknown target": {"targetRefs": [null]},
		"a Service without name": {"targetRefs": [{"kind": "Service"}]},
		"targets that are none": {"targetRefs": "orders"},
		"a target and a selector": {
			"targetRef": {"kind": "Service", "name": "shop"},
			"selector": {"matchLabels": _orders},
		},
	}

	_found(_open(fields), _functions) == _whole_rule
}

test_other_pods[note] if {
	some note, fields in {
		"other labels": {"selector": {"matchLabels": {"app": "shop"}}},
		"one label of two": {"selector": {"matchLabels": {"tier": "backend", "app": "shop"}}},
		"another Service": {"targetRef": {"kind": "Service", "name": "shop"}},
		"a ServiceEntry": {"targetRefs": [{"kind": "ServiceEntry", "name": "orders"}]},
	}

	_found(_open(fields), _functions) == set()
}

test_without_functions_whole_namespace_is_no_finding if {
	_found(_open({}), {}) == set()
	_found(_open({"selector": {"matchLabels": "x"}}), {}) == set()
}

test_function_named_by_label_needs_no_inventory if {
	_found(_open(_labelled({"serverless.kyma-project.io/function-name": "orders"})), {}) == _whole_rule
}

test_namespaces[note] if {
	some note, tc in {
		"another namespace": {"namespace": "shop", "want": set()},
		"the root namespace": {"namespace": "istio-system", "want": _whole_rule},
		"no namespace": {"namespace": null, "want": set()},
	}
	policy := object.union(_open({}), {"metadata": {"namespace": tc.namespace}})

	_found(policy, _functions) == tc.want
}

test_root_namespace_parameter if {
	policy := object.union(_open({}), {"metadata": {"namespace": "mesh"}})

	_found_with(policy, _functions, {"rootNamespace": "mesh"}) == _whole_rule
	every unreadable in [{}, {"rootNamespace": 7}, {"rootNamespace": null}, {"rootNamespace": ""}] {
		_found_with(policy, _functions, unreadable) == set()
		_found_with(
			object.union(policy, {"metadata": {"namespace": "istio-system"}}),
			_functions,
			unreadable,
		) == _whole_rule
	}
}

test_service_of_another_namespace_is_another if {
	policy := object.union(
		_open({"targetRef": {"kind": "Service", "name": "orders"}}),
		{"metadata": {"namespace": "istio-system"}},
	)

	_found(policy, _functions) == set()
}

test_without_parameters_no_path_is_open if {
	policy := _policy([{"to": [{"operation": {"paths": ["/healthz"]}}]}])

	_found_with(policy, _functions, {}) == _whole_rule
	_found_with(policy, _functions, {"openPaths": "/healthz"}) == _whole_rule
}

test_messages[note] if {
	some note, tc in {
		"one Function": {
			"policy": _policy([{}]),
			"functions": _functions,
			"want": "KFS-121: rule 0 names no caller, so anyone may call the pods of Function \"orders\"",
		},
		"a source": {
			"policy": _from({}),
			"functions": _functions,
			"want": "KFS-121: rule 0, source 0, names no caller, so anyone may call the pods of Function \"orders\"",
		},
		"several Functions": {
			"policy": _open({}),
			"functions": _functions,
			"want": "KFS-121: rule 0 names no caller, so anyone may call the pods of Function \"cart\" and 1 more",
		},
		"no Function yet": {
			"policy": _open({"selector": {"matchLabels": {"serverless.kyma-project.io/resource": "deployment"}}}),
			"functions": {},
			"want": "KFS-121: rule 0 names no caller, so anyone may call the pods of Functions",
		},
		"an issuer": {
			"policy": _authentication({"issuer": "https://idp.example.com"}),
			"functions": _one_function,
			"want": concat(" ", [
				"KFS-122: any token of issuer \"https://idp.example.com\" opens",
				"the pods of Function \"orders\": no audience or scope binds it",
			]),
		},
		"no issuer": {
			"policy": _authentication({}),
			"functions": _one_function,
			"want": concat(" ", [
				"KFS-122: any token of issuer unknown opens",
				"the pods of Function \"orders\": no audience or scope binds it",
			]),
		},
		"a filter": {
			"policy": _object("EnvoyFilter", {}),
			"functions": _one_function,
			"want": "KFS-123: EnvoyFilter can switch off what guards the pods of Function \"orders\"",
		},
	}

	_messages(tc.policy, tc.functions) == {tc.want}
}

_authentication(jwt_rule) := _object("RequestAuthentication", {
	"selector": {"matchLabels": _orders},
	"jwtRules": [jwt_rule],
})

_issuer := "https://idp.example.com"

_unbound := {["KFS-122", ["spec", "jwtRules", 0]]}

test_audiences[note] if {
	some note, tc in {
		"bound": {"rule": {"issuer": _issuer, "audiences": ["orders"]}, "want": set()},
		"absent": {"rule": {"issuer": _issuer}, "want": _unbound},
		"no rule": {"rule": null, "want": _unbound},
		"a string for a rule": {"rule": "any", "want": _unbound},
		"null": {"rule": {"audiences": null}, "want": {["KFS-122", ["spec", "jwtRules", 0, "audiences"]]}},
		"empty": {"rule": {"audiences": []}, "want": {["KFS-122", ["spec", "jwtRules", 0, "audiences"]]}},
		"blank": {"rule": {"audiences": [""]}, "want": {["KFS-122", ["spec", "jwtRules", 0, "audiences"]]}},
		"any": {"rule": {"audiences": ["orders", "*"]}, "want": {["KFS-122", ["spec", "jwtRules", 0, "audiences"]]}},
	}

	_found(_authentication(tc.rule), _functions) == tc.want
}

test_authentication_without_rules[note] if {
	some note, tc in {
		"no spec": {"spec": null, "want": set()},
		"no rules": {"spec": {}, "want": set()},
		"rules null": {"spec": {"jwtRules": null}, "want": set()},
		"rules empty": {"spec": {"jwtRules": []}, "want": set()},
		"rules that are none": {"spec": {"jwtRules": {}}, "want": _unbound},
		"a spec that is none": {"spec": "jwt", "want": _unbound},
		"the second rule": {
			"spec": {"jwtRules": [{"audiences": ["orders"]}, {}]},
			"want": {["KFS-122", ["spec", "jwtRules", 1]]},
		},
	}

	_found(_object("RequestAuthentication", tc.spec), _functions) == tc.want
}

_tokens(principals) := {"from": [{"source": {"requestPrincipals": principals}}]}

_audience := {"key": "request.auth.claims[aud]", "values": ["orders"]}

_bound_rule := {"from": [{"source": {"requestPrincipals": ["https://idp.example.com/*"]}}], "when": [_audience]}

# The namespaces of an inventory with the policies besides the Function.
_with_policies(policies) := object.union(_one_function, demo) if {
	named := {name: object.union({"metadata": {"name": name, "namespace": "demo"}}, policy) |
		some name, policy in policies
	}
	demo := {"demo": _kinds("security.istio.io/v1", "AuthorizationPolicy", named)}
}

_authenticated := _authentication({"issuer": _issuer, "jwksUri": "https://idp.example.com/keys"})

test_policies_bind_tokens[note] if {
	some note, policies in {
		"its only rule": {"a": {"spec": {"rules": [_bound_rule]}}},
		"selected": {"a": {"spec": {"selector": {"matchLabels": _orders}, "action": "ALLOW", "rules": [_bound_rule]}}},
		"besides callers without token": {
			"a": {"spec": {"rules": [_bound_rule]}},
			"b": {"spec": {"rules": [{"from": [{"source": {"namespaces": ["shop"]}}]}]}},
		},
		"besides tokens of another issuer": {"a": {"spec": {"rules": [
			_bound_rule,
			_tokens(["https://other.example.com/*", "https://idp.example.com.evil/x"]),
		]}}},
		"besides callers of a port": {"a": {"spec": {"rules": [_bound_rule, {
			"from": [{"source": {"namespaces": ["shop"]}}],
			"when": [{"key": "destination.port", "values": ["8080"]}],
		}]}}},
		"besides callers named in when": {"a": {"spec": {"rules": [
			_bound_rule,
			{"when": [{"key": "source.namespace", "values": ["shop"]}]},
		]}}},
		"besides a principal that the issuer begins with": {"a": {"spec": {"rules": [
			_bound_rule,
			_tokens(["https://idp"]),
		]}}},
		"besides principals of another issuer in when": {"a": {"spec": {"rules": [
			_bound_rule,
			{"when": [{"key": "request.auth.principal", "values": ["https://other.example.com/*"]}]},
		]}}},
		"besides an open path": {"a": {"spec": {"rules": [
			_bound_rule,
			{"to": [{"operation": {"paths": ["/healthz"]}}]},
		]}}},
		"besides a policy of other pods": {
			"a": {"spec": {"rules": [_bound_rule]}},
			"b": {"spec": {"selector": {"matchLabels": {"app": "shop"}}, "rules": [{}]}},
		},
		"besides a rehearsal": {
			"a": {"spec": {"rules": [_bound_rule]}},
			"b": {"metadata": {"annotations": {"istio.io/dry-run": "true"}}, "spec": {"rules": [{}]}},
		},
		"of the default revision": {"a": {
			"metadata": {"labels": {"istio.io/rev": "default"}},
			"spec": {"rules": [_bound_rule]},
		}},
		"a rehearsal that is none": {"a": {
			"metadata": {"annotations": {"istio.io/dry-run": "false"}},
			"spec": {"rules": [_bound_rule]},
		}},
		"of what Istio writes on pods": {"a": {"spec": {
			"selector": {"matchLabels": {"security.istio.io/tlsMode": "istio"}},
			"rules": [_bound_rule],
		}}},
	}

	_found(_authenticated, _with_policies(policies)) == set()
}

test_policies_do_not_bind_tokens[note] if {
	some note, policies in {
		"none": {},
		"of other pods": {"a": {"spec": {"selector": {"matchLabels": {"app": "shop"}}, "rules": [_bound_rule]}}},
		"with a selector that can't be read": {"a": {"spec": {"selector": "orders", "rules": [_bound_rule]}}},
		"with labels that can't be read": {"a": {"spec": {"selector": {"matchLabels": 1}, "rules": [_bound_rule]}}},
		"of a gateway": {"a": {"spec": {
			"targetRefs": [{"kind": "Gateway", "name": "waypoint"}],
			"rules": [_bound_rule],
		}}},
		"that deny": {"a": {"spec": {"action": "DENY", "rules": [_bound_rule]}}},
		"that only write a log": {"a": {"spec": {"action": "AUDIT", "rules": [_bound_rule]}}},
		"that are rehearsed": {"a": {
			"metadata": {"annotations": {"istio.io/dry-run": "true"}},
			"spec": {"rules": [_bound_rule]},
		}},
		"of another revision": {"a": {
			"metadata": {"labels": {"istio.io/rev": "canary"}},
			"spec": {"rules": [_bound_rule]},
		}},
		"of a hash that nobody knows": {"a": {"spec": {
			"selector": {"matchLabels": {"pod-template-hash": "5d8f9"}},
			"rules": [_bound_rule],
		}}},
		"besides one of a revision that may be the pod's": {
			"a": {"spec": {"rules": [_bound_rule]}},
			"b": {
				"metadata": {"labels": {"istio.io/rev": "stable"}},
				"spec": {"rules": [_tokens(["https://idp.example.com/*"])]},
			},
		},
		"besides one of a hash that may be the pod's": {
			"a": {"spec": {"rules": [_bound_rule]}},
			"b": {"spec": {
				"selector": {"matchLabels": {"pod-template-hash": "5d8f9"}},
				"rules": [_tokens(["https://idp.example.com/*"])],
			}},
		},
		"besides a rehearsal that is none": {
			"a": {"spec": {"rules": [_bound_rule]}},
			"b": {
				"metadata": {"annotations": {"istio.io/dry-run": "0"}},
				"spec": {"rules": [_tokens(["https://idp.example.com/*"])]},
			},
		},
		"besides one whose selector can't be read": {
			"a": {"spec": {"rules": [_bound_rule]}},
			"b": {"spec": {"selector": "x", "rules": [_tokens(["https://idp.example.com/*"])]}},
		},
		"that demand no token": {"a": {"spec": {"rules": [{"from": [{"source": {"namespaces": ["shop"]}}]}]}}},
		"that let anyone in": {"a": {"spec": {"rules": [_bound_rule, {}]}}},
		"whose rules can't be read": {"a": {"spec": {"rules": "all"}}},
		"whose spec can't be read": {"a": {"spec": "all"}},
		"that let nobody in": {"a": {"spec": {}}, "b": {"spec": {"rules": null}}},
		"with an unbound rule": _besides(_tokens(["https://idp.example.com/*"])),
		"with an unbound source": _besides({"from": [
			{"source": {"namespaces": ["shop"]}},
			{"source": {"requestPrincipals": ["https://idp.example.com/*"]}},
		]}),
		"with any token": _besides(_tokens(["*"])),
		"with one subject": _besides(_tokens(["https://idp.example.com/alice"])),
		"with issuers by prefix": _besides(_tokens(["https://idp*"])),
		"with subjects by prefix": _besides(_tokens(["https://idp.example.com/a*"])),
		"with a subject of any issuer": _besides(_tokens(["*/alice"])),
		"with a principal that is none": _besides(_tokens([null])),
		"with principals that are no list": _besides(_tokens("x")),
		"with any token of the gateway": _besides({"from": [{"source": {
			"principals": ["cluster.local/ns/istio-system/sa/istio-ingressgateway-service-account"],
			"requestPrincipals": ["https://idp.example.com/*"],
		}}]}),
		"with another claim": _besides({
			"from": [{"source": {"namespaces": ["shop"]}}],
			"when": [{"key": "request.auth.claims[email]", "values": ["a@example.com"]}],
		}),
		"with a wildcard": _besides({"when": [{"key": "request.auth.claims[aud]", "values": ["*"]}]}),
		"with the principal in when": _besides({"when": [{
			"key": "request.auth.principal",
			"values": ["https://idp.example.com/*"],
		}]}),
		"with a rule that is none": _besides(null),
	}

	_found(_authenticated, _with_policies(policies)) == _unbound
}

_besides(rule) := {"a": {"spec": {"rules": [_bound_rule, rule]}}}

test_unknown_issuer_may_be_any[note] if {
	some note, rule in {
		"a number": {"issuer": 7},
		"null": {"issuer": null},
		"none": {"jwksUri": "https://idp.example.com/keys"},
		"empty": {"issuer": "", "jwksUri": "https://idp.example.com/keys"},
		"blank": {"issuer": " "},
	}
	policies := _with_policies(_besides(_tokens(["https://other.example.com/*"])))

	_found(_authentication(rule), policies) == _unbound
	_messages(_authentication(rule), policies) == {concat(" ", [
		"KFS-122: any token of issuer unknown opens the pods of Function \"orders\":",
		"no audience or scope binds it",
	])}
}

test_policies_of_the_root_namespace_bind_tokens if {
	root := {"istio-system": _kinds("security.istio.io/v1beta1", "AuthorizationPolicy", {"a": {
		"metadata": {"name": "a", "namespace": "istio-system"},
		"spec": {"rules": [_bound_rule]},
	}})}

	_found(_authenticated, object.union(_one_function, root)) == set()
}

test_every_pod_is_bound if {
	namespaces := object.union(_functions, {"demo": _kinds("security.istio.io/v1", "AuthorizationPolicy", {"a": {
		"metadata": {"name": "a", "namespace": "demo"},
		"spec": {"selector": {"matchLabels": _orders}, "rules": [_bound_rule]},
	}})})

	_found(_authenticated, namespaces) == set()
	_found(_object("RequestAuthentication", {"jwtRules": [{"issuer": _issuer}]}), namespaces) == _unbound
}

test_authentication_of_other_pods if {
	_found(
		_object("RequestAuthentication", {
			"selector": {"matchLabels": {"app": "shop"}},
			"jwtRules": [{"issuer": _issuer}],
		}),
		_functions,
	) == set()
}

test_sidecar_rewritten[note] if {
	some note, tc in {
		"EnvoyFilter": {"kind": "EnvoyFilter", "spec": {"workloadSelector": {"labels": _orders}}},
		"EnvoyFilter of the namespace": {"kind": "EnvoyFilter", "spec": {"configPatches": []}},
		"EnvoyFilter that can't be read": {"kind": "EnvoyFilter", "spec": "all"},
		"EnvoyFilter for both": {"kind": "EnvoyFilter", "spec": {"configPatches": [
			{"match": {"context": "GATEWAY"}},
			{"match": {"context": "ANY"}},
		]}},
		"EnvoyFilter for anything": {"kind": "EnvoyFilter", "spec": {"configPatches": [{"applyTo": "BOOTSTRAP"}]}},
		"EnvoyFilter for the bootstrap of gateways": {"kind": "EnvoyFilter", "spec": {"configPatches": [
			{"applyTo": "HTTP_FILTER", "match": {"context": "GATEWAY"}},
			{"applyTo": "BOOTSTRAP", "match": {"context": "GATEWAY"}},
		]}},
		"EnvoyFilter with patches that are none": {"kind": "EnvoyFilter", "spec": {"configPatches": "GATEWAY"}},
		"EnvoyFilter whose selector is none": {"kind": "EnvoyFilter", "spec": {"workloadSelector": 1}},
		"Sidecar": {"kind": "Sidecar", "spec": {"workloadSelector": {"labels": {"tier": "backend"}}}},
		"Sidecar with patches": {"kind": "Sidecar", "spec": {"configPatches": [{"match": {"context": "GATEWAY"}}]}},
		"Sidecar of the namespace": {"kind": "Sidecar", "spec": {}},
		"WasmPlugin": {"kind": "WasmPlugin", "spec": {"selector": {"matchLabels": _orders}}},
		"WasmPlugin of a Service": {"kind": "WasmPlugin", "spec": {"targetRef": {"kind": "Service", "name": "orders"}}},
		"TrafficExtension": {"kind": "TrafficExtension", "spec": {"selector": {"matchLabels": _orders}}},
		"TrafficExtension of the namespace": {"kind": "TrafficExtension", "spec": {"lua": {"inlineCode": "x"}}},
	}

	_found(_object(tc.kind, tc.spec), _functions) == {["KFS-123", ["kind"]]}
}

test_sidecar_left_alone[note] if {
	some note, tc in {
		"EnvoyFilter of others": {"kind": "EnvoyFilter", "spec": {"workloadSelector": {"labels": {"app": "shop"}}}},
		"EnvoyFilter for gateways": {"kind": "EnvoyFilter", "spec": {"configPatches": [
			{"match": {"context": "GATEWAY"}},
		]}},
		"Sidecar of others": {"kind": "Sidecar", "spec": {"workloadSelector": {"labels": {"app": "shop"}}}},
		"WasmPlugin of others": {"kind": "WasmPlugin", "spec": {"selector": {"matchLabels": {"app": "shop"}}}},
		"TrafficExtension of others": {
			"kind": "TrafficExtension",
			"spec": {"selector": {"matchLabels": {"app": "shop"}}},
		},
		"WasmPlugin of another Service": {
			"kind": "WasmPlugin",
			"spec": {"targetRefs": [{"kind": "Service", "name": "shop"}]},
		},
	}

	_found(_object(tc.kind, tc.spec), _functions) == set()
}

test_platform_objects[note] if {
	metadata := {"name": "kyma-referer", "namespace": "istio-system"}
	referer := object.union(_object("EnvoyFilter", {}), {"metadata": metadata})
	some note, tc in {
		"named": {"object": referer, "want": set()},
		"another namespace": {
			"object": object.union(referer, {"metadata": {"namespace": "demo"}}),
			"want": {["KFS-123", ["kind"]]},
		},
		"another name": {
			"object": object.union(referer, {"metadata": {"name": "kyma-referer-2"}}),
			"want": {["KFS-123", ["kind"]]},
		},
		"another kind": {"object": object.union(referer, {"kind": "Sidecar"}), "want": {["KFS-123", ["kind"]]}},
	}

	_found(tc.object, _functions) == tc.want
}

_api_gateway := "system:serviceaccount:kyma-system:api-gateway-controller-manager"

test_trusted_controllers[note] if {
	some user_note, tc in {
		"trusted": {"user": _api_gateway, "trusted": [_api_gateway], "want": 0},
		"someone else": {"user": "alice", "trusted": [_api_gateway], "want": 1},
		"nobody is trusted": {"user": _api_gateway, "trusted": [], "want": 1},
		"no list": {"user": _api_gateway, "trusted": {"a": _api_gateway}, "want": 1},
	}
	some resource in [
		_policy([{}]),
		_authenticated,
		_object("Sidecar", {}),
	]
	note := sprintf("%s: %s", [resource.kind, user_note])

	results := istio_auth.violation with data.inventory as {"namespace": _functions}
		with input as {
			"review": {"object": resource, "userInfo": {"username": tc.user}},
			"parameters": {"trustedControllers": tc.trusted},
		}

	count(results) == tc.want
}

_v2 := {
	"apiVersion": "gateway.kyma-project.io/v2",
	"kind": "APIRule",
	"metadata": {"name": "orders.v2", "namespace": "edge"},
	"spec": {
		"service": {"name": "orders", "namespace": "demo", "port": 80},
		"rules": [{"path": "/*", "methods": ["GET"], "jwt": {
			"authentications": [{"issuer": _issuer, "jwksUri": "https://idp.example.com/keys"}],
			"authorizations": [{"audiences": ["orders"]}],
		}}],
	},
}

_v1beta1 := {
	"apiVersion": "gateway.kyma-project.io/v1beta1",
	"kind": "APIRule",
	"metadata": {"name": "orders.v1", "namespace": "edge"},
	"spec": {"service": {"name": "orders", "namespace": "demo", "port": 80}, "rules": [
		_v1beta1_rule("/.*", {}),
		{"path": "/open", "methods": ["GET"], "accessStrategies": [{"handler": "noop"}]},
		_v1beta1_rule("/bound", {"authorizations": [{"audiences": ["orders"]}]}),
	]},
}

_v1beta1_rule(path, config) := {"path": path, "methods": ["GET"], "accessStrategies": [{
	"handler": "jwt",
	"config": object.union(config, {"authentications": [{
		"issuer": _issuer,
		"jwksUri": "https://idp.example.com/keys",
	}]}),
}]}

_gateway := object.union(_functions, {"edge": object.union(
	_kinds("gateway.kyma-project.io/v2", "APIRule", {"orders.v2": _v2}),
	_kinds("gateway.kyma-project.io/v1beta1", "APIRule", {"orders.v1": _v1beta1}),
)})

_owned(resource, labels) := object.union(resource, {"metadata": {"labels": labels}})

_owner(name, namespace) := {
	"apirule.gateway.kyma-project.io/name": name,
	"apirule.gateway.kyma-project.io/namespace": namespace,
}

_old_owner(value) := {"apirule.gateway.kyma-project.io/v1beta1": value}

test_generated_authentication[note] if {
	some note, tc in {
		"of a v2 APIRule": {"object": _authenticated, "labels": _owner("orders.v2", "edge"), "want": set()},
		"of a v1beta1 APIRule": {"object": _authenticated, "labels": _old_owner("orders.v1.edge"), "want": set()},
		"no labels": {"object": _authenticated, "labels": {}, "want": _unbound},
		"labels that are no strings": {"object": _authenticated, "labels": _old_owner(7), "want": _unbound},
		"an APIRule that isn't there": {"object": _authenticated, "labels": _owner("orders", "edge"), "want": _unbound},
		"an APIRule that isn't there, old label": {
			"object": _authenticated,
			"labels": _old_owner("orders"),
			"want": _unbound,
		},
		"another issuer": {
			"object": _authentication({"issuer": "https://evil.example", "jwksUri": "https://idp.example.com/keys"}),
			"labels": _owner("orders.v2", "edge"),
			"want": _unbound,
		},
		"other keys": {
			"object": _authentication({"issuer": _issuer, "jwksUri": "https://evil.example.com/keys"}),
			"labels": _owner("orders.v2", "edge"),
			"want": _unbound,
		},
		"keys of its own": {
			"object": _authentication({
				"issuer": _issuer,
				"jwksUri": "https://idp.example.com/keys",
				"jwks": "{\"keys\": []}",
			}),
			"labels": _owner("orders.v2", "edge"),
			"want": _unbound,
		},
		"more pods than the Service's": {
			"object": _object("RequestAuthentication", {"jwtRules": _authenticated.spec.jwtRules}),
			"labels": _owner("orders.v2", "edge"),
			"want": _unbound,
		},
		"pods of another Service": {
			"object": _object("RequestAuthentication", {
				"selector": {"matchLabels": _cart},
				"jwtRules": _authenticated.spec.jwtRules,
			}),
			"labels": _owner("orders.v2", "edge"),
			"want": _unbound,
		},
	}

	_found(_owned(tc.object, tc.labels), _gateway) == tc.want
}

_any_token(operation) := _policy([{
	"from": [{"source": {"requestPrincipals": ["*"]}}],
	"to": [{"operation": operation}],
}])

test_generated_policy[note] if {
	labels := _old_owner("orders.v1.edge")
	some note, tc in {
		"any token where the APIRule takes any": {
			"object": _owned(_any_token({"paths": ["/*"], "methods": ["GET"]}), labels),
			"want": set(),
		},
		"any token where it demands an audience": {
			"object": _owned(_any_token({"paths": ["/bound"]}), labels),
			"want": _first_source,
		},
		"any token where anyone may call": {
			"object": _owned(_any_token({"paths": ["/open"]}), labels),
			"want": _first_source,
		},
		"any token without operations": {
			"object": _owned(_policy([object.union(_tokens(["*"]), {"to": []})]), labels),
			"want": _first_source,
		},
		"any token elsewhere": {
			"object": _owned(_any_token({"paths": ["/*", "/bound"]}), labels),
			"want": _first_source,
		},
		"any token everywhere": {"object": _owned(_any_token({}), labels), "want": _first_source},
		"any token at a strict APIRule": {
			"object": _owned(_any_token({"paths": ["/*"]}), _owner("orders.v2", "edge")),
			"want": _first_source,
		},
		"anyone": {
			"object": _owned(_policy([{"to": [{"operation": {"paths": ["/*"]}}]}]), labels),
			"want": _whole_rule,
		},
		"no owner": {"object": _any_token({"paths": ["/*"]}), "want": _first_source},
	}

	_found(tc.object, _gateway) == tc.want
}

test_review_is_skipped_where_rules_are_not_selected if {
	_found_with(_policy([{}]), _functions, {"rules": ["KFS-122"]}) == set()
	_found_with(_authenticated, _functions, {"rules": ["KFS-121"]}) == set()
	_found_with(_object("Sidecar", {}), _functions, {"rules": ["KFS-121"]}) == set()
}

test_unreadable_labels_count if {
	unreadable := {
		"a": {"metadata": {"name": "a"}, "spec": {"labels": {"tier": 7}}},
		"b": {"metadata": {"name": "b"}, "spec": {"template": {"labels": {"tier": null}}}},
		"c": {"metadata": {"name": "c"}, "spec": {"labels": {"tier": "web"}}},
	}
	namespaces := {"demo": _kinds("serverless.kyma-project.io/v1alpha2", "Function", unreadable)}
	policy := _object("AuthorizationPolicy", {"selector": {"matchLabels": {"tier": "shop"}}, "rules": [{}]})
	message := "KFS-121: rule 0 names no caller, so anyone may call the pods of Function \"a\" and 1 more"

	_found(policy, namespaces) == _whole_rule
	_found(object.union(policy, {"metadata": {"namespace": "istio-system"}}), namespaces) == _whole_rule
	_messages(policy, namespaces) == {message}
}

# Where there are many Functions, one stands for those that are alike to all policies concerned.
test_many_functions[note] if {
	some note, tc in {
		"all, unguarded": {
			"selector": null,
			"want": {`"a1" and 24 more`},
		},
		"one": {
			"selector": {"matchLabels": {"serverless.kyma-project.io/function-name": "a7"}},
			"want": {`"a7"`},
		},
		"the one that is guarded": {
			"selector": {"matchLabels": {"serverless.kyma-project.io/function-name": "a3"}},
			"want": set(),
		},
		"none": {"selector": {"matchLabels": {"app": "mail"}}, "want": set()},
	}

	functions := {name: _function(name, "demo") |
		some i in numbers.range(1, 25)
		name := sprintf("a%d", [i])
	}
	guard := {
		"metadata": {"name": "guard", "namespace": "demo"},
		"spec": {
			"selector": {"matchLabels": {"serverless.kyma-project.io/function-name": "a3"}},
			"rules": [{"when": [{"key": "request.auth.claims[aud]", "values": ["a3"]}]}],
		},
	}
	namespaces := {"demo": object.union(
		_kinds("serverless.kyma-project.io/v1alpha2", "Function", functions),
		_kinds("security.istio.io/v1", "AuthorizationPolicy", {"guard": guard}),
	)}
	resource := _object("RequestAuthentication", {
		"selector": tc.selector,
		"jwtRules": [{"issuer": "https://idp.example.com", "jwksUri": "https://idp.example.com/keys"}],
	})
	want := {sprintf("KFS-122: any token of issuer %q opens the pods of Function %s: no audience or scope binds it", [
		"https://idp.example.com",
		functions_named,
	]) |
		some functions_named in tc.want
	}
	_messages(resource, namespaces) == want
}
