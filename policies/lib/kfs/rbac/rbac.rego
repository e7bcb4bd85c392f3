# METADATA
# title: RBAC
# description: |
#   What the rules of Roles and ClusterRoles allow, as Kubernetes' authorizer reads them (k8s.io/kubernetes,
#   pkg/apis/rbac/v1/evaluation_helpers.go; a Go test compares). `*` is a wildcard only where it stands alone or, of
#   resources, before a subresource: `*/scale`. `functions/*` and `*/*` are names like any other. What can't be read
#   allows everything.
package lib.kfs.rbac

# METADATA
# description: |
#   True where a rule allows a request {verb, group, resource, name}, resource being `pods` or `pods/log` and name empty
#   if the request has none; or {verb, path} for a URL that is no resource.
# scope: document
allows(rule, request) if {
	request.verb in verbs(rule, {request.verb})
	count(reached(rule, {request.group: {request.resource: true}})) > 0
	named(rule, request.name)
}

allows(rule, request) if {
	request.verb in verbs(rule, {request.verb})
	some pattern in listed(rule, "nonResourceURLs")
	_covers(pattern, request.path)
}

# METADATA
# description: The rules of a Role or ClusterRole, without those that it aggregates.
# scope: document
default rules(_) := []

rules(role) := role.rules if is_array(role.rules)

rules(role) := [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}] if {
	found := role.rules
	not is_array(found)
	not is_null(found)
}

# METADATA
# description: What stands in one of a rule's lists, in its order.
# scope: document
default listed(_, _) := ["*"]

listed(rule, _) := [] if is_null(rule)

listed(rule, key) := [] if {
	is_object(rule)
	is_null(object.get(rule, key, null))
}

listed(rule, key) := [_text(entry) | some entry in rule[key]] if is_array(rule[key])

# METADATA
# description: Those of a set of verbs that a rule grants.
# scope: document
verbs(rule, wanted) := wanted if "*" in listed(rule, "verbs")

verbs(rule, wanted) := wanted & granted if {
	granted := {verb | some verb in listed(rule, "verbs")}
	not "*" in granted
}

# METADATA
# description: |
#   Which of some resources, {group: {resource: …}}, a rule is about: a set of [index, group, resource], with the index
#   of the entry in the rule's list of resources.
# scope: document
reached(rule, targets) := {[i, group, resource] |
	some group in _groups(rule, targets)
	some i, entry in listed(rule, "resources")
	some resource in _resources(entry, targets[group])
}

# METADATA
# description: |
#   True where a rule is about the object of that name; of the empty name, where it is about requests that name none.
#   `resourceNames: [""]` allows those: it looks like a narrowing and lists everything.
# scope: document
named(rule, _) if count(names(rule)) == 0

named(rule, name) if name in names(rule)

# METADATA
# description: The names that a rule is narrowed to; none if it isn't narrowed.
# scope: document
default names(_) := set()

names(rule) := {_text(name) | some name in rule.resourceNames} if {
	is_array(rule.resourceNames)
	every name in rule.resourceNames { _textual(name) }
}

_groups(rule, targets) := object.keys(targets) if "*" in listed(rule, "apiGroups")

_groups(rule, targets) := object.keys(targets) & groups if {
	groups := {group | some group in listed(rule, "apiGroups")}
	not "*" in groups
}

default _resources(_, _) := set()

_resources("*", resources) := object.keys(resources)

_resources(entry, resources) := {entry} if {
	resources[entry]
	not startswith(entry, "*")
}

_resources(entry, resources) := {resource | some resource, _ in resources; _concerns(entry, resource)} if {
	startswith(entry, "*")
	entry != "*"
}

_concerns(entry, resource) if entry == resource

_concerns(entry, resource) if {
	slash := indexof(resource, "/")
	slash >= 0
	concat("", ["*", substring(resource, slash, -1)]) == entry
}

_covers(pattern, path) if pattern == path

_covers(pattern, path) if {
	endswith(pattern, "*")
	startswith(path, trim_right(pattern, "*"))
}

default _text(_) := "*"

# Go reads null as the empty string.
_text(entry) := "" if is_null(entry)

_text(entry) := entry if is_string(entry)

_textual(entry) if is_null(entry)

_textual(entry) if is_string(entry)
