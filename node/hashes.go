package node

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"os"
	"path/filepath"
	"sort"

	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/merkle"
	"github.com/commonwatt/commonwatt/proof"
	"github.com/commonwatt/commonwatt/store"
)

// hashesFile holds the hashes of the log, so that a receipt is proven without
// reading all of them. It is made of the records when somebody asks, and may be
// deleted: what it costs, no block waits for. Where the records do not begin with the
// first block, the name says with which receipt they do.
func hashesFile(first uint64) string {
	if first == 0 {
		return "receipts.hashes"
	}
	return fmt.Sprintf("receipts-%d.hashes", first)
}

// entrySize is the size of what the file says of one receipt: the height of its
// block, its leaf, and its peak (merkle.Log.Append).
const entrySize = 8 + 2*len(merkle.Hash{})

type entry struct {
	height     int64
	leaf, peak merkle.Hash
}

// hashes are the entries of all receipts up to a height: those in the file, and
// after them those in memory, which only a folder that may not be changed has.
type hashes struct {
	store  *store.Store
	dir    string
	origin machine.Head // After which the records begin.
	file   *os.File     // nil: there is none, and none may be made.
	keep   bool         // What is new goes into the file.
	filed  uint64       // Receipts up to the last one in the file, also those before its first.
	tail   []entry
	log    *merkle.Log
	height int64
}

// flushEntries is how many entries are in memory before they go into the file.
const flushEntries = 1 << 14

// openHashes opens the hashes of a folder. When they are not to be kept, nothing is
// written.
func openHashes(s *store.Store, dir string, keep bool) (*hashes, error) {
	h := &hashes{store: s, dir: dir, keep: keep}
	return h, h.open()
}

// open begins with where the records begin now.
func (h *hashes) open() error {
	h.origin, h.file = originOf(h.store), nil
	h.reset()
	path, flags := filepath.Join(h.dir, hashesFile(h.origin.Log.Size)), os.O_RDONLY
	if h.keep {
		flags = os.O_RDWR | os.O_CREATE
		if err := h.removeOthers(path); err != nil {
			return err
		}
	}
	file, err := os.OpenFile(path, flags, 0o600)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("node: %w", err)
	}
	h.file = file
	if err := h.resume(); err != nil {
		return errors.Join(err, h.close())
	}
	return nil
}

// removeOthers removes files of records that were here before.
func (h *hashes) removeOthers(path string) error {
	old, err := filepath.Glob(filepath.Join(h.dir, "receipts*.hashes"))
	for _, name := range old {
		if name != path {
			err = errors.Join(err, os.Remove(name))
		}
	}
	if err != nil {
		return fmt.Errorf("node: %w", err)
	}
	return nil
}

// reset forgets everything but where the records begin.
func (h *hashes) reset() {
	log, err := merkle.Resume(h.origin.Log)
	if err != nil {
		panic(err) // It was proven, or we wrote it.
	}
	h.filed, h.tail, h.log, h.height = h.origin.Log.Size, nil, log, h.origin.Height
}

// resume goes on after the last block that is in the file as a whole: after all but
// the last, which a crash may have cut off.
func (h *hashes) resume() error {
	info, err := h.file.Stat()
	if err != nil {
		return fmt.Errorf("node: %w", err)
	}
	base := h.origin.Log.Size
	h.filed = base + uint64(info.Size())/uint64(entrySize) //nolint:gosec // sizes are ≥ 0
	if h.filed > base {
		last, err := h.at(h.filed - 1)
		if err != nil {
			return err
		}
		h.filed = h.first(last.height)
		h.height = max(last.height-1, h.origin.Height)
	}
	frontier := merkle.Frontier{Size: h.filed}
	for end := uint64(0); end < h.filed; {
		rest := h.filed - end
		for rest&(rest-1) != 0 {
			rest &= rest - 1 // The largest power of two is what stays.
		}
		end += rest
		e, err := h.at(end - 1)
		if err != nil {
			return err
		}
		frontier.Peaks = append(frontier.Peaks, e.peak)
	}
	h.log, err = merkle.Resume(frontier)
	return err
}

func (h *hashes) close() error {
	if h.file == nil {
		return nil
	}
	return h.file.Close()
}

// clear forgets everything.
func (h *hashes) clear() error {
	h.reset()
	if h.keep {
		return h.file.Truncate(0)
	}
	return nil
}

// at returns the entry of a receipt.
func (h *hashes) at(index uint64) (e entry, err error) {
	base := h.origin.Log.Size
	switch {
	case index >= h.filed:
		return h.tail[index-h.filed], nil
	case index < base:
		return h.before(index), nil
	}
	var raw [entrySize]byte
	if _, err := h.file.ReadAt(raw[:], int64(index-base)*int64(entrySize)); err != nil { //nolint:gosec // within the file
		return e, fmt.Errorf("node: %s: %w", h.file.Name(), err)
	}
	e.height = int64(binary.BigEndian.Uint64(raw[:])) //nolint:gosec // as flush wrote it
	copy(e.leaf[:], raw[8:])
	copy(e.peak[:], raw[8+len(e.leaf):])
	return e, nil
}

// before is what is known of a receipt whose record is not here: when it is the last
// of a complete subtree of those that are not, the root of that, which is all that
// proofs of later ones need.
func (h *hashes) before(index uint64) entry {
	end := uint64(0)
	for n, rest := 0, h.origin.Log.Size; rest > 0; n++ {
		size := uint64(1) << (bits.Len64(rest) - 1)
		end, rest = end+size, rest-size
		if end-1 == index {
			peak := h.origin.Log.Peaks[n]
			return entry{h.origin.Height, peak, peak}
		}
	}
	return entry{}
}

// first is the index of the first receipt at a height or above, of those that are here.
func (h *hashes) first(height int64) uint64 {
	base := h.origin.Log.Size
	return base + uint64(sort.Search(int(h.filed-base)+len(h.tail), func(i int) bool { //nolint:gosec // far fewer than 2^63
		e, err := h.at(base + uint64(i)) //nolint:gosec // an index
		return err != nil || e.height >= height
	}))
}

// catchUp reads the records up to a height.
func (h *hashes) catchUp(height int64) error {
	for at, raw := range h.store.Records(h.height + 1) {
		if at > height {
			break
		}
		var r machine.Record
		codec.Read(raw, &r)
		for _, o := range r.Outcomes {
			for _, f := range o.Receipts {
				leaf := f.Leaf(at)
				h.tail = append(h.tail, entry{at, leaf, h.log.Append(leaf)})
			}
		}
		h.height = at
		if h.keep && len(h.tail) >= flushEntries {
			if err := h.flush(); err != nil {
				return err
			}
		}
	}
	if h.keep {
		return h.flush()
	}
	return nil
}

// flush moves what is in memory into the file.
func (h *hashes) flush() error {
	raw := make([]byte, 0, len(h.tail)*entrySize)
	for i := range h.tail {
		e := &h.tail[i]
		raw = binary.BigEndian.AppendUint64(raw, uint64(e.height)) //nolint:gosec // heights are ≥ 0
		raw = append(append(raw, e.leaf[:]...), e.peak[:]...)
	}
	if _, err := h.file.WriteAt(raw, int64(h.filed-h.origin.Log.Size)*int64(entrySize)); err != nil { //nolint:gosec // within the file
		return fmt.Errorf("node: %s: %w", h.file.Name(), err)
	}
	h.filed, h.tail = h.filed+uint64(len(h.tail)), h.tail[:0]
	return nil
}

// follow catches up with a head. A file that does not lead to the head's log is
// made again.
func (h *hashes) follow(height int64, roots proof.Roots) error {
	if h.height < originOf(h.store).Height { // What is to come next was removed since.
		if err := errors.Join(h.close(), h.open()); err != nil {
			return err
		}
	}
	for range 2 {
		if err := h.catchUp(height); err != nil {
			return err
		}
		if h.log.Size() == roots.Size && h.log.Root() == roots.Log {
			return nil
		}
		if err := h.clear(); err != nil {
			return err
		}
	}
	return fmt.Errorf("node: the stored receipts up to block %d are not those of the ledger's log: run \"commonwatt verify\" on the folder", height)
}

// prove returns the audit path of a receipt in the log as of follow.
func (h *hashes) prove(index uint64) (path []merkle.Hash, err error) {
	nodes := merkle.Peaks(func(i uint64) (leaf, peak merkle.Hash) {
		e, failed := h.at(i)
		err = errors.Join(err, failed)
		return e.leaf, e.peak
	})
	return merkle.ProveInclusion(nodes, index, h.log.Size()), err
}
