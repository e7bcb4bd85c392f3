# METADATA
# title: Serverless and its registry
# description: |
#   Where Functions are built, their images go into a registry. The internal one needs more rights than Pod Security
#   grants at `restricted` (its former DaemonSet more than at `baseline`), serves plain HTTP and has one password for
#   all namespaces, so an external registry is to be used, over TLS. No part of Serverless needs rights on the node, and
#   the events and traces of all Functions stay in the cluster.
#   It holds in system namespaces too: that is where Serverless runs.
# schemas:
#   - input: schema.serverless_registry
# custom:
#   kind: KymaServerlessRegistry
#   fact: registry
#   match:
#     - apiGroups: [operator.kyma-project.io]
#       kinds: [Serverless, DockerRegistry]
#     - apiGroups: [""]
#       kinds: [Pod, ReplicationController]
#     - apiGroups: [apps]
#       kinds: [DaemonSet, Deployment, ReplicaSet, StatefulSet]
#     - apiGroups: [batch]
#       kinds: [CronJob, Job]
#   systemNamespaces: true
#   parameters:
#     clusterDefaultLevel:
#       type: string
#       enum: [none, privileged, baseline, restricted]
#       default: none
#       description: |
#         The level that the cluster's PodSecurityConfiguration enforces in namespaces without the label; none where
#         admission isn't configured, as in most clusters.
#     registryDaemonSet:
#       type: boolean
#       default: true
#       description: |
#         Whether the internal registry brings its DaemonSet, which mounts a path of the node and so can't run under
#         baseline. Kyma had it until May 2023.
#     allowedWorkloads:
#       type: array
#       items:
#         type: object
#         required: [namespace, kind, name]
#         properties:
#           namespace: {type: string}
#           kind: {type: string}
#           name: {type: string}
#       default: []
#       description: |
#         Workloads of Serverless or its registry that may have rights on the node, with the pods, ReplicaSets and Jobs
#         that their controllers make of them.
#     trustedEndpointHosts:
#       type: array
#       items: {type: string}
#       default: []
#       description: |
#         Hosts outside the cluster, in lower case, that may receive the events and traces of Functions, over https.
package kyma.serverless_registry

import data.lib.kfs.clusterurl
import data.lib.kfs.finding
import data.lib.kfs.namespace

# METADATA
# title: Internal registry enabled
# scope: rule
# custom:
#   id: KFS-601
#   severity: high
#   flavors: [classic]
#   profiles: {baseline: warn, strict: deny}
#   remediation: |
#     Set spec.dockerRegistry to `{enableInternal: false, secretName: <Secret>}`, where the Secret names an external
#     registry.
violation contains finding.new(rego.metadata.rule(), _enable_internal, message) if {
	input.review.object.kind == "Serverless"
	_internal(input.review.object)

	message := _internal_message(input.review.object)
}

# METADATA
# title: Internal registry where Pod Security stops it
# scope: rule
# custom:
#   id: KFS-602
#   severity: high
#   flavors: [classic]
#   profiles: {baseline: deny, strict: deny}
#   inventory: [Namespace]
#   remediation: |
#     Use an external registry: `spec.dockerRegistry: {enableInternal: false, secretName: <Secret>}`. If the internal
#     one comes without a DaemonSet, as since May 2023, set the parameter registryDaemonSet to false and enforce
#     baseline.
violation contains finding.new(rego.metadata.rule(), ["metadata", "namespace"], message) if {
	input.review.object.kind == "Serverless"
	finding.selected(rego.metadata.rule())
	_internal(input.review.object)
	around := namespace.of(input.review)
	not _bears_internal(around)

	message := sprintf(
		"namespace %q %s, so the internal registry can't be relied on to run",
		[namespace.name(input.review), _enforces(around)],
	)
}

# METADATA
# title: External registry where restricted isn't enforced
# scope: rule
# custom:
#   id: KFS-603
#   severity: medium
#   flavors: [classic]
#   profiles: {strict: warn}
#   inventory: [Namespace]
#   remediation: |
#     Label the Namespace `pod-security.kubernetes.io/enforce: restricted`, once all its other workloads comply: without
#     the internal registry Serverless does.
violation contains finding.new(rego.metadata.rule(), ["metadata", "namespace"], message) if {
	input.review.object.kind == "Serverless"
	finding.selected(rego.metadata.rule())
	_external(input.review.object)
	serverless := input.review.object
	not _internal(serverless)
	around := namespace.of(input.review)
	not _restricted(around)

	message := sprintf(
		"the registry is external, so namespace %q could enforce restricted, but it %s",
		[namespace.name(input.review), _enforces(around)],
	)
}

# METADATA
# title: Registry workload with rights on the node
# scope: rule
# custom:
#   id: KFS-604
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   remediation: |
#     Remove privileged, hostPath, hostPort and the host's namespaces: neither Serverless nor its registry needs them. A
#     workload that must have them goes into the parameter allowedWorkloads.
violation contains finding.new(rego.metadata.rule(), path, message) if {
	input.review.object.kind in {
		"CronJob",
		"DaemonSet",
		"Deployment",
		"Job",
		"Pod",
		"ReplicaSet",
		"ReplicationController",
		"StatefulSet",
	}
	_ours(input.review.object)
	review := input.review
	not _allowed(review)
	some right in _rights(_setting(review.object, _pod(review.object)))
	path := array.concat(_pod(review.object), right.at)

	message := sprintf("a pod of Serverless or its registry has rights on the node: %s", [right.problem])
}

# METADATA
# title: External registry without TLS
# scope: rule
# custom:
#   id: KFS-605
#   severity: medium
#   flavors: [classic]
#   profiles: {baseline: warn, strict: deny}
#   remediation: |
#     Set spec.functionBuildExecutorArgs without `--insecure` and `--skip-tls-verify`, which are the default, such as
#     `--skip-unused-stages,--log-format=text,--cache=true`.
violation contains finding.new(rego.metadata.rule(), ["spec", "functionBuildExecutorArgs"], message) if {
	input.review.object.kind == "Serverless"
	_external(input.review.object)
	message := _build_fault(_setting(input.review.object, ["spec", "functionBuildExecutorArgs"]))
}

# METADATA
# title: Registry exposed or its storage unencrypted
# scope: rule
# custom:
#   id: KFS-606
#   severity: high
#   profiles: {baseline: warn, strict: deny}
#   remediation: |
#     Set spec.externalAccess.enabled to false; remove `secure: false` and `encrypt: false` from spec.storage.s3.
violation contains finding.new(rego.metadata.rule(), fault.at, fault.message) if {
	input.review.object.kind == "DockerRegistry"
	some fault in _registry_faults(input.review.object)
}

# METADATA
# title: Events or traces leave the cluster
# scope: rule
# custom:
#   id: KFS-607
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   remediation: |
#     Name a Service of the cluster, such as `http://eventing-publisher-proxy.kyma-system.svc.cluster.local/publish`, or
#     remove the setting: that is Kyma's own.
violation contains finding.new(rego.metadata.rule(), path, message) if {
	input.review.object.kind == "Serverless"
	some path, sent in _endpoints
	endpoint := _setting(input.review.object, path)
	not endpoint in {null, ""}
	not clusterurl.local(endpoint)
	not _trusted(endpoint)

	message := sprintf("Functions' %s go to %s", [sent, _destination(endpoint)])
}

_enable_internal := ["spec", "dockerRegistry", "enableInternal"]

# The internal registry is deployed even beside secretName: that is only warned of (serverless operator, the state
# sFnRegistryConfiguration).
_internal(serverless) if {
	enabled := _setting(serverless, _enable_internal)
	not enabled in {null, false}
}

# With secretName images are pushed to the registry that its Secret names, whatever enableInternal says. With neither,
# Functions go to k3d's registry.
_external(serverless) if {
	name := _setting(serverless, ["spec", "dockerRegistry", "secretName"])
	not is_null(name)
}

_internal_message(serverless) := "the internal registry is enabled" if {
	_setting(serverless, _enable_internal) == true
	not _external(serverless)
}

_internal_message(serverless) := "the internal registry is deployed although secretName names an external one" if {
	_setting(serverless, _enable_internal) == true
	_external(serverless)
}

_internal_message(serverless) := "enableInternal can't be read, so the internal registry counts as enabled" if {
	_setting(serverless, _enable_internal) != true
}

_bears_internal(around) if _level(around) == "privileged"

_bears_internal(around) if {
	_level(around) == "baseline"
	input.parameters.registryDaemonSet == false
}

_restricted(around) if _level(around) == "restricted"

_level(around) := namespace.level(around, _fallback)

# What is not said or no level leaves an unlabelled Namespace's level undefined, which satisfies no rule.
default _fallback := "unknown"

_fallback := "privileged" if input.parameters.clusterDefaultLevel == "none"

_fallback := input.parameters.clusterDefaultLevel if input.parameters.clusterDefaultLevel != "none"

default _enforces(_) := "isn't known to enforce a Pod Security level"

_enforces(around) := "enforces no Pod Security level" if _level(around) == "privileged"

_enforces(around) := sprintf("enforces %s", [level]) if {
	level := _level(around)
	level != "privileged"
}

# Kaniko's flags, as the operator hands them over: one text, parted by commas. They switch TLS or its verification off
# for pushing, and with a suffix for pulling or for one registry.
_build_fault(arguments) := "the build arguments are the default, which holds --insecure and --skip-tls-verify" if {
	_blank(arguments)
}

_build_fault(arguments) := sprintf("the build arguments hold %s", [concat(", ", sort(insecure))]) if {
	is_string(arguments)
	insecure := {flag |
		some argument in regex.split(`[,\s]+`, arguments)
		some [_, flag, value] in regex.find_all_string_submatch_n(_insecure, argument, 1)
		not value in {"=0", "=f", "=F", "=false", "=False", "=FALSE"}
	}
	count(insecure) > 0
}

_build_fault(arguments) := "the build arguments can't be read" if {
	not is_null(arguments)
	not is_string(arguments)
}

_insecure := `^(--?(?:insecure|skip-tls-verify)(?:-pull|-registry)?)(=.*)?$`

_blank(text) if is_null(text)

_blank(text) if {
	is_string(text)
	trim_space(text) == ""
}

_registry_faults(registry) := {{"at": path, "message": message} |
	some [path, harmless, message] in [
		[["spec", "externalAccess", "enabled"], false, "the registry is exposed outside the cluster"],
		[["spec", "storage", "s3", "secure"], true, "images travel to the registry's storage in clear text"],
		[["spec", "storage", "s3", "encrypt"], true, "images are stored unencrypted"],
	]
	setting := _setting(registry, path)
	not setting in {null, harmless}
} | {{"at": path, "message": "images travel to the registry's storage in clear text"} |
	path := ["spec", "storage", "s3", "regionEndpoint"]
	endpoint := _setting(registry, path)
	is_string(endpoint)
	regex.match(`^\s*[Hh][Tt][Tt][Pp]:`, endpoint)
}

_endpoints := {
	["spec", "eventing", "endpoint"]: "events",
	["spec", "tracing", "endpoint"]: "traces",
}

_trusted(endpoint) if {
	url := clusterurl.parsed(endpoint)
	url.scheme == "https"
	url.host in input.parameters.trustedEndpointHosts
}

# The URL itself stays out of messages: it may hold a password.
default _destination(_) := "what is no URL of a Service in the cluster"

_destination(endpoint) := sprintf("host %q outside the cluster%s", [url.host, clear[url.scheme]]) if {
	url := clusterurl.parsed(endpoint)
	clear := {"http": ", in clear text", "https": ""}
}

# The labels of the object, of its Jobs and of its pods; or the name, of which a controller makes the names of pods.
_ours(workload) if {
	some path in [
		["metadata", "labels"],
		["spec", "template", "metadata", "labels"],
		["spec", "jobTemplate", "metadata", "labels"],
		["spec", "jobTemplate", "spec", "template", "metadata", "labels"],
	]
	_labelled(_setting(workload, path))
}

_ours(workload) if {
	some key in ["name", "generateName"]
	name := workload.metadata[key]
	is_string(name)
	some prefix in _names
	startswith(sprintf("%s-", [name]), prefix)
}

_labelled(labels) if {
	not is_null(labels)
	not is_object(labels)
}

_labelled(labels) if {
	some key, _ in labels
	some prefix in ["serverless.kyma-project.io/", "dockerregistry.kyma-project.io/"]
	startswith(key, prefix)
}

_labelled(labels) if {
	some key in _name_labels
	value := labels[key]
	not _elses(value)
}

# The labels of Kyma's charts since 1.0, and the values they have in those of Serverless and of the two registries.
_name_labels := [
	"app",
	"app.kubernetes.io/component",
	"app.kubernetes.io/instance",
	"app.kubernetes.io/name",
	"app.kubernetes.io/part-of",
	"kyma-project.io/module",
	"release",
]

_elses(value) if is_null(value)

_elses(value) if {
	is_string(value)
	not value in {
		"docker-registry",
		"dockerregistry",
		"serverless",
		"serverless-docker-registry",
		"serverless-docker-registry-self-signed-cert",
	}
}

_names := ["serverless-docker-registry-", "serverless-ctrl-mngr-", "dockerregistry-"]

_allowed(review) if {
	some entry in input.parameters.allowedWorkloads
	entry.namespace == namespace.name(review)
	_is(review.object, entry)
}

_is(workload, entry) if {
	workload.kind == entry.kind
	workload.metadata.name == entry.name
}

_is(workload, entry) if {
	some owner in workload.metadata.ownerReferences
	owner.controller == true
	_owns(owner, entry)
}

_owns(owner, entry) if {
	owner.kind == entry.kind
	owner.name == entry.name
}

# The pods of a Deployment and of a CronJob are those of what its controller made, and named with a suffix.
_owns(owner, entry) if {
	owner.kind == {"CronJob": "Job", "Deployment": "ReplicaSet"}[entry.kind]
	is_string(owner.name)
	name := entry.name
	is_string(name)
	startswith(owner.name, sprintf("%s-", [name]))
	suffix := substring(owner.name, count(name) + 1, -1)
	not contains(suffix, "-")
}

default _pod(_) := ["spec", "template", "spec"]

_pod(workload) := ["spec"] if workload.kind == "Pod"

_pod(workload) := ["spec", "jobTemplate", "spec", "template", "spec"] if workload.kind == "CronJob"

# What a pod is given of its node, as {"at": path in the pod's spec, "problem": ""}.
_rights(pod) := {{"at": [], "problem": "its pod can't be read"}} if not is_object(pod)

_rights(pod) := union({
	{{"at": [field], "problem": sprintf("%s is set", [field])} |
		some field in ["hostIPC", "hostNetwork", "hostPID"]
		value := object.get(pod, field, null)
		not value in {null, false}
	},
	{{"at": array.concat(volume.at, ["hostPath"]), "problem": problem} |
		some volume in _entries(pod, "volumes")
		problem := _volume_problem(volume.value)
	},
	{{"at": ["securityContext", "windowsOptions", "hostProcess"], "problem": "it is a process of the host"} |
		_set(pod, ["securityContext", "windowsOptions", "hostProcess"])
	},
	{{"at": array.concat(container.at, right.at), "problem": right.problem} |
		some list in ["containers", "ephemeralContainers", "initContainers"]
		some container in _entries(pod, list)
		some right in _container_rights(container.value)
	},
}) if {
	is_object(pod)
}

_volume_problem(volume) := sprintf("volume %q is a path of the node", [_name(volume)]) if {
	is_object(volume)
	source := object.get(volume, "hostPath", null)
	not is_null(source)
}

_volume_problem(volume) := "its volumes can't be read" if not is_object(volume)

_container_rights(container) := {{"at": [], "problem": "its containers can't be read"}} if not is_object(container)

_container_rights(container) := {{"at": path, "problem": problem} |
	some path, means in {
		["securityContext", "privileged"]: "is privileged",
		["securityContext", "windowsOptions", "hostProcess"]: "is a process of the host",
	}
	_set(container, path)
	problem := sprintf("container %q %s", [_name(container), means])
} | {{"at": array.concat(port.at, ["hostPort"]), "problem": problem} |
	some port in _entries(container, "ports")
	_on_host(port.value)
	problem := sprintf("container %q has a port of the node", [_name(container)])
} if {
	is_object(container)
}

_on_host(port) if not is_object(port)

_on_host(port) if {
	number := object.get(port, "hostPort", null)
	not number in {null, 0}
}

_set(resource, path) if {
	value := _setting(resource, path)
	not value in {null, false}
}

default _name(_) := ""

_name(resource) := resource.name if is_string(resource.name)

# A list's entries, each with its path; a list that can't be read is one entry that can't.
_entries(resource, key) := [{"at": [key, i], "value": value} | some i, value in resource[key]] if {
	is_array(resource[key])
}

_entries(resource, key) := [{"at": [key], "value": null} | not is_null(list)] if {
	list := object.get(resource, key, null)
	not is_array(list)
}

# What stands at a path. Absent is null, as for the API server; if a map on the way is none, a value that fits nothing.
_setting(resource, path) := object.get(resource, path, null) if not _hidden(resource, path)

_setting(resource, path) := ["unreadable"] if _hidden(resource, path)

_hidden(resource, path) if {
	some i, _ in path
	parent := object.get(resource, array.slice(path, 0, i), null)
	not is_null(parent)
	not is_object(parent)
}
