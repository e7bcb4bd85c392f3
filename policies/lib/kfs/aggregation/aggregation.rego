# METADATA
# title: Aggregation of ClusterRoles
# description: |
#   Which ClusterRoles of the inventory another takes over by its aggregationRule. There may be thousands, so of most
#   only the labels are read.
package lib.kfs.aggregation

import data.lib.kfs.selector

# METADATA
# description: |
#   What members() needs to know of the ClusterRoles, for the caller to compute once. `asked` is the selectors of one
#   that the inventory may not have.
# scope: document
known(asked) := object.union(index, {"edges": edges}) if {
	rules := {name: selectors | selectors := _cluster_roles[name].aggregationRule.clusterRoleSelectors}
	labels := _labels({_first(wanted) |
		some selectors in array.concat([asked], [selectors | some selectors in rules])
		some wanted in selectors
	})
	index := {
		"labels": labels,
		"carriers": object.union_n([{[key, value]: {name: true}} |
			some name, carried in labels
			is_object(carried)
			some key, value in carried
		]),
	}
	edges := {name: _taken(selectors, index) | some name, selectors in rules}
}

# METADATA
# description: The names of the ClusterRoles that selectors take over, through however many others.
# scope: document
members(selectors, roles) := first | {name |
	some middle in graph.reachable(roles.edges, first)
	some name in roles.edges[middle]
} if {
	first := _taken(selectors, {"carriers": roles.carriers, "labels": roles.labels})
}

_cluster_roles := data.inventory.cluster["rbac.authorization.k8s.io/v1"].ClusterRole

# Of the ClusterRoles with a label that some selector asks for; of all, if there is one that asks for none.
_labels(firsts) := {name: labels |
	keys := {key | some [key, _] in firsts}
	labels := _cluster_roles[name].metadata.labels
	is_object(labels)
	object.filter(labels, keys) != {}
} if {
	not null in firsts
}

_labels(firsts) := {name: object.get(role, ["metadata", "labels"], {}) | some name, role in _cluster_roles} if {
	null in firsts
}

_taken(selectors, index) := {name |
	some wanted in selectors
	some name, _ in _candidates(wanted, index)
	selector.matches(wanted, index.labels[name])
}

# One label leaves few of them to look at more closely.
_candidates(wanted, index) := index.carriers[_first(wanted)]

_candidates(wanted, index) := index.labels if is_null(_first(wanted))

default _first(_) := null

_first(wanted) := [[key, value] | some key, value in wanted.matchLabels][0]
