package market

import (
	"slices"
	"testing"

	"github.com/commonwatt/commonwatt/auction"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tariff"
)

// TestLossesArePaid lets both lines of the town lose 1.5 %: 4.8 of a price of 320,
// so whoever crosses one pays 5 for it besides the charge of 10.
func TestLossesArePaid(t *testing.T) {
	w := founded(t)
	for _, zone := range []grid.ZoneID{north, south} {
		line := grid.Line{Charge: 10, ExportLimit: grid.NoLimit, ImportLimit: grid.NoLimit, LossPPM: 15_000}
		w.Must(t, operator, grid.SetLineKind.Encode(grid.SetLine{Microgrid: town, Zone: zone, From: start, Line: line}))
	}
	got := Clear(w, town, interval.Interval{Start: start, Length: interval.Minutes60}, []metering.Position{
		{Point: 31, Account: ann, Zone: north, Export: 100},
		{Point: 34, Account: ann, Zone: south, Import: 60},
	})
	// North: from 65 to 335, and 30 less than in the south.
	if want := []Trade{{Seller: 0, Buyer: 1, Energy: 60, BuyerPrice: 215, SellerPrice: 185}}; !slices.Equal(got.Trades, want) {
		t.Errorf("trades %+v, want %+v", got.Trades, want)
	}
	if got.Place[0].Path != 15 || got.Place[1].Path != 15 {
		t.Errorf("the paths are %v", got.Place)
	}
}

// TestNotWorthTheLoss keeps neighbours apart whom a trade would cost more than it
// brings: what two lines lose is more than lies between the utility's prices.
func TestNotWorthTheLoss(t *testing.T) {
	w := founded(t)
	w.Must(t, operator, tariff.SetKind.Encode(tariff.Set{Microgrid: town, Steps: []tariff.Step{{From: start, Prices: tariff.Prices{Retail: 320, FeedIn: 300}}}}))
	line := grid.Line{ExportLimit: grid.NoLimit, ImportLimit: grid.NoLimit, LossPPM: 50_000}
	w.Must(t, operator, grid.SetLineKind.Encode(grid.SetLine{Microgrid: town, Zone: north, From: start, Line: line}))
	w.Must(t, operator, SetWishKind.Encode(SetWish{town, 31, start, Wish{Sell: new(quantity.Price(300))}}))
	w.Must(t, operator, SetWishKind.Encode(SetWish{town, 34, start, Wish{Buy: new(quantity.Price(325))}}))
	positions := []metering.Position{
		{Point: 31, Account: ann, Zone: north, Export: 100},
		{Point: 34, Account: ann, Zone: south, Import: 100},
	}
	i := interval.Interval{Start: start, Length: interval.Minutes60}
	if got := Clear(w, town, i, positions); len(got.Trades) != 0 { // 300 and 16 for the loss and 10 are more than 325.
		t.Errorf("trades %+v", got.Trades)
	}
	line.LossPPM = 0
	w.Must(t, operator, grid.SetLineKind.Encode(grid.SetLine{Microgrid: town, Zone: north, From: start, Line: line}))
	if got := Clear(w, town, i, positions); len(got.Trades) != 1 {
		t.Errorf("without the loss, trades %+v", got.Trades)
	}
}

// TestDearestPath stays within the bounds of a book on the longest path, of the
// dearest and worst lines, at the highest price.
func TestDearestPath(t *testing.T) {
	worst := grid.Line{Charge: grid.MaxCharge, LossPPM: grid.MaxLossPPM}
	path := grid.MaxDepth * (worst.Charge + worst.LossPrice(tariff.MaxPrice))
	if limit := tariff.MaxPrice + path; limit > auction.MaxPrice {
		t.Errorf("a member may pay %d, a book holds prices up to %d", limit, auction.MaxPrice)
	}
}
