package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/tx"
)

func traceCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "trace DIR MEMBER TIME",
		Short: "Trace a member's kilowatt-hours of an interval: made, delivered, matched, paid, certified",
		Long: `Trace tells where the energy of one interval of a member came from and went: which
device measured it and how the reading came, over which lines it counts as delivered,
which orders it met at what price, what was posted for it, and which certificates came
with it. Each step names the receipts that say so, as HEIGHT.POSITION.N; a receipt
marked * is not the member's to read, and only that it is there is told.

TIME is any moment of the interval by the community's clock, as in 2026-06-20T13:00.
Where the clocks go back an hour comes twice: 2026-10-25T02:15+02:00 is of the first
one, 2026-10-25T02:15+01:00 of the second.

What is traced is the allocation, by meters and rules. Electrons are not traced.`,
		Example: `  commonwatt trace elm-street anna 2026-06-20T13:00
  commonwatt trace elm-street anna 2026-06-20T13:00 -o json`,
		Args:              usage(cobra.ExactArgs(3)),
		ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			if output == "csv" {
				return badInput(errors.New("-o csv: a trace is no table: use table or json"))
			}
			return ofMember(cmd, args, output, func(d desk, _ *community.Community, account tx.AccountID) error {
				t, err := d.TraceOf(cmd.Context(), account, args[2])
				if err != nil {
					return err
				}
				if output == "json" {
					return json.NewEncoder(cmd.OutOrStdout()).Encode(t)
				}
				p := &tracePrinter{w: cmd.OutOrStdout(), trace: t}
				return p.print()
			})
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "table", "how to print it: table or json")
	return cmd
}

// tracePrinter writes a trace for people. The first error is kept.
type tracePrinter struct {
	w     io.Writer
	trace pages.Trace
	err   error
}

func (p *tracePrinter) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

// step begins a step: what it is, and the receipts that say it.
func (p *tracePrinter) step(name, says string, receipts ...pages.ReceiptRef) {
	p.line("\n%-11s%s%s", name, says, refs(receipts))
}

func (p *tracePrinter) item(text string, receipts ...pages.ReceiptRef) {
	p.line("           %s%s", text, refs(receipts))
}

// refs is where receipts stand.
func refs(receipts []pages.ReceiptRef) string {
	var list []string
	for _, r := range receipts {
		mark := ""
		if r.Sealed {
			mark = "*"
		}
		list = append(list, fmt.Sprintf("%d.%d.%d%s", r.Height, r.Position, r.N, mark))
	}
	if list == nil {
		return ""
	}
	return "  [" + strings.Join(list, " ") + "]"
}

func (p *tracePrinter) print() error {
	t := &p.trace
	about := fmt.Sprintf("%s, %s, %d minutes", t.Name, t.Local, t.Length/60)
	if t.Revision > 1 {
		about += fmt.Sprintf(", corrected: revision %d", t.Revision)
	}
	if t.Estimated {
		about += ", rests on an estimate"
	}
	p.line("%s: used %d Wh, made %d Wh", about, t.Used.Wh, t.Produced.Wh)
	p.made()
	p.delivered()
	p.matched()
	p.paid()
	p.certified()
	for _, b := range t.Before {
		p.step("before", fmt.Sprintf("revision %d: %d Wh taken, %d Wh given, balance %s", b.Revision, b.Import, b.Export, p.money(b.Balance)), b.Receipts...)
	}
	p.line("\nTraced is the allocation, by meters and rules; electrons are not traced.")
	return p.err
}

func (p *tracePrinter) money(m pages.Money) string {
	return fmt.Sprintf("%s %s (%d units)", hundredths(m.Shown), p.trace.Currency.Code, m.Units)
}

func (p *tracePrinter) price(price pages.Price) string {
	return fmt.Sprintf("%s %s/kWh", thousandths(price.Shown), p.trace.Currency.Code)
}

// thousandths writes a price as it is shown, in tenths of a hundredth.
func thousandths(shown int64) string {
	sign := ""
	if shown < 0 {
		sign, shown = "−", -shown
	}
	return fmt.Sprintf("%s%d.%03d", sign, shown/1000, shown%1000)
}

// howRead says how a reading came.
var howRead = map[pages.How]string{
	pages.BySignature: "signed by the device", pages.ByBridge: "signed by the home's gateway",
	pages.ByGateway: "handed in by the community's gateway or as a file", pages.ByEstimate: "estimated: no reading came",
	pages.ByUnknown: "its reading lies too far back to be looked for",
}

func (p *tracePrinter) made() {
	p.step("made", "what the meters counted")
	for _, d := range p.trace.Made {
		text := fmt.Sprintf("%s (%s): %d Wh taken, %d Wh given; %s", d.Meter, d.Kind, d.Import, d.Export, howRead[d.How])
		if d.Sequence > 0 {
			text += fmt.Sprintf(", message %d under key %d, registers %d and %d Wh", d.Sequence, d.Epoch, d.Registers.Import, d.Registers.Export)
		}
		if d.Way != "" {
			text += ", " + strings.ReplaceAll(d.Way, "_", " ")
		}
		p.item(text, d.Receipts...)
	}
}

func (p *tracePrinter) delivered() {
	p.step("delivered", "over which lines it counts as having come and gone", p.trace.Delivered.Receipts...)
	for _, w := range p.trace.Delivered.Ways {
		if w.Within {
			p.item(fmt.Sprintf("%d Wh within the home, over no line", w.Energy))
			continue
		}
		var lines []string
		for _, l := range w.Lines {
			way := "down"
			if l.Up {
				way = "up"
			}
			lines = append(lines, l.Zone+" "+way)
		}
		over := "over no line"
		if len(lines) > 0 {
			over = fmt.Sprintf("over %s for %s, of which the lines lose %d Wh", strings.Join(lines, ", "), p.price(w.Price), w.Lost)
		}
		p.item(fmt.Sprintf("%d Wh from %s to %s, %s", w.Energy, p.end(w, w.Bought, w.From), p.end(w, !w.Bought, w.To), over))
	}
}

// end is where a way begins or ends: at home, at neighbours' or at the grid.
func (p *tracePrinter) end(w pages.TraceWay, others bool, zone string) string {
	switch {
	case !others:
		return "here (" + zone + ")"
	case w.Utility:
		return "the grid (" + zone + ")"
	}
	return "neighbours in " + zone
}

func (p *tracePrinter) matched() {
	m := &p.trace.Matched
	says := "no neighbours traded in " + m.Zone
	switch {
	case m.Withheld:
		says = "what neighbours paid is of too few homes to be told"
	case m.Price != nil:
		says = "neighbours traded at " + p.price(*m.Price)
	}
	p.step("matched", fmt.Sprintf("%s; the grid asks %s and pays %s", says, p.price(m.Retail), p.price(m.FeedIn)), m.Receipts...)
	for _, o := range m.Orders {
		limit := "for at most "
		if o.Side == "sell" {
			limit = "for at least "
		}
		text := fmt.Sprintf("asked to %s %d Wh %s%s", o.Side, o.Energy, limit, p.price(o.Limit))
		if o.Green {
			text += ", green"
		}
		p.item(fmt.Sprintf("%s: %d Wh met neighbours", text, o.Filled))
	}
	for _, d := range m.Deals {
		what, who := "sold", "to the grid"
		if d.Bought {
			what, who = "bought", "from the grid"
		}
		if !d.Utility {
			who = strings.Replace(who, "the grid", "a neighbour in "+d.Path, 1)
		}
		if d.Green {
			what += " green"
		}
		p.item(fmt.Sprintf("%s %d Wh %s at %s: %s", what, d.Energy, who, p.price(d.Price), p.money(d.Amount)))
	}
}

func (p *tracePrinter) paid() {
	paid := &p.trace.Paid
	p.step("paid", fmt.Sprintf("%s; with the grid alone it would be %s", p.money(paid.Balance), p.money(paid.Alone)), paid.Receipts...)
	for _, l := range paid.Lines {
		p.item(fmt.Sprintf("%s, %d Wh: %s", strings.ReplaceAll(l.Name, "_", " "), l.Energy.Wh, p.money(l.Amount)))
	}
	if p.trace.Revision > 1 {
		p.item(fmt.Sprintf("this revision posted the difference, %d units", paid.Posted))
	}
}

func (p *tracePrinter) certified() {
	c := &p.trace.Certified
	if !c.Issues {
		p.step("certified", "this community issues no certificates")
		return
	}
	p.step("certified", fmt.Sprintf("%d Wh claimed as they were used; %d Wh were used without a certificate", c.Claimed, c.Without), c.Receipts...)
	for _, o := range c.Origins {
		whose := "of a neighbour in " + o.Zone
		if o.Own {
			whose = "of " + o.Meter
		}
		what := "to pass on or to cancel"
		if o.Claimed {
			what = "claimed"
		}
		p.item(fmt.Sprintf("%d Wh %s %s: %s", o.Energy, o.Kind, whose, what))
	}
	for _, l := range c.Lots {
		p.item(fmt.Sprintf("lot of %s, %d Wh issued: %d claimed here, %d went with green trades, %d kept, of which %d are still held",
			l.Meter, l.Issued, l.Claimed, l.Neighbours, l.Kept, l.Held), l.Receipts...)
	}
}
