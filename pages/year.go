package pages

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/view"
)

// Year is a microgrid's year in aggregates, interval by interval. It is long, so it
// comes in columns: a place for every interval of the year, -1 where nothing is
// settled.
type Year struct {
	Microgrid grid.MicrogridID `json:"microgrid,string"`
	Name      string           `json:"name"`
	Year      int              `json:"year"`
	TimeZone  string           `json:"time_zone"`
	Start     interval.Time    `json:"start"`
	End       interval.Time    `json:"end"`
	Length    int64            `json:"length" doc:"of an interval, in seconds"`
	Settled   int              `json:"settled" doc:"intervals"`
	Withheld  bool             `json:"withheld" doc:"some are of fewer than three homes, and told to the operator only"`

	Demand []int64 `json:"demand" doc:"Wh that members took"`
	Supply []int64 `json:"supply" doc:"Wh that members gave"`
	Traded []int64 `json:"traded" doc:"Wh that went from neighbour to neighbour"`

	Months []MonthSum `json:"months" doc:"those that have settled intervals"`
}

// MonthSum is a month of a year.
type MonthSum struct {
	Month  string `json:"month" example:"2026-06"`
	Demand Energy `json:"demand"`
	Supply Energy `json:"supply"`
	Traded Energy `json:"traded"`
	Local  int64  `json:"local" doc:"tenths of a per cent of what was taken that neighbours gave"`
}

// yearKey names a year of a microgrid as its operator sees it, or everybody else.
type yearKey struct {
	microgrid grid.MicrogridID
	year      int
	operator  bool
}

// Year tells a microgrid's year, to anyone. What is of too few homes is the
// operator's.
//
// Errors: *NotFound; those of the view.
func (s *Source) Year(ctx context.Context, viewer Viewer, id grid.MicrogridID, year int) (y Year, err error) {
	err = s.reader(ctx, func(r *view.Reader) error {
		m, err := microgrid(r, id)
		if err != nil {
			return err
		}
		if year < 1970 || year > 9999 {
			return &NotFound{fmt.Sprintf("year %d", year), "write it as in 2026"}
		}
		zone := s.names(id).TimeZone
		first := func(year int) interval.Time {
			return interval.Time(time.Date(year, time.January, 1, 0, 0, 0, 0, zone).Unix())
		}
		in := view.Period{From: first(year), Until: first(year + 1)}
		stamp, err := r.Stamp(id, in)
		if err != nil {
			return err
		}
		key := yearKey{id, year, viewer.Operates(id)}
		y, err = s.years.get(key, stamp, func() (Year, error) { return s.readYear(r, m, key, in) })
		return err
	})
	return y, err
}

func (s *Source) readYear(r *view.Reader, m view.Microgrid, key yearKey, in view.Period) (Year, error) {
	names := s.names(m.ID)
	n := int((in.Until - in.From) / interval.Time(m.Length))
	y := Year{
		Microgrid: m.ID, Name: names.Community, Year: key.year, TimeZone: names.TimeZone.String(), Start: in.From, End: in.Until, Length: int64(m.Length),
		Demand: unknown(n), Supply: unknown(n), Traded: unknown(n), Months: []MonthSum{},
	}
	totals, err := r.Intervals(m.ID, in)
	if err != nil {
		return y, err
	}
	if y.Withheld = !key.operator && slices.ContainsFunc(totals, withheld); y.Withheld {
		totals = slices.DeleteFunc(totals, withheld)
	}
	var demand, supply, traded quantity.Energy // Of the month at hand.
	for i, t := range totals {
		at := (t.Start - in.From) / interval.Time(m.Length)
		y.Demand[at], y.Supply[at], y.Traded[at] = int64(t.Demand), int64(t.Supply), int64(t.Traded)
		demand, supply, traded = quantity.MustAdd(demand, t.Demand), quantity.MustAdd(supply, t.Supply), quantity.MustAdd(traded, t.Traded)
		month := monthOf(t.Start, names.TimeZone)
		if i+1 < len(totals) && monthOf(totals[i+1].Start, names.TimeZone) == month {
			continue
		}
		met := shares([]int64{int64(traded), int64(quantity.MustSub(demand, traded))})
		y.Months = append(y.Months, MonthSum{month, energy(demand), energy(supply), energy(traded), met[0]})
		demand, supply, traded = 0, 0, 0
	}
	y.Settled = len(totals)
	return y, nil
}

// unknown is a column of which nothing is known.
func unknown(n int) []int64 {
	column := make([]int64, n)
	for i := range column {
		column[i] = -1
	}
	return column
}

// monthOf is the civil month of a moment.
func monthOf(t interval.Time, zone *time.Location) string {
	return time.Unix(int64(t), 0).In(zone).Format("2006-01")
}
