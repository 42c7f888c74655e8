package monitor

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/commonwatt/commonwatt/node"
)

// Report says whether a node is ready, and what was looked at.
type Report struct {
	Ready  bool         `json:"ready"`
	Checks []node.Check `json:"checks"`
}

// Bounds of looking: for how long what was found is told again, and for how long an
// answer is waited for.
const (
	freshFor   = time.Second
	lookMost   = 3 * time.Second
	hangsCheck = "answers"
)

// hangs is what is found when looking takes too long: a disk or a lock that does not
// come back.
var hangs = Report{Checks: []node.Check{{Name: hangsCheck, Problem: "looking takes longer than 3 s: a disk or the node hangs"}}}

// Health looks at a node when somebody asks, once a second at most.
type Health struct {
	checks []Checks
	most   time.Duration

	mu    sync.Mutex
	last  Report
	at    time.Time
	after chan struct{} // Closed when the look at hand ends; nil: nobody looks.
}

// NewHealth returns the health that some checks make together.
func NewHealth(checks ...Checks) *Health { return &Health{checks: checks, most: lookMost} }

// Report looks, or tells what was found a moment ago.
func (h *Health) Report() Report {
	h.mu.Lock()
	if h.after == nil {
		if !h.at.IsZero() && time.Since(h.at) < freshFor {
			defer h.mu.Unlock()
			return h.last
		}
		h.after = make(chan struct{})
		go h.look(h.after)
	}
	after := h.after
	h.mu.Unlock()
	timer := time.NewTimer(h.most)
	defer timer.Stop()
	select {
	case <-after:
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.last
	case <-timer.C:
		return hangs
	}
}

// look runs the checks.
func (h *Health) look(after chan struct{}) {
	r := Report{Ready: true}
	for _, check := range h.checks {
		for _, c := range check() {
			r.Ready = r.Ready && c.Problem == ""
			r.Checks = append(r.Checks, c)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last, h.at, h.after = r, time.Now(), nil
	close(after)
}

// ServeHTTP answers whether the node is ready, and if not (503) why.
func (h *Health) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	r := h.Report()
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if !r.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(r) // Whoever went away needs none.
}

var (
	readyDesc = prometheus.NewDesc("commonwatt_ready", "Whether the node is up to what is decided and can take envelopes: 1 if so.", nil, nil)
	checkDesc = prometheus.NewDesc("commonwatt_check", "Whether what /readyz looks at is as it should be: 1 if so.", []string{"check"}, nil)
)

// Describe lists the metrics of the health.
func (h *Health) Describe(to chan<- *prometheus.Desc) {
	to <- readyDesc
	to <- checkDesc
}

// Collect looks, and tells what it found.
func (h *Health) Collect(to chan<- prometheus.Metric) {
	whether := func(d *prometheus.Desc, yes bool, labels ...string) {
		value := 0.0
		if yes {
			value = 1
		}
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	r := h.Report()
	whether(readyDesc, r.Ready)
	for _, c := range r.Checks {
		whether(checkDesc, c.Problem == "", c.Name)
	}
}
