package chain

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync/atomic"
	"time"

	"github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/p2p"
	ssproto "github.com/cometbft/cometbft/proto/tendermint/statesync"
	"github.com/cometbft/cometbft/state"
	"github.com/cometbft/cometbft/statesync"
	"github.com/cometbft/cometbft/types"
)

// How long peers are given to say what snapshots they have, which is the least that
// CometBFT takes; and to connect and say so before blocks are fetched instead.
const (
	discoverTime = 5 * time.Second
	discoverMax  = 2 * discoverTime
)

// stallMax is how long a snapshot may stand still before another one is tried.
const stallMax = 3 * answerTimeMax

// ErrCancelled means that the start was cancelled while the state was being taken in.
// The next start begins with that again.
var ErrCancelled = errors.New("chain: cancelled while the state of other nodes was being taken in; the next start begins with that again")

// syncing is the part of a node that takes in the state of others, before anything
// else of it runs.
type syncing struct {
	*statesync.Reactor
	heard atomic.Bool // That a peer has a snapshot.
}

// Receive notes whether there are snapshots.
func (s *syncing) Receive(e p2p.Envelope) {
	if _, ok := e.Message.(*ssproto.SnapshotsResponse); ok {
		s.heard.Store(true)
	}
	s.Reactor.Receive(e)
}

// newSnapshots makes the part that gives and takes snapshots.
func (p *parts) newSnapshots() *statesync.Reactor {
	reactor := statesync.NewReactor(*p.settings.StateSync, p.conns.Snapshot(), p.conns.Query(), statesync.NopMetrics())
	reactor.SetLogger(p.log)
	return reactor
}

// takeState begins a node that has nothing yet with the state of other nodes, when it
// is to. When none of them has a snapshot, it leaves all as it is.
func (p *parts) takeState(cfg Config, driver *driver, genesis *types.GenesisDoc) error {
	begun, err := p.states.Load()
	if err != nil || cfg.Trust == nil || begun.LastBlockHeight > 0 || p.blocks.Height() > 0 {
		return err
	}
	if p.state, err = state.MakeGenesisState(genesis); err != nil {
		return err
	}
	lights := newLights(p.blocks, p.states)
	trusted := newTrusted(lights, genesis, *cfg.Trust, cfg.Log)
	driver.taking.proven = func(height int64) (Proven, bool) {
		ctx, cancel := context.WithTimeout(context.Background(), discoverMax)
		defer cancel()
		proven, err := trusted.proven(ctx, height)
		return proven, err == nil
	}
	in := &syncing{Reactor: p.newSnapshots()}
	p.network(map[string]p2p.Reactor{"STATESYNC": in, "LIGHTS": lights})
	if err := p.dial(); err != nil {
		return errors.Join(err, p.leave())
	}
	got, err := p.take(cfg, driver, in, trusted)
	driver.endTaking()
	p.log.quiet.Store(true)
	defer p.log.quiet.Store(false)
	if err := errors.Join(err, p.leave()); err != nil || got == nil {
		return err
	}
	if err := p.states.Bootstrap(got.state); err != nil {
		return err
	}
	return p.blocks.SaveSeenCommit(got.state.LastBlockHeight, got.commit)
}

// given is what peers gave, besides the application's state.
type given struct {
	state  state.State
	commit *types.Commit
	err    error
}

// take takes in the best snapshot that stands up to what is proven; nil when peers
// have none.
func (p *parts) take(cfg Config, driver *driver, in *syncing, trusted *trusted) (*given, error) {
	done := make(chan given, 1)
	go func() {
		var t given
		t.state, t.commit, t.err = in.Sync(trusted, discoverTime)
		done <- t
	}()
	// CometBFT looks for snapshots for ever. One from nobody, of a height at which
	// nothing can be verified any more, makes it end.
	end := func() {
		trusted.end()
		in.Reactor.Receive(p2p.Envelope{Src: nobody{}, ChannelID: statesync.SnapshotChannel, Message: &ssproto.SnapshotsResponse{
			Height: math.MaxInt64 - provenAfter, Chunks: 1, Hash: []byte{0},
		}})
	}
	look, stall := time.NewTicker(discoverMax), time.NewTicker(answerTimeMax)
	defer look.Stop()
	defer stall.Stop()
	for {
		select {
		case t := <-done:
			if t.err != nil {
				return nil, fmt.Errorf("state sync: %w", t.err)
			}
			return &t, nil
		case err := <-trusted.hopeless:
			end()
			return nil, err
		case <-cfg.Cancel:
			end()
			return nil, ErrCancelled
		case <-stall.C:
			// CometBFT waits two minutes for a chunk, even when it asks nobody any more.
			if s, next, ok := driver.taking.stalled(); ok {
				in.Reactor.Receive(p2p.Envelope{Src: nobody{}, ChannelID: statesync.ChunkChannel, Message: &ssproto.ChunkResponse{
					Height: uint64(s.Height), Format: s.Format, Index: next, Chunk: []byte{0}, //nolint:gosec // heights are ≥ 0
				}})
			}
		case <-look.C:
			if p.noSnapshots(cfg.Log, in) {
				end()
				return nil, nil
			}
		}
	}
}

// noSnapshots reports whether peers are there and have no snapshots.
func (p *parts) noSnapshots(log *slog.Logger, in *syncing) bool {
	switch {
	case in.heard.Load():
	case p.peers.Peers().Size() == 0:
		log.Warn("state sync: no peer is reached yet", "peers", p.others)
	default:
		log.Warn("state sync: no peer has a snapshot: blocks are fetched from the first one on")
		return true
	}
	return false
}

// nobody is a peer that is not there.
type nobody struct{ p2p.Peer }

// ID is a name that no peer has.
func (nobody) ID() p2p.ID { return "nobody" }

// String is its name, too.
func (nobody) String() string { return "nobody" }

// stateSyncSettings are CometBFT's for snapshots: who does not answer soon is passed
// over for another.
func stateSyncSettings(s *config.StateSyncConfig) {
	s.ChunkRequestTimeout = answerTimeMax
	s.ChunkFetchers = 4
}
