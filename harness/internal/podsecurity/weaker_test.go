package podsecurity

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	psa "k8s.io/pod-security-admission/api"
)

// TestWeaker compares KFS-513 with a reference that reads the decoded contexts, and now and then its two settings.
func TestWeaker(t *testing.T) {
	t.Parallel()
	judge, evaluator := newJudge(t), newEvaluator(t)
	random := rand.New(rand.NewPCG(513, 0))
	const contexts = 3_000
	weak := 0

	for i := range contexts {
		s := generate(random)
		found, err := judge.findings(s, psa.LevelBaseline, map[string]any{"weakerFields": "all"})
		if err != nil {
			t.Fatalf("%s: %v", text(s), err)
		}
		got := wherever(paths(of(found, "KFS-513")))
		want := weaker(t, s, evaluator)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s: KFS-513 (-want +got):\n%s", text(s), diff)
		}
		if len(want) > 0 {
			weak++
		}

		if i%5 > 0 {
			continue
		}
		below := paths(of(found, "KFS-514"))
		apart := slices.DeleteFunc(paths(of(found, "KFS-513")), func(path string) bool { return slices.Contains(below, path) })
		found, err = judge.findings(s, psa.LevelBaseline, map[string]any{"weakerFields": "withinRestricted"})
		if err != nil {
			t.Fatalf("%s: %v", text(s), err)
		}
		if diff := cmp.Diff(apart, paths(of(found, "KFS-513"))); diff != "" {
			t.Fatalf("%s: KFS-513 within restricted (-want +got):\n%s", text(s), diff)
		}
	}

	t.Logf("%d contexts compared, %d of them weaker than the default in some field", contexts, weak)
	if min(weak, contexts-weak) < contexts/5 {
		t.Error("one verdict is too rare to prove anything")
	}
}

// weaker names the fields that are weaker than the default's without violating baseline.
func weaker(t *testing.T, s spec, evaluator evaluator) []string {
	t.Helper()
	d, err := decode(s)
	if err != nil {
		t.Fatal(err)
	}
	_, spec := d.pod()
	pod, container := spec.SecurityContext, spec.Containers[0].SecurityContext
	tolerated := func(context, field string, value any) bool {
		ok, _, err := evaluator.allows(map[string]any{context: map[string]any{field: value}}, psa.LevelBaseline)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}

	found := []string{}
	report := func(weaker bool, format string, args ...any) {
		if weaker {
			found = append(found, fmt.Sprintf(format, args...))
		}
	}
	report(*pod.RunAsUser == 0, "podSecurityContext.runAsUser")
	report(*pod.RunAsGroup == 0, "podSecurityContext.runAsGroup")
	report(*pod.FSGroup == 0, "podSecurityContext.fsGroup")
	for i, group := range pod.SupplementalGroups {
		report(group == 0, "podSecurityContext.supplementalGroups.%d", i)
	}
	report(container.RunAsUser != nil && *container.RunAsUser == 0, "containerSecurityContext.runAsUser")
	report(container.RunAsGroup != nil && *container.RunAsGroup == 0, "containerSecurityContext.runAsGroup")
	report(!*container.RunAsNonRoot, "containerSecurityContext.runAsNonRoot")
	report(!*container.ReadOnlyRootFilesystem, "containerSecurityContext.readOnlyRootFilesystem")
	report(*container.AllowPrivilegeEscalation, "containerSecurityContext.allowPrivilegeEscalation")
	report(!slices.Contains(container.Capabilities.Drop, "ALL"), "containerSecurityContext.capabilities")
	for i, capability := range container.Capabilities.Add {
		report(tolerated("containerSecurityContext", "capabilities", map[string]any{"add": []any{capability}}),
			"containerSecurityContext.capabilities.add.%d", i)
	}
	for context, options := range map[string]*corev1.SELinuxOptions{
		"podSecurityContext":       pod.SELinuxOptions,
		"containerSecurityContext": container.SELinuxOptions,
	} {
		if options == nil {
			continue
		}
		report(options.Level != "", "%s.seLinuxOptions.level", context)
		report(options.Type != "" && options.Type != "container_t" &&
			tolerated(context, "seLinuxOptions", map[string]any{"type": options.Type}), "%s.seLinuxOptions.type", context)
	}
	slices.Sort(found)
	return found
}

// wherever evens out where a missing drop is reported: at the list, or at capabilities if there is none.
func wherever(paths []string) []string {
	for i, path := range paths {
		paths[i] = strings.TrimSuffix(path, ".drop")
	}
	slices.Sort(paths)
	return paths
}
