package auction

import (
	"math/bits"

	"github.com/commonwatt/commonwatt/quantity"
)

// blend sets the energies of a to the point between two optima of one premium,
// one short of green offers and one with too many, at which both sides are equal,
// so that what is tied is shared in one proportion everywhere. The point is
// rounded to whole Wh along cycles, each quantity down or up by less than one,
// so conservation and limits hold exactly. The cycles are found in the order of
// the zones' places, so the order in which a book lists its zones says nothing.
func (a *allocation) blend(short, long *allocation, t *tree, places []uint64) {
	lack, excess := -short.surplus(), long.surplus()
	assert(lack >= 0 && excess >= 0, "optima on one side of the balance of green")
	if lack == 0 {
		a.takeEnergies(short)
		return
	}
	r := newRounding(t, uint64(lack+excess), places) //nolint:gosec // ≥ 0, asserted
	from, to := short.energies(), long.energies()
	for kind, energies := range a.energies() {
		for zone := range energies {
			arc := kind*len(energies) + zone
			energies[zone], r.part[arc] = between(from[kind][zone], to[kind][zone], uint64(lack), r.whole) //nolint:gosec // ≥ 0
		}
	}
	r.link()
	r.round(a)
}

func (a *allocation) energies() [3][]quantity.Energy {
	return [3][]quantity.Energy{a.any, a.green, a.flow}
}

func (a *allocation) takeEnergies(b *allocation) {
	copy(a.any, b.any)
	copy(a.green, b.green)
	copy(a.flow, b.flow)
}

// between is from + (to − from) × part / whole: its floor, and what is left in wholes.
func between(from, to quantity.Energy, part, whole uint64) (floor quantity.Energy, rest uint64) {
	distance := to - from
	hi, lo := bits.Mul64(uint64(max(distance, -distance)), part) //nolint:gosec // ≥ 0
	q, r := bits.Div64(hi, lo, whole)
	step := quantity.Energy(q) //nolint:gosec // at most the distance
	switch {
	case distance >= 0:
		return from + step, r
	case r == 0:
		return from - step, 0
	default:
		return from - step - 1, whole - r
	}
}

// rounding is the graph of what an allocation moves: a node per zone, one for
// the certificates and one for the outside; an arc per zone for its own any
// energy (from outside), its own green energy (from the certificates), and its
// flow (to the parent or, at the root, outside).
type rounding struct {
	tree  *tree
	whole uint64
	part  []uint64  // Per arc what it is above its floor, in wholes.
	from  []int32   // Per arc.
	to    []int32   // Per arc.
	drawn []int32   // The nodes in the order of their places, zones first.
	arcs  [][]int32 // Per node its arcs that are not whole.
}

func newRounding(t *tree, whole uint64, places []uint64) *rounding {
	zones := len(t.order)
	arcs := 3 * zones
	r := &rounding{
		tree: t, whole: whole,
		part: make([]uint64, arcs), from: make([]int32, arcs), to: make([]int32, arcs), drawn: make([]int32, zones+2),
	}
	for node := range r.drawn {
		place := uint64(node)
		if node < zones {
			place = places[node]
		}
		r.drawn[place] = int32(node)
	}
	return r
}

// link lists the arcs that are not whole at both of their nodes.
func (r *rounding) link() {
	zones := int32(len(r.tree.order)) //nolint:gosec // a book has fewer than 2^29 zones
	certificates, outside := zones, zones+1
	r.arcs = make([][]int32, zones+2)
	for zone := range zones {
		r.from[zone], r.to[zone] = outside, zone
		r.from[zones+zone], r.to[zones+zone] = certificates, zone
		r.from[2*zones+zone], r.to[2*zones+zone] = zone, outside
	}
	for zone := range zones {
		for c := r.tree.child[zone]; c != NoParent; c = r.tree.sibling[c] {
			r.to[2*zones+c] = zone
		}
	}
	for _, zone := range r.drawn[:zones] {
		for arc := zone; arc < 3*zones; arc += zones {
			if r.part[arc] != 0 {
				r.arcs[r.from[arc]] = append(r.arcs[r.from[arc]], arc)
				r.arcs[r.to[arc]] = append(r.arcs[r.to[arc]], arc)
			}
		}
	}
}

// round walks along arcs that are not whole. Whatever enters a node leaves it, so
// a node has none or at least two of them, and every walk closes a cycle. Around
// it energy shifts until an arc is whole.
func (r *rounding) round(a *allocation) {
	place := make([]int32, len(r.arcs)) // Where the walk came by, plus one.
	var nodes, arcs []int32
	for _, start := range r.drawn {
		nodes, arcs = append(nodes[:0], start), arcs[:0]
		place[start] = 1
		for len(nodes) > 0 {
			node := nodes[len(nodes)-1]
			last := int32(-1)
			if len(arcs) > 0 {
				last = arcs[len(arcs)-1]
			}
			arc := r.next(node, last)
			if arc < 0 {
				assert(last < 0, "one arc of a node that is not whole")
				place[node], nodes = 0, nodes[:0]
				break
			}
			next := r.from[arc] + r.to[arc] - node
			arcs = append(arcs, arc)
			if place[next] == 0 {
				nodes = append(nodes, next)
				place[next] = int32(len(nodes)) //nolint:gosec // a node once
				continue
			}
			begin := place[next] - 1
			r.shift(a, next, arcs[begin:])
			for _, n := range nodes[begin+1:] {
				place[n] = 0
			}
			nodes, arcs = nodes[:begin+1], arcs[:begin]
		}
	}
}

// next is an arc of a node that is not whole, other than the last one, or -1.
func (r *rounding) next(node, last int32) int32 {
	arcs := r.arcs[node]
	for i := len(arcs) - 1; i >= 0; i-- {
		if r.part[arcs[i]] == 0 {
			arcs[i] = arcs[len(arcs)-1]
			arcs = arcs[:len(arcs)-1]
			r.arcs[node] = arcs
			continue
		}
		if arcs[i] != last {
			return arcs[i]
		}
	}
	return -1
}

// shift moves along a cycle from a node as much as makes one of its arcs whole.
func (r *rounding) shift(a *allocation, node int32, cycle []int32) {
	room, at := r.whole, node
	for _, arc := range cycle {
		if r.from[arc] == at {
			room, at = min(room, r.whole-r.part[arc]), r.to[arc]
		} else {
			room, at = min(room, r.part[arc]), r.from[arc]
		}
	}
	assert(at == node, "a cycle that does not close")
	energies := a.energies()
	for _, arc := range cycle {
		if r.from[arc] != at {
			r.part[arc], at = r.part[arc]-room, r.from[arc]
			continue
		}
		r.part[arc], at = r.part[arc]+room, r.to[arc]
		if r.part[arc] == r.whole {
			r.part[arc] = 0
			zones := int32(len(a.any)) //nolint:gosec // a book has fewer than 2^29 zones
			energies[arc/zones][arc%zones]++
		}
	}
}
