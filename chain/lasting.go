package chain

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/cometbft/cometbft/types"
)

// saveGenesis writes a genesis document as a whole or not at all: its file is what
// makes a folder a chain's.
func saveGenesis(document *types.GenesisDoc, dir string) error {
	draft := genesisFile + ".new"
	err := document.SaveAs(filepath.Join(dir, draft))
	if err == nil {
		err = lasting(dir, draft)
	}
	if err == nil {
		err = os.Rename(filepath.Join(dir, draft), filepath.Join(dir, genesisFile))
	}
	if err == nil {
		err = lasting(dir)
	}
	return err
}

// lasting makes files of a folder, and all names in it, last when the power goes.
func lasting(dir string, files ...string) error {
	for _, name := range append(files, ".") {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return fmt.Errorf("sync: %w", err)
		}
	}
	return nil
}
