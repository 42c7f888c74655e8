package gateway

import (
	"fmt"

	"github.com/commonwatt/commonwatt/quantity"
)

// micro is energy in millionths of a Wh, in which files may state it exactly.
type micro int64

// Powers of ten from the unit of a file to a millionth of a Wh.
const (
	microPerWh  = 6
	microPerKWh = 9
	microPerMWh = 12
)

// parseEnergy reads a decimal number ≥ 0 whose unit is 10^exponent millionths of a
// Wh, without rounding. It returns why the text is none, or "".
func parseEnergy(text []byte, exponent int) (value micro, reason string) {
	digits := make([]byte, 0, 40)
	point := -1
	for i, c := range text {
		switch {
		case c >= '0' && c <= '9' && len(digits) < cap(digits):
			digits = append(digits, c)
		case c == '.' && point < 0:
			point = len(digits)
		case c == '-' && i == 0:
			return 0, "is negative; energy in an interval is ≥ 0"
		default:
			return 0, "is not a number as in 12.345"
		}
	}
	if len(digits) == 0 {
		return 0, "is not a number as in 12.345"
	}
	if point < 0 {
		point = len(digits)
	}
	whole := point + exponent // How many digits stand before the point, in millionths of a Wh.
	for i := range max(whole, len(digits)) {
		digit := byte('0')
		if i < len(digits) {
			digit = digits[i]
		}
		switch {
		case i >= whole && digit != '0':
			return 0, "is finer than a millionth of a Wh"
		case i < whole:
			if value = value*10 + micro(digit-'0'); value >= energyMax {
				return 0, tooMuch
			}
		}
	}
	return value, ""
}

// parseSigned is parseEnergy for a number that may be below zero, which no energy in an
// interval is and some meters say.
func parseSigned(text []byte, exponent int) (value micro, reason string) {
	if len(text) > 1 && text[0] == '-' {
		value, reason = parseEnergy(text[1:], exponent)
		return -value, reason
	}
	return parseEnergy(text, exponent)
}

// energyMax is 10^energyDigitsMax Wh.
const energyMax micro = 1e18

var tooMuch = fmt.Sprintf("is 10^%d Wh or more, which no meter measures in an hour", energyDigitsMax)

// rounder turns the energies of following intervals into whole Wh. What is
// rounded off one is carried to the next, so their sum is never more than half a Wh
// off. Each record of a file has its own, so that the order of records does not matter.
type rounder struct{ carried micro }

// whole is half up of the sum so far, less what was given out. What is below zero is
// no part of the sum: it stays below, at least −1.
func (r *rounder) whole(value micro) quantity.Energy {
	const wh, half = 1_000_000, 500_000
	if value < 0 {
		return min(-1, quantity.Energy((value-half)/wh))
	}
	r.carried += value           // < 10^18 + 10^6.
	n := (r.carried + half) / wh // ≥ 0: what is carried is ≥ −half.
	r.carried -= n * wh
	return quantity.Energy(n)
}
