package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/demo"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/operator"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/report"
	"github.com/commonwatt/commonwatt/server"
	"github.com/commonwatt/commonwatt/session"
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

// portDefault is where pages are served when nobody says where.
const portDefault = 8420

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
	l, err := listen(ctx, f.port, cmd.Flags().Changed("port"))
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "commonwatt-demo-")
	if err != nil {
		return errors.Join(err, l.Close())
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	op, err := operator.Open(dir, c.Name)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	show := newProgress(cmd.ErrOrStderr())
	n, err := node.Open(node.Config{Dir: dir, Log: newLog(show.out)})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	op.Begin(n)
	d := demo.New(n, op, c, o)
	source := &pages.Source{
		View: n.View(), Read: n.Read, Audit: n, Now: d.Now,
		Names: map[grid.MicrogridID]report.Names{c.Microgrid(): report.NamesOf(c)},
		Place: map[grid.MicrogridID]pages.Place{c.Microgrid(): demo.Place},
	}
	people, err := session.Open("", time.Now)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	s, err := server.New(api.Config{
		Node: n, Source: source, Sessions: people, Demo: d, Version: readVersion().Version, Origin: server.Origin(l),
	}, d.Ready)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	fmt.Fprintln(cmd.OutOrStdout(), server.Origin(l))
	if f.open {
		openBrowser(ctx, cmd.ErrOrStderr(), server.Origin(l))
	}
	return liveAndServe(ctx, s, l, d, show)
}

// liveAndServe serves while the community lives; the end of one ends the other.
func liveAndServe(ctx context.Context, s *server.Server, l net.Listener, d *demo.Demo, show *progress) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	lived := make(chan error, 1)
	go func() {
		err := d.Live(ctx, func(done, total int64) { tellDemo(show, d, done, total) })
		cancel(err)
		lived <- err
	}()
	err := s.Serve(ctx, l)
	cancel(err)
	if life := <-lived; life != nil && !errors.Is(life, errInterrupted) {
		err = errors.Join(err, life)
	}
	show.end()
	return err
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

// listen listens on localhost. A port that nobody chose may be another one when it
// is taken.
func listen(ctx context.Context, port int, chosen bool) (net.Listener, error) {
	var cfg net.ListenConfig
	l, err := cfg.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil && !chosen {
		l, err = cfg.Listen(ctx, "tcp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, badInput(fmt.Errorf("port %d cannot be used: %w: give another one with --port, or 0 for any", port, err))
	}
	return l, nil
}

// openBrowser opens an address as the desktop does; where there is none, it says so.
func openBrowser(ctx context.Context, w io.Writer, url string) {
	name, args := "xdg-open", []string{url}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", url}
	}
	if err := exec.CommandContext(ctx, name, args...).Start(); err != nil { //nolint:gosec // our own address
		fmt.Fprintf(w, "The browser could not be opened (%v): open %s yourself.\n", err, url)
	}
}
