package node

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/view"
)

// PeekView is Peek with the read model beside the rows: a copy of it, since to open
// one is to write to it.
func PeekView(dir string, f func(rows state.Reader, head machine.Head, v *view.View) error) (err error) {
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
	peek := Peek(dir, func(rows state.Reader, head machine.Head) { err = f(rows, head, v) })
	return errors.Join(err, peek)
}
