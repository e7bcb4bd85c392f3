package cluster

import (
	"fmt"

	"k8s.io/client-go/tools/clientcmd"
)

// Connect is the user that kubeconfig files name, in the cluster that they name. Nothing else is looked at: not the user's own
// configuration, not the cluster that the program itself may run in.
func Connect(kubeconfig ...string) (*Client, error) {
	config, err := (&clientcmd.ClientConfigLoadingRules{Precedence: kubeconfig}).Load()
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	rest, err := clientcmd.NewDefaultClientConfig(*config, &clientcmd.ConfigOverrides{}).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return newClient(rest)
}
