package quantity

import (
	"math"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestSplit(t *testing.T) {
	weights := func(w ...uint64) (shares []Share) {
		for i, weight := range w {
			shares = append(shares, Share{Weight: weight, Rank: uint64(i)})
		}
		return shares
	}
	for _, c := range []struct {
		what   string
		total  uint64
		shares []Share
		want   []uint64
	}{
		{"what divides", 6, weights(1, 2, 3), []uint64{1, 2, 3}},
		{"the units left over go to the largest remainders", 10, weights(1, 2, 4), []uint64{1, 3, 6}},
		{"ties go to the lowest rank", 1, weights(1, 1, 1), []uint64{1, 0, 0}},
		{"by rank, not by place", 1, []Share{{1, 9}, {1, 4}}, []uint64{0, 1}},
		{"two units left over", 2, []Share{{1, 9}, {1, 4}, {1, 7}}, []uint64{0, 1, 1}},
		{"a share without weight gets nothing", 5, weights(0, 1), []uint64{0, 5}},
		{"nothing among some", 0, weights(1, 2), []uint64{0, 0}},
		{"nothing among nobody", 0, nil, []uint64{}},
		{"nothing among no weight", 0, weights(0, 0), []uint64{0, 0}},
		{"all there is", math.MaxUint64, weights(1, math.MaxUint64-1), []uint64{1, math.MaxUint64 - 1}},
	} {
		if got := Split(c.total, c.shares); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.what, got, c.want)
		}
	}
}

func TestSplitPanics(t *testing.T) {
	for what, f := range map[string]func(){
		"a total among no weight": func() { Split(1, []Share{{0, 0}}) },
		"weights past 64 bits":    func() { Split(1, []Share{{math.MaxUint64, 0}, {1, 1}}) },
	} {
		t.Run(what, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}

// TestSplitProperties states what the largest remainder method promises.
func TestSplitProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shares := drawShares(t)
		total := rapid.OneOf(rapid.Uint64Range(0, 100), rapid.Uint64()).Draw(t, "total")
		parts := Split(total, shares)
		weight := uint64(0)
		for _, s := range shares {
			weight += s.Weight
		}
		left := total
		for i, part := range parts {
			left -= part
			exact := new(big.Int).Mul(new(big.Int).SetUint64(total), new(big.Int).SetUint64(shares[i].Weight))
			floor := exact.Div(exact, new(big.Int).SetUint64(weight)).Uint64()
			if part != floor && part != floor+1 {
				t.Fatalf("part %d is %d, and %d is exactly its floor", i, part, floor)
			}
		}
		if left != 0 {
			t.Fatalf("the parts of %d miss it by %d", total, left)
		}
		// Whoever comes first, each gets the same.
		order := rapid.Permutation(indices(len(shares))).Draw(t, "order")
		shuffled := make([]Share, len(shares))
		for to, from := range order {
			shuffled[to] = shares[from]
		}
		for to, part := range Split(total, shuffled) {
			if part != parts[order[to]] {
				t.Fatalf("share %d gets %d in one order and %d in another", order[to], parts[order[to]], part)
			}
		}
	})
}

// drawShares draws shares with some weight, unique ranks and no overflow.
func drawShares(t *rapid.T) []Share {
	weights := rapid.SliceOfN(rapid.OneOf(rapid.Uint64Range(0, 5), rapid.Uint64Range(0, math.MaxUint64/64)), 1, 40).Draw(t, "weights")
	weights[0]++
	ranks := rapid.Permutation(indices(len(weights))).Draw(t, "ranks")
	shares := make([]Share, len(weights))
	for i, w := range weights {
		shares[i] = Share{Weight: w, Rank: uint64(ranks[i])}
	}
	return shares
}

func indices(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}
