# METADATA
# title: Namespace isolation
# description: |
#   Nothing in Kyma stands between a Function and the rest of its namespace, nor between the cluster and a Function.
#   What does is the namespace's own: NetworkPolicies that deny by default and that no other policy re-opens,
#   authorization by Istio, a sidecar that takes mutual TLS only. So a Function is judged by what surrounds it, and
#   what surrounds it by the Functions there: a guard that is weakened later is found on the guard.
# schemas:
#   - input: schema.namespace_isolation
# custom:
#   kind: KymaFunctionNamespaceIsolation
#   fact: no-authorization
#   match:
#     - apiGroups: [serverless.kyma-project.io]
#       kinds: [Function]
#     - apiGroups: [networking.k8s.io]
#       kinds: [NetworkPolicy]
#     - apiGroups: [security.istio.io]
#       kinds: [PeerAuthentication]
#     - apiGroups: [""]
#       kinds: [Namespace]
#   parameters:
#     clusterCIDRs:
#       type: array
#       items: {type: string}
#       minItems: 1
#       default: [10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, "fc00::/7"]
#       description: |
#         The addresses of the cluster's pods, services and nodes. What a NetworkPolicy allows outside of them opens
#         nothing in the cluster.
#     meshMtls:
#       type: string
#       enum: [PERMISSIVE, STRICT]
#       default: PERMISSIVE
#       description: |
#         What sidecars demand where no PeerAuthentication says it. Istio's own default is PERMISSIVE. STRICT where the
#         root namespace, whose PeerAuthentications kfs may not see, says so.
#     openPaths:
#       type: array
#       items: {type: string}
#       default: [/healthz]
#       description: Paths, exactly as written in `to`, that an ALLOW rule may open to every caller.
#     rootNamespace:
#       type: string
#       default: istio-system
#       description: The mesh's root namespace. Istio applies what stands in it to all namespaces.
#     systemNamespaces:
#       type: array
#       items: {type: string}
#       default:
#         - kube-system
#         - kube-public
#         - kube-node-lease
#         - istio-system
#         - kyma-system
#         - gatekeeper-system
#         - docker-registry
#       description: Namespaces of the platform, in which there must be no Function.
#     trustedProviders:
#       type: array
#       items: {type: string}
#       default: []
#       description: The mesh's extension providers whose decisions, in AuthorizationPolicies of action CUSTOM, count.
#     flavor:
#       type: string
#       enum: [classic, buildless]
#       default: classic
#       flavors: {buildless: buildless}
#       description: The flavor of Serverless. Anything but buildless means that Functions are built in their namespace.
package kyma.namespace_isolation

import data.lib.kfs.apirule
import data.lib.kfs.authorization
import data.lib.kfs.finding
import data.lib.kfs.function
import data.lib.kfs.inventory
import data.lib.kfs.mesh
import data.lib.kfs.namespace
import data.lib.kfs.networkpolicy
import data.lib.kfs.selector

# METADATA
# title: Ingress not denied by default
# scope: rule
# custom:
#   id: KFS-401
#   severity: high
#   profiles: {baseline: warn, strict: deny}
#   inventory: [Namespace, NetworkPolicy]
#   absence: true
#   remediation: |
#     Add a NetworkPolicy with `podSelector: {}` and `policyTypes: [Ingress, Egress]` to the namespace, and one beside
#     it for each caller that the Function needs.
violation contains finding.new(rego.metadata.rule(), ["metadata", "namespace"], message) if {
	input.review.object.kind == "Function"
	finding.selected(rego.metadata.rule())
	pods := _exposed("Ingress")

	message := sprintf("no NetworkPolicy of namespace %q denies ingress to %s by default", [_namespace, pods])
}

# METADATA
# title: Egress not denied by default
# scope: rule
# custom:
#   id: KFS-402
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   inventory: [Namespace, NetworkPolicy]
#   absence: true
#   remediation: |
#     Add a NetworkPolicy with `podSelector: {}` and `policyTypes: [Ingress, Egress]` to the namespace, and one beside
#     it for each service that the Function calls; DNS is `ports: [{port: 53, protocol: UDP}]`.
violation contains finding.new(rego.metadata.rule(), ["metadata", "namespace"], message) if {
	input.review.object.kind == "Function"
	finding.selected(rego.metadata.rule())
	pods := _exposed("Egress")

	message := sprintf("no NetworkPolicy of namespace %q denies egress of %s by default", [_namespace, pods])
}

# METADATA
# title: Isolation re-opened
# scope: rule
# custom:
#   id: KFS-403
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   inventory: [NetworkPolicy]
#   remediation: |
#     Name the peers in the NetworkPolicy: a podSelector with the labels of one workload, a namespaceSelector with one
#     namespace's `kubernetes.io/metadata.name`, or addresses with the cluster's own under `except`.
violation contains finding.new(rego.metadata.rule(), ["metadata", "namespace"], message) if {
	input.review.object.kind == "Function"
	finding.selected(rego.metadata.rule())
	some direction in ["Ingress", "Egress"]
	places := sort([[opening.policy, opening.path, opening.fault] |
		some opening in _openings_for(input.review.object)
		opening.direction == direction
	])
	[policy, path, fault] := places[0]

	message := sprintf("NetworkPolicy %q re-opens %s: in %s %s%s", [
		policy,
		lower(direction),
		_place(path),
		fault,
		_more(count(places) - 1),
	])
}

# METADATA
# title: Callers not restricted
# scope: rule
# custom:
#   id: KFS-404
#   severity: high
#   profiles: {baseline: warn, strict: deny}
#   inventory: [APIRule, AuthorizationPolicy, Namespace]
#   absence: true
#   remediation: |
#     Add an AuthorizationPolicy with `spec: {}` to the namespace, which lets nobody in, and ALLOW policies that name
#     the callers of each Function; or expose the Function with an APIRule v2, which lets only the gateway in.
violation contains finding.new(rego.metadata.rule(), ["metadata", "namespace"], message) if {
	input.review.object.kind == "Function"
	finding.selected(rego.metadata.rule())
	not _guarded

	message := sprintf("any pod of the mesh may call the Function: %s", [_unguarded])
}

# METADATA
# title: Outside the mesh, or without strict mTLS
# scope: rule
# custom:
#   id: KFS-405
#   severity: medium
#   profiles: {baseline: warn, strict: deny}
#   inventory: [Namespace, PeerAuthentication]
#   absence: true
#   remediation: |
#     Label the Namespace `istio-injection: enabled`, and add a PeerAuthentication with `spec: {mtls: {mode: STRICT}}`.
violation contains finding.new(rego.metadata.rule(), ["metadata", "namespace"], message) if {
	input.review.object.kind == "Function"
	finding.selected(rego.metadata.rule())
	some message in _bare
}

# METADATA
# title: NetworkPolicy that re-opens Functions
# scope: rule
# custom:
#   id: KFS-406
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   inventory: [Function, NetworkPolicy]
#   remediation: |
#     Name the peers: a podSelector with the labels of one workload, a namespaceSelector with one namespace's
#     `kubernetes.io/metadata.name`, or addresses with the cluster's own under `except`.
violation contains finding.new(rego.metadata.rule(), path, message) if {
	input.review.object.kind == "NetworkPolicy"
	finding.selected(rego.metadata.rule())
	some path, found in _opened

	message := sprintf("%s of %s is re-opened: %s", [lower(found.direction), _counted(found.functions), found.fault])
}

# METADATA
# title: Functions taken out of strict mTLS or of the mesh
# scope: rule
# custom:
#   id: KFS-407
#   severity: medium
#   profiles: {baseline: warn, strict: deny}
#   inventory: [Function, PeerAuthentication]
#   remediation: |
#     Write `mtls: {mode: STRICT}` and no port of its own into the PeerAuthentication; keep the Namespace's label
#     `istio-injection: enabled`.
violation contains finding.new(rego.metadata.rule(), path, message) if {
	input.review.object.kind in {"Namespace", "PeerAuthentication"}
	finding.selected(rego.metadata.rule())
	some [path, fault], functions in _weakened

	message := sprintf("%s: %s", [_counted(functions), fault])
}

# METADATA
# title: Function in a system namespace
# scope: rule
# custom:
#   id: KFS-408
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   systemNamespaces: true
#   remediation: |
#     Move the Function to a namespace of its own.
violation contains finding.new(rego.metadata.rule(), ["metadata", "namespace"], message) if {
	input.review.object.kind == "Function"
	_system

	message := sprintf("namespace %q is the platform's: its registry, operators and their interfaces", [_namespace])
}

# The pods of the reviewed Function that no NetworkPolicy isolates, for messages; undefined if there are none.
_exposed(direction) := "its pods" if {
	some pod in function.runtime_pods(input.review.object)
	not _isolated(pod, direction)
}

_exposed(direction) := "its build pods" if {
	some pod in function.pods(input.review.object, _flavor)
	not _isolated(pod, direction)
	every runtime_pod in function.runtime_pods(input.review.object) { _isolated(runtime_pod, direction) }
}

# Most namespaces have a policy that selects every pod; then the others needn't be looked at.
_isolated(pod, direction) if networkpolicy.isolated(_general, function.settled(pod), direction)

_isolated(pod, direction) if {
	networkpolicy.isolated(networkpolicy.guards(_specs), function.settled(pod), direction)
}

_general := networkpolicy.guards({spec | some spec in _specs; spec.podSelector == {}})

# KFS-403 and 406 ask the same, from either side.
_openings_for(fn) := {opening |
	some pod in function.pods(fn, _flavor)
	some opening in networkpolicy.reopened(_policies, pod, _labels_around, _cluster)
}

# By path, what the reviewed NetworkPolicy opens, and of which Functions.
_opened := {path: found |
	some path in {entry.path | some entry in _opened_each}
	entries := [entry | some entry in _opened_each; entry.path == path]
	found := {
		"direction": entries[0].direction,
		"fault": entries[0].fault,
		"functions": {name | some entry in entries; some name in entry.functions},
	}
}

_opened_each := {entry |
	count(_own_openings) > 0
	selectors := [object.get(policy, ["spec", "podSelector"], null) | some policy in _policies]
	some kind in function.alike({_namespace}, set(), selector.mentioned(selectors))
	some opening in _openings_for(kind.function)
	opening.policy == _name
	entry := {
		"path": opening.path,
		"direction": opening.direction,
		"fault": opening.fault,
		"functions": kind.names,
	}
}

_own_openings := networkpolicy.openings(input.review.object, _labels_around, _cluster)

# Address blocks count together, in all policies.
_blocks if {
	some opening in _own_openings
	opening.block != ""
}

# Of the namespace's NetworkPolicies those that may open the reviewed Function's pods; for a NetworkPolicy those that
# it opens something together with, and itself as it now is.
_policies := {name: {"spec": spec} |
	open := networkpolicy.open(_specs, _labels_around, _cluster)
	count(open) > 0
	some name in _candidates
	spec := data.inventory.namespace[_namespace]["networking.k8s.io/v1"].NetworkPolicy[name].spec
	spec in open
} if {
	input.review.object.kind == "Function"
}

_policies := {_name: input.review.object} if {
	input.review.object.kind == "NetworkPolicy"
	not _blocks
}

_policies := object.union(neighbours, {_name: input.review.object}) if {
	input.review.object.kind == "NetworkPolicy"
	_blocks
	specs := {name: spec |
		some name in (_addressing - {_name})
		spec := data.inventory.namespace[_namespace]["networking.k8s.io/v1"].NetworkPolicy[name].spec
	}
	own := object.get(input.review.object, "spec", null)
	open := networkpolicy.open({own} | {spec | some spec in specs}, _labels_around, _cluster)
	neighbours := {name: {"spec": spec} | some name, spec in specs; spec in open}
}

# The NetworkPolicies with address blocks that reach into the cluster, where the reviewed one has some in that direction
# too: only these add to its own.
_addressing := {name | some [name, block] in _address_blocks; block in inside} if {
	blocks := {block | some [_, block] in _address_blocks}
	inside := blocks - {block | some block in blocks; networkpolicy.outside(block, _cluster)}
}

_address_blocks := {[name, block] |
	some [field, peers] in _addressed
	policies := data.inventory.namespace[_namespace]["networking.k8s.io/v1"].NetworkPolicy
	block := policies[name].spec[field][_][peers][_].ipBlock
}

_addressed := {{"Ingress": ["ingress", "from"], "Egress": ["egress", "to"]}[opening.direction] |
	some opening in _own_openings
	opening.block != ""
}

# The specs of the NetworkPolicies that may select the reviewed Function's pods; many are the same.
_specs := {spec | some spec in _written} | {{} | count(_written) < count(_candidates)}

_written := [spec |
	some name in _candidates
	spec := data.inventory.namespace[_namespace]["networking.k8s.io/v1"].NetworkPolicy[name].spec
]

_candidates := networkpolicy.near(_namespace, function.pods(input.review.object, _flavor))

_sidecar := function.meshed_pod(input.review.object)

_settled_sidecar := function.settled(_sidecar)

# The API server gives every namespace a label with its name. The others count where the Namespace is known: a rule that
# waited for it would pass over what it can see without.
_labels_around := object.union(_labels(namespace.of(input.review)), {"kubernetes.io/metadata.name": _namespace})

_cluster := networkpolicy.cidrs(_cluster_cidrs)

default _cluster_cidrs := null

_cluster_cidrs := input.parameters.clusterCIDRs

# Someone is turned away, by what the Function's sidecar enforces: by a DENY that isn't about some operations only, by a
# trusted provider that isn't asked about some only, or because all that is allowed names its callers.
_guarded if {
	some policy in _enforced
	policy.spec.action == "DENY"
	some rule in authorization.rules(policy.spec)
	_turns_away(rule)
}

_guarded if {
	some policy in _enforced
	policy.spec.action == "CUSTOM"
	policy.spec.provider.name in _trusted_providers
	some rule in authorization.rules(policy.spec)
	_turns_away(rule)
}

_guarded if {
	_admitted
	count(_open) == 0
}

_admitted if {
	some policy in _enforced
	authorization.allows(policy.spec)
}

_admitted if _published

# An empty rule is about everyone.
_turns_away(rule) if {
	is_object(rule)
	not _about_operations(rule)
}

_about_operations(rule) if {
	object.get(rule, "from", null) in [null, []]
	object.get(rule, "when", null) in [null, []]
	operations := object.get(rule, "to", null)
	not operations in [null, []]
}

# All operations, or all but what may be open.
_turns_away(rule) if {
	some entry in rule.to
	is_object(entry.operation)
	limits := {field | some field, values in entry.operation; not values in [null, []]}
	every field in limits { field in {"notPaths", "paths"} }
	_open_to_everyone(object.get(entry.operation, "notPaths", []))
	_every_path(object.get(entry.operation, "paths", null))
}

_open_to_everyone(paths) if is_null(paths)

_open_to_everyone(paths) if {
	is_array(paths)
	every path in paths { path in _open_paths }
}

_every_path(paths) if paths in [null, []]

_every_path(paths) if {
	some path in paths
	path in {"*", "/*"}
}

_open := sort([[policy.name, opening.at, opening.name] |
	some policy in _enforceable
	authorization.allows(policy.spec)
	some opening in authorization.openings(policy.spec, _open_paths)
])

_unguarded := "no AuthorizationPolicy and no APIRule v2 restricts its callers" if count(_open) == 0

_unguarded := sprintf("%s of AuthorizationPolicy %q names no caller%s", [trim_suffix(place, ","), policy, more]) if {
	[policy, _, place] := _open[0]
	more := _more(count(_open) - 1)
}

_enforced := [policy | some policy in _enforceable; policy.certain]

# The specs of the AuthorizationPolicies that a sidecar of the reviewed Function may enforce, and whether it does for
# certain.
_enforceable := [{"name": name, "spec": spec, "certain": count(certainly) > 0} |
	some space in {_namespace, _root}
	some version, names in inventory.versioned("AuthorizationPolicy", space)
	some name in (names & inventory.near("AuthorizationPolicy", space, version, _sidecar))
	policy := data.inventory.namespace[space][version].AuthorizationPolicy[name]
	authorization.enforceable(policy, _sidecar)
	certainly := {true | authorization.enforced(policy, _settled_sidecar)}
	spec := authorization.spec(policy)
]

# API Gateway lets only the ingress gateway call the target of an APIRule v2, whatever its strategy; in older versions
# it guards only what is protected. One of another namespace is KFS-114's.
_published if {
	some version, names in inventory.versioned("APIRule", _namespace)
	some name in (names & _mentioning(version))
	resource := data.inventory.namespace[_namespace][version].APIRule[name]
	some rule in apirule.rules(resource)
	rule.version in {"v2", "v2alpha1"}
	rule.service == {"name": _name, "namespace": _namespace}
	every strategy in rule.strategies { strategy.kind != "unknown" }
}

# Spares the reading of all others.
_mentioning(version) := {name |
	data.inventory.namespace[_namespace][version].APIRule[name].spec.service.name == _name
} | {name |
	data.inventory.namespace[_namespace][version].APIRule[name].spec.rules[_].service.name == _name
}

# What makes the reviewed Function no member of a strict mesh. Outside the mesh nothing else matters.
_bare contains sprintf("namespace %q isn't in the mesh: %s", [_namespace, _injection(_around)]) if {
	not _injected
}

_bare contains message if {
	_injected
	faults := sort([[_lax(mode), sort(mode.by)] |
		some mode in _modes(input.review.object, _namespace)
		mode.mode != "STRICT"
	])
	[fault, by] := faults[0]

	message := concat(", ", [fault, _source(by)])
}

_injected if mesh.injected(_around, function.runtime_pod(input.review.object))

_around := namespace.of(input.review)

default _injection(_) := "it lacks the label istio-injection: enabled"

_injection(around) := "it isn't known" if is_null(around)

_injection(around) := sprintf("its label istio-injection is %s", [json.marshal(label)]) if {
	label := around.metadata.labels["istio-injection"]
}

_lax(mode) := sprintf("mutual TLS isn't strict but %s", [mode.mode])

_source([]) := "the mesh's default"

_source(by) := sprintf("by PeerAuthentication %q of namespace %q", [by[0][1], by[0][0]]) if count(by) > 0

# KFS-405 and 407 ask the same, from either side.
_modes(fn, space) := mesh.modes(_authentications(space, pod), pod, space, _root, _mesh_mtls) if {
	pod := function.meshed_pod(fn)
}

# The PeerAuthentications of the namespace and of the root that may be about a pod, with the reviewed one as it now is.
_authentications(space, pod) := {authentication |
	some source in {space, _root}
	some version, names in inventory.versioned("PeerAuthentication", source)
	some name in ((names & inventory.near("PeerAuthentication", source, version, pod)) - _reviewed(source))
	authentication := data.inventory.namespace[source][version].PeerAuthentication[name]
} | {input.review.object |
	input.review.object.kind == "PeerAuthentication"
	_namespace in {space, _root}
}

default _reviewed(_) := set()

_reviewed(source) := {_name} if {
	input.review.object.kind == "PeerAuthentication"
	source == _namespace
}

# By place and fault, the Functions that the reviewed object takes out.
_weakened := {place: names |
	some place in {entry.place | some entry in _weakened_each}
	names := {name | some entry in _weakened_each; entry.place == place; some name in entry.functions}
}

_weakened_each contains {"place": [mode.at, _lax(mode)], "functions": kind.names} if {
	input.review.object.kind == "PeerAuthentication"
	some kind in _kinds
	some mode in _modes(kind.function, kind.space)
	mode.mode != "STRICT"
	[_namespace, _name] in mode.by
}

_weakened_each contains {"place": [path, fault], "functions": names} if {
	input.review.object.kind == "Namespace"
	around := input.review.object
	not mesh.injected(around, {})
	names := inventory.names("Function", _name) - _joining
	count(names) > 0
	path := ["metadata", "labels", "istio-injection"]
	fault := sprintf("out of the mesh: %s", [_injection(around)])
}

# The Functions whose pods are in the mesh because they ask for it.
_joining := {name |
	some version, names in inventory.versioned("Function", _name)
	some name in (names & _asking(version))
	pod := function.runtime_pod(data.inventory.namespace[_name][version].Function[name])
	mesh.injected(input.review.object, pod)
}

# Spares the reading of all others.
_asking(version) := {name |
	labels := data.inventory.namespace[_name][version].Function[name].spec.labels
	some key in ["istio.io/rev", "sidecar.istio.io/inject"]
	_ = labels[key]
} | {name |
	labels := data.inventory.namespace[_name][version].Function[name].spec.template.labels
	some key in ["istio.io/rev", "sidecar.istio.io/inject"]
	_ = labels[key]
}

# The Functions behind the reviewed PeerAuthentication, those together that are the same to it and its like.
# Of a selector that takes a few, no others need be told apart.
_kinds := function.singly(_namespace, _chosen) if {
	_namespace != _root
	_few_chosen
}

_kinds := function.alike({_namespace}, set(), function.each(_namespace)) if {
	_namespace != _root
	not _few_chosen
	function.few(_namespace)
}

_kinds := function.alike({_namespace}, set(), _mentioned({_namespace})) if {
	_namespace != _root
	not _few_chosen
	not function.few(_namespace)
}

_kinds := function.alike(object.keys(data.inventory.namespace), apart, _mentioned(apart)) if {
	_namespace == _root
	apart := {_root} | _with_authentications
}

_few_chosen if {
	wanted := _own_selector.matchLabels
	selector.labels_readable(wanted)
	not wanted in [null, {}]
	count(_chosen) <= 20
}

_chosen := function.chosen(_namespace, _own_selector.matchLabels)

_mentioned(spaces) := selector.mentioned(array.concat([_own_selector], [chosen |
	some space in spaces
	some version, names in inventory.versioned("PeerAuthentication", space)
	some name in names
	chosen := data.inventory.namespace[space][version].PeerAuthentication[name].spec.selector
]))

_with_authentications := {space |
	some version in inventory.versions.PeerAuthentication
	count(data.inventory.namespace[space][version].PeerAuthentication) > 0
}

_own_selector := object.get(input.review.object, ["spec", "selector"], null)

_system if not is_array(_system_namespaces)

_system if _namespace in _system_namespaces

default _system_namespaces := null

_system_namespaces := input.parameters.systemNamespaces

default _flavor := "classic"

_flavor := input.parameters.flavor if is_string(input.parameters.flavor)

default _mesh_mtls := "PERMISSIVE"

_mesh_mtls := "STRICT" if input.parameters.meshMtls == "STRICT"

default _open_paths := []

_open_paths := input.parameters.openPaths if is_array(input.parameters.openPaths)

default _trusted_providers := []

_trusted_providers := input.parameters.trustedProviders if is_array(input.parameters.trustedProviders)

default _root := "istio-system"

_root := input.parameters.rootNamespace if is_string(input.parameters.rootNamespace)

_namespace := namespace.name(input.review)

default _name := ""

_name := input.review.object.metadata.name if is_string(input.review.object.metadata.name)

default _labels(_) := {}

_labels(around) := around.metadata.labels if is_object(around.metadata.labels)

# A path below the spec, as messages write it.
_place(path) := concat("", array.concat([path[1]], [step | some i, key in path; i > 1; step := _step(key)]))

_step(key) := sprintf("[%d]", [key]) if is_number(key)

_step(key) := sprintf(".%s", [key]) if is_string(key)

_more(0) := ""

_more(n) := sprintf("; and %d more", [n]) if n > 0

_counted(names) := sprintf("Function %q", [min(names)]) if count(names) == 1

_counted(names) := sprintf("Function %q and %d more", [min(names), count(names) - 1]) if count(names) > 1
