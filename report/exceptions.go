package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/quantity"
)

// exceptions writes what somebody should look at, with a sentence that says what
// it is and what to do: of meters, by meter, reason and start, then of lines.
func (r *run) exceptions(w io.Writer) error {
	header := []string{"start", "end", "meter", "reason", "import_wh", "export_wh", "detail"}
	return table(w, header, r.rows)
}

// rows yields the rows of exceptions.
func (r *run) rows(row func(...string) error) error {
	err := r.stretches(func(s stretch) error {
		return row(utc(s.From), utc(s.end), r.names.meter(s.Device), s.Reason.String(),
			digits(s.Import), digits(s.Export), s.detail())
	})
	if err != nil {
		return err
	}
	return r.overloads(func(o overload) error {
		return row(utc(o.Start), utc(o.end), r.names.zone(o.Zone), "line_overload",
			digits(max(0, -o.Flow)), digits(max(0, o.Flow)), o.detail())
	})
}

// stretch is an exception, with those of the intervals right after it.
type stretch struct {
	metering.Exception
	end       interval.Time // First moment after it.
	intervals int64
}

// stretches yields exceptions, by the name of the meter, reason and start. Values that were missing, late or replaced in one
// interval after the other are one exception, with the sum of their energies.
func (r *run) stretches(yield func(stretch) error) error {
	meters, err := r.reader.Suspects(r.microgrid.ID)
	if err != nil {
		return err
	}
	slices.SortFunc(meters, func(a, b grid.DeviceID) int {
		return cmp.Or(cmp.Compare(r.names.meter(a), r.names.meter(b)), cmp.Compare(a, b))
	})
	for _, d := range meters {
		if err := r.stretchesOf(d, yield); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) stretchesOf(d grid.DeviceID, yield func(stretch) error) error {
	var open []stretch // The one that may go on, or none.
	length := interval.Time(r.microgrid.Length)
	device := grid.Device{Microgrid: r.microgrid.ID, Device: d}
	err := r.reader.Exceptions(device, r.settled, func(e metering.Exception) error {
		next := stretch{e, e.To + length, int64((e.To-e.From)/length) + 1}
		if len(open) == 1 && open[0].takes(next) {
			return nil
		}
		was := open
		open = []stretch{next}
		return yieldAll(was, yield)
	})
	if err != nil {
		return err
	}
	return yieldAll(open, yield)
}

func yieldAll(list []stretch, yield func(stretch) error) error {
	for _, s := range list {
		if err := yield(s); err != nil {
			return err
		}
	}
	return nil
}

// takes adds what follows a stretch to it, and says whether it does.
func (s *stretch) takes(next stretch) bool {
	run := s.Reason == metering.Stuck || s.Reason == metering.NoProduction
	if run && s.Device == next.Device && s.Reason == next.Reason && s.From == next.From {
		s.To, s.end, s.intervals = next.To, next.end, next.intervals // It is reported again while it goes on.
		return true
	}
	single := s.Reason == metering.Missing || s.Reason == metering.Late || s.Reason == metering.Replaced || s.Reason == metering.Negative || s.Reason == metering.Feeder
	if !single || s.Reason != next.Reason || s.end != next.From || s.Way != next.Way || s.Days != next.Days {
		return false
	}
	s.To, s.end, s.intervals = next.To, next.end, s.intervals+next.intervals
	s.Import, s.Export = quantity.MustAdd(s.Import, next.Import), quantity.MustAdd(s.Export, next.Export)
	return true
}

// detail says what is the matter and what to do.
func (s *stretch) detail() string {
	readings := "The reading of one interval"
	if s.intervals != 1 {
		readings = fmt.Sprintf("The readings of %d intervals", s.intervals)
	}
	switch s.Reason {
	case metering.Missing:
		return fmt.Sprintf("%s did not come, so %s was settled: %d Wh taken and %d Wh given. Send what the meter says: it corrects the bill.",
			readings, s.how(), s.Import, s.Export)
	case metering.Negative:
		return fmt.Sprintf("%s was below zero, %d Wh taken and %d Wh given, which is none. Check how the meter is wired and read, and send the right one: until then it is estimated.",
			readings, s.Import, s.Export)
	case metering.Spike:
		return fmt.Sprintf("After a gap the meter said %d Wh taken and %d Wh given at once, more than its interval can carry, so it was spread over %d intervals, %s. Send the readings of the gap if the meter has them.",
			s.Import, s.Export, s.intervals, s.how())
	case metering.Feeder:
		return fmt.Sprintf("The feeder meter and the meters below it do not agree: it measured %d Wh more and %d Wh less than they say, in %d intervals. Look for a load without a meter, a meter that stands still, or one at the wrong zone.",
			s.Import, s.Export, s.intervals)
	case metering.Disputed:
		return fmt.Sprintf("The member says that the readings of %d intervals are wrong. Read the meter, and send what is right: it corrects the bill.", s.intervals)
	case metering.Late:
		return readings + " came after the settlement and corrected it. Check how the meter is connected if this happens often."
	case metering.AboveCapacity:
		return fmt.Sprintf("%d Wh in one interval is more than the meter's device or connection can carry. Check the meter's unit and the capacity in the community's file.",
			max(s.Import, s.Export))
	case metering.Stuck:
		return fmt.Sprintf("The meter said %d Wh taken and %d Wh given in each of %d intervals. Check whether it is stuck.", s.Import, s.Export, s.intervals)
	case metering.NoProduction:
		return fmt.Sprintf("Next to nothing was produced in %d intervals, the nights between them counted, while others produced. Check inverter, fuse and meter.", s.intervals)
	case metering.Gap:
		return fmt.Sprintf("Messages of the device are missing, so what its registers counted in %d intervals, %d Wh taken and %d Wh given, was spread over them, %s. Messages that come late correct it.",
			s.intervals, s.Import, s.Export, s.how())
	case metering.Reset:
		return "A register of the device fell or leapt, so nothing was counted up to here. Check whether the meter was replaced, and enrol its key as a replacement."
	case metering.Unsynchronised:
		return "The device has lost its clock, so its registers wait for a message that knows the time. Check its connection to a time server."
	case metering.Equivocation:
		return "The device signed two different messages with one sequence and is in quarantine. Find out whether its key was copied; then lift the quarantine, or enrol another key."
	case metering.Replaced:
		return fmt.Sprintf("%s came twice: %d Wh taken and %d Wh given gave way to what came later, before the settlement. Check which is right.",
			readings, s.Import, s.Export)
	}
	return "Look at the meter's readings."
}

// how says how what was settled came about.
func (s *stretch) how() string {
	switch s.Way {
	case metering.Interpolated:
		return "the line between the values before and after"
	case metering.LikeDay:
		return fmt.Sprintf("what was measured at the same time %d days before", s.Days)
	case metering.IntervalBefore:
		return "the value of the interval before"
	case metering.NothingKnown:
		return "nothing, because nothing was ever measured,"
	case metering.LikeDays:
		return "in proportion to like days before"
	case metering.Evenly:
		return "evenly"
	}
	return "an estimate"
}
