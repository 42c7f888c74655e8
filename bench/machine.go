package bench

import (
	"context"
	"fmt"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// bare is the state machine alone, over rows in memory: no consensus, no disk, no
// read model, and signatures that somebody else verified.
type bare struct {
	*machine.Machine
	rows   *state.Memory
	height int64
}

func newBare() (*bare, error) {
	b := &bare{rows: state.NewMemory()}
	var err error
	verified := func(list []tx.Signed) []error { return make([]error, len(list)) }
	if b.Machine, err = machine.New(b.rows, machine.Head{}, machine.Environment{Verify: verified}); err != nil {
		return nil, err
	}
	r, err := b.Begin(chainID, genesis().Encode())
	if err != nil {
		return nil, err
	}
	b.take(r)
	return b, b.block(funding())
}

func (b *bare) take(r machine.Result) {
	b.rows.Apply(r.Changes)
	b.Advance(r)
}

// block executes one block of envelopes, and then the closes that are due, each in a
// block as large as the machine makes it.
func (b *bare) block(envelopes [][]byte) error {
	bundle, err := machine.EncodeBundle(0, envelopes)
	if err != nil {
		return err
	}
	if err := b.execute(bundle); err != nil {
		return err
	}
	for due := b.Due(); len(due) > 0; due = b.Due() {
		if err := b.execute(machine.EncodeCloses(due)); err != nil {
			return err
		}
	}
	return nil
}

// blockTime is when all blocks are made: after all readings.
const blockTime = interval.Time(1 << 40)

func (b *bare) execute(raw []byte) error {
	b.height++
	r := b.Execute(machine.Block{Height: b.height, Time: blockTime, Txs: [][]byte{raw}})
	for _, o := range r.Record.Outcomes {
		if o.Code != 0 {
			return fmt.Errorf("the machine refused an envelope with code %d at operation %d", o.Code, o.At)
		}
	}
	b.take(r)
	return nil
}

// withoutConsensus measures the state machine alone, on one core.
func withoutConsensus(ctx context.Context, r *run) error {
	b, err := newBare()
	if err != nil {
		return err
	}
	const each = 2000 // Envelopes of a block.
	count := max(each, r.of(20_000, 200_000)/each*each)
	envelopes := transfers(accounts, count, 1001)
	c := newClock()
	for at := 0; at < count && ctx.Err() == nil; at += each {
		if err := b.block(envelopes[at : at+each]); err != nil {
			return err
		}
	}
	r.add(perSecond("transfers, "+bareMachine, count, c.span()))
	t := newTown(1, uint64(r.round(townMeters))) //nolint:gosec // above zero
	nonce := uint64(2000)
	for _, raw := range split(t.founding(), nonce) {
		nonce++
		if err := b.block([][]byte{raw}); err != nil {
			return err
		}
	}
	var total span
	intervals := r.of(4, 32)
	for range intervals {
		envelopes := t.batches(t.readings(), &nonce)
		c := newClock()
		for _, raw := range envelopes {
			if err := b.block([][]byte{raw}); err != nil {
				return err
			}
		}
		total = total.plus(c.span())
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	r.add(perSecond("readings settled, "+bareMachine, intervals*int(t.meters), total)) //nolint:gosec // a few thousand
	return nil
}
