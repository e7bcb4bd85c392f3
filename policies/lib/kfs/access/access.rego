# METADATA
# title: Access
# description: |
#   What rights in a namespace mean for the Functions there: which rules of a role read source or Secrets, change
#   Functions, enter pods, or lead to all of that. The policies on roles and on bindings both ask here, by rule id.
package lib.kfs.access

import data.lib.kfs.rbac

# METADATA
# description: |
#   What makes the policy's rule `id` report a list of RBAC rules: a set of [index, place, right], with the place below
#   the RBAC rule. `around` has the flavors that count and the names of the namespace's Functions: null where the RBAC
#   rules hold in every namespace.
# scope: document
reach(id, rules, around) := {[i, place, right] |
	some i, rule in rules
	some [place, right] in _rights(id, rule, around)
}

# METADATA
# description: |
#   Of a set of lists of API groups, those with which some rule of the policies may report an RBAC rule. Of the hundreds
#   that an aggregated ClusterRole has most are about other groups only.
# scope: document
near(lists) := _reported(lists) if _clean(lists)

near(lists) := _reported(clean) | (lists - clean) if {
	not _clean(lists)
	clean := {groups | some groups in lists; _clean({groups})}
}

# METADATA
# description: Some rights in words.
# scope: document
shown(rights) := concat(", ", sort(rights)) if count(rights) <= 3

shown(rights) := sprintf("%s and %d more", [concat(", ", array.slice(sorted, 0, 3)), count(rights) - 3]) if {
	count(rights) > 3
	sorted := sort(rights)
}

# METADATA
# description: What the rights of each rule are good for.
purposes := {
	"KFS-701": "to read source or output of Functions",
	"KFS-702": "to read Secrets",
	"KFS-703": "to run code that can mount any Secret",
	"KFS-704": "to enter pods or to call them past the mesh",
	"KFS-705": "to get any other right",
	"KFS-707": "to change what guards Functions",
}

# METADATA
# description: The flavors that a parameter means; both if it can't be read.
# scope: document
default flavors(_) := {"classic", "buildless"}

flavors(flavor) := {flavor} if flavor in {"classic", "buildless"}

# METADATA
# description: |
#   ClusterRoles, by name, that are known to reach source or Secrets, should the inventory lack their rules:
#   Kubernetes' own, Kyma's for Functions, and those of the controllers of Serverless.
reaching := legacy | {
	"cluster-admin",
	"admin",
	"edit",
	"view",
	"kyma-functions-view",
	"kyma-functions-edit",
	"operator-role",
	"serverless",
	"serverless-manager-role",
}

# METADATA
# description: The ClusterRoles that Kyma had for people up to 2.19.
legacy := {"kyma-view", "kyma-edit", "kyma-developer", "kyma-namespace-admin", "kyma-admin", "kyma-essentials"}

_rights("KFS-705", rule, _) := _wildcards(rule) if count(_wildcards(rule)) > 0

_rights("KFS-705", rule, around) := (_granted("KFS-705", rule, around) | _constraints(rule)) | _impersonated(rule) if {
	count(_wildcards(rule)) == 0
}

_rights(id, rule, around) := _granted(id, rule, around) if id != "KFS-705"

_granted(id, rule, around) := {[["resources", j], right] |
	targets := _wanted(id, around.flavors)
	some [j, group, resource] in rbac.reached(rule, targets)
	granted := {verb |
		some verb in rbac.verbs(rule, targets[group][resource])
		_aimed(id, rule, verb, group, resource, around.functions)
	}
	right := sprintf("%s %s", [_first(granted), resource])
}

# The verb that shows best what a resource is in for; undefined of none.
_first(granted) := [verb | some verb in _verbs; verb in granted][0]

_verbs := ["get", "list", "watch", "escalate", "bind", "create", "update", "patch", "delete", "deletecollection"]

# A rule that is narrowed to names reaches what has them.
_aimed(_, rule, _, _, _, _) if rbac.named(rule, "")

# Nothing has a name before it is created, but what a subresource is created of has.
_aimed(id, rule, verb, _, resource, _) if {
	id in {"KFS-703", "KFS-705", "KFS-707"}
	count(rbac.names(rule)) > 0
	_nameable(verb, resource)
}

_aimed(id, rule, verb, group, resource, functions) if {
	id in {"KFS-701", "KFS-704"}
	_nameable(verb, resource)
	some name in rbac.names(rule)
	_of_a_function(group, name, functions)
}

_nameable(_, resource) if contains(resource, "/")

_nameable(verb, _) if not verb in {"create", "deletecollection"}

_of_a_function("serverless.kyma-project.io", _, _)

_of_a_function(_, _, functions) if is_null(functions)

# Of the objects made for a Function only the Service has its very name.
_of_a_function(_, name, functions) if name in functions

_of_a_function(_, name, functions) if {
	some dash in indexof_n(name, "-")
	substring(name, 0, dash) in functions
}

_wanted(id, chosen) := object.union_n(array.concat(
	[_targets[id]],
	[object.get(_targets_of, [id, flavor], {}) | some flavor in chosen],
))

# The response to a patch holds the object, that to a deletecollection all objects, whoever may not get them. That to a
# delete holds it if the propagationPolicy is Foreground, in a dry run too (k8s.io/apiserver,
# pkg/registry/generic/registry/store.go).
_reading := {"get", "list", "watch", "patch", "delete", "deletecollection"}

# A status, and what a pod can be resized by, is read as the whole object, and whoever writes one is answered with it.
_reading_through := {"get", "update", "patch"}

_writing := {"create", "update", "patch"}

_changing := _writing | {"delete", "deletecollection"}

# Each method of HTTP is a verb.
_calling := {"get", "create", "update", "patch", "delete"}

# Where the controllers leave source: classic in ConfigMaps, buildless in the environment of pods.
_targets_of := {"KFS-701": {
	"classic": {"": {"configmaps": _reading}},
	"buildless": {
		"": {
			"pods": _reading,
			"pods/status": _reading_through,
			"pods/resize": _reading_through,
			# Writing them is for KFS-704.
			"pods/ephemeralcontainers": {"get"},
		},
		"apps": {
			"deployments": _reading,
			"deployments/status": _reading_through,
			"replicasets": _reading,
			"replicasets/status": _reading_through,
		},
	},
}}

_targets := {
	"KFS-701": {
		"serverless.kyma-project.io": {"functions": _reading, "functions/status": _reading_through},
		"": {"pods/log": {"get"}},
	},
	"KFS-702": {"": {"secrets": _reading}},
	"KFS-703": {
		# GitRepositories are where v1alpha1 has the source.
		"serverless.kyma-project.io": {"functions": _writing, "gitrepositories": _writing},
		"": {"pods": _writing, "replicationcontrollers": _writing},
		"apps": {
			"deployments": _writing,
			"replicasets": _writing,
			"statefulsets": _writing,
			"daemonsets": _writing,
		},
		"batch": {"jobs": _writing, "cronjobs": _writing},
	},
	"KFS-704": {"": {
		"pods/exec": {"get", "create"},
		"pods/attach": {"get", "create"},
		"pods/portforward": {"get", "create"},
		"pods/ephemeralcontainers": {"update", "patch"},
		"pods/proxy": _calling,
		"services/proxy": _calling,
		"nodes/proxy": _calling,
	}},
	"KFS-705": {
		"": {"serviceaccounts/token": {"create"}},
		"rbac.authorization.k8s.io": {
			"roles": (_writing | {"bind", "escalate"}),
			"clusterroles": (_writing | {"bind", "escalate"}),
			"rolebindings": _writing,
			"clusterrolebindings": _writing,
		},
		"admissionregistration.k8s.io": {
			"validatingwebhookconfigurations": _changing,
			"mutatingwebhookconfigurations": _changing,
			"validatingadmissionpolicies": _changing,
			"validatingadmissionpolicybindings": _changing,
			"mutatingadmissionpolicies": _changing,
			"mutatingadmissionpolicybindings": _changing,
		},
		"templates.gatekeeper.sh": {"constrainttemplates": _changing},
		"config.gatekeeper.sh": {"configs": _changing},
		"syncset.gatekeeper.sh": {"syncsets": _changing},
	},
	"KFS-707": {
		"": {"namespaces": _changing},
		"gateway.kyma-project.io": {"apirules": _changing},
		"eventing.kyma-project.io": {"subscriptions": _changing},
		"networking.k8s.io": {"networkpolicies": _changing},
		"security.istio.io": {"authorizationpolicies": _changing, "peerauthentications": _changing},
		"operator.kyma-project.io": {"serverlesses": _changing, "dockerregistries": _changing},
	},
}

# The groups of all resources that some rule is about, in JSON.
_of_some_rule := sprintf(`"(?:%s|[^"]*\.istio\.io|(?:[^"]*\.)?kyma-project\.io)"`, [concat("|", {"\\*"} | _groups)])

_groups := {"networking.k8s.io", "authentication.k8s.io", "constraints.gatekeeper.sh"} | {group |
	some targets in array.concat(
		[targets | some targets in _targets],
		[targets | some of_flavor in _targets_of; some targets in of_flavor],
	)
	some group, _ in targets
}

# One resource per template: their names aren't known here.
_constraints(rule) := {[["resources", j], sprintf("%s %s", [_first(granted), resource])] |
	some group in rbac.listed(rule, "apiGroups")
	group in {"*", "constraints.gatekeeper.sh"}
	some j, resource in rbac.listed(rule, "resources")
	_constraint(group, resource)
	granted := rbac.verbs(rule, _changing)
}

_constraint("constraints.gatekeeper.sh", resource) if not contains(resource, "/")

_constraint("*", resource) if {
	some kind in ["kymafunction", "kymaserverlessregistry"]
	startswith(resource, kind)
}

# True where all are lists of groups that stand in JSON as they are.
_clean(lists) if regex.match(`^\[(?:\["[^"\\]*"(?:,"[^"\\]*")*\],?)*\]$`, json.marshal(lists))

_reported(lists) := {groups |
	reported := {trim(quoted, `"`) | some quoted in regex.find_n(_of_some_rule, json.marshal(lists), -1)}
	some groups in lists
	some group in groups
	group in reported
}

# On users, groups, serviceaccounts, uids, userextras/…; with a colon they are those of constrained impersonation
# (KEP-5284). The verbs mean nothing elsewhere. Every verb is these too, of which there are others in that group.
_impersonated(rule) := {[["resources", j], sprintf("%s %s", [object.get({"*": "impersonate"}, verb, verb), resource])] |
	some verb in rbac.listed(rule, "verbs")
	some group in rbac.listed(rule, "apiGroups")
	group in {"*", "", "authentication.k8s.io"}
	some j, resource in rbac.listed(rule, "resources")
	_impersonates(verb, resource)
}

_impersonates("impersonate", _)

_impersonates(verb, _) if startswith(verb, "impersonate:")

_impersonates("*", resource) if resource in {"*", "users", "groups", "serviceaccounts", "uids"}

_impersonates("*", resource) if startswith(resource, "userextras")

_wildcards(rule) := {[[list, i], sprintf("every %s", [object.get({"verbs": "verb"}, list, "resource")])] |
	some group in rbac.listed(rule, "apiGroups")
	_precious(group)
	every other in ["verbs", "resources"] { count(rbac.listed(rule, other)) > 0 }
	some list in ["verbs", "resources"]
	some i, entry in rbac.listed(rule, list)
	entry == "*"
}

_precious(group) if {
	group in {"*", "", "apps", "batch", "rbac.authorization.k8s.io", "networking.k8s.io", "kyma-project.io"}
}

_precious(group) if endswith(group, ".istio.io")

_precious(group) if endswith(group, ".kyma-project.io")
