package kyma.image_scan_test

import data.kyma.image_scan

_now := time.parse_rfc3339_ns("2026-03-01T12:00:00Z")

test_request[note] if {
	some note, tc in {
		"audit": {"operation": "", "old": {}, "want": _both},
		"creation": {"operation": "CREATE", "old": {}, "want": set()},
		"connection": {"operation": "CONNECT", "old": {}, "want": _both},
		"update of the same": {"operation": "UPDATE", "old": _function({}), "want": _both},
		"update of replicas": {"operation": "UPDATE", "old": _function({"replicas": 2}), "want": _both},
		"update of the runtime": {"operation": "UPDATE", "old": _function({"runtime": "nodejs22"}), "want": set()},
		"update of the source": {
			"operation": "UPDATE",
			"old": _function({"source": {"inline": {"source": "y"}}}),
			"want": set(),
		},
		"update of the source, buildless": {
			"operation": "UPDATE",
			"old": _function({"source": {"inline": {"source": "y"}}}),
			"flavor": "buildless",
			"want": _both,
		},
		"update without the old object": {"operation": "UPDATE", "old": null, "want": _both},
	}

	old := {"updateTimestamp": "2025-01-01T00:00:00Z", "summary": {"criticalCount": 2}}
	found := image_scan.violation with input as {
		"review": {"operation": tc.operation, "object": _sensitive, "oldObject": tc.old},
		"parameters": object.union(_parameters, {"flavor": object.get(tc, "flavor", "classic")}),
	}
		with data.inventory.namespace.demo as _inventory([_report(old)])
		with time.now_ns as _now
	{f.details.rule | some f in found} == tc.want
}

test_update_of_the_override if {
	old := object.union(_function({}), {"spec": {"runtimeImageOverride": "registry.example.com/node:22"}})
	found := image_scan.violation with input as {
		"review": {"operation": "UPDATE", "object": _function({}), "oldObject": old},
		"parameters": object.union(_parameters, {"flavor": "buildless"}),
	}
		with time.now_ns as _now
	count(found) == 0
}

# The strictest where a parameter is missing or of the wrong type.
test_parameters[note] if {
	some note, tc in {
		"none": {"parameters": {}, "want": {"KFS-321", "KFS-322"}},
		"as they are by default": {"parameters": _parameters, "want": set()},
		"age": {"parameters": {"maxAgeDays": "30"}, "want": {"KFS-321"}},
		"age of a part of a day": {"parameters": {"maxAgeDays": 0.01}, "want": {"KFS-321"}},
		"age below zero": {"parameters": {"maxAgeDays": -1}, "want": {"KFS-321"}},
		"critical": {"parameters": {"maxCritical": null}, "want": {"KFS-322"}},
		"critical below zero": {"parameters": {"maxCritical": -1}, "want": {"KFS-322"}},
		"high": {"parameters": {"maxHigh": "-1"}, "want": {"KFS-322"}},
		"flavor": {"parameters": {"flavor": 1}, "want": set()},
	}

	parameters := {key: value |
		some key, value in object.union(_parameters, tc.parameters)
		note != "none"
	}
	found := image_scan.violation with input as {"review": {"object": _sensitive}, "parameters": parameters}
		with data.inventory.namespace.demo as _inventory([_report({"summary": {"criticalCount": 1, "highCount": 3}})])
		with time.now_ns as _now
	{f.details.rule | some f in found} == tc.want
}

test_harmless_data[note] if {
	some note, tc in {
		"named": {"harmless": ["sensitive"], "want": 0},
		"another named": {"harmless": ["internal"], "want": 1},
		"none": {"harmless": [], "want": 1},
		"no list": {"harmless": "sensitive", "want": 1},
		"null": {"harmless": null, "want": 1},
	}

	parameters := object.union(_parameters, {"harmlessData": tc.harmless})
	found := image_scan.violation with input as {"review": {"object": _sensitive}, "parameters": parameters}
	count(found) == tc.want
}

test_messages[note] if {
	some note, tc in {
		"no report": {
			"reports": [],
			"want": {`KFS-321: the Function handles "sensitive" data, and has no vulnerability report`},
		},
		"old": {
			"reports": [{"updateTimestamp": "2026-01-01T00:00:00Z"}],
			"want": {concat(" ", [
				`KFS-321: the Function handles "sensitive" data,`,
				"and its newest vulnerability report is more than 30 days old",
			])},
		},
		"no time": {
			"reports": [{"updateTimestamp": 1700000000}],
			"want": {concat(" ", [
				`KFS-321: the Function handles "sensitive" data,`,
				`and vulnerability report "report-0" has no time that can be read or is past`,
			])},
		},
		"counts": {
			"reports": [{"summary": {"criticalCount": 1200000, "highCount": 7}}],
			"want": {`KFS-322: vulnerability report "report-0" counts 1200000 critical, 1 allowed`},
		},
		"no counts": {
			"reports": [{"summary": null}],
			"want": {`KFS-322: vulnerability report "report-0" doesn't say how many critical ones there are`},
		},
	}

	resource := object.union(_function({}), {"metadata": {"labels": {"function-security.policy/data": " SENSITIVE"}}})
	found := image_scan.violation with input as {"review": {"object": resource}, "parameters": _parameters}
		with data.inventory.namespace.demo as _inventory([_report(report) | some report in tc.reports])
		with time.now_ns as _now
	{f.msg | some f in found} == tc.want
}

test_secrets[note] if {
	some note, tc in {
		"none": {"spec": {}, "want": set()},
		"null": {"spec": {"env": null, "secretMounts": null}, "want": set()},
		"reference null": {"spec": {"env": [{"valueFrom": {"secretKeyRef": null}}]}, "want": set()},
		"reference without name": {
			"spec": {"env": [{"valueFrom": {"secretKeyRef": {"name": 1}}}]},
			"want": {"reads a Secret"},
		},
		"reference of a wrong type": {
			"spec": {"env": [{"valueFrom": {"secretKeyRef": "db"}}]},
			"want": {"reads a Secret"},
		},
		"mount of a wrong type": {"spec": {"secretMounts": ["db"]}, "want": {"mounts a Secret"}},
		"several": {
			"spec": {
				"env": [{"valueFrom": {"secretKeyRef": {"name": "db"}}}, {"value": "x"}],
				"secretMounts": [{"secretName": "b"}, {"secretName": "a"}],
			},
			"want": {`mounts Secret "a", and 2 more`},
		},
	}

	parameters := object.union(_parameters, {"rules": ["KFS-323"]})
	found := image_scan.violation with input as {"review": {"object": _function(tc.spec)}, "parameters": parameters}
	{f.msg | some f in found} == {text |
		some use in tc.want
		text := sprintf("KFS-323: the Function %s, and no label %s says what data it handles", [use, _label])
	}
}

# Of an image without digest Trivy writes server, repository and tag, in its own words for Docker Hub.
test_tag[note] if {
	some note, tc in {
		"the same": {"override": "registry.example.com/node:22", "scanned": _node("22"), "found": true},
		"another tag": {"override": "registry.example.com/node:22", "scanned": _node("24"), "found": false},
		"latest": {"override": "registry.example.com/node", "scanned": _node("latest"), "found": true},
		"port": {
			"override": "localhost:5000/node",
			"scanned": _artifact("localhost:5000", {"repository": "node", "tag": "latest"}),
			"found": true,
		},
		"another registry": {"override": "registry.example.org/node:22", "scanned": _node("22"), "found": false},
		"Docker Hub": {
			"override": "node:22",
			"scanned": _artifact("index.docker.io", {"repository": "library/node", "tag": "22"}),
			"found": true,
		},
		"wrong types": {"override": "node:22", "scanned": {"registry": 1, "artifact": {"tag": 22}}, "found": false},
		"no server": {
			"override": "node:22",
			"scanned": {"artifact": {"repository": "library/node", "tag": "22"}},
			"found": false,
		},
		"no reference": {"override": "", "scanned": _node("22"), "found": true},
		"a number": {"override": 22, "scanned": _node("22"), "found": false},
		"digest and tag": {
			"override": sprintf("registry.example.com/node:22@%s", [_digest]),
			"scanned": _node("22"),
			"found": false,
		},
		"digest": {
			"override": sprintf("registry.example.com/node:22@%s", [_digest]),
			"scanned": {"artifact": {"digest": _digest}},
			"found": true,
		},
	}

	resource := object.union(_function({}), {"spec": {"runtimeImageOverride": tc.override}})
	parameters := object.union(_parameters, {"rules": ["KFS-321"], "flavor": "buildless"})
	found := image_scan.violation with input as {"review": {"object": resource}, "parameters": parameters}
		with data.inventory.namespace.demo as _inventory([_report(tc.scanned)])
		with time.now_ns as _now
	count(found) == 0 == tc.found
}

# Nothing that a report may be crashes a rule, and none of these is evidence.
test_unreadable_reports[note] if {
	some note, report in {
		"number": 1,
		"list": [],
		"empty": {},
		"labels are a list": {"metadata": {"labels": ["function"]}},
		"name is a number": object.union(_report({}), {"metadata": {"labels": {"trivy-operator.resource.name": 1}}}),
		"no name": json.remove(_report({}), ["/metadata/labels/trivy-operator.resource.name"]),
		"report is a text": object.union(_report({}), {"report": "clean"}),
		"report is null": object.union(_report({}), {"report": null}),
	}

	parameters := object.union(_parameters, {"rules": ["KFS-321"]})
	found := image_scan.violation with input as {"review": {"object": _sensitive}, "parameters": parameters}
		with data.inventory.namespace.demo as _inventory([report])
		with time.now_ns as _now
	count(found) == 1
}

test_unreadable_functions[note] if {
	some note, tc in {
		"no metadata": {"resource": {"kind": "Function"}, "want": set()},
		"metadata is a list": {"resource": {"kind": "Function", "metadata": []}, "want": set()},
		"labels are a text": {"resource": {"kind": "Function", "metadata": {"labels": "public"}}, "want": {"KFS-321"}},
		"label is false": {
			"resource": {"kind": "Function", "metadata": {"labels": {"function-security.policy/data": false}}},
			"want": {"KFS-321"},
		},
		"labels are null": {"resource": {"kind": "Function", "metadata": {"labels": null}}, "want": set()},
		"name is a number": {
			"resource": {"kind": "Function", "metadata": {"name": 1}, "spec": {"runtimeImageOverride": []}},
			"want": {"KFS-321"},
		},
		"override is null": {"resource": {"kind": "Function", "spec": {"runtimeImageOverride": null}}, "want": set()},
		"override is empty": {"resource": {"kind": "Function", "spec": {"runtimeImageOverride": ""}}, "want": set()},
		"override is blank": {
			"resource": {"kind": "Function", "spec": {"runtimeImageOverride": " "}},
			"want": {"KFS-321"},
		},
	}

	found := image_scan.violation with input as {"review": {"object": tc.resource}, "parameters": _parameters}
		with data.inventory.namespace.demo as _inventory([_report({})])
	{f.details.rule | some f in found} == tc.want
}

_label := "function-security.policy/data"

_both := {"KFS-321", "KFS-322"}

_parameters := {
	"harmlessData": ["internal", "public"],
	"scanOverrides": true,
	"maxAgeDays": 30,
	"maxCritical": 1,
	"maxHigh": -1,
	"flavor": "classic",
}

_digest := "sha256:ac3947d98c840d95847d6d9dc9a1c95a3d26c30abc733155894b51083b02d2cc"

_sensitive := object.union(_function({}), {"metadata": {"labels": {"function-security.policy/data": "sensitive"}}})

_function(spec) := {
	"kind": "Function",
	"metadata": {"name": "orders", "namespace": "demo"},
	"spec": object.union({"runtime": "nodejs24", "source": {"inline": {"source": "x"}}}, spec),
}

_node(tag) := _artifact("registry.example.com", {"repository": "node", "tag": tag})

_artifact(server, artifact) := {"registry": {"server": server}, "artifact": artifact}

_report(fields) := {
	"metadata": {"labels": {
		"trivy-operator.container.name": "function",
		"trivy-operator.resource.kind": "ReplicaSet",
		"trivy-operator.resource.name": "orders-x7k2p-5d8f9c7b6d",
		"trivy-operator.resource.namespace": "demo",
	}},
	"report": object.union(
		{"updateTimestamp": "2026-03-01T11:00:00Z", "summary": {"criticalCount": 0, "highCount": 3}},
		fields,
	),
}

_inventory(reports) := {"aquasecurity.github.io/v1alpha1": {"VulnerabilityReport": {name: report |
	some i, report in reports
	name := sprintf("report-%d", [i])
}}}
