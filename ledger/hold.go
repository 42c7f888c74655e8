package ledger

import (
	"encoding/binary"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Hold reserves an amount for another account, which may post it until the
// deadline. It is the first of two phases; Post and Void are the second.
type Hold struct {
	Number   uint64         `cbor:"1,keyasint" json:"number"` // The payer's own count.
	Asset    AssetID        `cbor:"2,keyasint" json:"asset"`
	To       tx.AccountID   `cbor:"3,keyasint" json:"to"`
	Amount   quantity.Money `cbor:"4,keyasint" json:"amount"`
	Deadline interval.Time  `cbor:"5,keyasint" json:"deadline"`
}

// HoldID is the key of a hold.
type HoldID struct {
	Payer  tx.AccountID
	Number uint64
}

// AppendKey orders holds by payer, then number.
func (id HoldID) AppendKey(b []byte) []byte {
	return binary.BigEndian.AppendUint64(id.Payer.AppendKey(b), id.Number)
}

// ReadKey reads what AppendKey wrote.
func (HoldID) ReadKey(b []byte) HoldID {
	return HoldID{tx.AccountID(0).ReadKey(b), binary.BigEndian.Uint64(b[8:])}
}

// Reservation is an open hold.
type Reservation struct {
	Asset    AssetID        `cbor:"1,keyasint"`
	To       tx.AccountID   `cbor:"2,keyasint"`
	Amount   quantity.Money `cbor:"3,keyasint"`
	Deadline interval.Time  `cbor:"4,keyasint"`
}

var holds = state.NewTable[HoldID, Reservation]("ledger.hold")

// Refusals of Hold, in order of precedence.
var (
	ErrHoldAmount   = Ops.Refuse(40, "the amount to hold is not above zero")
	ErrHoldTo       = Ops.Refuse(41, "the account to hold for is missing")
	ErrHoldAsset    = Ops.Refuse(42, "there is no such asset to hold")
	ErrHoldOpen     = Ops.Refuse(47, "there is no such account to hold for: it has to be opened first")
	ErrHoldSelf     = Ops.Refuse(43, "an account does not hold for itself")
	ErrHoldDeadline = Ops.Refuse(44, "the hold's deadline has passed")
	ErrHoldExists   = Ops.Refuse(45, "the hold's number is taken")
	ErrHoldFunds    = Ops.Refuse(46, "the account has less than that to hold")
)

// Held is the receipt of Hold.
type Held struct {
	Payer tx.AccountID `cbor:"1,keyasint" json:"payer"`
	Hold  Hold         `cbor:"2,keyasint" json:"hold"`
}

// HoldReceipt is the kind of Held.
var HoldReceipt = op.DefineReceipt[Held](Ops, 40, "held", "An amount reserved for another account.")

// HoldKind reserves an amount.
var HoldKind = op.Define(Ops, op.Spec[Hold]{
	Number: 40,
	Name:   "hold",
	Doc:    "Reserve an amount of an asset for another account until a deadline.",
	Check: func(o *Hold) *op.Refusal {
		switch {
		case o.Amount <= 0:
			return ErrHoldAmount
		case o.To == 0:
			return ErrHoldTo
		}
		return nil
	},
	Apply: func(ctx *op.Context, s state.Store, o *Hold) *op.Refusal {
		id := HoldID{ctx.Signer, o.Number}
		b := BalanceOf(s, ctx.Signer, o.Asset)
		switch {
		case !assets.Has(s, o.Asset):
			return ErrHoldAsset
		case !party.Exists(s, o.To):
			return ErrHoldOpen
		case ctx.Signer == o.To:
			return ErrHoldSelf
		case o.Deadline <= ctx.Time:
			return ErrHoldDeadline
		case holds.Has(s, id):
			return ErrHoldExists
		case b.Available() < o.Amount:
			return ErrHoldFunds
		}
		b.Held = quantity.MustAdd(b.Held, o.Amount)
		put(s, Holding{ctx.Signer, o.Asset}, b)
		holds.Put(s, id, Reservation{o.Asset, o.To, o.Amount, o.Deadline})
		op.Emit(ctx, HoldReceipt, ctx.Signer, Held{ctx.Signer, *o})
		return nil
	},
})
