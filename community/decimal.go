package community

import (
	"fmt"
	"strconv"
	"strings"
)

// decimal is a number as the file writes it, so that no binary fraction comes
// between the text and the integer. It is written as a TOML number or as a string.
type decimal struct{ text string }

// UnmarshalText keeps the text.
func (d *decimal) UnmarshalText(text []byte) error {
	d.text = string(text)
	return nil
}

// digitsMax bounds the digits of a number, so that it fits into 64 bits.
const digitsMax = 18

// scaled returns the number times 10^scale. When that is no integer, fine is how
// many digits after the point the number has; when there is no such number,
// reason says why.
func (d decimal) scaled(scale int) (value int64, fine int, reason string) {
	sign := int64(1)
	unsigned := strings.TrimPrefix(strings.ReplaceAll(d.text, "_", ""), "+")
	if rest, negative := strings.CutPrefix(unsigned, "-"); negative {
		sign, unsigned = -1, rest
	}
	whole, fraction, _ := strings.Cut(unsigned, ".")
	if whole == "" || strings.Trim(whole+fraction, "0123456789") != "" {
		return 0, 0, "is not a decimal number such as 0.32"
	}
	fraction = strings.TrimRight(fraction, "0")
	if len(fraction) > scale {
		return 0, len(fraction), ""
	}
	digits := strings.TrimLeft(whole, "0") + fraction + strings.Repeat("0", scale-len(fraction))
	if len(digits) > digitsMax {
		return 0, 0, "is too large"
	}
	n, err := strconv.ParseInt("0"+digits, 10, 64)
	if err != nil {
		panic(fmt.Sprintf("community: %d digits are no integer: %v", len(digits), err))
	}
	return sign * n, 0, ""
}
