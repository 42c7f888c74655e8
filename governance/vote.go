package governance

import (
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/market"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Vote votes on a proposal; a later vote replaces an earlier one. The change
// takes effect with the vote that makes a majority of all who may vote.
type Vote struct {
	Proposal ProposalID `cbor:"1,keyasint" json:"proposal"`
	Yes      bool       `cbor:"2,keyasint" json:"yes"`
}

// Refusals of Vote, in order of precedence.
var (
	ErrVoteProposal = Ops.Refuse(20, "there is no such open proposal")
	ErrVoteOver     = Ops.Refuse(21, "the vote is over")
	ErrVoteVoter    = Ops.Refuse(22, "the account does not vote on this proposal")
)

// Voted is the receipt of Vote.
type Voted struct {
	Proposal ProposalID   `cbor:"1,keyasint" json:"proposal"`
	Account  tx.AccountID `cbor:"2,keyasint" json:"account"`
	Yes      bool         `cbor:"3,keyasint" json:"yes"`
}

// Decided is the receipt of a proposal that a vote ended.
type Decided struct {
	Proposal ProposalID `cbor:"1,keyasint" json:"proposal"`
	Adopted  bool       `cbor:"2,keyasint" json:"adopted"`
	Change   Change     `cbor:"3,keyasint" json:"change"`
}

// Receipts of Vote.
var (
	VotedReceipt   = op.DefineReceipt[Voted](Ops, 20, "voted", "A vote on a proposal.")
	DecidedReceipt = op.DefineReceipt[Decided](Ops, 21, "decided", "A proposal that was adopted or rejected.")
)

// VoteKind votes on a proposal.
var VoteKind = op.Define(Ops, op.Spec[Vote]{
	Number: 20,
	Name:   "vote",
	Doc:    "Vote on a proposal; it takes effect with a majority of all who may vote.",
	Check:  func(*Vote) *op.Refusal { return nil },
	Apply: func(ctx *op.Context, s state.Store, o *Vote) *op.Refusal {
		p, ok := proposals.Get(s, o.Proposal)
		switch {
		case !ok:
			return ErrVoteProposal
		case p.Until <= ctx.Time:
			return ErrVoteOver
		case !mayVote(s, p.Microgrid, ctx.Signer):
			return ErrVoteVoter
		}
		votes.Put(s, ballot{o.Proposal, ctx.Signer}, vote{o.Yes})
		op.Emit(ctx, VotedReceipt, op.Public, Voted{o.Proposal, ctx.Signer, o.Yes})
		decide(ctx, s, o.Proposal, p)
		return nil
	},
})

// decide ends a proposal that a majority is for, or that no majority can be for
// any more. A change that became impossible since it was proposed is not adopted.
func decide(ctx *op.Context, s state.Store, id ProposalID, p Proposal) {
	t := Count(s, id, p)
	if 2*t.Yes <= t.All && 2*t.No < t.All {
		return
	}
	adopted := 2*t.Yes > t.All && p.Change.possible(ctx, s) == nil
	proposals.Delete(s, id)
	for k := range votes.Under(s, id) {
		votes.Delete(s, k)
	}
	op.Emit(ctx, DecidedReceipt, op.Public, Decided{id, adopted, p.Change})
	if adopted {
		adopt(ctx, s, p)
	}
}

// adopt carries a change out. The consensus hears of a validator's power when the
// machine reads the receipt.
func adopt(ctx *op.Context, s state.Store, p Proposal) {
	switch c := p.Change; {
	case c.Validator != nil:
		Empower(s, *c.Validator)
	case c.Seating != nil && c.Seating.Seated:
		council.Put(s, c.Seating.Account, seat{})
	case c.Seating != nil:
		council.Delete(s, c.Seating.Account)
	case c.Rules != nil:
		m, _ := grid.At(s, p.Microgrid)
		market.Adopt(ctx, s, p.Microgrid, m.Open, *c.Rules)
	case c.Operator != 0:
		grid.Appoint(s, p.Microgrid, c.Operator)
	case c.Upgrade != nil:
		c.Upgrade.agree(s, ctx.Height)
	}
}
