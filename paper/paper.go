// Package paper writes what is given away: the page of a proof, the statement of
// certificates, and what the bill is made of, too: figures in words of two languages,
// the style sheet, PDFs, QR codes.
//
// Its promise: it computes no figure of its own and rounds none; its pages need no
// JavaScript, print on white, and say the same in HTML and PDF; the same figures give
// the same bytes.
package paper

import (
	_ "embed" // The style sheet.
	"strconv"
	"strings"
	"time"

	"github.com/commonwatt/commonwatt/pages"
)

// Style is the style sheet of pages on paper, served at StylePath.
//
//go:embed style.css
var Style []byte

// StylePath is where pages expect Style.
const StylePath = "/paper.css"

// Speech is how a language writes figures.
type Speech struct {
	Lang         string
	point, group string
	before       bool // The currency's sign stands before the amount.
	date         string
	months       [12]string
}

// Languages.
var (
	English = &Speech{
		Lang: "en", point: ".", group: ",", before: true, date: "2 January 2006 15:04",
		months: [12]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
	}
	German = &Speech{
		Lang: "de", point: ",", group: ".", date: "02.01.2006 15:04",
		months: [12]string{"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"},
	}
)

// Decimal is an integer of 10^-places as people write it, with a real minus.
func (s *Speech) Decimal(shown int64, places int) string {
	sign := ""
	if shown < 0 {
		sign, shown = "−", -shown
	}
	digits := strconv.FormatInt(shown, 10)
	if len(digits) <= places {
		digits = strings.Repeat("0", places+1-len(digits)) + digits
	}
	whole, rest := digits[:len(digits)-places], digits[len(digits)-places:]
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + s.group + whole[i:]
	}
	if places == 0 {
		return sign + whole
	}
	return sign + whole + s.point + rest
}

// KWh is an energy.
func (s *Speech) KWh(e pages.Energy) string { return s.Decimal(e.Shown, 2) + " kWh" }

// Exact is an energy to the Wh.
func (s *Speech) Exact(wh int64) string { return s.Decimal(wh, 3) + " kWh" }

var signs = map[string]string{"EUR": "€", "USD": "$", "GBP": "£", "CHF": "CHF "}

// Money is an amount; what it gains has a plus when signed.
func (s *Speech) Money(m pages.Money, code string) string {
	sign, shown := "", m.Shown
	switch {
	case shown < 0:
		sign, shown = "−", -shown
	case shown > 0:
		sign = "+"
	}
	symbol, known := signs[code]
	if !known {
		symbol = code + " "
	}
	if s.before {
		return sign + symbol + s.Decimal(shown, 2)
	}
	return sign + s.Decimal(shown, 2) + " " + strings.TrimSpace(symbol)
}

// ExactMoney is an amount to its smallest unit.
func (s *Speech) ExactMoney(m pages.Money, c pages.Currency) string {
	sign, units := "", m.Units
	switch {
	case units < 0:
		sign, units = "−", -units
	case units > 0:
		sign = "+"
	}
	symbol, known := signs[c.Code]
	if !known {
		symbol = c.Code + " "
	}
	if s.before {
		return sign + symbol + s.Decimal(units, c.Decimals)
	}
	return sign + s.Decimal(units, c.Decimals) + " " + strings.TrimSpace(symbol)
}

var hundredths = map[string]string{"EUR": "ct", "USD": "¢", "GBP": "p", "CHF": "Rp."}

// PricePer is a price per kWh.
func (s *Speech) PricePer(p pages.Price, code string) string {
	unit, known := hundredths[code]
	if !known {
		unit = code + "/100"
	}
	return s.Decimal(p.Shown, 1) + " " + unit
}

// Percent is tenths of a per cent.
func (s *Speech) Percent(tenths int64) string {
	if s.before {
		return s.Decimal(tenths, 1) + "%"
	}
	return s.Decimal(tenths, 1) + " %"
}

// Moment is a time in a zone. Where the clocks go back, its zone's name tells which of
// two it is.
func (s *Speech) Moment(t int64, zone *time.Location) string {
	at := time.Unix(t, 0).In(zone)
	text := at.Format(s.date)
	for _, other := range []time.Duration{-time.Hour, time.Hour} {
		if at.Add(other).Format(s.date) == text {
			return text + at.Format(" MST")
		}
	}
	return text
}

// Month is a month as in 2026-06, in words.
func (s *Speech) Month(text string) string {
	at, err := time.Parse("2006-01", text)
	if err != nil {
		return text
	}
	return s.months[at.Month()-1] + " " + strconv.Itoa(at.Year())
}
