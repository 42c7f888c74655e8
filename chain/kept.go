package chain

import "github.com/cometbft/cometbft/store"

// Kept is a block of a chain, with what the chain says of it.
type Kept struct {
	Block
	Proposer   []byte // Address of the validator that proposed it.
	AppHash    []byte // After the block; empty while it is the last one.
	Signatures int    // Of validators, under it.
	Validators int
}

// Kept returns the block at a height, and whether there is one.
func (c *Chain) Kept(height int64) (k Kept, ok bool) { return kept(c.parts.blocks, height) }

// KeptIn is Kept of a stopped chain. Nothing is written, and nothing is checked: see
// Blocks for that.
func KeptIn(kv func(name string) KV, height int64) (k Kept, ok bool) {
	return kept(store.NewBlockStore(database{kv(blocksMap)}), height)
}

func kept(blocks *store.BlockStore, height int64) (k Kept, ok bool) {
	block, id := blocks.LoadBlock(height), blocks.LoadBlockMeta(height)
	if block == nil || id == nil {
		return k, false
	}
	k = Kept{
		Block:    Block{Height: height, Time: block.Time.Unix(), Hash: id.BlockID.Hash, Txs: block.Txs.ToSliceOfBytes()},
		Proposer: block.ProposerAddress,
	}
	commit := blocks.LoadSeenCommit(height)
	if next := blocks.LoadBlock(height + 1); next != nil {
		k.AppHash, commit = next.AppHash, next.LastCommit
	}
	if commit != nil {
		k.Validators = len(commit.Signatures)
		for _, s := range commit.Signatures {
			if len(s.Signature) > 0 {
				k.Signatures++
			}
		}
	}
	return k, true
}
