package cluster_test

import (
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

var existing = flag.Bool("existing-cluster", false, "judge in the cluster that KUBECONFIG names, and start none; see TestExisting")

var syncing = flag.Bool("existing-cluster-sync", false, "have that cluster's Gatekeeper keep more kinds than it does, for as long as it takes")

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if *existing {
		// Nothing else may run in somebody's cluster, and nothing needs to be built.
		if err := flag.Set("test.run", "^TestExisting$"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 2
		}
		return m.Run()
	}
	// Everything that is written goes below one folder, and what is interrupted removes it: the programs end with this one.
	removeStale()
	dir, err := os.MkdirTemp("", fmt.Sprintf("%s%d-", folders, os.Getpid()))
	if err == nil {
		err = os.Setenv("TMPDIR", dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	defer os.RemoveAll(dir)
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-interrupted
		// The programs still write.
		for gone := 0; gone < 5; gone++ {
			if _, err := os.Stat(dir); err == nil {
				gone = 0
				os.RemoveAll(dir)
			}
			time.Sleep(50 * time.Millisecond)
		}
		os.Exit(130)
	}()
	// Whatever cluster KUBECONFIG names, nobody may ask it. So it names one that only counts.
	asked, err := decoy(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	code := m.Run()
	if n := asked.Load(); n > 0 && code == 0 {
		fmt.Fprintf(os.Stderr, "the cluster of KUBECONFIG was asked %d times, without -existing-cluster\n", n)
		return 1
	}
	return code
}

// folders is how the names of our folders begin; the number of the process comes next.
const folders = "kfs-e2e-"

// removeStale removes the folders of tests that were killed: of processes that no longer are.
func removeStale() {
	all, _ := filepath.Glob(filepath.Join(os.TempDir(), folders+"*-*")) // the pattern is a good one
	for _, folder := range all {
		pid, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(folder), folders), "-")
		if n, err := strconv.Atoi(pid); err == nil && n > 0 && !alive(n) {
			os.RemoveAll(folder)
		}
	}
}

// decoy has KUBECONFIG name a cluster that only counts how often it is asked.
func decoy(dir string) (*atomic.Int64, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	asked := &atomic.Int64{}
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			asked.Add(1)
			connection.Close()
		}
	}()
	file := filepath.Join(dir, "kubeconfig")
	text := fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: decoy,
contexts: [{name: decoy, context: {cluster: decoy, user: decoy}}],
clusters: [{name: decoy, cluster: {server: "http://%s"}}],
users: [{name: decoy, user: {token: none}}]}`, listener.Addr())
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	return asked, os.Setenv("KUBECONFIG", file)
}
