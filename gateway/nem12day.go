package gateway

import (
	"fmt"
	"strconv"

	"github.com/commonwatt/commonwatt/interval"
)

// day is the 300 record at hand, with the qualities of the 400 records after it.
type day struct {
	line    int
	start   interval.Time
	values  []micro
	empty   []bool // Whether the field of a value is empty.
	quality []byte // Of each value.
	of      byte   // Of the day: Variable when 400 records say it.
	covered int    // How many values 400 records have spoken of.
}

// startDay reads a 300 record (AEMO NEM12 §4.4): date, one value per interval,
// quality and method, and when it was written.
func (n *nem12) startDay() error {
	c := &n.channel
	if c.line == 0 {
		return n.refuse("RecordIndicator", n.fields[0], "comes before any 200 record", resend)
	}
	values := 24 * 60 / c.minutes
	const around = 7 // Indicator and date; quality, reason code and text, two times.
	if got := len(n.fields); got < values+3 || got > values+around {
		return n.refuse("", nil, fmt.Sprintf("has %d fields, for %d values; a day of %d minutes, as the 200 record of line %d says, has %d values",
			got, max(0, got-around), c.minutes, c.line, values), resend)
	}
	start, ok := marketDay(n.fields[1])
	if !ok {
		return n.refuse("IntervalDate", n.fields[1], "is no date as in 20260620", resend)
	}
	quality, ok := nem12Quality(n.fields[values+2], true)
	if !ok {
		return n.refuse("QualityMethod", n.fields[values+2], noNEM12Quality, resend)
	}
	c.days++
	d := &n.day
	d.line, d.start, d.of, d.covered = n.line, start, quality, 0
	d.values, d.empty, d.quality = d.values[:0], d.empty[:0], d.quality[:0]
	for i, text := range n.fields[2 : values+2] {
		var value micro
		if c.flow != nil && len(text) > 0 {
			var reason string
			if value, reason = parseSigned(text, c.unit); reason != "" {
				return n.refuse("IntervalValue"+strconv.Itoa(i+1), text, reason, resend)
			}
		}
		d.values = append(d.values, value)
		d.empty = append(d.empty, len(text) == 0)
		d.quality = append(d.quality, quality)
	}
	return nil
}

// event reads a 400 record (AEMO NEM12 §4.5): the quality of the values from one
// interval to another, counted from 1.
func (n *nem12) event() error {
	d := &n.day
	if d.line == 0 || d.of != Variable {
		return n.refuse("RecordIndicator", n.fields[0], "does not follow a 300 record of quality V, to which it belongs", resend)
	}
	if len(n.fields) < 4 {
		return n.refuse("", nil, fmt.Sprintf("has %d fields; a 400 record has 6", len(n.fields)), resend)
	}
	from, err := strconv.Atoi(string(n.fields[1]))
	if err != nil || from != d.covered+1 {
		return n.refuse("StartInterval", n.fields[1], fmt.Sprintf("is not %d, the first interval that has no quality yet", d.covered+1), resend)
	}
	until, err := strconv.Atoi(string(n.fields[2]))
	if err != nil || until < from || until > len(d.values) {
		return n.refuse("EndInterval", n.fields[2], fmt.Sprintf("is not between %d and %d, the last interval of the day", from, len(d.values)), resend)
	}
	quality, ok := nem12Quality(n.fields[3], false)
	if !ok {
		return n.refuse("QualityMethod", n.fields[3], noNEM12Quality, resend)
	}
	for i := from - 1; i < until; i++ {
		d.quality[i] = quality
	}
	d.covered = until
	return nil
}

// endDay adds the rows of the day at hand, if there is one.
func (n *nem12) endDay() error {
	d, c := &n.day, &n.channel
	line := d.line
	if line == 0 {
		return nil
	}
	d.line = 0
	if d.of == Variable && d.covered < len(d.values) {
		return n.refuseAt(line, "QualityMethod", []byte{Variable}, fmt.Sprintf("needs 400 records for all %d intervals, and those after it end at %d", len(d.values), d.covered), resend)
	}
	if c.flow == nil {
		return nil
	}
	at, sum := n.lines, rounder{}
	at.line = line
	length := interval.Length(c.minutes) * 60 //nolint:gosec // 5, 15 or 30
	for i, value := range d.values {
		if d.empty[i] && d.quality[i] != Null {
			return at.refuse("IntervalValue"+strconv.Itoa(i+1), nil, "is missing, and its quality is not N, which says that there is no value", resend)
		}
		r := Reading{Meter: c.meter, Start: d.start + interval.Time(i)*interval.Time(length), Length: length, Quality: d.quality[i]}
		switch {
		case r.Quality == Null:
		case c.flow.export:
			r.Export = sum.whole(value)
		default:
			r.Import = sum.whole(value)
		}
		if err := n.g.add(&at, r, c.flow); err != nil {
			return err
		}
	}
	return nil
}

// marketDay is the first moment of a date in AEMO's time.
func marketDay(text []byte) (interval.Time, bool) {
	if len(text) != 8 {
		return 0, false
	}
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	number := func(part []byte) int {
		n := 0
		for _, c := range part {
			n = n*10 + int(c-'0')
		}
		return n
	}
	year, month, date := number(text[:4]), number(text[4:6]), number(text[6:])
	if year <= 1970 || month < 1 || month > 12 || date < 1 || date > daysIn(year, month) {
		return 0, false
	}
	return interval.Time(daysSince1970(year, month, date)*24*3600 - marketOffset), true
}

const noNEM12Quality = "is no quality: a letter A, E, F, N, S or V, and two digits of a method after E, F and S"

// nem12Quality is the letter of a quality and method as in A or S14 (AEMO NEM12 appendix C).
func nem12Quality(text []byte, variable bool) (quality byte, ok bool) {
	if len(text) != 1 && len(text) != 3 {
		return 0, false
	}
	for _, c := range text[1:] {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	switch text[0] {
	case Actual, Estimated, FinalSubstituted, Null, Substituted:
		return text[0], true
	case Variable:
		return Variable, variable
	}
	return 0, false
}
