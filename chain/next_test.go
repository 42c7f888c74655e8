package chain

import (
	"errors"
	"testing"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
)

// end waits until a chain does not go on.
func end(t *testing.T, c *Chain) {
	t.Helper()
	select {
	case <-c.Done():
	case <-time.After(time.Minute):
		t.Fatalf("the chain goes on at height %d", c.Height())
	}
}

// An application that cannot execute a block stops its chain before it, at once and
// at every start, and the chain goes on when it can.
func TestStopsBeforeABlock(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	app := newCounter(t, d.db("app"))
	app.until = 3
	c := d.start(t, app)
	submit(t, c, app, 1) // A block without transactions follows.
	end(t, c)
	if err := c.Err(); !errors.Is(err, ErrNext) || !errors.Is(err, errOld) || c.Height() != 2 {
		t.Errorf("at height %d: %v", c.Height(), err)
	}
	if err := c.Submit(tx(9, 20)); !errors.Is(err, ErrStopped) {
		t.Errorf("it takes a transaction: %v", err)
	}
	stop(t, c)
	if _, err := Start(Config{Dir: d.dir, Log: silent}, app, d.kv); !errors.Is(err, ErrNext) {
		t.Errorf("it starts again: %v", err)
	}
	app.until = 0
	c = d.start(t, app)
	submit(t, c, app, 4)
	stop(t, c)
}

// One of four cannot execute what the others decide: it signs nothing for that
// block, the process lives on, and it gets the blocks that it missed when it can,
// also where others hand it more than it can execute.
func TestOneOfFourStopsBeforeABlock(t *testing.T) {
	t.Parallel()
	const limit = 4
	n := newNetwork(t, 4)
	for i := range n {
		n[i].cfg.Idle = 50 * time.Millisecond
	}
	n[3].over = func(c *counter) Application { c.until = limit; return c }
	for i := range n {
		n[i].run(t)
	}
	end(t, n[3].chain)
	if err := n[3].chain.Err(); !errors.Is(err, errOld) || n[3].chain.Height() != limit-1 {
		t.Errorf("at height %d: %v", n[3].chain.Height(), err)
	}
	wait(t, n[0].chain, limit+6)
	stop(t, n[3].chain)
	if height := n[3].signed(t); height >= limit {
		t.Errorf("it signed for height %d", height)
	}
	n[3].over = func(c *counter) Application { c.until = limit + 3; return c }
	n[3].run(t) // It is behind: block sync hands it the block, and the next.
	end(t, n[3].chain)
	if err := n[3].chain.Err(); !errors.Is(err, errOld) || n[3].chain.Height() != limit+2 {
		t.Errorf("at height %d: %v", n[3].chain.Height(), err)
	}
	stop(t, n[3].chain)
	n[3].over = nil
	n[3].run(t)
	n.mustAgree(t)
}

// signed is the height that a stopped node signed last for.
func (n *node) signed(t *testing.T) int64 {
	t.Helper()
	signer, _, err := loadKeys(n.dir)
	if err != nil {
		t.Fatal(err)
	}
	return signer.LastSignState.Height
}

// Block sync panics over an error, on a goroutine that nobody recovers: it gets none,
// and the chain has halted by then.
func TestBlockSyncGetsNoError(t *testing.T) {
	app := newCounter(t, newDisk(t).db("app"))
	app.until = 1
	for _, syncing := range []bool{false, true} {
		d := newDriver(app, silent)
		d.syncing = func() bool { return syncing }
		done, returned := make(chan struct{}), false
		go func() {
			defer close(done)
			if _, err := d.FinalizeBlock(t.Context(), &abci.RequestFinalizeBlock{Height: 1}); err == nil {
				t.Error("a block that cannot be executed was")
			}
			returned = true
		}()
		<-done
		if returned == syncing || !errors.Is(d.err(), errOld) {
			t.Errorf("syncing %v: returned %v, halted by %v", syncing, returned, d.err())
		}
	}
}
