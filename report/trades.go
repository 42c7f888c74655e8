package report

import (
	"io"

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
		return r.reader.Trades(r.microgrid, r.settled, func(t view.Trade) error {
			return row(utc(t.Start), r.names.zone(t.Zone), r.names.account(t.Seller), r.names.account(t.Buyer),
				digits(t.Energy), digits(t.Price), digits(t.Amount), className(t.Class))
		})
	})
}

func className(c market.Class) string {
	if c == market.Green {
		return "green"
	}
	return "any"
}

// intervals writes what happened in each zone in each interval, as it stands
// after corrections. The price is empty where no neighbours traded; bought and
// sold are with the utility.
func (r *run) intervals(w io.Writer) error {
	header := []string{"start", "zone", "price", "supply_wh", "demand_wh", "traded_wh", "bought_wh", "sold_wh"}
	return table(w, header, func(row func(...string) error) error {
		return r.reader.ZoneIntervals(r.microgrid.ID, r.settled, func(z view.ZoneInterval) error {
			var price string
			if z.Priced {
				price = digits(z.Price)
			}
			return row(utc(z.Start), r.names.zone(z.Zone), price,
				digits(z.Supply), digits(z.Demand), digits(z.Traded), digits(z.Bought), digits(z.Sold))
		})
	})
}
