package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/registry"
	"github.com/commonwatt/commonwatt/tx"
)

// evidenceOf is the SHA-256 of a file that the operator keeps.
func evidenceOf(file string) ([]byte, error) {
	if file == "" {
		return nil, badInput(errors.New("--evidence is missing: name the file that shows it; its SHA-256 goes on the ledger, keep the file"))
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, badInput(err)
	}
	sum := sha256.Sum256(raw)
	return sum[:], nil
}

func registryConcludeCommand() *cobra.Command {
	var evidence string
	var back, dryRun bool
	cmd := &cobra.Command{
		Use:     "conclude DIR NUMBER",
		Short:   "End an export to a registry that proves nothing, with evidence",
		Example: "  commonwatt registry conclude elm-street 7 --evidence m-rets-confirmation.pdf",
		Args:    usage(cobra.ExactArgs(2)), ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			number, err := strconv.ParseUint(args[1], 10, 64)
			if err != nil {
				return badInput(fmt.Errorf("%q is no number of an export: \"commonwatt registry list\" shows them", args[1]))
			}
			sum, err := evidenceOf(evidence)
			if err != nil {
				return err
			}
			return atBureau(cmd, args[0], func(at bureau, c *community.Community) error {
				_, err := operate(cmd, at, dryRun, certificate.ConcludeKind.Encode(certificate.Conclude{Microgrid: c.Microgrid(), Number: number, Back: back, Evidence: sum}))
				if err != nil {
					return err
				}
				if back {
					return done(cmd, dryRun, "Export %d is not there, and never will be: the certificates are back.", number)
				}
				return done(cmd, dryRun, "Export %d is there: the certificates are gone for good.", number)
			})
		},
	}
	cmd.Flags().StringVar(&evidence, "evidence", "", "file that shows it")
	cmd.Flags().BoolVar(&back, "back", false, "the registry does not have them, and never will")
	dryRunFlag(cmd, &dryRun)
	return cmd
}

func registryAdmitCommand() *cobra.Command {
	var format, name, evidence string
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "admit DIR MEMBER FILE",
		Short: "Bring certificates of another registry in, with evidence",
		Long: `Admit reads certificates that another registry locked or cancelled for the community, in
a format of "commonwatt certificates --format", and gives them to a member. Their serials
there are on the ledger once: the same ones are refused another time, in whatever cut.`,
		Example: "  commonwatt registry admit elm-street anna bought.json --format mrets --registry m-rets --evidence receipt.pdf",
		Args:    usage(cobra.ExactArgs(3)), ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			runs, err := runsIn(args[2], registry.Format(format))
			if err != nil {
				return err
			}
			sum, err := evidenceOf(evidence)
			if err != nil {
				return err
			}
			return atBureau(cmd, args[0], func(at bureau, c *community.Community) error {
				account, err := memberAccount(c, args[0], args[1])
				if err != nil {
					return err
				}
				o := certificate.Admit{Microgrid: c.Microgrid(), Account: account, Registry: name, Evidence: sum}
				var energy int64
				for n := range runs {
					o.Runs = append(o.Runs, admittedRun(&runs[n]))
					energy += int64(runs[n].Energy())
				}
				if _, err := operate(cmd, at, dryRun, certificate.AdmitKind.Encode(o)); err != nil {
					return err
				}
				return done(cmd, dryRun, "%d Wh of %s in %d runs are %s's.", energy, name, len(runs), args[1])
			})
		},
	}
	cmd.Flags().StringVar(&format, "format", "", "of the file: energytag, mrets, eecs or irec")
	cmd.Flags().StringVar(&name, "registry", "", "name of the registry, always written the same, as in m-rets")
	cmd.Flags().StringVar(&evidence, "evidence", "", "file that shows that they are yours and used up there")
	dryRunFlag(cmd, &dryRun)
	return cmd
}

// runsIn reads the certificates of a file.
func runsIn(file string, f registry.Format) (runs []registry.Run, err error) {
	in, err := os.Open(file)
	if err != nil {
		return nil, badInput(err)
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	if runs, err = registry.Read(file, in, f); err != nil {
		return nil, badInput(err)
	}
	return runs, nil
}

// admittedRun is a run as the ledger keeps it, in capitals.
func admittedRun(r *registry.Run) certificate.Run {
	kind := grid.Solar
	for k, source := range sources {
		if source == r.Device.Source {
			kind = k
		}
	}
	return certificate.Run{
		Issuance: label(r.Issuance), First: r.First, Count: r.Count, Unit: r.Unit, Device: label(r.Device.ID), Kind: kind,
		Start: r.Start, Length: uint32(r.End - r.Start), //nolint:gosec // The ledger bounds it.
	}
}

// label is a name as it is on the ledger: capitals, and no blanks.
func label(text string) string { return strings.ToUpper(strings.ReplaceAll(text, " ", "-")) }

// memberAccount is the account of a member.
func memberAccount(c *community.Community, dir, name string) (tx.AccountID, error) {
	for _, m := range c.Members {
		if m.Name == name {
			return c.Account(name), nil
		}
	}
	return 0, badInput(fmt.Errorf("there is no member %.80q: \"commonwatt member list %s\" lists them", name, shellWord(dir)))
}

// memberName is the member whose account it is, or its number.
func memberName(c *community.Community, account tx.AccountID) string {
	for _, m := range c.Members {
		if c.Account(m.Name) == account {
			return m.Name
		}
	}
	return strconv.FormatUint(uint64(account), 10)
}
