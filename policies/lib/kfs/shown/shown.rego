# METADATA
# title: Values in messages
# description: |
#   Shows a value of any type, the same in every consumer: Gatekeeper reads every number as a float64, which
#   json.marshal and %v write as 4.294967296e+09 where others write 4294967296. Lists and objects are named, not shown.
package lib.kfs.shown

# METADATA
# description: Text in quotes, a whole number in digits, true, false, null, or what else it is.
# scope: document
value(given) := sprintf("%q", [given]) if is_string(given)

value(given) := format_int(given, 10) if _whole(given)

value(given) := "a fraction" if {
	is_number(given)
	not _whole(given)
}

value(given) := json.marshal(given) if is_boolean(given)

value(given) := "null" if is_null(given)

value(given) := "a list" if is_array(given)

value(given) := "an object" if is_object(given)

_whole(given) if {
	is_number(given)
	floor(given) == given
}
