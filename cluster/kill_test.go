package cluster

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

// campaign is how much a test of chance does: few by default, as many as a variable
// of the environment says, least with -short.
func campaign(t *testing.T, variable string, few, least int) int {
	t.Helper()
	if text := os.Getenv(variable); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if testing.Short() {
		return least
	}
	return few
}

// seeded is chance that can be had again: COMMONWATT_SEED asks for it.
func seeded(t *testing.T) (*rand.Rand, uint64) {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("COMMONWATT_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	return rand.New(rand.NewPCG(seed, 0)), seed
}

// Four validators under load are killed at random, one at a time and now and then
// all at once. Whatever one of them acknowledged is in everybody's ledger, once.
func TestKilledNodesKeepTheirWord(t *testing.T) {
	t.Parallel()
	kills := campaign(t, "COMMONWATT_KILLS4", 4, 2)
	random, seed := seeded(t)
	begin := time.Now()
	c := newCluster(t, newLoopback(t, size))
	c.startAll()
	cl := newClient(c)
	cl.fund(0)
	down := -1
	for i := 0; i < kills; {
		up := others(down)
		// Some load, for some time; it goes on without the one that is down.
		life := time.Duration(random.IntN(300)) * time.Millisecond
		before := cl.count()
		for end := time.Now().Add(life); time.Now().Before(end) || cl.count() == before; time.Sleep(2 * time.Millisecond) {
			cl.push(32, up...)
			if time.Since(end) > patience {
				t.Fatalf("seed %d, kill %d: nothing is acknowledged", seed, i)
			}
		}
		if down >= 0 {
			if err := c.start(down); err != nil {
				t.Fatalf("seed %d, kill %d: %v", seed, i, err)
			}
		}
		down = random.IntN(size)
		c.kill(down)
		i++
		if random.IntN(10) == 0 { // The others at the same time.
			for _, other := range all {
				c.kill(other)
			}
			i += size - 1
			c.startAll()
			down = -1
		}
	}
	c.startAll()
	height := cl.check()
	t.Logf("seed %d: %d kills, %d envelopes acknowledged, height %d, %.0f s", seed, kills, len(cl.acked), height, time.Since(begin).Seconds())
}
