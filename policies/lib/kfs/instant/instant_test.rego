package lib.kfs.instant_test

import data.lib.kfs.instant

test_end[note] if {
	some note, tc in {
		"a day ends at midnight UTC": {"text": "1970-01-01", "want": 86399999999999},
		"a time": {"text": "1970-01-01T00:00:01Z", "want": 1000000000},
		"an offset": {"text": "1970-01-01T01:00:00+01:00", "want": 0},
		"a fraction": {"text": "1970-01-01T00:00:00.5Z", "want": 500000000},
		"a leap day": {"text": "2024-02-29T00:00:00Z", "want": 1709164800000000000},
		"a leap day of a century": {"text": "2000-02-29T00:00:00Z", "want": 951782400000000000},
		"a month of 30 days": {"text": "2026-04-30T00:00:00Z", "want": 1777507200000000000},
		"a day of February": {"text": "2026-02-28T00:00:00Z", "want": 1772236800000000000},
		"the last day": {"text": "2261-12-31", "want": 9214646399999999999},
	}
	instant.end(tc.text) == tc.want
	instant.readable(tc.text)
}

test_unreadable[text] if {
	some text in [
		"", " ", "2026", "2026-1-1", "2026-13-01", "2026-00-10", "2026-01-00", "2026-01-32", "2026-04-31",
		"2026-02-29", "1900-02-29", "2262-01-01", "1699-12-31", "9999-12-31", "2026-01-01 ", " 2026-01-01",
		"2026-01-01T24:00:00Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00z", "2026-01-01T00:60:00Z", "20260101",
		"2026-01-01\n", "01.02.2026", "tomorrow", null, 20260101, true, ["2026-01-01"], {"a": 1},
	]
	not instant.readable(text)
}
