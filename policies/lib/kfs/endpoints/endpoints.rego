# METADATA
# title: Endpoints of Services
# description: |
#   Which Services lead to a Function's pods, and to which Functions a Service leads. There may be hundreds of both in a
#   namespace, so each is looked up by what selectors ask for.
package lib.kfs.endpoints

import data.lib.kfs.function
import data.lib.kfs.inventory
import data.lib.kfs.selector

# METADATA
# description: |
#   True where a Service's selector takes the Function's pods, as Services meet them. One that can't be read may take
#   all; null and an empty one take none.
# scope: document
takes(labels, resource) if {
	is_object(labels)
	count(labels) > 0
	selector.labels_match(foreseeable(labels), function.serving_pod(resource))
}

takes(labels, _) if not selector.labels_readable(labels)

# METADATA
# description: |
#   What a Service's selector asks for, less the labels that a running pod has with values that nobody knows.
# scope: document
foreseeable(labels) := object.remove(labels, function.unforeseeable)

# METADATA
# description: The names of a namespace's Functions whose pods a Service's selector takes, as a set.
# scope: document
functions(space, labels) := {name |
	some key in _names
	name := labels[key]
	resource := inventory.named("Function", space, name)
	takes(labels, resource)
} if {
	_named(labels)
}

functions(space, labels) := {name |
	some name in _wearers(space, labels)
	resource := inventory.named("Function", space, name)
	takes(labels, resource)
} if {
	not _named(labels)
	_few_wear(space, labels)
}

functions(space, labels) := {name |
	some kind in function.alike({space}, set(), _mentioned(labels))
	takes(labels, kind.function)
	some name in kind.names
} if {
	not _named(labels)
	not _few_wear(space, labels)
}

# METADATA
# description: |
#   The names of a namespace's Services whose selectors may take a pod with these labels, as a set: for all others it is
#   sure that they don't.
# scope: document
near(space, pod) := (unreadable(space) | {name | some name in _unforeseen[space]}) | ({name |
	some labels in selector.satisfied(_shapes[space], pod)
	some name, _ in _asking[space][labels]
} | {name |
	some shape, labels in selector.uncertain(_shapes[space], pod)
	some name in {found | _shaped[[space, shape, found]]}
	object.subset(_selectors[space][name], labels)
})

# The labels that only the Function of that name has.
_names := ["app.kubernetes.io/name", "serverless.kyma-project.io/function-name"]

_named(labels) if {
	selector.labels_readable(labels)
	some key in _names
	_ = labels[key]
}

_few_wear(space, labels) if count(_wearers(space, labels)) <= 20

# The Functions that have the first of the labels, or may have it; undefined if the selector asks for none but those
# that Kyma or Istio give to all.
_wearers(space, labels) := {name | _wearing[[space, key, value, name]]} | {name | _hiding[[space, key, name]]} if {
	is_object(labels)
	selector.labels_readable(labels)
	key := min(object.keys(labels) - _given)
	value := labels[key]
}

_given := object.keys(function.serving_pod(null)) | function.unforeseeable

_wearing contains [space, key, value, name] if {
	some version in inventory.versions.Function
	value := data.inventory.namespace[space][version].Function[name].spec.labels[key]
}

_wearing contains [space, key, value, name] if {
	some version in inventory.versions.Function
	value := data.inventory.namespace[space][version].Function[name].spec.template.labels[key]
}

# What is no text may be any.
_hiding contains [space, key, name] if {
	some version in inventory.versions.Function
	value := data.inventory.namespace[space][version].Function[name].spec.labels[key]
	not is_string(value)
}

_hiding contains [space, key, name] if {
	some version in inventory.versions.Function
	value := data.inventory.namespace[space][version].Function[name].spec.template.labels[key]
	not is_string(value)
}

# What tells Functions apart to the selector.
_mentioned(labels) := {
	"keys": {key | some key, _ in labels},
	"texts": {text | some text in labels},
	"present": set(),
	"builds": false,
}

_selectors[space] := {name: asked |
	asked := data.inventory.namespace[space].v1.Service[name].spec.selector
} if {
	_ = data.inventory.namespace[space].v1.Service
}

# METADATA
# description: The names of a namespace's Services whose selectors are no maps of texts, as a set. Null is none.
# scope: document
unreadable(space) := {name | some name in _unreadable[space]}

_unreadable[space] := {name |
	value := selectors[name][_]
	not is_string(value)
} | {name |
	some name, asked in selectors
	not is_object(asked)
	not is_null(asked)
} if {
	selectors := _selectors[space]
}

# Those that ask for what nobody knows.
_unforeseen[space] := {name |
	some shape in shapes
	count(shape & function.unforeseeable) > 0
	some name in {found | _shaped[[space, shape, found]]}
} if {
	shapes := _shapes[space]
}

# The labels that selectors ask for together. There are few such sets, however many Services.
_shapes[space] := {object.keys(labels) | some labels, _ in wanted_by; is_object(labels)} if wanted_by := _asking[space]

_asking[space] := object.union_n([{labels: {name: true}} | some name, labels in selectors]) if {
	selectors := _selectors[space]
}

_shaped contains [space, shape, name] if {
	selectors := _selectors[space]
	some name, asked in selectors
	is_object(asked)
	shape := object.keys(asked)
}
