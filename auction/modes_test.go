package auction_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/commonwatt/commonwatt/auction"
	"github.com/commonwatt/commonwatt/quantity"
)

// TestOtherModesBalance clears random books in the other modes: no order trades
// beyond its limit, the network gets its charges at least, and Check agrees.
func TestOtherModesBalance(t *testing.T) {
	for _, mode := range []auction.Mode{auction.PayAsBid, auction.MidMarket} {
		for seed := range uint64(books(t, 1000)) {
			b := randomBook(seed)
			b.Mode = mode
			r := auction.Clear(b)
			if err := auction.Check(b, r); err != nil {
				t.Fatalf("mode %d, book %d: %v", mode, seed, err)
			}
			if err := withinLimits(b, r); err != nil {
				t.Fatalf("mode %d, book %d: %v", mode, seed, err)
			}
		}
	}
}

// withinLimits says which order pays or gets what it did not agree to, or
// whether the network lacks its charges.
func withinLimits(b *auction.Book, r *auction.Result) error {
	charges := quantity.Money(0)
	for _, f := range r.Flows {
		charges += quantity.MustTimes(f.Import+f.Export, b.Zones[f.Zone].Charge)
	}
	if r.NetworkRevenue < charges {
		return fmt.Errorf("the network gets %d for charges of %d", r.NetworkRevenue, charges)
	}
	for _, f := range r.Fills {
		o := b.Orders[f.Order]
		limit := quantity.MustTimes(f.Energy, o.Limit)
		if o.Side == auction.Buy && f.Amount > limit || o.Side == auction.Sell && f.Amount < limit {
			return fmt.Errorf("order %s: %d Wh for %d, limit %d", o.ID, f.Energy, f.Amount, o.Limit)
		}
	}
	return nil
}

// TestPayAsBidKeepsTheTrades pays the bids for the trades of the uniform mode.
func TestPayAsBidKeepsTheTrades(t *testing.T) {
	for seed := range uint64(books(t, 300)) {
		b := randomBook(seed)
		uniform := auction.Clear(b)
		b.Mode = auction.PayAsBid
		asBid := auction.Clear(b)
		same := slices.EqualFunc(uniform.Fills, asBid.Fills, func(x, y auction.Fill) bool { return x.Order == y.Order && x.Energy == y.Energy })
		if !same || asBid.Welfare != uniform.Welfare {
			t.Fatalf("book %d: other trades than in the uniform mode", seed)
		}
	}
}

// TestPayAsBid pairs the high bid with the low offer, at the bid.
func TestPayAsBid(t *testing.T) {
	b := island(auction.PayAsBid,
		order("low bid", auction.Buy, 20, 150), order("high bid", auction.Buy, 10, 200),
		order("cheap", auction.Sell, 10, 90), order("dear", auction.Sell, 20, 140))
	wantFills(t, b, "low bid: 20 Wh for 3000", "high bid: 10 Wh for 2000", "cheap: 10 Wh for 2000", "dear: 20 Wh for 3000")
}

// TestMidMarket trades among members at the middle of feed-in and retail, and
// rations the long side; the rest goes to the utility.
func TestMidMarket(t *testing.T) {
	b := island(auction.MidMarket,
		order("buyer", auction.Buy, 30, 400), order("too low", auction.Buy, 10, 199),
		order("seller", auction.Sell, 40, 50), order("other", auction.Sell, 20, 60), order("too high", auction.Sell, 10, 201))
	b.Utility = &auction.Utility{Retail: 321, FeedIn: 80}
	wantFills(t, b, "buyer: 30 Wh for 6000",
		"seller: 20 Wh for 4000", "seller: 20 Wh for 1600", "other: 10 Wh for 2000", "other: 10 Wh for 800")
}

// TestMidMarketChargesThePath trades at the rate at the root, less the charge
// where energy is sent, plus the charge where it arrives.
func TestMidMarketChargesThePath(t *testing.T) {
	b := island(auction.MidMarket, order("buyer", auction.Buy, 10, 400), order("seller", auction.Sell, 10, 50))
	b.Utility = &auction.Utility{Retail: 320, FeedIn: 80}
	b.Zones = append(b.Zones, feeder("f1", 30), feeder("f2", 20))
	b.Orders[0].Zone, b.Orders[1].Zone = 1, 2
	wantFills(t, b, "buyer: 10 Wh for 2300", "seller: 10 Wh for 1800")
	if r := auction.Clear(b); r.NetworkRevenue != 500 {
		t.Errorf("the network gets %d, not 500", r.NetworkRevenue)
	}
}
