package certificate

import (
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Settle ends an export to a peer with what the peer proves: that it arrived, that it was
// declined, or, once its deadline is over there, that neither happened and never will.
type Settle struct {
	Microgrid grid.MicrogridID `cbor:"1,keyasint" json:"microgrid"`
	Number    uint64           `cbor:"2,keyasint" json:"number"` // Of the export.
	Proof     []byte           `cbor:"3,keyasint" json:"proof"`  // A bundle of the peer that shows its arrival, or that there is none.
}

// Refusals of Settle, in order of precedence.
var (
	ErrSettleProof  = Ops.Refuse(245, "a proof is a bundle of at most 65536 bytes")
	ErrSettleExport = Ops.Refuse(246, "there is no such export to a ledger")
	ErrSettleSigner = Ops.Refuse(247, "only the account that exported certificates, who acts for it, or the microgrid's operator settles the export")
	ErrSettleAgain  = Ops.Refuse(248, "what became of this export is settled")
	ErrSettleHolds  = Ops.Refuse(249, "the bundle does not show the export's arrival on a ledger that the microgrid trusts: ask for a newer one, which begins at a block that is trusted")
	ErrSettleEarly  = Ops.Refuse(250, "the export is not there, and may still arrive: its deadline was not over at the block of the bundle")
)

// Concluded is the receipt of what became of an export.
type Concluded struct {
	Microgrid grid.MicrogridID  `cbor:"1,keyasint" json:"microgrid"`
	Number    uint64            `cbor:"2,keyasint" json:"number"`
	Account   tx.AccountID      `cbor:"3,keyasint" json:"account"`
	Registry  string            `cbor:"4,keyasint" json:"registry"`
	Parts     []Part            `cbor:"5,keyasint" json:"parts"`
	Serials   []quantity.Energy `cbor:"6,keyasint" json:"serials"`                      // The first of each part; none of what came back.
	Evidence  []byte            `cbor:"7,keyasint,omitempty" json:"evidence,omitempty"` // SHA-256 of it, where nothing was proven.
}

// The receipts of an export that ended.
var (
	ExportedReceipt = op.DefineReceipt[Concluded](Ops, 240, "exported", "Certificates that are in another registry.")
	ReturnedReceipt = op.DefineReceipt[Concluded](Ops, 241, "returned", "Certificates that are not in another registry, and were locked for it.")
)

// SettleKind ends an export to a peer.
var SettleKind = op.Define(Ops, op.Spec[Settle]{
	Number: 240,
	Name:   "settle",
	Doc:    "End an export with the other ledger's proof of what became of it.",
	Check:  func(o *Settle) *op.Refusal { return checkProof(o.Proof, ErrSettleProof) },
	Apply: func(ctx *op.Context, s state.Store, o *Settle) *op.Refusal {
		id := ExportID{o.Microgrid, o.Number}
		l, ok := locks.Get(s, id)
		if !ok || l.Microgrid == 0 {
			return ErrSettleExport
		}
		m, _ := grid.At(s, o.Microgrid)
		switch {
		case !party.ActsFor(s, ctx.Signer, l.Account) && !party.ActsFor(s, ctx.Signer, m.Operator):
			return ErrSettleSigner
		case l.Phase != Locked:
			return ErrSettleAgain
		}
		seen, ok := show(s, o.Microgrid, l.Registry, o.Proof, ArrivalKey(l.Microgrid, ctx.ChainID, id), ctx.Time)
		if !ok {
			return ErrSettleHolds
		}
		if !seen.present {
			// The header is of a block that the row would be in, at the earliest, so it is the
			// header's own time that has to be past the deadline, never the same.
			if seen.at <= l.Deadline {
				return ErrSettleEarly
			}
			l.back(ctx, s, id, nil)
			return nil
		}
		a, ok := readArrival(seen.row)
		switch {
		case !ok:
			return ErrSettleHolds
		case a.Taken:
			l.gone(ctx, s, id, nil)
		default:
			l.back(ctx, s, id, nil)
		}
		return nil
	},
})

// gone gives locked certificates the serials of what is in another registry.
func (l *Lock) gone(ctx *op.Context, s state.Store, id ExportID, evidence []byte) {
	parts := l.parts(id.Microgrid)
	serials := make([]quantity.Energy, len(parts))
	for n, p := range parts {
		lot, _ := lots.Get(s, p.lot())
		serials[n] = lot.Gone()
		lot.Locked, lot.Exported = quantity.MustSub(lot.Locked, p.Energy), quantity.MustAdd(lot.Exported, p.Energy)
		lots.Put(s, p.lot(), lot)
	}
	l.Phase = Exported
	locks.Put(s, id, *l)
	op.Emit(ctx, ExportedReceipt, l.Account, Concluded{id.Microgrid, id.Number, l.Account, l.Registry, parts, serials, evidence})
}

// back gives locked certificates back to who had them. What would have expired in the
// meantime does so now.
func (l *Lock) back(ctx *op.Context, s state.Store, id ExportID, evidence []byte) {
	m, _ := grid.At(s, id.Microgrid)
	parts := l.parts(id.Microgrid)
	op.Emit(ctx, ReturnedReceipt, l.Account, Concluded{id.Microgrid, id.Number, l.Account, l.Registry, parts, []quantity.Energy{}, evidence})
	for _, p := range parts {
		lot, _ := lots.Get(s, p.lot())
		lot.Locked = quantity.MustSub(lot.Locked, p.Energy)
		if tooOld(m, p.Start) {
			op.Emit(ctx, ExpiredReceipt, l.Account, Expired{p.Microgrid, p.Start, p.Device, l.Account, p.Energy, lot.Gone(), 0})
			lot.Expired = quantity.MustAdd(lot.Expired, p.Energy)
		} else {
			lot.Held = quantity.MustAdd(lot.Held, p.Energy)
			give(s, p.lot(), l.Account, p.Energy)
		}
		lots.Put(s, p.lot(), lot)
	}
	l.Phase = Returned
	locks.Put(s, id, *l)
}
