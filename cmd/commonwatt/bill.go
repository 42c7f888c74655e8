package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/bill"
	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/live"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/proof"
	"github.com/commonwatt/commonwatt/report"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// desk is where a household's pages come from: a running node, or a folder at rest.
type desk interface {
	Month(ctx context.Context, account tx.AccountID, month string) (pages.Month, error)
	Today(ctx context.Context, account tx.AccountID, date string) (pages.Today, error)
	Readings(ctx context.Context, account tx.AccountID, from, to string) ([]gateway.Reading, error)
	Holdings(ctx context.Context, account tx.AccountID) ([]pages.Certificate, error)
	TraceOf(ctx context.Context, account tx.AccountID, at string) (pages.Trace, error)
	CertifiedMonth(ctx context.Context, account tx.AccountID, month string) (pages.CertifiedMonth, error)
	StatementsOf(ctx context.Context, account tx.AccountID, date string) ([]proof.Place, error)
	ProvenOf(ctx context.Context, account tx.AccountID, at proof.Place) (pages.Proven, error)
	CertificateRuns(ctx context.Context, account tx.AccountID) ([]pages.CertificateRun, error)
	Crossings(ctx context.Context, account tx.AccountID) ([]pages.Crossing, error)
}

func billCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "bill DIR MEMBER [MONTH]",
		Short: "Print a member's bill for a month",
		Long: `Bill prints what a member used, paid and earned in a month, as in 2026-06, by line: the
figures of the bill's page, to the unit. Without a month it is this one, or the last
one that there is a bill for.`,
		Example:           `  commonwatt bill elm-street anna 2026-06`,
		Args:              usage(cobra.RangeArgs(2, 3)),
		ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			return ofMember(cmd, args, output, func(d desk, c *community.Community, account tx.AccountID) error {
				month := time.Now().In(c.TimeZone).Format("2006-01")
				if len(args) == 3 {
					month = args[2]
				}
				m, err := d.Month(cmd.Context(), account, month)
				if err == nil && len(args) == 2 && len(m.Days) == 0 && len(m.Months) > 0 {
					m, err = d.Month(cmd.Context(), account, m.Months[0])
				}
				if err != nil {
					return err
				}
				return printBill(cmd.OutOrStdout(), output, m)
			})
		},
	}
	outputFlag(cmd, &output, "table", "how to print it")
	return cmd
}

func todayCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "today DIR MEMBER [DATE]",
		Short: "Print a member's day",
		Long: `Today prints what a member used on a day, where that came from, and what it cost: the
figures of the household's page. Without a date, as in 2026-06-20, it is today.`,
		Example:           `  commonwatt today elm-street anna 2026-06-20`,
		Args:              usage(cobra.RangeArgs(2, 3)),
		ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			return ofMember(cmd, args, output, func(d desk, c *community.Community, account tx.AccountID) error {
				date := time.Now().In(c.TimeZone).Format(time.DateOnly)
				if len(args) == 3 {
					date = args[2]
				}
				t, err := d.Today(cmd.Context(), account, date)
				if err != nil {
					return err
				}
				return printToday(cmd.OutOrStdout(), output, args[1], t)
			})
		},
	}
	outputFlag(cmd, &output, "table", "how to print it")
	return cmd
}

// ofMember runs f over the pages of the member that arguments name.
func ofMember(cmd *cobra.Command, args []string, output string, f func(desk, *community.Community, tx.AccountID) error) error {
	if err := checkOutput(output); err != nil {
		return err
	}
	c, err := loadCommunity(args[0])
	if err != nil {
		return err
	}
	if !hasAccount(c, args[1]) {
		return badInput(fmt.Errorf("%s: there is no member %.80q: \"commonwatt member list %s\" lists them",
			filepath.Join(args[0], community.File), args[1], shellWord(args[0])))
	}
	client, err := live.Find(cmd.Context(), args[0])
	switch {
	case err == nil:
		return refusedByNode(f(client, c, c.Account(args[1])))
	case !errors.Is(err, live.ErrNotRunning):
		return err
	}
	err = atRest(args[0], c, func(d desk) error { return f(d, c, c.Account(args[1])) })
	if _, no := errors.AsType[*pages.NotFound](err); no {
		return badInput(err)
	}
	return err
}

// atRest runs f over the pages of a folder in which no node runs.
func atRest(dir string, c *community.Community, f func(desk) error) (err error) {
	release, err := lockFolder(dir, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	return node.PeekView(dir, func(s *node.Still) error {
		return f(&pages.Source{
			View: s.View, Read: func(read func(state.Reader, machine.Head)) { read(s.Rows, s.Head) }, Audit: s, Now: time.Now,
			Names: map[grid.MicrogridID]report.Names{c.Microgrid(): report.NamesOf(c)},
		})
	})
}

func printBill(w io.Writer, output string, m pages.Month) error {
	switch output {
	case "json":
		return json.NewEncoder(w).Encode(m)
	case "csv":
		return bill.CSV(w, m)
	}
	settled := "nothing settled yet"
	if m.Through > 0 {
		settled = "settled until " + rfc3339(m.Through)
	}
	fmt.Fprintf(w, "%s, %s: %s\n\n", m.Name, m.Month, settled)
	return printAccount(w, m.Lines, m.Balance, m.Better, m.Currency.Code)
}

func printToday(w io.Writer, output, member string, t pages.Today) error {
	switch output {
	case "json":
		return json.NewEncoder(w).Encode(t)
	case "csv":
		fmt.Fprintln(w, "start,state,roof_wh,battery_wh,neighbours_wh,grid_wh,to_battery_wh,to_neighbours_wh,to_grid_wh,amount_units")
		for _, i := range t.Intervals {
			fmt.Fprintf(w, "%s,%s,%d,%d,%d,%d,%d,%d,%d,%d\n", rfc3339(i.Start), i.State,
				i.Roof, i.Battery, i.Neighbours, i.Grid, i.ToBattery, i.ToNeighbours, i.ToGrid, i.Amount)
		}
		return nil
	}
	fmt.Fprintf(w, "%s, %s: %d intervals settled, %d provisional, %d to come\n\n", member, t.Date, t.Progress.Settled, t.Progress.Provisional, t.Progress.ToCome)
	parts := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintf(parts, "used\t%s kWh\n", hundredths(t.Used.Shown))
	for _, p := range t.Sources {
		fmt.Fprintf(parts, "  %s\t%s kWh\n", p.Name, hundredths(p.Energy.Shown))
	}
	if err := parts.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	return printAccount(w, t.Lines, t.Balance, t.Better, t.Currency.Code)
}

// printAccount prints the lines of an account; what is above zero was earned.
func printAccount(w io.Writer, lines []pages.Line, balance, better pages.Money, currency string) error {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "line\tkWh\t%s\t\n", currency)
	for _, l := range lines {
		fmt.Fprintf(t, "%s\t%s\t%s\t\n", l.Name, hundredths(l.Energy.Shown), hundredths(l.Amount.Shown))
	}
	fmt.Fprintf(t, "balance\t\t%s\t\nbetter than alone\t\t%s\t\n", hundredths(balance.Shown), hundredths(better.Shown))
	return t.Flush()
}

// hundredths writes a figure as it is shown, with a minus that is one.
func hundredths(shown int64) string {
	sign := ""
	if shown < 0 {
		sign, shown = "−", -shown
	}
	return fmt.Sprintf("%s%d.%02d", sign, shown/100, shown%100)
}
