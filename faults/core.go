package faults

import (
	"time"

	"github.com/commonwatt/commonwatt/chain"
)

// step is where a validator stands in a round.
type step uint8

const (
	propose   step = 0
	prevoting step = 1 // It has prevoted.
	committed step = 2 // It has precommitted.
)

// Timeouts are CometBFT's, as package chain sets them: each grows with the round.
const (
	proposeTime = span(chain.ProposeTime / time.Microsecond)
	proposeMore = span(chain.ProposeMore / time.Microsecond)
	voteTime    = span(chain.VoteTime / time.Microsecond)
	voteMore    = span(chain.VoteMore / time.Microsecond)
	idleTime    = 5 * second
)

// locked is a block with a proof of lock: more than two thirds prevoted for it.
type locked struct {
	block *block
	round int32 // -1: there is none.
}

// core decides the blocks of one validator, one height after the other, by Algorithm
// 1 of arXiv 1807.04938; "line" in a comment is one of its lines. It does nothing by
// itself: messages and timers come in, and it calls its validator.
type core struct {
	v       *validator
	height  int64
	round   int32
	step    step
	lock    locked // lockedValue, lockedRound
	valid   locked // validValue, validRound
	rounds  []*round
	verdict map[blockID]bool // Of good.

	set, next electors // Of this height and the next.
	last      *decided // The block before; nil before the first.
	lastSet   electors // Who decided it.
	proving   bool     // The last block moved the app hash: another one has to say so.
	idle      bool     // There was no work for a while.
	turning   bool     // The round's timer for a proposal runs.
}

// at returns what was heard of a round.
func (c *core) at(r int32) *round {
	for len(c.rounds) <= int(r) {
		c.rounds = append(c.rounds, &round{})
	}
	return c.rounds[r]
}

// enter begins a height.
func (c *core) enter(height int64) {
	c.height, c.round, c.step, c.rounds, c.verdict = height, 0, propose, nil, map[blockID]bool{}
	c.lock, c.valid, c.idle = locked{round: -1}, locked{round: -1}, false
}

// start begins a round (line 11).
func (c *core) start(r int32) {
	c.v.event("round", c.height, int64(r))
	if r > c.round {
		c.v.run.counts.Rounds++
	}
	c.round, c.step, c.turning = r, propose, false
	c.turn()
	if !c.turning {
		c.timer(idleTime, func() bool { return c.step == propose && !c.turning }, func() { c.idle = true; c.turn() })
	}
}

// turn proposes, or waits for a proposal, once there is something to propose (lines
// 14 to 21). With nothing to do, validators do not make blocks.
func (c *core) turn() {
	work := c.round > 0 || c.height == 1 || c.proving || c.idle || c.v.works()
	if c.step != propose || c.turning || !work {
		return
	}
	c.turning = true
	c.timer(proposeTime+span(c.round)*proposeMore, func() bool { return c.step == propose }, func() {
		c.vote(prevote, blockID{}) // Lines 57 to 60.
		c.step = prevoting
	})
	if c.set.proposer(c.height, c.round) != c.v.key || len(c.at(c.round).proposals) > 0 {
		return
	}
	b := c.valid.block
	if b == nil {
		b = c.v.block()
	}
	c.v.propose(&proposal{Round: c.round, Valid: c.valid.round, Block: b})
}

// timer does something later in this round, if a condition still holds then.
func (c *core) timer(after span, still func() bool, do func()) {
	height, r := c.height, c.round
	c.v.after(after, func() {
		if c.height == height && c.round == r && still() {
			do()
			c.settle()
		}
	})
}

// vote votes in this round, once: what was signed is signed.
func (c *core) vote(k kind, id blockID) {
	if c.set.index(c.v.key) < 0 || c.at(c.round).of(k, c.v.key) != nil {
		return
	}
	c.v.cast(&vote{Kind: k, Height: c.height, Round: c.round, Block: id, Time: c.voteTime(), Voter: c.v.key})
}

// voteTime is the time of a vote: by the clock, and past the block's (CometBFT, BFT
// time).
func (c *core) voteTime() int64 {
	t := c.v.clock()
	if c.last != nil {
		t = max(t, c.last.Block.Time+2*int64(millisecond))
	}
	for _, p := range c.at(c.round).proposals {
		t = max(t, p.Block.Time+int64(millisecond))
	}
	return t
}

// heardProposal takes a proposal in, and reports whether it is new.
func (c *core) heardProposal(p *proposal) bool {
	if p.Block.Height != c.height || p.Round < 0 || p.Valid >= p.Round || !c.v.run.proposedBy(p, c.set.proposer(c.height, p.Round)) {
		return false
	}
	r := c.at(p.Round)
	for _, o := range r.proposals {
		if o.Block.id == p.Block.id && o.Valid == p.Valid {
			return false
		}
	}
	if len(r.proposals) >= equivocationsMax {
		return false
	}
	r.proposals = append(r.proposals, p)
	return true
}

// heardVote takes a vote in, and reports whether it is new.
func (c *core) heardVote(v *vote) bool {
	if v.Height != c.height || v.Kind > precommit || v.Round < 0 || c.set.index(v.Voter) < 0 || !c.v.run.signedBy(v) {
		return false
	}
	fresh, twice := c.at(v.Round).add(v)
	if twice && fresh {
		c.v.event("evidence", c.height, int64(v.Round), short(v.Voter[:]))
		c.v.run.counts.Equivocations++
		c.v.run.check.equivocated(v.Voter)
	}
	return fresh
}

// settle applies the rules until none applies.
func (c *core) settle() {
	for c.decide() || c.skip() || c.answer() || c.accept() || c.wait() {
	}
}

// decide decides a block that more than two thirds precommitted (lines 49 to 54).
func (c *core) decide() bool {
	for _, r := range c.rounds {
		for _, p := range r.proposals {
			if len(r.votes[precommit]) > 0 && c.set.most(r.power(c.set, precommit, p.Block.id)) {
				if !c.good(p.Block) {
					c.v.run.check.fail("validator %d does not accept block %d, which was decided", c.v.index, c.height)
					return false
				}
				c.v.decided(&decided{Block: p.Block, Commit: r.commit(p.Block.id)})
				return true
			}
		}
	}
	return false
}

// skip goes to a round in which more than a third already is (lines 55 and 56).
func (c *core) skip() bool {
	for n := len(c.rounds) - 1; n > int(c.round); n-- {
		if c.set.some(c.rounds[n].voices(c.set, prevote, precommit)) {
			c.start(int32(n)) //nolint:gosec // rounds are few
			return true
		}
	}
	return false
}

// answer prevotes on a proposal (lines 22 to 33). A lock holds it back, unless more
// than two thirds prevoted for the block in a later round than the lock's.
func (c *core) answer() bool {
	r := c.at(c.round)
	if c.step != propose || len(r.proposals) == 0 {
		return false
	}
	p := r.proposals[0]
	free := c.lock.round < 0 || c.lock.block.id == p.Block.id || c.v.run.options.Broken.ForgetsLock
	if p.Valid >= 0 {
		if !c.set.most(c.at(p.Valid).power(c.set, prevote, p.Block.id)) {
			return false
		}
		free = free || c.lock.round <= p.Valid
	}
	id := blockID{}
	if free && c.good(p.Block) {
		id = p.Block.id
	}
	c.vote(prevote, id)
	c.step = prevoting
	return true
}

// accept locks and precommits a block that more than two thirds prevoted for (lines
// 36 to 43), or precommits none when they prevoted for none (lines 44 to 46).
func (c *core) accept() bool {
	r := c.at(c.round)
	if c.step == propose {
		return false
	}
	for _, p := range r.proposals {
		if r.locked || !c.set.most(r.power(c.set, prevote, p.Block.id)) || !c.good(p.Block) {
			continue
		}
		r.locked = true
		c.valid = locked{p.Block, c.round}
		if c.step == prevoting {
			c.lock = c.valid
			c.vote(precommit, p.Block.id)
			c.step = committed
		}
		return true
	}
	if c.step == prevoting && c.set.most(r.power(c.set, prevote, blockID{})) {
		c.vote(precommit, blockID{})
		c.step = committed
		return true
	}
	return false
}

// wait begins to wait for the votes that are missing, once more than two thirds are
// there that do not agree (lines 34, 47, and 61 to 67).
func (c *core) wait() bool {
	r := c.at(c.round)
	timeout := voteTime + span(c.round)*voteMore
	if c.step == prevoting && !r.prevoted && c.set.most(r.voices(c.set, prevote)) {
		r.prevoted = true
		c.timer(timeout, func() bool { return c.step == prevoting }, func() {
			c.vote(precommit, blockID{})
			c.step = committed
		})
		return true
	}
	if !r.precommited && c.set.most(r.voices(c.set, precommit)) {
		r.precommited = true
		c.timer(timeout, func() bool { return true }, func() { c.start(c.round + 1) })
		return true
	}
	return false
}

// good says whether a block may be decided at this height (valid in the paper).
func (c *core) good(b *block) bool {
	verdict, known := c.verdict[b.id]
	if !known {
		verdict = c.fits(b) && c.v.accepts(b)
		c.verdict[b.id] = verdict
	}
	return verdict
}

// fits says whether a block follows the last one.
func (c *core) fits(b *block) bool {
	if c.last == nil {
		return b.Time == c.v.run.town.genesisTime() && len(b.Last) == 0
	}
	return c.lastSet.proves(c.v.run, c.height-1, c.last.Block.id, b.Last) && b.Time == c.blockTime(b.Last)
}

// blockTime is the time of the block that comes after a commit.
func (c *core) blockTime(commit []*vote) int64 {
	return max(c.lastSet.median(commit), c.last.Block.Time+int64(millisecond))
}
