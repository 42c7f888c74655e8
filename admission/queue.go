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
// larger: what a bundle costs by itself is little beside that of so many envelopes.
const bundleMost = tx.MaxBundle / 4

// A bundle is gathered in groups, so that whoever comes while one is gathered waits for
// a group and not for a bundle. A group is what several cores verify at their best, and
// whose checks take a few milliseconds: less than the shortest block.
const (
	groupMost      = 4 * batchMost
	groupBytesMost = bundleMost / 4 // Unless its first envelope is larger.
)

// Limits bound what waits in a Queue.
type Limits struct {
	Envelopes int
	Bytes     int // May be exceeded by one envelope, so that large ones wait no longer than small ones.
}

// Queue holds envelopes until they are gathered into a bundle. There is no timer:
// a bundle is whatever waits, so bundles are small when little happens, and
// grow by themselves when consensus is the bottleneck. It is safe for concurrent
// use.
//
// A flood is its sender's own to wait for: an account may have as much waiting as
// there is room left, so one that floods takes half of the queue and ten take ten
// elevenths (the dynamic threshold of Choudhury and Hahne, IEEE/ACM Transactions on
// Networking 6(2), 1998); when more waits than a group holds, each account has its
// turn; and a bundle does not grow on while one who sends now and then is in it. An
// account's envelopes leave in the order in which they came, and so do all of those
// that one group takes.
type Queue struct {
	limits Limits

	mu       sync.Mutex
	accounts map[tx.AccountID]*line // Those of which something waits.
	turns    []*line                // The same; the first is next.
	waiting  int
	bytes    int
	firsts   int // Of those that wait, how many came when nothing of their account did.
	arrivals uint64
	filled   chan struct{} // Closed while something waits.
	room     chan struct{} // Closed, and replaced, once a bundle is taken.
}

// line is what waits of one account, first in, first out.
type line struct {
	account tx.AccountID
	waiting []arrival
	bytes   int
}

// arrival is an envelope, its number among all, and whether nothing of its account
// waited when it came.
type arrival struct {
	number uint64
	first  bool
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
	first := len(l.waiting) == 0
	if first {
		q.accounts[account] = l
		q.turns = append(q.turns, l)
		q.firsts++
	}
	if q.waiting == 0 {
		close(q.filled)
	}
	l.waiting = append(l.waiting, arrival{q.arrivals, first, raw})
	l.bytes += len(raw)
	q.arrivals++
	q.waiting++
	q.bytes += len(raw)
	return nil
}

// Gather returns the envelopes of the next bundle, at least one and no more than go
// into one: of what waits, that which screen lets through, in groups. It blocks while
// nothing good waits.
//
// Error: the cause that ended the context.
func (q *Queue) Gather(ctx context.Context, screen func(group [][]byte) (good [][]byte)) ([][]byte, error) {
	var b bundle
	for {
		group, filled := q.take(&b)
		switch {
		case len(group) > 0:
			b.add(screen(group))
		case len(b.envelopes) > 0:
			return b.envelopes, nil
		default:
			select {
			case <-filled:
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
		}
	}
}

// bundle is what was gathered of one.
type bundle struct {
	envelopes [][]byte
	bytes     int  // Of the envelopes, with what each costs in a bundle.
	awaited   bool // One who sends now and then is in it.
}

// add adds what was let through of a group. Nobody waits for a bundle of nothing.
func (b *bundle) add(envelopes [][]byte) {
	b.envelopes = append(b.envelopes, envelopes...)
	b.awaited = b.awaited && len(b.envelopes) > 0
	for _, raw := range envelopes {
		b.bytes += len(raw) + tx.BundleOverhead
	}
}

// fits reports whether a bundle holds so many envelopes and bytes besides what it has.
func (b *bundle) fits(envelopes, bytes int) bool {
	envelopes += len(b.envelopes)
	return envelopes <= tx.MaxBundleEnvelopes && (envelopes == 1 || tx.BundleOverhead+b.bytes+bytes <= bundleMost)
}

// take removes the next group of a bundle, or nothing when the bundle should go as it
// is; filled is closed once something waits.
func (q *Queue) take(b *bundle) (group [][]byte, filled <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	taken := q.group(b)
	if len(taken) == 0 {
		close(q.room) // For all that the bundle took: waking senders costs more than a group.
		q.room = make(chan struct{})
		return nil, q.filled
	}
	slices.SortFunc(taken, func(a, b arrival) int { return cmp.Compare(a.number, b.number) })
	for _, a := range taken {
		group = append(group, a.raw)
	}
	if q.waiting == 0 {
		q.filled = make(chan struct{})
	}
	return group, q.filled
}

// group removes the next group of a bundle, each account having its turn.
func (q *Queue) group(b *bundle) (taken []arrival) {
	if b.awaited && q.firsts == 0 {
		return nil
	}
	for bytes := 0; q.waiting > 0 && len(taken) < groupMost; {
		next := q.turns[0].waiting[0]
		bytes += len(next.raw) + tx.BundleOverhead
		if !b.fits(len(taken)+1, bytes) || bytes > groupBytesMost && len(taken) > 0 {
			break
		}
		taken = append(taken, next)
		b.awaited = b.awaited || next.first
		q.served(next)
	}
	return taken
}

// served removes the envelope whose turn it is; its account is the last to have
// another.
func (q *Queue) served(a arrival) {
	l := q.turns[0]
	q.turns = q.turns[1:]
	l.waiting[0].raw = nil // Of no use here any more.
	l.waiting = l.waiting[1:]
	l.bytes -= len(a.raw)
	q.waiting--
	q.bytes -= len(a.raw)
	if a.first {
		q.firsts--
	}
	if len(l.waiting) > 0 {
		q.turns = append(q.turns, l)
	} else {
		delete(q.accounts, l.account)
	}
}
