package auction

import (
	"slices"

	"github.com/commonwatt/commonwatt/quantity"
)

// line is the room of a zone's edge in a stage.
type line struct{ export, imports quantity.Energy }

// stage is one clearing: of the members among themselves, or with the utility.
type stage struct {
	kind     Stage
	book     *Book
	tree     *tree
	utility  *Utility // nil: nobody stands at the root.
	terms    terms
	lines    []line
	prior    *stage            // nil in the first.
	filled   []quantity.Energy // Per order.
	flow     []quantity.Energy // Per zone, to the parent; the root's to the utility.
	evidence []evidence        // Per ladder.
}

// newStages are the stages of a book, the first one ready to run.
func newStages(b *Book, t *tree) []*stage {
	s := &stage{kind: Members, terms: asStated, book: b, tree: t, lines: make([]line, len(b.Zones))}
	for z, zone := range b.Zones {
		s.lines[z] = line{export: room(zone.ExportLimit), imports: room(zone.ImportLimit)}
	}
	rest := &stage{kind: WithUtility, book: b, tree: t, utility: b.Utility, prior: s, lines: slices.Clone(s.lines)}
	switch {
	case b.Utility == nil:
		return []*stage{s}
	case b.Mode == MidMarket:
		s.terms, rest.terms = atMidMarket, atUtility
	case b.MembersFirst:
		s.terms = capped
	default:
		rest.prior = nil
		return []*stage{rest}
	}
	return []*stage{s, rest}
}

func room(limit quantity.Energy) quantity.Energy {
	if limit == NoLimit {
		return boundless
	}
	return limit
}

// leave gives the next stage the room that the flows of a stage leave it.
func (s *stage) leave(next *stage) {
	for z, l := range s.lines {
		if l.export < boundless {
			next.lines[z].export = l.export - s.flow[z]
		}
		if l.imports < boundless {
			next.lines[z].imports = l.imports + s.flow[z]
		}
	}
}

// clear finds the stage's trades.
func (s *stage) clear(r *ranking, places []uint64, scratch []level) []level {
	w := newSweep(s, r, scratch)
	a := w.optimum(places)
	s.flow = a.flow
	s.filled = make([]quantity.Energy, len(s.book.Orders))
	for zone := range s.lines {
		zone := int32(zone)
		for class, net := range [...]quantity.Energy{Any: a.any[zone], Green: a.green[zone]} {
			s.fill(w, r, zone, Class(class), a.price[zone], net)
		}
	}
	s.observe()
	return w.levels[:0]
}

// fill gives the orders of a zone and class their energy: what is better than
// the price in full, and what is at it so that they supply net together. Offers
// and bids are never at the price both: the nudges keep them apart.
func (s *stage) fill(w *sweep, r *ranking, zone int32, class Class, price int64, net quantity.Energy) {
	at := price
	if class == Green {
		at += w.premium
	}
	extra := net - w.own(zone, class, price)
	for side := Buy; side <= Sell; side++ {
		l := w.ladders[rung(zone, class, side)]
		full, tied := w.better(l, side, at)
		for n := range full {
			s.fillLevel(w, r, l.first+n)
		}
		if !tied {
			continue
		}
		part, width := extra, w.through(l, full+1)-w.through(l, full)
		if side == Buy {
			part = width - extra
		}
		assert(part >= 0 && part <= width, "a margin outside what the price allows")
		if part == width {
			s.fillLevel(w, r, l.first+full)
		} else if part > 0 {
			s.fillPart(w, r, l.first+full, part)
		}
	}
}

// fillPart rations a level.
func (s *stage) fillPart(w *sweep, r *ranking, n int32, total quantity.Energy) {
	var orders []uint32
	for at := w.levels[n].first; at < w.levels[n+1].first; at++ {
		if order := r.order(at); s.wanted(order) > 0 {
			orders = append(orders, order)
		}
	}
	for i, part := range s.ration(orders, total) {
		s.filled[orders[i]] = quantity.Energy(part) //nolint:gosec // ≤ total
	}
}

// better counts the levels of a ladder that a price of the sweep serves in full,
// and says whether the next one is at the price.
func (w *sweep) better(l ladder, side Side, price int64) (full int32, tied bool) {
	var through int32
	if side == Sell {
		full, through = w.offeredBelow(l, price), w.offeredBelow(l, price+1)
	} else {
		full, through = w.bidFrom(l, price+1), w.bidFrom(l, price)
	}
	return full, through > full
}

func (s *stage) fillLevel(w *sweep, r *ranking, n int32) {
	for at := w.levels[n].first; at < w.levels[n+1].first; at++ {
		order := r.order(at)
		s.filled[order] = s.wanted(order)
	}
}
