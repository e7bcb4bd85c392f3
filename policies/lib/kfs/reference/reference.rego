# METADATA
# title: Image references
# description: |
#   Reads image references as container tools do (github.com/distribution/reference, which kubelet, containerd and Kaniko
#   use): what is compared is the registry and repository that would be pulled, never the text. Text that those tools
#   refuse is no reference here either.
package lib.kfs.reference

# METADATA
# description: |
#   Registry with repository, as `host/path`, of an image reference; undefined for what is none. A host that isn't
#   written is docker.io. The case stays: a host in capitals is the same registry, but nobody writes that in good faith.
# scope: document
repository(text) := sprintf("%s/%s", [_parts(text)[1], _parts(text)[2]])

# METADATA
# description: True if the reference's repository is `place` or lies below it, by whole path segments.
# scope: document
within(text, place) if {
	pulled := split(repository(text), "/")
	allowed := split(_place(place), "/")
	array.slice(pulled, 0, count(allowed)) == allowed
}

# METADATA
# description: |
#   The sha256 digest at the end of the text, `sha256:` with 64 lower-case hex digits: capitals and other lengths are
#   refused by container tools, and other algorithms by most registries.
# scope: document
digest(text) := regex.find_all_string_submatch_n(`^[^@]+@(sha256:[0-9a-f]{64})$`, text, 1)[0][1] if is_string(text)

# METADATA
# description: The value for a message, quoted, without the user and password that some write before a host.
# scope: document
shown(value) := sprintf("%q", [regex.replace(value, `^([a-zA-Z]+://)?[^/@]*:[^/@]*@`, "$1…@")]) if {
	is_string(value)
	not _reference(value)
}

shown(value) := sprintf("%q", [value]) if {
	is_string(value)
	_reference(value)
}

shown(value) := json.marshal(value) if not is_string(value)

_reference(text) if repository(text)

# [whole, host, path, …]
_parts(text) := regex.find_all_string_submatch_n(_grammar, _full(text), 1)[0] if {
	is_string(text)
	not _identifier(text)
}

# 64 hex digits alone name a local image, not a repository.
_identifier(text) if regex.match(`^[0-9a-f]{64}$`, text)

_full(text) := _hub(text) if _hosted(split(text, "/"))

_full(text) := _hub(sprintf("docker.io/%s", [text])) if not _hosted(split(text, "/"))

# Docker Hub has two names, and keeps its official images under library/.
_hub(text) := regex.replace(regex.replace(text, `^index\.docker\.io/`, "docker.io/"), `^docker\.io/([^/]*)$`, "docker.io/library/$1")

# The first segment is a host only if it can't be a path.
_hosted(segments) if {
	count(segments) > 1
	_host_like(segments[0])
}

_host_like(segment) if contains(segment, ".")

_host_like(segment) if contains(segment, ":")

_host_like(segment) if segment == "localhost"

_host_like(segment) if lower(segment) != segment

# A place in an allow-list: a host and any number of path segments. An entry without a host is ambiguous: it allows nothing.
_place(text) := regex.replace(trim_suffix(text, "/"), `^index\.docker\.io($|/)`, "docker.io$1") if {
	is_string(text)
	regex.match(_places, text)
	_host_like(split(text, "/")[0])
}

_places := sprintf(`^%s(?:/%s)*/?$`, [_domain, _segment])

_grammar := sprintf(`^(%s)/(%s(?:/%s)*)(?::[0-9A-Za-z_][0-9A-Za-z_.-]{0,127})?(?:@%s)?$`, [_domain, _segment, _segment, _digest])

_domain := sprintf(`(?:%s(?:\.%s)*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?`, [_label, _label])

_label := `(?:[0-9A-Za-z]|[0-9A-Za-z][0-9A-Za-z-]*[0-9A-Za-z])`

_segment := `[0-9a-z]+(?:(?:\.|_|__|-+)[0-9a-z]+)*`

_digest := `(?:sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})`
