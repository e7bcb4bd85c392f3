package lib.kfs.aggregation_test

import data.lib.kfs.aggregation

test_members[note] if {
	some note, tc in {
		"by label": {"selectors": [{"matchLabels": {"to": "admin"}}], "want": {"d"}},
		"by two labels": {"selectors": [{"matchLabels": {"to": "admin", "of": "x"}}], "want": set()},
		"by expression": {"selectors": [_unlabelled], "want": {"b"}},
		"by either": {"selectors": [{"matchLabels": {"to": "admin"}}, _unlabelled], "want": {"b", "d"}},
		"through another": {"selectors": [{"matchLabels": {"to": "view", "of": "x"}}], "want": {"b", "c"}},
		"everything": {"selectors": [{}], "want": {"a", "b", "c", "d"}},
		"null reads as empty": {"selectors": [null], "want": {"a", "b", "c", "d"}},
		"labels are null": {"selectors": [{"matchLabels": null}], "want": {"a", "b", "c", "d"}},
		"labels are text": {"selectors": [{"matchLabels": "to"}], "want": set()},
		"labels are a number": {"selectors": [{"matchLabels": 7}], "want": set()},
		"labels are a list": {"selectors": [{"matchLabels": ["view"]}], "want": set()},
		"no selector": {"selectors": [], "want": set()},
		"null": {"selectors": null, "want": set()},
		"text": {"selectors": "to", "want": set()},
	}

	_members(tc.selectors, tc.selectors) == tc.want
}

# What is known of the ClusterRoles of the inventory alone serves those that are in it.
test_members_of_one_in_the_inventory if {
	_members([_unlabelled], []) == {"b"}
}

test_members_without_inventory if {
	_taken := aggregation.members([{}], aggregation.known([{}])) with data.inventory as {}
	_taken == set()
}

test_members_where_all_ask_for_labels[note] if {
	some note, tc in {
		"by label": {"selectors": [{"matchLabels": {"to": "admin"}}], "want": {"d", "e"}},
		"by two labels": {"selectors": [{"matchLabels": {"of": "y", "to": "admin"}}], "want": {"d", "e"}},
		"labels that none has": {"selectors": [{"matchLabels": {"of": "z"}}], "want": set()},
		"a label that none has": {"selectors": [{"matchLabels": {"by": "z"}}], "want": set()},
	}

	roles := {
		"a": {"metadata": {"labels": {"to": "view"}}},
		"b": {"metadata": {"labels": null}},
		"c": {"metadata": {}},
		"d": {"metadata": {"labels": {"to": "admin", "of": "y"}}},
		"e": {
			"metadata": {"labels": {"to": "admin", "of": "y"}},
			"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"to": "edit"}}]},
		},
		"f": {"metadata": {"labels": "admin"}},
	}
	known := aggregation.known(tc.selectors) with data.inventory.cluster as _cluster(roles)
	aggregation.members(tc.selectors, known) == tc.want
}

_members(selectors, asked) := taken if {
	known := aggregation.known(asked) with data.inventory.cluster as _cluster(_cluster_roles)
	taken := aggregation.members(selectors, known)
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
