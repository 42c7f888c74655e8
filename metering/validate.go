package metering

import (
	"fmt"
	"math/bits"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Reason says why a value is reported.
type Reason uint8

// Reasons. Numbers are part of the protocol.
const (
	Missing       Reason = 1 // There was no reading; the value is an estimate.
	Late          Reason = 2 // The reading came after the interval was settled.
	AboveCapacity Reason = 3 // More than the device or its connection can carry.
	Stuck         Reason = 4 // The same value again and again.
	NoProduction  Reason = 5 // Next to nothing, while most of its kind produced.
	Replaced      Reason = 6 // Another reading took the place of this one before the interval was settled.

	Gap            Reason = 7  // Messages are missing: what the registers counted meanwhile is spread.
	Reset          Reason = 8  // A register fell, or rose beyond all measure: it counts anew from here.
	Unsynchronised Reason = 9  // The device did not know the time: its registers wait for a message that does.
	Equivocation   Reason = 10 // The device said two things under one sequence: it is in quarantine.

	Negative Reason = 11 // Below zero: no value.
	Spike    Reason = 12 // Too much for its interval, and not for those before it that were missing: spread over all of them.

	Feeder   Reason = 13 // A feeder meter and the meters below it do not agree; import is what is measured more, export what is measured less.
	Disputed Reason = 14 // The account of the connection point says that the readings are wrong.
)

// String is what files and pages call a reason.
func (r Reason) String() string {
	names := [...]string{"", "missing", "late", "above_capacity", "stuck", "no_production", "replaced", "gap", "reset", "unsynchronised", "equivocation", "negative", "spike", "feeder", "disputed"}
	if r == 0 || int(r) >= len(names) {
		return fmt.Sprintf("reason_%d", uint8(r))
	}
	return names[r]
}

// Exception is the receipt of a value that somebody should look at. It is
// reported, never refused: what the meter says is settled.
type Exception struct {
	Microgrid grid.MicrogridID `cbor:"1,keyasint" json:"microgrid"`
	Device    grid.DeviceID    `cbor:"2,keyasint" json:"device"`
	Reason    Reason           `cbor:"3,keyasint" json:"reason"`
	From      interval.Time    `cbor:"4,keyasint" json:"from"` // Start of the first interval concerned.
	To        interval.Time    `cbor:"5,keyasint" json:"to"`   // Start of the last one so far; a run that goes on is reported again.
	Import    quantity.Energy  `cbor:"6,keyasint" json:"import_wh"`
	Export    quantity.Energy  `cbor:"7,keyasint" json:"export_wh"`
	Way       Way              `cbor:"8,keyasint,omitempty" json:"way,omitempty"`  // How the energy came about that is settled instead; 0: it is what the meter said.
	Days      uint32           `cbor:"9,keyasint,omitempty" json:"days,omitempty"` // How long before, with LikeDay.
}

// ExceptionReceipt is the kind of Exception.
var ExceptionReceipt = op.DefineReceipt[Exception](Ops, 2, "exception", "A value that somebody should look at.")

// Report tells an account of a value.
func Report(ctx *op.Context, to tx.AccountID, e Exception) { op.Emit(ctx, ExceptionReceipt, to, e) }

// When a run of values is reported, and how often again while it goes on.
const (
	stuckRun     = 12        // Intervals with one and the same value above zero.
	stuckSeconds = 6 * 3600  // And at least this long.
	zeroSeconds  = 12 * 3600 // Of nothing at all at a connection point.
	darkSeconds  = 6 * 3600  // Of production by its peers, with next to none of its own.
	aloneSeconds = 72 * 3600 // Of no production by a device that has no peers.
	againSeconds = 24 * 3600
	darkShare    = 20 // Next to nothing is less than a twentieth of what peers make.
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
	stores := map[int32]bool{} // Points behind which a battery may keep the meter at zero for hours.
	for _, d := range roster.Devices {
		stores[d.At] = stores[d.At] || d.Row.Kind == grid.Battery
	}
	watched := map[grid.DeviceID]watch{}
	for key, w := range watches.Under(s, k.Microgrid) {
		watched[key.Device] = w
	}
	for n, v := range all {
		d := roster.Devices[n]
		report := func(why Reason, from, to interval.Time) {
			Report(ctx, m.Operator, Exception{Microgrid: k.Microgrid, Device: v.Device, Reason: why, From: from, To: to, Import: v.Import, Export: v.Export})
		}
		if most := capacity(roster, d, m.Length); most > 0 && max(v.Import, v.Export) > most {
			report(AboveCapacity, k.Start, k.Start)
		}
		for len(before.Values) > 0 && before.Values[0].Device < v.Device {
			before.Values = before.Values[1:]
		}
		if v.Quality == Estimated {
			continue
		}
		was := watched[v.Device]
		w := was
		again := same(before.Values, v, d.Row.Kind) && (!stores[d.At] || v.Import != 0 || v.Export != 0)
		w.follow(d, v, again, before.Values, peers, k.Start, m.Length, report)
		switch key := (grid.Device{Microgrid: k.Microgrid, Device: v.Device}); w {
		case was:
		case watch{}:
			watches.Delete(s, key)
		default:
			watches.Put(s, key, w)
		}
	}
}

// follow brings a watch up to the value of an interval, which may be that of the
// one before again, and reports runs that are long enough, again while they go on,
// and a last time when they end.
func (w *watch) follow(d grid.RosterDevice, v Value, again bool, before []Value, p production, start interval.Time, l interval.Length, report func(Reason, interval.Time, interval.Time)) {
	last := start - interval.Time(l)
	most, threshold := uint32(stuckSeconds), uint32(stuckRun)*uint32(l)
	if len(before) > 0 && before[0].Import == 0 && before[0].Export == 0 {
		most = zeroSeconds // The run, if there is one, is of the value before.
	}
	stuck := run{&w.Since, &w.Run, max(most, threshold), Stuck}
	if again {
		if w.Run == 0 {
			w.Since, w.Run = last, 1
		}
		stuck.goOn(start, l, report)
	} else {
		stuck.end(last, l, report)
	}
	if d.Row.Kind != grid.Solar {
		return
	}
	dark := run{&w.DarkSince, &w.Dark, darkSeconds, NoProduction}
	if p.devices == 1 {
		dark.seconds = aloneSeconds // Nights count.
	}
	switch {
	case p.devices == 1 && v.Export == 0:
		dark.goOn(start, l, report)
	case p.devices == 1 || p.usual(d, v):
		dark.end(last, l, report)
	case 2*p.producing >= p.devices:
		dark.goOn(start, l, report)
	}
}

// run is a run of intervals in which something about a device is suspicious.
type run struct {
	since   *interval.Time
	length  *uint32 // In intervals.
	seconds uint32  // From when on it is reported.
	why     Reason
}

// goOn adds an interval, and reports the run when it becomes long enough and
// from then on now and then.
func (r run) goOn(start interval.Time, l interval.Length, report func(Reason, interval.Time, interval.Time)) {
	if *r.length == 0 {
		*r.since = start
	}
	*r.length++
	over := *r.length*uint32(l) - r.seconds
	if r.long(l) && over%againSeconds < uint32(l) {
		report(r.why, *r.since, start)
	}
}

// end reports a run that was long for the last time.
func (r run) end(last interval.Time, l interval.Length, report func(Reason, interval.Time, interval.Time)) {
	if r.long(l) {
		report(r.why, *r.since, last)
	}
	*r.since, *r.length = 0, 0
}

func (r run) long(l interval.Length) bool { return *r.length*uint32(l) >= r.seconds }

// same reports whether a value is what the device had in the interval before,
// whose values follow from its own on. Zero is a value that panels and appliances
// have often, and a connection point seldom for long.
func same(before []Value, v Value, kind grid.Kind) bool {
	return len(before) > 0 && before[0].Device == v.Device && (kind == grid.Meter || max(v.Import, v.Export) > 0) &&
		before[0].Import == v.Import && before[0].Export == v.Export
}

// capacity is the most that a device can take or give in an interval, or 0.
func capacity(roster grid.Roster, d grid.RosterDevice, l interval.Length) quantity.Energy {
	if d.At < 0 {
		return capacityOf(d.Row, grid.Connection{}, l)
	}
	return capacityOf(d.Row, roster.Points[d.At].Connection, l)
}

// capacityOf is capacity for a device and its connection point.
func capacityOf(d grid.DeviceRow, p grid.Connection, l interval.Length) quantity.Energy {
	watts := d.CapacityW
	if watts == 0 && d.Kind == grid.Meter {
		watts = p.CapacityW
	}
	return quantity.Energy((watts*uint64(l) + 3599) / 3600) //nolint:gosec // ≤ 10^10 W
}

// production is what the solar devices of a microgrid do in an interval.
type production struct {
	devices, producing int64
	capacity           uint64 // Of all of them; 0 when one's is not known.
	export             quantity.Energy
}

// lit sums what the solar devices produce.
func lit(roster grid.Roster, all []Value) (p production) {
	known := true
	for n, v := range all {
		d := roster.Devices[n].Row
		if d.Kind != grid.Solar || v.Quality == Estimated {
			continue
		}
		p.devices++
		p.export = quantity.MustAdd(p.export, v.Export)
		p.capacity += d.CapacityW
		known = known && d.CapacityW > 0
		if v.Export > 0 {
			p.producing++
		}
	}
	if !known {
		p.capacity = 0
	}
	return p
}

// usual reports whether a device makes more than next to nothing, by what the
// others make for each watt of capacity, or each device where that is not known.
func (p production) usual(d grid.RosterDevice, v Value) bool {
	mine, others := uint64(1), uint64(p.devices-1) //nolint:gosec // a count of others, d is one of all
	if p.capacity > 0 {
		mine, others = d.Row.CapacityW, p.capacity-d.Row.CapacityW
	}
	peers := quantity.MustSub(p.export, v.Export)
	hi, lo := bits.Mul64(uint64(v.Export)*darkShare, others) //nolint:gosec // ≤ 2^28 × 20
	peerHi, peerLo := bits.Mul64(uint64(peers), mine)        //nolint:gosec // ≥ 0
	return v.Export > 0 && (hi > peerHi || hi == peerHi && lo >= peerLo)
}
