package metering

import (
	"fmt"

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
	Green     quantity.Energy // Of Export, what may be sold as green; for the market to be told.
	Estimated bool            // What was taken or given is not an actual reading.
	Devices   []Measured      // Behind the point, by device.
}

// Measured is what one device behind a connection point took and gave.
type Measured struct {
	Device    grid.DeviceID
	Kind      grid.Kind
	Import    quantity.Energy
	Export    quantity.Energy
	Estimated bool // Not an actual reading.
}

// Close ends a microgrid's first open interval: values that are missing are
// estimated, suspicious ones are reported, and all of them are settled from now
// on. It returns the positions, by connection point.
func Close(ctx *op.Context, s state.Store, id grid.MicrogridID, m grid.Microgrid) []Position {
	i := interval.Interval{Start: m.Open, Length: m.Length}
	k := Moment{id, i.Start}
	roster := grid.RosterOf(s, id, i, ctx.Both)
	all := complete(ctx, s, k, m, roster, take(s, k))
	smoothAll(ctx, s, k, m, roster, all)
	validate(ctx, s, k, m, roster, all)
	balance(ctx, s, k, m, roster, all)
	history.Put(s, k, settled{Revision: 1, Values: all})
	if last := (Moment{id, final(m)}); !revision.Has(s, last) {
		forget(s, last)
	}
	return positions(roster, all)
}

// complete returns a value for every device of the roster, in its order: the
// given one, or an estimate.
func complete(ctx *op.Context, s state.Reader, k Moment, m grid.Microgrid, roster grid.Roster, given []Value) []Value {
	all := make([]Value, len(roster.Devices))
	around := near{s: s, rows: map[Moment][]Value{}, pages: map[pageKey]page{}}
	for n, d := range roster.Devices {
		for len(given) > 0 && given[0].Device < d.Device {
			given = given[1:] // The device ended after it was read.
		}
		if len(given) > 0 && given[0].Device == d.Device {
			all[n], given = given[0], given[1:]
			continue
		}
		v, how := around.estimate(k, d, m, capacity(roster, d, m.Length))
		all[n] = v
		Report(ctx, m.Operator, Exception{
			Microgrid: k.Microgrid, Device: d.Device, Reason: Missing, From: k.Start, To: k.Start,
			Import: v.Import, Export: v.Export, Way: how.Way, Days: how.Days,
		})
	}
	return all
}

// forget drops an interval that is final.
func forget(s state.Store, k Moment) {
	history.Delete(s, k)
	spikes.Delete(s, k)
}

// Revised returns the positions that a settled interval was settled with, and
// those that later readings make of it, with their revision. The interval counts
// as settled with the latter from now on.
func Revised(ctx *op.Context, s state.Store, id grid.MicrogridID, m grid.Microgrid, start interval.Time) (was, is []Position, rev uint32) {
	i := interval.Interval{Start: start, Length: m.Length}
	k := Moment{id, start}
	old, _ := revision.Get(s, k)
	revision.Delete(s, k)
	now, ok := history.Get(s, k)
	if !ok {
		panic(fmt.Sprintf("metering: interval %d of microgrid %d was revised and is not there", start, id))
	}
	if start <= final(m)-interval.Time(m.Length) {
		forget(s, k) // It became final in between, and waited for this.
	}
	roster := grid.RosterOf(s, id, i, ctx.Both)
	return positions(roster, old.Was), positions(roster, now.Values), now.Revision
}

// final is the start of the interval that becomes final when m's first open one
// closes: no late reading corrects it any more.
func final(m grid.Microgrid) interval.Time {
	return m.Open - m.Length.Containing(interval.Time(m.Correction)).Start - interval.Time(m.Length)
}

// positions sums the values of a roster's devices by connection point, in the
// order of the points. Meters say what was taken and given; the devices behind
// them, what was produced and used where.
func positions(roster grid.Roster, all []Value) []Position {
	list := make([]Position, len(roster.Points))
	for n, p := range roster.Points {
		list[n] = Position{Point: p.Point, Account: p.Connection.Account, Zone: p.Connection.Zone}
	}
	for n, v := range all {
		d := roster.Devices[n]
		if d.At < 0 {
			continue
		}
		p := &list[d.At]
		if d.Row.Kind == grid.Meter {
			p.Import = quantity.MustAdd(p.Import, v.Import)
			p.Export = quantity.MustAdd(p.Export, v.Export)
			p.Estimated = p.Estimated || v.Quality != Actual
			continue
		}
		p.Devices = append(p.Devices, Measured{v.Device, d.Row.Kind, v.Import, v.Export, v.Quality != Actual})
		if d.Row.Kind.Renewable() {
			p.Produced = quantity.MustAdd(p.Produced, v.Export)
			p.Renewable = true
		}
	}
	return list
}
