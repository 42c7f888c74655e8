// Package monitor tells whoever watches a node how it is: metrics for Prometheus,
// health for containers and load balancers, and signs of life for systemd.
//
// Its promise: asking changes nothing and waits for nothing that hangs; what is told
// names nobody and nothing that is somebody's.
package monitor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/commonwatt/commonwatt/node"
)

// Build is which program this is.
type Build struct{ Version, Revision, Go string }

// NewRegistry returns a registry with the metrics of the process.
func NewRegistry(b Build) *prometheus.Registry {
	r := prometheus.NewRegistry()
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: "commonwatt", Name: "build_info", Help: "Always 1: the labels say which program this is.",
		ConstLabels: prometheus.Labels{"version": b.Version, "revision": b.Revision, "go": b.Go},
	})
	build.Set(1)
	r.MustRegister(build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// Monitor is a node that is watched.
type Monitor struct {
	registry *prometheus.Registry
	health   *Health
}

// New returns a monitor, whose registry has the health, too.
func New(registry *prometheus.Registry, health *Health) *Monitor {
	registry.MustRegister(health)
	return &Monitor{registry, health}
}

// Timeouts of whoever asks.
const (
	headerTimeout = 5 * time.Second
	answerTimeout = 10 * time.Second
	stopTimeout   = time.Second
)

// askedMost is how many may ask for metrics at once.
const askedMost = 4

// Handler serves /metrics, /healthz and /readyz.
func (m *Monitor) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		MaxRequestsInFlight: askedMost, Timeout: answerTimeout, EnableOpenMetrics: true,
	}))
	mux.HandleFunc("GET /healthz", Lives)
	mux.Handle("GET /readyz", m.health)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "/metrics for Prometheus; /healthz and /readyz for whoever starts and stops this node")
	})
	return mux
}

// Serve answers on a listener until the context ends.
//
// Errors: those of the listener.
func (m *Monitor) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{Handler: m.Handler(), ReadHeaderTimeout: headerTimeout, WriteTimeout: 2 * answerTimeout}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	err := server.Shutdown(stop)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close()
	}
	if served := <-failed; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// Lives answers that the process lives.
func Lives(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

// Checks looks at something and says what it found.
type Checks func() []node.Check
