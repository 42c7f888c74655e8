// Package admission is what stands between those who send envelopes and the
// block: it verifies signatures and gathers envelopes into bundles.
//
// Its promise: a node verifies a good signature once, on all its cores, however
// often consensus shows it; and a flood is felt by who sends it, as waiting, and
// never as memory. Verdicts are those of package tx, whatever the order, the
// company or the number of cores.
package admission

import (
	"crypto/rand"
	"crypto/sha256"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519/extra/cache"

	"github.com/commonwatt/commonwatt/tx"
)

// Defaults that suit a community of some ten thousand devices.
const (
	DefaultKeys     = 1 << 14 // About 1.6 kB each.
	DefaultVerdicts = 1 << 18 // About 80 bytes each.
)

// batchMost is the most signatures in one batch. Below 95 the library uses the
// expanded keys and the gain is flat from 32 on; with 1024 it would be a third
// faster by another method, but one bad signature has its whole batch verified
// one by one, and that must not be worth sending.
const batchMost = 64

// Verifier verifies the signatures of many envelopes at once and remembers the
// good ones. It is safe for concurrent use.
type Verifier struct {
	keys    cache.Cache // Public keys with their tables: half of a lone verification.
	good    verdicts
	bundles verdicts // By the hash of all their bytes.
	workers int
}

// NewVerifier returns a Verifier that keeps so many expanded keys and remembers
// at least half as many good verdicts as it is given room for.
func NewVerifier(keys, verdicts int) *Verifier {
	return &Verifier{keys: cache.NewLRUCache(keys), good: newVerdicts(verdicts), bundles: newVerdicts(bundlesKnown), workers: runtime.GOMAXPROCS(0)}
}

// Verify returns for each envelope, or whatever else is signed, what its Verify
// returns: nil, or the refusal.
func (v *Verifier) Verify(list []tx.Signed) []error {
	verdicts := make([]error, len(list))
	share := min(batchMost, (len(list)+v.workers-1)/v.workers)
	if share == 0 {
		return verdicts
	}
	var next atomic.Int64
	work := func() {
		for {
			to := int(next.Add(int64(share)))
			from := to - share
			if from >= len(list) {
				return
			}
			to = min(to, len(list))
			v.verify(list[from:to], verdicts[from:to])
		}
	}
	var others sync.WaitGroup
	for range min(v.workers, (len(list)+share-1)/share) - 1 {
		others.Go(work)
	}
	work()
	others.Wait()
	return verdicts
}

// bundlesKnown is how many bundles are known to be good: those that wait, and those of
// the blocks at hand.
const bundlesKnown = 1 << 10

// Vouch remembers bytes that hold nothing but what was found good. Consensus shows a
// bundle three times before it is in a block; what is known as a whole need not be
// taken apart each time.
func (v *Verifier) Vouch(bundle []byte) { v.bundles.add([]tx.Seal{sha256.Sum256(bundle)}) }

// Vouched reports whether these very bytes are remembered.
func (v *Verifier) Vouched(bundle []byte) bool { return v.bundles.has(sha256.Sum256(bundle)) }

// Known reports whether a good verdict about the seal is remembered.
func (v *Verifier) Known(seal tx.Seal) bool { return v.good.has(seal) }

// verify settles up to batchMost of them on this core.
func (v *Verifier) verify(list []tx.Signed, verdicts []error) {
	seals := make([]tx.Seal, len(list))
	for i, s := range list {
		seals[i] = s.Seal()
	}
	open := v.good.missing(seals)
	if len(open) == 0 {
		return
	}
	v.settle(list, open, verdicts)
	fresh := seals[:0]
	for _, i := range open {
		if verdicts[i] == nil {
			fresh = append(fresh, seals[i])
		}
	}
	v.good.add(fresh)
}

// settle verifies the open ones: Ed25519 in a batch, the others one by one. A
// batch that fails tells which of its signatures are bad.
func (v *Verifier) settle(list []tx.Signed, open []int, verdicts []error) {
	batch := ed25519.NewBatchVerifierWithCapacity(len(open))
	batched, refusals := make([]int, 0, len(open)), make([]error, 0, len(open))
	for _, i := range open {
		if s, ok := list[i].Signature(); ok {
			s.AddTo(batch, v.expanded(s.Public))
			batched, refusals = append(batched, i), append(refusals, s.Refusal)
		} else {
			verdicts[i] = list[i].Verify()
		}
	}
	if len(batched) == 0 {
		return
	}
	// A batch adds up its equations with random weights, lest bad signatures cancel
	// each other out; the verdict does not depend on them.
	_, good := batch.Verify(rand.Reader)
	for n, i := range batched {
		if !good[n] {
			verdicts[i] = refusals[n]
		}
	}
}

// expanded returns a public key with its tables, or nil when it is no point.
func (v *Verifier) expanded(public []byte) *ed25519.ExpandedPublicKey {
	compressed := curve.CompressedEdwardsY(public)
	key := v.keys.Get(&compressed)
	if key != nil {
		return key
	}
	key, err := ed25519.NewExpandedPublicKey(public)
	if err != nil {
		return nil
	}
	v.keys.Put(&compressed, key)
	return key
}
