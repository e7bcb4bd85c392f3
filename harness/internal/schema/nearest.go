package schema

import "strings"

// nearest returns the candidate that name is a misspelling of: equal but for case, or few edits away; "" if there is none.
func nearest(name string, candidates []string) string {
	best, least := "", allowed(name)+1
	for _, candidate := range candidates {
		d := edits(strings.ToLower(name), strings.ToLower(candidate), least)
		if d < least {
			best, least = candidate, d
		}
	}
	return best
}

// allowed is the number of edits at which two names are taken for one: short names differ by little.
func allowed(name string) int {
	switch length := len(name); {
	case length < 4:
		return 0
	case length < 8:
		return 1
	case length < 14:
		return 2
	}
	return 3
}

// edits is the number of insertions, deletions, replacements and swaps of neighbours that turn a into b, or limit if there
// are as many or more.
func edits(a, b string, limit int) int {
	if diff := len(a) - len(b); diff >= limit || -diff >= limit {
		return limit
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return min(last[len(b)], limit)
}
