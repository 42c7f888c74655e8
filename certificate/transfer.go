package certificate

import (
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Transfer passes certificates on to another account.
type Transfer struct {
	From  tx.AccountID `cbor:"1,keyasint" json:"from"`
	To    tx.AccountID `cbor:"2,keyasint" json:"to"`
	Parts []Part       `cbor:"3,keyasint" json:"parts"` // By lot, ascending.
}

// Refusals of Transfer, in order of precedence; ErrTransferListed comes after
// ErrTransferTo.
var (
	ErrTransferParts  = Ops.Refuse(30, "a transfer has one part at least and 4096 at most")
	ErrTransferEnergy = Ops.Refuse(31, "a part of a transfer is of no energy")
	ErrTransferOrder  = Ops.Refuse(32, "the parts of a transfer are not in ascending order of microgrid, start and device, each once")
	ErrTransferSelf   = Ops.Refuse(33, "a transfer goes to another account")
	ErrTransferSigner = Ops.Refuse(34, "only the account that has certificates, or who acts for it, passes them on")
	ErrTransferTo     = Ops.Refuse(35, "there is no such account to pass certificates on to")
	ErrTransferLot    = Ops.Refuse(36, "there is no such lot")
	ErrTransferOpen   = Ops.Refuse(37, "the lot's interval may still be corrected: its certificates can be passed on once it is final")
	ErrTransferShort  = Ops.Refuse(38, "the account has less of a lot than it would pass on, besides what it set aside")
	ErrTransferListed = Ops.Refuse(39, "who would get the certificates accepts them from the accounts of its list only, and this is none of them")
)

// Transferred is the receipt of Transfer, for both sides.
var Transferred = op.DefineReceipt[Transfer](Ops, 30, "transferred", "Certificates that another account has now.")

// TransferKind passes certificates on.
var TransferKind = op.Define(Ops, op.Spec[Transfer]{
	Number: 30,
	Name:   "transfer",
	Doc:    "Pass certificates on to another account.",
	Check: func(o *Transfer) *op.Refusal {
		if no := checkParts(o.Parts, ErrTransferParts, ErrTransferEnergy, ErrTransferOrder); no != nil {
			return no
		}
		if o.From == o.To {
			return ErrTransferSelf
		}
		return nil
	},
	Apply: func(ctx *op.Context, s state.Store, o *Transfer) *op.Refusal {
		switch {
		case !party.ActsFor(s, ctx.Signer, o.From):
			return ErrTransferSigner
		case !party.Exists(s, o.To):
			return ErrTransferTo
		case !Accepts(s, o.To, o.From):
			return ErrTransferListed
		}
		if no := takeParts(s, o.From, o.Parts, ErrTransferLot, ErrTransferOpen, ErrTransferShort); no != nil {
			return no
		}
		for _, p := range o.Parts {
			give(s, p.lot(), o.To, p.Energy)
		}
		op.Emit(ctx, Transferred, o.From, *o)
		op.Emit(ctx, Transferred, o.To, *o)
		return nil
	},
})
