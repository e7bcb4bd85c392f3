package kyma.access_binding_test

import data.kyma.access_binding

_harmless := [{"verbs": ["get"], "apiGroups": [""], "resources": ["events"]}]

_secrets := [{"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"]}]

_jane := {"kind": "User", "name": "jane"}

# Who can't be read may be anyone.
test_subject_that_cannot_be_read[note] if {
	some note, subject in {
		"null": null,
		"text": "jane",
		"a list": ["jane"],
		"empty": {},
		"no name": {"kind": "User"},
		"the name is null": {"kind": "User", "name": null},
		"the name is blank": {"kind": "User", "name": " "},
		"the name is a list": {"kind": "Group", "name": ["x"]},
		"no kind": {"name": "jane"},
		"unknown kind": {"kind": "Users", "name": "jane"},
		"lower case": {"kind": "group", "name": "system:authenticated"},
		"the namespace is a number": {"kind": "ServiceAccount", "name": "x", "namespace": 7},
		"the namespace is a list": {"kind": "ServiceAccount", "name": "x", "namespace": ["kyma-system"]},
	}

	_ids(_binding([subject]), _inventory(_harmless), {}) == {"KFS-711"}
	_ids(_binding([subject]), _inventory(_secrets), _trusting) == {"KFS-711", "KFS-712"}
	_ids(_cluster_binding([subject]), _inventory(_harmless), {}) == {"KFS-711"}
}

test_subjects[note] if {
	some note, tc in {
		"null": {"subjects": null, "want": set()},
		"empty": {"subjects": [], "want": set()},
		"text": {"subjects": "jane", "want": {"KFS-711", "KFS-712"}},
		"an object that is none": {"subjects": {"0": _jane}, "want": {"KFS-711", "KFS-712"}},
		"false": {"subjects": false, "want": {"KFS-711", "KFS-712"}},
		"one": {"subjects": [_jane], "want": {"KFS-712"}},
	}

	_ids(_binding(tc.subjects), _inventory(_secrets), {}) == tc.want
}

test_without_subjects if {
	_ids(object.remove(_binding([]), ["subjects"]), _inventory(_secrets), {}) == set()
}

test_place_and_message[note] if {
	some note, tc in {
		"user": {"subject": _jane, "want": {"KFS-712: User \"jane\" gets Role \"team\", which allows to read Secrets"}},
		"account of another namespace": {
			"subject": {"kind": "ServiceAccount", "name": "ci", "namespace": "tools"},
			"want": {
				concat("", [
					"KFS-712: ServiceAccount \"ci\" of namespace \"tools\" gets Role \"team\", ",
					"which allows to read Secrets",
				]),
				concat("", [
					"KFS-714: ServiceAccount \"ci\" of namespace \"tools\" isn't of this namespace, ",
					"but gets Role \"team\", which allows to read Secrets",
				]),
			},
		},
		"everyone": {
			"subject": {"kind": "Group", "name": "system:authenticated"},
			"want": {
				"KFS-711: Group \"system:authenticated\" is everyone, or a whole class",
				"KFS-712: Group \"system:authenticated\" gets Role \"team\", which allows to read Secrets",
			},
		},
		"unreadable": {
			"subject": 7,
			"want": {
				"KFS-711: a subject can't be read: nobody knows whom it means",
				"KFS-712: a subject that can't be read gets Role \"team\", which allows to read Secrets",
			},
		},
	}

	found := _found(_binding([null, tc.subject]), _inventory(_secrets), {})
	{message | some [path, message] in found; path == ["subjects", 1]} == tc.want
}

# The worst stands in the message.
test_power[note] if {
	some note, tc in {
		"source": {"resource": "functions", "verb": "get", "want": "to read source or output of Functions"},
		"deploy": {"resource": "functions", "verb": "*", "want": "to get any other right"},
		"run": {"resource": "functions", "verb": "patch", "want": "to run code that can mount any Secret"},
	}

	rules := [{"verbs": [tc.verb], "apiGroups": ["serverless.kyma-project.io"], "resources": [tc.resource]}]
	_found(_binding([_jane]), _inventory(rules), {}) == {[
		["subjects", 0],
		sprintf("KFS-712: User \"jane\" gets Role \"team\", which allows %s", [tc.want]),
	]}
}

test_role_ref_that_cannot_be_read[note] if {
	some note, ref in {
		"null": null,
		"text": "team",
		"empty": {},
		"no name": {"kind": "Role"},
		"the name is a number": {"kind": "Role", "name": 7},
		"the name of a ClusterRole is null": {"kind": "ClusterRole", "name": null},
		"unknown kind": {"kind": "Roles", "name": "team"},
	}

	want := {[["subjects", 0], "KFS-712: User \"jane\" gets a role that can't be read, which may allow anything"]}
	every binding in [_binding([_jane]), _cluster_binding([_jane])] {
		changed := object.union(object.remove(binding, ["roleRef"]), {"roleRef": ref})
		_found(changed, _inventory(_harmless), {}) == want
	}
}

# Kubernetes refuses it: nobody can say what it would mean.
test_role_in_a_cluster_role_binding if {
	binding := object.union(_cluster_binding([_jane]), {"roleRef": {"kind": "Role", "name": "team"}})
	_ids(binding, _inventory(_harmless), {}) == {"KFS-712"}
}

test_role_that_is_not_there[note] if {
	some note, tc in {
		"Role": {"ref": {"kind": "Role", "name": "admin"}, "want": set()},
		"ClusterRole": {"ref": {"kind": "ClusterRole", "name": "mine"}, "want": set()},
		"well-known ClusterRole": {"ref": {"kind": "ClusterRole", "name": "admin"}, "want": {"KFS-712"}},
		"controller's": {"ref": {"kind": "ClusterRole", "name": "serverless-manager-role"}, "want": {"KFS-712"}},
		"another case": {"ref": {"kind": "ClusterRole", "name": "Admin"}, "want": set()},
	}

	_ids(object.union(_binding([_jane]), {"roleRef": tc.ref}), _inventory(_harmless), {}) == tc.want
}

# Of a well-known name the rules decide, if there are any.
test_well_known_role_that_is_there[note] if {
	some note, tc in {
		"harmless": {"role": {"rules": _harmless}, "want": set()},
		"without rules": {"role": {"rules": []}, "want": set()},
		"to be filled": {"role": {"rules": null, "aggregationRule": {"clusterRoleSelectors": []}}, "want": {"KFS-712"}},
		"filled": {"role": {"rules": _harmless, "aggregationRule": {"clusterRoleSelectors": []}}, "want": set()},
		"unreadable": {"role": {"rules": 7}, "want": {"KFS-712"}},
	}

	binding := object.union(_binding([_jane]), {"roleRef": {"kind": "ClusterRole", "name": "view"}})
	cluster := {"rbac.authorization.k8s.io/v1": {"ClusterRole": {"view": tc.role}}}
	inventory := object.union(_inventory([]), {"cluster": cluster})
	_ids(binding, inventory, {}) == tc.want
}

# The controller may not have written into the role what it takes over, be it through another.
test_aggregated[note] if {
	some note, tc in {
		"by label": {"selector": {"matchLabels": {"to": "view"}}, "want": {"KFS-712"}},
		"by expression": {"selector": {"matchExpressions": [{"key": "to", "operator": "Exists"}]}, "want": {"KFS-712"}},
		"through another": {"selector": {"matchLabels": {"to": "edit"}}, "want": {"KFS-712"}},
		"neither": {"selector": {"matchLabels": {"to": "admin"}}, "want": set()},
	}

	cluster := {"rbac.authorization.k8s.io/v1": {"ClusterRole": {
		"team": {"rules": _harmless, "aggregationRule": {"clusterRoleSelectors": [tc.selector]}},
		"middle": {
			"metadata": {"labels": {"to": "edit"}},
			"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"to": "view"}}]},
		},
		"leaf": {"metadata": {"labels": {"to": "view"}}, "rules": _secrets},
	}}}
	binding := object.union(_binding([_jane]), {"roleRef": {"kind": "ClusterRole", "name": "team"}})
	_ids(binding, object.union(_inventory([]), {"cluster": cluster}), {}) == tc.want
}

# Beside what concerns others there may be what concerns Functions.
test_rules_of_other_groups if {
	others := [{"verbs": ["get"], "apiGroups": ["shop.example.com"], "resources": ["secrets"]}]
	every binding in [_binding([_jane]), _cluster_binding([_jane])] {
		_ids(binding, _inventory(others), {}) == set()
		_ids(binding, _inventory(array.concat(others, _secrets)), {}) == {"KFS-712"}
		_ids(binding, _inventory(array.concat(others, [null, {"verbs": ["get"], "resources": ["pods"]}])), {}) == set()
		_ids(binding, _inventory(array.concat(others, ["text"])), {}) == {"KFS-712"}
	}
}

test_account_without_a_namespace[note] if {
	some note, account in {
		"missing": {"kind": "ServiceAccount", "name": "sync"},
		"empty": {"kind": "ServiceAccount", "name": "sync", "namespace": ""},
		"null": {"kind": "ServiceAccount", "name": "sync", "namespace": null},
	}

	_ids(_binding([account]), _inventory(_secrets), {}) == {"KFS-712"}
	_ids(_binding([account]), _inventory(_secrets), _trusting) == set()
	_ids(_cluster_binding([account]), _inventory(_secrets), {}) == {"KFS-712"}
}

test_unreadable_parameters[note] if {
	some note, value in {
		"missing": {},
		"null": null,
		"text": "kyma-system",
		"a number": 7,
		"entries of other types": [null, 7, "jane", ["jane"], {}],
	}

	parameters := {"allowedSubjects": value, "publicRoles": value, "systemNamespaces": value, "flavor": value}
	_ids(_binding([_jane]), _inventory(_secrets), parameters) == {"KFS-712"}
}

test_both_flavors_without_the_parameter[note] if {
	some note, tc in {
		"classic": {"resource": "configmaps", "other": "buildless"},
		"buildless": {"resource": "pods", "other": "classic"},
	}

	rules := [{"verbs": ["get"], "apiGroups": [""], "resources": [tc.resource]}]
	_ids(_binding([_jane]), _inventory(rules), {}) == {"KFS-712"}
	_ids(_binding([_jane]), _inventory(rules), {"flavor": note}) == {"KFS-712"}
	_ids(_binding([_jane]), _inventory(rules), {"flavor": tc.other}) == set()
}

test_entry_for_a_namespace[note] if {
	some note, tc in {
		"that namespace": {"namespace": "demo", "want": set()},
		"another": {"namespace": "shop", "want": {"KFS-712"}},
		"empty": {"namespace": "", "want": {"KFS-712"}},
		"null": {"namespace": null, "want": {"KFS-712"}},
	}

	parameters := {"allowedSubjects": [object.union(_jane, {"namespace": tc.namespace})]}
	_ids(_binding([_jane]), _inventory(_secrets), parameters) == tc.want
	_ids(_cluster_binding([_jane]), _inventory(_secrets), parameters) == {"KFS-712"}
}

test_cluster_wide_without_any_function if {
	_ids(_cluster_binding([_jane]), {"cluster": _inventory(_secrets).cluster}, {}) == {"KFS-712"}
	_ids(_binding([_jane]), {}, {}) == set()
}

_trusting := {
	"allowedSubjects": [{"kind": "ServiceAccount", "namespace": "demo", "name": "sync"}],
	"systemNamespaces": [7],
}

_binding(subjects) := {
	"kind": "RoleBinding",
	"metadata": {"name": "team", "namespace": "demo"},
	"roleRef": {"kind": "Role", "name": "team"},
	"subjects": subjects,
}

_cluster_binding(subjects) := {
	"kind": "ClusterRoleBinding",
	"metadata": {"name": "team"},
	"roleRef": {"kind": "ClusterRole", "name": "team"},
	"subjects": subjects,
}

# A Role and a ClusterRole with these rules, beside a Function.
_inventory(rules) := {
	"namespace": {"demo": {
		"serverless.kyma-project.io/v1alpha2": {"Function": {"orders": {}}},
		"rbac.authorization.k8s.io/v1": {"Role": {"team": {"rules": rules}}},
	}},
	"cluster": {"rbac.authorization.k8s.io/v1": {"ClusterRole": {"team": {"rules": rules}}}},
}

_ids(binding, inventory, parameters) := {violation.details.rule |
	some violation in access_binding.violation with input as {"review": {"object": binding}, "parameters": parameters}
		with data.inventory as inventory
}

_found(binding, inventory, parameters) := {[violation.details.path, violation.msg] |
	some violation in access_binding.violation with input as {"review": {"object": binding}, "parameters": parameters}
		with data.inventory as inventory
}
