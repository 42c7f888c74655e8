package certificate

import (
	"crypto/sha256"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Withdraw takes certificates back that should not have been issued, as the
// microgrid's operator finds with evidence. What is used up stays so.
type Withdraw struct {
	Account  tx.AccountID `cbor:"1,keyasint" json:"account"`  // Whose they are.
	Parts    []Part       `cbor:"2,keyasint" json:"parts"`    // By lot, ascending; of one microgrid.
	Evidence []byte       `cbor:"3,keyasint" json:"evidence"` // SHA-256 of it.
}

// Refusals of Withdraw, in order of precedence.
var (
	ErrWithdrawParts    = Ops.Refuse(70, "a withdrawal has one part at least and 4096 at most")
	ErrWithdrawEnergy   = Ops.Refuse(71, "a part of a withdrawal is of no energy")
	ErrWithdrawOrder    = Ops.Refuse(72, "the parts of a withdrawal are not in ascending order of start and device, each once, of one microgrid")
	ErrWithdrawEvidence = Ops.Refuse(73, "evidence is the 32 bytes of its SHA-256")
	ErrWithdrawSigner   = Ops.Refuse(74, "only the microgrid's operator withdraws certificates")
	ErrWithdrawLot      = Ops.Refuse(75, "there is no such lot to withdraw certificates of")
	ErrWithdrawOpen     = Ops.Refuse(76, "the lot's interval may still be corrected: correct the reading")
	ErrWithdrawShort    = Ops.Refuse(77, "the account has less of a lot than would be withdrawn")
)

// Withdrawn is the receipt of Withdraw.
type Withdrawn struct {
	Withdraw Withdraw          `cbor:"1,keyasint" json:"withdraw"`
	Serials  []quantity.Energy `cbor:"2,keyasint" json:"serials"` // The first of each part.
}

// WithdrawnReceipt is the kind of Withdrawn.
var WithdrawnReceipt = op.DefineReceipt[Withdrawn](Ops, 70, "withdrawn", "Certificates that were taken back.")

// WithdrawKind takes certificates back.
var WithdrawKind = op.Define(Ops, op.Spec[Withdraw]{
	Number: 70,
	Name:   "withdraw",
	Doc:    "Take certificates back that should not have been issued.",
	Check: func(o *Withdraw) *op.Refusal {
		if no := checkParts(o.Parts, ErrWithdrawParts, ErrWithdrawEnergy, ErrWithdrawOrder); no != nil {
			return no
		}
		switch {
		case o.Parts[0].Microgrid != o.Parts[len(o.Parts)-1].Microgrid:
			return ErrWithdrawOrder
		case len(o.Evidence) != sha256.Size:
			return ErrWithdrawEvidence
		}
		return nil
	},
	Apply: func(ctx *op.Context, s state.Store, o *Withdraw) *op.Refusal {
		m, ok := grid.At(s, o.Parts[0].Microgrid)
		if !ok || !party.ActsFor(s, ctx.Signer, m.Operator) {
			return ErrWithdrawSigner
		}
		if no := takeParts(s, o.Account, o.Parts, ErrWithdrawLot, ErrWithdrawOpen, ErrWithdrawShort); no != nil {
			return no
		}
		done := Withdrawn{*o, leave(s, o.Parts, func(l *Lot) *quantity.Energy { return &l.Withdrawn })}
		op.Emit(ctx, WithdrawnReceipt, o.Account, done)
		op.Emit(ctx, WithdrawnReceipt, m.Operator, done)
		return nil
	},
})
