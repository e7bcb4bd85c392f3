package cluster_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"

	"kyma-function-security/harness/e2e/cluster"
)

// TestVisits has TestExisting judge in a cluster of ours, as an outsider's: it must leave everything as it was, and nobody but itself
// may notice.
func TestVisits(t *testing.T) {
	s := empty(t)
	s.context(t)
	s.controlNamespaces(t)
	s.restart(t, time.Hour) // no audit meanwhile
	config, err := s.Kubeconfig("kfs-visitor", "system:masters")
	must(t, err)
	all := strconv.Itoa(len((&scenes{visit: &visit{suite: s}}).comparing()))
	// visit runs TestExisting in a process of its own. It returns what the process printed, and whether the test passed.
	visit := func(t *testing.T, kubeconfig string, during func(*os.Process), args ...string) (string, bool) {
		t.Helper()
		var before map[string]string
		must(t, cluster.Poll(t.Context(), synced, func(ctx context.Context) (err error) {
			before, err = s.Setup.Snapshot(ctx)
			return err
		}))
		program, err := os.Executable()
		must(t, err)
		command := exec.CommandContext(t.Context(), program, append([]string{"-test.run=TestExisting", "-test.v", "-test.timeout=20m"}, args...)...)
		// Without a PATH no program can be built, nor anything else be run.
		command.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig, "PATH=")
		var out bytes.Buffer
		command.Stdout, command.Stderr = &out, &out
		must(t, command.Start())
		watched := s.watch(t, before)
		if during != nil {
			during(command.Process)
		}
		err = command.Wait()
		watched()
		must(t, cluster.Poll(t.Context(), 5*time.Minute, func(ctx context.Context) error {
			after, err := s.Setup.Snapshot(ctx)
			if err != nil {
				return err
			}
			if diff := gocmp.Diff(before, after); diff != "" {
				return fmt.Errorf("-before the visit +after it:\n%s\n%s", diff, &out)
			}
			return nil
		}))
		return out.String(), err == nil
	}
	const flag = "-existing-cluster"

	t.Run("without the flag", func(t *testing.T) {
		if out, passed := visit(t, config, nil); !passed || !strings.Contains(out, "--- SKIP: TestExisting") {
			t.Errorf("passed %t:\n%s", passed, out)
		}
	})
	t.Run("without a cluster", func(t *testing.T) {
		if out, passed := visit(t, "", nil, flag); passed || !strings.Contains(out, "no configuration has been provided") {
			t.Errorf("passed %t:\n%s", passed, out)
		}
	})
	t.Run("with nothing of ours there", func(t *testing.T) {
		// Others' requests must not even be warned about, however bad they are.
		ctx, cancel := context.WithCancel(t.Context())
		noticed, asked := make(chan error, 1), 0
		go func() {
			var err error
			for ctx.Err() == nil && err == nil {
				for _, o := range parse(t, usersRequests) {
					o.SetName(strings.ToLower(o.GetName()))
					v, wrong := s.Admin.Create(ctx, o, true)
					if asked++; ctx.Err() == nil && (wrong != nil || !v.Stored || len(v.By) > 0) {
						err = fmt.Errorf("%s %s: %s, %w", o.GetKind(), o.GetName(), v, wrong)
					}
				}
			}
			noticed <- err
		}()
		out, passed := visit(t, config, nil, flag)
		cancel()
		if err := <-noticed; err != nil {
			t.Errorf("others notice: %v", err)
		}
		if !passed || !strings.Contains(out, " objects judged, ") || !strings.Contains(out, " "+all+" of "+all+" judged") {
			t.Errorf("passed %t:\n%s", passed, out)
		}
		t.Logf("others sent %d requests; the visit:\n%s", asked, out)
	})
	t.Run("interrupted", func(t *testing.T) {
		out, passed := visit(t, config, func(p *os.Process) {
			must(t, cluster.Poll(t.Context(), 5*time.Minute, func(ctx context.Context) error {
				all, err := s.Setup.Snapshot(ctx)
				if err != nil {
					return err
				}
				for name := range all {
					if strings.HasPrefix(name, "constraints.gatekeeper.sh/") {
						return nil
					}
				}
				return fmt.Errorf("no Constraint yet")
			}))
			must(t, p.Signal(os.Interrupt))
		}, flag)
		if passed || !strings.Contains(out, "objects are gone again") {
			t.Errorf("passed %t:\n%s", passed, out)
		}
	})
	t.Run("terminated in a scene", func(t *testing.T) {
		out, passed := visit(t, config, func(p *os.Process) {
			must(t, cluster.Poll(t.Context(), 5*time.Minute, func(ctx context.Context) error {
				all, err := s.Setup.List(ctx, function(t, "any", "").GroupVersionKind())
				if err == nil && len(all) == 0 {
					err = fmt.Errorf("no Function yet")
				}
				return err
			}))
			must(t, p.Signal(syscall.SIGTERM))
		}, flag)
		if passed || !strings.Contains(out, "objects are gone again") {
			t.Errorf("passed %t:\n%s", passed, out)
		}
	})
	t.Run("with what a killed visit has left", func(t *testing.T) {
		left := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Namespace"}}
		left.SetName("kfs-e2e-killed-0")
		left.SetLabels(map[string]string{mark: "kfs-e2e-killed"})
		must(t, s.Setup.Apply(t.Context(), left))
		defer func() { must(t, s.Setup.Remove(t.Context(), left)) }()
		if out, passed := visit(t, config, nil, flag); passed || !strings.Contains(out, "-l kfs-e2e=kfs-e2e-killed") {
			t.Errorf("passed %t:\n%s", passed, out)
		}
	})
	t.Run("with Kyma's controllers there", func(t *testing.T) {
		for _, o := range parse(t, controllers) {
			must(t, s.Setup.Apply(t.Context(), o))
			defer func() { must(t, s.Setup.Remove(t.Context(), o)) }()
		}
		out, passed := visit(t, config, nil, flag)
		if !passed || !strings.Contains(out, " 30 of "+all+" judged") || !strings.Contains(out, "no Function is stored") || !strings.Contains(out, "no APIRule is stored") {
			t.Errorf("passed %t:\n%s", passed, out)
		}
		t.Log(compared(out))
	})
	t.Run("with some kinds kept there", func(t *testing.T) {
		o := parse(t, configOfOthers)[0]
		must(t, s.Setup.Apply(t.Context(), o))
		defer func() { must(t, s.Setup.Remove(t.Context(), o)) }()
		out, passed := visit(t, config, nil, flag)
		if !passed || strings.Contains(out, "SyncSet kfs-e2e") || !strings.Contains(out, " 4 of "+all+" judged") {
			t.Errorf("passed %t:\n%s", passed, out)
		}
		t.Log(compared(out))
		out, passed = visit(t, config, nil, flag, "-existing-cluster-sync")
		if !passed || !strings.Contains(out, " "+all+" of "+all+" judged") {
			t.Errorf("passed %t:\n%s", passed, out)
		}
	})
	s.peers(t)
	t.Run("with the bundle there", func(t *testing.T) {
		s.install(t, bundle)
		s.whileUsed(t, func() {
			out, passed := visit(t, config, nil, flag)
			var judged int // one day the bundle denies what the fixtures' runtimes are
			_, err := fmt.Sscanf(compared(out), "%d of "+all+" judged", &judged)
			if err != nil || !passed || strings.Contains(out, "SyncSet kfs-e2e") || judged < 30 {
				t.Errorf("passed %t:\n%s", passed, out)
			}
			t.Log(compared(out))
		})
	})
	t.Run("with the bundle there, but none of its SyncSets", func(t *testing.T) {
		for _, o := range s.kind("SyncSet") {
			must(t, s.Setup.Remove(t.Context(), o))
		}
		out, passed := visit(t, config, nil, flag)
		if !passed || strings.Contains(out, "SyncSet kfs-e2e") || !strings.Contains(out, " 0 of "+all+" judged") || !strings.Contains(out, " may see it") {
			t.Errorf("passed %t:\n%s", passed, out)
		}
		for _, o := range s.installed {
			must(t, s.Setup.Remove(t.Context(), o))
		}
	})
	templates := s.kind("ConstraintTemplate")
	t.Run("with a template of another version there", func(t *testing.T) {
		other := templates[0].DeepCopy()
		other.SetAnnotations(map[string]string{"metadata.gatekeeper.sh/version": "0.0.1"})
		must(t, s.Setup.Apply(t.Context(), other))
		if out, passed := visit(t, config, nil, flag); passed || !strings.Contains(out, other.GetName()+` of version "0.0.1"`) {
			t.Errorf("passed %t:\n%s", passed, out)
		}
	})
	t.Run("with another template of the same version there", func(t *testing.T) {
		other := templates[0].DeepCopy()
		targets, _, err := unstructured.NestedSlice(other.Object, "spec", "targets")
		must(t, err)
		code := targets[0].(map[string]any)["code"].([]any)[0].(map[string]any)["source"].(map[string]any)
		code["rego"] = code["rego"].(string) + "\n# Ours.\n"
		must(t, unstructured.SetNestedSlice(other.Object, targets, "spec", "targets"))
		must(t, s.Setup.Apply(t.Context(), other))
		if out, passed := visit(t, config, nil, flag); passed || !strings.Contains(out, "another ConstraintTemplate "+other.GetName()) {
			t.Errorf("passed %t:\n%s", passed, out)
		}
	})
	t.Run("without Gatekeeper", func(t *testing.T) {
		crd := &unstructured.Unstructured{}
		crd.SetAPIVersion("apiextensions.k8s.io/v1")
		crd.SetKind("CustomResourceDefinition")
		crd.SetName("constrainttemplates.templates.gatekeeper.sh")
		for _, o := range templates {
			must(t, s.Setup.Remove(t.Context(), o))
		}
		must(t, s.Setup.Remove(t.Context(), crd))
		if out, passed := visit(t, config, nil, flag); passed || !strings.Contains(out, "install Gatekeeper") {
			t.Errorf("passed %t:\n%s", passed, out)
		}
	})
}

// controlNamespaces does the work of Kubernetes' controllers, which aren't here: namespaces of a visit get a ServiceAccount, again if it
// is deleted, and those that are deleted end.
func (s *suite) controlNamespaces(t *testing.T) {
	t.Helper()
	resource, err := s.Setup.Resource(apischema.FromAPIVersionAndKind("v1", "Namespace"), "")
	must(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	t.Cleanup(func() { cancel(); <-done })
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			list, err := resource.List(ctx, metav1.ListOptions{LabelSelector: mark})
			if err == nil {
				for _, o := range list.Items {
					account := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ServiceAccount"}}
					account.SetNamespace(o.GetName())
					account.SetName("default")
					switch { // what fails the next round tries again
					case o.GetDeletionTimestamp() != nil:
						if s.Setup.Remove(ctx, account) == nil {
							_ = s.Setup.Remove(ctx, &o)
						}
					case visiting.MatchString(o.GetName()):
						_, _ = s.Setup.Create(ctx, account, false)
					}
				}
			}
			select {
			case <-ctx.Done():
			case <-time.After(200 * time.Millisecond):
			}
		}
	}()
}

// compared is what a visit says of the rules that compare objects.
func compared(out string) string {
	_, text, _ := strings.Cut(out, "rules that compare objects: ")
	return text
}

// watch sees that nothing appears, changes or goes while a visit lasts but what is a visit's, until the function that it returns is
// called. It also sees that nobody touches what was there in a namespace, even if it is the same in the end.
func (s *suite) watch(t *testing.T, before map[string]string) (end func()) {
	t.Helper()
	versions := func(ctx context.Context) (map[string]string, error) {
		all := map[string]string{}
		for _, kind := range s.runner.Schemas.Kinds() {
			for _, version := range kind.GroupVersions()[:1] {
				list, err := s.Setup.List(ctx, apischema.FromAPIVersionAndKind(version.APIVersion(), version.Kind))
				if err != nil {
					return nil, err
				}
				for _, o := range list {
					if !strings.HasPrefix(o.GetNamespace(), "kfs-e2e-") && !strings.HasPrefix(o.GetName(), "kfs-e2e-") && o.GetNamespace() != gatekeeperNamespace {
						all[fmt.Sprintf("%s %s/%s", kind.Kind, o.GetNamespace(), o.GetName())] = o.GetResourceVersion()
					}
				}
			}
		}
		return all, nil
	}
	was, err := versions(t.Context())
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	begin, looks := time.Now(), 0 // looks is to be read after done
	done := make(chan []string)
	go func() {
		strange := map[string]bool{}
		for ctx.Err() == nil {
			if now, err := s.Setup.Snapshot(ctx); err == nil {
				looks++
				for name, says := range now {
					if old, there := before[name]; there && old != says && !quietly.MatchString(name) {
						strange[name+" has changed"] = true
					} else if !there && !visits.MatchString(name) && !quietly.MatchString(name) {
						strange[name+" is new"] = true
					}
				}
				for name := range before {
					if _, there := now[name]; !there && !quietly.MatchString(name) {
						strange[name+" is gone"] = true
					}
				}
			}
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
		done <- slices.Sorted(maps.Keys(strange))
	}()
	return func() {
		cancel()
		if strange := <-done; len(strange) > 0 {
			t.Errorf("during the visit:\n%s", strings.Join(strange, "\n"))
		}
		if took := time.Since(begin); looks == 0 && took > time.Minute {
			t.Errorf("nobody could look at the cluster in %s", took)
		}
		now, err := versions(t.Context())
		must(t, err)
		if diff := gocmp.Diff(was, now); diff != "" {
			t.Errorf("versions, -before the visit +after it:\n%s", diff)
		}
	}
}

var (
	// visits are all objects that a visit may store, by apiVersion, kind, namespace and name.
	visits = regexp.MustCompile(strings.Join([]string{
		`^v1 Namespace /kfs-e2e-[a-z0-9]{5}-(scene-)?[0-9]+$`,
		`^v1 ServiceAccount kfs-e2e-[a-z0-9]{5}-[0-9]+/default$`,
		`^(v1 (ResourceQuota|Service|ServiceAccount)|networking.k8s.io/v1 NetworkPolicy|rbac.authorization.k8s.io/v1 Role|` +
			`security.istio.io/v1 (AuthorizationPolicy|PeerAuthentication)|serverless.kyma-project.io/v1alpha2 Function|` +
			`gateway.kyma-project.io/v2 APIRule|aquasecurity.github.io/v1alpha1 VulnerabilityReport) kfs-e2e-[a-z0-9]{5}-scene-[0-9]+/`,
		`^templates.gatekeeper.sh/v1 ConstraintTemplate /(kyma|kfse2e)[a-z0-9]+$`,
		`^apiextensions.k8s.io/v1 CustomResourceDefinition /(kyma|kfse2e)[a-z0-9]+.constraints.gatekeeper.sh$`,
		`^constraints.gatekeeper.sh/v1beta1 (Kyma|KfsE2e)[A-Za-z0-9]+ /kfs-e2e-[a-z0-9]{5}-[a-z-]+$`,
		`^syncset.gatekeeper.sh/v1alpha1 SyncSet /kfs-e2e-[a-z0-9]{5}$`,
	}, "|"))
	visiting = regexp.MustCompile(`^kfs-e2e-[a-z0-9]{5}-`)
	// quietly is what Gatekeeper and the API server write by themselves.
	quietly = regexp.MustCompile(`^(status.gatekeeper.sh/|apiregistration.k8s.io/|v1 Secret gatekeeper-system/|admissionregistration.k8s.io/)`)
)

const controllers = `
apiVersion: v1
kind: Namespace
metadata: {name: kyma-system}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: serverless-ctrl-mngr, namespace: kyma-system}
spec:
  selector: {matchLabels: {app: serverless}}
  template: {metadata: {labels: {app: serverless}}, spec: {containers: [{name: manager, image: registry.example.com/manager}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: manager, namespace: kyma-system}
spec:
  selector: {matchLabels: {app: gateway}}
  template: {metadata: {labels: {app: gateway}}, spec: {containers: [{name: manager, image: registry.example.com/api-gateway-manager}]}}
`

const configOfOthers = `
apiVersion: config.gatekeeper.sh/v1alpha1
kind: Config
metadata: {name: config, namespace: gatekeeper-system}
spec:
  sync:
    syncOnly:
      - {group: "", version: v1, kind: Namespace}
      - {group: networking.k8s.io, version: v1, kind: NetworkPolicy}
      - {group: "", version: v1, kind: ServiceAccount}
      - {group: "", version: v1, kind: Service}
`
