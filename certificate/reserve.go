package certificate

import (
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Reserve sets certificates aside for another account, which may take them until the
// deadline. Until they are taken or released nobody passes them on or uses them up.
type Reserve struct {
	Holder tx.AccountID  `cbor:"1,keyasint" json:"holder"`
	For    tx.AccountID  `cbor:"2,keyasint" json:"for"`
	Until  interval.Time `cbor:"3,keyasint" json:"until"` // The deadline.
	Parts  []Part        `cbor:"4,keyasint" json:"parts"` // By lot, ascending.
}

// MaxReserve bounds how far off the deadline of a reservation is: 90 days.
const MaxReserve = 90 * 24 * 3600

// Refusals of Reserve, in order of precedence.
var (
	ErrReserveParts  = Ops.Refuse(100, "a reservation has one part at least and 4096 at most")
	ErrReserveEnergy = Ops.Refuse(101, "a part of a reservation is of no energy")
	ErrReserveOrder  = Ops.Refuse(102, "the parts of a reservation are not in ascending order of microgrid, start and device, each once")
	ErrReserveSelf   = Ops.Refuse(103, "a reservation is for another account")
	ErrReserveSigner = Ops.Refuse(104, "only the account that has certificates, or who acts for it, sets them aside")
	ErrReserveFor    = Ops.Refuse(105, "there is no such account to set certificates aside for")
	ErrReserveUntil  = Ops.Refuse(106, "the deadline of a reservation is to come, and at most 90 days off")
	ErrReserveLot    = Ops.Refuse(107, "there is no such lot to set certificates aside of")
	ErrReserveOpen   = Ops.Refuse(108, "the lot's interval may still be corrected: its certificates can be set aside once it is final")
	ErrReserveShort  = Ops.Refuse(109, "the account has less of a lot than it would set aside, besides what it set aside before")
	ErrReserveAgain  = Ops.Refuse(110, "certificates of this lot are set aside for that account already: let them be taken or release them first")
)

// ReservedReceipt is the kind of Reserve's receipt, for both sides.
var ReservedReceipt = op.DefineReceipt[Reserve](Ops, 100, "reserved", "Certificates that are set aside for another account.")

// ReserveKind sets certificates aside.
var ReserveKind = op.Define(Ops, op.Spec[Reserve]{
	Number: 100,
	Name:   "reserve",
	Doc:    "Set certificates aside for another account until a deadline.",
	Check: func(o *Reserve) *op.Refusal {
		if no := checkParts(o.Parts, ErrReserveParts, ErrReserveEnergy, ErrReserveOrder); no != nil {
			return no
		}
		if o.Holder == o.For {
			return ErrReserveSelf
		}
		return nil
	},
	Apply: func(ctx *op.Context, s state.Store, o *Reserve) *op.Refusal {
		switch {
		case !party.ActsFor(s, ctx.Signer, o.Holder):
			return ErrReserveSigner
		case !party.Exists(s, o.For):
			return ErrReserveFor
		case o.Until <= ctx.Time || o.Until > ctx.Time+MaxReserve:
			return ErrReserveUntil
		}
		if no := takeParts(s, o.Holder, o.Parts, ErrReserveLot, ErrReserveOpen, ErrReserveShort); no != nil {
			return no
		}
		for _, p := range o.Parts {
			k := Reservation{p.lot(), o.Holder, o.For}
			if reservations.Has(s, k) {
				return ErrReserveAgain
			}
			reservations.Put(s, k, Aside{p.Energy, o.Until})
			l, _ := lots.Get(s, k.Lot)
			l.Held, l.Reserved = quantity.MustSub(l.Held, p.Energy), quantity.MustAdd(l.Reserved, p.Energy)
			lots.Put(s, k.Lot, l)
		}
		op.Emit(ctx, ReservedReceipt, o.Holder, *o)
		op.Emit(ctx, ReservedReceipt, o.For, *o)
		return nil
	},
})
