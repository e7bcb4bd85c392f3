package lib.kfs.function_test

import data.lib.kfs.function

_known := {
	"metadata": {"name": "orders", "namespace": "demo", "uid": "4711", "labels": {"team": "shop"}},
	"spec": {"labels": {"tier": "a"}},
}

_unborn := {"metadata": {"name": "orders"}, "spec": {"runtime": "nodejs22"}}

_identity := {
	"serverless.kyma-project.io/function-name": "orders",
	"serverless.kyma-project.io/managed-by": "function-controller",
	"serverless.kyma-project.io/uuid": "4711",
}

_runtime := object.union(
	_identity,
	{
		"serverless.kyma-project.io/resource": "deployment",
		"app.kubernetes.io/name": "orders",
	},
)

test_runtime_pod[note] if {
	some note, tc in {
		"labels of the spec": {
			"function": _known,
			"want": object.union(_runtime, {"tier": "a"}),
		},
		"labels of the deprecated template": {
			"function": object.union(_known, {"spec": {"template": {"labels": {"tier": "b", "zone": "z"}}}}),
			"want": object.union(_runtime, {"tier": "b", "zone": "z"}),
		},
		"the controller's labels win": {
			"function": object.union(_known, {"spec": {"labels": {
				"app.kubernetes.io/name": "other",
				"serverless.kyma-project.io/resource": "job",
			}}}),
			"want": object.union(_runtime, {"tier": "a"}),
		},
		"the uuid is unknown": {
			"function": _unborn,
			"want": object.union(_runtime, {"serverless.kyma-project.io/uuid": null}),
		},
		"labels that are no strings are unknown": {
			"function": object.union(_known, {"spec": {"labels": {"tier": 1, "zone": null, "on": false, "of": ["a"]}}}),
			"want": object.union(_runtime, {"tier": null, "zone": null, "on": null, "of": null}),
		},
		"labels that are no map": {
			"function": object.union(_known, {"spec": {"labels": "tier=a", "template": {"labels": null}}}),
			"want": _runtime,
		},
		"a template that is no object": {
			"function": object.union(_known, {"spec": {"template": []}}),
			"want": object.union(_runtime, {"tier": "a"}),
		},
	}

	function.runtime_pod(tc.function) == tc.want
}

test_serving_pod[note] if {
	some note, tc in {
		"as Istio writes them": {"labels": {}, "name": "orders", "revision": "latest", "mode": "istio"},
		"the version's label": {"labels": {"version": "v2"}, "name": "orders", "revision": "v2", "mode": "istio"},
		"Kubernetes' label of the version before it": {
			"labels": {"version": "v2", "app.kubernetes.io/version": "2.0.0"},
			"name": "orders",
			"revision": "2.0.0",
			"mode": "istio",
		},
		"the Function's own": {
			"labels": {
				"security.istio.io/tlsMode": "disabled",
				"service.istio.io/canonical-name": "shop",
				"service.istio.io/canonical-revision": "v3",
			},
			"name": "shop",
			"revision": "v3",
			"mode": "disabled",
		},
	}

	pod := function.serving_pod(object.union(_known, {"spec": {"labels": tc.labels}}))
	pod["service.istio.io/canonical-name"] == tc.name
	pod["service.istio.io/canonical-revision"] == tc.revision
	pod["security.istio.io/tlsMode"] == tc.mode
	pod["app.kubernetes.io/name"] == "orders"
}

test_pods[note] if {
	node := {"topology.kubernetes.io/region": null, "topology.kubernetes.io/zone": null}
	build := object.union_n([_identity, node, {
		"batch.kubernetes.io/controller-uid": null,
		"batch.kubernetes.io/job-name": null,
		"controller-uid": null,
		"job-name": null,
		"team": "shop",
	}])
	runtime := object.union_n([_runtime, node, {"tier": "a", "pod-template-hash": null}])
	meshed := object.union(runtime, {
		"security.istio.io/tlsMode": "istio",
		"service.istio.io/canonical-name": "orders",
		"service.istio.io/canonical-revision": "latest",
	})
	some note, tc in {
		"buildless": {"flavor": "buildless", "want": {runtime, meshed}},
		"classic": {"flavor": "classic", "want": {runtime, meshed, build}},
		"an unknown flavor builds": {"flavor": null, "want": {runtime, meshed, build}},
	}

	function.pods(_known, tc.flavor) == tc.want
}

test_settled[note] if {
	some note, tc in {
		"a uuid may be any": {"pod": {"serverless.kyma-project.io/uuid": null}, "want": set()},
		"a label of its own": {"pod": {"tier": "a"}, "want": set()},
		"a hash": {"pod": {"tier": "a", "pod-template-hash": null}, "want": {"pod-template-hash"}},
		"a job": {"pod": {"job-name": null, "controller-uid": null}, "want": {"job-name", "controller-uid"}},
	}

	function.settled(tc.pod) == object.union(tc.pod, {key: "?" | some key in tc.want})
}

test_unreadable_function_has_pods[note] if {
	some note, unreadable in {
		"null": null,
		"a string": "orders",
		"an array": [],
		"empty": {},
		"metadata null": {"metadata": null, "spec": null},
		"names of other types": {"metadata": {"name": 1, "uid": {}, "labels": 3}, "spec": []},
		"blank names": {"metadata": {"name": "", "uid": ""}},
	}

	count(function.pods(unreadable, "classic")) == 3
	function.selected_by({"matchLabels": {"serverless.kyma-project.io/function-name": "orders"}}, unreadable)
}

test_selected[note] if {
	some note, labels in {
		"the four labels": {
			"serverless.kyma-project.io/function-name": "orders",
			"serverless.kyma-project.io/managed-by": "function-controller",
			"serverless.kyma-project.io/resource": "deployment",
			"serverless.kyma-project.io/uuid": "0815",
		},
		"the name": {"app.kubernetes.io/name": "orders"},
		"none": {},
		"null": null,
	}

	function.selected_by({"matchLabels": labels}, _unborn)
}

test_not_selected[note] if {
	some note, tc in {
		"another Function": {"function": _unborn, "labels": {"serverless.kyma-project.io/function-name": "cart"}},
		"another uuid": {"function": _known, "labels": {"serverless.kyma-project.io/uuid": "0815"}},
		"a build pod's label": {"function": _known, "labels": {"team": "shop"}},
		"unreadable": {"function": _known, "labels": {"tier": null}},
	}

	not function.selected_by({"matchLabels": tc.labels}, tc.function)
}

# Alike are those whose pods no selector tells apart that asks for what is mentioned.
test_alike[note] if {
	label := {"keys": {"tier"}, "texts": {"x", "y"}, "present": set()}
	some note, tc in {
		"nothing": {
			"mentioned": {"keys": set(), "texts": set(), "present": set()},
			"want": {{"a", "b", "c", "d", "e", "f", "g", "h"}},
		},
		"what all have": {
			"mentioned": {
				"keys": {"serverless.kyma-project.io/managed-by", "serverless.kyma-project.io/resource"},
				"texts": {"function-controller", "deployment"},
				"present": {"serverless.kyma-project.io/resource"},
			},
			"want": {{"a", "b", "c", "d", "e", "f", "g", "h"}},
		},
		"a label": {"mentioned": label, "want": {{"a", "b"}, {"c"}, {"d"}, {"e", "f", "g", "h"}}},
		"a label of runtime pods": {
			"mentioned": object.union(label, {"builds": false}),
			"want": {{"a", "b"}, {"c"}, {"d", "e", "f", "g", "h"}},
		},
		"whether a label is there": {
			"mentioned": object.union(label, {"present": {"tier"}}),
			"want": {{"a", "b"}, {"c"}, {"d"}, {"e"}, {"f", "g", "h"}},
		},
		"whether, and no value": {
			"mentioned": {"keys": {"tier"}, "texts": set(), "present": {"tier"}},
			"want": {{"a", "b", "e"}, {"c"}, {"d"}, {"f", "g", "h"}},
		},
		"any value of a label": {
			"mentioned": {"keys": {"tier"}, "texts": set()},
			"want": {{"a", "b"}, {"c"}, {"d"}, {"e"}, {"f", "g", "h"}},
		},
		"a name": {
			"mentioned": {
				"keys": {"serverless.kyma-project.io/function-name"},
				"texts": {"a", "zzz"},
				"present": set(),
			},
			"want": {{"a"}, {"b", "c", "d", "e", "f", "g"}, {"h"}},
		},
		"a name by the other label": {
			"mentioned": {"keys": {"app.kubernetes.io/name"}, "texts": {"b"}, "present": set()},
			"want": {{"b"}, {"a", "c", "d", "e", "f", "g"}, {"h"}},
		},
		"a uuid": {
			"mentioned": {"keys": {"serverless.kyma-project.io/uuid"}, "texts": {"2"}, "present": set()},
			"want": {{"a", "c", "d", "f", "g"}, {"b"}, {"e", "h"}},
		},
	}

	functions := {
		"a": {"metadata": {"name": "a", "uid": "1"}, "spec": {"labels": {"tier": "x"}}},
		"b": {"metadata": {"name": "b", "uid": "2"}, "spec": {"labels": {"tier": "x", "app": "b"}}},
		"c": {"metadata": {"name": "c", "uid": "3"}, "spec": {"template": {"labels": {"tier": "y"}}}},
		"d": {"metadata": {"name": "d", "uid": "4", "labels": {"tier": "x"}}, "spec": {}},
		"e": {"metadata": {"name": "e"}, "spec": {"labels": {"tier": "z"}}},
		"f": {"metadata": {"name": "f", "uid": "5"}, "spec": {"labels": null}},
		"g": {"metadata": {"name": "g", "uid": "6"}},
		"h": null,
	}
	found := _alike(functions, tc.mentioned)
	{kind.names | some kind in found} == tc.want
	every kind in found { functions[min(kind.names)] == kind.function }
}

# What nobody knows stands apart from what is known.
test_not_alike[note] if {
	label := {"keys": {"tier"}, "texts": {"x"}, "present": set()}
	name := {"keys": {"serverless.kyma-project.io/function-name"}, "texts": {"x"}, "present": set()}
	uuid := {"keys": {"serverless.kyma-project.io/uuid"}, "texts": {"x"}, "present": set()}
	some note, tc in {
		"null as a label": {"mentioned": label, "function": {"spec": {"labels": {"tier": null}}}},
		"false as a label": {"mentioned": label, "function": {"spec": {"labels": {"tier": false}}}},
		"a number as a label": {"mentioned": label, "function": {"spec": {"labels": {"tier": 1}}}},
		"an object as a label": {"mentioned": label, "function": {"spec": {"labels": {"tier": {}}}}},
		"an array as a template's label": {
			"mentioned": label,
			"function": {"spec": {"template": {"labels": {"tier": []}}}},
		},
		"a number as a build pod's label": {"mentioned": label, "function": {"metadata": {"labels": {"tier": 1}}}},
		"no name": {"mentioned": name, "function": {"metadata": {"name": null}}},
		"another name": {"mentioned": name, "function": {"metadata": {"name": "x"}}},
		"a blank uuid": {"mentioned": uuid, "function": {"metadata": {"uid": ""}}},
		"a number as uuid": {"mentioned": uuid, "function": {"metadata": {"uid": 1}}},
		"an array as uuid": {"mentioned": uuid, "function": {"metadata": {"uid": []}}},
	}

	known := {
		"metadata": {"uid": "2", "labels": {"tier": "z"}},
		"spec": {"labels": {"tier": "z"}, "template": {"labels": {"tier": "z"}}},
	}
	functions := {
		"a": object.union({"metadata": {"name": "a", "uid": "1"}}, tc.function),
		"b": object.union(known, {"metadata": {"name": "b"}}),
		"c": object.union(known, {"metadata": {"name": "c", "uid": "3"}}),
	}
	{"a"} in {kind.names | some kind in _alike(functions, tc.mentioned)}
}

# A template's label replaces the other, whatever its value is.
test_not_alike_by_template if {
	functions := {
		"a": {"spec": {"labels": {"tier": "x"}}},
		"b": {"spec": {"labels": {"tier": "x"}, "template": {"labels": {"tier": "z"}}}},
		"c": {"spec": {"labels": {"tier": "x"}, "template": {"labels": {"tier": "zz"}}}},
	}
	found := _alike(functions, {"keys": {"tier"}, "texts": {"x"}, "present": set()})
	{kind.names | some kind in found} == {{"a"}, {"b", "c"}}
}

# Istio makes labels of others.
test_not_alike_to_istio[note] if {
	some note, tc in {
		"its mode": {"key": "security.istio.io/tlsMode", "text": "istio", "want": {{"a", "c", "d", "e", "f"}, {"b"}}},
		"a name": {"key": "service.istio.io/canonical-name", "text": "a", "want": {{"a"}, {"b", "c", "d", "f"}, {"e"}}},
		"a revision": {
			"key": "service.istio.io/canonical-revision",
			"text": "v1",
			"want": {{"a", "b", "e"}, {"c"}, {"d"}, {"f"}},
		},
	}

	labels := {
		"a": {},
		"b": {"security.istio.io/tlsMode": "disabled"},
		"c": {"version": "v1"},
		"d": {"version": "v1", "app.kubernetes.io/version": "v2"},
		"e": {"service.istio.io/canonical-name": "x"},
		"f": {"service.istio.io/canonical-revision": "v1"},
	}
	functions := {name: {"metadata": {"name": name}, "spec": {"labels": own}} | some name, own in labels}
	mentioned := {"keys": {tc.key}, "texts": {tc.text}, "present": set()}
	{kind.names | some kind in _alike(functions, mentioned)} == tc.want
}

test_alike_of_several_namespaces[note] if {
	some note, tc in {
		"together": {"apart": set(), "keys": set(), "want": {["demo", {"a", "b", "c"}]}},
		"apart": {"apart": {"shop"}, "keys": set(), "want": {["demo", {"a", "c"}], ["shop", {"a", "b", "c"}]}},
		"together by label": {"apart": set(), "keys": {"app"}, "want": {["demo", {"a", "b"}], ["demo", {"c"}]}},
		"apart by label": {
			"apart": {"shop"},
			"keys": {"app"},
			"want": {["demo", {"a"}], ["demo", {"c"}], ["shop", {"a", "b"}], ["shop", {"c"}]},
		},
		"others apart": {"apart": {"none"}, "keys": {"app"}, "want": {["demo", {"a", "b"}], ["demo", {"c"}]}},
	}

	labelled := {"spec": {"labels": {"app": "web"}}}
	namespaces := {
		"demo": {
			"serverless.kyma-project.io/v1alpha2": {"Function": {"a": {}}},
			"serverless.kyma-project.io/v1alpha1": {"Function": {"a": labelled, "c": labelled}},
		},
		"shop": {"serverless.kyma-project.io/v1alpha1": {"Function": {"a": {}, "b": {}, "c": labelled}}},
	}
	mentioned := {"keys": tc.keys, "texts": {"web"}, "present": set()}
	found := function.alike({"demo", "shop", "none"}, tc.apart, mentioned) with data.inventory.namespace as namespaces
	{[kind.space, kind.names] | some kind in found} == tc.want
}

_alike(functions, mentioned) := found if {
	versions := {"serverless.kyma-project.io/v1alpha2": {"Function": functions}}
	found := function.alike({"demo"}, set(), mentioned) with data.inventory.namespace as {"demo": versions}
}

test_few[note] if {
	some note, tc in {"twenty": {"number": 20, "want": {true}}, "one more": {"number": 21, "want": set()}}

	functions := {sprintf("fn-%d", [i]): {} | some i in numbers.range(1, tc.number)}
	versions := {"serverless.kyma-project.io/v1alpha2": {"Function": functions}}
	{true | function.few("demo")} == tc.want with data.inventory.namespace as {"demo": versions}
	names := function.each("demo").texts with data.inventory.namespace as {"demo": versions}
	names == object.keys(functions)
}
