# METADATA
# title: Service account
# description: |
#   A Function can't choose its ServiceAccount: buildless ones run as `default`, classic ones run as
#   `serverless-function` and are built as `default`. Whatever these accounts may do, every Function of the namespace
#   may do too, and so may whoever gets a Function to run their code. So no token should be mounted for them, and no
#   binding should give them rights.
# schemas:
#   - input: schema.service_account
# custom:
#   kind: KymaFunctionServiceAccount
#   fact: no-authorization
#   match:
#     - apiGroups: [serverless.kyma-project.io]
#       kinds: [Function]
#     - apiGroups: [""]
#       kinds: [ServiceAccount]
#     - apiGroups: [rbac.authorization.k8s.io]
#       kinds: [RoleBinding, ClusterRoleBinding]
#   parameters:
#     publicRoles:
#       type: array
#       items: {type: string}
#       default:
#         - system:basic-user
#         - system:discovery
#         - system:public-info-viewer
#         - system:service-account-issuer-discovery
#         - system:cluster-trust-bundle-discovery
#       description: The ClusterRoles, by exact name, that may be bound to anybody. The defaults are Kubernetes' own.
#     flavor:
#       type: string
#       enum: [classic, buildless]
#       default: classic
#       flavors: {buildless: buildless}
#       description: |
#         The flavor of Serverless. In buildless, Functions run as default; in anything else also as
#         serverless-function.
package kyma.service_account

import data.lib.kfs.finding
import data.lib.kfs.inventory
import data.lib.kfs.namespace

# METADATA
# title: Service account of Functions with a mounted token
# scope: rule
# custom:
#   id: KFS-421
#   severity: medium
#   profiles: {baseline: warn, strict: deny}
#   inventory: [Function, Namespace, ServiceAccount]
#   absence: true
#   remediation: |
#     Write `automountServiceAccountToken: false` into the ServiceAccount that the message names.
violation contains finding.new(rego.metadata.rule(), fault.path, fault.message) if {
	input.review.object.kind in {"Function", "ServiceAccount"}
	finding.selected(rego.metadata.rule())
	some fault in _token_faults
}

# METADATA
# title: Rights for the account that Functions run as
# scope: rule
# custom:
#   id: KFS-422
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   systemNamespaces: true
#   inventory: [Function]
#   remediation: |
#     Remove the subject. A workload that needs these rights gets a ServiceAccount of its own, named in its
#     `spec.serviceAccountName`; a Function has no such field and shouldn't call the Kubernetes API.
violation contains finding.new(rego.metadata.rule(), grant.path, message) if {
	input.review.object.kind in {"RoleBinding", "ClusterRoleBinding"}
	finding.selected(rego.metadata.rule())
	not _public
	some grant in _grants

	message := sprintf("%s is bound to %s", [_role, grant.subject])
}

# One function finds the fault, whether it is asked for a Function or for the account.
_token_faults contains {"path": ["metadata", "namespace"], "message": message} if {
	input.review.object.kind == "Function"
	some name in _accounts
	message := _token_fault(namespace.name(input.review), name, _account(namespace.name(input.review), name))
}

_token_faults contains {"path": ["automountServiceAccountToken"], "message": message} if {
	input.review.object.kind == "ServiceAccount"
	name := input.review.object.metadata.name
	name in _accounts
	_with_functions(namespace.name(input.review))
	message := _token_fault(namespace.name(input.review), name, input.review.object)
}

_token_fault(space, name, account) := sprintf(
	"ServiceAccount %q of namespace %q lacks automountServiceAccountToken: false, so pods of Functions hold its token",
	[name, space],
) if {
	is_object(account)
	not account.automountServiceAccountToken == false
}

# Kubernetes makes a `default` where there is none, and that one lacks the field.
_token_fault(space, "default", account) := sprintf(
	"namespace %q isn't known to have a ServiceAccount \"default\" with automountServiceAccountToken: false",
	[space],
) if {
	is_null(account)
}

default _account(_, _) := null

_account(space, name) := inventory.named("ServiceAccount", space, name)

_accounts := {"default"} if _buildless

# The controller makes serverless-function in every namespace, without a token.
_accounts := {"default", "serverless-function"} if not _buildless

_buildless if input.parameters.flavor == "buildless"

_public if {
	input.review.object.roleRef.kind == "ClusterRole"
	is_array(input.parameters.publicRoles)
	input.review.object.roleRef.name in input.parameters.publicRoles
}

default _role := "a role that can't be read"

_role := sprintf("%s %q", [input.review.object.roleRef.kind, input.review.object.roleRef.name]) if {
	is_string(input.review.object.roleRef.kind)
	is_string(input.review.object.roleRef.name)
}

_grants contains {"path": ["subjects", i], "subject": _holder(subject)} if {
	is_array(input.review.object.subjects)
	some i, subject in input.review.object.subjects
}

_grants contains {"path": ["subjects"], "subject": "subjects that can't be read"} if {
	subjects := object.get(input.review.object, "subjects", null)
	not is_null(subjects)
	not is_array(subjects)
	_functions
}

_holder(subject) := text if {
	account := _service_account(subject)
	account.name in _accounts
	_with_functions(account.space)
	text := sprintf("ServiceAccount %q of namespace %q, which Functions run as", [account.name, account.space])
}

_holder(subject) := sprintf("group %q, which holds the accounts that Functions run as", [subject.name]) if {
	subject.kind == "Group"
	_holds_accounts(subject.name)
}

_holder(subject) := "a subject that can't be read" if {
	not _readable(subject)
	_functions
}

_readable(subject) if {
	subject.kind in {"Group", "User"}
	is_string(subject.name)
	subject.name != ""
}

_readable(subject) if _service_account(subject)

# Kubernetes knows an account under two names, and takes the binding's namespace for one that isn't said
# (kubernetes, plugin/pkg/auth/authorizer/rbac).
_service_account(subject) := {"space": space, "name": subject.name} if {
	subject.kind == "ServiceAccount"
	is_string(subject.name)
	space := _space(object.get(subject, "namespace", null))
	space != ""
}

_service_account(subject) := {"space": parts[2], "name": parts[3]} if {
	subject.kind == "User"
	is_string(subject.name)
	startswith(subject.name, "system:serviceaccount:")
	parts := split(subject.name, ":")
	count(parts) == 4
}

_space(said) := said if {
	is_string(said)
	said != ""
}

_space(said) := namespace.name(input.review) if said in {"", null}

_holds_accounts(group) if {
	group in {"system:authenticated", "system:serviceaccounts"}
	_functions
}

_holds_accounts(group) if {
	is_string(group)
	startswith(group, "system:serviceaccounts:")
	_with_functions(trim_prefix(group, "system:serviceaccounts:"))
}

_functions if {
	some space
	some version in inventory.versions.Function
	count(data.inventory.namespace[space][version].Function) > 0
}

_with_functions(space) if {
	some version in inventory.versions.Function
	count(data.inventory.namespace[space][version].Function) > 0
}
