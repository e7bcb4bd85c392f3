package kyma.event_scope_test

import data.kyma.event_scope

# Sinks that no manifest can hold, or that its schema forbids, and what is said of the others.
test_sink[note] if {
	some note, tc in {
		"its namespace": {"spec": {"sink": "http://orders.demo.svc"}, "want": set()},
		"missing": {"spec": {}, "want": {"KFS-431: the sink is missing"}},
		"null": {"spec": {"sink": null}, "want": {"KFS-431: the sink is missing"}},
		"number": {"spec": {"sink": 80}, "want": {"KFS-431: the sink isn't a URL with a plain host"}},
		"list": {"spec": {"sink": [_sink]}, "want": {"KFS-431: the sink isn't a URL with a plain host"}},
		"false": {"spec": {"sink": false}, "want": {"KFS-431: the sink isn't a URL with a plain host"}},
		"userinfo isn't repeated": {
			"spec": {"sink": "http://eve:hunter2@orders.demo.svc"},
			"want": {"KFS-431: the sink isn't a URL with a plain host"},
		},
		"a foreign host, without its path": {
			"spec": {"sink": "https://collect.example.com/?token=hunter2"},
			"want": {"KFS-431: the sink leads to host \"collect.example.com\", which isn't cluster-local"},
		},
		"another namespace": {
			"spec": {"sink": "http://orders.billing.svc.cluster.local"},
			"want": {"KFS-431: the sink leads to namespace \"billing\""},
		},
		"spec is text": {"spec": "sink", "want": {"KFS-431: the sink is missing"}},
	}

	_messages(_subscription(tc.spec), {"rules": ["KFS-431"]}) == tc.want
}

test_namespace[note] if {
	some note, tc in {
		"the object says none, the review does": {"metadata": {"name": "orders"}, "namespace": "demo", "want": set()},
		"neither says one": {
			"metadata": {"name": "orders"},
			"namespace": "",
			"want": {"KFS-431: the sink leads to namespace \"demo\""},
		},
	}

	subscription := {"apiVersion": _v1alpha2, "kind": "Subscription", "metadata": tc.metadata, "spec": {"sink": _sink}}
	_texts({"object": subscription, "namespace": tc.namespace}, {"rules": ["KFS-431"]}) == tc.want
}

test_no_object if _texts({"object": "text"}, {"rules": ["KFS-431"]}) == {"KFS-431: the sink is missing"}

# What is wrong whatever is configured.
test_unreadable[note] if {
	some note, tc in {
		"nothing wrong": {"spec": {"source": "commerce", "types": ["order.created.v1"]}, "want": set()},
		"spec is null": {"spec": null, "want": {_no_source, _no_type}},
		"spec is text": {"spec": "source", "want": {_no_source, _no_type}},
		"source is a number": {"spec": {"source": 1, "types": ["order.created.v1"]}, "want": {_no_source}},
		"source is a list": {"spec": {"source": ["commerce"], "types": ["order.created.v1"]}, "want": {_no_source}},
		"source is blank": {
			"spec": {"source": "\t", "types": ["order.created.v1"], "typeMatching": "standard"},
			"want": {[["spec", "source"], "KFS-432: the source is blank"]},
		},
		"source is blank, exact": {
			"spec": {"source": "", "types": ["order.created.v1"], "typeMatching": "exact"},
			"want": set(),
		},
		"source is blank, a matching nobody knows": {
			"spec": {"source": "", "types": ["order.created.v1"], "typeMatching": "Exact"},
			"want": {[["spec", "source"], "KFS-432: the source is blank"]},
		},
		"typeMatching is null": {
			"spec": {"source": "", "types": ["order.created.v1"], "typeMatching": null},
			"want": {[["spec", "source"], "KFS-432: the source is blank"]},
		},
		"a wildcard inside the source": {
			"spec": {"source": "com*", "types": ["order.created.v1"]},
			"want": {[["spec", "source"], "KFS-432: source \"com*\" is a wildcard"]},
		},
		"types are text": {"spec": {"source": "commerce", "types": "order.created.v1"}, "want": {_no_type}},
		"types are null": {"spec": {"source": "commerce", "types": null}, "want": {_no_type}},
		"types are an object": {"spec": {"source": "commerce", "types": {"a": "order.created.v1"}}, "want": {_no_type}},
		"types that are none": {
			"spec": {"source": "commerce", "types": [null, 1, ["order.created.v1"], " ", "order.created.v1"]},
			"want": {[["spec", "types", i], _no_type[1]] | some i in numbers.range(0, 3)},
		},
		"a wildcard inside a type": {
			"spec": {"source": "commerce", "types": ["order.created.v*"]},
			"want": {[["spec", "types", 0], "KFS-432: event type \"order.created.v*\" is a wildcard"]},
		},
	}

	_findings(_subscription(tc.spec), {"rules": ["KFS-432"], "unconfigured": "allowed"}) == tc.want
}

test_first_version[note] if {
	some note, tc in {
		"nothing wrong": {"spec": {"filter": {"filters": [_filter("", "sap.kyma.custom.a.b.v1")]}}, "want": set()},
		"no filter": {"spec": {}, "want": {[_filters, _no_source[1]]}},
		"filter is text": {"spec": {"filter": "all"}, "want": {[_filters, _no_source[1]]}},
		"filters are empty": {"spec": {"filter": {"filters": []}}, "want": {[_filters, _no_source[1]]}},
		"filters are an object": {
			"spec": {"filter": {"filters": {"a": _filter("", "a.b")}}},
			"want": {[_filters, _no_source[1]]},
		},
		"a filter is null": {
			"spec": {"filter": {"filters": [null]}},
			"want": {
				[array.concat(_filters, [0, "eventSource", "value"]), _no_source[1]],
				[array.concat(_filters, [0, "eventType", "value"]), _no_type[1]],
			},
		},
		"the second filter is wide": {
			"spec": {"filter": {"filters": [_filter("", "a.b.v1"), _filter("*", "a.>")]}},
			"want": {
				[array.concat(_filters, [1, "eventSource", "value"]), "KFS-432: source \"*\" is a wildcard"],
				[array.concat(_filters, [1, "eventType", "value"]), "KFS-432: event type \"a.>\" is a wildcard"],
			},
		},
		"fields of the second version don't count": {
			"spec": {"source": "commerce", "types": ["a.b.v1"]},
			"want": {[_filters, _no_source[1]]},
		},
	}

	subscription := object.union(_subscription(tc.spec), {"apiVersion": "eventing.kyma-project.io/v1alpha1"})
	_findings(subscription, {"rules": ["KFS-432"], "unconfigured": "allowed"}) == tc.want
}

# What can't be read of the parameters allows nothing.
test_parameters[note] if {
	some note, tc in {
		"nothing": {"parameters": {}, "want": {_unconfigured}},
		"not configured, denied": {
			"parameters": {"allowedSources": [], "unconfigured": "denied"},
			"want": {_unconfigured},
		},
		"not configured, allowed": {"parameters": {"unconfigured": "allowed"}, "want": set()},
		"unconfigured is wrong": {"parameters": {"unconfigured": true}, "want": {_unconfigured}},
		"sources are an object": {
			"parameters": {"allowedSources": {"a": _entry}},
			"want": {_unconfigured},
		},
		"an entry is null": {"parameters": {"allowedSources": [null]}, "want": {_unconfigured}},
		"namespaces are text": {
			"parameters": {"allowedSources": [object.union(_entry, {"namespaces": "demo"})]},
			"want": {_unconfigured},
		},
		"namespaces are a set of keys": {
			"parameters": {"allowedSources": [object.union(_entry, {"namespaces": {"a": "demo"}})]},
			"want": {_unconfigured},
		},
		"of another namespace": {
			"parameters": {"allowedSources": [object.union(_entry, {"namespaces": ["billing"]})]},
			"want": {_unconfigured},
		},
		"a pattern is no name of a namespace": {
			"parameters": {"allowedSources": [object.union(_entry, {"namespaces": ["de*"]})]},
			"want": {_unconfigured},
		},
		"of this namespace": {"parameters": {"allowedSources": [_entry]}, "want": set()},
		"of every namespace": {
			"parameters": {"allowedSources": [object.union(_entry, {"namespaces": ["*"]})]},
			"want": set(),
		},
		"configured holds where unconfigured is allowed": {
			"parameters": {
				"allowedSources": [object.union(_entry, {"source": "ledger"})],
				"unconfigured": "allowed",
			},
			"want": {_outside_source},
		},
		"source is missing": {
			"parameters": {"allowedSources": [object.remove(_entry, ["source"])]},
			"want": {_outside_source},
		},
		"all types of the source": {
			"parameters": {"allowedSources": [object.remove(_entry, ["types"])]},
			"want": set(),
		},
		"types are empty": {
			"parameters": {"allowedSources": [object.union(_entry, {"types": []})]},
			"want": {_outside_type},
		},
		"types are null": {
			"parameters": {"allowedSources": [object.union(_entry, {"types": null})]},
			"want": {_outside_type},
		},
		"types are text": {
			"parameters": {"allowedSources": [object.union(_entry, {"types": "order.created.v1"})]},
			"want": {_outside_type},
		},
		"types are an object": {
			"parameters": {"allowedSources": [object.union(_entry, {"types": {"a": "order.created.v1"}})]},
			"want": {_outside_type},
		},
		"a type is a number": {
			"parameters": {"allowedSources": [object.union(_entry, {"types": [1]})]},
			"want": {_outside_type},
		},
		"a pattern": {
			"parameters": {"allowedSources": [object.union(_entry, {"types": ["order.*"]})]},
			"want": set(),
		},
		"a pattern without its dot": {
			"parameters": {"allowedSources": [object.union(_entry, {"types": ["ord*"]})]},
			"want": {_outside_type},
		},
		"a pattern of another type": {
			"parameters": {"allowedSources": [object.union(_entry, {"types": ["ord.*"]})]},
			"want": {_outside_type},
		},
		"the type of another entry's source": {
			"parameters": {"allowedSources": [
				object.union(_entry, {"types": ["order.cancelled.v1"]}),
				object.union(_entry, {"source": "warehouse"}),
			]},
			"want": {_outside_type},
		},
		"the type of another namespace's entry": {
			"parameters": {"allowedSources": [
				object.union(_entry, {"types": ["order.cancelled.v1"]}),
				object.union(_entry, {"namespaces": ["billing"]}),
			]},
			"want": {_outside_type},
		},
	}

	subscription := _subscription({"source": "commerce", "types": ["order.created.v1"]})
	_findings(subscription, object.union(tc.parameters, {"rules": ["KFS-432"]})) == tc.want
}

# How a type says its source.
test_type[note] if {
	some note, tc in {
		"standard": {"source": "commerce", "type": "order.created.v1", "matching": "standard", "allowed": true},
		"full": {"source": "commerce", "type": "sap.kyma.custom.commerce.order.created.v1", "allowed": true},
		"full, of another source": {"source": "commerce", "type": "sap.kyma.custom.ledger.order.created.v1"},
		"full, without a type": {"source": "commerce", "type": "sap.kyma.custom.commerce"},
		"full, with a blank source": {"source": "commerce", "type": "sap.kyma.custom..order.created.v1"},
		"the prefix without its dot": {"source": "commerce", "type": "sap.kyma.customs.order.created.v1"},
		"full, listed so": {"source": "commerce", "type": "sap.kyma.custom.other.v1", "allowed": true},
		"exact, as listed": {"source": "commerce", "type": "order.created.v1", "matching": "exact", "allowed": true},
		"exact, its source first": {
			"source": "", "type": "commerce.order.created.v1",
			"matching": "exact", "allowed": true,
		},
		"exact, of another source": {"source": "commerce", "type": "ledger.order.created.v1", "matching": "exact"},
		"exact, of one segment": {"source": "commerce", "type": "commerce", "matching": "exact"},
		"exact, all types of a source": {
			"source": "", "type": "warehouse.stock.changed.v1",
			"matching": "exact", "allowed": true,
		},
		"exact, the source doesn't give its types": {
			"source": "warehouse", "type": "stock.changed.v1",
			"matching": "exact",
		},
		"standard, the source gives its types": {"source": "warehouse", "type": "stock.changed.v1", "allowed": true},
		"a matching nobody knows is exact": {"source": "warehouse", "type": "stock.changed.v1", "matching": "Standard"},
	}

	subscription := _subscription({
		"source": tc.source,
		"types": [tc.type],
		"typeMatching": object.get(tc, "matching", null),
	})
	parameters := {"rules": ["KFS-432"], "allowedSources": [
		{
			"namespaces": ["demo"],
			"source": "commerce",
			"types": ["order.created.v1", "sap.kyma.custom.other.v1"],
		},
		{"namespaces": ["demo"], "source": "warehouse"},
	]}
	outside := {[["spec", "types", 0], sprintf(
		"KFS-432: event type %q is outside those of namespace \"demo\"",
		[tc.type],
	)]}
	_findings(subscription, parameters) == {
		true: set(),
		false: outside,
	}[object.get(tc, "allowed", false)]
}

_v1alpha2 := "eventing.kyma-project.io/v1alpha2"

_sink := "http://orders.demo.svc.cluster.local"

_filters := ["spec", "filter", "filters"]

_filter(source, type) := {"eventSource": {"value": source}, "eventType": {"value": type}}

_entry := {"namespaces": ["demo"], "source": "commerce", "types": ["order.created.v1"]}

_no_source := [["spec", "source"], "KFS-432: the source is missing or no text"]

_no_type := [["spec", "types"], "KFS-432: an event type is missing, blank or no text"]

_unconfigured := [["spec", "source"], "KFS-432: namespace \"demo\" has no allowed sources"]

_outside_source := [["spec", "source"], "KFS-432: source \"commerce\" is outside those of namespace \"demo\""]

_outside_type := [
	["spec", "types", 0],
	"KFS-432: event type \"order.created.v1\" is outside those of namespace \"demo\"",
]

_subscription(spec) := {
	"apiVersion": _v1alpha2,
	"kind": "Subscription",
	"metadata": {"name": "orders", "namespace": "demo"},
	"spec": spec,
}

_messages(subscription, parameters) := _texts({"object": subscription}, parameters)

_texts(review, parameters) := {finding.msg |
	some finding in event_scope.violation with input as {"review": review, "parameters": parameters}
}

_findings(subscription, parameters) := {[finding.details.path, finding.msg] |
	some finding in event_scope.violation with input as {
		"review": {"object": subscription},
		"parameters": parameters,
	}
}
