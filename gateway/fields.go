package gateway

import (
	"bytes"
	"fmt"
	"strconv"
	"unicode"
	"unicode/utf8"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
)

const nextRow = "Correct the row or remove it"

// energyDigitsMax bounds the energy of one interval to less than 10^12 Wh, a
// thousand nuclear plants for an hour, so that sums of bounded numbers of
// readings fit into 64 bits.
const energyDigitsMax = 12

// meterBytesMax bounds the identifier of a meter.
const meterBytesMax = 64

// printable reports whether text is UTF-8 without blanks, control characters and
// what would need quotes in a CSV.
func printable(text []byte) bool {
	return utf8.Valid(text) && bytes.IndexFunc(text, func(c rune) bool {
		return !unicode.IsGraphic(c) || unicode.IsSpace(c) || c == ',' || c == '"'
	}) < 0
}

// length reads the minutes.
func (r *Reader) length(text []byte) (interval.Length, error) {
	var length interval.Length
	switch string(text) {
	case "5":
		length = interval.Minutes5
	case "15":
		length = interval.Minutes15
	case "30":
		length = interval.Minutes30
	case "60":
		length = interval.Minutes60
	default:
		return 0, r.refuse(columns[columnMinutes], text, "is none of 5, 15, 30 and 60, the lengths of an interval", nextRow)
	}
	if want := r.names.expect.Length; want != 0 && length > want {
		return 0, r.refuse(columns[columnMinutes], text, coarser(want), coarserNext)
	}
	return length, nil
}

// startOf reads the start and checks that an interval of the length starts there.
func (r *Reader) startOf(text []byte, length interval.Length) (interval.Time, error) {
	if r.start == nil || !bytes.Equal(text, r.start) {
		at, reason := parseTime(text)
		if reason != "" {
			return 0, r.refuse(columns[columnStart], text, reason, nextRow)
		}
		r.start, r.at = append(r.start[:0], text...), at
	}
	if r.at%interval.Time(length) != 0 {
		return 0, r.refuse(columns[columnStart], text,
			fmt.Sprintf("is not a multiple of %d minutes in UTC; intervals are aligned to their length", length/60), nextRow)
	}
	return r.at, nil
}

// energy reads import_wh or export_wh.
func (r *Reader) energy(column int) (quantity.Energy, error) {
	text := r.fields[column]
	if len(text) > 1 && text[0] == '-' {
		wh, err := r.digits(column, text[1:])
		return -wh, err
	}
	return r.digits(column, text)
}

// digits reads import_wh or export_wh without its sign.
func (r *Reader) digits(column int, text []byte) (quantity.Energy, error) {
	if len(text) == 0 {
		return 0, r.refuse(columns[column], nil, "is missing", "Write 0 for a real zero, or remove the row where there is no reading")
	}
	if len(text) > energyDigitsMax {
		if _, err := strconv.ParseUint(string(text), 10, 64); err == nil {
			return 0, r.refuse(columns[column], text, fmt.Sprintf("is 10^%d Wh or more, which no meter measures in an hour", energyDigitsMax), nextRow)
		}
		return 0, r.refuse(columns[column], text, notEnergy(text), nextRow)
	}
	var wh quantity.Energy
	for _, digit := range text {
		if digit < '0' || digit > '9' {
			return 0, r.refuse(columns[column], text, notEnergy(text), nextRow)
		}
		wh = wh*10 + quantity.Energy(digit-'0') // < 10^12: at most energyDigitsMax digits.
	}
	return wh, nil
}

// notEnergy says why text is not a whole number of Wh.
func notEnergy(text []byte) string {
	if _, err := strconv.ParseFloat(string(text), 64); err == nil {
		return "is not a whole number of Wh"
	}
	return "is not a number; a whole number of Wh is expected"
}

// quality reads the flag.
func (r *Reader) quality(text []byte) (byte, error) {
	if len(text) == 1 {
		switch text[0] {
		case Actual, Estimated, FinalSubstituted, Null, Substituted, Variable:
			return text[0], nil
		}
	}
	return 0, r.refuse(columns[columnQuality], text,
		"is no quality; they are A actual, E estimated, F final substituted, N null, S substituted, V variable", nextRow)
}
