package auction

import "github.com/commonwatt/commonwatt/quantity"

// newResult is what the trades of the stages come to, apart from what they pay,
// with the prices that support them.
func newResult(stages []*stage) *Result {
	r := newTotals(stages)
	for i, s := range stages {
		r.Stages[i].Prices, r.Stages[i].Premium = newAdmissible(s, ClearingRule).support()
	}
	return r
}

// newTotals is what the trades of the stages come to.
func newTotals(stages []*stage) *Result {
	b := stages[0].book
	r := &Result{Stages: make([]StageProof, len(stages)), Flows: make([]Flow, 0, len(b.Zones)-1)}
	for z := range b.Zones {
		if int32(z) != stages[0].tree.root {
			r.Flows = append(r.Flows, Flow{Zone: uint32(z)})
		}
	}
	for i, s := range stages {
		p := s.flows()
		r.Stages[i] = p
		r.UtilityBought = quantity.MustAdd(r.UtilityBought, p.Bought)
		r.UtilitySold = quantity.MustAdd(r.UtilitySold, p.Sold)
		for n, f := range p.Flows {
			r.Flows[n].Import = quantity.MustAdd(r.Flows[n].Import, f.Import)
			r.Flows[n].Export = quantity.MustAdd(r.Flows[n].Export, f.Export)
		}
	}
	r.Welfare = welfare(stages)
	return r
}

// flows is what went over the lines of a stage.
func (s *stage) flows() StageProof {
	p := StageProof{Stage: s.kind, Flows: make([]Flow, 0, len(s.lines)-1)}
	for z, flow := range s.flow {
		if int32(z) == s.tree.root {
			p.Bought, p.Sold = max(0, flow), max(0, -flow)
			continue
		}
		p.Flows = append(p.Flows, Flow{Zone: uint32(z), Import: max(0, -flow), Export: max(0, flow)})
	}
	return p
}

// welfare is what buyers would pay at most less what sellers ask at least, the
// utility and the charges included.
func welfare(stages []*stage) quantity.Money {
	var total quantity.Money
	b := stages[0].book
	for _, s := range stages {
		for i, filled := range s.filled {
			o := &b.Orders[i]
			if o.Side == Sell {
				filled = -filled
			}
			total = quantity.MustAdd(total, money(filled, o.Limit))
		}
		for z, flow := range s.flow {
			if b.Zones[z].Parent == NoParent {
				continue
			}
			total = quantity.MustSub(total, money(max(flow, -flow), b.Zones[z].Charge))
		}
		if traded := s.flow[s.tree.root]; traded > 0 {
			total = quantity.MustAdd(total, money(traded, s.utility.FeedIn))
		} else if traded < 0 {
			total = quantity.MustAdd(total, money(traded, s.utility.Retail))
		}
	}
	return total
}

// settle writes the fills as price completes them, and what is left between
// buyers and sellers: the network's.
func (r *Result) settle(stages []*stage, price func(stage int, f Fill) Fill) {
	b := stages[0].book
	count := 0
	for _, s := range stages {
		for _, filled := range s.filled {
			if filled > 0 {
				count++
			}
		}
	}
	r.Fills = make([]Fill, 0, count)
	for i := range b.Orders {
		for n, s := range stages {
			if s.filled[i] == 0 {
				continue
			}
			f := price(n, Fill{Order: uint32(i), Stage: s.kind, Energy: s.filled[i]})
			r.Fills = append(r.Fills, f)
			if b.Orders[i].Side == Buy {
				r.NetworkRevenue = quantity.MustAdd(r.NetworkRevenue, f.Amount)
			} else {
				r.NetworkRevenue = quantity.MustSub(r.NetworkRevenue, f.Amount)
			}
		}
	}
	if b.Utility != nil {
		r.NetworkRevenue = quantity.MustAdd(r.NetworkRevenue, money(r.UtilityBought, b.Utility.FeedIn))
		r.NetworkRevenue = quantity.MustSub(r.NetworkRevenue, money(r.UtilitySold, b.Utility.Retail))
	}
}
