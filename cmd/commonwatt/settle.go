package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/gateway"
)

// settleFlags are the flags of the settle command.
type settleFlags struct {
	readings []string
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
  summary.json    totals, and each member's gain against the utility alone

The folder also holds the ledger itself. "commonwatt verify DIR" checks it, and a
later run with more readings continues it. Late readings correct what was settled.`,
		Example: `  commonwatt settle examples/riverside.toml --readings examples/riverside.csv.gz --out riverside`,
		Args:    usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt)
			defer stop()
			return settle(ctx, cmd, args[0], f)
		},
	}
	cmd.Flags().StringArrayVar(&f.readings, "readings", nil, "file of readings, CSV or gzip; repeat for more")
	cmd.Flags().StringVar(&f.out, "out", "", "folder for the ledger and the results; made if it is not there")
	cmd.Flags().StringVarP(&f.output, "output", "o", "table", "how to print the bills: table, json or csv")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "settle in a temporary folder, print the bills and keep nothing")
	return cmd
}

// settle runs the command: everything that was given is read and checked before
// anything is booked.
func settle(ctx context.Context, cmd *cobra.Command, file string, f settleFlags) (err error) {
	switch {
	case len(f.readings) == 0:
		return badInput(errors.New("--readings is missing: name one file of readings at least, as in --readings week.csv.gz"))
	case f.out == "" && !f.dryRun:
		return badInput(errors.New("--out is missing: name a folder for the ledger and the results, or use --dry-run to keep nothing"))
	}
	if err := checkOutput(f.output); err != nil {
		return err
	}
	c, err := community.Load(file)
	if err != nil {
		return badInput(err)
	}
	show := newProgress(cmd.ErrOrStderr())
	defer show.end()
	readings, err := gateway.Load(f.readings, gateway.Expect{Meters: c.Meters(), Length: c.Length}, show.bytes("reading"))
	if err != nil {
		return badInput(err)
	}
	if len(readings) == 0 {
		return badInput(fmt.Errorf("%s: there are no readings", f.readings[0]))
	}
	dir, keep, err := workingFolder(f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, keep()) }()
	s := settling{community: c, readings: readings, dir: dir, show: show}
	if err := s.run(ctx); err != nil {
		return err
	}
	show.end()
	return s.print(cmd.OutOrStdout(), f.output)
}

// workingFolder returns the folder to settle in, and what to do at the end. A dry
// run works on a copy of what is there.
func workingFolder(f settleFlags) (dir string, end func() error, err error) {
	if !f.dryRun {
		return f.out, func() error { return nil }, os.MkdirAll(f.out, 0o750)
	}
	dir, err = os.MkdirTemp("", "commonwatt-dry-run-")
	if err != nil {
		return "", nil, err
	}
	end = func() error { return os.RemoveAll(dir) }
	if f.out == "" {
		return dir, end, nil
	}
	if _, err := os.Stat(f.out); errors.Is(err, fs.ErrNotExist) {
		return dir, end, nil
	}
	if err := os.CopyFS(dir, os.DirFS(f.out)); err != nil {
		return "", nil, errors.Join(err, end())
	}
	return dir, end, nil
}

// checkOutput refuses a way to print that there is not.
func checkOutput(name string) error {
	switch name {
	case "table", "json", "csv":
		return nil
	}
	return badInput(fmt.Errorf("-o %s: there is no such output: use table, json or csv", name))
}
