package settlement

import (
	"slices"
	"testing"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/market"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tariff"
)

// The village of these tests has two feeders, 21 and 22, below a transformer, 12,
// which hangs on the grid, 20. A feeder loses 1.5 %, the line above 1 %. At 320 a
// Wh that is a price of 5 and of 4, so a path costs 9.
var village = []grid.Node{
	{Zone: 12, Parent: 20, Line: grid.Line{ExportLimit: 500, ImportLimit: 400, LossPPM: 10_000}},
	{Zone: 20, Line: grid.Line{ExportLimit: grid.NoLimit, ImportLimit: grid.NoLimit}},
	{Zone: 21, Parent: 12, Line: grid.Line{ExportLimit: 1_000, ImportLimit: grid.NoLimit, LossPPM: 15_000}},
	{Zone: 22, Parent: 12, Line: grid.Line{ExportLimit: grid.NoLimit, ImportLimit: 0, LossPPM: 15_000}},
}

// flowed computes an hour of the village with a home on each feeder.
func flowed(north, south metering.Position, retail quantity.Price, trades ...market.Trade) outcome {
	north.Point, north.Account, north.Zone = 31, 5, 21
	south.Point, south.Account, south.Zone = 32, 6, 22
	return compute(10, town, hour0, []metering.Position{north, south}, market.Clearing{
		Trades: trades, Tree: village,
		Zones: []market.ZonePrice{{Zone: 12}, {Zone: 20}, {Zone: 21}, {Zone: 22}},
		Place: []market.Place{{Zone: 2, Path: 9}, {Zone: 3, Path: 9}},
	}, tariff.Prices{Retail: retail, FeedIn: -100})
}

func TestLosses(t *testing.T) {
	gives := func(e quantity.Energy) metering.Position { return metering.Position{Export: e} }
	takes := func(e quantity.Energy) metering.Position { return metering.Position{Import: e} }
	for _, c := range []struct {
		what         string
		north, south metering.Position
		retail       quantity.Price
		trades       []market.Trade
		lost         quantity.Energy
		cost         quantity.Money
	}{
		{"nothing flows", gives(0), gives(0), 320, nil, 0, 0},
		{
			// 15 of 1,000 Wh out of the north, 4 of 299 into the south and 7 of 701 to the grid.
			"to a neighbour and the utility", gives(1_000), takes(299), 320,
			[]market.Trade{{Seller: 0, Buyer: 1, Energy: 299, BuyerPrice: 205, SellerPrice: 195}},
			26, 26 * 320,
		},
		{"what is taken is lost on the way, too", takes(200), takes(99), 320, nil, 3 + 1 + 2, 6 * 320},
		{"less than a Wh of each line", takes(66), takes(33), 320, nil, 0, 0},
		{"within one home", metering.Position{Import: 700, Export: 700}, takes(0), 320, nil, 0, 0},
		{"the utility pays for taking", takes(200), takes(0), -20, nil, 3 + 2, -5 * 20},
	} {
		o := flowed(c.north, c.south, c.retail, c.trades...)
		if s := o.settled; s.LostEnergy != c.lost || s.LossCost != c.cost {
			t.Errorf("%s: %d Wh are lost and cost %d, want %d and %d", c.what, s.LostEnergy, s.LossCost, c.lost, c.cost)
		}
		if s := o.settled; s.Network < s.LossCost {
			t.Errorf("%s: the network gets %d and pays %d", c.what, s.Network, s.LossCost)
		}
	}
}

func TestOverloads(t *testing.T) {
	overload := func(zone grid.ZoneID, flow, limit quantity.Energy) Overload {
		return Overload{Microgrid: 10, Zone: zone, Flow: flow, Limit: limit}
	}
	for _, c := range []struct {
		what         string
		north, south metering.Position
		want         []Overload
	}{
		{"at its limit a line is not over it", metering.Position{Export: 500}, metering.Position{}, nil},
		{"too much to the parent", metering.Position{Export: 501}, metering.Position{}, []Overload{overload(12, 501, 500)}},
		{"two lines", metering.Position{Export: 1_100}, metering.Position{}, []Overload{overload(12, 1_100, 500), overload(21, 1_100, 1_000)}},
		{
			"too much from the parent, over a line that is closed, too",
			metering.Position{Import: 400},
			metering.Position{Import: 1},
			[]Overload{overload(12, -401, 400), overload(22, -1, 0)},
		},
		{"below the transformer it is settled", metering.Position{Export: 900}, metering.Position{Import: 900}, []Overload{overload(22, -900, 0)}},
	} {
		if o := flowed(c.north, c.south, 320); !slices.Equal(o.overloads, c.want) {
			t.Errorf("%s: %+v, want %+v", c.what, o.overloads, c.want)
		}
	}
}

// TestDeepTree adds what flows out of each zone to all lines above it, whatever
// the order of their numbers.
func TestDeepTree(t *testing.T) {
	tree := []grid.Node{{Zone: 1, Parent: 3}, {Zone: 2, Parent: 1}, {Zone: 3, Parent: 4}, {Zone: 4}}
	zones := []ZoneTotal{{Supply: 10}, {Supply: 5, Demand: 100}, {Demand: 1_000}, {Supply: 7}}
	if got, want := flows(tree, zones), []quantity.Energy{-85, -95, -1_085, 0}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
