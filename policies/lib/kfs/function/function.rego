# METADATA
# title: Functions
# description: |
#   What the controllers make of a Function, of either served version: the labels of its pods, and so who selects them.
#   A value nobody can know yet (the uuid before the Function is created, a label that is no string, what Kubernetes'
#   controllers make up) is null and agrees with whatever a selector asks, see lib.kfs.selector.
package lib.kfs.function

import data.lib.kfs.inventory
import data.lib.kfs.selector

# METADATA
# description: |
#   The label maps of all pods of a Function as selectors meet them, as a set: the runtime pod's and, except in flavor
#   "buildless", the build pod's. Give the flavor as a string that is always defined.
# scope: document
pods(function, flavor) := runtime_pods(function) if flavor == "buildless"

pods(function, flavor) := runtime_pods(function) | {pod} if {
	flavor != "buildless"
	pod := object.union(build_pod(function), _of_the_job)
}

# METADATA
# description: The label maps of a Function's runtime pod as selectors meet it, outside the mesh and in it, as a set.
# scope: document
runtime_pods(function) := {object.union(runtime_pod(function), _of_the_deployment), meshed_pod(function)}

# METADATA
# description: |
#   The labels of a runtime pod as Istio's selectors meet it: those that the injection of its sidecar adds are there,
#   and the Deployment's.
# scope: document
meshed_pod(function) := object.union(serving_pod(function), _of_the_deployment)

# METADATA
# description: |
#   A pod's labels as a selector meets them that is to protect it. What a controller makes up for them isn't what
#   somebody asked for.
# scope: document
settled(pod) := object.union(pod, {key: "?" |
	some made_up in [_of_the_deployment, _of_the_job]
	some key, _ in made_up
	_ = pod[key]
})

# METADATA
# description: The labels of a running runtime pod whose values nobody can know before it runs, as a set.
# scope: document
unforeseeable := object.keys(_of_the_deployment)

_of_the_deployment := object.union(_of_the_node, {"pod-template-hash": null})

# With and without the prefix (Kubernetes: batch/v1, types.go).
_of_the_job := object.union(_of_the_node, {
	"batch.kubernetes.io/controller-uid": null,
	"batch.kubernetes.io/job-name": null,
	"controller-uid": null,
	"job-name": null,
})

# From Kubernetes 1.35 on a pod has those of its node (KEP-4742).
_of_the_node := {"topology.kubernetes.io/region": null, "topology.kubernetes.io/zone": null}

# METADATA
# description: |
#   True where a label selector selects the Function's runtime pods. An unreadable one doesn't: a caller to whom being
#   selected is the danger asks selector.readable too.
# scope: document
selected_by(label_selector, function) if selector.matches(label_selector, runtime_pod(function))

# METADATA
# description: |
#   The names of a namespace's Functions whose runtime pods have the wanted labels, a plain map, as a set. None if that
#   can't be read.
# scope: document
chosen(space, wanted) := {name |
	some key in names
	name := wanted[key]
	resource := inventory.named("Function", space, name)
	selector.labels_match(wanted, meshed_pod(resource))
} if {
	names := _names_in(wanted)
	count(names) > 0
}

chosen(space, wanted) := {name |
	mentioned := object.union(selector.mentioned([{"matchLabels": wanted}]), {"builds": false})
	some kind in alike({space}, set(), mentioned)
	selector.labels_match(wanted, meshed_pod(kind.function))
	some name in kind.names
} if {
	count(_names_in(wanted)) == 0
}

# The labels that only the Function of that name has.
_names_in(wanted) := {key |
	selector.labels_readable(wanted)
	some key in ["app.kubernetes.io/name", "serverless.kyma-project.io/function-name"]
	_ = wanted[key]
}

# METADATA
# description: Functions of a namespace by their names, each for itself, in the shape of alike().
# scope: document
singly(space, names) := [{"function": resource, "space": space, "names": {name}} |
	some name in names
	resource := inventory.named("Function", space, name)
]

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
#   nothing but what is `mentioned` (selector.mentioned; without `present` any value of a label may tell): as a list of
#   {"function": one of them, "space": its namespace, "names": those of all}. Namespaces that are `apart` don't mix with
#   others. There may be hundreds of Functions, but of few kinds. Build pods count unless `mentioned.builds` is false.
# scope: document
alike(spaces, apart, mentioned) := [{"function": found, "space": space, "names": names} |
	some places in object.union_n([{[kind, {space} & apart]: {space: {version: names}}} |
		some space in {filled |
			some version in inventory.versions.Function
			some filled in spaces
			_ = data.inventory.namespace[filled][version].Function
		}
		some version, found in inventory.versioned("Function", space)
		some kind, names in _kinds(space, version, found, _sourced(mentioned))
	])
	names := union({found | some versions in places; some found in versions})
	space := min(object.keys(places))
	name := min(union({found | some found in places[space]}))
	some version, found_there in places[space]
	name in found_there
	found := data.inventory.namespace[space][version].Function[name]
]

# METADATA
# description: True where a namespace has so few Functions that it isn't worth while to look which are alike.
# scope: document
few(space) if count(inventory.names("Function", space)) <= 20

# METADATA
# description: What must be mentioned for each Function of a namespace to stand alone.
# scope: document
each(space) := {"keys": {"serverless.kyma-project.io/function-name"}, "texts": inventory.names("Function", space)}

# Istio makes labels of others.
_sourced(mentioned) := object.union(mentioned, {field: all |
	sources := union({found | some key in mentioned.keys; found := _sources[key]})
	some field in ["keys", "present"]
	all := mentioned[field] | sources
})

_sources := {
	"security.istio.io/tlsMode": {"security.istio.io/tlsMode"},
	"service.istio.io/canonical-name": {"app.kubernetes.io/name", "service.istio.io/canonical-name"},
	"service.istio.io/canonical-revision": {
		"app.kubernetes.io/version",
		"service.istio.io/canonical-revision",
		"version",
	},
}

# The names of a namespace's Functions by what tells them from others. Most have nothing that does: nothing is said of
# them one by one.
_kinds(space, version, names, mentioned) := object.union(plain, told) if {
	marks := object.union_n(array.concat(
		_labelled(space, version, mentioned),
		_identified(space, version, names, mentioned),
	))
	others := names - object.keys(marks)
	plain := {{}: others | count(others) > 0}
	told := {kind: object.keys(members) |
		some kind, members in object.union_n([{kind: {name: true}} | some name, kind in marks; name in names])
	}
}

# What tells in the labels that aren't the controller's own. Of a template's any value does, as it replaces another's.
_labelled(space, version, mentioned) := array.concat(asked, array.concat(replaced, built)) if {
	functions := data.inventory.namespace[space][version].Function
	keys := mentioned.keys - object.keys(runtime_pod(null))
	asked := [marks |
		some key in keys
		classes := _classes({value | value := functions[_].spec.labels[key]}, key, mentioned)
		count(classes) > 0
		marks := {name: {["spec", key]: class} | class := classes[functions[name].spec.labels[key]]}
	]
	replaced := [marks |
		some key in keys
		values := {value | value := functions[_].spec.template.labels[key]}
		count(values) > 0
		classes := object.union({value: set() | some value in values}, _classes(values, key, mentioned))
		marks := {name: {["template", key]: class} | class := classes[functions[name].spec.template.labels[key]]}
	]
	built := [marks |
		object.get(mentioned, "builds", true) != false
		some key in (mentioned.keys - object.keys(_identity(null)))
		classes := _classes({value | value := functions[_].metadata.labels[key]}, key, mentioned)
		count(classes) > 0
		marks := {name: {["metadata", key]: class} | class := classes[functions[name].metadata.labels[key]]}
	]
}

# The values of a label that tell, each with what stands for it.
_classes(values, key, mentioned) := object.union(
	{value: set() | key in mentioned.present; some value in values},
	{value: value | some value in _remarkable(values, mentioned.texts)},
) if {
	is_set(mentioned.present)
} else := {value: value | some value in values}

# What tells in the labels with its name and its uuid, which every Function has.
_identified(space, version, names, mentioned) := array.concat(named, numbered) if {
	functions := data.inventory.namespace[space][version].Function
	named := [{name: {"name": name} | some name in ((names - readable) | (names & mentioned.texts))} |
		count(mentioned.keys & {"app.kubernetes.io/name", "serverless.kyma-project.io/function-name"}) > 0
		readable := {name | some name; functions[name].metadata.name == name}
	]
	numbered := [marks |
		"serverless.kyma-project.io/uuid" in mentioned.keys
		uids := {name: uid | uid := functions[name].metadata.uid}
		told := _remarkable({uid | some uid in uids}, mentioned.texts | {""})
		some marks in [
			{name: {"uid": uid} | count(told) > 0; some name, uid in uids; uid in told},
			{name: {"uid": ""} | some name in (names - object.keys(uids))},
		]
	]
}

# Of some texts those that are asked for, and all if one of them is no string: nobody knows what becomes of it. (What is
# no string sorts before or after all strings.)
_remarkable(values, texts) := values & texts if _all_strings(values - texts)

_remarkable(values, texts) := values if {
	others := values - texts
	not _all_strings(others)
}

_all_strings(values) if count(values) == 0

_all_strings(values) if {
	is_string(min(values))
	is_string(max(values))
}

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
