package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/node"
)

func statusCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:               "status DIR",
		Short:             "Say how far a ledger is and what its microgrids are waiting for",
		Args:              usage(cobra.ExactArgs(1)),
		ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if err := checkOutput(output); err != nil {
				return err
			}
			if err := checkLedger(args[0]); err != nil {
				return err
			}
			release, err := lockFolder(args[0], false)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, release()) }()
			s, err := node.Inspect(args[0])
			if err != nil {
				return err
			}
			return printStatus(cmd.OutOrStdout(), output, s)
		},
	}
	outputFlag(cmd, &output, "table", "how to print it")
	return cmd
}

func printStatus(w io.Writer, output string, s node.Status) error {
	switch output {
	case "json":
		return json.NewEncoder(w).Encode(s)
	case "csv":
		fmt.Fprintln(w, "microgrid,settled_from,settled_until,devices,due")
		for _, m := range s.Microgrids {
			fmt.Fprintf(w, "%d,%s,%s,%d,%d\n", m.Microgrid, rfc3339(m.Start), rfc3339(m.Open), m.Devices, m.Due)
		}
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	sealed := "closed cleanly and sealed"
	if !s.Sealed {
		sealed = "not closed cleanly: run the command that was ended again"
	}
	fmt.Fprintf(t, "chain\t%s\nheight\t%d\napp hash\t%s\nreceipts\t%d\nfolder\t%s\n", s.Chain, s.Height, s.AppHash, s.Receipts, sealed)
	for _, m := range s.Microgrids {
		fmt.Fprintf(t, "microgrid\t%d: settled from %s until %s, %d devices, %d intervals due\n",
			m.Microgrid, rfc3339(m.Start), rfc3339(m.Open), m.Devices, m.Due)
	}
	return t.Flush()
}
