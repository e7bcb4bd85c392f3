package kyma.runtime_image_test

import data.kyma.runtime_image

_official := "europe-docker.pkg.dev/kyma-project/prod/function-runtime-nodejs24"

_own := "registry.example.com/platform/node"

_digest := "sha256:ac3947d98c840d95847d6d9dc9a1c95a3d26c30abc733155894b51083b02d2cc"

test_allowed_repositories[note] if {
	some note, tc in {
		"official": {"places": ["official"], "image": _official, "want": set()},
		"another is allowed": {"places": ["registry.example.com"], "image": _official, "want": {"KFS-201"}},
		"own": {"places": ["official", "registry.example.com/platform"], "image": _own, "want": {"KFS-203"}},
		"own, written as official's": {"places": ["official"], "image": "official", "want": {"KFS-201", "KFS-203"}},
		"below an official one": {
			"places": ["official"],
			"image": concat("/", [_official, "x"]),
			"want": {"KFS-201", "KFS-203"},
		},
		"fips": {
			"places": ["official"],
			"image": "europe-docker.pkg.dev/kyma-project/restricted-prod/function-runtime-nodejs24-fips",
			"want": set(),
		},
		"fips in prod": {
			"places": ["official"],
			"image": "europe-docker.pkg.dev/kyma-project/prod/function-runtime-nodejs24-fips",
			"want": {"KFS-201", "KFS-203"},
		},
		"nothing": {"places": [], "image": _official, "want": {"KFS-201"}},
		"null": {"places": null, "image": _official, "want": {"KFS-201"}},
		"text": {"places": "official", "image": _official, "want": {"KFS-201"}},
		"map": {"places": {"a": "official", "b": "registry.example.com"}, "image": _official, "want": {"KFS-201"}},
		"entries of other types": {"places": [null, 7, ["official"], {}], "image": _official, "want": {"KFS-201"}},
	}

	override := concat("@", [tc.image, _digest])
	_ids(_function({"runtimeImageOverride": override}), {"allowedRepositories": tc.places}) == tc.want
}

test_override_that_is_no_image[note] if {
	some note, override in {
		"null": null,
		"empty": "",
		"blank": "  ",
		"number": 22,
		"boolean": false,
		"list": [concat("@", [_official, _digest])],
		"object": {},
	}

	_ids(_function({"runtimeImageOverride": override}), {}) == {"KFS-201", "KFS-202", "KFS-203"}
}

test_message_of_201[note] if {
	some note, tc in {
		"foreign": {
			"image": "ghcr.io/example/node:22",
			"want": `"ghcr.io/example/node:22" is outside the allowed repositories`,
		},
		"no reference": {"image": "ghcr.io/Example/node", "want": `"ghcr.io/Example/node" is no image reference`},
		"retired": {
			"image": "europe-docker.pkg.dev/kyma-project/prod/function-runtime-nodejs22:1",
			"want": `"europe-docker.pkg.dev/kyma-project/prod/function-runtime-nodejs22:1" is of a retired runtime`,
		},
		"null": {"image": null, "want": "null is no image reference"},
	}

	messages := _messages(
		"KFS-201",
		_function({"runtimeImageOverride": tc.image}),
		{"retiredRuntimes": {"nodejs22": "2020-01-01"}},
	)
	messages == {concat("", ["KFS-201: runtime image ", tc.want])}
}

_noon := time.parse_rfc3339_ns("2026-03-01T12:00:00Z")

test_assessment[note] if {
	some note, tc in {
		"live": {"annotations": {}, "want": set()},
		"assessor is missing": {"annotations": {"by": null}, "want": {"assessed-by is missing or blank"}},
		"assessor is blank": {"annotations": {"by": " \t"}, "want": {"assessed-by is missing or blank"}},
		"assessor is a list": {"annotations": {"by": ["me"]}, "want": {"assessed-by is missing or blank"}},
		"image is missing": {"annotations": {"image": null}, "want": {"assessed-image isn't its digest"}},
		"another image": {
			"annotations": {"image": replace(_digest, "ac", "ca")},
			"want": {"assessed-image isn't its digest"},
		},
		"only hex digits": {
			"annotations": {"image": trim_prefix(_digest, "sha256:")},
			"want": {"assessed-image isn't its digest"},
		},
		"the whole reference": {
			"annotations": {"image": concat("@", [_own, _digest])},
			"want": {"assessed-image isn't its digest"},
		},
		"end is missing": {"annotations": {"until": null}, "want": {"assessed-until is missing or no date"}},
		"end is a number": {"annotations": {"until": 20260101}, "want": {"assessed-until is missing or no date"}},
		"end is no date": {"annotations": {"until": "next year"}, "want": {"assessed-until is missing or no date"}},
		"end never was": {"annotations": {"until": "2026-02-30"}, "want": {"assessed-until is missing or no date"}},
		"end after 2261": {"annotations": {"until": "9999-12-31"}, "want": {"assessed-until is missing or no date"}},
		"ends today": {"annotations": {"until": "2026-03-01"}, "want": set()},
		"ended yesterday": {"annotations": {"until": "2026-02-28"}, "want": {"assessed-until is past"}},
		"ends now": {"annotations": {"until": "2026-03-01T12:00:00Z"}, "want": set()},
		"ended a second ago": {"annotations": {"until": "2026-03-01T11:59:59Z"}, "want": {"assessed-until is past"}},
		"ended a second ago elsewhere": {
			"annotations": {"until": "2026-03-01T13:59:59+02:00"},
			"want": {"assessed-until is past"},
		},
		"365 days": {"annotations": {"until": "2027-03-01"}, "want": set()},
		"365 days, its last second": {"annotations": {"until": "2027-03-01T23:59:59Z"}, "want": set()},
		"365 days, the second after": {
			"annotations": {"until": "2027-03-02T00:00:00Z"},
			"want": {"assessed-until is too far ahead"},
		},
		"366 days": {"annotations": {"until": "2027-03-02"}, "want": {"assessed-until is too far ahead"}},
		"image and end": {
			"annotations": {"image": "", "until": "2020-01-01"},
			"want": {"assessed-image isn't its digest, assessed-until is past"},
		},
		"nothing": {
			"annotations": {"by": null, "image": null, "until": null},
			"want": {"no assessment"},
		},
	}

	faults := _faults(tc.annotations, {}) with time.now_ns as _noon
	faults == tc.want
}

test_assessment_days[note] if {
	some note, tc in {
		"none": {"days": 0, "until": "2026-03-01", "want": set()},
		"none, tomorrow": {"days": 0, "until": "2026-03-02", "want": {"assessed-until is too far ahead"}},
		"negative": {"days": -1, "until": "2026-03-01", "want": {"assessed-until is too far ahead"}},
		"a fraction counts as none": {"days": 1.9, "until": "2026-03-03", "want": {"assessed-until is too far ahead"}},
		"many": {"days": 100000, "until": "2261-12-31", "want": set()},
		"text": {"days": "365", "until": "2026-03-01", "want": {"assessed-until is too far ahead"}},
		"null": {"days": null, "until": "2026-03-01", "want": {"assessed-until is too far ahead"}},
	}

	faults := _faults({"until": tc.until}, {"maxAssessmentDays": tc.days}) with time.now_ns as _noon
	faults == tc.want
}

test_annotations_of_other_types[note] if {
	some note, annotations in {"null": null, "list": [_digest], "text": "assessed-by", "number": 7}
	resource := json.patch(
		_function({"runtimeImageOverride": concat("@", [_own, _digest])}),
		[{"op": "add", "path": "/metadata/annotations", "value": annotations}],
	)
	"KFS-203" in _ids(resource, {})
}

test_image_of_another_runtime[note] if {
	some note, tc in {
		"the same": {"image": "nodejs24", "runtime": "nodejs24", "want": set()},
		"a higher version": {"image": "nodejs26", "runtime": "nodejs24", "want": set()},
		"a lower version": {"image": "nodejs22", "runtime": "nodejs24", "want": {"nodejs22"}},
		"another language": {"image": "python312", "runtime": "nodejs24", "want": {"python312"}},
		"3.9 is lower than 3.12": {"image": "python39", "runtime": "python312", "want": {"python39"}},
		"3.14 is higher than 3.12": {"image": "python314", "runtime": "python312", "want": set()},
		"version of five digits": {"image": "nodejs24000", "runtime": "nodejs24", "want": {"nodejs24000"}},
		"runtime without a version": {"image": "nodejs24", "runtime": "nodejs", "want": {"nodejs24"}},
		"runtime in mixed case": {"image": "nodejs24", "runtime": "NodeJS24", "want": {"nodejs24"}},
		"runtime is null": {"image": "nodejs24", "runtime": null, "want": {"nodejs24"}},
		"runtime is a list": {"image": "nodejs24", "runtime": ["nodejs24"], "want": {"nodejs24"}},
	}

	override := concat("", ["europe-docker.pkg.dev/kyma-project/prod/function-runtime-", tc.image, "@", _digest])
	messages := _messages("KFS-204", _function({"runtime": tc.runtime, "runtimeImageOverride": override}), {})
	{text | some message in messages; text := split(message, " ")[4]} == tc.want
}

test_eras_of_official_images[note] if {
	some note, image in {
		"fips": "europe-docker.pkg.dev/kyma-project/restricted-prod/function-runtime-nodejs22-fips:1.13.0",
		"since 2023": "europe-docker.pkg.dev/kyma-project/prod/function-runtime-nodejs16:v20230906-8690735f",
		"pull requests": "europe-docker.pkg.dev/kyma-project/dev/function-runtime-nodejs20:PR-1",
		"until 2023": "eu.gcr.io/kyma-project/function-runtime-nodejs14:v20230831-fb331fc0",
	}

	"KFS-204" in _ids(_function({"runtimeImageOverride": image}), {})
}

test_not_official[note] if {
	some note, image in {
		"own": "registry.example.com/function-runtime-nodejs16:1",
		"look-alike": "europe-docker.pkg.dev.evil.example/kyma-project/prod/function-runtime-nodejs16:1",
		"another image of Kyma's": "europe-docker.pkg.dev/kyma-project/prod/function-buildless-init:1",
		"number": 7,
	}

	not "KFS-204" in _ids(_function({"runtimeImageOverride": image}), {})
}

_dates := {"nodejs20": "2026-04-30", "nodejs22": "2026-11-30T12:00:00Z"}

test_runtime[note] if {
	some note, tc in {
		"current": {"runtime": "nodejs24", "now": "2026-11-01T00:00:00Z", "want": {}},
		"dated, far ahead": {"runtime": "nodejs22", "now": "2026-06-01T12:00:00Z", "want": {}},
		"dated, one second more than notice": {"runtime": "nodejs22", "now": "2026-06-03T11:59:59Z", "want": {}},
		"dated, notice": {
			"runtime": "nodejs22",
			"now": "2026-06-03T12:00:00Z",
			"want": {"KFS-206": `"nodejs22" retires on 2026-11-30T12:00:00Z`},
		},
		"at its end": {
			"runtime": "nodejs22",
			"now": "2026-11-30T12:00:00Z",
			"want": {"KFS-206": `"nodejs22" retires on 2026-11-30T12:00:00Z`},
		},
		"a second later": {
			"runtime": "nodejs22",
			"now": "2026-11-30T12:00:01Z",
			"want": {"KFS-205": `"nodejs22" retired on 2026-11-30T12:00:00Z`},
		},
		"on its last day": {
			"runtime": "nodejs20",
			"now": "2026-04-30T23:59:59Z",
			"want": {"KFS-206": `"nodejs20" retires on 2026-04-30`},
		},
		"the day after": {
			"runtime": "nodejs20",
			"now": "2026-05-01T00:00:00Z",
			"want": {"KFS-205": `"nodejs20" retired on 2026-04-30`},
		},
		"unknown": {
			"runtime": "ruby33",
			"now": "2026-01-01T00:00:00Z",
			"want": {"KFS-205": `"ruby33" isn't one that Kyma supports`},
		},
		"mixed case": {
			"runtime": "NodeJS24",
			"now": "2026-01-01T00:00:00Z",
			"want": {"KFS-205": `"NodeJS24" isn't one that Kyma supports`},
		},
		"trailing blank": {
			"runtime": "nodejs24 ",
			"now": "2026-01-01T00:00:00Z",
			"want": {"KFS-205": `"nodejs24 " isn't one that Kyma supports`},
		},
		"empty": {
			"runtime": "",
			"now": "2026-01-01T00:00:00Z",
			"want": {"KFS-205": `"" isn't one that Kyma supports`},
		},
		"null": {
			"runtime": null,
			"now": "2026-01-01T00:00:00Z",
			"want": {"KFS-205": "null isn't one that Kyma supports"},
		},
		"number": {
			"runtime": 24,
			"now": "2026-01-01T00:00:00Z",
			"want": {"KFS-205": "24 isn't one that Kyma supports"},
		},
		"list": {
			"runtime": ["nodejs24"],
			"now": "2026-01-01T00:00:00Z",
			"want": {"KFS-205": `a list isn't one that Kyma supports`},
		},
	}

	resource := _function({"runtime": tc.runtime})
	found := runtime_image.violation with input as _review(resource, {"retiredRuntimes": _dates})
		with time.now_ns as time.parse_rfc3339_ns(tc.now)
	{f.msg | some f in found} == {concat(": runtime ", [id, text]) | some id, text in tc.want}
}

test_no_runtime[note] if {
	some note, tc in {
		"v1alpha1 defaults": {
			"resource": {"apiVersion": "serverless.kyma-project.io/v1alpha1", "spec": {"source": ""}},
			"want": {`KFS-205: runtime "nodejs14" retired on 2023-06-28`},
		},
		"v1alpha1 with null": {
			"resource": {"apiVersion": "serverless.kyma-project.io/v1alpha1", "spec": {"runtime": null}},
			"want": {"KFS-205: runtime null isn't one that Kyma supports"},
		},
		"v1alpha1 without spec": {
			"resource": {"apiVersion": "serverless.kyma-project.io/v1alpha1"},
			"want": {"KFS-205: runtime null isn't one that Kyma supports"},
		},
		"v1alpha2": {
			"resource": {"apiVersion": "serverless.kyma-project.io/v1alpha2", "spec": {"source": {}}},
			"want": {"KFS-205: runtime null isn't one that Kyma supports"},
		},
		"spec is text": {
			"resource": {"apiVersion": "serverless.kyma-project.io/v1alpha1", "spec": "nodejs24"},
			"want": {"KFS-205: runtime null isn't one that Kyma supports"},
		},
		"nothing": {"resource": {}, "want": {"KFS-205: runtime null isn't one that Kyma supports"}},
	}

	_messages("KFS-205", tc.resource, {"retiredRuntimes": {"nodejs14": "2023-06-28"}}) == tc.want
}

test_v1alpha1_default_while_it_lasts if {
	resource := {"apiVersion": "serverless.kyma-project.io/v1alpha1", "spec": {}}
	_ids(resource, {"retiredRuntimes": {"nodejs14": "2261-12-31"}}) == set()
}

test_parameters_of_runtimes[note] if {
	some note, tc in {
		"dates are null": {"runtime": "nodejs24", "parameters": {"retiredRuntimes": null}, "want": {"KFS-205"}},
		"dates are a list": {
			"runtime": "nodejs24",
			"parameters": {"retiredRuntimes": ["nodejs20"]},
			"want": {"KFS-205"},
		},
		"dates are empty": {"runtime": "nodejs24", "parameters": {"retiredRuntimes": {}}, "want": set()},
		"a date is null": {
			"runtime": "nodejs22",
			"parameters": {"retiredRuntimes": {"nodejs22": null}},
			"want": {"KFS-205"},
		},
		"a date is text": {
			"runtime": "nodejs22",
			"parameters": {"retiredRuntimes": {"nodejs22": "soon"}},
			"want": {"KFS-205"},
		},
		"current and retired": {
			"runtime": "nodejs24",
			"parameters": {"retiredRuntimes": {"nodejs24": "2020-01-01"}},
			"want": {"KFS-205"},
		},
		"current is null": {"runtime": "nodejs24", "parameters": {"currentRuntimes": null}, "want": {"KFS-205"}},
		"current is text": {"runtime": "nodejs24", "parameters": {"currentRuntimes": "nodejs24"}, "want": {"KFS-205"}},
		"current is a map": {
			"runtime": "nodejs24",
			"parameters": {"currentRuntimes": {"a": "nodejs24"}},
			"want": {"KFS-205"},
		},
		"notice is null": {
			"runtime": "nodejs22",
			"parameters": {"retiredRuntimes": {"nodejs22": "2261-12-31"}, "warnDays": null},
			"want": {"KFS-206"},
		},
		"notice is text": {
			"runtime": "nodejs22",
			"parameters": {"retiredRuntimes": {"nodejs22": "2261-12-31"}, "warnDays": "180"},
			"want": {"KFS-206"},
		},
		"long notice": {
			"runtime": "nodejs22",
			"parameters": {"retiredRuntimes": {"nodejs22": "2261-12-31"}, "warnDays": 100000},
			"want": {"KFS-206"},
		},
	}

	_ids(_function({"runtime": tc.runtime}), tc.parameters) == tc.want
}

test_no_parameters if {
	found := runtime_image.violation with input as {"review": {"object": _function({"runtimeImageOverride": concat(
		"@",
		[_official, _digest],
	)})}}
	{f.details.rule | some f in found} == {"KFS-201", "KFS-203", "KFS-205"}
}

test_places_of_findings if {
	found := runtime_image.violation with input as _review(
		_function({
			"runtime": "nodejs20",
			"runtimeImageOverride": "eu.gcr.io/kyma-project/function-runtime-nodejs16:1",
		}),
		{"retiredRuntimes": {"nodejs20": "2020-01-01"}},
	)
	{[f.details.rule, concat(".", f.details.path)] | some f in found} == {
		["KFS-201", "spec.runtimeImageOverride"],
		["KFS-202", "spec.runtimeImageOverride"],
		["KFS-203", "spec.runtimeImageOverride"],
		["KFS-204", "spec.runtimeImageOverride"],
		["KFS-205", "spec.runtime"],
	}
}

_function(spec) := {
	"apiVersion": "serverless.kyma-project.io/v1alpha2",
	"kind": "Function",
	"metadata": {"name": "orders", "namespace": "demo"},
	"spec": object.union({"runtime": "nodejs24"}, spec),
}

_review(resource, parameters) := {
	"review": {"object": resource},
	"parameters": object.union(
		{
			"allowedRepositories": ["official"],
			"maxAssessmentDays": 365,
			"currentRuntimes": ["nodejs24"],
			"retiredRuntimes": {},
			"warnDays": 180,
		},
		parameters,
	),
}

_ids(resource, parameters) := {f.details.rule |
	found := runtime_image.violation with input as _review(resource, parameters)
	some f in found
}

_messages(id, resource, parameters) := {f.msg |
	found := runtime_image.violation with input as _review(resource, parameters)
	some f in found
	f.details.rule == id
}

# What KFS-203 says is wrong with an assessment that differs from a good one in these annotations; null leaves one out.
_faults(different, parameters) := {text |
	written := object.union({"by": "security@example.com", "image": _digest, "until": "2026-09-01"}, different)
	resource := object.union(
		_function({"runtimeImageOverride": concat("@", [_own, _digest])}),
		{"metadata": {"annotations": {key: value |
			some name, value in written
			value != null
			key := concat("", ["function-security.policy/assessed-", name])
		}}},
	)
	some message in _messages("KFS-203", resource, parameters)
	text := regex.find_all_string_submatch_n(`^KFS-203: (?:no live assessment \()?([^)]*)\)? of `, message, 1)[0][1]
}
