# METADATA
# title: Pod Security level
# description: |
#   Functions belong in a namespace that enforces the Pod Security Standard `baseline`: without it, whoever may write
#   a workload there may take over the node. Classic Serverless can't build Functions under `restricted`; buildless
#   Functions run under it, unless their source is in Git.
# schemas:
#   - input: schema.pod_security_level
# custom:
#   kind: KymaFunctionPodSecurityLevel
#   fact: pod-security
#   match:
#     - apiGroups: [serverless.kyma-project.io]
#       kinds: [Function]
#     - apiGroups: [""]
#       kinds: [Namespace]
#   parameters:
#     clusterDefaultLevel:
#       type: string
#       enum: [none, privileged, baseline, restricted]
#       default: none
#       description: |
#         The level that the cluster's PodSecurityConfiguration enforces in namespaces without the label; none where
#         admission isn't configured, as in most clusters.
#     minEnforceVersion:
#       type: string
#       pattern: ^(latest|v1\.[0-9]+)$
#       default: v1.25
#       description: |
#         The oldest version of the standard that a namespace may pin its level to. Older ones check less: v1.25 is
#         the first whose Pod Security admission is stable.
#     flavor:
#       type: string
#       enum: [classic, buildless]
#       default: classic
#       flavors: {buildless: buildless}
#       description: The flavor of Serverless. Anything but buildless means that Functions are built in their namespace.
package kyma.pod_security_level

import data.lib.kfs.finding
import data.lib.kfs.inventory
import data.lib.kfs.namespace
import data.lib.kfs.shown

# METADATA
# title: Classic Function where restricted is enforced
# scope: rule
# custom:
#   id: KFS-501
#   severity: high
#   flavors: [classic]
#   profiles: {baseline: deny, strict: deny}
#   inventory: [Namespace]
#   remediation: |
#     Label the Namespace `pod-security.kubernetes.io/enforce: baseline`: the Job that builds a Function runs as root.
violation contains finding.new(rego.metadata.rule(), ["metadata", "namespace"], message) if {
	input.review.object.kind == "Function"
	finding.selected(rego.metadata.rule())
	around := namespace.of(input.review)
	_unfit(around) == "KFS-501"

	message := sprintf("namespace %q %s", [namespace.name(input.review), _fault(around)])
}

# METADATA
# title: Function where no Pod Security level protects
# scope: rule
# custom:
#   id: KFS-502
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   inventory: [Namespace]
#   remediation: |
#     Label the Namespace `pod-security.kubernetes.io/enforce: baseline`.
violation contains finding.new(rego.metadata.rule(), ["metadata", "namespace"], message) if {
	input.review.object.kind == "Function"
	finding.selected(rego.metadata.rule())
	around := namespace.of(input.review)
	_unfit(around) == "KFS-502"

	message := sprintf("namespace %q %s", [namespace.name(input.review), _fault(around)])
}

# METADATA
# title: Namespace whose level is wrong for its Functions
# scope: rule
# custom:
#   id: KFS-503
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   inventory: [Function]
#   remediation: |
#     Label the Namespace `pod-security.kubernetes.io/enforce: baseline`, or move its Functions to another one first.
violation contains finding.new(rego.metadata.rule(), ["metadata", "labels", namespace.enforce], message) if {
	input.review.object.kind == "Namespace"
	finding.selected(rego.metadata.rule())
	fault := _fault(input.review.object)
	functions := inventory.names("Function", input.review.object.metadata.name)
	count(functions) > 0

	message := sprintf("namespace %q %s: %s", [input.review.object.metadata.name, fault, _counted(functions)])
}

# METADATA
# title: Level pinned to an old version
# scope: rule
# custom:
#   id: KFS-504
#   severity: medium
#   profiles: {baseline: warn, strict: deny}
#   inventory: [Namespace]
#   remediation: |
#     Remove the Namespace's label `pod-security.kubernetes.io/enforce-version`, or set it to `latest`.
violation contains finding.new(rego.metadata.rule(), ["metadata", "namespace"], message) if {
	input.review.object.kind == "Function"
	finding.selected(rego.metadata.rule())
	around := namespace.of(input.review)
	not _recent(around)

	message := sprintf("namespace %q %s", [namespace.name(input.review), _pin(around)])
}

# METADATA
# title: Git-sourced Function where restricted is enforced
# scope: rule
# custom:
#   id: KFS-505
#   severity: medium
#   flavors: [buildless]
#   profiles: {baseline: warn, strict: deny}
#   inventory: [Namespace]
#   remediation: |
#     Label the Namespace `pod-security.kubernetes.io/enforce: baseline`, or put the source into the Function: the
#     container that fetches it from Git isn't allowed under restricted.
violation contains finding.new(rego.metadata.rule(), _source(input.review.object), message) if {
	input.review.object.kind == "Function"
	finding.selected(rego.metadata.rule())
	namespace.level(namespace.of(input.review), _fallback) == "restricted"
	function := input.review.object
	not _inline(function)

	message := sprintf(
		"the source isn't inline, and namespace %q enforces restricted: the pod can't start",
		[namespace.name(input.review)],
	)
}

# METADATA
# title: Inline Functions where restricted isn't enforced
# scope: rule
# custom:
#   id: KFS-506
#   severity: low
#   flavors: [buildless]
#   profiles: {strict: warn}
#   inventory: [Function, Namespace]
#   remediation: |
#     Label the Namespace `pod-security.kubernetes.io/enforce: restricted`, once all its other workloads comply.
violation contains finding.new(rego.metadata.rule(), ["metadata", "namespace"], message) if {
	input.review.object.kind == "Function"
	finding.selected(rego.metadata.rule())
	around := namespace.of(input.review)
	not _restricted(around)
	_inline(input.review.object)
	every function in _others { _inline(function) }

	message := sprintf(
		"all Functions of namespace %q are inline and could run under restricted, but it %s",
		[namespace.name(input.review), _enforces(around)],
	)
}

# The rule of a Function that a Namespace's level breaks: KFS-501, 502 and 503 all ask here.
_unfit(around) := "KFS-501" if {
	_restricted(around)
	not _buildless
}

_unfit(around) := "KFS-502" if not _protected(around)

_protected(around) if namespace.level(around, _fallback) in {"baseline", "restricted"}

_restricted(around) if namespace.level(around, _fallback) == "restricted"

_buildless if input.parameters.flavor == "buildless"

# Anything that is no level is none.
default _fallback := "none"

_fallback := input.parameters.clusterDefaultLevel

_fault(around) := "enforces restricted, under which no Function can be built" if _unfit(around) == "KFS-501"

_fault(around) := sprintf("%s, but Functions need baseline", [_enforces(around)]) if _unfit(around) == "KFS-502"

default _enforces(_) := "enforces no Pod Security level"

_enforces(around) := "isn't known to enforce a Pod Security level" if is_null(around)

_enforces(around) := sprintf("enforces %s", [namespace.level(around, _fallback)]) if namespace.level(around, _fallback)

_enforces(around) := sprintf("enforces no level: %s says %s", [namespace.enforce, shown.value(label)]) if {
	label := around.metadata.labels[namespace.enforce]
	not _level(around)
}

_level(around) if namespace.level(around, _fallback)

_counted(functions) := sprintf("Function %q", [min(functions)]) if count(functions) == 1

_counted(functions) := sprintf("Function %q and %d more", [min(functions), count(functions) - 1]) if {
	count(functions) > 1
}

_recent(around) if namespace.version(around) == "latest"

_recent(around) if _minor(namespace.version(around)) >= _minor(input.parameters.minEnforceVersion)

# The form that Pod Security admission takes (k8s.io/pod-security-admission, api/helpers.go).
_minor(version) := to_number(groups[1]) if {
	is_string(version)
	some groups in regex.find_all_string_submatch_n(`^v1\.(0|[1-9][0-9]{0,8})$`, version, 1)
}

default _pin(_) := "isn't known, nor which version of its level it pins"

_pin(around) := sprintf("pins its level to %s, before %s", [version, _oldest]) if {
	version := namespace.version(around)
	_minor(version)
}

_pin(around) := sprintf("pins its level to %s, which is no version", [shown.value(version)]) if {
	version := namespace.version(around)
	not _numbered(version)
}

_numbered(version) if is_number(_minor(version))

default _oldest := "any that is allowed"

_oldest := input.parameters.minEnforceVersion if is_string(input.parameters.minEnforceVersion)

# v1alpha2, then v1alpha1, where the source is text and `type: git` makes it the name of a GitRepository.
_inline(function) if {
	is_string(function.spec.source.inline.source)
	not _git(function)
}

_inline(function) if {
	is_string(function.spec.source)
	object.get(function.spec, "type", "") in {"", "inline"}
}

_git(function) if "gitRepository" in object.keys(function.spec.source)

default _source(_) := ["spec", "source", "gitRepository"]

_source(function) := ["spec", "type"] if is_string(function.spec.source)

# The other Functions of the namespace, but for those that plainly have nothing but an inline source.
_others := [function |
	space := namespace.name(input.review)
	some version, names in inventory.versioned("Function", space)
	plain := {name |
		source := data.inventory.namespace[space][version].Function[name].spec.source
		is_string(source.inline.source)
		object.remove(source, ["inline"]) == {}
	}
	itself := {name | name := input.review.object.metadata.name}
	some name in ((names - plain) - itself)
	function := data.inventory.namespace[space][version].Function[name]
]
