package lib.kfs.apirule_test

import data.lib.kfs.apirule

test_binding[note] if {
	some note, tc in {
		"audience": {"entry": {"audiences": ["orders"]}, "binds": "audience"},
		"audience and scope": {"entry": {"audiences": ["orders"], "requiredScopes": ["read"]}, "binds": "audience"},
		"scope": {"entry": {"requiredScopes": ["read"]}, "binds": "scope"},
		"scope, audiences null": {"entry": {"requiredScopes": ["read"], "audiences": null}, "binds": "scope"},
		"scope, audiences empty": {"entry": {"requiredScopes": ["read"], "audiences": []}, "binds": "scope"},
		"star in the middle": {"entry": {"audiences": ["a*b"]}, "binds": "audience"},
		"star": {"entry": {"audiences": ["*"]}, "binds": "wildcard"},
		"prefix": {"entry": {"audiences": ["orders*"]}, "binds": "wildcard"},
		"suffix": {"entry": {"audiences": ["*orders"]}, "binds": "wildcard"},
		"blank before the star": {"entry": {"audiences": [" *"]}, "binds": "wildcard"},
		"blank after the star": {"entry": {"audiences": ["orders*\t"]}, "binds": "wildcard"},
		"wildcard scope beside an audience": {
			"entry": {"audiences": ["orders"], "requiredScopes": ["*"]},
			"binds": "wildcard",
		},
		"blank beats wildcard": {"entry": {"audiences": ["*", " "]}, "binds": "nothing"},
		"empty": {"entry": {}, "binds": "nothing"},
		"empty lists": {"entry": {"audiences": [], "requiredScopes": []}, "binds": "nothing"},
		"nulls": {"entry": {"audiences": null, "requiredScopes": null}, "binds": "nothing"},
		"blank audience": {"entry": {"audiences": ["orders", ""]}, "binds": "nothing"},
		"no-break space": {"entry": {"audiences": ["\u00a0"]}, "binds": "nothing"},
		"null audience": {"entry": {"audiences": ["orders", null]}, "binds": "nothing"},
		"number": {"entry": {"audiences": [1]}, "binds": "nothing"},
		"list in the list": {"entry": {"audiences": [["orders"]]}, "binds": "nothing"},
		"no list": {"entry": {"audiences": "orders"}, "binds": "nothing"},
		"false": {"entry": {"audiences": false, "requiredScopes": ["read"]}, "binds": "nothing"},
		"object": {"entry": {"audiences": {"a": "orders"}}, "binds": "nothing"},
		"scopes no list": {"entry": {"audiences": ["orders"], "requiredScopes": "read"}, "binds": "nothing"},
		"null entry": {"entry": null, "binds": "nothing"},
		"text": {"entry": "orders", "binds": "nothing"},
		"list": {"entry": ["orders"], "binds": "nothing"},
	}

	apirule.binding(tc.entry) == tc.binds
}

test_methods[note] if {
	some note, tc in {
		"one": {"written": ["GET"], "want": {"GET"}},
		"case and blanks": {"written": ["get", " POST"], "want": {"GET", "POST"}},
		"absent": {"written": null, "want": apirule.methods},
		"empty": {"written": [], "want": apirule.methods},
		"star": {"written": ["*"], "want": apirule.methods},
		"one unknown": {"written": ["GET", "LIST"], "want": apirule.methods},
		"number": {"written": ["GET", 1], "want": apirule.methods},
		"text": {"written": "GET", "want": apirule.methods},
	}

	_rules("v2", {"rules": [{"methods": tc.written}]})[0].methods == tc.want
}

test_service[note] if {
	some note, tc in {
		"of the spec": {"spec": {"service": {"name": "a"}}, "want": ["a", "demo"]},
		"of the rule": {"spec": {"service": {"name": "a"}, "rule": {"name": "b"}}, "want": ["b", "demo"]},
		"only of the rule": {"spec": {"rule": {"name": "b", "namespace": "x"}}, "want": ["b", "x"]},
		"namespace of the spec": {
			"spec": {"service": {"name": "a", "namespace": "x"}, "rule": {"name": "b"}},
			"want": ["b", "x"],
		},
		"namespace of the rule": {
			"spec": {"service": {"name": "a", "namespace": "x"}, "rule": {"name": "b", "namespace": "y"}},
			"want": ["b", "y"],
		},
		"blank namespaces": {
			"spec": {"service": {"name": "a", "namespace": ""}, "rule": {"name": "b", "namespace": null}},
			"want": ["b", "demo"],
		},
		"null": {"spec": {"service": {"name": "a"}, "rule": null}, "want": ["a", "demo"]},
		"none": {"spec": {}, "want": ["", "demo"]},
		"rule's can't be read": {"spec": {"service": {"name": "a"}, "rule": "b"}, "want": ["", "demo"]},
		"rule's has no name": {"spec": {"service": {"name": "a"}, "rule": {}}, "want": ["", "demo"]},
		"namespace can't be read": {"spec": {"service": {"name": "a", "namespace": 1}}, "want": ["a", ""]},
		"key in another case": {"spec": {"service": {"name": "a", "Name": "b"}}, "want": ["", "demo"]},
	}

	got := _rules("v2", object.union(tc.spec, {"rules": [object.union(
		{"path": "/"},
		{"service": value | some key, value in tc.spec; key == "rule"},
	)]}))
	got[0].service == {"name": tc.want[0], "namespace": tc.want[1]}
}

test_v1alpha1_has_one_service if {
	got := _rules("v1alpha1", {
		"service": {"name": "a", "namespace": "x"},
		"rules": [{"service": {"name": "b", "namespace": "y"}}],
	})
	got[0].service == {"name": "a", "namespace": "demo"}
}

# [kind, handler, dialect] of each strategy
test_strategies[note] if {
	some note, tc in {
		"v2 noAuth": {"version": "v2", "rule": {"noAuth": true}, "want": [["open", "noAuth", "istio"]]},
		"v2 noAuth as text": {"version": "v2", "rule": {"noAuth": "true"}, "want": [["open", "noAuth", "istio"]]},
		"v2 noAuth false": {"version": "v2", "rule": {"noAuth": false}, "want": [["unknown", "", "istio"]]},
		"v2 NoAuth": {"version": "v2", "rule": {"NoAuth": false, "jwt": {}}, "want": [
			["open", "noAuth", "istio"],
			["jwt", "jwt", "istio"],
		]},
		"v2 jwt beside noAuth false": {
			"version": "v2",
			"rule": {"noAuth": false, "jwt": {}},
			"want": [["jwt", "jwt", "istio"]],
		},
		"v2 all": {"version": "v2alpha1", "rule": {"noAuth": true, "jwt": {}, "extAuth": "x"}, "want": [
			["open", "noAuth", "istio"],
			["jwt", "jwt", "istio"],
			["delegated", "extAuth", "istio"],
		]},
		"v2 nulls beside noAuth": {
			"version": "v2",
			"rule": {"noAuth": true, "jwt": null, "extAuth": null},
			"want": [["open", "noAuth", "istio"]],
		},
		"v2 null beside extAuth": {
			"version": "v2",
			"rule": {"jwt": null, "extAuth": {}},
			"want": [["delegated", "extAuth", "istio"]],
		},
		"v2 nulls": {"version": "v2", "rule": {"noAuth": false, "jwt": null, "extAuth": null}, "want": [
			["jwt", "jwt", "istio"],
			["delegated", "extAuth", "istio"],
		]},
		"v2 none": {"version": "v2", "rule": {}, "want": [["unknown", "", "istio"]]},
		"v2 null": {"version": "v2", "rule": null, "want": [["unknown", "", "istio"]]},
		"v2 with the old field": {
			"version": "v2",
			"rule": {"accessStrategies": [{"handler": "jwt"}]},
			"want": [["unknown", "", "istio"]],
		},
		"another version": {"version": "v3", "rule": {"jwt": {}}, "want": [["jwt", "jwt", "istio"]]},
		"v1beta1 handlers": {
			"version": "v1beta1",
			"rule": {"accessStrategies": [{"handler": handler} | some handler in [
				"allow", "no_auth", "noop", "anonymous", "unauthorized", "cookie_session",
				"oauth2_client_credentials", "oauth2_introspection", "jwt", "JWT", "jwt ", "ext-auth",
			]]},
			"want": [
				["open", "allow", "ory"], ["open", "no_auth", "ory"], ["open", "noop", "ory"],
				["open", "anonymous", "ory"], ["deny", "unauthorized", "ory"], ["delegated", "cookie_session", "ory"],
				["delegated", "oauth2_client_credentials", "ory"], ["delegated", "oauth2_introspection", "ory"],
				["jwt", "jwt", "ory"], ["unknown", "JWT", "ory"], ["unknown", "jwt ", "ory"],
				["unknown", "ext-auth", "ory"],
			],
		},
		"v1beta1 unreadable": {
			"version": "v1beta1",
			"rule": {"accessStrategies": [null, "jwt", {}, {"handler": 1}, {"handler": "noop", "Handler": "jwt"}]},
			"want": [
				["unknown", "", "ory"], ["unknown", "", "ory"], ["unknown", "", "ory"],
				["unknown", "", "ory"], ["unknown", "", "ory"],
			],
		},
		"v1beta1 none": {"version": "v1beta1", "rule": {}, "want": [["unknown", "", "istio"]]},
		"v1beta1 no list": {
			"version": "v1beta1",
			"rule": {"accessStrategies": {"handler": "jwt"}},
			"want": [["unknown", "", "istio"]],
		},
		"v1beta1 istio": {
			"version": "v1beta1",
			"rule": {"accessStrategies": [{"handler": "jwt", "config": {"authentications": []}}]},
			"want": [["jwt", "jwt", "istio"]],
		},
		"v1beta1 istio, another case": {
			"version": "v1beta1",
			"rule": {"accessStrategies": [{"handler": "jwt", "config": {"Authentications": []}}]},
			"want": [["jwt", "jwt", "istio"]],
		},
		"v1beta1 authorizations alone": {
			"version": "v1beta1",
			"rule": {"accessStrategies": [{"handler": "jwt", "config": {"authorizations": []}}]},
			"want": [["jwt", "jwt", "ory"]],
		},
		"v1alpha1 is ory": {
			"version": "v1alpha1",
			"rule": {"accessStrategies": [{"handler": "jwt", "config": {"authentications": []}}]},
			"want": [["jwt", "jwt", "ory"]],
		},
	}

	got := _rules(tc.version, {"rules": [tc.rule]})[0].strategies
	[[strategy.kind, strategy.handler, strategy.dialect] | some strategy in got] == tc.want
}

# Rules that aren't a list are one rule that can't be read; v2 without rules hides its spec.
test_unreadable_rules[note] if {
	some note, tc in {
		"object": {"version": "v2", "spec": {"rules": {}}, "path": ["spec", "rules"]},
		"text": {"version": "v2", "spec": {"rules": "x"}, "path": ["spec", "rules"]},
		"false": {"version": "v2", "spec": {"rules": false}, "path": ["spec", "rules"]},
		"v1beta1 empty": {"version": "v1beta1", "spec": {"rules": []}, "path": ["spec", "rules"]},
		"v1beta1 absent": {"version": "v1beta1", "spec": {}, "path": ["spec"]},
		"v1alpha1 spec null": {"version": "v1alpha1", "spec": null, "path": ["spec"]},
		"another case": {"version": "v2", "spec": {"rules": [{"jwt": {}}], "RULES": []}, "path": ["spec", "rules"]},
	}

	got := _rules(tc.version, tc.spec)
	count(got) == 1
	got[0].path == tc.path
	[strategy.kind | some strategy in got[0].strategies] == ["unknown"]
}

test_no_rules[note] if {
	some note, tc in {
		"null": null,
		"text": "x",
		"list": [],
		"empty": {},
		"v2 without spec": {"apiVersion": "gateway.kyma-project.io/v2", "spec": null},
		"v2 without rules": {"apiVersion": "gateway.kyma-project.io/v2", "spec": {"rules": []}},
	}

	apirule.rules(tc) == []
	apirule.lost(tc)[2] == "gateway.kyma-project.io/v1beta1-spec"
}

# Paths and versions of the rules found, and what is lost.
test_hidden[note] if {
	beta := json.marshal({"rules": [{"path": "/.*", "accessStrategies": [{"handler": "noop"}]}]})
	some note, tc in {
		"rules only in the annotation": {
			"version": "v2",
			"annotations": {"v1beta1-spec": beta, "original-version": "v1beta1"},
			"want": ["v1beta1"],
			"lost": set(),
		},
		"rules absent without original-version": {
			"version": "v2alpha1",
			"annotations": {"v1beta1-spec": beta},
			"want": ["v1beta1"],
			"lost": set(),
		},
		"rules beside the annotation": {
			"version": "v2",
			"annotations": {"v1beta1-spec": beta, "original-version": "v1beta1"},
			"rules": [{"jwt": {}}],
			"want": ["v2", "v1beta1"],
			"lost": set(),
		},
		"annotation without effect": {
			"version": "v2",
			"annotations": {"v1beta1-spec": beta, "original-version": "v2"},
			"rules": [{"jwt": {}}],
			"want": ["v2"],
			"lost": set(),
		},
		"in a v1beta1 the spec counts": {
			"version": "v1beta1",
			"annotations": {"v1beta1-spec": "x", "original-version": "v1beta1"},
			"rules": [{}],
			"want": ["v1beta1"],
			"lost": set(),
		},
		"missing": {
			"version": "v2",
			"annotations": {"original-version": "v1beta1"},
			"rules": [{"jwt": {}}],
			"want": ["v2"],
			"lost": {"v1beta1-spec"},
		},
		"not JSON": {
			"version": "v2",
			"annotations": {"v1beta1-spec": "rules: []"},
			"want": [],
			"lost": {"v1beta1-spec"},
		},
		"no text": {
			"version": "v2",
			"annotations": {"v1beta1-spec": {"rules": [{}]}},
			"want": [],
			"lost": {"v1beta1-spec"},
		},
		"no object": {"version": "v2", "annotations": {"v1beta1-spec": "[]"}, "want": [], "lost": {"v1beta1-spec"}},
		"no rules": {
			"version": "v2",
			"annotations": {"v1beta1-spec": `{"rules":{}}`},
			"want": [],
			"lost": {"v1beta1-spec"},
		},
		"empty rules": {
			"version": "v2",
			"annotations": {"v1beta1-spec": `{"rules":[]}`},
			"want": [],
			"lost": {"v1beta1-spec"},
		},
		"rules twice": {
			"version": "v2",
			"annotations": {"v1beta1-spec": `{"rules":[{"path":"/"}],"rules":[{"path":"/a"}]}`},
			"want": [],
			"lost": {"v1beta1-spec"},
		},
		"rules twice, one escaped": {
			"version": "v2",
			"annotations": {"v1beta1-spec": `{"rules":[{"path":"/"}],"r\u0075les" : [{"path":"/a"}]}`},
			"want": [],
			"lost": {"v1beta1-spec"},
		},
		"rules in another case": {
			"version": "v2",
			"annotations": {"v1beta1-spec": `{"rules":[{"path":"/"}],"ruleſ":[{"path":"/a"}]}`},
			"want": [],
			"lost": {"v1beta1-spec"},
		},
		"rule's key in another case": {
			"version": "v2",
			"annotations": {"v1beta1-spec": `{"rules":[null,{"accessStrategies":[],"AccessStrategies":[]}]}`},
			"want": [],
			"lost": {"v1beta1-spec"},
		},
		"strategy's key in another case": {
			"version": "v2",
			"annotations": {"v1beta1-spec": `{"rules":[{"accessStrategies":[{"handler":"jwt","Handler":"noop"}]}]}`},
			"want": [],
			"lost": {"v1beta1-spec"},
		},
		"service in another case": {
			"version": "v2",
			"annotations": {"v1beta1-spec": `{"Service":{"name":"a"},"rules":[{}]}`},
			"want": [],
			"lost": {"v1beta1-spec"},
		},
		"service's key in another case": {
			"version": "v2",
			"annotations": {"v1beta1-spec": `{"service":{"name":"a","Namespace":"x"},"rules":[{}]}`},
			"want": [],
			"lost": {"v1beta1-spec"},
		},
		"key of a rule's service in another case": {
			"version": "v2",
			"annotations": {"v1beta1-spec": `{"rules":[{},{"service":{"Name":"a"}}]}`},
			"want": [],
			"lost": {"v1beta1-spec"},
		},
		"service in another case in v2alpha1-rules": {
			"version": "v1beta1",
			"annotations": {"v2alpha1-rules": `[{"noAuth":true},{"noAuth":true,"Service":{"name":"a"}}]`},
			"rules": [{}],
			"want": ["v1beta1"],
			"lost": {"v2alpha1-rules"},
		},
		"colons and quotes in values": {
			"version": "v2",
			"annotations": {"v1beta1-spec": `{"rules":[{"path":"/\":\"","accessStrategies":[":","\":\\"]}]}`},
			"want": ["v1beta1"],
			"lost": set(),
		},
		"v2alpha1-rules of a v1beta1": {
			"version": "v1beta1",
			"annotations": {"v2alpha1-rules": `[{"noAuth":true}]`, "original-version": "v2"},
			"rules": [{}],
			"want": ["v1beta1", "v2alpha1"],
			"lost": set(),
		},
		"unreadable v2alpha1-rules": {
			"version": "v1beta1",
			"annotations": {"v2alpha1-rules": "{}"},
			"rules": [{}],
			"want": ["v1beta1"],
			"lost": {"v2alpha1-rules"},
		},
		"v2alpha1-rules of a v2 have no effect": {
			"version": "v2",
			"annotations": {"v2alpha1-rules": `[{"noAuth":true}]`, "original-version": "v2"},
			"rules": [{"jwt": {}}],
			"want": ["v2"],
			"lost": set(),
		},
	}

	resource := {
		"apiVersion": concat("/", ["gateway.kyma-project.io", tc.version]),
		"metadata": {"annotations": {concat("/", ["gateway.kyma-project.io", key]): value |
			some key, value in tc.annotations
		}},
		"spec": {"rules": object.get(tc, "rules", null)},
	}
	[rule.version | some rule in apirule.rules(resource)] == tc.want
	{trim_prefix(path[2], "gateway.kyma-project.io/") | path := apirule.lost(resource)} == tc.lost
}

test_place_and_label if {
	resource := {
		"apiVersion": "gateway.kyma-project.io/v2",
		"metadata": {"annotations": {
			"gateway.kyma-project.io/original-version": "v1beta1",
			"gateway.kyma-project.io/v1beta1-spec": json.marshal({"rules": [{"path": "/h"}]}),
		}},
		"spec": {"rules": [{"path": concat("", ["/", sprintf("%060d", [1])])}]},
	}
	[own, hidden] := apirule.rules(resource)
	apirule.place(own, ["jwt"]) == ["spec", "rules", 0, "jwt"]
	apirule.place(hidden, ["jwt"]) == ["metadata", "annotations", "gateway.kyma-project.io/v1beta1-spec"]
	apirule.label(own) == sprintf("rule 0 (%q)", [concat("", ["/", sprintf("%046d", [0]), "…"])])
	apirule.label(hidden) == `rule 0 ("/h") of the v1beta1-spec`
}

test_strength[note] if {
	some note, tc in {
		"open": {"rule": {"noAuth": true}, "want": 0},
		"unknown": {"rule": {}, "want": 0},
		"no authorizations": {"rule": {"jwt": {}}, "want": 1},
		"an entry that binds nothing": {"rule": _jwt([{"audiences": ["a"]}, {}]), "want": 1},
		"wildcard": {"rule": _jwt([{"audiences": ["a"]}, {"audiences": ["*"]}]), "want": 2},
		"scope": {"rule": _jwt([{"audiences": ["a"]}, {"requiredScopes": ["r"]}]), "want": 3},
		"audience": {"rule": _jwt([{"audiences": ["a"]}]), "want": 4},
		"weakest": {"rule": object.union(_jwt([{"audiences": ["a"]}]), {"noAuth": true}), "want": 0},
		"delegated": {"rule": {"extAuth": {"authorizers": ["a"]}}, "want": 1},
		"delegated, restricted": {"rule": {"extAuth": {"restrictions": _jwt([{"audiences": ["a"]}]).jwt}}, "want": 4},
	}

	apirule.strength(_rules("v2", {"rules": [tc.rule]})[0]) == tc.want
}

test_nobody_passes if {
	apirule.strength(_rules("v1beta1", {"rules": [{"accessStrategies": [{"handler": "unauthorized"}]}]})[0]) == 5
}

# What an ory config says: [what the entries bind, issuers, URLs, parameters]
test_ory[note] if {
	some note, tc in {
		"all": {
			"config": {
				"jwks_urls": ["https://i/k"], "trusted_issuers": ["https://i"],
				"target_audience": ["orders"], "required_scope": ["read"],
			},
			"want": [["audience"], ["https://i"], ["https://i/k"], []],
		},
		"scopes": {"config": {"required_scope": ["read"]}, "want": [["scope"], [], [], []]},
		"scope strategy": {
			"config": {"required_scope": ["read"], "scope_strategy": "Exact"},
			"want": [["scope"], [], [], []],
		},
		"scope strategy none": {
			"config": {"required_scope": ["read"], "scope_strategy": "none"},
			"want": [[], [], [], []],
		},
		"scope strategy unreadable": {
			"config": {"required_scope": ["read"], "scope_strategy": ["exact"]},
			"want": [[], [], [], []],
		},
		"nothing": {"config": {"required_scope": [], "target_audience": null}, "want": [[], [], [], []]},
		"blank": {"config": {"required_scope": [""]}, "want": [["nothing"], [], [], []]},
		"no list": {"config": {"target_audience": "orders"}, "want": [["nothing"], [], [], []]},
		"key in another case": {
			"config": {"target_audience": ["orders"], "target_Audience": []},
			"want": [["nothing"], [], [], []],
		},
		"lists that aren't": {
			"config": {"jwks_urls": "https://i/k", "trusted_issuers": "https://i"},
			"want": [[], [["https://i"]], [["https://i/k"]], []],
		},
		"query": {
			"config": {"token_from": {"query_parameter": "t"}},
			"want": [[], [], [], [["accessStrategies", 0, "config", "token_from", "query_parameter"]]],
		},
		"header": {"config": {"token_from": {"header": "t"}}, "want": [[], [], [], []]},
		"token_from unreadable": {
			"config": {"token_from": "t"},
			"want": [[], [], [], [["accessStrategies", 0, "config", "token_from"]]],
		},
		"null": {"config": null, "want": [[], [], [], []]},
		"text": {"config": "x", "want": [[], [], [], []]},
	}

	rule := {"accessStrategies": [{"handler": "jwt", "config": tc.config}]}
	strategy := _rules("v1beta1", {"rules": [rule]})[0].strategies[0]
	got := [
		[entry.binds | some entry in strategy.entries],
		[issuer.value | some issuer in strategy.authentications[0].issuers],
		[url.value | some url in strategy.authentications[0].urls],
		strategy.parameters,
	]
	got == tc.want
}

# What a delegated handler's config says: [entries, issuers, URLs]
test_delegated[note] if {
	some note, tc in {
		"introspection": {
			"handler": "oauth2_introspection",
			"config": {"introspection_url": "https://i", "target_audience": ["a"], "trusted_issuers": ["i"]},
			"want": [["audience"], ["i"], ["https://i"]],
		},
		"client credentials": {
			"handler": "oauth2_client_credentials",
			"config": {"token_url": "https://t", "required_scopes": ["a"], "target_audience": ["a"]},
			"want": [["scope"], [], ["https://t"]],
		},
		"session": {
			"handler": "cookie_session",
			"config": {"": ["a"], "target_audience": ["a"], "check_session_url": "https://s"},
			"want": [[], [], ["https://s"]],
		},
	}

	rule := {"accessStrategies": [{"handler": tc.handler, "config": tc.config}]}
	strategy := _rules("v1alpha1", {"rules": [rule]})[0].strategies[0]
	strategy.authorizers == [tc.handler]
	strategy.validates == false
	got := [
		[entry.binds | some entry in strategy.entries],
		[issuer.value | some issuer in strategy.authentications[0].issuers],
		[url.value | some url in strategy.authentications[0].urls],
	]
	got == tc.want
}

# What a jwt of the istio dialect says: [entries, issuers, URLs, parameters]
test_istio[note] if {
	some note, tc in {
		"all": {
			"jwt": {
				"authentications": [
					{"issuer": "i", "jwksUri": "u", "fromParams": ["t"]},
					{"issuer": "j", "fromParams": []},
				],
				"authorizations": [{"audiences": ["a"]}, null],
			},
			"want": [
				["audience", "nothing"],
				[["i"], ["j"]],
				[["u"], []],
				[["jwt", "authentications", 0, "fromParams"]],
			],
		},
		"unreadable": {
			"jwt": {"authentications": {"issuer": "i"}, "authorizations": {"audiences": ["a"]}},
			"want": [["nothing"], [[]], [[]], []],
		},
		"text": {"jwt": "x", "want": [[], [], [], []]},
		"nulls": {"jwt": {"authentications": [null, {"issuer": null}]}, "want": [[], [[], []], [[], []], []]},
	}

	strategy := _rules("v2", {"rules": [{"jwt": tc.jwt}]})[0].strategies[0]
	got := [
		[entry.binds | some entry in strategy.entries],
		[[issuer.value | some issuer in authentication.issuers] | some authentication in strategy.authentications],
		[[url.value | some url in authentication.urls] | some authentication in strategy.authentications],
		strategy.parameters,
	]
	got == tc.want
}

test_ext_auth[note] if {
	some note, tc in {
		"restricted": {
			"extAuth": {"authorizers": ["a"], "restrictions": {}},
			"want": [true, ["a"], ["extAuth", "restrictions"]],
		},
		"unrestricted": {"extAuth": {"authorizers": "a"}, "want": [false, [], ["extAuth"]]},
		"null": {
			"extAuth": {"restrictions": null},
			"want": [false, [], ["extAuth", "restrictions"]],
		},
		"no object": {"extAuth": null, "want": [false, [], ["extAuth"]]},
	}

	strategy := _rules("v2", {"rules": [{"extAuth": tc.extAuth}]})[0].strategies[0]
	[strategy.validates, strategy.authorizers, strategy.entries_at] == tc.want
}

_jwt(authorizations) := {"jwt": {"authorizations": authorizations}}

_rules(version, spec) := apirule.rules({
	"apiVersion": concat("/", ["gateway.kyma-project.io", version]),
	"kind": "APIRule",
	"metadata": {"name": "orders", "namespace": "demo"},
	"spec": spec,
})
