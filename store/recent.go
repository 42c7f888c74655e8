package store

import (
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/commonwatt/commonwatt/state"
)

// recentRows bounds the rows that are kept in memory; one takes about 300 bytes.
const recentRows = 1 << 15

// recent keeps the rows that were asked for of late. Every envelope asks for its
// account, nonces and balances several times, before and in its block.
type recent struct {
	mu   sync.RWMutex // Held exclusively while a block is written.
	rows *lru.Cache[string, []byte]
}

func newRecent() *recent {
	rows, err := lru.New[string, []byte](recentRows)
	if err != nil {
		panic(err) // The size is above zero.
	}
	return &recent{rows: rows}
}

// get returns the row at key from memory or else by fetch. A row that is not
// there is not remembered: most of those are about to be written once.
func (r *recent) get(key []byte, fetch func() ([]byte, bool)) ([]byte, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if row, ok := r.rows.Get(string(key)); ok {
		return row, true
	}
	row, ok := fetch()
	if ok {
		r.rows.Add(string(key), row)
	}
	return row, ok
}

// commit writes a block while nobody reads, and brings what is kept up to it.
func (r *recent) commit(changes []state.Change, write func() error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := write(); err != nil {
		return err
	}
	for _, c := range changes {
		switch key := string(c.Key); {
		case !r.rows.Contains(key):
		case c.Deleted:
			r.rows.Remove(key)
		default:
			r.rows.Add(key, c.Row)
		}
	}
	return nil
}

// clear removes all rows while nobody reads, and forgets them.
func (r *recent) clear(remove func() error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rows.Purge()
	return remove()
}
