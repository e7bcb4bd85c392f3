# METADATA
# title: Adapter for conftest and opa eval
# description: |
#   Judges manifests as Gatekeeper would: takes one object, a List, an array of objects or conftest's combined
#   [{path, contents}], gives each object its namespace, builds the inventory from all of them, and asks the policies
#   that the constraints name. The constraints are data.kfs.constraints, generated Rego, because conftest's -p loads no
#   data. What it can't read it denies: nothing passes silently.
package kfs.adapter

import data.lib.kfs.shown

# METADATA
# description: |
#   Findings that refuse: {msg, details, object, _loc}. The object keeps equal findings of two objects apart.
# scope: document
deny contains _result(entry, finding) if {
	some [entry, finding] in _findings
	_action(entry, finding) == "deny"
}

deny contains {"msg": sprintf("not a Kubernetes object: %s", [flaw]), "_loc": location} if {
	some [flaw, location] in _flaws
}

deny contains {"msg": "nothing to judge: the input holds no Kubernetes object"} if {
	count(_entries) == 0
	count(_flaws) == 0
	not _empty_document
}

deny contains {"msg": "no constraints: load bundle/conftest or what `kfs bundle` writes"} if not _constraints

# METADATA
# description: Findings that warn, empty documents, and rules that can't be decided without what the input lacks.
# scope: document
warn contains _result(entry, finding) if {
	some [entry, finding] in _findings
	_action(entry, finding) == "warn"
}

warn contains {"msg": "an empty document: nothing to judge"} if _empty_document

warn contains message if {
	some entry in _entries
	undecided := {rule |
		some constraint in _matching(entry)
		some rule in constraint.parameters.rules
		_undecided(entry, rule)
	}
	count(undecided) > 0
	lacking := concat(", ", _lacking(entry, undecided))
	text := sprintf("undecided without %s: %s", [lacking, concat(", ", sort(undecided))])
	message := {
		"msg": shown.line(sprintf("%s (%s)", [text, _shown(entry)])),
		"undecided": sort(undecided),
		"object": _identity(entry),
		"_loc": entry.location,
	}
}

# conftest gives each document of a stream as an input of its own, and an empty one as null. helm template writes many.
_empty_document if is_null(input)

_constraints if is_array(_configured("all", null))

# Through object.get, whose result has any type: a generated list or object that is empty would else not compile.
_configured(field, fallback) := object.get(data.kfs.constraints, field, fallback)

# The documents: [document, location]. A null among several is an empty document of a stream.
_documents contains [element.contents, {"file": element.path}] if {
	is_array(input)
	some element in input
	_combined(element)
	not _stream(element)
}

_documents contains [document, {"file": element.path}] if {
	is_array(input)
	some element in input
	_combined(element)
	_stream(element)
	some document in element.contents
	not is_null(document)
}

_documents contains [element, {}] if {
	is_array(input)
	some element in input
	not _combined(element)
	not is_null(element)
}

_documents contains [input, {}] if _single

_single if type_name(input) in {"boolean", "number", "object", "set", "string"}

_combined(element) if {
	is_object(element)
	object.keys(element) == {"path", "contents"}
}

# conftest combines a file of several documents as a list of them.
_stream(element) if is_array(element.contents)

_manifests contains [manifest, location] if {
	some documents in _depths
	some [manifest, location] in documents
	not _list(manifest)
}

# A list may hold lists, and kubectl takes them apart too. Rego knows no recursion: what lies deeper is a flaw.
_depths := [_documents, _items_of_documents, _items_of_items, _deepest]

_items_of_documents contains [item, location] if {
	some [document, location] in _documents
	some item in _items(document)
}

_items_of_items contains [item, location] if {
	some [list, location] in _items_of_documents
	some item in _items(list)
}

_deepest contains [item, location] if {
	some [list, location] in _items_of_items
	some item in _items(list)
}

# An item that says neither is of the list's kind, as in what the API server answers.
_items(list) := [item |
	some element in list.items
	item := _typed(list, element)
] if {
	_list(list)
	is_array(list.items)
}

# kubectl applies the items of whatever has items, and nothing else of it.
_items(document) := [item |
	some item in document.items
	_text(item.kind)
] if {
	is_object(document)
	not _list(document)
	is_array(document.items)
}

_typed(_, element) := element if not _nameless(element)

_typed(list, element) := object.union(element, {
	"apiVersion": object.get(list, "apiVersion", null),
	"kind": trim_suffix(list.kind, "List"),
}) if {
	_nameless(element)
}

_nameless(element) if {
	is_object(element)
	every field in ["apiVersion", "kind"] { is_null(object.get(element, field, null)) }
}

_list(document) if {
	is_object(document)
	is_string(document.kind)
	endswith(document.kind, "List")
	is_array(document.items)
}

_list(document) if {
	is_object(document)
	document.kind == "List"
	is_null(object.get(document, "items", null))
}

_flaws contains ["the items of this list are no list", location] if {
	some [manifest, location] in _manifests
	_named(manifest)
	endswith(manifest.kind, "List")
	type_name(object.get(manifest, "items", null)) != "null"
}

_flaws contains ["it is a list nested too deep", location] if {
	some [manifest, location] in _deepest
	some _ in _items(manifest)
}

_flaws contains ["its kind or apiVersion is missing or no text", location] if {
	some [manifest, location] in _manifests
	is_object(manifest)
	not _named(manifest)
}

_flaws contains [sprintf("it is of type %s", [type_name(manifest)]), location] if {
	some [manifest, location] in _manifests
	not is_object(manifest)
}

_named(manifest) if {
	_text(manifest.kind)
	_text(manifest.apiVersion)
}

_text(value) if {
	is_string(value)
	value != ""
}

# Each object with its namespace, as the API server would hold it.
_entries contains entry if {
	some [manifest, location] in _manifests
	_named(manifest)
	namespace := _namespace(manifest)
	resource := _placed(manifest, namespace)
	entry := {
		"object": resource,
		"group": _group(manifest),
		"version": regex.replace(manifest.apiVersion, `^.*/`, ""),
		"namespace": namespace,
		"name": _name(manifest),
		"location": location,
	}
}

default _name(_) := ""

_name(manifest) := manifest.metadata.name if _text(manifest.metadata.name)

default _group(_) := ""

_group(manifest) := split(manifest.apiVersion, "/")[0] if contains(manifest.apiVersion, "/")

_namespace(manifest) := "" if _cluster_scoped(manifest)

_namespace(manifest) := namespace if {
	not _cluster_scoped(manifest)
	namespace := _given_namespace(manifest)
}

default _given_namespace(_) := "default"

_given_namespace(manifest) := manifest.metadata.namespace if _text(manifest.metadata.namespace)

_cluster_scoped(manifest) if _scope(manifest) == "Cluster"

# Of a kind without a schema only its manifest tells.
_cluster_scoped(manifest) if {
	not _scope(manifest)
	not _names_namespace(manifest)
}

_names_namespace(manifest) if _text(manifest.metadata.namespace)

_scope(manifest) := _configured("scopes", {})[sprintf("%s/%s", [_group(manifest), manifest.kind])]

_placed(manifest, "") := json.remove(manifest, ["/metadata/namespace"])

_placed(manifest, namespace) := object.union(manifest, {"metadata": {"namespace": namespace}}) if namespace != ""

# What kfs and Gatekeeper hold: one object an identity.
_inventory := {"cluster": _cluster, "namespace": _namespaced}

_cluster := object.get(_spaces, "", {})

_namespaced := object.remove(_spaces, [""])

# By namespace ("" holds what is cluster-scoped), version, kind and name.
_spaces[namespace][version][kind] := names if {
	some [namespace, version, kind] in object.keys(_grouped)
	names := _by_name(namespace, version, kind)
}

# Of two objects of one identity the inventory holds the last file's, as kfs does, and both are judged.
_by_name(namespace, version, kind) := {name: max(resources)[1] |
	some name, resources in _grouped[[namespace, version, kind]]
}

_grouped[[entry.namespace, entry.object.apiVersion, entry.object.kind]][entry.name] contains resource if {
	some entry in _entries
	resource := [entry.location, entry.object]
}

_findings contains [entry, finding] if {
	some entry in _entries
	some constraint in _matching(entry)
	rules := [rule |
		some rule in constraint.parameters.rules
		not _undecided(entry, rule)
	]
	count(rules) > 0
	policy := constraint.policy
	review := {
		"kind": {"group": entry.group, "version": entry.version, "kind": entry.object.kind},
		"name": entry.name,
		"namespace": entry.namespace,
		"operation": "",
		"object": entry.object,
		"namespaceObject": object.get(_namespace_objects, entry.namespace, {}),
	}
	parameters := object.union(constraint.parameters, {"rules": rules})
	some violation in data.kyma[policy].violation with input as {"review": review, "parameters": parameters}
		with data.inventory as _inventory
	finding := object.union(violation, {"action": constraint.action})
}

_action(_, finding) := finding.action

_namespace_objects := object.get(_spaces, ["", "v1", "Namespace"], {})

_lacking(entry, rules) := array.concat(
	[text | not _known_namespace(entry); text := sprintf("Namespace %s", [entry.namespace])],
	[text |
		kinds := {kind | some rule in rules; some kind in _configured("needs_evidence", {})[rule].kinds}
		some kind in sort(kinds)
		not _held(entry, kind)
		text := sprintf("%ss of namespace %s", [kind, entry.namespace])
	],
)

# A rule that needs the object's Namespace is left out while the input lacks it.
_undecided(entry, rule) if {
	entry.object.kind in _configured("needs_namespace", {})[rule]
	entry.namespace != ""
	not _known_namespace(entry)
}

_undecided(entry, rule) if {
	evidence := _configured("needs_evidence", {})[rule]
	entry.object.kind in evidence.judges
	some kind in evidence.kinds
	not _held(entry, kind)
}

_known_namespace(entry) if _namespace_objects[entry.namespace]

_held(entry, kind) if [entry.namespace, kind] in _held_kinds

_held_kinds := {[entry.namespace, entry.object.kind] | some entry in _entries}

_matching(entry) := [constraint |
	some constraint in _configured("all", [])
	_matches_kind(constraint.match, entry)
	_matches_namespace(constraint.match, entry)
	not _excluded(constraint, entry)
]

_matches_kind(match, _) if _says_nothing(match, "kinds")

_matches_kind(match, entry) if {
	some kinds in match.kinds
	_any(kinds, "apiGroups", entry.group)
	_any(kinds, "kinds", entry.object.kind)
}

_any(kinds, field, _) if _says_nothing(kinds, field)

_any(kinds, field, name) if {
	some wanted in kinds[field]
	wanted in {"*", name}
}

# To Gatekeeper an empty list is as good as none.
_says_nothing(match, field) if count(object.get(match, field, [])) == 0

_matches_namespace(match, _) if _says_nothing(match, "namespaces")

_matches_namespace(_, entry) if _outside_namespaces(entry)

_matches_namespace(match, entry) if {
	some pattern in match.namespaces
	_glob(pattern, _matched_name(entry))
}

_excluded(constraint, entry) if {
	some pattern in constraint.match.excludedNamespaces
	_glob(pattern, _matched_name(entry))
}

# Gatekeeper matches a Namespace by its own name, and whatever else is in no namespace regardless of names.
_matched_name(entry) := entry.name if _is_namespace(entry)

_matched_name(entry) := entry.namespace if {
	not _is_namespace(entry)
	not _outside_namespaces(entry)
}

_outside_namespaces(entry) if {
	not _is_namespace(entry)
	entry.namespace == ""
}

_is_namespace(entry) if {
	entry.object.kind == "Namespace"
	entry.group == ""
}

# Gatekeeper's globs: a `*` at either end.
_glob(pattern, name) if pattern == name

_glob(pattern, name) if {
	startswith(pattern, "*")
	not endswith(pattern, "*")
	endswith(name, trim_prefix(pattern, "*"))
}

_glob(pattern, name) if {
	endswith(pattern, "*")
	not startswith(pattern, "*")
	startswith(name, trim_suffix(pattern, "*"))
}

_glob(pattern, name) if {
	startswith(pattern, "*")
	endswith(pattern, "*")
	contains(name, trim(pattern, "*"))
}

_result(entry, finding) := {
	"msg": shown.line(sprintf("%s (%s)", [finding.msg, _shown(entry)])),
	"details": finding.details,
	"object": _identity(entry),
	"_loc": entry.location,
}

_identity(entry) := {
	"apiVersion": entry.object.apiVersion,
	"kind": entry.object.kind,
	"namespace": entry.namespace,
	"name": entry.name,
}

_shown(entry) := sprintf("%s %s/%s", [entry.object.kind, entry.namespace, entry.name]) if entry.namespace != ""

_shown(entry) := sprintf("%s %s", [entry.object.kind, entry.name]) if entry.namespace == ""
