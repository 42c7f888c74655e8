package chain

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/cometbft/cometbft/crypto"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/privval"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/cometbft/cometbft/types"
)

var errClosing = errors.New("chain: no new block, the node is being stopped")

// signer signs for the validator until the node is to stop. From then on it
// signs no further proposal, so the block at hand is the last: a proposal that is
// signed but not yet logged when the process ends cannot be made again after the
// next start, and the chain loses the time it takes to give up on it.
type signer struct {
	types.PrivValidator
	public   crypto.PubKey
	file     *privval.FilePV // The folder's key and mark; nil where a signer has them.
	remote   *remote         // That signer, or nil.
	halted   <-chan struct{} // Closed once the chain does not go on.
	restored *waiting        // Nil: there is nothing to wait for.

	mu       sync.Mutex
	closing  bool
	proposed int64
}

// Errors of where the validator's key is.
var (
	ErrKeyHere = errors.New("the settings name a signer, and the folder has the validator's key: two could sign at the same time; move the key away with commonwatt signer init, or remove signer from the settings")
	ErrKeyAway = errors.New("a signer has the validator's key, and not this folder: node.toml has to name the signer, as commonwatt signer init wrote it, and for a mark name the signer's folder")
)

// openSigner returns who signs for a folder's validator, and the node's key.
//
// Errors: ErrKeyHere; ErrKeyAway; ErrNoMark; ErrChanged; those of the disk.
func openSigner(cfg Config, halted <-chan struct{}) (s *signer, node *p2p.NodeKey, err error) {
	if node, err = loadNode(cfg.Dir); err != nil {
		return nil, nil, err
	}
	public, err := loadPublic(cfg.Dir)
	away := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	_, err = os.Stat(filepath.Join(cfg.Dir, signerFile))
	here := !errors.Is(err, fs.ErrNotExist)
	switch {
	case cfg.Signer != "" && here:
		return nil, nil, ErrKeyHere
	case cfg.Signer != "" && !away:
		return nil, nil, fmt.Errorf("%s is missing: take it from a backup", publicFile)
	case cfg.Signer != "" && !cfg.Silent:
		remote := newRemote(cfg.Signer, public, node.PrivKey, cfg.Log)
		return &signer{PrivValidator: remote, public: public, remote: remote, halted: halted}, node, nil
	case away && !here && !cfg.Silent:
		return nil, nil, ErrKeyAway
	case away && !here: // Nobody waits for a signer, so there is none.
		return &signer{PrivValidator: newRemote("", public, node.PrivKey, cfg.Log), public: public, halted: halted}, node, nil
	}
	file, err := loadSigner(cfg.Dir)
	if err != nil {
		return nil, nil, err
	}
	restored, err := newWaiting(cfg.Dir)
	return &signer{PrivValidator: file, public: file.Key.PubKey, file: file, halted: halted, restored: restored}, node, err
}

// GetAddress is the validator's address.
func (s *signer) GetAddress() types.Address { return s.public.Address() }

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
	if err := s.PrivValidator.SignProposal(chainID, proposal); err != nil {
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
	return s.PrivValidator.SignVote(chainID, vote)
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

// marked is the height that the folder's validator signed for last, as far as the folder
// knows.
func (s *signer) marked() int64 {
	if s.file == nil {
		return 0
	}
	return s.file.LastSignState.Height
}

// sayLate hands consensus a vote that it asked for while the signer was away.
func (p *parts) sayLate(late *cmtproto.Vote) {
	if err := p.signer.SignVote(p.state.ChainID, late); err != nil {
		p.log.Error("failed signing vote", "height", late.Height, "round", late.Round, "err", err)
		return
	}
	late.ExtensionSignature = nil // As with every vote: applications of this chain have no extensions.
	vote, err := types.VoteFromProto(late)
	if err == nil {
		_, err = p.consensus.AddVote(vote, "")
	}
	if err != nil {
		p.log.Error("a late vote is of no use", "height", late.Height, "round", late.Round, "err", err)
	}
}
