package gateway

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// flow is one of the streams of energy of a meter that a file keeps apart: a
// channel of NEM12, a direction of Green Button.
type flow struct {
	name   string
	export bool
	of     *[]string // Names of all flows that make one reading of the meter.
}

// row is a reading, or what one flow says of it, and where it stands.
type row struct {
	Reading
	file, line int32
	flow       *flow // nil: the row is the whole reading.
}

// name is the name of the row's flow.
func (r *row) name() string {
	if r.flow == nil {
		return ""
	}
	return r.flow.name
}

// source is a file, or a file within a zip file.
type source struct {
	name   string
	format Format
}

// of says which part something belongs to: the file's index and the community's name.
type of struct {
	file  int32
	meter string
}

// rows are the readings of several files.
type rows struct {
	names *names
	files []source
	all   []row
	parts map[of]*Part
	notes []Note
	noted map[Note]int         // Where a note without count and line is in notes.
	shown map[string][]shownAt // What telegrams of a meter showed.

	kept      int // Telegrams in shown.
	negatives int // Readings below zero.
}

func newRows(expect Expect) *rows {
	return &rows{names: newNames(expect), parts: map[of]*Part{}, noted: map[Note]int{}, shown: map[string][]shownAt{}}
}

// file is the index of the file that is being read.
func (g *rows) file() int32 { return int32(len(g.files) - 1) } //nolint:gosec // few files

// part returns the part of a meter in the file that is being read.
func (g *rows) part(meter, named string) *Part {
	key := of{g.file(), named}
	p, ok := g.parts[key]
	if !ok {
		f := g.files[key.file]
		p = &Part{File: f.name, Format: f.format, Meter: meter, Named: named, Offset: f.format.Offset()}
		g.parts[key] = p
	}
	return p
}

// add appends a row of the file that is being read, of a meter that has a part.
func (g *rows) add(at *lines, r Reading, f *flow) error {
	if len(g.all) >= g.limit() {
		return g.tooMany(at)
	}
	g.all = append(g.all, row{r, g.file(), int32(at.line), f}) //nolint:gosec // bounded by RowsMax and the size of a file
	return nil
}

// limit is the most rows that are read at once.
func (g *rows) limit() int { return cmp.Or(g.names.expect.RowsMax, RowsMaxDefault) }

func (g *rows) tooMany(at *lines) error {
	return at.refuse("", nil, fmt.Sprintf("is more than the %d rows that are read at once", g.limit()), "Load fewer files at a time")
}

// note adds a note. Those that differ in line alone are counted as one.
func (g *rows) note(n Note) {
	key := n
	key.Count, key.Line = 0, 0
	if i, ok := g.noted[key]; ok {
		g.notes[i].Count += n.Count
		return
	}
	g.noted[key] = len(g.notes)
	g.notes = append(g.notes, n)
}

// indexOf is the place of a file among the files, or −1.
func (g *rows) indexOf(name string) int {
	return slices.IndexFunc(g.files, func(s source) bool { return s.name == name })
}

func (g *rows) sortedParts() []Part {
	keys := slices.SortedFunc(maps.Keys(g.parts), func(a, b of) int {
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.meter, b.meter))
	})
	parts := make([]Part, len(keys))
	for i, key := range keys {
		parts[i] = *g.parts[key]
	}
	return parts
}
