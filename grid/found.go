package grid

import (
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Found founds a microgrid with its root zone; the signer is its operator.
type Found struct {
	Microgrid  MicrogridID     `cbor:"1,keyasint" json:"microgrid"`
	Root       ZoneID          `cbor:"2,keyasint" json:"root"`
	Currency   ledger.AssetID  `cbor:"3,keyasint" json:"currency"`
	Gateway    tx.AccountID    `cbor:"4,keyasint" json:"gateway"`
	Utility    tx.AccountID    `cbor:"5,keyasint" json:"utility"`
	Network    tx.AccountID    `cbor:"6,keyasint" json:"network"`
	Levy       tx.AccountID    `cbor:"7,keyasint" json:"levy"`
	Length     interval.Length `cbor:"8,keyasint" json:"length_s"`
	Start      interval.Time   `cbor:"9,keyasint" json:"start"`
	Grace      uint32          `cbor:"10,keyasint" json:"grace_s"`
	Correction uint32          `cbor:"11,keyasint" json:"correction_s"`
}

// MaxCorrection bounds the settled intervals that a microgrid keeps in state.
const MaxCorrection = 400 * 24 * 3600

// maxStart bounds the first interval, so that no end of an interval overflows.
const maxStart interval.Time = 1 << 40

// Refusals of Found, in order of precedence.
var (
	ErrFoundID         = Ops.Refuse(20, "the microgrid's number is missing")
	ErrFoundRoot       = Ops.Refuse(21, "the root zone's number is missing")
	ErrFoundLength     = Ops.Refuse(22, "an interval is 5, 15, 30 or 60 minutes long")
	ErrFoundStart      = Ops.Refuse(23, "the first interval starts at a multiple of its length, less than 2^40 seconds from 1970")
	ErrFoundCorrection = Ops.Refuse(24, "late readings correct for at most 400 days")
	ErrFoundDistinct   = Ops.Refuse(28, "utility, network and levy are three accounts, none of them a member's")
	ErrFoundTaken      = Ops.Refuse(25, "the microgrid's number is taken")
	ErrFoundCurrency   = Ops.Refuse(26, "there is no such currency")
	ErrFoundAccount    = Ops.Refuse(27, "the accounts of utility, network, levy and gateway have to exist")
)

// Founded is the receipt of Found.
type Founded struct {
	Operator tx.AccountID `cbor:"1,keyasint" json:"operator"`
	Found    Found        `cbor:"2,keyasint" json:"found"`
}

// FoundedReceipt is the kind of Founded.
var FoundedReceipt = op.DefineReceipt[Founded](Ops, 20, "founded", "A new microgrid.")

// FoundKind founds a microgrid.
var FoundKind = op.Define(Ops, op.Spec[Found]{
	Number: 20,
	Name:   "found",
	Doc:    "Found a microgrid with its root zone; the signer operates it.",
	Check: func(o *Found) *op.Refusal {
		switch {
		case o.Microgrid == 0:
			return ErrFoundID
		case o.Root == 0:
			return ErrFoundRoot
		case !o.Length.Valid():
			return ErrFoundLength
		case o.Start%interval.Time(o.Length) != 0 || o.Start < -maxStart || o.Start > maxStart:
			return ErrFoundStart
		case o.Correction > MaxCorrection || o.Grace > MaxCorrection:
			return ErrFoundCorrection
		case o.Utility == o.Network || o.Utility == o.Levy || o.Network == o.Levy:
			return ErrFoundDistinct
		}
		return nil
	},
	Apply: func(ctx *op.Context, s state.Store, o *Found) *op.Refusal {
		if microgrids.Has(s, o.Microgrid) {
			return ErrFoundTaken
		}
		if _, ok := ledger.AssetAt(s, o.Currency); !ok {
			return ErrFoundCurrency
		}
		for _, a := range []tx.AccountID{o.Utility, o.Network, o.Levy, o.Gateway} {
			if !party.Exists(s, a) {
				return ErrFoundAccount
			}
		}
		microgrids.Put(s, o.Microgrid, Microgrid{
			Operator: ctx.Signer, Gateway: o.Gateway, Currency: o.Currency,
			Utility: o.Utility, Network: o.Network, Levy: o.Levy,
			Length: o.Length, Start: o.Start, Grace: o.Grace, Correction: o.Correction, Open: o.Start,
		})
		zones.Put(s, Zone{o.Microgrid, o.Root}, ZoneRow{})
		op.Emit(ctx, FoundedReceipt, op.Public, Founded{ctx.Signer, *o})
		return nil
	},
})
