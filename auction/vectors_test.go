package auction_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/commonwatt/commonwatt/auction"
	"github.com/commonwatt/commonwatt/quantity"
)

// peerVector is a scenario with the result another system's own tests state.
type peerVector struct {
	ID     string
	Bids   []peerOrder
	Offers []peerOrder
	Given  struct {
		MeterDelta []float64       `json:"meter_delta"`
		Curves     [][][2]float64  `json:"curves_run_length"`
		MaxPrice   float64         `json:"max_price"`
		PriceSteps int             `json:"price_steps"`
		Curve      []float64       `json:"curve"`
		Floor      quantity.Energy `json:"floor"`
		Ceiling    quantity.Energy `json:"ceiling"`
	}
	Expected struct {
		ClearingPrice  float64   `json:"clearing_price"`
		ClearingEnergy float64   `json:"clearing_energy"`
		MatchEnergies  []float64 `json:"match_energies"`
		Matches        []struct {
			Bid, Offer    string
			Energy, Price float64
		}
		RemainingDelta []float64         `json:"remaining_delta"`
		CurveAfter     []quantity.Energy `json:"curve_after"`
		Price          float64
		BuyerPays      float64 `json:"buyer_pays"`
		SellerRevenue  float64 `json:"seller_revenue"`
	}
}

type peerOrder struct {
	ID, Owner     string
	Price, Energy float64
	Zone          any
}

// Scales make the vectors' decimals whole.
const (
	wh   = 10      // Per unit of energy.
	unit = 100_000 // Per unit of price.
)

// treatment is how a vector is used.
type treatment struct {
	// How it runs; nil: it does not, and why says so.
	run func(t *testing.T, v *peerVector)
	// Whether we trade and price as the peer does, or decide otherwise.
	why string
}

// treatments accounts for every vector.
var treatments = map[string]treatment{
	"gsy-pab-01":    {paidAsBid(samePurchases), "the same trades, though the peer takes the dearest offer that fits first"},
	"gsy-pab-03":    {paidAsBid(samePurchases), "no trade: the bid is below the offer"},
	"gsy-pab-05":    {paidAsBid(purchases(map[string]int64{"1": 200, "2": 200, "3": 200})), "the peer forbids an owner to trade with itself; ours clears everyone's orders alike, since netting before clearing costs welfare"},
	"gsy-pab-07":    {paidAsBid(samePurchases), "no trade: the bid is below the offer"},
	"gsy-pab-09":    {paidAsBid(purchases(map[string]int64{"bid_id3": 20})), "the highest bid buys, as the peer's match says"},
	"gsy-pac-02":    {clears(1200, 1.5), "the peer prices at 2 and cuts off bid 7, which would have paid 1.5: it trades 95 of 120"},
	"gsy-pac-04":    {samePrice, "price 4, 4 units"},
	"gsy-pac-06":    {clears(30, 4.5), "the same 3 units; the peer takes 5, the top of what clears, ours the middle of 4 and 5"},
	"gsy-pac-08":    {samePrice, "price 5, 5 units"},
	"gsy-alloc-01":  {nil, "a step of the peer's algorithm: it deals out a given volume in list order, to orders whose limits do not allow it"},
	"gsy-alloc-03":  {nil, "as gsy-alloc-01"},
	"gsy-alloc-05":  {refusedTotal, "as gsy-alloc-01; and the bid of 90 GWh is more than a book may hold"},
	"gsy-fee-02":    {feePath, "charges of a path: the gap between buyer and seller is 0.04; paid as bid, 0.30 and 0.26, as the peer's"},
	"gsy-fee-04":    {nil, "a fee as a share of the price; ours are per Wh, as networks charge"},
	"gsy-settle-01": {nil, "deviations are settled, not auctioned: the settlement's tests"},

	"simply-pac-02":   {clears(10, 2.25), "the peer prices at the highest ask matched; ours splits what both gain"},
	"simply-pac-04":   {purchases(map[string]int64{"b0": 1, "b1": 19}), "the same energies"},
	"simply-pac-06":   {marketMaker, "the market maker is our utility: the same buyer, the same 6 for what the utility sells"},
	"simply-pac-08":   {sellersApart, "the same energies and price 3, as the ask's zone pays the charge of 1"},
	"simply-pab-02":   {paidAsBid(purchases(map[string]int64{"b": 1000})), "the same energy"},
	"simply-pab-04":   {sellersApart, "the same energies .1, .2 and .7"},
	"simply-best-02":  {sameZonePurchases, "no trade: the charge is more than what both would gain"},
	"simply-best-04":  {sameZonePurchases, "the buyer across the line is worth more after the charge"},
	"simply-best-06":  {zonePurchases(map[string]int64{"b4": 100}), "the same energy"},
	"simply-doc-pab":  {paidAsBid(sameZonePurchases), "the same trades"},
	"simply-doc-best": {zonePurchases(map[string]int64{"0": 1, "2": 1}), "the peer keeps the offers at home, where they are worth 7 instead of 10 - 1"},

	"dauction-02": {samePurchases, "no trade"},
	"dauction-04": {splits(20, 8), "the middle of the pair is our split"},
	"dauction-06": {splits(20, 9.5), "the middle of the pair is our split"},

	"netting-02": {netting, "everything nets"},
	"netting-04": {netting, "surplus left over is shared pro rata by largest remainder"},
	"netting-06": {netting, "need left over, the same way"},

	"powermatcher-iaf1":       {crossing(math.NaN()), "nobody supplies at any price, so ours has no trade and no price; the peer says the most it knows"},
	"powermatcher-iaf3-test1": {crossing(25), "the same price"},
	"powermatcher-iaf5":       {crossing(6), "demand crosses zero at the step at 6; the peer rounds to the grid point with the least imbalance, 5"},
	"powermatcher-iaf07":      {crossing(2), "the same price"},
	"powermatcher-iaf09":      {crossing(1), "the same price"},
	"powermatcher-iaf11":      {crossing(0.2), "as powermatcher-iaf5: the step is at 0.2, the peer says 0.1"},
	"powermatcher-peak-01":    {clip, "a line limit clips the curve of what is below it"},
}

// TestPeersVectors runs every vector that our modes can state, and says of
// every other why not.
func TestPeersVectors(t *testing.T) {
	shared := os.Getenv("COMMONWATT_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "shared")
	}
	raw, err := os.ReadFile(filepath.Join(shared, "vectors", "market.json"))
	if err != nil {
		t.Skipf("the shared vectors are not here: %v", err)
	}
	var file struct{ Vectors []peerVector }
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) != len(treatments) {
		t.Errorf("%d vectors for %d treatments", len(file.Vectors), len(treatments))
	}
	for i := range file.Vectors {
		v := &file.Vectors[i]
		t.Run(v.ID, func(t *testing.T) {
			how, known := treatments[v.ID]
			switch {
			case !known:
				t.Fatal("this vector has no treatment")
			case how.run == nil:
				t.Skip(how.why)
			}
			how.run(t, v)
		})
	}
}

// scaled is a decimal as an integer.
func scaled(v float64, by int64) int64 { return int64(math.Round(v * float64(by))) }

// bookOf states a vector's orders in one zone, or in two a charge of 1 apart.
func bookOf(v *peerVector, rule auction.PriceRule) *auction.Book {
	b := &auction.Book{
		Zones:  []auction.Zone{line("0", auction.NoParent, 0), line("1", 0, unit)},
		Owners: []string{"one"},
		Rule:   rule,
	}
	add := func(side auction.Side, orders []peerOrder) {
		for _, o := range orders {
			zone := uint32(0)
			if o.Zone == 1.0 {
				zone = 1
			}
			b.Orders = append(b.Orders, auction.Order{
				ID: o.ID, Zone: zone, Side: side,
				Energy: quantity.Energy(scaled(o.Energy, wh)), Limit: quantity.Price(scaled(o.Price, unit)),
			})
		}
	}
	add(auction.Buy, v.Bids)
	add(auction.Sell, v.Offers)
	return b
}

func line(id string, parent int32, charge quantity.Price) auction.Zone {
	return auction.Zone{ID: id, Parent: parent, Charge: charge, ExportLimit: auction.NoLimit, ImportLimit: auction.NoLimit}
}

// audited clears a book and audits how.
func audited(t *testing.T, b *auction.Book) *auction.Result {
	t.Helper()
	if err := judge(b); err != nil {
		t.Fatal(err)
	}
	return auction.Clear(b)
}

// bought is what each bid with a fill bought.
func bought(b *auction.Book, r *auction.Result) map[string]int64 {
	out := make(map[string]int64)
	for _, f := range r.Fills {
		if o := b.Orders[f.Order]; o.Side == auction.Buy {
			out[o.ID] += int64(f.Energy)
		}
	}
	return out
}

func sum(energies map[string]int64) (total int64) {
	for _, e := range energies {
		total += e
	}
	return total
}

// matched is what each bid bought by the peer's own matches.
func matched(v *peerVector) map[string]int64 {
	out := make(map[string]int64)
	for _, m := range v.Expected.Matches {
		out[m.Bid] += scaled(m.Energy, wh)
	}
	return out
}

// samePurchases expects each bid to buy what the peer says.
func samePurchases(t *testing.T, v *peerVector) { purchases(matched(v))(t, v) }

func sameZonePurchases(t *testing.T, v *peerVector) { zonePurchases(matched(v))(t, v) }

// purchases expects each bid to buy this many Wh, under both price rules.
func purchases(want map[string]int64) func(*testing.T, *peerVector) {
	return func(t *testing.T, v *peerVector) {
		for _, rule := range []auction.PriceRule{auction.SplitRule, auction.ClearingRule} {
			b := bookOf(v, rule)
			if got := bought(b, audited(t, b)); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("rule %d: bought %v instead of %v", rule, got, want)
			}
		}
	}
}

// paidAsBid also clears the vector in the mode of its mechanism, where each
// buyer pays its bid.
func paidAsBid(run func(*testing.T, *peerVector)) func(*testing.T, *peerVector) {
	return func(t *testing.T, v *peerVector) {
		run(t, v)
		b := bookOf(v, auction.SplitRule)
		b.Mode = auction.PayAsBid
		r := auction.Clear(b)
		if err := auction.Check(b, r); err != nil {
			t.Error(err)
		}
		for _, f := range r.Fills {
			if o := b.Orders[f.Order]; o.Side == auction.Buy && f.Price != o.Limit {
				t.Errorf("%s pays %d instead of its bid %d", o.ID, f.Price, o.Limit)
			}
		}
	}
}

// zonePurchases is purchases where the vector's zones matter.
func zonePurchases(want map[string]int64) func(*testing.T, *peerVector) {
	return func(t *testing.T, v *peerVector) {
		if b := bookOf(v, auction.SplitRule); !slices.ContainsFunc(b.Orders, func(o auction.Order) bool { return o.Zone == 1 }) {
			t.Fatal("no order is in zone 1")
		}
		purchases(want)(t, v)
	}
}

// samePrice expects the peer's clearing price and energy.
func samePrice(t *testing.T, v *peerVector) {
	clears(scaled(v.Expected.ClearingEnergy, wh), v.Expected.ClearingPrice)(t, v)
}

// clears expects an energy and a price by the clearing rule.
func clears(energy int64, price float64) func(*testing.T, *peerVector) {
	return priced(auction.ClearingRule, energy, price)
}

// splits expects an energy and a price by the split rule, which must be the
// peer's.
func splits(energy int64, price float64) func(*testing.T, *peerVector) {
	return func(t *testing.T, v *peerVector) {
		if v.Expected.ClearingPrice != price || scaled(v.Expected.ClearingEnergy, wh) != energy {
			t.Fatalf("the peer says %v for %v", v.Expected.ClearingPrice, v.Expected.ClearingEnergy)
		}
		priced(auction.SplitRule, energy, price)(t, v)
	}
}

func priced(rule auction.PriceRule, energy int64, price float64) func(*testing.T, *peerVector) {
	return func(t *testing.T, v *peerVector) {
		b := bookOf(v, rule)
		r := audited(t, b)
		if got := sum(bought(b, r)); got != energy {
			t.Errorf("%d Wh trade instead of %d", got, energy)
		}
		if got := int64(r.Prices[0].Price); got != scaled(price, unit) {
			t.Errorf("price %d instead of %d", got, scaled(price, unit))
		}
	}
}
