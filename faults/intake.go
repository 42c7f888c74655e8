package faults

import (
	"context"
	"crypto/sha256"
	"slices"

	"github.com/commonwatt/commonwatt/admission"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/tx"
)

// intake takes envelopes in at one machine, as package node's does with goroutines:
// through the queue, the application's screen and bundles; and it keeps the bundles
// that wait for a block, as CometBFT's mempool does.
type intake struct {
	v        *validator
	queue    *admission.Queue
	waiting  map[tx.ID][]*request
	underway map[uint64]bool // Bundles of this machine that no block holds yet, by stamp.
	planned  bool
	stamp    uint64
	pool     [][]byte
	known    map[[32]byte]bool // What was in the pool before.
}

// Bounds, as those of package node and chain but for a smaller town.
const (
	underwayMax   = 8
	blockBytesMax = 1 << 20
	gatherTime    = 3 * millisecond
	resendMax     = 4
)

// now is a context that waits for nothing.
var now = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

func newIntake(v *validator) *intake {
	return &intake{
		v: v, queue: admission.NewQueue(admission.Limits{Envelopes: 1 << 10, Bytes: 1 << 20}), waiting: map[tx.ID][]*request{},
		underway: map[uint64]bool{}, stamp: v.run.wire.Uint64(), known: map[[32]byte]bool{},
	}
}

// take takes an envelope in.
func (in *intake) take(q *request) {
	e, err := tx.Decode(q.raw)
	if err == nil {
		in.waiting[e.ID] = append(in.waiting[e.ID], q)
		err = in.queue.Put(now, e.Body.Account, q.raw)
	}
	if err != nil {
		in.v.run.clients.refused(in.v, q, err)
		return
	}
	if !in.planned {
		in.planned = true
		in.v.after(gatherTime, func() { in.planned = false; in.gather() })
	}
}

// gather makes bundles of what waits, unless many are under way.
func (in *intake) gather() {
	for len(in.underway) < underwayMax {
		good, err := in.queue.Gather(now, in.screen)
		if err != nil {
			return
		}
		in.stamp++
		bundle, err := machine.EncodeBundle(in.stamp, good)
		if err != nil {
			panic(err) // The queue gives what fits.
		}
		in.underway[in.stamp] = true
		in.hear(bundle)
		in.v.toAll(func(o *validator) { o.intake.hear(bundle) })
	}
}

// screen answers envelopes that no block would apply, and returns the others.
func (in *intake) screen(raws [][]byte) (good [][]byte) {
	envelopes := make([]*tx.Envelope, len(raws))
	for i, raw := range raws {
		envelopes[i], _ = tx.Decode(raw) // It did before.
	}
	for i, err := range in.v.app.Screen(envelopes) {
		if err == nil {
			good = append(good, raws[i])
			continue
		}
		for _, q := range in.waiting[envelopes[i].ID] {
			if string(q.raw) == string(raws[i]) { // Another one may have the same body under a good signature.
				in.v.run.clients.refused(in.v, q, err)
			}
		}
		in.waiting[envelopes[i].ID] = slices.DeleteFunc(in.waiting[envelopes[i].ID], func(q *request) bool { return string(q.raw) == string(raws[i]) })
	}
	return good
}

// hear takes a bundle in, of this machine or another one.
func (in *intake) hear(raw []byte) {
	sum := sha256.Sum256(raw)
	if in.known[sum] {
		return
	}
	if err := in.v.app.Check(raw, false); err != nil {
		in.v.event("bundle-bad", short(sum[:]))
		in.v.run.counts.Rejected++
		return
	}
	in.v.event("bundle", short(sum[:]), int64(len(raw)))
	in.known[sum] = true
	in.pool = append(in.pool, raw)
	in.v.core.turn()
	in.v.core.settle()
}

// some returns bundles to send to another machine again.
func (in *intake) some() [][]byte { return in.pool[:min(len(in.pool), resendMax)] }

// pick returns what goes into a block: what is due, and then what waits.
func (in *intake) pick() (txs [][]byte) {
	left := int64(blockBytesMax)
	for _, raw := range append(in.v.app.Due(left), in.pool...) {
		if left -= int64(len(raw)); left < 0 {
			break
		}
		txs = append(txs, raw)
	}
	return txs
}

// decided drops what a block holds from what waits for one.
func (in *intake) decided(b *block) {
	for _, raw := range b.Txs {
		in.known[sha256.Sum256(raw)] = true
		if stamp, ok := machine.Stamp(raw); ok {
			delete(in.underway, stamp)
		}
	}
	in.pool = slices.DeleteFunc(in.pool, func(raw []byte) bool {
		held := slices.ContainsFunc(b.Txs, func(o []byte) bool { return string(o) == string(raw) })
		return held || in.v.app.Check(raw, true) != nil
	})
}

// answer tells the senders of a block's envelopes what became of them.
func (in *intake) answer(r machine.Record, _ [][]byte) {
	for _, o := range r.Outcomes {
		if len(o.ID) != len(tx.ID{}) {
			continue
		}
		for _, q := range in.waiting[tx.ID(o.ID)] {
			in.v.run.clients.answered(in.v, q, r.Height, o)
		}
		delete(in.waiting, tx.ID(o.ID))
	}
}
