package bridge

import (
	"fmt"
	"time"

	"github.com/commonwatt/commonwatt/interval"
)

// reading is what a register showed at a moment.
type reading struct {
	at time.Time
	wh micro
}

// shown is a reading of one of a meter's registers.
type shown struct {
	reading
	meter, register int
}

// near finds what the registers of a meter showed nearest to the end of an interval.
type near struct {
	length interval.Length
	within time.Duration
	end    interval.Time // That is looked for.
	seen   []around      // Of each register.
}

// around is what a register showed last before the end, first at or after it, and last
// of all.
type around struct{ before, after, latest *reading }

// newNear begins with the first interval that ends after a moment.
func newNear(length interval.Length, within time.Duration, from time.Time) near {
	return near{length: length, within: within, end: endAfter(from, length)}
}

// endAfter is the first end of an interval after a moment.
func endAfter(at time.Time, length interval.Length) interval.Time {
	return length.Containing(interval.Time(at.Unix())).Start + interval.Time(length)
}

// take notes a reading of a register.
func (n *near) take(register int, r reading) {
	for len(n.seen) <= register {
		n.seen = append(n.seen, around{})
	}
	s := &n.seen[register]
	s.latest = &r
	switch before := r.at.Before(time.Unix(int64(n.end), 0)); {
	case before:
		s.before = &r
	case s.after == nil:
		s.after = &r
	}
}

// due reports whether all that can be known of the end is known: each register was read
// after it, or it is too late for that. It returns what each showed nearest to the end,
// the earlier of equals, or nil where that was too far away.
func (n *near) due(registers int, now time.Time) (end interval.Time, at []*reading, due bool) {
	moment := time.Unix(int64(n.end), 0)
	at = make([]*reading, registers)
	for len(n.seen) < registers {
		n.seen = append(n.seen, around{})
	}
	due = true
	for i, s := range n.seen {
		due = due && s.after != nil
		far := n.within + 1
		if s.before != nil && moment.Sub(s.before.at) < far {
			at[i], far = s.before, moment.Sub(s.before.at)
		}
		if s.after != nil && s.after.at.Sub(moment) < far {
			at[i] = s.after
		}
	}
	return n.end, at, due || now.Sub(moment) > n.within
}

// next looks for the next end of which something can still be known.
func (n *near) next(now time.Time) {
	n.end = max(n.end+interval.Time(n.length), endAfter(now.Add(-n.within-1), n.length))
	for i, s := range n.seen {
		n.seen[i] = around{}
		if s.latest != nil {
			n.take(i, *s.latest)
		}
	}
}

// gauge believes a register: it only counts up, and not beyond measure.
type gauge struct {
	last, doubt *reading
}

// powerMax is the most that a home's meter may mean between two readings, in W. Above
// it, the unit is probably wrong.
const powerMax = 250_000

// take returns the reading, or nil when it contradicts the one before and no other has
// confirmed it yet; why says how. So a zero while a plug starts is not believed, and the
// register of another plug in its place is, from its second reading on.
func (g *gauge) take(s shown) (*reading, string) {
	r := s.reading
	why := against(g.last, &r)
	switch {
	case why == "":
	case g.doubt != nil && against(g.doubt, &r) == "":
	default:
		g.doubt = &r
		return nil, why
	}
	g.last, g.doubt = &r, nil
	return &r, ""
}

// against says how a reading contradicts one before it.
func against(before, r *reading) string {
	switch {
	case before == nil:
		return ""
	case r.wh < before.wh:
		return fmt.Sprintf("it showed %s Wh before, and a register does not fall", before.wh)
	case overPower(r.wh-before.wh, r.at.Sub(before.at)):
		return fmt.Sprintf("it showed %s Wh before: that would be more than %d kW; is the unit right?", before.wh, powerMax/1000)
	}
	return ""
}

// overPower reports whether an energy in a time is more than powerMax. Meters publish
// in bursts, so the time is taken as a minute at least.
func overPower(rise micro, in time.Duration) bool {
	seconds := int64(max(in, time.Minute) / time.Second)
	return int64(rise)/perWh > powerMax*seconds/3600
}
