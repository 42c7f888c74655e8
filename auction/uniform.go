package auction

import "github.com/commonwatt/commonwatt/quantity"

// payUniform pays every trade at one price per zone, class and stage.
func payUniform(r *Result, stages []*stage) {
	r.pay(stages, func(s *stage) tariff {
		t, err := newAdmissible(s, s.book.Rule).paid(s.greenTrades(Buy) || s.greenTrades(Sell))
		assert(err == nil, "an optimum without admissible prices")
		return t
	})
}

// tariff is what a stage's orders pay and get.
type tariff struct {
	zone    []int64 // Per zone the price of any energy.
	premium int64   // What green energy costs above it.
}

func (t *tariff) price(zone uint32, class Class) quantity.Price {
	if class == Green {
		return quantity.Price(t.zone[zone] + t.premium)
	}
	return quantity.Price(t.zone[zone])
}

// pay pays each stage's trades by a tariff.
func (r *Result) pay(stages []*stage, tariffOf func(*stage) tariff) {
	tariffs := make([]tariff, len(stages))
	for i, s := range stages {
		tariffs[i] = tariffOf(s)
		r.list(s, &tariffs[i])
	}
	orders := stages[0].book.Orders
	r.settle(stages, func(stage int, f Fill) Fill {
		o := &orders[f.Order]
		f.Price = tariffs[stage].price(o.Zone, o.Class)
		f.Amount = money(f.Energy, f.Price)
		return f
	})
}

// list adds the prices of a stage's zones and classes that have a fill.
func (r *Result) list(s *stage, t *tariff) {
	for zone := range int32(len(s.lines)) { //nolint:gosec // a book has fewer than 2^29 zones
		for class := Any; class <= Green; class++ {
			if s.trades(zone, class, Buy) || s.trades(zone, class, Sell) {
				z := uint32(zone)
				r.Prices = append(r.Prices, ZonePrice{Zone: z, Class: class, Stage: s.kind, Price: t.price(z, class)})
			}
		}
	}
}
