package podsecurity

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	psa "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

const contexts = 10_000

// TestAgreement demands Kubernetes' verdict on every generated Function, and that each finding points at what is wrong:
// alone it is forbidden, and without what is reported the pod is allowed.
func TestAgreement(t *testing.T) {
	t.Parallel()
	judge, evaluator := newJudge(t), newEvaluator(t)
	random := rand.New(rand.NewPCG(511, 514))
	allowed, denied := map[psa.Level]int{}, map[psa.Level]int{}
	findings := map[string]int{}

	for range contexts {
		s := generate(random)
		namespace := []psa.Level{psa.LevelBaseline, psa.LevelRestricted}[random.IntN(2)]
		found, err := judge.findings(s, namespace, nil)
		if err != nil {
			t.Fatalf("%s: %v", text(s), err)
		}
		for _, f := range found {
			findings[f.Rule]++
		}

		below := map[psa.Level][]finding{psa.LevelBaseline: of(found, "KFS-511")}
		below[psa.LevelRestricted] = slices.Concat(below[psa.LevelBaseline], of(found, "KFS-514"))
		for _, level := range []psa.Level{psa.LevelBaseline, psa.LevelRestricted} {
			ok, why, err := evaluator.allows(s, level)
			if err != nil {
				t.Fatal(err)
			}
			if ok {
				allowed[level]++
			} else {
				denied[level]++
			}
			if ok != (len(below[level]) == 0) {
				t.Fatalf("%s: Kubernetes says of %s: allowed %v (%s); the policy reports %v", text(s), level, ok, why, below[level])
			}
			for _, f := range below[level] {
				if ok, _, err := evaluator.allows(alone(s, f.Path), level); ok || err != nil {
					t.Fatalf("%s: %s is reported, but alone %s allows it (%v)", text(s), f, level, err)
				}
			}
			if ok, why, err := evaluator.allows(without(s, below[level]), level); !ok || err != nil {
				t.Fatalf("%s: without %v %s still forbids: %s (%v)", text(s), below[level], level, why, err)
			}
		}

		enforced := []string{}
		if namespace == psa.LevelRestricted {
			enforced = paths(of(found, "KFS-514"))
		}
		if diff := cmp.Diff(enforced, paths(of(found, "KFS-512"))); diff != "" {
			t.Fatalf("%s in a namespace that enforces %s: KFS-512 (-want +got):\n%s", text(s), namespace, diff)
		}
	}

	t.Logf("%d contexts compared; baseline: %d allowed, %d denied; restricted: %d allowed, %d denied; findings: %v",
		contexts, allowed[psa.LevelBaseline], denied[psa.LevelBaseline],
		allowed[psa.LevelRestricted], denied[psa.LevelRestricted], findings)
	if allowed[psa.LevelBaseline]-allowed[psa.LevelRestricted] < contexts/20 {
		t.Error("too few contexts lie between the levels to prove anything")
	}
	for _, level := range []psa.Level{psa.LevelBaseline, psa.LevelRestricted} {
		if min(allowed[level], denied[level]) < contexts/4 {
			t.Errorf("%s: one verdict is too rare to prove anything", level)
		}
	}
}

// alone is the spec with nothing of its contexts and annotations but what the path leads to.
func alone(s spec, path []any) spec {
	kept := keep(s, path).(spec)
	if context, ok := kept["containerSecurityContext"].(map[string]any); ok {
		if capabilities, ok := context["capabilities"].(map[string]any); ok {
			if len(path) > 2 && path[2] == "add" {
				capabilities["drop"] = []any{"ALL"}
			} else {
				delete(capabilities, "add")
			}
		}
	}
	return kept
}

func keep(value any, path []any) any {
	if len(path) == 0 {
		if object, ok := value.(map[string]any); ok {
			return without(object, nil)
		}
		return value
	}
	switch value := value.(type) {
	case map[string]any:
		return map[string]any{path[0].(string): keep(value[path[0].(string)], path[1:])}
	case []any:
		return []any{keep(value[path[0].(int64)], path[1:])}
	}
	return value
}

// without is the spec without the fields of its contexts, and the annotations, that hold a finding.
func without(s spec, found []finding) spec {
	left := spec{}
	for key, value := range s {
		object, ok := value.(map[string]any)
		if !ok {
			left[key] = value
			continue
		}
		copied := map[string]any{}
		for field, v := range object {
			if !slices.ContainsFunc(found, func(f finding) bool { return f.Path[0] == key && f.Path[1] == field }) {
				copied[field] = v
			}
		}
		left[key] = copied
	}
	return left
}

// TestGitSource shows why the agreement is about the Function's own container: the one that clones a Git repository complies
// with baseline and never with restricted, whatever the Function says. KFS-505 reports that.
func TestGitSource(t *testing.T) {
	evaluator := newEvaluator(t)
	random := rand.New(rand.NewPCG(505, 0))
	for range 1_000 {
		s := generate(random)
		d, err := decode(s)
		if err != nil {
			t.Fatal(err)
		}
		meta, pod := d.pod()
		pod.InitContainers = append(pod.InitContainers, gitCloner())
		git := func(level psa.Level) bool {
			at := psa.LevelVersion{Level: level, Version: psa.LatestVersion()}
			return policy.AggregateCheckResults(evaluator.EvaluatePod(at, meta, pod)).Allowed
		}
		inline, _, err := evaluator.allows(s, psa.LevelBaseline)
		if err != nil {
			t.Fatal(err)
		}
		if git(psa.LevelBaseline) != inline {
			t.Fatalf("%s: the init container changes the verdict of baseline", text(s))
		}
		if git(psa.LevelRestricted) {
			t.Fatalf("%s: restricted allows the init container", text(s))
		}
	}
}
