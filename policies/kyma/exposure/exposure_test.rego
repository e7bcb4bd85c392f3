package kyma.exposure_test

import data.kyma.exposure

test_open_rules[note] if {
	some note, tc in {
		"noAuth": {"rule": {"noAuth": true}, "want": {["noAuth"]}},
		"noAuth as a string": {"rule": {"noAuth": "true"}, "want": {["noAuth"]}},
		"noAuth beside jwt": {"rule": {"noAuth": true, "jwt": _audience}, "want": {["noAuth"]}},
		"no strategy": {"rule": {"noAuth": false}, "want": {[]}},
		"null": {"rule": {"noAuth": null}, "want": {[]}},
		"jwt": {"rule": {"jwt": _audience}, "want": set()},
		"extAuth": {"rule": {"extAuth": {"authorizers": ["proxy"]}}, "want": set()},
		"OPTIONS": {"rule": {"noAuth": true, "methods": ["OPTIONS"]}, "want": set()},
		"OPTIONS and another": {"rule": {"noAuth": true, "methods": ["OPTIONS", "GET"]}, "want": {["noAuth"]}},
		"no methods": {"rule": {"noAuth": true, "methods": null}, "want": {["noAuth"]}},
		"methods that are none": {"rule": {"noAuth": true, "methods": "OPTIONS"}, "want": {["noAuth"]}},
		"an unknown method": {"rule": {"noAuth": true, "methods": ["OPTIONS", "LINK"]}, "want": {["noAuth"]}},
	}

	resource := _apirule("orders", [object.union({"path": "/orders", "methods": ["GET"]}, tc.rule)])
	_paths("KFS-111", resource, {}) == {array.concat(["spec", "rules", 0], at) | some at in tc.want}
}

test_open_handlers[note] if {
	some note, tc in {
		"noop": {"strategies": [{"handler": "noop"}], "want": {["accessStrategies", 0]}},
		"unknown": {"strategies": [{"handler": "Noop"}], "want": {["accessStrategies", 0]}},
		"a field's name": {"strategies": [{"handler": "noAuth"}], "want": {["accessStrategies", 0]}},
		"no handler": {"strategies": [{}], "want": {["accessStrategies", 0]}},
		"not an object": {"strategies": ["jwt"], "want": {["accessStrategies", 0]}},
		"none": {"strategies": [], "want": {[]}},
		"unauthorized": {"strategies": [{"handler": "unauthorized"}], "want": set()},
		"weakest": {
			"strategies": [{"handler": "unauthorized"}, {"handler": "anonymous"}],
			"want": {["accessStrategies", 1]},
		},
	}

	resource := _apirule_v1beta1("orders", [{"path": "/orders", "methods": ["GET"], "accessStrategies": tc.strategies}])
	_paths("KFS-111", resource, {}) == {array.concat(["spec", "rules", 0], at) | some at in tc.want}
}

test_unreadable_apirules_are_open[note] if {
	some note, tc in {
		"no rules": {"spec": {"rules": [null]}, "want": ["spec", "rules", 0]},
		"rules that are none": {"spec": {"rules": "/orders"}, "want": ["spec", "rules"]},
	}

	resource := object.union(_apirule("orders", []), {"spec": tc.spec})
	_paths("KFS-111", resource, {}) == {tc.want}
}

test_messages[note] if {
	some note, tc in {
		"noAuth": {
			"resource": _apirule("orders", [{"path": "/orders", "methods": ["GET"], "noAuth": true}]),
			"want": `KFS-111: rule 0 ("/orders") is open to everyone: noAuth`,
		},
		"a handler": {
			"resource": _apirule_v1beta1("orders", [_old("/orders", ["GET"], "noop")]),
			"want": `KFS-111: rule 0 ("/orders") is open to everyone: handler "noop"`,
		},
		"an unknown handler": {
			"resource": _apirule_v1beta1("orders", [_old("/orders", ["GET"], "basic")]),
			"want": `KFS-111: rule 0 ("/orders") is open to everyone: unknown handler "basic"`,
		},
		"no strategy": {
			"resource": _apirule("orders", [{"path": "/orders", "methods": ["GET"]}]),
			"want": `KFS-111: rule 0 ("/orders") is open to everyone: it has no strategy that can be read`,
		},
		"one path, open and protected": {
			"resource": _apirule("orders", [_jwt("/", ["GET"]), _jwt("/", ["HEAD"]), _open("/", ["PUT"])]),
			"want": `KFS-112: rule 2 ("/") opens the path for PUT, which rule 0 ("/") protects for GET and 1 more`,
		},
		"an open path over others": {
			"resource": _apirule("orders", [_open("/*", ["GET", "PUT"]), _jwt("/a", ["GET"]), _jwt("/b", ["PUT"])]),
			"want": `KFS-113: rule 0 ("/*") opens GET of the protected rule 1 ("/a") and 1 more`,
		},
		"a service elsewhere": {
			"resource": _apirule("orders", [object.union(_jwt("/a", ["GET"]), {"service": {
				"name": "orders",
				"namespace": "shop",
			}})]),
			"want": `KFS-114: service "orders" belongs to namespace "shop", not to the APIRule's`,
		},
		"outdated": {
			"resource": _apirule_v1beta1("orders", [_old("/orders", ["GET"], "unauthorized")]),
			"want": `KFS-118: APIRule version "v1beta1" is no longer reconciled`,
		},
	}

	tc.want in {result.msg | some result in _violations(tc.resource, {})}
}

test_open_methods_parameter[note] if {
	some note, tc in {
		"the default": {"value": ["OPTIONS"], "open": {"OPTIONS"}},
		"another": {"value": ["OPTIONS", "head"], "open": {"OPTIONS", "HEAD"}},
		"none": {"value": [], "open": set()},
		"a string": {"value": "OPTIONS", "open": set()},
		"an object": {"value": {"a": "OPTIONS"}, "open": set()},
		"a number in it": {"value": [7, "OPTIONS"], "open": {"OPTIONS"}},
	}

	open := {method |
		some method in {"OPTIONS", "HEAD", "GET"}
		resource := _apirule("orders", [_open("/orders", [method])])
		got := _ids(resource, {}) with data.kyma.exposure_test._parameters as {"openMethods": tc.value}
		not "KFS-111" in got
	}
	open == tc.open
}

test_missing_parameters_are_strict if {
	resource := _apirule("orders", [
		_jwt("/orders", ["GET"]),
		_open("/orders", ["OPTIONS"]),
		object.union(_jwt("/a", ["GET"]), {"service": {"name": "a", "namespace": "shop"}}),
	])
	got := _ids(resource, {}) with data.kyma.exposure_test._parameters as {}
	got == {"KFS-111", "KFS-112", "KFS-114"}
}

test_one_path[note] if {
	some note, tc in {
		"other methods": {"rules": [_jwt("/a", ["GET"]), _open("/a", ["POST"])], "want": {1}},
		"the order doesn't count": {"rules": [_open("/a", ["POST"]), _jwt("/a", ["GET"])], "want": {0}},
		"the same methods": {"rules": [_open("/a", ["GET"]), _jwt("/a", ["GET"])], "want": {0}},
		"star and rest": {"rules": [_jwt("/*", ["GET"]), _open("/{**}", ["POST"])], "want": {1}},
		"OPTIONS": {"rules": [_jwt("/a", ["GET"]), _open("/a", ["OPTIONS"])], "want": set()},
		"another path": {"rules": [_jwt("/a", ["GET"]), _open("/b", ["POST"])], "want": set()},
		"both open": {"rules": [_open("/a", ["GET"]), _open("/a", ["POST"])], "want": set()},
		"paths that are none": {"rules": [_jwt(null, ["GET"]), _open(7, ["POST"])], "want": {1}},
	}

	_paths("KFS-112", _apirule("orders", tc.rules), {}) == {["spec", "rules", i, "noAuth"] | some i in tc.want}
}

test_open_over_protected[note] if {
	some note, tc in {
		"root under the rest": {"rules": [_jwt("/", ["GET"]), _open("/*", ["GET"])], "want": {1}},
		"root under the rest, as a template": {"rules": [_jwt("/", ["GET"]), _open("/{**}", ["GET"])], "want": {1}},
		"a repeated path": {
			"rules": [_jwt("/a/{**}", ["POST"]), _jwt("/a/secret", ["GET"]), _open("/a/{**}", ["GET"])],
			"want": {2},
		},
		"repeated by an open rule": {
			"rules": [_open("/a/{**}", ["POST"]), _jwt("/a/secret", ["GET"]), _open("/a/{**}", ["GET"])],
			"want": {2},
		},
		"not repeated before": {
			"rules": [_jwt("/a/secret", ["GET"]), _jwt("/a/{**}", ["POST"]), _open("/a/{**}", ["GET"])],
			"want": set(),
		},
		"repeated, but everything": {
			"rules": [_jwt("/{**}", ["POST"]), _jwt("/secret", ["GET"]), _open("/{**}", ["GET"])],
			"want": set(),
		},
		"everything, written otherwise": {
			"rules": [_jwt("/*", ["POST"]), _jwt("/secret", ["GET"]), _open("/{**}", ["GET"])],
			"want": set(),
		},
		"left out for another method": {
			"rules": [
				_jwt("/secret", ["PUT"]),
				_jwt("/{**}", ["POST"]),
				_open("/a/{**}", ["GET"]),
				_jwt("/a/{*}", ["GET"]),
				_open("/a/{**}", ["GET"]),
			],
			"want": {2, 4},
		},
		"another path left out": {
			"rules": [
				_jwt("/a/b", ["GET"]),
				_jwt("/a/{**}", ["POST"]),
				_jwt("/a/secret", ["GET"]),
				_open("/a/{**}", ["GET"]),
			],
			"want": {3},
		},
		"left out for another method only": {
			"rules": [
				_jwt("/a/secret", ["PUT"]),
				_jwt("/a/{**}", ["POST"]),
				_jwt("/a/secret", ["GET"]),
				_open("/a/{**}", ["GET"]),
			],
			"want": {3},
		},
		"left out by an open rule of that path": {
			"rules": [
				_open("/a/b", ["PUT"]),
				_open("/a/{**}", ["PUT"]),
				_jwt("/a/b", ["GET"]),
				_open("/{**}", ["GET", "PUT"]),
			],
			"want": set(),
		},
	}

	_paths("KFS-113", _apirule("orders", tc.rules), {}) == {["spec", "rules", i, "noAuth"] | some i in tc.want}
}

test_open_beside_protected[note] if {
	some note, tc in {
		"left out": {"rules": [_jwt("/secret/{*}", ["GET"]), _open("/{**}", ["GET"])], "want": set()},
		"another method": {"rules": [_jwt("/", ["POST"]), _open("/*", ["GET"])], "want": set()},
		"another path": {"rules": [_jwt("/a", ["GET"]), _open("/b", ["GET"])], "want": set()},
		"open first and wider": {"rules": [_open("/{**}", ["GET"]), _jwt("/secret", ["GET"])], "want": {0}},
		"open first and crossing": {"rules": [_open("/{*}/x", ["GET"]), _jwt("/secret/{*}", ["GET"])], "want": {0}},
		"open first and inside": {"rules": [_open("/health", ["GET"]), _jwt("/*", ["GET"])], "want": set()},
		"a path that is none": {"rules": [_jwt(null, ["GET"]), _open("/*", ["GET"])], "want": {1}},
		"an open path that is none": {"rules": [_open(null, ["GET"]), _jwt("/*", ["GET"])], "want": {0}},
		"an open path that can't be read": {"rules": [_open("/%2e", ["GET"]), _jwt("/*", ["GET"])], "want": {0}},
		"another service": {
			"rules": [object.union(_jwt("/", ["GET"]), {"service": {"name": "a"}}), _open("/*", ["GET"])],
			"want": set(),
		},
		"another namespace": {
			"rules": [
				object.union(_jwt("/", ["GET"]), {"service": {"name": "orders", "namespace": "shop"}}),
				_open("/*", ["GET"]),
			],
			"want": set(),
		},
		"the same service": {
			"rules": [object.union(_jwt("/", ["GET"]), {"service": {"name": "orders"}}), _open("/*", ["GET"])],
			"want": {1},
		},
		"a service that can't be read": {
			"rules": [object.union(_jwt("/", ["GET"]), {"service": {"name": 7}}), _open("/*", ["GET"])],
			"want": {1},
		},
		"an open service that can't be read": {
			"rules": [_jwt("/", ["GET"]), object.union(_open("/*", ["GET"]), {"service": {"name": 7}})],
			"want": {1},
		},
	}

	_paths("KFS-113", _apirule("orders", tc.rules), {}) == {["spec", "rules", i, "noAuth"] | some i in tc.want}
}

test_open_over_protected_of_an_alias[note] if {
	some note, tc in {
		"an alias": {"service": "alias", "inventory": _cluster, "want": {["spec", "rules", 0, "noAuth"]}},
		"another service": {"service": "invoices", "inventory": _cluster, "want": set()},
		"an alias that nobody knows": {"service": "alias", "inventory": {}, "want": set()},
	}

	resource := _apirule("orders", [_to(tc.service, "demo", _open("/{*}/a", ["GET"])), _jwt("/b/{*}", ["GET"])])
	_paths("KFS-113", resource, tc.inventory) == tc.want
}

test_open_over_protected_v1beta1[note] if {
	some note, tc in {
		"ory, open first": {"rules": [_old("/.*", ["GET"], "noop"), _old("/a", ["GET"], "jwt")], "want": {0}},
		"ory, open last": {"rules": [_old("/a", ["GET"], "jwt"), _old("/.*", ["GET"], "noop")], "want": set()},
		"ory, open last and over the root": {
			"rules": [_old("/", ["GET"], "jwt"), _old("/.*", ["GET"], "noop")],
			"want": set(),
		},
		"ory, and a rule of no handler": {
			"rules": [_old("/a", ["GET"], "jwt"), _old("/.*", ["GET"], "noop"), {"path": "/b", "methods": ["PUT"]}],
			"want": set(),
		},
		"ory, open first and inside": {
			"rules": [_old("/a", ["GET"], "noop"), _old("/.*", ["GET"], "jwt")],
			"want": set(),
		},
		"istio, open first": {"rules": [_old("/.*", ["GET"], "noop"), _old("/a", ["GET"], "istio")], "want": {0}},
		"istio, open last": {"rules": [_old("/a", ["GET"], "istio"), _old("/.*", ["GET"], "noop")], "want": {1}},
		"istio, inside": {"rules": [_old("/.*", ["GET"], "istio"), _old("/a", ["GET"], "noop")], "want": set()},
		"istio elsewhere in it": {
			"rules": [_old("/a", ["GET"], "unauthorized"), _old("/.*", ["GET"], "noop"), _old("/b", ["PUT"], "istio")],
			"want": {1},
		},
		"any regular expression": {
			"rules": [_old("/(health|secret)", ["GET"], "noop"), _old("/.*", ["GET"], "jwt")],
			"want": {0},
		},
	}

	got := _paths("KFS-113", _apirule_v1beta1("orders", tc.rules), {})
	got == {["spec", "rules", i, "accessStrategies", 0] | some i in tc.want}
}

# An APIRule with rules of its own and hidden ones: each is judged by itself.
test_hidden_beside_own[note] if {
	some note, tc in {
		"open here, protected there": {
			"own": [_open("/.*", ["GET"]), _open("/*", ["POST"])],
			"hidden": [_old("/.*", ["GET"], "istio"), _old("/*", ["PUT"], "jwt")],
			"want": set(),
		},
		"left out there only": {
			"own": [
				_jwt("/b", ["GET"]),
				_jwt("/a/{**}", ["POST"]),
				_jwt("/a/secret", ["GET"]),
				_open("/a/{**}", ["GET"]),
			],
			"hidden": [_old("/a/secret", ["GET"], "jwt")],
			"want": {"KFS-112", "KFS-113"},
		},
		"left out here, though repeated there": {
			"own": [_jwt("/b", ["GET"]), _jwt("/a/secret", ["GET"]), _open("/a/{**}", ["GET"])],
			"hidden": [_old("/a/{**}", ["POST"], "jwt")],
			"want": set(),
		},
		"Istio's handler here": {
			"own": [_jwt("/b", ["GET"])],
			"hidden": [_old("/a", ["GET"], "jwt"), _old("/.*", ["GET"], "noop")],
			"want": set(),
		},
	}

	resource := object.union(_hidden({"service": {"name": "orders"}, "rules": tc.hidden}), {"spec": {
		"hosts": ["orders"],
		"service": {"name": "orders"},
		"rules": tc.own,
	}})
	_ids(resource, {}) & {"KFS-112", "KFS-113"} == tc.want
}

test_foreign_services[note] if {
	some note, tc in {
		"own namespace": {"service": {"name": "orders", "namespace": "demo"}, "any": set(), "functions": set()},
		"no namespace": {"service": {"name": "orders"}, "any": set(), "functions": set()},
		"a Function": {"service": {"name": "tickets", "namespace": "shop"}, "any": {_at}, "functions": {_at}},
		"an alias": {"service": {"name": "alias", "namespace": "shop"}, "any": {_at}, "functions": {_at}},
		"another service": {"service": {"name": "backend", "namespace": "shop"}, "any": {_at}, "functions": set()},
		"a namespace that is none": {"service": {"name": "a", "namespace": 7}, "any": {_at}, "functions": {_at}},
		"a name that is none": {"service": {"name": 7, "namespace": "shop"}, "any": {_at}, "functions": {_at}},
	}

	resource := _apirule("orders", [object.union(_jwt("/a", ["GET"]), {"service": tc.service})])
	every value in ["any", "functions"] {
		parameters := {"foreignServices": value}
		got := _paths("KFS-114", resource, _cluster) with data.kyma.exposure_test._parameters as parameters
		got == tc[value]
	}
}

_at := ["spec", "rules", 0, "service", "namespace"]

test_foreign_service_of_the_spec if {
	resource := object.union(
		_apirule("orders", [
			_jwt("/a", ["GET"]),
			_jwt("/b", ["GET"]),
			object.union(_jwt("/c", ["GET"]), {"service": {"name": "tickets"}}),
		]),
		{"spec": {"service": {"name": "tickets", "namespace": "shop"}}},
	)
	_paths("KFS-114", resource, _cluster) == {["spec", "service", "namespace"]}
}

# Its own namespace may be any.
test_foreign_service_of_an_apirule_without_namespace if {
	rule := object.union(_jwt("/a", ["GET"]), {"service": {"name": "tickets", "namespace": "shop"}})
	resource := json.remove(_apirule("orders", [rule]), ["/metadata/namespace"])
	_paths("KFS-114", resource, _cluster) == {_at}
}

test_foreign_service_of_a_hidden_spec if {
	resource := _hidden({
		"service": {"name": "tickets", "namespace": "shop"},
		"rules": [_old("/a", ["GET"], "jwt")],
	})
	_paths("KFS-114", resource, _cluster) == {_annotation("v1beta1-spec")}
}

# Each class against itself and its neighbours: the rule of the weaker class is reported.
test_weaker_than_another_apirule[note] if {
	classes := [
		{"noAuth": true},
		{"jwt": {}},
		{"jwt": {"authorizations": [{"audiences": ["a*"]}]}},
		{"jwt": {"authorizations": [{"requiredScopes": ["read"]}]}},
		{"jwt": _audience},
	]
	some own, mine in classes
	some other, yours in classes
	abs(own - other) < 2
	note := sprintf("%d against %d", [own, other])

	resource := _apirule("orders", [object.union({"path": "/orders", "methods": ["GET"]}, mine)])
	peer := _apirule("peer", [object.union({"path": "/{*}", "methods": ["GET", "POST"]}, yours)])
	weaker := own < other
	_reported("KFS-115", resource, _with([resource, peer])) == weaker
}

test_other_apirules[note] if {
	some note, tc in {
		"itself": {"peer": _apirule("orders", [_jwt("/orders", ["GET"])]), "want": false},
		"of its name elsewhere": {"peer": _in("shop", _to("orders", "demo", _jwt("/orders", ["GET"]))), "want": true},
		"of its spec's namespace": {
			"peer": object.union(
				_in("shop", _jwt("/orders", ["GET"])),
				{"spec": {"service": {"name": "orders", "namespace": "demo"}}},
			),
			"want": true,
		},
		"another host": {
			"peer": object.union(_apirule("peer", [_jwt("/orders", ["GET"])]), {"spec": {"hosts": ["other"]}}),
			"want": true,
		},
		"another method": {"peer": _apirule("peer", [_jwt("/orders", ["PUT"])]), "want": false},
		"another path": {"peer": _apirule("peer", [_jwt("/invoices", ["GET"])]), "want": false},
		"another service": {
			"peer": _apirule("peer", [_to("invoices", "demo", _jwt("/orders", ["GET"]))]),
			"want": false,
		},
		"another namespace's": {
			"peer": _apirule("peer", [_to("orders", "shop", _jwt("/orders", ["GET"]))]),
			"want": false,
		},
		"an alias of the service": {
			"peer": _apirule("peer", [_to("alias", "demo", _jwt("/orders", ["GET"]))]),
			"want": true,
		},
		"unauthorized": {"peer": _apirule_v1beta1("peer", [_old("/orders", ["GET"], "unauthorized")]), "want": true},
		"v1beta1": {"peer": _apirule_v1beta1("peer", [_old("/ord.*s", ["GET"], "jwt")]), "want": true},
		"hidden": {
			"peer": object.union(
				_hidden({"service": {"name": "orders"}, "rules": [_old("/orders", ["GET"], "jwt")]}),
				{"metadata": {"name": "peer"}},
			),
			"want": true,
		},
		"restricted extAuth": {
			"peer": _apirule("peer", [{
				"path": "/orders",
				"methods": ["GET"],
				"extAuth": {"authorizers": ["proxy"], "restrictions": _audience},
			}]),
			"want": true,
		},
		"no APIRule": {"peer": {"kind": "APIRule", "metadata": {"name": "peer", "namespace": "demo"}}, "want": false},
	}

	resource := _apirule("orders", [_open("/orders", ["GET"])])
	_reported("KFS-115", resource, _with([resource, tc.peer])) == tc.want
}

# Files may leave the name to the API server.
test_apirules_without_a_name[note] if {
	nameless := json.remove(_apirule("", [_open("/orders", ["GET"])]), ["/metadata/name"])
	strict := [_jwt("/orders", ["GET"])]
	some note, tc in {
		"the weaker one": {"resource": nameless, "peer": _apirule("peer", strict)},
		"the stricter one": {
			"resource": _apirule("peer", [_open("/orders", ["GET"])]),
			"peer": _apirule("", strict),
		},
	}

	_reported("KFS-115", tc.resource, _with([tc.peer]))
}

test_weakest_strategy_is_reported if {
	resource := _apirule_v1beta1("orders", [{"path": "/orders", "methods": ["GET"], "accessStrategies": [
		{"handler": "unauthorized"},
		{"handler": "cookie_session"},
	]}])
	results := _violations(resource, _with([
		_apirule("strict", [_jwt("/orders", ["GET"])]),
		_apirule("strict-too", [_jwt("/orders", ["GET"])]),
	]))
	{[result.details.path, result.msg] |
		some result in results
		result.details.rule == "KFS-115"
	} == {[
		["spec", "rules", 0, "accessStrategies", 1],
		concat("", [
			`KFS-115: rule 0 ("/orders") exposes service "demo/orders" to any token, `,
			`APIRule "demo/strict" to an audience and 1 more`,
		]),
	]}
}

test_hosts_of_the_service[note] if {
	some note, tc in {
		"short": {"host": "orders", "want": true},
		"short, of another namespace": {"host": "tickets", "want": false},
		"upper case": {"host": "ORDERS", "want": true},
		"namespace": {"host": "orders.demo", "want": true},
		"another namespace": {"host": "orders.shop", "want": false},
		"service": {"host": "orders.demo.svc", "want": true},
		"full": {"host": "orders.demo.svc.cluster.local", "want": true},
		"of another namespace": {"host": "tickets.shop.svc.cluster.local", "want": true},
		"trailing dot": {"host": "orders.demo.svc.cluster.local.", "want": true},
		"port": {"host": "orders.demo.svc.cluster.local:80", "want": true},
		"short with a port": {"host": "orders:80", "want": true},
		"blanks": {"host": " orders ", "want": true},
		"URL": {"host": "http://orders.demo.svc.cluster.local:80/a?b", "want": true},
		"URL with userinfo": {"host": "HTTP://shop.example.com@orders.demo/", "want": true},
		"URL without scheme": {"host": "//orders.demo", "want": true},
		"URL elsewhere": {"host": "http://shop.example.com/orders.demo.svc", "want": false},
		"query elsewhere": {"host": "http://shop.example.com?@orders.demo", "want": false},
		"a pod's name": {"host": "10-1-2-3.orders.demo.svc.cluster.local", "want": true},
		"another domain": {"host": "orders.demo.svc.prod.example", "want": true},
		"an alias": {"host": "alias", "want": true},
		"an alias elsewhere": {"host": "alias.shop", "want": true},
		"its address": {"host": "10.0.0.7", "want": true},
		"its other address": {"host": "[fd00::7]", "want": true},
		"another address": {"host": "10.0.0.8", "want": false},
		"an address and a mask": {"host": "10.0.0.7/32", "want": true},
		"another service": {"host": "invoices", "want": false},
		"elsewhere": {"host": "orders.example.com", "want": false},
		"all": {"host": "*", "want": true},
		"all of the namespace": {"host": "*.demo.svc.cluster.local", "want": true},
		"all of another": {"host": "*.invoices.svc.cluster.local", "want": false},
		"empty": {"host": "", "want": false},
		"null": {"host": null, "want": false},
		"a number": {"host": 7, "want": true},
		"a list": {"host": ["orders"], "want": true},
	}

	resource := _resource("Rule", "orders", {"upstream": {"url": tc.host}})
	_reported("KFS-116", resource, _cluster) == tc.want
}

test_unreadable_backend if {
	resource := _resource("Rule", "orders", {"upstream": {"url": 7}})
	messages := {result.msg | some result in _violations(resource, _cluster)}
	messages == {"KFS-116: Rule leads to a backend that can't be read"}
}

test_gateways[note] if {
	route := {"route": [{"destination": {"host": "orders"}}]}
	on_mesh := {"gateways": ["mesh"]}
	some note, tc in {
		"none": {"spec": {"hosts": ["a"], "http": [route]}, "want": false},
		"null": {"spec": {"hosts": ["a"], "gateways": null, "http": [route]}, "want": false},
		"empty": {"spec": {"hosts": ["a"], "gateways": [], "http": [route]}, "want": false},
		"mesh": {"spec": {"hosts": ["a"], "gateways": ["mesh"], "http": [route]}, "want": false},
		"another": {"spec": {"hosts": ["a"], "gateways": ["mesh", "b"], "http": [route]}, "want": true},
		"another case": {"spec": {"hosts": ["a"], "gateways": ["Mesh"], "http": [route]}, "want": true},
		"a string": {"spec": {"hosts": ["a"], "gateways": "mesh", "http": [route]}, "want": true},
		"a match on mesh": {
			"spec": {"hosts": ["a"], "gateways": ["b"], "http": [object.union(route, {"match": [on_mesh]})]},
			"want": false,
		},
		"two matches": {
			"spec": {"hosts": ["a"], "gateways": ["b"], "http": [object.union(route, {"match": [on_mesh, {}]})]},
			"want": true,
		},
		"a match on another": {
			"spec": {"hosts": ["a"], "http": [object.union(route, {"match": [{"gateways": ["b"]}]})]},
			"want": true,
		},
		"a match that is none": {
			"spec": {"hosts": ["a"], "gateways": ["b"], "http": [object.union(route, {"match": "mesh"})]},
			"want": true,
		},
		"an empty match": {
			"spec": {"hosts": ["a"], "gateways": ["b"], "http": [object.union(route, {"match": []})]},
			"want": true,
		},
		"a delegate": {"spec": {"http": [route]}, "want": true},
		"a delegate for mesh": {"spec": {"hosts": [], "gateways": ["mesh"], "tcp": [route]}, "want": true},
	}

	_reported("KFS-116", _resource("VirtualService", "orders", tc.spec), _cluster) == tc.want
}

test_services[note] if {
	own := {"serverless.kyma-project.io/function-name": "orders"}
	some note, tc in {
		"ClusterIP": {"spec": {"type": "ClusterIP", "selector": own}, "want": set()},
		"no type": {"spec": {"selector": own}, "want": set()},
		"null": {"spec": {"type": null, "externalIPs": null, "selector": own}, "want": set()},
		"NodePort": {"spec": {"type": "NodePort", "selector": own}, "want": {"type"}},
		"a type that is none": {"spec": {"type": 7, "selector": own}, "want": {"type"}},
		"externalIPs": {"spec": {"externalIPs": ["192.0.2.1"], "selector": own}, "want": {"externalIPs"}},
		"externalIPs that are none": {"spec": {"externalIPs": "192.0.2.1", "selector": own}, "want": {"externalIPs"}},
		"no externalIPs": {"spec": {"externalIPs": [], "selector": own}, "want": set()},
		"both": {
			"spec": {"type": "NodePort", "externalIPs": ["192.0.2.1"], "selector": own},
			"want": {"type", "externalIPs"},
		},
		"no selector": {"spec": {"type": "NodePort"}, "want": set()},
		"an empty selector": {"spec": {"type": "NodePort", "selector": {}}, "want": set()},
		"a null selector": {"spec": {"type": "NodePort", "selector": null}, "want": set()},
		"a selector that is none": {"spec": {"type": "NodePort", "selector": "orders"}, "want": {"type"}},
		"a value that is none": {"spec": {"type": "NodePort", "selector": {"app": 7}}, "want": {"type"}},
		"another pod": {"spec": {"type": "NodePort", "selector": {"app": "invoices"}}, "want": set()},
		"own label": {"spec": {"type": "NodePort", "selector": {"tier": "web"}}, "want": {"type"}},
		"uuid": {"spec": {"type": "NodePort", "selector": {"serverless.kyma-project.io/uuid": "7"}}, "want": {"type"}},
		"hash": {"spec": {"type": "NodePort", "selector": {"pod-template-hash": "7"}}, "want": {"type"}},
		"another's hash": {
			"spec": {"type": "NodePort", "selector": {"pod-template-hash": "7", "app": "invoices"}},
			"want": set(),
		},
		"canonical name": {
			"spec": {"type": "NodePort", "selector": {"service.istio.io/canonical-name": "orders"}},
			"want": {"type"},
		},
		"another's": {
			"spec": {"type": "NodePort", "selector": {"service.istio.io/canonical-name": "invoices"}},
			"want": set(),
		},
		"revision": {
			"spec": {"type": "NodePort", "selector": {"service.istio.io/canonical-revision": "v7"}},
			"want": {"type"},
		},
		"ExternalName": {"spec": {"type": "ExternalName", "externalName": "orders.demo.svc"}, "want": {"externalName"}},
		"ExternalName that isn't one": {"spec": {"externalName": "orders.demo.svc"}, "want": set()},
		"ExternalName elsewhere": {"spec": {"type": "ExternalName", "externalName": "example.com"}, "want": set()},
	}

	_paths("KFS-116", _resource("Service", "web", tc.spec), _cluster) == {["spec", field] | some field in tc.want}
}

test_several_functions_are_counted if {
	resource := _resource("Service", "web", {"type": "NodePort", "selector": {"pod-template-hash": "7"}})
	{result.msg | some result in _violations(resource, _with([_function("demo", "invoices")]))} == {
		`KFS-116: Service exposes Function "demo/invoices" and 1 more beside APIRule`,
	}
}

test_ingresses[note] if {
	some note, tc in {
		"default backend": {"spec": {"defaultBackend": {"service": {"name": "orders"}}}, "want": true},
		"older": {"spec": {"backend": {"serviceName": "orders"}}, "want": true},
		"resource": {"spec": {"defaultBackend": {"resource": {"kind": "Service", "name": "orders"}}}, "want": true},
		"another resource": {
			"spec": {"defaultBackend": {"resource": {"kind": "Bucket", "name": "orders"}}},
			"want": false,
		},
		"path": {
			"spec": {"rules": [{"http": {"paths": [{"backend": {"service": {"name": "orders"}}}]}}]},
			"want": true,
		},
		"older path": {
			"spec": {"rules": [{"http": {"paths": [{"backend": {"serviceName": "orders"}}]}}]},
			"want": true,
		},
		"another service": {"spec": {"defaultBackend": {"service": {"name": "invoices"}}}, "want": false},
		"a backend that is none": {"spec": {"defaultBackend": "orders"}, "want": false},
		"no spec": {"spec": null, "want": false},
	}

	_reported("KFS-116", _resource("Ingress", "orders", tc.spec), _cluster) == tc.want
}

test_routes[note] if {
	orders := {"backendRefs": [{"name": "orders"}]}
	some note, tc in {
		"no parents": {"spec": {"rules": [orders]}, "want": true},
		"a Gateway": {"spec": {"parentRefs": [{"name": "web"}], "rules": [orders]}, "want": true},
		"a Service": {"spec": {"parentRefs": [_mesh], "rules": [orders]}, "want": false},
		"both": {"spec": {"parentRefs": [_mesh, {"name": "web"}], "rules": [orders]}, "want": true},
		"a Service of no group": {
			"spec": {"parentRefs": [{"kind": "Service", "name": "a"}], "rules": [orders]},
			"want": true,
		},
		"parents that are none": {"spec": {"parentRefs": "mesh", "rules": [orders]}, "want": true},
		"no parent": {"spec": {"parentRefs": [], "rules": [orders]}, "want": true},
		"elsewhere": {"spec": {"rules": [{"backendRefs": [{"name": "orders", "namespace": "shop"}]}]}, "want": false},
		"another's": {"spec": {"rules": [{"backendRefs": [{"name": "tickets", "namespace": "shop"}]}]}, "want": true},
		"no namespace": {"spec": {"rules": [{"backendRefs": [{"name": "orders", "namespace": ""}]}]}, "want": true},
		"null": {"spec": {"rules": [{"backendRefs": [{"name": "orders", "namespace": null}]}]}, "want": true},
		"a namespace that is none": {
			"spec": {"rules": [{"backendRefs": [{"name": "x", "namespace": 7}]}]},
			"want": true,
		},
		"mirrored": {"spec": {"rules": [{"filters": [_mirror]}]}, "want": true},
		"mirrored for a backend": {
			"spec": {"rules": [{"backendRefs": [{"name": "a", "filters": [_mirror]}]}]},
			"want": true,
		},
		"asked": {
			"spec": {"rules": [{"filters": [{"externalAuth": {"backendRef": {"name": "orders"}}}]}]},
			"want": true,
		},
	}

	_reported("KFS-116", _resource("HTTPRoute", "orders", tc.spec), _cluster) == tc.want
}

_mesh := {"group": "", "kind": "Service", "name": "orders"}

_mirror := {"requestMirror": {"backendRef": {"name": "orders"}}}

test_service_entries[note] if {
	some note, tc in {
		"host": {"spec": {"hosts": ["a.example.com", "orders.demo.svc"]}, "want": {["hosts", 1]}},
		"address": {"spec": {"addresses": ["10.0.0.7"]}, "want": {["addresses", 0]}},
		"endpoint": {"spec": {"endpoints": [{"address": "orders.demo.svc"}]}, "want": {["endpoints", 0, "address"]}},
		"workloads": {
			"spec": {"workloadSelector": {"labels": {"app.kubernetes.io/name": "orders"}}},
			"want": {["workloadSelector"]},
		},
		"other workloads": {"spec": {"workloadSelector": {"labels": {"app": "invoices"}}}, "want": set()},
		"all workloads": {"spec": {"workloadSelector": {"labels": {}}}, "want": {["workloadSelector"]}},
		"no labels": {"spec": {"workloadSelector": {}}, "want": {["workloadSelector"]}},
		"none": {"spec": {"hosts": ["a.example.com"], "workloadSelector": null}, "want": set()},
	}

	got := _paths("KFS-116", _resource("ServiceEntry", "orders", tc.spec), _cluster)
	got == {array.concat(["spec"], at) | some at in tc.want}
}

test_generated[note] if {
	some note, tc in {
		"no labels": {"labels": {}, "want": true},
		"its APIRule": {"labels": _owner("orders", "demo"), "want": false},
		"older label": {"labels": {"apirule.gateway.kyma-project.io/v1beta1": "orders.demo"}, "want": false},
		"oldest label": {"labels": {"apirule.gateway.kyma-project.io/v1alpha1": "orders.demo"}, "want": false},
		"a dot in its name": {"labels": {"apirule.gateway.kyma-project.io/v1beta1": "orders.v1.demo"}, "want": false},
		"no such APIRule": {"labels": _owner("tickets", "demo"), "want": true},
		"of another service": {"labels": _owner("invoices", "demo"), "want": true},
		"of another namespace": {"labels": _owner("orders", "shop"), "want": true},
		"a label that is none": {"labels": {"apirule.gateway.kyma-project.io/v1beta1": 7}, "want": true},
		"no namespace": {"labels": {"apirule.gateway.kyma-project.io/v1beta1": "orders"}, "want": true},
	}

	every kind, spec in {
		"Rule": {"upstream": {"url": "http://orders.demo.svc.cluster.local"}},
		"VirtualService": {
			"hosts": ["a"],
			"gateways": ["b"],
			"http": [{"route": [{"destination": {"host": "orders"}}]}],
		},
	} {
		resource := object.union(_resource(kind, "orders", spec), {"metadata": {"labels": tc.labels}})
		_reported("KFS-116", resource, _with([
			_apirule("orders", [_jwt("/*", ["GET"])]),
			_apirule("orders.v1", [_jwt("/*", ["GET"])]),
			_apirule("invoices", [_to("invoices", "demo", _jwt("/*", ["GET"]))]),
			_in("shop", _to("orders", "demo", _jwt("/*", ["GET"]))),
		])) == tc.want
	}
}

test_trusted_controllers[note] if {
	trusted := ["system:serviceaccount:kyma-system:api-gateway-controller-manager"]
	some note, tc in {
		"trusted": {"user": {"username": trusted[0]}, "trusted": trusted, "want": 0},
		"another": {"user": {"username": "system:serviceaccount:demo:default"}, "trusted": trusted, "want": 1},
		"no request": {"user": {}, "trusted": trusted, "want": 1},
		"nobody": {"user": {"username": trusted[0]}, "trusted": [], "want": 1},
		"not a list": {"user": {"username": trusted[0]}, "trusted": {"a": trusted[0]}, "want": 1},
	}

	review := {
		"object": _resource("Rule", "orders", {"upstream": {"url": "http://orders.demo"}}),
		"userInfo": tc.user,
		"operation": "CREATE",
	}
	request := {"review": review, "parameters": {"trustedControllers": tc.trusted}}
	results := exposure.violation with input as request with data.inventory as _cluster
	count(results) == tc.want
}

test_widths[note] if {
	some note, tc in {
		"one host": {"spec": {"hosts": ["orders.example.com"]}, "want": set()},
		"wildcard": {"spec": {"hosts": ["*.example.com"]}, "want": {["hosts", 0]}},
		"everything": {"spec": {"hosts": ["*"]}, "want": {["hosts", 0]}},
		"a host that is none": {"spec": {"hosts": [7, null, " "]}, "want": {["hosts", 0], ["hosts", 1], ["hosts", 2]}},
		"hosts that are none": {"spec": {"hosts": "*"}, "want": {["hosts"]}},
		"no hosts": {"spec": {"hosts": null}, "want": set()},
		"CORS": {
			"spec": {"corsPolicy": {"allowCredentials": true, "allowOrigins": [{"regex": ".*"}]}},
			"want": {_origin},
		},
		"CORS without credentials": {
			"spec": {"corsPolicy": {"allowCredentials": false, "allowOrigins": [{"regex": ".*"}]}},
			"want": set(),
		},
		"CORS that says nothing of them": {"spec": {"corsPolicy": {"allowOrigins": [{"regex": ".*"}]}}, "want": set()},
		"credentials as a string": {
			"spec": {"corsPolicy": {"allowCredentials": "true", "allowOrigins": [{"regex": ".*"}]}},
			"want": {_origin},
		},
		"no origins": {"spec": {"corsPolicy": {"allowCredentials": true}}, "want": set()},
		"origins that are none": {
			"spec": {"corsPolicy": {"allowCredentials": true, "allowOrigins": "*"}},
			"want": {["corsPolicy", "allowOrigins"]},
		},
		"CORS that is none": {"spec": {"corsPolicy": "*"}, "want": set()},
	}

	resource := object.union(_apirule("orders", [_jwt("/orders", ["GET"])]), {"spec": tc.spec})
	_paths("KFS-117", resource, {}) == {array.concat(["spec"], at) | some at in tc.want}
}

_origin := ["corsPolicy", "allowOrigins", 0]

# As Go's decoder reads keys.
test_hidden_origins if {
	resource := _hidden({
		"service": {"name": "orders"},
		"rules": [_old("/orders", ["GET"], "jwt")],
		"corſPolicy": {"allowCredentialſ": true, "allowOriginſ": [{"regex": ".*"}]},
	})
	_paths("KFS-117", resource, {}) == {_annotation("v1beta1-spec")}
}

test_origins[note] if {
	some note, tc in {
		"exact": {"origin": {"exact": "https://shop.example.com"}, "want": false},
		"exact star": {"origin": {"exact": "*"}, "want": true},
		"prefix": {"origin": {"prefix": "https://shop.example.com"}, "want": false},
		"short prefix": {"origin": {"prefix": "https://"}, "want": true},
		"empty prefix": {"origin": {"prefix": ""}, "want": true},
		"regex": {"origin": {"regex": `https://[a-z]+\.example\.com`}, "want": false},
		"part of it": {"origin": {"regex": "https://"}, "want": false},
		"any": {"origin": {"regex": "https://.+"}, "want": true},
		"any of a shape": {"origin": {"regex": `https://[a-z-]+\.[a-z]+`}, "want": true},
		"alternatives": {"origin": {"regex": "https://shop.example.com|.*"}, "want": true},
		"any of another shape": {"origin": {"regex": `https?://\w+\.\w+`}, "want": true},
		"any without TLS": {"origin": {"prefix": "http://"}, "want": true},
		"this computer": {"origin": {"regex": `http://localhost(:\d+)?`}, "want": false},
		"a sandboxed frame's": {"origin": {"exact": "null"}, "want": true},
		"or a sandboxed frame's": {"origin": {"regex": "https://shop.example.com|null"}, "want": true},
		"no regex": {"origin": {"regex": "*"}, "want": true},
		"regex that ends what is around it": {"origin": {"regex": `\Qa`}, "want": true},
		"regex that is none": {"origin": {"regex": 7}, "want": true},
		"two": {"origin": {"exact": "https://shop.example.com", "regex": ".*"}, "want": true},
		"another key": {"origin": {"suffix": "example.com"}, "want": true},
		"a value that is none": {"origin": {"exact": 7}, "want": true},
		"prefix that is none": {"origin": {"prefix": ["https"]}, "want": true},
		"empty": {"origin": {}, "want": true},
		"a string": {"origin": "https://shop.example.com", "want": true},
		"null": {"origin": null, "want": true},
	}

	cors := {"allowCredentials": true, "allowOrigins": [{"exact": "https://a.example.com"}, tc.origin]}
	resource := object.union(_apirule("orders", [_jwt("/orders", ["GET"])]), {"spec": {"corsPolicy": cors}})
	_reported("KFS-117", resource, {}) == tc.want
}

test_methods[note] if {
	some note, tc in {
		"usual": {"methods": ["GET", "POST"], "want": set()},
		"TRACE": {"methods": ["GET", "TRACE"], "want": {["methods", 1]}},
		"lower case": {"methods": ["connect"], "want": {["methods", 0]}},
		"both": {"methods": ["CONNECT", "TRACE"], "want": {["methods", 0]}},
		"any": {"methods": null, "want": {["methods"]}},
	}

	resource := _apirule("orders", [_jwt("/orders", tc.methods)])
	_paths("KFS-117", resource, {}) == {array.concat(["spec", "rules", 0], at) | some at in tc.want}
}

test_widths_of_older_versions[note] if {
	some note, tc in {
		"v1beta1": {
			"resource": object.union(
				_apirule_v1beta1("orders", [_old("/a", ["GET"], "jwt")]),
				{"spec": {"host": "*.example.com"}},
			),
			"want": {["spec", "host"]},
		},
		"v1alpha1": {
			"resource": {
				"apiVersion": "gateway.kyma-project.io/v1alpha1",
				"kind": "APIRule",
				"metadata": {"name": "orders", "namespace": "demo"},
				"spec": {
					"service": {"name": "orders", "host": "*.example.com"},
					"rules": [_old("/a", ["GET"], "jwt")],
				},
			},
			"want": {["spec", "service", "host"]},
		},
		"hidden, in another case": {
			"resource": _hidden({
				"Host": "*",
				"CORSPolicy": {"AllowCredentials": true, "AllowOrigins": [{"regex": ".*"}]},
				"service": {"name": "orders"},
				"rules": [_old("/a", ["GET"], "jwt")],
			}),
			"want": {_annotation("v1beta1-spec")},
		},
		"hidden methods": {
			"resource": _hidden({
				"host": "orders.example.com",
				"service": {"name": "orders"},
				"rules": [_old("/a", ["TRACE"], "jwt")],
			}),
			"want": {_annotation("v1beta1-spec")},
		},
	}

	_paths("KFS-117", tc.resource, {}) == tc.want
}

test_versions[note] if {
	some note, tc in {
		"v2": {"version": "v2", "original": "v2", "want": set()},
		"v2alpha1": {"version": "v2alpha1", "original": "", "want": set()},
		"v1beta1": {"version": "v1beta1", "original": "v1beta1", "want": {["apiVersion"]}},
		"v1alpha1": {"version": "v1alpha1", "original": "", "want": {["apiVersion"]}},
		"born as v1beta1": {"version": "v2", "original": "v1beta1", "want": {_annotation("original-version")}},
	}

	resource := {
		"apiVersion": sprintf("gateway.kyma-project.io/%s", [tc.version]),
		"kind": "APIRule",
		"metadata": {
			"name": "orders",
			"namespace": "demo",
			"annotations": {"gateway.kyma-project.io/original-version": tc.original},
		},
	}
	_paths("KFS-118", resource, {}) == tc.want
}

# Every kind with the fields of all of them.
test_kinds_have_fields_of_their_own[note] if {
	some note, want in {
		"Rule": {["upstream", "url"]},
		"VirtualService": {["http", 0, "route", 0, "destination", "host"]},
		"ServiceEntry": {["addresses", 0], ["hosts", 0], ["endpoints", 0, "address"], ["workloadSelector"]},
		"Ingress": {["defaultBackend", "service", "name"], ["rules", 0, "http", "paths", 0, "backend", "serviceName"]},
		"TCPRoute": {["rules", 0, "backendRefs", 0, "name"]},
		"Service": {["type"], ["externalIPs"]},
		"Endpoints": set(),
	}

	own := {"serverless.kyma-project.io/function-name": "orders"}
	resource := _resource(note, "orders", {
		"upstream": {"url": "http://orders.demo"},
		"gateways": ["web"],
		"hosts": ["orders.demo"],
		"http": [{"route": [{"destination": {"host": "orders"}}]}],
		"addresses": ["10.0.0.7"],
		"endpoints": [{"address": "orders.demo"}],
		"workloadSelector": {"labels": own},
		"defaultBackend": {"service": {"name": "orders"}},
		"rules": [{
			"path": "/orders",
			"noAuth": true,
			"http": {"paths": [{"backend": {"serviceName": "orders"}}]},
			"backendRefs": [{"name": "orders"}],
		}],
		"type": "NodePort",
		"externalIPs": ["192.0.2.1"],
		"externalName": "orders.demo",
		"selector": own,
	})
	paths := {result.details.path | some result in _violations(resource, _cluster)}
	paths == {array.concat(["spec"], at) | some at in want}
}

test_only_apirules_are_read_as_such if {
	rules := [_jwt("/", ["GET", "TRACE"]), _open("/*", ["GET"]), _to("orders", "shop", _open("/", ["PUT"]))]
	resource := object.union(_apirule_v1beta1("orders", []), {"spec": {"hosts": ["*"], "rules": rules}})
	objects := _with([_apirule("peer", [_jwt("/*", ["GET"])])])
	_ids(object.union(resource, {"apiVersion": "gateway.kyma-project.io/v2"}), objects) == {
		"KFS-111",
		"KFS-112",
		"KFS-113",
		"KFS-114",
		"KFS-115",
		"KFS-117",
	}
	_ids(object.union(resource, {"apiVersion": "gateway.kyma-project.io/v2", "kind": "RateLimit"}), objects) == set()
	_ids(object.union(resource, {"kind": "RateLimit"}), objects) == set()
}

test_unselected_rules_say_nothing if {
	resource := _resource("Rule", "orders", {"upstream": {"url": "http://orders.demo"}})
	results := _violations(resource, _cluster) with data.kyma.exposure_test._parameters as {"rules": ["KFS-118"]}
	results == set()
}

_violations(resource, objects) := results if {
	request := {"review": {"object": resource}, "parameters": _parameters}
	results := exposure.violation with input as request with data.inventory as objects
}

_ids(resource, objects) := {result.details.rule | some result in _violations(resource, objects)}

_reported(id, resource, objects) := id in _ids(resource, objects)

_paths(id, resource, objects) := {result.details.path |
	some result in _violations(resource, objects)
	result.details.rule == id
}

_parameters := {"openMethods": ["OPTIONS"], "foreignServices": "any", "trustedControllers": []}

_apirule(name, rules) := {
	"apiVersion": "gateway.kyma-project.io/v2",
	"kind": "APIRule",
	"metadata": {"name": name, "namespace": "demo"},
	"spec": {"hosts": [name], "service": {"name": "orders", "port": 80}, "rules": rules},
}

_apirule_v1beta1(name, rules) := {
	"apiVersion": "gateway.kyma-project.io/v1beta1",
	"kind": "APIRule",
	"metadata": {"name": name, "namespace": "demo"},
	"spec": {"host": name, "service": {"name": "orders", "port": 80}, "rules": rules},
}

_hidden(spec) := {
	"apiVersion": "gateway.kyma-project.io/v2",
	"kind": "APIRule",
	"metadata": {"name": "orders", "namespace": "demo", "annotations": {
		"gateway.kyma-project.io/original-version": "v1beta1",
		"gateway.kyma-project.io/v1beta1-spec": json.marshal(spec),
	}},
	"spec": {},
}

_annotation(key) := ["metadata", "annotations", sprintf("gateway.kyma-project.io/%s", [key])]

# An APIRule of another namespace.
_in(namespace, rule) := object.union(_apirule("orders", [rule]), {"metadata": {"namespace": namespace}})

_to(name, namespace, rule) := object.union(rule, {"service": {"name": name, "namespace": namespace}})

_audience := {"authorizations": [{"audiences": ["orders"]}]}

_jwt(path, methods) := {"path": path, "methods": methods, "jwt": _audience}

_open(path, methods) := {"path": path, "methods": methods, "noAuth": true}

_old(path, methods, handler) := {"path": path, "methods": methods, "accessStrategies": [_strategy(handler)]}

_strategy(handler) := {"handler": "jwt", "config": {"target_audience": ["orders"]}} if handler == "jwt"

_strategy(handler) := {"handler": "jwt", "config": object.union(_audience, {"authentications": []})} if {
	handler == "istio"
}

_strategy(handler) := {"handler": handler} if not handler in {"jwt", "istio"}

_owner(name, namespace) := {
	"apirule.gateway.kyma-project.io/name": name,
	"apirule.gateway.kyma-project.io/namespace": namespace,
}

_resource(kind, name, spec) := {"kind": kind, "metadata": {"name": name, "namespace": "demo"}, "spec": spec}

# Function orders in demo and tickets in shop, each with its Service's alias.
_cluster := {"namespace": {
	"demo": {
		"serverless.kyma-project.io/v1alpha2": {"Function": {"orders": _labelled}},
		"v1": {"Service": {
			"orders": {"metadata": {"name": "orders", "namespace": "demo"}, "spec": {
				"clusterIP": "10.0.0.7",
				"clusterIPs": ["10.0.0.7", "fd00::7"],
			}},
			"alias": {"spec": {"selector": {"serverless.kyma-project.io/function-name": "orders"}}},
			"invoices": {"spec": {"selector": {"app": "invoices"}}},
		}},
	},
	"shop": {
		"serverless.kyma-project.io/v1alpha2": {"Function": {"tickets": _function("shop", "tickets")}},
		"v1": {"Service": {
			"alias": {"spec": {"selector": {"serverless.kyma-project.io/function-name": "tickets"}}},
			"backend": {"spec": {"selector": {"app": "backend"}}},
		}},
	},
}}

_labelled := object.union(_function("demo", "orders"), {"spec": {"labels": {"tier": "web", "version": "v7"}}})

_function(namespace, name) := {
	"apiVersion": "serverless.kyma-project.io/v1alpha2",
	"kind": "Function",
	"metadata": {"name": name, "namespace": namespace},
	"spec": {},
}

# The cluster with these in its inventory.
_with(resources) := object.union_n(array.concat([_cluster], [stored |
	some resource in resources
	version := object.get(resource, "apiVersion", "gateway.kyma-project.io/v2")
	kinds := {resource.kind: {resource.metadata.name: resource}}
	stored := {"namespace": {resource.metadata.namespace: {version: kinds}}}
]))
