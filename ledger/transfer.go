package ledger

import (
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Transfer moves an amount from the signer to another account.
type Transfer struct {
	Asset  AssetID        `cbor:"1,keyasint" json:"asset"`
	To     tx.AccountID   `cbor:"2,keyasint" json:"to"`
	Amount quantity.Money `cbor:"3,keyasint" json:"amount"`
}

// Refusals of Transfer, in order of precedence.
var (
	ErrTransferAmount = Ops.Refuse(30, "the amount to transfer is not above zero")
	ErrTransferTo     = Ops.Refuse(31, "the account to transfer to is missing")
	ErrTransferAsset  = Ops.Refuse(32, "there is no such asset to transfer")
	ErrTransferOpen   = Ops.Refuse(36, "there is no such account to transfer to: it has to be opened first, or a stranger could open it later")
	ErrTransferSelf   = Ops.Refuse(33, "an account does not transfer to itself")
	ErrTransferFunds  = Ops.Refuse(34, "the account has less than that to transfer")
	ErrTransferTooBig = Ops.Refuse(35, "the receiver would have more than 2^62 units")
)

// Transferred is the receipt of Transfer.
type Transferred struct {
	From   tx.AccountID   `cbor:"1,keyasint" json:"from"`
	To     tx.AccountID   `cbor:"2,keyasint" json:"to"`
	Asset  AssetID        `cbor:"3,keyasint" json:"asset"`
	Amount quantity.Money `cbor:"4,keyasint" json:"amount"`
}

// TransferReceipt is the kind of Transferred.
var TransferReceipt = op.DefineReceipt[Transferred](Ops, 30, "transferred", "An amount moved from one account to another.")

// TransferKind moves an amount from the signer to another account.
var TransferKind = op.Define(Ops, op.Spec[Transfer]{
	Number: 30,
	Name:   "transfer",
	Doc:    "Move an amount of an asset to another account.",
	Check: func(o *Transfer) *op.Refusal {
		switch {
		case o.Amount <= 0:
			return ErrTransferAmount
		case o.To == 0:
			return ErrTransferTo
		}
		return nil
	},
	Apply: func(ctx *op.Context, s state.Store, o *Transfer) *op.Refusal {
		from, to := BalanceOf(s, ctx.Signer, o.Asset), BalanceOf(s, o.To, o.Asset)
		switch {
		case from == (Balance{}) && !assets.Has(s, o.Asset):
			return ErrTransferAsset // Who holds any of it shows that it exists.
		case to == (Balance{}) && !party.Exists(s, o.To):
			return ErrTransferOpen
		case ctx.Signer == o.To:
			return ErrTransferSelf
		case from.Available() < o.Amount:
			return ErrTransferFunds
		case !fits(to.Posted, o.Amount):
			return ErrTransferTooBig
		}
		from.Posted = quantity.MustSub(from.Posted, o.Amount)
		to.Posted = quantity.MustAdd(to.Posted, o.Amount)
		put(s, Holding{ctx.Signer, o.Asset}, from)
		put(s, Holding{o.To, o.Asset}, to)
		op.Emit(ctx, TransferReceipt, ctx.Signer, Transferred{ctx.Signer, o.To, o.Asset, o.Amount})
		return nil
	},
})
