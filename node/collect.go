package node

import (
	"os"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/commonwatt/commonwatt/chain"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/store"
)

// votesLooked is how many blocks are looked at for a validator's signatures.
const votesLooked = 100

// sample is a node as it is at one moment.
type sample struct {
	head       machine.Head
	microgrids int
	suspended  int
	open       float64 // Start of the earliest interval that is not settled; 0: there is none.
	due        int
	seen       int64
	envelopes  int
	bytes      int
	inbound    int
	outbound   int
	standing   chain.Standing
	signer     *chain.Signer
	voting     chain.Voting
	usage      store.Usage
	view       float64
	free       uint64
	total      uint64
}

// gauge is a metric that is read off a node when somebody asks.
type gauge struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	label string // The value of its label, if it has one.
	read  func(*sample) float64
}

// whether is a metric of a yes or no.
func whether(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// describe describes a metric, with the name of a label if it has one.
func describe(name, help string, label ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, label, nil)
}

// Descriptions of the metrics that are told apart by a label.
var (
	storeSize = describe("store_size_bytes", "Bytes on disk of the ledger with its receipts, of the blocks and of the read model.", "store")
	peers     = describe("peers", "Nodes that this one is connected to: they dialed it (in), or it dialed them (out).", "direction")
)

// gauges are read off a node, each from the same sample.
var gauges = []gauge{
	{describe("height", "Height of the last committed block."), prometheus.GaugeValue, "", func(s *sample) float64 { return float64(s.head.Height) }},
	{describe("block_timestamp_seconds", "Time of the last committed block as the validators agreed on it, in seconds since 1970."), prometheus.GaugeValue, "", func(s *sample) float64 { return float64(s.head.Time) }},
	{describe("receipts_total", "Receipts in the ledger's log."), prometheus.CounterValue, "", func(s *sample) float64 { return float64(s.head.Log.Size) }},
	{describe("microgrids", "Microgrids on the ledger."), prometheus.GaugeValue, "", func(s *sample) float64 { return float64(s.microgrids) }},
	{describe("microgrids_suspended", "Microgrids that are not settled any more, because their amounts outgrew the ledger."), prometheus.GaugeValue, "", func(s *sample) float64 { return float64(s.suspended) }},
	{describe("intervals_due", "Intervals that the next blocks settle: no more than one block takes are counted."), prometheus.GaugeValue, "", func(s *sample) float64 { return float64(s.due) }},
	{describe("open_interval_timestamp_seconds", "Start of the earliest interval of any microgrid that is not settled, in seconds since 1970; 0 when there is none."), prometheus.GaugeValue, "", func(s *sample) float64 { return s.open }},
	{describe("view_height", "Height up to which the read model shows everything."), prometheus.GaugeValue, "", func(s *sample) float64 { return float64(s.seen) }},
	{describe("view_lag_blocks", "Blocks that the read model is behind the ledger."), prometheus.GaugeValue, "", func(s *sample) float64 { return float64(max(0, s.head.Height-s.seen)) }},
	{describe("admission_waiting", "Envelopes that wait to be checked and offered to the chain."), prometheus.GaugeValue, "", func(s *sample) float64 { return float64(s.envelopes) }},
	{describe("admission_waiting_bytes", "Size of the envelopes that wait to be checked and offered to the chain."), prometheus.GaugeValue, "", func(s *sample) float64 { return float64(s.bytes) }},
	{storeSize, prometheus.GaugeValue, "ledger", func(s *sample) float64 { return float64(s.usage.Ledger) }},
	{storeSize, prometheus.GaugeValue, "blocks", func(s *sample) float64 { return float64(s.usage.Blocks) }},
	{storeSize, prometheus.GaugeValue, "view", func(s *sample) float64 { return s.view }},
	{describe("disk_free_bytes", "Bytes that are free where the node's folder lies; 0 where that is not known."), prometheus.GaugeValue, "", func(s *sample) float64 { return float64(s.free) }},
	{describe("disk_size_bytes", "Size of the disk that the node's folder lies on; 0 where that is not known."), prometheus.GaugeValue, "", func(s *sample) float64 { return float64(s.total) }},
	{peers, prometheus.GaugeValue, "in", func(s *sample) float64 { return float64(s.inbound) }},
	{peers, prometheus.GaugeValue, "out", func(s *sample) float64 { return float64(s.outbound) }},
	{describe("networked", "Whether there may be other nodes: 1 if so, 0 for a node on its own."), prometheus.GaugeValue, "", func(s *sample) float64 { return whether(s.standing.Networked) }},
	{describe("syncing", "Whether the node fetches blocks that were decided without it: 1 if so."), prometheus.GaugeValue, "", func(s *sample) float64 { return whether(s.standing.Syncing) }},
	{describe("behind_blocks", "Blocks that most of the node's peers say they have and it has not."), prometheus.GaugeValue, "", func(s *sample) float64 { return float64(s.standing.Behind) }},
	{describe("validators", "Validators that decide the next block."), prometheus.GaugeValue, "", func(s *sample) float64 { return float64(s.voting.Voters) }},
	{describe("validators_power", "Voting power of all validators."), prometheus.GaugeValue, "", func(s *sample) float64 { return float64(s.voting.Total) }},
	{describe("validator_power", "Voting power of this node; 0 when it is no validator."), prometheus.GaugeValue, "", func(s *sample) float64 { return float64(s.voting.Power) }},
	{describe("signer_up", "Whether what has the validator's key is there: the folder, or the signer that it was moved to. 1 if so."), prometheus.GaugeValue, "", func(s *sample) float64 { return whether(s.signer == nil || s.signer.Away == "") }},
	{describe("votes_expected", "Blocks of the last hundred that this node was to sign."), prometheus.GaugeValue, "", func(s *sample) float64 { return float64(s.voting.Blocks) }},
	{describe("votes_missed", "Blocks of the last hundred that this node was to sign and that went without its signature."), prometheus.GaugeValue, "", func(s *sample) float64 { return float64(s.voting.Missed) }},
	{describe("clock_skew_seconds", "How far this validator's clock is before the one in the middle of the others', by the times under the last block."), prometheus.GaugeValue, "", func(s *sample) float64 { return s.voting.Skew.Seconds() }},
}

// collector reads a node's gauges.
type collector struct{ node *Node }

// Describe lists the metrics.
func (collector) Describe(to chan<- *prometheus.Desc) {
	for _, g := range gauges {
		to <- g.desc
	}
}

// Collect reads them.
func (c collector) Collect(to chan<- prometheus.Metric) {
	s := c.node.sample()
	for _, g := range gauges {
		var labels []string
		if g.label != "" {
			labels = []string{g.label}
		}
		to <- prometheus.MustNewConstMetric(g.desc, g.kind, g.read(s), labels...)
	}
}

// sample looks at a node. What its disk does not tell is left at nothing: the check of
// the disk says so, and who asks for metrics then wants the others.
func (n *Node) sample() *sample {
	s := &sample{usage: n.store.Usage(), view: n.viewSize()}
	s.standing, _ = n.chain.Standing()
	s.signer = n.chain.Signer()
	s.voting, _ = n.chain.Voting(votesLooked)
	s.seen, _ = n.feed.at()
	s.envelopes, s.bytes = n.intake.queue.Waiting()
	s.free, s.total, _ = store.Space(n.dir)
	for _, peer := range n.chain.Peers() {
		if peer.Dialed {
			s.outbound++
		} else {
			s.inbound++
		}
	}
	n.Read(func(rows state.Reader, head machine.Head) {
		s.head, s.due = head, len(machine.Due(rows))
		for _, m := range grid.All(rows) {
			s.microgrids++
			if m.Suspended {
				s.suspended++
			} else if open := float64(m.Open); m.Devices > 0 && (s.open == 0 || open < s.open) {
				s.open = open
			}
		}
	})
	return s
}

// viewSize is the size of the read model's files, in bytes.
func (n *Node) viewSize() (sum float64) {
	for _, more := range []string{"", "-wal", "-shm"} {
		if info, err := os.Stat(filepath.Join(n.dir, viewFile+more)); err == nil {
			sum += float64(info.Size())
		}
	}
	return sum
}
