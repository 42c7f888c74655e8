package bench

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"github.com/commonwatt/commonwatt/admission"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/tx"
)

// What one round sends: transfers, or so many intervals of so many meters.
const (
	transfersRound = 60_000
	townMeters     = 10_000
	intervalsRound = 8
)

// round is how much one round sends of what it sends in full.
func (r *run) round(full int) int { return r.of(full, full) }

// through is what went through a node in some rounds, and how long the verification of
// the same signatures, or of as many, took in between.
type through struct {
	sent, verified int
	node, raw      span
}

// figure holds what went through against the verification.
func (t through) figure(name string) Figure {
	f := perSecond(name, t.sent, t.node).against(rawBatch, t.raw.rate(t.verified))
	if f.CPU > 0 {
		f.CPURatio = t.raw.each(t.verified) / f.CPU
	}
	return f
}

// timed sends envelopes, waits until done says that they had their effect and until the
// read model shows it, and adds the time.
func (t *through) timed(ctx context.Context, f *founded, envelopes [][]byte, done func() error) error {
	c := newClock()
	if err := f.all(ctx, envelopes); err != nil {
		return err
	}
	if err := done(); err != nil {
		return err
	}
	if err := f.seen(ctx); err != nil {
		return err
	}
	t.node = t.node.plus(c.span())
	return nil
}

// verify adds the time of a raw verification.
func (t *through) verify(v *admission.Verifier, signed []tx.Signed) error {
	s, err := verify(v, signed)
	t.raw, t.verified = t.raw.plus(s), t.verified+len(signed)
	return err
}

// onNode measures with a running node on a new ledger.
func onNode(measure func(context.Context, *run, *founded) error) func(context.Context, *run) error {
	return func(ctx context.Context, r *run) (err error) {
		f, err := r.found(ctx)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.close()) }()
		return measure(ctx, r, f)
	}
}

// transfersThrough sends signed single transfers, one envelope each, through a whole node
// until all are committed and shown, beside the verification of their signatures.
func transfersThrough(ctx context.Context, r *run, f *founded) error {
	var t through
	verifier := admission.NewVerifier(accounts, 1)
	for range r.of(1, 6) {
		envelopes := transfers(accounts, r.round(transfersRound), f.nonce+1)
		f.nonce += 1 + transfersRound/accounts
		signed, err := decodeAll(envelopes)
		if err != nil {
			return err
		}
		if err := t.verify(verifier, signed); err != nil {
			return err
		}
		if err := t.timed(ctx, f, envelopes, func() error { return nil }); err != nil {
			return err
		}
		t.sent += len(envelopes)
	}
	r.add(t.figure("transfers, one envelope each").least(50_000))
	return nil
}

// readingsThrough sends batches of readings under one signature each through a whole
// node until their intervals are settled and shown, beside the verification of as many
// signatures as there are readings.
func readingsThrough(ctx context.Context, r *run, f *founded) error {
	t := newTown(1, uint64(r.round(townMeters))) //nolint:gosec // above zero
	if err := f.build(ctx, t); err != nil {
		return err
	}
	signed, err := decodeAll(transfers(8, r.round(transfersRound), 1))
	if err != nil {
		return err
	}
	var through through
	verifier := admission.NewVerifier(accounts, 1)
	for range r.of(1, 6) {
		var envelopes [][]byte
		for range intervalsRound {
			envelopes = append(envelopes, t.batches(t.readings(), &f.nonce)...)
			through.sent += int(t.meters) //nolint:gosec // a few thousand
		}
		if err := through.verify(verifier, signed); err != nil {
			return err
		}
		if err := through.timed(ctx, f, envelopes, func() error { return f.settled(ctx, t) }); err != nil {
			return err
		}
	}
	r.add(through.figure("readings settled, from batches").least(50_000).leastRatio(0.5))
	return nil
}

// build founds a town.
func (f *founded) build(ctx context.Context, t town) error {
	if err := f.operations(ctx, t.founding()); err != nil {
		return fmt.Errorf("founding: %w", err)
	}
	return f.seen(ctx)
}

// devicesThrough delivers prepared messages of devices, each signed by its device,
// through a whole node until their intervals are settled and shown, beside the
// verification of the same signatures.
func devicesThrough(ctx context.Context, r *run, f *founded) error {
	t := newTown(1, uint64(r.round(townMeters))) //nolint:gosec // above zero
	if err := f.build(ctx, t); err != nil {
		return err
	}
	keys := make([]ed25519.PrivateKey, t.meters+1)
	for m := range keys {
		keys[m] = meterKey(uint64(m))
	}
	sequence, err := f.begin(ctx, &t, keys)
	if err != nil {
		return err
	}
	var through through
	verifier := admission.NewVerifier(townMeters, 1)
	for range r.of(1, 4) {
		var envelopes [][]byte
		var signed []tx.Signed
		for range intervalsRound {
			sequence++
			more, messages, err := t.deliveries(keys, &f.nonce, sequence)
			if err != nil {
				return err
			}
			envelopes, signed = append(envelopes, more...), append(signed, messages...)
		}
		through.sent += len(signed)
		if err := through.verify(verifier, signed); err != nil {
			return err
		}
		if err := through.timed(ctx, f, envelopes, func() error { return f.settled(ctx, t) }); err != nil {
			return err
		}
	}
	r.add(through.figure("readings settled, signed by devices"))
	return nil
}

// begin gives the meters their keys and delivers their first messages, which are the
// registers' baselines and no values: that interval lapses. It returns the last sequence.
func (f *founded) begin(ctx context.Context, t *town, keys []ed25519.PrivateKey) (sequence uint64, err error) {
	if err := f.operations(ctx, t.enrolling(keys)); err != nil {
		return 0, fmt.Errorf("keys: %w", err)
	}
	for sequence < 2 {
		sequence++
		envelopes, _, err := t.deliveries(keys, &f.nonce, sequence)
		if err != nil {
			return 0, err
		}
		if err := f.all(ctx, envelopes); err != nil {
			return 0, fmt.Errorf("first messages: %w", err)
		}
	}
	f.nonce++
	lapse := metering.LapseKind.Encode(metering.Lapse{Microgrid: 1, Until: t.until - quarterHour})
	if err := f.all(ctx, [][]byte{sign(1, f.nonce, lapse)}); err != nil {
		return 0, fmt.Errorf("baselines: %w", err)
	}
	return sequence, f.settled(ctx, *t)
}

// loneCommit measures how long one envelope takes to its commit while nothing else happens.
func loneCommit(ctx context.Context, r *run, f *founded) error {
	count := r.of(100, 1000)
	envelopes := transfers(accounts, count, f.nonce+1)
	var times []time.Duration
	c := newClock()
	for i, raw := range envelopes {
		began := time.Now()
		o, err := f.Submit(ctx, raw)
		if err == nil && o.Code != 0 {
			err = fmt.Errorf("envelope %d was refused with code %d", i, o.Code)
		}
		if err != nil {
			return err
		}
		times = append(times, time.Since(began))
	}
	s := c.span()
	r.add(Figure{Name: "commit of a lone envelope, p50", Value: quantile(times, 0.5), Unit: "ms", CPU: s.each(count)}.most(20),
		Figure{Name: "commit of a lone envelope, p99", Value: quantile(times, 0.99), Unit: "ms"})
	return nil
}
