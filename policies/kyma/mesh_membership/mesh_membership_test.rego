package kyma.mesh_membership_test

import data.kyma.mesh_membership

# Keys and values that a fixture would only repeat, as label and as annotation.
test_mark[note] if {
	some note, tc in {
		"inject: true": {"key": "sidecar.istio.io/inject", "value": "true", "want": ""},
		"inject: True": {"key": "sidecar.istio.io/inject", "value": "True", "want": "takes the pod out of the mesh"},
		"inject: with a space": {
			"key": "sidecar.istio.io/inject",
			"value": "true ",
			"want": "takes the pod out of the mesh",
		},
		"inject: null": {"key": "sidecar.istio.io/inject", "value": null, "want": "takes the pod out of the mesh"},
		"inject: a list": {
			"key": "sidecar.istio.io/inject",
			"value": ["true"],
			"want": "takes the pod out of the mesh",
		},
		"a key that nobody knows yet": {
			"key": "sidecar.istio.io/somethingNew",
			"value": "true",
			"want": "weakens the pod's sidecar",
		},
		"the port that isn't intercepted": {
			"key": "status.sidecar.istio.io/port",
			"value": "8080",
			"want": "weakens the pod's sidecar",
		},
		"when to ask for readiness": {
			"key": "readiness.status.sidecar.istio.io/periodSeconds",
			"value": "5",
			"want": "",
		},
		"how often to count": {"key": "sidecar.istio.io/statsFlushInterval", "value": "10s", "want": ""},
		"a harmless key with a number": {
			"key": "sidecar.istio.io/proxyCPU",
			"value": 1,
			"want": "weakens the pod's sidecar",
		},
		"a level in capitals": {
			"key": "sidecar.istio.io/logLevel",
			"value": "WARNING",
			"want": "weakens the pod's sidecar",
		},
		"a level that is a number": {
			"key": "sidecar.istio.io/logLevel",
			"value": 4,
			"want": "weakens the pod's sidecar",
		},
		"levels of components": {
			"key": "sidecar.istio.io/agentLogLevel",
			"value": "default:info,xds:debug",
			"want": "weakens the pod's sidecar",
		},
		"no ports excluded": {
			"key": "traffic.sidecar.istio.io/excludeInboundPorts",
			"value": "*",
			"want": "leads traffic past the pod's sidecar",
		},
		"addresses but one": {
			"key": "traffic.sidecar.istio.io/includeOutboundIPRanges",
			"value": "*,10.0.0.1/32",
			"want": "leads traffic past the pod's sidecar",
		},
		"no sidecar among the templates": {
			"key": "inject.istio.io/templates",
			"value": "",
			"want": "weakens the pod's sidecar",
		},
		"Kyma's own value of its own key": {
			"key": "rt-cfg.kyma-project.io/alter-img-registry",
			"value": "true",
			"want": "changes where the pod's images come from",
		},
		"a profile of the runtime": {
			"key": "container.apparmor.security.beta.kubernetes.io/function",
			"value": "runtime/default",
			"want": "",
		},
		"a profile without a name": {
			"key": "container.apparmor.security.beta.kubernetes.io/function",
			"value": "localhost/",
			"want": "takes AppArmor's confinement from the pod",
		},
		"a profile after a line": {
			"key": "container.seccomp.security.alpha.kubernetes.io/function",
			"value": "unconfined\nruntime/default",
			"want": "takes seccomp's confinement from the pod",
		},
		"a profile that is no text": {
			"key": "seccomp.security.alpha.kubernetes.io/pod",
			"value": true,
			"want": "takes seccomp's confinement from the pod",
		},
		"docker's profile": {"key": "seccomp.security.alpha.kubernetes.io/pod", "value": "docker/default", "want": ""},
		"clear text": {
			"key": "security.istio.io/tlsMode",
			"value": "Istio",
			"want": "makes clients send the pod clear text",
		},
		"Kyma's own configuration": {"key": "proxy.istio.io/config", "value": "concurrency: 1", "want": ""},
		"a domain that only ends alike": {"key": "my-sidecar.istio.io/inject", "value": "false", "want": ""},
		"a domain that only begins alike": {"key": "sidecar.istio.io.example.com/inject", "value": "false", "want": ""},
		"a key of Istio's that does no harm": {"key": "istio.io/rev", "value": "canary", "want": ""},
		"no domain": {"key": "inject", "value": "false", "want": ""},
	}

	every place in [["labels"], ["annotations"], ["template", "labels"], ["template", "annotations"]] {
		noun := trim_suffix(place[count(place) - 1], "s")
		path := array.concat(["spec"], array.concat(place, [tc.key]))
		want := {[path, sprintf("KFS-411: %s %q %s", [noun, tc.key, tc.want])] | tc.want != ""}
		function := json.patch(_function({"template": {}}), [
			{"op": "add", "path": array.slice(path, 0, count(path) - 1), "value": {tc.key: tc.value}},
		])
		_findings(function, {"rules": ["KFS-411"]}) == want
	}
}

test_unreadable_marks[note] if {
	some note, tc in {
		"absent": {"spec": {}, "want": set()},
		"null": {"spec": {"labels": null, "annotations": null, "template": null}, "want": set()},
		"text": {
			"spec": {"labels": "sidecar.istio.io/inject"},
			"want": {[["spec", "labels"], "KFS-411: the pod's labels can't be read"]},
		},
		"false": {
			"spec": {"annotations": false},
			"want": {[["spec", "annotations"], "KFS-411: the pod's annotations can't be read"]},
		},
		"lists": {
			"spec": {"template": {"labels": [], "annotations": []}},
			"want": {
				[["spec", "template", "labels"], "KFS-411: the pod's labels can't be read"],
				[["spec", "template", "annotations"], "KFS-411: the pod's annotations can't be read"],
			},
		},
		"spec is text": {"spec": "labels", "want": set()},
	}

	_findings(_function(tc.spec), {"rules": ["KFS-411", "KFS-412"]}) == tc.want
}

test_open_network[note] if {
	some note, tc in {
		"Kyma's label": {"key": "networking.kyma-project.io/metrics-scraping", "open": true},
		"a module's label": {"key": "networking.serverless.kyma-project.io/to-apiserver", "open": true},
		"a part of a module's": {"key": "networking.a.b.kyma-project.io/to-c", "open": true},
		"another domain before it": {"key": "my-networking.kyma-project.io/to-apiserver", "open": false},
		"another domain after it": {"key": "networking.kyma-project.io.example.com/to-apiserver", "open": false},
		"another domain's end": {"key": "networking.mykyma-project.io/to-apiserver", "open": false},
		"no name": {"key": "networking.kyma-project.io", "open": false},
	}

	every flavor in ["classic", "buildless", null] {
		every at in [["spec", "labels"], ["metadata", "labels"]] {
			open := {tc.open, [flavor, at] != ["buildless", ["metadata", "labels"]]} == {true}
			message := sprintf("KFS-412: label %q opens networks to the pod", [tc.key])
			want := {[array.concat(at, [tc.key]), message] | open}
			function := json.patch(
				_function({}),
				[{"op": "add", "path": at, "value": {tc.key: "allowed"}}],
			)
			_findings(function, {"rules": ["KFS-412"], "flavor": flavor}) == want
		}
	}
}

# A label that is no text is said once: by the rule that knows its key, else by KFS-412.
test_no_text[note] if {
	some note, tc in {
		"a number": {
			"labels": {"tier": 1},
			"want": {[
				["spec", "labels", "tier"],
				"KFS-412: label \"tier\" is no text, so any selector may ask for it",
			]},
		},
		"false": {
			"labels": {"tier": false},
			"want": {[
				["spec", "labels", "tier"],
				"KFS-412: label \"tier\" is no text, so any selector may ask for it",
			]},
		},
		"of the mesh": {
			"labels": {"sidecar.istio.io/inject": false},
			"want": {[
				["spec", "labels", "sidecar.istio.io/inject"],
				"KFS-411: label \"sidecar.istio.io/inject\" takes the pod out of the mesh",
			]},
		},
		"of the sidecar": {
			"labels": {"sidecar.istio.io/proxyImage": 1},
			"want": {[
				["spec", "labels", "sidecar.istio.io/proxyImage"],
				"KFS-411: label \"sidecar.istio.io/proxyImage\" weakens the pod's sidecar",
			]},
		},
		"text": {"labels": {"tier": "1"}, "want": set()},
	}

	_findings(_function({"labels": tc.labels}), {}) == tc.want
}

# The Services of the namespace by what each asks for, and where the Function is caught.
test_capture[note] if {
	some note, tc in {
		"a label": {
			"services": {"web": {"app": "web"}},
			"want": {[["spec", "labels", "app"], "KFS-412: label \"app\" puts the pod behind Service \"web\""]},
		},
		"a label of the template": {
			"services": {"mail": {"app": "web", "tier": "mail"}},
			"want": {[["spec", "labels", "app"], "KFS-412: label \"app\" puts the pod behind Service \"mail\""]},
		},
		"only a label of the template": {
			"services": {"mail": {"tier": "mail"}},
			"want": {[
				["spec", "template", "labels", "tier"],
				"KFS-412: label \"tier\" puts the pod behind Service \"mail\"",
			]},
		},
		"the name": {
			"services": {"api": {"app.kubernetes.io/name": "orders"}},
			"want": {[["metadata", "name"], "KFS-412: its name puts the pod behind Service \"api\""]},
		},
		"the name, and Kyma's labels": {
			"services": {"api": {
				"app.kubernetes.io/name": "orders",
				"serverless.kyma-project.io/resource": "deployment",
			}},
			"want": {[["metadata", "name"], "KFS-412: its name puts the pod behind Service \"api\""]},
		},
		"the name that Istio writes": {
			"services": {"api": {"service.istio.io/canonical-name": "orders"}},
			"want": {[["metadata", "name"], "KFS-412: its name puts the pod behind Service \"api\""]},
		},
		"the name and a label": {
			"services": {"api": {"app.kubernetes.io/name": "orders", "app": "web"}},
			"want": {[["spec", "labels", "app"], "KFS-412: label \"app\" puts the pod behind Service \"api\""]},
		},
		"what Istio writes on every pod": {"services": {"mesh": {"security.istio.io/tlsMode": "istio"}}, "want": set()},
		"any hash": {
			"services": {"web": {"app": "web", "pod-template-hash": "7d4b9c6f5"}},
			"want": {[["spec", "labels", "app"], "KFS-412: label \"app\" puts the pod behind Service \"web\""]},
		},
		"three Services": {
			"services": {"web": {"app": "web"}, "mail": {"app": "web"}, "api": {"app": "web", "version": "v1"}},
			"want": {[
				["spec", "labels", "app"],
				"KFS-412: label \"app\" puts the pod behind Service \"api\" and 2 more",
			]},
		},
		"a Service that asks for more": {"services": {"web": {"app": "web", "zone": "a"}}, "want": set()},
		"another value": {"services": {"web": {"app": "api"}}, "want": set()},
		"Kyma's labels alone": {
			"services": {"alias": {
				"serverless.kyma-project.io/managed-by": "function-controller",
				"serverless.kyma-project.io/uuid": "1",
			}},
			"want": set(),
		},
		"the Function by its name": {
			"services": {"alias": {"app": "web", "serverless.kyma-project.io/function-name": "orders"}},
			"want": set(),
		},
		"an empty selector": {"services": {"web": {}}, "want": set()},
		"a selector that is null": {"services": {"web": null}, "want": set()},
		"a selector that is text": {
			"services": {"web": "app=web"},
			"want": {[["metadata", "name"], "KFS-412: the selector of Service \"web\" can't be read"]},
		},
		"selectors with a number": {
			"services": {"web": {"app": 1}, "api": {"app": 1, "zone": "a"}},
			"want": {[["metadata", "name"], "KFS-412: the selector of Service \"api\" and 1 more can't be read"]},
		},
	}

	services := {name: _service(name, {"selector": labels}) | some name, labels in tc.services}
	spec := {"labels": {"app": "web", "version": "v1"}, "template": {"labels": {"tier": "mail"}}}
	_findings_among(_function(spec), services, {"rules": ["KFS-412"]}) == tc.want
}

test_no_capture_in_another_namespace if {
	service := _service("web", {"selector": {"app": "web"}})
	found := mesh_membership.violation with input.review.object as _function({"labels": {"app": "web"}})
		with input.parameters as {"rules": ["KFS-412"]}
		with data.inventory as {"namespace": {"billing": {"v1": {"Service": {"web": service}}}}}
	found == set()
}

test_no_capture[note] if {
	some note, service in {
		"ExternalName": _service("web", {"type": "ExternalName", "selector": {"app": "web"}}),
		"no selector": _service("web", {}),
		"spec is null": _service("web", null),
		"spec is text": _service("web", "app"),
		"no object": "web",
	}

	function := _function({"labels": {"app": "web"}})
	_findings_among(function, {"web": service}, {"rules": ["KFS-412"]}) == set()
	_findings_among(
		function,
		{"web": service, "api": _service("api", {"type": null, "selector": {"app": "web"}})},
		{"rules": ["KFS-412"]},
	) != set()
	_findings_among(
		function,
		{"api": _service("api", {"selector": {"app": "web"}})},
		{"rules": ["KFS-411", "KFS-413"]},
	) == set()
}

# Owners of a Pod that wears the labels of Function "orders".
test_owner[note] if {
	some note, tc in {
		"its ReplicaSet": {"references": [_replica_set], "made": true},
		"beside another owner": {"references": [_backup, _replica_set], "made": true},
		"none": {"references": []},
		"null": {"references": null},
		"an object": {"references": {"a": _replica_set}},
		"an owner that is null": {"references": [null]},
		"two controllers": {"references": [_replica_set, object.union(_backup, {"controller": true})]},
		"controller is text": {"references": [object.union(_replica_set, {"controller": "true"})]},
		"controller is missing": {"references": [object.remove(_replica_set, ["controller"])]},
		"apiVersion is a number": {"references": [object.union(_replica_set, {"apiVersion": 1})]},
		"apiVersion without group": {"references": [object.union(_replica_set, {"apiVersion": "v1"})]},
		"apiVersion without version": {"references": [object.union(_replica_set, {"apiVersion": "apps/"})]},
		"apiVersion with more": {"references": [object.union(_replica_set, {"apiVersion": "apps/v1/x"})]},
		"another version": {"references": [object.union(_replica_set, {"apiVersion": "apps/v1beta2"})], "made": true},
		"kind in small letters": {"references": [object.union(_replica_set, {"kind": "replicaset"})]},
		"kind is missing": {"references": [object.remove(_replica_set, ["kind"])]},
		"name is missing": {"references": [object.remove(_replica_set, ["name"])]},
		"name is a number": {"references": [object.union(_replica_set, {"name": 1})]},
		"name of the Deployment": {"references": [object.union(_replica_set, {"name": "orders-x7k2p"})]},
		"name of a user's": {"references": [object.union(_replica_set, {"name": "orders-cache-6d5f8c9b7d"})]},
		"name of another Function's": {"references": [object.union(_replica_set, {"name": "order-x7k2p-6d5f8c9b7d"})]},
		"uid is missing": {"references": [object.remove(_replica_set, ["uid"])]},
		"uid is blank": {"references": [object.union(_replica_set, {"uid": " "})]},
		"uid is a number": {"references": [object.union(_replica_set, {"uid": 1})]},
		"its build": {"references": [_build], "made": true},
		"a Job with a vowel": {"references": [object.union(_build, {"name": "orders-build-x7k2a"})]},
		"a Job of another name": {"references": [object.union(_build, {"name": "orders-x7k2p"})]},
		"a Job of another group": {"references": [object.union(_build, {"apiVersion": "apps/v1"})]},
	}

	pod := {
		"apiVersion": "v1",
		"kind": "Pod",
		"metadata": {
			"name": "orders-x7k2p-6d5f8c9b7d-8xqzt",
			"namespace": "demo",
			"labels": _worn,
			"ownerReferences": tc.references,
		},
	}
	want := {[
		["metadata", "labels", "serverless.kyma-project.io/function-name"],
		concat(" ", [
			"KFS-413: Pod wears label \"serverless.kyma-project.io/function-name\"",
			"and 1 more of a Function, but none owns it",
		]),
	]}
	_findings(pod, {}) == {true: set(), false: want}[object.get(tc, "made", false)]
}

test_worn[note] if {
	some note, tc in {
		"no labels": {"labels": {}, "want": set()},
		"null": {"labels": null, "want": set()},
		"text": {
			"labels": "serverless.kyma-project.io/function-name",
			"want": {[["metadata", "labels"], "KFS-413: the labels of this Pod can't be read"]},
		},
		"a list": {
			"labels": [],
			"want": {[["metadata", "labels"], "KFS-413: the labels of this Pod can't be read"]},
		},
		"no name": {
			"labels": {"serverless.kyma-project.io/resource": "deployment"},
			"want": {[
				["metadata", "labels", "serverless.kyma-project.io/resource"],
				"KFS-413: Pod wears label \"serverless.kyma-project.io/resource\" of a Function, but none owns it",
			]},
		},
		"a name that is a number": {
			"labels": {"serverless.kyma-project.io/function-name": 1},
			"want": {[
				["metadata", "labels", "serverless.kyma-project.io/function-name"],
				"KFS-413: Pod wears label \"serverless.kyma-project.io/function-name\" of a Function, but none owns it",
			]},
		},
	}

	pod := {
		"apiVersion": "v1",
		"kind": "Pod",
		"metadata": {"name": "proxy", "labels": tc.labels, "ownerReferences": [_replica_set]},
	}
	_findings(pod, {}) == tc.want
}

test_no_object if _findings("text", {}) == set()

test_function_without_metadata if _findings({"kind": "Function"}, {}) == set()

_worn := {
	"app.kubernetes.io/name": "orders",
	"serverless.kyma-project.io/function-name": "orders",
	"serverless.kyma-project.io/resource": "deployment",
}

_replica_set := {
	"apiVersion": "apps/v1",
	"kind": "ReplicaSet",
	"name": "orders-x7k2p-6d5f8c9b7d",
	"uid": "1",
	"controller": true,
}

_build := {
	"apiVersion": "batch/v1",
	"kind": "Job",
	"name": "orders-build-x7k2p",
	"uid": "1",
	"controller": true,
}

_backup := {"apiVersion": "example.com/v1", "kind": "Backup", "name": "orders", "uid": "2"}

_function(spec) := {
	"apiVersion": "serverless.kyma-project.io/v1alpha2",
	"kind": "Function",
	"metadata": {"name": "orders", "namespace": "demo"},
	"spec": spec,
}

_service(name, spec) := {
	"apiVersion": "v1",
	"kind": "Service",
	"metadata": {"name": name, "namespace": "demo"},
	"spec": spec,
}

_findings(resource, parameters) := _findings_among(resource, {}, parameters)

_findings_among(resource, services, parameters) := {[finding.details.path, finding.msg] |
	some finding in mesh_membership.violation with input as {
		"review": {"object": resource},
		"parameters": parameters,
	}
		with data.inventory as {"namespace": {"demo": {"v1": {"Service": services}}}}
}
