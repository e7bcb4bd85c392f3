package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPath(t *testing.T) {
	tests := map[string][]any{
		"":                              nil,
		"spec.rules[0].jwt":             {"spec", "rules", 0, "jwt"},
		`metadata.annotations["a.b/c"]`: {"metadata", "annotations", "a.b/c"},
		`["a b"].c`:                     {"a b", "c"},
		`data[""]["0"]`:                 {"data", "", "0"},
		"spec.x_y-z[2][3]":              {"spec", "x_y-z", int64(2), json.Number("3")},
	}
	for want, path := range tests {
		if got := Path(path); got != want {
			t.Errorf("Path(%v) = %s, want %s", path, got, want)
		}
	}
}

func example() Report {
	orders := Object{"serverless.kyma-project.io/v1alpha2", "Function", "demo", "orders"}
	api := Object{"gateway.kyma-project.io/v2", "APIRule", "demo", "orders"}
	return Report{
		Profile: "baseline",
		Flavor:  "classic",
		Findings: []Finding{
			{
				Rule: "KFS-201", Policy: "runtime_image", Fact: "runtime-image", Severity: "high", Action: Deny,
				Message: `KFS-201: runtime image "ghcr.io/acme/node:22" is outside the allowed repositories`,
				Path:    "spec.runtimeImageOverride", Object: orders, Location: Location{"app/orders.yaml", 8, 3},
				Title:       "Override outside the allowed repositories",
				Remediation: "Remove spec.runtimeImageOverride, or mirror the image into an allowed repository.",
			},
			{
				Rule: "KFS-202", Policy: "runtime_image", Fact: "runtime-image", Severity: "high", Action: Deny,
				Message: `KFS-202: runtime image "ghcr.io/acme/node:22" isn't pinned by a sha256 digest`,
				Path:    "spec.runtimeImageOverride", Object: orders, Location: Location{"app/orders.yaml", 8, 3},
			},
			{
				Rule: "KFS-302", Policy: "sensitive_data", Fact: "no-scans", Severity: "high", Action: Deny,
				Message: `KFS-302: line 2 assigns a literal to a name that says "password"`,
				Path:    "spec.source.inline.source", Object: orders, Location: Location{"app/orders.yaml", 13, 7},
				Title: "Secret in inline source", Remediation: "Put it into a Secret and read it from the environment.",
			},
			{
				Rule: "KFS-101", Policy: "jwt_binding", Fact: "jwt-scope", Severity: "high", Action: Deny,
				Message: "KFS-101: jwt of /orders binds no token: it has no authorizations",
				Path:    "spec.rules[0].jwt", Object: api, Location: Location{"app/orders.yaml", 25, 7},
				Title:       "JWT without authorizations",
				Remediation: "List under authorizations the audiences and scopes that a token must carry: authorizations: [{requiredScopes: [orders.read], audiences: [orders]}].",
			},
			{
				Rule: "KFS-101", Policy: "jwt_binding", Fact: "jwt-scope", Severity: "high", Action: "dryrun",
				Message: "KFS-101: jwt of /*\x1b[2J\u202e binds no token: it has no authorizations",
				Path:    "spec.rules[1].jwt", Object: api, Location: Location{"app/orders.yaml", 31, 0},
				Title: "JWT without authorizations",
			},
			{
				Rule: "KFS-104", Policy: "jwt_binding", Fact: "jwt-scope", Severity: "medium", Action: Warn,
				Message: "KFS-104: entry 0 is bound by scope only",
				Path:    "spec.rules[0].jwt.authorizations[0]", Object: api, Location: Location{"app/orders.yaml", 33, 9},
			},
		},
		Undecided: []Undecided{
			{Rule: "KFS-502", Object: orders, Needs: []string{"Namespace demo"}},
			{Rule: "KFS-501", Object: orders, Needs: []string{"Namespace demo"}},
			{Rule: "KFS-501", Object: api, Needs: []string{"Namespace demo"}},
			{Rule: "KFS-601", Object: api, Needs: []string{"Namespace demo", "Namespace kyma-system"}},
		},
		Errors: []Error{
			{File: "app/broken.yaml", Line: 3, Message: "did not find expected key"},
			{File: "app/big.yaml", Message: "bigger than 64 MiB, the most that is read"},
			{Message: "no policy matched"},
		},
		Summary: Summary{Objects: 9, Reviewed: 7, Deny: 3, Warn: 1, Undecided: 4},
	}
}

var lines = map[int]string{
	8:  "  runtimeImageOverride: ghcr.io/acme/node:22",
	13: `      const password = "hunter2";`,
	25: "    \tjwt:\r",
	33: "        - requiredScopes: [a]",
}

func lookup(_ string, line int) (string, bool) { text, ok := lines[line]; return text, ok }

func shuffle(r *Report) {
	rand.Shuffle(len(r.Findings), func(i, j int) { r.Findings[i], r.Findings[j] = r.Findings[j], r.Findings[i] })
	rand.Shuffle(len(r.Undecided), func(i, j int) { r.Undecided[i], r.Undecided[j] = r.Undecided[j], r.Undecided[i] })
	rand.Shuffle(len(r.Errors), func(i, j int) { r.Errors[i], r.Errors[j] = r.Errors[j], r.Errors[i] })
}

func render(t *testing.T, format string, r Report, options Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := (Output{Format: format}).Write(&b, r, options); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestOrder(t *testing.T) {
	want := example()
	Sort(&want)
	for range 20 {
		got := example()
		shuffle(&got)
		Sort(&got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	}
}

// The golden files are what users and programs read; UPDATE=1 go test rewrites them.
func TestGolden(t *testing.T) {
	broken := Report{Profile: "strict", Flavor: "buildless", Errors: []Error{{File: "x.yaml", Line: 3, Message: "did not find expected key"}}}
	full, empty := example(), Report{Profile: "strict", Flavor: "buildless", Summary: Summary{Objects: 1, Reviewed: 1}}
	Sort(&full)
	tests := map[string]string{
		"full.txt":   render(t, "pretty", full, Options{SourceLine: lookup}),
		"full.json":  render(t, "json", full, Options{}),
		"color.txt":  render(t, "pretty", full, Options{Color: true}),
		"empty.txt":  render(t, "pretty", empty, Options{}),
		"broken.txt": render(t, "pretty", broken, Options{}),
		"empty.json": render(t, "json", empty, Options{}),
	}
	for name, got := range tests {
		file := filepath.Join("testdata", name)
		if os.Getenv("UPDATE") != "" {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestExcerptsKeepSecrets(t *testing.T) {
	tests := map[string]struct {
		finding Finding
		line    string
		shown   bool
	}{
		"plain":            {finding: Finding{Rule: "KFS-201"}, line: "  runtime: nodejs22", shown: true},
		"fact":             {finding: Finding{Rule: "KFS-999", Fact: "no-scans"}, line: "  runtime: nodejs22"},
		"rule":             {finding: Finding{Rule: "KFS-309"}, line: "  runtime: nodejs22"},
		"object":           {finding: Finding{Rule: "KFS-721", Object: Object{Kind: "Secret"}}, line: "  runtime: nodejs22"},
		"path":             {finding: Finding{Rule: "KFS-002", RawPath: []any{"spec", "env", 0, "value"}}, line: "  value: 0644"},
		"URL with a user":  {finding: Finding{Rule: "KFS-107"}, line: "  jwksUri: https://me:hunter2@idp.example/keys"},
		"flow mapping":     {finding: Finding{Rule: "KFS-001"}, line: `  - {name: DB_PASSWORD, valeu: hunter2}`},
		"one-line JSON":    {finding: Finding{Rule: "KFS-201"}, line: `{"env":[{"name":"PIN","value":"1234"}],"runtime":"x"}`},
		"password":         {finding: Finding{Rule: "KFS-001"}, line: "  dbPassword: hunter2"},
		"long":             {finding: Finding{Rule: "KFS-201"}, line: strings.Repeat("x", 200)},
		"authorizations":   {finding: Finding{Rule: "KFS-102"}, line: "  authorizations: [{}]", shown: true},
		"authorization":    {finding: Finding{Rule: "KFS-002"}, line: "  Authorization: Basic aGk="},
		"secret in a name": {finding: Finding{Rule: "KFS-001"}, line: "  imagePullSecretName: x"},
		"jwt":              {finding: Finding{Rule: "KFS-101"}, line: "  jwt:", shown: true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			tc.finding.Location = Location{"x", 1, 3}
			out := render(t, "pretty", Report{Findings: []Finding{tc.finding}}, Options{SourceLine: func(string, int) (string, bool) { return tc.line, true }})
			if got := strings.Contains(out, strings.TrimSpace(tc.line)); got != tc.shown {
				t.Errorf("shown: %v\n%s", got, out)
			}
		})
	}
}

func TestPrettyEscapes(t *testing.T) {
	evil := "a\x1b]0;x\x07\r\n\u0085\u202eb\u200b\xff\u00a0"
	r := Report{
		Profile: evil, Flavor: evil,
		Findings: []Finding{{
			Rule: evil, Severity: evil, Action: evil, Message: evil, Title: evil, Remediation: evil,
			Object: Object{Kind: evil, Namespace: evil, Name: evil}, Location: Location{evil, 1, 1},
		}},
		Undecided: []Undecided{{Rule: evil, Needs: []string{evil}}},
		Errors:    []Error{{File: evil, Message: evil}},
	}
	out := render(t, "pretty", r, Options{SourceLine: func(string, int) (string, bool) { return evil, true }})
	for i, c := range out {
		if c != '\n' && c != '…' && (c < ' ' || c >= 0x7f) {
			t.Errorf("%U at %d in\n%s", c, i, out)
		}
	}
}

func TestParseOutput(t *testing.T) {
	tests := map[string]struct {
		want Output
		err  string
	}{
		"pretty":        {want: Output{Format: "pretty"}},
		"json=out.json": {want: Output{Format: "json", File: "out.json"}},
		"json=a=b":      {want: Output{Format: "json", File: "a=b"}},
		"json=-":        {want: Output{Format: "json"}},
		"json=":         {err: `no file after "json="`},
		"yaml":          {err: `unknown format "yaml": one of json, pretty`},
		"":              {err: `unknown format "": one of json, pretty`},
	}
	for value, tc := range tests {
		t.Run(value, func(t *testing.T) {
			got, err := ParseOutput(value)
			text := ""
			if err != nil {
				text = err.Error()
			}
			if diff := cmp.Diff(tc.want, got) + cmp.Diff(tc.err, text); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "out.json"), filepath.Join(dir, "link.json")
	if err := os.WriteFile(file, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}

	failed := errors.New("no")
	if err := replace(file, func(w io.Writer) error { _, _ = w.Write([]byte("half")); return failed }); !errors.Is(err, failed) {
		t.Errorf("error %v", err)
	}
	if content, _ := os.ReadFile(file); string(content) != "old" {
		t.Errorf("after a failure: %q", content)
	}
	if err := (Output{Format: "json", File: link}).Write(nil, example(), Options{}); err != nil {
		t.Fatal(err)
	}
	content, _ := os.ReadFile(file)
	info, err := os.Lstat(link)
	if err != nil || info.Mode()&os.ModeSymlink == 0 || !json.Valid(content) {
		t.Errorf("link %v, error %v, content %s", info, err, content)
	}
	if info, _ := os.Stat(file); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	if err := (Output{Format: "json", File: os.DevNull}).Write(nil, example(), Options{}); err != nil {
		t.Errorf("%s: %v", os.DevNull, err)
	}
	if err := (Output{Format: "json", File: filepath.Join(dir, "no", "x")}).Write(nil, example(), Options{}); err == nil {
		t.Error("no error for a missing folder")
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestClosedPipe(t *testing.T) {
	for _, format := range Formats() {
		r, w := io.Pipe()
		_ = r.Close()
		if err := (Output{Format: format}).Write(w, example(), Options{}); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%s: %v", format, err)
		}
	}
}
