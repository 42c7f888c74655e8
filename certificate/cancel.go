package certificate

import (
	"crypto/sha256"

	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Purpose says what certificates were used up for.
type Purpose uint8

// Purposes. Numbers are part of the protocol.
const (
	Disclosure Purpose = 1 // To say where energy that was used came from (EECS Rules, cancellation).
	Product    Purpose = 2 // Made of it, as hydrogen is.
	Other      Purpose = 3
)

// Cancel uses certificates up: nobody can pass them on or use them again.
type Cancel struct {
	Account tx.AccountID `cbor:"1,keyasint" json:"account"` // Whose they are.
	Parts   []Part       `cbor:"2,keyasint" json:"parts"`   // By lot, ascending.
	Purpose Purpose      `cbor:"3,keyasint" json:"purpose"`
	// Beneficiary is the SHA-256 of the statement that names for whom it was done:
	// names are not on the ledger.
	Beneficiary []byte `cbor:"4,keyasint" json:"beneficiary"`
}

// Refusals of Cancel, in order of precedence.
var (
	ErrCancelParts       = Ops.Refuse(50, "a cancellation has one part at least and 4096 at most")
	ErrCancelEnergy      = Ops.Refuse(51, "a part of a cancellation is of no energy")
	ErrCancelOrder       = Ops.Refuse(52, "the parts of a cancellation are not in ascending order of microgrid, start and device, each once")
	ErrCancelPurpose     = Ops.Refuse(53, "there is no such purpose: 1 disclosure, 2 product, 3 other")
	ErrCancelBeneficiary = Ops.Refuse(54, "the beneficiary is the 32 bytes of the SHA-256 of the statement that names it")
	ErrCancelSigner      = Ops.Refuse(55, "only the account that has certificates, or who acts for it, cancels them")
	ErrCancelLot         = Ops.Refuse(56, "there is no such lot to cancel certificates of")
	ErrCancelOpen        = Ops.Refuse(57, "the lot's interval may still be corrected: its certificates can be cancelled once it is final")
	ErrCancelShort       = Ops.Refuse(58, "the account has less of a lot than it would cancel")
)

// Cancelled is the receipt of Cancel. Parts are as they were cancelled, and Serials
// the first serial of each; so what was cancelled twice would show.
type Cancelled struct {
	Cancel  Cancel            `cbor:"1,keyasint" json:"cancel"`
	Serials []quantity.Energy `cbor:"2,keyasint" json:"serials"`
}

// CancelledReceipt is the kind of Cancelled.
var CancelledReceipt = op.DefineReceipt[Cancelled](Ops, 50, "cancelled", "Certificates that are used up.")

// CancelKind uses certificates up.
var CancelKind = op.Define(Ops, op.Spec[Cancel]{
	Number: 50,
	Name:   "cancel",
	Doc:    "Use certificates up for a beneficiary.",
	Check: func(o *Cancel) *op.Refusal {
		if no := checkParts(o.Parts, ErrCancelParts, ErrCancelEnergy, ErrCancelOrder); no != nil {
			return no
		}
		switch {
		case o.Purpose < Disclosure || o.Purpose > Other:
			return ErrCancelPurpose
		case len(o.Beneficiary) != sha256.Size:
			return ErrCancelBeneficiary
		}
		return nil
	},
	Apply: func(ctx *op.Context, s state.Store, o *Cancel) *op.Refusal {
		if !party.ActsFor(s, ctx.Signer, o.Account) {
			return ErrCancelSigner
		}
		if no := takeParts(s, o.Account, o.Parts, ErrCancelLot, ErrCancelOpen, ErrCancelShort); no != nil {
			return no
		}
		serials := leave(s, o.Parts, func(l *Lot) *quantity.Energy { return &l.Cancelled })
		op.Emit(ctx, CancelledReceipt, o.Account, Cancelled{*o, serials})
		return nil
	},
})
