package lib.kfs.namespace_test

import data.lib.kfs.namespace

_synced := {"metadata": {"name": "demo", "labels": {"from": "inventory"}}}

_sent := {"metadata": {"name": "demo", "labels": {"from": "webhook"}}}

test_of[note] if {
	some note, tc in {
		"sent by the webhook": {"review": _review({"namespaceObject": _sent}), "want": _sent},
		"only in the inventory": {"review": _review({}), "want": _synced},
		"gator's empty object": {"review": _review({"namespaceObject": {}}), "want": _synced},
		"null": {"review": _review({"namespaceObject": null}), "want": _synced},
		"metadata is no object": {"review": _review({"namespaceObject": {"metadata": true}}), "want": _synced},
		"named by the review": {"review": {"object": {"metadata": {}}, "namespace": "demo"}, "want": _synced},
		"unknown": {"review": {"object": {"metadata": {"namespace": "other"}}}, "want": null},
		"namespace is a number": {"review": {"object": {"metadata": {"namespace": 7}}}, "want": null},
		"no namespace": {"review": {"object": {}}, "want": null},
		"no object": {"review": {}, "want": null},
	}

	got := namespace.of(tc.review) with data.inventory.cluster.v1.Namespace as {"demo": _synced}
	got == tc.want
}

test_name[note] if {
	some note, tc in {
		"of the object": {"review": {"object": {"metadata": {"namespace": "a"}}, "namespace": "b"}, "want": "a"},
		"of the review": {"review": {"object": {"metadata": {}}, "namespace": "b"}, "want": "b"},
		"of the review, the object's is empty": {
			"review": {"object": {"metadata": {"namespace": ""}}, "namespace": "b"},
			"want": "b",
		},
		"a number": {"review": {"object": {"metadata": {"namespace": 7}}, "namespace": 8}, "want": ""},
		"none": {"review": {}, "want": ""},
	}

	namespace.name(tc.review) == tc.want
}

test_level[note] if {
	some note, tc in {
		"restricted": {"labels": {_enforce: "restricted"}, "fallback": "none", "want": "restricted"},
		"baseline": {"labels": {_enforce: "baseline"}, "fallback": "restricted", "want": "baseline"},
		"privileged": {"labels": {_enforce: "privileged"}, "fallback": "none", "want": "privileged"},
		"no label": {"labels": {"a": "b"}, "fallback": "none", "want": "unknown"},
		"no label, a fallback": {"labels": {"a": "b"}, "fallback": "baseline", "want": "baseline"},
		"labels are null": {"labels": null, "fallback": "baseline", "want": "baseline"},
		"labels are a list": {"labels": [_enforce], "fallback": "baseline", "want": "unknown"},
		"null": {"labels": {_enforce: null}, "fallback": "baseline", "want": "unknown"},
		"blank": {"labels": {_enforce: ""}, "fallback": "baseline", "want": "unknown"},
		"mixed case": {"labels": {_enforce: "Baseline"}, "fallback": "baseline", "want": "unknown"},
		"trailing blank": {"labels": {_enforce: "baseline "}, "fallback": "baseline", "want": "unknown"},
		"boolean": {"labels": {_enforce: true}, "fallback": "baseline", "want": "unknown"},
		"list": {"labels": {_enforce: ["baseline"]}, "fallback": "baseline", "want": "unknown"},
		"only audit": {
			"labels": {"pod-security.kubernetes.io/audit": "baseline"},
			"fallback": "none",
			"want": "unknown",
		},
	}

	_level({"metadata": {"labels": tc.labels}}, tc.fallback) == tc.want
}

test_level_of_no_namespace[note] if {
	some note, around in {"null": null, "no metadata": {}, "metadata is null": {"metadata": null}, "text": "demo"}
	_level(around, "baseline") == "unknown"
}

test_level_without_labels if _level({"metadata": {}}, "baseline") == "baseline"

test_version[note] if {
	some note, tc in {
		"pinned": {"labels": {"pod-security.kubernetes.io/enforce-version": "v1.24"}, "want": "v1.24"},
		"null": {"labels": {"pod-security.kubernetes.io/enforce-version": null}, "want": null},
		"no label": {"labels": {}, "want": "latest"},
	}

	namespace.version({"metadata": {"labels": tc.labels}}) == tc.want
}

_enforce := "pod-security.kubernetes.io/enforce"

default _level(_, _) := "unknown"

_level(around, fallback) := namespace.level(around, fallback)

_review(more) := object.union({"object": {"metadata": {"name": "a", "namespace": "demo"}}}, more)
