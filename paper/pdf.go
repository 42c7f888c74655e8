package paper

import (
	"fmt"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
)

// Millimetres of a page in A4.
const (
	pageWide, pageMargin = 210, 18
	TextWide             = pageWide - 2*pageMargin // Between the margins.
	factWide             = 54                      // Of the name of a fact.
	lineTall             = 6.2
)

// Row is a line of text cells.
type Row []string

// PDF is a document in A4 in the making.
type PDF struct {
	*fpdf.Fpdf
	latin func(string) string
}

// NewPDF begins a document. Its date is what it is of, so that the same figures make
// the same bytes.
func NewPDF(title, footer, lang string, at time.Time) *PDF {
	p := &PDF{Fpdf: fpdf.New("P", "mm", "A4", "")}
	translate := p.UnicodeTranslatorFromDescriptor("") // Windows-1252, which the fonts of every PDF reader have.
	p.latin = func(text string) string { return translate(strings.ReplaceAll(text, "−", "–")) }
	p.SetCreationDate(at)
	p.SetModificationDate(at)
	p.SetCatalogSort(true)
	p.SetProducer("Commonwatt", true)
	p.SetTitle(title, true)
	p.SetLang(lang)
	p.SetMargins(pageMargin, pageMargin, pageMargin)
	p.SetAutoPageBreak(true, pageMargin)
	p.SetFooterFunc(func() {
		p.SetY(-12)
		p.SetFont("Helvetica", "", 8)
		p.CellFormat(TextWide, 5, p.latin(fmt.Sprintf("%s – %d", footer, p.PageNo())), "", 0, "R", false, 0, "")
	})
	p.AddPage()
	return p
}

// Head writes what the document is, and facts of it.
func (p *PDF) Head(of, heading string, facts [][2]string) {
	p.SetFont("Helvetica", "", 10)
	p.CellFormat(TextWide, 5, p.latin(of), "", 1, "L", false, 0, "")
	p.SetFont("Helvetica", "B", 20)
	p.MultiCell(TextWide, 9.5, p.latin(heading), "", "L", false)
	p.Ln(3.5)
	p.Facts(facts)
}

// Facts writes facts under their names.
func (p *PDF) Facts(facts [][2]string) {
	for _, fact := range facts {
		p.SetFont("Helvetica", "", 10)
		p.CellFormat(factWide, 5.4, p.latin(fact[0]), "", 0, "L", false, 0, "")
		p.MultiCell(TextWide-factWide, 5.4, p.latin(fact[1]), "", "L", false)
	}
	p.Ln(5)
}

// Heading begins a part.
func (p *PDF) Heading(text string) {
	p.Ln(5)
	p.SetFont("Helvetica", "B", 12)
	p.CellFormat(TextWide, 8, p.latin(text), "", 1, "L", false, 0, "")
}

// Text writes a paragraph.
func (p *PDF) Text(text string) {
	p.SetFont("Helvetica", "", 10)
	p.MultiCell(TextWide, 5.2, p.latin(text), "", "L", false)
}

// Table writes rows under a header, and a sum when there is one.
func (p *PDF) Table(header Row, widths []float64, rows []Row, sum Row) {
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

func (p *PDF) cells(r Row, widths []float64, border string) {
	for i, text := range r {
		align := "R"
		if i == 0 {
			align = "L"
		}
		p.CellFormat(widths[i], lineTall, p.latin(text), border, 0, align, false, 0, "")
	}
	p.Ln(lineTall)
}

// Keep begins another page where so many millimetres are not left on this one.
func (p *PDF) Keep(tall float64) {
	if _, all := p.GetPageSize(); p.GetY()+tall > all-pageMargin {
		p.AddPage()
	}
}

// QR draws a code of so many millimetres a side, with a text beside it.
func (p *PDF) QR(q QR, side float64, text string) {
	x, y, square := p.GetX(), p.GetY(), side/float64(q.Size)
	p.SetFillColor(0, 0, 0)
	q.runs(func(at, row, wide int) {
		p.Rect(x+float64(at)*square, y+float64(row)*square, float64(wide)*square, square, "F")
	})
	p.SetXY(x+side+6, y+2)
	p.SetFont("Helvetica", "", 9.5)
	p.MultiCell(TextWide-side-6, 5, p.latin(text), "", "L", false)
	p.SetXY(x, max(y+side, p.GetY()))
}
