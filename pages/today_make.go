package pages

import (
	"context"
	"slices"

	"github.com/commonwatt/commonwatt/attribution"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/settlement"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
	"github.com/commonwatt/commonwatt/view"
)

// Today tells a household's day; a day of which nothing is known yet is empty.
//
// Errors: *NotFound; those of the view.
func (s *Source) Today(ctx context.Context, account tx.AccountID, date string) (t Today, err error) {
	err = s.reader(ctx, func(r *view.Reader) error {
		h, err := s.household(r, account)
		if err != nil {
			return err
		}
		t, err = h.today(date)
		return err
	})
	return t, err
}

func (h *household) today(date string) (t Today, err error) {
	height, _, err := h.reader.Latest()
	if err != nil {
		return t, err
	}
	var in view.Period
	if t.Day, in, err = h.source.day(h.microgrid, date, height); err != nil {
		return t, err
	}
	t.Account, t.Name, t.Plant, t.Microgrid = h.account, h.names.Accounts[h.account], h.plant(), h.microgrid.ID
	t.Currency = Currency{h.names.Currency, h.names.Decimals}
	rows, err := h.rows(in)
	if err != nil {
		return t, err
	}
	day, err := h.dayFigures(in.From, rows)
	if err != nil {
		return t, err
	}
	h.sums(&t, day)
	if t.Intervals, t.Devices, err = h.slots(in, rows, t.Now); err != nil {
		return t, err
	}
	day.agree(t.Devices)
	t.Bridged = h.bridged()
	t.Progress = h.progress(t.Intervals, in)
	if t.Revisions, err = h.revisions(in); err != nil {
		return t, err
	}
	t.Price = priceRange(t.Intervals)
	t.Sun = h.source.sun(h.microgrid.ID, in)
	t.Tariff, err = h.tariff(t.Now)
	return t, err
}

// sums fills in what is added up over the day.
func (h *household) sums(t *Today, day figures) {
	t.Used, t.Sources, t.Local = day.used()
	t.Produced, t.Sinks = day.produced()
	t.Flows = day.streams()
	t.Loads = h.uses(day.sum, t.Used)
	t.Lines, t.Balance, t.Better = h.money.account(day), day.balance(), day.better()
}

// slots is every interval of the day: settled ones, those that are read, what is
// to be expected of the rest of today; and what the devices did.
func (h *household) slots(in view.Period, rows []row, now interval.Time) ([]Slot, []Device, error) {
	prices, err := h.prices(in)
	if err != nil {
		return nil, nil, err
	}
	devices := h.deviceList()
	slots := []Slot{}
	settled := map[interval.Time]row{}
	for _, r := range rows {
		settled[r.start] = r
	}
	var expected map[interval.Time]Slot
	for start := in.From; start < in.Until; start += interval.Time(h.microgrid.Length) {
		slot := Slot{Start: start, State: Unknown}
		if r, ok := settled[start]; ok {
			slot = shownSlot(start, r.flows)
			slot.State, slot.Revision, slot.Estimated, slot.Block = Settled, r.revision, r.estimated, r.height
			slot.Amount, slot.Alone = -int64(r.owed), -int64(r.alone)
			for _, d := range r.devices {
				devices.add(d)
			}
			h.note(&slot, devices, r.devices)
		} else if f, measured, ok := h.provisional(start); ok {
			slot = shownSlot(start, f)
			slot.State = Provisional
			h.note(&slot, devices, measured)
		} else if start+interval.Time(h.microgrid.Length) > now && in.From <= now {
			if expected == nil {
				if expected, err = h.expected(in); err != nil {
					return nil, nil, err
				}
			}
			if e, ok := expected[start]; ok {
				slot = e
			}
		}
		if p, ok := prices[start]; ok {
			slot.Price = &p
		}
		slots = append(slots, slot)
	}
	return slots, devices.shown(), nil
}

// shownSlot is the bars of an interval.
func shownSlot(start interval.Time, f attribution.Flows) Slot {
	return Slot{
		Start: start,
		Roof:  int64(f[attribution.Roof][attribution.Home]), Battery: int64(f[attribution.Battery][attribution.Home]),
		Neighbours: int64(f[attribution.Neighbours][attribution.Home]), Grid: int64(f[attribution.Grid][attribution.Home]),
		ToBattery: int64(f.To(attribution.Battery)), ToNeighbours: int64(f.To(attribution.Neighbours)), ToGrid: int64(f.To(attribution.Grid)),
	}
}

// note tells an interval and the list of devices what each measured in it.
func (h *household) note(slot *Slot, list *deviceList, measured []view.DeviceEnergy) {
	for _, d := range measured {
		list.note(d, h.microgrid.Length)
		switch h.devices[d.Device].Kind {
		case grid.Charger:
			slot.EV += int64(d.Import)
		case grid.HeatPump:
			slot.HeatPump += int64(d.Import)
		default: // The others are told as sources, or have no name.
		}
	}
}

// prices are those of the household's zone by the start of their interval.
func (h *household) prices(in view.Period) (map[interval.Time]Price, error) {
	list, err := h.reader.ZonePrices(h.microgrid.ID, h.points[0].Zone, in)
	prices := map[interval.Time]Price{}
	for _, p := range list {
		prices[p.Start] = h.money.price(p.Price)
	}
	return prices, err
}

// provisional is an interval that is read and not settled: with whom it will be
// traded nobody knows yet, so it counts as the grid's. Without a value of each of
// the household's devices it is nothing yet.
func (h *household) provisional(start interval.Time) (f attribution.Flows, devices []view.DeviceEnergy, ok bool) {
	var values []metering.Value
	h.source.Read(func(rows state.Reader, _ machine.Head) {
		if m, there := grid.At(rows, h.microgrid.ID); there && start >= m.Open {
			values, _ = metering.Known(rows, h.microgrid.ID, m, start)
		}
	})
	var read []view.DeviceEnergy
	var m attribution.Metered
	seen := 0
	for _, v := range values {
		d, own := h.devices[v.Device]
		if !own {
			continue
		}
		seen++
		if d.Kind == grid.Meter {
			m.BoughtGrid, m.SoldGrid = quantity.MustAdd(m.BoughtGrid, v.Import), quantity.MustAdd(m.SoldGrid, v.Export)
			continue
		}
		measured := settlement.DeviceEnergy{Device: v.Device, Import: v.Import, Export: v.Export}
		read = append(read, view.DeviceEnergy{Start: start, DeviceEnergy: measured})
	}
	if seen == 0 || seen < len(h.devices) {
		return f, nil, false
	}
	behind := h.metered(read)
	m.Produced, m.Charged, m.Discharged = behind.Produced, behind.Charged, behind.Discharged
	return attribution.Of(m), read, true
}

// daysBefore is how many days an expectation looks back.
const daysBefore = 7

// expected is the mean of the same time of the days before, for every interval
// of a day that has such days.
func (h *household) expected(in view.Period) (map[interval.Time]Slot, error) {
	stamp, err := h.reader.Stamp(h.microgrid.ID, view.Period{From: in.From - daysBefore*24*3600, Until: in.Until - 24*3600})
	if err != nil {
		return nil, err
	}
	return h.source.expected.get(dayKey{h.account, in.From}, stamp, func() (map[interval.Time]Slot, error) { return h.means(in) })
}

// means computes what expected keeps.
func (h *household) means(in view.Period) (map[interval.Time]Slot, error) {
	sums, counts := map[interval.Time]attribution.Flows{}, map[interval.Time]int64{}
	for n := interval.Time(1); n <= daysBefore; n++ {
		shift := n * 24 * 3600
		rows, err := h.rows(view.Period{From: in.From - shift, Until: in.Until - shift})
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			f := sums[r.start+shift]
			f.Add(r.flows)
			sums[r.start+shift] = f
			counts[r.start+shift]++
		}
	}
	slots := map[interval.Time]Slot{}
	for start, f := range sums {
		for from := range f {
			for to := range f[from] {
				f[from][to] /= quantity.Energy(counts[start])
			}
		}
		slot := shownSlot(start, f)
		slot.State = Expected
		slots[start] = slot
	}
	return slots, nil
}

// progress counts the intervals of a day.
func (h *household) progress(slots []Slot, in view.Period) Progress {
	var p Progress
	for _, s := range slots {
		switch s.State {
		case Settled:
			p.Settled++
			p.Through = s.Start + interval.Time(h.microgrid.Length)
		case Provisional:
			p.Provisional++
		case Expected, Unknown:
			p.ToCome++
		}
	}
	p.Final = h.source.final(h.microgrid, p.Through)
	return p
}

// final is when what was settled through a moment can no longer be corrected: a
// reading corrects an interval until the microgrid's first open one is its
// correction time ahead.
func (s *Source) final(m view.Microgrid, through interval.Time) (final interval.Time) {
	if through == 0 {
		return 0
	}
	s.Read(func(rows state.Reader, _ machine.Head) {
		if row, ok := grid.At(rows, m.ID); ok {
			final = through + interval.Time(row.Correction)
		}
	})
	return final
}

// revisions are the corrections of a period, the latest first: all points of the
// household in one interval are one.
func (h *household) revisions(in view.Period) ([]Revision, error) {
	list := []Revision{}
	for _, p := range h.points {
		all, err := h.reader.Revisions(h.microgrid.ID, p.Point, in)
		if err != nil {
			return nil, err
		}
		for i, s := range all {
			if i == 0 || all[i-1].Start != s.Start {
				continue // The first revision corrects nothing.
			}
			was := all[i-1]
			list = append(list, Revision{
				Start: s.Start, Revision: s.Revision, Block: s.Height,
				Before: h.money.amount(was.Owed), After: h.money.amount(s.Owed), Was: energy(was.Import), Used: energy(s.Import),
				GivenWas: energy(was.Export), Given: energy(s.Export),
			})
		}
	}
	slices.SortStableFunc(list, func(a, b Revision) int {
		if a.Block != b.Block {
			return int(b.Block - a.Block)
		}
		return int(b.Start - a.Start)
	})
	return list, nil
}

// priceRange is the lowest and the highest price of a day, the first of each.
func priceRange(slots []Slot) (r *PriceRange) {
	for _, s := range slots {
		if s.Price == nil {
			continue
		}
		if r == nil {
			r = &PriceRange{*s.Price, s.Start, *s.Price, s.Start}
		}
		if s.Price.PerWh < r.Low.PerWh {
			r.Low, r.LowAt = *s.Price, s.Start
		}
		if s.Price.PerWh > r.High.PerWh {
			r.High, r.HighAt = *s.Price, s.Start
		}
	}
	return r
}

// tariff is what the utility asks and pays at the household's connection.
func (h *household) tariff(at interval.Time) (*Tariff, error) {
	steps, err := h.reader.Tariff(h.microgrid.ID, view.Period{From: at, Until: at + 7*24*3600})
	if err != nil || len(steps) == 0 || steps[0].From > at {
		return nil, err
	}
	var path quantity.Price
	h.source.Read(func(rows state.Reader, _ machine.Head) {
		path = pathPrice(grid.Tree(rows, h.microgrid.ID, at), h.points[0].Zone, steps[0].Prices.Retail)
	})
	p := steps[0].Prices
	t := &Tariff{
		Retail: h.money.price(quantity.MustAdd(quantity.MustAdd(p.Retail, path), p.Levy)),
		FeedIn: h.money.price(quantity.MustSub(p.FeedIn, path)),
	}
	if len(steps) > 1 {
		t.Until = steps[1].From
	}
	return t, nil
}

// pathPrice is what a Wh pays on the lines between a zone and the root, losses
// included.
func pathPrice(tree []grid.Node, zone grid.ZoneID, retail quantity.Price) (sum quantity.Price) {
	for zone != 0 {
		i := slices.IndexFunc(tree, func(n grid.Node) bool { return n.Zone == zone })
		if i < 0 || tree[i].Parent == 0 {
			return sum
		}
		sum = quantity.MustAdd(sum, quantity.MustAdd(tree[i].Line.Charge, tree[i].Line.LossPrice(retail)))
		zone = tree[i].Parent
	}
	return sum
}
