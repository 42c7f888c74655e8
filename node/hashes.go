package node

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sort"

	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/merkle"
	"github.com/commonwatt/commonwatt/proof"
	"github.com/commonwatt/commonwatt/store"
)

// hashesFile holds the hashes of the log, so that a receipt is proven without
// reading all of them. It is made of the records when somebody asks, and may be
// deleted: what it costs, no block waits for.
const hashesFile = "receipts.hashes"

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
	file   *os.File // nil: there is none, and none may be made.
	keep   bool     // What is new goes into the file.
	filed  uint64
	tail   []entry
	log    *merkle.Log
	height int64
}

// flushEntries is how many entries are in memory before they go into the file.
const flushEntries = 1 << 14

// openHashes opens the hashes of a folder. When they are not to be kept, nothing is
// written.
func openHashes(s *store.Store, path string, keep bool) (*hashes, error) {
	h := &hashes{store: s, keep: keep, log: &merkle.Log{}}
	flags := os.O_RDONLY
	if keep {
		flags = os.O_RDWR | os.O_CREATE
	}
	file, err := os.OpenFile(path, flags, 0o600)
	if errors.Is(err, os.ErrNotExist) {
		return h, nil
	}
	if err != nil {
		return nil, fmt.Errorf("node: %w", err)
	}
	h.file = file
	if err := h.resume(); err != nil {
		return nil, errors.Join(err, h.close())
	}
	return h, nil
}

// resume goes on after the last block that is in the file as a whole: after all but
// the last, which a crash may have cut off.
func (h *hashes) resume() error {
	info, err := h.file.Stat()
	if err != nil {
		return fmt.Errorf("node: %w", err)
	}
	h.filed = uint64(info.Size()) / uint64(entrySize) //nolint:gosec // sizes are ≥ 0
	if h.filed > 0 {
		last, err := h.at(h.filed - 1)
		if err != nil {
			return err
		}
		h.filed = h.first(last.height)
		h.height = max(last.height-1, 0)
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
	h.filed, h.tail, h.log, h.height = 0, nil, &merkle.Log{}, 0
	if h.keep {
		return h.file.Truncate(0)
	}
	return nil
}

// at returns the entry of a receipt.
func (h *hashes) at(index uint64) (e entry, err error) {
	if index >= h.filed {
		return h.tail[index-h.filed], nil
	}
	var raw [entrySize]byte
	if _, err := h.file.ReadAt(raw[:], int64(index)*int64(entrySize)); err != nil { //nolint:gosec // within the file
		return e, fmt.Errorf("node: %s: %w", hashesFile, err)
	}
	e.height = int64(binary.BigEndian.Uint64(raw[:])) //nolint:gosec // as flush wrote it
	copy(e.leaf[:], raw[8:])
	copy(e.peak[:], raw[8+len(e.leaf):])
	return e, nil
}

// first is the index of the first receipt at a height or above.
func (h *hashes) first(height int64) uint64 {
	return uint64(sort.Search(int(h.filed)+len(h.tail), func(i int) bool { //nolint:gosec // far fewer than 2^63
		e, err := h.at(uint64(i)) //nolint:gosec // an index
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
	if _, err := h.file.WriteAt(raw, int64(h.filed)*int64(entrySize)); err != nil { //nolint:gosec // within the file
		return fmt.Errorf("node: %s: %w", hashesFile, err)
	}
	h.filed, h.tail = h.filed+uint64(len(h.tail)), h.tail[:0]
	return nil
}

// follow catches up with a head. A file that does not lead to the head's log is
// made again.
func (h *hashes) follow(height int64, roots proof.Roots) error {
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
