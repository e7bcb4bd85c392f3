// Package policies embeds the Rego sources, which are the bundle's only source. It holds no code.
package policies

import "embed"

// FS holds the policies (kyma), their libraries (lib) and the adapter for conftest and opa eval (kfs), tests included. Its
// root is the root of the OPA bundle: a package's path is its directory.
//
//go:embed kyma lib kfs
var FS embed.FS
