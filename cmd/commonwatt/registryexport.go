package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/registry"
	"github.com/commonwatt/commonwatt/tx"
)

// Parts of one export, as the ledger bounds them.
const (
	exportParts  = 256
	exportDays   = 30
	packageParts = 4096
)

// exportFlags are the flags of registry export.
type exportFlags struct {
	to     string
	wh     int64
	whole  bool
	days   int
	out    string
	dryRun bool
}

func registryExportCommand() *cobra.Command {
	var f exportFlags
	cmd := &cobra.Command{
		Use:   "export DIR MEMBER",
		Short: "Lock a member's certificates for another registry",
		Long: `Export locks certificates that a member has, the oldest first, and nobody has them until
it is settled what became of them. For an address on another ledger it writes the file
that the operator there imports; for the name of another registry it only locks.

--whole-mwh locks as many whole MWh as there are, device by device and month by month, for
a registry that knows nothing smaller; what is left stays with the member.`,
		Example: `  commonwatt registry export elm-street anna --to Mill-Lane-3f0c2a91d7e4/17/42 --wh 12000
  commonwatt registry export elm-street anna --to m-rets --whole-mwh --dry-run`,
		Args: usage(cobra.ExactArgs(2)), ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			to, err := readAddress(f.to)
			if err != nil {
				return badInput(err)
			}
			if (f.wh > 0) == f.whole {
				return badInput(errors.New("say how much, with --wh or with --whole-mwh"))
			}
			return exportCertificates(cmd, args, to, f)
		},
	}
	cmd.Flags().StringVar(&f.to, "to", "", "address on another ledger, or name of another registry")
	cmd.Flags().Int64Var(&f.wh, "wh", 0, "how much, in Wh")
	cmd.Flags().BoolVar(&f.whole, "whole-mwh", false, "all whole MWh of a device and month")
	cmd.Flags().IntVar(&f.days, "days", exportDays, "until when it may arrive on another ledger, from now, at most 90")
	cmd.Flags().StringVar(&f.out, "out", "", "file for the operator there (default: export-NUMBER.cwproof)")
	dryRunFlag(cmd, &f.dryRun)
	return cmd
}

// exportCertificates locks certificates, and writes the file that proves it.
func exportCertificates(cmd *cobra.Command, args []string, to address, f exportFlags) error {
	var runs []pages.CertificateRun
	err := ofMember(cmd, args, "table", func(d desk, _ *community.Community, account tx.AccountID) (err error) {
		runs, err = d.CertificateRuns(cmd.Context(), account)
		return err
	})
	if err != nil {
		return err
	}
	return atBureau(cmd, args[0], func(at bureau, c *community.Community) error {
		account, err := memberAccount(c, args[0], args[1])
		if err != nil {
			return err
		}
		parts, err := exportedParts(cmd, c, args[1], runs, to, f)
		if err != nil {
			return badInput(err)
		}
		e := certificate.Export{Account: account, Parts: parts, Registry: to.chain, Microgrid: to.microgrid, To: to.account}
		if to.microgrid != 0 {
			e.Deadline = interval.Time(time.Now().AddDate(0, 0, f.days).Unix())
		}
		receipt, err := operate(cmd, at, f.dryRun, certificate.ExportKind.Encode(e))
		if err != nil {
			return err
		}
		said := certificate.LockedReceipt.Read(receipt)
		var sum quantity.Energy
		for _, p := range parts {
			sum += p.Energy
		}
		if err := done(cmd, f.dryRun, "Export %d: %d Wh of %d lots are locked for %s.", said.Number, sum, len(parts), f.to); err != nil || f.dryRun || to.microgrid == 0 {
			return err
		}
		out := f.out
		if out == "" {
			out = fmt.Sprintf("export-%d.cwproof", said.Number)
		}
		if err := hand(cmd, at, out, certificate.LockKey(certificate.ExportID{Microgrid: said.Microgrid, Number: said.Number})); err != nil {
			return err
		}
		return done(cmd, false, "%s is for the operator there: commonwatt registry import DIR %s", out, filepath.Base(out))
	})
}

// exportedParts picks what is exported of what a member has.
func exportedParts(cmd *cobra.Command, c *community.Community, member string, runs []pages.CertificateRun, to address, f exportFlags) ([]certificate.Part, error) {
	runs = slices.DeleteFunc(slices.Clone(runs), func(r pages.CertificateRun) bool {
		return r.Status != pages.RunHeld || r.Open
	})
	most := exportParts
	if to.microgrid == 0 {
		most = packageParts
	}
	var parts []certificate.Part
	add := func(r *pages.CertificateRun, e int64) {
		parts = append(parts, certificate.Part{Microgrid: c.Microgrid(), Start: r.Start, Device: grid.DeviceID(r.Device), Energy: quantity.Energy(e)})
	}
	if f.whole {
		if err := wholeParts(cmd, c, member, runs, add); err != nil {
			return nil, err
		}
	} else {
		left := f.wh
		for n := range runs {
			if e := min(runs[n].Energy, left); e > 0 {
				add(&runs[n], e)
				left -= e
			}
		}
		if left > 0 {
			return nil, fmt.Errorf("%s has %d Wh that are final and free, less than %d", member, f.wh-left, f.wh)
		}
	}
	switch {
	case len(parts) == 0:
		return nil, fmt.Errorf("%s has no whole MWh of a device", member)
	case len(parts) > most:
		return nil, fmt.Errorf("these are parts of %d lots, and an export has %d at most: export less at once", len(parts), most)
	}
	slices.SortFunc(parts, func(a, b certificate.Part) int {
		if a.Start != b.Start {
			return int(a.Start - b.Start)
		}
		if a.Device < b.Device {
			return -1
		}
		return 1
	})
	return parts, nil
}

// wholeParts picks what makes whole MWh, and says what is left.
func wholeParts(cmd *cobra.Command, c *community.Community, member string, runs []pages.CertificateRun, add func(*pages.CertificateRun, int64)) error {
	runs = slices.DeleteFunc(runs, func(r pages.CertificateRun) bool { return sources[r.Kind] == 0 }) // What a battery gave has none.
	byIssuance := map[string]*pages.CertificateRun{}
	list := make([]registry.Run, len(runs))
	for n := range runs {
		byIssuance[runs[n].Issuance], list[n] = &runs[n], runOf(c, member, runs[n], "")
	}
	packages, left, err := registry.Pack(list)
	if err != nil {
		return err
	}
	for _, p := range packages {
		if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%s: %d MWh of %d lots\n", p.Issuance, p.Count, len(p.Parts)); err != nil {
			return err
		}
		for n := range p.Parts {
			add(byIssuance[p.Parts[n].Issuance], int64(p.Parts[n].Energy()))
		}
	}
	var rest quantity.Energy
	for n := range left {
		rest += left[n].Energy()
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d Wh are left, and wait for more.\n", rest)
	return err
}
