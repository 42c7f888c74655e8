package certificate

import (
	"crypto/sha256"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/proof"
	"github.com/commonwatt/commonwatt/state"
)

// Trust makes another ledger a peer of a microgrid, with which certificates are
// exchanged, as of one block: its operator vouches for the block's hash. What the peer
// proves later moves that forward; it is said again only when it is too old.
type Trust struct {
	Microgrid grid.MicrogridID `cbor:"1,keyasint" json:"microgrid"`
	Registry  string           `cbor:"2,keyasint" json:"registry"`                     // The peer's chain.
	Height    int64            `cbor:"3,keyasint" json:"height"`                       // Of the block.
	Hash      []byte           `cbor:"4,keyasint" json:"hash"`                         // Of its header.
	Period    int64            `cbor:"5,keyasint,omitempty" json:"period_s,omitempty"` // For how long a block is believed; 0: 365 days.
	Proof     []byte           `cbor:"6,keyasint" json:"proof"`                        // A bundle that holds the block.
}

// Refusals of Trust, in order of precedence.
var (
	ErrTrustRegistry = Ops.Refuse(200, "a registry's name is 1 to 50 letters, digits, -, . and _, and begins and ends with a letter or digit")
	ErrTrustHash     = Ops.Refuse(201, "a block is a height above 0 and the 32 bytes of its header's hash, believed for at most 365 days")
	ErrTrustProof    = Ops.Refuse(202, "a proof is a bundle of at most 65536 bytes")
	ErrTrustSigner   = Ops.Refuse(203, "only the microgrid's operator trusts another ledger")
	ErrTrustSelf     = Ops.Refuse(204, "a ledger is no peer of itself")
	ErrTrustEvidence = Ops.Refuse(205, "certificates of this registry came by evidence: they cannot come by proof, too")
	ErrTrustKnown    = Ops.Refuse(206, "the ledger is trusted, and its last block that is known is not too old: what it proves moves that forward")
	ErrTrustHolds    = Ops.Refuse(207, "the bundle does not verify with this block of that ledger, or the block is too old")
)

// Trusted is the receipt of Trust, for everybody to compare the hash.
type Trusted struct {
	Microgrid grid.MicrogridID `cbor:"1,keyasint" json:"microgrid"`
	Registry  string           `cbor:"2,keyasint" json:"registry"`
	Height    int64            `cbor:"3,keyasint" json:"height"`
	Hash      []byte           `cbor:"4,keyasint" json:"hash"`
	Period    int64            `cbor:"5,keyasint,omitempty" json:"period_s,omitempty"`
}

// TrustedReceipt is the kind of Trusted.
var TrustedReceipt = op.DefineReceipt[Trusted](Ops, 200, "trusted", "Another ledger with which certificates are exchanged.")

// TrustKind trusts another ledger.
var TrustKind = op.Define(Ops, op.Spec[Trust]{
	Number: 200,
	Name:   "trust",
	Doc:    "Exchange certificates with another ledger, whose block is vouched for.",
	Check: func(o *Trust) *op.Refusal {
		switch {
		case !isRegistry(o.Registry):
			return ErrTrustRegistry
		case o.Height <= 0 || len(o.Hash) != sha256.Size || o.Period < 0 || o.Period > proof.PeriodDefault:
			return ErrTrustHash
		}
		return checkProof(o.Proof, ErrTrustProof)
	},
	Apply: func(ctx *op.Context, s state.Store, o *Trust) *op.Refusal {
		m, ok := grid.At(s, o.Microgrid)
		switch {
		case !ok || !party.ActsFor(s, ctx.Signer, m.Operator):
			return ErrTrustSigner
		case o.Registry == ctx.ChainID:
			return ErrTrustSelf
		case !believedBy(s, o.Registry, false):
			return ErrTrustEvidence
		}
		if t, known := Peer(s, o.Microgrid, o.Registry); known && !stale(t, ctx.Time) {
			return ErrTrustKnown
		}
		trust := proof.Trust{Chain: o.Registry, Height: o.Height, Hash: [sha256.Size]byte(o.Hash), Period: o.Period}
		b, err := proof.Decode(o.Proof)
		if err != nil {
			return ErrTrustHolds
		}
		v, err := b.Verify(trust, ctx.Time)
		if err != nil {
			return ErrTrustHolds
		}
		believe(s, o.Microgrid, v.Trust)
		op.Emit(ctx, TrustedReceipt, op.Public, Trusted{o.Microgrid, o.Registry, o.Height, o.Hash, o.Period})
		return nil
	},
})
