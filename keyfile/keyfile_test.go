package keyfile

import (
	"bytes"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// cheap is a cost for tests.
var cheap = Cost{Passes: 1, MemoryKiB: 64, Lanes: 1}

// The test vector of format 1: another program that reads the format gets this text
// from this file.
const (
	vectorText       = "the key of a validator\n"
	vectorPassphrase = "correct horse battery staple"
	vectorRandom     = "000102030405060708090a0b0c0d0e0f" + "101112131415161718191a1b1c1d1e1f2021222324252627"
)

var vectorCost = Cost{Passes: 3, MemoryKiB: 256, Lanes: 4}

func TestVector(t *testing.T) {
	path := filepath.Join("testdata", "format1.key")
	random, err := hex.DecodeString(vectorRandom)
	if err != nil {
		t.Fatal(err)
	}
	got := encrypt([]byte(vectorText), []byte(vectorPassphrase), vectorCost, random)
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the format changed: files that people have cannot be read:\n%s", got)
	}
	text, err := Decrypt(want, []byte(vectorPassphrase))
	if err != nil || string(text) != vectorText {
		t.Errorf("%q, %v", text, err)
	}
}

// TestChanged changes every byte of a file, and its PEM.
func TestChanged(t *testing.T) {
	secret := []byte("secret")
	file := Encrypt([]byte("key"), secret, cheap)
	if bytes.Contains(file, []byte("key\n")) || !Encrypted(file) || Encrypted([]byte("key")) {
		t.Error("what is encrypted cannot be told")
	}
	if _, err := Decrypt(file, []byte("secreT")); !errors.Is(err, ErrPassphrase) {
		t.Errorf("another passphrase: %v", err)
	}
	block, _ := pem.Decode(file)
	for i := range block.Bytes {
		if i >= len(magic)+1 && i < len(magic)+10 {
			continue // The cost: below.
		}
		changed := bytes.Clone(block.Bytes)
		changed[i] ^= 1
		if _, err := Decrypt(pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: changed}), secret); err == nil {
			t.Errorf("byte %d was changed, and it opens", i)
		}
	}
	cheaper := bytes.Clone(block.Bytes)
	cheaper[len(magic)+4] = 2 // Passes: another key.
	if _, err := Decrypt(pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: cheaper}), secret); !errors.Is(err, ErrPassphrase) {
		t.Errorf("another cost: %v", err)
	}
	greedy := bytes.Clone(block.Bytes)
	greedy[len(magic)+5] = 0x7f // 8 TiB.
	slow := bytes.Clone(block.Bytes)
	slow[len(magic)+4] = passesMax + 1
	for what, bad := range map[string][]byte{
		"slow":   pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: slow}),
		"greedy": pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: greedy}),
		"short":  pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: block.Bytes[:headerSize-1]}),
		"type":   pem.EncodeToMemory(&pem.Block{Type: "KEY", Bytes: block.Bytes}),
		"more":   append(bytes.Clone(file), "more"...),
		"none":   []byte("none"),
	} {
		if _, err := Decrypt(bad, secret); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestHeaderIsAuthenticated takes a file whose cipher was told nothing of the header.
func TestHeaderIsAuthenticated(t *testing.T) {
	secret := []byte("secret")
	block, _ := pem.Decode(Encrypt([]byte("key"), secret, cheap))
	header := block.Bytes[:headerSize]
	fields := header[len(magic)+1:]
	forged := cipherOf(secret, fields[9:25], cheap).Seal(bytes.Clone(header), fields[25:], []byte("key"), nil)
	if _, err := Decrypt(pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: forged}), secret); !errors.Is(err, ErrPassphrase) {
		t.Errorf("%v", err)
	}
}

// TestRead asks once, for the first encrypted file, and never for one in the clear.
func TestRead(t *testing.T) {
	dir := t.TempDir()
	open, locked := filepath.Join(dir, "open"), filepath.Join(dir, "locked")
	if err := errors.Join(Replace(open, []byte("a")), Replace(locked, Encrypt([]byte("b"), []byte("secret"), cheap))); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { UnlockWith(nil) })
	UnlockWith(nil)
	if _, err := Read(locked); !errors.Is(err, ErrLocked) {
		t.Errorf("nobody to ask: %v", err)
	}
	asked := 0
	UnlockWith(func() ([]byte, error) { asked++; return []byte("secret"), nil })
	for range 2 {
		if text, err := Read(open); err != nil || string(text) != "a" {
			t.Errorf("%q, %v", text, err)
		}
	}
	if asked != 0 {
		t.Error("it asks for a passphrase of a file in the clear")
	}
	for range 2 {
		if text, err := Read(locked); err != nil || string(text) != "b" {
			t.Errorf("%q, %v", text, err)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
	UnlockWith(func() ([]byte, error) { return []byte("wrong"), nil })
	if _, err := Read(locked); !errors.Is(err, ErrPassphrase) || !strings.Contains(err.Error(), "locked") || strings.Contains(err.Error(), "wrong") {
		t.Errorf("a wrong one: %v", err)
	}
	if info, err := os.Stat(locked); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}
