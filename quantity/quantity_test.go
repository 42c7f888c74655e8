package quantity

import (
	"errors"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestAddSub(t *testing.T) {
	const most, least = Money(math.MaxInt64), Money(math.MinInt64)
	for _, c := range []struct {
		what string
		f    func(a, b Money) (Money, error)
		a, b Money
		want Money
		err  error
	}{
		{"a sum", Add[Money], 2, 3, 5, nil},
		{"a sum of opposites", Add[Money], most, -most, 0, nil},
		{"nothing added to the most", Add[Money], most, 0, most, nil},
		{"one above the most", Add[Money], most, 1, 0, ErrOverflow},
		{"one below the least", Add[Money], least, -1, 0, ErrOverflow},
		{"twice the least", Add[Money], least, least, 0, ErrOverflow},
		{"a difference", Sub[Money], 2, 3, -1, nil},
		{"nothing taken from the least", Sub[Money], least, 0, least, nil},
		{"the least from minus one", Sub[Money], -1, least, most, nil},
		{"the least from zero", Sub[Money], 0, least, 0, ErrOverflow},
		{"one below the least", Sub[Money], least, 1, 0, ErrOverflow},
	} {
		if got, err := c.f(c.a, c.b); got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %d, %v; want %d, %v", c.what, got, err, c.want, c.err)
		}
	}
}

func TestTimes(t *testing.T) {
	for _, c := range []struct {
		what string
		e    Energy
		p    Price
		want Money
		err  error
	}{
		{"1.2 kWh at 0.320 EUR/kWh is 0.384000 EUR", 1_200, 320, 384_000, nil},
		{"a negative price", 1_000, -50, -50_000, nil},
		{"a correction at a positive price", -1_000, 50, -50_000, nil},
		{"both negative", -1_000, -50, 50_000, nil},
		{"the most", math.MaxInt64, 1, math.MaxInt64, nil},
		{"one above the most", 1 << 32, 1 << 31, 0, ErrOverflow},
		{"the least energy", math.MinInt64, 1, 0, ErrOverflow},
		{"past 128 bits' half", math.MaxInt64, math.MaxInt64, 0, ErrOverflow},
	} {
		if got, err := Times(c.e, c.p); got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %d, %v; want %d, %v", c.what, got, err, c.want, c.err)
		}
	}
}

// TestArithmeticIsExact compares with numbers that have no bound.
func TestArithmeticIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyInt64().Draw(t, "a"), anyInt64().Draw(t, "b")
		exact := func(what string, got Money, err error, want *big.Int) {
			switch {
			case err == nil && (!want.IsInt64() || want.Int64() != int64(got)):
				t.Errorf("%s: got %d, exactly %v", what, got, want)
			// Times keeps to amounts that have an opposite.
			case err != nil && want.IsInt64() && want.Int64() != math.MinInt64:
				t.Errorf("%s: %v, and %v fits", what, err, want)
			}
		}
		x, y := big.NewInt(a), big.NewInt(b)
		sum, err := Add(Money(a), Money(b))
		exact("Add", sum, err, new(big.Int).Add(x, y))
		diff, err := Sub(Money(a), Money(b))
		exact("Sub", diff, err, new(big.Int).Sub(x, y))
		cost, err := Times(Energy(a), Price(b))
		exact("Times", cost, err, new(big.Int).Mul(x, y))
	})
}

// anyInt64 draws small numbers, large ones and those near the ends.
func anyInt64() *rapid.Generator[int64] {
	return rapid.OneOf(
		rapid.Int64(),
		rapid.Int64Range(-1000, 1000),
		rapid.Int64Range(math.MinInt64, math.MinInt64+2),
		rapid.Int64Range(math.MaxInt64-2, math.MaxInt64),
	)
}

func TestMustPanics(t *testing.T) {
	for what, f := range map[string]func(){
		"MustAdd":   func() { MustAdd(Energy(math.MaxInt64), 1) },
		"MustSub":   func() { MustSub(Energy(math.MinInt64), 1) },
		"MustTimes": func() { MustTimes(math.MaxInt64, 2) },
	} {
		t.Run(what, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic on overflow")
				}
			}()
			f()
		})
	}
	if got := MustSub(MustAdd(MustTimes(3, 4), 5), 6); got != 11 {
		t.Errorf("3 × 4 + 5 − 6 = %d", got)
	}
}
