package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/chain"
	"github.com/commonwatt/commonwatt/node"
)

// signerDefault is where a node waits for its signer: the port that CometBFT's own
// documents use.
const signerDefault = "127.0.0.1:26659"

func signerCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "signer",
		Short: "Keep a validator's key in a process of its own, away from the node",
		Long: `A signer is a process that has a validator's key and the mark of what the validator signed
last, and signs for the node, on the same computer or on another. Whoever gets into the node does
not get the key; and there is one mark, so that two nodes which ask for signatures
for the same height never get two.`,
		Args: noSuchCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(signerInitCommand(), signerUpCommand())
	return cmd
}

// signerFlags are the flags of signer init.
type signerFlags struct{ from, listen, reach string }

func signerInitCommand() *cobra.Command {
	var f signerFlags
	cmd := &cobra.Command{
		Use:   "init DIR --from NODE",
		Short: "Move a validator's key from a node's folder into a signer's",
		Long: `Init moves the validator's key and its mark from the folder NODE, in which no node runs, into
the new folder DIR. The node waits for the signer at --listen, and the signer dials it at
--reach; each has the other's id, and talks to nobody else. What was encrypted stays encrypted.

To run the signer on another computer, move DIR there, and leave no copy: two signers with one
key can sign twice. If init was cut short, run it again.`,
		Example: `  commonwatt signer init elm-signer --from elm-street
  commonwatt signer init elm-signer --from elm-street --listen 0.0.0.0:26659 --reach node.elm.example:26659`,
		Args:              usage(cobra.ExactArgs(1)),
		ValidArgsFunction: folders,
		RunE:              func(cmd *cobra.Command, args []string) error { return initSigner(cmd, args[0], f) },
	}
	cmd.Flags().StringVar(&f.from, "from", "", "folder of the node whose validator's key is moved")
	cmd.Flags().StringVar(&f.listen, "listen", signerDefault, "where the node waits for the signer")
	cmd.Flags().StringVar(&f.reach, "reach", "", "the same as the signer sees it, where that differs")
	return cmd
}

// initSigner moves a key.
func initSigner(cmd *cobra.Command, dir string, f signerFlags) (err error) {
	if f.from == "" {
		return badInput(errors.New("--from: name the folder of the node whose validator's key is to be moved"))
	}
	if err := checkLedger(f.from); err != nil {
		return err
	}
	release, err := lockFolder(f.from, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	err = node.MoveSigner(f.from, dir, f.listen, cmp.Or(f.reach, f.listen))
	bad, isBad := errors.AsType[*node.SettingsError](err)
	switch {
	case isBad:
		return badInput(bad)
	case errors.Is(err, node.ErrSigner), errors.Is(err, chain.ErrMoved), errors.Is(err, chain.ErrRestored):
		return badInput(fmt.Errorf("%s, %s: %w", f.from, dir, err))
	case err != nil:
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s signs for the validator of %s, which has its key no more\n", dir, f.from)
	_, err = fmt.Fprintf(cmd.ErrOrStderr(), "Next, in any order: commonwatt signer up %s; commonwatt up %s. Leave no copy of %s.\n", shellWord(dir), shellWord(f.from), dir)
	return err
}

func signerUpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "up DIR",
		Short: "Sign for a validator, whose node asks for it",
		Long: `Up signs for the validator whose key is in DIR, a folder that "signer init" made, until Ctrl-C
or SIGTERM ends it. It dials the nodes that DIR/signer.toml names, and goes on doing so
when they are away. Only one process runs in a folder.

A signer without its file validator_state.json, the mark, refuses to run: it could sign twice. See
"commonwatt key sign-from --help".`,
		Example:           `  commonwatt signer up elm-signer`,
		Args:              usage(cobra.ExactArgs(1)),
		ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			err := runSigner(ctx, cmd, args[0])
			if errors.Is(err, errInterrupted) {
				return nil // That is how it ends.
			}
			return err
		},
	}
}

// runSigner signs until the context ends.
func runSigner(ctx context.Context, cmd *cobra.Command, dir string) (err error) {
	if _, err := os.Stat(dir); err != nil {
		return noSigner(dir, node.ErrNoSigner)
	}
	if !locks {
		return badInput(errors.New("this system cannot keep a second signer out of the folder, so none runs: use Linux, macOS or a BSD"))
	}
	release, err := lockFolder(dir, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	err = node.Sign(ctx, dir, slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil)))
	if _, bad := errors.AsType[*node.SettingsError](err); bad {
		return badInput(err)
	}
	if errors.Is(err, node.ErrNoSigner) {
		return noSigner(dir, err)
	}
	return err
}

// noSigner says how a folder becomes a signer's.
func noSigner(dir string, reason error) error {
	return badInput(fmt.Errorf("%s: %w: name a signer's folder, or make one with commonwatt signer init %s --from NODE", dir, reason, shellWord(dir)))
}

// signerSays is how it stands with a validator's signer.
func signerSays(s *chain.Signer) string {
	if s.Away != "" {
		return fmt.Sprintf("away, so nothing is signed: %s; waiting at %s", s.Away, s.Address)
	}
	if s.Refused != "" {
		return fmt.Sprintf("connected at %s, and did not sign what it was asked for last: %s", s.Address, s.Refused)
	}
	return "connected at " + s.Address
}
