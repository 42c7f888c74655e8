package paper

import (
	"bytes"
	_ "embed" // The page and its script.
	"encoding/csv"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/pages"
)

//go:embed proof.html
var proofText string

var proofPage = template.Must(template.New("proof").Parse(proofText))

// Script lets the page of a proof check it in the browser, served at ScriptPath.
//
//go:embed check.js
var Script []byte

// ScriptPath is where the page expects Script.
const ScriptPath = "/p/check.js"

// proofSheet is a proof in words.
type proofSheet struct {
	*says
	Words                *says
	ID, Chain, Of, Title string
	Says                 string
	Facts                [][2]string
	Tables               []proofTable
	Proven               []string
	Path, Address        string
	Style, Script, Said  string
	Fields               string
	Name                 string // Of the file to verify.
	Files, Proofs        []file
	How                  string
	QR                   QR
	at                   time.Time
}

// file is something to download.
type file struct {
	Path, Text string
	Own        bool // The proof of the page itself.
}

type proofTable struct {
	Heading string
	Columns Row
	Rows    []Row
	More    string
}

// proofInWords writes a proof out; origin is where its page is.
func proofInWords(p pages.Proven, origin, lang string) (*proofSheet, error) {
	w := in(lang)
	zone, err := community.TimeZone(p.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("paper: %w", err)
	}
	s := &proofSheet{
		says: w, Words: w, ID: p.ID, Chain: p.Chain, Of: p.Community, Title: w.titles[p.Kind], Path: "/p/" + p.ID, Address: origin + "/p/" + p.ID,
		Style: StylePath, Script: ScriptPath, Name: p.ID, How: w.How, at: time.Unix(int64(p.Time), 0).UTC(),
	}
	if s.Title == "" {
		s.Title, s.Says = w.titles[""], p.Kind+": "+p.Says
	} else {
		s.Says = w.sentence(p, zone)
	}
	s.Files = append(s.Files, file{s.Path + ".cwproof", w.File, true}, file{s.Path + ".pdf?lang=" + w.Lang, "PDF", false}, file{s.Path + ".json", "JSON", false})
	if HasCSV(p) {
		s.Files = append(s.Files, file{s.Path + ".csv", "CSV", false})
	}
	if p.Statement != "" && p.Beneficiary != "" {
		s.Files = append(s.Files, file{s.Path + ".statement.json", w.Document, false})
	}
	if s.Of == "" {
		s.Of = p.Chain
	}
	if s.QR, err = NewQR(s.Address); err != nil {
		return nil, err
	}
	if p.Beneficiary != "" {
		s.Facts = append(s.Facts, [2]string{w.names["beneficiary"], p.Beneficiary})
	}
	if p.Note != "" {
		s.Facts = append(s.Facts, [2]string{w.names["note"], p.Note})
	}
	for _, f := range p.Facts {
		s.Facts = append(s.Facts, [2]string{w.names[f.Name], w.fact(f, p.Currency, zone)})
	}
	s.Facts = append(s.Facts, w.about(p, zone)...)
	for _, t := range p.Tables {
		s.Tables = append(s.Tables, w.table(t, p.Currency, zone))
	}
	if len(p.Facts) == 0 {
		var out bytes.Buffer
		if err := json.Indent(&out, p.Fields, "", "  "); err != nil {
			return nil, fmt.Errorf("paper: %w", err)
		}
		s.Fields = out.String()
	}
	s.Proven = append(s.Proven, w.ProvesList...)
	if p.Statement != "" {
		s.Proven = append(s.Proven, fmt.Sprintf(w.ProvesStatement, p.Statement))
	}
	if p.Account != 0 {
		s.Proven = append(s.Proven, fmt.Sprintf(w.ProvesNoNames, strconv.FormatUint(uint64(p.Account), 10)))
	}
	said, err := json.Marshal(w.script)
	s.Said = string(said)
	return s, err
}

// sentence is the receipt in one or two.
func (w *says) sentence(p pages.Proven, zone *time.Location) string {
	of := map[string]string{}
	for _, f := range p.Facts {
		of[f.Name] = w.fact(f, p.Currency, zone)
	}
	switch p.Kind {
	case "settlement.statement":
		text := fmt.Sprintf(w.sentences[p.Kind], of["interval"], of["taken"], of["given"], of["balance"])
		if of["claimed"] != "" {
			text += " " + fmt.Sprintf(w.sentences["claimed"], of["claimed"])
		}
		return text
	case "certificate.issued":
		return fmt.Sprintf(w.sentences[p.Kind], of["issued"], of["interval"])
	case "certificate.cancelled":
		if p.Beneficiary != "" {
			return fmt.Sprintf(w.sentences["beneficiary"], of["energy"], p.Beneficiary)
		}
	}
	return fmt.Sprintf(w.sentences[p.Kind], of["energy"])
}

// about is where the receipt stands and who signed.
func (w *says) about(p pages.Proven, zone *time.Location) [][2]string {
	account := w.Anyone
	if p.Account != 0 {
		account = strconv.FormatUint(uint64(p.Account), 10)
	}
	height := w.Decimal(p.Height, 0)
	return [][2]string{
		{w.Account, account},
		{w.Place, fmt.Sprintf("%d.%d.%d, %s", p.Height, p.Position, p.N, p.Kind)},
		{w.Block, height + ", " + w.Moment(int64(p.Time), zone) + "; " + fmt.Sprintf(w.Signed, p.Signatures, p.Validators, height)},
		{w.Ledger, p.Chain},
	}
}

// fact is one figure or word.
func (w *says) fact(f pages.ProvenFact, c pages.Currency, zone *time.Location) string {
	switch {
	case f.Energy != nil:
		return w.Exact(f.Energy.Wh)
	case f.Money != nil:
		return w.ExactMoney(*f.Money, c)
	case f.Time != nil:
		return w.Moment(int64(*f.Time), zone)
	case f.Number != nil:
		return w.Decimal(*f.Number, 0)
	case f.Word != "":
		if word, known := w.words[f.Word]; known {
			return word
		}
		return f.Word
	}
	return f.Text
}

func (w *says) table(t pages.ProvenTable, c pages.Currency, zone *time.Location) proofTable {
	told := proofTable{Heading: w.names[t.Name]}
	for _, f := range t.Rows[0] {
		told.Columns = append(told.Columns, w.names[f.Name])
	}
	for _, r := range t.Rows {
		var row Row
		for _, f := range r {
			row = append(row, w.fact(f, c, zone))
		}
		told.Rows = append(told.Rows, row)
	}
	if t.More > 0 {
		told.More = fmt.Sprintf(w.More, t.More)
	}
	return told
}

// ProofHTML writes the page of a proof; origin is where people open the node.
//
// Errors: those of the writer.
func ProofHTML(out io.Writer, p pages.Proven, origin, lang string) error {
	s, err := proofInWords(p, origin, lang)
	if err != nil {
		return err
	}
	return proofPage.Execute(out, s)
}

// ProofPDF writes the same as a PDF.
//
// Errors: those of the writer.
func ProofPDF(out io.Writer, p pages.Proven, origin, lang string) error {
	s, err := proofInWords(p, origin, lang)
	if err != nil {
		return err
	}
	return s.pdf(out)
}

// pdf writes what the page says as a PDF.
func (s *proofSheet) pdf(out io.Writer) error {
	d := NewPDF(s.Title+", "+s.Of, s.Title+", "+s.ID, s.Lang, s.at)
	d.Head(s.Of, s.Title, nil)
	d.Text(s.Says)
	d.Ln(4)
	d.Facts(s.Facts)
	for _, t := range s.Tables {
		d.Heading(t.Heading)
		d.Table(t.Columns, even(len(t.Columns)), t.Rows, nil)
		if t.More != "" {
			d.Text(t.More)
		}
	}
	if s.Fields != "" {
		d.Heading(s.Words.Fields)
		d.Text(s.Fields)
	}
	d.Heading(s.Words.Proves)
	for _, text := range s.Proven {
		d.Text("– " + text)
	}
	d.Keep(62)
	d.Heading(s.Words.Check)
	d.QR(s.QR, 42, s.How+"\n\ncommonwatt verify "+s.Name+".cwproof\n\n"+s.Words.Address+" "+s.Address)
	if err := d.Output(out); err != nil {
		return fmt.Errorf("paper: %w", err)
	}
	return nil
}

// even divides a page's width.
func even(columns int) []float64 {
	list := make([]float64, columns)
	for i := range list {
		list[i] = float64(TextWide) / float64(columns)
	}
	return list
}

// HasCSV reports whether a proof is of parts, which make a spreadsheet.
func HasCSV(p pages.Proven) bool { return len(p.Tables) == 1 && p.Tables[0].Name == "parts" }

// ProofCSV writes the parts of a cancellation or a transfer as a spreadsheet (RFC 4180),
// by the names of the API.
//
// Errors: those of the writer.
func ProofCSV(w io.Writer, p pages.Proven) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	for _, t := range p.Tables {
		for n, r := range t.Rows {
			var header, row []string
			for _, f := range r {
				header, row = append(header, column(f)), append(row, cell(f))
			}
			if n == 0 {
				_ = out.Write(header) // Flush tells.
			}
			_ = out.Write(row)
		}
	}
	out.Flush()
	return out.Error()
}

func column(f pages.ProvenFact) string {
	switch {
	case f.Energy != nil:
		return f.Name + "_wh"
	case f.Money != nil:
		return f.Name + "_units"
	}
	return f.Name
}

func cell(f pages.ProvenFact) string {
	switch {
	case f.Energy != nil:
		return strconv.FormatInt(f.Energy.Wh, 10)
	case f.Money != nil:
		return strconv.FormatInt(f.Money.Units, 10)
	case f.Time != nil:
		return time.Unix(int64(*f.Time), 0).UTC().Format(time.RFC3339)
	case f.Number != nil:
		return strconv.FormatInt(*f.Number, 10)
	}
	return strings.ReplaceAll(f.Word+f.Text, "–", "-")
}
