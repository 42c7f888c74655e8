package node_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/pgtest"
	"github.com/commonwatt/commonwatt/view"
)

// database is a running PostgreSQL server of one test.
func database(t *testing.T) *pgtest.Server {
	t.Helper()
	s, err := pgtest.New()
	if errors.Is(err, pgtest.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Remove(); err != nil {
			t.Error(err)
		}
	})
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// shown waits until a node's read model shows what its ledger has.
func shown(t *testing.T, n *node.Node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		err := n.Seen(ctx, n.Height())
		if err == nil {
			return
		}
		if !errors.Is(err, view.ErrAway) || ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}

func dumped(t *testing.T, v *view.View) string {
	t.Helper()
	var out bytes.Buffer
	if err := v.Dump(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// The ledger goes on while the database of its read model is away, says that it is, and
// brings what it missed; a node starts and ends without it, too. What comes back is what
// the receipts make.
func TestDatabaseGoesAway(t *testing.T) {
	s, dir := database(t), t.TempDir()
	if err := node.Init(dir, testChain, genesisOf(2)); err != nil {
		t.Fatal(err)
	}
	settings := node.Settings{View: s.Address("town")}
	if err := settings.Save(dir); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cfg := node.Config{Dir: dir, Settings: settings, Log: slog.New(slog.NewTextHandler(&log, nil))}
	n, err := node.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	fund(t, n, 2)
	shown(t, n)
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	for nonce := range uint64(5) {
		accept(t, n, transfer(2, 1, nonce+1, 5))
	}
	if err := n.View().Read(t.Context(), func(*view.Reader) error { return nil }); !errors.Is(err, view.ErrAway) {
		t.Errorf("a read without a database: %v", err)
	}
	if err := n.Seen(t.Context(), n.Height()); !errors.Is(err, view.ErrAway) { // Who waits is told, after a while.
		t.Errorf("waiting without a database: %v", err)
	}
	if behind := n.ReadModel(); behind.Behind == "" || behind.Height >= n.Height() || strings.Contains(behind.Behind+behind.Address, pgtest.Password) {
		t.Errorf("without a database the node says %+v", behind)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	shown(t, n)
	if m := n.ReadModel(); m.Behind != "" || m.Height != n.Height() {
		t.Errorf("with it again, it says %+v", m)
	}

	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	accept(t, n, transfer(2, 1, 6, 5))
	if err := n.Close(); err != nil {
		t.Errorf("a node ends while its database is away: %v", err)
	}
	if n, err = node.Open(cfg); err != nil {
		t.Fatalf("a node starts while its database is away: %v", err)
	}
	accept(t, n, transfer(2, 1, 7, 5))
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	shown(t, n)
	there := dumped(t, n.View())
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(log.String(), pgtest.Password) {
		t.Errorf("the log has the password: %s", &log)
	}
	if _, err := node.Verify(t.Context(), dir, func(int64, int64) {}); err != nil {
		t.Errorf("the read model is not what the receipts make: %v", err)
	}

	// Deleted, it comes back the same; so it does in a file.
	if _, err := s.SQL("DROP SCHEMA town CASCADE"); err != nil {
		t.Fatal(err)
	}
	for what, settings := range map[string]node.Settings{"made again": settings, "in a file": {}} {
		n, err := node.Open(node.Config{Dir: dir, Settings: settings})
		if err != nil {
			t.Fatal(err)
		}
		shown(t, n)
		if dumped(t, n.View()) != there {
			t.Errorf("%s, the read model is another one", what)
		}
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A schema with another ledger's rows is not written to.
func TestDatabaseOfAnotherLedger(t *testing.T) {
	s := database(t)
	settings := node.Settings{View: s.Address("shared")}
	for _, own := range []bool{true, false} {
		dir := t.TempDir()
		if err := node.Init(dir, testChain, genesisOf(2)); err != nil {
			t.Fatal(err)
		}
		if !own { // It lives for itself, and then is given the other one's.
			n := open(t, dir)
			fund(t, n, 1)
			if err := n.Close(); err != nil {
				t.Fatal(err)
			}
		}
		n, err := node.Open(node.Config{Dir: dir, Settings: settings})
		if !own {
			if err == nil || !strings.Contains(err.Error(), "another ledger") {
				t.Errorf("it writes among the rows of another one: %v", err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		fund(t, n, 2)
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Nodes of one network share a read model: one writes, the other shows it, and writes
// when the first has ended.
func TestDatabaseIsShared(t *testing.T) {
	s := database(t)
	address := s.Address("shared")
	first, second := t.TempDir(), t.TempDir()
	if err := node.Init(first, testChain, genesisOf(2)); err != nil {
		t.Fatal(err)
	}
	if err := (node.Settings{Listen: freePort(t), View: address}).Save(first); err != nil {
		t.Fatal(err)
	}
	a := networked(t, first)
	fund(t, a, 2)
	i, err := a.Invitation()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := node.Join(second, i, node.Settings{Listen: freePort(t), Peers: i.Peers, View: address}); err != nil {
		t.Fatal(err)
	}
	b := networked(t, second)
	accept(t, b, transfer(2, 1, 1, 5))
	reach(t, b, a.Height())
	height := b.Height() // Blocks without work may follow.
	shown(t, b)
	if m := b.ReadModel(); m.Behind != "" || !strings.Contains(m.Writer, "commonwatt on ") || m.Height < height {
		t.Errorf("the second says %+v", m)
	}
	if m := a.ReadModel(); m.Writer != "" {
		t.Errorf("the first says %+v", m)
	}
	if dumped(t, a.View()) != dumped(t, b.View()) {
		t.Error("they show different rows")
	}
}
