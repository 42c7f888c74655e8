package live

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/operator"
	"github.com/commonwatt/commonwatt/session"
)

// checkpointDirs begins the names of the folders in a running node's folder that each
// hold a copy of its ledger for as long as it takes to back it up.
const checkpointDirs = "checkpoint-"

// dropCheckpoints removes what a backup left that was cut short.
func dropCheckpoints(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), checkpointDirs) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	return err
}

// kept are the files of a node's folder besides the ledger that a backup holds,
// those of them that are there. What can be made again, the read model and the
// results of settle, is not among them.
var kept = []string{community.File, community.PricesFile, community.CarbonFile, operator.KeyFile, operator.OrganisationFile, operator.ReceiptKeyFile, node.SettingsFile, node.InvitationFile, node.OrganisationsFile, session.FileName, session.DevicesFile, session.CodesFile}

// keptFolders are the folders that a backup holds, those of them that are there.
var keptFolders = []string{StatementsDir, ConsumptionDir}

// checkpoint copies the ledger as it is now, with what belongs to it.
func (l *Live) checkpoint(ctx context.Context) (folder string, err error) {
	if folder, err = os.MkdirTemp(l.Dir, checkpointDirs+"*"); err != nil {
		return "", err
	}
	if err := l.between(ctx, func(context.Context) error { return l.Node.Checkpoint(folder) }); err != nil {
		return "", errors.Join(err, os.RemoveAll(folder))
	}
	for _, name := range kept {
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
	for _, name := range keptFolders {
		from := os.DirFS(filepath.Join(l.Dir, name))
		if err := os.CopyFS(filepath.Join(folder, name), from); err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", errors.Join(err, os.RemoveAll(folder))
		}
	}
	return folder, nil
}
