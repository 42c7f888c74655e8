package metering

import (
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/state"
)

// The days that an estimate looks back to, the likest first: a week ago has the
// same weekday, then yesterday, then what lies between.
var likeDays = [...]interval.Time{7, 1, 14, 2, 3, 4, 5, 6}

const day interval.Time = 24 * 3600

// past is the settled intervals that the estimates of one interval look back to,
// each read once for all devices.
type past struct {
	s    state.Reader
	rows map[Moment][]Value
}

// estimate stands in for a value that is missing: what the device measured at
// the same time of a like day, else in the interval before, else nothing.
func (p past) estimate(k Moment, device grid.DeviceID, m grid.Microgrid) Value {
	for _, days := range likeDays {
		if v, ok := p.measured(Moment{k.Microgrid, k.Start - days*day}, device); ok && v.Quality == Actual {
			return Value{Device: device, Import: v.Import, Export: v.Export, Quality: Estimated}
		}
	}
	v, _ := p.measured(Moment{k.Microgrid, k.Start - interval.Time(m.Length)}, device)
	return Value{Device: device, Import: v.Import, Export: v.Export, Quality: Estimated}
}

// measured returns a device's value in a settled interval.
func (p past) measured(k Moment, device grid.DeviceID) (Value, bool) {
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
