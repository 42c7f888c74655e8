// Package attribution says where a household's energy came from and where it
// went, of one interval of one connection point.
//
// Its promise: one rule, in whole Wh, feeds every page, chart and bill; what it
// gives sums, by source and by sink, to what the meters counted.
package attribution

import "github.com/commonwatt/commonwatt/quantity"

// Metered is what the meters of a connection point counted in one interval.
type Metered struct {
	Produced   quantity.Energy // By the household's own plants.
	Charged    quantity.Energy // Into its batteries.
	Discharged quantity.Energy // Out of them.

	BoughtLocal quantity.Energy // Taken from outside, from neighbours.
	BoughtGrid  quantity.Energy // Taken from outside, from the utility.
	SoldLocal   quantity.Energy // Given to neighbours.
	SoldGrid    quantity.Energy // Given to the utility.
}

// Place is where energy comes from or goes to.
type Place int

// Places. Roof is a source only and stands for every plant of the household; Home
// is a sink only and stands for all that it uses.
const (
	Roof Place = iota
	Battery
	Neighbours
	Grid
	Home
	Places = iota // How many there are.
)

// Flows is energy by source and sink.
type Flows [Places][Places]quantity.Energy

// Of attributes an interval. What left is of the roof first, then of the battery;
// what is left of the roof goes home, then into the battery, and so does, in this
// order, what the battery gave and what was bought. Neighbours come before the
// grid, on both sides.
//
// Registers count whole Wh and plants may have no meter of their own, so meters
// may disagree: what left and was neither made nor discharged counts as made by
// the roof; what was taken in and is nowhere counts as used at home, and what
// went into the battery beyond what there was counts as the roof's.
func Of(m Metered) Flows {
	out := quantity.MustAdd(m.SoldLocal, m.SoldGrid)
	in := quantity.MustAdd(m.BoughtLocal, m.BoughtGrid)
	roof, battery := m.Produced, m.Discharged
	if made := quantity.MustAdd(roof, battery); out > made {
		roof = quantity.MustAdd(roof, quantity.MustSub(out, made))
	}
	have := quantity.MustSub(quantity.MustAdd(quantity.MustAdd(roof, battery), in), out)
	if m.Charged > have {
		roof = quantity.MustAdd(roof, quantity.MustSub(m.Charged, have))
		have = m.Charged
	}
	home := quantity.MustSub(have, m.Charged)

	var f Flows
	sources := [...]struct {
		from Place
		left quantity.Energy
	}{{Roof, roof}, {Battery, battery}, {Neighbours, m.BoughtLocal}, {Grid, m.BoughtGrid}}
	// What leaves is poured from the plants, then everything else into the house.
	for i := range sources[:2] {
		for _, sink := range []struct {
			to   Place
			want *quantity.Energy
		}{{Neighbours, &m.SoldLocal}, {Grid, &m.SoldGrid}} {
			pour(&f, sources[i].from, sink.to, &sources[i].left, sink.want)
		}
	}
	for i := range sources {
		pour(&f, sources[i].from, Home, &sources[i].left, &home)
		pour(&f, sources[i].from, Battery, &sources[i].left, &m.Charged)
	}
	return f
}

// pour moves as much as there is and is wanted.
func pour(f *Flows, from, to Place, left, want *quantity.Energy) {
	e := min(*left, *want)
	f[from][to] = quantity.MustAdd(f[from][to], e)
	*left, *want = quantity.MustSub(*left, e), quantity.MustSub(*want, e)
}

// Add sums flows of several intervals or connection points.
func (f *Flows) Add(g Flows) {
	for from := range f {
		for to := range f[from] {
			f[from][to] = quantity.MustAdd(f[from][to], g[from][to])
		}
	}
}

// From is all that came from a source.
func (f *Flows) From(p Place) (sum quantity.Energy) {
	for _, e := range f[p] {
		sum = quantity.MustAdd(sum, e)
	}
	return sum
}

// To is all that went to a sink.
func (f *Flows) To(p Place) (sum quantity.Energy) {
	for from := range f {
		sum = quantity.MustAdd(sum, f[from][p])
	}
	return sum
}

// String is the name of a place in the API.
func (p Place) String() string {
	return [...]string{"roof", "battery", "neighbours", "grid", "home"}[p]
}
