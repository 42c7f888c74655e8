package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/live"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/operator"
)

func recordCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "record DIR FILE...",
		Short: "Hand readings to the node that runs",
		Long: `Record reads meter files, CSV or gzip, and hands them to the node that runs in DIR,
which books them as the operator. The same readings again change nothing; others for
an interval that was settled correct it. A file that is bad is refused whole.

Where no node runs, settle takes readings: commonwatt settle DIR/community.toml
--readings FILE --out DIR.`,
		Example: `  commonwatt record elm-street today.csv`,
		Args:    usage(cobra.MinimumNArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return record(cmd, args[0], args[1:])
		},
	}
}

// record books the readings of files by the node that runs in a folder.
func record(cmd *cobra.Command, dir string, files []string) error {
	c, err := loadCommunity(dir)
	if err != nil {
		return err
	}
	client, err := live.Find(cmd.Context(), dir)
	if errors.Is(err, live.ErrNotRunning) {
		return badInput(fmt.Errorf("%s: %w: run \"commonwatt up %s\" first, or use \"commonwatt settle %s/community.toml --readings FILE --out %s\"",
			dir, err, shellWord(dir), shellWord(dir), shellWord(dir)))
	}
	if err != nil {
		return err
	}
	show := newProgress(cmd.ErrOrStderr())
	defer show.end()
	readings, err := gateway.Load(files, gateway.Expect{Meters: c.Meters(), Length: c.Length}, show.bytes("reading"))
	if err != nil {
		return badInput(err)
	}
	readings = slices.DeleteFunc(readings, func(r gateway.Reading) bool { return r.Quality == gateway.Null })
	if end := interval.Time(time.Now().Unix()) + metering.MaxSkew; len(readings) > 0 {
		if last := readings[len(readings)-1]; last.Start+interval.Time(c.Length) > end {
			return badInput(fmt.Errorf("the reading of %s at %s ends after this computer's clock: check the dates and the clock; nothing was booked", last.Meter, rfc3339(last.Start)))
		}
	}
	all := len(readings)
	for rest := readings; len(rest) > 0; {
		var r metering.Record
		r, rest = operator.Batch(c, rest)
		if err := client.Record(cmd.Context(), r); err != nil {
			return fmt.Errorf("of %d readings %d were booked: %w", all, all-len(rest)-values(r), refusedByNode(err))
		}
		show.draw("booking", int64(all-len(rest)), int64(all), "readings", 1)
	}
	show.end()
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d readings are on the ledger\n", all)
	return err
}

// values counts the readings of a record.
func values(r metering.Record) (n int) {
	for _, i := range r.Intervals {
		n += len(i.Values)
	}
	return n
}
