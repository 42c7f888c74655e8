package attribution

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/commonwatt/commonwatt/quantity"
)

// Days as households know them.
func TestOf(t *testing.T) {
	for _, c := range []struct {
		name string
		m    Metered
		want map[[2]Place]quantity.Energy
	}{
		{"night without a battery", Metered{BoughtLocal: 30, BoughtGrid: 70}, map[[2]Place]quantity.Energy{
			{Neighbours, Home}: 30, {Grid, Home}: 70,
		}},
		{"the battery carries the night", Metered{Discharged: 80}, map[[2]Place]quantity.Energy{{Battery, Home}: 80}},
		{"a sunny noon", Metered{Produced: 1000, Charged: 300, SoldLocal: 200, SoldGrid: 100}, map[[2]Place]quantity.Energy{
			{Roof, Home}: 400, {Roof, Battery}: 300, {Roof, Neighbours}: 200, {Roof, Grid}: 100,
		}},
		{"the battery helps out and sells", Metered{Produced: 50, Discharged: 500, SoldLocal: 100}, map[[2]Place]quantity.Energy{
			{Roof, Neighbours}: 50, {Battery, Neighbours}: 50, {Battery, Home}: 450,
		}},
		{"bought and sold in one quarter of an hour", Metered{Produced: 100, BoughtLocal: 40, SoldGrid: 60}, map[[2]Place]quantity.Energy{
			{Roof, Grid}: 60, {Roof, Home}: 40, {Neighbours, Home}: 40,
		}},
		{"the battery filled from the grid", Metered{Charged: 200, BoughtGrid: 250}, map[[2]Place]quantity.Energy{
			{Grid, Home}: 50, {Grid, Battery}: 200,
		}},
		{"panels without a meter", Metered{SoldLocal: 300}, map[[2]Place]quantity.Energy{{Roof, Neighbours}: 300}},
		{"a Wh more into the battery than there was", Metered{Produced: 100, Charged: 101}, map[[2]Place]quantity.Energy{{Roof, Battery}: 101}},
	} {
		got := Of(c.m)
		for from := range Place(Places) {
			for to := range Place(Places) {
				if got[from][to] != c.want[[2]Place{from, to}] {
					t.Errorf("%s: %v to %v is %d, want %d", c.name, from, to, got[from][to], c.want[[2]Place{from, to}])
				}
			}
		}
	}
}

// Whatever the meters say, sources and sinks sum to it: exactly what was bought,
// sold, charged and discharged, and at least what was produced.
func TestSums(t *testing.T) {
	energy := rapid.Custom(func(t *rapid.T) quantity.Energy {
		return quantity.Energy(rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(0, 4), rapid.Int64Range(0, 1<<28)).Draw(t, "Wh"))
	})
	rapid.Check(t, func(t *rapid.T) {
		m := Metered{
			energy.Draw(t, "produced"), energy.Draw(t, "charged"), energy.Draw(t, "discharged"),
			energy.Draw(t, "bought local"), energy.Draw(t, "bought grid"), energy.Draw(t, "sold local"), energy.Draw(t, "sold grid"),
		}
		f := Of(m)
		for _, c := range []struct {
			name      string
			got, want quantity.Energy
		}{
			{"bought from neighbours", f.From(Neighbours), m.BoughtLocal},
			{"bought from the grid", f.From(Grid), m.BoughtGrid},
			{"sold to neighbours", f.To(Neighbours), m.SoldLocal},
			{"sold to the grid", f.To(Grid), m.SoldGrid},
			{"charged", f.To(Battery), m.Charged},
			{"discharged", f.From(Battery), m.Discharged},
			{"made above what is metered", max(f.From(Roof), m.Produced), f.From(Roof)},
		} {
			if c.got != c.want {
				t.Fatalf("%s: %d, want %d (%+v)", c.name, c.got, c.want, m)
			}
		}
		for from := range f {
			for to, e := range f[from] {
				if e < 0 || Place(from) == Home && e != 0 || Place(to) == Roof && e != 0 {
					t.Fatalf("%v to %v: %d (%+v)", Place(from), Place(to), e, m)
				}
			}
		}
		if used := quantity.MustAdd(m.BoughtLocal, m.BoughtGrid); f[Neighbours][Neighbours]+f[Neighbours][Grid]+f[Grid][Grid]+f[Grid][Neighbours] != 0 {
			t.Fatalf("%d was bought and passed on (%+v)", used, m)
		}
	})
}
