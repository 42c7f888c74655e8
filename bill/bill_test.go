package bill_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"flag"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/bill"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/pages"
)

var rewrite = flag.Bool("rewrite", false, "write the bills in testdata, instead of comparing")

const quarter = interval.Time(900)

// june is a month whose parts sum, of somebody with a bold name.
func june() pages.Month {
	start := interval.Time(1780264800) // 1 June 2026 in Berlin.
	day := func(date string, used, shown, units, cents int64) pages.DayRow {
		return pages.DayRow{
			Date: date, Intervals: 96, Used: pages.Energy{Wh: used, Shown: shown}, Produced: pages.Energy{Wh: 4_004, Shown: 400},
			Earned: pages.Money{Units: 300_000, Shown: 30}, Paid: pages.Money{Units: units - 300_000, Shown: cents - 30}, Balance: pages.Money{Units: units, Shown: cents},
		}
	}
	line := func(name string, wh, shown, perWh, tenths, units, cents int64) pages.Line {
		return pages.Line{Name: name, Energy: pages.Energy{Wh: wh, Shown: shown}, Price: pages.Price{PerWh: perWh, Shown: tenths}, Amount: pages.Money{Units: units, Shown: cents}}
	}
	return pages.Month{
		Account: 9_007_199_254_740_993, Name: `Weber <script>alert("1")</script> & Söhne`, Community: "Lindenhof", Month: "2026-06",
		TimeZone: "Europe/Berlin", Currency: pages.Currency{Code: "EUR", Decimals: 6}, Start: start, End: start + 30*96*quarter, Through: start + 2*96*quarter,
		Height: 1234, Now: start + 2*96*quarter,
		Used: pages.Energy{Wh: 1_234_567, Shown: 123_457}, Produced: pages.Energy{Wh: 8_008, Shown: 800},
		Sources: []pages.Part{
			{Name: "roof", Energy: pages.Energy{Wh: 234_567, Shown: 23_457}, Share: 190},
			{Name: "battery", Energy: pages.Energy{}, Share: 0},
			{Name: "neighbours", Energy: pages.Energy{Wh: 500_000, Shown: 50_000}, Share: 405},
			{Name: "grid", Energy: pages.Energy{Wh: 500_000, Shown: 50_000}, Share: 405},
		},
		Lines: []pages.Line{
			line("neighbour_sold", 3_000, 300, 200, 200, 600_000, 60),
			line("neighbour_bought", 500_000, 50_000, 180, 180, -90_000_000, -9_000),
			line("utility_bought", 500_000, 50_000, 320, 320, -160_000_000, -16_000),
			line("levy", 1_000_000, 100_000, 20, 20, -20_000_000, -2_000),
		},
		Balance: pages.Money{Units: -269_400_000, Shown: -26_940}, Alone: pages.Money{Units: -320_000_000, Shown: -32_000}, Better: pages.Money{Units: 50_600_000, Shown: 5_060},
		Days: []pages.DayRow{day("2026-06-01", 600_000, 60_000, -100_000_000, -10_000), day("2026-06-02", 634_567, 63_457, -169_400_000, -16_940)},
		Revisions: []pages.Revision{{
			Start: start + 40*quarter, Revision: 2, Block: 77, Before: pages.Money{Units: -123_456, Shown: -12}, After: pages.Money{Units: -133_456, Shown: -13},
		}},
		EstimatedCount: 3, Months: []string{"2026-06", "2026-05"},
	}
}

// golden compares a text with a file of testdata, or writes it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	name = "testdata/" + name
	if *rewrite {
		if err := os.WriteFile(name, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("%s differs; read it, and rewrite it with -rewrite:\n%s", name, got)
	}
}

// The bill as a page, in two languages: without a script, with what a name holds as
// a name.
func TestHTML(t *testing.T) {
	for _, lang := range []string{"en", "de"} {
		var out bytes.Buffer
		if err := bill.HTML(&out, june(), lang); err != nil {
			t.Fatal(err)
		}
		page := out.String()
		if strings.Contains(page, "<script") || !strings.Contains(page, "Weber &lt;script&gt;") || !strings.Contains(page, `<html lang="`+lang+`"`) {
			t.Errorf("%s: there is a script, or no language:\n%.400s", lang, page)
		}
		golden(t, "june."+lang+".html", out.Bytes())
	}
	var other, english bytes.Buffer
	if err := bill.HTML(&other, june(), "tlh"); err != nil {
		t.Fatal(err)
	}
	if err := bill.HTML(&english, june(), "en"); err != nil || !bytes.Equal(other.Bytes(), english.Bytes()) {
		t.Errorf("a language that there is not: %v", err)
	}
}

// The bill as a spreadsheet parses (RFC 4180), its lines sum to the balance and its
// days, too, and every figure is that of the month.
func TestCSV(t *testing.T) {
	m := june()
	var out bytes.Buffer
	if err := bill.CSV(&out, m); err != nil {
		t.Fatal(err)
	}
	golden(t, "june.csv", out.Bytes())
	if lines := strings.Count(out.String(), "\r\n"); lines != strings.Count(out.String(), "\n") {
		t.Errorf("%d lines end as RFC 4180 says", lines)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1+len(m.Lines)+2+len(m.Days) || strings.Join(rows[0], ",") != strings.Join(bill.Header, ",") {
		t.Fatalf("%d rows under %q", len(rows), rows[0])
	}
	number := func(text string) int64 {
		n, err := strconv.ParseInt(strings.Replace(text, ".", "", 1), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	var lines, days pages.Money
	for _, r := range rows[1:] {
		amount := pages.Money{Units: number(r[5]), Shown: number(r[7])}
		switch r[2] {
		case "balance":
			if amount != m.Balance || number(r[4]) != m.Used.Wh || number(r[6]) != m.Used.Shown {
				t.Errorf("the balance is %q", r)
			}
		case "alone":
			if amount != m.Alone {
				t.Errorf("alone is %q", r)
			}
		case "day":
			days = pages.Money{Units: days.Units + amount.Units, Shown: days.Shown + amount.Shown}
		default:
			lines = pages.Money{Units: lines.Units + amount.Units, Shown: lines.Shown + amount.Shown}
		}
	}
	if lines != m.Balance || days != m.Balance {
		t.Errorf("lines sum to %+v, days to %+v, the balance is %+v", lines, days, m.Balance)
	}
}

// The bill on paper has the same bytes for the same month, and the figures of the
// page.
func TestPDF(t *testing.T) {
	var one, two bytes.Buffer
	if err := bill.PDF(&one, june(), "de"); err != nil {
		t.Fatal(err)
	}
	if err := bill.PDF(&two, june(), "de"); err != nil || !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Errorf("the same month makes another file: %v", err)
	}
	tool, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Skip("pdftotext, of poppler-utils, is not installed: the text of the PDF is not read")
	}
	read := exec.CommandContext(t.Context(), tool, "-layout", "-", "-")
	read.Stdin = &one
	text, err := read.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, says := range []string{
		"Rechnung Juni 2026", "9007199254740993", "1.234,57 kWh", "–269,40 €", "–320,00 €", "+50,60 €", "500,00 kWh", "18,0 ct", "32,0 ct",
		"–90,00 €", "–160,00 €", "+0,60 €", "2026-06-02", "634,57 kWh", "–169,40 €", "3 Intervalle", "1234", "Söhne",
	} {
		if !strings.Contains(string(text), says) {
			t.Errorf("the paper does not say %q:\n%s", says, text)
		}
	}
}

// A month of which nothing is settled says so in every form.
func TestNothing(t *testing.T) {
	m := pages.Month{Name: "Weber", Month: "2026-07", TimeZone: "Europe/Berlin", Currency: pages.Currency{Code: "EUR", Decimals: 6}}
	var page, sheet, paper bytes.Buffer
	if err := bill.HTML(&page, m, "en"); err != nil || !strings.Contains(page.String(), "Nothing is settled in this month yet.") {
		t.Errorf("%v\n%s", err, &page)
	}
	if err := bill.CSV(&sheet, m); err != nil || strings.Count(sheet.String(), "\n") != 3 {
		t.Errorf("%v\n%s", err, &sheet)
	}
	if err := bill.PDF(&paper, m, "en"); err != nil || paper.Len() == 0 {
		t.Errorf("%v", err)
	}
	m.TimeZone = "-08:00" // An offset, as a community file may have it.
	if err := errors.Join(bill.HTML(&page, m, "en"), bill.CSV(&sheet, m), bill.PDF(&paper, m, "de")); err != nil {
		t.Error(err)
	}
	m.TimeZone = "Nowhere/Land"
	if err := bill.HTML(&page, m, "en"); err == nil {
		t.Error("a time zone that there is not")
	}
}
