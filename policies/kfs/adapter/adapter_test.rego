package kfs.adapter_test

import data.kfs.adapter

_constraints := {
	"all": [
		{
			"policy": "runtime_image",
			"name": "kfs-runtime-image-deny",
			"action": "deny",
			"match": {
				"kinds": [{"apiGroups": ["serverless.kyma-project.io"], "kinds": ["Function"]}],
				"excludedNamespaces": ["kyma-system", "kube-*", "*-ops", "*lab*"],
			},
			"parameters": {"allowedRepositories": ["official"], "rules": ["KFS-201"]},
		},
		{
			"policy": "runtime_image",
			"name": "kfs-runtime-image-warn",
			"action": "warn",
			"match": {"kinds": [{"apiGroups": ["*"], "kinds": ["*"]}], "namespaces": ["demo", "default", ""]},
			"parameters": {"rules": ["KFS-202"]},
		},
		{
			"policy": "pod_security_level",
			"name": "kfs-pod-security-level-deny",
			"action": "deny",
			"match": {"kinds": [
				{"apiGroups": ["serverless.kyma-project.io"], "kinds": ["Function"]},
				{"apiGroups": [""], "kinds": ["Namespace"]},
			]},
			"parameters": {"rules": ["KFS-502", "KFS-503"]},
		},
	],
	"needs_namespace": {"KFS-502": ["Function"]},
	"scopes": {"/Namespace": "Cluster", "serverless.kyma-project.io/Function": "Namespaced"},
}

_function(name, namespace) := {
	"apiVersion": "serverless.kyma-project.io/v1alpha2",
	"kind": "Function",
	"metadata": object.union({"name": name}, namespace),
	"spec": {"runtime": "nodejs24", "runtimeImageOverride": "docker.io/acme/node:1"},
}

_namespace(name, level) := {
	"apiVersion": "v1",
	"kind": "Namespace",
	"metadata": {"name": name, "namespace": "ignored", "labels": {"pod-security.kubernetes.io/enforce": level}},
}

_config_map := {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}}

# What a finding says, less its text: the rule, the object and where it is.
_denied(document) := {[finding.details.rule, it.kind, it.namespace, it.name, finding._loc] |
	some finding in adapter.deny with input as document with data.kfs.constraints as _constraints
	it := finding.object
}

_warned(document) := {[finding.details.rule, finding.object.name] |
	some finding in adapter.warn with input as document with data.kfs.constraints as _constraints
}

_undecided(document) := {[finding.undecided, finding.object.name] |
	some finding in adapter.warn with input as document with data.kfs.constraints as _constraints
}

_messages(document) := {finding.msg |
	some finding in adapter.deny with input as document with data.kfs.constraints as _constraints
	not finding.details
}

_list_of(item) := {"apiVersion": "v1", "kind": "List", "items": [item]}

_a := _function("a", {"namespace": "demo"})

_b := _function("b", {"namespace": "demo"})

test_shapes[note] if {
	some note, tc in {
		"one object": {"input": _a, "want": {["KFS-201", "Function", "demo", "a", {}]}},
		"a List": {
			"input": {"apiVersion": "v1", "kind": "List", "items": [_a, _b]},
			"want": {["KFS-201", "Function", "demo", "a", {}], ["KFS-201", "Function", "demo", "b", {}]},
		},
		"an array of objects, an empty document among them": {
			"input": [_a, null, _b],
			"want": {["KFS-201", "Function", "demo", "a", {}], ["KFS-201", "Function", "demo", "b", {}]},
		},
		"conftest --combine": {
			"input": [{"path": "a.yaml", "contents": _a}, {"path": "b.yaml", "contents": [_b, null]}],
			"want": {
				["KFS-201", "Function", "demo", "a", {"file": "a.yaml"}],
				["KFS-201", "Function", "demo", "b", {"file": "b.yaml"}],
			},
		},
		"a List in a combined file": {
			"input": [{"path": "a.yaml", "contents": {"kind": "FunctionList", "items": [_a]}}],
			"want": {["KFS-201", "Function", "demo", "a", {"file": "a.yaml"}]},
		},
		"a List in a List": {
			"input": {"apiVersion": "v1", "kind": "List", "items": [
				{"apiVersion": "v1", "kind": "List", "items": [_list_of(_a), _b]},
				_config_map,
			]},
			"want": {["KFS-201", "Function", "demo", "a", {}], ["KFS-201", "Function", "demo", "b", {}]},
		},
		"items of the list's kind": {
			"input": {
				"apiVersion": "serverless.kyma-project.io/v1alpha2",
				"kind": "FunctionList",
				"items": [object.remove(_a, ["apiVersion", "kind"]), object.union(_b, {"kind": "Function"})],
			},
			"want": {["KFS-201", "Function", "demo", "a", {}], ["KFS-201", "Function", "demo", "b", {}]},
		},
		"items of what is no List": {
			"input": [
				object.union(_config_map, {"items": [{"key": "a", "path": "b"}, "x", _a]}),
				object.union(_b, {"items": {"a": _a}}),
			],
			"want": {["KFS-201", "Function", "demo", "a", {}], ["KFS-201", "Function", "demo", "b", {}]},
		},
		"a Namespace twice": {
			"input": [_a, _namespace("demo", "privileged"), _namespace("demo", "unknown")],
			"want": {
				["KFS-201", "Function", "demo", "a", {}],
				["KFS-502", "Function", "demo", "a", {}],
				["KFS-503", "Namespace", "", "demo", {}],
			},
		},
		"a Namespace in two files": {
			"input": [
				{"path": "a.yaml", "contents": _namespace("demo", "baseline")},
				{"path": "b.yaml", "contents": [_a, _namespace("demo", "privileged")]},
				{"path": "a.yaml", "contents": _namespace("other", "baseline")},
			],
			"want": {
				["KFS-201", "Function", "demo", "a", {"file": "b.yaml"}],
				["KFS-502", "Function", "demo", "a", {"file": "b.yaml"}],
				["KFS-503", "Namespace", "", "demo", {"file": "b.yaml"}],
			},
		},
		"no namespace is default": {
			"input": _function("a", {}),
			"want": {["KFS-201", "Function", "default", "a", {}]},
		},
		"excluded by name": {"input": _function("a", {"namespace": "kyma-system"}), "want": set()},
		"excluded by prefix": {"input": _function("a", {"namespace": "kube-a"}), "want": set()},
		"excluded by suffix": {"input": _function("a", {"namespace": "a-ops"}), "want": set()},
		"excluded by part": {"input": _function("a", {"namespace": "my-lab-a"}), "want": set()},
		"generateName": {
			"input": object.union(
				json.remove(_a, ["/metadata/name"]),
				{"metadata": {"generateName": "a-"}},
			),
			"want": {["KFS-201", "Function", "demo", "", {}]},
		},
		"the Namespace decides": {
			"input": [_a, _namespace("demo", "privileged")],
			"want": {
				["KFS-201", "Function", "demo", "a", {}],
				["KFS-502", "Function", "demo", "a", {}],
				["KFS-503", "Namespace", "", "demo", {}],
			},
		},
		"two objects of one identity are both judged": {
			"input": [_a, object.union(_a, {"metadata": {"labels": {"second": "true"}}})],
			"want": {["KFS-201", "Function", "demo", "a", {}]},
		},
		"another kind": {"input": _config_map, "want": set()},
	}
	_denied(tc.input) == tc.want
}

test_warnings[note] if {
	some note, tc in {
		"in a listed namespace": {"input": _a, "want": {["KFS-202", "a"]}},
		"elsewhere": {"input": _function("a", {"namespace": "other"}), "want": set()},
	}
	_warned(tc.input) == tc.want
}

# To Gatekeeper what a match doesn't say, or says with an empty list, is everything.
test_match_that_says_nothing[note] if {
	some note, match in {
		"no match": {},
		"no kinds": {"kinds": []},
		"no groups": {"kinds": [{"kinds": ["Function"]}]},
		"empty groups": {"kinds": [{"apiGroups": [], "kinds": ["Function"]}]},
		"no kinds in an entry": {"kinds": [{"apiGroups": ["serverless.kyma-project.io"]}]},
		"no namespaces": {"namespaces": []},
	}
	constraint := {
		"policy": "runtime_image",
		"action": "deny",
		"match": match,
		"parameters": {"rules": ["KFS-201"]},
	}
	constraints := {"all": [constraint], "scopes": {}, "needs_namespace": {}}
	some finding in adapter.deny with input as _a with data.kfs.constraints as constraints
	finding.details.rule == "KFS-201"
}

test_undecided[note] if {
	some note, tc in {
		"no Namespace": {"input": _a, "want": {[["KFS-502"], "a"]}},
		"its Namespace": {"input": [_a, _namespace("demo", "baseline")], "want": set()},
		"another Namespace": {"input": [_a, _namespace("other", "baseline")], "want": {[["KFS-502"], "a"]}},
	}
	_undecided(tc.input) == tc.want
}

_report(namespace) := {
	"apiVersion": "aquasecurity.github.io/v1alpha1",
	"kind": "VulnerabilityReport",
	"metadata": {"name": "replicaset-a", "namespace": namespace},
}

test_undecided_without_evidence[note] if {
	known := _namespace("demo", "baseline")
	some note, tc in {
		"none": {
			"input": [_a, known],
			"want": {"undecided without VulnerabilityReports of namespace demo: KFS-201 (Function demo/a)"},
		},
		"of its namespace": {"input": [_a, known, _report("demo")], "want": set()},
		"of another namespace": {
			"input": [_a, known, _report("other")],
			"want": {"undecided without VulnerabilityReports of namespace demo: KFS-201 (Function demo/a)"},
		},
		"nor its Namespace": {"input": _a, "want": {concat(", ", [
			"undecided without Namespace demo",
			"VulnerabilityReports of namespace demo: KFS-201",
			"KFS-502 (Function demo/a)",
		])}},
	}
	evidence := {"KFS-201": {"judges": ["Function"], "kinds": ["VulnerabilityReport"]}}
	constraints := object.union(_constraints, {"needs_evidence": evidence})
	got := {finding.msg |
		some finding in adapter.warn with input as tc.input with data.kfs.constraints as constraints
		finding.undecided
	}
	got == tc.want
}

test_nothing_passes_silently[note] if {
	some note, tc in {
		"a number": {"input": 1, "want": {"not a Kubernetes object: it is of type number"}},
		"a text": {"input": "x", "want": {"not a Kubernetes object: it is of type string"}},
		"no kind": {
			"input": {"apiVersion": "v1"},
			"want": {"not a Kubernetes object: its kind or apiVersion is missing or no text"},
		},
		"kind null": {
			"input": {"apiVersion": "v1", "kind": null},
			"want": {"not a Kubernetes object: its kind or apiVersion is missing or no text"},
		},
		"a List whose items are no list": {
			"input": {"kind": "List", "items": {}},
			"want": {"not a Kubernetes object: its kind or apiVersion is missing or no text"},
		},
		"a List whose items are a map": {
			"input": {"apiVersion": "v1", "kind": "List", "items": {"a": _a}},
			"want": {"not a Kubernetes object: the items of this list are no list"},
		},
		"a List without items": {
			"input": {"apiVersion": "v1", "kind": "List"},
			"want": {"nothing to judge: the input holds no Kubernetes object"},
		},
		"a List whose items are null": {
			"input": {"apiVersion": "v1", "kind": "List", "items": null},
			"want": {"nothing to judge: the input holds no Kubernetes object"},
		},
		"a List whose items have no kind": {
			"input": {"apiVersion": "v1", "kind": "List", "items": [object.remove(_a, ["apiVersion", "kind"])]},
			"want": {"not a Kubernetes object: its kind or apiVersion is missing or no text"},
		},
		"a List too deep to take apart": {
			"input": _list_of(_list_of(_list_of(_list_of(_a)))),
			"want": {"not a Kubernetes object: it is a list nested too deep"},
		},
		"an empty array": {"input": [], "want": {"nothing to judge: the input holds no Kubernetes object"}},
		"empty documents only": {
			"input": [null, null],
			"want": {"nothing to judge: the input holds no Kubernetes object"},
		},
		"metadata of a wrong type": {
			"input": object.union(_a, {"metadata": "x"}),
			"want": set(),
		},
		"one empty document": {"input": null, "want": set()},
	}
	_messages(tc.input) == tc.want
}

test_object_without_readable_metadata_is_judged if {
	_denied(object.union(_a, {"metadata": "x"})) == {["KFS-201", "Function", "default", "", {}]}
}

test_empty_document_warns if {
	{"msg": "an empty document: nothing to judge"} in adapter.warn with input as null
		with data.kfs.constraints as _constraints
}

test_missing_constraints_deny if {
	some finding in adapter.deny with input as _a with data.kfs.constraints as {}
	startswith(finding.msg, "no constraints")
}

test_message_names_the_object[note] if {
	some note, tc in {
		"namespaced": {"input": _a, "want": "(Function demo/a)"},
		"cluster-scoped": {"input": [_a, _namespace("demo", "privileged")], "want": "(Namespace demo)"},
	}
	some finding in adapter.deny with input as tc.input with data.kfs.constraints as _constraints
	endswith(finding.msg, tc.want)
}

test_message_is_one_line if {
	document := _function("a\n::error::\u2028\u202eb", {"namespace": "de\r\nmo"})
	some finding in adapter.deny with input as document with data.kfs.constraints as _constraints
	endswith(finding.msg, "(Function de mo/a ::error:: b)")
	some undecided in adapter.warn with input as document with data.kfs.constraints as _constraints
	undecided.msg == "undecided without Namespace de mo: KFS-502 (Function de mo/a ::error:: b)"
}

test_unknown_kind_without_namespace_is_cluster_scoped[note] if {
	some note, tc in {
		"with": {"namespace": {"namespace": "demo"}, "want": "demo"},
		"without": {"namespace": {}, "want": ""},
	}
	document := {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": object.union({"name": "x"}, tc.namespace)}
	constraints := {"all": [], "scopes": {}, "needs_namespace": {}}
	entries := adapter._entries with input as document with data.kfs.constraints as constraints
	{entry.namespace | some entry in entries} == {tc.want}
}
