package node_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/proof"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/store"
)

// hashesFile is what a node keeps for making proofs.
const hashesFile = "receipts.hashes"

// prove makes a bundle and verifies it against the first block's hash, as somebody
// does who has nothing but the file.
func prove(t testing.TB, n *node.Node, since int64, places []proof.Place, keys ...[]byte) proof.Verified {
	t.Helper()
	b, err := n.ProveSince(context.Background(), since, places, keys)
	if err != nil {
		t.Fatal(err)
	}
	return verified(t, n.Headers().At, &b)
}

func verified(t testing.TB, at func(int64) (proof.Block, error), b *proof.Bundle) proof.Verified {
	t.Helper()
	again, err := proof.Decode(b.Encode())
	if err != nil {
		t.Fatal(err)
	}
	height := again.Anchor().Height
	first, err := at(height)
	if err != nil {
		t.Fatal(err)
	}
	v, err := again.Verify(proof.Trust{Chain: testChain, Height: height, Hash: first.Header.Hash(testChain)}, again.Block.Header.Seconds())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Every receipt of a ledger and any row can be proven while blocks go on, after a
// restart, and of the folder of a stopped node, which stays as it was.
func TestProve(t *testing.T) {
	dir := lived(t)
	if _, err := node.ProveIn(dir, 0, nil, nil); !errors.Is(err, node.ErrUnproven) {
		t.Errorf("of a head that no header commits to: %v", err)
	}
	places := everyPlace(t, dir)
	absent, present := []byte("certificate.lot/none"), aRow(t, dir)

	b, err := node.ProveIn(dir, 0, places, [][]byte{present, absent, present})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.CheckSeal(dir); err != nil {
		t.Errorf("a proof changed the folder: %v", err)
	}
	refusesChanges(t, dir, places[len(places)-1:], present, absent)
	n := open(t, dir)
	v := verified(t, n.Headers().At, &b)
	if len(v.Receipts) != len(places) || len(v.Rows) != 2 || v.Rows[0].Present == v.Rows[1].Present {
		t.Errorf("%d receipts of %d, rows %v", len(v.Receipts), len(places), v.Rows)
	}
	for i, at := range places {
		v := prove(t, n, 0, places[i:i+1])
		r, err := n.Record(at.Height)
		if err != nil {
			t.Fatal(err)
		}
		if want := r.Outcomes[at.Position].Receipts[at.N]; !bytes.Equal(v.Receipts[0].Fact.Body, want.Body) || v.Receipts[0].Height != at.Height {
			t.Errorf("%v proves %v", at, v.Receipts[0])
		}
		if i%7 == 0 {
			accept(t, n, transfer(3, 2, uint64(100+i), 1)) // The head moves on between proofs.
		}
	}
	// The file is made again when it is gone, cut short or wrong.
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(raw []byte) []byte{
		"kept": func(raw []byte) []byte { return raw }, "gone": func([]byte) []byte { return nil },
		"cut short":   func(raw []byte) []byte { return raw[:len(raw)*2/3+5] },
		"wrong":       func(raw []byte) []byte { return append(bytes.Repeat([]byte{0}, 72), raw...) },
		"one flipped": func(raw []byte) []byte { raw[72*2+9] ^= 1; return raw },
		"all flipped": func(raw []byte) []byte {
			for at := 72 - 1; at < len(raw); at += 72 {
				raw[at] ^= 1
			}
			return raw
		},
	} {
		path := filepath.Join(dir, hashesFile)
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, spoil(bytes.Clone(raw)), 0o600); err != nil {
			t.Fatal(err)
		}
		n := open(t, dir)
		prove(t, n, 0, places)
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
		if again, err := os.ReadFile(path); err != nil || !bytes.Equal(again[:len(raw)], raw) {
			t.Errorf("%s: the file is not as it was: %v", name, err)
		}
	}
	if _, err := node.Verify(context.Background(), dir, func(int64, int64) {}); err != nil {
		t.Error(err)
	}
	if _, err := n.Prove(context.Background(), places, nil); !errors.Is(err, node.ErrClosed) {
		t.Errorf("a closed node proves: %v", err)
	}
}

// refusesChanges changes each byte of a bundle of a folder: it is refused, and the
// step is named.
func refusesChanges(t *testing.T, dir string, places []proof.Place, keys ...[]byte) {
	t.Helper()
	b, err := node.ProveIn(dir, 0, places, keys)
	if err != nil {
		t.Fatal(err)
	}
	raw, trust, found := b.Encode(), b.Anchor(), map[proof.Step]int{}
	for at := range raw {
		raw[at] ^= 1 << (at % 8)
		report := proof.Inspect(raw, &trust, b.Block.Header.Seconds())
		if report.Err == nil {
			t.Errorf("byte %d of %d may be changed", at, len(raw))
		} else {
			found[report.Steps[len(report.Steps)-1].Step]++
		}
		raw[at] ^= 1 << (at % 8)
	}
	t.Logf("%d bytes; changes were found at %v", len(raw), found)
}

func TestProveWhatThereIsNot(t *testing.T) {
	n, _ := start(t, 2)
	defer n.Close()
	fund(t, n, 2)
	for _, at := range []proof.Place{{Height: 1 << 40}, {Height: -1}, {Height: 1, Position: 9}, {Height: 1, N: 99}} {
		if _, err := n.Prove(context.Background(), []proof.Place{at}, nil); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v: %v", at, err)
		}
	}
	if _, err := n.ProveSince(context.Background(), 1<<40, nil, nil); err == nil {
		t.Error("a path begins after the head")
	}
	// A reader who trusts a later block gets a path from there.
	prove(t, n, n.Height(), nil)
}

// everyPlace lists where the receipts of a stopped ledger stand.
func everyPlace(t testing.TB, dir string) (places []proof.Place) {
	t.Helper()
	n := open(t, dir)
	for height := int64(1); height <= n.Height(); height++ {
		r, err := n.Record(height)
		if err != nil {
			t.Fatal(err)
		}
		for p, o := range r.Outcomes {
			for i := range o.Receipts {
				places = append(places, proof.Place{Height: height, Position: uint32(p), N: uint32(i)})
			}
		}
	}
	if err := errors.Join(n.Rest(t.Context()), n.Close()); err != nil {
		t.Fatal(err)
	}
	return places
}

// aRow is the key of some row.
func aRow(t testing.TB, dir string) (key []byte) {
	t.Helper()
	err := node.Peek(dir, func(rows state.Reader, _ machine.Head) {
		for k := range rows.Ascend([]byte("ledger"), []byte("z")) {
			key = bytes.Clone(k)
			break
		}
	})
	if err != nil || key == nil {
		t.Fatal(err)
	}
	return key
}
