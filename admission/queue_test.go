package admission

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/commonwatt/commonwatt/tx"
)

// roomy is a queue that these tests do not fill.
func roomy() *Queue { return NewQueue(Limits{Envelopes: 1 << 20, Bytes: 1 << 30}) }

func TestQueueGathersWhatWaits(t *testing.T) {
	q := roomy()
	for _, s := range []string{"a", "b", "c"} {
		put(t, q, []byte(s))
	}
	if got := take(t, q); string(bytes.Join(got, []byte(","))) != "a,b,c" {
		t.Errorf("took %q", got)
	}
	put(t, q, []byte("d"))
	if got := take(t, q); len(got) != 1 || string(got[0]) != "d" {
		t.Errorf("then took %q", got)
	}
}

// Whatever is taken fits into one bundle, and a bundle is filled.
func TestQueueTakesNoMoreThanABundle(t *testing.T) {
	cases := []struct {
		name        string
		size, count int
		most        int // In a bundle.
	}{
		{"the largest", tx.MaxEnvelope, 3, 1},
		{"large", bundleMost / 4, 9, 3},
		{"many", 1, 2*tx.MaxBundleEnvelopes + 1, tx.MaxBundleEnvelopes},
		{"a bundle to the byte", bundleMost/16 - tx.BundleOverhead - 1, 40, 16},
	}
	for _, c := range cases {
		q := roomy()
		for range c.count {
			put(t, q, make([]byte, c.size))
		}
		most := 0
		for left := c.count; left > 0; {
			taken := take(t, q)
			if _, err := tx.EncodeBundle(taken); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			most, left = max(most, len(taken)), left-len(taken)
		}
		if most != c.most {
			t.Errorf("%s: took %d at most, want %d", c.name, most, c.most)
		}
	}
}

func TestQueueRefusesWhatNoBundleCarries(t *testing.T) {
	for _, raw := range [][]byte{nil, make([]byte, tx.MaxEnvelope+1)} {
		if err := roomy().Put(t.Context(), 1, raw); !errors.Is(err, tx.ErrBundleMember) {
			t.Errorf("%d bytes: %v", len(raw), err)
		}
	}
}

// An account that has its share of a queue, by number or by bytes, makes its senders
// wait until something is taken; those who cannot wait are told.
func TestQueuePushesBack(t *testing.T) {
	for name, limits := range map[string]Limits{"number": {4, 1000}, "bytes": {1000, 8}} {
		synctest.Test(t, func(t *testing.T) {
			q := NewQueue(limits)
			put(t, q, []byte("abc"))
			put(t, q, []byte("def"))
			impatient, cancel := context.WithCancelCause(t.Context())
			cancel(errors.New("client gone"))
			if err := q.Put(impatient, 1, []byte("x")); !errors.Is(err, ErrFull) || context.Cause(impatient) == nil {
				t.Errorf("%s: a full queue answers %v", name, err)
			}
			waiting := true
			go func() {
				put(t, q, []byte("ghi"))
				waiting = false
			}()
			if synctest.Wait(); !waiting {
				t.Errorf("%s: did not wait", name)
			}
			if got := take(t, q); len(got) != 2 {
				t.Errorf("%s: took %q", name, got)
			}
			if synctest.Wait(); waiting {
				t.Errorf("%s: still waits though there is room", name)
			}
			if got := take(t, q); len(got) != 1 || string(got[0]) != "ghi" {
				t.Errorf("%s: then took %q", name, got)
			}
		})
	}
}

func TestGatherWaitsForTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := roomy()
		var got [][]byte
		go func() { got = take(t, q) }()
		if synctest.Wait(); got != nil {
			t.Errorf("took %q of nothing", got)
		}
		put(t, q, []byte("a"))
		if synctest.Wait(); len(got) != 1 {
			t.Errorf("took %q", got)
		}
		stopped, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := q.Gather(stopped, all); !errors.Is(err, context.Canceled) {
			t.Errorf("a stopped taker gets %v", err)
		}
	})
}

// Many senders and takers on a small queue: everything arrives once, and what
// one sender sends arrives in its order.
func TestQueueLosesNothing(t *testing.T) {
	const senders, each = 8, 500
	q := NewQueue(Limits{Envelopes: 20, Bytes: 200})
	var sending, taking sync.WaitGroup
	for s := range senders {
		sending.Go(func() {
			for n := range each {
				putOf(t, q, tx.AccountID(s), fmt.Appendf(nil, "%d %d", s, n))
			}
		})
	}
	stop, cancel := context.WithCancel(t.Context())
	var mu sync.Mutex
	next := map[int]int{}
	total := 0
	taking.Go(func() {
		for {
			taken, err := q.Gather(stop, all)
			if err != nil {
				return
			}
			mu.Lock()
			for _, raw := range taken {
				var s, n int
				if _, err := fmt.Sscan(string(raw), &s, &n); err != nil || next[s] != n {
					t.Errorf("got %q, want number %d", raw, next[s])
				}
				next[s]++
				total++
				if total == senders*each {
					cancel()
				}
			}
			mu.Unlock()
		}
	})
	sending.Wait()
	taking.Wait()
	if total != senders*each {
		t.Errorf("%d of %d arrived", total, senders*each)
	}
}

// What is not let through is in no bundle, and a bundle of nothing is none.
func TestGatherScreens(t *testing.T) {
	q := roomy()
	for _, s := range []string{"bad", "good", "bad"} {
		put(t, q, []byte(s))
	}
	good := func(group [][]byte) [][]byte {
		return slices.DeleteFunc(group, func(raw []byte) bool { return string(raw) == "bad" })
	}
	if got, err := q.Gather(t.Context(), good); err != nil || string(bytes.Join(got, []byte(","))) != "good" {
		t.Errorf("gathered %q, %v", got, err)
	}
	put(t, q, []byte("bad"))
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := q.Gather(gone, good); !errors.Is(err, context.Canceled) {
		t.Errorf("gathered %q, %v of what was refused", got, err)
	}
}

// Whoever sends much that is refused is looked at to the end.
func TestGatherGoesOnAfterAGroupOfNothing(t *testing.T) {
	q := roomy()
	for range groupMost {
		put(t, q, []byte("bad"))
	}
	put(t, q, []byte("good"))
	gone, cancel := context.WithCancel(t.Context())
	cancel() // So that it does not wait for more.
	got, err := q.Gather(gone, func(group [][]byte) [][]byte {
		return slices.DeleteFunc(group, func(raw []byte) bool { return string(raw) == "bad" })
	})
	if err != nil || len(got) != 1 {
		t.Errorf("gathered %q, %v behind a group that was refused", got, err)
	}
}

// A flood is its sender's to wait for: it leaves room to others, whose envelopes
// take their turn with its own.
func TestQueueIsFair(t *testing.T) {
	q := NewQueue(Limits{Envelopes: 400, Bytes: 1 << 30})
	if first, second := flood(t, q, 1, bundleMost/8), flood(t, q, 2, bundleMost/8); first != 200 || second != 100 {
		t.Errorf("two that flood a queue of 400 got %d and %d in, want 200 and 100", first, second)
	}
	putOf(t, q, 3, []byte("honest"))
	if taken := take(t, q); !holds(taken, "honest") {
		t.Errorf("the honest envelope is not in the next bundle, which has %d", len(taken))
	}
}

// Whoever sends now and then waits for a group and not for a bundle, also when the
// group before is being looked at; but a bundle with many like that goes on to be filled.
func TestBundlesDoNotGrowBeforeOneWhoWaits(t *testing.T) {
	q := NewQueue(Limits{Envelopes: 8 * groupMost, Bytes: 1 << 30})
	flood(t, q, 1, 1)
	if first := take(t, q); len(first) != groupMost {
		t.Fatalf("the first bundle has %d, want the group of %d with what came first", len(first), groupMost)
	}
	sent := false
	taken, err := q.Gather(t.Context(), func(group [][]byte) [][]byte {
		if !sent {
			putOf(t, q, 2, []byte("honest"))
			sent = true
		}
		return group
	})
	if err != nil || len(taken) != 2*groupMost || !holds(taken, "honest") {
		t.Errorf("the bundle has %d, want two groups of %d with the honest envelope; %v", len(taken), groupMost, err)
	}
	for account := range tx.AccountID(2*groupMost + 1) {
		putOf(t, q, 3+account, []byte("now and then"))
	}
	if taken := take(t, q); len(taken) < 2*groupMost+1 {
		t.Errorf("the bundle has %d of many who send now and then", len(taken))
	}
}

// flood puts envelopes of a size until the account has its share, and returns how many.
func flood(t *testing.T, q *Queue, account tx.AccountID, size int) (n int) {
	t.Helper()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for q.Put(gone, account, make([]byte, size)) == nil {
		n++
	}
	return n
}

func holds(bundle [][]byte, want string) bool {
	return slices.ContainsFunc(bundle, func(raw []byte) bool { return string(raw) == want })
}

func put(t *testing.T, q *Queue, raw []byte) {
	t.Helper()
	putOf(t, q, 1, raw)
}

func putOf(t *testing.T, q *Queue, account tx.AccountID, raw []byte) {
	t.Helper()
	if err := q.Put(t.Context(), account, raw); err != nil {
		t.Error(err)
	}
}

// all lets everything through.
func all(group [][]byte) [][]byte { return group }

func take(t *testing.T, q *Queue) [][]byte {
	t.Helper()
	taken, err := q.Gather(t.Context(), all)
	if err != nil {
		t.Error(err)
	}
	return taken
}
