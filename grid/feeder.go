package grid

import (
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/state"
)

// SetFeeder says which meter measures what flows into a zone from above: what it
// takes is import, what flows back is export. It takes the place of the zone's
// feeder meter before it, if there is one.
type SetFeeder struct {
	Microgrid MicrogridID   `cbor:"1,keyasint" json:"microgrid"`
	Zone      ZoneID        `cbor:"2,keyasint" json:"zone"`
	Device    DeviceID      `cbor:"3,keyasint" json:"device"` // 0: none from now on.
	From      interval.Time `cbor:"4,keyasint" json:"from"`
}

// Refusals of SetFeeder, in order of precedence; those of Change come before.
var (
	ErrFeederZone  = Ops.Refuse(140, "there is no such zone to put a feeder meter at")
	ErrFeederTaken = Ops.Refuse(141, "the feeder meter's number is taken")
	ErrFeederNone  = Ops.Refuse(142, "the zone has no feeder meter")
)

// FeederSet is the receipt of SetFeeder.
var FeederSet = op.DefineReceipt[SetFeeder](Ops, 140, "feeder-set", "The meter of what flows into a zone.")

// SetFeederKind says which meter measures what flows into a zone.
var SetFeederKind = op.Define(Ops, op.Spec[SetFeeder]{
	Number: 140,
	Name:   "set-feeder",
	Doc:    "Say which meter measures what flows into a zone, against which its homes' meters are checked.",
	Check:  func(*SetFeeder) *op.Refusal { return nil },
	Apply: func(ctx *op.Context, s state.Store, o *SetFeeder) *op.Refusal {
		m, no := Change(s, ctx.Signer, o.Microgrid, o.From)
		if no != nil {
			return no
		}
		was, is := feederAt(s, Zone{o.Microgrid, o.Zone})
		switch {
		case !zones.Has(s, Zone{o.Microgrid, o.Zone}):
			return ErrFeederZone
		case o.Device != 0 && devices.Has(s, Device{o.Microgrid, o.Device}):
			return ErrFeederTaken
		case o.Device == 0 && !is:
			return ErrFeederNone
		}
		if is {
			k := Device{o.Microgrid, was}
			d, _ := devices.Get(s, k)
			d.Until = max(o.From, d.From)
			devices.Put(s, k, d)
		}
		if o.Device != 0 {
			devices.Put(s, Device{o.Microgrid, o.Device}, DeviceRow{Kind: Feeder, From: o.From, Number: m.Devices, Zone: o.Zone})
			m.Devices++
			microgrids.Put(s, o.Microgrid, m)
		}
		op.Emit(ctx, FeederSet, m.Operator, *o)
		return nil
	},
})

// feederAt returns a zone's feeder meter that has no end, and whether there is one.
func feederAt(s state.Reader, z Zone) (DeviceID, bool) {
	for k, d := range devices.Under(s, z.Microgrid) {
		if d.Kind == Feeder && d.Zone == z.Zone && d.Until == 0 {
			return k.Device, true
		}
	}
	return 0, false
}
