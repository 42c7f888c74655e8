package report

import (
	"cmp"
	"io"
	"slices"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/market"
	"github.com/commonwatt/commonwatt/view"
)

// trades writes every trade once, as it stands after corrections, by start,
// zone, buyer and seller. Zone, price and amount are the buyer's: what it pays
// per Wh, path included. When the utility buys they are the root zone and the
// feed-in price.
func (r *run) trades(w io.Writer) error {
	header := []string{"start", "zone", "seller", "buyer", "energy_wh", "price", "amount", "class"}
	return table(w, header, func(row func(...string) error) error {
		same := moment[view.Trade]{
			compare: func(a, b view.Trade) int {
				return cmp.Or(
					cmp.Compare(r.names.zone(a.Zone), r.names.zone(b.Zone)),
					cmp.Compare(r.names.account(a.Buyer), r.names.account(b.Buyer)),
					cmp.Compare(r.names.account(a.Seller), r.names.account(b.Seller)),
				)
			},
			yield: func(t view.Trade) error {
				return row(utc(t.Start), r.names.zone(t.Zone), r.names.account(t.Seller), r.names.account(t.Buyer),
					digits(t.Energy), digits(t.Price), digits(t.Amount), className(t.Class))
			},
		}
		if err := r.reader.Trades(r.microgrid, r.settled, func(t view.Trade) error { return same.add(t.Start, t) }); err != nil {
			return err
		}
		return same.end()
	})
}

// intervals writes what happened in each zone in each interval, as it stands
// after corrections. The price is empty where neighbours did not trade at one
// price; bought and sold are with the utility.
func (r *run) intervals(w io.Writer) error {
	header := []string{"start", "zone", "price", "supply_wh", "demand_wh", "traded_wh", "bought_wh", "sold_wh"}
	return table(w, header, func(row func(...string) error) error {
		same := moment[view.ZoneInterval]{
			compare: func(a, b view.ZoneInterval) int { return cmp.Compare(r.names.zone(a.Zone), r.names.zone(b.Zone)) },
			yield: func(z view.ZoneInterval) error {
				var price string
				if z.Priced {
					price = digits(z.Price)
				}
				return row(utc(z.Start), r.names.zone(z.Zone), price,
					digits(z.Supply), digits(z.Demand), digits(z.Traded), digits(z.Bought), digits(z.Sold))
			},
		}
		err := r.reader.ZoneIntervals(r.microgrid.ID, r.settled, func(z view.ZoneInterval) error { return same.add(z.Start, z) })
		if err != nil {
			return err
		}
		return same.end()
	})
}

// moment gathers what has one start and yields it in the order of names, which
// the view does not know. Rows that compare equal stay in the view's order.
type moment[T any] struct {
	start   interval.Time
	rows    []T
	compare func(a, b T) int
	yield   func(T) error
}

// add adds a row; rows come by start.
func (m *moment[T]) add(start interval.Time, row T) error {
	if start != m.start {
		if err := m.end(); err != nil {
			return err
		}
		m.start = start
	}
	m.rows = append(m.rows, row)
	return nil
}

// end yields what was gathered.
func (m *moment[T]) end() error {
	slices.SortStableFunc(m.rows, m.compare)
	for _, row := range m.rows {
		if err := m.yield(row); err != nil {
			return err
		}
	}
	m.rows = m.rows[:0]
	return nil
}

func className(c market.Class) string {
	if c == market.Green {
		return "green"
	}
	return "any"
}
