// Package auction clears the orders of a neighbourhood on its tree of zones: it
// finds which of them trade, over which lines, and at which prices.
//
// The rule is a uniform-price call auction. The trades have the highest welfare
// that limits, charges, line limits and green requirements allow, and among
// those the largest volume; ties at the margin are shared pro rata. Every price
// of a zone fits the trades, and the rule takes the middle of those that do.
// Members trade among themselves first, and what is left trades with the
// utility.
//
// Its promise: a result is a function of the book alone, whatever the order in
// which its orders arrived; energy and money sum to zero, to the unit; no order
// trades beyond its limit; and anyone can check in one pass over the orders that
// no trades are worth more (Check).
package auction

import "github.com/commonwatt/commonwatt/quantity"

// Clear clears a valid book and panics on any other.
func Clear(b *Book) *Result {
	stages := optimal(b)
	r := newResult(stages)
	pay(r, stages)
	return r
}

// pay writes what the trades of the stages pay in the book's mode.
func pay(r *Result, stages []*stage) {
	switch mode := stages[0].book.Mode; mode {
	case Uniform:
		payUniform(r, stages)
	case PayAsBid:
		payAsBid(r, stages)
	case MidMarket:
		payMidMarket(r, stages)
	default:
		panic("auction: a mode that is not there")
	}
}

// optimal runs the stages of a book: the trades, without what they pay.
func optimal(b *Book) []*stage {
	t := newTree(b.Zones)
	r := rank(b)
	places := lots(b.Seed, len(b.Zones), func(z int) string { return b.Zones[z].ID })
	stages := newStages(b, t)
	var levels []level
	for i, s := range stages {
		levels = s.clear(&r, places, levels)
		if i+1 < len(stages) {
			s.leave(stages[i+1])
		}
	}
	return stages
}

// money is the amount of an energy at a price. It cannot overflow within the
// bounds of a valid book.
func money(e quantity.Energy, p quantity.Price) quantity.Money { return quantity.MustTimes(e, p) }
