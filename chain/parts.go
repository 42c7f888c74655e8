package chain

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/blocksync"
	"github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/consensus"
	"github.com/cometbft/cometbft/evidence"
	"github.com/cometbft/cometbft/mempool"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/state"
	"github.com/cometbft/cometbft/store"
	"github.com/cometbft/cometbft/types"
	"github.com/cometbft/cometbft/version"
)

// Names of the maps that hold CometBFT's databases.
const (
	blocksMap   = "blockstore"
	stateMap    = "state"
	evidenceMap = "evidence"
)

// parts are CometBFT put together. Its own node package is left out: it always
// listens on a port, and serves RPC, profiles and metrics besides.
type parts struct {
	settings  *config.Config
	log       logger
	signer    *signer
	node      *p2p.NodeKey
	blocks    *store.BlockStore
	states    state.Store
	state     state.State
	conns     *conns
	events    *types.EventBus
	mempool   *mempool.CListMempool
	consensus *consensus.State
	votes     *consensus.Reactor
	transport *p2p.MultiplexTransport
	peers     *p2p.Switch
	others    []string
	redialer  *redialer // Nil before start.
	gate      gate
	measures  measures
	networked bool
	idle      time.Duration
}

// assemble opens the databases, replays what the application is behind by, and
// puts the parts together. CometBFT panics when the replay contradicts what was
// decided; here that is an error like any other that keeps a node from starting.
func assemble(cfg Config, driver *driver, kv func(name string) KV) (p *parts, err error) {
	defer catch(&err)
	p = &parts{settings: cfg.settings(), log: newLogger(cfg.Log), conns: newConns(driver), others: cfg.Peers, measures: measure(cfg.Metrics, cfg.Peers), networked: cfg.networked(), idle: cmp.Or(cfg.Idle, idleDefault)}
	p.log.halt = driver.halt
	if p.signer, p.node, err = openSigner(cfg, driver.halted); err != nil {
		return nil, err
	}
	restored := p.signer.restored
	kv = p.gate.through(kv)
	if err := soundGenesis(cfg.Dir, kv(stateMap)); err != nil {
		return nil, err
	}
	genesis, err := types.GenesisDocFromFile(filepath.Join(cfg.Dir, genesisFile))
	if err != nil {
		return nil, err
	}
	p.blocks = store.NewBlockStore(database{kv(blocksMap)})
	p.states = state.NewStore(database{kv(stateMap)}, state.StoreOptions{DiscardABCIResponses: true})
	if err := p.takeState(cfg, driver, genesis); err != nil {
		return nil, err
	}
	if err := p.catchUp(genesis); err != nil {
		if lost := (state.ErrAppBlockHeightTooHigh{}); errors.As(err, &lost) {
			err = fmt.Errorf("%w: the state is at height %d, and they end at %d", ErrBroken, lost.AppHeight, lost.CoreHeight)
		}
		return nil, err
	}
	if err := p.robbed(cfg.Dir); err != nil {
		return nil, errors.Join(err, p.events.Stop())
	}
	err = markWAL(cfg.Dir, p.state.LastBlockHeight, p.log)
	if file := p.signer.file; err == nil && file != nil && p.alone() {
		err = passRound(cfg.Dir, p.state.LastBlockHeight, &file.LastSignState, p.log)
	}
	if err != nil {
		return nil, errors.Join(err, p.events.Stop())
	}
	pool, err := evidence.NewPool(database{kv(evidenceMap)}, p.states, p.blocks)
	if err != nil {
		return nil, err
	}
	pool.SetLogger(p.log)
	// Whoever calls the driver is who reads these settings.
	driver.company = newCompany(p.signer.public.Bytes(), p.state.Validators, p.state.NextValidators,
		func(alone bool) { cfg.pace(p.settings.Consensus, alone || !cfg.networked()) })
	p.connect(pool, cfg.networked())
	driver.syncing = p.votes.WaitSync
	driver.restored = func(height int64, at time.Time, before abci.CommitInfo) error {
		begins, err := restored.decided(settled{height, at, p.votes.WaitSync(), signedBy(p.signer.GetAddress(), before)}, p.signer.file)
		switch begins {
		case signs:
			cfg.Log.Info("the validator that was restored signs again", "above_height", height)
		case twofold:
			cfg.Log.Error("another node signs with the key of this validator, which was restored from a copy: this one follows, and signs nothing; "+
				"end one of the two for good, and start this one again if it is to stay", "height", height-1)
		case waits:
		}
		return err
	}
	if restored.holds() {
		cfg.Log.Warn("this validator was restored from a copy: it follows, and signs nothing until it has seen the others decide five blocks; " +
			"if they cannot without it, and it never signed from some height on: commonwatt key sign-from DIR HEIGHT")
	}
	return p, nil
}

// catchUp loads the chain's state and hands the application every block it does
// not have yet.
func (p *parts) catchUp(genesis *types.GenesisDoc) (err error) {
	if p.state, err = p.states.LoadFromDBOrGenesisDoc(genesis); err != nil {
		return err
	}
	if p.state.ChainID != genesis.ChainID {
		return fmt.Errorf("the genesis is of chain %q, the blocks are of %q", genesis.ChainID, p.state.ChainID)
	}
	p.events = types.NewEventBus()
	p.events.SetLogger(p.log)
	if err := p.events.Start(); err != nil {
		return err
	}
	handshaker := consensus.NewHandshaker(p.states, p.state, p.blocks, genesis)
	handshaker.SetLogger(p.log)
	handshaker.SetEventBus(p.events)
	if err := handshaker.HandshakeWithContext(context.Background(), p.conns); err != nil {
		return errors.Join(err, p.events.Stop())
	}
	p.state, err = p.states.Load()
	return err
}

// connect makes the parts that run, and lets them reach each other.
func (p *parts) connect(pool *evidence.Pool, networked bool) {
	p.mempool = mempool.NewCListMempool(p.settings.Mempool, p.conns.Mempool(), p.state.LastBlockHeight,
		mempool.WithPreCheck(state.TxPreCheck(p.state)), mempool.WithPostCheck(state.TxPostCheck(p.state)), mempool.WithMetrics(p.measures.mempool))
	p.mempool.SetLogger(p.log)
	p.mempool.EnableTxsAvailable()
	executor := state.NewBlockExecutor(p.states, p.log, p.conns.Consensus(), p.mempool, pool, p.blocks,
		state.BlockExecutorWithBlockTimeTolerance(p.settings.Consensus.BlockTimeTolerance), state.BlockExecutorWithMetrics(p.measures.state))
	// What the node was given a state of, it has no block of.
	var given int64
	if p.blocks.Height() == 0 {
		given = p.state.LastBlockHeight
	}
	p.consensus = consensus.NewState(p.settings.Consensus, p.state.Copy(), executor, p.blocks, p.mempool, pool,
		consensus.OfflineStateSyncHeight(given), consensus.StateMetrics(p.measures.consensus))
	p.consensus.SetLogger(p.log)
	p.consensus.SetPrivValidator(p.signer)

	behind := networked && (!p.alone() || len(p.others) > 0)
	p.votes = consensus.NewReactor(p.consensus, behind, consensus.ReactorMetrics(p.measures.consensus))
	p.votes.SetEventBus(p.events)
	p.network(map[string]p2p.Reactor{
		"MEMPOOL": mempool.NewReactor(p.settings.Mempool, p.mempool, behind),
		"BLOCKSYNC": blocksync.NewReactor(behind, p.settings.BlockSync.AdaptiveSync, p.state.Copy(), executor, p.blocks,
			p.blocking(), given, p.measures.blocksync),
		"CONSENSUS": p.votes,
		"EVIDENCE":  evidence.NewReactor(pool),
		"STATESYNC": p.newSnapshots(),
		"LIGHTS":    newLights(p.blocks, p.states),
	})
}

// network makes what reaches peers, with the parts that they reach.
func (p *parts) network(reactors map[string]p2p.Reactor) {
	info := p.info(reactors)
	connection := p2p.MConnConfig(p.settings.P2P)
	connection.PingInterval, connection.PongTimeout = pingInterval, pongTimeout
	p.transport = p2p.NewMultiplexTransport(info, *p.node, connection)
	p.peers = p2p.NewSwitch(p.settings.P2P, p.transport, p2p.WithMetrics(p.measures.peers))
	for name, reactor := range reactors {
		reactor.SetLogger(p.log)
		p.peers.AddReactor(name, reactor)
	}
	p.peers.SetLogger(p.log)
	p.peers.SetNodeInfo(info)
	p.peers.SetNodeKey(p.node)
	p.peers.SetAddrBook(noBook{})
}

// alone reports whether this node is the only validator, so that it need not ask
// others for blocks it does not have.
func (p *parts) alone() bool {
	_, own := p.state.Validators.GetByAddress(p.signer.GetAddress())
	return own != nil && p.state.Validators.Size() == 1
}

// blocking is this node's address when the chain cannot have gone on without it, so
// that it need not wait until it has caught up, and nobody's otherwise. One that was
// restored from before others joined would go on by itself: with peers it asks them.
func (p *parts) blocking() []byte {
	_, own := p.state.Validators.GetByAddress(p.signer.GetAddress())
	if own == nil || 3*own.VotingPower < p.state.Validators.TotalVotingPower() || p.alone() && len(p.others) > 0 {
		return nil
	}
	return own.Address
}

// proven reports whether the last block's header holds the hash of the state after
// it: whether that block changed nothing.
func (p *parts) proven() bool {
	last := p.blocks.LoadBlockMeta(p.state.LastBlockHeight)
	return last != nil && bytes.Equal(last.Header.AppHash, p.state.AppHash)
}

// info is how the node introduces itself to peers.
func (p *parts) info(reactors map[string]p2p.Reactor) p2p.DefaultNodeInfo {
	var channels []byte
	for _, reactor := range reactors {
		for _, channel := range reactor.GetChannels() {
			channels = append(channels, channel.ID)
		}
	}
	slices.Sort(channels)
	address := p.settings.P2P.ExternalAddress
	if address == "" {
		address = p.settings.P2P.ListenAddress
	}
	return p2p.DefaultNodeInfo{
		ProtocolVersion: p2p.NewProtocolVersion(version.P2PProtocol,
			p.state.Version.Consensus.Block, p.state.Version.Consensus.App),
		DefaultNodeID: p.node.ID(),
		Network:       p.state.ChainID,
		Version:       version.TMCoreSemVer,
		ListenAddr:    address,
		Moniker:       string(p.node.ID()),
		Channels:      channels,
	}
}

// start runs everything. The transport only listens when it has an address; it
// can dial without.
func (p *parts) start() error {
	if r := p.signer.remote; r != nil {
		if err := r.start(p.state.ChainID, p.sayLate); err != nil {
			return err
		}
	}
	if listen := p.settings.P2P.ListenAddress; listen != "" {
		address, err := p2p.NewNetAddressString(p2p.IDAddressString(p.node.ID(), listen))
		if err != nil {
			return err
		}
		if err := p.transport.Listen(*address); err != nil {
			return err
		}
	}
	return p.dial()
}

// dial reaches for peers.
func (p *parts) dial() error {
	redialer, err := newRedialer(p.peers, p.others)
	if err != nil {
		return err
	}
	if err := p.peers.Start(); err != nil {
		return err
	}
	p.redialer = redialer
	p.redialer.start()
	return nil
}

// leave ends what reaches peers.
func (p *parts) leave() error {
	err := p.transport.Close()
	if p.peers.IsRunning() {
		err = errors.Join(p.peers.Stop(), err)
	}
	if p.redialer != nil {
		p.redialer.stop()
		p.redialer = nil
	}
	return err
}

// stop ends everything. The switch stops the reactors, of which the one of
// consensus waits for the block at hand. The mempool still asks the application
// about what waits after that, under its lock.
func (p *parts) stop() error {
	err := errors.Join(p.leave(), p.events.Stop())
	if r := p.signer.remote; r != nil {
		err = errors.Join(err, r.stop())
	}
	p.mempool.Lock()
	defer p.mempool.Unlock()
	p.gate.close()
	return errors.Join(err, trimWAL(p.settings.RootDir))
}
