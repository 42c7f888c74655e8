package pages

import (
	"fmt"
	"time"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/view"
)

// now is the moment of the community's clock.
func (s *Source) now() interval.Time { return interval.Time(s.Now().Unix()) }

// day is a civil day in a microgrid's time zone. Its length is what the zone makes
// of it: 23, 24 or 25 hours.
func (s *Source) day(m view.Microgrid, date string, height int64) (Day, view.Period, error) {
	zone := s.names(m.ID).TimeZone
	midnight, err := time.ParseInLocation(time.DateOnly, date, zone)
	if err != nil {
		return Day{}, view.Period{}, &NotFound{fmt.Sprintf("day %q", date), "write it as in 2026-06-20"}
	}
	p := view.Period{From: interval.Time(midnight.Unix()), Until: interval.Time(midnight.AddDate(0, 0, 1).Unix())}
	return Day{
		Date: date, TimeZone: zone.String(), Start: p.From, End: p.Until, Length: int64(m.Length), Now: s.now(), Height: height,
	}, p, nil
}

// month is a civil month in a microgrid's time zone.
func (s *Source) month(m view.Microgrid, month string) (view.Period, error) {
	first, err := time.ParseInLocation("2006-01", month, s.names(m.ID).TimeZone)
	if err != nil {
		return view.Period{}, &NotFound{fmt.Sprintf("month %q", month), "write it as in 2026-06"}
	}
	return view.Period{From: interval.Time(first.Unix()), Until: interval.Time(first.AddDate(0, 1, 0).Unix())}, nil
}

// date is the civil day of a moment.
func date(t interval.Time, zone *time.Location) string {
	return time.Unix(int64(t), 0).In(zone).Format(time.DateOnly)
}
