package kyma.registry_secret_test

import data.kyma.registry_secret

_credentials := {"serverless.kyma-project.io/config": "credentials"}

_users := {"serverless.kyma-project.io/managed-by": "user"}

_docker := "kubernetes.io/dockerconfigjson"

# Per flavor: the rules of a Secret in a user namespace.
test_secret[note] if {
	some note, tc in {
		"controller's copy": {
			"secret": _secret("serverless-registry-config-default", _credentials, _docker),
			"classic": {"KFS-723"},
			"buildless": {"KFS-722"},
		},
		"controller's copy, whatever its type": {
			"secret": _secret("serverless-registry-config-default", _credentials, "Opaque"),
			"classic": {"KFS-723"},
			"buildless": {"KFS-722"},
		},
		"a user's": {
			"secret": _secret("serverless-registry-config-default", object.union(_credentials, _users), _docker),
			"classic": {"KFS-721"},
			"buildless": {"KFS-721"},
		},
		"a user's, in a label that is no text": {
			"secret": _secret(
				"serverless-registry-config-default",
				object.union(_credentials, {"serverless.kyma-project.io/managed-by": true}),
				_docker,
			),
			"classic": {"KFS-721"},
			"buildless": {"KFS-721"},
		},
		"no label": {
			"secret": _secret("serverless-registry-config-default", null, "Opaque"),
			"classic": {"KFS-721"},
			"buildless": {"KFS-721"},
		},
		"label is null": {
			"secret": _secret("push", {"serverless.kyma-project.io/config": null}, _docker),
			"classic": set(),
			"buildless": set(),
		},
		"another name, another type": {
			"secret": _secret("packages", object.union(_credentials, _users), "Opaque"),
			"classic": set(),
			"buildless": set(),
		},
		"another name, type is a map": {
			"secret": _secret("packages", _users, {}),
			"classic": {"KFS-721"},
			"buildless": {"KFS-721"},
		},
		"another name, type is null": {
			"secret": _secret("packages", _users, null),
			"classic": set(),
			"buildless": set(),
		},
		"of a remote registry": {
			"secret": _secret("team", {"serverless.kyma-project.io/remote-registry": "config"}, "Opaque"),
			"classic": {"KFS-721"},
			"buildless": {"KFS-721"},
		},
		"of no remote registry": {
			"secret": _secret("team", {"serverless.kyma-project.io/remote-registry": ""}, _docker),
			"classic": set(),
			"buildless": set(),
		},
		"labels are a text, to pull": {
			"secret": _secret("pull", "config", _docker),
			"classic": {"KFS-721"},
			"buildless": {"KFS-721"},
		},
		"labels are a text, another type": {
			"secret": _secret("git", "config", "kubernetes.io/basic-auth"),
			"classic": set(),
			"buildless": set(),
		},
		"of the module, under another name": {
			"secret": _secret("push", {"dockerregistry.kyma-project.io/config": "credentials"}, _docker),
			"classic": {"KFS-721"},
			"buildless": {"KFS-721"},
		},
		"of the module, another type": {
			"secret": _secret("settings", {"dockerregistry.kyma-project.io/config": "credentials"}, "Opaque"),
			"classic": set(),
			"buildless": set(),
		},
		"a longer name": {
			"secret": _secret("dockerregistry-config-external-ui", {}, "Opaque"),
			"classic": set(),
			"buildless": set(),
		},
		"no name": {
			"secret": {"kind": "Secret", "metadata": {"labels": _credentials}, "type": _docker},
			"classic": {"KFS-721"},
			"buildless": {"KFS-721"},
		},
		"no metadata": {"secret": {"kind": "Secret", "type": _docker}, "classic": set(), "buildless": set()},
	}

	every flavor in ["classic", "buildless"] {
		_ids(tc.secret, flavor) == tc[flavor]
	}
}

test_keys[note] if {
	some note, tc in {
		"internal": {"keys": ["username", "password", "isInternal"], "want": true},
		"pull": {"keys": ["username", "password", "pullRegAddr"], "want": true},
		"push": {"keys": ["username", "password", "pushRegAddr"], "want": true},
		"external": {"keys": ["username", "password", "serverAddress", "registryAddress"], "want": true},
		"no user": {"keys": ["password", "pushRegAddr"], "want": false},
		"no password": {"keys": ["username", "pushRegAddr"], "want": false},
		"one address": {"keys": ["username", "password", "registryAddress"], "want": false},
		"another address": {"keys": ["username", "password", "serverAddress"], "want": false},
		"login": {"keys": ["username", "password"], "want": false},
	}

	every field in ["data", "stringData"] {
		secret := object.union(
			_secret("external", {}, "Opaque"),
			{"data": [], field: {key: "PHNlY3JldD4=" | some key in tc.keys}},
		)
		count(_ids(secret, "classic")) == 1 == tc.want
	}
}

# The names and labels of ConfigMaps that classic Serverless left; none of them matters to it while it is there.
test_config_map[note] if {
	some note, tc in {
		"runtime": {"metadata": {"labels": {"serverless.kyma-project.io/config": "runtime"}}, "want": true},
		"source": {
			"metadata": {"labels": {"serverless.kyma-project.io/managed-by": "function-controller"}},
			"want": true,
		},
		"a user's": {"metadata": {"labels": _users}, "want": false},
		"service account": {
			"metadata": {"labels": {"serverless.kyma-project.io/config": "service-account"}},
			"want": false,
		},
		"only of a Function": {
			"metadata": {"labels": {"serverless.kyma-project.io/function-name": "a"}},
			"want": false,
		},
		"label is no text": {"metadata": {"labels": {"serverless.kyma-project.io/config": 1}}, "want": true},
		"dockerfile": {"metadata": {"name": "dockerfile-nodejs22"}, "want": true},
		"another dockerfile": {"metadata": {"name": "dockerfile-nodejs22-alpine"}, "want": false},
		"no runtime": {"metadata": {"name": "dockerfile-go"}, "want": false},
		"registry": {"metadata": {"name": "serverless-docker-registry-config"}, "want": true},
		"registry by release": {
			"metadata": {"labels": {"app": "docker-registry", "release": "serverless"}},
			"want": true,
		},
		"another release": {
			"metadata": {"labels": {"app": "docker-registry", "release": "registry"}},
			"want": false,
		},
		"another app": {"metadata": {"labels": {"app": "cache", "release": "serverless"}}, "want": false},
		"module's registry": {
			"metadata": {"labels": {"app": "docker-registry", "kyma-project.io/module": "docker-registry"}},
			"want": false,
		},
		"other labels": {"metadata": {"labels": {"a": "docker-registry", "release": "serverless"}}, "want": false},
		"another owner": {"metadata": {"labels": {"app": "docker-registry", "a": "serverless"}}, "want": false},
		"a Secret's name": {
			"metadata": {"name": "serverless-registry-config-default", "labels": _credentials},
			"want": false,
		},
		"another Secret's name": {"metadata": {"name": "dockerregistry-config"}, "want": false},
		"name is a number": {"metadata": {"name": 7}, "want": false},
		"no labels": {"metadata": {"labels": null}, "want": false},
		"labels are a text": {"metadata": {"labels": "runtime"}, "want": false},
	}

	map := {"kind": "ConfigMap", "metadata": tc.metadata}
	_ids(map, "buildless") == {"KFS-722"} == tc.want
	_ids(map, "classic") == set()
}

# Without the parameter no namespace is the registry's.
test_home[note] if {
	some note, tc in {
		"one of them": {"parameters": {"registryNamespaces": ["kyma-system", "docker-registry"]}, "want": set()},
		"another": {"parameters": {"registryNamespaces": ["kyma-system"]}, "want": {"KFS-721"}},
		"none": {"parameters": {"registryNamespaces": []}, "want": {"KFS-721"}},
		"missing": {"parameters": {}, "want": {"KFS-721"}},
		"wrong type": {"parameters": {"registryNamespaces": "docker-registry"}, "want": {"KFS-721"}},
	}

	secret := {"kind": "Secret", "metadata": {"name": "dockerregistry-config", "namespace": "docker-registry"}}
	found := registry_secret.violation with input as {"review": {"object": secret}, "parameters": tc.parameters}
	{f.details.rule | some f in found} == tc.want
}

# The same object, in the namespace that the request says.
test_namespace_of_the_request if {
	secret := {"kind": "Secret", "metadata": {"name": "dockerregistry-config"}}
	found := registry_secret.violation with input as {
		"review": {"object": secret, "namespace": "kyma-system"},
		"parameters": {"registryNamespaces": ["kyma-system"]},
	}
	count(found) == 0
}

test_message[note] if {
	some note, tc in {
		"name": {
			"object": _secret("dockerregistry-config", {}, "Opaque"),
			"want": `KFS-721: Secret "dockerregistry-config" can push every namespace's images: its name says so`,
		},
		"label": {
			"object": _secret("push", _credentials, _docker),
			"want": concat("", [
				`KFS-721: Secret "push" can push every namespace's images: `,
				"label serverless.kyma-project.io/config says so",
			]),
		},
		"keys": {
			"object": object.union(_secret("push", {}, "Opaque"), {"stringData": {
				"username": "user",
				"password": "p4ssw0rd",
				"isInternal": "true",
			}}),
			"want": concat("", [
				`KFS-721: Secret "push" can push every namespace's images: `,
				"its keys are those of Kyma's registry configuration",
			]),
		},
		"labels": {
			"object": _secret("push", 7, _docker),
			"want": `KFS-721: Secret "push" can push every namespace's images: its labels can't be read`,
		},
		"left over": {
			"object": {"kind": "ConfigMap", "metadata": {"name": "dockerfile-nodejs20"}},
			"want": `KFS-722: ConfigMap "dockerfile-nodejs20" is left over from classic Serverless: its name says so`,
		},
		"copy": {
			"object": _secret("serverless-registry-config-default", _credentials, _docker),
			"want": concat("", [
				`KFS-723: Secret "serverless-registry-config-default" is Serverless' copy of its push credentials: `,
				"it can push every namespace's images",
			]),
		},
	}

	found := registry_secret.violation with input as {"review": {"object": tc.object}, "parameters": {}}
	tc.want in {f.msg | some f in found}
}

_secret(name, labels, type) := {
	"kind": "Secret",
	"metadata": {"name": name, "namespace": "demo", "labels": labels},
	"type": type,
}

# As a profile's constraints select, without the rules of the other flavor.
_ids(resource, flavor) := {f.details.rule | some f in found} if {
	rules := {"classic": ["KFS-721", "KFS-723"], "buildless": ["KFS-721", "KFS-722"]}
	found := registry_secret.violation with input as {
		"review": {"object": resource},
		"parameters": {"rules": rules[flavor], "registryNamespaces": ["kyma-system", "docker-registry"]},
	}
}
