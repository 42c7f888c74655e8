package settlement

import (
	"slices"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tx"
)

// Fewest is how many homes a sum is of at least before anybody but the operator
// reads it: what one home knows of itself tells it nothing of one other. It is the
// threshold rule of statistical disclosure control (Eurostat, Handbook on
// Statistical Disclosure Control, §4.2).
const Fewest = 3

// homes are the accounts of a zone's connection points, as many of them as
// matter.
type homes []tx.AccountID

// add adds an account that is not there, as long as there are too few.
func (h *homes) add(account tx.AccountID) {
	if len(*h) < Fewest && !slices.Contains(*h, account) {
		*h = append(*h, account)
	}
}

// few reports whether there are homes, and too few to be told of.
func (h homes) few() bool { return len(h) > 0 && len(h) < Fewest }

// disclose returns the totals that anyone may read, and whether they are all there
// is. A zone of too few homes is told within its parent; where that would leave the
// root too small, it is told with the first zone below it. So whichever sums are
// subtracted from each other, what is left is of no fewer homes. There are none
// when the whole microgrid has too few.
func disclose(tree []grid.Node, of []homes, totals []ZoneTotal) (told []ZoneTotal, all bool) {
	index := make(map[grid.ZoneID]int, len(tree))
	for n, z := range tree {
		index[z.Zone] = n
	}
	within := make([]bool, len(tree)) // Told within its parent.
	for n := range of {
		of[n] = slices.Clone(of[n])
	}
	root := -1
	for _, n := range upwards(tree, index) {
		switch {
		case tree[n].Parent == 0:
			root = n
		case of[n].few():
			within[n] = true
			for _, account := range of[n] {
				of[index[tree[n].Parent]].add(account)
			}
		}
	}
	if root >= 0 && of[root].few() {
		first := slices.IndexFunc(of, func(h homes) bool { return len(h) == Fewest })
		if first < 0 {
			return nil, false
		}
		for n := first; n != root; n = index[tree[n].Parent] {
			within[n] = true
		}
	}
	if !slices.Contains(within, true) {
		return totals, true
	}
	return join(tree, index, within, totals), false
}

// join adds what is told within a parent to it, price apart.
func join(tree []grid.Node, index map[grid.ZoneID]int, within []bool, totals []ZoneTotal) []ZoneTotal {
	sums := slices.Clone(totals)
	for _, n := range upwards(tree, index) {
		if within[n] {
			sum, part := &sums[index[tree[n].Parent]], sums[n]
			sum.Supply = quantity.MustAdd(sum.Supply, part.Supply)
			sum.Demand = quantity.MustAdd(sum.Demand, part.Demand)
			sum.Traded = quantity.MustAdd(sum.Traded, part.Traded)
			sum.Bought = quantity.MustAdd(sum.Bought, part.Bought)
			sum.Sold = quantity.MustAdd(sum.Sold, part.Sold)
		}
	}
	var told []ZoneTotal
	for n, sum := range sums {
		if !within[n] {
			told = append(told, sum)
		}
	}
	return told
}

// upwards is the places of a tree's zones, each before its parent.
func upwards(tree []grid.Node, index map[grid.ZoneID]int) []int {
	depth := func(n int) (steps int) {
		for ; tree[n].Parent != 0; n = index[tree[n].Parent] {
			steps++
		}
		return steps
	}
	order := make([]int, len(tree))
	for n := range tree {
		order[n] = n
	}
	slices.SortStableFunc(order, func(a, b int) int { return depth(b) - depth(a) })
	return order
}
