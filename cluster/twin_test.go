package cluster

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/chain"
)

// A validator whose folder was copied and runs twice votes twice. The others agree all
// the same, and their ledgers say who it was.
func TestTwinIsBlamed(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it takes until the twins disagree")
	}
	begin := time.Now()
	between := newLoopback(t, size+1)
	c := newCluster(t, between)
	c.startAll()
	cl := newClient(c)
	cl.fund(0)
	c.kill(3)
	twin := place{Dir: t.TempDir(), Listen: between.address(size)}
	copyOf(t, twin.Dir, c.places[3].Dir)
	// Under a name of its own, or its peers would take it for the first.
	other := t.TempDir()
	self, err := chain.Keys(other)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(other, "node_key.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(twin.Dir, "chain", "node_key.json"), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Logf("the twin is %s", self.Node)
	twin.Peers = c.places[3].Peers
	c.places, c.running = append(c.places, twin), append(c.running, nil)
	c.startAll()
	honest := []int{0, 1, 2}
	took := c.until("the others have evidence", func() bool {
		cl.push(8, 0, 1, 2, 3, 4)
		for _, i := range honest {
			if !strings.Contains(c.running[i].log.String(), "a validator equivocated") {
				return false
			}
		}
		return true
	})
	before := cl.count()
	c.until("blocks go on", func() bool { cl.push(8, honest...); return cl.count() > before+50 })
	c.kill(4)
	c.places, c.running = c.places[:size], c.running[:size]
	cl.again(honest...)
	height := cl.check()
	t.Logf("blamed after %.1f s, %d envelopes acknowledged, height %d, %.0f s", took.Seconds(), cl.count(), height, time.Since(begin).Seconds())
}
