// Package live keeps a community's ledger going as time passes: it books what
// changes in the community file, keeps the tariff ahead of time, and lets intervals
// lapse whose meters stay silent beyond the grace period.
//
// Its promise: a community file that is bad changes nothing, and the last good one
// goes on; nobody's bill waits for a meter for ever; and an archive that is served
// is not filled up with estimates that nobody asked for.
package live

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/commonwatt/commonwatt/broker"
	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/operator"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/report"
	"github.com/commonwatt/commonwatt/session"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Config is what a community lives on.
type Config struct {
	Dir      string // With the community file in it.
	Node     *node.Node
	Operator *operator.Operator // Signs for the node; Live alone uses it. nil: the node follows.
	// Organisation votes where there is no operator.
	Organisation *operator.Operator
	Source       *pages.Source // Is told the names of a file that changed.
	Sessions     *session.Store
	Devices      *session.Devices
	Gateway      Gateway // nil: devices cannot connect.
	Origin       string  // What people open.

	Codes      *session.Codes     // By which devices enrol.
	ReceiptKey ed25519.PrivateKey // Signs what devices are told.
	From       interval.Time      // First interval, where the ledger has none yet; 0: the one at hand.
	Grace      time.Duration      // For which silent meters are waited for.
	Backlog    bool               // Let even what is long over lapse.
	Now        func() time.Time   // The clock.
	Log        *slog.Logger
}

// Gateway is where devices connect.
type Gateway interface {
	// State says how it is. Errors: a server that does not answer.
	State(ctx context.Context) (broker.State, error)
	// Births are the devices that ask to be told of the homes that they are in.
	Births() <-chan grid.Device
	// Home tells a device something of its home. Errors: a server that is not there.
	Home(d grid.Device, below string, text []byte) error
}

// Live is a community while it is served.
type Live struct {
	Config
	community *community.Community
	stamp     stamp         // Of the file that was looked at last.
	tariff    interval.Time // Up to when there is one.
	retry     time.Time     // Not before that the tariff is set again.
	held      bool          // It was said that a backlog does not lapse.
	requests  chan request
}

// request is something that is done between two looks at the clock.
type request struct {
	do   func(context.Context) error
	done chan error
}

// How often is looked at file and clock, for how long the tariff is set ahead, and
// how short it may get.
const (
	pause       = time.Second
	retryPause  = time.Minute
	tariffAhead = 40 * 24 * 3600
	tariffLeast = 7 * 24 * 3600
)

// New returns the life of a community that was read from the folder's file; one that
// follows may have none yet.
func New(cfg Config, c *community.Community) *Live {
	l := &Live{Config: cfg, community: c, requests: make(chan request)}
	l.stamp, _ = stampOf(l.path()) // Without one the first look finds a change.
	return l
}

// path is the community file's.
func (l *Live) path() string { return filepath.Join(l.Dir, community.File) }

// Run lives until the context ends.
//
// Errors: those of the ledger after which nothing can be booked any more.
func (l *Live) Run(ctx context.Context) error {
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for {
		if err := l.look(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("live: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case r := <-l.requests:
			r.done <- r.do(ctx)
		case <-ticker.C:
		}
	}
}

// between runs f in the goroutine of Run, which alone signs.
func (l *Live) between(ctx context.Context, f func(context.Context) error) error {
	r := request{f, make(chan error, 1)}
	select {
	case l.requests <- r:
		return <-r.done
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// look does what file and clock ask for.
func (l *Live) look(ctx context.Context) error {
	if err := l.reread(ctx); err != nil {
		return err
	}
	if l.follows() {
		return nil
	}
	now := l.Now()
	if l.tariff-interval.Time(now.Unix()) < tariffLeast && !now.Before(l.retry) {
		l.retry = now.Add(retryPause)
		booked, err := l.book(ctx, l.community)
		switch {
		case err != nil && fatal(err):
			return err
		case err != nil:
			l.Log.Warn("the ledger does not become what the community file says", "err", err)
		case len(booked) > 0:
			l.Log.Info("the ledger became what the community file says", "booked", fmt.Sprint(booked))
		}
	}
	return l.lapse(ctx)
}

// fatal reports whether nothing can be booked after an error: the node ended.
func fatal(err error) bool {
	return errors.Is(err, node.ErrClosed) || errors.Is(err, context.Canceled)
}

// at is the start of the interval at hand.
func (l *Live) at(c *community.Community) interval.Time {
	return c.Length.Containing(interval.Time(l.Now().Unix())).Start
}

// TariffUntil is up to when the tariff is set at some moment.
func TariffUntil(now interval.Time) interval.Time { return now + tariffAhead }

// span is the time for which the ledger is made to describe a community: what
// changes does so with the interval at hand.
func (l *Live) span(c *community.Community) community.Span {
	now := l.at(c)
	span := community.Span{Start: now, From: now, End: c.PricedUntil(TariffUntil(now))}
	if l.From != 0 {
		span.Start = c.Length.Containing(l.From).Start
	}
	return span
}

// plan lists the operations that book a community's file. A ledger begins with its
// first member: before, there is nothing to settle.
//
// Errors: *operator.FileError.
func (l *Live) plan(c *community.Community) (operations []tx.Operation, err error) {
	l.Node.Read(func(rows state.Reader, _ machine.Head) { err = c.Fits(rows) })
	if err != nil {
		return nil, &operator.FileError{Err: err}
	}
	if len(c.Members) == 0 {
		return nil, nil
	}
	return l.Operator.Plan(c, l.span(c))
}

// book makes the ledger describe a community as its file does, and returns what
// that took.
func (l *Live) book(ctx context.Context, c *community.Community) ([]string, error) {
	operations, err := l.plan(c)
	if err != nil {
		return nil, err
	}
	if err := l.Operator.Submit(ctx, operations); err != nil {
		return nil, err
	}
	l.community, l.tariff = c, l.span(c).End
	l.Source.Rename(c.Microgrid(), report.NamesOf(c))
	return Describe(operations), nil
}

// microgrid is the community's, and whether the ledger has it.
func (l *Live) microgrid(rows state.Reader) (grid.MicrogridID, grid.Microgrid, bool) {
	id := l.community.Microgrid()
	m, ok := grid.At(rows, id)
	return id, m, ok
}
