# METADATA
# title: Inventory
# description: |
#   Reads Gatekeeper's data.inventory by key. Where several versions of a kind are synced, one object stands in it once
#   a version; these functions give it once, from the first version that has it.
package lib.kfs.inventory

import data.lib.kfs.selector

# METADATA
# description: The objects of a namespaced kind in a namespace, by name.
# scope: document
objects(kind, space) := {name: resource |
	some i, version in versions[kind]
	some name, resource in data.inventory.namespace[space][version][kind]
	not _earlier(kind, space, name, i)
}

# METADATA
# description: |
#   The names of the objects of a namespaced kind in a namespace, by the version that has them. It reads none of them:
#   among hundreds a rule reads what it needs of each, as `data.inventory.namespace[space][version].Kind[name].spec.x`,
#   because an object costs its whole length as soon as it is an argument or in a list.
# scope: document
versioned(kind, space) := {version: found |
	some i, version in versions[kind]
	all := object.keys(data.inventory.namespace[space][version][kind])
	found := all - union({earlier |
		some j, other in versions[kind]
		j < i
		earlier := object.keys(data.inventory.namespace[space][other][kind])
	})
}

# METADATA
# description: The names of the objects of a namespaced kind in a namespace.
# scope: document
names(kind, space) := union({found | some found in versioned(kind, space)})

# METADATA
# description: |
#   The names of the objects of one of Istio's kinds, in a namespace and version, whose `spec.selector.matchLabels` may
#   take a pod with these labels, as a set: for all others it is sure that they don't. A label of the pod whose value is
#   null agrees with every value that is asked of it.
# scope: document
near(kind, space, version, pod) := (object.keys(all) - object.keys(_wanted[kind][space][version])) | ({name |
	some labels in selector.satisfied(_shapes[kind][space][version], pod)
	some name, _ in _wanting[kind][space][version][labels]
} | {name |
	some shape, labels in selector.uncertain(_shapes[kind][space][version], pod)
	some name in {found | _shaped[[kind, space, version, shape, found]]}
	object.subset(_wanted[kind][space][version][name], labels)
}) if {
	all := data.inventory.namespace[space][version][kind]
}

# The labels that selectors want, where they can be read.
_wanted[kind][space][version] := object.remove(labels, unreadable) if {
	some kind in ["AuthorizationPolicy", "PeerAuthentication"]
	_ = data.inventory.namespace[space][version][kind]
	labels := {name: wanted |
		wanted := data.inventory.namespace[space][version][kind][name].spec.selector.matchLabels
	}
	unreadable := {name |
		some name, wanted in labels
		not is_object(wanted)
	} | {name | value := labels[name][_]; not is_string(value)}
}

_wanting[kind][space][version] := object.union_n([{labels: {name: true}} | some name, labels in wanted]) if {
	wanted := _wanted[kind][space][version]
}

_shapes[kind][space][version] := {object.keys(labels) | some labels, _ in wanting} if {
	wanting := _wanting[kind][space][version]
}

_shaped contains [kind, space, version, shape, name] if {
	wanted := _wanted[kind][space][version]
	some name, labels in wanted
	shape := object.keys(labels)
}

# METADATA
# description: One object of a namespaced kind; undefined if it isn't there.
# scope: document
named(kind, space, name) := [resource |
	some version in versions[kind]
	resource := data.inventory.namespace[space][version][kind][name]
][0]

# METADATA
# description: |
#   Every object of a namespaced kind, in all namespaces, as a set. A rule that uses it doesn't touch input, so that kfs
#   evaluates it once per run.
# scope: document
everywhere(kind) := {resource |
	some i, version in versions[kind]
	some space
	some name, resource in data.inventory.namespace[space][version][kind]
	not _earlier(kind, space, name, i)
}

# METADATA
# description: The Namespace of that name; undefined if it isn't there.
# scope: document
namespace(name) := data.inventory.cluster.v1.Namespace[name]

# METADATA
# description: The objects of a cluster-scoped kind, by name.
# scope: document
cluster_objects(kind) := {name: resource |
	some i, version in versions[kind]
	some name, resource in data.inventory.cluster[version][kind]
	not _cluster_earlier(kind, name, i)
}

_earlier(kind, space, name, position) if {
	some i, version in versions[kind]
	i < position
	data.inventory.namespace[space][version][kind][name]
}

_cluster_earlier(kind, name, position) if {
	some i, version in versions[kind]
	i < position
	data.inventory.cluster[version][kind][name]
}

# METADATA
# description: The group-versions of each kind that policies read, the preferred first.
# scope: document
versions := {
	"APIRule": [
		"gateway.kyma-project.io/v2",
		"gateway.kyma-project.io/v2alpha1",
		"gateway.kyma-project.io/v1beta1",
		"gateway.kyma-project.io/v1alpha1",
	],
	"AuthorizationPolicy": [
		"security.istio.io/v1",
		"security.istio.io/v1beta1",
	],
	"ClusterRole": ["rbac.authorization.k8s.io/v1"],
	"Function": [
		"serverless.kyma-project.io/v1alpha2",
		"serverless.kyma-project.io/v1alpha1",
	],
	"NetworkPolicy": ["networking.k8s.io/v1"],
	"PeerAuthentication": [
		"security.istio.io/v1",
		"security.istio.io/v1beta1",
	],
	"Role": ["rbac.authorization.k8s.io/v1"],
	"Secret": ["v1"],
	"Service": ["v1"],
	"ServiceAccount": ["v1"],
}
