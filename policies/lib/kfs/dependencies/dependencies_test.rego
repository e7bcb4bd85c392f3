package lib.kfs.dependencies_test

import data.lib.kfs.dependencies

test_language[note] if {
	some note, tc in {
		"node": {"runtime": "nodejs24", "text": "requests", "want": "nodejs"},
		"python": {"runtime": "python312", "text": "{}", "want": "python"},
		"looks like node": {"runtime": "", "text": " {\"dependencies\": {}}", "want": "nodejs"},
		"looks like python": {"runtime": "java17", "text": "requests", "want": "python"},
		"no text": {"runtime": null, "text": 1, "want": "python"},
	}
	dependencies.language(tc.runtime, tc.text) == tc.want
}

test_exact_versions[version] if {
	some version in [
		"1.7.9", "=1.7.9", "v1.7.9", " 1.7.9 ", "1.7.9-rc.1+build.5", "npm:@shop/axios@1.7.9", "npm:axios@1.7.9",
		"git+https://a/b.git#5b2c1f0a9d8e7c6b5a4f3e2d1c0b9a8f7e6d5c4b",
		"shop/axios#5b2c1f0a9d8e7c6b5a4f3e2d1c0b9a8f7e6d5c4b",
	]
	dependencies.loose(json.marshal({"dependencies": {"axios": version}}), "nodejs24", 20) == set()
}

test_loose_versions[note] if {
	some note, version in {
		"caret": "^1.7.9", "tilde": "~1.7.9", "range": ">=1.0.0 <2.0.0", "x": "1.x", "two": "1.7", "latest": "latest",
		"star": "*",
		"empty": "", "or": "1.7.9 || 1.8.0", "alias": "npm:axios@^1.7.9", "branch": "git+https://a/b.git#main",
		"file": "https://a/b.tgz",
		"number": 1, "null": null, "leading zero": "01.7.9", "newline": "1.7.9\n^2",
	}
	dependencies.loose(json.marshal({"peerDependencies": {"axios": version}}), "nodejs24", 20) == {{
		"line": 1,
		"what": "package \"axios\" isn't pinned to an exact version",
	}}
}

test_exact_requirements[line] if {
	some line in [
		"requests==2.32.3", "requests[socks] == 2.32.3", "requests===2.32.3", "requests (==2.32.3)", "a==1!2.0.post1",
		"a==1.0 ; python_version < '3.13'", "a==1.0 --hash=sha256:00", "a==1.0 \\", "# a", "", "--no-binary :all:",
		"-r other.txt",
		"git+https://a/b@5b2c1f0a9d8e7c6b5a4f3e2d1c0b9a8f7e6d5c4b", "    --hash=sha256:00",
		"b @ https://a/b.whl#sha256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	]
	dependencies.loose(line, "python312", 20) == set()
}

test_loose_requirements[line] if {
	some line, name in {
		"requests": `package "requests"`, "requests>=2": `package "requests"`, "requests~=2.32": `package "requests"`,
		"requests==2.*": `package "requests"`, "requests==2,!=2.1": `package "requests"`,
		"-e .": "a package from an address",
		"--editable=git+https://a:hunter2@b": "a package from an address",
		"b @ https://a/b.whl": "a package from an address",
		"./b": "a package from an address",
		"MIIEhNZQLhtA+hNZQLhtA": "a package from an address",
	}
	dependencies.loose(line, "python312", 20) == {{
		"line": 1,
		"what": sprintf("%s isn't pinned to an exact version", [name]),
	}}
}

# A key in lines: not even its shortest is shown.
test_key_among_requirements if {
	key := concat("", ["-----BEGIN PRIVATE", " KEY-----\nMIIEhNZQLhtA==\nrequests\n"])
	{fault.what | some fault in dependencies.loose(key, "python312", 20)} == {
		"a package from an address isn't pinned to an exact version",
	}
}

test_no_more_than_asked_for if {
	found := dependencies.loose("a\nb\nc", "python312", 2)
	{fault.what | some fault in found} == {
		"package \"a\" isn't pinned to an exact version",
		"package \"b\" isn't pinned to an exact version (and 1 more)",
	}
	text := `{"dependencies": {"a": "http://a", "b": "http://b"}}`
	{fault.what | some fault in dependencies.clear(text, "nodejs24", 1)} == {
		"package \"a\" is fetched over clear text (and 1 more)",
	}
}

test_unreadable[note] if {
	some note, tc in {
		"number": {"text": 1, "want": {"the dependencies are no text"}},
		"list": {"text": "[]", "want": {"the dependencies are no JSON object"}},
		"comma": {"text": "{\"name\": \"a\",}", "want": {"the dependencies are no JSON"}},
		"yaml": {"text": "dependencies: {}", "want": {"the dependencies are no JSON"}},
		"section": {"text": `{"dependencies": [], "devDependencies": null}`, "want": {
			"dependencies of the dependencies is no object",
			"devDependencies of the dependencies is no object",
		}},
		"blank": {"text": " \n", "want": set()},
		"object": {"text": "{}", "want": set()},
	}
	{fault.what | some fault in dependencies.loose(tc.text, "nodejs24", 20)} == tc.want
}

test_unreadable_for_python if {
	{fault.what | some fault in dependencies.loose(1, "python312", 20)} == {"the dependencies are no text"}
	{fault.what | some fault in dependencies.clear(1, "python312", 20)} == {"the dependencies are no text"}
}

# A name that JSON writes otherwise than it is has no line.
test_escaped_name if {
	text := `{
		"dependencies": {"a\u0078ios": "*"}}`
	{fault.line | some fault in dependencies.loose(text, "nodejs24", 20)} == {1}
}

test_line_of_the_version if {
	text := concat("\n", [
		`{"name": "axios",`,
		`"devDependencies": {"axios": "1.0.0"},`,
		`"dependencies":`,
		`{"axios" :`,
		`"*"}}`,
	])
	{fault.line | some fault in dependencies.loose(text, "nodejs24", 20)} == {4}
}

test_clear[note] if {
	some note, tc in {
		"publish": {"runtime": "nodejs24", "text": `{"publishConfig": {"registry": "http://a"}}`, "want": 1},
		"override": {
			"runtime": "nodejs24",
			"text": `{"overrides": {"a": {".": "1.0.0", "b": {".": "http://c"}}}}`,
			"want": 1,
		},
		"overrides": {
			"runtime": "nodejs24",
			"text": `{"overrides": {"a": "1.0.0", "b": ["http://c"], "c": 1}}`,
			"want": 0,
		},
		"homepage": {"runtime": "nodejs24", "text": `{"homepage": "http://a"}`, "want": 0},
		"git": {"runtime": "nodejs24", "text": `{"dependencies": {"a": "git+HTTP://b"}}`, "want": 1},
		"unreadable": {"runtime": "nodejs24", "text": "{\n\"a\": \"git://b\"", "want": 1},
		"unreadable, https": {"runtime": "nodejs24", "text": "{\n\"a\": \"https://b\"", "want": 0},
		"index": {"runtime": "python312", "text": "-i http://a", "want": 1},
		"index=": {"runtime": "python312", "text": "--index-url=http://a", "want": 1},
		"host": {"runtime": "python312", "text": "a==1.0 --trusted-host b", "want": 1},
		"index without a space": {"runtime": "python312", "text": "-ihttp://a", "want": 1},
		"host, shortened": {"runtime": "python312", "text": "--trust b", "want": 1},
		"comment": {"runtime": "python312", "text": "# http://a\na==1.0 # http://b", "want": 0},
		"proxy": {"runtime": "python312", "text": "--proxy http://a:3128", "want": 0},
		"fragment": {"runtime": "python312", "text": "a @ https://b/a#http", "want": 0},
	}
	count(dependencies.clear(tc.text, tc.runtime, 20)) == tc.want
}

test_clear_address[note] if {
	some note, tc in {
		"http": {"address": "http://a", "want": true},
		"capitals": {"address": " HtTp://a", "want": true},
		"git": {"address": "git://a", "want": true},
		"svn": {"address": "svn+http://a", "want": true},
		"https": {"address": "https://a", "want": false},
		"ssh": {"address": "git@a:b", "want": false},
		"inside": {"address": "https://a/?b=http://c", "want": false},
		"number": {"address": 1, "want": false},
	}
	clear := count([1 | dependencies.clear_address(tc.address)]) == 1
	clear == tc.want
}

test_settings[note] if {
	some note, tc in {
		"registry": {"text": "registry=http://a", "want": 1},
		"scope": {"text": "@b:registry = http://a", "want": 1},
		"strict": {"text": "strict-ssl=false", "want": 1},
		"strict, unset": {"text": "strict-ssl=", "want": 1},
		"strict, true": {"text": "strict-ssl=true", "want": 0},
		"continued": {"text": "extra-index-url =\n  http://a", "want": 1},
		"trusted": {"text": "trusted-host = a", "want": 1},
		"proxy": {"text": "https-proxy=http://a\nproxy = http://a\nnoproxy=http://a", "want": 0},
		"comments": {"text": "# registry=http://a\n; registry=http://a\n\n", "want": 0},
		"token": {"text": "//a/:_authToken=${TOKEN}", "want": 0},
	}
	count(dependencies.clear_settings(tc.text)) == tc.want
}
