package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/live"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/operator"
)

// importFlags are the flags of the import command.
type importFlags struct {
	into   string
	meters []string
	output string
	dryRun bool
}

func importCommand() *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "import FILE...",
		Short: "Read meter files and book their readings",
		Long: `Import reads meter files and hands their readings to the node that runs in a
community's folder, which books them as the operator. The same readings again change
nothing; others for an interval that was settled correct it.

It tells the format by what a file holds, also within .zip and .gz:

  CSV           ` + gateway.Header + `
  NEM12         of Australian meters; time is UTC+10:00; E is import, B is export
  Green Button  ESPI XML; flow direction 1 is import, 19 is export
  DSMR P1       telegrams of Dutch and Belgian meters, the register at both ends of
                each interval; W and S are the community's winter and summer time

A file that is bad is refused whole, with its line. Shorter intervals than the
community's are summed. --dry-run says what the files hold, and books nothing; it
needs no community.

Where no node runs, settle takes the same files: commonwatt settle DIR/community.toml
--readings FILE --out DIR.`,
		Example: `  commonwatt import --into elm-street today.csv
  commonwatt import --into elm-street --meter 6305812345=anna nem12.zip
  commonwatt import --dry-run greenbutton.xml`,
		Args: usage(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return importFiles(cmd, args, f)
		},
	}
	cmd.Flags().StringVar(&f.into, "into", "", "folder of the community (default: this folder, if it is one)")
	meterFlag(cmd, &f.meters)
	outputFlag(cmd, &f.output, "table", "how to print what the files hold")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "say what the files hold, and book nothing")
	_ = cmd.MarkFlagDirname("into") // The flag is there.
	return cmd
}

// meterFlag adds --meter to a command that reads meter files.
func meterFlag(cmd *cobra.Command, meters *[]string) {
	cmd.Flags().StringArrayVar(meters, "meter", nil, "community's NAME of the one meter in the files, or ID=NAME of the meter that they call ID; repeat for more")
}

// expected is what the files of a community have to hold; nil: of any one.
func expected(c *community.Community, meters []string) (gateway.Expect, error) {
	var e gateway.Expect
	if c != nil {
		e = gateway.Expect{Meters: c.Meters(), Length: c.Length, Zone: c.TimeZone}
	}
	if err := e.Name(meters); err != nil {
		return e, badInput(fmt.Errorf("--meter %w", err))
	}
	return e, nil
}

// importFiles runs the command.
func importFiles(cmd *cobra.Command, files []string, f importFlags) error {
	if err := checkOutput(f.output); err != nil {
		return err
	}
	c, err := importInto(&f)
	if err != nil {
		return err
	}
	expect, err := expected(c, f.meters)
	if err != nil {
		return err
	}
	var client *live.Client
	if !f.dryRun {
		if client, err = nodeToBook(cmd.Context(), f.into); err != nil {
			return err
		}
	}
	show := newProgress(cmd.ErrOrStderr())
	defer show.end()
	content, err := gateway.Load(files, expect, show.bytes("reading"))
	if err != nil {
		return badInput(err)
	}
	readings, err := operator.Bookable(content.Readings, interval.Time(time.Now().Unix()))
	if err != nil {
		return badInput(err)
	}
	show.end()
	if f.dryRun {
		return printContent(cmd, f.output, content, len(readings), false)
	}
	if len(readings) > 0 {
		if err := book(cmd.Context(), client, c, readings, show); err != nil {
			return err
		}
	}
	show.end()
	if err := printContent(cmd, f.output, content, len(readings), true); err != nil {
		return err
	}
	return noReadings(readings)
}

// importInto loads the community that files are for: the one of --into, or of this
// folder. A dry run needs none, and then it is nil.
func importInto(f *importFlags) (*community.Community, error) {
	if f.into == "" {
		if _, err := os.Stat(community.File); err != nil {
			if f.dryRun {
				return nil, nil //nolint:nilnil // no community is an answer
			}
			return nil, badInput(errors.New("this folder is no community's: name one with --into DIR, or use --dry-run to see what the files hold"))
		}
	}
	f.into = cmp.Or(f.into, ".")
	return loadCommunity(f.into)
}

// nodeToBook finds the node that runs in a folder.
func nodeToBook(ctx context.Context, dir string) (*live.Client, error) {
	client, err := live.Find(ctx, dir)
	if errors.Is(err, live.ErrNotRunning) {
		file := shellWord(filepath.Join(dir, community.File))
		return nil, badInput(fmt.Errorf("%s: %w: run \"commonwatt up %s\" first, or use \"commonwatt settle %s --readings FILE --out %s\"",
			dir, err, shellWord(dir), file, shellWord(dir)))
	}
	return client, err
}

// noReadings refuses files that are good and of which nothing can be booked.
func noReadings(readings []gateway.Reading) error {
	if len(readings) > 0 {
		return nil
	}
	return badInput(errors.New("the files hold no reading that can be booked, for the reasons above; nothing was booked"))
}

// book hands readings to a running node, as many at a time as go into one envelope.
func book(ctx context.Context, client *live.Client, c *community.Community, readings []gateway.Reading, show *progress) error {
	all := len(readings)
	for rest := readings; len(rest) > 0; {
		var r metering.Record
		r, rest = operator.Batch(c, rest)
		if err := client.Record(ctx, r); err != nil {
			return fmt.Errorf("of %d readings %d were booked: %w", all, all-len(rest)-values(r), refusedByNode(err))
		}
		show.draw("booking", int64(all-len(rest)), int64(all), "readings", 1)
	}
	return nil
}

// values counts the readings of a record.
func values(r metering.Record) (n int) {
	for _, i := range r.Intervals {
		n += len(i.Values)
	}
	return n
}
