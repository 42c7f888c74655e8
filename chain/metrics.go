package chain

import (
	"strings"
	"sync"

	"github.com/cometbft/cometbft/blocksync"
	"github.com/cometbft/cometbft/consensus"
	"github.com/cometbft/cometbft/mempool"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/state"
	"github.com/go-kit/kit/metrics"
	"github.com/prometheus/client_golang/prometheus"
)

// metricsPrefix is what the names of CometBFT's metrics begin with.
const metricsPrefix = "cometbft"

// measures are what CometBFT's parts count.
type measures struct {
	consensus *consensus.Metrics
	peers     *p2p.Metrics
	mempool   *mempool.Metrics
	state     *state.Metrics
	blocksync *blocksync.Metrics
}

// lending is held while the registry that all of the process share is lent out.
var lending sync.Mutex

// measure makes the metrics of CometBFT's parts in a registry of its own, or ones
// that count nothing where there is none.
func measure(to prometheus.Registerer, peers []string) measures {
	if to == nil {
		return measures{consensus.NopMetrics(), p2p.NopMetrics(), mempool.NopMetrics(), state.NopMetrics(), blocksync.NopMetrics()}
	}
	// CometBFT registers with the process's own registry and cannot be told another.
	lending.Lock()
	defer lending.Unlock()
	own := prometheus.DefaultRegisterer
	prometheus.DefaultRegisterer = to
	defer func() { prometheus.DefaultRegisterer = own }()
	m := measures{
		consensus.PrometheusMetrics(metricsPrefix), p2p.PrometheusMetrics(metricsPrefix), mempool.PrometheusMetrics(metricsPrefix),
		state.PrometheusMetrics(metricsPrefix), blocksync.PrometheusMetrics(metricsPrefix),
	}
	known := knownPeers(peers)
	m.consensus.BlockParts = counterOf{m.consensus.BlockParts, known}
	m.consensus.PeerHeight = gaugeOf{m.consensus.PeerHeight, known}
	m.peers.PeerReceiveBytesTotal = counterOf{m.peers.PeerReceiveBytesTotal, known}
	m.peers.PeerSendBytesTotal = counterOf{m.peers.PeerSendBytesTotal, known}
	m.peers.PeerSendQueueSize = gaugeOf{m.peers.PeerSendQueueSize, known}
	m.peers.NumTxs = gaugeOf{m.peers.NumTxs, known}
	return m
}

// Label by which CometBFT tells peers apart, and its value for those that the
// settings do not name: whoever connects makes up an id, and each one would be kept
// for ever.
const (
	peerLabel  = "peer_id"
	otherPeers = "other"
)

// named are the ids of the peers that the settings name.
type named map[string]bool

func knownPeers(peers []string) named {
	known := named{}
	for _, peer := range peers {
		id, _, _ := strings.Cut(peer, "@")
		known[id] = true
	}
	return known
}

// bound returns labels whose peers are named ones, or others.
func (n named) bound(pairs []string) []string {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i] == peerLabel && !n[pairs[i+1]] {
			pairs[i+1] = otherPeers
		}
	}
	return pairs
}

// counterOf is a counter of peers.
type counterOf struct {
	metrics.Counter
	known named
}

// With returns the counter of a peer.
func (c counterOf) With(pairs ...string) metrics.Counter {
	return c.Counter.With(c.known.bound(pairs)...)
}

// gaugeOf is a gauge of peers.
type gaugeOf struct {
	metrics.Gauge
	known named
}

// With returns the gauge of a peer.
func (g gaugeOf) With(pairs ...string) metrics.Gauge { return g.Gauge.With(g.known.bound(pairs)...) }
