# METADATA
# title: Dependencies
# description: |
#   Reads the text of a Function's dependencies: package.json of Node.js, requirements.txt of Python. Every finding is
#   {line, what}; what names the package or option, and nothing that may hold a credential.
package lib.kfs.dependencies

import data.lib.kfs.secret

# METADATA
# description: |
#   The language of a Function's dependencies, nodejs or python: its runtime's; if that is neither, what the text looks
#   like.
# scope: document
language(runtime, _) := "nodejs" if startswith(_text(runtime), "nodejs")

language(runtime, _) := "python" if startswith(_text(runtime), "python")

language(runtime, text) := "nodejs" if {
	not _known(runtime)
	startswith(trim_space(_text(text)), "{")
}

language(runtime, text) := "python" if {
	not _known(runtime)
	shown := trim_space(_text(text))
	not startswith(shown, "{")
}

# METADATA
# description: |
#   What isn't pinned to one exact version, the first of them as many as `most`, and what can't be read.
# scope: document
loose(text, runtime, most) := union({
	_unreadable(text, language(runtime, text)),
	_loose(text, language(runtime, text), most),
})

# METADATA
# description: What is fetched over a connection that anyone on the way may change, the first as many as `most`.
# scope: document
clear(text, runtime, most) := _clear(text, language(runtime, text), most)

# METADATA
# description: True for the address of a Git repository, package or registry that is fetched over clear text.
# scope: document
clear_address(address) if {
	is_string(address)
	regex.match(`^\s*(?i:[a-z]+\+)?(?i:http|git|ftp|svn)://`, address)
}

# METADATA
# description: |
#   The text with what JSON needn't escape unescaped, on the same lines, so that addresses in it can be found.
# scope: document
unescaped(text) := replace(text, `\/`, "/") if is_string(text)

# METADATA
# description: |
#   The lines of a pip.conf or .npmrc that fetch over clear text, switch verification off, or trust a host blindly. What
#   goes through a proxy is still encrypted.
# scope: document
clear_settings(text) := {{"line": i + 1, "what": what} |
	some i, line in split(text, "\n")
	regex.match(`^\s*[^#;\s]`, line)
	not regex.match(`(?i)^\s*(?:https?[-_])?(?:no)?proxy\s*=`, line)
	some what in _lapses(line)
}

# pip takes underscores for dashes; npm leaves out what stands behind a ; or #.
_lapses(line) := {what |
	some what, pattern in {
		"fetches over clear text": `(?i)(?:^|[\s=@"'])(?:[a-z]+\+)?(?:http|git|ftp)://`,
		"trusts a host whatever its certificate": `(?i)^\s*trusted[-_]host\b`,
		"switches TLS verification off": `(?i)^\s*strict-ssl\s*=\s*["']?(?:false|0|null|no|off)?["']?\s*(?:[;#].*)?$`,
	}
	regex.match(pattern, line)
}

default _text(_) := ""

_text(value) := value if is_string(value)

_known(runtime) if regex.match(`^(?:nodejs|python)`, _text(runtime))

_unreadable(text, _) := {{"line": 1, "what": "the dependencies are no text"}} if not is_string(text)

_unreadable(text, "nodejs") := {{"line": 1, "what": fault} | some fault in _faults(text)} if is_string(text)

_unreadable(text, "python") := set() if is_string(text)

_faults(text) := set() if trim_space(text) == ""

_faults(text) := {"the dependencies are no JSON"} if {
	trim_space(text) != ""
	not json.is_valid(text)
}

_faults(text) := {"the dependencies are no JSON object"} if {
	json.is_valid(text)
	content := json.unmarshal(text)
	not is_object(content)
}

_faults(text) := {fault |
	some section in _sections
	content := object.get(json.unmarshal(text), section, {})
	not is_object(content)
	fault := sprintf("%s of the dependencies is no object", [section])
} if {
	json.is_valid(text)
	is_object(json.unmarshal(text))
}

# What npm installs.
_sections := ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"]

# A package.json, its trailing commas forgiven; empty if it can't be read then either. Upstream's samples have such
# commas, npm refuses them.
_package(text) := json.unmarshal(text) if _is_object(text)

_package(text) := json.unmarshal(_mended(text)) if {
	not _is_object(text)
	_is_object(_mended(text))
}

_package(text) := {} if {
	not _is_object(text)
	not _mendable(text)
}

_mendable(text) if _is_object(_mended(text))

_mended(text) := regex.replace(text, `,(\s*[}\]])`, "$1")

_is_object(text) if {
	json.is_valid(text)
	is_object(json.unmarshal(text))
}

# Every dependency as [section, name, version].
_requirements(text) := [[section, name, version] |
	some section in _sections
	content := object.get(_package(text), section, {})
	is_object(content)
	some name, version in content
]

_loose(text, _, _) := set() if not is_string(text)

_loose(text, "nodejs", most) := {{"line": _entry_line(text, requirement), "what": what} |
	some i, requirement in array.slice(loose_ones, 0, most)
	name := secret.shown(requirement[1])
	what := sprintf("package %s isn't pinned to an exact version%s", [name, _rest(i, most, count(loose_ones))])
} if {
	is_string(text)
	loose_ones := [requirement |
		some requirement in _requirements(text)
		[_, _, version] := requirement
		not _exact(version)
	]
}

_loose(text, "python", most) := {{"line": line, "what": what} |
	some i, [line, name] in array.slice(loose_ones, 0, most)
	what := sprintf("%s isn't pinned to an exact version%s", [name, _rest(i, most, count(loose_ones))])
} if {
	is_string(text)
	loose_ones := [[i + 1, _project(text, line)] |
		some i, raw in split(text, "\n")
		line := _requirement(raw)
		line != ""
		not _exact_requirement(line)
	]
}

default _rest(_, _, _) := ""

_rest(i, most, all) := sprintf(" (and %d more)", [all - most]) if {
	i == most - 1
	all > most
}

# A version; the same of an alias; a commit of a Git repository.
_exact(version) if {
	is_string(version)
	regex.match(
		concat("", [
			`^\s*(?:(?:npm:(?:@[a-z0-9._~-]+/)?[a-z0-9._~-]+@)?[v=]?\s*`,
			`(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?`,
			`|[^\s#]+#[0-9a-fA-F]{40})\s*$`,
		]),
		version,
	)
}

# The line on which a package stands with its version, or else on which it stands.
_entry_line(text, requirement) := min(lines) if {
	lines := {line |
		[_, name, _] := requirement
		pieces := split(text, sprintf("\"%s\"", [name]))
		some k in numbers.range(1, count(pieces) - 1)
		startswith(trim_left(pieces[k], " \t\r\n"), ":")
		_has_version(pieces[k], requirement[2])
		line := strings.count(concat(name, array.slice(pieces, 0, k)), "\n") + 1
	}
	count(lines) > 0
}

_entry_line(text, requirement) := 1 if not _placed(text, requirement)

_placed(text, requirement) if {
	[_, name, _] := requirement
	pieces := split(text, sprintf("\"%s\"", [name]))
	some k in numbers.range(1, count(pieces) - 1)
	startswith(trim_left(pieces[k], " \t\r\n"), ":")
	_has_version(pieces[k], requirement[2])
}

_has_version(_, version) if not is_string(version)

_has_version(rest, version) if {
	is_string(version)
	startswith(trim_left(trim_left(rest, " \t\r\n"), ":\t\r\n "), sprintf("\"%s\"", [version]))
}

# A line of requirements.txt without its comment. What continues a line, and options other than --editable, aren't
# requirements.
_requirement(raw) := trim_space(regex.replace(_meaning(raw), `^(?:-e|--editable)[ =]\s*`, ""))

_meaning(raw) := line if {
	line := _uncommented(raw)
	not _option(line)
}

_meaning(raw) := "" if _option(_uncommented(raw))

_uncommented(raw) := trim_space(regex.replace(raw, `(?:^|\s)#.*$`, ""))

_option(line) if {
	startswith(line, "-")
	not regex.match(`^(?:-e|--editable)[ =]`, line)
}

# name==1.2.3, of an alternative in a marker only what stands before it; a commit; a file with its hash.
_exact_requirement(line) if regex.match(
	concat("", [
		`^[A-Za-z0-9][A-Za-z0-9._-]*\s*(?:\[[A-Za-z0-9._, -]*\])?\s*`,
		`\(?\s*={2,3}\s*(?:[0-9]+!)?[0-9][0-9A-Za-z._+-]*\s*\)?\s*(?:;.*|--hash.*|\\)?$`,
	]),
	line,
)

_exact_requirement(line) if regex.match(
	concat("", [
		`^(?:[A-Za-z0-9][A-Za-z0-9._\[\], -]*@\s*)?`,
		`(?:[a-z]+\+[^\s]+@[0-9a-fA-F]{40}(?:#\S*)?|\S+#(?:\S*&)?sha256=[0-9a-f]{64})\s*(?:;.*)?$`,
	]),
	line,
)

# What to call a requirement: neither an address nor a line of a key is shown.
_project(text, line) := sprintf("package %s", [secret.shown(regex.find_n(_project_name, line, 1)[0])]) if {
	_simple(text, line)
}

_project(text, line) := "a package from an address" if not _simple(text, line)

_simple(text, line) if {
	regex.match(concat("", [_project_name, `(?:[\s\[(<>=!~;,@#\\]|$)`]), line)
	not contains(line, "://")
	not contains(text, "PRIVATE KEY")
}

_project_name := `^[A-Za-z0-9][A-Za-z0-9._-]{0,60}`

_clear(text, _, _) := {{"line": 1, "what": "the dependencies are no text"}} if not is_string(text)

_clear(text, "nodejs", most) := union({
	{{"line": _entry_line(text, requirement), "what": what} |
		clear_ones := [requirement | some requirement in _requirements(text); clear_address(requirement[2])]
		some i, requirement in array.slice(clear_ones, 0, most)
		name := secret.shown(requirement[1])
		what := sprintf("package %s is fetched over clear text%s", [name, _rest(i, most, count(clear_ones))])
	},
	{{"line": 1, "what": "publishConfig names a registry over clear text"} |
		clear_address(_package(text).publishConfig.registry)
	},
	{{"line": 1, "what": sprintf("package %s is overridden by one that is fetched over clear text", [name])} |
		some overridden, override in _package(text).overrides
		some address in _addresses(override)
		clear_address(address)
		name := secret.shown(overridden)
	},
	_clear_lines(text),
}) if {
	is_string(text)
}

_clear(text, "python", _) := {{"line": i + 1, "what": what} |
	some i, raw in split(text, "\n")
	line := _uncommented(raw)
	not startswith(line, "--proxy")
	some what in _lapses_of_pip(line)
} if {
	is_string(text)
}

# An override is a version, or an object of those below the package; npm takes any depth.
_addresses(override) := {override} if is_string(override)

_addresses(override) := union({
	{address | some address in override},
	{address | some nested in override; is_object(nested); some address in nested},
}) if {
	is_object(override)
}

# pip takes the beginnings of long options, and the values of short ones without a space.
_lapses_of_pip(line) := {what |
	some what, pattern in {
		"a package or index is fetched over clear text": concat("", [
			`(?i)(?:^(?:-[ife])?|[\s=@"'])`,
			`(?:[a-z]+\+)?(?:http|git|ftp|svn)://`,
		]),
		"a host is trusted whatever its certificate": `(?i)(?:^|\s)--t(?:r[a-z-]*)?(?:[\s=]|$)`,
	}
	regex.match(pattern, line)
}

# Where a package.json can't be read, every line counts.
_clear_lines(text) := set() if count(_package(text)) > 0

_clear_lines(text) := {{"line": i + 1, "what": "a package is fetched over clear text"} |
	count(_package(text)) == 0
	some i, line in split(text, "\n")
	regex.match(`(?i)["'](?:[a-z]+\+)?(?:http|git|ftp|svn)://`, line)
} if {
	count(_package(text)) == 0
}
