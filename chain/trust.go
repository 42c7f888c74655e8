package chain

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	dbm "github.com/cometbft/cometbft-db"
	"github.com/cometbft/cometbft/light"
	"github.com/cometbft/cometbft/light/provider"
	lightdb "github.com/cometbft/cometbft/light/store/db"
	"github.com/cometbft/cometbft/p2p"
	cmtstate "github.com/cometbft/cometbft/proto/tendermint/state"
	"github.com/cometbft/cometbft/state"
	"github.com/cometbft/cometbft/types"
	"github.com/cometbft/cometbft/version"

	"github.com/commonwatt/commonwatt/proof"
)

// errExpired means that the trusted block is too old.
var errExpired = errors.New("chain: the trusted block is too old, its validators might no longer guard their keys: ask for a new invitation")

// errForked means that validators signed two blocks at one height.
var errForked = errors.New("chain: peers have different blocks at one height, both signed: find out which validators signed twice before you go on")

// trusted gives CometBFT's state sync what signed headers say. Each peer is believed
// by itself, as far as signatures lead from the trusted block to what it says: one
// that forges is left aside, and does not keep the others from being heard.
type trusted struct {
	lights  *lights
	genesis *types.GenesisDoc
	trust   proof.Trust
	log     *slog.Logger

	mu       sync.Mutex // A light client is for one goroutine.
	clients  map[p2p.ID]*light.Client
	shunned  map[p2p.ID]bool
	ended    bool
	hopeless chan error // Holds the reason why no peer can help.
}

func newTrusted(l *lights, genesis *types.GenesisDoc, trust proof.Trust, log *slog.Logger) *trusted {
	return &trusted{
		lights: l, genesis: genesis, trust: trust, log: log,
		clients: map[p2p.ID]*light.Client{}, shunned: map[p2p.ID]bool{}, hopeless: make(chan error, 1),
	}
}

// end makes every further question fail in the way that ends CometBFT's state sync.
func (t *trusted) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = true
}

// verified returns the light block at a height. Of the validators' turns to propose,
// which no header commits to, it returns what most peers say that can be true.
func (t *trusted) verified(ctx context.Context, height int64) (*types.LightBlock, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return nil, light.ErrNoWitnesses
	}
	var found []*types.LightBlock
	failed := errors.New("no peer is connected")
	for _, a := range t.askAll(ctx, height) {
		switch {
		case a.err == nil:
			t.clients[a.peer] = a.client
			found = append(found, a.block)
		case unsaid(a.err):
			failed = a.err
		default:
			failed = a.err
			t.shunned[a.peer] = true
			t.log.Warn("state sync: what a peer says of a block does not follow from the trusted one: it is not asked again",
				"peer", a.peer, "height", height, "reason", a.err)
		}
	}
	if len(found) == 0 {
		if errors.As(failed, new(light.ErrOldHeaderExpired)) {
			t.giveUp(errExpired)
		}
		return nil, fmt.Errorf("chain: the header of height %d: %w", height, failed)
	}
	for _, block := range found {
		if !bytes.Equal(block.Hash(), found[0].Hash()) {
			t.giveUp(errForked)
			return nil, errForked
		}
	}
	return mostSay(found)
}

// period is for how long the trusted block's validators are believed.
func (t *trusted) period() time.Duration {
	return time.Duration(cmp.Or(t.trust.Period, proof.PeriodDefault)) * time.Second
}

// giveUp says why no peer can help.
func (t *trusted) giveUp(reason error) {
	select {
	case t.hopeless <- reason:
	default:
	}
}

// unsaid reports whether a peer failed to say anything, rather than lied.
func unsaid(err error) bool {
	for _, reason := range []error{
		provider.ErrHeightTooHigh, provider.ErrLightBlockNotFound, provider.ErrNoResponse, light.ErrNoWitnesses,
		context.DeadlineExceeded, context.Canceled,
	} {
		if errors.Is(err, reason) {
			return true
		}
	}
	return errors.As(err, new(light.ErrOldHeaderExpired))
}

// answered is what a peer answered.
type answered struct {
	peer   p2p.ID
	client *light.Client
	block  *types.LightBlock
	err    error
}

// askAll asks all peers at once.
func (t *trusted) askAll(ctx context.Context, height int64) (all []answered) {
	answers, asked := make(chan answered), 0
	for _, peer := range t.lights.all() {
		if !t.shunned[peer.ID()] {
			client := t.clients[peer.ID()]
			asked++
			go func() {
				a := answered{peer: peer.ID(), client: client}
				a.err = t.askOne(ctx, peer, height, &a)
				answers <- a
			}()
		}
	}
	for range asked {
		all = append(all, <-answers)
	}
	return all
}

// askOne asks a peer, and makes the light client that believes it from the trusted
// block on. A light client wants another peer to compare with: it gets the same one,
// the comparison is ours to make. What it says when a peer has nothing to say is of
// no use, so that is asked for first.
func (t *trusted) askOne(ctx context.Context, peer p2p.Peer, height int64, a *answered) (err error) {
	from := lightPeer{t.lights, t.genesis.ChainID, peer}
	if a.client == nil {
		if _, err := from.LightBlock(ctx, t.trust.Height); err != nil {
			return err
		}
		a.client, err = light.NewClient(ctx, from.chain, light.TrustOptions{Period: t.period(), Height: t.trust.Height, Hash: t.trust.Hash[:]},
			from, []provider.Provider{from}, lightdb.New(dbm.NewMemDB(), ""))
		if err != nil {
			return err
		}
	}
	if _, err := from.LightBlock(ctx, height); err != nil {
		return err
	}
	a.block, err = a.client.VerifyLightBlockAtHeight(ctx, height, time.Now())
	return err
}

// mostSay returns the light block with the validators' priorities that most say, of
// those by which the block's proposer had its turn.
func mostSay(blocks []*types.LightBlock) (*types.LightBlock, error) {
	var best *types.LightBlock
	count, most, tie := map[string]int{}, 0, false
	for _, block := range blocks {
		if !turned(block) {
			continue
		}
		key := fmt.Sprint(block.ValidatorSet)
		count[key]++
		switch {
		case count[key] > most:
			best, most, tie = block, count[key], false
		case count[key] == most:
			tie = true
		}
	}
	if best == nil || tie {
		return nil, errors.New("chain: peers differ on whose turn it is to propose")
	}
	return best, nil
}

// turned reports whether a block's proposer had its turn in a round up to the one in
// which the block was signed.
func turned(block *types.LightBlock) bool {
	validators := block.ValidatorSet.Copy()
	for range min(block.Commit.Round, 100) + 1 {
		if bytes.Equal(validators.GetProposer().Address, block.ProposerAddress) {
			return true
		}
		validators.IncrementProposerPriority(1)
	}
	return false
}

// AppHash returns the hash of the state after a block, and makes sure that what else
// a node needs to go on from there can be had.
func (t *trusted) AppHash(ctx context.Context, height uint64) ([]byte, error) {
	proven, err := t.proven(ctx, int64(height)) //nolint:gosec // one that is not there is not found
	return proven.AppHash, err
}

func (t *trusted) proven(ctx context.Context, height int64) (Proven, error) {
	own, err := t.verified(ctx, height)
	if err != nil {
		return Proven{}, err
	}
	next, err := t.verified(ctx, height+1)
	if err != nil {
		return Proven{}, err
	}
	if _, err := t.verified(ctx, height+provenAfter); err != nil {
		return Proven{}, err
	}
	return Proven{Height: height, Time: own.Time.Unix(), AppHash: next.AppHash}, nil
}

// Commit returns the signatures under a block.
func (t *trusted) Commit(ctx context.Context, height uint64) (*types.Commit, error) {
	block, err := t.verified(ctx, int64(height)) //nolint:gosec // AppHash found it
	if err != nil {
		return nil, err
	}
	return block.Commit, nil
}

// State returns the chain's state after a block. What validators are bound to besides
// is the genesis's: nothing changes it, and the header says so.
func (t *trusted) State(ctx context.Context, height uint64) (s state.State, err error) {
	var blocks [provenAfter + 1]*types.LightBlock
	for i := range blocks {
		if blocks[i], err = t.verified(ctx, int64(height)+int64(i)); err != nil { //nolint:gosec // AppHash found it
			return s, err
		}
	}
	last, now, next := blocks[0], blocks[1], blocks[2]
	params := t.genesis.ConsensusParams
	if !bytes.Equal(params.Hash(), now.ConsensusHash) {
		return s, errors.New("chain: the header's parameters are not the genesis's")
	}
	return state.State{
		ChainID:         t.genesis.ChainID,
		InitialHeight:   t.genesis.InitialHeight,
		Version:         cmtstate.Version{Consensus: now.Version, Software: version.TMCoreSemVer},
		LastBlockHeight: last.Height, LastBlockTime: last.Time, LastBlockID: last.Commit.BlockID,
		AppHash: now.AppHash, LastResultsHash: now.LastResultsHash,
		LastValidators: last.ValidatorSet, Validators: now.ValidatorSet, NextValidators: next.ValidatorSet,
		LastHeightValidatorsChanged: next.Height,
		ConsensusParams:             *params, LastHeightConsensusParamsChanged: now.Height,
	}, nil
}
