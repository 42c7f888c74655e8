package gateway

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/commonwatt/commonwatt/interval"
)

// shownAt is what registers showed at a moment, and where it is written.
type shownAt struct {
	at interval.Time
	Registers
	file, line int32
}

// nearMax is how far from the end of an interval a telegram may be that stands for
// it. A meter sends one every second (DSMR 5) or ten (DSMR 4).
const nearMax interval.Time = 10

// telegrams makes rows of what was kept of telegrams, by meter.
func (g *rows) telegrams() error {
	for _, meter := range slices.Sorted(maps.Keys(g.shown)) {
		if err := g.differences(meter, g.shown[meter]); err != nil {
			return err
		}
	}
	return nil
}

// differences makes rows of the registers of one meter.
func (g *rows) differences(meter string, shown []shownAt) error {
	slices.SortFunc(shown, func(a, b shownAt) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.file, b.file), cmp.Compare(a.line, b.line))
	})
	for i := 1; i < len(shown); i++ {
		if err := g.grow(meter, shown[i-1], shown[i]); err != nil {
			return err
		}
	}
	length, ends := g.ends(shown)
	added := 0
	for i := 1; i < len(ends); i++ {
		from, until := ends[i-1], ends[i]
		start := nearest(from.at, length)
		n := (nearest(until.at, length) - start) / interval.Time(length)
		if n > 1 {
			g.note(Note{
				File: g.files[until.file].name, Line: int(until.line), Meter: meter, Count: int(n), Unit: "interval",
				Text: fmt.Sprintf("no telegram within %d seconds of the ends of intervals of %d minutes before it: left out with their energy", nearMax, length/60),
			})
			continue
		}
		g.all = append(g.all, row{Reading{
			Meter: meter, Start: start, Length: length, Quality: Actual,
			Import: until.Import - from.Import, Export: until.Export - from.Export, // ≥ 0, and less than 10^12 Wh.
		}, until.file, until.line, nil})
		added++
	}
	if added == 0 {
		g.note(Note{
			File: g.files[shown[0].file].name, Line: int(shown[0].line), Meter: meter, Count: len(shown), Unit: "telegram",
			Text: "a telegram shows registers at its moment; energy of an interval needs two, at its start and at its end",
		})
	}
	return nil
}

// grow refuses registers that fell, and two that differ at one moment.
func (g *rows) grow(meter string, before, after shownAt) error {
	refuse := func(reason, next string) error {
		return &Refused{File: g.files[after.file].name, Line: int(after.line), Field: "1-0:1.8, 1-0:2.8", Text: meter, Reason: reason, Next: next}
	}
	place := fmt.Sprintf("%s:%d", g.files[before.file].name, before.line)
	switch {
	case after.at == before.at && after.Registers != before.Registers:
		return refuse("shows other registers than "+place+" at the same moment", "Keep the right one of the two telegrams")
	case after.Import < before.Import || after.Export < before.Export:
		return refuse("shows a register lower than "+place+" before it, and registers only grow", "If the meter was exchanged, send what each meter said by itself")
	}
	return nil
}

// ends picks the telegrams that stand for ends of intervals. Without a length that
// is expected, it is the shortest from a quarter of an hour on that gives a reading.
func (g *rows) ends(shown []shownAt) (interval.Length, []shownAt) {
	if length := g.names.expect.Length; length != 0 {
		return length, endsAt(shown, length)
	}
	lengths := []interval.Length{interval.Minutes15, interval.Minutes30, interval.Minutes60}
	for _, length := range lengths {
		ends := endsAt(shown, length)
		for i := 1; i < len(ends); i++ {
			if nearest(ends[i].at, length)-nearest(ends[i-1].at, length) == interval.Time(length) {
				return length, ends
			}
		}
	}
	return lengths[0], endsAt(shown, lengths[0])
}

// endsAt picks, for each end of an interval of a length, the nearest telegram, the
// earlier one of equals.
func endsAt(shown []shownAt, length interval.Length) (ends []shownAt) {
	far := func(s shownAt) interval.Time {
		d := s.at - nearest(s.at, length)
		return max(d, -d)
	}
	for _, s := range shown {
		if far(s) > nearMax {
			continue
		}
		n := len(ends)
		switch {
		case n == 0 || nearest(ends[n-1].at, length) != nearest(s.at, length):
			ends = append(ends, s)
		case far(s) < far(ends[n-1]):
			ends[n-1] = s
		}
	}
	return ends
}

// nearest is the multiple of a length that is nearest to a moment.
func nearest(at interval.Time, length interval.Length) interval.Time {
	return length.Containing(at + interval.Time(length)/2).Start
}
