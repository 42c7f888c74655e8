package pages

import (
	"context"
	"fmt"
	"slices"

	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/device"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/market"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/settlement"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tariff"
	"github.com/commonwatt/commonwatt/tx"
	"github.com/commonwatt/commonwatt/view"
)

// tracing is a household's interval while it is traced.
type tracing struct {
	*household
	viewer     Viewer
	start      interval.Time
	statements []bookedStatement // Of each of the household's points, as it stands.
	zoneOf     map[tx.AccountID]grid.ZoneID
	held       held
	records    map[int64]machine.Record
	sums       []ReceiptRef // Of the interval's aggregates.
}

// bookedStatement is a statement with the receipt that says it.
type bookedStatement struct {
	view.Statement
	said settlement.Statement
	at   ReceiptRef
}

// held is what held in the interval, of the committed rows.
type held struct {
	chainID string
	tree    []grid.Node
	rules   market.Rules
	prices  tariff.Prices
	wishes  map[grid.PointID]market.Wish
	devices map[grid.DeviceID]whereabouts
	keys    map[grid.DeviceID]device.Key
	meters  map[grid.PointID][]metering.Value // Of the household's points; their values while the ledger keeps them.
	final   bool
}

// whereabouts is what a device is, and behind which point of which zone.
type whereabouts struct {
	kind  grid.Kind
	point grid.PointID
	zone  grid.ZoneID
}

// Trace tells where the energy of a household's interval came from and went. The
// moment may be any of the interval.
//
// Errors: *NotFound; those of the view and the disk.
func (s *Source) Trace(ctx context.Context, viewer Viewer, account tx.AccountID, at interval.Time) (t Trace, err error) {
	err = s.reader(ctx, func(r *view.Reader) error {
		h, err := s.household(r, account)
		if err != nil {
			return err
		}
		c := &tracing{household: h, viewer: viewer, start: h.microgrid.Length.Containing(at).Start, records: map[int64]machine.Record{}}
		t, err = c.trace()
		return err
	})
	return t, err
}

// TraceAt is Trace of a moment as somebody wrote it.
//
// Errors: as Trace.
func (s *Source) TraceAt(ctx context.Context, viewer Viewer, account tx.AccountID, text string) (t Trace, err error) {
	var at interval.Time
	err = s.reader(ctx, func(r *view.Reader) error {
		h, err := s.household(r, account)
		if err == nil {
			at, err = s.At(h.microgrid.ID, text)
		}
		return err
	})
	if err != nil {
		return t, err
	}
	return s.Trace(ctx, viewer, account, at)
}

// TraceOf is TraceAt as the household itself is told.
func (s *Source) TraceOf(ctx context.Context, account tx.AccountID, text string) (Trace, error) {
	return s.TraceAt(ctx, Viewer{Account: account, Role: Household}, account, text)
}

func (c *tracing) period() view.Period {
	return view.Period{From: c.start, Until: c.start + interval.Time(c.microgrid.Length)}
}

func (c *tracing) trace() (t Trace, err error) {
	rows, err := c.rows(c.period())
	if err != nil {
		return t, err
	}
	if len(rows) == 0 {
		return t, &NotFound{
			"settled interval of " + c.names.Accounts[c.account] + " from " + local(c.start, c.names.TimeZone),
			fmt.Sprintf("intervals of %d minutes are settled when their readings are there; the day's page shows which are", c.microgrid.Length/60),
		}
	}
	if err := c.read(); err != nil {
		return t, err
	}
	f, row := c.money.figures(total(rows)), rows[0]
	t = Trace{
		Account: c.account, Name: c.names.Accounts[c.account], Microgrid: c.microgrid.ID, Community: c.names.Community,
		Start: c.start, Local: local(c.start, c.names.TimeZone), Length: int64(c.microgrid.Length), TimeZone: c.names.TimeZone.String(),
		Currency: Currency{c.names.Currency, c.names.Decimals}, Revision: row.revision, Block: row.height,
		Estimated: row.estimated, Final: c.held.final,
	}
	t.Used, t.Sources, _ = f.used()
	t.Produced, t.Sinks = f.produced()
	if t.Height, _, err = c.reader.Latest(); err != nil {
		return t, err
	}
	if t.Made, err = c.made(); err != nil {
		return t, err
	}
	zones, err := c.source.zones(c.reader, c.viewer, c.microgrid, c.held.tree, c.start)
	if err != nil {
		return t, err
	}
	t.Matched = c.matched(zones)
	t.Delivered = c.delivered(zones, t.Used.Wh-t.Sources[2].Energy.Wh-t.Sources[3].Energy.Wh)
	if t.Before, err = c.before(); err != nil {
		return t, err
	}
	t.Paid = TracePaid{
		Lines: c.money.account(f), Balance: f.balance(), Alone: c.money.amount(f.alone), Posted: f.balance().Units, Receipts: c.said(),
	}
	if len(t.Before) > 0 {
		t.Paid.Posted -= t.Before[0].Balance.Units
	}
	t.Certified, err = c.certified(t.Used.Wh)
	return t, err
}

// read reads the statements with their receipts, and what held.
func (c *tracing) read() error {
	c.zoneOf = map[tx.AccountID]grid.ZoneID{}
	var own []view.Statement
	err := c.reader.AllStatements(c.microgrid.ID, c.period(), func(s view.Statement) error {
		c.zoneOf[s.Account] = s.Zone
		if s.Account == c.account {
			own = append(own, s)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, s := range own {
		b := bookedStatement{Statement: s}
		if b.said, b.at, err = c.statement(s); err != nil {
			return err
		}
		c.statements = append(c.statements, b)
		if err := c.aggregates(s.Height); err != nil {
			return err
		}
	}
	c.source.Read(c.holds)
	return nil
}

// holds reads what held in the interval.
func (c *tracing) holds(rows state.Reader, head machine.Head) {
	id := c.microgrid.ID
	c.held = held{
		chainID: head.ChainID, tree: grid.Tree(rows, id, c.start), rules: market.RulesAt(rows, id, c.start),
		wishes: map[grid.PointID]market.Wish{}, devices: map[grid.DeviceID]whereabouts{}, keys: map[grid.DeviceID]device.Key{}, meters: map[grid.PointID][]metering.Value{},
	}
	c.held.prices, _ = tariff.At(rows, id, c.start)
	var known []metering.Value
	if m, ok := grid.At(rows, id); ok {
		c.held.final = c.start < metering.Correctable(m) && !metering.IsRevised(rows, id, c.start)
		known, _ = metering.Known(rows, id, m, c.start)
	}
	note := func(d grid.DeviceID) {
		if at, ok := grid.DeviceAt(rows, grid.Device{Microgrid: id, Device: d}); ok {
			p, _ := grid.PointAt(rows, grid.Point{Microgrid: id, Point: at.Point})
			c.held.devices[d] = whereabouts{at.Kind, at.Point, p.Zone}
		}
		if k, ok := device.KeyOf(rows, grid.Device{Microgrid: id, Device: d}); ok {
			c.held.keys[d] = k
		}
	}
	for _, d := range grid.RosterOf(rows, id, interval.Interval{Start: c.start, Length: c.microgrid.Length}, nil).Devices {
		if d.Row.Kind != grid.Meter || !slices.ContainsFunc(c.statements, func(s bookedStatement) bool { return s.Point == d.Row.Point }) {
			continue
		}
		v := metering.Value{Device: d.Device}
		if i := slices.IndexFunc(known, func(v metering.Value) bool { return v.Device == d.Device }); i >= 0 {
			v = known[i]
		}
		c.held.meters[d.Row.Point] = append(c.held.meters[d.Row.Point], v)
		note(d.Device)
	}
	for _, s := range c.statements {
		c.held.wishes[s.Point] = market.WishAt(rows, id, s.Point, c.start)
		for _, d := range s.said.Devices {
			note(d.Device)
		}
		for _, o := range s.said.Origins {
			note(o.Device)
		}
	}
}

// said is where the statements stand.
func (c *tracing) said() []ReceiptRef {
	list := []ReceiptRef{}
	for _, s := range c.statements {
		list = append(list, s.at)
	}
	return list
}

// matched is what the household's orders met.
func (c *tracing) matched(zones []Zone) TraceMatch {
	p := c.held.prices
	m := TraceMatch{
		Mode: modes[c.held.rules.Mode], Rule: priceRules[c.held.rules.Rule], Retail: c.money.price(p.Retail), FeedIn: c.money.price(p.FeedIn),
		Orders: []TraceOrder{}, Deals: []Deal{}, Receipts: append(c.said(), c.sums...),
	}
	for _, s := range c.statements {
		m.Zone = c.names.Zones[s.Zone]
		if i := slices.IndexFunc(zones, func(z Zone) bool { return z.Zone == s.Zone }); i >= 0 {
			m.Price, m.Withheld = zones[i].Price, zones[i].Withheld
		}
		m.Orders = append(m.Orders, c.orders(s)...)
		for _, d := range s.said.Deals {
			m.Deals = append(m.Deals, c.money.deal(d, c.microgrid.Utility, c.names.Zones[c.zoneOf[d.Partner]]))
		}
	}
	return m
}

// orders are those of one point: of what it took and what it gave.
func (c *tracing) orders(s bookedStatement) (list []TraceOrder) {
	w, path := c.held.wishes[s.Point], c.path(s.Zone)
	add := func(side string, green bool, chosen bool, limit Price, e int64, line settlement.Line) {
		if e > 0 {
			list = append(list, TraceOrder{side, green, limit, chosen, e, int64(s.Lines[line-1].Energy)})
		}
	}
	buy, sell := c.held.prices.Retail+path, c.held.prices.FeedIn-path
	if w.Buy != nil {
		buy = *w.Buy
	}
	if w.Sell != nil {
		sell = *w.Sell
	}
	add("buy", w.Green, w.Buy != nil, c.money.price(buy), int64(s.Import), settlement.NeighbourBought)
	add("sell", w.SellsGreen, w.Sell != nil, c.money.price(sell), int64(s.Export), settlement.NeighbourSold)
	return list
}

// before is what the interval was before it was corrected, the latest first.
func (c *tracing) before() ([]TraceRevision, error) {
	list := []TraceRevision{}
	for _, s := range c.statements {
		all, err := c.reader.History(c.microgrid.ID, s.Point, c.start)
		if err != nil {
			return nil, err
		}
		for _, was := range all {
			if was.Superseded == 0 {
				continue
			}
			_, at, err := c.statement(was)
			if err != nil {
				return nil, err
			}
			list = earlier(list, was, c.money.amount(was.Owed), at)
		}
	}
	slices.SortFunc(list, func(a, b TraceRevision) int { return int(b.Revision) - int(a.Revision) })
	return list, nil
}

// earlier adds a statement to those of its revision.
func earlier(list []TraceRevision, was view.Statement, balance Money, at ReceiptRef) []TraceRevision {
	i := slices.IndexFunc(list, func(r TraceRevision) bool { return r.Revision == was.Revision })
	if i < 0 {
		i, list = len(list), append(list, TraceRevision{Revision: was.Revision, Receipts: []ReceiptRef{}})
	}
	r := &list[i]
	r.Block, r.Estimated = max(r.Block, was.Height), r.Estimated || was.Estimated
	r.Import, r.Export, r.Produced = r.Import+int64(was.Import), r.Export+int64(was.Export), r.Produced+int64(was.Produced)
	r.Balance = Money{r.Balance.Units + balance.Units, r.Balance.Shown + balance.Shown}
	r.Receipts = append(r.Receipts, at)
	return list
}

// certified is the certificates that came with the energy.
func (c *tracing) certified(used int64) (t TraceCertified, err error) {
	t = TraceCertified{Origins: []TraceOrigin{}, Lots: []TraceLot{}, Receipts: c.said()}
	if t.Issues, err = c.reader.Certifies(c.microgrid.ID); err != nil || !t.Issues {
		return t, err
	}
	for _, s := range c.statements {
		for _, o := range s.said.Origins {
			t.Origins = append(t.Origins, c.origin(o))
			if o.Claimed {
				t.Claimed += int64(o.Energy)
			}
		}
		for _, d := range s.said.Devices {
			lot, ok, err := c.lot(d.Device)
			if err != nil {
				return t, err
			}
			if ok {
				t.Lots = append(t.Lots, lot)
			}
		}
	}
	t.Without = max(used-t.Claimed, 0)
	return t, nil
}

// origin is what came to the household of a lot. Of a neighbour's device, what it is
// and where is told, and not which.
func (c *tracing) origin(o certificate.Origin) TraceOrigin {
	at := c.held.devices[o.Device]
	told := TraceOrigin{Kind: kindName(at.kind), Zone: c.names.Zones[at.zone], Energy: int64(o.Energy), Claimed: o.Claimed}
	if slices.ContainsFunc(c.statements, func(s bookedStatement) bool { return s.Point == at.point }) {
		told.Own, told.Meter = true, c.meterName(o.Device)
	}
	return told
}

// lot is what one device of the household was issued.
func (c *tracing) lot(d grid.DeviceID) (t TraceLot, ok bool, err error) {
	id := certificate.LotID{Microgrid: c.microgrid.ID, Start: c.start, Device: d}
	l, ok, err := c.reader.LotOf(id)
	if err != nil || !ok {
		return t, false, err
	}
	t = TraceLot{Meter: c.meterName(d), Kind: kindName(c.held.devices[d].kind), Issued: int64(l.Issued), Revision: l.Revision, Receipts: []ReceiptRef{}}
	said, at, err := c.issued(id, l)
	if err != nil {
		return t, false, err
	}
	for _, s := range said.Shares {
		switch {
		case s.Account != c.account:
			t.Neighbours += int64(s.Energy)
		case s.Claimed:
			t.Claimed += int64(s.Energy)
		default:
			t.Kept += int64(s.Energy)
		}
	}
	t.Receipts = append(t.Receipts, at)
	have, err := c.reader.HeldOf(id, c.account)
	t.Held = int64(have)
	return t, true, err
}
