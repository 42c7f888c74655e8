package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"
)

// outputs are the ways to print a result.
var outputs = []string{"table", "json", "csv"}

// outputFlag adds -o to a command.
func outputFlag(cmd *cobra.Command, output *string, otherwise, what string) {
	cmd.Flags().StringVarP(output, "output", "o", otherwise, what+": table, json or csv")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(outputs, cobra.ShellCompDirectiveNoFileComp)) // The flag is there.
}

// checkOutput refuses a way to print that there is not.
func checkOutput(name string) error {
	if slices.Contains(outputs, name) {
		return nil
	}
	return badInput(fmt.Errorf("-o %s: there is no such output: use table, json or csv", name))
}

// folders completes the one argument of a command as a folder.
func folders(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveFilterDirs
}
