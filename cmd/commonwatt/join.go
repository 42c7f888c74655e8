package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/operator"
)

// requestFile is what an organisation hands to a member of the council.
const requestFile = "request.json"

// joiningFiles are what a join that was cut short leaves behind.
var joiningFiles = []string{requestFile, operator.OrganisationFile, node.SettingsFile, node.InvitationFile, node.OrganisationsFile}

func joinCommand() *cobra.Command {
	var s node.Settings
	var name string
	cmd := &cobra.Command{
		Use:   "join DIR INVITATION",
		Short: "Make a node of a network that others run",
		Long: `Join makes a folder for a node of a network, by the invitation that "commonwatt network
invite" printed at a node of it: the node's keys, the organisation's key by which it
votes, and DIR/request.json.

"commonwatt up DIR" then runs it: it fetches the ledger from the others and serves it.
To decide on blocks as a validator, hand request.json, in which nothing is secret, to a
member of the council, who admits the organisation with "commonwatt network admit".

--listen is where other nodes reach this one; it is not where pages are served.`,
		Example: `  commonwatt join town-utility invitation.json --listen 127.0.0.1:26662 --name "Town Utility"
  commonwatt join town-utility invitation.json --listen 0.0.0.0:26656 --advertise node.utility.example:26656`,
		Args: usage(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error { return join(cmd, args[0], args[1], name, s) },
	}
	listenFlags(cmd, &s)
	cmd.Flags().BoolVar(&s.StateSync, "state-sync", false, "begin with the state of the other nodes, proven from the invitation's block on, in place of all blocks: it is quick, and leaves the node without pages")
	cmd.Flags().StringVar(&name, "name", "", "what the organisation is called (default: the folder's name)")
	return cmd
}

// listenFlags are the flags of commands that make a node of a network.
func listenFlags(cmd *cobra.Command, s *node.Settings) {
	cmd.Flags().StringVar(&s.Listen, "listen", "", "where other nodes reach this one, as in 127.0.0.1:26656")
	cmd.Flags().StringVar(&s.Advertise, "advertise", "", "the same as others see it, where that differs")
	cmd.Flags().Int64Var(&s.SnapshotBlocks, "snapshot-blocks", node.SnapshotsUsual, "after how many blocks to make a snapshot for nodes that begin; 0: never")
	cmd.Flags().Int64Var(&s.KeepBlocks, "keep-blocks", 0, "how many of the last blocks to keep; 0: all, so that the node can prove and show everything")
}

// join makes the folder. The genesis comes last, so that a folder that has one is complete.
func join(cmd *cobra.Command, dir, invitation, name string, s node.Settings) (err error) {
	if err := checkFree(dir, joiningFiles...); err != nil {
		return err
	}
	text, err := os.ReadFile(invitation)
	if err != nil {
		return badInput(fmt.Errorf("the invitation: %w: \"commonwatt network invite\" prints one at a node of the network", err))
	}
	i, err := node.ParseInvitation(text)
	if err != nil {
		return badInput(fmt.Errorf("%s: %w; nothing was made", invitation, err))
	}
	if s.Listen == "" {
		return badInput(errors.New("--listen is missing: say where other nodes reach this one, as in --listen 127.0.0.1:26656; nothing was made"))
	}
	s.Peers = i.Peers
	if err := s.Check(); err != nil {
		return badInput(fmt.Errorf("%w; nothing was made", err))
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("the folder cannot be made: %w", err)
	}
	release, err := lockFolder(dir, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	if name == "" {
		absolute, err := filepath.Abs(dir)
		if err != nil {
			return err
		}
		name = filepath.Base(absolute)
	}
	if err := writeRequest(dir, i.Chain, name, s); err != nil {
		return err
	}
	if _, err := node.Join(dir, i, s); err != nil {
		return err
	}
	w := cmd.OutOrStdout()
	fmt.Fprintf(w, "%s is a node of %s, in %s\n\n", name, i.Chain, dir)
	fmt.Fprintf(w, "  %-16s how it runs: where it listens, and its peers\n", node.SettingsFile)
	fmt.Fprintf(w, "  %-16s the key by which %s votes: keep a copy\n", operator.OrganisationFile, name)
	fmt.Fprintf(w, "  %-16s for a member of the council, who admits %s with it\n", requestFile, name)
	fmt.Fprintf(w, "\nNext: commonwatt up %s\nThen, at a node of the council: commonwatt network admit DIR %s\n", shellWord(dir), shellWord(filepath.Join(dir, requestFile)))
	return nil
}

// writeRequest writes what the organisation asks to be admitted with.
func writeRequest(dir, chainID, name string, s node.Settings) error {
	self, err := node.Identity(dir)
	if err != nil {
		return err
	}
	key, err := operator.OrganisationKey(dir)
	if err != nil {
		return err
	}
	r, err := node.NewRequest(chainID, node.Organisation{Name: name, Validator: self.Validator, Node: self.Node + "@" + s.Reached()}, key)
	if err != nil {
		return err
	}
	if err := node.KeepOrganisations(dir, r.Organisation); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, requestFile), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(printJSON(f, r), f.Close())
}
