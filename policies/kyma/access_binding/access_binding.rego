# METADATA
# title: Access by binding
# description: |
#   A binding is judged by what its role allows: by the role's rules where the inventory has it, else by its name, if
#   that is one of Kubernetes' or Kyma's. Whom the platform trusts stands in allowedSubjects.
# schemas:
#   - input: schema.access_binding
# custom:
#   kind: KymaFunctionAccessBinding
#   fact: namespace-access
#   match:
#     - apiGroups: [rbac.authorization.k8s.io]
#       kinds: [RoleBinding, ClusterRoleBinding]
#   systemNamespaces: true
#   parameters:
#     allowedSubjects:
#       type: array
#       items:
#         type: object
#         required: [kind, name]
#         properties:
#           kind:
#             type: string
#             enum: [User, Group, ServiceAccount]
#           name: {type: string}
#           namespace: {type: string}
#       default:
#         - {kind: User, name: system:kube-controller-manager}
#         - {kind: User, name: system:kube-scheduler}
#       description: |
#         Subjects whose bindings are nobody's concern. The namespace of a ServiceAccount is its own and required; that
#         of a User or Group is the one whose RoleBindings are meant: without it, every binding is.
#     publicRoles:
#       type: array
#       items: {type: string}
#       default:
#         - system:discovery
#         - system:basic-user
#         - system:public-info-viewer
#         - system:service-account-issuer-discovery
#         - system:cluster-trust-bundle-discovery
#       description: ClusterRoles, by exact name, that everyone may have.
#     systemNamespaces:
#       type: array
#       items: {type: string}
#       default:
#         - kube-system
#         - kube-public
#         - kube-node-lease
#         - istio-system
#         - kyma-system
#         - gatekeeper-system
#         - docker-registry
#       description: Namespaces of the platform, whose ServiceAccounts are trusted.
#     flavor:
#       type: string
#       enum: [classic, buildless]
#       default: classic
#       flavors: {buildless: buildless}
#       description: |
#         The flavor of Serverless: classic keeps source in ConfigMaps, buildless in the environment of pods.
package kyma.access_binding

import data.lib.kfs.access
import data.lib.kfs.aggregation
import data.lib.kfs.finding
import data.lib.kfs.inventory
import data.lib.kfs.namespace
import data.lib.kfs.rbac

# METADATA
# title: Binding to everyone
# scope: rule
# custom:
#   id: KFS-711
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   inventory: [Function]
#   remediation: |
#     Bind the role to the users, groups or ServiceAccounts that need it, by name.
violation contains finding.new(rego.metadata.rule(), ["subjects", i], message) if {
	input.review.object.kind in {"RoleBinding", "ClusterRoleBinding"}
	finding.selected(rego.metadata.rule())
	_reaches_functions
	some i, subject in _judged
	message := _class(subject)
}

# METADATA
# title: Binding to source or Secrets
# scope: rule
# custom:
#   id: KFS-712
#   severity: medium
#   profiles: {baseline: warn, strict: deny}
#   inventory: [ClusterRole, Function, Role]
#   remediation: |
#     Bind a role that allows less, or have the platform's administrators add the subject to `allowedSubjects`.
violation contains finding.new(rego.metadata.rule(), ["subjects", i], message) if {
	input.review.object.kind in {"RoleBinding", "ClusterRoleBinding"}
	finding.selected(rego.metadata.rule())
	_reaches_functions
	some i, subject in _judged

	message := sprintf("%s gets %s, which %s", [_shown(subject), _role_shown, _power])
}

# METADATA
# title: Function role bound in the whole cluster
# scope: rule
# custom:
#   id: KFS-713
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   inventory: [ClusterRole]
#   remediation: |
#     Use a RoleBinding in each namespace whose Functions the subjects work on.
violation contains finding.new(rego.metadata.rule(), ["roleRef", "name"], message) if {
	input.review.object.kind == "ClusterRoleBinding"
	finding.selected(rego.metadata.rule())
	count(_judged) > 0
	_about_functions

	message := sprintf("%s is about Functions, and bound in every namespace", [_role_shown])
}

# METADATA
# title: Binding to an account of another namespace
# scope: rule
# custom:
#   id: KFS-714
#   severity: medium
#   profiles: {baseline: warn, strict: deny}
#   inventory: [ClusterRole, Function, Role]
#   remediation: |
#     Bind a ServiceAccount of the namespace itself: whoever may run a pod in the other one has this access.
violation contains finding.new(rego.metadata.rule(), ["subjects", i], message) if {
	input.review.object.kind == "RoleBinding"
	finding.selected(rego.metadata.rule())
	_reaches_functions
	some i, subject in _judged
	_account(subject).namespace != _namespace

	message := sprintf("%s isn't of this namespace, but gets %s, which %s", [_shown(subject), _role_shown, _power])
}

_reaches_functions if input.review.object.kind == "ClusterRoleBinding"

_reaches_functions if count(_functions) > 0

_functions := inventory.names("Function", _namespace)

_namespace := namespace.name(input.review)

# The subjects that count, by their index.
_judged := {i: subject |
	not _public
	some i, subject in _subjects
	not _exempt(subject)
}

_public if {
	input.review.object.roleRef.kind == "ClusterRole"
	input.review.object.roleRef.name in _strings("publicRoles")
}

default _subjects := []

_subjects := input.review.object.subjects if is_array(input.review.object.subjects)

# No list: nobody knows whom it means.
_subjects := [subjects] if {
	subjects := input.review.object.subjects
	not is_array(subjects)
	not is_null(subjects)
}

# Members of this group are never asked for their rights.
_exempt(subject) if {
	subject.kind == "Group"
	subject.name == "system:masters"
	input.review.object.roleRef.kind == "ClusterRole"
	input.review.object.roleRef.name == "cluster-admin"
}

_exempt(subject) if _account(subject).namespace in _strings("systemNamespaces")

_exempt(subject) if _account(subject) in {object.filter(entry, ["name", "namespace"]) |
	some entry in input.parameters.allowedSubjects
	entry.kind == "ServiceAccount"
}

_exempt(subject) if {
	subject.kind in {"User", "Group"}
	some entry in input.parameters.allowedSubjects
	entry.kind == subject.kind
	entry.name == subject.name
	_here(entry)
}

_here(entry) if not _placed(entry)

_here(entry) if {
	input.review.object.kind == "RoleBinding"
	entry.namespace == _namespace
}

_placed(entry) if "namespace" in object.keys(entry)

# A ServiceAccount without a namespace is one of the binding's (k8s.io/kubernetes,
# pkg/registry/rbac/validation/rule.go).
_account(subject) := {"name": subject.name, "namespace": place} if {
	_readable(subject)
	subject.kind == "ServiceAccount"
	place := [place | some place in [object.get(subject, "namespace", ""), _namespace]; not place in {"", null}][0]
}

# The same account by its user's name.
_account(subject) := {"name": parts[3], "namespace": parts[2]} if {
	_readable(subject)
	subject.kind == "User"
	parts := split(subject.name, ":")
	count(parts) == 4
	array.slice(parts, 0, 2) == ["system", "serviceaccount"]
}

_class(subject) := "a subject can't be read: nobody knows whom it means" if not _readable(subject)

_class(subject) := sprintf("%s is everyone, or a whole class", [_shown(subject)]) if {
	_readable(subject)
	_everyone(subject.kind, subject.name)
}

_readable(subject) if {
	subject.kind in {"User", "Group", "ServiceAccount"}
	is_string(subject.name)
	trim_space(subject.name) != ""
	_texts({object.get(subject, "namespace", "")} - {null})
}

_texts(values) if {
	every value in values { is_string(value) }
}

_everyone("User", "system:anonymous")

_everyone("Group", name) if {
	name in {"system:authenticated", "system:unauthenticated", "system:serviceaccounts", "system:masters"}
}

_everyone("Group", name) if startswith(name, "system:serviceaccounts:")

default _shown(_) := "a subject that can't be read"

_shown(subject) := sprintf("%s %q", [subject.kind, subject.name]) if {
	_readable(subject)
	not _located(subject)
}

_shown(subject) := sprintf("ServiceAccount %q of namespace %q", [account.name, account.namespace]) if {
	_readable(subject)
	account := _account(subject)
}

_located(subject) if _account(subject)

default _role_shown := "a role that can't be read"

_role_shown := sprintf("%s %q", [input.review.object.roleRef.kind, input.review.object.roleRef.name]) if _named

_named if {
	input.review.object.roleRef.kind == "ClusterRole"
	is_string(input.review.object.roleRef.name)
}

_named if {
	input.review.object.roleRef.kind == "Role"
	input.review.object.kind == "RoleBinding"
	is_string(input.review.object.roleRef.name)
}

# What the role allows, if that reaches source or Secrets.
_power := "may allow anything" if not _named

_power := sprintf("allows %s", [access.purposes[worst]]) if {
	worst := [id | some id in ["KFS-705", "KFS-702", "KFS-704", "KFS-703", "KFS-701"]; id in _reached][0]
}

_power := "by its name reaches source or Secrets" if {
	_named
	input.review.object.roleRef.kind == "ClusterRole"
	input.review.object.roleRef.name in access.reaching
	not _known
}

_reached := {id |
	some id in {"KFS-701", "KFS-702", "KFS-703", "KFS-704", "KFS-705"}
	count(access.reach(id, _rules, _around)) > 0
}

_around := {"flavors": access.flavors(_flavor), "functions": _named_functions}

default _flavor := ""

_flavor := input.parameters.flavor

_named_functions := null if input.review.object.kind == "ClusterRoleBinding"

_named_functions := _functions if input.review.object.kind == "RoleBinding"

# The rules of the role where the inventory has it, but those that no policy reports; what it aggregates may not have
# been written into it yet.
default _rules := []

_rules := [rule | some rule in (listed - {rule | some rule in listed; rule.apiGroups in others})] if {
	_named
	input.review.object.roleRef.kind == "Role"
	listed := {rule | some rule in rbac.rules(inventory.named("Role", _namespace, input.review.object.roleRef.name))}
	lists := {groups | some rule in listed; groups := rule.apiGroups}
	others := lists - access.near(lists)
}

_rules := [rule | some rule in aggregation.rules(_cluster_role_names)] if {
	_named
	input.review.object.roleRef.kind == "ClusterRole"
}

_cluster_role_names := ({input.review.object.roleRef.name} | _selected) | _beyond

default _selected := set()

_selected := _taken(_cluster_roles[input.review.object.roleRef.name].aggregationRule.clusterRoleSelectors)

# What others that it takes over take over.
_beyond := {name |
	middle := aggregation.aggregating(_selected)
	count(middle) > 0
	some other in graph.reachable(_between, middle)
	some name in _taken(_cluster_roles[other].aggregationRule.clusterRoleSelectors)
}

_taken(selectors) := union({aggregation.selected(wanted, _carriers(wanted)) | some wanted in selectors})

_carriers(wanted) := {name | _carrying[[key, value, name]]} if [key, value] := aggregation.label(wanted)

_carriers(wanted) := object.keys(_cluster_roles) if not _labelled(wanted)

_labelled(wanted) if aggregation.label(wanted)

# Asked for one label at a time.
_carrying contains [key, value, name] if value := _cluster_roles[name].metadata.labels[key]

_between := aggregation.between

_cluster_roles := data.inventory.cluster["rbac.authorization.k8s.io/v1"].ClusterRole

# A role that aggregates others that aren't there says nothing of what it allows.
_known if {
	some name in _cluster_role_names
	count(rbac.rules(_cluster_roles[name])) > 0
}

_known if {
	role := _cluster_roles[input.review.object.roleRef.name]
	not _aggregates(role)
}

_aggregates(role) if is_object(role.aggregationRule)

_about_functions if input.review.object.roleRef.name in access.legacy

_about_functions if startswith(input.review.object.roleRef.name, "kyma-functions-")

_about_functions if startswith(input.review.object.roleRef.name, "kyma-serverless-")

# Kubernetes' own aggregated roles have Kyma's rules in them without being about Functions: KFS-712 has them.
_about_functions if {
	some rule in _rules
	"serverless.kyma-project.io" in rbac.listed(rule, "apiGroups")
	not _kubernetes
}

_kubernetes if input.review.object.roleRef.name in {"view", "edit", "admin"}

_strings(key) := {text |
	some text in input.parameters[key]
	is_string(text)
}
