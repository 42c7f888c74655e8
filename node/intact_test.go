package node_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/store"
)

// A folder that was closed cleanly and has changed since does not open, and says what
// to do; a read model that has changed is made again.
func TestChangedFolderDoesNotOpen(t *testing.T) {
	n, dir := start(t, 2)
	fund(t, n, 2)
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	spoil := func(path string) {
		t.Helper()
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		raw[len(raw)/2] ^= 1
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	spoil(filepath.Join(dir, "view.sqlite"))
	n = open(t, dir)
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := node.Verify(t.Context(), dir, func(int64, int64) {}); err != nil {
		t.Errorf("the read model is not made again: %v", err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "store", "blocks", "*.sst"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no blocks in %v: %v", files, err)
	}
	spoil(files[0])
	_, err = node.Open(node.Config{Dir: dir})
	if damaged := (store.Damaged{}); !errors.As(err, &damaged) || !strings.Contains(err.Error(), "if the node has peers") {
		t.Errorf("a changed store opens: %v", err)
	}
	if !store.Sealed(dir) {
		t.Error("the seal is gone, and with it what tells of the change")
	}
}
