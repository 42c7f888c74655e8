package auction

import "github.com/commonwatt/commonwatt/quantity"

// tree is the shape of a book's zones.
type tree struct {
	root    int32
	order   []int32          // Every zone once, parents first.
	child   []int32          // Per zone its first child, or NoParent.
	sibling []int32          // Per zone the next child of its parent, or NoParent.
	path    []quantity.Price // Per zone what a Wh pays from there to the root.
}

// newTree panics unless the zones form one tree.
func newTree(zones []Zone) *tree {
	n := len(zones)
	links := make([]int32, 3*n)
	t := &tree{
		root:    NoParent,
		order:   links[:0:n],
		child:   links[n : 2*n],
		sibling: links[2*n:],
		path:    make([]quantity.Price, n),
	}
	for z := range t.child {
		t.child[z] = NoParent
	}
	for z := n - 1; z >= 0; z-- {
		parent := zones[z].Parent
		if parent == NoParent {
			assert(t.root == NoParent, "a second root")
			t.root, t.sibling[z] = int32(z), NoParent //nolint:gosec // a book has fewer than 2^31 zones
			continue
		}
		t.sibling[z], t.child[parent] = t.child[parent], int32(z) //nolint:gosec // a book has fewer than 2^31 zones
	}
	assert(t.root != NoParent, "no root")
	t.order = append(t.order, t.root)
	for i := 0; i < len(t.order); i++ {
		z := t.order[i]
		for c := t.child[z]; c != NoParent; c = t.sibling[c] {
			t.path[c] = t.path[z] + zones[c].Charge
			t.order = append(t.order, c)
		}
	}
	assert(len(t.order) == n, "a zone that does not reach the root")
	return t
}

// assert panics when an invariant of a valid book or of the clearing is broken.
func assert(holds bool, broken string) {
	if !holds {
		panic("auction: " + broken)
	}
}
