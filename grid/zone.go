package grid

import (
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/state"
)

// AddZone adds a zone below another one. Its line to the parent is free and
// without limits until SetLine says otherwise.
type AddZone struct {
	Microgrid MicrogridID `cbor:"1,keyasint" json:"microgrid"`
	Zone      ZoneID      `cbor:"2,keyasint" json:"zone"`
	Parent    ZoneID      `cbor:"3,keyasint" json:"parent"`
}

// MaxDepth bounds the zone tree: country, region, substation, transformer,
// feeder, and as many again.
const MaxDepth = 12

// Refusals of AddZone, in order of precedence.
var (
	ErrZoneID     = Ops.Refuse(40, "the zone's number is missing")
	ErrZoneTaken  = Ops.Refuse(41, "the zone's number is taken")
	ErrZoneParent = Ops.Refuse(42, "there is no such parent zone")
	ErrZoneDepth  = Ops.Refuse(43, "zones are at most 12 deep")
)

// ZoneAdded is the receipt of AddZone.
var ZoneAdded = op.DefineReceipt[AddZone](Ops, 40, "zone-added", "A new zone.")

// AddZoneKind adds a zone.
var AddZoneKind = op.Define(Ops, op.Spec[AddZone]{
	Number: 40,
	Name:   "add-zone",
	Doc:    "Add a zone to a microgrid's tree.",
	Check: func(o *AddZone) *op.Refusal {
		if o.Zone == 0 {
			return ErrZoneID
		}
		return nil
	},
	Apply: func(ctx *op.Context, s state.Store, o *AddZone) *op.Refusal {
		m, ok := microgrids.Get(s, o.Microgrid)
		if !ok {
			return ErrNoMicrogrid
		}
		if _, no := Change(s, ctx.Signer, o.Microgrid, m.Open); no != nil {
			return no
		}
		switch {
		case zones.Has(s, Zone{o.Microgrid, o.Zone}):
			return ErrZoneTaken
		case !zones.Has(s, Zone{o.Microgrid, o.Parent}):
			return ErrZoneParent
		case depth(s, o.Microgrid, o.Parent) >= MaxDepth:
			return ErrZoneDepth
		}
		zones.Put(s, Zone{o.Microgrid, o.Zone}, ZoneRow{Parent: o.Parent})
		op.Emit(ctx, ZoneAdded, op.Public, *o)
		return nil
	},
})

// depth is how many lines lie between a zone and the root.
func depth(s state.Reader, m MicrogridID, z ZoneID) uint32 {
	var n uint32
	for row, _ := zones.Get(s, Zone{m, z}); row.Parent != 0; row, _ = zones.Get(s, Zone{m, row.Parent}) {
		n++
	}
	return n
}
