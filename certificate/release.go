package certificate

import (
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Release gives certificates that were set aside back to their holder. Whom they were
// set aside for may do so at any time; after the deadline their holder may, and the
// operator of their microgrid, who may have to withdraw them.
type Release struct {
	Holder tx.AccountID `cbor:"1,keyasint" json:"holder"`
	For    tx.AccountID `cbor:"2,keyasint" json:"for"`
	Parts  []Part       `cbor:"3,keyasint" json:"parts"` // By lot, ascending.
}

// Refusals of Release, in order of precedence.
var (
	ErrReleaseParts  = Ops.Refuse(111, "a release has one part at least and 4096 at most")
	ErrReleaseEnergy = Ops.Refuse(112, "a part of a release is of no energy")
	ErrReleaseOrder  = Ops.Refuse(113, "the parts of a release are not in ascending order of microgrid, start and device, each once")
	ErrReleaseShort  = Ops.Refuse(114, "less of a lot is set aside for the account than would be released")
	ErrReleaseSigner = Ops.Refuse(115, "only whom certificates are set aside for, their holder and their microgrid's operator release them")
	ErrReleaseEarly  = Ops.Refuse(116, "until the deadline only whom certificates are set aside for releases them")
)

// Released is the receipt of Release, for both sides.
var Released = op.DefineReceipt[Release](Ops, 110, "released", "Certificates that are set aside no more.")

// ReleaseKind gives certificates back.
var ReleaseKind = op.Define(Ops, op.Spec[Release]{
	Number: 110,
	Name:   "release",
	Doc:    "Give certificates that were set aside back to their holder.",
	Check: func(o *Release) *op.Refusal {
		return checkParts(o.Parts, ErrReleaseParts, ErrReleaseEnergy, ErrReleaseOrder)
	},
	Apply: func(ctx *op.Context, s state.Store, o *Release) *op.Refusal {
		taker, holder := party.ActsFor(s, ctx.Signer, o.For), party.ActsFor(s, ctx.Signer, o.Holder)
		for _, p := range o.Parts {
			k := Reservation{p.lot(), o.Holder, o.For}
			r, _ := reservations.Get(s, k)
			m, _ := grid.At(s, p.Microgrid)
			switch {
			case r.Energy < p.Energy:
				return ErrReleaseShort
			case !taker && !holder && !party.ActsFor(s, ctx.Signer, m.Operator):
				return ErrReleaseSigner
			case !taker && ctx.Time < r.Until:
				return ErrReleaseEarly
			}
			giveBack(s, k, o.Holder, p.Energy)
		}
		op.Emit(ctx, Released, o.Holder, *o)
		op.Emit(ctx, Released, o.For, *o)
		return nil
	},
})
