package chain

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	dbm "github.com/cometbft/cometbft-db"
)

// twin stops a validator, makes of its folder what a restore makes of a backup, and
// starts both.
func (n network) twin(t *testing.T, i int, ownName bool) *node {
	t.Helper()
	stop(t, n[i].chain)
	dir := t.TempDir()
	err := errors.Join(os.CopyFS(dir, os.DirFS(n[i].dir)), os.RemoveAll(filepath.Join(dir, walFolder)), Restored(dir))
	if ownName { // Peers talk to the first that has a name.
		other := t.TempDir()
		_, none := Keys(other)
		err = errors.Join(err, none, os.Rename(filepath.Join(other, nodeFile), filepath.Join(dir, nodeFile)))
	}
	if err != nil {
		t.Fatal(err)
	}
	n[i].run(t)
	own := n[i].chain.parts.signer.GetAddress()
	for signs := false; !signs; { // Again.
		wait(t, n[0].chain, n[0].chain.Height()+1)
		v, err := n[0].chain.votingOf(own, 1)
		if err != nil {
			t.Fatal(err)
		}
		signs = v.Blocks == 1 && v.Missed == 0
	}
	cfg := n[i].cfg
	cfg.Dir, cfg.Listen = dir, freePort(t)
	twin := &node{disk: &disk{dir: dir, dbs: map[string]dbm.DB{}}, cfg: cfg}
	twin.run(t)
	return twin
}

// unblamed checks that nobody has evidence against anybody.
func (n network) unblamed(t *testing.T) {
	t.Helper()
	blocks := n[0].chain.parts.blocks
	for height := blocks.Base(); height <= blocks.Height(); height++ {
		if e := blocks.LoadBlock(height).Evidence.Evidence; len(e) > 0 {
			t.Errorf("block %d has evidence: %v", height, e)
		}
	}
}

// A validator that was restored from a copy, while the one that it was copied from goes
// on, sees what that one signs. It follows, signs nothing, and says so.
func TestRestoredSeesItsTwin(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, 4)
	for i := range n {
		n[i].cfg.Idle = 200 * time.Millisecond // In which a signature is not late for the next block.
		n[i].run(t)
	}
	submit(t, n[0].chain, n[0].app, 1)
	twin := n.twin(t, 3, true)
	for from := n[0].chain.Height(); twin.chain.standing(t).Waits; wait(t, twin.chain, twin.chain.Height()+1) {
		if twin.chain.Height() > from+50 {
			t.Fatal("it does not see its twin")
		}
	}
	if s := twin.chain.standing(t); !s.Twin || !twin.chain.parts.signer.restored.holds() {
		t.Fatalf("it signs beside its twin: %+v", s)
	}
	wait(t, n[0].chain, twin.chain.Height()+3)
	n.unblamed(t)
	if _, err := os.Stat(filepath.Join(twin.dir, restoredFile)); err != nil {
		t.Errorf("after the next start it would sign: %v", err)
	}
}

// With the name of the one that it was copied from, too, it is heard by nobody.
func TestRestoredUnderTheSameName(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, 4)
	for i := range n {
		n[i].cfg.Idle = 50 * time.Millisecond
		n[i].run(t)
	}
	submit(t, n[0].chain, n[0].app, 1)
	twin := n.twin(t, 3, false)
	for range 20 {
		wait(t, n[0].chain, n[0].chain.Height()+1)
	}
	if !twin.chain.parts.signer.restored.holds() {
		t.Errorf("at height %d it signs beside its twin", twin.chain.Height())
	}
	n.unblamed(t)
}
