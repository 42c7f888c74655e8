package metering

import (
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/state"
)

// Lapse lets the grace of every interval up to a moment run out: the operator
// says that nothing more is to be waited for. What is missing is estimated.
type Lapse struct {
	Microgrid grid.MicrogridID `cbor:"1,keyasint" json:"microgrid"`
	Until     interval.Time    `cbor:"2,keyasint" json:"until"`
}

// Refusals of Lapse, in order of precedence.
var (
	ErrLapseGrid   = Ops.Refuse(40, "there is no such microgrid to end the waiting in")
	ErrLapseSigner = Ops.Refuse(41, "only the microgrid's operator may end the waiting for readings")
	ErrLapseFuture = Ops.Refuse(42, "the moment lies after the block's time")
)

// Lapsed is the receipt of Lapse.
var Lapsed = op.DefineReceipt[Lapse](Ops, 40, "lapsed", "The waiting for readings ended.")

// LapseKind lets the grace of intervals run out.
var LapseKind = op.Define(Ops, op.Spec[Lapse]{
	Number: 40,
	Name:   "lapse",
	Doc:    "End the waiting for readings of every interval up to a moment.",
	Check:  func(*Lapse) *op.Refusal { return nil },
	Apply: func(ctx *op.Context, s state.Store, o *Lapse) *op.Refusal {
		m, ok := grid.At(s, o.Microgrid)
		switch {
		case !ok:
			return ErrLapseGrid
		case !party.ActsFor(s, ctx.Signer, m.Operator):
			return ErrLapseSigner
		case o.Until > ctx.Time:
			return ErrLapseFuture
		}
		latest := o.Until + interval.Time(m.Grace)
		if c, _ := clocks.Get(s, o.Microgrid); c.Latest < latest {
			clocks.Put(s, o.Microgrid, clock{latest})
		}
		op.Emit(ctx, Lapsed, op.Public, *o)
		return nil
	},
})
