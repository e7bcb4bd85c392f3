# METADATA
# title: Secrets
# description: |
#   Tells secrets by the name of what holds them and by their shape. Nothing here asks how random a value is: UUIDs,
#   hashes and images are not secrets. A hit is {line, what, value}: where it is (from 1), what to call it in a message,
#   and the value, which no message may repeat. The text may be a megabyte: no pattern runs over it that doesn't begin
#   with a literal, and no function is called with it in a loop.
package lib.kfs.secret

# METADATA
# description: |
#   True where a name ends in a secret word and the value that it holds is a literal: an environment variable, a header,
#   an annotation.
# scope: document
assigned(name, value) if {
	named(name)
	literal(value)
	not _path(name, value)
	not _asks_for_a_token(name, value)
}

assigned(name, value) if {
	is_string(name)
	regex.match(`(?i)auth(?:orization)?$`, name)
	is_string(value)
	_basic_credentials(trim_space(value), false)
}

# METADATA
# description: |
#   True where a name ends in a secret word, whatever its case and separators. Digits or a version at its end, and a
#   base64, don't count; of a name with a domain (an annotation's) only what follows it does.
# scope: document
named(name) if {
	is_string(name)
	strings.any_suffix_match(regex.replace(lower(_stem(name)), `[_. -]`, ""), _words)
}

# As a word of its own: SMTP_PASS, dbPass; not BYPASS, compass.
named(name) if {
	is_string(name)
	regex.match(`(?:^|[_. -])(?i:pass)$|[a-z0-9]Pass$`, _stem(name))
}

# METADATA
# description: |
#   True for a text that, under a secret name, is a secret: not if it is empty, true or false, a number, masked, all
#   placeholder, an example, a public key or certificate, or a reference to a secret store. `changeme` is a secret: it
#   works.
# scope: document
literal(text) if {
	is_string(text)
	value := trim_space(text)
	not _harmless(value)
	not _placeholder(value)
}

# METADATA
# description: The hits in a value, such as an environment variable, an annotation, a header, a URL.
# scope: document
within(text) := set() if not is_string(text)

within(text) := union({
	_shaped(text, false),
	_assignments(text, lower(text)),
	_elements(text),
	_lines_of(text),
	_decoded(text),
}) if {
	is_string(text)
}

# METADATA
# description: |
#   The hits in source code of any language whose literals stand in quotes. Here a value must look more like a secret
#   than elsewhere: code is full of names of secrets, labels, placeholders and messages about them.
# scope: document
written(text) := set() if not is_string(text)

written(text) := union({
	_shaped(text, true),
	_assignments(text, lower(text)),
	_elements(text),
	_calls(text, lower(text)),
	_text_lines(text),
	_decoded_literals(text),
}) if {
	is_string(text)
}

# METADATA
# description: |
#   The hits in an address, or in a text in which names are those of packages: by shape, as a parameter of a URL, and a
#   user's name that can only be a token.
# scope: document
addressed(text) := set() if not is_string(text)

addressed(text) := union({_shaped(text, false), _parameters(text), _users(text)}) if is_string(text)

# METADATA
# description: The hits by shape alone, as in source code.
# scope: document
shaped(text) := set() if not is_string(text)

shaped(text) := _shaped(text, true) if is_string(text)

# METADATA
# description: A name as messages may show it; a name may be a secret itself.
# scope: document
shown(name) := sprintf("%q", [name]) if {
	is_string(name)
	count(_told(name)) == 0
}

shown(name) := "under a name that holds a secret itself" if {
	is_string(name)
	count(_told(name)) > 0
}

shown(name) := "without a readable name" if not is_string(name)

_told(name) := shaped(name) | _assignments(name, lower(name))

_words := [
	"password", "passwd", "pwd", "passphrase", "secret", "token", "apikey", "accesskey", "privatekey", "secretkey",
	"credential", "credentials", "passwords", "apikeys", "accesskeys", "privatekeys", "secretkeys",
]

# Without its domain, and what may follow the word.
_stem(name) := regex.replace(
	regex.replace(name, `^.*/`, ""),
	`(?i)(?:[_. -]*v?[0-9]+)?[_. -]*(?:base64|b64)?[_. -]*[0-9]*$`,
	"",
)

# Names by which programs take a path and nothing else: a shell's variables, and the key file of Google's libraries
# (https://cloud.google.com/docs/authentication/application-default-credentials).
_path(name, value) if {
	lower(name) in {"pwd", "oldpwd", "google_application_credentials"}
	startswith(value, "/")
}

# What SAP's services take for the request of a CSRF token.
_asks_for_a_token(name, value) if {
	regex.match(`(?i)[cx]srf[-_]?token$`, name)
	lower(value) in {"fetch", "required"}
}

_harmless(value) if value == ""

_harmless(value) if lower(value) in {"true", "false"}

_harmless(value) if regex.match(`^[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$`, value)

# Masks.
_harmless(value) if regex.match(`^(?:\*+|\.+|-+|_+|•+)$`, value)

_harmless(value) if _exemplary(value)

_harmless(value) if regex.match(_public_key, value)

_harmless(value) if regex.match(_reference, value)

# Where a file is, as in GOOGLE_APPLICATION_CREDENTIALS.
_harmless(value) if regex.match(_file, value)

_file := concat("", [
	`^(?:file://)?/(?:etc|var|run|tmp|mnt|opt|home|root|app|secrets?|vault|certs?|keys?|config|credentials?)`,
	`/[A-Za-z0-9._/-]+$`,
])

_exemplary(value) if contains(value, "EXAMPLE")

# The word by itself, but not in a host's name: whoever is at example.com may have a password.
_exemplary(value) if regex.match(`(?i)(?:^|[^a-z0-9.@])example(?:[^a-z0-9.]|$)`, value)

_public_key := concat("", [
	`^(?:(?:(?:\s|\\n|\\r)*-----BEGIN (?:[A-Z0-9]+ )?(?:PUBLIC KEY|CERTIFICATE|CERTIFICATE REQUEST)-----`,
	`[A-Za-z0-9+/=.…\s\\]*-----END [A-Z0-9 ]+-----(?:\s|\\n|\\r)*)+$`,
	`|(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-[a-z0-9-]+) AAAA[A-Za-z0-9+/=]+(?: [^\s]+)?$`,
	`|LS0tLS1CRUdJTiB(?:QVUJMSUMgS0VZ|DRVJUSUZJQ0FURS|SU0EgUFVCTElDIEtFW)[A-Za-z0-9+/=\s]*$)`,
])

# What secret stores' injectors replace: Bank-Vaults, 1Password, vals, AWS, Google, Azure.
_reference := concat("", [
	`^(?:vault:[a-z0-9_-]+/|op://|ref\+[a-z]+://|arn:aws[a-z-]*:(?:secretsmanager|ssm):`,
	`|(?:gcp-)?sm://|akvs?://|@Microsoft\.KeyVault\()`,
])

# Something is left open, and what stands around it is at most the name of an authentication scheme.
_placeholder(value) if {
	rest := regex.replace(value, _holes, " ")
	rest != value
	kept := regex.replace(lower(trim_space(rest)), `^(?:basic|bearer|token|apikey)\b`, "")
	not regex.match(`[a-z0-9]`, kept)
}

_holes := `\$\([^()]*\)|\$\{[^{}]*\}|\{\{[^{}]*\}\}|<[^<>]*>|%[A-Z_]+\([^()]*\)%|\{%[^%]*%\}|\[\[[^\[\]]*\]\]`

# --- By shape ---------------------------------------------------------------------------------------------------------

# Most texts are short and hold no marker and no secret word: two patterns tell.
_marked(text) if count(text) > 4000

_marked(text) if regex.match(_markers, text)

_worded(text) if count(text) > 4000

_worded(text) if regex.match(`(?i)pass|pwd|secret|token|key|credential|authorization`, text)

# Those of all shapes.
_markers := concat("", [
	`"auth|"kty|\.atlasv1\.|\.webhook\.office\.com/|/api/webhooks/|://|:AA|:_auth|:_authToken|:_password|ABIA`,
	`|AGE-SECRET-KEY-1|AIza|AKIA|ASIA|ATATT3|ATBB|AccountKey=|GOCSPX-|LS0tLS1CRUdJTi|NRAK-|PMAK-`,
	`|PRIVATE KEY|Q~|SG\.|SK|SharedAccessKey=|asic |dapi|dckr_oat_|dckr_pat_|doo_v1_|dop_v1_|dor_v1_`,
	`|earer |eyJ|gho_|ghp_|ghr_|ghs_|ghu_|github_pat_|glagent-|glc_|glcbt-|gldt-|glpat-|glptt-|glrt-`,
	`|glsa_|glsoat-|hf_|hooks\.slack\.com/|hvb\.|hvr\.|hvs\.|key-|lin_api_|npm_|ntn_|pypi-AgE|rk_live_`,
	`|rk_test_|rubygems_|secret_|shpat_|shpca_|shppa_|shpss_|sig=|sk-|sk_live_|sk_test_|sq0atp-|sq0csp-`,
	`|whsec_|xapp-|xox|ya29\.`,
])

_shaped(text, _) := set() if not _marked(text)

_shaped(text, code) := union({hits, _excess(found)}) if {
	_marked(text)
	present := {what |
		some what, shape in _shapes
		some marker in shape.markers
		contains(text, marker)
	}
	found := {what: matches |
		some what in present
		matches := {match | some match in regex.find_all_string_submatch_n(_shapes[what].pattern, text, -1)}
	}
	hits := {hit |
		some what in present
		some match in _few([match |
			some match in _judgeable(found[what])
			not _sample(what, match, code)
		])
		pieces := split(text, match[0])
		some k in numbers.range(0, min([count(pieces) - 2, 50]))
		shape := _shapes[what]
		piece := pieces[k]
		not _inside_a_word(shape, piece)

		hit := {
			"line": strings.count(concat(match[0], array.slice(pieces, 0, k + 1)), "\n") + 1,
			"what": what,
			"value": match[1],
		}
	}
}

# A text with more than anyone writes is reported instead of judged: time is short, and what isn't judged mustn't pass.
_most := 2000

_judgeable(matches) := matches if count(matches) <= _most

_excess(found) := {hit |
	some what, matches in found
	count(matches) > _most

	hit := {"line": 1, "what": sprintf("more candidates for %s than can be judged", [what]), "value": ""}
}

# No more than fifty: where a text holds more the others show once these are gone.
_few(matches) := array.slice(matches, 0, 50)

# Base64 holds every short marker sooner or later. An escape such as \n before it is no letter.
_inside_a_word(shape, before) if {
	shape.word
	strings.any_suffix_match(before, _letters)
	not strings.any_suffix_match(before, [`\n`, `\t`, `\r`])
}

_letters := regex.find_n(".", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", -1)

# What documentation and tests write instead.
_sample(_, match, _) if _exemplary(match[1])

_sample(_, match, _) if regex.match(`(?i)x{8,}|0{12,}|1{12,}|\*{3,}|\.{3,}|…`, match[1])

_sample(what, match, _) if {
	what == _url
	regex.match(`^[0-9]{1,5}[,;&]`, match[1])
}

_sample(what, match, _) if {
	what == _url
	kept := regex.replace(match[1], `\$?\{[^{}]*\}|\$\{.*|[$%]\([^()]*\)s?|%[a-z]|\$[A-Z_]+`, "")
	not regex.match(`[A-Za-z0-9]`, kept)
}

_sample(what, match, code) if {
	what == _url
	code
	regex.match(`(?i)^://(?:user|username|usr|login|name|foo):(?:pass|password|passwd|pwd|pw|secret|bar)@$`, match[0])
}

_sample(what, [_, encoded], code) if {
	what in {_basic, _registry}
	not _basic_credentials(encoded, code)
}

# "-----BEGIN PRIVATE KEY-----\nYOURPRIVATEKEYHERE": no 64 characters of base64 are all letters.
_sample(what, [_, body], _) if {
	what == _pem
	not _mixed(body)
}

# Prose: a token has digits.
_sample(what, [_, token], _) if {
	what == _bearer
	not _mixed(token)
}

_mixed(text) if regex.match(`[0-9+/]`, text)

_basic_credentials(encoded, code) if {
	plain := _plain(encoded)
	regex.match(`^[ -~]*:[ -~]+$`, plain)
	not _generic(plain, code)
}

_generic(plain, code) if {
	code
	lower(plain) in {"user:pass", "user:password", "username:password", "foo:bar"}
}

_basic := "credentials of basic authentication"

_bearer := "a bearer token"

_pem := "a private key"

_registry := "credentials of a container registry"

_url := "a URL with a password"

# By what messages call them. A pattern begins with a literal, that OPA's regular expressions find quickly; its group is
# what is judged and compared. `word` shapes don't begin within a word. The prefixes are the issuers' own.
_shapes := {
	_url: {
		"markers": ["://"],
		"pattern": "://[A-Za-z0-9._%~!*$&+,;=(){}-]*:([A-Za-z0-9._%~!$&*+,;=#^:|(){}-]+)@",
		"word": false,
	},
	_basic: {
		"markers": ["asic "],
		"pattern": `asic ([A-Za-z0-9+/]{6,}={0,2})`,
		"word": false,
	},
	# In the configuration of Docker and of Kubernetes' pull Secrets.
	_registry: {
		"markers": [`"auth`],
		"pattern": `"auth\\*"\s*:\s*\\*"([A-Za-z0-9+/]{6,}={0,2})\\*"`,
		"word": false,
	},
	_bearer: {
		"markers": ["earer "],
		"pattern": `earer ([A-Za-z0-9._~+/-]{20,}=*)`,
		"word": false,
	},
	_pem: {
		"markers": ["PRIVATE KEY"],
		"pattern": concat("", [
			`-----BEGIN (?:[A-Z0-9]+ ){0,2}PRIVATE KEY(?: BLOCK)?-----`,
			`(?:(?:\\[nr])*["'\x60][\s+,\\]*["'\x60])?`,
			`(?:\s|\\[nr]|(?:Proc-Type|DEK-Info|Version|Comment): ?[A-Za-z0-9,. -]*)*`,
			`([A-Za-z0-9+/]{16,})`,
		]),
		"word": false,
	},
	"a private key in base64": {
		"markers": ["LS0tLS1CRUdJTi"],
		"pattern": concat("", [
			`(LS0tLS1CRUdJTi(?:BQUklWQVRFIEtFW|BSU0EgUFJJVkFURSBLRV|BFQyBQUklWQVRFIEtFW|BPUEVOU1NIIFBSSVZBVEUg`,
			`|BFTkNSWVBURUQgUFJJVkFURS|BEU0EgUFJJVkFURSBLRV|BQR1AgUFJJVkFURSBLRV)[A-Za-z0-9+/]{16,})`,
		]),
		"word": false,
	},
	"a private JSON web key": {
		"markers": [`"kty`],
		"pattern": `"[dk]\\*"\s*:\s*\\*"([A-Za-z0-9_-]{20,})\\*"`,
		"word": false,
	},
	"a private key of age": {
		"markers": ["AGE-SECRET-KEY-1"],
		"pattern": `(AGE-SECRET-KEY-1[0-9A-Z]{40,})`,
		"word": true,
	},
	"a JSON web token": {
		"markers": ["eyJ"],
		"pattern": `(eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*)`,
		"word": true,
	},
	"an AWS access key": {
		"markers": ["AKIA", "ASIA", "ABIA"],
		"pattern": `(A(?:KIA|SIA|BIA)[A-Z0-9]{16})\b`,
		"word": true,
	},
	"an Azure storage or bus key": {
		"markers": ["AccountKey=", "SharedAccessKey="],
		"pattern": `Key=([A-Za-z0-9+/]{42,87}={1,2})`,
		"word": false,
	},
	"an Azure shared access signature": {
		"markers": ["sig="],
		"pattern": `sig=((?:[A-Za-z0-9+/_-]|%2[BbFf]){43,}(?:%3[Dd]|=)?)`,
		"word": false,
	},
	"an Azure client secret": {
		"markers": ["Q~"],
		"pattern": `Q~([A-Za-z0-9._~-]{31,34})\b`,
		"word": false,
	},
	"a GitHub token": {
		"markers": ["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"],
		"pattern": `(g(?:h[pousr]_[A-Za-z0-9]{36}|ithub_pat_[A-Za-z0-9_]{36,}))`,
		"word": true,
	},
	"a GitLab token": {
		"markers": ["glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glsoat-", "glagent-"],
		"pattern": `(gl(?:pat|dt|rt|ptt|cbt|soat|agent)-[A-Za-z0-9_-]{20,})`,
		"word": true,
	},
	"a Bitbucket or Atlassian token": {
		"markers": ["ATBB", "ATATT3"],
		"pattern": `(AT(?:BB[A-Za-z0-9]{28,}|ATT3[A-Za-z0-9_=-]{40,}))`,
		"word": true,
	},
	"a Slack token": {
		"markers": ["xox", "xapp-"],
		"pattern": `(x(?:ox[abeoprs]-[A-Za-z0-9-]{10,}|app-[0-9]-[A-Za-z0-9-]{20,}))`,
		"word": true,
	},
	"a Slack webhook": {
		"markers": ["hooks.slack.com/"],
		"pattern": `hooks\.slack\.com/(?:services|workflows|triggers)/((?:[A-Za-z0-9]{6,}/){2}[A-Za-z0-9/]{12,})`,
		"word": false,
	},
	"a Teams webhook": {
		"markers": [".webhook.office.com/"],
		"pattern": `\.webhook\.office\.com/webhookb2/([0-9a-f-]{36}@[0-9a-f-]{36}/IncomingWebhook/[0-9a-f]{32})`,
		"word": false,
	},
	"a Discord webhook": {
		"markers": ["/api/webhooks/"],
		"pattern": `/api/webhooks/([0-9]{15,21}/[A-Za-z0-9_-]{40,})`,
		"word": false,
	},
	"a Google API key": {
		"markers": ["AIza"],
		"pattern": `(AIza[0-9A-Za-z_-]{35})\b`,
		"word": true,
	},
	"a Google OAuth secret": {
		"markers": ["GOCSPX-", "ya29."],
		"pattern": `((?:GOCSPX-|ya29\.)[0-9A-Za-z_-]{24,})`,
		"word": true,
	},
	"a Stripe key": {
		"markers": ["sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_"],
		"pattern": `((?:[sr]k_(?:live|test)_|whsec_)[A-Za-z0-9]{16,})`,
		"word": true,
	},
	"a Square token": {
		"markers": ["sq0csp-", "sq0atp-"],
		"pattern": `(sq0(?:csp|atp)-[A-Za-z0-9_-]{22,})`,
		"word": true,
	},
	"a Shopify token": {
		"markers": ["shpat_", "shpca_", "shppa_", "shpss_"],
		"pattern": `(shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32})`,
		"word": true,
	},
	"an npm token": {
		"markers": ["npm_"],
		"pattern": `(npm_[A-Za-z0-9]{36})\b`,
		"word": true,
	},
	"an npm registry credential": {
		"markers": [":_authToken", ":_password", ":_auth"],
		"pattern": `:_(?:authToken|password|auth)\s*=\s*["']?([A-Za-z0-9+/=._~-]{6,})`,
		"word": false,
	},
	"a PyPI token": {
		"markers": ["pypi-AgE"],
		"pattern": `(pypi-AgE[A-Za-z0-9_-]{40,})`,
		"word": true,
	},
	"a RubyGems token": {
		"markers": ["rubygems_"],
		"pattern": `(rubygems_[a-f0-9]{48})`,
		"word": true,
	},
	"a Docker Hub token": {
		"markers": ["dckr_pat_", "dckr_oat_"],
		"pattern": `(dckr_[op]at_[A-Za-z0-9_-]{24,})`,
		"word": true,
	},
	"a SendGrid key": {
		"markers": ["SG."],
		"pattern": `(SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64})`,
		"word": true,
	},
	"a Twilio key": {
		"markers": ["SK"],
		"pattern": `(SK[0-9a-f]{32})\b`,
		"word": true,
	},
	"a Mailgun key": {
		"markers": ["key-"],
		"pattern": `(key-[0-9a-f]{32})\b`,
		"word": true,
	},
	"a Telegram bot token": {
		"markers": [":AA"],
		"pattern": `:(AA[A-Za-z0-9_-]{33})\b`,
		"word": false,
	},
	"an OpenAI or Anthropic key": {
		"markers": ["sk-"],
		"pattern": `(sk-(?:(?:proj|svcacct|admin|ant|or)-[A-Za-z0-9_-]{32,}|[A-Za-z0-9]{48}))\b`,
		"word": true,
	},
	"a Hugging Face token": {
		"markers": ["hf_"],
		"pattern": `(hf_[A-Za-z0-9]{34})\b`,
		"word": true,
	},
	"a DigitalOcean token": {
		"markers": ["dop_v1_", "doo_v1_", "dor_v1_"],
		"pattern": `(do[opr]_v1_[a-f0-9]{64})`,
		"word": true,
	},
	"a Databricks token": {
		"markers": ["dapi"],
		"pattern": `(dapi[a-f0-9]{32})\b`,
		"word": true,
	},
	"a Vault token": {
		"markers": ["hvs.", "hvb.", "hvr."],
		"pattern": `(hv[sbr]\.[A-Za-z0-9_-]{24,})`,
		"word": true,
	},
	"a Terraform token": {
		"markers": [".atlasv1."],
		"pattern": `\.atlasv1\.([A-Za-z0-9_=-]{60,})`,
		"word": false,
	},
	"a Grafana token": {
		"markers": ["glsa_", "glc_"],
		"pattern": `(gl(?:sa_[A-Za-z0-9]{32}_[a-f0-9]{8}|c_[A-Za-z0-9+/]{32,}))`,
		"word": true,
	},
	"a New Relic key": {
		"markers": ["NRAK-"],
		"pattern": `(NRAK-[A-Z0-9]{27})\b`,
		"word": true,
	},
	"a Linear key": {
		"markers": ["lin_api_"],
		"pattern": `(lin_api_[A-Za-z0-9]{40})`,
		"word": true,
	},
	"a Postman key": {
		"markers": ["PMAK-"],
		"pattern": `(PMAK-[a-f0-9]{24}-[a-f0-9]{34})`,
		"word": true,
	},
	"a Notion secret": {
		"markers": ["ntn_", "secret_"],
		"pattern": `((?:ntn|secret)_[A-Za-z0-9]{43,46})\b`,
		"word": true,
	},
}

# --- By name, in a text ----------------------------------------------------------------------------------------------

# Of a text, which is also given in lower case.
_assignments(text, _) := set() if not _worded(text)

_assignments(text, lowered) := union({hits, _excess(found)}) if {
	_worded(text)
	found := {_secret_named(word): matches |
		some word, pattern in _assignment_patterns
		matches := {match | some match in regex.find_all_string_submatch_n(pattern, lowered, -1)}
	}
	hits := {hit |
		some word, _ in _assignment_patterns
		some match in _few([match |
			some match in _judgeable(found[_secret_named(word)])
			_judged(word, match)
		])
		pieces := split(lowered, match[0])
		some k in numbers.range(0, min([count(pieces) - 2, 50]))
		nearby := substring(pieces[k], max([0, count(pieces[k]) - 160]), -1)
		_reached(match, nearby)
		_whole(word, nearby)

		value := concat("", [match[2], match[3]])
		opening := trim_suffix(match[0], concat("", [value, match[4]]))
		before := concat(match[0], array.slice(pieces, 0, k + 1))
		original := substring(text, count(before), count(opening) + count(value))
		shown_value := substring(original, count(opening), -1)
		not _label(word, shown_value)
		not _member(match, original, nearby)

		hit := {
			"line": (strings.count(before, "\n") + strings.count(opening, "\n")) + 1,
			"what": _secret_named(word),
			"value": value,
			"bare": match[2] == "",
		}
	}
}

# What people are shown: words, the first with a capital ("Password", "Mot de passe"), or several with digits between
# them ("Kennwort (mind. 8 Zeichen)").
_label(_, value) if {
	regex.match(`^\p{Lu}`, value)
	regex.match(sprintf(`^%s(?:[ '-]%s)*[.!?:…]?$`, [_label_word, _label_word]), value)
}

_label(word, value) if {
	word != "passphrase"
	regex.match(`^\p{Lu}[\pL\p{M}'-]*(?:[ ,.:;()/+]+[\pL\p{M}0-9'-]+){2,}[ ).!?:…]*$`, value)
	regex.match(` `, value)
}

_label_word := `(?:\p{Lu}?[\p{Ll}\p{Lo}\p{M}]*|\p{Lu}{1,5})`

# A member of an enumeration has its own name for a value: `PASSWORD = "password"` in a class, `{SECRET: "secret"}`.
_member(match, original, nearby) if {
	regex.match(`^(?:[A-Z0-9_]+["'\x60]?\s*:|[A-Z0-9_]+\s*=)\s*["'\x60]`, original)
	regex.match(`(?:^|\n)[ \t]+$|[{,]\s*["'\x60]?$`, nearby)
	regex.find_n(`^[a-z0-9_]+`, match[0], 1)[0] == replace(match[2], "-", "_")
}

_secret_named(word) := sprintf("a literal under a name that ends in %q", [word])

_parameters(text) := {hit | some hit in _assignments(text, lower(text)); hit.bare}

_users(text) := union({hits, _excess({_only_user: found})}) if {
	found := {match |
		some match in regex.find_all_string_submatch_n(`://([A-Za-z0-9_.~-]{16,})(?::|:x-oauth-basic)?@`, text, -1)
	}
	hits := {hit |
		some match in _few([match |
			some match in _judgeable(found)
			[_, user] := match
			_opaque(user)
			not _exemplary(user)
		])

		hit := {
			"line": strings.count(split(text, match[0])[0], "\n") + 1,
			"what": _only_user,
			"value": match[1],
		}
	}
}

_only_user := "a token as a URL's user"

# The secret words as a text in lower case may write them, each with what follows it: what may still belong to the name,
# an operator (group 1) and a literal (2), which may be escaped and may stand in parentheses or in a call that decodes
# or wraps it; or, without quotes, a value (3) and what ends it (4). \x60 is the backtick.
_assignment_patterns := {word: concat("", [
	written_word,
	`(?:[_-]?v?[0-9]{1,2})?`,
	`(?:\\*["'\x60]?\s?[\])]{0,2}\s*`,
	`(:=|={1,3}|!={1,2}|\|\|=?|\?\?=?|,(?:\s*default\s*=|\s*\\*["'\x60]?value\\*["'\x60]?\s*:)?|\(|or\b`,
	`|:(?:\s*[a-z][a-z0-9_\[\] .|]{0,40}=)?)(?:\s*\\\r?\n)?\s*`,
	`(?:(?:new\s+)?(?:[a-z0-9_]+\.)*(?:from|atob|b64decode|bytes|str|string|secretstr|field)\(\s*(?:default\s*=\s*)?`,
	`|\(\s*\n\s*)?[bfru]{0,2}`,
	`\\*(?:"""\s*|'''\s*|\x60\s*|["'])([^"'\x60\\\n]+)`,
	`|=([^\s"'\x60&;#,:(){}\[\]<>]{3,})(["'\x60&;#,\s]|$))`,
]) |
	some word, written_word in {
		"password": "password",
		"passwd": "passwd",
		"pwd": "pwd",
		"passphrase": "passphrase",
		"pass": "pass",
		"secret": "secret",
		"token": "token",
		"api key": `api[_ .-]?key`,
		"access key": `access[_ .-]?key`,
		"private key": `private[_ .-]?key`,
		"secret key": `secret[_ .-]?key`,
		"credential": "credentials?",
		"authorization": "authorization",
	}
}

_judged(word, match) if {
	match[2] != ""
	value := regex.replace(trim_space(match[2]), `^(?:basic|bearer|token|apikey) +`, "")
	_credible(word, value)
	not _computed(word, value)
	_compared(match[1], match[2])
}

_judged(word, match) if {
	match[3] != ""
	_credible(word, match[3])
}

# `token === "string"` asks what something is; a secret to compare with has digits.
_compared(operator, _) if not operator in {"==", "===", "!=", "!=="}

_compared(operator, value) if {
	operator in {"==", "===", "!=", "!=="}
	regex.match(`[0-9]`, value)
}

# What in a text stands under a secret name and isn't one.
_credible(word, value) if {
	count(value) > 2
	regex.match(`^[a-z0-9!@#$%^&*~_./<{[=-]`, value)
	regex.match(`[a-z0-9]`, value)
	literal(value)
	not _stands_in(value)
	not _names_something(word, value)
	not _too_plain(word, value)
}

_stands_in(value) if contains(value, "example")

# Versions, formats, SQL parameters, shell variables, types of events.
_stands_in(value) if regex.match(_format, value)

_stands_in(value) if value in _terms

_stands_in(value) if regex.match(_dummy, value)

# Sentences about secrets.
_stands_in(value) if {
	regex.match(`\s`, value)
	regex.match(_prose, value)
}

# Regular expressions.
_stands_in(value) if regex.match(`^\^[\[(.]|\(\?[=!:<pi]|\.\*|[\]).]\{[0-9]+,`, value)

# Markup.
_stands_in(value) if regex.match(`^</?[a-z!]`, value)

# What is computed: only a strong rest makes a secret of it. Of a password words with a digit are.
_computed(word, value) if {
	rest := regex.replace(value, _computing, " ")
	rest != value
	not regex.match(`[a-z0-9+/_-]{11,}[0-9]|[0-9][a-z0-9+/_-]{11,}`, rest)
	not _partly_chosen(word, rest)
}

# A quote inside, as in f"{os.environ['TOKEN']}", has ended the literal.
_computing := `\$\{[^{}]*\}?|\{[a-z0-9_.!:\[\]()]*\}|\{[^{}]*$|\$\(.*`

_partly_chosen(word, rest) if {
	word in (_chosen - {"secret"})
	regex.match(`(?:^|[^a-z0-9:./-])[a-z][a-z!@#$%^&*_+=-]{3,}[0-9]`, rest)
}

_format := concat("", [
	`^(?:[\^~<>= ]*v?[0-9]+(?:\.[0-9x*]+)+[a-z0-9.-]*`,
	`|%[sdr(].*|%[a-z_]+%|\{[a-z0-9_.!:\[\]]*\}|#\{.*|:[a-z_]+|\$[0-9]+|\$[a-z_]+|@[a-z_]+`,
	`|[a-z0-9_-]+(?:\.[a-z0-9_-]+){2,}\.v[0-9]+)$`,
])

_terms := {
	"string", "str", "text", "number", "boolean", "object", "any", "none", "null", "undefined", "unknown", "missing",
	"required", "optional", "hidden", "header", "cookie", "query", "body", "bearer", "basic", "include", "omit",
	"same-origin", "same_origin", "anonymous", "invalid", "expired", "valid", "empty", "new-password",
	"current-password", "one-time-code", "use-credentials", "test", "testing", "pem", "sha256", "sha512", "base64",
	"base64url", "utf8", "utf-8", "ascii", "aes-256-gcm", "aes-256-cbc", "hs256", "hs512", "rs256", "es256", "base32",
	"md5", "sha1", "oauth2", "yes", "always", "never", "auto", "ask", "prompt", "unchanged", "managed", "enabled",
	"disabled", "changed", "configured", "foo", "bar", "bytes", "bool", "uuid",
}

_dummy := concat("", [
	`^(?:your|insert|replace|enter|put|paste)(?:[-_ .]|$)|dummy|fake|mock|placeholder|redacted|todo|sample|fixme`,
	`|not[-_ ]?(?:a[-_ ]?)?(?:real|secret|set)|xxx|\.\.\.|…|\*\*\*`,
	`|^(?:test|tests|unit|foo|bar|baz|some|any|the)[-_ ]?(?:password|passwd|pwd|passphrase|secret|token|api[-_ ]?key`,
	`|access[-_ ]?key|private[-_ ]?key|secret[-_ ]?key|key|credentials?|value|string)[0-9]{0,3}$`,
])

_prose := concat("", [
	`\b(?:a|an|and|are|be|can|cannot|could|do|does|enter|expired|failed|for|forgot|found|from|has|have|in|invalid|is`,
	`|it|match|missing|must|need|new|no|not|of|or|out|please|provide|required|reset|should|the|this|to|too|use|was`,
	`|with|wrong|you|your|password|passwort|passwd|passphrase|secret|token|key|credentials?)\b`,
])

# The name of a secret, a path or an address: not the secret. A text that is one of the words alone is a name where such
# things are issued (nobody is issued the token "token"), a weak password where they are chosen.
_names_something(word, value) if {
	not word in _chosen
	named(value)
	not regex.match(`[0-9]{3}`, value)
}

_names_something(word, value) if {
	word in _chosen
	named(value)
	regex.match(`^(?:@{1,2}|#/)?[a-z0-9]+(?:[-_./: ]+[a-z0-9]+)*$`, value)
	regex.match(`[-_./: @#]`, value)
	not regex.match(`[0-9]{2}`, value)
	not regex.match(`(?:^|[-_./: ])(?:super|top|very|my|our|big|shared|dev|prod|admin|root|local|change[-_]?me)`, value)
}

_names_something(word, value) if {
	not word in {"access key", "secret key"}
	regex.match(_place, value)
}

_place := concat("", [
	`^(?:[a-z][a-z0-9+.-]*://[^?@]*|\.{0,2}(?:/[a-z0-9_.:{}$*-]*)+(?:\?[a-z0-9_.={}$&-]*)?`,
	`|(?:projects|secrets?|env|file|process\.env)[/:.].+)$`,
])

_chosen := {"password", "passwd", "pwd", "passphrase", "pass", "secret"}

# Of tokens and the like, which are issued, a plain word is a kind, a place or a state; but for the words with which
# people begin. What an Authorization header is given literally is long and has digits.
_too_plain(word, value) if {
	word in {"token", "credential"}
	regex.match(`^[\[(]?[a-z][a-z._:/ -]{0,23}[\])]?$`, value)
	not value in _first_passwords
}

_too_plain(word, value) if {
	word == "authorization"
	not _opaque(value)
}

_first_passwords := {
	"admin", "change-me", "change_me", "changeit", "changeme", "default", "letmein", "qwerty", "root", "topsecret",
	"welcome",
}

_opaque(value) if {
	regex.match(`(?i)^[a-z0-9._~+/=: -]{16,}$`, value)
	regex.match(`[0-9]`, value)
}

# Whether what stands before the match, the beginning of the name included, makes it one that is given a value.
_reached(match, before) if {
	match[2] != ""
	match[1] in {"=", ":=", "||=", "??=", "==", "===", "!=", "!=="}
	not _in_a_query(before)
	not _of_a_fault(before)
}

_reached(match, before) if {
	match[2] != ""
	startswith(match[1], ":")
	match[1] != ":="
	not _in_a_condition(before)
	not _of_a_fault(before)
}

_reached(match, before) if {
	match[1] == ","
	regex.match(_setter, before)
}

_reached(match, before) if {
	match[1] == "("
	regex.match(`\.(?:set|with)_?[a-z0-9_]*$`, before)
}

_reached(match, before) if {
	match[1] in {"||", "??", "or"}
	regex.match(`(?:process\.env(?:\.|\[["'\x60])|getenv\(["']|environ(?:\.get\(|\[)["'])[a-z0-9_]*$`, before)
}

# getenv("TOKEN", default="…")
_reached(match, before) if {
	regex.match(`^,\s*default`, match[1])
	regex.match(`\(\s*\\*["'\x60][a-z0-9_.-]*$`, before)
}

# {name: "TOKEN", value: "…"}
_reached(match, before) if {
	regex.match(`^,\s*\\*["'\x60]?value`, match[1])
	regex.match(`\b(?:name|key)\\*["'\x60]?\s*:\s*\\*["'\x60][a-z0-9_.$ -]*$`, before)
}

# ?token=…, "token=…&", --token=…, # TOKEN=…
_reached(match, before) if {
	match[3] != ""
	match[4] != ";"
	_bare(match, before)
	regex.match(`^[a-z0-9][a-z0-9._~%+/=!@$*-]{5,}$`, match[3])
	regex.match(`[0-9]`, match[3])
	regex.match(`[a-z]`, match[3])
}

# Server=…;Password=…;
_reached(match, before) if {
	match[3] != ""
	match[4] != ","
	regex.match(_connection, before)
}

# Azure's connection to Redis: host:6380,password=…,ssl=True
_reached(match, before) if {
	match[3] != ""
	match[4] == ","
	regex.match(`[a-z0-9]:[0-9]{2,5},(?:[a-z]+=[^,\s]*,)*$`, before)
}

_setter := concat("", [
	`(?:[sg]etenv|putenv|environ\.get|setdefault|setheader|header|\.set|\.append|setitem|\.put|\.add)`,
	`\(\s*\\*["'\x60][a-z0-9_.$ -]*$|\bsetattr\([a-z0-9_.]+,\s*["'][a-z0-9_]*$|compare_digest\([a-z0-9_.]*$`,
])

_connection := concat("", [
	`(?:server|host|hostname|data source|user id|uid|username|user|accountname|endpoint|dbname|database)=`,
	`[^"'\x60\n]*[; ]\s*[a-z_ ]*$`,
])

_bare(_, before) if _in_a_query(before)

_bare(match, before) if {
	match[4] == "&"
	regex.match(`["'\x60][a-z0-9_.-]*$`, before)
}

_bare(_, before) if regex.match(`(?:^|[\s"'\x60])--?[a-z0-9_.-]*$`, before)

_bare(_, before) if regex.match(`(?:^|\n)\s*(?://|#|\*)[^\n"'\x60]*\s(?:export )?[a-z0-9_.-]*$`, before)

# The codes of errors and the like: WRONG_PASSWORD, expiredToken, showPassword.
_of_a_fault(before) if regex.match(_fault, before)

_fault := concat("", [
	`(?:invalid|wrong|expired|missing|incorrect|malformed|unsupported|revoked|forgotten|forgot|unknown`,
	`|(?:^|[^a-z0-9])(?:bad|no|weak|show|hide|toggle|requires?|has|is))[_. -]?$`,
])

# "pass" is one with a user beside it, or whose it is in its name.
_whole(word, _) if word != "pass"

_whole("pass", before) if regex.match(_before_pass, before)

_before_pass := concat("", [
	`(?:\b(?:user(?:name)?|email|login|auth)\\*["'\x60]?\s*[:=][^\n;]*(?:[,{(]|\n)\s*\\*["'\x60]?`,
	`|(?:db|database|smtp|mail|sql|pg|postgres|redis|mongo(?:db)?|ftp|mq|nats|kafka|hana|sap|s4|admin|root|user|login`,
	`|auth|http|ldap|proxy)[_.-]?)$`,
])

_in_a_query(before) if regex.match(`[?&](?:amp;)?[a-z0-9_.-]*$`, before)

# x ? "token" : "cookie"
_in_a_condition(before) if regex.match(`\?\s*\\*["'\x60][a-z0-9_.\s-]*$`, before)

# A line of a properties file: a value may be one, code is none.
_lines_of(text) := set() if not _worded(text)

_lines_of(text) := {hit |
	some i, line in split(text, "\n")
	i < 2000
	some match in regex.find_all_string_submatch_n(_property, line, 1)
	assigned(match[1], match[2])
	value := lower(match[2])
	not _stands_in(value)
	not _computed("", value)

	hit := {"line": i + 1, "what": sprintf("a literal under %s", [shown(match[1])]), "value": match[2]}
} if {
	_worded(text)
}

_property := `^\s*(?:-\s+)?(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*[=:]\s*([^\s"'{\[]\S*)\s*$`

# Lines of properties, environments and the like in a text of several lines. Where quotes were counted wrongly they are
# code: what looks like a name isn't judged.
_text_lines(text) := set() if not _worded(text)

_text_lines(text) := {hit | some hit in array.slice(hits, 0, 50)} if {
	_worded(text)
	hits := [hit |
		some quote in ["\"\"\"", "'''", "`"]
		pieces := split(text, quote)
		some k in _few([k | some k, piece in pieces; _embedded(k, piece)])
		some found in _lines_of(pieces[k])
		_strong(lower(found.value))

		before := concat(quote, array.slice(pieces, 0, k))
		hit := object.union(found, {"line": strings.count(before, "\n") + found.line})
	]
}

_embedded(k, piece) if {
	k % 2 == 1
	contains(piece, "\n")
	count(piece) < 20000
	_worded(piece)
}

_strong(value) if {
	count(value) > 5
	regex.match(`[0-9]`, value)
	regex.match(`[a-z]`, value)
	not regex.match(`[,;({]$|^[a-z_]+(?:[.-][a-z0-9_]+)+$`, value)
	not named(value)
}

# <wsse:Password Type="…">…</wsse:Password>
_elements(text) := set() if not contains(text, "</")

_elements(text) := union({hits, _excess(found)}) if {
	contains(text, "</")
	lowered := lower(text)
	found := {_secret_named(word): matches |
		some word in ["password", "passwd", "pwd", "secret", "token", "apikey"]
		pattern := sprintf(`%s(?:\s[^<>\n]*)?>\s*([^<>\n]+?)\s*</[a-z0-9:_.-]*%s>`, [word, word])
		matches := {match | some match in regex.find_all_string_submatch_n(pattern, lowered, -1)}
	}
	hits := {hit |
		some what, matches in found
		some match in _few([match |
			some match in _judgeable(matches)
			word := split(what, "\"")[1]
			[_, content] := match
			_credible(word, content)
			not _computed(word, content)
		])
		line := strings.count(split(lowered, match[0])[0], "\n") + strings.count(split(match[0], match[1])[0], "\n")

		hit := {
			"line": line + 1,
			"what": what,
			"value": match[1],
		}
	}
}

# Literals that calls take: a password beside a user, the two of them encoded for a header, the key of a signature. Of a
# text, which is also given in lower case.
_calls(text, lowered) := union({hits, _excess(found)}) if {
	found := {what: matches |
		some what, patterns in _call_patterns
		matches := [[word, match] |
			some [word, pattern] in patterns
			_encodes(what, text)
			some match in regex.find_all_string_submatch_n(pattern, lowered, -1)
		]
	}
	hits := {hit |
		some what, matches in found
		some [_, match] in _few([call |
			some call in _judgeable(matches)
			[word, match] := call
			[_, _, literally] := match
			_credible(word, literally)
			not _computed(word, literally)
			not _sample_pair(match)
		])
		line := strings.count(split(lowered, match[0])[0], "\n") + strings.count(split(match[0], match[2])[0], "\n")

		hit := {"line": line + 1, "what": what, "value": match[2]}
	}
}

# "asic " stands before what is encoded, or nothing is known of it.
_encodes(what, _) if what != _basic

_encodes(what, text) if {
	what == _basic
	contains(text, "asic ")
}

_sample_pair(match) if {
	match[1] in {"user", "username", "usr", "name", "foo"}
	match[2] in {"pass", "password", "bar"}
}

_sample_pair(match) if match[1] in {"data", "http", "https"}

_sample_pair(match) if startswith(match[2], "-----begin")

# Of each a secret word, and a pattern with what stands beside (group 1) and the literal (2).
_call_patterns := {
	"a literal password beside a user's name": [["password", concat("", [opening, _pair])] |
		some opening in [`basicauth\(`, `digestauth\(`, `ntlmauth\(`, `auth ?= ?\(`, `\.auth\(`, `\.login\(`]
	],
	_basic: [["password", concat("", [opening, `\s*[bfru]{0,2}["'\x60]([^"'\x60:\s]+):([^"'\x60\s\\]+)["'\x60]`])] |
		some opening in [`btoa\(`, `buffer\.from\(`, `b64encode\(`]
	],
	"a literal key that signs or encrypts": array.concat(
		[["secret", concat("", [
			opening,
			`\s*(\{[^{}]*\}|[a-z0-9_.\[\]"'-]+)\s*,\s*(?:key\s*=\s*)?(?:buffer\.from\(\s*)?`,
			`[bru]{0,2}["'\x60]([^"'\x60\\\n]+)`,
		])] |
			some opening in [
				`jwt\.sign\(`, `jwt\.verify\(`, `jwt\.encode\(`, `jwt\.decode\(`, `createhmac\(`, `createcipheriv\(`,
				`createdecipheriv\(`,
			]
		],
		[["secret", `hmac\.new\(\s*(key\s*=\s*)?[bru]{0,2}["'\x60]([^"'\x60\\\n]+)`]],
	),
}

_pair := `\s*["'\x60]([^"'\x60\n]+)["'\x60]\s*,\s*["'\x60]([^"'\x60\\\n]+)["'\x60]`

# --- In base64 --------------------------------------------------------------------------------------------------------

# A value that is base64 as a whole.
_decoded(text) := {hit |
	regex.match(`^[A-Za-z0-9+/_-]{16,}={0,2}$`, trim_space(text))
	plain := _plain(trim_space(text))
	some found in union({_shaped(plain, false), _assignments(plain, lower(plain)), _lines_of(plain)})

	hit := object.union(found, {"line": 1, "what": sprintf("%s in base64", [found.what])})
}

# Literals that the code decodes.
_decoded_literals(text) := union({hits, _excess(calls)}) if {
	calls := {"secrets in base64": [[call, k, piece] |
		some call in ["Buffer.from(", "atob(", "b64decode("]
		contains(text, call)
		some k, piece in split(text, call)
		k > 0
	]}
	hits := {hit |
		some [call, k, piece] in _judgeable(calls["secrets in base64"])
		parts := regex.split(`["'\x60]`, substring(piece, 0, 4000))
		regex.match(`^\s*[bru]{0,2}$`, parts[0])
		regex.match(`^[A-Za-z0-9+/_-]{8,}={0,2}$`, parts[1])
		plain := _plain(parts[1])
		some found in union({_shaped(plain, true), _assignments(plain, lower(plain)), _lines_of(plain)})

		hit := {
			"line": strings.count(concat(call, array.slice(split(text, call), 0, k)), "\n") + 1,
			"what": sprintf("%s in base64", [found.what]),
			"value": found.value,
		}
	}
}

# Of base64 of either alphabet, padded or not, the first 3,000 bytes in plain; empty if it is none.
default _plain(_) := ""

_plain(encoded) := base64.decode(padded) if {
	standard := strings.replace_n({"-": "+", "_": "/", "=": ""}, substring(encoded, 0, 4000))
	padded := concat("", [standard, ["", "===", "==", "="][count(standard) % 4]])
	base64.is_valid(padded)
}
