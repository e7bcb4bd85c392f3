package lib.kfs.rbac_test

import data.lib.kfs.rbac

_get := {"verb": "get", "group": "", "resource": "pods/log", "name": "a"}

_rule := {"verbs": ["get"], "apiGroups": [""], "resources": ["pods/log"]}

# What can be read is compared with Kubernetes' own evaluation, in Go. Kubernetes can't read the rest.
test_allows[note] if {
	some note, tc in {
		"exactly": {"rule": {}, "want": true},
		"another verb": {"rule": {"verbs": ["list"]}, "want": false},
		"another group": {"rule": {"apiGroups": ["apps"]}, "want": false},
		"the resource without its subresource": {"rule": {"resources": ["pods"]}, "want": false},
		"every log": {"rule": {"resources": ["*/log"]}, "want": true},
		"every resource": {"rule": {"resources": ["*"]}, "want": true},
		"that name": {"rule": {"resourceNames": ["b", "a"]}, "want": true},
		"another name": {"rule": {"resourceNames": ["b"]}, "want": false},
		"a wildcard that is none": {"rule": {"resources": ["pods/*", "*/*", "*/lo", "*g", "/log"]}, "want": false},
		"no verbs": {"rule": {"verbs": []}, "want": false},
		"verbs are null": {"rule": {"verbs": null}, "want": false},
		"verbs are text": {"rule": {"verbs": "list"}, "want": true},
		"verbs are an object": {"rule": {"verbs": {"list": true}}, "want": true},
		"a verb is a number": {"rule": {"verbs": [7]}, "want": true},
		"a verb is null": {"rule": {"verbs": [null]}, "want": false},
		"groups are false": {"rule": {"apiGroups": false}, "want": true},
		"a group is null": {"rule": {"apiGroups": [null]}, "want": true},
		"resources are text": {"rule": {"resources": "secrets"}, "want": true},
		"a resource is a list": {"rule": {"resources": [["secrets"]]}, "want": true},
		"names are null": {"rule": {"resourceNames": null}, "want": true},
		"names are text": {"rule": {"resourceNames": "b"}, "want": true},
		"a name is a number": {"rule": {"resourceNames": ["b", 1]}, "want": true},
		"a name is null": {"rule": {"resourceNames": [null]}, "want": false},
	}

	rule := object.union(_rule, tc.rule)
	{true | rbac.allows(rule, _get)} == {true | tc.want}
}

test_rule_that_is_no_object[note] if {
	some note, tc in {
		"text": {"rule": "get", "want": {true}},
		"list": {"rule": ["get"], "want": {true}},
		"number": {"rule": 1, "want": {true}},
		"null": {"rule": null, "want": set()},
		"empty": {"rule": {}, "want": set()},
	}

	{true | rbac.allows(tc.rule, _get)} == tc.want
}

test_request_without_a_name[note] if {
	some note, tc in {
		"not narrowed": {"names": [], "want": {true}},
		"narrowed": {"names": ["a"], "want": set()},
		"the empty name": {"names": ["a", ""], "want": {true}},
		"null": {"names": [null], "want": {true}},
	}

	{true | rbac.allows(object.union(_rule, {"resourceNames": tc.names}), object.union(_get, {"name": ""}))} == tc.want
}

# No API has such a resource, but one would have to be asked for as it is written.
test_resource_with_a_star if {
	rbac.allows(object.union(_rule, {"resources": ["*s"]}), object.union(_get, {"resource": "*s"}))
	not rbac.allows(object.union(_rule, {"resources": ["*s"]}), object.union(_get, {"resource": "pods"}))
}

test_path[note] if {
	some note, tc in {
		"exactly": {"urls": ["/metrics"], "want": {true}},
		"below": {"urls": ["/metrics/*"], "want": set()},
		"a prefix": {"urls": ["/met*"], "want": {true}},
		"all": {"urls": ["*"], "want": {true}},
		"a suffix": {"urls": ["*rics"], "want": set()},
		"none": {"urls": null, "want": set()},
		"unreadable": {"urls": {"/": "/"}, "want": {true}},
	}

	rule := {"verbs": ["get"], "nonResourceURLs": tc.urls}
	{true | rbac.allows(rule, {"verb": "get", "path": "/metrics"})} == tc.want
	not rbac.allows(rule, {"verb": "post", "path": "/metrics"})
}

test_rules[note] if {
	some note, tc in {
		"a list": {"role": {"rules": [_rule, null]}, "want": [_rule, null]},
		"null": {"role": {"rules": null}, "want": []},
		"none": {"role": {"aggregationRule": {}}, "want": []},
		"no role": {"role": null, "want": []},
	}

	rbac.rules(tc.role) == tc.want
}

test_rules_that_are_no_list[note] if {
	some note, rules in {"text": "get", "an object": {"verbs": ["get"]}, "a number": 1, "false": false}

	some rule in rbac.rules({"rules": rules})
	rbac.allows(rule, _get)
}
