package operator

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/node"
)

// A founding that was cut short after its key was there is completed with that key.
func TestOpenCompletes(t *testing.T) {
	dir := t.TempDir()
	if _, err := makeKey(dir, KeyFile); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "chain"), 0o700); err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(filepath.Join(dir, KeyFile))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, "Half a community"); err != nil || !node.Exists(dir) {
		t.Fatalf("the founding was not completed: %v", err)
	}
	if now, err := os.ReadFile(filepath.Join(dir, KeyFile)); err != nil || string(now) != string(key) {
		t.Errorf("the key was made anew: %v", err)
	}
}

// A ledger whose key is gone cannot be continued, and says so.
func TestOpenWithoutKey(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(dir, "Keyless"); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, KeyFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, "Keyless"); err == nil {
		t.Error("a ledger was opened without its operator's key")
	}
}

// What is no key is refused with the file's name.
func TestOpenGarbage(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, KeyFile), []byte("not a key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, "Garbage"); err == nil {
		t.Error("garbage was taken for a key")
	}
}

// A chain's name is at most 50 bytes, whatever the community is called, and never
// twice the same.
func TestChainID(t *testing.T) {
	for _, name := range []string{"Riverside", "Straße ö 1", strings.Repeat("ü", 32), strings.Repeat("Weg ", 16), "", "日本"} {
		id := chainID(name)
		if len(id) > 50 || id == chainID(name) || strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
			t.Errorf("%q becomes %q", name, id)
		}
	}
}
