package operator

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// How readings go into envelopes: enough in one that its signature costs little,
// few enough under way that memory stays small.
const (
	valuesPerEnvelope = 4000
	envelopesUnderway = 16
)

// FileError says that a ledger cannot become what a community file describes.
type FileError struct{ Err error }

// Error says why, and that nothing happened.
func (e *FileError) Error() string { return e.Err.Error() + "; nothing was booked" }

// Unwrap returns the reason.
func (e *FileError) Unwrap() error { return e.Err }

// Found makes the ledger describe a community as its file does, with a tariff for
// a period.
//
// Errors: *FileError; a refusal of the ledger.
func (o *Operator) Found(ctx context.Context, c *community.Community, start, end interval.Time) error {
	operations, err := o.Plan(c, community.Span{Start: start, End: end})
	if err != nil {
		return err
	}
	return o.Submit(ctx, operations)
}

// Plan lists the operations by which the ledger would describe a community as its
// file does.
//
// Errors: *FileError.
func (o *Operator) Plan(c *community.Community, span community.Span) (operations []tx.Operation, err error) {
	o.node.Read(func(rows state.Reader, _ machine.Head) {
		operations, err = c.Operations(rows, Account, span)
	})
	if err != nil {
		return nil, &FileError{err}
	}
	return operations, nil
}

// Record books readings of a community, by start, then meter. After each envelope
// that is on the ledger, booked is called.
func (o *Operator) Record(ctx context.Context, c *community.Community, readings []gateway.Reading, booked func()) error {
	var underway []*node.Ticket
	settle := func(most int) error {
		for len(underway) > most {
			if err := o.Accepted(underway[0].Wait(ctx)); err != nil {
				return err
			}
			underway = underway[1:]
			booked()
		}
		return nil
	}
	for rest := readings; len(rest) > 0; {
		var r metering.Record
		r, rest = Batch(c, rest)
		ticket, err := o.Send(ctx, []tx.Operation{metering.RecordKind.Encode(r)})
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

// Bookable leaves out readings, by start, that say that there is none, and refuses those
// that end after now.
func Bookable(readings []gateway.Reading, now interval.Time) ([]gateway.Reading, error) {
	readings = slices.DeleteFunc(readings, func(r gateway.Reading) bool { return r.Quality == gateway.Null })
	if len(readings) == 0 {
		return readings, nil
	}
	last := readings[len(readings)-1] // Those before it end earlier.
	if last.Start+interval.Time(last.Length) <= now+metering.MaxSkew {
		return readings, nil
	}
	return nil, fmt.Errorf("the reading of %s at %s ends after this computer's clock, %s: check the dates and the clock; nothing was booked",
		last.Meter, time.Unix(int64(last.Start), 0).UTC().Format(time.RFC3339), time.Unix(int64(now), 0).UTC().Format(time.RFC3339))
}

// Batch takes whole intervals off readings, by start, as many as go into one
// envelope.
func Batch(c *community.Community, readings []gateway.Reading) (metering.Record, []gateway.Reading) {
	r := metering.Record{Microgrid: c.Microgrid()}
	for taken := 0; len(readings) > 0 && taken < valuesPerEnvelope; {
		n := Simultaneous(readings)
		now := metering.Readings{Start: readings[0].Start, Values: make([]metering.Value, n)}
		for i, reading := range readings[:n] {
			now.Values[i] = Value(c, reading)
		}
		slices.SortFunc(now.Values, func(a, b metering.Value) int { return cmp.Compare(a.Device, b.Device) })
		r.Intervals = append(r.Intervals, now)
		readings, taken = readings[n:], taken+n
	}
	return r, readings
}

// Simultaneous counts the readings at the beginning of a list that have one start.
func Simultaneous(readings []gateway.Reading) int {
	n := 1
	for n < len(readings) && readings[n].Start == readings[0].Start {
		n++
	}
	return n
}

// Value is a reading in the ledger's words. Several qualities within an interval
// are none that was measured.
func Value(c *community.Community, r gateway.Reading) metering.Value {
	v := metering.Value{Device: c.DeviceID(r.Meter), Import: r.Import, Export: r.Export, Quality: metering.Quality(r.Quality)}
	if r.Quality == gateway.Variable {
		v.Quality = metering.Substituted
	}
	return v
}

// Lapse says that nothing more is to be waited for in the intervals before until.
func (o *Operator) Lapse(ctx context.Context, id grid.MicrogridID, until interval.Time) error {
	lapse := metering.Lapse{Microgrid: id, Until: until}
	return o.Submit(ctx, []tx.Operation{metering.LapseKind.Encode(lapse)})
}

// Settled waits until nothing of a microgrid is left to close before end. With
// each step, open is told the first interval that is not settled.
func (o *Operator) Settled(ctx context.Context, id grid.MicrogridID, end interval.Time, open func(interval.Time)) error {
	for {
		height := o.node.Height()
		due := o.node.Due()
		first := o.FirstOpen(id)
		open(first)
		if len(due) == 0 && first >= end {
			return nil
		}
		if len(due) == 0 {
			return fmt.Errorf("settlement stopped at %s: there is no tariff for this interval; add one to the community file and run the command again",
				time.Unix(int64(first), 0).UTC().Format(time.RFC3339))
		}
		if err := o.node.Wait(ctx, height+1); err != nil {
			return err
		}
	}
}

// FirstOpen is the start of the first interval of a microgrid that is not settled.
func (o *Operator) FirstOpen(id grid.MicrogridID) (open interval.Time) {
	o.node.Read(func(rows state.Reader, _ machine.Head) {
		m, _ := grid.At(rows, id)
		open = m.Open
	})
	return open
}
