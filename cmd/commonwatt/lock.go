package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/commonwatt/commonwatt/live"
)

// errInUse means that another command works on a folder.
var errInUse = errors.New("another command is using this folder: wait until it is done, or end it")

// lockFolder keeps other commands off a folder until release: all of them when
// alone is set, and those that would write otherwise. It leaves nothing in the
// folder, and the system drops it with the process.
func lockFolder(dir string, alone bool) (release func() error, err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := flock(f, alone); err != nil {
		if _, up := os.Stat(filepath.Join(dir, live.AddressFile)); up == nil && errors.Is(err, errInUse) {
			err = fmt.Errorf("%w; a node runs here: status, doctor, record, bill, link and backup ask it", err)
		}
		return nil, errors.Join(fmt.Errorf("%s: %w", dir, err), f.Close())
	}
	return f.Close, nil
}
