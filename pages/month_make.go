package pages

import (
	"context"
	"time"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
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
		Account: h.account, Name: h.names.Accounts[h.account], Plant: h.plant(), Community: h.names.Community, Microgrid: h.microgrid.ID,
		Month: month, TimeZone: h.names.TimeZone.String(), Currency: Currency{h.names.Currency, h.names.Decimals},
		Start: in.From, End: in.Until, Now: h.source.now(),
	}
	if m.Height, _, err = h.reader.Latest(); err != nil {
		return m, err
	}
	days, err := h.days(in)
	if err != nil {
		return m, err
	}
	sums := total(nil)
	for _, d := range days {
		sums = sums.and(d.sum)
		m.Through, m.EstimatedCount = max(m.Through, d.through), m.EstimatedCount+d.estimated
	}
	all := h.money.figures(sums)
	m.Used, m.Sources, m.Local = all.used()
	m.Produced, m.Sinks = all.produced()
	m.Lines, m.Balance, m.Better = h.money.account(all), all.balance(), all.better()
	m.Alone = less(m.Balance, m.Better)
	m.Days = h.dayRows(days)
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

// dayRows are the rows of a month, by civil day.
func (h *household) dayRows(days []day) []DayRow {
	list := []DayRow{}
	before := total(nil)
	for _, one := range days {
		f := h.money.after(before, one.sum)
		d := DayRow{
			Date: date(one.start, h.names.TimeZone), Intervals: one.count,
			Earned: f.earned(), Paid: f.paid(), Balance: f.balance(), Better: f.better(),
		}
		var sources []Part
		d.Used, sources, _ = f.used()
		d.Roof, d.Battery, d.Neighbours, d.Grid = sources[0].Energy, sources[1].Energy, sources[2].Energy, sources[3].Energy
		d.Produced, _ = f.produced()
		list = append(list, d)
		before = before.and(one.sum)
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
