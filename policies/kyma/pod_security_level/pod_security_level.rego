# METADATA
# title: Pod Security level
# description: |
#   Functions need a namespace that enforces the Pod Security Standard `baseline`: less lets their pods take over the node, and
#   `restricted` stops what classic Serverless builds them with.
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
#         The level that the cluster's admission configuration enforces in a namespace without the label; none if it has no
#         such configuration.
package kyma.pod_security_level

import data.lib.kfs.finding
import data.lib.kfs.namespace

# METADATA
# title: Namespace enforces no Pod Security level
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
	not _guarded(input.review)

	message := sprintf("namespace %q enforces neither baseline nor restricted", [namespace.name(input.review)])
}

_guarded(review) if namespace.level(namespace.of(review), _fallback) in {"baseline", "restricted"}

default _fallback := "none"

_fallback := input.parameters.clusterDefaultLevel
