package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Reseal brings the seal of a folder up to date with some files of it that were
// changed on purpose, by their paths within it. What the seal says of all others
// stays, so that it goes on telling on them. A folder without a seal gets none.
//
// Errors: Damaged when the seal itself is; those of the disk.
func Reseal(dir string, paths ...string) error {
	sealed, err := readSeal(filepath.Join(dir, sealName))
	if errors.Is(err, ErrNoSeal) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, path := range paths {
		f, err := digest(dir, path)
		if err != nil {
			return fmt.Errorf("store: reseal: %w", err)
		}
		i, found := slices.BinarySearchFunc(sealed, path, func(f file, path string) int { return strings.Compare(f.path, path) })
		if found {
			sealed[i] = f
		} else {
			sealed = slices.Insert(sealed, i, f)
		}
	}
	draft := filepath.Join(dir, sealDraft)
	if err := writeSeal(draft, slices.Values(sealed)); err != nil {
		return fmt.Errorf("store: reseal: %w", err)
	}
	if err := os.Rename(draft, filepath.Join(dir, sealName)); err != nil {
		return fmt.Errorf("store: reseal: %w", err)
	}
	return syncDir(dir)
}
