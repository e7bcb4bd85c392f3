# METADATA
# title: Namespaces
# description: |
#   The Namespace around a reviewed object, and what its labels say about Pod Security. Of a Namespace that isn't known
#   everything is undefined: a rule names what must hold there, and negates that.
package lib.kfs.namespace

import data.lib.kfs.inventory

# METADATA
# description: |
#   The Namespace of a review: the one that the webhook sends with it (gator sends an empty object), else the one in the
#   inventory; null if neither is there, because an undefined argument would silence the rule that asks.
# scope: document
default of(_) := null

of(review) := review.namespaceObject if _sent(review)

of(review) := inventory.namespace(name(review)) if not _sent(review)

# METADATA
# description: The name of the review's namespace; empty if it says none.
# scope: document
default name(_) := ""

name(review) := review.object.metadata.namespace if _named(review)

name(review) := review.namespace if {
	not _named(review)
	is_string(review.namespace)
}

# METADATA
# description: |
#   The level that Pod Security Admission enforces in a Namespace, `privileged`, `baseline` or `restricted`; undefined
#   if its label says anything else. Without the label it is `fallback`, what the cluster's admission configuration
#   says.
# scope: document
level(namespace, fallback) := found if {
	found := object.get(_labels(namespace), enforce, fallback)
	found in {"privileged", "baseline", "restricted"}
}

# METADATA
# description: The version of the standard that a Namespace pins the level to, as written; `latest` without the label.
# scope: document
version(namespace) := object.get(_labels(namespace), "pod-security.kubernetes.io/enforce-version", "latest")

# METADATA
# description: The label with the level.
enforce := "pod-security.kubernetes.io/enforce"

_sent(review) if is_object(review.namespaceObject.metadata)

_named(review) if {
	is_string(review.object.metadata.namespace)
	review.object.metadata.namespace != ""
}

# null is YAML for no labels; what another wrong type means nobody knows.
_labels(namespace) := namespace.metadata.labels if is_object(namespace.metadata.labels)

_labels(namespace) := {} if {
	is_object(namespace.metadata)
	is_null(object.get(namespace.metadata, "labels", null))
}
