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
		if int32(z) != stages[0].tree.root { //nolint:gosec // a book has fewer than 2^29 zones
			r.Flows = append(r.Flows, Flow{Zone: uint32(z)}) //nolint:gosec // an index
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
		if int32(z) == s.tree.root { //nolint:gosec // a book has fewer than 2^29 zones
			p.Bought, p.Sold = max(0, flow), max(0, -flow)
			continue
		}
		p.Flows = append(p.Flows, Flow{Zone: uint32(z), Import: max(0, -flow), Export: max(0, flow)}) //nolint:gosec // an index
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

// list adds the prices of a stage's zones and classes that have a fill.
func (r *Result) list(s *stage, t *tariff) {
	for zone := range int32(len(s.lines)) { //nolint:gosec // a book has fewer than 2^29 zones
		for class := Any; class <= Green; class++ {
			if s.trades(zone, class, Buy) || s.trades(zone, class, Sell) {
				z := uint32(zone) //nolint:gosec // an index
				r.Prices = append(r.Prices, ZonePrice{Zone: z, Class: class, Stage: s.kind, Price: t.price(z, class)})
			}
		}
	}
}

// settle writes the fills at the prices of a stage and order, and what is left
// between buyers and sellers: the network's.
func (r *Result) settle(stages []*stage, price func(stage int, order uint32) quantity.Price) {
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
		order := uint32(i) //nolint:gosec // fewer than 2^32 orders
		for n, s := range stages {
			if filled := s.filled[i]; filled > 0 {
				r.fill(b, Fill{Order: order, Stage: s.kind, Energy: filled, Price: price(n, order)})
			}
		}
	}
	r.balance(b.Utility)
}

// balance adds what the utility pays and takes to the network's revenue.
func (r *Result) balance(u *Utility) {
	if u == nil {
		return
	}
	r.NetworkRevenue = quantity.MustAdd(r.NetworkRevenue, money(r.UtilityBought, u.FeedIn))
	r.NetworkRevenue = quantity.MustSub(r.NetworkRevenue, money(r.UtilitySold, u.Retail))
}

func (r *Result) fill(b *Book, f Fill) {
	f.Amount = money(f.Energy, f.Price)
	r.Fills = append(r.Fills, f)
	r.collect(b, f)
}

// collect adds what an order pays, or takes, to the network's revenue.
func (r *Result) collect(b *Book, f Fill) {
	if b.Orders[f.Order].Side == Buy {
		r.NetworkRevenue = quantity.MustAdd(r.NetworkRevenue, f.Amount)
	} else {
		r.NetworkRevenue = quantity.MustSub(r.NetworkRevenue, f.Amount)
	}
}
