package e2e

import (
	"os/exec"
	"strings"
	"testing"
)

// The parts of TestGatorGaps' little world: a policy that refuses a secret, and an object with one.
const (
	gapTemplate = `apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {name: refuse}
spec:
  crd: {spec: {names: {kind: Refuse}}}
  targets:
    - target: admission.k8s.gatekeeper.sh
      code:
        - engine: Rego
          source:
            version: v1
            rego: |
              package refuse

              violation contains {"msg": "refused"} if ` + gapCondition + "\n"
	gapCondition  = `contains(input.review.object.data.text, "secret")`
	gapConstraint = `apiVersion: constraints.gatekeeper.sh/v1beta1
kind: Refuse
metadata: {name: refuse}
spec:
  match: {kinds: [{apiGroups: [""], kinds: [ConfigMap]}]}
`
	gapObject = `apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: demo}
data: {text: secret}
`
	gapSuite = `apiVersion: test.gatekeeper.sh/v1alpha1
kind: Suite
tests:
  - name: refuse
    template: template.yaml
    constraint: constraint.yaml
    cases:
      - name: a
        object: object.yaml
        assertions: [{violations: no}]
`
)

// TestGatorGaps shows that gator lets pass what it shouldn't, as package gatorsuite's documentation and the README say. Where one
// of these fails, gator has closed the gap, and what works around it can go.
func TestGatorGaps(t *testing.T) {
	program := build(t, "gator")
	test, verify := []string{"test", "-f", "."}, []string{"verify", "./..."}
	for name, tc := range map[string]struct {
		args  []string
		files map[string]string // instead of those above; empty for none
		fails bool
	}{
		"gator test finds it":   {args: test, fails: true},
		"gator verify finds it": {args: verify, files: map[string]string{"suite.yaml": gapSuite}, fails: true},
		"it is in a List": {args: test, files: map[string]string{
			"object.yaml": "apiVersion: v1\nkind: List\nitems:\n  - " + strings.ReplaceAll(strings.TrimSpace(gapObject), "\n", "\n    "),
		}},
		"it is in an AdmissionReview": {args: test, files: map[string]string{
			"object.yaml": "apiVersion: admission.k8s.io/v1\nkind: AdmissionReview\nrequest:\n  operation: CREATE\n  object:\n    " +
				strings.ReplaceAll(strings.TrimSpace(gapObject), "\n", "\n    "),
		}},
		// This one it sees, and the webhook doesn't.
		"the template is for deletions": {args: test, fails: true, files: map[string]string{
			"template.yaml": strings.Replace(gapTemplate, "admission.k8s.gatekeeper.sh", "admission.k8s.gatekeeper.sh\n      operations: [DELETE]", 1),
		}},
		"there is no constraint": {args: test, files: map[string]string{"constraint.yaml": ""}},
		"the constraint selects nothing": {args: test, files: map[string]string{
			"constraint.yaml": strings.Replace(gapConstraint, "[ConfigMap]", "[Configmap]", 1),
		}},
		"the suite's constraint selects nothing": {args: verify, files: map[string]string{
			"constraint.yaml": strings.Replace(gapConstraint, "[ConfigMap]", "[Configmap]", 1), "suite.yaml": gapSuite,
		}},
		"the action is misspelt": {args: test, files: map[string]string{"constraint.yaml": gapConstraint + "  enforcementAction: denny\n"}},
		"the action is scoped, but not for gator": {args: test, files: map[string]string{
			"constraint.yaml": gapConstraint + "  enforcementAction: scoped\n" +
				"  scopedEnforcementActions: [{action: deny, enforcementPoints: [{name: validation.gatekeeper.sh}]}]\n",
		}},
		"the object names no namespace": {args: test, files: map[string]string{
			"constraint.yaml": strings.Replace(gapConstraint, "match: {", "match: {namespaces: [default], ", 1),
			"object.yaml":     strings.Replace(gapObject, ", namespace: demo", "", 1),
		}},
		"the template is for no request that gator makes": {args: test, files: map[string]string{
			"template.yaml": strings.Replace(gapTemplate, gapCondition, `input.review.operation == "CREATE"`, 1),
		}},
		"the Namespace has the label": {args: test, files: map[string]string{
			"template.yaml":  strings.Replace(gapTemplate, gapCondition, `input.review.namespaceObject.metadata.name == "secret"`, 1),
			"namespace.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: secret}\n",
			"object.yaml":    strings.Replace(gapObject, "demo", "secret", 1),
		}},
		"a key comes twice": {args: test, files: map[string]string{"object.yaml": gapObject + "data: {text: fine}\n"}},
		"a library is missing": {args: test, files: map[string]string{
			"template.yaml": strings.NewReplacer("package refuse\n", "package refuse\n\n              import data.lib.gone\n",
				gapCondition, "gone.secret").Replace(gapTemplate),
		}},
		"a violation has no message": {args: test, files: map[string]string{
			"template.yaml": strings.Replace(gapTemplate, `{"msg": "refused"}`, `json.unmarshal("{\"mgs\": \"refused\"}")`, 1),
		}},
		"there is no suite":     {args: verify},
		"no suite has the name": {args: append([]string{"verify", "--run", "refusal"}, "./..."), files: map[string]string{"suite.yaml": gapSuite}},
		"the assertion is misspelt": {args: verify, files: map[string]string{
			"suite.yaml": strings.Replace(gapSuite, "{violations: no}", "{violation: 7}", 1),
		}},
		"the secret is in a comment of a text": {args: verify, files: map[string]string{
			"object.yaml": strings.Replace(gapObject, "{text: secret}", "\n  text: |\n    # secret\n    fine", 1), "suite.yaml": gapSuite,
		}},
		"the file has another constraint first": {args: verify, files: map[string]string{
			"constraint.yaml": strings.NewReplacer("[ConfigMap]", "[Secret]").Replace(gapConstraint) + "---\n" + gapConstraint, "suite.yaml": gapSuite,
		}},
		"the inventory isn't declared": {args: []string{"sync", "test", "--force-omit-gvk-manifest", "-n", "template.yaml"}, files: map[string]string{
			"template.yaml": strings.Replace(gapTemplate, gapCondition, "data.inventory.cluster.v1.Namespace.secret", 1),
		}},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string][]byte{}
			for _, part := range []map[string]string{
				{"template.yaml": gapTemplate, "constraint.yaml": gapConstraint, "object.yaml": gapObject}, tc.files,
			} {
				for name, text := range part {
					if files[name] = []byte(text); text == "" {
						delete(files, name)
					}
				}
			}
			cmd := exec.CommandContext(t.Context(), program, tc.args...)
			cmd.Dir = write(t, files)
			output, err := cmd.CombinedOutput()
			if failed := err != nil; failed != tc.fails {
				t.Errorf("%s: %v\n%s", strings.Join(tc.args, " "), err, output)
			}
			if tc.fails && !strings.Contains(string(output), "refused") {
				t.Errorf("it fails for another reason:\n%s", output)
			}
		})
	}

	// An unknown format is text, without a word.
	cmd := exec.CommandContext(t.Context(), program, "test", "-f", ".", "-o", "junit")
	cmd.Dir = write(t, map[string][]byte{
		"template.yaml": []byte(gapTemplate), "constraint.yaml": []byte(gapConstraint), "object.yaml": []byte(gapObject),
	})
	if output, err := cmd.CombinedOutput(); err == nil || strings.Contains(string(output), "<") || !strings.Contains(string(output), "refused") {
		t.Errorf("-o junit: %v\n%s", err, output)
	}
}
