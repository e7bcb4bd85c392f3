package lib.kfs.clusterurl_test

import data.lib.kfs.clusterurl

test_service[note] if {
	some note, tc in {
		"publisher": {
			"url": "http://eventing-publisher-proxy.kyma-system.svc.cluster.local/publish",
			"want": {"name": "eventing-publisher-proxy", "namespace": "kyma-system"},
		},
		"port and path": {
			"url": "http://telemetry-otlp-traces.kyma-system.svc.cluster.local:4318/v1/traces",
			"want": {"name": "telemetry-otlp-traces", "namespace": "kyma-system"},
		},
		"short": {"url": "https://orders.demo.svc", "want": {"name": "orders", "namespace": "demo"}},
		"any case": {
			"url": "HTTPS://Orders.Demo.SVC.Cluster.Local",
			"want": {"name": "orders", "namespace": "demo"},
		},
		"complete name": {
			"url": "http://orders.demo.svc.cluster.local.:80/",
			"want": {"name": "orders", "namespace": "demo"},
		},
		"pod of a StatefulSet": {
			"url": "http://nats-0.nats.demo.svc",
			"want": {"name": "nats", "namespace": "demo"},
		},
		"namespace svc": {"url": "http://orders.svc.svc", "want": {"name": "orders", "namespace": "svc"}},
		"query": {"url": "http://orders.demo.svc?to=a@b", "want": {"name": "orders", "namespace": "demo"}},
		"fragment": {"url": "http://orders.demo.svc#part", "want": {"name": "orders", "namespace": "demo"}},
		"at sign in the path": {
			"url": "http://orders.demo.svc/@home",
			"want": {"name": "orders", "namespace": "demo"},
		},
	}

	clusterurl.local(tc.url)
	clusterurl.service(tc.url) == tc.want
}

test_foreign[note] if {
	some note, tc in {
		"public host": {"url": "https://events.example.com/publish", "host": "events.example.com"},
		"look-alike": {
			"url": "http://orders.demo.svc.cluster.local.example.com",
			"host": "orders.demo.svc.cluster.local.example.com",
		},
		"no dot before": {"url": "http://orders.demosvc", "host": "orders.demosvc"},
		"no dot before the long form": {"url": "http://a.b.xsvc.cluster.local", "host": "a.b.xsvc.cluster.local"},
		"only the domain": {"url": "http://svc.cluster.local", "host": "svc.cluster.local"},
		"no service": {"url": "http://demo.svc.cluster.local", "host": "demo.svc.cluster.local"},
		"address of a pod": {
			"url": "http://10-0-0-1.demo.pod.cluster.local",
			"host": "10-0-0-1.demo.pod.cluster.local",
		},
		"address": {"url": "http://203.0.113.7:8080/", "host": "203.0.113.7"},
		"another cluster domain": {
			"url": "http://orders.demo.svc.corp.example",
			"host": "orders.demo.svc.corp.example",
		},
		"only in the path": {"url": "https://example.com/orders.demo.svc", "host": "example.com"},
		"only in the query": {"url": "https://example.com?a.b.svc", "host": "example.com"},
		"complete foreign name": {"url": "https://example.com./", "host": "example.com"},
	}

	not clusterurl.local(tc.url)
	clusterurl.parsed(tc.url).host == tc.host
}

test_scheme[note] if {
	some note, tc in {
		"clear": {"url": "http://example.com", "want": "http"},
		"clear in capitals": {"url": "HTTP://example.com", "want": "http"},
		"encrypted": {"url": "Https://example.com", "want": "https"},
	}

	clusterurl.parsed(tc.url).scheme == tc.want
}

test_unreadable[note] if {
	some note, url in {
		"user": "http://orders.demo.svc@example.com/",
		"user and password": "http://u:p@orders.demo.svc.cluster.local/",
		"empty userinfo": "http://@orders.demo.svc",
		"backslash": "http://example.com\\.demo.svc",
		"backslash after the host": "http://orders.demo.svc\\@example.com",
		"escaped host": "http://example.com%2f.demo.svc",
		"slash of another script": "http://example.com／.demo.svc",
		"letter that folds to s": "httpſ://orders.demo.svc",
		"leading blank": " http://orders.demo.svc",
		"trailing blank": "http://orders.demo.svc ",
		"line break": "http://orders.demo.svc\n",
		"line break in the host": "http://example.com\n.demo.svc",
		"no scheme": "orders.demo.svc.cluster.local",
		"no scheme but slashes": "//orders.demo.svc",
		"another scheme": "ftp://orders.demo.svc",
		"scheme only": "http://",
		"one slash": "http:/orders.demo.svc",
		"no host": "http:///orders.demo.svc",
		"empty label": "http://orders..svc",
		"leading dot": "http://.orders.demo.svc",
		"hyphen at the end of a label": "http://orders-.demo.svc",
		"underscore": "http://orders_.demo.svc",
		"two dots at the end": "http://orders.demo.svc.cluster.local..",
		"a name of the world's DNS": "http://orders.demo.svc.",
		"the same in capitals": "http://orders.demo.SVC./",
		"port in letters": "http://orders.demo.svc:http",
		"two ports": "http://orders.demo.svc:80:80",
		"no port": "http://orders.demo.svc:",
		"port too long": "http://orders.demo.svc:800000",
		"IPv6": "http://[::1]:80/",
		"empty": "",
		"null": null,
		"number": 7,
		"list": ["http://orders.demo.svc"],
		"map": {"url": "http://orders.demo.svc"},
	}

	not clusterurl.local(url)
	not clusterurl.service(url)
	not clusterurl.parsed(url)
}
