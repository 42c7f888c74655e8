package ledger

import (
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
)

// Redeem takes an amount out of circulation: its holder gives it back and the
// issuer pays the deposit out. What others owe the holder after settlements has
// no deposit yet, so never more is redeemed than was issued.
type Redeem struct {
	Asset  AssetID        `cbor:"1,keyasint" json:"asset"`
	Amount quantity.Money `cbor:"2,keyasint" json:"amount"`
}

// Refusals of Redeem, in order of precedence.
var (
	ErrRedeemAmount = Ops.Refuse(20, "the amount to redeem is not above zero")
	ErrRedeemAsset  = Ops.Refuse(21, "there is no such asset to redeem")
	ErrRedeemFunds  = Ops.Refuse(22, "the account has less than that to redeem")
	ErrRedeemIssued = Ops.Refuse(23, "less than that is in circulation: others still owe what the account has")
)

// Redeemed is the receipt of Redeem.
var Redeemed = op.DefineReceipt[Redeem](Ops, 20, "redeemed", "An amount taken out of circulation.")

// RedeemKind takes an amount out of circulation.
var RedeemKind = op.Define(Ops, op.Spec[Redeem]{
	Number: 20,
	Name:   "redeem",
	Doc:    "Give an amount of an asset back to its issuer, who pays the deposit out.",
	Check: func(o *Redeem) *op.Refusal {
		if o.Amount <= 0 {
			return ErrRedeemAmount
		}
		return nil
	},
	Apply: func(ctx *op.Context, s state.Store, o *Redeem) *op.Refusal {
		a, ok := assets.Get(s, o.Asset)
		switch {
		case !ok:
			return ErrRedeemAsset
		case BalanceOf(s, ctx.Signer, o.Asset).Available() < o.Amount:
			return ErrRedeemFunds
		case a.Issued < o.Amount:
			return ErrRedeemIssued
		}
		a.Issued = quantity.MustSub(a.Issued, o.Amount)
		assets.Put(s, o.Asset, a)
		add(s, ctx.Signer, o.Asset, -o.Amount)
		op.Emit(ctx, Redeemed, ctx.Signer, *o)
		return nil
	},
})
