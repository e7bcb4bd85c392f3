# METADATA
# title: Istio authentication and authorization
# description: |
#   An APIRule becomes Istio objects in the end, and whoever writes such objects by hand can open a Function beside it:
#   ALLOW policies are a union, one that lets anyone in is enough. So a policy on a Function's pods says who may call,
#   tokens are accepted for an audience or a scope only, and nothing may rewrite the sidecar that enforces both.
#   It holds in system namespaces too: what stands in the mesh's root namespace applies to all the others.
# schemas:
#   - input: schema.istio_auth
# custom:
#   kind: KymaFunctionIstioAuth
#   fact: jwt-scope
#   match:
#     - apiGroups: [security.istio.io]
#       kinds: [AuthorizationPolicy, RequestAuthentication]
#     - apiGroups: [networking.istio.io]
#       kinds: [EnvoyFilter, Sidecar]
#     - apiGroups: [extensions.istio.io]
#       kinds: [TrafficExtension, WasmPlugin]
#   systemNamespaces: true
#   parameters:
#     openPaths:
#       type: array
#       items: {type: string}
#       default: [/healthz]
#       description: Paths, exactly as written in `to`, that an ALLOW rule may open to every caller.
#     rootNamespace:
#       type: string
#       default: istio-system
#       description: The mesh's root namespace. Istio applies what stands in it to all namespaces.
#     trustedControllers:
#       type: array
#       items: {type: string}
#       default: ["system:serviceaccount:kyma-system:api-gateway-controller-manager"]
#       description: |
#         Users whose requests aren't judged, because they write only what other objects ask for, which are. Only an
#         admission request has a user: an audit and a file have none.
#     platformObjects:
#       type: array
#       items:
#         type: object
#         properties:
#           kind: {type: string}
#           namespace: {type: string}
#           name: {type: string}
#       default: [{kind: EnvoyFilter, namespace: istio-system, name: kyma-referer}]
#       description: |
#         Objects of the platform that aren't judged, by kind, namespace and name. kyma-referer is the Istio module's
#         own: it sets one runtime flag in every proxy.
package kyma.istio_auth

import data.lib.kfs.apirule
import data.lib.kfs.authorization
import data.lib.kfs.finding
import data.lib.kfs.function
import data.lib.kfs.inventory
import data.lib.kfs.selector

# METADATA
# title: ALLOW rule that names no caller
# scope: rule
# custom:
#   id: KFS-121
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   inventory: [APIRule, Function]
#   remediation: |
#     Name the callers of every source (`principals`, `namespaces`, `requestPrincipals: ["https://idp.example.com/*"]`),
#     or demand an audience of their tokens with `when: [{key: "request.auth.claims[aud]", values: [my-function]}]`.
violation contains finding.new(rego.metadata.rule(), opening.path, message) if {
	input.review.object.kind == "AuthorizationPolicy"
	finding.selected(rego.metadata.rule())
	not _trusted
	some opening in _openings
	rule := opening.rule
	not _requested(rule)
	count(_pods) > 0

	message := sprintf("%s names no caller, so anyone may call %s", [opening.name, _victims])
}

# METADATA
# title: Tokens accepted without audience
# scope: rule
# custom:
#   id: KFS-122
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   inventory: [APIRule, AuthorizationPolicy, Function]
#   absence: true
#   remediation: |
#     Write the `audiences` that the Function expects into the jwtRule, or give every ALLOW rule that accepts tokens of
#     the issuer `when: [{key: "request.auth.claims[aud]", values: [my-function]}]`.
violation contains finding.new(rego.metadata.rule(), path, message) if {
	input.review.object.kind == "RequestAuthentication"
	finding.selected(rego.metadata.rule())
	not _trusted
	some i, jwt_rule in _list(_spec(input.review.object), "jwtRules")
	audiences := _member(jwt_rule, "audiences")
	not authorization.effective(audiences)
	not _requested_issuer(jwt_rule)
	issuer := _member(jwt_rule, "issuer")
	_replayable(issuer)

	at := [key | some key in object.keys(_object(jwt_rule)); key == "audiences"]
	path := array.concat(["spec", "jwtRules", i], at)
	message := sprintf("any token of issuer %s opens %s: no audience or scope binds it", [_quoted(issuer), _victims])
}

# METADATA
# title: Sidecar of a Function rewritten
# scope: rule
# custom:
#   id: KFS-123
#   severity: high
#   profiles: {baseline: warn, strict: deny}
#   inventory: [Function]
#   remediation: |
#     Remove the object, or narrow its selector to workloads that aren't Functions. An EnvoyFilter meant for gateways
#     says `match: {context: GATEWAY}` in every patch.
violation contains finding.new(rego.metadata.rule(), ["kind"], message) if {
	input.review.object.kind in {"EnvoyFilter", "Sidecar", "TrafficExtension", "WasmPlugin"}
	finding.selected(rego.metadata.rule())
	not _trusted
	not _for_gateways
	count(_pods) > 0

	message := sprintf("%s can switch off what guards %s", [input.review.object.kind, _victims])
}

_trusted if {
	is_array(input.parameters.trustedControllers)
	input.review.userInfo.username in input.parameters.trustedControllers
}

_trusted if {
	some platform in input.parameters.platformObjects
	platform.kind == input.review.object.kind
	platform.namespace == input.review.object.metadata.namespace
	platform.name == input.review.object.metadata.name
}

# A Function's pod has a sidecar: what is patched for gateways only doesn't reach it, unless it is the bootstrap, which
# is patched whatever the context (istio: pilot/pkg/xds/bds.go).
_for_gateways if {
	input.review.object.kind == "EnvoyFilter"
	patches := _list(_spec(input.review.object), "configPatches")
	count(patches) > 0
	every patch in patches {
		patch.match.context == "GATEWAY"
		_member(patch, "applyTo") != "BOOTSTRAP"
	}
}

# The pods of Functions on which the object acts, known by their labels.
_pods := _known_pods if count(_known_pods) > 0

# A selector that says serverless.kyma-project.io means Functions, though there are none yet.
_pods := {{"namespace": _namespace, "labels": _wanted_labels, "names": names} |
	is_object(_wanted_labels)
	some key in object.keys(_wanted_labels)
	startswith(key, "serverless.kyma-project.io/")
	names := {name | name := _wanted_labels[_name_label]; is_string(name)}
} if {
	count(_known_pods) == 0
}

# Of Functions whose pods are the same to all policies concerned, the pod of one stands for all.
_known_pods contains {"namespace": kind.space, "labels": labels, "names": kind.names - {""}} if {
	some kind in _kinds
	labels := function.meshed_pod(kind.function)
	_acts_on(kind.space, labels)
}

# Of a selector that takes a few Functions, no others need be told apart.
_kinds := function.singly(_namespace, _chosen) if {
	_namespace != _root_namespace
	_few_chosen
}

_kinds := function.alike({_namespace}, set(), function.each(_namespace)) if {
	_namespace != _root_namespace
	not _few_chosen
	function.few(_namespace)
}

_kinds := function.alike({_namespace}, set(), _mentioned({_namespace, _root_namespace})) if {
	_namespace != _root_namespace
	not _few_chosen
	not function.few(_namespace)
}

_kinds := function.alike(object.keys(data.inventory.namespace), apart, _mentioned(apart)) if {
	_namespace == _root_namespace
	apart := {_namespace} | _with_policies
}

_few_chosen if {
	count(authorization.targets(_spec(input.review.object))) == 0
	selector.labels_readable(_wanted_labels)
	not _wanted_labels in [null, {}]
	count(_chosen) <= 20
}

_chosen := function.chosen(_namespace, _wanted_labels)

# What the reviewed object asks of a pod, and what the policies of these namespaces do that may guard it. Build pods
# have no sidecar.
_mentioned(spaces) := object.union(selector.mentioned(array.concat(own, others)), {"builds": false}) if {
	own := array.concat([{"matchLabels": _wanted_labels}], [{"matchLabels": {_name_label: target.name}} |
		some target in authorization.targets(_spec(input.review.object))
	])
	others := [chosen |
		input.review.object.kind == "RequestAuthentication"
		some space in spaces
		some version, names in inventory.versioned("AuthorizationPolicy", space)
		some name in names
		chosen := data.inventory.namespace[space][version].AuthorizationPolicy[name].spec.selector
	]
}

_with_policies := {space |
	input.review.object.kind == "RequestAuthentication"
	some version in inventory.versions.AuthorizationPolicy
	count(data.inventory.namespace[space][version].AuthorizationPolicy) > 0
}

_name_label := "serverless.kyma-project.io/function-name"

_acts_on(_, labels) if {
	_selects
	selector.labels_match(_wanted_labels, labels)
}

# A selector that can't be read may select anything.
_acts_on(_, _) if not selector.labels_readable(_wanted_labels)

_acts_on(namespace, labels) if {
	some target in authorization.targets(_spec(input.review.object))
	_aimed(target, namespace, labels)
}

_selects if count(authorization.targets(_spec(input.review.object))) == 0

_selects if not is_null(_wanted_labels)

# A Function's Service has its name.
_aimed(target, namespace, labels) if {
	target.kind == "Service"
	labels[_name_label] in {target.name, null}
	namespace == _namespace
}

# Nothing in a policy tells a waypoint, which guards the whole namespace, from another gateway.
_aimed(target, _, _) if not _no_gateway(target)

_no_gateway(target) if {
	target.kind in {"Service", "ServiceEntry"}
	is_string(target.name)
}

_wanted_labels := _wanted(input.review.object.kind, _spec(input.review.object))

_namespace := _text(_member(_member(input.review.object, "metadata"), "namespace"))

default _root_namespace := "istio-system"

_root_namespace := input.parameters.rootNamespace if {
	is_string(input.parameters.rootNamespace)
	input.parameters.rootNamespace != ""
}

_victims := sprintf("the pods of Function %q", [names[0]]) if {
	names := sort(_names_of_victims)
	count(names) == 1
}

_victims := sprintf("the pods of Function %q and %d more", [names[0], count(names) - 1]) if {
	names := sort(_names_of_victims)
	count(names) > 1
}

_victims := "the pods of Functions" if count(_names_of_victims) == 0

_names_of_victims := union({pod.names | some pod in _pods})

# What an ALLOW policy opens: the places at which it names no caller.
_openings contains {"path": path, "name": opening.name, "rule": opening.rule} if {
	spec := authorization.spec(input.review.object)
	authorization.allows(spec)
	some opening in authorization.openings(spec, _open_paths)
	path := array.concat(["spec", "rules"], opening.at)
}

default _open_paths := []

_open_paths := input.parameters.openPaths if is_array(input.parameters.openPaths)

# True if a token of the issuer opens one of the pods whatever service it was made for.
_replayable(issuer) if {
	some pod in _pods
	space := pod.namespace
	labels := pod.labels
	not _guarded(space, labels, issuer)
}

# A rule on the pod demands a bound token, and none takes one that isn't. That nobody may call it yet is no guard: the
# rule that someone adds is judged for the callers it names, and an issuer is one.
_guarded(space, labels, issuer) if {
	policies := _allow_policies(space, labels)
	some policy in policies
	policy.certain
	some demand in authorization.rules(policy.spec)
	authorization.token_bound(demand)
	rules := [rule | some possible in policies; some rule in authorization.rules(possible.spec)]
	every rule in rules { _spares(rule, issuer) }
}

_spares(rule, _) if authorization.token_bound(rule)

_spares(rule, _) if authorization.harmless(rule, _open_paths)

_spares(rule, issuer) if not _admits(rule, issuer)

_admits(rule, issuer) if {
	some caller in authorization.callers(rule)
	filters := array.concat(
		[values | values := _member(caller.source, "requestPrincipals"); not values in {null, []}],
		[_member(condition, "values") |
			some condition in _array(_member(rule, "when"))
			_member(condition, "key") == "request.auth.principal"
		],
	)
	_looks_at_tokens(rule, caller.source, filters)
	every values in filters { _takes(values, issuer) }
}

_looks_at_tokens(_, _, filters) if count(filters) > 0

_looks_at_tokens(rule, _, _) if {
	some condition in _array(_member(rule, "when"))
	startswith(_text(_member(condition, "key")), "request.auth.")
}

# A source that anyone can have is had by the bearer of a token.
_looks_at_tokens(rule, source, []) if {
	not authorization.bound(source)
	not authorization.conditioned(rule)
}

# A requestPrincipal is issuer/subject. Without an issuer the jwtRule accepts those of all (Istio since 1.27).
_takes(_, issuer) if trim_space(_text(issuer)) == ""

_takes(values, _) if not is_array(values)

_takes(values, issuer) if {
	some value in values
	_may_match(value, sprintf("%s/", [issuer]))
}

_may_match(value, _) if not is_string(value)

_may_match(value, _) if startswith(_text(value), "*")

_may_match(value, issuer) if startswith(_text(value), issuer)

_may_match(value, issuer) if {
	endswith(_text(value), "*")
	startswith(issuer, trim_suffix(value, "*"))
}

# The specs of the ALLOW policies that a sidecar of the pod may enforce, and whether it does for certain.
_allow_policies(space, labels) := [{"spec": spec, "certain": count(certainly) > 0} |
	some source in {space, _root_namespace}
	some version, names in inventory.versioned("AuthorizationPolicy", source)
	some name in (names & inventory.near("AuthorizationPolicy", source, version, labels))
	policy := data.inventory.namespace[source][version].AuthorizationPolicy[name]
	spec := authorization.spec(policy)
	authorization.allows(spec)
	authorization.enforceable(policy, labels)
	certainly := {true | authorization.enforced(policy, function.settled(labels))}
]

# API Gateway's own objects ask for no more than the APIRule that their labels name, and it is judged itself. As anyone
# can write the labels, they count only with the APIRule there, for the same Service, and asking for just that: for
# v1beta1 older releases wrote a rule that takes any token for the path of a jwt strategy without authorizations.
_requested(rule) if {
	_filled(_member(rule, "to"))
	every caller in authorization.callers(rule) { caller.source == {"requestPrincipals": ["*"]} }
	some request in _requests
	request.strategy.validates
	count(request.strategy.entries) == 0
	every operation in rule.to { operation.operation.paths == [request.path] }
}

_requested_issuer(jwt_rule) if {
	some request in _requests
	some authentication in request.strategy.authentications
	_member(jwt_rule, "issuer") in {issuer.value | some issuer in authentication.issuers}
	_member(jwt_rule, "jwksUri") in {url.value | some url in authentication.urls}
	_member(jwt_rule, "jwks") in {null, ""}
}

# What the owner asks for the one Function that the object selects with the labels of its Service.
_requests contains {"path": _istio_path(rule.request_path), "strategy": strategy} if {
	some owner in _owners
	some rule in apirule.rules(owner)
	rule.service == {"name": _served, "namespace": _namespace}
	some strategy in rule.strategies
}

_istio_path(path) := "/*" if path == "/.*"

_istio_path(path) := path if path != "/.*"

_served := _wanted_labels[_name_label] if {
	is_object(_wanted_labels)
	object.keys(_wanted_labels) == {
		"serverless.kyma-project.io/function-name",
		"serverless.kyma-project.io/managed-by",
		"serverless.kyma-project.io/resource",
		"serverless.kyma-project.io/uuid",
	}
}

_owners contains owner if {
	labels := input.review.object.metadata.labels
	owner := inventory.named(
		"APIRule",
		labels["apirule.gateway.kyma-project.io/namespace"],
		labels["apirule.gateway.kyma-project.io/name"],
	)
}

# Older releases wrote both in one label, <name>.<namespace>; a name may have dots.
_owners contains owner if {
	label := input.review.object.metadata.labels["apirule.gateway.kyma-project.io/v1beta1"]
	is_string(label)
	parts := split(label, ".")
	last := count(parts) - 1
	owner := inventory.named("APIRule", parts[last], concat(".", array.slice(parts, 0, last)))
}

# The labels that the object wants of a pod; null wants none. Istio reads no matchExpressions.
_wanted(kind, spec) := _member(_selector(kind, spec), "matchLabels") if {
	kind in {"AuthorizationPolicy", "RequestAuthentication", "TrafficExtension", "WasmPlugin"}
	_readable(_selector(kind, spec))
}

_wanted(kind, spec) := _member(_selector(kind, spec), "labels") if {
	kind in {"EnvoyFilter", "Sidecar"}
	_readable(_selector(kind, spec))
}

_wanted(kind, spec) := "unreadable" if {
	pod_selector := _selector(kind, spec)
	not _readable(pod_selector)
}

_selector(kind, spec) := _member(spec, "selector") if not kind in {"EnvoyFilter", "Sidecar"}

_selector(kind, spec) := _member(spec, "workloadSelector") if kind in {"EnvoyFilter", "Sidecar"}

_readable(value) if is_null(value)

_readable(value) if is_object(value)

# A spec that can't be read is one with all lists unreadable.
_spec(resource) := spec if {
	spec := _member(resource, "spec")
	is_object(spec)
}

_spec(resource) := {} if is_null(_member(resource, "spec"))

_spec(resource) := {"rules": "unreadable", "jwtRules": "unreadable"} if {
	spec := _member(resource, "spec")
	not _readable(spec)
}

# The items of a list; one that is none has an item that can't be read.
_list(spec, key) := _member(spec, key) if is_array(_member(spec, key))

_list(spec, key) := [] if is_null(_member(spec, key))

_list(spec, key) := [null] if {
	value := _member(spec, key)
	not is_null(value)
	not is_array(value)
}

_filled(values) if {
	is_array(values)
	count(values) > 0
}

default _array(_) := []

_array(value) := value if is_array(value)

default _object(_) := {}

_object(value) := value if is_object(value)

default _text(_) := ""

_text(value) := value if is_string(value)

default _quoted(_) := "unknown"

_quoted(value) := sprintf("%q", [value]) if trim_space(_text(value)) != ""

default _member(_, _) := null

_member(resource, key) := resource[key] if is_object(resource)
