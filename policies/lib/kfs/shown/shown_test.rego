package lib.kfs.shown_test

import data.lib.kfs.shown

test_value[note] if {
	some note, tc in {
		"text": {"value": "a \"b\"\n", "want": `"a \"b\"\n"`},
		"a whole number": {"value": 4294967296, "want": "4294967296"},
		"a negative number": {"value": -1, "want": "-1"},
		"a float that is whole": {"value": 4294967296.0, "want": "4294967296"},
		"a fraction": {"value": 1.5, "want": "a fraction"},
		"true": {"value": true, "want": "true"},
		"false": {"value": false, "want": "false"},
		"null": {"value": null, "want": "null"},
		"a list": {"value": [1], "want": "a list"},
		"an object": {"value": {"a": 1}, "want": "an object"},
	}
	shown.value(tc.value) == tc.want
}
