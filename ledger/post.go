package ledger

import (
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Post pays out of a hold, up to its amount, to the account it was held for,
// which signs. What is left goes back to the payer.
type Post struct {
	Payer  tx.AccountID   `cbor:"1,keyasint" json:"payer"`
	Number uint64         `cbor:"2,keyasint" json:"number"`
	Amount quantity.Money `cbor:"3,keyasint" json:"amount"`
}

// Refusals of Post, in order of precedence.
var (
	ErrPostAmount   = Ops.Refuse(50, "the amount to post is not above zero")
	ErrPostNoHold   = Ops.Refuse(51, "there is no such hold to post")
	ErrPostSigner   = Ops.Refuse(52, "only the account that the amount is held for may post it")
	ErrPostDeadline = Ops.Refuse(53, "the hold's deadline has passed, it can only be voided")
	ErrPostTooMuch  = Ops.Refuse(54, "the hold is for less than that")
	ErrPostTooBig   = Ops.Refuse(55, "the receiver would have more than 2^62 units")
)

// Posted is the receipt of Post.
var Posted = op.DefineReceipt[Post](Ops, 50, "posted", "An amount paid out of a hold; the rest went back.")

// PostKind pays out of a hold.
var PostKind = op.Define(Ops, op.Spec[Post]{
	Number: 50,
	Name:   "post",
	Doc:    "Pay out of a hold, up to its amount; the rest goes back to the payer.",
	Check: func(o *Post) *op.Refusal {
		if o.Amount <= 0 {
			return ErrPostAmount
		}
		return nil
	},
	Apply: func(ctx *op.Context, s state.Store, o *Post) *op.Refusal {
		id := HoldID{o.Payer, o.Number}
		h, ok := holds.Get(s, id)
		switch {
		case !ok:
			return ErrPostNoHold
		case h.To != ctx.Signer:
			return ErrPostSigner
		case h.Deadline <= ctx.Time:
			return ErrPostDeadline
		case h.Amount < o.Amount:
			return ErrPostTooMuch
		case !fits(BalanceOf(s, h.To, h.Asset).Posted, o.Amount):
			return ErrPostTooBig
		}
		release(s, id, h)
		add(s, o.Payer, h.Asset, -o.Amount)
		add(s, h.To, h.Asset, o.Amount)
		op.Emit(ctx, Posted, o.Payer, *o)
		return nil
	},
})

// release ends a hold and frees what it reserved.
func release(s state.Store, id HoldID, h Reservation) {
	holds.Delete(s, id)
	k := Holding{id.Payer, h.Asset}
	b, _ := balances.Get(s, k)
	b.Held = quantity.MustSub(b.Held, h.Amount)
	put(s, k, b)
}
