package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/live"
	"github.com/commonwatt/commonwatt/operator"
	"github.com/commonwatt/commonwatt/tx"
)

func certificatesMatchCommand() *cobra.Command {
	var ask live.MatchAsk
	var output string
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "match DIR WHO --month MONTH",
		Short: "Match certificates with use that nothing is claimed for",
		Long: `Match claims the certificates of a member, of a buyer, of "utility", the supplier, or of
"operator" for use in their own intervals that nothing is claimed for yet: in each of
them as much as there is of both, the nearest zones first. A member's are matched with
its own use unless --of or --zone says with whose, all others' with that of all. Whose
keys are their own match their use themselves, or choose who does; the operator and the
supplier may, unless a member chose otherwise.` + movesOfNode,
		Example: `  commonwatt certificates match elm-street anna --month 2026-06 --dry-run
  commonwatt certificates match elm-street utility --month 2026-06 --zone f1`,
		Args: usage(cobra.ExactArgs(2)), ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case ask.Month == "":
				return badInput(errors.New("--month is missing: say which, as in --month 2026-06"))
			case ask.Zone != "" && len(ask.Of) > 0:
				return badInput(errors.New("--zone and --of are of different use: give one of them"))
			}
			if err := checkOutput(output); err != nil {
				return err
			}
			node, account, err := certificatesOf(cmd, args)
			if err != nil {
				return err
			}
			m, err := node.Match(cmd.Context(), account, ask, dryRun)
			if err != nil {
				return refusedByNode(err)
			}
			return printMatching(cmd.OutOrStdout(), output, m)
		},
	}
	cmd.Flags().StringVar(&ask.Month, "month", "", "which certificates and which use, as in 2026-06")
	cmd.Flags().StringVar(&ask.Zone, "zone", "", "of the use in this zone and those below it")
	cmd.Flags().StringSliceVar(&ask.Of, "of", nil, "of the use of these members, by name")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say what would be matched, and match nothing")
	outputFlag(cmd, &output, "table", "how to print it")
	return cmd
}

// matcher is the account of who has certificates to match.
func matcher(c *community.Community, who string) (tx.AccountID, bool) {
	switch who {
	case "operator":
		return operator.Account, true
	case community.UtilityName:
		return c.Account(who), true
	}
	return c.Account(who), hasAccount(c, who)
}

// printMatching prints what was matched, or would be.
func printMatching(w io.Writer, output string, m live.Matching) error {
	switch output {
	case "json":
		return json.NewEncoder(w).Encode(m)
	case "csv":
		out := csv.NewWriter(w)
		_ = out.Write([]string{"start", "member", "energy_wh"}) // Error says it below.
		for _, s := range m.Shares {
			_ = out.Write([]string{s.Start, s.Member, strconv.FormatInt(s.Energy, 10)})
		}
		out.Flush()
		return out.Error()
	}
	verb := "were"
	if m.DryRun {
		verb = "would be"
	}
	_, err := fmt.Fprintf(w, "%d Wh of %d lots %s matched with the use of %d members in %d intervals.\n", m.Energy, m.Lots, verb, m.Members, m.Intervals)
	if err == nil && m.DryRun {
		_, err = fmt.Fprintln(w, "Nothing was matched.")
	}
	return err
}
