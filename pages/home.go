package pages

import (
	"context"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/tx"
	"github.com/commonwatt/commonwatt/view"
)

// Home is what a home's own automation shows of it: figures of its pages as of the last
// settled interval.
type Home struct {
	Community string
	Name      string // The household's, as in the community file.
	Currency  Currency
	Settled   interval.Time // The end of the last settled interval; 0: none is, and nothing else is told.
	Day       Day           // The day that it is in.
	Taken     Energy        // Bought on that day, from neighbours and the utility.
	Given     Energy        // Sold on that day.
	Balance   Money         // Of that day.
	Month     Money         // The balance of its month.
	Price     *Price        // Among neighbours in that interval; nil: they did not trade.
	Utility   *Price        // What the utility asks now, all in; nil: not known.
	Estimated bool          // The interval rests on an estimate.
}

// Home returns what an account's home is told.
//
// Errors: *NotFound; those of the view.
func (s *Source) Home(ctx context.Context, account tx.AccountID) (home Home, err error) {
	err = s.reader(ctx, func(r *view.Reader) error {
		h, err := s.household(r, account)
		if err != nil {
			return err
		}
		home = Home{Community: h.names.Community, Name: h.names.Accounts[account], Currency: Currency{h.names.Currency, h.names.Decimals}}
		settled, ok, err := r.Settled(h.microgrid)
		if err != nil || !ok {
			return err
		}
		home.Settled = settled.Until
		return h.home(&home)
	})
	return home, err
}

// home fills in the figures of a home that has a last settled interval. It makes no page:
// what is to come, and what was corrected, nobody asks for here.
func (h *household) home(home *Home) error {
	var in view.Period
	var err error
	last := date(home.Settled-1, h.names.TimeZone)
	if home.Day, in, err = h.source.day(h.microgrid, last, 0); err != nil {
		return err
	}
	month, err := h.source.month(h.microgrid, last[:len("2006-01")])
	if err != nil {
		return err
	}
	earlier, err := h.days(view.Period{From: month.From, Until: in.From})
	if err != nil {
		return err
	}
	rows, err := h.rows(in)
	if err != nil {
		return err
	}
	before, now := total(nil), total(rows)
	for _, d := range earlier {
		before = before.and(d.sum)
	}
	day, all := h.money.after(before, now), h.money.figures(before.and(now))
	home.Balance, home.Month = day.balance(), all.balance()
	for _, l := range h.money.account(day) {
		switch l.Name {
		case "neighbour_bought", "utility_bought":
			home.Taken = Energy{home.Taken.Wh + l.Energy.Wh, home.Taken.Shown + l.Energy.Shown}
		case "neighbour_sold", "utility_sold":
			home.Given = Energy{home.Given.Wh + l.Energy.Wh, home.Given.Shown + l.Energy.Shown}
		}
	}
	start := home.Settled - interval.Time(h.microgrid.Length)
	for _, r := range rows {
		home.Estimated = home.Estimated || r.start == start && r.estimated
	}
	return h.homePrices(home, start)
}

// homePrices fills in what energy costs.
func (h *household) homePrices(home *Home, start interval.Time) error {
	prices, err := h.prices(view.Period{From: start, Until: home.Settled})
	if err != nil {
		return err
	}
	if p, ok := prices[start]; ok {
		home.Price = &p
	}
	t, err := h.tariff(h.source.now())
	if t != nil {
		home.Utility = &t.Retail
	}
	return err
}
