package settlement

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tx"
)

// homesOf is homes of a number of accounts, each zone's own.
func homesOf(zone, count int) (h homes) {
	for n := range count {
		h.add(tx.AccountID(100*zone + n))
	}
	return h
}

// The zones of each case are 1, the root, then 2 and 3 below it and 4 below 3. Zone n
// takes 10 to the n Wh.
func TestDisclose(t *testing.T) {
	tree := []grid.Node{{Zone: 1}, {Zone: 2, Parent: 1}, {Zone: 3, Parent: 1}, {Zone: 4, Parent: 3}}
	for _, c := range []struct {
		homes [4]int
		told  string
		all   bool
	}{
		{[4]int{3, 3, 3, 3}, "1:10 2:100 3:1000 4:10000", true},
		{[4]int{3, 0, 3, 3}, "1:10 2:100 3:1000 4:10000", true},
		{[4]int{3, 3, 3, 1}, "1:10 2:100 3:11000", false}, // A small one is told within its parent,
		{[4]int{3, 3, 1, 1}, "1:11010 2:100", false},      // which may be too small still.
		{[4]int{3, 3, 1, 2}, "1:10 2:100 3:11000", false}, // Two small ones may do.
		{[4]int{3, 3, 1, 4}, "1:1010 2:100 4:10000", false},
		{[4]int{0, 3, 0, 3}, "1:10 2:100 3:1000 4:10000", true},
		{[4]int{0, 2, 3, 3}, "1:1110 4:10000", false}, // The root stays too small: one more is told with it.
		{[4]int{1, 3, 3, 3}, "1:110 3:1000 4:10000", false},
		{[4]int{1, 0, 0, 3}, "1:11010 2:100", false}, // With what lies between.
		{[4]int{1, 1, 0, 0}, "", false},
		{[4]int{0, 0, 0, 0}, "1:10 2:100 3:1000 4:10000", true},
	} {
		of := make([]homes, len(tree))
		totals := make([]ZoneTotal, len(tree))
		wh := quantity.Energy(1)
		for n := range tree {
			wh *= 10
			of[n], totals[n] = homesOf(n, c.homes[n]), ZoneTotal{Zone: tree[n].Zone, Demand: wh}
		}
		told, all := disclose(tree, of, totals)
		var says []string
		for _, z := range told {
			says = append(says, fmt.Sprintf("%d:%d", z.Zone, z.Demand))
		}
		if got := fmt.Sprint(says); got != "["+c.told+"]" || all != c.all {
			t.Errorf("%v: %s, all %v, want [%s], %v", c.homes, got, all, c.told, c.all)
		}
	}
}

// One account with many connection points is one home.
func TestHomesAreAccounts(t *testing.T) {
	var h homes
	for range 5 {
		h.add(7)
	}
	if !h.few() || len(h) != 1 {
		t.Errorf("five points of one account are %v", h)
	}
}

// TestDiscloseAnyTree checks of any tree that what is told sums to all there is, and
// that each sum is of nobody, or of enough. A zone's homes are bits of its demand, so
// a sum says of whom it is.
func TestDiscloseAnyTree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 8).Draw(t, "zones")
		numbers := rapid.Permutation([]int{1, 2, 3, 4, 5, 6, 7, 8}).Draw(t, "numbers")[:size]
		tree := make([]grid.Node, size)
		for n := range tree {
			tree[n].Zone = grid.ZoneID(numbers[n])
			if n > 0 {
				tree[n].Parent = tree[rapid.IntRange(0, n-1).Draw(t, "parent")].Zone
			}
		}
		slices.SortFunc(tree, func(a, b grid.Node) int { return int(a.Zone) - int(b.Zone) })
		of, totals, next := make([]homes, size), make([]ZoneTotal, size), 0
		for n := range tree {
			totals[n].Zone = tree[n].Zone
			for range rapid.IntRange(0, 4).Draw(t, "homes") {
				of[n].add(tx.AccountID(next))
				totals[n].Demand |= 1 << next
				next++
			}
		}
		var all quantity.Energy = 1<<next - 1
		told, whole := disclose(tree, of, totals)
		var sum quantity.Energy
		for _, z := range told {
			sum += z.Demand
			if count := bitsOf(z.Demand); count > 0 && count < Fewest {
				t.Errorf("zone %d is told with %d homes", z.Zone, count)
			}
		}
		if len(told) > 0 && sum != all || len(told) == 0 && bitsOf(all) >= Fewest || whole != (len(told) == size && slices.Equal(told, totals)) {
			t.Errorf("%d zones are told, sum %b of %b, whole %v", len(told), sum, all, whole)
		}
	})
}

func bitsOf(e quantity.Energy) (n int) {
	for ; e > 0; e &= e - 1 {
		n++
	}
	return n
}
