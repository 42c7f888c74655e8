package admission

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/commonwatt/commonwatt/tx"
)

// ErrFull says that the queue had no room while the sender could wait.
var ErrFull = errors.New("admission: the queue is full: send again later, or more slowly")

// bundleMost is the bytes of a bundle when much waits, unless its first envelope is
// larger: some hundred envelopes, whose signatures are cheap together, and little
// enough that what comes next is not long in coming.
const bundleMost = tx.MaxBundle / 4

// Limits bound what waits in a Queue.
type Limits struct {
	Envelopes int
	Bytes     int // May be exceeded by one envelope, so that large ones wait no longer than small ones.
}

// Queue holds envelopes until they are gathered into a bundle. There is no timer:
// a taker gets whatever waits, so bundles are small when little happens, and
// grow by themselves when consensus is the bottleneck. It is safe for concurrent
// use.
//
// A flood is its sender's own to wait for: an account may have as much waiting as
// there is room left, so one that floods takes half of the queue and ten take ten
// elevenths (the dynamic threshold of Choudhury and Hahne, IEEE/ACM Transactions on
// Networking 6(2), 1998); and when more waits than a bundle carries, each account has
// its turn. An account's envelopes leave in the order in which they came, and so do
// all of those that one bundle takes.
type Queue struct {
	limits Limits

	mu       sync.Mutex
	accounts map[tx.AccountID]*line // Those of which something waits.
	turns    []*line                // The same; the first is next.
	waiting  int
	bytes    int
	arrivals uint64
	filled   chan struct{} // Closed while something waits.
	room     chan struct{} // Closed, and replaced, whenever something is taken.
}

// line is what waits of one account, first in, first out.
type line struct {
	account tx.AccountID
	waiting []arrival
	bytes   int
}

// arrival is an envelope, and its number among all.
type arrival struct {
	number uint64
	raw    []byte
}

// NewQueue returns an empty queue.
func NewQueue(limits Limits) *Queue {
	return &Queue{limits: limits, accounts: map[tx.AccountID]*line{}, filled: make(chan struct{}), room: make(chan struct{})}
}

// Waiting is how many envelopes wait, and how many bytes they have.
func (q *Queue) Waiting() (envelopes, bytes int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting, q.bytes
}

// Put adds an envelope of an account. While the account has its share of the queue it
// blocks: that is the back-pressure that reaches the sender. Those who cannot wait pass
// a context that is done; it bounds the waiting and nothing else. The queue keeps raw.
//
// Refusal: tx.ErrBundleMember, for what no bundle can carry. Error: ErrFull, with
// the cause that ended the context.
func (q *Queue) Put(ctx context.Context, account tx.AccountID, raw []byte) error {
	if len(raw) == 0 || len(raw) > tx.MaxEnvelope {
		return fmt.Errorf("%w (got %d bytes)", tx.ErrBundleMember, len(raw))
	}
	for {
		room := q.put(account, raw)
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
func (q *Queue) put(account tx.AccountID, raw []byte) (room <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.accounts[account]
	if l == nil {
		l = &line{account: account}
	}
	if l.bytes >= q.limits.Bytes-q.bytes || len(l.waiting) >= q.limits.Envelopes-q.waiting {
		return q.room
	}
	if len(l.waiting) == 0 {
		q.accounts[account] = l
		q.turns = append(q.turns, l)
	}
	if q.waiting == 0 {
		close(q.filled)
	}
	l.waiting = append(l.waiting, arrival{q.arrivals, raw})
	l.bytes += len(raw)
	q.arrivals++
	q.waiting++
	q.bytes += len(raw)
	return nil
}

// Take returns what waits, at least one envelope and no more than goes into a
// bundle; it blocks while nothing waits.
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
	if q.waiting == 0 {
		return nil, q.filled
	}
	var bundle []arrival
	for size := tx.BundleOverhead; q.waiting > 0 && len(bundle) < tx.MaxBundleEnvelopes; {
		next := q.turns[0].waiting[0]
		if size += len(next.raw) + tx.BundleOverhead; size > bundleMost && len(bundle) > 0 {
			break
		}
		bundle = append(bundle, next)
		q.served(len(next.raw))
	}
	slices.SortFunc(bundle, func(a, b arrival) int { return cmp.Compare(a.number, b.number) })
	for _, a := range bundle {
		taken = append(taken, a.raw)
	}
	if q.waiting == 0 {
		q.filled = make(chan struct{})
	}
	close(q.room)
	q.room = make(chan struct{})
	return taken, nil
}

// served removes the first envelope of the account whose turn it is, which is the
// last to have another.
func (q *Queue) served(size int) {
	l := q.turns[0]
	q.turns = q.turns[1:]
	l.waiting[0].raw = nil // Of no use here any more.
	l.waiting = l.waiting[1:]
	l.bytes -= size
	q.waiting--
	q.bytes -= size
	if len(l.waiting) > 0 {
		q.turns = append(q.turns, l)
	} else {
		delete(q.accounts, l.account)
	}
}
