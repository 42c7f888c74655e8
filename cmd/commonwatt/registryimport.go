package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/proof"
)

// sent is an export that a file shows.
type sent struct {
	raw   []byte
	chain string // Where it was made.
	id    certificate.ExportID
	lock  certificate.Lock
}

// sentFile reads the file of an export.
func sentFile(file string) (s sent, err error) {
	raw, b, err := bundleFile(file)
	if err != nil {
		return s, err
	}
	for _, r := range b.Rows {
		if id, l, ok := certificate.ReadLock(r.Key, r.Row); ok {
			return sent{raw, b.Chain, id, l}, nil
		}
	}
	return s, badInput(fmt.Errorf("%s: shows no export: ask for the file that \"registry export\" wrote", file))
}

// energy is what an export is of, for people to read.
func (s *sent) energy() (sum int64) {
	for _, p := range s.lock.Parts {
		sum += int64(p.Energy)
	}
	return sum
}

// answerTo writes what became of an export here, and says for whom that is.
func answerTo(cmd *cobra.Command, at bureau, c *community.Community, s *sent, out string) error {
	if out == "" {
		out = fmt.Sprintf("answer-%d.cwproof", s.id.Number)
	}
	if err := hand(cmd, at, out, certificate.ArrivalKey(c.Microgrid(), s.chain, s.id)); err != nil {
		return err
	}
	return done(cmd, false, "%s is for the operator of %s: commonwatt registry settle DIR %s", out, s.chain, filepath.Base(out))
}

// reply is a command that reads an export's file and answers it.
func reply(use, short, example string, dry bool, do func(cmd *cobra.Command, at bureau, c *community.Community, s *sent, dryRun bool) error) *cobra.Command {
	var out string
	var dryRun bool
	cmd := &cobra.Command{
		Use: use, Short: short, Example: example, Args: usage(cobra.ExactArgs(2)), ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := sentFile(args[1])
			if err != nil {
				return err
			}
			return atBureau(cmd, args[0], func(at bureau, c *community.Community) error {
				if err := do(cmd, at, c, &s, dryRun); err != nil || dryRun {
					return err
				}
				return answerTo(cmd, at, c, &s, out)
			})
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "file for the operator there (default: answer-NUMBER.cwproof)")
	if dry {
		dryRunFlag(cmd, &dryRun)
	}
	return cmd
}

func registryImportCommand() *cobra.Command {
	return reply("import DIR FILE", "Take in what another ledger exported to a member",
		"  commonwatt registry import mill-lane export-7.cwproof --dry-run", true,
		func(cmd *cobra.Command, at bureau, c *community.Community, s *sent, dryRun bool) error {
			_, err := operate(cmd, at, dryRun, certificate.ImportKind.Encode(certificate.Import{
				Microgrid: c.Microgrid(), Account: s.lock.To, Registry: s.chain, From: s.id.Microgrid, Number: s.id.Number, Proof: s.raw,
			}))
			if err != nil {
				return err
			}
			return done(cmd, dryRun, "%d Wh of %d lots came from %s for %s.", s.energy(), len(s.lock.Parts), s.chain, memberName(c, s.lock.To))
		})
}

func registryDeclineCommand() *cobra.Command {
	return reply("decline DIR FILE", "Refuse what another ledger exported to here, for good",
		"  commonwatt registry decline mill-lane export-7.cwproof", true,
		func(cmd *cobra.Command, at bureau, c *community.Community, s *sent, dryRun bool) error {
			_, err := operate(cmd, at, dryRun, certificate.DeclineKind.Encode(certificate.Decline{
				Microgrid: c.Microgrid(), Registry: s.chain, From: s.id.Microgrid, Number: s.id.Number,
			}))
			if err != nil {
				return err
			}
			return done(cmd, dryRun, "Export %d of %s is declined: it never arrives.", s.id.Number, s.chain)
		})
}

func registryAnswerCommand() *cobra.Command {
	return reply("answer DIR FILE", "Write again what became of another ledger's export, or that nothing did",
		"  commonwatt registry answer mill-lane export-7.cwproof", false,
		func(*cobra.Command, bureau, *community.Community, *sent, bool) error { return nil })
}

func registrySettleCommand() *cobra.Command {
	var dryRun bool
	cmd := &cobra.Command{
		Use:     "settle DIR FILE",
		Short:   "End an export with the other ledger's answer",
		Example: "  commonwatt registry settle elm-street answer-7.cwproof",
		Args:    usage(cobra.ExactArgs(2)), ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, b, err := bundleFile(args[1])
			if err != nil {
				return err
			}
			id, err := answered(b)
			if err != nil {
				return badInput(fmt.Errorf("%s: %w", args[1], err))
			}
			return atBureau(cmd, args[0], func(at bureau, _ *community.Community) error {
				receipt, err := operate(cmd, at, dryRun, certificate.SettleKind.Encode(certificate.Settle{Microgrid: id.Microgrid, Number: id.Number, Proof: raw}))
				if err != nil {
					return err
				}
				if receipt.Kind == certificate.ReturnedReceipt.Kind {
					return done(cmd, dryRun, "Export %d did not arrive on %s, and never will: the certificates are back.", id.Number, b.Chain)
				}
				return done(cmd, dryRun, "Export %d is on %s: the certificates are gone for good.", id.Number, b.Chain)
			})
		},
	}
	dryRunFlag(cmd, &dryRun)
	return cmd
}

// answered is the export that an answer is about.
func answered(b *proof.Bundle) (certificate.ExportID, error) {
	for _, r := range b.Rows {
		if _, from, ok := certificate.ReadArrivalKey(r.Key); ok {
			return from, nil
		}
	}
	return certificate.ExportID{}, errors.New("answers no export: ask for the file that \"registry import\", decline or answer wrote")
}
