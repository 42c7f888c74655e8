package chain

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
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
