package kyma.service_account_test

import data.kyma.service_account

# The fault is the same, whether the Function or the account is judged.
test_token[note] if {
	some note, tc in {
		"none": {"accounts": {}, "want": {["default", "isn't known"]}, "on": set()},
		"false": {"accounts": {"default": false}, "want": set(), "on": set()},
		"true": {"accounts": {"default": true}, "want": {["default", "lacks"]}, "on": {"default"}},
		"text": {"accounts": {"default": "false"}, "want": {["default", "lacks"]}, "on": {"default"}},
		"null": {"accounts": {"default": null}, "want": {["default", "lacks"]}, "on": {"default"}},
		"another": {"accounts": {"default": false, "other": true}, "want": set(), "on": set()},
		"of classic": {
			"accounts": {"default": false, "serverless-function": true},
			"want": {["serverless-function", "lacks"]},
			"on": {"serverless-function"},
		},
		"of classic, in buildless": {
			"accounts": {"default": false, "serverless-function": true},
			"flavor": "buildless",
			"want": set(),
			"on": set(),
		},
		"both": {
			"accounts": {"default": true, "serverless-function": null},
			"want": {["default", "lacks"], ["serverless-function", "lacks"]},
			"on": {"default", "serverless-function"},
		},
	}

	accounts := {name: _account(name, value) | some name, value in tc.accounts}
	world := {"demo": {
		"serverless.kyma-project.io/v1alpha2": {"Function": {"orders": _function}},
		"v1": {"ServiceAccount": accounts},
	}}
	parameters := {"flavor": object.get(tc, "flavor", "classic")}
	messages := {f.msg | some f in _found(_function, parameters, world)}
	count(messages) == count(tc.want)
	every want in tc.want {
		some message in messages
		contains(message, sprintf("%q", [want[0]]))
		contains(message, want[1])
	}
	{name | some name, account in accounts; count(_found(account, parameters, world)) == 1} == tc.on
	{f.msg | some account in accounts; some f in _found(account, parameters, world)} == {message |
		some message in messages
		contains(message, "lacks")
	}
}

test_account_without_functions[note] if {
	some note, world in {
		"no namespace": {},
		"none": {"demo": {"v1": {"ServiceAccount": {}}}},
		"none left": {"demo": {"serverless.kyma-project.io/v1alpha2": {"Function": {}}}},
		"in another namespace": {"other": {"serverless.kyma-project.io/v1alpha1": {"Function": {"orders": {}}}}},
	}

	count(_found(_account("default", true), {}, world)) == 0
}

test_subjects[note] if {
	some note, tc in {
		"default": {"subject": {"kind": "ServiceAccount", "name": "default", "namespace": "demo"}, "want": 1},
		"of the binding's namespace": {"subject": {"kind": "ServiceAccount", "name": "default"}, "want": 1},
		"of an empty namespace": {"subject": {"kind": "ServiceAccount", "name": "default", "namespace": ""}, "want": 1},
		"of classic": {
			"subject": {"kind": "ServiceAccount", "name": "serverless-function", "namespace": "demo"},
			"want": 1,
		},
		"of classic, in buildless": {
			"subject": {"kind": "ServiceAccount", "name": "serverless-function", "namespace": "demo"},
			"flavor": "buildless",
			"want": 0,
		},
		"another": {"subject": {"kind": "ServiceAccount", "name": "defaults", "namespace": "demo"}, "want": 0},
		"of another namespace": {
			"subject": {"kind": "ServiceAccount", "name": "default", "namespace": "other"},
			"want": 0,
		},
		"by user name": {"subject": {"kind": "User", "name": "system:serviceaccount:demo:default"}, "want": 1},
		"by user name, of another namespace": {
			"subject": {"kind": "User", "name": "system:serviceaccount:other:default"},
			"want": 0,
		},
		"longer user name": {"subject": {"kind": "User", "name": "system:serviceaccount:demo:default:x"}, "want": 0},
		"shorter user name": {"subject": {"kind": "User", "name": "system:serviceaccount:demo"}, "want": 0},
		"user default": {"subject": {"kind": "User", "name": "default", "namespace": "demo"}, "want": 0},
		"group of the namespace": {"subject": {"kind": "Group", "name": "system:serviceaccounts:demo"}, "want": 1},
		"group of another": {"subject": {"kind": "Group", "name": "system:serviceaccounts:other"}, "want": 0},
		"group of all": {"subject": {"kind": "Group", "name": "system:serviceaccounts"}, "want": 1},
		"everyone": {"subject": {"kind": "Group", "name": "system:authenticated"}, "want": 1},
		"user with a group's name": {"subject": {"kind": "User", "name": "system:authenticated"}, "want": 0},
		"another group": {"subject": {"kind": "Group", "name": "shop-on-call"}, "want": 0},
		"null": {"subject": null, "want": 1},
		"text": {"subject": "default", "want": 1},
		"empty": {"subject": {}, "want": 1},
		"kind in lower case": {"subject": {"kind": "serviceaccount", "name": "default"}, "want": 1},
		"name is a number": {"subject": {"kind": "Group", "name": 1}, "want": 1},
		"account's name is a number": {"subject": {"kind": "ServiceAccount", "name": 1}, "want": 1},
		"name is empty": {"subject": {"kind": "User", "name": ""}, "want": 1},
		"namespace is a number": {"subject": {"kind": "ServiceAccount", "name": "ci", "namespace": 1}, "want": 1},
	}

	binding := _binding("RoleBinding", "demo", [tc.subject])
	found := _found(binding, {"flavor": object.get(tc, "flavor", "classic")}, _world)
	count(found) == tc.want
	every f in found { f.details.path == ["subjects", 0] }

	# Where no Functions are, nobody runs as these accounts.
	count(_found(binding, {}, {})) == 0
}

# In a ClusterRoleBinding there is no namespace to take for one that isn't said.
test_account_without_namespace if {
	binding := _binding("ClusterRoleBinding", "", [{"kind": "ServiceAccount", "name": "default"}])
	{f.msg | some f in _found(binding, {}, _world)} == {
		`KFS-422: ClusterRole "view" is bound to a subject that can't be read`,
	}
}

test_unreadable_subjects[note] if {
	some note, tc in {
		"none": {"subjects": [], "want": 0},
		"null": {"subjects": null, "want": 0},
		"map": {"subjects": {"kind": "Group", "name": "system:authenticated"}, "want": 1},
		"text": {"subjects": "system:authenticated", "want": 1},
	}

	count(_found(_binding("ClusterRoleBinding", "", tc.subjects), {}, _world)) == tc.want
	count(_found(_binding("ClusterRoleBinding", "", tc.subjects), {}, {})) == 0
}

test_public_roles[note] if {
	some note, tc in {
		"public": {
			"role": {"kind": "ClusterRole", "name": "system:discovery"},
			"public": ["system:discovery"],
			"want": 0,
		},
		"another": {
			"role": {"kind": "ClusterRole", "name": "system:discovery2"},
			"public": ["system:discovery"],
			"want": 1,
		},
		"a Role of that name": {
			"role": {"kind": "Role", "name": "system:discovery"},
			"public": ["system:discovery"],
			"want": 1,
		},
		"no list": {"role": {"kind": "ClusterRole", "name": "view"}, "public": "view", "want": 1},
		"null": {"role": {"kind": "ClusterRole", "name": "view"}, "public": null, "want": 1},
		"no role": {"role": null, "public": ["view"], "want": 1},
	}

	binding := object.union(
		_binding("ClusterRoleBinding", "", [{"kind": "Group", "name": "system:authenticated"}]),
		{"roleRef": tc.role},
	)
	count(_found(binding, {"publicRoles": tc.public}, _world)) == tc.want
}

_found(resource, parameters, world) := found if {
	found := service_account.violation with input as {"review": {"object": resource}, "parameters": parameters}
		with data.inventory.namespace as world
}

_world := {"demo": {"serverless.kyma-project.io/v1alpha1": {"Function": {"orders": {}}}}, "other": {}}

_function := {"kind": "Function", "metadata": {"name": "orders", "namespace": "demo"}}

_account(name, automount) := {
	"kind": "ServiceAccount",
	"metadata": {"name": name, "namespace": "demo"},
	"automountServiceAccountToken": automount,
}

_binding(kind, space, subjects) := {
	"kind": kind,
	"metadata": {"name": "x", "namespace": space},
	"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
	"subjects": subjects,
}
