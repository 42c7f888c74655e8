package auction_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/commonwatt/commonwatt/auction"
	"github.com/commonwatt/commonwatt/quantity"
)

// island is a book of one zone without a utility.
func island(mode auction.Mode, orders ...auction.Order) *auction.Book {
	return &auction.Book{
		Zones:        []auction.Zone{{ID: "grid", Parent: auction.NoParent, ExportLimit: auction.NoLimit, ImportLimit: auction.NoLimit}},
		Owners:       []string{"ann", "bob", "cem"},
		Mode:         mode,
		MembersFirst: true,
		Orders:       orders,
	}
}

// feeder is a zone under the first one.
func feeder(id string, charge quantity.Price) auction.Zone {
	return auction.Zone{ID: id, Charge: charge, ExportLimit: auction.NoLimit, ImportLimit: auction.NoLimit}
}

func order(id string, side auction.Side, energy quantity.Energy, limit quantity.Price) auction.Order {
	return auction.Order{ID: id, Side: side, Energy: energy, Limit: limit}
}

func green(o auction.Order) auction.Order {
	o.Class = auction.Green
	return o
}

func in(zone uint32, o auction.Order) auction.Order {
	o.Zone = zone
	return o
}

// wantFills clears a book and compares its fills, in any order.
func wantFills(t *testing.T, b *auction.Book, want ...string) {
	t.Helper()
	if err := b.Validate(); err != nil {
		t.Fatal(err)
	}
	r := auction.Clear(b)
	if err := auction.Check(b, r); err != nil {
		t.Error(err)
	}
	var got []string
	for _, f := range r.Fills {
		got = append(got, fmt.Sprintf("%s: %d Wh for %d", b.Orders[f.Order].ID, f.Energy, f.Amount))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestNeighboursShareTheGain is the example of MARKET.md: the price lies in the
// middle between what the seller asks and what the buyer would pay.
func TestNeighboursShareTheGain(t *testing.T) {
	b := island(auction.Uniform, in(1, order("b1", auction.Buy, 1200, 250)), in(1, green(order("s1", auction.Sell, 900, 100))))
	b.Utility = &auction.Utility{Retail: 320, FeedIn: 80}
	b.Zones = append(b.Zones, feeder("f1", 40))
	wantFills(t, b, "b1: 900 Wh for 157500", "s1: 900 Wh for 157500")
	if r := auction.Clear(b); r.Welfare != 135_000 || r.NetworkRevenue != 0 {
		t.Errorf("welfare %d, network %d", r.Welfare, r.NetworkRevenue)
	}
}

// TestWhatIsLeftTradesWithTheUtility buys what the line lets no member send from
// the utility, at retail plus the charge. Among members the sun may ask 40 to 280
// where it is, since the load pays at most 330 where it is; both take the middle,
// and the network gets what the full line is worth above its charges.
func TestWhatIsLeftTradesWithTheUtility(t *testing.T) {
	b := island(auction.Uniform, in(1, order("sun", auction.Sell, 10, 0)), in(2, order("load", auction.Buy, 15, 500)))
	b.Utility = &auction.Utility{Retail: 320, FeedIn: 80}
	b.Zones = append(b.Zones, feeder("f1", 40), feeder("f2", 10))
	b.Zones[1].ExportLimit = 8
	wantFills(t, b, "sun: 8 Wh for 1280", "load: 8 Wh for 1680", "load: 7 Wh for 2310")
}

// TestALineAtItsLimitParts splits prices where a line is full: the rent is the
// network's.
func TestALineAtItsLimitParts(t *testing.T) {
	b := island(auction.Uniform, in(1, order("sun", auction.Sell, 100, 10)), order("load", auction.Buy, 100, 200), order("wind", auction.Sell, 100, 150))
	b.Rule = auction.ClearingRule
	b.Zones = append(b.Zones, feeder("f1", 5))
	b.Zones[1].ExportLimit = 60
	wantFills(t, b, "sun: 60 Wh for 600", "load: 100 Wh for 15000", "wind: 40 Wh for 6000")
	if r := auction.Clear(b); r.NetworkRevenue != 60*(150-10) {
		t.Errorf("the network gets %d", r.NetworkRevenue)
	}
}

// TestGreenIsScarce has two who want green energy and one who offers it: the
// higher bid gets it, and pays a premium that leaves the other without regret.
func TestGreenIsScarce(t *testing.T) {
	b := island(auction.Uniform,
		green(order("eager", auction.Buy, 10, 300)), green(order("keen", auction.Buy, 10, 260)), order("plain", auction.Buy, 20, 150),
		green(order("sun", auction.Sell, 10, 50)), order("gas", auction.Sell, 40, 100))
	b.Rule = auction.ClearingRule
	wantFills(t, b, "eager: 10 Wh for 2800", "sun: 10 Wh for 2800", "plain: 20 Wh for 2000", "gas: 20 Wh for 2000")
}

// TestGreenScarcityIsSharedAcrossZones rations equal green bids of different
// zones in one proportion.
func TestGreenScarcityIsSharedAcrossZones(t *testing.T) {
	b := island(auction.Uniform, green(order("sun", auction.Sell, 60, 50)), order("gas", auction.Sell, 500, 100))
	for zone, energy := range []quantity.Energy{30, 60, 90} {
		id := fmt.Sprint("f", zone+1)
		b.Zones = append(b.Zones, feeder(id, 0))
		b.Orders = append(b.Orders, in(uint32(zone+1), green(order(id, auction.Buy, energy, 300))))
	}
	for i, want := range []quantity.Energy{60, 10, 20, 30} {
		if f := auction.Clear(b).Fills[i]; f.Energy != want {
			t.Errorf("%s: %d Wh, not %d", b.Orders[f.Order].ID, f.Energy, want)
		}
	}
}

// TestTheLongSideIsRationed shares what is short in proportion; a Wh that does
// not divide goes by lot, whatever the order of arrival.
func TestTheLongSideIsRationed(t *testing.T) {
	b := island(auction.Uniform,
		order("load", auction.Buy, 10, 200),
		order("a", auction.Sell, 10, 100), order("b", auction.Sell, 10, 100), order("c", auction.Sell, 20, 100))
	b.Seed = []byte("interval 7")
	wantFills(t, b, "load: 10 Wh for 1500", "a: 3 Wh for 450", "b: 2 Wh for 300", "c: 5 Wh for 750")
	slices.Reverse(b.Orders)
	wantFills(t, b, "load: 10 Wh for 1500", "a: 3 Wh for 450", "b: 2 Wh for 300", "c: 5 Wh for 750")
}

// TestAMemberComesBeforeTheUtility gives a member what the utility would have at
// the same price.
func TestAMemberComesBeforeTheUtility(t *testing.T) {
	b := island(auction.Uniform, order("sun", auction.Sell, 30, 0), in(1, order("load", auction.Buy, 20, 90)))
	b.Utility = &auction.Utility{Retail: 320, FeedIn: 80}
	b.MembersFirst, b.Rule = false, auction.ClearingRule
	b.Zones = append(b.Zones, feeder("f1", 10))
	wantFills(t, b, "sun: 30 Wh for 2400", "load: 20 Wh for 1800")
}

// TestTheLargestBook stays within 64 bits at the bounds of what is valid.
func TestTheLargestBook(t *testing.T) {
	half := auction.MaxEnergy / 2
	b := island(auction.Uniform, in(1, green(order("load", auction.Buy, half, auction.MaxPrice))), in(2, green(order("sun", auction.Sell, half, -auction.MaxPrice))))
	b.Zones = append(b.Zones, feeder("f1", auction.MaxPrice), feeder("f2", auction.MaxPrice))
	wantFills(t, b, fmt.Sprintf("load: %d Wh for %d", half, quantity.MustTimes(half, auction.MaxPrice)),
		fmt.Sprintf("sun: %d Wh for %d", half, quantity.MustTimes(half, -auction.MaxPrice)))
}

// TestAnEmptyBook clears to nothing.
func TestAnEmptyBook(t *testing.T) {
	b := island(auction.Uniform)
	wantFills(t, b)
	b.Utility = &auction.Utility{Retail: 3, FeedIn: 1}
	wantFills(t, b)
}
