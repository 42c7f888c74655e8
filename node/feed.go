package node

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/store"
	"github.com/commonwatt/commonwatt/view"
)

// feed brings the view up to the blocks, from their records on disk alone: what
// it missed while the node was down, it finds there.
type feed struct {
	store *store.Store
	view  *view.View
	more  chan struct{} // Holds one token when there is something new.
	end   chan struct{}
	ended chan struct{} // Closed once nothing more goes into the view.
	fails chan struct{} // Closed when something could not go into it.
	done  sync.WaitGroup

	mu   sync.Mutex
	seen int64
	err  error
	none error         // Why nothing goes into the view at all, set by start.
	step chan struct{} // Closed, and replaced, with every step.
}

// Bounds of what goes into the view at once.
const (
	feedBlocks = 64
	feedBytes  = 8 << 20
)

func newFeed(s *store.Store, v *view.View) *feed {
	return &feed{
		store: s, view: v, seen: v.Height(),
		more: make(chan struct{}, 1), end: make(chan struct{}), ended: make(chan struct{}), fails: make(chan struct{}), step: make(chan struct{}),
	}
}

func (f *feed) start() {
	if f.none = hole(f.store, f.seen); f.none != nil {
		close(f.ended)
		return
	}
	f.wake()
	f.done.Go(func() {
		for {
			select {
			case <-f.more:
				f.catchUp()
			case <-f.end:
				f.catchUp()
				return
			}
		}
	})
}

// wake says that a block was committed.
func (f *feed) wake() {
	select {
	case f.more <- struct{}{}:
	default:
	}
}

// stop brings the view up to the last block and ends.
func (f *feed) stop() error {
	if f.none != nil {
		return nil
	}
	close(f.end)
	f.done.Wait()
	close(f.ended)
	return f.err
}

// wait returns once the view shows everything up to a height.
func (f *feed) wait(ctx context.Context, height int64) error {
	if f.none != nil {
		return f.none
	}
	for {
		f.mu.Lock()
		seen, err, step := f.seen, f.err, f.step
		f.mu.Unlock()
		if err != nil || seen >= height {
			return err
		}
		select {
		case <-step:
		case <-f.ended:
			if f.seen >= height { // Nobody changes it any more.
				return f.err
			}
			return errors.Join(ErrClosed, f.err)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// failure says why something could not go into the view.
func (f *feed) failure() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// catchUp applies the records that the view does not show yet.
func (f *feed) catchUp() {
	for f.err == nil {
		records := f.next()
		if len(records) == 0 {
			return
		}
		err := f.view.Apply(records)
		f.mu.Lock()
		f.seen, f.err = records[len(records)-1].Height, errors.Join(f.err, err)
		close(f.step)
		f.step = make(chan struct{})
		f.mu.Unlock()
		if err != nil {
			close(f.fails)
		}
	}
}

// next reads the records after those that the view shows, as many as go into it
// at once.
func (f *feed) next() []machine.Record {
	var records []machine.Record
	var size int
	for _, raw := range f.store.Records(f.seen + 1) {
		var r machine.Record
		codec.Read(raw, &r)
		records, size = append(records, r), size+len(raw)
		if len(records) == feedBlocks || size >= feedBytes {
			break
		}
	}
	return records
}

// NoReads is the error of a node that has no read model: receipts that it would be made
// of are not here.
type NoReads struct {
	First int64 // The first block whose receipts are here.
	Shown int64 // The last one that the read model shows; 0: none.
}

// Error says why, and what to do.
func (e *NoReads) Error() string {
	if e.Shown == 0 {
		return fmt.Sprintf("node: this node has the ledger's state, and receipts from block %d on: it has no read model. Ask a node that has all blocks", e.First)
	}
	return fmt.Sprintf("node: the read model ends at block %d, and receipts begin at %d: restore %s from a copy, or ask a node that has all blocks", e.Shown, e.First, viewFile)
}

// hole says whether records between what a view shows and those of a store are missing.
func hole(s *store.Store, seen int64) error {
	if first := firstRecord(s); first > seen+1 {
		return &NoReads{first, seen}
	}
	return nil
}

// firstRecord is the height of the first block whose receipts are here, or will be.
func firstRecord(s *store.Store) int64 { return originOf(s).Height + 1 }

// originOf is the head of the block before that one; of the genesis there is none.
func originOf(s *store.Store) (head machine.Head) {
	if raw, ok := s.Origin(); ok {
		codec.Read(raw, &head)
	}
	return head
}

// Reads says why the node has no read model, or nil.
//
// Errors: *NoReads.
func (n *Node) Reads() error { return n.feed.none }
