# METADATA
# title: HTTP paths
# description: |
#   Paths of APIRules compared as sets of requests: may one request meet both, does one take in all of the other. Both
#   answers err to the side that hides nothing: a path that can't be read overlaps every path and is covered by none.
#   A path is first read, by `template` (v2, v2alpha1) or `expression` (v1beta1, v1alpha1), into an object whose
#   `identity` is equal exactly where two paths say the same; the rest of it is this package's own.
package lib.kfs.httppath

# METADATA
# description: |
#   Reads a path of APIRule v2: literal segments, `{*}` for one segment, at most one `{**}` for any number of them; `/*`
#   is `/{**}`. Percent-encoding and dot segments are no literals, for Envoy rewrites them before it compares.
# scope: document
template(path) := _read(_template_segments(path)) if _is_template(path)

template(path) := _unreadable(path) if not _is_template(path)

# METADATA
# description: |
#   Reads a path of APIRule v1beta1 or v1alpha1, a regular expression, as far as it is one of the usual: literals, where
#   a dot stands for any character unless it is escaped, `[^/]+` and `[^/]*` for `{*}`, `/.*` at the end for `/{**}`.
# scope: document
expression(path) := _read(_expression_segments(path)) if _is_expression(path)

expression(path) := _unreadable(path) if not _is_expression(path)

# METADATA
# description: True where a request may meet both paths.
# scope: document
overlaps(a, b) if {
	_both_literal(a, b)
	_alike(concat("/", a.identity), concat("/", b.identity))
}

overlaps(a, b) if {
	not _both_literal(a, b)
	_agree(a.before, b.before)
	_agree(array.reverse(a.after), array.reverse(b.after))
	_fits(a, b)
	_fits(b, a)
}

# METADATA
# description: True where every request that meets `inner` meets `outer`.
# scope: document
covers(outer, inner) if {
	outer.readable
	outer.identity == inner.identity
}

covers(outer, inner) if {
	outer.exact
	inner.readable
	_stretches(outer, inner)
	inner.least >= outer.least
	_takes(outer.before, inner.before)
	_takes(array.reverse(outer.after), array.reverse(inner.after))
}

# Any one segment, an empty one too; any number of segments; in a segment of an expression, any one character.
_one := "{*}"

_any := "{**}"

_wild := "?"

_is_template(path) if is_array(_template_segments(path))

_template_segments(path) := [_any] if path == "/*"

_template_segments(path) := segments if {
	is_string(path)
	regex.match(`^(/([A-Za-z0-9._~!$&'()+,;=:@-]*|\{\*{1,2}\}))+$`, path)
	segments := _split(path)
	count([1 | some segment in segments; segment == _any]) < 2
	not _dotted(segments)
}

_is_expression(path) if is_array(_expression_segments(path))

_expression_segments(path) := [_any] if path in {"/*", "/.*"}

_expression_segments(path) := array.concat(segments, _tail(path)) if {
	is_string(path)
	regex.match(`^(/([^/.*+?()\[\]{}|^$\\%\n]|\\?\.)*|/\[\^/\][+*])+(/\.\*)?$`, path)
	ones := regex.replace(trim_suffix(path, "/.*"), `\[\^/\][+*]`, _one)
	segments := _split(replace(replace(replace(ones, `\.`, "\n"), ".", _wild), "\n", "."))
	not _dotted(segments)
}

_tail(path) := [_any] if endswith(path, "/.*")

_tail(path) := [] if not endswith(path, "/.*")

_split(path) := split(substring(path, 1, -1), "/")

_dotted(segments) if {
	some segment in segments
	segment in {".", ".."}
}

# An open path has segments before and after those whose number it leaves open; a segment with a wild character is one
# of these, for the character may be a slash. Of a closed path both are all of its segments.
_read(segments) := {
	"readable": true,
	"exact": count(_wilds(segments)) == 0,
	"literal": count(_wildcards(segments)) == 0,
	"open": false,
	"identity": segments,
	"before": segments,
	"after": segments,
	"least": count(segments),
} if {
	count(_opens(segments)) == 0
}

_read(segments) := {
	"readable": true,
	"exact": count(_wilds(segments)) == 0,
	"literal": count(_wildcards(segments)) == 0,
	"open": true,
	"identity": segments,
	"before": before,
	"after": after,
	"least": max({1, count(before) + count(after)}),
} if {
	count(_opens(segments)) > 0
	before := array.slice(segments, 0, min(_opens(segments)))
	after := array.slice(segments, max(_opens(segments)) + 1, count(segments))
}

_unreadable(path) := {
	"readable": false,
	"exact": false,
	"literal": false,
	"open": true,
	"identity": {"unreadable": path},
	"before": [],
	"after": [],
	"least": 0,
}

_wildcards(segments) := {i | some i, segment in segments; segment in {_one, _any}}

_wilds(segments) := {i | some i, segment in segments; indexof(segment, _wild) >= 0}

_opens(segments) := _wilds(segments) | {i | some i, segment in segments; segment == _any}

_both_literal(a, b) if {
	a.literal
	b.literal
}

_alike(a, b) if {
	count(a) == count(b)
	every i, character in regex.find_n(`(?s).`, a, -1) { _same(character, substring(b, i, 1), _wild) }
}

# True where two lists of segments agree as far as the shorter one goes.
_agree(a, b) if {
	every i, segment in array.slice(a, 0, count(b)) { _same(segment, b[i], _one) }
}

_same(a, b, _) if a == b

_same(a, _, wildcard) if a == wildcard

_same(_, b, wildcard) if b == wildcard

# True where the least that `b` needs has room in `a`.
_fits(a, _) if a.open

_fits(a, b) if a.least >= b.least

_stretches(outer, _) if outer.open

_stretches(outer, inner) if {
	not inner.open
	outer.least == inner.least
}

# What `inner` leaves open only `{*}` takes.
_takes(outer, inner) if {
	every i, segment in outer { _takes_at(segment, inner, i) }
}

_takes_at(segment, _, _) if segment == _one

_takes_at(segment, inner, i) if segment == inner[i]
