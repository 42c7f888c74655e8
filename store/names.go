package store

import (
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// named is a disk on which a name lasts before a marker that leads to it does.
//
// The engine makes a file, then a marker that says which file is the one to begin with,
// and syncs both names together. Nothing orders them until then: when the power fails,
// the marker may be there and the file not, and the store would not start again.
type named struct{ vfs.FS }

// marker begins the names of the engine's markers (vfs/atomicfs).
const marker = "marker."

// Create makes a file; before a marker, it syncs the names beside it.
func (fs named) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if strings.HasPrefix(fs.PathBase(name), marker) {
		if err := fs.syncNames(fs.PathDir(name)); err != nil {
			return nil, err
		}
	}
	return fs.FS.Create(name, category)
}

func (fs named) syncNames(dir string) error {
	names, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	if err := names.Sync(); err != nil {
		return err
	}
	return names.Close()
}

// Unwrap returns the disk below.
func (fs named) Unwrap() vfs.FS { return fs.FS }
