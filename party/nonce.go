package party

import (
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// NonceWindow is how far behind its highest nonce an account's envelopes may
// arrive, so that it can submit many at once.
const NonceWindow = 1024

// window remembers which nonces an account has used, as the anti-replay window
// of RFC 4303 §3.4.3 does: everything at or below Highest-NonceWindow counts as
// used, everything above Highest as new.
type window struct {
	Highest uint64 `cbor:"1,keyasint"`
	Used    []byte `cbor:"2,keyasint"` // Bit n%NonceWindow: whether nonce n was used.
}

var windows = state.NewTable[tx.AccountID, window]("party.nonce")

// Refusals of UseNonce, in order of precedence.
var (
	ErrNonceZero = Ops.Refuse(40, "nonces start at 1")
	ErrNonceOld  = Ops.Refuse(41, "the nonce is more than 1024 behind the account's highest: take a new one")
	ErrNonceUsed = Ops.Refuse(42, "the nonce was used: the envelope, or another with its nonce, was applied before")
)

// FreshNonce says why an account cannot use nonce, or nil.
func FreshNonce(s state.Reader, account tx.AccountID, nonce uint64) *op.Refusal {
	w, _ := windows.Get(s, account)
	return w.check(nonce)
}

// UseNonce marks nonce as used by account.
func UseNonce(s state.Store, account tx.AccountID, nonce uint64) *op.Refusal {
	w, ok := windows.Get(s, account)
	if no := w.check(nonce); no != nil {
		return no
	}
	if !ok {
		w.Used = make([]byte, NonceWindow/8)
	}
	w.use(nonce)
	windows.Put(s, account, w)
	return nil
}

// HighestNonce is the highest nonce that account used.
func HighestNonce(s state.Reader, account tx.AccountID) uint64 {
	w, _ := windows.Get(s, account)
	return w.Highest
}

func (w *window) check(nonce uint64) *op.Refusal {
	switch {
	case nonce == 0:
		return ErrNonceZero
	case nonce > w.Highest:
		return nil
	case w.Highest-nonce >= NonceWindow:
		return ErrNonceOld
	case w.Used[nonce%NonceWindow/8]&(1<<(nonce%8)) != 0:
		return ErrNonceUsed
	}
	return nil
}

// use marks a nonce that check let through; those it skips become usable.
func (w *window) use(nonce uint64) {
	if nonce > w.Highest {
		// Counted, because nonce may be the last there is.
		for back := range min(nonce-w.Highest, NonceWindow) {
			n := nonce - back
			w.Used[n%NonceWindow/8] &^= 1 << (n % 8)
		}
		w.Highest = nonce
	}
	w.Used[nonce%NonceWindow/8] |= 1 << (nonce % 8)
}
