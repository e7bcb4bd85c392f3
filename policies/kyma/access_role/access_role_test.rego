package kyma.access_role_test

import data.kyma.access_role

_all := {"KFS-701", "KFS-702", "KFS-703", "KFS-704", "KFS-705", "KFS-707"}

test_unreadable_rules[note] if {
	some note, tc in {
		"missing": {"role": {}, "want": set()},
		"null": {"role": {"rules": null}, "want": set()},
		"empty": {"role": {"rules": []}, "want": set()},
		"null in the list": {"role": {"rules": [null]}, "want": set()},
		"text": {"role": {"rules": "get"}, "want": _all},
		"object": {"role": {"rules": {"verbs": ["get"]}}, "want": _all},
		"text in the list": {"role": {"rules": ["get"]}, "want": _all},
		"verbs are text": {
			"role": {"rules": [{"verbs": "get", "apiGroups": [""], "resources": ["secrets"]}]},
			"want": {"KFS-702", "KFS-705"},
		},
	}

	_ids(object.union(_role, tc.role), _demo, {}) == tc.want
	_ids(object.union(_cluster_role, tc.role), {}, {}) - {"KFS-706"} == tc.want
}

test_place_and_message if {
	_found(
		object.union(_role, {"rules": [
			{"verbs": ["get"], "apiGroups": [""], "resources": ["events"]},
			{"verbs": ["list", "get"], "apiGroups": [""], "resources": ["events", "secrets"]},
		]}),
		_demo, {},
	) == {[["rules", 1, "resources", 1], "KFS-702: allows to read Secrets: get secrets"]}
}

test_message_of_706 if {
	_found(
		object.union(_cluster_role, {"rules": [
			{"verbs": ["delete"], "apiGroups": ["*"], "resources": ["secrets", "apirules"]},
		]}),
		{}, {"rules": ["KFS-706"]},
	) == {[
		["metadata", "labels", "rbac.authorization.k8s.io/aggregate-to-view"],
		"KFS-706: adds rights on apirules, secrets to every binding of \"view\"",
	]}
}

test_rights_without_verbs if {
	rules := [{"verbs": [], "apiGroups": ["*"], "resources": ["secrets"]}]
	_ids(object.union(_cluster_role, {"rules": rules}), {}, {}) == set()
}

# A role takes no part in itself, though it selects itself, and roles may go round in circles.
test_circle_of_aggregation if {
	circle := object.union(_cluster_role, {"aggregationRule": {"clusterRoleSelectors": [{}]}, "rules": []})
	other := {
		"metadata": {"name": "other"},
		"aggregationRule": {"clusterRoleSelectors": [{}]},
		"rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"]}],
	}

	_found(circle, _cluster([circle, other]), {"rules": ["KFS-702"]}) == {[
		["aggregationRule", "clusterRoleSelectors"],
		"KFS-702: allows to read Secrets: get secrets",
	]}
	nameless := object.union(object.remove(circle, ["metadata"]), {"metadata": {"labels": circle.metadata.labels}})
	_ids(nameless, _cluster([other]), {"rules": ["KFS-702"]}) == {"KFS-702"}
	stale := object.union(circle, {"rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"]}]})
	_found(circle, _cluster([stale]), {"rules": ["KFS-702"]}) == set()
}

test_allowed_roles[note] if {
	some note, tc in {
		"listed": {"roles": ["x", "team"], "want": set()},
		"not listed": {"roles": ["x"], "want": {"KFS-702", "KFS-706"}},
		"none": {"roles": [], "want": {"KFS-702", "KFS-706"}},
		"null": {"roles": null, "want": {"KFS-702", "KFS-706"}},
		"text": {"roles": "team", "want": {"KFS-702", "KFS-706"}},
		"a glob": {"roles": ["*", "te*"], "want": {"KFS-702", "KFS-706"}},
	}

	rules := [{"verbs": ["list"], "apiGroups": [""], "resources": ["secrets"]}]
	_ids(object.union(_cluster_role, {"rules": rules}), {}, {"allowedRoles": tc.roles}) == tc.want
	_ids(object.union(_role, {"rules": rules}), _demo, {"allowedRoles": tc.roles}) == {"KFS-702"}
}

test_flavor[note] if {
	some note, tc in {
		"classic": {"parameters": {"flavor": "classic"}, "configmaps": {"KFS-701"}, "pods": set()},
		"buildless": {"parameters": {"flavor": "buildless"}, "configmaps": set(), "pods": {"KFS-701"}},
		"missing": {"parameters": {}, "configmaps": {"KFS-701"}, "pods": {"KFS-701"}},
		"null": {"parameters": {"flavor": null}, "configmaps": {"KFS-701"}, "pods": {"KFS-701"}},
		"unknown": {"parameters": {"flavor": "new"}, "configmaps": {"KFS-701"}, "pods": {"KFS-701"}},
	}

	every resource in ["configmaps", "pods"] {
		rules := [{"verbs": ["get"], "apiGroups": [""], "resources": [resource]}]
		_ids(object.union(_role, {"rules": rules}), _demo, tc.parameters) == tc[resource]
	}
}

test_metadata_that_cannot_be_read[note] if {
	some note, metadata in {
		"null": null,
		"text": "x",
		"labels are null": {"labels": null},
		"labels are text": {"labels": "rbac.authorization.k8s.io/aggregate-to-view"},
		"labels are a list": {"labels": ["rbac.authorization.k8s.io/aggregate-to-view"]},
		"true without quotes": {"labels": {"rbac.authorization.k8s.io/aggregate-to-view": true}},
	}

	every kind in ["Role", "ClusterRole"] {
		_ids({"kind": kind, "metadata": metadata, "rules": "all"}, _demo, {}) == set()
	}
}

_role := {"kind": "Role", "metadata": {"name": "team", "namespace": "demo"}}

_cluster_role := {
	"kind": "ClusterRole",
	"metadata": {"name": "team", "labels": {"rbac.authorization.k8s.io/aggregate-to-view": "true"}},
}

_demo := {"namespace": {"demo": {"serverless.kyma-project.io/v1alpha2": {"Function": {"orders": {}}}}}}

_cluster(roles) := {"cluster": {"rbac.authorization.k8s.io/v1": {"ClusterRole": {role.metadata.name: role |
	some role in roles
}}}}

_ids(role, inventory, parameters) := {violation.details.rule |
	some violation in access_role.violation with input as {"review": {"object": role}, "parameters": parameters}
		with data.inventory as inventory
}

_found(role, inventory, parameters) := {[violation.details.path, violation.msg] |
	some violation in access_role.violation with input as {"review": {"object": role}, "parameters": parameters}
		with data.inventory as inventory
}
