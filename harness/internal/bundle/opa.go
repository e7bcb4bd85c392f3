package bundle

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/bundle"

	"kyma-function-security/harness/internal/constraint"
	"kyma-function-security/harness/internal/policy"
)

// OPA makes the OPA bundle (.tar.gz): the policies, their libraries, the adapter, and its constraints as Conftest makes them.
// OPA's own writer gives the same bytes for the same sources.
func OPA(lib *policy.Library, config constraint.Config, adapter map[string][]byte) ([]byte, error) {
	files := lib.Files()
	files["kfs/constraints/constraints.rego"] = adapter["constraints.rego"]
	files["main/main.rego"] = adapter["main.rego"]
	roots := []string{"kyma", "lib/kfs", "kfs", "main"}
	b := bundle.Bundle{
		Manifest: bundle.Manifest{
			Revision: config.Version,
			Roots:    &roots,
			Metadata: map[string]any{"name": "kyma-function-security", "gatekeeper": config.Support.Gatekeeper},
		},
		Data: map[string]any{},
	}
	b.SetRegoVersion(ast.RegoV1)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		parsed, err := ast.ParseModuleWithOpts(name, string(files[name]), ast.ParserOptions{RegoVersion: ast.RegoV1})
		if err != nil {
			return nil, fmt.Errorf("build the OPA bundle: %w", err)
		}
		b.Modules = append(b.Modules, bundle.ModuleFile{URL: "/" + name, Path: "/" + name, Raw: files[name], Parsed: parsed})
	}
	var out bytes.Buffer
	if err := bundle.NewWriter(&out).DisableFormat(true).Write(b); err != nil {
		return nil, fmt.Errorf("build the OPA bundle: %w", err)
	}
	return out.Bytes(), nil
}
