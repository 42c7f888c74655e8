package ledger

import (
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Issue puts an amount into circulation against a deposit that its issuer
// received.
type Issue struct {
	Asset   AssetID        `cbor:"1,keyasint" json:"asset"`
	To      tx.AccountID   `cbor:"2,keyasint" json:"to"`
	Amount  quantity.Money `cbor:"3,keyasint" json:"amount"`
	Deposit []byte         `cbor:"4,keyasint" json:"deposit"` // SHA-256 of the deposit's document.
}

// Refusals of Issue, in order of precedence.
var (
	ErrIssueAmount  = Ops.Refuse(10, "the amount to issue is not above zero")
	ErrIssueDeposit = Ops.Refuse(11, "the deposit is not named by a SHA-256 of 32 bytes")
	ErrIssueTo      = Ops.Refuse(15, "the account to issue to is missing")
	ErrIssueAsset   = Ops.Refuse(12, "there is no such asset to issue")
	ErrNotIssuer    = Ops.Refuse(13, "only the asset's issuer may issue it")
	ErrIssueOpen    = Ops.Refuse(16, "there is no such account to issue to: it has to be opened first")
	ErrIssueTooMuch = Ops.Refuse(14, "the receiver, or circulation, would have more than 2^62 units")
)

// Issued is the receipt of Issue.
var Issued = op.DefineReceipt[Issue](Ops, 10, "issued", "An amount put into circulation against a deposit.")

// IssueKind puts an amount into circulation.
var IssueKind = op.Define(Ops, op.Spec[Issue]{
	Number: 10,
	Name:   "issue",
	Doc:    "Put an amount of an asset into circulation against a deposit.",
	Check: func(o *Issue) *op.Refusal {
		switch {
		case o.Amount <= 0:
			return ErrIssueAmount
		case len(o.Deposit) != 32:
			return ErrIssueDeposit
		case o.To == 0:
			return ErrIssueTo
		}
		return nil
	},
	Apply: func(ctx *op.Context, s state.Store, o *Issue) *op.Refusal {
		a, ok := assets.Get(s, o.Asset)
		switch {
		case !ok:
			return ErrIssueAsset
		case a.Issuer != ctx.Signer:
			return ErrNotIssuer
		case !party.Exists(s, o.To):
			return ErrIssueOpen
		}
		if !fits(a.Issued, o.Amount) || !fits(BalanceOf(s, o.To, o.Asset).Posted, o.Amount) {
			return ErrIssueTooMuch
		}
		a.Issued = quantity.MustAdd(a.Issued, o.Amount)
		assets.Put(s, o.Asset, a)
		add(s, o.To, o.Asset, o.Amount)
		op.Emit(ctx, Issued, o.To, *o)
		return nil
	},
})
