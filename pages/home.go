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
		day := date(settled.Until-1, h.names.TimeZone)
		t, err := h.today(day)
		if err != nil {
			return err
		}
		m, err := h.month(day[:len("2006-01")])
		if err != nil {
			return err
		}
		home.Settled, home.Day, home.Balance, home.Month = settled.Until, t.Day, t.Balance, m.Balance
		home.figures(&t)
		return nil
	})
	return home, err
}

// figures takes those of the day's page.
func (home *Home) figures(t *Today) {
	for _, l := range t.Lines {
		switch l.Name {
		case "neighbour_bought", "utility_bought":
			home.Taken = Energy{home.Taken.Wh + l.Energy.Wh, home.Taken.Shown + l.Energy.Shown}
		case "neighbour_sold", "utility_sold":
			home.Given = Energy{home.Given.Wh + l.Energy.Wh, home.Given.Shown + l.Energy.Shown}
		}
	}
	for _, s := range t.Intervals {
		if s.Start+interval.Time(t.Length) == home.Settled {
			home.Price, home.Estimated = s.Price, s.Estimated
		}
	}
	if t.Tariff != nil {
		home.Utility = &t.Tariff.Retail
	}
}
