package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/governance"
	"github.com/commonwatt/commonwatt/live"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/tx"
)

// voteFlags are the flags of commands that vote.
type voteFlags struct {
	days   int
	dryRun bool
	force  bool
	output string
}

// add adds the flags; days are for commands that propose.
func (f *voteFlags) add(cmd *cobra.Command, proposes bool) {
	f.days = daysDefault
	if proposes {
		cmd.Flags().IntVar(&f.days, "days", daysDefault, "for how many days a new proposal is open")
	}
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "say what would be booked, and book nothing")
	cmd.Flags().BoolVar(&f.force, "force", false, "even if so much of the voting power is not connected that the chain would stop")
	outputFlag(cmd, &f.output, "table", "how to print what came of it")
}

// Bounds of the days for which a proposal is open.
const (
	daysDefault = 14
	daysMax     = 365
)

// decide asks the node that runs in a folder, and prints what came of it.
func (f *voteFlags) decide(cmd *cobra.Command, dir string, ask live.ToDecide) error {
	if f.days < 1 || f.days > daysMax {
		return badInput(fmt.Errorf("--days %d: give 1 to %d", f.days, daysMax))
	}
	if err := checkOutput(f.output); err != nil {
		return err
	}
	client, err := runningNode(cmd, dir)
	if errors.Is(err, live.ErrNotRunning) {
		return badInput(fmt.Errorf("%s: %w, and votes go through it: run \"commonwatt up %s\" first", dir, err, shellWord(dir)))
	}
	if err != nil {
		return err
	}
	ask.Days, ask.DryRun, ask.Force = f.days, f.dryRun, f.force
	d, err := client.Decide(cmd.Context(), ask)
	if err != nil {
		return refusedByNode(err)
	}
	return f.print(cmd.OutOrStdout(), dir, d)
}

func (f *voteFlags) print(w io.Writer, dir string, d live.Decision) error {
	switch f.output {
	case "json":
		return json.NewEncoder(w).Encode(d)
	case "csv":
		fmt.Fprintln(w, "proposal,outcome,yes,no,all")
		for _, p := range d.Proposals {
			fmt.Fprintf(w, "%d,%s,%d,%d,%d\n", p.Proposal, p.Outcome, p.Yes, p.No, p.All)
		}
		return nil
	}
	if len(d.Booked) == 0 {
		_, err := fmt.Fprintln(w, "the organisation is admitted already; its name is noted here")
		return err
	}
	open := false
	for _, p := range d.Proposals {
		switch {
		case p.Outcome != "open":
			fmt.Fprintf(w, "proposal %d: %s: %s\n", p.Proposal, p.Says, p.Outcome)
		case f.dryRun:
			fmt.Fprintf(w, "proposal %d: %s: it would wait for other votes\n", p.Proposal, p.Says)
		default:
			open = true
			fmt.Fprintf(w, "proposal %d: %s: %d of %d voted for it, more than half have to\n", p.Proposal, p.Says, p.Yes, p.All)
		}
	}
	if f.dryRun {
		_, err := fmt.Fprintf(w, "\nwould book: %s\nnothing was booked\n", operations(d.Booked))
		return err
	}
	if open {
		fmt.Fprintf(w, "\nThe others see it with \"commonwatt network proposals DIR\" at their nodes.\n")
	}
	return nil
}

func networkAdmitCommand() *cobra.Command {
	var f voteFlags
	var power int64
	cmd := &cobra.Command{
		Use:   "admit DIR REQUEST",
		Short: "Vote for an organisation's validator and seat",
		Long: `Admit opens the account of the organisation whose request it is, proposes its validator
and its seat in the council unless somebody did, and votes for both. They take effect
with the votes of more than half of the council; the others run the same command with
the same request at their nodes.

The organisation's node has to run and be connected: the chain waits for a validator.`,
		Example:           `  commonwatt network admit elm-street request.json`,
		Args:              usage(cobra.ExactArgs(2)),
		ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := os.ReadFile(args[1])
			if err != nil {
				return badInput(fmt.Errorf("the request: %w: \"commonwatt join\" writes one into the folder that it makes", err))
			}
			r, err := node.ParseRequest(text)
			if err != nil {
				return badInput(fmt.Errorf("%s: %w", args[1], err))
			}
			if power < 1 || power > governance.MaxPower {
				return badInput(fmt.Errorf("--power %d: give 1 or more", power))
			}
			return f.decide(cmd, args[0], live.ToDecide{Admit: &r, Power: power})
		},
	}
	cmd.Flags().Int64Var(&power, "power", 1, "the voting power of its validator; the founder's is 1")
	f.add(cmd, true)
	return cmd
}

func networkRemoveCommand() *cobra.Command {
	var f voteFlags
	cmd := &cobra.Command{
		Use:   "remove DIR ORGANISATION",
		Short: "Vote for taking an organisation's validator and seat",
		Long: `Remove proposes, unless somebody did, that the validator of an organisation loses its
power and its account its seat, and votes for both. ORGANISATION is its name or the
number of its account, as "commonwatt network status" prints them. The organisation keeps its
node, which follows, and its account.`,
		Example:           `  commonwatt network remove elm-street "Town Utility"`,
		Args:              usage(cobra.ExactArgs(2)),
		ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := networkOf(cmd, args[0])
			if err != nil {
				return err
			}
			changes, err := removal(n, args[0], args[1])
			if err != nil {
				return err
			}
			return f.decide(cmd, args[0], live.ToDecide{Changes: changes})
		},
	}
	f.add(cmd, true)
	return cmd
}

// removal is what takes an organisation its part.
func removal(n live.Network, dir, who string) (changes []governance.Change, err error) {
	known, err := node.LoadOrganisations(dir)
	if err != nil {
		return nil, err
	}
	for _, o := range known {
		if o.Name != who && strconv.FormatUint(uint64(o.Account), 10) != who {
			continue
		}
		for _, m := range n.Validators {
			if m.Validator == hex.EncodeToString(o.Validator) {
				changes = append(changes, governance.Change{Validator: &governance.Validator{PublicKey: o.Validator}})
			}
		}
		for _, s := range n.Council {
			if s.Account == o.Account {
				changes = append(changes, governance.Change{Seating: &governance.Seating{Account: o.Account}})
			}
		}
		if len(changes) == 0 {
			return nil, badInput(fmt.Errorf("%s has neither a validator nor a seat", o.Name))
		}
		return changes, nil
	}
	return nil, badInput(fmt.Errorf("this node knows no organisation %.80q: \"commonwatt network status %s\" lists them; what it has no name for, \"commonwatt network propose\" removes", who, shellWord(dir)))
}

func networkVoteCommand() *cobra.Command {
	var f voteFlags
	cmd := &cobra.Command{
		Use:   "vote DIR (PROPOSAL | all) (yes | no)",
		Short: "Vote on an open proposal",
		Long: `Vote votes for or against a proposal that "commonwatt network proposals" lists. A later
vote replaces an earlier one. A proposal is decided when more than half of the council
are for it, or half against. "all" are those that are open.`,
		Example:           `  commonwatt network vote elm-street 210 yes`,
		Args:              usage(cobra.ExactArgs(3)),
		ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := strconv.ParseUint(args[1], 10, 64)
			if args[1] != "all" && (err != nil || id == 0) {
				return badInput(fmt.Errorf("%.40q is no number of a proposal: \"commonwatt network proposals %s\" lists them", args[1], shellWord(args[0])))
			}
			if args[2] != "yes" && args[2] != "no" {
				return badInput(fmt.Errorf("%.40q is no vote: write yes or no", args[2]))
			}
			return f.decide(cmd, args[0], live.ToDecide{Vote: &governance.Vote{Proposal: governance.ProposalID(id), Yes: args[2] == "yes"}})
		},
	}
	f.add(cmd, false)
	return cmd
}

func networkProposeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "propose",
		Short: "Propose one change to the council, and vote for it",
		Long: `Propose is for what "admit" and "remove" cannot say: one change at a time, of a validator
by its key or of a seat by its account.`,
		Args: noSuchCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		proposeCommand("validator DIR KEY POWER", "A validator has a power; 0 removes it", 3, func(args []string) (c governance.Change, err error) {
			key, err := hex.DecodeString(args[1])
			if err != nil || len(key) != 32 {
				return c, fmt.Errorf("%.80q is no validator's key: write its 64 digits, as \"commonwatt network status DIR -o json\" does", args[1])
			}
			power, err := strconv.ParseInt(args[2], 10, 64)
			if err != nil || power < 0 || power > governance.MaxPower {
				return c, fmt.Errorf("%.40q is no power: write a number, 0 to remove the validator", args[2])
			}
			c.Validator = &governance.Validator{PublicKey: key, Power: power}
			return c, nil
		}),
		proposeCommand("rules DIR VERSION (HEIGHT | +BLOCKS)", "Blocks follow a version of the rules from a height on", 3, func(args []string) (c governance.Change, err error) {
			rules, err := strconv.ParseUint(args[1], 10, 32)
			if err != nil || rules == 0 {
				return c, fmt.Errorf("%.40q is no version of the rules: \"commonwatt version\" says which this program knows", args[1])
			}
			height, err := strconv.ParseInt(args[2], 10, 64)
			if err != nil || height <= 0 {
				return c, fmt.Errorf("%.40q is no height: write the number of the first block by these rules, or +100 for the hundredth from now", args[2])
			}
			c.Upgrade = &governance.Upgrade{Rules: uint32(rules), Height: height}
			return c, nil
		}),
		proposeCommand("seat DIR ACCOUNT", "An account has a seat in the council", 2, func(args []string) (governance.Change, error) { return seating(args[1], true) }),
		proposeCommand("unseat DIR ACCOUNT", "An account leaves the council", 2, func(args []string) (governance.Change, error) { return seating(args[1], false) }),
	)
	return cmd
}

// proposeCommand is a command that proposes one change.
func proposeCommand(use, short string, args int, change func(args []string) (governance.Change, error)) *cobra.Command {
	var f voteFlags
	cmd := &cobra.Command{
		Use:               use,
		Short:             short,
		Args:              usage(cobra.ExactArgs(args)),
		ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := change(args)
			if err != nil {
				return badInput(err)
			}
			return f.decide(cmd, args[0], live.ToDecide{Changes: []governance.Change{c}, Ahead: strings.HasPrefix(args[len(args)-1], "+")})
		},
	}
	f.add(cmd, true)
	return cmd
}

func seating(account string, seated bool) (c governance.Change, err error) {
	n, err := strconv.ParseUint(account, 10, 64)
	if err != nil || n == 0 {
		return c, fmt.Errorf("%.80q is no number of an account: \"commonwatt network status\" prints those of the council", account)
	}
	c.Seating = &governance.Seating{Account: tx.AccountID(n), Seated: seated}
	return c, nil
}
