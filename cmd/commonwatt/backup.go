package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/live"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/store"
)

func backupCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "backup DIR FILE",
		Short: "Back up a ledger's folder into one file",
		Long: `Backup writes a ledger's folder into one compressed tar: the ledger, the community's
file, the keys, who may sign in. The sum of every file is in it, and restore checks
them.

A node that runs in DIR goes on running: the backup holds the ledger as it is now.

Whoever has the file has the operator's key: keep it as you keep money.`,
		Example:           `  commonwatt backup elm-street elm-street.backup`,
		Args:              usage(cobra.ExactArgs(2)),
		ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			return backup(cmd, args[0], args[1])
		},
	}
}

// backup writes the file, whole or not at all.
func backup(cmd *cobra.Command, dir, file string) (err error) {
	ctx, stop := interruptible(cmd.Context())
	defer stop()
	if err := checkLedger(dir); err != nil {
		return err
	}
	if err := checkTarget(dir, file); err != nil {
		return err
	}
	from, end, err := still(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	draft, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+"-*") // 0600.
	if err != nil {
		return badInput(fmt.Errorf("the backup cannot be written: %w", err))
	}
	defer func() { _ = os.Remove(draft.Name()) }() // It is gone when all went well.
	show := newProgress(cmd.ErrOrStderr())
	err = pack(interrupted(ctx, draft), from, func(done, total int64) { show.draw("backing up", done, total, "kB", 1000) })
	show.end()
	if err = errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return err
	}
	if err := os.Rename(draft.Name(), file); err != nil {
		return err
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s holds %s, %d kB\n", file, dir, (info.Size()+999)/1000)
	return err
}

// checkTarget refuses a file that is there, or that would lie in what it holds.
func checkTarget(dir, file string) error {
	if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
		return badInput(errors.Join(fmt.Errorf("%s is there already: name another file", file), err))
	}
	folder, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	path, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	if strings.HasPrefix(path, folder+string(filepath.Separator)) {
		return badInput(fmt.Errorf("%s lies in the folder that it is to hold: name a file elsewhere, best on another disk", file))
	}
	return nil
}

// still returns a folder in which a ledger does not change until end: a copy, where
// a node runs.
func still(ctx context.Context, dir string) (folder string, end func() error, err error) {
	client, err := live.Find(ctx, dir)
	if errors.Is(err, live.ErrNotRunning) {
		end, err = lockFolder(dir, false)
		return dir, end, err
	}
	if err == nil {
		folder, err = client.Checkpoint(ctx)
	}
	return folder, func() error { return os.RemoveAll(folder) }, err
}

// interrupted returns a file that takes nothing any more once the context ended.
func interrupted(ctx context.Context, out *os.File) writerFunc {
	return func(p []byte) (int, error) {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		return out.Write(p)
	}
}

func restoreCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "restore FILE DIR",
		Short: "Bring a ledger's folder back from a backup",
		Long: `Restore unpacks a backup into a new folder and checks every file. A backup that is
broken anywhere is refused whole, and no folder is made.

The folder has the keys of the one that was backed up. Never run both: as validators
they would sign twice, which proves to everybody that one of them cheats. In a network the
node that was restored follows at first, and signs as a validator once it has seen the
others decide five blocks after its start, and not with its own key. Where they cannot without
it, see "commonwatt key sign-from --help".`,
		Example:           `  commonwatt restore elm-street.backup elm-street-again`,
		Args:              usage(cobra.ExactArgs(2)),
		ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			return restore(cmd, args[0], args[1])
		},
	}
}

// restore makes the folder, whole or not at all.
func restore(cmd *cobra.Command, file, dir string) (err error) {
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return badInput(errors.Join(fmt.Errorf("%s is in use: name an empty folder or a new one; nothing was restored", dir), err))
	}
	in, err := os.Open(file)
	if err != nil {
		return badInput(err)
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	draft, err := os.MkdirTemp(filepath.Dir(filepath.Clean(dir)), ".restore-*") // 0700.
	if err != nil {
		return badInput(fmt.Errorf("the folder cannot be made: %w", err))
	}
	defer func() { err = errors.Join(err, os.RemoveAll(draft)) }()
	show := newProgress(cmd.ErrOrStderr())
	defer show.end()
	progress := counter(func(n int64) { show.draw("restoring", n, info.Size(), "kB", 1000) })
	if err := unpack(io.TeeReader(in, progress), draft); err != nil {
		if errors.Is(err, errBroken) {
			err = badInput(fmt.Errorf("%s: %w; nothing was restored: take another backup", file, err))
		}
		return err
	}
	if err := seal(cmd.Context(), draft, show); err != nil {
		return badInput(fmt.Errorf("%s: its files are whole, but its ledger does not open: %w; nothing was restored", file, err))
	}
	show.end()
	if err := errors.Join(ignoreMissing(os.Remove(dir)), os.Rename(draft, dir)); err != nil {
		return err
	}
	return tellRestored(cmd, dir)
}

// seal brings a folder to rest that was backed up while its node ran. One that was
// at rest has to be what its seal says. Its validator signs nothing meanwhile, and in a
// network nothing before it has seen the others go on: one that decided alone when it was
// backed up may have been joined by others since.
func seal(ctx context.Context, dir string, show *progress) error {
	if store.Sealed(dir) {
		if err := store.CheckSeal(dir); err != nil {
			return err
		}
	}
	s, err := node.Inspect(dir)
	if err != nil {
		return err
	}
	settings, err := node.LoadSettings(dir)
	if err != nil {
		return err
	}
	if s.Validators > 1 || settings.Listen != "" {
		if err := node.Restored(dir); err != nil {
			return err
		}
	}
	if store.Sealed(dir) {
		return nil
	}
	n, err := node.Open(node.Config{Dir: dir, Log: newLog(show.out), Silent: true})
	if err != nil {
		return err
	}
	return errors.Join(n.Seen(ctx, n.Height()), n.Close())
}

// tellRestored says what was restored, and what not to do with it.
func tellRestored(cmd *cobra.Command, dir string) error {
	s, err := node.Inspect(dir)
	if err != nil {
		return err
	}
	settings, err := node.LoadSettings(dir)
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s is restored: %s, height %d\n\nNext: commonwatt verify %s\n", dir, s.Chain, s.Height, shellWord(dir))
	w := cmd.ErrOrStderr()
	if s.Validators == 1 && settings.Listen != "" {
		fmt.Fprintf(w, "It is of a network, and was its only validator: it signs nothing until it has seen others decide. If there are still none, and no node has later blocks: commonwatt key sign-from %s %d\n", shellWord(dir), s.Height+1)
	}
	_, err = fmt.Fprintln(w, "It has the keys of the folder that was backed up: never run both, they would sign twice.")
	return err
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
