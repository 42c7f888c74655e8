package certificate

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Admit brings certificates in of a registry that is no ledger of ours: the microgrid's
// operator vouches, with evidence, that the registry locked or cancelled them for it.
type Admit struct {
	Microgrid grid.MicrogridID `cbor:"1,keyasint" json:"microgrid"`
	Account   tx.AccountID     `cbor:"2,keyasint" json:"account"` // Who has them here.
	Registry  string           `cbor:"3,keyasint" json:"registry"`
	Runs      []Run            `cbor:"4,keyasint" json:"runs"`
	Evidence  []byte           `cbor:"5,keyasint" json:"evidence"` // SHA-256 of it.
}

// Run is certificates of another registry with serials in a row.
type Run struct {
	_        struct{} `cbor:",toarray"`
	Issuance string   // Within which serials are unique there.
	First    uint64   // Serial.
	Count    uint64
	Unit     quantity.Energy // Of each certificate.
	Device   string          // As the registry calls it.
	Kind     grid.Kind
	Start    interval.Time // Of the production.
	Length   uint32        // Of its period, in seconds.
}

// Energy is what a run is of.
func (r *Run) Energy() quantity.Energy { return r.Unit * quantity.Energy(r.Count) } //nolint:gosec // Bounded by wellFormed.

// maxRuns bounds an operation.
const maxRuns = 1024

func (r *Run) wellFormed() bool {
	return r.Issuance != "" && isLabel(r.Issuance) && r.Device != "" && isLabel(r.Device) && r.Kind.Renewable() &&
		r.Count > 0 && r.Count <= uint64(maxArrival) && r.First <= uint64(maxLot) && r.Unit > 0 && r.Unit <= maxArrival/quantity.Energy(r.Count) &&
		r.Start >= 0 && r.Start <= maxMoment && r.Length > 0 && r.Length <= maxPeriod
}

// maxPeriod is the longest period that certificates are of: a leap year.
const maxPeriod = 366 * 24 * 3600

// Refusals of Admit, in order of precedence.
var (
	ErrAdmitRegistry = Ops.Refuse(260, "a registry's name is 1 to 50 small letters, digits, -, . and _, and begins and ends with a letter or digit")
	ErrAdmitRuns     = Ops.Refuse(261, "certificates come in 1 to 1024 runs")
	ErrAdmitRun      = Ops.Refuse(262, "a run has an issuance and a device of up to 64 capitals, digits and signs, 1 to 10^12 Wh of solar, wind or hydro, and a period of up to a year")
	ErrAdmitEvidence = Ops.Refuse(263, "evidence is the 32 bytes of its SHA-256")
	ErrAdmitSigner   = Ops.Refuse(264, "only the microgrid's operator brings certificates in by evidence")
	ErrAdmitAccount  = Ops.Refuse(265, "there is no such account to bring certificates in for")
	ErrAdmitPeer     = Ops.Refuse(266, "a ledger that is trusted proves its exports, and this one is itself: nothing comes from either by evidence")
	ErrAdmitTwice    = Ops.Refuse(267, "some of the serials are here already")
	ErrAdmitExpired  = Ops.Refuse(268, "certificates of a run are expired here")
	ErrAdmitDevice   = Ops.Refuse(269, "a device of a run has the number of another one here, or a lot would be of more energy than any")
)

// Admitted is the receipt of Admit.
type Admitted struct {
	Admit   Admit           `cbor:"1,keyasint" json:"admit"`
	Devices []grid.DeviceID `cbor:"2,keyasint" json:"devices"` // Of each run, the number here.
}

// AdmittedReceipt is the kind of Admitted.
var AdmittedReceipt = op.DefineReceipt[Admitted](Ops, 260, "admitted", "Certificates of another registry that were brought in with evidence.")

// serial is one of an issuance of another registry, in whichever microgrid it is.
type serial struct {
	Registry, Issuance registryID
	First              uint64
}

// AppendKey orders by registry, issuance and serial.
func (e serial) AppendKey(b []byte) []byte {
	return binary.BigEndian.AppendUint64(e.Issuance.AppendKey(e.Registry.AppendKey(b)), e.First)
}

// ReadKey reads what AppendKey wrote.
func (serial) ReadKey(b []byte) serial {
	return serial{registryID{}.ReadKey(b), registryID{}.ReadKey(b[32:64]), binary.BigEndian.Uint64(b[64:])}
}

// serials are those of other registries that are here, a row for each run of them.
var serials = state.NewTable[serial, taken]("certificate.serial")

// taken is where a run of serials ends.
type taken struct {
	End uint64 `cbor:"1,keyasint"` // The first that is none of them.
}

// takeSerials notes the serials of a run. It reports false when some are here already:
// of runs that do not overlap, only the last one that begins before its end can have any.
func takeSerials(s state.Store, registry string, r *Run) bool {
	k := serial{idOf(registry), idOf(r.Issuance), r.First}
	end := r.First + r.Count
	if _, last, ok := serials.Last(s, serial{k.Registry, k.Issuance, 0}, serial{k.Registry, k.Issuance, end}); ok && last.End > r.First {
		return false
	}
	serials.Put(s, k, taken{end})
	return true
}

// AdmitKind brings certificates in by evidence.
var AdmitKind = op.Define(Ops, op.Spec[Admit]{
	Number: 260,
	Name:   "admit",
	Doc:    "Bring certificates of another registry in, with evidence.",
	Check: func(o *Admit) *op.Refusal {
		switch {
		case !isRegistry(o.Registry) || strings.ToLower(o.Registry) != o.Registry: // So that it is not two.
			return ErrAdmitRegistry
		case len(o.Runs) == 0 || len(o.Runs) > maxRuns:
			return ErrAdmitRuns
		}
		for n := range o.Runs {
			if !o.Runs[n].wellFormed() {
				return ErrAdmitRun
			}
		}
		if len(o.Evidence) != sha256.Size {
			return ErrAdmitEvidence
		}
		return nil
	},
	Apply: func(ctx *op.Context, s state.Store, o *Admit) *op.Refusal {
		m, ok := grid.At(s, o.Microgrid)
		switch {
		case !ok || !party.ActsFor(s, ctx.Signer, m.Operator):
			return ErrAdmitSigner
		case !party.Exists(s, o.Account):
			return ErrAdmitAccount
		case o.Registry == ctx.ChainID || !believedBy(s, o.Registry, true):
			return ErrAdmitPeer
		}
		done := Admitted{Admit: *o}
		for n := range o.Runs {
			r := &o.Runs[n]
			switch {
			case !takeSerials(s, o.Registry, r):
				return ErrAdmitTwice
			case tooOld(m, r.Start):
				return ErrAdmitExpired
			}
			d, ok := known(s, o.Microgrid, o.Registry, Provenance{Registry: o.Registry, Label: r.Device, Kind: r.Kind, Length: r.Length})
			if !ok || !arrive(s, LotID{o.Microgrid, r.Start, d.Device}, o.Account, r.Energy()) {
				return ErrAdmitDevice
			}
			done.Devices = append(done.Devices, d.Device)
		}
		op.Emit(ctx, AdmittedReceipt, o.Account, done)
		return nil
	},
})
