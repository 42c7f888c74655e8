package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/live"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/paper"
	"github.com/commonwatt/commonwatt/proof"
	"github.com/commonwatt/commonwatt/tx"
)

// statementAsk is what a statement is to be of, and how it is written.
type statementAsk struct {
	output, out, receipt, origin, lang string
}

func statementCommand() *cobra.Command {
	var ask statementAsk
	cmd := &cobra.Command{
		Use:   "statement DIR MEMBER [MONTH]",
		Short: "Write a statement of certificates: of a member's month, or of one receipt",
		Long: `Statement says what a member used in a month, as in 2026-06, hour by hour, and with how
much of that certificates were used up; what was cancelled for somebody is listed.
Without a month it is this one. With --receipt it is of one receipt, as of a
cancellation: HEIGHT.POSITION.N, as "commonwatt trace" and the certificates' page name it.

--out writes a file, and its ending says which: .pdf has the QR code of the page that
proves it, .json the proofs themselves, .csv the figures, .html a page to print.`,
		Example: `  commonwatt statement elm-street anna 2026-06
  commonwatt statement elm-street anna 2026-06 --out anna-2026-06.pdf
  commonwatt statement elm-street anna --receipt 812.3.0 --out cancelled.pdf`,
		Args:              usage(cobra.RangeArgs(2, 3)),
		ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			s := &statementJob{cmd: cmd, args: args, ask: ask}
			return s.run()
		},
	}
	outputFlag(cmd, &ask.output, "table", "how to print it")
	cmd.Flags().StringVar(&ask.out, "out", "", "file to write: .pdf, .json, .csv or .html")
	cmd.Flags().StringVar(&ask.receipt, "receipt", "", "a receipt of the member, as in 812.3.0, in place of a month")
	cmd.Flags().StringVar(&ask.origin, "origin", "", "where people open the node, for the QR code (default: the running node's, or http://localhost:8420)")
	cmd.Flags().StringVar(&ask.lang, "lang", "en", "language of .pdf and .html: en or de")
	return cmd
}

// statementJob is a statement in the making.
type statementJob struct {
	cmd    *cobra.Command
	args   []string
	ask    statementAsk
	month  pages.CertifiedMonth
	proven pages.Proven
	days   map[string][]proof.Place
}

func (s *statementJob) run() error {
	form := filepath.Ext(s.ask.out)
	switch {
	case s.ask.receipt != "" && len(s.args) == 3:
		return badInput(errors.New("a statement is of a month or of a receipt: leave one away"))
	case s.ask.out != "" && form != ".pdf" && form != ".json" && form != ".csv" && form != ".html":
		return badInput(fmt.Errorf("--out %s: a statement ends with .pdf, .json, .csv or .html", s.ask.out))
	case s.ask.lang != "en" && s.ask.lang != "de":
		return badInput(fmt.Errorf("--lang %s: there is en and de", s.ask.lang))
	}
	s.ask.origin = cmp.Or(s.ask.origin, s.origin())
	if err := s.read(form == ".json" || s.ask.output == "json"); err != nil {
		return err
	}
	if s.ask.out == "" {
		return s.write(s.cmd.OutOrStdout(), map[string]string{"json": ".json", "csv": ".csv"}[s.ask.output])
	}
	var text bytes.Buffer
	if err := s.write(&text, form); err != nil {
		return err
	}
	if err := os.WriteFile(s.ask.out, text.Bytes(), 0o600); err != nil {
		return err
	}
	_, err := fmt.Fprintf(s.cmd.OutOrStdout(), "%s: %d bytes.\n", s.ask.out, text.Len())
	return err
}

// origin is where people open the node that runs, or the usual place.
func (s *statementJob) origin() string {
	if client, err := live.Find(s.cmd.Context(), s.args[0]); err == nil {
		return client.Origin()
	}
	return "http://localhost:8420"
}

// read asks for the figures, and where the receipts of each day stand if they are to
// be proven.
func (s *statementJob) read(proofs bool) error {
	return ofMember(s.cmd, s.args, s.ask.output, func(d desk, c *community.Community, account tx.AccountID) (err error) {
		ctx := s.cmd.Context()
		if s.ask.receipt != "" {
			at, err := place(s.ask.receipt)
			if err != nil {
				return badInput(err)
			}
			if s.proven, err = d.ProvenOf(ctx, account, at); err != nil {
				return err
			}
			s.proven.Beneficiary, s.proven.Note = beneficiaryIn(s.args[0], s.proven.Statement)
			return nil
		}
		month := time.Now().In(c.TimeZone).Format("2006-01")
		if len(s.args) == 3 {
			month = s.args[2]
		}
		if s.month, err = d.CertifiedMonth(ctx, account, month); err != nil || !proofs {
			return err
		}
		s.days = map[string][]proof.Place{}
		for _, day := range s.month.Days {
			if s.days[day.Date], err = d.StatementsOf(ctx, account, day.Date); err != nil {
				return err
			}
		}
		return nil
	})
}

// beneficiaryIn is whom a statement names that a folder keeps; nobody when it does not,
// or when what it keeps is not what the receipt has the hash of.
func beneficiaryIn(dir, hash string) (name, note string) {
	text, err := os.ReadFile(filepath.Join(dir, live.StatementsDir, hash+".json"))
	sum := sha256.Sum256(text)
	var says live.Statement
	if err != nil || hex.EncodeToString(sum[:]) != hash || json.Unmarshal(text, &says) != nil {
		return "", ""
	}
	return says.Beneficiary, says.Note
}

// write writes the statement; without a form, for people.
func (s *statementJob) write(w io.Writer, form string) error {
	if s.ask.receipt != "" {
		return s.writeReceipt(w, form)
	}
	switch form {
	case ".pdf":
		return paper.MonthPDF(w, s.month, s.ask.origin, s.ask.lang)
	case ".html":
		return paper.MonthHTML(w, s.month, s.ask.origin, s.ask.lang)
	case ".csv":
		return paper.MonthCSV(w, s.month)
	case ".json":
		bundles := []paper.DayBundle{}
		for _, d := range s.month.Days {
			raw, err := proveIn(s.cmd, s.args[0], live.ToProve{Places: s.days[d.Date]})
			if err != nil {
				return err
			}
			bundles = append(bundles, paper.DayBundle{Date: d.Date, Bundle: base64.StdEncoding.EncodeToString(raw)})
		}
		return paper.MonthJSON(w, s.month, bundles)
	}
	m := &s.month
	fmt.Fprintf(w, "%s, %s: used %s kWh, %s of it with certificates (%d.%d %%); %d of %d hours wholly\n\n",
		m.Name, m.Month, exact(m.Used), exact(m.Claimed), m.Share/10, m.Share%10, m.Matched, m.Hours)
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "day\tused kWh\tcertified kWh\thours\twholly\t\n")
	for _, d := range m.Days {
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d\t\n", d.Date, exact(d.Used), exact(d.Claimed), d.Hours, d.Matched)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, c := range m.Cancelled {
		fmt.Fprintf(w, "\ncancelled %s: %s kWh, %s, statement %s\n", rfc3339(c.At), exact(c.Energy), c.Purpose, c.Statement)
	}
	return nil
}

// writeReceipt writes the statement of one receipt.
func (s *statementJob) writeReceipt(w io.Writer, form string) error {
	switch form {
	case ".pdf":
		return paper.ProofPDF(w, s.proven, s.ask.origin, s.ask.lang)
	case ".html":
		return paper.ProofHTML(w, s.proven, s.ask.origin, s.ask.lang)
	case ".csv":
		if !paper.HasCSV(s.proven) {
			return badInput(errors.New("only cancellations and transfers have parts, which make a spreadsheet: use .json"))
		}
		return paper.ProofCSV(w, s.proven)
	case ".json":
		at, err := place(s.ask.receipt)
		if err != nil {
			return err
		}
		raw, err := proveIn(s.cmd, s.args[0], live.ToProve{Places: []proof.Place{at}})
		if err != nil {
			return err
		}
		return paper.ProofJSON(w, s.proven, raw)
	}
	text, err := paper.ProofText(s.proven)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, text)
	return err
}

// exact is Wh in kWh.
func exact(wh int64) string { return fmt.Sprintf("%d.%03d", wh/1000, wh%1000) }
