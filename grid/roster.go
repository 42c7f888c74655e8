package grid

import (
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/merkle"
	"github.com/commonwatt/commonwatt/state"
)

// Roster is what is connected in a microgrid during one interval, read in one
// pass: whoever needs each device and point of it does not fetch them one by one.
type Roster struct {
	Points  []RosterPoint  // By number.
	Devices []RosterDevice // By number.
}

// RosterPoint is a connection point of a roster.
type RosterPoint struct {
	Point      PointID
	Connection Connection
}

// RosterDevice is a device of a roster.
type RosterDevice struct {
	Device DeviceID
	Row    DeviceRow
	At     int32 // Index into Roster.Points; below zero when its point has ended.
}

// RosterOf returns who and what is connected during i. both runs two functions, perhaps
// at once, which only read s; nil runs them in turn.
func RosterOf(s state.Reader, m MicrogridID, i interval.Interval, both func(a, b func())) Roster {
	var r Roster
	index := map[PointID]int32{}
	readPoints := func() {
		for k, c := range points.Under(s, m) {
			if Holds(c.From, c.Until, i) {
				index[k.Point] = int32(len(r.Points)) //nolint:gosec // fewer than 2^31 points
				r.Points = append(r.Points, RosterPoint{k.Point, c})
			}
		}
	}
	readDevices := func() {
		for k, d := range devices.Under(s, m) {
			if Holds(d.From, d.Until, i) {
				r.Devices = append(r.Devices, RosterDevice{Device: k.Device, Row: d})
			}
		}
	}
	if both == nil {
		both = merkle.InTurn
	}
	both(readPoints, readDevices)
	for n := range r.Devices {
		d := &r.Devices[n]
		var ok bool
		if d.At, ok = index[d.Row.Point]; !ok {
			d.At = -1
		}
	}
	return r
}

// DevicesBetween yields a microgrid's devices from first to last, both included.
func DevicesBetween(s state.Reader, m MicrogridID, first, last DeviceID) func(func(Device, DeviceRow) bool) {
	return func(yield func(Device, DeviceRow) bool) {
		for k, d := range devices.Range(s, Device{m, first}, Device{m, last}) {
			if !yield(k, d) {
				return
			}
		}
		if d, ok := devices.Get(s, Device{m, last}); ok {
			yield(Device{m, last}, d)
		}
	}
}
