package metering

import (
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/state"
)

// Dispute says that a device's readings in some intervals are wrong. It changes
// none: the operator finds out, and sends what is right.
type Dispute struct {
	Microgrid grid.MicrogridID `cbor:"1,keyasint" json:"microgrid"`
	Device    grid.DeviceID    `cbor:"2,keyasint" json:"device"`
	From      interval.Time    `cbor:"3,keyasint" json:"from"` // Start of the first interval.
	To        interval.Time    `cbor:"4,keyasint" json:"to"`   // Start of the last one.
}

// Refusals of Dispute, in order of precedence.
var (
	ErrDisputeSpan   = Ops.Refuse(60, "the last interval comes before the first")
	ErrDisputeGrid   = Ops.Refuse(61, "there is no such microgrid to dispute readings in")
	ErrDisputeDevice = Ops.Refuse(62, "there is no such device to dispute the readings of")
	ErrDisputeSigner = Ops.Refuse(63, "only the account of the device's connection point, or who acts for it, may dispute its readings")
	ErrDisputeAlign  = Ops.Refuse(64, "an interval does not start at a multiple of the microgrid's length")
	ErrDisputeOpen   = Ops.Refuse(65, "the last interval is not settled: there is nothing to dispute yet")
	ErrDisputeFinal  = Ops.Refuse(66, "the first interval is final: nothing corrects it any more")
)

// DisputedReceipt tells the account and the operator of a Dispute.
var DisputedReceipt = op.DefineReceipt[Dispute](Ops, 60, "disputed", "Readings that the account of the connection point says are wrong.")

// DisputeKind says that readings are wrong.
var DisputeKind = op.Define(Ops, op.Spec[Dispute]{
	Number: 60,
	Name:   "dispute",
	Doc:    "Say that a device's readings are wrong, so that the operator looks at them.",
	Check: func(o *Dispute) *op.Refusal {
		if o.To < o.From {
			return ErrDisputeSpan
		}
		return nil
	},
	Apply: func(ctx *op.Context, s state.Store, o *Dispute) *op.Refusal {
		m, ok := grid.At(s, o.Microgrid)
		d, there := grid.DeviceAt(s, grid.Device{Microgrid: o.Microgrid, Device: o.Device})
		p, behind := grid.PointAt(s, grid.Point{Microgrid: o.Microgrid, Point: d.Point})
		switch {
		case !ok:
			return ErrDisputeGrid
		case !there:
			return ErrDisputeDevice
		case !behind || !party.ActsFor(s, ctx.Signer, p.Account):
			return ErrDisputeSigner
		case o.From%interval.Time(m.Length) != 0 || o.To%interval.Time(m.Length) != 0:
			return ErrDisputeAlign
		case o.To >= m.Open:
			return ErrDisputeOpen
		case o.From < Correctable(m):
			return ErrDisputeFinal
		}
		op.Emit(ctx, DisputedReceipt, p.Account, *o)
		if m.Operator != p.Account {
			op.Emit(ctx, DisputedReceipt, m.Operator, *o)
		}
		Report(ctx, m.Operator, Exception{Microgrid: o.Microgrid, Device: o.Device, Reason: Disputed, From: o.From, To: o.To})
		return nil
	},
})
