package bill

import (
	"fmt"
	"io"
	"time"

	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/paper"
)

// PDF writes the bill as a PDF in A4. Its date is the end of what it tells.
//
// Errors: those of the writer.
func PDF(w io.Writer, m pages.Month, lang string) error {
	s, err := inWords(m, lang)
	if err != nil {
		return err
	}
	p := paper.NewPDF(s.Heading+", "+s.Name+", "+s.Of, s.Heading+", "+s.Name, s.Lang, time.Unix(int64(m.Through), 0).UTC())
	p.Head(s.Of, s.Heading, [][2]string{{s.Member, s.Name}, {s.Account, s.Number}, {s.Period, s.From}, {s.Words.State, s.How}})
	if s.Nothing {
		p.Text(s.None)
	} else {
		p.Table(row{s.Line, s.Energy, s.Price, s.Amount}, []float64{60, 32, 46, 36}, s.Lines, row{s.Words.Balance, "", "", s.Balance})
		p.Table(nil, []float64{138, 36}, []row{{s.Words.Alone, s.Alone}, {s.Words.Gain, s.Gain}}, nil)
		p.Heading(s.Words.Sources)
		p.Table(nil, []float64{92, 46, 36}, s.Sources, nil)
		if s.Estimates != "" {
			p.Text(s.Estimates)
		}
		if len(s.Revisions) > 0 {
			p.Heading(s.Corrections)
			p.Table(row{s.Interval, s.Before, s.After, s.Block}, []float64{66, 40, 40, 28}, s.Revisions, nil)
		}
		p.Heading(s.Words.Days)
		p.Table(row{s.Day, s.Used, s.Made, s.Earned, s.Paid, s.Words.Balance}, []float64{34, 30, 30, 26, 26, 28}, s.Days, s.DaySums)
	}
	p.Heading(s.Words.Check)
	p.Text(s.Check)
	if err := p.Output(w); err != nil {
		return fmt.Errorf("bill: %w", err)
	}
	return nil
}
