package pages

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/commonwatt/commonwatt/attribution"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/settlement"
)

// drawnSum is any day of a household.
func drawnSum(t *rapid.T) sum {
	s := sum{loads: map[grid.DeviceID]quantity.Energy{}}
	wh, units := rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(0, 30), rapid.Int64Range(0, 90_000)), rapid.Int64Range(0, 40_000_000)
	for _, from := range ends {
		for _, to := range []attribution.Place{attribution.Home, attribution.Battery, attribution.Neighbours, attribution.Grid} {
			s.flows[from][to] = quantity.Energy(wh.Draw(t, "Wh"))
		}
	}
	for i := range s.lines {
		s.lines[i].Line = settlement.Line(i + 1)
		s.lines[i].Energy = quantity.Energy(wh.Draw(t, "Wh"))
		s.lines[i].Amount = quantity.Money(units.Draw(t, "units"))
		if earns(s.lines[i].Line) {
			s.lines[i].Amount = -s.lines[i].Amount
		}
		s.owed += s.lines[i].Amount
	}
	s.alone = quantity.Money(rapid.Int64Range(-40_000_000, 40_000_000).Draw(t, "alone"))
	return s
}

// Days show parts of what their month shows, whatever they hold, and none is off by
// a whole hundredth; lines show parts of the balance, streams of what was used and
// made.
func TestFiguresAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := money{rapid.SampledFrom([]int{0, 2, 6}).Draw(t, "decimals")}
		before, month := total(nil), tally{}
		for range rapid.IntRange(1, 31).Draw(t, "days") {
			day := drawnSum(t)
			f := m.after(before, day)
			checkFigures(t, m, f)
			month, before = month.less(tally{}.less(f.shown)), before.and(day)
		}
		if whole := m.figures(before); whole.shown != month {
			t.Fatalf("days show %+v, the month %+v", month, whole.shown)
		}
	})
}

func checkFigures(t *rapid.T, m money, f figures) {
	if off := f.balance().Shown*m.cent() - f.balance().Units*m.coarse(); off <= -m.cent()*m.coarse() || off >= m.cent()*m.coarse() {
		t.Fatalf("a balance of %d is shown as %d", f.balance().Units, f.balance().Shown)
	}
	for _, from := range ends {
		if e := f.stream(from, attribution.Home); e.Shown*whShown-e.Wh <= -whShown || e.Shown*whShown-e.Wh >= whShown {
			t.Fatalf("%d Wh are shown as %d", e.Wh, e.Shown)
		}
	}
	var lines Money
	for _, l := range m.account(f) {
		lines.Units, lines.Shown = lines.Units+l.Amount.Units, lines.Shown+l.Amount.Shown
	}
	if lines != f.balance() {
		t.Fatalf("lines sum to %+v, the balance is %+v", lines, f.balance())
	}
	used, sources, _ := f.used()
	produced, sinks := f.produced()
	for _, p := range sources {
		used.Shown -= p.Energy.Shown
	}
	for _, p := range sinks {
		produced.Shown -= p.Energy.Shown
	}
	if used.Shown != 0 || produced.Shown != 0 {
		t.Fatalf("parts miss %d of what was used and %d of what was made", used.Shown, produced.Shown)
	}
}

// What is kept is given as long as nothing changed, and no longer.
func TestMemo(t *testing.T) {
	var m memo[string, int, int]
	computed := 0
	get := func(key string, stamp int) int {
		v, err := m.get(key, stamp, func() (int, error) {
			computed++
			return 10*stamp + len(key), nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	first, again, other := get("a", 1), get("a", 1), get("bb", 1)
	if first != 11 || again != 11 || other != 12 || computed != 2 {
		t.Errorf("computed %d times", computed)
	}
	if get("a", 2) != 21 || computed != 3 {
		t.Error("what had changed was given as it was")
	}
}
