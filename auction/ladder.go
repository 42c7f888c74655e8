package auction

import (
	"math"
	"slices"

	"github.com/commonwatt/commonwatt/quantity"
)

// ladder is the orders of one zone, class and side as levels, best limit first.
type ladder struct {
	first, last int32 // Into book levels, half-open.
}

// level is the orders of a ladder with one counted limit.
type level struct {
	limit int32           // A counted limit: at most MaxPrice and the charges of a path.
	first uint32          // Position in the ranking; the next level starts where this one ends.
	upTo  quantity.Energy // Energy of the ladder through this level.
}

// rung is the index of the ladder of a zone, class and side.
func rung(zone int32, class Class, side Side) int32 {
	return zone<<2 | int32(class)<<1 | int32(side)
}

// ranking is every order of a book, ladder by ladder and best limit first. It
// holds the limit in the high half of a word and the order in the low one, so
// that sorting moves nothing else.
type ranking struct {
	keys   []uint64
	starts []uint32 // Per ladder where it begins, and the end.
}

// rank sorts a book's orders once; counting a limit lower or higher keeps the order.
func rank(b *Book) ranking {
	r := ranking{keys: make([]uint64, len(b.Orders)), starts: make([]uint32, 4*len(b.Zones)+2)}
	for i := range b.Orders {
		r.starts[ladderOf(&b.Orders[i])+2]++
	}
	for l := 2; l < len(r.starts); l++ {
		r.starts[l] += r.starts[l-1]
	}
	for i := range b.Orders {
		o := &b.Orders[i]
		assert(o.Limit <= MaxPrice && o.Limit >= -MaxPrice && o.Energy >= 0, "an order out of bounds")
		limit := o.Limit
		if o.Side == Buy {
			limit = -limit
		}
		l := ladderOf(o) + 1
		r.keys[r.starts[l]] = uint64(limit+MaxPrice)<<32 | uint64(i) //nolint:gosec // both halves fit, see above
		r.starts[l]++
	}
	r.starts = r.starts[:len(r.starts)-1]
	for l := 1; l < len(r.starts); l++ {
		slices.Sort(r.keys[r.starts[l-1]:r.starts[l]])
	}
	return r
}

func ladderOf(o *Order) int32 {
	return rung(int32(o.Zone), o.Class, o.Side) //nolint:gosec // a book has fewer than 2^29 zones
}

// order is the order at a position of the ranking.
func (r *ranking) order(position uint32) uint32 {
	return uint32(r.keys[position] & math.MaxUint32)
}

// limit is the limit of the order at a position of the ranking.
func (r *ranking) limit(position uint32, side Side) quantity.Price {
	limit := quantity.Price(r.keys[position]>>32) - MaxPrice
	if side == Buy {
		return -limit
	}
	return limit
}

// ladders groups what the orders still want into levels by counted limit.
func (s *stage) ladders(r *ranking, levels []level) ([]ladder, []level) {
	ladders := make([]ladder, 4*len(s.book.Zones))
	levels = slices.Grow(levels, len(r.keys)+1)
	for l := range ladders {
		zone, class, side := int32(l>>2), Class(l>>1&1), Side(l&1)
		ladders[l].first = int32(len(levels)) //nolint:gosec // fewer levels than orders
		var upTo quantity.Energy
		for at := r.starts[l]; at < r.starts[l+1]; at++ {
			wanted := s.wanted(r.order(at))
			if wanted == 0 {
				continue
			}
			limit := int32(s.counted(zone, class, side, r.limit(at, side))) //nolint:gosec // see level
			if upTo == 0 || levels[len(levels)-1].limit != limit {
				levels = append(levels, level{limit: limit, first: at})
			}
			upTo += wanted // Below MaxEnergy: the book's energy all together is.
			levels[len(levels)-1].upTo = upTo
		}
		ladders[l].last = int32(len(levels)) //nolint:gosec // fewer levels than orders
	}
	return ladders, append(levels, level{first: r.starts[len(ladders)]})
}

// through is the energy of the first n levels of a ladder.
func (w *sweep) through(l ladder, n int32) quantity.Energy {
	if n == 0 {
		return 0
	}
	return w.levels[l.first+n-1].upTo
}

// offeredBelow counts the levels of a ladder of offers below a price of the sweep.
func (w *sweep) offeredBelow(l ladder, q int64) int32 {
	limit := (q + nudge - 1) >> fineBits // 16 limit - nudge < q
	low, high := l.first, l.last
	for low < high {
		if middle := (low + high) >> 1; int64(w.levels[middle].limit) <= limit {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low - l.first
}

// bidFrom counts the levels of a ladder of bids at or above a price of the sweep.
func (w *sweep) bidFrom(l ladder, q int64) int32 {
	limit := (q - nudge + 1<<fineBits - 1) >> fineBits // 16 limit + nudge ≥ q
	low, high := l.first, l.last
	for low < high {
		if middle := (low + high) >> 1; int64(w.levels[middle].limit) >= limit {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low - l.first
}
