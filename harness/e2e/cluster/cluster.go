// Package cluster runs a small Kubernetes cluster on loopback: etcd, kube-apiserver and Gatekeeper, built from source by package
// programs. There are no nodes and no controllers, so nothing runs in it and a namespace is deleted only by who asks for it;
// admission, audit and the CRDs are the real ones.
//
// It has a CA of its own and ports that were free, keeps everything in a temporary folder, and leaves nothing behind.
package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"kyma-function-security/harness/e2e/programs"
)

const (
	gatekeeperModule    = "github.com/open-policy-agent/gatekeeper/v3"
	gatekeeperNamespace = "gatekeeper-system"
	webhookName         = "gatekeeper-validating-webhook-configuration"

	// ready is how long a program may take until it serves; a laptop needs seconds, a crowded CI machine much longer.
	ready = 3 * time.Minute
)

// A Cluster is a running cluster. Its methods must not be called at the same time, but for those of its clients.
type Cluster struct {
	// Admin is a user that may do anything, and whose requests Gatekeeper judges.
	Admin *Client
	// AuditInterval is the time from one audit to the next, in whole seconds, of the Gatekeeper that is started next.
	AuditInterval time.Duration
	// Setup is another whose requests don't reach Gatekeeper's webhook: what was there before the policies.
	Setup *Client

	dir        string
	ca         *authority
	programs   map[string]string
	processes  map[string]*process
	host       string // the API server's
	webhook    string // host and port of Gatekeeper's
	health     string
	source     string // Gatekeeper's
	kubeconfig string // Gatekeeper's
}

// Start builds and starts the programs and waits until Gatekeeper's webhook is asked about every request. Its failurePolicy is
// Fail, and it sees deletions too; the rest is as Gatekeeper installs it. The caller must Stop the cluster; what was started is
// stopped if Start fails, and ends with the process that started it.
func Start(ctx context.Context) (_ *Cluster, err error) {
	c := &Cluster{AuditInterval: 2 * time.Second, programs: map[string]string{}, processes: map[string]*process{}}
	for _, name := range programs.Cluster() {
		if c.programs[name], err = programs.Build(ctx, name); err != nil {
			return nil, err
		}
	}
	if c.source, err = programs.Source(ctx, "gatekeeper", gatekeeperModule); err != nil {
		return nil, err
	}
	if c.dir, err = os.MkdirTemp("", "kfs-cluster-"); err != nil {
		return nil, fmt.Errorf("start cluster: %w", err)
	}
	defer func() {
		if err != nil {
			c.Stop()
		}
	}()
	if err := c.certificates(); err != nil {
		return nil, fmt.Errorf("start cluster: %w", err)
	}
	if err := c.serve(ctx); err != nil {
		return nil, fmt.Errorf("start cluster: %w", err)
	}
	if err := c.install(ctx); err != nil {
		return nil, fmt.Errorf("install Gatekeeper: %w", err)
	}
	if err := c.StartGatekeeper(ctx); err != nil {
		return nil, err
	}
	if err := c.Admit(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// Stop ends the programs and removes what they wrote.
func (c *Cluster) Stop() {
	for _, name := range []string{"gatekeeper", "kube-apiserver", "etcd"} {
		if p := c.processes[name]; p != nil {
			p.stop()
		}
	}
	os.RemoveAll(c.dir)
}

// Log is the end of what a program wrote, for a failed test.
func (c *Cluster) Log(name string) string {
	if p := c.processes[name]; p != nil {
		return p.tail()
	}
	return ""
}

// CPU is how long the processor has worked for a program so far; only Linux tells.
func (c *Cluster) CPU(name string) (time.Duration, error) {
	return cpu(c.processes[name].cmd.Process.Pid)
}

func (c *Cluster) file(name string) string { return filepath.Join(c.dir, name) }

func (c *Cluster) certificates() (err error) {
	if c.ca, err = newAuthority(); err != nil {
		return err
	}
	if err := os.WriteFile(c.file("ca.crt"), c.ca.pem, 0o600); err != nil {
		return err
	}
	for _, name := range []string{"webhook", "audit"} {
		if err := os.Mkdir(c.file(name), 0o700); err != nil {
			return err
		}
	}
	// The token's key; nothing asks for tokens, but the server doesn't start without.
	for _, name := range []string{"apiserver", "webhook/tls", "tokens"} {
		certificate, key, err := c.ca.issue("127.0.0.1", nil)
		if err != nil {
			return err
		}
		if err := os.WriteFile(c.file(name+".crt"), certificate, 0o600); err != nil {
			return err
		}
		if err := os.WriteFile(c.file(name+".key"), key, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// serve starts etcd and the API server.
func (c *Cluster) serve(ctx context.Context) error {
	ports, err := freePorts(5)
	if err != nil {
		return err
	}
	address := func(i int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[i])) }
	store, peer := "http://"+address(0), "http://"+address(1)
	c.host, c.webhook, c.health = "https://"+address(2), address(3), address(4)

	err = c.run("etcd", nil,
		"--data-dir="+c.file("etcd"), "--unsafe-no-fsync", "--log-level=warn",
		"--listen-client-urls="+store, "--advertise-client-urls="+store,
		"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--initial-cluster=default="+peer)
	if err != nil {
		return err
	}
	if err := c.answers(ctx, "etcd", store+"/readyz", nil); err != nil {
		return err
	}
	err = c.run("kube-apiserver", nil,
		"--etcd-servers="+store, "--bind-address=127.0.0.1", "--secure-port="+strconv.Itoa(ports[2]),
		"--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.96.0.0/12",
		"--tls-cert-file="+c.file("apiserver.crt"), "--tls-private-key-file="+c.file("apiserver.key"),
		"--client-ca-file="+c.file("ca.crt"), "--authorization-mode=RBAC", "--anonymous-auth=false",
		"--service-account-issuer=https://127.0.0.1", "--service-account-key-file="+c.file("tokens.crt"),
		"--service-account-signing-key-file="+c.file("tokens.key"),
		// Without controllers no ServiceAccount has a token, and pods would be refused for it.
		"--disable-admission-plugins=ServiceAccount", "--allow-privileged",
		"--profiling=false", "--event-ttl=1h")
	if err != nil {
		return err
	}
	if c.Admin, err = c.client("kfs-admin", "system:masters"); err != nil {
		return err
	}
	if c.Setup, err = c.client("kfs-setup", "system:masters"); err != nil {
		return err
	}
	c.Setup.Validation = metav1.FieldValidationIgnore
	config := c.Admin.config.TLSClientConfig
	pair, err := tls.X509KeyPair(config.CertData, config.KeyData)
	if err != nil {
		return err
	}
	return c.answers(ctx, "kube-apiserver", c.host+"/readyz", &pair)
}

// install applies Gatekeeper's own CRDs and roles.
func (c *Cluster) install(ctx context.Context) error {
	objects, err := c.deployment()
	if err != nil {
		return err
	}
	// The namespace and the CRDs come first in the file, but that is no promise.
	for _, kinds := range [][]string{
		{"Namespace", "CustomResourceDefinition"},
		{"ServiceAccount", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"},
	} {
		var group errgroup.Group
		group.SetLimit(4)
		for _, o := range objects {
			for _, kind := range kinds {
				if o.GetKind() == kind {
					group.Go(func() error { return c.Setup.Apply(ctx, o) })
				}
			}
		}
		if err := group.Wait(); err != nil {
			return err
		}
	}
	return c.Setup.Established(ctx, "gatekeeper.sh/system=yes", 0)
}

// StartGatekeeper starts Gatekeeper, whose webhook is called as soon as there is its configuration, and waits until it is ready.
func (c *Cluster) StartGatekeeper(ctx context.Context) error {
	if c.kubeconfig == "" {
		// The ServiceAccount that it is in a cluster, with the rights of that.
		file, err := c.Kubeconfig("system:serviceaccount:"+gatekeeperNamespace+":gatekeeper-admin",
			"system:serviceaccounts", "system:serviceaccounts:"+gatekeeperNamespace, "system:authenticated")
		if err != nil {
			return fmt.Errorf("start Gatekeeper: %w", err)
		}
		c.kubeconfig = file
	}
	_, port, err := net.SplitHostPort(c.webhook)
	if err != nil {
		return fmt.Errorf("start Gatekeeper: %w", err)
	}
	err = c.run("gatekeeper",
		[]string{"POD_NAME=gatekeeper", "POD_NAMESPACE=" + gatekeeperNamespace},
		"--debug-use-fake-pod", "--kubeconfig="+c.kubeconfig,
		"--operation=webhook", "--operation=audit", "--operation=status", "--operation=generate",
		"--host=127.0.0.1", "--port="+port, "--disable-cert-rotation", "--cert-dir="+c.file("webhook"),
		"--health-addr="+c.health, "--shutdown-delay=0", "--exempt-namespace="+gatekeeperNamespace,
		"--disable-opa-builtin={http.send}",
		fmt.Sprintf("--audit-interval=%.0f", c.AuditInterval.Seconds()), "--api-cache-dir="+c.file("audit"), "--constraint-violations-limit=500",
		// The default backend listens on all addresses; this one sends to nobody.
		"--metrics-backend=opentelemetry", "--otlp-endpoint=127.0.0.1:9", "--otlp-metric-interval=24h")
	if err != nil {
		return err
	}
	return c.answers(ctx, "gatekeeper", "http://"+c.health+"/readyz", nil)
}

// StopGatekeeper ends Gatekeeper at once; its webhook stays configured.
func (c *Cluster) StopGatekeeper() {
	c.processes["gatekeeper"].stop()
	delete(c.processes, "gatekeeper")
}

// Admit configures the webhook: Gatekeeper's own configuration, but for where it is, that it fails closed and sees deletions,
// and that it leaves Setup alone. If resources are given it is asked about these: "*/*" is every subresource too.
func (c *Cluster) Admit(ctx context.Context, resources ...any) error {
	objects, err := c.deployment()
	if err != nil {
		return fmt.Errorf("install Gatekeeper's webhook: %w", err)
	}
	for _, o := range objects {
		if o.GetKind() != "ValidatingWebhookConfiguration" {
			continue
		}
		webhooks, _, err := unstructured.NestedSlice(o.Object, "webhooks")
		if err != nil {
			return fmt.Errorf("install Gatekeeper's webhook: %w", err)
		}
		for _, w := range webhooks {
			webhook, _ := w.(map[string]any)
			path, _, err := unstructured.NestedString(webhook, "clientConfig", "service", "path")
			if err != nil {
				return err
			}
			webhook["clientConfig"] = map[string]any{
				"url": "https://" + c.webhook + path, "caBundle": base64.StdEncoding.EncodeToString(c.ca.pem),
			}
			webhook["failurePolicy"] = "Fail"
			// What is slow on a crowded machine isn't wrong.
			webhook["timeoutSeconds"] = int64(30)
			webhook["matchConditions"] = []any{map[string]any{
				"name": "not-the-tests-own", "expression": `request.userInfo.username != "kfs-setup"`,
			}}
			rules, _ := webhook["rules"].([]any)
			for _, r := range rules {
				if rule, ok := r.(map[string]any); ok && path == "/v1/admit" {
					rule["operations"] = []any{"CREATE", "UPDATE", "DELETE"}
					if len(resources) > 0 {
						rule["resources"] = resources
					}
				}
			}
		}
		if err := unstructured.SetNestedSlice(o.Object, webhooks, "webhooks"); err != nil {
			return err
		}
		return c.Setup.Apply(ctx, o)
	}
	return errors.New("deploy/gatekeeper.yaml has no ValidatingWebhookConfiguration")
}

// deployment is what `kubectl apply -f deploy/gatekeeper.yaml` applies.
func (c *Cluster) deployment() ([]*unstructured.Unstructured, error) {
	return ReadFile(filepath.Join(c.source, "deploy", "gatekeeper.yaml"))
}

// Kubeconfig writes the kubeconfig of a new user into the cluster's folder and returns the file's name.
func (c *Cluster) Kubeconfig(user string, groups ...string) (string, error) {
	certificate, key, err := c.ca.issue(user, groups)
	if err != nil {
		return "", err
	}
	data, err := yaml.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": "e2e",
		"contexts": []any{map[string]any{"name": "e2e", "context": map[string]any{"cluster": "e2e", "user": "e2e"}}},
		"clusters": []any{map[string]any{"name": "e2e", "cluster": map[string]any{
			"server": c.host, "certificate-authority-data": c.ca.pem,
		}}},
		"users": []any{map[string]any{"name": "e2e", "user": map[string]any{
			"client-certificate-data": certificate, "client-key-data": key,
		}}},
	})
	if err != nil {
		return "", err
	}
	file := c.file(strings.ReplaceAll(user, ":", "-") + ".kubeconfig")
	return file, os.WriteFile(file, data, 0o600)
}

func (c *Cluster) run(name string, env []string, args ...string) error {
	p, err := startProcess(c.programs[name], c.dir, c.file(name+".log"), env, args...)
	if err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	c.processes[name] = p
	return nil
}

// answers waits until a program serves a page.
func (c *Cluster) answers(ctx context.Context, name, url string, identity *tls.Certificate) error {
	config := &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	config.RootCAs.AddCert(c.ca.certificate)
	if identity != nil {
		config.Certificates = []tls.Certificate{*identity}
	}
	transport := &http.Transport{TLSClientConfig: config}
	defer transport.CloseIdleConnections()
	client := &http.Client{Timeout: 10 * time.Second, Transport: transport}
	err := Poll(ctx, ready, func(ctx context.Context) error {
		if p := c.processes[name]; p.ended() {
			return final{fmt.Errorf("it ended: %w", p.err)}
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return final{err}
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", url, response.Status)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("start %s: %w\n%s", name, err, c.Log(name))
	}
	return nil
}

// final is an error that waiting doesn't cure.
type final struct{ error }

func (f final) Unwrap() error { return f.error }

// Poll calls f until it returns nil, at first after milliseconds and then ever more slowly, at last every tenth of a second;
// after the timeout the error is f's last.
func Poll(ctx context.Context, timeout time.Duration, f func(context.Context) error) error {
	const shortest, longest = 2 * time.Millisecond, 100 * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	last := errors.New("not even tried")
	for pause := shortest; ; pause = min(pause*3/2, longest) {
		err := f(ctx)
		if stop := (final{}); err == nil || errors.As(err, &stop) {
			return err
		}
		if ctx.Err() == nil || !errors.Is(err, ctx.Err()) {
			last = err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("after %s: %w", timeout, last)
		case <-time.After(pause):
		}
	}
}

// freePorts finds ports that nobody listens on. Another program may take one before ours does; then ours ends and says so.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer listener.Close() // all stay taken until the last is found
		address, _ := listener.Addr().(*net.TCPAddr)
		ports = append(ports, address.Port)
	}
	return ports, nil
}
