package chain

import "sync"

// pool is what room needs to know of the mempool.
type pool interface {
	Size() int
	SizeBytes() int64
}

// room keeps what waits from passing the mempool's limits. The mempool tests them
// before and after the check, and drops without a word what was checked but no longer
// fits. So submitters reserve their place, peers' transactions are refused before the
// check when there is none, and the mempool's own limits leave room for what peers have
// under check just then.
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
	if !r.fits(size) {
		return false
	}
	r.txs++
	r.bytes += int64(size)
	return true
}

// has reports whether a transaction of a size fits.
func (r *room) has(size int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fits(size)
}

// fits is has for those who hold the lock.
func (r *room) fits(size int) bool {
	return r.pool.Size()+r.txs < waitingTxsMax && r.pool.SizeBytes()+r.bytes+int64(size) <= waitingBytesMax
}

// leave gives the place back, once the mempool counts the transaction itself.
func (r *room) leave(size int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.txs--
	r.bytes -= int64(size)
}
