// Package mask keeps credentials out of what kfs itself says about manifests: errors, findings about the file, lines that it
// shows. The patterns are those with which the policies mask their messages, read from lib.kfs.shown.
package mask

import (
	"context"
	"fmt"
	"regexp"
	"strconv"

	"github.com/open-policy-agent/opa/v1/rego"

	"kyma-function-security/harness/internal/policy"
)

const (
	module = "lib/kfs/shown/shown.rego"
	masks  = "data.lib.kfs.shown.masks"
)

// Mask masks texts as lib.kfs.shown does.
type Mask struct{ steps []step }

type step struct {
	pattern *regexp.Regexp
	shown   string
}

// New reads the patterns from the library's policies.
func New(ctx context.Context, lib *policy.Library) (*Mask, error) {
	// Every policy makes its findings with lib.kfs.finding, which masks them.
	modules, err := lib.Modules(lib.Policies[:1])
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", module, err)
	}
	if modules[module] == nil {
		return nil, fmt.Errorf("read %s: the policies don't use it", module)
	}
	results, err := rego.New(rego.ParsedModule(modules[module]), rego.Query(masks)).Eval(ctx)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", module, err)
	}
	m := &Mask{}
	for _, result := range results {
		list, _ := result.Expressions[0].Value.([]any)
		for _, item := range list {
			entry, _ := item.(map[string]any)
			pattern, isText := entry["pattern"].(string)
			shown, alsoText := entry["shown"].(string)
			if !isText || !alsoText {
				return nil, fmt.Errorf("read %s: %v is no pattern with what is shown instead", module, item)
			}
			compiled, err := regexp.Compile(pattern)
			if err != nil {
				return nil, fmt.Errorf("read %s: %w", module, err)
			}
			m.steps = append(m.steps, step{compiled, shown})
		}
	}
	if len(m.steps) == 0 {
		return nil, fmt.Errorf("read %s: no masks", module)
	}
	return m, nil
}

// Text gives the text with an ellipsis for every credential in it.
func (m *Mask) Text(text string) string {
	for _, s := range m.steps {
		text = s.pattern.ReplaceAllString(text, s.shown)
	}
	return text
}

// Path gives a path of keys and indices as far as no key holds a credential.
func (m *Mask) Path(path []any) []any {
	for i, step := range path {
		if key, ok := step.(string); ok && m.Text(strconv.Quote(key)) != strconv.Quote(key) {
			return path[:i:i]
		}
	}
	return path
}
