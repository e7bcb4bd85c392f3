# METADATA
# title: Registry credentials
# description: |
#   One account pushes the images of all namespaces. Whoever can read its Secret, or mount it in a pod, can replace the
#   image of every Function in the cluster. So it belongs where the registry is: not in the namespaces of users, and not
#   anywhere once Functions are no longer built.
#   It holds in system namespaces too: the controllers copied the credentials into them like into any other.
# schemas:
#   - input: schema.registry_secret
# custom:
#   kind: KymaFunctionRegistrySecret
#   fact: namespace-access
#   match:
#     - apiGroups: [""]
#       kinds: [ConfigMap, Secret]
#   systemNamespaces: true
#   parameters:
#     registryNamespaces:
#       type: array
#       items: {type: string}
#       default: [kyma-system, docker-registry]
#       description: The namespaces of Serverless and of the registries, where the credentials belong.
package kyma.registry_secret

import data.lib.kfs.finding
import data.lib.kfs.namespace

# METADATA
# title: Push credentials in a user namespace
# scope: rule
# custom:
#   id: KFS-721
#   severity: high
#   profiles: {baseline: warn, strict: deny}
#   remediation: |
#     Delete the Secret. To pull images, use one of your own with an account that can only read. Where the
#     docker-registry module makes it, remove the module, or let nobody but its users into the namespace.
violation contains finding.new(rego.metadata.rule(), sign.at, message) if {
	input.review.object.kind == "Secret"
	review := input.review
	not _at_home(review)
	secret := review.object
	not _controllers(secret)
	sign := _signs(secret)[0]

	message := sprintf("Secret %q can push every namespace's images: %s", [_name(secret), sign.why])
}

# METADATA
# title: Left over from classic Serverless
# scope: rule
# custom:
#   id: KFS-722
#   severity: medium
#   flavors: [buildless]
#   profiles: {baseline: warn, strict: deny}
#   remediation: |
#     Delete it, with its finalizer if it hangs: buildless Serverless doesn't read it, and no controller removes it.
#     Then revoke the account that it names.
violation contains finding.new(rego.metadata.rule(), sign.at, message) if {
	input.review.object.kind in {"ConfigMap", "Secret"}
	sign := _remains(input.review)[0]

	message := sprintf("%s %q is left over from classic Serverless: %s", [
		input.review.object.kind,
		_name(input.review.object),
		sign.why,
	])
}

# METADATA
# title: The controller's copy of the push credentials
# scope: rule
# custom:
#   id: KFS-723
#   severity: medium
#   flavors: [classic]
#   profiles: {baseline: warn, strict: warn}
#   remediation: |
#     Keep those who may read Secrets or create pods in the namespace few. The copy goes with classic Serverless only:
#     without it builds stop.
violation contains finding.new(rego.metadata.rule(), ["metadata", "name"], message) if {
	input.review.object.kind == "Secret"
	review := input.review
	not _at_home(review)
	_controllers(review.object)

	message := sprintf(
		"Secret %q is Serverless' copy of its push credentials: it can push every namespace's images",
		[_name(review.object)],
	)
}

_at_home(review) if {
	some home in input.parameters.registryNamespaces
	home == namespace.name(review)
}

# The copy that the classic controller keeps in every namespace but its own. `managed-by: user` tells it that a user
# answers for the Secret.
_controllers(secret) if {
	secret.metadata.name == "serverless-registry-config-default"
	secret.metadata.labels[_config] == "credentials"
	not _users(secret)
}

_users(secret) if _claims(secret.metadata.labels, _managed_by, "user")

_config := "serverless.kyma-project.io/config"

_managed_by := "serverless.kyma-project.io/managed-by"

_remote := "serverless.kyma-project.io/remote-registry"

# By what a Secret shows itself to be a push credential, the plainest first.
_signs(secret) := array.concat(_classic_signs(secret), _other_signs(secret))

_classic_signs(secret) := array.concat(
	[_by_name | secret.metadata.name in {"serverless-registry-config", "serverless-registry-config-default"}],
	[_by_label(key) |
		some [key, value] in [[_remote, "config"], [_config, "credentials"], [_managed_by, "user"]]
		_claims(secret.metadata.labels, key, value)
		_bears(secret, key)
	],
)

_other_signs(secret) := [sign |
	some signs in [
		[_by_name | secret.metadata.name in {"dockerregistry-config", "dockerregistry-config-external"}],
		[_by_label(key) |
			key := "dockerregistry.kyma-project.io/config"
			_claims(secret.metadata.labels, key, "credentials")
			_docker(secret)
		],
		[{"at": ["metadata", "labels"], "why": "its labels can't be read"} |
			_unreadable(secret.metadata.labels)
			_docker(secret)
		],
		[{"at": ["data"], "why": "its keys are those of Kyma's registry configuration"} | _configuration(secret)],
	]
	some sign in signs
]

# Secrets for package registries and Git have `config: credentials` too, and are of another type.
_bears(_, key) if key == _remote

_bears(secret, _) if _docker(secret)

_docker(secret) if secret.type in {"kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg"}

_docker(secret) if {
	type := secret.type
	not is_string(type)
	not is_null(type)
}

_docker(secret) if {
	some key in [".dockerconfigjson", ".dockercfg"]
	key in _keys(secret)
}

# The internal registry's Secret has one of the first keys, an external one's has the last two.
_configuration(secret) if {
	keys := _keys(secret)
	count({"username", "password"} - keys) == 0
	some own in [{"isInternal"}, {"pullRegAddr"}, {"pushRegAddr"}, {"serverAddress", "registryAddress"}]
	count(own - keys) == 0
}

_keys(secret) := {key |
	some field in ["data", "stringData"]
	is_object(secret[field])
	some key in object.keys(secret[field])
}

# What classic Serverless leaves behind: a Secret that is still used somewhere else is a push credential, KFS-721.
_remains(review) := array.concat(_remaining_credentials(review), _remaining_parts(review.object)) if {
	review.object.kind == "Secret"
}

_remains(review) := array.concat(
	[_by_name | _left_name(review.object)],
	array.concat(
		[_by_label(key) |
			some [key, value] in [[_config, "runtime"], [_managed_by, "function-controller"]]
			_claims(review.object.metadata.labels, key, value)
		],
		_remaining_parts(review.object),
	),
) if {
	review.object.kind == "ConfigMap"
}

_remaining_credentials(review) := [_by_name] if _controllers(review.object)

_remaining_credentials(review) := [sign | _at_home(review); some sign in _classic_signs(review.object)] if {
	secret := review.object
	not _controllers(secret)
}

# Of the internal registry's chart.
_remaining_parts(resource) := [_by_label(key) |
	some key in ["app", "app.kubernetes.io/name"]
	resource.metadata.labels[key] == "docker-registry"
	some owner in ["release", "kyma-project.io/module"]
	resource.metadata.labels[owner] == "serverless"
]

_left_name(map) if map.metadata.name == "serverless-docker-registry-config"

# How the images of a runtime were built.
_left_name(map) if {
	is_string(map.metadata.name)
	regex.match(`^dockerfile-(?:nodejs|python|java)[0-9]+$`, map.metadata.name)
}

_by_name := {"at": ["metadata", "name"], "why": "its name says so"}

_by_label(key) := {"at": ["metadata", "labels", key], "why": sprintf("label %s says so", [key])}

# A label that is no text may say anything.
_claims(labels, key, value) if labels[key] == value

_claims(labels, key, _) if {
	is_object(labels)
	_unreadable_text(labels[key])
}

_unreadable_text(text) if {
	not is_null(text)
	not is_string(text)
}

_unreadable(labels) if {
	not is_null(labels)
	not is_object(labels)
}

default _name(_) := ""

_name(resource) := resource.metadata.name if is_string(resource.metadata.name)
