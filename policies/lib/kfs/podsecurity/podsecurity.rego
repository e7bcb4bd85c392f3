# METADATA
# title: Pod Security Standards
# description: |
#   What the standards `baseline` and `restricted` forbid in a Linux pod of one container, as Kubernetes 1.36 judges it
#   at version `latest` (k8s.io/pod-security-admission/policy; what 1.37 allows is allowed too), as far as a Function's
#   author can set it. The contexts are those that reach the pod, defaults merged in. An offence is
#   {"path": [], "problem": ""}; its path begins with the Function's field, `podSecurityContext` for the pod's and
#   `containerSecurityContext` for the container's.
#   A null is what the API's decoder makes of it: an absent value, and in a list the type's zero value. A value of a
#   wrong type, or one that no pod may have (a negative user), is an offence.
package lib.kfs.podsecurity

import data.lib.kfs.shown

# METADATA
# description: The offences against `baseline`, as a set.
# scope: document
baseline(pod, container) := union({
	_confinement("podSecurityContext", pod),
	_confinement("containerSecurityContext", container),
	_sysctls(pod),
	_privileges(container),
	_capability_lists(container),
	added_capabilities(container, _default_capabilities),
})

# METADATA
# description: The offences against `restricted`, as a set; those against `baseline` are among them.
# scope: document
restricted(pod, container) := union({
	baseline(pod, container),
	_root(pod, container),
	_escalation(container),
	_unconfined(pod, container),
	_kept_capabilities(container),
	added_capabilities(container, {"NET_BIND_SERVICE"}),
})

# METADATA
# description: |
#   The offences of a pod's annotations against `baseline`, as a set; paths begin with the annotation's key. Only
#   AppArmor's count (until Kubernetes 1.30 they were its only switch); seccomp's have had no effect since 1.27.
# scope: document
annotations(pod_annotations) := {{"path": [key], "problem": problem} |
	is_object(pod_annotations)
	some key, profile in pod_annotations
	startswith(key, "container.apparmor.security.beta.kubernetes.io/")
	not _apparmor_profile(profile)
	problem := sprintf("annotation %s is %s", [key, shown.value(profile)])
}

# METADATA
# description: The capabilities outside `allowed` that the container adds, as offences.
# scope: document
added_capabilities(container, allowed) := {{"path": path, "problem": problem} |
	is_array(container.capabilities.add)
	some i, capability in container.capabilities.add
	not capability in allowed
	path := ["containerSecurityContext", "capabilities", "add", i]
	problem := sprintf("containerSecurityContext.capabilities.add has %s", [shown.value(capability)])
}

# METADATA
# description: |
#   True for the id of a user or group that a pod may have and that isn't root's. Kubernetes accepts 0 to 2147483647.
# scope: document
ordinary_id(id) if {
	is_number(id)
	id >= 1
	id <= 2147483647
	floor(id) == id
}

# METADATA
# description: |
#   An offence at a field (an array of keys) of a context that has it: it, or the deepest of its parents that is there.
# scope: document
offence(level, context, field) := {"path": path, "problem": problem} if {
	path := array.concat([level], _existing(context, field))
	problem := sprintf("%s%s is %s", [level, concat("", [_step(key) | some key in field]), _shown(context, field)])
}

# METADATA
# description: The value of a field (an array of keys) of a context; undefined if it is absent or null.
# scope: document
given(context, field) := value if {
	value := object.get(context, field, null)
	not is_null(value)
}

# What pod and container may both set.
_confinement(level, context) := union({
	{offence(level, context, [profile, "type"]) |
		some profile in {"appArmorProfile", "seccompProfile"}
		_has(context, [profile])
		type := object.get(context, [profile, "type"], null)
		not type in {"RuntimeDefault", "Localhost"}
	},
	{offence(level, context, ["seLinuxOptions", "type"]) |
		type := given(context, ["seLinuxOptions", "type"])
		not type in _selinux_types
	},
	{offence(level, context, ["seLinuxOptions", key]) |
		some key in {"user", "role"}
		given(context, ["seLinuxOptions", key]) != ""
	},
	{offence(level, context, ["windowsOptions", "hostProcess"]) |
		given(context, ["windowsOptions", "hostProcess"]) != false
	},
	{offence(level, context, [field]) |
		some field in {"seLinuxOptions", "windowsOptions"}
		options := given(context, [field])
		not is_object(options)
	},
})

_has(context, field) if {
	value := object.get(context, field, null)
	not is_null(value)
}

_selinux_types := {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}

_sysctls(pod) := {offence("podSecurityContext", pod, ["sysctls", i, "name"]) |
	is_array(pod.sysctls)
	some i, _ in pod.sysctls
	name := object.get(pod, ["sysctls", i, "name"], null)
	not name in _safe_sysctls
} | {offence("podSecurityContext", pod, ["sysctls"]) |
	sysctls := given(pod, ["sysctls"])
	not is_array(sysctls)
}

# tcp_notsent_lowat and tcp_slow_start_after_idle since 1.37.
_safe_sysctls := {
	"kernel.shm_rmid_forced",
	"net.ipv4.ip_local_port_range",
	"net.ipv4.ip_local_reserved_ports",
	"net.ipv4.ip_unprivileged_port_start",
	"net.ipv4.ping_group_range",
	"net.ipv4.tcp_fin_timeout",
	"net.ipv4.tcp_keepalive_intvl",
	"net.ipv4.tcp_keepalive_probes",
	"net.ipv4.tcp_keepalive_time",
	"net.ipv4.tcp_notsent_lowat",
	"net.ipv4.tcp_rmem",
	"net.ipv4.tcp_slow_start_after_idle",
	"net.ipv4.tcp_syncookies",
	"net.ipv4.tcp_wmem",
}

_privileges(container) := {offence("containerSecurityContext", container, [field]) |
	some field, harmless in {"privileged": false, "procMount": "Default"}
	given(container, [field]) != harmless
}

_default_capabilities := {
	"AUDIT_WRITE",
	"CHOWN",
	"DAC_OVERRIDE",
	"FOWNER",
	"FSETID",
	"KILL",
	"MKNOD",
	"NET_BIND_SERVICE",
	"SETFCAP",
	"SETGID",
	"SETPCAP",
	"SETUID",
	"SYS_CHROOT",
}

_capability_lists(container) := {offence("containerSecurityContext", container, ["capabilities"]) |
	capabilities := given(container, ["capabilities"])
	not is_object(capabilities)
} | {offence("containerSecurityContext", container, ["capabilities", list]) |
	some list in {"add", "drop"}
	capabilities := given(container, ["capabilities", list])
	not is_array(capabilities)
}

_kept_capabilities(container) := set() if _drops_all(container)

_kept_capabilities(container) := {{
	"path": array.concat(["containerSecurityContext"], _existing(container, ["capabilities", "drop"])),
	"problem": "containerSecurityContext.capabilities.drop lacks \"ALL\"",
}} if {
	not _drops_all(container)
}

_drops_all(container) if {
	is_array(container.capabilities.drop)
	"ALL" in container.capabilities.drop
}

_root(pod, container) := union({
	{offence(level, context, ["runAsUser"]) |
		some level, context in _levels(pod, container)
		user := given(context, ["runAsUser"])
		not ordinary_id(user)
	},
	{offence(level, context, ["runAsNonRoot"]) |
		some level, context in _levels(pod, container)
		given(context, ["runAsNonRoot"]) != true
	},
	{offence("containerSecurityContext", container, ["runAsNonRoot"]) |
		not _has(pod, ["runAsNonRoot"])
		not _has(container, ["runAsNonRoot"])
	},
})

_escalation(container) := {offence("containerSecurityContext", container, ["allowPrivilegeEscalation"]) |
	not _keeps_privileges(container)
}

_keeps_privileges(container) if container.allowPrivilegeEscalation == false

_unconfined(pod, container) := {offence("podSecurityContext", pod, ["seccompProfile"]) |
	not _has(pod, ["seccompProfile"])
	not _has(container, ["seccompProfile"])
}

_levels(pod, container) := {"podSecurityContext": pod, "containerSecurityContext": container}

# null is how YAML writes an empty value.
_apparmor_profile(profile) if profile in {null, "", "runtime/default"}

_apparmor_profile(profile) if {
	is_string(profile)
	startswith(profile, "localhost/")
}

_step(key) := sprintf(".%s", [key]) if is_string(key)

_step(i) := sprintf("[%d]", [i]) if is_number(i)

_shown(context, field) := shown.value(given(context, field))

_shown(context, field) := "missing" if not _has(context, field)

# The part of the path that exists: what is missing is reported at its parent.
_existing(context, field) := [key |
	some i, key in field
	parent := object.get(context, array.slice(field, 0, i), null)
	some name, _ in parent
	name == key
]
