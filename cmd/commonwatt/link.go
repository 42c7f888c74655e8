package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/live"
)

func linkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "link DIR WHO",
		Short: "Make a one-time link by which somebody signs in",
		Long: `Link prints an address that signs somebody in, once, within 15 minutes: a member by
its name in the community's file, the operator, or an auditor, who sees the ledger
and no household. After that a passkey of one's own is added on the page. A member
that has the name of a role is member:NAME.

It asks the node that runs in DIR.`,
		Example: `  commonwatt link elm-street anna
  commonwatt link elm-street operator`,
		Args: usage(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			node, err := runningNode(cmd, args[0])
			if errors.Is(err, live.ErrNotRunning) {
				return badInput(fmt.Errorf("%s: %w, and a link is good for 15 minutes: run \"commonwatt up %s\" first", args[0], err, shellWord(args[0])))
			}
			if err != nil {
				return err
			}
			link, err := node.Link(cmd.Context(), args[1])
			if err != nil {
				return refusedByNode(err)
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), link)
			return err
		},
		ValidArgsFunction: folders,
	}
}

// runningNode finds the node that runs in a ledger's folder.
//
// Errors: live.ErrNotRunning; a folder without a ledger.
func runningNode(cmd *cobra.Command, dir string) (*live.Client, error) {
	if err := checkLedger(dir); err != nil {
		return nil, err
	}
	return live.Find(cmd.Context(), dir)
}

// refusedByNode makes what a running node refuses bad input.
func refusedByNode(err error) error {
	if _, bad := errors.AsType[*live.BadError](err); bad {
		return badInput(err)
	}
	return err
}
