# METADATA
# title: Sensitive data
# description: |
#   Nothing scans a Function, and what stands in it is copied: into the Deployment, ConfigMaps or the image, into
#   annotations, to everyone who may view the namespace. So no secret belongs into its environment, source,
#   dependencies, labels and annotations, nor into an APIRule's headers; and nothing may make it load other code, over
#   clear text, from elsewhere, or put the platform's own Secrets into it.
# schemas:
#   - input: schema.sensitive_data
# custom:
#   kind: KymaFunctionSensitiveData
#   fact: no-scans
#   match:
#     - apiGroups: [serverless.kyma-project.io]
#       kinds: [Function, GitRepository]
#     - apiGroups: [gateway.kyma-project.io]
#       kinds: [APIRule]
#     - apiGroups: [""]
#       kinds: [Secret]
#   parameters:
#     secretsInConfigMaps:
#       type: string
#       enum: [allowed, denied]
#       default: denied
#       profiles: {baseline: allowed}
#       description: |
#         Whether an environment variable with a secret's name may come from a ConfigMap, which everyone who may view
#         the namespace can read.
#     protectedSecrets:
#       type: array
#       items: {type: string}
#       default: [serverless-registry-config*, dockerregistry-config*]
#       description: |
#         The names of Secrets that no Function may use, where * stands for any characters: by default those with which
#         images are pushed, of every namespace.
package kyma.sensitive_data

import data.lib.kfs.apirule
import data.lib.kfs.dependencies
import data.lib.kfs.finding
import data.lib.kfs.inventory
import data.lib.kfs.secret

# METADATA
# title: Secret in an environment variable
# scope: rule
# custom:
#   id: KFS-301
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   remediation: |
#     Put the value into a Secret, revoke the one that was written here, and take it from there:
#     `valueFrom: {secretKeyRef: {name: <secret>, key: <key>}}`.
violation contains finding.new(rego.metadata.rule(), fault.path, fault.message) if {
	input.review.object.kind == "Function"
	some fault in _environment_faults(input.review.object)
}

# METADATA
# title: Secret in inline source
# scope: rule
# custom:
#   id: KFS-302
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   remediation: |
#     Put the value into a Secret, revoke the one that was written here, give it to the Function in `spec.env` with
#     `secretKeyRef`, and read it in the code: `process.env.NAME`, `os.environ["NAME"]`.
violation contains finding.at_line(rego.metadata.rule(), source.path, line, message) if {
	input.review.object.kind == "Function"
	some source in _sources(input.review.object)
	some line, whats in _by_line(secret.written(source.text))

	message := sprintf("the source holds %s", [whats])
}

# METADATA
# title: Credentials in dependencies or in a Git URL
# scope: rule
# custom:
#   id: KFS-303
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   remediation: |
#     Revoke the credential. For a Git repository name a Secret in `auth: {type: basic, secretName: <secret>}`; for a
#     package registry put it into the Secret `serverless-package-registry-config` of the namespace.
violation contains _placed(rego.metadata.rule(), fault) if {
	input.review.object.kind in {"Function", "GitRepository"}
	some fault in _address_faults(input.review.object)
}

# METADATA
# title: Source or packages over clear text
# scope: rule
# custom:
#   id: KFS-304
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   remediation: |
#     Fetch over `https://`, with the registry's certificate verified: who is on the way could replace the code.
violation contains _placed(rego.metadata.rule(), fault) if {
	input.review.object.kind in {"Function", "GitRepository", "Secret"}
	some fault in _clear_faults(input.review.object)
}

# METADATA
# title: Git source that can change
# scope: rule
# custom:
#   id: KFS-305
#   severity: low
#   profiles: {strict: deny}
#   remediation: |
#     Set `reference` to the 40 hex digits of a commit and fetch over `https://`: branches and tags move, and Kyma never
#     verifies the keys of ssh hosts.
violation contains finding.new(rego.metadata.rule(), fault.path, fault.message) if {
	input.review.object.kind in {"Function", "GitRepository"}
	some fault in _git_faults(input.review.object)
}

# METADATA
# title: Dependencies not pinned
# scope: rule
# custom:
#   id: KFS-306
#   severity: low
#   profiles: {strict: warn}
#   remediation: |
#     Give every dependency one exact version: `"axios": "1.7.9"` in JSON without trailing commas, `requests==2.32.3`
#     for Python.
violation contains finding.at_line(rego.metadata.rule(), packages.path, fault.line, fault.what) if {
	input.review.object.kind == "Function"
	some packages in _dependencies(input.review.object)
	some fault in dependencies.loose(packages.text, _runtime(input.review.object), 20)
}

# METADATA
# title: Environment that redirects what the Function loads or sends
# scope: rule
# custom:
#   id: KFS-307
#   severity: medium
#   profiles: {baseline: deny, strict: deny}
#   remediation: |
#     Remove the variable. Registries belong into the Secret `serverless-package-registry-config`, and the addresses of
#     eventing and tracing into the Serverless resource.
violation contains finding.new(rego.metadata.rule(), ["spec", "env", variable.at], message) if {
	input.review.object.kind == "Function"
	some variable in _variables(input.review.object)
	effect := _effect(variable)

	message := sprintf("env %s %s", [secret.shown(variable.name), effect])
}

# METADATA
# title: Secret in annotations or labels
# scope: rule
# custom:
#   id: KFS-308
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   remediation: |
#     Remove it and revoke the credential. What `kubectl apply` has recorded goes with the next `kubectl apply`, or with
#     `kubectl apply set-last-applied`.
violation contains finding.new(rego.metadata.rule(), fault.path, fault.message) if {
	input.review.object.kind in {"Function", "GitRepository", "APIRule"}
	some fault in _metadata_faults(input.review.object)
}

# METADATA
# title: Literal credentials in an APIRule
# scope: rule
# custom:
#   id: KFS-309
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   remediation: |
#     Revoke the credential and let the Function read its successor from a Secret: everyone who may view APIRules reads
#     this one.
violation contains finding.new(rego.metadata.rule(), fault.path, fault.message) if {
	input.review.object.kind == "APIRule"
	some fault in _header_faults(input.review.object)
}

# METADATA
# title: Secret mounted over the runtime
# scope: rule
# custom:
#   id: KFS-310
#   severity: medium
#   profiles: {baseline: warn, strict: deny}
#   remediation: |
#     Mount the Secret into a folder of its own: `mountPath: /secrets/<name>`.
violation contains finding.new(rego.metadata.rule(), ["spec", "secretMounts", i, "mountPath"], message) if {
	input.review.object.kind == "Function"
	some i, mount in input.review.object.spec.secretMounts
	covered := _covered(mount)

	message := sprintf("secret mount %v %s", [i, covered])
}

# METADATA
# title: Function that uses the platform's Secrets
# scope: rule
# custom:
#   id: KFS-311
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   remediation: |
#     Remove the reference: with the credentials for pushing, any Function's image can be replaced.
violation contains finding.new(rego.metadata.rule(), used.path, message) if {
	input.review.object.kind in {"Function", "GitRepository"}
	some used in _used_secrets(input.review.object)
	_protected(used.name)

	message := sprintf("uses Secret %q, which is none for Functions", [used.name])
}

# METADATA
# title: Function that uses a service account's token
# scope: rule
# custom:
#   id: KFS-312
#   severity: high
#   profiles: {}
#   inventory: [Secret]
#   remediation: |
#     Remove the reference: with that token the Function, and whoever may change it, acts as the service account.
violation contains finding.new(rego.metadata.rule(), used.path, message) if {
	input.review.object.kind in {"Function", "GitRepository"}
	finding.selected(rego.metadata.rule())
	some used in _used_secrets(input.review.object)
	found := inventory.named("Secret", input.review.object.metadata.namespace, used.name)
	found.type == "kubernetes.io/service-account-token"

	message := sprintf("uses Secret %q, the token of a service account", [used.name])
}

_placed(rule, fault) := finding.new(rule, fault.path, fault.message) if not _has_line(fault)

_placed(rule, fault) := finding.at_line(rule, fault.path, fault.line, fault.message) if _has_line(fault)

_has_line(fault) if fault.line

# --- The environment --------------------------------------------------------------------------------------------------

# As {at, name, value, from}: its key in the list, its name, its literal as text, whether it comes from elsewhere. A
# mapping of names to values isn't what the API server takes; who writes one means this.
_variables(function) := [variable |
	some at, entry in function.spec.env
	variable := {
		"at": at,
		"name": _variable_name(at, entry),
		"value": _variable_value(entry),
		"from": _from(entry),
		"path": _variable_path(at, entry),
	}
]

default _variable_name(_, _) := ""

_variable_name(_, entry) := entry.name if is_string(entry.name)

_variable_name(at, entry) := at if {
	is_string(at)
	not is_object(entry)
}

_variable_value(entry) := _text(object.get(entry, "value", "")) if is_object(entry)

_variable_value(entry) := _text(entry) if not is_object(entry)

_variable_path(at, entry) := ["spec", "env", at, "value"] if is_object(entry)

_variable_path(at, entry) := ["spec", "env", at] if not is_object(entry)

default _from(_) := {}

_from(entry) := entry.valueFrom if is_object(entry.valueFrom)

# A number, a boolean or nothing is no secret.
_text(value) := value if is_string(value)

_text(value) := "" if _plain(value)

_text(value) := json.marshal(value) if {
	not is_string(value)
	not _plain(value)
}

_plain(value) if is_number(value)

_plain(value) if is_boolean(value)

_plain(value) if is_null(value)

_environment_faults(function) := union({
	{{"path": variable.path, "message": sprintf("env %s holds %s", [secret.shown(variable.name), what])} |
		some variable in _variables(function)
		what := _held(variable.name, variable.value)
	},
	{{"path": ["spec", "env", variable.at, "valueFrom", "configMapKeyRef"], "message": message} |
		not _config_maps_allowed
		some variable in _variables(function)
		secret.named(variable.name)
		"configMapKeyRef" in object.keys(variable.from)
		message := sprintf("env %s comes from a ConfigMap", [secret.shown(variable.name)])
	},
})

_config_maps_allowed if input.parameters.secretsInConfigMaps == "allowed"

# What a value is that holds a secret, by its shape or else by its name.
_held(_, value) := concat(" and ", sort(shapes)) if {
	shapes := {hit.what | some hit in secret.within(value)}
	count(shapes) > 0
}

_held(name, value) := "a literal under a secret's name" if {
	count(secret.within(value)) == 0
	secret.assigned(name, value)
}

# --- Source, dependencies, Git ----------------------------------------------------------------------------------------

# v1alpha2, and v1alpha1, where the source is text and `type: git` makes it the name of a GitRepository.
_sources(function) := array.concat(
	[{"path": ["spec", "source", "inline", "source"], "text": _text(text)} |
		text := function.spec.source.inline.source
	],
	[{"path": ["spec", "source"], "text": text} |
		text := function.spec.source
		is_string(text)
		not _named_repository(function)
	],
)

_named_repository(function) if function.spec.type == "git"

# What the lines hold: one secret may show itself in several ways.
_by_line(hits) := {line: concat(" and ", sort(whats)) |
	some line in {hit.line | some hit in hits}
	whats := {hit.what | some hit in hits; hit.line == line}
}

_dependencies(function) := array.concat(
	[{"path": ["spec", "source", "inline", "dependencies"], "text": text} |
		text := function.spec.source.inline.dependencies
		not is_null(text)
	],
	[{"path": ["spec", "deps"], "text": text} |
		text := function.spec.deps
		not is_null(text)
	],
)

default _runtime(_) := ""

_runtime(function) := function.spec.runtime

# Where a Function or a GitRepository names a repository.
_repositories(resource) := array.concat(
	[{"path": ["spec", "source", "gitRepository"], "git": git} |
		resource.kind == "Function"
		git := resource.spec.source.gitRepository
	],
	[{"path": ["spec"], "git": git} |
		resource.kind == "GitRepository"
		git := resource.spec
	],
)

_url(git) := object.get(git, "url", null) if is_object(git)

_url(git) := null if not is_object(git)

_address_faults(resource) := union({
	{{"path": packages.path, "line": line, "message": sprintf("the dependencies hold %s", [whats])} |
		some packages in _dependencies(resource)
		some line, whats in _by_line(secret.addressed(dependencies.unescaped(_text(packages.text))))
	},
	{{"path": array.concat(repository.path, ["url"]), "message": sprintf("the Git URL holds %s", [hit.what])} |
		some repository in _repositories(resource)
		some hit in secret.addressed(_text(_url(repository.git)))
	},
})

_clear_faults(resource) := union({
	{{"path": packages.path, "line": fault.line, "message": fault.what} |
		resource.kind == "Function"
		some packages in _dependencies(resource)
		some fault in dependencies.clear(packages.text, _runtime(resource), 20)
	},
	{{"path": array.concat(repository.path, ["url"]), "message": message} |
		some repository in _repositories(resource)
		message := _unsafe_url(_url(repository.git))
	},
	{fault |
		resource.kind == "Secret"
		some fault in _registry_faults(resource)
	},
})

_unsafe_url(url) := "the Git repository is fetched over clear text" if dependencies.clear_address(url)

_unsafe_url(url) := "the Git URL can't be read" if not _filled(url)

_filled(text) if {
	is_string(text)
	trim_space(text) != ""
}

_git_faults(resource) := union({
	{{"path": array.concat(repository.path, ["reference"]), "message": "the Git reference is no commit id"} |
		resource.kind == "Function"
		some repository in _repositories(resource)
		git := repository.git
		not _commit(git)
	},
	{{"path": ["spec", "reference"], "message": "the Git reference is no commit id"} |
		resource.kind == "Function"
		_named_repository(resource)
		git := resource.spec
		not _commit(git)
	},
	{{"path": array.concat(repository.path, ["url"]), "message": "the Git repository is fetched over ssh"} |
		some repository in _repositories(resource)
		_over_ssh(repository.git)
	},
})

_commit(git) if {
	is_string(git.reference)
	regex.match(`^[0-9a-fA-F]{40}$`, git.reference)
}

_over_ssh(git) if {
	is_string(git.url)
	regex.match(`^\s*(?:(?i:[a-z+]*ssh)://|[^/@\s]+@[^/:\s]+:)`, git.url)
}

_over_ssh(git) if git.auth.type == "key"

# --- The registry's Secret --------------------------------------------------------------------------------------------

# Kyma gives it to npm and pip, in the build (classic) or in the pod (buildless).
_registry_faults(resource) := union({
	{{"path": ["stringData", key], "line": fault.line, "message": sprintf("%q %s", [key, fault.what])} |
		some key in _registry_settings(resource)
		is_string(resource.stringData[key])
		some fault in dependencies.clear_settings(resource.stringData[key])
	},
	{{"path": ["data", key], "message": sprintf("%q %s", [key, fault.what])} |
		some key in _registry_settings(resource)
		base64.is_valid(resource.data[key])
		some fault in dependencies.clear_settings(base64.decode(resource.data[key]))
	},
	{{"path": ["data", key], "message": sprintf("%q can't be read: it is no base64", [key])} |
		some key in _registry_settings(resource)
		encoded := resource.data[key]
		not base64.is_valid(encoded)
	},
	{{"path": ["stringData", key], "message": sprintf("%q can't be read: it is no text", [key])} |
		some key in _registry_settings(resource)
		content := resource.stringData[key]
		not is_string(content)
	},
})

_registry_settings(resource) := [".npmrc", "pip.conf"] if {
	resource.metadata.name == "serverless-package-registry-config"
}

# --- Variables that redirect ------------------------------------------------------------------------------------------

_effect(variable) := effect if {
	effect := _effects[_shouted(variable.name)]
	not _without_effect(variable)
}

_effect(variable) := "redirects npm" if {
	key := _npm_key(variable.name)
	regex.match(`^(?:.*registry|https?-proxy|proxy|ca|cafile|strict-ssl|userconfig|globalconfig|//.*)$|auth`, key)
	not _without_effect(variable)
}

_effect(variable) := "has npm run other programs" if {
	_npm_key(variable.name) in {"node-options", "script-shell", "git", "prefix"}
	not _without_effect(variable)
}

_effect(variable) := "has Node.js load other code, or trust or listen to others" if {
	_shouted(variable.name) == "NODE_OPTIONS"
	regex.match(_risky_option, variable.value)
}

_effect(variable) := "comes from elsewhere, so what it makes Node.js do can't be judged" if {
	_shouted(variable.name) == "NODE_OPTIONS"
	_referred(variable)
	not _risky(variable)
}

_risky(variable) if regex.match(_risky_option, variable.value)

# Node.js takes underscores for dashes, and quotes around an option.
_risky_option := concat("", [
	`(?:^|[\s"'])(?:-r\b|--(?:require|import|(?:experimental[-_])?loader|inspect|tls|use[-_](?:openssl|system|bundled)`,
	`|openssl|insecure|env[-_]file|eval|trace[-_]tls|unhandled|experimental[-_](?:network|policy|default)))`,
])

_shouted(name) := replace(upper(name), "-", "_")

_npm_key(name) := replace(trim_prefix(lower(name), "npm_config_"), "_", "-") if startswith(lower(name), "npm_config_")

_effects := {
	"PIP_INDEX_URL": "redirects pip",
	"PIP_EXTRA_INDEX_URL": "redirects pip",
	"PIP_FIND_LINKS": "redirects pip",
	"PIP_TRUSTED_HOST": "redirects pip",
	"PIP_CONFIG_FILE": "redirects pip",
	"PIP_CERT": "redirects pip",
	"PIP_PROXY": "redirects pip",
	"LD_PRELOAD": "loads other code into every process",
	"LD_AUDIT": "loads other code into every process",
	"LD_LIBRARY_PATH": "loads other code into every process",
	"PYTHONSTARTUP": "has Python run other code",
	"PYTHONHOME": "has Python run other code",
	"NODE_TLS_REJECT_UNAUTHORIZED": "switches TLS verification off",
	"PYTHONHTTPSVERIFY": "switches TLS verification off",
	"GIT_SSL_NO_VERIFY": "switches TLS verification off",
	"NODE_EXTRA_CA_CERTS": "trusts other certificates",
	"SSL_CERT_FILE": "trusts other certificates",
	"SSL_CERT_DIR": "trusts other certificates",
	"REQUESTS_CA_BUNDLE": "trusts other certificates",
	"CURL_CA_BUNDLE": "trusts other certificates",
	"GIT_SSL_CAINFO": "trusts other certificates",
	"GIT_SSH_COMMAND": "has Git run other programs",
	"PUBLISHER_PROXY_ADDRESS": "redirects events",
	"TRACE_COLLECTOR_ENDPOINT": "redirects traces",
}

# Literals that change nothing: empty ones (Git asks only whether the variable is there), and the defaults.
_without_effect(variable) if {
	not _referred(variable)
	variable.value == ""
	_shouted(variable.name) != "GIT_SSL_NO_VERIFY"
}

_without_effect(variable) if {
	not _referred(variable)
	regex.match(_defaults[_shouted(variable.name)], variable.value)
}

_defaults := {
	"NODE_TLS_REJECT_UNAUTHORIZED": `^1$`,
	"PYTHONHTTPSVERIFY": `^1$`,
	"NPM_CONFIG_STRICT_SSL": `^true$`,
	"NPM_CONFIG_REGISTRY": `^https://registry\.npmjs\.org/?$`,
	"PIP_INDEX_URL": `^https://pypi\.org/simple/?$`,
	"PUBLISHER_PROXY_ADDRESS": `^http://eventing-publisher-proxy\.kyma-system(?:\.svc(?:\.cluster\.local)?)?/publish$`,
	"TRACE_COLLECTOR_ENDPOINT": `^http://telemetry-otlp-traces\.kyma-system\.svc\.cluster\.local:4318/v1/traces$`,
}

_referred(variable) if count(variable.from) > 0

_referred(variable) if contains(variable.value, "$(")

# --- Annotations and labels -------------------------------------------------------------------------------------------

_metadata_faults(resource) := {{"path": path, "message": message} |
	reported := _values(_leaks(resource))
	some place in _metadata_maps
	content := object.get(resource, place, {})
	is_object(content)
	some key, value in content
	path := _entry_path(place, key)
	message := _metadata_fault(concat(".", place), key, _text(value), {"object": resource, "reported": reported})
}

# Not to the key, if that is the secret.
_entry_path(place, key) := array.concat(place, [key]) if count(secret.shaped(key)) == 0

_entry_path(place, key) := place if count(secret.shaped(key)) > 0

_metadata_maps := [
	["metadata", "annotations"],
	["metadata", "labels"],
	["spec", "annotations"],
	["spec", "labels"],
	["spec", "template", "annotations"],
	["spec", "template", "labels"],
]

_metadata_fault(place, key, _, _) := sprintf("a key in %s is %s", [place, what]) if {
	what := min({hit.what | some hit in secret.shaped(key)})
}

_metadata_fault(place, key, value, known) := sprintf("%q in %s holds %s", [key, place, what]) if {
	count(secret.shaped(key)) == 0
	not _copy(value)
	what := _annotated(key, value, known.reported)
}

# kubectl's last-applied-configuration, and other tools' like it: read as the object that it was.
_metadata_fault(place, key, value, known) := sprintf("%q in %s still holds %s%s", [key, place, min(places), more]) if {
	count(secret.shaped(key)) == 0
	_copy(value)
	copied := json.unmarshal(value)
	was := object.union(copied, {"kind": known.object.kind})
	known_elsewhere := known.reported | _values(_metadata_leaks(known.object))
	places := {leak.place |
		some leak in union({_leaks(was), _metadata_leaks(was), _pasted(value)})
		count({lower(leak.value)} - known_elsewhere) > 0
	}
	count(places) > 0
	more := _more(count(places))
}

# In lower case, as what is found by name has them.
_values(leaks) := {lower(leak.value) | some leak in leaks}

default _more(_) := ""

_more(all) := sprintf(" and %d more", [all - 1]) if all > 1

_copy(value) if {
	json.is_valid(value)
	copied := json.unmarshal(value)
	is_object(copied)
	count({"spec", "metadata"} & object.keys(copied)) > 0
}

_pasted(text) := {{"place": hit.what, "value": hit.value} | some hit in secret.shaped(text)}

_annotated(_, value, reported) := concat(" and ", sort(shapes)) if {
	shapes := {hit.what |
		some hit in secret.within(value)
		count({lower(hit.value)} - reported) > 0
	}
	count(shapes) > 0
}

_annotated(key, value, reported) := "a literal under a secret's name" if {
	count(secret.within(value)) == 0
	secret.assigned(key, value)
	count({lower(value)} - reported) > 0
	not _about_a_secret(key, value)
}

# Helm's checksum/secret, and the name of a Secret.
_about_a_secret(key, _) if regex.match(`(?i)(?:checksum|hash|digest|sha256)`, key)

_about_a_secret(key, value) if {
	regex.match(`(?i)(?:secret|token|credentials?)$`, key)
	regex.match(`^[a-z]+(?:[./-][a-z]+)*(?:-[0-9])?$`, value)
	not value in {"changeme", "change-me", "changeit", "letmein", "admin", "topsecret", "qwerty"}
}

# What the other rules of this policy find in an object, as {place, value}.
_leaks(resource) := union({_function_leaks(resource), _address_leaks(resource), _header_leaks(resource)})

_function_leaks(resource) := set() if resource.kind != "Function"

_function_leaks(resource) := union({
	{{"place": sprintf("the literal of env %s", [secret.shown(variable.name)]), "value": value} |
		some variable in _variables(resource)
		_held(variable.name, variable.value)
		some value in ({variable.value} | {hit.value | some hit in secret.within(variable.value)})
	},
	{{"place": sprintf("%s in the source", [hit.what]), "value": hit.value} |
		some source in _sources(resource)
		some hit in secret.written(source.text)
	},
}) if {
	resource.kind == "Function"
}

_address_leaks(resource) := union({
	{{"place": sprintf("%s in the dependencies", [hit.what]), "value": hit.value} |
		some packages in _dependencies(resource)
		some hit in secret.addressed(dependencies.unescaped(_text(packages.text)))
	},
	{{"place": sprintf("%s in the Git URL", [hit.what]), "value": hit.value} |
		some repository in _repositories(resource)
		some hit in secret.addressed(_text(_url(repository.git)))
	},
})

_header_leaks(resource) := {{"place": sprintf("the literal of %s", [secret.shown(header.name)]), "value": value} |
	some header in _headers(resource)
	_credential(header)
	some value in ({header.value} | {hit.value | some hit in secret.within(header.value)})
}

_metadata_leaks(resource) := {{"place": sprintf("%q", [key]), "value": value} |
	some place in _metadata_maps
	content := object.get(resource, place, {})
	is_object(content)
	some key, raw in content
	text := _text(raw)
	not _copy(text)
	_annotated(key, text, set())
	some value in ({text} | {hit.value | some hit in secret.within(text)})
}

# --- APIRules ---------------------------------------------------------------------------------------------------------

_header_faults(resource) := {{"path": header.path, "message": message} |
	some header in _headers(resource)
	what := _credential(header)
	message := sprintf("%s %s of rule %v holds %s", [header.kind, secret.shown(header.name), header.rule, what])
}

# As {path, rule, kind, name, value}: what an APIRule adds to requests (v2), and all of what configures a handler or
# mutator (v1beta1, v1alpha1), to the second level by itself, what is deeper as text.
_headers(resource) := array.concat(_written(resource), _hidden(resource)) if resource.kind == "APIRule"

_headers(resource) := [] if resource.kind != "APIRule"

_written(resource) := array.concat(_requests(resource), _settings(resource))

# Those of a spec that stands in an annotation.
_hidden(resource) := [hidden |
	some spec in apirule.specs(resource)
	spec.hidden == true
	some header in _written({"spec": spec.content})
	hidden := object.union(header, {"path": spec.path, "rule": sprintf("%v of the hidden spec", [header.rule])})
]

_requests(resource) := [header |
	some i, rule in resource.spec.rules
	some field, kind in {"headers": "request header", "cookies": "request cookie"}
	some name, value in rule.request[field]
	header := {
		"path": ["spec", "rules", i, "request", field, name],
		"rule": i,
		"kind": kind,
		"name": name,
		"value": _text(value),
	}
]

_settings(resource) := [header |
	some i, rule in resource.spec.rules
	some field in ["accessStrategies", "mutators"]
	some j, handler in rule[field]
	some setting in _flattened(handler.config)
	header := {
		"path": array.concat(["spec", "rules", i, field, j, "config"], setting.path),
		"rule": i,
		"kind": "setting",
		"name": setting.name,
		"value": setting.value,
	}
]

_flattened(config) := array.concat(
	[{"path": [name], "name": name, "value": _text(value)} |
		some name, value in config
		not is_object(value)
	],
	[{"path": [group, name], "name": name, "value": _text(value)} |
		some group, values in config
		is_object(values)
		some name, value in values
	],
)

_credential(header) := _held(header.name, header.value) if _held(header.name, header.value)

_credential(header) := "a literal" if {
	not _judged(header)
	is_string(header.name)
	_for_credentials(lower(header.name))
	secret.literal(header.value)
}

_judged(header) if _held(header.name, header.value)

_for_credentials(name) if name in _credential_names

_for_credentials(name) if endswith(name, "-authorization")

_credential_names := {
	"authorization",
	"x-auth",
	"cookie",
	"set-cookie",
	"session",
	"sessionid",
	"session_id",
	"session-id",
	"sid",
	"connect.sid",
	"jsessionid",
	"phpsessid",
	"auth",
	"jwt",
}

# --- Secrets that a Function uses -------------------------------------------------------------------------------------

_used_secrets(resource) := {used |
	some used in array.concat(_mounted(resource), _referenced(resource))
	is_string(used.name)
}

_mounted(resource) := [{"path": ["spec", "secretMounts", i, "secretName"], "name": mount.secretName} |
	some i, mount in resource.spec.secretMounts
]

_referenced(resource) := array.concat(
	[{"path": ["spec", "env", i, "valueFrom", "secretKeyRef", "name"], "name": entry.valueFrom.secretKeyRef.name} |
		some i, entry in resource.spec.env
	],
	[{"path": array.concat(repository.path, ["auth", "secretName"]), "name": repository.git.auth.secretName} |
		some repository in _repositories(resource)
	],
)

_protected(name) if {
	some pattern in input.parameters.protectedSecrets
	_like(pattern, name)
}

# Without names every Secret is one.
_protected(_) if not _names_known

_names_known if is_array(input.parameters.protectedSecrets)

_like(pattern, name) if {
	_readable(pattern)
	regex.match(sprintf("^%s$", [strings.replace_n({".": `\.`, "*": ".*"}, pattern)]), name)
}

# What is no name with asterisks is a mistake, and stands for all.
_like(pattern, _) if not _readable(pattern)

_readable(pattern) if {
	is_string(pattern)
	regex.match(`^[A-Za-z0-9.*-]+$`, pattern)
}

# Where it would cover what the runtime needs: at or above such a path, or in a folder that is the runtime's alone.
_covered(mount) := "has no absolute path" if not _absolute(mount)

_covered(mount) := sprintf("lies in %s, which is the runtime's", [min(within)]) if {
	_absolute(mount)
	within := {path |
		some path in _runtime_folders
		startswith(_folder(mount.mountPath), _folder(path))
	}
	count(within) > 0
}

_covered(mount) := sprintf("covers %s, which the runtime needs", [min(covered)]) if {
	_absolute(mount)
	folder := _folder(mount.mountPath)
	covered := {path |
		some path in array.concat(_runtime_folders, _system_folders)
		startswith(_folder(path), folder)
	}
	count(covered) > 0
	count({path | some path in _runtime_folders; startswith(folder, _folder(path))}) == 0
}

_absolute(mount) if {
	is_string(mount.mountPath)
	path := trim_space(mount.mountPath)
	startswith(path, "/")
	not regex.match(`/\.\.(?:/|$)`, path)
}

# With a slash at its end, and none or dots in between.
_folder(path) := regex.replace(sprintf("%s/", [trim_space(path)]), `(?:/\.?)+/`, "/")

# Nothing else may lie in them. Kyma's images have the Function in /usr/src/app or, for Python, /kubeless; buildless
# fetches Git sources into /git-repository.
_runtime_folders := [
	"/bin", "/dev", "/etc/pki", "/etc/ssl", "/git-repository", "/kubeless", "/lib", "/lib64", "/proc", "/run/secrets",
	"/sbin", "/sys", "/usr", "/var/run/secrets",
]

# Other folders may lie in these.
_system_folders := ["/etc", "/home", "/opt", "/root", "/run", "/tmp", "/var"]
