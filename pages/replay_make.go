package pages

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/commonwatt/commonwatt/auction"
	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/market"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/settlement"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tariff"
	"github.com/commonwatt/commonwatt/tx"
	"github.com/commonwatt/commonwatt/view"
)

// replaying is an interval that is settled again.
type replaying struct {
	source  *Source
	reader  *view.Reader
	rows    state.Reader
	m       view.Microgrid
	row     grid.Microgrid
	money   money
	account tx.AccountID
}

// moment is an interval with what was metered and booked in it.
type moment struct {
	interval.Interval
	positions []metering.Position
	booked    map[grid.PointID]view.Statement
}

// Replay settles an interval again. The household's part is told when the viewer
// may see the account; 0 is none.
//
// Errors: *NotFound, *Forbidden; those of the view.
func (s *Source) Replay(ctx context.Context, viewer Viewer, id grid.MicrogridID, start interval.Time, account tx.AccountID) (r Replay, err error) {
	if account != 0 && !viewer.SeesAccount(id, account) {
		return r, &Forbidden{"sign in as the household, or as the operator of its microgrid"}
	}
	err = s.reader(ctx, func(reader *view.Reader) error {
		m, err := microgrid(reader, id)
		if err != nil {
			return err
		}
		s.Read(func(rows state.Reader, _ machine.Head) {
			row, _ := grid.At(rows, id)
			p := &replaying{source: s, reader: reader, rows: rows, m: m, row: row, money: money{s.names(id).Decimals}, account: account}
			r, err = p.replay(viewer, start)
		})
		return err
	})
	return r, err
}

func (p *replaying) replay(viewer Viewer, start interval.Time) (r Replay, err error) {
	length := interval.Time(p.m.Length)
	moments, err := p.moments(view.Period{From: start, Until: start + length})
	if err != nil {
		return r, err
	}
	if len(moments) == 0 || moments[0].Start != start {
		return r, &NotFound{
			"settled interval from " + time.Unix(int64(start), 0).UTC().Format(time.RFC3339),
			fmt.Sprintf("intervals of %d minutes are settled when their readings are there; the community's day shows which are", p.m.Length/60),
		}
	}
	now := moments[0]
	cleared := certificate.Clear(p.rows, p.m.ID, now.Interval, now.positions)
	clearing := cleared.Clearing
	statements, settled := settlement.Compute(p.rows, p.m.ID, p.row, now.Interval, settlement.Cleared{Cleared: cleared})
	names := p.source.names(p.m.ID)
	rules := market.RulesAt(p.rows, p.m.ID, start)
	prices, _ := tariff.At(p.rows, p.m.ID, start)
	r = Replay{
		Microgrid: p.m.ID, Start: start, Length: int64(p.m.Length), TimeZone: names.TimeZone.String(),
		Currency: Currency{names.Currency, names.Decimals}, Mode: modes[rules.Mode], Rule: priceRules[rules.Rule],
		Retail: p.money.price(prices.Retail), FeedIn: p.money.price(prices.FeedIn), Levy: p.money.price(prices.Levy),
	}
	for _, b := range now.booked {
		r.Revision, r.Block = max(r.Revision, b.Revision), max(r.Block, b.Height)
	}
	if r.Zones, err = p.source.zones(p.reader, viewer, p.m, grid.Tree(p.rows, p.m.ID, start), start); err != nil {
		return r, err
	}
	r.Withheld = !slices.ContainsFunc(r.Zones, func(z Zone) bool { return !z.Withheld })
	for _, z := range settled.Zones {
		if r.Withheld {
			break
		}
		r.Demand, r.Supply, r.Traded = r.Demand+int64(z.Demand), r.Supply+int64(z.Supply), r.Traded+int64(z.Traded)
	}
	deals, err := p.reader.Deals(p.m.ID, view.Period{From: start, Until: start + length})
	if err != nil {
		return r, err
	}
	r.Same = same(statements, now.booked, deals)
	r.Orders = p.steps(viewer, now, prices, clearing)
	if p.account != 0 {
		r.Own, err = p.own(now, statements, clearing)
	}
	return r, err
}

// Names of modes and rules, as in the community file.
var (
	modes      = map[auction.Mode]string{auction.Uniform: "uniform", auction.PayAsBid: "pay-as-bid", auction.MidMarket: "mid-market"}
	priceRules = map[auction.PriceRule]string{auction.SplitRule: "split", auction.ClearingRule: "clearing"}
)

// moments reads the settled intervals of a period.
func (p *replaying) moments(in view.Period) (list []*moment, err error) {
	devices := map[interval.Time]map[grid.DeviceID]view.DeviceEnergy{}
	err = p.reader.AllDeviceEnergies(p.m.ID, in, func(d view.PointDevice) error {
		if devices[d.Start] == nil {
			devices[d.Start] = map[grid.DeviceID]view.DeviceEnergy{}
		}
		devices[d.Start][d.Device] = d.DeviceEnergy
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = p.reader.AllStatements(p.m.ID, in, func(s view.Statement) error {
		if n := len(list); n == 0 || list[n-1].Start != s.Start {
			list = append(list, &moment{Interval: interval.Interval{Start: s.Start, Length: p.m.Length}, booked: map[grid.PointID]view.Statement{}})
		}
		list[len(list)-1].booked[s.Point] = s
		return nil
	})
	for _, m := range list {
		p.position(m, devices[m.Start])
	}
	return list, err
}

// position makes the positions of an interval as package metering made them.
func (p *replaying) position(m *moment, devices map[grid.DeviceID]view.DeviceEnergy) {
	roster := grid.RosterOf(p.rows, p.m.ID, m.Interval, nil)
	m.positions = make([]metering.Position, len(roster.Points))
	for i, at := range roster.Points {
		b := m.booked[at.Point]
		m.positions[i] = metering.Position{
			Point: at.Point, Account: at.Connection.Account, Zone: at.Connection.Zone,
			Import: b.Import, Export: b.Export, Produced: b.Produced, Estimated: b.Estimated,
		}
	}
	for _, d := range roster.Devices {
		if e, measured := devices[d.Device]; measured && d.At >= 0 {
			position := &m.positions[d.At]
			position.Renewable = position.Renewable || d.Row.Kind.Renewable()
			position.Devices = append(position.Devices, metering.Measured{
				Device: d.Device, Kind: d.Row.Kind, Import: e.Import, Export: e.Export, Estimated: e.Estimated,
			})
		}
	}
}

// same reports whether statements say what was booked, line by line and deal by
// deal.
func same(statements []settlement.Statement, booked map[grid.PointID]view.Statement, deals map[grid.PointID][]settlement.Deal) bool {
	for _, s := range statements {
		b, ok := booked[s.Point]
		if !ok || s.Owed() != b.Owed || s.Alone != b.Alone || !slices.Equal(s.Deals, deals[s.Point]) {
			return false
		}
		for _, item := range s.Items {
			if l := b.Lines[item.Line-1]; l.Energy != item.Energy || l.Amount != item.Amount {
				return false
			}
		}
	}
	return len(statements) == len(booked)
}

// own is the household's part.
func (p *replaying) own(now *moment, statements []settlement.Statement, c market.Clearing) (*OwnReplay, error) {
	o := &OwnReplay{Account: p.account, Deals: []Deal{}, WhatIf: []WhatIf{}}
	var all sum
	found := false
	for _, s := range statements {
		if s.Account != p.account {
			continue
		}
		found = true
		o.Import, o.Export, o.Produced = o.Import+int64(s.Import), o.Export+int64(s.Export), o.Produced+int64(s.Produced)
		for _, item := range s.Items {
			l := &all.lines[item.Line-1]
			l.Energy, l.Amount = quantity.MustAdd(l.Energy, item.Energy), quantity.MustAdd(l.Amount, item.Amount)
		}
		all.owed, all.alone = quantity.MustAdd(all.owed, s.Owed()), quantity.MustAdd(all.alone, s.Alone)
		for _, d := range s.Deals {
			o.Deals = append(o.Deals, p.deal(d, statements))
		}
	}
	if !found {
		return nil, &NotFound{fmt.Sprintf("connection point of account %d in this interval", p.account), "it may have joined later"}
	}
	f := p.money.figures(all)
	o.Lines, o.Balance, o.Alone = p.money.account(f), f.balance(), p.money.amount(all.alone)
	var err error
	o.WhatIf, err = p.whatIf(now)
	return o, err
}

// deal is the household's side of one trade. Of a neighbour only the zone is told.
func (p *replaying) deal(d settlement.Deal, statements []settlement.Statement) Deal {
	zone := ""
	for _, s := range statements {
		if s.Account == d.Partner {
			zone = p.source.names(p.m.ID).Zones[s.Zone]
		}
	}
	return p.money.deal(d, p.m.Utility, zone)
}

// deal shows a side of a trade with the utility, or with a neighbour in a zone.
func (m money) deal(d settlement.Deal, utility tx.AccountID, zone string) Deal {
	amount := quantity.MustTimes(d.Energy, d.Price)
	if !d.Bought {
		amount = -amount
	}
	return Deal{
		Bought: d.Bought, Utility: d.Partner == utility, Green: d.Class == market.Green, Energy: int64(d.Energy), Price: m.price(d.Price),
		Amount: m.amount(amount), Path: zone,
	}
}

// fewest is how many homes a step of the book holds at least before it is shown to
// anybody but the operator.
const fewest = settlement.Fewest

// steps is the book of an interval, best first.
func (p *replaying) steps(viewer Viewer, now *moment, prices tariff.Prices, c market.Clearing) []Step {
	filled := map[int32][2]quantity.Energy{}
	for _, t := range c.Trades {
		if t.Buyer != market.Utility && t.Seller != market.Utility {
			b, s := filled[t.Buyer], filled[t.Seller]
			b[0], s[1] = quantity.MustAdd(b[0], t.Energy), quantity.MustAdd(s[1], t.Energy)
			filled[t.Buyer] = b
			filled[t.Seller] = s
		}
	}
	var list []Step
	add := func(i int, side string, green bool, limit quantity.Price, e, traded quantity.Energy) {
		if e == 0 {
			return
		}
		list = append(list, Step{side, green, p.money.price(limit), int64(e), int64(traded), 1, p.account != 0 && now.positions[i].Account == p.account, false})
	}
	for i, pos := range now.positions {
		w := market.WishAt(p.rows, p.m.ID, pos.Point, now.Start)
		buy, sell := quantity.MustAdd(prices.Retail, c.Place[i].Path), quantity.MustSub(prices.FeedIn, c.Place[i].Path)
		if w.Buy != nil {
			buy = *w.Buy
		}
		if w.Sell != nil {
			sell = *w.Sell
		}
		add(i, "buy", w.Green, buy, pos.Import, filled[int32(i)][0])
		add(i, "sell", w.SellsGreen && pos.Green == pos.Export, sell, pos.Export, filled[int32(i)][1])
	}
	least := fewest
	if viewer.Operates(p.m.ID) {
		least = 1
	}
	return append(merge(list, "buy", least), merge(list, "sell", least)...)
}

// merge joins the orders of one side by limit, best first, and steps of too few
// homes with the next one; a side of too few homes is left out. What a step of several limits asks for is green only
// when all of it is.
func merge(orders []Step, side string, least int) []Step {
	var own []Step
	for _, o := range orders {
		if o.Side == side {
			own = append(own, o)
		}
	}
	slices.SortStableFunc(own, func(a, b Step) int {
		if side == "buy" {
			a, b = b, a
		}
		return cmp.Compare(a.Limit.PerWh, b.Limit.PerWh)
	})
	steps := []Step{}
	join := func(into *Step, o Step) {
		into.Energy, into.Filled, into.Homes = into.Energy+o.Energy, into.Filled+o.Filled, into.Homes+o.Homes
		into.Own, into.Green = into.Own || o.Own, into.Green && o.Green
		into.Merged = into.Merged || o.Merged || into.Limit != o.Limit
	}
	for _, o := range own {
		n := len(steps)
		switch {
		case n > 0 && (steps[n-1].Limit == o.Limit && (least > 1 || steps[n-1].Green == o.Green) || steps[n-1].Homes < least):
			join(&steps[n-1], o)
		default:
			steps = append(steps, o)
		}
	}
	if n := len(steps); n > 1 && steps[n-1].Homes < least {
		last := steps[n-1]
		steps = steps[:n-1]
		join(&steps[n-2], last)
	}
	return slices.DeleteFunc(steps, func(s Step) bool { return s.Homes < least }) // A side of fewer homes is nobody's to read.
}
