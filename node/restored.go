package node

import (
	"path"
	"path/filepath"

	"github.com/commonwatt/commonwatt/chain"
	"github.com/commonwatt/commonwatt/store"
)

// Restored makes the validator of a folder that came from a copy sign nothing until it
// has seen the network go on without it: it may have signed more than the copy knows.
// The folder's seal, if it has one, says so, too.
func Restored(dir string) error {
	if err := chain.Restored(filepath.Join(dir, chainDir)); err != nil {
		return err
	}
	return store.Reseal(dir, path.Join(chainDir, chain.RestoredFile))
}

// SignFrom makes the validator of a node's or a signer's folder sign for a height and
// those after it, and for none before.
//
// Errors: chain.ErrMark; chain.ErrKeyAway; those of the disk.
func SignFrom(dir string, height int64) error {
	if IsSigner(dir) {
		return chain.SignFrom(dir, height)
	}
	if err := chain.SignFrom(filepath.Join(dir, chainDir), height); err != nil {
		return err
	}
	return store.Unseal(dir) // What was sealed was another mark.
}
