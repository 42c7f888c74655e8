package pages

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/report"
	"github.com/commonwatt/commonwatt/tx"
	"github.com/commonwatt/commonwatt/view"
)

// matchKey names a year of an account, or of a microgrid as its operator sees it or
// everybody else.
type matchKey struct {
	microgrid grid.MicrogridID
	account   tx.AccountID
	year      int
	operator  bool
}

// matches yields intervals with how well production met use in them, by start.
type matches func(yield func(interval.Time, report.Matching) error) error

// Matching tells how well production met use in a microgrid's year, to anyone. What
// is of too few homes or plants is the operator's.
//
// Errors: *NotFound; those of the view.
func (s *Source) Matching(ctx context.Context, viewer Viewer, id grid.MicrogridID, year int) (y MatchYear, err error) {
	err = s.reader(ctx, func(r *view.Reader) error {
		m, in, err := s.matchYear(r, id, year)
		if err != nil {
			return err
		}
		key := matchKey{microgrid: id, year: year, operator: viewer.Operates(id)}
		return s.memorized(r, key, in, &y, func() (MatchYear, error) {
			each, withheld, err := s.communityMatches(r, viewer, m, in)
			if err != nil {
				return y, err
			}
			y := s.newMatchYear(m, year, in)
			y.Of, y.Name, y.Withheld = "community", s.names(id).Community, withheld
			if !withheld {
				if y.Certified, err = certified(r, id, in); err != nil {
					return y, err
				}
			}
			return y, y.fill(s.names(id).TimeZone, each)
		})
	})
	return y, err
}

// MatchingOf tells it of an account's year.
//
// Errors: *NotFound; those of the view.
func (s *Source) MatchingOf(ctx context.Context, account tx.AccountID, year int) (y MatchYear, err error) {
	err = s.reader(ctx, func(r *view.Reader) error {
		h, err := s.holder(r, account)
		if err != nil {
			return err
		}
		m, in, err := s.matchYear(r, h.microgrid.ID, year)
		if err != nil {
			return err
		}
		fill := func() (MatchYear, error) {
			y := s.newMatchYear(m, year, in)
			y.Of, y.Account, y.Name = h.kind(), account, h.names.Accounts[account]
			return y, y.fill(h.names.TimeZone, h.matches(in))
		}
		if h.home == nil { // What a buyer has changes without a settlement.
			y, err = fill()
			return err
		}
		return s.memorized(r, matchKey{microgrid: m.ID, account: account, year: year}, in, &y, fill)
	})
	return y, err
}

// MatchingCSV writes the hours of a year of an account, or, when it is 0, of a
// microgrid.
//
// Errors: *NotFound; those of the view and of the writer.
func (s *Source) MatchingCSV(ctx context.Context, w io.Writer, viewer Viewer, id grid.MicrogridID, account tx.AccountID, year int) error {
	return s.reader(ctx, func(r *view.Reader) error {
		if account == 0 {
			m, in, err := s.matchYear(r, id, year)
			if err != nil {
				return err
			}
			each, _, err := s.communityMatches(r, viewer, m, in)
			if err != nil {
				return err
			}
			return report.MatchingCSV(w, each)
		}
		h, err := s.holder(r, account)
		if err != nil {
			return err
		}
		_, in, err := s.matchYear(r, h.microgrid.ID, year)
		if err != nil {
			return err
		}
		return report.MatchingCSV(w, h.matches(in))
	})
}

// matchYear is a microgrid and one of its years.
func (s *Source) matchYear(r *view.Reader, id grid.MicrogridID, year int) (m view.Microgrid, in view.Period, err error) {
	if m, err = microgrid(r, id); err != nil {
		return m, in, err
	}
	if year < 1970 || year > 9999 {
		return m, in, &NotFound{fmt.Sprintf("year %d", year), "write it as in 2026"}
	}
	zone := s.names(id).TimeZone
	first := func(year int) interval.Time {
		return interval.Time(time.Date(year, time.January, 1, 0, 0, 0, 0, zone).Unix())
	}
	return m, view.Period{From: first(year), Until: first(year + 1)}, nil
}

// memorized computes a year, unless nothing of it was settled since it was last.
func (s *Source) memorized(r *view.Reader, key matchKey, in view.Period, into *MatchYear, make func() (MatchYear, error)) error {
	stamp, err := r.Stamp(key.microgrid, in)
	if err != nil {
		return err
	}
	*into, err = s.matches.get(key, stamp, make)
	return err
}

func (s *Source) newMatchYear(m view.Microgrid, year int, in view.Period) MatchYear {
	names := s.names(m.ID)
	days := time.Date(year, time.December, 31, 12, 0, 0, 0, time.UTC).YearDay()
	return MatchYear{
		Microgrid: m.ID, Year: year, TimeZone: names.TimeZone.String(), Start: in.From, End: in.Until, Length: int64(m.Length),
		Used: unknown(days * 24), Matched: unknown(days * 24), Claimed: unknown(days * 24), Months: []MatchMonth{},
	}
}

// certified is what was certified in a year; nil where nothing was.
func certified(r *view.Reader, id grid.MicrogridID, in view.Period) (*Certified, error) {
	l, err := r.Certified(id, in)
	if err != nil || l.Count == 0 {
		return nil, err
	}
	return &Certified{
		l.Count, energy(l.Issued), energy(l.Claimed), energy(l.Cancelled), energy(l.Expired), energy(l.Withdrawn),
		energy(l.Stored), energy(l.Discharged), energy(l.Held()),
	}, nil
}

// fill adds intervals to their hours and months.
func (y *MatchYear) fill(zone *time.Location, each matches) error {
	var total report.Matching
	months := map[string]*report.Matching{}
	err := each(func(start interval.Time, m report.Matching) error {
		local := time.Unix(int64(start), 0).In(zone)
		cell := (local.YearDay()-1)*24 + local.Hour()
		for _, c := range []struct {
			column []int64
			wh     int64
		}{{y.Used, max(int64(m.Used), 0)}, {y.Matched, int64(m.Matched)}, {y.Claimed, int64(m.Claimed)}} {
			c.column[cell] = max(c.column[cell], 0) + c.wh
		}
		month := local.Format("2006-01")
		if months[month] == nil {
			months[month] = &report.Matching{}
		}
		months[month].Add(m)
		total.Add(m)
		return nil
	})
	for _, month := range slices.Sorted(maps.Keys(months)) {
		y.Months = append(y.Months, MatchMonth{month, matched(*months[month])})
	}
	y.Total = matched(total)
	return err
}

// fewPlants is how many homes with plants there have to be, so that what is produced
// in all says of none what it produced.
const fewPlants = 3

// communityMatches are the intervals of a microgrid that a viewer may be told of, and
// whether there are others.
func (s *Source) communityMatches(r *view.Reader, viewer Viewer, m view.Microgrid, in view.Period) (matches, bool, error) {
	hidden := map[interval.Time]bool{}
	all := false
	if !viewer.Operates(m.ID) {
		totals, err := r.Intervals(m.ID, in)
		if err != nil {
			return nil, false, err
		}
		for _, t := range totals {
			if t.Withheld {
				hidden[t.Start] = true
			}
		}
		devices, err := r.Devices(m.ID)
		if err != nil {
			return nil, false, err
		}
		plants := map[grid.PointID]bool{}
		for _, d := range devices {
			if d.Kind.Renewable() || d.Kind == grid.Generator || d.Kind == grid.Battery {
				plants[d.Point] = true
			}
		}
		all = len(plants) > 0 && len(plants) < fewPlants
	}
	carbon := s.names(m.ID).Carbon
	return func(yield func(interval.Time, report.Matching) error) error {
		if all {
			return nil
		}
		return r.Matches(m.ID, in, func(m view.Matched) error {
			if hidden[m.Start] {
				return nil
			}
			return yield(m.Start, report.Match(m, carbon))
		})
	}, all || len(hidden) > 0, nil
}

// dayMatching fills in how well production met use on a day.
func (s *Source) dayMatching(r *view.Reader, viewer Viewer, m view.Microgrid, in view.Period, c *Community) error {
	each, _, err := s.communityMatches(r, viewer, m, in)
	if err != nil || c.Withheld {
		return err
	}
	var sum report.Matching
	any := false
	err = each(func(_ interval.Time, m report.Matching) error {
		any = true
		sum.Add(m)
		return nil
	})
	if any {
		shown := matched(sum)
		c.Matching = &shown
	}
	return err
}
