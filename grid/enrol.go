package grid

import (
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/state"
)

// Enrol puts a device behind a connection point: its meter, or something that
// produces, stores or uses energy there.
type Enrol struct {
	Microgrid MicrogridID   `cbor:"1,keyasint" json:"microgrid"`
	Device    DeviceID      `cbor:"2,keyasint" json:"device"`
	Point     PointID       `cbor:"3,keyasint" json:"point"`
	Kind      Kind          `cbor:"4,keyasint" json:"kind"`
	CapacityW uint64        `cbor:"5,keyasint" json:"capacity_w"`
	From      interval.Time `cbor:"6,keyasint" json:"from"`
}

// Refusals of Enrol, in order of precedence.
var (
	ErrDeviceID       = Ops.Refuse(100, "the device's number is missing")
	ErrDeviceKind     = Ops.Refuse(101, "there is no such kind of device")
	ErrDeviceCapacity = Ops.Refuse(102, "a device's capacity is at most 10 GW")
	ErrDeviceTaken    = Ops.Refuse(103, "the device's number is taken")
	ErrDevicePoint    = Ops.Refuse(104, "the connection point is not there when the device begins")
)

// Enrolled is the receipt of Enrol.
var Enrolled = op.DefineReceipt[Enrol](Ops, 100, "enrolled", "A new device behind a connection point.")

// EnrolKind puts a device behind a connection point.
var EnrolKind = op.Define(Ops, op.Spec[Enrol]{
	Number: 100,
	Name:   "enrol",
	Doc:    "Put a device behind a connection point.",
	Check: func(o *Enrol) *op.Refusal {
		switch {
		case o.Device == 0:
			return ErrDeviceID
		case o.Kind < Meter || o.Kind > Generator:
			return ErrDeviceKind
		case o.CapacityW > MaxCapacityW:
			return ErrDeviceCapacity
		}
		return nil
	},
	Apply: func(ctx *op.Context, s state.Store, o *Enrol) *op.Refusal {
		m, no := Change(s, ctx.Signer, o.Microgrid, o.From)
		if no != nil {
			return no
		}
		p, ok := points.Get(s, Point{o.Microgrid, o.Point})
		switch {
		case devices.Has(s, Device{o.Microgrid, o.Device}):
			return ErrDeviceTaken
		case !ok || !Holds(p.From, p.Until, m.Length.Containing(o.From)):
			return ErrDevicePoint
		}
		// A point that is to end takes its devices along.
		devices.Put(s, Device{o.Microgrid, o.Device}, DeviceRow{o.Point, o.Kind, o.CapacityW, o.From, p.Until, m.Devices, 0})
		m.Devices++
		microgrids.Put(s, o.Microgrid, m)
		op.Emit(ctx, Enrolled, p.Account, *o)
		return nil
	},
})
