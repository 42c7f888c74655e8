package chain

import (
	"cmp"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/cometbft/cometbft/config"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/commonwatt/commonwatt/proof"
)

// Limits of what waits for a block and of a block, in bytes and in number.
const (
	txBytesMax      = 1 << 20
	blockBytesMax   = 4 << 20
	waitingTxsMax   = 10_000
	waitingBytesMax = 32 << 20
	// checkingMax is how many transactions of peers are checked at once at most: each
	// peer's come one by one, and CometBFT takes fifty peers.
	checkingMax = 64
)

// idleDefault is how long validators without work wait before they make a block
// all the same.
const idleDefault = 5 * time.Second

// How long a validator waits for others in the first round of a block, and how much longer
// in each round after it: for a proposal, and for the votes that are missing when more than
// two thirds are there. While one validator is down, every block that it would have proposed
// waits for all of these; a second for each vote, CometBFT's default, is long between
// computers that answer in a tenth. A proposal may be megabytes, a vote is two hundred bytes:
// its wait grows by half of itself, as it does by default. What rounds have grown to while
// the network was broken is what the first block waits for once it is whole.
const (
	ProposeTime = 500 * time.Millisecond
	ProposeMore = 500 * time.Millisecond
	VoteTime    = 250 * time.Millisecond
	VoteMore    = 125 * time.Millisecond
)

// Config is how a node runs. With only the folder set it opens no port, and is
// reached by nobody.
type Config struct {
	// Dir is the folder that Init made.
	Dir string
	// Listen is where peers reach the node, as host:port; without it nobody can.
	Listen string
	// Advertise is Listen as peers see it, when that differs.
	Advertise string
	// Peers are the other nodes, each as id@host:port.
	Peers []string
	// Signer is where the node waits for the process that signs for its validator, as
	// id@host:port; without it the folder has the validator's key. See Sign.
	Signer string
	// Silent keeps a node whose validator has a signer from asking it.
	Silent bool
	// Idle is how long several validators wait for work before they make an empty
	// block; the default is five seconds. A validator on its own makes none.
	Idle time.Duration
	// Trust makes a node that has nothing yet begin with the state of its peers, proven
	// from a block on; nil lets it fetch all blocks. The application needs Snapshots.
	Trust *proof.Trust
	// Cancel, once closed, ends a start that waits for the state of peers.
	Cancel <-chan struct{}
	// Log receives CometBFT's warnings and errors; the default is slog's.
	Log *slog.Logger
	// Metrics is where CometBFT's metrics are registered; without it none are kept.
	Metrics prometheus.Registerer
}

// networked reports whether there may be peers.
func (c Config) networked() bool { return c.Listen != "" || len(c.Peers) > 0 }

// settings are CometBFT's, with no file of settings involved.
func (c Config) settings() *config.Config {
	s := config.DefaultConfig()
	s.SetRoot(c.Dir)
	s.Consensus.SetWalFile(filepath.Join(c.Dir, walFolder, walHead))
	s.Storage.DiscardABCIResponses = true

	// A block is made when there is something to put into it, and at once.
	s.Consensus.CreateEmptyBlocks = false
	s.Consensus.TimeoutCommit = 0
	s.Consensus.SkipTimeoutCommit = true
	c.pace(s.Consensus, !c.networked())

	s.Mempool.Recheck = true
	s.Mempool.Size = waitingTxsMax + checkingMax
	s.Mempool.MaxTxsBytes = waitingBytesMax + checkingMax*txBytesMax
	s.Mempool.MaxTxBytes = txBytesMax
	s.Mempool.CacheSize = 2 * waitingTxsMax

	// The defaults, 5 MB/s in packets of 1 KB with 100 ms between looks, cost four
	// validators a factor of four.
	s.Consensus.PeerGossipSleepDuration = 5 * time.Millisecond
	s.P2P.SendRate = 500 << 20
	s.P2P.RecvRate = 500 << 20
	s.P2P.MaxPacketMsgPayloadSize = 64 << 10
	s.P2P.FlushThrottleTimeout = 2 * time.Millisecond
	// Peers are named, not found, and several may share an address.
	s.P2P.PexReactor = false
	s.P2P.AllowDuplicateIP = true
	s.P2P.AddrBookStrict = false
	s.P2P.DialTimeout = dialTimeout
	s.P2P.HandshakeTimeout = greetTimeout
	stateSyncSettings(s.StateSync)
	s.P2P.ListenAddress = c.Listen
	s.P2P.ExternalAddress = c.Advertise
	return s
}

// pace sets for how long a validator waits for others: for nobody, when it is the
// only one.
func (c Config) pace(s *config.ConsensusConfig, alone bool) {
	if alone {
		// It has nobody's votes to wait for, and only itself to blame when the machine
		// is too busy for a proposal in time.
		s.CreateEmptyBlocksInterval = 0
		s.TimeoutPropose = time.Second
		s.TimeoutPrevote = time.Millisecond
		s.TimeoutPrecommit = time.Millisecond
		return
	}
	// A transaction that others dropped, because they were full or still catching
	// up, is with its node alone. The others see no work and do not vote, so that
	// node would never come to propose it: idle blocks hand the turn on.
	s.CreateEmptyBlocksInterval = cmp.Or(c.Idle, idleDefault)
	s.TimeoutPropose, s.TimeoutProposeDelta = ProposeTime, ProposeMore
	s.TimeoutPrevote, s.TimeoutPrevoteDelta = VoteTime, VoteMore
	s.TimeoutPrecommit, s.TimeoutPrecommitDelta = VoteTime, VoteMore
}
