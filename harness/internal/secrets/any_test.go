package secrets

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

// A secret is found wherever in an ordinary source it stands.
func TestPlantedAnywhere(t *testing.T) {
	j, r := newJudge(t), NewRandom()
	corpus, plants := clean(t), r.ByShape()
	var sources []string
	for _, name := range slices.Sorted(maps.Keys(corpus)) {
		if strings.HasSuffix(name, ".js") || strings.HasSuffix(name, ".py") {
			sources = append(sources, inline(corpus[name]["spec"].(object))["source"].(string))
		}
	}
	for range 300 {
		p := plants[r.IntN(len(plants))]
		lines := strings.Split(sources[r.IntN(len(sources))], "\n")
		at := r.IntN(len(lines))
		with := slices.Insert(slices.Clone(lines), at, `x = "`+strings.ReplaceAll(p.Text, "\n", `\n`)+`"`)
		o := function("nodejs24", func(spec, _ object) { inline(spec)["source"] = strings.Join(with, "\n") })
		found, _ := j.raw(t, o)
		if !slices.Equal(found, []finding{{"KFS-302", at + 1}}) {
			t.Errorf("%s on line %d: found %v in\n%s", p.Kind, at+1, found, strings.Join(lines, "\n"))
		}
	}
}

// Whatever an object holds wherever, no builtin fails: where one did, the rule would be undefined, and pass.
func TestNothingBreaks(t *testing.T) {
	j, r := newJudge(t), NewRandom()
	values := []any{
		nil, true, 0, -1.5, "", " ", "a", "hunter2", "\x00", "\xff\xfe", "é\u2028", "$(", "${", "%", "[", "(", `\`, "*", "http://", "://a:b@",
		"token='", "atob('", "password=\"\\", "-----BEGIN PRIVATE" + " KEY-----", "====", "YQ", "{", "{\"spec\":1}", "{\"spec\":{\"env\":[1]}}",
		[]any{}, []any{nil}, object{}, object{"a": nil}, object{"": ""}, "/", "/..", "git@a:b", "name", "kind",
	}
	seeds := []object{
		applied(t, clean(t)["names.env"], clean(t)["jwt-verify.js"]),
		function("nodejs24", func(spec, metadata object) {
			metadata["labels"], spec["annotations"] = object{"a": "b"}, object{"a": "b"}
			spec["env"] = []any{object{"name": "A", "valueFrom": object{"secretKeyRef": object{"name": "a", "key": "b"}}}}
			spec["secretMounts"] = []any{object{"secretName": "a", "mountPath": "/a"}}
			spec["source"] = object{"gitRepository": object{"url": "https://a", "reference": "b", "auth": object{"type": "key", "secretName": "c"}}}
		}),
		apiRule("Authorization", "a"),
		{"apiVersion": "v1", "kind": "Secret", "metadata": object{"name": "serverless-package-registry-config"}, "data": object{".npmrc": "YQ=="}},
		{"apiVersion": "serverless.kyma-project.io/v1alpha1", "kind": "GitRepository", "metadata": object{}, "spec": object{"url": "a"}},
	}
	for range 500 {
		text, err := json.Marshal(seeds[r.IntN(len(seeds))])
		if err != nil {
			t.Fatal(err)
		}
		var o object
		if err := json.Unmarshal(text, &o); err != nil {
			t.Fatal(err)
		}
		for range 1 + r.IntN(3) {
			r.spoil(o, values)
		}
		j.raw(t, o)
	}
}

// spoil replaces something below a mapping, but for its kind.
func (r Random) spoil(o object, values []any) {
	keys := slices.DeleteFunc(slices.Sorted(maps.Keys(o)), func(key string) bool { return key == "kind" || key == "apiVersion" })
	if len(keys) == 0 {
		return
	}
	key := keys[r.IntN(len(keys))]
	switch below := o[key].(type) {
	case object:
		if r.IntN(5) > 0 {
			r.spoil(below, values)
			return
		}
	case []any:
		if len(below) > 0 && r.IntN(5) > 0 {
			i := r.IntN(len(below))
			if item, ok := below[i].(object); ok && r.IntN(4) > 0 {
				r.spoil(item, values)
				return
			}
			below[i] = values[r.IntN(len(values))]
			return
		}
	}
	o[key] = values[r.IntN(len(values))]
}
