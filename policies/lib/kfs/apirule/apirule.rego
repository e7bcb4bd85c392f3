# METADATA
# title: APIRule
# description: |
#   Reads an APIRule of any version (v1alpha1, v1beta1, v2alpha1, v2) as a list of rules of one shape. Nothing is
#   dropped: what can't be read becomes something that is reported.
#
#   rules(resource) gives, for each rule of each effective spec:
#
#     path          where the rule stands: ["spec", "rules", 0]; of a hidden spec the annotation; see place()
#     hidden        true if the spec stands in an annotation: gateway.kyma-project.io/v1beta1-spec of a v2 or v2alpha1,
#                   gateway.kyma-project.io/v2alpha1-rules of a v1beta1. At most one spec of an object is hidden
#     version       v1alpha1, v1beta1, v2alpha1, v2, or whatever else apiVersion says; of a hidden spec its own
#     regex         true if request_path is a regular expression (v1alpha1, v1beta1)
#     index         its number, from 0
#     request_path  the path as written; "" if it can't be read (so it may be any path)
#     methods       a set in capitals; all nine if they can't be read
#     service       {name, namespace} after the fallback rule, spec, metadata; "" where it can't be read
#     strategies    at least one; OR-ed
#
#   A strategy:
#
#     kind             jwt, open, delegated, deny (handler unauthorized), or unknown (judge it as open)
#     handler          noAuth, jwt, extAuth, or the handler as written; "" if it can't be read
#     dialect          istio (v2, and v1beta1 whose config has authentications) or ory
#     at               where it stands, relative to the rule; place(rule, at) is its path in the object
#     validates        true if it validates tokens itself: jwt, and extAuth with restrictions
#     authorizers      of extAuth, as written; of a delegated ory handler the handler's name
#     authentications  [{at, issuers: [{at, value}], urls: [{at, value}]}], values as written: any issuer of one goes
#                      with any URL of it
#     authentications_at  where they stand, or should
#     entries          [{at, binds, audiences, scopes, wildcards: [{at, value}]}] of the authorizations, OR-ed; binds as
#                      binding() says. audiences and scopes are empty unless it binds scope or audience; wildcards are
#                      what makes it wildcard. No entries if nothing is authorized; of an ory config at most one
#     entries_at       where they stand, or should
#     parameters       [at] of what takes the token from the URL
package lib.kfs.apirule

import data.lib.kfs.shown

# METADATA
# description: The rules of all effective specs.
# scope: document
rules(resource) := [rule |
	some spec in specs(resource)
	some item in _items(spec)
	rule := _rule(spec, item)
]

# METADATA
# description: |
#   The effective specs as [{content, path, hidden, version, service, namespace}]: the object's own, the hidden one, or
#   both; service as written, namespace the object's. Keys of content and service that differ from a known one only by
#   case have made the known one unreadable (true).
# scope: document
specs(resource) := array.concat(
	[spec | spec := _own(resource)],
	[spec | spec := _hidden(resource)],
)

# METADATA
# description: |
#   The path of the annotation in which the effective spec is hidden, where it isn't there or can't be read. Undefined
#   if it can be read, or isn't hidden.
# scope: document
lost(resource) := path if {
	path := _hiding(resource)
	not _found(resource)
}

# METADATA
# description: The path in the object of what stands at `at` in the rule. Inside an annotation there are no paths.
# scope: document
place(rule, _) := rule.path if rule.hidden == true

place(rule, at) := array.concat(rule.path, at) if rule.hidden == false

# METADATA
# description: What messages call the rule.
# scope: document
label(rule) := sprintf("rule %d (%q)", [rule.index, _short(rule.request_path)]) if rule.hidden == false

label(rule) := sprintf("rule %d (%q) of the %s", [rule.index, _short(rule.request_path), name]) if {
	rule.hidden == true
	name := trim_prefix(rule.path[2], "gateway.kyma-project.io/")
}

# METADATA
# description: |
#   What one entry of authorizations ({requiredScopes, audiences}) binds a token to: nothing (KFS-102), wildcard (103),
#   scope (104) or audience. The first that holds counts.
# scope: document
binding(entry) := _binding(_values(entry), _object(entry))

# METADATA
# description: |
#   How hard it is to get past a rule, by its weakest strategy: 0 open or unknown, 1 any token, 2 wildcard, 3 scope,
#   4 audience, 5 nobody passes.
# scope: document
strength(rule) := min([_strength(strategy) | some strategy in rule.strategies])

# METADATA
# description: The HTTP methods an APIRule may name.
# scope: document
methods := {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"}

_own(resource) := _spec(resource, _read(_at(resource, ["spec"])), {
	"path": ["spec"],
	"hidden": false,
	"version": _version(resource),
}) if {
	_judged(resource)
}

_spec(resource, content, place_and_version) := object.union(place_and_version, {
	"content": content,
	"service": _read(object.get(content, "service", null)),
	"namespace": _text(_at(resource, ["metadata", "namespace"])),
})

_judged(resource) if _aged(resource)

_judged(resource) if not _ruleless(resource)

# API Gateway serves an object born as v1beta1 in v2 without rules; its spec is in the annotation.
_ruleless(resource) if _at(resource, ["spec", "rules"]) in [null, []]

# Where original-version says v1beta1 the controller uses the annotation whatever the rules say.
_hiding(resource) := _beta if {
	not _aged(resource)
	_at(resource, ["metadata", "annotations", "gateway.kyma-project.io/original-version"]) == "v1beta1"
}

_hiding(resource) := _beta if {
	not _aged(resource)
	_ruleless(resource)
}

# The other way round, API Gateway 2.6 to 3.3 takes the rules of a v1beta1 from here if original-version says v2.
_hiding(resource) := _alpha if {
	_version(resource) == "v1beta1"
	"gateway.kyma-project.io/v2alpha1-rules" in object.keys(_object(_at(resource, ["metadata", "annotations"])))
}

_beta := ["metadata", "annotations", "gateway.kyma-project.io/v1beta1-spec"]

_alpha := ["metadata", "annotations", "gateway.kyma-project.io/v2alpha1-rules"]

_found(resource) if _hidden(resource)

_hidden(resource) := _spec(resource, content, {"path": _beta, "hidden": true, "version": "v1beta1"}) if {
	_hiding(resource) == _beta
	content := _read(_unmarshalled(_at(resource, _beta)))
	_listed(object.get(content, "rules", null))
	not _ambiguous(content)
	not _unclear_service(content)
}

_hidden(resource) := _spec(resource, content, {"path": _alpha, "hidden": true, "version": "v2alpha1"}) if {
	_hiding(resource) == _alpha
	rules_there := _unmarshalled(_at(resource, _alpha))
	_listed(rules_there)
	listed := {"rules": rules_there}
	not _unclear_service(listed)
	content := object.union(_read(_at(resource, ["spec"])), listed)
}

# Of a key that stands there twice Go's decoder merges the values, and others take the last: unreadable.
_unmarshalled(text) := value if {
	is_string(text)
	json.is_valid(text)
	value := json.unmarshal(text)
	_keys(text) == _keys(json.marshal(value))
}

# Which strategies there are isn't certain.
_ambiguous(spec) if {
	some rule in spec.rules
	count(_strays(rule)) > 0
}

_ambiguous(spec) if {
	some rule in spec.rules
	some strategy in rule.accessStrategies
	count(_strays(strategy)) > 0
}

# Which service is exposed isn't certain.
_unclear_service(spec) if "service" in _strays(spec)

_unclear_service(spec) if count(_strays(spec.service)) > 0

_unclear_service(spec) if {
	some rule in spec.rules
	"service" in _strays(rule)
}

_unclear_service(spec) if {
	some rule in spec.rules
	count(_strays(rule.service)) > 0
}

_at(resource, path) := object.get(_object(resource), path, null)

# How many keys a JSON text writes: its strings that a colon follows.
_keys(text) := count([token |
	some token in regex.find_n(`"(?:[^"\\]|\\.)*"\s*:?`, text, -1)
	endswith(token, ":")
])

_items(spec) := [{"index": i, "at": ["rules", i], "content": content} |
	some i, content in object.get(spec.content, "rules", null)
] if {
	_listed(object.get(spec.content, "rules", null))
}

_items(spec) := [{"index": 0, "at": at, "content": null}] if {
	value := object.get(spec.content, "rules", null)
	not _listed(value)
	at := _key(spec.content, "rules")
}

_rule(spec, item) := {
	"path": place({"path": spec.path, "hidden": spec.hidden}, item.at),
	"hidden": spec.hidden,
	"version": spec.version,
	"regex": spec.version in _old,
	"index": item.index,
	"request_path": _text(object.get(content, "path", null)),
	"methods": _methods(object.get(content, "methods", null)),
	"service": _service(spec, content),
	"strategies": _strategies(spec, content),
} if {
	content := _read(item.content)
}

_methods(value) := {upper(trim_space(method)) | some method in value} if _named_methods(value)

_methods(value) := methods if not _named_methods(value)

_named_methods(value) if {
	_listed(value)
	every method in value {
		is_string(method)
		upper(trim_space(method)) in methods
	}
}

# v1alpha1 has neither a service per rule nor a namespace: the API server drops both.
_service(spec, _) := {"name": _text(object.get(spec.service, "name", null)), "namespace": spec.namespace} if {
	spec.version == "v1alpha1"
}

_service(spec, rule) := {
	"name": _text(object.get(own, "name", null)),
	"namespace": _first_text([
		object.get(own, "namespace", null),
		object.get(spec.service, "namespace", null),
		spec.namespace,
	]),
} if {
	spec.version != "v1alpha1"
	own := _own_service(spec, object.get(rule, "service", null))
}

_own_service(spec, null) := spec.service

_own_service(_, service) := _read(service) if not is_null(service)

# Of those that are there; where it is no text nobody knows.
_first_text(values) := _text(array.concat([value | some value in values; not value in [null, ""]], [""])[0])

_strategies(spec, rule) := [_handled(spec, ["accessStrategies", i], strategy) |
	some i, strategy in rule.accessStrategies
] if {
	spec.version in _old
	_listed(object.get(rule, "accessStrategies", null))
}

_strategies(spec, rule) := [_unknown] if {
	spec.version in _old
	value := object.get(rule, "accessStrategies", null)
	not _listed(value)
}

# The API server drops what is null: it counts only where it would be the rule's one strategy.
_strategies(spec, rule) := _first_filled([
	array.concat(
		[_plain("open", "noAuth", ["noAuth"]) |
			some key, value in rule
			key == "noAuth"
			not value in [false, null]
		],
		[_validated(rule, name) |
			some name in _validating
			value := object.get(rule, name, null)
			not is_null(value)
		],
	),
	[_validated(rule, name) | some name in _validating; is_null(rule[name])],
	[_unknown],
]) if {
	version := spec.version
	not version in _old
}

_first_filled(lists) := [list | some list in lists; count(list) > 0][0]

_validating := ["jwt", "extAuth"]

_validated(rule, "jwt") := _istio("jwt", "jwt", ["jwt"], ["jwt"], rule.jwt)

_validated(rule, "extAuth") := _external(rule.extAuth)

_unknown := _plain("unknown", "", [])

_plain(kind, handler, at) := {
	"kind": kind,
	"handler": handler,
	"dialect": "istio",
	"at": at,
	"validates": false,
	"authorizers": [],
	"authentications": [],
	"authentications_at": at,
	"entries": [],
	"entries_at": at,
	"parameters": [],
}

# extAuth: restrictions have the shape of jwt, and Kyma demands a token only where there are any.
_external(value) := object.union(
	_istio("delegated", "extAuth", ["extAuth"], at, restrictions),
	{"authorizers": _list(object.get(content, "authorizers", null)), "validates": validates},
) if {
	content := _read(value)
	restrictions := object.get(content, "restrictions", null)
	validates := count([restrictions | not is_null(restrictions)]) > 0
	at := array.concat(["extAuth"], _key(content, "restrictions"))
}

_handled(spec, at, value) := _configured(spec, handler, config_at, config) if {
	content := _read(value)
	handler := _text(object.get(content, "handler", null))
	config := _read(object.get(content, "config", null))
	config_at := array.concat(at, _key(content, "config"))
}

_configured(spec, "jwt", at, config) := _istio("jwt", "jwt", array.slice(at, 0, 2), at, config) if {
	_istio_config(spec, config)
}

_configured(spec, "jwt", at, config) := _ory("jwt", "jwt", at, config, {
	"issuers": "trusted_issuers",
	"urls": "jwks_urls",
	"audiences": "target_audience",
	"scopes": "required_scope",
}) if {
	not _istio_config(spec, config)
}

_configured(_, "oauth2_introspection", at, config) := _ory("delegated", "oauth2_introspection", at, config, {
	"issuers": "trusted_issuers",
	"urls": "introspection_url",
	"audiences": "target_audience",
	"scopes": "required_scope",
})

_configured(_, "oauth2_client_credentials", at, config) := _ory("delegated", "oauth2_client_credentials", at, config, {
	"issuers": null,
	"urls": "token_url",
	"audiences": null,
	"scopes": "required_scopes",
})

_configured(_, "cookie_session", at, config) := _ory("delegated", "cookie_session", at, config, {
	"issuers": null,
	"urls": "check_session_url",
	"audiences": null,
	"scopes": null,
})

_configured(_, handler, at, _) := object.union(
	_plain(object.get(_handlers, handler, "unknown"), handler, array.slice(at, 0, 2)),
	{"dialect": "ory"},
) if {
	not handler in {"jwt", "oauth2_introspection", "oauth2_client_credentials", "cookie_session"}
}

# A ConfigMap of the cluster chooses the dialect: with ory the controller refuses authentications, with istio it demands
# them.
_istio_config(spec, config) if {
	spec.version == "v1beta1"
	"authentications" in object.keys(config)
}

_handlers := {
	"allow": "open",
	"anonymous": "open",
	"no_auth": "open",
	"noop": "open",
	"unauthorized": "deny",
}

_istio(kind, handler, at, config_at, value) := {
	"kind": kind,
	"handler": handler,
	"dialect": "istio",
	"at": at,
	"validates": true,
	"authorizers": [],
	"authentications": authentications,
	"authentications_at": array.concat(config_at, _key(config, "authentications")),
	"entries": entries,
	"entries_at": array.concat(config_at, _key(config, "authorizations")),
	"parameters": [array.concat(config_at, ["authentications", i, "fromParams"]) |
		some i, authentication in _list(object.get(config, "authentications", null))
		places := object.get(_read(authentication), "fromParams", null)
		not places in [null, []]
	],
} if {
	config := _read(value)
	authentications := [_authentication(at_item, item.value) |
		some item in _each(object.get(config, "authentications", null))
		at_item := array.concat(config_at, array.concat(["authentications"], item.at))
	]
	entries := [entry |
		some item in _each(object.get(config, "authorizations", null))
		content := _read(item.value)
		at_item := array.concat(config_at, array.concat(["authorizations"], item.at))
		entry := _entry(
			at_item,
			{field: object.get(content, field, null) | some field in _fields},
			{field: field | some field in _fields},
		)
	]
}

_authentication(at, value) := {
	"at": at,
	"issuers": [{"at": array.concat(at, ["issuer"]), "value": issuer} |
		issuer := object.get(content, "issuer", null)
		not is_null(issuer)
	],
	"urls": [{"at": array.concat(at, ["jwksUri"]), "value": url} |
		url := object.get(content, "jwksUri", null)
		not is_null(url)
	],
} if {
	content := _read(value)
}

# The whole config is one entry and one authentication.
_ory(kind, handler, at, config, fields) := {
	"kind": kind,
	"handler": handler,
	"dialect": "ory",
	"at": array.slice(at, 0, 2),
	"validates": kind == "jwt",
	"authorizers": [handler | kind == "delegated"],
	"authentications": [{
		"at": at,
		"issuers": _ory_values(at, fields.issuers, _field(config, fields.issuers)),
		"urls": _ory_values(at, fields.urls, _field(config, fields.urls)),
	}],
	"authentications_at": at,
	"entries": [entry |
		content := {
			"audiences": _field(config, fields.audiences),
			"requiredScopes": _ory_scopes(config, fields.scopes),
		}
		count([field | some field, value in content; not value in [null, []]]) > 0
		entry := _entry(at, content, {"audiences": fields.audiences, "requiredScopes": fields.scopes})
	],
	"entries_at": at,
	"parameters": _ory_parameters(at, object.get(config, "token_from", null)),
}

# The handlers without such a field say null.
_field(config, name) := object.get(config, name, null) if is_string(name)

_field(_, null) := null

_ory_values(_, _, null) := []

_ory_values(at, field, values) := [{"at": array.concat(at, [field, i]), "value": value} | some i, value in values] if {
	field in _ory_lists
	is_array(values)
}

# In a list, so that no reader takes it for a readable value.
_ory_values(at, field, value) := [{"at": array.concat(at, [field]), "value": [value]}] if {
	field in _ory_lists
	not is_array(value)
	not is_null(value)
}

_ory_values(at, field, value) := [{"at": array.concat(at, [field]), "value": value}] if {
	not field in _ory_lists
	not is_null(value)
}

_ory_lists := {"jwks_urls", "trusted_issuers"}

# Oathkeeper knows three strategies; any other word means none.
_ory_scopes(config, field) := _field(config, field) if _scoped(config)

_ory_scopes(config, _) := null if not _scoped(config)

_scoped(config) if is_null(object.get(config, "scope_strategy", null))

_scoped(config) if {
	is_string(config.scope_strategy)
	lower(config.scope_strategy) in {"exact", "hierarchic", "wildcard"}
}

_ory_parameters(_, null) := []

_ory_parameters(at, source) := [array.concat(at, ["token_from", "query_parameter"]) |
	parameter := object.get(_read(source), "query_parameter", null)
	not is_null(parameter)
] if {
	is_object(source)
}

_ory_parameters(at, source) := [array.concat(at, ["token_from"])] if {
	not is_object(source)
	not is_null(source)
}

_fields := ["audiences", "requiredScopes"]

_entry(at, entry, names) := {
	"at": at,
	"binds": binds,
	"audiences": [value | binds in {"scope", "audience"}; some value in _list(entry.audiences)],
	"scopes": [value | binds in {"scope", "audience"}; some value in _list(entry.requiredScopes)],
	"wildcards": [{"at": array.concat(at, [names[field], i]), "value": value} |
		binds == "wildcard"
		some field in _fields
		some i, value in _list(entry[field])
		_wildcard(value)
	],
} if {
	binds := binding(entry)
}

_binding(values, entry) := "nothing" if {
	_void(values)
} else := "wildcard" if {
	some value in values
	_wildcard(value)
} else := "audience" if {
	some audience in entry.audiences
	is_string(audience)
} else := "scope"

_void([])

_void(values) if {
	some value in values
	not _worded(value)
}

# What is neither a list nor null stands for itself in a list, which is no word.
_values(entry) := [value |
	some field in _fields
	some value in _listing(object.get(_object(entry), field, null))
]

_listing(value) := _list(value) if _listable(value)

_listing(value) := [[value]] if not _listable(value)

_listable(value) if is_array(value)

_listable(value) if is_null(value)

_worded(value) if {
	is_string(value)
	trim_space(value) != ""
}

# Istio takes "*", "a*" and "*a" for patterns.
_wildcard(value) if startswith(trim_space(value), "*")

_wildcard(value) if endswith(trim_space(value), "*")

_strength(strategy) := 0 if strategy.kind in {"open", "unknown"}

_strength(strategy) := 5 if strategy.kind == "deny"

_strength(strategy) := min([_entry_strength[entry.binds] | some entry in strategy.entries]) if {
	strategy.kind in {"jwt", "delegated"}
	count(strategy.entries) > 0
}

_strength(strategy) := 1 if {
	strategy.kind in {"jwt", "delegated"}
	count(strategy.entries) == 0
}

_entry_strength := {"nothing": 1, "wildcard": 2, "scope": 3, "audience": 4}

_version(resource) := trim_prefix(_text(_at(resource, ["apiVersion"])), "gateway.kyma-project.io/")

_aged(resource) if _version(resource) in _old

_old := {"v1alpha1", "v1beta1"}

# Go's decoder, which reads configs and the annotation, ignores the case of keys; the API server and Oathkeeper don't.
# Where a key is a known one but for its case, nobody knows the known one's value: it is made unreadable.
_read(value) := value if {
	is_object(value)
	object.keys(value) - _known == set()
} else := object.union(value, {name: true | some name in _strays(value)}) if {
	is_object(value)
} else := {}

_strays(value) := {name |
	some key in (object.keys(value) - _known)
	name := _folded[lower(upper(key))]
} if {
	is_object(value)
}

_folded := {lower(name): name | some name in _known}

# All fields, also those that nobody reads here: what has no others needs no second look.
_known := {
	"accessStrategies",
	"audiences",
	"authentications",
	"authorizations",
	"authorizers",
	"check_session_url",
	"config",
	"corsPolicy",
	"extAuth",
	"external",
	"externalGateway",
	"fromHeaders",
	"fromParams",
	"gateway",
	"handler",
	"host",
	"hosts",
	"introspection_url",
	"issuer",
	"jwks_urls",
	"jwksUri",
	"jwt",
	"methods",
	"mutators",
	"name",
	"namespace",
	"noAuth",
	"path",
	"port",
	"query_parameter",
	"request",
	"required_scope",
	"required_scopes",
	"requiredScopes",
	"restrictions",
	"rules",
	"scope_strategy",
	"service",
	"target_audience",
	"timeout",
	"token_from",
	"token_url",
	"trusted_issuers",
}

_each(value) := [{"at": [i], "value": item} | some i, item in value] if is_array(value)

_each(null) := []

# Not a list: one item that can't be read.
_each(value) := [{"at": [], "value": null}] if not _listable(value)

_listed(value) if {
	is_array(value)
	count(value) > 0
}

_key(content, name) := [name] if {
	_ = content[name]
} else := []

_list(value) := value if is_array(value)

_list(value) := [] if not is_array(value)

_object(value) := value if is_object(value)

_object(value) := {} if not is_object(value)

default _text(_) := ""

_text(value) := value if is_string(value)

_short(text) := text if count(text) <= 48

# What is cut is masked first: half a token looks like none.
_short(text) := concat("", [substring(shown.masked(replace(text, `"`, "'")), 0, 47), "…"]) if count(text) > 48
