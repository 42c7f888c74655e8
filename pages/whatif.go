package pages

import (
	"slices"
	"time"

	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/settlement"
	"github.com/commonwatt/commonwatt/view"
)

// variant is a household without some of its devices.
type variant struct {
	name            string
	battery, panels bool // Taken away.
}

// variants are those that a household's devices allow.
func variants(positions []metering.Position) []variant {
	var battery, panels bool
	for _, p := range positions {
		for _, d := range p.Devices {
			battery = battery || d.Kind == grid.Battery
			panels = panels || d.Kind == grid.Solar || d.Kind == grid.Wind
		}
	}
	var list []variant
	if battery {
		list = append(list, variant{"battery", true, false})
	}
	if panels {
		list = append(list, variant{"panels", false, true})
	}
	if battery && panels {
		list = append(list, variant{"both", true, true})
	}
	return list
}

// without is a position as it would have been: what the devices took away took
// and gave, the connection no longer carries.
func (v variant) without(p metering.Position) metering.Position {
	net := quantity.MustSub(p.Import, p.Export)
	for _, d := range p.Devices {
		if v.battery && d.Kind == grid.Battery || v.panels && (d.Kind == grid.Solar || d.Kind == grid.Wind) {
			net = quantity.MustSub(quantity.MustAdd(net, d.Export), d.Import)
			p.Produced = 0
		}
	}
	p.Import, p.Export = max(net, 0), max(-net, 0)
	return p
}

// whatIf is the interval and its day without some of the household's devices, by
// the engine that settled them, with everybody else as they were.
func (p *replaying) whatIf(now *moment) ([]WhatIf, error) {
	in := p.civilDay(now.Start)
	stamp, err := p.reader.Stamp(p.m.ID, in)
	if err != nil {
		return nil, err
	}
	return p.source.whatIfs.get(dayKey{p.account, now.Start}, stamp, func() ([]WhatIf, error) { return p.without(now, in) })
}

// civilDay is the day that an interval is of.
func (p *replaying) civilDay(at interval.Time) view.Period {
	t := time.Unix(int64(at), 0).In(p.source.names(p.m.ID).TimeZone)
	t = time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
	return view.Period{From: interval.Time(t.Unix()), Until: interval.Time(t.AddDate(0, 0, 1).Unix())}
}

// without computes what whatIf keeps: it settles a whole day again, several times.
func (p *replaying) without(now *moment, in view.Period) ([]WhatIf, error) {
	mine := slices.DeleteFunc(slices.Clone(now.positions), func(q metering.Position) bool { return q.Account != p.account })
	list := []WhatIf{}
	all := variants(mine)
	if len(all) == 0 {
		return list, nil
	}
	day, err := p.moments(in)
	if err != nil {
		return nil, err
	}
	dayWas, err := p.dayWas(in)
	if err != nil {
		return nil, err
	}
	var was quantity.Money
	for _, b := range now.booked {
		if b.Account == p.account {
			was = quantity.MustAdd(was, b.Owed)
		}
	}
	for _, v := range all {
		w := WhatIf{Without: v.name}
		var owed, owedDay quantity.Money
		for _, m := range day {
			statements, settled := p.alter(m, v)
			for _, s := range statements {
				if s.Account != p.account {
					continue
				}
				owedDay = quantity.MustAdd(owedDay, s.Owed())
				if m.Start == now.Start {
					owed = quantity.MustAdd(owed, s.Owed())
					w.Import, w.Export = w.Import+int64(s.Import), w.Export+int64(s.Export)
					w.Price = p.zonePrice(settled, s.Zone)
				}
			}
		}
		w.Balance, w.Day, w.DayWas = p.money.amount(owed), p.money.amount(owedDay), dayWas
		w.Worse = less(p.money.amount(was), w.Balance)
		w.DayWorse = less(w.DayWas, w.Day)
		list = append(list, w)
	}
	return list, nil
}

// dayWas is the balance of the household's day, as its own page shows it.
func (p *replaying) dayWas(in view.Period) (Money, error) {
	h, err := p.source.household(p.reader, p.account)
	if err != nil {
		return Money{}, err
	}
	rows, err := h.rows(in)
	if err != nil {
		return Money{}, err
	}
	f, err := h.dayFigures(in.From, rows)
	return f.balance(), err
}

// alter settles an interval with another position of the household.
func (p *replaying) alter(m *moment, v variant) ([]settlement.Statement, settlement.Settled) {
	positions := slices.Clone(m.positions)
	for i, q := range positions {
		if q.Account == p.account {
			positions[i] = v.without(q)
		}
	}
	return settlement.Compute(p.rows, p.m.ID, p.row, m.Interval, settlement.Cleared{
		Cleared: certificate.Clear(p.rows, p.m.ID, m.Interval, positions),
	})
}

func (p *replaying) zonePrice(s settlement.Settled, zone grid.ZoneID) *Price {
	for _, z := range s.Zones {
		if z.Zone == zone && z.Priced {
			price := p.money.price(z.Price)
			return &price
		}
	}
	return nil
}
