package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/pgtest"
)

// freePort returns an address that nothing listens on, below those that the system gives
// whoever dials.
func freePort(t *testing.T) string {
	t.Helper()
	for {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", fmt.Sprintf("127.0.0.1:%d", 16_000+rand.IntN(16_000)))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
}

// follower is a node without a vote that follows the town's ledger, and serves its pages.
func (w *town) follower(t *testing.T, readModel string) *town {
	t.Helper()
	i, err := w.node.Invitation()
	if err != nil {
		t.Fatal(err)
	}
	other := *w
	other.dir = t.TempDir()
	settings := node.Settings{Listen: freePort(t), Peers: i.Peers, View: readModel}
	if _, err := node.Join(other.dir, i, settings); err != nil {
		t.Fatal(err)
	}
	if other.node, err = node.Open(node.Config{Dir: other.dir, Log: slog.New(slog.DiscardHandler), Settings: settings}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := other.node.Close(); err != nil {
			t.Error(err)
		}
	})
	other.source = &pages.Source{View: other.node.View(), Read: other.node.Read, Audit: other.node, Now: w.source.Now, Names: w.source.Names}
	if other.server, err = other.serve(w.offers); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.server.api.Close)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := errors.Join(other.node.Wait(ctx, w.node.Height()), other.node.Seen(ctx, w.node.Height())); err != nil {
		t.Fatal(err)
	}
	return &other
}

// answer is what a client gets, but for the connection's own headers.
func answer(t *testing.T, base string, r role, path string) string {
	t.Helper()
	q := r.request(http.MethodGet, path, nil)
	ask, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	ask.Header = q.Header
	got, err := http.DefaultTransport.RoundTrip(ask)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	got.Header.Del("Date")
	var text bytes.Buffer
	fmt.Fprintln(&text, got.Status)
	if err := got.Header.Write(&text); err != nil {
		t.Fatal(err)
	}
	if _, err := text.ReadFrom(got.Body); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// Every node of a ledger says the same at one height, byte for byte, to everybody: the
// validator, one that only follows with a read model of its own, and two that share
// one in PostgreSQL, of which one writes it.
func TestNodesSayTheSame(t *testing.T) {
	if testing.Short() {
		t.Skip("starts four nodes and a database, and asks each of them everything")
	}
	t.Parallel()
	w, err := live(t.Context(), node.Settings{Listen: freePort(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.end(); err != nil {
			t.Error(err)
		}
	})
	if err := w.node.Rest(t.Context()); err != nil {
		t.Fatal(err)
	}
	others := []*town{w.follower(t, "")}
	database, err := pgtest.New()
	switch {
	case errors.Is(err, pgtest.ErrMissing):
		t.Log("without PostgreSQL: ", err)
	case err != nil:
		t.Fatal(err)
	default:
		t.Cleanup(func() {
			if err := database.Remove(); err != nil {
				t.Error(err)
			}
		})
		if err := database.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		others = append(others, w.follower(t, database.Address("town")), w.follower(t, database.Address("town")))
	}
	bases := []string{w.server.listening(t)}
	for _, o := range others {
		bases = append(bases, o.server.listening(t))
	}
	asked, size := 0, 0
	queries := w.queries(t)
	for _, id := range w.operations(t) {
		for _, q := range queries[id] {
			if q.method != http.MethodGet || id == "events" {
				continue
			}
			for _, r := range w.roles(t) {
				want := answer(t, bases[0], r, q.url)
				for i, base := range bases[1:] {
					asked, size = asked+1, size+len(want)
					if got := answer(t, base, r, q.url); got != want {
						t.Errorf("%s as %s: node %d says\n%.600s\nthe validator\n%.600s", q.url, r.name, i+1, got, want)
					}
				}
			}
		}
	}
	for _, o := range others {
		if o.node.Height() != w.node.Height() {
			t.Errorf("one is at height %d, the validator at %d", o.node.Height(), w.node.Height())
		}
	}
	if asked < 500 {
		t.Errorf("%d answers were compared", asked)
	}
	t.Logf("%d answers of %d nodes, %d bytes, the same at height %d", asked, len(bases), size, w.node.Height())
}
