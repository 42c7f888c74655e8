package certificate

import (
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Choose says what becomes of the certificates of a connection point, from an
// interval on. Who chose nothing claims what it uses.
type Choose struct {
	Microgrid grid.MicrogridID `cbor:"1,keyasint" json:"microgrid"`
	Point     grid.PointID     `cbor:"2,keyasint" json:"point"`
	From      interval.Time    `cbor:"3,keyasint" json:"from"`
	Choice    Choice           `cbor:"4,keyasint" json:"choice"`
}

// Choice is what a connection point chose.
type Choice struct {
	// Keep keeps the certificates of the energy that the point uses, to be passed on
	// or cancelled later. Otherwise they are claimed as it is used.
	Keep bool `cbor:"1,keyasint,omitempty" json:"keep,omitempty"`
	// Own has the microgrid's operator and its supplier not match certificates with the
	// point's use; otherwise they may, besides its account.
	Own bool `cbor:"2,keyasint,omitempty" json:"own,omitempty"`
	// By is another account that may match certificates with its use, such as that of
	// the retailer that supplies it; 0: none.
	By tx.AccountID `cbor:"3,keyasint,omitempty" json:"by,omitempty"`
}

var choices = state.NewHistory[grid.Point, Choice]("certificate.choice")

// Refusals of Choose, in order of precedence.
var (
	ErrChooseGrid    = Ops.Refuse(10, "there is no such microgrid")
	ErrChoosePoint   = Ops.Refuse(11, "there is no such connection point")
	ErrChooseSigner  = Ops.Refuse(12, "only the account of a connection point says what becomes of its certificates")
	ErrChooseSettled = Ops.Refuse(13, "a choice begins at the first open interval or later, at the start of an interval")
)

// Chosen is the receipt of Choose.
var Chosen = op.DefineReceipt[Choose](Ops, 10, "chosen", "What becomes of a connection point's certificates.")

// ChooseKind sets what becomes of a connection point's certificates.
var ChooseKind = op.Define(Ops, op.Spec[Choose]{
	Number: 10,
	Name:   "choose",
	Doc:    "Say whether a connection point claims the certificates of what it uses, and who matches its use.",
	Check:  func(*Choose) *op.Refusal { return nil },
	Apply: func(ctx *op.Context, s state.Store, o *Choose) *op.Refusal {
		m, ok := grid.At(s, o.Microgrid)
		if !ok {
			return ErrChooseGrid
		}
		k := grid.Point{Microgrid: o.Microgrid, Point: o.Point}
		p, ok := grid.PointAt(s, k)
		switch {
		case !ok:
			return ErrChoosePoint
		case !party.ActsFor(s, ctx.Signer, p.Account):
			return ErrChooseSigner
		case o.From < m.Open || o.From%interval.Time(m.Length) != 0:
			return ErrChooseSettled
		}
		choices.Put(s, k, o.From, o.Choice)
		op.Emit(ctx, Chosen, p.Account, *o)
		return nil
	},
})

// ChoiceAt returns what a connection point chose that holds at a moment.
func ChoiceAt(s state.Reader, id grid.MicrogridID, point grid.PointID, at interval.Time) Choice {
	c, _, _ := choices.At(s, grid.Point{Microgrid: id, Point: point}, at)
	return c
}

// choicesAt returns what the points of a microgrid chose that chose anything.
func choicesAt(s state.Reader, id grid.MicrogridID, at interval.Time) map[grid.PointID]Choice {
	list := map[grid.PointID]Choice{}
	for k, c := range choices.Under(s, id, at) {
		list[k.Point] = c
	}
	return list
}
