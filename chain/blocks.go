package chain

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"path/filepath"

	"github.com/cometbft/cometbft/state"
	"github.com/cometbft/cometbft/store"
	"github.com/cometbft/cometbft/types"
)

// ErrBroken means that a chain's blocks contradict themselves or its genesis.
var ErrBroken = errors.New("chain: the blocks are broken")

// Decided is a block of a stopped chain, with what the chain says of its outcome.
type Decided struct {
	Block
	// Next reports whether there is a block after this one. The two hashes below
	// are in its header and so are known only then.
	Next bool
	// Before and AppHash are the hashes of the state before and after the block.
	Before  []byte
	AppHash []byte
	// ResultsHash is ResultsHash of the block's results.
	ResultsHash []byte
}

// ResultsHash is how a chain commits to a block's results: the root of a tree
// (RFC 6962 §2.1) over them.
func ResultsHash(results []Result) []byte { return state.TxResultsHash(txResults(results)) }

// Founding returns what a folder's genesis gives the application.
func Founding(dir string) (chainID string, appState []byte, err error) {
	genesis, err := types.GenesisDocFromFile(filepath.Join(dir, genesisFile))
	if err != nil {
		return "", nil, fmt.Errorf("chain: %w", err)
	}
	appState, err = decodeAppState(genesis.AppState)
	if err != nil {
		return "", nil, fmt.Errorf("chain: genesis: %w", err)
	}
	return genesis.ChainID, appState, nil
}

// Blocks yields every block of a stopped chain in order, checked: it follows on
// the one before it, if that is there, holds what its header says, and more than two thirds of the
// validators that the header before it named have signed it. What no header says,
// and the caller must compute, are the hashes of the outcome. An error ends the
// sequence; it is ErrBroken when a check fails. Nothing is written.
func Blocks(dir string, kv func(name string) KV) iter.Seq2[Decided, error] {
	return func(yield func(Decided, error) bool) {
		a, err := openArchive(dir, kv)
		if err != nil {
			yield(Decided{}, fmt.Errorf("chain: blocks: %w", err))
			return
		}
		for height := a.first; height <= a.blocks.Height(); height++ {
			block, err := a.read(height)
			if err != nil {
				yield(Decided{}, fmt.Errorf("%w: block %d: %w", ErrBroken, height, err))
				return
			}
			if !yield(block, nil) {
				return
			}
		}
	}
}

// archive reads the blocks of a stopped chain one after the other.
type archive struct {
	genesis *types.GenesisDoc
	blocks  *store.BlockStore
	states  state.Store
	first   int64 // Height of the first block that is there.
	// next is the block to read next, when it was read already; last is the one
	// before it, and named is the hash of the validators that are to sign it.
	next  *sound
	last  types.BlockID
	named []byte
}

// sound is a block that was checked against itself, the block before it and the
// signatures that were gathered for it.
type sound struct {
	*types.Block
	id types.BlockID
}

func openArchive(dir string, kv func(name string) KV) (a *archive, err error) {
	defer catch(&err)
	a = &archive{}
	if a.genesis, err = types.GenesisDocFromFile(filepath.Join(dir, genesisFile)); err != nil {
		return nil, err
	}
	a.blocks = store.NewBlockStore(database{kv(blocksMap)})
	a.states = state.NewStore(database{kv(stateMap)}, state.StoreOptions{DiscardABCIResponses: true})
	a.named, a.first = a.genesis.ValidatorHash(), a.genesis.InitialHeight
	if base := a.blocks.Base(); base > a.first {
		// Nothing names the validators of the first block here but the record of them.
		validators, err := a.states.LoadValidators(base)
		if err != nil {
			return nil, fmt.Errorf("%w: the validators of block %d: %w", ErrBroken, base, err)
		}
		a.first, a.named = base, validators.Hash()
	}
	return a, nil
}

// read reads and checks the block at a height and looks one ahead, for what the
// next header says of it. A next block that is not sound says nothing: it is the
// next call that finds it.
func (a *archive) read(height int64) (d Decided, err error) {
	block := a.next
	if block == nil {
		if block, err = a.load(height); err != nil {
			return d, err
		}
	}
	d.Block = Block{Height: height, Time: block.Time.Unix(), Hash: block.id.Hash, Txs: block.Txs.ToSliceOfBytes(), Evidence: evidenceOf(block.Evidence.Evidence.ToABCI())}
	d.Before = block.AppHash
	a.last, a.named, a.next = block.id, block.NextValidatorsHash, nil
	if height == a.blocks.Height() {
		return d, nil
	}
	next, err := a.load(height + 1)
	if err != nil {
		return d, nil //nolint:nilerr // The next call finds it, at its own height.
	}
	a.next, d.Next, d.AppHash, d.ResultsHash = next, true, next.AppHash, next.LastResultsHash
	return d, a.checkCommit(block, next.LastCommit)
}

// load reads the block that follows on the last one and checks it. CometBFT
// panics over bytes that it cannot decode.
func (a *archive) load(height int64) (block *sound, err error) {
	defer catch(&err)
	block = &sound{Block: a.blocks.LoadBlock(height)}
	if err := a.checkHeader(block.Block, height); err != nil {
		return nil, err
	}
	if block.id, err = a.identify(block.Block); err != nil {
		return nil, err
	}
	return block, a.checkCommit(block, a.blocks.LoadSeenCommit(height))
}

// checkHeader checks a block against itself and against the one before it.
func (a *archive) checkHeader(block *types.Block, height int64) error {
	switch {
	case block == nil:
		return errors.New("the block is missing")
	case block.Height != height:
		return fmt.Errorf("the block says it is at height %d", block.Height)
	case block.ChainID != a.genesis.ChainID:
		return fmt.Errorf("the block is of chain %q", block.ChainID)
	case !block.LastBlockID.Equals(a.last) && (height > a.first || height == a.genesis.InitialHeight):
		return errors.New("the block does not follow on the one before it")
	case !bytes.Equal(block.ValidatorsHash, a.named):
		return errors.New("the block is of other validators than were named")
	}
	return block.ValidateBasic()
}

// identify computes a block's id, and checks that its parts as they are stored,
// which is how peers are given them, prove that they belong to it.
func (a *archive) identify(block *types.Block) (id types.BlockID, err error) {
	parts, err := block.MakePartSet(types.BlockPartSizeBytes)
	if err != nil {
		return id, err
	}
	stored := types.NewPartSetFromHeader(parts.Header())
	for i := range int(parts.Total()) {
		if _, err := stored.AddPart(a.blocks.LoadBlockPart(block.Height, i)); err != nil {
			return id, fmt.Errorf("part %d: %w", i, err)
		}
	}
	if !stored.IsComplete() {
		return id, errors.New("a part of the block is missing")
	}
	return types.BlockID{Hash: block.Hash(), PartSetHeader: parts.Header()}, nil
}

// checkCommit checks the signatures under a block.
func (a *archive) checkCommit(block *sound, commit *types.Commit) (err error) {
	defer catch(&err)
	validators, err := a.states.LoadValidators(block.Height)
	if err != nil {
		return err
	}
	if !bytes.Equal(validators.Hash(), block.ValidatorsHash) {
		return errors.New("the validators on record are not the block's")
	}
	if commit == nil {
		return errors.New("the signatures are missing")
	}
	return validators.VerifyCommit(block.ChainID, block.id, block.Height, commit)
}

// catch makes a panic an error.
func catch(err *error) {
	switch reason := recover().(type) {
	case nil:
	case error:
		*err = reason
	default:
		*err = fmt.Errorf("%v", reason)
	}
}
