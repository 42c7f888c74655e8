package certificate

import (
	"slices"
	"strings"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Export locks certificates of one microgrid for another registry. To a peer it names who
// gets them there and until when; to a registry that is believed by evidence, nothing
// but its name, and the microgrid's operator says what became of them. Nobody has them until it is settled what became of them.
type Export struct {
	Account   tx.AccountID     `cbor:"1,keyasint" json:"account"` // Whose they are.
	Parts     []Part           `cbor:"2,keyasint" json:"parts"`   // By lot, ascending; of one microgrid.
	Registry  string           `cbor:"3,keyasint" json:"registry"`
	Microgrid grid.MicrogridID `cbor:"4,keyasint,omitempty" json:"microgrid,omitempty"` // There.
	To        tx.AccountID     `cbor:"5,keyasint,omitempty" json:"to,omitempty"`        // There.
	Deadline  interval.Time    `cbor:"6,keyasint,omitempty" json:"deadline,omitempty"`
}

// Bounds of an export.
const (
	maxExport   = 256 // Parts of one to a ledger: its row is carried in proofs.
	MaxDeadline = 90 * 24 * 3600
)

// Refusals of Export, in order of precedence.
var (
	ErrExportParts    = Ops.Refuse(210, "an export has one part at least, and 256 at most to a ledger, 4096 by evidence")
	ErrExportEnergy   = Ops.Refuse(211, "a part of an export is of no energy, or of more than 1 TWh")
	ErrExportOrder    = Ops.Refuse(212, "the parts of an export are not in ascending order of start and device, each once, of one microgrid")
	ErrExportRegistry = Ops.Refuse(213, "a registry's name is 1 to 50 letters, digits, -, . and _, and begins and ends with a letter or digit; by evidence it has no capitals")
	ErrExportTo       = Ops.Refuse(214, "an export to a ledger names the microgrid and the account there and a deadline; one by evidence names none of them")
	ErrExportSigner   = Ops.Refuse(215, "only the account that has certificates, or who acts for it, exports them")
	ErrExportPeer     = Ops.Refuse(216, "the microgrid trusts no such ledger; or this one, from which certificates come by evidence, is none")
	ErrExportDeadline = Ops.Refuse(217, "the deadline of an export is to come, and at most 90 days off")
	ErrExportLot      = Ops.Refuse(218, "there is no such lot to export certificates of")
	ErrExportOpen     = Ops.Refuse(219, "the lot's interval may still be corrected: its certificates can be exported once it is final")
	ErrExportShort    = Ops.Refuse(220, "the account has less of a lot than it would export, besides what it set aside")
)

// LockedExport is the receipt of Export.
type LockedExport struct {
	Microgrid grid.MicrogridID `cbor:"1,keyasint" json:"microgrid"`
	Number    uint64           `cbor:"2,keyasint" json:"number"` // The export's.
	Export    Export           `cbor:"3,keyasint" json:"export"`
}

// LockedReceipt is the kind of LockedExport.
var LockedReceipt = op.DefineReceipt[LockedExport](Ops, 210, "locked", "Certificates that are locked for another registry.")

// ExportKind locks certificates for another registry.
var ExportKind = op.Define(Ops, op.Spec[Export]{
	Number: 210,
	Name:   "export",
	Doc:    "Lock certificates for another registry.",
	Check: func(o *Export) *op.Refusal {
		ledger := o.Microgrid != 0
		if ledger && len(o.Parts) > maxExport {
			return ErrExportParts
		}
		if no := checkParts(o.Parts, ErrExportParts, ErrExportEnergy, ErrExportOrder); no != nil {
			return no
		}
		switch {
		case slices.ContainsFunc(o.Parts, func(p Part) bool { return p.Energy > maxArrival }):
			return ErrExportEnergy
		case o.Parts[0].Microgrid != o.Parts[len(o.Parts)-1].Microgrid:
			return ErrExportOrder
		case !isRegistry(o.Registry) || !ledger && strings.ToLower(o.Registry) != o.Registry:
			return ErrExportRegistry
		case (o.To != 0) != ledger, (o.Deadline != 0) != ledger:
			return ErrExportTo
		}
		return nil
	},
	Apply: func(ctx *op.Context, s state.Store, o *Export) *op.Refusal {
		id := o.Parts[0].Microgrid
		if no := o.to(ctx, s, id); no != nil {
			return no
		}
		if no := takeParts(s, o.Account, o.Parts, ErrExportLot, ErrExportOpen, ErrExportShort); no != nil {
			return no
		}
		n, _ := exports.Get(s, id)
		n.Last++
		exports.Put(s, id, n)
		locks.Put(s, ExportID{id, n.Last}, o.lock(ctx, s))
		for _, p := range o.Parts {
			l, _ := lots.Get(s, p.lot())
			l.Held, l.Locked = quantity.MustSub(l.Held, p.Energy), quantity.MustAdd(l.Locked, p.Energy)
			lots.Put(s, p.lot(), l)
		}
		op.Emit(ctx, LockedReceipt, o.Account, LockedExport{id, n.Last, *o})
		return nil
	},
})

// to says whether an export may go where it is to go.
func (o *Export) to(ctx *op.Context, s state.Store, id grid.MicrogridID) *op.Refusal {
	evidence := o.Microgrid == 0
	switch {
	case !party.ActsFor(s, ctx.Signer, o.Account):
		return ErrExportSigner
	case evidence && (o.Registry == ctx.ChainID || !believedBy(s, o.Registry, true)):
		return ErrExportPeer
	case evidence:
		return nil
	}
	if _, trusted := Peer(s, id, o.Registry); !trusted {
		return ErrExportPeer
	}
	if o.Deadline <= ctx.Time || o.Deadline > ctx.Time+MaxDeadline {
		return ErrExportDeadline
	}
	return nil
}

// lock is the row of an export, with where its certificates were issued.
func (o *Export) lock(ctx *op.Context, s state.Reader) Lock {
	l := Lock{Account: o.Account, Registry: o.Registry, Microgrid: o.Microgrid, To: o.To, Deadline: o.Deadline, Phase: Locked}
	for _, p := range o.Parts {
		from := sourceOf(s, ctx.ChainID, p.lot())
		n := slices.Index(l.Sources, from)
		if n < 0 {
			n, l.Sources = len(l.Sources), append(l.Sources, from)
		}
		l.Parts = append(l.Parts, LockedPart{Start: p.Start, Device: p.Device, Energy: p.Energy, Source: uint32(n)}) //nolint:gosec // At most maxExport.
	}
	return l
}
