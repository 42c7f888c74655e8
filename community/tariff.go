package community

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tariff"
)

// retail is what the supplier sells at: by the minute of the local week, or by
// the rows of a file.
type retail struct {
	week []quantity.Price // From Monday 00:00; nil when there are rows.
	rows *rows
}

// minutesPerDay and minutesPerWeek are those of the wall clock.
const (
	minutesPerDay  = 24 * 60
	minutesPerWeek = 7 * minutesPerDay
)

// weekdays from Monday, as minutes count.
var weekdays = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

// TariffSteps returns the prices of [from, to) as steps: the first at the start
// of the interval that from falls into, then one wherever a price changes. An
// interval has the price of the local time at which it starts, so that local days
// of 23 and 25 hours need no rule of their own.
//
// Errors: *Refused when a tariff file does not cover [from, to).
func (c *Community) TariffSteps(from, to interval.Time) ([]tariff.Step, error) {
	first := c.Length.Containing(from).Start
	if rows := c.retail.rows; rows != nil {
		if err := rows.cover(first, to); err != nil {
			return nil, err
		}
	}
	var steps []tariff.Step
	for at := first; at < to; at += interval.Time(c.Length) {
		prices := tariff.Prices{Retail: c.retailAt(at), FeedIn: c.feedIn, Levy: c.levy}
		if n := len(steps); n == 0 || steps[n-1].Prices != prices {
			steps = append(steps, tariff.Step{From: at, Prices: prices})
		}
	}
	return steps, nil
}

// PricedUntil is up to when there are prices, as far as end.
func (c *Community) PricedUntil(end interval.Time) interval.Time {
	if rows := c.retail.rows; rows != nil {
		return min(end, rows.end())
	}
	return end
}

// retailAt is the price of the interval that starts at a moment that is covered.
func (c *Community) retailAt(at interval.Time) quantity.Price {
	if rows := c.retail.rows; rows != nil {
		return rows.prices[(at-rows.first)/rows.spacing]
	}
	local := time.Unix(int64(at), 0).In(c.TimeZone)
	day := (int(local.Weekday()) + 6) % 7 // Monday is 0.
	return c.retail.week[day*minutesPerDay+local.Hour()*60+local.Minute()]
}

// tariff reads the supplier's prices and the levy.
func (b *builder) tariff(t *fileTariff) error {
	const at = "tariff."
	if t.FeedIn == nil {
		return b.refuse(at+"feed_in", "is missing; it is what the supplier pays per kWh, and may be 0")
	}
	feedIn, err := b.price(at+"feed_in", t.FeedIn, tariff.MaxPrice)
	if err != nil {
		return err
	}
	b.c.feedIn = *feedIn
	if b.c.levy, err = b.notBelowZero(at+"levy", t.Levy, tariff.MaxPrice); err != nil {
		return err
	}
	if t.File == "" {
		return b.week(t)
	}
	if t.Retail != nil || len(t.Periods) > 0 {
		return b.refuse(at+"file", "comes with retail or periods; a file says the retail price of every hour, so leave them out")
	}
	b.c.tariff = t.File
	b.c.retail.rows, err = b.tariffFile(beside(b.path, t.File))
	return err
}

// free marks a minute without a price.
const free = -1

// week fills the minutes of the week from the periods, the rest from retail.
func (b *builder) week(t *fileTariff) error {
	owner := slices.Repeat([]int{free}, minutesPerWeek)
	prices := make([]quantity.Price, len(t.Periods))
	for i := range t.Periods {
		p, at := &t.Periods[i], fmt.Sprintf("tariff.period[%d]", i)
		price, err := b.retailPrice(at+".retail", p.Retail)
		if err != nil {
			return err
		}
		prices[i] = price
		if err := b.occupy(at, p, i, owner); err != nil {
			return err
		}
	}
	minute := slices.Index(owner, free)
	var otherwise quantity.Price
	switch {
	case t.Retail != nil:
		price, err := b.retailPrice("tariff.retail", t.Retail)
		if err != nil {
			return err
		}
		otherwise = price
	case len(t.Periods) == 0:
		return b.refuse("tariff.retail", "is missing; write the supplier's price per kWh, or file, or periods")
	case minute != free:
		return b.refuse("tariff.retail", "is missing and no period covers %s; add retail, the price outside the periods", clock(minute))
	}
	b.c.retail.week = make([]quantity.Price, minutesPerWeek)
	for minute, i := range owner {
		b.c.retail.week[minute] = otherwise
		if i != free {
			b.c.retail.week[minute] = prices[i]
		}
	}
	return nil
}

// retailPrice reads a retail price, which is at least the feed-in price.
func (b *builder) retailPrice(field string, d *decimal) (quantity.Price, error) {
	price, err := b.price(field, d, tariff.MaxPrice)
	switch {
	case err != nil:
		return 0, err
	case price == nil:
		return 0, b.refuse(field, "is missing")
	case *price < b.c.feedIn:
		return 0, b.refuse(field, "%s is below feed_in; a supplier that buys dearer than it sells could be milked without end", d.text)
	}
	return *price, nil
}

// occupy enters a period into the week. A period that ends at or before its from
// ends on the next day.
func (b *builder) occupy(at string, p *filePeriod, i int, owner []int) error {
	from, err := b.clock(at+".from", p.From)
	if err != nil {
		return err
	}
	to, err := b.clock(at+".to", p.To)
	if err != nil {
		return err
	}
	if from == to || from == minutesPerDay {
		return b.refuse(at+".from", "%s to %s is no time; a whole day is 00:00 to 24:00", p.From, p.To)
	}
	if to < from {
		to += minutesPerDay
	}
	days := p.Days
	if len(days) == 0 {
		days = weekdays
	}
	for _, day := range days {
		d, err := b.choice(at+".days", day, weekdays)
		if err != nil {
			return err
		}
		for minute := from; minute < to; minute++ {
			m := (d*minutesPerDay + minute) % minutesPerWeek
			if owner[m] != free {
				return b.refuse(at, "covers %s, which tariff.period[%d] covers already", clock(m), owner[m])
			}
			owner[m] = i
		}
	}
	return nil
}

// clock reads HH:MM as minutes of the day, 24:00 included.
func (b *builder) clock(field, text string) (int, error) {
	if text == "24:00" {
		return minutesPerDay, nil
	}
	t, err := time.Parse("15:04", text)
	if err != nil || len(text) != len("15:04") {
		return 0, b.refuse(field, "%.80q is no time of day; write it as in 06:30, up to 24:00", text)
	}
	minutes := t.Hour()*60 + t.Minute()
	if length := int(b.c.Length / 60); minutes%length != 0 {
		return 0, b.refuse(field, "%s falls into an interval of %d minutes; a price changes between two", text, length)
	}
	return minutes, nil
}

// clock names a minute of the week: Mon 06:30.
func clock(minute int) string {
	day := weekdays[minute/minutesPerDay]
	return fmt.Sprintf("%s%s %02d:%02d", strings.ToUpper(day[:1]), day[1:], minute%minutesPerDay/60, minute%60)
}
