# METADATA
# title: Mesh membership
# description: |
#   What protects a Function's pod finds it by its labels: the sidecar's injection, network policies, Services. A
#   Function writes labels and annotations on its pod itself, and so can leave the mesh, go through networks, or take
#   another's traffic; and any other workload can put on a Function's labels and take the Function's traffic, with the
#   tokens in it.
# schemas:
#   - input: schema.mesh_membership
# custom:
#   kind: KymaFunctionMeshMembership
#   fact: no-authorization
#   match:
#     - apiGroups: [serverless.kyma-project.io]
#       kinds: [Function]
#     - apiGroups: [""]
#       kinds: [Pod]
#     - apiGroups: [apps]
#       kinds: [Deployment, StatefulSet, ReplicaSet, DaemonSet]
#     - apiGroups: [batch]
#       kinds: [Job, CronJob]
#     - apiGroups: [networking.istio.io]
#       kinds: [WorkloadEntry]
#   parameters:
#     flavor:
#       type: string
#       enum: [classic, buildless]
#       default: classic
#       flavors: {buildless: buildless}
#       description: |
#         The flavor of Serverless. Anything but buildless means that Functions are built in their namespace, by pods
#         that have the Function's own labels.
package kyma.mesh_membership

import data.lib.kfs.endpoints
import data.lib.kfs.finding
import data.lib.kfs.function
import data.lib.kfs.namespace
import data.lib.kfs.selector

# METADATA
# title: Pod out of the mesh, or with a weaker sidecar
# scope: rule
# custom:
#   id: KFS-411
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   remediation: |
#     Remove the label or annotation from `spec`. What Istio enforces for the Function (tokens, callers, mTLS) is
#     enforced by the pod's sidecar, as the mesh configures it.
violation contains finding.new(rego.metadata.rule(), mark.at, message) if {
	input.review.object.kind == "Function"
	some mark in _marks(input.review.object)
	effect := _effect(mark.key, mark.value)

	message := sprintf("%s %s", [mark.name, effect])
}

# METADATA
# title: Labels that open networks or take traffic
# scope: rule
# custom:
#   id: KFS-412
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   inventory: [Service]
#   remediation: |
#     Remove the label, or give it a value that no network policy and no other Service's selector asks for. If the name
#     is what a Service asks for, add `serverless.kyma-project.io/function-name` to its selector, or rename one of them.
violation contains finding.new(rego.metadata.rule(), grant.at, grant.message) if {
	input.review.object.kind == "Function"
	finding.selected(rego.metadata.rule())
	some grant in _grants(input.review.object)
}

# METADATA
# title: Workload in the clothes of a Function
# scope: rule
# custom:
#   id: KFS-413
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   remediation: |
#     Remove the `serverless.kyma-project.io/*` labels from the workload and its pods. Only what Kyma's controllers make
#     of a Function has them.
violation contains finding.new(rego.metadata.rule(), disguise.at, disguise.message) if {
	input.review.object.kind in {
		"CronJob",
		"DaemonSet",
		"Deployment",
		"Job",
		"Pod",
		"ReplicaSet",
		"StatefulSet",
		"WorkloadEntry",
	}
	some disguise in _disguises(input.review.object)
}

# The labels and annotations that a Function puts on its pod, each with its place and, for messages, its name.
_marks(resource) := readable | unreadable if {
	readable := {{
		"at": array.concat(place.at, [key]),
		"name": sprintf("%s %q", [place.noun, key]),
		"key": key,
		"value": value,
	} |
		some place in _places
		some key, value in _map(resource, place.at)
	}
	unreadable := {{"at": place.at, "name": sprintf("the pod's %ss", [place.noun]), "key": "", "value": null} |
		some place in _places
		at := place.at
		not _readable(resource, at)
	}
}

_places := [
	{"at": ["spec", "annotations"], "noun": "annotation"},
	{"at": ["spec", "labels"], "noun": "label"},
	{"at": ["spec", "template", "annotations"], "noun": "annotation"},
	{"at": ["spec", "template", "labels"], "noun": "label"},
]

_map(resource, path) := found if {
	found := _member(resource, path)
	is_object(found)
}

_readable(resource, path) if _member(resource, path) == null

_readable(resource, path) if is_object(_member(resource, path))

_effect("", _) := "can't be read"

# Whether a key is read as label or as annotation differs by Istio's version: both count.
_effect(key, value) := _effects[key] if not _harmless(key, value)

_effect(key, value) := effect if {
	not _listed_by_key(key)
	effect := _domain_effects[_domain(key)]
	not _harmless(key, value)
}

_listed(key) if _listed_by_key(key)

_listed(key) if _domain_effects[_domain(key)]

_listed_by_key(key) if _effects[key]

_domain(key) := split(key, "/")[0]

_out := "takes the pod out of the mesh"

_weaker := "weakens the pod's sidecar"

_past := "leads traffic past the pod's sidecar"

_effects := {
	"istio.io/dataplane-mode": _out,
	"istio.io/reroute-virtual-interfaces": _past,
	"istio.io/use-waypoint": _past,
	"istio.io/use-waypoint-namespace": _past,
	"k8s.v1.cni.cncf.io/networks": _past,
	"security.istio.io/tlsMode": "makes clients send the pod clear text",
	"sidecar.istio.io/inject": _out,
	"sidecar.istio.io/interceptionMode": _past,
	"sidecar.istio.io/status": _out,
	"v1.multus-cni.io/default-network": _past,
}

# Domains whose keys all count, but for what _harmless names: a new one is judged before anybody has read about it.
# Both controllers write proxy.istio.io/config themselves, over the Function's.
_domain_effects := {
	"ambient.istio.io": _past,
	"container.apparmor.security.beta.kubernetes.io": "takes AppArmor's confinement from the pod",
	"container.seccomp.security.alpha.kubernetes.io": "takes seccomp's confinement from the pod",
	"inject.istio.io": _weaker,
	"proxy.istio.io": _weaker,
	"rt-cfg.kyma-project.io": "changes where the pod's images come from",
	"seccomp.security.alpha.kubernetes.io": "takes seccomp's confinement from the pod",
	"sidecar.istio.io": _weaker,
	"status.sidecar.istio.io": _weaker,
	"traffic.sidecar.istio.io": _past,
}

# Istio's versions read anything but "true" in different ways, so nothing else keeps the pod in the mesh for sure.
_harmless(key, value) if value in _kept_values[key]

_harmless(key, value) if {
	key in _harmless_keys
	is_string(value)
}

# Named in capitals, a level isn't one that Envoy knows.
_harmless(key, value) if {
	key in {"sidecar.istio.io/agentLogLevel", "sidecar.istio.io/logLevel"}
	is_string(value)
	regex.match(`^(?:default:)?(?:none|off|critical|error|warn|warning|info)$`, value)
}

# All addresses, or all ports.
_harmless(key, value) if {
	startswith(key, "traffic.sidecar.istio.io/include")
	value == "*"
}

_harmless(key, value) if {
	endswith(_domain(key), ".kubernetes.io")
	is_string(value)
	regex.match(`^(?:runtime/default|docker/default|localhost/[^\s]+)$`, value)
}

_kept_values := {
	"inject.istio.io/templates": {"sidecar"},
	"security.istio.io/tlsMode": {"istio"},
	"sidecar.istio.io/inject": {"true"},
	"sidecar.istio.io/nativeSidecar": {"true"},
	"sidecar.istio.io/proxyImageType": {"distroless"},
}

_harmless_keys := {
	"proxy.istio.io/config",
	"sidecar.istio.io/extraStatTags",
	"sidecar.istio.io/proxyCPU",
	"sidecar.istio.io/proxyCPULimit",
	"sidecar.istio.io/proxyMemory",
	"sidecar.istio.io/proxyMemoryLimit",
	"sidecar.istio.io/rewriteAppHTTPProbers",
	"sidecar.istio.io/statsCompression",
	"sidecar.istio.io/statsEvictionInterval",
	"sidecar.istio.io/statsFlushInterval",
	"sidecar.istio.io/statsHistogramBuckets",
	"sidecar.istio.io/statsInclusionPrefixes",
	"sidecar.istio.io/statsInclusionRegexps",
	"sidecar.istio.io/statsInclusionSuffixes",
}

# The labels by which Kyma's network policies let pods through, those whose value nobody knows, and those by which
# other Services select the pod.
_grants(resource) := opened | (unknown | (caught | (built | unclear))) if {
	opened := {{"at": array.concat(at, [key]), "message": message} |
		some at in _label_places
		some key, _ in _map(resource, at)
		regex.match(`^networking\.(?:[0-9a-z.-]+\.)?kyma-project\.io/`, key)
		message := sprintf("label %q opens networks to the pod", [key])
	}
	unknown := {{"at": array.concat(at, [key]), "message": message} |
		some at in [["spec", "labels"], ["spec", "template", "labels"]]
		some key, value in _map(resource, at)
		not is_string(value)
		not _listed(key)
		message := sprintf("label %q is no text, so any selector may ask for it", [key])
	}
	caught := {{"at": at, "message": message} |
		some at, names in _captures(resource)
		message := sprintf("%s the pod behind Service %q%s", [_puts(at), sort(names)[0], _more(names)])
	}
	built := {{"at": at, "message": message} |
		some at, names in _build_captures(resource)
		message := sprintf("%s the build pod behind Service %q%s", [_puts(at), sort(names)[0], _more(names)])
	}
	unclear := {{"at": ["metadata", "name"], "message": message} |
		names := _unreadable
		count(names) > 0
		message := sprintf("the selector of Service %q%s can't be read", [sort(names)[0], _more(names)])
	}
}

_label_places contains ["spec", "labels"]

_label_places contains ["spec", "template", "labels"]

# The pods that build a Function have its own labels.
_label_places contains ["metadata", "labels"] if not _buildless

_buildless if input.parameters.flavor == "buildless"

_puts(at) := "its name puts" if at == ["metadata", "name"]

_puts(at) := sprintf("label %q puts", [at[count(at) - 1]]) if at != ["metadata", "name"]

_more(names) := "" if count(names) == 1

_more(names) := sprintf(" and %d more", [count(names) - 1]) if count(names) > 1

# By the place of the label that does it: the names of the Services whose selectors take the pod.
_captures(resource) := {at: names |
	pod := function.serving_pod(resource)
	caught := {[_captor(resource, labels), name] | some [name, labels] in _catching(pod)}
	some [at, _] in caught
	names := {name | some [place, name] in caught; place == at}
}

# The same of the pod that builds the Function: it has no sidecar, and runs what its dependencies do on installation. No
# Deployment gives it a hash.
_build_captures(resource) := {at: names |
	not _buildless
	own := object.keys(_map(resource, ["metadata", "labels"]))
	caught := {[["metadata", "labels", key], name] |
		some [name, labels] in _catching(function.build_pod(resource))
		not _hashed(name)
		key := min(own & object.keys(labels))
	}
	some [at, _] in caught
	names := {name | some [place, name] in caught; place == at}
}

_hashed(name) if _ = _services[name].spec.selector["pod-template-hash"]

# The Services whose selectors ask for nothing that the pod doesn't have.
_catching(pod) := [[name, labels] |
	some name in endpoints.near(_namespace, pod)
	asked := _services[name].spec.selector
	is_object(asked)
	labels := endpoints.foreseeable(asked)
	object.subset(pod, labels)
	selector.labels_readable(labels)
	not _aimed(labels)
	_selects(name)
]

# The Function's label that the selector asks for; where it asks for none, the name. What Istio writes on every pod is
# nobody's doing.
_captor(resource, labels) := min(places) if {
	places := _captors(resource, labels)
	count(places) > 0
}

_captor(resource, labels) := ["metadata", "name"] if {
	count(_captors(resource, labels)) == 0
	some key in {_name_label, "service.istio.io/canonical-name"}
	_ = labels[key]
}

_captors(resource, labels) := {array.concat(at, [key]) |
	keys := object.keys(labels) - {_name_label}
	some at in [["spec", "labels"], ["spec", "template", "labels"]]
	some key, _ in _map(resource, at)
	key in keys
}

_unreadable contains name if {
	some name in endpoints.unreadable(_namespace)
	_selects(name)
}

# Without endpoints of its own, an ExternalName has no use for a selector.
_selects(name) if {
	type := object.get(_services[name], ["spec", "type"], null)
	type != "ExternalName"
}

_services := data.inventory.namespace[_namespace].v1.Service

_namespace := namespace.name(input.review)

# Kyma's labels alone are an alias, and who asks for one Function's name or uuid means that Function.
_aimed(labels) if count(object.keys(labels) - _shared) == 0

_aimed(labels) if {
	some key in ["serverless.kyma-project.io/function-name", "serverless.kyma-project.io/uuid"]
	_ = labels[key]
}

_shared := {"serverless.kyma-project.io/managed-by", "serverless.kyma-project.io/resource"}

_name_label := "app.kubernetes.io/name"

# The places where a workload or its template wears a Function's labels, though no Function's controller made it.
_disguises(resource) := worn | unreadable if {
	worn := {{"at": array.concat(at, [key]), "message": message} |
		some at in _label_maps
		labels := _map(resource, at)
		keys := [key | some key, _ in labels; startswith(key, "serverless.kyma-project.io/")]
		count(keys) > 0
		not _made(resource, labels)
		key := min(keys)
		message := sprintf("%s wears label %q%s of a Function, but none owns it", [resource.kind, key, _more(keys)])
	}
	unreadable := {{"at": at, "message": message} |
		some at in _label_maps
		not _readable(resource, at)
		message := sprintf("the labels of this %s can't be read", [resource.kind])
	}
}

# Istio takes both labels of a WorkloadEntry, whatever its address, and a Service selects it as it selects pods (istio:
# pilot/pkg/serviceregistry/serviceentry/conversion.go).
_label_maps := [
	["metadata", "labels"],
	["spec", "labels"],
	["spec", "jobTemplate", "metadata", "labels"],
	["spec", "jobTemplate", "spec", "template", "metadata", "labels"],
	["spec", "template", "metadata", "labels"],
]

# True where the controllers made it of the Function that the labels name. The names must go together: else a pod of
# any Deployment could put on the labels and keep its owner.
_made(resource, labels) if {
	owner := _controller(resource)
	named := labels["serverless.kyma-project.io/function-name"]
	is_string(named)
	some maker in _makers[resource.kind]
	owner.kind == maker.kind
	regex.match(sprintf(`^%s/[0-9a-z]+$`, [maker.group]), owner.apiVersion)
	_descends(owner.name, named, maker)
}

# Kubernetes cuts a name to 58 characters before it adds five of its own, without vowels and what looks like others
# (k8s.io/apimachinery/pkg/util/rand): `orders-cache` is no Deployment of the Function orders.
_descends(name, named, maker) if {
	stem := substring(concat("", [named, maker.infix]), 0, maker.length)
	startswith(name, stem)
	regex.match(maker.rest, substring(name, count(stem), -1))
}

_makers := {
	"Deployment": [_function],
	"Job": [_function],
	"ReplicaSet": [{
		"group": `apps`, "kind": "Deployment",
		"infix": "-", "length": 58, "rest": `^[bcdfghjklmnpqrstvwxz2456789]{5}$`,
	}],
	"Pod": [
		{
			"group": `apps`, "kind": "ReplicaSet",
			"infix": "-", "length": 58, "rest": `^[bcdfghjklmnpqrstvwxz2456789]{5}-[0-9a-z]+$`,
		},
		{
			"group": `batch`, "kind": "Job",
			"infix": "-build-", "length": 58, "rest": `^[bcdfghjklmnpqrstvwxz2456789]{5}$`,
		},
	],
}

_function := {
	"group": `serverless\.kyma-project\.io`, "kind": "Function",
	"infix": "", "length": -1, "rest": `^$`,
}

# The API server lets an object have one controller.
_controller(resource) := owners[0] if {
	references := _member(resource, ["metadata", "ownerReferences"])
	is_array(references)
	owners := [reference | some reference in references; reference.controller == true]
	count(owners) == 1
	every key in ["apiVersion", "kind", "name", "uid"] { _filled(owners[0][key]) }
}

_filled(text) if {
	is_string(text)
	trim_space(text) != ""
}

_member(resource, path) := object.get(resource, path, null)
