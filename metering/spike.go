package metering

import (
	"slices"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
)

// spiked is the values of an interval that were spread over the gap before it, as
// they were read: the same reading again changes nothing.
type spiked struct {
	Values []Value `cbor:"1,keyasint"`
}

// counting marks a device that signs registers: the energy of a gap is known, and a
// large value is no gap's.
type counting struct{}

// Counts says that a device's values come from registers from now on.
func Counts(s state.Store, d grid.Device) { registers.Put(s, d, counting{}) }

// spread reports whether a value is one that was spread over the gap before it.
func spread(s state.Reader, k Moment, v Value) bool {
	row, _ := spikes.Get(s, k)
	return slices.Contains(row.Values, v)
}

// smoothAll smooths the values of an interval that is closed.
func smoothAll(ctx *op.Context, s state.Store, k Moment, m grid.Microgrid, roster grid.Roster, all []Value) {
	b := booking{ctx, s, k, m, true, &Recorded{}}
	for n, v := range all {
		if most := capacity(roster, roster.Devices[n], m.Length); v.Quality == Actual && exceeds(v, most) {
			all[n] = b.spreadSpike(v, most)
		}
	}
}

// smooth is smoothAll for one value that comes after its interval was settled.
func (b *booking) smooth(d grid.DeviceRow, v Value) Value {
	p, _ := grid.PointAt(b.s, grid.Point{Microgrid: b.k.Microgrid, Point: d.Point})
	if most := capacityOf(d, p, b.m.Length); v.Quality == Actual && exceeds(v, most) {
		return b.spreadSpike(v, most)
	}
	return v
}

// spreadSpike returns what is left of a value in its own interval. A value above the
// most that there can be in it, and not above that of it and the estimated intervals
// right before, is theirs together: each of them gets a share, and is settled again.
// Any other value stays.
func (b *booking) spreadSpike(v Value, most quantity.Energy) Value {
	if registers.Has(b.s, grid.Device{Microgrid: b.k.Microgrid, Device: v.Device}) {
		return v
	}
	first := b.silentSince(v.Device)
	length := interval.Time(b.m.Length)
	n := quantity.Energy((b.k.Start-first)/length) + 1
	if n == 1 || max(v.Import, v.Export) > most*n { // ≤ 2976 × 10^10
		return v
	}
	shares, way := Outage{v.Device, first, b.k.Start, v.Import, v.Export}.Spread(b.s, b.k.Microgrid, b.m, first)
	for i, share := range shares[:n-1] {
		k := Moment{b.k.Microgrid, first + interval.Time(i)*length}
		row, _ := history.Get(b.s, k)
		values := slices.Clone(row.Values)
		at, _ := find(values, v.Device)
		values[at] = share
		amend(b.s, k, row, values)
	}
	row, _ := spikes.Get(b.s, b.k)
	spikes.Put(b.s, b.k, spiked{append(row.Values, v)})
	Report(b.ctx, b.m.Operator, Exception{
		Microgrid: b.k.Microgrid, Device: v.Device, Reason: Spike, From: first, To: b.k.Start, Import: v.Import, Export: v.Export, Way: way,
	})
	return shares[n-1]
}

// silentSince is the start of the first of the estimated intervals right before the
// one at hand; its own start where there are none, or nothing that was measured
// before them.
func (b *booking) silentSince(device grid.DeviceID) interval.Time {
	length := interval.Time(b.m.Length)
	for n := interval.Time(1); n <= MaxSpread; n++ {
		row, _ := history.Get(b.s, Moment{b.k.Microgrid, b.k.Start - n*length})
		at, found := find(row.Values, device)
		switch {
		case !found:
			return b.k.Start
		case row.Values[at].Quality != Estimated:
			return b.k.Start - (n-1)*length
		}
	}
	return b.k.Start
}
