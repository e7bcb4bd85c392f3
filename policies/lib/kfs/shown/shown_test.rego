package lib.kfs.shown_test

import data.lib.kfs.shown

test_value[note] if {
	some note, tc in {
		"text": {"value": "a \"b\"\n", "want": `"a \"b\"\n"`},
		"a whole number": {"value": 4294967296, "want": "4294967296"},
		"a negative number": {"value": -1, "want": "-1"},
		"a float that is whole": {"value": 4294967296.0, "want": "4294967296"},
		"a fraction": {"value": 1.5, "want": "a fraction"},
		"true": {"value": true, "want": "true"},
		"false": {"value": false, "want": "false"},
		"null": {"value": null, "want": "null"},
		"a list": {"value": [1], "want": "a list"},
		"an object": {"value": {"a": 1}, "want": "an object"},
	}
	shown.value(tc.value) == tc.want
}

# No scanner may see a secret here: they are put together. What each token looks like, harness/internal/secrets knows.
test_masked[note] if {
	some note, tc in {
		"no credential": {
			"text": `host "a.example:8080", issuer "https://a.example/b", npm_config_registry, SECRET_ROTATION_IN_DAYS`,
			"want": `host "a.example:8080", issuer "https://a.example/b", npm_config_registry, SECRET_ROTATION_IN_DAYS`,
		},
		"prose": {
			"text": "a bearer token, credentials of basic authentication, any token of issuer: key",
			"want": "a bearer token, credentials of basic authentication, any token of issuer: key",
		},
		"names": {
			"text": "ask-management-service-orders-and-more-3 requiredDuringSchedulingIgnoredDuringExecution hf_a",
			"want": "ask-management-service-orders-and-more-3 requiredDuringSchedulingIgnoredDuringExecution hf_a",
		},
		"digest": {"text": _digest, "want": _digest},
		"user": {"text": `"https://orders@a.example/b"`, "want": `"https://…@a.example/b"`},
		"password": {"text": `"https://orders:x@a.example/b" and "c@d"`, "want": `"https://…@a.example/b" and "c@d"`},
		"password with @ and /": {"text": `"https://orders:x@y/z@a.example"`, "want": `"https://…@a.example"`},
		"password with an escape": {"text": `"https://orders:x\"y\\z@a.example"`, "want": `"https://…@a.example"`},
		"password with a blank": {"text": `"https://orders:x y@a.example"`, "want": `"https://…@a.example"`},
		"query": {"text": `"https://a.example/b?c=d&e"`, "want": `"https://a.example/b?…"`},
		"fragment": {"text": `"https://a.example/#c"`, "want": `"https://a.example/#…"`},
		"parameter": {"text": `"/orders?access_token=x&a=b"`, "want": `"/orders?access_token=…&a=b"`},
		"parameter with a scheme": {"text": concat("", [`"/?token=Be`, `arer x"`]), "want": `"/?token=…"`},
		"webhook": {"text": concat("", ["https://hooks.", "slack.com/a/b@c"]), "want": "https://hooks.slack.com/…"},
		"basic": {"text": concat("", ["Ba", "sic YTpi"]), "want": "Basic …"},
		"bearer": {"text": concat("", ["be", "arer abcdef0123456789"]), "want": "bearer …"},
		"private key": {
			"text": concat("", [`"-----BEGIN RSA PRIVATE`, ` KEY-----\nabc\n" in "d"`]),
			"want": `"…" in "d"`,
		},
		"line of a key": {"text": sprintf("M%s== x", [_long]), "want": "… x"},
		"token": {"text": sprintf(`"gh%s%s"`, ["p_", _long]), "want": `"…"`},
		"token after an escape": {"text": sprintf(`"a\ngh%s%s"`, ["p_", _long]), "want": `"a…"`},
		"token after a name": {"text": sprintf(`"a_gh%s%s"`, ["p_", _long]), "want": `"a…"`},
	}
	shown.masked(tc.text) == tc.want
}

_long := "abcdefghijklmnopqrstuvwxyz0123456789abcdefgh"

_digest := "node:22@sha256:ac3947d98c840d95847d6d9dc9a1c95a3d26c30abc733155894b51083b02d2cc"

test_path[note] if {
	some note, tc in {
		"indices and keys": {"path": ["spec", 0, "a.b/c"], "want": ["spec", 0, "a.b/c"]},
		"credential": {"path": ["metadata", "labels", "https://a:b@c", "d"], "want": ["metadata", "labels"]},
		"first": {"path": ["https://a:b@c"], "want": []},
		"none": {"path": [], "want": []},
	}
	shown.path(tc.path) == tc.want
}
