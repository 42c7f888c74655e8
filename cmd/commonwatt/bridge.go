package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/bridge"
)

// now is the clock by which the bridge reads meters.
var now = time.Now

// tryFor is for how long a dry run listens: meters publish every minute or more often,
// Tasmota every five minutes.
const tryFor = 6 * time.Minute

func bridgeCommand() *cobra.Command {
	var dryRun, verbose bool
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "bridge FILE",
		Short: "Read a home's meters that do not sign, and sign for them",
		Long: `Bridge runs in a home. It reads the registers of meters that do not sign, P1 ports,
Shelly, Tasmota, evcc and what else publishes a register on the home's own MQTT broker,
signs one message for each of them and interval with the home's gateway key, and delivers
it to the community's node. Each message is on disk before it leaves and until its
receipt has come.

FILE is described in docs/bridge.md. The key is enrolled for each meter with
"commonwatt meter key DIR METER KEY --bridged": pages and receipts say that the meter
does not sign.

--dry-run listens until each register was heard once, and prints what they show.`,
		Example: `  commonwatt bridge home.toml --dry-run
  commonwatt bridge home.toml`,
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := bridge.Load(args[0])
			if err != nil {
				return badInput(err)
			}
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			level := slog.LevelInfo
			if verbose {
				level = slog.LevelDebug
			}
			log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: level}))
			if dryRun {
				return tryBridge(ctx, cmd.OutOrStdout(), cfg, wait, log)
			}
			if err := runBridge(ctx, cfg, log); err != nil && !errors.Is(err, errInterrupted) {
				return err
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "listen, print what each register shows, and sign nothing")
	cmd.Flags().DurationVar(&wait, "wait", tryFor, "for how long a dry run listens")
	cmd.Flags().BoolVar(&verbose, "verbose", false, "tell of every reading")
	return cmd
}

// runBridge runs a bridge until the context ends.
func runBridge(ctx context.Context, cfg bridge.Config, log *slog.Logger) (err error) {
	if err := os.MkdirAll(cfg.Folder, 0o700); err != nil {
		return err
	}
	release, err := lockFolder(cfg.Folder, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	b, err := bridge.New(cfg, now, log)
	if err != nil {
		return err
	}
	return b.Run(ctx)
}

// tryBridge prints what the registers of a configuration show.
func tryBridge(ctx context.Context, w io.Writer, cfg bridge.Config, wait time.Duration, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	list, all := bridge.Try(ctx, cfg, log)
	var rows [][]string
	for _, h := range list {
		shows := strconv.FormatInt(int64(h.Shows), 10)
		if h.Why != "" {
			shows = h.Why
		}
		rows = append(rows, []string{h.Meter, h.Register, h.Side.String(), shows})
	}
	if err := printRows(w, "table", []string{"meter", "register", "side", "shows_wh"}, rows); err != nil {
		return err
	}
	fmt.Fprintln(w, "nothing was signed")
	if !all {
		return fmt.Errorf("not every register was heard within %v", wait)
	}
	return nil
}
