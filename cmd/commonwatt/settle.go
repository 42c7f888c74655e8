package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/operator"
)

// settleFlags are the flags of the settle command.
type settleFlags struct {
	readings []string
	meters   []string
	out      string
	output   string
	dryRun   bool
}

func settleCommand() *cobra.Command {
	var f settleFlags
	cmd := &cobra.Command{
		Use:   "settle COMMUNITY.toml --readings FILE --out DIR",
		Short: "Settle a community's readings on its own ledger and write its bills",
		Long: `Settle reads a community file and its meters' readings, runs them through a node
with a ledger of its own, and writes what came out:

  bills.csv       what each account pays and gets, by month and line
  trades.csv      who sold to whom, when, and at what price
  intervals.csv   prices and energy of every zone in every interval
  exceptions.csv  readings that somebody should look at
  matching.csv    how production met use, and what the rest emitted, hour by hour
  summary.json    totals, and each member's gain against the utility alone

The folder also holds the ledger itself. "commonwatt verify DIR" checks it, and a
later run with more readings continues it: readings that the ledger has already
are left alone, late ones correct what was settled. A run that was interrupted
goes on when the same command runs again.`,
		Example: `  commonwatt settle examples/riverside.toml --readings examples/riverside.csv.gz --out riverside`,
		Args:    usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			return settle(ctx, cmd, args[0], f)
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return []string{"toml"}, cobra.ShellCompDirectiveFilterFileExt
		},
		DisableFlagsInUseLine: true,
	}
	cmd.Flags().StringArrayVar(&f.readings, "readings", nil, "meter file, as import takes it; repeat for more")
	meterFlag(cmd, &f.meters)
	cmd.Flags().StringVar(&f.out, "out", "", "folder for the ledger and the results; made if it is not there")
	outputFlag(cmd, &f.output, "table", "how to print the bills")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "settle in a temporary folder, print the bills and keep nothing")
	_ = cmd.MarkFlagDirname("out") // The flag is there.
	return cmd
}

// errInterrupted is the cause of what an interrupt ends.
var errInterrupted = errors.New("interrupted: run the same command again to go on from here")

// interruptible is a context that an interrupt ends; a second one ends the
// program.
func interruptible(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-signals:
			signal.Stop(signals)
			cancel(errInterrupted)
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel(nil)
	}
}

// settle runs the command: everything that was given is read and checked before
// anything is booked.
func settle(ctx context.Context, cmd *cobra.Command, file string, f settleFlags) (err error) {
	if err := f.check(); err != nil {
		return err
	}
	show := newProgress(cmd.ErrOrStderr())
	defer show.end()
	s, err := gather(file, f, show)
	if err != nil {
		return badInput(err)
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	dir, end, err := workingFolder(f)
	if end != nil {
		defer func() { err = errors.Join(err, end()) }()
	}
	if err != nil {
		return err
	}
	s.dir = dir
	if err := s.run(ctx); err != nil {
		return err
	}
	show.end()
	s.screened.tell(cmd.ErrOrStderr())
	return s.print(cmd.OutOrStdout(), f.output)
}

// check refuses flags that cannot be used together or at all.
func (f *settleFlags) check() error {
	switch {
	case len(f.readings) == 0:
		return badInput(errors.New("--readings is missing: name one file of readings at least, as in --readings week.csv.gz"))
	case f.out == "" && !f.dryRun:
		return badInput(errors.New("--out is missing: name a folder for the ledger and the results, or use --dry-run to keep nothing"))
	}
	if err := checkOutput(f.output); err != nil {
		return err
	}
	if f.out == "" {
		return nil
	}
	return checkOut(f.out)
}

// gather reads what is to be settled, and refuses what no ledger would take.
func gather(file string, f settleFlags, show *progress) (s *settling, err error) {
	c, err := community.Load(file)
	if err != nil {
		return nil, err
	}
	s = &settling{community: c, show: show}
	expect, err := expected(c, f.meters)
	if err != nil {
		return nil, err
	}
	content, err := gateway.Load(f.readings, expect, show.bytes("reading"))
	if err != nil {
		return nil, err
	}
	show.end()
	tellNotes(show.out, content.Notes)
	s.readings = content.Readings
	bookable, err := operator.Bookable(slices.Clone(s.readings), interval.Time(time.Now().Unix()))
	if err == nil {
		err = noReadings(bookable)
	}
	if err != nil {
		return nil, err
	}
	s.start, s.end = s.readings[0].Start, s.readings[len(s.readings)-1].Start+interval.Time(c.Length)
	if _, err := c.TariffSteps(s.start, s.end); err != nil {
		return nil, fmt.Errorf("%w: complete the tariff, or leave the readings of that time out; nothing was booked", err)
	}
	return s, nil
}
