package interval

import (
	"errors"
	"testing"

	"pgregory.net/rapid"
)

func TestNew(t *testing.T) {
	for _, c := range []struct {
		what   string
		start  Time
		length Length
		err    error
	}{
		{"a quarter of an hour", 1_800, Minutes15, nil},
		{"five minutes", 300, Minutes5, nil},
		{"the epoch", 0, Minutes60, nil},
		{"before the epoch", -900, Minutes15, nil},
		{"ten minutes", 0, 600, ErrLength},
		{"no length", 0, 0, ErrLength},
		{"off its grid", 300, Minutes15, ErrAlignment},
		{"off its grid before the epoch", -300, Minutes15, ErrAlignment},
		{"the length is refused before the alignment", 7, 600, ErrLength},
	} {
		i, err := New(c.start, c.length)
		switch {
		case !errors.Is(err, c.err):
			t.Errorf("%s: error %v, want %v", c.what, err, c.err)
		case err == nil && i != (Interval{c.start, c.length}):
			t.Errorf("%s: %v", c.what, i)
		}
	}
}

func TestContaining(t *testing.T) {
	for _, c := range []struct {
		at   Time
		want string
	}{
		{0, "[0, 900)"},
		{899, "[0, 900)"},
		{900, "[900, 1800)"},
		{-1, "[-900, 0)"},
		{-900, "[-900, 0)"},
		{-901, "[-1800, -900)"},
	} {
		if got := Minutes15.Containing(c.at).String(); got != c.want {
			t.Errorf("the quarter of an hour at %d is %s, want %s", c.at, got, c.want)
		}
	}
}

// TestTiling checks that intervals of one length leave no gap and no overlap:
// every moment is in one, and its neighbours in no other.
func TestTiling(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		length := rapid.SampledFrom([]Length{Minutes5, Minutes15, Minutes30, Minutes60}).Draw(t, "length")
		at := Time(rapid.Int64Range(-1<<40, 1<<40).Draw(t, "at"))
		i := length.Containing(at)
		if _, err := New(i.Start, i.Length); err != nil {
			t.Fatalf("%v: %v", i, err)
		}
		if !i.Contains(at) || i.Next().Contains(at) {
			t.Fatalf("%d is in %v and %v", at, i, i.Next())
		}
		if i.Contains(i.End()) || !i.Next().Contains(i.End()) || i.Next().Start != i.End() {
			t.Fatalf("%v and %v do not meet", i, i.Next())
		}
	})
}
