package pages

import (
	"context"
	"time"

	"github.com/commonwatt/commonwatt/attribution"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/settlement"
	"github.com/commonwatt/commonwatt/tx"
	"github.com/commonwatt/commonwatt/view"
)

// revisionsMax bounds the corrections that a month lists.
const revisionsMax = 100

// Month tells a household's bill for a month.
//
// Errors: *NotFound; those of the view.
func (s *Source) Month(ctx context.Context, account tx.AccountID, month string) (m Month, err error) {
	err = s.reader(ctx, func(r *view.Reader) error {
		h, err := s.household(r, account)
		if err != nil {
			return err
		}
		m, err = h.month(month)
		return err
	})
	return m, err
}

func (h *household) month(month string) (m Month, err error) {
	in, err := h.source.month(h.microgrid, month)
	if err != nil {
		return m, err
	}
	m = Month{
		Account: h.account, Name: h.names.Accounts[h.account], Community: h.names.Community, Microgrid: h.microgrid.ID,
		Month: month, TimeZone: h.names.TimeZone.String(), Currency: Currency{h.names.Currency, h.names.Decimals},
		Start: in.From, End: in.Until, Now: h.source.now(),
	}
	if m.Height, _, err = h.reader.Latest(); err != nil {
		return m, err
	}
	rows, err := h.rows(in)
	if err != nil {
		return m, err
	}
	all := total(rows)
	m.Used, m.Produced, m.Sources, m.Sinks, m.Local = origins(all.flows)
	m.Lines, m.Balance = h.money.account(all.lines)
	m.Better = h.money.amount(quantity.MustSub(all.owed, all.alone))
	m.Alone = less(m.Balance, m.Better)
	m.Days = h.days(rows, &m)
	for _, r := range rows {
		m.Through = r.start + interval.Time(h.microgrid.Length)
		if r.estimated {
			m.EstimatedCount++
		}
	}
	m.Final, err = h.isFinal(m.Through, in)
	if err != nil {
		return m, err
	}
	if m.Revisions, err = h.revisions(in); err != nil {
		return m, err
	}
	var changed quantity.Money
	for _, r := range m.Revisions {
		changed = quantity.MustAdd(changed, quantity.Money(r.Before.Units-r.After.Units))
	}
	m.Corrections = h.money.amount(changed)
	m.Revisions = m.Revisions[:min(len(m.Revisions), revisionsMax)]
	m.Months, err = h.months()
	return m, err
}

// isFinal reports whether every interval of a period is settled for good.
func (h *household) isFinal(through interval.Time, in view.Period) (bool, error) {
	settled, ok, err := h.reader.Settled(h.microgrid)
	if err != nil || !ok {
		return false, err
	}
	return through == in.Until && settled.Until >= h.source.final(h.microgrid, through), nil
}

// days are a month's rows by civil day. Each column shows parts of the month's
// figure above it.
func (h *household) days(rows []row, m *Month) []DayRow {
	list := []DayRow{}
	var of []sum
	for len(rows) > 0 {
		day, n := date(rows[0].start, h.names.TimeZone), 1
		for n < len(rows) && date(rows[n].start, h.names.TimeZone) == day {
			n++
		}
		t := total(rows[:n])
		list, of = append(list, DayRow{Date: day, Intervals: n}), append(of, t)
		rows = rows[n:]
	}
	sources := [...]attribution.Place{attribution.Roof, attribution.Battery, attribution.Neighbours, attribution.Grid}
	for n, p := range sources {
		column := make([]int64, len(of))
		for i, t := range of {
			column[i] = int64(t.flows[p][attribution.Home])
		}
		for i, shown := range split(m.Sources[n].Energy.Shown, column, whShown) {
			e := Energy{column[i], shown}
			*[...]*Energy{&list[i].Roof, &list[i].Battery, &list[i].Neighbours, &list[i].Grid}[n] = e
			list[i].Used.Wh += e.Wh
			list[i].Used.Shown += e.Shown
		}
	}
	produced, paid, earned, better := make([]int64, len(of)), make([]int64, len(of)), make([]int64, len(of)), make([]int64, len(of))
	for i, t := range of {
		produced[i] = int64(t.flows.From(attribution.Roof))
		earned[i] = -int64(quantity.MustAdd(t.lines[settlement.NeighbourSold-1].Amount, t.lines[settlement.UtilitySold-1].Amount))
		paid[i] = -int64(t.owed) - earned[i]
		better[i] = int64(quantity.MustSub(t.alone, t.owed))
	}
	for i, shown := range split(m.Produced.Shown, produced, whShown) {
		list[i].Produced = Energy{produced[i], shown}
	}
	var gained int64 // What the lines show that earn.
	for _, l := range m.Lines {
		if l.Name == "neighbour_sold" || l.Name == "utility_sold" {
			gained += l.Amount.Shown
		}
	}
	cent, coarse := h.money.cent(), h.money.coarse()
	gains, costs := split(gained/coarse, earned, cent), split((m.Balance.Shown-gained)/coarse, paid, cent)
	for i, shown := range split(m.Better.Shown/coarse, better, cent) {
		list[i].Better = Money{better[i], shown * coarse}
		list[i].Earned, list[i].Paid = Money{earned[i], gains[i] * coarse}, Money{paid[i], costs[i] * coarse}
		list[i].Balance = Money{earned[i] + paid[i], list[i].Earned.Shown + list[i].Paid.Shown}
	}
	return list
}

// months are those that have settled intervals, the latest first.
func (h *household) months() ([]string, error) {
	list := []string{}
	p, ok, err := h.reader.Settled(h.microgrid)
	if err != nil || !ok {
		return list, err
	}
	last := time.Unix(int64(p.Until)-1, 0).In(h.names.TimeZone)
	for at := time.Date(last.Year(), last.Month(), 1, 0, 0, 0, 0, h.names.TimeZone); ; at = at.AddDate(0, -1, 0) {
		list = append(list, at.Format("2006-01"))
		if interval.Time(at.Unix()) <= p.From {
			return list, nil
		}
	}
}
