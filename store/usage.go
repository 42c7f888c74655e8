package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Usage is how many bytes of the disk a store takes.
type Usage struct {
	Ledger uint64 // Rows and receipts.
	Blocks uint64
}

// Usage measures the open store.
func (s *Store) Usage() Usage {
	return Usage{s.ledger.Metrics().DiskSpaceUsage(), s.blocks.Metrics().DiskSpaceUsage()}
}

// probeFile is written, and gone again, when somebody asks whether a folder can be
// written to.
const probeFile = ".writable"

// Writable says whether a file can be written in a folder, and reaches the disk.
//
// Errors: those of the disk.
func Writable(dir string) (err error) {
	path := filepath.Join(dir, probeFile)
	defer func() {
		if err != nil {
			err = fmt.Errorf("store: %w", err)
		}
	}()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString("This node asked whether it can write here.\n")
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close(), os.Remove(path))
}
