package networkpolicy

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

const worlds = 10_000

// TestAgreement demands the reference's verdict of every world on the Function (KFS-401, 402, 403), and in every fourth on the
// policies too (KFS-406): the Function is re-opened exactly if a policy is found to re-open it, and isn't without the rules
// and peers that are found.
func TestAgreement(t *testing.T) {
	t.Parallel()
	var mutex sync.Mutex
	seen := map[string]int{}
	var group sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for worker := range workers {
		judge := newJudge(t)
		group.Add(1)
		go func() {
			defer group.Done()
			d := dice{rand.New(rand.NewPCG(401, uint64(worker)))}
			for i := range worlds / workers {
				w := d.world()
				classes, err := compare(judge, w, i%4 == 0)
				if err != nil {
					t.Errorf("%v\n%s", err, w)
					return
				}
				mutex.Lock()
				for _, class := range classes {
					seen[class]++
				}
				mutex.Unlock()
			}
		}()
	}
	group.Wait()

	t.Logf("%d worlds: %v", worlds, seen)
	for _, direction := range directions {
		for _, verdict := range []string{"not denied", "denied", "re-opened"} {
			if class := fmt.Sprintf("%s %s", direction, verdict); seen[class] < worlds/8 {
				t.Errorf("%s in %d worlds: too few to prove anything", class, seen[class])
			}
		}
	}
	for _, fault := range faults {
		if seen[fault] < worlds/50/4 {
			t.Errorf("%q in %d worlds: too few to prove anything", fault, seen[fault])
		}
	}
	for _, class := range []string{"4 together", "6 together", "blocks that open nothing"} {
		if seen[class] < worlds/100/4 {
			t.Errorf("%s in %d worlds: too few to prove anything", class, seen[class])
		}
	}
}

// faults are the ways to re-open, as messages name them.
var faults = []string{
	"it names no peer",
	"its podSelector catches every pod of the namespace",
	"its namespaceSelector catches every namespace",
	"its namespaceSelector catches every pod of the namespace",
	"reaches into the cluster",
}

// compare gives the classes that a world belongs to.
func compare(judge judge, w world, both bool) ([]string, error) {
	r, err := w.reference()
	if err != nil {
		return nil, err
	}
	found, err := judge.findings(w, both)
	if err != nil {
		return nil, err
	}
	has := func(rule, part string) bool {
		return slices.ContainsFunc(found, func(f finding) bool { return f.Rule == rule && strings.Contains(f.Message, part) })
	}
	var classes []string
	for i, direction := range directions {
		name := strings.ToLower(string(direction))
		denied, reopened := r.denied(direction), r.reopened(direction)
		switch {
		case reopened:
			classes = append(classes, fmt.Sprintf("%s re-opened", direction))
		case denied:
			classes = append(classes, fmt.Sprintf("%s denied", direction))
		default:
			classes = append(classes, fmt.Sprintf("%s not denied", direction))
		}
		if id := []string{"KFS-401", "KFS-402"}[i]; has(id, "") == denied {
			return nil, fmt.Errorf("%s denied by default: %v; found: %s", name, denied, text(found))
		}
		if has("KFS-403", "re-opens "+name) != reopened {
			return nil, fmt.Errorf("%s re-opened: %v; on the Function: %s", name, reopened, text(found))
		}
		if !both {
			continue
		}
		onPolicy := slices.ContainsFunc(found, func(f finding) bool { return f.Rule == "KFS-406" && f.Path[1] == name })
		if onPolicy != reopened {
			return nil, fmt.Errorf("%s re-opened: %v; on the policies: %s", name, reopened, text(found))
		}
	}

	if !both {
		return classes, nil
	}
	for _, fault := range faults {
		if has("KFS-406", fault) {
			classes = append(classes, fault)
		}
	}
	classes = append(classes, blockClasses(w, found)...)
	rest, err := w.without(found).reference()
	if err != nil {
		return nil, err
	}
	for _, direction := range directions {
		if rest.reopened(direction) {
			return nil, fmt.Errorf("%s is re-opened without what is found: %s", direction, text(found))
		}
	}
	return classes, nil
}

// blockClasses are those about address blocks: several that open together, and some that open nothing.
func blockClasses(w world, found []finding) []string {
	var classes []string
	together := map[string]int{}
	for _, f := range found {
		if f.Rule == "KFS-406" && strings.HasSuffix(f.Message, "reaches into the cluster") {
			family := "4"
			if words := strings.Fields(f.Message); strings.Contains(words[len(words)-5], ":") {
				family = "6"
			}
			together[family]++
		}
	}
	for family, n := range together {
		if n > 1 {
			classes = append(classes, family+" together")
		}
	}
	if len(together) == 0 && strings.Contains(text(w.policies), "ipBlock") {
		classes = append(classes, "blocks that open nothing")
	}
	return classes
}

// without leaves out the rules and peers that are found, and rules of which no peer is left: they would be for everyone.
func (w world) without(found []finding) world {
	dropped := map[string]bool{}
	for _, f := range found {
		if f.Rule == "KFS-406" {
			dropped[f.Object+text(f.Path)] = true
		}
	}
	left := w
	left.policies = nil
	for _, p := range w.policies {
		name := p["metadata"].(object)["name"].(string)
		spec := object{}
		for key, value := range p["spec"].(object) {
			rules, ok := value.([]any)
			if !ok || key == "policyTypes" {
				spec[key] = value
				continue
			}
			spec[key] = slices.DeleteFunc(slices.Clone(rules), func(any) bool { return true })
			for i, value := range rules {
				at := func(path ...any) bool { return dropped[name+text(append([]any{"spec", key, i}, path...))] }
				if at() {
					continue
				}
				field := map[string]string{"ingress": "from", "egress": "to"}[key]
				rule, _ := value.(object)
				peers, _ := rule[field].([]any)
				if len(peers) == 0 {
					spec[key] = append(spec[key].([]any), value)
					continue
				}
				kept := []any{}
				for j, peer := range peers {
					if !at(field, j) {
						kept = append(kept, peer)
					}
				}
				if len(kept) > 0 {
					spec[key] = append(spec[key].([]any), object{field: kept, "ports": rule["ports"]})
				}
			}
		}
		left.policies = append(left.policies, object{"metadata": p["metadata"], "spec": spec})
	}
	return left
}
