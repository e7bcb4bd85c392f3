# METADATA
# title: Runtime image
# description: |
#   Kyma maintains the images that Functions run in. With `spec.runtimeImageOverride` a team takes another one, and
#   answers for its vulnerabilities alone: so it must come from a known repository, be pinned, and be assessed by
#   someone. Nor does Kyma maintain the image of a retired runtime.
# schemas:
#   - input: schema.runtime_image
# custom:
#   kind: KymaFunctionRuntimeImage
#   fact: runtime-image
#   match:
#     - apiGroups: [serverless.kyma-project.io]
#       kinds: [Function]
#   parameters:
#     allowedRepositories:
#       type: array
#       items: {type: string}
#       default: [official]
#       description: |
#         Where an override may come from. `official` stands for the repositories in which Kyma publishes the runtimes
#         that are not retired. Any other entry is a registry host with any number of path segments, and allows all
#         below it: registry.example.com/platform allows registry.example.com/platform/node, not
#         registry.example.com/platform-x.
#     maxAssessmentDays:
#       type: integer
#       minimum: 0
#       default: 365
#       description: How many days ahead an assessment may end.
#     currentRuntimes:
#       type: array
#       items: {type: string}
#       default: [nodejs24]
#       description: The runtimes that Kyma supports and has announced no retirement of.
#     retiredRuntimes:
#       type: object
#       additionalProperties: {type: string}
#       default:
#         java17: "2022-12-30"
#         nodejs10: "2021-04-15"
#         nodejs12: "2022-11-02"
#         nodejs14: "2023-06-28"
#         nodejs16: "2024-03-19"
#         nodejs18: "2024-10-16"
#         nodejs20: "2026-04-30"
#         nodejs22: "2026-11-30"
#         python38: "2022-02-01"
#         python39: "2024-10-16"
#         python312: "2027-03-31"
#       description: |
#         The last day (YYYY-MM-DD, or an RFC 3339 time) of every runtime that Kyma has retired or plans to. A runtime
#         that stands neither here nor in currentRuntimes is unknown. The defaults are the days on which runtimes left
#         the Function CRD, and for nodejs20 and later the ends of the months that Kyma's documentation names (August
#         2026).
#     warnDays:
#       type: integer
#       minimum: 0
#       default: 180
#       description: How many days before its retirement a runtime is reported.
package kyma.runtime_image

import data.lib.kfs.finding
import data.lib.kfs.instant
import data.lib.kfs.reference
import data.lib.kfs.shown

# METADATA
# title: Override outside the allowed repositories
# scope: rule
# custom:
#   id: KFS-201
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   remediation: |
#     Remove `spec.runtimeImageOverride`, or take the image from one of the allowed repositories, written with its
#     registry's host in lower case.
violation contains finding.new(rego.metadata.rule(), ["spec", "runtimeImageOverride"], message) if {
	override := input.review.object.spec.runtimeImageOverride
	not _allowed(override)

	message := sprintf("runtime image %s %s", [reference.shown(override), _fault(override)])
}

# METADATA
# title: Override that isn't pinned by digest
# scope: rule
# custom:
#   id: KFS-202
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   remediation: |
#     End `spec.runtimeImageOverride` in `@sha256:` and the image's digest, 64 lower-case hex digits: a tag can be
#     moved to another image, a digest can't.
violation contains finding.new(rego.metadata.rule(), ["spec", "runtimeImageOverride"], message) if {
	override := input.review.object.spec.runtimeImageOverride
	not _pinned(override)

	message := sprintf("runtime image %s isn't pinned by a sha256 digest", [reference.shown(override)])
}

# METADATA
# title: Override without a live assessment
# scope: rule
# custom:
#   id: KFS-203
#   severity: medium
#   profiles: {baseline: warn, strict: deny}
#   remediation: |
#     Scan the image, then annotate the Function with `function-security.policy/assessed-by: <who>`,
#     `function-security.policy/assessed-image: sha256:<the override's digest>` and
#     `function-security.policy/assessed-until: <YYYY-MM-DD>`.
violation contains finding.new(rego.metadata.rule(), ["spec", "runtimeImageOverride"], message) if {
	override := input.review.object.spec.runtimeImageOverride
	not _official(override)

	faults := _assessment_faults(input.review.object, override)
	count(faults) > 0

	message := sprintf("%s of runtime image %s", [_assessment(faults), reference.shown(override)])
}

# METADATA
# title: Override by another or an older runtime
# scope: rule
# custom:
#   id: KFS-204
#   severity: medium
#   profiles: {baseline: deny, strict: deny}
#   remediation: |
#     Remove `spec.runtimeImageOverride` and set `spec.runtime` to the runtime you need, so that it is visible and
#     retired with the others.
violation contains finding.new(rego.metadata.rule(), ["spec", "runtimeImageOverride"], message) if {
	override := input.review.object.spec.runtimeImageOverride
	image := _image_runtime(override)
	runtime := _runtime(input.review.object)
	not _serves(image, runtime)

	message := sprintf("runtime image of %s isn't for runtime %s or above", [image, shown.value(runtime)])
}

# METADATA
# title: Retired or unknown runtime
# scope: rule
# custom:
#   id: KFS-205
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   remediation: |
#     Move the Function to a runtime of its language that Kyma supports: for Node.js `runtime: nodejs24`, which takes
#     buildless Serverless.
violation contains finding.new(rego.metadata.rule(), ["spec", "runtime"], message) if {
	runtime := _runtime(input.review.object)
	not _supported(runtime)

	message := sprintf("runtime %s %s", [shown.value(runtime), _end(runtime)])
}

# METADATA
# title: Runtime about to retire
# scope: rule
# custom:
#   id: KFS-206
#   severity: low
#   profiles: {baseline: warn, strict: warn}
#   remediation: |
#     Move the Function to a newer runtime of its language before that day, as soon as Kyma has one: for Node.js
#     `runtime: nodejs24`, which takes buildless Serverless.
violation contains finding.new(rego.metadata.rule(), ["spec", "runtime"], message) if {
	runtime := _runtime(input.review.object)
	_supported(runtime)
	_ends_soon(runtime)

	message := sprintf("runtime %s retires on %s", [shown.value(runtime), _retirements[runtime]])
}

_allowed(override) if {
	"official" in _allowed_repositories
	_official(override)
}

_allowed(override) if {
	some place in _allowed_repositories
	reference.within(override, place)
}

_allowed_repositories := input.parameters.allowedRepositories if is_array(input.parameters.allowedRepositories)

# Exactly these repositories: below them nobody but Kyma can push, but nothing is published there.
_official(override) if _lasting(_official_repositories[reference.repository(override)])

_fault(override) := "is no image reference" if not reference.readable(override)

_fault(override) := "is of a retired runtime" if _retired(override)

_fault(override) := "is outside the allowed repositories" if {
	reference.readable(override)
	not _retired(override)
}

_retired(override) if {
	runtime := _official_repositories[reference.repository(override)]
	not _lasting(runtime)
}

_pinned(override) if reference.digest(override)

_assessment_faults(function, override) := union({
	_assessor_faults(function),
	_image_faults(function, override),
	_time_faults(function),
})

_assessment(faults) := "no assessment" if count(faults) == 3

_assessment(faults) := sprintf("no live assessment (%s)", [concat(", ", sort(faults))]) if count(faults) < 3

default _assessor_faults(_) := {"assessed-by is missing or blank"}

_assessor_faults(function) := set() if trim_space(_annotation(function, "assessed-by")) != ""

default _image_faults(_, _) := {"assessed-image isn't its digest"}

_image_faults(function, override) := set() if _annotation(function, "assessed-image") == reference.digest(override)

default _time_faults(_) := {"assessed-until is missing or no date"}

_time_faults(function) := {"assessed-until is past"} if {
	instant.end(_annotation(function, "assessed-until")) < time.now_ns()
}

_time_faults(function) := {"assessed-until is too far ahead"} if {
	until := instant.end(_annotation(function, "assessed-until"))
	until >= time.now_ns()
	until >= _horizon
}

_time_faults(function) := set() if {
	until := instant.end(_annotation(function, "assessed-until"))
	until >= time.now_ns()
	until < _horizon
}

_annotation(function, name) := text if {
	text := function.metadata.annotations[concat("/", ["function-security.policy", name])]
	is_string(text)
}

# The end (UTC) of the day that lies maxAssessmentDays ahead, so that a date may be that day.
default _horizon := 0

_horizon := (last - (last % _day)) + _day if {
	is_number(input.parameters.maxAssessmentDays)
	last := time.now_ns() + (floor(input.parameters.maxAssessmentDays) * _day)
}

# The runtime of an image that Kyma publishes or once did: until 2023 on eu.gcr.io, since then in Artifact Registry.
_image_runtime(override) := groups[1] if {
	some groups in regex.find_all_string_submatch_n(_publications, reference.repository(override), 1)
}

_publications := concat("/", [
	`^(?:eu\.gcr\.io/kyma-project|europe-docker\.pkg\.dev/kyma-project/[^/]+)`,
	`function-runtime-([a-z]+[0-9]+)(?:-fips)?$`,
])

_serves(image, runtime) if {
	offered := _language(image)
	wanted := _language(runtime)
	offered.name == wanted.name
	offered.version >= wanted.version
}

# Python's versions are written without the dot: 39 is 3.9 and 312 is 3.12. As numbers they have the right order.
_language(runtime) := {"name": groups[1], "version": to_number(groups[2])} if {
	is_string(runtime)
	some groups in regex.find_all_string_submatch_n(`^([a-z]+)([1-9][0-9]{0,3})$`, runtime, 1)
}

default _runtime(_) := null

_runtime(function) := function.spec.runtime

# v1alpha1 doesn't require it: the webhook wrote nodejs14 (Kyma 2.0.0).
_runtime(function) := "nodejs14" if {
	function.apiVersion == "serverless.kyma-project.io/v1alpha1"
	is_object(function.spec)
	not _says_runtime(function)
}

_says_runtime(function) if "runtime" in object.keys(function.spec)

_supported(runtime) if {
	_known(runtime)
	_lasting(runtime)
}

_known(runtime) if {
	is_array(input.parameters.currentRuntimes)
	runtime in input.parameters.currentRuntimes
}

_known(runtime) if runtime in object.keys(_retirements)

# No retirement is announced, or its day isn't over.
_lasting(runtime) if not _announced(runtime)

_lasting(runtime) if instant.end(_retirements[runtime]) >= time.now_ns()

_announced(runtime) if runtime in object.keys(_retirements)

# Without dates every runtime counts as retired.
_announced(_) if not _dated

_dated if is_object(input.parameters.retiredRuntimes)

_retirements := input.parameters.retiredRuntimes if _dated

default _end(_) := "isn't one that Kyma supports"

_end(runtime) := sprintf("retired on %s", [_retirements[runtime]]) if instant.readable(_retirements[runtime])

_ends_soon(runtime) if instant.end(_retirements[runtime]) - time.now_ns() <= _notice

# Longer than any date that can be read lies ahead.
default _notice := 20000000000000000000

_notice := input.parameters.warnDays * _day if is_number(input.parameters.warnDays)

# In nanoseconds.
_day := 86400000000000

# Where Kyma publishes, with the runtime. The FIPS images (since 1.11) are in restricted-prod; python312 has none.
# nodejs26 and python314 have images, though no release takes them as spec.runtime yet (serverless, August 2026).
_official_repositories := {
	"europe-docker.pkg.dev/kyma-project/prod/function-runtime-nodejs22": "nodejs22",
	"europe-docker.pkg.dev/kyma-project/prod/function-runtime-nodejs24": "nodejs24",
	"europe-docker.pkg.dev/kyma-project/prod/function-runtime-nodejs26": "nodejs26",
	"europe-docker.pkg.dev/kyma-project/prod/function-runtime-python312": "python312",
	"europe-docker.pkg.dev/kyma-project/prod/function-runtime-python314": "python314",
	"europe-docker.pkg.dev/kyma-project/restricted-prod/function-runtime-nodejs22-fips": "nodejs22",
	"europe-docker.pkg.dev/kyma-project/restricted-prod/function-runtime-nodejs24-fips": "nodejs24",
	"europe-docker.pkg.dev/kyma-project/restricted-prod/function-runtime-python314-fips": "python314",
}
