package auction_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/commonwatt/commonwatt/auction"
	"github.com/commonwatt/commonwatt/quantity"
)

// stagesOf lists the stages that a book clears in.
func stagesOf(b *auction.Book) []auction.Stage {
	switch {
	case b.Utility == nil:
		return []auction.Stage{auction.Members}
	case b.MembersFirst:
		return []auction.Stage{auction.Members, auction.WithUtility}
	default:
		return []auction.Stage{auction.WithUtility}
	}
}

// stageOf is the first stage of a book, before anything is filled.
func stageOf(b *auction.Book, stage auction.Stage) *stageBook {
	s := &stageBook{}
	for _, z := range b.Zones {
		s.parent = append(s.parent, int(z.Parent))
		s.charge = append(s.charge, int64(z.Charge))
		s.exports = append(s.exports, lineLimit(z.ExportLimit))
		s.imports = append(s.imports, lineLimit(z.ImportLimit))
	}
	if stage == auction.WithUtility {
		s.utility = b.Utility
	}
	for _, o := range b.Orders {
		w := wish{
			zone: int(o.Zone), buy: o.Side == auction.Buy, green: o.Class == auction.Green,
			energy: int64(o.Energy), limit: int64(o.Limit),
		}
		if stage == auction.Members && b.Utility != nil {
			w.limit = s.counted(w, b.Utility)
		}
		s.wishes = append(s.wishes, w)
	}
	return s
}

func lineLimit(e quantity.Energy) int64 {
	if e == auction.NoLimit {
		return none
	}
	return int64(e)
}

// counted is the limit that counts among members: nobody trades at worse than
// the utility would give, which has no green.
func (s *stageBook) counted(w wish, u *auction.Utility) int64 {
	var path int64
	for z := w.zone; z >= 0; z = s.parent[z] {
		path += s.charge[z]
	}
	switch {
	case !w.buy:
		return max(w.limit, int64(u.FeedIn)-path)
	case w.green:
		return w.limit
	default:
		return min(w.limit, int64(u.Retail)+path)
	}
}

// after is the utility's stage once the members traded o.
func (s *stageBook) after(members outcome) {
	for i := range s.wishes {
		s.wishes[i].energy -= members.filled[i]
	}
	for z, f := range members.flow {
		if s.exports[z] != none {
			s.exports[z] -= f
		}
		if s.imports[z] != none {
			s.imports[z] += f
		}
	}
}

// ledger gathers what a result must sum to.
type ledger struct {
	flows                        []auction.Flow
	sold, bought                 int64
	welfare, revenue, byEdge     int64
	prices                       []auction.ZonePrice
	buyers, sellers, fromUtility int64
}

// audit says how a result of a uniform book differs from the rule.
func audit(b *auction.Book, r *auction.Result) error {
	l := &ledger{}
	for z, zone := range b.Zones {
		if zone.Parent != auction.NoParent {
			l.flows = append(l.flows, auction.Flow{Zone: uint32(z)})
		}
	}
	if err := fillsInOrder(r); err != nil {
		return err
	}
	stages := stagesOf(b)
	if len(r.Stages) != len(stages) {
		return fmt.Errorf("%d stages are proven instead of %d", len(r.Stages), len(stages))
	}
	var members *outcome
	for i, stage := range stages {
		s := stageOf(b, stage)
		if members != nil {
			s.after(*members)
		}
		o, err := l.stage(b, r, s, stage, &r.Stages[i])
		if err != nil {
			return fmt.Errorf("stage %d: %w", stage, err)
		}
		members = &o
	}
	return l.compare(r)
}

func fillsInOrder(r *auction.Result) error {
	for i := 1; i < len(r.Fills); i++ {
		a, b := r.Fills[i-1], r.Fills[i]
		if a.Order > b.Order || a.Order == b.Order && a.Stage >= b.Stage {
			return fmt.Errorf("fills %d and %d are out of order", i-1, i)
		}
	}
	return nil
}

// stage audits one stage: what trades, how the margin is shared, what is paid.
func (l *ledger) stage(b *auction.Book, r *auction.Result, s *stageBook, stage auction.Stage, proof *auction.StageProof) (outcome, error) {
	filled := make([]int64, len(s.wishes))
	for _, f := range r.Fills {
		if f.Stage == stage {
			filled[f.Order] = int64(f.Energy)
			if f.Energy <= 0 {
				return outcome{}, fmt.Errorf("the fill of %s is not positive", b.Orders[f.Order].ID)
			}
		}
	}
	o := s.follow(filled)
	if err := s.feasible(o); err != nil {
		return o, err
	}
	welfare, volume := s.worth(o)
	best, most := s.optimum()
	if welfare != best {
		return o, fmt.Errorf("welfare %d, could be %d", welfare, best)
	}
	if volume != most {
		return o, fmt.Errorf("%d Wh trade, could be %d", volume, most)
	}
	if err := s.rationed(b, o); err != nil {
		return o, err
	}
	if err := l.flow(s, o, stage, proof); err != nil {
		return o, err
	}
	return o, l.pay(b, r, s, o, stage)
}

// rationed checks that orders of one zone, class, side and counted limit share
// what their level got by largest remainder, ties by hash.
func (s *stageBook) rationed(b *auction.Book, o outcome) error {
	done := make([]bool, len(s.wishes))
	for i := range s.wishes {
		if done[i] {
			continue
		}
		level := s.wishes[i]
		var members []int
		var total int64
		for k, w := range s.wishes {
			if w.zone == level.zone && w.buy == level.buy && w.green == level.green && w.limit == level.limit {
				members = append(members, k)
				done[k] = true
				total += o.filled[k]
			}
		}
		slices.SortFunc(members, func(x, y int) int {
			hx, hy := rank(b, x), rank(b, y)
			return bytes.Compare(hx[:], hy[:])
		})
		shares := make([]quantity.Share, len(members))
		for rank, k := range members {
			shares[rank] = quantity.Share{Weight: uint64(s.wishes[k].energy), Rank: uint64(rank)}
		}
		for rank, part := range quantity.Split(uint64(total), shares) {
			if k := members[rank]; o.filled[k] != int64(part) {
				return fmt.Errorf("%s gets %d Wh of its level's %d instead of %d", b.Orders[k].ID, o.filled[k], total, part)
			}
		}
	}
	return nil
}

func rank(b *auction.Book, order int) [sha256.Size]byte {
	return sha256.Sum256(append(slices.Clone(b.Seed), b.Orders[order].ID...))
}

// flow books the flows of a stage and compares them with its proof.
func (l *ledger) flow(s *stageBook, o outcome, stage auction.Stage, proof *auction.StageProof) error {
	flows := make([]auction.Flow, 0, len(l.flows))
	var sold, bought int64
	for z, f := range o.flow {
		out, in := quantity.Energy(max(f, 0)), quantity.Energy(max(-f, 0))
		if s.parent[z] < 0 {
			sold, bought = int64(in), int64(out)
			continue
		}
		l.flows[len(flows)].Export += out
		l.flows[len(flows)].Import += in
		flows = append(flows, auction.Flow{Zone: uint32(z), Import: in, Export: out})
	}
	l.sold += sold
	l.bought += bought
	if proof.Stage != stage || !slices.Equal(proof.Flows, flows) || int64(proof.Sold) != sold || int64(proof.Bought) != bought {
		return fmt.Errorf("the proof's flows are %v, %d sold, %d bought instead of %v, %d, %d",
			proof.Flows, proof.Sold, proof.Bought, flows, sold, bought)
	}
	return nil
}

// pay checks every price of a stage and books the amounts.
func (l *ledger) pay(b *auction.Book, r *auction.Result, s *stageBook, o outcome, stage auction.Stage) error {
	p, err := s.prices(o, b.Rule)
	if err != nil {
		return err
	}
	used := make(map[auction.ZonePrice]bool)
	for _, f := range r.Fills {
		if f.Stage != stage {
			continue
		}
		w := s.wishes[f.Order]
		order := b.Orders[f.Order]
		if !p.priced[w.zone] {
			return fmt.Errorf("%s trades in a zone that nothing prices", order.ID)
		}
		price := p.zone[w.zone]
		if w.green {
			price += p.premium
		}
		if int64(f.Price) != price {
			return fmt.Errorf("%s pays or gets %d instead of %d", order.ID, f.Price, price)
		}
		if w.buy && price > w.limit || !w.buy && price < w.limit {
			return fmt.Errorf("%s loses: limit %d, price %d", order.ID, w.limit, price)
		}
		if int64(f.Amount) != price*int64(f.Energy) {
			return fmt.Errorf("%s: amount %d is not %d × %d", order.ID, f.Amount, f.Energy, f.Price)
		}
		l.book(order, f)
		used[auction.ZonePrice{Zone: order.Zone, Class: order.Class, Stage: stage, Price: f.Price}] = true
	}
	for z := range b.Zones {
		for _, class := range []auction.Class{auction.Any, auction.Green} {
			price := auction.ZonePrice{Zone: uint32(z), Class: class, Stage: stage, Price: quantity.Price(p.zone[z])}
			if class == auction.Green {
				price.Price += quantity.Price(p.premium)
			}
			if used[price] {
				l.prices = append(l.prices, price)
			}
		}
	}
	return l.settle(s, o, p)
}

// book adds a fill to its side, and to welfare at the order's own limit.
func (l *ledger) book(order auction.Order, f auction.Fill) {
	if order.Side == auction.Buy {
		l.buyers += int64(f.Amount)
		l.welfare += int64(f.Energy) * int64(order.Limit)
	} else {
		l.sellers += int64(f.Amount)
		l.welfare -= int64(f.Energy) * int64(order.Limit)
	}
}

// settle books charges, the utility and what the network earns edge by edge.
func (l *ledger) settle(s *stageBook, o outcome, p *paid) error {
	for z, f := range o.flow {
		parent := s.parent[z]
		switch {
		case f == 0:
		case parent >= 0:
			l.welfare -= max(f, -f) * s.charge[z]
			earned := f * (p.zone[parent] - p.zone[z])
			if earned < max(f, -f)*s.charge[z] {
				return fmt.Errorf("edge %d earns %d, less than its charges", z, earned)
			}
			l.byEdge += earned
		case f > 0:
			l.fromUtility += f * int64(s.utility.FeedIn)
			l.welfare += f * int64(s.utility.FeedIn)
		default:
			l.fromUtility += f * int64(s.utility.Retail)
			l.welfare += f * int64(s.utility.Retail)
		}
	}
	return nil
}

// compare checks the totals; what buyers and the utility pay, less what sellers
// get, is what the network earns, to the unit.
func (l *ledger) compare(r *auction.Result) error {
	l.revenue = l.buyers + l.fromUtility - l.sellers
	switch {
	case l.revenue != l.byEdge:
		return fmt.Errorf("money does not balance: %d is left, the edges earn %d", l.revenue, l.byEdge)
	case int64(r.NetworkRevenue) != l.revenue:
		return fmt.Errorf("network revenue %d instead of %d", r.NetworkRevenue, l.revenue)
	case int64(r.Welfare) != l.welfare:
		return fmt.Errorf("welfare is stated as %d instead of %d", r.Welfare, l.welfare)
	case !slices.Equal(r.Prices, l.prices):
		return fmt.Errorf("prices are listed as %v instead of %v", r.Prices, l.prices)
	case !slices.Equal(r.Flows, l.flows):
		return fmt.Errorf("flows are stated as %v instead of %v", r.Flows, l.flows)
	case int64(r.UtilitySold) != l.sold || int64(r.UtilityBought) != l.bought:
		return fmt.Errorf("the utility is said to sell %d and buy %d instead of %d and %d", r.UtilitySold, r.UtilityBought, l.sold, l.bought)
	}
	return nil
}
