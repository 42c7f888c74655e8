package certificate

import (
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/state"
)

// Decline refuses an export of a peer for good: it can arrive no more, and whoever
// exported it gets it back with the proof of that.
type Decline struct {
	Microgrid grid.MicrogridID `cbor:"1,keyasint" json:"microgrid"`
	Registry  string           `cbor:"2,keyasint" json:"registry"`
	From      grid.MicrogridID `cbor:"3,keyasint" json:"from"`
	Number    uint64           `cbor:"4,keyasint" json:"number"`
}

// Refusals of Decline, in order of precedence.
var (
	ErrDeclineSigner = Ops.Refuse(240, "only the microgrid's operator declines an export to it")
	ErrDeclinePeer   = Ops.Refuse(241, "the microgrid trusts no such ledger")
	ErrDeclineAgain  = Ops.Refuse(242, "this export was taken in or declined before")
)

// Declined is the kind of Decline's receipt.
var Declined = op.DefineReceipt[Decline](Ops, 230, "declined", "An export of another ledger that is not taken in.")

// DeclineKind refuses an export of a peer.
var DeclineKind = op.Define(Ops, op.Spec[Decline]{
	Number: 230,
	Name:   "decline",
	Doc:    "Refuse an export of another ledger for good.",
	Check:  func(*Decline) *op.Refusal { return nil },
	Apply: func(ctx *op.Context, s state.Store, o *Decline) *op.Refusal {
		m, ok := grid.At(s, o.Microgrid)
		if !ok || !party.ActsFor(s, ctx.Signer, m.Operator) {
			return ErrDeclineSigner
		}
		if _, trusted := Peer(s, o.Microgrid, o.Registry); !trusted {
			return ErrDeclinePeer
		}
		k := arrivalID{o.Microgrid, idOf(o.Registry), ExportID{o.From, o.Number}}
		if arrivals.Has(s, k) {
			return ErrDeclineAgain
		}
		arrivals.Put(s, k, Arrival{Registry: o.Registry})
		op.Emit(ctx, Declined, m.Operator, *o)
		return nil
	},
})
