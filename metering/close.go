package metering

import (
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Position is what one connection point took and gave in one interval.
type Position struct {
	Point     grid.PointID
	Account   tx.AccountID
	Zone      grid.ZoneID
	Import    quantity.Energy
	Export    quantity.Energy
	Produced  quantity.Energy // By renewable devices behind the point.
	Renewable bool            // There is such a device.
	Estimated bool            // Some of it is not an actual reading.
}

// Close ends a microgrid's first open interval: values that are missing are
// estimated, suspicious ones are reported, and all of them are settled from now
// on. It returns the positions, by connection point.
func Close(ctx *op.Context, s state.Store, id grid.MicrogridID, m grid.Microgrid) []Position {
	i := interval.Interval{Start: m.Open, Length: m.Length}
	k := Moment{id, i.Start}
	given := take(s, k)
	var all []Value
	var rows []grid.DeviceRow
	for dk, d := range grid.Devices(s, id) {
		if !grid.Holds(d.From, d.Until, i) {
			continue
		}
		if len(given) > 0 && given[0].Device == dk.Device {
			all, given = append(all, given[0]), given[1:]
		} else {
			v := estimate(s, k, dk.Device, m)
			all = append(all, v)
			op.Emit(ctx, ExceptionReceipt, m.Operator, Exception{id, dk.Device, Missing, i.Start, i.Start, v.Import, v.Export})
		}
		rows = append(rows, d)
	}
	validate(ctx, s, k, m, all, rows)
	history.Put(s, k, settled{Revision: 1, Values: all})
	history.Delete(s, Moment{id, final(m)})
	return positions(s, id, i, all)
}

// Revised returns the positions that a settled interval was settled with, and
// those that later readings make of it, with their revision. The interval counts
// as settled with the latter from now on.
func Revised(s state.Store, id grid.MicrogridID, m grid.Microgrid, start interval.Time) (was, is []Position, rev uint32) {
	i := interval.Interval{Start: start, Length: m.Length}
	k := Moment{id, start}
	old, _ := revision.Get(s, k)
	revision.Delete(s, k)
	now, _ := history.Get(s, k)
	return positions(s, id, i, old.Was), positions(s, id, i, now.Values), now.Revision
}

// take removes the values of an open interval and returns them, by device.
func take(s state.Store, k Moment) []Value {
	var given []Value
	for key, v := range values.Under(s, k) {
		given = append(given, v)
		values.Delete(s, key)
	}
	tallies.Delete(s, k)
	return given
}

// final is the start of the interval that becomes final when m's first open one
// closes: no late reading corrects it any more.
func final(m grid.Microgrid) interval.Time {
	return m.Open - m.Length.Containing(interval.Time(m.Correction)).Start - interval.Time(m.Length)
}

// positions sums the values of an interval by connection point, in the order of
// the points. Meters say what was taken and given; the devices behind them, what
// was produced.
func positions(s state.Reader, id grid.MicrogridID, i interval.Interval, all []Value) []Position {
	index := map[grid.PointID]int{}
	var list []Position
	for p, c := range grid.Points(s, id) {
		if grid.Holds(c.From, c.Until, i) {
			index[p.Point] = len(list)
			list = append(list, Position{Point: p.Point, Account: c.Account, Zone: c.Zone})
		}
	}
	for _, v := range all {
		d, _ := grid.DeviceAt(s, grid.Device{Microgrid: id, Device: v.Device})
		n, ok := index[d.Point]
		if !ok {
			continue
		}
		p := &list[n]
		switch {
		case d.Kind == grid.Meter:
			p.Import = quantity.MustAdd(p.Import, v.Import)
			p.Export = quantity.MustAdd(p.Export, v.Export)
			p.Estimated = p.Estimated || v.Quality == Estimated
		case d.Kind.Renewable():
			p.Produced = quantity.MustAdd(p.Produced, v.Export)
			p.Renewable = true
		}
	}
	return list
}
