package node_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/proof"
	"github.com/commonwatt/commonwatt/tx"
)

// A node that keeps the last blocks only goes on, also after a restart, shows all that
// it ever showed, proves what it still has, and says of the rest that it is gone.
func TestKeepBlocks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := node.Init(dir, testChain, genesisOf(2)); err != nil {
		t.Fatal(err)
	}
	settings := node.Settings{KeepBlocks: node.KeepLeast, SnapshotBlocks: 50}
	n, nonce := (*node.Node)(nil), uint64(0)
	for range 2 {
		var err error
		if n, err = node.Open(node.Config{Dir: dir, Settings: settings}); err != nil {
			t.Fatal(err)
		}
		if nonce == 0 {
			fund(t, n, 2)
		}
		for range 110 {
			nonce++
			accept(t, n, transfer(2, 1, nonce, 1))
		}
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
	}
	v, err := node.Verify(t.Context(), dir, func(int64, int64) {})
	if err != nil {
		t.Fatal(err)
	}
	if v.From < 50 || v.From%50 != 1 || v.Height < 200 {
		t.Errorf("verified from block %d to %d", v.From, v.Height)
	}
	n, err = node.Open(node.Config{Dir: dir, Settings: settings})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	height, first := n.Height(), n.Status().First
	if first > height-node.KeepLeast+1 || first < height-node.KeepLeast-60 {
		t.Errorf("at height %d the first block with receipts is %d", height, first)
	}
	if _, ok := n.Block(first - 1); ok {
		t.Errorf("block %d is still there", first-1)
	}
	if _, ok := n.Block(first); !ok {
		t.Errorf("block %d is gone, its receipts are not", first)
	}
	if _, err := n.Record(first - 1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the receipts before the first: %v", err)
	}
	if n.Reads() != nil || n.View().Height() == 0 {
		t.Errorf("the read model: %v at %d", n.Reads(), n.View().Height())
	}
	full := func(at, step int64) int64 {
		for ; ; at += step {
			if r, err := n.Record(at); err != nil || len(r.Outcomes) > 0 {
				return at
			}
		}
	}
	for _, at := range []int64{full(first, 1), full(height, -1)} {
		b, err := n.Prove(t.Context(), []proof.Place{{Height: at}}, nil)
		if err != nil {
			t.Fatalf("a proof of block %d: %v", at, err)
		}
		if len(b.Receipts) != 1 || b.Receipts[0].Height != at {
			t.Errorf("the proof of block %d shows %+v", at, b.Receipts)
		}
	}
	if _, err := n.Prove(context.Background(), []proof.Place{{Height: first - 1}}, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a proof of what is gone: %v", err)
	}
}

// A read model that was lost cannot be made again from the last blocks: the node says so
// and goes on without.
func TestLostViewOfKeptBlocks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := node.Init(dir, testChain, genesisOf(2)); err != nil {
		t.Fatal(err)
	}
	config := node.Config{Dir: dir, Settings: node.Settings{KeepBlocks: node.KeepLeast}}
	n, err := node.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	fund(t, n, 2)
	for nonce := range uint64(130) {
		accept(t, n, transfer(2, tx.AccountID(1), nonce+1, 1))
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "view.sqlite")); err != nil {
		t.Fatal(err)
	}
	if n, err = node.Open(config); err != nil {
		t.Fatal(err)
	}
	accept(t, n, transfer(2, 1, 999, 1))
	if missing := (*node.NoReads)(nil); !errors.As(n.Reads(), &missing) || n.View().Height() != 0 {
		t.Errorf("the read model: %v, %d", n.Reads(), n.View().Height())
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
}
