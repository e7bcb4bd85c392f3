# METADATA
# title: Findings
# description: |
#   Builds the one shape of a result. It is undefined where the rule isn't selected, where the request is none to be
#   judged, and where a live exemption covers the object; so every rule may call it last and unconditionally. The only
#   library besides lib.kfs.inventory that reads the document: selection is the same for every rule.
package lib.kfs.finding

import data.lib.kfs.instant
import data.lib.kfs.shown

# METADATA
# description: |
#   A result of `rule` (from rego.metadata.rule()) at `path`, an array of keys and indices into the object.
# scope: document
new(rule, path, message) := _result(rule, message, {"path": shown.path(path)})

# METADATA
# description: As new, at a line of the text that stands at `path`; the text's first line is 1.
# scope: document
at_line(rule, path, line, message) := _result(rule, message, {"path": shown.path(path), "line": line})

# METADATA
# description: |
#   True where the rule is to be evaluated. A rule that reads the inventory begins with it, so that an unselected one
#   costs nothing.
# scope: document
selected(rule) if {
	not _skipped
	_chosen(rule)
}

_result(rule, message, place) := {"msg": _clipped(text), "details": object.union(place, details)} if {
	selected(rule)
	not _exempt(rule)
	text := shown.line(shown.masked(sprintf("%s: %s%s", [rule.custom.id, message, _remark(rule)])))
	details := {
		"rule": rule.custom.id,
		"severity": rule.custom.severity,
		"fact": _facts[substring(rule.custom.id, 4, 1)],
	}
}

# The hundreds of a rule's id number the page's facts.
_facts := {
	"0": "manifest",
	"1": "jwt-scope",
	"2": "runtime-image",
	"3": "no-scans",
	"4": "no-authorization",
	"5": "pod-security",
	"6": "registry",
	"7": "namespace-access",
}

# Anything but a non-empty array selects all rules: a typo must not switch a policy off.
_chosen(rule) if {
	is_array(input.parameters.rules)
	rule.custom.id in input.parameters.rules
}

_chosen(_) if not _restricted

_restricted if {
	is_array(input.parameters.rules)
	count(input.parameters.rules) > 0
}

_skipped if input.review.operation == "DELETE"

_skipped if {
	subresource := input.review.subResource
	subresource != ""
	subresource != null
}

# An object that hangs in Terminating must be able to lose its finalizers, however bad it is.
_skipped if {
	input.review.operation == "UPDATE"
	input.review.object.metadata.deletionTimestamp
	new_finalizers := object.get(input.review.object.metadata, "finalizers", [])
	old_finalizers := object.get(input.review.oldObject.metadata, "finalizers", [])
	count(new_finalizers) < count(old_finalizers)
	every finalizer in new_finalizers { finalizer in old_finalizers }
	_without_finalizers(input.review.object) == _without_finalizers(input.review.oldObject)
}

# The API server rewrites managedFields with every request.
_without_finalizers(resource) := json.remove(resource, ["/metadata/finalizers", "/metadata/managedFields"])

_exempt(rule) if {
	some exemption in _exemptions(rule)
	_live(exemption)
}

_exemptions(rule) := [exemption |
	some exemption in input.parameters.exemptions
	exemption.rule == rule.custom.id
	exemption.kind == input.review.object.kind
	exemption.name == input.review.object.metadata.name
	object.get(exemption, "namespace", "") == object.get(input.review.object.metadata, "namespace", "")
]

_live(exemption) if {
	_reasoned(exemption)
	instant.end(exemption.expires) >= time.now_ns()
}

_reasoned(exemption) if {
	is_string(exemption.reason)
	trim_space(exemption.reason) != ""
}

default _remark(_) := ""

_remark(rule) := sprintf(" (%s)", [concat(", ", sort([remark |
	some exemption in _exemptions(rule)
	remark := _complaint(exemption)
]))]) if {
	count(_exemptions(rule)) > 0
}

_complaint(exemption) := "its exemption gives no reason" if not _reasoned(exemption)

_complaint(exemption) := sprintf("its exemption expired %s", [exemption.expires]) if {
	_reasoned(exemption)
	instant.end(exemption.expires)
}

_complaint(exemption) := "its exemption's expires is no date that can be read; the latest is 2261-12-31" if {
	_reasoned(exemption)
	not _dated(exemption)
}

_dated(exemption) if instant.readable(exemption.expires)

# Gatekeeper cuts a message in a constraint's status at 256 bytes.
_clipped(text) := text if _bytes(text) < 256

_clipped(text) := concat("", [substring(text, 0, length), "…"]) if {
	_bytes(text) >= 256
	length := max([length |
		some length in [240, 180, 120, 60]
		_bytes(substring(text, 0, length)) < 253
	])
}

_bytes(text) := count(hex.encode(text)) / 2
