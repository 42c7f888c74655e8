package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/merkle"
)

// How many blocks go at once: not each by itself, since the disk is synced for it, and
// not so many that the block at hand waits for long.
const (
	pruneFew  = 100
	pruneMost = 1000
)

// KeepLeast is the least number of blocks that a node keeps that does not keep all.
const KeepLeast = 100

// pruner removes blocks and their receipts that are no longer kept.
type pruner struct {
	keep int64  // Blocks; 0: all.
	view string // The file of the read model.
	feed *feed
}

// Keeps returns the first block that the chain is to keep; 0: all.
func (s *shared) Keeps() int64 { return s.keeps }

// prune removes receipts that are no longer kept, after a block, and says which blocks
// the chain is to keep. Those stay that the older snapshot leads to the end from, and
// those that the read model does not show yet.
func (s *shared) prune(height int64) error {
	if s.pruner.keep == 0 {
		return nil
	}
	origin := originOf(s.store)
	first := origin.Height + 1
	to := height - s.pruner.keep + 1
	if s.snapshots.every > 0 {
		at, _ := s.snapshots.oldest() // Before the first, nothing goes.
		to = min(to, at)
	}
	to = min(to, s.pruner.feed.shown(height)+1)
	if s.keeps = first; to < first+min(pruneFew, s.pruner.keep/10) {
		return nil
	}
	to = min(to, first+pruneMost)
	if err := s.pruner.syncView(); err != nil {
		return err
	}
	log, err := merkle.Resume(origin.Log)
	if err != nil {
		panic(err) // It was proven, or we wrote it.
	}
	for at, raw := range s.store.Records(first) {
		if at == to {
			break
		}
		var r machine.Record
		codec.Read(raw, &r)
		for _, o := range r.Outcomes {
			for _, f := range o.Receipts {
				log.Append(f.Leaf(at))
			}
		}
		origin.Time = r.Time
	}
	origin.ChainID, origin.Height, origin.Log = s.chainID, to-1, log.Frontier()
	origin.Root, origin.Secret = merkle.Hash{}, nil // Of rows that are no longer there.
	if err := s.store.Forget(to, origin.Encode()); err != nil {
		return err
	}
	s.keeps = to
	return nil
}

// syncView brings to disk what the read model shows, which is not made again from
// receipts that are not there.
func (p *pruner) syncView() error {
	if p.view == "" {
		return nil
	}
	for _, path := range []string{p.view + "-wal", p.view} {
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = errors.Join(f.Sync(), f.Close())
		}
		if err != nil {
			return fmt.Errorf("node: %s: %w", filepath.Base(path), err)
		}
	}
	return nil
}
