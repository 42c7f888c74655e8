package metering

import (
	"math/bits"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
)

// MaxSpread bounds the intervals over which energy is spread: a month of quarters.
const MaxSpread = 2976

// Outage is intervals of which one sum is known: what a device took and gave in all of
// them.
type Outage struct {
	Device grid.DeviceID
	First  interval.Time // Start of the first interval.
	Last   interval.Time // Start of the last one.
	Import quantity.Energy
	Export quantity.Energy
}

// Spread divides the sum of an outage over its intervals, as substitutes by start, and
// says how: evenly up to two hours, else in proportion to what the device measured
// on like days before it. The values of all intervals add up to the sum, to the
// unit. Those before from are left out, and so are all but the last MaxSpread.
func (g Outage) Spread(s state.Reader, id grid.MicrogridID, m grid.Microgrid, from interval.Time) ([]Value, Way) {
	length := interval.Time(m.Length)
	n := int64((g.Last-g.First)/length) + 1
	first := max(0, n-MaxSpread, int64((max(from, g.First)-g.First)/length))
	way := Evenly
	imported, exported := even(g.Import, n), even(g.Export, n)
	if n*int64(length) > shortGap && n <= MaxSpread {
		if in, out, ok := g.weights(s, id, length, n); ok {
			way = LikeDays
			imported, exported = weighted(g.Import, in, imported), weighted(g.Export, out, exported)
		}
	}
	values := make([]Value, 0, max(0, n-first))
	for i := first; i < n; i++ {
		values = append(values, Value{
			Device: g.Device, Import: imported(i+1) - imported(i), Export: exported(i+1) - exported(i), Quality: Substituted,
		})
	}
	return values, way
}

// risen is how far a register has risen after some intervals of a gap.
type risen func(intervals int64) quantity.Energy

// even is a register that rises evenly by total over n intervals, rounded down.
func even(total quantity.Energy, n int64) risen {
	whole, rest := int64(total)/n, int64(total)%n
	return func(i int64) quantity.Energy {
		return quantity.Energy(whole*i + rest*i/n) // whole × i ≤ total; n is what lies between two block times, in intervals.
	}
}

// weighted is a register that rises in proportion to weights, rounded down; where
// they are all zero, as another one does.
func weighted(total quantity.Energy, weights []quantity.Energy, otherwise risen) risen {
	sums := make([]uint64, len(weights)+1)
	for i, w := range weights {
		sums[i+1] = sums[i] + uint64(w) //nolint:gosec // ≤ 2976 × 2^28
	}
	all := sums[len(weights)]
	if all == 0 {
		return otherwise
	}
	return func(i int64) quantity.Energy {
		hi, lo := bits.Mul64(uint64(total), sums[i]) //nolint:gosec // ≥ 0
		share, _ := bits.Div64(hi, lo, all)
		return quantity.Energy(share) //nolint:gosec // ≤ total
	}
}

// weights returns what the device took and gave in the like intervals before the
// gap, and whether any was measured. An interval that has none gets the mean.
func (g Outage) weights(s state.Reader, id grid.MicrogridID, length interval.Time, n int64) (imported, exported []quantity.Energy, ok bool) {
	before := map[interval.Time]Value{} // What the device had, each interval read once; no quality where nothing was measured.
	measured := func(start interval.Time) Value {
		v, read := before[start]
		if !read {
			row, _ := history.Get(s, Moment{id, start})
			if i, found := find(row.Values, g.Device); found && row.Values[i].Quality == Actual {
				v = row.Values[i]
			}
			before[start] = v
		}
		return v
	}
	var in, out, found quantity.Energy
	known := make([]bool, n)
	imported, exported = make([]quantity.Energy, n), make([]quantity.Energy, n)
	for i := range n {
		start := g.First + interval.Time(i)*length
		for _, days := range likeDays {
			like := start - interval.Time(days)*day
			if like >= g.First {
				continue
			}
			if v := measured(like); v.Quality == Actual {
				imported[i], exported[i], known[i] = v.Import, v.Export, true
				in, out, found = in+v.Import, out+v.Export, found+1 // ≤ 2976 × 2^28
				break
			}
		}
	}
	if found == 0 {
		return nil, nil, false
	}
	for i := range n {
		if !known[i] {
			imported[i], exported[i] = (in+found-1)/found, (out+found-1)/found
		}
	}
	return imported, exported, true
}
