package store

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// A file that is changed on purpose can be sealed again; every other one is told
// on as before.
func TestReseal(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := Reseal(dir, "none"); err != nil || Sealed(dir) {
		t.Errorf("a folder without a seal: %v", err)
	}
	put("a", "1")
	put("c", "1")
	if err := Seal(dir); err != nil {
		t.Fatal(err)
	}
	put("a", "22")
	put("b", "new")
	if err := Reseal(dir, "b", "a"); err != nil {
		t.Fatal(err)
	}
	if err := CheckSeal(dir); err != nil {
		t.Error(err)
	}
	put("c", "2")
	if err := Reseal(dir, "a"); err != nil {
		t.Fatal(err)
	}
	if damaged, ok := errors.AsType[Damaged](CheckSeal(dir)); !ok || len(damaged) != 1 || damaged[0].File != "c" {
		t.Errorf("another file that changed: %v", damaged)
	}
	put("SEAL", "x")
	if _, ok := errors.AsType[Damaged](Reseal(dir, "a")); !ok {
		t.Error("a damaged seal was written again")
	}
}
