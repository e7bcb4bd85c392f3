# METADATA
# title: Image scan
# description: |
#   Nothing in Kyma scans the images of Functions. For a Function that handles sensitive data, or brings its own image,
#   somebody must. The evidence is a VulnerabilityReport of the Trivy Operator in the Function's namespace, of its
#   workload or of its image; of several the newest counts. The label `function-security.policy/data` says what data a
#   Function handles. An image is scanned once it runs, so the request that brings it isn't judged: Gatekeeper's audit
#   judges it afterwards.
# schemas:
#   - input: schema.image_scan
# custom:
#   kind: KymaFunctionImageScan
#   fact: no-scans
#   match:
#     - apiGroups: [serverless.kyma-project.io]
#       kinds: [Function]
#   parameters:
#     harmlessData:
#       type: array
#       items: {type: string}
#       default: [internal, public]
#       description: |
#         The values of the label function-security.policy/data, in lower case, of Functions that handle no sensitive
#         data. Any other value counts as sensitive, so that a slip of the pen doesn't hide it.
#     scanOverrides:
#       type: boolean
#       default: true
#       profiles: {baseline: false}
#       description: Whether every Function with spec.runtimeImageOverride needs a report, whatever data it handles.
#     maxAgeDays:
#       type: integer
#       minimum: 0
#       default: 30
#       description: How many days old the newest report may be.
#     maxCritical:
#       type: integer
#       minimum: 0
#       default: 0
#       description: How many critical vulnerabilities the newest report may count.
#     maxHigh:
#       type: integer
#       minimum: -1
#       default: -1
#       description: How many high ones; -1 for any number.
#     flavor:
#       type: string
#       enum: [classic, buildless]
#       default: classic
#       flavors: {buildless: buildless}
#       description: |
#         The flavor of Serverless. Buildless runs an override as it is; anything else builds an image of the Function
#         on top of it.
package kyma.image_scan

import data.lib.kfs.finding
import data.lib.kfs.instant
import data.lib.kfs.namespace
import data.lib.kfs.reference
import data.lib.kfs.shown

# METADATA
# title: No recent vulnerability report
# scope: rule
# custom:
#   id: KFS-321
#   severity: medium
#   profiles: {baseline: deny, strict: deny}
#   inventory: [Namespace, VulnerabilityReport]
#   absence: true
#   remediation: |
#     Have the Trivy Operator scan the namespace (its `targetNamespaces` and registry credentials). If the Function
#     handles no sensitive data, label it `function-security.policy/data: internal` or `public`; under strict a
#     Function with `spec.runtimeImageOverride` needs a report all the same.
violation contains finding.new(rego.metadata.rule(), due.path, message) if {
	input.review.object.kind == "Function"
	finding.selected(rego.metadata.rule())
	not _early
	due := _due

	message := sprintf("the Function %s, and %s", [due.reason, _gap])
}

# METADATA
# title: Too many vulnerabilities
# scope: rule
# custom:
#   id: KFS-322
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   inventory: [VulnerabilityReport]
#   remediation: |
#     Update what the report names: take a newer digest in `spec.runtimeImageOverride`, a newer `spec.runtime`, or
#     newer versions of the dependencies.
violation contains finding.new(rego.metadata.rule(), _image_path, message) if {
	input.review.object.kind == "Function"
	finding.selected(rego.metadata.rule())
	not _early
	some report in _counting
	faults := _excesses(report)
	count(faults) > 0

	message := sprintf("vulnerability report %q %s", [report.name, concat(", ", faults)])
}

# METADATA
# title: Secrets without a word on data
# scope: rule
# custom:
#   id: KFS-323
#   severity: low
#   profiles: {strict: warn}
#   remediation: |
#     Label the Function `function-security.policy/data: sensitive`, or `internal` or `public` if the data behind its
#     Secrets is no more than that.
violation contains finding.new(rego.metadata.rule(), ["metadata", "labels", _label], message) if {
	input.review.object.kind == "Function"
	_unmarked
	count(_secret_uses) > 0

	message := sprintf("the Function %s, and no label %s says what data it handles", [_uses, _label])
}

_label := "function-security.policy/data"

# What the label says, in lower case and trimmed; null if it can't be read, undefined if it isn't there.
_marker := lower(trim_space(_value)) if is_string(_value)

_marker := null if {
	not is_null(_value)
	not is_string(_value)
}

# Labels that are no map may say anything. The API server makes an empty text of a null.
_value := object.get(_labels, _label, null) if {
	is_object(_labels)
	not _nothing
}

_value := "" if _nothing

_value := {} if {
	not is_object(_labels)
	not is_null(_labels)
}

_value := null if is_null(_labels)

_nothing if {
	is_object(_labels)
	is_null(_labels[_label])
}

_labels := object.get(input.review.object, ["metadata", "labels"], null)

_unmarked if is_null(_value)

_harmless if _unmarked

_harmless if {
	is_array(input.parameters.harmlessData)
	_marker in input.parameters.harmlessData
}

# Where it is said that the Function needs a report, and why it does.
_due := {"path": ["metadata", "labels", _label], "reason": _handles} if not _harmless

_due := {"path": ["spec", "runtimeImageOverride"], "reason": "overrides its runtime image"} if {
	_harmless
	_overridden
	not _overrides_pass
}

_handles := sprintf("handles %s data", [lower(shown.value(trim_space(_value)))]) if is_string(_marker)

_handles := "has labels that can't be read" if is_null(_marker)

_overrides_pass if input.parameters.scanOverrides == false

# Kyma takes an empty text and null for no override.
_overridden if {
	override := input.review.object.spec.runtimeImageOverride
	not is_null(override)
	override != ""
}

_image_path := ["spec", "runtimeImageOverride"] if _overridden

_image_path := ["spec", "runtime"] if not _overridden

# The image that the request brings has no report yet; the one that it replaces may be what it repairs.
_early if input.review.operation == "CREATE"

_early if {
	input.review.operation == "UPDATE"
	is_object(input.review.oldObject)
	some field in _ingredients
	brought := object.get(input.review.object, ["spec", field], null)
	brought != object.get(input.review.oldObject, ["spec", field], null)
}

_ingredients := {"runtime", "runtimeImageOverride"} if _buildless

# v1alpha2, then v1alpha1.
_ingredients := {"runtime", "runtimeImageOverride", "source", "baseDir", "deps", "reference", "type"} if not _buildless

_buildless if input.parameters.flavor == "buildless"

# What is wrong with the evidence that a Function needs; undefined if nothing is.
_gap := "has no vulnerability report" if count(_evidence) == 0

_gap := sprintf("vulnerability report %q has no time that can be read or is past", [min(names)]) if {
	count(_dated) == 0
	names := {report.name | some report in _evidence}
	count(names) > 0
}

_gap := sprintf("its newest vulnerability report is more than %s days old", [format_int(_max_age_days, 10)]) if {
	count(_dated) > 0
	time.now_ns() - _newest > _max_age_days * 86400000000000
}

default _max_age_days := 0

_max_age_days := input.parameters.maxAgeDays if is_number(input.parameters.maxAgeDays)

# The evidence with a time. Clocks of a cluster may differ by minutes; what is dated later would never be old.
_dated := {report |
	some report in _evidence
	is_number(report.time)
	report.time - time.now_ns() <= 3600000000000
}

_newest := max({report.time | some report in _dated})

# The newest reports, and those that may be.
_counting contains report if {
	some report in _dated
	report.time == _newest
}

_counting contains report if {
	some report in _evidence
	not report in _dated
}

_excesses(report) := array.concat(
	_excess(report.critical, "critical", _max_critical),
	_excess(report.high, "high", _max_high),
)

default _excess(_, _, _) := []

_excess(found, severity, allowed) := [sprintf("counts %s %s, %s allowed", [
	format_int(found, 10),
	severity,
	format_int(allowed, 10),
])] if {
	allowed >= 0
	_count(found)
	found > allowed
}

_excess(found, severity, allowed) := [sprintf("doesn't say how many %s ones there are", [severity])] if {
	allowed >= 0
	not _count(found)
}

_count(found) if {
	is_number(found)
	found >= 0
}

default _max_critical := 0

_max_critical := max({0, input.parameters.maxCritical}) if is_number(input.parameters.maxCritical)

default _max_high := 0

_max_high := input.parameters.maxHigh if is_number(input.parameters.maxHigh)

# The reports of the Function's workload; with an override those of that image, so that a report of the image before
# doesn't stand for one that can't be scanned. A report holds hundreds of vulnerabilities, and a namespace hundreds of
# reports: of each no more is read than it takes to pass it over.
_evidence contains _report(name) if {
	not _overridden
	some name in _of_workload
}

_evidence contains report if {
	_overridden
	not _buildless
	some name in _of_workload
	report := _report(name)
	_built(report)
}

_evidence contains _report(name) if {
	_overridden
	digest := reference.digest(input.review.object.spec.runtimeImageOverride)
	data.inventory.namespace[_namespace][_version].VulnerabilityReport[name].report.artifact.digest == digest
}

_evidence contains _report(name) if {
	_overridden
	[server, repository, tag] := _tagged(input.review.object.spec.runtimeImageOverride)
	report := data.inventory.namespace[_namespace][_version].VulnerabilityReport[name].report
	report.artifact.tag == tag
	report.artifact.repository == repository
	report.registry.server == server
}

_of_workload := {name |
	space := _namespace
	generated := _generated
	some name in {found | _owned[[space, generated, found]]}
}

# The reports of Functions' containers, by namespace and by what the names of their ReplicaSets begin with. These are
# <generated><five characters>-<hash>.
_owned contains [space, generated, name] if {
	metadata := data.inventory.namespace[space][_version].VulnerabilityReport[name].metadata
	metadata.labels["trivy-operator.container.name"] == "function"
	metadata.labels["trivy-operator.resource.kind"] == "ReplicaSet"
	workload := object.get(metadata, ["labels", _resource], object.get(metadata, ["annotations", _resource], ""))
	is_string(workload)
	generated := trim_suffix(workload, regex.find_n(`[a-z0-9]{5}-[a-z0-9]+$`, workload, 1)[0])
}

# The label of the workload's name. One that is too long for a label stands in an annotation of this name.
_resource := "trivy-operator.resource.name"

_namespace := namespace.name(input.review)

# What Kubernetes appends five characters to, cut to 58 (k8s.io/apiserver, names/generate.go), when it names the
# Function's Deployment.
_generated := substring(sprintf("%s-", [input.review.object.metadata.name]), 0, 58) if {
	is_string(input.review.object.metadata.name)
}

# Classic Serverless pushes what it builds as <registry>/<namespace>-<function>.
_built(report) if {
	is_string(report.repository)
	segments := split(report.repository, "/")
	segments[count(segments) - 1] == sprintf("%s-%s", [_namespace, input.review.object.metadata.name])
}

# An image without digest as Trivy writes it: registry, repository and tag.
_tagged(override) := [_server(parts[0]), concat("/", array.slice(parts, 1, count(parts))), _tag(override)] if {
	is_string(override)
	not contains(override, "@")
	parts := split(reference.repository(override), "/")
}

default _tag(_) := "latest"

_tag(override) := groups[1] if {
	some groups in regex.find_all_string_submatch_n(`:([0-9A-Za-z_][0-9A-Za-z_.-]*)$`, override, 1)
}

_server(host) := host if host != "docker.io"

_server("docker.io") := "index.docker.io"

# What matters of a report.
_report(name) := {
	"name": name,
	"time": _time(object.get(report, ["report", "updateTimestamp"], created)),
	"critical": object.get(report, ["report", "summary", "criticalCount"], null),
	"high": object.get(report, ["report", "summary", "highCount"], null),
	"repository": object.get(report, ["report", "artifact", "repository"], null),
} if {
	report := data.inventory.namespace[_namespace][_version].VulnerabilityReport[name]
	created := object.get(report, ["metadata", "creationTimestamp"], null)
}

default _time(_) := null

_time(text) := instant.end(text)

_version := "aquasecurity.github.io/v1alpha1"

_secret_uses contains sprintf("reads %s", [_secret(source, "name")]) if {
	some variable in input.review.object.spec.env
	source := variable.valueFrom.secretKeyRef
	not is_null(source)
}

_secret_uses contains sprintf("mounts %s", [_secret(mount, "secretName")]) if {
	some mount in input.review.object.spec.secretMounts
}

default _secret(_, _) := "a Secret"

_secret(source, key) := sprintf("Secret %q", [source[key]]) if is_string(source[key])

_uses := min(_secret_uses) if count(_secret_uses) == 1

_uses := sprintf("%s, and %d more", [min(_secret_uses), count(_secret_uses) - 1]) if count(_secret_uses) > 1
