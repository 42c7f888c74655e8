package grid

import (
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Connect adds a connection point to a zone, with the account that settles for
// it.
type Connect struct {
	Microgrid MicrogridID   `cbor:"1,keyasint" json:"microgrid"`
	Point     PointID       `cbor:"2,keyasint" json:"point"`
	Zone      ZoneID        `cbor:"3,keyasint" json:"zone"`
	Account   tx.AccountID  `cbor:"4,keyasint" json:"account"`
	CapacityW uint64        `cbor:"5,keyasint" json:"capacity_w"`
	From      interval.Time `cbor:"6,keyasint" json:"from"`
}

// MaxCapacityW bounds a capacity: 10 GW.
const MaxCapacityW = 10_000_000_000

// Refusals of Connect, in order of precedence.
var (
	ErrPointID       = Ops.Refuse(80, "the connection point's number is missing")
	ErrPointCapacity = Ops.Refuse(81, "a capacity is at most 10 GW")
	ErrPointTaken    = Ops.Refuse(82, "the connection point's number is taken")
	ErrPointZone     = Ops.Refuse(83, "there is no such zone to connect to")
	ErrPointAccount  = Ops.Refuse(84, "there is no such account to connect")
	ErrPointReserved = Ops.Refuse(85, "utility, network and levy are not members")
)

// Connected is the receipt of Connect.
var Connected = op.DefineReceipt[Connect](Ops, 80, "connected", "A new connection point.")

// ConnectKind adds a connection point.
var ConnectKind = op.Define(Ops, op.Spec[Connect]{
	Number: 80,
	Name:   "connect",
	Doc:    "Add a connection point to a zone.",
	Check: func(o *Connect) *op.Refusal {
		switch {
		case o.Point == 0:
			return ErrPointID
		case o.CapacityW > MaxCapacityW:
			return ErrPointCapacity
		}
		return nil
	},
	Apply: func(ctx *op.Context, s state.Store, o *Connect) *op.Refusal {
		m, no := Change(s, ctx.Signer, o.Microgrid, o.From)
		if no != nil {
			return no
		}
		switch {
		case points.Has(s, Point{o.Microgrid, o.Point}):
			return ErrPointTaken
		case !zones.Has(s, Zone{o.Microgrid, o.Zone}):
			return ErrPointZone
		case !party.Exists(s, o.Account):
			return ErrPointAccount
		case o.Account == m.Utility || o.Account == m.Network || o.Account == m.Levy:
			return ErrPointReserved
		}
		points.Put(s, Point{o.Microgrid, o.Point}, Connection{o.Zone, o.Account, o.CapacityW, o.From, 0})
		op.Emit(ctx, Connected, o.Account, *o)
		return nil
	},
})
