package demo

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/operator"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/report"
)

// lived runs a demo's history in a folder of its own and returns Weber's day.
func lived(t *testing.T, o Options) (*pages.Source, *Demo) {
	t.Helper()
	c, err := Community()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	op, err := operator.Open(dir, c.Name)
	if err != nil {
		t.Fatal(err)
	}
	n, err := node.Open(node.Config{Dir: dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	op.Begin(n)
	d := New(n, op, c, o)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		done <- d.Live(ctx, func(got, total int64) {
			if got == total {
				cancel()
			}
		})
	}()
	if err := <-done; err != nil && ctx.Err() == nil {
		t.Fatal(err)
	}
	if err := n.Seen(t.Context(), n.Height()); err != nil {
		t.Fatal(err)
	}
	return &pages.Source{
		View: n.View(), Read: n.Read, Names: map[grid.MicrogridID]report.Names{c.Microgrid(): report.NamesOf(c)},
		Now: func() time.Time { return o.At }, Place: map[grid.MicrogridID]pages.Place{c.Microgrid(): Place},
	}, d
}

// The same seed and moment give the same day; it has provisional intervals, and
// yesterday has a correction.
func TestSame(t *testing.T) {
	at := time.Date(2026, 6, 20, 16, 30, 0, 0, time.UTC)
	s, d := lived(t, Options{Seed: 7, At: at, Days: 3})
	again, _ := lived(t, Options{Seed: 7, At: at, Days: 3})
	weber := d.Community.Account("Weber")
	one, err := s.Today(t.Context(), weber, "2026-06-20")
	if err != nil {
		t.Fatal(err)
	}
	two, err := again.Today(t.Context(), weber, "2026-06-20")
	if err != nil {
		t.Fatal(err)
	}
	if one.Used != two.Used || one.Balance != two.Balance || one.Used.Wh == 0 {
		t.Errorf("%+v %+v, then %+v %+v", one.Used, one.Balance, two.Used, two.Balance)
	}
	if one.Progress.Settled != 72 || one.Progress.Provisional != 2 {
		t.Errorf("%+v", one.Progress)
	}
	yesterday, err := s.Today(t.Context(), weber, "2026-06-19")
	if err != nil {
		t.Fatal(err)
	}
	if len(yesterday.Revisions) != 8 {
		t.Errorf("%d corrections", len(yesterday.Revisions))
	}
	if front := interval.Time(d.Now().Unix()); front > interval.Time(at.Unix()) {
		t.Errorf("history went on to %d", front)
	}
}
