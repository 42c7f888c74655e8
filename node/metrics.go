package node

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/op"
)

// namespace is what the names of our metrics begin with.
const namespace = "commonwatt"

// Reasons, besides the domains of refusals, for which an envelope is not admitted.
const (
	reasonMalformed = "malformed" // It is none.
	reasonSignature = "signature"
	reasonFull      = "full"  // The queue was, for as long as the sender could wait.
	reasonChain     = "chain" // It takes none.
)

// reasonEnvelope is why a block refuses what package tx does: it is no envelope, or its
// signature is not good.
const reasonEnvelope = "envelope"

// metrics are what a node counts as it goes. No label has values that anybody else
// can make up, and none says whose something is.
type metrics struct {
	admitted  prometheus.Counter
	refused   *prometheus.CounterVec
	applied   prometheus.Counter
	undone    *prometheus.CounterVec
	closed    prometheus.Counter
	interval  prometheus.Histogram
	size      prometheus.Histogram
	committed prometheus.Gauge

	domains map[uint32]string // By the code of a refusal.
	began   time.Time
	last    atomic.Int64 // When the last block was committed, in ns since then.
	blocks  bool         // There was one.
}

// newMetrics makes the metrics in a registry, or ones that nobody sees.
func newMetrics(to prometheus.Registerer) *metrics {
	if to == nil {
		to = prometheus.NewRegistry()
	}
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help})
		to.MustRegister(c)
		return c
	}
	counters := func(name, help, label string, values ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, []string{label})
		for _, value := range values {
			c.WithLabelValues(value) // A rate needs the 0 before the first.
		}
		to.MustRegister(c)
		return c
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		h := prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets})
		to.MustRegister(h)
		return h
	}
	m := &metrics{domains: map[uint32]string{}, began: time.Now()}
	var domains []string
	for _, no := range machine.Registry().Refusals {
		m.domains[no.Code] = no.Domain
		domains = append(domains, no.Domain)
	}
	reasons := append([]string{reasonMalformed, reasonSignature, reasonFull, reasonChain}, domains...)
	m.admitted = counter("admission_admitted_total", "Envelopes that this node admitted and offered to the chain.")
	m.refused = counters("admission_refused_total", "Envelopes that this node did not admit, by why: malformed, signature, full, chain, or the domain that refuses.", "reason", reasons...)
	m.applied = counter("envelopes_applied_total", "Envelopes in blocks that were applied, whoever sent them.")
	m.undone = counters("envelopes_refused_total", "Envelopes in blocks that were refused, by why: envelope, when it is none or its signature is not good, or the domain that refuses.", "reason", append([]string{reasonEnvelope}, domains...)...)
	m.closed = counter("intervals_closed_total", "Intervals of microgrids that were settled, for the first time or again after a correction.")
	m.interval = histogram("block_interval_seconds", "Time between the commits of two blocks, by this node's clock.", prometheus.ExponentialBucketsRange(0.005, 600, 18))
	m.size = histogram("block_size_bytes", "Size of the transactions of a block.", prometheus.ExponentialBuckets(256, 4, 8))
	m.committed = prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Name: "last_commit_timestamp_seconds", Help: "When this node committed its last block, in seconds since 1970; when it started, before its first.",
	})
	to.MustRegister(m.committed)
	m.committed.Set(seconds(m.began))
	return m
}

// refuses counts an envelope that was not admitted.
func (m *metrics) refuses(err error) {
	reason := reasonSignature // What else screening finds is a refusal.
	if no, ok := errors.AsType[*op.Refusal](err); ok {
		reason = no.Domain
	}
	m.refused.WithLabelValues(reason).Inc()
}

// block counts a block that was committed. The chain commits one at a time.
func (m *metrics) block(r machine.Record, txs [][]byte) {
	if m.blocks {
		m.interval.Observe(m.quiet().Seconds())
	}
	m.blocks = true
	m.last.Store(int64(time.Since(m.began)))
	m.committed.Set(seconds(time.Now()))
	size := 0
	for _, raw := range txs {
		size += len(raw)
	}
	m.size.Observe(float64(size))
	for _, o := range r.Outcomes {
		switch {
		case len(o.ID) == 0:
			if o.Code == 0 {
				m.closed.Inc()
			}
		case o.Code == 0:
			m.applied.Inc()
		default:
			m.undone.WithLabelValues(m.domain(o.Code)).Inc()
		}
	}
}

// quiet is the time since the last block was committed, or the node started: by a
// clock that never jumps.
func (m *metrics) quiet() time.Duration { return time.Since(m.began) - time.Duration(m.last.Load()) }

// seconds is a moment as Prometheus writes it.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// domain is the domain of a refusal's code.
func (m *metrics) domain(code uint32) string {
	if domain, ok := m.domains[code]; ok {
		return domain
	}
	return reasonEnvelope
}
