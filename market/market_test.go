package market

import (
	"testing"

	"github.com/commonwatt/commonwatt/auction"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/optest"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tariff"
	"github.com/commonwatt/commonwatt/tx"
)

const (
	operator tx.AccountID     = 1
	ann      tx.AccountID     = 5
	town     grid.MicrogridID = 10
	root     grid.ZoneID      = 20
	north    grid.ZoneID      = 21
	south    grid.ZoneID      = 22
	euro     ledger.AssetID   = 978 // ISO 4217.

	hour  = interval.Time(interval.Minutes60)
	start = 27 * hour
)

// founded is a world with a town of two feeders and four homes: 31 and 32 in the
// north, 33 and 34 in the south, 31 ann's. The path costs 10 a Wh.
func founded(t testing.TB) *optest.World {
	t.Helper()
	w := optest.NewWorld(t, party.Ops, ledger.Ops, grid.Ops, tariff.Ops, Ops)
	for a := operator; a < 6; a++ {
		w.Must(t, operator, party.OpenKind.Encode(party.Open{Account: a}))
	}
	connect := func(p grid.PointID, z grid.ZoneID) tx.Operation {
		return grid.ConnectKind.Encode(grid.Connect{Microgrid: town, Point: p, Zone: z, Account: ann, From: start})
	}
	line := func(z grid.ZoneID) tx.Operation {
		return grid.SetLineKind.Encode(grid.SetLine{
			Microgrid: town, Zone: z, From: start,
			Line: grid.Line{Charge: 10, ExportLimit: grid.NoLimit, ImportLimit: grid.NoLimit},
		})
	}
	w.Must(t, operator,
		ledger.DefineKind.Encode(ledger.Define{Asset: euro, Symbol: "EUR", Decimals: 6}),
		grid.FoundKind.Encode(grid.Found{
			Microgrid: town, Root: root, Currency: euro, Gateway: operator, Utility: 2, Network: 3, Levy: 4,
			Length: interval.Minutes60, Start: start,
		}),
		grid.AddZoneKind.Encode(grid.AddZone{Microgrid: town, Zone: north, Parent: root}), line(north),
		grid.AddZoneKind.Encode(grid.AddZone{Microgrid: town, Zone: south, Parent: root}), line(south),
		connect(31, north), connect(32, north), connect(33, south), connect(34, south),
		tariff.SetKind.Encode(tariff.Set{Microgrid: town, Steps: []tariff.Step{{From: start, Prices: tariff.Prices{Retail: 320, FeedIn: 80}}}}))
	return w
}

func TestSetRulesPrecedence(t *testing.T) {
	good := SetRules{town, Rules{Mode: auction.MidMarket, Rule: auction.ClearingRule}}
	optest.Precedence(t, founded(t), operator, SetRulesKind, good, []optest.Broken[SetRules]{
		{ErrRulesStarted, func(w *optest.World, _ *tx.AccountID, _ *SetRules) { grid.Advance(w, town) }},
		{grid.ErrNotOperator, func(_ *optest.World, signer *tx.AccountID, _ *SetRules) { *signer = ann }},
		{grid.ErrNoMicrogrid, func(_ *optest.World, _ *tx.AccountID, o *SetRules) { o.Microgrid++ }},
		{ErrPriceRule, func(_ *optest.World, _ *tx.AccountID, o *SetRules) { o.Rules.Rule++ }},
		{ErrMode, func(_ *optest.World, _ *tx.AccountID, o *SetRules) { o.Rules.Mode++ }},
	})
}

func TestSetWishPrecedence(t *testing.T) {
	good := SetWish{town, 31, start, Wish{Buy: new(MaxLimit), Sell: new(-MaxLimit), Green: true, Partners: []grid.PointID{32, 33}}}
	optest.Precedence(t, founded(t), ann, SetWishKind, good, []optest.Broken[SetWish]{
		{ErrWishSettled, func(_ *optest.World, _ *tx.AccountID, o *SetWish) { o.From++ }},
		{ErrWishSettled, func(w *optest.World, _ *tx.AccountID, o *SetWish) { grid.Advance(w, town); o.From = start }},
		{ErrWishSigner, func(_ *optest.World, signer *tx.AccountID, _ *SetWish) { *signer = 2 }},
		{ErrWishPoint, func(_ *optest.World, _ *tx.AccountID, o *SetWish) { o.Point = 35 }},
		{ErrWishGrid, func(_ *optest.World, _ *tx.AccountID, o *SetWish) { o.Microgrid++ }},
		{ErrPartners, func(_ *optest.World, _ *tx.AccountID, o *SetWish) {
			o.Wish.Partners = make([]grid.PointID, MaxPartners+1)
		}},
		{ErrPartners, func(_ *optest.World, _ *tx.AccountID, o *SetWish) { o.Wish.Partners = []grid.PointID{33, 33} }},
		{ErrPartners, func(_ *optest.World, _ *tx.AccountID, o *SetWish) { o.Wish.Partners = []grid.PointID{o.Point} }},
		{ErrWishGreen, func(_ *optest.World, _ *tx.AccountID, o *SetWish) { o.Wish.Buy = nil }},
		{ErrWishLimit, func(_ *optest.World, _ *tx.AccountID, o *SetWish) { o.Wish.Sell = new(-MaxLimit - 1) }},
		{ErrWishLimit, func(_ *optest.World, _ *tx.AccountID, o *SetWish) { o.Wish.Sell, o.Wish.Buy = nil, new(MaxLimit+1) }},
	})
}

// TestRulesAndWishesHoldFromTheirDates changes both from the second interval on.
func TestRulesAndWishesHoldFromTheirDates(t *testing.T) {
	w := founded(t)
	w.Must(t, operator, SetWishKind.Encode(SetWish{town, 31, start + hour, Wish{SellsGreen: true}}))
	Adopt(&w.Ctx, w, town, start+hour, Rules{Mode: auction.PayAsBid})
	if RulesAt(w, town, start) != DefaultRules || RulesAt(w, town, start+hour).Mode != auction.PayAsBid {
		t.Error("rules hold from their date on, the default before")
	}
	if WishAt(w, town, 31, start).SellsGreen || !WishAt(w, town, 31, start+9*hour).SellsGreen || WishAt(w, town, 32, start+hour).SellsGreen {
		t.Error("a wish holds for its point and from its date on")
	}
	if all := wishesAt(w, town, start+hour-1); len(all) != 0 {
		t.Errorf("the wishes before their date are %v", all)
	}
	if all := wishesAt(w, town, start+hour); len(all) != 1 || !all[31].SellsGreen {
		t.Errorf("the wishes are %v", all)
	}
}

// TestClear clears what four homes took and gave. With members first and no
// wishes the price lies midway between what the utility would leave to each side.
func TestClear(t *testing.T) {
	position := func(p grid.PointID, z grid.ZoneID, takes, gives quantity.Energy) metering.Position {
		return metering.Position{Point: p, Account: ann, Zone: z, Import: takes, Export: gives}
	}
	homes := func(north1, north2, south1, south2 quantity.Energy) []metering.Position {
		list := []metering.Position{position(31, north, 0, 0), position(32, north, 0, 0), position(33, south, 0, 0), position(34, south, 0, 0)}
		for n, e := range []quantity.Energy{north1, north2, south1, south2} {
			list[n].Import, list[n].Export, list[n].Green = max(e, 0), max(-e, 0), max(-e, 0)
		}
		return list
	}
	certified := func(list []metering.Position, n int, e quantity.Energy) []metering.Position {
		list[n].Green = e
		return list
	}
	across := func(seller, buyer int32, e quantity.Energy) Trade {
		return Trade{Seller: seller, Buyer: buyer, Energy: e, BuyerPrice: 210, SellerPrice: 190}
	}
	for _, c := range []struct {
		what      string
		positions []metering.Position
		wish      map[grid.PointID]Wish
		want      []Trade
	}{
		{"nothing is traded when all take", homes(100, 200, 300, 400), nil, nil},
		{
			// Admissible north: 70 (feed-in less path) to 330 (retail and path).
			"one feeder", homes(100, -100, 0, 0), nil,
			[]Trade{{Seller: 1, Buyer: 0, Energy: 100, BuyerPrice: 200, SellerPrice: 200}},
		},
		{
			// From north to south both lines are paid: the buyer pays 20 more.
			"from feeder to feeder", homes(-100, 0, 0, 60), nil,
			[]Trade{across(0, 3, 60)},
		},
		{
			"each from its neighbour", homes(-50, 50, -50, 50), nil,
			[]Trade{{Seller: 0, Buyer: 1, Energy: 50, BuyerPrice: 200, SellerPrice: 200}, {Seller: 2, Buyer: 3, Energy: 50, BuyerPrice: 200, SellerPrice: 200}},
		},
		{
			"from the next feeder", homes(50, 50, -50, -50), nil,
			[]Trade{across(2, 0, 50), across(3, 1, 50)},
		},
		{
			// Nobody pays more or less for it.
			"a partner first", homes(50, 50, -50, -50),
			map[grid.PointID]Wish{31: {Partners: []grid.PointID{34}}},
			[]Trade{across(3, 0, 50), across(2, 1, 50)},
		},
		{
			// Any energy would cost 175 in the north and 195 in the south, so green may be
			// worth up to 105 more to whoever pays 300 at most: half of that, rounded up.
			"green goes to whom asks for it", homes(-50, -50, 0, 40),
			map[grid.PointID]Wish{34: {Green: true, Buy: new(quantity.Price(300))}, 32: {SellsGreen: true}},
			[]Trade{{Seller: 1, Buyer: 3, Energy: 40, BuyerPrice: 248, SellerPrice: 228, Class: Green}},
		},
		{
			// What is not certified is not sold as green, and who wants green goes without.
			"no more is green than is certified", certified(homes(-50, -50, 0, 40), 1, 15),
			map[grid.PointID]Wish{34: {Green: true, Buy: new(quantity.Price(300))}, 32: {SellsGreen: true}},
			[]Trade{{Seller: 1, Buyer: 3, Energy: 15, BuyerPrice: 248, SellerPrice: 228, Class: Green}},
		},
	} {
		w := founded(t)
		for point, wish := range c.wish {
			w.Must(t, operator, SetWishKind.Encode(SetWish{town, point, start, wish}))
		}
		got := Clear(w, town, interval.Interval{Start: start, Length: interval.Minutes60}, c.positions)
		if len(got.Place) != 4 || got.Place[3] != (Place{Zone: 2, Path: 10}) {
			t.Errorf("%s: places %v", c.what, got.Place)
		}
		if len(got.Trades) != len(c.want) {
			t.Errorf("%s: trades %v, want %v", c.what, got.Trades, c.want)
			continue
		}
		for n := range c.want {
			if got.Trades[n] != c.want[n] {
				t.Errorf("%s: trade %d is %+v, want %+v", c.what, n, got.Trades[n], c.want[n])
			}
		}
	}
}
