package lib.kfs.endpoints_test

import data.lib.kfs.endpoints
import data.lib.kfs.function

# Whatever selects whatever: the look-ups give what looking at each Function and each Service would give.
test_functions[note] if {
	some note, labels in _selectors
	want := {name |
		some name, resource in object.union(_functions, _many)
		endpoints.takes(labels, resource)
	}

	endpoints.functions("shop", labels) == want with data.inventory as _inventory
	endpoints.functions("elsewhere", labels) == set() with data.inventory as _inventory
}

test_near[note] if {
	some note, resource in _functions
	want := {name |
		some name, labels in _selectors
		endpoints.takes(labels, resource)
	}
	near := endpoints.near("shop", function.serving_pod(resource)) with data.inventory as _inventory
	found := {name |
		some name in near
		endpoints.takes(_selectors[name], resource)
	}

	found == want
	not "another workload" in near
	count(endpoints.near("elsewhere", {"app": "orders"})) == 0 with data.inventory as _inventory
}

test_takes[note] if {
	some note, tc in {
		"label": {"labels": "label", "want": {"labelled"}},
		"the name": {"labels": "name", "want": {"plain"}},
		"name and label of two": {"labels": "name and another's label", "want": set()},
		"none": {"labels": "none", "want": set()},
		"null": {"labels": "null", "want": set()},
		"hash alone": {"labels": "hash", "want": object.keys(_functions)},
		"hash and label": {"labels": "hash and label", "want": {"labelled"}},
		"region and label": {"labels": "region and label", "want": {"labelled"}},
		"zone and the name": {"labels": "zone and name", "want": {"plain"}},
		"Istio's name": {"labels": "name by Istio", "want": {"versioned"}},
		"Istio's revision": {"labels": "latest", "want": object.keys(_functions) - {"versioned"}},
		"another revision": {"labels": "another revision", "want": {"versioned"}},
		"Istio's mode": {"labels": "mode", "want": object.keys(_functions) - {"outside"}},
		"uuid": {"labels": "uuid", "want": {"plain", "unborn"}},
		"no text": {"labels": "no text", "want": object.keys(_functions)},
		"no map": {"labels": "no map", "want": object.keys(_functions)},
		"a label that is no text": {"labels": "tier", "want": {"labelled", "odd", "odd template"}},
		"many": {"labels": "many", "want": set()},
	}

	{name | some name, resource in _functions; endpoints.takes(_selectors[tc.labels], resource)} == tc.want
}

test_unreadable if {
	endpoints.unreadable("shop") == {"no text", "no map", "text"} with data.inventory as _inventory
	endpoints.unreadable("elsewhere") == set() with data.inventory as _inventory
}

_functions := {name: object.union(resource, {"kind": "Function"}) |
	some name, resource in {
		"plain": {"metadata": {"name": "plain", "uid": "0815"}},
		"labelled": {"metadata": {"name": "labelled", "uid": "1"}, "spec": {"labels": {"app": "orders", "tier": "a"}}},
		"template": {"metadata": {"name": "template", "uid": "2"}, "spec": {
			"labels": {"app": "orders"},
			"template": {"labels": {"app": "cart"}},
		}},
		"versioned": {"metadata": {"name": "versioned", "uid": "3"}, "spec": {"labels": {"version": "v2"}}},
		"outside": {
			"metadata": {"name": "outside", "uid": "4"},
			"spec": {"labels": {"security.istio.io/tlsMode": "disabled"}},
		},
		"odd": {"metadata": {"name": "odd", "uid": "5"}, "spec": {"labels": {"tier": 7}}},
		"odd template": {
			"metadata": {"name": "odd template", "uid": "6"},
			"spec": {"labels": {"app": "cart"}, "template": {"labels": {"tier": {}}}},
		},
		"unborn": {"metadata": {"name": "unborn"}},
	}
}

# More Functions than are looked at one by one have a label of these.
_many := {name: {"metadata": {"name": name, "uid": name}, "spec": {"labels": {"team": "shop", "part-of": part}}} |
	some i in numbers.range(1, 25)
	name := sprintf("many-%d", [i])
	part := ["web", "mail"][i % 2]
}

_selectors := {
	"label": {"app": "orders"},
	"label of a template": {"app": "cart"},
	"another workload": {"app": "web"},
	"two labels": {"app": "orders", "tier": "a"},
	"tier": {"tier": "a"},
	"many": {"team": "shop"},
	"a part of many": {"part-of": "mail", "team": "shop"},
	"name": {"app.kubernetes.io/name": "plain"},
	"name of another workload": {"app.kubernetes.io/name": "web"},
	"name and another's label": {"app.kubernetes.io/name": "plain", "app": "orders"},
	"function's name": {"serverless.kyma-project.io/function-name": "labelled"},
	"two names": {
		"app.kubernetes.io/name": "plain",
		"serverless.kyma-project.io/function-name": "labelled",
	},
	"all Functions": {"serverless.kyma-project.io/managed-by": "function-controller"},
	"uuid": {"serverless.kyma-project.io/uuid": "0815"},
	"a Function's own": {
		"serverless.kyma-project.io/function-name": "unborn",
		"serverless.kyma-project.io/managed-by": "function-controller",
		"serverless.kyma-project.io/resource": "deployment",
		"serverless.kyma-project.io/uuid": "6",
	},
	"name by Istio": {"service.istio.io/canonical-name": "versioned"},
	"latest": {"service.istio.io/canonical-revision": "latest"},
	"another revision": {"service.istio.io/canonical-revision": "v2"},
	"mode": {"security.istio.io/tlsMode": "istio"},
	"hash": {"pod-template-hash": "5d8f9c7b6d"},
	"hash and label": {"pod-template-hash": "5d8f9c7b6d", "app": "orders", "tier": "a"},
	"region and label": {"topology.kubernetes.io/region": "eu-central-1", "app": "orders", "tier": "a"},
	"zone and name": {"topology.kubernetes.io/zone": "eu-central-1a", "app.kubernetes.io/name": "plain"},
	"none": {},
	"null": null,
	"no text": {"app": 1},
	"no map": ["app"],
	"text": "app",
}

_inventory := {"namespace": {"shop": {
	"serverless.kyma-project.io/v1alpha2": {"Function": object.union(_functions, _many)},
	"v1": {"Service": {name: {"spec": {"selector": labels}} | some name, labels in _selectors}},
}}}
