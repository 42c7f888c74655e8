package live

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/operator"
	"github.com/commonwatt/commonwatt/session"
)

// CheckpointDir is the folder in a running node's folder that holds a copy of its
// ledger for as long as it takes to back it up.
const CheckpointDir = "checkpoint"

// Kept are the files of a node's folder besides the ledger that a backup holds,
// those of them that are there. What can be made again, the read model and the
// results of settle, is not among them.
var Kept = []string{community.File, community.PricesFile, operator.KeyFile, session.FileName}

// checkpoint copies the ledger as it is now, with what belongs to it.
func (l *Live) checkpoint(ctx context.Context) (folder string, err error) {
	folder = filepath.Join(l.Dir, CheckpointDir)
	err = l.between(ctx, func(context.Context) error {
		if err := os.RemoveAll(folder); err != nil {
			return err
		}
		if err := l.Node.Checkpoint(folder); err != nil {
			return errors.Join(err, os.RemoveAll(folder))
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	for _, name := range Kept {
		text, err := os.ReadFile(filepath.Join(l.Dir, name))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, name), text, 0o600)
		}
		if err != nil {
			return "", errors.Join(err, os.RemoveAll(folder))
		}
	}
	return folder, nil
}
