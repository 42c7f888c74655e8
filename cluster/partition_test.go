package cluster

import (
	"os"
	"slices"
	"testing"
	"time"
)

// healMax is how soon there are blocks again everywhere once a network is whole. Beside
// the tests of other packages, on as few cores, it may take longer.
func healMax() time.Duration {
	if os.Getenv("COMMONWATT_PARTITIONS") != "" {
		return 10 * time.Second
	}
	return 30 * time.Second
}

// cuts are the ways in which a network of four is cut, and who goes on meanwhile.
var cuts = []struct {
	name string
	make func(s *spaces)
	goes []int // Who has more than two thirds of the power on its side.
}{
	{"one against three", func(s *spaces) { s.split([]int{0}, []int{1, 2, 3}) }, []int{1, 2, 3}},
	{"two against two", func(s *spaces) { s.split([]int{0, 1}, []int{2, 3}) }, nil},
	{"one hears nobody", func(s *spaces) {
		for _, i := range others(1) {
			s.cut(i, 1)
		}
	}, []int{0, 2, 3}},
	{"nobody hears one", func(s *spaces) {
		for _, i := range others(2) {
			s.cut(2, i)
		}
	}, []int{0, 1, 3}},
	{"each alone", func(s *spaces) {
		for i := range size {
			s.split([]int{i}, others(i))
		}
	}, nil},
	// Two that do not hear each other hear of each other from the others.
	{"one line", func(s *spaces) { s.split([]int{3}, []int{0}) }, []int{0, 1, 2, 3}},
}

// A network that is cut goes on where more than two thirds are together, and nowhere
// else; once it is whole again, all have the same blocks, soon.
func TestPartitions(t *testing.T) {
	t.Parallel()
	rounds := campaign(t, "COMMONWATT_PARTITIONS", 1, 1)
	random, seed := seeded(t)
	between := newSpaces(t, size)
	c := newCluster(t, between)
	c.startAll()
	cl := newClient(c)
	cl.fund(0)
	begin := time.Now()
	ways := cuts
	if os.Getenv("COMMONWATT_PARTITIONS") == "" {
		ways = cuts[:2]
	}
	var healed []time.Duration
	for range rounds {
		for _, way := range ways {
			// Shorter and longer than it takes to notice that a peer is gone.
			lasts := time.Second + time.Duration(random.Int64N(2*int64(pingAndPong)))
			if os.Getenv("COMMONWATT_PARTITIONS") == "" {
				lasts = 2 * time.Second
			}
			way.make(between)
			took := apart(t, cl, way.name, way.goes, lasts, between.heal)
			t.Logf("%s for %.1f s: blocks again after %.1f s", way.name, lasts.Seconds(), took.Seconds())
			healed = append(healed, took)
		}
		healed = append(healed, flap(t, cl, between, random.IntN(size), len(ways)))
	}
	height := cl.check()
	slices.Sort(healed)
	t.Logf("seed %d: %d times cut and healed, %d envelopes acknowledged, height %d, healed within %.1f s, half within %.1f s, %.0f s",
		seed, len(healed), cl.count(), height, healed[len(healed)-1].Seconds(), healed[len(healed)/2].Seconds(), time.Since(begin).Seconds())
}

// pingAndPong is how long it takes, at most, to notice that a peer is gone.
const pingAndPong = 5 * time.Second

// apart lets a network that was cut be for some time, heals it, and returns how long it
// took until all have blocks that were made since.
func apart(t *testing.T, cl *client, name string, goes []int, lasts time.Duration, heal func()) time.Duration {
	t.Helper()
	c, still := cl.c, but(goes)
	before := heightsOf(c)
	end := time.Now().Add(lasts)
	for _, i := range still {
		cl.hold(4, i) // Nobody may acknowledge these, unless one block was as good as decided.
	}
	for time.Now().Before(end) {
		if len(goes) > 0 {
			cl.push(16, goes...)
		}
		time.Sleep(5 * time.Millisecond)
	}
	now := heightsOf(c)
	for _, i := range still {
		if now[i] > slices.Max(before)+1 { // One was as good as decided.
			t.Errorf("%s: node %d went on from %d to %d, with too few others", name, i, before[i], now[i])
		}
	}
	for _, i := range goes {
		if lasts > pingAndPong && now[i] <= before[i] {
			t.Errorf("%s: node %d stands still at %d, with enough others", name, i, now[i])
		}
	}
	heal()
	return heals(t, cl, name)
}

// heals waits until all nodes have a block that was made since the call.
func heals(t *testing.T, cl *client, name string) time.Duration {
	t.Helper()
	height := slices.Max(heightsOf(cl.c))
	took := cl.c.until(name+": blocks again", func() bool {
		cl.push(4, all...)
		return slices.Min(heightsOf(cl.c)) > height
	})
	cl.settle(all...)
	if took > healMax() {
		t.Errorf("%s: there are blocks again after %v", name, took)
	}
	return took
}

func heightsOf(c *cluster) (heights []int64) {
	for i := range c.places {
		heights = append(heights, c.at(i).height)
	}
	return heights
}

// flap cuts one node off and lets it back in, again and again.
func flap(t *testing.T, cl *client, between *spaces, i, times int) time.Duration {
	t.Helper()
	for range times {
		between.split([]int{i}, others(i))
		before := cl.count()
		cl.c.until("the others go on", func() bool { cl.push(16, others(i)...); return cl.count() > before+16 })
		between.heal()
		cl.c.until("the others go on", func() bool { cl.push(16, others(i)...); return cl.count() > before+32 })
	}
	return heals(t, cl, "flapping")
}
