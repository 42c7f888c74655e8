package node

import (
	"context"
	"errors"
	"log/slog"
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
// made of the records. One in PostgreSQL is read where it is, unless it is away or shows
// another block than the folder's last: then all of it is made, too.
func PeekView(dir string, f func(*Still) error) (err error) {
	scratch, err := os.MkdirTemp("", "commonwatt-view-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	settings, err := LoadSettings(dir)
	if err != nil {
		return err
	}
	peek := peek(dir, func(s *store.Store, head machine.Head) {
		v, made := peekRemote(settings, s, head)
		if made != nil {
			v, made = peekFile(dir, scratch, settings, s)
		}
		if err = made; err != nil {
			return
		}
		err = errors.Join(f(&Still{s, head, v, s}), v.Close())
	})
	return errors.Join(err, peek)
}

// peekRemote opens the read model in PostgreSQL, if it shows the last block.
func peekRemote(settings Settings, s *store.Store, head machine.Head) (*view.View, error) {
	if settings.View == "" {
		return nil, errors.ErrUnsupported
	}
	v, err := view.Open(settings.View)
	if err != nil {
		return nil, err
	}
	record, err := recordIn(s, head.Height)
	if err == nil {
		err = v.Look(context.Background())
	}
	var same bool
	if err == nil && v.Height() == head.Height {
		same, err = v.Shows(context.Background(), record)
	}
	if err == nil && !same {
		err = errOtherLedger
	}
	if err != nil {
		return nil, errors.Join(err, v.Close())
	}
	return v, nil
}

// peekFile opens a copy of the read model in the folder, and makes what it lacks.
func peekFile(dir, scratch string, settings Settings, s *store.Store) (*view.View, error) {
	path := filepath.Join(scratch, viewFile)
	if settings.View == "" {
		if err := copyFile(path, filepath.Join(dir, viewFile)); err != nil {
			return nil, err
		}
	}
	v, err := view.Open(path)
	if err != nil {
		return nil, err
	}
	feed := newFeed(s, v, slog.New(slog.DiscardHandler))
	if feed.catchUp(); feed.err != nil {
		return nil, errors.Join(feed.err, v.Close())
	}
	return v, nil
}
