package node

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/commonwatt/commonwatt/chain"
	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/merkle"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/store"
)

// shared is a node's application with what the chain needs to give its state to nodes
// that begin, and to take that of others.
type shared struct {
	*Application
	store     *store.Store
	snapshots *snapshots
	pruner    pruner
	keeps     int64 // The first block that is still needed; 0: all are.
	chainID   string
	log       *slog.Logger

	taken kept // The snapshot that is being taken in. It becomes the node's own.
	in    *state.Import
}

// Commit makes the finalized block last, and a snapshot of it when it is time, and lets
// older ones go.
func (s *shared) Commit() error {
	if err := s.Application.Commit(); err != nil {
		return err
	}
	s.snapshots.committed(s.height.Load())
	return s.prune(s.height.Load())
}

// Offered lists the snapshots that can be had here.
func (s *shared) Offered() []chain.Snapshot { return s.snapshots.offered() }

// Chunk returns a chunk of one.
func (s *shared) Chunk(height int64, format, index uint32) ([]byte, error) {
	return s.snapshots.chunk(height, format, index)
}

// Begin begins to take in a snapshot whose head is the one that was proven. What there
// was of a ledger goes.
func (s *shared) Begin(offered chain.Snapshot, proven chain.Proven) error {
	if offered.Format != snapshotFormat {
		return chain.ErrFormat
	}
	var m manifest
	if err := codec.Unmarshal(offered.Manifest, &m); err != nil {
		return fmt.Errorf("%w: %w", chain.ErrSnapshot, err)
	}
	if err := s.proven(m, offered, proven); err != nil {
		return fmt.Errorf("%w: %w", chain.ErrSnapshot, err)
	}
	if err := s.store.Clear(); err != nil {
		return err
	}
	if err := s.snapshots.draft(m.Head.Height); err != nil {
		return err
	}
	s.in, s.taken = state.NewImport(m.Rows, both), kept{m, offered.Manifest}
	s.log.Info("state sync: the state after a block is taken in", "height", m.Head.Height, "rows", m.Rows.Rows, "chunks", offered.Chunks)
	return nil
}

// proven says why a manifest is not that of the state that was proven. Its secret is
// compared once the rows are here that commit to it.
func (s *shared) proven(m manifest, offered chain.Snapshot, proven chain.Proven) error {
	h := m.Head
	if _, err := merkle.Resume(h.Log); err != nil {
		return err
	}
	switch {
	case h.ChainID != s.chainID:
		return fmt.Errorf("it is of chain %q", h.ChainID)
	case h.Height != proven.Height, h.Time != interval.Time(proven.Time):
		return errors.New("it is of another block")
	case string(h.AppHash()) != string(proven.AppHash):
		return fmt.Errorf("it has the app hash %X, the header of the next block has %X", h.AppHash(), proven.AppHash)
	case m.Rows.Root != h.Root:
		return errors.New("its rows are of another root than its head")
	case len(m.Rows.Chunks) != int(offered.Chunks):
		return errors.New("it has another number of chunks than it was offered with")
	}
	return nil
}

// Add takes the next chunk in; after the last one, the machine goes on from there.
func (s *shared) Add(chunk []byte) error {
	rows, err := s.in.Add(chunk)
	switch {
	case errors.Is(err, state.ErrChunk):
		return fmt.Errorf("%w: %w", chain.ErrChunk, err)
	case err != nil:
		return fmt.Errorf("%w: %w", chain.ErrSnapshot, err)
	}
	if err := errors.Join(s.store.Import(rows), s.snapshots.write(s.taken.manifest.Head.Height, s.in.Taken()-1, chunk)); err != nil {
		return err
	}
	all := len(s.taken.manifest.Rows.Chunks)
	s.log.Info("state sync", "chunk", s.in.Taken(), "of", all)
	if s.in.Taken() < all {
		return nil
	}
	return s.begin()
}

// begin makes the rows that were taken in the ledger.
func (s *shared) begin() error {
	head := s.taken.manifest.Head
	if _, err := s.in.Finish(); err != nil {
		return fmt.Errorf("%w: %w", chain.ErrSnapshot, err)
	}
	s.in = nil
	if err := head.Whole(s.store); err != nil {
		return fmt.Errorf("%w: %w", chain.ErrSnapshot, err)
	}
	if err := errors.Join(s.snapshots.take(s.taken), s.store.Found(head.Encode())); err != nil {
		return err
	}
	return s.restart(head)
}
