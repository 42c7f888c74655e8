package bench

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/commonwatt/commonwatt/admission"
	"github.com/commonwatt/commonwatt/tx"
)

// Names of limits.
const (
	rawBatch    = "signatures in batches"
	rawLone     = "signatures one by one"
	rawHash     = "SHA-256 of 64 bytes"
	rawSync     = "fsync of 4 KiB, p50"
	emptyBlocks = "consensus without an application"
	bareMachine = "machine without consensus"
)

// signatures measures what verification alone does: in batches with the keys cached,
// as admission does it, on all cores, and one by one, on one.
func signatures(ctx context.Context, r *run) error {
	each := r.round(20_000)
	signed, err := decodeAll(transfers(accounts, each, 1))
	if err != nil {
		return err
	}
	verifier := admission.NewVerifier(accounts, 1)
	var total span
	rounds := r.of(2, 8)
	for range rounds {
		s, err := verify(verifier, signed)
		if err != nil {
			return err
		}
		total = total.plus(s)
	}
	r.add(perSecond(rawBatch, rounds*each, total))
	lone := min(each, r.of(1000, 5000))
	c := newClock()
	for _, s := range signed[:lone] {
		if err := s.Verify(); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	r.add(perSecond(rawLone, lone, c.span()))
	return nil
}

// verify is how long the raw verification of signatures takes, with their keys
// cached and no verdict remembered.
func verify(v *admission.Verifier, signed []tx.Signed) (span, error) {
	v.Verify(signed[:min(len(signed), 2*accounts)])
	c := newClock()
	for i, err := range v.Verify(signed) {
		if err != nil {
			return span{}, fmt.Errorf("signature %d: %w", i, err)
		}
	}
	return c.span(), nil
}

// decodeAll decodes envelopes.
func decodeAll(envelopes [][]byte) ([]tx.Signed, error) {
	signed := make([]tx.Signed, len(envelopes))
	for i, raw := range envelopes {
		var err error
		if signed[i], err = tx.Decode(raw); err != nil {
			return nil, err
		}
	}
	return signed, nil
}

// hashing measures SHA-256 of what a node of a tree has, and of long texts.
func hashing(_ context.Context, r *run) error {
	count := r.of(300_000, 3_000_000)
	var pair [64]byte
	c := newClock()
	for range count {
		sum := sha256.Sum256(pair[:])
		copy(pair[:], sum[:])
	}
	r.add(perSecond(rawHash, count, c.span()))
	text := make([]byte, 1<<20)
	rounds := r.of(50, 500)
	c = newClock()
	for range rounds {
		sha256.Sum256(text)
	}
	f := perSecond("SHA-256 of 1 MiB", rounds, c.span())
	f.Unit = "MiB/s"
	r.add(f)
	return nil
}

// fsync measures how long the disk takes to keep something.
func fsync(ctx context.Context, r *run) error {
	dir, remove, err := r.folder()
	if err != nil {
		return err
	}
	defer remove()
	file, err := os.Create(filepath.Join(dir, "file"))
	if err != nil {
		return err
	}
	defer file.Close()
	page := make([]byte, 4<<10)
	var times []time.Duration
	for range r.of(50, 500) {
		began := time.Now()
		if _, err := file.Write(page); err != nil {
			return err
		}
		if err := file.Sync(); err != nil {
			return err
		}
		times = append(times, time.Since(began))
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	r.add(Figure{Name: rawSync, Value: quantile(times, 0.5), Unit: "ms"},
		Figure{Name: "fsync of 4 KiB, p99", Value: quantile(times, 0.99), Unit: "ms"})
	return nil
}
