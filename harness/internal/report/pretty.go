package report

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// pretty renders for people: findings by object with their lines, how to fix each rule once, what is undecided and why, errors, and one
// line that sums up.
type pretty struct{ Options }

const (
	bold   = "1"
	faint  = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"

	width = 110
)

func (p pretty) write(w io.Writer, r Report) error {
	var b bytes.Buffer
	p.findings(&b, r.Findings)
	p.fixes(&b, r.Findings)
	p.undecided(&b, r.Undecided)
	p.errors(&b, r.Errors)
	p.summary(&b, r)
	_, err := w.Write(b.Bytes())
	return err
}

func (p pretty) findings(b *bytes.Buffer, findings []Finding) {
	var shown Location // the line is shown once, however many findings it has
	for i, f := range findings {
		if i == 0 || f.Object != findings[i-1].Object || f.Location.File != findings[i-1].Location.File {
			fmt.Fprintf(b, "%s\n", p.color(bold, visible(f.Object.String())))
		}
		fmt.Fprintf(b, "  %s  %s %s\n", visible(place(f.Location)), p.color(actionColor(f.Action), visible(f.Action)+" "+visible(f.Rule)), p.color(faint, "("+visible(f.Severity)+")"))
		fmt.Fprintf(b, "    %s\n", visible(message(f)))
		if f.Location != shown && p.excerpt(b, f) {
			shown = f.Location
		}
		if i == len(findings)-1 || f.Object != findings[i+1].Object || f.Location.File != findings[i+1].Location.File {
			b.WriteByte('\n')
		}
	}
}

// message is the message without the rule's id, which stands above it.
func message(f Finding) string { return strings.TrimPrefix(f.Message, f.Rule+": ") }

func place(l Location) string {
	switch {
	case l.Line == 0:
		return l.File
	case l.Column == 0:
		return fmt.Sprintf("%s:%d", l.File, l.Line)
	}
	return fmt.Sprintf("%s:%d:%d", l.File, l.Line, l.Column)
}

func actionColor(action string) string {
	switch action {
	case Deny:
		return red
	case Warn:
		return yellow
	}
	return cyan
}

// excerpt shows the line of a finding with a caret below its column, unless it may hold a secret.
func (p pretty) excerpt(b *bytes.Buffer, f Finding) bool {
	if p.SourceLine == nil || f.Location.Line == 0 || secretive(f) {
		return false
	}
	line, ok := p.SourceLine(f.Location.File, f.Location.Line)
	if !ok || utf8.RuneCountInString(line) > width || secretLine.MatchString(line) {
		return false
	}
	line = strings.TrimRight(line, " \t\r")
	if f.Policy == "manifest" {
		line = afterKey.ReplaceAllString(line, "$1 …") // nobody knows what a field holds that the kind doesn't have
	}
	before := line
	for i, n := 0, 1; i < len(line); n++ {
		if n == f.Location.Column {
			before = line[:i]
			break
		}
		_, size := utf8.DecodeRuneInString(line[i:])
		i += size
	}
	number := strconv.Itoa(f.Location.Line)
	fmt.Fprintf(b, "      %s %s\n", p.color(faint, number+" |"), visible(strings.ReplaceAll(line, "\t", " ")))
	if f.Location.Column > 0 && len(before) < len(line) {
		indent := utf8.RuneCountInString(visible(strings.ReplaceAll(before, "\t", " ")))
		fmt.Fprintf(b, "      %s %s%s\n", p.color(faint, strings.Repeat(" ", len(number))+" |"), strings.Repeat(" ", indent), p.color(actionColor(f.Action), "^"))
	}
	return true
}

// secretive says that the line of a finding may hold a secret by what the finding is about.
func secretive(f Finding) bool {
	if f.Fact == "no-scans" || strings.HasPrefix(f.Rule, "KFS-3") || f.Object.Kind == "Secret" {
		return true
	}
	for _, step := range f.RawPath {
		switch step {
		case "env", "data", "stringData", "annotations", "headers", "cookies":
			return true
		}
	}
	return false
}

// secretLine matches lines that may hold a secret beside what the finding is about: a flow mapping or one-line JSON, a URL with a user.
var secretLine = regexp.MustCompile(`(?i)(passw|pwd|secret|token|credential|api[-_]?key|access[-_]?key|private[-_]?key|authorization\b|bearer)[^:=]*["']?\s*[:=]|\bvalue["']?\s*:|://[^/\s]*@`)

// afterKey matches a key and the value after it.
var afterKey = regexp.MustCompile(`^([^:]*:) +\S.*`)

// fixes says once per rule how to fix it.
func (p pretty) fixes(b *bytes.Buffer, findings []Finding) {
	rules := map[string]Finding{}
	count := map[string]int{}
	for _, f := range findings {
		if f.Remediation == "" && f.Title == "" {
			continue
		}
		if _, known := rules[f.Rule]; !known {
			rules[f.Rule] = f
		}
		count[f.Rule]++
	}
	if len(rules) == 0 {
		return
	}
	ids := make([]string, 0, len(rules))
	for id := range rules {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	fmt.Fprintln(b, p.color(bold, "How to fix"))
	for _, id := range ids {
		f := rules[id]
		times := ""
		if count[id] > 1 {
			times = p.color(faint, fmt.Sprintf(" (%d findings)", count[id]))
		}
		fmt.Fprintf(b, "  %s  %s%s\n", p.color(cyan, visible(id)), visible(f.Title), times)
		wrap(b, "    ", "    ", words(f.Remediation))
	}
	b.WriteByte('\n')
}

// words are the words of a text, safe to print.
func words(text string) []string {
	words := strings.Fields(text)
	for i := range words {
		words[i] = visible(words[i])
	}
	return words
}

// wrap writes words in lines of at most width characters where words allow.
func wrap(b *bytes.Buffer, first, indent string, words []string) {
	column := 0
	for _, word := range words {
		n := utf8.RuneCountInString(word)
		switch {
		case column == 0:
			b.WriteString(first)
			column = utf8.RuneCountInString(first)
		case column+1+n > width:
			b.WriteString("\n" + indent)
			column = utf8.RuneCountInString(indent)
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += n
	}
	if column > 0 {
		b.WriteByte('\n')
	}
}

// undecided says which rules wait for what: one line per set of rules that wait for the same or for as much.
func (p pretty) undecided(b *bytes.Buffer, undecided []Undecided) {
	byNeeds := map[string]*waiting{}
	for _, u := range undecided {
		w := waitingFor(byNeeds, strings.Join(u.Needs, "\x00"))
		w.needs, w.objects[u.Object] = u.Needs, true
		w.rules = append(w.rules, u.Rule)
	}
	byRules := map[string]*waiting{}
	for _, w := range byNeeds {
		w.rules = compact(w.rules)
		all := waitingFor(byRules, strings.Join(w.rules, "\x00"))
		all.rules, all.needs = w.rules, compact(append(all.needs, w.needs...))
		maps.Copy(all.objects, w.objects)
	}
	for _, key := range slices.Sorted(maps.Keys(byRules)) {
		var line bytes.Buffer
		wrap(&line, "undecided: ", "  ", words(byRules[key].String()))
		b.WriteString(p.color(cyan, "undecided:") + strings.TrimPrefix(line.String(), "undecided:"))
	}
	if len(byRules) > 0 {
		b.WriteByte('\n')
	}
}

// waiting are rules that are undecided for objects, and what they need.
type waiting struct {
	rules, needs []string
	objects      map[Object]bool
}

func waitingFor(groups map[string]*waiting, key string) *waiting {
	if groups[key] == nil {
		groups[key] = &waiting{objects: map[Object]bool{}}
	}
	return groups[key]
}

func compact(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

func (w *waiting) String() string {
	verb, manifests := "need", "their manifests"
	if len(w.rules) == 1 {
		verb = "needs"
	}
	if len(w.needs) == 1 {
		manifests = "its manifest"
	}
	needs := w.needs
	more := ""
	if n := len(needs) - 5; n > 1 {
		needs, more = needs[:5], fmt.Sprintf(", and %d more", n)
	}
	return fmt.Sprintf("%s for %s %s %s%s: add %s, or say --context complete",
		strings.Join(w.rules, ", "), plural(len(w.objects), "object", "objects"), verb, strings.Join(needs, ", "), more, manifests)
}

func (p pretty) errors(b *bytes.Buffer, errors []Error) {
	for _, e := range errors {
		at := place(Location{File: e.File, Line: e.Line})
		if at != "" {
			at += ": "
		}
		fmt.Fprintf(b, "%s %s%s\n", p.color(red, "error:"), visible(at), visible(e.Message))
	}
	if len(errors) > 0 {
		b.WriteByte('\n')
	}
}

func (p pretty) summary(b *bytes.Buffer, r Report) {
	s := r.Summary
	var counts []string
	if s.Reviewed > 0 || len(r.Errors) == 0 { // "0 denied" is no comfort where nothing was judged
		counts = append(counts, p.count(s.Deny, red, "denied", "denied"), p.count(s.Warn, yellow, "warning", "warnings"))
	}
	others := map[string]int{}
	for _, f := range r.Findings {
		if f.Action != Deny && f.Action != Warn {
			others[visible(f.Action)]++
		}
	}
	for _, action := range slices.Sorted(maps.Keys(others)) {
		counts = append(counts, p.count(others[action], cyan, action, action))
	}
	if s.Reviewed > 0 || s.Undecided > 0 {
		counts = append(counts, p.count(s.Undecided, cyan, "undecided", "undecided"))
	}
	if len(r.Errors) > 0 {
		counts = append(counts, p.count(len(r.Errors), red, "error", "errors"))
	}

	var context []string
	if r.Profile != "" {
		context = append(context, "profile "+visible(r.Profile))
	}
	if r.Flavor != "" {
		context = append(context, "flavor "+visible(r.Flavor))
	}
	note := strings.Join(context, ", ")
	if r.Flavor == "classic" {
		note += "; --flavor buildless for today's Kyma"
	}
	if note != "" {
		note = p.color(faint, " ("+note+")")
	}
	fmt.Fprintf(b, "%s, %d judged: %s%s\n", plural(s.Objects, "object", "objects"), s.Reviewed, strings.Join(counts, ", "), note)
}

func (p pretty) count(n int, color, one, many string) string {
	text := plural(n, one, many)
	switch {
	case n == 0 && color == red:
		return p.color(green, text)
	case n == 0:
		return text
	}
	return p.color(color, text)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func (p pretty) color(code, text string) string {
	if !p.Color || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// visible escapes what would act on a terminal or be invisible on it: control characters, bidi and other format characters, odd spaces.
func visible(text string) string {
	clean := true
	for _, r := range text {
		if !strconv.IsPrint(r) || r == utf8.RuneError {
			clean = false
			break
		}
	}
	if clean {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case strconv.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
		i += size
	}
	return b.String()
}
