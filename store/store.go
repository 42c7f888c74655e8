// Package store keeps a node's data on disk: the rows of the ledger, each
// block's receipts, and the blocks themselves.
//
// Its promise: a block is on disk as a whole or not at all, what comes back is
// the last block that was written or one before it, never a mixture, and a
// folder that was closed cleanly tells on any byte that changed since.
package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/commonwatt/commonwatt/state"
)

// ErrNoRecord means that the store holds no record of a block: it is not there
// yet, or it is older than the first one kept.
var ErrNoRecord = errors.New("store: no record of this block")

// Fault is the value of the panic when the disk fails under a read or a write
// that has no way to answer an error. Nothing above can go on with a row it
// could not read, so the node stops.
type Fault struct{ Err error }

// Error says what the disk failed at.
func (f Fault) Error() string { return "store: the disk failed: " + f.Err.Error() }

// Unwrap returns the disk's own error.
func (f Fault) Unwrap() error { return f.Err }

// Options are how a store is opened; the zero value opens the disk for writing.
type Options struct {
	// ReadOnly leaves every file as it is, and refuses a folder without a store.
	ReadOnly bool
	// FS stands in for the disk in tests of its faults.
	FS vfs.FS
	// Log receives what the storage engine warns of; the default is slog's.
	Log *slog.Logger

	memTable uint64 // In tests: bytes that are kept in memory; few, so that files are written often.
}

// Store is the open data of one node. It may be read from any goroutine while
// one goroutine commits.
type Store struct {
	ledger *pebble.DB
	blocks *pebble.DB
	recent *recent
}

// Block is what one block leaves behind.
type Block struct {
	Height  int64
	Changes []state.Change
	// Record is the block's receipts, opaque here.
	Record []byte
	// Head is all that is needed to go on after this block, opaque here.
	Head []byte
}

// Keys of the ledger: a row's key follows its prefix, a record's is its height.
const (
	rowPrefix    = 'r'
	recordPrefix = 'b'
	headPrefix   = 'h'
	originPrefix = 'o'
)

var (
	headKey   = []byte{headPrefix}
	originKey = []byte{originPrefix}
)

// Commit writes a block in one batch.
//
// The batch is not synced. The chain's own block store is, before a block is
// applied, so power lost here costs only the tail of blocks that the chain
// hands over again on the next start: the engine's log comes back up to some
// record, a record is a block, and the head it holds says which. Syncing would
// make every block wait for the disk a second time and promise nothing more.
// It holds as long as the chain keeps every block that is not yet on disk here: those
// before a height go only after Forget, which syncs.
func (s *Store) Commit(b Block) error {
	batch := s.ledger.NewBatchWithSize(sizeOf(b))
	defer batch.Close()
	for _, c := range b.Changes {
		key := rowKey(c.Key)
		if c.Deleted {
			if err := batch.Delete(key, nil); err != nil {
				return fmt.Errorf("store: block %d: %w", b.Height, err)
			}
			continue
		}
		if err := batch.Set(key, c.Row, nil); err != nil {
			return fmt.Errorf("store: block %d: %w", b.Height, err)
		}
	}
	err := errors.Join(
		batch.Set(recordKey(b.Height), b.Record, nil),
		batch.Set(headKey, b.Head, nil),
		s.recent.commit(b.Changes, func() error { return batch.Commit(pebble.NoSync) }),
	)
	if err != nil {
		return fmt.Errorf("store: block %d: %w", b.Height, err)
	}
	return nil
}

// sizeOf estimates a block's batch, so that it is allocated once.
func sizeOf(b Block) int {
	size := 64 + len(b.Record) + len(b.Head)
	for _, c := range b.Changes {
		size += 16 + len(c.Key) + len(c.Row)
	}
	return size
}

// Head returns what the last block left to go on with, and whether there was one.
func (s *Store) Head() ([]byte, bool) { return get(s.ledger, headKey) }

// Record returns the record of a block. It is ErrNoRecord when there is none.
func (s *Store) Record(height int64) ([]byte, error) {
	record, closer, err := s.ledger.Get(recordKey(height))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, fmt.Errorf("%w: %d", ErrNoRecord, height)
	}
	if err != nil {
		return nil, fmt.Errorf("store: record of block %d: %w", height, err)
	}
	return append([]byte(nil), record...), closer.Close()
}

// Records yields the height and the record of every block from a height on, as
// of the call. A record is good until the next one.
func (s *Store) Records(from int64) iter.Seq2[int64, []byte] {
	return func(yield func(int64, []byte) bool) {
		for key, record := range scan(s.ledger, recordKey(from), []byte{recordPrefix + 1}, false) {
			if !yield(heightOf(key), record) {
				return
			}
		}
	}
}

// Get returns the row at key and whether there is one.
func (s *Store) Get(key []byte) ([]byte, bool) {
	return s.recent.get(key, func() ([]byte, bool) { return get(s.ledger, rowKey(key)) })
}

// Ascend yields the rows of [from, to) in order, as of the call.
func (s *Store) Ascend(from, to []byte) iter.Seq2[[]byte, []byte] {
	return rows(s.ledger, from, to, false)
}

// Descend yields the rows of [from, to) in reverse order, as of the call.
func (s *Store) Descend(from, to []byte) iter.Seq2[[]byte, []byte] {
	return rows(s.ledger, from, to, true)
}

func rows(in pebble.Reader, from, to []byte, reverse bool) iter.Seq2[[]byte, []byte] {
	return func(yield func([]byte, []byte) bool) {
		for key, row := range scan(in, rowKey(from), rowKey(to), reverse) {
			if !yield(key[1:], row) {
				return
			}
		}
	}
}

func rowKey(key []byte) []byte { return append(append(make([]byte, 0, 1+len(key)), rowPrefix), key...) }

// recordKey orders records by height; heights are positive.
func recordKey(height int64) []byte {
	return binary.BigEndian.AppendUint64([]byte{recordPrefix}, uint64(max(height, 0)))
}

func heightOf(key []byte) int64 {
	return int64(binary.BigEndian.Uint64(key[1:])) //nolint:gosec // recordKey wrote it
}
