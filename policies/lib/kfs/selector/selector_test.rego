package lib.kfs.selector_test

import data.lib.kfs.selector

test_matches[note] if {
	some note, tc in {
		"null selects all": {"selector": null, "labels": {"app": "shop"}},
		"empty selects all": {"selector": {}, "labels": {}},
		"null parts select all": {"selector": {"matchLabels": null, "matchExpressions": null}, "labels": {}},
		"empty parts select all": {"selector": {"matchLabels": {}, "matchExpressions": []}, "labels": {}},
		"a label": {"selector": {"matchLabels": {"app": "shop"}}, "labels": {"app": "shop", "tier": "a"}},
		"an empty value": {"selector": {"matchLabels": {"app": ""}}, "labels": {"app": ""}},
		"an unknown value": {"selector": {"matchLabels": {"app": "shop"}}, "labels": {"app": null}},
		"In": {"selector": _in(["x", "shop"]), "labels": {"app": "shop"}},
		"In an unknown value": {"selector": _in(["shop"]), "labels": {"app": null}},
		"NotIn": {"selector": _not_in(["x"]), "labels": {"app": "shop"}},
		"NotIn without the label": {"selector": _not_in(["x"]), "labels": {}},
		"NotIn an unknown value": {"selector": _not_in(["x"]), "labels": {"app": null}},
		"Exists": {"selector": _exists, "labels": {"app": "shop"}},
		"Exists with an unknown value": {"selector": _exists, "labels": {"app": null}},
		"Exists with false": {"selector": _exists, "labels": {"app": false}},
		"Exists with empty values": {
			"selector": {"matchExpressions": [{"key": "app", "operator": "Exists", "values": []}]},
			"labels": {"app": "shop"},
		},
		"DoesNotExist": {"selector": _does_not_exist, "labels": {"tier": "a"}},
		"DoesNotExist without labels": {"selector": _does_not_exist, "labels": null},
	}

	selector.readable(tc.selector)
	selector.matches(tc.selector, tc.labels)
}

test_does_not_match[note] if {
	some note, tc in {
		"another value": {"selector": {"matchLabels": {"app": "shop"}}, "labels": {"app": "Shop"}},
		"no such label": {"selector": {"matchLabels": {"app": "shop"}}, "labels": {"tier": "shop"}},
		"one of two": {"selector": {"matchLabels": {"app": "shop", "tier": "a"}}, "labels": {"app": "shop"}},
		"labels that are none": {"selector": {"matchLabels": {"app": "shop"}}, "labels": ["app"]},
		"a number for a string": {"selector": {"matchLabels": {"app": "1"}}, "labels": {"app": 1}},
		"In": {"selector": _in(["x"]), "labels": {"app": "shop"}},
		"In without the label": {"selector": _in(["x"]), "labels": {}},
		"NotIn": {"selector": _not_in(["x", "shop"]), "labels": {"app": "shop"}},
		"Exists": {"selector": _exists, "labels": {}},
		"DoesNotExist": {"selector": _does_not_exist, "labels": {"app": "shop"}},
		"DoesNotExist with false": {"selector": _does_not_exist, "labels": {"app": false}},
		"DoesNotExist with an unknown value": {"selector": _does_not_exist, "labels": {"app": null}},
		"labels yes, expressions no": {
			"selector": object.union({"matchLabels": {"tier": "a"}}, _in(["x"])),
			"labels": {"tier": "a", "app": "shop"},
		},
	}

	selector.readable(tc.selector)
	not selector.matches(tc.selector, tc.labels)
}

test_unreadable_never_matches[note] if {
	some note, unreadable in {
		"a string": "app=shop",
		"an array": [],
		"false": false,
		"labels a string": {"matchLabels": "app=shop"},
		"labels an array": {"matchLabels": []},
		"a label's value null": {"matchLabels": {"app": null}},
		"a label's value a number": {"matchLabels": {"app": 1}},
		"expressions an object": {"matchExpressions": {}},
		"expressions false": {"matchExpressions": false},
		"an expression null": {"matchExpressions": [null]},
		"an expression a string": {"matchExpressions": ["app"]},
		"an expression empty": {"matchExpressions": [{}]},
		"an unknown operator": {"matchExpressions": [{"key": "app", "operator": "in", "values": ["shop"]}]},
		"In without values": {"matchExpressions": [{"key": "app", "operator": "In"}]},
		"In nothing": _in([]),
		"In a string": _in("shop"),
		"In null": _in([null]),
		"In an object": _in({"a": "shop"}),
		"In without a readable key": {"matchExpressions": [{"key": null, "operator": "NotIn", "values": ["shop"]}]},
		"NotIn nothing": _not_in([]),
		"Exists with values": {"matchExpressions": [{"key": "app", "operator": "Exists", "values": ["shop"]}]},
		"Exists without key": {"matchExpressions": [{"operator": "Exists"}]},
		"a key that is no string": {"matchExpressions": [{"key": 1, "operator": "DoesNotExist"}]},
		"one readable, one not": {"matchExpressions": [{"key": "app", "operator": "Exists"}, 7]},
	}

	not selector.readable(unreadable)
	not selector.matches(unreadable, {"app": "shop"})
}

test_labels_match[note] if {
	some note, tc in {
		"null": {"wanted": null, "labels": {}},
		"empty": {"wanted": {}, "labels": {"app": "shop"}},
		"equal": {"wanted": {"app": "shop"}, "labels": {"app": "shop"}},
		"unknown": {"wanted": {"app": "shop"}, "labels": {"app": null}},
	}

	selector.labels_readable(tc.wanted)
	selector.labels_match(tc.wanted, tc.labels)
}

test_labels_do_not_match[note] if {
	some note, tc in {
		"other value": {"wanted": {"app": "shop"}, "labels": {"app": "cart"}},
		"no labels": {"wanted": {"app": "shop"}, "labels": null},
		"unreadable value": {"wanted": {"app": 1}, "labels": {"app": 1}},
		"unreadable map": {"wanted": "app", "labels": {"app": "app"}},
	}

	not selector.labels_match(tc.wanted, tc.labels)
}

_in(values) := {"matchExpressions": [{"key": "app", "operator": "In", "values": values}]}

_not_in(values) := {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": values}]}

_exists := {"matchExpressions": [{"key": "app", "operator": "Exists"}]}

_does_not_exist := {"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}

test_mentioned if {
	selector.mentioned([
		{"matchLabels": {"app": "web", "tier": 1}},
		{"matchExpressions": [
			{"key": "zone", "operator": "In", "values": ["a", "b"]},
			{"key": "role", "operator": "Exists"},
			{"key": "stage", "operator": "NotIn", "values": ["c"]},
			null,
		]},
		{"matchLabels": null},
		"app=web",
		null,
	]) == {
		"keys": {"app", "tier", "zone", "role", "stage"},
		"texts": {"web", 1, "a", "b", "c"},
		"present": {"role", "stage"},
	}
}
