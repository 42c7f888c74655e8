package metering

import (
	"cmp"
	"slices"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/state"
)

// Record records readings: those of one or more intervals, by device.
type Record struct {
	Microgrid grid.MicrogridID `cbor:"1,keyasint" json:"microgrid"`
	Intervals []Readings       `cbor:"2,keyasint" json:"intervals"`
}

// Readings are the values of one interval.
type Readings struct {
	_      struct{} `cbor:",toarray"`
	Start  interval.Time
	Values []Value // By device, ascending.
}

// MaxSkew is how far ahead of the block's time a reading may end, in seconds.
const MaxSkew = 120

// Refusals of Record, in order of precedence.
var (
	ErrNoReadings  = Ops.Refuse(1, "there are no readings")
	ErrOrder       = Ops.Refuse(2, "intervals and the devices in them are not in ascending order, each once")
	ErrTooLarge    = Ops.Refuse(4, "a reading is above 2^28 Wh in one interval, or below -2^28") // 3 refused what is below zero.
	ErrQuality     = Ops.Refuse(5, "there is no such quality: A actual, E estimated, F final substitute, S substitute")
	ErrMicrogrid   = Ops.Refuse(6, "there is no such microgrid to record readings of")
	ErrNotGateway  = Ops.Refuse(7, "only the microgrid's operator or gateway may record readings")
	ErrAlignment   = Ops.Refuse(8, "an interval does not start at a multiple of the microgrid's length")
	ErrFuture      = Ops.Refuse(9, "a reading ends more than 120 s after the block's time: check the meter's clock")
	ErrBeforeStart = Ops.Refuse(13, "an interval lies before the microgrid's first")
	ErrDevice      = Ops.Refuse(11, "there is no such device in the microgrid at that time")
	ErrFinal       = Ops.Refuse(10, "an interval is final: late readings no longer correct it")
	ErrOverwrite   = Ops.Refuse(12, "an estimate does not replace an actual reading")
)

// Recorded is the receipt of Record.
type Recorded struct {
	Microgrid grid.MicrogridID `cbor:"1,keyasint" json:"microgrid"`
	From      interval.Time    `cbor:"2,keyasint" json:"from"`                         // Start of the first interval.
	To        interval.Time    `cbor:"3,keyasint" json:"to"`                           // Start of the last one.
	Values    uint64           `cbor:"4,keyasint" json:"values"`                       // In all, without those below zero.
	Late      uint64           `cbor:"5,keyasint" json:"late"`                         // Of them, for intervals that were settled.
	Same      uint64           `cbor:"6,keyasint" json:"same"`                         // Of them, known already.
	Negative  uint64           `cbor:"7,keyasint,omitempty" json:"negative,omitempty"` // Below zero: no values.
}

// RecordedReceipt is the kind of Recorded.
var RecordedReceipt = op.DefineReceipt[Recorded](Ops, 1, "recorded", "Readings that were taken.")

// RecordKind records readings.
var RecordKind = op.Define(Ops, op.Spec[Record]{
	Number: 1,
	Name:   "record",
	Doc:    "Record readings of devices; late ones correct what was settled.",
	Check: func(o *Record) *op.Refusal {
		if len(o.Intervals) == 0 {
			return ErrNoReadings
		}
		for i, r := range o.Intervals {
			if i > 0 && r.Start <= o.Intervals[i-1].Start {
				return ErrOrder
			}
			if no := r.check(); no != nil {
				return no
			}
		}
		return nil
	},
	Apply: func(ctx *op.Context, s state.Store, o *Record) *op.Refusal {
		m, ok := grid.At(s, o.Microgrid)
		switch {
		case !ok:
			return ErrMicrogrid
		case ctx.Signer != m.Gateway && !party.ActsFor(s, ctx.Signer, m.Operator):
			return ErrNotGateway
		}
		last := o.Intervals[len(o.Intervals)-1].Start
		done := Recorded{Microgrid: o.Microgrid, From: o.Intervals[0].Start, To: last}
		for _, r := range o.Intervals {
			if no := r.record(ctx, s, o.Microgrid, m, &done); no != nil {
				return no
			}
		}
		if c, _ := clocks.Get(s, o.Microgrid); c.Latest < last+interval.Time(m.Length) {
			clocks.Put(s, o.Microgrid, clock{last + interval.Time(m.Length)})
		}
		op.Emit(ctx, RecordedReceipt, m.Operator, done)
		return nil
	},
})

// check is the part of Check for one interval.
func (r Readings) check() *op.Refusal {
	if len(r.Values) == 0 {
		return ErrNoReadings
	}
	for i, v := range r.Values {
		switch {
		case i > 0 && v.Device <= r.Values[i-1].Device:
			return ErrOrder
		case max(v.Import, v.Export) > MaxEnergy || min(v.Import, v.Export) < -MaxEnergy:
			return ErrTooLarge
		case !v.Quality.Valid():
			return ErrQuality
		}
	}
	return nil
}

// record books one interval's values, as new ones or as revisions.
func (r Readings) record(ctx *op.Context, s state.Store, id grid.MicrogridID, m grid.Microgrid, done *Recorded) *op.Refusal {
	i := interval.Interval{Start: r.Start, Length: m.Length}
	switch {
	case r.Start%interval.Time(m.Length) != 0:
		return ErrAlignment
	case r.Start > ctx.Time+MaxSkew-interval.Time(m.Length): // Its end may lie past the last moment.
		return ErrFuture
	case r.Start < m.Start:
		return ErrBeforeStart
	}
	list, ok := r.locate(s, id, m, i)
	if !ok {
		return ErrDevice
	}
	b := booking{ctx, s, Moment{id, r.Start}, m, false, done}
	list = slices.DeleteFunc(list, func(l located) bool { return b.negative(l.value) })
	done.Values += uint64(len(list))
	if r.Start < m.Open {
		return b.revise(list)
	}
	return b.add(list)
}

// negative reports whether a value is below zero, which is none: it is reported,
// and the interval is estimated until there is one.
func (b *booking) negative(v Value) bool {
	if v.Import >= 0 && v.Export >= 0 {
		return false
	}
	b.done.Negative++
	b.report(Negative, v)
	return true
}

// locate finds each value's page, and reports whether every device is there
// during i. A batch that names many of the microgrid's devices reads them in one
// pass.
func (r Readings) locate(s state.Reader, id grid.MicrogridID, m grid.Microgrid, i interval.Interval) ([]located, bool) {
	list := make([]located, 0, len(r.Values))
	if uint64(len(r.Values)) < m.Devices/4 {
		for _, v := range r.Values {
			d, ok := grid.DeviceAt(s, grid.Device{Microgrid: id, Device: v.Device})
			if !ok || !grid.Holds(d.From, d.Until, i) {
				return nil, false
			}
			list = append(list, located{pageOf(d), v})
		}
		return list, true
	}
	rest := r.Values
	for k, d := range grid.DevicesBetween(s, id, rest[0].Device, rest[len(rest)-1].Device) {
		if len(rest) > 0 && k.Device == rest[0].Device {
			if !grid.Holds(d.From, d.Until, i) {
				return nil, false
			}
			list, rest = append(list, located{pageOf(d), rest[0]}), rest[1:]
		}
	}
	return list, len(rest) == 0
}

// booking is the values of one interval while they are booked.
type booking struct {
	ctx     *op.Context
	s       state.Store
	k       Moment
	m       grid.Microgrid
	lenient bool // What it would refuse is left out.
	done    *Recorded
}

// add books values of an open interval, page by page.
func (b *booking) add(list []located) *op.Refusal {
	if len(list) == 0 {
		return nil
	}
	slices.SortStableFunc(list, func(a, b located) int { return cmp.Compare(a.page, b.page) })
	t, _ := tallies.Get(b.s, b.k)
	for len(list) > 0 {
		key := pageKey{b.k, list[0].page}
		p, _ := pages.Get(b.s, key)
		for len(list) > 0 && list[0].page == key.Page {
			was, no := p.put(list[0].value)
			switch {
			case no != nil && !b.lenient:
				return no
			case no != nil:
			case was == nil:
				t.Values++
			case *was == list[0].value:
				b.done.Same++
			case was.Quality == Actual: // Nothing is overwritten unseen.
				b.report(Replaced, *was)
			}
			list = list[1:]
		}
		pages.Put(b.s, key, p)
	}
	tallies.Put(b.s, b.k, t)
	return nil
}

// report tells the operator of a value.
func (b *booking) report(why Reason, v Value) {
	Report(b.ctx, b.m.Operator, Exception{
		Microgrid: b.k.Microgrid, Device: v.Device, Reason: why, From: b.k.Start, To: b.k.Start, Import: v.Import, Export: v.Export,
	})
}

// put writes a value to a page and returns the one it replaces, if any.
func (p *page) put(v Value) (*Value, *op.Refusal) {
	i, found := find(p.Values, v.Device)
	if !found {
		p.Values = slices.Insert(p.Values, i, v)
		return nil, nil
	}
	was := p.Values[i]
	if was.Quality == Actual && v.Quality != Actual {
		return nil, ErrOverwrite
	}
	p.Values[i] = v
	return &was, nil
}

// revise books values of a settled interval; the next close settles the
// difference.
func (b *booking) revise(list []located) *op.Refusal {
	row, ok := history.Get(b.s, b.k)
	if !ok {
		return ErrFinal
	}
	values := slices.Clone(row.Values)
	changed := false
	for _, l := range list {
		v := l.value
		i, no := row.revisable(v)
		switch {
		case no != nil && !b.lenient:
			return no
		case no != nil:
			continue
		case values[i] == v || !b.lenient && spread(b.s, b.k, v):
			b.done.Same++
			continue
		}
		b.done.Late++
		b.report(Late, v)
		d, _ := grid.DeviceAt(b.s, grid.Device{Microgrid: b.k.Microgrid, Device: v.Device})
		if !b.lenient && values[i].Quality == Substituted {
			b.gather(v)
		}
		if !b.lenient && values[i].Quality != Actual {
			v = b.smooth(d, v)
		}
		values[i] = v
		changed = changed || d.Kind != grid.Feeder
	}
	if !changed { // Nothing is settled from a feeder meter.
		history.Put(b.s, b.k, settled{row.Revision, values})
		return nil
	}
	amend(b.s, b.k, row, values)
	return nil
}

// amend gives a settled interval other values, as a new revision.
func amend(s state.Store, k Moment, row settled, values []Value) {
	if !revision.Has(s, k) {
		revision.Put(s, k, revised{row.Values})
	}
	history.Put(s, k, settled{row.Revision + 1, values})
}

// revisable returns where the value is that v would take the place of.
//
// Refusals: ErrDevice, ErrOverwrite.
func (row *settled) revisable(v Value) (int, *op.Refusal) {
	i, found := find(row.Values, v.Device)
	switch {
	case !found:
		return 0, ErrDevice
	case row.Values[i].Quality == Actual && v.Quality != Actual:
		return 0, ErrOverwrite
	}
	return i, nil
}
