package certificate

import (
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Import takes certificates in that a peer locked for an account of this ledger.
type Import struct {
	Microgrid grid.MicrogridID `cbor:"1,keyasint" json:"microgrid"`
	Account   tx.AccountID     `cbor:"2,keyasint" json:"account"`
	Registry  string           `cbor:"3,keyasint" json:"registry"` // The peer.
	From      grid.MicrogridID `cbor:"4,keyasint" json:"from"`     // There.
	Number    uint64           `cbor:"5,keyasint" json:"number"`   // Of the export there.
	Proof     []byte           `cbor:"6,keyasint" json:"proof"`    // A bundle that shows its lock.
}

// Refusals of Import, in order of precedence.
var (
	ErrImportProof   = Ops.Refuse(225, "a proof is a bundle of at most 65536 bytes")
	ErrImportSigner  = Ops.Refuse(226, "only the account that gets certificates, who acts for it, or the microgrid's operator takes them in")
	ErrImportAccount = Ops.Refuse(227, "there is no such account to take certificates in")
	ErrImportAgain   = Ops.Refuse(228, "this export was taken in or declined before")
	ErrImportHolds   = Ops.Refuse(229, "the bundle does not show this export of a ledger that the microgrid trusts: ask for a newer one, which begins at a block that is trusted")
	ErrImportLock    = Ops.Refuse(230, "what the bundle shows is no export that is locked for this account of this microgrid on this ledger")
	ErrImportLate    = Ops.Refuse(231, "the deadline is over: who exported it gets it back once they have a proof that it is not here")
	ErrImportExpired = Ops.Refuse(232, "certificates of the export are expired here")
	ErrImportDevice  = Ops.Refuse(233, "a device of the export has the number of another one here, or a lot would be of more energy than any")
)

// Imported is the receipt of Import.
type Imported struct {
	Microgrid grid.MicrogridID `cbor:"1,keyasint" json:"microgrid"`
	Account   tx.AccountID     `cbor:"2,keyasint" json:"account"`
	Registry  string           `cbor:"3,keyasint" json:"registry"`
	From      grid.MicrogridID `cbor:"4,keyasint" json:"from"`
	Number    uint64           `cbor:"5,keyasint" json:"number"`
	Sources   []Provenance     `cbor:"6,keyasint" json:"sources"`
	Parts     []LockedPart     `cbor:"7,keyasint" json:"parts"` // With the devices' numbers here.
}

// ImportedReceipt is the kind of Imported.
var ImportedReceipt = op.DefineReceipt[Imported](Ops, 220, "imported", "Certificates that came from another ledger.")

// ImportKind takes certificates in from another ledger.
var ImportKind = op.Define(Ops, op.Spec[Import]{
	Number: 220,
	Name:   "import",
	Doc:    "Take certificates in that another ledger locked for an account here.",
	Check:  func(o *Import) *op.Refusal { return checkProof(o.Proof, ErrImportProof) },
	Apply: func(ctx *op.Context, s state.Store, o *Import) *op.Refusal {
		m, ok := grid.At(s, o.Microgrid)
		from := ExportID{o.From, o.Number}
		k := arrivalID{o.Microgrid, idOf(o.Registry), from}
		switch {
		case !ok, !party.ActsFor(s, ctx.Signer, o.Account) && !party.ActsFor(s, ctx.Signer, m.Operator):
			return ErrImportSigner
		case !party.Exists(s, o.Account):
			return ErrImportAccount
		case arrivals.Has(s, k):
			return ErrImportAgain
		}
		seen, ok := show(s, o.Microgrid, o.Registry, o.Proof, LockKey(from), ctx.Time)
		if !ok || !seen.present {
			return ErrImportHolds
		}
		l, ok := readLock(seen.row)
		switch {
		case !ok || l.Phase != Locked || l.Registry != ctx.ChainID || l.Microgrid != o.Microgrid || l.To != o.Account:
			return ErrImportLock
		case ctx.Time > l.Deadline:
			return ErrImportLate
		}
		if no := l.arrive(s, m, o); no != nil {
			return no
		}
		arrivals.Put(s, k, Arrival{o.Registry, true, o.Account, l.energy()})
		op.Emit(ctx, ImportedReceipt, o.Account, Imported{o.Microgrid, o.Account, o.Registry, o.From, o.Number, l.Sources, l.Parts})
		return nil
	},
})

// arrive makes lots of a lock's parts, and gives its parts the devices' numbers here.
func (l *Lock) arrive(s state.Store, m grid.Microgrid, o *Import) *op.Refusal {
	for n := range l.Parts {
		if tooOld(m, l.Parts[n].Start) {
			return ErrImportExpired
		}
	}
	for n := range l.Parts {
		p := &l.Parts[n]
		d, ok := known(s, o.Microgrid, o.Registry, l.Sources[p.Source])
		if !ok || !arrive(s, LotID{o.Microgrid, p.Start, d.Device}, o.Account, p.Energy) {
			return ErrImportDevice
		}
		p.Device = d.Device
	}
	return nil
}
