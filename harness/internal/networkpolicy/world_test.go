package networkpolicy

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
)

type object = map[string]any

// world is a namespace with one Function and NetworkPolicies, as manifests have them.
type world struct {
	flavor   string
	function object
	space    object // the Namespace, nil if it isn't known
	policies []object
	inside   []any // clusterCIDRs
}

const namespace = "demo"

// dice throws what a world is made of. Every choice is made of what policies in the wild say, and of its limits.
type dice struct{ *rand.Rand }

func (d dice) chance(percent int) bool { return d.IntN(100) < percent }

func pick[T any](d dice, choices ...T) T { return choices[d.IntN(len(choices))] }

func (d dice) world() world {
	metadata := object{"name": "orders", "namespace": namespace}
	if d.chance(50) {
		metadata["uid"] = pick(d, "11111111", "22222222")
	}
	if d.chance(50) {
		metadata["labels"] = d.labels("app", "team")
	}
	spec := object{"runtime": "nodejs24"}
	if d.chance(50) {
		spec["labels"] = d.labels("app", "team", "tier")
	}
	w := world{
		flavor: pick(d, "classic", "buildless"),
		function: object{
			"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function", "metadata": metadata, "spec": spec,
		},
		inside: pick(d,
			[]any{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"},
			[]any{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"},
			[]any{"10.0.0.0/9", "10.128.0.0/9", "fd00::/16"},
			[]any{"100.64.0.0/10", "2001:db8::/32"},
		),
	}
	if d.chance(80) {
		w.space = object{"apiVersion": "v1", "kind": "Namespace", "metadata": object{
			"name": namespace, "labels": d.labels("team", "env"),
		}}
	}
	// Most namespaces begin with a policy that denies; whether it covers the Function is another matter.
	if d.chance(75) {
		w.policies = append(w.policies, d.policy(0, object{
			"podSelector": d.selected(),
			"policyTypes": pick(d, []any{"Ingress", "Egress"}, []any{"Ingress", "Egress"}, []any{"Egress"}, []any{"Ingress"}),
		}))
	}
	for i := range d.IntN(3) {
		w.policies = append(w.policies, d.policy(i+1, d.spec(w.inside)))
	}
	return w
}

func (d dice) policy(i int, spec object) object {
	return object{
		"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
		"metadata": object{"name": fmt.Sprintf("policy-%d", i), "namespace": namespace}, "spec": spec,
	}
}

// labels gives some of the keys a value.
func (d dice) labels(keys ...string) object {
	labels := object{}
	for _, key := range keys {
		if d.chance(50) {
			labels[key] = d.value()
		}
	}
	return labels
}

func (d dice) value() string { return pick(d, "a", "b") }

func (d dice) spec(inside []any) object {
	spec := object{"podSelector": d.selected()}
	if d.chance(15) {
		delete(spec, "podSelector")
	}
	switch d.IntN(6) {
	case 0:
		spec["policyTypes"] = pick(d, []any{}, nil)
	case 1:
		spec["policyTypes"] = []any{"Egress"}
	case 2:
		spec["policyTypes"] = []any{"Ingress"}
	case 3:
		spec["policyTypes"] = []any{"Ingress", "Egress"}
	}
	for _, direction := range []struct{ rules, peers string }{{"ingress", "from"}, {"egress", "to"}} {
		switch n := d.IntN(10); {
		case n < 3:
		case n == 3:
			spec[direction.rules] = pick(d, []any{}, nil)
		default:
			rules := []any{}
			for range 1 + d.IntN(2) {
				rules = append(rules, d.rule(direction.peers, inside))
			}
			spec[direction.rules] = rules
		}
	}
	return spec
}

func (d dice) rule(field string, inside []any) any {
	if d.chance(2) {
		return nil
	}
	rule := object{}
	if d.chance(60) {
		rule["ports"] = d.ports()
	}
	switch n := d.IntN(100); {
	case n < 6:
		rule[field] = pick(d, []any{}, nil)
	case n < 10:
	case n < 35:
		rule[field] = d.blocks(inside)
	default:
		peers := []any{}
		for range 1 + d.IntN(2) {
			peers = append(peers, d.peer(inside))
		}
		rule[field] = peers
	}
	return rule
}

func (d dice) ports() any {
	ports := []any{}
	for range d.IntN(3) {
		ports = append(ports, pick(d,
			object{"port": 53, "protocol": "UDP"},
			object{"port": 53, "protocol": "TCP"},
			object{"port": 53},
			object{"port": 8053, "protocol": nil},
			object{"port": 53, "endPort": 53},
			object{"port": 53, "endPort": 54},
			object{"port": 52, "endPort": 53},
			object{"port": 53, "protocol": "SCTP"},
			object{"port": 443},
			object{"port": 8080, "protocol": "TCP"},
			object{"port": "dns", "protocol": "UDP"},
			object{"protocol": "UDP"},
			object{},
		))
	}
	if len(ports) == 0 && d.chance(50) {
		return nil
	}
	return ports
}

func (d dice) peer(inside []any) object {
	switch d.IntN(8) {
	case 0, 1, 2:
		return object{"podSelector": d.dressed(d.peerSelector(podKeys))}
	case 3, 4:
		return object{"namespaceSelector": d.spaceSelector()}
	case 5, 6:
		return object{"namespaceSelector": d.spaceSelector(), "podSelector": pick[any](d, d.dressed(d.peerSelector(podKeys)), nil)}
	}
	return object{"ipBlock": d.block(inside)}
}

// peerSelector selects strangers, or asks for a label's value.
func (d dice) peerSelector(keys []string) object {
	if d.chance(55) {
		return object{"matchLabels": object{pick(d, keys...): d.value()}}
	}
	selector := object{}
	if d.chance(30) {
		selector["matchLabels"] = pick[any](d, object{}, nil)
	}
	requirements := []any{}
	for range d.IntN(3) {
		requirements = append(requirements, d.requirement(keys))
	}
	if len(requirements) > 0 || d.chance(30) {
		selector["matchExpressions"] = requirements
	}
	return selector
}

// dressed also asks, now and then, for what Istio writes on every pod.
func (d dice) dressed(selector object) object {
	if d.chance(85) {
		return selector
	}
	key := pick(d, modeLabel, revisionLabel)
	if d.chance(50) {
		selector["matchExpressions"] = append(list(selector["matchExpressions"]), object{
			"key": key, "operator": "In", "values": []any{ofTheMesh[key], "a"},
		})
		return selector
	}
	wanted := object{key: ofTheMesh[key]}
	if d.chance(20) {
		wanted[key] = "a"
	}
	labels, _ := selector["matchLabels"].(object)
	maps.Copy(wanted, labels)
	selector["matchLabels"] = wanted
	return selector
}

func list(value any) []any {
	items, _ := value.([]any)
	return items
}

func (d dice) spaceSelector() object {
	switch d.IntN(5) {
	case 0:
		return object{"matchLabels": object{nameLabel: pick(d, namespace, "istio-system", "kyma-system")}}
	case 1:
		return object{"matchExpressions": []any{
			object{"key": nameLabel, "operator": "In", "values": pick(d, []any{"istio-system"}, []any{"shop", namespace})},
		}}
	case 2:
		return object{"matchExpressions": []any{pick(d,
			object{"key": nameLabel, "operator": "Exists"},
			object{"key": nameLabel, "operator": "NotIn", "values": []any{"kube-system"}},
			object{"key": nameLabel, "operator": "DoesNotExist"},
		)}}
	}
	return d.peerSelector(spaceKeys)
}

func (d dice) requirement(keys []string) object {
	r := object{"key": pick(d, keys...), "operator": pick(d, "In", "NotIn", "Exists", "DoesNotExist")}
	if r["operator"] == "In" || r["operator"] == "NotIn" {
		r["values"] = pick(d, []any{"a"}, []any{"b"}, []any{"a", "b"})
	}
	return r
}

const prefixOfLabels = "serverless.kyma-project.io/"

// selected selects the Function's pods: all, one kind, those of another Function, none.
func (d dice) selected() any {
	switch d.IntN(12) {
	case 0, 1, 2:
		return pick[any](d, object{}, object{"matchLabels": object{}}, nil)
	case 3:
		return object{"matchLabels": object{prefixOfLabels + "function-name": pick(d, "orders", "orders", "orders", "cart")}}
	case 4:
		return object{"matchLabels": object{prefixOfLabels + "managed-by": "function-controller"}}
	case 5:
		return object{"matchLabels": object{prefixOfLabels + "resource": "deployment", prefixOfLabels + "function-name": "orders"}}
	case 6:
		return object{"matchLabels": object{prefixOfLabels + "uuid": pick(d, "11111111", "22222222")}}
	case 7:
		return object{"matchExpressions": []any{object{
			"key": prefixOfLabels + "resource", "operator": pick(d, "Exists", "DoesNotExist"),
		}}}
	case 8:
		return object{"matchExpressions": []any{object{
			"key":      pick(d, prefixOfLabels+"function-name", "app.kubernetes.io/name"),
			"operator": pick(d, "In", "In", "NotIn"), "values": []any{"orders", "cart"},
		}}}
	case 9:
		return object{"matchExpressions": []any{object{
			"key": pick(d, hashLabel, jobLabel, zoneLabel, modeLabel, revisionLabel), "operator": pick(d, "Exists", "DoesNotExist"),
		}}}
	case 10:
		key := pick(d, hashLabel, jobLabel, zoneLabel, modeLabel, canonicalNameLabel)
		return object{"matchLabels": object{key: map[string]string{
			hashLabel: knownHash, jobLabel: knownJob, zoneLabel: knownZone, modeLabel: "istio", canonicalNameLabel: pick(d, "orders", "cart"),
		}[key]}}
	}
	return d.peerSelector(podKeys)
}

// blocks are peers that together are a network: whole, short of a part, or one that has nothing to do with the others.
func (d dice) blocks(inside []any) []any {
	whole := pick(d, "0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/8", "10.0.0.0/7", "172.16.0.0/12", "::/0", "fd00::/32", "fd00::/32",
		"fc00::/7", "2001:db8::/32", "100.0.0.0/8")
	parts := split(netip.MustParsePrefix(whole), 1+d.IntN(3))
	if d.chance(40) {
		lost := d.IntN(len(parts))
		parts = slices.Delete(parts, lost, lost+1)
	}
	peers := []any{}
	for _, part := range parts {
		b := object{"cidr": d.spelled(part)}
		if d.chance(20) {
			b["except"] = d.except(part, inside)
		}
		peers = append(peers, object{"ipBlock": b})
	}
	if d.chance(50) {
		peers = append(peers, object{"ipBlock": d.block(inside)})
	}
	return peers
}

func (d dice) block(inside []any) object {
	in := netip.MustParsePrefix(pick(d,
		"0.0.0.0/0", "0.0.0.0/0", "0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "8.0.0.0/6", "10.0.0.0/8", "10.0.0.0/8",
		"10.0.0.0/9", "10.96.0.10/32", "172.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "203.0.113.0/24", "11.0.0.0/8",
		"100.64.0.0/10", "::/0", "::/0", "::/0", "fc00::/7", "fd00::/8", "fd00::/32", "fd00:0:8000::/33", "2001:db8::/32",
		"2001:db8::/31", "2606:4700::/32", "fd00::1/128", "fd00::/96"))
	b := object{"cidr": d.spelled(in)}
	if in.Bits() < in.Addr().BitLen() && d.chance(70) {
		b["except"] = d.except(in, inside)
	}
	return b
}

// except leaves the cluster's addresses out, whole, in parts, short of a part, or something else.
func (d dice) except(in netip.Prefix, inside []any) []any {
	outs := []any{}
	within := func(out netip.Prefix) bool { return out.Bits() > in.Bits() && in.Contains(out.Addr()) }
	add := func(out netip.Prefix) {
		if within(out) {
			outs = append(outs, d.spelled(out))
		}
	}
	skipped := -1
	if d.chance(30) {
		skipped = d.IntN(len(inside))
	}
	for i, text := range inside {
		network := netip.MustParsePrefix(text.(string))
		switch {
		case i == skipped:
		case d.chance(30) || !within(network):
			n := 1 + d.IntN(2)
			if network.Bits() <= in.Bits() {
				network = in
			}
			if network.Bits()+n > network.Addr().BitLen() {
				continue
			}
			parts := split(network, n)
			if d.chance(25) {
				lost := d.IntN(len(parts))
				parts = slices.Delete(parts, lost, lost+1)
			}
			for _, part := range parts {
				add(part)
			}
		default:
			add(network)
		}
	}
	if d.chance(30) {
		add(netip.MustParsePrefix(pick(d, "10.1.0.0/16", "169.254.169.254/32", "fd00:1::/48", "192.0.0.0/4")))
	}
	d.Shuffle(len(outs), func(i, j int) { outs[i], outs[j] = outs[j], outs[i] })
	return outs
}

// split cuts a network into 2^n of one size.
func split(p netip.Prefix, n int) []netip.Prefix {
	parts := []netip.Prefix{p}
	for range n {
		var halves []netip.Prefix
		for _, part := range parts {
			bytes := part.Addr().AsSlice()
			bytes[part.Bits()/8] |= 0x80 >> (part.Bits() % 8)
			upper, _ := netip.AddrFromSlice(bytes)
			halves = append(halves, netip.PrefixFrom(part.Addr(), part.Bits()+1), netip.PrefixFrom(upper, part.Bits()+1))
		}
		parts = halves
	}
	return parts
}

// spelled writes a network in one of its forms.
func (d dice) spelled(p netip.Prefix) string {
	switch n := d.IntN(20); {
	case n == 0 && p.Addr().Is4():
		return fmt.Sprintf("::ffff:%s/%d", p.Addr(), p.Bits()+96)
	case n == 1 && p.Addr().Is4():
		b := p.Addr().As4()
		return fmt.Sprintf("0:0:0:0:0:FFFF:%x:%x/%d", int(b[0])<<8|int(b[1]), int(b[2])<<8|int(b[3]), p.Bits()+96)
	case n == 2 && p.Bits() < p.Addr().BitLen(): // with bits of a host
		bytes := p.Addr().AsSlice()
		bytes[len(bytes)-1] |= 1
		host, _ := netip.AddrFromSlice(bytes)
		return fmt.Sprintf("%s/%d", host, p.Bits())
	case n == 3 && p.Addr().Is6():
		return fmt.Sprintf("%s/%d", strings.ToUpper(p.Addr().StringExpanded()), p.Bits())
	}
	return p.String()
}

// reference is what the world is to the cluster.
func (w world) reference() (reference, error) {
	var r reference
	for _, value := range w.policies {
		p, err := decode(value)
		if err != nil {
			return r, fmt.Errorf("%s: %w", text(value), err)
		}
		r.policies = append(r.policies, p)
	}
	for _, value := range w.inside {
		p, err := prefix(value.(string))
		if err != nil {
			return r, err
		}
		r.inside = append(r.inside, p)
	}
	r.space = map[string]string{}
	if w.space != nil {
		r.space = strs(w.space["metadata"].(object)["labels"])
	}
	r.space[nameLabel] = namespace

	metadata := w.function["metadata"].(object)
	identity := map[string]string{
		prefixOfLabels + "function-name": "orders",
		prefixOfLabels + "managed-by":    "function-controller",
	}
	runtime := strs(w.function["spec"].(object)["labels"])
	maps.Copy(runtime, identity)
	runtime[prefixOfLabels+"resource"] = "deployment"
	runtime["app.kubernetes.io/name"] = "orders"
	add := func(labels map[string]string, more ...map[string]string) {
		labels = maps.Clone(labels)
		for _, m := range more {
			maps.Copy(labels, m)
		}
		r.pods = append(r.pods, identified(labels, metadata["uid"]))
	}
	build := strs(metadata["labels"])
	maps.Copy(build, identity)
	for _, zone := range []string{knownZone, "unheard-of"} {
		node := map[string]string{zoneLabel: zone}
		for _, hash := range []string{knownHash, "unheard-of"} {
			add(runtime, node, map[string]string{hashLabel: hash})
			add(runtime, node, map[string]string{hashLabel: hash, canonicalNameLabel: "orders"}, ofTheMesh)
		}
		if w.flavor == "classic" {
			for _, job := range []string{knownJob, "unheard-of"} {
				add(build, node, map[string]string{jobLabel: job})
			}
		}
	}
	return r, nil
}

// What controllers write on the pods of Deployments and Jobs, and Kubernetes on all, with values of their own, and Istio on those
// of the mesh.
const (
	hashLabel, knownHash = "pod-template-hash", "5d8f9"
	jobLabel, knownJob   = "batch.kubernetes.io/job-name", "orders-build-1"
	zoneLabel, knownZone = "topology.kubernetes.io/zone", "eu-1a"
	modeLabel            = "security.istio.io/tlsMode"
	revisionLabel        = "service.istio.io/canonical-revision"
	canonicalNameLabel   = "service.istio.io/canonical-name"
)

var ofTheMesh = map[string]string{modeLabel: "istio", revisionLabel: "latest"}

// identified adds the uuid, each that it may come to be if nobody knows it.
func identified(labels map[string]string, uid any) pod {
	uids := []string{"11111111", "22222222", "33333333"}
	if known, ok := uid.(string); ok {
		uids = []string{known}
	}
	var variants pod
	for _, uid := range uids {
		variant := maps.Clone(labels)
		variant[prefixOfLabels+"uuid"] = uid
		variants = append(variants, variant)
	}
	return variants
}

func strs(labels any) map[string]string {
	all := map[string]string{}
	object, _ := labels.(object)
	for key, value := range object {
		all[key] = value.(string)
	}
	return all
}
