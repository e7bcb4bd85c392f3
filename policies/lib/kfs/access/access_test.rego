package lib.kfs.access_test

import data.lib.kfs.access

_around := {"flavors": {"classic"}, "functions": {"orders"}}

_ids := {"KFS-701", "KFS-702", "KFS-703", "KFS-704", "KFS-705", "KFS-707"}

test_flavors[note] if {
	some note, tc in {
		"classic": {"flavor": "classic", "want": {"classic"}},
		"buildless": {"flavor": "buildless", "want": {"buildless"}},
		"none": {"flavor": "", "want": {"classic", "buildless"}},
		"unknown": {"flavor": "Classic", "want": {"classic", "buildless"}},
		"no text": {"flavor": ["classic"], "want": {"classic", "buildless"}},
	}

	access.flavors(tc.flavor) == tc.want
}

test_shown[note] if {
	some note, tc in {
		"none": {"rights": set(), "want": ""},
		"one": {"rights": {"get pods"}, "want": "get pods"},
		"three": {"rights": {"c", "b", "a"}, "want": "a, b, c"},
		"more": {"rights": {"e", "d", "c", "b", "a"}, "want": "a, b, c and 2 more"},
	}

	access.shown(tc.rights) == tc.want
}

# The most telling verb stands for all of a resource.
test_reach[note] if {
	some note, tc in {
		"nothing": {"id": "KFS-701", "rules": [], "want": set()},
		"every verb of one resource": {
			"id": "KFS-702",
			"rules": [{"verbs": ["list", "get", "patch"], "apiGroups": [""], "resources": ["pods", "secrets"]}],
			"want": {[0, ["resources", 1], "get secrets"]},
		},
		"one rule of two": {
			"id": "KFS-704",
			"rules": [
				{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]},
				{"verbs": ["create"], "apiGroups": [""], "resources": ["*/exec"]},
			],
			"want": {[1, ["resources", 0], "create pods/exec"]},
		},
		"wildcards hide the rest": {
			"id": "KFS-705",
			"rules": [{"verbs": ["bind", "*"], "apiGroups": ["*"], "resources": ["*", "roles"]}],
			"want": {[0, ["verbs", 1], "every verb"], [0, ["resources", 0], "every resource"]},
		},
		"a constraint by the name of its resource": {
			"id": "KFS-705",
			"rules": [{
				"verbs": ["delete", "create"],
				"apiGroups": ["constraints.gatekeeper.sh"],
				"resources": ["kymafunctionaccessrole", "kymafunctionaccessrole/status"],
			}],
			"want": {[0, ["resources", 0], "create kymafunctionaccessrole"]},
		},
		"wildcard of an istio group": {
			"id": "KFS-705",
			"rules": [{"verbs": ["get"], "apiGroups": ["security.istio.io"], "resources": ["*"]}],
			"want": {[0, ["resources", 0], "every resource"]},
		},
		"wildcard of Kyma's own group": {
			"id": "KFS-705",
			"rules": [{"verbs": ["*"], "apiGroups": ["kyma-project.io"], "resources": ["x"]}],
			"want": {[0, ["verbs", 0], "every verb"]},
		},
		"wildcard of lookalike groups": {
			"id": "KFS-705",
			"rules": [{"verbs": ["*"], "apiGroups": ["istio.io.example", "xkyma-project.io"], "resources": ["*"]}],
			"want": set(),
		},
		"every verb of nothing": {
			"id": "KFS-705",
			"rules": [{"verbs": ["*"], "apiGroups": [""], "resources": []}],
			"want": set(),
		},
		"no verb of everything": {
			"id": "KFS-705",
			"rules": [{"verbs": [], "apiGroups": [""], "resources": ["*"]}],
			"want": set(),
		},
	}

	access.reach(tc.id, tc.rules, _around) == tc.want
}

# A pod's name is the Function's and more; where no namespace is known, any name may be.
test_reach_by_name[note] if {
	some note, tc in {
		"of the Function's pod": {"name": "orders-x7k2p", "functions": {"orders"}, "want": 1},
		"of its Service": {"name": "orders", "functions": {"orders"}, "want": 1},
		"of another": {"name": "ordersdb-0", "functions": {"orders"}, "want": 0},
		"of any": {"name": "ordersdb-0", "functions": null, "want": 1},
	}

	rule := {"verbs": ["create"], "apiGroups": [""], "resources": ["pods/exec"], "resourceNames": [tc.name]}
	count(access.reach("KFS-704", [rule], {"flavors": {"classic"}, "functions": tc.functions})) == tc.want
}

# Whoever can't read a rule must take it for the worst one.
test_unreadable_rule[note] if {
	some note, rule in {
		"text": "get secrets",
		"number": 1,
		"list": [],
		"lists that are text": {"verbs": "get", "apiGroups": "", "resources": "pods"},
	}

	every id in _ids { count(access.reach(id, [rule], _around)) > 0 }
}

# Whatever its verbs and resources, no rule reports it. What can't be read is near, and makes nothing else so.
test_near[note] if {
	some note, tc in {
		"another": {"groups": ["shop.example.com"], "want": false},
		"two others": {"groups": ["shop.example.com", "extensions"], "want": false},
		"lookalike": {"groups": ["xkyma-project.io"], "want": false},
		"core": {"groups": ["shop.example.com", ""], "want": true},
		"all": {"groups": ["*"], "want": true},
		"of Istio": {"groups": ["telemetry.istio.io"], "want": true},
		"of Kyma": {"groups": ["cloud.kyma-project.io"], "want": true},
		"of Functions": {"groups": ["serverless.kyma-project.io"], "want": true},
		"of webhooks": {"groups": ["admissionregistration.k8s.io"], "want": true},
		"of constraints": {"groups": ["constraints.gatekeeper.sh"], "want": true},
		"of users": {"groups": ["authentication.k8s.io"], "want": true},
		"core and another": {"groups": ["", "shop.example.com"], "want": true},
		"with a quote": {"groups": ["shop\".example.com"], "want": true},
		"with a backslash": {"groups": ["shop\\.example.com"], "want": true},
		"escaped in JSON": {"groups": ["<shop.example.com>"], "want": true},
		"none": {"groups": [], "want": true},
		"null": {"groups": null, "want": true},
		"text": {"groups": "shop.example.com", "want": true},
		"unreadable": {"groups": ["shop.example.com", null], "want": true},
	}

	every lists in [{tc.groups}, {tc.groups, ["shop.example.com"]}, {tc.groups, ["shop.example.com"], [7], []}] {
		near := access.near(lists)
		{true | tc.groups in near} == {true | tc.want}
		near - {tc.groups, [7], []} == set()
	}

	rule := {"verbs": ["*", "impersonate"], "apiGroups": tc.groups, "resources": ["*", "kymafunctionx"]}
	{id | some id in _ids; not tc.want; count(access.reach(id, [rule], _around)) > 0} == set()
}
