// Package bill puts a household's month on paper: a page to print, a spreadsheet
// and a PDF.
//
// Its promise: a bill shows the figures of pages.Month and computes none of its
// own, so it says what the app says; it needs no JavaScript; the same month gives
// the same bytes.
package bill

import (
	_ "embed" // The page.
	"encoding/csv"
	"fmt"
	"html/template"
	"io"
	"strconv"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/paper"
)

//go:embed page.html
var pageText string

// row is a line of text cells.
type row = paper.Row

// sheet is a bill in words.
type sheet struct {
	*words
	Words                                *words // Those that a figure's name hides.
	Heading, Name, Number, Of, From, How string
	Nothing                              bool
	Sources, Lines, Days, Revisions      []row
	Balance, Alone, Gain                 string
	DaySums                              row
	Check, Estimates                     string
	Style, PDF, CSV                      string
}

// inWords writes a month's figures out.
func inWords(m pages.Month, lang string) (*sheet, error) {
	w := in(lang)
	zone, err := community.TimeZone(m.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("bill: %w", err)
	}
	code := m.Currency.Code
	s := &sheet{
		words: w, Words: w, Heading: w.Title + " " + w.Month(m.Month), Name: m.Name, Number: strconv.FormatUint(uint64(m.Account), 10), Of: m.Community,
		From:    w.Moment(int64(m.Start), zone) + " – " + w.Moment(int64(m.End), zone) + " (" + m.TimeZone + ")",
		Balance: w.Money(m.Balance, code), Alone: w.Money(m.Alone, code), Gain: w.Money(m.Better, code), Nothing: len(m.Days) == 0,
		Check: fmt.Sprintf(w.CheckText, strconv.FormatInt(m.Height, 10)), Style: paper.StylePath,
		PDF: m.Month + ".pdf?lang=" + w.Lang, CSV: m.Month + ".csv",
	}
	switch {
	case m.Final:
		s.How = w.Final
	case m.Through >= m.End:
		s.How = w.Provisional
	case m.Through > 0:
		s.How = fmt.Sprintf(w.SoFar, w.Moment(int64(m.Through), zone))
	default:
		s.How = w.None
	}
	if m.EstimatedCount > 0 {
		s.Estimates = fmt.Sprintf(w.Estimated, strconv.FormatInt(m.EstimatedCount, 10))
	}
	for _, p := range m.Sources {
		s.Sources = append(s.Sources, row{w.Name(p.Name), w.KWh(p.Energy), w.Percent(p.Share)})
	}
	for _, l := range m.Lines {
		s.Lines = append(s.Lines, row{w.Name(l.Name), w.KWh(l.Energy), w.PricePer(l.Price, code), w.Money(l.Amount, code)})
	}
	for _, d := range m.Days {
		s.Days = append(s.Days, row{d.Date, w.KWh(d.Used), w.KWh(d.Produced), w.Money(d.Earned, code), w.Money(d.Paid, code), w.Money(d.Balance, code)})
	}
	s.DaySums = row{w.Month(m.Month), w.KWh(m.Used), w.KWh(m.Produced), "", "", s.Balance}
	for _, r := range m.Revisions {
		s.Revisions = append(s.Revisions, row{
			w.Moment(int64(r.Start), zone), w.Money(r.Before, code), w.Money(r.After, code), strconv.FormatInt(r.Block, 10),
		})
	}
	return s, nil
}

var page = template.Must(template.New("bill").Parse(pageText))

// HTML writes the bill as a page.
//
// Errors: those of the writer.
func HTML(w io.Writer, m pages.Month, lang string) error {
	s, err := inWords(m, lang)
	if err != nil {
		return err
	}
	return page.Execute(w, s)
}

// Header is the header of CSV: one row for each line of the bill and each day;
// energies in Wh, amounts in the smallest units of the currency and in the currency
// as shown, above zero earned.
var Header = []string{"month", "account", "item", "date", "energy_wh", "amount_units", "energy_kwh", "amount", "currency"}

// CSV writes the bill as a spreadsheet (RFC 4180): its lines, the balance, and the
// days, whose balances sum to it.
//
// Errors: those of the writer.
func CSV(w io.Writer, m pages.Month) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	_ = out.Write(Header) // Flush tells.
	add := func(item, date string, e pages.Energy, a pages.Money) {
		_ = out.Write([]string{
			m.Month, strconv.FormatUint(uint64(m.Account), 10), item, date, strconv.FormatInt(e.Wh, 10), strconv.FormatInt(a.Units, 10),
			plain(e.Shown), plain(a.Shown), m.Currency.Code,
		}) // As above.
	}
	for _, l := range m.Lines {
		add(l.Name, "", l.Energy, l.Amount)
	}
	add("balance", "", m.Used, m.Balance)
	add("alone", "", m.Used, m.Alone)
	for _, d := range m.Days {
		add("day", d.Date, d.Used, d.Balance)
	}
	out.Flush()
	return out.Error()
}

// plain is hundredths as spreadsheets read them.
func plain(shown int64) string {
	sign := ""
	if shown < 0 {
		sign, shown = "-", -shown
	}
	return fmt.Sprintf("%s%d.%02d", sign, shown/100, shown%100)
}
