package cluster

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A node whose disk is gone, but for a copy of its keys that was made before, gets
// everything from its peers and signs nothing twice.
func TestLostDisk(t *testing.T) {
	t.Parallel()
	begin := time.Now()
	c := newCluster(t, newLoopback(t, size))
	c.startAll()
	cl := newClient(c)
	cl.fund(0)
	c.until("there is load", func() bool { cl.push(16, all...); return cl.count() > 200 })
	c.kill(3)
	for _, lost := range []string{"store", "view.sqlite", "view.sqlite-wal", "view.sqlite-shm", "chain/wal"} {
		if err := os.RemoveAll(filepath.Join(c.places[3].Dir, lost)); err != nil {
			t.Fatal(err)
		}
	}
	before := cl.count()
	c.until("the others go on", func() bool { cl.push(16, 0, 1, 2); return cl.count() > before+100 })
	if err := c.start(3); err != nil {
		t.Fatal(err)
	}
	back := c.reach(c.at(0).height, 3)
	// It is worth its vote again: without one of the others there is no block but with it.
	c.kill(0)
	before = cl.count()
	c.until("three go on, it among them", func() bool { cl.push(16, 1, 2, 3); return cl.count() > before+100 })
	if err := c.start(0); err != nil {
		t.Fatal(err)
	}
	height := cl.check()
	t.Logf("back after %.1f s, %d envelopes acknowledged, height %d, %.0f s", back.Seconds(), cl.count(), height, time.Since(begin).Seconds())
}
