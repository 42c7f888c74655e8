package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/live"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/tx"
)

// moveFlags are the flags of the commands that move certificates.
type moveFlags struct {
	energy, month, meter, output string
	dryRun                       bool
}

// flags adds them to a command.
func (f *moveFlags) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.energy, "kwh", "", "how much, as in 12.5; the oldest certificates go first")
	cmd.Flags().StringVar(&f.month, "month", "", "of this month only, as in 2026-06")
	cmd.Flags().StringVar(&f.meter, "meter", "", "of the device with this meter only")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "say what would move, lot by lot, and move nothing")
	outputFlag(cmd, &f.output, "table", "how to print it")
}

// selection is what the flags mean.
func (f *moveFlags) selection() (s api.Selection, err error) {
	if f.energy == "" {
		return s, badInput(errors.New("--kwh is missing: say how much, as in --kwh 12.5"))
	}
	wh, ok := new(big.Rat).SetString(f.energy)
	if ok && plainNumber(f.energy, ".") {
		wh.Mul(wh, big.NewRat(1000, 1))
	}
	if !ok || !plainNumber(f.energy, ".") || !wh.IsInt() || !wh.Num().IsInt64() || wh.Sign() <= 0 {
		return s, badInput(fmt.Errorf("--kwh %q: give an energy above 0 to the Wh, as in 12.5", f.energy))
	}
	return api.Selection{Energy: wh.Num().Int64(), Month: f.month, Device: f.meter}, nil
}

// movesOfNode ends what the commands say that move certificates.
const movesOfNode = `

The certificates of intervals that a late reading can still correct are not final, and
wait. The node that runs in DIR signs for the account, as long as it has no keys of its
own. With --dry-run it says what would move, and moves nothing.`

func certificatesTransferCommand() *cobra.Command {
	var f moveFlags
	cmd := &cobra.Command{
		Use:     "transfer DIR MEMBER TO",
		Short:   "Pass certificates on to another account",
		Long:    "Transfer passes certificates of a member or a buyer on to another one, or to an account by its number." + movesOfNode,
		Example: "  commonwatt certificates transfer elm-street anna mill --kwh 12.5 --month 2026-06 --dry-run",
		Args:    usage(cobra.ExactArgs(3)), ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			return moveCertificates(cmd, args, f, "passed on to "+args[2], func(ctx context.Context, c *live.Client, account tx.AccountID, s api.Selection) (api.Passing, error) {
				return c.Transfer(ctx, account, api.Transfer{Selection: s, To: args[2]}, f.dryRun)
			})
		},
	}
	f.flags(cmd)
	return cmd
}

func certificatesCancelCommand() *cobra.Command {
	var f moveFlags
	var beneficiary, purpose, note string
	cmd := &cobra.Command{
		Use:   "cancel DIR MEMBER --for BENEFICIARY",
		Short: "Use certificates up for a beneficiary",
		Long: `Cancel uses certificates of a member or a buyer up: nobody can have them any more. A
statement names the beneficiary; it is kept in DIR/statements, and only its SHA-256 is on
the ledger.` + movesOfNode,
		Example: `  commonwatt certificates cancel elm-street anna --kwh 12.5 --for "Elm Street Bakery" --dry-run`,
		Args:    usage(cobra.ExactArgs(2)), ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			if beneficiary == "" {
				return badInput(errors.New("--for is missing: say for whom the certificates are used up"))
			}
			return moveCertificates(cmd, args, f, "used up for "+beneficiary, func(ctx context.Context, c *live.Client, account tx.AccountID, s api.Selection) (api.Passing, error) {
				return c.Cancel(ctx, account, api.Cancellation{Selection: s, Beneficiary: beneficiary, Purpose: purpose, Note: note}, f.dryRun)
			})
		},
	}
	f.flags(cmd)
	cmd.Flags().StringVar(&beneficiary, "for", "", "the beneficiary's name, which the statement has and the ledger does not")
	cmd.Flags().StringVar(&purpose, "purpose", pages.Purposes[1], "what for: "+strings.Join(pages.Purposes[1:], ", "))
	cmd.Flags().StringVar(&note, "note", "", "goes into the statement")
	return cmd
}

// moveCertificates moves certificates by the node that runs in a folder, and prints
// what moved.
func moveCertificates(cmd *cobra.Command, args []string, f moveFlags, how string, move func(context.Context, *live.Client, tx.AccountID, api.Selection) (api.Passing, error)) error {
	if err := checkOutput(f.output); err != nil {
		return err
	}
	s, err := f.selection()
	if err != nil {
		return err
	}
	c, err := loadCommunity(args[0])
	if err != nil {
		return err
	}
	if !hasAccount(c, args[1]) {
		return noAccount(args[0], args[1])
	}
	node, err := runningNode(cmd, args[0])
	if errors.Is(err, live.ErrNotRunning) {
		return badInput(fmt.Errorf("%s: %w: run \"commonwatt up %s\" first", args[0], err, shellWord(args[0])))
	}
	if err != nil {
		return err
	}
	p, err := move(cmd.Context(), node, c.Account(args[1]), s)
	if err != nil {
		return refusedByNode(err)
	}
	return printMoved(cmd.OutOrStdout(), f.output, how, p)
}

// hasAccount reports whether a community has a member or a buyer of a name.
func hasAccount(c *community.Community, name string) bool {
	return slices.ContainsFunc(c.Members, func(m community.Member) bool { return m.Name == name }) ||
		slices.ContainsFunc(c.Buyers, func(b community.Buyer) bool { return b.Name == name })
}

// noAccount says which there are.
func noAccount(dir, name string) error {
	return badInput(fmt.Errorf("%s/%s: there is no member %.80q and no buyer of that name: \"commonwatt account list %s\" lists them",
		dir, community.File, name, shellWord(dir)))
}

// printMoved prints what moved, or would.
func printMoved(w io.Writer, output, how string, p api.Passing) error {
	switch output {
	case "json":
		return json.NewEncoder(w).Encode(p)
	case "csv":
		out := csv.NewWriter(w)
		_ = out.Write([]string{"start", "meter", "energy_wh"}) // Error says it below.
		for _, c := range p.Parts {
			_ = out.Write([]string{c.Start, c.Meter, strconv.FormatInt(c.Energy, 10)})
		}
		out.Flush()
		return out.Error()
	}
	for _, c := range p.Parts {
		if _, err := fmt.Fprintf(w, "%s  %-20s %10d Wh\n", c.Start, c.Meter, c.Energy); err != nil {
			return err
		}
	}
	verb := "were"
	if p.DryRun {
		verb = "would be"
	}
	fmt.Fprintf(w, "%d Wh of %d lots %s %s; %d Wh are left that are final.\n", p.Energy.Wh, p.Lots, verb, how, p.Left.Wh)
	if p.Statement != "" {
		fmt.Fprintf(w, "The statement is %s/%s.json; its SHA-256 is on the ledger.\n", live.StatementsDir, p.Statement)
	}
	if p.DryRun {
		_, err := fmt.Fprintln(w, "Nothing was moved.")
		return err
	}
	return nil
}
