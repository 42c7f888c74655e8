package metering

import (
	"slices"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
)

// spiked is the values of an interval that were spread over the gap before it.
type spiked struct {
	Values []spike `cbor:"1,keyasint"`
}

// spike is a value as it was read, which the same reading again does not change, and
// over which intervals it was spread.
type spike struct {
	_     struct{}      `cbor:",toarray"`
	First interval.Time // Start of the first interval of the gap.
	Value Value
}

// of returns where a device's spike is, or -1.
func (s spiked) of(device grid.DeviceID) int {
	return slices.IndexFunc(s.Values, func(p spike) bool { return p.Value.Device == device })
}

// counting marks a device that signs registers: the energy of a gap is known, and a
// large value is no gap's.
type counting struct{}

// Counts says that a device's values come from registers from now on.
func Counts(s state.Store, d grid.Device) { registers.Put(s, d, counting{}) }

// spread reports whether a value is one that was spread over the gap before it.
func spread(s state.Reader, k Moment, v Value) bool {
	row, _ := spikes.Get(s, k)
	at := row.of(v.Device)
	return at >= 0 && row.Values[at].Value == v
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
		b.put(first+interval.Time(i)*length, share)
	}
	row, _ := spikes.Get(b.s, b.k)
	spikes.Put(b.s, b.k, spiked{append(row.Values, spike{First: first, Value: v})})
	Report(b.ctx, b.m.Operator, Exception{
		Microgrid: b.k.Microgrid, Device: v.Device, Reason: Spike, From: first, To: b.k.Start, Import: v.Import, Export: v.Export, Way: way,
	})
	return shares[n-1]
}

// put gives a device another value in a settled interval.
func (b *booking) put(start interval.Time, v Value) {
	k := Moment{b.k.Microgrid, start}
	row, _ := history.Get(b.s, k)
	values := slices.Clone(row.Values)
	at, _ := find(values, v.Device)
	values[at] = v
	amend(b.s, k, row, values)
}

// gather takes back what was spread over the interval at hand, of which a reading
// comes: so what was read later was not the sum of the gap. It is its own interval's
// again, whatever that carries, and the rest of the gap is estimated. Once all readings
// are there, it does not matter which came first.
func (b *booking) gather(v Value) {
	at, was, n := b.spreadOver(v.Device)
	if n < 0 {
		return
	}
	s := was.Values[n]
	if was.Values = slices.Delete(was.Values, n, n+1); len(was.Values) == 0 {
		spikes.Delete(b.s, at)
	} else {
		spikes.Put(b.s, at, was)
	}
	for start := max(s.First, Correctable(b.m)); start < at.Start; start += interval.Time(b.m.Length) {
		around := near{s: b.s, rows: map[Moment][]Value{b.k: {v}}} // Anew each time: the interval before has another value.
		if share, ok := around.measured(Moment{b.k.Microgrid, start}, v.Device); ok && start != b.k.Start && share.Quality == Substituted {
			share, _ = around.likely(Moment{b.k.Microgrid, start}, v.Device, b.m)
			b.put(start, share)
		}
	}
	if at.Start != b.k.Start {
		b.put(at.Start, s.Value)
		Report(b.ctx, b.m.Operator, Exception{
			Microgrid: at.Microgrid, Device: v.Device, Reason: AboveCapacity, From: at.Start, To: at.Start, Import: s.Value.Import, Export: s.Value.Export,
		})
	}
}

// spreadOver returns where the spike of a device is that was spread over the interval
// at hand; -1 where there is none.
func (b *booking) spreadOver(device grid.DeviceID) (Moment, spiked, int) {
	for k, row := range spikes.Under(b.s, b.k.Microgrid) {
		if n := row.of(device); k.Start >= b.k.Start && n >= 0 && row.Values[n].First <= b.k.Start {
			return k, spiked{slices.Clone(row.Values)}, n
		}
	}
	return Moment{}, spiked{}, -1
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
