package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/registry"
	"github.com/commonwatt/commonwatt/tx"
)

func certificatesCommand() *cobra.Command {
	var output, format, country string
	cmd := &cobra.Command{
		Use:   "certificates DIR MEMBER",
		Short: "Print the certificates that a member or a buyer has, pass them on, use them up",
		Long: `Certificates prints what a member has of certificates, lot by lot: how much of what a
device produced in an interval is the member's to pass on or to use up. What was claimed
as it was used is not among them. A community issues certificates when its file says
certificates = true; the bill and the statement of each interval name those that came
with it.

With --format it writes what the member has and what it cancelled as another registry
reads it. A registry that knows nothing smaller than a MWh gets whole ones, made of the
hours of a device; what is left over is said. mrets-csv and ncrets are no certificates
but what was generated: the registry issues its own, so hand in only what is exported to
it.`,
		Example: `  commonwatt certificates elm-street anna
  commonwatt certificates elm-street anna -o csv > certificates.csv
  commonwatt certificates elm-street anna --format energytag > anna.json`,
		Args:              usage(cobra.ExactArgs(2)),
		ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			if format != "" && !slices.Contains(registry.Formats(), registry.Format(format)) {
				return badInput(fmt.Errorf("--format %s: there is no such format: use %s", format, formatNames()))
			}
			return ofMember(cmd, args, output, func(d desk, c *community.Community, account tx.AccountID) error {
				if format != "" {
					return writeCertificates(cmd, d, c, args[1], account, registry.Format(format), country)
				}
				list, err := d.Holdings(cmd.Context(), account)
				if err != nil {
					return err
				}
				return printCertificates(cmd, args[1], output, list)
			})
		},
	}
	outputFlag(cmd, &output, "table", "how to print")
	cmd.Flags().StringVar(&format, "format", "", "for another registry: "+formatNames())
	cmd.Flags().StringVar(&country, "country", "", "where the plants are, two letters as in CH (for --format)")
	cmd.AddCommand(certificatesTransferCommand(), certificatesCancelCommand(), certificatesMatchCommand(), certificatesRulesCommand())
	cmd.AddCommand(asideCommands()...)
	return cmd
}

// printCertificates prints certificates, with their sum where people read.
func printCertificates(cmd *cobra.Command, member, output string, list []pages.Certificate) error {
	out := cmd.OutOrStdout()
	var sum int64
	switch output {
	case "json":
		return json.NewEncoder(out).Encode(list)
	case "csv":
		w := csv.NewWriter(out)
		_ = w.Write([]string{"start", "meter", "energy_wh"}) // Error says it below.
		for _, c := range list {
			_ = w.Write([]string{c.Start, c.Meter, strconv.FormatInt(c.Energy, 10)})
		}
		w.Flush()
		return w.Error()
	}
	for _, c := range list {
		sum += c.Energy
		if _, err := fmt.Fprintf(out, "%s  %-20s %10d Wh\n", c.Start, c.Meter, c.Energy); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(out, "%s has %d Wh of %d lots.\n", member, sum, len(list))
	return err
}
