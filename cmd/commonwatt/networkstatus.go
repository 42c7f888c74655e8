package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/live"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/state"
)

func networkStatusCommand() *cobra.Command {
	return networkQuery(&cobra.Command{
		Use:   "status DIR",
		Short: "Say who decides in a network, and who of them is there",
		Long: `Status lists the validators with their voting power, and the council. Of a running node
it also says which validators are connected to it, and which signed one of the last
blocks.`,
	}, func(w io.Writer, output, _ string, n live.Network) error { return printNetwork(w, output, n) })
}

// networkQuery is a command that prints something of what a node knows of its network.
func networkQuery(cmd *cobra.Command, show func(w io.Writer, output, dir string, n live.Network) error) *cobra.Command {
	var output string
	cmd.Args, cmd.ValidArgsFunction = usage(cobra.ExactArgs(1)), folders
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := checkOutput(output); err != nil {
			return err
		}
		n, err := networkOf(cmd, args[0])
		if err != nil {
			return err
		}
		return show(cmd.OutOrStdout(), output, args[0], n)
	}
	outputFlag(cmd, &output, "table", "how to print it")
	return cmd
}

// networkOf asks the node that runs in a folder, or reads the folder at rest.
func networkOf(cmd *cobra.Command, dir string) (n live.Network, err error) {
	client, err := runningNode(cmd, dir)
	switch {
	case err == nil:
		return client.Network(cmd.Context())
	case !errors.Is(err, live.ErrNotRunning):
		return n, err
	}
	release, err := lockFolder(dir, false)
	if err != nil {
		return n, err
	}
	defer func() { err = errors.Join(err, release()) }()
	known, err := node.LoadOrganisations(dir)
	if err != nil {
		return n, err
	}
	err = node.Peek(dir, func(rows state.Reader, head machine.Head) { n = live.NetworkOf(rows, head, known) })
	return n, err
}

func printNetwork(w io.Writer, output string, n live.Network) error {
	switch output {
	case "json":
		return printJSON(w, n)
	case "csv":
		rows := [][]string{{"validator", "organisation", "power", "own", "connected", "signs"}}
		for _, m := range n.Validators {
			rows = append(rows, []string{m.Validator, m.Name, fmt.Sprint(m.Power), fmt.Sprint(m.Own), fmt.Sprint(m.Connected), fmt.Sprint(m.Signs)})
		}
		return csv.NewWriter(w).WriteAll(rows)
	}
	runs := n.Account != 0
	fmt.Fprintf(w, "%s, height %d", n.Chain, n.Height)
	if runs {
		fmt.Fprintf(w, ", %d peers", n.Peers)
	}
	if n.CatchingUp {
		fmt.Fprint(w, ", catching up")
	}
	if n.Signer != nil {
		fmt.Fprintf(w, "\nsigner: %s", signerSays(n.Signer))
	}
	fmt.Fprint(w, "\n\n")
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "validator\tpower\torganisation\tstate")
	for _, m := range n.Validators {
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\n", live.ShortKey(m.Validator), m.Power, orNumber(m.Name, "not known here"), sight(m, runs))
	}
	fmt.Fprintln(t, "\nseat\torganisation")
	for _, s := range n.Council {
		fmt.Fprintf(t, "%d\t%s\n", s.Account, orNumber(s.Name, "not known here"))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if len(n.Proposals) > 0 {
		fmt.Fprintf(w, "\n%d proposals are open: \"commonwatt network proposals\" lists them.\n", len(n.Proposals))
	}
	return nil
}

// sight is what is seen of a validator.
func sight(m live.NetworkMember, runs bool) string {
	switch {
	case !runs:
		return "the node here does not run"
	case m.Own && m.Signs:
		return "this node, signs"
	case m.Own:
		return "this node"
	case m.Connected && m.Signs:
		return "connected, signs"
	case m.Connected:
		return "connected"
	case m.Signs:
		return "signs"
	}
	return "not seen"
}

// orNumber is a name, or what stands for none.
func orNumber(name, none string) string {
	if name == "" {
		return none
	}
	return name
}

func networkProposalsCommand() *cobra.Command {
	return networkQuery(&cobra.Command{Use: "proposals DIR", Short: "List what the council is asked"}, printProposals)
}

func printProposals(w io.Writer, output, dir string, n live.Network) error {
	list := n.Proposals
	switch {
	case output == "json":
		return json.NewEncoder(w).Encode(list)
	case output == "csv":
		rows := [][]string{{"proposal", "says", "yes", "no", "all", "until"}}
		for _, p := range list {
			rows = append(rows, []string{fmt.Sprint(p.Proposal), p.Says, fmt.Sprint(p.Yes), fmt.Sprint(p.No), fmt.Sprint(p.All), rfc3339(p.Until)})
		}
		return csv.NewWriter(w).WriteAll(rows)
	case len(list) == 0:
		_, err := fmt.Fprintln(w, "no proposal is open")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "proposal\tsays\tyes\tno\tmay vote\topen until")
	for _, p := range list {
		fmt.Fprintf(t, "%d\t%s\t%d\t%d\t%d\t%s\n", p.Proposal, p.Says, p.Yes, p.No, p.All, rfc3339(p.Until))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\nTo vote: commonwatt network vote %s %d yes\n", shellWord(dir), list[0].Proposal)
	return err
}

// waitPause is for how long between two looks at a node that is waited for.
const waitPause = 100 * time.Millisecond

func networkWaitCommand() *cobra.Command {
	var timeout time.Duration
	var rules uint32
	cmd := &cobra.Command{
		Use:   "wait DIR",
		Short: "Wait until a node runs, has caught up and sees enough of the others",
		Long: `Wait ends well once the node in DIR runs, has fetched the blocks that its peers have, and
sees validators with more than two thirds of the voting power, and its own signer, if it has
one: the ledger goes on, and this node goes with it. It is for scripts, and for people who start nodes one after the other.`,
		Example:           `  commonwatt network wait elm-street && commonwatt network status elm-street`,
		Args:              usage(cobra.ExactArgs(1)),
		ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkLedger(args[0]); err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
			defer cancel()
			return awaitNode(ctx, args[0], rules)
		},
	}
	cmd.Flags().DurationVar(&timeout, "timeout", time.Minute, "for how long to wait")
	cmd.Flags().Uint32Var(&rules, "rules", 0, "wait until this version of the rules is in force, too")
	return cmd
}

// awaitNode looks at a node until it goes with the others, by some version of the rules.
func awaitNode(ctx context.Context, dir string, rules uint32) error {
	ticker := time.NewTicker(waitPause)
	defer ticker.Stop()
	last := live.ErrNotRunning.Error()
	for {
		client, err := live.Find(ctx, dir)
		var n live.Network
		var s live.Running
		if err == nil {
			n, err = client.Network(ctx)
		}
		if err == nil {
			s, err = client.Status(ctx)
		}
		switch {
		case ctx.Err() != nil:
		case err != nil:
			last = err.Error()
		case n.CatchingUp:
			last = fmt.Sprintf("it is catching up, at height %d with %d peers", n.Height, n.Peers)
		case n.Signer != nil && n.Signer.Away != "":
			last = "its signer is " + signerSays(n.Signer)
		case !n.Quorum():
			last = "it does not see more than two thirds of the voting power"
		case s.Rules.InForce < rules:
			last = fmt.Sprintf("at height %d the rules are those of version %d", n.Height, s.Rules.InForce)
		default:
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %s, and the time to wait is over", dir, last)
		case <-ticker.C:
		}
	}
}
