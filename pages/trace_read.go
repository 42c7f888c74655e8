package pages

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/device"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/proof"
	"github.com/commonwatt/commonwatt/settlement"
	"github.com/commonwatt/commonwatt/tx"
	"github.com/commonwatt/commonwatt/view"
)

// How far a trace looks for a reading.
const (
	recordsMax = 128 // Records that are kept meanwhile.
	batchesMax = 8   // Batches that could hold it.
	blocksFar  = 64  // Blocks after its interval's end, and before its settlement, for messages of devices.
)

// record reads what a block left behind, once.
func (c *tracing) record(height int64) (machine.Record, error) {
	r, ok := c.records[height]
	if ok {
		return r, nil
	}
	r, err := c.source.record(height)
	if err == nil {
		if c.records == nil || len(c.records) >= recordsMax {
			c.records = map[int64]machine.Record{}
		}
		c.records[height] = r
	}
	return r, err
}

// find returns the first receipt of a block that is one, and where it stands.
func (c *tracing) find(height int64, is func(machine.Fact) bool) (f machine.Fact, at ReceiptRef, err error) {
	r, err := c.record(height)
	if err != nil {
		return f, at, err
	}
	for position, o := range r.Outcomes {
		for n, f := range o.Receipts {
			if is(f) {
				return f, c.ref(view.ReceiptPlace{Place: view.Place{Height: height, Position: position}, N: n}, f), nil
			}
		}
	}
	return f, at, fmt.Errorf("pages: block %d has no such receipt as the view says: %w", height, fs.ErrNotExist)
}

// ref is a receipt in a trace.
func (c *tracing) ref(p view.ReceiptPlace, f machine.Fact) ReceiptRef {
	leaf := f.Leaf(p.Height)
	r := ReceiptRef{Height: p.Height, Position: p.Position, N: p.N, Leaf: hex.EncodeToString(leaf[:]), Sealed: !c.source.mayRead(c.viewer, f)}
	if !r.Sealed {
		r.Proof = Link(proof.NewID(proof.Place{Height: p.Height, Position: uint32(p.Position), N: uint32(p.N)}, f)) //nolint:gosec // indices
	}
	for _, schema := range machine.Registry().Receipts {
		if schema.Kind == f.Kind {
			r.Name = schema.Name
		}
	}
	return r
}

// statement finds the receipt of a statement.
func (c *tracing) statement(s view.Statement) (said settlement.Statement, at ReceiptRef, err error) {
	f, at, err := c.statementFact(s)
	if err == nil {
		said = settlement.StatementReceipt.Read(f.Receipt())
	}
	return said, at, err
}

func (c *tracing) statementFact(s view.Statement) (machine.Fact, ReceiptRef, error) {
	return c.find(s.Height, func(f machine.Fact) bool {
		if f.Kind != settlement.StatementReceipt.Kind || f.Audience != s.Account {
			return false
		}
		said := settlement.StatementReceipt.Read(f.Receipt())
		return said.Microgrid == c.microgrid.ID && said.Point == s.Point && said.Start == s.Start && said.Revision == s.Revision
	})
}

// aggregates finds what the viewer may read of the interval's sums.
func (c *tracing) aggregates(height int64) error {
	if slices.ContainsFunc(c.sums, func(r ReceiptRef) bool { return r.Height == height }) {
		return nil
	}
	_, at, err := c.find(height, func(f machine.Fact) bool {
		if !c.source.mayRead(c.viewer, f) {
			return false
		}
		switch f.Kind {
		case settlement.SettledReceipt.Kind:
			s := settlement.SettledReceipt.Read(f.Receipt())
			return s.Microgrid == c.microgrid.ID && s.Start == c.start
		case settlement.DisclosedReceipt.Kind:
			s := settlement.DisclosedReceipt.Read(f.Receipt())
			return s.Microgrid == c.microgrid.ID && s.Start == c.start
		}
		return false
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil // Of too few homes: nobody but the operator is told.
	}
	if err == nil {
		c.sums = append(c.sums, at)
	}
	return err
}

// issued finds the receipt of a lot.
func (c *tracing) issued(id certificate.LotID, l view.Lot) (said certificate.Issued, at ReceiptRef, err error) {
	_, at, err = c.find(l.Height, func(f machine.Fact) bool {
		if f.Kind != certificate.IssuedReceipt.Kind || f.Audience != l.Owner {
			return false
		}
		said = certificate.IssuedReceipt.Read(f.Receipt())
		return said.Microgrid == id.Microgrid && said.Start == id.Start && said.Device == id.Device && said.Revision == l.Revision
	})
	return said, at, err
}

// made is what the household's meters and devices measured, and how their readings
// came.
func (c *tracing) made() ([]TraceDevice, error) {
	list := []TraceDevice{}
	for _, s := range c.statements {
		for _, d := range append(c.meters(s), s.said.Devices...) {
			t := TraceDevice{
				Device: d.Device, Meter: c.meterName(d.Device), Kind: kindName(c.held.devices[d.Device].kind), Import: int64(d.Import), Export: int64(d.Export),
				Estimated: d.Estimated, How: ByUnknown, Receipts: []ReceiptRef{},
			}
			if err := c.came(&t, s.Height); err != nil {
				return nil, err
			}
			list = append(list, t)
		}
	}
	return list, nil
}

// meters is the meters of a point, of which the statement says what they measured
// together.
func (c *tracing) meters(s bookedStatement) (list []settlement.DeviceEnergy) {
	of := c.held.meters[s.Point]
	for _, v := range of {
		d := settlement.DeviceEnergy{Device: v.Device, Import: v.Import, Export: v.Export, Estimated: s.Estimated}
		if len(of) == 1 {
			d.Import, d.Export = s.Import, s.Export
		} else if v.Quality != 0 {
			d.Estimated = v.Quality != metering.Actual
		}
		list = append(list, d)
	}
	return list
}

// came finds out how a reading came: as a message of the device, in a batch of the
// gateway, or not at all.
func (c *tracing) came(t *TraceDevice, upTo int64) error {
	if _, signs := c.held.keys[t.Device]; signs {
		if found, err := c.message(t, upTo); found || err != nil {
			return err
		}
	}
	found, err := c.batch(t, upTo)
	if err != nil || found && !t.Estimated {
		return err
	}
	e, p, ok, err := c.reader.EstimateOf(grid.Device{Microgrid: c.microgrid.ID, Device: t.Device}, c.start, upTo)
	if err != nil || !ok {
		return err
	}
	f, err := c.fact(p)
	if err != nil {
		return err
	}
	if !found {
		t.How = ByEstimate
	}
	t.Way, t.Days = e.Way.String(), int64(e.Days)
	t.Receipts = append(t.Receipts, c.ref(p, f))
	return nil
}

// fact is a receipt whose place the view knows.
func (c *tracing) fact(p view.ReceiptPlace) (f machine.Fact, err error) {
	r, err := c.record(p.Height)
	if err != nil {
		return f, err
	}
	if p.Position >= len(r.Outcomes) || p.N >= len(r.Outcomes[p.Position].Receipts) {
		return f, fmt.Errorf("pages: there is no receipt %d.%d.%d, of which the view knows", p.Height, p.Position, p.N)
	}
	return r.Outcomes[p.Position].Receipts[p.N], nil
}

// batch looks for a device's reading in the batches of the gateway.
func (c *tracing) batch(t *TraceDevice, upTo int64) (found bool, err error) {
	places, err := c.reader.Batches(c.microgrid.ID, c.start, upTo, batchesMax)
	if err != nil {
		return false, err
	}
	for _, p := range places {
		asked, err := c.asked(p.Place)
		if err != nil {
			return false, err
		}
		for _, o := range asked {
			record, is := o.(*metering.Record)
			if !is || record.Microgrid != c.microgrid.ID {
				continue
			}
			v, ok := valueIn(record, c.start, t.Device)
			if !ok {
				continue
			}
			f, err := c.fact(p)
			if err != nil {
				return false, err
			}
			t.How, t.Quality = ByGateway, string(rune(v.Quality))
			t.Receipts = append(t.Receipts, c.ref(p, f))
			return true, nil
		}
	}
	return false, nil
}

// valueIn is a device's value of an interval in a batch.
func valueIn(r *metering.Record, start interval.Time, d grid.DeviceID) (v metering.Value, ok bool) {
	for _, i := range r.Intervals {
		if i.Start != start {
			continue
		}
		for _, v := range i.Values {
			if v.Device == d {
				return v, true
			}
		}
	}
	return v, false
}

// message looks for the device's message of the interval, in the blocks since its end.
func (c *tracing) message(t *TraceDevice, upTo int64) (found bool, err error) {
	heights, err := c.reader.HeightsSince(c.start+interval.Time(c.microgrid.Length)-metering.MaxSkew, upTo, blocksFar)
	if err != nil {
		return false, err
	}
	for _, height := range heights {
		r, err := c.record(height)
		if err != nil {
			return false, err
		}
		for position, o := range r.Outcomes {
			for n, f := range o.Receipts {
				if f.Kind != device.DeliveredReceipt.Kind || f.Audience != c.account {
					continue
				}
				p := view.ReceiptPlace{Place: view.Place{Height: height, Position: position}, N: n}
				if found, err := c.delivery(t, p, f); found || err != nil {
					return found, err
				}
			}
		}
	}
	return false, nil
}

// delivery looks for it in one delivery.
func (c *tracing) delivery(t *TraceDevice, p view.ReceiptPlace, f machine.Fact) (found bool, err error) {
	answers := device.DeliveredReceipt.Read(f.Receipt()).Answers
	if !slices.ContainsFunc(answers, func(a device.Answer) bool { return a.Device == t.Device && a.Status == device.Accepted }) {
		return false, nil
	}
	asked, err := c.asked(p.Place)
	if err != nil {
		return false, err
	}
	for _, o := range asked {
		deliver, is := o.(*device.Deliver)
		if !is {
			continue
		}
		for _, a := range answers {
			if a.Device != t.Device || a.Status != device.Accepted || int(a.At) >= len(deliver.Messages) {
				continue
			}
			s, err := device.Decode(deliver.Messages[a.At], c.held.chainID)
			if err != nil || s.Message.Device != t.Device || s.Message.Start != c.start || s.Message.Sequence != a.Sequence {
				continue
			}
			t.How, t.Sequence, t.Epoch = BySignature, a.Sequence, a.Epoch
			if k := c.held.keys[t.Device]; k.Bridged && k.Epoch == a.Epoch || c.devices[t.Device].Bridged && k.Epoch != a.Epoch {
				t.How = ByBridge
			}
			t.Registers, t.Quality = &TraceRegisters{int64(s.Message.Import), int64(s.Message.Export)}, string(rune(s.Message.Quality))
			t.Receipts = append(t.Receipts, c.ref(p, f))
			return true, nil
		}
	}
	return false, nil
}

// asked is the operations of an envelope; none where the block itself is not kept.
func (c *tracing) asked(p view.Place) (list []any, err error) {
	r, err := c.record(p.Height)
	if err != nil || p.Position >= len(r.Outcomes) {
		return nil, err
	}
	kept, ok := c.source.Audit.Block(p.Height)
	if !ok {
		return nil, nil
	}
	e, ok := envelopeIn(kept.Txs, r.Outcomes[p.Position].ID)
	if !ok {
		return nil, nil
	}
	for _, o := range e.Body.Operations {
		known, ok := machine.Registry().Operation(o.Kind)
		if !ok {
			continue
		}
		fields, err := known.Decode(o.Body)
		if err != nil {
			return nil, err // It was applied.
		}
		list = append(list, fields)
	}
	return list, nil
}

// envelopeIn finds an envelope in the transactions of a block.
func envelopeIn(txs [][]byte, id []byte) (e *tx.Envelope, ok bool) {
	for _, raw := range txs {
		members, err := machine.Members(raw)
		if err != nil {
			continue // Closes, or what the machine refused as a whole.
		}
		for _, member := range members {
			e, err := tx.Decode(member)
			if err == nil && string(e.ID[:]) == string(id) {
				return e, true
			}
		}
	}
	return nil, false
}
