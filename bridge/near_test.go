package bridge

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/commonwatt/commonwatt/interval"
)

// What is signed of an end is what an auditor finds who has all readings: each register
// as it was read nearest to it, if that was close enough.
func TestNearest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const length, within = 300, 60
		n := newNear(length, within*time.Second, time.Unix(0, 0))
		var all [2][]reading
		got := map[interval.Time][]*reading{}
		step := func(now int64) {
			for {
				end, at, due := n.due(2, time.Unix(now, 0))
				if !due {
					return
				}
				if got[end] != nil {
					t.Fatalf("%d ends twice", end)
				}
				got[end] = at
				n.next(time.Unix(now, 0))
			}
		}
		now := int64(1)
		for range rapid.IntRange(1, 60).Draw(t, "readings") {
			now += rapid.Int64Range(0, 200).Draw(t, "pause")
			step(now) // The bridge looks every second.
			register := rapid.IntRange(0, 1).Draw(t, "register")
			r := reading{time.Unix(now, 0), micro(len(all[0]) + len(all[1]))}
			all[register] = append(all[register], r)
			n.take(register, r)
			step(now)
		}
		step(now + within + 1)
		for end, at := range got {
			for register, r := range at {
				if want := nearest(all[register], end, within); (want == nil) != (r == nil) || want != nil && *want != *r {
					t.Fatalf("of %d, register %d, is %v, and the auditor says %v", end, register, r, want)
				}
			}
		}
		for end := interval.Time(length); int64(end) < now; end += length {
			if close := nearest(all[0], end, within) != nil && nearest(all[1], end, within) != nil; close && got[end] == nil {
				t.Fatalf("nothing was said of %d", end)
			}
		}
	})
}

// nearest is the reading nearest to an end, the earlier one of equals; of those at one
// moment before it, the last, and after it, the first.
func nearest(all []reading, end interval.Time, within int64) *reading {
	far := func(r reading) int64 { return max(r.at.Unix()-int64(end), int64(end)-r.at.Unix()) }
	var best *reading
	for i, r := range all {
		switch {
		case far(r) > within:
		case best == nil, far(r) < far(*best), r.at.Equal(best.at) && r.at.Unix() < int64(end):
			best = &all[i]
		}
	}
	return best
}

// A register that falls, or rises beyond measure, is believed once another reading
// agrees: a zero while a plug starts is not, another plug in its place is.
func TestGauge(t *testing.T) {
	var g gauge
	minute := 0
	for _, c := range []struct {
		wh       int64
		believed bool
	}{
		{1000, true},
		{1010, true},
		{0, false}, // The plug starts.
		{1012, true},
		{3, false}, // It was replaced.
		{4, true},
		{5_000_000, false}, // 1,000 times too much.
		{20, true},
		{4_000_000, false}, // It was replaced by one that has counted long.
		{4_000_010, true},
	} {
		minute++
		r, why := g.take(shown{reading: reading{time.Unix(int64(minute)*60, 0), micro(c.wh) * perWh}})
		if (r != nil) != c.believed || (why == "") != c.believed {
			t.Errorf("%d Wh: %v, %q", c.wh, r, why)
		}
	}
}

// A folder keeps every message until its receipt, and the last sequence for good,
// whenever the process ends.
func TestKeep(t *testing.T) {
	dir := t.TempDir()
	open := func() *keep {
		t.Helper()
		k, err := openKeep(dir, 1, interval.Minutes15)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	done := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	k := open()
	for n := uint64(10); n <= 14; n++ {
		done(k.put(n, []byte{byte(n)}))
	}
	done(k.done(10, told))
	done(k.done(14, told))
	done(k.done(12, refused))
	done(k.done(14, told)) // Once more.
	k = open()
	if got := k.with(waiting); !slices.Equal(got, []uint64{11, 13}) || k.last != 14 {
		t.Errorf("%v wait, and the last is %d", got, k.last)
	}
	done(k.done(11, told))
	done(k.done(13, told))
	k = open()
	if raw, err := k.read(13); err == nil || k.last != 14 || len(k.with(waiting)) != 0 {
		t.Errorf("%v %v, the last is %d", raw, err, k.last)
	}
	defer func() {
		if recover() == nil {
			t.Error("a second message under one sequence is written")
		}
	}()
	_ = k.put(14, []byte("another"))
}
