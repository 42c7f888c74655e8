package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/live"
	"github.com/commonwatt/commonwatt/node"
)

func networkCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "network",
		Short: "Invite nodes to a network, and vote on who decides in it",
		Long: `A network is a ledger that several organisations run: each has a validator, which
decides on blocks with the others, and a seat in the council, which votes on validators
and seats. docs/network.md leads from nothing to four of them.`,
		Args: noSuchCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		networkInviteCommand(), networkAdmitCommand(), networkRemoveCommand(), networkProposeCommand(), networkVoteCommand(),
		networkProposalsCommand(), networkStatusCommand(), networkWaitCommand(),
	)
	return cmd
}

func networkInviteCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "invite DIR",
		Short: "Print an invitation, by which another node joins the network",
		Long: `Invite prints what "commonwatt join" needs: the chain's genesis, the nodes that this one
knows, and a block that a node that joins has to find in its chain. It works while the
node runs and while it does not. There is no secret in an invitation, but whoever has
one can join and read the ledger.`,
		Example:           `  commonwatt network invite elm-street > invitation.json`,
		Args:              usage(cobra.ExactArgs(1)),
		ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			i, err := invitationOf(cmd, args[0])
			if errors.Is(err, node.ErrOffline) {
				err = badInput(fmt.Errorf("%s: %w: write listen = \"HOST:PORT\" into %s, or found a network with \"commonwatt init --network\"", args[0], err, node.SettingsFile))
			}
			if err != nil {
				return err
			}
			return printJSON(cmd.OutOrStdout(), i)
		},
	}
}

// invitationOf asks the node that runs in a folder, or reads the folder at rest.
func invitationOf(cmd *cobra.Command, dir string) (i node.Invitation, err error) {
	client, err := runningNode(cmd, dir)
	switch {
	case err == nil:
		i, err = client.Invitation(cmd.Context())
		return i, refusedByNode(err)
	case !errors.Is(err, live.ErrNotRunning):
		return i, err
	}
	release, err := lockFolder(dir, false)
	if err != nil {
		return i, err
	}
	defer func() { err = errors.Join(err, release()) }()
	s, err := node.LoadSettings(dir)
	if err != nil {
		return i, badInput(err)
	}
	return node.InvitationIn(dir, s)
}
