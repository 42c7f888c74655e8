package store

import (
	"errors"
	"fmt"
	"iter"

	"github.com/cockroachdb/pebble/v2"

	"github.com/commonwatt/commonwatt/state"
)

// Snapshot is the ledger as it was at a moment, whatever is committed after it. It
// holds disk space until it is closed.
type Snapshot struct{ at *pebble.Snapshot }

// Snapshot takes the ledger as of the last block that was committed.
func (s *Store) Snapshot() *Snapshot { return &Snapshot{s.ledger.NewSnapshot()} }

// Head returns what the last block left to go on with, and whether there was one.
func (s *Snapshot) Head() ([]byte, bool) { return get(s.at, headKey) }

// Get returns the row at key and whether there is one.
func (s *Snapshot) Get(key []byte) ([]byte, bool) { return get(s.at, rowKey(key)) }

// Ascend yields the rows of [from, to) in order.
func (s *Snapshot) Ascend(from, to []byte) iter.Seq2[[]byte, []byte] {
	return rows(s.at, from, to, false)
}

// Descend yields the rows of [from, to) in reverse order.
func (s *Snapshot) Descend(from, to []byte) iter.Seq2[[]byte, []byte] {
	return rows(s.at, from, to, true)
}

// Close lets the disk space go.
func (s *Snapshot) Close() error {
	if err := s.at.Close(); err != nil {
		return fmt.Errorf("store: snapshot: %w", err)
	}
	return nil
}

// Clear removes the ledger, but not the blocks. It is gone from the disk on return.
func (s *Store) Clear() error {
	err := s.recent.clear(func() error {
		return s.ledger.DeleteRange([]byte{0}, []byte{0xff}, pebble.Sync)
	})
	if err != nil {
		return fmt.Errorf("store: clear: %w", err)
	}
	return nil
}

// Import writes rows of a ledger that is being taken in. As long as Found was not
// called, there is no head, and they count for nothing: Clear them.
func (s *Store) Import(list []state.Change) error {
	batch := s.ledger.NewBatch()
	defer batch.Close()
	for _, c := range list {
		if err := batch.Set(rowKey(c.Key), c.Row, nil); err != nil {
			return fmt.Errorf("store: import: %w", err)
		}
	}
	if err := batch.Commit(pebble.NoSync); err != nil {
		return fmt.Errorf("store: import: %w", err)
	}
	return nil
}

// Found makes the rows that were imported the ledger as of a block, of which head is
// all that is needed to go on. All is on disk on return.
func (s *Store) Found(head []byte) error {
	batch := s.ledger.NewBatch()
	defer batch.Close()
	err := errors.Join(batch.Set(headKey, head, nil), batch.Set(originKey, head, nil), batch.Commit(pebble.Sync))
	if err != nil {
		return fmt.Errorf("store: found: %w", err)
	}
	return nil
}

// Origin returns the head of the block before the first one whose record is here, and
// whether that is not the genesis: a ledger that was taken in begins after it, and so
// does one whose older records were removed.
func (s *Store) Origin() ([]byte, bool) { return get(s.ledger, originKey) }

// Forget removes the records of all blocks before the first one to keep. Origin is the
// head before that one from now on. They, and all that was committed before, are on
// disk on return: the blocks before may go, too.
func (s *Store) Forget(first int64, origin []byte) error {
	batch := s.ledger.NewBatch()
	defer batch.Close()
	err := errors.Join(
		batch.DeleteRange(recordKey(0), recordKey(first), nil),
		batch.Set(originKey, origin, nil),
		batch.Commit(pebble.Sync),
	)
	if err != nil {
		return fmt.Errorf("store: forget blocks before %d: %w", first, err)
	}
	return nil
}
