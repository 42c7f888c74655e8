package tariff

import (
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/state"
)

// Set sets a microgrid's tariff as steps in time: a time-of-use tariff is the
// steps it makes.
type Set struct {
	Microgrid grid.MicrogridID `cbor:"1,keyasint" json:"microgrid"`
	Steps     []Step           `cbor:"2,keyasint" json:"steps"`
}

// Refusals of Set, in order of precedence.
var (
	ErrNoSteps = Ops.Refuse(1, "a tariff has one step at least and 4096 at most per operation")
	ErrOrder   = Ops.Refuse(2, "the steps are not in order of time")
	ErrPrice   = Ops.Refuse(3, "a price is above 2^24 units per Wh, or the levy is below zero")
	ErrFeedIn  = Ops.Refuse(4, "the feed-in price is above the retail price")
)

// SetReceipt is the receipt of Set.
var SetReceipt = op.DefineReceipt[Set](Ops, 1, "set", "A tariff's steps.")

// SetKind sets a microgrid's tariff.
var SetKind = op.Define(Ops, op.Spec[Set]{
	Number: 1,
	Name:   "set",
	Doc:    "Set the supplier's prices and levies from given moments on.",
	Check: func(o *Set) *op.Refusal {
		if len(o.Steps) == 0 || len(o.Steps) > MaxSteps {
			return ErrNoSteps
		}
		for i, step := range o.Steps {
			p := step.Prices
			switch {
			case i > 0 && step.From <= o.Steps[i-1].From:
				return ErrOrder
			case p.Retail > MaxPrice || p.FeedIn < -MaxPrice || p.Levy < 0 || p.Levy > MaxPrice:
				return ErrPrice
			case p.FeedIn > p.Retail:
				return ErrFeedIn
			}
		}
		return nil
	},
	Apply: func(ctx *op.Context, s state.Store, o *Set) *op.Refusal {
		for _, step := range o.Steps {
			if _, no := grid.Change(s, ctx.Signer, o.Microgrid, step.From); no != nil {
				return no
			}
			prices.Put(s, o.Microgrid, step.From, step.Prices)
		}
		op.Emit(ctx, SetReceipt, op.Public, *o)
		return nil
	},
})
