package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/live"
	"github.com/commonwatt/commonwatt/pages"
)

// ruleFlags are the flags of the command that sets rules.
type ruleFlags struct {
	texts                 []string
	from, purpose, output string
	dryRun                bool
}

func certificatesRulesCommand() *cobra.Command {
	var f ruleFlags
	var none bool
	cmd := &cobra.Command{
		Use:   "rules DIR WHO",
		Short: "Print or set what becomes of somebody's certificates of every interval",
		Long: `Rules prints the standing rules of a member, a buyer, "utility", the supplier, or
"operator", and with --rule sets them, in place of those before. They are followed for
each interval as it becomes final, the first one first: a share of what the account has
of it, or at most so much of it, is passed on "to" somebody, or used up "for" a
beneficiary. What no rule is about stays. Rules hold until others do.` + movesOfNode,
		Example: `  commonwatt certificates rules elm-street anna
  commonwatt certificates rules elm-street anna --rule "2.5 kWh to bela" --rule "50% to mill" --rule "rest for Elm Street Bakery" --dry-run
  commonwatt certificates rules elm-street anna --none`,
		Args: usage(cobra.ExactArgs(2)), ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case none && len(f.texts) > 0:
				return badInput(errors.New("--none ends all rules, and --rule sets some: give one of them"))
			case f.output != "table" && f.output != "json":
				return badInput(fmt.Errorf("--output %q is not possible; use table or json", f.output))
			}
			is, err := f.rules(cmd, args, none || len(f.texts) > 0)
			if err != nil {
				return err
			}
			return printRules(cmd.OutOrStdout(), f.output, args[1], is)
		},
	}
	cmd.Flags().StringArrayVar(&f.texts, "rule", nil, `what to do with how much, as in "50% to mill"; several times, in order`)
	cmd.Flags().BoolVar(&none, "none", false, "end all rules")
	cmd.Flags().StringVar(&f.from, "from", "", "the first day whose intervals they are for, as in 2026-07-01 (default: what is not settled yet)")
	cmd.Flags().StringVar(&f.purpose, "purpose", pages.Purposes[1], "what for, of those that are used up: "+strings.Join(pages.Purposes[1:], ", "))
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "say what would be set, and set nothing")
	cmd.Flags().StringVarP(&f.output, "output", "o", "table", "how to print them: table or json")
	return cmd
}

// rules sets the rules of who is named by the node that runs in a folder, or asks it for
// them.
func (f *ruleFlags) rules(cmd *cobra.Command, args []string, set bool) (is live.Rules, err error) {
	ask := live.Rules{From: f.from, Rules: []live.Rule{}}
	for _, text := range f.texts {
		rule, err := ruleOf(text, f.purpose)
		if err != nil {
			return is, badInput(err)
		}
		ask.Rules = append(ask.Rules, rule)
	}
	node, account, err := certificatesOf(cmd, args)
	if err != nil {
		return is, err
	}
	if set {
		is, err = node.SetRules(cmd.Context(), account, ask, f.dryRun)
	} else {
		is, err = node.Rules(cmd.Context(), account)
	}
	return is, refusedByNode(err)
}

// ruleOf reads a rule: "50% to mill", "2.5 kWh for Elm Street Bakery", "rest to mill".
func ruleOf(text, purpose string) (rule live.Rule, err error) {
	bad := func(why string) (live.Rule, error) {
		return rule, fmt.Errorf(`--rule %q: %s: write it as in "50%% to mill", "2.5 kWh to mill" or "rest for Elm Street Bakery"`, text, why)
	}
	much, who, passes := strings.Cut(text, " to ")
	if used, whom, uses := strings.Cut(text, " for "); uses && (!passes || len(used) < len(much)) {
		much, who, passes = used, whom, false
	} else if !passes {
		return bad(`it does not say "to" whom or "for" whom`)
	}
	if who = strings.TrimSpace(who); who == "" {
		return bad("it names nobody")
	}
	if passes {
		rule.To = who
	} else {
		rule.Beneficiary, rule.Purpose = who, purpose
	}
	much = strings.TrimSpace(much)
	percent, share := strings.CutSuffix(much, "%")
	energy, wh := strings.CutSuffix(much, "kWh")
	switch n, ok := scaledNumber(percent, 10_000); {
	case much == "rest":
		rule.SharePPM = 1_000_000
	case share && ok && n <= 1_000_000:
		rule.SharePPM = uint32(n) //nolint:gosec // Not below zero.
	case share:
		return bad("the share is not above 0 and at most 100, with at most 4 digits after the point")
	case wh:
		if rule.Most, ok = scaledNumber(energy, 1000); !ok {
			return bad("the energy is not above 0, to the Wh")
		}
	default:
		return bad("it does not say how much")
	}
	return rule, nil
}

// scaledNumber reads a plain number above 0 that has no fraction when it is so many
// times as large.
func scaledNumber(text string, times int64) (int64, bool) {
	text = strings.TrimSpace(text)
	n, ok := new(big.Rat).SetString(text)
	if !ok || !plainNumber(text, ".") {
		return 0, false
	}
	n.Mul(n, big.NewRat(times, 1))
	return n.Num().Int64(), n.IsInt() && n.Num().IsInt64() && n.Sign() > 0
}

// printRules prints rules, or what they would be.
func printRules(w io.Writer, output, who string, is live.Rules) error {
	if output == "json" {
		return json.NewEncoder(w).Encode(is)
	}
	if len(is.Rules) == 0 {
		fmt.Fprintf(w, "From %s on %s has no rules: all certificates stay.\n", is.From, who)
	} else {
		fmt.Fprintf(w, "From %s on, of what %s has of every interval:\n", is.From, who)
	}
	for n, r := range is.Rules {
		much := strings.TrimRight(strings.TrimRight(fmt.Sprintf("%d.%04d", r.SharePPM/10_000, r.SharePPM%10_000), "0"), ".") + " %"
		if r.Most > 0 {
			much = fmt.Sprintf("%d Wh at most", r.Most)
		}
		what := "passed on to " + r.To
		if r.To == "" {
			what = strings.TrimSpace("used up for " + r.Beneficiary + " (" + r.Purpose + ")")
			if r.Statement != "" {
				what += ": " + live.StatementsDir + "/" + r.Statement + ".json"
			}
		}
		fmt.Fprintf(w, "%2d. %s, %s\n", n+1, much, what)
	}
	if is.DryRun {
		_, err := fmt.Fprintln(w, "Nothing was set.")
		return err
	}
	return nil
}
