# METADATA
# title: Mesh
# description: |
#   Whether a pod is in the Istio mesh, and whether its sidecar takes mutual TLS only. Pods are maps of labels, see
#   lib.kfs.selector for the values nobody knows.
package lib.kfs.mesh

import data.lib.kfs.function
import data.lib.kfs.selector

# METADATA
# description: |
#   True where Istio puts a sidecar into the pod of a Namespace, unless the pod itself refuses it. The label
#   istio-injection, if there, decides alone, and only `enabled` says yes; then the Namespace's revision does; only
#   where it has neither may the pod ask, for a revision if it has that label (istio: injector's mutatingwebhook.yaml).
# scope: document
injected(namespace, _) if namespace.metadata.labels["istio-injection"] == "enabled"

injected(namespace, _) if {
	not _labelled(namespace, "istio-injection")
	_revision(namespace.metadata.labels)
}

injected(namespace, pod) if {
	not _labelled(namespace, "istio-injection")
	not _labelled(namespace, "istio.io/rev")
	_asks(pod)
}

# METADATA
# description: |
#   What a pod's sidecar may demand of its callers by the PeerAuthentications, a set of those of its namespace and of
#   the root namespace: a set of {mode, by, at}. Mutual TLS is strict if every mode is STRICT. `by` has the [namespace,
#   name] of those that say the mode, and of those that leave it to them; `at` is where in the first it stands.
#   `fallback` is the mode where none says one. A workload's own one wins over the namespace's, that over the root's;
#   UNSET leaves it to the wider. Of several at one level Istio takes the oldest, which a file doesn't tell: each may be
#   it.
# scope: document
modes(authentications, pod, namespace, root, fallback) := workload | _ports(own) if {
	own := {authentication |
		some authentication in authentications
		namespace != root
		_namespace(authentication) == namespace
		_selects(authentication, pod)
	}
	workload := _applied(own, _applied(
		_general(authentications, {namespace} - {root}),
		_applied(_general(authentications, {root}), {{"mode": fallback, "by": set(), "at": []}}),
	))
}

_labelled(namespace, label) if {
	is_object(namespace.metadata.labels)
	label in object.keys(namespace.metadata.labels)
}

# What can't be read may be any label.
_labelled(namespace, _) if _strange(_member(_member(namespace, "metadata"), "labels"))

_asks(pod) if {
	pod["sidecar.istio.io/inject"] == "true"
	not _wears_revision(pod)
}

_asks(pod) if _revision(pod)

_wears_revision(pod) if _ = pod["istio.io/rev"]

_revision(labels) if {
	is_string(labels["istio.io/rev"])
	trim_space(labels["istio.io/rev"]) != ""
}

# Those for all pods of a namespace.
_general(authentications, namespaces) := {authentication |
	some authentication in authentications
	_namespace(authentication) in namespaces
	_wanted(authentication) in [null, {}]
}

_selects(authentication, pod) if {
	wanted := _wanted(authentication)
	not wanted in [null, {}]
	selector.labels_match(wanted, pod)
}

# What can't be read may select any pod.
_selects(authentication, _) if {
	wanted := _wanted(authentication)
	not selector.labels_readable(wanted)
}

_wanted(authentication) := _member(chosen, "matchLabels") if {
	chosen := _member(_spec(authentication), "selector")
	not _strange(chosen)
}

_wanted(authentication) := "unreadable" if {
	chosen := _member(_spec(authentication), "selector")
	_strange(chosen)
}

_applied(authentications, inherited) := inherited if count(authentications) == 0

_applied(authentications, inherited) := union({outcomes |
	some authentication in authentications
	outcomes := _outcomes(authentication, inherited) | {outcome | some outcome in inherited; _doubtful(authentication)}
}) if {
	count(authentications) > 0
}

_outcomes(authentication, _) := {{"mode": mode, "by": {_id(authentication)}, "at": _at}} if {
	mode := _mode(_member(_spec(authentication), "mtls"))
	mode != "UNSET"
}

_outcomes(authentication, inherited) := {outcome |
	some wider in inherited
	outcome := {"mode": wider.mode, "by": (wider.by | {_id(authentication)}), "at": _at}
} if {
	_mode(_member(_spec(authentication), "mtls")) == "UNSET"
}

# Only the control plane of that revision reads it; which one a pod belongs to isn't known here.
_doubtful(authentication) if {
	revision := authentication.metadata.labels["istio.io/rev"]
	revision != "default"
}

_doubtful(authentication) if {
	some label in function.unforeseeable
	_ = _wanted(authentication)[label]
}

_at := ["spec", "mtls", "mode"]

# Ports of their own: only a workload's own has any.
_ports(authentications) := {{"mode": mode, "by": {_id(authentication)}, "at": ["spec", "portLevelMtls", port, "mode"]} |
	some authentication in authentications
	some port, mtls in _member(_spec(authentication), "portLevelMtls")
	mode := _mode(mtls)
	mode != "UNSET"
} | {{"mode": "unreadable", "by": {_id(authentication)}, "at": ["spec", "portLevelMtls"]} |
	some authentication in authentications
	_strange(_member(_spec(authentication), "portLevelMtls"))
}

_mode(mtls) := "UNSET" if is_null(mtls)

_mode(mtls) := "UNSET" if {
	is_object(mtls)
	_member(mtls, "mode") in {null, "UNSET"}
}

_mode(mtls) := mtls.mode if {
	is_object(mtls)
	mtls.mode in {"DISABLE", "PERMISSIVE", "STRICT"}
}

_mode(mtls) := "unreadable" if {
	is_object(mtls)
	mode := _member(mtls, "mode")
	not mode in {null, "UNSET", "DISABLE", "PERMISSIVE", "STRICT"}
}

_mode(mtls) := "unreadable" if _strange(mtls)

_id(authentication) := [_text(_member(metadata, "namespace")), _text(_member(metadata, "name"))] if {
	metadata := _member(authentication, "metadata")
}

_namespace(authentication) := _id(authentication)[0]

default _text(_) := ""

_text(value) := value if is_string(value)

_spec(authentication) := spec if {
	spec := _member(authentication, "spec")
	not _strange(spec)
}

_spec(authentication) := {"selector": "unreadable", "mtls": "unreadable"} if _strange(_member(authentication, "spec"))

_strange(value) if {
	not is_null(value)
	not is_object(value)
}

default _member(_, _) := null

_member(resource, key) := resource[key] if is_object(resource)
