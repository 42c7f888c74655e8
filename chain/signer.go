package chain

import (
	"errors"
	"sync"

	"github.com/cometbft/cometbft/privval"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
)

var errClosing = errors.New("chain: no new block, the node is being stopped")

// signer signs for the validator until the node is to stop. From then on it
// signs no further proposal, so the block at hand is the last: a proposal that is
// signed but not yet logged when the process ends cannot be made again after the
// next start, and the chain loses the time it takes to give up on it.
type signer struct {
	*privval.FilePV
	halted   <-chan struct{} // Closed once the chain does not go on.
	restored *waiting        // Nil: there is nothing to wait for.

	mu       sync.Mutex
	closing  bool
	proposed int64
}

// SignProposal signs a proposal, unless the node is to stop.
func (s *signer) SignProposal(chainID string, proposal *cmtproto.Proposal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing || s.over() {
		return errClosing
	}
	if s.restored.holds() {
		return errRestored
	}
	if err := s.FilePV.SignProposal(chainID, proposal); err != nil {
		return err
	}
	s.proposed = proposal.Height
	return nil
}

// SignVote signs a vote, unless the chain does not go on: what is decided then is not
// for this node to say.
func (s *signer) SignVote(chainID string, vote *cmtproto.Vote) error {
	if s.over() {
		return errClosing
	}
	if s.restored.holds() {
		return errRestored
	}
	return s.FilePV.SignVote(chainID, vote)
}

func (s *signer) over() bool {
	select {
	case <-s.halted:
		return true
	default:
		return false
	}
}

// close makes the last proposal signed the last, and returns its height.
func (s *signer) close() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
	return s.proposed
}
