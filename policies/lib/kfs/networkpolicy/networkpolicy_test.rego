package lib.kfs.networkpolicy_test

import data.lib.kfs.networkpolicy

test_cidr[note] if {
	some note, tc in {
		"everything": {"text": "0.0.0.0/0", "want": "4:"},
		"a network": {"text": "10.0.0.0/8", "want": "4:00001010"},
		"not at a byte's end": {"text": "172.16.0.0/12", "want": "4:101011000001"},
		"bits of a host": {"text": "10.255.255.255/8", "want": "4:00001010"},
		"one address": {"text": "1.2.3.4/32", "want": "4:00000001000000100000001100000100"},
		"a zero before the length": {"text": "10.0.0.0/08", "want": "4:00001010"},
		"all of IPv6": {"text": "::/0", "want": "6:"},
		"an IPv6 network": {"text": "fc00::/7", "want": "6:1111110"},
		"of two groups": {"text": "2001:db8::/32", "want": "6:00100000000000010000110110111000"},
		"in capitals, in full": {"text": "2001:0DB8:0:0:0:0:0:0/32", "want": "6:00100000000000010000110110111000"},
		"the gap at the start": {"text": "::1/128", "want": sprintf("6:%0127d1", [0])},
		"the gap in the middle": {"text": "ff00::1/128", "want": sprintf("6:11111111%0119d1", [0])},
		"IPv4 in IPv6": {"text": "::ffff:10.0.0.0/104", "want": "4:00001010"},
		"IPv4 in IPv6, in hex": {"text": "0:0:0:0:0:FFFF:A00:0/104", "want": "4:00001010"},
		"all IPv4 in IPv6": {"text": "::ffff:0:0/96", "want": "4:"},
		"more than IPv4 in IPv6": {"text": "::fffe:0:0/95", "want": sprintf("6:%080d111111111111111", [0])},
	}

	networkpolicy.cidr(tc.text) == tc.want
}

test_no_cidr[note] if {
	some note, text in {
		"an address": "10.0.0.0",
		"too few bytes": "10.0.0/8",
		"an octal byte": "010.0.0.0/8",
		"too long": "10.0.0.0/33",
		"a zone": "fe80::1%eth0/64",
		"whitespace": " 10.0.0.0/8",
		"empty": "",
		"null": null,
		"number": 10,
	}

	networkpolicy.cidrs([text]) == {"4:", "6:"}
}

test_cidrs[note] if {
	some note, tc in {
		"a list": {"list": ["10.0.0.0/8", "fc00::/7"], "want": {"4:00001010", "6:1111110"}},
		"empty": {"list": [], "want": {"4:", "6:"}},
		"one of them unreadable": {"list": ["10.0.0.0/8", "x"], "want": {"4:", "6:"}},
		"text": {"list": "10.0.0.0/8", "want": {"4:", "6:"}},
		"null": {"list": null, "want": {"4:", "6:"}},
		"an object": {"list": {"a": "10.0.0.0/8"}, "want": {"4:", "6:"}},
	}

	networkpolicy.cidrs(tc.list) == tc.want
}

test_types[note] if {
	some note, tc in {
		"no spec": {"policy": {}, "want": {"Ingress"}},
		"null spec": {"policy": {"spec": null}, "want": {"Ingress"}},
		"nothing": {"policy": {"spec": {}}, "want": {"Ingress"}},
		"null": {"policy": {"spec": {"policyTypes": null}}, "want": {"Ingress"}},
		"empty": {"policy": {"spec": {"policyTypes": []}}, "want": {"Ingress"}},
		"empty egress": {"policy": {"spec": {"egress": []}}, "want": {"Ingress"}},
		"null egress": {"policy": {"spec": {"egress": null}}, "want": {"Ingress"}},
		"egress": {"policy": {"spec": {"egress": [{}]}}, "want": {"Ingress", "Egress"}},
		"listed": {"policy": {"spec": {"policyTypes": ["Egress"]}}, "want": {"Egress"}},
		"in another case": {"policy": {"spec": {"policyTypes": ["ingress", "Egress"]}}, "want": set()},
		"text": {"policy": {"spec": {"policyTypes": "Ingress"}}, "want": set()},
		"spec is text": {"policy": {"spec": "x"}, "want": set()},
		"no object": {"policy": "x", "want": {"Ingress"}},
	}

	networkpolicy.types(tc.policy) == tc.want
}

test_isolated[note] if {
	some note, tc in {
		"no selector": {"spec": {}, "want": true},
		"null": {"spec": {"podSelector": null}, "want": true},
		"empty": {"spec": {"podSelector": {}}, "want": true},
		"the pod's label": {"spec": {"podSelector": {"matchLabels": {"app": "a"}}}, "want": true},
		"another label": {"spec": {"podSelector": {"matchLabels": {"app": "b"}}}, "want": false},
		"a label nobody knows": {"spec": {"podSelector": {"matchLabels": {"uuid": "1"}}}, "want": true},
		"unreadable": {"spec": {"podSelector": "app=a"}, "want": false},
		"unreadable operator": {
			"spec": {"podSelector": {"matchExpressions": [{"key": "app", "operator": "exists"}]}},
			"want": false,
		},
		"other direction": {"spec": {"policyTypes": ["Egress"]}, "want": false},
		"spec is text": {"spec": "x", "want": false},
		"spec is null": {"spec": null, "want": true},
		"null types": {"spec": {"policyTypes": null}, "want": true},
		"no types": {"spec": {"policyTypes": []}, "want": true},
		"types are text": {"spec": {"policyTypes": "Ingress"}, "want": false},
	}

	_isolated({"p": {"spec": tc.spec}}) == tc.want
	_isolated(networkpolicy.guards({tc.spec})) == tc.want
}

test_isolated_by_one_of_several if {
	_isolated({"a": {"spec": {"podSelector": {"matchLabels": {"app": "b"}}}}, "b": {"spec": {}}})
	not _isolated({})
}

test_guards if {
	networkpolicy.guards({
		{"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]},
		{"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [], "egress": []},
		{"podSelector": {}, "ingress": [{}]},
		{"podSelector": {}, "policyTypes": null, "egress": [{}]},
		null,
		"x",
	}) == {{"spec": spec} |
		some spec in {
			{"podSelector": {}, "policyTypes": ["Ingress"]},
			{"podSelector": {}},
			{"podSelector": {}, "egress": [{}]},
			null,
		}
	}
}

# What is left out needn't be looked at closely.
test_open[note] if {
	some note, tc in {
		"nothing": {"spec": {}, "want": false},
		"no rules": {"spec": {"ingress": [], "egress": []}, "want": false},
		"named pods": {
			"spec": {"ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "b"}}}]}]},
			"want": false,
		},
		"named pods of a namespace": {
			"spec": {"egress": [{"to": [{
				"namespaceSelector": {"matchLabels": {"team": "b"}},
				"podSelector": {"matchLabels": {"app": "b"}},
			}]}]},
			"want": false,
		},
		"outside": {"spec": {"egress": [{"to": [{"ipBlock": {"cidr": "198.51.100.0/24"}}]}]}, "want": false},
		"few addresses": {"spec": {"egress": [{"to": [{"ipBlock": {"cidr": "10.1.0.0/16"}}]}]}, "want": false},
		"many": {"spec": {"egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]}, "want": true},
		"around the cluster": {"spec": {"egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]}, "want": true},
		"around it, without it": {
			"spec": {"egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}]}]},
			"want": false,
		},
		"names": {"spec": {"egress": [{"ports": [{"port": 53}]}]}, "want": false},
		"everyone": {"spec": {"egress": [{}]}, "want": true},
		"any label": {"spec": {"ingress": [{"from": [{"podSelector": {"matchLabels": {}}}]}]}, "want": true},
		"labels are text": {"spec": {"ingress": [{"from": [{"podSelector": {"matchLabels": "x"}}]}]}, "want": true},
		"a label is a number": {
			"spec": {"ingress": [{"from": [{"podSelector": {"matchLabels": {"a": 1}}}]}]},
			"want": true,
		},
		"a namespace's label is a number": {
			"spec": {"ingress": [{"from": [{
				"namespaceSelector": {"matchLabels": {"a": 1}},
				"podSelector": {"matchLabels": {"a": "b"}},
			}]}]},
			"want": true,
		},
		"a namespace's labels are text": {
			"spec": {"ingress": [{"from": [{
				"namespaceSelector": {"matchLabels": "x"},
				"podSelector": {"matchLabels": {"a": "b"}},
			}]}]},
			"want": true,
		},
		"every pod of the mesh": {
			"spec": {"ingress": [{"from": [{"podSelector": {"matchLabels": {"security.istio.io/tlsMode": "istio"}}}]}]},
			"want": true,
		},
		"any label in a namespace": {
			"spec": {"ingress": [{"from": [{
				"namespaceSelector": {"matchLabels": {"team": "a"}},
				"podSelector": {"matchLabels": {}},
			}]}]},
			"want": true,
		},
		"null rules": {"spec": {"ingress": null}, "want": true},
		"rules are an object": {"spec": {"ingress": {"a": {}}}, "want": true},
		"rules are text": {"spec": {"egress": "x"}, "want": true},
		"spec is text": {"spec": "x", "want": true},
	}

	others := {{"podSelector": {}, "policyTypes": ["Ingress"]}}
	networkpolicy.open(others | {tc.spec}, _around, _inside) == {tc.spec | tc.want}
}

test_open_together if {
	lower := {"egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/9"}}]}]}
	upper := {"egress": [{"to": [{"ipBlock": {"cidr": "10.128.0.0/9"}}]}]}
	callers := {"ingress": [{"from": [{"ipBlock": {"cidr": "10.128.0.0/9"}}]}]}
	networkpolicy.open({lower, upper}, _around, _inside) == {lower, upper}
	networkpolicy.open({lower, callers}, _around, _inside) == set()
}

# In both directions alike.
test_reopened[note] if {
	some note, tc in {
		"named": {"rule": {"from": [{"podSelector": {"matchLabels": {"app": "b"}}}]}, "want": set()},
		"everyone": {"rule": {}, "want": {"it names no peer"}},
		"null rule": {"rule": null, "want": {"it names no peer"}},
		"null peers": {"rule": {"from": null}, "want": {"it names no peer"}},
		"no peers": {"rule": {"from": []}, "want": {"it names no peer"}},
		"rule is text": {"rule": "x", "want": {"it can't be read"}},
		"peers are an object": {"rule": {"from": {"podSelector": {}}}, "want": {"it can't be read"}},
		"peer is null": {"rule": {"from": [null]}, "want": {"it can't be read"}},
		"peer is empty": {"rule": {"from": [{}]}, "want": {"it can't be read"}},
		"peer says only null": {"rule": {"from": [{"podSelector": null}]}, "want": {"it can't be read"}},
		"address and selector": {
			"rule": {"from": [{"podSelector": {"matchLabels": {"app": "b"}}, "ipBlock": {"cidr": "10.0.0.0/24"}}]},
			"want": {"it can't be read"},
		},
		"unreadable selector": {"rule": {"from": [{"podSelector": "x"}]}, "want": {"it can't be read"}},
		"unreadable beside a narrow one": {
			"rule": {"from": [{"podSelector": [], "namespaceSelector": {"matchLabels": {"team": "b"}}}]},
			"want": {"it can't be read"},
		},
		"unreadable address": {"rule": {"from": [{"ipBlock": {"cidr": "10.0.0.0"}}]}, "want": {"it can't be read"}},
		"address is text": {"rule": {"from": [{"ipBlock": "10.0.0.0/8"}]}, "want": {"it can't be read"}},
		"Exists and DoesNotExist": {
			"rule": {"from": [{"podSelector": {"matchExpressions": [
				{"key": "app", "operator": "Exists"},
				{"key": "app", "operator": "DoesNotExist"},
			]}}]},
			"want": set(),
		},
		"every pod of the mesh": {
			"rule": {"from": [{"podSelector": {"matchLabels": {"security.istio.io/tlsMode": "istio"}}}]},
			"want": {"its podSelector catches every pod of the namespace"},
		},
		"every pod of the mesh, in other words": {
			"rule": {"from": [{"podSelector": {
				"matchLabels": {"service.istio.io/canonical-revision": "latest"},
				"matchExpressions": [
					{"key": "security.istio.io/tlsMode", "operator": "In", "values": ["istio", "x"]},
					{"key": "job-name", "operator": "DoesNotExist"},
				],
			}}]},
			"want": {"its podSelector catches every pod of the namespace"},
		},
		"every pod of every mesh": {
			"rule": {"from": [{
				"namespaceSelector": {},
				"podSelector": {"matchLabels": {"security.istio.io/tlsMode": "istio"}},
			}]},
			"want": {"its namespaceSelector catches every namespace"},
		},
		"some pods of the mesh": {
			"rule": {"from": [{"podSelector": {"matchLabels": {"security.istio.io/tlsMode": "istio", "app": "b"}}}]},
			"want": set(),
		},
		"some pods of the mesh, in other words": {
			"rule": {"from": [{"podSelector": {
				"matchLabels": {"security.istio.io/tlsMode": "istio"},
				"matchExpressions": [{"key": "app", "operator": "In", "values": ["b"]}],
			}}]},
			"want": set(),
		},
		"pods of a mode that Istio doesn't give": {
			"rule": {"from": [{"podSelector": {"matchLabels": {"security.istio.io/tlsMode": "disabled"}}}]},
			"want": set(),
		},
		"no namespace is without a name": {
			"rule": {"from": [{"namespaceSelector": {"matchExpressions": [{
				"key": "kubernetes.io/metadata.name",
				"operator": "DoesNotExist",
			}]}}]},
			"want": set(),
		},
		"the namespace by a label": {
			"rule": {"from": [{"namespaceSelector": {"matchLabels": {"team": "a"}}}]},
			"want": {"its namespaceSelector catches every pod of the namespace"},
		},
		"another namespace": {"rule": {"from": [{"namespaceSelector": {"matchLabels": {"team": "b"}}}]}, "want": set()},
		"one pod of all namespaces": {
			"rule": {"from": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "b"}}}]},
			"want": set(),
		},
		"exceptions are null": {
			"rule": {"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": null}}]},
			"want": {"10.0.0.0/8 reaches into the cluster"},
		},
		"an exception that can't be read": {
			"rule": {"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.0.0.0/9", "10.128.0.0"]}}]},
			"want": {"10.0.0.0/8 reaches into the cluster"},
		},
		"exceptions in halves": {
			"rule": {"from": [{"ipBlock": {"cidr": "10.0.0.0/7", "except": ["10.128.0.0/9", "10.0.0.0/9"]}}]},
			"want": set(),
		},
		"an exception of the other family": {
			"rule": {"from": [{"ipBlock": {"cidr": "10.0.0.0/7", "except": ["::/0"]}}]},
			"want": {"10.0.0.0/7 reaches into the cluster"},
		},
		"the first address is left": {
			"rule": {"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": _all_but_first}}]},
			"want": {"10.0.0.0/8 reaches into the cluster"},
		},
		"the last address is left": {
			"rule": {"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": _all_but_last}}]},
			"want": {"10.0.0.0/8 reaches into the cluster"},
		},
		"nothing is left": {
			"rule": {"from": [{"ipBlock": {
				"cidr": "10.0.0.0/8",
				"except": array.concat(_all_but_first, ["10.0.0.0/32"]),
			}}]},
			"want": set(),
		},
		"just too small": {"rule": {"from": [{"ipBlock": {"cidr": "10.0.0.0/9"}}]}, "want": set()},
		"twice the same, too small": {
			"rule": {"from": [{"ipBlock": {"cidr": "10.0.0.0/9"}}, {"ipBlock": {"cidr": "10.0.0.1/9"}}]},
			"want": set(),
		},
		"one in the other, too small": {
			"rule": {"from": [{"ipBlock": {"cidr": "10.0.0.0/9"}}, {"ipBlock": {"cidr": "10.64.0.0/10"}}]},
			"want": set(),
		},
		"one address short": {
			"rule": {"from": [{"ipBlock": {"cidr": cidr}} | some cidr in _all_but_first]},
			"want": set(),
		},
		"not one address short": {
			"rule": {"from": [{"ipBlock": {"cidr": cidr}} |
				some cidr in array.concat(_all_but_first, ["10.0.0.0/32"])
			]},
			"want": {sprintf("%s reaches into the cluster", [cidr]) |
				some cidr in array.concat(_all_but_first, ["10.0.0.0/32"])
			},
		},
		"an IPv6 /32": {
			"rule": {"from": [{"ipBlock": {"cidr": "fd00::/32"}}]},
			"want": {"fd00::/32 reaches into the cluster"},
		},
		"smaller than an IPv6 /32": {"rule": {"from": [{"ipBlock": {"cidr": "fd00::/33"}}]}, "want": set()},
		"two halves of an IPv6 /32": {
			"rule": {"from": [{"ipBlock": {"cidr": "fd00::/33"}}, {"ipBlock": {"cidr": "fd00:0:8000::/33"}}]},
			"want": {"fd00::/33 reaches into the cluster", "fd00:0:8000::/33 reaches into the cluster"},
		},
		"one of each family, both too small": {
			"rule": {"from": [{"ipBlock": {"cidr": "fd00::/33"}}, {"ipBlock": {"cidr": "10.0.0.0/9"}}]},
			"want": set(),
		},
	}

	_faults("ingress", tc.rule) == tc.want
	_faults("egress", _turned(tc.rule)) == tc.want
}

test_reopened_egress[note] if {
	some note, tc in {
		"DNS": {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 8053}], "want": set()},
		"DNS as a range of one": {"ports": [{"port": 53, "endPort": 53}], "want": set()},
		"a range": {"ports": [{"port": 53, "endPort": 54}], "want": {"it names no peer"}},
		"one more": {"ports": [{"port": 53}, {"port": 80}], "want": {"it names no peer"}},
		"a name": {"ports": [{"port": "dns"}], "want": {"it names no peer"}},
		"text": {"ports": [{"port": "53"}], "want": {"it names no peer"}},
		"SCTP": {"ports": [{"port": 53, "protocol": "SCTP"}], "want": {"it names no peer"}},
		"any port": {"ports": [{"protocol": "UDP"}], "want": {"it names no peer"}},
		"null port": {"ports": [null], "want": {"it names no peer"}},
		"no ports": {"ports": [], "want": {"it names no peer"}},
		"null": {"ports": null, "want": {"it names no peer"}},
		"an object": {"ports": {"port": 53}, "want": {"it names no peer"}},
	}

	_faults("egress", {"ports": tc.ports}) == tc.want
	_faults("ingress", {"ports": tc.ports}) == {"it names no peer"}
}

test_reopened_lists[note] if {
	some note, tc in {
		"null": {"rules": null, "want": set()},
		"empty": {"rules": [], "want": set()},
		"text": {"rules": "x", "want": {["p", "Ingress", ["spec", "ingress"], "it can't be read"]}},
		"an object": {"rules": {"a": {}}, "want": {["p", "Ingress", ["spec", "ingress"], "it can't be read"]}},
		"the second peer of the second rule": {
			"rules": [
				{"from": [{"podSelector": {"matchLabels": {"app": "b"}}}]},
				{"from": [{"podSelector": {"matchLabels": {"app": "b"}}}, {"podSelector": {}}]},
			],
			"want": {[
				"p",
				"Ingress",
				["spec", "ingress", 1, "from", 1],
				"its podSelector catches every pod of the namespace",
			]},
		},
	}

	_openings({"p": {"spec": {"policyTypes": ["Ingress"], "ingress": tc.rules}}}) == tc.want
}

test_reopened_by_unreadable_policies[note] if {
	some note, tc in {
		"selector": {
			"spec": {"podSelector": "x", "ingress": [{}]},
			"want": {["p", "Ingress", ["spec", "ingress", 0], "it names no peer"]},
		},
		"types are both": {
			"spec": {"policyTypes": ["ingress"], "egress": [{}]},
			"want": {["p", "Egress", ["spec", "egress", 0], "it names no peer"]},
		},
		"spec": {
			"spec": "x",
			"want": {
				["p", "Ingress", ["spec", "ingress"], "it can't be read"],
				["p", "Egress", ["spec", "egress"], "it can't be read"],
			},
		},
	}

	_openings({"p": {"spec": tc.spec}}) == tc.want
}

test_blocks_add_up_over_policies_of_one_direction if {
	lower := {"spec": {"egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/9"}}]}]}}
	upper := {"spec": {"egress": [{"to": [{"ipBlock": {"cidr": "10.128.0.0/9"}}]}]}}
	others := object.union(upper, {"spec": {"podSelector": {"matchLabels": {"app": "b"}}}})
	callers := {"spec": {"ingress": [{"from": [{"ipBlock": {"cidr": "10.128.0.0/9"}}]}]}}

	{policy | some [policy, _, _, _] in _openings({"a": lower, "b": upper})} == {"a", "b"}
	_openings({"a": lower, "b": others}) == set()
	_openings({"a": lower, "b": callers}) == set()
}

# 10.0.0.0/8 without its first address, and without its last.
_all_but_first := [cidr |
	some length in numbers.range(9, 32)
	bit := bits.lsh(1, 32 - length)
	cidr := sprintf("10.%d.%d.%d/%d", [bits.rsh(bit, 16), bits.and(bits.rsh(bit, 8), 255), bits.and(bit, 255), length])
]

_all_but_last := [cidr |
	some length in numbers.range(9, 32)
	bit := bits.and(16777216 - bits.lsh(1, 33 - length), 16777215)
	cidr := sprintf("10.%d.%d.%d/%d", [bits.rsh(bit, 16), bits.and(bits.rsh(bit, 8), 255), bits.and(bit, 255), length])
]

_inside := networkpolicy.cidrs(["10.0.0.0/8", "fc00::/7"])

_pod := {"app": "a", "uuid": null}

_around := {"team": "a", "kubernetes.io/metadata.name": "demo"}

# The rule for the other direction.
_turned(rule) := {"to": rule.from} if _peers_given(rule)

_turned(rule) := rule if not _peers_given(rule)

_peers_given(rule) if {
	is_object(rule)
	"from" in object.keys(rule)
}

# With the policies, and with what guards() keeps of them.
_isolated(policies) if _isolates(policies)

_isolated(policies) := false if not _isolates(policies)

_isolates(policies) if networkpolicy.isolated(policies, _pod, "Ingress")

_openings(policies) := {[opening.policy, opening.direction, opening.path, opening.fault] |
	some opening in _reopened(policies)
}

_faults(direction, rule) := {opening.fault | some opening in _reopened({"p": {"spec": {direction: [rule]}}})}

# Undefined if open() leaves out a policy that opens something.
_reopened(policies) := openings if {
	openings := networkpolicy.reopened(policies, _pod, _around, _inside)
	specs := networkpolicy.open({policy.spec | some policy in policies}, _around, _inside)
	left := {name: policy | some name, policy in policies; policy.spec in specs}
	networkpolicy.reopened(left, _pod, _around, _inside) == openings
}

# What can't be read may select any pod: it must never be passed over by a look at its labels or values alone.
test_near[note] if {
	some note, tc in {
		"labels that the pod has": {"selector": {"matchLabels": {"tier": "web"}}, "near": true},
		"others": {"selector": {"matchLabels": {"tier": "data"}}, "near": false},
		"a label that is no text": {"selector": {"matchLabels": {"tier": "data", "zone": 7}}, "near": true},
		"labels that are no map": {"selector": {"matchLabels": ["data"]}, "near": true},
		"labels that are null": {"selector": {"matchLabels": null}, "near": true},
		"a value that the pod has": {"selector": _in("tier", ["data", "web"]), "near": true},
		"other values": {"selector": _in("tier", ["data"]), "near": false},
		"a value that is no text": {"selector": _in("tier", ["data", 7]), "near": true},
		"no value": {"selector": _in("tier", []), "near": true},
		"values that are no list": {"selector": _in("tier", "data"), "near": true},
		"a key that is no text": {"selector": _in(7, ["data"]), "near": true},
		"no key": {
			"selector": {"matchExpressions": [{"operator": "In", "values": ["data"]}]},
			"near": true,
		},
		"another operator": {
			"selector": {"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["data"]}]},
			"near": true,
		},
		"labels and values": {
			"selector": object.union({"matchLabels": {"tier": "data"}}, _in("tier", ["data"])),
			"near": true,
		},
		"everything": {"selector": {}, "near": true},
		"null": {"selector": null, "near": true},
	}

	# Beside others, of which each may be one that can't be read.
	inventory := {"namespace": {"demo": {"networking.k8s.io/v1": {"NetworkPolicy": {
		"it": {"spec": {"podSelector": tc.selector}},
		"labels": {"spec": {"podSelector": {"matchLabels": {"tier": "data"}}}},
		"values": {"spec": {"podSelector": _in("tier", ["data"])}},
	}}}}}
	found := networkpolicy.near("demo", {{"tier": "web"}}) with data.inventory as inventory

	found == {name | some name in ["it"]; tc.near}
}

_in(key, values) := {"matchExpressions": [{"key": key, "operator": "In", "values": values}]}
