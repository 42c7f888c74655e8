package chain

import (
	"github.com/cometbft/cometbft/types"
)

// company follows who else is a validator, as blocks change it. Powers that a block
// changes hold from the second block after it on.
type company struct {
	own   string           // The node's own key.
	next  map[string]int64 // Powers of those who decide the block after the next, by key.
	alone func(bool)       // Is told, for the block that comes next, whether nobody else decides.
}

// newCompany starts with those who decide the next block and the one after it.
func newCompany(own []byte, now, next *types.ValidatorSet, alone func(bool)) *company {
	alone(only(powersOf(now), string(own)))
	return &company{string(own), powersOf(next), alone}
}

func powersOf(set *types.ValidatorSet) map[string]int64 {
	powers := map[string]int64{}
	for _, v := range set.Validators {
		powers[string(v.PubKey.Bytes())] = v.VotingPower
	}
	return powers
}

// only reports whether a key has all the power that there is.
func only(powers map[string]int64, key string) bool { return len(powers) == 1 && powers[key] > 0 }

// decided takes in what a block changes.
func (c *company) decided(changes []Validator) {
	c.alone(only(c.next, c.own))
	for _, v := range changes {
		if v.Power == 0 {
			delete(c.next, string(v.PublicKey))
			continue
		}
		c.next[string(v.PublicKey)] = v.Power
	}
}
