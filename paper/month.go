package paper

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/pages"
)

// monthInWords writes the statement of an account's month out, as the page of a proof.
func monthInWords(m pages.CertifiedMonth, origin, lang string) (*proofSheet, error) {
	w := in(lang)
	zone, err := community.TimeZone(m.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("paper: %w", err)
	}
	path := m.Proof
	if path == "" { // Nothing is settled, or there is no meter: the page for who is signed in.
		path = fmt.Sprintf("/statement/%d/%s", m.Account, m.Month)
	}
	month := w.Speech.Month(m.Month)
	s := &proofSheet{
		says: w, Words: w, ID: m.Month, Of: m.Community, Title: fmt.Sprintf(w.Month, month), Path: path, Address: origin + path, Style: StylePath, How: w.DayCheck,
		Name: m.Month + "-01", at: time.Unix(int64(m.Through), 0).UTC(),
		Says: fmt.Sprintf(w.MonthSays, month, w.Exact(m.Used), w.Exact(m.Claimed), w.Percent(m.Share), w.Decimal(m.Matched, 0), w.Decimal(m.Hours, 0)),
	}
	state := "open"
	if m.Final {
		state = "final"
	}
	s.Facts = [][2]string{
		{w.names["member"], m.Name},
		{w.Account, strconv.FormatUint(uint64(m.Account), 10)},
		{w.names["period"], w.Moment(int64(m.Start), zone) + " – " + w.Moment(int64(m.End), zone) + " (" + m.TimeZone + ")"},
		{w.names["used"], w.Exact(m.Used)},
		{w.names["claimed"], w.Exact(m.Claimed)},
		{w.names["share"], w.Percent(m.Share)},
		{w.names["hours_used"], w.Decimal(m.Hours, 0)},
		{w.names["matched"], w.Decimal(m.Matched, 0)},
		{w.names["state"], w.words[state]},
		{w.Block, w.Decimal(m.Height, 0)},
	}
	s.Tables = w.monthTables(m, zone)
	for _, form := range [][2]string{{".pdf?lang=" + w.Lang, "PDF"}, {".csv", "CSV"}, {".json", "JSON"}} {
		s.Files = append(s.Files, file{path + form[0], form[1], false})
	}
	for _, d := range m.Days {
		s.Proofs = append(s.Proofs, file{path + "/" + d.Date + ".cwproof", d.Date, false})
	}
	if len(m.Days) > 0 {
		s.Name = m.Days[0].Date
	}
	s.Proven = append(s.Proven, w.ProvesList[2], fmt.Sprintf(w.ProvesNoNames, strconv.FormatUint(uint64(m.Account), 10)))
	s.QR, err = NewQR(s.Address)
	return s, err
}

// monthTables are what the certificates are of, the days, and what was cancelled later.
func (w *says) monthTables(m pages.CertifiedMonth, zone *time.Location) (tables []proofTable) {
	of := proofTable{Heading: w.names["origins"], Columns: Row{w.names["device"], w.names["whose"], w.names["energy"]}}
	for _, o := range m.Origins {
		whose := "neighbour"
		if o.Own {
			whose = "own"
		}
		kind, known := w.words[o.Kind]
		if !known {
			kind = o.Kind
		}
		of.Rows = append(of.Rows, Row{kind, w.words[whose], w.Exact(o.Energy)})
	}
	days := proofTable{Heading: w.names["days"], Columns: Row{w.names["day"], w.names["used"], w.names["certified"], w.names["of_hours"], w.names["wholly"]}}
	for _, d := range m.Days {
		days.Rows = append(days.Rows, Row{d.Date, w.Exact(d.Used), w.Exact(d.Claimed), w.Decimal(d.Hours, 0), w.Decimal(d.Matched, 0)})
	}
	gone := proofTable{Heading: w.names["cancelled"], Columns: Row{w.names["at"], w.names["energy"], w.names["purpose"]}}
	for _, c := range m.Cancelled {
		gone.Rows = append(gone.Rows, Row{w.Moment(int64(c.At), zone), w.Exact(c.Energy), w.words[c.Purpose]})
	}
	for _, t := range []proofTable{of, days, gone} {
		if len(t.Rows) > 0 {
			tables = append(tables, t)
		}
	}
	return tables
}

// MonthHTML writes the statement of an account's month as a page; origin is where
// people open the node.
//
// Errors: those of the writer.
func MonthHTML(out io.Writer, m pages.CertifiedMonth, origin, lang string) error {
	s, err := monthInWords(m, origin, lang)
	if err != nil {
		return err
	}
	return proofPage.Execute(out, s)
}

// MonthPDF writes the same as a PDF.
//
// Errors: those of the writer.
func MonthPDF(out io.Writer, m pages.CertifiedMonth, origin, lang string) error {
	s, err := monthInWords(m, origin, lang)
	if err != nil {
		return err
	}
	return s.pdf(out)
}

// MonthHeader is the header of MonthCSV.
var MonthHeader = []string{"month", "account", "item", "date", "energy_wh", "claimed_wh", "hours", "matched_hours", "statement"}

// MonthCSV writes it as a spreadsheet (RFC 4180): days, which sum to the month, and
// what was cancelled later.
//
// Errors: those of the writer.
func MonthCSV(w io.Writer, m pages.CertifiedMonth) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	_ = out.Write(MonthHeader) // Flush tells.
	add := func(item, date string, numbers ...int64) {
		row := []string{m.Month, strconv.FormatUint(uint64(m.Account), 10), item, date, "", "", "", "", ""}
		for i, n := range numbers {
			row[4+i] = strconv.FormatInt(n, 10)
		}
		_ = out.Write(row)
	}
	for _, d := range m.Days {
		add("day", d.Date, d.Used, d.Claimed, d.Hours, d.Matched)
	}
	add("month", "", m.Used, m.Claimed, m.Hours, m.Matched)
	for _, c := range m.Cancelled {
		_ = out.Write([]string{
			m.Month, strconv.FormatUint(uint64(m.Account), 10), "cancelled", time.Unix(int64(c.At), 0).UTC().Format(time.RFC3339),
			strconv.FormatInt(c.Energy, 10), "", "", "", strings.ToLower(c.Statement),
		})
	}
	out.Flush()
	return out.Error()
}
