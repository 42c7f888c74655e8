package bill

import (
	"fmt"
	"io"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"

	"github.com/commonwatt/commonwatt/pages"
)

// Millimetres of a page in A4.
const (
	pageWide, pageMargin = 210, 18
	textWide             = pageWide - 2*pageMargin
	lineTall             = 6.2
)

// PDF writes the bill as a PDF in A4. Its date is the end of what it tells.
//
// Errors: those of the writer.
func PDF(w io.Writer, m pages.Month, lang string) error {
	s, err := inWords(m, lang)
	if err != nil {
		return err
	}
	p := newPaper(s, time.Unix(int64(m.Through), 0).UTC())
	p.head()
	if s.Nothing {
		p.text(s.None)
	} else {
		p.table(row{s.Line, s.Energy, s.Price, s.Amount}, []float64{60, 32, 46, 36}, s.Lines, row{s.Words.Balance, "", "", s.Balance})
		p.table(nil, []float64{138, 36}, []row{{s.Words.Alone, s.Alone}, {s.Words.Gain, s.Gain}}, nil)
		p.heading(s.Words.Sources)
		p.table(nil, []float64{92, 46, 36}, s.Sources, nil)
		if s.Estimates != "" {
			p.text(s.Estimates)
		}
		if len(s.Revisions) > 0 {
			p.heading(s.Corrections)
			p.table(row{s.Interval, s.Before, s.After, s.Block}, []float64{66, 40, 40, 28}, s.Revisions, nil)
		}
		p.heading(s.Words.Days)
		p.table(row{s.Day, s.Used, s.Made, s.Earned, s.Paid, s.Words.Balance}, []float64{34, 30, 30, 26, 26, 28}, s.Days, s.DaySums)
	}
	p.heading(s.Words.Check)
	p.text(s.Check)
	if err := p.Output(w); err != nil {
		return fmt.Errorf("bill: %w", err)
	}
	return nil
}

// paper is a PDF in the making.
type paper struct {
	*fpdf.Fpdf
	sheet *sheet
	latin func(string) string
}

func newPaper(s *sheet, at time.Time) *paper {
	p := &paper{Fpdf: fpdf.New("P", "mm", "A4", ""), sheet: s}
	translate := p.UnicodeTranslatorFromDescriptor("") // Windows-1252, which the fonts of every PDF reader have.
	p.latin = func(text string) string { return translate(strings.ReplaceAll(text, "−", "–")) }
	p.SetCreationDate(at)
	p.SetModificationDate(at)
	p.SetCatalogSort(true)
	p.SetProducer("Commonwatt", true)
	p.SetTitle(s.Heading+", "+s.Name+", "+s.Of, true)
	p.SetLang(s.Lang)
	p.SetMargins(pageMargin, pageMargin, pageMargin)
	p.SetAutoPageBreak(true, pageMargin)
	p.SetFooterFunc(func() {
		p.SetY(-12)
		p.SetFont("Helvetica", "", 8)
		p.CellFormat(textWide, 5, p.latin(fmt.Sprintf("%s, %s – %d", s.Heading, s.Name, p.PageNo())), "", 0, "R", false, 0, "")
	})
	p.AddPage()
	return p
}

func (p *paper) head() {
	s := p.sheet
	p.SetFont("Helvetica", "", 10)
	p.CellFormat(textWide, 5, p.latin(s.Of), "", 1, "L", false, 0, "")
	p.SetFont("Helvetica", "B", 20)
	p.CellFormat(textWide, 11, p.latin(s.Heading), "", 1, "L", false, 0, "")
	p.Ln(2)
	for _, fact := range [][2]string{{s.Member, s.Name}, {s.Account, s.Number}, {s.Period, s.From}, {s.Words.State, s.How}} {
		p.SetFont("Helvetica", "", 10)
		p.CellFormat(34, 5.4, p.latin(fact[0]), "", 0, "L", false, 0, "")
		p.MultiCell(textWide-34, 5.4, p.latin(fact[1]), "", "L", false)
	}
	p.Ln(5)
}

func (p *paper) heading(text string) {
	p.Ln(5)
	p.SetFont("Helvetica", "B", 12)
	p.CellFormat(textWide, 8, p.latin(text), "", 1, "L", false, 0, "")
}

func (p *paper) text(text string) {
	p.SetFont("Helvetica", "", 10)
	p.MultiCell(textWide, 5.2, p.latin(text), "", "L", false)
}

// table writes rows under a header, and a sum when there is one.
func (p *paper) table(header row, widths []float64, rows []row, sum row) {
	if header != nil {
		p.SetFont("Helvetica", "B", 9.5)
		p.cells(header, widths, "B")
	}
	p.SetFont("Helvetica", "", 9.5)
	p.SetDrawColor(200, 206, 211)
	for _, r := range rows {
		p.cells(r, widths, "B")
	}
	p.SetDrawColor(20, 32, 43)
	if sum != nil {
		p.SetFont("Helvetica", "B", 11)
		p.cells(sum, widths, "T")
	}
}

func (p *paper) cells(r row, widths []float64, border string) {
	for i, text := range r {
		align := "R"
		if i == 0 {
			align = "L"
		}
		p.CellFormat(widths[i], lineTall, p.latin(text), border, 0, align, false, 0, "")
	}
	p.Ln(lineTall)
}
