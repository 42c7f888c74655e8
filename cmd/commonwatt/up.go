package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/broker"
	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/live"
	"github.com/commonwatt/commonwatt/monitor"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/operator"
	"github.com/commonwatt/commonwatt/server"
	"github.com/commonwatt/commonwatt/session"
)

// upFlags are the flags of the up command.
type upFlags struct {
	host    string
	port    int
	tls     string
	origin  string
	from    string
	grace   time.Duration
	backlog bool
	open    bool
	mqtt    mqttFlags
	network node.Settings
}

func upCommand() *cobra.Command {
	var f upFlags
	cmd := &cobra.Command{
		Use:   "up DIR",
		Short: "Run a community's node and serve its pages",
		Long: `Up runs the node of a folder that init or settle made and serves the community's
pages, bills and API. Intervals close as they end: at once when every meter has
reported, and with estimates when meters stay silent beyond --grace. What changes
in the community's file, DIR/community.toml, is booked while it runs.

Devices connect to --mqtt, each with what "commonwatt meter credential" printed for it,
and publish their signed readings there, or post them. What was acknowledged waits on
disk, in DIR/broker, until the ledger has it. --nats uses a NATS server with JetStream
and MQTT, or a cluster of them, in place of the node's own; who may connect is its
matter then, and the account that the node uses there is for nothing else.

In a folder that "commonwatt join" made the node follows: it fetches the ledger from its
peers, serves it, takes what members sign themselves, and decides on blocks once the
council admitted it. It signs nothing for the community: readings, devices, tariff and
certificates are the operator's node's. With a copy of the community's file in the
folder its pages have names.

The address goes to standard output, what happens to standard error. Ctrl-C or
SIGTERM ends it cleanly.`,
		Example: `  commonwatt up elm-street --open
  commonwatt up elm-street --listen 0.0.0.0 --tls auto --origin https://elm.example:8420 --mqtt 0.0.0.0:8883`,
		Args:              usage(cobra.ExactArgs(1)),
		ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			f.mqtt.chosen = cmd.Flags().Changed("mqtt")
			run := runUp
			if follows(args[0]) {
				run = runFollower
			}
			err := run(ctx, cmd, args[0], f)
			if errors.Is(err, errInterrupted) {
				return nil // That is how it ends.
			}
			return err
		},
	}
	cmd.Flags().StringVar(&f.host, "listen", hostDefault, "address to listen on; 0.0.0.0 for all")
	cmd.Flags().IntVar(&f.port, "port", portDefault, "port; 0: any free one")
	cmd.Flags().StringVar(&f.tls, "tls", "", `"auto" for a certificate of the node's own, or files as in CERT.pem,KEY.pem`)
	cmd.Flags().StringVar(&f.origin, "origin", "", "what people open, if it is not the address it listens on, as in https://elm.example")
	cmd.Flags().StringVar(&f.from, "from", "", "first day to settle, as in 2026-06-01, or 2026-06-01T06:00, where nothing is settled yet (default: now)")
	cmd.Flags().DurationVar(&f.grace, "grace", live.GraceDefault, "for how long to wait for silent meters before an interval is settled with estimates")
	cmd.Flags().BoolVar(&f.backlog, "backlog", false, "settle estimates even for intervals that lie more than a week back")
	cmd.Flags().StringVar(&f.mqtt.address, "mqtt", mqttDefault, "address that devices connect to, with --tls if that is set; port 0: any free one; off: none; gateway: that of \"commonwatt gateway\"")
	cmd.Flags().StringVar(&f.mqtt.nats, "nats", "", "NATS server to use in place of the node's own, as in nats://user:password@nats.example:4222")
	cmd.Flags().StringVar(&f.network.Listen, "network-listen", "", "where other nodes reach this one, in place of listen in node.toml")
	cmd.Flags().StringVar(&f.network.Advertise, "network-advertise", "", "the same as others see it, in place of advertise in node.toml")
	cmd.Flags().StringSliceVar(&f.network.Peers, "network-peer", nil, "another node, as ID@HOST:PORT, in place of peers in node.toml; may be given several times")
	cmd.Flags().StringVar(&f.network.View, "view", "", "PostgreSQL server for the read model, as in postgres://user@host/database, in place of a file and of view in node.toml")
	cmd.Flags().BoolVar(&f.open, "open", false, "open the browser")
	cmd.Flags().StringVar(&f.network.Metrics, "metrics", "", "where metrics and health are for those who watch the node, as in 127.0.0.1:9464, in place of metrics in node.toml; port 0: any free one")
	cmd.Flags().StringVar(&f.network.Log, "log", "", "how the log is written, text or json, in place of log in node.toml")
	cmd.Flags().StringVar(&f.network.LogLevel, "log-level", "", "what the log is about, from debug, info, warn or error, in place of log_level in node.toml")
	return cmd
}

// check refuses flags that cannot be used.
func (f *upFlags) check() error {
	switch {
	case f.port < 0 || f.port > 65535:
		return badInput(fmt.Errorf("--port %d: give 0 to 65535", f.port))
	case f.grace < 0:
		return badInput(fmt.Errorf("--grace %v: give a time such as 24h or 90m", f.grace))
	}
	if u, err := url.Parse(f.origin); f.origin != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.Path != "") {
		return badInput(fmt.Errorf("--origin %q: write it as in https://elm.example or https://elm.example:8420, without a path", f.origin))
	}
	if !loopback(f.host) && f.tls == "" && !strings.HasPrefix(f.origin, "https:") {
		return badInput(fmt.Errorf("--listen %s: bills would cross the network in the clear: add --tls auto, or, behind a proxy with TLS, say what people open with --origin https://…", f.host))
	}
	return f.mqtt.check(f.tls != "")
}

// loadCommunity reads the community file of a ledger's folder.
func loadCommunity(dir string) (*community.Community, error) {
	if err := checkLedger(dir); err != nil {
		return nil, err
	}
	c, err := community.Load(filepath.Join(dir, community.File))
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%s: the folder has a ledger and no %s, which says who belongs to it: put the community's file there", dir, community.File)
	}
	if err != nil {
		return nil, badInput(err)
	}
	return c, nil
}

// runUp serves a folder until the context ends.
func runUp(ctx context.Context, cmd *cobra.Command, dir string, f upFlags) (err error) {
	if err := f.check(); err != nil {
		return err
	}
	c, err := loadCommunity(dir)
	if err != nil {
		return err
	}
	from, err := f.first(c.TimeZone)
	settings, bad := f.settings(dir)
	if err := errors.Join(err, bad); err != nil {
		return err
	}
	g, err := f.ground(ctx, cmd, dir, settings)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.close()) }()
	h, err := openHouse(g.config(ctx, dir, settings), c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.node.Close()) }()
	people, peopleErr := session.Open(dir, time.Now)
	devices, devicesErr := session.OpenDevices(dir)
	codes, codesErr := session.OpenCodes(dir, time.Now)
	receiptKey, err := operator.ReceiptKey(dir)
	if err = errors.Join(peopleErr, devicesErr, codesErr, err); err != nil {
		return err
	}
	life := live.New(live.Config{
		Dir: dir, Node: h.node, Operator: h.operator, Source: h.source, Sessions: people, Devices: devices, Codes: codes, Origin: g.origin, ReceiptKey: receiptKey,
		From: from, Grace: f.grace, Backlog: f.backlog, Now: time.Now, Log: g.watched.happens,
	}, c)
	lives, serves := []func(context.Context) error{life.Run, h.node.Live}, h.serves(people, nil, g.origin)
	registrar := life.Registrar()
	serves.Files, serves.Certificates, h.source.Consumption = life.Files(), registrar, registrar.Consumption
	b, err := f.mqtt.open(ctx, dir, broker.Config{TLS: g.secure, Devices: devices, Ledger: life, Log: g.watched.parts})
	if err != nil {
		return err
	}
	if b != nil {
		defer func() { err = errors.Join(err, b.Close()) }()
		life.Gateway, serves.Gateway, serves.Devices = b, b, life.Owners()
		lives = append(lives, b.Run, life.Homes)
		g.watched.devices(b)
	}
	health := monitor.NewHealth(h.node.Health)
	s, err := server.New(serves, health)
	if err != nil {
		return err
	}
	forget, err := life.Control(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, forget()) }()
	f.greet(ctx, cmd, c, dir, g.origin, g.watched)
	return liveAndServe(ctx, s, g.listener, append(lives, g.watched.lives(health)...)...)
}

// minuteLayout is how a moment is written on the command line, in the community's time.
const minuteLayout = "2006-01-02T15:04"

// first is the first moment to settle, or 0.
func (f *upFlags) first(zone *time.Location) (interval.Time, error) {
	if f.from == "" {
		return 0, nil
	}
	day, err := time.ParseInLocation(time.DateOnly, f.from, zone)
	if err != nil {
		day, err = time.ParseInLocation(minuteLayout, f.from, zone)
	}
	if err != nil {
		return 0, badInput(fmt.Errorf("--from %q: write a day as in 2026-06-01, or a moment as in 2026-06-01T06:00", f.from))
	}
	if day.After(time.Now()) {
		return 0, badInput(fmt.Errorf("--from %s lies in the future: give today or an earlier day", f.from))
	}
	return interval.Time(day.Unix()), nil
}

// listen listens as the flags say, and returns what people open and how connections
// are secured, which is nil when they are not.
func (f *upFlags) listen(ctx context.Context, cmd *cobra.Command, dir string) (l net.Listener, origin string, secure *tls.Config, err error) {
	if f.tls != "" {
		if secure, err = tlsConfig(dir, f.tls, f.origin, f.host); err != nil {
			return nil, "", nil, err
		}
	}
	if l, err = listen(ctx, f.host, f.port, cmd.Flags().Changed("port")); err != nil {
		return nil, "", nil, err
	}
	origin = server.Origin(l)
	if secure != nil {
		l, origin = tls.NewListener(l, secure), strings.Replace(origin, "http:", "https:", 1)
	}
	if f.origin != "" {
		origin = f.origin
	}
	return l, origin, secure, nil
}

// greet says where the community is served, and how to get in.
func (f *upFlags) greet(ctx context.Context, cmd *cobra.Command, c *community.Community, dir, origin string, w *watched) {
	fmt.Fprintln(cmd.OutOrStdout(), origin)
	says := cmd.ErrOrStderr()
	if w.json { // Whoever reads it wants nothing else between.
		w.happens.Info("the community is up", "origin", origin, "metrics", w.address(), "members", len(c.Members))
	} else {
		if len(c.Members) == 0 {
			fmt.Fprintf(says, "%s has no members yet: commonwatt member add %s NAME\n", c.Name, shellWord(dir))
		}
		if at := w.address(); at != "" {
			fmt.Fprintf(says, "Metrics are at http://%s/metrics.\n", at)
		}
		fmt.Fprintf(says, "%s is up. Sign in by a link: commonwatt link %s operator. Ctrl-C ends it.\n", c.Name, shellWord(dir))
	}
	if f.open {
		openBrowser(ctx, says, origin)
	}
}
