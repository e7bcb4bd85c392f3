package kyma.jwt_binding_test

import data.kyma.jwt_binding

# Authorizations of a v2 rule, and the ids they get.
test_authorizations[note] if {
	some note, tc in {
		"audience": {"authorizations": [{"audiences": ["orders"]}], "want": set()},
		"several entries, all bound": {
			"authorizations": [{"audiences": ["orders"]}, {"audiences": ["o2"], "requiredScopes": ["r"]}],
			"want": set(),
		},
		"null": {"authorizations": null, "want": {["KFS-101", "jwt.authorizations"]}},
		"empty": {"authorizations": [], "want": {["KFS-101", "jwt.authorizations"]}},
		"no list": {"authorizations": {"audiences": ["orders"]}, "want": {["KFS-102", "jwt.authorizations"]}},
		"text": {"authorizations": "orders", "want": {["KFS-102", "jwt.authorizations"]}},
		"false": {"authorizations": false, "want": {["KFS-102", "jwt.authorizations"]}},
		"empty entry": {"authorizations": [{}], "want": {["KFS-102", "jwt.authorizations.0"]}},
		"null entry": {"authorizations": [null], "want": {["KFS-102", "jwt.authorizations.0"]}},
		"one open entry": {
			"authorizations": [{"audiences": ["orders"]}, {}],
			"want": {["KFS-102", "jwt.authorizations.1"]},
		},
		"blank audience": {
			"authorizations": [{"audiences": ["orders", " "]}],
			"want": {["KFS-102", "jwt.authorizations.0"]},
		},
		"misspelt": {"authorizations": [{"audience": ["orders"]}], "want": {["KFS-102", "jwt.authorizations.0"]}},
		"wildcards": {
			"authorizations": [{"audiences": ["orders", "*"], "requiredScopes": ["r*"]}],
			"want": {
				["KFS-103", "jwt.authorizations.0.audiences.1"],
				["KFS-103", "jwt.authorizations.0.requiredScopes.0"],
			},
		},
		"scopes": {"authorizations": [{"requiredScopes": ["r"]}], "want": {["KFS-104", "jwt.authorizations.0"]}},
	}

	rule := {"path": "/a", "jwt": {"authentications": _authentications, "authorizations": tc.authorizations}}
	_found(_review("v2", [rule]), {}, {}) == {[id, _below_rule(suffix)] | some [id, suffix] in tc.want}
}

test_no_authorizations if {
	_found(_review("v2", [{"jwt": {"authentications": _authentications}}]), {}, {}) == {["KFS-101", "spec.rules.0.jwt"]}
}

# Values of a v2 rule's jwt that can't be read.
test_unreadable_jwt[note] if {
	some note, value in {"null": null, "text": "x", "list": [], "empty": {}, "true": true}

	_found(_review("v2", [{"jwt": value}]), {}, {}) == {
		["KFS-101", "spec.rules.0.jwt"],
		["KFS-107", "spec.rules.0.jwt"],
	}
}

test_several_strategies if {
	rule := {"accessStrategies": [
		{"handler": "jwt", "config": _ory},
		{"handler": "jwt", "config": object.remove(_ory, ["target_audience"])},
	]}
	_found(_review("v1beta1", [rule]), {}, {}) == {["KFS-101", "spec.rules.0.accessStrategies.1.config"]}
}

# Changes of a good config of the handler jwt, in a v1beta1.
test_ory[note] if {
	some note, tc in {
		"good": {"change": {}, "want": set()},
		"no audience": {"change": {"target_audience": null}, "want": {["KFS-101", ""]}},
		"blank audience": {"change": {"target_audience": [""]}, "want": {["KFS-102", ""]}},
		"wildcard": {"change": {"target_audience": ["*"]}, "want": {["KFS-103", ".target_audience.0"]}},
		"scopes only": {"change": {"target_audience": [], "required_scope": ["r"]}, "want": {["KFS-104", ""]}},
		"scopes that nobody checks": {
			"change": {"target_audience": [], "required_scope": ["r"], "scope_strategy": "none"},
			"want": {["KFS-101", ""]},
		},
		"authorizations without effect": {
			"change": {"target_audience": [], "authorizations": [{"audiences": ["orders"]}]},
			"want": {["KFS-101", ""]},
		},
		"no issuers": {"change": {"trusted_issuers": []}, "want": {["KFS-107", ""]}},
		"blank issuer": {"change": {"trusted_issuers": [" "]}, "want": {
			["KFS-107", ".trusted_issuers.0"],
			["KFS-110", ".jwks_urls.0"],
		}},
		"issuers no list": {
			"change": {"trusted_issuers": "https://idp.example.com"},
			"want": {["KFS-107", ".trusted_issuers"]},
		},
		"no URLs": {"change": {"jwks_urls": null}, "want": {["KFS-107", ""]}},
		"http": {
			"change": {"jwks_urls": ["https://idp.example.com/keys", "http://idp.example.com/keys"]},
			"want": {["KFS-107", ".jwks_urls.1"]},
		},
		"URL of another host": {
			"change": {"jwks_urls": ["https://idp.example.com/keys", "https://keys.example.com"]},
			"want": {["KFS-110", ".jwks_urls.1"]},
		},
		"issuer of another host": {
			"change": {"trusted_issuers": ["https://idp.example.com", "https://other.example.com"]},
			"want": {["KFS-110", ".jwks_urls.0"]},
		},
		"token in the URL": {
			"change": {"token_from": {"query_parameter": "t"}},
			"want": {["KFS-108", ".token_from.query_parameter"]},
		},
	}

	config := object.union(_ory, tc.change)
	rule := {"accessStrategies": [{"handler": "jwt", "config": config}]}
	_found(_review("v1beta1", [rule]), {}, {}) == {[id, path] |
		some [id, suffix] in tc.want
		path := concat("", ["spec.rules.0.accessStrategies.0.config", suffix])
	}
}

# Authentications of a v2 rule.
test_authentications[note] if {
	some note, tc in {
		"missing": {"value": null, "want": {["KFS-107", "jwt.authentications"]}},
		"empty": {"value": [], "want": {["KFS-107", "jwt.authentications"]}},
		"no list": {"value": {"issuer": "https://idp.example.com"}, "want": {["KFS-107", "jwt.authentications"]}},
		"null entry": {"value": [null], "want": {["KFS-107", "jwt.authentications.0"]}},
		"no issuer": {
			"value": [{"jwksUri": "https://idp.example.com/keys"}],
			"want": {["KFS-107", "jwt.authentications.0"]},
		},
		"no URL": {"value": [{"issuer": "https://idp.example.com"}], "want": {["KFS-107", "jwt.authentications.0"]}},
		"blank issuer": {
			"value": [{"issuer": "\t", "jwksUri": "https://idp.example.com/keys"}],
			"want": {["KFS-107", "jwt.authentications.0.issuer"], ["KFS-110", "jwt.authentications.0.jwksUri"]},
		},
		"issuer a number": {
			"value": [{"issuer": 1, "jwksUri": "https://idp.example.com/keys"}],
			"want": {["KFS-107", "jwt.authentications.0.issuer"]},
		},
		"second one": {
			"value": [_authentications[0], {"issuer": "x", "jwksUri": "https://idp.example.com/keys"}],
			"want": {["KFS-110", "jwt.authentications.1.jwksUri"]},
		},
		"from a parameter": {
			"value": [object.union(_authentications[0], {"fromParams": ["t"]})],
			"want": {["KFS-108", "jwt.authentications.0.fromParams"]},
		},
		"from a parameter, no list": {
			"value": [object.union(_authentications[0], {"fromParams": "t"})],
			"want": {["KFS-108", "jwt.authentications.0.fromParams"]},
		},
		"from a header": {
			"value": [object.union(_authentications[0], {"fromParams": [], "fromHeaders": [{"name": "x"}]})],
			"want": set(),
		},
	}

	rule := {"jwt": {"authentications": tc.value, "authorizations": [{"audiences": ["orders"]}]}}
	_found(_review("v2", [rule]), {}, {}) == {[id, _below_rule(suffix)] | some [id, suffix] in tc.want}
}

# Issuer, URL of its keys, and the ids they get.
test_hosts[note] if {
	some note, tc in {
		"same": {"issuer": "https://idp.example.com/x", "url": "https://idp.example.com/keys?x=1", "want": set()},
		"case, port, dot": {
			"issuer": "HTTPS://IDP.example.com",
			"url": "https://idp.EXAMPLE.com.:443/keys",
			"want": set(),
		},
		"http issuer": {"issuer": "http://idp.example.com", "url": "https://idp.example.com", "want": set()},
		"address": {"issuer": "https://[2001:DB8::1]", "url": "https://[2001:db8::1]/keys", "want": set()},
		"other host": {"issuer": "https://idp.example.com", "url": "https://keys.example.com", "want": {"KFS-110"}},
		"suffix": {
			"issuer": "https://idp.example.com",
			"url": "https://idp.example.com.evil.example",
			"want": {"KFS-110"},
		},
		"other port": {"issuer": "https://idp.example.com", "url": "https://idp.example.com:8443", "want": {"KFS-110"}},
		"issuer no URL": {"issuer": "idp", "url": "https://idp", "want": {"KFS-110"}},
		"issuer with userinfo": {
			"issuer": "https://idp.example.com@evil.example",
			"url": "https://idp.example.com",
			"want": {"KFS-110"},
		},
		"http": {"issuer": "https://idp.example.com", "url": "http://idp.example.com/keys", "want": {"KFS-107"}},
		"http in capitals": {"issuer": "https://idp.example.com", "url": "HTTP://idp.example.com", "want": {"KFS-107"}},
		"http on another host": {
			"issuer": "https://idp.example.com",
			"url": "http://keys.demo.svc.cluster.local",
			"want": {"KFS-107", "KFS-110"},
		},
		"userinfo": {
			"issuer": "https://idp.example.com",
			"url": "https://idp.example.com@evil.example",
			"want": {"KFS-107"},
		},
		"userinfo with password": {
			"issuer": "https://i.example",
			"url": "https://a:b@i.example/k",
			"want": {"KFS-107"},
		},
		"backslash": {
			"issuer": "https://idp.example.com",
			"url": `https://idp.example.com\@evil.example`,
			"want": {"KFS-107"},
		},
		"escape": {
			"issuer": "https://idp.example.com",
			"url": "https://idp.example.com%2eevil.example",
			"want": {"KFS-107"},
		},
		"kelvin": {"issuer": "https://idp.kyma.example", "url": "https://idp.\u212ayma.example", "want": {"KFS-107"}},
		"two dots": {"issuer": "https://idp.example.com", "url": "https://idp.example.com..", "want": {"KFS-107"}},
		"blank before": {"issuer": "https://idp.example.com", "url": " https://idp.example.com", "want": {"KFS-107"}},
		"blank inside": {
			"issuer": "https://idp.example.com",
			"url": "https://idp.example.com/a b",
			"want": {"KFS-107"},
		},
		"line break": {"issuer": "https://idp.example.com", "url": "https://idp.example.com\n", "want": {"KFS-107"}},
		"no host": {"issuer": "https://idp.example.com", "url": "https:///keys", "want": {"KFS-107"}},
		"empty": {"issuer": "https://idp.example.com", "url": "", "want": {"KFS-107"}},
		"no text": {"issuer": "https://idp.example.com", "url": ["https://idp.example.com"], "want": {"KFS-107"}},
	}

	{id | some [id, _] in _found(_review("v2", [_jwt(tc.issuer, tc.url, ["orders"])]), {}, {})} == tc.want
}

test_message_of_an_issuer_that_is_no_url if {
	review := _review("v2", [_jwt("idp.example.com", "https://idp.example.com/keys", ["orders"])])
	request := {"review": {"object": review}, "parameters": {}}
	got := {result.msg | some result in jwt_binding.violation with input as request}
	got == {concat("", [
		`KFS-110: rule 0 ("/"): the keys of issuer "idp.example.com", which is no URL, `,
		`come from host "idp.example.com"`,
	])}
}

# trustedIssuers, for issuer https://idp.example.com with keys from keys.example.com.
test_trusted_issuers[note] if {
	some note, tc in {
		"absent": {"parameters": {}, "want": {"KFS-110"}},
		"empty": {"parameters": {"trustedIssuers": []}, "want": {"KFS-110"}},
		"pair": {
			"parameters": {"trustedIssuers": [
				{"issuer": "https://idp.example.com", "jwksHosts": ["Keys.example.com.:443"]},
				{"issuer": "https://other.example.com"},
			]},
			"want": set(),
		},
		"issuer without hosts": {
			"parameters": {"trustedIssuers": [{"issuer": "https://idp.example.com"}]},
			"want": {"KFS-110"},
		},
		"pair of another issuer": {
			"parameters": {"trustedIssuers": [
				{"issuer": "https://idp.example.com", "jwksHosts": ["x.example.com", 1]},
				{"issuer": "https://other.example.com", "jwksHosts": ["keys.example.com"]},
			]},
			"want": {"KFS-110"},
		},
		"another issuer": {
			"parameters": {
				"trustedIssuers": [{"issuer": "https://idp.example.com/", "jwksHosts": ["keys.example.com"]}],
			},
			"want": {"KFS-107", "KFS-110"},
		},
		"unreadable entry": {"parameters": {"trustedIssuers": ["x"]}, "want": {"KFS-107", "KFS-110"}},
		"text": {"parameters": {"trustedIssuers": "https://idp.example.com"}, "want": {"KFS-107", "KFS-110"}},
		"null": {"parameters": {"trustedIssuers": null}, "want": {"KFS-107", "KFS-110"}},
	}

	rule := _jwt("https://idp.example.com", "https://keys.example.com", ["orders"])
	{id | some [id, _] in _found(_review("v2", [rule]), tc.parameters, {})} == tc.want
}

# extAuth of a v2 rule.
test_ext_auth[note] if {
	bound := {"authentications": _authentications, "authorizations": [{"audiences": ["orders"]}]}
	some note, tc in {
		"restricted": {"value": {"authorizers": ["a"], "restrictions": bound}, "want": set()},
		"unrestricted": {"value": {"authorizers": ["a"]}, "want": {["KFS-106", "extAuth"]}},
		"trusted": {"value": {"authorizers": ["trusted", "trusted2"]}, "want": set()},
		"one not trusted": {"value": {"authorizers": ["trusted", "a"]}, "want": {["KFS-106", "extAuth"]}},
		"no authorizers": {"value": {"authorizers": []}, "want": {["KFS-106", "extAuth"]}},
		"null authorizer": {"value": {"authorizers": [null]}, "want": {["KFS-106", "extAuth"]}},
		"authorizers no list": {"value": {"authorizers": "trusted"}, "want": {["KFS-106", "extAuth"]}},
		"null": {"value": null, "want": {["KFS-106", "extAuth"]}},
		"restrictions null": {
			"value": {"authorizers": ["a"], "restrictions": null},
			"want": {["KFS-106", "extAuth.restrictions"]},
		},
		"restrictions empty": {
			"value": {"authorizers": ["a"], "restrictions": {}},
			"want": {["KFS-106", "extAuth.restrictions"], ["KFS-107", "extAuth.restrictions"]},
		},
		"trusted, restrictions empty": {
			"value": {"authorizers": ["trusted"], "restrictions": {}},
			"want": {["KFS-107", "extAuth.restrictions"]},
		},
		"restrictions that don't bind": {
			"value": {"authorizers": ["a"], "restrictions": {
				"authentications": _authentications,
				"authorizations": [{"audiences": ["orders"]}, {"requiredScopes": ["r"]}, {}, {"audiences": ["*"]}],
			}},
			"want": {["KFS-106", concat("", ["extAuth.restrictions.authorizations.", i])] | some i in ["1", "2", "3"]},
		},
		"restrictions' URL": {
			"value": {"authorizers": ["trusted"], "restrictions": object.union(bound, {"authentications": [
				{"issuer": "https://idp.example.com", "jwksUri": "http://keys.example.com", "fromParams": ["t"]},
			]})},
			"want": {[id, concat("", ["extAuth.restrictions.authentications.0.", key])] |
				some [id, key] in [["KFS-107", "jwksUri"], ["KFS-108", "fromParams"], ["KFS-110", "jwksUri"]]
			},
		},
	}

	parameters := {"trustedAuthorizers": ["trusted", "trusted2", null]}
	got := _found(_review("v2", [{"extAuth": tc.value}]), parameters, {})
	got == {[id, _below_rule(suffix)] | some [id, suffix] in tc.want}
}

# Delegated handlers of a v1beta1.
test_delegated[note] if {
	some note, tc in {
		"introspection, bound": {
			"handler": "oauth2_introspection",
			"config": {"introspection_url": "https://i.example/introspect", "target_audience": ["orders"]},
			"want": set(),
		},
		"introspection, scopes": {
			"handler": "oauth2_introspection",
			"config": {"introspection_url": "https://i.example/introspect", "required_scope": ["r"]},
			"want": {["KFS-106", ".config"]},
		},
		"introspection, no URL": {
			"handler": "oauth2_introspection",
			"config": {"target_audience": ["orders"]},
			"want": {["KFS-107", ".config"]},
		},
		"introspection, http": {
			"handler": "oauth2_introspection",
			"config": {"introspection_url": "http://i.example", "target_audience": ["orders"]},
			"want": {["KFS-107", ".config.introspection_url"]},
		},
		"introspection, issuer": {
			"handler": "oauth2_introspection",
			"config": {
				"introspection_url": "https://i.example",
				"target_audience": ["orders"],
				"trusted_issuers": [""],
			},
			"want": {["KFS-107", ".config.trusted_issuers.0"]},
		},
		"client credentials": {
			"handler": "oauth2_client_credentials",
			"config": {"required_scopes": ["r"]},
			"want": {["KFS-106", ".config"]},
		},
		"session": {"handler": "cookie_session", "config": {}, "want": {["KFS-106", ".config"]}},
		"open": {"handler": "noop", "config": null, "want": set()},
		"deny": {"handler": "unauthorized", "config": {}, "want": set()},
	}

	rule := {"accessStrategies": [{"handler": tc.handler, "config": tc.config}]}
	_found(_review("v1beta1", [rule]), {}, {}) == {[id, concat("", ["spec.rules.0.accessStrategies.0", suffix])] |
		some [id, suffix] in tc.want
	}
}

test_trusted_handler if {
	rule := {"accessStrategies": [{"handler": "cookie_session"}]}
	_found(_review("v1beta1", [rule]), {"trustedAuthorizers": ["cookie_session"]}, {}) == set()
}

# Annotations of a v2 whose own rules are good.
test_hidden[note] if {
	some note, tc in {
		"none": {"annotations": {}, "want": set()},
		"missing": {"annotations": {"original-version": "v1beta1"}, "want": {"KFS-109"}},
		"unreadable": {
			"annotations": {"original-version": "v1beta1", "v1beta1-spec": "{"},
			"want": {"KFS-109"},
		},
		"judged": {
			"annotations": {
				"original-version": "v1beta1",
				"v1beta1-spec": json.marshal({"rules": [{"accessStrategies": [{"handler": "jwt"}]}]}),
			},
			"want": {"KFS-101", "KFS-107"},
		},
	}

	annotations := {concat("/", ["gateway.kyma-project.io", key]): value | some key, value in tc.annotations}
	review := object.union(
		_review("v2", [_jwt("https://i.example", "https://i.example", ["orders"])]),
		{"metadata": {"annotations": annotations}},
	)
	got := _found(review, {}, {})
	{id | some [id, _] in got} == tc.want
	every found in got { startswith(found[1], "metadata.annotations.gateway.kyma-project.io/") }
}

# Tokens of an APIRule for orders and one for payments: [audiences, scopes] of the entry each has.
test_shared[note] if {
	some note, tc in {
		"same audience": {"orders": [["a"], []], "payments": [["a"], []], "want": true},
		"other audience": {"orders": [["a"], []], "payments": [["b"], []], "want": false},
		"its tokens have more audiences": {"orders": [["a", "b"], []], "payments": [["a"], []], "want": true},
		"its tokens have fewer audiences": {"orders": [["a"], []], "payments": [["b", "a"], []], "want": true},
		"one audience in common": {"orders": [["a", "b"], []], "payments": [["b", "c"], []], "want": false},
		"scopes apart": {"orders": [["a"], ["r"]], "payments": [["a"], ["w"]], "want": false},
		"scope more": {"orders": [["a"], ["r"]], "payments": [["a"], []], "want": true},
		"scope less": {"orders": [["a"], []], "payments": [["a"], ["r"]], "want": true},
		"more audiences, less scopes": {"orders": [["a", "b"], []], "payments": [["a"], ["r"]], "want": false},
		"scope alone": {"orders": [["a"], ["r", "w"]], "payments": [[], ["w"]], "want": true},
		"by a scope alone": {"orders": [[], ["w"]], "payments": [["a"], ["r", "w"]], "want": true},
		"scopes alone": {"orders": [[], ["r", "w"]], "payments": [[], ["w"]], "want": true},
		"by scopes alone": {"orders": [[], ["w"]], "payments": [[], ["r", "w"]], "want": true},
		"other scopes alone": {"orders": [[], ["r", "w"]], "payments": [[], ["w", "x"]], "want": false},
		"wildcard takes no part": {"orders": [["a"], []], "payments": [["*", "a"], []], "want": false},
		"open takes no part": {"orders": [["a"], []], "payments": [[], []], "want": false},
	}

	review := _review("v2", [_entry("orders", tc.orders)])
	peer := _peer("payments", "other", [_entry("payments", tc.payments)])
	_shares(_found(review, {}, [peer])) == tc.want
}

# Peers of a rule of service orders in namespace demo.
test_peers[note] if {
	some note, tc in {
		"itself": {"peer": _peer("orders", "demo", [_entry("payments", [["a"], []])]), "want": false},
		"same name in another namespace": {"peer": _peer("orders", "x", [_entry("orders", [["a"], []])]), "want": true},
		"another rule of the same service": {
			"peer": _peer("orders2", "demo", [_entry("orders", [["a"], []])]),
			"want": false,
		},
		"same service from another namespace": {
			"peer": _peer("orders2", "x", [{
				"service": {"name": "orders", "namespace": "demo"},
				"jwt": _entry("", [["a"], []]).jwt,
			}]),
			"want": false,
		},
		"another issuer": {
			"peer": _peer("payments", "x", [_jwt("https://i.example", "https://i.example/keys", ["a"])]),
			"want": false,
		},
		"one of its issuers": {
			"peer": _peer("payments", "x", [{"jwt": {
				"authentications": array.concat([{"issuer": "i"}], _authentications),
				"authorizations": [{"audiences": ["a"]}],
			}}]),
			"want": true,
		},
		"issuer unreadable": {
			"peer": _peer("payments", "x", [{"jwt": {
				"authentications": [{"issuer": ["https://idp.example.com"]}],
				"authorizations": [{"audiences": ["a"]}],
			}}]),
			"want": false,
		},
		"ory": {
			"peer": {
				"apiVersion": "gateway.kyma-project.io/v1beta1",
				"kind": "APIRule",
				"metadata": {"name": "payments", "namespace": "x"},
				"spec": {"service": {"name": "payments"}, "rules": [{"accessStrategies": [{
					"handler": "jwt",
					"config": object.union(_ory, {"target_audience": ["a"]}),
				}]}]},
			},
			"want": true,
		},
		"restrictions": {
			"peer": _peer("payments", "x", [{"extAuth": {
				"authorizers": ["a"],
				"restrictions": _entry("", [["a"], []]).jwt,
			}}]),
			"want": true,
		},
		"hidden": {
			"peer": {
				"apiVersion": "gateway.kyma-project.io/v2",
				"kind": "APIRule",
				"metadata": {"name": "payments", "namespace": "x", "annotations": {
					"gateway.kyma-project.io/v1beta1-spec": json.marshal({
						"service": {"name": "payments"},
						"rules": [{"accessStrategies": [{
							"handler": "jwt",
							"config": object.union(_ory, {"target_audience": ["a"]}),
						}]}],
					}),
				}},
			},
			"want": true,
		},
	}

	_shares(_found(_review("v2", [_entry("orders", [["a"], []])]), {}, [tc.peer])) == tc.want
}

test_two_services_of_one_apirule if {
	rules := [_entry("orders", [["a"], []]), _entry("payments", [["a"], []]), _entry("users", [["u"], []])]
	{[id, path] | some [id, path] in _found(_review("v2", rules), {}, {})} == {
		["KFS-105", "spec.rules.0.jwt.authorizations.0"],
		["KFS-105", "spec.rules.1.jwt.authorizations.0"],
	}
}

# sharedWithin, for a peer in the same and one in another namespace.
test_shared_within[note] if {
	some note, tc in {
		"none, same": {"parameters": {"sharedWithin": "none"}, "namespace": "demo", "want": true},
		"none, other": {"parameters": {"sharedWithin": "none"}, "namespace": "x", "want": true},
		"namespace, same": {"parameters": {"sharedWithin": "namespace"}, "namespace": "demo", "want": false},
		"namespace, other": {"parameters": {"sharedWithin": "namespace"}, "namespace": "x", "want": true},
		"absent, same": {"parameters": {}, "namespace": "demo", "want": true},
		"unreadable, same": {"parameters": {"sharedWithin": ["namespace"]}, "namespace": "demo", "want": true},
	}

	peer := _peer("payments", tc.namespace, [_entry("payments", [["a"], []])])
	_shares(_found(_review("v2", [_entry("orders", [["a"], []])]), tc.parameters, [peer])) == tc.want
}

# APIRules of the own namespace whose service is of another one.
test_shared_abroad[note] if {
	abroad := {"name": "payments", "namespace": "x"}
	hidden := {"service": abroad, "rules": [{"accessStrategies": [{
		"handler": "jwt",
		"config": object.union(_ory, {"target_audience": ["a"]}),
	}]}]}
	bound := _entry("", [["a"], []]).jwt
	some note, change in {
		"of the rule": {"spec": {"rules": [{"service": abroad, "jwt": bound}]}},
		"of the spec": {"spec": {"service": abroad, "rules": [{"jwt": bound}]}},
		"hidden": {
			"metadata": {"annotations": {"gateway.kyma-project.io/v1beta1-spec": json.marshal(hidden)}},
			"spec": {"rules": []},
		},
	}

	peer := object.union(object.remove(_peer("payments", "demo", []), ["spec"]), change)
	_shares(_found(_review("v2", [_entry("orders", [["a"], []])]), {"sharedWithin": "namespace"}, [peer]))
}

# Where the first that are looked at expose the same service, the others are looked at too.
test_all_are_read_if_the_first_share_nothing[note] if {
	some note, tc in {"none": {"last": "orders", "want": false}, "the last": {"last": "payments", "want": true}}

	service := {"name": "orders", "namespace": "demo"}
	same := [_peer(sprintf("s%d", [i]), "x", [object.union(_entry("orders", [["a"], []]), {"service": service})]) |
		some i in numbers.range(100, 121)
	]
	other := {"service": {"name": tc.last, "namespace": "demo"}}
	last := _peer("z", "x", [object.union(_entry("orders", [["a"], []]), other)])
	_shares(_found(_review("v2", [_entry("orders", [["a"], []])]), {}, array.concat(same, [last]))) == tc.want
}

# Beside many that plainly expose the same service.
test_what_may_expose_another_service_is_read[note] if {
	hidden := json.marshal({"service": {"name": "payments"}, "rules": [{"accessStrategies": [{
		"handler": "jwt",
		"config": object.union(_ory, {"target_audience": ["a"]}),
	}]}]})
	plain := object.remove(_entry("", [["a"], []]), ["service"])
	some note, tc in {
		"the same": {"change": {}, "want": false},
		"another": {"change": {"spec": {"service": {"name": "payments"}}}, "want": true},
		"of another namespace": {"change": {"spec": {"service": {"namespace": "x"}}}, "want": true},
		"written otherwise": {"change": {"spec": {"service": {"Name": "payments"}}}, "want": true},
		"of a rule": {"change": {"spec": {"rules": [_entry("payments", [["a"], []])]}}, "want": true},
		"of a rule, the same": {"change": {"spec": {"rules": [_entry("orders", [["a"], []])]}}, "want": false},
		"of a rule, written otherwise": {
			"change": {"spec": {"rules": [object.union(plain, {"Service": {"name": "payments"}})]}},
			"want": true,
		},
		"of the spec, written otherwise": {"change": {"spec": {"SERVICE": {"name": "payments"}}}, "want": true},
		"hidden": {
			"change": {
				"metadata": {"annotations": {"gateway.kyma-project.io/v1beta1-spec": hidden}},
				"spec": {"rules": []},
			},
			"want": true,
		},
	}

	of_orders := {"spec": {"service": {"name": "orders"}}}
	same := [object.union(_peer(sprintf("s%d", [i]), "demo", [plain]), of_orders) | some i in numbers.range(100, 121)]
	last := object.union_n([_peer("t", "demo", [plain]), of_orders, tc.change])
	_shares(_found(_review("v2", [_entry("orders", [["a"], []])]), {}, array.concat(same, [last]))) == tc.want
}

# All have the audience, and those at both ends of them other scopes.
test_the_related_are_read_if_the_first_share_nothing[note] if {
	some note, tc in {
		"none": {"related": [], "want": false},
		"one": {"related": [107], "want": true},
		"itself": {"related": [], "own": true, "want": false},
	}

	peers := [_peer(sprintf("s%d", [i]), "x", [_entry(sprintf("s%d", [i]), [["a"], scopes])]) |
		some i in numbers.range(100, 114)
		scopes := {true: ["r"], false: [sprintf("r%d", [i])]}[i in tc.related]
	]
	review := _review("v2", [_entry("orders", [["a"], ["r"]])])
	own := [object.union(review, {"apiVersion": "gateway.kyma-project.io/v2", "kind": "APIRule"}) | tc.own]
	_shares(_found(review, {}, array.concat(peers, own))) == tc.want
}

# Of a namespace that may share, those that may expose services of another are read, few or many.
test_wanderers_among_neighbours[note] if {
	some note, number in {"few": 2, "many": 20}

	neighbours := [_peer(name, "demo", [_entry(name, [["a"], []])]) |
		some i in numbers.range(1, number)
		name := sprintf("s%d", [i])
	]
	abroad := {"service": {"name": "payments", "namespace": "x"}}
	wanderer := _peer("payments", "demo", [object.union(_entry("payments", [["a"], []]), abroad)])
	review := _review("v2", [_entry("orders", [["a"], []])])
	not _shares(_found(review, {"sharedWithin": "namespace"}, neighbours))
	_shares(_found(review, {"sharedWithin": "namespace"}, array.concat(neighbours, [wanderer])))
}

test_scope_alone_in_any_dialect[note] if {
	entry := _entry("payments", [[], ["r"]])
	some note, rule in {
		"jwt": entry,
		"extAuth": object.union(object.remove(entry, ["jwt"]), {"extAuth": {
			"authorizers": ["x"],
			"restrictions": entry.jwt,
		}}),
	}

	peer := _peer("payments", "x", [rule])
	_shares(_found(_review("v2", [_entry("orders", [["a"], ["r"]])]), {}, [peer]))
}

test_message_counts_peers[note] if {
	some note, tc in {
		"one": {"peers": 1, "want": "service x/s100"},
		"three": {"peers": 3, "want": "service x/s100 and 2 more"},
		"four": {"peers": 4, "want": "service x/s100 and at least 2 more"},
		"many": {"peers": 20, "want": "service x/s100 and at least 2 more"},
	}

	peers := [_peer(name, "x", [_entry(name, [["a"], []])]) |
		some i in numbers.range(100, 99 + tc.peers)
		name := sprintf("s%d", [i])
	]
	review := _review("v2", [_entry("orders", [["a"], []])])
	got := {result.msg |
		some result in jwt_binding.violation with input as {"review": {"object": review}, "parameters": {}}
			with data.inventory as _inventory(peers)
	}
	got == {sprintf(`KFS-105: rule 0 ("/") shares tokens of issuer "https://idp.example.com" with %s`, [tc.want])}
}

test_hundred_sets_are_compared if _found(_review("v2", [_sets(100)]), {}, {}) == set()

test_more_sets_are_too_many if _found(_review("v2", [_sets(101)]), {}, {}) == {["KFS-105", "spec"]}

_sets(number) := {"jwt": {
	"authentications": _authentications,
	"authorizations": [{"audiences": [sprintf("a%d", [i])]} | some i in numbers.range(1, number)],
}}

# targets: functions, for a rule of Service orders without authorizations.
test_targets[note] if {
	fn := {"kind": "Function", "metadata": {"name": "fn", "namespace": "demo"}, "spec": {"labels": {"app": "fn"}}}
	some note, tc in {
		"nothing known": {"inventory": [], "want": true},
		"its Function": {
			"inventory": [{"kind": "Function", "metadata": {"name": "orders", "namespace": "demo"}}],
			"want": true,
		},
		"its Function, whatever the Service": {
			"inventory": [
				{"kind": "Function", "metadata": {"name": "orders", "namespace": "demo"}},
				_service("orders", {"selector": {"app": "x"}}),
			],
			"want": true,
		},
		"alias": {"inventory": [fn, _service("orders", {"selector": {"app": "fn"}})], "want": true},
		"alias by the controller's labels": {
			"inventory": [_service("orders", {"selector": {"serverless.kyma-project.io/function-name": "unknown"}})],
			"want": true,
		},
		"no Function's": {"inventory": [fn, _service("orders", {"selector": {"app": "x"}})], "want": false},
		"no Function's, with a type": {
			"inventory": [_service("orders", {"selector": {"app": "x"}, "type": "NodePort"})],
			"want": false,
		},
		"Function in another namespace": {
			"inventory": [
				{"kind": "Function", "metadata": {"name": "orders", "namespace": "x"}},
				_service("orders", {"selector": {"app": "x"}}),
			],
			"want": false,
		},
		"ExternalName": {
			"inventory": [_service("orders", {"type": "ExternalName", "selector": {"app": "x"}})],
			"want": true,
		},
		"no selector": {"inventory": [_service("orders", {"ports": []})], "want": true},
		"empty selector": {"inventory": [_service("orders", {"selector": {}})], "want": true},
		"unreadable selector": {"inventory": [_service("orders", {"selector": {"app": 1}})], "want": true},
	}

	review := _review("v2", [{"jwt": {"authentications": _authentications}}])
	want := {["KFS-101", "spec.rules.0.jwt"] | tc.want}
	_found(review, {"targets": "functions"}, tc.inventory) == want
	_found(review, {"targets": "all"}, tc.inventory) == {["KFS-101", "spec.rules.0.jwt"]}
}

# targets: functions, for tokens of orders and of another service.
test_targets_of_tokens[note] if {
	fns := [fn |
		some name in ["orders", "payments"]
		fn := {
			"kind": "Function",
			"metadata": {"name": name, "namespace": "demo"},
			"spec": {"labels": {"app": name, "all": "y"}},
		}
	]
	some note, tc in {
		"another Function": {"service": "payments", "inventory": [], "want": true},
		"alias of itself": {
			"service": "alias",
			"inventory": [_service("alias", {"selector": {"app": "orders"}})],
			"want": false,
		},
		"alias of another": {
			"service": "alias",
			"inventory": [_service("alias", {"selector": {"app": "payments"}})],
			"want": true,
		},
		"alias of both": {
			"service": "alias",
			"inventory": [_service("alias", {"selector": {"all": "y"}})],
			"want": true,
		},
		"no Function": {
			"service": "web",
			"inventory": [_service("web", {"selector": {"app": "web"}})],
			"want": false,
		},
	}

	peer := _peer("peer", "demo", [_entry(tc.service, [["a"], []])])
	objects := array.concat(array.concat(fns, [peer]), tc.inventory)
	_shares(_found(_review("v2", [_entry("orders", [["a"], []])]), {"targets": "functions"}, objects)) == tc.want
}

# What an UPDATE, DELETE or an unreadable object may bring.
test_odd_objects[note] if {
	some note, tc in {
		"null": {"object": null, "want": {"KFS-109"}},
		"text": {"object": "x", "want": {"KFS-109"}},
		"no spec": {"object": {"apiVersion": "gateway.kyma-project.io/v2", "kind": "APIRule"}, "want": {"KFS-109"}},
		"v1beta1 without spec": {"object": {"apiVersion": "gateway.kyma-project.io/v1beta1"}, "want": set()},
	}

	{id | some [id, _] in _found(tc.object, {}, {})} == tc.want
}

_shares(found) if {
	some [id, _] in found
	id == "KFS-105"
} else := false

_found(resource, parameters, objects) := {[result.details.rule, path] |
	some result in jwt_binding.violation with input as {"review": {"object": resource}, "parameters": parameters}
		with data.inventory as _inventory(objects)
	path := concat(".", [sprintf("%v", [step]) | some step in result.details.path])
}

_below_rule(suffix) := concat(".", ["spec.rules.0", suffix])

_inventory(objects) := {"namespace": object.union_n([held |
	some resource in objects
	version := object.get(resource, "apiVersion", _versions[resource.kind])
	held := {resource.metadata.namespace: {version: {resource.kind: {resource.metadata.name: resource}}}}
])}

_versions := {
	"APIRule": "gateway.kyma-project.io/v2",
	"Function": "serverless.kyma-project.io/v1alpha2",
	"Service": "v1",
}

_review(version, rules) := {
	"apiVersion": concat("/", ["gateway.kyma-project.io", version]),
	"kind": "APIRule",
	"metadata": {"name": "orders", "namespace": "demo"},
	"spec": {"service": {"name": "orders", "port": 80}, "rules": rules},
}

_peer(name, namespace, rules) := {
	"apiVersion": "gateway.kyma-project.io/v2",
	"kind": "APIRule",
	"metadata": {"name": name, "namespace": namespace},
	"spec": {"service": {"name": name, "port": 80}, "rules": rules},
}

_service(name, spec) := {
	"apiVersion": "v1",
	"kind": "Service",
	"metadata": {"name": name, "namespace": "demo"},
	"spec": spec,
}

_jwt(issuer, url, audiences) := {"path": "/", "jwt": {
	"authentications": [{"issuer": issuer, "jwksUri": url}],
	"authorizations": [{"audiences": audiences}],
}}

_entry(service, [audiences, scopes]) := {
	"path": "/",
	"service": {"name": service},
	"jwt": {
		"authentications": _authentications,
		"authorizations": [{"audiences": audiences, "requiredScopes": scopes}],
	},
}

_authentications := [{"issuer": "https://idp.example.com", "jwksUri": "https://idp.example.com/keys"}]

_ory := {
	"jwks_urls": ["https://idp.example.com/keys"],
	"trusted_issuers": ["https://idp.example.com"],
	"target_audience": ["orders"],
}
