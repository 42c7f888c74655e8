package node

import (
	"errors"
	"fmt"
	"time"

	"github.com/commonwatt/commonwatt/chain"
	"github.com/commonwatt/commonwatt/store"
)

// Check is one thing that has to hold for a node to be of use.
type Check struct {
	Name    string `json:"name"`
	Problem string `json:"problem,omitempty"` // Empty: it holds.
}

// When a node is not up to what is decided: blocks that others have and it has not,
// blocks that its view does not show, free bytes of its disk, and the time after
// which a network that makes a block every few seconds has made none.
const (
	behindMost = 3
	lagMost    = 100
	freeLeast  = 64 << 20
	quietMost  = time.Minute
	quietTimes = 12 // Of the time after which a block is made without work.
)

// Health looks whether the node can take envelopes and its pages are current. It
// names everything that it looked at, always in the same order.
func (n *Node) Health() []Check {
	s, err := n.chain.Standing()
	return []Check{{"chain", n.ended(err)}, {"caught up", n.behind(s)}, {"quorum", n.quiet(s)}, {"disk", n.unwritable()}, {"view", n.stale()}}
}

// ended says that nothing is decided here any more.
func (n *Node) ended(err error) string {
	if errors.Join(n.Err(), err) != nil {
		return "the chain halted: the log says why, and the node has to be started again"
	}
	return ""
}

// behind says what was decided and is not here.
func (n *Node) behind(s chain.Standing) string {
	switch {
	case s.Syncing:
		return fmt.Sprintf("fetching the blocks that were decided without it, at height %d", n.Height())
	case s.Behind > behindMost:
		return fmt.Sprintf("%d blocks behind most of its peers", s.Behind)
	}
	return ""
}

// quiet says for how long nothing was decided, where there would be blocks without
// work, too; and why nothing is, where one validator decides alone.
func (n *Node) quiet(s chain.Standing) string {
	if signer := n.chain.Signer(); signer != nil && signer.Away != "" && s.Idle == 0 && !s.Syncing {
		return "the only validator's signer is away, so nothing is decided: " + signer.Away
	}
	quiet := n.intake.metrics.quiet()
	if s.Idle == 0 || s.Syncing || quiet <= max(quietMost, quietTimes*s.Idle) {
		return ""
	}
	return fmt.Sprintf("no block for %v: validators with more than two thirds of the voting power must be connected", quiet.Round(time.Second))
}

// unwritable says why blocks cannot be kept.
func (n *Node) unwritable() string {
	if free, _, known := store.Space(n.dir); known && free < freeLeast {
		return fmt.Sprintf("%d MB are free: make room", free>>20)
	}
	if err := store.Writable(n.dir); err != nil {
		return "the node's folder cannot be written to: see whether its disk is full, broken or read-only"
	}
	return ""
}

// stale says what the read model does not show.
func (n *Node) stale() string {
	if err := n.Reads(); err != nil {
		return "there is none: this node began with a state and not with its history"
	}
	seen, err := n.feed.at()
	if err != nil {
		return "the read model does not go on: the log says why"
	}
	if lag := n.Height() - seen; lag > lagMost {
		return fmt.Sprintf("the read model is %d blocks behind", lag)
	}
	return ""
}
