package node

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/commonwatt/commonwatt/chain"
	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/governance"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/store"
)

// Validators counts the validators that decide the next block.
func (n *Node) Validators() (count int) {
	n.Read(func(rows state.Reader, _ machine.Head) { count = governance.Validators(rows) })
	return count
}

// Record returns what a block left behind, receipts with their salts.
//
// Errors: fs.ErrNotExist; those of the disk.
func (n *Node) Record(height int64) (machine.Record, error) { return recordIn(n.store, height) }

func recordIn(s *store.Store, height int64) (r machine.Record, err error) {
	raw, err := s.Record(height)
	if errors.Is(err, store.ErrNoRecord) {
		return r, fmt.Errorf("node: block %d: %w", height, fs.ErrNotExist)
	}
	if err != nil {
		return r, err
	}
	if err := codec.Unmarshal(raw, &r); err != nil {
		return r, fmt.Errorf("node: the record of block %d: %w", height, err)
	}
	return r, nil
}

// Block returns a block as the chain keeps it, and whether there is one.
func (n *Node) Block(height int64) (chain.Kept, bool) { return n.chain.Kept(height) }
