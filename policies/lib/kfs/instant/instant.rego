# METADATA
# title: Instants
# description: |
#   Dates that people write into annotations and parameters. They are read here, never by time.parse_* alone: a builtin
#   that fails leaves its rule undefined, which is a pass.
package lib.kfs.instant

# METADATA
# description: |
#   Nanoseconds since 1970 of an RFC 3339 time, or of the end of the day (UTC) of a YYYY-MM-DD date. Undefined for all
#   else, and outside 1700 to 2261: 64 bits of nanoseconds end in 2262.
# scope: document
end(text) := time.parse_rfc3339_ns(text) if {
	is_string(text)
	regex.match(_time, text)
	_real_day(text)
}

end(text) := time.parse_rfc3339_ns(sprintf("%sT23:59:59.999999999Z", [text])) if {
	is_string(text)
	regex.match(_date, text)
	_real_day(text)
}

# METADATA
# description: True where end is defined.
# scope: document
readable(text) if is_number(end(text))

_date := `^(1[7-9][0-9]{2}|2[01][0-9]{2}|22[0-5][0-9]|226[01])-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$`

_time := concat("", [
	trim_suffix(_date, "$"),
	`T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`,
])

_real_day(text) if {
	day := to_number(trim_prefix(substring(text, 8, 2), "0"))
	day <= _days(to_number(substring(text, 0, 4)), substring(text, 5, 2))
}

_days(_, month) := 31 if month in {"01", "03", "05", "07", "08", "10", "12"}

_days(_, month) := 30 if month in {"04", "06", "09", "11"}

_days(year, "02") := 29 if _leap(year)

_days(year, "02") := 28 if not _leap(year)

_leap(year) if {
	year % 4 == 0
	year % 100 != 0
}

_leap(year) if year % 400 == 0
