package chain

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
)

// Snapshots is what an application has, besides the rest, when its state can be
// given to nodes that begin. Offered and Chunk may be called at any time; Begin and
// Add are called before anything else is, one at a time.
type Snapshots interface {
	// Offered lists the snapshots that can be had here.
	Offered() []Snapshot
	// Chunk returns a chunk of a snapshot, and nil when it is not there.
	Chunk(height int64, format, index uint32) ([]byte, error)
	// Begin begins to take a snapshot in, in place of all state there is. It is
	// ErrFormat for one in another format, and ErrSnapshot when the manifest is not
	// that of the state that was proven.
	Begin(s Snapshot, proven Proven) error
	// Add takes the next chunk in; with the last one, Last returns the snapshot's
	// height and hash. It is ErrChunk when somebody else may have the right one, and
	// ErrSnapshot when the chunks are not the state that was proven: Begin is called
	// for another one then. Any other error ends the node's start.
	Add(chunk []byte) error
}

// Snapshot is a state after a block, in chunks.
type Snapshot struct {
	Height   int64
	Format   uint32
	Chunks   uint32
	Manifest []byte // The application's, opaque here.
}

// Proven is what signed headers say of the state after a block.
type Proven struct {
	Height  int64
	Time    int64 // Of the block, in seconds since 1970.
	AppHash []byte
}

// Refusals of what peers offer; they and the peers are left aside.
var (
	ErrFormat   = errors.New("chain: the snapshot is in another format")
	ErrSnapshot = errors.New("chain: the snapshot is not what was proven")
	ErrChunk    = errors.New("chain: this is not the next chunk of the snapshot")
)

// provenAfter is how many blocks come after a snapshot's before it is offered: its
// hash is in the first, and the second's validators are those that the block named.
const provenAfter = 2

// taking is what a driver knows of a snapshot while it is taken in.
type taking struct {
	mu       sync.Mutex
	proven   func(height int64) (Proven, bool)
	snapshot Snapshot
	next     uint32          // Chunk.
	since    time.Time       // When the one before came.
	senders  map[string]bool // Who sent chunks.
	ended    bool
}

// stalled returns the snapshot whose next chunk nobody has sent for some time, and
// which chunk that is.
func (t *taking) stalled() (s Snapshot, next uint32, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.snapshot, t.next, t.next < t.snapshot.Chunks && time.Since(t.since) > stallMax
}

// ListSnapshots lists what peers may be given.
func (d *driver) ListSnapshots(context.Context, *abci.RequestListSnapshots) (*abci.ResponseListSnapshots, error) {
	list := &abci.ResponseListSnapshots{}
	app, ok := d.app.(Snapshots)
	if !ok {
		return list, nil
	}
	for _, s := range app.Offered() {
		if s.Height+provenAfter <= d.committed.at() {
			hash := sha256.Sum256(s.Manifest)
			list.Snapshots = append(list.Snapshots, &abci.Snapshot{
				Height: uint64(s.Height), Format: s.Format, Chunks: s.Chunks, Hash: hash[:], Metadata: s.Manifest, //nolint:gosec // heights are ≥ 0
			})
		}
	}
	return list, nil
}

// LoadSnapshotChunk gives a peer a chunk.
func (d *driver) LoadSnapshotChunk(_ context.Context, r *abci.RequestLoadSnapshotChunk) (*abci.ResponseLoadSnapshotChunk, error) {
	app, ok := d.app.(Snapshots)
	if !ok {
		return &abci.ResponseLoadSnapshotChunk{}, nil
	}
	chunk, err := app.Chunk(int64(r.Height), r.Format, r.Chunk) //nolint:gosec // one that is not there is not found
	return &abci.ResponseLoadSnapshotChunk{Chunk: chunk}, err
}

// OfferSnapshot begins to take in a snapshot whose height's hash is proven. Whoever
// offers one that is not of that hash is not asked again.
func (d *driver) OfferSnapshot(_ context.Context, r *abci.RequestOfferSnapshot) (*abci.ResponseOfferSnapshot, error) {
	d.taking.mu.Lock()
	defer d.taking.mu.Unlock()
	app, ok := d.app.(Snapshots)
	if !ok || d.taking.ended {
		return &abci.ResponseOfferSnapshot{Result: abci.ResponseOfferSnapshot_ABORT}, nil
	}
	d.taking.snapshot, d.taking.senders = Snapshot{}, map[string]bool{}
	s := Snapshot{Height: int64(r.Snapshot.Height), Format: r.Snapshot.Format, Chunks: r.Snapshot.Chunks, Manifest: r.Snapshot.Metadata} //nolint:gosec // its header was found
	proven, ok := d.taking.proven(s.Height)
	hash := sha256.Sum256(s.Manifest)
	err := ErrSnapshot
	if ok && string(hash[:]) == string(r.Snapshot.Hash) && string(proven.AppHash) == string(r.AppHash) {
		err = app.Begin(s, proven)
	}
	result := abci.ResponseOfferSnapshot_ACCEPT
	switch {
	case err == nil:
		d.taking.snapshot, d.taking.next, d.taking.since = s, 0, time.Now()
	case errors.Is(err, ErrFormat):
		result = abci.ResponseOfferSnapshot_REJECT_FORMAT
	case errors.Is(err, ErrSnapshot):
		d.log.Warn("state sync: a peer's snapshot is refused, and so is the peer", "height", s.Height, "reason", err)
		result = abci.ResponseOfferSnapshot_REJECT_SENDER
	default:
		return nil, err
	}
	return &abci.ResponseOfferSnapshot{Result: result}, nil
}

// ApplySnapshotChunk takes a chunk in.
func (d *driver) ApplySnapshotChunk(_ context.Context, r *abci.RequestApplySnapshotChunk) (*abci.ResponseApplySnapshotChunk, error) {
	d.taking.mu.Lock()
	defer d.taking.mu.Unlock()
	if d.taking.ended {
		return &abci.ResponseApplySnapshotChunk{Result: abci.ResponseApplySnapshotChunk_ABORT}, nil
	}
	if r.Sender == string(nobody{}.ID()) {
		d.log.Warn("state sync: nobody sends the next chunk of a snapshot: another one is sought", "height", d.taking.snapshot.Height, "chunk", r.Index)
		d.taking.snapshot = Snapshot{}
		return &abci.ResponseApplySnapshotChunk{Result: abci.ResponseApplySnapshotChunk_REJECT_SNAPSHOT}, nil
	}
	d.taking.senders[r.Sender] = true
	err := d.app.(Snapshots).Add(r.Chunk)
	switch {
	case err == nil:
		d.taking.next, d.taking.since = r.Index+1, time.Now()
		return &abci.ResponseApplySnapshotChunk{Result: abci.ResponseApplySnapshotChunk_ACCEPT}, nil
	case errors.Is(err, ErrChunk):
		d.log.Warn("state sync: a peer's chunk is refused, and so is the peer", "peer", r.Sender, "chunk", r.Index, "reason", err)
		return &abci.ResponseApplySnapshotChunk{
			Result: abci.ResponseApplySnapshotChunk_RETRY, RefetchChunks: []uint32{r.Index}, RejectSenders: []string{r.Sender},
		}, nil
	case errors.Is(err, ErrSnapshot):
		d.log.Warn("state sync: a snapshot is refused after its chunks came, and so are those who sent them", "reason", err)
		d.taking.snapshot = Snapshot{}
		response := &abci.ResponseApplySnapshotChunk{Result: abci.ResponseApplySnapshotChunk_REJECT_SNAPSHOT}
		for sender := range d.taking.senders {
			response.RejectSenders = append(response.RejectSenders, sender)
		}
		return response, nil
	}
	return nil, err
}

// endTaking lets no more of a snapshot in, and goes on from what there is.
func (d *driver) endTaking() {
	d.taking.mu.Lock()
	defer d.taking.mu.Unlock()
	d.taking.ended = true
	d.resume()
}
