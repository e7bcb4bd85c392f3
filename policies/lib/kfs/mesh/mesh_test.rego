package lib.kfs.mesh_test

import data.lib.kfs.mesh

test_injected[note] if {
	some note, tc in {
		"enabled": {"labels": {"istio-injection": "enabled"}, "want": true},
		"enabled, though there is a revision": {
			"labels": {"istio-injection": "enabled", "istio.io/rev": "stable"},
			"want": true,
		},
		"misspelt": {"labels": {"istio-injection": "enable"}, "want": false},
		"in capitals": {"labels": {"istio-injection": "Enabled"}, "want": false},
		"true": {"labels": {"istio-injection": true}, "want": false},
		"disabled": {"labels": {"istio-injection": "disabled"}, "want": false},
		"revision": {"labels": {"istio.io/rev": "stable"}, "want": true},
		"revision, disabled": {"labels": {"istio.io/rev": "stable", "istio-injection": "disabled"}, "want": false},
		"revision, the other label empty": {
			"labels": {"istio.io/rev": "stable", "istio-injection": ""},
			"want": false,
		},
		"revision, the other label null": {
			"labels": {"istio.io/rev": "stable", "istio-injection": null},
			"want": false,
		},
		"revision blank": {"labels": {"istio.io/rev": " "}, "want": false},
		"revision null": {"labels": {"istio.io/rev": null}, "want": false},
		"no labels": {"labels": {}, "want": false},
		"labels null": {"labels": null, "want": false},
		"labels are a list": {"labels": ["istio-injection"], "want": false},
		"pod asks": {"labels": {}, "pod": {"sidecar.istio.io/inject": "true"}, "want": true},
		"pod asks, labels null": {"labels": null, "pod": {"sidecar.istio.io/inject": "true"}, "want": true},
		"pod asks, labels are a list": {"labels": [], "pod": {"sidecar.istio.io/inject": "true"}, "want": false},
		"pod asks in capitals": {"labels": {}, "pod": {"sidecar.istio.io/inject": "True"}, "want": false},
		"pod asks by revision": {"labels": {}, "pod": {"istio.io/rev": "stable"}, "want": true},
		"pod asks, and its revision is blank": {
			"labels": {},
			"pod": {"sidecar.istio.io/inject": "true", "istio.io/rev": ""},
			"want": false,
		},
		"pod asks, and for a revision": {
			"labels": {},
			"pod": {"sidecar.istio.io/inject": "true", "istio.io/rev": "stable"},
			"want": true,
		},
		"pod asks by a revision nobody knows": {"labels": {}, "pod": {"istio.io/rev": null}, "want": false},
		"pod asks where it is disabled": {
			"labels": {"istio-injection": "disabled"},
			"pod": {"sidecar.istio.io/inject": "true"},
			"want": false,
		},
		"pod asks where a revision is blank": {
			"labels": {"istio.io/rev": ""},
			"pod": {"sidecar.istio.io/inject": "true"},
			"want": false,
		},
	}

	_injected({"metadata": {"labels": tc.labels}}, object.get(tc, "pod", {})) == tc.want
}

test_injected_into_nothing if {
	not mesh.injected(null, {})
	not mesh.injected({}, {})
	mesh.injected({}, {"sidecar.istio.io/inject": "true"})
}

test_modes[note] if {
	some note, tc in {
		"none": {"given": [], "want": {"PERMISSIVE"}},
		"namespace": {"given": [_pa("demo", "a", {"mtls": {"mode": "STRICT"}})], "want": {"STRICT"}},
		"root": {"given": [_pa("istio-system", "a", {"mtls": {"mode": "STRICT"}})], "want": {"STRICT"}},
		"another namespace": {"given": [_pa("shop", "a", {"mtls": {"mode": "STRICT"}})], "want": {"PERMISSIVE"}},
		"namespace over root": {
			"given": [_pa("istio-system", "a", _strict), _pa("demo", "a", {"mtls": {"mode": "DISABLE"}})],
			"want": {"DISABLE"},
		},
		"workload over namespace": {
			"given": [_pa("demo", "a", {"mtls": {"mode": "DISABLE"}}), _pa("demo", "b", object.union(_strict, _own))],
			"want": {"STRICT"},
		},
		"another workload": {
			"given": [_pa("demo", "a", _strict), _pa("demo", "b", {"selector": {"matchLabels": {"app": "b"}}})],
			"want": {"STRICT"},
		},
		"workload of the root": {
			"given": [_pa("istio-system", "a", object.union(_strict, _own))],
			"want": {"PERMISSIVE"},
		},
		"empty selector": {
			"given": [_pa("demo", "a", object.union(_strict, {"selector": {}}))],
			"want": {"STRICT"},
		},
		"no labels in the selector": {
			"given": [_pa("demo", "a", object.union(_strict, {"selector": {"matchLabels": {}}}))],
			"want": {"STRICT"},
		},
		"UNSET": {"given": [_pa("demo", "a", {"mtls": {"mode": "UNSET"}})], "want": {"PERMISSIVE"}},
		"UNSET under a strict root": {
			"given": [_pa("istio-system", "a", _strict), _pa("demo", "a", {"mtls": {"mode": "UNSET"}})],
			"want": {"STRICT"},
		},
		"mode null": {"given": [_pa("demo", "a", {"mtls": {"mode": null}})], "want": {"PERMISSIVE"}},
		"mtls empty": {"given": [_pa("demo", "a", {"mtls": {}})], "want": {"PERMISSIVE"}},
		"mtls null": {"given": [_pa("demo", "a", {"mtls": null})], "want": {"PERMISSIVE"}},
		"spec null": {"given": [_pa("demo", "a", null)], "want": {"PERMISSIVE"}},
		"mode in another case": {"given": [_pa("demo", "a", {"mtls": {"mode": "strict"}})], "want": {"unreadable"}},
		"mode true": {"given": [_pa("demo", "a", {"mtls": {"mode": true}})], "want": {"unreadable"}},
		"mtls is text": {"given": [_pa("demo", "a", {"mtls": "STRICT"})], "want": {"unreadable"}},
		"spec is text": {"given": [_pa("demo", "a", "STRICT")], "want": {"unreadable"}},
		"selector is text, so that it may be anyone's": {
			"given": [_pa("demo", "a", _strict), _pa("demo", "b", {"selector": "app=a", "mtls": {"mode": "DISABLE"}})],
			"want": {"DISABLE"},
		},
		"labels are text, so that it may be anyone's": {
			"given": [
				_pa("demo", "a", _strict),
				_pa("demo", "b", {"selector": {"matchLabels": "app=a"}, "mtls": {"mode": "DISABLE"}}),
			],
			"want": {"DISABLE"},
		},
		"several": {
			"given": [_pa("demo", "a", _strict), _pa("demo", "b", {"mtls": {"mode": "PERMISSIVE"}})],
			"want": {"STRICT", "PERMISSIVE"},
		},
		"one that says it, one that leaves it open": {
			"given": [_pa("demo", "a", _strict), _pa("demo", "b", {})],
			"want": {"STRICT", "PERMISSIVE"},
		},
		"of a revision": {"given": [_revised("canary")], "want": {"STRICT", "PERMISSIVE"}},
		"of the default revision": {"given": [_revised("default")], "want": {"STRICT"}},
		"of a hash that nobody knows": {
			"given": [_pa("demo", "a", object.union(
				_strict,
				{"selector": {"matchLabels": {"pod-template-hash": "1"}}},
			))],
			"want": {"STRICT", "PERMISSIVE"},
		},
		"a port": {
			"given": [_pa("demo", "a", object.union_n([
				_strict,
				_own,
				{"portLevelMtls": {"8080": {"mode": "PERMISSIVE"}}},
			]))],
			"want": {"STRICT", "PERMISSIVE"},
		},
		"a port UNSET": {
			"given": [_pa("demo", "a", object.union_n([
				_strict,
				_own,
				{"portLevelMtls": {"8080": {"mode": "UNSET"}}},
			]))],
			"want": {"STRICT"},
		},
		"a port of the namespace": {
			"given": [_pa("demo", "a", object.union(_strict, {"portLevelMtls": {"8080": {"mode": "DISABLE"}}}))],
			"want": {"STRICT"},
		},
		"ports are text": {
			"given": [_pa("demo", "a", object.union_n([_strict, _own, {"portLevelMtls": "8080"}]))],
			"want": {"STRICT", "unreadable"},
		},
		"a port is text": {
			"given": [_pa("demo", "a", object.union_n([_strict, _own, {"portLevelMtls": {"8080": "STRICT"}}]))],
			"want": {"STRICT", "unreadable"},
		},
		"no metadata": {"given": [{"spec": {"mtls": {"mode": "DISABLE"}}}], "want": {"PERMISSIVE"}},
	}

	_modes(tc.given, "demo") == tc.want
}

test_modes_in_the_root_namespace if {
	_modes([_pa("istio-system", "a", _strict)], "istio-system") == {"STRICT"}
	_modes([_pa("istio-system", "a", object.union(_own, _strict))], "istio-system") == {"PERMISSIVE"}
}

test_by_whom if {
	given := {
		_pa("istio-system", "root", {"mtls": {"mode": "PERMISSIVE"}}),
		_pa("demo", "default", {}),
		_pa("demo", "own", object.union(_own, {"portLevelMtls": {"8080": {"mode": "DISABLE"}}})),
	}
	mesh.modes(given, _pod, "demo", "istio-system", "STRICT") == {
		{
			"mode": "PERMISSIVE",
			"by": {["istio-system", "root"], ["demo", "default"], ["demo", "own"]},
			"at": ["spec", "mtls", "mode"],
		},
		{"mode": "DISABLE", "by": {["demo", "own"]}, "at": ["spec", "portLevelMtls", "8080", "mode"]},
	}
	mesh.modes(set(), _pod, "demo", "istio-system", "STRICT") == {{"mode": "STRICT", "by": set(), "at": []}}
}

_pod := {"app": "a", "pod-template-hash": null}

_strict := {"mtls": {"mode": "STRICT"}}

_own := {"selector": {"matchLabels": {"app": "a"}}}

_pa(namespace, name, spec) := {"metadata": {"namespace": namespace, "name": name}, "spec": spec}

_revised(revision) := {
	"metadata": {"namespace": "demo", "name": "a", "labels": {"istio.io/rev": revision}},
	"spec": _strict,
}

_modes(given, namespace) := {outcome.mode |
	some outcome in mesh.modes({pa | some pa in given}, _pod, namespace, "istio-system", "PERMISSIVE")
}

default _injected(_, _) := false

_injected(namespace, pod) if mesh.injected(namespace, pod)
