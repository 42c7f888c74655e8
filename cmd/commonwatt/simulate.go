package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/fleet"
	"github.com/commonwatt/commonwatt/live"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/sim"
)

// simulateFlags are the flags of the simulate command.
type simulateFlags struct {
	homes, devices, interval int
	seed                     uint64
	every, length            time.Duration
	out, messages            string
	found, takeover          bool
}

func simulateCommand() *cobra.Command {
	var f simulateFlags
	cmd := &cobra.Command{
		Use:   "simulate DIR",
		Short: "Let made-up homes publish signed readings, for a demo or a load test",
		Long: `Simulate is homes by the hundred or the thousand, with solar roofs, batteries, heat
pumps and cars, in the weather of central Europe. Each of their meters is a device as it is
in the field: an MQTT client with a key and a password of its own, which signs its
registers, keeps each message until it has the node's signed receipt, and comes back when
its connection is lost.

Where there is no DIR, it founds a community there. Where no node runs in DIR, it starts
one, and says where its pages are; else it uses the one that runs. With --takeover the
community may be one of your own. A device sends one reading every --every. Shorter than the community's
interval, its time passes faster than the clock: it begins yesterday, and slows down when
it arrives at today.

The keys are made of --seed: whoever knows it signs as these devices do. Ctrl-C ends it,
and the next one goes on where it ended.`,
		Example: `  commonwatt simulate street
  commonwatt simulate street --homes 1000 --every 10s
  commonwatt simulate street --devices 10000 --every 1m --for 10m --out figures.json`,
		Args:              usage(cobra.ExactArgs(1)),
		ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			err := runSimulate(ctx, cmd, args[0], f)
			if errors.Is(err, errInterrupted) {
				return nil // That is how it ends.
			}
			return err
		},
	}
	cmd.Flags().IntVar(&f.homes, "homes", 100, "how many homes to found a community of")
	cmd.Flags().IntVar(&f.devices, "devices", 0, "how many meters to found a community of, in as many homes as that takes")
	cmd.Flags().IntVar(&f.interval, "interval", 5, "minutes of the intervals of a community that is founded: 5, 15, 30 or 60")
	cmd.Flags().Uint64Var(&f.seed, "seed", 7, "what homes, weather and keys are drawn from")
	cmd.Flags().DurationVar(&f.every, "every", time.Minute, "how often each device sends a reading")
	cmd.Flags().DurationVar(&f.length, "for", 0, "for how long to send, as in 10m (default: until Ctrl-C)")
	cmd.Flags().StringVar(&f.out, "out", "", "file to write the figures to at the end, in JSON")
	cmd.Flags().StringVar(&f.messages, "messages", "", "file to write each message to with its receipt, in CSV")
	cmd.Flags().BoolVar(&f.takeover, "takeover", false, "simulate the meters of a community of your own: they get other passwords and keys")
	cmd.Flags().BoolVar(&f.found, "found", false, "found the community and end: the node is started otherwise")
	return cmd
}

// Bounds of a simulation.
const (
	simulateMost  = 100_000 // Devices.
	simulateEvery = 100 * time.Millisecond
)

// check refuses flags that cannot be used.
func (f *simulateFlags) check(chosen func(string) bool) error {
	switch {
	case f.homes < 1 || f.homes > simulateMost:
		return badInput(fmt.Errorf("--homes %d: give 1 to %d", f.homes, simulateMost))
	case f.devices < 0 || f.devices > simulateMost:
		return badInput(fmt.Errorf("--devices %d: give 1 to %d", f.devices, simulateMost))
	case f.devices > 0 && chosen("homes"):
		return badInput(errors.New("--homes and --devices: give one of them; the other follows"))
	case f.every < simulateEvery:
		return badInput(fmt.Errorf("--every %v: give %v or more", f.every, simulateEvery))
	case f.length < 0 || f.length > 0 && f.length < f.every:
		return badInput(fmt.Errorf("--for %v: give a time not shorter than --every, %v", f.length, f.every))
	}
	if f.devices > 0 {
		f.homes = 0
	}
	return nil
}

// runSimulate founds what there is not, and lets the devices publish.
func runSimulate(ctx context.Context, cmd *cobra.Command, dir string, f simulateFlags) (err error) {
	if err := f.check(cmd.Flags().Changed); err != nil {
		return err
	}
	if !node.Exists(dir) {
		if err := f.foundStreet(cmd, dir); err != nil {
			return err
		}
	}
	if f.found {
		_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s is founded. Next: commonwatt up %s, and beside it commonwatt simulate %s\n", dir, shellWord(dir), shellWord(dir))
		return err
	}
	c, err := loadCommunity(dir)
	if err != nil {
		return err
	}
	if err := f.mayTake(dir, c); err != nil {
		return err
	}
	if err := enoughFiles(len(c.Meters().All())); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	client, end, err := f.nodeOf(ctx, cancel, cmd, dir, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	fmt.Fprintln(cmd.OutOrStdout(), client.Origin())
	if err := f.simulate(ctx, cmd, dir, c, client); err != nil {
		return err
	}
	if err := context.Cause(ctx); err != nil && !errors.Is(err, errInterrupted) {
		return err // The node ended.
	}
	return nil
}

// foundStreet founds a community of made-up homes.
func (f *simulateFlags) foundStreet(cmd *cobra.Command, dir string) error {
	if err := checkFree(dir); err != nil {
		return err
	}
	s := sim.Street{Name: filepath.Base(dir), Seed: f.seed, Homes: f.homes, Meters: f.devices, Minutes: f.interval}
	c, err := community.Parse(community.File, s.File())
	if err != nil {
		return badInput(err)
	}
	silent := *cmd
	silent.SetOut(io.Discard)
	return found(&silent, dir, c, foundFlags{})
}

// mayTake refuses meters that are not made up, unless somebody says that they are to be.
func (f *simulateFlags) mayTake(dir string, c *community.Community) error {
	_, err := os.Stat(filepath.Join(dir, simulateFile))
	if f.takeover || err == nil || sim.Made(c.Source()) {
		return nil
	}
	return badInput(fmt.Errorf("%s: this community was not founded by simulate, and its meters would get other passwords and keys: name a new folder, or say --takeover", dir))
}

// filesBesides is how many open files a process needs besides those of devices.
const filesBesides = 200

// enoughFiles refuses more devices than may be connected from one process.
func enoughFiles(devices int) error {
	need, may := uint64(devices)+filesBesides, openFilesMost() //nolint:gosec // a count
	if need <= may {
		return nil
	}
	return badInput(fmt.Errorf("%d devices are as many connections, and a process may have %d files open here: run \"ulimit -n %d\" in the shells of simulate and of the node, or raise the limit of the system (Linux: /etc/security/limits.conf)",
		devices, may, need))
}

// simulate lets the devices of a community publish to its node.
func (f *simulateFlags) simulate(ctx context.Context, cmd *cobra.Command, dir string, c *community.Community, client *live.Client) (err error) {
	w := cmd.ErrOrStderr()
	s := &street{flags: f, dir: dir, community: c, client: client, progress: newProgress(w), log: newLog(w)}
	cfg, err := s.enrol(ctx)
	if err != nil {
		return err
	}
	if f.messages != "" {
		file, err := os.Create(f.messages)
		if err != nil {
			return badInput(err)
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		s.list(file)
		cfg.Told = s.told
	}
	all := fleet.New(cfg)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		all.Run(ctx)
	}()
	s.watch(all, ended)
	return errors.Join(s.flush(), s.report(cmd.OutOrStdout(), all.State()))
}
