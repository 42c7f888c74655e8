package auction

import "github.com/commonwatt/commonwatt/quantity"

// terms say what an order's limit counts in a stage.
type terms uint8

const (
	// asStated counts limits as they are.
	asStated terms = iota
	// capped counts an any bid at most at what the energy costs from the
	// utility, and an offer at least at what the utility pays for it, so that no
	// trade is worse for anyone than the utility. The utility has no green, so a
	// green bid keeps its limit.
	capped
	// atMidMarket counts every order that accepts it at the mid-market rate.
	atMidMarket
	// atUtility counts every order that accepts it at the utility's price.
	atUtility
)

// wanted is the energy that an order has left for a stage.
func (s *stage) wanted(order uint32) quantity.Energy {
	o := &s.book.Orders[order]
	if s.terms >= atMidMarket && s.declines(o) {
		return 0
	}
	if s.prior != nil {
		return o.Energy - s.prior.filled[order]
	}
	return o.Energy
}

// counted is what a limit counts in a stage.
func (s *stage) counted(zone int32, class Class, side Side, limit quantity.Price) quantity.Price {
	switch s.terms {
	case asStated:
		return limit
	case atMidMarket, atUtility:
		return s.rate(zone, side)
	case capped:
		if side == Sell {
			return max(limit, s.book.Utility.FeedIn-s.tree.path[zone])
		}
		if class == Any {
			return min(limit, s.book.Utility.Retail+s.tree.path[zone])
		}
		return limit
	default:
		panic("auction: terms that are not there")
	}
}

// rate is what energy of a zone costs at most and fetches at least where one
// rate at the root holds for all.
func (s *stage) rate(zone int32, side Side) quantity.Price {
	u := s.book.Utility
	buy, sell := u.Retail, u.FeedIn
	if s.terms == atMidMarket {
		buy = (u.Retail + u.FeedIn) >> 1
		sell = buy
	}
	if side == Buy {
		return buy + s.tree.path[zone]
	}
	return sell - s.tree.path[zone]
}

// declines says whether an order's limit is worse for others than the rate.
func (s *stage) declines(o *Order) bool {
	rate := s.rate(int32(o.Zone), o.Side) //nolint:gosec // a book has fewer than 2^29 zones
	if o.Side == Buy {
		return o.Limit < rate
	}
	return o.Limit > rate
}
