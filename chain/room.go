package chain

import "sync"

// pool is what room needs to know of the mempool.
type pool interface {
	Size() int
	SizeBytes() int64
}

// room keeps submitters from passing the mempool's limits together. The mempool
// tests its limits before and after the check, and drops without word what was
// checked but no longer fits; room counts those under way as if they had fitted.
type room struct {
	mu    sync.Mutex
	pool  pool
	txs   int
	bytes int64
}

func newRoom(p pool) *room { return &room{pool: p} }

// enter reports whether a transaction of a size fits, and reserves its place.
func (r *room) enter(size int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pool.Size()+r.txs >= waitingTxsMax || r.pool.SizeBytes()+r.bytes+int64(size) > waitingBytesMax {
		return false
	}
	r.txs++
	r.bytes += int64(size)
	return true
}

// leave gives the place back, once the mempool counts the transaction itself.
func (r *room) leave(size int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.txs--
	r.bytes -= int64(size)
}
