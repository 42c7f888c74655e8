// Package metering takes the readings of meters and makes the energy of every
// connection point in every interval out of them.
//
// Its promise: an interval has exactly one value for each of its devices, read
// or estimated, and which of the two is written beside it. A reading that comes
// late or again is a new revision; nothing is overwritten unseen.
package metering

import (
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
)

// Ops is every operation of this domain.
var Ops = op.NewSet("metering", 5000)

// Quality says how a value came about, in the letters of NEM12 (AEMO, Meter Data
// File Format Specification, QualityMethod).
type Quality uint8

// Qualities.
const (
	Actual      Quality = 'A'
	Estimated   Quality = 'E'
	Final       Quality = 'F' // A final substitute.
	Substituted Quality = 'S'
)

// Valid reports whether q is one of the qualities.
func (q Quality) Valid() bool {
	switch q {
	case Actual, Estimated, Final, Substituted:
		return true
	}
	return false
}

// MaxEnergy bounds one value: 256 MWh in an interval.
const MaxEnergy quantity.Energy = 1 << 28

// Value is what one device measured in one interval.
type Value struct {
	_       struct{} `cbor:",toarray"`
	Device  grid.DeviceID
	Import  quantity.Energy // Taken from the grid.
	Export  quantity.Energy // Given to the grid.
	Quality Quality
}

// Moment is the key of one interval of one microgrid.
type Moment struct {
	Microgrid grid.MicrogridID
	Start     interval.Time
}

// AppendKey orders moments by microgrid, then time.
func (m Moment) AppendKey(b []byte) []byte {
	return state.AppendTime(m.Microgrid.AppendKey(b), m.Start)
}

// ReadKey reads what AppendKey wrote.
func (Moment) ReadKey(b []byte) Moment {
	return Moment{grid.MicrogridID(0).ReadKey(b), state.ReadTime(b[8:])}
}

// tally counts the devices whose values of an open interval are there.
type tally struct {
	Values uint64 `cbor:"1,keyasint"`
}

// settled is an interval after its close: every device's value, and how often
// it was revised.
type settled struct {
	Revision uint32  `cbor:"1,keyasint"`
	Values   []Value `cbor:"2,keyasint"` // By device.
}

// revised is a settled interval for which later readings came: what it was
// settled with.
type revised struct {
	Was []Value `cbor:"1,keyasint"`
}

// clock is the latest end of an interval that a microgrid has a reading of. It
// is the meters' own time, so an interval's grace runs out by their progress
// and not by a proposer's wish.
type clock struct {
	Latest interval.Time `cbor:"1,keyasint"`
}

var (
	pages     = state.NewTable[pageKey, page]("metering.page")
	tallies   = state.NewTable[Moment, tally]("metering.tally")
	history   = state.NewTable[Moment, settled]("metering.settled")
	revision  = state.NewTable[Moment, revised]("metering.revised")
	clocks    = state.NewTable[grid.MicrogridID, clock]("metering.clock")
	spikes    = state.NewTable[Moment, spiked]("metering.spike")
	registers = state.NewTable[grid.Device, counting]("metering.registers")
	watches   = state.NewTable[grid.Device, watch]("metering.watch")
)

// Complete reports whether every device's value of the interval that starts at
// start is there.
func Complete(s state.Reader, id grid.MicrogridID, m grid.Microgrid, start interval.Time) bool {
	t, _ := tallies.Get(s, Moment{id, start})
	if t.Values == 0 {
		return false
	}
	if t.Values == m.Devices {
		return true
	}
	// The value of a device that ended after it was read counts for nobody else.
	i := interval.Interval{Start: start, Length: m.Length}
	given := gathered(s, Moment{id, start})
	for k, d := range grid.Devices(s, id) {
		for len(given) > 0 && given[0].Device < k.Device {
			given = given[1:]
		}
		if grid.Holds(d.From, d.Until, i) && (len(given) == 0 || given[0].Device != k.Device) {
			return false
		}
	}
	return true
}

// Overdue reports whether the grace of the interval that starts at start has
// run out by the meters' own clock.
func Overdue(s state.Reader, id grid.MicrogridID, m grid.Microgrid, start interval.Time) bool {
	c, _ := clocks.Get(s, id)
	return start+interval.Time(m.Length)+interval.Time(m.Grace) <= c.Latest
}

// Revisions yields the settled intervals for which later readings came, in order.
func Revisions(s state.Reader, id grid.MicrogridID) func(func(interval.Time) bool) {
	return func(yield func(interval.Time) bool) {
		for k := range revision.Under(s, id) {
			if !yield(k.Start) {
				return
			}
		}
	}
}

// IsRevised reports whether later readings came for a settled interval.
func IsRevised(s state.Reader, id grid.MicrogridID, start interval.Time) bool {
	return revision.Has(s, Moment{id, start})
}
