package admission

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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
		want        []int
	}{
		{"the largest", tx.MaxEnvelope, 2, []int{1, 1}},
		{"large", bundleMost / 4, 7, []int{3, 3, 1}},
		{"many", 1, tx.MaxBundleEnvelopes + 1, []int{tx.MaxBundleEnvelopes, 1}},
		{"a bundle to the byte", bundleMost/16 - tx.BundleOverhead - 1, 17, []int{16, 1}},
	}
	for _, c := range cases {
		q := roomy()
		for range c.count {
			put(t, q, make([]byte, c.size))
		}
		for _, want := range c.want {
			taken := take(t, q)
			if len(taken) != want {
				t.Errorf("%s: took %d, want %d", c.name, len(taken), want)
			}
			if _, err := tx.EncodeBundle(taken); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
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

func TestTakeWaitsForTheFirst(t *testing.T) {
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
		if _, err := q.Take(stopped); !errors.Is(err, context.Canceled) {
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
			taken, err := q.Take(stop)
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

// A flood is its sender's to wait for: it leaves room to others, whose envelopes
// take their turn with its own.
func TestQueueIsFair(t *testing.T) {
	q := NewQueue(Limits{Envelopes: 400, Bytes: 1 << 30})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	flood := func(account tx.AccountID) (taken int) {
		for q.Put(gone, account, make([]byte, bundleMost/8)) == nil {
			taken++
		}
		return taken
	}
	if first, second := flood(1), flood(2); first != 200 || second != 100 {
		t.Errorf("two that flood a queue of 400 got %d and %d in, want 200 and 100", first, second)
	}
	putOf(t, q, 3, []byte("honest"))
	taken := take(t, q) // Seven large ones fill it.
	if last := taken[len(taken)-1]; string(last) != "honest" {
		t.Errorf("the honest envelope is not in the next bundle, which has %d", len(taken))
	}
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

func take(t *testing.T, q *Queue) [][]byte {
	t.Helper()
	taken, err := q.Take(t.Context())
	if err != nil {
		t.Error(err)
	}
	return taken
}
