package secrets

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// plant is a secret of a kind. No scanner of repositories may see one in these files: values are put together from parts.
type plant struct {
	kind  string
	text  string   // what is written, whole
	parts []string // what may stand in no output, besides text
}

const (
	digits = "0123456789"
	hex    = digits + "abcdef"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	lower  = "abcdefghijklmnopqrstuvwxyz"
	alnum  = digits + upper + lower
	base   = alnum + "+/"
	word   = alnum + "-_"
)

// random draws values; that of a test is the same in every run.
type random struct{ *rand.Rand }

func newRandom() random { return random{rand.New(rand.NewPCG(3, 301))} }

// of draws a text with a digit in its middle, so that no value is a word by chance.
func (r random) of(n int, alphabet string) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	b[n/2] = digits[1+r.IntN(9)]
	return string(b)
}

func encoded(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// pem is a block in lines of 64 characters.
func (r random) pem(label string, lines int) plant {
	p := plant{kind: "PEM " + label}
	text := "-----BEGIN " + label + "-----\n"
	for range lines {
		line := "MIIE" + r.of(60, base)
		text, p.parts = text+line+"\n", append(p.parts, line)
	}
	p.text = text + "-----END " + label + "-----"
	return p
}

// byShape are secrets that show what they are wherever they stand.
func (r random) byShape() []plant {
	key := "PRIVATE" + " KEY"
	jwt := func() string {
		head := strings.TrimRight(encoded(`{"alg":"HS256","typ":"JWT"}`), "=")
		body := strings.TrimRight(encoded(`{"sub":"`+r.of(12, alnum)+`"}`), "=")
		return head + "." + body + "." + r.of(43, word)
	}
	plants := []plant{
		r.pem(key, 3), r.pem("RSA "+key, 3), r.pem("EC "+key, 2), r.pem("OPENSSH "+key, 3), r.pem("ENCRYPTED "+key, 3),
		r.pem("DSA "+key, 2),
		{kind: "JWT", text: jwt()},
		{kind: "AWS access key", text: "AK" + "IA" + r.of(16, upper+digits)},
		{kind: "AWS temporary key", text: "AS" + "IA" + r.of(16, upper+digits)},
		{kind: "GitHub personal", text: "gh" + "p_" + r.of(36, alnum)},
		{kind: "GitHub OAuth", text: "gh" + "o_" + r.of(36, alnum)},
		{kind: "GitHub app", text: "gh" + "s_" + r.of(36, alnum)},
		{kind: "GitHub fine-grained", text: "github" + "_pat_" + r.of(22, alnum) + "_" + r.of(59, alnum)},
		{kind: "GitLab", text: "gl" + "pat-" + r.of(20, alnum)},
		{kind: "GitLab runner", text: "gl" + "rt-" + r.of(20, alnum)},
		{kind: "Bitbucket", text: "AT" + "BB" + r.of(32, alnum)},
		{kind: "Atlassian", text: "AT" + "ATT3x" + r.of(180, word) + "=" + r.of(8, hex)},
		{kind: "Slack bot", text: "xo" + "xb-" + r.of(12, digits) + "-" + r.of(24, alnum)},
		{kind: "Slack app", text: "xa" + "pp-1-" + r.of(11, upper) + "-" + r.of(13, digits) + "-" + r.of(64, hex)},
		{kind: "Slack webhook", text: "https://hooks." + "slack.com/services/T" + r.of(8, upper) + "/B" + r.of(8, upper) + "/" + r.of(24, alnum)},
		{kind: "Discord webhook", text: "https://discord.com" + "/api/webhooks/" + r.of(18, digits) + "/" + r.of(68, alnum)},
		{kind: "Teams webhook", text: "https://shop.webhook." + "office.com/webhookb2/" + r.of(8, hex) + "-" + r.of(4, hex) + "-" +
			r.of(4, hex) + "-" + r.of(4, hex) + "-" + r.of(12, hex) + "@" + r.of(8, hex) + "-" + r.of(4, hex) + "-" + r.of(4, hex) + "-" +
			r.of(4, hex) + "-" + r.of(12, hex) + "/IncomingWebhook/" + r.of(32, hex)},
		{kind: "Google API", text: "AI" + "za" + r.of(35, alnum)},
		{kind: "Google OAuth secret", text: "GOC" + "SPX-" + r.of(28, alnum)},
		{kind: "Google access", text: "ya" + "29." + r.of(60, word)},
		{kind: "Azure storage", text: "DefaultEndpointsProtocol=https;AccountName=shop;Account" + "Key=" + r.of(86, base) + "==;EndpointSuffix=core.windows.net"},
		{kind: "Azure service bus", text: "Endpoint=sb://shop.servicebus.windows.net/;SharedAccessKeyName=root;Shared" + "AccessKey=" + r.of(43, base) + "="},
		{kind: "Azure SAS", text: "https://shop.blob.core.windows.net/orders?sv=2024-11-04&sp=r&s" + "ig=" + r.of(43, alnum) + "%3D"},
		{kind: "Azure client secret", text: r.of(3, alnum) + "8Q" + "~" + r.of(34, alnum)},
		{kind: "Stripe live", text: "sk" + "_live_" + r.of(24, alnum)},
		{kind: "Stripe test", text: "sk" + "_test_" + r.of(24, alnum)},
		{kind: "Stripe restricted", text: "rk" + "_live_" + r.of(24, alnum)},
		{kind: "Stripe webhook", text: "wh" + "sec_" + r.of(32, alnum)},
		{kind: "Square", text: "sq0" + "csp-" + r.of(43, word)},
		{kind: "Shopify", text: "shp" + "at_" + r.of(32, hex)},
		{kind: "npm", text: "np" + "m_" + r.of(36, alnum)},
		{kind: "PyPI", text: "py" + "pi-AgEIcHlwaS5vcmc" + r.of(60, alnum)},
		{kind: "RubyGems", text: "ruby" + "gems_" + r.of(48, hex)},
		{kind: "Docker Hub", text: "dckr" + "_pat_" + r.of(27, alnum)},
		{kind: "SendGrid", text: "S" + "G." + r.of(22, alnum) + "." + r.of(43, alnum)},
		{kind: "Twilio", text: "S" + "K" + r.of(32, hex)},
		{kind: "Mailgun", text: "ke" + "y-" + r.of(32, hex)},
		{kind: "Telegram", text: r.of(9, digits) + ":A" + "A" + r.of(33, alnum)},
		{kind: "OpenAI", text: "sk" + "-proj-" + r.of(48, alnum)},
		{kind: "Anthropic", text: "sk" + "-ant-api03-" + r.of(80, alnum)},
		{kind: "Hugging Face", text: "h" + "f_" + r.of(34, alnum)},
		{kind: "DigitalOcean", text: "do" + "p_v1_" + r.of(64, hex)},
		{kind: "Databricks", text: "da" + "pi" + r.of(32, hex)},
		{kind: "Vault", text: "hv" + "s." + r.of(24, alnum)},
		{kind: "Terraform", text: r.of(14, alnum) + ".atlas" + "v1." + r.of(67, alnum)},
		{kind: "Grafana", text: "gl" + "sa_" + r.of(32, alnum) + "_" + r.of(8, hex)},
		{kind: "New Relic", text: "NR" + "AK-" + r.of(27, upper+digits)},
		{kind: "Linear", text: "lin" + "_api_" + r.of(40, alnum)},
		{kind: "Postman", text: "PM" + "AK-" + r.of(24, hex) + "-" + r.of(34, hex)},
		{kind: "Notion", text: "nt" + "n_" + r.of(46, alnum)},
		{kind: "age", text: "AGE-SECRET" + "-KEY-1" + r.of(58, upper+digits)},
		{kind: "basic authentication", text: "Ba" + "sic " + encoded("orders:"+r.of(12, alnum))},
		{kind: "bearer", text: "Be" + "arer " + r.of(40, alnum)},
	}
	for _, scheme := range []string{"postgres", "https", "amqp", "mongodb+srv", "redis"} {
		password := r.of(14, alnum)
		plants = append(plants, plant{"URL of " + scheme, scheme + "://orders:" + password + "@host.shop.dev/orders", []string{password}})
	}
	return plants
}

// found reports on the lines of an object's findings for a rule; others are errors, except alsoFrom other rules.
func (j *judge) must(t *testing.T, what string, o object, want []finding, secrets ...string) {
	t.Helper()
	got, violations := j.raw(t, o)
	for _, w := range want {
		hit := false
		for _, g := range got {
			hit = hit || g == w
		}
		if !hit {
			t.Errorf("%s: not found: %v; found %v", what, w, got)
		}
	}
	for _, g := range got {
		expected := false
		for _, w := range want {
			expected = expected || g == w
		}
		if !expected {
			t.Errorf("%s: not planted: %v\n%s", what, g, violations)
		}
	}
	_, _, output := j.report(t, o)
	for _, secret := range secrets {
		if strings.Contains(strings.ToLower(output), strings.ToLower(secret)) {
			t.Errorf("%s: kfs prints the value:\n%s", what, output)
		}
		if strings.Contains(strings.ToLower(violations), strings.ToLower(secret)) {
			t.Errorf("%s: a violation repeats the value:\n%s", what, violations)
		}
	}
}

// Every kind in every place, found there and nowhere else, and never repeated.
func TestPlantedByShape(t *testing.T) {
	j, r := newJudge(t), newRandom()
	plants := r.byShape()
	if len(plants) < 60 {
		t.Errorf("%d kinds, fewer than 60", len(plants))
	}
	for _, p := range plants {
		secrets := append([]string{p.text}, p.parts...)
		quoted := strings.ReplaceAll(p.text, "\n", `\n`)
		javascript := function("nodejs24", func(spec, _ object) {
			inline(spec)["source"] = "const axios = require(\"axios\");\n\nconst one = 1;\nconst value = `" + p.text + "`;\nmodule.exports = { main: () => value };\n"
		})
		j.must(t, p.kind+" in JavaScript", javascript, []finding{{"KFS-302", 4}}, secrets...)

		python := function("python312", func(spec, _ object) {
			inline(spec)["source"] = "import os\n\n\n\nVALUE = {\n    \"value\": \"" + quoted + "\",\n}\n\n\ndef main(event, context):\n    return VALUE\n"
		})
		j.must(t, p.kind+" in Python", python, []finding{{"KFS-302", 6}}, secrets...)

		old := object{
			"apiVersion": "serverless.kyma-project.io/v1alpha1", "kind": "Function",
			"metadata": object{"name": "orders", "namespace": "demo"},
			"spec":     object{"source": "// one\nconst v = '" + quoted + "';\n", "deps": "# two\n\n# " + quoted + "\n", "runtime": "python39"},
		}
		j.must(t, p.kind+" in v1alpha1", old, []finding{{"KFS-302", 2}, {"KFS-303", 3}}, secrets...)

		env := function("nodejs24", func(spec, _ object) { spec["env"] = []any{object{"name": "SETTING", "value": p.text}} })
		j.must(t, p.kind+" in env", env, []finding{{"KFS-301", 0}}, secrets...)

		hidden := function("nodejs24", func(spec, _ object) {
			spec["env"] = []any{object{"name": "SETTING", "value": encoded(p.text)}}
		})
		j.must(t, p.kind+" in env in base64", hidden, []finding{{"KFS-301", 0}}, append(secrets, encoded(p.text))...)

		decoded := function("nodejs24", func(spec, _ object) {
			inline(spec)["source"] = "const a = 1;\nconst b = Buffer.from('" + encoded(p.text) + "', 'base64');\n"
		})
		j.must(t, p.kind+" in JavaScript in base64", decoded, []finding{{"KFS-302", 2}}, append(secrets, encoded(p.text))...)

		annotation := function("nodejs24", func(spec, metadata object) {
			metadata["annotations"] = object{"shop.dev/note": p.text}
			spec["labels"] = object{"note": p.text}
		})
		j.must(t, p.kind+" in metadata", annotation, []finding{{"KFS-308", 0}, {"KFS-308", 0}}, secrets...)

		clean := function("nodejs24", func(object, object) {})
		j.must(t, p.kind+" in env, applied", applied(t, clean, env), []finding{{"KFS-308", 0}}, secrets...)
		j.must(t, p.kind+" in JavaScript, applied", applied(t, clean, javascript), []finding{{"KFS-308", 0}}, secrets...)
		// Reported once, where it still stands.
		j.must(t, p.kind+" in env and applied", applied(t, env, env), []finding{{"KFS-301", 0}}, secrets...)
		j.must(t, p.kind+" in JavaScript and applied", applied(t, javascript, javascript), []finding{{"KFS-302", 4}}, secrets...)

		header := apiRule("X-Setting", p.text)
		j.must(t, p.kind+" in a header", header, []finding{{"KFS-309", 0}}, secrets...)
		j.must(t, p.kind+" in a header and applied", applied(t, header, header), []finding{{"KFS-309", 0}}, secrets...)
	}
}

// Lines of code that give a literal to a secret's name; %s is the literal.
var assignments = map[string][]string{
	"nodejs24": {
		`const password = "%s";`,
		`let dbPassword = '%s'`,
		"var passphrase = `%s`;",
		`const options = { user: "orders", password: "%s", host: "db" };`,
		`const options = {user:"orders",pwd:'%s'}`,
		`const json = "{\"user\":\"orders\",\"password\":\"%s\"}";`,
		`const CLIENT_SECRET = '%s';`,
		`this.clientSecret = "%s";`,
		`config["api_key"] = "%s";`,
		`process.env.API_KEY = '%s';`,
		`const apiKey = process.env.API_KEY || "%s";`,
		`const apiKey = process.env["API_KEY"] ?? '%s';`,
		`const headers = { "X-Api-Key": "%s" };`,
		`headers.set("x-auth-token", "%s");`,
		`localStorage.setItem("accessToken", '%s');`,
		`if (event.extensions.request.headers["x-api-key"] !== "%s") return 401;`,
		`const aws = { accessKeyId: id, secretAccessKey: "%s" };`,
		`client.setPassword("%s");`,
		`const url = "https://api.shop.dev/orders?id=4711&access_token=%s";`,
		`const dsn = "Server=db;Database=orders;User Id=orders;Password=%s;";`,
		`const privateKey = Buffer.from("%s", "base64");`,
		`const token1 = "%s";`,
		`class Client { #token = "%s"; }`,
		`/* password: "%s" */`,
	},
	"python312": {
		`password = "%s"`,
		`DB_PASSWORD = '%s'`,
		`self._token = "%s"`,
		`api_key: str = "%s"`,
		`def connect(password: str = "%s"):`,
		`connect(host="db", user="orders", password="%s")`,
		`os.environ["DB_PASSWORD"] = "%s"`,
		`API_KEY = os.environ.get("API_KEY", "%s")`,
		`API_KEY = os.getenv("API_KEY", default_key) or os.getenv("OTHER_API_KEY") or "x"; secret = '%s'`,
		`os.environ.setdefault('SECRET_KEY', '%s')`,
		`settings = {"client_secret": "%s"}`,
		`settings["credentials"] = '%s'`,
		`passwd = r"%s"`,
		`token = f"%s"`,
		`secret = b"%s"`,
		`SECRET = """%s"""`,
		`requests.get(url, auth=("orders", "%s"))`,
		`auth = HTTPBasicAuth("orders", "%s")`,
		`server.login("orders@shop.dev", "%s")`,
		`dsn = "host=db user=orders password=%s"`,
		`# old password: "%s"`,
		`access_key = base64.b64decode("%s")`,
		`if token == "%s":`,
		`headers = {"Authorization": "Token %s"}`,
	},
}

func TestPlantedByName(t *testing.T) {
	j, r := newJudge(t), newRandom()
	planted := 0
	for runtime, lines := range assignments {
		for _, line := range lines {
			value := r.of(18, alnum)
			text := "one = 1\n\n" + fmt.Sprintf(line, value) + "\ntwo = 2\n"
			o := function(runtime, func(spec, _ object) { inline(spec)["source"] = text })
			j.must(t, line, o, []finding{{"KFS-302", 3}}, value)
			planted++
		}
	}
	for _, name := range []string{
		"PASSWORD", "DB_PASSWORD", "dbPassword", "db-passwd", "MYSQL_PWD", "KEY_PASSPHRASE", "CLIENT_SECRET", "clientSecret", "API_TOKEN",
		"AccessToken", "API_KEY", "apikey", "x-api-key", "AWS_SECRET_ACCESS_KEY", "PRIVATE_KEY", "SECRET_KEY", "GOOGLE_CREDENTIALS",
		"GIT_CREDENTIAL", "TOKEN2", "API_KEY_2", "spring.datasource.password", "PASSWORD_BASE64",
	} {
		for _, value := range []string{r.of(18, alnum), "change" + "me", "correct horse " + r.of(8, lower)} {
			env := function("nodejs24", func(spec, _ object) { spec["env"] = []any{object{"name": name, "value": value}} })
			j.must(t, name, env, []finding{{"KFS-301", 0}}, value)
			annotation := function("nodejs24", func(_, metadata object) {
				metadata["annotations"] = object{"shop.dev/" + name: value}
			})
			j.must(t, "annotation "+name, annotation, []finding{{"KFS-308", 0}}, value)
			j.must(t, "header "+name, apiRule(name, value), []finding{{"KFS-309", 0}}, value)
			planted++
		}
	}
	if planted < 60 {
		t.Errorf("%d planted, fewer than 60", planted)
	}
}

// All in one source, each on its line.
func TestPlantedTogether(t *testing.T) {
	j, r := newJudge(t), newRandom()
	var text strings.Builder
	var want []finding
	var secrets []string
	line := 1
	add := func(s string) {
		text.WriteString(s + "\n")
		line += strings.Count(s, "\n") + 1
	}
	for _, p := range r.byShape() {
		add("// " + p.kind)
		want = append(want, finding{"KFS-302", line})
		add("values.push(`" + p.text + "`);")
		secrets = append(append(secrets, p.text), p.parts...)
	}
	for _, code := range assignments["nodejs24"] {
		value := r.of(18, alnum)
		want = append(want, finding{"KFS-302", line})
		add(fmt.Sprintf(code, value))
		secrets = append(secrets, value)
	}
	o := function("nodejs24", func(spec, _ object) { inline(spec)["source"] = text.String() })
	j.must(t, "all", o, want, secrets...)

	// In the file, where kfs points to.
	report, manifest, _ := j.report(t, o)
	lines := strings.Split(string(manifest), "\n")
	seen := map[string]bool{}
	for _, f := range report.Findings {
		at := lines[f.Location.Line-1]
		for _, secret := range secrets {
			if first, _, _ := strings.Cut(secret, "\n"); strings.Contains(at, first) {
				seen[secret] = true
			}
		}
	}
	for _, secret := range secrets {
		if strings.HasPrefix(secret, "MIIE") || strings.Contains(secret, "://") {
			continue // lines of what is found above
		}
		if !seen[secret] {
			t.Errorf("no finding points to %s", secret)
		}
	}
}
