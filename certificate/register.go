package certificate

import (
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/state"
)

// Register has certificates issued for a device's production, from an interval on
// or until one: the microgrid's operator vouches that it is what it says.
type Register struct {
	Microgrid grid.MicrogridID `cbor:"1,keyasint" json:"microgrid"`
	Device    grid.DeviceID    `cbor:"2,keyasint" json:"device"`
	From      interval.Time    `cbor:"3,keyasint" json:"from"`
	Ends      bool             `cbor:"4,keyasint,omitempty" json:"ends,omitempty"` // No more are issued from then on.
}

// registration is what holds of a device from a moment on.
type registration struct {
	Ends bool `cbor:"1,keyasint,omitempty"`
}

var registrations = state.NewHistory[grid.Device, registration]("certificate.registration")

// Refusals of Register, in order of precedence; those of grid.Change come first.
var (
	ErrRegisterDevice = Ops.Refuse(1, "there is no such device in the microgrid")
	ErrRegisterKind   = Ops.Refuse(2, "certificates are issued for solar, wind and hydro devices")
	ErrRegisterTaken  = Ops.Refuse(280, "the device has the number of one whose certificates came from another registry")
)

// Registered is the receipt of Register.
var Registered = op.DefineReceipt[Register](Ops, 1, "registered", "Certificates are issued for a device, or no more.")

// RegisterKind registers a device.
var RegisterKind = op.Define(Ops, op.Spec[Register]{
	Number: 1,
	Name:   "register",
	Doc:    "Have certificates issued for what a device produces.",
	Check:  func(*Register) *op.Refusal { return nil },
	Apply: func(ctx *op.Context, s state.Store, o *Register) *op.Refusal {
		if _, no := grid.Change(s, ctx.Signer, o.Microgrid, o.From); no != nil {
			return no
		}
		k := grid.Device{Microgrid: o.Microgrid, Device: o.Device}
		d, ok := grid.DeviceAt(s, k)
		switch {
		case !ok:
			return ErrRegisterDevice
		case !d.Kind.Renewable():
			return ErrRegisterKind
		case isForeign(s, k):
			return ErrRegisterTaken
		}
		registrations.Put(s, k, o.From, registration{o.Ends})
		op.Emit(ctx, Registered, op.Public, *o)
		return nil
	},
})

// IsRegistered reports whether certificates are issued for a device at a moment.
func IsRegistered(s state.Reader, d grid.Device, at interval.Time) bool {
	r, _, ok := registrations.At(s, d, at)
	return ok && !r.Ends
}

// registeredAt returns the devices of a microgrid that certificates are issued for
// in an interval, and whether any ever was.
func registeredAt(s state.Reader, id grid.MicrogridID, at interval.Time) (devices map[grid.DeviceID]bool, any bool) {
	devices = map[grid.DeviceID]bool{}
	for k, r := range registrations.Under(s, id, at) {
		any = true
		if !r.Ends {
			devices[k.Device] = true
		}
	}
	return devices, any
}
