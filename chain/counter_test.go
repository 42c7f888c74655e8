package chain

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"sync"
	"testing"

	dbm "github.com/cometbft/cometbft-db"
)

// counter is an application that counts the transactions it carried out and
// refuses to carry out one twice. A transaction is any bytes of eight or more; the
// first eight name it.
type counter struct {
	db dbm.DB

	mu      sync.Mutex
	height  int64
	hash    []byte
	next    counted
	trigger uint64
	due     [][]byte
	blocks  []Block
	awaited []func(names []uint64)
	until   int64 // The first height that it cannot execute; 0: it can all.
}

// counted is a block between Finalize and Commit.
type counted struct {
	height int64
	hash   []byte
	names  []uint64
	has    map[uint64]bool
}

var (
	errShort = errors.New("counter: the transaction has no name")
	errOld   = errors.New("counter: the block is beyond it")
)

// newCounter goes on from what the database holds.
func newCounter(t testing.TB, db dbm.DB) *counter {
	t.Helper()
	c, err := loadCounter(db)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func loadCounter(db dbm.DB) (*counter, error) {
	c := &counter{db: db}
	head, err := db.Get([]byte("head"))
	if head != nil {
		c.height, c.hash = int64(binary.BigEndian.Uint64(head)), head[8:]
	}
	return c, err
}

func (c *counter) Last() (int64, []byte) { return c.height, c.hash }

func (c *counter) Genesis(_ string, appState []byte) ([]byte, error) {
	sum := sha256.Sum256(appState)
	c.hash = sum[:]
	return c.hash, nil
}

func (c *counter) Next() error {
	if c.until != 0 && c.height+1 >= c.until {
		return errOld
	}
	return nil
}

func (c *counter) Check(tx []byte, _ bool) error {
	if len(tx) < 8 {
		return errShort
	}
	return nil
}

// owe makes transactions due once a transaction of a name was carried out.
func (c *counter) owe(trigger uint64, due ...[]byte) { c.trigger, c.due = trigger, due }

// block returns the block at a height, if it was computed since the start.
func (c *counter) block(height int64) *Block {
	for i := range c.blocks {
		if c.blocks[i].Height == height {
			return &c.blocks[i]
		}
	}
	return nil
}

// await calls f with the names of the transactions that each commit carried out.
func (c *counter) await(f func(names []uint64)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.awaited = append(c.awaited, f)
}

func (c *counter) Due(int64) (due [][]byte) {
	if !c.committed(c.trigger) {
		return nil
	}
	for _, tx := range c.due {
		if !c.committed(nameOf(tx)) {
			due = append(due, tx)
		}
	}
	return due
}

func (c *counter) Accept(txs [][]byte) error {
	for _, tx := range txs {
		if len(tx) < 8 {
			return errShort
		}
	}
	return nil
}

func (c *counter) Finalize(b Block) (Outcome, error) {
	c.next = counted{height: b.Height, hash: c.hash, has: map[uint64]bool{}}
	c.blocks = append(c.blocks, Block{Height: b.Height, Time: b.Time, Hash: b.Hash, Txs: b.Txs})
	results := make([]Result, len(b.Txs))
	for i, tx := range b.Txs {
		name := nameOf(tx)
		if c.has(name) {
			results[i].Code = 1
			continue
		}
		sum := sha256.Sum256(append(bytes.Clone(c.next.hash), tx...))
		c.next.hash = sum[:]
		c.next.names, c.next.has[name] = append(c.next.names, name), true
	}
	return Outcome{Results: results, AppHash: c.next.hash}, nil
}

func (c *counter) has(name uint64) bool {
	return c.next.has[name] || c.committed(name)
}

func (c *counter) committed(name uint64) bool {
	has, err := c.db.Has(nameKey(name))
	return err == nil && has
}

func (c *counter) Commit() error {
	batch := c.db.NewBatch()
	for _, name := range c.next.names {
		if err := batch.Set(nameKey(name), binary.BigEndian.AppendUint64(nil, uint64(c.next.height))); err != nil {
			return err
		}
	}
	head := append(binary.BigEndian.AppendUint64(nil, uint64(c.next.height)), c.next.hash...)
	if err := errors.Join(batch.Set([]byte("head"), head), batch.Write()); err != nil {
		return err
	}
	c.height, c.hash = c.next.height, c.next.hash
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.awaited {
		f(c.next.names)
	}
	return nil
}

func nameKey(name uint64) []byte { return fmt.Appendf(nil, "name/%d", name) }

func nameOf(tx []byte) uint64 { return binary.BigEndian.Uint64(tx) }

// tx returns a transaction of a name and a size.
func tx(name uint64, size int) []byte {
	return append(binary.BigEndian.AppendUint64(nil, name), make([]byte, size-8)...)
}

// mapKV keeps a map in one of CometBFT's own databases.
type mapKV struct{ db dbm.DB }

func (m mapKV) Get(key []byte) ([]byte, error) { return m.db.Get(key) }

func (m mapKV) Write(sync bool, keys, values [][]byte) error {
	batch := m.db.NewBatch()
	for i, key := range keys {
		var err error
		if values[i] == nil {
			err = batch.Delete(key)
		} else {
			err = batch.Set(key, values[i])
		}
		if err != nil {
			return err
		}
	}
	if sync {
		return batch.WriteSync()
	}
	return batch.Write()
}

func (m mapKV) Ascend(from, to []byte) iter.Seq2[[]byte, []byte] {
	return pairs(m.db.Iterator(from, to))
}

func (m mapKV) Descend(from, to []byte) iter.Seq2[[]byte, []byte] {
	return pairs(m.db.ReverseIterator(from, to))
}

func pairs(it dbm.Iterator, err error) iter.Seq2[[]byte, []byte] {
	return func(yield func([]byte, []byte) bool) {
		if err != nil {
			panic(err)
		}
		defer it.Close()
		for ; it.Valid(); it.Next() {
			if !yield(it.Key(), it.Value()) {
				return
			}
		}
	}
}
