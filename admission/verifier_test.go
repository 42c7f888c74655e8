package admission

import (
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	voi "github.com/oasisprotocol/curve25519-voi/primitives/ed25519"

	"github.com/commonwatt/commonwatt/tx"
)

// meters are the devices of these tests.
func meters(n int) []ed25519.PrivateKey {
	keys := make([]ed25519.PrivateKey, n)
	for i := range keys {
		seed := make([]byte, ed25519.SeedSize)
		seed[0], seed[1] = byte(i), byte(i>>8)
		keys[i] = ed25519.NewKeyFromSeed(seed)
	}
	return keys
}

// payments returns n envelopes with one small operation each, from the keys in
// turn.
func payments(t testing.TB, n int, keys []ed25519.PrivateKey) [][]byte {
	t.Helper()
	envelopes := make([][]byte, n)
	for i := range envelopes {
		from := i % len(keys)
		b := tx.Body{
			Chain: "riverside-1", Account: tx.AccountID(from), Nonce: uint64(i), Expiry: 70_000,
			Operations: []tx.Operation{{Kind: 301, Body: make([]byte, 24)}},
		}
		envelopes[i] = tx.SignEd25519(b.Encode(), keys[from])
	}
	return envelopes
}

func decode(t testing.TB, raws [][]byte) []*tx.Envelope {
	t.Helper()
	envelopes := make([]*tx.Envelope, len(raws))
	for i, raw := range raws {
		e, err := tx.Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		envelopes[i] = e
	}
	return envelopes
}

// signed is the envelopes as a Verifier takes them.
func signed(envelopes ...*tx.Envelope) []tx.Signed {
	list := make([]tx.Signed, len(envelopes))
	for i, e := range envelopes {
		list[i] = e
	}
	return list
}

// examples are tx's own: one envelope of each scheme.
func examples(t testing.TB) []*tx.Envelope {
	t.Helper()
	text, err := os.ReadFile("../tx/testdata/envelopes.txt")
	if err != nil {
		t.Fatal(err)
	}
	var raws [][]byte
	for line := range strings.Lines(string(text)) {
		if hex, ok := strings.CutPrefix(line, "envelope "); ok {
			var raw []byte
			if _, err := fmt.Sscanf(hex, "%x", &raw); err != nil {
				t.Fatal(err)
			}
			raws = append(raws, raw)
		}
	}
	return decode(t, raws)
}

// The Verifier says what each envelope's own Verify says, wherever it stands in
// the list, whatever its scheme, however many are bad and how often it is asked.
func TestVerdictsAreThoseOfTheEnvelopes(t *testing.T) {
	good := append(decode(t, payments(t, 200, meters(5))), examples(t)...)
	for _, bad := range [][]int{nil, {0}, {63, 64}, {200}, {201}, {202}, {1, 40, 41, 130, 199, 201}} {
		envelopes := make([]*tx.Envelope, len(good))
		for i, e := range good {
			forged := *e
			if slices.Contains(bad, i) {
				forged.Proof.Signature = slices.Clone(e.Proof.Signature)
				forged.Proof.Signature[9] ^= 1
			}
			envelopes[i] = &forged
		}
		v := NewVerifier(64, 1000)
		first, again := v.Verify(signed(envelopes...)), v.Verify(signed(envelopes...))
		for i, err := range first {
			if fmt.Sprint(again[i]) != fmt.Sprint(err) {
				t.Errorf("bad %v: envelope %d: first %v, asked again %v", bad, i, err, again[i])
			}
			if want := envelopes[i].Verify(); fmt.Sprint(err) != fmt.Sprint(want) || (err == nil) == slices.Contains(bad, i) {
				t.Errorf("bad %v: envelope %d: got %v, alone %v", bad, i, err, want)
			}
		}
	}
}

// Signatures crafted so that implementations disagree (a key and an R of small
// order, s = 0) get the verdict of ZIP-215 in company as alone.
func TestCraftedSignaturesInABatch(t *testing.T) {
	crafted := decode(t, payments(t, 100, meters(3)))
	smallOrder := make([]byte, 32)
	for _, i := range []int{7, 8, 70} {
		crafted[i].Key = tx.Key{Scheme: tx.Ed25519, Public: smallOrder}
		crafted[i].Proof.Signature = make([]byte, 64)
		if crafted[i].Verify() != nil {
			t.Fatal("the example is not one that ZIP-215 accepts")
		}
	}
	notAPoint := slices.Clone(smallOrder)
	notAPoint[0] = 2
	crafted[9].Key = tx.Key{Scheme: tx.Ed25519, Public: notAPoint}
	for i, err := range NewVerifier(64, 1000).Verify(signed(crafted...)) {
		if (err != nil) != (i == 9) {
			t.Errorf("envelope %d: %v", i, err)
		}
	}
}

func TestGoodVerdictsAreRemembered(t *testing.T) {
	v := NewVerifier(8, 1000)
	envelopes := decode(t, payments(t, 3, meters(3)))
	forged := *envelopes[2]
	forged.Proof.Signature = make([]byte, 64)
	before := v.Known(envelopes[0].Seal())
	v.Verify(signed(envelopes[0], envelopes[1]))
	v.Verify(signed(&forged))
	if before || !v.Known(envelopes[0].Seal()) || !v.Known(envelopes[1].Seal()) || v.Known(envelopes[2].Seal()) {
		t.Error("known is not what was verified and good")
	}
}

// What is remembered is bounded, and the most recent survives.
func TestVerdictsForgetTheOldest(t *testing.T) {
	numbered := func(n uint64) (s tx.Seal) {
		binary.BigEndian.PutUint64(s[:], n)
		return s
	}
	v := newVerdicts(10)
	for i := range uint64(1000) {
		v.add([]tx.Seal{numbered(i)})
		if size := len(v.recent) + len(v.older); size > 10 {
			t.Fatalf("%d verdicts in room for 10", size)
		}
		for back := range min(i, 5) {
			if !v.has(numbered(i - back)) {
				t.Fatalf("after %d: forgot number %d", i, i-back)
			}
		}
	}
}

func TestVerifyNothing(t *testing.T) {
	if got := NewVerifier(1, 1).Verify(nil); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}

// CheckTx, ProcessProposal and FinalizeBlock ask at the same time.
func TestVerifierIsSafeForConcurrentUse(t *testing.T) {
	v := NewVerifier(2, 50)
	envelopes := decode(t, payments(t, 120, meters(7)))
	done := make(chan []error)
	for range 4 {
		go func() { done <- v.Verify(signed(envelopes...)) }()
	}
	for range 4 {
		if err := errors.Join(<-done...); err != nil {
			t.Error(err)
		}
	}
}

// BenchmarkBatch shows the size of batch from which on a larger one gains
// nothing, with the keys expanded before, on one core.
func BenchmarkBatch(b *testing.B) {
	for _, size := range []int{1, 8, 16, 32, 64, 94, 128, 256, 1024} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			envelopes := decode(b, payments(b, size, meters(64)))
			v := NewVerifier(64, 1)
			for b.Loop() {
				batch := voi.NewBatchVerifierWithCapacity(size)
				for _, e := range envelopes {
					s, _ := e.Signature()
					s.AddTo(batch, v.expanded(s.Public))
				}
				if !batch.VerifyBatchOnly(nil) {
					b.Fatal("refused")
				}
			}
			perSecond(b, size)
		})
	}
}

// BenchmarkVerifier is the whole of it: seal, memory, keys, batches.
func BenchmarkVerifier(b *testing.B) {
	const n = 4096
	all := decode(b, payments(b, n, meters(1024)))
	spoiled := decode(b, payments(b, n, meters(1024)))
	for i := 0; i < n; i += batchMost {
		spoiled[i].Proof.Signature = make([]byte, 64)
	}
	for _, workers := range []int{1, runtime.GOMAXPROCS(0)} {
		for _, c := range []struct {
			name     string
			keys     int
			verdicts int
			signed   []tx.Signed
		}{
			{"keysCached", n, 1, signed(all...)},
			{"keysNew", 1, 1, signed(all...)},
			{"oneBadInEachBatch", n, 1, signed(spoiled...)},
			{"verdictsRemembered", n, 4 * n, signed(all...)},
		} {
			b.Run(fmt.Sprintf("%s/cores=%d", c.name, workers), func(b *testing.B) {
				v := NewVerifier(c.keys, c.verdicts)
				v.workers = workers
				v.Verify(c.signed)
				for b.Loop() {
					v.Verify(c.signed)
				}
				perSecond(b, n)
			})
		}
	}
}

// BenchmarkProposal is what a node does with a bundle it never saw: split it,
// decode its envelopes, verify them.
func BenchmarkProposal(b *testing.B) {
	const n = 4096
	bundle, err := tx.EncodeBundle(payments(b, n, meters(1024)))
	if err != nil {
		b.Fatal(err)
	}
	v := NewVerifier(n, 1)
	for b.Loop() {
		raws, err := tx.DecodeBundle(bundle)
		if err != nil {
			b.Fatal(err)
		}
		if err := errors.Join(v.Verify(signed(decode(b, raws)...))...); err != nil {
			b.Fatal(err)
		}
	}
	perSecond(b, n)
}

func perSecond(b *testing.B, n int) {
	b.Helper()
	b.ReportMetric(float64(b.N)*float64(n)/b.Elapsed().Seconds(), "envelopes/s")
}

// What was vouched for is known to the last byte, and nothing else is.
func TestVouched(t *testing.T) {
	v := NewVerifier(1, 1)
	v.Vouch([]byte("a good bundle"))
	for said, known := range map[string]bool{"a good bundle": true, "a good bundlf": false, "a good bundle ": false, "": false} {
		if v.Vouched([]byte(said)) != known {
			t.Errorf("%q is known: %t", said, !known)
		}
	}
}
