# METADATA
# title: Namespaces
# description: |
#   The Namespace around a reviewed object, and what its labels say. A Namespace that isn't known is undefined, and so is
#   everything asked about it: a rule names what must hold there, and negates that.
package lib.kfs.namespace

import data.lib.kfs.inventory

# METADATA
# description: |
#   The Namespace of a review: the one the webhook sends with it (gator sends an empty object), else the one in the
#   inventory.
# scope: document
of(review) := review.namespaceObject if _sent(review)

of(review) := inventory.namespace(name(review)) if not _sent(review)

# METADATA
# description: The namespace's name; undefined if the review names none.
# scope: document
name(review) := review.object.metadata.namespace if _named(review)

name(review) := review.namespace if not _named(review)

_sent(review) if is_object(review.namespaceObject.metadata)

_named(review) if is_string(review.object.metadata.namespace)

# METADATA
# description: |
#   The level that Pod Security Admission enforces in a Namespace: `privileged`, `baseline` or `restricted`; `fallback`, the
#   level of the cluster's admission configuration, where the label is absent. Undefined if that is none of the three.
# scope: document
level(namespace, fallback) := found if {
	found := object.get(_labels(namespace), _enforce, fallback)
	found in {"privileged", "baseline", "restricted"}
}

# METADATA
# description: |
#   The version the level is pinned to, as written; `latest` where the label is absent.
# scope: document
version(namespace) := object.get(_labels(namespace), "pod-security.kubernetes.io/enforce-version", "latest")

_enforce := "pod-security.kubernetes.io/enforce"

# null is how YAML writes no labels; of any other wrong type nothing is known.
_labels(namespace) := {} if {
	is_object(namespace.metadata)
	is_null(object.get(namespace.metadata, "labels", null))
}

_labels(namespace) := namespace.metadata.labels if is_object(namespace.metadata.labels)
