package certificate

import (
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Take takes certificates that were set aside for an account, before the deadline:
// it has them from then on. Who takes accepts, whatever its list says.
type Take struct {
	Holder tx.AccountID `cbor:"1,keyasint" json:"holder"` // Who set them aside.
	For    tx.AccountID `cbor:"2,keyasint" json:"for"`
	Parts  []Part       `cbor:"3,keyasint" json:"parts"` // By lot, ascending.
}

// Refusals of Take, in order of precedence.
var (
	ErrTakeParts  = Ops.Refuse(121, "what is taken has one part at least and 4096 at most")
	ErrTakeEnergy = Ops.Refuse(122, "a part of what is taken is of no energy")
	ErrTakeOrder  = Ops.Refuse(123, "the parts of what is taken are not in ascending order of microgrid, start and device, each once")
	ErrTakeSigner = Ops.Refuse(124, "only whom certificates are set aside for, or who acts for it, takes them")
	ErrTakeShort  = Ops.Refuse(125, "less of a lot is set aside for the account than it would take")
	ErrTakeLate   = Ops.Refuse(126, "the deadline of the reservation is over: its holder may have it back")
)

// Taken is the receipt of Take, for both sides.
var Taken = op.DefineReceipt[Take](Ops, 120, "taken", "Certificates that were set aside for an account, which has them now.")

// TakeKind takes what was set aside.
var TakeKind = op.Define(Ops, op.Spec[Take]{
	Number: 120,
	Name:   "take",
	Doc:    "Take certificates that were set aside for one's account.",
	Check: func(o *Take) *op.Refusal {
		return checkParts(o.Parts, ErrTakeParts, ErrTakeEnergy, ErrTakeOrder)
	},
	Apply: func(ctx *op.Context, s state.Store, o *Take) *op.Refusal {
		if !party.ActsFor(s, ctx.Signer, o.For) {
			return ErrTakeSigner
		}
		for _, p := range o.Parts {
			k := Reservation{p.lot(), o.Holder, o.For}
			r, _ := reservations.Get(s, k)
			switch {
			case r.Energy < p.Energy:
				return ErrTakeShort
			case ctx.Time >= r.Until:
				return ErrTakeLate
			}
			giveBack(s, k, o.For, p.Energy)
		}
		op.Emit(ctx, Taken, o.Holder, *o)
		op.Emit(ctx, Taken, o.For, *o)
		return nil
	},
})
