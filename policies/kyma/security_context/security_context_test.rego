package kyma.security_context_test

import data.kyma.security_context

_review(spec) := {
	"operation": "CREATE",
	"object": {
		"apiVersion": "serverless.kyma-project.io/v1alpha2",
		"kind": "Function",
		"metadata": {"name": "orders", "namespace": "demo"},
		"spec": spec,
	},
	"namespaceObject": _namespace({"pod-security.kubernetes.io/enforce": "baseline"}),
}

_namespace(labels) := {"metadata": {"name": "demo", "labels": labels}}

_places(input_) := {[result.details.rule, concat(".", [sprintf("%v", [key]) | some key in result.details.path])] |
	some result in security_context.violation with input as input_
}

_apparmor := "container.apparmor.security.beta.kubernetes.io/function"

test_findings[note] if {
	some note, tc in {
		"nothing set": {"spec": {"runtime": "nodejs22"}, "want": set()},
		"spec null": {"spec": null, "want": set()},
		"contexts null": {
			"spec": {
				"podSecurityContext": null,
				"containerSecurityContext": null,
				"annotations": null,
				"template": null,
			},
			"want": set(),
		},
		"contexts empty": {"spec": {"podSecurityContext": {}, "containerSecurityContext": {}}, "want": set()},
		"a null field leaves the default": {
			"spec": {
				"podSecurityContext": {"runAsUser": null, "seccompProfile": null, "supplementalGroups": null},
				"containerSecurityContext": {"capabilities": null, "readOnlyRootFilesystem": null},
			},
			"want": set(),
		},
		"other harmless values": {
			"spec": {
				"podSecurityContext": {"runAsUser": 2000, "fsGroup": 2000, "supplementalGroups": []},
				"containerSecurityContext": {"capabilities": {"drop": ["ALL"]}, "runAsUser": 2000, "runAsGroup": 2000},
			},
			"want": set(),
		},
		"the pod runs as root": {
			"spec": {"podSecurityContext": {"runAsUser": 0}},
			"want": {"KFS-513", "KFS-514"},
			"path": "spec.podSecurityContext.runAsUser",
		},
		"the pod may run as root, though the container doesn't": {
			"spec": {"podSecurityContext": {"runAsNonRoot": false}},
			"want": {"KFS-514"},
			"path": "spec.podSecurityContext.runAsNonRoot",
		},
		"the container may run as root": {
			"spec": {"containerSecurityContext": {"runAsNonRoot": false}},
			"want": {"KFS-513", "KFS-514"},
			"path": "spec.containerSecurityContext.runAsNonRoot",
		},
		"empty capabilities replace drop ALL": {
			"spec": {"containerSecurityContext": {"capabilities": {}}},
			"want": {"KFS-513", "KFS-514"},
			"path": "spec.containerSecurityContext.capabilities",
		},
		"privileged": {
			"spec": {"containerSecurityContext": {"privileged": true}},
			"want": {"KFS-511"},
			"path": "spec.containerSecurityContext.privileged",
		},
		"a capability restricted allows": {
			"spec": {"containerSecurityContext": {"capabilities": {"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]}}},
			"want": {"KFS-513"},
			"path": "spec.containerSecurityContext.capabilities.add.0",
		},
		"a capability baseline allows": {
			"spec": {"containerSecurityContext": {"capabilities": {"add": ["CHOWN"], "drop": ["ALL"]}}},
			"want": {"KFS-513", "KFS-514"},
			"path": "spec.containerSecurityContext.capabilities.add.0",
		},
		"a capability baseline forbids": {
			"spec": {"containerSecurityContext": {"capabilities": {"add": ["NET_ADMIN"], "drop": ["ALL"]}}},
			"want": {"KFS-511"},
			"path": "spec.containerSecurityContext.capabilities.add.0",
		},
		"a writable root file system": {
			"spec": {"containerSecurityContext": {"readOnlyRootFilesystem": false}},
			"want": {"KFS-513"},
			"path": "spec.containerSecurityContext.readOnlyRootFilesystem",
		},
		"root's group": {
			"spec": {"containerSecurityContext": {"runAsGroup": 0}},
			"want": {"KFS-513"},
			"path": "spec.containerSecurityContext.runAsGroup",
		},
		"the pod has root's group": {
			"spec": {"podSecurityContext": {"runAsGroup": 0}},
			"want": {"KFS-513"},
			"path": "spec.podSecurityContext.runAsGroup",
		},
		"a file system group out of range": {
			"spec": {"podSecurityContext": {"fsGroup": 4294967296}},
			"want": {"KFS-513"},
			"path": "spec.podSecurityContext.fsGroup",
		},
		"the container has no fsGroup": {"spec": {"containerSecurityContext": {"fsGroup": 0}}, "want": set()},
		"root among the groups": {
			"spec": {"podSecurityContext": {"supplementalGroups": [1000, 0]}},
			"want": {"KFS-513"},
			"path": "spec.podSecurityContext.supplementalGroups.1",
		},
		"groups as text": {
			"spec": {"podSecurityContext": {"supplementalGroups": "1000"}},
			"want": {"KFS-513"},
			"path": "spec.podSecurityContext.supplementalGroups",
		},
		"groups as a map": {
			"spec": {"podSecurityContext": {"supplementalGroups": {"0": 0}}},
			"want": {"KFS-513"},
			"path": "spec.podSecurityContext.supplementalGroups",
		},
		"an SELinux level of its own": {
			"spec": {"podSecurityContext": {"seLinuxOptions": {"level": "s0", "type": "container_t"}}},
			"want": {"KFS-513"},
			"path": "spec.podSecurityContext.seLinuxOptions.level",
		},
		"an SELinux type for nested containers": {
			"spec": {"containerSecurityContext": {"seLinuxOptions": {"level": "", "type": "container_engine_t"}}},
			"want": {"KFS-513"},
			"path": "spec.containerSecurityContext.seLinuxOptions.type",
		},
		"an SELinux type baseline forbids": {
			"spec": {"containerSecurityContext": {"seLinuxOptions": {"type": "spc_t"}}},
			"want": {"KFS-511"},
			"path": "spec.containerSecurityContext.seLinuxOptions.type",
		},
		"AppArmor off by annotation": {
			"spec": {"annotations": {_apparmor: "unconfined"}},
			"want": {"KFS-511"},
			"path": concat(".", ["spec.annotations", _apparmor]),
		},
		"AppArmor off by an annotation of the template": {
			"spec": {"template": {"annotations": {_apparmor: "unconfined"}}},
			"want": {"KFS-511"},
			"path": concat(".", ["spec.template.annotations", _apparmor]),
		},
		"a seccomp annotation has no effect any more": {
			"spec": {"annotations": {"seccomp.security.alpha.kubernetes.io/pod": "unconfined"}},
			"want": set(),
		},
		"spec as text": {"spec": "podSecurityContext", "want": {"KFS-511"}, "path": "spec"},
		"spec false": {"spec": false, "want": {"KFS-511"}, "path": "spec"},
		"the pod's context as text": {
			"spec": {"podSecurityContext": "none"},
			"want": {"KFS-511"},
			"path": "spec.podSecurityContext",
		},
		"the container's context as a list": {
			"spec": {"containerSecurityContext": [{"privileged": true}]},
			"want": {"KFS-511"},
			"path": "spec.containerSecurityContext",
		},
		"annotations as a list": {
			"spec": {"annotations": [_apparmor]},
			"want": {"KFS-511"},
			"path": "spec.annotations",
		},
		"the template false": {"spec": {"template": false}, "want": {"KFS-511"}, "path": "spec.template"},
		"the template's annotations false": {
			"spec": {"template": {"annotations": false}},
			"want": {"KFS-511"},
			"path": "spec.template.annotations",
		},
	}

	_places({"review": _review(tc.spec), "parameters": {}}) == {[id, tc.path] | some id in tc.want}
}

test_v1alpha1_has_the_defaults if {
	review := object.union(_review({"runtime": "nodejs14", "source": "module.exports = {}"}), {"object": {
		"apiVersion": "serverless.kyma-project.io/v1alpha1",
		"kind": "Function",
	}})
	_places({"review": review, "parameters": {}}) == set()
}

_enforce := "pod-security.kubernetes.io/enforce"

test_restricted_enforced[note] if {
	some note, tc in {
		"restricted": {"namespace": _namespace({_enforce: "restricted"})},
		"an unknown level counts as restricted": {"namespace": _namespace({_enforce: "Restricted"})},
		"unreadable labels": {"namespace": _namespace("restricted")},
		"by the cluster": {"namespace": _namespace({}), "parameters": {"clusterDefaultLevel": "restricted"}},
		"an unreadable parameter": {"namespace": _namespace({}), "parameters": {"clusterDefaultLevel": ["baseline"]}},
		"in the inventory": {
			"namespace": {},
			"inventory": {"cluster": {"v1": {"Namespace": {"demo": _namespace({_enforce: "restricted"})}}}},
		},
	}

	_runs_as_root(tc) == {"KFS-512", "KFS-513", "KFS-514"}
}

test_restricted_not_enforced[note] if {
	some note, tc in {
		"baseline": {"namespace": _namespace({_enforce: "baseline"})},
		"privileged": {"namespace": _namespace({_enforce: "privileged"})},
		"no label": {"namespace": _namespace({})},
		"no label, the cluster enforces baseline": {
			"namespace": _namespace({}),
			"parameters": {"clusterDefaultLevel": "baseline"},
		},
		"no label, the cluster enforces privileged": {
			"namespace": _namespace({}),
			"parameters": {"clusterDefaultLevel": "privileged"},
		},
		"the label comes before the cluster's default": {
			"namespace": _namespace({_enforce: "baseline"}),
			"parameters": {"clusterDefaultLevel": "restricted"},
		},
		"an unknown namespace": {"namespace": {}},
	}

	_runs_as_root(tc) == {"KFS-513", "KFS-514"}
}

_runs_as_root(tc) := {result.details.rule | some result in found} if {
	review := json.patch(
		_review({"podSecurityContext": {"runAsUser": 0}}),
		[{"op": "replace", "path": "/namespaceObject", "value": tc.namespace}],
	)
	found := security_context.violation with input as {"review": review, "parameters": object.get(tc, "parameters", {})}
		with data.inventory as object.get(tc, "inventory", {})
}

test_unselected if {
	review := _review({"podSecurityContext": {"runAsUser": 0}})
	_places({"review": review, "parameters": {"rules": ["KFS-511", "KFS-512"]}}) == set()
}

# A field that restricted forbids is left to KFS-514 where that is on; what it doesn't forbid stays.
test_weaker_fields[note] if {
	some note, tc in {
		"all": {"value": "all", "want": {"KFS-513", "KFS-514"}},
		"within restricted": {"value": "withinRestricted", "want": {"KFS-514"}},
		"a typo": {"value": "withinrestricted", "want": {"KFS-513", "KFS-514"}},
		"another type": {"value": true, "want": {"KFS-513", "KFS-514"}},
	}

	found := _places({
		"review": _review({
			"podSecurityContext": {"runAsUser": 0},
			"containerSecurityContext": {"readOnlyRootFilesystem": false},
		}),
		"parameters": {"weakerFields": tc.value},
	})
	{id | some [id, "spec.podSecurityContext.runAsUser"] in found} == tc.want
	{id | some [id, "spec.containerSecurityContext.readOnlyRootFilesystem"] in found} == {"KFS-513"}
}
