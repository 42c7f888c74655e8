package governance

import (
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/state"
)

// Propose puts a change to the vote.
type Propose struct {
	Proposal  ProposalID       `cbor:"1,keyasint" json:"proposal"`
	Microgrid grid.MicrogridID `cbor:"2,keyasint" json:"microgrid"` // 0: the council.
	Change    Change           `cbor:"3,keyasint" json:"change"`
	Until     interval.Time    `cbor:"4,keyasint" json:"until"`
}

// MaxPower bounds one validator's voting power, as CometBFT bounds their sum.
const MaxPower = 1 << 40

// Refusals of Propose, in order of precedence.
var (
	ErrNoProposal      = Ops.Refuse(1, "the proposal's number is missing")
	ErrOneChange       = Ops.Refuse(2, "a proposal asks for exactly one change")
	ErrWrongBody       = Ops.Refuse(3, "the council votes on validators, seats and upgrades, a microgrid's members on its rules and operator")
	ErrValidator       = Ops.Refuse(4, "a validator has an Ed25519 key of 32 bytes and a power from 0 to 2^40")
	ErrProposalTaken   = Ops.Refuse(5, "the proposal's number is taken")
	ErrProposalGrid    = Ops.Refuse(6, "there is no such microgrid")
	ErrProposalVoter   = Ops.Refuse(7, "only who votes on it may propose it")
	ErrProposalUntil   = Ops.Refuse(8, "the vote would be over already")
	ErrProposalAccount = Ops.Refuse(9, "there is no such account to seat or to operate")
	ErrLastSeat        = Ops.Refuse(10, "nobody would be left in the council who has a key to vote with")
	ErrLastValidator   = Ops.Refuse(11, "the validator is not one that the ledger knows, or no other would be left")
	ErrUpgradeRules    = Ops.Refuse(12, "these rules are older than those in force, or in force already and no others are agreed on")
	ErrUpgradeHeight   = Ops.Refuse(13, "the height of the upgrade was reached already")
)

// Proposed is the receipt of Propose.
var Proposed = op.DefineReceipt[Propose](Ops, 1, "proposed", "A change that is put to the vote.")

// ProposeKind puts a change to the vote.
var ProposeKind = op.Define(Ops, op.Spec[Propose]{
	Number: 1,
	Name:   "propose",
	Doc:    "Put a change to the vote of the council or of a microgrid's members.",
	Check: func(o *Propose) *op.Refusal {
		c := o.Change
		switch {
		case o.Proposal == 0:
			return ErrNoProposal
		case c.count() != 1:
			return ErrOneChange
		case (c.Validator != nil || c.Seating != nil || c.Upgrade != nil) != (o.Microgrid == 0):
			return ErrWrongBody
		case c.Validator != nil && (len(c.Validator.PublicKey) != 32 || c.Validator.Power < 0 || c.Validator.Power > MaxPower):
			return ErrValidator
		case c.Rules != nil:
			return c.Rules.Check()
		}
		return nil
	},
	Apply: func(ctx *op.Context, s state.Store, o *Propose) *op.Refusal {
		if proposals.Has(s, o.Proposal) {
			return ErrProposalTaken
		}
		if _, ok := grid.At(s, o.Microgrid); !ok && o.Microgrid != 0 {
			return ErrProposalGrid
		}
		switch c := o.Change; {
		case !mayVote(s, o.Microgrid, ctx.Signer):
			return ErrProposalVoter
		case o.Until <= ctx.Time:
			return ErrProposalUntil
		case c.Seating != nil && !party.Exists(s, c.Seating.Account), c.Operator != 0 && !party.Exists(s, c.Operator):
			return ErrProposalAccount
		}
		if no := o.Change.possible(ctx, s); no != nil {
			return no
		}
		proposals.Put(s, o.Proposal, Proposal{o.Microgrid, o.Change, o.Until})
		op.Emit(ctx, Proposed, op.Public, *o)
		return nil
	},
})

// possible says why a change cannot be carried out as things stand, or nil: the
// council and the validators may not vanish, and rules change ahead.
func (c Change) possible(ctx *op.Context, s state.Reader) *op.Refusal {
	switch {
	case c.Seating != nil && !c.Seating.Seated:
		left := electorate(s, 0)
		if len(left) == 0 || (len(left) == 1 && left[0] == c.Seating.Account) {
			return ErrLastSeat
		}
	case c.Validator != nil && c.Validator.Power == 0:
		if !removable(s, ValidatorKey(c.Validator.PublicKey)) {
			return ErrLastValidator
		}
	case c.Upgrade != nil:
		return c.Upgrade.possible(s, ctx.Height)
	}
	return nil
}

// count is how many changes are asked for.
func (c Change) count() (n uint8) {
	for _, asked := range [...]bool{c.Validator != nil, c.Seating != nil, c.Rules != nil, c.Operator != 0, c.Upgrade != nil} {
		if asked {
			n++
		}
	}
	return n
}
