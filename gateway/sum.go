package gateway

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/commonwatt/commonwatt/interval"
)

// sum puts readings of shorter intervals together to the length that was
// expected. An interval of which a part is missing is left out, and a note says so.
func (g *rows) sum(readings []Reading) []Reading {
	length := g.names.expect.Length
	if length == 0 || !slices.ContainsFunc(readings, func(r Reading) bool { return r.Length != length }) {
		return readings
	}
	s := summing{length: length, under: map[string]*partial{}, sums: readings[:0:0]}
	for _, r := range readings {
		s.add(r)
	}
	for _, meter := range slices.Sorted(maps.Keys(s.under)) {
		s.end(s.under[meter])
	}
	for _, meter := range slices.Sorted(maps.Keys(s.short)) {
		g.note(Note{Meter: meter, Count: s.short[meter], Unit: "interval", Text: fmt.Sprintf("of %d minutes only a part is in the files: left out", length/60)})
	}
	slices.SortFunc(s.sums, func(a, b Reading) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.Meter, b.Meter))
	})
	return s.sums
}

// partial is an interval that readings are being added to.
type partial struct {
	Reading
	covered interval.Length
}

// summing adds readings up, by meter.
type summing struct {
	length interval.Length
	under  map[string]*partial // The interval at hand of each meter.
	sums   []Reading
	short  map[string]int // Per meter, intervals that were left out.
}

// add takes the next reading of a meter; they do not overlap and come by start.
func (s *summing) add(r Reading) {
	start := s.length.Containing(r.Start).Start
	p := s.under[r.Meter]
	switch {
	case p == nil:
		p = &partial{}
		s.under[r.Meter] = p
	case p.Start == start:
		p.Import = together(p.Import, r.Import) // Sixty readings at most, of few flows of less than 10^12 Wh each.
		p.Export = together(p.Export, r.Export)
		p.Quality = mixed(p.Quality, r.Quality)
		p.covered += r.Length
		return
	default:
		s.end(p)
	}
	p.Reading, p.covered = r, r.Length
	p.Start, p.Length = start, s.length
}

// end closes the interval at hand of a meter.
func (s *summing) end(p *partial) {
	if p.covered == s.length {
		s.sums = append(s.sums, p.Reading)
		return
	}
	if s.short == nil {
		s.short = map[string]int{}
	}
	s.short[p.Meter]++
}
