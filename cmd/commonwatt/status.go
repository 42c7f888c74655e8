package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/broker"
	"github.com/commonwatt/commonwatt/live"
	"github.com/commonwatt/commonwatt/node"
)

func statusCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:               "status DIR",
		Short:             "Say how far a ledger is and what its microgrids are waiting for",
		Args:              usage(cobra.ExactArgs(1)),
		ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			s, err := statusOf(cmd, args[0])
			if err != nil {
				return err
			}
			return printStatus(cmd.OutOrStdout(), output, s)
		},
	}
	outputFlag(cmd, &output, "table", "how to print it")
	return cmd
}

// statusOf asks the node that runs in a folder, or reads the folder at rest.
func statusOf(cmd *cobra.Command, dir string) (s live.Running, err error) {
	client, err := runningNode(cmd, dir)
	switch {
	case err == nil:
		return client.Status(cmd.Context())
	case !errors.Is(err, live.ErrNotRunning):
		return s, err
	}
	release, err := lockFolder(dir, false)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, release()) }()
	if s.Status, err = node.Inspect(dir); err == nil {
		s.ReadModel, err = node.InspectView(cmd.Context(), dir)
	}
	return s, err
}

func printStatus(w io.Writer, output string, s live.Running) error {
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
	switch {
	case s.Origin != "":
		sealed = "a node runs here and serves " + s.Origin
	case !s.Sealed:
		sealed = "not closed cleanly: run the command that was ended again"
	}
	fmt.Fprintf(t, "chain\t%s\nheight\t%d\napp hash\t%s\nreceipts\t%d\nfolder\t%s\n", s.Chain, s.Height, s.AppHash, s.Receipts, sealed)
	fmt.Fprintf(t, "rules\t%s\n", rulesSay(s.Rules))
	if s.First > 1 {
		fmt.Fprintf(t, "receipts of\tblocks from %d on: those before are not here\n", s.First)
	}
	fmt.Fprintf(t, "read model\t%s\n", readModelSays(s.ReadModel))
	if s.Signer != nil {
		fmt.Fprintf(t, "signer\t%s\n", signerSays(s.Signer))
	}
	if s.Gateway != nil {
		fmt.Fprintf(t, "devices\t%s\n", gatewaySays(s.Gateway))
	}
	for _, m := range s.Microgrids {
		fmt.Fprintf(t, "microgrid\t%d: settled from %s until %s, %d devices, %d intervals due\n",
			m.Microgrid, rfc3339(m.Start), rfc3339(m.Open), m.Devices, m.Due)
	}
	return t.Flush()
}

// rulesVersion is the version in force.
func rulesVersion(r node.Rules) string { return fmt.Sprintf("version %d", r.InForce) }

// rulesSay is by which rules blocks are executed, and what comes next.
func rulesSay(r node.Rules) string {
	says := rulesVersion(r)
	if r.Agreed != nil {
		says += fmt.Sprintf(", from height %d on version %d", r.Agreed.Height, r.Agreed.Rules)
	}
	if !r.Known {
		says += fmt.Sprintf("; this program knows them up to version %d: install a newer one", r.Newest)
	}
	return says
}

// gatewaySays is where devices connect and what waits there.
func gatewaySays(g *broker.State) string {
	says := fmt.Sprintf("%d messages wait for the ledger", g.Waiting)
	if g.Fault != "" {
		return fmt.Sprintf("the gateway at %s does not answer: %s", g.Address, g.Fault)
	}
	if g.Connected >= 0 {
		says = fmt.Sprintf("%d connected, %s", g.Connected, says)
	}
	return fmt.Sprintf("connect to %s: %s", g.Address, says)
}

// readModelSays is where the read model is, and what is wrong with it.
func readModelSays(m node.ReadModel) string {
	says := m.Address
	if m.Height > 0 {
		says += fmt.Sprintf(", shows block %d", m.Height)
	}
	switch {
	case m.Behind != "":
		says += ", is behind: " + m.Behind
	case m.Writer != "":
		says += ", is written by " + m.Writer
	}
	return says
}
