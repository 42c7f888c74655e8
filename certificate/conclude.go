package certificate

import (
	"crypto/sha256"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/state"
)

// Conclude ends an export to a registry that is no ledger of ours, as the microgrid's
// operator finds with evidence: the registry has the certificates, or will never have
// them.
type Conclude struct {
	Microgrid grid.MicrogridID `cbor:"1,keyasint" json:"microgrid"`
	Number    uint64           `cbor:"2,keyasint" json:"number"`                   // Of the export.
	Back      bool             `cbor:"3,keyasint,omitempty" json:"back,omitempty"` // It is not there, and never will be.
	Evidence  []byte           `cbor:"4,keyasint" json:"evidence"`                 // SHA-256 of it.
}

// Refusals of Conclude, in order of precedence.
var (
	ErrConcludeEvidence = Ops.Refuse(255, "evidence is the 32 bytes of its SHA-256")
	ErrConcludeSigner   = Ops.Refuse(256, "only the microgrid's operator concludes an export by evidence")
	ErrConcludeExport   = Ops.Refuse(257, "there is no such export by evidence: one to a ledger is settled with what that proves")
	ErrConcludeAgain    = Ops.Refuse(258, "what became of this export is settled")
)

// ConcludeKind ends an export by evidence.
var ConcludeKind = op.Define(Ops, op.Spec[Conclude]{
	Number: 250,
	Name:   "conclude",
	Doc:    "End an export to a registry that is no ledger of ours, with evidence.",
	Check: func(o *Conclude) *op.Refusal {
		if len(o.Evidence) != sha256.Size {
			return ErrConcludeEvidence
		}
		return nil
	},
	Apply: func(ctx *op.Context, s state.Store, o *Conclude) *op.Refusal {
		m, ok := grid.At(s, o.Microgrid)
		if !ok || !party.ActsFor(s, ctx.Signer, m.Operator) {
			return ErrConcludeSigner
		}
		id := ExportID{o.Microgrid, o.Number}
		l, ok := locks.Get(s, id)
		switch {
		case !ok || l.Microgrid != 0:
			return ErrConcludeExport
		case l.Phase != Locked:
			return ErrConcludeAgain
		case o.Back:
			l.back(ctx, s, id, o.Evidence)
		default:
			l.gone(ctx, s, id, o.Evidence)
		}
		return nil
	},
})
