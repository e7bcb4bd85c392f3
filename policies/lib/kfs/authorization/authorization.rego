# METADATA
# title: Istio authorization
# description: |
#   Reads AuthorizationPolicies: which sidecars enforce one, and which callers its rules name. Sources are alternatives;
#   the conditions of one source, and `when`, hold together. A source that can't be read names nobody.
package lib.kfs.authorization

import data.lib.kfs.selector

# METADATA
# description: |
#   The spec of a policy; one that can't be read has rules that can't be.
# scope: document
spec(policy) := found if {
	found := _member(policy, "spec")
	is_object(found)
}

spec(policy) := {} if is_null(_member(policy, "spec"))

spec(policy) := {"rules": "unreadable"} if {
	found := _member(policy, "spec")
	not is_null(found)
	not is_object(found)
}

# METADATA
# description: The rules of a spec. What is no list is one rule that can't be read.
# scope: document
rules(policy_spec) := _list(policy_spec, "rules")

# METADATA
# description: True where a spec is ALLOW's. An absent action is, and so is one that nobody knows.
# scope: document
allows(policy_spec) if {
	action := _member(policy_spec, "action")
	not action in {"AUDIT", "CUSTOM", "DENY"}
}

# METADATA
# description: |
#   True where the sidecar of a pod enforces the policy for certain, of the pod's or the root namespace. A policy with
#   targets is a waypoint's.
# scope: document
enforced(policy, pod) if {
	not idle(policy)
	found := spec(policy)
	count(targets(found)) == 0
	selector.labels_match(wanted(found), pod)
}

# METADATA
# description: |
#   True where the sidecar of a pod may enforce the policy: what opens the pod does, until it is certain that it
#   doesn't.
# scope: document
enforceable(policy, pod) if {
	not _rehearsed(policy)
	found := spec(policy)
	count(targets(found)) == 0
	_may_want(wanted(found), pod)
}

# METADATA
# description: The targets of a spec, targetRef and targetRefs together.
# scope: document
targets(policy_spec) := array.concat(
	[target | target := _member(policy_spec, "targetRef"); not is_null(target)],
	_list(policy_spec, "targetRefs"),
)

# METADATA
# description: |
#   The labels that a spec wants of a pod; null wants none, "unreadable" is not to be known. Istio reads no
#   matchExpressions.
# scope: document
wanted(policy_spec) := _member(found, "matchLabels") if {
	found := _member(policy_spec, "selector")
	_readable(found)
}

wanted(policy_spec) := "unreadable" if {
	found := _member(policy_spec, "selector")
	not _readable(found)
}

# METADATA
# description: |
#   True where it isn't certain that a policy does anything: Istio only logs what it would do, or only the control plane
#   of one revision reads it; which one a pod belongs to isn't known here.
# scope: document
idle(policy) if {
	value := policy.metadata.annotations["istio.io/dry-run"]
	not value in {"0", "F", "FALSE", "False", "f", "false"}
}

idle(policy) if {
	value := policy.metadata.labels["istio.io/rev"]
	value != "default"
}

# METADATA
# description: |
#   The places where a spec's rules name no caller, as [{at, name, rule}]: `at` is relative to its rules, `name` what
#   messages call it. Without rules it lets nobody in.
# scope: document
openings(policy_spec, open_paths) := [{"at": at, "name": name, "rule": rule} |
	some i, rule in rules(policy_spec)
	not conditioned(rule)
	not harmless(rule, open_paths)
	some caller in callers(rule)
	source := caller.source
	not bound(source)
	at := array.concat([i], caller.at)
	name := concat("", [sprintf("rule %d", [i]), caller.name])
]

# METADATA
# description: |
#   The sources of a rule as [{at, name, source}]: where it stands in the rule, what messages call it, and itself. A
#   rule without `from` has one, null.
# scope: document
callers(rule) := [{"at": ["from", i], "name": sprintf(", source %d,", [i]), "source": _member(entry, "source")} |
	some i, entry in _member(rule, "from")
] if {
	_filled(_member(rule, "from"))
}

callers(rule) := [{"at": [], "name": "", "source": null}] if {
	from := _member(rule, "from")
	not _filled(from)
}

# METADATA
# description: True where a source names its callers.
# scope: document
bound(source) if {
	some field, values in source
	_names_caller(field, values)
}

# METADATA
# description: True where `when` names the callers, whatever the source.
# scope: document
conditioned(rule) if token_bound(rule)

conditioned(rule) if {
	some condition in _array(_member(rule, "when"))
	_names_caller(_attributes[condition.key], condition.values)
}

# The keys of `when` that say the same as a field of a source (Istio: pilot/pkg/security/authz/model/model.go).
_attributes := {
	"remote.ip": "remoteIpBlocks",
	"request.auth.principal": "requestPrincipals",
	"source.ip": "ipBlocks",
	"source.namespace": "namespaces",
	"source.principal": "principals",
	"source.serviceAccount": "serviceAccounts",
}

# METADATA
# description: True where `when` demands an audience or a scope of the token.
# scope: document
token_bound(rule) if {
	some condition in _array(_member(rule, "when"))
	condition.key in {
		"request.auth.audiences",
		"request.auth.claims[aud]",
		"request.auth.claims[scope]",
		"request.auth.claims[scopes]",
		"request.auth.claims[scp]",
	}
	effective(condition.values)
}

# METADATA
# description: |
#   True for values of which each asks for something: Istio matches one that starts or ends with * by the rest of it.
# scope: document
effective(values) if {
	_filled(values)
	every value in values {
		is_string(value)
		regex.match(`(?s)^\s*[^*\s](.*[^*\s])?\s*$`, value)
	}
}

# METADATA
# description: True where a rule is about nothing but paths, exactly as written, that may be open to everyone.
# scope: document
harmless(rule, open_paths) if {
	_filled(_member(rule, "to"))
	every operation in rule.to { _open_paths_only(_member(_member(operation, "operation"), "paths"), open_paths) }
}

_open_paths_only(paths, open_paths) if {
	_filled(paths)
	every path in paths { path in open_paths }
}

_names_caller(field, values) if {
	_filled(values)
	every value in values {
		is_string(value)
		regex.match(_callers_name[field], value)
	}
}

_names_caller(field, values) if {
	field in {"ipBlocks", "remoteIpBlocks"}
	_filled(values)
	_narrow({_block(value) | some value in values})
}

# A caller is at least one whole namespace or one whole issuer. Istio takes * for any text: at the ends of a principal,
# anywhere in a namespace, which it pastes into a regular expression with whatever else stands in it.
_callers_name := {
	"namespaces": `^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`,
	"principals": `^([^*\s](\S*[^*\s])?|\S*/ns/[^/*\s]+/\S*)$`,
	"requestPrincipals": `^([^*\s](\S*[^*\s])?|[A-Za-z][-+.0-9A-Za-z]*://[^/*\s]+/\S*|[^/*\s]*[^/:*\s]/\S*)$`,
	"serviceAccounts": `^([a-z0-9]([-a-z0-9]*[a-z0-9])?/)?[a-z0-9]([-.a-z0-9]*[a-z0-9])?$`,
}

# No network is wider than a /8, in IPv6 a /16, except the private fc00::/7; and no list of them adds up to more than
# sixteen of the widest. So neither 0.0.0.0/0 nor its halves, nor what spares a corner of it, names a caller. IPv6 is
# counted in /64s: before OPA 1.22 no sum of whole addresses is exact.
_narrow(blocks) if {
	every block in blocks {
		net.cidr_is_valid(block)
		_network(block)
	}
	merged := net.cidr_merge(blocks)
	sum([bits.lsh(1, 32 - _prefix(block)) | some block in merged; _widest(block) == 8]) <= bits.lsh(1, 28)
	sum([bits.lsh(1, 64 - min([_prefix(block), 64])) | some block in merged; _widest(block) == 16]) <= bits.lsh(1, 52)
}

_network(block) if _prefix(block) >= _widest(block)

_widest(block) := 8 if not contains(block, ":")

_widest(block) := 16 if {
	contains(block, ":")
	not net.cidr_contains("fc00::/7", block)
}

_widest(block) := 7 if net.cidr_contains("fc00::/7", block)

_prefix(block) := to_number(split(block, "/")[1])

default _block(_) := ""

_block(address) := address if {
	is_string(address)
	contains(address, "/")
}

_block(address) := sprintf("%s/128", [address]) if {
	is_string(address)
	not contains(address, "/")
	contains(address, ":")
}

_block(address) := sprintf("%s/32", [address]) if {
	is_string(address)
	not contains(address, "/")
	not contains(address, ":")
}

# As Go's strconv.ParseBool reads it, so does Istio, and takes what it can't read for no (pilot/pkg/security/authz).
_rehearsed(policy) if policy.metadata.annotations["istio.io/dry-run"] in {"1", "T", "TRUE", "True", "t", "true"}

_may_want(labels, pod) if selector.labels_match(labels, pod)

_may_want(labels, _) if not selector.labels_readable(labels)

_readable(value) if is_null(value)

_readable(value) if is_object(value)

_list(policy_spec, key) := _member(policy_spec, key) if is_array(_member(policy_spec, key))

_list(policy_spec, key) := [] if is_null(_member(policy_spec, key))

_list(policy_spec, key) := [null] if {
	value := _member(policy_spec, key)
	not is_null(value)
	not is_array(value)
}

_filled(values) if {
	is_array(values)
	count(values) > 0
}

default _array(_) := []

_array(value) := value if is_array(value)

default _member(_, _) := null

_member(resource, key) := resource[key] if is_object(resource)
