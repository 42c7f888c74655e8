package report

import (
	"io"
	"math/bits"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/view"
)

// Matching is how well production met use, interval by interval, and where the rest
// came from (EnergyTag, 24/7 matching). Three things are told apart: what was produced
// as it was used, whatever was agreed on it; the residual, which certificates left;
// and what the supplier delivered.
type Matching struct {
	Used     quantity.Energy `json:"used_wh"` // Charged batteries included.
	Produced quantity.Energy `json:"produced_wh"`
	Matched  quantity.Energy `json:"matched_wh"`  // Of each interval the lesser of the two.
	Claimed  quantity.Energy `json:"claimed_wh"`  // Of the use, with certificates that were used up with it.
	Residual quantity.Energy `json:"residual_wh"` // Of the use, without one.
	Supplied quantity.Energy `json:"supplied_wh"` // By the supplier.
	Score    uint64          `json:"score_ppm"`   // Matched of Used, in millionths, rounded down.
	Carbon   *Emissions      `json:"carbon,omitempty"`
}

// Emissions is what energy from the grid emitted, by the factor of each interval
// (GHG Protocol Scope 2). An interval whose factor is missing is none of it; its energy
// is told apart.
type Emissions struct {
	Series string `json:"series_sha256"` // The file of factors.
	// Supplied is of what the supplier delivered, which is location-based; Residual is
	// of what certificates left, which is market-based, as long as no residual mix of
	// the grid is known: both with the factors of the series.
	Supplied         quantity.Mass   `json:"supplied_mg"`
	Residual         quantity.Mass   `json:"residual_mg"`
	SuppliedUnknown  quantity.Energy `json:"supplied_without_factor_wh"`
	ResidualUnknown  quantity.Energy `json:"residual_without_factor_wh"`
	IntervalsUnknown int64           `json:"intervals_without_factor"`
}

// Match says it of one interval.
func Match(m view.Matched, c *community.Carbon) Matching {
	used := max(m.Used, 0) // Batteries may give more than all homes take: nothing is used then.
	sum := Matching{
		Used: used, Produced: m.Produced, Matched: max(min(m.Produced, used), 0), Claimed: m.Claimed,
		Residual: max(quantity.MustSub(used, m.Claimed), 0), Supplied: m.Bought,
	}
	if c == nil {
		return sum
	}
	sum.Carbon = &Emissions{Series: c.SHA256()}
	if factor, known := c.At(m.Start); known {
		sum.Carbon.Supplied, sum.Carbon.Residual = quantity.MustEmitted(sum.Supplied, factor), quantity.MustEmitted(sum.Residual, factor)
	} else {
		sum.Carbon.SuppliedUnknown, sum.Carbon.ResidualUnknown, sum.Carbon.IntervalsUnknown = sum.Supplied, sum.Residual, 1
	}
	return sum
}

// Add adds another interval, or several; the score is told again.
func (m *Matching) Add(o Matching) {
	m.Used, m.Produced = quantity.MustAdd(m.Used, o.Used), quantity.MustAdd(m.Produced, o.Produced)
	m.Matched, m.Claimed = quantity.MustAdd(m.Matched, o.Matched), quantity.MustAdd(m.Claimed, o.Claimed)
	m.Residual, m.Supplied = quantity.MustAdd(m.Residual, o.Residual), quantity.MustAdd(m.Supplied, o.Supplied)
	m.Score = Score(m.Matched, m.Used)
	if o.Carbon == nil {
		return
	}
	if m.Carbon == nil {
		m.Carbon = &Emissions{Series: o.Carbon.Series}
	}
	c := m.Carbon
	c.Supplied, c.Residual = quantity.MustAdd(c.Supplied, o.Carbon.Supplied), quantity.MustAdd(c.Residual, o.Carbon.Residual)
	c.SuppliedUnknown = quantity.MustAdd(c.SuppliedUnknown, o.Carbon.SuppliedUnknown)
	c.ResidualUnknown = quantity.MustAdd(c.ResidualUnknown, o.Carbon.ResidualUnknown)
	c.IntervalsUnknown += o.Carbon.IntervalsUnknown
}

// Score is a part of a use in millionths, rounded down; of no use it is none.
func Score(part, use quantity.Energy) uint64 {
	if use <= 0 || part <= 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(part), 1_000_000)
	score, _ := bits.Div64(hi, lo, uint64(use))
	return score
}

const hourLength interval.Time = 3600

// matchingOf sums intervals up; nil where none are settled.
func (r *run) matchingOf() (*Matching, error) {
	var sum *Matching
	err := r.reader.Matches(r.microgrid.ID, r.settled, func(m view.Matched) error {
		if sum == nil {
			sum = &Matching{}
		}
		sum.Add(Match(m, r.names.Carbon))
		return nil
	})
	return sum, err
}

// MatchingHeader is the header of matching.csv: emissions are empty where no series is
// named, or where it has no factor for some energy of the hour, which the columns
// before say.
var MatchingHeader = []string{
	"start", "used_wh", "produced_wh", "matched_wh", "claimed_wh", "residual_wh", "supplied_wh",
	"supplied_without_factor_wh", "residual_without_factor_wh", "supplied_mg_co2", "residual_mg_co2",
}

// matching writes the hours, with what their intervals sum to.
func (r *run) matching(w io.Writer) error {
	return MatchingCSV(w, func(yield func(interval.Time, Matching) error) error {
		return r.reader.Matches(r.microgrid.ID, r.settled, func(m view.Matched) error { return yield(m.Start, Match(m, r.names.Carbon)) })
	})
}

// MatchingCSV writes hours, each with what its intervals sum to; each gives the
// intervals by start.
//
// Errors: those of each and of the writer.
func MatchingCSV(w io.Writer, each func(yield func(interval.Time, Matching) error) error) error {
	return table(w, MatchingHeader, func(row func(...string) error) error {
		var hour Matching
		var at interval.Time
		flush := func() error {
			if at == 0 {
				return nil
			}
			return row(append([]string{utc(at)}, hour.fields()...)...)
		}
		err := each(func(start interval.Time, m Matching) error {
			if start -= start % hourLength; start != at {
				if err := flush(); err != nil {
					return err
				}
				at, hour = start, Matching{}
			}
			hour.Add(m)
			return nil
		})
		if err != nil {
			return err
		}
		return flush()
	})
}

// fields are the columns of an hour.
func (m *Matching) fields() []string {
	list := []string{digits(m.Used), digits(m.Produced), digits(m.Matched), digits(m.Claimed), digits(m.Residual), digits(m.Supplied)}
	c := m.Carbon
	if c == nil {
		return append(list, "", "", "", "")
	}
	supplied, residual := digits(c.Supplied), digits(c.Residual)
	if c.SuppliedUnknown != 0 {
		supplied = ""
	}
	if c.ResidualUnknown != 0 {
		residual = ""
	}
	return append(list, digits(c.SuppliedUnknown), digits(c.ResidualUnknown), supplied, residual)
}
