package community

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// Table is a table that a command adds to a community file: a member, a device of
// one, a zone.
type Table struct {
	Name   string // "member", "member.device", "zone".
	Fields []Field
}

// Field is a field of a Table: its name, and its value as TOML writes it.
type Field struct{ Name, Value string }

// Text is a value of a field that is a text.
func Text(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b.WriteRune('\\')
			b.WriteRune(c)
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, "\\u%04X", c)
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// Write writes the table, with an empty line before it.
func (t Table) Write() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "\n[[%s]]\n", t.Name)
	for _, f := range t.Fields {
		fmt.Fprintf(&b, "%s = %s\n", f.Name, f.Value)
	}
	return b.Bytes()
}

// Source returns the text of the community's file.
func (c *Community) Source() []byte { return slices.Clone(c.text) }

// With returns the community with one more table in its file, whose other lines
// stay as they are, comments included. A device goes to a member; any other table
// goes to the end.
//
// Errors: *Refused, as Parse would refuse the file; path is what it is called.
func (c *Community) With(path string, t Table, member string) (*Community, error) {
	text := slices.Clone(c.text)
	if len(text) > 0 && text[len(text)-1] != '\n' {
		text = append(text, '\n')
	}
	at := len(text)
	if member != "" {
		i := slices.IndexFunc(c.Members, func(m Member) bool { return m.Name == member })
		if i < 0 {
			return nil, &Refused{File: path, Reason: fmt.Sprintf("there is no member %.80q%s", member, meant(member, c.memberNames()))}
		}
		at = endOf(text, i)
	}
	return Parse(path, slices.Insert(text, at, t.Write()...))
}

func (c *Community) memberNames() (names []string) {
	for _, m := range c.Members {
		names = append(names, m.Name)
	}
	return names
}

// endOf is where the tables of a member end: before the comments and empty lines
// that lead to the next table, which is not the member's.
func endOf(text []byte, member int) int {
	places, _ := locate(text) // It was read before.
	own := fmt.Sprintf("member[%d]", member)
	begin, next := places[own], 0
	for path, line := range places {
		other := path != own && !strings.HasPrefix(path, own+".")
		if other && line > begin && (next == 0 || line < next) {
			next = line
		}
	}
	if next == 0 {
		return len(text)
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	before := lines[:next-1]
	for len(before) > 0 {
		last := bytes.TrimSpace(before[len(before)-1])
		if len(last) > 0 && last[0] != '#' {
			break
		}
		before = before[:len(before)-1]
	}
	return len(bytes.Join(before, nil))
}
