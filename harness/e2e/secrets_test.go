package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"kyma-function-security/harness/internal/bundle"
	"kyma-function-security/harness/internal/cli"
	"kyma-function-security/harness/internal/constraint"
	"kyma-function-security/harness/internal/fixture"
	"kyma-function-security/harness/internal/gatekeeper"
	"kyma-function-security/harness/internal/secrets"
)

// No consumer prints a planted secret, in none of its formats. What counts are our messages, details and paths, and all
// that kfs prints. Two things that others print aren't ours, and are left out: gator's JSON and YAML repeat the whole object
// that violates, the secret in it, and traces (conftest --trace, opa --explain) repeat the input.
func TestNoConsumerPrintsSecrets(t *testing.T) {
	w := plantedWorld(t)
	t.Run("kfs", w.kfs)
	t.Run("kfs, unreadable", w.unreadable)
	t.Run("gatekeeper", w.gatekeeper)
	t.Run("gator", w.gator)
	t.Run("conftest", w.conftest)
	t.Run("opa", w.opa)
}

// world is manifests that hold all planted secrets, and what judges them.
type world struct {
	plants  []secrets.Plant // everywhere
	named   []secrets.Plant // secrets by the name that holds them, in such places
	watch   *secrets.Watch
	objects []map[string]any
	few     []map[string]any // in which all plants are too: programs that start once a format take their time
	folder  string           // with few.yaml, and the bundle for opa
	files   map[string][]byte
	adapter map[string][]byte
	archive []byte
}

func plantedWorld(t *testing.T) *world {
	t.Helper()
	r := secrets.NewRandom()
	w := &world{plants: append(r.ByShape(), r.Awkward()...)}
	for _, name := range secrets.Names {
		w.named = append(w.named, secrets.Plant{Kind: name, Text: r.Of(18, secrets.Alnum)})
	}
	w.watch = secrets.NewWatch(slices.Concat(w.plants, w.named)...)
	for i, p := range w.plants {
		objects := everywhere(i, p.Text)
		w.objects = append(w.objects, objects...)
		w.few = append(w.few, objects[i%len(objects)])
		if i%len(objects) != 0 {
			w.few = append(w.few, objects[0])
		}
	}
	for i, p := range w.named {
		objects := named(i, p.Kind, p.Text)
		w.objects, w.few = append(w.objects, objects...), append(w.few, objects...)
	}
	w.objects = append(w.objects, w.sprayed(t, r)...)

	library, schemas, config := sources(t)
	generated, err := bundle.Generate(library, config, schemas)
	must(t, err)
	constraints, err := constraint.Generate(library, config, "strict", "classic")
	must(t, err)
	w.files = generated
	w.adapter, err = bundle.Conftest(library, schemas, constraints, "strict", "classic")
	must(t, err)
	w.archive, err = bundle.OPA(library, config, w.adapter)
	must(t, err)
	text := stream(w.few)
	w.folder = write(t, map[string][]byte{"few.yaml": text, "bundle.tar.gz": w.archive})

	// The test is worth something only if what it looks for is there.
	found := len(w.watch.In(string(text)))
	if found < len(w.plants)+len(w.named) {
		t.Fatalf("%d of %d secrets are in the manifests", found, len(w.plants)+len(w.named))
	}
	t.Logf("%d secrets in %d objects, and in %d", len(w.plants)+len(w.named), len(w.objects), len(w.few))
	return w
}

// everywhere are objects with a secret in all the places where the policies read texts.
func everywhere(i int, secret string) []map[string]any {
	name := fmt.Sprintf("planted-%d", i)
	quoted := strings.Trim(asJSON(secret), `"`)
	inURL := "https://orders:" + secret + "@host.shop.dev/orders"
	query := "https://host.shop.dev/keys?access_token=" + secret
	object := func(apiVersion, kind, suffix string, metadata, rest map[string]any) map[string]any {
		value := map[string]any{"apiVersion": apiVersion, "kind": kind}
		maps.Copy(value, rest)
		metadata = maps.Clone(metadata)
		if metadata == nil {
			metadata = map[string]any{}
		}
		metadata["name"], metadata["namespace"] = name+suffix, "demo"
		value["metadata"] = metadata
		return value
	}
	function := func(suffix string, metadata, spec map[string]any) map[string]any {
		spec["runtime"] = "nodejs24"
		return object("serverless.kyma-project.io/v1alpha2", "Function", suffix, metadata, map[string]any{"spec": spec})
	}
	inline := func(source, dependencies string) map[string]any {
		return map[string]any{"inline": map[string]any{"source": source, "dependencies": dependencies}}
	}
	ordinary := "module.exports = { main: () => \"ok\" };\n"
	env := []any{
		map[string]any{"name": "SETTING", "value": secret},
		map[string]any{"name": "ENCODED", "value": secrets.Encoded(secret)},
		map[string]any{"name": "PASSWORD", "value": url.QueryEscape(secret)},
		map[string]any{"name": "NPM_CONFIG_REGISTRY", "value": inURL},
		map[string]any{"name": secret, "value": "x"},
	}
	full := function("", map[string]any{
		"annotations": map[string]any{"note": secret, "encoded": secrets.Encoded(secret), "json": asJSON(map[string]any{"password": secret}), inURL: "x"},
		"labels":      map[string]any{"note": secret, secret: "x"},
	}, map[string]any{
		"env": env,
		"source": inline(
			"const a = 1;\nconst b = `"+secret+"`;\nconst c = Buffer.from('"+secrets.Encoded(secret)+"', 'base64');\n// "+quoted+"\n",
			`{"dependencies": {"a": `+asJSON(inURL)+`, `+asJSON(secret)+`: "^1.0.0", "b": `+asJSON("git+"+query)+`}}`),
		"runtimeImageOverride": "orders:" + secret + "@registry.shop.dev/orders:1",
		"labels":               map[string]any{secret: "x", "note": secret},
		"annotations":          map[string]any{"sidecar.istio.io/inject": secret, "note": inURL},
		"secretMounts":         []any{map[string]any{"secretName": secret, "mountPath": "/" + secret}},
	})
	applied := function("-applied", map[string]any{"annotations": map[string]any{
		"kubectl.kubernetes.io/last-applied-configuration": asJSON(full),
	}}, map[string]any{"source": inline(ordinary, "")})
	python := function("-python", nil, map[string]any{"source": inline("x = \""+quoted+"\"\n", "# "+quoted+"\n"+secret+"\n-e git+"+inURL+"\n")})
	python["spec"].(map[string]any)["runtime"] = "python312"
	git := function("-git", nil, map[string]any{"source": map[string]any{"gitRepository": map[string]any{
		"url": inURL, "reference": secret, "auth": map[string]any{"type": "basic", "secretName": secret},
	}}, "runtimeImageOverride": "https://orders:" + secret + "@registry.shop.dev/" + secret})
	apiRule := object("gateway.kyma-project.io/v2", "APIRule", "", map[string]any{"annotations": map[string]any{"note": inURL}}, map[string]any{
		"spec": map[string]any{
			"hosts": []any{"*." + secret}, "gateway": secret, "service": map[string]any{"name": secret, "namespace": "other", "port": 80},
			"rules": []any{
				map[string]any{"path": "/" + secret, "methods": []any{"GET"}, "noAuth": true, "request": map[string]any{
					"headers": map[string]any{"Authorization": "Basic " + secrets.Encoded("orders:"+secret), secret: "x"},
					"cookies": map[string]any{"session": secret},
				}},
				map[string]any{"path": "/a?token=" + secret, "methods": []any{secret}, "jwt": map[string]any{
					"authentications": []any{
						map[string]any{"issuer": inURL, "jwksUri": query, "fromParams": []any{secret}},
						map[string]any{"issuer": secret, "jwksUri": "http://" + secret},
					},
					"authorizations": []any{map[string]any{"audiences": []any{secret + "*"}, "requiredScopes": []any{secret}}},
				}},
				map[string]any{"path": "/b", "methods": []any{"GET"}, "extAuth": map[string]any{"authorizers": []any{secret}}},
			},
		},
	})
	old := object("gateway.kyma-project.io/v1beta1", "APIRule", "-old", nil, map[string]any{"spec": map[string]any{
		"host": secret, "service": map[string]any{"name": "orders", "port": 80}, "gateway": "a/b",
		"rules": []any{map[string]any{
			"path": "/" + secret + "/.*", "methods": []any{"GET"},
			"accessStrategies": []any{map[string]any{"handler": secret}, map[string]any{"handler": "oauth2_introspection", "config": map[string]any{
				"introspection_url": inURL, "introspection_request_headers": map[string]any{"Authorization": secret}, "required_scope": []any{secret},
			}}},
			"mutators": []any{map[string]any{"handler": "header", "config": map[string]any{"headers": map[string]any{"X-Token": secret}}}},
		}},
	}})
	npmrc := "registry=http://registry.shop.dev\n//registry.shop.dev/:_authToken=" + secret + "\n"
	dockerconfig := asJSON(map[string]any{"auths": map[string]any{inURL: map[string]any{
		"username": "orders", "password": secret, "auth": secrets.Encoded("orders:" + secret),
	}}})
	packages := object("v1", "Secret", "", nil, map[string]any{
		"data":       map[string]any{".npmrc": secrets.Encoded(npmrc), "password": secrets.Encoded(secret), "pip.conf": secret},
		"stringData": map[string]any{".npmrc": npmrc, "note": secret},
	})
	packages["metadata"] = map[string]any{"name": "serverless-package-registry-config", "namespace": name}
	registry := object("v1", "Secret", "-registry", map[string]any{
		"labels":      map[string]any{"serverless.kyma-project.io/remote-registry": "config", secret: secret},
		"annotations": map[string]any{"note": secret},
	}, map[string]any{
		"type": "kubernetes.io/dockerconfigjson", "data": map[string]any{".dockerconfigjson": secrets.Encoded(dockerconfig)},
		"stringData": map[string]any{".dockerconfigjson": dockerconfig, "username": "orders", "password": secret, "pushRegAddr": inURL},
	})
	subscription := object("eventing.kyma-project.io/v1alpha2", "Subscription", "", nil, map[string]any{"spec": map[string]any{
		"sink": inURL, "source": secret, "types": []any{secret, secret + "*"}, "config": map[string]any{"password": secret},
	}})
	serverless := object("operator.kyma-project.io/v1alpha1", "Serverless", "", nil, map[string]any{"spec": map[string]any{
		"tracing": map[string]any{"endpoint": inURL}, "eventing": map[string]any{"endpoint": query},
		"functionBuildExecutorArgs": "--insecure," + secret, "dockerRegistry": map[string]any{"enableInternal": secret, "secretName": secret},
	}})
	space := map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name, "labels": map[string]any{
		"pod-security.kubernetes.io/enforce": secret, "istio-injection": secret, secret: "x",
	}}}
	return []map[string]any{full, applied, python, git, apiRule, old, packages, registry, subscription, serverless, space}
}

// named are objects with a secret that only the name of what holds it tells.
func named(i int, name, secret string) []map[string]any {
	lines := secrets.Assignments["nodejs24"]
	function := map[string]any{
		"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function",
		"metadata": map[string]any{
			"name": fmt.Sprintf("named-%d", i), "namespace": "demo", "annotations": map[string]any{"shop.dev/" + name: secret},
		},
		"spec": map[string]any{
			"runtime": "nodejs24", "env": []any{map[string]any{"name": name, "value": secret}},
			"source": map[string]any{"inline": map[string]any{"source": fmt.Sprintf(lines[i%len(lines)], secret) + "\n"}},
		},
	}
	apiRule := map[string]any{
		"apiVersion": "gateway.kyma-project.io/v2", "kind": "APIRule",
		"metadata": map[string]any{"name": fmt.Sprintf("named-%d", i), "namespace": "demo"},
		"spec": map[string]any{
			"hosts": []any{"orders"}, "gateway": "kyma-system/kyma-gateway", "service": map[string]any{"name": "orders", "port": 80},
			"rules": []any{map[string]any{
				"path": "/orders", "methods": []any{"GET"}, "noAuth": true,
				"request": map[string]any{"headers": map[string]any{name: secret}},
			}},
		},
	}
	return []map[string]any{function, apiRule}
}

// sprayed are objects of the fixtures that something is wrong with, each with a secret in one of its fields: every rule reads
// some of them.
func (w *world) sprayed(t *testing.T, r secrets.Random) (objects []map[string]any) {
	t.Helper()
	library, schemas, config := sources(t)
	runner, err := fixture.NewRunner(t.Context(), os.DirFS(filepath.Join(root, "fixtures")), library, schemas, config)
	must(t, err)
	fixtures, err := fixture.Load(runner.FS)
	must(t, err)
	seen := map[string]bool{}
	for _, f := range fixtures {
		if f.Allow() || f.Constraints != "" {
			continue
		}
		input, err := runner.Read(t.Context(), f.Path)
		must(t, err)
		for _, o := range input.Objects {
			if seen[f.Folder+o.Kind()] {
				continue
			}
			seen[f.Folder+o.Kind()] = true
			spots := secrets.Spots(o.Value)
			for range min(len(spots), 2) {
				p, form := w.plants[r.IntN(len(w.plants))], secrets.Forms[r.IntN(len(secrets.Forms))]
				value := spots[r.IntN(len(spots))].Change(o.Value, func(was string) string { return form(was, p.Text) })
				if metadata, ok := value["metadata"].(map[string]any); ok {
					metadata = maps.Clone(metadata)
					metadata["name"] = fmt.Sprintf("sprayed-%d", len(objects))
					value["metadata"] = metadata
				}
				objects = append(objects, value)
			}
		}
	}
	return objects
}

func asJSON(value any) string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err) // it is made of texts
	}
	return strings.TrimSpace(text.String())
}

// clean fails for each secret in an output, which must say enough to be worth reading.
func (w *world) clean(t *testing.T, what, output string, least int) {
	t.Helper()
	if len(output) < least {
		t.Errorf("%s: only %d bytes:\n%s", what, len(output), output)
	}
	leaks := w.watch.In(output)
	for _, leak := range leaks[:min(len(leaks), 5)] {
		t.Errorf("%s: %.600s", what, leak)
	}
}

func (w *world) kfs(t *testing.T) {
	// As people write them, and so with excerpts of lines.
	var lines []byte
	for _, value := range w.objects {
		text, err := yaml.Marshal(value)
		must(t, err)
		lines = append(append(lines, "---\n"...), text...)
	}
	folder := write(t, map[string][]byte{"lines.yaml": lines})
	for name, args := range map[string][]string{
		"complete":  {"--profile", "strict", "--context", "complete", "--color", "always"},
		"undecided": {"--profile", "baseline", "--flavor", "buildless", "--color", "never"},
	} {
		var stdout, stderr bytes.Buffer
		args = append([]string{"check", "-o", "pretty", "-o", "json", filepath.Join(folder, "lines.yaml")}, args...)
		if status := cli.Main(args, nil, &stdout, &stderr); status != 1 {
			t.Errorf("%s: status %d: %s", name, status, stderr.Bytes())
		}
		w.clean(t, name, stdout.String()+stderr.String(), 100_000)
	}
}

// unreadable are manifests that can't be read because of a secret in them, or near one: parsers like to quote.
func (w *world) unreadable(t *testing.T) {
	head := "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: demo}\nstringData:\n"
	function := "apiVersion: serverless.kyma-project.io/v1alpha2\nkind: Function\nmetadata: {name: a, namespace: demo}\nspec:\n"
	forms := map[string]func(secret string) string{
		"alias":                func(s string) string { return head + "  password: *" + s + "\n" },
		"anchor":               func(s string) string { return head + "  password: &" + s + " [*" + s + "]\n" },
		"tag":                  func(s string) string { return head + "  password: !" + s + " a\n" },
		"wrong type":           func(s string) string { return head + "  password: !!int " + s + "\n" },
		"wrong type, float":    func(s string) string { return head + "  password: !!float \"" + s + "\"\n" },
		"binary":               func(s string) string { return head + "  password: !!binary \"" + s + "\"\n" },
		"timestamp":            func(s string) string { return head + "  password: !!timestamp " + s + "\n" },
		"directive":            func(s string) string { return "%" + s + "\n---\n" + head },
		"forbidden beginning":  func(s string) string { return head + "  password: @" + s + "\n" },
		"colon":                func(s string) string { return head + "  password: " + s + ": " + s + "\n" },
		"open quote":           func(s string) string { return head + "  password: \"" + s + "\n" },
		"escape":               func(s string) string { return head + "  password: \"\\" + s + "\"\n" },
		"open list":            func(s string) string { return head + "  password: [" + s + "\n" },
		"template":             func(s string) string { return head + "  password: {{ " + s + " }}\n" },
		"key that is a map":    func(s string) string { return head + "  ? {password: " + s + "}\n  : a\n" },
		"key that is a list":   func(s string) string { return head + "  ? [" + s + "]\n  : a\n" },
		"tab":                  func(s string) string { return head + "\tpassword: " + s + "\n" },
		"indentation":          func(s string) string { return head + "  password: a\n " + s + "\n" },
		"duplicate key":        func(s string) string { return function + "  '" + s + "': a\n  '" + s + "': b\n" },
		"unknown field":        func(s string) string { return function + "  '" + s + "': a\n" },
		"unknown field, URL":   func(s string) string { return function + "  'https://a:" + s + "@b': {}\n" },
		"wrong type of a list": func(s string) string { return function + "  env: {'" + s + "': [1]}\n" },
		"merge":                func(s string) string { return function + "  <<: " + s + "\n" },
		"misread number":       func(s string) string { return function + "  password: 0123456701234567\n  a: " + s + "\n" },
		"no kind":              func(s string) string { return "apiVersion: v1\npassword: " + s + "\n" },
		"no mapping":           func(s string) string { return "- " + s + "\n" },
		"text":                 func(s string) string { return s + "\n" },
		"JSON": func(s string) string {
			return `{"apiVersion": "v1", "kind": "Secret", "stringData": {"password": "` + s + `}}`
		},
		"JSON, escape": func(s string) string {
			return `{"apiVersion": "v1", "kind": "Secret", "stringData": {"password": "\` + s + `"}}`
		},
	}
	number := secrets.Plant{Kind: "a number", Text: "0123456701234567"}
	watch := secrets.NewWatch(slices.Concat(w.plants, w.named, []secrets.Plant{number})...)
	files := map[string][]byte{}
	for i, form := range slices.Sorted(maps.Keys(forms)) {
		// A field's name is shown, unless it has the shape of a secret.
		isKey := slices.Contains([]string{"duplicate key", "unknown field", "unknown field, URL"}, form)
		for j := range 6 {
			secret := w.plants[(7*i+j)%len(w.plants)].Text
			if j < 3 && !isKey {
				secret = w.named[(7*i+j)%len(w.named)].Text
			}
			files[fmt.Sprintf("%d-%d.yaml", i, j)] = []byte(forms[form](secret))
		}
	}
	folder := write(t, files)
	for _, format := range []string{"pretty", "json"} {
		var args []string
		for _, name := range slices.Sorted(maps.Keys(files)) {
			args = append(args, filepath.Join(folder, name)) // named, none is skipped
		}
		var stdout, stderr bytes.Buffer
		status := cli.Main(append([]string{"check", "--profile", "strict", "-o", format}, args...), nil, &stdout, &stderr)
		if status != 2 {
			t.Errorf("%s: status %d: %s", format, status, stderr.Bytes())
		}
		output := stdout.String() + stderr.String()
		w.clean(t, format, output, 10_000)
		for _, leak := range watch.In(output) {
			t.Errorf("%s: %s", format, leak)
		}
	}
}

func (w *world) gatekeeper(t *testing.T) {
	var templates, constraints [][]byte
	for _, file := range slices.Sorted(maps.Keys(w.files)) {
		switch {
		case path.Base(file) == "kustomization.yaml":
		case path.Dir(file) == "constrainttemplates":
			templates = append(templates, w.files[file])
		case path.Dir(file) == "bundle/gatekeeper/constraints/strict-classic":
			constraints = append(constraints, w.files[file])
		}
	}
	g, err := gatekeeper.New(t.Context(), templates...)
	must(t, err)
	must(t, g.SetConstraints(t.Context(), constraints...))
	judged := gatekeeper.Case{Inventory: w.few, Now: fixture.Clock}
	for _, value := range w.few {
		judged.Reviews = append(judged.Reviews, gatekeeper.Review{Object: value, Operation: "CREATE"})
	}
	results, err := g.Judge(t.Context(), judged)
	must(t, err)
	var text strings.Builder
	for _, r := range results {
		r.Object = gatekeeper.Object{}
		fmt.Fprintln(&text, asJSON(r))
	}
	w.clean(t, "results", text.String(), 20_000)
}

// gatorFiles are what gator is given: a cluster's templates and constraints.
func (w *world) gatorFiles(t *testing.T) string {
	t.Helper()
	files := map[string][]byte{}
	for file, text := range w.files {
		dir := path.Dir(file)
		if path.Base(file) != "kustomization.yaml" && (dir == "constrainttemplates" || dir == "bundle/gatekeeper/constraints/strict-classic") {
			files[file] = text
		}
	}
	return write(t, files)
}

func (w *world) gator(t *testing.T) {
	program, cluster := build(t, "gator"), w.gatorFiles(t)
	arguments := []string{"test", "-f", cluster, "-f", filepath.Join(w.folder, "few.yaml")}
	w.clean(t, "default", printed(t, program, arguments...), 20_000)
	for _, format := range []string{"json", "yaml"} {
		output := printed(t, program, append(arguments, "-o", format)...)
		var results []map[string]any
		if err := yaml.Unmarshal([]byte(output), &results); err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		var ours strings.Builder
		for _, result := range results {
			// gator's own: the whole object that violates.
			delete(result, "violatingObject")
			delete(result, "ViolatingObject")
			fmt.Fprintln(&ours, asJSON(result))
		}
		w.clean(t, format, ours.String(), 20_000)
	}
}

func (w *world) conftest(t *testing.T) {
	program, adapter := build(t, "conftest"), write(t, w.adapter)
	library, _, _ := sources(t)
	policyFolder := write(t, library.Files())
	formats := []string{"stdout", "json", "tap", "table", "junit", "github", "azuredevops", "sarif"}
	each(t, formats, func(_ context.Context, format string) {
		output := printed(t, program, "test", "--output", format, "--no-color", "--combine", "-p", policyFolder, "-p", adapter,
			filepath.Join(w.folder, "few.yaml"))
		w.clean(t, format, output, 20_000)
	})
}

func (w *world) opa(t *testing.T) {
	program := build(t, "opa")
	list := map[string]any{"apiVersion": "v1", "kind": "List"}
	var items []any
	for _, value := range w.few {
		items = append(items, value)
	}
	list["items"] = items
	folder := write(t, map[string][]byte{"list.yaml": stream([]map[string]any{list})})
	const results = "[data.kfs.adapter.deny, data.kfs.adapter.warn]"
	each(t, []string{"json", "values", "bindings", "pretty", "raw", "discard"}, func(_ context.Context, format string) {
		query, least := results, 20_000
		switch format {
		case "bindings":
			query = "results := " + results
		case "discard":
			least = 0
		}
		output := printed(t, program, "eval", "--format", format, "-b", filepath.Join(w.folder, "bundle.tar.gz"),
			"-i", filepath.Join(folder, "list.yaml"), query)
		w.clean(t, format, output, least)
	})
}

// printed runs a program, which may find something, and gives all that it prints.
func printed(t *testing.T, program string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = append(os.Environ(), "NO_COLOR=1")
	output, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Errorf("%s: %v", cmd, err)
	}
	return string(output)
}
