package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/demo"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/live"
	"github.com/commonwatt/commonwatt/monitor"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/server"
	"github.com/commonwatt/commonwatt/session"
	"github.com/commonwatt/commonwatt/tx"
)

// demoFlags are the flags of the demo command.
type demoFlags struct {
	seed  uint64
	at    string
	speed float64
	days  int
	port  int
	open  bool
}

func demoCommand() *cobra.Command {
	var f demoFlags
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show a living community in the browser: nothing to set up, nothing kept",
		Long: `Demo starts a made-up community of forty-eight homes, with a plant on the river, a
battery and two chargers for cars, on a ledger of its own: a month of history first,
then life at sixty times the speed. It needs no configuration, network or login, and
leaves nothing behind: its folder is a temporary one.

Open the address that it prints. The button at the top right lets you be a household,
the operator, an auditor or a visitor.`,
		Example: `  commonwatt demo
  commonwatt demo --seed 7 --at 2026-06-20T18:30 --speed 0`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			err := runDemo(ctx, cmd, f)
			if errors.Is(err, errInterrupted) {
				return nil // That is how it ends.
			}
			return err
		},
		DisableFlagsInUseLine: true,
	}
	cmd.Flags().Uint64Var(&f.seed, "seed", 7, "what the community's life is drawn from")
	cmd.Flags().StringVar(&f.at, "at", "", `when it begins to live, in the community's time, as in 2026-06-20T18:30 (default: the last 20 June at 18:30)`)
	cmd.Flags().Float64Var(&f.speed, "speed", 60, "how much faster than the clock its time passes; 0: it stands still")
	cmd.Flags().IntVar(&f.days, "days", 30, "days of history, 1 to 400")
	cmd.Flags().IntVar(&f.port, "port", portDefault, "port on localhost; 0: any free one")
	cmd.Flags().BoolVar(&f.open, "open", false, "open the browser")
	return cmd
}

// options are the flags as the demo takes them.
func (f *demoFlags) options(zone *time.Location) (o demo.Options, err error) {
	o = demo.Options{Seed: f.seed, Speed: f.speed, Days: f.days}
	now := time.Now()
	switch {
	case f.speed < 0 || f.speed > 100_000 || f.speed != f.speed: // Not a number.
		return o, badInput(fmt.Errorf("--speed %v: give 0 to 100000", f.speed))
	case f.days < 1 || f.days > 400:
		return o, badInput(fmt.Errorf("--days %d: give 1 to 400", f.days))
	case f.port < 0 || f.port > 65535:
		return o, badInput(fmt.Errorf("--port %d: give 0 to 65535", f.port))
	}
	if f.at == "" {
		const sure = 10 // Days that lie between it and now, so that it can live for a while.
		o.At = time.Date(now.Year(), time.June, 20, 18, 30, 0, 0, zone)
		if o.At.After(now.AddDate(0, 0, -sure)) {
			o.At = o.At.AddDate(-1, 0, 0)
		}
		return o, nil
	}
	if o.At, err = time.ParseInLocation("2006-01-02T15:04", f.at, zone); err != nil {
		return o, badInput(fmt.Errorf("--at %q: write it as in 2026-06-20T18:30", f.at))
	}
	if o.At.After(now) {
		return o, badInput(fmt.Errorf("--at %s lies in the future: meters cannot have measured yet; give an earlier moment", f.at))
	}
	if o.At.Year() < 2000 {
		return o, badInput(fmt.Errorf("--at %s: give a moment after the year 2000", f.at))
	}
	return o, nil
}

// runDemo serves the demo until the context ends.
func runDemo(ctx context.Context, cmd *cobra.Command, f demoFlags) (err error) {
	c, err := demo.Community()
	if err != nil {
		return err
	}
	o, err := f.options(c.TimeZone)
	if err != nil {
		return err
	}
	c.Carbon = demo.Carbon(o, c.Length)
	l, err := listen(ctx, hostDefault, f.port, cmd.Flags().Changed("port"))
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "commonwatt-demo-")
	if err != nil {
		return errors.Join(err, l.Close())
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	show := newProgress(cmd.ErrOrStderr())
	defer show.end()
	h, err := openHouse(node.Config{Dir: dir, Log: newLog(show.out)}, c)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	defer func() { err = errors.Join(err, h.node.Close()) }()
	d := demo.New(h.node, h.operator, c, o)
	h.source.Now = d.Now
	h.source.Place = map[grid.MicrogridID]pages.Place{c.Microgrid(): demo.Place}
	people, err := session.Open("", time.Now)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	registrar := &live.Registrar{Dir: dir, Node: h.node, Operator: h.operator, Source: h.source, Now: d.Now, Between: d.Between}
	serves := h.serves(people, d, server.Origin(l))
	serves.Certificates = registrar
	h.source.Consumption = func(account tx.AccountID) ([]pages.Consumed, error) {
		said, err := registrar.Consumption(account)
		if err == nil && said == nil {
			said = d.Uses(account)
		}
		return said, err
	}
	s, err := server.New(serves, monitor.NewHealth(h.node.Health, d.Health))
	if err != nil {
		return errors.Join(err, l.Close())
	}
	fmt.Fprintln(cmd.OutOrStdout(), server.Origin(l))
	if f.open {
		openBrowser(ctx, cmd.ErrOrStderr(), server.Origin(l))
	}
	return liveAndServe(ctx, s, l, h.node.Live, func(ctx context.Context) error {
		return d.Live(ctx, func(done, total int64) { tellDemo(show, d, done, total) })
	})
}

// tellDemo shows how far history is, and once that it is over.
func tellDemo(show *progress, d *demo.Demo, done, total int64) {
	if done < total {
		show.draw("settling history", done, total, "intervals", 1)
		return
	}
	show.end()
	if d.Speed() == 0 {
		fmt.Fprintln(show.out, "History is settled; time stands still. Ctrl-C ends the demo.")
		return
	}
	fmt.Fprintf(show.out, "History is settled; the community lives at %gx. Ctrl-C ends the demo.\n", d.Speed())
}
