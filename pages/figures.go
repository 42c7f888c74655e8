package pages

import (
	"time"

	"github.com/commonwatt/commonwatt/attribution"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/settlement"
	"github.com/commonwatt/commonwatt/tx"
	"github.com/commonwatt/commonwatt/view"
)

// shownFlows is what is shown of every stream, in hundredths of a kWh.
type shownFlows [attribution.Places][attribution.Places]int64

// tally is what is shown of the figures that are rounded by themselves, in
// hundredths; whatever else is shown is a sum, a part or a difference of them.
//
// A day is rounded against its month: it shows what the month up to its end shows
// less what the month up to its beginning shows. So a day shows the same on every
// page, days sum to what the month shows, and a day that comes later changes none
// that came before.
type tally struct {
	flows                   shownFlows
	charged, levied         int64 // The energies on which there were network charges and levies.
	earned, balance, better int64
}

// earns reports whether a line of the bill is income.
func earns(l settlement.Line) bool {
	return l == settlement.NeighbourSold || l == settlement.UtilitySold
}

// tally rounds sums.
func (m money) tally(s sum) (t tally) {
	for from := range s.flows {
		for to, e := range s.flows[from] {
			t.flows[from][to] = energy(e).Shown
		}
	}
	t.charged, t.levied = energy(s.lines[settlement.NetworkCharge-1].Energy).Shown, energy(s.lines[settlement.Levy-1].Energy).Shown
	t.earned = m.amount(s.earned()).Shown
	t.balance, t.better = m.amount(s.owed).Shown, m.amount(quantity.MustSub(s.owed, s.alone)).Shown
	return t
}

// earned is what the lines that earn say, as the ledger counts.
func (s *sum) earned() (owed quantity.Money) {
	for i, l := range s.lines {
		if earns(settlement.Line(i + 1)) {
			owed = quantity.MustAdd(owed, l.Amount)
		}
	}
	return owed
}

// less is what a period shows of which t is up to its end and u up to its beginning.
func (t tally) less(u tally) tally {
	for from := range t.flows {
		for to := range t.flows[from] {
			t.flows[from][to] -= u.flows[from][to]
		}
	}
	t.charged, t.levied = t.charged-u.charged, t.levied-u.levied
	t.earned, t.balance, t.better = t.earned-u.earned, t.balance-u.balance, t.better-u.better
	return t
}

// from is what is shown of all that came from a source.
func (f *shownFlows) from(p attribution.Place) (shown int64) {
	for _, s := range f[p] {
		shown += s
	}
	return shown
}

// to is what is shown of all that went to a sink.
func (f *shownFlows) to(p attribution.Place) (shown int64) {
	for from := range f {
		shown += f[from][p]
	}
	return shown
}

// figures are a period's sums and what is shown of them.
type figures struct {
	sum
	shown tally
}

// stream is one stream.
func (f *figures) stream(from, to attribution.Place) Energy {
	return Energy{int64(f.flows[from][to]), f.shown.flows[from][to]}
}

// balance is what the period earned and cost together, better what it is better
// than the utility alone, earned and paid its two sides.
func (f *figures) balance() Money { return Money{-int64(f.owed), f.shown.balance} }

func (f *figures) better() Money {
	return Money{int64(quantity.MustSub(f.alone, f.owed)), f.shown.better}
}

func (f *figures) earned() Money { return Money{-int64(f.sum.earned()), f.shown.earned} }

func (f *figures) paid() Money { return less(f.balance(), f.earned()) }

// lineEnergy is the energy of a line. That of a trade shows what its streams do.
func (f *figures) lineEnergy(l settlement.Line) Energy {
	wh := f.lines[l-1].Energy
	switch l {
	case settlement.NeighbourSold:
		return f.traded(wh, f.flows.To(attribution.Neighbours), f.shown.flows.to(attribution.Neighbours))
	case settlement.UtilitySold:
		return f.traded(wh, f.flows.To(attribution.Grid), f.shown.flows.to(attribution.Grid))
	case settlement.NeighbourBought:
		return f.traded(wh, f.flows.From(attribution.Neighbours), f.shown.flows.from(attribution.Neighbours))
	case settlement.UtilityBought:
		return f.traded(wh, f.flows.From(attribution.Grid), f.shown.flows.from(attribution.Grid))
	case settlement.NetworkCharge:
		return Energy{int64(wh), f.shown.charged}
	case settlement.Levy:
		return Energy{int64(wh), f.shown.levied}
	}
	return energy(wh)
}

// traded is the energy of a trade; where no streams are told, it stands by itself.
func (f *figures) traded(wh, streams quantity.Energy, shown int64) Energy {
	if wh != streams {
		return energy(wh)
	}
	return Energy{int64(wh), shown}
}

// figures rounds a month's sums, or those of the rest of one.
func (m money) figures(s sum) figures { return figures{s, m.tally(s)} }

// after rounds a period's sums against what came before it in its month.
func (m money) after(before, s sum) figures {
	return figures{s, m.tally(before.and(s)).less(m.tally(before))}
}

// dayKey names a household's day.
type dayKey struct {
	account tx.AccountID
	start   interval.Time
}

// days are the civil days of a period that have settled intervals, in order. Each is
// read anew only when something of it was settled or corrected since.
func (h *household) days(in view.Period) (list []day, err error) {
	for from := in.From; from < in.Until; {
		d := view.Period{From: from, Until: min(h.tomorrow(from), in.Until)}
		stamp, err := h.reader.Stamp(h.microgrid.ID, d)
		if err != nil {
			return nil, err
		}
		if stamp.Intervals > 0 {
			one, err := h.source.days.get(dayKey{h.account, from}, stamp, func() (day, error) { return h.readDay(d) })
			if err != nil {
				return nil, err
			}
			list = append(list, one)
		}
		from = d.Until
	}
	return list, nil
}

// day is what a household did on a civil day.
type day struct {
	sum
	start     interval.Time
	through   interval.Time // The end of its last interval.
	estimated int64         // Intervals that rest on an estimate.
}

func (h *household) readDay(in view.Period) (d day, err error) {
	rows, err := h.rows(in)
	d = day{sum: total(rows), start: in.From}
	for _, r := range rows {
		d.through = r.start + interval.Time(h.microgrid.Length)
		if r.estimated {
			d.estimated++
		}
	}
	return d, err
}

// tomorrow is the midnight that ends a civil day.
func (h *household) tomorrow(at interval.Time) interval.Time {
	t := time.Unix(int64(at), 0).In(h.names.TimeZone)
	return interval.Time(time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, t.Location()).Unix())
}

// dayFigures are those of the day that begins at a midnight.
func (h *household) dayFigures(midnight interval.Time, rows []row) (f figures, err error) {
	at := time.Unix(int64(midnight), 0).In(h.names.TimeZone)
	first := time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, at.Location())
	earlier, err := h.days(view.Period{From: interval.Time(first.Unix()), Until: midnight})
	before := total(nil)
	for _, d := range earlier {
		before = before.and(d.sum)
	}
	return h.money.after(before, total(rows)), err
}
