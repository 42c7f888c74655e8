package grid

import (
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/state"
)

// Disconnect ends a connection point and the devices behind it: somebody moves
// out, or a meter is replaced.
type Disconnect struct {
	Microgrid MicrogridID   `cbor:"1,keyasint" json:"microgrid"`
	Point     PointID       `cbor:"2,keyasint" json:"point"`
	Until     interval.Time `cbor:"3,keyasint" json:"until"`
}

// Refusals of Disconnect, in order of precedence.
var (
	ErrNoPoint    = Ops.Refuse(120, "there is no such connection point")
	ErrPointEnded = Ops.Refuse(121, "the connection point has ended")
	ErrPointEarly = Ops.Refuse(122, "a connection point ends after it begins")
)

// Disconnected is the receipt of Disconnect.
var Disconnected = op.DefineReceipt[Disconnect](Ops, 120, "disconnected", "A connection point that ends.")

// DisconnectKind ends a connection point.
var DisconnectKind = op.Define(Ops, op.Spec[Disconnect]{
	Number: 120,
	Name:   "disconnect",
	Doc:    "End a connection point and the devices behind it.",
	Check:  func(*Disconnect) *op.Refusal { return nil },
	Apply: func(ctx *op.Context, s state.Store, o *Disconnect) *op.Refusal {
		if _, no := Change(s, ctx.Signer, o.Microgrid, o.Until); no != nil {
			return no
		}
		k := Point{o.Microgrid, o.Point}
		p, ok := points.Get(s, k)
		switch {
		case !ok:
			return ErrNoPoint
		case p.Until != 0:
			return ErrPointEnded
		case o.Until <= p.From:
			return ErrPointEarly
		}
		p.Until = o.Until
		points.Put(s, k, p)
		for dk, d := range devices.Under(s, o.Microgrid) {
			if d.Point == o.Point && d.Until == 0 {
				d.Until = max(o.Until, d.From)
				devices.Put(s, dk, d)
			}
		}
		op.Emit(ctx, Disconnected, p.Account, *o)
		return nil
	},
})
