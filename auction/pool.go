package auction

import (
	"cmp"
	"math"
	"slices"

	"github.com/commonwatt/commonwatt/quantity"
)

// party is an order with a fill, or the utility, while its energy is assigned.
type party struct {
	order int32
	owner int64 // -1 for the utility.
	zone  uint32
	class Class
	left  quantity.Energy
	place uint64 // By lot; the utility comes last.
}

// pool is the parties that meet at a zone: its own, and those under it that found
// nobody nearer.
type pool struct{ offers, bids []*party }

// matching assigns the energy of one stage.
type matching struct {
	stage    *stage
	partners []Partner
	of       map[int64][]int // Per buying owner where its partners are.
	trades   []Trade
}

// assign matches green bids with green offers and then any bids with what is
// left, each from the leaves of the tree to the root. A zone and those under it
// pass on one side only, so what passes a line is its flow.
func (s *stage) assign(partners []Partner) []Trade {
	m := &matching{stage: s, partners: partners, of: make(map[int64][]int)}
	for i, p := range partners {
		m.of[int64(p.Buyer)] = append(m.of[int64(p.Buyer)], i)
	}
	offers, bids := s.parties()
	m.climb(offers, bids, Green)
	m.climb(offers, bids, Any)
	return m.trades
}

func (s *stage) parties() (offers, bids []*party) {
	orders, places := s.drawn()
	drawn := make([]party, len(orders))
	for i, order := range orders {
		o, p := &s.book.Orders[order], &drawn[i]
		*p = party{order: int32(order), owner: int64(o.Owner), zone: o.Zone, class: o.Class, left: s.filled[order], place: places[i]} //nolint:gosec // fewer than 2^31 orders
		if o.Side == Sell {
			offers = append(offers, p)
		} else {
			bids = append(bids, p)
		}
	}
	utility := party{order: UtilityParty, owner: -1, zone: uint32(s.tree.root), place: math.MaxUint64} //nolint:gosec // an index
	if utility.left = s.flow[s.tree.root]; utility.left > 0 {
		bids = append(bids, &utility)
	} else if utility.left = -utility.left; utility.left > 0 {
		offers = append(offers, &utility)
	}
	return offers, bids
}

// climb matches the bids of a class, children first.
func (m *matching) climb(offers, bids []*party, class Class) {
	pools := make([]pool, len(m.stage.lines))
	for _, p := range offers {
		if p.left > 0 && (class == Any || p.class == Green) {
			pools[p.zone].offers = append(pools[p.zone].offers, p)
		}
	}
	for _, p := range bids {
		if p.left > 0 && p.class == class {
			pools[p.zone].bids = append(pools[p.zone].bids, p)
		}
	}
	for _, zone := range slices.Backward(m.stage.tree.order) {
		here := &pools[zone]
		m.match(here, class)
		if parent := m.stage.book.Zones[zone].Parent; parent != NoParent {
			pools[parent].offers = append(pools[parent].offers, here.offers...)
			pools[parent].bids = append(pools[parent].bids, here.bids...)
		}
	}
}

// match trades what a pool can: an owner's own first, then partners, then all.
func (m *matching) match(p *pool, class Class) {
	if len(p.offers) == 0 || len(p.bids) == 0 {
		return
	}
	slices.SortFunc(p.offers, byOwner)
	slices.SortFunc(p.bids, byOwner)
	var chosen []int
	for offers, bids := p.offers, p.bids; len(bids) > 0; {
		owner := bids[0].owner
		for len(offers) > 0 && offers[0].owner < owner {
			offers = offers[1:]
		}
		own := firstOwned(bids, owner)
		m.pair(firstOwned(offers, owner), own, class)
		chosen = append(chosen, m.of[owner]...)
		bids = bids[len(own):]
	}
	slices.Sort(chosen)
	for _, i := range chosen {
		bids := ownedBy(p.bids, int64(m.partners[i].Buyer))
		for _, seller := range m.partners[i].Sellers {
			m.pair(ownedBy(p.offers, int64(seller)), bids, class)
		}
	}
	p.offers, p.bids = open(p.offers), open(p.bids)
	m.proportion(p, class)
	p.offers, p.bids = open(p.offers), open(p.bids)
}

// byOwner orders parties by owner, and those of one owner by lot.
func byOwner(a, b *party) int {
	if a.owner != b.owner {
		return cmp.Compare(a.owner, b.owner)
	}
	return cmp.Compare(a.place, b.place)
}

// firstOwned are the parties of an owner with which a list begins, if it does.
func firstOwned(parties []*party, owner int64) []*party {
	n := 0
	for n < len(parties) && parties[n].owner == owner {
		n++
	}
	return parties[:n]
}

// ownedBy are the parties of an owner, in a list sorted by owner.
func ownedBy(parties []*party, owner int64) []*party {
	beside := func(p *party, owner int64) int { return cmp.Compare(p.owner, owner) }
	first, _ := slices.BinarySearchFunc(parties, owner, beside)
	last, _ := slices.BinarySearchFunc(parties, owner+1, beside)
	return parties[first:last]
}

// open are the parties with energy left.
func open(parties []*party) []*party {
	return slices.DeleteFunc(parties, func(p *party) bool { return p.left == 0 })
}

// pair trades offers with bids in turn until either side is used up.
func (m *matching) pair(offers, bids []*party, class Class) {
	for len(offers) > 0 && len(bids) > 0 {
		offer, bid := offers[0], bids[0]
		m.trade(offer, bid, min(offer.left, bid.left), class)
		if offer.left == 0 {
			offers = offers[1:]
		}
		if bid.left == 0 {
			bids = bids[1:]
		}
	}
}

func (m *matching) trade(offer, bid *party, energy quantity.Energy, class Class) {
	if energy == 0 {
		return
	}
	offer.left, bid.left = offer.left-energy, bid.left-energy
	m.trades = append(m.trades, Trade{Seller: offer.order, Buyer: bid.order, Energy: energy, Class: class, Stage: m.stage.kind})
}

// proportion trades what the shorter side of a pool has with the longer side pro
// rata: the largest remainder method, ties by lot.
func (m *matching) proportion(p *pool, class Class) {
	if len(p.offers) == 0 || len(p.bids) == 0 {
		return
	}
	byPlace := func(a, b *party) int { return cmp.Compare(a.place, b.place) }
	slices.SortFunc(p.offers, byPlace)
	slices.SortFunc(p.bids, byPlace)
	total := min(energyLeft(p.offers), energyLeft(p.bids))
	offered, wanted := parts(p.offers, total), parts(p.bids, total)
	for o, b := 0, 0; o < len(offered) && b < len(wanted); {
		energy := min(offered[o], wanted[b])
		m.trade(p.offers[o], p.bids[b], energy, class)
		offered[o], wanted[b] = offered[o]-energy, wanted[b]-energy
		if offered[o] == 0 {
			o++
		} else {
			b++
		}
	}
}

func energyLeft(parties []*party) quantity.Energy {
	var total quantity.Energy
	for _, p := range parties {
		total = quantity.MustAdd(total, p.left)
	}
	return total
}

// parts splits total among parties in proportion to what they have left.
func parts(parties []*party, total quantity.Energy) []quantity.Energy {
	shares := make([]quantity.Share, len(parties))
	for i, p := range parties {
		shares[i] = quantity.Share{Weight: uint64(p.left), Rank: p.place} //nolint:gosec // ≥ 0
	}
	out := make([]quantity.Energy, len(parties))
	for i, part := range quantity.Split(uint64(total), shares) { //nolint:gosec // ≥ 0
		out[i] = quantity.Energy(part) //nolint:gosec // ≤ total
	}
	return out
}
