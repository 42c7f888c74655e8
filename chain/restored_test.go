package chain

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cometbft/cometbft/privval"
)

// forget makes a stopped node's folder one that was restored from a copy of before it
// signed anything.
func (n *node) forget(t *testing.T) {
	t.Helper()
	if err := errors.Join(writeJSON(filepath.Join(n.dir, signedFile), &privval.FilePVLastSignState{}), os.RemoveAll(filepath.Join(n.dir, walFolder)), Restored(n.dir)); err != nil {
		t.Fatal(err)
	}
}

// Of four validators one is restored from a copy of before it signed, while the others
// wait for a third: it could decide the block at hand with them, and may have signed it
// once already. It does not; it signs again when the others went on without it, and
// nobody has evidence against it.
func TestRestoredValidatorDoesNotSignTwice(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, 4)
	for i := range n {
		n[i].cfg.Idle = 50 * time.Millisecond
		n[i].run(t)
	}
	submit(t, n[0].chain, n[0].app, 1)
	wait(t, n[3].chain, n[0].chain.Height())
	stop(t, n[2].chain)
	signed := n[3].chain.Height()
	stop(t, n[3].chain)
	n[3].forget(t)
	n[3].run(t)
	if !n[3].chain.parts.signer.restored.holds() {
		t.Fatal("it does not wait")
	}
	n[2].run(t) // Without a third of the power nothing is decided, so nothing is proven before.
	for n[3].chain.parts.signer.restored.holds() {
		wait(t, n[3].chain, n[3].chain.Height()+1)
	}
	from := n[3].chain.Height()
	own := n[3].chain.parts.signer.GetAddress()
	last := from
	for again := false; !again; last++ {
		wait(t, n[0].chain, last+2)
		for _, s := range n[0].chain.parts.blocks.LoadBlock(last + 1).LastCommit.Signatures {
			again = again || last >= from && string(s.ValidatorAddress) == string(own)
		}
		if last > from+50 {
			t.Fatal("it does not sign again")
		}
	}
	for height := signed + 1; height <= last; height++ {
		block := n[0].chain.parts.blocks.LoadBlock(height)
		if len(block.Evidence.Evidence) > 0 {
			t.Errorf("block %d has evidence: %v", height, block.Evidence.Evidence)
		}
		if height-1 <= signed+1 {
			continue // What it signed before is under these.
		}
		for _, s := range block.LastCommit.Signatures {
			if height-1 < from && string(s.ValidatorAddress) == string(own) {
				t.Errorf("it signed block %d, and waited until %d", height-1, from)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(n[3].dir, restoredFile)); err == nil {
		t.Error("it waits again after the next start")
	}
}

// A key whose mark is gone is refused, with what to do; a mark is never lowered.
func TestMarkMustExist(t *testing.T) {
	d := newDisk(t)
	if err := os.Remove(filepath.Join(d.dir, signedFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(Config{Dir: d.dir, Log: silent}, newCounter(t, d.db("app")), d.kv); !errors.Is(err, ErrNoMark) {
		t.Errorf("it starts: %v", err)
	}
	if _, err := Keys(d.dir); !errors.Is(err, ErrNoMark) {
		t.Errorf("a mark was made: %v", err)
	}
	if err := SignFrom(d.dir, 7); err != nil {
		t.Fatal(err)
	}
	if err := SignFrom(d.dir, 6); !errors.Is(err, ErrMark) {
		t.Errorf("the mark was lowered: %v", err)
	}
	key, _, err := loadKeys(d.dir)
	if err != nil {
		t.Fatal(err)
	}
	for height, want := range map[int64]bool{5: false, 6: false, 7: true} {
		for _, round := range []int32{0, 1, 1 << 20} {
			_, err := key.LastSignState.CheckHRS(height, round, 1)
			if (err == nil) != want {
				t.Errorf("height %d, round %d: %v", height, round, err)
			}
		}
	}
}
