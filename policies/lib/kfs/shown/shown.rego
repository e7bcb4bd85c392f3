# METADATA
# title: Values in messages
# description: |
#   What messages may show. A value of any type is the same in every consumer: Gatekeeper reads every number as a
#   float64, which json.marshal and %v write as 4.294967296e+09 where others write 4294967296; lists and objects are
#   named, not shown. And no credential is repeated, in whichever field it was written: lib.kfs.finding masks every
#   message, so a rule masks only what it cuts or takes apart first.
package lib.kfs.shown

# METADATA
# description: Text in quotes, a whole number in digits, true, false, null, or what else it is.
# scope: document
value(given) := masked(sprintf("%q", [given])) if is_string(given)

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

# METADATA
# description: |
#   The text with an ellipsis for every credential in it: a URL's user and query, webhooks, tokens, private keys. It
#   masks too much rather than too little.
# scope: document
masked(text) := regex.replace(
	regex.replace(
		regex.replace(text, masks[0].pattern, masks[0].shown),
		masks[1].pattern, masks[1].shown,
	),
	masks[2].pattern, masks[2].shown,
)

# METADATA
# description: |
#   The text as one line, without what doesn't show. People read messages in terminals and in logs of CI, where a name
#   must not begin a line of its own: it could be a command, as `::error::` is to GitHub.
# scope: document
line(text) := regex.replace(text, `[\pC\p{Zl}\p{Zp}]+`, " ")

# METADATA
# description: A path (keys and indices) as far as no key holds a credential.
# scope: document
path(steps) := array.slice(steps, 0, min({count(steps)} | {i |
	some i, step in steps
	is_string(step)
	quoted := sprintf("%q", [step])
	masked(quoted) != quoted
}))

# METADATA
# description: |
#   What masks a text, one after the other. kfs applies the same to what it says itself. They may stand before or after
#   %q has escaped the text.
# scope: document
masks := [
	{"pattern": `((?:hooks\.slack\.com|/api/webhooks|/webhookb2)/)[^"\s]+`, "shown": "$1…"},
	# To the last @, as some parsers do.
	{"pattern": `://(?:[^"\s\\]|\\.)*@|://[^"/?#@:\s]*:[^"@/]*@`, "shown": "://…@"},
	{
		"pattern": concat("|", [
			`(://[^"\s?#]*[?#])(?:[Bb]asic |[Bb]earer |[^"\s\\]|\\.)+`,
			concat("", [
				`((?i:[a-z0-9_.-]*(?:token|passw(?:or)?d|pwd|passphrase|secret|key|sig|signature|credentials?)=))`,
				`(?:[Bb]asic |[Bb]earer |[^&;"\s])+`,
			]),
			`([Bb]asic )[a-z]*[A-Z0-9+/=][A-Za-z0-9+/=]{3,}`,
			`([Bb]earer )[a-z._~-]*[A-Z0-9+/=][A-Za-z0-9._~+/=-]{6,}`,
			`(?i:-----BEGIN [A-Z0-9 ]*PRIVATE KEY)(?:[^"\\]|\\.)*`,
			concat("", [`(?:\b|_|\\[nrt])(?:`, concat("|", _tokens), `)[A-Za-z0-9._~+/=-]*`]),
			# Lines of a key, and whatever else is that long and no name.
			`[a-z0-9+/]{0,40}[A-Z][A-Za-z0-9+/]{40,}[A-Za-z0-9._~+/=-]*`,
		]),
		"shown": "$1$2$3$4…",
	},
]

# How the tokens of issuers begin, and as much more as tells them from words.
_tokens := [
	`(?i:gh[opsur]_|github_pat_|gl(?:pat|dt|rt|ptt|cbt|soat|agent)-|atatt3|xox[abeoprs]-)[A-Za-z0-9]{6,}`,
	`(?i:xapp-[0-9]-|ya29\.|gocspx-|sq0(?:atp|csp)-|pypi-age|eyj|ls0tls1crudjti)[A-Za-z0-9_-]{8,}`,
	`(?i:[sr]k_(?:live|test)_|whsec_|shp(?:at|ca|pa|ss)_|rubygems_|dckr_[op]at_|do[opr]_v1_)[A-Za-z0-9]{8,}`,
	`(?i:gl(?:sa|c)_|lin_api_|nrak-|pmak-|ntn_|age-secret-key-1|hv[sbr]\.)[A-Za-z0-9]{8,}`,
	`(?i:npm_|hf_|atbb|secret_|sk-)[A-Za-z0-9]{28,}`,
	`(?i:sk-(?:proj|ant|svcacct|admin)-)[A-Za-z0-9_-]{20,}`,
	`(?i:[a-z0-9]{14}\.atlasv1\.)`,
	`(?i:dapi|key-|sk)[0-9a-fA-F]{32}`,
	`(?i:a(?:ki|si|bi)a[a-z0-9]{16}|aiza[0-9a-z_-]{30,})`,
	`(?i:sg\.[a-z0-9_-]{20,24}\.[a-z0-9_-]{30,})`,
	`[0-9]{8,10}:AA[A-Za-z0-9_-]{30,}`,
	`[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,}`,
]
