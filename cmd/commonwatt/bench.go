package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/bench"
)

// benchOutputs are the ways to print what was measured.
var benchOutputs = []string{"table", "json"}

func benchCommand() *cobra.Command {
	var o bench.Options
	var output, child string
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure how fast a node is on this machine, beside what bounds it",
		Long: `Bench measures a node on this machine: how much goes through it, how long an envelope
takes, how long an interval of many meters takes and how much memory they need, beside
what bounds that, measured in the same run: signatures, hashes, the disk, consensus
without an application, the state machine without consensus. What counts are the
ratios, since machines differ and are seldom quiet.

It works in temporary folders and changes nothing. A full run takes about a quarter of
an hour and 4 GB of disk, a quick one a minute. Ctrl-C ends it, and prints what is
measured until then.

The parts that --only names: ` + strings.Join(bench.Names(), ", ") + `.`,
		Example: "  commonwatt bench --quick\n" +
			"  commonwatt bench --output json > bench.json\n" +
			"  commonwatt bench --only transfers,commit",
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !slices.Contains(benchOutputs, output) {
				return badInput(fmt.Errorf("-o %s: there is no such output: use table or json", output))
			}
			if err := bench.Check(o.Only); err != nil {
				return badInput(fmt.Errorf("--only: %w", err))
			}
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			if child != "" {
				return bench.Child(ctx, child, cmd.OutOrStdout())
			}
			shown := newProgress(cmd.ErrOrStderr())
			o.Progress = shown.say
			o.Program, _ = os.Executable() // Without it, what needs processes of its own is left out.
			report, err := bench.Run(ctx, o)
			shown.end()
			if errors.Is(err, errInterrupted) {
				err = errors.New("interrupted: what is printed was measured until then")
			}
			report.Version = readVersion().Version
			return firstOf(err, printBench(cmd.OutOrStdout(), output, report))
		},
	}
	cmd.Flags().BoolVar(&o.Quick, "quick", false, "measure less of everything, up to 10,000 meters")
	cmd.Flags().StringSliceVar(&o.Only, "only", nil, "what to measure, as in transfers,commit (default: everything)")
	cmd.Flags().StringVarP(&output, "output", "o", "table", "how to print the result: table or json")
	cmd.Flags().StringVar(&child, "child", "", "what to measure in this process, for the one that started it")
	_ = cmd.Flags().MarkHidden("child") // The flag is there.
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(benchOutputs, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("only", cobra.FixedCompletions(bench.Names(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// firstOf returns the first error there is.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// printBench prints what was measured.
func printBench(out io.Writer, output string, r bench.Report) error {
	if output == "json" {
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		return encoder.Encode(r)
	}
	rows := [][]string{}
	for _, f := range r.Figures {
		row := []string{f.Name, digits(f.Value) + " " + f.Unit, "", "", "", "", ""}
		if f.CPU > 0 {
			row[2], row[3] = digits(f.CPU), fmt.Sprintf("%.2f", f.Cores)
		}
		if f.Limit != "" {
			row[4] = fmt.Sprintf("%.2f of %s", f.Ratio, f.Limit)
		}
		if f.Aim != "" {
			row[5], row[6] = f.Aim, map[bool]string{true: "yes", false: "NO"}[*f.Met]
		}
		rows = append(rows, row)
	}
	if err := printRows(out, output, []string{"what", "figure", "µs of processor", "cores", "ratio", "aim", "met"}, rows); err != nil {
		return err
	}
	mode := ""
	if r.Quick {
		mode = ", a quick run"
	}
	_, err := fmt.Fprintf(out, "\n%s%s\n%s, %d cores, %s, %s; load before: %s\n", r.Date.Format("2006-01-02 15:04 MST"), mode, r.Host.CPU, r.Host.Cores, r.Host.System, r.Host.Go, r.Host.Load)
	return err
}

// digits writes a figure with three digits or more.
func digits(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
