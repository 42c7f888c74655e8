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
		{"large", tx.MaxEnvelope / 4, 9, []int{7, 2}},
		{"many", 1, tx.MaxBundleEnvelopes + 1, []int{tx.MaxBundleEnvelopes, 1}},
		{"a bundle to the byte", tx.MaxBundle/16 - tx.BundleOverhead - 1, 17, []int{16, 1}},
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
		if err := roomy().Put(t.Context(), raw); !errors.Is(err, tx.ErrBundleMember) {
			t.Errorf("%d bytes: %v", len(raw), err)
		}
	}
}

// A full queue, by number or by bytes, makes senders wait until something is
// taken; those who cannot wait are told.
func TestQueuePushesBack(t *testing.T) {
	for name, limits := range map[string]Limits{"number": {2, 1000}, "bytes": {1000, 5}} {
		synctest.Test(t, func(t *testing.T) {
			q := NewQueue(limits)
			put(t, q, []byte("abc"))
			put(t, q, []byte("def"))
			impatient, cancel := context.WithCancelCause(t.Context())
			cancel(errors.New("client gone"))
			if err := q.Put(impatient, []byte("x")); !errors.Is(err, ErrFull) || context.Cause(impatient) == nil {
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
	q := NewQueue(Limits{Envelopes: 10, Bytes: 100})
	var sending, taking sync.WaitGroup
	for s := range senders {
		sending.Go(func() {
			for n := range each {
				put(t, q, fmt.Appendf(nil, "%d %d", s, n))
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

func put(t *testing.T, q *Queue, raw []byte) {
	t.Helper()
	if err := q.Put(t.Context(), raw); err != nil {
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
