# METADATA
# title: Functions
# description: |
#   What the controllers make of a Function, of either served version: the labels of its pods, and so who selects them.
#   A value nobody can know yet (the uuid before the Function is created, a label that is no string) is null and agrees
#   with whatever a selector asks, see lib.kfs.selector.
package lib.kfs.function

import data.lib.kfs.inventory
import data.lib.kfs.selector

# METADATA
# description: |
#   The label maps of all pods of a Function, as a set: the runtime pod's and, except in flavor "buildless", the build
#   pod's. Give the flavor as a string that is always defined.
# scope: document
pods(function, flavor) := {runtime_pod(function)} if flavor == "buildless"

pods(function, flavor) := {runtime_pod(function), build_pod(function)} if flavor != "buildless"

# METADATA
# description: True where a plain map of labels (a Service's selector) selects the Function's runtime pods.
# scope: document
selected(labels, function) if selector.labels_match(labels, runtime_pod(function))

# METADATA
# description: |
#   True where a label selector selects the Function's runtime pods. An unreadable one doesn't: a caller to whom being
#   selected is the danger asks selector.readable too.
# scope: document
selected_by(label_selector, function) if selector.matches(label_selector, runtime_pod(function))

# METADATA
# description: |
#   The labels of a runtime pod. The controller merges its own labels over those of the deprecated spec.template, and
#   those over spec.labels (serverless: podLabels in system_state.go, PodLabels in function_types.go).
# scope: document
runtime_pod(function) := object.union_n([
	_labels(function, ["spec", "labels"]),
	_labels(function, ["spec", "template", "labels"]),
	_identity(function),
	{
		"serverless.kyma-project.io/resource": "deployment",
		"app.kubernetes.io/name": _name(function),
	},
])

# METADATA
# description: |
#   The labels of a runtime pod as Services and clients meet it: with those that Istio's injection of the sidecar adds
#   where the Function doesn't set them.
# scope: document
serving_pod(function) := object.union(
	{
		"security.istio.io/tlsMode": "istio",
		"service.istio.io/canonical-name": object.get(pod, "app.kubernetes.io/name", null),
		"service.istio.io/canonical-revision": object.get(
			pod, "app.kubernetes.io/version",
			object.get(pod, "version", "latest"),
		),
	},
	pod,
) if {
	pod := runtime_pod(function)
}

# METADATA
# description: |
#   The labels of the pod of a classic build Job. It has the Function's own labels and no `resource`; the sidecar is
#   switched off in it, so it concerns NetworkPolicies, not Istio's.
# scope: document
build_pod(function) := object.union(_labels(function, ["metadata", "labels"]), _identity(function))

# METADATA
# description: |
#   The Functions of some namespaces in the inventory, those together whose pods are the same to selectors that ask for
#   nothing but what is `mentioned` (selector.mentioned): as a list of {"function": one of them, "space": its
#   namespace, "names": those of all}. Namespaces that are `apart` don't mix with others. There may be hundreds of
#   Functions, but of few kinds.
# scope: document
alike(spaces, apart, mentioned) := [{"function": found, "space": space, "names": names} |
	some versions in object.union_n(_sorted(spaces, apart, mentioned))
	[space, name] := min(object.keys(versions))
	found := data.inventory.namespace[space][versions[[space, name]]].Function[name]
	names := {other | some [_, other], _ in versions}
]

# METADATA
# description: True where a namespace has so few Functions that it isn't worth while to look which are alike.
# scope: document
few(space) if count(inventory.names("Function", space)) <= 20

# METADATA
# description: What must be mentioned for each Function of a namespace to stand alone.
# scope: document
each(space) := {"keys": {"serverless.kyma-project.io/function-name"}, "texts": inventory.names("Function", space)}

# Where only labels are asked for that all Functions have, they are all the same.
_sorted(spaces, apart, mentioned) := [{{space} & apart: {[space, name]: version}} |
	some space in spaces
	some version, names in inventory.versioned("Function", space)
	some name in names
] if {
	count(_telling(mentioned)) == 0
}

_sorted(spaces, apart, mentioned) := array.concat(readable, [{place: {place: version}} |
	count(readable) < sum([count(inventory.names("Function", space)) | some space in spaces])
	sorted := {place | some entry in readable; some members in entry; some place, _ in members}
	some space in spaces
	some version, names in inventory.versioned("Function", space)
	some name in names
	place := [space, name]
	not place in sorted
]) if {
	count(_telling(mentioned)) > 0
	keys := _telling(mentioned)
	texts := mentioned.texts
	readable := [{[asked, own, {name, uid} & texts, uid == "", {space} & apart]: {[space, name]: version}} |
		some space in spaces
		some version, names in inventory.versioned("Function", space)
		some name in names
		resource := data.inventory.namespace[space][version].Function[name]
		is_object(resource)
		uid := object.get(resource, ["metadata", "uid"], "")
		is_string(uid)
		spec := object.get(resource, ["spec", "labels"], {})
		is_object(spec)
		template := object.get(resource, ["spec", "template", "labels"], {})
		is_object(template)
		asked := object.filter(object.union(spec, template), keys)
		metadata := object.get(resource, ["metadata", "labels"], {})
		is_object(metadata)
		own := object.filter(metadata, keys)
	]
}

_telling(mentioned) := mentioned.keys - {"serverless.kyma-project.io/managed-by"}

_identity(function) := {
	"serverless.kyma-project.io/function-name": _name(function),
	"serverless.kyma-project.io/managed-by": "function-controller",
	"serverless.kyma-project.io/uuid": _uuid(function),
}

default _name(_) := null

_name(function) := function.metadata.name if _filled(function.metadata.name)

default _uuid(_) := null

_uuid(function) := function.metadata.uid if _filled(function.metadata.uid)

_filled(text) if {
	is_string(text)
	text != ""
}

default _labels(_, _) := {}

_labels(function, path) := {key: _value(label) | some key, label in labels} if {
	is_object(function)
	labels := object.get(function, path, {})
	is_object(labels)
}

default _value(_) := null

_value(label) := label if is_string(label)
