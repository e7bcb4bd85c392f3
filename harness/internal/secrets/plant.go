package secrets

import (
	"encoding/base64"
	"math/rand/v2"
	"strings"
)

// Plant is a secret of a kind. No scanner of repositories may see one in these files: values are put together from parts.
type Plant struct {
	Kind  string
	Text  string   // what is written, whole
	Parts []string // what of it is secret; nothing means all
}

// Secret gives the parts of a plant of which no output may hold anything.
func (p Plant) Secret() []string {
	if len(p.Parts) == 0 {
		return []string{p.Text}
	}
	return p.Parts
}

// What values are drawn from.
const (
	digits = "0123456789"
	hexes  = digits + "abcdef"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	lower  = "abcdefghijklmnopqrstuvwxyz"
	Alnum  = digits + upper + lower
	base   = Alnum + "+/"
	word   = Alnum + "-_"
)

// Random draws values.
type Random struct{ *rand.Rand }

// NewRandom gives one that draws the same in every run.
func NewRandom() Random { return Random{rand.New(rand.NewPCG(3, 301))} }

// Of draws a text with a digit in its middle, so that no value is a word by chance.
func (r Random) Of(n int, alphabet string) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	b[n/2] = digits[1+r.IntN(9)]
	return string(b)
}

// Encoded is base64.
func Encoded(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// pem is a block in lines of 64 characters.
func (r Random) pem(label string, lines int) Plant {
	p := Plant{Kind: "PEM " + label}
	text := "-----BEGIN " + label + "-----\n"
	for range lines {
		line := "MIIE" + r.Of(60, base)
		text, p.Parts = text+line+"\n", append(p.Parts, line)
	}
	p.Text = text + "-----END " + label + "-----"
	return p
}

// after is a plant whose secret stands after and before what isn't.
func after(kind, before, secret, rest string) Plant {
	return Plant{Kind: kind, Text: before + secret + rest, Parts: []string{secret}}
}

func (r Random) uuid() string {
	return r.Of(8, hexes) + "-" + r.Of(4, hexes) + "-" + r.Of(4, hexes) + "-" + r.Of(4, hexes) + "-" + r.Of(12, hexes)
}

// ByShape are some 60 secrets that show what they are wherever they stand.
func (r Random) ByShape() []Plant {
	key := "PRIVATE" + " KEY"
	jwt := func() string {
		head := strings.TrimRight(Encoded(`{"alg":"HS256","typ":"JWT"}`), "=")
		body := strings.TrimRight(Encoded(`{"sub":"`+r.Of(12, Alnum)+`"}`), "=")
		return head + "." + body + "." + r.Of(43, word)
	}
	plants := []Plant{
		r.pem(key, 3), r.pem("RSA "+key, 3), r.pem("EC "+key, 2), r.pem("OPENSSH "+key, 3), r.pem("ENCRYPTED "+key, 3),
		r.pem("DSA "+key, 2),
		{Kind: "JWT", Text: jwt()},
		{Kind: "AWS access key", Text: "AK" + "IA" + r.Of(16, upper+digits)},
		{Kind: "AWS temporary key", Text: "AS" + "IA" + r.Of(16, upper+digits)},
		{Kind: "GitHub personal", Text: "gh" + "p_" + r.Of(36, Alnum)},
		{Kind: "GitHub OAuth", Text: "gh" + "o_" + r.Of(36, Alnum)},
		{Kind: "GitHub app", Text: "gh" + "s_" + r.Of(36, Alnum)},
		{Kind: "GitHub fine-grained", Text: "github" + "_pat_" + r.Of(22, Alnum) + "_" + r.Of(59, Alnum)},
		{Kind: "GitLab", Text: "gl" + "pat-" + r.Of(20, Alnum)},
		{Kind: "GitLab runner", Text: "gl" + "rt-" + r.Of(20, Alnum)},
		{Kind: "Bitbucket", Text: "AT" + "BB" + r.Of(32, Alnum)},
		{Kind: "Atlassian", Text: "AT" + "ATT3x" + r.Of(180, word) + "=" + r.Of(8, hexes)},
		{Kind: "Slack bot", Text: "xo" + "xb-" + r.Of(12, digits) + "-" + r.Of(24, Alnum)},
		{Kind: "Slack app", Text: "xa" + "pp-1-" + r.Of(11, upper) + "-" + r.Of(13, digits) + "-" + r.Of(64, hexes)},
		after("Slack webhook", "https://hooks."+"slack.com/services/", "T"+r.Of(8, upper)+"/B"+r.Of(8, upper)+"/"+r.Of(24, Alnum), ""),
		after("Discord webhook", "https://discord.com"+"/api/webhooks/", r.Of(18, digits)+"/"+r.Of(68, Alnum), ""),
		after("Teams webhook", "https://shop.webhook."+"office.com/webhookb2/",
			r.uuid()+"@"+r.uuid()+"/IncomingWebhook/"+r.Of(32, hexes), ""),
		{Kind: "Google API", Text: "AI" + "za" + r.Of(35, Alnum)},
		{Kind: "Google OAuth secret", Text: "GOC" + "SPX-" + r.Of(28, Alnum)},
		{Kind: "Google access", Text: "ya" + "29." + r.Of(60, word)},
		after("Azure storage", "DefaultEndpointsProtocol=https;AccountName=shop;Account"+"Key=", r.Of(86, base)+"==",
			";EndpointSuffix=core.windows.net"),
		after("Azure service bus", "Endpoint=sb://shop.servicebus.windows.net/;SharedAccessKeyName=root;Shared"+"AccessKey=", r.Of(43, base)+"=", ""),
		after("Azure SAS", "https://shop.blob.core.windows.net/orders?sv=2024-11-04&sp=r&s"+"ig=", r.Of(43, Alnum)+"%3D", ""),
		{Kind: "Azure client secret", Text: r.Of(3, Alnum) + "8Q" + "~" + r.Of(34, Alnum)},
		{Kind: "Stripe live", Text: "sk" + "_live_" + r.Of(24, Alnum)},
		{Kind: "Stripe test", Text: "sk" + "_test_" + r.Of(24, Alnum)},
		{Kind: "Stripe restricted", Text: "rk" + "_live_" + r.Of(24, Alnum)},
		{Kind: "Stripe webhook", Text: "wh" + "sec_" + r.Of(32, Alnum)},
		{Kind: "Square", Text: "sq0" + "csp-" + r.Of(43, word)},
		{Kind: "Shopify", Text: "shp" + "at_" + r.Of(32, hexes)},
		{Kind: "npm", Text: "np" + "m_" + r.Of(36, Alnum)},
		{Kind: "PyPI", Text: "py" + "pi-AgEIcHlwaS5vcmc" + r.Of(60, Alnum)},
		after("RubyGems", "ruby"+"gems_", r.Of(48, hexes), ""),
		{Kind: "Docker Hub", Text: "dckr" + "_pat_" + r.Of(27, Alnum)},
		{Kind: "SendGrid", Text: "S" + "G." + r.Of(22, Alnum) + "." + r.Of(43, Alnum)},
		{Kind: "Twilio", Text: "S" + "K" + r.Of(32, hexes)},
		{Kind: "Mailgun", Text: "ke" + "y-" + r.Of(32, hexes)},
		{Kind: "Telegram", Text: r.Of(9, digits) + ":A" + "A" + r.Of(33, Alnum)},
		{Kind: "OpenAI", Text: "sk" + "-proj-" + r.Of(48, Alnum)},
		{Kind: "Anthropic", Text: "sk" + "-ant-api03-" + r.Of(80, Alnum)},
		{Kind: "Hugging Face", Text: "h" + "f_" + r.Of(34, Alnum)},
		{Kind: "DigitalOcean", Text: "do" + "p_v1_" + r.Of(64, hexes)},
		{Kind: "Databricks", Text: "da" + "pi" + r.Of(32, hexes)},
		{Kind: "Vault", Text: "hv" + "s." + r.Of(24, Alnum)},
		{Kind: "Terraform", Text: r.Of(14, Alnum) + ".atlas" + "v1." + r.Of(67, Alnum)},
		{Kind: "Grafana", Text: "gl" + "sa_" + r.Of(32, Alnum) + "_" + r.Of(8, hexes)},
		{Kind: "New Relic", Text: "NR" + "AK-" + r.Of(27, upper+digits)},
		{Kind: "Linear", Text: "lin" + "_api_" + r.Of(40, Alnum)},
		{Kind: "Postman", Text: "PM" + "AK-" + r.Of(24, hexes) + "-" + r.Of(34, hexes)},
		{Kind: "Notion", Text: "nt" + "n_" + r.Of(46, Alnum)},
		after("age", "AGE-SECRET"+"-KEY-1", r.Of(58, upper+digits), ""),
		after("basic authentication", "Ba"+"sic ", Encoded("orders:"+r.Of(12, Alnum)), ""),
		after("bearer", "Be"+"arer ", r.Of(40, Alnum), ""),
	}
	for _, scheme := range []string{"postgres", "https", "amqp", "mongodb+srv", "redis"} {
		password := r.Of(14, Alnum)
		plants = append(plants, after("URL of "+scheme, scheme+"://orders:", password, "@host.shop.dev/orders"))
	}
	return plants
}

// Awkward are passwords that no URL may have as they are; people write them nevertheless.
func (r Random) Awkward() (plants []Plant) {
	for _, sign := range []string{"@", "/", "?", "#", ":", "%", "&", "+", "$", "!", "'", `"`, `\`, "é", "=", ",", ";"} {
		one, other := r.Of(9, Alnum), r.Of(9, Alnum)
		plants = append(plants, Plant{"password with " + sign, "https://orders:" + one + sign + other + "@host.shop.dev/orders", []string{one, other}})
	}
	return plants
}

// Assignments are lines of code, by runtime, that give a literal to a secret's name; %s is the literal.
var Assignments = map[string][]string{
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

// Names are of variables, annotations and headers that hold a secret.
var Names = []string{
	"PASSWORD", "DB_PASSWORD", "dbPassword", "db-passwd", "MYSQL_PWD", "KEY_PASSPHRASE", "CLIENT_SECRET", "clientSecret", "API_TOKEN",
	"AccessToken", "API_KEY", "apikey", "x-api-key", "AWS_SECRET_ACCESS_KEY", "PRIVATE_KEY", "SECRET_KEY", "GOOGLE_CREDENTIALS",
	"GIT_CREDENTIAL", "TOKEN2", "API_KEY_2", "spring.datasource.password", "PASSWORD_BASE64",
}
