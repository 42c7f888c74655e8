package auction

import (
	"fmt"
	"slices"

	"github.com/commonwatt/commonwatt/quantity"
)

// span is where a price may lie.
type span struct{ low, high int64 }

func (s span) and(t span) span { return span{max(s.low, t.low), min(s.high, t.high)} }

// plus moves a span by a value in another.
func (s span) plus(t span) span { return span{sum(s.low, t.low), sum(s.high, t.high)} }

// minus is the span that s = result plus t asks of the result.
func (s span) minus(t span) span { return span{sum(s.low, -t.high), sum(s.high, -t.low)} }

// middle is the floored average, or an end that is not there.
func (s span) middle() int64 {
	if s.low == -free || s.high == free {
		return s.clamp(0)
	}
	return (s.low + s.high) >> 1
}

// clamp is the value in the span nearest to v.
func (s span) clamp(v int64) int64 { return max(s.low, min(v, s.high)) }

// sum is a + b, where what is not bounded stays so.
func sum(a, b int64) int64 {
	switch {
	case a == free || a == -free:
		return a
	case b == free || b == -free:
		return b
	default:
		return a + b
	}
}

// admissible is the system of difference constraints on a stage's prices:
// MARKET.md, "At what price". A zone is bounded by its own any orders, by its
// parent and by the certificates, whose price is minus the premium.
type admissible struct {
	tree         *tree
	zone         []span // The price of each zone.
	gap          []span // The parent's price less the zone's.
	green        []span // The zone's price less the certificates'.
	certificates span
	none         error // Why no price vector is admissible.
}

// newAdmissible are the constraints of a rule. With ClearingRule they are those
// of the prices that support the optimum.
func newAdmissible(s *stage, rule PriceRule) *admissible {
	spans := make([]span, 3*len(s.lines))
	n := len(s.lines)
	a := &admissible{tree: s.tree, zone: spans[:n], gap: spans[n : 2*n], green: spans[2*n:], certificates: span{-free, 0}}
	if s.greenNet() > 0 {
		a.certificates.low = 0
	}
	for z := range a.zone {
		zone := int32(z)
		a.zone[z] = s.bounds(zone, Any, rule)
		a.green[z] = s.bounds(zone, Green, rule)
		a.gap[z] = s.gap(zone, rule)
	}
	if s.utility != nil {
		a.zone[s.tree.root] = a.zone[s.tree.root].and(s.elastic(rule))
	}
	return a
}

// bounds says that no accepted order loses and, where prices clear, that no
// refused one would gain.
func (s *stage) bounds(zone int32, class Class, rule PriceRule) span {
	offers, bids := s.evidence[rung(zone, class, Sell)], s.evidence[rung(zone, class, Buy)]
	bounds := span{offers.accepted, bids.accepted}
	if rule == ClearingRule {
		bounds = bounds.and(span{bids.refused, offers.refused})
	}
	return bounds
}

// gap is what a zone's edge asks of its parent's price less its own.
func (s *stage) gap(zone int32, rule PriceRule) span {
	charge, flow, room := int64(s.book.Zones[zone].Charge), s.flow[zone], s.lines[zone]
	switch {
	case zone == s.tree.root:
		return span{-free, free}
	case flow > 0 && flow == room.export:
		return span{charge, free}
	case flow > 0:
		return span{charge, charge}
	case flow < 0 && -flow == room.imports:
		return span{-free, -charge}
	case flow < 0:
		return span{-charge, -charge}
	case rule == SplitRule:
		return span{-free, free}
	}
	idle := span{-free, free}
	if room.export > 0 {
		idle.high = charge
	}
	if room.imports > 0 {
		idle.low = -charge
	}
	return idle
}

// elastic is what the utility asks of the root's price.
func (s *stage) elastic(rule PriceRule) span {
	feedIn, retail := int64(s.utility.FeedIn), int64(s.utility.Retail)
	switch traded := s.flow[s.tree.root]; {
	case traded > 0:
		return span{feedIn, feedIn}
	case traded < 0:
		return span{retail, retail}
	case rule == ClearingRule:
		return span{feedIn, retail}
	default:
		return span{-free, free}
	}
}

// tighten narrows each zone to what the tree's constraints leave of it: up, then
// down, which on a tree reaches the shortest paths.
func (a *admissible) tighten() {
	for _, zone := range slices.Backward(a.tree.order) {
		a.rise(zone)
	}
	for _, zone := range a.tree.order {
		for c := a.tree.child[zone]; c != NoParent; c = a.tree.sibling[c] {
			a.zone[c] = a.zone[c].and(a.zone[zone].minus(a.gap[c]))
		}
	}
}

// rise narrows a zone to what its children leave of it.
func (a *admissible) rise(zone int32) {
	for c := a.tree.child[zone]; c != NoParent; c = a.tree.sibling[c] {
		a.zone[zone] = a.zone[zone].and(a.zone[c].plus(a.gap[c]))
	}
	if s := a.zone[zone]; s.low > s.high && a.none == nil {
		a.none = fmt.Errorf("auction: zone %d: no price fits its orders and lines: from %d to %d", zone, s.low, s.high)
	}
}

// certify narrows the certificates to what the zones leave of them.
func (a *admissible) certify() {
	for zone, price := range a.zone {
		a.certificates = a.certificates.and(price.minus(a.green[zone]))
	}
	if s := a.certificates; s.low > s.high && a.none == nil {
		a.none = fmt.Errorf("auction: no premium fits the green orders: from %d to %d", -s.high, -s.low)
	}
}

// bind narrows the zones to what the certificates leave of them.
func (a *admissible) bind() {
	for zone := range a.zone {
		a.zone[zone] = a.zone[zone].and(a.certificates.plus(a.green[zone]))
	}
	a.tighten()
}

// paid are the zones' prices and the premium that a stage's orders pay. Without
// green fills each zone is averaged over all admissible vectors; with them over
// those with the least premium, then the premium over those with these prices.
func (a *admissible) paid(green bool) (tariff, error) {
	all := a.certificates
	a.tighten()
	a.certify()
	if green {
		a.certificates.low = a.certificates.high
	}
	a.bind()
	t := tariff{zone: make([]int64, len(a.zone))}
	for zone, span := range a.zone {
		t.zone[zone] = span.middle()
		if green {
			a.fix(zone)
		}
	}
	if green {
		a.certificates = all
		a.certify()
		t.premium = -a.certificates.middle()
	}
	return t, a.none
}

// fix holds a zone at its average; one that is not bounded asks nothing.
func (a *admissible) fix(zone int) {
	if s := a.zone[zone]; s.low != -free && s.high != free {
		a.zone[zone] = span{s.middle(), s.middle()}
	}
}

// exist narrows the zones to the vectors with the least premium and says why
// there is none at all, if so.
func (a *admissible) exist() error {
	a.tighten()
	a.certify()
	a.certificates.low = a.certificates.high
	a.bind()
	return a.none
}

// support is one vector of prices that supports the optimum, with the least
// premium; a zone that nothing else holds stays near its parent.
func (a *admissible) support() (prices []quantity.Price, premium quantity.Price) {
	assert(a.exist() == nil, "an optimum that no prices support")
	prices = make([]quantity.Price, len(a.zone))
	prices[a.tree.root] = quantity.Price(a.zone[a.tree.root].middle())
	for _, zone := range a.tree.order {
		price := int64(prices[zone])
		for c := a.tree.child[zone]; c != NoParent; c = a.tree.sibling[c] {
			fits := a.zone[c].and(span{price, price}.minus(a.gap[c]))
			prices[c] = quantity.Price(fits.clamp(price))
		}
	}
	return prices, quantity.Price(-a.certificates.high)
}
