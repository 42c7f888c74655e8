package report

import (
	"math/bits"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/view"
)

// Certificates is what was certified, and how well production met use hour by hour.
type Certificates struct {
	Lots      int64           `json:"lots"`
	Issued    quantity.Energy `json:"issued_wh"`
	Claimed   quantity.Energy `json:"claimed_wh"` // With the use of the energy.
	Cancelled quantity.Energy `json:"cancelled_wh"`
	Expired   quantity.Energy `json:"expired_wh"`
	Withdrawn quantity.Energy `json:"withdrawn_wh"`
	Held      quantity.Energy `json:"held_wh"`
	Used      quantity.Energy `json:"used_wh"`    // By all homes.
	Matched   quantity.Energy `json:"matched_wh"` // In each hour the lesser of what was produced and what was used.
	// Score is the share of use that production met in its hour, Matched of Used, in
	// millionths, rounded down (EnergyTag, 24/7 matching).
	Score uint64 `json:"score_ppm"`
}

const hourLength interval.Time = 3600

// certificates sums certificates up; nil where none were issued.
func (r *run) certificates() (*Certificates, error) {
	l, err := r.reader.Certified(r.microgrid.ID, r.settled)
	if err != nil || l.Count == 0 {
		return nil, err
	}
	c := &Certificates{
		Lots: l.Count, Issued: l.Issued, Claimed: l.Claimed, Cancelled: l.Cancelled,
		Expired: l.Expired, Withdrawn: l.Withdrawn, Held: l.Held(),
	}
	var hour view.Matched
	count := func() {
		c.Used = quantity.MustAdd(c.Used, hour.Used)
		c.Matched = quantity.MustAdd(c.Matched, max(min(hour.Produced, hour.Used), 0))
	}
	err = r.reader.Matches(r.microgrid.ID, r.settled, func(m view.Matched) error {
		m.Start -= m.Start % hourLength
		if m.Start != hour.Start {
			count()
			hour = view.Matched{Start: m.Start}
		}
		hour.Produced, hour.Used = quantity.MustAdd(hour.Produced, m.Produced), quantity.MustAdd(hour.Used, m.Used)
		return nil
	})
	count()
	if c.Used > 0 {
		hi, lo := bits.Mul64(uint64(c.Matched), 1_000_000) //nolint:gosec // ≥ 0
		c.Score, _ = bits.Div64(hi, lo, uint64(c.Used))
	}
	return c, err
}
