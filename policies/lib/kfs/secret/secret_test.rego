package lib.kfs.secret_test

import data.lib.kfs.secret

test_names[name] if {
	some name in [
		"PASSWORD", "dbPassword", "DB-PASSWD", "MYSQL_PWD", "key.passphrase", "client secret", "accessToken",
		"X-Api-Key",
		"awsSecretAccessKey", "private_key", "SECRETKEY", "git-credential", "credentials", "shop.dev/api-key", "TOKEN2",
		"TOKEN_2", "PASSWORD_BASE64", "API_TOKEN_V2", "API_KEYS", "SMTP_PASS", "dbPass", "pass", "shop.dev/db-pass",
		"PASS_2",
	]
	secret.named(name)
}

test_other_names[name] if {
	some name in [
		"TOKEN_URL", "PASSWORD_POLICY", "PASSWORD_MIN_LENGTH", "MAX_TOKENS", "PUBLIC_KEY", "token/url", "", "BYPASS",
		"compass", "Trespass", "PASSED",
	]
	not secret.named(name)
}

test_literals[value] if {
	some value in [
		"hunter2", "changeme", "correct horse", "!!??", "12.5.1", "0x10", "a<b>c", "hunter2$(X)", "bearer hunter2",
		"exampled",
		"hunter2@db.example.com", "-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----\nhunter2", "vault",
	]
	secret.literal(value)
}

test_no_literals[value] if {
	some value in [
		"", "  ", "true", "False", "12", "-1.5", "1e9", "****", "....", "$(X)", "${X}", "{{ .Values.x }}", "<token>",
		"[[x]]",
		"Bearer $(X)", "%REQ(x-token)%", "$(A)-${B}", "AKIAIOSFODNN7EXAMPLE", "example-token", "my example",
		"-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----\n",
		"-----BEGIN CERTIFICATE-----\\nMII=\\n-----END CERTIFICATE-----",
		"ssh-ed25519 AAAAC3Nz me@shop", "LS0tLS1CRUdJTiBQVUJMSUMgS0VZLS0tLS0K", "vault:secret/data/orders#password",
		"op://shop/orders/token", "arn:aws:secretsmanager:eu-central-1:1:secret:orders", 12, null,
	]
	not secret.literal(value)
}

test_no_assignment[note] if {
	some note, tc in {
		"file": {"name": "GOOGLE_APPLICATION_CREDENTIALS", "value": "/etc/secrets/gcp/key.json"},
		"CSRF": {"name": "x-csrf-token", "value": "Fetch"},
		"kind": {"name": "AUTH", "value": "oauth2"},
		"kind in base64": {"name": "AUTH", "value": base64.encode("oauth2")},
		"number": {"name": "AUTH", "value": 1},
	}
	not secret.assigned(tc.name, tc.value)
}

test_assignment[note] if {
	some note, tc in {
		"file elsewhere": {"name": "CREDENTIALS", "value": "/hunter2/a"},
		"CSRF": {"name": "x-csrf-token", "value": "fetch2"},
		"user and password": {"name": "BASIC_AUTH", "value": base64.encode("orders:hunter2")},
	}
	secret.assigned(tc.name, tc.value)
}

test_path_is_no_secret[name] if {
	some name in ["PWD", "OLDPWD", "GOOGLE_APPLICATION_CREDENTIALS"]
	not secret.assigned(name, "/usr/src/app")
	secret.assigned(name, "hunter2")
	secret.assigned(concat("_", ["DB", name]), "/usr/src/app")
}

# Without literals of the forms that scanners look for.
_aws := concat("", ["AK", "IA0123456789ABCDEF"])

_github := concat("", ["gh", "p_0123456789abcdefghijABCDEFGHIJ012345"])

test_within[note] if {
	some note, tc in {
		"URL": {"text": "postgres://orders:hunter2@db/orders", "want": {"a URL with a password"}},
		"URL without user": {"text": "redis://:hunter2@db", "want": {"a URL with a password"}},
		"generic URL that works": {"text": "postgres://user:password@db", "want": {"a URL with a password"}},
		"URL with a hole": {"text": "postgres://orders:$(PASSWORD)@db", "want": set()},
		"URL with a variable": {"text": "postgres://orders:$PASSWORD@db", "want": set()},
		"URL with a format": {"text": "postgres://%s:%s@db", "want": set()},
		"URL with holes": {
			"text": "postgres://{0}:{1}@db postgres://$(A):$(B)@db postgres://${A}:%(b)s@db",
			"want": set(),
		},
		"URL with patterns": {"text": "://(.*):(.*)@", "want": set()},
		"URL with a hole and a password": {"text": "postgres://${A}:hunter2@db", "want": {"a URL with a password"}},
		"URL with a password and a hole": {"text": "postgres://a:hunter2$(X)@db", "want": {"a URL with a password"}},
		"registry": {
			"text": `{"auths": {"a": {"auth": "b3JkZXJzOmh1bnRlcjI="}}}`,
			"want": {"credentials of a container registry"},
		},
		"kind of authentication": {"text": `{"auth": "required"}`, "want": set()},
		"symmetric JSON web key": {
			"text": `{\"kty\": \"oct\", \"k\": \"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ\"}`,
			"want": {"a private JSON web key"},
		},
		"signature": {
			"text": "https://a?sig=Ab3dEf6hIj9lMn2pQr5tUv8xYz0123456789abc-_fg",
			"want": {"an Azure shared access signature"},
		},
		"argument": {"text": "a --db-password=hunter2", "want": {`a literal under a name that ends in "password"`}},
		"connection to Redis": {
			"text": "a.b:6380,password=hunter2,ssl=True",
			"want": {`a literal under a name that ends in "password"`},
		},
		"property with a hole": {"text": "db.token=a-${X}", "want": set()},
		"property in a list": {"text": "- password: hunter2", "want": {`a literal under "password"`}},
		"element": {
			"text": "<a:Password b='c'>hunter2</a:Password>",
			"want": {`a literal under a name that ends in "password"`},
		},
		"element with a hole": {"text": "<Password>${X}</Password><token>{x}</token></a>", "want": set()},
		"URL with a port and an address": {"text": "http://db:8080,9090@x", "want": set()},
		"EXAMPLE in a URL": {"text": "https://a:EXAMPLE@b", "want": set()},
		"basic": {"text": "Basic b3JkZXJzOmh1bnRlcjI=", "want": {"credentials of basic authentication"}},
		"generic basic": {"text": "Basic dXNlcjpwYXNz", "want": {"credentials of basic authentication"}},
		"basic without colon": {"text": "Basic b3JkZXJz", "want": set()},
		"basic prose": {"text": "Basic authentication", "want": set()},
		"bearer": {"text": "Bearer 0123456789abcdefghij", "want": {"a bearer token"}},
		"bearer prose": {"text": "Bearer abcdefghijklmnopqrstuvwxyz", "want": set()},
		"token": {"text": _github, "want": {"a GitHub token"}},
		"token with x": {"text": concat("", ["gh", "p_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"]), "want": set()},
		"key after an escape": {"text": concat("", [`a\n`, _aws]), "want": {"an AWS access key"}},
		"key inside a word": {"text": concat("", ["a", _aws]), "want": set()},
		"key inside base64": {"text": concat("", ["/", _aws]), "want": set()},
		"JSON": {
			"text": `{"user": "orders", "password": "hunter2"}`,
			"want": {`a literal under a name that ends in "password"`},
		},
		"property": {"text": "a=b\nexport db.password = hunter2", "want": {`a literal under "db.password"`}},
		"property of a word": {"text": "token: undefined", "want": set()},
		"prose": {"text": "Token: rotated weekly", "want": set()},
		"base64": {"text": base64.encode("https://a:hunter2@b.shop.dev"), "want": {"a URL with a password in base64"}},
		"base64 without padding": {
			"text": trim_right(base64.encode("https://a:hunter2@b.shop.dev"), "="),
			"want": {"a URL with a password in base64"},
		},
		"base64 of nothing": {"text": base64.encode("nothing to see here"), "want": set()},
		"no base64": {"text": "abcdefghijklmnopq", "want": set()},
		"no text": {"text": 12, "want": set()},
	}
	{hit.what | some hit in secret.within(tc.text)} == tc.want
}

test_written[note] if {
	some note, tc in {
		"two lines": {"text": "one\npassword = \"hunter2\"\ntoken='a1b2'", "want": {2, 3}},
		"same twice": {"text": "password = \"hunter2\"\npassword = \"hunter2\"", "want": {1, 2}},
		"literal on the next line": {"text": "const password =\n  \"hunter2\"", "want": {2}},
		"other scripts": {"text": "// grün\npassword = \"Äpfel-7\"", "want": set()},
		"pair": {"text": "\nrequests.get(url, auth=(\n  \"orders\", \"hunter2\"))", "want": {3}},
		"text": {"text": "a = \"\"\"\nb: c\npassword: hunter2\n\"\"\"", "want": {3}},
		"text of names": {
			"text": "`\ntoken: a.token1\nsecret: orders-db2\npassword=password1\npassword = ab,12,`",
			"want": set(),
		},
		"text of words": {"text": "'''\npassword: plaintext\ntoken: a1\n'''", "want": set()},
		"no text of several lines": {"text": "`password: hunter2`", "want": set()},
		"element": {"text": "a\n<password>\nhunter2</password>", "want": {3}},
		"encoded": {"text": "// Basic \nbtoa(\"a:hunter2\")", "want": {2}},
		"encoded for something else": {"text": "btoa(\"a:hunter2\")", "want": set()},
		"encoded data": {"text": "// Basic \nbtoa(\"data:a1b2c3\")", "want": set()},
		"signed": {"text": "jwt.sign({\na: 1},\n\"hunter2\")", "want": {3}},
		"signed with a public key": {"text": "jwt.verify(a, \"-----BEGIN PUBLIC KEY-----\\nMCow\")", "want": set()},
		"signed with a certificate": {"text": "jwt.verify(a, \"-----BEGIN CERTIFICATE-----\\nMII\")", "want": set()},
		"member": {"text": "class A(Enum):\n    PASSWORD = \"password\"\n    API_KEY = \"api-key\"", "want": set()},
		"members": {"text": "{PASSWORD: \"password\", \"SECRET\": \"secret\"}", "want": set()},
		"no member": {"text": "PASSWORD = \"password\"", "want": {1}},
		"decoded properties": {"text": "\natob(\"ZGIucGFzc3dvcmQ9aHVudGVyMg==\")", "want": {2}},
		"decoded": {"text": "\natob(\"cGFzc3dvcmQ9J2h1bnRlcjInIA==\")", "want": {2}},
		"decoded to nothing": {"text": "atob(\"bm90aGluZyB0byBzZWU=\")", "want": set()},
		"PEM of letters": {
			"text": concat("", ["-----BEGIN PRIVATE", " KEY-----\\nYOURPRIVATEKEYHERE\\n"]),
			"want": set(),
		},
		"generic URL": {"text": "https://user:pass@host", "want": set()},
		"generic basic": {"text": "Basic dXNlcjpwYXNz", "want": set()},
		"strong rest": {"text": "token = `abcdef0123456789${x}`", "want": {1}},
		"no text": {"text": null, "want": set()},
	}
	{hit.line | some hit in secret.written(tc.text)} == tc.want
}

# In code, where names of secrets are everywhere.
test_ordinary_code[line] if {
	some line in [
		`password = ""`, `password = "x"`, `token = ","`, `password: "Password is required"`,
		`typeof token === "string"`,
		`token !== "undefined"`, `{credentials: "include"}`, `ACCESS_TOKEN = "accessToken"`,
		`SECRET_NAME = "orders-db"`,
		`password = "your-password"`, `password = "test"`, `token = "test-token"`, `secret = "dummy"`, `token = "***"`,
		`"password": "Password"`, `"password": "Mot de passe"`, `"token": token`, `"token: " + token + " x"`,
		`x ? "token" : "cookie"`, `x ? "token" : "a1b2"`, `secret_key = "wja1rexamplekey"`,
		`["username", "password", "x1"]`, `get("token", "a1b2")`,
		`delete("password", "x1y2")`,
		`getSecret("orders-db-1")`, `query.token || "a1b2"`, `path = "/oauth/token"`, `token = "/secrets/token"`,
		`tokenUrl: "https://a"`, `secret = "https://shop.dev/secret"`, `secret = "projects/1/secrets/a2"`,
		`password = "%s"`, `password = "{password}"`, `password = ":password"`, `password = "$1"`, `"token": "^9.0.2"`,
		`secret = "client-secret"`, `resetPassword: "user/change-password"`, `token: "keyword.operator"`,
		`pad_token = "[PAD]"`,
		`password = "<input type='text'>"`, "token = `${a}-${b}`", "token = f'{a}-{b}'", "url = `?token=${t}`",
		`"?token="+t`,
		`?token=abcdefgh"`, `a&token=b`, `a=1;password=foo2;`, `Authorization: "digest"`,
		`Authorization: "Bearer ${x}"`,
		`authorization: "no digits in this one"`, `secret = "example-secret"`, `auth=(user, password)`,
		`auth=("a", "")`, `auth=("user", "pass")`, `WRONG_PASSWORD: "E-1003"`, `expiredToken = "E-1003"`,
		`"no_token": "a1b2"`, `secret: ("read", "write")`, `<token>%TOKEN%</token>`,
		`password = "^[A-Z0-9]{8,}$"`, `password: "Kennwort (mind. 8 Zeichen)"`, `apiKey: "API-Schlüssel"`,
		`token: "Código de 6 dígitos"`, `secret: "@@auth/RESET_SECRET"`, `password: "#/password"`,
		`token: "shop.token.issued.v1"`, `store_password = "always"`, `password = f"{os.environ['A']}"`,
		`pass = "hunter2"`, `bypass: "hunter2"`, `get("token", default="")`, `{name: "token", type: "a1b2"}`,
		`# password=hunter`, `--token=TOKEN`, `createHmac("sha256", key)`, `jwt.decode(a, "", b)`,
		`password: "/users/me/password?step=2"`, `csrf_token = "{% csrf_token %}"`, "password = `${a}/welcome1`",
		`token = ("a", b)`,
	]
	count(secret.written(line)) == 0
}

test_leaking_code[line] if {
	some line in [
		`password = "hunter2"`, `password = "password"`, `secret: "secret"`, `API_KEY = "changeme"`,
		`token = "changeme"`,
		`JWT_SECRET = "super-secret"`, `secret = "db-secret-2024"`, `apiKey: "a1-b2"`, `{"password":"hunter2"}`,
		`"{\"password\":\"hunter2\"}"`, `os.environ["TOKEN"] = "a1b2"`, `os.environ.get("API_KEY", "a1b2")`,
		`process.env.API_KEY || "a1b2"`, `process.env["TOKEN"] ?? "a1b2"`, `x["x-api-key"] !== "a1b2"`,
		`a.setPassword("hunter2")`,
		`headers.set("x-api-key", "a1b2")`, `url = "https://a?access_token=a1b2c3d4"`,
		`Server=a;User Id=b;Password=hunter2;`,
		`password: str = "hunter2"`, `password := "hunter2"`, `secret_key = b"a1/b2"`, `access_key = "/a1b2/c3d4"`,
		`Authorization: "0123456789abcdef"`, `Authorization: "Token 0123456789abcdef"`,
		`passphrase = "correct horse battery staple"`, `passphrase = "Correct horse (8) battery staple"`,
		"password = (\n    \"hunter2\"\n)", "token = \\\n    \"a1b2\"", `api_key = SecretStr("a1b2")`,
		`secret: str = field(default="a1b2")`, `env("TOKEN", default="a1b2")`, `{name: "DB_TOKEN", value: "a1b2"}`,
		`setattr(a, "password", "hunter2")`, `hmac.compare_digest(api_key, "a1b2")`, "password = `hunter2-${x}`",
		`db_pass = "hunter2"`, `{user: "a", pass: "hunter2"}`, `auth: {pass: "hunter2"}`, `"token=a1b2c3&x=1"`,
		`"a=1&password=hunter2"`, `# TOKEN=a1b2c3`, `hmac.new(b"a1b2", c)`, `createHmac("sha256", "a1b2")`,
		`HTTPDigestAuth("a", "hunter2")`, `API_TOKEN_V2 = "a1b2"`, `password: "SuperSecret"`,
	]
	count(secret.written(line)) == 1
}

test_addressed[note] if {
	some note, tc in {
		"password": {"text": "https://a:hunter2@b", "want": {"a URL with a password"}},
		"user alone": {"text": "a\nhttps://0123456789abcdef0@b", "want": {"a token as a URL's user"}},
		"user with an empty password": {"text": "https://0123456789abcdef0:@b", "want": {"a token as a URL's user"}},
		"user of letters": {"text": "https://abcdefghijklmnopqrst@b", "want": set()},
		"user EXAMPLE": {"text": "https://0123456789abcEXAMPLE@b", "want": set()},
		"parameter": {"text": "https://b?token=a1b2c3d4", "want": {`a literal under a name that ends in "token"`}},
		"package": {"text": `"csrf-token": "1.2.3", "my-password": "latest"`, "want": set()},
		"no text": {"text": {}, "want": set()},
	}
	{hit.what | some hit in secret.addressed(tc.text)} == tc.want
}

test_nothing_has_a_shape if count(secret.shaped(12)) == 0

test_shown[note] if {
	some note, tc in {
		"name": {"name": "DB_PASSWORD", "want": `"DB_PASSWORD"`},
		"secret": {"name": _github, "want": "under a name that holds a secret itself"},
		"assignment": {"name": "DB_PASSWORD: 'hunter2'", "want": "under a name that holds a secret itself"},
		"number": {"name": 1, "want": "without a readable name"},
	}
	secret.shown(tc.name) == tc.want
}

# More than anyone writes isn't judged, and doesn't pass.
test_too_many[note] if {
	numbered := numbers.range(1, 2001)
	some note, text in {
		"by name": concat("\n", [sprintf("token='a%d'", [i]) | some i in numbered]),
		"by shape": concat("\n", [sprintf("https://a:p%d@b", [i]) | some i in numbered]),
		"users": concat("\n", [sprintf("https://0123456789abcdef%d@b", [i]) | some i in numbered]),
	}
	found := secret.addressed(text) | secret.written(text)
	count([hit | some hit in found; startswith(hit.what, "more candidates")]) > 0
}

test_fifty_of_a_kind_at_once if {
	text := concat("\n", [sprintf("token='a%d'", [i]) | some i in numbers.range(1, 60)])
	count(secret.written(text)) == 50
}

# A short text is searched only if it holds one of the markers.
test_every_shape_is_marked[what] if {
	some what, shape in secret._shapes
	every marker in shape.markers { regex.match(secret._markers, marker) }
}
