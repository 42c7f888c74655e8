package chain

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTrimmedLogKeepsItsEnd(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, walFolder), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"wal", "wal.008", "wal.998", "wal.999", "wal.1000", "wal.CORRUPTED"} {
		if err := os.WriteFile(filepath.Join(dir, walFolder, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := trimWAL(dir); err != nil {
		t.Fatal(err)
	}
	var left []string
	entries, err := os.ReadDir(filepath.Join(dir, walFolder))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		left = append(left, entry.Name())
	}
	if want := []string{"wal", "wal.1000", "wal.999", "wal.CORRUPTED"}; !slices.Equal(left, want) {
		t.Errorf("left %q, want %q", left, want)
	}
}

// A process that dies after a block is stored and before its height is marked as
// ended leaves a log without the mark. Dying again would lose votes behind it, so
// the next start sets it.
func TestMissingMarkIsSet(t *testing.T) {
	d := newDisk(t)
	app := newCounter(t, d.db("app"))
	c := d.start(t, app)
	submit(t, c, app, 1)
	stop(t, c)
	last := c.Height()
	if err := os.RemoveAll(filepath.Join(d.dir, walFolder)); err != nil {
		t.Fatal(err)
	}
	again := newCounter(t, d.db("app"))
	c = d.start(t, again)
	submit(t, c, again, 2)
	stop(t, c)
	if found, err := endsHeight(d.dir, last, newLogger(silent)); !found || err != nil {
		t.Errorf("the end of height %d is not in the log: %v", last, err)
	}
}

// Without its log of votes a validator signs nothing: it says so, and does not just
// stand still.
func TestLostLogOfVotesHalts(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	app := newCounter(t, d.db("app"))
	c := d.start(t, app)
	defer stop(t, c)
	submit(t, c, app, 1)
	head := filepath.Join(d.dir, walFolder, walHead)
	if err := errors.Join(os.Remove(head), os.Mkdir(head, 0o700)); err != nil {
		t.Fatal(err)
	}
	select {
	case <-c.Done():
	case <-time.After(time.Minute):
		t.Fatal("the chain goes on without its log")
	}
	if err := c.Err(); !strings.Contains(err.Error(), "the log of votes cannot be written") {
		t.Error(err)
	}
}
