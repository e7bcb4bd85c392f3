package kyma.pod_security_level_test

import data.kyma.pod_security_level

_enforce := "pod-security.kubernetes.io/enforce"

_version := "pod-security.kubernetes.io/enforce-version"

# Per flavor: the rules of a Function in the namespace. KFS-503 of the Namespace must be there with 501 and 502, and
# only then.
test_level[note] if {
	some note, tc in {
		"baseline": {"labels": {_enforce: "baseline"}, "classic": set(), "buildless": {"KFS-506"}},
		"restricted": {"labels": {_enforce: "restricted"}, "classic": {"KFS-501"}, "buildless": set()},
		"privileged": {"labels": {_enforce: "privileged"}, "classic": {"KFS-502"}, "buildless": {"KFS-502", "KFS-506"}},
		"no label": {"labels": {}, "classic": {"KFS-502"}, "buildless": {"KFS-502", "KFS-506"}},
		"labels are null": {"labels": null, "classic": {"KFS-502"}, "buildless": {"KFS-502", "KFS-506"}},
		"labels are a list": {
			"labels": [_enforce],
			"classic": {"KFS-502", "KFS-504"},
			"buildless": {"KFS-502", "KFS-504", "KFS-506"},
		},
		"null": {"labels": {_enforce: null}, "classic": {"KFS-502"}, "buildless": {"KFS-502", "KFS-506"}},
		"blank": {"labels": {_enforce: ""}, "classic": {"KFS-502"}, "buildless": {"KFS-502", "KFS-506"}},
		"mixed case": {"labels": {_enforce: "Restricted"}, "classic": {"KFS-502"}, "buildless": {"KFS-502", "KFS-506"}},
		"whitespace": {"labels": {_enforce: " baseline"}, "classic": {"KFS-502"}, "buildless": {"KFS-502", "KFS-506"}},
		"unknown": {"labels": {_enforce: "default"}, "classic": {"KFS-502"}, "buildless": {"KFS-502", "KFS-506"}},
		"boolean": {"labels": {_enforce: true}, "classic": {"KFS-502"}, "buildless": {"KFS-502", "KFS-506"}},
		"list": {"labels": {_enforce: ["baseline"]}, "classic": {"KFS-502"}, "buildless": {"KFS-502", "KFS-506"}},
		"only audit and warn": {
			"labels": {"pod-security.kubernetes.io/audit": "baseline", "pod-security.kubernetes.io/warn": "baseline"},
			"classic": {"KFS-502"},
			"buildless": {"KFS-502", "KFS-506"},
		},
		"the key in another case": {
			"labels": {"pod-security.kubernetes.io/Enforce": "baseline"},
			"classic": {"KFS-502"},
			"buildless": {"KFS-502", "KFS-506"},
		},
	}

	around := {"kind": "Namespace", "metadata": {"name": "demo", "labels": tc.labels}}
	every flavor in ["classic", "buildless"] {
		_ids(_inline, around, [_inline], _parameters(flavor)) == tc[flavor]

		namespaced := {"KFS-503" | some id in tc[flavor]; id in {"KFS-501", "KFS-502"}}
		_ids(around, null, [_inline], _parameters(flavor)) == namespaced
	}
}

test_message[note] if {
	some note, tc in {
		"no label": {
			"labels": {},
			"want": {"KFS-502: namespace \"demo\" enforces no Pod Security level, but Functions need baseline"},
		},
		"privileged": {
			"labels": {_enforce: "privileged"},
			"want": {"KFS-502: namespace \"demo\" enforces privileged, but Functions need baseline"},
		},
		"unknown": {
			"labels": {_enforce: "Baseline"},
			"want": {concat("", [
				`KFS-502: namespace "demo" enforces no level: pod-security.kubernetes.io/enforce says "Baseline", `,
				"but Functions need baseline",
			])},
		},
		"restricted": {
			"labels": {_enforce: "restricted"},
			"want": {"KFS-501: namespace \"demo\" enforces restricted, under which no Function can be built"},
		},
	}

	around := {"kind": "Namespace", "metadata": {"name": "demo", "labels": tc.labels}}
	_messages(_inline, around, [], _parameters("classic")) == tc.want
}

test_functions_of_a_namespace[note] if {
	some note, tc in {
		"none": {"functions": [], "want": set()},
		"one": {"functions": ["orders"], "want": {`Function "orders"`}},
		"three": {"functions": ["orders", "cart", "mail"], "want": {`Function "cart" and 2 more`}},
	}

	around := {"kind": "Namespace", "metadata": {"name": "demo"}}
	functions := [object.union(_inline, {"metadata": {"name": name}}) | some name in tc.functions]
	_messages(around, null, functions, _parameters("classic")) == {concat("", [
		`KFS-503: namespace "demo" enforces no Pod Security level, but Functions need baseline: `,
		text,
	]) |
		some text in tc.want
	}
}

test_functions_of_another_namespace if {
	around := {"kind": "Namespace", "metadata": {"name": "other"}}
	_ids(around, null, [_inline], _parameters("classic")) == set()
}

test_cluster_default[note] if {
	some note, tc in {
		"baseline": {"level": "baseline", "want": set()},
		"restricted": {"level": "restricted", "want": {"KFS-501"}},
		"privileged": {"level": "privileged", "want": {"KFS-502"}},
		"none": {"level": "none", "want": {"KFS-502"}},
		"unknown": {"level": "Baseline", "want": {"KFS-502"}},
		"null": {"level": null, "want": {"KFS-502"}},
		"list": {"level": ["baseline"], "want": {"KFS-502"}},
	}

	around := {"kind": "Namespace", "metadata": {"name": "demo"}}
	_ids(_inline, around, [], {"clusterDefaultLevel": tc.level}) == tc.want

	# It is for namespaces without the label only.
	labelled := {"kind": "Namespace", "metadata": {"name": "demo", "labels": {_enforce: "privileged"}}}
	_ids(_inline, labelled, [], {"clusterDefaultLevel": tc.level}) == {"KFS-502"}
}

test_version[note] if {
	some note, tc in {
		"latest": {"pin": "latest", "oldest": "v1.25", "want": set()},
		"the oldest": {"pin": "v1.25", "oldest": "v1.25", "want": set()},
		"newer": {"pin": "v1.34", "oldest": "v1.25", "want": set()},
		"of three digits": {"pin": "v1.100", "oldest": "v1.25", "want": set()},
		"older": {"pin": "v1.24", "oldest": "v1.25", "want": {`pins its level to v1.24, before v1.25`}},
		"of one digit": {"pin": "v1.9", "oldest": "v1.25", "want": {`pins its level to v1.9, before v1.25`}},
		"first": {"pin": "v1.0", "oldest": "v1.25", "want": {`pins its level to v1.0, before v1.25`}},
		"null": {"pin": null, "oldest": "v1.25", "want": {"pins its level to null, which is no version"}},
		"empty": {"pin": "", "oldest": "v1.25", "want": {`pins its level to "", which is no version`}},
		"without v": {"pin": "1.30", "oldest": "v1.25", "want": {`pins its level to "1.30", which is no version`}},
		"patch": {"pin": "v1.30.1", "oldest": "v1.25", "want": {`pins its level to "v1.30.1", which is no version`}},
		"leading zero": {"pin": "v1.03", "oldest": "v1.25", "want": {`pins its level to "v1.03", which is no version`}},
		"two": {"pin": "v2.0", "oldest": "v1.25", "want": {`pins its level to "v2.0", which is no version`}},
		"capitals": {"pin": "Latest", "oldest": "v1.25", "want": {`pins its level to "Latest", which is no version`}},
		"whitespace": {"pin": "v1.30 ", "oldest": "v1.25", "want": {`pins its level to "v1.30 ", which is no version`}},
		"number": {"pin": 1.3, "oldest": "v1.25", "want": {"pins its level to a fraction, which is no version"}},
		"list": {"pin": ["latest"], "oldest": "v1.25", "want": {`pins its level to a list, which is no version`}},
		"only latest": {"pin": "v1.99", "oldest": "latest", "want": {"pins its level to v1.99, before latest"}},
		"unknown oldest": {
			"pin": "v1.99",
			"oldest": null,
			"want": {"pins its level to v1.99, before any that is allowed"},
		},
		"latest, oldest unreadable": {"pin": "latest", "oldest": 1.25, "want": set()},
	}

	around := {"kind": "Namespace", "metadata": {"name": "demo", "labels": {_enforce: "baseline", _version: tc.pin}}}
	messages := _messages(_inline, around, [], {"minEnforceVersion": tc.oldest})
	messages == {concat(" ", [`KFS-504: namespace "demo"`, text]) | some text in tc.want}
}

test_source_under_restricted[note] if {
	some note, tc in {
		"inline": {"resource": _inline, "want": set()},
		"git": {"resource": _git, "want": {["KFS-505", "spec.source.gitRepository"]}},
		"both": {
			"resource": _function({"source": {"inline": {"source": ""}, "gitRepository": {}}}),
			"want": {["KFS-505", "spec.source.gitRepository"]},
		},
		"git is null": {
			"resource": _function({"source": {"inline": {"source": ""}, "gitRepository": null}}),
			"want": {["KFS-505", "spec.source.gitRepository"]},
		},
		"no source": {"resource": _function({}), "want": {["KFS-505", "spec.source.gitRepository"]}},
		"inline is null": {
			"resource": _function({"source": {"inline": null}}),
			"want": {["KFS-505", "spec.source.gitRepository"]},
		},
		"v1alpha1 inline": {"resource": _function({"source": "x"}), "want": set()},
		"v1alpha1 inline, with type": {"resource": _function({"source": "x", "type": ""}), "want": set()},
		"v1alpha1 git": {"resource": _function({"source": "x", "type": "git"}), "want": {["KFS-505", "spec.type"]}},
		"v1alpha1 git in capitals": {
			"resource": _function({"source": "x", "type": "Git"}),
			"want": {["KFS-505", "spec.type"]},
		},
		"v1alpha1 null": {"resource": _function({"source": "x", "type": null}), "want": {["KFS-505", "spec.type"]}},
	}

	around := {"kind": "Namespace", "metadata": {"name": "demo", "labels": {_enforce: "restricted"}}}
	found := pod_security_level.violation with input as _input(tc.resource, around, _parameters("buildless"))
	{[f.details.rule, concat(".", f.details.path)] | some f in found} == tc.want
}

test_sources_of_a_namespace[note] if {
	some note, tc in {
		"alone": {"resource": _inline, "others": [], "want": {"KFS-506"}},
		"all inline": {"resource": _inline, "others": ["x"], "want": {"KFS-506"}},
		"another from git": {"resource": _inline, "others": ["git"], "want": set()},
		"itself from git": {"resource": _git, "others": ["x"], "want": set()},
		"itself was from git": {"resource": _inline, "others": [], "stale": _git, "want": {"KFS-506"}},
		"without a name yet": {
			"resource": object.remove(_inline, ["metadata"]),
			"others": [],
			"stale": _git,
			"want": set(),
		},
	}

	others := [object.union(_function({"source": "x", "type": kind}), {"metadata": {"name": kind}}) |
		some kind in [trim(other, "x") | some other in tc.others]
	]
	stale := [tc.stale | tc.stale]
	around := {"kind": "Namespace", "metadata": {"name": "demo", "labels": {_enforce: "baseline"}}}
	resource := object.union({"metadata": {"namespace": "demo"}}, tc.resource)
	_ids(resource, around, array.concat(others, stale), _parameters("buildless")) == tc.want
}

test_no_namespace[note] if {
	some note, resource in {
		"unknown": _inline,
		"none": {"kind": "Function"},
	}

	_messages(resource, null, [], _parameters("classic")) == {text |
		some fault in [
			"KFS-502: namespace %q isn't known to enforce a Pod Security level, but Functions need baseline",
			"KFS-504: namespace %q isn't known, nor which version of its level it pins",
		]
		text := sprintf(fault, [object.get(resource, ["metadata", "namespace"], "")])
	}
}

test_parameters_missing if {
	around := {"kind": "Namespace", "metadata": {"name": "demo", "labels": {_enforce: "restricted", _version: "v1.30"}}}
	found := pod_security_level.violation with input as {"review": {"object": _inline, "namespaceObject": around}}
	{f.details.rule | some f in found} == {"KFS-501", "KFS-504"}
}

_inline := _function({"source": {"inline": {"source": "module.exports = {}"}}})

_git := _function({"source": {"gitRepository": {"url": "https://git.example.com/orders.git"}}})

_function(spec) := {"kind": "Function", "metadata": {"name": "orders", "namespace": "demo"}, "spec": spec}

# As a profile's constraints select, without the rules of the other flavor.
_parameters(flavor) := {"flavor": flavor, "rules": rules[flavor]} if {
	rules := {
		"classic": ["KFS-501", "KFS-502", "KFS-503", "KFS-504"],
		"buildless": ["KFS-502", "KFS-503", "KFS-504", "KFS-505", "KFS-506"],
	}
}

_input(resource, around, parameters) := {
	"review": {"object": resource, "namespaceObject": around},
	"parameters": object.union(
		object.union(_parameters("classic"), {"clusterDefaultLevel": "none", "minEnforceVersion": "v1.25"}),
		parameters,
	),
}

_violations(resource, around, functions, parameters) := found if {
	inventory := {f.metadata.name: f | some f in functions}
	found := pod_security_level.violation with input as _input(resource, around, parameters)
		with data.inventory.namespace.demo as {"serverless.kyma-project.io/v1alpha2": {"Function": inventory}}
}

_ids(resource, around, functions, parameters) := {f.details.rule |
	some f in _violations(resource, around, functions, parameters)
}

_messages(resource, around, functions, parameters) := {f.msg |
	some f in _violations(resource, around, functions, parameters)
}
