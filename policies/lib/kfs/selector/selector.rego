# METADATA
# title: Label selectors
# description: |
#   Kubernetes label selectors as functions of selector and labels. What can't be read never matches; whether that is
#   safe depends on the caller. Where being selected protects, `matches` is all it needs. Where being selected is the
#   danger, an unreadable selector must count as selecting: `readable` tells.
#   A label whose value is null is there with a value nobody knows (a Function's uuid before it is created): it agrees
#   with every value that is asked of it.
package lib.kfs.selector

# METADATA
# description: |
#   True where a selector, `{matchLabels, matchExpressions}`, selects these labels. Null reads as empty, which selects
#   everything, as for the API server. Whether an *absent* selector selects all or nothing differs by kind: it is the
#   caller's to say.
# scope: document
matches(selector, labels) if {
	readable(selector)
	labels_match(_member(selector, "matchLabels"), labels)
	every requirement in _requirements(selector) { _satisfied(requirement, labels) }
}

# METADATA
# description: True where a selector is one the API server could act on.
# scope: document
readable(selector) if is_null(selector)

readable(selector) if {
	is_object(selector)
	labels_readable(_member(selector, "matchLabels"))
	every requirement in _requirements(selector) { _requirement_readable(requirement) }
}

# METADATA
# description: |
#   True where labels have all the wanted ones: the plain map of a Service's selector, an EnvoyFilter's
#   workloadSelector.labels. An empty map and null are satisfied by all labels.
# scope: document
labels_match(wanted, _) if is_null(wanted)

labels_match(wanted, labels) if {
	labels_readable(wanted)
	every key, value in wanted { _agrees(labels, key, {value}) }
}

# METADATA
# description: True where a plain map of labels is one the API server could act on.
# scope: document
labels_readable(wanted) if is_null(wanted)

labels_readable(wanted) if {
	is_object(wanted)
	every value in wanted { is_string(value) }
}

# METADATA
# description: |
#   Which plain maps of labels a pod satisfies, told by their shapes, the sets of labels that they ask for together:
#   there are few shapes, however many maps. A set of the maps themselves, each to be looked up.
# scope: document
satisfied(shapes, pod) := {object.filter(pod, shape) |
	some shape in shapes
	lacking := shape - object.keys(pod)
	count(lacking | (shape & _unknown(pod))) == 0
}

# METADATA
# description: |
#   The shapes that ask, among others, for labels of the pod whose value nobody knows, as an object: by shape, the
#   labels of the pod that are known. Those who look up maps by these shapes compare with object.subset(map, labels).
# scope: document
uncertain(shapes, pod) := {shape: object.filter(pod, shape - unknown) |
	unknown := _unknown(pod)
	some shape in shapes
	count(shape & unknown) > 0
	count(shape - object.keys(pod)) == 0
}

# METADATA
# description: |
#   What some selectors ask for: {"keys": …, "texts": …, "present": …}, the labels, the values that stand in them, and
#   the labels for which it also tells whether they are there, with some other value. Labels that differ in nothing of
#   that are the same to all of them.
# scope: document
mentioned(selectors) := {"keys": (keys | asked), "texts": texts, "present": present} if {
	keys := {key | some chosen in selectors; some key, _ in chosen.matchLabels}
	asked := {key | some chosen in selectors; key := chosen.matchExpressions[_].key}
	texts := {text | some chosen in selectors; some text in chosen.matchLabels} | {text |
		some chosen in selectors
		text := chosen.matchExpressions[_].values[_]
	}
	present := {requirement.key |
		some chosen in selectors
		some requirement in chosen.matchExpressions
		requirement.operator != "In"
	}
}

_unknown(pod) := {key | some key, value in pod; is_null(value)}

_satisfied(requirement, labels) if {
	requirement.operator == "In"
	_agrees(labels, requirement.key, {value | some value in requirement.values})
}

_satisfied(requirement, labels) if {
	requirement.operator == "NotIn"
	key := requirement.key
	values := requirement.values
	not _has_one_of(labels, key, values)
}

_satisfied(requirement, labels) if {
	requirement.operator == "Exists"
	_has(labels, requirement.key)
}

_satisfied(requirement, labels) if {
	requirement.operator == "DoesNotExist"
	key := requirement.key
	not _has(labels, key)
}

_agrees(labels, key, values) if labels[key] in values

_agrees(labels, key, _) if is_null(labels[key])

_has_one_of(labels, key, values) if labels[key] in values

# In a comparison, so that a label whose value is false counts as there.
_has(labels, key) if _ = labels[key]

_requirement_readable(requirement) if {
	requirement.operator in {"In", "NotIn"}
	is_string(requirement.key)
	is_array(requirement.values)
	count(requirement.values) > 0
	every value in requirement.values { is_string(value) }
}

_requirement_readable(requirement) if {
	requirement.operator in {"Exists", "DoesNotExist"}
	is_string(requirement.key)
	_member(requirement, "values") in {null, []}
}

# An unreadable list of requirements is one unreadable requirement.
_requirements(selector) := requirements if {
	requirements := _member(selector, "matchExpressions")
	is_array(requirements)
}

_requirements(selector) := [] if is_null(_member(selector, "matchExpressions"))

_requirements(selector) := ["unreadable"] if {
	requirements := _member(selector, "matchExpressions")
	not is_null(requirements)
	not is_array(requirements)
}

default _member(_, _) := null

_member(resource, key) := resource[key] if is_object(resource)
