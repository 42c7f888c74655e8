package auction

import "github.com/commonwatt/commonwatt/quantity"

// tariff is what a stage's orders pay and get.
type tariff struct {
	zone    []int64 // Per zone the price of any energy.
	premium int64   // What green energy costs above it.
}

// newTariff is the tariff of a stage by the book's rule, or says why no prices fit
// its trades.
func newTariff(s *stage) (tariff, error) {
	return newAdmissible(s, s.book.Rule).paid(s.greenTrades(Buy) || s.greenTrades(Sell))
}

func (t *tariff) price(zone uint32, class Class) quantity.Price {
	if class == Green {
		return quantity.Price(t.zone[zone] + t.premium)
	}
	return quantity.Price(t.zone[zone])
}

// clearUniform makes the optimal trades at one price per zone, class and stage.
func clearUniform(b *Book) *Result {
	stages := optimal(b)
	tariffs := make([]tariff, len(stages))
	r := newResult(stages)
	for i, s := range stages {
		t, err := newTariff(s)
		assert(err == nil, "an optimum without admissible prices")
		tariffs[i] = t
		r.list(s, &tariffs[i])
	}
	r.settle(stages, func(stage int, order uint32) quantity.Price {
		o := &b.Orders[order]
		return tariffs[stage].price(o.Zone, o.Class)
	})
	return r
}
