package lib.kfs.aggregation_test

import data.lib.kfs.aggregation

test_label[note] if {
	some note, tc in {
		"one": {"selector": {"matchLabels": {"to": "admin"}}, "want": {["to", "admin"]}},
		"one of two": {"selector": {"matchLabels": {"to": "admin", "of": "y"}}, "want": {["of", "y"]}},
		"none": {"selector": {}, "want": set()},
		"no labels": {"selector": {"matchLabels": {}}, "want": set()},
		"labels are null": {"selector": {"matchLabels": null}, "want": set()},
		"null": {"selector": null, "want": set()},
	}

	{label | label := aggregation.label(tc.selector)} == tc.want
}

# A label that is asked for alone needs no second look.
test_selected[note] if {
	some note, tc in {
		"by label": {"selector": {"matchLabels": {"to": "admin"}}, "carriers": {"d"}, "want": {"d"}},
		"by two labels": {"selector": {"matchLabels": {"to": "admin", "of": "x"}}, "carriers": {"d"}, "want": set()},
		"by label and expression": {
			"selector": {"matchLabels": {"to": "view"}, "matchExpressions": [{"key": "of", "operator": "Exists"}]},
			"carriers": {"a", "c"},
			"want": {"c"},
		},
		"by label and null": {
			"selector": {"matchLabels": {"to": "view"}, "matchExpressions": null},
			"carriers": {"a", "c"},
			"want": {"a", "c"},
		},
		"by expression": {"selector": _unlabelled, "carriers": {"a", "b", "c", "d"}, "want": {"b"}},
		"everything": {"selector": {}, "carriers": {"a", "b"}, "want": {"a", "b"}},
		"null reads as empty": {"selector": null, "carriers": {"a", "b"}, "want": {"a", "b"}},
		"labels are null": {"selector": {"matchLabels": null}, "carriers": {"a", "b"}, "want": {"a", "b"}},
		"labels are text": {"selector": {"matchLabels": "to"}, "carriers": {"a", "b"}, "want": set()},
		"labels are a number": {"selector": {"matchLabels": 7}, "carriers": {"a", "b"}, "want": set()},
		"labels are a list": {"selector": {"matchLabels": ["view"]}, "carriers": {"a", "b"}, "want": set()},
		"a label is a number": {"selector": {"matchLabels": {"to": 7}}, "carriers": {"a", "b"}, "want": set()},
		"by label and what isn't known": {
			"selector": {"matchLabels": {"to": "admin"}, "of": "y"},
			"carriers": {"d"},
			"want": {"d"},
		},
	}

	names := aggregation.selected(tc.selector, tc.carriers) with data.inventory.cluster as _cluster(_cluster_roles)
	names == tc.want
}

test_aggregating if {
	names := aggregation.aggregating({"a", "b", "c", "d", "e"}) with data.inventory.cluster as _cluster(_cluster_roles)
	names == {"c"}
}

# Through labels and expressions, and round in circles; those that aggregate nothing are in it nowhere.
test_between if {
	between := aggregation.between with data.inventory.cluster as _cluster({
		"admin": {"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"to": "admin"}}]}},
		"edit": {
			"metadata": {"labels": {"to": "admin"}},
			"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"to": "edit"}}]},
		},
		"view": {
			"metadata": {"labels": {"to": "edit", "of": "x"}},
			"aggregationRule": {"clusterRoleSelectors": [_unlabelled, {"matchLabels": {"to": "admin"}}]},
		},
		"leaf": {"metadata": {"labels": {"to": "admin"}}},
		"unreadable": {"aggregationRule": {"clusterRoleSelectors": "to"}},
		"empty": {"aggregationRule": {"clusterRoleSelectors": []}},
	})
	between == {
		"admin": {"edit"},
		"edit": {"view"},
		"view": {"admin", "edit", "empty", "unreadable"},
		"unreadable": set(),
		"empty": set(),
	}
}

test_between_without_inventory if {
	between := aggregation.between with data.inventory as {}
	between == {}
}

# What no policy reports is left out, what can't be read allows everything.
test_rules if {
	foreign := {"apiGroups": ["shop.example.com"], "resources": ["carts"], "verbs": ["*"]}
	secrets := {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
	everything := {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
	roles := {
		"two": {"rules": [foreign, secrets]},
		"foreign": {"rules": [foreign]},
		"same": {"rules": [secrets]},
		"odd": {"rules": [null, "text", {"verbs": ["get"]}, {"apiGroups": []}, {"apiGroups": false}]},
		"unreadable": {"rules": {"0": foreign}},
		"null": {"rules": null},
		"none": {},
		"other": {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]},
	}
	names := (object.keys(roles) - {"other"}) | {"missing"}
	rules := aggregation.rules(names) with data.inventory.cluster as _cluster(roles)
	rules == {secrets, everything} | {rule | some rule in roles.odd.rules}
}

_cluster(roles) := {"rbac.authorization.k8s.io/v1": {"ClusterRole": roles}}

_unlabelled := {"matchExpressions": [{"key": "to", "operator": "DoesNotExist"}]}

_cluster_roles := {
	"a": {"metadata": {"labels": {"to": "view"}}},
	"b": {"metadata": {"labels": null}},
	"d": {"metadata": {"labels": {"to": "admin", "of": "y"}}, "aggregationRule": null},
	"c": {
		"metadata": {"labels": {"to": "view", "of": "x"}},
		"aggregationRule": {"clusterRoleSelectors": [_unlabelled]},
	},
}
