package lib.kfs.inventory_test

import data.lib.kfs.inventory

_a := {"metadata": {"name": "a", "namespace": "demo"}, "spec": {"version": 2}}

_b := {"metadata": {"name": "b", "namespace": "demo"}}

_c := {"metadata": {"name": "c", "namespace": "other"}}

_old := {"metadata": {"name": "a", "namespace": "demo"}, "spec": {"version": 1}}

_data := {
	"namespace": {
		"demo": {
			"serverless.kyma-project.io/v1alpha2": {"Function": {"a": _a}},
			"serverless.kyma-project.io/v1alpha1": {"Function": {"a": _old, "b": _b}},
		},
		"other": {"serverless.kyma-project.io/v1alpha2": {"Function": {"c": _c}}},
	},
	"cluster": {"v1": {"Namespace": {"demo": {"metadata": {"name": "demo"}}}}},
}

test_objects_once_each_from_the_preferred_version if {
	inventory.objects("Function", "demo") == {"a": _a, "b": _b} with data.inventory as _data
}

test_names_once_each_from_the_preferred_version if {
	versioned := inventory.versioned("Function", "demo") with data.inventory as _data
	versioned == {
		"serverless.kyma-project.io/v1alpha2": {"a"},
		"serverless.kyma-project.io/v1alpha1": {"b"},
	}
	inventory.names("Function", "demo") == {"a", "b"} with data.inventory as _data
}

test_objects_of_nothing[note] if {
	some note, tc in {
		"no such namespace": {"kind": "Function", "namespace": "none", "inventory": _data},
		"no such kind": {"kind": "Thing", "namespace": "demo", "inventory": _data},
		"no inventory": {"kind": "Function", "namespace": "demo", "inventory": {}},
	}
	inventory.objects(tc.kind, tc.namespace) == {} with data.inventory as tc.inventory
	inventory.names(tc.kind, tc.namespace) == set() with data.inventory as tc.inventory
}

test_named if {
	inventory.named("Function", "demo", "a") == _a with data.inventory as _data
	inventory.named("Function", "demo", "b") == _b with data.inventory as _data
	not _named("c") with data.inventory as _data
}

_named(name) if inventory.named("Function", "demo", name)

test_everywhere if inventory.everywhere("Function") == {_a, _b, _c} with data.inventory as _data

test_namespace if inventory.namespace("demo").metadata.name == "demo" with data.inventory as _data

test_cluster_objects if {
	old := {"kept": false}
	roles := {
		"rbac.authorization.k8s.io/v1": {"ClusterRole": {"view": {"kept": true}}},
		"rbac.authorization.k8s.io/v1beta1": {"ClusterRole": {"view": old, "edit": {"kept": true}}},
	}
	versions := {"ClusterRole": ["rbac.authorization.k8s.io/v1", "rbac.authorization.k8s.io/v1beta1"]}
	got := inventory.cluster_objects("ClusterRole") with data.inventory.cluster as roles
		with inventory.versions as versions
	got == {"view": {"kept": true}, "edit": {"kept": true}}
}

test_near[note] if {
	some note, tc in {
		"another value": {"wanted": {"app": "mail"}, "want": set()},
		"another label": {"wanted": {"zone": "a"}, "want": set()},
		"one of two": {"wanted": {"app": "web", "zone": "a"}, "want": set()},
		"the pod": {"wanted": {"app": "web"}, "want": {"p"}},
		"a value that nobody knows": {"wanted": {"app": "web", "uid": "1"}, "want": {"p"}},
		"all pods": {"wanted": {}, "want": {"p"}},
		"null": {"wanted": null, "want": {"p"}},
		"what can't be read": {"wanted": {"app": "mail", "zone": 1}, "want": {"p"}},
		"a value that nobody knows, of another": {"wanted": {"app": "mail", "uid": "1"}, "want": set()},
		"text": {"wanted": "app", "want": {"p"}},
	}

	policy := {"spec": {"selector": {"matchLabels": tc.wanted}}}
	found := inventory.near("PeerAuthentication", "demo", "v1", {"app": "web", "uid": null})
		with data.inventory.namespace as {"demo": {"v1": {"PeerAuthentication": {"p": policy}}}}
	found == tc.want
}
