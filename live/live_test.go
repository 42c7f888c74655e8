package live

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/operator"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/report"
	"github.com/commonwatt/commonwatt/session"
	"github.com/commonwatt/commonwatt/state"
)

const street = `[community]
name = "Street"
[tariff]
retail = 0.30
feed_in = 0.08
[[member]]
name = "anna"
[[member]]
name = "bela"
`

// house is a community on a clock that the test sets.
type house struct {
	*Live
	t     testing.TB
	clock atomic.Int64
	log   bytes.Buffer
}

// newHouse founds a community whose clock stands at a moment.
func newHouse(t testing.TB, from time.Time) *house {
	t.Helper()
	return newHouseOf(t, street, from)
}

// newHouseOf founds a community of a file's text.
func newHouseOf(t testing.TB, text string, from time.Time) *house {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, community.File), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := community.Load(filepath.Join(dir, community.File))
	if err != nil {
		t.Fatal(err)
	}
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
	people, err := session.Open(dir, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t}
	h.clock.Store(from.Unix())
	h.Live = New(Config{
		Dir: dir, Node: n, Operator: op, Sessions: people, Origin: "http://localhost:1", Grace: GraceDefault,
		Source: &pages.Source{Names: map[grid.MicrogridID]report.Names{}}, ReceiptKey: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)),
		Now: func() time.Time { return time.Unix(h.clock.Load(), 0) },
		Log: slog.New(slog.NewTextHandler(&h.log, nil)),
	}, c)
	return h
}

// step looks once, and waits until nothing is due and all is shown.
func (h *house) step() {
	h.t.Helper()
	if err := h.look(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	height := h.Node.Height()
	for ; len(h.Node.Due()) > 0; height = h.Node.Height() {
		if err := h.Node.Wait(h.t.Context(), height+1); err != nil {
			h.t.Fatal(err)
		}
	}
	if err := h.Node.Seen(h.t.Context(), height); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) at(moment time.Time) { h.clock.Store(moment.Unix()) }

// open is the first interval that is not settled.
func (h *house) open() time.Time {
	return time.Unix(int64(h.Operator.FirstOpen(h.community.Microgrid())), 0)
}

// Intervals whose meters stay silent lapse when their grace is over by the clock,
// and not before.
func TestLapse(t *testing.T) {
	start := time.Now().Add(-100 * time.Hour).Truncate(time.Hour)
	h := newHouse(t, start)
	h.step()
	if !h.open().Equal(start) {
		t.Fatalf("it begins at %v, not %v", h.open(), start)
	}
	h.at(start.Add(25*time.Hour - time.Second))
	h.step()
	if !h.open().Equal(start) {
		t.Errorf("within its grace an interval lapsed: %v", h.open())
	}
	h.at(start.Add(25 * time.Hour))
	h.step()
	if !h.open().Equal(start.Add(time.Hour)) {
		t.Errorf("after its grace an interval did not lapse: %v", h.open())
	}
	h.at(start.Add(49*time.Hour + 20*time.Minute))
	h.step()
	if !h.open().Equal(start.Add(25 * time.Hour)) {
		t.Errorf("many did not lapse at once: %v", h.open())
	}
	h.rest(t)
	height := h.Node.Height()
	h.step()
	if h.Node.Height() != height {
		t.Error("it signs again what was said")
	}
}

// A ledger that is far behind was an archive: it is not filled up with estimates
// unless somebody says so.
func TestBacklog(t *testing.T) {
	start := time.Now().Add(-400 * time.Hour).Truncate(time.Hour)
	h := newHouse(t, start)
	h.step()
	h.at(start.Add(399 * time.Hour))
	h.step()
	h.step()
	if !h.open().Equal(start) || strings.Count(h.log.String(), "far behind the clock") != 1 {
		t.Errorf("%v: %s", h.open(), &h.log)
	}
	h.Backlog = true
	h.step()
	if !h.open().Equal(start.Add(375 * time.Hour)) {
		t.Errorf("asked for, it does not lapse: %v", h.open())
	}
}

// rest waits until the ledger has nothing left to prove.
func (h *house) rest(t *testing.T) {
	t.Helper()
	if err := h.Node.Rest(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A file that changed is booked from the interval at hand; a bad one is told of
// once and changes nothing.
func TestReread(t *testing.T) {
	start := time.Now().Add(-10 * time.Hour).Truncate(time.Hour)
	h := newHouse(t, start)
	h.step()
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(h.path(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, bad := range map[string]string{
		"no TOML":           street + "[[member",
		"no member":         street + "[[member]]\nname = \"anna\"\n",
		"another currency":  strings.Replace(street, "[tariff]", "currency = \"CHF\"\n[tariff]", 1),
		"another community": strings.Replace(street, "Street", "Road", 1),
	} {
		h.rest(t)
		height := h.Node.Height()
		h.log.Reset()
		write(bad)
		h.step()
		h.step()
		if strings.Count(h.log.String(), "is bad: the last good one goes on") != 1 || h.Node.Height() != height || h.community.Name != "Street" {
			t.Errorf("%s: %s", name, &h.log)
		}
	}
	h.at(start.Add(3*time.Hour + 5*time.Minute))
	write(street + "[[member]]\nname = \"carla\"\n")
	h.step()
	var joined grid.Connection
	h.Node.Read(func(rows state.Reader, _ machine.Head) {
		joined, _ = grid.PointAt(rows, grid.Point{Microgrid: h.community.Microgrid(), Point: h.community.PointID("carla")})
	})
	if joined.From != interval.Time(start.Add(3*time.Hour).Unix()) {
		t.Errorf("Carla joins at %d", joined.From)
	}
	if err := os.Remove(h.path()); err != nil {
		t.Fatal(err)
	}
	h.log.Reset()
	h.step()
	if len(h.community.Members) != 3 || !strings.Contains(h.log.String(), "is bad") {
		t.Errorf("without a file: %s", &h.log)
	}
}

// Commands find the node by its file, and nobody else gets in.
func TestControl(t *testing.T) {
	h := newHouse(t, time.Now().Truncate(time.Hour))
	if _, err := Find(t.Context(), h.Dir); !errors.Is(err, ErrNotRunning) {
		t.Errorf("a node that does not run: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	stop, err := h.Control(ctx)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	client, err := Find(ctx, h.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(h.Dir, AddressFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	answer, err := http.Get(client.Control + "/status")
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusForbidden {
		t.Errorf("without the token: %s", answer.Status)
	}
	for who, want := range map[string]string{"anna": "", "operator": "", "auditor": "", "member:bela": "", "carla": "there is no member", "visitor": "there is no member"} {
		link, err := client.Link(ctx, who)
		if _, bad := errors.AsType[*BadError](err); bad != (want != "") || err == nil && !strings.HasPrefix(link, "http://localhost:1/signin#") {
			t.Errorf("%s: %q %v", who, link, err)
		}
	}
	bad := metering.Record{Microgrid: h.community.Microgrid()}
	if err := client.Record(ctx, bad); err == nil || !strings.Contains(err.Error(), "there are no readings") {
		t.Errorf("no readings: %v", err)
	}
	if _, err := client.Change(ctx, []byte("[community"), false); err == nil {
		t.Error("a bad file was taken")
	}
	if booked, err := client.Change(ctx, []byte(street+"# Quiet.\n"), false); err != nil || len(booked) != 0 {
		t.Errorf("a comment: %v %v", booked, err)
	}
	meters, err := client.Meters(ctx)
	if err != nil || len(meters) != 2 || meters[0].ID != "anna" || meters[0].From == 0 || meters[0].Last != 0 {
		t.Errorf("%+v %v", meters, err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if _, err := Find(t.Context(), h.Dir); !errors.Is(err, ErrNotRunning) {
		t.Errorf("a node that ended: %v", err)
	}
}
