package secrets

import (
	"maps"
	"slices"

	"kyma-function-security/harness/internal/report"
)

// Spot is a text in an object, or a key, where a secret can be written by mistake.
type Spot struct {
	Path  []any
	IsKey bool
}

// Spots are those of an object but for what says which one it is: every program repeats that.
func Spots(object map[string]any) []Spot { return spots(object, nil) }

func spots(v any, at []any) (all []Spot) {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			path := append(slices.Clone(at), key)
			switch report.Path(path) {
			case "apiVersion", "kind", "metadata.name", "metadata.namespace":
			default:
				all = append(append(all, Spot{path, true}), spots(v[key], path)...)
			}
		}
	case []any:
		for i := range v {
			all = append(all, spots(v[i], append(slices.Clone(at), i))...)
		}
	case string:
		all = append(all, Spot{at, false})
	}
	return all
}

// Change gives a copy of an object with another text at the spot.
func (s Spot) Change(object map[string]any, text func(was string) string) map[string]any {
	return changed(object, s, text).(map[string]any)
}

func changed(v any, s Spot, text func(string) string) any {
	if len(s.Path) == 0 {
		return text(v.(string))
	}
	switch v := v.(type) {
	case map[string]any:
		with, key := maps.Clone(v), s.Path[0].(string)
		if len(s.Path) == 1 && s.IsKey {
			delete(with, key)
			with[text(key)] = v[key]
			return with
		}
		with[key] = changed(v[key], Spot{s.Path[1:], s.IsKey}, text)
		return with
	case []any:
		with, i := slices.Clone(v), s.Path[0].(int)
		with[i] = changed(v[i], Spot{s.Path[1:], s.IsKey}, text)
		return with
	}
	return v
}

// Forms are how a secret gets into a text.
var Forms = []func(was, secret string) string{
	func(_, secret string) string { return secret },
	func(was, secret string) string { return was + "/" + secret },
	func(was, secret string) string { return secret + "/" + was },
	func(was, secret string) string { return was + " " + secret + "\n" + was },
	func(was, secret string) string { return "https://" + secret + "@" + was },
	func(was, secret string) string { return "https://orders:" + secret + "@" + was },
	func(was, secret string) string { return was + "?access_token=" + secret },
	func(was, secret string) string { return "https://" + was + "/?a=b&code=" + secret },
}
