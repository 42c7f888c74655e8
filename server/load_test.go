package server

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// What the load is, and what must hold under it.
const (
	loadFollowers = 1000
	loadEvery     = time.Second / 200
	loadUnderway  = 400             // Requests at once; who would be one more has failed.
	loadInterval  = 5 * time.Second // How often a quarter of an hour is settled; in a demo it is 15 s.
	loadDays      = 3               // Of history.
	loadSlowest   = 200 * time.Millisecond
	loadGrowth    = 1.10 // Of memory, from the middle to the end.
)

// TestLoad: a thousand clients follow events and others read pages, two hundred a
// second, while forty-eight homes live on the node. It takes COMMONWATT_LOAD
// seconds, in one process for both sides.
func TestLoad(t *testing.T) {
	seconds, err := strconv.Atoi(os.Getenv("COMMONWATT_LOAD"))
	if err != nil {
		t.Skip("COMMONWATT_LOAD says for how many seconds: make load")
	}
	c := newCrowd(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var done sync.WaitGroup
	for range loadFollowers {
		done.Go(func() { c.follow(ctx) })
	}
	for range loadFollowers {
		<-c.joined
	}
	done.Go(func() { c.live(ctx) })
	memory := []int64{resident(t)}
	for _, tenths := range []time.Duration{1, 4, 5} { // To warm up, to the middle, to the end.
		c.read(ctx, time.Duration(seconds)*time.Second*tenths/10)
		memory = append(memory, resident(t))
	}
	cancel()
	done.Wait()
	c.judge(t, memory[1:])
}

// read asks for a page every loadEvery, whether the ones before are answered or not.
func (c *crowd) read(ctx context.Context, share time.Duration) {
	underway := make(chan struct{}, loadUnderway)
	var done sync.WaitGroup
	tick := time.NewTicker(loadEvery)
	defer tick.Stop()
	for end := time.Now().Add(share); ctx.Err() == nil; {
		due := <-tick.C
		if due.After(end) {
			break
		}
		q := c.next()
		select {
		case underway <- struct{}{}:
		default:
			c.note(q, 0, fmt.Errorf("%d requests are under way", loadUnderway))
			continue
		}
		done.Go(func() {
			err := c.ask(ctx, q)
			c.note(q, time.Since(due), err)
			<-underway
		})
	}
	done.Wait()
}

// resident is the memory of this process, in bytes.
func resident(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("this system does not say how much memory a process has")
	}
	for line := range strings.Lines(string(text)) {
		if rest, ours := strings.CutPrefix(line, "VmRSS:"); ours {
			kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatal("the system does not say how much memory this process has")
	return 0
}

// judge prints what was measured and says what does not hold.
func (c *crowd) judge(t *testing.T, memory []int64) {
	t.Helper()
	var all []time.Duration
	for _, name := range slices.Sorted(c.names()) {
		took := c.took[name]
		slices.Sort(took)
		all = append(all, took...)
		t.Logf("%-12s %6d  p50 %8s  p99 %8s  max %8s", name, len(took), at(took, 50), at(took, 99), at(took, 100))
	}
	slices.Sort(all)
	t.Logf("%-12s %6d  p50 %8s  p99 %8s  max %8s", "all", len(all), at(all, 50), at(all, 99), at(all, 100))
	t.Logf("events: %d intervals settled, %d told to %d followers; memory: %d MiB warm, %d in the middle, %d at the end",
		c.settled.Load(), c.heard.Load(), loadFollowers, memory[0]>>20, memory[1]>>20, memory[2]>>20)
	for i, p := range c.problems {
		if i < 10 {
			t.Error(p)
		}
	}
	if slowest := at(all, 99); len(all) == 0 || slowest > loadSlowest {
		t.Errorf("99 of 100 requests took up to %s", slowest)
	}
	if float64(memory[2]) > loadGrowth*float64(memory[1]) {
		t.Errorf("memory grew from %d MiB in the middle to %d at the end", memory[1]>>20, memory[2]>>20)
	}
	// Everybody was there for all of them; the last one may still have been on its way.
	if want := (c.settled.Load() - 1) * loadFollowers; c.heard.Load() < want {
		t.Errorf("of %d events %d were heard", want, c.heard.Load())
	}
}

// at is a percentile of sorted times.
func at(sorted []time.Duration, percent int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)*percent/100, len(sorted)-1)].Round(100 * time.Microsecond)
}
