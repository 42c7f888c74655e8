package registry

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
)

// timeMax is the last second of the year 9999, which is as far as RFC 3339 goes.
const timeMax = 253402300799

// rfc3339 writes a moment in UTC.
func rfc3339(t interval.Time) string { return at(t).Format(time.RFC3339) }

func at(t interval.Time) time.Time { return time.Unix(int64(t), 0).UTC() }

// day writes a day; "" for none.
func day(t interval.Time, layout string) string {
	if t == 0 {
		return ""
	}
	return at(t).Format(layout)
}

// readTime reads a moment as RFC 3339 or, as EnergyTag's registries write it, without an
// offset, which is UTC.
func readTime(field, text string) (interval.Time, *flaw) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t, err = time.Parse("2006-01-02T15:04:05", text)
	}
	switch {
	case err != nil:
		return 0, &flaw{field, text, "is no moment as in 2026-06-20T16:00:00Z (RFC 3339)", ""}
	case t.Nanosecond() != 0:
		return 0, &flaw{field, text, "has parts of a second", ""}
	case t.Unix() < 0 || t.Unix() > timeMax:
		return 0, &flaw{field, text, "is not between 1970 and 9999", ""}
	}
	return interval.Time(t.Unix()), nil
}

// readDay reads a day in a layout; "" is none.
func readDay(field, text, layout, example string) (interval.Time, *flaw) {
	if text == "" {
		return 0, nil
	}
	t, err := time.Parse(layout, text)
	if err != nil || t.Unix() <= 0 || t.Format(layout) != text {
		return 0, &flaw{field, text, "is no day as in " + example, ""}
	}
	return interval.Time(t.Unix()), nil
}

// decimal writes a number of Wh in a larger unit, with as many decimals as that has.
func decimal(e quantity.Energy, decimals int) string {
	unit := quantity.Energy(1)
	for range decimals {
		unit *= 10
	}
	return fmt.Sprintf("%d.%0*d", e/unit, decimals, e%unit)
}

// readDecimal reads a number of a larger unit as Wh: no sign, no exponent, and no more
// decimals than there are Wh.
func readDecimal(field, text string, decimals int) (quantity.Energy, *flaw) {
	whole, part, _ := strings.Cut(text, ".")
	digits := whole + part + strings.Repeat("0", max(decimals-len(part), 0))
	switch {
	case whole == "" || strings.Trim(whole+part, "0123456789") != "" || strings.HasSuffix(text, "."):
		return 0, &flaw{field, text, "is no number", ""}
	case len(part) > decimals:
		return 0, &flaw{field, text, fmt.Sprintf("has more than %d decimals: it is no whole number of Wh", decimals), ""}
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || n > whMax {
		return 0, &flaw{field, text, fmt.Sprintf("is more than %d Wh", uint64(whMax)), ""}
	}
	return quantity.Energy(n), nil
}

// readNumber reads a whole number.
func readNumber(field, text string) (uint64, *flaw) {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n > whMax || strconv.FormatUint(n, 10) != text {
		return 0, &flaw{field, text, "is no whole number", ""}
	}
	return n, nil
}
