package governance

import (
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/state"
)

// Upgrade changes the rules by which blocks are executed, from a height on. One
// that names the rules in force takes back the one that is agreed on.
type Upgrade struct {
	Rules  uint32 `cbor:"1,keyasint" json:"rules"`
	Height int64  `cbor:"2,keyasint" json:"height"` // Of the first block by these rules.
}

// version is the rules in force, since when, and what is agreed on.
type version struct {
	Now  Upgrade  `cbor:"1,keyasint"`
	Next *Upgrade `cbor:"2,keyasint,omitempty"` // It is in force from its height on, without a word in that block.
}

// BeginRules sets the rules of a ledger before its first block. One that begins with
// the first rules has no row, as ledgers had none before there were others.
func BeginRules(s state.Store, rules uint32) {
	if rules != op.RulesFirst {
		versions.Put(s, state.Whole{}, version{Now: Upgrade{Rules: rules, Height: 1}})
	}
}

// InForce returns the rules by which the block at a height is executed, and from
// which height on they hold. The rows are those before that block.
func InForce(s state.Reader, height int64) Upgrade {
	v, ok := versions.Get(s, state.Whole{})
	switch {
	case !ok:
		return Upgrade{Rules: op.RulesFirst, Height: 1}
	case v.Next != nil && height >= v.Next.Height:
		return *v.Next
	}
	return v.Now
}

// Agreed returns the upgrade that is agreed on and not in force at a height yet.
func Agreed(s state.Reader, height int64) (Upgrade, bool) {
	v, _ := versions.Get(s, state.Whole{})
	if v.Next == nil || height >= v.Next.Height {
		return Upgrade{}, false
	}
	return *v.Next, true
}

// possible says why an upgrade cannot be agreed on in the block at a height, or nil.
// Whether a program knows the rules is not asked: validators need not know the same,
// and must agree.
func (u Upgrade) possible(s state.Reader, height int64) *op.Refusal {
	now := InForce(s, height).Rules
	_, agreed := Agreed(s, height)
	switch {
	case u.Rules < now, u.Rules == now && !agreed:
		return ErrUpgradeRules
	case u.Height <= height:
		return ErrUpgradeHeight
	}
	return nil
}

// agree makes an upgrade the one that is agreed on, in place of another.
func (u Upgrade) agree(s state.Store, height int64) {
	v := version{Now: InForce(s, height)}
	if u.Rules != v.Now.Rules {
		v.Next = &u
	}
	versions.Put(s, state.Whole{}, v)
}
