package lib.kfs.reference_test

import data.lib.kfs.reference

_hex := "ac3947d98c840d95847d6d9dc9a1c95a3d26c30abc733155894b51083b02d2cc"

test_repository[note] if {
	some note, tc in {
		"a registry": {"text": "registry.example.com/team/node", "want": "registry.example.com/team/node"},
		"tag": {"text": "registry.example.com/team/node:22", "want": "registry.example.com/team/node"},
		"digest": {"text": _with("registry.example.com/team/node@sha256:"), "want": "registry.example.com/team/node"},
		"tag and digest": {"text": _with("registry.example.com/node:22@sha256:"), "want": "registry.example.com/node"},
		"longer digest": {"text": concat("", ["r.io/a@sha512:", _hex, _hex]), "want": "r.io/a"},
		"port": {"text": "registry.example.com:443/node:22", "want": "registry.example.com:443/node"},
		"localhost": {"text": "localhost/node", "want": "localhost/node"},
		"port of a short name": {"text": "k3d-kyma-registry:5000/node", "want": "k3d-kyma-registry:5000/node"},
		"IPv4": {"text": "10.0.0.1:5000/node", "want": "10.0.0.1:5000/node"},
		"IPv6": {"text": "[fd00::1]:5000/node", "want": "[fd00::1]:5000/node"},
		"capitals make a host": {"text": "Registry/node", "want": "Registry/node"},
		"host in capitals": {"text": "REGISTRY.example.com/node", "want": "REGISTRY.example.com/node"},
		"no host": {"text": "team/node:22", "want": "docker.io/team/node"},
		"neither host nor team": {"text": "node:22", "want": "docker.io/library/node"},
		"a name like a host": {"text": "registry.example.com", "want": "docker.io/library/registry.example.com"},
		"Docker Hub": {"text": "docker.io/node", "want": "docker.io/library/node"},
		"Docker Hub's other name": {"text": "index.docker.io/node", "want": "docker.io/library/node"},
		"Docker Hub, somebody's": {"text": "index.docker.io/team/node", "want": "docker.io/team/node"},
		"separators": {"text": "r.io/a-b/c__d/e.f/g--h_i", "want": "r.io/a-b/c__d/e.f/g--h_i"},
		"longest path": {"text": concat("/", ["r.io", _letters(255)]), "want": concat("/", ["r.io", _letters(255)])},
	}

	reference.repository(tc.text) == tc.want
}

test_no_reference[note] if {
	some note, text in {
		"empty": "",
		"blank": " ",
		"null": null,
		"number": 22,
		"boolean": false,
		"list": ["registry.example.com/node"],
		"object": {},
		"leading blank": " registry.example.com/node",
		"trailing blank": "registry.example.com/node ",
		"trailing line feed": "registry.example.com/node\n",
		"second line": "registry.example.com/node\nregistry.example.com/node",
		"blank inside": "registry.example.com/my node",
		"capitals in the path": "registry.example.com/Node",
		"user": "docker.io@registry.example.com/node",
		"user and password": "user:word@registry.example.com/node",
		"scheme": "https://registry.example.com/node",
		"parent": "registry.example.com/official/../evil",
		"dot": "registry.example.com/./node",
		"empty segment": "registry.example.com//node",
		"no path": "registry.example.com/",
		"absolute": "/registry.example.com/node",
		"no tag": "registry.example.com/node:",
		"long tag": concat("", ["registry.example.com/node:", _letters(129)]),
		"long path": concat("/", ["r.io", _letters(256)]),
		"no digest": "registry.example.com/node@",
		"no algorithm": concat("@", ["registry.example.com/node", _hex]),
		"short digest": "registry.example.com/node@sha256:ac3947d98c84",
		"long digest": concat("", [_with("registry.example.com/node@sha256:"), "0"]),
		"capital digest": upper(_with("registry.example.com/node@sha256:")),
		"capital hex": concat("", ["registry.example.com/node@sha256:", upper(_hex)]),
		"another algorithm": "registry.example.com/node@md5:900150983cd24fb0d6963f7d28e17f72",
		"two digests": concat("@sha256:", ["registry.example.com/node", _hex, _hex]),
		"an image id": _hex,
		"encoded slash": "registry.example.com%2fnode",
		"backslash": `registry.example.com\node`,
		"query": "registry.example.com/node?x=1",
		"fragment": "registry.example.com/node#x",
		"host with underscore": "registry_example.com/node",
		"letters like others": "registry.example.cоm/node",
		"host starts with a hyphen": "-registry.example.com/node",
		"empty label": "registry..example.com/node",
		"port without number": "registry.example.com:/node",
	}

	not reference.readable(text)
}

test_within[note] if {
	some note, tc in {
		"the place": {"text": "r.io/team:1", "place": "r.io/team", "want": true},
		"below it": {"text": "r.io/team/node:1", "place": "r.io/team", "want": true},
		"trailing slash": {"text": "r.io/team/node:1", "place": "r.io/team/", "want": true},
		"a host": {"text": "r.io/team/node:1", "place": "r.io", "want": true},
		"localhost": {"text": "localhost/node:1", "place": "localhost", "want": true},
		"host and port": {"text": "r:5000/node:1", "place": "r:5000", "want": true},
		"Docker Hub": {"text": "node:1", "place": "docker.io/library", "want": true},
		"Docker Hub's other name": {"text": "team/node:1", "place": "index.docker.io", "want": true},
		"above it": {"text": "r.io/team:1", "place": "r.io/team/node", "want": false},
		"half a segment": {"text": "r.io/team-evil/node:1", "place": "r.io/team", "want": false},
		"half a host": {"text": "r.io.evil.example/team/node:1", "place": "r.io", "want": false},
		"another port": {"text": "r.io:5000/team/node:1", "place": "r.io/team", "want": false},
		"a host in capitals": {"text": "R.io/team/node:1", "place": "r.io/team", "want": false},
		"no reference": {"text": " r.io/team/node:1", "place": "r.io/team", "want": false},
		"place without a host": {"text": "team/node:1", "place": "team", "want": false},
		"place with a tag": {"text": "r.io/team:1", "place": "r.io/team:1", "want": false},
		"place with a wildcard": {"text": "r.io/team:1", "place": "r.io/*", "want": false},
		"place is a blank": {"text": "r.io/team:1", "place": "", "want": false},
		"place is a slash": {"text": "r.io/team:1", "place": "/", "want": false},
		"place is null": {"text": "r.io/team:1", "place": null, "want": false},
		"place is a list": {"text": "r.io/team:1", "place": ["r.io/team"], "want": false},
	}

	_within(tc.text, tc.place) == tc.want
}

test_digest[note] if {
	some note, text in {
		"digest": _with("registry.example.com/node@sha256:"),
		"tag and digest": _with("registry.example.com/node:22@sha256:"),
	}

	reference.digest(text) == concat(":", ["sha256", _hex])
}

test_no_digest[note] if {
	some note, text in {
		"tag": "registry.example.com/node:22",
		"only a digest": _with("@sha256:"),
		"two": concat("@sha256:", ["node", _hex, _hex]),
		"short": "node@sha256:ac3947d98c84",
		"long": concat("", [_with("node@sha256:"), "0"]),
		"capital hex": concat("", ["node@sha256:", upper(_hex)]),
		"another algorithm": concat("", ["node@sha512:", _hex, _hex]),
		"trailing line feed": concat("", [_with("node@sha256:"), "\n"]),
		"null": null,
		"list": [],
	}

	not reference.digest(text)
}

test_shown[note] if {
	some note, tc in {
		"reference": {"value": "node:22", "want": `"node:22"`},
		"password": {"value": "https://user:word@r.io/node", "want": `"…@r.io/node"`},
		"password before a digest": {"value": "user:word@r.io/node@sha256:0a", "want": `"…@r.io/node@sha256:0a"`},
		"short digest": {"value": "node@SHA256:0a", "want": `"node@SHA256:0a"`},
		"only a digest": {"value": "sha256:0A", "want": `"sha256:0A"`},
		"blank": {"value": " ", "want": `" "`},
		"null": {"value": null, "want": "null"},
		"list": {"value": ["node"], "want": "a list"},
	}

	reference.shown(tc.value) == tc.want
}

default _within(_, _) := false

_within(text, place) if reference.within(text, place)

_with(prefix) := concat("", [prefix, _hex])

_letters(n) := concat("", [letter |
	some _ in numbers.range(1, n)
	letter := "a"
])
