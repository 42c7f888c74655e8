package node_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/state"
)

// joined makes the folder of a node that begins with the state of the network that an
// invitation is to.
func joined(t *testing.T, i node.Invitation, dir string) string {
	t.Helper()
	if _, err := node.Join(dir, i, node.Settings{Listen: freePort(t), Peers: i.Peers, StateSync: true}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// sharing starts a ledger whose node makes a snapshot after every few blocks.
func sharing(t *testing.T, every int64) (*node.Node, string) {
	t.Helper()
	dir := t.TempDir()
	if err := node.Init(dir, testChain, genesisOf(2)); err != nil {
		t.Fatal(err)
	}
	if err := (node.Settings{Listen: freePort(t), SnapshotBlocks: every}).Save(dir); err != nil {
		t.Fatal(err)
	}
	n := networked(t, dir)
	fund(t, n, 2)
	return n, dir
}

// A node takes the state of another, comes to the same hash at the same height, takes
// part from there, and says what it does not have. With its disk lost, it comes back.
func TestStateSync(t *testing.T) {
	t.Parallel()
	a, source := sharing(t, 4)
	for nonce := uint64(1); nonce < 12; nonce++ {
		accept(t, a, transfer(2, 1, nonce, 1))
	}
	i, err := a.Invitation()
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	for round := range uint64(2) {
		b := networked(t, joined(t, i, filepath.Join(home, "node")))
		status := b.Status()
		if status.First <= 4 {
			t.Fatalf("the first block with receipts is %d: no snapshot was taken", status.First)
		}
		accept(t, a, transfer(2, 1, 20+round, 1))
		reach(t, b, a.Height())
		same(t, a, b)
		if missing := (*node.NoReads)(nil); !errors.As(b.Reads(), &missing) || missing.First != status.First {
			t.Errorf("its read model: %v", b.Reads())
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := b.Seen(ctx, b.Height()); !errors.As(err, new(*node.NoReads)) {
			t.Errorf("who waits for the read model is told %v", err)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(filepath.Join(home, "node")); err != nil { // The disk is lost.
			t.Fatal(err)
		}
	}
	kept, err := os.ReadDir(filepath.Join(source, "snapshots"))
	if err != nil || len(kept) > 3 { // Two, and perhaps one under way.
		t.Errorf("snapshots: %v, %v", kept, err)
	}
}

// same compares two nodes at the lower one's height.
func same(t *testing.T, a, b *node.Node) {
	t.Helper()
	var heads [2]machine.Head
	for i, n := range []*node.Node{a, b} {
		n.Read(func(_ state.Reader, head machine.Head) { heads[i] = head })
	}
	if heads[0].Height == heads[1].Height && !bytes.Equal(heads[0].Encode(), heads[1].Encode()) {
		t.Errorf("two heads of height %d: %+v, %+v", heads[0].Height, heads[0], heads[1])
	}
	if !bytes.Equal(heads[0].Secret, heads[1].Secret) {
		t.Error("two secrets")
	}
}
