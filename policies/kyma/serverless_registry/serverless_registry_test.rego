package kyma.serverless_registry_test

import data.kyma.serverless_registry

_enforce := "pod-security.kubernetes.io/enforce"

# For every level that a Namespace may enforce: the rules of an internal registry with its DaemonSet and without it, and
# of an external one.
test_level[note] if {
	some note, tc in {
		"restricted": {"labels": {_enforce: "restricted"}, "with": "KFS-602", "without": "KFS-602", "external": ""},
		"baseline": {"labels": {_enforce: "baseline"}, "with": "KFS-602", "without": "", "external": "KFS-603"},
		"privileged": {"labels": {_enforce: "privileged"}, "with": "", "without": "", "external": "KFS-603"},
		"no label": {"labels": {}, "with": "", "without": "", "external": "KFS-603"},
		"no labels": {"labels": null, "with": "", "without": "", "external": "KFS-603"},
		"unknown": {"labels": {_enforce: "none"}, "with": "KFS-602", "without": "KFS-602", "external": "KFS-603"},
		"null": {"labels": {_enforce: null}, "with": "KFS-602", "without": "KFS-602", "external": "KFS-603"},
		"labels are a list": {"labels": [], "with": "KFS-602", "without": "KFS-602", "external": "KFS-603"},
	}

	around := {"metadata": {"name": "kyma-system", "labels": tc.labels}}
	internal := _serverless({"dockerRegistry": {"enableInternal": true}})
	external := _serverless({"dockerRegistry": {"secretName": "company-registry"}})

	_ids(internal, around, {"registryDaemonSet": true}) - _certain == {tc["with"]} - {""}
	_ids(internal, around, {"registryDaemonSet": false}) - _certain == {tc.without} - {""}
	_ids(internal, around, {"registryDaemonSet": "false"}) - _certain == {tc["with"]} - {""}
	_ids(external, around, {}) - _certain == {tc.external} - {""}
}

_certain := {"KFS-601", "KFS-605"}

# Each kind is judged by its own rules only.
test_kind[note] if {
	some note, tc in {
		"Serverless": {"kind": "Serverless", "want": {"KFS-601", "KFS-605", "KFS-607"}},
		"DockerRegistry": {"kind": "DockerRegistry", "want": {"KFS-606"}},
		"Pod": {"kind": "Pod", "want": {"KFS-604"}},
		"another": {"kind": "Function", "want": set()},
	}

	resource := {
		"kind": tc.kind,
		"metadata": {"name": "dockerregistry"},
		"spec": {
			"dockerRegistry": {"enableInternal": true, "secretName": "company-registry"},
			"eventing": {"endpoint": "http://events.example.com"},
			"externalAccess": {"enabled": true},
			"hostPID": true,
		},
	}
	_ids(resource, {"metadata": {}}, {}) == tc.want
}

test_cluster_default_level[note] if {
	some note, tc in {
		"none": {"level": "none", "internal": "", "external": "KFS-603"},
		"privileged": {"level": "privileged", "internal": "", "external": "KFS-603"},
		"baseline": {"level": "baseline", "internal": "KFS-602", "external": "KFS-603"},
		"restricted": {"level": "restricted", "internal": "KFS-602", "external": ""},
		"no level": {"level": "Restricted", "internal": "KFS-602", "external": "KFS-603"},
		"wrong type": {"level": ["restricted"], "internal": "KFS-602", "external": "KFS-603"},
	}

	around := {"metadata": {"name": "kyma-system"}}
	parameters := {"clusterDefaultLevel": tc.level}
	internal := _serverless({"dockerRegistry": {"enableInternal": true}})
	external := _serverless({"dockerRegistry": {"secretName": "company-registry"}})

	_ids(internal, around, parameters) - _certain == {tc.internal} - {""}
	_ids(external, around, parameters) - _certain == {tc.external} - {""}
}

# What parameters don't say is the strictest.
test_no_parameters[note] if {
	some note, tc in {
		"internal": {
			"resource": _serverless({"dockerRegistry": {"enableInternal": true}}),
			"want": {"KFS-601", "KFS-602"},
		},
		"external": {
			"resource": _serverless({"dockerRegistry": {"secretName": "company-registry"}}),
			"want": {"KFS-603", "KFS-605"},
		},
		"endpoint": {
			"resource": _serverless({"tracing": {"endpoint": "https://traces.example.com"}}),
			"want": {"KFS-607"},
		},
		"workload": {
			"resource": _pod({"app": "docker-registry"}, {"hostPID": true}),
			"want": {"KFS-604"},
		},
	}

	review := {"object": tc.resource, "namespaceObject": {"metadata": {"name": "kyma-system"}}}
	_rules(serverless_registry.violation) == tc.want with input as {"review": review}
	_rules(serverless_registry.violation) == tc.want with input as {
		"review": review,
		"parameters": {"registryDaemonSet": 0, "allowedWorkloads": true, "trustedEndpointHosts": "traces.example.com"},
	}
}

test_message[note] if {
	some note, tc in {
		"internal": {
			"resource": _serverless({"dockerRegistry": {"enableInternal": true}}),
			"want": {
				"KFS-601: the internal registry is enabled",
				_stopped,
			},
		},
		"beside external": {
			"resource": _serverless({
				"dockerRegistry": {"enableInternal": true, "secretName": "company-registry"},
				"functionBuildExecutorArgs": "--skip-tls-verify,--insecure=1,--insecure-pull",
			}),
			"want": {
				"KFS-601: the internal registry is deployed although secretName names an external one",
				_stopped,
				"KFS-605: the build arguments hold --insecure, --insecure-pull, --skip-tls-verify",
			},
		},
		"unreadable": {
			"resource": _serverless({
				"dockerRegistry": {"enableInternal": "no", "secretName": "company-registry"},
				"functionBuildExecutorArgs": ["--cache=true"],
			}),
			"want": {
				"KFS-601: enableInternal can't be read, so the internal registry counts as enabled",
				_stopped,
				"KFS-605: the build arguments can't be read",
			},
		},
		"external": {
			"resource": _serverless({"dockerRegistry": {"secretName": "company-registry"}}),
			"want": {
				concat("", [
					`KFS-603: the registry is external, so namespace "kyma-system" could enforce restricted, `,
					"but it enforces baseline",
				]),
				"KFS-605: the build arguments are the default, which holds --insecure and --skip-tls-verify",
			},
		},
		"clear text": {
			"resource": _serverless({"eventing": {"endpoint": "http://Events.example.com/publish?key=secret"}}),
			"want": {`KFS-607: Functions' events go to host "events.example.com" outside the cluster, in clear text`},
		},
		"encrypted": {
			"resource": _serverless({"tracing": {"endpoint": "https://traces.example.com:4318"}}),
			"want": {`KFS-607: Functions' traces go to host "traces.example.com" outside the cluster`},
		},
		"password": {
			"resource": _serverless({"tracing": {"endpoint": "https://user:secret@traces.example.com"}}),
			"want": {"KFS-607: Functions' traces go to what is no URL of a Service in the cluster"},
		},
		"docker registry": {
			"resource": {"kind": "DockerRegistry", "spec": {
				"externalAccess": {"enabled": true},
				"storage": {"s3": {"secure": false, "encrypt": false, "regionEndpoint": " HTTP://minio:9000"}},
			}},
			"want": {
				"KFS-606: the registry is exposed outside the cluster",
				"KFS-606: images travel to the registry's storage in clear text",
				"KFS-606: images are stored unencrypted",
			},
		},
		"workload": {
			"resource": _pod({"app": "docker-registry"}, {
				"hostNetwork": true,
				"containers": [{
					"name": "server",
					"securityContext": {"privileged": true},
					"ports": [{"hostPort": 5000}],
				}],
				"initContainers": [{"securityContext": {"windowsOptions": {"hostProcess": true}}}],
				"ephemeralContainers": "none",
				"securityContext": {"windowsOptions": {"hostProcess": true}},
				"volumes": [{"name": "etc", "hostPath": {"path": "/etc"}}, {"name": 5, "hostPath": "/etc"}, []],
			}),
			"want": {sprintf("KFS-604: a pod of Serverless or its registry has rights on the node: %s", [problem]) |
				some problem in {
					"hostNetwork is set",
					`container "server" is privileged`,
					`container "server" has a port of the node`,
					`container "" is a process of the host`,
					"its containers can't be read",
					"it is a process of the host",
					`volume "etc" is a path of the node`,
					`volume "" is a path of the node`,
					"its volumes can't be read",
				}
			},
		},
	}

	around := {"metadata": {"name": "kyma-system", "labels": {_enforce: "baseline"}}}
	{f.msg | some f in _violations(tc.resource, around, {})} == tc.want
}

test_unknown_namespace if {
	messages := {f.msg | some f in _violations(_serverless({"dockerRegistry": {"enableInternal": true}}), null, {})}
	concat("", [
		`KFS-602: namespace "kyma-system" isn't known to enforce a Pod Security level, `,
		"so the internal registry can't be relied on to run",
	]) in messages
}

test_no_level_message if {
	resource := _serverless({"dockerRegistry": {"secretName": "company-registry"}})
	messages := {f.msg | some f in _violations(resource, {"metadata": {"name": "kyma-system"}}, {})}
	concat("", [
		`KFS-603: the registry is external, so namespace "kyma-system" could enforce restricted, `,
		"but it enforces no Pod Security level",
	]) in messages
}

_stopped := `KFS-602: namespace "kyma-system" enforces baseline, so the internal registry can't be relied on to run`

# Which registry a setting means; the namespace enforces nothing.
test_registry[note] if {
	some note, tc in {
		"nothing": {"settings": {}, "want": set()},
		"null": {"settings": null, "want": set()},
		"both are null": {"settings": {"enableInternal": null, "secretName": null}, "want": set()},
		"disabled": {"settings": {"enableInternal": false}, "want": set()},
		"enabled": {"settings": {"enableInternal": true}, "want": {"KFS-601"}},
		"enabled by a text": {"settings": {"enableInternal": "true"}, "want": {"KFS-601"}},
		"disabled by a number": {"settings": {"enableInternal": 0}, "want": {"KFS-601"}},
		"external": {"settings": {"secretName": "company-registry"}, "want": {"KFS-603", "KFS-605"}},
		"external without a name": {"settings": {"secretName": ""}, "want": {"KFS-603", "KFS-605"}},
		"external, wrong type": {"settings": {"secretName": ["company-registry"]}, "want": {"KFS-603", "KFS-605"}},
		"both": {
			"settings": {"enableInternal": true, "secretName": "company-registry"},
			"want": {"KFS-601", "KFS-605"},
		},
		"a text": {"settings": "internal", "want": {"KFS-601", "KFS-605"}},
		"false": {"settings": false, "want": {"KFS-601", "KFS-605"}},
		"a list": {"settings": [{"enableInternal": false}], "want": {"KFS-601", "KFS-605"}},
	}

	around := {"metadata": {"name": "kyma-system"}}
	_ids(_serverless({"dockerRegistry": tc.settings}), around, {}) == tc.want
}

test_build_arguments[note] if {
	some note, tc in {
		"default": {"arguments": null, "want": {"KFS-605"}},
		"line break": {"arguments": "\n", "want": {"KFS-605"}},
		"harmless": {"arguments": "--cache=true,--use-new-run", "want": set()},
		"a comma": {"arguments": ",", "want": set()},
		"one of several": {"arguments": "--cache=true\n--insecure", "want": {"KFS-605"}},
		"one dash": {"arguments": "-insecure", "want": {"KFS-605"}},
		"true": {"arguments": "--skip-tls-verify=TRUE", "want": {"KFS-605"}},
		"no value": {"arguments": "--insecure=", "want": {"KFS-605"}},
		"false": {"arguments": "--insecure=false,--skip-tls-verify=0,--insecure-pull=F", "want": set()},
		"a registry": {"arguments": "--skip-tls-verify-registry=registry.example.com", "want": {"KFS-605"}},
		"a longer flag": {"arguments": "--insecurely,--skip-tls-verifying", "want": set()},
		"a value": {"arguments": "--build-arg=--insecure", "want": set()},
		"wrong type": {"arguments": false, "want": {"KFS-605"}},
	}

	resource := _serverless({
		"dockerRegistry": {"secretName": "company-registry"},
		"functionBuildExecutorArgs": tc.arguments,
	})
	_ids(resource, {"metadata": {"labels": {_enforce: "restricted"}}}, {}) == tc.want
}

test_marks[note] if {
	some note, tc in {
		"app": {"metadata": {"labels": {"app": "docker-registry"}}, "want": true},
		"part": {"metadata": {"labels": {"app.kubernetes.io/part-of": "serverless"}}, "want": true},
		"component": {"metadata": {"labels": {"app.kubernetes.io/component": "serverless"}}, "want": true},
		"instance": {"metadata": {"labels": {"app.kubernetes.io/instance": "dockerregistry"}}, "want": true},
		"name": {"metadata": {"labels": {"app.kubernetes.io/name": "serverless-docker-registry"}}, "want": true},
		"certificate": {"metadata": {"labels": {"app": "serverless-docker-registry-self-signed-cert"}}, "want": true},
		"module": {"metadata": {"labels": {"kyma-project.io/module": "docker-registry"}}, "want": true},
		"release": {"metadata": {"labels": {"release": "serverless"}}, "want": true},
		"any of Serverless": {"metadata": {"labels": {"serverless.kyma-project.io/uuid": ""}}, "want": true},
		"any of the module": {"metadata": {"labels": {"dockerregistry.kyma-project.io/x": null}}, "want": true},
		"of another group": {"metadata": {"labels": {"serverless.kyma-project.io.example.com/x": ""}}, "want": false},
		"another value": {"metadata": {"labels": {"app": "serverless-cache", "release": "docker"}}, "want": false},
		"another label": {"metadata": {"labels": {"team": "serverless"}}, "want": false},
		"no value": {"metadata": {"labels": {"app": null}}, "want": false},
		"wrong type": {"metadata": {"labels": {"app": {}}}, "want": true},
		"no labels": {"metadata": {"labels": null}, "want": false},
		"labels are a text": {"metadata": {"labels": "app"}, "want": true},
		"metadata are a text": {"metadata": "app", "want": true},
		"nothing": {"metadata": {}, "want": false},
		"registry": {"metadata": {"name": "serverless-docker-registry"}, "want": true},
		"module's registry": {"metadata": {"name": "dockerregistry-7d9f6c5b8-x2k4q"}, "want": true},
		"controller": {"metadata": {"name": "serverless-ctrl-mngr"}, "want": true},
		"generated name": {"metadata": {"generateName": "dockerregistry-7d9f6c5b8-"}, "want": true},
		"a longer name": {"metadata": {"name": "dockerregistryproxy"}, "want": false},
		"name in the middle": {"metadata": {"name": "my-dockerregistry"}, "want": false},
		"name is a number": {"metadata": {"name": 7}, "want": false},
		"namespace": {"metadata": {"namespace": "dockerregistry"}, "want": false},
	}

	found := _violations({"kind": "Pod", "metadata": tc.metadata, "spec": {"hostIPC": true}}, null, {})
	count(found) == 1 == tc.want
}

test_rights[note] if {
	some note, tc in {
		"none": {"spec": {}, "want": set()},
		"refused": {
			"spec": {
				"hostIPC": false,
				"hostPID": null,
				"containers": [
					{"securityContext": {"privileged": false}, "ports": [{"hostPort": null}, {}]},
					{"ports": []},
				],
				"volumes": [{"name": "tmp", "emptyDir": {}}],
			},
			"want": set(),
		},
		"nulls": {
			"spec": {
				"containers": [{"securityContext": null, "ports": null}],
				"initContainers": null,
				"securityContext": null,
				"volumes": null,
			},
			"want": set(),
		},
		"null": {"spec": null, "want": {["spec"]}},
		"text": {"spec": "none", "want": {["spec"]}},
		"unreadable contexts": {
			"spec": {"containers": [{"securityContext": {"windowsOptions": true}}], "securityContext": []},
			"want": {
				["spec", "containers", 0, "securityContext", "windowsOptions", "hostProcess"],
				["spec", "securityContext", "windowsOptions", "hostProcess"],
			},
		},
		"the second of several": {
			"spec": {"containers": [{}, {"ports": [{}, {"hostPort": 80}]}]},
			"want": {["spec", "containers", 1, "ports", 1, "hostPort"]},
		},
		"null entries": {
			"spec": {"containers": [null], "volumes": [null]},
			"want": {["spec", "containers", 0], ["spec", "volumes", 0, "hostPath"]},
		},
	}

	found := _violations(_pod({"app": "docker-registry"}, tc.spec), null, {})
	{f.details.path | some f in found} == tc.want
}

test_no_spec if {
	paths := {f.details.path |
		some f in _violations({"kind": "Deployment", "metadata": {"name": "dockerregistry"}}, null, {})
	}
	paths == {["spec", "template", "spec"]}
}

test_allowed_workloads[note] if {
	some note, tc in {
		"the pod itself": {"entry": {"kind": "Pod", "name": "dockerregistry-0"}, "owner": {}, "want": true},
		"owner": {
			"entry": {"kind": "StatefulSet", "name": "dockerregistry"},
			"owner": {"kind": "StatefulSet", "name": "dockerregistry"},
			"want": true,
		},
		"owner's owner": {
			"entry": {"kind": "Deployment", "name": "dockerregistry"},
			"owner": {"kind": "ReplicaSet", "name": "dockerregistry-7d9f6c5b8"},
			"want": true,
		},
		"namespace": {
			"entry": {"namespace": "demo", "kind": "Pod", "name": "dockerregistry-0"},
			"owner": {},
			"want": false,
		},
		"another name": {"entry": {"kind": "Pod", "name": "dockerregistry-1"}, "owner": {}, "want": false},
		"another kind": {"entry": {"kind": "Job", "name": "dockerregistry-0"}, "owner": {}, "want": false},
		"owner of another name": {
			"entry": {"kind": "StatefulSet", "name": "dockerregistry"},
			"owner": {"kind": "StatefulSet", "name": "cache"},
			"want": false,
		},
		"owner of another kind": {
			"entry": {"kind": "StatefulSet", "name": "dockerregistry"},
			"owner": {"kind": "Job", "name": "dockerregistry"},
			"want": false,
		},
		"another Deployment's ReplicaSet": {
			"entry": {"kind": "Deployment", "name": "dockerregistry"},
			"owner": {"kind": "ReplicaSet", "name": "dockerregistry-proxy-7d9f6c5b8"},
			"want": false,
		},
		"a ReplicaSet of that name": {
			"entry": {"kind": "Deployment", "name": "dockerregistry"},
			"owner": {"kind": "ReplicaSet", "name": "dockerregistry"},
			"want": false,
		},
		"a StatefulSet has no ReplicaSet": {
			"entry": {"kind": "StatefulSet", "name": "dockerregistry"},
			"owner": {"kind": "ReplicaSet", "name": "dockerregistry-7d9f6c5b8"},
			"want": false,
		},
		"owner without control": {
			"entry": {"kind": "StatefulSet", "name": "dockerregistry"},
			"owner": {"kind": "StatefulSet", "name": "dockerregistry", "controller": false},
			"want": false,
		},
		"names are numbers": {
			"entry": {"kind": "Deployment", "name": 7},
			"owner": {"kind": "ReplicaSet", "name": 7},
			"want": false,
		},
		"entry's name is a number": {
			"entry": {"kind": "Deployment", "name": 7},
			"owner": {"kind": "ReplicaSet", "name": "7-7d9f6c5b8"},
			"want": false,
		},
	}

	pod := {
		"kind": "Pod",
		"metadata": {
			"name": "dockerregistry-0",
			"namespace": "docker-registry",
			"ownerReferences": [object.union({"controller": true}, tc.owner)],
		},
		"spec": {"hostPID": true},
	}
	entry := object.union({"namespace": "docker-registry"}, tc.entry)
	found := _violations(pod, null, {"allowedWorkloads": [{}, "dockerregistry", entry]})
	count(found) == 0 == tc.want
}

_serverless(spec) := {
	"kind": "Serverless",
	"metadata": {"name": "default", "namespace": "kyma-system"},
	"spec": spec,
}

_pod(labels, spec) := {
	"kind": "Pod",
	"metadata": {"name": "pod", "namespace": "kyma-system", "labels": labels},
	"spec": spec,
}

_violations(resource, around, parameters) := found if {
	found := serverless_registry.violation with input as {
		"review": {"object": resource, "namespaceObject": around},
		"parameters": object.union(
			{
				"clusterDefaultLevel": "none",
				"registryDaemonSet": true,
				"allowedWorkloads": [],
				"trustedEndpointHosts": [],
			},
			parameters,
		),
	}
}

_ids(resource, around, parameters) := _rules(_violations(resource, around, parameters))

_rules(found) := {f.details.rule | some f in found}
