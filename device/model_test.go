package device

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/quantity"
)

// auditor remembers every message of a device that was taken and forgets none. It
// counts the energy of every interval anew from all of them.
type auditor struct {
	taken       map[uint64]Message // By sequence.
	graded      map[uint64]bool    // Which of them count.
	quarantined bool
}

// expects returns the statuses that a message may have, before it is taken. What
// lies far back may be forgotten.
func (a *auditor) expects(m Message) []Status {
	first, known := a.taken[m.Sequence]
	switch {
	case known && first == m:
		return []Status{Known, Refused}
	case known:
		return []Status{Refused}
	case a.quarantined || m.Clock == Unsynchronised:
		return []Status{Kept, Refused}
	}
	return []Status{Accepted, Refused}
}

// hears takes a message with its answer.
func (a *auditor) hears(m Message, answer Answer) {
	if answer.Status == Accepted || answer.Status == Kept {
		a.taken[m.Sequence], a.graded[m.Sequence] = m, answer.Status == Accepted
	}
	if answer.Code == ErrConflict.Code {
		a.quarantined = true
	}
}

// chain is the messages that count, in order.
func (a *auditor) chain() (list []Message) {
	for _, n := range slices.Sorted(maps.Keys(a.taken)) {
		if a.graded[n] {
			list = append(list, a.taken[n])
		}
	}
	return list
}

// gap is hours between two messages of which the auditor knows the sum alone.
type gap struct{ first, last, rise int }

// energy is what was taken in each interval: between two messages as many Wh as
// the register rose, drawn over up to two hours as a straight line that is read at
// every hour. How more hours share it is not his to say.
func (a *auditor) energy() (all map[int]metering.Value, gaps []gap) {
	all = map[int]metering.Value{}
	list := a.chain()
	for i := 1; i < len(list); i++ {
		p, q := list[i-1], list[i]
		hours := int((q.Start - p.Start) / hour)
		rise := int(q.Import - p.Import)
		if rise < 0 {
			continue
		}
		if hours > 2 {
			before := int((p.Start - start) / hour)
			gaps = append(gaps, gap{before + 1, before + hours, rise})
			continue
		}
		for n := 1; n <= hours; n++ {
			v := metering.Value{Device: meter1, Quality: metering.Substituted}
			v.Import = quantity.Energy(rise*n/hours - rise*(n-1)/hours)
			if hours == 1 {
				v.Quality = metering.Actual
			}
			all[int((p.Start-start)/hour)+n] = v
		}
	}
	return all, gaps
}

// feed draws what a network makes of a device's messages: lost, late, out of
// order, twice, with another content, at a time when the clock was lost.
type feed struct {
	t        *rapid.T
	tb       testing.TB
	w        world
	a        *auditor
	messages []Message // As the device wrote them.
}

func (f *feed) send(m Message) {
	want := f.a.expects(m)
	_, answers := f.w.deliver(f.tb, m)
	if len(answers) != 1 || !slices.Contains(want, answers[0].Status) {
		f.t.Fatalf("%+v is answered %+v, want one of %v", m, answers, want)
	}
	if answers[0].Code == ErrForgotten.Code && len(f.a.taken) < windowSize {
		f.t.Fatalf("%+v is forgotten, and only %d were taken", m, len(f.a.taken))
	}
	f.a.hears(m, answers[0])
}

// one is the index of a message, more often of a late one.
func (f *feed) one() int {
	last := len(f.messages) - 1
	if rapid.Bool().Draw(f.t, "recent") {
		return max(0, last-rapid.IntRange(0, 5).Draw(f.t, "back"))
	}
	return rapid.IntRange(0, last).Draw(f.t, "which")
}

func (f *feed) actions() map[string]func(*rapid.T) {
	next := func(t *rapid.T) Message {
		m := reads(0, 0)
		if n := len(f.messages); n > 0 {
			m = f.messages[n-1]
			m.Sequence, m.Start, m.Clock = m.Sequence+1, m.Start+hour, Synchronised
			m.Import += quantity.Energy(rapid.IntRange(0, 50).Draw(t, "energy"))
		}
		return m
	}
	return map[string]func(*rapid.T){
		"read": func(t *rapid.T) {
			f.messages = append(f.messages, next(t))
			f.send(f.messages[len(f.messages)-1])
		},
		"read many": func(t *rapid.T) {
			for range rapid.IntRange(0, windowSize).Draw(t, "messages") {
				f.messages = append(f.messages, next(t))
				f.send(f.messages[len(f.messages)-1])
			}
		},
		"lose": func(t *rapid.T) { f.messages = append(f.messages, next(t)) },
		"reset": func(t *rapid.T) {
			m := next(t)
			m.Import = 0
			f.messages = append(f.messages, m)
		},
		"lost clock": func(t *rapid.T) {
			m := next(t)
			m.Clock = Unsynchronised
			f.messages = append(f.messages, m)
			f.send(m)
		},
		"send": func(t *rapid.T) {
			if len(f.messages) > 0 {
				f.send(f.messages[f.one()])
			}
		},
		"equivocate": func(t *rapid.T) {
			if len(f.messages) == 0 || rapid.IntRange(0, 3).Draw(t, "rarely") > 0 {
				return
			}
			m := f.messages[f.one()]
			if _, known := f.a.taken[m.Sequence]; known {
				m.Export++
				f.send(m)
			}
		},
		"lift": func(t *rapid.T) {
			if f.a.quarantined {
				f.w.Must(f.tb, operator, LiftKind.Encode(Lift{town, meter1}))
				f.a.quarantined = false
			}
		},
		"close": func(*rapid.T) { f.w.close() },
		"close a day": func(*rapid.T) {
			for range 24 {
				f.w.close()
			}
		},
		"": f.check,
	}
}

// check compares what is known of every interval with what the auditor counts.
func (f *feed) check(t *rapid.T) {
	want, gaps := f.a.energy()
	m, _ := grid.At(f.w, town)
	inGap := map[int]bool{}
	for _, g := range gaps {
		f.checkGap(t, m, g)
		for n := g.first; n <= g.last; n++ {
			inGap[n] = true
		}
	}
	for n := range len(f.messages) + 2 {
		values, takes := f.known(m, n)
		if !takes || inGap[n] {
			continue // Final, or checked above.
		}
		i := slices.IndexFunc(values, func(v metering.Value) bool { return v.Device == meter1 })
		v, counted := want[n]
		switch {
		case counted && (i < 0 || values[i] != v):
			t.Fatalf("interval %d: known is %+v, the auditor counts %+v", n, values, v)
		case !counted && i >= 0 && values[i].Quality != metering.Estimated:
			t.Fatalf("interval %d: known is %+v, the auditor counts nothing", n, values)
		}
	}
	r, _ := devices.Get(f.w, grid.Device{Microgrid: town, Device: meter1})
	if len(unpack(r.Window)) > windowSize || r.Quarantined != f.a.quarantined {
		t.Fatalf("the row is %+v", r)
	}
}

// known returns the values of an interval, and whether it still takes some. One that is
// final and waits to be settled again is spread over no more.
func (f *feed) known(m grid.Microgrid, n int) ([]metering.Value, bool) {
	values, takes := metering.Known(f.w, town, m, at(n))
	return values, takes && at(n) >= metering.Correctable(m)
}

// checkGap holds the values of a long gap to their sum, however they share it. Of
// those that are final nothing is known.
func (f *feed) checkGap(t *rapid.T, m grid.Microgrid, g gap) {
	sum, whole := 0, true
	for n := g.first; n <= g.last; n++ {
		values, takes := f.known(m, n)
		i := slices.IndexFunc(values, func(v metering.Value) bool { return v.Device == meter1 })
		switch {
		case !takes:
			whole = false
		case i < 0 || values[i].Quality != metering.Substituted || values[i].Import < 0:
			t.Fatalf("interval %d of the gap %+v: known is %+v", n, g, values)
		default:
			sum += int(values[i].Import)
		}
	}
	if sum > g.rise || whole && sum != g.rise {
		t.Fatalf("the values of the gap %+v sum to %d", g, sum)
	}
}

// TestModel sends a device's messages as a bad network would, while intervals
// close, and holds the ledger to the auditor after each.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := &feed{t: rt, tb: t, w: enrolled(t), a: &auditor{taken: map[uint64]Message{}, graded: map[uint64]bool{}}}
		rt.Repeat(f.actions())
	})
}
