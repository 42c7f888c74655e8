package pages

import (
	"cmp"
	"context"
	"slices"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/tx"
	"github.com/commonwatt/commonwatt/view"
)

// How much is read and shown of a month.
const (
	concernsMax   = 20_000 // Before those that follow one another are joined.
	exceptionsMax = 500    // On the page, over all meters.
)

// Exceptions tells a microgrid's operator what to look at in a month.
//
// Errors: *Forbidden, *NotFound; those of the view.
func (s *Source) Exceptions(ctx context.Context, viewer Viewer, id grid.MicrogridID, month string) (e Exceptions, err error) {
	if !viewer.Operates(id) {
		return e, &Forbidden{"sign in as the microgrid's operator"}
	}
	err = s.reader(ctx, func(r *view.Reader) error {
		m, err := microgrid(r, id)
		if err != nil {
			return err
		}
		in, err := s.month(m, month)
		if err != nil {
			return err
		}
		counts, err := r.Counts(id, in)
		if err != nil {
			return err
		}
		e = Exceptions{Microgrid: id, Name: s.names(id).Community, Month: month, Now: s.now(), Settled: counts.Intervals}
		e.Meters, e.More, err = s.concerns(r, m, in)
		e.Open = open(e.Meters)
		return err
	})
	return e, err
}

// open counts the meters that need somebody.
func open(meters []MeterExceptions) (n int) {
	for _, m := range meters {
		if m.Class != Told {
			n++
		}
	}
	return n
}

// concerns is what to look at in a period, by meter, and whether there is more.
func (s *Source) concerns(r *view.Reader, m view.Microgrid, in view.Period) (meters []MeterExceptions, more bool, err error) {
	devices, err := r.Devices(m.ID)
	if err != nil {
		return nil, false, err
	}
	points, err := r.PointsIn(m.ID)
	if err != nil {
		return nil, false, err
	}
	list, err := r.Concerns(m.ID, in, concernsMax)
	if err != nil {
		return nil, false, err
	}
	more = len(list) == concernsMax
	of := map[grid.DeviceID][]Exception{}
	for _, c := range list {
		of[c.Device] = joined(of[c.Device], c, interval.Time(m.Length))
	}
	names, owner := s.names(m.ID), map[grid.PointID]tx.AccountID{}
	for _, p := range points {
		owner[p.Point] = p.Account
	}
	meters = []MeterExceptions{}
	for _, d := range devices {
		if of[d.Device] == nil {
			continue
		}
		row := MeterExceptions{Device: d.Device, Meter: names.Meters[d.Device], Kind: community.KindName(d.Kind), Exceptions: of[d.Device]}
		if account, behind := owner[d.Point]; behind {
			row.Account, row.Member = account, names.Accounts[account]
		}
		slices.SortStableFunc(row.Exceptions, func(a, b Exception) int {
			return cmp.Or(cmp.Compare(a.Class.rank(), b.Class.rank()), cmp.Compare(b.To, a.To))
		})
		row.Class = row.Exceptions[0].Class
		meters = append(meters, row)
	}
	slices.SortStableFunc(meters, func(a, b MeterExceptions) int {
		return cmp.Or(cmp.Compare(a.Class.rank(), b.Class.rank()), cmp.Compare(b.Exceptions[0].To, a.Exceptions[0].To), cmp.Compare(a.Meter, b.Meter))
	})
	left := exceptionsMax
	for i := range meters {
		n := min(left, len(meters[i].Exceptions))
		more = more || n < len(meters[i].Exceptions)
		meters[i].Exceptions, left = meters[i].Exceptions[:n], left-n
	}
	return slices.DeleteFunc(meters, func(m MeterExceptions) bool { return len(m.Exceptions) == 0 }), more, nil
}

// joined adds a concern of a device to its list, the latest first: to the last one of
// its reason, when it runs on into that.
func joined(list []Exception, c view.Concern, length interval.Time) []Exception {
	e := Exception{
		Reason: c.Reason.String(), Class: classOf(c), From: c.From, To: c.To + length, Import: int64(c.Import), Export: int64(c.Export),
		Count: int64((c.To-c.From)/length) + 1, Way: c.Way.String(), Days: int64(c.Days), Settled: c.Corrected,
	}
	for i := range slices.Backward(list) {
		later := &list[i]
		if later.Reason != e.Reason {
			continue
		}
		if c.From == c.To && later.From == e.To && later.Class == e.Class && later.Settled == e.Settled && later.Way == e.Way && later.Days == e.Days {
			later.From, later.Count = e.From, later.Count+e.Count
			later.Import, later.Export = later.Import+e.Import, later.Export+e.Export
			return list
		}
		break
	}
	return append(list, e)
}

// classOf says how urgent a concern is.
func classOf(c view.Concern) Class {
	if c.Corrected && c.Reason != metering.Spike { // Which corrects by itself.
		return Told
	}
	switch c.Reason {
	case metering.Missing, metering.Negative, metering.Gap, metering.Unsynchronised:
		return Missing
	case metering.Disputed:
		return Disputed
	case metering.Late, metering.Replaced:
		return Told
	case metering.AboveCapacity, metering.Stuck, metering.NoProduction, metering.Reset, metering.Equivocation, metering.Spike, metering.Feeder:
	}
	return Suspicious
}

// rank orders classes, the most urgent first.
func (c Class) rank() int { return slices.Index([]Class{Missing, Suspicious, Disputed, Told}, c) }
