# METADATA
# title: Image references
# description: |
#   Reads image references as container tools do (the grammar of github.com/distribution/reference, which kubelet and
#   containerd use): what is compared is the registry and repository that would be pulled, never the text. Text that
#   those tools refuse is no reference here either.
package lib.kfs.reference

import data.lib.kfs.shown as shown_value

# METADATA
# description: |
#   Registry and repository of an image reference, as `host/path`; undefined for what is no reference. A host that
#   isn't written is docker.io. Capitals and ports stay in the host: they may lead to the same registry, but no tool
#   writes them.
# scope: document
repository(text) := sprintf("%s/%s", [groups[1], groups[2]]) if {
	is_string(text)
	not _identifier(text)
	some groups in regex.find_all_string_submatch_n(_grammar, _full(text), 1)
	count(groups[2]) < 256
}

# METADATA
# description: |
#   True if the reference's repository is `place` or lies below it, by whole path segments. A place is a host and any
#   number of path segments; one that names no host is ambiguous and has nothing within.
# scope: document
within(text, place) if {
	pulled := split(repository(text), "/")
	allowed := split(_place(place), "/")
	array.slice(pulled, 0, count(allowed)) == allowed
}

# METADATA
# description: |
#   The digest at the end of the text: `sha256:` and 64 lower-case hex digits. Container tools refuse capitals and other
#   lengths; sha512 is legal, but most registries have no such manifests.
# scope: document
digest(text) := groups[1] if {
	is_string(text)
	some groups in regex.find_all_string_submatch_n(`^[^@]+@(sha256:[0-9a-f]{64})$`, text, 1)
}

# METADATA
# description: |
#   The value for a message, quoted. Of text that is no reference, what stands before an @ is cut: it may be a password.
# scope: document
shown(value) := sprintf("%q", [value]) if readable(value)

shown(value) := sprintf("%q", [concat("@", array.concat(_cut(parts), _kept(parts)))]) if {
	is_string(value)
	not readable(value)
	parts := split(shown_value.masked(value), "@")
}

shown(value) := shown_value.value(value) if not is_string(value)

# METADATA
# description: True for an image reference that container tools accept.
# scope: document
readable(value) if repository(value)

# The last part, and the one before a digest.
_kept(parts) := array.slice(parts, count(parts) - 1, count(parts)) if not _digested(parts)

_kept(parts) := array.slice(parts, count(parts) - 2, count(parts)) if _digested(parts)

_digested(parts) if startswith(lower(parts[count(parts) - 1]), "sha256:")

_cut(parts) := [] if count(_kept(parts)) == count(parts)

_cut(parts) := ["…"] if count(_kept(parts)) < count(parts)

# 64 hex digits alone name a local image by its id.
_identifier(text) if regex.match(`^[0-9a-f]{64}$`, text)

# The reference with its host written out.
_full(text) := _hub(text) if _hosted(text)

_full(text) := _hub(concat("/", ["docker.io", text])) if not _hosted(text)

# Docker Hub has two names and keeps its own images under library/, which nobody writes.
_hub(text) := regex.replace(official, `^docker\.io/([^/]*)$`, "docker.io/library/$1") if {
	official := regex.replace(text, `^index\.docker\.io/`, "docker.io/")
}

# The first of several segments is a host if it can't be part of a path.
_hosted(text) if {
	contains(text, "/")
	_host(split(text, "/")[0])
}

_host("localhost")

_host(segment) if contains(segment, ".")

_host(segment) if contains(segment, ":")

_host(segment) if lower(segment) != segment

_place(text) := regex.replace(trim_suffix(text, "/"), `^index\.docker\.io(/|$)`, "docker.io$1") if {
	is_string(text)
	regex.match(_places, text)
	_host(split(text, "/")[0])
}

_places := sprintf(`^%s(?:/%s)*/?$`, [_domain, _segment])

_grammar := sprintf(`^(%s)/(%s(?:/%s)*)(?::%s)?(?:@%s)?$`, [_domain, _segment, _segment, _tag, _digest])

# Without the underscore that the tools let pass in some hosts: DNS has none.
_domain := sprintf(`(?:%s(?:\.%s)*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?`, [_label, _label])

_label := `(?:[0-9A-Za-z]|[0-9A-Za-z][0-9A-Za-z-]*[0-9A-Za-z])`

_segment := `[0-9a-z]+(?:(?:\.|_|__|-+)[0-9a-z]+)*`

_tag := `[0-9A-Za-z_][0-9A-Za-z_.-]{0,127}`

_digest := `(?:sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})`
