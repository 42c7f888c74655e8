package pages

import (
	"fmt"
	"strings"
	"time"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
)

// localTime is how a moment is written by the community's clock: with its offset,
// since an hour may come twice.
const localTime = "2006-01-02T15:04Z07:00"

// local writes a moment so.
func local(t interval.Time, zone *time.Location) string {
	return time.Unix(int64(t), 0).In(zone).Format(localTime)
}

// At reads a moment that somebody wrote: by the community's clock, as in
// 2026-06-20T13:00, or with an offset, as in 2026-10-25T02:15+01:00 or
// 2026-10-25T01:15:00Z, which tells the two hours of a day that has one twice apart.
//
// Errors: *NotFound.
func (s *Source) At(id grid.MicrogridID, text string) (interval.Time, error) {
	zone := s.names(id).TimeZone
	plain := strings.Replace(strings.TrimSpace(text), " ", "T", 1)
	for _, layout := range []string{time.RFC3339, localTime} {
		if at, err := time.Parse(layout, plain); err == nil {
			return interval.Time(at.Unix()), nil
		}
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if _, err := time.Parse(layout, plain); err == nil {
			return wallTime(layout, plain, zone)
		}
	}
	return 0, &NotFound{fmt.Sprintf("time %q", text), "write it by the community's clock, as in 2026-06-20T13:00, or with its offset, as in 2026-06-20T13:00+02:00"}
}

// wallTime is the moment at which the clocks of a zone show a time: none or two where
// they are set forward or back.
//
// Errors: *NotFound.
func wallTime(layout, text string, zone *time.Location) (interval.Time, error) {
	at, err := time.ParseInLocation(layout, text, zone)
	if err != nil || at.Format(layout) != text {
		return 0, &NotFound{"time " + text + " in " + zone.String(), "the clocks go forward over it: write a time before or after"}
	}
	for _, other := range []time.Time{at.Add(-time.Hour), at.Add(time.Hour)} {
		if other.In(zone).Format(layout) == text {
			first, second := at, other
			if second.Before(first) {
				first, second = second, first
			}
			return 0, &NotFound{
				"single time " + text + " in " + zone.String() + ", where the clocks go back over it",
				"write " + first.In(zone).Format(localTime) + " for the first one, " + second.In(zone).Format(localTime) + " for the second",
			}
		}
	}
	return interval.Time(at.Unix()), nil
}
