package manifest

import (
	"bytes"
	"encoding/json"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

// A reading is what a parser makes of a plain scalar: 'n' null, 'b' bool, 'i' integer, 'f' float, 's' string. Text is its JSON form, for a
// string the string itself.
type reading struct {
	kind byte
	text string
}

var (
	decimalFloat = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)
	decimal      = regexp.MustCompile(`^[-+]?[0-9]+$`)
	octal        = regexp.MustCompile(`^0o[0-7]+$`)
	hexadecimal  = regexp.MustCompile(`^0x[0-9a-fA-F]+$`)
)

// read11 reads a plain scalar as the API server's clients do: YAML 1.1 in the form of go.yaml.in/yaml/v2, which sigs.k8s.io/yaml uses. Dates
// stay strings there, 1:20 is no number, and Go's own prefixes (0o, 0b) are numbers. Checked against the parser itself in a test.
func read11(s string) reading {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return reading{'n', "null"}
	case "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON":
		return reading{'b', "true"}
	case "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF":
		return reading{'b', "false"}
	case ".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF":
		return reading{'f', strings.ToLower(strings.TrimPrefix(s, "+"))}
	}
	switch c := s[0]; {
	case c == '.':
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			return reading{'f', jsonFloat(f)}
		}
	case c == '+' || c == '-' || c >= '0' && c <= '9':
		plain := strings.ReplaceAll(s, "_", "")
		if i, err := strconv.ParseInt(plain, 0, 64); err == nil {
			return reading{'i', strconv.FormatInt(i, 10)}
		}
		if u, err := strconv.ParseUint(plain, 0, 64); err == nil {
			return reading{'i', strconv.FormatUint(u, 10)}
		}
		if decimalFloat.MatchString(plain) {
			if f, err := strconv.ParseFloat(plain, 64); err == nil {
				return reading{'f', jsonFloat(f)}
			}
		}
		if digits, ok := strings.CutPrefix(plain, "0b"); ok { // what is left here has a sign after its prefix: 0b-1
			if i, err := strconv.ParseInt(digits, 2, 64); err == nil {
				return reading{'i', strconv.FormatInt(i, 10)}
			}
		}
	}
	return reading{'s', s}
}

// jsonFloat formats a float as encoding/json does.
func jsonFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return ".nan"
	case math.IsInf(f, 1):
		return ".inf"
	case math.IsInf(f, -1):
		return "-.inf"
	}
	text, _ := json.Marshal(f)
	return string(text)
}

// key is the reading as a mapping key: JSON has only strings there. Floats become shorter as they do in sigs.k8s.io/yaml.
func (r reading) key() string {
	if r.kind != 'f' || strings.HasSuffix(r.text, ".inf") || r.text == ".nan" {
		return r.text
	}
	f, _ := strconv.ParseFloat(r.text, 64)
	return floatKey(f)
}

func floatKey(f float64) string {
	switch text := strconv.FormatFloat(f, 'g', -1, 32); text {
	case "+Inf":
		return ".inf"
	case "-Inf":
		return "-.inf"
	case "NaN":
		return ".nan"
	default:
		return text
	}
}

// misread says how the API server reads a plain scalar if YAML 1.2's core schema, which is how it looks to people and to most other
// programs, reads it differently. Integers beyond 64 bits with sign count: the API server rounds them.
func misread(s string) (reading, bool) {
	if s == "" || ordinary(s) {
		return reading{'s', s}, false
	}
	got := read11(s)
	switch got.kind {
	case 'n':
		return got, false // the same words in both
	case 'b':
		switch s[0] {
		case 't', 'T', 'f', 'F':
			return got, false
		}
		return got, true
	case 's':
		return got, decimalFloat.MatchString(s) || octal.MatchString(s) || hexadecimal.MatchString(s)
	}
	if strings.HasSuffix(s, "inf") || strings.HasSuffix(s, "nan") {
		return got, false
	}

	want, ok := new(big.Int), false
	switch {
	case decimal.MatchString(s):
		_, ok = want.SetString(s, 10)
	case octal.MatchString(s):
		_, ok = want.SetString(s[2:], 8)
	case hexadecimal.MatchString(s):
		_, ok = want.SetString(s[2:], 16)
	default:
		return got, !decimalFloat.MatchString(s)
	}
	if !ok {
		return got, true
	}
	if !want.IsInt64() {
		f, _ := new(big.Float).SetInt(want).Float64()
		return reading{'f', jsonFloat(f)}, true
	}
	have, _ := new(big.Int).SetString(got.text, 10)
	if have == nil { // read as a float: 089
		f, _ := strconv.ParseFloat(got.text, 64)
		return got, f != float64(want.Int64())
	}
	return got, have.Cmp(want) != 0
}

// ordinary tells most words and numbers at a glance: both read them alike.
func ordinary(s string) bool {
	switch c := s[0]; {
	case c >= '1' && c <= '9':
		return len(s) < 19 && strings.Trim(s, "0123456789") == ""
	case c == '+' || c == '-' || c == '.' || c == '0':
		return len(s) == 1
	}
	return len(s) > 3 // yes and off are the longest that are not
}

// mayMisread says that body may have a plain scalar that misread would report. It never misses one, and it is cheap: it looks at words
// only where a scalar can begin.
func mayMisread(body []byte) bool {
	for at := 0; at < len(body); at++ {
		if !suspect[body[at]] {
			continue
		}
		if at > 0 && word[body[at-1]] {
			continue
		}
		end := at + 1
		for end < len(body) && word[body[end]] {
			end++
		}
		if plainStart(body, at) {
			if _, odd := misread(string(body[at:end])); odd {
				return true
			}
		}
		at = end - 1
	}
	return false
}

// suspect has the bytes that misread scalars begin with, word those they consist of.
var suspect, word = func() (first, all [256]bool) {
	for _, c := range "yYnNoO+-.0123456789" {
		first[c] = true
	}
	for c := range all {
		all[c] = c == '_' || c == '+' || c == '-' || c == '.' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
	}
	return first, all
}()

// plainStart says that a plain scalar may begin at offset at: by what stands before it on the line, an anchor or tag included.
func plainStart(body []byte, at int) bool {
	before := bytes.TrimRight(body[:at], " \t")
	if len(before) == 0 {
		return true
	}
	switch c := before[len(before)-1]; {
	case c == '\n' || c == '\r' || c >= 0x80:
		return true
	case strings.IndexByte(":-?[{,", c) >= 0:
		return true
	}
	start := len(before)
	for start > 0 && before[start-1] > ' ' {
		start--
	}
	return bytes.ContainsAny(before[start:], "&!")
}
