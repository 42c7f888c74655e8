package node

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/commonwatt/commonwatt/chain"
)

// Checkpoint copies the running node's ledger, as of now, into an empty folder on
// the same disk. A node that is opened there goes on from it.
// Its read model is not copied: that node makes it again.
//
// The copy has this node's keys. Where both run as validators, both sign, and
// signing twice is what validators are removed for.
func (n *Node) Checkpoint(dir string) error {
	// The keys first: what was signed last must not be newer than the blocks.
	if err := os.MkdirAll(filepath.Join(dir, chainDir), 0o700); err != nil {
		return fmt.Errorf("node: checkpoint: %w", err)
	}
	for _, name := range chain.Files(filepath.Join(n.dir, chainDir)) {
		text, err := os.ReadFile(filepath.Join(n.dir, chainDir, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, chainDir, name), text, 0o600)
		}
		if err != nil {
			return fmt.Errorf("node: checkpoint: %w", err)
		}
	}
	if err := n.store.Checkpoint(filepath.Join(dir, storeDir)); err != nil {
		return fmt.Errorf("node: checkpoint: %w", err)
	}
	return nil
}
