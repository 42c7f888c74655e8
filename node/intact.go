package node

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/commonwatt/commonwatt/chain"
	"github.com/commonwatt/commonwatt/store"
)

// intact compares what a node keeps with the seal of a folder that was closed cleanly,
// byte by byte. Without a seal there is nothing to compare: then the storage engine
// checks what it reads, and the chain what it starts from. A read model that has changed
// is removed, because it is made again from the receipts.
//
// Errors: store.Damaged, in the words of unusable; those of the disk.
func intact(dir string, log *slog.Logger) error {
	var damaged store.Damaged
	if err := store.CheckSeal(dir, viewFile); errors.As(err, &damaged) && !damaged.Unsealed() {
		log.Warn("the read model has changed since the node was closed, and is made again", "file", viewFile)
		if err := os.Remove(filepath.Join(dir, viewFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("node: %w", err)
		}
	}
	err := store.CheckSeal(dir, storeDir)
	switch {
	case errors.Is(err, store.ErrNoSeal):
		return nil
	case errors.As(err, &damaged) && damaged.Unsealed():
		log.Warn("the seal of the folder has changed since the node was closed: what is in it is checked as it is read", "reason", err)
		return nil
	case err != nil:
		return unusable(dir, err)
	}
	return nil
}

// unusable says what to do about a store that cannot be used.
func unusable(dir string, err error) error {
	return fmt.Errorf("%w\nnode: %s cannot be used: restore the folder from a backup, or, if the node has peers, move %[2]s aside and start again: it gets everything from them, and keeps its keys",
		err, filepath.Join(dir, storeDir))
}

// explained adds what to do to an error by which a node does not open.
func explained(dir string, err error) error {
	if store.Corrupt(err) || errors.Is(err, chain.ErrBroken) {
		return unusable(dir, err)
	}
	return err
}

// attempt opens the node. What the storage engine cannot read is a reason not to start
// like any other.
func (n *Node) attempt(cfg Config) (err error) {
	defer func() {
		switch reason := recover().(type) {
		case nil:
		case store.Fault:
			err = reason
		default:
			panic(reason)
		}
	}()
	return n.open(cfg)
}
