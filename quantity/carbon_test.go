package quantity

import (
	"errors"
	"math"
	"testing"
)

func TestEmitted(t *testing.T) {
	for _, c := range []struct {
		e    Energy
		i    Intensity
		want Mass
	}{
		{0, 157_319_050, 0},
		{1000, 157_319_050, 157_319},          // 157319.05 mg
		{1, 499_999, 0},                       // Just below half a milligram,
		{1, 500_000, 1},                       // and half of one.
		{10, 157_319_050, 1573},               // 1573.1905
		{math.MaxInt64, 1, 9_223_372_036_855}, // 9223372036854.775807
		{1_000_000_000_000, 1_000_000_000, 1_000_000_000_000_000},
	} {
		if got, err := Emitted(c.e, c.i); err != nil || got != c.want {
			t.Errorf("%d Wh at %d ng/Wh: %d mg, %v, want %d", c.e, c.i, got, err, c.want)
		}
	}
	for _, c := range [][2]int64{{math.MaxInt64, math.MaxInt64}, {math.MaxInt64, 1_000_001}} {
		if got, err := Emitted(Energy(c[0]), Intensity(c[1])); !errors.Is(err, ErrOverflow) {
			t.Errorf("%d Wh at %d ng/Wh: %d mg, %v", c[0], c[1], got, err)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("an energy below zero emitted something")
		}
	}()
	_, _ = Emitted(-1, 1)
}
