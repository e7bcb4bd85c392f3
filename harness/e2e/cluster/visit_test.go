package cluster_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
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
	config, err := s.Kubeconfig("kfs-visitor", "system:masters")
	must(t, err)
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
		if during != nil {
			during(command.Process)
		}
		err = command.Wait()
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
		if !passed || !strings.Contains(out, " objects judged, ") {
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
	templates, err := cluster.ReadFolder(root + "/constrainttemplates")
	must(t, err)
	t.Run("with the bundle's templates there", func(t *testing.T) {
		for _, o := range templates {
			must(t, s.Setup.Apply(t.Context(), o))
		}
		for _, o := range templates {
			must(t, s.Setup.EstablishedOne(t.Context(), o.GetName()+".constraints.gatekeeper.sh"))
		}
		if out, passed := visit(t, config, nil, flag); !passed || !strings.Contains(out, " objects judged, ") {
			t.Errorf("passed %t:\n%s", passed, out)
		}
	})
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

// controlNamespaces does the work of Kubernetes' namespace controller, which isn't here: namespaces of a visit that are deleted end.
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
					if o.GetDeletionTimestamp() != nil {
						_ = s.Setup.Remove(ctx, &o) // the next round tries again
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
