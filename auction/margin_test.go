package auction_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"

	"github.com/commonwatt/commonwatt/auction"
	"github.com/commonwatt/commonwatt/quantity"
)

// The oracle's optimum leaves open who gets what is tied. For books without
// green the sweep of the rule settles it, and margin states that sweep with
// nothing clever: supply is counted anew at every price it is asked for.
//
// Prices are doubled, and a bid counts one above its double, so that at an odd
// price only bids are marginal and at an even one only offers: a tie trades.
type margin struct {
	*stageBook
	book *auction.Book
}

// interval is what the net supply of a zone may be at one price.
type interval struct{ low, high int64 }

func (m *margin) doubled(w *wish) int64 {
	if w.buy {
		return 2*w.limit + 1
	}
	return 2 * w.limit
}

// own is the net supply of a zone's orders.
func (m *margin) own(zone int, price int64) (net interval) {
	for i := range m.wishes {
		w := &m.wishes[i]
		if w.zone != zone {
			continue
		}
		switch at := m.doubled(w); {
		case w.buy && at > price:
			net.low -= w.energy
			net.high -= w.energy
		case w.buy && at == price:
			net.low -= w.energy
		case !w.buy && at < price:
			net.low += w.energy
			net.high += w.energy
		case !w.buy && at == price:
			net.high += w.energy
		}
	}
	return net
}

// within is the net supply of a zone and all below it.
func (m *margin) within(zone int, price int64) interval {
	net := m.own(zone, price)
	for z, parent := range m.parent {
		if parent == zone {
			shown := m.shown(z, price)
			net.low += shown.low
			net.high += shown.high
		}
	}
	return net
}

// shown is what a child shows its parent: max(0, S(p − c)) + min(0, S(p + c)),
// clipped to the limits.
func (m *margin) shown(z int, price int64) interval {
	out, in := m.within(z, price-2*m.charge[z]), m.within(z, price+2*m.charge[z])
	clip := func(v int64) int64 { return min(max(v, -m.imports[z]), m.exports[z]) }
	return interval{clip(max(0, out.low) + min(0, in.low)), clip(max(0, out.high) + min(0, in.high))}
}

// cross finds a price at which the supply of a zone and all below it may be
// total.
func (m *margin) cross(zone int, total int64) int64 {
	low, high := m.reach()
	for low < high {
		middle := floorHalf(low + high)
		if m.within(zone, middle).high < total {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

// reach bounds the prices at which anything changes.
func (m *margin) reach() (low, high int64) {
	var charges int64
	for _, c := range m.charge {
		charges += 2 * c
	}
	for i := range m.wishes {
		at := m.doubled(&m.wishes[i])
		low, high = min(low, at), max(high, at)
	}
	if m.utility != nil {
		low, high = min(low, 2*int64(m.utility.FeedIn)), max(high, 2*int64(m.utility.Retail)+1)
	}
	return low - charges - 1, high + charges + 1
}

// net is what the root supplies to the utility, which takes and gives only what
// members that tie with it leave. ok is false where it buys at what it sells for:
// its two steps then cross.
func (m *margin) net() (total int64, ok bool) {
	if m.utility == nil {
		return 0, true
	}
	bought := m.within(m.root(), 2*int64(m.utility.FeedIn)+1)
	sold := m.within(m.root(), 2*int64(m.utility.Retail))
	return max(0, bought.low) + min(0, sold.high), m.utility.FeedIn < m.utility.Retail
}

// settle shares the net supply of a zone among its own orders and its children
// in proportion to their intervals, and goes down.
func (m *margin) settle(zone int, total int64, filled []int64) {
	price := m.cross(zone, total)
	children := []int{zone} // The zone itself stands for its own orders, first.
	for z, parent := range m.parent {
		if parent == zone {
			children = append(children, z)
		}
	}
	slices.SortFunc(children[1:], func(a, b int) int {
		ha, hb := m.lot(m.book.Zones[a].ID), m.lot(m.book.Zones[b].ID)
		return bytes.Compare(ha[:], hb[:])
	})
	shares := make([]quantity.Share, len(children))
	parts := make([]int64, len(children))
	for i, z := range children {
		claim := m.own(z, price)
		if i > 0 {
			claim = m.shown(z, price)
		}
		parts[i] = claim.low
		total -= claim.low
		shares[i] = quantity.Share{Weight: uint64(claim.high - claim.low), Rank: uint64(i)}
	}
	for i, part := range quantity.Split(uint64(total), shares) {
		parts[i] += int64(part)
	}
	m.fill(zone, price, parts[0], filled)
	for i, z := range children[1:] {
		m.settle(z, parts[i+1], filled)
	}
}

// fill gives the orders of a zone what their net supply leaves them: the better
// ones all, the level at the price the rest.
func (m *margin) fill(zone int, price, net int64, filled []int64) {
	rest := net - m.own(zone, price).low
	var level []int
	var shares []quantity.Share
	buys := false
	for i := range m.wishes {
		w := &m.wishes[i]
		if w.zone != zone {
			continue
		}
		switch at := m.doubled(w); {
		case at == price:
			level, buys = append(level, i), w.buy
		case w.buy == (at > price):
			filled[i] = w.energy
		}
	}
	slices.SortFunc(level, func(a, b int) int {
		ha, hb := rank(m.book, a), rank(m.book, b)
		return bytes.Compare(ha[:], hb[:])
	})
	for place, i := range level {
		shares = append(shares, quantity.Share{Weight: uint64(m.wishes[i].energy), Rank: uint64(place)})
		if buys {
			rest -= m.wishes[i].energy // Of bids the low end is all filled.
		}
	}
	for k, part := range quantity.Split(uint64(max(rest, -rest)), shares) {
		filled[level[k]] = int64(part)
	}
}

func (m *margin) lot(id string) [sha256.Size]byte {
	return sha256.Sum256(append(slices.Clone(m.book.Seed), id...))
}

// judgeMargin says which fill differs from the sweep of the rule.
func judgeMargin(b *auction.Book) error {
	r, err := cleared(b)
	if err != nil {
		return err
	}
	var members outcome
	for i, stage := range stagesOf(b) {
		s := stageOf(b, stage)
		if i > 0 {
			s.after(members)
		}
		m := &margin{s, b}
		total, ok := m.net()
		if !ok {
			return nil
		}
		filled := make([]int64, len(s.wishes))
		m.settle(s.root(), total, filled)
		for _, f := range r.Fills {
			if f.Stage == stage {
				filled[f.Order] -= int64(f.Energy)
			}
		}
		for k, short := range filled {
			if short != 0 {
				return fmt.Errorf("stage %d: %s gets %d Wh too few", stage, b.Orders[k].ID, short)
			}
		}
		for _, f := range r.Fills {
			if f.Stage == stage {
				filled[f.Order] = int64(f.Energy)
			}
		}
		members = s.follow(filled)
	}
	return nil
}

// TestTheMarginIsSharedAsTheRuleSays compares every fill of books without green.
func TestTheMarginIsSharedAsTheRuleSays(t *testing.T) {
	judgeAny := func(b *auction.Book) error {
		for i := range b.Orders {
			b.Orders[i].Class = auction.Any
		}
		return judgeMargin(b)
	}
	for seed := range uint64(books(t, 1000)) {
		if err := judgeAny(randomBook(seed)); err != nil {
			report(t, seed, judgeAny)
		}
	}
}
