package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/registry"
	"github.com/commonwatt/commonwatt/tx"
)

// formatNames lists the formats of other registries.
func formatNames() string {
	var names []string
	for _, f := range registry.Formats() {
		names = append(names, string(f))
	}
	return strings.Join(names, ", ")
}

// writeCertificates writes a member's certificates as another registry reads them.
func writeCertificates(cmd *cobra.Command, d desk, c *community.Community, member string, account tx.AccountID, f registry.Format, country string) error {
	list, err := d.CertificateRuns(cmd.Context(), account)
	if err != nil {
		return err
	}
	var runs []registry.Run
	var stored int64
	for _, l := range list {
		if _, ok := sources[l.Kind]; !ok {
			stored += l.Energy
			continue
		}
		runs = append(runs, runOf(c, member, l, country))
	}
	if stored > 0 {
		if _, err := fmt.Fprintf(cmd.ErrOrStderr(), "%d Wh that a battery gave are left out: no format has a word for it.\n", stored); err != nil {
			return err
		}
	}
	return writeRuns(cmd, f, runs)
}

// sources are what registries call the kinds of devices that certificates are issued for.
var sources = map[grid.Kind]registry.Source{grid.Solar: registry.Solar, grid.Wind: registry.Wind, grid.Hydro: registry.Hydro}

// runOf is a run as other registries see it.
func runOf(c *community.Community, member string, l pages.CertificateRun, country string) registry.Run {
	const day = 24 * 3600
	meter, _ := c.Meters().Get(l.Meter)
	status := registry.Active
	if l.Status == pages.RunCancelled {
		status = registry.Cancelled
	}
	up := func(t interval.Time) interval.Time { return (t + day - 1) / day * day } // To a whole day.
	return registry.Run{
		Registry: l.Registry, Issuance: l.Issuance, First: uint64(l.First), Count: uint64(l.Energy), Unit: 1, Status: status, Account: member, //nolint:gosec // Not negative.
		Device: registry.Device{ID: l.Meter, Name: l.Meter, Source: sources[l.Kind], CapacityW: meter.CapacityW, Country: country, Zone: c.Name},
		Start:  l.Start, End: l.End, Issued: up(l.End), Expires: up(l.Expires), Beneficiary: l.Beneficiary,
	}
}

// writeRuns writes runs, in whole MWh where the format knows nothing smaller, and says
// what it left out.
func writeRuns(cmd *cobra.Command, f registry.Format, runs []registry.Run) error {
	if f.Whole() {
		packages, left, err := registry.Pack(runs)
		if err != nil {
			return err
		}
		runs = registry.Runs(packages)
		var rest int64
		for n := range left {
			rest += int64(left[n].Energy())
		}
		if _, err := fmt.Fprintf(cmd.ErrOrStderr(), "%d packages; %d Wh are less than a MWh and wait for more.\n", len(packages), rest); err != nil {
			return err
		}
	}
	if f == registry.NCRETS {
		_, left := registry.Monthly(registry.Generated(runs))
		for _, g := range left {
			if _, err := fmt.Fprintf(cmd.ErrOrStderr(), "%s: %d Wh are less than a kWh and are left out.\n", g.Device, g.Energy); err != nil {
				return err
			}
		}
	}
	if err := registry.Write(cmd.OutOrStdout(), f, runs); err != nil {
		return badInput(err)
	}
	return nil
}
