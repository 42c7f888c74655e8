package report

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/settlement"
)

// overload is a line over its limit, in one interval after the other. Its flow is
// the largest.
type overload struct {
	settlement.Overload
	end       interval.Time // First moment after it.
	intervals int64
}

// overloads yields overloads by the name of the zone and start.
func (r *run) overloads(yield func(overload) error) error {
	var all []overload
	length := interval.Time(r.microgrid.Length)
	err := r.reader.Overloads(r.microgrid.ID, r.settled, func(o settlement.Overload) error {
		next := overload{o, o.Start + length, 1}
		if n := len(all); n == 0 || !all[n-1].takes(next) {
			all = append(all, next)
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(all, func(a, b overload) int { return cmp.Compare(r.names.zone(a.Zone), r.names.zone(b.Zone)) })
	for _, o := range all {
		if err := yield(o); err != nil {
			return err
		}
	}
	return nil
}

// takes adds what follows an overload to it, and says whether it does.
func (o *overload) takes(next overload) bool {
	if o.Zone != next.Zone || o.end != next.Start || o.Limit != next.Limit || (o.Flow > 0) != (next.Flow > 0) {
		return false
	}
	o.end, o.intervals = next.end, o.intervals+next.intervals
	if next.size() > o.size() {
		o.Flow = next.Flow
	}
	return true
}

func (o *overload) size() quantity.Energy { return max(o.Flow, -o.Flow) }

// detail says what is the matter and what to do.
func (o *overload) detail() string {
	direction := "out of"
	if o.Flow < 0 {
		direction = "into"
	}
	flowed := fmt.Sprintf("%d Wh flowed %s the zone in one interval", o.size(), direction)
	if o.intervals != 1 {
		flowed = fmt.Sprintf("Up to %d Wh flowed %s the zone in each of %d intervals", o.size(), direction, o.intervals)
	}
	return fmt.Sprintf("%s, and its line's limit is %d Wh. All of it is settled; check the limit, or what can be shifted to another hour.", flowed, o.Limit)
}
