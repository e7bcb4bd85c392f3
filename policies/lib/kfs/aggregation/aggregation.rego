# METADATA
# title: Aggregation of ClusterRoles
# description: |
#   Which ClusterRoles of the inventory another takes over by its aggregationRule. There may be thousands, so the caller
#   finds those with one label by a rule of its own, which Gatekeeper evaluates for that label and kfs once for all.
package lib.kfs.aggregation

import data.lib.kfs.access
import data.lib.kfs.rbac
import data.lib.kfs.selector

# METADATA
# description: |
#   One label, [key, value], that a selector asks for: only ClusterRoles that carry it can be selected. Undefined if it
#   asks for none, which any may satisfy.
# scope: document
label(wanted) := [[key, value] | some key, value in wanted.matchLabels][0]

# METADATA
# description: Of some ClusterRoles that carry a selector's label, those that it selects.
# scope: document
selected(wanted, names) := names if _plain(wanted)

selected(wanted, names) := {name |
	some name in names
	selector.matches(wanted, _labels(name))
} if {
	not _plain(wanted)
}

# METADATA
# description: Of some ClusterRoles, those that aggregate others.
# scope: document
aggregating(names) := {name |
	some name in names
	_cluster_roles[name].aggregationRule.clusterRoleSelectors
}

# METADATA
# description: |
#   Which of the ClusterRoles that aggregate take over which others that do, by name: through those a ClusterRole takes
#   over more than what it selects. Few aggregate.
between := {name: union(found) |
	some name, selectors in _aggregators
	found := {selected(wanted, _carriers(wanted)) | some wanted in selectors}
}

# METADATA
# description: |
#   The rules of some ClusterRoles, but those that no policy reports. Of the hundreds that an aggregated ClusterRole has
#   these are few.
# scope: document
rules(names) := ({rule |
	some name in listing
	some i
	_cluster_roles[name].rules[i].apiGroups in near
	rule := _cluster_roles[name].rules[i]
} | _ungrouped(listing, lists)) | {rule |
	some name in (names - listing)
	some rule in rbac.rules(_cluster_roles[name])
} if {
	listing := {name | some name in names; is_array(_cluster_roles[name].rules)}
	lists := [groups | some name in listing; groups := _cluster_roles[name].rules[_].apiGroups]
	near := access.near({groups | some groups in lists})
}

# Those without API groups: seldom there are any.
_ungrouped(names, lists) := set() if count(lists) == _length(names)

_ungrouped(names, lists) := {rule |
	some name in names
	some rule in _cluster_roles[name].rules
	not _grouped(rule)
} if {
	count(lists) != _length(names)
}

_length(names) := sum([count(_cluster_roles[name].rules) | some name in names])

_grouped(rule) if _ = rule.apiGroups

# One label that is a text, and nothing else: to carry it is to be selected.
_plain(wanted) if {
	[key, value] := label(wanted)
	is_string(value)
	wanted == {"matchLabels": {key: value}}
}

default _labels(_) := {}

_labels(name) := _cluster_roles[name].metadata.labels

_aggregators := {name: selectors | selectors := _cluster_roles[name].aggregationRule.clusterRoleSelectors}

# Of those that aggregate, the ones that may be selected.
_carriers(wanted) := object.keys(object.get(_carrying, [label(wanted)], {}))

_carriers(wanted) := object.keys(_aggregators) if not _labelled(wanted)

_labelled(wanted) if label(wanted)

_carrying := object.union_n([{[key, value]: {name: true}} |
	some name, _ in _aggregators
	some key, value in _cluster_roles[name].metadata.labels
])

_cluster_roles := data.inventory.cluster["rbac.authorization.k8s.io/v1"].ClusterRole
