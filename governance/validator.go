package governance

import "github.com/commonwatt/commonwatt/state"

// ValidatorKey is a validator's Ed25519 key.
type ValidatorKey [32]byte

// AppendKey orders validators by key.
func (k ValidatorKey) AppendKey(b []byte) []byte { return append(b, k[:]...) }

// ReadKey reads what AppendKey wrote.
func (ValidatorKey) ReadKey(b []byte) ValidatorKey { return ValidatorKey(b) }

// power is a validator's voting power, above 0.
type power struct {
	Power int64 `cbor:"1,keyasint"`
}

// PowerOf is the voting power of a validator, as far as the ledger knows: from
// its genesis, or from a vote.
func PowerOf(s state.Reader, key ValidatorKey) int64 {
	p, _ := validators.Get(s, key)
	return p.Power
}

// Empower gives a validator its voting power; 0 removes it.
func Empower(s state.Store, v Validator) {
	key := ValidatorKey(v.PublicKey)
	if v.Power == 0 {
		validators.Delete(s, key)
		return
	}
	validators.Put(s, key, power{v.Power})
}

// removable reports whether the consensus can do without a validator. It stops
// when it has none, or when it is told to remove one that it does not have, so
// the ledger has to know both this one and another.
func removable(s state.Reader, key ValidatorKey) bool {
	if !validators.Has(s, key) {
		return false
	}
	for other := range validators.All(s) {
		if other != key {
			return true
		}
	}
	return false
}
