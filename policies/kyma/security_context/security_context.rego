# METADATA
# title: Security context
# description: |
#   A Function may replace every field of the security contexts that Kyma gives its pod. Pod Security judges pods, not
#   Functions: a Function whose pods it rejects is accepted and never starts, and one it tolerates can still be weaker
#   than Kyma made it. So this policy judges the contexts that will reach the pod: Kyma's defaults, each field replaced
#   by the Function's if that isn't null.
#
#   A field that violates `baseline` is reported by KFS-511 alone. Of the others, those that violate `restricted` are
#   reported by KFS-512 where the namespace enforces it, because the pod is rejected there, and by KFS-514 everywhere,
#   because the profile demands it. The init container of a Git source is Kyma's, see KFS-505.
# schemas:
#   - input: schema.security_context
# custom:
#   kind: KymaFunctionSecurityContext
#   fact: pod-security
#   match:
#     - apiGroups: [serverless.kyma-project.io]
#       kinds: [Function]
#   parameters:
#     clusterDefaultLevel:
#       type: string
#       enum: [none, privileged, baseline, restricted]
#       default: none
#       description: |
#         The level that the cluster's admission configuration enforces in a namespace without the label; none if it
#         has no such configuration.
#     weakerFields:
#       type: string
#       enum: [all, withinRestricted]
#       default: all
#       profiles: {strict: withinRestricted}
#       description: |
#         What KFS-513 reports: all fields that are weaker than Kyma's default, or only those within the limits of Pod
#         Security restricted. KFS-514 reports the rest, so with both rules on a field is reported once.
package kyma.security_context

import data.lib.kfs.finding
import data.lib.kfs.namespace
import data.lib.kfs.podsecurity

# METADATA
# title: Security context violates Pod Security baseline
# scope: rule
# custom:
#   id: KFS-511
#   severity: high
#   flavors: [buildless]
#   profiles: {baseline: deny, strict: deny}
#   remediation: |
#     Remove the field from spec.podSecurityContext or spec.containerSecurityContext, Kyma's default is safe; remove an
#     AppArmor annotation that isn't `runtime/default`.
violation contains finding.new(rego.metadata.rule(), array.concat(["spec"], offence.path), message) if {
	input.review.object.kind == "Function"
	some offence in _below_baseline

	message := sprintf("%s: Pod Security baseline forbids it", [offence.problem])
}

# METADATA
# title: Security context violates Pod Security restricted, which the namespace enforces
# scope: rule
# custom:
#   id: KFS-512
#   severity: high
#   flavors: [buildless]
#   profiles: {baseline: deny, strict: deny}
#   inventory: [Namespace]
#   remediation: |
#     Remove the field from spec.podSecurityContext or spec.containerSecurityContext, Kyma's default complies with
#     restricted; with own capabilities keep `drop: [ALL]`.
violation contains finding.new(rego.metadata.rule(), array.concat(["spec"], offence.path), message) if {
	input.review.object.kind == "Function"
	finding.selected(rego.metadata.rule())
	_restricted_enforced
	some offence in _below_restricted

	message := sprintf("%s: namespace %q enforces restricted and rejects the pod", [
		offence.problem,
		namespace.name(input.review),
	])
}

# METADATA
# title: Security context weaker than Kyma's default
# scope: rule
# custom:
#   id: KFS-513
#   severity: medium
#   flavors: [buildless]
#   profiles: {baseline: warn, strict: deny}
#   remediation: |
#     Remove the field from spec.podSecurityContext or spec.containerSecurityContext: a given field replaces Kyma's
#     whole field, so that `capabilities: {}` loses `drop: [ALL]`. Any added capability goes beyond Kyma's default; a
#     Function that can't do without one needs an exemption.
violation contains finding.new(rego.metadata.rule(), array.concat(["spec"], offence.path), message) if {
	input.review.object.kind == "Function"
	some offence in _weaker

	message := sprintf("%s, weaker than Kyma's default", [offence.problem])
}

# METADATA
# title: Security context violates Pod Security restricted
# scope: rule
# custom:
#   id: KFS-514
#   severity: medium
#   flavors: [buildless]
#   profiles: {strict: deny}
#   remediation: |
#     Remove the field from spec.podSecurityContext or spec.containerSecurityContext, Kyma's default complies with
#     restricted; with own capabilities keep `drop: [ALL]`.
violation contains finding.new(rego.metadata.rule(), array.concat(["spec"], offence.path), message) if {
	input.review.object.kind == "Function"
	some offence in _below_restricted

	message := sprintf("%s: Pod Security restricted forbids it", [offence.problem])
}

# Paths from here on begin below spec.
_below_baseline := union({_context_offences, _annotation_offences, _unreadable})

_context_offences contains offence if {
	_customised
	some offence in podsecurity.baseline(_pod, _container)
}

_baseline_paths := {offence.path | some offence in _below_baseline}

_below_restricted contains offence if {
	_customised
	some offence in podsecurity.restricted(_pod, _container)
	path := offence.path
	not path in _baseline_paths
}

# Kyma's defaults comply: only what the Function gives can offend.
_customised if count(_given_pod) > 0

_customised if count(_given_container) > 0

_weaker contains offence if {
	_customised
	some offence in _hardening_lost
	path := offence.path
	not path in _baseline_paths
}

# The default has no runAsNonRoot for the pod, only for the container, where it counts more.
_weaker contains offence if {
	not _restricted_apart
	some offence in _below_restricted
	offence.path != ["podSecurityContext", "runAsNonRoot"]
}

_restricted_apart if input.parameters.weakerFields == "withinRestricted"

# Weaker than the default, though Pod Security restricted has nothing against it.
_hardening_lost := union({
	podsecurity.added_capabilities(_container, set()) - _below_restricted,
	{podsecurity.offence("containerSecurityContext", _container, ["readOnlyRootFilesystem"]) |
		_container.readOnlyRootFilesystem != true
	},
	{podsecurity.offence(level, context, [field]) |
		some level, context in _contexts
		some field in _group_fields[level]
		group := podsecurity.given(context, [field])
		not podsecurity.ordinary_id(group)
	},
	{podsecurity.offence("podSecurityContext", _pod, ["supplementalGroups"]) |
		groups := _pod.supplementalGroups
		not is_array(groups)
	},
	{podsecurity.offence("podSecurityContext", _pod, ["supplementalGroups", i]) |
		is_array(_pod.supplementalGroups)
		some i, group in _pod.supplementalGroups
		not podsecurity.ordinary_id(group)
	},
	{podsecurity.offence(level, context, ["seLinuxOptions", key]) |
		some level, context in _contexts
		some key, harmless in _selinux
		value := podsecurity.given(context, ["seLinuxOptions", key])
		not value in harmless
	},
})

_group_fields := {
	"podSecurityContext": {"runAsGroup", "fsGroup"},
	"containerSecurityContext": {"runAsGroup"},
}

# Left alone, the container runtime gives type container_t and each pod a level of its own, which keeps pods apart.
_selinux := {
	"type": {"", "container_t"},
	"level": {""},
}

_contexts := {"podSecurityContext": _pod, "containerSecurityContext": _container}

# The defaults and the merge are the buildless controller's since 1.10 (kyma-project/serverless,
# internal/controller/resources/deployment.go).
_pod := _effective(_given_pod, {
	"runAsUser": 1000,
	"runAsGroup": 1000,
	"fsGroup": 1000,
	"supplementalGroups": [1000],
	"seccompProfile": {"type": "RuntimeDefault"},
})

_container := _effective(_given_container, {
	"privileged": false,
	"capabilities": {"drop": ["ALL"]},
	"procMount": "Default",
	"readOnlyRootFilesystem": true,
	"allowPrivilegeEscalation": false,
	"runAsNonRoot": true,
})

_effective(given, defaults) := object.union(object.remove(defaults, replaced), replaced) if {
	replaced := {field: value |
		some field, value in given
		not is_null(value)
	}
}

default _given_pod := {}

_given_pod := input.review.object.spec.podSecurityContext if is_object(input.review.object.spec.podSecurityContext)

default _given_container := {}

_given_container := input.review.object.spec.containerSecurityContext if {
	is_object(input.review.object.spec.containerSecurityContext)
}

_annotation_offences contains _below(["annotations"], offence) if {
	some offence in podsecurity.annotations(input.review.object.spec.annotations)
}

# Deprecated, and refused by the API server of most releases.
_annotation_offences contains _below(["template", "annotations"], offence) if {
	some offence in podsecurity.annotations(input.review.object.spec.template.annotations)
}

_below(path, offence) := {"path": array.concat(path, offence.path), "problem": offence.problem}

_unreadable contains {"path": [], "problem": "spec is no object"} if {
	spec := input.review.object.spec
	not _readable(spec)
}

_unreadable contains {"path": [field], "problem": sprintf("%s is no object", [field])} if {
	some field in {"podSecurityContext", "containerSecurityContext", "annotations", "template"}
	value := input.review.object.spec[field]
	not _readable(value)
}

_unreadable contains {"path": ["template", "annotations"], "problem": "template.annotations is no object"} if {
	value := input.review.object.spec.template.annotations
	not _readable(value)
}

_readable(value) if is_object(value)

_readable(value) if is_null(value)

_restricted_enforced if namespace.level(namespace.of(input.review), _unlabelled) == "restricted"

# Pod Security Admission takes a level it doesn't know for restricted.
_restricted_enforced if {
	found := namespace.of(input.review)
	is_object(found)
	not namespace.level(found, _unlabelled)
}

default _unlabelled := "restricted"

_unlabelled := "privileged" if {
	object.get(input.parameters, "clusterDefaultLevel", "none") in {"none", "privileged", "baseline"}
}
