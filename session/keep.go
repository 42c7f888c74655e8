package session

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// keep is a value of a node's folder in a file that only the node's user reads. It
// is on disk whole or not at all, and another process may write it, too.
type keep[T any] struct {
	path   string // "": in memory alone.
	decode func(text []byte) (T, error)
	lost   string // What is lost when the file is removed.

	file T
	read fs.FileInfo // Of the file that file was read from; nil: none was.
}

// newKeep is the file of a folder, empty until it is loaded. An empty folder name
// keeps all in memory.
func newKeep[T any](dir, name string, empty T, decode func([]byte) (T, error), lost string) keep[T] {
	k := keep[T]{file: empty, decode: decode, lost: lost}
	if dir != "" {
		k.path = filepath.Join(dir, name)
	}
	return k
}

// load reads the file again when another process wrote it.
//
// Errors: a file that is not ours; those of the disk.
func (k *keep[T]) load() error {
	if k.path == "" {
		return nil
	}
	info, err := os.Stat(k.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("session: %w", err)
	case unchanged(k.read, info):
		return nil
	}
	text, err := os.ReadFile(k.path)
	if err != nil {
		return fmt.Errorf("session: %w", err)
	}
	fresh, err := k.decode(text)
	if err != nil {
		return fmt.Errorf("session: %s: %w: bring the file back from a backup, or remove it, and %s", k.path, err, k.lost)
	}
	k.file, k.read = fresh, info
	return nil
}

// unchanged reports whether a file is still the one that was read. Each writing makes
// another file; two within a tick of the disk's clock have the same time.
func unchanged(read, now fs.FileInfo) bool {
	return read != nil && os.SameFile(read, now) && read.ModTime().Equal(now.ModTime()) && read.Size() == now.Size()
}

// save writes the file, whole or not at all.
func (k *keep[T]) save() error {
	if k.path == "" {
		return nil
	}
	text, err := json.MarshalIndent(k.file, "", "  ")
	if err != nil {
		return fmt.Errorf("session: %w", err)
	}
	draft, err := os.CreateTemp(filepath.Dir(k.path), "."+filepath.Base(k.path)+"-*") // 0600.
	if err != nil {
		return fmt.Errorf("session: %w", err)
	}
	_, err = draft.Write(text)
	err = errors.Join(err, draft.Sync(), draft.Close())
	if err == nil {
		err = os.Rename(draft.Name(), k.path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("session: %w", err), os.Remove(draft.Name()))
	}
	info, err := os.Stat(k.path)
	if err == nil {
		k.read = info
	}
	return err
}
