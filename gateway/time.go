package gateway

import (
	"time"

	"github.com/commonwatt/commonwatt/interval"
)

// parseTime reads an RFC 3339 §5.6 date-time with whole seconds and an offset.
// It returns why the text is none, or "". Written by hand because a year of a
// small community is 300,000 of them.
func parseTime(text []byte) (at interval.Time, reason string) {
	const shape = "is not a time as in RFC 3339, such as 2026-06-20T18:30:00+02:00 or 2026-06-20T16:30:00Z"
	const clock = len("2026-06-20T18:30:00")
	if len(text) < clock || text[4] != '-' || text[7] != '-' || text[13] != ':' || text[16] != ':' ||
		(text[10] != 'T' && text[10] != 't' && text[10] != ' ') {
		return 0, shape
	}
	var bad bool
	pair := func(i int) int {
		tens, ones := text[i]-'0', text[i+1]-'0'
		bad = bad || tens > 9 || ones > 9
		return int(tens)*10 + int(ones)
	}
	year, month, day := pair(0)*100+pair(2), pair(5), pair(8)
	hour, minute, second := pair(11), pair(14), pair(17)
	zone := text[clock:]
	var offset int
	switch {
	case len(zone) == 0:
		return 0, "has no offset; write it as in 2026-06-20T18:30:00+02:00, or Z for UTC"
	case zone[0] == '.':
		return 0, "has a fraction of a second; intervals start at whole seconds"
	case len(zone) == 1 && (zone[0] == 'Z' || zone[0] == 'z'):
	case len(zone) == 6 && (zone[0] == '+' || zone[0] == '-') && zone[3] == ':':
		offsetHours, offsetMinutes := pair(clock+1), pair(clock+4)
		bad = bad || offsetHours > 23 || offsetMinutes > 59
		offset = offsetHours*3600 + offsetMinutes*60
		if zone[0] == '-' {
			offset = -offset
		}
	default:
		return 0, shape
	}
	switch {
	case bad:
		return 0, shape
	case year < 1970:
		return 0, "is before 1970"
	case month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59:
		return 0, "is no moment of the calendar"
	}
	seconds := ((daysSince1970(year, month, day)*24+hour)*60+minute)*60 + second - offset
	return interval.Time(seconds), ""
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// daysSince1970 counts days in the Gregorian calendar. The year starts in March,
// so that the leap day is its last.
func daysSince1970(year, month, day int) int {
	if month <= 2 {
		year, month = year-1, month+12
	}
	const march1970 = 719_468 // Days from 0000-03-01 to 1970-01-01.
	return year*365 + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 1 - march1970
}

// rfc3339 writes a moment in UTC for a message.
func rfc3339(t interval.Time) string { return time.Unix(int64(t), 0).UTC().Format(time.RFC3339) }
