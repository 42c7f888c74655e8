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
	app     *Application
	metrics *metrics
	queue   *admission.Queue
	ctx     context.Context //nolint:containedctx // the intake's own life
	cancel  context.CancelCauseFunc
	done    sync.WaitGroup

	mu       sync.Mutex
	waiting  map[tx.ID][]waiter
	underway map[uint64]bool // Bundles that no block holds yet, by stamp.
	room     chan struct{}   // Closed, and replaced, with every block.
	stamp    uint64
}

// underwayMax is how many bundles may wait for a block. While they do, envelopes
// gather for the next one: the busier the node, the larger the bundles, and the
// cheaper each signature in them.
const underwayMax = 8

// waiter is a sender. Others may send the same body under another key or signature;
// their refusal is not the sender's.
type waiter struct {
	seal   tx.Seal
	answer chan answer
}

// answer is what a sender is told.
type answer struct {
	outcome machine.Outcome
	height  int64 // Of the block.
	err     error
}

// ErrClosed means that the node ended before it could tell what became of an
// envelope, or before what somebody waited for.
var ErrClosed = errors.New("node: closed: ask again after the next start")

func newIntake(app *Application, m *metrics) *intake {
	ctx, cancel := context.WithCancelCause(context.Background())
	return &intake{
		app: app, metrics: m, queue: admission.NewQueue(queueLimits), ctx: ctx, cancel: cancel,
		waiting: map[tx.ID][]waiter{}, underway: map[uint64]bool{}, room: make(chan struct{}),
	}
}

// start begins to gather. Stamps begin anywhere, so that a bundle is not taken
// for one of another node, or of this one before a restart.
func (in *intake) start(c *chain.Chain) {
	var random [8]byte
	_, _ = rand.Read(random[:]) // It never fails.
	in.stamp = binary.BigEndian.Uint64(random[:])
	bundles := make(chan [][]byte, bundlesInHand)
	in.done.Go(func() { in.gather(bundles) })
	in.done.Go(func() {
		for raws := range bundles {
			in.offer(c, raws)
		}
	})
}

// bundlesInHand is how many bundles are gathered ahead: the chain takes none while a
// block becomes last, and envelopes are checked meanwhile.
const bundlesInHand = 2

// stop tells everybody who waits why there will be no answer.
func (in *intake) stop(reason error) {
	in.cancel(reason)
	in.done.Wait()
	in.mu.Lock()
	defer in.mu.Unlock()
	for id, list := range in.waiting {
		for _, w := range list {
			w.answer <- answer{err: context.Cause(in.ctx)}
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
		return nil, context.Cause(in.ctx)
	}
	e, err := tx.Decode(raw)
	if err != nil {
		in.metrics.refused.WithLabelValues(reasonMalformed).Inc()
		return nil, err
	}
	t := &Ticket{in: in, id: e.ID, answer: make(chan answer, 1)}
	in.mu.Lock()
	in.waiting[e.ID] = append(in.waiting[e.ID], waiter{e.Seal(), t.answer})
	in.mu.Unlock()
	if err := in.queue.Put(ctx, e.Body.Account, raw); err != nil {
		in.forget(t.id, t.answer)
		in.metrics.refused.WithLabelValues(reasonFull).Inc()
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
		return machine.Outcome{}, context.Cause(t.in.ctx)
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
		if list[i].answer == ch {
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

// tell answers everybody who waits for what a body asks for.
func (in *intake) tell(id tx.ID, a answer) {
	for _, w := range in.waiting[id] {
		w.answer <- a
	}
	delete(in.waiting, id)
}

// refuse answers those who sent an envelope as it is, to the last byte.
func (in *intake) refuse(id tx.ID, seal tx.Seal, a answer) {
	var others []waiter
	for _, w := range in.waiting[id] {
		if w.seal != seal {
			others = append(others, w)
			continue
		}
		w.answer <- a
	}
	if delete(in.waiting, id); len(others) > 0 {
		in.waiting[id] = others
	}
}

// answer tells the senders of a block's envelopes what became of them.
func (in *intake) answer(r machine.Record, txs [][]byte) {
	in.mu.Lock()
	defer in.mu.Unlock()
	var seals []tx.Seal // Of the outcomes, once one of them is a refusal.
	for i, o := range r.Outcomes {
		if len(o.ID) != len(tx.ID{}) || len(in.waiting[tx.ID(o.ID)]) == 0 {
			continue
		}
		a := answer{outcome: o, height: r.Height}
		if o.Code == 0 {
			in.tell(tx.ID(o.ID), a)
			continue
		}
		if seals == nil {
			seals = sealsOf(txs, len(r.Outcomes))
		}
		in.refuse(tx.ID(o.ID), seals[i], a)
	}
	for _, raw := range txs {
		if stamp, ok := machine.Stamp(raw); ok {
			delete(in.underway, stamp)
		}
	}
	close(in.room)
	in.room = make(chan struct{})
}

// sealsOf returns the seals of a block's envelopes, by outcome. Closes, which have
// none, come before all others.
func sealsOf(txs [][]byte, outcomes int) []tx.Seal {
	var seals []tx.Seal
	for n, raw := range txs {
		members, err := machine.Members(raw)
		if err != nil && n > 0 {
			seals = append(seals, tx.Seal{}) // No transaction at all.
		}
		for _, member := range members {
			var seal tx.Seal
			if e, err := tx.Decode(member); err == nil {
				seal = e.Seal()
			}
			seals = append(seals, seal)
		}
	}
	return append(make([]tx.Seal, outcomes-len(seals)), seals...)
}

// gather makes bundles of what waits until the intake stops.
func (in *intake) gather(bundles chan<- [][]byte) {
	defer close(bundles)
	for in.rest() {
		good, err := in.queue.Gather(in.ctx, in.check)
		if err != nil {
			return
		}
		select {
		case bundles <- good:
		case <-in.ctx.Done():
			return
		}
	}
}

// rest waits until another bundle may be under way, and reports whether the intake
// goes on.
func (in *intake) rest() bool {
	for {
		in.mu.Lock()
		n, room := len(in.underway), in.room
		in.mu.Unlock()
		if n < underwayMax {
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
			in.metrics.refuses(err)
			in.mu.Lock()
			in.refuse(envelopes[i].ID, envelopes[i].Seal(), answer{err: err})
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
	if err == nil {
		in.app.verifier.Vouch(bundle) // All of it was checked.
	}
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
		in.metrics.admitted.Add(float64(len(raws)))
		return
	}
	in.metrics.refused.WithLabelValues(reasonChain).Add(float64(len(raws)))
	in.mu.Lock()
	defer in.mu.Unlock()
	delete(in.underway, in.stamp)
	for _, raw := range raws {
		if e, no := tx.Decode(raw); no == nil {
			in.refuse(e.ID, e.Seal(), answer{err: err})
		}
	}
}
