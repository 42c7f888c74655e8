package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// sourceDate is the variable that says of when a package is, in seconds since 1970
// (https://reproducible-builds.org/specs/source-date-epoch/).
const sourceDate = "SOURCE_DATE_EPOCH"

func manualCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "manual DIR",
		Short: "Write the pages of the manual, one for each command",
		Long: `Manual writes what the commands say of themselves as pages for "man" into a folder that is
there. The packages have these pages already. They bear the date of today, or that in
SOURCE_DATE_EPOCH.`,
		Example: `  commonwatt manual /usr/local/share/man/man1 && man commonwatt-up`,
		Args:    usage(cobra.ExactArgs(1)),
		RunE:    func(cmd *cobra.Command, args []string) error { return writeManual(cmd.Root(), args[0]) },
	}
}

// writeManual writes the pages of a command and all below it.
func writeManual(root *cobra.Command, dir string) error {
	at := time.Now().UTC()
	if text := os.Getenv(sourceDate); text != "" {
		seconds, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return badInput(fmt.Errorf("%s=%.40q: give seconds since 1970", sourceDate, text))
		}
		at = time.Unix(seconds, 0).UTC()
	}
	root.DisableAutoGenTag = true
	err := doc.GenManTree(root, &doc.GenManHeader{Section: "1", Date: &at, Source: "Commonwatt", Manual: "Commonwatt"}, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return badInput(fmt.Errorf("%s: there is no such folder: make it first", dir))
	}
	return err
}
