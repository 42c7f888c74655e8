package node_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/merkle"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// headOf is the committed head of a running node.
func headOf(n *node.Node) (head machine.Head) {
	n.Read(func(_ state.Reader, h machine.Head) { head = h })
	return head
}

// life lives through envelopes one after the other, each in a block of its own,
// from a genesis on, and returns the state's root after each.
func life(t *testing.T, genesis string, restart bool, cores int) (roots []merkle.Hash) {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(genesis)); err != nil {
		t.Fatal(err)
	}
	n := open(t, dir)
	fund(t, n, 4)
	for i := range 10 {
		o := accept(t, n, transfer(1, 2+tx.AccountID(i%3), uint64(50+i), int64(1+i)))
		if o.Nonce != uint64(50+i) {
			t.Errorf("answered for envelope %d", o.Nonce)
		}
		roots = append(roots, headOf(n).Root)
		if restart {
			if err := n.Close(); err != nil {
				t.Fatal(err)
			}
			n = open(t, dir)
			if headOf(n).Root != roots[i] {
				t.Fatal("a restart changes the state")
			}
		}
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	return roots
}

// The same envelopes make the same state, whether the node restarts between
// blocks or not and however many cores it has. (The app hash is the blocks': it
// says when each was made and how many were empty.)
func TestSameEnvelopesSameState(t *testing.T) {
	genesis := t.TempDir()
	if err := node.Init(genesis, testChain, genesisOf(4)); err != nil {
		t.Fatal(err)
	}
	want := life(t, genesis, false, runtime.GOMAXPROCS(0))
	for _, c := range []struct {
		restart bool
		cores   int
	}{{true, runtime.GOMAXPROCS(0)}, {false, 1}, {true, 8}} {
		got := life(t, genesis, c.restart, c.cores)
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("%+v: transfer %d makes the state %X, at first it made %X", c, i, got[i], want[i])
			}
		}
	}
}

// What one node decided, another one computes the same from the blocks alone, at
// every height, with one core and with eight.
func TestSameBlocksSameHashes(t *testing.T) {
	dir := lived(t)
	want, err := verify(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, cores := range []int{1, 2, 8} {
		previous := runtime.GOMAXPROCS(cores)
		heights := int64(0)
		got, err := node.Verify(context.Background(), dir, func(height, last int64) {
			if heights++; height != heights || last != want.Height {
				t.Errorf("block %d of %d after %d", height, last, heights)
			}
		})
		runtime.GOMAXPROCS(previous)
		if err != nil || !bytes.Equal(got.AppHash, want.AppHash) || got.Rows != want.Rows || heights != want.Height {
			t.Errorf("%d cores: %+v, %v; want %+v", cores, got, err, want)
		}
	}
}

// An envelope that cannot be in a block is answered at once and changes nothing.
func TestBadEnvelopesChangeNothing(t *testing.T) {
	n, _ := start(t, 2)
	fund(t, n, 2)
	if err := n.Rest(t.Context()); err != nil { // A block without work may follow.
		t.Fatal(err)
	}
	before := headOf(n)
	good := transfer(1, 2, 60, 5)
	e, err := tx.Decode(good)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := e.Body
	elsewhere.Chain = "another"
	for _, c := range []struct {
		name string
		raw  []byte
		want error
	}{
		{"nothing", nil, nil},
		{"noise", []byte("noise"), nil},
		{"a byte too many", append(bytes.Clone(good), 0), nil},
		{"cut short", good[:len(good)-1], nil},
		{"a signature by somebody else", tx.SignEd25519(e.Body.Encode(), keyOf(2)), nil},
		{"a signature with a bit changed", flipped(good, len(good)-1, 1), nil},
		{"for another chain", tx.SignEd25519(elsewhere.Encode(), keyOf(1)), nil},
		{"used before", transfer(1, 2, 1, 5), party.ErrNonceUsed},
	} {
		_, err := n.Submit(context.Background(), c.raw)
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if after := headOf(n); after.Height != before.Height || !bytes.Equal(after.AppHash(), before.AppHash()) {
		t.Errorf("height %d became %d", before.Height, after.Height)
	}
	accept(t, n, good)
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
}

// A refusal inside a block is an outcome, not an error, and moves nothing.
func TestRefusedInABlock(t *testing.T) {
	n, _ := start(t, 2)
	fund(t, n, 2)
	o, err := n.Submit(context.Background(), transfer(2, 1, 1, purse+1))
	if no := (*op.Refusal)(nil); errors.As(err, &no) || err != nil || o.Code == 0 {
		t.Errorf("%+v, %v", o, err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
}

// A node that is closed says so, however often and whatever it is asked.
func TestClosed(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	n, dir := start(t, 2)
	fund(t, n, 2)
	height := n.Height()
	waits := make(chan error, 2)
	go func() { waits <- n.Wait(ctx, height+1000) }()
	go func() { waits <- n.Seen(ctx, height+1000) }()
	if err := n.Seen(ctx, height); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}
	for range 2 {
		if err := <-waits; err == nil || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waiting for what never comes ended with %v", err)
		}
	}
	if _, err := n.Submit(ctx, transfer(1, 2, 70, 1)); !errors.Is(err, node.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
	if err := n.Seen(ctx, height); err != nil {
		t.Errorf("what was seen is seen: %v", err)
	}
	// The empty block that proves the last one may have come after it.
	if v, err := verify(dir); err != nil || v.Height != n.Height() || v.Height < height {
		t.Errorf("%+v, %v", v, err)
	}
}
