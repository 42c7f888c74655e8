package ledger

import (
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Void ends a hold without paying. The account it is held for may do so at any
// time, the payer once the deadline has passed.
type Void struct {
	Payer  tx.AccountID `cbor:"1,keyasint" json:"payer"`
	Number uint64       `cbor:"2,keyasint" json:"number"`
}

// Refusals of Void, in order of precedence.
var (
	ErrVoidNoHold   = Ops.Refuse(60, "there is no such hold to void")
	ErrVoidSigner   = Ops.Refuse(61, "only the payer or the account that the amount is held for may void a hold")
	ErrVoidDeadline = Ops.Refuse(62, "the payer may void a hold only after its deadline")
)

// Voided is the receipt of Void.
var Voided = op.DefineReceipt[Void](Ops, 60, "voided", "A hold ended without paying.")

// VoidKind ends a hold without paying.
var VoidKind = op.Define(Ops, op.Spec[Void]{
	Number: 60,
	Name:   "void",
	Doc:    "End a hold without paying.",
	Check:  func(*Void) *op.Refusal { return nil },
	Apply: func(ctx *op.Context, s state.Store, o *Void) *op.Refusal {
		id := HoldID{o.Payer, o.Number}
		h, ok := holds.Get(s, id)
		switch {
		case !ok:
			return ErrVoidNoHold
		case ctx.Signer != o.Payer && ctx.Signer != h.To:
			return ErrVoidSigner
		case ctx.Signer != h.To && ctx.Time < h.Deadline:
			return ErrVoidDeadline
		}
		release(s, id, h)
		op.Emit(ctx, Voided, o.Payer, *o)
		return nil
	},
})
