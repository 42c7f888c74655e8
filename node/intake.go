package node

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"sync"

	"github.com/commonwatt/commonwatt/admission"
	"github.com/commonwatt/commonwatt/chain"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/tx"
)

// intake takes envelopes in: it checks them, gathers them into bundles while the
// block before is under way, and answers whoever sent them.
type intake struct {
	app    *Application
	queue  *admission.Queue
	ctx    context.Context //nolint:containedctx // the intake's own life
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu       sync.Mutex
	waiting  map[tx.ID][]chan answer
	underway map[uint64]bool // Bundles that no block holds yet, by stamp.
	room     chan struct{}   // Closed, and replaced, with every block.
	stamp    uint64
}

// underwayMax is how many bundles may wait for a block. While they do, envelopes
// gather for the next one: the busier the node, the larger the bundles, and the
// cheaper each signature in them.
const underwayMax = 8

// answer is what a sender is told.
type answer struct {
	outcome machine.Outcome
	height  int64 // Of the block.
	err     error
}

// ErrClosed means that the node ended before it could tell what became of an
// envelope, or before what somebody waited for.
var ErrClosed = errors.New("node: closed: ask again after the next start")

func newIntake(app *Application) *intake {
	ctx, cancel := context.WithCancel(context.Background())
	return &intake{
		app: app, queue: admission.NewQueue(queueLimits), ctx: ctx, cancel: cancel,
		waiting: map[tx.ID][]chan answer{}, underway: map[uint64]bool{}, room: make(chan struct{}),
	}
}

// start begins to gather. Stamps begin anywhere, so that a bundle is not taken
// for one of another node, or of this one before a restart.
func (in *intake) start(c *chain.Chain) {
	var random [8]byte
	_, _ = rand.Read(random[:]) // It never fails.
	in.stamp = binary.BigEndian.Uint64(random[:])
	in.done.Go(func() { in.gather(c) })
}

func (in *intake) stop() {
	in.cancel()
	in.done.Wait()
	in.mu.Lock()
	defer in.mu.Unlock()
	for id, list := range in.waiting {
		for _, ch := range list {
			ch <- answer{err: ErrClosed}
		}
		delete(in.waiting, id)
	}
}

// Ticket is an envelope that was sent and not yet answered.
type Ticket struct {
	in     *intake
	id     tx.ID
	answer chan answer
	height int64 // Of the answer.
}

// send queues an envelope.
func (in *intake) send(ctx context.Context, raw []byte) (*Ticket, error) {
	if in.ctx.Err() != nil {
		return nil, ErrClosed
	}
	e, err := tx.Decode(raw)
	if err != nil {
		return nil, err
	}
	t := &Ticket{in: in, id: e.ID, answer: make(chan answer, 1)}
	in.mu.Lock()
	in.waiting[e.ID] = append(in.waiting[e.ID], t.answer)
	in.mu.Unlock()
	if err := in.queue.Put(ctx, raw); err != nil {
		in.forget(t.id, t.answer)
		return nil, err
	}
	return t, nil
}

// Wait returns what became of the envelope, as Submit does.
func (t *Ticket) Wait(ctx context.Context) (machine.Outcome, error) {
	select {
	case a := <-t.answer:
		t.height = a.height
		return a.outcome, a.err
	case <-ctx.Done():
		t.in.forget(t.id, t.answer)
		return machine.Outcome{}, context.Cause(ctx)
	case <-t.in.ctx.Done():
		t.in.forget(t.id, t.answer)
		return machine.Outcome{}, ErrClosed
	}
}

// Height is that of the block that holds the envelope; 0 until Wait returned it.
func (t *Ticket) Height() int64 { return t.height }

// forget removes a sender that no longer waits.
func (in *intake) forget(id tx.ID, ch chan answer) {
	in.mu.Lock()
	defer in.mu.Unlock()
	list := in.waiting[id]
	for i := range list {
		if list[i] == ch {
			list = append(list[:i], list[i+1:]...)
			break
		}
	}
	if len(list) == 0 {
		delete(in.waiting, id)
		return
	}
	in.waiting[id] = list
}

// tell answers everybody who waits for an envelope.
func (in *intake) tell(id tx.ID, a answer) {
	for _, ch := range in.waiting[id] {
		ch <- a
	}
	delete(in.waiting, id)
}

// answer tells the senders of a block's envelopes what became of them.
func (in *intake) answer(r machine.Record, txs [][]byte) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, o := range r.Outcomes {
		if len(o.ID) == len(tx.ID{}) {
			in.tell(tx.ID(o.ID), answer{outcome: o, height: r.Height})
		}
	}
	for _, raw := range txs {
		if stamp, ok := machine.Stamp(raw); ok {
			delete(in.underway, stamp)
		}
	}
	close(in.room)
	in.room = make(chan struct{})
}

// gather makes bundles of what waits until the intake stops.
func (in *intake) gather(c *chain.Chain) {
	for in.rest(underwayMax) {
		raws, err := in.queue.Take(in.ctx)
		if err != nil {
			return
		}
		good := in.check(raws)
		if len(good) > 0 {
			in.offer(c, good)
		}
	}
}

// rest waits until fewer bundles than most are under way, and reports whether
// the intake goes on.
func (in *intake) rest(most int) bool {
	for {
		in.mu.Lock()
		n, room := len(in.underway), in.room
		in.mu.Unlock()
		if n < most {
			return in.ctx.Err() == nil
		}
		select {
		case <-room:
		case <-in.ctx.Done():
			return false
		}
	}
}

// check answers envelopes that no block would apply, and returns the others.
func (in *intake) check(raws [][]byte) [][]byte {
	envelopes := make([]*tx.Envelope, len(raws))
	for i, raw := range raws {
		envelopes[i], _ = tx.Decode(raw) // It decoded when it was submitted.
	}
	good := raws[:0]
	for i, err := range in.app.Screen(envelopes) {
		if err != nil {
			in.mu.Lock()
			in.tell(envelopes[i].ID, answer{err: err})
			in.mu.Unlock()
			continue
		}
		good = append(good, raws[i])
	}
	return good
}

// offer hands a bundle to the chain, waiting for room when there is none.
func (in *intake) offer(c *chain.Chain, raws [][]byte) {
	in.stamp++
	bundle, err := machine.EncodeBundle(in.stamp, raws)
	for err == nil {
		in.mu.Lock()
		in.underway[in.stamp] = true
		room := in.room
		in.mu.Unlock()
		if err = c.Submit(bundle); !errors.Is(err, chain.ErrFull) {
			break
		}
		select {
		case <-room:
			err = nil
		case <-in.ctx.Done():
			return
		}
	}
	if err == nil {
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	delete(in.underway, in.stamp)
	for _, raw := range raws {
		if e, no := tx.Decode(raw); no == nil {
			in.tell(e.ID, answer{err: err})
		}
	}
}
