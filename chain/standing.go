package chain

import (
	"bytes"
	"slices"
	"time"

	"github.com/cometbft/cometbft/consensus"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/state"
	"github.com/cometbft/cometbft/types"
)

// heightOf is the height of the last block that a peer says it has; it votes on the
// next one.
func heightOf(peer p2p.Peer) int64 {
	votes, ok := peer.Get(types.PeerStateKey).(*consensus.PeerState)
	if !ok {
		return 0
	}
	return max(0, votes.GetHeight()-1)
}

// Standing is how a node stands beside the others.
type Standing struct {
	Networked bool  // There may be others.
	Syncing   bool  // It fetches blocks that were decided without it.
	Behind    int64 // Blocks that most of its peers have and it has not.
	Waits     bool  // Its validator was restored from a copy and does not sign yet.
	Twin      bool  // Another node signs with its validator's key, so it does not.
	// Idle is how long the validators wait for work before they make a block without;
	// 0: they make none, because there is only one.
	Idle time.Duration
}

// Standing says how the node stands beside the others. What peers say of themselves
// nobody checks, so it is the one in the middle that counts.
//
// Errors: those of the disk.
func (c *Chain) Standing() (s Standing, err error) {
	defer catch(&err)
	s.Networked, s.Syncing = c.parts.networked, c.parts.votes.WaitSync()
	if !s.Networked {
		return s, nil
	}
	at := c.parts.signer.restored.at()
	s.Waits, s.Twin = at == waits, at == twofold
	now, err := c.parts.states.Load()
	if err != nil {
		return s, err
	}
	if now.Validators != nil && now.Validators.Size() > 1 {
		s.Idle = c.parts.idle
	}
	var heights []int64
	for _, peer := range c.Peers() {
		heights = append(heights, peer.Height)
	}
	if len(heights) > 0 {
		slices.Sort(heights)
		s.Behind = max(0, heights[(len(heights)-1)/2]-c.Height())
	}
	return s, nil
}

// Signer is how it stands with the process that signs for the node's validator.
type Signer struct {
	Address string `json:"address"`        // Where the node waits for it.
	Away    string `json:"away,omitempty"` // Why it signs nothing; empty: it does.
	// Refused is why it did not sign what it was asked for last; empty: it did. For a moment
	// after a start that is as it should be.
	Refused string `json:"refused,omitempty"`
}

// Signer says how it stands with the validator's signer; nil: the folder has the key.
func (c *Chain) Signer() *Signer {
	r := c.parts.signer.remote
	if r == nil {
		return nil
	}
	s := r.standing()
	return &s
}

// Voting is how a validator voted of late.
type Voting struct {
	Power  int64 // Its voting power; 0: it is no validator.
	Total  int64 // The power of all.
	Voters int   // How many validators there are.
	Blocks int   // The last blocks that it was to sign.
	Missed int   // Those of them that do not have its signature.
	// Skew is how far its clock is before that of the validator in the middle, by the
	// times under the last block.
	Skew time.Duration
}

// Voting looks at this node's signatures under the last blocks, of which there are
// at most last.
//
// Errors: those of the disk.
func (c *Chain) Voting(last int) (Voting, error) {
	return c.votingOf(c.parts.signer.GetAddress(), last)
}

func (c *Chain) votingOf(own types.Address, last int) (v Voting, err error) {
	defer catch(&err)
	now, err := c.parts.states.Load()
	if err != nil || now.Validators == nil {
		return v, err
	}
	v.Total, v.Voters = now.Validators.TotalVotingPower(), now.Validators.Size()
	if _, self := now.Validators.GetByAddress(own); self != nil {
		v.Power = self.VotingPower
	}
	// The votes on the last block are still coming in; those under the one before it
	// are in the last block.
	seats := seats{states: c.parts.states, own: own}
	for at := now.LastBlockHeight - 1; at > now.LastBlockHeight-1-int64(last); at-- {
		meta, commit := c.parts.blocks.LoadBlockMeta(at), c.parts.blocks.LoadBlockCommit(at)
		if meta == nil || commit == nil {
			return v, nil // Older ones are gone, or there are none.
		}
		i, err := seats.at(&meta.Header)
		if err != nil {
			return v, err
		}
		if i < 0 || i >= len(commit.Signatures) {
			continue
		}
		v.Blocks++
		switch {
		case commit.Signatures[i].BlockIDFlag == types.BlockIDFlagAbsent:
			v.Missed++
		case at == now.LastBlockHeight-1:
			v.Skew = skew(commit.Signatures, i)
		}
	}
	return v, nil
}

// seats finds a validator's place among those of a block. Reading validators takes
// long, and they seldom change.
type seats struct {
	states state.Store
	own    types.Address
	of     []byte // The hash of the validators that seat is among.
	seat   int
}

// at is the place, or -1 where it is no validator.
func (s *seats) at(header *types.Header) (int, error) {
	if !bytes.Equal(s.of, header.ValidatorsHash) {
		validators, err := s.states.LoadValidators(header.Height)
		if err != nil {
			return -1, err
		}
		i, _ := validators.GetByAddress(s.own)
		s.of, s.seat = header.ValidatorsHash, int(i)
	}
	return s.seat, nil
}

// skew is how far one signature's time is after the one in the middle of the others.
func skew(signatures []types.CommitSig, own int) time.Duration {
	var others []time.Time
	for i, s := range signatures {
		if i != own && s.BlockIDFlag != types.BlockIDFlagAbsent {
			others = append(others, s.Timestamp)
		}
	}
	if len(others) == 0 {
		return 0
	}
	slices.SortFunc(others, time.Time.Compare)
	return signatures[own].Timestamp.Sub(others[(len(others)-1)/2])
}
