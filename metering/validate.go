package metering

import (
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
)

// Reason says why a value is reported.
type Reason uint8

// Reasons. Numbers are part of the protocol.
const (
	Missing       Reason = 1 // There was no reading; the value is an estimate.
	Late          Reason = 2 // The reading came after the interval was settled.
	AboveCapacity Reason = 3 // More than the device or its connection can carry.
	Stuck         Reason = 4 // The same value again and again.
	NoProduction  Reason = 5 // Nothing, while most of its kind produced.
	Replaced      Reason = 6 // Another reading took the place of this one before the interval was settled.
)

// Exception is the receipt of a value that somebody should look at. It is
// reported, never refused: what the meter says is settled.
type Exception struct {
	Microgrid grid.MicrogridID `cbor:"1,keyasint" json:"microgrid"`
	Device    grid.DeviceID    `cbor:"2,keyasint" json:"device"`
	Reason    Reason           `cbor:"3,keyasint" json:"reason"`
	From      interval.Time    `cbor:"4,keyasint" json:"from"` // Start of the first interval concerned.
	To        interval.Time    `cbor:"5,keyasint" json:"to"`   // Start of the last one so far.
	Import    quantity.Energy  `cbor:"6,keyasint" json:"import_wh"`
	Export    quantity.Energy  `cbor:"7,keyasint" json:"export_wh"`
}

// ExceptionReceipt is the kind of Exception.
var ExceptionReceipt = op.DefineReceipt[Exception](Ops, 2, "exception", "A value that somebody should look at.")

// When a run of values is reported.
const (
	stuckRun     = 12       // Intervals with one and the same value above zero.
	stuckSeconds = 6 * 3600 // And at least this long.
	darkSeconds  = 6 * 3600 // Of production by its peers, without any of its own.
	aloneSeconds = 72 * 3600
)

// watch is what validation remembers of a device whose values look suspicious.
// Others have none.
type watch struct {
	Since     interval.Time `cbor:"1,keyasint,omitempty"` // When a run of one value began.
	Run       uint32        `cbor:"2,keyasint,omitempty"` // Its length in intervals.
	DarkSince interval.Time `cbor:"3,keyasint,omitempty"`
	Dark      uint32        `cbor:"4,keyasint,omitempty"` // Intervals without production while its peers had some.
}

// validate reports what is suspicious about an interval's values, which are in
// the order of the roster's devices.
func validate(ctx *op.Context, s state.Store, k Moment, m grid.Microgrid, roster grid.Roster, all []Value) {
	peers := lit(roster, all)
	before, _ := history.Get(s, Moment{k.Microgrid, k.Start - interval.Time(m.Length)})
	watched := map[grid.DeviceID]watch{}
	for key, w := range watches.Under(s, k.Microgrid) {
		watched[key.Device] = w
	}
	for n, v := range all {
		d := roster.Devices[n]
		report := func(why Reason, from interval.Time) {
			op.Emit(ctx, ExceptionReceipt, m.Operator, Exception{k.Microgrid, v.Device, why, from, k.Start, v.Import, v.Export})
		}
		if most := capacity(roster, d, m.Length); most > 0 && max(v.Import, v.Export) > most {
			report(AboveCapacity, k.Start)
		}
		for len(before.Values) > 0 && before.Values[0].Device < v.Device {
			before.Values = before.Values[1:]
		}
		if v.Quality == Estimated {
			continue
		}
		was := watched[v.Device]
		w := was
		if w.stuck(same(before.Values, v), k.Start, m.Length) {
			report(Stuck, w.Since)
		}
		if d.Row.Kind == grid.Solar && w.dark(v, k.Start, m.Length, peers) {
			report(NoProduction, w.DarkSince)
		}
		switch key := (grid.Device{Microgrid: k.Microgrid, Device: v.Device}); {
		case w == was:
		case w == watch{}:
			watches.Delete(s, key)
		default:
			watches.Put(s, key, w)
		}
	}
}

// same reports whether a value above zero is what the device had in the interval
// before, whose values follow from its own on. Zero is a value that loads and
// panels have often.
func same(before []Value, v Value) bool {
	return len(before) > 0 && before[0].Device == v.Device && max(v.Import, v.Export) > 0 &&
		before[0].Import == v.Import && before[0].Export == v.Export
}

// capacity is the most that a device can take or give in an interval, or 0.
func capacity(roster grid.Roster, d grid.RosterDevice, l interval.Length) quantity.Energy {
	watts := d.Row.CapacityW
	if watts == 0 && d.Row.Kind == grid.Meter && d.At >= 0 {
		watts = roster.Points[d.At].Connection.CapacityW
	}
	return quantity.Energy((watts*uint64(l) + 3599) / 3600) //nolint:gosec // ≤ 10^10 W
}

// stuck follows the run of one value and reports it once, when it is long enough.
func (w *watch) stuck(again bool, start interval.Time, l interval.Length) bool {
	if !again {
		w.Since, w.Run = 0, 0
		return false
	}
	if w.Run == 0 {
		w.Since, w.Run = start-interval.Time(l), 1
	}
	long := func(run uint32) bool { return run >= stuckRun && run*uint32(l) >= stuckSeconds }
	w.Run++
	return long(w.Run) && !long(w.Run-1)
}

// production is what the solar devices of a microgrid do in an interval.
type production struct{ devices, producing int32 }

// lit counts the solar devices and those of them that produce.
func lit(roster grid.Roster, all []Value) (p production) {
	for n, v := range all {
		if roster.Devices[n].Row.Kind == grid.Solar && v.Quality != Estimated {
			p.devices++
			if v.Export > 0 {
				p.producing++
			}
		}
	}
	return p
}

// dark follows how long a solar device has produced nothing although most of
// the others did, and reports it once, when it is long enough. A device without
// peers is judged by the nights' and days' time.
func (w *watch) dark(v Value, start interval.Time, l interval.Length, p production) bool {
	threshold := uint32(darkSeconds)
	switch {
	case v.Export > 0:
		w.Dark, w.DarkSince = 0, 0
		return false
	case p.devices == 1:
		threshold = aloneSeconds
	case 2*p.producing < p.devices:
		return false
	}
	if w.Dark == 0 {
		w.DarkSince = start
	}
	w.Dark++
	long := func(run uint32) bool { return run*uint32(l) >= threshold }
	return long(w.Dark) && !long(w.Dark-1)
}
