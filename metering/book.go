package metering

import (
	"cmp"
	"slices"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/state"
)

// Entry is a value of a device that is known to the microgrid.
type Entry struct {
	Start  interval.Time
	Device grid.DeviceRow
	Value  Value
}

// Takes reports whether the ledger still takes a value of an interval: it is not
// final, nor before the microgrid's first.
func Takes(s state.Reader, id grid.MicrogridID, m grid.Microgrid, start interval.Time) bool {
	return start >= m.Open || history.Has(s, Moment{id, start})
}

// Correctable is the start of the first interval that may still be open or
// corrected.
func Correctable(m grid.Microgrid) interval.Time {
	return max(m.Start, final(m))
}

// Finals is the start of the interval that becomes final as m's first open one closes;
// in a young microgrid it lies before its first.
func Finals(m grid.Microgrid) interval.Time { return final(m) }

// Book books values that registers make as Record does, new ones or revisions, but refuses none: a
// value of an interval that is final, or in which the device is not there, is
// left out, and so is one that is not actual where an actual one is. Of two
// values of one device in one interval the later one in entries counts.
func Book(ctx *op.Context, s state.Store, id grid.MicrogridID, m grid.Microgrid, entries []Entry) {
	slices.SortStableFunc(entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.Value.Device, b.Value.Device))
	})
	for len(entries) > 0 {
		n := 1
		for n < len(entries) && entries[n].Start == entries[0].Start {
			n++
		}
		bookInterval(ctx, s, Moment{id, entries[0].Start}, m, entries[:n])
		entries = entries[n:]
	}
}

// bookInterval books the values of one interval, by device.
func bookInterval(ctx *op.Context, s state.Store, k Moment, m grid.Microgrid, entries []Entry) {
	i := interval.Interval{Start: k.Start, Length: m.Length}
	b := booking{ctx, s, k, m, true, &Recorded{}}
	var list []located
	for n, e := range entries {
		superseded := n+1 < len(entries) && entries[n+1].Value.Device == e.Value.Device
		if superseded || !grid.Holds(e.Device.From, e.Device.Until, i) {
			continue
		}
		list = append(list, located{pageOf(e.Device), e.Value})
	}
	if len(list) == 0 {
		return
	}
	if k.Start < m.Open {
		if history.Has(s, k) {
			_ = b.revise(list) // It refuses only what is not lenient.
		}
		return
	}
	_ = b.add(list) // As above.
	if c, _ := clocks.Get(s, k.Microgrid); c.Latest < i.End() {
		clocks.Put(s, k.Microgrid, clock{i.End()})
	}
}
