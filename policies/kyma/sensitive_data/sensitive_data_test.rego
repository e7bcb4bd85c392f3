package kyma.sensitive_data_test

import data.kyma.sensitive_data

_function(spec) := {
	"apiVersion": "serverless.kyma-project.io/v1alpha2",
	"kind": "Function",
	"metadata": {"name": "orders", "namespace": "demo"},
	"spec": spec,
}

_parameters := {"secretsInConfigMaps": "allowed", "protectedSecrets": ["push"]}

_violations(resource, parameters) := found if {
	found := sensitive_data.violation with input as {"review": {"object": resource}, "parameters": parameters}
}

_rules(resource) := {violation.details.rule | some violation in _violations(resource, _parameters)}

_paths(resource) := {violation.details.path | some violation in _violations(resource, _parameters)}

# A mapping of names to values, where a list belongs, and other wrong types.
test_env_of_any_type[note] if {
	some note, tc in {
		"mapping": {"env": {"DB_PASSWORD": "hunter2"}, "want": {["spec", "env", "DB_PASSWORD"]}},
		"mapping of entries": {
			"env": {"a": {"name": "DB_PASSWORD", "value": "hunter2"}},
			"want": {["spec", "env", "a", "value"]},
		},
		"object": {"env": [{"name": "TOKEN", "value": {"a": "b"}}], "want": {["spec", "env", 0, "value"]}},
		"nested": {"env": [{"name": "A", "value": {"password": "hunter2"}}], "want": {["spec", "env", 0, "value"]}},
		"texts": {"env": ["DB_PASSWORD=hunter2"], "want": {["spec", "env", 0]}},
		"number": {"env": [{"name": "TOKEN", "value": 12}], "want": set()},
		"boolean": {"env": [{"name": "TOKEN", "value": true}], "want": set()},
		"null": {"env": [{"name": "TOKEN", "value": null}, null], "want": set()},
		"name": {"env": [{"name": 1, "value": "postgres://a:hunter2@b"}], "want": {["spec", "env", 0, "value"]}},
		"no list": {"env": "DB_PASSWORD=hunter2", "want": set()},
	}
	_paths(_function({"env": tc.env})) == tc.want
}

test_configmap_needs_leave[note] if {
	resource := _function({"env": [{"name": "A_TOKEN", "valueFrom": {"configMapKeyRef": {"name": "a", "key": "b"}}}]})
	some note, parameters in {
		"none": {},
		"denied": {"secretsInConfigMaps": "denied"},
		"unknown": {"secretsInConfigMaps": true},
	}
	"KFS-301" in {violation.details.rule | some violation in _violations(resource, parameters)}
}

test_source_of_any_type[note] if {
	some note, tc in {
		"object": {"source": {"inline": {"source": {"password": "hunter2"}}}, "want": {"KFS-302"}},
		"null": {"source": {"inline": {"source": null}}, "want": set()},
		"text": {"source": "password = 'hunter2'", "want": {"KFS-302"}},
		"list": {"source": ["password = 'hunter2'"], "want": set()},
		"dependencies": {"source": {"inline": {"dependencies": 1}}, "want": {"KFS-304", "KFS-306"}},
		"no dependencies": {"source": {"inline": {"dependencies": null}}, "want": set()},
		"repository": {"source": {"gitRepository": "https://a:hunter2@b"}, "want": {"KFS-304", "KFS-305"}},
		"URL": {
			"source": {"gitRepository": {"url": ["https://a:hunter2@b"]}},
			"want": {"KFS-303", "KFS-304", "KFS-305"},
		},
	}
	_rules(_function({"runtime": "nodejs24", "source": tc.source})) == tc.want
}

test_without_runtime if {
	_rules(_function({"source": {"inline": {"dependencies": "{\"dependencies\": {\"a\": \"*\"}}"}}})) == {"KFS-306"}
	_rules(_function({"source": {"inline": {"dependencies": "requests"}}})) == {"KFS-306"}
}

test_node_options[note] if {
	some note, tc in {
		"both": {"entry": {"value": "--require=a $(B)"}, "want": {"KFS-307"}},
		"reference": {"entry": {"value": "", "valueFrom": {"secretKeyRef": {"name": "a"}}}, "want": {"KFS-307"}},
		"short": {"entry": {"value": "-r a"}, "want": {"KFS-307"}},
		"import": {"entry": {"value": "--import=data:text/javascript,1"}, "want": {"KFS-307"}},
		"certificates": {"entry": {"value": "--use-openssl-ca"}, "want": {"KFS-307"}},
		"similar": {"entry": {"value": "--report-dir=/tmp --max-http-header-size=1"}, "want": set()},
		"none": {"entry": {}, "want": set()},
	}
	_rules(_function({"env": [object.union({"name": "NODE_OPTIONS"}, tc.entry)]})) == tc.want
}

test_npm_settings[name] if {
	some name in [
		"npm_config_registry", "NPM_CONFIG_PROXY", "npm_config_https-proxy", "npm_config_cafile",
		"npm_config_userconfig",
		"npm_config__auth", "npm_config__authToken", "npm_config_//npm.shop.dev/:_authToken",
		"npm_config_@shop:registry",
		"NPM_CONFIG_GLOBALCONFIG", "npm_config_script_shell", "npm_config_git",
	]
	"KFS-307" in _rules(_function({"env": [{"name": name, "value": "/tmp/a"}]}))
}

# What was changed to nothing is still there.
test_defaults_by_reference[name] if {
	some name in ["npm_config_registry", "LD_PRELOAD", "NODE_TLS_REJECT_UNAUTHORIZED", "PIP_INDEX_URL"]
	_rules(_function({"env": [{"name": name, "valueFrom": {"configMapKeyRef": {"name": "a"}}}]})) == {"KFS-307"}
}

_token := concat("", ["gh", "p_0123456789abcdefghijABCDEFGHIJ012345"])

test_secret_as_a_key if {
	resource := object.union(_function({}), {"metadata": {"annotations": {_token: "true"}}})
	some violation in _violations(resource, _parameters)
	violation.details.rule == "KFS-308"
	violation.details.path == ["metadata", "annotations"]
	not contains(violation.msg, _token)
}

test_annotations[note] if {
	some note, tc in {
		"checksum": {"key": "checksum/secret", "value": "2c26b46b68ffc68f", "want": set()},
		"name of a Secret": {"key": "shop.dev/secret", "value": "orders-db", "want": set()},
		"password": {"key": "shop.dev/password", "value": "orders-db", "want": {"KFS-308"}},
		"weak": {"key": "shop.dev/secret", "value": "changeme", "want": {"KFS-308"}},
		"two": {"key": "a", "value": sprintf("https://a:hunter2@b %s", [_token]), "want": {"KFS-308"}},
		"copy that can't be read": {
			"key": "kubectl.kubernetes.io/last-applied-configuration",
			"value": `{"spec": {"env": [{"name": "A", "value": "https://a:hunter2@b"`,
			"want": {"KFS-308"},
		},
		"copy with more": {
			"key": "kubectl.kubernetes.io/last-applied-configuration",
			"value": sprintf(`{"spec": {"nothing": "%s", "env": [{"name": "TOKEN", "value": "a"}]}}`, [_token]),
			"want": {"KFS-308"},
		},
		"empty copy": {"key": "a", "value": `{"spec": null, "metadata": null}`, "want": set()},
		"list": {"key": "a", "value": ["https://a:hunter2@b"], "want": {"KFS-308"}},
		"number": {"key": "token", "value": 1, "want": set()},
	}
	_rules(object.union(_function({}), {"metadata": {"annotations": {tc.key: tc.value}}})) == tc.want
}

# One finding for all that an annotation still holds.
test_copy_is_counted if {
	copy := json.marshal(_function({"env": [{"name": "A_TOKEN", "value": "a"}, {"name": "B_TOKEN", "value": "b"}]}))
	resource := object.union(_function({}), {"metadata": {"annotations": {"last": copy}}})
	{violation.msg | some violation in _violations(resource, _parameters)} == {concat("", [
		`KFS-308: "last" in metadata.annotations still holds the literal of env "A_TOKEN" and 1 more`,
	])}
}

# Nor is it reported in a copy what an annotation shows.
test_copy_of_annotations if {
	annotations := {"db-password": "hunter2"}
	copy := json.marshal(object.union(_function({}), {"metadata": {"annotations": annotations}}))
	resource := object.union(_function({}), {"metadata": {"annotations": object.union(annotations, {"last": copy})}})
	_paths(resource) == {["metadata", "annotations", "db-password"]}
}

test_metadata_of_any_type[note] if {
	some note, metadata in {"null": null, "text": "a", "annotations": {"annotations": "a"}, "labels": {"labels": ["a"]}}
	_rules({"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function", "metadata": metadata}) == set()
}

_apirule(rule) := {"apiVersion": "gateway.kyma-project.io/v2", "kind": "APIRule", "spec": {"rules": [rule]}}

test_apirules[note] if {
	some note, tc in {
		"header": {"rule": {"request": {"headers": {"Authorization": "Digest a"}}}, "want": 1},
		"cookie": {"rule": {"request": {"cookies": {"connect.sid": "a1b2"}}}, "want": 1},
		"empty": {"rule": {"request": {"headers": {"Authorization": ""}}}, "want": 0},
		"number": {"rule": {"request": {"headers": {"Authorization": 12}}}, "want": 0},
		"object": {"rule": {"request": {"headers": {"X-Token": {"a": "b"}}}}, "want": 1},
		"setting": {"rule": {"accessStrategies": [{"config": {"client_secret": "hunter2"}}]}, "want": 1},
		"group": {"rule": {"mutators": [{"config": {"headers": {"x-api-key": "a1b2"}}}]}, "want": 1},
		"deep": {"rule": {"mutators": [{"config": {"a": {"b": {"c": {"password": "hunter2"}}}}}]}, "want": 1},
		"list": {"rule": {"mutators": [{"config": {"a": [{"password": "hunter2"}]}}]}, "want": 1},
		"scope": {"rule": {"accessStrategies": [{"config": {"required_scope": ["read:secret"]}}]}, "want": 0},
		"template": {"rule": {"mutators": [{"config": {"headers": {"Authorization": "{{ .Token }}"}}}]}, "want": 0},
		"no config": {"rule": {"mutators": [{"config": "a"}], "request": null}, "want": 0},
	}
	count(_violations(_apirule(tc.rule), _parameters)) == tc.want
}

test_mounts[note] if {
	some note, tc in {
		"none": {"mount": {"secretName": "a"}, "want": 1},
		"text": {"mount": "a", "want": 1},
		"relative": {"mount": {"mountPath": "a"}, "want": 1},
		"up": {"mount": {"mountPath": "/secrets/.."}, "want": 1},
		"blank": {"mount": {"mountPath": " /usr "}, "want": 1},
		"own": {"mount": {"mountPath": "/secrets"}, "want": 0},
		"hidden": {"mount": {"mountPath": "/.usr"}, "want": 0},
		"dots": {"mount": {"mountPath": "/usr..a"}, "want": 0},
	}
	count(_violations(_function({"secretMounts": [tc.mount]}), _parameters)) == tc.want
}

test_protected_secrets[note] if {
	some note, tc in {
		"named": {"protected": ["push"], "name": "push", "want": 1},
		"other": {"protected": ["push"], "name": "pushed", "want": 0},
		"glob": {"protected": ["push*"], "name": "pushed", "want": 1},
		"dot": {"protected": ["a.b"], "name": "axb", "want": 0},
		"empty": {"protected": [], "name": "push", "want": 0},
		"pattern": {"protected": ["a[b"], "name": "push", "want": 1},
		"number": {"protected": [1], "name": "push", "want": 1},
		"no list": {"protected": "push", "name": "a", "want": 1},
		"no name": {"protected": ["*"], "name": 1, "want": 0},
	}
	resource := _function({"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": tc.name}}}]})
	count(_violations(resource, {"protectedSecrets": tc.protected})) == tc.want
}

test_protected_without_parameter if {
	resource := _function({"secretMounts": [{"secretName": "a", "mountPath": "/secrets"}]})
	count(_violations(resource, {})) == 1
}

test_registry_secret[note] if {
	some note, tc in {
		"clear": {"content": {"stringData": {".npmrc": "registry=http://a"}}, "want": 1},
		"other key": {"content": {"stringData": {"npmrc": "registry=http://a"}}, "want": 0},
		"number": {"content": {"stringData": {".npmrc": 1}}, "want": 1},
		"no base64": {"content": {"data": {"pip.conf": "?"}}, "want": 1},
		"number in data": {"content": {"data": {"pip.conf": 1}}, "want": 1},
		"null": {"content": {"data": null, "stringData": null}, "want": 0},
	}
	resource := object.union(
		{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "serverless-package-registry-config"}},
		tc.content,
	)
	count(_violations(resource, _parameters)) == tc.want
}

# No shape of an object breaks a rule: the tests run with strict builtin errors.
test_nothing_breaks[note] if {
	some note, resource in {
		"spec": {"kind": "Function", "spec": "a"},
		"null": {"kind": "Function", "spec": null},
		"lists": {"kind": "Function", "spec": {"env": [[]], "source": [], "secretMounts": {"a": 1}, "deps": []}},
		"repository": {"kind": "GitRepository", "spec": ["a"]},
		"rules": {"kind": "APIRule", "spec": {"rules": {"a": [1]}}},
		"handlers": {"kind": "APIRule", "spec": {"rules": [{"mutators": "a", "accessStrategies": [1]}]}},
		"headers": {"kind": "APIRule", "spec": {"rules": [{"request": {"headers": ["a1", 1]}}]}},
		"binary": {"kind": "Function", "spec": {"source": base64.decode("/9j/4AAQ")}},
	}
	is_set(_violations(resource, {}))
}
