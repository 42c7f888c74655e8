package node

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
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
	var err error
	if all.kept, err = findSnapshots(dir, log); err != nil {
		return nil, err
	}
	drafts, err := filepath.Glob(filepath.Join(all.dir, "*"+snapshotDraft))
	for _, draft := range drafts {
		err = errors.Join(err, os.RemoveAll(draft))
	}
	if err != nil {
		return nil, fmt.Errorf("node: snapshots: %w", err)
	}
	return all, nil
}

// findSnapshots returns the snapshots in a node's folder that are whole, by height.
func findSnapshots(dir string, log *slog.Logger) (found []kept, err error) {
	list, err := os.ReadDir(filepath.Join(dir, snapshotsDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("node: snapshots: %w", err)
	}
	for _, entry := range list {
		if strings.HasSuffix(entry.Name(), snapshotDraft) {
			continue
		}
		k, err := readSnapshot(filepath.Join(dir, snapshotsDir, entry.Name()))
		if err != nil {
			log.Warn("a snapshot cannot be read and is left out", "folder", entry.Name(), "reason", err)
			continue
		}
		found = append(found, k)
	}
	slices.SortFunc(found, func(a, b kept) int { return cmp.Compare(a.manifest.Head.Height, b.manifest.Head.Height) })
	return found, nil
}

// load puts a snapshot's rows into memory.
func (k kept) load(dir string, into *state.Memory) error {
	in := state.NewImport(k.manifest.Rows, both)
	for n := range k.manifest.Rows.Chunks {
		raw, err := os.ReadFile(chunkFile(filepath.Join(dir, snapshotsDir, strconv.FormatInt(k.manifest.Head.Height, 10)), n))
		if err != nil {
			return err
		}
		rows, err := in.Add(raw)
		if err != nil {
			return err
		}
		into.Apply(rows)
	}
	_, err := in.Finish()
	return err
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
	height, n := k.manifest.Head.Height, 0
	if err := all.draft(height); err != nil {
		return k, err
	}
	k.manifest.Rows, err = state.Export(at, k.manifest.Head.Root, func(chunk []byte) error {
		select {
		case <-all.ended:
			return ErrClosed
		default:
		}
		n++
		return all.write(height, n-1, chunk)
	})
	if k.raw = codec.Marshal(k.manifest); err == nil && len(k.raw) > manifestMax {
		err = fmt.Errorf("the state is too large for a manifest: %d chunks", n)
	}
	if err != nil {
		return k, errors.Join(err, os.RemoveAll(all.path(height)+snapshotDraft))
	}
	return k, all.finish(k)
}

// draft makes the folder of a snapshot that is about to be written.
func (all *snapshots) draft(height int64) error {
	dir := all.path(height)
	err := errors.Join(os.RemoveAll(dir+snapshotDraft), os.RemoveAll(dir))
	if err == nil {
		err = os.MkdirAll(dir+snapshotDraft, 0o700)
	}
	if err != nil {
		return fmt.Errorf("node: snapshots: %w", err)
	}
	return nil
}

// write writes a chunk.
func (all *snapshots) write(height int64, index int, chunk []byte) error {
	if err := os.WriteFile(chunkFile(all.path(height)+snapshotDraft, index), chunk, 0o600); err != nil {
		return fmt.Errorf("node: snapshots: %w", err)
	}
	return nil
}

// finish gives a snapshot's folder its name.
func (all *snapshots) finish(k kept) error {
	dir := all.path(k.manifest.Head.Height)
	err := os.WriteFile(filepath.Join(dir+snapshotDraft, manifestFile), k.raw, 0o600)
	if err == nil {
		err = os.Rename(dir+snapshotDraft, dir)
	}
	if err != nil {
		return fmt.Errorf("node: snapshots: %w", err)
	}
	return nil
}

// take makes a snapshot that was taken in the node's own, and its only one.
func (all *snapshots) take(k kept) error {
	if err := all.finish(k); err != nil {
		return err
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	var errs []error
	for _, old := range all.kept {
		if old.manifest.Head.Height != k.manifest.Head.Height {
			errs = append(errs, os.RemoveAll(all.path(old.manifest.Head.Height)))
		}
	}
	all.kept = []kept{k}
	return errors.Join(errs...)
}

func chunkFile(dir string, index int) string { return filepath.Join(dir, fmt.Sprintf("%06d", index)) }

// keep adds a snapshot to those that peers are offered, and removes the oldest.
func (all *snapshots) keep(k kept) error {
	all.kept = append(all.kept, k)
	var errs []error
	for len(all.kept) > snapshotsKept {
		errs = append(errs, os.RemoveAll(all.path(all.kept[0].manifest.Head.Height)))
		all.kept = all.kept[1:]
	}
	return errors.Join(errs...)
}

func (all *snapshots) path(height int64) string {
	return filepath.Join(all.dir, strconv.FormatInt(height, 10))
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
	raw, err := os.ReadFile(chunkFile(all.path(height), int(index)))
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
