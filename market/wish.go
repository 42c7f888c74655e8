package market

import (
	"slices"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
)

// SetWish sets what a connection point wants from the market, from an interval on.
type SetWish struct {
	Microgrid grid.MicrogridID `cbor:"1,keyasint" json:"microgrid"`
	Point     grid.PointID     `cbor:"2,keyasint" json:"point"`
	From      interval.Time    `cbor:"3,keyasint" json:"from"`
	Wish      Wish             `cbor:"4,keyasint" json:"wish"`
}

// MaxLimit bounds a limit, so that no amount of an interval overflows.
const MaxLimit quantity.Price = 1 << 25

// MaxPartners bounds a wish.
const MaxPartners = 32

// Refusals of SetWish, in order of precedence.
var (
	ErrWishLimit   = Ops.Refuse(20, "a limit is above 2^25 units per Wh")
	ErrWishGreen   = Ops.Refuse(21, "a wish for green energy says what it pays at most")
	ErrPartners    = Ops.Refuse(22, "a wish names at most 32 partners, each once and not itself")
	ErrWishGrid    = Ops.Refuse(23, "there is no such microgrid")
	ErrWishPoint   = Ops.Refuse(24, "there is no such connection point")
	ErrWishSigner  = Ops.Refuse(25, "only the account of a connection point says what it wishes")
	ErrWishSettled = Ops.Refuse(26, "a wish begins at the first open interval or later, at the start of an interval")
)

// WishSet is the receipt of SetWish.
var WishSet = op.DefineReceipt[SetWish](Ops, 20, "wish-set", "What a connection point wants from the market.")

// SetWishKind sets what a connection point wants from the market.
var SetWishKind = op.Define(Ops, op.Spec[SetWish]{
	Number: 20,
	Name:   "set-wish",
	Doc:    "Set the limits and wishes of a connection point.",
	Check: func(o *SetWish) *op.Refusal {
		w := o.Wish
		switch {
		case outside(w.Buy) || outside(w.Sell):
			return ErrWishLimit
		case w.Green && w.Buy == nil:
			return ErrWishGreen
		case len(w.Partners) > MaxPartners:
			return ErrPartners
		}
		for i, p := range w.Partners {
			if p == o.Point || slices.Contains(w.Partners[:i], p) {
				return ErrPartners
			}
		}
		return nil
	},
	Apply: func(ctx *op.Context, s state.Store, o *SetWish) *op.Refusal {
		m, ok := grid.At(s, o.Microgrid)
		if !ok {
			return ErrWishGrid
		}
		k := grid.Point{Microgrid: o.Microgrid, Point: o.Point}
		p, ok := grid.PointAt(s, k)
		switch {
		case !ok:
			return ErrWishPoint
		case !party.ActsFor(s, ctx.Signer, p.Account):
			return ErrWishSigner
		case o.From < m.Open || o.From%interval.Time(m.Length) != 0:
			return ErrWishSettled
		}
		wishes.Put(s, k, o.From, o.Wish)
		op.Emit(ctx, WishSet, p.Account, *o)
		return nil
	},
})

func outside(limit *quantity.Price) bool {
	return limit != nil && (*limit > MaxLimit || *limit < -MaxLimit)
}

// WishAt returns what a connection point wants at a moment.
func WishAt(s state.Reader, id grid.MicrogridID, point grid.PointID, at interval.Time) Wish {
	w, _, _ := wishes.At(s, grid.Point{Microgrid: id, Point: point}, at)
	return w
}

// wishesAt returns the wishes of all points of a microgrid that have one at a
// moment: few do, so they are read in one pass.
func wishesAt(s state.Reader, id grid.MicrogridID, at interval.Time) map[grid.PointID]Wish {
	list := map[grid.PointID]Wish{}
	for k, w := range wishes.Under(s, id, at) {
		list[k.Point] = w
	}
	return list
}
