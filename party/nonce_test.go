package party

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/optest"
)

// naive is the anti-replay window of RFC 4303 §3.4.3 as a set: every nonce that
// was used, and the highest.
type naive struct {
	used    map[uint64]bool
	highest uint64
}

func (n *naive) use(nonce uint64) *op.Refusal {
	switch {
	case nonce == 0:
		return ErrNonceZero
	case nonce <= n.highest && n.highest-nonce >= NonceWindow:
		return ErrNonceOld
	case n.used[nonce]:
		return ErrNonceUsed
	}
	n.used[nonce] = true
	n.highest = max(n.highest, nonce)
	return nil
}

// TestNonceWindow uses nonces near the edges of the window, forwards by every
// kind of step, and asks after each for all that lie around the window.
func TestNonceWindow(t *testing.T) {
	for _, step := range []uint64{1, 7, 8, 63, NonceWindow - 1, NonceWindow, NonceWindow + 1, 5 * NonceWindow} {
		w, model := optest.NewWorld(t, Ops), &naive{used: map[uint64]bool{}}
		const begin = 2 * NonceWindow
		for at := begin + step; at <= begin+6*step; at += step {
			for _, nonce := range []uint64{at, at, at - 1, at + 3 - NonceWindow, at + 1 - NonceWindow, at - NonceWindow} {
				if got, want := UseNonce(w, ann, nonce), model.use(nonce); got != want {
					t.Fatalf("step %d: nonce %d after %d: %v, want %v", step, nonce, model.highest, got, want)
				}
			}
			for nonce := range uint64(NonceWindow + 10) {
				nonce += at + 5 - NonceWindow
				fresh := *model
				fresh.used = map[uint64]bool{nonce: model.used[nonce]}
				if got, want := FreshNonce(w, ann, nonce), fresh.use(nonce); got != want {
					t.Fatalf("step %d: nonce %d is asked for after %d: %v, want %v", step, nonce, model.highest, got, want)
				}
			}
		}
		if HighestNonce(w, ann) != model.highest {
			t.Errorf("the highest is %d, want %d", HighestNonce(w, ann), model.highest)
		}
	}
}

// TestNonceWindowRandomly jumps anywhere, to the last nonce that there is, too.
func TestNonceWindowRandomly(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w, model := optest.NewWorld(t, Ops), &naive{used: map[uint64]bool{}}
		base := rapid.SampledFrom([]uint64{0, 1 << 32, math.MaxUint64 - 3000}).Draw(rt, "base")
		for range 40 {
			nonce := base + rapid.Uint64Range(0, 3000).Draw(rt, "ahead")
			if got, want := UseNonce(w, ann, nonce), model.use(nonce); got != want {
				rt.Fatalf("nonce %d after %d: %v, want %v", nonce, model.highest, got, want)
			}
		}
	})
}

// TestLastNonce uses the last nonce first: what lies within the window behind it
// is still good.
func TestLastNonce(t *testing.T) {
	w := optest.NewWorld(t, Ops)
	for _, c := range []struct {
		nonce uint64
		want  *op.Refusal
	}{
		{math.MaxUint64, nil},
		{math.MaxUint64, ErrNonceUsed},
		{math.MaxUint64 - NonceWindow + 1, nil},
		{math.MaxUint64 - NonceWindow, ErrNonceOld},
		{1, ErrNonceOld},
		{0, ErrNonceZero},
	} {
		if got := UseNonce(w, ann, c.nonce); got != c.want {
			t.Errorf("nonce %d: %v, want %v", c.nonce, got, c.want)
		}
	}
}

// TestNoncesAreEachAccountsOwn uses one number in two accounts.
func TestNoncesAreEachAccountsOwn(t *testing.T) {
	w := optest.NewWorld(t, Ops)
	if UseNonce(w, ann, 5) != nil || UseNonce(w, bob, 5) != nil || UseNonce(w, ann, 5) != ErrNonceUsed {
		t.Error("a nonce is used once by each account")
	}
}
