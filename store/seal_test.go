package store

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/state"
)

// sealed returns a sealed folder: a key, an empty file, and one of three parts.
func sealed(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "deep"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, size := range map[string]int{"key.json": 40, "empty": 0, "deep/big \"one\"": 2*partBytes + 100} {
		if err := os.WriteFile(filepath.Join(dir, name), slices.Repeat([]byte("x"), size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := Seal(dir); err != nil {
		t.Fatal(err)
	}
	if err := CheckSeal(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// damage returns what CheckSeal finds, which must be damage.
func damage(t *testing.T, dir string) Damaged {
	t.Helper()
	var found Damaged
	if err := CheckSeal(dir); !errors.As(err, &found) {
		t.Fatalf("not damage: %v", err)
	}
	return found
}

func TestEveryFlippedBitIsFound(t *testing.T) {
	dir := sealed(t)
	for _, name := range []string{"key.json", "deep/big \"one\"", sealName} {
		path := filepath.Join(dir, name)
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for at := 0; at < len(raw); at += 1 + len(raw)/200 {
			raw[at] ^= 1 << (at % 8)
			if err := os.WriteFile(path, raw, 0o600); err != nil {
				t.Fatal(err)
			}
			found := damage(t, dir)
			if len(found) != 1 || found[0].File != name || int64(at) < found[0].From || int64(at) >= found[0].To {
				t.Errorf("bit flipped in %s at %d: %v", name, at, found)
			}
			raw[at] ^= 1 << (at % 8)
		}
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := CheckSeal(dir); err != nil {
		t.Errorf("all bits are back: %v", err)
	}
}

func TestChangedFilesAreFound(t *testing.T) {
	big := filepath.Join("deep", "big \"one\"")
	for _, c := range []struct {
		name   string
		change func(dir string) error
		want   string
	}{
		{"missing", func(dir string) error { return os.Remove(filepath.Join(dir, "key.json")) }, "key.json bytes 0-40: the file is missing"},
		{"added", func(dir string) error { return os.WriteFile(filepath.Join(dir, "deep", "new"), nil, 0o600) }, "deep/new bytes 0-0: the file is not in the seal"},
		{"cut", func(dir string) error { return os.Truncate(filepath.Join(dir, big), partBytes+7) }, "bytes 65536-131172: the file has 65543 bytes where the seal has 131172"},
		{"cut to a part", func(dir string) error { return os.Truncate(filepath.Join(dir, big), partBytes) }, "bytes 65536-131172: the file has 65536 bytes"},
		{"grown", func(dir string) error { return os.Truncate(filepath.Join(dir, "empty"), 3) }, "empty bytes 0-3: the file has 3 bytes where the seal has 0"},
		{"seal cut", func(dir string) error { return os.Truncate(filepath.Join(dir, sealName), 30) }, "SEAL bytes 0-30: the seal is cut off"},
		{"seal grown", func(dir string) error { return os.Truncate(filepath.Join(dir, sealName), 1<<12) }, "SEAL bytes 0-4096: the seal itself has changed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := sealed(t)
			if err := c.change(dir); err != nil {
				t.Fatal(err)
			}
			if found := damage(t, dir); len(found) != 1 || !strings.Contains(found.Error(), c.want) {
				t.Errorf("found %v, want %s", found, c.want)
			}
		})
	}
}

func TestUnsealedFolderIsNotDamaged(t *testing.T) {
	dir := sealed(t)
	if err := Unseal(dir); err != nil {
		t.Fatal(err)
	}
	if err := CheckSeal(dir); !errors.Is(err, ErrNoSeal) {
		t.Errorf("without a seal: %v", err)
	}
	if err := Unseal(dir); err != nil {
		t.Errorf("a second time: %v", err)
	}
}

// Looking at a closed store does not break its seal.
func TestReadingKeepsTheSeal(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	commit(t, s, Block{Height: 1, Changes: []state.Change{put("a", "1")}, Head: []byte("at 1")})
	if err := errors.Join(s.Close(), Seal(dir)); err != nil {
		t.Fatal(err)
	}
	s, err = Open(dir, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if row, ok := s.Get([]byte("a")); string(row) != "1" || !ok {
		t.Errorf("the row is %q", row)
	}
	if err := errors.Join(s.Close(), CheckSeal(dir)); err != nil {
		t.Error(err)
	}
}
