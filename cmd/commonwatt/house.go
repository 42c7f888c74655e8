package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os/exec"
	"runtime"
	"strconv"
	"time"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/operator"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/report"
	"github.com/commonwatt/commonwatt/server"
	"github.com/commonwatt/commonwatt/session"
)

// house is a running node of a community, who signs for its operator, and what
// pages are made of: what demo and up serve. A node that follows has no operator.
type house struct {
	node     *node.Node
	operator *operator.Operator
	source   *pages.Source
}

// openHouse starts the node of a folder, founding a ledger where there is none. Its
// clock is the computer's.
func openHouse(cfg node.Config, c *community.Community) (*house, error) {
	op, err := operator.Open(cfg.Dir, c.Name)
	if err != nil {
		return nil, err
	}
	h, err := followHouse(cfg, c)
	if err != nil {
		return nil, err
	}
	h.operator = op
	op.Begin(h.node)
	return h, nil
}

// followHouse starts the node of a folder without an operator. Without a community
// its pages have numbers.
func followHouse(cfg node.Config, c *community.Community) (*house, error) {
	n, err := node.Open(cfg)
	if err != nil {
		return nil, err
	}
	names := map[grid.MicrogridID]report.Names{}
	if c != nil {
		names[c.Microgrid()] = report.NamesOf(c)
	}
	return &house{node: n, source: &pages.Source{View: n.View(), Read: n.Read, Audit: n, Now: time.Now, Names: names}}, nil
}

// openNode starts the node of a folder as its settings say.
func openNode(dir string, log *slog.Logger) (*node.Node, error) {
	s, err := node.LoadSettings(dir)
	if err != nil {
		return nil, badInput(err)
	}
	return node.Open(node.Config{Dir: dir, Log: log, Settings: s})
}

// serves is what is served of the house; demo is nil when it is none.
func (h *house) serves(people *session.Store, demo api.Demo, origin string) api.Config {
	return api.Config{Node: h.node, Source: h.source, Sessions: people, Demo: demo, Version: readVersion().Version, Origin: origin}
}

// liveAndServe serves while the community lives; the end of one ends the others.
func liveAndServe(ctx context.Context, s *server.Server, l net.Listener, lives ...func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ended := make(chan error)
	all := append([]func(context.Context) error{func(ctx context.Context) error { return s.Serve(ctx, l) }}, lives...)
	for _, life := range all {
		go func() { ended <- life(ctx) }()
	}
	var errs []error
	for range all {
		err := <-ended
		cancel(err)
		if !errors.Is(err, errInterrupted) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Where pages are served when nobody says where.
const (
	hostDefault = "127.0.0.1"
	portDefault = 8420
)

// listen listens on a port of a host. One that nobody chose may be another one when
// it is taken.
func listen(ctx context.Context, host string, port int, chosen bool) (net.Listener, error) {
	var cfg net.ListenConfig
	l, err := cfg.Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil && !chosen {
		l, err = cfg.Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
	}
	if err != nil {
		return nil, badInput(fmt.Errorf("port %d of %s cannot be used: %w: give another one with --port, or 0 for any", port, host, err))
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
	if err := exec.CommandContext(ctx, name, args...).Start(); err != nil {
		fmt.Fprintf(w, "The browser could not be opened (%v): open %s yourself.\n", err, url)
	}
}
