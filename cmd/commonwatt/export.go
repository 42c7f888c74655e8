package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/tx"
)

// exportFormats are the formats in which export writes.
var exportFormats = []string{string(gateway.CSV), string(gateway.GreenButton)}

func exportCommand() *cobra.Command {
	var from, to, format string
	cmd := &cobra.Command{
		Use:   "export DIR MEMBER",
		Short: "Write a member's readings as a meter file",
		Long: `Export writes what a member's meters measured in the intervals that are settled, as it
stands after corrections, to standard output: as CSV, or as Green Button for programs
that read it. Import reads both back to the same. Quality A is measured, E is not.`,
		Example: `  commonwatt export elm-street anna --from 2026-06-01 --to 2026-06-30 > june.csv
  commonwatt export elm-street anna --format greenbutton > anna.xml`,
		Args:              usage(cobra.ExactArgs(2)),
		ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(exportFormats, format) {
				return badInput(fmt.Errorf("--format %s: there is no such format: use %s", format, strings.Join(exportFormats, " or ")))
			}
			return ofMember(cmd, args, "csv", func(d desk, c *community.Community, account tx.AccountID) error {
				readings, err := d.Readings(cmd.Context(), account, from, to)
				if err != nil {
					return err
				}
				if len(readings) == 0 {
					return badInput(errors.New("no interval of these days is settled: there is nothing to write"))
				}
				if format == string(gateway.GreenButton) {
					return gateway.WriteGreenButton(cmd.OutOrStdout(), c.Name+": "+args[1], readings)
				}
				return gateway.Write(cmd.OutOrStdout(), readings, c.TimeZone)
			})
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "first day, as in 2026-06-01 (default: the first one)")
	cmd.Flags().StringVar(&to, "to", "", "last day (default: the last one)")
	cmd.Flags().StringVar(&format, "format", string(gateway.CSV), "of the file: "+strings.Join(exportFormats, " or "))
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(exportFormats, cobra.ShellCompDirectiveNoFileComp)) // The flag is there.
	return cmd
}
