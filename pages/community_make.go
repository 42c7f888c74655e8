package pages

import (
	"context"
	"fmt"
	"slices"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/settlement"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/view"
)

// Community tells a microgrid's day in aggregates, to anyone. Overloads are the
// operator's.
//
// Errors: *NotFound; those of the view.
func (s *Source) Community(ctx context.Context, viewer Viewer, id grid.MicrogridID, date string) (c Community, err error) {
	err = s.reader(ctx, func(r *view.Reader) error {
		m, err := microgrid(r, id)
		if err != nil {
			return err
		}
		height, _, err := r.Latest()
		if err != nil {
			return err
		}
		var in view.Period
		if c.Day, in, err = s.day(m, date, height); err != nil {
			return err
		}
		return s.community(r, viewer, m, in, &c)
	})
	return c, err
}

func (s *Source) community(r *view.Reader, viewer Viewer, m view.Microgrid, in view.Period, c *Community) error {
	names := s.names(m.ID)
	show := money{names.Decimals}
	c.Microgrid, c.Name, c.Currency = m.ID, names.Community, Currency{names.Currency, names.Decimals}
	if err := s.counts(r, m, c); err != nil {
		return err
	}
	totals, err := r.Intervals(m.ID, in)
	if err != nil {
		return err
	}
	if c.Withheld = !viewer.Operates(m.ID) && slices.ContainsFunc(totals, withheld); c.Withheld {
		totals = nil
	}
	c.slots(totals, m, in, show)
	if err := s.dayMatching(r, viewer, m, in, c); err != nil {
		return err
	}
	c.Progress.Final = s.final(m, c.Progress.Through)
	c.Sun = s.sun(m.ID, in)
	if !c.Withheld {
		owed, alone, err := r.Gain(m.ID, in)
		if err != nil {
			return err
		}
		c.Better = show.amount(quantity.MustSub(owed, alone))
	}
	last := in.From
	if c.Progress.Through > 0 {
		last = c.Progress.Through - interval.Time(m.Length)
	}
	var tree []grid.Node
	s.Read(func(rows state.Reader, _ machine.Head) { tree = grid.Tree(rows, m.ID, last) })
	if c.Progress.Through > 0 {
		c.Zones, err = s.zones(r, viewer, m, tree, last)
	} else {
		c.Zones, err = s.lines(r, m, tree) // Nothing to tell of.
	}
	if err != nil {
		return err
	}
	c.Overloads = []Overload{}
	if !viewer.Operates(m.ID) {
		return nil
	}
	return r.Overloads(m.ID, in, func(o settlement.Overload) error {
		c.Overloads = append(c.Overloads, Overload{o.Start, o.Zone, names.Zones[o.Zone], int64(o.Flow), int64(o.Limit)})
		return nil
	})
}

// withheld reports whether an interval is the operator's alone to read.
func withheld(t view.IntervalTotal) bool { return t.Withheld }

// counts fills in how many members and devices there are.
func (s *Source) counts(r *view.Reader, m view.Microgrid, c *Community) error {
	points, err := r.PointsIn(m.ID)
	if err != nil {
		return err
	}
	c.Members = len(points)
	devices, err := r.Devices(m.ID)
	if err != nil {
		return err
	}
	byKind := map[grid.Kind]int{}
	for _, d := range devices {
		byKind[d.Kind]++
	}
	c.Devices = []Count{}
	for k := grid.Solar; k <= grid.Generator; k++ {
		if byKind[k] > 0 {
			c.Devices = append(c.Devices, Count{kindName(k), byKind[k]})
		}
	}
	return nil
}

// slots is every interval of the day, and what they sum to.
func (c *Community) slots(totals []view.IntervalTotal, m view.Microgrid, in view.Period, show money) {
	var demand, supply, traded, bought, sold quantity.Energy
	c.Intervals = []CommunitySlot{}
	for start := in.From; start < in.Until; start += interval.Time(m.Length) {
		slot := CommunitySlot{Start: start, State: Unknown}
		if len(totals) > 0 && totals[0].Start == start {
			t := totals[0]
			totals = totals[1:]
			slot = CommunitySlot{
				Start: start, State: Settled, Revision: t.Revision, Block: t.Height, Demand: int64(t.Demand), Supply: int64(t.Supply),
				Traded: int64(t.Traded), Bought: int64(t.Bought), Sold: int64(t.Sold),
			}
			if t.Priced > 0 {
				p := show.average(quantity.Money(t.Paid), t.Priced)
				slot.Price = &p
			}
			demand, supply = quantity.MustAdd(demand, t.Demand), quantity.MustAdd(supply, t.Supply)
			traded, bought, sold = quantity.MustAdd(traded, t.Traded), quantity.MustAdd(bought, t.Bought), quantity.MustAdd(sold, t.Sold)
			c.Progress.Settled++
			c.Progress.Through = start + interval.Time(m.Length)
		} else {
			c.Progress.ToCome++
		}
		c.Intervals = append(c.Intervals, slot)
	}
	c.Traded, c.Bought, c.Sold = energy(traded), energy(bought), energy(sold)
	all, met := parts([]string{"neighbours", "grid"}, []Energy{c.Traded, c.Bought})
	c.Demand, c.Local = all, met[0].Share
	c.Supply = Energy{int64(supply), energy(quantity.MustSub(supply, sold)).Shown + c.Sold.Shown}
	for _, s := range c.Intervals {
		if s.Price == nil {
			continue
		}
		if c.Price == nil {
			c.Price = &PriceRange{*s.Price, s.Start, *s.Price, s.Start}
		}
		if s.Price.PerWh < c.Price.Low.PerWh {
			c.Price.Low, c.Price.LowAt = *s.Price, s.Start
		}
		if s.Price.PerWh > c.Price.High.PerWh {
			c.Price.High, c.Price.HighAt = *s.Price, s.Start
		}
	}
}

// zones are the lines of a microgrid in one interval: what flowed over each is what
// its subtree gave and did not take, losses aside. The tree is the caller's to read:
// whoever reads the rows already must not read them again, or a block that waits to
// be written between the two holds up both for ever.
func (s *Source) zones(r *view.Reader, viewer Viewer, m view.Microgrid, tree []grid.Node, start interval.Time) ([]Zone, error) {
	list, err := s.lines(r, m, tree)
	if err != nil {
		return nil, err
	}
	show := money{s.names(m.ID).Decimals}
	told := make([]bool, len(list))
	at := func(z grid.ZoneID) int { return slices.IndexFunc(list, func(l Zone) bool { return l.Zone == z }) }
	read := r.DisclosedZones
	if viewer.Operates(m.ID) {
		read = r.ZoneIntervals
	}
	err = read(m.ID, view.Period{From: start, Until: start + interval.Time(m.Length)}, func(z view.ZoneInterval) error {
		i := at(z.Zone)
		if i < 0 {
			return fmt.Errorf("pages: zone %d is in no tree", z.Zone)
		}
		told[i] = true
		if z.Priced {
			p := show.price(z.Price)
			list[i].Price = &p
		}
		for ; i >= 0; i = at(list[i].Parent) {
			list[i].Flow += int64(z.Supply) - int64(z.Demand)
		}
		return nil
	})
	for i := range list {
		if list[i].Withheld = !told[i]; !told[i] {
			list[i].Flow = 0
		}
	}
	return list, err
}

// lines are the zones of a microgrid with how many points each has, and what its line
// charges and holds.
func (s *Source) lines(r *view.Reader, m view.Microgrid, tree []grid.Node) ([]Zone, error) {
	names := s.names(m.ID)
	show := money{names.Decimals}
	points, err := r.PointsIn(m.ID)
	list := make([]Zone, len(tree))
	for i, n := range tree {
		list[i] = Zone{
			Zone: n.Zone, Name: names.Zones[n.Zone], Parent: n.Parent, Charge: show.price(n.Line.Charge), LossPPM: int64(n.Line.LossPPM),
			ExportLimit: int64(n.Line.ExportLimit), ImportLimit: int64(n.Line.ImportLimit),
		}
		for _, p := range points {
			if p.Zone == n.Zone {
				list[i].Points++
			}
		}
	}
	return list, err
}
