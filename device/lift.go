package device

import (
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/state"
)

// Lift ends a device's quarantine: its messages count again, from the next one
// on. What the registers counted meanwhile is spread like over any gap.
type Lift struct {
	Microgrid grid.MicrogridID `cbor:"1,keyasint" json:"microgrid"`
	Device    grid.DeviceID    `cbor:"2,keyasint" json:"device"`
}

// Refusals of Lift, in order of precedence.
var (
	ErrLiftDevice = Ops.Refuse(40, "there is no such device to end the quarantine of")
	ErrLiftSigner = Ops.Refuse(41, "only the microgrid's operator, the device's owner or who acts for one of them may end a quarantine")
	ErrLiftNone   = Ops.Refuse(42, "the device is not in quarantine")
)

// Lifted is the receipt of Lift.
var Lifted = op.DefineReceipt[Lift](Ops, 40, "lifted", "A device's quarantine ended.")

// LiftKind ends a device's quarantine.
var LiftKind = op.Define(Ops, op.Spec[Lift]{
	Number: 40,
	Name:   "lift",
	Doc:    "End a device's quarantine.",
	Check:  func(*Lift) *op.Refusal { return nil },
	Apply: func(ctx *op.Context, s state.Store, o *Lift) *op.Refusal {
		d := grid.Device{Microgrid: o.Microgrid, Device: o.Device}
		r, ok := devices.Get(s, d)
		m, _ := grid.At(s, o.Microgrid)
		switch {
		case !ok:
			return ErrLiftDevice
		case !party.ActsFor(s, ctx.Signer, r.Account) && !party.ActsFor(s, ctx.Signer, m.Operator):
			return ErrLiftSigner
		case !r.Quarantined:
			return ErrLiftNone
		}
		r.Quarantined = false
		devices.Put(s, d, r)
		op.Emit(ctx, Lifted, r.Account, *o)
		return nil
	},
})
