package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/commonwatt/commonwatt/monitor"
	"github.com/commonwatt/commonwatt/node"
)

// watched is a node with its log, that programs may watch at an address of its own, or
// not at all.
type watched struct {
	happens  *slog.Logger         // What happens.
	parts    *slog.Logger         // What is wrong with what it happens on.
	listener net.Listener         // nil: there is no such address.
	registry *prometheus.Registry // nil, likewise.
	json     bool                 // Its log is for programs.
}

// watch writes the log to w, and listens, as a node's settings say.
func watch(ctx context.Context, w io.Writer, s node.Settings) (*watched, error) {
	is := &watched{json: s.Log == logJSON}
	is.happens, is.parts = openLog(w, s)
	if s.Metrics == "" {
		return is, nil
	}
	var cfg net.ListenConfig
	l, err := cfg.Listen(ctx, "tcp", s.Metrics)
	if err != nil {
		return nil, badInput(fmt.Errorf("--metrics %s: %w: give another address, or port 0 for any", s.Metrics, err))
	}
	v := readVersion()
	is.listener, is.registry = l, monitor.NewRegistry(monitor.Build{Version: v.Version, Revision: v.Revision, Go: v.Go})
	return is, nil
}

// close ends what listens; it is closed already when it was served.
func (w *watched) close() {
	if w.listener != nil {
		_ = w.listener.Close()
	}
}

// registerer is the registry, or nil.
func (w *watched) registerer() prometheus.Registerer {
	if w.registry == nil {
		return nil
	}
	return w.registry
}

// address is where metrics are, or empty.
func (w *watched) address() string {
	if w.listener == nil {
		return ""
	}
	return w.listener.Addr().String()
}

// devices adds the metrics of where devices connect.
func (w *watched) devices(g monitor.Gateway) {
	if w.registry != nil {
		w.registry.MustRegister(monitor.Devices{Gateway: g})
	}
}

// lives is what runs beside the community: what answers whoever watches, what
// tells the service manager, and what gives back what the start took.
func (w *watched) lives(health *monitor.Health) []func(context.Context) error {
	lives := []func(context.Context) error{func(ctx context.Context) error { return monitor.Notify(ctx, health) }, rest(w.parts)}
	if w.listener == nil {
		return lives
	}
	m := monitor.New(w.registry, health)
	return append(lives, func(ctx context.Context) error { return m.Serve(ctx, w.listener) })
}
