# METADATA
# title: Access by role
# description: |
#   Whoever reaches a Function's namespace reaches its source, its registry credentials and its Secrets. Roles in such
#   namespaces are judged by what their rules allow, and ClusterRoles if they add to view, edit or admin, which people
#   are given without a second thought; what other ClusterRoles allow is judged where they are bound.
# schemas:
#   - input: schema.access_role
# custom:
#   kind: KymaFunctionAccessRole
#   fact: namespace-access
#   match:
#     - apiGroups: [rbac.authorization.k8s.io]
#       kinds: [Role, ClusterRole]
#   parameters:
#     allowedRoles:
#       type: array
#       items: {type: string}
#       default:
#         - system:aggregate-to-view
#         - system:aggregate-to-edit
#         - system:aggregate-to-admin
#         - view
#         - edit
#         - admin
#         - kyma-functions-view
#         - kyma-functions-edit
#         - kyma-serverless-view
#         - kyma-serverless-edit
#         - kyma-api-gateway-view
#         - kyma-api-gateway-edit
#         - kyma-api-gateway-admin
#         - kyma-docker-registry-view
#         - kyma-docker-registry-edit
#         - kyma-eventing-view
#         - kyma-eventing-edit
#       description: |
#         ClusterRoles, by exact name, that may add to view, edit or admin whatever they like. It never exempts a Role.
#     flavor:
#       type: string
#       enum: [classic, buildless]
#       default: classic
#       flavors: {buildless: buildless}
#       description: |
#         The flavor of Serverless: classic keeps source in ConfigMaps, buildless in the environment of pods.
package kyma.access_role

import data.lib.kfs.access
import data.lib.kfs.aggregation
import data.lib.kfs.finding
import data.lib.kfs.inventory
import data.lib.kfs.namespace
import data.lib.kfs.rbac

# METADATA
# title: Role that reads source
# scope: rule
# custom:
#   id: KFS-701
#   severity: medium
#   profiles: {baseline: warn, strict: deny}
#   inventory: [ClusterRole, Function]
#   remediation: |
#     Leave functions, pods/log and what holds source (classic: configmaps; buildless: pods, deployments, replicasets)
#     out of the rule, or move the Functions to a namespace that only those reach who may read them. The API server
#     answers patch, delete and deletecollection with the object, so they read too.
violation contains finding.new(rego.metadata.rule(), path, message) if {
	input.review.object.kind in {"Role", "ClusterRole"}
	finding.selected(rego.metadata.rule())
	some [path, message] in _reported("KFS-701")
}

# METADATA
# title: Role that reads Secrets
# scope: rule
# custom:
#   id: KFS-702
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   inventory: [ClusterRole, Function]
#   remediation: |
#     Leave secrets out of the rule, or narrow it to `verbs: [get]` and, with `resourceNames`, to the Secrets that are
#     needed. The API server answers patch, delete and deletecollection with the object, so they read too.
violation contains finding.new(rego.metadata.rule(), path, message) if {
	input.review.object.kind in {"Role", "ClusterRole"}
	finding.selected(rego.metadata.rule())
	some [path, message] in _reported("KFS-702")
}

# METADATA
# title: Role that changes Functions or workloads
# scope: rule
# custom:
#   id: KFS-703
#   severity: high
#   profiles: {baseline: warn, strict: deny}
#   inventory: [ClusterRole, Function]
#   remediation: |
#     Leave create, update and patch of functions and workloads to the account that deploys: whoever may run a pod reads
#     every Secret of the namespace. That account gets them by a ClusterRole and a RoleBinding, not by a Role, and is
#     listed in `allowedSubjects` of KymaFunctionAccessBinding.
violation contains finding.new(rego.metadata.rule(), path, message) if {
	input.review.object.kind in {"Role", "ClusterRole"}
	finding.selected(rego.metadata.rule())
	some [path, message] in _reported("KFS-703")
}

# METADATA
# title: Role that enters pods
# scope: rule
# custom:
#   id: KFS-704
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   inventory: [ClusterRole, Function]
#   remediation: |
#     Leave pods/exec, pods/attach, pods/ephemeralcontainers, pods/portforward and every proxy out of the rule.
violation contains finding.new(rego.metadata.rule(), path, message) if {
	input.review.object.kind in {"Role", "ClusterRole"}
	finding.selected(rego.metadata.rule())
	some [path, message] in _reported("KFS-704")
}

# METADATA
# title: Role that leads to every right
# scope: rule
# custom:
#   id: KFS-705
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   inventory: [ClusterRole, Function]
#   remediation: |
#     Write out the verbs and resources that are needed; leave escalate, bind, impersonate, serviceaccounts/token and
#     writing roles, bindings, constraints and webhook configurations to the platform's administrators.
violation contains finding.new(rego.metadata.rule(), path, message) if {
	input.review.object.kind in {"Role", "ClusterRole"}
	finding.selected(rego.metadata.rule())
	some [path, message] in _reported("KFS-705")
}

# METADATA
# title: Rights added to view, edit or admin
# scope: rule
# custom:
#   id: KFS-706
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   inventory: [ClusterRole]
#   remediation: |
#     Remove the label `rbac.authorization.k8s.io/aggregate-to-…` and bind the ClusterRole to those who need it, in
#     their namespace.
violation contains finding.new(rego.metadata.rule(), ["metadata", "labels", label], message) if {
	input.review.object.kind == "ClusterRole"
	finding.selected(rego.metadata.rule())
	some label, target in _aggregate_to(input.review.object.metadata)
	not _allowed
	count(_added) > 0

	message := sprintf("adds rights on %s to every binding of %q", [concat(", ", sort(_added)), target])
}

# METADATA
# title: Role that changes guards
# scope: rule
# custom:
#   id: KFS-707
#   severity: medium
#   profiles: {strict: warn}
#   inventory: [ClusterRole, Function]
#   remediation: |
#     Leave create, update, patch and delete of what guards Functions to the account that deploys, which gets them by a
#     ClusterRole and a RoleBinding, not by a Role.
violation contains finding.new(rego.metadata.rule(), path, message) if {
	input.review.object.kind in {"Role", "ClusterRole"}
	finding.selected(rego.metadata.rule())
	some [path, message] in _reported("KFS-707")
}

# One finding per rule of the role, and one for all that it aggregates.
_reported(id) := {[array.concat(["rules", i], min(places)), _message(id, rights)] |
	_judged
	reached := access.reach(id, rbac.rules(input.review.object), _around)
	some i in {i | some [i, _, _] in reached}
	places := {place | some [j, place, _] in reached; i == j}
	rights := {right | some [j, _, right] in reached; i == j}
} | {[["aggregationRule", "clusterRoleSelectors"], _message(id, rights)] |
	_judged
	rights := {right | some [_, _, right] in access.reach(id, _aggregated, _around)}
	count(rights) > 0
}

_message(id, rights) := sprintf("allows %s: %s", [access.purposes[id], access.shown(rights)])

_judged if {
	input.review.object.kind == "Role"
	count(_around.functions) > 0
}

_judged if {
	input.review.object.kind == "ClusterRole"
	count(_aggregate_to(input.review.object.metadata)) > 0
	not _allowed
}

_allowed if input.review.object.metadata.name in {name | some name in input.parameters.allowedRoles}

_around := {"flavors": access.flavors(_flavor), "functions": _functions}

default _flavor := ""

_flavor := input.parameters.flavor

# A ClusterRole holds wherever it is bound.
_functions := null if input.review.object.kind == "ClusterRole"

_functions := inventory.names("Function", namespace.name(input.review)) if input.review.object.kind == "Role"

# The labels of Kubernetes' own aggregated roles, with the role that each adds to.
_aggregate_to(metadata) := {label: target |
	some label, target in {
		"rbac.authorization.k8s.io/aggregate-to-view": "view",
		"rbac.authorization.k8s.io/aggregate-to-edit": "edit",
		"rbac.authorization.k8s.io/aggregate-to-admin": "admin",
	}
	metadata.labels[label] == "true"
}

# The rules of the roles that it aggregates: what the controller will write into it, or has already.
_aggregated := [rule | some rule in aggregation.rules((_selected | _beyond) - _itself)]

default _itself := set()

_itself := {input.review.object.metadata.name}

default _selected := set()

_selected := _taken(input.review.object.aggregationRule.clusterRoleSelectors)

# What others that it takes over take over.
_beyond := {name |
	middle := aggregation.aggregating(_selected)
	count(middle) > 0
	some other in graph.reachable(_between, middle)
	some name in _taken(_cluster_roles[other].aggregationRule.clusterRoleSelectors)
}

_added := {resource |
	some rule in array.concat(rbac.rules(input.review.object), _aggregated)
	count(rbac.listed(rule, "verbs")) > 0
	some [_, group, resource] in rbac.reached(rule, _kept)
}

_kept := {
	"": {"secrets": true},
	"gateway.kyma-project.io": {"apirules": true, "apirules/status": true},
	"serverless.kyma-project.io": {"functions": true, "functions/scale": true, "functions/status": true},
}

_taken(selectors) := union({aggregation.selected(wanted, _carriers(wanted)) | some wanted in selectors})

_carriers(wanted) := {name | _carrying[[key, value, name]]} if [key, value] := aggregation.label(wanted)

_carriers(wanted) := object.keys(_cluster_roles) if not _labelled(wanted)

_labelled(wanted) if aggregation.label(wanted)

# Asked for one label at a time.
_carrying contains [key, value, name] if value := _cluster_roles[name].metadata.labels[key]

_between := aggregation.between

_cluster_roles := data.inventory.cluster["rbac.authorization.k8s.io/v1"].ClusterRole
