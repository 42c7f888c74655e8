package community

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// Refused says why a community file was refused.
type Refused struct {
	File   string
	Line   int    // From 1; 0 when no line is meant.
	Column int    // From 1; 0 when the line as a whole is meant.
	Field  string // The path of the field: member[3].zone, counted from 0.
	Reason string
}

// Error is one line: file:line:column: field: reason.
func (r *Refused) Error() string {
	var b strings.Builder
	b.WriteString(r.File)
	for _, n := range [...]int{r.Line, r.Column} {
		if n > 0 {
			fmt.Fprintf(&b, ":%d", n)
		}
	}
	b.WriteString(": ")
	if r.Field != "" {
		b.WriteString(r.Field + ": ")
	}
	b.WriteString(r.Reason)
	return b.String()
}

// places says on which line each field of a file stands, by its path.
type places map[string]int

// line returns the line of the field or of the nearest thing around it.
func (p places) line(field string) int {
	for field != "" {
		if line, ok := p[field]; ok {
			return line
		}
		field = field[:max(strings.LastIndexAny(field, ".["), 0)]
	}
	return 0
}

// locate finds the lines of the tables and fields of a file, as far as it is valid
// TOML. An orphan is the first array of tables within another one that has no
// element yet: at such a thing the decoder panics. So is the first table that is no
// table of a community file, and the first field that is none: for many of them the
// decoder takes minutes.
func locate(text []byte) (p places, orphan *Refused) {
	p = places{}
	counts := map[string]int{} // Of the elements of each array of tables.
	var parser unstable.Parser
	parser.Reset(text)
	var table string
	var within []string // The names of the table.
	for parser.NextExpression() {
		node := parser.Expression()
		names, line, column := keyOf(&parser, node)
		switch node.Kind { //nolint:exhaustive // the other kinds do not stand at the top level
		case unstable.Table, unstable.ArrayTable:
			table, within = "", names
			for i, name := range names {
				table = join(table, name)
				if node.Kind == unstable.ArrayTable && i == len(names)-1 {
					counts[table]++
				}
				if n := counts[table]; n > 0 {
					table = fmt.Sprintf("%s[%d]", table, n-1)
				} else if orphan == nil && node.Kind == unstable.ArrayTable && isArray(names[:i+1]) {
					orphan = &Refused{Line: line, Field: strings.Join(names, "."), Reason: fmt.Sprintf("belongs to the [[%s]] before it, and there is none", table)}
				}
			}
			if _, known := typeAt(names); !known && orphan == nil {
				return p, noField(names, line, column)
			}
			p[table] = line
		case unstable.KeyValue:
			full := slices.Concat(within, names)
			if _, known := typeAt(full); !known && orphan == nil {
				return p, noField(full, line, column)
			}
			p[join(table, strings.Join(names, "."))] = line
		}
	}
	return p, orphan
}

// keyOf returns the dotted key of a table or field, its line and its column.
func keyOf(parser *unstable.Parser, node *unstable.Node) (names []string, line, column int) {
	keys := node.Key()
	for keys.Next() {
		if line == 0 {
			start := parser.Shape(keys.Node().Raw).Start
			line, column = start.Line, start.Column
		}
		names = append(names, strings.ToLower(string(keys.Node().Data))) // As the decoder matches them.
	}
	return names, line, column
}

func join(table, name string) string {
	if table == "" {
		return name
	}
	return table + "." + name
}
