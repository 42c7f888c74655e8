package store

import (
	"fmt"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2"
)

// Checkpoint writes a copy of the open store into a folder that is not there yet,
// on the same disk: by links, so it takes as long for a large store as for a small
// one. The copy is what a crash would have left a moment ago: rows of some block,
// and all blocks up to it, at least.
func (s *Store) Checkpoint(dir string) error {
	// Rows first: a block that is not there cannot be handed over again.
	err := s.ledger.Checkpoint(filepath.Join(dir, "ledger"), pebble.WithFlushedWAL())
	if err == nil {
		err = s.blocks.Checkpoint(filepath.Join(dir, "blocks"), pebble.WithFlushedWAL())
	}
	if err != nil {
		return fmt.Errorf("store: checkpoint: %w", err)
	}
	return nil
}
