// Command kfs checks Kyma Functions and what is around them against the Kyma Function Security policies.
package main

import (
	"os"

	"kyma-function-security/harness/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
