// Package quantity holds the amounts the ledger computes with: energy, price
// and money, all integers.
//
// Its promise: no operation here wraps around, rounds silently or uses a
// float. Addition and multiplication report overflow, every division names its
// rounding, and a split always sums to the whole.
package quantity

import (
	"errors"
	"math"
	"math/bits"
)

// Energy is an amount of electrical energy in watt-hours (Wh). Differences of
// energies may be negative; metered energies never are.
type Energy int64

// Price is an amount of money per watt-hour, in the smallest units of the
// currency. With EUR at six decimals, 320 is 0.320 EUR/kWh. Because energy and
// price are both integers, a trade's amount is exact.
type Price int64

// Money is an amount of an asset in its smallest units.
type Money int64

// ErrOverflow says that a result does not fit into 64 bits. A caller that
// checked its inputs treats it as a broken invariant, not as a refusal.
var ErrOverflow = errors.New("quantity: the result does not fit into 64 bits")

// Amount is a quantity that can be added.
type Amount interface{ ~int64 }

// Add returns a + b, or ErrOverflow.
func Add[T Amount](a, b T) (T, error) {
	sum := a + b
	if (sum > a) != (b > 0) {
		return 0, ErrOverflow
	}
	return sum, nil
}

// Sub returns a - b, or ErrOverflow.
func Sub[T Amount](a, b T) (T, error) {
	diff := a - b
	if (diff < a) != (b > 0) {
		return 0, ErrOverflow
	}
	return diff, nil
}

// Times returns what e costs at price p, or ErrOverflow. It is exact.
func Times(e Energy, p Price) (Money, error) {
	hi, lo := bits.Mul64(magnitude(int64(e)), magnitude(int64(p)))
	if hi != 0 || lo > math.MaxInt64 {
		return 0, ErrOverflow
	}
	if (e < 0) != (p < 0) {
		return -Money(lo), nil
	}
	return Money(lo), nil
}

// MustAdd is Add where the caller's invariants rule overflow out; it panics
// when they do not hold.
func MustAdd[T Amount](a, b T) T { return must(Add(a, b)) }

// MustSub is Sub where the caller's invariants rule overflow out.
func MustSub[T Amount](a, b T) T { return must(Sub(a, b)) }

// MustTimes is Times where the caller's invariants rule overflow out.
func MustTimes(e Energy, p Price) Money { return must(Times(e, p)) }

func must[T Amount](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// magnitude is |v|, also of the least integer.
func magnitude(v int64) uint64 {
	if v < 0 {
		return -uint64(v) //nolint:gosec // two's complement on purpose
	}
	return uint64(v)
}
