package settlement

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/market"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tariff"
	"github.com/commonwatt/commonwatt/tx"
)

// The town of these tests: ann at point 31 and bob at 32, in zones whose paths to
// the utility cost 10 and 15 a Wh.
var (
	town   = grid.Microgrid{Utility: 2, Network: 3, Levy: 4, Length: interval.Minutes60}
	hour0  = interval.Interval{Length: interval.Minutes60}
	prices = tariff.Prices{Retail: 320, FeedIn: 80, Levy: 5}
)

// settled computes an hour in which ann gave and bob took, by trades.
func settled(gave, took quantity.Energy, trades ...market.Trade) outcome {
	positions := []metering.Position{{Point: 31, Account: 5, Zone: 21, Export: gave}, {Point: 32, Account: 6, Zone: 22, Import: took}}
	return compute(10, town, hour0, positions, market.Clearing{
		Trades: trades,
		Zones:  []market.ZonePrice{{Zone: 20}, {Zone: 21}, {Zone: 22, Priced: true, Price: 210}},
		Place:  []market.Place{{Zone: 1, Path: 10}, {Zone: 2, Path: 15}},
	}, prices)
}

// lines writes a statement's items.
func lines(s Statement) string {
	var out []string
	for _, i := range s.Items {
		out = append(out, fmt.Sprintf("%d: %d Wh %d", i.Line, i.Energy, i.Amount))
	}
	return strings.Join(out, ", ")
}

func TestLines(t *testing.T) {
	for _, c := range []struct {
		what                string
		gave, took          quantity.Energy
		trades              []market.Trade
		ann, bob            string
		sold, paid, network quantity.Money
	}{
		{
			"the utility alone", 100, 60, nil,
			"4: 100 Wh -8000, 5: 100 Wh 1000", "3: 60 Wh 19200, 5: 60 Wh 900, 6: 60 Wh 300",
			19200, 8000, 1900,
		},
		{
			"a neighbour for some of it", 100, 60,
			[]market.Trade{{Seller: 0, Buyer: 1, Energy: 50, BuyerPrice: 210, SellerPrice: 185}},
			"2: 50 Wh -9250, 4: 50 Wh -4000, 5: 50 Wh 500", "1: 50 Wh 10500, 3: 10 Wh 3200, 5: 10 Wh 150, 6: 60 Wh 300",
			3200, 4000, 50*(210-185) + 500 + 150,
		},
		{
			// One stage: the utility is a party like others, and a full line has its rent.
			"the utility in the market", 100, 60,
			[]market.Trade{
				{Seller: 0, Buyer: market.Utility, Energy: 100, BuyerPrice: 80, SellerPrice: 70},
				{Seller: market.Utility, Buyer: 1, Energy: 60, BuyerPrice: 400, SellerPrice: 320},
			},
			"4: 100 Wh -8000, 5: 100 Wh 1000", "3: 60 Wh 19200, 5: 60 Wh 4800, 6: 60 Wh 300",
			19200, 8000, 1000 + 4800,
		},
		{"nothing at all", 0, 0, nil, "", "", 0, 0, 0},
	} {
		o := settled(c.gave, c.took, c.trades...)
		if ann, bob := lines(o.statements[0]), lines(o.statements[1]); ann != c.ann || bob != c.bob {
			t.Errorf("%s: ann %q, bob %q; want %q, %q", c.what, ann, bob, c.ann, c.bob)
		}
		s := o.settled
		if s.UtilitySold != c.sold || s.UtilityPaid != c.paid || s.Network != c.network || s.Levy != 5*quantity.Money(c.took) {
			t.Errorf("%s: the totals are %+v", c.what, s)
		}
		// Alone, ann gets 70 a Wh, and bob pays 335 and the levy.
		if ann, bob := o.statements[0].Alone, o.statements[1].Alone; ann != -70*quantity.Money(c.gave) || bob != 340*quantity.Money(c.took) {
			t.Errorf("%s: alone ann owes %d, bob %d", c.what, ann, bob)
		}
		if z := s.Zones[2]; z.Price != 210 || !z.Priced || z.Demand != c.took || z.Traded+z.Bought != c.took {
			t.Errorf("%s: bob's zone is %+v", c.what, z)
		}
		if z := s.Zones[1]; z.Supply != c.gave || z.Traded != 0 || z.Sold > c.gave {
			t.Errorf("%s: ann's zone is %+v", c.what, z)
		}
	}
}

// TestMoreThanThereWas stops when a market sold what nobody had.
func TestMoreThanThereWas(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a trade of more than was given is settled")
		}
	}()
	settled(10, 60, market.Trade{Seller: 0, Buyer: 1, Energy: 11, BuyerPrice: 200, SellerPrice: 200})
}

// TestNet leaves one entry for each account whose amount changes.
func TestNet(t *testing.T) {
	entry := func(account tx.AccountID, amount quantity.Money) ledger.Entry {
		return ledger.Entry{Account: account, Amount: amount}
	}
	got := net([]ledger.Entry{entry(7, 5), entry(2, 1), entry(7, -8), entry(3, 4), entry(3, -4), entry(2, 2)})
	if want := []ledger.Entry{entry(2, 3), entry(7, -3)}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
