package demo

import (
	"cmp"
	"context"
	"slices"

	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/sim"
)

// What goes wrong in history, so that an operator has something to look at and a
// household a correction: hours before the moment at which the demo begins.
const (
	silentMeter     = "Weber" // Its readings of silentFrom to silentTo came when they were settled already.
	silentFrom      = 29      // 13:30 of the day before, when it begins at 18:30.
	silentTo        = 27
	stuckMeter      = "Kraus"
	deadMeter       = "richter-pv"
	hour            = interval.Time(3600)
	daysDead, stuck = 3, 20 * hour
	perDay          = 24 * hour
	lateMost        = 2 // Intervals by which lateMeters report late.
	daysAhead       = 2 // Days that are simulated while the ones before are booked.
)

// lateMeters report later than the others, so that the last intervals of a live
// community are read and not settled yet.
var lateMeters = []string{"Huber", "Otto"}

// punctual holds the readings of late meters back and gives those that are due.
func (d *Demo) punctual(now []gateway.Reading) []gateway.Reading {
	var due []gateway.Reading
	for _, r := range now {
		if slices.Contains(lateMeters, r.Meter) {
			d.held = append(d.held, r)
			continue
		}
		due = append(due, r)
	}
	length := interval.Time(d.Community.Length)
	for len(d.held) > 0 && d.held[0].Start+lateMost*length < d.at {
		due, d.held = append(due, d.held[0]), d.held[1:]
	}
	sorted(due)
	return due
}

func sorted(readings []gateway.Reading) {
	slices.SortFunc(readings, func(a, b gateway.Reading) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.Meter, b.Meter))
	})
}

// history books the days before the demo begins, and simulates the next ones
// meanwhile.
func (d *Demo) history(ctx context.Context, progress func(done, total int64)) error {
	if err := d.found(ctx, d.begin); err != nil {
		return err
	}
	if err := d.supplyDairy(ctx); err != nil {
		return err
	}
	until := d.at
	days := make(chan []gateway.Reading, daysAhead)
	go func() {
		defer close(days)
		for from := d.begin; from < until; from += perDay {
			var day []gateway.Reading
			for at := from; at < min(from+perDay, until); at += interval.Time(d.Community.Length) {
				day = append(day, d.run.Next()...)
			}
			select {
			case days <- d.broken(day):
			case <-ctx.Done():
				return
			}
		}
	}()
	tell := func() {
		open := d.operator.FirstOpen(d.Community.Microgrid())
		d.front.Store(int64(open))
		length := interval.Time(d.Community.Length)
		progress(int64((open-d.begin)/length), int64((until-d.begin)/length))
	}
	for day := range days {
		if err := d.settle(ctx, day, tell); err != nil {
			return err
		}
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if err := d.operator.Settled(ctx, d.Community.Microgrid(), until-lateMost*interval.Time(d.Community.Length),
		func(interval.Time) { tell() }); err != nil {
		return err
	}
	progress(1, 1)
	return d.node.Seen(ctx, d.node.Height())
}

// broken lets some meters fail as meters do.
func (d *Demo) broken(day []gateway.Reading) []gateway.Reading {
	return sim.Break(day, []sim.Fault{
		{Meter: deadMeter, Failure: sim.Dead, From: d.at - daysDead*perDay, To: d.at},
		{Meter: stuckMeter, Failure: sim.Stuck, From: d.at - 5*perDay, To: d.at - 5*perDay + stuck},
	})
}

// settle books the readings of a day. Those of the silent meter come after the
// hours in which it was silent are settled with an estimate.
func (d *Demo) settle(ctx context.Context, day []gateway.Reading, tell func()) error {
	from, to := d.at-silentFrom*hour, d.at-silentTo*hour
	end := d.at - lateMost*interval.Time(d.Community.Length)
	var now, later []gateway.Reading
	for _, r := range day {
		switch {
		case r.Meter == silentMeter && r.Start >= from && r.Start < to:
			later = append(later, r)
		case slices.Contains(lateMeters, r.Meter) && r.Start >= end:
			d.held = append(d.held, r)
		default:
			now = append(now, r)
		}
	}
	if err := d.operator.Record(ctx, d.Community, now, tell); err != nil || len(later) == 0 {
		return err
	}
	if err := d.operator.Lapse(ctx, d.Community.Microgrid(), to); err != nil {
		return err
	}
	if err := d.operator.Settled(ctx, d.Community.Microgrid(), to, func(interval.Time) {}); err != nil {
		return err
	}
	return d.operator.Record(ctx, d.Community, later, tell)
}
