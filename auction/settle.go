package auction

import (
	"github.com/commonwatt/commonwatt/quantity"
)

// allocation is an optimum of one premium, zone by zone.
type allocation struct {
	price []int64           // A price of the sweep that supports it.
	any   []quantity.Energy // Net supply of the zone's own orders.
	green []quantity.Energy
	flow  []quantity.Energy // To the parent; the root's goes to the utility.
}

func newAllocation(zones int) *allocation {
	energies := make([]quantity.Energy, 3*zones)
	return &allocation{
		price: make([]int64, zones),
		any:   energies[:zones:zones],
		green: energies[zones : 2*zones : 2*zones],
		flow:  energies[2*zones:],
	}
}

// surplus is by how much green offers filled exceed green bids filled.
func (a *allocation) surplus() quantity.Energy {
	var net quantity.Energy
	for _, green := range a.green {
		net += green
	}
	return net
}

// settle walks down from the root and shares what is tied at each zone's price
// pro rata, remainders by place. Without places it shares somehow, which is enough
// to know the surplus of green.
func (w *sweep) settle(a *allocation, places []uint64) {
	root := w.tree.root
	price := w.nodes[root].between(0)
	if w.elastic {
		price = w.nodes[root].between(w.feedIn)
		price = min(max(price, w.feedIn), w.retail)
	}
	low, high := w.net(root, price), w.net(root, price+1)
	a.price[root], a.flow[root] = price, min(max(0, low), high)
	assert(w.elastic || a.flow[root] == 0, "an island that trades with the outside")
	claims := w.scratch
	for _, zone := range w.tree.order {
		claims = w.claims(claims[:0], zone, a.price[zone], places)
		if places == nil {
			fillUp(claims, a.flow[zone])
		} else {
			share(claims, a.flow[zone])
		}
		a.any[zone], a.green[zone] = claims[0].part, claims[1].part
		for _, c := range claims[2:] {
			a.flow[c.zone] = c.part
			a.price[c.zone] = w.nodes[c.zone].follow(a.price[zone], c.part)
		}
	}
	w.scratch = claims[:0]
}

// between is the price nearest to p at which a zone neither exports nor imports.
func (n *node) between(p int64) int64 {
	return max(n.balanced-1, min(p, n.surplus-1))
}

// follow is the zone's price when its parent's is p and it exports flow.
func (n *node) follow(p int64, flow quantity.Energy) int64 {
	switch {
	case flow > 0:
		return min(p-n.charge, n.full-1)
	case flow < 0:
		return max(p+n.charge, n.wet-1)
	default:
		return n.between(p)
	}
}

// claim is a part of a zone's net supply: its own orders of a class, or a child.
type claim struct {
	low, high quantity.Energy // What it may be at the zone's price.
	part      quantity.Energy // What it is.
	zone      int32           // The child.
	place     uint64          // Among its like when a remainder is tied.
}

func (w *sweep) claims(claims []claim, zone int32, price int64, places []uint64) []claim {
	for class := Any; class <= Green; class++ {
		claims = append(claims, claim{
			low:   w.own(zone, class, price),
			high:  w.own(zone, class, price+1),
			place: uint64(class),
		})
	}
	for c := w.tree.child[zone]; c != NoParent; c = w.tree.sibling[c] {
		child := claim{low: w.shown(c, price), high: w.shown(c, price+1), zone: c}
		if places != nil {
			child.place = 2 + places[c]
		}
		claims = append(claims, child)
	}
	return claims
}

// fillUp gives each claim a part so that they sum to total, the first ones most.
func fillUp(claims []claim, total quantity.Energy) {
	for _, c := range claims {
		total -= c.low
	}
	for i := range claims {
		c := &claims[i]
		more := min(total, c.high-c.low)
		c.part, total = c.low+more, total-more
	}
	assert(total == 0, "a net supply outside what the price allows")
}

// share gives each claim a part so that they sum to total: what is free goes in
// proportion to the claims' intervals.
func share(claims []claim, total quantity.Energy) {
	free, width := total, quantity.Energy(0)
	for i := range claims {
		c := &claims[i]
		c.part = c.low
		free -= c.low
		width += c.high - c.low
	}
	assert(free >= 0 && free <= width, "a net supply outside what the price allows")
	switch free {
	case 0:
	case width:
		for i := range claims {
			claims[i].part = claims[i].high
		}
	default:
		shares := make([]quantity.Share, len(claims))
		for i, c := range claims {
			shares[i] = quantity.Share{Weight: uint64(c.high - c.low), Rank: c.place} //nolint:gosec // low ≤ high
		}
		for i, part := range quantity.Split(uint64(free), shares) { //nolint:gosec // ≥ 0
			claims[i].part += quantity.Energy(part) //nolint:gosec // ≤ free
		}
	}
}
