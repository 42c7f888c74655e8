package auction_test

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/commonwatt/commonwatt/auction"
	"github.com/commonwatt/commonwatt/quantity"
)

// Books of the vectors that are not orders in one zone or two.

// refusedTotal expects the book to be refused for its energy.
func refusedTotal(t *testing.T, v *peerVector) {
	err := bookOf(v, auction.SplitRule).Validate()
	if refusal, ok := errors.AsType[*auction.FieldError](err); !ok || refusal.Path != "orders[0].energy_wh" {
		t.Errorf("refused with %v", err)
	}
}

// feePath spreads the constant fees of four markets over the four lines between
// two houses, 0.01 each.
func feePath(t *testing.T, v *peerVector) {
	const each = unit / 100
	b := bookOf(v, auction.SplitRule)
	b.Zones = []auction.Zone{
		line("Grid", auction.NoParent, 0),
		line("Neighbourhood 1", 0, each), line("Neighbourhood 2", 0, each),
		line("House 1", 1, each), line("House 2", 2, each),
	}
	b.Orders[0].Zone, b.Orders[1].Zone = 3, 4
	r := audited(t, b)
	if gap := r.Fills[0].Price - r.Fills[1].Price; gap != 4*each {
		t.Errorf("the buyer pays %d more than the seller gets instead of %d", gap, 4*each)
	}
	if r.NetworkRevenue != 4*each*wh {
		t.Errorf("the network gets %d instead of %d", r.NetworkRevenue, 4*each*wh)
	}
	b.Mode = auction.PayAsBid
	r = auction.Clear(b)
	buyer, seller := scaled(v.Expected.BuyerPays, unit), scaled(v.Expected.SellerRevenue, unit)
	if int64(r.Fills[0].Price) != buyer || int64(r.Fills[1].Price) != seller {
		t.Errorf("paid as bid %d and %d instead of %d and %d", r.Fills[0].Price, r.Fills[1].Price, buyer, seller)
	}
}

// sellersApart puts the asks a charge of 1 away, for a fee that every trade
// pays, and expects the peer's energies and, where it has one, its price.
func sellersApart(t *testing.T, v *peerVector) {
	b := bookOf(v, auction.ClearingRule)
	for i := range b.Orders {
		if b.Orders[i].Side == auction.Sell {
			b.Orders[i].Zone = 1
		}
	}
	r := audited(t, b)
	var got []int64
	for _, f := range r.Fills {
		if b.Orders[f.Order].Side == auction.Buy {
			got = append(got, int64(f.Energy))
		}
	}
	want := []int64{1, 2, 7}
	if v.Expected.MatchEnergies != nil {
		want = nil
		for _, e := range v.Expected.MatchEnergies {
			want = append(want, scaled(e, wh))
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("bids buy %v instead of %v", got, want)
	}
	if want := scaled(v.Expected.ClearingPrice, unit); want != 0 && int64(r.Prices[0].Price) != want {
		t.Errorf("price %d instead of %d", r.Prices[0].Price, want)
	}
}

// marketMaker makes of the peer's endless buyer and seller at 5 the utility, a
// charge of 1 away.
func marketMaker(t *testing.T, v *peerVector) {
	peer := *v
	peer.Bids, peer.Offers = v.Bids[1:], v.Offers[1:]
	b := bookOf(&peer, auction.SplitRule)
	b.Utility = &auction.Utility{Retail: 5 * unit, FeedIn: 5 * unit}
	b.MembersFirst = true
	for i := range b.Orders {
		b.Orders[i].Zone = 1
	}
	r := audited(t, b)
	if got := bought(b, r); fmt.Sprint(got) != "map[b1:50]" {
		t.Errorf("bought %v", got)
	}
	for _, p := range r.Prices {
		if p.Stage == auction.WithUtility && int64(p.Price) != scaled(v.Expected.ClearingPrice, unit) {
			t.Errorf("the utility's energy costs %d", p.Price)
		}
	}
	if r.UtilitySold != 20 {
		t.Errorf("the utility sells %d", r.UtilitySold)
	}
}

// netting makes offers of surplus and bids of need, at any price.
func netting(t *testing.T, v *peerVector) {
	b := &auction.Book{Zones: []auction.Zone{line("0", auction.NoParent, 0)}, Owners: []string{"one"}}
	for i, delta := range v.Given.MeterDelta {
		o := auction.Order{ID: fmt.Sprint(i), Side: auction.Sell, Energy: quantity.Energy(delta)}
		if delta < 0 {
			o.Side, o.Energy, o.Limit = auction.Buy, quantity.Energy(-delta), 1
		}
		b.Orders = append(b.Orders, o)
	}
	left := make([]float64, len(b.Orders))
	copy(left, v.Given.MeterDelta)
	for _, f := range audited(t, b).Fills {
		if b.Orders[f.Order].Side == auction.Sell {
			left[f.Order] -= float64(f.Energy)
		} else {
			left[f.Order] += float64(f.Energy)
		}
	}
	if fmt.Sprint(left) != fmt.Sprint(v.Expected.RemainingDelta) {
		t.Errorf("%v is left instead of %v", left, v.Expected.RemainingDelta)
	}
}

// crossing states demand curves as orders: what a curve drops at a price is a
// bid down to there, and what it falls below zero is an offer from there on. A
// curve that rises is not a demand curve; the peer leaves it out too. The price
// expected is ours; NaN: no trade.
func crossing(price float64) func(*testing.T, *peerVector) {
	return func(t *testing.T, v *peerVector) {
		b := &auction.Book{
			Zones: []auction.Zone{line("0", auction.NoParent, 0)}, Owners: []string{"one"}, Rule: auction.ClearingRule,
		}
		step := v.Given.MaxPrice / float64(v.Given.PriceSteps-1)
		order := func(side auction.Side, energy, limit float64) {
			b.Orders = append(b.Orders, auction.Order{
				ID: fmt.Sprint(len(b.Orders)), Side: side,
				Energy: quantity.Energy(math.Abs(energy)), Limit: quantity.Price(scaled(limit, unit)),
			})
		}
		for _, curve := range v.Given.Curves {
			demand, rises := curve[0][1], false
			for _, next := range curve[1:] {
				at := next[0] * step
				rises = rises || next[1] > demand
				if !rises {
					order(auction.Buy, max(demand, 0)-max(next[1], 0), at)
					order(auction.Sell, min(demand, 0)-min(next[1], 0), at)
					demand = next[1]
				}
			}
			if rises {
				continue
			}
			order(auction.Buy, max(demand, 0), v.Given.MaxPrice+1)
			order(auction.Sell, min(curve[0][1], 0), 0)
		}
		r := audited(t, b)
		switch {
		case math.IsNaN(price) && len(r.Fills) > 0:
			t.Errorf("%d fills instead of none", len(r.Fills))
		case !math.IsNaN(price) && int64(r.Prices[0].Price) != scaled(price, unit):
			t.Errorf("price %d instead of %d", r.Prices[0].Price, scaled(price, unit))
		}
	}
}

// clip puts a curve below a line with limits and asks at every price of the
// utility, one after the other, what the line carries.
func clip(t *testing.T, v *peerVector) {
	for at, want := range v.Expected.CurveAfter {
		b := &auction.Book{
			Zones:   []auction.Zone{line("grid", auction.NoParent, 0), line("feeder", 0, 0)},
			Owners:  []string{"one"},
			Utility: &auction.Utility{Retail: quantity.Price(2 * at), FeedIn: quantity.Price(2 * at)},
		}
		b.Zones[1].ImportLimit, b.Zones[1].ExportLimit = v.Given.Ceiling, -v.Given.Floor
		for i := range v.Given.Curve[1:] {
			// The curve falls by 1 between the whole prices i and i + 1.
			o := auction.Order{ID: fmt.Sprint(i), Zone: 1, Energy: 1, Limit: quantity.Price(2*i + 1)}
			if v.Given.Curve[i] <= 0 {
				o.Side = auction.Sell
			}
			b.Orders = append(b.Orders, o)
		}
		r := audited(t, b)
		if got := r.Flows[0].Import - r.Flows[0].Export; got != want {
			t.Errorf("at price %d the line carries %d instead of %d", at, got, want)
		}
	}
}
