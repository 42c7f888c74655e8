package chain

import (
	"testing"
	"time"

	"github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/cometbft/cometbft/types"
)

// A block's changes hold from the second block after it on, and so does whether a
// validator is alone.
func TestCompany(t *testing.T) {
	t.Parallel()
	own, other := ed25519.GenPrivKeyFromSecret([]byte("own")).PubKey(), ed25519.GenPrivKeyFromSecret([]byte("other")).PubKey()
	one := types.NewValidatorSet([]*types.Validator{types.NewValidator(own, 10)})
	var alone bool
	c := newCompany(own.Bytes(), one, one, func(is bool) { alone = is })
	for n, step := range []struct {
		changes []Validator
		alone   bool // In the next block.
	}{
		{nil, true},
		{[]Validator{{other.Bytes(), 10}}, true},
		{nil, false},
		{[]Validator{{own.Bytes(), 3}}, false},
		{[]Validator{{other.Bytes(), 0}}, false},
		{nil, true},
		{[]Validator{{other.Bytes(), 1}, {own.Bytes(), 0}}, true},
		{nil, false}, // The only one is the other.
	} {
		if c.decided(step.changes); alone != step.alone {
			t.Errorf("after step %d: alone is %v", n, alone)
		}
	}
}

// What validators wait for each other grows from round to round, for votes less than for
// proposals: the simulator of faults counts on it.
func TestWaitsGrow(t *testing.T) {
	t.Parallel()
	s := Config{Listen: "127.0.0.1:1"}.settings().Consensus
	for _, c := range []struct {
		round                       int32
		propose, prevote, precommit time.Duration
	}{
		{0, 500 * time.Millisecond, 250 * time.Millisecond, 250 * time.Millisecond},
		{10, 5500 * time.Millisecond, 1500 * time.Millisecond, 1500 * time.Millisecond},
	} {
		if s.Propose(c.round) != c.propose || s.Prevote(c.round) != c.prevote || s.Precommit(c.round) != c.precommit {
			t.Errorf("in round %d it waits %v, %v and %v", c.round, s.Propose(c.round), s.Prevote(c.round), s.Precommit(c.round))
		}
	}
}
