package faults

import "slices"

// status is what a validator tells another one it has, to be sent what it lacks.
type status struct {
	from      int
	height    int64
	proposals []*proposal
	votes     []*vote
}

// How often validators ask one another, and how much they answer at once.
const (
	askTime      = 250 * millisecond
	askIdleTime  = 2 * second
	blocksAtOnce = 8
	votesAtOnce  = 64
)

// ask asks one other validator for what this one lacks, again and again: messages
// get lost, and what the paper calls gossip makes up for it.
func (v *validator) ask() {
	c := &v.core
	s := status{from: v.index, height: c.height}
	for _, r := range c.rounds {
		s.proposals = append(s.proposals, r.proposals...)
		s.votes = append(append(s.votes, r.votes[prevote]...), r.votes[precommit]...)
	}
	n := v.run.wire.IntN(len(v.run.nodes) - 1)
	if n >= v.index {
		n++
	}
	v.run.net.send(v, v.run.nodes[n], func(o *validator) { o.asked(s) })
	pause := askIdleTime
	if c.turning || c.round > 0 || len(s.votes) > 0 {
		pause = askTime
	}
	v.after(pause+between(v.run.wire, 0, pause/8), v.ask)
}

// asked sends what another validator lacks: blocks if it is behind, else votes,
// proposals and bundles.
func (v *validator) asked(s status) {
	c, to := &v.core, v.run.nodes[s.from]
	if s.height < c.height {
		var list []*decided
		for h := s.height; h < min(c.height, s.height+blocksAtOnce); h++ {
			d := v.blocks[h-1]
			if v.bad != nil {
				d = v.bad.shows(d)
			}
			list = append(list, d)
		}
		// In one message, or of those that arrive out of order only the next one counts.
		v.run.net.send(v, to, func(o *validator) {
			for _, d := range list {
				o.hearDecided(d)
			}
		})
		return
	}
	if v.bad != nil {
		v.bad.litters(to)
	}
	for _, raw := range v.intake.some() {
		v.run.net.send(v, to, func(o *validator) { o.intake.hear(raw) })
	}
	if s.height > c.height {
		return
	}
	sent := 0
	for _, r := range c.rounds {
		for _, p := range r.proposals {
			if !slices.ContainsFunc(s.proposals, func(o *proposal) bool { return o.Sign == p.Sign }) {
				v.run.net.send(v, to, func(o *validator) { o.hearProposal(p) })
			}
		}
		for _, list := range r.votes {
			for _, mine := range list {
				if sent < votesAtOnce && !slices.ContainsFunc(s.votes, func(theirs *vote) bool { return theirs.Sign == mine.Sign }) {
					v.run.net.send(v, to, func(o *validator) { o.hearVote(mine) })
					sent++
				}
			}
		}
	}
}

// hearDecided takes a block in that others decided, if it is the next one and the
// commit proves it.
func (v *validator) hearDecided(d *decided) {
	c := &v.core
	if d.Block.Height != c.height || len(d.Commit) == 0 || !c.set.proves(v.run, c.height, d.Block.id, d.Commit) {
		return
	}
	if !c.good(d.Block) {
		v.run.check.fail("validator %d does not accept block %d, which was decided", v.index, d.Block.Height)
		return
	}
	v.decided(d)
	c.settle()
}
