package auction

import "github.com/commonwatt/commonwatt/quantity"

// evidence is what the fills of a ladder say about its price.
type evidence struct {
	accepted int64 // The worst limit of an order with a fill; free if none has.
	refused  int64 // The best limit of an order that wants more; free if none does.
}

// free stands for a bound that is not there.
const free = never

// observe gathers the evidence of a stage's fills.
func (s *stage) observe() {
	s.evidence = make([]evidence, 4*len(s.lines))
	for l := range s.evidence {
		accepted := -free
		if Side(l&1) == Buy {
			accepted = free
		}
		s.evidence[l] = evidence{accepted: accepted, refused: -accepted}
	}
	for i := range s.book.Orders {
		s.witness(uint32(i))
	}
}

func (s *stage) witness(order uint32) {
	wanted, filled := s.wanted(order), s.filled[order]
	if wanted == 0 {
		return
	}
	o := &s.book.Orders[order]
	l := ladderOf(o)
	limit := int64(s.counted(l>>2, o.Class, o.Side, o.Limit))
	e := &s.evidence[l]
	if o.Side == Buy {
		if filled > 0 {
			e.accepted = min(e.accepted, limit)
		}
		if filled < wanted {
			e.refused = max(e.refused, limit)
		}
		return
	}
	if filled > 0 {
		e.accepted = max(e.accepted, limit)
	}
	if filled < wanted {
		e.refused = min(e.refused, limit)
	}
}

// trades says whether a ladder has a fill.
func (s *stage) trades(zone int32, class Class, side Side) bool {
	accepted := s.evidence[rung(zone, class, side)].accepted
	return accepted != free && accepted != -free
}

// greenTrades says whether green orders of a side have a fill anywhere.
func (s *stage) greenTrades(side Side) bool {
	for zone := range int32(len(s.lines)) { //nolint:gosec // a book has fewer than 2^29 zones
		if s.trades(zone, Green, side) {
			return true
		}
	}
	return false
}

// greenNet is by how much green offers filled exceed green bids filled.
func (s *stage) greenNet() quantity.Energy {
	var net quantity.Energy
	for i := range s.book.Orders {
		switch o := &s.book.Orders[i]; {
		case o.Class != Green:
		case o.Side == Sell:
			net += s.filled[i]
		default:
			net -= s.filled[i]
		}
	}
	return net
}
