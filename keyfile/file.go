package keyfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// ErrLocked means that a file is encrypted and nobody was said to know the passphrase.
var ErrLocked = errors.New("the key is encrypted, and there is nobody to ask for its passphrase")

// ring is who knows this process's passphrase, who is asked once.
var ring struct {
	sync.Mutex
	ask   func() ([]byte, error)
	known []byte
}

// UnlockWith says whom this process asks for the passphrase of its keys, at most once,
// when the first encrypted one is read. It is for the start of a program.
func UnlockWith(ask func() ([]byte, error)) {
	ring.Lock()
	defer ring.Unlock()
	ring.ask, ring.known = ask, nil
}

// passphrase asks, unless it is known.
func passphrase() ([]byte, error) {
	ring.Lock()
	defer ring.Unlock()
	if ring.known != nil {
		return ring.known, nil
	}
	if ring.ask == nil {
		return nil, ErrLocked
	}
	known, err := ring.ask()
	if err == nil {
		ring.known = known
	}
	return known, err
}

// Read reads a file that may be encrypted.
//
// Errors: ErrLocked; ErrPassphrase; ErrFormat; those of the disk.
func Read(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil || !Encrypted(text) {
		return text, err
	}
	secret, err := passphrase()
	if err == nil {
		text, err = Decrypt(text, secret)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return text, nil
}

// Replace writes a file that only its owner reads, whole or not at all; it is on disk
// when it returns.
func Replace(path string, text []byte) (err error) {
	draft, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // 0600.
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(draft.Name()) }() // It is gone when all went well.
	_, err = draft.Write(text)
	if err = errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return err
	}
	if err := os.Rename(draft.Name(), path); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(path))
}

// SyncDir makes what was renamed in a folder last.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
