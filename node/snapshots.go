package node

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"

	"github.com/commonwatt/commonwatt/chain"
	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/store"
)

// A node keeps its last snapshots in a folder of their own, each in one that is named
// after its height: the manifest, and the chunks by their number.
const (
	snapshotsDir  = "snapshots"
	manifestFile  = "manifest"
	snapshotDraft = ".new"
	snapshotsKept = 2
)

// snapshotFormat is that of a manifest and its chunks.
const snapshotFormat = 1

// manifestMax bounds the bytes of a manifest, which is one message to a peer: those of
// a state of a hundred gigabytes.
const manifestMax = 4_000_000 - 1024

// manifest says what a snapshot consists of. That the head is the ledger's, the hash
// in a signed header says; that the rows are the head's, their tree.
type manifest struct {
	Head machine.Head   `cbor:"1,keyasint"`
	Rows state.Manifest `cbor:"2,keyasint"`
}

// snapshots makes a node's snapshots and gives them to peers.
type snapshots struct {
	dir   string
	store *store.Store
	every int64 // Heights between them; 0: none are made.
	log   *slog.Logger

	making sync.WaitGroup
	ended  chan struct{}

	mu   sync.Mutex
	busy bool
	kept []kept // By height.
}

// kept is a snapshot that is on disk.
type kept struct {
	manifest manifest
	raw      []byte
}

// openSnapshots finds the snapshots of a folder. What was not finished is removed.
func openSnapshots(dir string, s *store.Store, every int64, log *slog.Logger) (*snapshots, error) {
	all := &snapshots{dir: filepath.Join(dir, snapshotsDir), store: s, every: every, log: log, ended: make(chan struct{})}
	list, err := os.ReadDir(all.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("node: snapshots: %w", err)
	}
	for _, entry := range list {
		k, err := readSnapshot(filepath.Join(all.dir, entry.Name()))
		if err != nil {
			if err := os.RemoveAll(filepath.Join(all.dir, entry.Name())); err != nil {
				return nil, fmt.Errorf("node: snapshots: %w", err)
			}
			continue
		}
		all.kept = append(all.kept, k)
	}
	slices.SortFunc(all.kept, func(a, b kept) int { return int(a.manifest.Head.Height - b.manifest.Head.Height) })
	return all, nil
}

// readSnapshot reads the manifest of a snapshot's folder.
func readSnapshot(dir string) (k kept, err error) {
	if k.raw, err = os.ReadFile(filepath.Join(dir, manifestFile)); err != nil {
		return k, err
	}
	if err := codec.Unmarshal(k.raw, &k.manifest); err != nil {
		return k, err
	}
	if filepath.Base(dir) != strconv.FormatInt(k.manifest.Head.Height, 10) {
		return k, errors.New("the folder is not named after the snapshot")
	}
	return k, nil
}

// committed begins a snapshot of the block that was just committed when it is time for
// one, while blocks go on. One that is still under way is not overtaken.
func (all *snapshots) committed(height int64) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.every == 0 || height%all.every != 0 || all.busy {
		return
	}
	all.busy = true
	at := all.store.Snapshot()
	all.making.Go(func() {
		k, err := all.make(at)
		err = errors.Join(err, at.Close())
		all.mu.Lock()
		defer all.mu.Unlock()
		all.busy = false
		if err == nil {
			err = all.keep(k)
		}
		if err != nil && !errors.Is(err, ErrClosed) {
			all.log.Warn("no snapshot was made: nodes that begin get an older one", "height", height, "reason", err)
		}
	})
}

// make writes a snapshot into its folder, which has its name once all is in it.
func (all *snapshots) make(at *store.Snapshot) (k kept, err error) {
	raw, _ := at.Head() // A block was committed.
	codec.Read(raw, &k.manifest.Head)
	if err := k.manifest.Head.Whole(at); err != nil {
		return k, fmt.Errorf("%w: the ledger follows rules 1, let the council agree on newer ones", err)
	}
	dir := filepath.Join(all.dir, strconv.FormatInt(k.manifest.Head.Height, 10))
	draft := dir + snapshotDraft
	if err := errors.Join(os.RemoveAll(draft), os.RemoveAll(dir)); err != nil {
		return k, err
	}
	if err := os.MkdirAll(draft, 0o700); err != nil {
		return k, err
	}
	n := 0
	k.manifest.Rows, err = state.Export(at, k.manifest.Head.Root, func(chunk []byte) error {
		select {
		case <-all.ended:
			return ErrClosed
		default:
		}
		n++
		return os.WriteFile(chunkFile(draft, n-1), chunk, 0o600)
	})
	if err != nil {
		return k, errors.Join(err, os.RemoveAll(draft))
	}
	if k.raw = codec.Marshal(k.manifest); len(k.raw) > manifestMax {
		return k, errors.Join(fmt.Errorf("the state is too large for a manifest: %d chunks", n), os.RemoveAll(draft))
	}
	if err := os.WriteFile(filepath.Join(draft, manifestFile), k.raw, 0o600); err != nil {
		return k, err
	}
	return k, os.Rename(draft, dir)
}

func chunkFile(dir string, index int) string { return filepath.Join(dir, fmt.Sprintf("%06d", index)) }

// keep adds a snapshot to those that peers are offered, and removes the oldest.
func (all *snapshots) keep(k kept) error {
	all.kept = append(all.kept, k)
	var errs []error
	for len(all.kept) > snapshotsKept {
		errs = append(errs, os.RemoveAll(all.path(all.kept[0])))
		all.kept = all.kept[1:]
	}
	return errors.Join(errs...)
}

func (all *snapshots) path(k kept) string {
	return filepath.Join(all.dir, strconv.FormatInt(k.manifest.Head.Height, 10))
}

// oldest is the height of the oldest snapshot, and whether there is one.
func (all *snapshots) oldest() (int64, bool) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if len(all.kept) == 0 {
		return 0, false
	}
	return all.kept[0].manifest.Head.Height, true
}

// offered lists the snapshots for peers.
func (all *snapshots) offered() []chain.Snapshot {
	all.mu.Lock()
	defer all.mu.Unlock()
	var list []chain.Snapshot
	for _, k := range all.kept {
		list = append(list, chain.Snapshot{
			Height: k.manifest.Head.Height, Format: snapshotFormat, Chunks: uint32(len(k.manifest.Rows.Chunks)), Manifest: k.raw, //nolint:gosec // manifestMax bounds them
		})
	}
	return list
}

// chunk returns a chunk of a snapshot. One that the disk changed is not given away.
func (all *snapshots) chunk(height int64, format, index uint32) ([]byte, error) {
	all.mu.Lock()
	at := slices.IndexFunc(all.kept, func(k kept) bool { return k.manifest.Head.Height == height })
	if at < 0 || format != snapshotFormat || int64(index) >= int64(len(all.kept[at].manifest.Rows.Chunks)) {
		all.mu.Unlock()
		return nil, nil
	}
	k := all.kept[at]
	all.mu.Unlock()
	raw, err := os.ReadFile(chunkFile(all.path(k), int(index)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // It was removed just now.
	}
	if sum := sha256.Sum256(raw); err == nil && !bytes.Equal(sum[:], k.manifest.Rows.Chunks[index][:]) {
		err = errors.New("the disk changed it")
	}
	if err != nil {
		return nil, fmt.Errorf("node: chunk %d of the snapshot of height %d: %w", index, height, err)
	}
	return raw, nil
}

// stop ends what is under way.
func (all *snapshots) stop() {
	close(all.ended)
	all.making.Wait()
}
