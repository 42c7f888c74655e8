package chain

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/light/provider"
	"github.com/cometbft/cometbft/p2p"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/cometbft/cometbft/state"
	"github.com/cometbft/cometbft/store"
	"github.com/cometbft/cometbft/types"
)

// Channels on which nodes ask each other for light blocks, and answer.
const (
	askChannel    = byte(0x70)
	answerChannel = byte(0x71)
)

// Codes of an answer.
const (
	lightFound = iota
	lightTooHigh
	lightMissing
)

// Bounds of a question and its answer: an answer holds a header, and all validators
// with their signatures.
const (
	askBytesMax    = 1 << 10
	answerBytesMax = 4 << 20
	answerTimeMax  = 5 * time.Second
)

// lights lets nodes ask each other for light blocks: a header, the signatures under
// it and the validators. CometBFT's light client gets them over RPC, for which no
// node here opens a port.
type lights struct {
	p2p.BaseReactor
	blocks *store.BlockStore
	states state.Store

	mu    sync.Mutex
	peers map[p2p.ID]p2p.Peer
	asked map[question]chan *abci.ResponseQuery
}

// question is for a light block that a peer was asked for.
type question struct {
	peer   p2p.ID
	height int64
}

func newLights(blocks *store.BlockStore, states state.Store) *lights {
	l := &lights{blocks: blocks, states: states, peers: map[p2p.ID]p2p.Peer{}, asked: map[question]chan *abci.ResponseQuery{}}
	l.BaseReactor = *p2p.NewBaseReactor("Lights", l)
	return l
}

// GetChannels names the two channels.
func (l *lights) GetChannels() []*p2p.ChannelDescriptor {
	return []*p2p.ChannelDescriptor{
		{ID: askChannel, Priority: 2, SendQueueCapacity: 16, RecvMessageCapacity: askBytesMax, MessageType: &abci.RequestQuery{}},
		{ID: answerChannel, Priority: 2, SendQueueCapacity: 16, RecvMessageCapacity: answerBytesMax, MessageType: &abci.ResponseQuery{}},
	}
}

// AddPeer makes a peer one that can be asked.
func (l *lights) AddPeer(peer p2p.Peer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.peers[peer.ID()] = peer
}

// RemovePeer forgets a peer.
func (l *lights) RemovePeer(peer p2p.Peer, _ any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.peers, peer.ID())
}

// all returns the peers that can be asked.
func (l *lights) all() []p2p.Peer {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Values(l.peers))
}

// Receive answers a question, or hands on an answer to whoever asked; one that
// nobody waits for is dropped.
func (l *lights) Receive(e p2p.Envelope) {
	switch m := e.Message.(type) {
	case *abci.RequestQuery:
		e.Src.TrySend(p2p.Envelope{ChannelID: answerChannel, Message: l.answer(m.Height)})
	case *abci.ResponseQuery:
		l.mu.Lock()
		defer l.mu.Unlock()
		q := question{e.Src.ID(), m.Height}
		if waiting, ok := l.asked[q]; ok {
			waiting <- m
			delete(l.asked, q)
		}
	}
}

// answer says what there is at a height.
func (l *lights) answer(height int64) *abci.ResponseQuery {
	none := &abci.ResponseQuery{Height: height, Code: lightMissing}
	if height > l.blocks.Height() {
		none.Code = lightTooHigh
		return none
	}
	block, err := l.load(height)
	if err != nil {
		return none
	}
	message, err := block.ToProto()
	if err != nil {
		return none
	}
	raw, err := message.Marshal()
	if err != nil {
		return none
	}
	return &abci.ResponseQuery{Height: height, Value: raw}
}

// load reads a light block. CometBFT panics over what it cannot read.
func (l *lights) load(height int64) (block *types.LightBlock, err error) {
	defer catch(&err)
	meta, commit := l.blocks.LoadBlockMeta(height), l.blocks.LoadBlockCommit(height)
	if commit == nil {
		commit = l.blocks.LoadSeenCommit(height)
	}
	if meta == nil || commit == nil {
		return nil, provider.ErrLightBlockNotFound
	}
	validators, err := l.states.LoadValidators(height)
	if err != nil {
		return nil, err
	}
	return &types.LightBlock{SignedHeader: &types.SignedHeader{Header: &meta.Header, Commit: commit}, ValidatorSet: validators}, nil
}

// ask asks a peer.
func (l *lights) ask(ctx context.Context, peer p2p.Peer, height int64) (*types.LightBlock, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeMax)
	defer cancel()
	q, waiting := question{peer.ID(), height}, make(chan *abci.ResponseQuery, 1)
	l.mu.Lock()
	l.asked[q] = waiting
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.asked[q] == waiting {
			delete(l.asked, q)
		}
	}()
	if !peer.Send(p2p.Envelope{ChannelID: askChannel, Message: &abci.RequestQuery{Height: height}}) {
		return nil, provider.ErrNoResponse
	}
	select {
	case m := <-waiting:
		return readAnswer(m)
	case <-ctx.Done():
		return nil, provider.ErrNoResponse
	}
}

// readAnswer reads an answer.
func readAnswer(m *abci.ResponseQuery) (*types.LightBlock, error) {
	switch m.Code {
	case lightTooHigh:
		return nil, provider.ErrHeightTooHigh
	case lightMissing:
		return nil, provider.ErrLightBlockNotFound
	}
	var message cmtproto.LightBlock
	if err := message.Unmarshal(m.Value); err != nil {
		return nil, provider.ErrBadLightBlock{Reason: err}
	}
	block, err := types.LightBlockFromProto(&message)
	if err != nil {
		return nil, provider.ErrBadLightBlock{Reason: err}
	}
	return block, nil
}

// lightPeer is a peer as CometBFT's light client knows one.
type lightPeer struct {
	lights *lights
	chain  string
	peer   p2p.Peer
}

// ChainID is the chain's id.
func (p lightPeer) ChainID() string { return p.chain }

// LightBlock asks the peer for a light block, and checks that it is whole.
func (p lightPeer) LightBlock(ctx context.Context, height int64) (*types.LightBlock, error) {
	block, err := p.lights.ask(ctx, p.peer, height)
	if err != nil {
		return nil, err
	}
	if err := block.ValidateBasic(p.chain); err != nil {
		return nil, provider.ErrBadLightBlock{Reason: err}
	}
	if block.Height != height {
		return nil, provider.ErrBadLightBlock{Reason: fmt.Errorf("it is of height %d", block.Height)}
	}
	return block, nil
}

// ReportEvidence has nobody to report to: this node knows nobody yet whom it trusts.
func (lightPeer) ReportEvidence(context.Context, types.Evidence) error {
	return errors.New("chain: evidence is reported by nodes that have the blocks")
}
