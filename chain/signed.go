package chain

import (
	"crypto/ed25519"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/cometbft/cometbft/crypto"
	"github.com/cometbft/cometbft/libs/bytes"
	"github.com/cometbft/cometbft/state"
	"github.com/cometbft/cometbft/store"
	"github.com/cometbft/cometbft/types"

	"github.com/commonwatt/commonwatt/proof"
)

// Headers are the signed headers of a chain.
type Headers struct {
	chain  string
	blocks *store.BlockStore
	states state.Store
}

// OpenHeaders returns the signed headers of a stopped chain. Nothing is written.
func OpenHeaders(dir string, kv func(name string) KV) (h *Headers, err error) {
	defer catch(&err)
	genesis, err := types.GenesisDocFromFile(filepath.Join(dir, genesisFile))
	if err != nil {
		return nil, fmt.Errorf("chain: headers: %w", err)
	}
	return &Headers{
		genesis.ChainID, store.NewBlockStore(database{kv(blocksMap)}),
		state.NewStore(database{kv(stateMap)}, state.StoreOptions{DiscardABCIResponses: true}),
	}, nil
}

// Headers returns the signed headers of the running chain.
func (c *Chain) Headers() *Headers {
	return &Headers{c.parts.state.ChainID, c.parts.blocks, c.parts.states}
}

// Chain is the chain's id.
func (h *Headers) Chain() string { return h.chain }

// First is the height of the first block.
func (h *Headers) First() int64 { return h.blocks.Base() }

// Last is the height of the last block.
func (h *Headers) Last() int64 { return h.blocks.Height() }

// At returns the signed header at a height, with its validators and everybody's
// signature that package proof can verify.
func (h *Headers) At(height int64) (b proof.Block, err error) {
	defer catch(&err)
	meta := h.blocks.LoadBlockMeta(height)
	if meta == nil {
		return b, fmt.Errorf("chain: there is no block %d, the last one is %d: %w", height, h.Last(), fs.ErrNotExist)
	}
	commit := h.blocks.LoadBlockCommit(height)
	if commit == nil {
		commit = h.blocks.LoadSeenCommit(height)
	}
	if commit == nil {
		return b, fmt.Errorf("chain: block %d has no signatures", height)
	}
	validators, err := h.states.LoadValidators(height)
	if err != nil {
		return b, fmt.Errorf("chain: the validators of block %d: %w", height, err)
	}
	return signed(&meta.Header, commit, validators)
}

// Trust is the trust in the block at a height; 0 stands for the last one.
//
// Errors: fs.ErrNotExist; those of the disk.
func (h *Headers) Trust(height int64) (proof.Trust, error) {
	if height == 0 {
		height = h.Last()
	}
	b, err := h.At(height)
	if err != nil {
		return proof.Trust{}, err
	}
	return b.Trust(h.chain), nil
}

// signed puts a header, what was signed and who was to sign it into package
// proof's words.
func signed(header *types.Header, commit *types.Commit, validators *types.ValidatorSet) (proof.Block, error) {
	b := proof.Block{Header: headerOf(header), Parts: partsOf(commit.BlockID.PartSetHeader), Round: uint32(commit.Round)} //nolint:gosec // rounds are ≥ 0
	for _, v := range validators.Validators {
		if len(v.PubKey.Bytes()) != ed25519.PublicKeySize {
			return b, fmt.Errorf("chain: validator %s has a key that is not Ed25519", v.Address)
		}
		b.Validators = append(b.Validators, proof.Validator{Key: proof.Key(v.PubKey.Bytes()), Power: v.VotingPower})
	}
	for i, s := range commit.Signatures {
		if s.BlockIDFlag != types.BlockIDFlagCommit || !verifies(validators.Validators[i].PubKey, commit.VoteSignBytes(header.ChainID, int32(i)), s.Signature) {
			continue
		}
		b.Signatures = append(b.Signatures, proof.Signature{
			Validator: uint32(i), Time: s.Timestamp.UnixNano(), Signature: [ed25519.SignatureSize]byte(s.Signature),
		})
	}
	return b, nil
}

// verifies says whether a signature is good by RFC 8032. CometBFT takes a few
// more (ZIP-215), which nobody makes by accident; a bundle goes without them.
func verifies(key crypto.PubKey, text, signature []byte) bool {
	return len(signature) == ed25519.SignatureSize && ed25519.Verify(key.Bytes(), text, signature)
}

func headerOf(h *types.Header) proof.Header {
	return proof.Header{
		BlockProtocol: h.Version.Block, AppProtocol: h.Version.App,
		Height: h.Height, Time: h.Time.UnixNano(),
		LastBlock:  proof.BlockID{Hash: bytesOf(h.LastBlockID.Hash), Parts: partsOf(h.LastBlockID.PartSetHeader)},
		LastCommit: bytesOf(h.LastCommitHash), Data: bytesOf(h.DataHash),
		Validators: bytesOf(h.ValidatorsHash), NextValidators: bytesOf(h.NextValidatorsHash),
		Consensus: bytesOf(h.ConsensusHash), App: bytesOf(h.AppHash), LastResults: bytesOf(h.LastResultsHash),
		Evidence: bytesOf(h.EvidenceHash), Proposer: bytesOf(h.ProposerAddress),
	}
}

func partsOf(p types.PartSetHeader) proof.Parts {
	return proof.Parts{Total: p.Total, Hash: bytesOf(p.Hash)}
}

func bytesOf(b bytes.HexBytes) proof.Bytes { return append(proof.Bytes{}, b...) }
