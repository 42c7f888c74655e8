package faults

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// seedsDefault is how many seeds a plain go test plays.
const seedsDefault = 24

// TestFaults plays seeds, as many as COMMONWATT_FAULTS says, on all cores; or the one
// of COMMONWATT_FAULTS_SEED, with every event, without the kinds of faults that
// COMMONWATT_FAULTS_WITHOUT lists.
func TestFaults(t *testing.T) {
	without := ParseKinds(os.Getenv("COMMONWATT_FAULTS_WITHOUT"))
	if text := os.Getenv("COMMONWATT_FAULTS_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		r := Run(Options{Seed: seed, Without: without, Trace: func(line string) { fmt.Println(line) }})
		t.Logf("seed %d, %d validators, faults: %s; trace %s\n%s", seed, r.Validators, r.Kinds, r.Trace, r.Counts)
		for _, f := range r.Failures {
			t.Error(f)
		}
		return
	}
	seeds := uint64(seedsDefault)
	if text := os.Getenv("COMMONWATT_FAULTS"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seeds = n
	}
	begin := time.Now()
	counts, slow, failed := campaign(t, seeds, Options{Without: without})
	t.Logf("seeds 1 to %d in %.1f s: %s; from healing to a block %s where nobody lies, %s beside liars",
		seeds, time.Since(begin).Seconds(), counts, recovery(slow[false]), recovery(slow[true]))
	for _, r := range failed {
		t.Error(explain(r))
	}
	if len(failed) > 0 {
		t.Errorf("%d of %d seeds failed", len(failed), seeds)
	}
}

// failuresMost is how many failures are enough.
const failuresMost = 3

// progressSeeds is after how many seeds a campaign tells how far it is.
const progressSeeds = 500

// recovery says how long the slowest run took from healing to a block.
func recovery(slowest Report) string {
	return fmt.Sprintf("at most %.2f s (seed %d)", float64(slowest.Counts.Recovery)/float64(second), slowest.Seed)
}

// campaign plays the seeds from 1 on, each on one goroutine. The slowest to recover are
// told apart by whether somebody lies.
func campaign(t *testing.T, seeds uint64, o Options) (counts Counts, slow map[bool]Report, failed []Report) {
	slow = map[bool]Report{}
	var next, many atomic.Uint64
	played := 0
	var mu sync.Mutex
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for seed := next.Add(1); seed <= seeds && many.Load() < failuresMost; seed = next.Add(1) {
				o := o
				o.Seed = seed
				r := Run(o)
				mu.Lock()
				counts.Add(r.Counts)
				if lies := r.Kinds&Byzantine != 0; r.Counts.Recovery > slow[lies].Counts.Recovery {
					slow[lies] = r
				}
				if played++; played%progressSeeds == 0 {
					t.Logf("%d seeds: %d blocks, %d failed", played, counts.Blocks, len(failed))
				}
				if len(r.Failures) > 0 {
					failed = append(failed, r)
					many.Add(1)
					t.Logf("seed %d failed: %s", r.Seed, r.Failures[0])
				}
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	return counts, slow, failed
}

// explain says what went wrong in a run, what happened last, and how to see it again.
func explain(r Report) string {
	var lines []string
	without := Shrink(Options{Seed: r.Seed})
	Run(Options{Seed: r.Seed, Without: without, Trace: func(line string) { lines = append(lines, line) }})
	text := fmt.Sprintf("seed %d, %d validators, faults %s, of which it takes %s:\n", r.Seed, r.Validators, r.Kinds, r.Kinds&^without)
	for _, line := range lines[max(0, len(lines)-40):] {
		text += "  " + line + "\n"
	}
	for _, f := range r.Failures {
		text += "broken: " + f + "\n"
	}
	text += fmt.Sprintf("again: COMMONWATT_FAULTS_SEED=%d COMMONWATT_FAULTS_WITHOUT=%s go test ./faults -run TestFaults -v", r.Seed, without)
	return text
}

// TestSameSeedSameTrace plays seeds again, on one core and with the goroutines of
// sixty-four: every event is the same.
func TestSameSeedSameTrace(t *testing.T) {
	play := func(cores int) (traces []string) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
		for seed := range uint64(4) {
			traces = append(traces, Run(Options{Seed: 100 + seed}).Trace)
		}
		return traces
	}
	one, many := play(1), play(64)
	for n := range one {
		if one[n] != many[n] {
			t.Errorf("seed %d: the trace is %s on one core and %s on 64", 100+n, one[n], many[n])
		}
	}
	if one[0] == one[1] {
		t.Error("two seeds have one trace")
	}
}

// TestForksAreSeen breaks the simulator's own consensus and expects that some seed
// shows it: by a fork, or by somebody honest who votes twice, of which forks are made.
func TestForksAreSeen(t *testing.T) {
	for _, c := range []struct {
		name   string
		broken Broken
		with   Kinds
		from   uint64 // A seed that showed it; when what seeds bring changes, another one near it does.
	}{
		{"locks are forgotten", Broken{ForgetsLock: true}, Partitions | Byzantine, 171},
		{"the log is forgotten", Broken{ForgetsLog: true}, Storms | Crashes, 54},
		{"half of them are most", Broken{HalfIsMost: true}, Storms | Byzantine, 52},
	} {
		t.Run(c.name, func(t *testing.T) {
			var without Kinds
			for _, k := range AllKinds() {
				without |= k &^ c.with
			}
			for seed := c.from; seed < c.from+seedsBroken; seed++ {
				r := Run(Options{Seed: seed, Broken: c.broken, With: c.with, Without: without})
				for _, f := range r.Failures {
					if strings.Contains(f, "FORK") || strings.Contains(f, "is honest and voted twice") {
						t.Logf("seed %d: %s", seed, f)
						return
					}
				}
			}
			t.Errorf("no fork in %d seeds", seedsBroken)
		})
	}
}

// seedsBroken is how many seeds have to show a broken consensus.
const seedsBroken = 300
