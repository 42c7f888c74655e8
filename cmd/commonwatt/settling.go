package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/report"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// settling settles readings of a community in a folder.
type settling struct {
	community *community.Community
	readings  []gateway.Reading // By start, then meter.
	start     interval.Time     // Of the readings that were given.
	end       interval.Time
	dir       string
	show      *progress
	operator  *operator
	node      *node.Node
	screened  screened
	summary   report.Summary
}

// How readings go into envelopes: enough in one that its signature costs little,
// few enough under way that memory stays small.
const (
	valuesPerEnvelope = 4000
	envelopesUnderway = 16
)

// run opens the ledger, founding it if the folder has none, books the readings,
// waits until they are settled, and writes the results.
func (s *settling) run(ctx context.Context) (err error) {
	if s.operator, err = openOperator(s.dir, s.community); err != nil {
		return err
	}
	if s.node, err = node.Open(node.Config{Dir: s.dir, Log: newLog(s.show.out)}); err != nil {
		return err
	}
	if err = s.settle(ctx); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause // Whatever it was that noticed first.
		}
		if stop := s.node.Close(); stop != nil {
			return fmt.Errorf("%w (and the node did not stop cleanly: %w)", err, stop)
		}
		return err
	}
	return s.node.Close()
}

func (s *settling) settle(ctx context.Context) error {
	s.operator.begin(s.node)
	if err := s.screen(); err != nil {
		return badInput(err)
	}
	for _, step := range []func(context.Context) error{s.found, s.record, s.lapse, s.settled} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if err := s.node.Seen(ctx, s.node.Height()); err != nil {
		return err
	}
	var err error
	s.summary, err = report.Write(ctx, s.node.View(), s.community.Microgrid(), names(s.community), s.dir)
	return err
}

// found makes the ledger describe the community as its file does.
func (s *settling) found(ctx context.Context) (err error) {
	var operations []tx.Operation
	s.node.Read(func(rows state.Reader, _ machine.Head) {
		operations, err = s.community.Operations(rows, operatorAccount, s.start, s.end)
	})
	if err != nil {
		return badInput(fmt.Errorf("%w; nothing was booked", err))
	}
	return s.operator.submit(ctx, operations)
}

// record books the readings, interval by interval.
func (s *settling) record(ctx context.Context) error {
	var underway []*node.Ticket
	settle := func(most int) error {
		for len(underway) > most {
			if err := s.operator.accepted(underway[0].Wait(ctx)); err != nil {
				return err
			}
			underway = underway[1:]
			s.show.intervals(s.open(), s.start, s.end, s.community.Length)
		}
		return nil
	}
	for rest := s.readings; len(rest) > 0; {
		var r metering.Record
		r, rest = s.batch(rest)
		ticket, err := s.operator.send(ctx, []tx.Operation{metering.RecordKind.Encode(r)})
		if err != nil {
			return err
		}
		underway = append(underway, ticket)
		if err := settle(envelopesUnderway); err != nil {
			return err
		}
	}
	return settle(0)
}

// batch takes whole intervals off the readings, as many as go into one envelope.
func (s *settling) batch(readings []gateway.Reading) (metering.Record, []gateway.Reading) {
	r := metering.Record{Microgrid: s.community.Microgrid()}
	for taken := 0; len(readings) > 0 && taken < valuesPerEnvelope; {
		n := simultaneous(readings)
		now := metering.Readings{Start: readings[0].Start, Values: make([]metering.Value, n)}
		for i, reading := range readings[:n] {
			now.Values[i] = s.value(reading)
		}
		slices.SortFunc(now.Values, func(a, b metering.Value) int { return cmp.Compare(a.Device, b.Device) })
		r.Intervals = append(r.Intervals, now)
		readings, taken = readings[n:], taken+n
	}
	return r, readings
}

// value is a reading in the ledger's words. Several qualities within an interval
// are none that was measured.
func (s *settling) value(r gateway.Reading) metering.Value {
	v := metering.Value{Device: s.community.DeviceID(r.Meter), Import: r.Import, Export: r.Export, Quality: metering.Quality(r.Quality)}
	if r.Quality == gateway.Variable {
		v.Quality = metering.Substituted
	}
	return v
}

// lapse says that nothing more is to be waited for in what was given.
func (s *settling) lapse(ctx context.Context) error {
	if s.open() >= s.end {
		return nil
	}
	lapse := metering.Lapse{Microgrid: s.community.Microgrid(), Until: s.end}
	return s.operator.submit(ctx, []tx.Operation{metering.LapseKind.Encode(lapse)})
}

// settled waits until nothing is left to close.
func (s *settling) settled(ctx context.Context) error {
	for {
		height := s.node.Height()
		due := s.node.Due()
		open := s.open()
		s.show.intervals(open, s.start, s.end, s.community.Length)
		if len(due) == 0 && open >= s.end {
			return nil
		}
		if len(due) == 0 {
			return fmt.Errorf("settlement stopped at %s: there is no tariff for this interval; add one to the community file and run the command again", rfc3339(open))
		}
		if err := s.node.Wait(ctx, height+1); err != nil {
			return err
		}
	}
}

// open is the start of the first interval that is not settled.
func (s *settling) open() (open interval.Time) {
	s.node.Read(func(rows state.Reader, _ machine.Head) {
		m, _ := grid.At(rows, s.community.Microgrid())
		open = m.Open
	})
	return open
}

// print prints the bills.
func (s *settling) print(w io.Writer, output string) error {
	switch output {
	case "json":
		return report.JSON(w, s.summary)
	case "csv":
		return report.CSV(w, s.summary)
	}
	return report.Table(w, s.summary)
}

// names are those of the community file, by the ledger's numbers.
func names(c *community.Community) report.Names {
	n := report.Names{
		Community: c.Name, Currency: c.Currency, Decimals: c.Decimals, TimeZone: c.TimeZone,
		Accounts: map[tx.AccountID]string{}, Zones: map[grid.ZoneID]string{}, Meters: map[grid.DeviceID]string{},
	}
	for _, name := range []string{community.UtilityName, community.NetworkName, community.LevyName} {
		n.Accounts[c.Account(name)] = name
	}
	for _, m := range c.Members {
		n.Accounts[c.Account(m.Name)] = m.Name
		n.Members = append(n.Members, c.Account(m.Name))
	}
	for _, z := range c.Zones {
		n.Zones[c.ZoneID(z.ID)] = z.ID
	}
	for _, id := range c.Meters().All() {
		n.Meters[c.DeviceID(id)] = id
	}
	return n
}
