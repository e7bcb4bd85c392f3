# METADATA
# title: Exposure
# description: |
#   Whoever reaches a Function without a token needs none that was made for it. An APIRule opens a Function by a
#   strategy that asks for nothing, by paths and methods that undo each other, or beside another APIRule that asks for
#   more. A Service, an Ingress or a route of Istio or the Gateway API does so without any APIRule.
# schemas:
#   - input: schema.exposure
# custom:
#   kind: KymaFunctionExposure
#   fact: jwt-scope
#   match:
#     - apiGroups: [gateway.kyma-project.io]
#       kinds: [APIRule]
#     - apiGroups: [oathkeeper.ory.sh]
#       kinds: [Rule]
#     - apiGroups: [networking.istio.io]
#       kinds: [VirtualService, ServiceEntry]
#     - apiGroups: [networking.k8s.io, extensions]
#       kinds: [Ingress]
#     - apiGroups: [gateway.networking.k8s.io]
#       kinds: [HTTPRoute, GRPCRoute, TCPRoute, TLSRoute]
#     - apiGroups: [""]
#       kinds: [Service]
#   parameters:
#     openMethods:
#       type: array
#       items:
#         type: string
#         enum: [CONNECT, DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, TRACE]
#       default: [OPTIONS]
#       description: |
#         The methods that may be open to everyone. The OPTIONS request that a browser sends before a cross-origin
#         request carries no token.
#     foreignServices:
#       type: string
#       enum: [any, functions]
#       default: any
#       profiles: {baseline: functions}
#       description: |
#         Which services an APIRule may not expose from another namespace: any service, or those behind which there is a
#         Function.
#     trustedControllers:
#       type: array
#       items: {type: string}
#       default: ["system:serviceaccount:kyma-system:api-gateway-controller-manager"]
#       description: |
#         The users whose requests make VirtualServices and Rules of APIRules. In audit and in files, where there is no
#         request, such an object is known by the APIRule that its labels name, if that one exposes the same service.
package kyma.exposure

import data.lib.kfs.apirule
import data.lib.kfs.endpoints
import data.lib.kfs.finding
import data.lib.kfs.function
import data.lib.kfs.httppath
import data.lib.kfs.inventory

# METADATA
# title: Rule open to everyone
# scope: rule
# custom:
#   id: KFS-111
#   severity: high
#   profiles: {baseline: warn, strict: deny}
#   remediation: |
#     Protect the rule with `jwt` and an audience of its own, or restrict `methods` to OPTIONS.
violation contains finding.new(rego.metadata.rule(), apirule.place(rule, strategy.at), message) if {
	input.review.object.kind == "APIRule"
	some rule in _rules
	some strategy in rule.strategies
	strategy.kind in {"open", "unknown"}
	count(_closed_methods(rule)) > 0

	message := sprintf("%s is open to everyone: %s", [apirule.label(rule), _opening(strategy)])
}

# METADATA
# title: One path protected and open
# scope: rule
# custom:
#   id: KFS-112
#   severity: high
#   profiles: {baseline: warn, strict: deny}
#   remediation: |
#     Protect all methods of the path alike; only `methods: [OPTIONS]` may stay open.
violation contains finding.new(rego.metadata.rule(), apirule.place(open, _opener(open).at), message) if {
	input.review.object.kind == "APIRule"
	some open in _open_rules
	count(_closed_methods(open)) > 0
	protected := [rule |
		some rule in _protected_rules
		rule.hidden == open.hidden
		rule.shape.identity == open.shape.identity
	]
	count(protected) > 0

	message := sprintf("%s opens the path for %s, which %s protects for %s%s", [
		apirule.label(open),
		_listed(_closed_methods(open)),
		apirule.label(protected[0]),
		_listed(protected[0].methods),
		_more(protected),
	])
}

# METADATA
# title: Open rule over a protected one
# scope: rule
# custom:
#   id: KFS-113
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   inventory: [Function, Service]
#   remediation: |
#     Write protected rules before open ones, let no open path stand before or cross a protected one, and have no open
#     rule for `/*` where `/` is protected.
violation contains finding.new(rego.metadata.rule(), apirule.place(open, _opener(open).at), message) if {
	input.review.object.kind == "APIRule"
	finding.selected(rego.metadata.rule())
	some open in _open_rules
	opened := [rule |
		some rule in _protected_rules
		rule.hidden == open.hidden
		_same_service(rule.service, open.service)
		count(rule.methods & open.methods) > 0
		httppath.overlaps(rule.shape, open.shape)
		_opened(rule, open)
	]
	count(opened) > 0

	message := sprintf("%s opens %s of the protected %s%s", [
		apirule.label(open),
		_listed(opened[0].methods & open.methods),
		apirule.label(opened[0]),
		_more(opened),
	])
}

# METADATA
# title: Service of another namespace
# scope: rule
# custom:
#   id: KFS-114
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   inventory: [Function, Service]
#   remediation: |
#     Move the APIRule into the namespace of the service, where its owners decide who may reach it.
violation contains finding.new(rego.metadata.rule(), _service_at(rule), message) if {
	input.review.object.kind == "APIRule"
	finding.selected(rego.metadata.rule())
	some rule in _rules
	rule.service.namespace != _namespace(input.review.object)
	_foreign(rule.service)

	message := sprintf("service %q belongs to namespace %q, not to the APIRule's", [
		rule.service.name,
		rule.service.namespace,
	])
}

# METADATA
# title: Service exposed more strictly by another APIRule
# scope: rule
# custom:
#   id: KFS-115
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   inventory: [APIRule, Function, Service]
#   remediation: |
#     Expose the service by one APIRule, or ask for the same audience in all of them.
violation contains finding.new(rego.metadata.rule(), apirule.place(rule, _weakest(rule).at), message) if {
	input.review.object.kind == "APIRule"
	finding.selected(rego.metadata.rule())
	some rule in _rules
	stricter := sort({{"label": label, "strength": exposure.strength} |
		some exposure in _stricter_exposures(rule.service, rule.strength)
		count(exposure.methods & rule.methods) > 0
		httppath.overlaps(exposure.shape, rule.shape)
		label := sprintf("%s/%s", [exposure.apirule.namespace, exposure.apirule.name])
	})
	count(stricter) > 0

	message := sprintf("%s exposes service %q to %s, APIRule %q to %s%s", [
		apirule.label(rule),
		_key(rule.service),
		_admits[rule.strength],
		stricter[0].label,
		_admits[stricter[0].strength],
		_more({another.label | some another in stricter}),
	])
}

# METADATA
# title: Function exposed beside APIRule
# scope: rule
# custom:
#   id: KFS-116
#   severity: high
#   profiles: {baseline: deny, strict: deny}
#   inventory: [APIRule, Function, Service]
#   remediation: |
#     Expose the Function by an APIRule, and remove what leads to it from outside the mesh: no token protects that way.
violation contains finding.new(rego.metadata.rule(), backend.at, message) if {
	input.review.object.kind in {
		"GRPCRoute",
		"HTTPRoute",
		"Ingress",
		"Rule",
		"Service",
		"ServiceEntry",
		"TCPRoute",
		"TLSRoute",
		"VirtualService",
	}
	finding.selected(rego.metadata.rule())
	some backend in _backends
	exposed := _exposed(backend)
	count(exposed) > 0
	not _made_by_controller

	message := sprintf("%s %s", [input.review.object.kind, _exposing(exposed)])
}

# METADATA
# title: Host, origins or methods too wide
# scope: rule
# custom:
#   id: KFS-117
#   severity: medium
#   profiles: {baseline: warn, strict: deny}
#   remediation: |
#     Name one host, name the origins that may send credentials (`exact: https://shop.example.com`), and drop the
#     methods TRACE and CONNECT.
violation contains finding.new(rego.metadata.rule(), width.at, width.message) if {
	input.review.object.kind == "APIRule"
	some width in _widths
}

# METADATA
# title: Outdated version of APIRule
# scope: rule
# custom:
#   id: KFS-118
#   severity: low
#   profiles: {baseline: warn, strict: warn}
#   remediation: |
#     Write the APIRule as `gateway.kyma-project.io/v2`; API Gateway no longer reconciles older ones.
violation contains finding.new(rego.metadata.rule(), outdated.at, message) if {
	input.review.object.kind == "APIRule"
	some outdated in _outdated

	message := sprintf("APIRule version %q is no longer reconciled", [outdated.version])
}

# The rules of this APIRule, with their path as a set of requests.
_rules := [object.union(rule, {"shape": _shape(rule), "strength": apirule.strength(rule)}) |
	some rule in apirule.rules(input.review.object)
]

_open_rules := [rule | some rule in _rules; rule.strength == 0]

_protected_rules := [rule | some rule in _rules; rule.strength > 0]

_shape(rule) := httppath.expression(rule.request_path) if rule.regex

_shape(rule) := httppath.template(rule.request_path) if not rule.regex

_closed_methods(rule) := rule.methods - _open_methods

_open_methods := {upper(method) |
	is_array(input.parameters.openMethods)
	some method in input.parameters.openMethods
	is_string(method)
}

_opener(rule) := [strategy |
	some strategy in rule.strategies
	strategy.kind in {"open", "unknown"}
][0]

_weakest(rule) := [strategy |
	some strategy in rule.strategies
	apirule.strength({"strategies": [strategy]}) == rule.strength
][0]

_opening(strategy) := "noAuth" if {
	strategy.kind == "open"
	strategy.handler == "noAuth"
}

_opening(strategy) := sprintf("handler %q", [strategy.handler]) if {
	strategy.kind == "open"
	strategy.handler != "noAuth"
}

_opening(strategy) := sprintf("unknown handler %q", [strategy.handler]) if {
	strategy.kind == "unknown"
	strategy.handler != ""
}

_opening(strategy) := "it has no strategy that can be read" if {
	strategy.kind == "unknown"
	strategy.handler == ""
}

_listed(words) := concat(", ", sort(words))

_more(items) := "" if count(items) < 2

_more(items) := sprintf(" and %d more", [count(items) - 1]) if count(items) > 1

# What can't be read may be the same.
_same_service(a, b) if {
	_same_or_unknown(a.name, b.name)
	_same_or_unknown(a.namespace, b.namespace)
}

# Their policies select the same pods, whatever the Services are called.
_same_service(a, b) if {
	a != b
	count(_targets(a) & _targets(b)) > 0
}

_same_or_unknown(a, b) if a == b

_same_or_unknown("", _)

_same_or_unknown(_, "")

# The controller makes an ALLOW policy of each rule of v2, and lets an open one leave out the paths that come before it.
_opened(protected, open) if {
	not protected.regex
	protected.index < open.index
	not _left_out(protected, open)
}

_opened(protected, open) if {
	open.index < protected.index
	not _within(open, protected)
}

# Of v1beta1, the policies for Istio leave out nothing; Oathkeeper's proxy stands behind routes that are tried in order.
_opened(protected, open) if {
	protected.regex
	_by_istio(protected)
	not _within(open, protected)
}

_within(inner, outer) if httppath.covers(outer.shape, inner.shape)

_by_istio(rule) if {
	some other in _rules
	other.hidden == rule.hidden
	some strategy in other.strategies
	strategy.kind == "jwt"
	strategy.dialect == "istio"
}

# api-gateway 3.10: `/` is never left out though `/*` matches it, and the search ends at the first rule with the open
# one's path, whatever its methods.
_left_out(protected, open) if {
	path := protected.request_path
	not path in {"", "/", "/*", "/{**}"}
	some rule in _rules
	rule.hidden == open.hidden
	rule.request_path == path
	rule.index < _search_end(open)
	count(rule.methods & open.methods) > 0
}

_search_end(open) := count(_rules) if open.request_path in {"/*", "/{**}"}

_search_end(open) := min([rule.index |
	some rule in _rules
	rule.hidden == open.hidden
	rule.request_path == path
]) if {
	path := open.request_path
	not path in {"/*", "/{**}"}
}

default _namespace(_) := ""

_namespace(resource) := resource.metadata.namespace if is_string(resource.metadata.namespace)

# Where the namespace of the rule's service is written.
_service_at(rule) := rule.path if rule.hidden == true

_service_at(rule) := array.concat(rule.path, ["service", "namespace"]) if _names_namespace(rule)

_service_at(rule) := ["spec", "service", "namespace"] if {
	rule.hidden == false
	not _names_namespace(rule)
}

_names_namespace(rule) if {
	rule.hidden == false
	namespace := object.get(input.review.object, array.concat(rule.path, ["service", "namespace"]), null)
	not namespace in {null, ""}
}

_foreign(_) if not _only_functions

_foreign(service) if "" in {service.namespace, service.name}

_foreign(service) if count(_functions_behind(service)) > 0

_only_functions if input.parameters.foreignServices == "functions"

# What other APIRules let in to the service, if they ask for more.
_stricter_exposures(service, strength) := {exposure |
	targets := _targets(service)
	some [space, name] in _exposing_apirules(service, targets)
	some exposure in _exposures(space, name)
	exposure.strength > strength
	_another(exposure.apirule)
	count(exposure.targets & targets) > 0
}

_exposures(space, name) := {exposure | _exposed_by[[space, name, exposure]]}

# Asked for one APIRule at a time. Of hundreds that name one service, kfs reads each once, not for each of the others.
_exposed_by contains [space, name, exposure] if {
	_ = data.inventory.namespace[space][_].APIRule[name]
	resource := inventory.named("APIRule", space, name)
	some rule in apirule.rules(resource)
	exposure := {
		"apirule": {"namespace": space, "name": name},
		"methods": rule.methods,
		"shape": _shape(rule),
		"strength": apirule.strength(rule),
		"targets": _targets(rule.service),
	}
}

# Found by the names that stand in them, as written: to read all APIRules as lib.kfs.apirule does would take Gatekeeper,
# which does this in every review, longer than a webhook has. So this may find too many, but must miss none.
_exposing_apirules(service, targets) := {[service.namespace, name] |
	some alias in ({service.name} | _aliases(service.namespace, targets))
	_named_at_home[[service.namespace, alias, name]]
} | {peer |
	some alias in ({service.name} | _aliases(service.namespace, targets))
	_named_abroad[[alias, peer]]
} if {
	every word in [service.namespace, service.name] { word != "" }
}

# Of a service that can't be read, those that may name one that can't be read either.
_exposing_apirules(service, _) := {[space, name] |
	_wandering[[space, name]]
} | {[service.namespace, name] |
	some version
	_ = data.inventory.namespace[service.namespace][version].APIRule[name]
} if {
	"" in {service.namespace, service.name}
}

# The Services that lead to one of these Functions, theirs included.
_aliases(namespace, targets) := {name |
	some target in targets
	name := substring(target, count(namespace) + 1, -1)
	inventory.named("Function", namespace, name)
} | {alias |
	some target in targets
	resource := inventory.named("Function", namespace, substring(target, count(namespace) + 1, -1))
	some alias in endpoints.near(namespace, function.serving_pod(resource))
	not inventory.named("Function", namespace, alias)
	endpoints.takes(inventory.named("Service", namespace, alias).spec.selector, resource)
}

# The names of a namespace's APIRules, by services that they name. It follows references only, since a function that
# takes an object of the inventory makes OPA convert all of it, and is looked up by both keys, so that Gatekeeper goes
# through the one namespace.
_named_at_home contains [space, service, name] if {
	apirules := data.inventory.namespace[space][_].APIRule
	service := apirules[name].spec.service.name
}

_named_at_home contains [space, service, name] if {
	apirules := data.inventory.namespace[space][_].APIRule
	service := apirules[name].spec.rules[_].service.name
}

# The APIRules, as [namespace, name], that may mean a service of any namespace by that name.
_named_abroad contains [service, [space, name]] if {
	apirules := data.inventory.namespace[space][_].APIRule
	service := apirules[name].spec.service.name
	_wandering[[space, name]]
}

_named_abroad contains [service, [space, name]] if {
	apirules := data.inventory.namespace[space][_].APIRule
	service := apirules[name].spec.rules[_].service.name
	_wandering[[space, name]]
}

_named_abroad contains [service, [space, name]] if {
	apirules := data.inventory.namespace[space][_].APIRule
	annotations := apirules[name].metadata.annotations
	some key in _annotations
	some service in _hidden_names(annotations[key])
}

_hidden_names(annotation) := {name |
	is_string(annotation)
	json.is_valid(annotation)
	value := json.unmarshal(annotation)
	some names in [
		[service_name | service_name := value.service.name],
		[service_name | service_name := value.rules[_].service.name],
		[service_name | service_name := value[_].service.name],
	]
	some name in names
}

# APIRules whose services may be of another namespace than their own, or that hide a spec.
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

# API Gateway's policies select the service's pods, so an alias of a Function's Service is that Service.
_targets(service) := {_key(service)} | _functions_behind(service)

_key(service) := sprintf("%s/%s", [service.namespace, service.name])

_another(owner) if owner.namespace != _namespace(input.review.object)

# One that is yet to be named is none of those that are there.
_another(owner) if owner.name != object.get(input.review.object, ["metadata", "name"], "")

_admits := ["everyone", "any token", "a wildcard", "a scope", "an audience", "nobody"]

_made_by_controller if {
	is_array(input.parameters.trustedControllers)
	input.review.userInfo.username in input.parameters.trustedControllers
}

# The Functions that a backend leads to, as namespace/name; "" where the backend can't be read.
_exposed(backend) := {name |
	some service in (_services(backend) - _generated)
	some name in _functions_behind(service)
} | {_key(service) | some service in (_matching(_host(backend.host)) - _generated)} if {
	is_string(backend.host)
}

_exposed(backend) := {""} if {
	host := backend.host
	not is_string(host)
	not is_null(host)
}

_exposed(backend) := _selected(backend.namespace, backend.selector) if _has_selector(backend)

_has_selector(backend) if "selector" in object.keys(backend)

_exposing(names) := "leads to a backend that can't be read" if names == {""}

_exposing(names) := sprintf("exposes Function %q%s beside APIRule", [sort(names)[0], _more(names)]) if names != {""}

# A Function's own Service has its name; another leads to the Functions whose pods its selector takes.
_functions_behind(service) := {_key(service)} if _own_service(service)

_functions_behind(service) := {name |
	alias := inventory.named("Service", service.namespace, service.name)
	some name in _selected(service.namespace, alias.spec.selector)
} if {
	not _own_service(service)
}

_own_service(service) if inventory.named("Function", service.namespace, service.name)

_selected(namespace, labels) := {_key({"namespace": namespace, "name": name}) |
	some name in endpoints.functions(namespace, labels)
}

# The services for whose APIRules API Gateway made the object. Labels alone prove nothing.
_generated contains rule.service if {
	input.review.object.kind in {"Rule", "VirtualService"}
	some name in _owners
	some rule in apirule.rules(inventory.named("APIRule", _home, name))
}

# The APIRules of its namespace that the object's labels name.
_owners contains labels["apirule.gateway.kyma-project.io/name"] if {
	labels := input.review.object.metadata.labels
	labels["apirule.gateway.kyma-project.io/namespace"] == _home
}

_owners contains trim_suffix(owner, sprintf(".%s", [_home])) if {
	some version in ["v1alpha1", "v1beta1"]
	owner := input.review.object.metadata.labels[sprintf("apirule.gateway.kyma-project.io/%s", [version])]
	is_string(owner)
	endswith(owner, sprintf(".%s", [_home]))
}

_home := _namespace(input.review.object)

# What the object leads to: a host and the namespace in which a short one is looked up, or a selector of pods.
_backends contains _backend(array.concat(["spec", section, i], at), host) if {
	input.review.object.kind == "VirtualService"
	some section in ["http", "tcp", "tls"]
	some i, route in input.review.object.spec[section]
	_public(input.review.object.spec, route)
	some [at, host] in _destinations(route)
}

_backends contains _backend(["spec", "upstream", "url"], input.review.object.spec.upstream.url) if {
	input.review.object.kind == "Rule"
}

_backends contains _backend(array.concat(["spec", field], at), host) if {
	input.review.object.kind == "Ingress"
	some field in ["backend", "defaultBackend"]
	some [at, host] in _ingress_services(input.review.object.spec[field])
}

_backends contains _backend(array.concat(["spec", "rules", i, "http", "paths", j, "backend"], at), host) if {
	input.review.object.kind == "Ingress"
	some i, rule in input.review.object.spec.rules
	some j, path in rule.http.paths
	some [at, host] in _ingress_services(path.backend)
}

_backends contains object.union(_backend(at, reference.name), _place(reference)) if {
	input.review.object.kind in {"GRPCRoute", "HTTPRoute", "TCPRoute", "TLSRoute"}
	not _within_mesh
	some i, rule in input.review.object.spec.rules
	some [at_rule, reference] in _references(rule)
	at := array.concat(["spec", "rules", i], at_rule)
}

_backends contains _backend(["spec", field, i], host) if {
	input.review.object.kind == "ServiceEntry"
	some field in ["addresses", "hosts"]
	some i, host in input.review.object.spec[field]
}

_backends contains _backend(["spec", "endpoints", i, "address"], endpoint.address) if {
	input.review.object.kind == "ServiceEntry"
	some i, endpoint in input.review.object.spec.endpoints
}

_backends contains _pods(["spec", "workloadSelector"], _workloads(input.review.object.spec.workloadSelector)) if {
	input.review.object.kind == "ServiceEntry"
}

_backends contains _backend(["spec", "externalName"], input.review.object.spec.externalName) if {
	input.review.object.kind == "Service"
	input.review.object.spec.type == "ExternalName"
}

_backends contains _pods(["spec", "type"], input.review.object.spec.selector) if {
	input.review.object.kind == "Service"
	type := input.review.object.spec.type
	not type in {"ClusterIP", "ExternalName", null}
}

_backends contains _pods(["spec", "externalIPs"], input.review.object.spec.selector) if {
	input.review.object.kind == "Service"
	addresses := input.review.object.spec.externalIPs
	not addresses in {null, []}
}

_backend(at, host) := {"at": at, "host": host, "namespace": _home}

_pods(at, labels) := {"at": at, "selector": labels, "namespace": _home}

# True where a route of a VirtualService is served by a gateway. One without hosts is a delegate: its root decides.
_public(spec, route) if {
	some gateway in _gateways(spec, route)
	gateway != "mesh"
}

_public(spec, _) if not _hosted(spec)

_hosted(spec) if {
	is_array(spec.hosts)
	count(spec.hosts) > 0
}

# What a match names counts in place of what the VirtualService names.
_gateways(spec, route) := {gateway |
	some match in route.match
	some gateway in _bound(match, _bound(spec, ["mesh"]))
} if {
	_matched(route)
}

_gateways(spec, route) := {gateway | some gateway in _bound(spec, ["mesh"])} if not _matched(route)

_matched(route) if {
	is_array(route.match)
	count(route.match) > 0
}

_bound(value, otherwise) := otherwise if not _binds(value)

_bound(value, _) := _list(value.gateways) if _binds(value)

_binds(value) if {
	gateways := value.gateways
	not gateways in {null, []}
}

# What is no list is a list of one that can't be read.
_list(value) := value if is_array(value)

_list(value) := [[value]] if not is_array(value)

_destinations(route) := routes | (mirrors | mirror) if {
	routes := {[["route", i, "destination", "host"], target.destination.host] | some i, target in route.route}
	mirrors := {[["mirrors", i, "destination", "host"], target.destination.host] | some i, target in route.mirrors}
	mirror := {[["mirror", "host"], host] | host := route.mirror.host}
}

# The shapes of networking.k8s.io/v1 and of the older versions.
_ingress_services(backend) := {[at, host] |
	some at in [["service", "name"], ["serviceName"], ["resource", "name"]]
	is_object(backend)
	not _other_resource(backend, at)
	host := object.get(backend, at, null)
}

_other_resource(backend, ["resource", "name"]) if backend.resource.kind != "Service"

_workloads(value) := labels if {
	is_object(value)
	labels := object.get(value, "labels", null)
	not labels in {null, {}}
}

# No map of labels, and so every pod.
_workloads(value) := ["all"] if {
	is_object(value)
	object.get(value, "labels", null) in {null, {}}
}

# Bound to Services only, a route steers traffic inside the mesh.
_within_mesh if {
	parents := input.review.object.spec.parentRefs
	is_array(parents)
	count(parents) > 0
	every parent in parents {
		parent.kind == "Service"
		parent.group in {"", "core"}
	}
}

_references(rule) := backends | (filters | filters_of_backends) if {
	backends := {[["backendRefs", i, "name"], reference] | some i, reference in rule.backendRefs}
	filters := {[array.concat(["filters", i], at), reference] |
		some i, filter in rule.filters
		some [at, reference] in _sent_by(filter)
	}
	filters_of_backends := {[array.concat(["backendRefs", i, "filters", j], at), reference] |
		some i, backend in rule.backendRefs
		some j, filter in backend.filters
		some [at, reference] in _sent_by(filter)
	}
}

_sent_by(filter) := {[[kind, "backendRef", "name"], filter[kind].backendRef] |
	some kind in ["externalAuth", "requestMirror"]
}

_place(reference) := {"namespace": reference.namespace} if {
	is_string(reference.namespace)
	reference.namespace != ""
}

_place(reference) := {"host": [namespace]} if {
	namespace := reference.namespace
	not is_string(namespace)
	not is_null(namespace)
}

_place(reference) := {} if not _elsewhere(reference)

_elsewhere(reference) if {
	namespace := reference.namespace
	not namespace in {null, ""}
}

# The Services that a host may mean, by the names that cluster DNS and Istio resolve and by the address.
_services(backend) := _named_services(split(host, "."), backend.namespace) | _addressed(host) if {
	host := _host(backend.host)
}

_host(text) := trim_right(trim(portless, "[]"), ".") if {
	relative := regex.replace(lower(trim_space(text)), `^([a-z][a-z0-9+.-]*:)?//`, "")
	authority := regex.replace(relative, `(?s)[/?#\\].*$`, "")
	portless := regex.replace(regex.replace(authority, `(?s)^.*@`, ""), `^([^:]*):[0-9]*$`, "$1")
}

# A pod's name may stand before the Service's, and a cluster may have any domain.
_named_services(labels, namespace) := {{"namespace": namespace, "name": labels[0]} | count(labels) == 1} | ({{
	"namespace": labels[1],
	"name": labels[0],
} |
	count(labels) == 2
} | {{"namespace": labels[i - 1], "name": labels[i - 2]} |
	some i, label in labels
	label == "svc"
	i > 1
})

# The Functions that a wildcard takes in.
_matching(host) := {service |
	startswith(host, "*")
	suffix := substring(host, 1, -1)
	some version in inventory.versions.Function
	_ = data.inventory.namespace[space][version].Function[name]
	endswith(concat(".", [name, space, "svc.cluster.local"]), suffix)
	service := {"namespace": space, "name": name}
}

_addressed(host) := {service | some service, _ in _at_address(host)}

_at_address(host) := _addresses[host] if regex.match(`^[0-9.]+$|:`, host)

_addresses := object.union_n(array.concat(
	[{address: {{"namespace": space, "name": name}: true}} |
		address := data.inventory.namespace[space].v1.Service[name].spec.clusterIP
	],
	[{address: {{"namespace": space, "name": name}: true}} |
		address := data.inventory.namespace[space].v1.Service[name].spec.clusterIPs[_]
	],
))

_widths contains {"at": _spec_place(spec, at), "message": sprintf("host %q is a wildcard", [host])} if {
	some spec in apirule.specs(input.review.object)
	some [at, host] in _hosts(spec)
	is_string(host)
	contains(host, "*")
}

_widths contains {"at": _spec_place(spec, at), "message": "the host can't be read"} if {
	some spec in apirule.specs(input.review.object)
	some [at, host] in _hosts(spec)
	not _worded(host)
}

_widths contains {"at": _spec_place(spec, at), "message": "CORS lets any origin send credentials"} if {
	some spec in apirule.specs(input.review.object)
	some [cors_at, cors] in _members(spec.content, [], "corspolicy")
	some [_, credentials] in _members(cors, [], "allowcredentials")
	not credentials in {false, null}
	some [origins_at, origins] in _members(cors, cors_at, "alloworigins")
	some [at, origin] in _items(origins, origins_at)
	_any_origin(origin)
}

_widths contains {"at": _method_at(rule), "message": message} if {
	some rule in _rules
	methods := rule.methods & {"CONNECT", "TRACE"}
	count(methods) > 0
	message := sprintf("%s allows %s", [apirule.label(rule), _listed(methods)])
}

_spec_place(spec, _) := spec.path if spec.hidden

_spec_place(spec, at) := array.concat(spec.path, at) if not spec.hidden

_hosts(spec) := {host |
	some [at, service] in _members(spec.content, [], "service")
	some host in _members(service, at, "host")
} if {
	spec.version == "v1alpha1"
}

_hosts(spec) := _members(spec.content, [], "host") if spec.version == "v1beta1"

_hosts(spec) := {host |
	some [at, hosts] in _members(spec.content, [], "hosts")
	some host in _items(hosts, at)
} if {
	version := spec.version
	not version in {"v1alpha1", "v1beta1"}
}

# The members of that name, in small letters: Go reads keys of the annotation in any case, and takes ſ for an s. Null is
# as good as absent.
_members(value, at, name) := {[array.concat(at, [key]), member] |
	is_object(value)
	some key, member in value
	lower(upper(key)) == name
	not is_null(member)
}

_items(value, at) := {[array.concat(at, [i]), item] | some i, item in value} if is_array(value)

_items(value, at) := {[at, null]} if not is_array(value)

_worded(text) if {
	is_string(text)
	trim_space(text) != ""
}

_any_origin(origin) if {
	some kind, pattern in origin
	_accepts(kind, pattern)
}

_any_origin(origin) if not _readable_origin(origin)

_readable_origin(origin) if {
	is_object(origin)
	count(origin) > 0
	every kind, pattern in origin {
		kind in {"exact", "prefix", "regex"}
		is_string(pattern)
	}
}

# Origins that nobody trusts on purpose. "null" is what a sandboxed frame sends, which any site can open.
_strangers := {
	"http://kfs-probe.invalid",
	"http://probe.invalid",
	"https://kfs-probe.invalid",
	"https://probe.invalid",
	"null",
}

_accepts("exact", "*")

_accepts("exact", pattern) if pattern in _strangers

_accepts("prefix", pattern) if {
	is_string(pattern)
	some stranger in _strangers
	startswith(stranger, pattern)
}

_accepts("regex", pattern) if {
	_compiles(pattern)
	whole := sprintf("^(?:%s)$", [pattern])
	some stranger in _strangers
	regex.match(whole, stranger)
}

_accepts("regex", pattern) if not _compiles(pattern)

_compiles(pattern) if {
	is_string(pattern)
	regex.is_valid(pattern)
	regex.is_valid(sprintf("^(?:%s)$", [pattern]))
}

_method_at(rule) := apirule.place(rule, ["methods", min(_dangerous(rule))]) if count(_dangerous(rule)) > 0

# What can't be read may be any method.
_method_at(rule) := apirule.place(rule, ["methods"]) if count(_dangerous(rule)) == 0

_dangerous(rule) := {i |
	some i, method in object.get(input.review.object, array.concat(rule.path, ["methods"]), null)
	is_string(method)
	upper(trim_space(method)) in {"CONNECT", "TRACE"}
}

_outdated contains {"at": ["apiVersion"], "version": _old_version}

# An APIRule that was written in an old version is served in a new one, and only there seen by an audit.
_outdated contains {"at": ["metadata", "annotations", key], "version": version} if {
	not _old_version
	key := "gateway.kyma-project.io/original-version"
	version := input.review.object.metadata.annotations[key]
	version in {"v1alpha1", "v1beta1"}
}

_old_version := {
	"gateway.kyma-project.io/v1alpha1": "v1alpha1",
	"gateway.kyma-project.io/v1beta1": "v1beta1",
}[input.review.object.apiVersion]
