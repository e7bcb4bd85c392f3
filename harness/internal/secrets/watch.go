package secrets

import (
	"encoding/base64"
	"encoding/hex"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// fragment is how many characters of a secret in a row are a leak.
const fragment = 8

// Watch looks for planted secrets in what programs print.
type Watch struct {
	kinds map[string]string // by fragment, in lower case
}

// NewWatch watches for every fragment of the plants: as they are, in base64, in hex, escaped for a URL. Case is ignored.
func NewWatch(plants ...Plant) *Watch {
	w := &Watch{kinds: map[string]string{}}
	for _, p := range plants {
		for _, secret := range p.Secret() {
			w.add(p.Kind, secret)
			w.add(p.Kind+" in hex", hex.EncodeToString([]byte(secret)))
			w.add(p.Kind+" in a URL", url.QueryEscape(secret))
			// What stands before the secret shifts its base64, and its last bytes share digits with what follows.
			for shift := range 3 {
				if shift < len(secret) {
					code := base64.RawStdEncoding.EncodeToString([]byte(secret[shift:]))
					code = code[:len(code)-len(code)%4]
					w.add(p.Kind+" in base64", code)
					w.add(p.Kind+" in base64", strings.NewReplacer("+", "-", "/", "_").Replace(code))
				}
			}
		}
	}
	return w
}

func (w *Watch) add(kind, text string) {
	text = strings.ToLower(text)
	for i := range max(0, len(text)-fragment+1) {
		if _, known := w.kinds[text[i:i+fragment]]; !known {
			w.kinds[text[i:i+fragment]] = kind
		}
	}
}

// In names the plants of which the output holds a fragment, each with the line it is in.
func (w *Watch) In(output string) []string {
	found := map[string]string{}
	for line := range strings.Lines(output) {
		lowered := strings.ToLower(line)
		for i := range max(0, len(lowered)-fragment+1) {
			if kind, leaked := w.kinds[lowered[i:i+fragment]]; leaked && found[kind] == "" {
				found[kind] = kind + ": " + strings.TrimSpace(line)
			}
		}
	}
	return slices.Sorted(maps.Values(found))
}
