package pages_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/operator"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/report"
	"github.com/commonwatt/commonwatt/sim"
)

// town is a community on a running node.
type town struct {
	*pages.Source
	community *community.Community
	node      *node.Node
	operator  *operator.Operator
	now       time.Time
}

// on is a moment of the wall clock in the town.
func (w *town) on(date string) interval.Time {
	at, err := time.ParseInLocation("2006-01-02 15:04", date, w.community.TimeZone)
	if err != nil {
		panic(err)
	}
	return interval.Time(at.Unix())
}

// newTown starts the example community with all readings from one moment to another.
func newTown(t *testing.T, from, to string) *town {
	t.Helper()
	return newTownOf(t, "../examples/riverside.toml", from, to)
}

// newTownOf starts the community of a file.
func newTownOf(t *testing.T, file, from, to string) *town {
	t.Helper()
	w := silentTown(t, file, from, to)
	w.book(t, sim.Homes(7, w.community, sim.Options{From: w.on(from), To: w.on(to), Latitude: 50.6, Longitude: 7.2}))
	return w
}

// silentTown is newTownOf without readings.
func silentTown(t *testing.T, file, from, to string) *town {
	t.Helper()
	c, err := community.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	w := &town{community: c}
	dir := t.TempDir()
	if w.operator, err = operator.Open(dir, c.Name); err != nil {
		t.Fatal(err)
	}
	if w.node, err = node.Open(node.Config{Dir: dir, Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.node.Close(); err != nil {
			t.Error(err)
		}
	})
	w.operator.Begin(w.node)
	w.now = time.Unix(int64(w.on(to)), 0)
	w.Source = &pages.Source{
		View: w.node.View(), Read: w.node.Read, Audit: w.node,
		Names: map[grid.MicrogridID]report.Names{c.Microgrid(): report.NamesOf(c)},
		Now:   func() time.Time { return w.now },
		Place: map[grid.MicrogridID]pages.Place{c.Microgrid(): {Latitude: 50.6, Longitude: 7.2}},
	}
	if err := w.operator.Found(t.Context(), c, w.on(from), w.on(to)+86400); err != nil {
		t.Fatal(err)
	}
	return w
}

// book books readings and waits until they are settled and seen.
func (w *town) book(t *testing.T, readings []gateway.Reading) {
	t.Helper()
	err := w.operator.Record(t.Context(), w.community, readings, func() {})
	if err == nil {
		end := readings[len(readings)-1].Start + interval.Time(w.community.Length)
		err = w.operator.Settled(t.Context(), w.community.Microgrid(), min(end, w.operator.FirstOpen(w.community.Microgrid())), func(interval.Time) {})
	}
	if err == nil {
		err = w.node.Seen(t.Context(), w.node.Height())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// notFound reports whether an error says that there is no such thing.
func notFound(err error) bool {
	_, ok := errors.AsType[*pages.NotFound](err)
	return ok
}

// day asks for a member's day, which must be there.
func (w *town) day(t *testing.T, member, date string) pages.Today {
	t.Helper()
	d, err := w.Today(context.Background(), w.community.Account(member), date)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
