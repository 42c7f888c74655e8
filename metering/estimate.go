package metering

import (
	"fmt"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
)

// Way says how a value came about that no meter said.
type Way uint8

// Ways. Numbers are part of the protocol.
const (
	Interpolated   Way = 1 // On the straight line between the values around a short gap.
	LikeDay        Way = 2 // What was measured at the same time some days before.
	IntervalBefore Way = 3 // What the interval before was settled with.
	NothingKnown   Way = 4 // Nothing was ever measured: nothing is assumed.
	Evenly         Way = 5 // A known sum, divided evenly.
	LikeDays       Way = 6 // A known sum, divided as on like days.
)

// String is what files and pages call a way.
func (w Way) String() string {
	names := [...]string{"", "interpolated", "like_day", "interval_before", "nothing_known", "evenly", "like_days"}
	if int(w) >= len(names) {
		return fmt.Sprintf("way_%d", uint8(w))
	}
	return names[w]
}

// How is how a value came about, and for LikeDay how many days before.
type How struct {
	Way  Way
	Days uint32
}

// shortGap is the length up to which a gap is filled evenly or by a straight line,
// in seconds.
const shortGap = 2 * 3600

// The days that an estimate looks back to, the likest first: a week ago has the
// same weekday, then yesterday, then what lies near; and for a meter that is dead for
// weeks, the same weekday before that.
var likeDays = [...]uint32{7, 1, 14, 2, 3, 4, 5, 6, 21, 28, 35, 42}

const day interval.Time = 24 * 3600

// near is the intervals around the one that is closed, settled and open, each read
// once for all devices.
type near struct {
	s     state.Reader
	rows  map[Moment][]Value
	pages map[pageKey]page
}

// estimate stands in for a value that is missing: the line between its neighbours
// over a short gap, else what the device measured at the same time of a like day,
// else in the interval before, else nothing. A neighbour above most, if that is
// known, is none.
func (p near) estimate(k Moment, d grid.RosterDevice, m grid.Microgrid, most quantity.Energy) (Value, How) {
	if v, ok := p.interpolate(k, d, m, most); ok {
		return v, How{Way: Interpolated}
	}
	return p.likely(k, d.Device, m)
}

// likely is what the device measured at the same time of a like day, else in the
// interval before, else nothing.
func (p near) likely(k Moment, device grid.DeviceID, m grid.Microgrid) (Value, How) {
	for _, days := range likeDays {
		if v, ok := p.measured(Moment{k.Microgrid, k.Start - interval.Time(days)*day}, device); ok && v.Quality == Actual {
			return estimated(v), How{LikeDay, days}
		}
	}
	if v, ok := p.measured(Moment{k.Microgrid, k.Start - interval.Time(m.Length)}, device); ok {
		return estimated(v), How{Way: IntervalBefore}
	}
	return Value{Device: device, Quality: Estimated}, How{Way: NothingKnown}
}

// estimated is a value of another interval as an estimate.
func estimated(v Value) Value {
	v.Quality = Estimated
	return v
}

// interpolate returns the value on the line between those that were measured on both
// sides of a short gap, rounded down.
func (p near) interpolate(k Moment, d grid.RosterDevice, m grid.Microgrid, most quantity.Energy) (Value, bool) {
	length := interval.Time(m.Length)
	longest := shortGap / int64(m.Length) // Of intervals that are missing.
	sound := func(v Value) bool { return v.Quality == Actual && !exceeds(v, most) }
	var left, right Value
	back, ahead := int64(1), int64(1)
	for ; ; back++ {
		v, ok := p.measured(Moment{k.Microgrid, k.Start - interval.Time(back)*length}, d.Device)
		if !ok || back > longest {
			return Value{}, false
		}
		if left = v; v.Quality != Estimated {
			break
		}
	}
	for ; ; ahead++ {
		v, ok := p.given(Moment{k.Microgrid, k.Start + interval.Time(ahead)*length}, d)
		if back-1+ahead > longest {
			return Value{}, false
		}
		if right = v; ok {
			break
		}
	}
	if !sound(left) || !sound(right) {
		return Value{}, false
	}
	between := func(a, b quantity.Energy) quantity.Energy {
		return (a*quantity.Energy(ahead) + b*quantity.Energy(back)) / quantity.Energy(back+ahead) // ≤ 2^28 × 25
	}
	return Value{Device: d.Device, Import: between(left.Import, right.Import), Export: between(left.Export, right.Export), Quality: Estimated}, true
}

// exceeds reports whether a value is above the most that there can be; 0 is not
// known.
func exceeds(v Value, most quantity.Energy) bool { return most > 0 && max(v.Import, v.Export) > most }

// measured returns a device's value in a settled interval.
func (p near) measured(k Moment, device grid.DeviceID) (Value, bool) {
	values, read := p.rows[k]
	if !read {
		row, _ := history.Get(p.s, k)
		values = row.Values
		p.rows[k] = values
	}
	i, found := find(values, device)
	if !found {
		return Value{}, false
	}
	return values[i], true
}

// given returns a device's value in an open interval.
func (p near) given(k Moment, d grid.RosterDevice) (Value, bool) {
	key := pageKey{k, pageOf(d.Row)}
	values, read := p.pages[key]
	if !read {
		values, _ = pages.Get(p.s, key)
		p.pages[key] = values
	}
	i, found := find(values.Values, d.Device)
	if !found {
		return Value{}, false
	}
	return values.Values[i], true
}
