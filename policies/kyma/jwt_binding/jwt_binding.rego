# METADATA
# title: JWT binding
# description: |
#   API Gateway forwards the caller's token to the Function. If a rule of an APIRule accepts any token of its issuer,
#   whoever gets hold of one that is made for another Function (that Function, for a start) gets in with it. So every
#   token must be bound by its audience to the one service it is made for, and issuer and keys must be ones to trust.
# schemas:
#   - input: schema.jwt_binding
# custom:
#   kind: KymaFunctionJWTBinding
#   fact: jwt-scope
#   match:
#     - apiGroups: [gateway.kyma-project.io]
#       kinds: [APIRule]
#   parameters:
#     targets:
#       type: string
#       enum: [all, functions]
#       default: all
#       description: |
#         Which rules of an APIRule are judged: all, as a token opens any service that accepts it, or only those whose
#         service belongs to a Function. A service of which that can't be told counts as a Function's.
#     sharedWithin:
#       type: string
#       enum: [none, namespace]
#       default: none
#       profiles: {baseline: namespace}
#       description: |
#         Whether services of one namespace may accept each other's tokens. With none every service needs an audience of
#         its own.
#     trustedAuthorizers:
#       type: array
#       items: {type: string}
#       default: []
#       description: |
#         Names of external authorizers that bind tokens themselves: extension providers of the mesh, or in v1beta1 the
#         handler (oauth2_introspection, oauth2_client_credentials, cookie_session).
#     trustedIssuers:
#       type: array
#       items:
#         type: object
#         required: [issuer]
#         properties:
#           issuer:
#             type: string
#             description: The issuer, exactly as the tokens name it.
#           jwksHosts:
#             type: array
#             items: {type: string}
#             description: Hosts, other than the issuer's own, that may serve its keys.
#       default: []
#       description: The only issuers allowed. If empty, any issuer is, as long as its keys come from its own host.
package kyma.jwt_binding

import data.lib.kfs.apirule
import data.lib.kfs.endpoints
import data.lib.kfs.finding
import data.lib.kfs.inventory

# METADATA
# title: JWT without authorizations
# scope: rule
# custom:
#   id: KFS-101
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   inventory: [Function, Service]
#   remediation: |
#     Add `authorizations: [{audiences: [<this service>]}]` beside `authentications`, with an audience that the issuer
#     puts only into tokens for this service; in an ory config `target_audience: [<this service>]`.
violation contains finding.new(rego.metadata.rule(), path, message) if {
	finding.selected(rego.metadata.rule())
	some rule in _judged
	some strategy in rule.strategies
	strategy.kind == "jwt"
	count(strategy.entries) == 0

	path := apirule.place(rule, strategy.entries_at)
	message := sprintf("%s has no authorizations, so any token of its issuer passes", [apirule.label(rule)])
}

# METADATA
# title: Authorization that binds nothing
# scope: rule
# custom:
#   id: KFS-102
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   inventory: [Function, Service]
#   remediation: |
#     Write `audiences`, a list of words, into every entry of `authorizations`, or remove the entry: one that asks for
#     nothing lets every token pass, whatever the others ask for. In an ory config, which reads no `authorizations`,
#     write the words into `target_audience`.
violation contains finding.new(rego.metadata.rule(), path, message) if {
	finding.selected(rego.metadata.rule())
	some rule in _judged
	some strategy in rule.strategies
	strategy.kind == "jwt"
	some i, entry in strategy.entries
	entry.binds == "nothing"

	path := apirule.place(rule, entry.at)
	message := sprintf("%s: authorization %d names nothing, or a blank or unreadable value", [apirule.label(rule), i])
}

# METADATA
# title: Wildcard audience or scope
# scope: rule
# custom:
#   id: KFS-103
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   inventory: [Function, Service]
#   remediation: Write out the audience or scope. With `*` at an end it is a pattern, which other services' tokens fit.
violation contains finding.new(rego.metadata.rule(), path, message) if {
	finding.selected(rego.metadata.rule())
	some rule in _judged
	some strategy in rule.strategies
	strategy.kind == "jwt"
	some i, entry in strategy.entries
	some wildcard in entry.wildcards

	path := apirule.place(rule, wildcard.at)
	message := sprintf("%s: authorization %d accepts the wildcard %q", [apirule.label(rule), i, wildcard.value])
}

# METADATA
# title: Authorization by scope only
# scope: rule
# custom:
#   id: KFS-104
#   severity: medium
#   profiles: {baseline: warn, strict: deny}
#   inventory: [Function, Service]
#   remediation: |
#     Add `audiences: [<this service>]` to the entry (`target_audience` in an ory config): services share scopes such as
#     `read`, and each of them receives the caller's token.
violation contains finding.new(rego.metadata.rule(), path, message) if {
	finding.selected(rego.metadata.rule())
	some rule in _judged
	some strategy in rule.strategies
	strategy.kind == "jwt"
	some i, entry in strategy.entries
	entry.binds == "scope"

	path := apirule.place(rule, entry.at)
	message := sprintf("%s: authorization %d asks for scopes but for no audience", [apirule.label(rule), i])
}

# METADATA
# title: Token that opens another service
# scope: rule
# custom:
#   id: KFS-105
#   severity: high
#   profiles: {baseline: warn, strict: deny}
#   inventory: [APIRule, Function, Service]
#   remediation: |
#     Give each service an audience of its own, and let the issuer put only that one into a token. Where services of one
#     namespace may share tokens, set the parameter sharedWithin: namespace.
violation contains finding.new(rego.metadata.rule(), path, message) if {
	finding.selected(rego.metadata.rule())
	some sharing in _sharings

	path := sharing.path
	message := sharing.text
}

# METADATA
# title: Decision left to an external authorizer
# scope: rule
# custom:
#   id: KFS-106
#   severity: medium
#   profiles: {baseline: warn, strict: deny}
#   inventory: [Function, Service]
#   remediation: |
#     Add `restrictions` with an audience in every entry of their `authorizations` (for the handler oauth2_introspection
#     `target_audience`), or name the authorizer in the parameter trustedAuthorizers if it binds tokens itself.
violation contains finding.new(rego.metadata.rule(), path, message) if {
	finding.selected(rego.metadata.rule())
	some rule in _judged
	some strategy in rule.strategies
	strategy.kind == "delegated"
	authorizers := strategy.authorizers
	not _trusted_authorizers(authorizers)
	some gap in _gaps(strategy)

	path := apirule.place(rule, gap.at)
	message := sprintf("%s leaves the decision to %s %s", [apirule.label(rule), strategy.handler, gap.text])
}

# METADATA
# title: Issuer or keys that can't be trusted
# scope: rule
# custom:
#   id: KFS-107
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   inventory: [Function, Service]
#   remediation: |
#     Name an issuer (one of the parameter trustedIssuers, if that is set) and an https URL without userinfo for its
#     keys: `authentications: [{issuer: "https://…", jwksUri: "https://…"}]`; in an ory config `trusted_issuers` and
#     `jwks_urls`, for the handler oauth2_introspection such an `introspection_url`.
violation contains finding.new(rego.metadata.rule(), path, message) if {
	finding.selected(rego.metadata.rule())
	some rule in _judged
	some strategy in rule.strategies
	some doubt in _doubts(strategy)

	path := apirule.place(rule, doubt.at)
	message := sprintf("%s: %s", [apirule.label(rule), doubt.text])
}

# METADATA
# title: Token in the URL
# scope: rule
# custom:
#   id: KFS-108
#   severity: medium
#   profiles: {baseline: warn, strict: deny}
#   inventory: [Function, Service]
#   remediation: |
#     Remove `fromParams` (`token_from.query_parameter`) and let callers send the token in a header: URLs are kept in
#     logs and histories.
violation contains finding.new(rego.metadata.rule(), path, message) if {
	finding.selected(rego.metadata.rule())
	some rule in _judged
	some strategy in rule.strategies
	some i, at in strategy.parameters

	path := apirule.place(rule, at)
	message := sprintf("%s: authentication %d takes the token from the URL", [apirule.label(rule), i])
}

# METADATA
# title: Effective spec that can't be read
# scope: rule
# custom:
#   id: KFS-109
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   remediation: |
#     Write the APIRule as v2, with its rules in `spec.rules` and without the annotations
#     `gateway.kyma-project.io/original-version` and `gateway.kyma-project.io/v1beta1-spec`.
violation contains finding.new(rego.metadata.rule(), path, message) if {
	path := apirule.lost(input.review.object)

	message := sprintf("the effective spec is hidden in annotation %q, which is missing or can't be read", [path[2]])
}

# METADATA
# title: Keys from another host than the issuer
# scope: rule
# custom:
#   id: KFS-110
#   severity: medium
#   profiles: {baseline: warn, strict: deny}
#   inventory: [Function, Service]
#   remediation: |
#     Take the URL that the issuer's own discovery document (`<issuer>/.well-known/openid-configuration`) names. If its
#     host is another one, allow it: `trustedIssuers: [{issuer: "https://…", jwksHosts: [<host>]}]`.
violation contains finding.new(rego.metadata.rule(), path, message) if {
	finding.selected(rego.metadata.rule())
	some rule in _judged
	some strategy in rule.strategies
	strategy.validates == true
	some authentication in strategy.authentications
	some named in authentication.issuers
	issuer := named.value
	is_string(issuer)
	some url in authentication.urls
	host := _host(url.value)
	not _keeps_keys(issuer, host)

	path := apirule.place(rule, url.at)
	message := sprintf("%s: the keys of %s come from host %q", [apirule.label(rule), _named(issuer), host])
}

_judged := [rule |
	some rule in apirule.rules(input.review.object)
	_targeted(rule.service)
]

_targeted(_) if not _functions_only

_targeted(service) if not _foreign(service)

_functions_only if input.parameters.targets == "functions"

# What surely is no Function's: a Service that is known, whose selector selects no Function that is known, and doesn't
# look as if it were for one that isn't.
_foreign(service) if {
	resource := inventory.named("Service", service.namespace, service.name)
	not _function_named(service)
	object.get(resource, ["spec", "type"], "ClusterIP") in {"ClusterIP", "NodePort", "LoadBalancer"}
	is_object(resource.spec.selector)
	count(resource.spec.selector) > 0
	every key, value in resource.spec.selector {
		is_string(value)
		not startswith(key, "serverless.kyma-project.io/")
	}
	count(_functions_behind(service)) == 0
}

_function_named(service) if inventory.named("Function", service.namespace, service.name)

_functions_behind(service) := {name |
	resource := inventory.named("Service", service.namespace, service.name)
	some name in endpoints.functions(service.namespace, resource.spec.selector)
}

_sharings := [{"path": token.path, "text": text} |
	some token in _own_tokens
	_targeted(token.service)
	sharing := _sharing(token.issuer, token.accepts, token.service)
	count(sharing.services) > 0
	text := sprintf("%s shares tokens of issuer %q with service %s", [token.label, token.issuer, _counted(sharing)])
] if {
	count(_own_kinds) <= 100
}

# To compare thousands with one another would take longer than a webhook has, and what times out may be let in.
_sharings := [{"path": ["spec"], "text": text}] if {
	count(_own_kinds) > 100
	text := sprintf("%d different sets of audiences and scopes are too many to compare", [count(_own_kinds)])
}

_own_kinds := {[token.issuer, token.accepts] | some token in _own_tokens}

# The other services that a token opens, or whose tokens open its own. It takes of a token only what equal rules have in
# common, so that OPA finds their peers once. Where there are many it reads a few, and more only if those don't share:
# first of those that have the first word, as each word costs Gatekeeper a pass through all APIRules.
_sharing(issuer, accepts, service) := {"services": services, "all": false} if {
	first := _by_word(issuer, accepts)[0]
	_nearest(first).all == false
	sample := _sample([first], service.namespace)
	services := _accepting(issuer, accepts, service, sample.peers)
	count(services) > 0
} else := {"services": services, "all": sample.all} if {
	sample := _sample(_by_word(issuer, accepts), service.namespace)
	services := _accepting(issuer, accepts, service, sample.peers)
	_settled_by(services, sample.all)
} else := {"services": services, "all": all} if {
	related := _related(issuer, accepts)
	sample := _sample(array.slice(sort(related), 0, _few), service.namespace)
	services := _accepting(issuer, accepts, service, sample.peers)
	all := {sample.all, count(related) <= _few} == {true}
	_settled_by(services, all)
} else := {"services": services, "all": true} if {
	candidates := _candidates(_related(issuer, accepts), service.namespace) - _exposing(service)
	services := _accepting(issuer, accepts, service, candidates)
}

_settled_by(_, true)

_settled_by(services, false) if count(services) > 0

_accepting(issuer, accepts, service, candidates) := {target |
	namespace := service.namespace
	some peer in array.concat(_own_peers(issuer, accepts), _peers(issuer, candidates))
	_overlap(accepts, peer.accepts)
	_targeted(peer.service)
	not _shared(namespace, peer)
	target := _target(peer.service)
} - {_target(service)}

_own_peers(issuer, accepts) := [peer |
	some key in _lookups(issuer, accepts)
	some peer in _own_index[key]
]

_peers(issuer, candidates) := [token |
	some [space, name] in candidates
	resource := inventory.named("APIRule", space, name)
	some token in _tokens(resource)
	token.issuer == issuer
]

# Normalised, an APIRule takes so long that a review can look at a few of them only.
_few := 3

_sample(keys, namespace) := {"peers": array.slice(peers, 0, _few), "all": all} if {
	nearest := [_nearest(key) | some key in keys]
	peers := sort({peer |
		some some_peers in nearest
		some peer in some_peers.peers
		_abroad(peer[0], namespace)
		peer != _own_place
	} | _wanderers(keys, namespace))
	cut := [true | some some_peers in nearest; some_peers.all == false]
	all := max([count(peers), count(cut) * (_few + 1)]) <= _few
}

_candidates(keys, namespace) := {peer |
	some key in keys
	some peer in _found(key)
	_abroad(peer[0], namespace)
	peer != _own_place
} | _wanderers(keys, namespace)

_own_place := [object.get(input.review.object, ["metadata", key], "") | some key in ["namespace", "name"]]

# APIRules of a namespace that may share are left out in one go, but for those that may expose services of another.
_abroad(space, namespace) if space != namespace

_abroad(_, _) if not input.parameters.sharedWithin == "namespace"

_wanderers(keys, namespace) := {[namespace, name] |
	input.parameters.sharedWithin == "namespace"
	some key in keys
	some name in _wandering_among(namespace, _found(key))
}

_wandering_among(namespace, found) := {name |
	some [space, name] in found
	space == namespace
	_wandering[[space, name]]
} if {
	count(found) <= _few
}

_wandering_among(namespace, found) := {name | _wandering[[namespace, name]]; [namespace, name] in found} if {
	count(found) > _few
}

# Of many the first and the last: sorted, one namespace's can't be at both ends unless there are no others.
_nearest(key) := {"peers": found, "all": true} if {
	found := _found(key)
	count(found) <= 2 * (_few + 1)
}

_nearest(key) := {"peers": array.concat(first, last), "all": false} if {
	found := sort(_found(key))
	count(found) > 2 * (_few + 1)
	first := array.slice(found, 0, _few + 1)
	last := array.slice(found, count(found) - (_few + 1), count(found))
}

_found(["audience", issuer, audience]) := {peer | _by_audience[[issuer, audience, peer]]}

_found(["scope", issuer, scope]) := {peer | _by_scope[[issuer, scope, peer]]}

_found(["sole scope", issuer, scope]) := {peer | _by_sole_scope[[issuer, scope, peer]]}

_found(["kind", kind]) := object.keys(_by_kind[kind])

# One asks for nothing that the other doesn't: then a token for the other opens it.
_overlap(some_accept, others_accept) if _within(some_accept, others_accept)

_overlap(some_accept, others_accept) if _within(others_accept, some_accept)

_within(part, whole) if {
	count(part.audiences - whole.audiences) == 0
	count(part.scopes - whole.scopes) == 0
}

_shared(namespace, peer) if {
	input.parameters.sharedWithin == "namespace"
	peer.service.namespace == namespace
}

# The APIRules that plainly expose this service and no other one: a service may have hundreds, and kfs reviews each.
_exposing(service) := {[service.namespace, name] | _plain[[service.namespace, service.name, name]]}

_plain contains [space, service, name] if {
	apirules := data.inventory.namespace[space]["gateway.kyma-project.io/v2"].APIRule
	service := apirules[name].spec.service.name
	not _special[[space, name]]
}

# What isn't known to say nothing of a service, in any case of letters, may.
_special contains [space, name] if {
	apirules := data.inventory.namespace[space]["gateway.kyma-project.io/v2"].APIRule
	some key, _ in apirules[name].spec
	not key in {"corsPolicy", "gateway", "hosts", "rules", "service", "timeout"}
}

_special contains [space, name] if {
	apirules := data.inventory.namespace[space]["gateway.kyma-project.io/v2"].APIRule
	some key, _ in apirules[name].spec.rules[_]
	not key in {"extAuth", "jwt", "methods", "mutators", "noAuth", "path", "request", "timeout"}
}

_special contains [space, name] if _wandering[[space, name]]

# The APIRules that may expose a service of another namespace than their own.
_wandering contains [space, name] if {
	apirules := data.inventory.namespace[space][_].APIRule
	some key, _ in apirules[name].spec.service
	not key in _service_keys
}

_wandering contains [space, name] if {
	apirules := data.inventory.namespace[space][_].APIRule
	some key, _ in apirules[name].spec.rules[_].service
	not key in _service_keys
}

_wandering contains [space, name] if {
	apirules := data.inventory.namespace[space][_].APIRule
	annotations := apirules[name].metadata.annotations
	some key in _annotations
	_ = annotations[key]
}

_service_keys := {"external", "host", "name", "port"}

_annotations := {"gateway.kyma-project.io/v1beta1-spec", "gateway.kyma-project.io/v2alpha1-rules"}

# Peers are found by what stands in them, as written: to read them all as lib.kfs.apirule does would take Gatekeeper,
# which does this in every review, longer than a webhook has. So what follows may find too many, but must miss none. It
# follows references only, as a function that takes an object of the inventory makes OPA convert all of it. What is
# looked up by its keys alone isn't made whole but where it is kept: Gatekeeper goes through the APIRules for the few
# words of the reviewed one.
#
# Where a token opens another's service, one asks for nothing that the other doesn't: they have an audience in common;
# unless one asks for none: then a scope.
_by_word(issuer, accepts) := array.concat(audiences, scopes) if {
	audiences := [key | some audience in accepts.audiences; key := ["audience", issuer, audience]]
	index := {true: "scope", false: "sole scope"}[count(accepts.audiences) == 0]
	scopes := [key | some scope in accepts.scopes; key := [index, issuer, scope]]
}

_by_audience contains [issuer, audience, [space, name]] if {
	apirules := data.inventory.namespace[space][_].APIRule
	audience := apirules[name].spec.rules[i].jwt.authorizations[_].audiences[_]
	issuer := apirules[name].spec.rules[i].jwt.authentications[_].issuer
}

_by_audience contains [issuer, audience, [space, name]] if {
	some [strategy, space, name] in _written_elsewhere
	audience := strategy.authorizations[_].audiences[_]
	issuer := strategy.authentications[_].issuer
}

_by_scope contains [issuer, scope, [space, name]] if {
	some [strategy, space, name] in _written
	scope := strategy.authorizations[_].requiredScopes[_]
	issuer := strategy.authentications[_].issuer
}

# Of entries without audiences.
_by_sole_scope contains [issuer, scope, [space, name]] if {
	apirules := data.inventory.namespace[space][_].APIRule
	entry := apirules[name].spec.rules[i].jwt.authorizations[_]
	not entry.audiences[0]
	scope := entry.requiredScopes[_]
	issuer := apirules[name].spec.rules[i].jwt.authentications[_].issuer
}

_by_sole_scope contains [issuer, scope, [space, name]] if {
	some [strategy, space, name] in _written_elsewhere
	entry := strategy.authorizations[_]
	not entry.audiences[0]
	scope := entry.requiredScopes[_]
	issuer := strategy.authentications[_].issuer
}

# Where many have a word in common, the kinds of entries tell those apart that don't open each other's services: the
# keys of all whose entries ask for nothing that the token doesn't have, or the reverse.
_related(issuer, accepts) := {["kind", kind] | some kind in (_wider(issuer, accepts) | _narrower(issuer, accepts))}

_wider(issuer, accepts) := {kind |
	rarest := min([[count(object.get(_kinds_by_word, [key], {})), key] |
		some [field, words] in [["audience", accepts.audiences], ["scope", accepts.scopes]]
		some word in words
		key := [issuer, field, word]
	])
	some kind, _ in _kinds_by_word[rarest[1]]
	count(accepts.audiences - kind[1]) == 0
	count(accepts.scopes - kind[2]) == 0
}

_narrower(issuer, accepts) := {kind |
	some first in (accepts.audiences | {null})
	some last in (accepts.scopes | {null})
	some kind, _ in _kinds_by_ends[[issuer, first, last]]
	count(kind[1] - accepts.audiences) == 0
	count(kind[2] - accepts.scopes) == 0
}

_kinds_by_word := object.union_n(array.concat(
	[{[kind[0], "audience", audience]: {kind: true}} | some kind, _ in _by_kind; some audience in kind[1]],
	[{[kind[0], "scope", scope]: {kind: true}} | some kind, _ in _by_kind; some scope in kind[2]],
))

# What is part of a token has its first audience and its last scope in it. To look these two up together finds few,
# whether all share the audience or the scope.
_kinds_by_ends := object.union_n([{[kind[0], _least(kind[1]), _greatest(kind[2])]: {kind: true}} |
	some kind, _ in _by_kind
])

_least(words) := min(words) if count(words) > 0

_least(words) := null if count(words) == 0

_greatest(words) := max(words) if count(words) > 0

_greatest(words) := null if count(words) == 0

# {[issuer, audiences, scopes]: {[namespace, name of an APIRule]: true}}.
_by_kind := object.union_n([{[issuer, audiences, scopes]: {[space, name]: true}} |
	some [strategy, space, name] in _written
	entry := strategy.authorizations[_]
	audiences := {audience | some audience in entry.audiences}
	scopes := {scope | some scope in entry.requiredScopes}
	issuer := strategy.authentications[_].issuer
])

# [what has authentications and authorizations, namespace, name of its APIRule].
_written := array.concat(_written_as_jwt, _written_elsewhere)

_written_as_jwt := [[strategy, space, name] |
	apirules := data.inventory.namespace[space][_].APIRule
	strategy := apirules[name].spec.rules[_].jwt
]

_written_elsewhere := array.concat(
	_written_as_restrictions,
	array.concat(_written_in_config, _written_in_annotation),
)

_written_as_restrictions := [[strategy, space, name] |
	apirules := data.inventory.namespace[space][_].APIRule
	strategy := apirules[name].spec.rules[_].extAuth.restrictions
]

_written_in_config := [[strategy, space, name] |
	some version in ["gateway.kyma-project.io/v1beta1", "gateway.kyma-project.io/v1alpha1"]
	apirules := data.inventory.namespace[space][version].APIRule
	config := apirules[name].spec.rules[_].accessStrategies[_].config
	some strategy in _dialects(config)
]

_written_in_annotation := [[strategy, space, name] |
	apirules := data.inventory.namespace[space][_].APIRule
	annotations := apirules[name].metadata.annotations
	some key in _annotations
	some strategy in _annotated(annotations[key])
]

# In each dialect, and by each reading where nobody knows which holds.
_dialects(config) := [config, {
	"authentications": [{"issuer": issuer} | some issuer in config.trusted_issuers],
	"authorizations": [{"audiences": object.get(config, "target_audience", []), "requiredScopes": scopes} |
		some scopes in [object.get(config, "required_scope", []), []]
	],
}] if {
	is_object(config)
}

_annotated(text) := [strategy |
	is_string(text)
	json.is_valid(text)
	value := json.unmarshal(text)
	some configs in [
		[config | config := value.rules[_].accessStrategies[_].config],
		[config | config := value[_].jwt],
		[config | config := value[_].extAuth.restrictions],
	]
	some config in configs
	some strategy in _dialects(config)
]

# By what tokens can have in common.
_own_index[key] contains token if {
	some token in _own_tokens
	some key in _keys(token)
}

_own_tokens := _tokens(input.review.object)

# What the entries that bind accept, once an issuer.
_tokens(resource) := [token |
	some rule in apirule.rules(resource)
	some strategy in rule.strategies
	some entry in strategy.entries
	entry.binds in {"audience", "scope"}
	some authentication in strategy.authentications
	some issuer in authentication.issuers
	is_string(issuer.value)
	token := {
		"issuer": issuer.value,
		"accepts": {
			"audiences": {audience | some audience in entry.audiences},
			"scopes": {scope | some scope in entry.scopes},
		},
		"service": rule.service,
		"path": apirule.place(rule, entry.at),
		"label": apirule.label(rule),
	}
]

_keys(token) := union({
	{json.marshal([token.issuer, "audience", audience]) | some audience in token.accepts.audiences},
	{json.marshal([token.issuer, "scope", scope]) | some scope in token.accepts.scopes},
	{json.marshal([token.issuer, "scope only", scope]) |
		count(token.accepts.audiences) == 0
		some scope in token.accepts.scopes
	},
})

# Where one accepts what the other does, they have an audience in common; unless one asks for none: then a scope.
_lookups(issuer, accepts) := union({
	{json.marshal([issuer, "audience", audience]) | some audience in accepts.audiences},
	{json.marshal([issuer, "scope only", scope]) | some scope in accepts.scopes},
	{json.marshal([issuer, "scope", min(accepts.scopes)]) | count(accepts.audiences) == 0},
})

# The Function behind a service, if that is one; then an alias of its Service is no other.
_target(service) := target if {
	_functions_only
	not _function_named(service)
	names := _functions_behind(service)
	count(names) == 1
	target := {"name": max(names), "namespace": service.namespace}
} else := service

_counted(sharing) := sprintf("%s/%s%s", [first.namespace, first.name, more]) if {
	first := min(sharing.services)
	more := _more(count(sharing.services) - 1, sharing.all)
}

_more(0, true) := ""

_more(number, true) := sprintf(" and %d more", [number]) if number > 0

_more(number, false) := sprintf(" and at least %d more", [number])

_trusted_authorizers(authorizers) if {
	count(authorizers) > 0
	every authorizer in authorizers {
		is_string(authorizer)
		authorizer in input.parameters.trustedAuthorizers
	}
}

_gaps(strategy) := [{"at": strategy.entries_at, "text": "without restrictions"}] if count(strategy.entries) == 0

_gaps(strategy) := [{"at": entry.at, "text": text} |
	some i, entry in strategy.entries
	text := sprintf("and restriction %d %s", [i, _looseness[entry.binds]])
] if {
	count(strategy.entries) > 0
}

_looseness := {
	"nothing": "names nothing, or a blank or unreadable value",
	"wildcard": "accepts a wildcard",
	"scope": "asks for no audience",
}

_doubts(strategy) := array.concat(_missing(strategy), [doubt |
	some authentication in strategy.authentications
	some doubt in array.concat(
		[{"at": issuer.at, "text": _issuer_doubt(issuer.value)} | some issuer in authentication.issuers],
		[{"at": url.at, "text": _url_doubt(url.value)} | some url in authentication.urls],
	)
])

_missing(strategy) := [{"at": strategy.authentications_at, "text": "there are no authentications"}] if {
	strategy.validates == true
	count(strategy.authentications) == 0
}

_missing(strategy) := [{"at": authentication.at, "text": text} |
	some i, authentication in strategy.authentications
	missing := [name |
		some [name, values] in [["issuer", authentication.issuers], ["URL for its keys", authentication.urls]]
		count(values) == 0
	]
	count(missing) > 0
	text := sprintf("authentication %d names no %s", [i, concat(" and no ", missing)])
] if {
	strategy.validates == true
	count(strategy.authentications) > 0
}

_missing(strategy) := [{"at": authentication.at, "text": "it names no introspection URL"} |
	strategy.handler == "oauth2_introspection"
	some authentication in strategy.authentications
	count(authentication.urls) == 0
] if {
	strategy.validates == false
}

_issuer_doubt(issuer) := "the issuer is blank or no text" if not _worded(issuer)

_issuer_doubt(issuer) := sprintf("issuer %q isn't one of trustedIssuers", [issuer]) if {
	_worded(issuer)
	_issuers_restricted
	not _listed_issuer(issuer)
}

_worded(value) if {
	is_string(value)
	trim_space(value) != ""
}

_issuers_restricted if {
	issuers := input.parameters.trustedIssuers
	issuers != []
}

_listed_issuer(issuer) if {
	some trusted in input.parameters.trustedIssuers
	trusted.issuer == issuer
}

# A URL isn't repeated: what stands before its @ is a secret.
_url_doubt(url) := "a URL for keys or introspection is no text" if not is_string(url)

_url_doubt(url) := "a URL for keys or introspection isn't https" if {
	is_string(url)
	not _secure(url)
}

_url_doubt(url) := "a URL for keys or introspection has userinfo, or a host that can't be read" if {
	_secure(url)
	not _hosted(url)
}

_secure(url) if {
	is_string(url)
	startswith(lower(url), "https://")
}

_hosted(url) if _host(url)

# Lower case, without a port 443 and a trailing dot; undefined for what isn't plainly a URL.
_host(url) := _normal(match[1]) if {
	is_string(url)
	some match in regex.find_all_string_submatch_n(_url, url, 1)
}

# Of an issuer that is no URL the keys come from another host than its own even where the two read alike.
_named(issuer) := sprintf("issuer %q", [issuer]) if _hosted(issuer)

_named(issuer) := sprintf("issuer %q, which is no URL,", [issuer]) if not _hosted(issuer)

_url := concat("", [
	`^[Hh][Tt][Tt][Pp][Ss]?://`,
	`((?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\.?)(?::[0-9]+)?)`,
	`(?:[/?#]\S*)?$`,
])

_normal(host) := regex.replace(trim_suffix(lower(host), ":443"), `\.(:[0-9]+)?$`, "$1")

_keeps_keys(issuer, host) if _host(issuer) == host

_keeps_keys(issuer, host) if {
	some trusted in input.parameters.trustedIssuers
	trusted.issuer == issuer
	some allowed in trusted.jwksHosts
	is_string(allowed)
	_normal(allowed) == host
}
