package networkpolicy

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/netip"
	"slices"

	networking "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// A reference knows a world as the cluster would: it answers by sending traffic.
type reference struct {
	policies []policy
	pods     []pod // the Function's
	space    map[string]string
	inside   []netip.Prefix
}

// pod is the labels that one pod may have: several where nobody knows the value of one yet.
type pod []map[string]string

type policy struct {
	selector labels.Selector
	types    map[networking.PolicyType]bool
	rules    map[networking.PolicyType][]rule
}

type rule struct {
	peers []peer // none: everyone
	ports []networking.NetworkPolicyPort
}

type peer struct {
	pods, spaces labels.Selector // nil: not given
	block        *block
}

type block struct {
	in  netip.Prefix
	out []netip.Prefix
}

// decode reads a policy as the API server does, with its defaults.
func decode(value any) (policy, error) {
	var p policy
	text, err := json.Marshal(value)
	if err != nil {
		return p, err
	}
	var object networking.NetworkPolicy
	if err := json.Unmarshal(text, &object); err != nil {
		return p, err
	}
	spec := object.Spec
	if len(spec.PolicyTypes) == 0 {
		spec.PolicyTypes = []networking.PolicyType{networking.PolicyTypeIngress}
		if len(spec.Egress) > 0 {
			spec.PolicyTypes = append(spec.PolicyTypes, networking.PolicyTypeEgress)
		}
	}
	p.types = map[networking.PolicyType]bool{}
	for _, direction := range spec.PolicyTypes {
		if !slices.Contains(directions, direction) {
			return p, fmt.Errorf("unsupported type %q", direction)
		}
		p.types[direction] = true
	}
	if p.selector, err = metav1.LabelSelectorAsSelector(&spec.PodSelector); err != nil {
		return p, err
	}
	p.rules = map[networking.PolicyType][]rule{}
	for _, r := range spec.Ingress {
		peers, err := decodePeers(r.From)
		if err != nil {
			return p, err
		}
		p.rules[networking.PolicyTypeIngress] = append(p.rules[networking.PolicyTypeIngress], rule{peers, r.Ports})
	}
	for _, r := range spec.Egress {
		peers, err := decodePeers(r.To)
		if err != nil {
			return p, err
		}
		p.rules[networking.PolicyTypeEgress] = append(p.rules[networking.PolicyTypeEgress], rule{peers, r.Ports})
	}
	return p, nil
}

var directions = []networking.PolicyType{networking.PolicyTypeIngress, networking.PolicyTypeEgress}

func decodePeers(objects []networking.NetworkPolicyPeer) ([]peer, error) {
	var peers []peer
	for _, object := range objects {
		var p peer
		var err error
		if object.PodSelector != nil {
			if p.pods, err = metav1.LabelSelectorAsSelector(object.PodSelector); err != nil {
				return nil, err
			}
		}
		if object.NamespaceSelector != nil {
			if p.spaces, err = metav1.LabelSelectorAsSelector(object.NamespaceSelector); err != nil {
				return nil, err
			}
		}
		if object.IPBlock != nil {
			if p.pods != nil || p.spaces != nil {
				return nil, fmt.Errorf("a block beside selectors")
			}
			if p.block, err = decodeBlock(object.IPBlock); err != nil {
				return nil, err
			}
		}
		if p == (peer{}) {
			return nil, fmt.Errorf("an empty peer")
		}
		peers = append(peers, p)
	}
	return peers, nil
}

func decodeBlock(object *networking.IPBlock) (*block, error) {
	in, err := prefix(object.CIDR)
	if err != nil {
		return nil, err
	}
	b := &block{in: in}
	for _, text := range object.Except {
		out, err := prefix(text)
		if err != nil {
			return nil, err
		}
		if out.Bits() <= in.Bits() || !in.Contains(out.Addr()) {
			return nil, fmt.Errorf("%s isn't part of %s", out, in)
		}
		b.out = append(b.out, out)
	}
	return b, nil
}

// prefix reads a CIDR; IPv4 written as IPv6 is IPv4.
func prefix(text string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return p, err
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), nil
}

// traffic is one attempt to connect: with a pod, of labels in a namespace of labels, or with an address.
type traffic struct {
	pod, space map[string]string
	own        bool // the pod is in the Function's namespace
	address    netip.Addr
	port       int32
	protocol   string
}

// passes is the NetworkPolicy API: what no policy selects is free, else some rule must allow it.
func passes(policies []policy, p pod, direction networking.PolicyType, t traffic) bool {
	isolated := false
	for _, policy := range policies {
		if !policy.types[direction] || !policy.selects(p) {
			continue
		}
		isolated = true
		for _, r := range policy.rules[direction] {
			if r.reaches(t) {
				return true
			}
		}
	}
	return !isolated
}

func (p policy) selects(candidate pod) bool {
	return slices.ContainsFunc(candidate, func(l map[string]string) bool { return p.selector.Matches(labels.Set(l)) })
}

func (r rule) reaches(t traffic) bool {
	return r.passesPort(t.port, t.protocol) &&
		(len(r.peers) == 0 || slices.ContainsFunc(r.peers, func(p peer) bool { return p.is(t) }))
}

func (r rule) passesPort(number int32, protocol string) bool {
	if len(r.ports) == 0 {
		return true
	}
	return slices.ContainsFunc(r.ports, func(p networking.NetworkPolicyPort) bool {
		wanted := "TCP"
		if p.Protocol != nil {
			wanted = string(*p.Protocol)
		}
		switch {
		case protocol != wanted:
			return false
		case p.Port == nil:
			return true
		case p.Port.Type == intstr.String:
			return true // whoever is at the other end may call any of its ports so
		case p.EndPort != nil:
			return p.Port.IntVal <= number && number <= *p.EndPort
		}
		return p.Port.IntVal == number
	})
}

func (p peer) is(t traffic) bool {
	if p.block != nil {
		return t.address.IsValid() && p.block.has(t.address)
	}
	if t.address.IsValid() || p.pods != nil && !p.pods.Matches(labels.Set(t.pod)) {
		return false
	}
	if p.spaces == nil {
		return t.own
	}
	return p.spaces.Matches(labels.Set(t.space))
}

func (b block) has(address netip.Addr) bool {
	return b.in.Contains(address) &&
		!slices.ContainsFunc(b.out, func(out netip.Prefix) bool { return out.Contains(address) })
}

// denied says whether every pod is denied by default: with no rule left, nothing passes.
func (r reference) denied(direction networking.PolicyType) bool {
	bare := slices.Clone(r.policies)
	for i := range bare {
		bare[i].rules = nil
	}
	probe := traffic{address: netip.MustParseAddr("203.0.113.1"), port: 443, protocol: "TCP"}
	return !slices.ContainsFunc(r.pods, func(p pod) bool { return passes(bare, p, direction, probe) })
}

// reopened says whether a stranger passes to or from a pod that is denied by default, other than to resolve names; or a
// wide range of addresses that reaches into the cluster.
func (r reference) reopened(direction networking.PolicyType) bool {
	strangers, doors := r.strangers(), doors(direction)
	for _, p := range r.pods {
		selecting := slices.DeleteFunc(slices.Clone(r.policies), func(policy policy) bool {
			return !policy.types[direction] || !policy.selects(p)
		})
		if len(selecting) == 0 {
			continue
		}
		for _, t := range strangers {
			for _, door := range doors {
				t.port, t.protocol = door.port, door.protocol
				if passes(selecting, p, direction, t) {
					return true
				}
			}
		}
		if r.wide(selecting, direction, doors) {
			return true
		}
	}
	return false
}

var podKeys, spaceKeys = []string{"app", "team", "tier"}, []string{"team", "env"}

const nameLabel = "kubernetes.io/metadata.name"

// strangers are pods of whose labels no value is known to any policy, but for those that Istio gives to every pod in the mesh;
// in the Function's namespace and in strange ones. Every namespace has a label with its name.
func (r reference) strangers() []traffic {
	var all []traffic
	for _, bare := range unknown(podKeys) {
		meshed := maps.Clone(bare)
		maps.Copy(meshed, ofTheMesh)
		for _, pod := range []map[string]string{bare, meshed} {
			all = append(all, traffic{pod: pod, space: r.space, own: true})
			for _, space := range unknown(spaceKeys) {
				space[nameLabel] = "nowhere"
				all = append(all, traffic{pod: pod, space: space})
			}
		}
	}
	return all
}

// unknown gives every selection of the keys, with values nobody asks for.
func unknown(keys []string) []map[string]string {
	sets := []map[string]string{{}}
	for _, key := range keys {
		for _, set := range slices.Clone(sets) {
			more := maps.Clone(set)
			more[key] = "unheard-of"
			sets = append(sets, more)
		}
	}
	return sets
}

type door struct {
	port     int32
	protocol string
}

// doors are the ports to try: those that policies name, their neighbours, and any other. What only resolves names is none.
func doors(direction networking.PolicyType) []door {
	var all []door
	for _, port := range []int32{1, 52, 53, 54, 80, 443, 8052, 8053, 8054, 8080, 65535} {
		for _, protocol := range []string{"TCP", "UDP", "SCTP"} {
			dns := (port == 53 || port == 8053) && protocol != "SCTP"
			if !dns || direction == networking.PolicyTypeIngress {
				all = append(all, door{port, protocol})
			}
		}
	}
	return all
}

// wide says whether the blocks through which an address of the cluster passes cover as many addresses as an IPv4 /8 or an
// IPv6 /32. It cuts the addresses at every border, so that those between two cuts are all alike.
func (r reference) wide(policies []policy, direction networking.PolicyType, doors []door) bool {
	var blocks []block
	for _, policy := range policies {
		for _, rule := range policy.rules[direction] {
			if !slices.ContainsFunc(doors, func(d door) bool { return rule.passesPort(d.port, d.protocol) }) {
				continue
			}
			for _, peer := range rule.peers {
				if peer.block != nil {
					blocks = append(blocks, *peer.block)
				}
			}
		}
	}
	if len(blocks) == 0 {
		return false
	}
	for _, family := range []struct{ bits, threshold int }{{32, 24}, {128, 96}} {
		atoms := r.atoms(blocks, family.bits)
		var leaking []block
		for _, b := range blocks {
			if slices.ContainsFunc(atoms, func(a atom) bool { return b.has(a.first) && contains(r.inside, a.first) }) {
				leaking = append(leaking, b)
			}
		}
		total := new(big.Int)
		for _, a := range atoms {
			if slices.ContainsFunc(leaking, func(b block) bool { return b.in.Contains(a.first) }) {
				total.Add(total, a.size)
			}
		}
		if total.Cmp(new(big.Int).Lsh(big.NewInt(1), uint(family.threshold))) >= 0 {
			return true
		}
	}
	return false
}

func contains(prefixes []netip.Prefix, address netip.Addr) bool {
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(address) })
}

type atom struct {
	first netip.Addr
	size  *big.Int
}

func (r reference) atoms(blocks []block, bits int) []atom {
	end := new(big.Int).Lsh(big.NewInt(1), uint(bits))
	cuts := []*big.Int{new(big.Int), end}
	cut := func(p netip.Prefix) {
		if p.Addr().BitLen() == bits {
			first := new(big.Int).SetBytes(p.Addr().AsSlice())
			size := new(big.Int).Lsh(big.NewInt(1), uint(bits-p.Bits()))
			cuts = append(cuts, first, new(big.Int).Add(first, size))
		}
	}
	for _, b := range blocks {
		cut(b.in)
		for _, out := range b.out {
			cut(out)
		}
	}
	for _, p := range r.inside {
		cut(p)
	}
	slices.SortFunc(cuts, (*big.Int).Cmp)
	cuts = slices.CompactFunc(cuts, func(a, b *big.Int) bool { return a.Cmp(b) == 0 })
	var atoms []atom
	for i := range len(cuts) - 1 {
		first, _ := netip.AddrFromSlice(cuts[i].FillBytes(make([]byte, bits/8)))
		atoms = append(atoms, atom{first, new(big.Int).Sub(cuts[i+1], cuts[i])})
	}
	return atoms
}
