package device

import (
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/state"
)

// RevokeKey takes a device's key away: it was lost, or somebody else has it. The
// device says nothing until it has another.
type RevokeKey struct {
	Microgrid grid.MicrogridID `cbor:"1,keyasint" json:"microgrid"`
	Device    grid.DeviceID    `cbor:"2,keyasint" json:"device"`
}

// ErrNoKey refuses RevokeKey after ErrNoDevice and ErrNotOwner.
var ErrNoKey = Ops.Refuse(30, "the device has no key")

// KeyRevoked is the receipt of RevokeKey.
var KeyRevoked = op.DefineReceipt[RevokeKey](Ops, 30, "key_revoked", "A device's key counts no more.")

// RevokeKeyKind takes a device's key away.
var RevokeKeyKind = op.Define(Ops, op.Spec[RevokeKey]{
	Number: 30,
	Name:   "revoke_key",
	Doc:    "Take a device's key away.",
	Check:  func(*RevokeKey) *op.Refusal { return nil },
	Apply: func(ctx *op.Context, s state.Store, o *RevokeKey) *op.Refusal {
		d := grid.Device{Microgrid: o.Microgrid, Device: o.Device}
		account, no := owner(s, ctx.Signer, d)
		if no != nil {
			return no
		}
		r, _ := devices.Get(s, d)
		if len(r.Key) == 0 {
			return ErrNoKey
		}
		r.Key = nil
		devices.Put(s, d, r)
		op.Emit(ctx, KeyRevoked, account, *o)
		return nil
	},
})
