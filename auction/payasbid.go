package auction

import (
	"cmp"
	"slices"

	"github.com/commonwatt/commonwatt/quantity"
)

// payAsBid makes the optimal trades and pairs high bids with low offers. A buyer
// pays its limit, as its stage counts it; the seller gets that less what lies
// between their zones' clearing prices, which is the charges and the congestion
// on the way, and so never less than its limit. With the utility an order trades
// at the utility's price, charges and congestion on its own side. A fill's price
// is its amount per Wh, floored, since a seller's buyers differ.
func payAsBid(r *Result, stages []*stage) {
	amounts := make([][]quantity.Money, len(stages))
	for n, s := range stages {
		amounts[n] = make([]quantity.Money, len(s.book.Orders))
		for _, t := range s.pairs() {
			if t.Buyer != UtilityParty {
				amounts[n][t.Buyer] = quantity.MustAdd(amounts[n][t.Buyer], money(t.Energy, t.BuyerPrice))
			}
			if t.Seller != UtilityParty {
				amounts[n][t.Seller] = quantity.MustAdd(amounts[n][t.Seller], money(t.Energy, t.SellerPrice))
			}
		}
	}
	r.settle(stages, func(stage int, f Fill) Fill {
		f.Amount = amounts[stage][f.Order]
		f.Price = floorPrice(f.Amount, f.Energy)
		return f
	})
}

// floorPrice is the amount per Wh, rounded down.
func floorPrice(m quantity.Money, e quantity.Energy) quantity.Price {
	p := int64(m) / int64(e)
	if p*int64(e) > int64(m) {
		p--
	}
	return quantity.Price(p)
}

// bidder is an order with a fill, or the utility, in the pairing of a stage.
type bidder struct {
	order    int32
	class    Class
	limit    quantity.Price // As counted.
	clearing quantity.Price // The clearing price of its zone and class.
	left     quantity.Energy
	place    uint64
}

// pairs are the trades of a stage: green bids with green offers, then any bids
// with what offers are left, each best first, the utility last.
func (s *stage) pairs() []Trade {
	offers, bids := s.bidders()
	trades := s.pair(nil, green(offers), green(bids))
	return s.pair(trades, offers, bids)
}

func green(all []*bidder) []*bidder {
	return slices.DeleteFunc(slices.Clone(all), func(b *bidder) bool { return b.class != Green })
}

// bidders are a stage's orders with a fill, best first: by what their limit is
// worth beyond their zone's clearing price, ties by lot.
func (s *stage) bidders() (offers, bids []*bidder) {
	prices, premium := newAdmissible(s, ClearingRule).support()
	orders, places := s.drawn()
	for i, order := range orders {
		o := &s.book.Orders[order]
		b := &bidder{
			order:    int32(order), //nolint:gosec // fewer than 2^31 orders
			class:    o.Class,
			limit:    s.counted(int32(o.Zone), o.Class, o.Side, o.Limit), //nolint:gosec // a book has fewer than 2^29 zones
			clearing: prices[o.Zone],
			left:     s.filled[order],
			place:    places[i],
		}
		if o.Class == Green {
			b.clearing += premium
		}
		if o.Side == Sell {
			offers = append(offers, b)
		} else {
			bids = append(bids, b)
		}
	}
	slices.SortFunc(offers, func(a, b *bidder) int {
		return cmp.Or(cmp.Compare(a.limit-a.clearing, b.limit-b.clearing), cmp.Compare(a.place, b.place))
	})
	slices.SortFunc(bids, func(a, b *bidder) int {
		return cmp.Or(cmp.Compare(b.limit-b.clearing, a.limit-a.clearing), cmp.Compare(a.place, b.place))
	})
	if traded := s.flow[s.tree.root]; traded > 0 {
		bids = append(bids, &bidder{order: UtilityParty, limit: s.utility.FeedIn, clearing: s.utility.FeedIn, left: traded})
	} else if traded < 0 {
		offers = append(offers, &bidder{order: UtilityParty, limit: s.utility.Retail, clearing: s.utility.Retail, left: -traded})
	}
	return offers, bids
}

// pair trades offers with bids in turn until either side is used up.
func (s *stage) pair(trades []Trade, offers, bids []*bidder) []Trade {
	for len(offers) > 0 && len(bids) > 0 {
		offer, bid := offers[0], bids[0]
		energy := min(offer.left, bid.left)
		offer.left, bid.left = offer.left-energy, bid.left-energy
		if energy > 0 {
			t := Trade{Seller: offer.order, Buyer: bid.order, Energy: energy, Class: bid.class, Stage: s.kind}
			t.BuyerPrice = bid.limit
			if offer.order == UtilityParty {
				t.BuyerPrice = bid.clearing
			}
			t.SellerPrice = t.BuyerPrice - (bid.clearing - offer.clearing)
			trades = append(trades, t)
		}
		if offer.left == 0 {
			offers = offers[1:]
		}
		if bid.left == 0 {
			bids = bids[1:]
		}
	}
	return trades
}
