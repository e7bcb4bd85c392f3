// Package bundle embeds the bundle's configuration. It holds no code; everything else in its folder is generated.
package bundle

import _ "embed"

// Config is bundle.yaml.
//
//go:embed bundle.yaml
var Config []byte
