package device

import (
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/quantity"
)

// Equivocated is the receipt of two messages under one sequence, for whoever has
// to judge them: what the first one said (its bytes are in the block that took
// it), and the second one whole.
type Equivocated struct {
	Microgrid grid.MicrogridID `cbor:"1,keyasint" json:"microgrid"`
	Device    grid.DeviceID    `cbor:"2,keyasint" json:"device"`
	First     Message          `cbor:"3,keyasint" json:"first"`
	Second    Message          `cbor:"4,keyasint" json:"second"`
	Key       []byte           `cbor:"5,keyasint" json:"key"`
	Signature []byte           `cbor:"6,keyasint" json:"signature"` // Of the second.
}

// EquivocatedReceipt is the kind of Equivocated.
var EquivocatedReceipt = op.DefineReceipt[Equivocated](Ops, 51, "equivocated", "A device signed two messages with one sequence.")

// judge holds a message, whose signature is the device's, to the rules, and books
// what it adds.
func (d *delivery) judge(key grid.Device, r *row, s *Signed) (Status, error) {
	m := &s.Message
	w := unpack(r.Window)
	i, found := w.find(m.Sequence)
	if found {
		return d.again(key, r, w[i], s)
	}
	e := entryOf(m, !r.Quarantined && m.Clock == Synchronised)
	before, after := w.graded(i)
	switch {
	case m.Sequence <= r.Floor || r.Floor > 0 && before == nil && i < len(w):
		return Refused, ErrForgotten
	case m.Duration != uint32(d.grid.Length):
		return Refused, ErrLength
	case m.Start%interval.Time(d.grid.Length) != 0:
		return Refused, ErrAligned
	}
	if e.graded {
		if no := d.fits(before, after, e); no != nil {
			return Refused, no
		}
		d.count(key, w, i, e)
	}
	told := i > 0 && w[i-1].clock == Unsynchronised
	w, r.Floor = w.insert(i, e, r.Floor)
	r.Window = w.pack()
	devices.Put(d.s, key, *r)
	switch {
	case r.Quarantined:
		return Kept, ErrQuarantined
	case !e.graded && !told: // A run of such messages is reported as it begins.
		now := d.grid.Length.Containing(d.ctx.Time).Start
		d.report(metering.Exception{Device: key.Device, Reason: metering.Unsynchronised, From: now, To: now})
		return Kept, ErrUnsynchronised
	case !e.graded:
		return Kept, ErrUnsynchronised
	}
	return Accepted, nil
}

// again answers a message whose sequence was there before.
func (d *delivery) again(key grid.Device, r *row, first entry, s *Signed) (Status, error) {
	m := s.Message
	if first.same(entryOf(&m, false)) && m.Duration == uint32(d.grid.Length) {
		return Known, nil
	}
	if r.Quarantined {
		return Refused, ErrConflict // There is evidence already, and this is in its block.
	}
	was := m
	was.Start, was.Duration, was.Import, was.Export = first.start, uint32(d.grid.Length), first.imported, first.exported
	was.Quality, was.Clock = first.quality, first.clock
	evidence := Equivocated{key.Microgrid, key.Device, was, m, s.Key, s.signature}
	op.Emit(d.ctx, EquivocatedReceipt, r.Account, evidence)
	op.Emit(d.ctx, EquivocatedReceipt, d.grid.Operator, evidence)
	d.report(metering.Exception{Device: key.Device, Reason: metering.Equivocation, From: first.start, To: first.start})
	r.Quarantined = true
	devices.Put(d.s, key, *r)
	return Refused, ErrConflict
}

// fits holds a message that is to count to time and to its neighbours.
func (d *delivery) fits(before, after *entry, e entry) *op.Refusal {
	length := interval.Time(d.grid.Length)
	switch {
	case e.start > d.ctx.Time+metering.MaxSkew-length:
		return ErrFuture
	case !metering.Takes(d.s, d.id, d.grid, e.start):
		return ErrStale
	case before != nil && e.start < before.start+length, after != nil && after.start < e.start+length:
		return ErrOverlap
	case before != nil && after != nil && d.counts(before, after) && (!d.counts(before, &e) || !d.counts(&e, after)):
		return ErrBetween
	}
	return nil
}

// counts reports whether the registers counted from p to q: neither fell, nor
// rose by more than a value of an interval may be.
func (d *delivery) counts(p, q *entry) bool {
	n := quantity.Energy(q.start-p.start) / quantity.Energy(d.grid.Length)
	most := min(n, MaxRegister/metering.MaxEnergy) * metering.MaxEnergy
	return p.imported <= q.imported && p.exported <= q.exported && q.imported-p.imported <= most && q.exported-p.exported <= most
}

// count books what a message, which goes to place i of the window, adds: the
// energy since the graded message before, and anew that up to the one after. A gap
// or a reset that it shows is reported.
func (d *delivery) count(key grid.Device, w window, i int, e entry) {
	at, _ := grid.DeviceAt(d.s, key) // It was there to be enrolled.
	before, after := w.graded(i)
	way := metering.Way(0)
	if before != nil {
		way = d.between(at, key.Device, before, &e)
	}
	if after != nil {
		d.between(at, key.Device, &e, after)
		return // Late: that there was a gap is known.
	}
	if before == nil {
		return // A baseline.
	}
	first := before.start + interval.Time(d.grid.Length)
	switch {
	case !d.counts(before, &e):
		d.report(metering.Exception{Device: key.Device, Reason: metering.Reset, From: first, To: e.start})
	case e.start > first || e.sequence != w.highest()+1:
		d.report(metering.Exception{
			Device: key.Device, Reason: metering.Gap, From: first, To: e.start,
			Import: e.imported - before.imported, Export: e.exported - before.exported, Way: way,
		})
	}
}

// report tells the operator of a device.
func (d *delivery) report(e metering.Exception) {
	e.Microgrid = d.id
	metering.Report(d.ctx, d.grid.Operator, e)
}

// between books what the registers counted from one message to the next. When
// intervals lie between them, it is spread over all of them, and flagged as
// substituted: no interval is booked what may have been another's. Intervals that
// are final keep what they were settled with.
func (d *delivery) between(at grid.DeviceRow, device grid.DeviceID, p, q *entry) metering.Way {
	if !d.counts(p, q) {
		return 0
	}
	length := interval.Time(d.grid.Length)
	imported, exported := q.imported-p.imported, q.exported-p.exported
	if q.start == p.start+length {
		d.entries = append(d.entries, metering.Entry{Start: q.start, Device: at, Value: metering.Value{
			Device: device, Import: imported, Export: exported, Quality: q.quality,
		}})
		return 0
	}
	gap := metering.Outage{Device: device, First: p.start + length, Last: q.start, Import: imported, Export: exported}
	values, way := gap.Spread(d.s, d.id, d.grid, metering.Correctable(d.grid))
	for n, v := range values {
		start := q.start - interval.Time(len(values)-1-n)*length
		d.entries = append(d.entries, metering.Entry{Start: start, Device: at, Value: v})
	}
	return way
}
