package auction

import (
	"errors"
	"fmt"
	"slices"

	"github.com/commonwatt/commonwatt/quantity"
)

// Check says what is wrong with a result of a valid book, if anything. In one
// pass over the orders it proves that the fills sum to the flows, that no other
// trades would be worth more, that each level at the margin is shared pro rata,
// that the prices paid are the rule's and that the money sums to zero. What is
// tied between levels, zones or classes it accepts in any proportion, and of
// two trades worth the same it does not ask for the larger. MARKET.md, "The proof".
func Check(b *Book, r *Result) error {
	stages, err := restage(b, r)
	if err != nil {
		return err
	}
	for i, s := range stages {
		if err := s.balanced(); err != nil {
			return fmt.Errorf("auction: stage %d: %w", s.kind, err)
		}
		if err := s.supported(&r.Stages[i]); err != nil {
			return fmt.Errorf("auction: stage %d: %w", s.kind, err)
		}
		if err := s.rationed(); err != nil {
			return fmt.Errorf("auction: stage %d: %w", s.kind, err)
		}
	}
	again := newTotals(stages)
	pay(again, stages)
	return same(b, r, again)
}

// same says where a result differs from what its own trades come to.
func same(b *Book, r, again *Result) error {
	for i, f := range r.Fills {
		if f != again.Fills[i] {
			return fmt.Errorf("auction: order %s: pays %d, %d per Wh, not %d, %d per Wh",
				b.Orders[f.Order].ID, f.Amount, f.Price, again.Fills[i].Amount, again.Fills[i].Price)
		}
	}
	switch {
	case !slices.Equal(again.Prices, r.Prices):
		return errors.New("auction: the prices listed are not those of the trades")
	case !slices.Equal(again.Flows, r.Flows):
		return errors.New("auction: the flows are not those of the stages")
	case again.UtilityBought != r.UtilityBought || again.UtilitySold != r.UtilitySold:
		return errors.New("auction: the utility's energy is not that of the stages")
	case again.Welfare != r.Welfare:
		return fmt.Errorf("auction: the welfare is %d, not %d", r.Welfare, again.Welfare)
	case again.NetworkRevenue != r.NetworkRevenue:
		return fmt.Errorf("auction: the network gets %d, not %d", again.NetworkRevenue, r.NetworkRevenue)
	}
	return nil
}

// restage rebuilds the stages of a result from its fills and flows.
func restage(b *Book, r *Result) ([]*stage, error) {
	stages := newStages(b, newTree(b.Zones))
	if len(r.Stages) != len(stages) {
		return nil, fmt.Errorf("auction: %d stages, not %d", len(r.Stages), len(stages))
	}
	for i, s := range stages {
		if r.Stages[i].Stage != s.kind {
			return nil, fmt.Errorf("auction: stage %d is of kind %d, not %d", i, r.Stages[i].Stage, s.kind)
		}
		if err := s.refill(r); err != nil {
			return nil, err
		}
		if err := s.reflow(&r.Stages[i]); err != nil {
			return nil, err
		}
		s.observe()
		if i+1 < len(stages) {
			s.leave(stages[i+1])
		}
	}
	return stages, inOrder(r, len(b.Orders), stages)
}

// inOrder says whether the fills are listed by order and stage, once each, and
// belong to a stage.
func inOrder(r *Result, orders int, stages []*stage) error {
	for i, f := range r.Fills {
		if int64(f.Order) >= int64(orders) || !slices.ContainsFunc(stages, func(s *stage) bool { return s.kind == f.Stage }) {
			return fmt.Errorf("auction: fill %d: no such order or stage", i)
		}
		if i == 0 {
			continue
		}
		if last := r.Fills[i-1]; last.Order > f.Order || last.Order == f.Order && last.Stage >= f.Stage {
			return fmt.Errorf("auction: fill %d: out of order", i)
		}
	}
	return nil
}

// refill takes a stage's fills from a result.
func (s *stage) refill(r *Result) error {
	s.filled = make([]quantity.Energy, len(s.book.Orders))
	for _, f := range r.Fills {
		if f.Stage != s.kind || int64(f.Order) >= int64(len(s.filled)) {
			continue
		}
		if f.Energy <= 0 || f.Energy > s.wanted(f.Order) {
			return fmt.Errorf("auction: order %s: filled %d of %d Wh", s.book.Orders[f.Order].ID, f.Energy, s.wanted(f.Order))
		}
		s.filled[f.Order] = f.Energy
	}
	return nil
}

// reflow takes a stage's flows from its proof.
func (s *stage) reflow(p *StageProof) error {
	if len(p.Flows) != len(s.lines)-1 {
		return fmt.Errorf("auction: %d flows for %d zones", len(p.Flows), len(s.lines))
	}
	s.flow = make([]quantity.Energy, len(s.lines))
	next := 0
	for z := range s.flow {
		flow := Flow{Zone: uint32(z), Import: p.Sold, Export: p.Bought}
		if int32(z) != s.tree.root {
			flow, next = p.Flows[next], next+1
		}
		switch {
		case int(flow.Zone) != z || flow.Import < 0 || flow.Export < 0:
			return fmt.Errorf("auction: zone %s: no flow of its own", s.book.Zones[z].ID)
		case flow.Import > 0 && flow.Export > 0:
			return fmt.Errorf("auction: zone %s: flows both ways in one stage", s.book.Zones[z].ID)
		case flow.Export > MaxEnergy || flow.Import > MaxEnergy || flow.Export > s.lines[z].export || flow.Import > s.lines[z].imports:
			return fmt.Errorf("auction: zone %s: a flow above the limit", s.book.Zones[z].ID)
		}
		s.flow[z] = flow.Export - flow.Import
	}
	return nil
}

// balanced says whether each zone supplies what flows out of it and no green bid
// goes without a green offer.
func (s *stage) balanced() error {
	net := make([]quantity.Energy, len(s.lines))
	for i := range s.book.Orders {
		o := &s.book.Orders[i]
		if o.Side == Sell {
			net[o.Zone] += s.filled[i]
		} else {
			net[o.Zone] -= s.filled[i]
		}
	}
	for z := range s.flow {
		if parent := s.book.Zones[z].Parent; parent != NoParent {
			net[parent] += s.flow[z]
		}
		net[z] -= s.flow[z]
	}
	for z, left := range net {
		if left != 0 {
			return fmt.Errorf("zone %s: %d Wh from nowhere", s.book.Zones[z].ID, -left)
		}
	}
	if s.utility == nil && s.flow[s.tree.root] != 0 {
		return errors.New("trade with a utility that is not there")
	}
	if s.greenNet() < 0 {
		return errors.New("green bids filled above green offers")
	}
	return nil
}

// farthest bounds the prices that support a stage: what a limit, a premium and
// the charges along two paths come to at most.
const farthest = 16 * MaxPrice

// supported says whether a stage's clearing prices support its trades: better
// orders full, worse empty, and each line's gap as its flow allows.
func (s *stage) supported(p *StageProof) error {
	if len(p.Prices) != len(s.lines) {
		return fmt.Errorf("%d prices for %d zones", len(p.Prices), len(s.lines))
	}
	a := newAdmissible(s, ClearingRule)
	premium := int64(p.Premium)
	if !a.certificates.has(-premium) {
		return fmt.Errorf("a premium of %d does not support the trades", premium)
	}
	for z, zone := range s.book.Zones {
		price := int64(p.Prices[z])
		switch {
		case price > int64(farthest) || price < -int64(farthest):
			return fmt.Errorf("zone %s: a price of %d that no limit allows", zone.ID, price)
		case !a.zone[z].has(price):
			return fmt.Errorf("zone %s: a price of %d leaves an order with a gain unfilled or a loss filled", zone.ID, price)
		case !a.green[z].has(price + premium):
			return fmt.Errorf("zone %s: a green price of %d leaves an order with a gain unfilled or a loss filled", zone.ID, price+premium)
		case zone.Parent != NoParent && !a.gap[z].has(int64(p.Prices[zone.Parent])-price):
			return fmt.Errorf("zone %s: its parent's price less %d does not fit the flow", zone.ID, price)
		}
	}
	return nil
}

// rationed says whether the orders of each level at the margin have their part.
func (s *stage) rationed() error {
	margins := make(map[int32][]uint32) // Per ladder the orders whose level is filled in part.
	var ladders []int32
	for i := range s.book.Orders {
		order, o := uint32(i), &s.book.Orders[i]
		l := ladderOf(o)
		e := s.evidence[l]
		if s.wanted(order) == 0 || e.accepted != e.refused || int64(s.counted(l>>2, o.Class, o.Side, o.Limit)) != e.accepted {
			continue
		}
		if margins[l] == nil {
			ladders = append(ladders, l)
		}
		margins[l] = append(margins[l], order)
	}
	for _, l := range ladders {
		total := quantity.Energy(0)
		for _, order := range margins[l] {
			total += s.filled[order]
		}
		for i, part := range s.ration(margins[l], total) {
			if order := margins[l][i]; s.filled[order] != quantity.Energy(part) { //nolint:gosec // ≤ total
				return fmt.Errorf("order %s: %d Wh are not its part of its level, %d", s.book.Orders[order].ID, s.filled[order], part)
			}
		}
	}
	return nil
}

func (s span) has(v int64) bool { return s.low <= v && v <= s.high }
