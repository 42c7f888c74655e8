package bridge

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/commonwatt/commonwatt/interval"
)

// Bounds of what is kept of a meter.
const (
	waitingMax = 35_040 // Messages without a receipt: a year of quarters. The oldest go first; registers lose no energy by that.
	refusedMax = 100    // Messages that were refused for good, for whoever looks why.
)

// Endings of the files of messages.
const (
	waiting = ".waiting" // For its receipt.
	told    = ".told"    // Its receipt came.
	refused = ".refused" // For good.
	writing = ".new"     // Not whole.
)

// keep is the folder of the messages of a meter, of one key epoch and interval length:
// a file for each, named by its sequence. A file is there whole, on disk, or not at all.
// The newest is never removed, so that its sequence is not used again.
type keep struct {
	folder string
	prefix string
	last   uint64            // Highest sequence that was ever signed.
	states map[string]uint64 // By file name.
}

// openKeep opens a folder, which is made if it is not there.
//
// Errors: those of the disk.
func openKeep(folder string, epoch uint32, length interval.Length) (*keep, error) {
	k := &keep{folder: folder, prefix: fmt.Sprintf("%d-%d-", epoch, int64(length)/60), states: map[string]uint64{}}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	files, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		name := f.Name()
		if strings.HasSuffix(name, writing) {
			if err := os.Remove(filepath.Join(folder, name)); err != nil {
				return nil, err
			}
			continue
		}
		number, ours := strings.CutPrefix(strings.TrimSuffix(name, filepath.Ext(name)), k.prefix)
		n, err := strconv.ParseUint(number, 10, 64)
		if !ours || err != nil {
			continue
		}
		k.states[name] = n
		k.last = max(k.last, n)
	}
	return k, nil
}

// put writes a message with a sequence that is higher than any before.
//
// Errors: those of the disk, after which it is not there.
func (k *keep) put(sequence uint64, raw []byte) error {
	if sequence <= k.last {
		panic("bridge: two messages under one sequence")
	}
	name := k.name(sequence, waiting)
	path := filepath.Join(k.folder, name)
	if err := write(path+writing, raw); err != nil {
		return err
	}
	if err := errors.Join(os.Rename(path+writing, path), syncFolder(k.folder)); err != nil {
		return err
	}
	k.states[name], k.last = sequence, sequence
	return k.prune()
}

// write writes a file and waits for the disk.
func write(path string, raw []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	return errors.Join(err, f.Sync(), f.Close())
}

// syncFolder waits until the names in a folder are on disk.
func syncFolder(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (k *keep) name(sequence uint64, ending string) string {
	return fmt.Sprintf("%s%016d%s", k.prefix, sequence, ending)
}

// with are the sequences of the messages in a state, ascending.
func (k *keep) with(ending string) []uint64 {
	var list []uint64
	for name, n := range k.states {
		if strings.HasSuffix(name, ending) {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	return list
}

// read reads a message that waits.
func (k *keep) read(sequence uint64) ([]byte, error) {
	return os.ReadFile(filepath.Join(k.folder, k.name(sequence, waiting)))
}

// done notes that the receipt of a message came: told or refused. When that is lost, the
// message is sent again, and known already.
//
// Errors: those of the disk.
func (k *keep) done(sequence uint64, ending string) error {
	was, is := k.name(sequence, waiting), k.name(sequence, ending)
	if _, ok := k.states[was]; !ok {
		return nil
	}
	if err := os.Rename(filepath.Join(k.folder, was), filepath.Join(k.folder, is)); err != nil {
		return err
	}
	delete(k.states, was)
	k.states[is] = sequence
	return k.prune()
}

// prune removes what is not needed any more.
func (k *keep) prune() error {
	for _, state := range []struct {
		ending string
		most   int
	}{{waiting, waitingMax}, {told, 1}, {refused, refusedMax}} {
		list := k.with(state.ending)
		for _, n := range list[:max(0, len(list)-state.most)] {
			name := k.name(n, state.ending)
			if n == k.last {
				continue
			}
			if err := os.Remove(filepath.Join(k.folder, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			delete(k.states, name)
		}
	}
	return nil
}
