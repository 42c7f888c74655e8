// Command commonwatt runs microgrids as a service on a ledger that no single
// party controls.
//
// Its promise: one binary for everyone in it, node, member and auditor; what it
// prints to standard output is the answer and nothing else.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

func main() { os.Exit(run()) }

// run executes the command line and returns the exit code.
func run() int {
	err := rootCommand().Execute()
	if err != nil {
		fmt.Fprintln(os.Stderr, "commonwatt:", err)
	}
	return exitCode(err)
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "commonwatt",
		Short:         "Microgrids as a service on a ledger that no single party controls",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(settleCommand(), marketCommand(), verifyCommand(), statusCommand(), versionCommand())
	return root
}
