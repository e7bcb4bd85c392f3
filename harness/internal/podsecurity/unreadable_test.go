package podsecurity

import (
	"math/rand/v2"
	"testing"

	psa "k8s.io/pod-security-admission/api"
)

// TestUnreadable puts values of a wrong type into every field that the policy judges: none may pass.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	judge := newJudge(t)
	type lie struct {
		path   []string
		values []any
	}
	var (
		noBool   = []any{"true", "false", "", 0, 1, []any{}, map[string]any{}}
		noID     = []any{"0", "1000", "", true, false, []any{1000}, map[string]any{}, -1, 0.5, 2147483648, 4294967296}
		noString = []any{true, 1, []any{"RuntimeDefault"}, map[string]any{"a": "b"}}
		noObject = []any{true, false, 0, 1, "", "RuntimeDefault", []any{}, []any{"ALL"}}
		noList   = []any{true, false, 0, 1, "", "ALL", map[string]any{}, map[string]any{"0": "ALL"}}
	)
	lies := []lie{
		{[]string{"podSecurityContext"}, noObject},
		{[]string{"containerSecurityContext"}, noObject},
		{[]string{"annotations"}, noObject},
		{[]string{"template"}, noObject},
		{[]string{"template", "annotations"}, noObject},
		{[]string{"podSecurityContext", "fsGroup"}, noID},
		{[]string{"podSecurityContext", "supplementalGroups"}, append(noList, []any{"1000"}, []any{-1}, []any{0.5}, []any{[]any{}})},
		{[]string{"podSecurityContext", "sysctls"}, append(noList, []any{1}, []any{"kernel.shm_rmid_forced"}, []any{[]any{}})},
		{[]string{"containerSecurityContext", "privileged"}, noBool},
		{[]string{"containerSecurityContext", "allowPrivilegeEscalation"}, noBool},
		{[]string{"containerSecurityContext", "readOnlyRootFilesystem"}, noBool},
		{[]string{"containerSecurityContext", "procMount"}, noString},
		{[]string{"containerSecurityContext", "capabilities"}, noObject},
		{[]string{"containerSecurityContext", "capabilities", "add"}, append(noList, []any{1}, []any{[]any{"CHOWN"}})},
		{[]string{"containerSecurityContext", "capabilities", "drop"}, append(noList, []any{[]any{"ALL"}})},
		{[]string{"annotations", "container.apparmor.security.beta.kubernetes.io/function"}, noString},
		{[]string{"template", "annotations", "container.apparmor.security.beta.kubernetes.io/function"}, noString},
	}
	for _, context := range []string{"podSecurityContext", "containerSecurityContext"} {
		lies = append(lies,
			lie{[]string{context, "runAsUser"}, noID},
			lie{[]string{context, "runAsGroup"}, noID},
			lie{[]string{context, "runAsNonRoot"}, noBool},
			lie{[]string{context, "seccompProfile"}, noObject},
			lie{[]string{context, "seccompProfile", "type"}, noString},
			lie{[]string{context, "appArmorProfile"}, noObject},
			lie{[]string{context, "appArmorProfile", "type"}, noString},
			lie{[]string{context, "seLinuxOptions"}, noObject},
			lie{[]string{context, "seLinuxOptions", "type"}, noString},
			lie{[]string{context, "seLinuxOptions", "level"}, noString},
			lie{[]string{context, "seLinuxOptions", "user"}, noString},
			lie{[]string{context, "seLinuxOptions", "role"}, noString},
			lie{[]string{context, "windowsOptions"}, noObject},
			lie{[]string{context, "windowsOptions", "hostProcess"}, noBool},
		)
	}

	judged := 0
	for _, lie := range lies {
		for _, value := range lie.values {
			s := value
			for i := len(lie.path) - 1; i >= 0; i-- {
				object := map[string]any{lie.path[i]: s}
				if lie.path[i] == "add" {
					object["drop"] = []any{"ALL"}
				}
				s = object
			}
			found, err := judge.findings(s, psa.LevelBaseline, nil)
			if err != nil {
				t.Fatalf("%s: %v", text(s), err)
			}
			if len(found) == 0 {
				t.Errorf("%s: not reported", text(s))
			}
			judged++
		}
	}
	for _, s := range noObject {
		if found, err := judge.findings(s, psa.LevelBaseline, nil); err != nil || len(found) == 0 {
			t.Errorf("spec %s: not reported (%v)", text(s), err)
		}
	}
	t.Logf("%d values of a wrong type judged", judged)
}

// TestAnyJSON demands that no input makes a builtin fail or a rule conflict.
func TestAnyJSON(t *testing.T) {
	t.Parallel()
	judge := newJudge(t)
	random := rand.New(rand.NewPCG(0, 1))
	keys := append(append(sorted(podContext), sorted(containerContext)...), "type", "add", "drop", "name", "level", "user", "hostProcess",
		"annotations", "container.apparmor.security.beta.kubernetes.io/x")
	var anything func(depth int) any
	anything = func(depth int) any {
		switch kind := random.IntN(8); {
		case kind < 3 && depth > 0:
			o := map[string]any{}
			for range random.IntN(5) {
				o[keys[random.IntN(len(keys))]] = anything(depth - 1)
			}
			return o
		case kind == 3 && depth > 0:
			items := []any{}
			for range random.IntN(4) {
				items = append(items, anything(depth-1))
			}
			return items
		default:
			scalars := []any{nil, true, false, 0, 1, -1, 1e300, 0.1, "", "ALL", "RuntimeDefault", "%s\x00é", "localhost/"}
			return scalars[random.IntN(len(scalars))]
		}
	}
	for range 1_500 {
		s := map[string]any{}
		for _, key := range []string{"podSecurityContext", "containerSecurityContext", "annotations", "template"} {
			s[key] = anything(4)
		}
		if _, err := judge.findings(s, psa.LevelRestricted, map[string]any{"weakerFields": anything(1), "clusterDefaultLevel": anything(1)}); err != nil {
			t.Fatalf("%s: %v", text(s), err)
		}
	}
}
