//go:build !unix

package cluster_test

// alive can't be told here: then nothing is stale.
func alive(int) bool { return true }
