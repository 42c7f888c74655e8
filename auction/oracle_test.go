package auction_test

import (
	"errors"
	"math"

	"github.com/commonwatt/commonwatt/auction"
)

// The oracle says what a stage must reach without knowing how the engine gets
// there: a plain min-cost circulation for welfare and volume, and a plain
// system of difference constraints for prices. Both are slow and literal.

// none is an amount without bound, far from overflow when a few are added.
const none = math.MaxInt64 / 8

// wish is an order as one stage sees it.
type wish struct {
	zone       int
	buy, green bool
	energy     int64
	limit      int64 // As the stage counts it.
}

// stageBook is what one stage clears.
type stageBook struct {
	parent           []int // -1: the root.
	charge           []int64
	exports, imports []int64 // Most per edge, or none.
	utility          *auction.Utility
	wishes           []wish
}

func (s *stageBook) root() int {
	for z, p := range s.parent {
		if p < 0 {
			return z
		}
	}
	panic("no root")
}

func (s *stageBook) total() int64 {
	var sum int64
	for _, w := range s.wishes {
		sum += w.energy
	}
	return sum
}

// arc is a directed arc of the circulation; arcs 2i and 2i+1 are each other's
// residual.
type arc struct {
	from, to  int
	room      int64
	cost      int64
	rewarding bool
}

// reward says which arcs count as traded energy among equal welfare.
type reward func(w *wish) bool

// network builds the circulation of a stage: zones, the certificate node C and
// the outside O. A green offer runs from C into its zone and a green bid back,
// and O feeds C for nothing.
func (s *stageBook) network(counts reward, countBought bool) []arc {
	n := len(s.parent)
	certificate, outside := n, n+1
	all := s.total()
	scale := all + 1 // One unit of welfare outweighs all energy.
	var arcs []arc
	add := func(from, to int, room, cost int64, counted bool) {
		cost *= scale
		if counted {
			cost--
		}
		arcs = append(arcs, arc{from, to, room, cost, counted}, arc{to, from, 0, -cost, counted})
	}
	for i := range s.wishes {
		w := &s.wishes[i]
		end := outside
		if w.green {
			end = certificate
		}
		if w.buy {
			add(w.zone, end, w.energy, -w.limit, counts(w))
		} else {
			add(end, w.zone, w.energy, w.limit, counts(w))
		}
	}
	add(outside, certificate, all, 0, false)
	for z, p := range s.parent {
		if p >= 0 {
			add(z, p, min(all, s.exports[z]), s.charge[z], false)
			add(p, z, min(all, s.imports[z]), s.charge[z], false)
		}
	}
	if s.utility != nil {
		add(outside, s.root(), all, int64(s.utility.Retail), false)
		add(s.root(), outside, all, -int64(s.utility.FeedIn), countBought)
	}
	return arcs
}

// optimum is the highest welfare a stage can reach, and the most energy that
// trades at that welfare: bids filled plus what the utility buys. Where the
// utility's two prices are equal it could buy from itself without end; it does
// not, so the most is then the larger of all bids that can fill and all offers.
func (s *stageBook) optimum() (welfare, volume int64) {
	if s.utility == nil || s.utility.FeedIn < s.utility.Retail {
		return s.circulate(func(w *wish) bool { return w.buy }, true)
	}
	welfare, bids := s.circulate(func(w *wish) bool { return w.buy }, false)
	_, offers := s.circulate(func(w *wish) bool { return !w.buy }, false)
	return welfare, max(bids, offers)
}

// circulate finds the cheapest circulation by successive shortest paths: arcs
// of negative cost start full, and what that leaves over or short is routed
// back along the cheapest residual paths.
func (s *stageBook) circulate(counts reward, countBought bool) (welfare, volume int64) {
	arcs := s.network(counts, countBought)
	excess := make([]int64, len(s.parent)+2)
	for i := range arcs {
		if a := &arcs[i]; a.cost < 0 && a.room > 0 {
			push(arcs, excess, i, a.room)
		}
	}
	for augment(arcs, excess) {
	}
	var cost int64
	for i := 0; i < len(arcs); i += 2 {
		flow := arcs[i+1].room
		cost += flow * arcs[i].cost
		if arcs[i].rewarding {
			volume += flow
		}
	}
	// cost = -(welfare × scale + volume), and volume < scale or, with the
	// utility buying, counts each unit once.
	return -(cost + volume) / (s.total() + 1), volume
}

func push(arcs []arc, excess []int64, i int, amount int64) {
	arcs[i].room -= amount
	arcs[i^1].room += amount
	excess[arcs[i].from] -= amount
	excess[arcs[i].to] += amount
}

// augment routes one bundle from a node with excess to the nearest in need, by
// Bellman-Ford; it reports false when nothing is left to route.
func augment(arcs []arc, excess []int64) bool {
	distance := make([]int64, len(excess))
	via := make([]int, len(excess))
	work := false
	for v := range excess {
		distance[v], via[v] = none, -1
		if excess[v] > 0 {
			distance[v] = 0
			work = true
		}
	}
	if !work {
		return false
	}
	for changed := true; changed; {
		changed = false
		for i, a := range arcs {
			if a.room > 0 && distance[a.from] < none && distance[a.from]+a.cost < distance[a.to] {
				distance[a.to] = distance[a.from] + a.cost
				via[a.to] = i
				changed = true
			}
		}
	}
	end := -1
	for v := range excess {
		if excess[v] < 0 && distance[v] < none && (end < 0 || distance[v] < distance[end]) {
			end = v
		}
	}
	if end < 0 {
		panic("the empty circulation is feasible, so a way back exists")
	}
	amount := -excess[end]
	start := end
	for via[start] >= 0 {
		amount = min(amount, arcs[via[start]].room)
		start = arcs[via[start]].from
	}
	amount = min(amount, excess[start])
	for v := end; v != start; {
		i := via[v]
		v = arcs[i].from
		push(arcs, excess, i, amount)
	}
	return true
}

// outcome is what a stage traded.
type outcome struct {
	filled       []int64 // Per wish.
	flow         []int64 // Per zone: net export over its edge; of the root: to the utility.
	greenOffered int64
	greenBid     int64
}

// follow derives the net flows from the fills, bottom up.
func (s *stageBook) follow(filled []int64) outcome {
	o := outcome{filled: filled, flow: make([]int64, len(s.parent))}
	for i, w := range s.wishes {
		amount := filled[i]
		if w.buy {
			amount = -amount
		}
		if w.green && w.buy {
			o.greenBid += filled[i]
		} else if w.green {
			o.greenOffered += filled[i]
		}
		for z := w.zone; z >= 0; z = s.parent[z] {
			o.flow[z] += amount
		}
	}
	return o
}

var (
	errGreen    = errors.New("more green bids than green offers fill")
	errLimit    = errors.New("a line limit is exceeded")
	errIslanded = errors.New("energy does not sum to zero")
	errFilled   = errors.New("a fill exceeds its order")
)

// feasible says why an outcome cannot be.
func (s *stageBook) feasible(o outcome) error {
	for i, w := range s.wishes {
		if o.filled[i] < 0 || o.filled[i] > w.energy {
			return errFilled
		}
	}
	for z, f := range o.flow {
		if s.parent[z] < 0 && s.utility == nil && f != 0 {
			return errIslanded
		}
		if s.parent[z] >= 0 && (f > s.exports[z] || -f > s.imports[z]) {
			return errLimit
		}
	}
	if o.greenBid > o.greenOffered {
		return errGreen
	}
	return nil
}

// worth is the welfare of an outcome at counted limits, and the energy traded.
func (s *stageBook) worth(o outcome) (welfare, volume int64) {
	for i, w := range s.wishes {
		if w.buy {
			welfare += o.filled[i] * w.limit
			volume += o.filled[i]
		} else {
			welfare -= o.filled[i] * w.limit
		}
	}
	for z, f := range o.flow {
		switch {
		case s.parent[z] >= 0:
			welfare -= max(f, -f) * s.charge[z]
		case f > 0:
			welfare += f * int64(s.utility.FeedIn)
			volume += f
		case f < 0:
			welfare += f * int64(s.utility.Retail)
		}
	}
	return welfare, volume
}

// constraints are differences: at[u][v] is the most that x(v) − x(u) may be.
// The variables are one price per zone, C's, and the outside's, which is 0.
type constraints struct {
	at [][]int64
	n  int // Zones.
}

func newConstraints(zones int) *constraints {
	c := &constraints{n: zones, at: make([][]int64, zones+2)}
	for u := range c.at {
		c.at[u] = make([]int64, zones+2)
		for v := range c.at[u] {
			if u != v {
				c.at[u][v] = none
			}
		}
	}
	return c
}

func (c *constraints) certificate() int { return c.n }
func (c *constraints) outside() int     { return c.n + 1 }

// above says x(v) ≥ x(u) + w, below x(v) ≤ x(u) + w.
func (c *constraints) below(v, u int, w int64) { c.at[u][v] = min(c.at[u][v], w) }
func (c *constraints) above(v, u int, w int64) { c.below(u, v, -w) }
func (c *constraints) equal(v, u int, w int64) { c.below(v, u, w); c.above(v, u, w) }

var errNoPrices = errors.New("no price vector is admissible")

// close makes every bound as tight as the others imply (Floyd and Warshall).
func (c *constraints) close() error {
	for k := range c.at {
		for u := range c.at {
			for v := range c.at {
				if c.at[u][k] < none && c.at[k][v] < none {
					c.at[u][v] = min(c.at[u][v], c.at[u][k]+c.at[k][v])
				}
			}
		}
	}
	for u := range c.at {
		if c.at[u][u] < 0 {
			return errNoPrices
		}
	}
	return nil
}

// span is the lowest and highest value of x(v) once closed; ok is false when
// one of them does not exist.
func (c *constraints) span(v int) (low, high int64, ok bool) {
	low, high = c.at[v][c.outside()], c.at[c.outside()][v]
	return -low, high, low < none && high < none
}

// admissible states "At what price" of a stage that traded o.
func (s *stageBook) admissible(o outcome, rule auction.PriceRule) *constraints {
	c := newConstraints(len(s.parent))
	for i, w := range s.wishes {
		end := c.outside()
		if w.green {
			end = c.certificate()
		}
		accepted, full := o.filled[i] > 0, o.filled[i] == w.energy
		if w.buy {
			s.bound(c, rule, w, end, accepted, full, c.below, c.above)
		} else {
			s.bound(c, rule, w, end, accepted, full, c.above, c.below)
		}
	}
	for z, p := range s.parent {
		if p < 0 {
			continue
		}
		s.edge(c, rule, p, z, o.flow[z], s.exports[z], s.charge[z])
		s.edge(c, rule, z, p, -o.flow[z], s.imports[z], s.charge[z])
	}
	s.boundUtility(c, rule, o.flow[s.root()])
	c.below(c.certificate(), c.outside(), 0) // The premium is not negative.
	if o.greenOffered > o.greenBid {
		c.equal(c.certificate(), c.outside(), 0)
	}
	return c
}

// bound keeps an accepted order from losing and, with the clearing rule, an
// order that is not full from wishing it were.
func (s *stageBook) bound(c *constraints, rule auction.PriceRule, w wish, end int, accepted, full bool, gains, wishes func(v, u int, w int64)) {
	if accepted {
		gains(w.zone, end, w.limit)
	}
	if rule == auction.ClearingRule && !full {
		wishes(w.zone, end, w.limit)
	}
}

// edge bounds the gap between two zones for the direction from → to.
func (s *stageBook) edge(c *constraints, rule auction.PriceRule, to, from int, flow, limit, charge int64) {
	switch {
	case flow > 0 && flow < limit:
		c.equal(to, from, charge)
	case flow > 0:
		c.above(to, from, charge)
	case rule == auction.ClearingRule && flow == 0 && limit > 0:
		c.below(to, from, charge)
	}
}

func (s *stageBook) boundUtility(c *constraints, rule auction.PriceRule, bought int64) {
	if s.utility == nil {
		return
	}
	root, o := s.root(), c.outside()
	if rule == auction.ClearingRule {
		c.below(root, o, int64(s.utility.Retail))
		c.above(root, o, int64(s.utility.FeedIn))
	}
	if bought > 0 {
		c.equal(root, o, int64(s.utility.FeedIn))
	}
	if bought < 0 {
		c.equal(root, o, int64(s.utility.Retail))
	}
}

// paid are the prices of a stage. A zone that nothing bounds on both sides has
// none, and no order of it fills.
type paid struct {
	zone    []int64
	priced  []bool
	premium int64
}

// prices averages the admissible vectors as "At what price" says: where green
// orders fill, zones over the vectors with the least premium, then C over those
// with these zone prices.
func (s *stageBook) prices(o outcome, rule auction.PriceRule) (*paid, error) {
	c := s.admissible(o, rule)
	if err := c.close(); err != nil {
		return nil, err
	}
	greenFills := o.greenOffered > 0
	if greenFills {
		c.equal(c.certificate(), c.outside(), c.at[c.outside()][c.certificate()])
		if err := c.close(); err != nil {
			return nil, err
		}
	}
	p := &paid{zone: make([]int64, c.n), priced: make([]bool, c.n)}
	for z := range c.n {
		if low, high, ok := c.span(z); ok {
			p.zone[z], p.priced[z] = floorHalf(low+high), true
		}
	}
	if !greenFills {
		return p, nil
	}
	c = s.admissible(o, rule)
	for z := range c.n {
		if p.priced[z] {
			c.equal(z, c.outside(), p.zone[z])
		}
	}
	if err := c.close(); err != nil {
		return nil, err
	}
	low, high, ok := c.span(c.certificate())
	if !ok {
		return nil, errors.New("the premium has no bound")
	}
	p.premium = -floorHalf(low + high)
	return p, nil
}

// floorHalf is ⌊v / 2⌋, also of negative values.
func floorHalf(v int64) int64 { return v >> 1 }
