package gateway

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
)

// merge sorts the rows, puts the flows of a reading together, drops repeated rows
// and refuses contradictions.
func (g *rows) merge() ([]Reading, error) {
	order := func(a, b row) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.Meter, b.Meter), cmp.Compare(a.Length, b.Length),
			cmp.Compare(a.name(), b.name()), cmp.Compare(a.file, b.file), cmp.Compare(a.line, b.line))
	}
	if !slices.IsSortedFunc(g.all, order) {
		slices.SortFunc(g.all, order)
	}
	readings := make([]Reading, 0, len(g.all))
	last := make(map[string]row, len(g.names.known)) // Per meter.
	for rest := g.all; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].Start == rest[0].Start && rest[n].Meter == rest[0].Meter && rest[n].Length == rest[0].Length {
			n++
		}
		r, err := g.whole(rest[:n])
		if err != nil {
			return nil, err
		}
		rest = rest[n:]
		if before, known := last[r.Meter]; known && before.Start+interval.Time(before.Length) > r.Start {
			return nil, g.refuse(r, fmt.Sprintf("covers time that %s covers too", g.place(before)), "Keep one of the two")
		}
		last[r.Meter] = r
		if err := g.count(r); err != nil {
			return nil, err
		}
		readings = append(readings, r.Reading)
	}
	return readings, nil
}

// whole makes one reading of the rows of one meter and interval, by flow.
func (g *rows) whole(rows []row) (row, error) {
	var whole, sum *row
	var present []string
	for i := range rows {
		r := &rows[i]
		if i > 0 && r.name() == rows[i-1].name() {
			if r.Reading != rows[i-1].Reading {
				return row{}, g.contradiction(*r, rows[i-1])
			}
			continue
		}
		if r.flow == nil {
			whole = r
			continue
		}
		present = append(present, r.flow.name)
		if sum == nil {
			one := *r
			sum = &one
			continue
		}
		sum.Import = together(sum.Import, r.Import) // Few flows of less than 10^12 Wh each.
		sum.Export = together(sum.Export, r.Export)
		sum.Quality = mixed(sum.Quality, r.Quality)
	}
	if sum == nil {
		return *whole, nil
	}
	g.complete(sum, rows, present)
	if whole != nil && whole.Reading != sum.Reading {
		return row{}, g.contradiction(*sum, *whole)
	}
	return *sum, nil
}

// complete marks a reading of which a flow is missing: it is taken as 0, and the
// quality says that not all of it was measured.
func (g *rows) complete(sum *row, rows []row, present []string) {
	var missing []string
	for i := range rows {
		if rows[i].flow == nil {
			continue
		}
		for _, name := range *rows[i].flow.of {
			if !slices.Contains(present, name) && !slices.Contains(missing, name) {
				missing = append(missing, name)
			}
		}
	}
	for _, name := range missing {
		sum.Quality = mixed(sum.Quality, Variable)
		g.note(Note{
			File: g.files[sum.file].name, Line: int(sum.line), Meter: sum.Meter, Count: 1, Unit: "interval",
			Text: fmt.Sprintf("%s, which the meter has, is missing: taken as 0 and marked %c, so that a later file corrects it", name, Variable),
		})
	}
}

// together is the energy of two things. When one of them is below zero there is none:
// it is what is below zero alone, so that the others do not hide it.
func together(a, b quantity.Energy) quantity.Energy {
	if a < 0 || b < 0 {
		a, b = min(a, 0), min(b, 0)
	}
	return quantity.MustAdd(a, b)
}

// mixed is the quality of two things together.
func mixed(a, b byte) byte {
	switch {
	case a == b:
		return a
	case a == Null || b == Null:
		return Null
	}
	return Variable
}

// count counts a reading to the part that it comes from.
func (g *rows) count(r row) error {
	p := g.parts[of{r.file, r.Meter}]
	if r.Quality == Null {
		g.note(Note{File: p.File, Line: int(r.line), Meter: p.Named, Count: 1, Unit: "interval", Text: "quality N, which means that there is no value: left out"})
		return nil
	}
	if r.Negative() {
		g.noteNegative(p, r)
		return nil
	}
	if p.Registers == nil { // Else the telegrams say from when until when.
		if p.Readings == 0 {
			p.Start = r.Start
		}
		p.End = max(p.End, r.Start+interval.Time(r.Length))
	}
	p.Readings++
	var err, no error
	p.Import, err = quantity.Add(p.Import, r.Import)
	p.Export, no = quantity.Add(p.Export, r.Export)
	if err != nil || no != nil {
		return g.refuse(r, "has energies whose sum no number holds", "Look at what the file says of this meter")
	}
	return nil
}

// negativesNamed is how many values below zero have a note of their own.
const negativesNamed = 20

// noteNegative notes a reading below zero.
func (g *rows) noteNegative(p *Part, r row) {
	said := "more such values are"
	if g.negatives++; g.negatives <= negativesNamed {
		said = fmt.Sprintf("%d Wh import and %d Wh export at %s is", r.Import, r.Export, rfc3339(r.Start))
	}
	g.note(Note{
		File: p.File, Line: int(r.line), Meter: p.Named, Count: 1, Unit: "interval",
		Text: said + " below zero, which is no value: reported, and estimated until a real one comes",
	})
}

func (g *rows) contradiction(r, before row) error {
	said := func(r row) string { return fmt.Sprintf("%d,%d,%c", r.Import, r.Export, r.Quality) }
	return g.refuse(r, fmt.Sprintf("says %s for %s and %s says %s", said(r), rfc3339(r.Start), g.place(before), said(before)),
		"Keep the right one of the two rows")
}

func (g *rows) refuse(r row, reason, next string) error {
	return &Refused{File: g.files[r.file].name, Line: int(r.line), Field: columns[columnMeter], Text: r.Meter, Reason: reason, Next: next}
}

func (g *rows) place(r row) string { return fmt.Sprintf("%s:%d", g.files[r.file].name, r.line) }
