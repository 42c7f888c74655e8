// Package demo is a community that lives by itself: forty-eight made-up homes, a
// small plant on the river, a battery and two chargers for cars, on a real node.
//
// Its promise: everything but the people is real. Its readings go through the same
// door as everyone's, and are settled, billed and proven like theirs; the same
// seed and moment give the same bills. It touches no folder but its own.
package demo

import (
	"context"
	_ "embed" // The community file.
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/operator"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/sim"
)

//go:embed lindenhof.toml
var lindenhof []byte

// Where Lindenhof would be.
const latitude, longitude = 50.3, 6.9

// Place is where the community stands.
var Place = pages.Place{Latitude: latitude, Longitude: longitude}

// Options say which life it is.
type Options struct {
	Seed  uint64
	At    time.Time // When the demo begins to live; history lies before it.
	Speed float64   // How much faster than the clock time passes; 0: it stands still.
	Days  int       // Of history.
}

// Demo is the community.
type Demo struct {
	Community *community.Community

	options  Options
	operator *operator.Operator
	node     *node.Node
	run      *sim.Run
	begin    interval.Time // Of history.
	at       interval.Time
	held     []gateway.Reading // By meters that are late.
	tariff   interval.Time     // Until when there is one.

	requests chan request

	front atomic.Int64 // Up to where history is settled.
	live  atomic.Int64 // When the life began, in nanoseconds; 0: not yet.
}

// Community reads the demo's community file.
func Community() (*community.Community, error) { return community.Parse("lindenhof.toml", lindenhof) }

// New returns the community before its first day. The operator signs for the node.
func New(n *node.Node, op *operator.Operator, c *community.Community, o Options) *Demo {
	length := interval.Time(c.Length)
	at := interval.Time(o.At.Unix()) / length * length
	local := time.Unix(int64(at), 0).In(c.TimeZone)
	begin := interval.Time(time.Date(local.Year(), local.Month(), local.Day()-o.Days, 0, 0, 0, 0, c.TimeZone).Unix())
	d := &Demo{
		Community: c, options: o, operator: op, node: n, begin: begin, at: at,
		requests: make(chan request),
		run:      sim.New(o.Seed, c, sim.Options{From: begin, Latitude: latitude, Longitude: longitude}),
	}
	d.front.Store(int64(begin))
	return d
}

// Speed is how much faster than the clock time passes.
func (d *Demo) Speed() float64 { return d.options.Speed }

// Seed is what the life is drawn from.
func (d *Demo) Seed() uint64 { return d.options.Seed }

// Ready reports whether history is over.
func (d *Demo) Ready() bool { return d.live.Load() != 0 }

// Health looks whether history is over.
func (d *Demo) Health() []node.Check {
	c := node.Check{Name: "history"}
	if !d.Ready() {
		c.Problem = "history is being settled"
	}
	return []node.Check{c}
}

// Now is the community's clock: while history is settled, how far that is.
func (d *Demo) Now() time.Time {
	began := d.live.Load()
	if began == 0 {
		return time.Unix(d.front.Load(), 0)
	}
	passed := time.Duration(float64(time.Now().UnixNano()-began) * d.options.Speed)
	return d.options.At.Add(passed)
}

// ErrCaughtUp means that the demo's time reached the computer's: what has not
// happened yet cannot be metered.
var ErrCaughtUp = errors.New("demo: its time has caught up with this computer's clock: start it again with an earlier --at, or a lower --speed")

// Live settles history and then lives on until the context ends. It tells how far
// history is.
//
// Errors: ErrCaughtUp; those of the ledger.
func (d *Demo) Live(ctx context.Context, progress func(done, total int64)) error {
	if err := d.history(ctx, progress); err != nil {
		return err
	}
	d.live.Store(time.Now().UnixNano())
	if d.options.Speed == 0 {
		return d.still(ctx)
	}
	for {
		next := d.at + interval.Time(d.Community.Length)
		wait := float64(next-interval.Time(d.options.At.Unix())) / d.options.Speed * float64(time.Second)
		timer := time.NewTimer(time.Until(time.Unix(0, d.live.Load()).Add(time.Duration(wait))))
		if !d.serve(ctx, timer.C) {
			timer.Stop()
			return nil
		}
		if next > interval.Time(time.Now().Unix()) {
			return ErrCaughtUp
		}
		if err := d.step(ctx); err != nil {
			return fmt.Errorf("demo: the interval before %s: %w", time.Unix(int64(next), 0).UTC().Format(time.RFC3339), err)
		}
	}
}

// request is something that is signed between two intervals.
type request struct {
	do   func(context.Context) error
	done chan error
}

// still answers requests until the context ends, while time does not pass.
func (d *Demo) still(ctx context.Context) error {
	d.serve(ctx, nil)
	return nil
}

// serve answers requests until it is time, or, when it returns false, until the context
// ends.
func (d *Demo) serve(ctx context.Context, until <-chan time.Time) bool {
	for {
		select {
		case <-ctx.Done():
			return false
		case r := <-d.requests:
			r.done <- r.do(ctx)
		case <-until:
			return true
		}
	}
}

// errHistory is what who comes early is told.
var errHistory = &api.Unfit{Text: "the demo settles its history: try again in a minute"}

// Between runs f where nobody else signs.
func (d *Demo) Between(ctx context.Context, f func(context.Context, *community.Community) error) error {
	if !d.Ready() {
		return errHistory
	}
	r := request{func(ctx context.Context) error { return f(ctx, d.Community) }, make(chan error, 1)}
	select {
	case d.requests <- r:
		return <-r.done
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// step lets one interval pass.
func (d *Demo) step(ctx context.Context) error {
	if err := d.found(ctx, d.at); err != nil {
		return err
	}
	d.at += interval.Time(d.Community.Length)
	return d.operator.Record(ctx, d.Community, d.punctual(d.run.Next()), func() {})
}

// tariffAhead is for how long the tariff is set ahead, and how short it may get.
const tariffAhead, tariffLeast = 40 * 24 * 3600, 7 * 24 * 3600

// found makes the ledger describe the community, with a tariff for the time to come.
func (d *Demo) found(ctx context.Context, at interval.Time) error {
	if d.tariff-at >= tariffLeast {
		return nil
	}
	d.tariff = at + tariffAhead
	return d.operator.Found(ctx, d.Community, d.begin, d.tariff)
}
