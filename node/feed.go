package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/store"
	"github.com/commonwatt/commonwatt/view"
)

// feed brings the view up to the blocks, as their records on disk say: what
// it missed while the node was down, or while its database was, it finds there. What
// the machine has just said it need not decode.
type feed struct {
	store *store.Store
	view  *view.View
	log   *slog.Logger
	fresh fresh
	more  chan struct{} // Holds one token when there is something new.
	end   chan struct{}
	ended chan struct{} // Closed once nothing more goes into the view.
	fails chan struct{} // Closed when something could not go into it.
	done  sync.WaitGroup
	until int64 // The last height to bring; 0: as it comes.

	compared int64  // Up to which height the view is known to be of this ledger.
	said     string // Why the view was behind, when that was logged last.

	mu   sync.Mutex
	seen int64
	err  error         // Nothing goes into the view any more.
	away error         // Nothing does for now, and has not for a while.
	lost time.Time     // When that began.
	none error         // Why nothing goes into the view at all, set by start.
	last error         // Why it is not written by this node; nil: it is.
	step chan struct{} // Closed, and replaced, with every step.
}

// Bounds of what goes into the view at once.
const (
	feedBlocks = 64
	feedBytes  = 8 << 20
)

// How a view is waited for that cannot be written to.
const (
	awayEvery    = time.Second           // Until it is tried again.
	followsEvery = 50 * time.Millisecond // Until it is looked how far another node wrote it.
	patience     = 5 * time.Second       // For how long who waits is not told.
)

// errOtherLedger means that a read model shows blocks that are not the ledger's.
var errOtherLedger = errors.New("the read model shows another ledger, or what this one held before it was restored: give it an empty place, or delete it, and it is made again")

func newFeed(s *store.Store, v *view.View, log *slog.Logger) *feed {
	return &feed{
		store: s, view: v, log: log, seen: v.Height(),
		more: make(chan struct{}, 1), end: make(chan struct{}), ended: make(chan struct{}), fails: make(chan struct{}), step: make(chan struct{}),
	}
}

func (f *feed) start() {
	if f.none = hole(f.store, f.seen); f.none != nil && view.Remote(f.view.Address()) {
		f.none = nil // Other nodes may write what is missing here.
	}
	if f.none != nil {
		f.fresh.end()
		close(f.ended)
		return
	}
	f.wake()
	f.done.Go(func() {
		var again <-chan time.Time
		for {
			select {
			case <-f.more:
				if again != nil { // It is tried again soon enough.
					continue
				}
			case <-again:
			case <-f.end:
				f.catchUp()
				return
			}
			again = nil
			if wait := f.catchUp(); wait > 0 {
				again = time.After(wait)
			}
		}
	})
}

// committed says that a block was committed.
func (f *feed) committed(r machine.Record) {
	f.fresh.keep(r)
	f.wake()
}

// wake says that there is something new.
func (f *feed) wake() {
	select {
	case f.more <- struct{}{}:
	default:
	}
}

// stop brings the view up to the last block and ends. What a database that is away
// lacks then, the next start brings.
func (f *feed) stop() error {
	if f.none != nil {
		return nil //nolint:nilerr // It is no failure to have no read model.
	}
	close(f.end)
	f.done.Wait()
	close(f.ended)
	return f.err
}

// at is the height up to which the view shows everything, and why it does not go on.
func (f *feed) at() (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seen, f.err
}

// wait returns once the view shows everything up to a height.
//
// Errors: view.ErrAway, when its database has been away for a while.
func (f *feed) wait(ctx context.Context, height int64) error {
	if f.none != nil {
		return f.none
	}
	for {
		f.mu.Lock()
		seen, err, step := f.seen, errors.Join(f.err, f.away), f.step
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

// catchUp applies the records that the view does not show yet. Where it cannot, it
// says when to try again.
func (f *feed) catchUp() (again time.Duration) {
	for f.err == nil {
		if err := f.ready(); err != nil {
			return f.behind(err)
		}
		if err := f.gap(); err != nil {
			return f.behind(err)
		}
		records := f.next()
		if len(records) == 0 {
			f.stepTo(f.view.Height(), nil)
			return 0
		}
		err := f.view.Apply(records)
		if passing(err) {
			return f.behind(err)
		}
		if err == nil {
			f.compared = f.view.Height()
		}
		f.stepTo(f.view.Height(), err)
	}
	return 0
}

// gap is why a read model in PostgreSQL is left for another node to write: receipts that
// it lacks are not here.
func (f *feed) gap() error {
	if !view.Remote(f.view.Address()) {
		return nil
	}
	err := hole(f.store, f.view.Height())
	if err == nil {
		return nil
	}
	f.view.Yield()
	return fmt.Errorf("%w: %w", view.ErrAway, err)
}

// passing reports whether what keeps a view from being written may pass.
func passing(err error) bool {
	return errors.Is(err, view.ErrAway) || errors.Is(err, view.ErrFollows)
}

// ready makes sure that the view may be written to, and that what it shows is of this
// ledger.
func (f *feed) ready() error {
	err := f.view.Ready()
	if err != nil && !errors.Is(err, view.ErrFollows) {
		return err
	}
	return errors.Join(err, f.compare())
}

// compare holds the last block that both view and ledger have against the ledger.
func (f *feed) compare() error {
	height := min(f.view.Height(), f.height())
	if height <= f.compared {
		return nil
	}
	record, err := recordIn(f.store, height)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	same, err := f.view.Shows(context.Background(), record)
	if err == nil && !same {
		err = fmt.Errorf("node: %s, block %d: %w", f.view.Address(), height, errOtherLedger)
	}
	if err == nil {
		f.compared = height
	}
	return err
}

// height is that of the ledger's last block.
func (f *feed) height() int64 {
	var head machine.Head
	if raw, ok := f.store.Head(); ok {
		codec.Read(raw, &head)
	}
	return head.Height
}

// behind tells why the view is behind, once, and when to look again.
func (f *feed) behind(err error) (again time.Duration) {
	if text := err.Error(); text != f.said {
		f.said = text
		if errors.Is(err, view.ErrFollows) {
			f.log.Info("node: the read model is another node's; this one shows it", "because", err)
		} else {
			f.log.Warn("node: the read model is behind; the ledger goes on, and it is tried again", "err", err)
		}
	}
	seen := f.view.Height()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen, f.last = seen, err
	switch {
	case errors.Is(err, errOtherLedger):
		f.err = err
		close(f.fails)
	case errors.Is(err, view.ErrFollows):
		f.away, f.lost = nil, time.Time{}
		if seen < f.height() {
			again = followsEvery
		}
	default:
		if again = awayEvery; f.lost.IsZero() {
			f.lost = time.Now()
		}
		if time.Since(f.lost) >= patience {
			f.away = err
		}
	}
	close(f.step)
	f.step = make(chan struct{})
	return again
}

// stepTo tells those who wait that the view shows a height.
func (f *feed) stepTo(height int64, err error) {
	if f.said != "" {
		f.said = ""
		f.log.Info("node: the read model is written by this node", "height", height)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen, f.err, f.away, f.lost, f.last = height, errors.Join(f.err, err), nil, time.Time{}, nil
	if err != nil {
		close(f.fails)
	}
	close(f.step)
	f.step = make(chan struct{})
}

// model says how the view is.
func (f *feed) model() ReadModel {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := ReadModel{Address: f.view.Address(), Height: f.seen}
	switch err := errors.Join(f.err, f.last); {
	case err == nil:
	case f.err == nil && errors.Is(err, view.ErrFollows):
		m.Writer = err.Error()
	default:
		m.Behind = err.Error()
	}
	return m
}

// next reads the records after those that the view shows, as many as go into it
// at once.
func (f *feed) next() []machine.Record {
	var records []machine.Record
	var size int
	for height, raw := range f.store.Records(f.view.Height() + 1) {
		r, ok := f.fresh.take(height)
		if !ok {
			codec.Read(raw, &r)
		}
		if f.until > 0 && r.Height > f.until {
			break
		}
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

// shown is the height up to which the read model shows everything; most where there is
// none.
func (f *feed) shown(most int64) int64 {
	if f.none != nil {
		return most
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seen
}
