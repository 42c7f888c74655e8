package auction_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/commonwatt/commonwatt/auction"
	"github.com/commonwatt/commonwatt/quantity"
)

// TestAssignSumsToTheFills assigns random books in every mode: each order's
// trades sum to its fills and amounts, green bids have green sellers, and each
// line carries its flow, one way less the other.
func TestAssignSumsToTheFills(t *testing.T) {
	partners := []auction.Partner{{Buyer: 0, Sellers: []uint32{2, 1}}, {Buyer: 2, Sellers: []uint32{1}}}
	for mode := auction.Uniform; mode <= auction.MidMarket; mode++ {
		for seed := range uint64(books(t, 700)) {
			b := randomBook(seed)
			b.Mode = mode
			r := auction.Clear(b)
			if err := judgeTrades(b, r, auction.Assign(b, r, partners)); err != nil {
				t.Fatalf("mode %d, book %d: %v", mode, seed, err)
			}
		}
	}
}

// judgeTrades says where trades are not those of a result.
func judgeTrades(b *auction.Book, r *auction.Result, trades []auction.Trade) error {
	left := make(map[string]int64)
	for _, f := range r.Fills {
		left[fmt.Sprintf("order %d, stage %d: Wh", f.Order, f.Stage)] += int64(f.Energy)
		left[fmt.Sprintf("order %d, stage %d: money", f.Order, f.Stage)] += int64(f.Amount)
	}
	left["utility: sold"], left["utility: bought"] = int64(r.UtilitySold), int64(r.UtilityBought)
	left["network"] = int64(r.NetworkRevenue)
	for _, f := range r.Flows {
		left["zone "+b.Zones[f.Zone].ID] = int64(f.Export - f.Import)
	}
	take := func(order int32, stage auction.Stage, utility string, e quantity.Energy, p quantity.Price, way int64) {
		zone := int32(0)
		for b.Zones[zone].Parent != auction.NoParent {
			zone++
		}
		if order == auction.UtilityParty {
			left[utility] -= int64(e)
		} else {
			left[fmt.Sprintf("order %d, stage %d: Wh", order, stage)] -= int64(e)
			left[fmt.Sprintf("order %d, stage %d: money", order, stage)] -= int64(e) * int64(p)
			zone = int32(b.Orders[order].Zone)
		}
		for ; b.Zones[zone].Parent != auction.NoParent; zone = b.Zones[zone].Parent {
			left["zone "+b.Zones[zone].ID] -= way * int64(e)
		}
	}
	for _, t := range trades {
		if t.Energy <= 0 || t.Class == auction.Green && (t.Seller < 0 || b.Orders[t.Seller].Class != auction.Green) {
			return fmt.Errorf("a trade of %d Wh, class %d, of seller %d", t.Energy, t.Class, t.Seller)
		}
		take(t.Seller, t.Stage, "utility: sold", t.Energy, t.SellerPrice, 1)
		take(t.Buyer, t.Stage, "utility: bought", t.Energy, t.BuyerPrice, -1)
		left["network"] -= int64(t.Energy) * int64(t.BuyerPrice-t.SellerPrice)
	}
	for what, n := range left {
		if n != 0 {
			return fmt.Errorf("%s: %d left", what, n)
		}
	}
	return nil
}

// wantTrades clears and assigns a book and compares the trades, in any order.
func wantTrades(t *testing.T, b *auction.Book, partners []auction.Partner, want ...string) {
	t.Helper()
	var got []string
	for _, trade := range auction.Assign(b, auction.Clear(b), partners) {
		got = append(got, fmt.Sprintf("%s to %s: %d Wh", nameOf(b, trade.Seller), nameOf(b, trade.Buyer), trade.Energy))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func nameOf(b *auction.Book, order int32) string {
	if order == auction.UtilityParty {
		return "utility"
	}
	return b.Orders[order].ID
}

func owned(owner uint32, o auction.Order) auction.Order {
	o.Owner = owner
	return o
}

// TestAssignPrefers goes by owner, then by partner, then by nearness, then pro rata.
func TestAssignPrefers(t *testing.T) {
	const ann, bob, cem = 0, 1, 2
	for _, c := range []struct {
		name     string
		partners []auction.Partner
		orders   []auction.Order
		want     []string
	}{
		{
			"own first", nil,
			[]auction.Order{
				owned(ann, order("load", auction.Buy, 10, 200)), owned(bob, order("other load", auction.Buy, 10, 200)),
				owned(bob, order("sun", auction.Sell, 20, 100)),
			},
			[]string{"sun to load: 10 Wh", "sun to other load: 10 Wh"},
		},
		{
			"own first, whoever else offers there", nil,
			[]auction.Order{
				owned(bob, order("load", auction.Buy, 6, 200)), owned(cem, order("other load", auction.Buy, 4, 200)),
				owned(ann, order("sun", auction.Sell, 4, 100)), owned(bob, order("roof", auction.Sell, 6, 100)),
			},
			[]string{"roof to load: 6 Wh", "sun to other load: 4 Wh"},
		},
		{
			"own before the partner, the partner before others",
			[]auction.Partner{{Buyer: ann, Sellers: []uint32{cem}}},
			[]auction.Order{
				owned(ann, order("load", auction.Buy, 10, 200)), owned(bob, order("other load", auction.Buy, 10, 200)),
				owned(ann, order("roof", auction.Sell, 4, 100)), owned(cem, order("wind", auction.Sell, 8, 100)), owned(bob, order("sun", auction.Sell, 8, 100)),
			},
			[]string{"roof to load: 4 Wh", "wind to load: 6 Wh", "wind to other load: 2 Wh", "sun to other load: 8 Wh"},
		},
		{
			"the nearest", nil,
			[]auction.Order{
				in(1, order("load", auction.Buy, 10, 200)), in(2, owned(bob, order("far", auction.Sell, 10, 100))),
				in(1, owned(bob, order("near", auction.Sell, 6, 100))), in(2, owned(cem, order("far load", auction.Buy, 6, 200))),
			},
			[]string{"near to load: 6 Wh", "far to load: 4 Wh", "far to far load: 6 Wh"},
		},
		{
			"green for green",
			[]auction.Partner{{Buyer: ann, Sellers: []uint32{bob}}},
			[]auction.Order{
				owned(ann, order("load", auction.Buy, 10, 200)), owned(cem, green(order("green load", auction.Buy, 10, 200))),
				owned(bob, green(order("sun", auction.Sell, 10, 100))), owned(bob, order("gas", auction.Sell, 10, 100)),
			},
			[]string{"sun to green load: 10 Wh", "gas to load: 10 Wh"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := island(auction.Uniform, c.orders...)
			b.Zones = append(b.Zones, feeder("f1", 0), feeder("f2", 0))
			wantTrades(t, b, c.partners, c.want...)
		})
	}
}
