package quantity

import (
	"cmp"
	"math/bits"
	"slices"
)

// Share is one claimant of a Split.
type Share struct {
	Weight uint64 // What the claimant's part is proportional to.
	Rank   uint64 // Breaks ties between equal remainders, lowest first; unique.
}

// Split divides total among the shares in proportion to their weights by the
// largest remainder method: every share gets the floor of its exact part, and
// the units left over go one each to the largest remainders, ties to the lowest
// rank. The parts always sum to total. With no weight at all every part is zero
// and total must be zero too.
//
// The result is independent of the order of shares.
func Split(total uint64, shares []Share) []uint64 {
	parts := make([]uint64, len(shares))
	var weight uint64
	for _, s := range shares {
		sum, carry := bits.Add64(weight, s.Weight, 0)
		if carry != 0 {
			panic(ErrOverflow)
		}
		weight = sum
	}
	if weight == 0 {
		if total != 0 {
			panic("quantity: a total to split among no weight")
		}
		return parts
	}
	remainder := make([]uint64, len(shares))
	left := total
	for i, s := range shares {
		hi, lo := bits.Mul64(total, s.Weight)
		parts[i], remainder[i] = bits.Div64(hi, lo, weight)
		left -= parts[i]
	}
	if left == 0 {
		return parts
	}
	order := make([]int, len(shares))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(remainder[b], remainder[a]), cmp.Compare(shares[a].Rank, shares[b].Rank))
	})
	for _, i := range order[:left] {
		parts[i]++
	}
	return parts
}
