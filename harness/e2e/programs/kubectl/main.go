// Command kubectl is Kubernetes' own, for commands of the README. Its main package is in a module that can only be built with two
// dozen replacements; what it calls is in one that can be required.
package main

import (
	"k8s.io/component-base/cli"
	"k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
)

func main() {
	if err := cli.RunNoErrOutput(cmd.NewDefaultKubectlCommand()); err != nil {
		util.CheckErr(err)
	}
}
