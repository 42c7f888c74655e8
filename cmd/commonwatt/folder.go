package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/operator"
)

// Folders that settle founds a ledger in may hold what a founding that was cut
// short left behind.
var foundingFiles = []string{operator.KeyFile, operator.Draft, "chain"}

// checkOut refuses what --out cannot name: a file, or a folder of something else.
func checkOut(out string) error {
	info, err := os.Stat(out)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return badInput(fmt.Errorf("--out: %w", err))
	case !info.IsDir():
		return badInput(fmt.Errorf("--out %s: this is a file: name a folder for the ledger and the results", out))
	case node.Exists(out):
		return nil
	}
	entries, err := os.ReadDir(out)
	if err != nil {
		return badInput(fmt.Errorf("--out: %w", err))
	}
	for _, e := range entries {
		if !slices.Contains(foundingFiles, e.Name()) {
			return badInput(fmt.Errorf("--out %s: the folder holds %s and no ledger: name an empty folder, a new one, or one that settle made", out, e.Name()))
		}
	}
	return nil
}

// workingFolder returns a folder to settle in that no other command uses, and
// what to do at the end. A dry run works on a copy of what is there.
func workingFolder(f settleFlags) (dir string, end func() error, err error) {
	if f.dryRun {
		return scratchFolder(f.out)
	}
	if err := os.MkdirAll(f.out, 0o750); err != nil {
		return "", nil, fmt.Errorf("--out: the folder cannot be made: %w", err)
	}
	release, err := lockFolder(f.out, true)
	if err != nil {
		return "", nil, err
	}
	return f.out, release, checkOut(f.out) // Another command may have been here since the first check.
}

// scratchFolder returns a folder that ends with the command and starts as a copy
// of another, if there is one.
func scratchFolder(of string) (dir string, end func() error, err error) {
	if dir, err = os.MkdirTemp("", "commonwatt-dry-run-"); err != nil {
		return "", nil, err
	}
	end = func() error { return os.RemoveAll(dir) }
	if of == "" {
		return dir, end, nil
	}
	release, err := lockFolder(of, false)
	if errors.Is(err, fs.ErrNotExist) {
		return dir, end, nil
	}
	if err == nil {
		err = errors.Join(os.CopyFS(dir, os.DirFS(of)), release())
	}
	if err != nil {
		return "", nil, errors.Join(err, end())
	}
	return dir, end, nil
}
