package chain

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
)

// CometBFT's log of its votes, in a folder of its own: a head, and chunks of ten
// megabytes or more that are numbered in the order in which they were full.
const (
	walFolder = "wal"
	walHead   = "wal"
)

// walChunksKept are the full chunks that a stopped chain keeps. The log is read
// back to the end of the last height, and a height is less than half a chunk.
const walChunksKept = 2

// trimWAL removes the chunks of a stopped chain's log that it has no use for; the
// blocks in them are in the block store. CometBFT would keep a gigabyte.
func trimWAL(dir string) (err error) {
	chunks, err := filepath.Glob(filepath.Join(dir, walFolder, walHead+".[0-9]*"))
	if err != nil {
		return err
	}
	slices.SortFunc(chunks, func(a, b string) int {
		// Numbers have three digits or more, so the longer is the later.
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return slices.Compare([]byte(a), []byte(b))
	})
	for _, chunk := range chunks[:max(0, len(chunks)-walChunksKept)] {
		err = errors.Join(err, os.Remove(chunk))
	}
	return err
}
