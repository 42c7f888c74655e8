package faults

import (
	"fmt"

	"github.com/commonwatt/commonwatt/codec"
)

// heard is a record of the log of votes: what was heard or said at a height. What
// this validator says is synced before it is sent, and all before it with it, so
// after a crash it knows what it is locked on and can show why.
type heard struct {
	_        struct{} `cbor:",toarray"`
	Vote     *vote
	Proposal *proposal
}

// keep writes what was heard or said. When the disk fails, the process stops before
// anybody hears of it.
func (v *validator) keep(h heard, mine bool) {
	if v.run.options.Broken.ForgetsLog {
		return
	}
	if err := v.signed.append(codec.Marshal(h), mine); err != nil {
		panic(halted{err})
	}
}

// remember takes in what the log of votes holds of this height.
func (v *validator) remember(records [][]byte) {
	c := &v.core
	c.round, c.step, c.turning = 0, propose, false
	for _, raw := range records {
		var h heard
		codec.Read(raw, &h)
		switch {
		case h.Vote != nil && h.Vote.Height == c.height:
			c.heardVote(h.Vote)
		case h.Proposal != nil && h.Proposal.Block.Height == c.height:
			h.Proposal.Block.sealed()
			c.heardProposal(h.Proposal)
		}
	}
	for n, r := range c.rounds {
		at := int32(n)
		if vote := r.of(precommit, v.key); vote != nil {
			c.round, c.step = at, committed
			if b := v.proposed(vote.Block); b != nil {
				c.lock = locked{b, at}
			}
		} else if r.of(prevote, v.key) != nil {
			c.round, c.step = at, prevoting
		}
		for _, p := range r.proposals {
			if c.set.most(r.power(c.set, prevote, p.Block.id)) {
				c.valid = locked{p.Block, at}
			}
			if p.Block.Proposer == v.key && p.Valid < 0 && at > c.round {
				c.round, c.step = at, propose
			}
		}
	}
}

// proposed returns a block of this height that was proposed. Whoever is honest has the
// block that it precommitted; a liar may have voted for anything.
func (v *validator) proposed(id blockID) *block {
	for _, r := range v.core.rounds {
		for _, p := range r.proposals {
			if p.Block.id == id {
				return p.Block
			}
		}
	}
	if id != (blockID{}) && v.bad == nil {
		panic(fmt.Sprintf("faults: validator %d is locked on a block that it does not have", v.index))
	}
	return nil
}

func encodeDecided(d *decided) []byte { return codec.Marshal(d) }

func readDecided(raw []byte) (*decided, error) {
	d := &decided{}
	if err := codec.Unmarshal(raw, d); err != nil {
		return nil, err
	}
	d.Block.sealed()
	if d.Commit[0].Block != d.Block.id {
		return nil, fmt.Errorf("block %d is not the one that was decided", d.Block.Height)
	}
	return d, nil
}

func encodeVerdict(v verdict) []byte { return codec.Marshal(v) }

func readVerdict(raw []byte) *verdict {
	v := &verdict{}
	codec.Read(raw, v)
	return v
}
