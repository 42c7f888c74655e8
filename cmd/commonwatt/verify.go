package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/store"
)

func verifyCommand() *cobra.Command {
	var output, trust string
	var days int64
	cmd := &cobra.Command{
		Use:   "verify (DIR | FILE)",
		Short: "Check a ledger's folder byte by byte and block by block, or a proof",
		Long: `Verify checks a folder or a proof, and trusts nothing in it.

Of a folder it compares every byte with the seal that the last run left, then runs
every block again from the first: headers, signatures, receipts, rows and read model
have to come out the same at every height. What differs first is named. The folder is
not changed.

Of a FILE that "commonwatt prove" or a page wrote it checks each step from the reader's
trust to the receipts, without a network, and prints what they say. --trust is what the
reader believes: HEIGHT:HASH of a block's header, or the file that "commonwatt trust"
wrote, from somebody else than who made the proof. Without it the proof is compared with
itself alone, and proves nothing.

Exit code 0: all is as it should be. 1: something differs, or nobody said what to trust.
2: there is no ledger and no file.`,
		Example: `  commonwatt verify elm-street
  commonwatt verify anna.cwproof --trust trust.json
  commonwatt verify anna.cwproof --trust 1:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08`,
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if err := checkOutput(output); err != nil {
				return err
			}
			if info, err := os.Stat(args[0]); err == nil && info.Mode().IsRegular() {
				return verifyFile(cmd, args[0], trust, days, output)
			}
			if trust != "" || filepath.Ext(args[0]) == ".cwproof" {
				return badInput(fmt.Errorf("%s: there is no such file: \"commonwatt prove\" writes proofs", args[0]))
			}
			if err := checkLedger(args[0]); err != nil {
				return err
			}
			release, err := lockFolder(args[0], false)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, release()) }()
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			show := newProgress(cmd.ErrOrStderr())
			v, err := node.Verify(ctx, args[0], func(height, last int64) { show.draw("verifying", height, last, "blocks", 1) })
			show.end()
			if errors.Is(err, store.ErrNoSeal) {
				return fmt.Errorf("%s: %w; run the command that was ended again, it continues from the last block and seals the folder", args[0], err)
			}
			if err != nil {
				return err
			}
			return printVerified(cmd.OutOrStdout(), output, v)
		},
	}
	outputFlag(cmd, &output, "table", "how to print the result")
	cmd.Flags().StringVar(&trust, "trust", "", "of a proof: what the reader trusts, HEIGHT:HASH or a file")
	cmd.Flags().Int64Var(&days, "trust-days", 0, "of a proof: for how many days trust holds (default: what the trust says, else 365)")
	return cmd
}

// checkLedger refuses a folder that holds no ledger.
func checkLedger(dir string) error {
	if node.Exists(dir) || store.Sealed(dir) {
		return nil
	}
	return badInput(fmt.Errorf("%s: there is no ledger in this folder: name one that \"commonwatt init\" or \"commonwatt settle --out\" made", dir))
}

func printVerified(w io.Writer, output string, v node.Verified) error {
	var err error
	switch output {
	case "json":
		err = json.NewEncoder(w).Encode(map[string]any{
			"from": v.From, "header": v.Header.String(), "height": v.Height, "app_hash": fmt.Sprintf("%X", v.AppHash), "receipts": v.Receipts, "rows": v.Rows,
		})
	case "csv":
		_, err = fmt.Fprintf(w, "from,height,app_hash,receipts,rows\n%d,%d,%X,%d,%d\n", v.From, v.Height, v.AppHash, v.Receipts, v.Rows)
	default:
		_, err = fmt.Fprintf(w, "verified   %d blocks, %d receipts, %d rows: all as they should be\napp hash   %X\n",
			v.Height-v.From+1, v.Receipts, v.Rows, v.AppHash)
		if v.From > 1 {
			_, err = fmt.Fprintf(w, "from       block %d on, which follows on a snapshot: earlier blocks are not here, nor is the read model compared\n"+
				"believe    %d:%s if you trust it: this is the header that names the state that all of it follows on\n", v.From, v.From, v.Header)
		}
	}
	return err
}
