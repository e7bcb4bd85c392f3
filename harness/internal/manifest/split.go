package manifest

import "bytes"

// A chunk is the text of one document and the number of lines of its file before it.
type chunk struct {
	body []byte
	line int
}

// split cuts a stream at its document markers, which YAML knows by their place at the start of a line, wherever they stand. The "---"
// stays with the document it begins (content may follow it) and so do directives before it. Documents without content are left out.
func split(data []byte) []chunk {
	var chunks []chunk
	current := chunk{}
	start := 0
	opened, content := false, false // current has a "---"; it has more than comments and directives

	flush := func(end, line int) {
		if content {
			current.body = data[start:end]
			chunks = append(chunks, current)
		}
		start, current.line = end, line
		opened, content = false, false
	}

	line := 0
	for at := 0; at < len(data); line++ {
		end := len(data)
		if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		text := data[at:end]
		switch {
		case marker(text, "---"):
			if opened || content {
				flush(at, line)
			}
			opened, content = true, !blank(text[3:], true)
		case marker(text, "..."):
			content = content || !blank(text[3:], true)
			flush(end, line+1)
		case content:
		default:
			content = !blank(text, opened)
		}
		at = end
	}
	flush(len(data), line)
	return chunks
}

func marker(line []byte, mark string) bool {
	if len(line) < 3 || string(line[:3]) != mark {
		return false
	}
	return len(line) == 3 || line[3] == ' ' || line[3] == '\t' || line[3] == '\r' || line[3] == '\n'
}

// blank says that a line has nothing but a comment or, before the "---", a directive.
func blank(line []byte, opened bool) bool {
	if !opened && line[0] == '%' {
		return true
	}
	text := bytes.TrimLeft(line, " \t\r\n")
	if len(text) == 0 {
		return true
	}
	// A carriage return or a Unicode line separator ends a comment for YAML: such a line may have more than it shows.
	return text[0] == '#' && !hasOddBreak(text)
}

// hasOddBreak says that text has line breaks of YAML that other programs don't count as lines: a lone carriage return, NEL, LS, PS.
func hasOddBreak(text []byte) bool {
	for at := 0; ; {
		i := bytes.IndexByte(text[at:], '\r')
		if i < 0 {
			break
		}
		at += i + 1
		if at < len(text) && text[at] != '\n' {
			return true
		}
	}
	return bytes.Contains(text, []byte("\u0085")) || bytes.Contains(text, []byte("\u2028")) || bytes.Contains(text, []byte("\u2029"))
}

// A list is a `kind: List` document cut into its items, so that each is read and, if needed, read again for positions on its own.
type list struct {
	head   []byte // the document without the lines of its items
	before int    // how much of head stands before the items
	items  []chunk
}

// cut cuts a block-style list whose items stand below a line "items:" at the left margin; false if it doesn't look like that. It goes
// by indentation only. Where that is wrong (inside a quoted text or a flow collection) a piece has an open quote or bracket and can't be
// parsed, and the caller reads the document whole.
func cut(c chunk) (list, bool) {
	begin, line, ok := itemsLine(c.body)
	if !ok {
		return list{}, false
	}
	l := list{}
	indent, at, start := -1, begin, -1
	startLine := 0
	for ; at < len(c.body); line++ {
		end := len(c.body)
		if i := bytes.IndexByte(c.body[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		text := c.body[at:end]
		bare := bytes.TrimLeft(text, " ")
		column := len(text) - len(bare)
		switch {
		case len(bytes.TrimSpace(bare)) == 0 || bare[0] == '#':
		case dash(bare) && (indent < 0 || column == indent):
			if start >= 0 {
				l.items = append(l.items, chunk{c.body[start:at], c.line + startLine})
			}
			indent, start, startLine = column, at, line
		case indent < 0:
			return list{}, false
		case column <= indent:
			if column > 0 {
				return list{}, false
			}
			return l.close(c, begin, start, at, startLine)
		}
		at = end
	}
	return l.close(c, begin, start, at, startLine)
}

func (l list) close(c chunk, begin, start, end, line int) (list, bool) {
	if start < 0 {
		return list{}, false
	}
	l.items = append(l.items, chunk{c.body[start:end], c.line + line})
	l.before = begin
	l.head = append(bytes.Clone(c.body[:begin]), c.body[end:]...)
	return l, true
}

// itemsLine finds the line "items:" and returns the offset and the number of the line after it.
func itemsLine(body []byte) (offset, line int, ok bool) {
	i := 0
	if !bytes.HasPrefix(body, []byte("items:")) {
		i = bytes.Index(body, []byte("\nitems:")) + 1
		if i == 0 {
			return 0, 0, false
		}
	}
	end := bytes.IndexByte(body[i:], '\n')
	if end < 0 || len(bytes.TrimSpace(body[i+len("items:"):i+end])) > 0 {
		return 0, 0, false
	}
	offset = i + end + 1
	return offset, bytes.Count(body[:offset], []byte("\n")), true
}

func dash(text []byte) bool {
	return text[0] == '-' && (len(text) == 1 || text[1] == ' ' || text[1] == '\n' || text[1] == '\r')
}
