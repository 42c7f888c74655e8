package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/commonwatt/commonwatt/quantity"
)

// Table writes a summary for people: a line for each member and one for all of
// them. Energies are in kWh and amounts in the currency, with two decimals,
// rounded half away from zero each for itself. There is no colour in it, so it
// is the same on paper.
func Table(w io.Writer, s Summary) error {
	header := []string{"member", "bought kWh", "sold kWh", "owed " + s.Currency, "alone " + s.Currency, "gain " + s.Currency}
	lines := make([][]string, 0, len(s.Members)+2)
	lines = append(lines, header)
	for _, m := range s.Members {
		lines = append(lines, s.line(m.Member, m.Totals))
	}
	lines = append(lines, s.line("all", s.Total))
	widths := make([]int, len(header))
	for _, l := range lines {
		for i, cell := range l {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var text strings.Builder
	for n, l := range lines {
		if n == 1 || n == len(lines)-1 {
			text.WriteString(strings.Repeat("─", total(widths)) + "\n")
		}
		text.WriteString(align(l, widths) + "\n")
	}
	text.WriteString("\n" + s.sentence() + "\n")
	_, err := io.WriteString(w, text.String())
	return err
}

// line is the cells of one line.
func (s *Summary) line(name string, t Totals) []string {
	return []string{
		name, kWh(t.Import), kWh(t.Export), s.money(t.Owed), s.money(t.Alone), s.money(t.Gain),
	}
}

// sentence says what a settlement came to.
func (s *Summary) sentence() string {
	if s.Intervals == 0 {
		return "No interval is settled yet."
	}
	gain, than := s.Total.Gain, "less"
	if gain < 0 {
		gain, than = -gain, "more"
	}
	text := fmt.Sprintf("%d members, %d intervals from %s to %s:\n%s kWh went from neighbour to neighbour, and together they pay %s %s %s than with the utility alone.",
		len(s.Members), s.Intervals, s.Start, s.End, kWh(s.Total.NeighbourBought), s.money(gain), s.Currency, than)
	if s.Matching != nil && s.Matching.Carbon != nil {
		text += s.Matching.sentence()
	}
	switch s.Exceptions {
	case 0:
		return text
	case 1:
		return text + "\nOne exception to look at, in exceptions.csv."
	}
	return text + fmt.Sprintf("\n%d exceptions to look at, in exceptions.csv.", s.Exceptions)
}

// milligrams are 10^-6 of a kilogram.
const milligrams = 6

// sentence says how well production met use, and what the supplier's energy emitted.
func (m *Matching) sentence() string {
	text := fmt.Sprintf("\n%d.%d %% of use was produced in its own interval; what the utility delivered emitted %s kg of CO2",
		m.Score/10_000, m.Score/1000%10, fixed(int64(m.Carbon.Supplied), milligrams))
	if m.Carbon.SuppliedUnknown > 0 {
		text += fmt.Sprintf(", without %s kWh that no factor is known for", kWh(m.Carbon.SuppliedUnknown))
	}
	return text + "."
}

// align pads cells: the first to the left, numbers to the right.
func align(cells []string, widths []int) string {
	var b strings.Builder
	for i, cell := range cells {
		pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
		if i == 0 {
			b.WriteString(cell + pad)
			continue
		}
		b.WriteString(gap + pad + cell)
	}
	return b.String()
}

// gap is between columns.
const gap = "  "

// total is how wide a line is.
func total(widths []int) int {
	sum := len(gap) * (len(widths) - 1)
	for _, w := range widths {
		sum += w
	}
	return sum
}

func kWh(wh quantity.Energy) string { return fixed(int64(wh), 3) }

func (s *Summary) money(units quantity.Money) string { return fixed(int64(units), s.Decimals) }

// fixed writes units of 10^-decimals with two decimals, rounded half away from
// zero, with the minus sign of typographers (U+2212).
func fixed(units int64, decimals int) string {
	negative := units < 0
	magnitude := uint64(units) //nolint:gosec // two's complement on purpose
	if negative {
		magnitude = -magnitude
	}
	const places = 2
	text := strconv.FormatUint(magnitude, 10)
	if decimals > places {
		divisor := uint64(1)
		for range decimals - places {
			divisor *= 10
		}
		text = strconv.FormatUint(magnitude/divisor+magnitude%divisor*2/divisor, 10)
	} else {
		text += strings.Repeat("0", places-decimals)
	}
	if strings.Trim(text, "0") == "" {
		negative, text = false, "000"
	}
	text = strings.Repeat("0", max(0, places+1-len(text))) + text
	text = text[:len(text)-places] + "." + text[len(text)-places:]
	if negative {
		return "−" + text
	}
	return text
}
