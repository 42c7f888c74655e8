package chain

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cometbft/cometbft/crypto"
	"github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/types"

	"github.com/commonwatt/commonwatt/keyfile"
)

// public is a validator's public key in the folder of a node whose signer has the secret
// one. It says the same thing twice, so that a change is found.
type public struct {
	Address types.Address `json:"address"`
	PubKey  crypto.PubKey `json:"pub_key"`
}

func loadPublic(dir string) (crypto.PubKey, error) {
	var p public
	if err := readJSON(filepath.Join(dir, publicFile), &p); err != nil {
		return nil, err
	}
	if _, ok := p.PubKey.(ed25519.PubKey); !ok || !bytes.Equal(p.PubKey.Address(), p.Address) {
		return nil, fmt.Errorf("%s: %w", publicFile, ErrChanged)
	}
	return p.PubKey, nil
}

// Reasons why a validator's key is not moved.
var (
	ErrMoved    = errors.New("the folder has no validator's key")
	ErrRestored = errors.New("the validator was restored from a copy and does not know what it signed last: run the node until it signs again, or say from where on it never signed, with commonwatt key sign-from DIR HEIGHT")
)

// MoveSigner moves the validator's key and mark of a stopped chain's folder into a folder
// for a signer. Before the key leaves, tell hears by which id nodes know the signer. A
// move that was cut short is done by the next one, as long as the signer never ran.
//
// Errors: ErrMoved; ErrRestored; ErrNoMark; ErrChanged; tell's own; those of the disk.
func MoveSigner(from, to string, tell func(id string) error) error {
	own, err := signerIdentity(to)
	if err != nil {
		return err
	}
	key, err := copySigner(from, to)
	if err != nil {
		return err
	}
	if err := tell(string(own.ID())); err != nil {
		return err
	}
	if err := writeJSON(filepath.Join(from, publicFile), &public{key.Address(), key}); err != nil {
		return err
	}
	for _, name := range []string{signerFile, signedFile} {
		if err := os.Remove(filepath.Join(from, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return keyfile.SyncDir(from)
}

// signerIdentity is the key by which nodes know a signer, and is made where there is none.
func signerIdentity(dir string) (*p2p.NodeKey, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	own, err := loadNode(dir)
	if !errors.Is(err, fs.ErrNotExist) {
		return own, err
	}
	own = &p2p.NodeKey{PrivKey: ed25519.GenPrivKey()}
	return own, writeJSON(filepath.Join(dir, nodeFile), own)
}

// copySigner copies key and mark, encrypted where they are, unless they were moved.
func copySigner(from, to string) (crypto.PubKey, error) {
	there, err := loadSigner(to)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, ErrNoMark) {
		return nil, err
	}
	here, err := loadSigner(from)
	if errors.Is(err, fs.ErrNotExist) && there != nil {
		moved, err := loadPublic(from)
		if err != nil || !moved.Equals(there.Key.PubKey) {
			return nil, errors.Join(ErrMoved, err)
		}
		return moved, nil
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, ErrMoved
	case err != nil:
		return nil, err
	case there != nil && !there.Key.PubKey.Equals(here.Key.PubKey):
		return nil, fmt.Errorf("%s: it has the key of another validator", to)
	}
	if waiting, err := newWaiting(from); waiting != nil || err != nil {
		return nil, errors.Join(ErrRestored, err)
	}
	for _, name := range []string{signedFile, signerFile} {
		text, err := os.ReadFile(filepath.Join(from, name))
		if err == nil {
			err = keyfile.Replace(filepath.Join(to, name), text)
		}
		if err != nil {
			return nil, err
		}
	}
	return here.Key.PubKey, nil
}
