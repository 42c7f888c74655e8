package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/live"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/proof"
	"github.com/commonwatt/commonwatt/tx"
)

func proveCommand() *cobra.Command {
	var ask live.ToProve
	var rows []string
	var out string
	cmd := &cobra.Command{
		Use:   "prove DIR (MEMBER TIME | RECEIPT...)",
		Short: "Write a proof of receipts that anybody can verify without a network",
		Long: `Prove writes a proof bundle: a file that shows receipts, and nothing of those beside
them, to whoever trusts the ledger's validators. "commonwatt verify FILE" checks it.

MEMBER TIME stands for the receipts of one interval of a member, as "commonwatt trace"
names them, and for its certificates as they stand now. A RECEIPT is HEIGHT.POSITION.N, as trace prints it, or the id of a public
link. With --row the bundle shows what the ledger holds at a key, or that it holds
nothing there: TABLE/KEY, with the key in hexadecimal.

The bundle begins at the ledger's first block. For a reader who trusts another block,
--since names it.`,
		Example: `  commonwatt prove elm-street anna 2026-06-20T13:00 --out anna.cwproof
  commonwatt prove elm-street 812.3.0 812.3.1
  commonwatt trust elm-street > trust.json; commonwatt verify anna.cwproof --trust trust.json`,
		Args:              usage(cobra.MinimumNArgs(1)),
		ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if err := checkLedger(args[0]); err != nil {
				return err
			}
			for _, text := range rows {
				key, err := rowKey(text)
				if err != nil {
					return badInput(err)
				}
				ask.Rows = append(ask.Rows, key)
			}
			if err := toProve(cmd, args, &ask); err != nil {
				return err
			}
			if len(ask.Places)+len(ask.Rows) == 0 {
				return badInput(errors.New("there is nothing to prove: name a member and a time, receipts, or rows with --row"))
			}
			raw, err := proveIn(cmd, args[0], ask)
			if err != nil {
				return err
			}
			return writeBundle(cmd, out, raw)
		},
	}
	cmd.Flags().Int64Var(&ask.Since, "since", 0, "height of a block that the reader trusts (default: the first one)")
	cmd.Flags().StringArrayVar(&rows, "row", nil, "row of the ledger, as in certificate.lot/00000000000000010000…")
	cmd.Flags().StringVar(&out, "out", "proof.cwproof", "file to write, which is replaced")
	return cmd
}

// toProve adds what arguments name to what is to be proven.
func toProve(cmd *cobra.Command, args []string, ask *live.ToProve) error {
	if len(args) == 1 {
		return nil
	}
	if _, no := place(args[1]); no != nil {
		if len(args) != 3 {
			return badInput(no)
		}
		return ofInterval(cmd, args, ask)
	}
	for _, text := range args[1:] {
		at, err := place(text)
		if err != nil {
			return badInput(err)
		}
		ask.Places = append(ask.Places, at)
	}
	return nil
}

// place reads where a receipt stands: H.P.N, or a public id.
func place(text string) (proof.Place, error) {
	if id, err := proof.ParseID(text); err == nil {
		return id.Place, nil
	}
	parts := strings.Split(text, ".")
	none := fmt.Errorf("%.80q is no receipt: write HEIGHT.POSITION.N, as in 812.3.0, or an id; or a MEMBER and a TIME", text)
	if len(parts) != 3 {
		return proof.Place{}, none
	}
	height, err1 := strconv.ParseInt(parts[0], 10, 64)
	position, err2 := strconv.ParseUint(parts[1], 10, 32)
	n, err3 := strconv.ParseUint(parts[2], 10, 32)
	if errors.Join(err1, err2, err3) != nil {
		return proof.Place{}, none
	}
	return proof.Place{Height: height, Position: uint32(position), N: uint32(n)}, nil
}

// ofInterval adds the receipts of a member's interval, and the rows of the lots that
// its devices were issued: how they stand, and what the member has of them.
func ofInterval(cmd *cobra.Command, args []string, ask *live.ToProve) error {
	return ofMember(cmd, args, "table", func(d desk, _ *community.Community, account tx.AccountID) error {
		t, err := d.TraceOf(cmd.Context(), account, args[2])
		if err != nil {
			return err
		}
		for _, r := range tracedReceipts(&t) {
			if !r.Sealed {
				ask.Places = append(ask.Places, proof.Place{Height: r.Height, Position: uint32(r.Position), N: uint32(r.N)}) //nolint:gosec // indices
			}
		}
		for _, lot := range t.Certified.Lots {
			i := slices.IndexFunc(t.Made, func(d pages.TraceDevice) bool { return d.Meter == lot.Meter })
			if i >= 0 {
				id := certificate.LotID{Microgrid: t.Microgrid, Start: t.Start, Device: t.Made[i].Device}
				ask.Rows = append(ask.Rows, certificate.LotKey(id), certificate.HoldingKey(id, account))
			}
		}
		return nil
	})
}

// tracedReceipts lists all receipts that a trace names, without those of revisions
// before the last.
func tracedReceipts(t *pages.Trace) (list []pages.ReceiptRef) {
	for _, d := range t.Made {
		list = append(list, d.Receipts...)
	}
	list = append(list, t.Delivered.Receipts...)
	list = append(list, t.Matched.Receipts...)
	list = append(list, t.Paid.Receipts...)
	list = append(list, t.Certified.Receipts...)
	for _, l := range t.Certified.Lots {
		list = append(list, l.Receipts...)
	}
	return list
}

// rowKey reads a row's key: the table's name, a slash, and the rest in hexadecimal.
func rowKey(text string) ([]byte, error) {
	table, key, found := strings.Cut(text, "/")
	raw, err := hex.DecodeString(key)
	if !found || err != nil {
		return nil, fmt.Errorf("--row %.120q: write the table's name, a slash and the key in hexadecimal, as in certificate.lot/0001", text)
	}
	return append([]byte(table+"/"), raw...), nil
}

// proveIn makes a bundle, by the running node of a folder or of the folder at rest.
func proveIn(cmd *cobra.Command, dir string, ask live.ToProve) (raw []byte, err error) {
	client, err := live.Find(cmd.Context(), dir)
	switch {
	case err == nil:
		raw, err = client.Prove(cmd.Context(), ask)
		return raw, refusedByNode(err)
	case !errors.Is(err, live.ErrNotRunning):
		return nil, err
	}
	release, err := lockFolder(dir, false)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, release()) }()
	b, err := node.ProveIn(dir, ask.Since, ask.Places, ask.Rows)
	if errors.Is(err, os.ErrNotExist) {
		return nil, badInput(err)
	}
	if err != nil {
		return nil, err
	}
	return b.Encode(), nil
}

// writeBundle writes a bundle and says what to do with it.
func writeBundle(cmd *cobra.Command, out string, raw []byte) error {
	b, err := proof.Decode(raw)
	if err != nil {
		return err
	}
	if err := os.WriteFile(out, raw, 0o644); err != nil { //nolint:gosec // it is to be given away
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %d receipts and %d rows, as of block %d, in %d bytes.\nCheck it: commonwatt verify %s --trust %s\n",
		out, len(b.Receipts), len(b.Rows), b.Block.Header.Height-1, len(raw), shellWord(out), b.Anchor())
	return err
}
