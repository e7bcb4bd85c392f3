# KFS-105 and KFS-115 without any index: every APIRule is read, and compared with every other.
package naive

import data.kyma.exposure
import data.lib.kfs.apirule
import data.lib.kfs.httppath
import data.lib.kfs.inventory

# {path in the reviewed APIRule: {[namespace, name] of a service that shares}}.
sharing[token.path] contains place(other.service) if {
	some token in tokens(input.review.object)
	some other in others
	other.issuer == token.issuer
	opens(token, other)
	other.service != token.service
	not excused(token, other)
}

others := tokens(input.review.object) | {token |
	some resource in inventory.everywhere("APIRule")
	not same(resource)
	some token in tokens(resource)
}

opens(a, b) if part(a, b)

opens(a, b) if part(b, a)

part(a, b) if {
	count(a.audiences - b.audiences) == 0
	count(a.scopes - b.scopes) == 0
}

excused(a, b) if {
	input.parameters.sharedWithin == "namespace"
	a.service.namespace == b.service.namespace
}

tokens(resource) := {token |
	some rule in apirule.rules(resource)
	some strategy in rule.strategies
	some entry in strategy.entries
	entry.binds in {"audience", "scope"}
	some authentication in strategy.authentications
	some issuer in authentication.issuers
	is_string(issuer.value)
	token := {
		"issuer": issuer.value,
		"audiences": {audience | some audience in entry.audiences},
		"scopes": {scope | some scope in entry.scopes},
		"service": rule.service,
		"path": apirule.place(rule, entry.at),
	}
}

# {path in the reviewed APIRule: {[namespace, name] of an APIRule that exposes the service more strictly}}.
stricter[path] contains place(resource.metadata) if {
	some weak in apirule.rules(input.review.object)
	strength := apirule.strength(weak)
	path := apirule.place(weak, exposure._weakest(object.union(weak, {"strength": strength})).at)
	some resource in inventory.everywhere("APIRule")
	not same(resource)
	some strict in apirule.rules(resource)
	apirule.strength(strict) > strength
	count(strict.methods & weak.methods) > 0
	count(exposure._targets(strict.service) & exposure._targets(weak.service)) > 0
	httppath.overlaps(exposure._shape(strict), exposure._shape(weak))
}

same(resource) if place(resource.metadata) == place(input.review.object.metadata)

place(named) := [named.namespace, named.name]
