# METADATA
# title: Runtime image
# description: |
#   Kyma maintains the images that run Functions. spec.runtimeImageOverride replaces them: whoever sets it answers for the
#   security of that image, and a retired runtime gets no fixes from anyone.
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
#         Where runtime images may come from: `official`, or a host with any number of path segments, which allows all below it.
package kyma.runtime_image

import data.lib.kfs.finding
import data.lib.kfs.reference

# METADATA
# title: Override outside the allowed repositories
# scope: rule
# custom:
#   id: KFS-201
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   remediation: Remove spec.runtimeImageOverride, or use an image of an allowed repository.
violation contains finding.new(rego.metadata.rule(), ["spec", "runtimeImageOverride"], message) if {
	override := input.review.object.spec.runtimeImageOverride
	not _allowed(override)

	message := sprintf("runtime image %s is outside the allowed repositories", [reference.shown(override)])
}

_allowed(override) if {
	"official" in input.parameters.allowedRepositories
	_official(override)
}

_allowed(override) if {
	some place in input.parameters.allowedRepositories
	reference.within(override, place)
}

_official(override) if reference.repository(override) in _repositories

_repositories := {
	"europe-docker.pkg.dev/kyma-project/prod/function-runtime-nodejs22",
	"europe-docker.pkg.dev/kyma-project/prod/function-runtime-nodejs24",
	"europe-docker.pkg.dev/kyma-project/prod/function-runtime-python312",
	"europe-docker.pkg.dev/kyma-project/restricted-prod/function-runtime-nodejs22-fips",
	"europe-docker.pkg.dev/kyma-project/restricted-prod/function-runtime-nodejs24-fips",
}
