package lib.kfs.httppath_test

import data.lib.kfs.httppath

# Every template of up to three segments, against the paths of up to four that it really matches.
test_templates_agree_with_the_paths_they_match if {
	{[a, b] | some a, p in _templates; some b, q in _templates; httppath.overlaps(p, q)} == _meeting(_matches)
	{[a, b] | some a, p in _templates; some b, q in _templates; httppath.covers(p, q)} == _covering(_matches)
}

_meeting(matches) := {[a, b] | some a, met in matches; some b, met_too in matches; count(met & met_too) > 0}

_covering(matches) := {[a, b] | some a, met in matches; some b, met_too in matches; count(met_too - met) == 0}

_templates := {path: httppath.template(path) | some path in _shapes}

_shapes := {sprintf("/%s", [concat("/", segments)]) |
	some segments in _up_to_three({"a", "b", "{*}", "{**}"})
	count([1 | some segment in segments; segment == "{**}"]) < 2
}

_matches := {shape: {path | some path in _paths; regex.match(pattern, path)} |
	some shape in _shapes
	pattern := sprintf("^%s$", [replace(replace(shape, "/{**}", "(/[^/]*)*"), "{*}", "[^/]*")])
}

_paths := {sprintf("/%s", [concat("/", segments)]) |
	letters := {"a", "b", "z"}
	words := _up_to_three(letters)
	some segments in (words | _longer(words, letters))
} | {"/", "/a/", "/a/b/", "//a", "//", "/z/"}

_up_to_three(letters) := one | (two | _longer(two, letters)) if {
	one := {[letter] | some letter in letters}
	two := _longer(one, letters)
}

_longer(words, letters) := {array.concat(word, [letter]) |
	some word in words
	some letter in letters
}

# What is said of expressions may err, but only to the safe side.
test_expressions_hide_nothing if {
	overlapping := {[a, b] | some a, p in _expressions; some b, q in _expressions; httppath.overlaps(p, q)}
	covered := {[a, b] | some a, p in _expressions; some b, q in _expressions; httppath.covers(p, q)}
	_meeting(_expression_matches) - overlapping == set()
	covered - _covering(_expression_matches) == set()
}

_expressions := {path: httppath.expression(path) | some path, _ in _expression_matches}

_expression_matches := {expression: {path | some path in _strings; regex.match(pattern, path)} |
	some expression in {
		"/",
		"/a",
		"/a.b",
		`/a\.b`,
		"/.",
		"/a/b",
		"/.b",
		"/[^/]+",
		"/[^/]*",
		"/[^/]+/b",
		"/.*",
		"/a/.*",
		"/a./.*",
		"/./.*",
		"/[^/]+/.*",
		"/./[^/]+",
		"/a/./b",
		"/a.*",
		"/(a|b)",
		"/a?",
		".*",
		"/a/.+",
		"/..",
		"/[ab]",
		"/a{1}",
	}
	pattern := sprintf("^(%s)$", [replace(regex.replace(expression, `/\.\*$`, "(/.*)?"), "[^/]+", "[^/]*")])
}

_strings := {sprintf("/%s", [substring(word, 0, length)]) |
	some a in _letters
	some b in _letters
	some c in _letters
	some d in _letters
	word := concat("", [a, b, c, d])
	some length in [0, 1, 2, 3, 4]
}

_letters := {"/", "a", "b", "."}

test_overlaps[note] if {
	some note, tc in {
		"equal": {"a": "/orders", "b": "/orders", "want": true},
		"different": {"a": "/orders", "b": "/Orders", "want": false},
		"a slash more": {"a": "/orders", "b": "/orders/", "want": false},
		"one segment": {"a": "/{*}", "b": "/orders", "want": true},
		"an empty segment": {"a": "/{*}", "b": "/", "want": true},
		"crossed": {"a": "/{*}/x", "b": "/secret/{*}", "want": true},
		"no segment left": {"a": "/a/{**}", "b": "/a", "want": true},
		"between": {"a": "/a/{**}/z", "b": "/a/b/c/z", "want": true},
		"between, nothing": {"a": "/a/{**}/z", "b": "/a/z", "want": true},
		"too short": {"a": "/a/{**}/a", "b": "/a", "want": false},
		"too short for both": {"a": "/{*}/{**}/z", "b": "/{*}", "want": false},
		"star": {"a": "/*", "b": "/", "want": true},
		"encoded": {"a": "/%61", "b": "/b", "want": true},
		"dot segment": {"a": "/a/../b", "b": "/c", "want": true},
		"operator inside a segment": {"a": "/a{*}", "b": "/c", "want": true},
		"two of any length": {"a": "/{**}/a/{**}", "b": "/c", "want": true},
		"star after a segment": {"a": "/a/*", "b": "/c", "want": true},
		"no slash": {"a": "a", "b": "/c", "want": true},
		"empty": {"a": "", "b": "/c", "want": true},
		"a number": {"a": 7, "b": "/c", "want": true},
		"null": {"a": null, "b": null, "want": true},
	}

	_says_overlaps(httppath.template(tc.a), httppath.template(tc.b)) == tc.want
	_says_overlaps(httppath.template(tc.b), httppath.template(tc.a)) == tc.want
}

test_covers[note] if {
	some note, tc in {
		"itself": {"outer": "/a", "inner": "/a", "want": true},
		"another": {"outer": "/a", "inner": "/b", "want": false},
		"everything": {"outer": "/*", "inner": "/{*}/x", "want": true},
		"not the other way": {"outer": "/{*}/x", "inner": "/*", "want": false},
		"as many at least": {"outer": "/{*}/{**}", "inner": "/{**}/b", "want": true},
		"what may be left out": {"outer": "/a/{*}/{**}", "inner": "/a/{**}", "want": false},
		"an unreadable one": {"outer": "/*", "inner": "/%61", "want": false},
		"by an unreadable one": {"outer": "/%61", "inner": "/a", "want": false},
		"an unreadable one by itself": {"outer": "/%61", "inner": "/%61", "want": false},
		"null": {"outer": "/*", "inner": null, "want": false},
	}

	_says_covers(httppath.template(tc.outer), httppath.template(tc.inner)) == tc.want
}

test_expression_overlaps[note] if {
	some note, tc in {
		"equal": {"a": "/orders", "b": "/orders", "want": true},
		"different": {"a": "/orders", "b": "/health", "want": false},
		"a dot is any character": {"a": "/secre.", "b": "/secret", "want": true},
		"a slash too": {"a": "/api.secret", "b": "/api/secret", "want": true},
		"an escaped dot is a dot": {"a": `/secre\.`, "b": "/secret", "want": false},
		"a usual file": {"a": "/favicon.ico", "b": "/orders", "want": false},
		"the rest": {"a": "/orders/.*", "b": "/orders", "want": true},
		"another rest": {"a": "/orders/.*", "b": "/health/.*", "want": false},
		"one segment": {"a": "/[^/]+", "b": "/a/b", "want": false},
		"one segment or none": {"a": "/[^/]*", "b": "/a", "want": true},
		"alternatives": {"a": "/(a|b)", "b": "/c", "want": true},
		"a template": {"a": "/{*}/b", "b": "/c", "want": true},
		"all": {"a": "/.*", "b": "/c", "want": true},
		"all, as it was once written": {"a": "/*", "b": "/c", "want": true},
		"any": {"a": ".*", "b": "/c", "want": true},
		"encoded": {"a": "/%61", "b": "/c", "want": true},
		"dot segment": {"a": `/\.\./a`, "b": "/c", "want": true},
		"anchored": {"a": "^/a$", "b": "/c", "want": true},
		"empty": {"a": "", "b": "/c", "want": true},
		"null": {"a": null, "b": "/c", "want": true},
		"a list": {"a": ["/a"], "b": "/c", "want": true},
	}

	_says_overlaps(httppath.expression(tc.a), httppath.expression(tc.b)) == tc.want
	_says_overlaps(httppath.expression(tc.b), httppath.expression(tc.a)) == tc.want
}

test_expression_covers[note] if {
	some note, tc in {
		"itself": {"outer": "/a.b", "inner": "/a.b", "want": true},
		"everything": {"outer": "/.*", "inner": "/favicon.ico", "want": true},
		"the rest": {"outer": "/a/.*", "inner": "/a/b.c", "want": true},
		"a dot may be a slash": {"outer": "/[^/]+", "inner": "/a.b", "want": false},
		"by a dot": {"outer": "/a.b", "inner": `/a\.b`, "want": false},
		"alternatives": {"outer": "/.*", "inner": "/(a|b)", "want": false},
		"alternatives by themselves": {"outer": "/(a|b)", "inner": "/(a|b)", "want": false},
	}

	_says_covers(httppath.expression(tc.outer), httppath.expression(tc.inner)) == tc.want
}

test_identity[note] if {
	some note, tc in {
		"star is the rest": {"a": httppath.template("/*"), "b": httppath.template("/{**}"), "want": true},
		"across dialects": {"a": httppath.template("/a/{*}"), "b": httppath.expression("/a/[^/]+"), "want": true},
		"dots differ": {"a": httppath.expression("/a.b"), "b": httppath.expression(`/a\.b`), "want": false},
		"unreadable ones": {"a": httppath.expression("/(a|b)"), "b": httppath.expression("/(a|c)"), "want": false},
		"one unreadable one": {"a": httppath.expression("/(a|b)"), "b": httppath.expression("/(a|b)"), "want": true},
	}

	tc.a.identity == tc.b.identity == tc.want
}

default _says_overlaps(_, _) := false

_says_overlaps(a, b) if httppath.overlaps(a, b)

default _says_covers(_, _) := false

_says_covers(outer, inner) if httppath.covers(outer, inner)
