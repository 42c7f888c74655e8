package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/live"
	"github.com/commonwatt/commonwatt/tx"
)

func certificatesReserveCommand() *cobra.Command {
	var f moveFlags
	var days int
	cmd := &cobra.Command{
		Use:   "reserve DIR MEMBER FOR",
		Short: "Set certificates aside for another account",
		Long: `Reserve sets certificates of a member or a buyer aside for another one, which may take
them until the deadline. Until they are taken or released nobody passes them on or uses
them up.` + movesOfNode,
		Example: "  commonwatt certificates reserve elm-street anna mill --kwh 12.5 --days 14 --dry-run",
		Args:    usage(cobra.ExactArgs(3)), ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			return moveCertificates(cmd, args, f, "set aside for "+args[2], func(ctx context.Context, c *live.Client, account tx.AccountID, s api.Selection) (api.Passing, error) {
				return c.Reserve(ctx, account, live.Reserve{Selection: s, For: args[2], Days: days}, f.dryRun)
			})
		},
	}
	f.flags(cmd)
	cmd.Flags().IntVar(&days, "days", 30, "how long they can be taken, 1 to 89")
	return cmd
}

func certificatesReservedCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "reserved DIR MEMBER",
		Short: "Print what a member set aside, and what is set aside for it",
		Args:  usage(cobra.ExactArgs(2)), ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			if output != "table" && output != "json" {
				return badInput(fmt.Errorf("--output %q is not possible; use table or json", output))
			}
			node, account, err := certificatesOf(cmd, args)
			if err != nil {
				return err
			}
			list, err := node.Asides(cmd.Context(), account)
			if err != nil {
				return refusedByNode(err)
			}
			out := cmd.OutOrStdout()
			if output == "json" {
				return json.NewEncoder(out).Encode(list)
			}
			var sum int64
			for _, l := range list {
				sum += l.Energy
				fmt.Fprintf(out, "%s %10d Wh of %s, for %s until %s\n", l.Start, l.Energy, l.Holder, l.For, l.Until)
			}
			_, err = fmt.Fprintf(out, "%d Wh of %d lots are set aside.\n", sum, len(list))
			return err
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "table", "how to print it: table or json")
	return cmd
}

// asideCommands are the commands that set certificates aside, and settle that.
func asideCommands() []*cobra.Command {
	return []*cobra.Command{
		certificatesReserveCommand(), certificatesReservedCommand(), certificatesAcceptCommand(),
		certificatesSettleCommand("take", "Take what another account set aside", "Take takes all that another account set aside for a member or a buyer.", "taken"),
		certificatesSettleCommand("release", "Give back what is set aside", `Release gives back all that another account set aside for a member or a buyer. What the
member set aside itself it has back after the deadline.`, "released"),
	}
}

// certificatesOf is the node that runs in a folder, and the account that is named there.
func certificatesOf(cmd *cobra.Command, args []string) (*live.Client, tx.AccountID, error) {
	c, err := loadCommunity(args[0])
	if err != nil {
		return nil, 0, err
	}
	account, ok := matcher(c, args[1])
	if !ok {
		return nil, 0, noAccount(args[0], args[1])
	}
	node, err := runningNode(cmd, args[0])
	if errors.Is(err, live.ErrNotRunning) {
		return nil, 0, badInput(fmt.Errorf("%s: %w: run \"commonwatt up %s\" first", args[0], err, shellWord(args[0])))
	}
	return node, account, err
}

// certificatesSettleCommand takes or releases what is set aside.
func certificatesSettleCommand(how, short, long, done string) *cobra.Command {
	var output string
	var dryRun bool
	cmd := &cobra.Command{
		Use:     how + " DIR MEMBER OTHER",
		Short:   short,
		Long:    long + movesOfNode,
		Example: "  commonwatt certificates " + how + " elm-street mill anna --dry-run",
		Args:    usage(cobra.ExactArgs(3)), ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			node, account, err := certificatesOf(cmd, args)
			if err != nil {
				return err
			}
			p, err := node.Settle(cmd.Context(), account, how, live.Aside{With: args[2]}, dryRun)
			if err != nil {
				return refusedByNode(err)
			}
			return printMoved(cmd.OutOrStdout(), output, done, p)
		},
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say what would be done, lot by lot, and do nothing")
	outputFlag(cmd, &output, "table", "how to print it")
	return cmd
}

func certificatesAcceptCommand() *cobra.Command {
	var ask live.Accepting
	var nobody, dryRun bool
	cmd := &cobra.Command{
		Use:   "accept DIR MEMBER",
		Short: "Say from whom a member or a buyer accepts certificates",
		Long: `Accept says from whom a member or a buyer accepts certificates that are passed on to it:
from the accounts of a list, from everybody, as at first, or from nobody.` + movesOfNode,
		Example: "  commonwatt certificates accept elm-street mill --from anna,bela",
		Args:    usage(cobra.ExactArgs(2)), ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			count := 0
			for _, given := range []bool{len(ask.From) > 0, ask.Everybody, nobody} {
				if given {
					count++
				}
			}
			if count != 1 {
				return badInput(errors.New("give one of --from, --everybody and --nobody"))
			}
			node, account, err := certificatesOf(cmd, args)
			if err != nil {
				return err
			}
			is, err := node.Accept(cmd.Context(), account, ask, dryRun)
			if err != nil {
				return refusedByNode(err)
			}
			from := "nobody"
			if is.Everybody {
				from = "everybody"
			} else if len(is.From) > 0 {
				from = strings.Join(is.From, ", ")
			}
			verb := "accepts"
			if is.DryRun {
				verb = "would accept"
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s %s certificates from %s.\n", args[1], verb, from)
			return err
		},
	}
	cmd.Flags().StringSliceVar(&ask.From, "from", nil, "names or numbers of accounts")
	cmd.Flags().BoolVar(&ask.Everybody, "everybody", false, "whoever passes them on")
	cmd.Flags().BoolVar(&nobody, "nobody", false, "whoever passes them on is refused")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say what would be set, and set nothing")
	return cmd
}
