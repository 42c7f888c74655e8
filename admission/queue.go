package admission

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/commonwatt/commonwatt/tx"
)

// ErrFull says that the queue had no room while the sender could wait.
var ErrFull = errors.New("admission: the queue is full: send again later, or more slowly")

// Limits bound what waits in a Queue.
type Limits struct {
	Envelopes int
	Bytes     int // May be exceeded by one envelope, so that large ones wait no longer than small ones.
}

// Queue holds envelopes until they are gathered into a bundle. There is no timer:
// a taker gets whatever waits, so bundles are small when little happens, and
// grow by themselves when consensus is the bottleneck. It is safe for concurrent
// use, and first in, first out.
type Queue struct {
	limits Limits

	mu      sync.Mutex
	waiting [][]byte
	bytes   int
	filled  chan struct{} // Closed while something waits.
	room    chan struct{} // Closed, and replaced, whenever something is taken.
}

// NewQueue returns an empty queue.
func NewQueue(limits Limits) *Queue {
	return &Queue{limits: limits, filled: make(chan struct{}), room: make(chan struct{})}
}

// Put adds an envelope. While the queue is full it blocks: that is the
// back-pressure that reaches the sender. Those who cannot wait pass a context
// that is done; it bounds the waiting and nothing else. The queue keeps raw.
//
// Refusal: tx.ErrBundleMember, for what no bundle can carry. Error: ErrFull, with
// the cause that ended the context.
func (q *Queue) Put(ctx context.Context, raw []byte) error {
	if len(raw) == 0 || len(raw) > tx.MaxEnvelope {
		return fmt.Errorf("%w (got %d bytes)", tx.ErrBundleMember, len(raw))
	}
	for {
		room := q.put(raw)
		if room == nil {
			return nil
		}
		select {
		case <-room:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrFull, context.Cause(ctx))
		}
	}
}

// put adds an envelope, or returns the channel that is closed when there may be
// room.
func (q *Queue) put(raw []byte) (room <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.bytes >= q.limits.Bytes || len(q.waiting) >= q.limits.Envelopes {
		return q.room
	}
	if len(q.waiting) == 0 {
		close(q.filled)
	}
	q.waiting = append(q.waiting, raw)
	q.bytes += len(raw)
	return nil
}

// Take returns what waits, at least one envelope and no more than a bundle
// carries; it blocks while nothing waits.
//
// Error: the cause that ended the context.
func (q *Queue) Take(ctx context.Context) ([][]byte, error) {
	for {
		taken, filled := q.take()
		if len(taken) > 0 {
			return taken, nil
		}
		select {
		case <-filled:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// take removes a bundle's worth, or returns the channel that is closed when
// something waits.
func (q *Queue) take() (taken [][]byte, filled <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, size := 0, tx.BundleOverhead
	for n < min(len(q.waiting), tx.MaxBundleEnvelopes) && size+len(q.waiting[n])+tx.BundleOverhead <= tx.MaxBundle {
		size += len(q.waiting[n]) + tx.BundleOverhead
		n++
	}
	if n == 0 {
		return nil, q.filled
	}
	taken = slices.Clone(q.waiting[:n])
	q.bytes -= size - (n+1)*tx.BundleOverhead
	q.waiting = slices.Delete(q.waiting, 0, n)
	if len(q.waiting) == 0 {
		q.filled = make(chan struct{})
	}
	close(q.room)
	q.room = make(chan struct{})
	return taken, nil
}
