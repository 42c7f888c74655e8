package chain

import (
	"testing"

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
