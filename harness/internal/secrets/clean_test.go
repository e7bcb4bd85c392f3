package secrets

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// clean reads the corpus of ordinary texts: by name, Functions that hold nothing secret.
func clean(t testing.TB) map[string]object {
	t.Helper()
	functions := map[string]object{}
	for _, archive := range []string{"node", "python", "packages", "environments"} {
		files, err := txtar.ParseFile(filepath.Join("testdata", "clean", archive+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files.Files {
			functions[file.Name] = ordinary(t, file)
		}
	}
	return functions
}

func ordinary(t testing.TB, file txtar.File) object {
	t.Helper()
	text := string(file.Data)
	switch filepath.Ext(file.Name) {
	case ".js":
		return function("nodejs24", func(spec, _ object) { inline(spec)["source"] = text })
	case ".py":
		return function("python312", func(spec, _ object) { inline(spec)["source"] = text })
	case ".json":
		return function("nodejs24", func(spec, _ object) { inline(spec)["dependencies"] = text })
	case ".txt":
		return function("python312", func(spec, _ object) { inline(spec)["dependencies"] = text })
	case ".env":
		var env []any
		for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
			name, value, ok := strings.Cut(line, "=")
			if !ok {
				t.Fatalf("%s: no NAME=value: %s", file.Name, line)
			}
			env = append(env, object{"name": name, "value": strings.ReplaceAll(value, `\n`, "\n")})
		}
		return function("nodejs24", func(spec, _ object) { spec["env"] = env })
	}
	t.Fatalf("%s: of no known kind", file.Name)
	return nil
}

// Whoever gets false alarms switches us off.
func TestNoFalseAlarms(t *testing.T) {
	j, corpus := newJudge(t), clean(t)
	if len(corpus) < 60 {
		t.Errorf("%d texts, fewer than 60", len(corpus))
	}
	for name, o := range corpus {
		for what, judged := range map[string]object{"": o, ", applied": applied(t, o, o)} {
			r, _, _ := j.report(t, judged)
			if r.Summary.Reviewed != 1 {
				t.Errorf("%s%s: not judged", name, what)
			}
			if got := messages(r); got != "" {
				t.Errorf("%s%s:\n%s", name, what, got)
			}
		}
	}
}

// What is written into an annotation is as ordinary as in a variable.
func TestOrdinaryMetadata(t *testing.T) {
	j := newJudge(t)
	o := function("nodejs24", func(spec, metadata object) {
		metadata["labels"] = object{
			"app.kubernetes.io/name": "orders", "shop.dev/secret": "orders-db", "token": "jwt", "uses-password": "true",
		}
		metadata["annotations"] = object{
			"checksum/secret":                 "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
			"description":                     "Signs in with a password: see the wiki. Token: rotated weekly by the platform team",
			"vault.hashicorp.com/agent-token": "true",
			"reloader.stakater.com/secret":    "orders-db",
			"shop.dev/credentials":            "orders-credentials-2",
			"shop.dev/config":                 `{"tokenUrl":"https://auth.shop.dev/oauth/token","password":"${PASSWORD}"}`,
			"shop.dev/owner":                  "orders@shop.dev",
			"shop.dev/public-key":             "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE me",
		}
		spec["annotations"] = object{"prometheus.io/scrape": "true"}
	})
	for what, judged := range map[string]object{"": o, "applied": applied(t, o, o)} {
		if r, _, _ := j.report(t, judged); messages(r) != "" {
			t.Errorf("%s:\n%s", what, messages(r))
		}
	}
}

func TestOrdinaryHeaders(t *testing.T) {
	j := newJudge(t)
	for header, value := range map[string]string{
		"X-Forwarded-Host": "orders.shop.dev",
		"X-Client":         "gateway",
		"X-Token-Url":      "https://auth.shop.dev/oauth/token",
		"Authorization":    "Bearer ${TOKEN}",
		"X-Api-Key":        "<set by the gateway>",
		"X-Auth-Token":     "%REQ(x-token)%",
		"X-Trace":          "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
	} {
		if r, _, _ := j.report(t, apiRule(header, value)); messages(r) != "" {
			t.Errorf("%s: %s:\n%s", header, value, messages(r))
		}
	}
}
