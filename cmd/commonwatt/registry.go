package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/proof"
	"github.com/commonwatt/commonwatt/tx"
)

// registryCommand is what operators do with certificates of other registries.
func registryCommand() *cobra.Command {
	cmd := group("registry", "Certificates to and from other registries",
		registryAddressCommand(), registryIntroduceCommand(), registryTrustCommand(), registryExportCommand(), registryImportCommand(),
		registryDeclineCommand(), registryAnswerCommand(), registrySettleCommand(), registryConcludeCommand(), registryAdmitCommand(), registryListCommand())
	cmd.Long = `Registry is what two operators do who mail each other files, and what one does with a
registry that is no ledger of this kind.

Between two ledgers, each first trusts the other: introduce writes a file and prints the
hash of a block, which the other operator compares by telephone and gives to trust. Then

  export  at A  locks certificates for an address at B, and writes export-N.cwproof;
  import  at B  takes them in, and writes answer-N.cwproof (decline refuses them);
  settle  at A  reads the answer: they are gone for good, or they come back.

A file that is lost is written again: answer says what became of an export. What did not
arrive by its deadline comes back with the other ledger's proof that it is not there.

To any other registry, export names it and nothing else, and conclude says with evidence
what became of it; admit brings certificates in that it locked or cancelled.`
	return cmd
}

// address is where certificates go on another ledger: CHAIN/MICROGRID/ACCOUNT.
type address struct {
	chain     string
	microgrid grid.MicrogridID
	account   tx.AccountID
}

func (a address) String() string { return fmt.Sprintf("%s/%d/%d", a.chain, a.microgrid, a.account) }

// readAddress reads an address; a name alone is that of a registry without blocks.
func readAddress(text string) (address, error) {
	parts := strings.Split(text, "/")
	if len(parts) == 1 && text != "" {
		return address{chain: text}, nil
	}
	if len(parts) != 3 {
		return address{}, fmt.Errorf(`--to %.80q: write what "commonwatt registry address" prints there, or the name of a registry`, text)
	}
	m, no := strconv.ParseUint(parts[1], 10, 64)
	a, bad := strconv.ParseUint(parts[2], 10, 64)
	if no != nil || bad != nil {
		return address{}, fmt.Errorf("--to %.80q: microgrid and account are numbers", text)
	}
	return address{parts[0], grid.MicrogridID(m), tx.AccountID(a)}, nil
}

func registryAddressCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "address DIR MEMBER",
		Short:   "Print where another ledger sends a member's certificates",
		Example: "  commonwatt registry address elm-street anna",
		Args:    usage(cobra.ExactArgs(2)), ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			return atBureau(cmd, args[0], func(at bureau, c *community.Community) error {
				account, err := memberAccount(c, args[0], args[1])
				if err != nil {
					return err
				}
				chain, err := ledgerOf(cmd.Context(), at)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(cmd.OutOrStdout(), address{chain, c.Microgrid(), account})
				return err
			})
		},
	}
}

func registryIntroduceCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "introduce DIR",
		Short: "Write what another operator needs to trust this ledger",
		Long: `Introduce writes a bundle of the ledger's newest block, and prints the block's hash. The
other operator gives both to "registry trust". Whoever changes the file on its way can
change a hash beside it, so say the hash by telephone.`,
		Example: "  commonwatt registry introduce elm-street --out elm-street.cwproof",
		Args:    usage(cobra.ExactArgs(1)), ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			return atBureau(cmd, args[0], func(at bureau, _ *community.Community) error {
				if err := hand(cmd, at, out); err != nil {
					return err
				}
				_, b, err := bundleFile(out)
				if err != nil {
					return err
				}
				trust := proof.Trust{Height: b.Block.Header.Height, Hash: b.Block.Header.Hash(b.Chain)}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s introduces %s.\nIts block: %s\n", out, b.Chain, trust)
				return err
			})
		},
	}
	cmd.Flags().StringVar(&out, "out", "introduction.cwproof", "file to write, which is replaced")
	return cmd
}

func registryTrustCommand() *cobra.Command {
	var block string
	var dryRun bool
	cmd := &cobra.Command{
		Use:     "trust DIR FILE",
		Short:   "Exchange certificates with the ledger that a file introduces",
		Example: "  commonwatt registry trust elm-street mill-lane.cwproof --block 812:9f86d081884c7d65…",
		Args:    usage(cobra.ExactArgs(2)), ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, b, err := bundleFile(args[1])
			if err != nil {
				return err
			}
			trust, err := proof.ParseTrust(block)
			if err != nil {
				return badInput(fmt.Errorf("--block %.80q: write the block that the other operator says, as HEIGHT:HASH", block))
			}
			return atBureau(cmd, args[0], func(at bureau, c *community.Community) error {
				_, err := operate(cmd, at, dryRun, certificate.TrustKind.Encode(certificate.Trust{
					Microgrid: c.Microgrid(), Registry: b.Chain, Height: trust.Height, Hash: trust.Hash[:], Proof: raw,
				}))
				if err != nil {
					return err
				}
				return done(cmd, dryRun, "%s trusts %s as of block %d.", c.Name, b.Chain, trust.Height)
			})
		},
	}
	cmd.Flags().StringVar(&block, "block", "", "block of the other ledger, HEIGHT:HASH, as its operator says by another way than the file")
	dryRunFlag(cmd, &dryRun)
	return cmd
}

func dryRunFlag(cmd *cobra.Command, dryRun *bool) {
	cmd.Flags().BoolVar(dryRun, "dry-run", false, "say what would be booked, and book nothing")
}

// done says what was done, or would be.
func done(cmd *cobra.Command, dryRun bool, format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	if dryRun {
		text = "Nothing is booked. Without --dry-run: " + text
	}
	_, err := fmt.Fprintln(cmd.OutOrStdout(), text)
	return err
}

func registryListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list DIR MEMBER",
		Short:   "List what a member sent to other registries and got from them",
		Example: "  commonwatt registry list elm-street anna",
		Args:    usage(cobra.ExactArgs(2)), ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			return ofMember(cmd, args, "table", func(d desk, _ *community.Community, account tx.AccountID) error {
				list, err := d.Crossings(cmd.Context(), account)
				if err != nil {
					return err
				}
				for _, x := range list {
					number := ""
					if x.Number > 0 {
						number = strconv.FormatUint(x.Number, 10)
					}
					if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%-8s %6s %12d Wh  %-40s %s\n", x.State, number, x.Energy, x.Registry, x.Deadline); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}
