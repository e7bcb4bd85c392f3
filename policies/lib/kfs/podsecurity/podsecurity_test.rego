package lib.kfs.podsecurity_test

import data.lib.kfs.podsecurity

# Contexts that comply with restricted.
_pod := {"runAsNonRoot": true, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}

_container := {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}}

_changed(context, fields) := object.union(object.remove(context, fields), fields)

test_complies[note] if {
	some note, tc in {
		"the contexts of these tests": {"pod": _pod, "container": _container},
		"nulls are absent": {
			"pod": _changed(_pod, {
				"appArmorProfile": null,
				"runAsUser": null,
				"seLinuxOptions": null,
				"sysctls": null,
				"windowsOptions": null,
			}),
			"container": _changed(_container, {
				"capabilities": {"add": null, "drop": ["ALL"]},
				"privileged": null,
				"procMount": null,
				"runAsNonRoot": null,
				"seLinuxOptions": {"level": null, "role": null, "type": null, "user": null},
				"seccompProfile": null,
				"windowsOptions": {"hostProcess": null},
			}),
		},
		"the harmless values": {
			"pod": _changed(_pod, {
				"appArmorProfile": {"type": "Localhost", "localhostProfile": "functions"},
				"runAsUser": 2147483647,
				"seLinuxOptions": {"type": "container_engine_t"},
				"sysctls": [
					{"name": "net.ipv4.tcp_wmem", "value": "1"},
					{"name": "net.ipv4.tcp_slow_start_after_idle", "value": "0"},
				],
				"windowsOptions": {},
			}),
			"container": _changed(_container, {
				"capabilities": {"add": ["NET_BIND_SERVICE"], "drop": ["NET_RAW", "ALL"]},
				"privileged": false,
				"procMount": "Default",
				"runAsUser": 1,
				"seLinuxOptions": {"type": "container_t", "user": "", "role": "", "level": "s0"},
				"seccompProfile": {"type": "Localhost", "localhostProfile": "functions.json"},
				"windowsOptions": {"hostProcess": false},
			}),
		},
		"the container says what the pod doesn't": {
			"pod": {},
			"container": _changed(_container, {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}}),
		},
	}

	podsecurity.restricted(tc.pod, tc.container) == set()
}

test_pod[note] if {
	some note, tc in {
		"seccomp off": {
			"fields": {"seccompProfile": {"type": "Unconfined"}},
			"baseline": [["seccompProfile", "type"]],
		},
		"seccomp without a type": {"fields": {"seccompProfile": {}}, "baseline": [["seccompProfile"]]},
		"seccomp, type null": {
			"fields": {"seccompProfile": {"type": null}},
			"baseline": [["seccompProfile", "type"]],
		},
		"seccomp as text": {"fields": {"seccompProfile": "RuntimeDefault"}, "baseline": [["seccompProfile"]]},
		"AppArmor off": {
			"fields": {"appArmorProfile": {"type": "Unconfined"}},
			"baseline": [["appArmorProfile", "type"]],
		},
		"SELinux": {
			"fields": {"seLinuxOptions": {"type": "spc_t", "user": "system_u", "role": "system_r"}},
			"baseline": [["seLinuxOptions", "type"], ["seLinuxOptions", "user"], ["seLinuxOptions", "role"]],
		},
		"SELinux as a list": {"fields": {"seLinuxOptions": ["container_t"]}, "baseline": [["seLinuxOptions"]]},
		"host process": {
			"fields": {"windowsOptions": {"hostProcess": true}},
			"baseline": [["windowsOptions", "hostProcess"]],
		},
		"host process as text": {
			"fields": {"windowsOptions": {"hostProcess": "false"}},
			"baseline": [["windowsOptions", "hostProcess"]],
		},
		"Windows options as text": {"fields": {"windowsOptions": "hostProcess"}, "baseline": [["windowsOptions"]]},
		"sysctls": {
			"fields": {"sysctls": [
				{"name": "kernel.shm_rmid_forced", "value": "1"},
				{"name": "kernel.msgmax", "value": "1"},
				{"value": "1"},
				null,
			]},
			"baseline": [["sysctls", 1, "name"], ["sysctls", 2], ["sysctls", 3]],
		},
		"sysctls as a map": {"fields": {"sysctls": {"kernel.msgmax": "1"}}, "baseline": [["sysctls"]]},
		"root": {"fields": {"runAsUser": 0}, "restricted": [["runAsUser"]]},
		"root as text": {"fields": {"runAsUser": "0"}, "restricted": [["runAsUser"]]},
		"a user that wraps to root": {"fields": {"runAsUser": 4294967296}, "restricted": [["runAsUser"]]},
		"a negative user": {"fields": {"runAsUser": -1}, "restricted": [["runAsUser"]]},
		"half a user": {"fields": {"runAsUser": 1.5}, "restricted": [["runAsUser"]]},
		"may be root": {"fields": {"runAsNonRoot": false}, "restricted": [["runAsNonRoot"]]},
		"non-root as text": {"fields": {"runAsNonRoot": "true"}, "restricted": [["runAsNonRoot"]]},
	}

	_agrees("podSecurityContext", tc, _changed(_pod, tc.fields), _container)
}

test_container[note] if {
	some note, tc in {
		"privileged": {"fields": {"privileged": true}, "baseline": [["privileged"]]},
		"privileged as text": {"fields": {"privileged": "false"}, "baseline": [["privileged"]]},
		"proc unmasked": {"fields": {"procMount": "Unmasked"}, "baseline": [["procMount"]]},
		"proc blank": {"fields": {"procMount": ""}, "baseline": [["procMount"]]},
		"added capabilities": {
			"fields": {"capabilities": {
				"add": ["NET_ADMIN", "NET_BIND_SERVICE", "CHOWN", "ALL", null],
				"drop": ["ALL"],
			}},
			"baseline": [["capabilities", "add", 0], ["capabilities", "add", 3], ["capabilities", "add", 4]],
			"restricted": [["capabilities", "add", 2]],
		},
		"capabilities as text": {
			"fields": {"capabilities": "ALL"},
			"baseline": [["capabilities"]],
		},
		"added as text": {
			"fields": {"capabilities": {"add": "NET_ADMIN", "drop": ["ALL"]}},
			"baseline": [["capabilities", "add"]],
		},
		"added as a map": {
			"fields": {"capabilities": {"add": {"0": "NET_ADMIN"}, "drop": ["ALL"]}},
			"baseline": [["capabilities", "add"]],
		},
		"dropped as a map": {
			"fields": {"capabilities": {"drop": {"all": "ALL"}}},
			"baseline": [["capabilities", "drop"]],
		},
		"dropped in lower case": {
			"fields": {"capabilities": {"drop": ["all"]}},
			"restricted": [["capabilities", "drop"]],
		},
		"nothing dropped": {"fields": {"capabilities": {}}, "restricted": [["capabilities"]]},
		"capabilities null": {"fields": {"capabilities": null}, "restricted": [["capabilities"]]},
		"root": {"fields": {"runAsUser": 0}, "restricted": [["runAsUser"]]},
		"may be root": {"fields": {"runAsNonRoot": false}, "restricted": [["runAsNonRoot"]]},
		"escalates": {"fields": {"allowPrivilegeEscalation": true}, "restricted": [["allowPrivilegeEscalation"]]},
		"escalates, null": {"fields": {"allowPrivilegeEscalation": null}, "restricted": [["allowPrivilegeEscalation"]]},
		"seccomp off": {
			"fields": {"seccompProfile": {"type": "Unconfined"}},
			"baseline": [["seccompProfile", "type"]],
		},
	}

	_agrees("containerSecurityContext", tc, _pod, _changed(_container, tc.fields))
}

test_left_out if {
	paths := {offence.path | some offence in podsecurity.restricted({}, {})}
	paths == {["containerSecurityContext"], ["podSecurityContext"]}
	podsecurity.baseline({}, {}) == set()
}

# baseline has the paths of tc.baseline, restricted those of tc.restricted in addition.
_agrees(context, tc, pod, container) if {
	baseline := {array.concat([context], path) | some path in object.get(tc, "baseline", [])}
	more := {array.concat([context], path) | some path in object.get(tc, "restricted", [])}
	{offence.path | some offence in podsecurity.baseline(pod, container)} == baseline
	{offence.path | some offence in podsecurity.restricted(pod, container)} == baseline | more
}

test_annotations[note] if {
	some note, tc in {
		"unconfined": {"value": "unconfined", "count": 1},
		"upper case": {"value": "Runtime/default", "count": 1},
		"no profile's prefix": {"value": "localhost", "count": 1},
		"true": {"value": true, "count": 1},
		"a list": {"value": ["localhost/x"], "count": 1},
		"the runtime's": {"value": "runtime/default", "count": 0},
		"the node's": {"value": "localhost/functions", "count": 0},
		"blank": {"value": "", "count": 0},
		"null": {"value": null, "count": 0},
	}

	key := "container.apparmor.security.beta.kubernetes.io/function"
	offences := podsecurity.annotations({key: tc.value, "example.com/team": "unconfined"})
	count(offences) == tc.count
	every offence in offences { offence.path == [key] }
}

test_annotations_that_are_none[note] if {
	some note, annotations in {"a list": ["unconfined"], "text": "unconfined", "null": null}

	podsecurity.annotations(annotations) == set()
}

test_problem[note] if {
	some note, tc in {
		"a value": {
			"got": podsecurity.offence("podSecurityContext", {"runAsUser": 0}, ["runAsUser"]),
			"want": {"path": ["podSecurityContext", "runAsUser"], "problem": "podSecurityContext.runAsUser is 0"},
		},
		"text": {
			"got": podsecurity.offence(
				"podSecurityContext",
				{"sysctls": [{"name": "kernel.msgmax"}]},
				["sysctls", 0, "name"],
			),
			"want": {
				"path": ["podSecurityContext", "sysctls", 0, "name"],
				"problem": "podSecurityContext.sysctls[0].name is \"kernel.msgmax\"",
			},
		},
		"missing": {
			"got": podsecurity.offence("podSecurityContext", {"seccompProfile": {}}, ["seccompProfile", "type"]),
			"want": {
				"path": ["podSecurityContext", "seccompProfile"],
				"problem": "podSecurityContext.seccompProfile.type is missing",
			},
		},
	}

	tc.got == tc.want
}
