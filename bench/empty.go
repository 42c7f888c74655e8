package bench

import (
	"encoding/binary"
	"sync"

	"github.com/commonwatt/commonwatt/chain"
)

// empty is an application that does nothing but count transactions.
type empty struct {
	height int64
	hash   [32]byte
	block  chain.Block

	mu    sync.Mutex
	count int
	grown chan struct{} // Closed, and replaced, with every block.
}

func newEmpty() *empty { return &empty{grown: make(chan struct{})} }

// committed returns how many transactions are in blocks, and a channel that is closed
// when there are more.
func (e *empty) committed() (int, <-chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.count, e.grown
}

// Last returns what the last block left.
func (e *empty) Last() (int64, []byte) { return e.height, e.hash[:] }

// Genesis sets nothing.
func (e *empty) Genesis(string, []byte) ([]byte, error) { return e.hash[:], nil }

// Next goes on at any height.
func (e *empty) Next() error { return nil }

// Check takes everything.
func (e *empty) Check([]byte, bool) error { return nil }

// Due has nothing to add.
func (e *empty) Due(int64) [][]byte { return nil }

// Accept takes everything.
func (e *empty) Accept([][]byte) error { return nil }

// Finalize changes the hash, as a block with transactions does.
func (e *empty) Finalize(b chain.Block) (chain.Outcome, error) {
	e.block = b
	if len(b.Txs) > 0 {
		binary.BigEndian.PutUint64(e.hash[:], uint64(b.Height)) //nolint:gosec // above zero
	}
	hash := e.hash
	return chain.Outcome{Results: make([]chain.Result, len(b.Txs)), AppHash: hash[:]}, nil
}

// Commit counts.
func (e *empty) Commit() error {
	e.height = e.block.Height
	e.mu.Lock()
	defer e.mu.Unlock()
	e.count += len(e.block.Txs)
	close(e.grown)
	e.grown = make(chan struct{})
	return nil
}
