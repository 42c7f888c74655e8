package certificate

import (
	"cmp"
	"slices"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/quantity"
)

// tree is a microgrid's zones, for what is near to be matched first.
type tree struct {
	index  map[grid.ZoneID]int32
	parent []int32 // By zone; below zero at the root.
	order  []int32 // Zones, each before its parent.
}

func newTree(nodes []grid.Node) *tree {
	t := &tree{index: map[grid.ZoneID]int32{}, parent: make([]int32, len(nodes)), order: make([]int32, len(nodes))}
	for n, z := range nodes {
		t.index[z.Zone] = int32(n)
	}
	for n, z := range nodes {
		t.order[n], t.parent[n] = int32(n), -1
		if at, below := t.index[z.Parent]; below {
			t.parent[n] = at
		}
	}
	slices.SortStableFunc(t.order, func(a, b int32) int { return cmp.Compare(t.depth(b), t.depth(a)) })
	return t
}

// depth is how many lines lie between a zone and the root.
func (t *tree) depth(z int32) (n int) {
	for z = t.parent[z]; z >= 0; z = t.parent[z] {
		n++
	}
	return n
}

// all is every zone.
func (t *tree) all() []bool {
	list := make([]bool, len(t.parent))
	for n := range list {
		list[n] = true
	}
	return list
}

// below is a zone and those below it.
func (t *tree) below(top int32) []bool {
	list := make([]bool, len(t.parent))
	for _, z := range slices.Backward(t.order) { // Each after its parent.
		list[z] = z == top || t.parent[z] >= 0 && list[t.parent[z]]
	}
	return list
}

// pair takes from supply and demand what can be paired: in each zone as much as there
// is of both in it and is not paired below it, and so up the tree. In a zone it is taken
// of all in proportion to what they have left there, by largest remainder, ties to the
// first.
func (t *tree) pair(supply, demand []side) {
	produced, used := t.places(supply), t.places(demand)
	for _, z := range t.order {
		both := min(left(supply, produced[z]), left(demand, used[z]))
		produced[z], used[z] = apportion(supply, produced[z], both), apportion(demand, used[z], both)
		if up := t.parent[z]; up >= 0 {
			produced[up], used[up] = append(produced[up], produced[z]...), append(used[up], used[z]...)
		}
	}
}

// places lists which sides are in each zone.
func (t *tree) places(list []side) [][]int {
	at := make([][]int, len(t.parent))
	for n := range list {
		at[list[n].zone] = append(at[list[n].zone], n)
	}
	return at
}

// left is what some of a list of sides have left.
func left(list []side, at []int) (sum quantity.Energy) {
	for _, n := range at {
		sum = quantity.MustAdd(sum, list[n].left)
	}
	return sum
}

// apportion takes energy of some of a list of sides and returns those that have some
// left.
func apportion(list []side, at []int, e quantity.Energy) []int {
	if e == 0 {
		return at
	}
	weights := make([]quantity.Share, len(at))
	for i, n := range at {
		weights[i] = quantity.Share{Weight: uint64(list[n].left), Rank: uint64(n)} //nolint:gosec // Not below zero.
	}
	rest := at[:0]
	for i, part := range quantity.Split(uint64(e), weights) { //nolint:gosec // Not below zero.
		x := &list[at[i]]
		taken := quantity.Energy(part) //nolint:gosec // Not more than e.
		x.left, x.taken = quantity.MustSub(x.left, taken), quantity.MustAdd(x.taken, taken)
		if x.left > 0 {
			rest = append(rest, at[i])
		}
	}
	return rest
}
