package apirule

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"

	"kyma-function-security/policies"
)

//go:embed naive.rego
var naive string

const worlds = 240

// query asks for the naive verdict and the policies' of one review: {"KFS-105": …, "KFS-115": …} of each.
const query = `naive = {
	"KFS-105": {json.marshal(path): count(found) | some path, found in data.naive.sharing},
	"KFS-115": {json.marshal(path): count(found) | some path, found in data.naive.stricter},
}
found = {[violation.details.rule, json.marshal(violation.details.path), violation.msg] |
	some policy in ["jwt_binding", "exposure"]
	some violation in data.kyma[policy].violation
}`

// verdict is, by rule and path, how many peers there are.
type verdict map[string]map[string]int

// TestAgreement demands the verdict of all pairs: the same findings, and the same number of peers where the message doesn't
// say that it counts a part of them.
func TestAgreement(t *testing.T) {
	t.Parallel()
	modules := map[string]string{"naive.rego": naive}
	for _, root := range []string{"kyma/jwt_binding", "kyma/exposure", "lib/kfs"} {
		err := fs.WalkDir(policies.FS, root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".rego") || strings.HasSuffix(path, "_test.rego") {
				return err
			}
			text, err := fs.ReadFile(policies.FS, path)
			modules[path] = string(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	compiler, err := ast.CompileModulesWithOpt(modules, ast.CompileOpts{EnablePrintStatements: true})
	if err != nil {
		t.Fatal(err)
	}

	d := dice{rand.New(rand.NewPCG(105, 115))}
	seen := map[string]int{}
	for range worlds {
		w := d.world()
		// As Gatekeeper keeps it: JSON, which OPA converts where a rule looks.
		store := inmem.NewFromObjectWithOpts(object{"inventory": w.inventory()}, inmem.OptRoundTripOnWrite(true))
		for _, judged := range w.judged {
			within := pick(d, "none", "namespace")
			input := object{
				"review": object{"object": judged},
				"parameters": object{
					"sharedWithin": within, "openMethods": []any{"OPTIONS"}, "foreignServices": "any",
					"rules": []any{"KFS-105", "KFS-115"},
				},
			}
			result, err := rego.New(rego.Query(query), rego.Compiler(compiler), rego.Store(store), rego.Input(input),
				rego.StrictBuiltinErrors(true)).Eval(context.Background())
			if err != nil || len(result) != 1 {
				t.Fatalf("%v, %d results\n%s", err, len(result), text(judged))
			}
			want, got := read(result[0].Bindings)
			for id, paths := range want {
				for path := range paths {
					switch got[id][path] {
					case part:
						seen[id+" in part"]++
						paths[path] = part
					case several:
						paths[path] = several
					}
				}
				seen[fmt.Sprintf("%s %v", id, len(paths) > 0)]++
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("sharedWithin %s, of %s (-all pairs +policies):\n%s\n%s", within, text(judged), diff, text(w.inventory()))
			}
		}
	}
	t.Logf("%d worlds, no disagreement: %v", worlds, seen)
	for _, class := range []string{"KFS-105 true", "KFS-105 false", "KFS-115 true", "KFS-115 false", "KFS-105 in part"} {
		if seen[class] < worlds/20 {
			t.Errorf("%s %d times: too few to prove anything", class, seen[class])
		}
	}
}

// What stands for the number of peers: part where a message says that there are more, several where a path has several
// messages, as that of an entry for two issuers has, and that of a hidden spec.
const (
	part    = -1
	several = -2
)

var more = regexp.MustCompile(` and (at least )?([0-9]+) more$`)

func read(bindings rego.Vars) (want, got verdict) {
	want, got = verdict{"KFS-105": {}, "KFS-115": {}}, verdict{"KFS-105": {}, "KFS-115": {}}
	for id, paths := range bindings["naive"].(object) {
		for path, peers := range paths.(object) {
			number, err := peers.(json.Number).Int64()
			if err != nil {
				panic(err)
			}
			want[id][path] = int(number)
		}
	}
	for _, found := range bindings["found"].([]any) {
		id, path, message := found.([]any)[0].(string), found.([]any)[1].(string), found.([]any)[2].(string)
		peers := 1
		if match := more.FindStringSubmatch(message); match != nil {
			number, err := strconv.Atoi(match[2])
			if err != nil {
				panic(err)
			}
			if peers += number; match[1] != "" {
				peers = part
			}
		}
		if got[id][path] != 0 && peers != part {
			peers = several
		}
		got[id][path] = peers
	}
	return want, got
}

func text(value any) string {
	encoded, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(encoded)
}
