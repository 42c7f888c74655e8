package node

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/commonwatt/commonwatt/chain"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/store"
	"github.com/commonwatt/commonwatt/view"
)

// Still is a stopped node's folder while it is read.
type Still struct {
	Rows  state.Reader
	Head  machine.Head
	View  *view.View
	store *store.Store
}

// Record is that of a running node.
//
// Errors: fs.ErrNotExist; those of the disk.
func (s *Still) Record(height int64) (machine.Record, error) { return recordIn(s.store, height) }

// Block is that of a running node.
func (s *Still) Block(height int64) (chain.Kept, bool) {
	return chain.KeptIn(func(name string) chain.KV { return s.store.KV(name) }, height)
}

// PeekView is Peek with the read model beside the rows: a copy of it, since to open
// one is to write to it. What it lacks, all of it where an earlier version made it, is
// made of the records.
func PeekView(dir string, f func(*Still) error) (err error) {
	scratch, err := os.MkdirTemp("", "commonwatt-view-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	path := filepath.Join(scratch, viewFile)
	if err := copyFile(path, filepath.Join(dir, viewFile)); err != nil {
		return err
	}
	v, err := view.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	peek := peek(dir, func(s *store.Store, head machine.Head) {
		feed := newFeed(s, v)
		if feed.catchUp(); feed.err != nil {
			err = feed.err
			return
		}
		err = f(&Still{s, head, v, s})
	})
	return errors.Join(err, peek)
}
