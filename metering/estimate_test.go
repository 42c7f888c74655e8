package metering

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/quantity"
)

// TestNegative takes a batch with a value below zero: it is reported with what it
// said and counts for nothing, the others are taken, and the real reading that comes
// later corrects the estimate.
func TestNegative(t *testing.T) {
	w := founded(t)
	w.Must(t, gateway, record(0, all(100)...))
	w.close(t)
	receipts := w.Must(t, gateway, record(1, actual(meter1, -5, 3), actual(meter2, 0, 4), actual(solar, 0, -MaxEnergy)))
	if got, want := exceptions(receipts), []string{"41: 11 from 1 to 1, -5/3", "43: 11 from 1 to 1, 0/-268435456"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := RecordedReceipt.Read(receipts[len(receipts)-1]); got.Values != 1 || got.Negative != 2 {
		t.Errorf("%+v", got)
	}
	if w.due(1)[0] {
		t.Error("an interval with a value below zero is complete")
	}
	positions, odd := w.close(t)
	if want := []string{"41: 1 from 1 to 1, 100/0, interval_before", "43: 1 from 1 to 1, 0/50, interval_before"}; !slices.Equal(odd, want) || !positions[0].Estimated {
		t.Errorf("%+v with %v, want %v", positions, odd, want)
	}
	receipts = w.Must(t, gateway, record(1, actual(meter1, -7, 0)), record(1, actual(meter1, 70, 0)), record(1, actual(meter1, -7, 0)))
	if got, want := exceptions(receipts), []string{"41: 11 from 1 to 1, -7/0", "41: 2 from 1 to 1, 70/0", "41: 11 from 1 to 1, -7/0"}; !slices.Equal(got, want) {
		t.Errorf("late: %v, want %v", got, want)
	}
	m, _ := grid.At(w, town)
	if _, is, revision := Revised(&w.Ctx, w, town, m, at(1)); is[0].Import != 70 || is[0].Estimated || revision != 2 {
		t.Errorf("revision %d is %+v", revision, is[0])
	}
	if w.Must(t, gateway, record(2, actual(meter1, -1, 0))); w.due(2)[0] {
		t.Error("an interval with nothing but a value below zero is complete")
	}
}

// TestShortGaps leaves one to three hours without readings: up to two are on the
// line between their neighbours, rounded down, where both are sound.
func TestShortGaps(t *testing.T) {
	gap := func(what string, left, right Value, missing int, want ...string) {
		t.Helper()
		w := founded(t)
		for n := range missing + 2 {
			values := []Value{actual(meter2, 0, quantity.Energy(n)), actual(solar, 0, quantity.Energy(n))}
			switch n {
			case 0:
				values = slices.Insert(values, 0, left)
			case missing + 1:
				values = slices.Insert(values, 0, right)
			}
			w.Must(t, gateway, record(n, values...))
		}
		var got []string
		for range missing + 1 {
			_, odd := w.close(t)
			got = append(got, odd...)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	gap("one hour", actual(meter1, 100, 7), actual(meter1, 51, 0), 1, "41: 1 from 1 to 1, 75/3, interpolated")
	gap("two hours", actual(meter1, 0, 0), actual(meter1, 100, 3), 2,
		"41: 1 from 1 to 1, 33/1, interpolated", "41: 1 from 2 to 2, 66/2, interpolated")
	gap("three hours", actual(meter1, 9, 0), actual(meter1, 100, 0), 3,
		"41: 1 from 1 to 1, 9/0, interval_before", "41: 1 from 2 to 2, 9/0, interval_before", "41: 1 from 3 to 3, 9/0, interval_before")
	gap("a neighbour that was not measured", Value{Device: meter1, Import: 9, Quality: Substituted}, actual(meter1, 100, 0), 1,
		"41: 1 from 1 to 1, 9/0, interval_before")
	gap("the other one", actual(meter1, 9, 0), Value{Device: meter1, Import: 100, Quality: Final}, 1,
		"41: 1 from 1 to 1, 9/0, interval_before")
	gap("a neighbour above what the connection carries", actual(meter1, 10_001, 0), actual(meter1, 100, 0), 1,
		"41: 3 from 0 to 0, 10001/0", "41: 1 from 1 to 1, 10001/0, interval_before", "41: 3 from 1 to 1, 10001/0")
}

// TestThreeWeeks lets a meter be dead for three weeks: every hour has what was
// measured at that hour of a like day.
func TestThreeWeeks(t *testing.T) {
	w := foundedFor(t, 45)
	usual := func(n int) quantity.Energy { return quantity.Energy(n%168 + 1) } // By the hour of the week.
	for n := range 4 * 168 {
		values := []Value{actual(meter1, usual(n), 0), actual(meter2, usual(n), 0), actual(solar, 0, usual(n))}
		if n >= 168 {
			values = values[1:]
		}
		w.Must(t, gateway, record(n, values...))
		positions, odd := w.close(t)
		if n < 168 {
			continue
		}
		days := 7 * (n / 168)
		if want := fmt.Sprintf("41: 1 from %d to %d, %d/0, like_day %d", n, n, usual(n), days); !slices.Equal(odd, []string{want}) || positions[0].Import != usual(n) {
			t.Fatalf("hour %d: %v, want %v", n, odd, want)
		}
	}
}

// TestSpread divides what registers counted over a gap: evenly up to two hours, else
// as on like days before it, and to the unit.
func TestSpread(t *testing.T) {
	w := foundedFor(t, 45)
	for n := range 48 {
		w.Must(t, gateway, record(n, actual(meter1, quantity.Energy(n%24), 0), actual(meter2, 0, 1), actual(solar, 0, 1)))
		w.close(t)
	}
	m, _ := grid.At(w, town)
	spread := func(first, last int, imported, exported quantity.Energy) (shares []quantity.Energy, way Way) {
		values, way := Outage{meter1, at(first), at(last), imported, exported}.Spread(w, town, m, at(first))
		for _, v := range values {
			shares = append(shares, v.Import)
		}
		return shares, way
	}
	for _, c := range []struct {
		what        string
		first, last int
		sum         quantity.Energy
		want        []quantity.Energy
		way         Way
	}{
		{"two hours", 48 + 10, 48 + 11, 21, []quantity.Energy{10, 11}, Evenly},
		{"three hours of 10, 11 and 12", 48 + 10, 48 + 12, 3300, []quantity.Energy{1000, 1100, 1200}, LikeDays},
		{"a remainder", 48 + 1, 48 + 3, 10, []quantity.Energy{1, 4, 5}, LikeDays},
		{"hours of nothing are none", 48 + 0, 48 + 2, 30, []quantity.Energy{0, 10, 20}, LikeDays},
		{"nothing to spread", 48, 50, 0, []quantity.Energy{0, 0, 0}, LikeDays},
		{"hours without a like day have the mean", 20, 26, 70, []quantity.Energy{10, 10, 10, 10, 0, 10, 20}, LikeDays},
		{"before anything was measured", 1, 3, 10, []quantity.Energy{3, 3, 4}, Evenly},
	} {
		if got, way := spread(c.first, c.last, c.sum, 0); !slices.Equal(got, c.want) || way != c.way {
			t.Errorf("%s: %v %v, want %v %v", c.what, got, way, c.want, c.way)
		}
	}
	values, _ := Outage{meter1, at(50), at(53), 0, 7}.Spread(w, town, m, at(52))
	if len(values) != 2 || values[0].Export != 2 || values[1].Export != 2 {
		t.Errorf("nothing was given on like days, so it is divided evenly, and only from the third hour on: %v", values)
	}
}

// TestSpreadAddsUp holds the shares of any gap to its sum.
func TestSpreadAddsUp(t *testing.T) {
	w := foundedFor(t, 45)
	m, _ := grid.At(w, town)
	rapid.Check(t, func(rt *rapid.T) {
		for n := range 60 {
			if rapid.IntRange(0, 3).Draw(rt, "measured") > 0 {
				v := actual(meter1, quantity.Energy(rapid.Int64Range(0, int64(MaxEnergy)).Draw(rt, "import")), quantity.Energy(rapid.IntRange(0, 3).Draw(rt, "export")))
				history.Put(w, Moment{town, at(n)}, settled{1, []Value{v}})
			} else {
				history.Delete(w, Moment{town, at(n)})
			}
		}
		first := rapid.IntRange(24, 80).Draw(rt, "first")
		o := Outage{Device: meter1, First: at(first), Last: at(first + rapid.IntRange(0, 200).Draw(rt, "more"))}
		o.Import = quantity.Energy(rapid.Int64Range(0, 1<<52).Draw(rt, "taken"))
		o.Export = quantity.Energy(rapid.Int64Range(0, 1<<10).Draw(rt, "given"))
		values, way := o.Spread(w, town, m, o.First)
		var in, out quantity.Energy
		for _, v := range values {
			if v.Import < 0 || v.Export < 0 || v.Quality != Substituted {
				rt.Fatalf("a share is %+v", v)
			}
			in, out = in+v.Import, out+v.Export
		}
		if in != o.Import || out != o.Export {
			rt.Fatalf("%v: %d and %d of %+v", way, in, out, o)
		}
	})
}

// TestSpike reads what a meter counted in an outage as one value: it is spread over
// the outage, what was settled is corrected, and the same reading again is known.
func TestSpike(t *testing.T) {
	play := func(spike Value, silent int) (world, []string) {
		w := founded(t)
		var odd []string
		for n := range silent + 2 {
			values := []Value{actual(meter2, 0, quantity.Energy(n)), actual(solar, 0, quantity.Energy(n))}
			switch n {
			case 0:
				values = slices.Insert(values, 0, actual(meter1, 500, 0))
			case silent + 1:
				values = slices.Insert(values, 0, spike)
			}
			w.Must(t, gateway, record(n, values...))
			_, odd = w.close(t)
		}
		return w, odd
	}
	of := func(w world, n int) Value {
		row, _ := history.Get(w, Moment{town, at(n)})
		return row.Values[0]
	}
	w, odd := play(actual(meter1, 30_002, 3), 3)
	if want := []string{"41: 12 from 1 to 4, 30002/3, evenly"}; !slices.Equal(odd, want) {
		t.Errorf("%v, want %v", odd, want)
	}
	for n, want := range map[int][2]quantity.Energy{1: {7500, 0}, 2: {7501, 1}, 3: {7500, 1}, 4: {7501, 1}} {
		if v := of(w, n); v.Import != want[0] || v.Export != want[1] || v.Quality != Substituted || IsRevised(w, town, at(n)) != (n < 4) {
			t.Errorf("hour %d: %v, want %v", n, v, want)
		}
	}
	if got := RecordedReceipt.Read(w.Must(t, gateway, record(4, actual(meter1, 30_002, 3)))[0]); got.Same != 1 {
		t.Errorf("the same reading again: %+v", got)
	}
	m, _ := grid.At(w, town)
	if known, _ := Known(w, town, m, at(4)); known[0] != actual(meter1, 30_002, 3) {
		t.Errorf("it is known as %v", known[0])
	}
	w.Must(t, gateway, record(4, actual(meter1, 800, 0)))
	if known, _ := Known(w, town, m, at(4)); known[0] != actual(meter1, 800, 0) || of(w, 2).Quality != Estimated || of(w, 2).Import != 500 {
		t.Errorf("another reading does not take its place: %v, and the gap has %v", known[0], of(w, 2))
	}

	// A reading after it, in place of a substitute, says nothing of the gap.
	w, _ = play(actual(meter1, 30_002, 3), 3)
	w.Must(t, gateway, record(5, Value{Device: meter1, Import: 1, Quality: Substituted}))
	w.close(t)
	if w.Must(t, gateway, record(5, actual(meter1, 2, 0))); of(w, 2).Quality != Substituted || of(w, 4).Import != 7501 {
		t.Errorf("the gap has %v, and what came after it %v", of(w, 2), of(w, 4))
	}

	// A reading of the gap says that it was no sum.
	w, _ = play(actual(meter1, 30_002, 3), 3)
	receipts := w.Must(t, gateway, record(2, actual(meter1, 700, 0)))
	if got, want := exceptions(receipts), []string{"41: 2 from 2 to 2, 700/0", "41: 3 from 4 to 4, 30002/3"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	for n, want := range map[int]Value{
		1: {Device: meter1, Import: 500, Quality: Estimated}, 2: actual(meter1, 700, 0),
		3: {Device: meter1, Import: 700, Quality: Estimated}, 4: actual(meter1, 30_002, 3),
	} {
		if v := of(w, n); v != want {
			t.Errorf("hour %d: %v, want %v", n, v, want)
		}
	}
	if rows := len(slices.Collect(func(yield func(Moment) bool) {
		for k := range spikes.All(w) {
			yield(k)
		}
	})); rows != 0 {
		t.Errorf("%d spikes are kept", rows)
	}

	if _, odd := play(actual(meter1, 40_001, 0), 3); !slices.Equal(odd, []string{"41: 3 from 4 to 4, 40001/0"}) {
		t.Errorf("more than the outage can have counted: %v", odd)
	}
	if _, odd := play(actual(meter1, 10_001, 0), 0); !slices.Equal(odd, []string{"41: 3 from 1 to 1, 10001/0"}) {
		t.Errorf("nothing was missing: %v", odd)
	}
	if _, odd := play(Value{Device: meter1, Import: 10_001, Quality: Final}, 3); !slices.Equal(odd, []string{"41: 3 from 4 to 4, 10001/0"}) {
		t.Errorf("nobody measured it: %v", odd)
	}
}

// TestSpikeNeedsALife spreads nothing over intervals before a meter's first reading,
// nor what registers counted.
func TestSpikeNeedsALife(t *testing.T) {
	w := founded(t)
	w.close(t)
	w.Must(t, gateway, record(1, actual(meter1, 15_000, 0), actual(meter2, 0, 1), actual(solar, 0, 1)))
	if _, odd := w.close(t); !slices.Equal(odd, []string{"41: 3 from 1 to 1, 15000/0"}) {
		t.Errorf("a first reading: %v", odd)
	}
	w.close(t)
	m, _ := grid.At(w, town)
	d, _ := grid.DeviceAt(w, grid.Device{Microgrid: town, Device: meter1})
	w.Must(t, gateway, record(3, actual(meter2, 0, 1), actual(solar, 0, 1)))
	Counts(w, grid.Device{Microgrid: town, Device: meter1})
	Book(&w.Ctx, w, town, m, []Entry{{at(3), d, actual(meter1, 15_000, 0)}})
	w.Keep()
	if _, odd := w.close(t); !slices.Equal(odd, []string{"41: 3 from 3 to 3, 15000/0"}) {
		t.Errorf("registers: %v", odd)
	}
}

// TestLateSpike reads one after its interval was settled with an estimate.
func TestLateSpike(t *testing.T) {
	w := founded(t)
	w.Must(t, gateway, record(0, all(500)...))
	for range 5 {
		w.close(t)
	}
	receipts := w.Must(t, gateway, record(3, actual(meter1, 24_000, 0)))
	want := []string{"41: 2 from 3 to 3, 24000/0", "41: 12 from 1 to 3, 24000/0, evenly"}
	if got := exceptions(receipts); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	for n := 1; n <= 4; n++ {
		row, _ := history.Get(w, Moment{town, at(n)})
		if v := row.Values[0]; n < 4 && (v.Import != 8000 || v.Quality != Substituted || !IsRevised(w, town, at(n))) || n == 4 && v.Import != 500 {
			t.Errorf("hour %d: %v", n, v)
		}
	}
	if got := RecordedReceipt.Read(w.Must(t, gateway, record(3, actual(meter1, 24_000, 0)))[0]); got.Same != 1 {
		t.Errorf("the same reading again: %+v", got)
	}
}
