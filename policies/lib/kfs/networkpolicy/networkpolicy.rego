# METADATA
# title: NetworkPolicies
# description: |
#   What NetworkPolicies do to a pod. They add up: a pod is isolated in a direction, "Ingress" or "Egress", as soon as
#   one policy selects it for that direction, and then whatever any of them allows is allowed. What can't be read
#   protects nothing and opens everything. Pods are maps of labels, see lib.kfs.selector for the values nobody knows.
package lib.kfs.networkpolicy

import data.lib.kfs.inventory
import data.lib.kfs.selector

# METADATA
# description: True where one of the policies (an object, by name) denies the pod's traffic in the direction by default.
# scope: document
isolated(policies, pod, direction) if {
	some policy in policies
	direction in types(policy)
	selector.matches(_pod_selector(policy), pod)
}

# METADATA
# description: |
#   The openings of the policies (an object, by name) that make the pod's isolation void, as a set of {policy,
#   direction, path, fault}: a rule or peer through which a pod or an address comes that nobody named. `around` is the
#   labels of the pods' namespace, `inside` the cluster's addresses, from cidrs(). Address blocks count together, in all
#   policies: those that reach into the cluster, if they are as wide as an IPv4 /8 or an IPv6 /32.
# scope: document
reopened(policies, pod, around, inside) := {opening |
	found := {{"policy": name, "opening": opening} |
		some name, policy in policies
		selects(policy, pod)
		some opening in openings(policy, around, inside)
	}
	blocks := {direction: {entry.opening.block |
		some entry in found
		entry.opening.direction == direction
	} |
		some direction in {"Ingress", "Egress"}
	}
	some entry in found
	_counts(entry.opening.block, blocks[entry.opening.direction])
	opening := {
		"policy": entry.policy,
		"direction": entry.opening.direction,
		"path": entry.opening.path,
		"fault": entry.opening.fault,
	}
}

# METADATA
# description: True where the policy may select the pod. It opens what it selects, so an unreadable selector does.
# scope: document
selects(policy, pod) if selector.matches(_pod_selector(policy), pod)

selects(policy, _) if {
	pod_selector := _pod_selector(policy)
	not selector.readable(pod_selector)
}

# METADATA
# description: |
#   The names of a namespace's NetworkPolicies that may select one of these pods, as a set: for all others it is sure
#   that they don't. Most ask for labels that the pods lack, or for one label's values, and are looked up by these.
# scope: document
near(space, pods) := ((names - by_labels) - by_values) | asking if {
	names := inventory.names("NetworkPolicy", space)
	by_labels := object.keys(_by_labels[space])
	by_values := object.keys(_by_values[space])
	asking := _near_by_labels(space, pods) | _near_by_values(space, pods)
}

near(space, _) := set() if count(inventory.names("NetworkPolicy", space)) == 0

# Pods of one Function have most labels in common: what they satisfy together is looked up once.
_near_by_labels(space, pods) := {name |
	satisfied := {labels | some pod in pods; some labels in selector.satisfied(_shapes[space], pod)}
	some labels in satisfied
	some name in {found | _asking[[space, labels, found]]}
} | {name |
	uncertain := {[shape, labels] | some pod in pods; some shape, labels in selector.uncertain(_shapes[space], pod)}
	some [shape, labels] in uncertain
	some name in {found | _shaped[[space, shape, found]]}
	object.subset(_by_labels[space][name], labels)
}

_near_by_values(space, pods) := {name |
	worn := {[key, value] | some key in _keys[space]; some pod in pods; value := pod[key]; not is_null(value)}
	some [key, value] in worn
	some name in {found | _valuing[[space, key, value, found]]}
} | {name |
	unknown := {key | some key in _keys[space]; some pod in pods; is_null(pod[key])}
	some key in unknown
	some name in {found | _keyed[[space, key, found]]}
}

# Those that ask for nothing but labels: the labels.
_by_labels[space] := object.remove(labels, _unreadable(labels)) if {
	selectors := _selectors[space]
	wanting := {name: wanted | wanted := selectors[name].matchLabels}
	labels := object.remove(wanting, _requiring[space])
}

_requiring[space] := {name | _ = selectors[name].matchExpressions} if selectors := _selectors[space]

# Those that ask for nothing but one label's values: the label and the values.
_by_values[space] := object.remove(requirements, _unlisted(requirements)) if {
	selectors := _selectors[space]
	requirements := {name: requirement |
		some name in _requiring[space]
		{"matchExpressions": [requirement]} = selectors[name]
		requirement.operator == "In"
		_ = requirement.values[0]
	}
}

# The names of those whose label or values aren't texts.
_unlisted(requirements) := set() if {
	keys := [key | key := requirements[_].key]
	count(keys) == count(requirements)
	_all_texts(keys)
	_all_texts([value | value := requirements[_].values[_]])
} else := {name | some name, requirement in requirements; not _about_a_label(requirement)} | {name |
	value := requirements[name].values[_]
	not is_string(value)
}

_about_a_label(requirement) if is_string(requirement.key)

_selectors[space] := {name: chosen |
	chosen := data.inventory.namespace[space]["networking.k8s.io/v1"].NetworkPolicy[name].spec.podSelector
} if {
	_ = data.inventory.namespace[space]["networking.k8s.io/v1"].NetworkPolicy
}

# The names of what isn't a map of texts. What is no map or text sorts before or after all that are.
_unreadable(labels) := set() if {
	maps := [wanted | some wanted in labels]
	texts := [text | text := labels[_][_]]
	_all_maps(maps)
	_all_texts(texts)
} else := {name |
	some name, wanted in labels
	not selector.labels_readable(wanted)
} | {name |
	some name, wanted in labels
	is_null(wanted)
}

_all_maps(values) if count(values) == 0

_all_maps(values) if {
	is_object(min(values))
	is_object(max(values))
}

_all_texts(values) if count(values) == 0

_all_texts(values) if {
	is_string(min(values))
	is_string(max(values))
}

# The labels that selectors ask for together. There are few such sets, however many NetworkPolicies.
_shapes[space] := {object.keys(wanted) | some wanted in wanted_by} if wanted_by := _by_labels[space]

_asking contains [space, wanted, name] if {
	wanted_by := _by_labels[space]
	some name, wanted in wanted_by
}

_shaped contains [space, shape, name] if {
	wanted_by := _by_labels[space]
	some name, wanted in wanted_by
	shape := object.keys(wanted)
}

_keys[space] := {requirement.key | some requirement in requirements} if requirements := _by_values[space]

_valuing contains [space, key, value, name] if {
	requirements := _by_values[space]
	some name, requirement in requirements
	key := requirement.key
	some value in requirement.values
}

_keyed contains [space, key, name] if {
	requirements := _by_values[space]
	some name, requirement in requirements
	key := requirement.key
}

# METADATA
# description: |
#   The directions in which a policy isolates. Without policyTypes that is Ingress, and Egress only where there are
#   egress rules. None if policyTypes can't be read.
# scope: document
types(policy) := {type | some type in _spec(policy).policyTypes} if {
	_listed(policy)
	_named(policy)
}

types(policy) := {"Ingress"} | {"Egress" | count(_rules(policy, "Egress")) > 0} if not _listed(policy)

types(policy) := set() if {
	_listed(policy)
	not _named(policy)
}

# METADATA
# description: |
#   What a policy opens of itself, whichever pods it selects, as a set of {direction, path, fault, block}. `block` is
#   the prefix of an address block, see cidr(), which opens only together with others; of everything else it is "".
# scope: document
openings(policy, around, inside) := {opening |
	some direction in _directions(policy)
	some entry in _rules(policy, direction)
	rule := entry.rule
	not _resolves_names(direction, rule)
	some found in _faults(direction, rule, around, inside)
	opening := {
		"direction": direction,
		"path": array.concat(entry.path, found.at),
		"fault": found.fault,
		"block": found.block,
	}
}

# METADATA
# description: |
#   What isolation depends on in the specs of policies: policies that isolate the same, and fewer of them.
# scope: document
guards(specs) := ({{"spec": kept} |
	some spec in specs
	is_object(spec)
	named := object.get(spec, "policyTypes", null)
	not named in {null, []}
	kept := object.filter(spec, ["podSelector", "policyTypes"])
} | {{"spec": kept} |
	some spec in specs
	is_object(spec)
	object.get(spec, "policyTypes", null) in {null, []}
	kept := object.filter(spec, ["podSelector", "egress"])
}) | {{"spec": null} | some spec in specs; is_null(spec)}

# METADATA
# description: |
#   Of the specs of policies those that open something if all select the same pod. The others open nothing: there are no
#   address blocks among the openings unless all blocks together count.
# scope: document
open(specs, around, inside) := ({spec |
	some direction in ["Ingress", "Egress"]
	field := lower(direction)
	suspects := _suspects({rule | some spec in specs; some rule in spec[field]}, direction, around, inside)
	count(suspects) > 0
	some spec in specs
	some rule in spec[field]
	rule in suspects
} | {spec |
	some spec in specs
	some field in ["ingress", "egress"]
	list := spec[field]
	not is_array(list)
}) | {spec | some spec in specs; not is_object(spec)}

_suspects(rules, direction, around, inside) := {rule |
	some rule in (unlisted | {rule | some rule in rules; some peer in rule[field]; peer in faulty})
	not _resolves_names(direction, rule)
} if {
	field := _field(direction)
	unlisted := rules - {rule | _ = rules[rule][field][0]}
	peers := {peer | some rule in rules; some peer in rule[field]}
	faults := {[peer, fault.block] |
		some peer in (peers - _plain(peers, inside))
		some fault in _peer_faults(peer, around, inside)
	}
	blocks := {block | some [_, block] in faults}
	faulty := {peer | some [peer, block] in faults; _counts(block, blocks)}
}

# Most peers are such that a short look tells that they are named: by labels of pods, or by addresses outside.
_plain(peers, inside) := (_labelled(peers) - (_mislabelled(peers) | _in_uniform(peers))) | _outside(peers, inside)

_labelled(peers) := {peer |
	some peer in peers
	{"podSelector": {"matchLabels": wanted}} := peer
	is_object(wanted)
	wanted != {}
} | {peer |
	some peer in peers
	{"namespaceSelector": {"matchLabels": around}, "podSelector": {"matchLabels": wanted}} := peer
	is_object(around)
	is_object(wanted)
	wanted != {}
}

_mislabelled(peers) := {peer | some peer in peers; value := peer[_].matchLabels[_]; not is_string(value)}

_in_uniform(peers) := {peer |
	_ = peers[peer].podSelector.matchLabels["security.istio.io/tlsMode"]
} | {peer |
	_ = peers[peer].podSelector.matchLabels["service.istio.io/canonical-revision"]
}

_outside(peers, inside) := {peer |
	some peer in peers
	{"ipBlock": block} := peer
	outside(block, inside)
}

# METADATA
# description: True where an `ipBlock` has, for sure, no address of the cluster.
# scope: document
outside(block, inside) if {
	prefix := cidr(block.cidr)
	not strings.any_prefix_match(prefix, inside)
	not strings.any_prefix_match(inside, prefix)
}

# METADATA
# description: |
#   An address block as its prefix: the family, 4 or 6, a colon, and the block's bits. One block lies in another if its
#   prefix begins with the other's. IPv4 addresses that are written as IPv6 are IPv4. Undefined for what is no CIDR.
# scope: document
cidr(text) := concat("", ["4:", substring(_bits_of_ipv4(address), 0, length)]) if {
	net.cidr_is_valid(text)
	not contains(text, ":")
	[address, digits] := split(text, "/")
	length := _number(digits)
}

cidr(text) := prefix if {
	net.cidr_is_valid(text)
	contains(text, ":")
	[address, digits] := split(text, "/")
	bits := substring(_bits_of_ipv6(address), 0, _number(digits))
	prefix := regex.replace(concat("", ["6:", bits]), _mapped, "4:")
}

# METADATA
# description: |
#   A list of CIDRs as prefixes. All addresses, if it isn't a list, is empty, or has an item that can't be read.
# scope: document
cidrs(list) := {cidr(item) | some item in list} if _all_cidrs(list)

cidrs(list) := {"4:", "6:"} if not _all_cidrs(list)

_all_cidrs(list) if {
	is_array(list)
	count(list) > 0
	every item in list { _readable_cidr(item) }
}

_readable_cidr(text) if is_string(cidr(text))

# Types that can't be read are both.
_directions(policy) := types(policy) if count(types(policy)) > 0

_directions(policy) := {"Ingress", "Egress"} if count(types(policy)) == 0

_listed(policy) if {
	listed := _member(_spec(policy), "policyTypes")
	not listed in [null, []]
}

_named(policy) if {
	listed := _spec(policy).policyTypes
	is_array(listed)
	every type in listed { type in {"Ingress", "Egress"} }
}

# The API server reads null, and what isn't there, as an empty selector: every pod.
_pod_selector(policy) := _member(_spec(policy), "podSelector")

_rules(policy, direction) := [{"path": ["spec", field, i], "rule": rule} | some i, rule in list] if {
	field := lower(direction)
	list := _member(_spec(policy), field)
	is_array(list)
}

_rules(policy, direction) := [] if is_null(_member(_spec(policy), lower(direction)))

_rules(policy, direction) := [{"path": ["spec", field], "rule": "unreadable"}] if {
	field := lower(direction)
	list := _member(_spec(policy), field)
	not is_array(list)
	not is_null(list)
}

# Egress for DNS alone: ports 53 and, on Gardener, 8053. A port with a name may be any.
_resolves_names("Egress", rule) if {
	is_array(rule.ports)
	count(rule.ports) > 0
	every port in rule.ports { _resolver(port) }
}

_resolver(port) if {
	port.port in {53, 8053}
	_member(port, "endPort") in {null, port.port}
	_member(port, "protocol") in {null, "UDP", "TCP"}
}

_faults(direction, rule, around, inside) := {fault |
	some i, peer in _peers(direction, rule)
	some problem in _peer_faults(peer, around, inside)
	fault := object.union(problem, {"at": [_field(direction), i]})
} if {
	is_array(_peers(direction, rule))
	count(_peers(direction, rule)) > 0
}

_faults(direction, rule, _, _) := {_fault([], "it names no peer")} if _peers(direction, rule) in [null, []]

_faults(direction, rule, _, _) := {_fault([], "it can't be read")} if {
	peers := _peers(direction, rule)
	not is_array(peers)
	not is_null(peers)
}

_field("Ingress") := "from"

_field("Egress") := "to"

# A rule that is null is one without fields to the API server.
_peers(direction, rule) := _member(rule, _field(direction)) if is_object(rule)

_peers(_, rule) := rule if is_null(rule)

_peers(_, rule) := "unreadable" if {
	not is_object(rule)
	not is_null(rule)
}

_fault(at, text) := {"at": at, "fault": text, "block": ""}

_peer_faults(peer, _, _) := {_fault([], "it can't be read")} if not _readable_peer(peer)

_peer_faults(peer, around, _) := {_fault([], fault) | fault := _reach(peer, around)} if {
	_readable_peer(peer)
	given := _given(peer)
	not "ipBlock" in given
}

_peer_faults(peer, _, inside) := {fault | fault := _block_fault(peer.ipBlock, inside)} if {
	_readable_peer(peer)
	"ipBlock" in _given(peer)
}

# The API server refuses a peer that says nothing, and one with both addresses and selectors.
_readable_peer(peer) if {
	_given(peer) in {{"podSelector"}, {"namespaceSelector"}, {"namespaceSelector", "podSelector"}}
	selector.readable(_member(peer, "podSelector"))
	selector.readable(_member(peer, "namespaceSelector"))
}

_readable_peer(peer) if {
	_given(peer) == {"ipBlock"}
	_readable_cidr(peer.ipBlock.cidr)
}

_given(peer) := {field |
	some field in {"ipBlock", "namespaceSelector", "podSelector"}
	value := _member(peer, field)
	not is_null(value)
}

# Which pods a peer catches that it doesn't name; undefined if none.
_reach(peer, _) := "its podSelector catches every pod of the namespace" if {
	_given(peer) == {"podSelector"}
	_catches_all_pods(peer.podSelector)
}

_reach(peer, _) := "its namespaceSelector catches every namespace" if {
	"namespaceSelector" in _given(peer)
	_catches_all_pods(_member(peer, "podSelector"))
	catches_all(peer.namespaceSelector, _labels_of_every_namespace)
}

_reach(peer, around) := "its namespaceSelector catches every pod of the namespace" if {
	"namespaceSelector" in _given(peer)
	_catches_all_pods(_member(peer, "podSelector"))
	namespace_selector := peer.namespaceSelector
	not catches_all(namespace_selector, _labels_of_every_namespace)
	selector.matches(namespace_selector, around)
}

_labels_of_every_namespace := {"kubernetes.io/metadata.name"}

# What Istio writes on every pod of the mesh names none of them.
_uniform := {"security.istio.io/tlsMode": "istio", "service.istio.io/canonical-revision": "latest"}

_catches_all_pods(pod_selector) if {
	selector.labels_match(_member(pod_selector, "matchLabels"), _uniform)
	telling := [requirement |
		some requirement in _requirements(pod_selector)
		not _in_all_uniforms(requirement)
	]
	catches_all({"matchExpressions": telling}, set())
}

_in_all_uniforms(requirement) if {
	requirement.operator == "In"
	_uniform[requirement.key] in requirement.values
}

# METADATA
# description: |
#   True where a selector asks for no particular value of any label, so that it selects what nobody thought of: it is
#   null or empty, or says only Exists, DoesNotExist and NotIn. `always` is the labels that all objects have. One that
#   contradicts itself selects nothing.
# scope: document
catches_all(label_selector, always) if {
	selector.readable(label_selector)
	_member(label_selector, "matchLabels") in [null, {}]
	requirements := _requirements(label_selector)
	every requirement in requirements { requirement.operator in {"DoesNotExist", "Exists", "NotIn"} }
	present := always | {requirement.key | some requirement in requirements; requirement.operator == "Exists"}
	absent := {requirement.key | some requirement in requirements; requirement.operator == "DoesNotExist"}
	count(present & absent) == 0
}

_requirements(label_selector) := [requirement | some requirement in _member(label_selector, "matchExpressions")]

# Undefined where no address of the block lies in the cluster and outside its exceptions.
_block_fault(block, inside) := {"block": prefix, "fault": sprintf("%s reaches into the cluster", [block.cidr])} if {
	prefix := cidr(block.cidr)
	exceptions := _exceptions(block)
	some network in inside
	_leaks(_meet(prefix, network), exceptions)
}

# What can't be read excepts nothing.
_exceptions(block) := {prefix |
	some text in block.except
	prefix := cidr(text)
}

# Where two blocks meet: one lies in the other, or they don't.
_meet(a, b) := a if startswith(a, b)

_meet(a, b) := b if {
	startswith(b, a)
	a != b
}

# True where an address of the block is in none of the exceptions. If there is one, then the block's first address is,
# or the one behind an exception.
_leaks(block, exceptions) if {
	lengths := {count(exception) | some exception in exceptions}
	some first in ({block} | {next |
		some exception in exceptions
		startswith(exception, block)
		next := _next(block, exception)
	})
	not _excepted(first, exceptions, lengths)
}

# The first address behind a part of a block, less its zeros at the end; undefined if the part is the block's end.
_next(block, part) := concat("", [block, regex.replace(rest, `01*$`, "1")]) if {
	rest := trim_prefix(part, block)
	contains(rest, "0")
}

# By the lengths that there are, rather than by each exception: there may be hundreds of them.
_excepted(first, exceptions, lengths) if {
	address := concat("", [first, _zeros])
	some length in lengths
	substring(address, 0, length) in exceptions
}

_counts("", _)

_counts(block, blocks) if {
	block != ""
	_wide(substring(block, 0, 2), {other | some other in blocks; other != ""})
}

# IPv4 is counted in addresses; IPv6 in /64s, its smallest networks, because sums of 128 bits aren't exact everywhere.
_wide("4:", blocks) if _size({block | some block in blocks; startswith(block, "4:")}, 32) >= bits.lsh(1, 32 - 8)

_wide("6:", blocks) if {
	networks := {substring(block, 0, 2 + 64) | some block in blocks; startswith(block, "6:")}
	_size(networks, 64) >= bits.lsh(1, 64 - 32)
}

_size(blocks, length) := sum([bits.lsh(1, (2 + length) - count(block)) |
	lengths := {count(block) | some block in blocks}
	some block in blocks
	not _nested(block, blocks, lengths)
])

_nested(block, blocks, lengths) if {
	some length in lengths
	length < count(block)
	substring(block, 0, length) in blocks
}

_bits_of_ipv4(address) := sprintf("%08b%08b%08b%08b", [to_number(octet) | some octet in split(address, ".")])

_bits_of_ipv6(address) := concat("", [head, substring(_zeros, 0, 128 - (count(head) + count(tail))), tail]) if {
	halves := split(address, "::")
	head := _bits_of_groups(halves[0])
	tail := _bits_of_groups(concat("", array.slice(halves, 1, 2)))
}

_bits_of_groups("") := ""

_bits_of_groups(text) := concat("", [_bits_of_group(group) | some group in split(text, ":")]) if text != ""

_bits_of_group(group) := _bits_of_ipv4(group) if contains(group, ".")

_bits_of_group(group) := strings.replace_n(_nibbles, substring(padded, count(group), 4)) if {
	not contains(group, ".")
	padded := concat("", ["0000", lower(group)])
}

_nibbles := {digit: sprintf("%04b", [i]) | some i, digit in regex.find_n(".", "0123456789abcdef", -1)}

# ::ffff:a.b.c.d
_mapped := `^6:0{80}1{16}`

_zeros := sprintf("%0128d", [0])

_number(digits) := to_number(concat("", [trim_left(substring(digits, 0, count(digits) - 1), "0"), last])) if {
	last := substring(digits, count(digits) - 1, 1)
}

_spec(policy) := spec if {
	spec := _member(policy, "spec")
	is_object(spec)
}

_spec(policy) := {} if is_null(_member(policy, "spec"))

_spec(policy) := {key: "unreadable" | some key in {"podSelector", "policyTypes", "ingress", "egress"}} if {
	spec := _member(policy, "spec")
	not is_object(spec)
	not is_null(spec)
}

default _member(_, _) := null

_member(resource, key) := resource[key] if is_object(resource)
