# METADATA
# title: Cluster-local URLs
# description: |
#   URLs that a Service of the cluster answers: sinks, and the endpoints that Functions send events and traces to. A URL
#   is taken apart strictly. What clients could read in different ways (userinfo, a backslash, white space, an escape in
#   the host, an address) is no URL here, so everything is undefined for it: a rule names what must hold of a URL, and
#   negates that.
package lib.kfs.clusterurl

# METADATA
# description: |
#   The scheme, `http` or `https`, and the host of a URL, both in lower case: `{"scheme": "", "host": ""}`. The host is
#   a DNS name, without the dot that may end it.
# scope: document
parsed(url) := {"scheme": lower(groups[1]), "host": lower(groups[2])} if {
	is_string(url)
	some groups in regex.find_all_string_submatch_n(_url, url, 1)
	not _rooted(groups)
}

# METADATA
# description: |
#   The Service that a cluster-local URL names, `{"name": "", "namespace": ""}`: its host is the two and `.svc` or
#   `.svc.cluster.local`, or a pod's name before them.
# scope: document
service(url) := {"name": groups[1], "namespace": groups[2]} if {
	some groups in regex.find_all_string_submatch_n(_service, parsed(url).host, 1)
}

# METADATA
# description: True for a cluster-local URL.
# scope: document
local(url) if is_object(service(url))

_url := concat("", [
	`^([Hh][Tt][Tt][Pp][Ss]?)://`,
	sprintf(`(%s(?:\.%s)*)(\.?)`, [_label, _label]),
	`(?::[0-9]{1,5})?(?:[/?#]\S*)?$`,
])

_service := sprintf(`^(?:%s\.)*?(%s)\.(%s)\.svc(?:\.cluster\.local)?$`, [_label, _label, _label])

_label := `[0-9A-Za-z](?:[0-9A-Za-z-]*[0-9A-Za-z])?`

# With a dot at its end a name is complete, and one in `.svc` would be a name of the world's DNS.
_rooted(groups) if {
	groups[3] == "."
	endswith(lower(groups[2]), ".svc")
}
