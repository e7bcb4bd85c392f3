# METADATA
# title: Event scope
# description: |
#   Kyma's eventing authorizes nobody: any Subscription may take the events of any source, and send them wherever its
#   sink leads. So a sink must be a Service of the Subscription's own namespace, and events must come from the sources
#   that the platform team gave to that namespace.
# schemas:
#   - input: schema.event_scope
# custom:
#   kind: KymaFunctionEventScope
#   fact: no-authorization
#   match:
#     - apiGroups: [eventing.kyma-project.io]
#       kinds: [Subscription]
#   parameters:
#     allowedSources:
#       type: array
#       items:
#         type: object
#         required: [namespaces, source]
#         properties:
#           namespaces:
#             type: array
#             items: {type: string}
#             description: The namespaces that may subscribe; `*` is every namespace.
#           source:
#             type: string
#             description: The source of the events, as a Subscription names it.
#           types:
#             type: array
#             items: {type: string}
#             description: |
#               The types of events, all of the source's if absent. `order.*` is every type that begins with `order.`.
#       default: []
#       description: |
#         Who may subscribe to what: `{namespaces: [shop], source: commerce, types: [order.created.v1]}`. A namespace
#         that an entry names is held to all entries that name it. Events without an application have source `noapp`.
#     unconfigured:
#       type: string
#       enum: [allowed, denied]
#       default: denied
#       profiles: {baseline: allowed}
#       description: |
#         Whether a namespace that no entry of allowedSources names may subscribe to everything or to nothing.
package kyma.event_scope

import data.lib.kfs.clusterurl
import data.lib.kfs.finding
import data.lib.kfs.namespace

# METADATA
# title: Sink outside the Subscription's namespace
# scope: rule
# custom:
#   id: KFS-431
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   remediation: |
#     Send events to a Service of the Subscription's own namespace:
#     `sink: http://<service>.<namespace>.svc.cluster.local`.
violation contains finding.new(rego.metadata.rule(), ["spec", "sink"], message) if {
	sink := _member(input.review.object, ["spec", "sink"])
	not _within(sink)

	message := sprintf("the sink %s", [_sink_fault(sink)])
}

# METADATA
# title: Events outside the namespace's sources
# scope: rule
# custom:
#   id: KFS-432
#   severity: medium
#   profiles: {baseline: warn, strict: deny}
#   remediation: |
#     Subscribe to full types of a source that the namespace may use. The platform team names it in the constraint's
#     parameters: `allowedSources: [{namespaces: [<namespace>], source: <source>, types: [<type>]}]`.
violation contains finding.new(rego.metadata.rule(), fault.at, fault.message) if {
	some interest in _interests(input.review.object)
	some fault in _faults(interest)
}

_within(sink) if clusterurl.service(sink).namespace == _home

_home := namespace.name(input.review)

# A URL is never repeated, only its host: it may hold a password.
_sink_fault(sink) := "is missing" if is_null(sink)

_sink_fault(sink) := "isn't a URL with a plain host" if {
	not is_null(sink)
	not _parsed(sink)
}

_sink_fault(sink) := sprintf("leads to host %q, which isn't cluster-local", [clusterurl.parsed(sink).host]) if {
	not clusterurl.local(sink)
}

_sink_fault(sink) := sprintf("leads to namespace %q", [clusterurl.service(sink).namespace])

_parsed(url) if is_object(clusterurl.parsed(url))

# What a Subscription asks for: a source and its types, each with its place. With typeMatching `exact` NATS takes the
# type alone for the subject and never looks at the source (eventing-manager: GetJetStreamSubject). In v1alpha1 it
# always does. With one that nobody knows both count: the source, and the type as if it were exact.
_interests(subscription) := [{
	"source": {"at": ["spec", "source"], "value": _member(subscription, ["spec", "source"])},
	"types": _types(_member(subscription, ["spec", "types"])),
	"exact": _exact(subscription),
	"sourced": _sourced(subscription),
}] if {
	not _old(subscription)
}

_interests(subscription) := [_interest(i, filter) | some i, filter in _filters(subscription)] if {
	_old(subscription)
	_filtered(subscription)
}

_interests(subscription) := [{
	"source": {"at": ["spec", "filter", "filters"], "value": null},
	"types": [],
	"exact": true,
	"sourced": false,
}] if {
	_old(subscription)
	not _filtered(subscription)
}

_interest(i, filter) := {
	"source": {
		"at": array.concat(at, ["eventSource", "value"]),
		"value": _member(filter, ["eventSource", "value"]),
	},
	"types": [{
		"at": array.concat(at, ["eventType", "value"]),
		"value": _member(filter, ["eventType", "value"]),
	}],
	"exact": true,
	"sourced": false,
} if {
	at := ["spec", "filter", "filters", i]
}

_old(subscription) if subscription.apiVersion == "eventing.kyma-project.io/v1alpha1"

# No list of types, or an empty one, is one type that can't be read.
_types(values) := [{"at": ["spec", "types", i], "value": value} | some i, value in values] if _filled(values)

_types(values) := [{"at": ["spec", "types"], "value": null}] if not _filled(values)

_filters(subscription) := _member(subscription, ["spec", "filter", "filters"])

_filtered(subscription) if _filled(_filters(subscription))

_filled(values) if {
	is_array(values)
	count(values) > 0
}

default _exact(_) := true

_exact(subscription) := false if _member(subscription, ["spec", "typeMatching"]) in {"standard", null}

default _sourced(_) := true

_sourced(subscription) := false if _member(subscription, ["spec", "typeMatching"]) == "exact"

_faults(interest) := _source_faults(interest) | {fault |
	some type in interest.types
	fault := {"at": type.at, "message": _type_fault(interest, type.value)}
}

_source_faults(interest) := {{"at": interest.source.at, "message": message} |
	message := _source_fault(interest.source.value, interest.sourced)
}

_source_fault(source, _) := "the source is missing or no text" if not is_string(source)

_source_fault(source, _) := sprintf("source %q is a wildcard", [source]) if _wildcard(source)

_source_fault(source, sourced) := "the source is blank" if {
	_blank(source)
	sourced
}

_source_fault(source, sourced) := sprintf("namespace %q has no allowed sources", [_home]) if {
	_namable(source, sourced)
	not _configured
	not _lenient
}

_source_fault(source, sourced) := sprintf("source %q is outside those of namespace %q", [source, _home]) if {
	_namable(source, sourced)
	_configured
	sourced
	not _allowed_source(source)
}

_type_fault(_, type) := "an event type is missing, blank or no text" if _unreadable(type)

_type_fault(_, type) := sprintf("event type %q is a wildcard", [type]) if _wildcard(type)

_type_fault(interest, type) := sprintf("event type %q is outside those of namespace %q", [type, _home]) if {
	_configured
	not _unreadable(type)
	not _wildcard(type)
	count(_source_faults(interest)) == 0
	not _allowed_type(interest, type)
}

# NATS reads both in a subject.
_wildcard(text) if {
	is_string(text)
	regex.match(`[*>]`, text)
}

_blank(text) if {
	is_string(text)
	trim_space(text) == ""
}

_unreadable(text) if not is_string(text)

_unreadable(text) if _blank(text)

_namable(source, _) if {
	is_string(source)
	not _blank(source)
	not _wildcard(source)
}

_namable(source, sourced) if {
	_blank(source)
	not sourced
}

_allowed_source(source) if {
	some entry in _entries
	entry.source == source
}

# Both the type that stands there and the source that it holds must be within what is allowed.
_allowed_type(interest, type) if {
	not interest.exact
	not _full(type)
	_allowed(interest.source.value, type)
}

_allowed_type(interest, type) if _listed(interest.source.value, type)

_allowed_type(_, type) if {
	_full(type)
	[source, rest] := _divided(trim_prefix(_plain(type), _prefix))
	_allowed(source, rest)
}

_allowed_type(interest, type) if {
	interest.exact
	[source, rest] := _divided(type)
	_allowed(source, rest)
}

_allowed(source, _) if {
	some entry in _entries
	entry.source == source
	not _narrowed(entry)
}

_allowed(source, type) if _listed(source, type)

_listed(source, type) if {
	some entry in _entries
	entry.source == source
	is_array(entry.types)
	some pattern in entry.types
	_fits(pattern, type)
}

_narrowed(entry) if "types" in object.keys(entry)

_fits(pattern, type) if pattern == type

_fits(pattern, type) if {
	is_string(pattern)
	endswith(pattern, ".*")
	startswith(type, trim_suffix(pattern, "*"))
}

# A full type holds its source: sap.kyma.custom.<source>.<type>. Eventing strips other characters before it looks.
_full(type) if startswith(_plain(type), _prefix)

_plain(type) := regex.replace(type, `[^0-9A-Za-z._-]`, "")

_prefix := "sap.kyma.custom."

_divided(type) := [substring(type, 0, dot), substring(type, dot + 1, -1)] if {
	dot := indexof(type, ".")
	dot > 0
}

_entries := [entry |
	is_array(input.parameters.allowedSources)
	some entry in input.parameters.allowedSources
	is_array(entry.namespaces)
	some name in entry.namespaces
	name in {"*", _home}
]

_configured if count(_entries) > 0

_lenient if input.parameters.unconfigured == "allowed"

default _member(_, _) := null

_member(resource, path) := object.get(resource, path, null) if is_object(resource)
