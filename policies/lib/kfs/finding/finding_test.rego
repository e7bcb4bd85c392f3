package lib.kfs.finding_test

import data.lib.kfs.finding

_rule := {"custom": {"id": "KFS-201", "severity": "high"}}

_object := {"kind": "Function", "metadata": {"name": "orders", "namespace": "demo"}}

_exemption := {
	"rule": "KFS-201",
	"kind": "Function",
	"name": "orders",
	"namespace": "demo",
	"reason": "moves in spring",
	"expires": "2199-12-31",
}

_message(review, parameters) := got.msg if {
	got := finding.new(_rule, ["spec"], "no good") with input as {"review": review, "parameters": parameters}
}

_found(review, parameters) if _message(review, parameters)

test_shape if {
	review := {"object": _object}
	got := finding.new(_rule, ["spec", "runtime"], "no good") with input as {"review": review, "parameters": {}}
	got == {
		"msg": "KFS-201: no good",
		"details": {"rule": "KFS-201", "severity": "high", "fact": "runtime-image", "path": ["spec", "runtime"]},
	}
}

test_line if {
	got := finding.at_line(_rule, ["spec", "source"], 3, "no good") with input as {
		"review": {"object": _object},
		"parameters": {},
	}
	got.details.line == 3
}

test_selection[note] if {
	some note, tc in {
		"no parameters": {"parameters": {}, "want": true},
		"absent": {"parameters": {"other": 1}, "want": true},
		"null": {"parameters": {"rules": null}, "want": true},
		"empty": {"parameters": {"rules": []}, "want": true},
		"a text": {"parameters": {"rules": "KFS-202"}, "want": true},
		"an object": {"parameters": {"rules": {"a": "KFS-202"}}, "want": true},
		"named": {"parameters": {"rules": ["KFS-202", "KFS-201"]}, "want": true},
		"others named": {"parameters": {"rules": ["KFS-202"]}, "want": false},
	}
	_is(tc.want, {"object": _object}, tc.parameters)
}

_is(true, review, parameters) if _found(review, parameters)

_is(false, review, parameters) if not _found(review, parameters)

_terminating := object.union(_object, {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["b"]}})

_terminating_before := object.union(_terminating, {"metadata": {"finalizers": ["a", "b"], "managedFields": [{"x": 1}]}})

test_requests[note] if {
	some note, tc in {
		"audit": {"review": {"operation": ""}, "want": true},
		"create": {"review": {"operation": "CREATE"}, "want": true},
		"update": {"review": {"operation": "UPDATE", "oldObject": _object}, "want": true},
		"delete": {"review": {"operation": "DELETE"}, "want": false},
		"a subresource": {"review": {"operation": "UPDATE", "subResource": "status"}, "want": false},
		"no subresource": {"review": {"operation": "UPDATE", "subResource": ""}, "want": true},
		"subresource null": {"review": {"operation": "UPDATE", "subResource": null}, "want": true},
		"a finalizer removed": {
			"review": {"operation": "UPDATE", "object": _terminating, "oldObject": _terminating_before},
			"want": false,
		},
		"all finalizers removed": {
			"review": {
				"operation": "UPDATE",
				"object": json.remove(_terminating, ["/metadata/finalizers"]),
				"oldObject": _terminating_before,
			},
			"want": false,
		},
		"a finalizer removed and the spec changed": {
			"review": {
				"operation": "UPDATE",
				"object": object.union(_terminating, {"spec": {"runtime": "nodejs10"}}),
				"oldObject": _terminating_before,
			},
			"want": true,
		},
		"a finalizer replaced": {
			"review": {
				"operation": "UPDATE",
				"object": object.union(_terminating, {"metadata": {"finalizers": ["c"]}}),
				"oldObject": _terminating_before,
			},
			"want": true,
		},
		"a finalizer removed from an object that stays": {
			"review": {
				"operation": "UPDATE",
				"object": json.remove(_terminating, ["/metadata/deletionTimestamp"]),
				"oldObject": json.remove(_terminating_before, ["/metadata/deletionTimestamp"]),
			},
			"want": true,
		},
	}
	_is(tc.want, object.union({"object": _object}, tc.review), {})
}

test_exempt[note] if {
	some note, tc in {
		"live": {"change": {}, "want": false},
		"a time": {"change": {"expires": "2199-12-31T12:00:00+02:00"}, "want": false},
		"another rule": {"change": {"rule": "KFS-202"}, "want": true},
		"another kind": {"change": {"kind": "APIRule"}, "want": true},
		"another name": {"change": {"name": "order"}, "want": true},
		"another namespace": {"change": {"namespace": "demo2"}, "want": true},
		"a wildcard is a name": {"change": {"name": "*"}, "want": true},
		"no namespace": {"remove": ["namespace"], "change": {}, "want": true},
	}
	exemption := object.union(object.remove(_exemption, object.get(tc, "remove", [])), tc.change)
	_is(tc.want, {"object": _object}, {"exemptions": [exemption]})
}

test_cluster_scoped_exemption if {
	cluster := {"kind": "Namespace", "metadata": {"name": "demo"}}
	exemption := object.union(object.remove(_exemption, ["namespace"]), {"kind": "Namespace", "name": "demo"})
	_is(false, {"object": cluster}, {"exemptions": [exemption]})
}

test_dead_exemption_says_so[note] if {
	some note, tc in {
		"expired": {"change": {"expires": "2020-01-31"}, "want": "(its exemption expired 2020-01-31)"},
		"no reason": {"remove": ["reason"], "want": "(its exemption gives no reason)"},
		"a blank reason": {"change": {"reason": " "}, "want": "(its exemption gives no reason)"},
		"no expiry": {"remove": ["expires"], "want": "the latest is 2261-12-31)"},
		"no such day": {"change": {"expires": "2026-02-30"}, "want": "the latest is 2261-12-31)"},
		"beyond 64 bits": {"change": {"expires": "2262-12-31"}, "want": "the latest is 2261-12-31)"},
		"a number": {"change": {"expires": 2030}, "want": "the latest is 2261-12-31)"},
	}
	exemption := object.union(object.remove(_exemption, object.get(tc, "remove", [])), object.get(tc, "change", {}))
	message := _message({"object": _object}, {"exemptions": [exemption]})
	startswith(message, "KFS-201: no good")
	endswith(message, tc.want)
}

test_long_messages_are_cut[note] if {
	some note, tc in {
		"ascii": {"text": concat("", [c | some _ in numbers.range(1, 400); c := "x"]), "least": 200},
		"four bytes a character": {"text": concat("", [c | some _ in numbers.range(1, 400); c := "😀"]), "least": 200},
	}
	got := finding.new(_rule, [], tc.text) with input as {"review": {"object": _object}, "parameters": {}}
	bytes := count(hex.encode(got.msg)) / 2
	bytes < 256
	bytes > tc.least
	endswith(got.msg, "…")
}

test_message_is_one_line if {
	got := finding.new(_rule, [], "no \r\n::error::\u001b[31mgood\u2028") with input as {
		"review": {"object": _object},
		"parameters": {},
	}
	got.msg == "KFS-201: no  ::error:: [31mgood "
}
