// Command commonwatt runs microgrids as a service on a ledger that no single
// party controls.
//
// Its promise: one binary for everyone in it, node, member and auditor; what it
// prints to standard output is the answer and nothing else.
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/keyfile"
)

func main() { os.Exit(run()) }

// run executes the command line and returns the exit code.
func run() int {
	err := limitRules()
	if err == nil {
		err = rootCommand().Execute()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "commonwatt:", err)
	}
	return exitCode(err)
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:     "commonwatt",
		Short:   "Microgrids as a service on a ledger that no single party controls",
		Version: readVersion().Version,
		Long: `Commonwatt runs a neighbourhood's microgrid on a ledger that no single party
controls: meter readings go in; a fair local price, payments that balance to the
unit and bills that anyone can check come out.

Results go to standard output, progress and errors to standard error. Exit codes:
0 it is done, 1 the answer is no or something failed on the way, 2 what was given
cannot be used and nothing was changed.`,
		Args: noSuchCommand,
		// Without this a misspelt command would print help and succeed.
		RunE:                       func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SuggestionsMinimumDistance: 2,
		SilenceErrors:              true,
		SilenceUsage:               true,
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return badInput(fmt.Errorf("%w; \"%s --help\" lists the flags", err, cmd.CommandPath()))
	})
	var source passphraseSource
	root.PersistentFlags().StringVar(&source.file, "passphrase-file", "", "file with the passphrase of encrypted keys; otherwise the terminal is asked")
	keyfile.UnlockWith(func() ([]byte, error) { return source.read(root.ErrOrStderr()) })
	root.AddCommand(
		demoCommand(), simulateCommand(), benchCommand(), initCommand(), upCommand(), gatewayCommand(), linkCommand(), memberCommand(), buyerCommand(), meterCommand(), microgridCommand(), accountCommand(),
		deviceCommand(), importCommand(), exportCommand(), billCommand(), todayCommand(), certificatesCommand(), registryCommand(), traceCommand(), statementCommand(), statusCommand(), doctorCommand(), backupCommand(), restoreCommand(), settleCommand(), networkCommand(), joinCommand(), keyCommand(&source), signerCommand(), bridgeCommand(), proveCommand(), trustCommand(), verifyCommand(), marketCommand(), manualCommand(), versionCommand(),
	)
	return root
}

// noSuchCommand refuses the name of a command that there is not.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	meant := ""
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		meant = fmt.Sprintf("; did you mean %s?", strings.Join(near, " or "))
	}
	return badInput(fmt.Errorf("there is no command %q%s (\"%s --help\" lists them)", args[0], meant, cmd.CommandPath()))
}
